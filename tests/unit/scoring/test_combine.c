/* The combination against its formula written out over transfers; the beta-binomial fit
 * against a scan of its likelihood and against data of known concentration. */
#include "scoring/combine.h"

#include <math.h>
#include <omp.h>

#include "scoring/betabin_int.h"
#include "views_gen.h"

/* ---- the fit ---- */

/* log likelihood from the definition, factor by factor (no gamma function). */
static double slow_likelihood(const wr_group *g, uint32_t n, double rate, double alpha)
{
    double sum = 0;
    for (uint32_t w = 0; w < n; w++) {
        if (g[w].members < 2)
            continue;
        for (uint32_t i = 0; i < g[w].bad; i++)
            sum += log(alpha * rate + i);
        for (uint32_t i = 0; i < g[w].members - g[w].bad; i++)
            sum += log(alpha * (1 - rate) + i);
        for (uint32_t i = 0; i < g[w].members; i++)
            sum -= log(alpha + i);
    }
    return sum;
}

static void test_betabin_fit__beats_every_other_concentration(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        wr_rng r = {.s = seed};
        wr_group g[60];
        double bad = 0, members = 0, alpha;
        double mix = wr_rng_unit(&r); /* 0: all groups alike, 1: all or nothing */
        for (int w = 0; w < 60; w++) {
            g[w] = (wr_group){0, (uint32_t)wr_rng_below(&r, 30)};
            double rate = wr_rng_unit(&r) < mix ? (double)wr_rng_below(&r, 2) : 0.3;
            for (uint32_t i = 0; i < g[w].members; i++)
                g[w].bad += wr_rng_unit(&r) < rate;
            bad += g[w].members > 1 ? g[w].bad : 0;
            members += g[w].members > 1 ? g[w].members : 0;
        }
        assert_ok(wr_betabin_fit(&alpha, g, 60, bad / members, &err));
        assert_true(alpha >= exp(-6.001) && alpha <= exp(8.001));
        double best = slow_likelihood(g, 60, bad / members, alpha);
        for (int quarter = -24; quarter <= 32; quarter++)
            assert_true(slow_likelihood(g, 60, bad / members, exp(quarter / 4.0)) <=
                        best + 1e-6);
    }
}

static void test_betabin_fit__finds_a_known_concentration(void **state)
{
    (void)state; /* alpha 2, rate 1/2: the rate of a group is uniform on [0, 1] */
    enum { GROUPS = 4000 };
    wr_rng r = {.s = 8};
    wr_group *g = wr_calloc(GROUPS, sizeof *g);
    for (int w = 0; w < GROUPS; w++) {
        double rate = wr_rng_unit(&r);
        g[w].members = 20;
        for (int i = 0; i < 20; i++)
            g[w].bad += wr_rng_unit(&r) < rate;
    }
    double alpha;
    assert_ok(wr_betabin_fit(&alpha, g, GROUPS, 0.5, &err));
    assert_true(fabs(alpha - 2) < 0.15);
    assert_oom_safe(wr_betabin_fit(&alpha, g, GROUPS, 0.5, &err));
    wr_free(g);
}

/* ---- the combination ---- */

enum { NMAX = 30 };

typedef struct world {
    uint32_t n;
    bool paid[NMAX][NMAX];
    bool bad[NMAX], hub[NMAX];
} world;

static void world_of(world *x, const views_gen *g, const wr_seeds *s)
{
    *x = (world){.n = s->n};
    for (wr_vid v = 0; v < s->n; v++) {
        x->bad[v] = s->category[v] >= 0 && s->kind[s->category[v]] != WR_CATEGORY_SERVICE;
        x->hub[v] = wr_views_is_hub(&g->vw, v);
        for (uint64_t i = g->vw.out.off[v]; i < g->vw.out.off[v + 1ULL]; i++)
            x->paid[v][g->vw.out.nbr[i]] = true;
    }
}

/* Does w hold v in its group?  receiving: w paid v; sending: v paid w. */
static bool in_group(const world *x, int d, uint32_t w, uint32_t v)
{
    return !x->hub[v] && (d == WR_RECEIVING ? x->paid[w][v] : x->paid[v][w]);
}

static double contacts(const world *x, int d, uint32_t v, double *all)
{
    double sum = 0;
    *all = 0;
    for (uint32_t u = 0; u < x->n; u++) {
        if (!(d == WR_RECEIVING ? x->paid[u][v] : x->paid[v][u]))
            continue;
        *all += 1;
        if (!x->hub[u]) {
            sum += x->bad[u];
            continue;
        }
        double bad = 0, behind = 0;
        for (uint32_t k = 0; k < x->n; k++)
            if (in_group(x, 1 - d, u, k)) {
                behind++;
                bad += k != v && x->bad[k];
            }
        sum += behind > 0 ? bad / behind : 0;
    }
    return sum;
}

