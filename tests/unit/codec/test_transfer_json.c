#include "codec_test.h"

#include "codec/json_int.h"
#include "codec/transfer_json.h"

#define A    "0x00000000000000000000000000000000000000aa"
#define B    "0x00000000000000000000000000000000000000bb"
#define H    "00000000000000000000000000000000000000000000000000000000000000cc"
#define BASE "\"chain\":\"eip155:1\",\"tx_hash\":\"0x" H "\",\"time\":1700000000"
#define SENT "\"from\":\"" A "\",\"to\":\"" B "\""

static wr_transfer_decoder *decoder_of(const wr_transfer_opts *given)
{
    wr_transfer_opts o = WR_TRANSFER_OPTS_INIT;
    wr_transfer_decoder *d = NULL;
    if (given)
        o = *given;
    o.now_s = NOW_S;
    assert_ok(wr_transfer_decoder_new(&d, &o, &err));
    return d;
}

/* Decode with these options (NULL: defaults) and compare the printed transfers. */
static void accepts_with(const wr_transfer_opts *o, const char *json, const char *want)
{
    WR_AUTO(wr_transfer_decoder) d = decoder_of(o);
    wr_arena arena;
    wr_field_errors errors;
    wr_transfer_list list;
    wr_buf out;
    wr_arena_init(&arena, 0);
    wr_buf_init(&out, PRINT_MAX);
    assert_ok(
        wr_transfer_json_decode(&list, d, json, strlen(json), &arena, &errors, &err));
    for (uint32_t i = 0; i < list.count; i++)
        print_transfer(&out, &list.item[i]);
    assert_string_equal(wr_buf_cstr(&out), want);
    wr_buf_release(&out);
    wr_arena_release(&arena);
}

static void accepts(const char *json, const char *want)
{
    accepts_with(NULL, json, want);
}

/* The first error: pointer, code, our field, and words of its detail. */
static void refuses_bytes(const char *json, size_t len, wr_status status,
                          const char *pointer, const char *code, const char *field,
                          const char *words)
{
    WR_AUTO(wr_transfer_decoder) d = decoder_of(NULL);
    wr_arena arena;
    wr_field_errors errors;
    wr_transfer_list list;
    wr_err why = {0};
    wr_arena_init(&arena, 0);
    assert_int_equal(wr_transfer_json_decode(&list, d, json, len, &arena, &errors, &why),
                     status);
    assert_true(errors.count >= 1);
    if (!strstr(errors.item[0].detail, words))
        fail_msg("'%s' is not in '%s'", words, errors.item[0].detail);
    assert_string_equal(errors.item[0].pointer, pointer);
    assert_string_equal(errors.item[0].code, code);
    assert_string_equal(errors.item[0].field, field);
    assert_string_equal(why.msg, errors.item[0].detail);
    wr_arena_release(&arena);
}

static void refuses(const char *json, const char *pointer, const char *code,
                    const char *field, const char *words)
{
    refuses_bytes(json, strlen(json), WR_EPARSE, pointer, code, field, words);
}

#define SAYS(amount) \
    "T eip155:1 " H "/0 b-1 t1700000000 " A " > " B " " amount " ETH/18 f1 v"

static void test_decode__plain(void **state)
{
    (void)state;
    accepts("{" BASE "," SENT ",\"amount\":\"1500000000000000000\"}",
            SAYS("1500000000000000000") "1.5 ''\n");
    accepts(" {" BASE "," SENT ",\"value\":\"1.5\",\"unknown\":[1,{\"a\":2}]}\r\n",
            SAYS("1500000000000000000") "1.5 ''\n");
    accepts("{" BASE "," SENT ",\"amount\":0}", SAYS("0") "0 ''\n");
}

