#include "wr_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/address.h"

static const wr_chain *chain(const char *name)
{
    const wr_chain *c = NULL;
    assert_ok(wr_chain_find(&c, wr_text_of(name), &err));
    return c;
}

/* in on chain gives want; NULL = itself. */
static void accept(const char *on, const char *in, const char *want)
{
    char out[WR_ADDRESS_MAX + 1];
    size_t len = 0;
    const wr_chain *c = chain(on);
    wr_err why = {0};
    if (wr_address_canonical(out, &len, c, wr_text_of(in), &why) != WR_OK)
        fail_msg("%s: %s", in, why.msg);
    assert_string_equal(out, want ? want : in);
    assert_int_equal(len, strlen(out));
    char again[WR_ADDRESS_MAX + 1];
    assert_ok(wr_address_canonical(again, NULL, c, wr_text_of(out), &err));
    assert_string_equal(again, out);
}

static void refuse_text(const char *on, wr_text in, const char *part)
{
    char out[WR_ADDRESS_MAX + 1] = "untouched";
    size_t len = 7;
    wr_err why = {0};
    wr_status s = wr_address_canonical(out, &len, chain(on), in, &why);
    if (s != WR_EPARSE || !strstr(why.msg, part))
        fail_msg("%.*s: %s '%s'", WR_TEXT_ARG(in), wr_status_name(s), why.msg);
    assert_string_equal(out, "untouched");
    assert_int_equal(len, 7);
}

static void refuse(const char *on, const char *in, const char *part)
{
    refuse_text(on, wr_text_of(in), part);
}

static void to_hex(char *out, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", p[i]);
}

static void check_keccak(const char *text, size_t len, const char *want)
{
    uint8_t sum[32];
    char hex[65];
    wr_keccak256(sum, text, len);
    to_hex(hex, sum, sizeof sum);
    assert_string_equal(hex, want);
}

