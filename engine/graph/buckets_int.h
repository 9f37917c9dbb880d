/*
 * buckets_int.h - grouping by vertex, cache-sized bucket by cache-sized bucket; graph/.
 *
 * Elements are partitioned, stably, into buckets of 2^shift consecutive vertices, so
 * that what a bucket needs fits a core's second-level cache; then one thread groups each
 * bucket by vertex.  Bucket k owns vertices [wr_bucket_first, wr_bucket_end), elements
 * [parts.start[k], parts.start[k+1]) and the row starts of its vertices: nothing that two
 * threads write is shared.
 */
#ifndef WR_GRAPH_BUCKETS_INT_H
#define WR_GRAPH_BUCKETS_INT_H

#include "graph/parts_int.h"
#include "graph/snapshot_int.h"

typedef struct wr_buckets {
    wr_parts parts;
    unsigned shift;
    uint32_t n;
} wr_buckets;

/* Count `key` [m] per bucket and say where each block writes. */
wr_status wr_buckets_plan(wr_buckets *b, const wr_vid *key, uint64_t m, uint32_t n,
                          wr_err *err) WR_NODISCARD;
/* The same for keys in [lo, hi], bucket k those from lo + k * 2^shift on. */
wr_status wr_buckets_plan_range(wr_buckets *b, const uint32_t *key, uint64_t m,
                                uint32_t lo, uint32_t hi, wr_err *err) WR_NODISCARD;
void wr_buckets_release(wr_buckets *b); /* safe on a zeroed struct */
#define WR_AUTO_BUCKETS(b) __attribute__((cleanup(wr_buckets_release))) wr_buckets b = {0}

static inline wr_vid wr_bucket_first(const wr_buckets *b, uint32_t k)
{
    return (wr_vid)((uint64_t)k << b->shift);
}

static inline uint64_t wr_bucket_end(const wr_buckets *b, uint32_t k)
{
    const uint64_t end = (k + UINT64_C(1)) << b->shift;
    return end < b->n ? end : b->n;
}

/* How many bits x needs. */
static inline unsigned wr_bits_of(uint32_t x)
{
    return x ? 32 - (unsigned)__builtin_clz(x) : 0;
}

/* What one thread works in; grown to the largest bucket that it meets. */
typedef struct wr_scratch {
    uint32_t *at; /* [row_cap] row starts, relative to the bucket's first element */
    uint64_t *key, *spare; /* [key_cap], as the two that follow */
    uint32_t *row;         /* vertex of an element, relative to the bucket's first */
    uint32_t *order;       /* element numbers, sorted */
    char *block; /* which holds keys, row, order in this order: in one huge page when it
                    is worth one */
    size_t row_cap, key_cap;
} wr_scratch;

/* One bucket, on one thread, which has s to itself meanwhile. */
typedef void wr_bucket_fn(const void *ctx, uint32_t bucket, wr_scratch *s);

typedef enum wr_scratch_room {
    WR_SCRATCH_ROWS = 1, /* of a bucket's vertices */
    WR_SCRATCH_KEYS = 2  /* of its elements and one more */
} wr_scratch_room;

/*
 * fn for each bucket, in parallel and in no order, with the room that it asks for.
 * rooms   wr_scratch_room bits
 * Errors  WR_ENOMEM (some buckets were left out)
 */
wr_status wr_buckets_each(const wr_buckets *b, unsigned rooms, wr_bucket_fn *fn,
                          const void *ctx, wr_err *err) WR_NODISCARD;

/* Radix sort of key [m], stable, by bits [32, 32 + bits); those above are 0. */
void wr_scratch_sort(wr_scratch *s, uint64_t m, unsigned bits);

/* --- stages of the build ------------------------------------------------------------ */

/*
 * One block of working memory serves every stage in turn: fresh pages cost more than
 * what a stage does with them.  Bytes that m transfers need.
 */
uint64_t wr_build_work_bytes(uint64_t m);

/* in_off, in_col */
wr_status wr_build_rows_in(wr_snapshot *g, void *work, wr_err *err) WR_NODISCARD;
/* out_off, out_col and the pairs by out-row */
wr_status wr_build_out(wr_snapshot *g, void *work, wr_err *err) WR_NODISCARD;
/* pin_off, pin_nbr, pin_value from the pairs */
wr_status wr_build_pairs_in(wr_snapshot *g, void *work, wr_err *err) WR_NODISCARD;

/* Uninitialised row starts [n+1] and entries [m]. */
wr_status wr_rows_alloc(uint32_t **off, uint32_t **col, uint32_t n, uint64_t m,
                        wr_err *err) WR_NODISCARD;

#endif
