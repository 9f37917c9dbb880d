/* What goes out as JSON comes back as the same transfers. */
#include "transfer_json_test.h"

#include "codec/transfer_out.h"

static const char *const chains[] = {"eip155:1", "eip155:137",  "BTC", "LTC",
                                     "TRX",      "opaque:bank", "SOL", "eip155:999"};

static wr_text text_in(wr_arena *arena, const char *s, size_t len)
{
    const wr_text t = wr_arena_text(arena, (wr_text){.p = s, .len = (uint32_t)len});
    assert_non_null(t.p);
    return t;
}

static wr_text hex_in(wr_arena *arena, wr_rng *r, const char *head, size_t digits)
{
    char s[100];
    size_t n = strlen(head);
    memcpy(s, head, n);
    for (size_t i = 0; i < digits; i++)
        s[n++] = "0123456789abcdef"[wr_rng_below(r, 16)];
    return text_in(arena, s, n);
}

/* Anything that a text may hold, and what JSON must escape above all. */
static wr_text odd_text(wr_arena *arena, wr_rng *r, size_t pieces, bool is_memo)
{
    static const char *const piece[] = {
        "\"",  "\\", "/", "a", "Z",  "0",    "{",  "\xc3\xa9", "\xf0\x9f\x98\x80",
        "tx:", "'",  ",", "]", "\t", "\x01", "\n", "\x7f"};
    const size_t kinds = is_memo ? 17 : 13; /* addresses hold no control characters */
    char s[4 * 64 + 3];
    size_t n = 0;
    s[n++] = 'x'; /* blanks at the ends are no part of a text */
    for (size_t i = 0; i < pieces; i++) {
        const char *p = piece[wr_rng_below(r, kinds)];
        memcpy(s + n, p, strlen(p));
        n += strlen(p);
    }
    s[n++] = 'y';
    return text_in(arena, s, n);
}

static wr_text wallet_in(wr_arena *arena, wr_rng *r, const wr_chain *chain)
{
    static const char *const btc[] = {W1, W2, "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"};
    static const char *const ltc[] = {"LaMT348PWRnrqeeWArpwQPbuanpXDZGEUz",
                                      "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9"};
    static const char *const trx[] = {"TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
                                      "TLa2f6VPqDgRE67v1736s7bJ8Ray5wYjU7"};
    static const char *const sol[] = {"So11111111111111111111111111111111111111112",
                                      "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"};
    const char *s = NULL;
    switch ((int)chain->address_kind) {
    case WR_ADDRESS_EVM:
        return hex_in(arena, r, "0x", 40);
    case WR_ADDRESS_OPAQUE:
        return odd_text(arena, r, 1 + wr_rng_below(r, 20), false);
    case WR_ADDRESS_TRON:
        s = trx[wr_rng_below(r, 2)];
        break;
    case WR_ADDRESS_SOLANA:
        s = sol[wr_rng_below(r, 2)];
        break;
    default:
        s = strcmp(chain->asset, "LTC") == 0 ? ltc[wr_rng_below(r, 2)]
                                             : btc[wr_rng_below(r, 3)];
    }
    return text_in(arena, s, strlen(s));
}

static wr_text hash_in(wr_arena *arena, wr_rng *r, const wr_chain *chain)
{
    if (chain->address_kind == WR_ADDRESS_OPAQUE)
        return odd_text(arena, r, wr_rng_below(r, 20), false);
    if (chain->address_kind == WR_ADDRESS_SOLANA || wr_rng_below(r, 8) == 0)
        return WR_TEXT_LIT("derived:"); /* left out: the reader derives it */
    return hex_in(arena, r, "", 64);
}

static wr_text asset_in(wr_arena *arena, wr_rng *r, const wr_chain *chain)
{
    switch (wr_rng_below(r, 4)) {
    case 0:
        return chain->address_kind == WR_ADDRESS_EVM ? hex_in(arena, r, "erc20:0x", 40)
                                                     : WR_TEXT_LIT("USD");
    case 1:
        return WR_TEXT_LIT("USD");
    case 2:
        return odd_text(arena, r, wr_rng_below(r, 12), false);
    default:
        return wr_text_of(chain->asset);
    }
}

