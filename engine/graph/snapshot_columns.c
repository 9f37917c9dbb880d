/*
 * Rows become columns: sorted by (time, seq) when they are not yet, and the trivial
 * columns left out.
 *
 * The sort: rows travel whole (24 bytes) through one stable partition into buckets of
 * 2^shift seconds.  Inside a bucket, in cache, element numbers are sorted by seq (only
 * when rows do not arrive in seq order) and then by time, and the columns stream out over
 * the arrays that the rows came in: no fresh memory but for a column of seq or asset.
 */
#include <inttypes.h>
#include <string.h>

#include "graph/buckets_int.h"

enum { COPIED = 1 << 20 }; /* bytes at a time */

/* --- sort ------------------------------------------------------------------------ */

typedef struct row { /* on its way to its bucket */
    uint32_t time_s, seq_low;
    wr_vid from, to;
    double value;
} row;

typedef struct sort {
    wr_edges *e;
    const wr_edges_facts *f;
    wr_buckets b;
    row *row;          /* [m] partitioned */
    uint32_t *seq_low; /* [m] comes out sorted, as the arrays of e */
    uint16_t *asset;   /* [m], partitioned first; NULL: there is none */
} sort;

static void partition(const sort *x)
{
    const wr_parts *p = &x->b.parts;
    const unsigned shift = x->b.shift;
    const wr_edges *e = x->e;
    const uint32_t time_min = x->f->time_min;
    const uint64_t seq_min = (uint64_t)x->f->seq_min;
    row *to = x->row;
    uint16_t *asset = x->asset;
#pragma omp parallel for default(none) shared(p, e, shift, time_min, seq_min, to, asset) \
    schedule(dynamic, 1) if (p->blocks > 1)
    for (uint32_t block = 0; block < p->blocks; block++) {
        uint32_t *at = &p->at[(size_t)block * p->buckets];
        for (uint64_t i = wr_parts_lo(p, block); i < wr_parts_hi(p, block); i++) {
            const uint32_t k = at[(e->time_s[i] - time_min) >> shift]++;
            wr_parts_ask(&to[k]);
            to[k] = (row){.time_s = e->time_s[i],
                          .seq_low = (uint32_t)((uint64_t)e->seq[i] - seq_min),
                          .from = e->from[i],
                          .to = e->to[i],
                          .value = e->value[i]};
            if (asset)
                asset[k] = e->asset[i];
        }
    }
}

/* s->key = element numbers in order, in their lower halves. */
static void sort_numbers(const sort *x, const row *r, uint64_t m, wr_scratch *s)
{
    const uint32_t in_bucket = (uint32_t)((UINT64_C(1) << x->b.shift) - 1);
    const uint32_t time_min = x->f->time_min;
    if (x->f->is_seq_sorted) {
        for (uint64_t i = 0; i < m; i++)
            s->key[i] = (uint64_t)((r[i].time_s - time_min) & in_bucket) << 32 | i;
    } else {
        for (uint64_t i = 0; i < m; i++)
            s->key[i] = (uint64_t)r[i].seq_low << 32 | i;
        wr_scratch_sort(s, m, wr_bits_of(x->f->seq_span));
        for (uint64_t k = 0; k < m; k++) {
            const uint32_t i = (uint32_t)s->key[k];
            s->key[k] = (uint64_t)((r[i].time_s - time_min) & in_bucket) << 32 | i;
        }
    }
    wr_scratch_sort(s, m, x->b.shift);
}

static void write_columns(const sort *x, const row *r, uint64_t lo, uint64_t m,
                          const wr_scratch *s)
{
    const wr_edges *e = x->e;
    for (uint64_t k = 0; k < m; k++) {
        const row *from = &r[(uint32_t)s->key[k]];
        e->time_s[lo + k] = from->time_s;
        e->from[lo + k] = from->from;
        e->to[lo + k] = from->to;
        e->value[lo + k] = from->value;
        x->seq_low[lo + k] = from->seq_low;
    }
    if (!x->asset)
        return;
    for (uint64_t i = 0; i < m; i++)
        s->order[i] = x->asset[lo + i];
    for (uint64_t k = 0; k < m; k++)
        x->asset[lo + k] = (uint16_t)s->order[(uint32_t)s->key[k]];
}

static void sort_bucket(const void *ctx, uint32_t bucket, wr_scratch *s)
{
    const sort *x = ctx;
    const uint64_t lo = x->b.parts.start[bucket];
    const uint64_t m = x->b.parts.start[bucket + 1] - lo;
    sort_numbers(x, x->row + lo, m, s);
    write_columns(x, x->row + lo, lo, m, s);
}

static wr_status out_of_memory(uint64_t m, wr_err *err)
{
    return wr_fail(err, WR_ENOMEM, "columns of %" PRIu64 " transfers", m);
}

