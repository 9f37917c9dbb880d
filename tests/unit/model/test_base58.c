#include "address_ref.h"

#include "model/address_int.h"

static void test_sha256_short__agrees_with_libcrypto(void **state)
{
    (void)state;
    wr_rng r = {.s = 1};
    for (size_t len = 0; len <= 55; len++)
        for (int i = 0; i < 20; i++) {
            uint8_t bytes[55];
            uint8_t got[32];
            uint8_t want[32];
            ref_random(bytes, sizeof bytes, &r);
            wr_sha256_short(got, bytes, len);
            ref_sha256(want, bytes, len);
            assert_memory_equal(got, want, sizeof got);
        }
}

static void test_base58__agrees_with_long_division(void **state)
{
    (void)state;
    wr_rng r = {.s = 2};
    for (int i = 0; i < 20000; i++) {
        uint8_t bytes[64];
        size_t len = (size_t)wr_rng_below(&r, 65);
        size_t zeros = (size_t)wr_rng_below(&r, 4);
        ref_random(bytes, sizeof bytes, &r);
        memset(bytes, 0, zeros < len ? zeros : len);
        if (wr_rng_below(&r, 50) == 0)
            memset(bytes, 0xFF, sizeof bytes); /* the longest text of its size */
        char want[REF_TEXT_MAX];
        char got[WR_BASE58_TEXT_MAX + 1];
        ref_base58(want, bytes, len);
        if (len == 0)
            want[0] = '\0';
        assert_int_equal(wr_base58_encode(got, bytes, len), strlen(want));
        assert_string_equal(got, want);
        uint8_t back[64];
        assert_int_equal(wr_base58_decode(back, 64, wr_text_of(want)), len);
        assert_memory_equal(back, bytes, len);
        if (len > 0)
            assert_int_equal(wr_base58_decode(back, (int)len - 1, wr_text_of(want)), -2);
    }
}

static void test_base58_decode__refuses(void **state)
{
    (void)state;
    uint8_t out[64];
    static const char wrong[] = "0OIl+/ -_\n:";
    for (size_t i = 0; i < sizeof wrong; i++) /* the NUL too */
        assert_int_equal(wr_base58_decode(out, 64, (wr_text){.p = wrong + i, .len = 1}),
                         -1);
    char longest[200];
    memset(longest, 'z', sizeof longest);
    for (uint32_t len = 88; len <= 200; len++)
        assert_int_equal(wr_base58_decode(out, 64, (wr_text){.p = longest, .len = len}),
                         -2);
    memset(longest, '1', sizeof longest);
    assert_int_equal(wr_base58_decode(out, 64, (wr_text){.p = longest, .len = 64}), 64);
    assert_int_equal(wr_base58_decode(out, 64, (wr_text){.p = longest, .len = 65}), -2);
    longest[199] = 'l';
    assert_int_equal(wr_base58_decode(out, 64, (wr_text){.p = longest, .len = 200}), -1);
    assert_int_equal(wr_base58_decode(out, 64, (wr_text){0}), 0);
}

/* Versions of every chain that has its own, as the coins' own parameters give them. */
static const struct network {
    const char *chain;
    uint8_t prefix[2];
    uint8_t prefix_len;
    char first; /* letter its addresses begin with, where it is always the same */
} network[] = {
    {"BTC", {0x00}, 1, '1'},       {"BTC", {0x05}, 1, '3'},
    {"LTC", {0x30}, 1, 'L'},       {"LTC", {0x32}, 1, 'M'},
    {"BCH", {0x00}, 1, '1'},       {"BCH", {0x05}, 1, '3'},
    {"BSV", {0x00}, 1, '1'},       {"DASH", {0x4C}, 1, 'X'},
    {"DASH", {0x10}, 1, '7'},      {"ZEC", {0x1C, 0xB8}, 2, 't'},
    {"ZEC", {0x1C, 0xBD}, 2, 't'}, {"DOGE", {0x1E}, 1, 'D'},
    {"DOGE", {0x16}, 1, 0},        {"BTG", {0x26}, 1, 'G'},
    {"BTG", {0x17}, 1, 'A'},       {"XVG", {0x1E}, 1, 'D'},
    {"XVG", {0x21}, 1, 'E'},       {"TRX", {0x41}, 1, 'T'},
};
enum { NETWORKS = sizeof network / sizeof *network };

static void test_base58check__every_network(void **state)
{
    (void)state;
    wr_rng r = {.s = 3};
    for (size_t i = 0; i < (size_t)NETWORKS * 50; i++) {
        const struct network *n = &network[i % NETWORKS];
        uint8_t bytes[2 + 20];
        char text[REF_TEXT_MAX];
        memcpy(bytes, n->prefix, n->prefix_len);
        ref_random(bytes + n->prefix_len, 20, &r);
        ref_base58check(text, bytes, n->prefix_len + 20);
        ref_accept(ref_chain(n->chain), text, text);
        if (n->first)
            assert_int_equal(text[0], n->first);
        ref_base58check(text, bytes, n->prefix_len + 19);
        ref_refuse(ref_chain(n->chain), text, "wrong length");
        bytes[0] ^= 0x80;
        ref_base58check(text, bytes, n->prefix_len + 20);
        ref_refuse(ref_chain(n->chain), text, "another network");
    }
}

static void test_base58check__no_typo_passes(void **state)
{
    (void)state;
    wr_rng r = {.s = 4};
    for (size_t i = 0; i < NETWORKS; i++) {
        const struct network *n = &network[i];
        uint8_t bytes[2 + 20];
        char text[REF_TEXT_MAX];
        memcpy(bytes, n->prefix, n->prefix_len);
        ref_random(bytes + n->prefix_len, 20, &r);
        ref_base58check(text, bytes, n->prefix_len + 20);
        ref_refuse_all_typos(ref_chain(n->chain), text);
    }
}

static void test_litecoin__old_script_addresses_become_new(void **state)
{
    (void)state;
    wr_rng r = {.s = 5};
    for (int i = 0; i < 200; i++) {
        uint8_t bytes[21] = {0x05};
        char old[REF_TEXT_MAX];
        char new[REF_TEXT_MAX];
        ref_random(bytes + 1, 20, &r);
        ref_base58check(old, bytes, sizeof bytes);
        bytes[0] = 0x32;
        ref_base58check(new, bytes, sizeof bytes);
        ref_accept(ref_chain("LTC"), old, new);
    }
}

static void test_base58check__any_version_on_unnamed_chains(void **state)
{
    (void)state;
    const wr_chain *c = ref_chain("bip122:ffffffffffffffffffffffffffffffff");
    wr_rng r = {.s = 6};
    for (unsigned version = 0; version < 256; version++) {
        uint8_t bytes[34];
        char text[REF_TEXT_MAX];
        ref_random(bytes, sizeof bytes, &r);
        bytes[0] = (uint8_t)version;
        ref_base58check(text, bytes, 21);
        ref_accept(c, text, text);
        ref_base58check(text, bytes, sizeof bytes);
        ref_accept(c, text, text);
        ref_base58check(text, bytes, 20);
        ref_refuse(c, text, "wrong length");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_sha256_short__agrees_with_libcrypto),
        wr_unit_test(test_base58__agrees_with_long_division),
        wr_unit_test(test_base58_decode__refuses),
        wr_unit_test(test_base58check__every_network),
        wr_unit_test(test_base58check__no_typo_passes),
        wr_unit_test(test_litecoin__old_script_addresses_become_new),
        wr_unit_test(test_base58check__any_version_on_unnamed_chains),
    };
    return cmocka_run_group_tests_name("model.base58", tests, NULL, NULL);
}
