/*
 * Smurf bridge: all that one wallet pays goes through several to one other, and little
 * else passes between them (GARG).
 *
 * Root      u, the source
 * Hit       windows of bridge_window_s start with payments of u as in
 *           typology_bipartite.c (to no hub, no service).  R: all whom u pays by these in
 *           the window.  For a sink w, not u, no hub: M, those of R without w that pay w
 *           in the window after they were first paid by u in it, while no service: at
 *           least bridge_count.  S: all others than u that pay w in the window.  Then
 *
 *               score = (|M| / |R without w| + |M| / |S|) / 2 * (1 - cross)
 *
 *           must be at least bridge_score_min; cross = ordered pairs that should not be
 *           and have a transfer in the window (one of M to another or to u, w to one of M
 *           or to u, u to w) / (|M|^2 + |M| + 2), their number
 * Edges     of each of M, all transfers from u and, after the first of these, to w
 * Strength  the score
 * Hub cap   one of R with more than hub_cap payments in the window pays nobody here; a w
 *           with more than that on a side is passed by
 * Budget    visits_max transfers per root; a window that needs more gives no further hit
 * Cost      O(transfers of R out, and of each candidate w, in the window); mostly the
 *           shortest rows of R show that no w is paid by enough (typology_elect_int.h)
 * Source    ALGORITHMS 5, row 9; GARG-AML, Deprez et al., 2025: density of the blocks of
 *           the second-order adjacency matrix
 * Differs   time: only what comes after; one source, one sink; a product instead of a
 *           difference, so that cross traffic can only lower it
 */
#include <stdlib.h>
#include <string.h>

#include "scoring/typology_int.h"
#include "util/mem.h"

typedef struct bridge {
    wr_typology_sink *k;
    const wr_typology_view *x;
    wr_vid u;
    uint32_t first;
    uint64_t end;
    wr_typology_list mid;   /* R, ascending */
    wr_typology_list since; /* when each was first paid */
    wr_typology_list group; /* M, ascending */
    wr_typology_pays pays;  /* from R to those that enough of it pay, by receiver */
} bridge;

static void bridge_release(bridge *b)
{
    wr_free(b->mid.at);
    wr_free(b->since.at);
    wr_free(b->group.at);
    wr_free(b->pays.pay);
}

static bool can_look(bridge *b)
{
    if (b->k->visits++ < b->x->o->visits_max)
        return true;
    b->k->is_partial = true;
    return false;
}

static bool read_mids(bridge *b, const wr_typology_list *l, size_t i)
{
    const wr_vid *to = b->x->fl->col.to;
    const size_t start = i;
    b->mid.count = b->since.count = 0;
    for (; i < l->count && l->at[i] < b->end; i++)
        if (!wr_typology_push(&b->mid, to[l->at[i]]))
            return false;
    b->mid.count = wr_typology_sort_unique(b->mid.at, b->mid.count);
    for (size_t j = 0; j < b->mid.count; j++)
        if (!wr_typology_push(&b->since, UINT32_MAX))
            return false;
    for (i = start; i < l->count && l->at[i] < b->end; i++) {
        const size_t mid = wr_typology_find_vid(b->mid.at, b->mid.count, to[l->at[i]]);
        if (mid < b->since.count && l->at[i] < b->since.at[mid])
            b->since.at[mid] = l->at[i];
    }
    return true;
}

/* What R pays on, after it was paid: each a voter. */
static bool read_voters(bridge *b)
{
    wr_typology_election_reset(&b->k->election);
    for (size_t j = 0; j < b->mid.count; j++) {
        const wr_vid m = b->mid.at[j];
        const wr_typology_row r =
            wr_typology_row_of(b->x, m, false, b->since.at[j], b->end);
        if (r.count > b->x->o->hub_cap)
            b->k->is_hub_truncated = true;
        else if (!wr_typology_election_add(&b->k->election, m, r))
            return false;
    }
    return true;
}

