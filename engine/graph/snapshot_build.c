/*
 * The build: columns, rows and pairs in both directions.
 *
 * One tool makes all four groupings.  The elements (vertex, other end, position) are
 * partitioned, stably, into buckets of consecutive vertices that fit a core's cache;
 * then each bucket is counting-sorted by vertex alone, by one thread:
 *
 *   rows in     transfers by `to`
 *   rows out    transfers by `from`; inside each row the (to, position) keys are sorted
 *               as well, and equal neighbours become one pair
 *   pairs out   come out of that in order, so that a pair id is its place in the rows
 *   pairs in    pairs by `to`; ids ascend by `from`, so rows come out ascending
 *
 * A stable sort has one result: bytes do not depend on blocks, buckets or threads.
 * Working memory beside the snapshot: 20 bytes per transfer.
 */
#include "graph/snapshot.h"

#include <assert.h>
#include <inttypes.h>

#include "graph/parts_int.h"
#include "graph/snapshot_int.h"

enum {
    BUCKET_ELEMENTS = 1 << 15, /* wanted in a bucket: 20 bytes each stay in 1 MiB */
    SHORT_ROW = 24,            /* up to here insertion beats counting digits */
    AHEAD = 24, /* keys; gathers of value and time are asked for so early */
    STEPS = 5   /* that wr_snapshot_build shows */
};

/* One element on its way to the row of vertex v. */
typedef struct item {
    wr_vid v, nbr;
    uint32_t pos; /* column position, or pair id */
} item;

/* Buckets of 2^shift vertices over items. */
typedef struct buckets {
    wr_parts parts;
    unsigned shift;
    uint32_t n;
    item *item; /* [m] partitioned; borrowed */
} buckets;

static unsigned bucket_shift(uint32_t n, uint64_t m)
{
    uint64_t wanted = m / BUCKET_ELEMENTS + 1;
    if (wanted > WR_PARTS_BUCKETS_MAX)
        wanted = WR_PARTS_BUCKETS_MAX;
    unsigned shift = 0;
    while (n > 0 && ((uint64_t)n - 1) >> shift >= wanted)
        shift++;
    return shift;
}

static wr_vid bucket_first(const buckets *b, uint32_t k)
{
    return (wr_vid)((uint64_t)k << b->shift);
}

static uint64_t bucket_end(const buckets *b, uint32_t k)
{
    const uint64_t end = (k + UINT64_C(1)) << b->shift;
    return end < b->n ? end : b->n;
}

/* Count keys per bucket and say where every block writes. */
static wr_status buckets_plan(buckets *b, const wr_vid *key, uint64_t m, uint32_t n,
                              wr_err *err)
{
    b->n = n;
    b->shift = bucket_shift(n, m);
    const uint32_t count = n > 0 ? ((n - 1) >> b->shift) + 1 : 0;
    WR_TRY(wr_parts_init(&b->parts, m, count, err));
    wr_parts *p = &b->parts;
    const unsigned shift = b->shift;
#pragma omp parallel for default(none) shared(p, key, shift) \
    schedule(dynamic, 1) if (p->blocks > 1)
    for (uint32_t block = 0; block < p->blocks; block++) {
        uint64_t *c = &p->at[(size_t)block * p->buckets];
        for (uint64_t i = wr_parts_lo(p, block); i < wr_parts_hi(p, block); i++)
            c[key[i] >> shift]++;
    }
    wr_parts_prefix(p);
    return WR_OK;
}

/* Transfers by `key`, the other end beside it. */
static void partition_transfers(const buckets *b, const wr_vid *key, const wr_vid *other)
{
    const wr_parts *p = &b->parts;
    const unsigned shift = b->shift;
    item *to = b->item;
#pragma omp parallel for default(none) shared(p, key, other, shift, to) \
    schedule(dynamic, 1) if (p->blocks > 1)
    for (uint32_t block = 0; block < p->blocks; block++) {
        uint64_t *at = &p->at[(size_t)block * p->buckets];
        for (uint64_t i = wr_parts_lo(p, block); i < wr_parts_hi(p, block); i++)
            to[at[key[i] >> shift]++] =
                (item){.v = key[i], .nbr = other[i], .pos = (uint32_t)i};
    }
}

