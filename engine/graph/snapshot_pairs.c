/*
 * Grouping by `from`: rows out, and the pairs that fall out of them.
 *
 * A transfer travels whole (24 bytes), because the two gathers that a pair needs, time
 * and value, cost more from memory than carrying them through one partition; inside a
 * bucket they come from cache.  Per bucket:
 *
 *   rows    positions grouped by vertex in column order: the out-row
 *   order   the same elements by (vertex, neighbour, position): radix sort by neighbour,
 *           low digits first, then by vertex; equal neighbours of a row are one pair
 *
 * Pairs can be placed only when every bucket has counted its own, hence two passes.
 */
#include <inttypes.h>
#include <omp.h>
#include <string.h>

#include "graph/buckets_int.h"

enum {
    DIGIT = 11,
    DIGITS = 1 << DIGIT,
    PASSES_MAX = 3,
    AHEAD = 24 /* legs that the second pass asks for before it needs them */
};

typedef struct leg { /* a transfer on its way to its out-row */
    wr_vid v, nbr;
    uint32_t pos, time_s;
    double value;
} leg;

typedef struct out_stage {
    wr_snapshot *g;
    wr_buckets b;
    leg *leg;        /* [m] partitioned */
    uint32_t *order; /* [m + AHEAD] leg number - start of its bucket; 0 behind m */
    uint64_t *pairs; /* [buckets] counted, then first pair id */
    unsigned passes; /* digits of a neighbour */
} out_stage;

static void partition(const out_stage *x)
{
    const wr_parts *p = &x->b.parts;
    const unsigned shift = x->b.shift;
    const wr_snapshot *g = x->g;
    leg *to = x->leg;
#pragma omp parallel for default(none) shared(p, g, shift, to) \
    schedule(dynamic, 1) if (p->blocks > 1)
    for (uint32_t block = 0; block < p->blocks; block++) {
        uint64_t *at = &p->at[(size_t)block * p->buckets];
        for (uint64_t i = wr_parts_lo(p, block); i < wr_parts_hi(p, block); i++) {
            leg *place = &to[at[g->from[i] >> shift]++];
            wr_parts_ask(place);
            *place = (leg){.v = g->from[i],
                           .nbr = g->to[i],
                           .pos = (uint32_t)i,
                           .time_s = g->time_s[i],
                           .value = g->value[i]};
        }
    }
}

/* --- first pass: rows, order, number of pairs -----------------------------------------
 */

/* Row starts of bucket k, relative in at, absolute in out_off. */
static void start_rows(const out_stage *x, uint32_t k, uint32_t *at)
{
    const uint64_t lo = x->b.parts.start[k];
    const uint64_t hi = x->b.parts.start[k + 1];
    const wr_vid first = wr_bucket_first(&x->b, k);
    const uint64_t vertices = wr_bucket_end(&x->b, k) - first;
    memset(at, 0, vertices * sizeof *at);
    for (uint64_t i = lo; i < hi; i++)
        at[x->leg[i].v - first]++;
    uint32_t sum = 0;
    for (uint64_t v = 0; v < vertices; v++) {
        const uint32_t count = at[v];
        at[v] = sum;
        x->g->out_off[first + v] = lo + sum;
        sum += count;
    }
}

/* Rows; at moves to their ends. */
static void fill_rows(const out_stage *x, uint32_t k, uint32_t *at)
{
    const wr_vid first = wr_bucket_first(&x->b, k);
    uint32_t *col = x->g->out_col + x->b.parts.start[k];
    for (uint64_t i = x->b.parts.start[k]; i < x->b.parts.start[k + 1]; i++)
        col[at[x->leg[i].v - first]++] = x->leg[i].pos;
}

/* The bucket's legs as neighbour << 32 | number, sorted; the result is in s->key. */
static void sort_by_neighbour(const out_stage *x, uint32_t k, wr_scratch *s)
{
    const leg *l = x->leg + x->b.parts.start[k];
    const uint64_t m = x->b.parts.start[k + 1] - x->b.parts.start[k];
    uint32_t at[PASSES_MAX][DIGITS];
    memset(at, 0, x->passes * sizeof at[0]);
    for (uint64_t i = 0; i < m; i++) {
        s->key[i] = (uint64_t)l[i].nbr << 32 | i;
        for (unsigned d = 0; d < x->passes; d++)
            at[d][l[i].nbr >> (d * DIGIT) & (DIGITS - 1)]++;
    }
    for (unsigned d = 0; d < x->passes; d++) {
        uint32_t sum = 0;
        for (unsigned c = 0; c < DIGITS; c++) {
            const uint32_t count = at[d][c];
            at[d][c] = sum;
            sum += count;
        }
        const unsigned shift = 32 + d * DIGIT;
        for (uint64_t i = 0; i < m; i++)
            s->spare[at[d][s->key[i] >> shift & (DIGITS - 1)]++] = s->key[i];
        uint64_t *sorted = s->spare;
        s->spare = s->key;
        s->key = sorted;
    }
}

