/*
 * address_ref.h - slow, independent encoders of the address formats, for tests only.
 *
 * Written from the specifications in another shape than the product's decoders: long
 * division on bytes, bits in an array, SHA-256 from libcrypto through util/digest.
 */
#ifndef WR_TEST_ADDRESS_REF_H
#define WR_TEST_ADDRESS_REF_H

#include "wr_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/address.h"
#include "util/digest.h"

enum { REF_TEXT_MAX = 160 };

static inline const wr_chain *ref_chain(const char *name)
{
    const wr_chain *c = NULL;
    assert_ok(wr_chain_find(&c, wr_text_of(name), &err));
    return c;
}

static inline void ref_sha256(uint8_t out[32], const void *bytes, size_t len)
{
    wr_digest d;
    wr_digest_hex hex;
    assert_ok(wr_digest_init(&d, &err));
    wr_digest_add(&d, bytes, len);
    wr_digest_hex_of(&d, &hex);
    wr_digest_release(&d);
    for (size_t i = 0; i < 32; i++) {
        char pair[3] = {hex.s[2 * i], hex.s[2 * i + 1], 0};
        out[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
}

static inline void ref_base58(char out[REF_TEXT_MAX], const uint8_t *bytes, size_t len)
{
    static const char alphabet[] =
        "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    uint8_t number[80];
    char reversed[REF_TEXT_MAX];
    size_t n = 0;
    memcpy(number, bytes, len);
    for (;;) {
        unsigned rest = 0;
        bool is_zero = true;
        for (size_t i = 0; i < len; i++) {
            unsigned v = rest * 256 + number[i];
            number[i] = (uint8_t)(v / 58);
            rest = v % 58;
            is_zero = is_zero && number[i] == 0;
        }
        reversed[n++] = alphabet[rest];
        if (is_zero)
            break;
    }
    while (n > 0 && reversed[n - 1] == '1') /* of the number; zeros of bytes come next */
        n--;
    for (size_t i = 0; i < len && bytes[i] == 0; i++)
        reversed[n++] = '1';
    for (size_t i = 0; i < n; i++)
        out[i] = reversed[n - 1 - i];
    out[n] = '\0';
}

static inline void ref_base58check(char out[REF_TEXT_MAX], const uint8_t *bytes,
                                   size_t len)
{
    uint8_t sealed[80];
    uint8_t sum[32];
    memcpy(sealed, bytes, len);
    ref_sha256(sum, bytes, len);
    ref_sha256(sum, sum, sizeof sum);
    memcpy(sealed + len, sum, 4);
    ref_base58(out, sealed, len + 4);
}

static const char ref_bech32_alphabet[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/* Bytes to 5-bit groups through an array of single bits, zeros behind. */
static inline size_t ref_groups(uint8_t *out, const uint8_t *bytes, size_t len)
{
    uint8_t bit[8 * 80] = {0};
    for (size_t i = 0; i < 8 * len; i++)
        bit[i] = (bytes[i / 8] >> (7 - i % 8)) & 1;
    size_t n = (8 * len + 4) / 5;
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(bit[5 * i] << 4 | bit[5 * i + 1] << 3 | bit[5 * i + 2] << 2 |
                           bit[5 * i + 3] << 1 | bit[5 * i + 4]);
    return n;
}

static inline uint64_t ref_polymod(const uint64_t gen[5], unsigned top, const uint8_t *v,
                                   size_t n)
{
    uint64_t c = 1;
    for (size_t i = 0; i < n; i++) {
        uint64_t over = c >> top;
        c = (c % (1ULL << top)) * 32 ^ v[i];
        for (unsigned k = 0; k < 5; k++)
            if (over >> k & 1)
                c ^= gen[k];
    }
    return c;
}

static inline void ref_segwit(char out[REF_TEXT_MAX], const char *hrp, uint8_t version,
                              const uint8_t *program, size_t len)
{
    static const uint64_t gen[5] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                    0x2a1462b3};
    uint8_t v[200] = {0};
    size_t h = strlen(hrp);
    for (size_t i = 0; i < h; i++) {
        v[i] = (uint8_t)(hrp[i] / 32);
        v[h + 1 + i] = (uint8_t)(hrp[i] % 32);
    }
    uint8_t *data = v + 2 * h + 1;
    data[0] = version;
    size_t n = 1 + ref_groups(data + 1, program, len);
    uint64_t sum = ref_polymod(gen, 25, v, 2 * h + 1 + n + 6) ^
                   (version == 0 ? 1ULL : 0x2bc830a3ULL);
    int at = snprintf(out, REF_TEXT_MAX, "%s1", hrp);
    for (size_t i = 0; i < n; i++)
        out[at++] = ref_bech32_alphabet[data[i]];
    for (int i = 5; i >= 0; i--)
        out[at++] = ref_bech32_alphabet[sum >> (5 * i) & 31];
    out[at] = '\0';
}

static inline void ref_cashaddr(char out[REF_TEXT_MAX], const char *prefix,
                                uint8_t version, const uint8_t *hash, size_t len)
{
    static const uint64_t gen[5] = {0x98f2bc8e61, 0x79b76d99e2, 0xf33e5fb3c4,
                                    0xae2eabe2a8, 0x1e4f43e470};
    uint8_t bytes[80] = {version};
    memcpy(bytes + 1, hash, len);
    uint8_t v[200] = {0};
    size_t h = strlen(prefix);
    for (size_t i = 0; i < h; i++)
        v[i] = (uint8_t)(prefix[i] % 32);
    size_t n = ref_groups(v + h + 1, bytes, len + 1);
    uint64_t sum = ref_polymod(gen, 35, v, h + 1 + n + 8) ^ 1;
    int at = snprintf(out, REF_TEXT_MAX, "%s:", prefix);
    for (size_t i = 0; i < n; i++)
        out[at++] = ref_bech32_alphabet[v[h + 1 + i]];
    for (int i = 7; i >= 0; i--)
        out[at++] = ref_bech32_alphabet[sum >> (5 * i) & 31];
    out[at] = '\0';
}

static inline void ref_random(uint8_t *out, size_t len, wr_rng *r)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)wr_rng_u64(r);
}

