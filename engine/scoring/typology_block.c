#include <stdlib.h>
#include <string.h>

#include "scoring/typology_int.h"
#include "util/mem.h"

void wr_typology_block_release(wr_typology_block *b)
{
    wr_free(b->to);
    wr_free(b->pays.pay);
    *b = (wr_typology_block){0};
}

size_t wr_typology_find_vid(const wr_vid *a, size_t count, wr_vid v)
{
    const uint64_t at = wr_row_from(a, 0, count, v);
    return at < count && a[at] == v ? at : count;
}

bool wr_typology_payments(wr_typology_list *l, const wr_typology_view *x, wr_vid v)
{
    const wr_typology_row r = wr_typology_scope(x, v, false);
    l->count = 0;
    for (size_t i = 0; i < r.count; i++) {
        if (wr_typology_is_payment(x->fl, r.at[i]) && !wr_typology_push(l, r.at[i]))
            return false;
    }
    return true;
}

/* The receivers of u in the window, unless too much comes in there: each a voter. */
static bool read_receivers(wr_typology_block *b, wr_typology_sink *k,
                           const wr_typology_view *x, const wr_typology_list *l, size_t i,
                           uint64_t end)
{
    const uint32_t first = l->at[i];
    size_t count = 0;
    wr_typology_election_reset(&k->election);
    for (; i < l->count && l->at[i] < end; i++) {
        wr_vid *to = wr_grow(b->to, &b->to_cap, count + 1, sizeof *to);
        if (!to)
            return false;
        b->to = to;
        to[count++] = x->fl->col.to[l->at[i]];
    }
    count = wr_typology_sort_unique(b->to, count);
    b->to_count = 0;
    for (size_t j = 0; j < count; j++) {
        const wr_typology_row r = wr_typology_row_of(x, b->to[j], true, first, end);
        if (r.count > x->o->hub_cap) {
            k->is_hub_truncated = true;
            continue;
        }
        if (!wr_typology_election_add(&k->election, b->to[j], r))
            return false;
        b->to[b->to_count++] = b->to[j];
    }
    return true;
}

typedef struct block_ctx {
    const wr_typology_view *x;
    const wr_typology_block *b;
} block_ctx;

/* The sender that a transfer to `to` counts for. */
static wr_vid sender_of(const void *ctx, wr_vid to, uint32_t at)
{
    const block_ctx *c = ctx;
    const wr_columns *col = &c->x->fl->col;
    const uint32_t t = col->time_s[at];
    const wr_vid s = col->from[at];
    return wr_typology_moves(c->x->fl, at) && wr_typology_is_plain(c->x->fl, s, t) &&
                   wr_typology_is_plain(c->x->fl, to, t) &&
                   wr_typology_find_vid(c->b->to, c->b->to_count, s) == c->b->to_count
               ? s
               : WR_VID_NONE;
}

/* Least number of `count` receivers that a sender pays. */
static uint32_t receivers_needed(double density_min, size_t count)
{
    uint32_t need = (uint32_t)(density_min * (double)count);
    while (need < density_min * (double)count)
        need++;
    return need ? need : 1;
}

static int by_sender(const void *a, const void *b)
{
    wr_typology_pay x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    if (x.from != y.from)
        return x.from < y.from ? -1 : 1;
    if (x.to != y.to)
        return x.to < y.to ? -1 : 1;
    return (x.at > y.at) - (x.at < y.at);
}

int wr_typology_by_receiver(const void *a, const void *b)
{
    wr_typology_pay x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    if (x.to != y.to)
        return x.to < y.to ? -1 : 1;
    if (x.from != y.from)
        return x.from < y.from ? -1 : 1;
    return (x.at > y.at) - (x.at < y.at);
}

bool wr_typology_pays_elected(wr_typology_pays *p, const wr_typology_election *e,
                              const wr_typology_ballot *b, bool is_voter_payer)
{
    p->count = 0;
    for (size_t j = 0; j < e->voters && e->elected; j++) {
        const wr_typology_voter *voter = &e->voter[j];
        for (size_t i = 0; i < voter->row.count; i++) {
            const uint32_t at = voter->row.at[i];
            const wr_vid v = b->vote(b->ctx, voter->v, at);
            if (v == WR_VID_NONE || !wr_typology_is_elected(e, v))
                continue;
            wr_typology_pay *pay = wr_grow(p->pay, &p->cap, p->count + 1, sizeof *pay);
            if (!pay)
                return false;
            p->pay = pay;
            pay[p->count++] = is_voter_payer ? (wr_typology_pay){voter->v, v, at}
                                             : (wr_typology_pay){v, voter->v, at};
        }
    }
    return true;
}

/* Senders, and who of them pays whom. */
static void count_pairs(wr_typology_block *b)
{
    const wr_typology_pay *p = b->pays.pay;
    for (size_t i = 0; i < b->pays.count; i++) {
        const bool is_new = i == 0 || p[i].from != p[i - 1].from;
        b->senders += is_new;
        b->pairs += is_new || p[i].to != p[i - 1].to;
    }
}

bool wr_typology_block_of(wr_typology_sink *k, const wr_typology_view *x,
                          const wr_typology_list *l, size_t i)
{
    wr_typology_block *b = &k->block;
    wr_typology_election *e = &k->election;
    const block_ctx c = {x, b};
    const uint32_t first = l->at[i];
    const uint64_t end = wr_typology_window_end(x, first, x->o->bipartite_window_s);
    b->senders = b->pairs = 0;
    if (!read_receivers(b, k, x, l, i, end))
        return false;
    if (b->to_count < x->o->bipartite_receivers)
        return true;
    const wr_typology_ballot ballot = {
        .vote = sender_of,
        .ctx = &c,
        .visits = &k->visits,
        .visits_max = x->o->visits_max,
        .need = receivers_needed(x->o->bipartite_density_min, b->to_count),
        .enough = x->o->bipartite_senders};
    if (!wr_typology_elect(e, &ballot, &k->is_partial) ||
        !wr_typology_pays_elected(&b->pays, e, &ballot, false))
        return false;
    if (b->pays.count)
        qsort(b->pays.pay, b->pays.count, sizeof *b->pays.pay, by_sender);
    count_pairs(b);
    return true;
}

bool wr_typology_windows(wr_typology_sink *k, const wr_typology_view *x, wr_vid u,
                         uint32_t count_min, uint32_t window_s, wr_typology_try *attempt)
{
    const wr_typology_list *l = &k->list;
    bool holds = false;
    if (!wr_typology_payments(&k->list, x, u))
        return false;
    if (l->count < count_min)
        return true;
    for (size_t i = 0; i < l->count && !k->is_partial;
         i = wr_typology_next_start(&x->fl->col, l, i, window_s, holds))
        if (!attempt(k, x, u, l, i, &holds))
            return false;
    return true;
}

bool wr_typology_take(uint64_t *taken, const uint32_t *edge, uint32_t count)
{
    uint32_t known = 0;
    for (uint32_t j = 0; j < count; j++)
        known += taken[edge[j] / 64] >> (edge[j] % 64) & 1;
    if (2 * (uint64_t)known >= count)
        return false;
    for (uint32_t j = 0; j < count; j++)
        taken[edge[j] / 64] |= 1ULL << (edge[j] % 64);
    return true;
}
