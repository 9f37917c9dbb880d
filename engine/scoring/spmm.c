#include "scoring/spmm_int.h"

#include <stdbool.h>
#include <string.h>

#include "util/mem.h"

/*
 * AHEAD      edges whose source row is asked for before it is needed; pays only when the
 *            state is larger than the caches
 * ROWS_AHEAD the same of rows that a block changes
 * CHUNK      work units (edges + LINE_COST per line) handed to a thread at once
 */
enum { AHEAD = 48, ROWS_AHEAD = 12, CHUNK = 8192, LINE_COST = 4 };
#define STATE_CACHED_BYTES (4u << 20)

#define INLINE static inline __attribute__((always_inline))

typedef struct lines {
    const wr_spmm *a;
    float *x;
    float *buffer; /* row l - first; NULL: straight into x */
    uint64_t first, lo, hi;
} lines;

typedef void sum_fn(const lines *);

static float *out_row(const lines *b, uint64_t l, uint32_t ld)
{
    return b->buffer ? b->buffer + (l - b->first) * ld : b->x + (size_t)b->a->at[l] * ld;
}

/* ---- any machine ---- */

/* ld and masked are compile-time constants at every call. */
INLINE void sum_lines(const lines *b, const uint32_t ld, const bool masked)
{
    const wr_spmm *a = b->a;
    for (uint64_t l = b->lo; l < b->hi; l++) {
        double sum[WR_SPMM_WIDE] = {0};
        for (uint64_t i = a->off[l]; i < a->off[l] + a->count[l]; i++) {
            const float *row = b->x + (size_t)a->edge[i].slot * ld;
            const double w = (double)a->edge[i].weight;
            for (uint32_t c = 0; c < ld; c++)
                sum[c] += !masked || (a->mask[i] >> c & 1) ? w * (double)row[c] : 0.0;
        }
        float *out = out_row(b, l, ld);
        for (uint32_t c = 0; c < ld; c++)
            out[c] = (float)sum[c];
    }
}

static void sum_narrow(const lines *b)
{
    sum_lines(b, WR_SPMM_NARROW, false);
}

static void sum_narrow_masked(const lines *b)
{
    sum_lines(b, WR_SPMM_NARROW, true);
}

static void sum_wide(const lines *b)
{
    sum_lines(b, WR_SPMM_WIDE, false);
}

static void sum_wide_masked(const lines *b)
{
    sum_lines(b, WR_SPMM_WIDE, true);
}

#ifndef __x86_64__
static sum_fn *pick_special(const wr_spmm *a)
{
    (void)a;
    return NULL;
}
#else
/*
 * ---- AVX2: four columns in a register ----
 *
 * Left to itself the compiler keeps the loop above scalar, and it is several times
 * slower. A lane is one column and nothing is contracted, so the bits are the same.
 */
#    include <immintrin.h>

#    define AVX2 __attribute__((target("avx2")))

enum { LANES = 4, PARTS_MAX = WR_SPMM_WIDE / LANES };

/* t where the mask's next four bits are set, else 0 */
INLINE AVX2 __m256d only(__m256d t, uint32_t mask)
{
    const __m256i bit = _mm256_setr_epi64x(1, 2, 4, 8);
    const __m256i on = _mm256_and_si256(_mm256_set1_epi64x(mask), bit);
    return _mm256_and_pd(t, _mm256_castsi256_pd(_mm256_cmpeq_epi64(on, bit)));
}

/* The last three are compile-time constants at every call: a row lives in registers. */
INLINE AVX2 void sum_lines_avx2(const lines *b, const uint32_t ld, const bool masked,
                                const bool far)
{
    const uint32_t parts = ld / LANES;
    const wr_spmm_edge *edge = b->a->edge;
    const uint64_t *off = b->a->off;
    const uint64_t end = off[b->a->lines];
    for (uint64_t l = b->lo; l < b->hi; l++) {
        __m256d sum[PARTS_MAX];
        for (uint32_t k = 0; k < parts; k++)
            sum[k] = _mm256_setzero_pd();
        const uint64_t last = off[l] + b->a->count[l];
        for (uint64_t i = off[l]; i < last; i++) {
            if (far && i + AHEAD < end)
                __builtin_prefetch(b->x + (size_t)edge[i + AHEAD].slot * ld);
            const float *row = b->x + (size_t)edge[i].slot * ld;
            const __m256d w = _mm256_set1_pd((double)edge[i].weight);
            for (uint32_t k = 0; k < parts; k++) {
                __m256d t = _mm256_cvtps_pd(_mm_load_ps(row + (size_t)k * LANES));
                t = _mm256_mul_pd(w, t);
                if (masked)
                    t = only(t, (uint32_t)b->a->mask[i] >> (k * LANES));
                sum[k] = _mm256_add_pd(sum[k], t);
            }
        }
        float *out = out_row(b, l, ld);
        for (uint32_t k = 0; k < parts; k++)
            _mm_store_ps(out + (size_t)k * LANES, _mm256_cvtpd_ps(sum[k]));
    }
}

