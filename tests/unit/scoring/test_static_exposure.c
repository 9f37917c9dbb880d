/*
 * Static exposure against three independent references: a dense direct solve of the
 * linear system on thousands of small random graphs (labels with dates and doubt, hubs,
 * causal mask, share of the known, both directions), igraph's PRPACK with a sink vertex,
 * and the plain kernel, bit for bit.
 */
#include "scoring/static_exposure.h"

#include <igraph/igraph.h>
#include <math.h>
#include <omp.h>

#include "dense_exposure.h"
#include "scoring/arrival.h"

static void check_against_direct(const flow_gen *g, const wr_views *vw,
                                 const wr_static_opts *o, uint64_t seed)
{
    double want[DENSE_MAX * WR_CATEGORY_MAX];
    float fast[DENSE_MAX * WR_CATEGORY_MAX], plain[DENSE_MAX * WR_CATEGORY_MAX];
    size_t cells = (size_t)g->fl.n * g->seeds.c;
    wr_static_opts op = *o;
    wr_static_report rep, rep_plain;
    op.is_plain = true;
    dense_solve(want, g, vw, o);
    assert_ok(wr_static_exposure(fast, &rep, vw, &g->seeds, o, &err));
    assert_ok(wr_static_exposure(plain, &rep_plain, vw, &g->seeds, &op, &err));
    assert_memory_equal(fast, plain, cells * sizeof *fast);
    assert_int_equal(rep.steps, rep_plain.steps);
    if (!rep.is_converged || rep.bound > o->eps)
        fail_msg("seed %llu: bound %g after %u steps", (unsigned long long)seed,
                 rep.bound, rep.steps);
    for (size_t i = 0; i < cells; i++)
        if (!(fabs((double)fast[i] - want[i]) <= o->eps + 1e-6))
            fail_msg("seed %llu cell %zu: %.9g, direct %.9g", (unsigned long long)seed, i,
                     (double)fast[i], want[i]);
}

static void test_static_exposure__direct_solve_of_random_graphs(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 3000; seed++) {
        flow_gen_opts shape = flow_gen_shape(seed);
        flow_gen g;
        views_gen vg;
        flow_gen_init(&g, seed, &shape);
        dense_views(&vg, &g);
        if (seed % 8 == 3) { /* hubs that neighbour hubs: ordinary vertices */
            vg.hub_bits[0] = seed * 0x9E3779B97F4A7C15ULL;
            vg.vw.hub_bits = vg.hub_bits;
        }
        uint32_t *hold_s = wr_calloc((size_t)g.fl.n * g.seeds.c, sizeof *hold_s);
        wr_static_opts o = WR_STATIC_OPTS_INIT;
        o.direction = seed % 2 ? WR_SENDING : WR_RECEIVING;
        o.damping = seed % 11 == 5 ? 0.0 : seed % 13 == 7 ? 0.5 : 0.85;
        o.is_known_only = seed / 2 % 2;
        o.is_label_seen_past = seed / 4 % 2;
        if (seed / 8 % 2) {
            assert_ok(wr_arrival(hold_s, &g.fl, o.direction, NULL, &err));
            o.hold_s = hold_s;
        }
        check_against_direct(&g, &vg.vw, &o, seed);
        wr_free(hold_s);
        views_gen_release(&vg);
        flow_gen_release(&g);
    }
}

/* ---- PRPACK: X_vc = sum over u in c of pi_v(u) / (1 - gamma) ---- */

/* Reversed pairs of unlabelled vertices; labelled and empty rows, and the sink, to the
 * sink: without it igraph hands dangling mass back to v and the error is 0.8. */
