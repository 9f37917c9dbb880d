/* By hand, on random streams in order, at the borders.  Late ones:
 * test_ledger_live_late.c.
 */
#include "live_flow.h"

enum { FLOWS = 2500 };

/* Without late ones, whatever the split: all wallets have the bits of one run. */
static void test_ledger_live_apply__equals_one_run(void **state)
{
    (void)state;
    live_flow_count sum = {0};
    for (uint64_t seed = 0; seed < FLOWS; seed++) {
        wr_rng r = {.s = seed};
        flow_gen_opts shape = flow_gen_shape(seed);
        shape.assets = 1 + (uint32_t)(seed % 5);
        shape.m *= 1 + (uint32_t)(seed % 3);
        live_flow_opts o = {.base_part = seed % 6 ? wr_rng_unit(&r) : 0,
                            .epoch_rows = seed % 2 ? 5 : 0,
                            .epoch_count = seed % 2 ? 2 : 0,
                            .batch_most = 1 + (uint32_t)wr_rng_below(&r, 50),
                            .is_plain = seed % 13 == 0,
                            .is_change_checked = seed % 5 == 0};
        live_flow_check(seed, &shape, &o, &sum);
    }
    assert_true(sum.out_of_order == 0 && sum.undone == 0 && sum.excluded == 0);
    assert_true(sum.same > FLOWS);
}

/* The same stream, late ones and all, through both kernels: every slot. */
static void test_ledger_live_apply__both_kernels_give_the_same_bits(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 400; seed++) {
        flow_gen_opts shape = flow_gen_shape(seed);
        shape.c = seed % 2 ? 16 : 8;
        live_flow_opts o = {.base_part = 0.3,
                            .late_prob = 0.2,
                            .late_most = 20,
                            .epoch_rows = 6,
                            .epoch_count = 3,
                            .batch_most = 20};
        live_flow_opts plain = o;
        plain.is_plain = true;
        flow_gen g;
        live_flow a, b;
        live_flow_count sum = {0};
        flow_gen_init(&g, seed, &shape);
        live_flow_init(&a, &g, seed, &o);
        live_flow_init(&b, &g, seed, &plain);
        live_flow_stream(&a, &sum);
        live_flow_stream(&b, &sum);
        assert_int_equal(a.l->slot_count, b.l->slot_count);
        assert_int_equal(a.l->row_bytes, shape.c == 8 ? 256 : 512);
        if (a.l->slot_count)
            assert_memory_equal(a.l->x.row, b.l->x.row, a.l->slot_count * a.l->row_bytes);
        for (uint32_t s = 0; s < a.l->slot_count; s++) {
            assert_memory_equal(wr_sparse_get(&a.l->x.direct, s),
                                wr_sparse_get(&b.l->x.direct, s), 8UL * shape.c);
            assert_memory_equal(wr_sparse_get(&a.l->x.through, s),
                                wr_sparse_get(&b.l->x.through, s), 8UL * shape.c);
        }
        live_flow_release(&a);
        live_flow_release(&b);
        flow_gen_release(&g);
    }
}

static wr_live_wallet stranger(void)
{
    return (wr_live_wallet){.category = WR_SEED_NONE,
                            .confidence = 1,
                            .to_s = UINT32_MAX,
                            .base_v = WR_VID_NONE};
}

static wr_ledger_live *small(uint32_t c, uint32_t wallets)
{
    wr_ledger_live *l = NULL;
    wr_ledger_live_opts o = {.c = c};
    assert_ok(wr_ledger_live_new(&l, &o, &err));
    for (uint32_t i = 0; i < wallets; i++) {
        uint32_t handle;
        wr_live_wallet w = stranger();
        w.category = i ? WR_SEED_NONE : 0;
        assert_ok(wr_ledger_live_add(l, &handle, &w, &err));
        assert_int_equal(handle, i);
    }
    return l;
}

/* 0 (illicit) pays 1 two of asset 7 and six of asset 3; 1 pays 2 all of asset 3. */
static void test_ledger_live_at__adds_up_assets(void **state)
{
    (void)state;
    WR_AUTO(wr_ledger_live) l = small(1, 4);
    wr_live_transfer t[] = {
        {.seq = 5, .value = 2, .time_s = 1, .from = 0, .to = 1, .asset = 7},
        {.seq = 6, .value = 6, .time_s = 2, .from = 0, .to = 1, .asset = 3},
        {.seq = 8, .value = 6, .time_s = 3, .from = 1, .to = 2, .asset = 3},
    };
    const uint32_t *touched;
    size_t count;
    assert_ok(wr_ledger_live_apply(l, t, 3, &touched, &count, NULL, &err));
    assert_int_equal(count, 2); /* the payer with a label did not change */
    wr_live_state s;
    wr_ledger_live_at(l, 1, &s);
    assert_true(s.view.total == 8 && s.view.balance == 2 && s.taint[0] == 2);
    assert_true(s.received[0] == 8 && s.direct[0] == 8 && s.mean_hops[0] == 1);
    assert_true(s.view.min_hops[0] == 1 && s.view.max_share == 1);
    wr_ledger_live_at(l, 2, &s);
    assert_true(s.received[0] == 6 && s.direct[0] == 0 && s.mean_hops[0] == 2);
    for (uint32_t w = 0; w < 4; w += 3) {
        wr_ledger_live_at(l, w, &s); /* paid only; never seen */
        assert_true(s.view.total == 0 && s.view.overdraft == 0 && s.taint[0] == 0);
        assert_true(s.view.max_at == UINT32_MAX && s.view.min_hops[0] == 0);
    }
}