AVX2 static void sum_narrow_avx2(const lines *b)
{
    sum_lines_avx2(b, WR_SPMM_NARROW, false, false);
}

AVX2 static void sum_narrow_far_avx2(const lines *b)
{
    sum_lines_avx2(b, WR_SPMM_NARROW, false, true);
}

AVX2 static void sum_narrow_masked_avx2(const lines *b)
{
    sum_lines_avx2(b, WR_SPMM_NARROW, true, true);
}

AVX2 static void sum_wide_avx2(const lines *b)
{
    sum_lines_avx2(b, WR_SPMM_WIDE, false, true);
}

AVX2 static void sum_wide_masked_avx2(const lines *b)
{
    sum_lines_avx2(b, WR_SPMM_WIDE, true, true);
}

/* ---- AVX-512: eight columns in a register, half the instructions per edge ---- */

#    define AVX512 __attribute__((target("avx512f,avx512vl")))

INLINE AVX512 void sum_lines_avx512(const lines *b, const uint32_t ld, const bool masked,
                                    const bool far)
{
    const uint32_t parts = ld / 8;
    const wr_spmm_edge *edge = b->a->edge;
    const uint64_t *off = b->a->off;
    const uint64_t end = off[b->a->lines];
    for (uint64_t l = b->lo; l < b->hi; l++) {
        __m512d sum[WR_SPMM_WIDE / 8];
        for (uint32_t k = 0; k < parts; k++)
            sum[k] = _mm512_setzero_pd();
        const uint64_t last = off[l] + b->a->count[l];
        for (uint64_t i = off[l]; i < last; i++) {
            if (far && i + AHEAD < end)
                __builtin_prefetch(b->x + (size_t)edge[i + AHEAD].slot * ld);
            const float *row = b->x + (size_t)edge[i].slot * ld;
            const __m512d w = _mm512_set1_pd((double)edge[i].weight);
            const uint32_t mask = masked ? b->a->mask[i] : UINT16_MAX;
            for (uint32_t k = 0; k < parts; k++) {
                __m512d t = _mm512_cvtps_pd(_mm256_load_ps(row + (size_t)k * 8));
                t = masked ? _mm512_maskz_mul_pd((__mmask8)(mask >> (k * 8)), w, t)
                           : _mm512_mul_pd(w, t);
                sum[k] = _mm512_add_pd(sum[k], t);
            }
        }
        float *out = out_row(b, l, ld);
        for (uint32_t k = 0; k < parts; k++)
            _mm256_store_ps(out + (size_t)k * 8, _mm512_cvtpd_ps(sum[k]));
    }
}

AVX512 static void sum_narrow_avx512(const lines *b)
{
    sum_lines_avx512(b, WR_SPMM_NARROW, false, false);
}

AVX512 static void sum_narrow_far_avx512(const lines *b)
{
    sum_lines_avx512(b, WR_SPMM_NARROW, false, true);
}

AVX512 static void sum_narrow_masked_avx512(const lines *b)
{
    sum_lines_avx512(b, WR_SPMM_NARROW, true, true);
}

AVX512 static void sum_wide_avx512(const lines *b)
{
    sum_lines_avx512(b, WR_SPMM_WIDE, false, true);
}

AVX512 static void sum_wide_masked_avx512(const lines *b)
{
    sum_lines_avx512(b, WR_SPMM_WIDE, true, true);
}

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl");
}

static sum_fn *pick_special(const wr_spmm *a)
{
    const bool is_far = (size_t)a->slots * a->ld * sizeof(float) > STATE_CACHED_BYTES;
    const bool is_512 = a->level_max == WR_SPMM_BEST && has_avx512();
    if (a->level_max == WR_SPMM_PORTABLE || !__builtin_cpu_supports("avx2"))
        return NULL;
    if (a->ld == WR_SPMM_WIDE && a->mask)
        return is_512 ? sum_wide_masked_avx512 : sum_wide_masked_avx2;
    if (a->ld == WR_SPMM_WIDE)
        return is_512 ? sum_wide_avx512 : sum_wide_avx2;
    if (a->mask)
        return is_512 ? sum_narrow_masked_avx512 : sum_narrow_masked_avx2;
    if (is_far)
        return is_512 ? sum_narrow_far_avx512 : sum_narrow_far_avx2;
    return is_512 ? sum_narrow_avx512 : sum_narrow_avx2;
}
#endif

