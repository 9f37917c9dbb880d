#include "scoring/links_int.h"

#include <omp.h>

enum { ROWS = 1024 }; /* vertices handed to a thread at once */

typedef struct job {
    const wr_pairs *p;
    const wr_links_opts *o;
    const uint32_t *first_s; /* [m] by place in the rows; NULL: all met early enough */
    uint64_t *heap;          /* [threads * sample] */
} job;

static bool is_left_out(const job *j, wr_vid v)
{
    return j->o->left_out && ((j->o->left_out[v / 64] >> (v % 64)) & 1);
}

static bool is_kept(const job *j, uint64_t i)
{
    return (!j->first_s || j->first_s[i] < j->o->before_s) &&
           !is_left_out(j, j->p->nbr[i]);
}

static uint64_t hash(const job *j, wr_vid v, wr_vid nbr)
{
    const uint64_t from = j->o->is_out ? v : nbr, to = j->o->is_out ? nbr : v;
    uint64_t z = (from << 32 | to) ^ j->o->seed;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}

static void sift_down(uint64_t *heap, size_t len, size_t at)
{
    const uint64_t x = heap[at];
    for (size_t kid = 2 * at + 1; kid < len; kid = 2 * at + 1) {
        kid += kid + 1 < len && heap[kid + 1] > heap[kid];
        if (heap[kid] <= x)
            break;
        heap[at] = heap[kid];
        at = kid;
    }
    heap[at] = x;
}

/* The sample-th smallest hash of v's row, by a heap of the smallest so far. */
static uint64_t threshold(const job *j, uint64_t *heap, wr_vid v)
{
    const size_t sample = j->o->sample;
    size_t len = 0;
    for (uint64_t i = j->p->off[v]; i < j->p->off[v + 1ULL]; i++) {
        if (!is_kept(j, i))
            continue;
        const uint64_t h = hash(j, v, j->p->nbr[i]);
        if (len < sample) {
            heap[len++] = h;
            for (size_t k = sample / 2; len == sample && k-- > 0;)
                sift_down(heap, len, k);
        } else if (h < heap[0]) {
            heap[0] = h;
            sift_down(heap, len, 0);
        }
    }
    return heap[0];
}

static uint32_t count_row(const job *j, wr_vid v)
{
    uint32_t count = 0;
    if (j->o->is_row_left_out && is_left_out(j, v))
        return 0;
    for (uint64_t i = j->p->off[v]; i < j->p->off[v + 1ULL]; i++)
        count += is_kept(j, i);
    return count;
}

static void fill_row(wr_vid *nbr, const job *j, wr_vid v, uint64_t length)
{
    uint64_t *heap = j->heap + (size_t)omp_get_thread_num() * j->o->sample;
    if (!length)
        return;
    const bool is_thinned = count_row(j, v) > length;
    const uint64_t most = is_thinned ? threshold(j, heap, v) : UINT64_MAX;
    for (uint64_t i = j->p->off[v]; i < j->p->off[v + 1ULL]; i++)
        if (is_kept(j, i) && (!is_thinned || hash(j, v, j->p->nbr[i]) <= most))
            *nbr++ = j->p->nbr[i];
}

uint64_t *wr_links_services(const wr_seeds *s, uint32_t as_of_s)
{
    uint64_t *bits = wr_calloc(s->n / 64 + 1, sizeof *bits);
    for (uint32_t v = 0; bits && v < s->n; v++) {
        const int c = wr_seeds_at(s, v, as_of_s ? as_of_s - 1 : 0);
        if (c >= 0 && s->kind[c] == WR_CATEGORY_SERVICE)
            bits[v / 64] |= 1ULL << (v % 64);
    }
    return bits;
}

void wr_links_release(wr_links *l)
{
    wr_free(l->off);
    wr_free(l->nbr);
    *l = (wr_links){0};
}

static wr_status fill(wr_links *l, job *j, wr_err *err)
{
    const uint32_t n = l->n;
    const uint32_t hub_min = j->o->hub_min, sample = j->o->sample;
    l->off = wr_calloc(n + 1ULL, sizeof *l->off);
    if (!l->off)
        return wr_fail(err, WR_ENOMEM, "neighbours of %u vertices", n);
    uint32_t *off = l->off;
#pragma omp parallel for default(none) shared(off, j, n) schedule(dynamic, ROWS)
    for (uint32_t v = 0; v < n; v++)
        off[v + 1ULL] = count_row(j, v);
    for (uint32_t v = 0; v < n; v++) {
        l->thinned += off[v + 1ULL] > hub_min;
        off[v + 1ULL] = off[v] + (off[v + 1ULL] > hub_min ? sample : off[v + 1ULL]);
    }
    l->nbr = wr_alloc_big(off[n], sizeof *l->nbr);
    if (!l->nbr)
        return wr_fail(err, WR_ENOMEM, "%u neighbours", off[n]);
    wr_vid *nbr = l->nbr;
#pragma omp parallel for default(none) shared(nbr, off, j, n) schedule(dynamic, ROWS)
    for (uint32_t v = 0; v < n; v++)
        fill_row(nbr + off[v], j, v, off[v + 1ULL] - off[v]);
    return WR_OK;
}

static bool is_any_late(const wr_pairs *p, uint32_t before_s)
{
    for (uint64_t id = 0; id < p->m; id++)
        if (p->first_s[id] >= before_s)
            return true;
    return false;
}

/* Sets first_s when it decides anything; *own is what is to be freed. */
static wr_status read_times(job *j, uint32_t **own, wr_err *err)
{
    const wr_pairs *p = j->p;
    if (!is_any_late(p, j->o->before_s))
        return WR_OK;
    j->first_s = p->first_s;
    if (j->o->is_out)
        return WR_OK;
    *own = wr_alloc_big(p->m, sizeof **own);
    j->first_s = *own;
    if (!*own)
        return wr_fail(err, WR_ENOMEM, "times of %llu pairs", (unsigned long long)p->m);
    return wr_pairs_times_in(*own, NULL, p, err);
}

wr_status wr_links_init(wr_links *l, const wr_pairs *p, const wr_links_opts *o,
                        wr_err *err)
{
    *l = (wr_links){.n = p->n};
    job j = {.p = p, .o = o};
    WR_AUTO_ARRAY uint32_t *own = NULL;
    WR_TRY(read_times(&j, &own, err));
    j.heap = wr_calloc((size_t)omp_get_max_threads() * o->sample, sizeof *j.heap);
    wr_status st = j.heap ? fill(l, &j, err)
                          : wr_fail(err, WR_ENOMEM, "sample of %u neighbours", o->sample);
    wr_free(j.heap);
    if (st != WR_OK)
        wr_links_release(l);
    return st;
}
