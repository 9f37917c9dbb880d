/* Dormant activation against its definition, transfer by transfer. */
#include "typology_ref.h"

static void setup(ref_world *w, wr_rng *r)
{
    ref_values(w, r, 6);
    w->o.dormant_gap_s = 1 + (uint32_t)wr_rng_below(r, 12);
    w->o.dormant_gap_ratio = (double)wr_rng_below(r, 4);
    w->o.dormant_window_s = (uint32_t)wr_rng_below(r, 12);
    w->o.dormant_share_min = wr_rng_below(r, 2) ? 0.5 : 1;
}

typedef struct life { /* the transfers of a wallet */
    uint32_t at[1024], count;
} life;

static void read_life(life *l, const ref_world *w, wr_vid v)
{
    l->count = 0;
    for (uint32_t i = 0; i < w->g.m; i++)
        if (ref_moves(&w->g.fl, i) && w->g.time_s[i] < w->o.to_s &&
            (w->g.from[i] == v || w->g.to[i] == v))
            l->at[l->count++] = i;
}

static double balance_before(const life *l, const ref_world *w, wr_vid v, uint32_t j)
{
    double b = 0;
    for (uint32_t i = 0; i < j; i++) {
        const double a = w->g.value[l->at[i]];
        b += w->g.to[l->at[i]] == v ? a : -a;
        b = b > 0 ? b : 0;
    }
    return b;
}

static uint32_t gap(const life *l, const ref_world *w, uint32_t j)
{
    return w->g.time_s[l->at[j]] - w->g.time_s[l->at[j - 1]];
}

static bool is_waking(const life *l, const ref_world *w, uint32_t j)
{
    const uint32_t d = gap(l, w, j), n = j - 1;
    if (d < w->o.dormant_gap_s || w->g.time_s[l->at[j]] < w->o.from_s)
        return false;
    for (uint32_t i = 1; i < j; i++) {
        uint32_t below = 0, equal = 0;
        for (uint32_t k = 1; k < j; k++) {
            below += gap(l, w, k) < gap(l, w, i);
            equal += gap(l, w, k) == gap(l, w, i);
        }
        if (below < (n + 1) / 2 && below + equal >= (n + 1) / 2 &&
            d < w->o.dormant_gap_ratio * gap(l, w, i))
            return false;
    }
    return true;
}

static void brute(ref_set *s, ref_world *w)
{
    life *l = wr_calloc(1, sizeof *l);
    for (wr_vid v = 0; v < w->g.fl.n; v++) {
        read_life(l, w, v);
        for (uint32_t j = 1; j < l->count && !wr_flow_is_hub(&w->g.fl, v); j++) {
            const double b = balance_before(l, w, v, j);
            const uint32_t t = w->g.time_s[l->at[j]];
            if (!is_waking(l, w, j) || !(b > 0) || ref_is_service(&w->g.fl, v, t))
                continue;
            ref_hit *h = ref_new(s, v);
            double paid = 0;
            bool is_hit = false;
            for (uint32_t k = j; k < l->count && !is_hit; k++) {
                if (w->g.from[l->at[k]] != v ||
                    w->g.time_s[l->at[k]] - t > w->o.dormant_window_s)
                    continue;
                paid += w->g.value[l->at[k]];
                ref_edge(h, l->at[k]);
                is_hit = paid / b >= w->o.dormant_share_min;
            }
            h->strength = ref_strength(paid < b ? paid / b : 1, w->o.dormant_share_min);
            s->count -= !is_hit;
        }
    }
    wr_free(l);
}

static void test_typology_dormant__is_what_the_definition_says(void **state)
{
    (void)state;
    ref_check_worlds(WR_TYPOLOGY_DORMANT, 1500, true, setup, brute);
}

static void test_typology_dormant__same_bits_for_any_thread_count(void **state)
{
    (void)state;
    ref_check_threads(WR_TYPOLOGY_DORMANT, true, setup);
}

static void test_typology_dormant__empty_one_and_out_of_memory(void **state)
{
    (void)state;
    ref_check_edges(WR_TYPOLOGY_DORMANT, setup);
}

/* Half a year of sleep on 100, then 30 and 30; after that it is awake. */
static void test_typology_dormant__by_hand_and_hub_cap(void **state)
{
    (void)state;
    const uint32_t day = WR_TYPOLOGY_DAY_S;
    const ref_pay p[] = {{0, 1, day, 80},
                         {0, 1, 2 * day, 20},
                         {1, 2, 182 * day, 30},
                         {1, 2, 182 * day + 9, 30},
                         {1, 2, 182 * day + 99, 30}};
    ref_world w;
    ref_by_hand(&w, p, 5, 3);
    const uint32_t which = 1U << WR_TYPOLOGY_DORMANT;
    WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.count, 1);
    assert_int_equal(h.hit[0].root, 1);
    assert_int_equal(h.hit[0].edge_count, 2);
    assert_true(h.hit[0].amount == 60);
    assert_true(h.hit[0].strength == ref_strength(0.6, 0.5));
    wr_typology_hits_release(&h);
    w.o.hub_cap = 1;
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.count, 0);
    assert_int_equal(h.truncated_roots[WR_TYPOLOGY_DORMANT], 1);
    wr_typology_hits_release(&h);
    w.o.hub_cap = 5000;
    w.o.dormant_gap_s++; /* a second more would be too long */
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.count, 0);
    ref_world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_typology_dormant__is_what_the_definition_says),
        wr_unit_test(test_typology_dormant__same_bits_for_any_thread_count),
        wr_unit_test(test_typology_dormant__empty_one_and_out_of_memory),
        wr_unit_test(test_typology_dormant__by_hand_and_hub_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
