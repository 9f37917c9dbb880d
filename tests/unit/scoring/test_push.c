/* Push: the interval holds the direct solution, whatever the budget; what-ifs; errors. */
#include "scoring/push.h"

#include "dense_exposure.h"
#include "scoring/arrival.h"

/* Every wallet of one graph, at a tolerance and a budget drawn from the seed. */
static void check_graph(const flow_gen *g, const wr_views *vw, const wr_static_opts *so,
                        wr_rng *r, uint64_t seed)
{
    const double eps[] = {0.3, 1e-2, 1e-3, 1e-5};
    const uint64_t budget[] = {0, 3, 20, 20000};
    double want[DENSE_MAX * WR_CATEGORY_MAX] = {0};
    dense_solve(want, g, vw, so);
    for (uint32_t v = 0; v < g->fl.n; v++) {
        wr_push_opts o = WR_PUSH_OPTS_INIT;
        wr_push_result p;
        o.direction = so->direction;
        o.damping = so->damping;
        o.hold_s = so->hold_s;
        o.is_known_only = so->is_known_only;
        o.is_label_seen_past = so->is_label_seen_past;
        o.eps = eps[wr_rng_below(r, 4)];
        o.max_edges = budget[wr_rng_below(r, 4)];
        assert_ok(wr_push(&p, vw, &g->seeds, v, &o, &err));
        assert_int_equal(p.c, g->seeds.c);
        assert_true(p.edges <= o.max_edges);
        for (uint32_t c = 0; c < p.c; c++) {
            double x = want[v * p.c + c];
            if (!(p.low[c] <= x + 1e-6 && x <= p.high[c] + 1e-6 && p.high[c] <= 1))
                fail_msg("seed %llu vertex %u category %u: %.9g not in [%.9g, %.9g]",
                         (unsigned long long)seed, v, c, x, p.low[c], p.high[c]);
            if (o.eps <= 1e-5 && !p.is_truncated && p.high[c] < 1)
                assert_true(p.high[c] - p.low[c] <= 1e-5 * g->fl.n);
        }
    }
}

static void test_push__interval_holds_the_direct_solution(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 1500; seed++) {
        flow_gen_opts shape = flow_gen_shape(seed);
        wr_rng r = {.s = seed + 17};
        flow_gen g;
        views_gen vg;
        flow_gen_init(&g, seed, &shape);
        dense_views(&vg, &g);
        uint32_t *hold_s = wr_calloc((size_t)g.fl.n * g.seeds.c, sizeof *hold_s);
        wr_static_opts o = WR_STATIC_OPTS_INIT;
        o.direction = seed % 2 ? WR_SENDING : WR_RECEIVING;
        o.is_known_only = seed / 2 % 2;
        o.is_label_seen_past = seed / 4 % 2;
        if (seed / 8 % 2) {
            assert_ok(wr_arrival(hold_s, &g.fl, o.direction, NULL, &err));
            o.hold_s = hold_s;
        }
        check_graph(&g, &vg.vw, &o, &r, seed);
        wr_free(hold_s);
        views_gen_release(&vg);
        flow_gen_release(&g);
    }
}

/* Asking "what if" must give what the graph with these pairs in it gives. */
static void test_push__what_if_equals_the_graph_with_the_pairs(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 300; seed++) {
        wr_rng r = {.s = seed};
        enum { N = 12, M = 30, EXTRA = 3 };
        views_row row[M + EXTRA];
        wr_push_pair extra[EXTRA];
        const wr_vid v = seed % 3 ? 4 : N; /* N: outside the small graph */
        for (int i = 0; i < M; i++)
            row[i] = (views_row){(wr_vid)wr_rng_below(&r, N), (wr_vid)wr_rng_below(&r, N),
                                 (uint32_t)i, 1 + wr_rng_unit(&r)};
        for (int i = 0; i < EXTRA; i++) {
            extra[i] = (wr_push_pair){(wr_vid)(5 + 2 * i), 1 + wr_rng_unit(&r), 50, 60};
            for (int k = 0; k < M; k++) /* no pair that is in the graph already */
                if (row[k].from == extra[i].nbr && row[k].to == v)
                    row[k].from = row[k].to;
        }
        wr_seeds s, big_s;
        views_gen small, big;
        views_row all[M + EXTRA];
        memcpy(all, row, sizeof row);
        for (int i = 0; i < EXTRA; i++)
            all[M + i] = (views_row){extra[i].nbr, v, 55, extra[i].value};
        views_gen_init(&small, N, row, M);
        views_gen_init(&big, N + 1, all, M + EXTRA);
        views_seeds_init(&s, N, 2);
        views_seeds_init(&big_s, N + 1, 2);
        s.category[1] = big_s.category[1] = 0;
        s.category[7] = big_s.category[7] = 1;
        wr_push_opts o = WR_PUSH_OPTS_INIT;
        o.eps = 1e-9;
        o.max_edges = 1000000;
        wr_push_result got, want;
        assert_ok(wr_push(&want, &big.vw, &big_s, v, &o, &err));
        o.extra = extra;
        o.extra_count = EXTRA;
        assert_ok(wr_push(&got, &small.vw, &s, v < N ? v : WR_VID_NONE, &o, &err));
        for (int c = 0; c < 2; c++)
            assert_true(fabs(got.low[c] - want.low[c]) <= 1e-6);
        wr_seeds_release(&s);
        wr_seeds_release(&big_s);
        views_gen_release(&small);
        views_gen_release(&big);
    }
}

