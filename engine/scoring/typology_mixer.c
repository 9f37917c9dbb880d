/*
 * Mixer use: contact with a labelled mixer, or a transaction built like a CoinJoin.
 *
 * Variant 0, contact.  Root v, no hub, no service and no mixer itself at the time.
 * Hit       v's transfers in scope to or from a wallet labelled as a mixer then
 *           (mixer_mask); or into a hub that pays one, or from a hub that one pays, at
 *           most hub_cap transfers deep.  One hit with all of them
 * Edges     these, and the mixers' own on the other side of a hub
 * Strength  1/2 + 1/2 * value of v's transfers of this kind / of all it made in scope
 *
 * Variants 1..3, structural CoinJoin.  Root a hub with its first transfer in scope. Among
 * its outputs take the value that is paid to the most different wallets (ties: the larger
 * value); e is that number, p the number of different payers.
 *   3  Wasabi-like     at least 50 inputs, p >= e >= 10             strength 0.8
 *   2  Whirlpool-like  exactly 5 inputs and 5 outputs, p = e = 5    strength 0.9
 *   1  JoinMarket-like p >= e >= coinjoin_outputs           strength of e against it
 * The first that holds.  Edges: all transfers of the hub.  Hubs of more than hub_cap
 * transfers on a side are passed by.
 *
 * Cost      O(deg) and the rows of v's hubs
 * Source    ALGORITHMS 5, row 15 and section 3 (structural rules); JoinMarket, Wasabi,
 *           Whirlpool as in GraphSense and Schnoering and Vazirgiannis, 2023
 * Differs   denominations are not checked: values here are priced, base units are not at
 *           hand.  A payout of equal sums from several wallets of one owner looks like
 *           variant 1: its strength stays at the least for few outputs
 */
#include <stdlib.h>
#include <string.h>

#include "scoring/typology_int.h"
#include "util/mem.h"

typedef struct output {
    double value;
    wr_vid to;
} output;

static bool is_mixer(const wr_typology_view *x, wr_vid v, uint32_t at)
{
    const int c = wr_seeds_at(x->fl->seeds, v, x->fl->col.time_s[at]);
    return c >= 0 && (x->in->mixer_mask >> c & 1);
}

/* Mixers on the other side of a transfer: their own ones go to the list. */
static bool contacts(wr_typology_sink *k, const wr_typology_view *x, uint32_t at,
                     bool is_in, bool *is_met)
{
    const wr_columns *col = &x->fl->col;
    const wr_vid other = is_in ? col->from[at] : col->to[at];
    *is_met = is_mixer(x, other, at);
    if (*is_met || !wr_flow_is_hub(x->fl, other))
        return true;
    const wr_typology_row r = wr_typology_row_of(x, other, is_in, 0, x->end);
    if (r.count > x->o->hub_cap) {
        k->is_hub_truncated = true;
        return true;
    }
    for (size_t i = 0; i < r.count; i++) {
        const wr_vid far = is_in ? col->from[r.at[i]] : col->to[r.at[i]];
        if (r.at[i] < x->lo || !wr_typology_moves(x->fl, r.at[i]) ||
            !is_mixer(x, far, r.at[i]))
            continue;
        *is_met = true;
        if (!wr_typology_push(&k->list, r.at[i]))
            return false;
    }
    return true;
}

bool wr_typology_contact(wr_typology_sink *k, const wr_typology_view *x, uint32_t at,
                         bool is_in, bool *is_met)
{
    const wr_columns *col = &x->fl->col;
    const wr_vid v = is_in ? col->to[at] : col->from[at];
    *is_met = false;
    if (is_mixer(x, v, at) || wr_typology_is_service(x->fl, v, col->time_s[at]))
        return true;
    return contacts(k, x, at, is_in, is_met) &&
           (!*is_met || wr_typology_push(&k->list, at));
}

