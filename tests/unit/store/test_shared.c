#include <stdio.h>
#include <string.h>

#include "store/backend_int.h"
#include "wr_test.h"

static void round_trip(wr_text t, size_t want_len)
{
    uint8_t packed[WR_STORE_HASH_BYTES];
    char text[WR_TX_HASH_MAX + 1];
    size_t len = wr_store_hash_pack(packed, t);
    assert_int_equal(len, want_len);
    wr_text back = wr_store_hash_unpack(text, packed, len);
    assert_true(wr_text_eq(back, t));
    assert_int_equal(back.p[back.len], '\0');
}

static void test_hash_pack__and_back(void **state)
{
    (void)state;
    static char text[WR_TX_HASH_MAX];
    memset(text, 'z', sizeof text);
    for (uint32_t len = 0; len <= WR_TX_HASH_MAX; len++)
        round_trip((wr_text){.p = text, .len = len}, len == 32 ? 33 : len);
    memset(text, 'f', sizeof text);
    for (uint32_t len = 0; len <= WR_TX_HASH_MAX; len++)
        round_trip((wr_text){.p = text, .len = len}, len == 64   ? 32
                                                     : len == 32 ? 33
                                                                 : len);
}

/* Every digit in both halves of a byte; upper case and one wrong digit are plain text. */
static void test_hash_pack__digits(void **state)
{
    (void)state;
    char text[65];
    uint8_t packed[WR_STORE_HASH_BYTES];
    for (int i = 0; i < 64; i++)
        text[i] = "0123456789abcdef"[(i * 7 + i / 16) % 16];
    text[64] = '\0';
    wr_text t = {.p = text, .len = 64};
    assert_int_equal(wr_store_hash_pack(packed, t), 32);
    for (size_t i = 0; i < 32; i++) {
        char two[3];
        (void)snprintf(two, sizeof two, "%02x", packed[i]);
        assert_memory_equal(two, text + 2 * i, 2);
    }
    for (int i = 0; i < 64; i++) {
        char was = text[i];
        for (const char *bad = "gG/:`@ \x80"; *bad; bad++) {
            text[i] = *bad;
            round_trip(t, 64);
        }
        text[i] = 'A';
        round_trip(t, 64);
        text[i] = was;
    }
}

static wr_transfer transfer(void)
{
    const wr_chain *chain = NULL;
    assert_ok(wr_chain_find(&chain, WR_TEXT_LIT("opaque:t"), &err));
    return (wr_transfer){.chain = chain,
                         .tx_hash = WR_TEXT_LIT("tx"),
                         .position = 3,
                         .block = 9,
                         .time_s = 100,
                         .from = WR_TEXT_LIT("a"),
                         .to = WR_TEXT_LIT("b"),
                         .asset = WR_TEXT_LIT("X"),
                         .amount_base = 5,
                         .decimals = 2};
}

static void test_same_content__five_fields(void **state)
{
    (void)state;
    wr_transfer a = transfer();
    wr_transfer b = transfer();
    assert_true(wr_store_same_content(&a, &b));
    b.block = 1;
    b.value = 3;
    b.flags = 1;
    b.decimals = 7;
    b.memo = WR_TEXT_LIT("m");
    assert_true(wr_store_same_content(&a, &b));
    b = transfer();
    b.time_s++;
    assert_false(wr_store_same_content(&a, &b));
    b = transfer();
    b.from = WR_TEXT_LIT("b");
    assert_false(wr_store_same_content(&a, &b));
    b = transfer();
    b.to = WR_TEXT_LIT("bb");
    assert_false(wr_store_same_content(&a, &b));
    b = transfer();
    b.asset = WR_TEXT_LIT("Y");
    assert_false(wr_store_same_content(&a, &b));
    b = transfer();
    b.amount_base += (wr_amount)1 << 64; /* the upper half counts */
    assert_false(wr_store_same_content(&a, &b));
}

static void test_conflict_letter__without_a_mark(void **state)
{
    (void)state;
    wr_arena a;
    wr_dead_letter d;
    wr_transfer stored = transfer();
    wr_transfer refused = transfer();
    refused.to = WR_TEXT_LIT("c\"");
    refused.memo = WR_TEXT_LIT("hi");
    wr_arena_init(&a, 0);
    const wr_put put = {.transfer = &refused, .transfer_count = 1};
    assert_ok(wr_store_conflict_letter(&d, &a, &put, 0, &stored, &err));
    assert_int_equal(d.source.len, 0);
    assert_non_null(d.source.p);
    assert_int_equal(d.partition, 0);
    assert_int_equal(d.position, -1);
    assert_true(wr_text_eq(d.field, WR_TEXT_LIT("tx_hash")));
    assert_true(wr_text_eq(d.reason, WR_TEXT_LIT("same key as a stored transfer, other "
                                                 "content: to c\" (stored: b)")));
    assert_true(wr_text_eq(
        d.raw, WR_TEXT_LIT("{\"chain\":\"opaque:t\",\"tx_hash\":\"tx\",\"position\":3,"
                           "\"block\":9,\"time\":100,\"from\":\"a\",\"to\":\"c\\\"\","
                           "\"asset\":\"X\",\"amount\":\"5\",\"decimals\":2,"
                           "\"memo\":\"hi\"}")));
    assert_int_equal(d.raw_bytes, d.raw.len);
    wr_arena_release(&a);
}

static wr_status letter_once(wr_err *err)
{
    wr_arena a;
    wr_dead_letter d;
    wr_transfer stored = transfer();
    wr_transfer refused = transfer();
    refused.amount_base = 6;
    wr_arena_init(&a, 0);
    const wr_put put = {.transfer = &refused, .transfer_count = 1};
    wr_status s = wr_store_conflict_letter(&d, &a, &put, 0, &stored, err);
    wr_arena_release(&a);
    return s;
}

static void test_conflict_letter__out_of_memory(void **state)
{
    (void)state;
    assert_oom_safe(letter_once(&err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_hash_pack__and_back),
        wr_unit_test(test_hash_pack__digits),
        wr_unit_test(test_same_content__five_fields),
        wr_unit_test(test_conflict_letter__without_a_mark),
        wr_unit_test(test_conflict_letter__out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
