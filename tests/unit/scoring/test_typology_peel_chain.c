/* Peel chains against a search for every hop and every way they join. */
#include "typology_ref.h"

static void setup(ref_world *w, wr_rng *r)
{
    /* Fresh wallets are rare among twenty: make it a tree that grows, with some noise. */
    flow_gen *g = &w->g;
    uint32_t fresh = 2;
    wr_vid big = 0;
    double value = 1024;
    for (uint64_t i = 0; i < g->m; i++) {
        if (wr_flow_is_hub(&g->fl, g->from[i]) || wr_flow_is_hub(&g->fl, g->to[i]) ||
            wr_rng_below(r, 8) == 0)
            continue;
        const bool is_on = wr_rng_below(r, 2) && fresh < g->fl.n;
        g->from[i] = big;
        g->to[i] = is_on ? fresh++ : 1;
        g->value[i] = is_on ? value : value / 8;
        if (!is_on || wr_rng_below(r, 3))
            continue;
        big = g->to[i];
        value = value > 16 && wr_rng_below(r, 4) ? value * 0.875 : 1024;
    }
    wr_free(g->in_off);
    wr_free(g->in_col);
    wr_free(g->out_off);
    wr_free(g->out_col);
    flow_gen_rows(&g->fl.in, &g->in_off, &g->in_col, g->to, g);
    flow_gen_rows(&g->fl.out, &g->out_off, &g->out_col, g->from, g);
    w->in.flow = g->fl;
    w->o.peel_hops = 1 + (uint32_t)wr_rng_below(r, 3);
    w->o.peel_hold_s = 1 + (uint32_t)wr_rng_below(r, 40);
    w->o.peel_share_min = wr_rng_below(r, 2) ? 0.75 : 0.5;
}

/* Is i the first transfer that its receiver ever took part in? */
static bool is_first(const ref_world *w, uint32_t i)
{
    const flow_gen *g = &w->g;
    for (uint32_t k = 0; k < i; k++)
        if (ref_moves(&g->fl, k) && (g->from[k] == g->to[i] || g->to[k] == g->to[i]))
            return false;
    return true;
}

/* Does p pay `to` by transfer at, seen from its transfer out: straight, or through a hub
 * of its own? */
static bool is_payment(const ref_world *w, wr_vid p, uint32_t out, uint32_t at)
{
    const flow_gen *g = &w->g;
    if (g->from[out] != p || !ref_moves(&g->fl, out) || !ref_moves(&g->fl, at))
        return false;
    const wr_vid hub = g->to[out];
    if (!wr_flow_is_hub(&g->fl, hub))
        return at == out;
    for (uint32_t i = 0; i < g->m && g->time_s[i] < w->o.to_s; i++)
        if (g->to[i] == hub && (g->from[i] != p || (i < out && ref_moves(&g->fl, i))))
            return false;
    return g->from[at] == hub && g->to[at] != p && at > out;
}

/* The big payment of the hop from e, or -1; its edges into h when asked. */
static int64_t hop(const ref_world *w, uint32_t e, ref_hit *h)
{
    const flow_gen *g = &w->g;
    const wr_vid p = g->to[e];
    const double a = g->value[e], share = w->o.peel_share_min;
    if (!ref_in_scope(w, e) || !ref_moves(&g->fl, e) || !is_first(w, e) ||
        wr_flow_is_hub(&g->fl, p) || ref_is_service(&g->fl, p, g->time_s[e]))
        return -1;
    int64_t big = -1;
    uint32_t small = 0;
    for (uint32_t out = e + 1; out < g->m; out++) {
        if (!ref_in_scope(w, out) || g->time_s[out] - g->time_s[e] > w->o.peel_hold_s)
            continue;
        for (uint32_t at = out; at < g->m && g->time_s[at] < w->o.to_s; at++) {
            if (!is_payment(w, p, out, at))
                continue;
            const double b = g->value[at];
            const bool is_big = big < 0 && b >= share * a && b <= a;
            if (!is_big && b > (1 - share) * a)
                continue;
            if (is_big)
                big = at;
            else
                small++;
            if (h)
                ref_edge(h, at);
            for (uint32_t i = 0; h && i < g->m; i++) /* all ways into the hub */
                if (at != out && g->to[i] == g->to[out] && ref_moves(&g->fl, i))
                    ref_edge(h, i);
        }
    }
    return small ? big : -1;
}

static void brute(ref_set *s, ref_world *w)
{
    for (uint32_t e = 0; e < w->g.m; e++) {
        bool is_start = hop(w, e, NULL) >= 0;
        for (uint32_t k = 0; k < e && is_start; k++)
            is_start = hop(w, k, NULL) != e;
        if (!is_start)
            continue;
        ref_hit *h = ref_new(s, w->g.to[e]);
        ref_edge(h, e);
        uint32_t hops = 0;
        for (int64_t at = e; hop(w, (uint32_t)at, NULL) >= 0; hops++)
            at = hop(w, (uint32_t)at, h);
        h->strength = ref_strength(hops, w->o.peel_hops);
        s->count -= hops < w->o.peel_hops;
    }
}

static void test_typology_peel_chain__is_what_the_definition_says(void **state)
{
    (void)state;
    ref_check_worlds(WR_TYPOLOGY_PEEL_CHAIN, 1200, true, setup, brute);
}

static void test_typology_peel_chain__same_bits_for_any_thread_count(void **state)
{
    (void)state;
    ref_check_threads(WR_TYPOLOGY_PEEL_CHAIN, true, setup);
}

static void test_typology_peel_chain__empty_one_and_out_of_memory(void **state)
{
    (void)state;
    ref_check_edges(WR_TYPOLOGY_PEEL_CHAIN, setup);
}

/* 0 pays 1 1000; wallets 1..6 pay on 90 % and 10 % to 20, each an hour later. */
static void plant(ref_world *w, ref_pay *p)
{
    double value = 1000;
    p[0] = (ref_pay){0, 1, 1000, value};
    for (uint32_t i = 1; i <= 6; i++) {
        p[2 * i - 1] = (ref_pay){i, 20, 1000 + 3600 * i, value / 10};
        value -= value / 10;
        p[2 * i] = (ref_pay){i, i + 1, 1000 + 3600 * i, value};
    }
    ref_by_hand(w, p, 13, 21);
}

static void test_typology_peel_chain__by_hand(void **state)
{
    (void)state;
    ref_world w;
    ref_pay p[13];
    plant(&w, p);
    const uint32_t which = 1U << WR_TYPOLOGY_PEEL_CHAIN;
    WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.count, 1);
    assert_int_equal(h.hit[0].root, 1);
    assert_int_equal(h.hit[0].edge_count, 13);
    assert_true(h.hit[0].strength == ref_strength(6, 5));
    wr_typology_hits_release(&h);
    w.o.visits_max = 5; /* the sixth hop is not walked */
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.hit[0].edge_count, 11);
    assert_true(h.hit[0].is_partial);
    wr_typology_hits_release(&h);
    w.o.hub_cap = 1; /* the second payment is not looked at */
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.count, 0);
    assert_int_equal(h.truncated_roots[WR_TYPOLOGY_PEEL_CHAIN], 6);
    ref_world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_typology_peel_chain__is_what_the_definition_says),
        wr_unit_test(test_typology_peel_chain__same_bits_for_any_thread_count),
        wr_unit_test(test_typology_peel_chain__empty_one_and_out_of_memory),
        wr_unit_test(test_typology_peel_chain__by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
