#include "graph/buckets_int.h"

#include <inttypes.h>
#include <omp.h>
#include <string.h>

enum { BUCKET_ELEMENTS = 1 << 13 }; /* wanted: 24 bytes each and as much scratch: 1 MiB */

static unsigned shift_for(uint32_t last, uint64_t m)
{
    uint64_t wanted = m / BUCKET_ELEMENTS + 1;
    if (wanted > WR_PARTS_BUCKETS_MAX)
        wanted = WR_PARTS_BUCKETS_MAX;
    unsigned shift = 0;
    while (last >> shift >= wanted)
        shift++;
    return shift;
}

static wr_status plan(wr_buckets *b, const uint32_t *key, uint64_t m, uint32_t lo,
                      uint32_t count, wr_err *err)
{
    WR_TRY(wr_parts_init(&b->parts, m, count, err));
    wr_parts *p = &b->parts;
    const unsigned shift = b->shift;
#pragma omp parallel for default(none) shared(p, key, lo, shift) \
    schedule(dynamic, 1) if (p->blocks > 1)
    for (uint32_t block = 0; block < p->blocks; block++) {
        uint32_t *c = &p->at[(size_t)block * p->buckets];
        for (uint64_t i = wr_parts_lo(p, block); i < wr_parts_hi(p, block); i++)
            c[(key[i] - lo) >> shift]++;
    }
    wr_parts_prefix(p);
    return WR_OK;
}

wr_status wr_buckets_plan_range(wr_buckets *b, const uint32_t *key, uint64_t m,
                                uint32_t lo, uint32_t hi, wr_err *err)
{
    b->shift = shift_for(hi - lo, m);
    return plan(b, key, m, lo, ((hi - lo) >> b->shift) + 1, err);
}

wr_status wr_buckets_plan(wr_buckets *b, const wr_vid *key, uint64_t m, uint32_t n,
                          wr_err *err)
{
    b->n = n;
    if (n == 0)
        return plan(b, key, m, 0, 0, err);
    return wr_buckets_plan_range(b, key, m, 0, n - 1, err);
}

void wr_buckets_release(wr_buckets *b)
{
    wr_parts_release(&b->parts);
    *b = (wr_buckets){0};
}

/* --- working memory of a thread ----------------------------------------------------- */

static bool fit_rows(wr_scratch *s, size_t vertices)
{
    if (s->row_cap >= vertices)
        return true;
    wr_free(s->at);
    s->at = wr_alloc_big(vertices, sizeof *s->at);
    s->row_cap = s->at ? vertices : 0;
    return s->row_cap > 0;
}

/* The widest first, so that each is aligned. */
static void carve(wr_scratch *s, size_t keys)
{
    s->key = (uint64_t *)(void *)s->block;
    s->spare = s->key + keys;
    s->row = (uint32_t *)(s->spare + keys);
    s->order = s->row + keys;
}

static bool fit_keys(wr_scratch *s, size_t keys)
{
    enum { HUGE_PAGE = 2 << 20 };
    const size_t each = 2 * sizeof *s->key + 2 * sizeof *s->row;
    if (s->key_cap >= keys)
        return true;
    const size_t roomy = keys + keys / 8; /* so that few buckets make it grow again */
    size_t bytes = roomy * each;
    if (bytes >= HUGE_PAGE / 8 && bytes < HUGE_PAGE)
        bytes = HUGE_PAGE;
    wr_free(s->block);
    s->block = wr_alloc_big(bytes, 1);
    s->key_cap = s->block ? roomy : 0;
    if (s->block)
        carve(s, roomy);
    return s->key_cap > 0;
}

static bool fit(wr_scratch *s, const wr_buckets *b, uint32_t bucket, unsigned rooms)
{
    const uint64_t m = b->parts.start[bucket + 1] - b->parts.start[bucket];
    return (!(rooms & WR_SCRATCH_ROWS) || fit_rows(s, UINT64_C(1) << b->shift)) &&
           (!(rooms & WR_SCRATCH_KEYS) || fit_keys(s, m + 1));
}

static void release_all(wr_scratch *s, int threads)
{
    for (int t = 0; t < threads; t++) {
        wr_free(s[t].at);
        wr_free(s[t].block);
    }
    wr_free(s);
}

wr_status wr_buckets_each(const wr_buckets *b, unsigned rooms, wr_bucket_fn *fn,
                          const void *ctx, wr_err *err)
{
    const uint32_t count = b->parts.buckets;
    const int threads = omp_get_max_threads();
    uint32_t failed = 0;
    wr_scratch *s = wr_calloc((size_t)threads, sizeof *s);
    if (!s)
        return wr_fail(err, WR_ENOMEM, "scratch of %d threads", threads);
#pragma omp parallel for default(none) shared(b, rooms, fn, ctx, count, s) \
    reduction(+ : failed) schedule(dynamic, 1) if (count > 1)
    for (uint32_t k = 0; k < count; k++) {
        wr_scratch *mine = &s[omp_get_thread_num()];
        if (fit(mine, b, k, rooms))
            fn(ctx, k, mine);
        else
            failed++;
    }
    release_all(s, threads);
    return failed ? wr_fail(err, WR_ENOMEM, "scratch of %d threads", threads) : WR_OK;
}

enum { DIGIT_MAX = 11, DIGITS_MAX = 1 << DIGIT_MAX, PASSES_MAX = 3 };

/* Counts of a digit become what comes before each, and keys follow them into spare. */
static void move(wr_scratch *s, uint64_t m, uint32_t *at, unsigned shift, uint32_t mask)
{
    uint32_t sum = 0;
    for (uint32_t d = 0; d <= mask; d++) {
        const uint32_t count = at[d];
        at[d] = sum;
        sum += count;
    }
    for (uint64_t i = 0; i < m; i++)
        s->spare[at[s->key[i] >> shift & mask]++] = s->key[i];
    uint64_t *sorted = s->spare;
    s->spare = s->key;
    s->key = sorted;
}

void wr_scratch_sort(wr_scratch *s, uint64_t m, unsigned bits)
{
    const unsigned passes = (bits + DIGIT_MAX - 1) / DIGIT_MAX;
    if (passes == 0)
        return;
    const unsigned each = (bits + passes - 1) / passes;
    const uint32_t mask = (UINT32_C(1) << each) - 1;
    uint32_t at[PASSES_MAX][DIGITS_MAX];
    memset(at, 0, passes * sizeof at[0]);
    for (uint64_t i = 0; i < m; i++) {
        uint64_t k = s->key[i] >> 32;
        for (unsigned p = 0; p < passes; p++, k >>= each)
            at[p][k & mask]++;
    }
    for (unsigned p = 0; p < passes; p++)
        move(s, m, at[p], 32 + p * each, mask);
}