static void test_ledger_live_apply__same_wallet_and_zero_change_nothing(void **state)
{
    (void)state;
    WR_AUTO(wr_ledger_live) l = small(2, 3);
    wr_live_transfer t[] = {
        {.seq = 1, .value = 0, .from = 0, .to = 1, .is_out_of_order = true},
        {.seq = 2, .value = 5, .from = 1, .to = 1, .is_out_of_order = true}};
    const uint32_t *touched;
    size_t count = 9;
    uint64_t undone = 9;
    assert_ok(wr_ledger_live_apply(l, t, 2, &touched, &count, &undone, &err));
    assert_true(count == 0 && undone == 0 && l->slot_count == 0);
    assert_false(t[0].is_out_of_order || t[1].is_out_of_order);
    count = 9;
    assert_ok(wr_ledger_live_apply(l, NULL, 0, &touched, &count, NULL, &err));
    assert_int_equal(count, 0);
}

/* Many assets of one wallet, met in falling order; rows move as they grow. */
static void test_ledger_live_apply__many_assets_of_a_wallet(void **state)
{
    (void)state;
    enum { ASSETS = 3000 };
    WR_AUTO(wr_ledger_live) l = small(1, 2);
    uint64_t before = wr_ledger_live_bytes(l);
    for (int i = 0; i < 2 * ASSETS; i++) {
        wr_live_transfer t = {.seq = i,
                              .value = i < ASSETS ? 1 : 2,
                              .time_s = 7,
                              .from = 0,
                              .to = 1,
                              .asset = (uint16_t)(ASSETS - i % ASSETS)};
        const uint32_t *touched;
        size_t count;
        assert_ok(wr_ledger_live_apply(l, &t, 1, &touched, &count, NULL, &err));
        assert_int_equal((uintptr_t)l->x.row % 64, 0);
    }
    wr_live_state s;
    wr_ledger_live_at(l, 1, &s);
    assert_true(s.view.total == 3.0 * ASSETS && s.direct[0] == 3.0 * ASSETS);
    assert_int_equal(l->slot_count, 2 * ASSETS);
    for (uint32_t k = 1; k < ASSETS; k++)
        assert_true(l->wallet[1].many[k - 1].asset < l->wallet[1].many[k].asset);
    assert_true(wr_ledger_live_bytes(l) - before >= 2UL * ASSETS * 256);
}

/* The base's newest transfer of a wallet seals it; equal times are in order. */
static void test_ledger_live_apply__older_than_the_base_is_out_of_order(void **state)
{
    (void)state;
    flow_gen g;
    flow_gen_opts shape = {.n = 3, .m = 1, .c = 1, .assets = 1};
    flow_gen_init(&g, 1, &shape);
    g.m = 0;
    flow_gen_add(&g, 0, 1, 50, 5, 4);
    g.fl.col.m = 1;
    wr_ledger base = {0};
    wr_ledger_opts o = {.is_state_kept = true};
    assert_ok(wr_ledger_run(&base, &g.fl, &o, &err));
    WR_AUTO(wr_ledger_live) l = NULL;
    wr_ledger_live_opts lo = {.c = 1, .base = &base};
    assert_ok(wr_ledger_live_new(&l, &lo, &err));
    for (uint32_t v = 0; v < 3; v++) {
        wr_live_wallet w = stranger();
        w.base_v = v < 2 ? v : WR_VID_NONE;
        w.base_last_s = v < 2 ? 50 : 0;
        assert_ok(wr_ledger_live_add(l, &(uint32_t){0}, &w, &err));
    }
    wr_live_transfer t[] = {
        {.seq = 1, .value = 1, .time_s = 49, .from = 1, .to = 2, .asset = 4},
        {.seq = 2, .value = 1, .time_s = 50, .from = 1, .to = 2, .asset = 4},
        {.seq = 3, .value = 1, .time_s = 49, .from = 1, .to = 2, .asset = 5},
        {.seq = 4, .value = 1, .time_s = 49, .from = 2, .to = 0, .asset = 4},
    };
    const bool want[] = {true, false, false /* new asset */, true};
    const uint32_t *touched;
    size_t count;
    assert_ok(wr_ledger_live_apply(l, t, 4, &touched, &count, NULL, &err));
    for (int i = 0; i < 4; i++)
        assert_int_equal(t[i].is_out_of_order, want[i]);
    wr_ledger_live_free(WR_STEAL(l));
    wr_ledger_release(&base);
    flow_gen_release(&g);
}