static void test_push__certificate_shrinks_with_the_budget(void **state)
{
    (void)state;
    views_gen g;
    wr_seeds s;
    views_gen_random(&g, &s, 3000, 9000, 8, 21);
    wr_vid v = 0;
    while (wr_views_degree(&g.vw.in, v) < 3 || s.category[v] >= 0)
        v++;
    double width = 2;
    for (uint64_t budget = 100; budget <= 1000000; budget *= 100) {
        wr_push_opts o = WR_PUSH_OPTS_INIT;
        wr_push_result p;
        o.max_edges = budget;
        o.eps = 1e-7;
        assert_ok(wr_push(&p, &g.vw, &s, v, &o, &err));
        double w = p.high[0] - p.low[0];
        assert_true(w <= width);
        assert_int_equal(p.is_truncated, budget < 1000000);
        width = w;
    }
    assert_true(width < 1e-3);
    wr_seeds_release(&s);
    views_gen_release(&g);
}

static void test_push__labelled_and_empty(void **state)
{
    (void)state;
    views_row row[] = {{0, 1, 10, 5}};
    views_gen g;
    wr_seeds s;
    views_gen_init(&g, 3, row, 1);
    views_seeds_init(&s, 3, 2);
    float doubt[3] = {1, 0.5f, 1};
    s.category[0] = 1;
    s.category[1] = 0;
    s.confidence = doubt;
    wr_push_opts o = WR_PUSH_OPTS_INIT;
    wr_push_result p;
    assert_ok(wr_push(&p, &g.vw, &s, 1, &o, &err)); /* its own label */
    assert_true(p.low[0] == 0.5 && p.high[0] == 0.5 && p.high[1] == 0 && p.edges == 0);
    o.is_label_seen_past = true;
    assert_ok(wr_push(&p, &g.vw, &s, 1, &o, &err)); /* what reaches it */
    assert_true(p.low[0] == 0 && fabs(p.low[1] - 0.85) < 1e-12 && p.high[1] == p.low[1]);
    assert_ok(wr_push(&p, &g.vw, &s, 2, &o, &err)); /* no pair at all */
    assert_true(p.high[0] == 0 && p.high[1] == 0 && !p.is_truncated);
    assert_ok(wr_push(&p, &g.vw, &s, WR_VID_NONE, &o, &err));
    assert_true(p.high[0] == 0 && p.high[1] == 0);
    o.max_edges = 0; /* nothing may be looked at: anything is possible */
    assert_ok(wr_push(&p, &g.vw, &s, 1, &o, &err));
    assert_true(p.low[1] == 0 && p.high[1] == 1 && p.is_truncated);
    s.confidence = NULL;
    wr_seeds_release(&s);
    views_gen_release(&g);
}

static void test_push__errors(void **state)
{
    (void)state;
    views_gen g;
    wr_seeds s;
    views_gen_random(&g, &s, 50, 200, 2, 2);
    wr_push_result p = {.pushes = 77};
    const wr_push_opts good = WR_PUSH_OPTS_INIT;
    wr_push_opts o = good;
    wr_err e = {0};
    assert_int_equal(wr_push(&p, &g.vw, &s, 50, &o, &e), WR_EINVAL);
    assert_string_equal(e.msg, "vertex 50 not below 50");
    o.eps = 1;
    assert_err(WR_EINVAL, wr_push(&p, &g.vw, &s, 0, &o, &err));
    o = good;
    o.damping = -0.1;
    assert_err(WR_EINVAL, wr_push(&p, &g.vw, &s, 0, &o, &err));
    o = good;
    wr_push_pair extra = {.nbr = 50, .value = 1};
    o.extra = &extra;
    o.extra_count = 1;
    assert_err(WR_EINVAL, wr_push(&p, &g.vw, &s, 0, &o, &err));
    extra = (wr_push_pair){.nbr = 1, .value = 0};
    assert_err(WR_EINVAL, wr_push(&p, &g.vw, &s, 0, &o, &err));
    extra.value = (double)INFINITY;
    assert_err(WR_EINVAL, wr_push(&p, &g.vw, &s, 0, &o, &err));
    wr_seeds other = s;
    other.n = 49;
    assert_err(WR_EINVAL, wr_push(&p, &g.vw, &other, 0, &good, &err));
    assert_int_equal(p.pushes, 77);
    assert_oom_safe(wr_push(&p, &g.vw, &s, 1, &good, &err));
    wr_seeds_release(&s);
    views_gen_release(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_push__interval_holds_the_direct_solution),
        wr_unit_test(test_push__what_if_equals_the_graph_with_the_pairs),
        wr_unit_test(test_push__certificate_shrinks_with_the_budget),
        wr_unit_test(test_push__labelled_and_empty),
        wr_unit_test(test_push__errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
