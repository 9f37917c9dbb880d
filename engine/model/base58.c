/* Base58 and base58check (Bitcoin's alphabet), with the one-block SHA-256 they need:
 * libcrypto's digest objects allocate, and a checksum per row is on the ingest path. */
#include <assert.h>
#include <endian.h>
#include <string.h>

#include "model/address_int.h"

static const uint32_t round_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
    0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
    0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
    0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
    0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
    0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
    0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
    0xc67178f2,
};

static uint32_t rotr(uint32_t v, unsigned bits)
{
    return v >> bits | v << (32 - bits);
}

/* One round; letter a is h[-k mod 8], b the next, ... so that nothing has to move. */
static inline void sha256_step(uint32_t h[8], unsigned k, uint32_t kw)
{
    uint32_t a = h[(8 - k) & 7];
    uint32_t b = h[(9 - k) & 7];
    uint32_t c = h[(10 - k) & 7];
    uint32_t e = h[(12 - k) & 7];
    uint32_t f = h[(13 - k) & 7];
    uint32_t g = h[(14 - k) & 7];
    uint32_t s1 = rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25);
    uint32_t t1 = h[(15 - k) & 7] + s1 + ((e & f) ^ (~e & g)) + kw;
    uint32_t s0 = rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22);
    h[(11 - k) & 7] += t1;
    h[(15 - k) & 7] = t1 + s0 + ((a & b) ^ (a & c) ^ (b & c));
}

/* FIPS 180-4, 6.2.2, for a message that is one padded block. */
void wr_sha256_short(uint8_t out[32], const uint8_t *bytes, size_t len)
{
    assert(len <= 55);
    uint8_t block[64] = {0};
    if (len > 0)
        memcpy(block, bytes, len);
    block[len] = 0x80;
    block[62] = (uint8_t)(len >> 5);
    block[63] = (uint8_t)(len << 3);

    uint32_t w[64];
    for (unsigned i = 0; i < 16; i++) {
        memcpy(&w[i], block + (size_t)i * 4, sizeof w[i]);
        w[i] = be32toh(w[i]);
    }
    for (unsigned i = 16; i < 64; i++) {
        uint32_t s0 = rotr(w[i - 15], 7) ^ rotr(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t s1 = rotr(w[i - 2], 17) ^ rotr(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    uint32_t h[8];
    memcpy(h, start, sizeof h);
    for (unsigned i = 0; i < 64; i += 8) /* the letters turn, the words stay in place */
        for (unsigned k = 0; k < 8; k++)
            sha256_step(h, k, round_k[i + k] + w[i + k]);
    for (unsigned i = 0; i < 8; i++) {
        uint32_t v = h[i] + start[i];
        v = htobe32(v);
        memcpy(out + (size_t)i * 4, &v, sizeof v);
    }
}

static const char alphabet[] =
    "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/* Value of a base58 character plus one; 0 = none. */
static const uint8_t digit_plus1[256] = {
    ['1'] = 1,  ['2'] = 2,  ['3'] = 3,  ['4'] = 4,  ['5'] = 5,  ['6'] = 6,  ['7'] = 7,
    ['8'] = 8,  ['9'] = 9,  ['A'] = 10, ['B'] = 11, ['C'] = 12, ['D'] = 13, ['E'] = 14,
    ['F'] = 15, ['G'] = 16, ['H'] = 17, ['J'] = 18, ['K'] = 19, ['L'] = 20, ['M'] = 21,
    ['N'] = 22, ['P'] = 23, ['Q'] = 24, ['R'] = 25, ['S'] = 26, ['T'] = 27, ['U'] = 28,
    ['V'] = 29, ['W'] = 30, ['X'] = 31, ['Y'] = 32, ['Z'] = 33, ['a'] = 34, ['b'] = 35,
    ['c'] = 36, ['d'] = 37, ['e'] = 38, ['f'] = 39, ['g'] = 40, ['h'] = 41, ['i'] = 42,
    ['j'] = 43, ['k'] = 44, ['m'] = 45, ['n'] = 46, ['o'] = 47, ['p'] = 48, ['q'] = 49,
    ['r'] = 50, ['s'] = 51, ['t'] = 52, ['u'] = 53, ['v'] = 54, ['w'] = 55, ['x'] = 56,
    ['y'] = 57, ['z'] = 58,
};

int wr_base58_decode(uint8_t *out, int max, wr_text t)
{
    enum { WORDS = WR_BASE58_BYTES_MAX / 4 };
    assert(max <= WR_BASE58_BYTES_MAX);
    uint32_t word[WORDS] = {0}; /* little-endian words of the number */
    int words = 0;
    int zeros = 0;
    bool is_over = t.len > WR_BASE58_TEXT_MAX;
    for (uint32_t i = 0; i < t.len; i++) {
        uint32_t carry = digit_plus1[(unsigned char)t.p[i]];
        if (carry == 0)
            return -1;
        if (is_over) /* the rest is read for its alphabet only */
            continue;
        carry--;
        zeros += words == 0 && carry == 0;
        for (int k = 0; k < words; k++) {
            uint64_t v = (uint64_t)word[k] * 58 + carry;
            word[k] = (uint32_t)v;
            carry = (uint32_t)(v >> 32);
        }
        if (carry && words == WORDS)
            is_over = true;
        else if (carry)
            word[words++] = carry;
    }
    int top = words > 0 ? 4 - __builtin_clz(word[words - 1]) / 8 : 0;
    int len = words > 0 ? 4 * (words - 1) + top : 0;
    if (is_over || zeros + len > max)
        return -2;
    memset(out, 0, (size_t)zeros);
    for (int i = 0; i < len; i++)
        out[zeros + len - 1 - i] = (uint8_t)(word[i / 4] >> (8 * (i % 4)));
    return zeros + len;
}

size_t wr_base58_encode(char *out, const uint8_t *bytes, size_t len)
{
    assert(len <= WR_BASE58_BYTES_MAX);
    uint8_t digit[WR_BASE58_TEXT_MAX]; /* little-endian */
    size_t count = 0;
    size_t zeros = 0;
    while (zeros < len && bytes[zeros] == 0)
        zeros++;
    for (size_t i = zeros; i < len; i++) {
        unsigned carry = bytes[i];
        for (size_t k = 0; k < count; k++) {
            carry += (unsigned)digit[k] << 8;
            digit[k] = (uint8_t)(carry % 58);
            carry /= 58;
        }
        for (; carry; carry /= 58)
            digit[count++] = (uint8_t)(carry % 58);
    }
    memset(out, '1', zeros);
    for (size_t i = 0; i < count; i++)
        out[zeros + i] = alphabet[digit[count - 1 - i]];
    out[zeros + count] = '\0';
    return zeros + count;
}

static void checksum(uint8_t out[32], const uint8_t *bytes, size_t len)
{
    uint8_t once[32];
    wr_sha256_short(once, bytes, len);
    wr_sha256_short(out, once, sizeof once);
}

bool wr_base58_check(const uint8_t *bytes, size_t len)
{
    assert(len >= 5);
    uint8_t sum[32];
    checksum(sum, bytes, len - 4);
    return memcmp(sum, bytes + len - 4, 4) == 0;
}

size_t wr_base58_seal(uint8_t *bytes, size_t len)
{
    uint8_t sum[32];
    checksum(sum, bytes, len);
    memcpy(bytes + len, sum, 4);
    return len + 4;
}