static inline void ref_accept(const wr_chain *c, const char *in, const char *want)
{
    char out[WR_ADDRESS_MAX + 1];
    wr_err why = {0};
    if (wr_address_canonical(out, NULL, c, wr_text_of(in), &why) != WR_OK)
        fail_msg("%s", why.msg);
    assert_string_equal(out, want);
    char again[WR_ADDRESS_MAX + 1];
    assert_ok(wr_address_canonical(again, NULL, c, wr_text_of(want), &err));
    assert_string_equal(again, want);
}

static inline void ref_refuse(const wr_chain *c, const char *in, const char *part)
{
    char out[WR_ADDRESS_MAX + 1];
    wr_err why = {0};
    wr_status s = wr_address_canonical(out, NULL, c, wr_text_of(in), &why);
    if (s != WR_EPARSE || !strstr(why.msg, part))
        fail_msg("%s: %s '%s'", in, wr_status_name(s), why.msg);
}

/* Any one character replaced by any other byte: never accepted. */
static inline void ref_refuse_all_typos(const wr_chain *c, const char *good)
{
    char text[REF_TEXT_MAX];
    char out[WR_ADDRESS_MAX + 1];
    size_t len = strlen(good);
    memcpy(text, good, len + 1);
    for (size_t at = 0; at < len; at++)
        for (int byte = 0; byte < 256; byte++) {
            if ((char)byte == good[at])
                continue;
            text[at] = (char)byte;
            wr_text t = {.p = text, .len = (uint32_t)len};
            if (wr_address_canonical(out, NULL, c, t, NULL) != WR_EPARSE)
                fail_msg("%s taken for %s", text, good);
            text[at] = good[at];
        }
}

#endif