static wr_transfer random_transfer(wr_arena *arena, wr_rng *r)
{
    wr_transfer t = {.block = -1};
    const char *name = chains[wr_rng_below(r, sizeof chains / sizeof *chains)];
    assert_ok(wr_chain_find(&t.chain, wr_text_of(name), &err));
    t.tx_hash = hash_in(arena, r, t.chain);
    t.position = (uint32_t)wr_rng_below(r, 2) ? (uint32_t)wr_rng_below(r, INT32_MAX) : 0;
    if (wr_rng_below(r, 2))
        t.block = (int64_t)(wr_rng_u64(r) >> (1 + wr_rng_below(r, 62)));
    t.time_s = WR_TIME_MIN_S + (int64_t)wr_rng_below(r, NOW_S - WR_TIME_MIN_S);
    t.from = wallet_in(arena, r, t.chain);
    t.to = wr_rng_below(r, 10) ? wallet_in(arena, r, t.chain) : t.from;
    t.asset = asset_in(arena, r, t.chain);
    t.amount_base =
        (((wr_amount)wr_rng_u64(r) << 64) | wr_rng_u64(r)) >> wr_rng_below(r, 128);
    t.decimals = (uint8_t)wr_rng_below(r, WR_DECIMALS_MAX + 1);
    t.value = wr_amount_value(t.amount_base, t.decimals);
    if (wr_rng_below(r, 3) == 0)
        t.value = wr_rng_unit(r) * (double)(wr_rng_u64(r) >> wr_rng_below(r, 64));
    else if (!wr_text_eq(t.asset, WR_TEXT_LIT("USD")))
        t.flags |= WR_TRANSFER_UNPRICED;
    if (wr_text_eq(t.from, t.to))
        t.flags |= WR_TRANSFER_SELF;
    if (wr_rng_below(r, 3) == 0)
        t.memo = odd_text(arena, r, wr_rng_below(r, 60), true);
    return t;
}

static void print_list(wr_buf *out, const wr_transfer *t, size_t n)
{
    wr_buf_clear(out);
    for (size_t i = 0; i < n; i++)
        print_transfer(out, &t[i]);
    assert_ok(wr_buf_status(out, "list", &err));
}

typedef struct trip {
    wr_transfer_decoder *d;
    wr_arena arena;
    wr_buf json, before, after;
} trip;

static void trip_init(trip *w)
{
    *w = (trip){.d = decoder_of(NULL)};
    wr_arena_init(&w->arena, 0);
    wr_buf_init(&w->json, PRINT_MAX);
    wr_buf_init(&w->before, PRINT_MAX);
    wr_buf_init(&w->after, PRINT_MAX);
}

static void trip_release(trip *w)
{
    wr_transfer_decoder_free(w->d);
    wr_arena_release(&w->arena);
    wr_buf_release(&w->json);
    wr_buf_release(&w->before);
    wr_buf_release(&w->after);
}

/* Out and in again. */
static wr_transfer_list there_and_back(trip *w, const wr_transfer *t, size_t n)
{
    wr_field_errors errors;
    wr_transfer_list list = {0};
    wr_err why = {0};
    wr_buf_clear(&w->json);
    assert_ok(wr_transfer_out_json(&w->json, t, n, &err));
    if (wr_transfer_json_decode(&list, w->d, w->json.p, w->json.len, &w->arena, &errors,
                                &why) != WR_OK)
        fail_msg("%s: %s", why.msg, w->json.p);
    return list;
}

static void test_json__random_transfers_come_back(void **state)
{
    (void)state;
    enum { ROUNDS = 20000 };
    wr_rng r = {.s = 4};
    trip w;
    uint64_t derived = 0;
    trip_init(&w);
    for (int i = 0; i < ROUNDS; i++) {
        wr_arena_reset(&w.arena);
        wr_transfer t = random_transfer(&w.arena, &r);
        const bool is_derived = wr_text_eq(t.tx_hash, WR_TEXT_LIT("derived:"));
        wr_transfer_list list = there_and_back(&w, &t, 1);
        if (is_derived) { /* now it has the hash a file reader would have given it */
            t = list.item[0];
            assert_int_equal(t.tx_hash.len, 40);
            list = there_and_back(&w, &t, 1);
            derived++;
        }
        print_list(&w.before, &t, 1);
        print_list(&w.after, list.item, list.count);
        assert_string_equal(wr_buf_cstr(&w.after), wr_buf_cstr(&w.before));
        assert_null(memchr(w.json.p, '\n', w.json.len));
    }
    assert_in_range(derived, 1000, ROUNDS);
    trip_release(&w);
}

