/*
 * Burst from a new wallet: much money comes to a wallet that is hours old, and leaves.
 *
 * Root      v, no service at its first transfer, which is in scope
 * Hit       at the first payment of v, younger than burst_age_s after v's first transfer
 *           ever, at which v has received at least burst_value_min and, first in first
 * out, at least burst_share_min of that was spent within burst_hold_s of its receipt
 *           (typology_match_int.h).  At most one hit for a wallet
 * Edges     all transfers of v up to that payment
 * Strength  of what it received against burst_value_min
 * Hub cap   only the first hub_cap transfers are looked at
 * Cost      O(deg) at worst, O(transfers of the first day) mostly
 * Source    ALGORITHMS 5, row 17
 */
#include "scoring/typology_int.h"

bool wr_typology_burst(wr_typology_sink *k, const wr_typology_view *x, uint64_t root)
{
    const wr_flow *fl = x->fl;
    const wr_columns *col = &fl->col;
    const wr_vid v = (wr_vid)root;
    wr_typology_both b = wr_typology_both_of(x, v, 0);
    uint32_t at = 0, born_s = 0;
    bool is_in = false;
    double received = 0, spent = 0;
    if (wr_flow_is_hub(fl, v))
        return true;
    k->list.count = 0;
    wr_typology_match_reset(&k->match, x->o->burst_hold_s, 1);
    while (wr_typology_both_next(&b, fl, &at, &is_in)) {
        const uint32_t t = col->time_s[at];
        if (!k->list.count) {
            if (at < x->lo || wr_typology_is_service(fl, v, t))
                return true;
            born_s = t;
        }
        if (t - born_s >= x->o->burst_age_s)
            return true;
        if (k->list.count == x->o->hub_cap) {
            k->is_hub_truncated = true;
            return true;
        }
        if (!wr_typology_push(&k->list, at))
            return false;
        if (is_in) {
            received += col->value[at];
            if (!wr_typology_match_in(&k->match, at, t, col->value[at]))
                return false;
            continue;
        }
        const size_t before = k->match.part_count;
        if (!wr_typology_match_out(&k->match, at, t, col->value[at], true))
            return false;
        for (size_t i = before; i < k->match.part_count; i++)
            spent += k->match.part[i].value;
        if (spent > 0 && received >= x->o->burst_value_min &&
            spent >= x->o->burst_share_min * received) {
            const wr_typology_hit h = {
                .root = v,
                .strength = wr_typology_strength(received, x->o->burst_value_min)};
            return wr_typology_emit(k, x, &h, k->list.at, k->list.count);
        }
    }
    return true;
}
