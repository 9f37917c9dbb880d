/* Bursts against coins: what a young wallet spent within the hold, unit by unit. */
#include "typology_ref.h"

static void setup(ref_world *w, wr_rng *r)
{
    ref_values(w, r, 6);
    w->o.burst_age_s = 1 + (uint32_t)wr_rng_below(r, 30);
    w->o.burst_hold_s = (uint32_t)wr_rng_below(r, 20);
    w->o.burst_value_min = 1 + (double)wr_rng_below(r, 10);
    w->o.burst_share_min = wr_rng_below(r, 2) ? 0.5 : 0.875;
}

/* Coins of v: when each came; UINT32_MAX once it was spent. */
typedef struct purse {
    uint32_t came_s[8192], count;
} purse;

static uint32_t spend(purse *p, uint32_t coins, uint32_t t, uint32_t hold_s)
{
    uint32_t spent = 0;
    for (uint32_t i = 0; i < p->count && spent < coins; i++)
        if (p->came_s[i] != UINT32_MAX && t - p->came_s[i] <= hold_s) {
            p->came_s[i] = UINT32_MAX;
            spent++;
        }
    return spent;
}

static void of_wallet(ref_set *s, ref_world *w, wr_vid v, purse *p)
{
    const flow_gen *g = &w->g;
    ref_hit *h = ref_new(s, v);
    uint32_t born_s = 0, spent = 0;
    bool is_hit = false;
    p->count = 0;
    for (uint32_t i = 0; i < g->m && g->time_s[i] < w->o.to_s && !is_hit; i++) {
        const bool is_in = g->to[i] == v;
        if (!ref_moves(&g->fl, i) || (!is_in && g->from[i] != v))
            continue;
        if (!h->count) {
            born_s = g->time_s[i];
            if (born_s < w->o.from_s || ref_is_service(&g->fl, v, born_s))
                break;
        }
        if (g->time_s[i] - born_s >= w->o.burst_age_s)
            break;
        ref_edge(h, i);
        if (!is_in)
            spent += spend(p, (uint32_t)g->value[i], g->time_s[i], w->o.burst_hold_s);
        for (uint32_t k = 0; is_in && k < (uint32_t)g->value[i]; k++)
            p->came_s[p->count++] = g->time_s[i];
        is_hit = !is_in && p->count >= w->o.burst_value_min &&
                 spent >= w->o.burst_share_min * p->count;
    }
    h->strength = ref_strength(p->count, w->o.burst_value_min);
    s->count -= !is_hit;
}

static void brute(ref_set *s, ref_world *w)
{
    purse *p = wr_calloc(1, sizeof *p);
    for (wr_vid v = 0; v < w->g.fl.n; v++)
        if (!wr_flow_is_hub(&w->g.fl, v))
            of_wallet(s, w, v, p);
    wr_free(p);
}

static void test_typology_burst__is_what_the_definition_says(void **state)
{
    (void)state;
    ref_check_worlds(WR_TYPOLOGY_BURST, 1500, true, setup, brute);
}

static void test_typology_burst__same_bits_for_any_thread_count(void **state)
{
    (void)state;
    ref_check_threads(WR_TYPOLOGY_BURST, true, setup);
}

static void test_typology_burst__empty_one_and_out_of_memory(void **state)
{
    (void)state;
    ref_check_edges(WR_TYPOLOGY_BURST, setup);
}

/* 12 000 come in two parts, 10 000 leave within hours; one second later is too late. */
static void test_typology_burst__by_hand_and_hub_cap(void **state)
{
    (void)state;
    const uint32_t hour = WR_TYPOLOGY_HOUR_S;
    ref_pay p[] = {{0, 1, hour, 5000},
                   {0, 1, 2 * hour, 7000},
                   {1, 2, 3 * hour, 4000},
                   {1, 3, 7 * hour, 6000},
                   {1, 3, 8 * hour, 2000}};
    ref_world w;
    ref_by_hand(&w, p, 5, 4);
    const uint32_t which = 1U << WR_TYPOLOGY_BURST;
    WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.count, 1);
    assert_int_equal(h.hit[0].root, 1);
    assert_int_equal(h.hit[0].edge_count, 4);
    assert_true(h.hit[0].strength == ref_strength(12000, 10000));
    wr_typology_hits_release(&h);
    w.o.hub_cap = 3;
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.count, 0);
    assert_int_equal(h.truncated_roots[WR_TYPOLOGY_BURST], 1);
    wr_typology_hits_release(&h);
    w.o.hub_cap = 5000;
    w.g.time_s[3] = w.g.time_s[4] = 8 * hour + 1;
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.count, 0);
    ref_world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_typology_burst__is_what_the_definition_says),
        wr_unit_test(test_typology_burst__same_bits_for_any_thread_count),
        wr_unit_test(test_typology_burst__empty_one_and_out_of_memory),
        wr_unit_test(test_typology_burst__by_hand_and_hub_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