/* A wei amount fits neither an int64 nor a double; the text is what counts. */
static void test_decode__big_numbers_are_exact(void **state)
{
    (void)state;
    accepts("{" BASE "," SENT ",\"amount\":123456789012345678901234567890}",
            SAYS("123456789012345678901234567890") "123456789012.34567 ''\n");
    accepts(
        "{" BASE "," SENT ",\"amount\":340282366920938463463374607431768211455}",
        SAYS("340282366920938463463374607431768211455") "3.4028236692093849e+20 ''\n");
    accepts("{" BASE "," SENT ",\"value\":0.000000000000000001}",
            SAYS("1") "1.0000000000000001e-18 ''\n");
    accepts("{" BASE "," SENT ",\"value\":1e-7}",
            SAYS("100000000000") "9.9999999999999995e-08 ''\n");
}

static void test_decode__spellings(void **state)
{
    (void)state;
    const char *want = SAYS("7") "6.9999999999999997e-18 ''\n";
    accepts("{\"chain_id\":1,\"hash\":\"" H
            "\",\"block_timestamp\":\"2023-11-14T22:13:20Z\","
            "\"src\":\"" A "\",\"dst\":\"" B "\",\"amount\":7}",
            want);
    accepts("{\"network\":\"ethereum\",\"transactionHash\":\"0x" H "\",\"timestamp\":"
            "1700000000000,\"sender\":\"" A "\",\"receiver\":\"" B "\",\"amount_wei\":7}",
            want);
    accepts("{\"blockchain\":\"ETH\",\"txid\":\"" H
            "\",\"date\":\"2023-11-15 00:13:20+02:00\","
            "\"from_address\":\"" A "\",\"recipient\":\"" B "\",\"amount\":\"7.0\"}",
            want);
    accepts("{\"chainId\":\"1\",\"Transaction Hash\":\"" H
            "\",\"blockTimestamp\":1700000000.75,"
            "\"nameOrig\":\"" A "\",\"target\":\"" B "\",\"amount\":7}",
            want);
}

static void test_decode__time_by_size(void **state)
{
    (void)state;
    static const char *const time[] = {
        "1700000000",          "1700000000999", "1700000000999999",
        "1700000000999999999", "1.7e9",         "\"1700000000\""};
    for (size_t i = 0; i < sizeof time / sizeof *time; i++) {
        char json[500];
        (void)snprintf(json, sizeof json,
                       "{\"chain\":\"ETH\",\"hash\":\"" H "\",\"time\":%s," SENT
                       ",\"amount\":7}",
                       time[i]);
        accepts(json, SAYS("7") "6.9999999999999997e-18 ''\n");
    }
}

static void test_decode__canonical_texts(void **state)
{
    (void)state;
    accepts("{\"chain\":\"eip155:1\",\"tx_hash\":\"0x00000000000000000000000000000000"
            "000000000000000000000000000000CC\",\"time\":1700000000,"
            "\"from\":\" 0x00000000000000000000000000000000000000AA\",\"to\":\"" B "\","
            "\"amount\":7,\"asset\":\"eth\",\"memo\":\"a \\u00e9\\n b\"}",
            SAYS("7") "6.9999999999999997e-18 'a \xc3\xa9\n b'\n");
}

static void test_decode__optional_fields(void **state)
{
    (void)state;
    accepts("{" BASE "," SENT ",\"amount\":2500000,\"asset\":\"USDT\",\"block\":\"0x10\","
            "\"log_index\":3,\"tx_index\":9,\"memo\":null}",
            "T eip155:1 " H "/3 b16 t1700000000 " A " > " B
            " 2500000 USDT/6 f1 v2.5 ''\n");
    accepts("{" BASE "," SENT ",\"amount\":5,\"decimals\":1,\"asset\":"
            "\"0xdAC17F958D2ee523a2206206994597C13D831ec7\",\"transaction_index\":9}",
            "T eip155:1 " H "/9 b-1 t1700000000 " A " > " B
            " 5 erc20:0xdac17f958d2ee523a2206206994597c13d831ec7/1 f1 v0.5 ''\n");
    accepts("{" BASE "," SENT
            ",\"amount\":5,\"asset\":\"0x0000000000000000000000000000000000"
            "000000\"}",
            SAYS("5") "5.0000000000000004e-18 ''\n");
}

