#include "graph/ids_int.h"
#include "graph_test.h"

/* Chains are told apart by their address alone. */
static const wr_chain chain_a = {.id = "opaque:a"};
static const wr_chain chain_b = {.id = "opaque:b"};
static const wr_chain chain_c = {.id = "opaque:c"};

static void test_ids__finds_both_ways(void **state)
{
    (void)state;
    const wr_chain *a = &chain_a;
    const wr_chain *b = &chain_b;
    WR_AUTO(wr_ids) ids = NULL;
    assert_ok(wr_ids_new(&ids, &err));
    assert_ok(wr_ids_add(ids, 4, a, WR_TEXT_LIT("alice"), &err));
    assert_ok(wr_ids_add(ids, 9, b, WR_TEXT_LIT("alice"), &err)); /* other chain */
    assert_ok(wr_ids_add(ids, 11, a, WR_TEXT_LIT("bob"), &err));

    assert_int_equal(wr_ids_count(ids), 3);
    assert_int_equal(wr_ids_vertex(ids, a, WR_TEXT_LIT("alice")), 0);
    assert_int_equal(wr_ids_vertex(ids, b, WR_TEXT_LIT("alice")), 1);
    assert_int_equal(wr_ids_vertex(ids, a, WR_TEXT_LIT("bob")), 2);
    assert_int_equal(wr_ids_vertex(ids, b, WR_TEXT_LIT("bob")), UINT32_MAX);
    assert_int_equal(wr_ids_vertex(ids, &chain_c, WR_TEXT_LIT("bob")), UINT32_MAX);
    assert_int_equal(wr_ids_vertex_of_wallet(ids, 9), 1);
    assert_int_equal(wr_ids_vertex_of_wallet(ids, 10), UINT32_MAX);
    assert_int_equal(wr_ids_vertex_of_wallet(ids, 0), UINT32_MAX);
    assert_int_equal(wr_ids_vertex_of_wallet(ids, 12), UINT32_MAX);
    assert_int_equal(wr_ids_wallet(ids, 2), 11);
    assert_ptr_equal(wr_ids_chain(ids, 1), b);
    assert_true(wr_text_eq(wr_ids_address(ids, 2), WR_TEXT_LIT("bob")));
    assert_ok(wr_ids_check(ids, &err));
}

static void test_ids__empty(void **state)
{
    (void)state;
    WR_AUTO(wr_ids) ids = NULL;
    assert_ok(wr_ids_new(&ids, &err));
    assert_int_equal(wr_ids_count(ids), 0);
    assert_int_equal(wr_ids_vertex(ids, &chain_a, WR_TEXT_LIT("x")), UINT32_MAX);
    assert_int_equal(wr_ids_vertex_of_wallet(ids, 1), UINT32_MAX);
    assert_true(wr_ids_bytes(ids) > 0);
    assert_ok(wr_ids_check(ids, &err));
    wr_ids_free(NULL);
}

static void test_ids__dense_ids_take_no_array_until_the_first_gap(void **state)
{
    (void)state;
    WR_AUTO(wr_ids) ids = numbered_ids(1000, 0);
    assert_null(ids->wallet);
    assert_int_equal(wr_ids_vertex_of_wallet(ids, 1000), 999);
    assert_int_equal(wr_ids_vertex_of_wallet(ids, 1001), UINT32_MAX);
    const wr_chain *c = &test_chain;
    assert_ok(wr_ids_add(ids, 5000, c, WR_TEXT_LIT("late"), &err));
    assert_int_equal(wr_ids_vertex_of_wallet(ids, 5000), 1000);
    assert_int_equal(wr_ids_vertex_of_wallet(ids, 1), 0);
    assert_int_equal(wr_ids_wallet(ids, 999), 1000);
    assert_ok(wr_ids_check(ids, &err));
}

static void test_ids__twenty_thousand_are_all_found(void **state)
{
    (void)state;
    enum { N = 20000 };
    WR_AUTO(wr_ids) ids = numbered_ids(N, 7);
    const wr_chain *c = &test_chain;
    for (uint32_t v = 0; v < N; v++) {
        char name[80];
        (void)snprintf(name, sizeof name, v % 7 == 0 ? "tx:%064" PRIx32 : "w%" PRIu32, v);
        assert_int_equal(wr_ids_vertex(ids, c, wr_text_of(name)), v);
    }
    assert_int_equal(wr_ids_vertex(ids, c, WR_TEXT_LIT("w20000")), UINT32_MAX);
    assert_int_equal(wr_ids_vertex(ids, c, WR_TEXT_LIT("")), UINT32_MAX);
    assert_ok(wr_ids_check(ids, &err));
}

