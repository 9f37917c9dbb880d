/*
 * Dormant activation: a wallet sleeps for long, then pays out what it held.
 *
 * Root      v, no service when it wakes
 * Hit       a transfer of v (in or out) in scope, after a gap of at least dormant_gap_s
 *           and at least dormant_gap_ratio times the median of all earlier gaps between
 *           its transfers (lower median; no earlier gap: no such demand).  From that one
 *           on and up to dormant_window_s later its payments add up to at least
 *           dormant_share_min of the balance it slept on, which is above zero.  Balance:
 *           what it received less what it paid, never below zero
 * Edges     these payments, up to the one that reaches the share
 * Strength  of what they are of the balance, at most all of it, against dormant_share_min
 * Hub cap   at most hub_cap transfers after the waking are looked at
 * Cost      O(deg), and O(deg log deg) per waking
 * Source    ALGORITHMS 5, row 13
 */
#include <stdlib.h>
#include <string.h>

#include "scoring/typology_int.h"

static int ascending(const void *a, const void *b)
{
    uint32_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

bool wr_typology_is_long_gap(uint32_t gap, wr_typology_list *gaps,
                             const wr_typology_opts *o)
{
    if (gap < o->dormant_gap_s)
        return false;
    if (!gaps->count)
        return true;
    qsort(gaps->at, gaps->count, sizeof *gaps->at, ascending);
    return gap >= o->dormant_gap_ratio * gaps->at[(gaps->count - 1) / 2];
}

/* v wakes by transfer `first` with a balance; b stands behind that transfer. */
static bool wake(wr_typology_sink *k, const wr_typology_view *x, wr_vid v, double balance,
                 uint32_t first, wr_typology_both b)
{
    const wr_flow *fl = x->fl;
    double paid = 0;
    uint32_t at = first, looked_at = 0;
    bool is_in = fl->col.to[first] == v;
    k->list.count = 0;
    do {
        if (fl->col.time_s[at] - fl->col.time_s[first] > x->o->dormant_window_s)
            return true;
        if (looked_at++ == x->o->hub_cap) {
            k->is_hub_truncated = true;
            return true;
        }
        if (is_in)
            continue;
        paid += fl->col.value[at];
        if (!wr_typology_push(&k->list, at))
            return false;
        if (paid >= x->o->dormant_share_min * balance) {
            const double part = paid < balance ? paid / balance : 1;
            const wr_typology_hit h = {
                .root = v,
                .strength = wr_typology_strength(part, x->o->dormant_share_min)};
            return wr_typology_emit(k, x, &h, k->list.at, k->list.count);
        }
    } while (wr_typology_both_next(&b, fl, &at, &is_in));
    return true;
}

bool wr_typology_dormant(wr_typology_sink *k, const wr_typology_view *x, uint64_t root)
{
    const wr_flow *fl = x->fl;
    const wr_vid v = (wr_vid)root;
    if (wr_flow_is_hub(fl, v))
        return true;
    wr_typology_both b = wr_typology_both_of(x, v, 0);
    double balance = 0;
    uint32_t at = 0, last_s = 0;
    bool is_in = false, is_first = true;
    k->other.count = 0; /* gaps */
    while (wr_typology_both_next(&b, fl, &at, &is_in)) {
        const uint32_t t = fl->col.time_s[at], gap = t - last_s;
        const double a = fl->col.value[at];
        if (!is_first) {
            if (at >= x->lo && balance > 0 &&
                wr_typology_is_long_gap(gap, &k->other, x->o) &&
                !wr_typology_is_service(fl, v, t) && !wake(k, x, v, balance, at, b))
                return false;
            if (!wr_typology_push(&k->other, gap))
                return false;
        }
        balance = is_in ? balance + a : a < balance ? balance - a : 0;
        last_s = t;
        is_first = false;
    }
    return true;
}