static wr_status run_sort(sort *x, wr_err *err)
{
    wr_edges *e = x->e;
    x->seq_low = wr_alloc_big(e->m, sizeof *x->seq_low);
    if (x->f->has_asset)
        x->asset = wr_alloc_big(e->cap, sizeof *x->asset);
    if (!x->seq_low || (x->f->has_asset && !x->asset))
        return out_of_memory(e->m, err);
    WR_TRY(wr_buckets_plan_range(&x->b, e->time_s, e->m, x->f->time_min, x->f->time_max,
                                 err));
    partition(x);
    return wr_buckets_each(&x->b, WR_SCRATCH_KEYS, sort_bucket, x, err);
}

/* e's rows, all but its seq, which comes out as seq_low. */
static wr_status sort_rows(uint32_t **seq_low, wr_edges *e, const wr_edges_facts *f,
                           void *work, wr_err *err)
{
    sort x = {.e = e, .f = f, .row = work};
    const wr_status s = run_sort(&x, err);
    wr_buckets_release(&x.b);
    if (s == WR_OK) {
        *seq_low = WR_STEAL(x.seq_low);
        if (x.asset) {
            wr_free(e->asset);
            e->asset = WR_STEAL(x.asset);
        }
    }
    wr_free(x.seq_low);
    wr_free(x.asset);
    return s;
}

/* --- seq ------------------------------------------------------------------------- */

/* Counted, not searched, to stay parallel. */
static bool is_position(const uint32_t *seq_low, uint64_t m)
{
    uint64_t odd = 0;
#pragma omp parallel for default(none) shared(seq_low, m) schedule(static) \
    reduction(+ : odd)
    for (uint64_t k = 0; k < m; k++)
        odd += seq_low[k] != k;
    return odd == 0;
}

/* The seq of rows that are in order. */
static wr_status copy_seq(uint32_t **seq_low, const wr_edges *e, const wr_edges_facts *f,
                          wr_err *err)
{
    if (f->is_seq_row || e->m == 0)
        return WR_OK;
    uint32_t *low = wr_alloc_big(e->m, sizeof *low);
    if (!low)
        return out_of_memory(e->m, err);
#pragma omp parallel for default(none) shared(low, e, f) schedule(static)
    for (uint64_t k = 0; k < e->m; k++)
        low[k] = (uint32_t)((uint64_t)e->seq[k] - (uint64_t)f->seq_min);
    *seq_low = low;
    return WR_OK;
}

/* --- columns --------------------------------------------------------------------- */

/* The block x of e without much slack: x, or a copy that replaces it; NULL when out of
 * memory, x is then freed, too. */
static void *trimmed(void *x, const wr_edges *e, size_t size)
{
    if (e->cap - e->m <= e->m / 8)
        return x;
    const size_t bytes = e->m * size;
    char *exact = wr_alloc_big(bytes, 1);
    if (exact) {
#pragma omp parallel for default(none) shared(exact, x, bytes) schedule(static)
        for (size_t at = 0; at < bytes; at += COPIED)
            memcpy(exact + at, (const char *)x + at,
                   bytes - at < COPIED ? bytes - at : COPIED);
    }
    wr_free(x);
    return exact;
}

static wr_status take_arrays(wr_snapshot *g, wr_edges *e, bool has_asset, wr_err *err)
{
    wr_free(WR_STEAL(e->seq));
    if (has_asset)
        g->asset = trimmed(WR_STEAL(e->asset), e, sizeof *g->asset);
    else
        wr_free(WR_STEAL(e->asset));
    g->time_s = trimmed(WR_STEAL(e->time_s), e, sizeof *g->time_s);
    g->from = trimmed(WR_STEAL(e->from), e, sizeof *g->from);
    g->to = trimmed(WR_STEAL(e->to), e, sizeof *g->to);
    g->value = trimmed(WR_STEAL(e->value), e, sizeof *g->value);
    if ((has_asset && !g->asset) || !g->time_s || !g->from || !g->to || !g->value)
        return out_of_memory(e->m, err);
    return WR_OK;
}

wr_status wr_snapshot_take_columns(wr_snapshot *g, wr_edges *e, const wr_edges_facts *f,
                                   void *work, wr_err *err)
{
    if (!e->from) /* no row was ever reserved: a snapshot has arrays all the same */
        WR_TRY(wr_edges_reserve(e, 1, err));
    g->m = e->m;
    g->seq_base = f->seq_min;
    if (f->is_sorted)
        WR_TRY(copy_seq(&g->seq_low, e, f, err));
    else
        WR_TRY(sort_rows(&g->seq_low, e, f, work, err));
    if (g->seq_low && f->seq_span == g->m - 1 && is_position(g->seq_low, g->m))
        wr_free(WR_STEAL(g->seq_low));
    return take_arrays(g, e, f->has_asset, err);
}
