/* Dusting and address poisoning against their definitions. */
#include "typology_ref.h"

static uint64_t keys[4096];

static void setup(ref_world *w, wr_rng *r)
{
    for (uint64_t i = 0; i < w->g.m; i++)
        if (w->g.value[i] > 0)
            w->g.value[i] = 0.25 * (double)(1 + wr_rng_below(r, 8));
    w->o.dust_count = 1 + (uint32_t)wr_rng_below(r, 4);
    w->o.dust_window_s = (uint32_t)wr_rng_below(r, 40);
    w->o.poison_window_s = (uint32_t)wr_rng_below(r, 40);
    w->o.dust_spread = wr_rng_below(r, 2) ? 0.25 : 0;
    for (wr_vid v = 0; v < w->g.fl.n; v++)
        keys[v] = wr_rng_below(r, 1 + w->g.fl.n / 2);
    w->in.address_key = keys;
}

static uint32_t receivers(const ref_world *w, const ref_hit *h)
{
    uint32_t d = 0;
    for (uint32_t i = 0; i < h->count; i++) {
        uint32_t k = 0;
        while (k < i && w->g.to[h->edge[k]] != w->g.to[h->edge[i]])
            k++;
        d += k == i;
    }
    return d;
}

static bool is_crumb(const ref_world *w, uint32_t at, wr_vid v, double like)
{
    const double a = w->g.value[at], spread = w->o.dust_spread * like;
    return ref_is_of(w, at, v, false) && a <= w->o.dust_value_max &&
           (like < 0 || (a - like <= spread && like - a <= spread));
}

static void dusting(ref_set *s, ref_world *w, wr_vid v)
{
    for (uint32_t d = 0, free_from = 0; d < w->g.m; d++) {
        if (!is_crumb(w, d, v, -1))
            continue;
        const double a = w->g.value[d];
        const uint32_t t = w->g.time_s[d], window_s = w->o.dust_window_s;
        ref_hit *h = ref_new(s, v);
        for (uint32_t i = free_from; i <= d; i++)
            if (is_crumb(w, i, v, a) && t - w->g.time_s[i] <= window_s)
                ref_edge(h, i);
        if (receivers(w, h) < w->o.dust_count) {
            s->count--;
            continue;
        }
        const uint32_t end_s = w->g.time_s[h->edge[0]] + window_s;
        for (free_from = d + 1; free_from < w->g.m && w->g.time_s[free_from] <= end_s;
             free_from++)
            if (is_crumb(w, free_from, v, a))
                ref_edge(h, free_from);
        h->strength = ref_strength(receivers(w, h), w->o.dust_count);
        d = free_from - 1;
    }
}

/* Is transfer i a trap that x sets for *v? */
static bool is_trap(const ref_world *w, uint32_t i, wr_vid x, wr_vid *v)
{
    const flow_gen *g = &w->g;
    if (!ref_in_scope(w, i) || g->from[i] == g->to[i] || !keys[x] ||
        ref_is_service(&g->fl, x, g->time_s[i]))
        return false;
    const bool is_paid = g->from[i] == x && g->value[i] <= w->o.dust_value_max,
               is_drawn = g->to[i] == x && g->value[i] == 0;
    *v = is_paid ? g->to[i] : g->from[i];
    return (is_paid || is_drawn) && !wr_flow_is_hub(&g->fl, *v) &&
           !ref_is_service(&g->fl, *v, g->time_s[i]);
}

static void poisoning(ref_set *s, ref_world *w, wr_vid x)
{
    const flow_gen *g = &w->g;
    for (uint32_t i = 0; i < g->m; i++) {
        wr_vid v = 0;
        if (!is_trap(w, i, x, &v))
            continue;
        int64_t known = -1;
        for (uint32_t k = 0; k < i; k++) {
            const wr_vid y = g->from[k] == v ? g->to[k] : g->from[k];
            if ((g->from[k] == v || g->to[k] == v) && y != v && y != x &&
                keys[y] == keys[x] && g->value[k] > w->o.dust_value_max &&
                g->time_s[i] - g->time_s[k] <= w->o.poison_window_s)
                known = k;
        }
        if (known < 0)
            continue;
        ref_hit *h = ref_new(s, x);
        h->variant = 1;
        ref_edge(h, (uint32_t)known);
        ref_edge(h, i);
        const uint32_t age = g->time_s[i] - g->time_s[known];
        h->strength = age ? 1 - age / (2.0 * w->o.poison_window_s) : 1;
    }
}