/* A token's address and its symbol are no two spellings. */
static void test_decode__token_address_and_symbol(void **state)
{
    (void)state;
    const char *want =
        "T eip155:1 " H "/0 b-1 t1700000000 " A " > " B " 5 erc20:" A "/1 f1 v0.5 ''\n";
    accepts("{" BASE "," SENT ",\"amount\":5,\"decimals\":1,\"token_address\":\"" A
            "\",\"token_symbol\":\"TOK\"}",
            want);
    accepts("{" BASE "," SENT ",\"amount\":5,\"symbol\":\"USDC\"}",
            "T eip155:1 " H "/0 b-1 t1700000000 " A " > " B
            " 5 USDC/6 f1 v5.0000000000000004e-06 ''\n");
    refuses("{" BASE "," SENT ",\"amount\":5,\"asset\":\"USDC\",\"token\":\"USDT\"}",
            "/asset", "conflict", "asset", "asset 'USDC' and token 'USDT' disagree");
}

static void test_decode__priced(void **state)
{
    (void)state;
    accepts("{" BASE "," SENT ",\"amount\":1000000000000000000,\"value_usd\":1800.5}",
            "T eip155:1 " H "/0 b-1 t1700000000 " A " > " B
            " 1000000000000000000 ETH/18 f0 v1800.5 ''\n");
    accepts("{" BASE "," SENT ",\"value_usd\":\"0.1234565\"}",
            "T eip155:1 " H "/0 b-1 t1700000000 " A " > " B
            " 123456 USD/6 f0 v0.1234565 ''\n");
    accepts("{\"chain\":\"opaque:bank\",\"hash\":\"h\",\"time\":1700000000,\"from\":"
            "\"x\",\"to\":\"y\","
            "\"value\":\"3.5\",\"asset\":\"USD\"}",
            "T opaque:bank h/0 b-1 t1700000000 x > y 350 USD/2 f0 v3.5 ''\n");
}

static void test_decode__self_transfer(void **state)
{
    (void)state;
    accepts("{" BASE ",\"from\":\"" A "\",\"to\":\"" A "\",\"amount\":1}",
            "T eip155:1 " H "/0 b-1 t1700000000 " A " > " A
            " 1 ETH/18 f9 v1.0000000000000001e-18 ''\n");
}

static void test_decode__contract_creation(void **state)
{
    (void)state;
    accepts("{" BASE ",\"from\":\"" A "\",\"to\":null,\"contract_address\":\"" B
            "\",\"amount\":1}",
            SAYS("1") "1.0000000000000001e-18 ''\n");
    refuses("{" BASE ",\"from\":\"" A
            "\",\"to\":\"\",\"contract_address\":\"\",\"amount\":1}",
            "/to", "missing", "to",
            "to is empty (a contract creation?) and there is no contract_address");
}

/* Without a hash the content is the key: the same record is the same key. */
static void test_decode__derived_hash(void **state)
{
    (void)state;
    WR_AUTO(wr_transfer_decoder) d = decoder_of(NULL);
    const char *json[] = {
        "{\"chain\":\"ETH\",\"time\":1700000000," SENT ",\"amount\":7}",
        "{" SENT
        ",\"amount\":\"7\",\"chain\":\"eip155:1\",\"time\":\"2023-11-14T22:13:20Z\"}",
        "{\"chain\":\"ETH\",\"time\":1700000000," SENT ",\"amount\":8}",
        "{\"chain\":\"ETH\",\"time\":1700000001," SENT ",\"amount\":7}",
        "{\"chain\":\"ETH\",\"time\":1700000000," SENT ",\"amount\":7,\"memo\":\"m\"}",
    };
    wr_arena arena;
    wr_text key[5];
    wr_arena_init(&arena, 0);
    for (int i = 0; i < 5; i++) {
        wr_field_errors errors;
        wr_transfer_list list;
        assert_ok(wr_transfer_json_decode(&list, d, json[i], strlen(json[i]), &arena,
                                          &errors, &err));
        key[i] = list.item[0].tx_hash;
        assert_int_equal(key[i].len, 40);
        assert_memory_equal(key[i].p, "derived:", 8);
        assert_int_equal(list.item[0].position, 0);
        for (int k = 0; k < i; k++)
            assert_int_equal(wr_text_eq(key[i], key[k]), i == 1 && k == 0);
    }
    wr_arena_release(&arena);
}

