#include "scoring/aggregate_int.h"

#include <math.h>
#include <string.h>

/*
 * ROWS     vertices handed to a thread at once
 * LANES    columns of one vector; TILE of them are kept in registers, GROUP on the stack
 * CHUNK    neighbours whose rows are read tile after tile before the next ones
 */
enum { ROWS = 256, LANES = 4, TILE = 4, GROUP = 16, CHUNK = 32, LINE_FLOATS = 16 };

#define INLINE static inline __attribute__((always_inline))

typedef float lane_f __attribute__((vector_size(16), aligned(4)));
typedef int32_t lane_i __attribute__((vector_size(16)));
typedef double lane_d __attribute__((vector_size(32)));

/* ---- plain: one column after the other ---- */

static void plain_cell(float *out, const wr_aggregate_job *j, wr_vid v, uint32_t c)
{
    const uint64_t lo = j->l->off[v], hi = j->l->off[v + 1ULL];
    const double first = lo < hi ? (double)j->x[j->l->nbr[lo] * j->ld + c] : 0;
    double sum = 0, squares = 0, max = first;
    for (uint64_t i = lo; i < hi; i++) {
        const double x = (double)j->x[j->l->nbr[i] * j->ld + c];
        sum += x - first;
        squares += (x - first) * (x - first);
        max = x > max ? x : max;
    }
    const double count = hi > lo ? (double)(hi - lo) : 1;
    const double mean = sum / count, variance = squares / count - mean * mean;
    out[c] = (float)(first + mean);
    if (!j->has_spread)
        return;
    out[j->columns + c] = (float)max;
    out[2 * j->columns + c] = (float)sqrt(variance > 0 ? variance : 0);
}

static void plain_columns(float *out, const wr_aggregate_job *j, wr_vid v, uint32_t from)
{
    for (uint32_t c = from; c < j->columns; c++)
        plain_cell(out, j, v, c);
}

/* ---- fast: a group of columns, in chunks of neighbours that stay in the cache ---- */

/* Of up to GROUP vectors of columns. */
typedef struct group {
    lane_d first[GROUP], sum[GROUP], squares[GROUP];
    lane_f max[GROUP];
} group;

typedef struct span {
    uint64_t lo, hi; /* places in nbr */
} span;

INLINE lane_f load(const float *x)
{
    lane_f v;
    memcpy(&v, x, sizeof v);
    return v;
}

/*
 * Lane by lane: gcc 12 makes one instruction of this, but two of __builtin_convertvector.
 * A macro, since a function would return a vector that the machine may not have.
 */
#define WIDEN(v) \
    ((lane_d){(double)(v)[0], (double)(v)[1], (double)(v)[2], (double)(v)[3]})

/* Neighbours of a span into vectors k .. k+tile-1; tile, has_spread: constants. */
INLINE void add_tile(group *g, const wr_aggregate_job *j, const float *x, span s, int k,
                     const int tile, const bool has_spread)
{
    const wr_vid *nbr = j->l->nbr;
    lane_d first[TILE], sum[TILE], squares[TILE];
    lane_f max[TILE];
    for (int t = 0; t < tile; t++) {
        first[t] = g->first[k + t];
        sum[t] = g->sum[k + t];
        squares[t] = g->squares[k + t];
        max[t] = g->max[k + t];
    }
    for (uint64_t i = s.lo; i < s.hi; i++) {
        const float *row = x + nbr[i] * j->ld + (size_t)k * LANES;
        for (int t = 0; t < tile; t++) {
            const lane_f y = load(row + (size_t)t * LANES);
            const lane_d away = WIDEN(y) - first[t];
            sum[t] += away;
            if (!has_spread)
                continue;
            squares[t] += away * away;
            const lane_i more = y > max[t];
            max[t] = (lane_f)(((lane_i)y & more) | ((lane_i)max[t] & ~more));
        }
    }
    for (int t = 0; t < tile; t++) {
        g->sum[k + t] = sum[t];
        g->squares[k + t] = squares[t];
        g->max[k + t] = max[t];
    }
}