static void sink_graph(igraph_t *ig, igraph_vector_t *weight, const wr_pairs *p,
                       const wr_seeds *s)
{
    igraph_vector_int_t edge;
    igraph_vector_int_init(&edge, 0);
    igraph_vector_init(weight, 0);
    for (uint32_t v = 0; v < p->n; v++) {
        bool stops = s->category[v] >= 0 || p->off[v] == p->off[v + 1ULL];
        for (uint64_t i = p->off[v]; !stops && i < p->off[v + 1ULL]; i++) {
            igraph_vector_int_push_back(&edge, v);
            igraph_vector_int_push_back(&edge, p->nbr[i]);
            igraph_vector_push_back(weight, (double)p->value[i]);
        }
        if (stops) {
            igraph_vector_int_push_back(&edge, v);
            igraph_vector_int_push_back(&edge, p->n);
            igraph_vector_push_back(weight, 1);
        }
    }
    igraph_vector_int_push_back(&edge, p->n);
    igraph_vector_int_push_back(&edge, p->n);
    igraph_vector_push_back(weight, 1);
    assert_int_equal(igraph_create(ig, &edge, (igraph_integer_t)p->n + 1, true), 0);
    igraph_vector_int_destroy(&edge);
}

static void check_against_prpack(wr_direction direction)
{
    enum { N = 600, C = 5, SAMPLE = 60 };
    views_gen g;
    wr_seeds s;
    views_gen_random(&g, &s, N, 2400, C, 11 + (uint64_t)direction);
    wr_static_opts o = WR_STATIC_OPTS_INIT;
    o.direction = direction;
    float *x = wr_calloc(N, C * sizeof *x);
    assert_ok(wr_static_exposure(x, NULL, &g.vw, &s, &o, &err));

    igraph_t ig;
    igraph_vector_t weight, pi, reset;
    sink_graph(&ig, &weight, direction == WR_RECEIVING ? &g.vw.in : &g.vw.out, &s);
    igraph_vector_init(&pi, 0);
    igraph_vector_init(&reset, N + 1);
    for (uint32_t v = 0; v < N; v += N / SAMPLE) {
        igraph_real_t value;
        double want[C] = {0};
        igraph_vector_null(&reset);
        VECTOR(reset)[v] = 1;
        assert_int_equal(igraph_personalized_pagerank(&ig, IGRAPH_PAGERANK_ALGO_PRPACK,
                                                      &pi, &value, igraph_vss_all(), true,
                                                      o.damping, &reset, &weight, NULL),
                         0);
        for (uint32_t u = 0; u < N; u++)
            if (s.category[u] >= 0)
                want[s.category[u]] += VECTOR(pi)[u] / (1 - o.damping);
        for (uint32_t c = 0; c < C; c++)
            assert_true(fabs((double)x[v * C + c] - want[c]) <= 1e-6);
    }
    igraph_vector_destroy(&reset);
    igraph_vector_destroy(&pi);
    igraph_vector_destroy(&weight);
    igraph_destroy(&ig);
    wr_free(x);
    wr_seeds_release(&s);
    views_gen_release(&g);
}

static void test_static_exposure__prpack_with_sink(void **state)
{
    (void)state;
    check_against_prpack(WR_RECEIVING);
    check_against_prpack(WR_SENDING);
}

/* ---- larger graphs: threads, relabelling, widths ---- */

/* hold_s that lets about half of the vertices hold each category from some time on. */
static uint32_t *random_hold(uint32_t n, uint32_t c, uint64_t m)
{
    wr_rng r = {.s = 99};
    uint32_t *hold_s = wr_calloc((size_t)n * c, sizeof *hold_s);
    for (size_t i = 0; i < (size_t)n * c; i++)
        hold_s[i] = wr_rng_below(&r, 2) ? UINT32_MAX : (uint32_t)wr_rng_below(&r, m);
    return hold_s;
}

