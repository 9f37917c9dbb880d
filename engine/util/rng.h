/*
 * rng.h - seeded random numbers, the same on every machine (splitmix64).
 *
 * Source  Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA
 *         2014, doi:10.1145/2660193.2660195.
 * Thread  one object one thread; split with wr_rng_fork for parallel streams.
 */
#ifndef WR_UTIL_RNG_H
#define WR_UTIL_RNG_H

#include <stdint.h>

typedef struct wr_rng {
    uint64_t s;
} wr_rng;

static inline uint64_t wr_rng_u64(wr_rng *r)
{
    uint64_t z = (r->s += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}

/* 0 <= result < bound; bound > 0.  Multiply-shift: bias below 2^-32 for bounds < 2^32. */
static inline uint64_t wr_rng_below(wr_rng *r, uint64_t bound)
{
    __extension__ typedef unsigned __int128 u128;
    return (uint64_t)(((u128)wr_rng_u64(r) * bound) >> 64);
}

/* Uniform in [0, 1), 53 bits. */
static inline double wr_rng_unit(wr_rng *r)
{
    return (double)(wr_rng_u64(r) >> 11) * 0x1.0p-53;
}

static inline wr_rng wr_rng_fork(wr_rng *r, uint64_t stream)
{
    return (wr_rng){.s = wr_rng_u64(r) ^ (stream * 0xD1342543DE82EF95ULL)};
}

#endif