static sum_fn *pick(const wr_spmm *a)
{
    sum_fn *fast = pick_special(a);
    if (fast)
        return fast;
    if (a->ld == WR_SPMM_WIDE)
        return a->mask ? sum_wide_masked : sum_wide;
    return a->mask ? sum_narrow_masked : sum_narrow;
}

/* ---- */

static uint64_t work_before(const wr_spmm *a, uint64_t line)
{
    return a->off[line] + line * LINE_COST;
}

static uint64_t chunks(const wr_spmm *a, uint64_t from, uint64_t to)
{
    return (work_before(a, to) - work_before(a, from)) / CHUNK + 1;
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

/* The k-th of the chunks of [from, to). */
static void sum_chunk(sum_fn *sum, lines b, uint64_t from, uint64_t to, uint64_t k)
{
    const uint64_t base = work_before(b.a, from);
    b.first = from;
    b.lo = line_at(b.a, from, to, base + k * CHUNK);
    b.hi = line_at(b.a, from, to, base + (k + 1) * CHUNK);
    sum(&b);
}

void wr_spmm_head(const wr_spmm *a, float *x)
{
    sum_fn *sum = pick(a);
    const uint64_t count = a->head ? chunks(a, 0, a->head) : 0;
#pragma omp parallel for default(none) shared(a, x, sum, count) schedule(dynamic, 1)
    for (uint64_t k = 0; k < count; k++)
        sum_chunk(sum, (lines){.a = a, .x = x}, 0, a->head, k);
}

/* A row changes from `was` to `is`; change[c] = the largest in column c so far. */
INLINE void settle_row(float *was, const float *is, float *change, const uint32_t ld)
{
    for (uint32_t c = 0; c < ld; c++) {
        const float d = is[c] > was[c] ? is[c] - was[c] : was[c] - is[c];
        change[c] = d > change[c] ? d : change[c];
        was[c] = is[c];
    }
}

/*
 * The rows of one part from the buffer (its row 0 = line `first`) into the state.
 * Returns the largest change.
 */
static float settle_part(const wr_spmm *a, float *x, const float *buffer, uint64_t first,
                         uint64_t part, wr_mix *mix)
{
    const size_t row = a->ld;
    const uint64_t end = a->part[part + 1];
    float change[WR_SPMM_WIDE] = {0};
    float most = 0.0f;
    if (mix)
        wr_mix_part_begin(mix, part);
    for (uint64_t l = a->part[part]; l < end; l++) {
        float *was = x + a->at[l] * row;
        const float *is = buffer + (l - first) * row;
        if (l + ROWS_AHEAD < end)
            __builtin_prefetch(x + a->at[l + ROWS_AHEAD] * row, 1);
        if (mix)
            wr_mix_row(mix, part, a->at[l], was, is);
        if (row == WR_SPMM_NARROW)
            settle_row(was, is, change, WR_SPMM_NARROW);
        else
            settle_row(was, is, change, WR_SPMM_WIDE);
    }
    for (uint32_t c = 0; c < row; c++)
        most = change[c] > most ? change[c] : most;
    return most;
}

float wr_spmm_step(const wr_spmm *a, float *x, float *buffer, wr_mix *mix)
{
    enum { PARTS = WR_SPMM_PARTS };
    sum_fn *sum = pick(a);
    float change = 0.0f;
    wr_spmm_head(a, x);
#pragma omp parallel default(none) shared(a, x, buffer, mix, sum) reduction(max : change)
    for (uint64_t b = 0; b < a->blocks; b++) {
        const uint64_t from = a->part[b * PARTS], to = a->part[(b + 1) * PARTS];
        const uint64_t count = chunks(a, from, to);
#pragma omp for schedule(dynamic, 1)
        for (uint64_t k = 0; k < count; k++)
            sum_chunk(sum, (lines){.a = a, .x = x, .buffer = buffer}, from, to, k);
#pragma omp for schedule(static)
        for (uint64_t p = b * PARTS; p < (b + 1) * PARTS; p++) {
            const float d = settle_part(a, x, buffer, from, p, mix);
            change = d > change ? d : change;
        }
    }
    return change;
}

void wr_spmm_release(wr_spmm *a)
{
    wr_free(a->off);
    wr_free(a->count);
    wr_free(a->at);
    wr_free(a->part);
    wr_free(a->edge);
    wr_free(a->mask);
    *a = (wr_spmm){0};
}
