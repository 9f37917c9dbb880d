/*
 * Dusting: crumbs of one size to many wallets.  Address poisoning: a crumb from an
 * address that looks like one its receiver knows.
 *
 * Variant 0, dusting.  Root the payer v, no service at the time.
 * Hit       among v's payments of at most dust_value_max: a payment d, and those within
 *           dust_window_s before it whose value is within ± dust_spread of d's, to at
 * least dust_count different wallets.  The first such d; its hit takes in the like ones
 *           (of d) up to dust_window_s after its first.  The next is sought among
 * payments behind that Edges     these payments Strength  of the number of wallets paid
 * against dust_count Hub cap   at most hub_cap such payments are looked back at Cost
 * O(deg); O(hub_cap) per payment while enough wallets, in unlike values, are paid
 *
 * Variant 1, poisoning (needs address_key).  Root the impostor x, no hub, no service.
 * Hit       a transfer of value zero between x and v in either direction (anybody can
 *           cause a zero transfer FROM v), or a payment x -> v of at most dust_value_max;
 *           and, before it and at most poison_window_s earlier, the latest transfer above
 *           dust_value_max between v and a wallet y, not x, with the same address key.  v
 * no hub, no service Edges     both transfers Strength  1 - (time between them) / (2
 * poison_window_s) Hub cap   at most hub_cap transfers of v on a side are looked back at
 * Budget    visits_max such transfers per impostor
 * Source    ALGORITHMS 5, row 14; Tsuchiya et al., "Blockchain Address Poisoning", 2025
 */
#include "scoring/typology_int.h"
#include "util/mem.h"

typedef struct crumb {
    double value;
    uint32_t at, time_s;
    wr_vid to;
} crumb;

/* --- dusting --------------------------------------------------------------------------
 */

static bool read_crumbs(wr_typology_sink *k, const wr_typology_view *x, wr_vid v,
                        size_t *count)
{
    const wr_columns *col = &x->fl->col;
    const wr_typology_row r = wr_typology_scope(x, v, false);
    for (size_t i = 0; i < r.count; i++) {
        const uint32_t at = r.at[i];
        if (!wr_typology_moves(x->fl, at) || col->value[at] > x->o->dust_value_max ||
            wr_typology_is_service(x->fl, v, col->time_s[at]))
            continue;
        crumb *c = wr_grow(k->own, &k->own_cap, *count + 1, sizeof *c);
        if (!c)
            return false;
        k->own = c;
        c[(*count)++] = (crumb){col->value[at], at, col->time_s[at], col->to[at]};
    }
    return true;
}

static bool is_like(const crumb *c, const crumb *d, const wr_typology_opts *o)
{
    const double spread = o->dust_spread * d->value;
    return c->value >= d->value - spread && c->value <= d->value + spread;
}

/* Of the crumbs [start, d]: those like d into the list, their receivers into the tally.
 */
static bool look_back(wr_typology_sink *k, const wr_typology_opts *o, const crumb *c,
                      size_t start, size_t d, size_t *first)
{
    wr_typology_tally *paid = &k->window.tally;
    wr_typology_tally_clear(paid);
    k->list.count = 0;
    for (size_t i = start; i <= d; i++) {
        if (!is_like(&c[i], &c[d], o))
            continue;
        if (!k->list.count)
            *first = i;
        if (!wr_typology_tally_add(paid, c[i].to) || !wr_typology_push(&k->list, c[i].at))
            return false;
    }
    return true;
}

/* A hit with crumb d; *end: the first crumb behind it. */
static bool take(wr_typology_sink *k, const wr_typology_view *x, wr_vid v, const crumb *c,
                 size_t count, size_t first, size_t d, size_t *end)
{
    wr_typology_tally *paid = &k->window.tally;
    size_t i = d + 1;
    for (; i < count && c[i].time_s - c[first].time_s <= x->o->dust_window_s; i++)
        if (is_like(&c[i], &c[d], x->o) && (!wr_typology_tally_add(paid, c[i].to) ||
                                            !wr_typology_push(&k->list, c[i].at)))
            return false;
    *end = i;
    const wr_typology_hit h = {
        .root = v, .strength = wr_typology_strength(paid->distinct, x->o->dust_count)};
    return wr_typology_emit(k, x, &h, k->list.at, k->list.count);
}

