#include "pipeline/run/kept_rows.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

wr_status wr_kept_rows_init(wr_kept_rows *k, uint32_t n, uint32_t columns,
                            uint64_t bytes_max, wr_err *err)
{
    const uint64_t fit = bytes_max / (columns * sizeof *k->x + sizeof *k->place);
    const uint32_t max = fit < n ? (uint32_t)fit : n;
    *k = (wr_kept_rows){.max = max ? max : 1, .columns = columns};
    k->place = wr_alloc_big(k->max, sizeof *k->place);
    k->x = wr_alloc_big((size_t)k->max * columns, sizeof *k->x);
    if (k->place && k->x)
        return WR_OK;
    wr_kept_rows_release(k);
    return wr_fail(err, WR_ENOMEM, "rows of %" PRIu32 " wallets", max);
}

void wr_kept_rows_release(wr_kept_rows *k)
{
    wr_free(k->place);
    wr_free(k->x);
    *k = (wr_kept_rows){0};
}

/* --- the heap --------------------------------------------------------------------------
 */

/* Is x given up before y? */
static bool is_less(const wr_kept_place *x, const wr_kept_place *y)
{
    return x->p < y->p || (!(y->p < x->p) && x->v > y->v);
}

static void swap(wr_kept_place *heap, uint32_t i, uint32_t k)
{
    const wr_kept_place t = heap[i];
    heap[i] = heap[k];
    heap[k] = t;
}

static void rise(wr_kept_place *heap, uint32_t i)
{
    for (; i && is_less(&heap[i], &heap[(i - 1) / 2]); i = (i - 1) / 2)
        swap(heap, i, (i - 1) / 2);
}

static void sink(wr_kept_place *heap, uint32_t n)
{
    for (uint32_t i = 0, k; (k = 2 * i + 1) < n; i = k) {
        k += k + 1 < n && is_less(&heap[k + 1], &heap[k]);
        if (!is_less(&heap[k], &heap[i]))
            return;
        swap(heap, i, k);
    }
}

void wr_kept_rows_offer(wr_kept_rows *k, wr_vid v, double p, const float *x)
{
    wr_kept_place now = {.p = p, .v = v, .at = k->count};
    if (k->count < k->max) {
        k->place[k->count] = now;
        rise(k->place, k->count++);
    } else {
        if (is_less(&now, &k->place[0]))
            return;
        now.at = k->place[0].at;
        k->place[0] = now;
        sink(k->place, k->count);
    }
    memcpy(k->x + (size_t)now.at * k->columns, x, k->columns * sizeof *x);
}

/* --- by vertex -------------------------------------------------------------------------
 */

static int by_vertex(const void *pa, const void *pb)
{
    const wr_kept_place *x = pa;
    const wr_kept_place *y = pb;
    return (x->v > y->v) - (x->v < y->v);
}

void wr_kept_rows_order(wr_kept_rows *k)
{
    if (k->count)
        qsort(k->place, k->count, sizeof *k->place, by_vertex);
}

const float *wr_kept_rows_find(const wr_kept_rows *k, wr_vid v)
{
    const wr_kept_place key = {.v = v};
    const wr_kept_place *p =
        k->count ? bsearch(&key, k->place, k->count, sizeof *p, by_vertex) : NULL;
    return p ? k->x + (size_t)p->at * k->columns : NULL;
}