/* The row that holds pair `id`: the last one that starts at or before it. */
static wr_vid row_of_pair(const uint64_t *off, uint32_t n, uint64_t id)
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

/* Pairs by `to`, taken from the out-rows. */
static void partition_pairs(const buckets *b, const uint64_t *off, const wr_vid *nbr)
{
    const wr_parts *p = &b->parts;
    const unsigned shift = b->shift;
    const uint32_t n = b->n;
    item *to = b->item;
#pragma omp parallel for default(none) shared(p, off, nbr, shift, n, to) \
    schedule(dynamic, 1) if (p->blocks > 1)
    for (uint32_t block = 0; block < p->blocks; block++) {
        uint64_t *at = &p->at[(size_t)block * p->buckets];
        uint64_t id = wr_parts_lo(p, block);
        wr_vid u = row_of_pair(off, n, id);
        for (; id < wr_parts_hi(p, block); id++) {
            while (off[u + UINT64_C(1)] <= id)
                u++;
            to[at[nbr[id] >> shift]++] =
                (item){.v = nbr[id], .nbr = u, .pos = (uint32_t)id};
        }
    }
}

/* --- inside a bucket: all arrays are touched by one thread ------------------------ */

/* Row starts of bucket k into off, which serves as its own counter. */
static void count_rows(const buckets *b, uint32_t k, uint64_t *off)
{
    const uint64_t lo = b->parts.start[k];
    const uint64_t hi = b->parts.start[k + 1];
    const uint64_t end = bucket_end(b, k);
    for (uint64_t v = bucket_first(b, k); v < end; v++)
        off[v] = 0;
    for (uint64_t i = lo; i < hi; i++)
        off[b->item[i].v]++;
    uint64_t sum = lo;
    for (uint64_t v = bucket_first(b, k); v < end; v++) {
        const uint64_t count = off[v];
        off[v] = sum;
        sum += count;
    }
}

/* off[v] has walked to the end of row v, which is the start of row v + 1. */
static void rewind_rows(const buckets *b, uint32_t k, uint64_t *off)
{
    for (uint64_t v = bucket_end(b, k) - 1; v > bucket_first(b, k); v--)
        off[v] = off[v - 1];
    off[bucket_first(b, k)] = b->parts.start[k];
}

static uint64_t key_of(const item *x)
{
    return (uint64_t)x->nbr << 32 | x->pos;
}

static void insertion_sort(uint64_t *key, uint64_t m)
{
    for (uint64_t i = 1; i < m; i++) {
        const uint64_t x = key[i];
        uint64_t j = i;
        for (; j > 0 && key[j - 1] > x; j--)
            key[j] = key[j - 1];
        key[j] = x;
    }
}

/* By byte `shift / 8`, stable. */
static void byte_sort(uint64_t *to, const uint64_t *key, uint64_t m, unsigned shift)
{
    uint64_t at[257] = {0};
    for (uint64_t i = 0; i < m; i++)
        at[(key[i] >> shift & 255) + 1]++;
    for (int d = 1; d < 256; d++)
        at[d] += at[d - 1];
    for (uint64_t i = 0; i < m; i++)
        to[at[key[i] >> shift & 255]++] = key[i];
}

/*
 * Sort a row by neighbour.  Positions ascend already, so only the bytes of the
 * neighbour that n uses are worked on; always an even number of times, to end in `key`.
 */
static void sort_row(uint64_t *key, uint64_t *spare, uint64_t m, uint32_t n)
{
    if (m <= SHORT_ROW) {
        insertion_sort(key, m);
        return;
    }
    const unsigned end = n > 1U << 16 ? 64 : 48;
    for (unsigned shift = 32; shift < end; shift += 16) {
        byte_sort(spare, key, m, shift);
        byte_sort(key, spare, m, shift + 8);
    }
}