INLINE void put_lanes(float *out, const wr_aggregate_job *j, const group *g, int k,
                      double count)
{
    const lane_d mean = g->sum[k] / count, variance = g->squares[k] / count - mean * mean;
    const lane_f rounded = __builtin_convertvector(g->first[k] + mean, lane_f);
    memcpy(out, &rounded, sizeof rounded);
    if (!j->has_spread)
        return;
    memcpy(out + j->columns, &g->max[k], sizeof g->max[k]);
    for (int i = 0; i < LANES; i++)
        out[2 * j->columns + (uint32_t)i] =
            (float)sqrt(variance[i] > 0 ? variance[i] : 0);
}

/* Columns c .. c + 4 vectors - 1 of row v. */
INLINE void fast_group(float *out, const wr_aggregate_job *j, wr_vid v, uint32_t c,
                       int vectors, const bool has_spread)
{
    const wr_vid *nbr = j->l->nbr;
    const uint64_t lo = j->l->off[v], hi = j->l->off[v + 1ULL], end = j->l->off[j->l->n];
    const float *x = j->x + c;
    group g;
    for (int k = 0; k < vectors; k++) {
        g.max[k] = load(x + nbr[lo] * j->ld + (size_t)k * LANES);
        g.first[k] = WIDEN(g.max[k]);
        g.sum[k] = g.squares[k] = (lane_d){0};
    }
    for (uint64_t at = lo; at < hi; at += CHUNK) {
        const uint64_t to = hi - at < CHUNK ? hi : at + CHUNK;
        /* the next chunk, or the first neighbours of the next vertices */
        for (uint64_t i = to; i < to + (to - at) && i < end; i++)
            for (int k = 0; k < vectors; k += LINE_FLOATS / LANES)
                __builtin_prefetch(x + nbr[i] * j->ld + (size_t)k * LANES);
        int k = 0;
        for (; k + TILE <= vectors; k += TILE)
            add_tile(&g, j, x, (span){at, to}, k, TILE, has_spread);
        for (; k < vectors; k++)
            add_tile(&g, j, x, (span){at, to}, k, 1, has_spread);
    }
    for (int k = 0; k < vectors; k++)
        put_lanes(out + c + (size_t)k * LANES, j, &g, k, (double)(hi - lo));
}

INLINE void fast_row(float *out, const wr_aggregate_job *j, wr_vid v,
                     const bool has_spread)
{
    const uint32_t vectors = j->columns / LANES;
    for (uint32_t k = 0; k < vectors; k += GROUP)
        fast_group(out, j, v, k * LANES, (int)(vectors - k < GROUP ? vectors - k : GROUP),
                   has_spread);
    plain_columns(out, j, v, vectors * LANES);
}

typedef void row_fn(float *out, const wr_aggregate_job *j, wr_vid v);

static void row_plain(float *out, const wr_aggregate_job *j, wr_vid v)
{
    plain_columns(out, j, v, 0);
}

static void row_portable(float *out, const wr_aggregate_job *j, wr_vid v)
{
    if (j->has_spread)
        fast_row(out, j, v, true);
    else
        fast_row(out, j, v, false);
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static void row_avx2(float *out,
                                                     const wr_aggregate_job *j, wr_vid v)
{
    if (j->has_spread)
        fast_row(out, j, v, true);
    else
        fast_row(out, j, v, false);
}
#endif

static row_fn *pick(const wr_aggregate_job *j)
{
    if (j->is_plain)
        return row_plain;
#ifdef __x86_64__
    if (!j->is_portable && __builtin_cpu_supports("avx2"))
        return row_avx2;
#endif
    return row_portable;
}

void wr_aggregate_rows(const wr_aggregate_job *j)
{
    row_fn *row = pick(j);
    const size_t bytes =
        (size_t)(j->has_spread ? WR_STAT_COUNT : 1) * j->columns * sizeof *j->out;
#pragma omp parallel for default(none) shared(j, row, bytes) schedule(dynamic, ROWS)
    for (uint32_t k = 0; k < j->rows; k++) {
        const wr_vid v = j->first + k;
        float *out = j->out + k * j->out_ld;
        if (j->l->off[v] == j->l->off[v + 1ULL])
            memset(out, 0, bytes);
        else
            row(out, j, v);
    }
}
