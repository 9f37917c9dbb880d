#include "wr_test.h"

#include <stdio.h>
#include <string.h>

#include "ingest/kafka_batch.h"
#include "ingest/kafka_consume.h"

#define GOOD                                                                        \
    "{\"chain\":\"ETH\",\"tx_hash\":"                                               \
    "\"0x000000000000000000000000000000000000000000000000000000000000000%d\","      \
    "\"from\":\"0x1fb7bd310d95f2a6d9baaf8a8a430a9a04453a8b\","                      \
    "\"to\":\"0xb5aef1de312925438c00d12fca19c8d8a99e3d1e\",\"value\":1.5,\"time\":" \
    "1600000000}"


static wr_transfer_decoder *new_decoder(void)
{
    wr_transfer_decoder *d = NULL;
    wr_transfer_opts o = WR_TRANSFER_OPTS_INIT;
    assert_ok(wr_transfer_decoder_new(&d, &o, &err));
    return d;
}

static wr_status add(wr_kafka_batch *b, const wr_transfer_decoder *d, int64_t offset,
                     wr_text key, wr_text payload, wr_err *err)
{
    const wr_kafka_message m = {.offset = offset, .key = key, .payload = payload};
    return wr_kafka_batch_add(b, d, WR_TEXT_LIT("kafka:t"), &m, err);
}

static void add_good(wr_kafka_batch *b, const wr_transfer_decoder *d, int64_t offset)
{
    char text[512];
    (void)snprintf(text, sizeof text, GOOD, (int)(offset % 10));
    assert_ok(add(b, d, offset, (wr_text){0}, wr_text_of(text), &err));
}

static wr_kafka_batch *new_batch(int64_t from)
{
    wr_kafka_batch *b = NULL;
    assert_ok(wr_kafka_batch_new(&b, &err));
    wr_kafka_batch_begin(b, 3, from, 7);
    return b;
}

/* The identity of every batch. */
static void check(const wr_kafka_batch *b, int64_t next, uint64_t messages, uint64_t gaps)
{
    assert_int_equal(b->next_offset, next);
    assert_int_equal(b->messages, messages);
    assert_int_equal(b->gaps, gaps);
    assert_int_equal(b->next_offset - b->from_offset, messages + gaps);
}

static void test_add__gaps(void **state)
{
    (void)state;
    WR_AUTO(wr_transfer_decoder) d = new_decoder();
    wr_kafka_batch *b = new_batch(100);
    assert_true(wr_kafka_batch_is_empty(b));
    add_good(b, d, 100);
    check(b, 101, 1, 0);
    add_good(b, d, 104); /* 101, 102, 103 are no records */
    check(b, 105, 2, 3);
    add_good(b, d, 104); /* once more: was taken */
    add_good(b, d, 7);
    check(b, 105, 2, 3);
    wr_kafka_batch_skip(b, 105);
    wr_kafka_batch_skip(b, 50);
    check(b, 105, 2, 3);
    wr_kafka_batch_skip(b, 106); /* the marker behind the last record */
    check(b, 106, 2, 4);
    assert_int_equal(b->transfer_count, 2);
    assert_int_equal(b->position[0], 100);
    assert_int_equal(b->position[1], 104);
    assert_int_equal(b->dead_count, 0);
    wr_kafka_batch_free(b);
}

static void test_add__utxo_is_one_message(void **state)
{
    (void)state;
    WR_AUTO(wr_transfer_decoder) d = new_decoder();
    wr_kafka_batch *b = new_batch(0);
    const wr_text t = WR_TEXT_LIT(
        "{\"chain\":\"BTC\",\"txid\":"
        "\"0000000000000000000000000000000000000000000000000000000000000001\","
        "\"time\":1600000000,\"inputs\":[{\"address\":"
        "\"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa\",\"value\":1}],\"outputs\":[{\"address\":"
        "\"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4\",\"value\":1}]}");
    assert_ok(add(b, d, 0, (wr_text){0}, t, &err));
    check(b, 1, 1, 0);
    assert_int_equal(b->transfer_count, 2);
    assert_int_equal(b->position[1], 0);
    wr_kafka_batch_free(b);
}

