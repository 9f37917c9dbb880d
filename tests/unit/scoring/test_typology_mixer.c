/* Mixer contact and CoinJoin structure against their definitions. */
#include "typology_ref.h"

static void setup(ref_world *w, wr_rng *r)
{
    ref_values(w, r, 2);
    w->in.mixer_mask = (uint32_t)wr_rng_below(r, 64);
    w->o.coinjoin_outputs = 2;
}

static bool is_mixer(const ref_world *w, wr_vid v, uint32_t at)
{
    const int c = ref_label(&w->g.fl, v, w->g.time_s[at]);
    return c >= 0 && (w->in.mixer_mask >> c & 1);
}

static void contact(ref_set *s, ref_world *w, wr_vid v)
{
    const flow_gen *g = &w->g;
    double all = 0, mixed = 0;
    ref_hit *h = ref_new(s, v);
    for (uint32_t i = 0; i < g->m; i++) {
        if (!ref_in_scope(w, i) || !ref_moves(&g->fl, i) ||
            (g->from[i] != v && g->to[i] != v))
            continue;
        all += g->value[i];
        const bool is_in = g->to[i] == v;
        const wr_vid other = is_in ? g->from[i] : g->to[i];
        if (is_mixer(w, v, i) || ref_is_service(&g->fl, v, g->time_s[i]))
            continue;
        bool is_met = is_mixer(w, other, i);
        for (uint32_t k = 0; k < g->m; k++) {
            const wr_vid near = is_in ? g->to[k] : g->from[k],
                         far = is_in ? g->from[k] : g->to[k];
            if (!wr_flow_is_hub(&g->fl, other) || near != other || !ref_in_scope(w, k) ||
                !ref_moves(&g->fl, k) || !is_mixer(w, far, k))
                continue;
            is_met = true;
            ref_edge(h, k);
        }
        if (is_met) {
            mixed += g->value[i];
            ref_edge(h, i);
        }
    }
    h->strength = 0.5 + 0.5 * mixed / all;
    s->count -= h->count == 0;
}

static uint32_t distinct(const flow_gen *g, const wr_vid *near, const wr_vid *far,
                         wr_vid hub, double value, uint32_t end)
{
    uint32_t d = 0;
    for (uint32_t i = 0; i < end; i++) {
        bool is_new =
            near[i] == hub && ref_moves(&g->fl, i) && (value < 0 || g->value[i] == value);
        for (uint32_t k = 0; k < i; k++)
            is_new &= near[k] != hub || far[k] != far[i] || !ref_moves(&g->fl, k) ||
                      (value >= 0 && g->value[k] != value);
        d += is_new;
    }
    return d;
}

static void coinjoin(ref_set *s, ref_world *w, wr_vid hub)
{
    const flow_gen *g = &w->g;
    uint32_t end = 0, ins = 0, outs = 0, equal = 0;
    while (end < g->m && g->time_s[end] < w->o.to_s)
        end++;
    ref_hit *h = ref_new(s, hub);
    for (uint32_t i = 0; i < end; i++) {
        if (!ref_moves(&g->fl, i) || (g->from[i] != hub && g->to[i] != hub))
            continue;
        ref_edge(h, i);
        ins += g->to[i] == hub;
        outs += g->from[i] == hub;
        const uint32_t d = distinct(g, g->from, g->to, hub, g->value[i], end);
        equal = d > equal ? d : equal;
    }
    const uint32_t payers = distinct(g, g->to, g->from, hub, -1, end);
    if (ins >= 50 && payers >= equal && equal >= 10) {
        h->variant = 3;
        h->strength = 0.8;
    } else if (ins == 5 && outs == 5 && payers == 5 && equal == 5) {
        h->variant = 2;
        h->strength = 0.9;
    } else if (payers >= equal && equal >= w->o.coinjoin_outputs) {
        h->variant = 1;
        h->strength = ref_strength(equal, w->o.coinjoin_outputs);
    }
    s->count -= !h->variant || !h->count || g->time_s[h->edge[0]] < w->o.from_s;
}

static void brute(ref_set *s, ref_world *w)
{
    for (wr_vid v = 0; v < w->g.fl.n; v++)
        if (wr_flow_is_hub(&w->g.fl, v))
            coinjoin(s, w, v);
        else
            contact(s, w, v);
}

static void test_typology_mixer__is_what_the_definition_says(void **state)
{
    (void)state;
    ref_check_worlds(WR_TYPOLOGY_MIXER, 2000, true, setup, brute);
}

