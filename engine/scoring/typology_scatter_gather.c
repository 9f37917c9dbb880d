/*
 * Scatter-gather: one wallet pays several, each of which passes it on to the same one.
 *
 * Root      the payer u (it may be a service); w, the receiver, may be one too
 * Leg       a transfer u -> m, and the FIRST transfer m -> w after it with
 *           scatter_ratio_min <= out / in <= scatter_ratio_max, at most scatter_window_s
 *           later; m no service at either; u, m, w three wallets, none a hub
 * Hit       for u and w: legs in the order of their first transfers (then of their
 *           second).  Take those that start at or after a leg L and end at most
 *           scatter_window_s after L starts; of each m the first.  At least scatter_count
 *           different m make a hit.  The first such L starts one; the next is sought
 *           among legs that start after the last start of a leg in it
 * Edges     both transfers of each leg taken
 * Strength  of the number of middle wallets against scatter_count
 * Hub cap   a middle wallet with more than hub_cap transfers in the window is passed by
 * Budget    visits_max transfers of middle wallets per root, in order of first transfers
 * Cost      O(transfers of middle wallets in the window), sorted by receiver
 * Source    ALGORITHMS 5, row 4; GFP, Blanusa et al., ICAIF 2024, algorithm 1
 * Differs   amounts of both transfers of a leg must agree
 */
#include <stdlib.h>
#include <string.h>

#include "scoring/typology_int.h"
#include "util/mem.h"

static bool push_leg(wr_typology_sink *k, size_t *count, wr_typology_leg l)
{
    wr_typology_leg *own = wr_grow(k->own, &k->own_cap, *count + 1, sizeof *own);
    if (!own)
        return false;
    k->own = own;
    own[(*count)++] = l;
    return true;
}

bool wr_typology_legs(wr_typology_sink *k, const wr_typology_view *x, uint32_t e,
                      size_t *count)
{
    const wr_flow *fl = x->fl;
    const wr_vid u = fl->col.from[e], m = fl->col.to[e];
    const double value = fl->col.value[e];
    const uint32_t t = fl->col.time_s[e];
    if (!wr_typology_moves(fl, e) || !wr_typology_is_plain(fl, m, t))
        return true;
    uint64_t end = wr_columns_before(&fl->col, (uint64_t)t + x->o->scatter_window_s + 1);
    const wr_typology_row r =
        wr_typology_row_of(x, m, false, e + 1ULL, end < x->end ? end : x->end);
    if (r.count > x->o->hub_cap) {
        k->is_hub_truncated = true;
        return true;
    }
    wr_typology_tally *met = &k->window.tally; /* receivers that have their leg */
    wr_typology_tally_clear(met);
    for (size_t i = 0; i < r.count; i++) {
        if (k->visits++ >= x->o->visits_max) {
            k->is_partial = true;
            return true;
        }
        const uint32_t f = r.at[i];
        const wr_vid w = fl->col.to[f];
        const double out = fl->col.value[f];
        if (!wr_typology_moves(fl, f) || w == u || wr_flow_is_hub(fl, w) ||
            out < x->o->scatter_ratio_min * value ||
            out > x->o->scatter_ratio_max * value ||
            wr_typology_is_service(fl, m, fl->col.time_s[f]))
            continue;
        const uint32_t before = met->distinct;
        if (!wr_typology_tally_add(met, w))
            return false;
        if (met->distinct > before && !push_leg(k, count, (wr_typology_leg){w, m, e, f}))
            return false;
    }
    return true;
}

static int by_receiver(const void *a, const void *b)
{
    wr_typology_leg x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    if (x.to != y.to)
        return x.to < y.to ? -1 : 1;
    if (x.e != y.e)
        return x.e < y.e ? -1 : 1;
    return (x.f > y.f) - (x.f < y.f);
}

bool wr_typology_try_legs(wr_typology_sink *k, const wr_typology_view *x,
                          const wr_typology_leg *l, size_t count, bool *is_hit,
                          uint32_t *last)
{
    const wr_columns *col = &x->fl->col;
    const uint32_t t = col->time_s[l[0].e];
    wr_typology_tally *mids = &k->window.tally;
    wr_typology_tally_clear(mids);
    k->list.count = 0;
    for (size_t i = 0; i < count; i++) {
        if (col->time_s[l[i].e] - t > x->o->scatter_window_s)
            break;
        if (col->time_s[l[i].f] - t > x->o->scatter_window_s)
            continue;
        const uint32_t before = mids->distinct;
        if (!wr_typology_tally_add(mids, l[i].mid))
            return false;
        if (mids->distinct == before)
            continue;
        *last = l[i].e;
        if (!wr_typology_push(&k->list, l[i].e) || !wr_typology_push(&k->list, l[i].f))
            return false;
    }
    *is_hit = mids->distinct >= x->o->scatter_count;
    if (!*is_hit)
        return true;
    const wr_typology_hit h = {
        .root = col->from[l[0].e],
        .strength = wr_typology_strength(mids->distinct, x->o->scatter_count)};
    return wr_typology_emit(k, x, &h, k->list.at, k->list.count);
}

bool wr_typology_scatter_gather(wr_typology_sink *k, const wr_typology_view *x,
                                uint64_t root)
{
    const wr_vid u = (wr_vid)root;
    const wr_typology_row r = wr_typology_scope(x, u, false);
    if (r.count < x->o->scatter_count || wr_flow_is_hub(x->fl, u))
        return true;
    size_t count = 0;
    for (size_t i = 0; i < r.count && !k->is_partial; i++)
        if (!wr_typology_legs(k, x, r.at[i], &count))
            return false;
    if (count < x->o->scatter_count)
        return true;
    wr_typology_leg *l = k->own;
    qsort(l, count, sizeof *l, by_receiver);
    for (size_t i = 0; i < count;) {
        size_t end = i;
        while (end < count && l[end].to == l[i].to)
            end++;
        while (end - i >= x->o->scatter_count) {
            bool is_hit = false;
            uint32_t last = 0;
            if (!wr_typology_try_legs(k, x, l + i, end - i, &is_hit, &last))
                return false;
            do
                i++;
            while (is_hit && i < end && l[i].e <= last);
        }
        i = end;
    }
    return true;
}
