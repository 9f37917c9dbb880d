#include "scoring/spmm_int.h"

#include <math.h>
#include <string.h>

#include "util/mem.h"

/*
 * AHEAD     edges whose source row is asked for before it is needed; pays only when the
 *           state is larger than the caches
 * BLOCK     work units (edges + LINE_COST per line) handed to a thread at once
 */
enum { AHEAD = 24, BLOCK = 16384, LINE_COST = 4 };
#define STATE_CACHED_BYTES (4u << 20)

/* The best instructions of this machine; -ffp-contract=off keeps the bits the same. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#    define CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#    define CLONES
#endif
#define INLINE static inline __attribute__((always_inline))

typedef struct lines {
    const wr_spmm *a;
    float *next;
    const float *x;
    uint64_t lo, hi;
} lines;

/* Both are compile-time constants at every call: the row lives in registers. */
INLINE float sum_lines(const lines *b, const uint32_t ld, const bool masked,
                       const bool far)
{
    const wr_spmm_edge *edge = b->a->edge;
    const uint16_t *mask = b->a->mask;
    const uint64_t *off = b->a->off;
    const uint64_t end = off[b->a->lines];
    float change = 0.0f;
    for (uint64_t l = b->lo; l < b->hi; l++) {
        double sum[WR_SPMM_WIDE] = {0};
        for (uint64_t i = off[l]; i < off[l + 1]; i++) {
            if (far && i + AHEAD < end)
                __builtin_prefetch(b->x + (size_t)edge[i + AHEAD].slot * ld);
            const float *row = b->x + (size_t)edge[i].slot * ld;
            const double w = (double)edge[i].weight;
            for (uint32_t c = 0; c < ld; c++) {
                double t = w * (double)row[c];
                sum[c] += !masked || (mask[i] >> c & 1) ? t : 0.0;
            }
        }
        float *out = b->next + (size_t)b->a->at[l] * ld;
        const float *old = b->x + (size_t)b->a->at[l] * ld;
        for (uint32_t c = 0; c < ld; c++) {
            float v = (float)sum[c];
            float d = fabsf(v - old[c]);
            change = d > change ? d : change;
            out[c] = v;
        }
    }
    return change;
}

CLONES
static float sum_narrow(const lines *b)
{
    return sum_lines(b, WR_SPMM_NARROW, false, false);
}

CLONES
static float sum_narrow_far(const lines *b)
{
    return sum_lines(b, WR_SPMM_NARROW, false, true);
}

CLONES
static float sum_narrow_masked(const lines *b)
{
    return sum_lines(b, WR_SPMM_NARROW, true, true);
}

CLONES
static float sum_wide(const lines *b)
{
    return sum_lines(b, WR_SPMM_WIDE, false, true);
}

CLONES
static float sum_wide_masked(const lines *b)
{
    return sum_lines(b, WR_SPMM_WIDE, true, true);
}

typedef float sum_fn(const lines *);

static sum_fn *pick(const wr_spmm *a)
{
    bool is_far = (size_t)a->slots * a->ld * sizeof(float) > STATE_CACHED_BYTES;
    if (a->ld == WR_SPMM_WIDE)
        return a->mask ? sum_wide_masked : sum_wide;
    if (a->mask)
        return sum_narrow_masked;
    return is_far ? sum_narrow_far : sum_narrow;
}

static uint64_t work_before(const wr_spmm *a, uint64_t line)
{
    return a->off[line] + line * LINE_COST;
}

/* First line in [lo, hi) with at least `work` before it. */
static uint64_t line_at(const wr_spmm *a, uint64_t lo, uint64_t hi, uint64_t work)
{
    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;
        if (work_before(a, mid) < work)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static float sum_range(const wr_spmm *a, float *next, const float *x, uint64_t from,
                       uint64_t to)
{
    sum_fn *sum = pick(a);
    uint64_t base = work_before(a, from);
    uint64_t blocks = (work_before(a, to) - base) / BLOCK + 1;
    float change = 0.0f;
#pragma omp parallel for default(none) shared(a, next, x, from, to, sum, base, blocks) \
    reduction(max                                                                      \
              : change) schedule(dynamic, 1)
    for (uint64_t k = 0; k < blocks; k++) {
        lines b = {.a = a, .next = next, .x = x};
        b.lo = line_at(a, from, to, base + k * BLOCK);
        b.hi = line_at(a, from, to, base + (k + 1) * BLOCK);
        float d = sum(&b);
        change = d > change ? d : change;
    }
    return change;
}

float wr_spmm_sweep(const wr_spmm *a, float *next, const float *x)
{
    return sum_range(a, next, x, a->head, a->lines);
}

void wr_spmm_head(const wr_spmm *a, float *x)
{
    if (a->head)
        (void)sum_range(a, x, x, 0, a->head);
}

void wr_spmm_release(wr_spmm *a)
{
    wr_free(a->off);
    wr_free(a->at);
    wr_free(a->edge);
    wr_free(a->mask);
    *a = (wr_spmm){0};
}
