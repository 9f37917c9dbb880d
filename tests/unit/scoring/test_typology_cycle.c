/* Temporal cycles against every time-respecting walk that comes back. */
#include "typology_ref.h"

static void setup(ref_world *w, wr_rng *r)
{
    ref_values(w, r, 1 + (uint32_t)wr_rng_below(r, 5));
    w->o.cycle_hops_max = 2 + (uint32_t)wr_rng_below(r, 4);
    w->o.cycle_window_s = 2 + (uint32_t)wr_rng_below(r, 25);
    w->o.cycle_even_min = wr_rng_below(r, 2) ? 0.5 : 0.25;
    w->o.visits_max = 10000000;
    w->o.hits_max = 1000000;
}

/* Hundreds of cycles per world, thousands per transfer: too many for one reference set.
 */
static void setup_threads(ref_world *w, wr_rng *r)
{
    setup(w, r);
    w->o.cycle_hops_max = 4;
    w->o.cycle_window_s = 6;
    w->o.visits_max = 40;
    w->o.hits_max = 5;
    w->o.cycle_visits_mean = 20;
}

static void is_cycle(ref_set *s, const ref_world *w, const uint32_t *path, uint32_t n)
{
    const flow_gen *g = &w->g;
    uint32_t hops = 0;
    double least = 1e300, most = 0;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t at = path[i];
        hops += !wr_flow_is_hub(&g->fl, g->to[at]);
        least = g->value[at] < least ? g->value[at] : least;
        most = g->value[at] > most ? g->value[at] : most;
        if (ref_is_service(&g->fl, g->from[at], g->time_s[at]) ||
            ref_is_service(&g->fl, g->to[at], g->time_s[at]))
            return;
        for (uint32_t k = 0; k < i; k++)
            if (g->to[path[k]] == g->to[at])
                return;
    }
    if (hops < 2 || hops > w->o.cycle_hops_max || least / most < w->o.cycle_even_min)
        return;
    ref_hit *h = ref_new(s, g->from[path[0]]);
    for (uint32_t i = 0; i < n; i++)
        ref_edge(h, path[i]);
    h->strength = (0.5 + 0.5 * least / most) * (1 - (hops - 2) / 20.0);
}

/* All walks of at most ten transfers forward in time; most fail at the end only. */
static void walk(ref_set *s, const ref_world *w, uint32_t *path, uint32_t n)
{
    const flow_gen *g = &w->g;
    const uint32_t last = path[n - 1];
    if (g->to[last] == g->from[path[0]]) {
        is_cycle(s, w, path, n);
        return;
    }
    uint32_t hops = 0;
    for (uint32_t i = 0; i < n; i++)
        hops += !wr_flow_is_hub(&g->fl, g->to[path[i]]);
    if (hops >= w->o.cycle_hops_max)
        return;
    for (uint32_t i = last + 1; i < g->m; i++) {
        if (g->from[i] != g->to[last] || !ref_in_scope(w, i) || !ref_moves(&g->fl, i) ||
            g->time_s[i] - g->time_s[path[0]] > w->o.cycle_window_s)
            continue;
        if (!wr_flow_is_hub(&g->fl, g->from[i]) && g->time_s[i] <= g->time_s[last])
            continue;
        path[n] = i;
        walk(s, w, path, n + 1);
    }
}

static void brute(ref_set *s, ref_world *w)
{
    for (uint32_t i = 0; i < w->g.m; i++) {
        uint32_t path[64] = {i};
        if (ref_in_scope(w, i) && ref_moves(&w->g.fl, i) &&
            !wr_flow_is_hub(&w->g.fl, w->g.from[i]))
            walk(s, w, path, 1);
    }
}

static void test_typology_cycle__is_what_the_definition_says(void **state)
{
    (void)state;
    ref_check_worlds(WR_TYPOLOGY_CYCLE, 1100, true, setup, brute);
}

static void test_typology_cycle__same_bits_for_any_thread_count(void **state)
{
    (void)state;
    ref_check_threads(WR_TYPOLOGY_CYCLE, true, setup_threads);
}

static void test_typology_cycle__empty_one_and_out_of_memory(void **state)
{
    (void)state;
    ref_check_edges(WR_TYPOLOGY_CYCLE, setup_threads);
}

static void plant(ref_world *w)
{
    /* 0 1 2 0 in order; 3 joins too small; 0 1 4 0 comes back before it went on. */
    const ref_pay p[] = {{4, 0, 5, 100}, {0, 1, 10, 100}, {1, 2, 20, 90}, {1, 4, 21, 95},
                         {1, 3, 22, 10}, {2, 0, 30, 80},  {3, 0, 40, 10}};
    ref_by_hand(w, p, 7, 5);
}

