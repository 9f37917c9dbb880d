/*
 * Dusting: crumbs of one size to many wallets.  Address poisoning: a crumb from an
 * address that looks like one its receiver knows.
 *
 * Variant 0, dusting.  Root the payer v, no service at the time.
 * Hit       among v's payments of at most dust_value_max: a payment d, and those within
 *           dust_window_s before it whose value is within ± dust_spread of d's, to at
 *           least dust_count different wallets.  The first such d; its hit takes in the
 *           like ones (of d) up to dust_window_s after its first.  The next is sought
 *           among payments behind that
 * Edges     these payments
 * Strength  of the number of wallets paid against dust_count
 * Hub cap   at most hub_cap such payments are looked back at
 * Cost      O(deg); O(hub_cap) per payment while enough wallets, in unlike values, are
 *           paid
 *
 * Variant 1, poisoning (needs address_key).  Root the impostor x, no hub, no service.
 * Hit       a transfer of value zero between x and v in either direction (anybody can
 *           cause a zero transfer FROM v), or a payment x -> v of at most dust_value_max;
 *           and, before it and at most poison_window_s earlier, the latest transfer above
 *           dust_value_max between v and a wallet y, not x, with the same address key.  v
 *           no hub, no service
 * Edges     both transfers
 * Strength  1 - (time between them) / (2 poison_window_s)
 * Hub cap   at most hub_cap transfers of v on a side are looked back at
 * Budget    visits_max such transfers per impostor
 * Source    ALGORITHMS 5, row 14; Tsuchiya et al., "Blockchain Address Poisoning", 2025
 */
#include <string.h>

#include "scoring/typology_int.h"
#include "util/mem.h"

/* --- dusting --------------------------------------------------------------------------
 */

void wr_typology_dust_release(wr_typology_dust *d)
{
    wr_free(d->c);
    wr_free(d->edges.at);
    wr_typology_tally_release(&d->seen);
    wr_typology_tally_release(&d->paid);
    *d = (wr_typology_dust){0};
}

static bool is_like(double value, double like, const wr_typology_opts *o)
{
    const double spread = o->dust_spread * like;
    return value >= like - spread && value <= like + spread;
}

static void drop_oldest(wr_typology_dust *d)
{
    wr_typology_tally_drop(&d->seen, d->c[d->start++].to);
    if (d->start <= 64 || d->start <= d->count / 2)
        return;
    d->count -= d->start;
    memmove(d->c, d->c + d->start, d->count * sizeof *d->c);
    d->start = 0;
}

static bool keep(wr_typology_dust *d, const wr_typology_opts *o,
                 const wr_typology_crumb *c)
{
    wr_typology_crumb *p = wr_grow(d->c, &d->cap, d->count + 1, sizeof *p);
    if (!p)
        return false;
    d->c = p;
    p[d->count++] = *c;
    if (!wr_typology_tally_add(&d->seen, c->to))
        return false;
    while (c->time_s - d->c[d->start].time_s > o->dust_window_s)
        drop_oldest(d);
    if (d->count - d->start > o->hub_cap) {
        d->is_truncated = true;
        drop_oldest(d);
    }
    return true;
}

/* Of the crumbs kept: those like the last one into the list, their receivers into the
 * tally. */
static bool look_back(wr_typology_dust *d, const wr_typology_opts *o)
{
    wr_typology_tally_clear(&d->paid);
    d->edges.count = 0;
    d->like = d->c[d->count - 1].value;
    for (size_t i = d->start; i < d->count; i++) {
        if (!is_like(d->c[i].value, d->like, o))
            continue;
        if (!d->edges.count)
            d->first_s = d->c[i].time_s;
        if (!wr_typology_tally_add(&d->paid, d->c[i].to) ||
            !wr_typology_push(&d->edges, d->c[i].at))
            return false;
    }
    return true;
}

bool wr_typology_dust_push(wr_typology_dust *d, const wr_typology_opts *o,
                           const wr_typology_crumb *c, bool *is_of_hit)
{
    *is_of_hit = false;
    if (d->is_open && c->time_s - d->first_s <= o->dust_window_s) {
        *is_of_hit = is_like(c->value, d->like, o);
        return !*is_of_hit || wr_typology_tally_add(&d->paid, c->to);
    }
    d->is_open = false;
    if (!keep(d, o, c))
        return false;
    if (d->seen.distinct < o->dust_count)
        return true;
    if (!look_back(d, o))
        return false;
    if (d->paid.distinct < o->dust_count)
        return true;
    d->is_open = *is_of_hit = true;
    d->start = d->count = 0;
    wr_typology_tally_clear(&d->seen);
    return true;
}

