/*
 * key_hash_int.h - a 128-bit hash that is written down: keys derived from content, marks.
 *
 * MurmurHash3_x64_128 with seed 0 (A. Appleby, public domain), little-endian everywhere,
 * so that stored keys mean the same for every build and machine; wr_hash64 promises no
 * such thing.  Not cryptographic: who can choose records can make two keys equal, and the
 * store then reports a conflict, since it compares the content too.
 * Thread: safe.
 */
#ifndef WR_CODEC_KEY_HASH_INT_H
#define WR_CODEC_KEY_HASH_INT_H

#include <stddef.h>
#include <stdint.h>

void wr_key_hash(uint64_t out[2], const void *bytes, size_t len);

/* Eight bytes, the first one lowest. */
static inline uint64_t wr_load_le64(const void *p)
{
    uint64_t v;
    __builtin_memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

#endif