static uint32_t count_distinct(const uint64_t *key, uint64_t m, wr_vid self)
{
    uint32_t distinct = 0;
    for (uint64_t i = 0; i < m; i++)
        distinct += key[i] >> 32 != self && (i == 0 || key[i] >> 32 != key[i - 1] >> 32);
    return distinct;
}

/* --- rows ------------------------------------------------------------------------- */

/* Positions (and other ends, when wanted) grouped by vertex; off [n+1]. */
static void fill_rows(const buckets *b, uint64_t *off, uint32_t *pos, wr_vid *nbr)
{
    const uint32_t count = b->parts.buckets;
#pragma omp parallel for default(none) shared(b, off, pos, nbr, count) \
    schedule(dynamic, 1) if (count > 1)
    for (uint32_t k = 0; k < count; k++) {
        count_rows(b, k, off);
        for (uint64_t i = b->parts.start[k]; i < b->parts.start[k + 1]; i++) {
            const uint64_t at = off[b->item[i].v]++;
            pos[at] = b->item[i].pos;
            if (nbr)
                nbr[at] = b->item[i].nbr;
        }
        rewind_rows(b, k, off);
    }
    off[b->n] = b->parts.m;
}

/* The two u64-sized halves of what was items [lo, hi): scratch for sorting rows. */
static uint64_t *scratch_of(item *first)
{
    return (uint64_t *)(((uintptr_t)first + 7) & ~(uintptr_t)7);
}

/*
 * Rows out, and beside them key [m]: each row's (to, position), sorted.  pairs_of_row
 * [n] and pairs_of_bucket get the numbers of distinct neighbours.
 */
static void fill_rows_out(const buckets *b, const wr_snapshot *g, uint64_t *key,
                          uint64_t *pairs_of_row, uint64_t *pairs_of_bucket)
{
    const uint32_t count = b->parts.buckets;
    uint64_t *off = g->out_off;
    uint32_t *col = g->out_col;
#pragma omp parallel for default(none)                             \
    shared(b, off, col, key, pairs_of_row, pairs_of_bucket, count) \
        schedule(dynamic, 1) if (count > 1)
    for (uint32_t k = 0; k < count; k++) {
        const uint64_t hi = b->parts.start[k + 1];
        count_rows(b, k, off);
        for (uint64_t i = b->parts.start[k]; i < hi; i++) {
            const uint64_t at = off[b->item[i].v]++;
            col[at] = b->item[i].pos;
            key[at] = key_of(&b->item[i]);
        }
        rewind_rows(b, k, off);
        uint64_t pairs = 0;
        const uint64_t end = bucket_end(b, k);
        for (uint64_t v = bucket_first(b, k); v < end; v++) {
            const uint64_t lo = off[v];
            const uint64_t m = (v + 1 < end ? off[v + 1] : hi) - lo;
            sort_row(key + lo, scratch_of(b->item + lo), m, b->n); /* items are spent */
            pairs_of_row[v] = count_distinct(key + lo, m, (wr_vid)v);
            pairs += pairs_of_row[v];
        }
        pairs_of_bucket[k] = pairs;
    }
    off[b->n] = b->parts.m;
}

/* --- pairs ------------------------------------------------------------------------ */

/* The run of equal neighbours that starts at key[i] becomes pair `id`; returns its end.
 */
static uint64_t fold_pair(wr_snapshot *g, uint64_t id, const uint64_t *key, uint64_t i,
                          uint64_t hi)
{
    const uint64_t nbr = key[i] >> 32;
    double sum = 0.0;
    uint32_t count = 0;
    g->pout_nbr[id] = (wr_vid)nbr;
    g->pair_first_s[id] = g->time_s[(uint32_t)key[i]];
    for (; i < hi && key[i] >> 32 == nbr; i++) {
        __builtin_prefetch(&g->value[(uint32_t)key[i + AHEAD]]);
        __builtin_prefetch(&g->time_s[(uint32_t)key[i + AHEAD]]);
        sum += g->value[(uint32_t)key[i]];
        count++; /* m < 2^32: cannot pass UINT32_MAX */
    }
    g->pair_last_s[id] = g->time_s[(uint32_t)key[i - 1]];
    g->pair_value[id] = (float)sum;
    g->pair_count[id] = count;
    return i;
}

