/*
 * Bipartite: several wallets pay the same several wallets, nearly each one each.
 *
 * Root      u, one of the senders
 * Block     take u's payments to wallets that are no hub and no service, while u is none;
 *           a window of bipartite_window_s starts with one of them (below).  B: all whom
 *           u pays by these in the window, at least bipartite_receivers.  A: all senders,
 *           not in B, no hub and no service then, that in the window pay at least
 *           bipartite_density_min of B: at least bipartite_senders, u among them.  So the
 *           density of A x B is at least bipartite_density_min
 * Windows   the first starts with u's first such payment; the next behind it when it held
 *           a block, else with u's first payment at least half a window after its start
 * Hit       blocks are found from each of their senders: in the order of their first
 *           transfer, then of root, one at least half of whose transfers are in earlier
 *           hits is no hit
 * Edges     all transfers from A to B in the window
 * Strength  density * (of the smaller of senders and receivers against their least
 *           number)
 * Hub cap   a receiver with more than hub_cap transfers in within the window is left out
 *           of B
 * Budget    visits_max transfers of receivers looked at per root; a block that needs
 *           more is dropped
 * Cost      O(transfers of receivers in the windows); mostly the shortest of their rows
 *           show that there is no block (typology_elect_int.h)
 * Source    ALGORITHMS 5, row 10
 * Differs   from biclique search: B is what one wallet pays, not any set of receivers.
 *           That is polynomial, finds planted blocks of density .7 with a sender that
 *           pays all, and can be checked by hand
 */
#include "scoring/typology_int.h"

static bool emit(wr_typology_sink *k, const wr_typology_view *x, wr_vid u,
                 const wr_typology_block *b)
{
    k->other.count = 0;
    for (size_t i = 0; i < b->pays.count; i++)
        if (!wr_typology_push(&k->other, b->pays.pay[i].at))
            return false;
    const double from = wr_typology_strength(b->senders, x->o->bipartite_senders),
                 to =
                     wr_typology_strength((double)b->to_count, x->o->bipartite_receivers),
                 density = b->pairs / ((double)b->senders * (double)b->to_count);
    const wr_typology_hit h = {.root = u, .strength = density * (from < to ? from : to)};
    return wr_typology_emit(k, x, &h, k->other.at, k->other.count);
}

bool wr_typology_try_bipartite(wr_typology_sink *k, const wr_typology_view *x, wr_vid u,
                               const wr_typology_list *l, size_t i, bool *holds)
{
    if (!wr_typology_block_of(k, x, l, i))
        return false;
    *holds = k->block.senders > 0;
    return !*holds || emit(k, x, u, &k->block);
}

bool wr_typology_bipartite(wr_typology_sink *k, const wr_typology_view *x, uint64_t root)
{
    return wr_typology_windows(k, x, (wr_vid)root, x->o->bipartite_receivers,
                               x->o->bipartite_window_s, wr_typology_try_bipartite);
}