static double contact_rate(const world *x, int d)
{
    double of_all = 0, all = 0, of_bad = 0, bad = 0, some;
    for (uint32_t v = 0; v < x->n; v++) {
        if (x->hub[v])
            continue;
        double c = contacts(x, d, v, &some);
        of_all += c;
        all += some;
        of_bad += x->bad[v] ? c : 0;
        bad += x->bad[v] ? some : 0;
    }
    return of_all > 0 ? fmax(0, log((of_bad + of_all / all) / (bad + 1) / (of_all / all)))
                      : 0;
}

static double groups(const world *x, int d, uint32_t v, double rate, double alpha)
{
    double sum = 0;
    for (uint32_t w = 0; w < x->n && rate > 0; w++) {
        double others = 0, bad = 0;
        for (uint32_t u = 0; u < x->n; u++)
            if (u != v && in_group(x, d, w, u)) {
                others++;
                bad += x->bad[u];
            }
        if (in_group(x, d, w, v) && others > 0)
            sum += log((bad + alpha * rate) / (others + alpha) / rate);
    }
    return sum;
}

static double doubt_of(const world *x, double rate[2])
{
    double bad = 1, members = 2;
    for (int d = 0; d < 2; d++) {
        double b = 0, m = 0;
        for (uint32_t w = 0; w < x->n; w++) {
            double gb = 0, gm = 0;
            for (uint32_t v = 0; v < x->n; v++)
                if (in_group(x, d, w, v)) {
                    gm++;
                    gb += x->bad[v];
                }
            b += gm > 1 ? gb : 0;
            m += gm > 1 ? gm : 0;
        }
        rate[d] = b > 0 && b < m ? b / m : 0;
        bad += b;
        members += m;
    }
    return bad / members;
}

static void check_world(const views_gen *g, const wr_seeds *s, const wr_combine_input *in,
                        uint64_t seed)
{
    world x;
    double total[NMAX], rate[2];
    wr_evidence part[NMAX];
    wr_combine_report rep;
    world_of(&x, g, s);
    double doubt = doubt_of(&x, rate);
    assert_ok(wr_combine(total, part, &rep, &g->vw, s, in, &err));
    for (int d = 0; d < 2; d++) {
        assert_true(fabs(rep.group_rate[d] - rate[d]) < 1e-12);
        assert_true(fabs(rep.contact_nats[d] - contact_rate(&x, d)) < 1e-9);
    }
    for (uint32_t v = 0; v < x.n; v++) {
        double some, want[5] = {0};
        if (!x.hub[v]) {
            want[0] = groups(&x, WR_RECEIVING, v, rate[0], rep.concentration[0]);
            want[1] = groups(&x, WR_SENDING, v, rate[1], rep.concentration[1]);
            for (int d = 0; d < 2; d++)
                want[2] += rep.contact_nats[d] * contacts(&x, d, v, &some);
            want[3] = x.bad[v] ? 0 : log((1 + doubt) / (1 - in->association[v] + doubt));
            want[4] = log((1 + doubt) / (1 - in->received[v] + doubt));
        }
        double got[5] = {(double)part[v].payers, (double)part[v].payees,
                         (double)part[v].contact, (double)part[v].association,
                         (double)part[v].exposure};
        double sum = 0;
        for (int k = 0; k < 5; k++) {
            sum += want[k];
            if (!(fabs(got[k] - want[k]) < 1e-4))
                fail_msg("seed %llu vertex %u part %d: %g, want %g",
                         (unsigned long long)seed, v, k, got[k], want[k]);
        }
        assert_true(fabs(total[v] - sum) < 1e-9);
    }
}

