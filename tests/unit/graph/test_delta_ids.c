#include "delta_test.h"

static void test_delta_add_wallet__thirty_thousand_are_all_found(void **state)
{
    (void)state;
    enum { N0 = 100, N = 30000 };
    WR_AUTO(wr_delta) d = bare_delta(N0);
    const uint64_t bytes = wr_delta_bytes(d);
    wr_delta_view half = {0};
    for (uint32_t k = N0; k < N; k++) { /* ids descend, with gaps */
        char name[80];
        wr_vid v = WR_VID_NONE;
        assert_ok(wr_delta_add_wallet(d, &v, 10 * N - k, &test_chain,
                                      wallet_text(name, k, 7), &err));
        assert_int_equal(v, k);
        if (k == N / 2 - 1) {
            wr_delta_publish(d);
            half = wr_delta_read(d);
        }
    }
    assert_int_equal(wr_delta_read(d).n, N / 2);
    wr_delta_publish(d);
    const wr_delta_view w = wr_delta_read(d);
    assert_int_equal(w.n, N);
    for (uint32_t k = 0; k < N; k++) {
        char name[80];
        const wr_text text = wallet_text(name, k, k < N0 ? 0 : 7);
        const uint32_t id = k < N0 ? k + 1 : 10 * N - k;
        assert_int_equal(wr_delta_vertex(&w, &test_chain, text), k);
        assert_int_equal(wr_delta_vertex(&half, &test_chain, text),
                         k < N / 2 ? k : WR_VID_NONE);
        assert_int_equal(wr_delta_find_wallet(d, id), k);
        assert_int_equal(wr_delta_wallet(&w, k), id);
        assert_true(wr_text_eq(wr_delta_address(&w, k), text));
        assert_int_equal(wr_delta_is_hub(&w, k), k >= N0 && k % 7 == 0);
        assert_true(wr_delta_newest(&w, k, WR_DELTA_IN) == WR_DELTA_END);
    }
    assert_int_equal(wr_delta_vertex(&w, &test_chain, WR_TEXT_LIT("x")), WR_VID_NONE);
    assert_int_equal(wr_delta_find_wallet(d, 9 * N), WR_VID_NONE);
    assert_in_range(wr_delta_bytes(d) - bytes, (N - N0) * 48, (N - N0) * 300);
}

static void test_delta_add_wallet__the_same_text_on_another_chain(void **state)
{
    (void)state;
    static const wr_chain other = {.id = "opaque:other"};
    WR_AUTO(wr_delta) d = bare_delta(1);
    wr_vid a = 0;
    wr_vid b = 0;
    assert_ok(wr_delta_add_wallet(d, &a, 2, &other, WR_TEXT_LIT("w0"), &err));
    assert_ok(wr_delta_add_wallet(d, &b, 3, &test_chain, WR_TEXT_LIT("w"), &err));
    wr_delta_publish(d);
    const wr_delta_view w = wr_delta_read(d);
    assert_int_equal(wr_delta_vertex(&w, &test_chain, WR_TEXT_LIT("w0")), 0);
    assert_int_equal(wr_delta_vertex(&w, &other, WR_TEXT_LIT("w0")), a);
    assert_int_equal(wr_delta_vertex(&w, &other, WR_TEXT_LIT("w")), WR_VID_NONE);
    assert_ptr_equal(wr_delta_chain(&w, a), &other);
    assert_ptr_equal(wr_delta_chain(&w, b), &test_chain);
}

static void test_delta_add_wallet__base_hubs_stay(void **state)
{
    (void)state;
    wr_edges none = {0};
    WR_AUTO(wr_snapshot) g = NULL;
    assert_ok(wr_snapshot_build(&g, &none, numbered_ids(5, 2), 0, NULL, &err));
    assert_ok(wr_snapshot_mark_hub(g, 1, &err));
    WR_AUTO(wr_delta) d = NULL;
    assert_ok(wr_delta_new(&d, g, &err));
    const wr_delta_view w = wr_delta_read(d);
    for (wr_vid v = 0; v < 5; v++)
        assert_int_equal(wr_delta_is_hub(&w, v), v % 2 == 0 || v == 1);
}

static void refuse(wr_delta *d, uint32_t id, const wr_chain *chain, const char *text,
                   wr_status want, const char *msg)
{
    const uint32_t n = d->n;
    wr_err e = {0};
    wr_vid v = 77;
    assert_int_equal(wr_delta_add_wallet(d, &v, id, chain, wr_text_of(text), &e), want);
    assert_string_equal(e.msg, msg);
    assert_int_equal(v, 77);
    assert_int_equal(d->n, n);
}