static void check_letter(const wr_kafka_batch *b, size_t at, int64_t offset,
                         const char *reason, wr_text raw)
{
    const wr_dead_letter *l = &b->dead[at];
    assert_true(wr_text_eq(l->source, WR_TEXT_LIT("kafka:t")));
    assert_int_equal(l->partition, 3);
    assert_int_equal(l->position, offset);
    assert_memory_equal(l->reason.p, reason, strlen(reason));
    assert_int_equal(l->raw_bytes, raw.len);
    assert_int_equal(l->raw.len, raw.len < WR_DEAD_RAW_MAX ? raw.len : WR_DEAD_RAW_MAX);
    assert_memory_equal(l->raw.p, raw.p ? raw.p : "", l->raw.len);
    assert_true(wr_text_eq(b->original[at].payload, raw));
    assert_int_equal(b->original[at].payload.p == NULL, raw.p == NULL);
}

static void test_add__poison(void **state)
{
    (void)state;
    WR_AUTO(wr_transfer_decoder) d = new_decoder();
    wr_kafka_batch *b = new_batch(0);
    enum { BIG = 3 * WR_RECORD_MAX_BYTES };
    char *text = wr_calloc(BIG, 1);
    assert_non_null(text);
    memset(text, '{', BIG);
    const wr_text big = {text, BIG};
    const wr_text key = WR_TEXT_LIT("k\0ey");
    assert_ok(add(b, d, 0, key, (wr_text){0}, &err));
    assert_ok(add(b, d, 1, (wr_text){0}, WR_TEXT_LIT(""), &err));
    assert_ok(add(b, d, 2, key, WR_TEXT_LIT("hello"), &err));
    assert_ok(add(b, d, 3, key, big, &err));
    check(b, 4, 4, 0);
    assert_int_equal(b->dead_count, 4);
    check_letter(b, 0, 0, "message without a value (tombstone)", (wr_text){0});
    check_letter(b, 1, 1, "message is empty", WR_TEXT_LIT(""));
    check_letter(b, 2, 2, "json", WR_TEXT_LIT("hello"));
    check_letter(b, 3, 3, "record of 3145728 bytes", big);
    wr_kafka_batch_free(b);
    wr_free(text);
}

static void test_limits(void **state)
{
    (void)state;
    WR_AUTO(wr_transfer_decoder) d = new_decoder();
    wr_kafka_batch *b = new_batch(0);
    const wr_kafka_limits rows = {.rows = 2, .bytes = SIZE_MAX, .flush_us = 1000};
    assert_false(wr_kafka_batch_is_due(b, &rows, INT64_MAX)); /* empty: never */
    assert_int_equal(wr_kafka_batch_bytes(b), 0);
    add_good(b, d, 0);
    assert_false(wr_kafka_batch_is_full(b, &rows));
    assert_false(wr_kafka_batch_is_due(b, &rows, b->begun_us + 999));
    assert_true(wr_kafka_batch_is_due(b, &rows, b->begun_us + 1000));
    const size_t one = wr_kafka_batch_bytes(b);
    assert_true(one > sizeof(wr_transfer) + 100);
    const wr_kafka_limits bytes = {.rows = SIZE_MAX, .bytes = one + 1, .flush_us = 0};
    assert_false(wr_kafka_batch_is_full(b, &bytes));
    assert_ok(add(b, d, 1, (wr_text){0}, WR_TEXT_LIT("x"), &err));
    assert_true(wr_kafka_batch_is_full(b, &rows)); /* a letter is a row */
    assert_true(wr_kafka_batch_is_full(b, &bytes));
    wr_kafka_batch_begin(b, 3, 50, 8); /* its gaps alone are due in time */
    wr_kafka_batch_skip(b, 51);
    assert_true(wr_kafka_batch_is_due(b, &rows, b->begun_us + 1000));
    assert_false(wr_kafka_batch_is_full(b, &rows));
    wr_kafka_batch_free(b);
}

