#include "transfer_json_test.h"

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
        wr_unit_test(test_decode__syntax),
        wr_unit_test(test_decode__limits),
        wr_unit_test(test_split__three_shapes),
        wr_unit_test(test_split__refused),
        wr_unit_test(test_decode__out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
