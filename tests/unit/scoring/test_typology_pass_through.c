/* Rapid pass-through and chain-hop against coins: each unit of money is followed. */
#include "typology_ref.h"

static void setup(ref_world *w, wr_rng *r)
{
    ref_values(w, r, 1 + (uint32_t)wr_rng_below(r, 6));
    w->o.pass_hold_s = (uint32_t)wr_rng_below(r, 15);
    w->o.pass_share_min = wr_rng_below(r, 2) ? 1 : 0.5;
    w->o.pass_events = 1 + (uint32_t)wr_rng_below(r, 4);
    w->o.pass_value_min = 2 + (double)wr_rng_below(r, 20);
    w->o.pass_window_s = (uint32_t)wr_rng_below(r, 40);
    w->o.hop_hold_s = (uint32_t)wr_rng_below(r, 25);
    w->o.hop_share_min = wr_rng_below(r, 2) ? 1 : 0.5;
    w->o.hop_events = 1 + (uint32_t)wr_rng_below(r, 2);
    w->o.hop_window_s = (uint32_t)wr_rng_below(r, 50);
    w->in.swap_mask = 1 + (uint32_t)wr_rng_below(r, 255);
}

enum { COINS = 8 };

typedef struct lot {
    uint32_t at, done_at,
        spent_by[COINS]; /* of each coin; UINT32_MAX = none that counts */
    uint32_t left;       /* coins not yet spent by anything */
    double counted;
} lot;

typedef struct wallet {
    lot l[1024];
    uint32_t count;
    uint32_t done[1024], done_count; /* lots in the order of their events */
} wallet;

typedef struct rules {
    uint32_t hold_s, window_s, events;
    double share, value;
    bool is_any, is_swap;
} rules;

/* Outflow `at` takes coin by coin, the oldest young one first. */
static void spend(wallet *x, const ref_world *w, uint32_t at, bool does_count,
                  const rules *p)
{
    for (uint32_t coin = 0; coin < (uint32_t)w->g.value[at]; coin++)
        for (uint32_t i = 0; i < x->count; i++) {
            lot *l = &x->l[i];
            const uint32_t value = (uint32_t)w->g.value[l->at];
            if (!l->left || w->g.time_s[at] - w->g.time_s[l->at] > p->hold_s)
                continue;
            l->spent_by[value - l->left--] = does_count ? at : UINT32_MAX;
            break;
        }
    for (uint32_t i = 0; i < x->count; i++) {
        lot *l = &x->l[i];
        const uint32_t value = (uint32_t)w->g.value[l->at];
        uint32_t counted = 0;
        for (uint32_t k = 0; k < value - l->left; k++)
            counted += l->spent_by[k] != UINT32_MAX;
        if (l->done_at == UINT32_MAX && counted && counted >= p->share * value) {
            l->done_at = at;
            l->counted = counted;
            x->done[x->done_count++] = i;
        }
    }
}

static void run_wallet(wallet *x, const ref_world *w, wr_vid v, const rules *p)
{
    x->count = x->done_count = 0;
    for (uint32_t i = 0; i < w->g.m; i++) {
        if (ref_is_of(w, i, v, true)) {
            x->l[x->count++] =
                (lot){.at = i, .done_at = UINT32_MAX, .left = (uint32_t)w->g.value[i]};
        } else if (ref_is_of(w, i, v, false)) {
            const int c = ref_label(&w->g.fl, w->g.to[i], w->g.time_s[i]);
            spend(x, w, i, !p->is_swap || (c >= 0 && (w->in.swap_mask >> c & 1)), p);
        }
    }
}

/* More events never hurt: a hit is the first that has enough within its window ahead. */
static void windows(ref_set *s, const ref_world *w, const wallet *x, wr_vid v,
                    const rules *p)
{
    for (uint32_t i = 0; i < x->done_count;) {
        const uint32_t end_s = w->g.time_s[x->l[x->done[i]].done_at] + p->window_s;
        uint32_t j = i;
        double sum = 0;
        ref_hit *h = ref_new(s, v);
        for (; j < x->done_count && w->g.time_s[x->l[x->done[j]].done_at] <= end_s; j++) {
            const lot *l = &x->l[x->done[j]];
            sum += l->counted;
            ref_edge(h, l->at);
            for (uint32_t k = 0; k < COINS; k++)
                if (k < (uint32_t)w->g.value[l->at] - l->left &&
                    l->spent_by[k] <= l->done_at)
                    ref_edge(h, l->spent_by[k]);
        }
        const double a = ref_strength(j - i, p->events),
                     b = p->is_any ? ref_strength(sum, p->value) : 0;
        h->strength = a > b ? a : b;
        const bool is_hit = j - i >= p->events || (p->is_any && sum >= p->value);
        s->count -= !is_hit;
        i = is_hit ? j : i + 1;
    }
}