static void assert_new_refused(const wr_ledger_live_opts *o, const char *msg)
{
    wr_ledger_live *l = NULL;
    wr_err e = {0};
    assert_int_equal(wr_ledger_live_new(&l, o, &e), WR_EINVAL);
    assert_string_equal(e.msg, msg);
    assert_null(l);
}

static void test_ledger_live_new__bases_that_do_not_fit(void **state)
{
    (void)state;
    flow_gen g;
    flow_gen_opts shape = {.n = 2, .m = 2, .c = 2, .assets = 1};
    flow_gen_init(&g, 1, &shape);
    wr_ledger base = {0};
    wr_ledger_opts o = {.direction = WR_RECEIVING};
    wr_ledger_live_opts lo = {.c = 2, .base = &base};
    assert_ok(wr_ledger_run(&base, &g.fl, &o, &err));
    assert_new_refused(&lo, "base was made without is_state_kept");
    wr_ledger_release(&base);
    o = (wr_ledger_opts){.direction = WR_SENDING, .is_state_kept = true};
    assert_ok(wr_ledger_run(&base, &g.fl, &o, &err));
    assert_new_refused(&lo, "base is a sending ledger");
    lo.c = 1;
    assert_new_refused(&lo, "base of 2 categories, wanted 1");
    lo.c = 9; /* its rows have no room for so many */
    assert_new_refused(&lo, "base of 2 categories, wanted 9");
    lo.c = 0;
    assert_new_refused(&lo, "categories: 0, wanted 1..16");
    lo.c = 17;
    assert_new_refused(&lo, "categories: 17, wanted 1..16");
    wr_ledger_release(&base);
    flow_gen_release(&g);
}

static void test_ledger_live_apply__wrong_transfers_change_nothing(void **state)
{
    (void)state;
    const struct {
        wr_live_transfer t;
        const char *msg;
    } bad[] = {
        {{.seq = 9, .value = -1, .to = 1}, "transfer 1: value -1, wanted 0..1e+39"},
        {{.seq = 9, .value = 2e39, .to = 1}, "transfer 1: value 2e+39, wanted 0..1e+39"},
        {{.seq = 9, .value = HUGE_VAL}, "transfer 1: value inf, wanted 0..1e+39"},
        {{.seq = 9, .value = (double)NAN}, NULL},
        {{.seq = 9, .value = 1, .to = 2}, "transfer 1: wallet 2, 2 are known"},
        {{.seq = 9, .value = 1, .from = 7}, "transfer 1: wallet 7, 2 are known"},
        {{.seq = 8, .value = 1, .to = 1}, "transfer 1: seq 8 after 8"},
    };
    WR_AUTO(wr_ledger_live) l = small(1, 2);
    const uint32_t *touched = NULL;
    size_t count;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        wr_live_transfer t[] = {{.seq = 8, .value = 1, .to = 1}, bad[i].t};
        wr_err e = {0};
        assert_int_equal(wr_ledger_live_apply(l, t, 2, &touched, &count, NULL, &e),
                         WR_EINVAL);
        if (bad[i].msg)
            assert_string_equal(e.msg, bad[i].msg);
        assert_null(touched);
        assert_int_equal(l->slot_count, 0);
    }
    wr_live_transfer good = {.seq = 8, .value = 1, .to = 1};
    assert_ok(wr_ledger_live_apply(l, &good, 1, &touched, &count, NULL, &err));
    wr_err e = {0};
    assert_int_equal(wr_ledger_live_apply(l, &good, 1, &touched, &count, NULL, &e),
                     WR_EINVAL);
    assert_string_equal(e.msg, "transfer 0: seq 8 after 8");
}