static bool contact(wr_typology_sink *k, const wr_typology_view *x, wr_vid v)
{
    wr_typology_both b = wr_typology_both_of(x, v, x->lo);
    uint32_t at = 0;
    bool is_in = false;
    double all = 0, mixed = 0;
    k->list.count = 0;
    while (wr_typology_both_next(&b, x->fl, &at, &is_in)) {
        bool is_met = false;
        if (!wr_typology_contact(k, x, at, is_in, &is_met))
            return false;
        all += x->fl->col.value[at];
        mixed += is_met ? x->fl->col.value[at] : 0;
    }
    const wr_typology_hit h = {.root = v,
                               .strength = wr_typology_mixed_strength(mixed, all)};
    return !k->list.count || wr_typology_emit(k, x, &h, k->list.at, k->list.count);
}

static int by_value_and_wallet(const void *a, const void *b)
{
    output x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    if (x.value != y.value)
        return x.value < y.value ? -1 : 1;
    return (x.to > y.to) - (x.to < y.to);
}

/* Different wallets that are paid the same value, most of them. */
static uint32_t equal_outputs(output *o, size_t count)
{
    uint32_t most = 0, now = 0;
    qsort(o, count, sizeof *o, by_value_and_wallet);
    for (size_t i = 0; i < count; i++) {
        if (i && o[i].value != o[i - 1].value)
            now = 0;
        now += !now || o[i].to != o[i - 1].to;
        most = now > most ? now : most;
    }
    return most;
}

static uint8_t coinjoin_kind(uint32_t inputs, uint32_t outputs, uint32_t payers,
                             uint32_t equal, const wr_typology_opts *o)
{
    if (inputs >= 50 && payers >= equal && equal >= 10)
        return 3;
    if (inputs == 5 && outputs == 5 && payers == 5 && equal == 5)
        return 2;
    return payers >= equal && equal >= o->coinjoin_outputs ? 1 : 0;
}

bool wr_typology_coinjoin(wr_typology_sink *k, const wr_typology_view *x, wr_vid hub)
{
    const wr_flow *fl = x->fl;
    wr_typology_both b = wr_typology_both_of(x, hub, 0);
    if (b.in.count > x->o->hub_cap || b.out.count > x->o->hub_cap) {
        k->is_hub_truncated = true;
        return true;
    }
    output *out = wr_grow(k->own, &k->own_cap, b.out.count + 1, sizeof *out);
    if (!out)
        return false;
    k->own = out;
    uint32_t at = 0, inputs = 0, outputs = 0;
    bool is_in = false;
    wr_typology_tally *payers = &k->window.tally;
    wr_typology_tally_clear(payers);
    k->list.count = 0;
    while (wr_typology_both_next(&b, fl, &at, &is_in)) {
        if ((!k->list.count && at < x->lo) || !wr_typology_push(&k->list, at) ||
            (is_in && !wr_typology_tally_add(payers, fl->col.from[at])))
            return !k->list.count; /* out of scope, else out of memory */
        if (is_in)
            inputs++;
        else
            out[outputs++] = (output){fl->col.value[at], fl->col.to[at]};
    }
    const uint32_t equal = equal_outputs(out, outputs);
    const uint8_t kind = coinjoin_kind(inputs, outputs, payers->distinct, equal, x->o);
    const wr_typology_hit h = {
        .root = hub,
        .variant = kind,
        .strength = kind == 3   ? 0.8
                    : kind == 2 ? 0.9
                                : wr_typology_strength(equal, x->o->coinjoin_outputs)};
    return !kind || wr_typology_emit(k, x, &h, k->list.at, k->list.count);
}

bool wr_typology_mixer(wr_typology_sink *k, const wr_typology_view *x, uint64_t root)
{
    const wr_vid v = (wr_vid)root;
    if (wr_flow_is_hub(x->fl, v))
        return wr_typology_coinjoin(k, x, v);
    return !x->in->mixer_mask || contact(k, x, v);
}
