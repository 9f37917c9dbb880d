#include "transfer_json_test.h"

#include "codec/json_int.h"

/* --- both ways of reading agree --------------------------------------------------- */

static void random_value(wr_rng *rng, wr_buf *b)
{
    static const char *const value[] = {
        ("\"" A "\""),
        ("\"" B "\""),
        ("\"" H "\""),
        ("\"0x" H "\""),
        "1700000000",
        "\"2023-11-14\"",
        "1",
        "0",
        "-1",
        "1.5",
        "1e3",
        "01",
        "1.",
        "\"\"",
        "null",
        "true",
        "\"eip155:1\"",
        "\"ETH\"",
        "\"BTC\"",
        "56",
        "\"x\"",
        "\"a\\tb\"",
        "\"\xc3\xa9\"",
        "[]",
        "{}",
        "[{}]",
        "nul",
        "\"\x01\"",
        "123456789012345678901234567890",
        "\"null\"",
        "\"unterminated",
    };
    wr_buf_adds(b, value[wr_rng_below(rng, sizeof value / sizeof *value)]);
}

static void random_object(wr_rng *rng, wr_buf *b)
{
    static const char *const key[] = {
        "chain",      "tx_hash",  "hash",     "time",     "timestamp", "from",
        "sender",     "to",       "receiver", "amount",   "value",     "asset",
        "memo",       "position", "block",    "decimals", "other",     "chain_id",
        "f\\u0072om", "Time",     "inputs",   "outputs",
    };
    static const char *const good[] = {
        "\"chain\":\"ETH\"", "\"time\":1700000000", SENT,
        "\"amount\":5",      "\"hash\":\"" H "\"",
    };
    wr_buf_clear(b);
    wr_buf_adds(b, wr_rng_below(rng, 20) ? "{" : " [");
    const uint64_t n = wr_rng_below(rng, 6);
    for (size_t i = 0; i < 5; i++)
        if (wr_rng_below(rng, 8)) {
            wr_buf_adds(b, b->len > 1 ? "," : "");
            wr_buf_adds(b, good[i]);
        }
    for (uint64_t i = 0; i < n; i++) {
        wr_buf_addf(b, "%s\"%s\":", b->len > 1 ? "," : "",
                    key[wr_rng_below(rng, sizeof key / sizeof *key)]);
        random_value(rng, b);
        wr_buf_adds(b, wr_rng_below(rng, 4) ? "" : " \t");
    }
    wr_buf_adds(b, wr_rng_below(rng, 30) ? "}" : ",}");
}

/* Everything a way of reading says about a record. */
static void say(wr_buf *out, const wr_transfer_decoder *d, wr_json_state *st,
                const wr_buf *json, bool is_flat_allowed)
{
    wr_arena arena;
    wr_field_errors errors = {0};
    wr_transfer_sink sink = {0};
    wr_arena_init(&arena, 0);
    wr_decode w = {.d = d, .arena = &arena, .errors = &errors, .now_s = NOW_S};
    const bool is_ok = wr_json_record(&w, st, json->p, json->len, is_flat_allowed, &sink);
    assert_false(w.is_nomem);
    assert_int_equal(is_ok, errors.count == 0);
    for (size_t i = 0; i < sink.count; i++)
        print_transfer(out, &sink.item[i]);
    for (uint32_t i = 0; i < errors.count; i++)
        wr_buf_addf(out, "E %s %s %s %s\n", errors.item[i].field, errors.item[i].pointer,
                    errors.item[i].code, errors.item[i].detail);
    wr_transfer_sink_release(&sink);
    wr_arena_release(&arena);
}

static void test_json_record__flat_says_what_whole_says(void **state)
{
    (void)state;
    WR_AUTO(wr_transfer_decoder) d = decoder_of(NULL);
    wr_rng rng = {.s = 5};
    wr_json_state flat = {0};
    wr_json_state whole = {0};
    wr_buf json;
    uint64_t flat_count = 0;
    uint64_t accepted = 0;
    wr_buf_init(&json, PRINT_MAX);
    wr_buf_init(&flat.text, PRINT_MAX);
    wr_buf_init(&whole.text, PRINT_MAX);
    for (int i = 0; i < 30000; i++) {
        wr_buf one;
        wr_buf two;
        wr_buf_init(&one, PRINT_MAX);
        wr_buf_init(&two, PRINT_MAX);
        random_object(&rng, &json);
        say(&one, d, &flat, &json, true);
        say(&two, d, &whole, &json, false);
        if (strcmp(wr_buf_cstr(&one), wr_buf_cstr(&two)) != 0)
            fail_msg("%s\nflat:  %s\nwhole: %s", json.p, one.p, two.p);
        flat_count += wr_json_flat(&flat.pairs, json.p, json.len);
        accepted += one.p[0] == 'T';
        wr_buf_release(&one);
        wr_buf_release(&two);
    }
    assert_in_range(flat_count, 3000, 27000); /* both ways were taken */
    assert_in_range(accepted, 1000, 29000);
    wr_buf_release(&json);
    wr_buf_release(&flat.text);
    wr_buf_release(&whole.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_json_record__flat_says_what_whole_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
