/*
 * Chain-hop: received money is swapped or bridged away at once, more than once a day.
 *
 * Event     an inflow of which, first in first out, at least hop_share_min was paid
 * within hop_hold_s to wallets labelled as swap or bridge then (swap_mask); other
 *           outflows spend it too, and do not count (typology_match_int.h)
 * Root      v; its transfers while it is a service do not count
 * Hit       a window (typology_window_int.h) of hop_window_s with at least hop_events
 * Edges     the inflows, and the outflows that count, up to their event
 * Strength  of the number of events against hop_events
 * Cost      O(deg)
 * Source    ALGORITHMS 5, row 16
 */
#include "scoring/typology_int.h"

bool wr_typology_chain_hop(wr_typology_sink *k, const wr_typology_view *x, uint64_t root)
{
    const wr_typology_passage p = {.hold_s = x->o->hop_hold_s,
                                   .window_s = x->o->hop_window_s,
                                   .events_min = x->o->hop_events,
                                   .share_min = x->o->hop_share_min,
                                   .swap_mask = x->in->swap_mask};
    return !p.swap_mask || wr_typology_passages(k, x, (wr_vid)root, &p);
}