/* By vertex on top, which leaves rows in (neighbour, position) order; counts pairs. */
static uint64_t fill_order(const out_stage *x, uint32_t k, wr_scratch *s)
{
    const uint64_t lo = x->b.parts.start[k];
    const uint64_t m = x->b.parts.start[k + 1] - lo;
    const wr_vid first = wr_bucket_first(&x->b, k);
    const uint64_t vertices = wr_bucket_end(&x->b, k) - first;
    uint64_t pairs = 0;
    for (uint64_t v = 0; v < vertices; v++) {
        s->at[v] = (uint32_t)(x->g->out_off[first + v] - lo);
        s->last[v] = WR_VID_NONE;
    }
    for (uint64_t i = 0; i < m; i++) {
        const uint32_t number = (uint32_t)s->key[i];
        const wr_vid nbr = (wr_vid)(s->key[i] >> 32);
        const wr_vid v = x->leg[lo + number].v;
        x->order[lo + s->at[v - first]++] = number;
        pairs += (uint64_t)(nbr != v) & (uint64_t)(nbr != s->last[v - first]);
        s->last[v - first] = nbr;
    }
    return pairs;
}

static wr_status first_pass(out_stage *x, wr_err *err)
{
    const uint32_t count = x->b.parts.buckets;
    int threads;
    uint32_t failed = 0;
    wr_scratch *s = wr_scratch_new(&threads);
    if (!s)
        return wr_fail(err, WR_ENOMEM, "scratch of %d threads", threads);
#pragma omp parallel for default(none) shared(x, count, s) reduction(+ : failed) \
    schedule(dynamic, 1) if (count > 1)
    for (uint32_t k = 0; k < count; k++) {
        wr_scratch *mine = &s[omp_get_thread_num()];
        const uint64_t m = x->b.parts.start[k + 1] - x->b.parts.start[k];
        if (wr_scratch_fit(mine, UINT64_C(1) << x->b.shift, m + 1)) {
            start_rows(x, k, mine->at);
            fill_rows(x, k, mine->at);
            sort_by_neighbour(x, k, mine);
            x->pairs[k] = fill_order(x, k, mine);
        } else {
            failed++;
        }
    }
    x->g->out_off[x->g->n] = x->g->m;
    wr_scratch_free(s, threads);
    return failed ? wr_fail(err, WR_ENOMEM, "scratch of %d threads", threads) : WR_OK;
}

/* --- second pass: the pairs ------------------------------------------------------------
 */

/* The run of equal neighbours at order[i] becomes pair `id`; returns its end. */
static uint64_t fold_pair(wr_snapshot *g, uint64_t id, const leg *l,
                          const uint32_t *order, uint64_t i, uint64_t hi)
{
    const leg *first = &l[order[i]];
    const leg *last = first;
    double sum = 0.0;
    uint32_t count = 0;
    for (; i < hi && l[order[i]].nbr == first->nbr; i++) {
        __builtin_prefetch(&l[order[i + AHEAD]]);
        last = &l[order[i]];
        sum += last->value;
        count++; /* m < 2^32: cannot pass UINT32_MAX */
    }
    g->pout_nbr[id] = first->nbr;
    g->pair_value[id] = (float)sum;
    g->pair_count[id] = count;
    g->pair_first_s[id] = first->time_s;
    g->pair_last_s[id] = last->time_s;
    return i;
}

static void second_pass(const out_stage *x)
{
    const uint32_t count = x->b.parts.buckets;
    wr_snapshot *g = x->g;
#pragma omp parallel for default(none) shared(x, g, count) \
    schedule(dynamic, 1) if (count > 1)
    for (uint32_t k = 0; k < count; k++) {
        const leg *l = x->leg + x->b.parts.start[k];
        uint64_t id = x->pairs[k];
        for (uint64_t v = wr_bucket_first(&x->b, k); v < wr_bucket_end(&x->b, k); v++) {
            const uint64_t hi = g->out_off[v + 1];
            g->pout_off[v] = id;
            for (uint64_t i = g->out_off[v]; i < hi;) {
                if (l[x->order[i]].nbr == v)
                    i++; /* a self-transfer is no pair */
                else
                    i = fold_pair(g, id++, l, x->order, i, hi);
            }
        }
    }
    g->pout_off[g->n] = g->pairs;
}

/* --- the stage
 * -------------------------------------------------------------------------- */

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

static wr_status run(out_stage *x, wr_err *err)
{
    wr_snapshot *g = x->g;
    WR_TRY(wr_rows_alloc(&g->out_off, &g->out_col, g->n, g->m, err));
    g->pout_off = wr_alloc_big(g->n + (size_t)1, sizeof *g->pout_off);
    WR_TRY(wr_buckets_plan(&x->b, g->from, g->m, g->n, err));
    x->pairs = wr_calloc(x->b.parts.buckets, sizeof *x->pairs);
    if (!g->pout_off || !x->pairs)
        return wr_fail(err, WR_ENOMEM, "pairs of %" PRIu64 " transfers", g->m);
    memset(x->order + g->m, 0, AHEAD * sizeof *x->order);
    partition(x);
    WR_TRY(first_pass(x, err));
    for (uint32_t k = 0; k < x->b.parts.buckets; k++) { /* counts become first ids */
        const uint64_t first = g->pairs;
        g->pairs += x->pairs[k];
        x->pairs[k] = first;
    }
    WR_TRY(alloc_pairs(g, err));
    second_pass(x);
    return WR_OK;
}

uint64_t wr_build_work_bytes(uint64_t m)
{
    return m * sizeof(leg) + (m + AHEAD) * sizeof(uint32_t);
}

wr_status wr_build_out(wr_snapshot *g, void *work, wr_err *err)
{
    leg *legs = work;
    out_stage x = {.g = g, .leg = legs, .order = (uint32_t *)(legs + g->m), .passes = 1};
    while (x.passes < PASSES_MAX && g->n > 0 && (g->n - 1) >> (x.passes * DIGIT) != 0)
        x.passes++;
    const wr_status s = run(&x, err);
    wr_buckets_release(&x.b);
    wr_free(x.pairs);
    return s;
}
