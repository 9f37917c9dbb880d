/* Association against a dense solve, and by eye. */
#include "scoring/association.h"

#include <math.h>
#include <omp.h>

#include "views_gen.h"

enum { NMAX = 24 };

static bool is_seed(const wr_seeds *s, uint32_t v)
{
    return s->category[v] >= 0 && s->kind[s->category[v]] != WR_CATEGORY_SERVICE;
}

/* q[u][v] of the definition, from the transfers. */
static void dense_q(double q[NMAX][NMAX], uint32_t n, const views_row *row, uint64_t m,
                    bool by_value)
{
    double value[NMAX][NMAX] = {{0}};
    bool met[NMAX][NMAX] = {{0}};
    for (uint64_t i = 0; i < m; i++)
        if (row[i].from != row[i].to) {
            value[row[i].from][row[i].to] += row[i].value;
            value[row[i].to][row[i].from] += row[i].value;
            met[row[i].from][row[i].to] = met[row[i].to][row[i].from] = true;
        }
    for (uint32_t u = 0; u < n; u++) {
        double sum = 0;
        for (uint32_t v = 0; v < n; v++) {
            q[u][v] = by_value ? sqrt(value[u][v]) : met[u][v];
            sum += q[u][v];
        }
        for (uint32_t v = 0; v < n && sum > 0; v++)
            q[u][v] /= sum;
    }
}

/* The fixed point by 500 plain Gauss-Seidel sweeps in double. */
static void reference(double *a, double q[NMAX][NMAX], const wr_views *vw,
                      const wr_seeds *s, double damping)
{
    double h[NMAX] = {0};
    bool hub[NMAX];
    for (uint32_t u = 0; u < s->n; u++) {
        hub[u] = wr_views_is_hub(vw, u) && !is_seed(s, u);
        for (uint32_t v = 0; v < s->n; v++)
            hub[u] = hub[u] && !(q[u][v] > 0 && wr_views_is_hub(vw, v));
    }
    for (int sweep = 0; sweep < 500; sweep++)
        for (uint32_t u = 0; u < s->n; u++) {
            double sum = 0;
            for (uint32_t v = 0; v < s->n; v++)
                sum += q[u][v] * h[v];
            h[u] = is_seed(s, u) ? 1 : (hub[u] ? 1 : damping) * sum;
        }
    for (uint32_t u = 0; u < s->n; u++) {
        double back = 0;
        for (uint32_t v = 0; v < s->n; v++)
            back += q[u][v] * q[v][u];
        a[u] = is_seed(s, u) || hub[u] ? h[u]
               : back > 1 - 1e-12      ? h[u] > 0
                                       : fmin(1, h[u] / (1 - back));
    }
}

static void test_association__dense_reference(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 1500; seed++) {
        wr_rng r = {.s = seed};
        uint32_t n = 2 + (uint32_t)wr_rng_below(&r, NMAX - 2);
        uint64_t m = 1 + wr_rng_below(&r, 50);
        views_row row[64];
        for (uint64_t i = 0; i < m; i++)
            row[i] = (views_row){(wr_vid)wr_rng_below(&r, n), (wr_vid)wr_rng_below(&r, n),
                                 (uint32_t)i, 1 + (double)wr_rng_below(&r, 100)};
        views_gen g;
        wr_seeds s;
        views_gen_init(&g, n, row, m);
        views_seeds_init(&s, n, 3);
        for (uint32_t v = 0; v < n; v++)
            if (wr_rng_below(&r, 5) == 0)
                s.category[v] = (int8_t)wr_rng_below(&r, 3);
        if (seed % 3 == 0) {
            g.hub_bits[0] = wr_rng_u64(&r);
            g.hub_bits[0] &= wr_rng_u64(&r); /* one in four */
            g.vw.hub_bits = g.hub_bits;
        }
        wr_association_opts o = WR_ASSOCIATION_OPTS_INIT;
        o.eps = 1e-12;
        o.max_step = 1000;
        double got[2][NMAX], want[NMAX], q[NMAX][NMAX];
        wr_association_report rep;
        assert_ok(wr_association(got[0], got[1], &rep, &g.vw, &s, &o, &err));
        assert_true(rep.bound <= o.eps);
        for (int k = 0; k < 2; k++) {
            dense_q(q, n, row, m, k == 1);
            reference(want, q, &g.vw, &s, o.damping);
            for (uint32_t v = 0; v < n; v++)
                if (!(fabs(got[k][v] - want[v]) <= 1e-6))
                    fail_msg("seed %llu column %d vertex %u: %.9g, want %.9g",
                             (unsigned long long)seed, k, v, got[k][v], want[v]);
        }
        wr_seeds_release(&s);
        views_gen_release(&g);
    }
}