static void brute(ref_set *s, ref_world *w, const rules *p)
{
    wallet *x = wr_calloc(1, sizeof *x);
    for (wr_vid v = 0; v < w->g.fl.n; v++) {
        run_wallet(x, w, v, p);
        if (!wr_flow_is_hub(&w->g.fl, v))
            windows(s, w, x, v, p);
    }
    wr_free(x);
}

static void brute_pass(ref_set *s, ref_world *w)
{
    const rules p = {w->o.pass_hold_s,
                     w->o.pass_window_s,
                     w->o.pass_events,
                     w->o.pass_share_min,
                     w->o.pass_value_min,
                     true,
                     false};
    brute(s, w, &p);
}

static void brute_hop(ref_set *s, ref_world *w)
{
    const rules p = {w->o.hop_hold_s,
                     w->o.hop_window_s,
                     w->o.hop_events,
                     w->o.hop_share_min,
                     0,
                     false,
                     true};
    brute(s, w, &p);
}

static void test_typology_pass_through__is_what_the_definition_says(void **state)
{
    (void)state;
    ref_check_worlds(WR_TYPOLOGY_PASS_THROUGH, 1500, true, setup, brute_pass);
    ref_check_worlds(WR_TYPOLOGY_CHAIN_HOP, 1500, true, setup, brute_hop);
}

static void test_typology_pass_through__same_bits_for_any_thread_count(void **state)
{
    (void)state;
    ref_check_threads(WR_TYPOLOGY_PASS_THROUGH, true, setup);
    ref_check_threads(WR_TYPOLOGY_CHAIN_HOP, true, setup);
}

static void test_typology_pass_through__empty_one_and_out_of_memory(void **state)
{
    (void)state;
    ref_check_edges(WR_TYPOLOGY_PASS_THROUGH, setup);
    ref_check_edges(WR_TYPOLOGY_CHAIN_HOP, setup);
}

/* Three sums of 100 stay ten minutes; the fourth rests too long.  2 is a bridge. */
static void plant(ref_world *w)
{
    static const ref_pay p[] = {{0, 1, 1000, 100}, {1, 2, 1600, 95},  {0, 1, 5000, 100},
                                {1, 2, 5600, 50},  {1, 2, 5601, 45},  {0, 1, 9000, 100},
                                {1, 2, 9600, 100}, {0, 1, 12000, 90}, {1, 2, 15601, 90}};
    ref_by_hand(w, p, 9, 3);
}

static void test_typology_pass_through__by_hand(void **state)
{
    (void)state;
    ref_world w;
    plant(&w);
    w.g.seeds.category[2] = REF_SERVICE;
    w.in.swap_mask = 1U << REF_SERVICE;
    const uint32_t which = 1U << WR_TYPOLOGY_PASS_THROUGH | 1U << WR_TYPOLOGY_CHAIN_HOP;
    WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.count, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(h.hit[i].typology,
                         i ? WR_TYPOLOGY_CHAIN_HOP : WR_TYPOLOGY_PASS_THROUGH);
        assert_int_equal(h.hit[i].root, 1);
        assert_int_equal(h.hit[i].edge_count, 7);
        assert_int_equal(h.hit[i].last_s, 9600);
    }
    assert_true(h.hit[0].strength == 0.5);
    assert_true(h.hit[1].strength == ref_strength(3, 2));
    wr_typology_hits_release(&h);
    w.in.swap_mask = 0; /* no bridge is known: nobody hops */
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.count, 1);
    ref_world_release(&w);
}

static void test_typology_pass_through__hub_cap(void **state)
{
    (void)state;
    ref_world w;
    plant(&w);
    w.o.pass_events = 2;
    w.o.hub_cap = 2;
    WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
    const uint32_t which = 1U << WR_TYPOLOGY_PASS_THROUGH;
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.count, 1);
    assert_int_equal(h.hit[0].edge_count, 5);
    assert_true(h.hit[0].is_hub_truncated);
    ref_world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_typology_pass_through__is_what_the_definition_says),
        wr_unit_test(test_typology_pass_through__same_bits_for_any_thread_count),
        wr_unit_test(test_typology_pass_through__empty_one_and_out_of_memory),
        wr_unit_test(test_typology_pass_through__by_hand),
        wr_unit_test(test_typology_pass_through__hub_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
