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
            lower[k] = ch >= 'A' && ch <= 'Z' ? (char)(ch + 32) : ch;
            upper[k] = k > 1 && ch >= 'a' && ch <= 'z' ? (char)(ch - 32) : ch;
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
    accept("BTC", "3P14159f73E4gFr7JterCCQh9QjiTjiZrG", NULL); /* BIP-13's example form */
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
            upper[k] = ch >= 'a' && ch <= 'z' ? (char)(ch - 32) : ch;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_keccak256__known_answers),
        wr_unit_test(test_evm__eip55_vectors),
        wr_unit_test(test_evm__refuses),
        wr_unit_test(test_base58check__networks),
        wr_unit_test(test_segwit__vectors),
        wr_unit_test(test_cashaddr__specification_table),
    };
    return cmocka_run_group_tests_name("model.address", tests, NULL, NULL);
}
