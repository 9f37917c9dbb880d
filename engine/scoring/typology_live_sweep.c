/*
 * Letting go of what is over, wallet by wallet: windows that nothing can come into any
 * more, inflows that nothing can spend any more, youth that is past.  The next transfer
 * of the wallet would find the same and begin anew; most wallets have none for long.
 */
#include "scoring/typology_live_int.h"
#include "util/mem.h"

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

static void sweep_wallet(wr_typology_live *l, wr_live_wallet *w, uint32_t now_s)
{
    for (int i = 0; i < WR_LIVE_SLOTS; i++)
        if (w->window[i] && is_past(&w->window[i]->w, now_s)) {
            wr_live_window_free(w->window[i]);
            w->window[i] = NULL;
        }
    for (int i = 0; i < 2; i++)
        if (w->match[i])
            sweep_match(&w->match[i], now_s);
    if (w->youth && now_s - w->youth->born_s >= l->o.burst_age_s) {
        wr_live_youth_free(w->youth);
        w->youth = NULL;
    }
}

void wr_live_sweep(wr_typology_live *l)
{
    if (!l->met.count)
        return;
    l->swept = l->swept + 1 < l->met.count ? l->swept + 1 : 0;
    sweep_wallet(l, &l->wallet[l->swept], l->last_s);
}