/* New, add, apply with a late one in every batch; all that f knows is ready before. */
static wr_status stream_once(const live_flow *f, wr_err *err)
{
    const flow_gen *g = f->g;
    WR_AUTO(wr_ledger_live) l = NULL;
    wr_ledger_live_opts o = {.c = g->seeds.c,
                             .base = &f->base,
                             .epoch_rows = f->o->epoch_rows,
                             .epoch_count = f->o->epoch_count};
    WR_TRY(wr_ledger_live_new(&l, &o, err));
    for (wr_vid v = 0; v < g->fl.n; v++) {
        uint32_t handle;
        wr_live_wallet w = {.category = g->seeds.category[v],
                            .confidence = 1,
                            .to_s = UINT32_MAX,
                            .is_hub = wr_flow_is_hub(&g->fl, v),
                            .base_v = f->base_v[v],
                            .base_last_s = f->last_s[v]};
        WR_TRY(wr_ledger_live_add(l, &handle, &w, err));
    }
    for (uint64_t j = f->base_m; j + 4 <= g->m; j += 4) {
        wr_live_transfer t[4];
        const uint32_t *touched;
        size_t count;
        for (uint64_t k = 0; k < 4; k++) {
            uint64_t i = f->arrival[j + k];
            t[k] = (wr_live_transfer){.seq = (int64_t)(j + k),
                                      .value = g->value[i],
                                      .time_s = g->time_s[i],
                                      .from = g->from[i],
                                      .to = g->to[i],
                                      .asset = g->asset[i]};
        }
        WR_TRY(wr_ledger_live_apply(l, t, 4, &touched, &count, NULL, err));
    }
    return WR_OK;
}

static void test_ledger_live__out_of_memory(void **state)
{
    (void)state;
    flow_gen_opts shape = {
        .n = 25, .m = 120, .c = 9, .assets = 3, .hubs = 15, .label_prob = 0.4};
    live_flow_opts o = {.base_part = 0.5,
                        .late_prob = 0.3,
                        .late_most = 9,
                        .epoch_rows = 20,
                        .epoch_count = 3,
                        .batch_most = 1};
    flow_gen g;
    live_flow f;
    flow_gen_init(&g, 3, &shape);
    live_flow_init(&f, &g, 3, &o);
    assert_oom_safe(stream_once(&f, &err));
    live_flow_release(&f);
    flow_gen_release(&g);
}

static void test_ledger_live_apply__of_no_use_after_out_of_memory(void **state)
{
    (void)state;
    WR_AUTO(wr_ledger_live) l = small(1, 2);
    wr_live_transfer t = {.seq = 1, .value = 1, .to = 1};
    const uint32_t *touched;
    size_t count;
    wr_mem_test_fail_after(1);
    wr_status s = wr_ledger_live_apply(l, &t, 1, &touched, &count, NULL, NULL);
    wr_mem_test_fail_after(-1);
    assert_int_equal(s, WR_ENOMEM);
    wr_err e = {0};
    s = wr_ledger_live_apply(l, &t, 1, &touched, &count, NULL, &e);
    assert_int_equal(s, WR_ENOMEM);
    assert_string_equal(e.msg, "live ledger: memory ran out before");
}

/* A wallet that could not be added is not there, and the next one is. */
static void test_ledger_live_add__again_after_out_of_memory(void **state)
{
    (void)state;
    flow_gen_opts shape = {.n = 6, .m = 300, .c = 2, .assets = 40, .label_prob = 0.5};
    live_flow_opts o = {.base_part = 1, .batch_most = 1};
    flow_gen g;
    live_flow f;
    live_flow_count sum = {0};
    flow_gen_init(&g, 4, &shape);
    live_flow_init(&f, &g, 4, &o);
    for (long k = 0; k < 40; k++) {
        uint32_t handle = 77;
        wr_live_wallet w = stranger();
        w.base_v = f.base_v[k % 6];
        uint32_t slots = f.l->slot_count;
        wr_mem_test_fail_after(k % 12);
        wr_status s = wr_ledger_live_add(f.l, &handle, &w, NULL);
        wr_mem_test_fail_after(-1);
        assert_int_equal(f.l->slot_count > slots, s == WR_OK);
        assert_int_equal(handle, s == WR_OK ? f.l->wallet_count - 1 : 77);
    }
    for (wr_vid v = 0; v < 6; v++)
        (void)live_flow_handle(&f, v);
    live_flow_compare_all(&f, shape.assets, &sum);
    assert_int_equal(sum.same, 6);
    live_flow_release(&f);
    flow_gen_release(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_ledger_live_apply__equals_one_run),
        wr_unit_test(test_ledger_live_apply__both_kernels_give_the_same_bits),
        wr_unit_test(test_ledger_live_at__adds_up_assets),
        wr_unit_test(test_ledger_live_apply__same_wallet_and_zero_change_nothing),
        wr_unit_test(test_ledger_live_apply__many_assets_of_a_wallet),
        wr_unit_test(test_ledger_live_apply__older_than_the_base_is_out_of_order),
        wr_unit_test(test_ledger_live_new__bases_that_do_not_fit),
        wr_unit_test(test_ledger_live_apply__wrong_transfers_change_nothing),
        wr_unit_test(test_ledger_live__out_of_memory),
        wr_unit_test(test_ledger_live_apply__of_no_use_after_out_of_memory),
        wr_unit_test(test_ledger_live_add__again_after_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