/* The derived key is stored: it may never change (see decode_key.c). */
static void test_decode__derived_hash_is_pinned(void **state)
{
    (void)state;
    accepts("{\"chain\":\"ETH\",\"time\":1700000000," SENT ",\"amount\":7}",
            "T eip155:1 derived:83a11f7bfbb229e07b91cc6fc6005908/0 b-1 t1700000000 " A
            " > " B " 7 ETH/18 f1 v6.9999999999999997e-18 ''\n");
}

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

static void test_decode__syntax(void **state)
{
    (void)state;
    refuses("{\"from\":1,\"from\":2}", "", "syntax", "", "duplicate object key");
    refuses("{\"a\":1,\"\\u0061\":2}", "", "syntax", "", "duplicate object key");
    refuses("{" BASE "," SENT ",\"amount\":NaN}", "", "syntax", "", "NaN");
    refuses("{\"amount\":01}", "", "syntax", "", "'01");
    refuses("{\"amount\":1.}", "", "syntax", "", "'1.");
    refuses("{1:2}", "", "syntax", "", "'1:2}'");
    refuses("{\"a\":1", "", "syntax", "", "json: ");
    refuses("{\"a\":1}x", "", "syntax", "", "json: ");
    refuses("[1]", "", "syntax", "", "an object is expected");
    refuses("", "", "syntax", "", "json: ");
    refuses("{\"memo\":\"\\ud800\"}", "", "syntax", "", "json: ");
    refuses("{\"memo\":\"\\u0000\"}", "", "syntax", "", "json: ");
    refuses_bytes("{\"a\":\"\xff\"}", 9, WR_EPARSE, "", "syntax", "", "decode byte 0xff");
    refuses_bytes("{\"a\":\"b\0c\"}", 11, WR_EPARSE, "", "syntax", "", "json: ");
    refuses_bytes("{\"a\":1}\0", 8, WR_EPARSE, "", "syntax", "", "json: ");
}

static void test_decode__limits(void **state)
{
    (void)state;
    enum { DEEP = 10000, LONG = WR_RECORD_MAX_BYTES + 1 };
    char *json = wr_calloc(LONG + 1, 1);
    memset(json, '[', DEEP);
    refuses_bytes(json, DEEP, WR_ELIMIT, "", "limit", "", "deeper than 32");
    memset(json, ' ', LONG);
    refuses_bytes(json, LONG, WR_ELIMIT, "", "limit", "",
                  "1048577 bytes is over the limit");

    /* as deep as allowed: the object and 31 lists in it */
    int n = snprintf(json, LONG, "{" BASE "," SENT ",\"amount\":7,\"deep\":");
    memset(json + n, '[', 31);
    memset(json + n + 31, ']', 31);
    memcpy(json + n + 62, "}", 2);
    accepts(json, SAYS("7") "6.9999999999999997e-18 ''\n");
    memmove(json + n + 1, json + n, 64);
    json[n] = '[';
    refuses_bytes(json, (size_t)n + 64, WR_ELIMIT, "", "limit", "", "deeper than 32");
    wr_free(json);
}

#define W1   "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
#define W2   "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
#define BTC  "T bip122:000000000019d6689c085ae165831e93 " H
#define UTXO "{\"chain\":\"BTC\",\"txid\":\"" H "\",\"time\":1700000000,"

