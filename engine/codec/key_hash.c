#include "codec/key_hash_int.h"

#include <string.h>

static const uint64_t C1 = UINT64_C(0x87c37b91114253d5);
static const uint64_t C2 = UINT64_C(0x4cf5ad432745937f);

static inline uint64_t rotl(uint64_t v, unsigned n)
{
    return v << n | v >> (64 - n);
}

static inline uint64_t mix_low(uint64_t k)
{
    return rotl(k * C1, 31) * C2;
}

static inline uint64_t mix_high(uint64_t k)
{
    return rotl(k * C2, 33) * C1;
}

static inline uint64_t finish(uint64_t h)
{
    h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
    h = (h ^ h >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ h >> 33;
}

void wr_key_hash(uint64_t out[2], const void *bytes, size_t len)
{
    const unsigned char *p = bytes;
    uint64_t h1 = 0;
    uint64_t h2 = 0;
    size_t left = len;
    for (; left >= 16; left -= 16, p += 16) {
        h1 = rotl(h1 ^ mix_low(wr_load_le64(p)), 27) + h2;
        h1 = h1 * 5 + 0x52dce729;
        h2 = rotl(h2 ^ mix_high(wr_load_le64(p + 8)), 31) + h1;
        h2 = h2 * 5 + 0x38495ab5;
    }
    if (left) {
        unsigned char tail[16] = {0};
        memcpy(tail, p, left);
        h2 ^= mix_high(wr_load_le64(tail + 8));
        h1 ^= mix_low(wr_load_le64(tail));
    }
    h1 ^= len;
    h2 ^= len;
    h1 += h2;
    h2 += h1;
    h1 = finish(h1);
    h2 = finish(h2);
    h1 += h2;
    out[0] = h1;
    out[1] = h2 + h1;
}