static void check_same_bits(uint32_t n, uint64_t m, uint32_t c, bool has_mask,
                            bool wants_relabel)
{
    views_gen g;
    wr_seeds s;
    views_gen_random(&g, &s, n, m, c, 5);
    uint32_t *hold_s = has_mask ? random_hold(n, c, m) : NULL;
    size_t cells = (size_t)n * c;
    float *want = wr_calloc(cells, sizeof *want), *x = wr_calloc(cells, sizeof *x);
    wr_static_opts o = WR_STATIC_OPTS_INIT;
    wr_static_report rep, rep_plain;
    o.hold_s = hold_s;
    o.eps = 1e-3;
    o.is_plain = true;
    assert_ok(wr_static_exposure(want, &rep_plain, &g.vw, &s, &o, &err));
    o.is_plain = false;
    int before = omp_get_max_threads();
    for (int threads = 1; threads <= 8; threads *= 2) {
        omp_set_num_threads(threads);
        assert_ok(wr_static_exposure(x, &rep, &g.vw, &s, &o, &err));
        assert_memory_equal(x, want, cells * sizeof *x);
        assert_int_equal(rep.steps, rep_plain.steps);
        assert_true(rep.bound == rep_plain.bound);
        assert_int_equal(rep.is_relabelled, wants_relabel);
    }
    omp_set_num_threads(before);
    wr_free(want);
    wr_free(x);
    wr_free(hold_s);
    wr_seeds_release(&s);
    views_gen_release(&g);
}

static void test_static_exposure__same_bits_for_any_thread_count(void **state)
{
    (void)state;
    check_same_bits(6000, 18000, 8, false, false);
    check_same_bits(6000, 18000, 3, true, false);
    check_same_bits(5000, 15000, 16, true, false);
    check_same_bits(5000, 15000, 9, false, false);
}

static void test_static_exposure__relabelling_changes_no_bit(void **state)
{
    (void)state;
    check_same_bits(200000, 700000, 8, false, true);
}

/* ---- small ones by eye, limits, errors ---- */

static void test_static_exposure__chain_by_eye(void **state)
{
    (void)state; /* 0 (bad) pays 1 all, 2 (clean leaf) pays 1 as much, 1 pays 3 */
    views_row row[] = {{0, 1, 10, 5}, {2, 1, 20, 5}, {1, 3, 30, 7}};
    views_gen g;
    wr_seeds s;
    views_gen_init(&g, 4, row, 3);
    views_seeds_init(&s, 4, 1);
    s.category[0] = 0;
    float x[4];
    wr_static_opts o = WR_STATIC_OPTS_INIT;
    assert_ok(wr_static_exposure(x, NULL, &g.vw, &s, &o, &err));
    assert_true(x[0] == 1.0f && x[2] == 0.0f);
    assert_true(fabs((double)x[1] - 0.85 * 0.5) < 1e-7);
    assert_true(fabs((double)x[3] - 0.85 * 0.85 * 0.5) < 1e-7);
    o.is_known_only = true; /* of the known, 1 received everything from 0 */
    assert_ok(wr_static_exposure(x, NULL, &g.vw, &s, &o, &err));
    assert_true(fabs((double)x[1] - 0.85) < 1e-7);
    assert_true(fabs((double)x[3] - 0.85 * 0.85) < 1e-7);
    uint32_t hold_s[4] = {0, 31, UINT32_MAX, UINT32_MAX}; /* 1 paid 3 too early */
    o.hold_s = hold_s;
    assert_ok(wr_static_exposure(x, NULL, &g.vw, &s, &o, &err));
    assert_true(x[3] == 0.0f);
    hold_s[1] = 30; /* at the very moment: allowed */
    assert_ok(wr_static_exposure(x, NULL, &g.vw, &s, &o, &err));
    assert_true(x[3] > 0.0f);
    wr_seeds_release(&s);
    views_gen_release(&g);
}

static void test_static_exposure__empty_and_one(void **state)
{
    (void)state;
    for (uint32_t n = 0; n <= 1; n++) {
        views_gen g;
        wr_seeds s;
        float x[1] = {0.5f};
        views_gen_init(&g, n, (views_row[1]){{0}}, 0);
        views_seeds_init(&s, n, 1);
        wr_static_opts o = WR_STATIC_OPTS_INIT;
        wr_static_report rep;
        assert_ok(wr_static_exposure(x, &rep, &g.vw, &s, &o, &err));
        assert_true(x[0] == (n ? 0.0f : 0.5f));
        assert_int_equal(rep.pairs, 0);
        o.is_plain = true;
        assert_ok(wr_static_exposure(x, &rep, &g.vw, &s, &o, &err));
        wr_seeds_release(&s);
        views_gen_release(&g);
    }
}