static void test_keccak256__known_answers(void **state)
{
    (void)state;
    check_keccak("", 0,
                 "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    check_keccak("abc", 3,
                 "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
    /* ERC-20's Transfer event: its topic is on every token transfer of Ethereum. */
    const char *event = "Transfer(address,address,uint256)";
    check_keccak(event, strlen(event),
                 "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");
}

static void test_evm__eip55_vectors(void **state)
{
    (void)state;
    static const char *const mixed[] = {
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    };
    for (size_t i = 0; i < sizeof mixed / sizeof *mixed; i++) {
        char lower[64];
        char upper[64];
        for (size_t k = 0; k <= strlen(mixed[i]); k++) {
            char ch = mixed[i][k];
            lower[k] = (char)(ch >= 'A' && ch <= 'Z' ? ch + 32 : ch);
            upper[k] = (char)(k > 1 && ch >= 'a' && ch <= 'z' ? ch - 32 : ch);
        }
        accept("ETH", mixed[i], lower);
        accept("eip155:137", upper, lower);
        accept("eip155:999999", lower, lower);
    }
    accept("ETH", "0x52908400098527886E0F7030069857D2E4169EE7",
           "0x52908400098527886e0f7030069857d2e4169ee7");
    accept("ETH", "0xde709f2102306220921060314715629080e2fb77", NULL);
    accept("ETH", "0x0000000000000000000000000000000000000000", NULL);
}

static void test_evm__refuses(void **state)
{
    (void)state;
    refuse("ETH", "", "address is empty");
    refuse("ETH", "5aaeb6053f3e94c9b9a09f33669435e7ef1beaed", "does not begin with 0x");
    refuse("ETH", "0x", "wrong length");
    refuse("ETH", "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beae", "wrong length");
    refuse("ETH", "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed0", "wrong length");
    refuse("ETH", "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaeg", "alphabet");
    refuse("ETH", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1Beaed", "EIP-55");
    refuse("ETH", " 0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
           "does not begin with 0x");
    wr_err why = {0};
    char out[WR_ADDRESS_MAX + 1];
    assert_int_equal(
        wr_address_canonical(out, NULL, chain("ETH"), WR_TEXT_LIT("0xyz"), &why),
        WR_EPARSE);
    assert_string_equal(why.msg, "address '0xyz' on eip155:1: wrong length");
}

static void test_base58check__networks(void **state)
{
    (void)state;
    accept("BTC", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", NULL); /* genesis block */
    accept("BTC", "3P14159f73E4gFr7JterCCQh9QjiTjiZrG", NULL); /* BIP-13 */
    accept("BTC", "1111111111111111111114oLvT2", NULL);        /* hash of zeros */
    accept("TRX", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", NULL); /* USDT contract */
    refuse("LTC", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "another network");
    refuse("TRX", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "another network");
    refuse("BTC", "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", "another network"); /* testnet */
    refuse("BTC", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "checksum");
    refuse("BTC", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfN", "checksum");
    refuse("BTC", "1A1zP1eP5QGefi2DMPTfTL5SLmv7Div0Na", "alphabet");
    refuse("BTC", "1", "wrong length");
    refuse("BTC", "", "address is empty");
    accept("bip122:0123456789abcdef0123456789abcdef",
           "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", NULL);
}

/* BIP-173 and BIP-350: those of prefix bc. */
static void test_segwit__vectors(void **state)
{
    (void)state;
    accept("BTC", "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
           "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4");
    accept("BTC",
           "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y",
           NULL);
    accept("BTC", "BC1SW50QGDZ25J", "bc1sw50qgdz25j");
    accept("BTC", "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs", NULL);
    accept("BTC", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", NULL);
    refuse("BTC", "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",
           "another network");
    refuse("LTC", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "another network");
    refuse("BTC", "tc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq5zuyut",
           "alphabet");
    refuse("BTC", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
           "checksum");
    refuse("BTC", "BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL",
           "checksum");
    refuse("BTC", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh", "checksum");
    refuse("BTC", "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4",
           "alphabet");
    refuse("BTC", "BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R",
           "unknown version");
    refuse("BTC", "bc1pw5dgrnzv", "length of its hash");
    refuse("BTC",
           "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav",
           "length of its hash");
    refuse("BTC", "BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P", "length of its hash");
    refuse("BTC", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf",
           "padding");
    refuse("BTC", "bc1gmk9yu", "wrong length");
    refuse("BTC", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kV8f3t4", "case");
}

static void test_cashaddr__specification_table(void **state)
{
    (void)state;
    static const char *const row[][2] = {
        {"1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu",
         "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a"},
        {"1KXrWXciRDZUpQwQmuM1DbwsKDLYAYsVLR",
         "bitcoincash:qr95sy3j9xwd2ap32xkykttr4cvcu7as4y0qverfuy"},
        {"16w1D5WRVKJuZUsSRzdLp9w3YGcgoxDXb",
         "bitcoincash:qqq3728yw0y47sqn6l2na30mcw6zm78dzqre909m2r"},
        {"3CWFddi6m4ndiGyKqzYvsFYagqDLPVMTzC",
         "bitcoincash:ppm2qsznhks23z7629mms6s4cwef74vcwvn0h829pq"},
        {"3LDsS579y7sruadqu11beEJoTjdFiFCdX4",
         "bitcoincash:pr95sy3j9xwd2ap32xkykttr4cvcu7as4yc93ky28e"},
        {"31nwvkZwyPdgzjBJZXfDmSWsC4ZLKpYyUw",
         "bitcoincash:pqq3728yw0y47sqn6l2na30mcw6zm78dzq5ucqzc37"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        accept("BCH", row[i][0], NULL);
        accept("BCH", row[i][1], row[i][0]);
        accept("BCH", strchr(row[i][1], ':') + 1, row[i][0]);
        char upper[64] = {0};
        for (size_t k = 0; row[i][1][k]; k++) {
            char ch = row[i][1][k];
            upper[k] = (char)(ch >= 'a' && ch <= 'z' ? ch - 32 : ch);
        }
        accept("BCH", upper, row[i][0]);
    }
    refuse("BCH", "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6b", "alphabet");
    refuse("BCH", "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6q", "checksum");
    refuse("BCH", "bitcoincash:Qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a", "case");
    refuse("BCH", "bchtest:pr6m7j9njldwwzlg9v7v53unlr4jkmx6eyvwc0uz5t",
           "another network");
    refuse("BCH", "pref:pr6m7j9njldwwzlg9v7v53unlr4jkmx6ey65nvtks5", "alphabet");
    refuse("BCH", "bitcoincash:q9adhakpwzztepkpwp5z0dq62m6u5v5xtyj7j3h2ws4mr9g0",
           "length of its hash");
    refuse("BCH",
           "bitcoincash:qvch8mmxy0rtfrlarg7ucrxxfzds5pamg73h7370aa87d80gyhqxq5nlegake",
           "length of its hash");
    refuse("BCH", "bitcoincash:qpzry9x8gf2tvdw0s3jn54khce6mua7lcw20ayyn", "");
    refuse("BCH", "bitcoincash:", "");
}

/* The classes of hex characters are read eight at a time: every byte at every place. */
static void test_evm__every_byte_at_every_place(void **state)
{
    (void)state;
    const wr_chain *c = chain("ETH");
    char text[] = "0x0123456789abcdef0123456789abcdef01234567";
    for (size_t at = 2; at < sizeof text - 1; at++)
        for (int byte = 0; byte < 256; byte++) {
            char kept = text[at];
            char out[WR_ADDRESS_MAX + 1];
            text[at] = (char)byte;
            wr_status s = wr_address_canonical(
                out, NULL, c, (wr_text){.p = text, .len = sizeof text - 1}, NULL);
            bool is_hex = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
            bool is_upper = byte >= 'A' && byte <= 'F'; /* then EIP-55 has the word */
            if (!is_upper)
                assert_int_equal(s, is_hex ? WR_OK : WR_EPARSE);
            if (s == WR_OK)
                assert_int_equal(out[at], is_upper ? byte + 32 : byte);
            text[at] = kept;
        }
}

/*
 * EIP-55 keeps about one bit per letter: a changed case is always seen, a changed
 * character nearly always (the EIP gives 0.0247 % on average).
 */
static void test_evm__typos_in_mixed_case(void **state)
{
    (void)state;
    const wr_chain *c = chain("ETH");
    char text[] = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
    static const char hex[] = "0123456789abcdefABCDEF";
    int passed = 0;
    for (size_t at = 2; at < sizeof text - 1; at++)
        for (const char *h = hex; *h; h++) {
            char kept = text[at];
            char out[WR_ADDRESS_MAX + 1];
            if (*h == kept)
                continue;
            text[at] = *h;
            bool is_case_only = kept >= 'A' && (*h | 0x20) == (kept | 0x20);
            wr_status s = wr_address_canonical(out, NULL, c, wr_text_of(text), NULL);
            if (is_case_only)
                assert_int_equal(s, WR_EPARSE);
            passed += s == WR_OK;
            text[at] = kept;
        }
    assert_true(passed <= 3); /* of 840 */
}

static void test_solana__base58_of_32_bytes(void **state)
{
    (void)state;
    accept("SOL", "11111111111111111111111111111111", NULL); /* system program */
    accept("SOL", "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA", NULL);
    accept("SOL", "So11111111111111111111111111111111111111112", NULL);
    refuse("SOL", "1111111111111111111111111111111", "wrong length");
    refuse("SOL", "111111111111111111111111111111111", "wrong length");
    refuse("SOL", "So1111111111111111111111111111111111111111l", "alphabet");
    refuse("SOL", "", "address is empty");
}

static void test_plain__alphabet_and_length(void **state)
{
    (void)state;
    accept("XRP", "rrrrrrrrrrrrrrrrrrrrrhoLvTp", NULL);
    accept("XRP", "a", NULL);
    accept("hedera", "0.0.123", NULL);
    char longest[WR_ADDRESS_MAX + 2];
    memset(longest, 'a', sizeof longest);
    longest[WR_ADDRESS_MAX] = '\0';
    accept("ADA", longest, NULL);
    longest[WR_ADDRESS_MAX] = 'a';
    longest[WR_ADDRESS_MAX + 1] = '\0';
    refuse("ADA", longest, "wrong length");
    refuse("XMR", "", "address is empty");
    refuse("XMR", "a b", "alphabet");
    refuse("XMR", "tx:00", "alphabet");
    refuse("XMR", "caf\xC3\xA9", "alphabet");
}

static void test_opaque__printable_text(void **state)
{
    (void)state;
    accept("opaque:bank", "C", NULL);
    accept("opaque:bank", "10:8000EBD30", NULL);
    accept("opaque:bank", "a b  c", NULL);
    accept("opaque:bank", "caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80", NULL);
    accept("opaque:bank", "tx", NULL);
    char longest[WR_ADDRESS_MAX + 2];
    memset(longest, 'a', sizeof longest);
    longest[WR_ADDRESS_MAX] = '\0';
    accept("opaque:bank", longest, NULL);
    longest[WR_ADDRESS_MAX] = 'a';
    longest[WR_ADDRESS_MAX + 1] = '\0';
    refuse("opaque:bank", longest, "wrong length");
    refuse("opaque:bank", "", "address is empty");
    refuse_text("opaque:bank", (wr_text){0}, "address is empty");
    refuse("opaque:bank", " a", "a blank at an end");
    refuse("opaque:bank", "a ", "a blank at an end");
    refuse("opaque:bank", "a\tb", "a control character");
    refuse_text("opaque:bank", WR_TEXT_LIT("a\0b"), "a control character");
    refuse("opaque:bank", "a\x7f", "a control character");
    refuse("opaque:bank", "a\xC2\x85", "a control character");
    refuse("opaque:bank", "a\xE2\x80\xA8z", "a control character");
    accept("opaque:bank", "a\xE2\x80\xA7z", NULL); /* the neighbour, a dot */
    refuse("opaque:bank", "a\xC3", "invalid UTF-8");
    refuse("opaque:bank", "\xED\xA0\x80", "invalid UTF-8");
    refuse("opaque:bank", "tx:1", "kept for transactions");
}

static void check_caip10(const char *in, const char *chain_id, const char *address)
{
    const wr_chain *c = NULL;
    char out[WR_ADDRESS_MAX + 1];
    size_t len = 0;
    assert_ok(wr_address_parse_caip10(&c, out, &len, wr_text_of(in), &err));
    assert_string_equal(c->id, chain_id);
    assert_string_equal(out, address);
    assert_int_equal(len, strlen(address));
    char id[WR_CAIP10_MAX + 1], again[WR_ADDRESS_MAX + 1];
    wr_address_caip10(id, c, wr_text_of(out));
    assert_memory_equal(id, chain_id, strlen(chain_id));
    assert_ok(wr_address_parse_caip10(&c, again, NULL, wr_text_of(id), &err));
    assert_string_equal(again, address);
}

static void test_caip10__splits_at_the_second_colon(void **state)
{
    (void)state;
    check_caip10("eip155:1:0xDE709F2102306220921060314715629080E2FB77", "eip155:1",
                 "0xde709f2102306220921060314715629080e2fb77");
    check_caip10("bip122:000000000000000000651ef99cb9fcbe:bitcoincash:"
                 "qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a",
                 "bip122:000000000000000000651ef99cb9fcbe",
                 "1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu");
    check_caip10("opaque:bank:10:8000EBD30", "opaque:bank", "10:8000EBD30");
    const wr_chain *c = NULL;
    char out[WR_ADDRESS_MAX + 1];
    static const char *const parse[] = {"",         "eip155",       "eip155:1",
                                        "ETH:0x00", "eip155:1:",    "eip155:1:0x00",
                                        "::",       "EIP155:1:0x00"};
    for (size_t i = 0; i < sizeof parse / sizeof *parse; i++)
        assert_err(WR_EPARSE,
                   wr_address_parse_caip10(&c, out, NULL, wr_text_of(parse[i]), &err));
    assert_err(WR_ENOTFOUND,
               wr_address_parse_caip10(&c, out, NULL, WR_TEXT_LIT("nope1:x:a"), &err));
    wr_err why = {0};
    assert_int_equal(
        wr_address_parse_caip10(&c, out, NULL, WR_TEXT_LIT("eip155:1"), &why), WR_EPARSE);
    assert_string_equal(why.msg, "'eip155:1' is not namespace:reference:address");
    assert_null(c);
}

static void test_hub__never_an_address(void **state)
{
    (void)state;
    char hub[WR_ADDRESS_MAX + 1];
    char hash[65];
    memset(hash, 'a', 64);
    hash[64] = '\0';
    wr_address_hub(hub, wr_text_of(hash));
    assert_memory_equal(hub, "tx:", 3);
    assert_string_equal(hub + 3, hash);
    assert_true(wr_address_is_hub(wr_text_of(hub)));
    assert_false(wr_address_is_hub(WR_TEXT_LIT("tx:")));
    assert_false(wr_address_is_hub(WR_TEXT_LIT("tx")));
    assert_false(wr_address_is_hub((wr_text){0}));
    assert_false(wr_address_is_hub(WR_TEXT_LIT("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa")));
    static const char *const all[] = {"BTC", "LTC",  "BCH", "BSV",        "DASH",
                                      "ZEC", "DOGE", "ETH", "BTG",        "XVG",
                                      "TRX", "SOL",  "XRP", "opaque:bank"};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        refuse(all[i], hub, "");
}

static void check_hash(const char *on, const char *in, const char *want)
{
    char out[WR_TX_HASH_MAX + 1];
    size_t len = 0;
    assert_ok(wr_tx_hash_canonical(out, &len, chain(on), wr_text_of(in), &err));
    assert_string_equal(out, want);
    assert_int_equal(len, strlen(want));
    assert_ok(wr_tx_hash_canonical(out, NULL, chain(on), wr_text_of(want), &err));
    assert_string_equal(out, want);
}

static void refuse_hash(const char *on, const char *in, const char *part)
{
    char out[WR_TX_HASH_MAX + 1];
    wr_err why = {0};
    assert_int_equal(wr_tx_hash_canonical(out, NULL, chain(on), wr_text_of(in), &why),
                     WR_EPARSE);
    assert_non_null(strstr(why.msg, part));
}

static void test_tx_hash__per_kind(void **state)
{
    (void)state;
    const char *lower =
        "5c504ed432cb51138bcf09aa5e8a410dd4a1e204ef84bfed1be16dfba1b22060";
    const char *mixed =
        "0x5C504ed432cb51138bcf09aa5e8a410dd4a1e204ef84bfed1be16dfba1b2206"
        "0";
    check_hash("ETH", mixed, lower);
    check_hash("ETH", lower, lower);
    check_hash("BTC", lower, lower);
    check_hash("BCH", lower, lower);
    check_hash("TRX", mixed, lower);
    check_hash("opaque:bank", "payment 7/\xC3\xA9", "payment 7/\xC3\xA9");
    check_hash("XRP", "E3FE6EA3D48F0C2B639448020EA4F03D4F4F8FFDB243A852A0F59177921B4879",
               "E3FE6EA3D48F0C2B639448020EA4F03D4F4F8FFDB243A852A0F59177921B4879");
    char signature[WR_TX_HASH_MAX + 2];
    memset(signature, '1', 64);
    signature[64] = '\0';
    check_hash("SOL", signature, signature);
    signature[63] = '\0';
    refuse_hash("SOL", signature, "wrong length");
    refuse_hash("SOL", "0", "alphabet");
    refuse_hash("ETH", "", "transaction hash is empty");
    refuse_hash("ETH", "0x", "wrong length");
    refuse_hash("ETH", lower + 1, "wrong length");
    refuse_hash("ETH",
                "0x5c504ed432cb51138bcf09aa5e8a410dd4a1e204ef84bfed1be16dfba1b2206g",
                "alphabet");
    refuse_hash("opaque:bank", "", "transaction hash is empty");
    refuse_hash("opaque:bank", "a\n", "a control character");
    memset(signature, 'a', WR_TX_HASH_MAX + 1);
    signature[WR_TX_HASH_MAX + 1] = '\0';
    refuse_hash("opaque:bank", signature, "wrong length");
    signature[WR_TX_HASH_MAX] = '\0';
    check_hash("opaque:bank", signature, signature);
}

static uint64_t look(const char *on, const char *address)
{
    return wr_address_look(chain(on), wr_text_of(address));
}

static uint64_t packed(const char *eight)
{
    uint64_t x = 0;
    for (int i = 0; i < 8; i++)
        x = x << 8 | (uint8_t)eight[i];
    return x;
}

static void test_look__ends_behind_the_shared_prefix(void **state)
{
    (void)state;
    static const struct {
        const char *chain, *address, *eight;
    } some[] = {
        {"ETH", "0x1234567890abcdef1234567890abcdef12345678", "12345678"},
        {"ETH", "0x1234ffffffffffffffffffffffffffffffff5678", "12345678"},
        {"BTC", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "A1zPvfNa"},
        {"BTC", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "w508f3t4"},
        {"BTC", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", "J98tWNLy"},
        {"SOL", "4fYNw3dojWmQ4dXtSGE9epjRGy9pFSx62YypT7avPYvA", "4fYNPYvA"},
        {"opaque:bank", "abcd-other-wxyz", "abcdwxyz"},
    };
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        if (look(some[i].chain, some[i].address) != packed(some[i].eight))
            fail_msg("%s does not look like %s", some[i].address, some[i].eight);
    }
    char hub[WR_ADDRESS_MAX + 1];
    wr_address_hub(hub, WR_TEXT_LIT("4a5e1e4baab89f3a32518a88c31bc87f"));
    assert_int_equal(look("BTC", hub), 0);
    assert_int_equal(look("opaque:bank", "1234567"), 0);
    assert_int_not_equal(look("opaque:bank", "12345678"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_keccak256__known_answers),
        wr_unit_test(test_evm__eip55_vectors),
        wr_unit_test(test_evm__refuses),
        wr_unit_test(test_base58check__networks),
        wr_unit_test(test_segwit__vectors),
        wr_unit_test(test_cashaddr__specification_table),
        wr_unit_test(test_evm__every_byte_at_every_place),
        wr_unit_test(test_evm__typos_in_mixed_case),
        wr_unit_test(test_solana__base58_of_32_bytes),
        wr_unit_test(test_plain__alphabet_and_length),
        wr_unit_test(test_opaque__printable_text),
        wr_unit_test(test_caip10__splits_at_the_second_colon),
        wr_unit_test(test_hub__never_an_address),
        wr_unit_test(test_tx_hash__per_kind),
        wr_unit_test(test_look__ends_behind_the_shared_prefix),
    };
    return cmocka_run_group_tests_name("model.address", tests, NULL, NULL);
}
