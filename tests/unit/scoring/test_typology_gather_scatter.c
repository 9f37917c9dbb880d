/* Gather-scatter against its definition, window by window. */
#include "typology_ref.h"

static void setup(ref_world *w, wr_rng *r)
{
    ref_values(w, r, 1 + (uint32_t)wr_rng_below(r, 4));
    w->o.gather_count = 1 + (uint32_t)wr_rng_below(r, 3);
    w->o.gather_out_count = 1 + (uint32_t)wr_rng_below(r, 3);
    w->o.gather_window_s = 2 + (uint32_t)wr_rng_below(r, 40);
    w->o.gather_before_min = wr_rng_below(r, 2) ? 0.7 : 0.3;
    w->o.gather_ratio_min = wr_rng_below(r, 2) ? 0.8 : 0.5;
    w->o.gather_ratio_max = wr_rng_below(r, 2) ? 1.05 : 1.5;
    w->o.fan_even_min = wr_rng_below(r, 2) ? 0.5 : 0;
}

typedef struct side { /* transfers on one side of v in the window */
    uint32_t at[1024], count, distinct;
    double sum, median, most;
} side;

static void read_side(side *s, const ref_world *w, wr_vid v, uint32_t start,
                      uint32_t end_s, bool is_in)
{
    *s = (side){0};
    const wr_vid *other = is_in ? w->g.from : w->g.to;
    for (uint32_t i = start; i < w->g.m && w->g.time_s[i] <= end_s; i++) {
        if (!ref_is_of(w, i, v, is_in))
            continue;
        uint32_t k = 0;
        while (k < s->count && other[s->at[k]] != other[i])
            k++;
        s->distinct += k == s->count;
        s->at[s->count++] = i;
        s->sum += w->g.value[i];
    }
    for (uint32_t i = 0; i < s->count; i++) {
        uint32_t below = 0, equal = 0;
        const double a = w->g.value[s->at[i]];
        for (uint32_t k = 0; k < s->count; k++) {
            below += w->g.value[s->at[k]] < a;
            equal += w->g.value[s->at[k]] == a;
        }
        s->most = a > s->most ? a : s->most;
        if (below < (s->count + 1) / 2 && below + equal >= (s->count + 1) / 2)
            s->median = a;
    }
}

static bool holds(const side *in, const side *out, const ref_world *w)
{
    const wr_typology_opts *o = &w->o;
    if (in->distinct < o->gather_count || out->distinct < o->gather_out_count)
        return false;
    double before = 0;
    for (uint32_t i = 0; i < in->count; i++)
        before += in->at[i] < out->at[0] ? w->g.value[in->at[i]] : 0;
    return before >= o->gather_before_min * in->sum &&
           out->sum >= o->gather_ratio_min * in->sum &&
           out->sum <= o->gather_ratio_max * in->sum &&
           in->median >= o->fan_even_min * in->most &&
           out->median >= o->fan_even_min * out->most;
}

static void brute(ref_set *s, ref_world *w)
{
    for (wr_vid v = 0; v < w->g.fl.n; v++) {
        for (uint32_t i = 0; i < w->g.m && !wr_flow_is_hub(&w->g.fl, v); i++) {
            side in, out;
            if (!ref_is_of(w, i, v, true))
                continue;
            const uint32_t end_s = w->g.time_s[i] + w->o.gather_window_s;
            read_side(&in, w, v, i, end_s, true);
            read_side(&out, w, v, i, end_s, false);
            if (!holds(&in, &out, w))
                continue;
            ref_hit *h = ref_new(s, v);
            for (uint32_t k = 0; k < in.count; k++)
                ref_edge(h, in.at[k]);
            for (uint32_t k = 0; k < out.count; k++)
                ref_edge(h, out.at[k]);
            const double a = ref_strength(in.distinct, w->o.gather_count),
                         b = ref_strength(out.distinct, w->o.gather_out_count);
            h->strength = a < b ? a : b;
            const uint32_t x = in.at[in.count - 1], y = out.at[out.count - 1];
            i = x > y ? x : y;
        }
    }
}

static void test_typology_gather_scatter__is_what_the_definition_says(void **state)
{
    (void)state;
    ref_check_worlds(WR_TYPOLOGY_GATHER_SCATTER, 2000, true, setup, brute);
}

static void test_typology_gather_scatter__same_bits_for_any_thread_count(void **state)
{
    (void)state;
    ref_check_threads(WR_TYPOLOGY_GATHER_SCATTER, true, setup);
}

static void test_typology_gather_scatter__empty_one_and_out_of_memory(void **state)
{
    (void)state;
    ref_check_edges(WR_TYPOLOGY_GATHER_SCATTER, setup);
}

/* Five pay 0, which pays five others 97 %; one more inflow would be too much rest. */
static void test_typology_gather_scatter__by_hand_and_hub_cap(void **state)
{
    (void)state;
    ref_pay p[11];
    for (uint32_t i = 0; i < 5; i++) {
        p[i] = (ref_pay){1 + i, 0, 1000 + i, 100};
        p[5 + i] = (ref_pay){0, 6 + i, 2000 + i, 97};
    }
    p[10] = (ref_pay){1, 0, 1005 + 2 * WR_TYPOLOGY_DAY_S, 900};
    ref_world w;
    ref_by_hand(&w, p, 11, 12);
    const uint32_t which = 1U << WR_TYPOLOGY_GATHER_SCATTER;
    WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.count, 1);
    assert_int_equal(h.hit[0].root, 0);
    assert_int_equal(h.hit[0].edge_count, 10);
    assert_true(h.hit[0].strength == 0.5);
    wr_typology_hits_release(&h);
    w.o.hub_cap = 9;
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.count, 0);
    assert_int_equal(h.truncated_roots[WR_TYPOLOGY_GATHER_SCATTER], 1);
    ref_world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_typology_gather_scatter__is_what_the_definition_says),
        wr_unit_test(test_typology_gather_scatter__same_bits_for_any_thread_count),
        wr_unit_test(test_typology_gather_scatter__empty_one_and_out_of_memory),
        wr_unit_test(test_typology_gather_scatter__by_hand_and_hub_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
