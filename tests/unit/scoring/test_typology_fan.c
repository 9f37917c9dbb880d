/* Fan-in and fan-out against a quadratic reading of their definition. */
#include "typology_ref.h"

static void setup(ref_world *w, wr_rng *r)
{
    ref_values(w, r, 1 + (uint32_t)wr_rng_below(r, 9));
    w->o.fan_count = 1 + (uint32_t)wr_rng_below(r, 4);
    w->o.fan_window_s = (uint32_t)wr_rng_below(r, 30);
    w->o.fan_even_min = wr_rng_below(r, 3) ? 0.25 * (double)wr_rng_below(r, 4) : 0;
}

static uint32_t distinct(const ref_world *w, const uint32_t *at, uint32_t n, bool is_in)
{
    uint32_t d = 0;
    for (uint32_t i = 0; i < n; i++) {
        const wr_vid *of = is_in ? w->g.from : w->g.to;
        uint32_t k = 0;
        while (k < i && of[at[k]] != of[at[i]])
            k++;
        d += k == i;
    }
    return d;
}

static bool holds(const ref_world *w, const uint32_t *at, uint32_t n, bool is_in)
{
    if (distinct(w, at, n, is_in) < w->o.fan_count)
        return false;
    /* The lower median: as many below or equal as half of them, rounded up. */
    double most = 0, median = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t below = 0, equal = 0;
        const double a = w->g.value[at[i]];
        for (uint32_t k = 0; k < n; k++) {
            below += w->g.value[at[k]] < a;
            equal += w->g.value[at[k]] == a;
        }
        most = a > most ? a : most;
        if (below < (n + 1) / 2 && below + equal >= (n + 1) / 2)
            median = a;
    }
    return median >= w->o.fan_even_min * most;
}

static void of_wallet(ref_set *s, ref_world *w, wr_vid v, bool is_in)
{
    uint32_t row[1024], n = 0, set[1024];
    for (uint32_t i = 0; i < w->g.m; i++)
        if (ref_is_of(w, i, v, is_in))
            row[n++] = i;
    for (uint32_t free_from = 0, j = 0; j < n; j++) {
        uint32_t count = 0;
        for (uint32_t i = free_from; i <= j; i++)
            if (w->g.time_s[row[j]] - w->g.time_s[row[i]] <= w->o.fan_window_s)
                set[count++] = row[i];
        if (!holds(w, set, count, is_in))
            continue;
        const uint32_t end_s = w->g.time_s[set[0]] + w->o.fan_window_s;
        for (j++; j < n && w->g.time_s[row[j]] <= end_s; j++) {
            set[count] = row[j];
            count += holds(w, set, count + 1, is_in);
        }
        ref_hit *h = ref_new(s, v);
        for (uint32_t i = 0; i < count; i++)
            ref_edge(h, set[i]);
        h->strength = ref_strength(distinct(w, set, count, is_in), w->o.fan_count);
        free_from = j--;
    }
}

static void brute(ref_set *s, ref_world *w, bool is_in)
{
    for (wr_vid v = 0; v < w->g.fl.n; v++)
        if (!wr_flow_is_hub(&w->g.fl, v))
            of_wallet(s, w, v, is_in);
}

static void brute_in(ref_set *s, ref_world *w)
{
    brute(s, w, true);
}

static void brute_out(ref_set *s, ref_world *w)
{
    brute(s, w, false);
}

static void test_typology_fan__is_what_the_definition_says(void **state)
{
    (void)state;
    ref_check_worlds(WR_TYPOLOGY_FAN_IN, 1500, true, setup, brute_in);
    ref_check_worlds(WR_TYPOLOGY_FAN_OUT, 1500, true, setup, brute_out);
}

static void test_typology_fan__same_bits_for_any_thread_count(void **state)
{
    (void)state;
    ref_check_threads(WR_TYPOLOGY_FAN_IN, true, setup);
    ref_check_threads(WR_TYPOLOGY_FAN_OUT, true, setup);
}

static void test_typology_fan__empty_one_and_out_of_memory(void **state)
{
    (void)state;
    ref_check_edges(WR_TYPOLOGY_FAN_IN, setup);
    ref_check_edges(WR_TYPOLOGY_FAN_OUT, setup);
}

/* Ten pay 11 within a day, the first a second time; the eleventh comes too late. */
static void test_typology_fan__by_hand(void **state)
{
    (void)state;
    ref_pay p[12];
    for (uint32_t i = 0; i < 10; i++)
        p[i] = (ref_pay){i, 11, 1000 + i, 100 + i};
    p[10] = (ref_pay){0, 11, 1000 + WR_TYPOLOGY_DAY_S, 100};
    p[11] = (ref_pay){10, 11, 1001 + WR_TYPOLOGY_DAY_S, 100};
    ref_world w;
    ref_by_hand(&w, p, 12, 12);
    WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
    const uint32_t both = 1U << WR_TYPOLOGY_FAN_IN | 1U << WR_TYPOLOGY_FAN_OUT;
    assert_ok(wr_typology_find(&h, &w.in, both, &w.o, NULL, &err));
    assert_int_equal(h.count, 1);
    assert_int_equal(h.hit[0].typology, WR_TYPOLOGY_FAN_IN);
    assert_int_equal(h.hit[0].root, 11);
    assert_int_equal(h.hit[0].edge_count, 11);
    assert_int_equal(h.hit[0].member_count, 11);
    assert_true(h.hit[0].strength == 0.5);
    assert_true(h.hit[0].amount == 1145);
    ref_world_release(&w);
}

/* No window is wider than the cap; it says so, and what it does find is a fan. */
static void test_typology_fan__hub_cap(void **state)
{
    (void)state;
    ref_pay p[40];
    for (uint32_t i = 0; i < 40; i++)
        p[i] = (ref_pay){i, 40, 1000 + i, 5};
    ref_world w;
    ref_by_hand(&w, p, 40, 41);
    WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
    w.o.hub_cap = 9;
    assert_ok(wr_typology_find(&h, &w.in, 1U << WR_TYPOLOGY_FAN_IN, &w.o, NULL, &err));
    assert_int_equal(h.count, 0);
    assert_int_equal(h.truncated_roots[WR_TYPOLOGY_FAN_IN], 1);
    w.o.hub_cap = 12;
    wr_typology_hits_release(&h);
    assert_ok(wr_typology_find(&h, &w.in, 1U << WR_TYPOLOGY_FAN_IN, &w.o, NULL, &err));
    assert_int_equal(h.count, 1);
    assert_int_equal(h.hit[0].edge_count, 12);
    assert_true(h.hit[0].is_hub_truncated);
    assert_int_equal(h.truncated_roots[WR_TYPOLOGY_FAN_IN], 1);
    w.o.hub_cap = 40;
    wr_typology_hits_release(&h);
    assert_ok(wr_typology_find(&h, &w.in, 1U << WR_TYPOLOGY_FAN_IN, &w.o, NULL, &err));
    assert_int_equal(h.hit[0].edge_count, 40);
    assert_false(h.hit[0].is_hub_truncated);
    ref_world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_typology_fan__is_what_the_definition_says),
        wr_unit_test(test_typology_fan__same_bits_for_any_thread_count),
        wr_unit_test(test_typology_fan__empty_one_and_out_of_memory),
        wr_unit_test(test_typology_fan__by_hand),
        wr_unit_test(test_typology_fan__hub_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
