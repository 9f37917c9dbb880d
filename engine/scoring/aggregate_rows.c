#include "scoring/aggregate_int.h"

#include <math.h>
#include <string.h>

/*
 * ROWS     vertices handed to a thread at once
 * AHEAD    neighbours whose row is asked for before it is needed
 * LANES    columns of one vector; TILE of them are kept in registers
 */
enum { ROWS = 256, AHEAD = 12, LANES = 4, TILE = 4, LINE_FLOATS = 16 };

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

/* ---- fast: `tile` vectors of columns at once ---- */

INLINE void put_lanes(float *out, const wr_aggregate_job *j, lane_d first, lane_d sum,
                      lane_d squares, lane_f max, double count)
{
    const lane_d mean = sum / count, variance = squares / count - mean * mean;
    const lane_f rounded = __builtin_convertvector(first + mean, lane_f);
    memcpy(out, &rounded, sizeof rounded);
    if (!j->has_spread)
        return;
    memcpy(out + j->columns, &max, sizeof max);
    for (int k = 0; k < LANES; k++)
        out[2 * j->columns + (uint32_t)k] =
            (float)sqrt(variance[k] > 0 ? variance[k] : 0);
}

/* tile, has_spread, is_first: compile-time constants at every call. */
INLINE void fast_tile(float *out, const wr_aggregate_job *j, wr_vid v, uint32_t c,
                      const int tile, const bool has_spread, const bool is_first)
{
    const wr_vid *nbr = j->l->nbr;
    const uint64_t lo = j->l->off[v], hi = j->l->off[v + 1ULL], end = j->l->off[j->l->n];
    lane_d first[TILE], sum[TILE], squares[TILE];
    lane_f max[TILE];
    for (int k = 0; k < tile; k++) {
        lane_f x;
        memcpy(&x, j->x + nbr[lo] * j->ld + c + (size_t)(k * LANES), sizeof x);
        first[k] = __builtin_convertvector(x, lane_d);
        sum[k] = squares[k] = (lane_d){0};
        max[k] = x;
    }
    for (uint64_t i = lo; i < hi; i++) {
        if (is_first && i + AHEAD < end) /* rows of the next vertices, too */
            for (uint32_t f = 0; f < j->columns; f += LINE_FLOATS)
                __builtin_prefetch(j->x + nbr[i + AHEAD] * j->ld + f);
        const float *row = j->x + nbr[i] * j->ld + c;
        for (int k = 0; k < tile; k++) {
            lane_f x;
            memcpy(&x, row + (size_t)(k * LANES), sizeof x);
            const lane_d away = __builtin_convertvector(x, lane_d) - first[k];
            sum[k] += away;
            if (!has_spread)
                continue;
            squares[k] += away * away;
            const lane_i more = x > max[k];
            max[k] = (lane_f)(((lane_i)x & more) | ((lane_i)max[k] & ~more));
        }
    }
    for (int k = 0; k < tile; k++)
        put_lanes(out + c + (size_t)(k * LANES), j, first[k], sum[k], squares[k], max[k],
                  (double)(hi - lo));
}

INLINE void fast_row(float *out, const wr_aggregate_job *j, wr_vid v,
                     const bool has_spread)
{
    uint32_t c = 0;
    if (j->columns >= TILE * LANES) {
        fast_tile(out, j, v, 0, TILE, has_spread, true);
        c = TILE * LANES;
    }
    for (; c + TILE * LANES <= j->columns; c += TILE * LANES)
        fast_tile(out, j, v, c, TILE, has_spread, false);
    for (; c + LANES <= j->columns; c += LANES)
        fast_tile(out, j, v, c, 1, has_spread, false);
    plain_columns(out, j, v, c);
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
        (j->has_spread ? WR_STAT_COUNT : 1) * j->columns * sizeof *j->out;
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
