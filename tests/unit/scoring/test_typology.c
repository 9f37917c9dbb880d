/* What all typologies share: options, order, scope, summary. */
#include <math.h>

#include "typology_ref.h"

static const ref_pay PAY[] = {{0, 1, 10, 900}, {0, 2, 11, 900}, {0, 1, 12, 900},
                              {0, 2, 13, 900}, {1, 0, 20, 900}, {2, 0, 21, 900}};

static wr_status find(const ref_world *w, uint32_t which, const wr_typology_opts *o,
                      wr_err *err)
{
    WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
    return wr_typology_find(&h, &w->in, which, o, NULL, err);
}

static void assert_refused(const ref_world *w, uint32_t which, const wr_typology_opts *o,
                           const char *msg)
{
    wr_err e = {0};
    assert_int_equal(find(w, which, o, &e), WR_EINVAL);
    assert_string_equal(e.msg, msg);
}

static void test_typology_find__bad_input(void **state)
{
    (void)state;
    ref_world w;
    ref_by_hand(&w, PAY, 6, 3);
    wr_typology_opts o = WR_TYPOLOGY_OPTS_INIT;
    assert_refused(&w, 0, &o, "typologies 0x0");
    assert_refused(&w, 1U << WR_TYPOLOGY_COUNT, &o, "typologies 0x20000");
    o.fan_count = 0;
    assert_refused(&w, 1, &o, "fan_count 0, wanted at least 1");
    o = (wr_typology_opts)WR_TYPOLOGY_OPTS_INIT;
    o.cycle_hops_max = 11;
    assert_refused(&w, 1, &o, "cycle_hops_max 11, wanted at most 10");
    o = (wr_typology_opts)WR_TYPOLOGY_OPTS_INIT;
    o.from_s = 9;
    o.to_s = 8;
    assert_refused(&w, 1, &o, "scope from 9 to 8");
    o = (wr_typology_opts)WR_TYPOLOGY_OPTS_INIT;
    o.pass_share_min = 1.5;
    assert_refused(&w, 1, &o, "pass_share_min 1.5, wanted a share in (0, 1]");
    o = (wr_typology_opts)WR_TYPOLOGY_OPTS_INIT;
    o.dust_value_max = (double)NAN;
    assert_refused(&w, 1, &o, "dust_value_max nan, wanted 0 or more");
    o = (wr_typology_opts)WR_TYPOLOGY_OPTS_INIT;
    o.structuring_threshold[1] = 500;
    assert_refused(&w, 1, &o, "structuring_threshold 500, wanted positive and ascending");
    o = (wr_typology_opts)WR_TYPOLOGY_OPTS_INIT;
    w.g.seeds.n = 7;
    assert_refused(&w, 1, &o, "labels of 7 wallets for a graph of 4");
    w.g.seeds.n = 4;
    w.in.flow.in.off = NULL;
    assert_refused(&w, 1, &o, "rows by wallet are missing");
    ref_world_release(&w);
}

static void test_typology_find__stops_on_request(void **state)
{
    (void)state;
    ref_world w;
    ref_by_hand(&w, PAY, 6, 3);
    atomic_bool stop = true;
    const wr_progress pg = {.stop = &stop};
    wr_err e = {0};
    WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
    assert_int_equal(wr_typology_find(&h, &w.in, 1, &w.o, &pg, &e), WR_ESTOPPED);
    assert_string_equal(e.msg, "stopped on request in fan_in");
    assert_int_equal(h.count, 0);
    ref_world_release(&w);
}

/* Whatever is asked for together is what is asked for one by one, in order. */
static void test_typology_find__all_at_once(void **state)
{
    (void)state;
    flow_gen_opts shape = {.n = 60,
                           .m = 900,
                           .c = 4,
                           .assets = 1,
                           .hubs = 40,
                           .label_prob = 0.05,
                           .is_whole = true};
    ref_world w;
    ref_world_init(&w, 9, &shape);
    wr_rng r = {.s = 9};
    ref_values(&w, &r, 3);
    w.o.from_s = 0;
    w.o.to_s = UINT32_MAX;
    w.o.fan_count = w.o.gather_count = w.o.gather_out_count = 2;
    w.in.mixer_mask = 1;
    w.in.swap_mask = 4;
    WR_TYPOLOGY_HITS_AUTO wr_typology_hits all = {0};
    assert_ok(wr_typology_find(&all, &w.in, WR_TYPOLOGY_ALL, &w.o, NULL, &err));
    uint64_t at = 0, kinds = 0;
    for (int t = 0; t < WR_TYPOLOGY_COUNT; t++) {
        WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
        assert_ok(wr_typology_find(&h, &w.in, 1U << t, &w.o, NULL, &err));
        kinds += h.count > 0;
        for (uint64_t i = 0; i < h.count; i++, at++) {
            const wr_typology_hit *x = &all.hit[at], *y = &h.hit[i];
            assert_int_equal(x->typology, t);
            assert_int_equal(x->root, y->root);
            assert_int_equal(x->edge_count, y->edge_count);
            assert_memory_equal(all.edge + x->edge, h.edge + y->edge,
                                x->edge_count * sizeof *h.edge);
        }
    }
    assert_int_equal(at, all.count);
    assert_true(kinds >= 4);
    ref_world_release(&w);
}

/* 0 structures to 1 and 2; 1 and 2 pay back too little to be anything. */
static void test_typology_summary__says_who_is_in_what(void **state)
{
    (void)state;
    ref_world w;
    ref_by_hand(&w, PAY, 6, 4);
    WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
    const uint32_t which = 1U << WR_TYPOLOGY_STRUCTURING | 1U << WR_TYPOLOGY_FAN_OUT;
    w.o.fan_count = 2;
    w.o.fan_even_min = 0;
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.count, 2);
    wr_typology_wallet per[4];
    wr_typology_summary(per, 4, &h);
    for (wr_vid v = 0; v < 3; v++) {
        assert_int_equal(per[v].mask, which);
        assert_int_equal(per[v].root_mask, v ? 0 : which);
        assert_int_equal(per[v].hits, 2);
        assert_int_equal(per[v].strongest, 0);
        assert_true(per[v].strength == 0.5f);
    }
    assert_int_equal(per[3].mask, 0);
    assert_int_equal(per[3].hits, 0);
    ref_world_release(&w);
}

static void test_typology_name__of_each(void **state)
{
    (void)state;
    assert_string_equal(wr_typology_name(WR_TYPOLOGY_FAN_IN), "fan_in");
    assert_string_equal(wr_typology_name(WR_TYPOLOGY_BURST), "burst");
    for (int a = 0; a < WR_TYPOLOGY_COUNT; a++)
        for (int b = 0; b < a; b++)
            assert_string_not_equal(wr_typology_name((wr_typology)a),
                                    wr_typology_name((wr_typology)b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_typology_find__bad_input),
        wr_unit_test(test_typology_find__stops_on_request),
        wr_unit_test(test_typology_find__all_at_once),
        wr_unit_test(test_typology_summary__says_who_is_in_what),
        wr_unit_test(test_typology_name__of_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