static void brute(ref_set *s, ref_world *w)
{
    for (wr_vid v = 0; v < w->g.fl.n; v++)
        if (!wr_flow_is_hub(&w->g.fl, v)) {
            dusting(s, w, v);
            poisoning(s, w, v);
        }
}

static void test_typology_dusting__is_what_the_definition_says(void **state)
{
    (void)state;
    ref_check_worlds(WR_TYPOLOGY_DUSTING, 1500, true, setup, brute);
}

static void test_typology_dusting__same_bits_for_any_thread_count(void **state)
{
    (void)state;
    ref_check_threads(WR_TYPOLOGY_DUSTING, true, setup);
}

static void test_typology_dusting__empty_one_and_out_of_memory(void **state)
{
    (void)state;
    ref_check_edges(WR_TYPOLOGY_DUSTING, setup);
}

/* 0 sends 0.01 to 100 wallets, and a coffee that is no crumb of that size. */
static void test_typology_dusting__by_hand_and_hub_cap(void **state)
{
    (void)state;
    ref_pay p[101];
    for (uint32_t i = 0; i < 101; i++)
        p[i] = (ref_pay){0, 1 + i, 1000 + i, i == 50 ? 0.9 : 0.01};
    ref_world w;
    ref_by_hand(&w, p, 101, 102);
    const uint32_t which = 1U << WR_TYPOLOGY_DUSTING;
    WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.count, 1);
    assert_int_equal(h.hit[0].edge_count, 100);
    assert_true(h.hit[0].strength == 0.5);
    wr_typology_hits_release(&h);
    w.o.hub_cap = 100; /* the coffee takes one place */
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.count, 0);
    assert_int_equal(h.truncated_roots[WR_TYPOLOGY_DUSTING], 1);
    ref_world_release(&w);
}

/* 0 pays 1; 2 looks like 1 and sends 0 nothing; 3 does not; 4 is too late. */
static void test_typology_dusting__poison_by_hand(void **state)
{
    (void)state;
    const uint32_t day = WR_TYPOLOGY_DAY_S;
    const ref_pay p[] = {{0, 1, day, 500},
                         {2, 0, 2 * day, 0},
                         {3, 0, 2 * day, 0},
                         {0, 2, 16 * day, 0},
                         {4, 0, 32 * day, 0.5}};
    const uint64_t key[] = {1, 7, 7, 8, 7, 0}; /* ref_by_hand adds a hub */
    ref_world w;
    ref_by_hand(&w, p, 5, 5);
    w.in.address_key = key;
    const uint32_t which = 1U << WR_TYPOLOGY_DUSTING;
    WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.count, 2);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(h.hit[i].root, 2);
        assert_int_equal(h.hit[i].variant, 1);
        assert_int_equal(h.hit[i].member_count, 3);
        assert_int_equal(h.edge[2 * i + 1], i ? 3 : 1);
    }
    assert_true(h.hit[1].strength == 0.75);
    wr_typology_hits_release(&h);
    w.o.visits_max = 1; /* a second look back at 0 is one too many */
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.count, 1);
    assert_int_equal(h.partial_roots[WR_TYPOLOGY_DUSTING], 3); /* 3 and 4 too */
    ref_world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_typology_dusting__is_what_the_definition_says),
        wr_unit_test(test_typology_dusting__same_bits_for_any_thread_count),
        wr_unit_test(test_typology_dusting__empty_one_and_out_of_memory),
        wr_unit_test(test_typology_dusting__by_hand_and_hub_cap),
        wr_unit_test(test_typology_dusting__poison_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