static void test_delta_add_wallet__refuses(void **state)
{
    (void)state;
    WR_AUTO(wr_delta) d = bare_delta(3);
    wr_vid v = 0;
    assert_ok(wr_delta_add_wallet(d, &v, 9, &test_chain, WR_TEXT_LIT("new"), &err));
    refuse(d, 2, &test_chain, "x", WR_ECONFLICT, "wallet id 2 is vertex 1");
    refuse(d, 9, &test_chain, "x", WR_ECONFLICT, "wallet id 9 is vertex 3");
    refuse(d, 10, &test_chain, "w2", WR_ECONFLICT,
           "wallets 3 and 10 are both opaque:test:w2");
    refuse(d, 10, &test_chain, "new", WR_ECONFLICT,
           "wallets 9 and 10 are both opaque:test:new");
    assert_int_equal(wr_delta_find_wallet(d, 10), WR_VID_NONE);
    d->n = UINT32_MAX - 1; /* as if that many were there */
    refuse(d, 10, &test_chain, "x", WR_ELIMIT, "over 4294967294 wallets");
    d->n = 4;
}

static void test_delta_add_wallet__chain_limit(void **state)
{
    (void)state;
    static wr_chain chain[WR_IDS_CHAIN_MAX];
    WR_AUTO(wr_delta) d = bare_delta(1); /* one chain */
    for (uint32_t i = 0; i < WR_IDS_CHAIN_MAX; i++)
        (void)snprintf(chain[i].id, sizeof chain[i].id, "opaque:limit-%" PRIu32, i);
    wr_vid v = 0;
    for (uint32_t i = 1; i < WR_IDS_CHAIN_MAX; i++)
        assert_ok(
            wr_delta_add_wallet(d, &v, i + 1, &chain[i], WR_TEXT_LIT("same"), &err));
    refuse(d, 1000, &chain[0], "same", WR_ELIMIT,
           "chain opaque:limit-0: over 256 chains");
    assert_ok(wr_delta_add_wallet(d, &v, 1000, &chain[1], WR_TEXT_LIT("more"), &err));
    wr_delta_publish(d);
    const wr_delta_view w = wr_delta_read(d);
    assert_int_equal(wr_delta_vertex(&w, &chain[255], WR_TEXT_LIT("same")), 255);
    assert_int_equal(wr_delta_vertex(&w, &chain[0], WR_TEXT_LIT("same")), WR_VID_NONE);
}

/* Enough wallets for every table, segment and text block to grow. */
static wr_status fill_and_drop(wr_snapshot *base, wr_err *fault)
{
    WR_AUTO(wr_delta) d = NULL;
    WR_TRY(wr_delta_new(&d, base, fault));
    for (uint32_t k = 2; k < 1300; k++) {
        char name[80];
        wr_vid v = WR_VID_NONE;
        const wr_text text = wallet_text(name, k, 0);
        const wr_status s = wr_delta_add_wallet(d, &v, k + 1, &test_chain, text, fault);
        if (s != WR_OK) {
            wr_mem_test_fail_after(-1);
            assert_int_equal(d->n, k); /* as it was; the same wallet goes in now */
            assert_int_equal(v, WR_VID_NONE);
            assert_int_equal(wr_delta_find_wallet(d, k + 1), WR_VID_NONE);
            assert_ok(wr_delta_add_wallet(d, &v, k + 1, &test_chain, text, &err));
            assert_int_equal(v, k);
            return s;
        }
    }
    return WR_OK;
}

static void test_delta_add_wallet__out_of_memory(void **state)
{
    (void)state;
    wr_edges none = {0};
    WR_AUTO(wr_snapshot) g = NULL;
    assert_ok(wr_snapshot_build(&g, &none, numbered_ids(2, 0), 0, NULL, &err));
    assert_oom_safe(fill_and_drop(g, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_delta_add_wallet__thirty_thousand_are_all_found),
        wr_unit_test(test_delta_add_wallet__the_same_text_on_another_chain),
        wr_unit_test(test_delta_add_wallet__base_hubs_stay),
        wr_unit_test(test_delta_add_wallet__refuses),
        wr_unit_test(test_delta_add_wallet__chain_limit),
        wr_unit_test(test_delta_add_wallet__out_of_memory),
    };
    return cmocka_run_group_tests_name("graph/delta_ids", tests, NULL, NULL);
}
