#include "address_ref.h"

#include "model/address_int.h"

static const char *const segwit_chain[][2] = {
    {"BTC", "bc"}, {"LTC", "ltc"}, {"BTG", "btg"}, {"DGB", "dgb"}};
enum { SEGWIT_CHAINS = sizeof segwit_chain / sizeof *segwit_chain };

static void upper(char *out, const char *in)
{
    for (; *in; in++)
        *out++ = (char)(*in >= 'a' && *in <= 'z' ? *in - 32 : *in);
    *out = '\0';
}

static void test_segwit__every_version_and_length(void **state)
{
    (void)state;
    wr_rng r = {.s = 1};
    for (size_t i = 0; i < SEGWIT_CHAINS; i++)
        for (uint8_t version = 0; version <= 31; version++)
            for (size_t len = 1; len <= 42; len++) {
                const wr_chain *c = ref_chain(segwit_chain[i][0]);
                uint8_t program[42];
                char text[REF_TEXT_MAX];
                char shout[REF_TEXT_MAX];
                ref_random(program, sizeof program, &r);
                ref_segwit(text, segwit_chain[i][1], version, program, len);
                upper(shout, text);
                bool is_good = version == 0    ? len == 20 || len == 32
                               : version <= 16 ? len >= 2 && len <= 40
                                               : false;
                if (!is_good) {
                    ref_refuse(c, text, version > 16 ? "unknown version" : "of its hash");
                    continue;
                }
                ref_accept(c, text, text);
                ref_accept(c, shout, text);
                ref_refuse(ref_chain(segwit_chain[(i + 1) % SEGWIT_CHAINS][0]), text,
                           "another network");
            }
}

static void test_segwit__no_typo_passes(void **state)
{
    (void)state;
    wr_rng r = {.s = 2};
    for (size_t i = 0; i < SEGWIT_CHAINS; i++)
        for (uint8_t version = 0; version < 2; version++) {
            uint8_t program[32];
            char text[REF_TEXT_MAX];
            char shout[REF_TEXT_MAX];
            ref_random(program, sizeof program, &r);
            ref_segwit(text, segwit_chain[i][1], version, program, version ? 32 : 20);
            upper(shout, text);
            ref_refuse_all_typos(ref_chain(segwit_chain[i][0]), text);
            ref_refuse_all_typos(ref_chain(segwit_chain[i][0]), shout);
        }
}

/* bech32 lets a 'q' slip in before a final 'p'; the length rule of version 0 stops it. */
static void test_segwit__inserted_q_is_refused(void **state)
{
    (void)state;
    wr_rng r = {.s = 3};
    int seen = 0;
    for (int i = 0; i < 2000; i++) {
        uint8_t program[32];
        char text[REF_TEXT_MAX];
        ref_random(program, sizeof program, &r);
        ref_segwit(text, "bc", (uint8_t)(i % 2), program, 32);
        size_t len = strlen(text);
        if (text[len - 1] != 'p')
            continue;
        seen++;
        memcpy(text + len - 1, "qp", 3);
        char out[WR_ADDRESS_MAX + 1];
        assert_int_equal(
            wr_address_canonical(out, NULL, ref_chain("BTC"), wr_text_of(text), NULL),
            WR_EPARSE);
    }
    assert_true(seen > 20);
}

static void legacy(char out[REF_TEXT_MAX], bool is_script, const uint8_t *hash,
                   size_t len)
{
    uint8_t bytes[33] = {is_script ? 0x05 : 0x00};
    memcpy(bytes + 1, hash, len);
    ref_base58check(out, bytes, 1 + len);
}

static void test_cashaddr__every_type_and_size(void **state)
{
    (void)state;
    static const size_t size[8] = {20, 24, 28, 32, 40, 48, 56, 64};
    wr_rng r = {.s = 4};
    const wr_chain *c = ref_chain("BCH");
    for (unsigned version = 0; version < 256; version++) {
        uint8_t hash[64];
        char text[REF_TEXT_MAX];
        char want[REF_TEXT_MAX];
        size_t len = size[version & 7];
        unsigned type = version >> 3;
        bool is_script = type & 1;
        ref_random(hash, sizeof hash, &r);
        ref_cashaddr(text, "bitcoincash", (uint8_t)version, hash, len);
        bool is_good = type < 4 && (len == 20 || (len == 32 && is_script));
        if (!is_good) {
            ref_refuse(c, text, type < 4 ? "of its hash" : "unknown version");
            continue;
        }
        legacy(want, is_script, hash, len);
        ref_accept(c, text, want);
        ref_accept(ref_chain("BSV"), strchr(text, ':') + 1, want);
        ref_cashaddr(text, "bitcoincash", (uint8_t)version, hash, len - 1);
        ref_refuse(c, text, "of its hash");
        ref_cashaddr(text, "bchtest", (uint8_t)version, hash, len);
        ref_refuse(c, text, "another network");
        ref_refuse(c, strchr(text, ':') + 1, "checksum");
    }
}

static void test_cashaddr__no_typo_passes(void **state)
{
    (void)state;
    wr_rng r = {.s = 5};
    for (uint8_t version = 0; version <= 8; version += 8)
        for (int i = 0; i < 3; i++) {
            uint8_t hash[20];
            char text[REF_TEXT_MAX];
            ref_random(hash, sizeof hash, &r);
            ref_cashaddr(text, "bitcoincash", version, hash, sizeof hash);
            ref_refuse_all_typos(ref_chain("BCH"), text);
            ref_refuse_all_typos(ref_chain("BCH"), strchr(text, ':') + 1);
        }
}

/* The specification's checksum vectors whose payload is no address. */
static void test_cashaddr__checksum_vectors_without_payload(void **state)
{
    (void)state;
    static const char *const row[][2] = {
        {"prefix", "x64nx6hz"},
        {"p", "gpf8m4h7"},
        {"bitcoincash", "qpzry9x8gf2tvdw0s3jn54khce6mua7lcw20ayyn"},
        {"bchtest", "spectestnetaddressrealrealaddressqpan2k9lh"},
        {"bchreg", "555555555555555555555555555555555555555555555udxmlmrz"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        uint8_t hash[32];
        size_t len;
        bool is_script;
        wr_bech32_fault fault =
            wr_cashaddr_decode(hash, &len, &is_script, row[i][0], wr_text_of(row[i][1]));
        assert_true(fault != WR_BECH32_OK && fault != WR_BECH32_CHECKSUM &&
                    fault != WR_BECH32_ALPHABET);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_segwit__every_version_and_length),
        wr_unit_test(test_segwit__no_typo_passes),
        wr_unit_test(test_segwit__inserted_q_is_refused),
        wr_unit_test(test_cashaddr__every_type_and_size),
        wr_unit_test(test_cashaddr__no_typo_passes),
        wr_unit_test(test_cashaddr__checksum_vectors_without_payload),
    };
    return cmocka_run_group_tests_name("model.bech32", tests, NULL, NULL);
}
