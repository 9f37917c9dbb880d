#include "wr_test.h"

#include <stdio.h>
#include <stdlib.h>

#include "model/script.h"

static const wr_chain *chain_of(const char *id)
{
    const wr_chain *chain = NULL;
    assert_ok(wr_chain_find(&chain, wr_text_of(id), &err));
    return chain;
}

static size_t bytes_of(uint8_t *to, const char *hex)
{
    size_t n = 0;
    for (; hex[2 * n]; n++) {
        const char byte[3] = {hex[2 * n], hex[2 * n + 1], '\0'};
        char *end;
        to[n] = (uint8_t)strtoul(byte, &end, 16);
        assert_true(end == byte + 2);
    }
    return n;
}

static void expect(const char *chain, const char *hex, wr_script_kind kind,
                   const char *want)
{
    uint8_t script[200];
    char out[WR_ADDRESS_MAX + 1];
    wr_script_kind got;
    const size_t len = bytes_of(script, hex);
    assert_ok(wr_script_address(out, &got, chain_of(chain), script, len, &err));
    assert_int_equal(got, kind);
    assert_string_equal(out, want);
}

/* Genesis coinbase key hash, the wiki's P2SH example, BIP-173 and BIP-350 vectors. */
static void test_script_address__published_vectors(void **state)
{
    (void)state;
    expect("BTC", "76a91462e907b15cbf27d5425399ebf6f0fb50ebb88f1888ac", WR_SCRIPT_ADDRESS,
           "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa");
    expect("BTC", "a914f815b036d9bbbce5e9f2a00abd1bf3dc91e9551087", WR_SCRIPT_ADDRESS,
           "3QJmV3qfvL9SuYo34YihAf3sRCW3qSinyC");
    expect("BTC", "0014751e76e8199196d454941c45d1b3a323f1433bd6", WR_SCRIPT_ADDRESS,
           "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4");
    expect("BTC", "512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
           WR_SCRIPT_ADDRESS,
           "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0");
    expect("BTC", "6002751e", WR_SCRIPT_ADDRESS, "bc1sw50qgdz25j");
}

static void test_script_address__others(void **state)
{
    (void)state;
    expect("BTC", "6a0568656c6c6f", WR_SCRIPT_DATA, "");
    /* by sha256sum: nothing, and a witness program one byte short */
    expect("BTC", "", WR_SCRIPT_HASH,
           "script:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect("BTC", "0014751e76e8199196d454941c45d1b3a323f1433b", WR_SCRIPT_HASH,
           "script:2368e9415114088f9c912f5ab69bd68c0995b884d155d66ee6d22e5b896674d0");
}

/* What is encoded, the decoder of address.c takes back unchanged. */
static void test_script_is_hash(void **state)
{
    (void)state;
#define HASH64 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert_true(wr_script_is_hash(chain_of("BTC"), WR_TEXT_LIT("script:" HASH64)));
    assert_true(wr_script_is_hash(chain_of("BCH"), WR_TEXT_LIT("script:" HASH64)));
    assert_false(wr_script_is_hash(chain_of("ETH"), WR_TEXT_LIT("script:" HASH64)));
    assert_false(wr_script_is_hash(chain_of("BTC"), WR_TEXT_LIT("Script:" HASH64)));
    assert_false(wr_script_is_hash(chain_of("BTC"), WR_TEXT_LIT("script:" HASH64 "0")));
    assert_false(wr_script_is_hash(chain_of("BTC"), WR_TEXT_LIT(HASH64 "script:")));
    assert_false(wr_script_is_hash(
        chain_of("BTC"),
        WR_TEXT_LIT("script:E3B0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b785"
                    "2b855")));
    assert_false(wr_script_is_hash(chain_of("BTC"), (wr_text){0}));
#undef HASH64
}

static void test_script_address__decoder_agrees(void **state)
{
    (void)state;
    static const char *const id[] = {"BTC", "LTC", "DOGE", "BCH", "ZEC", "BTG", "DASH"};
    wr_rng rng = {.s = 11};
    for (int round = 0; round < 2000; round++) {
        const wr_chain *chain = chain_of(id[wr_rng_below(&rng, 7)]);
        uint8_t script[42] = {0};
        char out[WR_ADDRESS_MAX + 1];
        char again[WR_ADDRESS_MAX + 1];
        size_t len = 0;
        for (size_t i = 0; i < sizeof script; i++)
            script[i] = (uint8_t)wr_rng_u64(&rng);
        switch (wr_rng_below(&rng, 4)) {
        case 0:
            memcpy(script, "\x76\xa9\x14", 3);
            memcpy(script + 23, "\x88\xac", 2);
            len = 25;
            break;
        case 1:
            memcpy(script, "\xa9\x14", 2);
            script[22] = 0x87;
            len = 23;
            break;
        case 2:
            len = wr_rng_below(&rng, 2) ? 22 : 34;
            script[0] = 0;
            script[1] = (uint8_t)(len - 2);
            break;
        default:
            len = 4 + wr_rng_below(&rng, 39);
            script[0] = (uint8_t)(0x51 + wr_rng_below(&rng, 16));
            script[1] = (uint8_t)(len - 2);
        }
        wr_script_kind kind;
        assert_ok(wr_script_address(out, &kind, chain, script, len, &err));
        if (kind == WR_SCRIPT_ADDRESS) {
            assert_ok(wr_address_canonical(again, NULL, chain, wr_text_of(out), &err));
            assert_string_equal(again, out);
        } else {
            assert_int_equal(kind, WR_SCRIPT_HASH);
            assert_int_equal(strlen(out), 71);
            assert_err(WR_EPARSE,
                       wr_address_canonical(again, NULL, chain, wr_text_of(out), &err));
        }
    }
}

static void test_script_address__no_scripts_there(void **state)
{
    (void)state;
    char out[WR_ADDRESS_MAX + 1] = "as before";
    wr_script_kind kind;
    wr_err why = {0};
    const uint8_t script[1] = {0x6a};
    assert_int_equal(wr_script_address(out, &kind, chain_of("ETH"), script, 1, &why),
                     WR_EINVAL);
    assert_string_equal(why.msg, "addresses on eip155:1 are not made of scripts");
    assert_string_equal(out, "as before");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_script_address__published_vectors),
        wr_unit_test(test_script_address__others),
        wr_unit_test(test_script_is_hash),
        wr_unit_test(test_script_address__decoder_agrees),
        wr_unit_test(test_script_address__no_scripts_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