static void test_static_exposure__cap_is_reported(void **state)
{
    (void)state;
    views_gen g;
    wr_seeds s;
    views_gen_random(&g, &s, 300, 900, 2, 3);
    float x[600];
    wr_static_opts o = WR_STATIC_OPTS_INIT;
    wr_static_report rep;
    o.max_step = 1;
    assert_ok(wr_static_exposure(x, &rep, &g.vw, &s, &o, &err));
    assert_int_equal(rep.steps, 1);
    assert_false(rep.is_converged);
    assert_true(rep.bound > o.eps);
    wr_seeds_release(&s);
    views_gen_release(&g);
}

static void test_static_exposure__errors(void **state)
{
    (void)state;
    views_gen g;
    wr_seeds s;
    float x[600];
    views_gen_random(&g, &s, 300, 900, 2, 3);
    const wr_static_opts good = WR_STATIC_OPTS_INIT;
    wr_static_opts o = good;
    o.damping = 1.0;
    assert_err(WR_EINVAL, wr_static_exposure(x, NULL, &g.vw, &s, &o, &err));
    o.damping = (double)NAN;
    assert_err(WR_EINVAL, wr_static_exposure(x, NULL, &g.vw, &s, &o, &err));
    o = good;
    o.eps = 0;
    assert_err(WR_EINVAL, wr_static_exposure(x, NULL, &g.vw, &s, &o, &err));
    o = good;
    o.max_step = 0;
    assert_err(WR_EINVAL, wr_static_exposure(x, NULL, &g.vw, &s, &o, &err));
    o = good;
    o.direction = (wr_direction)7;
    assert_err(WR_EINVAL, wr_static_exposure(x, NULL, &g.vw, &s, &o, &err));
    wr_seeds other = s;
    other.n = 299;
    wr_err e = {0};
    assert_int_equal(wr_static_exposure(x, NULL, &g.vw, &other, &good, &e), WR_EINVAL);
    assert_string_equal(e.msg, "labels for 299 vertices, graph has 300");
    other = s;
    other.c = 17;
    assert_err(WR_EINVAL, wr_static_exposure(x, NULL, &g.vw, &other, &good, &err));
    atomic_bool stop = true;
    wr_progress pg = {.stop = &stop};
    o = good;
    o.pg = &pg;
    assert_err(WR_ESTOPPED, wr_static_exposure(x, NULL, &g.vw, &s, &o, &err));
    o.is_plain = true;
    assert_err(WR_ESTOPPED, wr_static_exposure(x, NULL, &g.vw, &s, &o, &err));
    wr_seeds_release(&s);
    views_gen_release(&g);
}

static void test_static_exposure__out_of_memory(void **state)
{
    (void)state;
    views_gen g;
    wr_seeds s;
    float x[600];
    views_gen_random(&g, &s, 300, 900, 2, 3);
    uint32_t *hold_s = random_hold(300, 2, 900);
    wr_static_opts o = WR_STATIC_OPTS_INIT;
    o.hold_s = hold_s;
    assert_oom_safe(wr_static_exposure(x, NULL, &g.vw, &s, &o, &err));
    o.is_plain = true;
    assert_oom_safe(wr_static_exposure(x, NULL, &g.vw, &s, &o, &err));
    wr_free(hold_s);
    wr_seeds_release(&s);
    views_gen_release(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_static_exposure__direct_solve_of_random_graphs),
        wr_unit_test(test_static_exposure__prpack_with_sink),
        wr_unit_test(test_static_exposure__same_bits_for_any_thread_count),
        wr_unit_test(test_static_exposure__relabelling_changes_no_bit),
        wr_unit_test(test_static_exposure__chain_by_eye),
        wr_unit_test(test_static_exposure__empty_and_one),
        wr_unit_test(test_static_exposure__cap_is_reported),
        wr_unit_test(test_static_exposure__errors),
        wr_unit_test(test_static_exposure__out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