static void test_ids_add__refuses(void **state)
{
    (void)state;
    const wr_chain *a = &chain_a;
    WR_AUTO(wr_ids) ids = NULL;
    assert_ok(wr_ids_new(&ids, &err));
    assert_ok(wr_ids_add(ids, 5, a, WR_TEXT_LIT("x"), &err));
    wr_err e = {0};
    assert_int_equal(wr_ids_add(ids, 5, a, WR_TEXT_LIT("y"), &e), WR_EINVAL);
    assert_string_equal(e.msg, "wallet id 5 after 5");
    e = (wr_err){0};
    assert_int_equal(wr_ids_add(ids, 6, a, WR_TEXT_LIT("x"), &e), WR_ECONFLICT);
    assert_string_equal(e.msg, "wallets 5 and 6 are both opaque:a:x");
    assert_int_equal(wr_ids_count(ids), 1);
    assert_ok(wr_ids_check(ids, &err));
}

static void test_ids_add__chain_limit(void **state)
{
    (void)state;
    WR_AUTO(wr_ids) ids = NULL;
    assert_ok(wr_ids_new(&ids, &err));
    static wr_chain chain[WR_IDS_CHAIN_MAX + 1];
    for (uint32_t i = 0; i < WR_IDS_CHAIN_MAX; i++) {
        (void)snprintf(chain[i].id, sizeof chain[i].id, "opaque:limit-%" PRIu32, i);
        assert_ok(wr_ids_add(ids, i + 1, &chain[i], WR_TEXT_LIT("same"), &err));
    }
    const wr_chain *one_more = &chain[WR_IDS_CHAIN_MAX];
    (void)snprintf(chain[WR_IDS_CHAIN_MAX].id, sizeof chain[0].id, "opaque:limit-256");
    wr_err e = {0};
    assert_int_equal(wr_ids_add(ids, 1000, one_more, WR_TEXT_LIT("same"), &e), WR_ELIMIT);
    assert_string_equal(e.msg, "chain opaque:limit-256: over 256 chains");
    assert_int_equal(wr_ids_vertex(ids, one_more, WR_TEXT_LIT("same")), UINT32_MAX);
    assert_int_equal(wr_ids_vertex(ids, &chain[255], WR_TEXT_LIT("same")), 255);
    assert_ok(wr_ids_check(ids, &err));
}

/* Wallets 1..200 without, then with a gap: every growth fails once. */
static wr_status fill_and_drop(const wr_chain *c, wr_err *fault)
{
    WR_AUTO(wr_ids) ids = NULL;
    WR_TRY(wr_ids_new(&ids, fault));
    for (uint32_t i = 1; i <= 200; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "w%" PRIu32, i);
        const wr_status s =
            wr_ids_add(ids, i < 100 ? i : 2 * i, c, wr_text_of(name), fault);
        if (s != WR_OK) {
            wr_mem_test_fail_after(-1);
            assert_ok(wr_ids_check(ids, &err)); /* as it was */
            assert_int_equal(wr_ids_count(ids), i - 1);
            return s;
        }
    }
    return WR_OK;
}

static void test_ids_add__out_of_memory(void **state)
{
    (void)state;
    const wr_chain *c = &chain_a;
    assert_oom_safe(fill_and_drop(c, &err));
}

static void test_ids_check__names_what_is_wrong(void **state)
{
    (void)state;
    WR_AUTO(wr_ids) ids = numbered_ids(10, 0);
    ids->chain_of[3] = 1;
    assert_err(WR_ECORRUPT, wr_ids_check(ids, &err));
    ids->chain_of[3] = 0;
    ids->text_off[4] = ids->text_off[5] + 1;
    assert_err(WR_ECORRUPT, wr_ids_check(ids, &err));
    ids->text_off[4] = ids->text_off[5] - 2;
    assert_ok(wr_ids_check(ids, &err));
    ids->pool[0] = 'x'; /* its hash is another one now */
    assert_err(WR_ECORRUPT, wr_ids_check(ids, &err));
    ids->pool[0] = 'w';
    for (uint64_t i = 0; i < ids->slots; i++)
        if (ids->slot[i] != WR_IDS_SLOT_EMPTY && (uint32_t)ids->slot[i] == 9)
            ids->slot[i] += 1;
    assert_err(WR_ECORRUPT, wr_ids_check(ids, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_ids__finds_both_ways),
        wr_unit_test(test_ids__empty),
        wr_unit_test(test_ids__dense_ids_take_no_array_until_the_first_gap),
        wr_unit_test(test_ids__twenty_thousand_are_all_found),
        wr_unit_test(test_ids_add__refuses),
        wr_unit_test(test_ids_add__chain_limit),
        wr_unit_test(test_ids_add__out_of_memory),
        wr_unit_test(test_ids_check__names_what_is_wrong),
    };
    return cmocka_run_group_tests_name("graph/ids", tests, NULL, NULL);
}