static void test_put__and_epoch(void **state)
{
    (void)state;
    WR_AUTO(wr_transfer_decoder) d = new_decoder();
    wr_kafka_batch *b = new_batch(10);
    add_good(b, d, 12);
    assert_ok(add(b, d, 13, (wr_text){0}, WR_TEXT_LIT("x"), &err));
    b->high_watermark = 20;
    wr_source_mark mark;
    wr_put put;
    wr_kafka_batch_put(b, WR_TEXT_LIT("kafka:t"), &mark, &put);
    assert_true(mark.is_fenced);
    assert_int_equal(mark.partition, 3);
    assert_int_equal(mark.from_offset, 10);
    assert_int_equal(mark.next_offset, 14);
    assert_int_equal(mark.messages, 2);
    assert_int_equal(mark.gaps, 2);
    assert_int_equal(mark.records, 2);
    assert_int_equal(mark.high_watermark, 20);
    assert_ptr_equal(put.mark, &mark);
    assert_int_equal(put.transfer_count, 1);
    assert_int_equal(put.dead_count, 1);
    assert_int_equal(b->epoch, 7);
    wr_kafka_batch_free(b);
}

static wr_status fill(const wr_transfer_decoder *d, wr_err *err)
{
    wr_kafka_batch *b = NULL;
    WR_TRY(wr_kafka_batch_new(&b, err));
    wr_kafka_batch_begin(b, 0, 0, 1);
    char text[512];
    (void)snprintf(text, sizeof text, GOOD, 1);
    wr_status s = add(b, d, 0, (wr_text){0}, wr_text_of(text), err);
    if (s == WR_OK)
        s = add(b, d, 1, WR_TEXT_LIT("k"), WR_TEXT_LIT("x"), err);
    wr_kafka_batch_free(b);
    return s;
}

static void test_add__no_memory(void **state)
{
    (void)state;
    WR_AUTO(wr_transfer_decoder) d = new_decoder();
    assert_oom_safe(fill(d, &err));
}

static void begin(bool is_known, int64_t stored, int64_t low, int64_t high, int64_t want,
                  uint64_t want_lost)
{
    int64_t at = -1;
    uint64_t lost = 99;
    assert_ok(wr_kafka_begin_at(&at, &lost, "t", 2, is_known, stored, low, high, &err));
    assert_int_equal(at, want);
    assert_int_equal(lost, want_lost);
}

static void test_begin_at(void **state)
{
    (void)state;
    begin(false, 0, 0, 0, 0, 0);
    begin(false, 0, 40, 90, 40, 0); /* not there yet: nothing of ours is lost */
    begin(true, 50, 0, 90, 50, 0);
    begin(true, 90, 0, 90, 90, 0);
    begin(true, 40, 40, 90, 40, 0);
    begin(true, 10, 40, 90, 40, 30); /* retention was faster */
    begin(true, 10, 40, 40, 40, 30);
    int64_t at = -1;
    uint64_t lost = 0;
    wr_err err = {0};
    assert_int_equal(wr_kafka_begin_at(&at, &lost, "t", 2, true, 91, 0, 90, &err),
                     WR_ECONFLICT);
    assert_string_equal(
        err.msg, "topic 't' partition 2 ends at 90, the database stands at 91: the topic "
                 "was made anew; give it another name, or take its rows out of "
                 "ingestion_state");
    assert_int_equal(at, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_add__gaps),      wr_unit_test(test_add__utxo_is_one_message),
        wr_unit_test(test_add__poison),    wr_unit_test(test_limits),
        wr_unit_test(test_put__and_epoch), wr_unit_test(test_add__no_memory),
        wr_unit_test(test_begin_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
