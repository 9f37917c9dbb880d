#include "graph/buckets_int.h"

#include <inttypes.h>
#include <omp.h>

enum { BUCKET_ELEMENTS = 1 << 13 }; /* wanted: 24 bytes each, and keys, stay in 2 MiB */

static unsigned shift_for(uint32_t n, uint64_t m)
{
    uint64_t wanted = m / BUCKET_ELEMENTS + 1;
    if (wanted > WR_PARTS_BUCKETS_MAX)
        wanted = WR_PARTS_BUCKETS_MAX;
    unsigned shift = 0;
    while (n > 0 && ((uint64_t)n - 1) >> shift >= wanted)
        shift++;
    return shift;
}

wr_status wr_buckets_plan(wr_buckets *b, const wr_vid *key, uint64_t m, uint32_t n,
                          wr_err *err)
{
    b->n = n;
    b->shift = shift_for(n, m);
    const uint32_t count = n > 0 ? ((n - 1) >> b->shift) + 1 : 0;
    WR_TRY(wr_parts_init(&b->parts, m, count, err));
    wr_parts *p = &b->parts;
    const unsigned shift = b->shift;
#pragma omp parallel for default(none) shared(p, key, shift) \
    schedule(dynamic, 1) if (p->blocks > 1)
    for (uint32_t block = 0; block < p->blocks; block++) {
        uint32_t *c = &p->at[(size_t)block * p->buckets];
        for (uint64_t i = wr_parts_lo(p, block); i < wr_parts_hi(p, block); i++)
            c[key[i] >> shift]++;
    }
    wr_parts_prefix(p);
    return WR_OK;
}

void wr_buckets_release(wr_buckets *b)
{
    wr_parts_release(&b->parts);
    *b = (wr_buckets){0};
}

/* --- working memory of a thread ----------------------------------------------------- */

wr_scratch *wr_scratch_new(int *threads)
{
    *threads = omp_get_max_threads();
    return wr_calloc((size_t)*threads, sizeof(wr_scratch));
}

void wr_scratch_free(wr_scratch *s, int threads)
{
    for (int t = 0; s && t < threads; t++) {
        wr_free(s[t].at);
        wr_free(s[t].block);
    }
    wr_free(s);
}

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
    s->folded = (wr_folded *)(void *)(s->order + keys);
}

static bool fit_keys(wr_scratch *s, size_t keys)
{
    enum { HUGE_PAGE = 2 << 20 };
    const size_t each = 2 * sizeof *s->key + 2 * sizeof *s->row + sizeof *s->folded;
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

bool wr_scratch_fit(wr_scratch *s, uint64_t vertices, uint64_t keys)
{
    return fit_rows(s, vertices) && fit_keys(s, keys);
}
