#include <assert.h>

#include "scoring/fifo_int.h"

enum { TAGS_MAX = 18, SIZE_MIN_LOG2 = 1 };

wr_status wr_runs_init(wr_runs *r, uint32_t n, uint32_t cap, uint32_t tags, wr_err *err)
{
    assert(cap >= 2 * tags && tags <= TAGS_MAX && cap < 1u << (WR_RUNS_SIZES - 1));
    wr_runs t = {.cap = cap, .tags = tags};
    t.q = wr_calloc(n, sizeof *t.q);
    if (!t.q)
        return wr_fail(err, WR_ENOMEM, "queues of %u wallets", n);
    *r = t;
    return WR_OK;
}

void wr_runs_release(wr_runs *r)
{
    wr_free(r->q);
    wr_free(r->pool);
    *r = (wr_runs){0};
}

static wr_run_item *run_at(const wr_runs *r, const wr_run_queue *q, uint32_t i)
{
    uint32_t mask = (1u << q->size_log2) - 1;
    return &r->pool[q->at + ((q->head + i) & mask)];
}

/* A free ring keeps the next one of its size in its first run's tag. */
static void ring_put(wr_runs *r, uint32_t at, uint32_t size_log2)
{
    r->pool[at].tag = r->free_at[size_log2];
    r->free_at[size_log2] = at + 1;
}

static wr_status ring_get(uint32_t *at, wr_runs *r, uint32_t size_log2, wr_err *err)
{
    if (r->free_at[size_log2]) {
        *at = r->free_at[size_log2] - 1;
        r->free_at[size_log2] = r->pool[*at].tag;
        return WR_OK;
    }
    size_t size = (size_t)1 << size_log2;
    if (r->used + size >= UINT32_MAX)
        return wr_fail(err, WR_ELIMIT, "%zu runs in all queues", r->used + size);
    wr_run_item *pool = wr_grow(r->pool, &r->room, r->used + size, sizeof *pool);
    if (!pool)
        return wr_fail(err, WR_ENOMEM, "%zu runs in all queues", r->used + size);
    r->pool = pool;
    *at = (uint32_t)r->used;
    r->used += size;
    return WR_OK;
}

static wr_status grow(wr_runs *r, wr_run_queue *q, wr_err *err)
{
    uint32_t at = 0, size_log2 = q->size_log2 ? q->size_log2 + 1 : SIZE_MIN_LOG2;
    WR_TRY(ring_get(&at, r, size_log2, err));
    for (uint32_t i = 0; i < q->len; i++)
        r->pool[at + i] = *run_at(r, q, i);
    if (q->size_log2)
        ring_put(r, q->at, q->size_log2);
    *q = (wr_run_queue){.at = at, .len = q->len, .size_log2 = size_log2};
    return WR_OK;
}

/* The older half becomes one run per tag, in order of first appearance. */
static void regroup(wr_runs *r, wr_run_queue *q)
{
    wr_run_item group[TAGS_MAX] = {0};
    uint32_t slot[TAGS_MAX] = {0}, groups = 0, half = q->len / 2;
    for (uint32_t i = 0; i < half; i++) {
        wr_run_item x = *run_at(r, q, i);
        if (!slot[x.tag]) {
            group[groups].tag = x.tag;
            slot[x.tag] = ++groups;
        }
        group[slot[x.tag] - 1].value += x.value;
    }
    uint32_t mask = (1u << q->size_log2) - 1, gone = half - groups;
    q->head = (q->head + gone) & mask;
    q->len -= gone;
    for (uint32_t i = 0; i < groups; i++)
        *run_at(r, q, i) = group[i];
}

wr_status wr_runs_push(bool *is_merged, wr_runs *r, uint32_t v, wr_run_item item,
                       wr_err *err)
{
    assert(item.tag < r->tags && item.value > 0);
    wr_run_queue *q = &r->q[v];
    if (q->len) {
        wr_run_item *last = run_at(r, q, q->len - 1);
        if (last->tag == item.tag) {
            last->value += item.value;
            return WR_OK;
        }
    }
    if (q->len == r->cap) {
        regroup(r, q);
        *is_merged = true;
    }
    if (!q->size_log2 || q->len == 1u << q->size_log2)
        WR_TRY(grow(r, q, err));
    *run_at(r, q, q->len++) = item;
    return WR_OK;
}

bool wr_runs_pop(wr_run_item *out, wr_runs *r, uint32_t v, double need, double crumb)
{
    wr_run_queue *q = &r->q[v];
    if (!q->len)
        return false;
    wr_run_item *first = run_at(r, q, 0);
    *out = *first;
    if (first->value - need > crumb) {
        out->value = need;
        first->value -= need;
        return true;
    }
    q->head = (q->head + 1) & ((1u << q->size_log2) - 1);
    if (--q->len == 0) {
        ring_put(r, q->at, q->size_log2);
        *q = (wr_run_queue){0};
    }
    return true;
}
