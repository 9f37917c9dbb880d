/* Random streams with late transfers: live equals one run over everything, to the bit. */
#include "live_flow.h"

enum { FLOWS = 3000, LARGE = 6 };

static live_flow_opts opts_of(uint64_t seed)
{
    wr_rng r = {.s = seed ^ 0x1a7eULL};
    return (live_flow_opts){.base_part = seed % 3 ? wr_rng_unit(&r) : 0,
                            .late_prob = seed % 2 ? 0.3 * wr_rng_unit(&r) : 0.02,
                            .late_most = 1 + (uint32_t)wr_rng_below(&r, 40),
                            .epoch_rows = 1 + (uint32_t)wr_rng_below(&r, 9),
                            .epoch_count = 1 + (uint32_t)wr_rng_below(&r, 6),
                            .batch_most = 1 + (uint32_t)wr_rng_below(&r, 12),
                            .is_plain = seed % 11 == 0,
                            .is_change_checked = seed % 4 == 0};
}

static void test_ledger_live_apply__late_ones_are_placed_or_reported(void **state)
{
    (void)state;
    live_flow_count sum = {0};
    for (uint64_t seed = 0; seed < FLOWS; seed++) {
        flow_gen_opts shape = flow_gen_shape(seed);
        shape.m *= 2;
        live_flow_opts o = opts_of(seed);
        live_flow_check(seed, &shape, &o, &sum);
    }
    print_message(
        "%lu transfers, %lu taken back, %lu out of order; %lu wallets the same, "
        "%lu excluded\n",
        (unsigned long)sum.transfers, (unsigned long)sum.undone,
        (unsigned long)sum.out_of_order, (unsigned long)sum.same,
        (unsigned long)sum.excluded);
    assert_true(sum.undone > sum.transfers / 10);
    assert_true(sum.out_of_order > sum.transfers / 200);
    assert_true(sum.same > 2 * sum.excluded && sum.excluded > 0);
    assert_true(sum.differing > 0); /* else nobody would have to be excluded */
}

/* A window that reaches back to the start: nothing may be out of order. */
static void test_ledger_live_apply__all_late_ones_fit_in_the_window(void **state)
{
    (void)state;
    live_flow_count sum = {0};
    for (uint64_t seed = 0; seed < FLOWS / 2; seed++) {
        flow_gen_opts shape = flow_gen_shape(seed);
        live_flow_opts o = opts_of(seed);
        o.base_part = 0;
        o.late_prob = 0.5;
        o.epoch_rows = 1 + (uint32_t)seed % 60;
        o.epoch_count = 300;
        live_flow_check(seed, &shape, &o, &sum);
    }
    assert_true(sum.out_of_order == 0 && sum.excluded == 0 && sum.undone > 0);
}

/* Larger than any chunk and block; late by less and by more than the log holds. */
static void test_ledger_live_apply__large_streams(void **state)
{
    (void)state;
    live_flow_count sum = {0};
    for (uint64_t seed = 0; seed < LARGE; seed++) {
        flow_gen_opts shape = {.n = 3000,
                               .m = 30000,
                               .c = seed % 2 ? 8 : 13,
                               .assets = 1 + (uint32_t)seed % 4,
                               .hubs = seed % 3 ? 500 : 0,
                               .label_prob = 0.06,
                               .dated_prob = seed % 2 ? 0.3 : 0,
                               .doubt_prob = 0.3,
                               .zero_prob = 0.01,
                               .self_prob = 0.01};
        live_flow_opts o = {.base_part = seed % 2 ? 0.5 : 0,
                            .late_prob = seed < 2 ? 0 : 0.01,
                            .late_most = 200U << seed,
                            .epoch_rows = seed < 4 ? 700 : 0,
                            .epoch_count = seed < 4 ? 3 : 0,
                            .batch_most = seed == 5 ? 9000 : 1200};
        live_flow_check(seed, &shape, &o, &sum);
    }
    assert_true(sum.undone > 0 && sum.same > sum.excluded);
}

/* 0 pays 1 at 10 and 30, 1 pays 2 at 20, in these orders of arrival. */
static void test_ledger_live_apply__equal_times_by_seq(void **state)
{
    (void)state;
    wr_ledger_live_opts o = {.c = 1, .epoch_rows = 1, .epoch_count = 2};
    WR_AUTO(wr_ledger_live) l = NULL;
    assert_ok(wr_ledger_live_new(&l, &o, &err));
    for (int i = 0; i < 3; i++) {
        uint32_t handle;
        wr_live_wallet w = {.category = i ? WR_SEED_NONE : 0,
                            .confidence = 1,
                            .to_s = UINT32_MAX,
                            .base_v = WR_VID_NONE};
        assert_ok(wr_ledger_live_add(l, &handle, &w, &err));
    }
    const uint32_t *touched;
    size_t count;
    uint64_t undone = 9;
    wr_live_transfer t[] = {
        {.seq = 1, .value = 8, .time_s = 20, .from = 1, .to = 2},
        {.seq = 2, .value = 4, .time_s = 20, .from = 0, .to = 1},
        {.seq = 3, .value = 2, .time_s = 19, .from = 0, .to = 1},
        {.seq = 4, .value = 1, .time_s = 1, .from = 0, .to = 1},
    };
    wr_live_state s;
    assert_ok(wr_ledger_live_apply(l, t, 2, &touched, &count, &undone, &err));
    wr_ledger_live_at(l, 2, &s); /* the payment came first */
    assert_true(undone == 0 && count == 2 && s.view.received_unknown == 8);
    wr_ledger_live_at(l, 1, &s);
    assert_true(s.view.overdraft == 8 && s.taint[0] == 4);
    assert_ok(wr_ledger_live_apply(l, t + 2, 1, &touched, &count, &undone, &err));
    wr_ledger_live_at(l, 2, &s); /* two of the eight came before it */
    assert_true(undone == 2 && count == 2 && !t[2].is_out_of_order);
    assert_true(s.received[0] == 2 && s.view.received_unknown == 6);
    assert_ok(wr_ledger_live_apply(l, t + 3, 1, &touched, &count, &undone, &err));
    wr_ledger_live_at(l, 1, &s); /* later than what two epochs of one hold */
    assert_true(undone == 0 && count == 1 && touched[0] == 1 && t[3].is_out_of_order);
    assert_true(s.received[0] == 7 && s.view.total == 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_ledger_live_apply__late_ones_are_placed_or_reported),
        wr_unit_test(test_ledger_live_apply__all_late_ones_fit_in_the_window),
        wr_unit_test(test_ledger_live_apply__large_streams),
        wr_unit_test(test_ledger_live_apply__equal_times_by_seq),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