static void test_association__leaves_are_no_alibi(void **state)
{
    (void)state; /* 0 bad - 1; 1 has leaves 2, 3: each of them only steps back */
    views_row row[] = {{0, 1, 1, 4}, {2, 1, 1, 4}, {1, 3, 1, 4}};
    views_gen g;
    wr_seeds s;
    double a[4], none[4];
    views_gen_init(&g, 4, row, 3);
    views_seeds_init(&s, 4, 3);
    s.category[0] = 0;
    wr_association_opts o = WR_ASSOCIATION_OPTS_INIT;
    o.eps = 1e-12;
    assert_ok(wr_association(a, NULL, NULL, &g.vw, &s, &o, &err));
    double h = 0.85 / 3 / (1 - 0.85 * 0.85 * 2 / 3); /* h1 = .85/3 (1 + 2 .85 h1) */
    assert_true(a[0] == 1.0);
    assert_true(fabs(a[1] - fmin(1, h / (1 - 1.0))) < 1e-9); /* all three only know 1 */
    assert_true(fabs(a[2] - 0.85 * h / (1 - 1.0 / 3)) < 1e-9);
    s.category[0] = 2; /* a service is no seed */
    assert_ok(wr_association(a, none, NULL, &g.vw, &s, &o, &err));
    for (int v = 0; v < 4; v++)
        assert_true(a[v] == 0.0 && none[v] == 0.0);
    o.kinds = 1u << WR_CATEGORY_SERVICE; /* unless asked for */
    assert_ok(wr_association(a, NULL, NULL, &g.vw, &s, &o, &err));
    assert_true(a[0] == 1.0 && a[2] > 0.0);
    wr_seeds_release(&s);
    views_gen_release(&g);
}

static void test_association__same_bits_for_any_thread_count(void **state)
{
    (void)state;
    enum { N = 5000 };
    views_gen g;
    wr_seeds s;
    views_gen_random(&g, &s, N, 15000, 3, 4);
    double *want = wr_calloc(N, 2 * sizeof *want);
    double *a = wr_calloc(N, 2 * sizeof *a);
    wr_association_opts o = WR_ASSOCIATION_OPTS_INIT;
    o.eps = 1e-3;
    int before = omp_get_max_threads();
    omp_set_num_threads(1);
    assert_ok(wr_association(want, want + N, NULL, &g.vw, &s, &o, &err));
    for (int threads = 2; threads <= 8; threads *= 2) {
        omp_set_num_threads(threads);
        assert_ok(wr_association(a, a + N, NULL, &g.vw, &s, &o, &err));
        assert_memory_equal(a, want, 2 * (size_t)N * sizeof *a);
    }
    omp_set_num_threads(before);
    wr_free(want);
    wr_free(a);
    wr_seeds_release(&s);
    views_gen_release(&g);
}

static void test_association__empty_and_one(void **state)
{
    (void)state;
    for (uint32_t n = 0; n <= 1; n++) {
        views_gen g;
        wr_seeds s;
        double a[1] = {7}, b[1] = {7};
        views_gen_init(&g, n, (views_row[1]){{0}}, 0);
        views_seeds_init(&s, n, 1);
        wr_association_opts o = WR_ASSOCIATION_OPTS_INIT;
        assert_ok(wr_association(a, b, NULL, &g.vw, &s, &o, &err));
        assert_true(a[0] == (n ? 0 : 7) && b[0] == a[0]);
        assert_ok(wr_association(NULL, NULL, NULL, &g.vw, &s, &o, &err));
        wr_seeds_release(&s);
        views_gen_release(&g);
    }
}

static void test_association__errors(void **state)
{
    (void)state;
    views_gen g;
    wr_seeds s;
    double a[50], b[50];
    views_gen_random(&g, &s, 50, 90, 3, 4);
    const wr_association_opts good = WR_ASSOCIATION_OPTS_INIT;
    wr_association_opts o = good;
    o.damping = 1;
    assert_err(WR_EINVAL, wr_association(a, b, NULL, &g.vw, &s, &o, &err));
    o = good;
    o.eps = -1;
    assert_err(WR_EINVAL, wr_association(a, b, NULL, &g.vw, &s, &o, &err));
    o = good;
    o.max_step = 0;
    assert_err(WR_EINVAL, wr_association(a, b, NULL, &g.vw, &s, &o, &err));
    wr_seeds other = s;
    other.n = 49;
    wr_err e = {0};
    assert_int_equal(wr_association(a, b, NULL, &g.vw, &other, &good, &e), WR_EINVAL);
    assert_string_equal(e.msg, "labels for 49 vertices, graph has 50");
    atomic_bool stop = true;
    wr_progress pg = {.stop = &stop};
    o = good;
    o.pg = &pg;
    assert_err(WR_ESTOPPED, wr_association(a, b, NULL, &g.vw, &s, &o, &err));
    assert_oom_safe(wr_association(a, b, NULL, &g.vw, &s, &good, &err));
    wr_seeds_release(&s);
    views_gen_release(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_association__dense_reference),
        wr_unit_test(test_association__leaves_are_no_alibi),
        wr_unit_test(test_association__same_bits_for_any_thread_count),
        wr_unit_test(test_association__empty_and_one),
        wr_unit_test(test_association__errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