/* The sink that m's transfer counts for. */
static wr_vid sink_of(const void *ctx, wr_vid m, uint32_t at)
{
    const bridge *b = ctx;
    const wr_flow *fl = b->x->fl;
    const wr_vid w = fl->col.to[at];
    return !wr_typology_moves(fl, at) || w == b->u || wr_flow_is_hub(fl, w) ||
                   wr_typology_is_service(fl, m, fl->col.time_s[at])
               ? WR_VID_NONE
               : w;
}

/* Can a score with |M| = mids of so many, paid by `payers`, reach the least? */
static bool can_reach(const bridge *b, double mids, double all, double payers)
{
    return (mids / all + mids / payers) / 2 >= b->x->o->bridge_score_min;
}

/* Least |M|, were all who pay w among them. */
static uint32_t mids_needed(const bridge *b)
{
    const double all = (double)b->mid.count;
    uint32_t need = b->x->o->bridge_count;
    while (need < all && !can_reach(b, need, all - 1, need))
        need++;
    return need;
}

/* How many of the group and u v pays in the window; *is_known: unless beyond the cap. */
static bool count_paid(bridge *b, wr_vid v, uint32_t *paid, bool *is_known)
{
    const wr_flow *fl = b->x->fl;
    const wr_typology_row r = wr_typology_row_of(b->x, v, false, b->first, b->end);
    wr_typology_tally *met = &b->k->window.tally;
    wr_typology_tally_clear(met);
    if (r.count > b->x->o->hub_cap) {
        b->k->is_hub_truncated = true;
        *is_known = false;
        return true;
    }
    for (size_t i = 0; i < r.count && can_look(b); i++) {
        const wr_vid w = fl->col.to[r.at[i]];
        if (!wr_typology_moves(fl, r.at[i]) ||
            (w != b->u &&
             wr_typology_find_vid(b->group.at, b->group.count, w) == b->group.count))
            continue;
        if (!wr_typology_tally_add(met, w))
            return false;
    }
    *paid += met->distinct;
    return true;
}

/* Who else than u pays w in the window; 0: too many. */
static bool count_payers(bridge *b, wr_vid w, double all, uint32_t *payers)
{
    const wr_flow *fl = b->x->fl;
    const wr_typology_row r = wr_typology_row_of(b->x, w, true, b->first, b->end);
    wr_typology_tally *met = &b->k->window.tally;
    wr_typology_tally_clear(met);
    *payers = 0;
    if (r.count > b->x->o->hub_cap) {
        b->k->is_hub_truncated = true;
        return true;
    }
    for (size_t i = 0; i < r.count && can_look(b); i++) {
        if (!wr_typology_moves(fl, r.at[i]) || fl->col.from[r.at[i]] == b->u)
            continue;
        if (!wr_typology_tally_add(met, fl->col.from[r.at[i]]))
            return false;
        if (!can_reach(b, (double)b->group.count, all, met->distinct))
            return true;
    }
    *payers = met->distinct;
    return true;
}

/* Does u pay w in the window? */
static bool is_direct(bridge *b, wr_vid w)
{
    const wr_flow *fl = b->x->fl;
    const wr_typology_row r = wr_typology_row_of(b->x, b->u, false, b->first, b->end);
    for (size_t i = 0; i < r.count && can_look(b); i++)
        if (fl->col.to[r.at[i]] == w && wr_typology_moves(fl, r.at[i]))
            return true;
    return false;
}

