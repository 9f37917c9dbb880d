/*
 * Letting go of what is over: windows that nothing can come into any more, inflows that
 * nothing can spend any more, youth that is past.  The next transfer of the wallet would
 * find the same and begin anew; most wallets have none for long.
 *
 * A wallet waits in a queue from its first transfer on.  When it is due and has been
 * silent for a day (longest_short) it is swept, and waits on until nothing is left; so
 * it is looked at once a day, however many transfers it has.
 */
#include <string.h>

#include "scoring/typology_live_int.h"
#include "util/mem.h"

enum { COMPACT_MIN = 1024 };

/* The windows that most wallets have open: the long ones are left to later looks. */
static uint32_t longest_short(const wr_typology_opts *o)
{
    return o->fan_window_s > o->burst_age_s ? o->fan_window_s : o->burst_age_s;
}

/* --- one wallet ------------------------------------------------------------------------
 */

static bool is_past(const wr_typology_window *w, uint32_t now_s)
{
    return w->first == w->count ||
           now_s - w->event[w->count - 1].time_s > w->rule.window_s;
}

static void sweep_match(wr_typology_match **slot, uint32_t now_s)
{
    wr_typology_match *m = *slot;
    wr_typology_match_expire(m, now_s);
    if (m->head < m->lot_count) {
        wr_live_match_trim(m);
        return;
    }
    wr_typology_match_release(m);
    wr_free(m);
    *slot = NULL;
}

/* Is anything left to let go of? */
static bool sweep_wallet(wr_live_wallet *w, const wr_typology_opts *o, uint32_t now_s)
{
    bool is_left = false;
    for (int i = 0; i < WR_LIVE_SLOTS; i++) {
        if (w->window[i] && is_past(&w->window[i]->w, now_s)) {
            wr_live_window_free(w->window[i]);
            w->window[i] = NULL;
        }
        is_left |= w->window[i] != NULL;
    }
    for (int i = 0; i < 2; i++) {
        if (w->match[i])
            sweep_match(&w->match[i], now_s);
        is_left |= w->match[i] != NULL;
    }
    if (w->youth && now_s - w->youth->born_s >= o->burst_age_s) {
        wr_live_youth_free(w->youth);
        w->youth = NULL;
    }
    return is_left || w->youth;
}

/* --- the queue -------------------------------------------------------------------------
 */

static bool put(wr_live_queue *q, uint32_t wallet, uint32_t due_s)
{
    if (q->first >= COMPACT_MIN && q->first > q->count / 2) {
        q->count -= q->first;
        memmove(q->at, q->at + q->first, q->count * sizeof *q->at);
        q->first = 0;
    }
    wr_live_due *p = wr_grow(q->at, &q->cap, q->count + 1, sizeof *p);
    if (!p)
        return false;
    q->at = p;
    p[q->count++] = (wr_live_due){.wallet = wallet, .due_s = due_s};
    return true;
}

bool wr_live_touch(wr_typology_live *l, wr_live_wallet *w, uint32_t time_s)
{
    w->touched_s = time_s;
    if (w->is_queued)
        return true;
    w->is_queued = true;
    return put(&l->queue, (uint32_t)(w - l->wallet), time_s + longest_short(&l->o));
}

bool wr_live_sweep(wr_typology_live *l)
{
    wr_live_queue *q = &l->queue;
    const uint32_t now_s = l->last_s;
    const uint32_t silent_s = longest_short(&l->o);
    /* what comes back into the queue is not due at this time again */
    for (size_t end = q->count; q->first < end && q->at[q->first].due_s < now_s;) {
        const uint32_t number = q->at[q->first++].wallet;
        wr_live_wallet *w = &l->wallet[number];
        uint32_t due_s = w->touched_s + silent_s;
        if (now_s - w->touched_s > silent_s) {
            w->is_queued = sweep_wallet(w, &l->o, now_s);
            due_s = now_s + silent_s;
        }
        const size_t before = q->first;
        if (w->is_queued && !put(q, number, due_s))
            return false;
        end -= before - q->first; /* the queue has moved down */
    }
    return true;
}