static void test_decode__utxo(void **state)
{
    (void)state;
    accepts(
        UTXO
        "\"block\":5,\"inputs\":[{\"address\":\"" W1
        "\",\"value\":0.5},{\"address\":\"" W2
        "\",\"amount\":70}],\"outputs\":[{\"address\":null,\"script\":\"6a00\",\"value\":"
        "0},"
        "{\"script\":\"0014751e76e8199196d454941c45d1b3a323f1433bd6\",\"value\":\"0.4\"},"
        "{\"script\":\"51\",\"satoshis\":1}]}",
        BTC "/0 b5 t1700000000 " W1 " > tx:" H " 50000000 BTC/8 f5 v0.5 ''\n" BTC
            "/1 b5 t1700000000 " W2 " > tx:" H
            " 70 BTC/8 f5 v6.9999999999999997e-07 ''\n" BTC "/3 b5 t1700000000 tx:" H
            " > " W1 " 40000000 BTC/8 f3 v0.40000000000000002 ''\n" BTC
            "/4 b5 t1700000000 tx:" H
            " > script:4ae81572f06e1b88fd5ced7a1a000945432e83e1551e6f721ee9c00b8cc33260"
            " 1 BTC/8 f3 v1e-08 ''\n");
    accepts(UTXO "\"inputs\":[],\"outputs\":[{\"address\":\"" W1 "\",\"value\":6.25}]}",
            BTC "/0 b-1 t1700000000 tx:" H " > " W1 " 625000000 BTC/8 f3 v6.25 ''\n");
}

static void test_decode__utxo_refused(void **state)
{
    (void)state;
#define IN "\"inputs\":[{\"address\":\"" W1 "\",\"value\":1}],"
    refuses(UTXO IN "\"outputs\":[{\"address\":\"" W2 "\",\"value\":1.1}]}", "/outputs",
            "conflict", "outputs",
            "outputs (110000000) are worth more than inputs (100000000)");
    refuses(UTXO IN "\"outputs\":[{\"address\":\"" W2 "\",\"value\":-1}]}",
            "/outputs/0/value", "invalid", "outputs",
            "outputs[0].value: amount '-1' is negative");
    refuses(UTXO IN "\"vout\":[{\"address\":\"" W2 "x\",\"value\":1}]}",
            "/vout/0/address", "invalid", "outputs", "vout[0].address");
    refuses(UTXO IN "\"outputs\":[{\"value\":1}]}", "/outputs/0/address", "missing",
            "outputs", "address is missing");
    refuses(UTXO "\"inputs\":[{\"address\":\"" W2 "\"}]}", "/inputs/0/value", "missing",
            "inputs", "amount is missing");
    refuses(UTXO "\"inputs\":[{\"address\":\"" W2 "\",\"value\":1,\"amount\":1}]}",
            "/inputs/0/amount", "invalid", "inputs", "amount '1' and value '1' disagree");
    refuses(UTXO "\"inputs\":[5]}", "/inputs", "invalid", "inputs",
            "inputs[0] is not an object");
    refuses(UTXO "\"inputs\":[{\"script\":\"zz\",\"value\":1}]}", "/inputs/0/script",
            "invalid", "inputs", "hex");
    refuses(UTXO "\"inputs\":[],\"outputs\":[]}", "/outputs", "missing", "outputs",
            "moves anything");
    refuses(UTXO IN "\"from\":\"" W1 "\"}", "/inputs", "conflict", "inputs",
            "one or the other");
    refuses("{\"chain\":\"BTC\",\"time\":1700000000," IN "\"outputs\":[]}", "/tx_hash",
            "missing", "tx_hash", "names the hub");
#undef IN
}

static void test_decode__options(void **state)
{
    (void)state;
    wr_transfer_opts o = WR_TRANSFER_OPTS_INIT;
    o.map = "from=payer,amount=cents";
    o.chain = "opaque:bank";
    o.asset = "EUR";
    o.decimals = 2;
    o.position_rule = WR_POSITION_DERIVED;
    accepts_with(
        &o,
        "{\"payer\":\"a\",\"from\":\"b\",\"to\":\"c\",\"cents\":\"250\",\"amount\":\"x\","
        "\"time\":1700000000}",
        "T opaque:bank derived:667dbfe61d6c95f5f6365cd2a1a980bc/0 b-1 t1700000000 a > c "
        "250 EUR/2 f1 v2.5 ''\n");
    o = (wr_transfer_opts)WR_TRANSFER_OPTS_INIT;
    o.chain = "ETH";
    o.is_rounding = 1;
    o.time_unit = WR_TIME_STEPS;
    o.step_base_s = 1600000000;
    o.step_s = 60;
    accepts_with(&o,
                 "{\"hash\":\"" H "\"," SENT
                 ",\"value\":\"0.00000000000000000151\",\"time\":2}",
                 "T eip155:1 " H "/0 b-1 t1600000120 " A " > " B
                 " 2 ETH/18 f1 v2.0000000000000001e-18 ''\n");
}

