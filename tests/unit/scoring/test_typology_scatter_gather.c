/* Scatter-gather against all pairs of transfers. */
#include "typology_ref.h"

static void setup(ref_world *w, wr_rng *r)
{
    ref_values(w, r, 1 + (uint32_t)wr_rng_below(r, 5));
    w->o.scatter_count = 1 + (uint32_t)wr_rng_below(r, 3);
    w->o.scatter_window_s = 2 + (uint32_t)wr_rng_below(r, 50);
    w->o.scatter_ratio_min = wr_rng_below(r, 2) ? 0.8 : 0.5;
    w->o.scatter_ratio_max = wr_rng_below(r, 2) ? 1.02 : 2;
}

typedef struct leg {
    uint32_t e, f;
} leg;

/* Is f the second transfer of a leg that begins with e, from u to w? */
static bool is_leg(const ref_world *w, uint32_t e, uint32_t f, wr_vid u, wr_vid to)
{
    const flow_gen *g = &w->g;
    if (g->from[e] != u || g->from[f] != g->to[e] || g->to[f] != to)
        return false;
    const double ratio = g->value[f] / g->value[e];
    const wr_vid m = g->to[e];
    return ref_in_scope(w, e) && ref_in_scope(w, f) && ref_moves(&g->fl, e) &&
           ref_moves(&g->fl, f) && g->from[e] == u && g->from[f] == m && g->to[f] == to &&
           f > e && g->time_s[f] - g->time_s[e] <= w->o.scatter_window_s &&
           ratio >= w->o.scatter_ratio_min && ratio <= w->o.scatter_ratio_max && m != u &&
           m != to && u != to && !wr_flow_is_hub(&g->fl, m) &&
           !ref_is_service(&g->fl, m, g->time_s[e]) &&
           !ref_is_service(&g->fl, m, g->time_s[f]);
}

static uint32_t legs_between(leg *l, const ref_world *w, wr_vid u, wr_vid to)
{
    uint32_t count = 0;
    for (uint32_t e = 0; e < w->g.m; e++)
        for (uint32_t f = e + 1; w->g.from[e] == u && f < w->g.m; f++)
            if (is_leg(w, e, f, u, to)) {
                l[count++] = (leg){e, f};
                break;
            }
    return count;
}

static void between(ref_set *s, ref_world *w, wr_vid u, wr_vid to)
{
    leg l[1024];
    const uint32_t count = legs_between(l, w, u, to);
    for (uint32_t i = 0; i < count;) {
        const uint32_t end_s = w->g.time_s[l[i].e] + w->o.scatter_window_s;
        uint32_t mids = 0, last = 0;
        ref_hit *h = ref_new(s, u);
        for (uint32_t j = i; j < count; j++) {
            bool is_new = w->g.time_s[l[j].f] <= end_s;
            for (uint32_t k = 0; k < h->count; k++)
                is_new &= w->g.to[h->edge[k]] != w->g.to[l[j].e];
            if (!is_new)
                continue;
            ref_edge(h, l[j].e);
            ref_edge(h, l[j].f);
            last = l[j].e;
            mids++;
        }
        h->strength = ref_strength(mids, w->o.scatter_count);
        if (mids < w->o.scatter_count) {
            s->count--;
            i++;
            continue;
        }
        while (i < count && l[i].e <= last)
            i++;
    }
}

static void brute(ref_set *s, ref_world *w)
{
    for (wr_vid u = 0; u < w->g.fl.n; u++)
        for (wr_vid to = 0; to < w->g.fl.n; to++)
            if (!wr_flow_is_hub(&w->g.fl, u) && !wr_flow_is_hub(&w->g.fl, to))
                between(s, w, u, to);
}

static void test_typology_scatter_gather__is_what_the_definition_says(void **state)
{
    (void)state;
    ref_check_worlds(WR_TYPOLOGY_SCATTER_GATHER, 1500, true, setup, brute);
}

static void test_typology_scatter_gather__same_bits_for_any_thread_count(void **state)
{
    (void)state;
    ref_check_threads(WR_TYPOLOGY_SCATTER_GATHER, true, setup);
}

static void test_typology_scatter_gather__empty_one_and_out_of_memory(void **state)
{
    (void)state;
    ref_check_edges(WR_TYPOLOGY_SCATTER_GATHER, setup);
}

static void plant(ref_world *w)
{
    ref_pay p[9];
    for (uint32_t i = 0; i < 4; i++) {
        p[i] = (ref_pay){0, 1 + i, 1000 + i, 100};
        p[4 + i] = (ref_pay){1 + i, 9, 2000 + i, 95};
    }
    p[8] = (ref_pay){4, 8, 3000, 95};
    ref_by_hand(w, p, 9, 10);
}

/* 0 pays 1, 2, 3, 4, which pay 9. */
static void test_typology_scatter_gather__by_hand(void **state)
{
    (void)state;
    ref_world w;
    plant(&w);
    const uint32_t which = 1U << WR_TYPOLOGY_SCATTER_GATHER;
    WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.count, 1);
    assert_int_equal(h.hit[0].root, 0);
    assert_int_equal(h.hit[0].edge_count, 8);
    assert_int_equal(h.hit[0].member_count, 6);
    assert_true(h.hit[0].strength == 1 - 3 / 8.0);
    assert_true(h.hit[0].amount == 780);
    w.g.seeds.category[2] = REF_SERVICE; /* a service in the middle is no mule */
    w.g.seeds.to_s[2] = UINT32_MAX;
    wr_typology_hits_release(&h);
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.hit[0].edge_count, 6);
    w.g.seeds.category[0] = w.g.seeds.category[9] =
        REF_SERVICE; /* at the ends it may be */
    wr_typology_hits_release(&h);
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.hit[0].edge_count, 6);
    ref_world_release(&w);
}

/* Less is found, and it is a scatter-gather all the same. */
static void test_typology_scatter_gather__budget_and_hub_cap(void **state)
{
    (void)state;
    ref_world w;
    plant(&w);
    const uint32_t which = 1U << WR_TYPOLOGY_SCATTER_GATHER;
    WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
    w.o.visits_max = 3;
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.count, 1);
    assert_int_equal(h.hit[0].edge_count, 6);
    assert_true(h.hit[0].is_partial);
    assert_int_equal(h.partial_roots[WR_TYPOLOGY_SCATTER_GATHER], 1);
    wr_typology_hits_release(&h);
    w.o.visits_max = 20000;
    w.o.hub_cap = 1; /* 4 pays two */
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.hit[0].edge_count, 6);
    assert_false(h.hit[0].is_partial);
    assert_true(h.hit[0].is_hub_truncated);
    ref_world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_typology_scatter_gather__is_what_the_definition_says),
        wr_unit_test(test_typology_scatter_gather__same_bits_for_any_thread_count),
        wr_unit_test(test_typology_scatter_gather__empty_one_and_out_of_memory),
        wr_unit_test(test_typology_scatter_gather__by_hand),
        wr_unit_test(test_typology_scatter_gather__budget_and_hub_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
