#include "transfer_json_test.h"

static void test_decode__missing_and_null(void **state)
{
    (void)state;
    refuses("{" BASE ",\"to\":\"" B "\",\"amount\":1}", "/from", "missing", "from",
            "from is missing");
    refuses("{" BASE ",\"src\":null,\"to\":\"" B "\",\"amount\":1}", "/src", "missing",
            "from", "src is missing");
    refuses("{" BASE ",\"from\":\" \",\"to\":\"" B "\",\"amount\":1}", "/from", "missing",
            "from", "from ' ' is empty");
    refuses("{" BASE ",\"from\":\"null\",\"to\":\"" B "\",\"amount\":1}", "/from",
            "missing", "from", "from 'null' is empty");
    refuses("{" BASE ",\"from\":\"" A "\",\"amount\":1}", "/to", "missing", "to",
            "to is missing");
    refuses("{" BASE "," SENT "}", "/amount", "missing", "amount", "amount is missing");
    refuses("{\"chain\":\"ETH\"," SENT ",\"amount\":1}", "/time", "missing", "time",
            "time is missing");
    refuses("{\"time\":1700000000," SENT ",\"amount\":1}", "/chain", "missing", "chain",
            "no default chain");
    refuses("{}", "/chain", "missing", "chain", "chain is missing");
}

static void test_decode__all_errors_of_a_record(void **state)
{
    (void)state;
    WR_AUTO(wr_transfer_decoder) d = decoder_of(NULL);
    const char json[] =
        "{\"chain\":\"ETH\",\"from\":\"x\",\"amount\":-1,\"time\":0,\"hash\":\"zz\"}";
    static const char *const pointer[] = {"/from", "/to", "/amount", "/time", "/hash"};
    wr_arena arena;
    wr_field_errors errors;
    wr_transfer_list list;
    wr_arena_init(&arena, 0);
    assert_err(WR_EPARSE, wr_transfer_json_decode(&list, d, json, sizeof json - 1, &arena,
                                                  &errors, &err));
    assert_int_equal(errors.count, 5);
    for (uint32_t i = 0; i < errors.count; i++)
        assert_string_equal(errors.item[i].pointer, pointer[i]);
    wr_arena_release(&arena);
}

static void test_decode__disagreeing_spellings(void **state)
{
    (void)state;
    refuses("{" BASE "," SENT ",\"sender\":\"" B "\",\"amount\":1}", "/from", "conflict",
            "from", "from '" A "' and sender '" B "' disagree");
    refuses("{" BASE "," SENT ",\"amount\":1,\"value\":\"2\"}", "/amount", "conflict",
            "amount", "amount '1' and value '2' disagree (18 decimals)");
    refuses("{" BASE "," SENT ",\"amount\":1,\"timestamp\":1700000001}", "/time",
            "conflict", "time", "disagree");
    refuses("{" BASE "," SENT ",\"amount\":1,\"chain_id\":56}", "/chain", "conflict",
            "chain", "chain 'eip155:1' and chain_id '56' disagree");
    refuses("{" BASE "," SENT ",\"amount\":1,\"hash\":\"" H "0\"}", "/tx_hash",
            "conflict", "tx_hash", "disagree");
}

static void test_decode__agreeing_spellings(void **state)
{
    (void)state;
    accepts("{" BASE "," SENT
            ",\"sender\":\"0x00000000000000000000000000000000000000AA\","
            "\"receiver\":null,\"chainId\":1,\"timestamp\":\"2023-11-14 "
            "22:13:20\",\"hash\":\"" H "\","
            "\"amount\":1500000000000000000,\"value\":1.5,\"token\":\"eth\",\"asset\":"
            "\"ETH\"}",
            SAYS("1500000000000000000") "1.5 ''\n");
}