static void test_decoder_new__refused(void **state)
{
    (void)state;
    static const struct {
        wr_transfer_opts o;
        wr_status status;
        const char *words;
    } bad[] = {
        {{.format = "xls", .decimals = -1}, WR_EINVAL, "format 'xls' is unknown"},
        {{.map = "from", .decimals = -1}, WR_EINVAL, "'from' is not field=column"},
        {{.map = "from=a,b=c", .decimals = -1}, WR_EINVAL, "'b' is no field"},
        {{.chain = "nope", .decimals = -1}, WR_EPARSE, "nope"},
        {{.chain = "nope:1", .decimals = -1}, WR_ENOTFOUND, "nope"},
        {{.decimals = 37}, WR_EINVAL, "37"},
        {{.decimals = -1, .step_s = -1}, WR_EINVAL, "-1"},
        {{.asset = "0123456789012345678901234567890123456789012345678901234567890123x",
          .decimals = -1},
         WR_EINVAL,
         "longer than 64"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        wr_transfer_decoder *d = NULL;
        wr_err why = {0};
        assert_int_equal(wr_transfer_decoder_new(&d, &bad[i].o, &why), bad[i].status);
        if (!strstr(why.msg, bad[i].words))
            fail_msg("'%s' is not in '%s'", bad[i].words, why.msg);
        assert_null(d);
    }
}

/* --- both ways of reading agree --------------------------------------------------- */

static void random_value(wr_rng *rng, wr_buf *b)
{
    static const char *const value[] = {
        "\"" A "\"",
        "\"" B "\"",
        "\"" H "\"",
        "\"0x" H "\"",
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

/* --- request bodies --------------------------------------------------------------- */

static void expect_split(const char *body, uint32_t want, bool want_many,
                         const char *last)
{
    wr_text item[4];
    uint32_t count = 99;
    bool is_many = !want_many;
    assert_ok(
        wr_transfer_json_split(item, 4, &count, &is_many, body, strlen(body), &err));
    assert_int_equal(count, want);
    assert_int_equal(is_many, want_many);
    if (want) {
        assert_int_equal(item[want - 1].len, strlen(last));
        assert_memory_equal(item[want - 1].p, last, strlen(last));
    }
}

static void test_split__three_shapes(void **state)
{
    (void)state;
    expect_split(" {\"a\":[1,2]}\n", 1, false, "{\"a\":[1,2]}");
    expect_split("[]", 0, true, NULL);
    expect_split("[ ]", 0, true, NULL);
    expect_split("[{\"a\":\"],}\\\"\"},{\"b\":[[],{}]}]", 2, true, "{\"b\":[[],{}]}");
    expect_split("{ \"transactions\" : [{},1,{\"x\":2}] }", 3, true, "{\"x\":2}");
    expect_split("{\"transactions\":[]}", 0, true, NULL);
    expect_split("{\"from\":\"transactions\"}", 1, false, "{\"from\":\"transactions\"}");
}

static void split_refused(const char *body, size_t len, wr_status status,
                          const char *words)
{
    wr_text item[2];
    uint32_t count = 77;
    wr_err why = {0};
    assert_int_equal(wr_transfer_json_split(item, 2, &count, NULL, body, len, &why),
                     status);
    if (!strstr(why.msg, words))
        fail_msg("'%s' is not in '%s'", words, why.msg);
    assert_int_equal(count, 77);
}

static void test_split__refused(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        wr_status status;
        const char *words;
    } bad[] = {
        {"", WR_EPARSE, "expected"},
        {"5", WR_EPARSE, "expected"},
        {"[{}", WR_EPARSE, "does not end"},
        {"[{},]", WR_EPARSE, "is empty"},
        {"[,]", WR_EPARSE, "is empty"},
        {"[{\"a\":\"]", WR_EPARSE, "string does not end"},
        {"[{]", WR_EPARSE, "does not end"},
        {"[{\"a\":1", WR_EPARSE, "ends inside"},
        {"[{}]x", WR_EPARSE, "'x' behind the end"},
        {"{}{}", WR_EPARSE, "behind the end"},
        {"{\"transactions\":{}}", WR_EPARSE, "not a list"},
        {"{\"transactions\":[],\"a\":1}", WR_EPARSE, "beside"},
        {"[1,2,3]", WR_ELIMIT, "more than 2 records"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        split_refused(bad[i].body, strlen(bad[i].body), bad[i].status, bad[i].words);
    char deep[10000];
    memset(deep, '[', sizeof deep);
    split_refused(deep, sizeof deep, WR_ELIMIT, "deeper than 32");
}

/* --- memory ----------------------------------------------------------------------- */

static wr_status decode_once(const wr_transfer_decoder *d, const char *json, wr_err *err)
{
    wr_arena arena;
    wr_field_errors errors;
    wr_transfer_list list;
    wr_arena_init(&arena, 0);
    wr_status s =
        wr_transfer_json_decode(&list, d, json, strlen(json), &arena, &errors, err);
    wr_arena_release(&arena);
    return s;
}

static wr_status new_once(wr_err *err)
{
    WR_AUTO(wr_transfer_decoder) d = NULL;
    const wr_transfer_opts o = WR_TRANSFER_OPTS_INIT;
    return wr_transfer_decoder_new(&d, &o, err);
}

static void test_decode__out_of_memory(void **state)
{
    (void)state;
    WR_AUTO(wr_transfer_decoder) d = decoder_of(NULL);
    assert_oom_safe(new_once(&err));
    assert_oom_safe(decode_once(
        d, "{\"chain\":\"ETH\",\"time\":1700000000," SENT ",\"amount\":7}", &err));
    assert_oom_safe(
        decode_once(d,
                    UTXO "\"inputs\":[{\"address\":\"" W1 "\",\"value\":1}],\"outputs\":["
                         "{\"script\":\"0014751e76e8199196d454941c45d1b3a323f1433bd6\","
                         "\"value\":1}]}",
                    &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_decode__plain),
        wr_unit_test(test_decode__big_numbers_are_exact),
        wr_unit_test(test_decode__spellings),
        wr_unit_test(test_decode__time_by_size),
        wr_unit_test(test_decode__canonical_texts),
        wr_unit_test(test_decode__optional_fields),
        wr_unit_test(test_decode__token_address_and_symbol),
        wr_unit_test(test_decode__priced),
        wr_unit_test(test_decode__self_transfer),
        wr_unit_test(test_decode__contract_creation),
        wr_unit_test(test_decode__derived_hash),
        wr_unit_test(test_decode__derived_hash_is_pinned),
        wr_unit_test(test_decode__missing_and_null),
        wr_unit_test(test_decode__all_errors_of_a_record),
        wr_unit_test(test_decode__disagreeing_spellings),
        wr_unit_test(test_decode__agreeing_spellings),
        wr_unit_test(test_decode__wallets),
        wr_unit_test(test_decode__amounts),
        wr_unit_test(test_decode__times),
        wr_unit_test(test_decode__small_fields),
        wr_unit_test(test_decode__syntax),
        wr_unit_test(test_decode__limits),
        wr_unit_test(test_decode__utxo),
        wr_unit_test(test_decode__utxo_refused),
        wr_unit_test(test_decode__options),
        wr_unit_test(test_decoder_new__refused),
        wr_unit_test(test_json_record__flat_says_what_whole_says),
        wr_unit_test(test_split__three_shapes),
        wr_unit_test(test_split__refused),
        wr_unit_test(test_decode__out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