/* A transaction as strangers write one: entries without a wallet, memo, block. */
static void random_utxo(wr_buf *out, wr_rng *r)
{
    const uint64_t inputs = wr_rng_below(r, 5);
    const uint64_t outputs = 1 + wr_rng_below(r, 6);
    wr_buf_clear(out);
    wr_buf_adds(out, UTXO);
    if (wr_rng_below(r, 2))
        wr_buf_adds(out, "\"block\":800000,\"memo\":\"a \\\"b\\\"\",");
    wr_buf_adds(out, "\"inputs\":[");
    for (uint64_t i = 0; i < inputs; i++)
        wr_buf_addf(out, "%s{\"address\":\"%s\",\"value\":%llu.5}", i ? "," : "",
                    wr_rng_below(r, 2) ? W1 : W2,
                    (unsigned long long)wr_rng_below(r, 9) + 100);
    wr_buf_adds(out, "],\"outputs\":[{\"address\":\"" W1 "\",\"value\":1}");
    for (uint64_t i = 1; i < outputs; i++) {
        const uint64_t kind = wr_rng_below(r, 6);
        if (kind < 2)
            wr_buf_adds(out, ",{\"script\":\"6a026869\",\"value\":0}");
        else if (kind == 2) /* a script that has no address */
            wr_buf_addf(out, ",{\"script\":\"5187%02x\",\"amount\":7}",
                        (unsigned)wr_rng_below(r, 256));
        else
            wr_buf_addf(out, ",{\"address\":\"%s\",\"amount\":%llu}",
                        wr_rng_below(r, 2) ? W1 : W2,
                        (unsigned long long)wr_rng_below(r, 1000));
    }
    wr_buf_adds(out, "]}");
}

static void test_json__utxo_transactions_come_back_whole(void **state)
{
    (void)state;
    wr_rng r = {.s = 5};
    trip w;
    wr_buf given;
    trip_init(&w);
    wr_buf_init(&given, PRINT_MAX);
    for (int i = 0; i < 3000; i++) {
        wr_field_errors errors;
        wr_transfer_list first;
        wr_arena_reset(&w.arena);
        random_utxo(&given, &r);
        assert_ok(wr_transfer_json_decode(&first, w.d, given.p, given.len, &w.arena,
                                          &errors, &err));
        assert_int_equal(wr_transfer_out_group(first.item, first.count), first.count);
        const wr_transfer_list list = there_and_back(&w, first.item, first.count);
        print_list(&w.before, first.item, first.count);
        print_list(&w.after, list.item, list.count);
        assert_string_equal(wr_buf_cstr(&w.after), wr_buf_cstr(&w.before));
    }
    wr_buf_release(&given);
    trip_release(&w);
}

static void test_json__known_bytes(void **state)
{
    (void)state;
    trip w;
    wr_transfer t = {.block = 7, .time_s = 1700000000, .position = 3, .decimals = 18};
    trip_init(&w);
    assert_ok(wr_chain_find(&t.chain, WR_TEXT_LIT("ETH"), &err));
    t.tx_hash = WR_TEXT_LIT(H);
    t.from = WR_TEXT_LIT(A);
    t.to = WR_TEXT_LIT(B);
    t.asset = WR_TEXT_LIT("ETH");
    t.amount_base = ~(wr_amount)0;
    t.value = 3.25;
    t.memo = WR_TEXT_LIT("rent");
    assert_ok(wr_transfer_out_json(&w.json, &t, 1, &err));
    assert_string_equal(
        wr_buf_cstr(&w.json),
        "{\"chain\":\"eip155:1\",\"tx_hash\":\"" H "\",\"position\":3,\"block\":7,"
        "\"from\":\"" A "\",\"to\":\"" B "\",\"asset\":\"ETH\",\"amount\":"
        "\"340282366920938463463374607431768211455\",\"decimals\":18,"
        "\"time\":1700000000,\"value_usd\":3.25,\"memo\":\"rent\"}");
    trip_release(&w);
}

static wr_transfer_list decode_utxo(trip *w, const char *json)
{
    wr_field_errors errors;
    wr_transfer_list list = {0};
    assert_ok(wr_transfer_json_decode(&list, w->d, json, strlen(json), &w->arena, &errors,
                                      &err));
    return list;
}

