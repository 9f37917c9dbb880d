/* Smurf bridges against their score, worked out with sets as bits. */
#include "typology_ref.h"

static void setup(ref_world *w, wr_rng *r)
{
    w->o.bridge_count = 1 + (uint32_t)wr_rng_below(r, 3);
    w->o.bridge_window_s = 3 + (uint32_t)wr_rng_below(r, 40);
    w->o.bridge_score_min = wr_rng_below(r, 2) ? 0.7 : 0.3;
    w->o.visits_max = 1000000;
}

static uint32_t size(uint64_t set)
{
    return (uint32_t)__builtin_popcountll(set);
}

static bool is_in_window(const ref_world *w, uint32_t i, uint32_t first)
{
    return i >= first && ref_in_scope(w, i) && ref_moves(&w->g.fl, i) &&
           w->g.time_s[i] - w->g.time_s[first] <= w->o.bridge_window_s;
}

/* A payment by u itself that can begin a window or belong to one. */
static bool is_start(const ref_world *w, uint32_t i)
{
    const flow_gen *g = &w->g;
    return ref_in_scope(w, i) && ref_moves(&g->fl, i) &&
           !wr_flow_is_hub(&g->fl, g->from[i]) && !wr_flow_is_hub(&g->fl, g->to[i]) &&
           !ref_is_service(&g->fl, g->from[i], g->time_s[i]) &&
           !ref_is_service(&g->fl, g->to[i], g->time_s[i]);
}

/* Everybody v pays (or is paid by) in the window. */
static uint64_t around(const ref_world *w, wr_vid v, uint32_t first, bool is_in)
{
    uint64_t set = 0;
    for (uint32_t i = first; i < w->g.m; i++)
        if (is_in_window(w, i, first) && (is_in ? w->g.to[i] : w->g.from[i]) == v)
            set |= 1ULL << (is_in ? w->g.from[i] : w->g.to[i]);
    return set;
}

/* m pays `to` by transfer i after u paid m. */
static bool is_passed_on(const ref_world *w, uint32_t first, uint32_t i, wr_vid to)
{
    bool is_paid = false;
    if (w->g.to[i] != to)
        return false;
    for (uint32_t k = first; k < i; k++)
        is_paid |= is_start(w, k) && is_in_window(w, k, first) &&
                   w->g.from[k] == w->g.from[first] && w->g.to[k] == w->g.from[i];
    return is_paid && is_in_window(w, i, first) && w->g.to[i] == to &&
           !ref_is_service(&w->g.fl, w->g.from[i], w->g.time_s[i]);
}

static bool try_sink(ref_set *s, const ref_world *w, uint32_t first, wr_vid to)
{
    const wr_vid u = w->g.from[first];
    uint64_t mids = 0, receivers = 0;
    for (uint32_t i = first; i < w->g.m; i++) {
        if (is_start(w, i) && is_in_window(w, i, first) && w->g.from[i] == u)
            receivers |= 1ULL << w->g.to[i];
        if (is_passed_on(w, first, i, to))
            mids |= 1ULL << w->g.from[i];
    }
    if (to == u || wr_flow_is_hub(&w->g.fl, to) || size(mids) < w->o.bridge_count)
        return false;
    const uint64_t us = 1ULL << u, sink = 1ULL << to;
    uint32_t cross = size(around(w, to, first, false) & (mids | us)) +
                     ((around(w, u, first, false) & sink) != 0);
    for (wr_vid m = 0; m < w->g.fl.n; m++)
        if (mids >> m & 1)
            cross += size(around(w, m, first, false) & (mids | us));
    const double n = size(mids), r = size(receivers & ~sink),
                 p = size(around(w, to, first, true) & ~us);
    const double score = (n / r + n / p) / 2 * (1 - cross / (n * n + n + 2));
    if (score < w->o.bridge_score_min)
        return false;
    ref_hit *h = ref_new(s, u);
    h->strength = score;
    for (uint32_t i = first; i < w->g.m; i++)
        if (is_passed_on(w, first, i, to) ||
            (is_start(w, i) && is_in_window(w, i, first) && w->g.from[i] == u &&
             (mids >> w->g.to[i] & 1)))
            ref_edge(h, i);
    return true;
}

static void brute(ref_set *s, ref_world *w)
{
    for (wr_vid u = 0; u < w->g.fl.n; u++)
        for (uint32_t i = 0; i < w->g.m;) {
            if (w->g.from[i] != u || !is_start(w, i)) {
                i++;
                continue;
            }
            const uint32_t first = i, t = w->g.time_s[i];
            bool is_hit = false;
            for (wr_vid to = 0; to < w->g.fl.n; to++)
                is_hit |= try_sink(s, w, first, to);
            for (i++; i < w->g.m; i++) {
                const uint32_t age = w->g.time_s[i] - t;
                if (is_hit ? age > w->o.bridge_window_s : 2 * age >= w->o.bridge_window_s)
                    break;
            }
        }
}

static void test_typology_smurf_bridge__is_what_the_definition_says(void **state)
{
    (void)state;
    ref_check_worlds(WR_TYPOLOGY_SMURF_BRIDGE, 1100, true, setup, brute);
}

static void test_typology_smurf_bridge__same_bits_for_any_thread_count(void **state)
{
    (void)state;
    ref_check_threads(WR_TYPOLOGY_SMURF_BRIDGE, true, setup);
}

static void test_typology_smurf_bridge__empty_one_and_out_of_memory(void **state)
{
    (void)state;
    ref_check_edges(WR_TYPOLOGY_SMURF_BRIDGE, setup);
}

/* 0 pays 1, 2, 3, 4 and 6; the first four pay 5; 1 pays 2 as well: one of 22 pairs. */
static void test_typology_smurf_bridge__by_hand(void **state)
{
    (void)state;
    ref_pay p[10];
    for (uint32_t i = 0; i < 4; i++) {
        p[i] = (ref_pay){0, 1 + i, 1000 + i, 10};
        p[6 + i] = (ref_pay){1 + i, 5, 2000 + i, 10};
    }
    p[4] = (ref_pay){0, 6, 1500, 10};
    p[5] = (ref_pay){1, 2, 1600, 1};
    ref_world w;
    ref_by_hand(&w, p, 10, 7);
    const uint32_t which = 1U << WR_TYPOLOGY_SMURF_BRIDGE;
    WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.count, 1);
    assert_int_equal(h.hit[0].root, 0);
    assert_int_equal(h.hit[0].edge_count, 8);
    assert_true(h.hit[0].strength == (4 / 5.0 + 1) / 2 * (1 - 1 / 22.0));
    wr_typology_hits_release(&h);
    w.o.visits_max = 12; /* too little to be sure of a score */
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.count, 0);
    assert_int_equal(h.partial_roots[WR_TYPOLOGY_SMURF_BRIDGE], 1);
    wr_typology_hits_release(&h);
    w.o.visits_max = 20000;
    w.o.hub_cap = 3; /* four pay 5 */
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.count, 0);
    assert_int_equal(h.truncated_roots[WR_TYPOLOGY_SMURF_BRIDGE], 1);
    ref_world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_typology_smurf_bridge__is_what_the_definition_says),
        wr_unit_test(test_typology_smurf_bridge__same_bits_for_any_thread_count),
        wr_unit_test(test_typology_smurf_bridge__empty_one_and_out_of_memory),
        wr_unit_test(test_typology_smurf_bridge__by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
