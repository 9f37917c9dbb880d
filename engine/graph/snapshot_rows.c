/* Grouping by `to`: transfers (rows in) and pairs (pairs in). */
#include <inttypes.h>
#include <omp.h>
#include <string.h>

#include "graph/buckets_int.h"

wr_status wr_rows_alloc(uint64_t **off, uint32_t **col, uint32_t n, uint64_t m,
                        wr_err *err)
{
    *off = wr_alloc_big(n + (size_t)1, sizeof **off);
    *col = wr_alloc_big(m, sizeof **col);
    if (!*off || !*col)
        return wr_fail(err, WR_ENOMEM, "rows of %" PRIu64 " over %" PRIu32 " vertices", m,
                       n);
    return WR_OK;
}

/* One element on its way to the row of vertex v; m of them fit the working memory. */
typedef struct item {
    wr_vid v, nbr;
    uint32_t pos; /* column position, or pair id */
} item;

/* --- partition ---------------------------------------------------------------------- */

static void partition_transfers(const wr_buckets *b, item *to, const wr_vid *key)
{
    const wr_parts *p = &b->parts;
    const unsigned shift = b->shift;
#pragma omp parallel for default(none) shared(p, key, shift, to) \
    schedule(dynamic, 1) if (p->blocks > 1)
    for (uint32_t block = 0; block < p->blocks; block++) {
        uint32_t *at = &p->at[(size_t)block * p->buckets];
        for (uint64_t i = wr_parts_lo(p, block); i < wr_parts_hi(p, block); i++) {
            item *place = &to[at[key[i] >> shift]++];
            wr_parts_ask(place);
            *place = (item){.v = key[i], .pos = (uint32_t)i};
        }
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

/* Pairs by `to`, taken from the out-rows: ids ascend by `from`, so in-rows will, too. */
static void partition_pairs(const wr_buckets *b, item *to, const uint64_t *off,
                            const wr_vid *nbr)
{
    const wr_parts *p = &b->parts;
    const unsigned shift = b->shift;
    const uint32_t n = b->n;
#pragma omp parallel for default(none) shared(p, off, nbr, shift, n, to) \
    schedule(dynamic, 1) if (p->blocks > 1)
    for (uint32_t block = 0; block < p->blocks; block++) {
        uint32_t *at = &p->at[(size_t)block * p->buckets];
        uint64_t id = wr_parts_lo(p, block);
        wr_vid u = row_of_pair(off, n, id);
        for (; id < wr_parts_hi(p, block); id++) {
            while (off[u + UINT64_C(1)] <= id)
                u++;
            item *place = &to[at[nbr[id] >> shift]++];
            wr_parts_ask(place);
            *place = (item){.v = nbr[id], .nbr = u, .pos = (uint32_t)id};
        }
    }
}

/* --- group -------------------------------------------------------------------------- */

/* Bucket k: row starts into off, positions (and other ends, when wanted) into rows. */
static void group(const wr_buckets *b, uint32_t k, const item *x, uint32_t *at,
                  uint64_t *off, uint32_t *pos, wr_vid *nbr)
{
    const uint64_t lo = b->parts.start[k];
    const uint64_t hi = b->parts.start[k + 1];
    const wr_vid first = wr_bucket_first(b, k);
    const uint64_t vertices = wr_bucket_end(b, k) - first;
    wr_parts_ask_all(pos + lo, (hi - lo) * sizeof *pos);
    if (nbr)
        wr_parts_ask_all(nbr + lo, (hi - lo) * sizeof *nbr);
    memset(at, 0, vertices * sizeof *at);
    for (uint64_t i = lo; i < hi; i++)
        at[x[i].v - first]++;
    uint32_t sum = 0;
    for (uint64_t v = 0; v < vertices; v++) {
        const uint32_t count = at[v];
        at[v] = sum;
        off[first + v] = lo + sum;
        sum += count;
    }
    for (uint64_t i = lo; i < hi; i++) {
        const uint64_t place = lo + at[x[i].v - first]++;
        pos[place] = x[i].pos;
        if (nbr)
            nbr[place] = x[i].nbr;
    }
}

static wr_status group_all(const wr_buckets *b, const item *x, uint64_t *off,
                           uint32_t *pos, wr_vid *nbr, wr_err *err)
{
    const uint32_t count = b->parts.buckets;
    int threads;
    uint32_t failed = 0;
    wr_scratch *s = wr_scratch_new(&threads);
    if (!s)
        return wr_fail(err, WR_ENOMEM, "scratch of %d threads", threads);
#pragma omp parallel for default(none) shared(b, x, off, pos, nbr, count, s) \
    reduction(+ : failed) schedule(dynamic, 1) if (count > 1)
    for (uint32_t k = 0; k < count; k++) {
        wr_scratch *mine = &s[omp_get_thread_num()];
        if (wr_scratch_fit(mine, UINT64_C(1) << b->shift, 0))
            group(b, k, x, mine->at, off, pos, nbr);
        else
            failed++;
    }
    off[b->n] = b->parts.m;
    wr_scratch_free(s, threads);
    return failed ? wr_fail(err, WR_ENOMEM, "scratch of %d threads", threads) : WR_OK;
}

/* --- stages ------------------------------------------------------------------------- */

wr_status wr_build_rows_in(wr_snapshot *g, void *work, wr_err *err)
{
    WR_AUTO_BUCKETS(b);
    WR_TRY(wr_rows_alloc(&g->in_off, &g->in_col, g->n, g->m, err));
    WR_TRY(wr_buckets_plan(&b, g->to, g->m, g->n, err));
    partition_transfers(&b, work, g->to);
    return group_all(&b, work, g->in_off, g->in_col, NULL, err);
}

wr_status wr_build_pairs_in(wr_snapshot *g, void *work, wr_err *err)
{
    WR_AUTO_BUCKETS(b);
    WR_TRY(wr_rows_alloc(&g->pin_off, &g->pin_pair, g->n, g->pairs, err));
    g->pin_nbr = wr_alloc_big(g->pairs, sizeof *g->pin_nbr);
    if (!g->pin_nbr)
        return wr_fail(err, WR_ENOMEM, "%" PRIu64 " pairs", g->pairs);
    WR_TRY(wr_buckets_plan(&b, g->pout_nbr, g->pairs, g->n, err));
    partition_pairs(&b, work, g->pout_off, g->pout_nbr);
    return group_all(&b, work, g->pin_off, g->pin_pair, g->pin_nbr, err);
}
