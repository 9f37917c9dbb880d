/*
 * Fan-in: many senders pay one wallet within a short time, in amounts of like size.
 *
 * Root      the receiver v, no service at the time
 * Hit       a window (typology_window_int.h) of fan_window_s over v's transfers in, with
 *           transfers of at least fan_count different senders and
 *           median(value) >= fan_even_min * largest value; the median is the lower one
 * Edges     the transfers of the window
 * Strength  of the number of different senders against fan_count
 * Cost      O(deg log hub_cap), and a memmove of at most 8 hub_cap bytes per transfer
 * Source    ALGORITHMS 5, rows 1 and 2
 *
 * Fan-out is the mirror: root the sender, transfers out, receivers.
 */
#include "scoring/typology_int.h"

static bool fan(wr_typology_sink *k, const wr_typology_view *x, wr_vid v, bool is_in)
{
    const wr_flow *fl = x->fl;
    const wr_typology_row r = wr_typology_scope(x, v, is_in);
    if (r.count < x->o->fan_count || wr_flow_is_hub(fl, v))
        return true;
    const wr_typology_rule rule = {.window_s = x->o->fan_window_s,
                                   .distinct_min = x->o->fan_count,
                                   .even_min = x->o->fan_even_min};
    const wr_typology_hit h = {.root = v};
    wr_typology_window_reset(&k->window, &rule, x->o->hub_cap);
    for (size_t i = 0; i < r.count; i++) {
        const uint32_t at = r.at[i], t = fl->col.time_s[at];
        if (!wr_typology_moves(fl, at) || wr_typology_is_service(fl, v, t))
            continue;
        const wr_typology_event e = {fl->col.value[at], t,
                                     is_in ? fl->col.from[at] : fl->col.to[at], at};
        if (!wr_typology_feed(k, x, &h, e))
            return false;
    }
    return wr_typology_flush(k, x, &h);
}

bool wr_typology_fan_in(wr_typology_sink *k, const wr_typology_view *x, uint64_t root)
{
    return fan(k, x, (wr_vid)root, true);
}

bool wr_typology_fan_out(wr_typology_sink *k, const wr_typology_view *x, uint64_t root)
{
    return fan(k, x, (wr_vid)root, false);
}
