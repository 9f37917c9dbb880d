#include "wr_test.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/digest.h"

/* NIST FIPS 180-4 examples: one block and two blocks. */
static const char abc_sum[] =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char long_sum[] =
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1";
static const char empty_sum[] =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

static void test_digest__known_answers_and_going_on(void **state)
{
    (void)state;
    wr_digest d;
    wr_digest_hex hex;
    assert_ok(wr_digest_init(&d, &err));
    wr_digest_hex_of(&d, &hex);
    assert_string_equal(hex.s, empty_sum);
    wr_digest_add(&d, "ab", 2);
    wr_digest_hex_of(&d, &hex);
    wr_digest_add(&d, "c", 1);
    wr_digest_hex_of(&d, &hex);
    assert_string_equal(hex.s, abc_sum);
    wr_digest_release(&d);
    wr_digest_release(&d);

    assert_ok(wr_digest_init(&d, &err));
    const char *s = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    wr_digest_add(&d, s, strlen(s));
    wr_digest_hex_of(&d, &hex);
    assert_string_equal(hex.s, long_sum);
    wr_digest_release(&d);
}

static wr_digest_hex sum_of(const void *bytes, size_t len)
{
    wr_digest d;
    wr_digest_hex hex;
    assert_ok(wr_digest_init(&d, &err));
    wr_digest_add(&d, bytes, len);
    wr_digest_hex_of(&d, &hex);
    wr_digest_release(&d);
    return hex;
}

static void test_digest_add__typed_values_are_little_endian(void **state)
{
    (void)state;
    wr_digest d;
    wr_digest_hex hex;
    assert_ok(wr_digest_init(&d, &err));
    wr_digest_add_u64(&d, 0x0102030405060708ULL);
    wr_digest_add_f64(&d, 1.0);
    wr_digest_add_f64(&d, -0.0);
    wr_digest_add_text(&d, "hi");
    wr_digest_hex_of(&d, &hex);
    wr_digest_release(&d);
    static const unsigned char want[] = {8, 7, 6,    5,    4, 3, 2, 1, 0,   0,  0, 0,
                                         0, 0, 0xF0, 0x3F, 0, 0, 0, 0, 0,   0,  0, 0,
                                         2, 0, 0,    0,    0, 0, 0, 0, 'h', 'i'};
    assert_string_equal(hex.s, sum_of(want, sizeof want).s);
}

static void to_hex(char *out, const uint8_t *raw)
{
    for (size_t i = 0; i < WR_SHA256_BYTES; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", raw[i]);
}

static void check_array(const uint8_t *bytes, size_t len)
{
    uint8_t got[WR_SHA256_BYTES];
    char hex[WR_SHA256_HEX + 1];
    enum { MIB = 1 << 20 };
    wr_digest d;
    wr_digest_hex want;
    assert_ok(wr_digest_init(&d, &err));
    for (size_t at = 0; at < len; at += MIB) { /* the definition, one chunk at a time */
        wr_digest_hex one = sum_of(bytes + at, len - at < MIB ? len - at : MIB);
        for (size_t i = 0; i < WR_SHA256_BYTES; i++) {
            char pair[3] = {one.s[2 * i], one.s[2 * i + 1], 0};
            unsigned char byte = (unsigned char)strtoul(pair, NULL, 16);
            wr_digest_add(&d, &byte, 1);
        }
    }
    wr_digest_hex_of(&d, &want);
    wr_digest_release(&d);
    assert_ok(wr_digest_array(got, bytes, len, &err));
    to_hex(hex, got);
    assert_string_equal(hex, want.s);
}

static void test_digest_array__same_for_any_thread_count(void **state)
{
    (void)state;
    size_t max = (5u << 20) + 17;
    WR_AUTO_ARRAY uint8_t *bytes = wr_calloc(max, 1);
    wr_rng r = {.s = 7};
    for (size_t i = 0; i < max; i++)
        bytes[i] = (uint8_t)wr_rng_u64(&r);
    const size_t len[] = {0, 1, (1u << 20) - 1, 1u << 20, (1u << 20) + 1, max};
    int before = omp_get_max_threads();
    for (int threads = 1; threads <= 8; threads *= 2) {
        omp_set_num_threads(threads);
        for (size_t i = 0; i < sizeof len / sizeof *len; i++)
            check_array(bytes, len[i]);
    }
    omp_set_num_threads(before);
    uint8_t out[WR_SHA256_BYTES];
    assert_oom_safe(wr_digest_array(out, bytes, max, &err));
    wr_free(WR_STEAL(bytes));
}

static void test_hash64__spreads_and_depends_on_everything(void **state)
{
    (void)state;
    uint8_t bytes[80] = {0};
    uint64_t seen[81 * 9];
    size_t n = 0;
    for (size_t len = 0; len <= 80; len++) {
        seen[n++] = wr_hash64(bytes, len, 0); /* zeros of every length differ */
        for (size_t bit = 0; len > 0 && bit < 8; bit++) {
            bytes[len - 1] = (uint8_t)(1u << bit);
            seen[n++] = wr_hash64(bytes, len, 0);
            bytes[len - 1] = 0;
        }
    }
    for (size_t i = 0; i < n; i++)
        for (size_t k = i + 1; k < n; k++)
            assert_true(seen[i] != seen[k]);
    assert_true(wr_hash64("abc", 3, 1) != wr_hash64("abc", 3, 2));
    assert_true(wr_hash64("abc", 3, 1) == wr_hash64("abc", 3, 1));
}

/* Chi-square of 2^16 counters into 256 low-bit buckets: 255 degrees, 5 sigma = 368. */
static void test_hash64__low_bits_are_even(void **state)
{
    (void)state;
    double count[256] = {0};
    for (uint64_t i = 0; i < 65536; i++)
        count[wr_hash64(&i, sizeof i, 42) & 255]++;
    double chi = 0;
    for (int i = 0; i < 256; i++)
        chi += (count[i] - 256) * (count[i] - 256) / 256;
    assert_true(chi < 368);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_digest__known_answers_and_going_on),
        wr_unit_test(test_digest_add__typed_values_are_little_endian),
        wr_unit_test(test_digest_array__same_for_any_thread_count),
        wr_unit_test(test_hash64__spreads_and_depends_on_everything),
        wr_unit_test(test_hash64__low_bits_are_even),
    };
    return cmocka_run_group_tests_name("util.digest", tests, NULL, NULL);
}
