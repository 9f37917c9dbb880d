/*
 * Chain (layering): money runs through several unlabelled wallets and rests in none.
 *
 * Link      an inflow e of a wallet that passed it on: an event of the pass-through
 *           (typology_match_int.h with pass_hold_s, pass_share_min, over the transfers of
 *           the wallet while it has no label at all; no hub).  e leads to the outflow f
 *           that spent most of it up to the event (ties: the first).  Of several inflows
 *           that lead to the same f the one it spent most of is kept (ties: the first)
 * Root      the first wallet that passes on: receiver of the chain's first transfer
 * Hit       links e0 -> e1 -> …, as long as they go on and begun where no link leads to
 *           e0; at least chain_wallets DIFFERENT wallets passed it on
 * Edges     e0 and what it leads to, one by one
 * Strength  of the number of different wallets against chain_wallets
 * Budget    visits_max links per chain
 * Cost      O(m)
 * Source    ALGORITHMS 5, row 12
 */
#include "scoring/typology_int.h"

#define NONE UINT32_MAX

const wr_typology_part *wr_typology_largest_part(const wr_typology_match *m, uint32_t lot)
{
    const wr_typology_part *best = &m->part[m->lot[lot].first_part];
    for (const wr_typology_part *p = best, *end = m->part + m->part_count;
         p < end && p->lot == lot && p->at <= m->lot[lot].done_at; p++)
        if (p->value > best->value)
            best = p;
    return best;
}

bool wr_typology_chain_link(wr_typology_sink *k, const wr_typology_view *x, uint64_t root)
{
    const wr_vid v = (wr_vid)root;
    if (wr_flow_is_hub(x->fl, v))
        return true;
    if (!wr_typology_match_all(k, x, v, true))
        return false;
    const wr_typology_match *m = &k->match;
    const wr_typology_part *kept = NULL;
    for (uint32_t i = 0; i < m->lot_count; i++) {
        if (m->lot[i].done_at == WR_TYPOLOGY_OPEN)
            continue;
        const wr_typology_part *p = wr_typology_largest_part(m, i);
        /* What lots lead to does not go back: equal ones stand side by side. */
        if (kept && kept->at == p->at) {
            if (p->value <= kept->value)
                continue;
            x->next[m->lot[kept->lot].at] = NONE;
        }
        kept = p;
        x->next[m->lot[i].at] = p->at;
        x->is_linked[p->at] = 1;
    }
    return true;
}

bool wr_typology_chain(wr_typology_sink *k, const wr_typology_view *x, uint64_t root)
{
    uint32_t e = (uint32_t)root;
    if (x->next[e] == NONE || x->is_linked[e])
        return true;
    wr_typology_tally *wallets = &k->window.tally;
    wr_typology_tally_clear(wallets);
    k->list.count = 0;
    if (!wr_typology_push(&k->list, e))
        return false;
    for (; x->next[e] != NONE; e = x->next[e]) {
        if (k->list.count > x->o->visits_max) {
            k->is_partial = true;
            break;
        }
        if (!wr_typology_tally_add(wallets, x->fl->col.to[e]) ||
            !wr_typology_push(&k->list, x->next[e]))
            return false;
    }
    if (wallets->distinct < x->o->chain_wallets)
        return true;
    const wr_typology_hit h = {
        .root = x->fl->col.to[root],
        .strength = wr_typology_strength(wallets->distinct, x->o->chain_wallets)};
    return wr_typology_emit(k, x, &h, k->list.at, k->list.count);
}
