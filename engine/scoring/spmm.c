#include "scoring/spmm_int.h"

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
#pragma GCC diagnostic ignored "-Wpsabi" /* vectors cross no call: all is inlined */

typedef struct lines {
    const wr_spmm *a;
    float *next;
    const float *x;
    uint64_t lo, hi;
} lines;

/*
 * Eight columns at once.  The compiler splits them for machines without registers of that
 * size; a lane is one column either way, so the bits are those of the plain loop.
 */
enum { LANES = 8, PARTS_MAX = WR_SPMM_WIDE / LANES };
typedef float f8 __attribute__((vector_size(32)));
typedef int32_t i8 __attribute__((vector_size(32)));
typedef double d8 __attribute__((vector_size(64)));
typedef int64_t l8 __attribute__((vector_size(64)));

INLINE d8 only(d8 t, uint32_t mask)
{
    const l8 bit = {1, 2, 4, 8, 16, 32, 64, 128};
    const l8 all = {mask, mask, mask, mask, mask, mask, mask, mask};
    return (d8)((l8)t & ((all & bit) != 0));
}

INLINE f8 larger(f8 a, f8 b)
{
    const i8 take = a > b;
    return (f8)(((i8)a & take) | ((i8)b & ~take));
}

INLINE f8 distance(f8 a, f8 b)
{
    const i8 positive = {INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX,
                         INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX};
    return (f8)((i8)(a - b) & positive);
}

INLINE float largest(f8 v)
{
    float max = 0.0f;
    for (int c = 0; c < LANES; c++)
        max = v[c] > max ? v[c] : max;
    return max;
}

/* The last three are compile-time constants at every call: a row lives in registers. */
INLINE float sum_lines(const lines *b, const uint32_t ld, const bool masked,
                       const bool far)
{
    const uint32_t parts = ld / LANES;
    const wr_spmm_edge *edge = b->a->edge;
    const uint16_t *mask = b->a->mask;
    const uint64_t *off = b->a->off;
    const uint64_t end = off[b->a->lines];
    const f8 *x = (const f8 *)__builtin_assume_aligned(b->x, sizeof(f8));
    f8 *next = (f8 *)__builtin_assume_aligned(b->next, sizeof(f8));
    f8 change = {0};
    for (uint64_t l = b->lo; l < b->hi; l++) {
        d8 sum[PARTS_MAX] = {{0}};
        for (uint64_t i = off[l]; i < off[l + 1]; i++) {
            if (far && i + AHEAD < end)
                __builtin_prefetch(x + (size_t)edge[i + AHEAD].slot * parts);
            const f8 *row = x + (size_t)edge[i].slot * parts;
            const double w = (double)edge[i].weight;
            for (uint32_t k = 0; k < parts; k++) {
                d8 t = w * __builtin_convertvector(row[k], d8);
                sum[k] += masked ? only(t, (uint32_t)mask[i] >> (k * LANES)) : t;
            }
        }
        const size_t at = (size_t)b->a->at[l] * parts;
        for (uint32_t k = 0; k < parts; k++) {
            f8 v = __builtin_convertvector(sum[k], f8);
            change = larger(distance(v, x[at + k]), change);
            next[at + k] = v;
        }
    }
    return largest(change);
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