static bool emit(wr_typology_sink *k, const wr_typology_view *x, wr_vid v,
                 const wr_typology_dust *d)
{
    const wr_typology_hit h = {
        .root = v, .strength = wr_typology_strength(d->paid.distinct, x->o->dust_count)};
    return wr_typology_emit(k, x, &h, k->list.at, k->list.count);
}

/* One crumb; the transfers of the hit that is open are in the list. */
static bool feed(wr_typology_sink *k, const wr_typology_view *x, wr_vid v,
                 wr_typology_dust *d, uint32_t at)
{
    const wr_columns *col = &x->fl->col;
    const wr_typology_crumb c = {col->value[at], at, col->time_s[at], col->to[at]};
    const bool was_open = d->is_open;
    if (was_open && c.time_s - d->first_s > x->o->dust_window_s && !emit(k, x, v, d))
        return false;
    bool is_of_hit = false;
    if (!wr_typology_dust_push(d, x->o, &c, &is_of_hit))
        return false;
    k->is_hub_truncated |= d->is_truncated;
    if (!is_of_hit)
        return true;
    if (c.at != d->edges.at[d->edges.count - 1])
        return wr_typology_push(&k->list, at);
    k->list.count = 0;
    for (size_t i = 0; i < d->edges.count; i++)
        if (!wr_typology_push(&k->list, d->edges.at[i]))
            return false;
    return true;
}

static bool dusting(wr_typology_sink *k, const wr_typology_view *x, wr_vid v)
{
    const wr_typology_row r = wr_typology_scope(x, v, false);
    if (r.count < x->o->dust_count)
        return true;
    __attribute__((cleanup(wr_typology_dust_release))) wr_typology_dust d = {0};
    for (size_t i = 0; i < r.count; i++)
        if (wr_typology_is_crumb(x->fl, r.at[i], x->o) && !feed(k, x, v, &d, r.at[i]))
            return false;
    return !d.is_open || emit(k, x, v, &d);
}

/* --- poisoning ------------------------------------------------------------------------
 */

/* Latest transfer of v, on one side, above dust, with a namesake of x; before `at`. */
static uint32_t namesake(wr_typology_sink *k, const wr_typology_view *x, wr_vid impostor,
                         wr_vid v, bool is_in, uint32_t at)
{
    const wr_columns *col = &x->fl->col;
    const uint64_t *key = x->in->address_key;
    const wr_typology_row r = wr_typology_row_of(x, v, is_in, 0, at);
    for (size_t i = r.count; i-- > 0;) {
        const uint32_t j = r.at[i];
        const wr_vid y = is_in ? col->from[j] : col->to[j];
        if (col->time_s[at] - col->time_s[j] > x->o->poison_window_s)
            break;
        if (r.count - i > x->o->hub_cap) {
            k->is_hub_truncated = true;
            break;
        }
        if (k->visits++ >= x->o->visits_max) {
            k->is_partial = true;
            break;
        }
        if (y != impostor && y != v && key[y] == key[impostor] &&
            col->value[j] > x->o->dust_value_max)
            return j;
    }
    return UINT32_MAX;
}

bool wr_typology_poisoning(wr_typology_sink *k, const wr_typology_view *x, uint32_t at,
                           bool is_in)
{
    const wr_columns *col = &x->fl->col;
    const wr_vid impostor = is_in ? col->to[at] : col->from[at];
    const wr_vid v = is_in ? col->from[at] : col->to[at];
    const uint32_t t = col->time_s[at];
    if (col->value[at] > (is_in ? 0 : x->o->dust_value_max) || v == impostor ||
        !wr_typology_is_plain(x->fl, v, t) || wr_typology_is_service(x->fl, impostor, t))
        return true;
    const uint32_t got = namesake(k, x, impostor, v, true, at),
                   paid = namesake(k, x, impostor, v, false, at);
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
    if (!dusting(k, x, v))
        return false;
    if (!x->in->address_key || !x->in->address_key[v])
        return true;
    for (int is_in = 0; is_in < 2; is_in++) {
        const wr_typology_row r = wr_typology_scope(x, v, is_in);
        for (size_t i = 0; i < r.count; i++)
            if (!wr_typology_poisoning(k, x, r.at[i], is_in))
                return false;
    }
    return true;
}
