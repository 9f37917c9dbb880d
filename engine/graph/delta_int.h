/*
 * delta_int.h - what a delta is made of; graph/ only (and the tests of graph/).
 *
 *   segments   0: 1024 elements, each further one twice as long, so that 23 of them hold
 *              2^32 and nothing ever moves.  Segment pointers are plain: a reader comes
 *              to a segment only by a number that the writer released after it was there
 *   published  n << 32 | m in one word: no reader sees the one without the other
 *   slots      open addressing, at most 3/4 full; a slot is 32 bits of hash << 32 |
 *              place + 1, 0 when empty, so that growing reads no wallet
 *
 * What the writer changes while readers may look is _Atomic: heads, slots, the pointers
 * to slots, published, bytes.  All else is written once, before the release that leads to
 * it, or belongs to the writer alone.
 */
#ifndef WR_GRAPH_DELTA_INT_H
#define WR_GRAPH_DELTA_INT_H

#include <stdatomic.h>

#include "graph/delta.h"
#include "util/arena.h"

enum { WR_SEGMENTS = 23, WR_SEGMENT_FIRST_LOG = 10 };

typedef struct wr_segments {
    void *segment[WR_SEGMENTS];
} wr_segments;

/* A transfer; position + 1 of the one before it at either end, 0 = none. */
typedef struct wr_delta_leg {
    int64_t seq;
    double value;
    uint32_t time_s;
    wr_vid from, to;
    uint32_t before[2];
    uint16_t asset;
} wr_delta_leg;

_Static_assert(sizeof(wr_delta_leg) == 40, "a transfer lies in one line or two");

typedef struct wr_delta_wallet_row { /* a new wallet */
    _Atomic uint32_t head[2];
    uint32_t wallet;
    uint32_t text_len;
    const char *text;
    const wr_chain *chain;
} wr_delta_wallet_row;

typedef struct wr_slots {
    struct wr_slots *older; /* readers may still be in it: freed with the delta */
    uint64_t count;         /* a power of two */
    _Atomic uint64_t slot[];
} wr_slots;

/* Pairs of the delta that the base does not know; the writer's. */
typedef struct wr_met_pairs {
    uint64_t *key;        /* [slots] from << 32 | to; 0 = empty (nobody meets himself) */
    uint64_t slots, used; /* 0 or a power of two; at most 3/4 used */
} wr_met_pairs;

struct wr_delta {
    atomic_uint refs;
    uint32_t base_n;
    uint64_t base_m;
    wr_snapshot *base;
    _Atomic uint32_t *head; /* [2 * base_n] out and in of a vertex side by side */
    wr_segments legs;       /* of wr_delta_leg */
    wr_segments wallets;    /* of wr_delta_wallet_row */
    _Atomic(wr_slots *) by_address, by_wallet;
    _Atomic uint64_t published;
    _Atomic uint64_t bytes;
    _Atomic int64_t closed_seq;

    /* the writer's */
    uint32_t n, m; /* published or not */
    uint32_t chain_count;
    const wr_chain *chain[WR_IDS_CHAIN_MAX]; /* of base and delta: as many as ids take */
    wr_arena text;
    wr_met_pairs met;
};

static inline unsigned wr_segment_of(uint64_t i)
{
    const uint64_t shifted = i + (UINT64_C(1) << WR_SEGMENT_FIRST_LOG);
    return 63U - (unsigned)__builtin_clzll(shifted) - WR_SEGMENT_FIRST_LOG;
}

/* Element i, whose segment is there. */
static inline void *wr_segments_at(const wr_segments *s, uint64_t i, size_t size)
{
    const unsigned k = wr_segment_of(i);
    const uint64_t first = ((UINT64_C(1) << k) - 1) << WR_SEGMENT_FIRST_LOG;
    return (char *)s->segment[k] + (i - first) * size;
}

/* The segment of element i; *bytes grows when it is a new one.  False: no memory. */
bool wr_segments_reserve(wr_segments *s, uint64_t i, size_t size,
                         _Atomic uint64_t *bytes);
void wr_segments_release(wr_segments *s);

static inline wr_delta_leg *wr_delta_leg_at(const wr_delta *d, uint64_t i)
{
    return wr_segments_at(&d->legs, i, sizeof(wr_delta_leg));
}

/* v >= base_n */
static inline wr_delta_wallet_row *wr_delta_wallet_at(const wr_delta *d, wr_vid v)
{
    return wr_segments_at(&d->wallets, v - d->base_n, sizeof(wr_delta_wallet_row));
}

static inline _Atomic uint32_t *wr_delta_head_of(const wr_delta *d, wr_vid v, int way)
{
    return v < d->base_n ? &d->head[2 * (size_t)v + (size_t)way]
                         : &wr_delta_wallet_at(d, v)->head[way];
}

void wr_slots_free(wr_slots *t); /* and all older ones */

/*
 * Whether from and to meet for the first time; from now on they have met.  On failure
 * they have not.  Errors  WR_ENOMEM
 */
wr_status wr_delta_meet(wr_delta *d, wr_vid from, wr_vid to, bool *is_new,
                        wr_err *err) WR_NODISCARD;

#endif