/* pout_off comes as pairs per row, id[k] as the first pair of bucket k. */
static void fill_pairs_out(const buckets *b, wr_snapshot *g, const uint64_t *key,
                           const uint64_t *first_id)
{
    const uint32_t count = b->parts.buckets;
#pragma omp parallel for default(none) shared(b, g, key, first_id, count) \
    schedule(dynamic, 1) if (count > 1)
    for (uint32_t k = 0; k < count; k++) {
        uint64_t id = first_id[k];
        for (uint64_t v = bucket_first(b, k); v < bucket_end(b, k); v++) {
            const uint64_t hi = g->out_off[v + 1];
            g->pout_off[v] = id;
            for (uint64_t i = g->out_off[v]; i < hi;) {
                if (key[i] >> 32 == v)
                    i++; /* a self-transfer is no pair */
                else
                    i = fold_pair(g, id++, key, i, hi);
            }
        }
    }
    g->pout_off[g->n] = g->pairs;
}

static wr_status alloc_pairs(wr_snapshot *g, wr_err *err)
{
    g->pout_nbr = wr_alloc_big(g->pairs, sizeof *g->pout_nbr);
    g->pair_value = wr_alloc_big(g->pairs, sizeof *g->pair_value);
    g->pair_count = wr_alloc_big(g->pairs, sizeof *g->pair_count);
    g->pair_first_s = wr_alloc_big(g->pairs, sizeof *g->pair_first_s);
    g->pair_last_s = wr_alloc_big(g->pairs, sizeof *g->pair_last_s);
    if (!g->pout_nbr || !g->pair_value || !g->pair_count || !g->pair_first_s ||
        !g->pair_last_s)
        return wr_fail(err, WR_ENOMEM, "%" PRIu64 " pairs", g->pairs);
    return WR_OK;
}

/* --- stages ----------------------------------------------------------------------- */

static wr_status alloc_rows(uint64_t **off, uint32_t **col, uint32_t n, uint64_t m,
                            wr_err *err)
{
    *off = wr_alloc_big(n + (size_t)1, sizeof **off);
    *col = wr_alloc_big(m, sizeof **col);
    if (!*off || !*col)
        return wr_fail(err, WR_ENOMEM, "rows of %" PRIu64 " over %" PRIu32 " vertices", m,
                       n);
    return WR_OK;
}

static wr_status build_rows_in(wr_snapshot *g, item *items, wr_err *err)
{
    buckets b = {.item = items};
    WR_TRY(alloc_rows(&g->in_off, &g->in_col, g->n, g->m, err));
    WR_TRY(buckets_plan(&b, g->to, g->m, g->n, err));
    partition_transfers(&b, g->to, g->from);
    fill_rows(&b, g->in_off, g->in_col, NULL);
    wr_parts_release(&b.parts);
    return WR_OK;
}

static wr_status rows_and_pairs_out(wr_snapshot *g, const buckets *b, uint64_t *key,
                                    wr_err *err)
{
    WR_AUTO_ARRAY uint64_t *pairs = wr_calloc(b->parts.buckets, sizeof *pairs);
    if (!pairs)
        return wr_fail(err, WR_ENOMEM, "pairs of %" PRIu32 " buckets", b->parts.buckets);
    fill_rows_out(b, g, key, g->pout_off, pairs);
    for (uint32_t k = 0; k < b->parts.buckets; k++) { /* counts become first ids */
        const uint64_t first = g->pairs;
        g->pairs += pairs[k];
        pairs[k] = first;
    }
    WR_TRY(alloc_pairs(g, err));
    fill_pairs_out(b, g, key, pairs);
    return WR_OK;
}

