/*
 * Peel chain: a sum goes from fresh wallet to fresh wallet and sheds a little at each.
 *
 * Hop       a transfer e into a wallet p, no hub and no service then, which is the first
 *           transfer p ever took part in.  Of p's payments after e and at most
 *           peel_hold_s later, the BIG one is the first with peel_share_min * value(e) <=
 *           value <= value(e), and at least one other is SMALL: value <= value(e) -
 *           peel_share_min * value(e).  The hop leads from e to the big one.  A payment
 *           into a hub that nobody else pays stands for the hub's outputs to others than
 *           p; one into any other hub is no payment
 * Root      the first peeling wallet: receiver of the chain's first transfer
 * Hit       hops e0 -> e1 -> …, as long as they go on and begun where no hop leads to e0;
 *           at least peel_hops of them.  Who receives the last big one may be anybody
 * Edges     e0 and, per hop, the big one, all small ones, and the way into the hub
 * Strength  of the number of hops against peel_hops
 * Hub cap   a wallet with more than hub_cap payments in the window ends the chain
 * Budget    visits_max hops per chain
 * Cost      O(m): a transfer has at most one hop from it and one to it
 * Source    ALGORITHMS 5, row 6; Meiklejohn et al., "A Fistful of Bitcoins", IMC 2013
 * Differs   next pointers are walked from the starts, not jumped: they form disjoint
 *           paths
 */
#include "scoring/typology_int.h"

#define NONE UINT32_MAX

typedef struct hop {
    uint32_t big, small_count;
} hop;

static uint32_t first_of(wr_typology_both b, const wr_flow *fl)
{
    uint32_t at = NONE;
    bool is_in = false;
    return wr_typology_both_next(&b, fl, &at, &is_in) ? at : NONE;
}

/* One payment of value in the peel of transfer e. */
static bool judge(hop *h, const wr_typology_view *x, uint32_t e, uint32_t at,
                  wr_typology_list *edges)
{
    const double in = x->fl->col.value[e], a = x->fl->col.value[at],
                 share = x->o->peel_share_min;
    const bool is_big = h->big == NONE && a >= share * in && a <= in;
    if (is_big)
        h->big = at;
    else if (a <= in - share * in)
        h->small_count++;
    else
        return true;
    return !edges || wr_typology_push(edges, at);
}

/* The outputs of hub `to`, unless somebody else pays it or `p` paid it before `at`. */
static bool judge_hub(hop *h, const wr_typology_view *x, uint32_t e, uint32_t at,
                      wr_typology_list *edges)
{
    const wr_flow *fl = x->fl;
    const wr_vid p = fl->col.from[at], hub = fl->col.to[at];
    const wr_typology_row in = wr_typology_row_of(x, hub, true, 0, x->end);
    for (size_t i = 0; i < in.count; i++)
        if (wr_typology_moves(fl, in.at[i]) &&
            (fl->col.from[in.at[i]] != p || in.at[i] < at))
            return true;
    const wr_typology_row out = wr_typology_row_of(x, hub, false, at, x->end);
    const size_t before = edges ? edges->count : 0;
    for (size_t i = 0; i < out.count; i++)
        if (wr_typology_moves(fl, out.at[i]) && fl->col.to[out.at[i]] != p &&
            !judge(h, x, e, out.at[i], edges))
            return false;
    if (edges && edges->count > before)
        for (size_t i = 0; i < in.count; i++)
            if (wr_typology_moves(fl, in.at[i]) && !wr_typology_push(edges, in.at[i]))
                return false;
    return true;
}

/* The hop from e, whose receiver is fresh; big = NONE: there is none. */
static bool hop_of(hop *h, wr_typology_sink *k, const wr_typology_view *x, uint32_t e,
                   wr_typology_list *edges)
{
    const wr_flow *fl = x->fl;
    const wr_vid p = fl->col.to[e];
    *h = (hop){.big = NONE};
    const uint64_t end =
        wr_columns_before(&fl->col, (uint64_t)fl->col.time_s[e] + x->o->peel_hold_s + 1);
    const wr_typology_row r =
        wr_typology_row_of(x, p, false, e + 1ULL, end < x->end ? end : x->end);
    uint32_t payments = 0;
    for (size_t i = 0; i < r.count; i++) {
        const uint32_t at = r.at[i];
        if (!wr_typology_moves(fl, at))
            continue;
        if (payments++ == x->o->hub_cap) {
            k->is_hub_truncated = true;
            break;
        }
        if (!(wr_flow_is_hub(fl, fl->col.to[at]) ? judge_hub(h, x, e, at, edges)
                                                 : judge(h, x, e, at, edges)))
            return false;
    }
    if (!h->small_count)
        h->big = NONE;
    return true;
}

bool wr_typology_peel_link(wr_typology_sink *k, const wr_typology_view *x, uint64_t root)
{
    const wr_flow *fl = x->fl;
    const wr_vid p = (wr_vid)root;
    const uint32_t e = first_of(wr_typology_both_of(x, p, 0), fl);
    if (e == NONE || e < x->lo || fl->col.to[e] != p ||
        !wr_typology_is_plain(fl, p, fl->col.time_s[e]))
        return true;
    hop h;
    if (!hop_of(&h, k, x, e, NULL))
        return false;
    if (h.big != NONE) {
        x->next[e] = h.big;
        x->is_linked[h.big] = 1;
    }
    return true;
}

bool wr_typology_peel_chain(wr_typology_sink *k, const wr_typology_view *x, uint64_t root)
{
    uint32_t e = (uint32_t)root, hops = 0;
    if (x->next[e] == NONE || x->is_linked[e])
        return true;
    for (uint32_t i = e; x->next[i] != NONE && hops < x->o->peel_hops; i = x->next[i])
        hops++;
    if (hops < x->o->peel_hops)
        return true;
    k->list.count = 0;
    if (!wr_typology_push(&k->list, e))
        return false;
    for (hops = 0; x->next[e] != NONE; hops++, e = x->next[e]) {
        if (hops == x->o->visits_max) {
            k->is_partial = true;
            break;
        }
        hop h;
        if (!hop_of(&h, k, x, e, &k->list))
            return false;
    }
    const wr_typology_hit h = {.root = x->fl->col.to[root],
                               .strength = wr_typology_strength(hops, x->o->peel_hops)};
    return wr_typology_emit(k, x, &h, k->list.at, k->list.count);
}
