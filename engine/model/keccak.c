/* Keccak-256 (FIPS 202's permutation with the original padding), after the Keccak team's
 * specification summary: theta, rho + pi, chi, iota on 25 lanes of 64 bits. */
#include <endian.h>
#include <string.h>

#include "model/address.h"

enum { LANES = 25, ROUNDS = 24, RATE = 136 };

static const uint64_t round_constant[ROUNDS] = {
    0x0000000000000001ULL, 0x0000000000008082ULL, 0x800000000000808AULL,
    0x8000000080008000ULL, 0x000000000000808BULL, 0x0000000080000001ULL,
    0x8000000080008081ULL, 0x8000000000008009ULL, 0x000000000000008AULL,
    0x0000000000000088ULL, 0x0000000080008009ULL, 0x000000008000000AULL,
    0x000000008000808BULL, 0x800000000000008BULL, 0x8000000000008089ULL,
    0x8000000000008003ULL, 0x8000000000008002ULL, 0x8000000000000080ULL,
    0x000000000000800AULL, 0x800000008000000AULL, 0x8000000080008081ULL,
    0x8000000000008080ULL, 0x0000000080000001ULL, 0x8000000080008008ULL,
};

/* Walk of pi from lane 1 on, and rho's rotation of the lane that arrives there. */
static const uint8_t pi_lane[LANES - 1] = {10, 7,  11, 17, 18, 3, 5,  16, 8,  21, 24, 4,
                                           15, 23, 19, 13, 12, 2, 20, 14, 22, 9,  6,  1};
static const uint8_t rho_bits[LANES - 1] = {1,  3,  6,  10, 15, 21, 28, 36,
                                            45, 55, 2,  14, 27, 41, 56, 8,
                                            25, 43, 62, 18, 39, 61, 20, 44};

static uint64_t rotl(uint64_t v, unsigned bits)
{
    return v << bits | v >> (64 - bits);
}

/* One row of chi; the five lanes by name, so that they stay in registers. */
static inline void chi_row(uint64_t *row)
{
    uint64_t a = row[0];
    uint64_t b = row[1];
    uint64_t c = row[2];
    uint64_t d = row[3];
    uint64_t e = row[4];
    row[0] = a ^ (~b & c);
    row[1] = b ^ (~c & d);
    row[2] = c ^ (~d & e);
    row[3] = d ^ (~e & a);
    row[4] = e ^ (~a & b);
}

static inline uint64_t column(const uint64_t *a, unsigned x)
{
    return a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
}

static void permute(uint64_t a[LANES])
{
    for (unsigned r = 0; r < ROUNDS; r++) {
        const uint64_t c[5] = {column(a, 0), column(a, 1), column(a, 2), column(a, 3),
                               column(a, 4)}; /* theta */
        const uint64_t d[5] = {c[4] ^ rotl(c[1], 1), c[0] ^ rotl(c[2], 1),
                               c[1] ^ rotl(c[3], 1), c[2] ^ rotl(c[4], 1),
                               c[3] ^ rotl(c[0], 1)};
        for (unsigned y = 0; y < LANES; y += 5)
            for (unsigned x = 0; x < 5; x++)
                a[y + x] ^= d[x];
        uint64_t moving = a[1]; /* rho and pi */
        for (unsigned i = 0; i < LANES - 1; i++) {
            uint64_t next = a[pi_lane[i]];
            a[pi_lane[i]] = rotl(moving, rho_bits[i]);
            moving = next;
        }
        for (unsigned y = 0; y < LANES; y += 5) /* chi */
            chi_row(a + y);
        a[0] ^= round_constant[r]; /* iota */
    }
}

static void absorb(uint64_t a[LANES], const uint8_t block[RATE])
{
    for (unsigned i = 0; i < RATE / 8; i++) {
        uint64_t lane;
        memcpy(&lane, block + (size_t)i * 8, sizeof lane);
        a[i] ^= le64toh(lane);
    }
    permute(a);
}

void wr_keccak256(uint8_t out[32], const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    uint64_t a[LANES] = {0};
    for (; len >= RATE; p += RATE, len -= RATE)
        absorb(a, p);
    uint8_t last[RATE] = {0};
    if (len > 0)
        memcpy(last, p, len);
    last[len] = 0x01; /* SHA-3 would put 0x06 here */
    last[RATE - 1] |= 0x80;
    absorb(a, last);
    for (unsigned i = 0; i < 32; i++)
        out[i] = (uint8_t)(a[i / 8] >> (8 * (i % 8)));
}
