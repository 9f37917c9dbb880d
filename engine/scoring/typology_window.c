#include "scoring/typology_window_int.h"

#include <string.h>

#include "util/mem.h"

enum { TALLY_MIN = 4 }; /* slots: a stream keeps a tally for each open window */

/* --- tally ----------------------------------------------------------------------------
 */

void wr_typology_tally_clear(wr_typology_tally *t)
{
    t->used = 0;
    t->distinct = 0;
    if (++t->now == 0 && t->cap) { /* wrapped: old marks could look new */
        memset(t->slot, 0, t->cap * sizeof *t->slot);
        t->now = 1;
    }
}

/* The slot of v, or the one where it belongs. */
static wr_typology_slot *slot_of(const wr_typology_tally *t, wr_vid v)
{
    size_t i = (v * 0x9E3779B97F4A7C15ULL >> 32) & (t->cap - 1);
    while (t->slot[i].round == t->now && t->slot[i].key != v)
        i = (i + 1) & (t->cap - 1);
    return &t->slot[i];
}

static bool tally_resize(wr_typology_tally *t, size_t cap)
{
    wr_typology_tally n = {.cap = cap, .now = 1, .distinct = t->distinct};
    n.slot = wr_calloc(cap, sizeof *n.slot);
    if (!n.slot)
        return false;
    for (size_t i = 0; i < t->cap; i++) {
        const wr_typology_slot *s = &t->slot[i];
        if (s->round != t->now || !s->count)
            continue;
        *slot_of(&n, s->key) = (wr_typology_slot){s->key, s->count, n.now};
        n.used++;
    }
    wr_typology_tally_release(t);
    *t = n;
    return true;
}

bool wr_typology_tally_add(wr_typology_tally *t, wr_vid v)
{
    if (2 * (t->used + 1) > t->cap) {
        /* Slots of counterparties that left are used too: often the same size will do. */
        const size_t cap = 4 * ((size_t)t->distinct + 1) > t->cap ? 2 * t->cap : t->cap;
        if (!tally_resize(t, cap ? cap : TALLY_MIN))
            return false;
    }
    wr_typology_slot *s = slot_of(t, v);
    if (s->round != t->now) {
        *s = (wr_typology_slot){v, 0, t->now};
        t->used++;
    }
    t->distinct += s->count++ == 0;
    return true;
}

void wr_typology_tally_drop(wr_typology_tally *t, wr_vid v)
{
    t->distinct -= --slot_of(t, v)->count == 0;
}

void wr_typology_tally_release(wr_typology_tally *t)
{
    wr_free(t->slot);
    *t = (wr_typology_tally){0};
}

/* --- window ---------------------------------------------------------------------------
 */

static size_t sorted_seek(const wr_typology_window *w, size_t count, double value)
{
    size_t lo = 0, hi = count;
    while (lo < hi) {
        const size_t mid = lo + (hi - lo) / 2;
        if (w->sorted[mid] < value)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static bool add(wr_typology_window *w, wr_typology_event e)
{
    const size_t held = w->count - w->first;
    wr_typology_event *event =
        wr_grow(w->event, &w->event_cap, w->count + 1, sizeof *event);
    if (!event)
        return false;
    w->event = event;
    if (w->rule.even_min > 0) {
        double *s = wr_grow(w->sorted, &w->sorted_cap, held + 1, sizeof *s);
        if (!s)
            return false;
        w->sorted = s;
        const size_t i = sorted_seek(w, held, e.value);
        memmove(s + i + 1, s + i, (held - i) * sizeof *s);
        s[i] = e.value;
    }
    if (!wr_typology_tally_add(&w->tally, e.other))
        return false;
    event[w->count++] = e;
    return true;
}

/* One event leaves; `held` are in it with this one. */
static void forget(wr_typology_window *w, wr_typology_event e, size_t held)
{
    if (w->rule.even_min > 0) {
        const size_t i = sorted_seek(w, held, e.value);
        memmove(w->sorted + i, w->sorted + i + 1, (held - i - 1) * sizeof *w->sorted);
    }
    wr_typology_tally_drop(&w->tally, e.other);
}

static void drop_oldest(wr_typology_window *w)
{
    forget(w, w->event[w->first], w->count - w->first);
    w->first++;
    if (w->first > 64 && w->first > w->count / 2) {
        memmove(w->event, w->event + w->first, (w->count - w->first) * sizeof *w->event);
        w->count -= w->first;
        w->first = 0;
    }
}

static bool holds(const wr_typology_window *w)
{
    const wr_typology_rule *r = &w->rule;
    const size_t held = w->count - w->first;
    if (w->tally.distinct < r->distinct_min)
        return false;
    const bool is_many = held >= r->count_min;
    if (r->is_any ? !is_many : (is_many && r->sum_min > 0)) {
        double sum = 0;
        for (size_t i = w->first; i < w->count; i++)
            sum += w->event[i].value;
        if (sum < r->sum_min)
            return false;
    } else if (!is_many) {
        return false;
    }
    return !(r->even_min > 0) ||
           w->sorted[(held - 1) / 2] >= r->even_min * w->sorted[held - 1];
}

void wr_typology_window_clear(wr_typology_window *w)
{
    w->first = w->count = 0;
    w->is_open = w->is_truncated = false;
    wr_typology_tally_clear(&w->tally);
}

void wr_typology_window_reset(wr_typology_window *w, const wr_typology_rule *r,
                              uint32_t cap)
{
    w->rule = *r;
    w->cap = cap;
    wr_typology_window_clear(w);
}

bool wr_typology_window_is_over(const wr_typology_window *w, uint32_t time_s)
{
    return w->is_open && time_s - w->event[w->first].time_s > w->rule.window_s;
}

bool wr_typology_window_push(wr_typology_window *w, wr_typology_event e)
{
    if (w->is_open) {
        if (w->count - w->first >= w->cap) {
            w->is_truncated = true;
            return true;
        }
        if (!add(w, e))
            return false;
        if (!holds(w)) {
            forget(w, e, w->count - w->first);
            w->count--;
        }
        return true;
    }
    while (w->first < w->count && e.time_s - w->event[w->first].time_s > w->rule.window_s)
        drop_oldest(w);
    if (w->first == w->count)
        w->is_truncated = false;
    if (w->count - w->first >= w->cap) {
        drop_oldest(w);
        w->is_truncated = true;
    }
    if (!add(w, e))
        return false;
    w->is_open = holds(w);
    return true;
}

void wr_typology_window_release(wr_typology_window *w)
{
    wr_typology_tally_release(&w->tally);
    wr_free(w->event);
    wr_free(w->sorted);
    *w = (wr_typology_window){0};
}