static void test_decode__wallets(void **state)
{
    (void)state;
    static const struct {
        const char *chain, *address, *words;
    } bad[] = {
        {"ETH", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAee", "EIP-55"},
        {"ETH", "0x12", "wrong length"},
        {"ETH", "5aaeb6053f3e94c9b9a09f33669435e7ef1beaed00", "does not begin with 0x"},
        {"BTC", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "checksum"},
        {"BTC", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", "checksum"},
        {"BTC", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
         "checksum"},
        {"opaque:x", "a\\u0001b", "control"},
        {"opaque:x", "tx:ab", "tx:"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char json[500];
        (void)snprintf(json, sizeof json,
                       "{\"chain\":\"%s\",\"time\":1700000000,\"from\":\"%s\",\"to\":\"%"
                       "s\",\"amount\":1}",
                       bad[i].chain, bad[i].address, bad[i].address);
        refuses(json, "/from", "invalid", "from", bad[i].words);
    }
    refuses("{\"chain\":\"nope:1\",\"time\":1700000000," SENT ",\"amount\":1}", "/chain",
            "invalid", "chain", "nope");
}

static void test_decode__amounts(void **state)
{
    (void)state;
    static const struct {
        const char *field, *text, *code, *words;
    } bad[] = {
        {"amount", "-5", "invalid", "'-5' is negative"},
        {"amount", "1.5", "invalid", "'1.5' is a fraction"},
        {"amount", "\"NaN\"", "invalid", "'NaN' is not a number"},
        {"amount", "1e400", "invalid", "'1e400'"},
        {"amount", "340282366920938463463374607431768211456", "range", "2^128"},
        {"amount",
         "\"99999999999999999999999999999999999999999999999999999999999999999999999999999"
         "9\"",
         "range", "2^128"},
        {"amount", "\"0x10\"", "invalid", "0x10"},
        {"value", "-0.5", "invalid", "value '-0.5' is negative"},
        {"value", "\"nan\"", "invalid", "value 'nan' is not a decimal number"},
        {"value", "1e400", "range", "2^128"},
        {"value", "0.0000000000000000001", "invalid", "more than 18 decimals"},
        {"value", "\"1,5\"", "invalid", "not a decimal number"},
        {"value_usd", "-1", "invalid", "value_usd"},
        {"value_usd", "\"inf\"", "invalid", "value_usd"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char json[500];
        char pointer[32];
        (void)snprintf(json, sizeof json, "{" BASE "," SENT ",\"%s\":%s%s}", bad[i].field,
                       bad[i].text,
                       strcmp(bad[i].field, "value_usd") ? "" : ",\"amount\":1");
        (void)snprintf(pointer, sizeof pointer, "/%s", bad[i].field);
        refuses(json, pointer, bad[i].code, bad[i].field, bad[i].words);
    }
    refuses("{" BASE "," SENT ",\"amount\":1,\"asset\":\"XYZ\"}", "/decimals", "missing",
            "decimals", "decimals of asset 'XYZ' are not known");
    refuses("{" BASE "," SENT ",\"amount\":1,\"decimals\":37}", "/decimals", "invalid",
            "decimals", "'37'");
    refuses("{" BASE "," SENT ",\"value_usd\":1,\"asset\":\"XYZ\"}", "/amount", "missing",
            "amount", "XYZ");
}

static void test_decode__times(void **state)
{
    (void)state;
    static const struct {
        const char *text, *code, *words;
    } bad[] = {
        {"0", "range", "'0' is before 2009"},
        {"1230767999", "range", "before 2009"},
        {"-1700000000", "invalid", "no time"},
        {"1900086401", "range", "ahead of now"},
        {"\"2500-01-01\"", "range", "ahead of now"},
        {"\"1969-12-31T23:59:59Z\"", "range", "before 2009"},
        {"99999999999999999999", "invalid", "no time"},
        {"\"yesterday\"", "invalid", "'yesterday' is no time"},
        {"\"2023-02-30\"", "invalid", "no time"},
        {"\"1e400\"", "invalid", "no time"},
        {"true", "invalid", "'true'"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char json[500];
        (void)snprintf(json, sizeof json,
                       "{\"chain\":\"ETH\",\"time\":%s," SENT ",\"amount\":1}",
                       bad[i].text);
        refuses(json, "/time", bad[i].code, "time", bad[i].words);
    }
}

static void test_decode__small_fields(void **state)
{
    (void)state;
    char json[2000];
    char memo[WR_MEMO_MAX + 2];
    memset(memo, 'm', sizeof memo);
    memo[WR_MEMO_MAX + 1] = '\0';
    (void)snprintf(json, sizeof json, "{" BASE "," SENT ",\"amount\":1,\"memo\":\"%s\"}",
                   memo);
    refuses(json, "/memo", "limit", "memo", "257 bytes");
    (void)snprintf(json, sizeof json, "{" BASE "," SENT ",\"amount\":1,\"asset\":\"%s\"}",
                   memo);
    refuses(json, "/asset", "invalid", "asset", "longer than 64");
    refuses("{" BASE "," SENT ",\"amount\":1,\"position\":-1}", "/position", "invalid",
            "position", "'-1'");
    refuses("{" BASE "," SENT ",\"amount\":1,\"log_index\":4294967296}", "/log_index",
            "invalid", "position", "4294967296");
    refuses("{" BASE "," SENT ",\"amount\":1,\"block\":\"x\"}", "/block", "invalid",
            "block", "'x'");
    refuses("{" BASE "," SENT ",\"amount\":1,\"isError\":\"1\"}", "/isError", "invalid",
            "is_error", "failed");
    refuses("{" BASE "," SENT ",\"amount\":1,\"is_error\":true}", "/is_error", "invalid",
            "is_error", "failed");
    refuses("{" BASE ",\"from\":{},\"to\":\"x\",\"amount\":1}", "/from", "invalid",
            "from", "list or an object");
    accepts("{" BASE "," SENT ",\"amount\":7,\"is_error\":0}",
            SAYS("7") "6.9999999999999997e-18 ''\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_decode__missing_and_null),
        wr_unit_test(test_decode__all_errors_of_a_record),
        wr_unit_test(test_decode__disagreeing_spellings),
        wr_unit_test(test_decode__agreeing_spellings),
        wr_unit_test(test_decode__wallets),
        wr_unit_test(test_decode__amounts),
        wr_unit_test(test_decode__times),
        wr_unit_test(test_decode__small_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