/* Score of M and w; 0 when it cannot be told, or cannot be enough. */
static bool score_of(bridge *b, wr_vid w, double *score)
{
    const bool is_mid = wr_typology_find_vid(b->mid.at, b->mid.count, w) < b->mid.count;
    const double mids = (double)b->group.count, all = (double)b->mid.count - is_mid;
    uint32_t payers = 0;
    bool is_known = true;
    *score = 0;
    if (!count_payers(b, w, all, &payers))
        return false;
    if (!payers)
        return true;
    uint32_t cross = is_direct(b, w);
    if (!count_paid(b, w, &cross, &is_known))
        return false;
    for (size_t j = 0; j < b->group.count && is_known && !b->k->is_partial; j++)
        if (!count_paid(b, b->group.at[j], &cross, &is_known))
            return false;
    if (is_known && !b->k->is_partial)
        *score =
            (mids / all + mids / payers) / 2 * (1 - cross / (mids * mids + mids + 2));
    return true;
}

/* Payments [i, end) go to one receiver; *is_hit becomes true when that is a bridge. */
static bool try_sink(bridge *b, size_t i, size_t end, const wr_typology_list *l,
                     size_t start, bool *is_hit)
{
    wr_typology_list *edges = &b->k->other;
    const wr_vid w = b->pays.pay[i].to;
    b->group.count = edges->count = 0;
    for (; i < end; i++) {
        if ((!b->group.count || b->group.at[b->group.count - 1] != b->pays.pay[i].from) &&
            !wr_typology_push(&b->group, b->pays.pay[i].from))
            return false;
        if (!wr_typology_push(edges, b->pays.pay[i].at))
            return false;
    }
    double score = 0;
    if (b->group.count < b->x->o->bridge_count)
        return true;
    if (!score_of(b, w, &score))
        return false;
    if (score < b->x->o->bridge_score_min)
        return true;
    *is_hit = true;
    for (size_t j = start; j < l->count && l->at[j] < b->end; j++)
        if (wr_typology_find_vid(b->group.at, b->group.count,
                                 b->x->fl->col.to[l->at[j]]) < b->group.count &&
            !wr_typology_push(edges, l->at[j]))
            return false;
    const wr_typology_hit h = {.root = b->u, .strength = score};
    return wr_typology_emit(b->k, b->x, &h, edges->at, edges->count);
}

static bool try_window(bridge *b, const wr_typology_list *l, size_t i, bool *is_hit)
{
    b->first = l->at[i];
    b->end = wr_typology_window_end(b->x, b->first, b->x->o->bridge_window_s);
    if (!read_mids(b, l, i))
        return false;
    if (b->mid.count < b->x->o->bridge_count)
        return true;
    if (!read_voters(b))
        return false;
    const wr_typology_ballot ballot = {.vote = sink_of,
                                       .ctx = b,
                                       .visits = &b->k->visits,
                                       .visits_max = b->x->o->visits_max,
                                       .need = mids_needed(b),
                                       .enough = 1};
    if (!wr_typology_elect(&b->k->election, &ballot, &b->k->is_partial) ||
        !wr_typology_pays_elected(&b->pays, &b->k->election, &ballot, true))
        return false;
    if (b->pays.count)
        qsort(b->pays.pay, b->pays.count, sizeof *b->pays.pay, wr_typology_by_receiver);
    for (size_t j = 0, end = 0; j < b->pays.count && !b->k->is_partial; j = end) {
        while (end < b->pays.count && b->pays.pay[end].to == b->pays.pay[j].to)
            end++;
        if (!try_sink(b, j, end, l, i, is_hit))
            return false;
    }
    return true;
}

bool wr_typology_try_bridge(wr_typology_sink *k, const wr_typology_view *x, wr_vid u,
                            const wr_typology_list *l, size_t i, bool *holds)
{
    __attribute__((cleanup(bridge_release))) bridge b = {.k = k, .x = x, .u = u};
    *holds = false;
    return try_window(&b, l, i, holds);
}

bool wr_typology_smurf_bridge(wr_typology_sink *k, const wr_typology_view *x,
                              uint64_t root)
{
    return wr_typology_windows(k, x, (wr_vid)root, x->o->bridge_count,
                               x->o->bridge_window_s, wr_typology_try_bridge);
}