#define TWO_AND_TWO                                                            \
    UTXO "\"inputs\":[{\"address\":\"" W1 "\",\"value\":2},{\"address\":\"" W2 \
         "\",\"value\":1}],\"outputs\":[{\"address\":\"" W1                    \
         "\",\"value\":1},{\"address\":\"" W2 "\",\"value\":1}]}"

/* The same transaction twice in a row is two groups. */
static void test_group__ends_where_positions_begin_again(void **state)
{
    (void)state;
    trip w;
    wr_transfer twice[9];
    trip_init(&w);
    const wr_transfer_list list = decode_utxo(&w, TWO_AND_TWO);
    assert_int_equal(list.count, 4);
    memcpy(twice, list.item, 4 * sizeof *twice);
    memcpy(twice + 4, list.item, 4 * sizeof *twice);
    twice[8] = (wr_transfer){.chain = twice[0].chain};
    assert_int_equal(wr_transfer_out_group(twice, 9), 4);
    assert_int_equal(wr_transfer_out_group(twice + 4, 5), 4);
    assert_int_equal(wr_transfer_out_group(twice + 8, 1), 1);
    trip_release(&w);
}

static void test_key__is_the_sender_or_the_hub(void **state)
{
    (void)state;
    trip w;
    char key[WR_TRANSFER_KEY_MAX];
    trip_init(&w);
    const wr_transfer_list list = decode_utxo(&w, TWO_AND_TWO);
    for (uint32_t i = 0; i < list.count; i++) {
        const size_t len = wr_transfer_out_key(key, &list.item[i]);
        assert_int_equal(len, strlen(key));
        assert_string_equal(key, "bip122:000000000019d6689c085ae165831e93:tx:" H);
    }
    wr_transfer t = {.chain = list.item[0].chain, .from = WR_TEXT_LIT(W1)};
    t.to = WR_TEXT_LIT(W2);
    (void)wr_transfer_out_key(key, &t);
    assert_string_equal(key, "bip122:000000000019d6689c085ae165831e93:" W1);
    trip_release(&w);
}

static void refused(trip *w, const wr_transfer *t, size_t n, wr_status status,
                    const char *words)
{
    wr_err why = {0};
    wr_buf_clear(&w->json);
    assert_int_equal(wr_transfer_out_json(&w->json, t, n, &why), status);
    if (!strstr(why.msg, words))
        fail_msg("'%s' is not in '%s'", words, why.msg);
}

static void test_json__what_no_message_can_say(void **state)
{
    (void)state;
    trip w;
    trip_init(&w);
    wr_transfer_list list = decode_utxo(&w, TWO_AND_TWO);
    refused(&w, list.item + 1, 3, WR_EINVAL, "input 0 of its inputs is not there");
    list.item[3].position = 2000000000;
    refused(&w, list.item, 4, WR_ELIMIT, "over 1048576 bytes as one message");
    list.item[0].asset = WR_TEXT_LIT("USD");
    refused(&w, list.item, 2, WR_EINVAL, "asset 'USD' with 8 decimals is not bip122:");
    trip_release(&w);
}

static wr_status encode(wr_err *err)
{
    const wr_chain *chain = NULL;
    wr_buf b;
    wr_buf_init(&b, 1000);
    WR_TRY(wr_chain_find(&chain, WR_TEXT_LIT("ETH"), err));
    const wr_transfer t = {.chain = chain,
                           .tx_hash = WR_TEXT_LIT(H),
                           .from = WR_TEXT_LIT(A),
                           .to = WR_TEXT_LIT(B),
                           .asset = WR_TEXT_LIT("ETH")};
    const wr_status s = wr_transfer_out_json(&b, &t, 1, err);
    wr_buf_release(&b);
    return s;
}

static void test_json__oom(void **state)
{
    (void)state;
    assert_oom_safe(encode(&err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_json__random_transfers_come_back),
        wr_unit_test(test_json__utxo_transactions_come_back_whole),
        wr_unit_test(test_json__known_bytes),
        wr_unit_test(test_group__ends_where_positions_begin_again),
        wr_unit_test(test_key__is_the_sender_or_the_hub),
        wr_unit_test(test_json__what_no_message_can_say),
        wr_unit_test(test_json__oom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
