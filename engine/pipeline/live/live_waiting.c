#include "pipeline/live/live_waiting.h"

#include "util/mem.h"

bool wr_live_is_before(const wr_live_arrival *x, const wr_live_arrival *y)
{
    return x->time_s != y->time_s ? x->time_s < y->time_s : x->seq < y->seq;
}

bool wr_live_waiting_add(wr_live_waiting *w, const wr_live_arrival *x)
{
    wr_live_arrival *h = wr_grow(w->heap, &w->cap, w->count + 1, sizeof *h);
    if (!h)
        return false;
    w->heap = h;
    size_t at = w->count++;
    for (; at && wr_live_is_before(x, &h[(at - 1) / 2]); at = (at - 1) / 2)
        h[at] = h[(at - 1) / 2];
    h[at] = *x;
    if (wr_live_is_before(&w->newest, x))
        w->newest = *x;
    return true;
}

wr_live_arrival wr_live_waiting_take(wr_live_waiting *w)
{
    wr_live_arrival *h = w->heap;
    const wr_live_arrival first = h[0];
    const wr_live_arrival last = h[--w->count];
    size_t at = 0;
    for (size_t k = 1; k < w->count; k = 2 * at + 1) {
        k += k + 1 < w->count && wr_live_is_before(&h[k + 1], &h[k]);
        if (!wr_live_is_before(&h[k], &last))
            break;
        h[at] = h[k];
        at = k;
    }
    if (w->count)
        h[at] = last;
    return first;
}

bool wr_live_waiting_is_due(const wr_live_waiting *w)
{
    return w->count && !wr_live_is_before(&w->bound, &w->heap[0]);
}

void wr_live_waiting_tick(wr_live_waiting *w)
{
    w->bound = w->noted;
    w->noted = w->newest;
}

void wr_live_waiting_release(wr_live_waiting *w)
{
    wr_free(w->heap);
    w->heap = NULL;
    w->count = w->cap = 0;
}
