/* Grouping by `to`: transfers (rows in) and pairs (pairs in). */
#include <inttypes.h>
#include <string.h>

#include "graph/buckets_int.h"

wr_status wr_rows_alloc(uint32_t **off, uint32_t **col, uint32_t n, uint64_t m,
                        wr_err *err)
{
    *off = wr_alloc_big(n + (size_t)1, sizeof **off);
    *col = wr_alloc_big(m, sizeof **col);
    if (!*off || !*col)
        return wr_fail(err, WR_ENOMEM, "rows of %" PRIu64 " over %" PRIu32 " vertices", m,
                       n);
    return WR_OK;
}

/*
 * One element on its way to its row, in two words or three; m of them fit the working
 * memory.
 */
enum {
    V,            /* vertex whose row it is */
    WHAT,         /* column position, or a pair's value (its bits) */
    NBR,          /* the other end, of pairs only */
    TRANSFER = 2, /* words */
    PAIR = 3
};

/* --- partition ---------------------------------------------------------------------- */

static void partition_transfers(const wr_buckets *b, uint32_t *to, const wr_vid *key)
{
    const wr_parts *p = &b->parts;
    const unsigned shift = b->shift;
#pragma omp parallel for default(none) shared(p, key, shift, to) \
    schedule(dynamic, 1) if (p->blocks > 1)
    for (uint32_t block = 0; block < p->blocks; block++) {
        uint32_t *at = &p->at[(size_t)block * p->buckets];
        for (uint64_t i = wr_parts_lo(p, block); i < wr_parts_hi(p, block); i++) {
            uint32_t *place = to + (size_t)at[key[i] >> shift]++ * TRANSFER;
            wr_parts_ask(place);
            place[V] = key[i];
            place[WHAT] = (uint32_t)i;
        }
    }
}

/* The row that holds pair `id`: the last one that starts at or before it. */
static wr_vid row_of_pair(const uint32_t *off, uint32_t n, uint64_t id)
{
    uint64_t lo = 0;
    uint64_t hi = n; /* off[lo] <= id < off[hi] */
    while (hi - lo > 1) {
        const uint64_t mid = lo + (hi - lo) / 2;
        if (off[mid] <= id)
            lo = mid;
        else
            hi = mid;
    }
    return (wr_vid)lo;
}

/* Pairs by `to`, taken from the out-rows: ids ascend by `from`, so in-rows will, too. */
static void partition_pairs(const wr_buckets *b, uint32_t *to, const wr_snapshot *g)
{
    const wr_parts *p = &b->parts;
    const unsigned shift = b->shift;
    const uint32_t n = b->n;
    const uint32_t *off = g->pout_off;
    const wr_vid *nbr = g->pout_nbr;
    const float *value = g->pair_value;
#pragma omp parallel for default(none) shared(p, off, nbr, value, shift, n, to) \
    schedule(dynamic, 1) if (p->blocks > 1)
    for (uint32_t block = 0; block < p->blocks; block++) {
        uint32_t *at = &p->at[(size_t)block * p->buckets];
        uint64_t id = wr_parts_lo(p, block);
        wr_vid u = row_of_pair(off, n, id);
        for (; id < wr_parts_hi(p, block); id++) {
            while (off[u + UINT64_C(1)] <= id)
                u++;
            uint32_t *place = to + (size_t)at[nbr[id] >> shift]++ * PAIR;
            wr_parts_ask(place);
            place[V] = nbr[id];
            memcpy(&place[WHAT], &value[id], sizeof *value);
            place[NBR] = u;
        }
    }
}

/* --- group -------------------------------------------------------------------------- */

typedef struct rows {
    const wr_buckets *b;
    const uint32_t *x; /* partitioned elements */
    /* what comes out: */
    uint32_t *off;
    uint32_t *pos; /* of transfers */
    float *value;  /* of pairs */
    wr_vid *nbr;   /* of pairs */
} rows;

/* Bucket k; words is a compile-time constant at both calls. */
static inline __attribute__((always_inline)) void group(const rows *r, uint32_t k,
                                                        uint32_t *at, const size_t words)
{
    const wr_buckets *b = r->b;
    const uint32_t *x = r->x;
    const uint64_t lo = b->parts.start[k];
    const uint64_t hi = b->parts.start[k + 1];
    const wr_vid first = wr_bucket_first(b, k);
    const uint64_t vertices = wr_bucket_end(b, k) - first;
    if (words == PAIR) {
        wr_parts_ask_all(r->value + lo, (hi - lo) * sizeof *r->value);
        wr_parts_ask_all(r->nbr + lo, (hi - lo) * sizeof *r->nbr);
    } else
        wr_parts_ask_all(r->pos + lo, (hi - lo) * sizeof *r->pos);
    memset(at, 0, vertices * sizeof *at);
    for (uint64_t i = lo; i < hi; i++)
        at[x[i * words + V] - first]++;
    uint32_t sum = 0;
    for (uint64_t v = 0; v < vertices; v++) {
        const uint32_t count = at[v];
        at[v] = sum;
        r->off[first + v] = (uint32_t)lo + sum;
        sum += count;
    }
    for (uint64_t i = lo; i < hi; i++) {
        const uint64_t place = lo + at[x[i * words + V] - first]++;
        if (words == PAIR) {
            memcpy(&r->value[place], &x[i * words + WHAT], sizeof *r->value);
            r->nbr[place] = x[i * words + NBR];
        } else
            r->pos[place] = x[i * words + WHAT];
    }
}

static void group_transfers(const void *ctx, uint32_t bucket, wr_scratch *s)
{
    group(ctx, bucket, s->at, TRANSFER);
}

static void group_pairs(const void *ctx, uint32_t bucket, wr_scratch *s)
{
    group(ctx, bucket, s->at, PAIR);
}

static wr_status group_all(const rows *r, wr_bucket_fn *fn, wr_err *err)
{
    r->off[r->b->n] = (uint32_t)r->b->parts.m;
    return wr_buckets_each(r->b, WR_SCRATCH_ROWS, fn, r, err);
}

/* --- stages ------------------------------------------------------------------------- */

wr_status wr_build_rows_in(wr_snapshot *g, void *work, wr_err *err)
{
    WR_AUTO_BUCKETS(b);
    WR_TRY(wr_rows_alloc(&g->in_off, &g->in_col, g->n, g->m, err));
    WR_TRY(wr_buckets_plan(&b, g->to, g->m, g->n, err));
    partition_transfers(&b, work, g->to);
    const rows r = {.b = &b, .x = work, .off = g->in_off, .pos = g->in_col};
    return group_all(&r, group_transfers, err);
}

wr_status wr_build_pairs_in(wr_snapshot *g, void *work, wr_err *err)
{
    WR_AUTO_BUCKETS(b);
    WR_TRY(wr_rows_alloc(&g->pin_off, &g->pin_nbr, g->n, g->pairs, err));
    g->pin_value = wr_alloc_big(g->pairs, sizeof *g->pin_value);
    if (!g->pin_value)
        return wr_fail(err, WR_ENOMEM, "%" PRIu64 " pairs", g->pairs);
    WR_TRY(wr_buckets_plan(&b, g->pout_nbr, g->pairs, g->n, err));
    partition_pairs(&b, work, g);
    const rows r = {
        .b = &b, .x = work, .off = g->pin_off, .value = g->pin_value, .nbr = g->pin_nbr};
    return group_all(&r, group_pairs, err);
}