static bool dusting(wr_typology_sink *k, const wr_typology_view *x, wr_vid v,
                    wr_typology_tally *seen)
{
    size_t count = 0, start = 0;
    if (wr_typology_scope(x, v, false).count < x->o->dust_count)
        return true;
    if (!read_crumbs(k, x, v, &count))
        return false;
    const crumb *c = k->own;
    for (size_t d = 0; d < count; d++) {
        if (!wr_typology_tally_add(seen, c[d].to))
            return false;
        for (; c[d].time_s - c[start].time_s > x->o->dust_window_s; start++)
            wr_typology_tally_drop(seen, c[start].to);
        if (d - start >= x->o->hub_cap) {
            k->is_hub_truncated = true;
            wr_typology_tally_drop(seen, c[start++].to);
        }
        if (seen->distinct < x->o->dust_count)
            continue;
        size_t first = start;
        if (!look_back(k, x->o, c, start, d, &first))
            return false;
        if (k->window.tally.distinct < x->o->dust_count)
            continue;
        if (!take(k, x, v, c, count, first, d, &start))
            return false;
        d = start - 1;
        wr_typology_tally_clear(seen);
    }
    return true;
}

/* --- poisoning ------------------------------------------------------------------------
 */

/* Latest transfer of v, on one side, above dust, with a namesake of x; before `at`. */
static uint32_t namesake(wr_typology_sink *k, const wr_typology_view *x, wr_vid impostor,
                         wr_vid v, bool is_in, uint32_t at, uint32_t *visits)
{
    const wr_columns *col = &x->fl->col;
    const uint64_t *key = x->in->address_key;
    const wr_typology_row r = wr_typology_row_of(x->fl, v, is_in, 0, at);
    for (size_t i = r.count; i-- > 0;) {
        const uint32_t j = r.at[i];
        const wr_vid y = is_in ? col->from[j] : col->to[j];
        if (col->time_s[at] - col->time_s[j] > x->o->poison_window_s)
            break;
        if (r.count - i > x->o->hub_cap) {
            k->is_hub_truncated = true;
            break;
        }
        if ((*visits)++ >= x->o->visits_max) {
            k->is_partial = true;
            break;
        }
        if (y != impostor && y != v && key[y] == key[impostor] &&
            col->value[j] > x->o->dust_value_max)
            return j;
    }
    return UINT32_MAX;
}

/* Transfer `at` of impostor x, in or out. */
static bool poisoning(wr_typology_sink *k, const wr_typology_view *x, wr_vid impostor,
                      uint32_t at, bool is_in, uint32_t *visits)
{
    const wr_columns *col = &x->fl->col;
    const wr_vid v = is_in ? col->from[at] : col->to[at];
    const uint32_t t = col->time_s[at];
    if (col->value[at] > (is_in ? 0 : x->o->dust_value_max) || v == impostor ||
        !wr_typology_is_plain(x->fl, v, t) || wr_typology_is_service(x->fl, impostor, t))
        return true;
    const uint32_t got = namesake(k, x, impostor, v, true, at, visits),
                   paid = namesake(k, x, impostor, v, false, at, visits);
    if (got == UINT32_MAX && paid == UINT32_MAX)
        return true;
    const uint32_t known = got == UINT32_MAX                  ? paid
                           : paid == UINT32_MAX || got > paid ? got
                                                              : paid;
    uint32_t edge[2] = {known, at};
    const double age = (double)(t - col->time_s[known]);
    const double window = x->o->poison_window_s > 0 ? x->o->poison_window_s : 1;
    const wr_typology_hit h = {
        .root = impostor, .variant = 1, .strength = 1 - age / (2 * window)};
    return wr_typology_emit(k, x, &h, edge, 2);
}

bool wr_typology_dusting(wr_typology_sink *k, const wr_typology_view *x, uint64_t root)
{
    const wr_vid v = (wr_vid)root;
    if (wr_flow_is_hub(x->fl, v))
        return true;
    wr_typology_tally seen = {0};
    const bool is_ok = dusting(k, x, v, &seen);
    wr_typology_tally_release(&seen);
    if (!is_ok || !x->in->address_key || !x->in->address_key[v])
        return is_ok;
    uint32_t visits = 0;
    for (int is_in = 0; is_in < 2; is_in++) {
        const wr_typology_row r = wr_typology_scope(x, v, is_in);
        for (size_t i = 0; i < r.count; i++)
            if (!poisoning(k, x, v, r.at[i], is_in, &visits))
                return false;
    }
    return true;
}
