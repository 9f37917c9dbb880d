/*
 * Rapid pass-through: what comes in goes out again at once, time after time.
 *
 * Event     an inflow of which, first in first out, at least pass_share_min was spent
 *           within pass_hold_s (typology_match_int.h), at the time of the outflow that
 *           made it so
 * Root      v; its transfers while it is a service do not count
 * Hit       a window (typology_window_int.h) of pass_window_s over v's events: at least
 *           pass_events of them, or spent inflow of at least pass_value_min
 * Edges     the inflows, and the outflows that spent them up to their event
 * Strength  the larger of: of the number of events against pass_events, of the sum spent
 *           against pass_value_min
 * Hub cap   of the window
 * Cost      O(deg)
 * Source    ALGORITHMS 5, row 7
 */
#include "scoring/typology_int.h"

static bool takes_part(const wr_typology_view *x, wr_vid v, uint32_t at, bool is_bare)
{
    const uint32_t t = x->fl->col.time_s[at];
    return is_bare ? wr_seeds_at(x->fl->seeds, v, t) < 0
                   : !wr_typology_is_service(x->fl, v, t);
}

bool wr_typology_match_all(wr_typology_sink *k, const wr_typology_view *x, wr_vid v,
                           bool is_bare)
{
    const wr_columns *col = &x->fl->col;
    wr_typology_both b = wr_typology_both_of(x, v, x->lo);
    uint32_t at = 0;
    bool is_in = false;
    wr_typology_match_reset(&k->match, x->o->pass_hold_s, x->o->pass_share_min);
    while (wr_typology_both_next(&b, x->fl, &at, &is_in)) {
        if (!takes_part(x, v, at, is_bare))
            continue;
        if (is_in ? !wr_typology_match_in(&k->match, at, col->time_s[at], col->value[at])
                  : !wr_typology_match_out(&k->match, at, col->time_s[at], col->value[at],
                                           true))
            return false;
    }
    return true;
}

static bool emit(wr_typology_sink *k, const wr_typology_view *x, wr_vid v,
                 const wr_typology_passage *p)
{
    const wr_typology_window *w = &k->window;
    const wr_typology_match *m = &k->match;
    double sum = 0;
    k->list.count = 0;
    for (size_t i = w->first; i < w->count; i++) {
        const uint32_t lot = w->event[i].ref;
        sum += w->event[i].value;
        if (!wr_typology_push(&k->list, m->lot[lot].at))
            return false;
        for (size_t j = m->lot[lot].first_part;
             j < m->part_count && m->part[j].lot == lot &&
             m->part[j].at <= m->lot[lot].done_at;
             j++)
            if (!wr_typology_push(&k->list, m->part[j].at))
                return false;
    }
    const double events =
                     wr_typology_strength((double)(w->count - w->first), p->events_min),
                 value = p->is_any ? wr_typology_strength(sum, p->value_min) : 0;
    const bool is_row_truncated = k->is_hub_truncated;
    k->is_hub_truncated = w->is_truncated;
    const wr_typology_hit h = {.root = v, .strength = events > value ? events : value};
    const bool is_ok = wr_typology_emit(k, x, &h, k->list.at, k->list.count);
    k->is_hub_truncated = is_row_truncated;
    return is_ok;
}

/* Events of the outflow that was matched last. */
static bool feed(wr_typology_sink *k, const wr_typology_view *x, wr_vid v,
                 const wr_typology_passage *p, uint32_t at)
{
    wr_typology_window *w = &k->window;
    const wr_typology_match *m = &k->match;
    const uint32_t t = x->fl->col.time_s[at];
    for (size_t i = m->done_from; i <= m->head && i < m->lot_count; i++) {
        if (m->lot[i].done_at != at)
            continue;
        if (wr_typology_window_is_over(w, t)) {
            if (!emit(k, x, v, p))
                return false;
            wr_typology_window_clear(w);
        }
        const wr_typology_event e = {m->lot[i].counted, t, 0, (uint32_t)i};
        if (!wr_typology_window_push(w, e))
            return false;
        k->is_hub_truncated |= w->is_truncated;
    }
    return true;
}

bool wr_typology_passages(wr_typology_sink *k, const wr_typology_view *x, wr_vid v,
                          const wr_typology_passage *p)
{
    const wr_flow *fl = x->fl;
    const wr_columns *col = &fl->col;
    const wr_typology_rule rule = {.window_s = p->window_s,
                                   .count_min = p->events_min,
                                   .sum_min = p->is_any ? p->value_min : 0,
                                   .is_any = p->is_any};
    wr_typology_match_reset(&k->match, p->hold_s, p->share_min);
    wr_typology_window_reset(&k->window, &rule, x->o->hub_cap);
    wr_typology_both b = wr_typology_both_of(x, v, x->lo);
    if (wr_flow_is_hub(fl, v) || !b.in.count || !b.out.count)
        return true;
    uint32_t at = 0;
    bool is_in = false;
    while (wr_typology_both_next(&b, fl, &at, &is_in)) {
        const uint32_t t = col->time_s[at];
        if (!takes_part(x, v, at, false))
            continue;
        if (is_in) {
            if (!wr_typology_match_in(&k->match, at, t, col->value[at]))
                return false;
            continue;
        }
        const int c = wr_seeds_at(fl->seeds, col->to[at], t);
        const bool does_count = !p->swap_mask || (c >= 0 && (p->swap_mask >> c & 1));
        if (!wr_typology_match_out(&k->match, at, t, col->value[at], does_count) ||
            !feed(k, x, v, p, at))
            return false;
    }
    return !k->window.is_open || emit(k, x, v, p);
}

bool wr_typology_pass_through(wr_typology_sink *k, const wr_typology_view *x,
                              uint64_t root)
{
    const wr_typology_passage p = {.hold_s = x->o->pass_hold_s,
                                   .window_s = x->o->pass_window_s,
                                   .events_min = x->o->pass_events,
                                   .share_min = x->o->pass_share_min,
                                   .value_min = x->o->pass_value_min,
                                   .is_any = true};
    return wr_typology_passages(k, x, (wr_vid)root, &p);
}