static void test_combine__formula_written_out(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 1000; seed++) {
        wr_rng r = {.s = seed};
        uint32_t n = 2 + (uint32_t)wr_rng_below(&r, NMAX - 2);
        uint64_t m = 1 + wr_rng_below(&r, 70);
        views_row row[80];
        double share[NMAX], near[NMAX];
        for (uint64_t i = 0; i < m; i++)
            row[i] = (views_row){(wr_vid)wr_rng_below(&r, n), (wr_vid)wr_rng_below(&r, n),
                                 (uint32_t)i, 1};
        views_gen g;
        wr_seeds s;
        views_gen_init(&g, n, row, m);
        views_seeds_init(&s, n, 3);
        if (seed % 3 == 0) {
            g.hub_bits[0] = wr_rng_u64(&r);
            g.hub_bits[0] &= wr_rng_u64(&r); /* one in four */
            g.vw.hub_bits = g.hub_bits;
        }
        for (uint32_t v = 0; v < n; v++) {
            share[v] = wr_rng_below(&r, 3) ? 0 : wr_rng_unit(&r);
            near[v] = wr_rng_below(&r, 9) ? wr_rng_unit(&r) : 1;
            if (wr_rng_below(&r, 4) == 0 && !wr_views_is_hub(&g.vw, v))
                s.category[v] = (int8_t)wr_rng_below(&r, 3);
        }
        wr_combine_input in = WR_COMBINE_INPUT_INIT;
        in.association = near;
        in.received = share;
        check_world(&g, &s, &in, seed);
        wr_seeds_release(&s);
        views_gen_release(&g);
    }
}

static void test_combine__nothing_known_is_zero(void **state)
{
    (void)state;
    for (uint32_t n = 0; n <= 3; n++) {
        views_row row[] = {{0, 1, 1, 1}, {0, 2, 1, 1}};
        views_gen g;
        wr_seeds s;
        double total[3] = {7, 7, 7};
        views_gen_init(&g, n, row, n == 3 ? 2 : 0);
        views_seeds_init(&s, n, 1);
        wr_combine_input in = WR_COMBINE_INPUT_INIT;
        assert_ok(wr_combine(total, NULL, NULL, &g.vw, &s, &in, &err));
        for (uint32_t v = 0; v < 3; v++)
            assert_true(total[v] == (v < n ? 0 : 7));
        wr_seeds_release(&s);
        views_gen_release(&g);
    }
}

static void test_combine__same_bits_for_any_thread_count(void **state)
{
    (void)state;
    enum { N = 5000 };
    views_gen g;
    wr_seeds s;
    views_gen_random(&g, &s, N, 15000, 3, 9);
    double *want = wr_calloc(N, sizeof *want), *got = wr_calloc(N, sizeof *got);
    wr_combine_input in = WR_COMBINE_INPUT_INIT;
    int before = omp_get_max_threads();
    omp_set_num_threads(1);
    assert_ok(wr_combine(want, NULL, NULL, &g.vw, &s, &in, &err));
    for (int threads = 2; threads <= 8; threads *= 2) {
        omp_set_num_threads(threads);
        assert_ok(wr_combine(got, NULL, NULL, &g.vw, &s, &in, &err));
        assert_memory_equal(got, want, N * sizeof *got);
    }
    omp_set_num_threads(before);
    wr_free(want);
    wr_free(got);
    wr_seeds_release(&s);
    views_gen_release(&g);
}

static void test_combine__errors(void **state)
{
    (void)state;
    views_gen g;
    wr_seeds s;
    double total[60], column[60] = {0};
    views_gen_random(&g, &s, 60, 200, 3, 9);
    wr_combine_input in = WR_COMBINE_INPUT_INIT;
    column[7] = 1.5;
    in.received = column;
    wr_err e = {0};
    assert_int_equal(wr_combine(total, NULL, NULL, &g.vw, &s, &in, &e), WR_EINVAL);
    assert_string_equal(e.msg, "received share 1.5 of vertex 7 not in [0,1]");
    in.received = NULL;
    in.sent = column;
    assert_err(WR_EINVAL, wr_combine(total, NULL, NULL, &g.vw, &s, &in, &err));
    in.sent = NULL;
    in.association = column;
    column[7] = (double)NAN;
    assert_err(WR_EINVAL, wr_combine(total, NULL, NULL, &g.vw, &s, &in, &err));
    in.association = NULL;
    wr_seeds other = s;
    other.n = 59;
    assert_err(WR_EINVAL, wr_combine(total, NULL, NULL, &g.vw, &other, &in, &err));
    assert_oom_safe(wr_combine(total, NULL, NULL, &g.vw, &s, &in, &err));
    wr_seeds_release(&s);
    views_gen_release(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_betabin_fit__beats_every_other_concentration),
        wr_unit_test(test_betabin_fit__finds_a_known_concentration),
        wr_unit_test(test_combine__formula_written_out),
        wr_unit_test(test_combine__nothing_known_is_zero),
        wr_unit_test(test_combine__same_bits_for_any_thread_count),
        wr_unit_test(test_combine__errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
