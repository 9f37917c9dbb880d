/* Structuring against every window of every row. */
#include "typology_ref.h"

static void setup(ref_world *w, wr_rng *r)
{
    ref_values(w, r, 12);
    w->o.structuring_count = 1 + (uint32_t)wr_rng_below(r, 4);
    w->o.structuring_window_s = (uint32_t)wr_rng_below(r, 40);
    w->o.structuring_threshold[0] = 4;
    w->o.structuring_threshold[1] = 8;
    w->o.structuring_threshold[2] = 12;
    w->o.structuring_low = wr_rng_below(r, 2) ? 0.5 : 0.75;
    w->o.structuring_sum_min = (double)wr_rng_below(r, 4);
}

/* The condition only grows with more transfers: a hit is the first that has enough ahead
 * of it, with all up to the end of its window. */
static void of_row(ref_set *s, ref_world *w, wr_vid v, bool is_in, double threshold)
{
    for (uint32_t i = 0; i < w->g.m; i++) {
        const uint32_t end_s = w->g.time_s[i] + w->o.structuring_window_s;
        uint32_t count = 0, last = i, kept[1024];
        double sum = 0;
        for (uint32_t j = i; j < w->g.m && w->g.time_s[j] <= end_s; j++) {
            const double a = w->g.value[j];
            if (!ref_is_of(w, j, v, is_in) || a < w->o.structuring_low * threshold ||
                a >= threshold) {
                if (j == i)
                    break;
                continue;
            }
            kept[count++] = last = j;
            sum += a;
        }
        if (count < w->o.structuring_count || sum < w->o.structuring_sum_min * threshold)
            continue;
        ref_hit *h = ref_new(s, v);
        h->variant = is_in;
        h->strength = ref_strength(count, w->o.structuring_count);
        for (uint32_t k = 0; k < count; k++)
            ref_edge(h, kept[k]);
        i = last;
    }
}

static void brute(ref_set *s, ref_world *w)
{
    for (wr_vid v = 0; v < w->g.fl.n; v++)
        for (int i = 0; i < 6 && !wr_flow_is_hub(&w->g.fl, v); i++)
            of_row(s, w, v, i % 2, w->o.structuring_threshold[i / 2]);
}

static void test_typology_structuring__is_what_the_definition_says(void **state)
{
    (void)state;
    ref_check_worlds(WR_TYPOLOGY_STRUCTURING, 1500, true, setup, brute);
}

static void test_typology_structuring__same_bits_for_any_thread_count(void **state)
{
    (void)state;
    ref_check_threads(WR_TYPOLOGY_STRUCTURING, true, setup);
}

static void test_typology_structuring__empty_one_and_out_of_memory(void **state)
{
    (void)state;
    ref_check_edges(WR_TYPOLOGY_STRUCTURING, setup);
}

/* Four of 9 000 to 9 999 in two days; 10 000 itself is no hiding, 7 999 is too little. */
static void test_typology_structuring__by_hand(void **state)
{
    (void)state;
    const ref_pay p[] = {{0, 1, 1000, 9000},  {0, 2, 2000, 9500},
                         {0, 3, 3000, 10000}, {0, 4, 4000, 9999},
                         {0, 5, 5000, 7999},  {0, 6, 1000 + 2 * WR_TYPOLOGY_DAY_S, 8000}};
    ref_world w;
    ref_by_hand(&w, p, 6, 7);
    WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
    assert_ok(
        wr_typology_find(&h, &w.in, 1U << WR_TYPOLOGY_STRUCTURING, &w.o, NULL, &err));
    assert_int_equal(h.count, 1);
    assert_int_equal(h.hit[0].root, 0);
    assert_int_equal(h.hit[0].variant, 0);
    const uint32_t want[] = {0, 1, 3, 5};
    assert_int_equal(h.hit[0].edge_count, 4);
    assert_memory_equal(h.edge, want, sizeof want);
    ref_world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_typology_structuring__is_what_the_definition_says),
        wr_unit_test(test_typology_structuring__same_bits_for_any_thread_count),
        wr_unit_test(test_typology_structuring__empty_one_and_out_of_memory),
        wr_unit_test(test_typology_structuring__by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
