/*
 * Stack: a bipartite block whose receivers then pay one next set of wallets the same way.
 *
 * Root      u, one of the first senders
 * Layers    the first is a block A x B as in typology_bipartite.c, with its windows. From
 *           the moment at which each wallet of B was first paid by A, and within
 *           stack_window_s of the block's first window moment, its payments count, while
 *           it is no service, to others than A, B, hubs and services.  C: all who get
 *           such payments from at least bipartite_density_min of B, at least
 *           bipartite_receivers
 * Hit       blocks for which there is a C; one at least half of whose transfers are in
 *           earlier hits (by first transfer, then by root) is no hit
 * Edges     those of the block, and all these payments from B to C
 * Strength  density of both layers together * (of the smallest of the three sets against
 *           its least number)
 * Hub cap   as for the block; a wallet of B with more than hub_cap payments there is
 *           passed by
 * Budget    visits_max transfers per root, both layers
 * Cost      O(transfers of B in the windows), sorted
 * Source    ALGORITHMS 5, row 11
 */
#include <stdlib.h>
#include <string.h>

#include "scoring/typology_int.h"
#include "util/mem.h"

static bool is_sender(const wr_typology_block *b, wr_vid v)
{
    size_t lo = 0, hi = b->pays.count;
    while (lo < hi) {
        const size_t mid = lo + (hi - lo) / 2;
        if (b->pays.pay[mid].from < v)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < b->pays.count && b->pays.pay[lo].from == v;
}

/* When each of B was first paid by A: into k->other, UINT32_MAX = not at all. */
static bool read_since(wr_typology_sink *k, const wr_typology_block *b)
{
    k->other.count = 0;
    for (size_t i = 0; i < b->to_count; i++)
        if (!wr_typology_push(&k->other, UINT32_MAX))
            return false;
    for (size_t i = 0; i < b->pays.count; i++) {
        const size_t to = wr_typology_find_vid(b->to, b->to_count, b->pays.pay[i].to);
        if (b->pays.pay[i].at < k->other.at[to])
            k->other.at[to] = b->pays.pay[i].at;
    }
    return true;
}

/* What one wallet of B pays on; into k->own. */
static bool read_pays(wr_typology_sink *k, const wr_typology_view *x, size_t mid,
                      uint64_t end, size_t *count)
{
    const wr_typology_block *b = &k->block;
    const wr_columns *col = &x->fl->col;
    const wr_vid m = b->to[mid];
    const uint32_t since = k->other.at[mid];
    if (since == UINT32_MAX)
        return true;
    const wr_typology_row r = wr_typology_row_of(x, m, false, since, end);
    if (r.count > x->o->hub_cap) {
        k->is_hub_truncated = true;
        return true;
    }
    for (size_t i = 0; i < r.count; i++) {
        const uint32_t at = r.at[i], t = col->time_s[at];
        const wr_vid c = col->to[at];
        if (k->visits++ >= x->o->visits_max) {
            k->is_partial = true;
            return true;
        }
        if (!wr_typology_moves(x->fl, at) || !wr_typology_is_plain(x->fl, m, t) ||
            !wr_typology_is_plain(x->fl, c, t) || is_sender(b, c) ||
            wr_typology_find_vid(b->to, b->to_count, c) < b->to_count)
            continue;
        wr_typology_pay *p = wr_grow(k->own, &k->own_cap, *count + 1, sizeof *p);
        if (!p)
            return false;
        k->own = p;
        p[(*count)++] = (wr_typology_pay){m, c, at};
    }
    return true;
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

/* The second layer over the block; its payments are in k->own. */
static bool second_layer(wr_typology_sink *k, const wr_typology_view *x, wr_vid u,
                         size_t count)
{
    const wr_typology_block *b = &k->block;
    const wr_typology_pay *p = k->own;
    const wr_typology_opts *o = x->o;
    uint32_t receivers = 0, pairs = 0;
    if (count)
        qsort(k->own, count, sizeof *p, wr_typology_by_receiver);
    k->other.count = 0;
    for (size_t i = 0, end = 0; i < count; i = end) {
        uint32_t paid = 0;
        for (; end < count && p[end].to == p[i].to; end++)
            paid += end == i || p[end].from != p[end - 1].from;
        if (paid < o->bipartite_density_min * (double)b->to_count)
            continue;
        receivers++;
        pairs += paid;
        for (size_t j = i; j < end; j++)
            if (!wr_typology_push(&k->other, p[j].at))
                return false;
    }
    if (receivers < o->bipartite_receivers)
        return true;
    for (size_t i = 0; i < b->pays.count; i++)
        if (!wr_typology_push(&k->other, b->pays.pay[i].at))
            return false;
    const double to = (double)b->to_count,
                 density = (b->pairs + pairs) / (to * ((double)b->senders + receivers));
    const double size =
        least(wr_typology_strength(b->senders, o->bipartite_senders),
              least(wr_typology_strength(to, o->bipartite_receivers),
                    wr_typology_strength(receivers, o->bipartite_receivers)));
    const wr_typology_hit h = {.root = u, .strength = density * size};
    return wr_typology_emit(k, x, &h, k->other.at, k->other.count);
}

bool wr_typology_try_stack(wr_typology_sink *k, const wr_typology_view *x, wr_vid u,
                           const wr_typology_list *l, size_t i, bool *holds)
{
    const wr_typology_block *b = &k->block;
    const uint64_t end = wr_typology_window_end(x, l->at[i], x->o->stack_window_s);
    size_t count = 0;
    if (!wr_typology_block_of(k, x, l, i))
        return false;
    *holds = b->senders > 0;
    if (!*holds)
        return true;
    if (!read_since(k, b))
        return false;
    for (size_t j = 0; j < b->to_count && !k->is_partial; j++)
        if (!read_pays(k, x, j, end, &count))
            return false;
    return k->is_partial || second_layer(k, x, u, count);
}

bool wr_typology_stack(wr_typology_sink *k, const wr_typology_view *x, uint64_t root)
{
    return wr_typology_windows(k, x, (wr_vid)root, x->o->bipartite_receivers,
                               x->o->bipartite_window_s, wr_typology_try_stack);
}
