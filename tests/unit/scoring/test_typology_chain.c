/* Layering chains against coins that are followed through one wallet after the other. */
#include "typology_ref.h"

static void setup(ref_world *w, wr_rng *r)
{
    ref_values(w, r, 1 + (uint32_t)wr_rng_below(r, 5));
    w->o.pass_hold_s = (uint32_t)wr_rng_below(r, 15);
    w->o.pass_share_min = wr_rng_below(r, 2) ? 1 : 0.5;
    w->o.chain_wallets = 1 + (uint32_t)wr_rng_below(r, 4);
}

enum { COINS = 8 };
#define NONE UINT32_MAX

typedef struct links {
    uint32_t spent_by[1024]
                     [COINS]; /* coins of each transfer, as its receiver spent them */
    uint32_t spent[1024];     /* how many of them */
    uint32_t done_at[1024], best[1024], part[1024];
} links;

static bool is_bare(const ref_world *w, uint32_t at, wr_vid v)
{
    return ref_in_scope(w, at) && ref_moves(&w->g.fl, at) &&
           ref_label(&w->g.fl, v, w->g.time_s[at]) < 0;
}

static void spend(links *l, const ref_world *w, uint32_t out)
{
    const flow_gen *g = &w->g;
    for (uint32_t coin = 0; coin < (uint32_t)g->value[out]; coin++)
        for (uint32_t e = 0; e < out; e++) {
            if (g->to[e] != g->from[out] || !is_bare(w, e, g->to[e]) ||
                l->spent[e] == (uint32_t)g->value[e] ||
                g->time_s[out] - g->time_s[e] > w->o.pass_hold_s)
                continue;
            l->spent_by[e][l->spent[e]++] = out;
            if (l->done_at[e] == NONE && l->spent[e] >= w->o.pass_share_min * g->value[e])
                l->done_at[e] = out;
            break;
        }
}

/* What spent most of e up to its event; how much of it. */
static void choose(links *l, uint32_t e)
{
    for (uint32_t i = 0; i < l->spent[e]; i++) {
        uint32_t same = 0;
        for (uint32_t k = 0; k < l->spent[e]; k++)
            same += l->spent_by[e][k] == l->spent_by[e][i];
        if (l->spent_by[e][i] <= l->done_at[e] && same > l->part[e]) {
            l->part[e] = same;
            l->best[e] = l->spent_by[e][i];
        }
    }
}

static void read_links(links *l, const ref_world *w)
{
    for (uint32_t e = 0; e < w->g.m; e++) {
        l->done_at[e] = l->best[e] = NONE;
        l->spent[e] = l->part[e] = 0;
    }
    for (uint32_t out = 0; out < w->g.m; out++)
        if (is_bare(w, out, w->g.from[out]) && !wr_flow_is_hub(&w->g.fl, w->g.from[out]))
            spend(l, w, out);
    for (uint32_t e = 0; e < w->g.m; e++)
        if (l->done_at[e] != NONE)
            choose(l, e);
    for (uint32_t e = 0; e < w->g.m; e++) /* of several into one the largest is kept */
        for (uint32_t d = 0; d < w->g.m; d++)
            if (d != e && l->best[e] != NONE && l->best[d] == l->best[e] &&
                (l->part[d] > l->part[e] || (l->part[d] == l->part[e] && d < e)))
                l->done_at[e] = NONE;
    for (uint32_t e = 0; e < w->g.m; e++)
        if (l->done_at[e] == NONE)
            l->best[e] = NONE;
}

static void brute(ref_set *s, ref_world *w)
{
    links *l = wr_calloc(1, sizeof *l);
    read_links(l, w);
    for (uint32_t e = 0; e < w->g.m; e++) {
        bool is_start = l->best[e] != NONE;
        for (uint32_t k = 0; k < w->g.m; k++)
            is_start &= l->best[k] != e;
        if (!is_start)
            continue;
        ref_hit *h = ref_new(s, w->g.to[e]);
        uint32_t wallets = 0;
        for (uint32_t at = e; at != NONE; at = l->best[at]) {
            bool is_new = l->best[at] != NONE;
            for (uint32_t k = 0; k < h->count; k++)
                is_new &= w->g.to[h->edge[k]] != w->g.to[at];
            wallets += is_new;
            ref_edge(h, at);
        }
        h->strength = ref_strength(wallets, w->o.chain_wallets);
        s->count -= wallets < w->o.chain_wallets;
    }
    wr_free(l);
}

static void test_typology_chain__is_what_the_definition_says(void **state)
{
    (void)state;
    ref_check_worlds(WR_TYPOLOGY_CHAIN, 1500, true, setup, brute);
}

static void test_typology_chain__same_bits_for_any_thread_count(void **state)
{
    (void)state;
    ref_check_threads(WR_TYPOLOGY_CHAIN, true, setup);
}

static void test_typology_chain__empty_one_and_out_of_memory(void **state)
{
    (void)state;
    ref_check_edges(WR_TYPOLOGY_CHAIN, setup);
}

/* 0 1 2 3 4 5, a minute each; what 5 does later is no part of it. */
static void test_typology_chain__by_hand_and_budget(void **state)
{
    (void)state;
    const ref_pay p[] = {{0, 1, 1000, 100}, {1, 2, 1060, 99}, {2, 3, 1120, 98},
                         {3, 4, 1180, 97},  {4, 5, 1240, 96}, {5, 6, 99999, 96}};
    ref_world w;
    ref_by_hand(&w, p, 6, 7);
    const uint32_t which = 1U << WR_TYPOLOGY_CHAIN;
    WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.count, 1);
    assert_int_equal(h.hit[0].root, 1);
    assert_int_equal(h.hit[0].edge_count, 5);
    assert_true(h.hit[0].strength == 0.5);
    wr_typology_hits_release(&h);
    w.o.chain_wallets = 2;
    w.o.visits_max = 2;
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.count, 1);
    assert_int_equal(h.hit[0].edge_count, 3);
    assert_true(h.hit[0].is_partial);
    ref_world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_typology_chain__is_what_the_definition_says),
        wr_unit_test(test_typology_chain__same_bits_for_any_thread_count),
        wr_unit_test(test_typology_chain__empty_one_and_out_of_memory),
        wr_unit_test(test_typology_chain__by_hand_and_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