static void test_typology_cycle__by_hand(void **state)
{
    (void)state;
    ref_world w;
    plant(&w);
    const uint32_t which = 1U << WR_TYPOLOGY_CYCLE, want[] = {1, 2, 5};
    WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.count, 2); /* and 4 0 1 4 */
    assert_int_equal(h.hit[0].root, 0);
    assert_int_equal(h.hit[0].edge_count, 3);
    assert_memory_equal(h.edge, want, sizeof want);
    assert_true(h.hit[0].strength == 0.9 * (1 - 1 / 20.0));
    assert_int_equal(h.hit[1].root, 4);
    ref_world_release(&w);
}

/* A transaction with change is no cycle; through transactions to another and back is. */
static void test_typology_cycle__through_hubs(void **state)
{
    (void)state;
    const ref_pay p[] = {
        {0, 2, 10, 100}, {2, 0, 10, 60}, {2, 1, 10, 60}, {1, 3, 20, 60}, {3, 0, 20, 60}};
    ref_world w;
    ref_by_hand(&w, p, 5, 4);
    uint64_t hubs = 1U << 2 | 1U << 3;
    w.in.flow.hub_bits = &hubs;
    const uint32_t which = 1U << WR_TYPOLOGY_CYCLE, want[] = {0, 2, 3, 4};
    WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.count, 1);
    assert_int_equal(h.hit[0].edge_count, 4);
    assert_memory_equal(h.edge, want, sizeof want);
    ref_world_release(&w);
}

/* With any budget: a part of all cycles, marked; and a dead end by cap says so. */
static void test_typology_cycle__budget_never_invents(void **state)
{
    (void)state;
    uint64_t partial = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        flow_gen_opts shape = flow_gen_shape(seed);
        ref_world w;
        ref_world_init(&w, seed, &shape);
        wr_rng r = {.s = seed};
        setup(&w, &r);
        WR_TYPOLOGY_HITS_AUTO wr_typology_hits all = {0}, h = {0};
        const uint32_t which = 1U << WR_TYPOLOGY_CYCLE;
        assert_ok(wr_typology_find(&all, &w.in, which, &w.o, NULL, &err));
        w.o.visits_max = 1 + (uint32_t)wr_rng_below(&r, 12);
        w.o.hits_max = 1 + (uint32_t)wr_rng_below(&r, 3);
        w.o.cycle_visits_mean = 1 + (uint32_t)wr_rng_below(&r, 4);
        w.o.hub_cap = 1 + (uint32_t)wr_rng_below(&r, 9);
        assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
        uint64_t j = 0;
        for (uint64_t i = 0; i < h.count; i++, j++) { /* both in the same order */
            const wr_typology_hit *x = &h.hit[i];
            while (j < all.count && (all.hit[j].root != x->root ||
                                     all.hit[j].edge_count != x->edge_count ||
                                     memcmp(all.edge + all.hit[j].edge, h.edge + x->edge,
                                            x->edge_count * sizeof *h.edge) != 0))
                j++;
            assert_true(j < all.count);
        }
        if (h.count < all.count)
            assert_true(h.partial_roots[WR_TYPOLOGY_CYCLE] +
                            h.truncated_roots[WR_TYPOLOGY_CYCLE] >
                        0);
        partial += h.partial_roots[WR_TYPOLOGY_CYCLE];
        ref_world_release(&w);
    }
    assert_true(partial > 100);
}

/* What is not found because the others were costly is said to be missing. */
static void test_typology_cycle__neighbours_share_a_budget(void **state)
{
    (void)state;
    const uint32_t which = 1U << WR_TYPOLOGY_CYCLE;
    uint64_t less = 0, partial = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        flow_gen_opts shape = flow_gen_shape(seed);
        ref_world w;
        ref_world_init(&w, seed, &shape);
        wr_rng r = {.s = seed};
        setup(&w, &r);
        WR_TYPOLOGY_HITS_AUTO wr_typology_hits all = {0}, a = {0}, b = {0};
        assert_ok(wr_typology_find(&all, &w.in, which, &w.o, NULL, &err));
        w.o.cycle_visits_mean = 1; /* 256 for all: each may still take many */
        assert_ok(wr_typology_find(&a, &w.in, which, &w.o, NULL, &err));
        assert_true(a.count <= all.count);
        less += a.count < all.count;
        partial += a.partial_roots[WR_TYPOLOGY_CYCLE];
        assert_true(a.count == all.count || a.partial_roots[WR_TYPOLOGY_CYCLE] > 0);
        w.o.cycle_visits_mean = 0;
        assert_err(WR_EINVAL, wr_typology_find(&b, &w.in, which, &w.o, NULL, &err));
        ref_world_release(&w);
    }
    assert_true(less > 0 && less < 60 && partial > less);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_typology_cycle__is_what_the_definition_says),
        wr_unit_test(test_typology_cycle__same_bits_for_any_thread_count),
        wr_unit_test(test_typology_cycle__empty_one_and_out_of_memory),
        wr_unit_test(test_typology_cycle__by_hand),
        wr_unit_test(test_typology_cycle__through_hubs),
        wr_unit_test(test_typology_cycle__budget_never_invents),
        wr_unit_test(test_typology_cycle__neighbours_share_a_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