static void test_typology_mixer__same_bits_for_any_thread_count(void **state)
{
    (void)state;
    ref_check_threads(WR_TYPOLOGY_MIXER, true, setup);
}

static void test_typology_mixer__empty_one_and_out_of_memory(void **state)
{
    (void)state;
    ref_check_edges(WR_TYPOLOGY_MIXER, setup);
}

/* A hub with `in` inputs and `out` outputs, `equal` of them of one value. */
static void assert_kind(uint32_t in, uint32_t out, uint32_t equal, uint8_t variant)
{
    ref_pay p[200];
    const wr_vid hub = in + out;
    uint32_t m = 0;
    for (uint32_t i = 0; i < in; i++)
        p[m++] = (ref_pay){i, hub, 1000, 7};
    for (uint32_t i = 0; i < out; i++)
        p[m++] = (ref_pay){hub, in + i, 1000, i < equal ? 6 : 1.0 / (1 + i)};
    ref_world w;
    ref_by_hand(&w, p, m, hub + 1);
    uint64_t hubs[8] = {0};
    hubs[hub / 64] |= 1ULL << (hub % 64);
    w.in.flow.hub_bits = hubs;
    WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
    assert_ok(wr_typology_find(&h, &w.in, 1U << WR_TYPOLOGY_MIXER, &w.o, NULL, &err));
    assert_int_equal(h.count, variant != 0);
    if (variant) {
        assert_int_equal(h.hit[0].variant, variant);
        assert_int_equal(h.hit[0].root, hub);
        assert_int_equal(h.hit[0].edge_count, m);
        assert_int_equal(h.hit[0].member_count, m + 1);
    }
    ref_world_release(&w);
}

static void test_typology_mixer__kinds_of_coinjoin(void **state)
{
    (void)state;
    assert_kind(3, 6, 3, 1);
    assert_kind(2, 6, 3, 0); /* fewer payers than equal outputs: a payout */
    assert_kind(3, 6, 2, 0);
    assert_kind(5, 5, 5, 2);
    assert_kind(6, 5, 5, 1);
    assert_kind(50, 40, 10, 3);
    assert_kind(49, 40, 10, 1);
}

/* 0 pays the mixer 2; 1 is paid by it through a transaction (3). */
static void test_typology_mixer__contact_by_hand(void **state)
{
    (void)state;
    const ref_pay p[] = {{0, 2, 10, 30}, {0, 1, 11, 90}, {2, 3, 20, 25}, {3, 1, 20, 25}};
    ref_world w;
    ref_by_hand(&w, p, 4, 4);
    uint64_t hubs = 1U << 3;
    w.in.flow.hub_bits = &hubs;
    w.in.mixer_mask = 2;
    w.g.seeds.category[2] = 1;
    WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
    const uint32_t which = 1U << WR_TYPOLOGY_MIXER;
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.count, 2);
    assert_int_equal(h.hit[0].root, 0);
    assert_int_equal(h.hit[0].edge_count, 1);
    assert_true(h.hit[0].strength == 0.5 + 0.5 * 30 / 120);
    assert_int_equal(h.hit[1].root, 1);
    assert_int_equal(h.hit[1].edge_count, 2);
    wr_typology_hits_release(&h);
    w.o.hub_cap = 1;
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.count, 2); /* one input: within the cap */
    ref_world_release(&w);
}

static void test_typology_mixer__hub_cap(void **state)
{
    (void)state;
    const ref_pay p[] = {{0, 4, 10, 30}, {1, 4, 10, 90}, {2, 4, 10, 30},
                         {4, 5, 10, 30}, {4, 6, 10, 30}, {4, 7, 10, 30}};
    ref_world w;
    ref_by_hand(&w, p, 6, 8);
    uint64_t hubs = 1U << 4;
    w.in.flow.hub_bits = &hubs;
    w.o.hub_cap = 2;
    WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
    const uint32_t which = 1U << WR_TYPOLOGY_MIXER;
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.count, 0);
    assert_int_equal(h.truncated_roots[WR_TYPOLOGY_MIXER], 1);
    ref_world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_typology_mixer__is_what_the_definition_says),
        wr_unit_test(test_typology_mixer__same_bits_for_any_thread_count),
        wr_unit_test(test_typology_mixer__empty_one_and_out_of_memory),
        wr_unit_test(test_typology_mixer__kinds_of_coinjoin),
        wr_unit_test(test_typology_mixer__contact_by_hand),
        wr_unit_test(test_typology_mixer__hub_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
