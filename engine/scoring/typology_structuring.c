/*
 * Structuring (smurfing): transfers kept just under a reporting threshold.
 *
 * Root      v, which sends them all (variant 0) or receives them all (variant 1); no
 *           service at the time
 * Hit       for each threshold Th by itself, a window (typology_window_int.h) of
 *           structuring_window_s over v's transfers (out or in) with value in
 *           [structuring_low * Th, Th), of at least structuring_count transfers and a sum
 *           of at least structuring_sum_min * Th
 * Edges     the transfers of the window
 * Strength  of the number of transfers against structuring_count
 * Cost      O(deg) for each threshold
 * Source    ALGORITHMS 5, row 8
 */
#include "scoring/typology_int.h"

static bool structuring(wr_typology_sink *k, const wr_typology_view *x, wr_vid v,
                        bool is_in, double threshold)
{
    const wr_flow *fl = x->fl;
    const wr_typology_row r = wr_typology_scope(x, v, is_in);
    if (r.count < x->o->structuring_count)
        return true;
    const wr_typology_rule rule = {.window_s = x->o->structuring_window_s,
                                   .count_min = x->o->structuring_count,
                                   .sum_min = x->o->structuring_sum_min * threshold};
    const double low = x->o->structuring_low * threshold;
    const wr_typology_hit h = {.root = v, .variant = is_in};
    wr_typology_window_reset(&k->window, &rule, x->o->hub_cap);
    for (size_t i = 0; i < r.count; i++) {
        const uint32_t at = r.at[i], t = fl->col.time_s[at];
        const double value = fl->col.value[at];
        if (!(value >= low && value < threshold) || !wr_typology_moves(fl, at) ||
            wr_typology_is_service(fl, v, t))
            continue;
        const wr_typology_event e = {value, t, 0, at};
        if (!wr_typology_feed(k, x, &h, e))
            return false;
    }
    return wr_typology_flush(k, x, &h);
}

bool wr_typology_structuring(wr_typology_sink *k, const wr_typology_view *x,
                             uint64_t root)
{
    const wr_vid v = (wr_vid)root;
    if (wr_flow_is_hub(x->fl, v))
        return true;
    for (int i = 0; i < WR_TYPOLOGY_THRESHOLDS; i++)
        for (int is_in = 0; is_in < 2; is_in++)
            if (!structuring(k, x, v, is_in, x->o->structuring_threshold[i]))
                return false;
    return true;
}