static wr_status build_out(wr_snapshot *g, item *items, wr_err *err)
{
    WR_AUTO_ARRAY uint64_t *key = wr_alloc_big(g->m + AHEAD, sizeof *key);
    if (!key)
        return wr_fail(err, WR_ENOMEM, "keys of %" PRIu64 " transfers", g->m);
    memset(key + g->m, 0, AHEAD * sizeof *key);
    WR_TRY(alloc_rows(&g->out_off, &g->out_col, g->n, g->m, err));
    g->pout_off = wr_alloc_big(g->n + (size_t)1, sizeof *g->pout_off);
    if (!g->pout_off)
        return wr_fail(err, WR_ENOMEM, "pair rows of %" PRIu32 " vertices", g->n);
    buckets b = {.item = items};
    WR_TRY(buckets_plan(&b, g->from, g->m, g->n, err));
    partition_transfers(&b, g->from, g->to);
    const wr_status s = rows_and_pairs_out(g, &b, key, err);
    wr_parts_release(&b.parts);
    return s;
}

static wr_status build_pairs_in(wr_snapshot *g, item *items, wr_err *err)
{
    buckets b = {.item = items};
    WR_TRY(alloc_rows(&g->pin_off, &g->pin_pair, g->n, g->pairs, err));
    g->pin_nbr = wr_alloc_big(g->pairs, sizeof *g->pin_nbr);
    if (!g->pin_nbr)
        return wr_fail(err, WR_ENOMEM, "%" PRIu64 " pairs", g->pairs);
    WR_TRY(buckets_plan(&b, g->pout_nbr, g->pairs, g->n, err));
    partition_pairs(&b, g->pout_off, g->pout_nbr);
    fill_rows(&b, g->pin_off, g->pin_pair, g->pin_nbr);
    wr_parts_release(&b.parts);
    return WR_OK;
}

static const char phase[] = "build graph";

static wr_status at_step(const wr_progress *pg, int step, uint64_t m, wr_err *err)
{
    return wr_progress_at(pg, phase, m / STEPS * (uint64_t)step, m, err);
}

static wr_status build_views(wr_snapshot *g, const wr_progress *pg, wr_err *err)
{
    WR_AUTO_ARRAY item *items = wr_alloc_big(g->m, sizeof *items);
    if (!items)
        return wr_fail(err, WR_ENOMEM, "%" PRIu64 " transfers to sort", g->m);
    WR_TRY(build_rows_in(g, items, err));
    WR_TRY(at_step(pg, 3, g->m, err));
    WR_TRY(build_out(g, items, err));
    WR_TRY(at_step(pg, 4, g->m, err));
    return build_pairs_in(g, items, err);
}

static wr_status build(wr_snapshot **out, wr_edges *e, wr_ids *ids, uint32_t n,
                       const wr_progress *pg, wr_err *err)
{
    WR_AUTO(wr_snapshot) g = wr_calloc(1, sizeof *g);
    if (!g) {
        wr_ids_free(ids);
        return wr_fail(err, WR_ENOMEM, "snapshot");
    }
    atomic_init(&g->refs, 1);
    g->ids = ids;
    g->n = ids ? wr_ids_count(ids) : n;
    const uint64_t m = e->m;
    wr_edges_facts facts;
    WR_TRY(at_step(pg, 0, m, err));
    WR_TRY(wr_edges_validate(e, g->n, &facts, err));
    WR_TRY(at_step(pg, 1, m, err));
    WR_TRY(wr_snapshot_take_columns(g, e, &facts, err));
    WR_TRY(at_step(pg, 2, m, err));
    WR_TRY(build_views(g, pg, err));
    WR_TRY(wr_snapshot_find_hubs(g, err));
    WR_TRY(wr_progress_at(pg, phase, m, m, err));
    *out = WR_STEAL(g);
    return WR_OK;
}

wr_status wr_snapshot_build(wr_snapshot **out, wr_edges *e, wr_ids *ids,
                            uint32_t n_if_no_ids, const wr_progress *pg, wr_err *err)
{
    assert(out && e);
    const wr_status s = build(out, e, ids, n_if_no_ids, pg, err);
    wr_edges_release(e);
    return s;
}
