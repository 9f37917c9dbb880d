#include <stdlib.h>
#include <string.h>

#include "scoring/typology_live_int.h"
#include "util/mem.h"

static bool is_wanted(const wr_typology_live *l, wr_live_cursor c)
{
    static const wr_typology of[WR_LIVE_CURSORS] = {
        [WR_LIVE_CONTACTS] = WR_TYPOLOGY_MIXER,
        [WR_LIVE_GATHERS] = WR_TYPOLOGY_GATHER_SCATTER,
        [WR_LIVE_LEGS] = WR_TYPOLOGY_SCATTER_GATHER,
        [WR_LIVE_SCATTERS] = WR_TYPOLOGY_SCATTER_GATHER,
        [WR_LIVE_CYCLES] = WR_TYPOLOGY_CYCLE,
        [WR_LIVE_CHAINS] = WR_TYPOLOGY_CHAIN,
        [WR_LIVE_BRIDGES] = WR_TYPOLOGY_SMURF_BRIDGE,
        [WR_LIVE_BIPARTITES] = WR_TYPOLOGY_BIPARTITE,
        [WR_LIVE_STACKS] = WR_TYPOLOGY_STACK,
        [WR_LIVE_POISONS] = WR_TYPOLOGY_DUSTING,
    };
    return wr_live_wants(l, of[c]) && (c != WR_LIVE_POISONS || l->in->address_key);
}

/* How far behind the stream: a transfer is under the cursor when more than this has
 * passed since it. */
static uint64_t hold_of(const wr_typology_opts *o, wr_live_cursor c)
{
    switch (c) {
    case WR_LIVE_GATHERS:
        return o->gather_window_s;
    case WR_LIVE_LEGS:
        return o->scatter_window_s;
    case WR_LIVE_SCATTERS: /* the last leg in the window has a window of its own */
        return 2ULL * o->scatter_window_s;
    case WR_LIVE_CYCLES:
        return o->cycle_window_s;
    case WR_LIVE_CHAINS: /* what it leads to may still be led to by a later one */
        return 2ULL * o->pass_hold_s;
    case WR_LIVE_BRIDGES:
        return o->bridge_window_s;
    case WR_LIVE_BIPARTITES:
        return o->bipartite_window_s;
    case WR_LIVE_STACKS:
        return o->stack_window_s > o->bipartite_window_s ? o->stack_window_s
                                                         : o->bipartite_window_s;
    case WR_LIVE_POISONS:
        return o->poison_window_s;
    case WR_LIVE_CONTACTS: /* the transactions of this second are there */
    case WR_LIVE_CURSORS:
        break;
    }
    return 0;
}

/* --- what one search has to say -------------------------------------------------------
 */

bool wr_live_tell_at(wr_typology_live *l, const wr_typology_news *n, const uint32_t *at,
                     size_t count)
{
    l->scratch.count = 0;
    for (size_t i = 0; i < count; i++)
        if (!wr_typology_push(&l->scratch, l->log.ref[at[i]]))
            return false;
    return wr_live_tell(l, n, l->scratch.at, count);
}

static bool tell_hit(wr_typology_live *l, const wr_typology_sink *k,
                     const wr_typology_hit *h, wr_typology t)
{
    const wr_typology_news n = {.root = h->root,
                                .typology = (uint8_t)t,
                                .variant = h->variant,
                                .strength = h->strength,
                                .is_partial = h->is_partial,
                                .is_hub_truncated = h->is_hub_truncated};
    return wr_live_tell_at(l, &n, k->edge + h->edge, h->edge_count);
}

static wr_live_spent *spent_of(const wr_typology_live *l, wr_vid v)
{
    const uint32_t i = wr_vid_set_find(&l->spender, v);
    return i == WR_VID_SET_NONE ? NULL : &l->spent[i];
}

static bool spend(wr_typology_live *l, wr_vid v, wr_live_purse p, uint32_t visits)
{
    const size_t count = l->spender.count;
    uint32_t number = 0;
    wr_live_spent *s = wr_grow(l->spent, &l->spent_cap, count + 1, sizeof *s);
    if (!s)
        return false;
    l->spent = s;
    s[count] = (wr_live_spent){0};
    if (wr_vid_set_add(&number, &l->spender, v, NULL) != WR_OK)
        return false;
    s[number].visits[p] = visits;
    return true;
}

static void prepare(wr_typology_live *l, wr_typology_sink *k, wr_vid v, wr_live_purse p)
{
    const wr_live_spent *s = p == WR_LIVE_PURSES ? NULL : spent_of(l, v);
    k->visits = s ? s->visits[p] : 0;
    k->chunk_visits = 0; /* neighbours share nothing here (header) */
    k->is_partial = k->is_hub_truncated = false;
    k->list.count = 0;
}

wr_typology_sink *wr_live_sink(wr_typology_live *l, wr_vid v, wr_live_purse p)
{
    wr_typology_sink *k = &l->sink;
    k->hit_count = k->edge_count = k->member_count = 0;
    prepare(l, k, v, p);
    return k;
}

bool wr_live_done(wr_typology_live *l, wr_vid v, wr_live_purse p, wr_typology t)
{
    const wr_typology_sink *k = &l->sink;
    for (size_t i = 0; i < k->hit_count; i++)
        if (!tell_hit(l, k, &k->hit[i], t))
            return false;
    return !k->visits || p == WR_LIVE_PURSES || spend(l, v, p, k->visits);
}

static bool is_in_scope(const wr_typology_live *l, uint32_t at)
{
    return l->log.time_s[at] >= l->o.from_s;
}

/* The log from a transfer to the end of its window. */
static wr_typology_view window_of(const wr_typology_live *l, uint32_t at, uint64_t hold_s)
{
    wr_typology_view x = l->x;
    x.lo = at;
    x.end = wr_columns_before(&l->fl.col, l->log.time_s[at] + hold_s + 1);
    return x;
}

/* --- gather-scatter, scatter-gather, cycle --------------------------------------------
 */

bool wr_live_can_gather(const wr_typology_live *l, uint32_t at)
{
    const uint32_t t = l->log.time_s[at];
    const wr_vid v = l->log.to[at];
    if (!is_in_scope(l, at) || !wr_typology_moves(&l->fl, at) ||
        !wr_typology_is_plain(&l->fl, v, t))
        return false;
    const wr_typology_log_wallet *w = wr_typology_log_find(&l->log, v);
    return !w->has_gathered || t > w->gathered_s;
}

static bool close_gather(wr_typology_live *l, uint32_t at)
{
    const uint32_t t = l->log.time_s[at];
    const wr_vid v = l->log.to[at];
    bool is_hit = false;
    if (!wr_live_can_gather(l, at))
        return true;
    wr_typology_sink *k = wr_live_sink(l, v, WR_LIVE_PURSES);
    const wr_typology_view x = window_of(l, at, l->o.gather_window_s);
    if (!wr_typology_gather_window(k, &x, v, &is_hit))
        return false;
    if (!is_hit)
        return true;
    wr_typology_log_wallet *w = wr_typology_log_find(&l->log, v);
    w->has_gathered = true;
    w->gathered_s =
        UINT32_MAX - t > l->o.gather_window_s ? t + l->o.gather_window_s : UINT32_MAX;
    return wr_live_done(l, v, WR_LIVE_PURSES, WR_TYPOLOGY_GATHER_SCATTER);
}

static bool close_leg(wr_typology_live *l, uint32_t at)
{
    const wr_vid u = l->log.from[at];
    size_t count = 0;
    if (!is_in_scope(l, at) || wr_flow_is_hub(&l->fl, u))
        return true;
    wr_typology_sink *k = wr_live_sink(l, u, WR_LIVE_PURSE_SCATTER);
    if (k->visits > l->o.visits_max)
        return true;
    if (!wr_typology_legs(k, &l->x, at, &count))
        return false;
    wr_typology_log_wallet *w = wr_typology_log_find(&l->log, u);
    w->is_leg_missing |= k->is_hub_truncated;
    if (count) {
        wr_typology_leg *leg =
            wr_grow(w->leg, &w->leg_cap, w->leg_count + count, sizeof *leg);
        if (!leg)
            return false;
        w->leg = leg;
        memcpy(leg + w->leg_count, k->own, count * sizeof *leg);
        w->leg_count += count;
    }
    return wr_live_done(l, u, WR_LIVE_PURSE_SCATTER, WR_TYPOLOGY_SCATTER_GATHER);
}

/* Legs to one receiver that start within the window of the first one: into k->own. */
static bool read_legs(wr_typology_live *l, const wr_typology_log_wallet *w, wr_vid to,
                      size_t *count)
{
    wr_typology_sink *k = &l->sink;
    const uint32_t *time_s = l->log.time_s;
    *count = 0;
    for (size_t i = 0; i < w->leg_count; i++) {
        if (time_s[w->leg[i].e] - time_s[w->leg[0].e] > l->o.scatter_window_s)
            break;
        if (w->leg[i].to != to)
            continue;
        wr_typology_leg *own = wr_grow(k->own, &k->own_cap, *count + 1, sizeof *own);
        if (!own)
            return false;
        k->own = own;
        own[(*count)++] = w->leg[i];
    }
    return true;
}

/* Legs of a hit are done, and so is the first one. */
static void drop_legs(wr_typology_log_wallet *w, bool is_hit, wr_vid to, uint32_t last)
{
    size_t kept = 0;
    for (size_t i = 0; i < w->leg_count; i++)
        if (i > 0 && !(is_hit && w->leg[i].to == to && w->leg[i].e <= last))
            w->leg[kept++] = w->leg[i];
    w->leg_count = kept;
}

static bool close_scatter(wr_typology_live *l, uint32_t at)
{
    const wr_vid u = l->log.from[at];
    wr_typology_log_wallet *w = wr_typology_log_find(&l->log, u);
    while (w->leg_count && w->leg[0].e == at) {
        const wr_vid to = w->leg[0].to;
        wr_typology_sink *k = wr_live_sink(l, u, WR_LIVE_PURSE_SCATTER);
        size_t count = 0;
        bool is_hit = false;
        uint32_t last = 0;
        k->is_partial = k->visits > l->o.visits_max;
        k->is_hub_truncated = w->is_leg_missing;
        if (!read_legs(l, w, to, &count))
            return false;
        if (count >= l->o.scatter_count &&
            !wr_typology_try_legs(k, &l->x, k->own, count, &is_hit, &last))
            return false;
        drop_legs(w, is_hit, to, last);
        if (!wr_live_done(l, u, WR_LIVE_PURSES, WR_TYPOLOGY_SCATTER_GATHER))
            return false;
    }
    return true;
}

static bool close_cycle(wr_typology_live *l, uint32_t at)
{
    const wr_vid v = l->log.from[at];
    wr_typology_sink *k = wr_live_sink(l, v, WR_LIVE_PURSES);
    return !is_in_scope(l, at) || (wr_typology_cycle(k, &l->x, at) &&
                                   wr_live_done(l, v, WR_LIVE_PURSES, WR_TYPOLOGY_CYCLE));
}

/* --- blocks ---------------------------------------------------------------------------
 */

typedef struct block_kind {
    wr_typology t;
    wr_typology_try *attempt;
} block_kind;

static const block_kind BLOCK[3] = {
    {WR_TYPOLOGY_SMURF_BRIDGE, wr_typology_try_bridge},
    {WR_TYPOLOGY_BIPARTITE, wr_typology_try_bipartite},
    {WR_TYPOLOGY_STACK, wr_typology_try_stack},
};

static bool close_block(wr_typology_live *l, wr_live_cursor c, uint32_t at)
{
    const int i = (int)(c - WR_LIVE_BRIDGES);
    const wr_live_purse purse = (wr_live_purse)(WR_LIVE_PURSE_BRIDGE + i);
    const wr_vid u = l->log.from[at];
    const uint32_t t = l->log.time_s[at],
                   window_s = i ? l->o.bipartite_window_s : l->o.bridge_window_s,
                   least = i ? l->o.bipartite_receivers : l->o.bridge_count;
    if (!is_in_scope(l, at) || !wr_typology_is_payment(&l->fl, at))
        return true;
    wr_typology_log_wallet *w = wr_typology_log_find(&l->log, u);
    if (w->window[i].is_begun &&
        !wr_typology_is_start(t - w->window[i].start_s, window_s, w->window[i].holds))
        return true;
    w->window[i].is_begun = true;
    w->window[i].start_s = t;
    w->window[i].holds = false;
    wr_typology_sink *k = i ? &l->wait[i - 1].sink : wr_live_sink(l, u, purse);
    prepare(l, k, u, purse);
    const uint32_t before = k->visits;
    const wr_typology_view x = window_of(l, at, hold_of(&l->o, c));
    if (before > l->o.visits_max)
        return true;
    if (!wr_typology_payments(&k->list, &x, u))
        return false;
    if (k->list.count >= least &&
        !BLOCK[i].attempt(k, &x, u, &k->list, 0, &w->window[i].holds))
        return false;
    if (!i)
        return wr_live_done(l, u, purse, BLOCK[i].t);
    return k->visits == before || spend(l, u, purse, k->visits);
}

/* The first `done` candidates are gone. */
static bool drop_candidates(wr_typology_sink *k, size_t done)
{
    size_t count = 0;
    for (size_t i = done; i < k->hit_count; i++)
        count += k->hit[i].edge_count;
    k->member_count = 0; /* nobody reads them */
    if (!count) {
        k->hit_count = k->edge_count = 0;
        return true;
    }
    uint32_t *edge = wr_calloc(count, sizeof *edge);
    if (!edge)
        return false;
    count = 0;
    for (size_t i = done; i < k->hit_count; i++) {
        wr_typology_hit *h = &k->hit[i - done];
        *h = k->hit[i];
        memcpy(edge + count, k->edge + h->edge, h->edge_count * sizeof *edge);
        h->edge = count;
        count += h->edge_count;
    }
    wr_free(k->edge);
    k->edge = edge;
    k->edge_count = k->edge_cap = count;
    k->hit_count -= done;
    return true;
}

/* Candidates that start before the cursor: nothing comes before them any more. */
static bool settle(wr_typology_live *l, int i, size_t cursor)
{
    wr_live_candidates *w = &l->wait[i];
    wr_typology_sink *k = &w->sink;
    size_t done = 0;
    if (!k->hit_count)
        return true;
    const size_t words = l->log.count / 64 + 1;
    uint64_t *taken = wr_grow(w->taken, &w->words_cap, words, sizeof *taken);
    if (!taken)
        return false;
    w->taken = taken;
    for (; w->words < words; w->words++)
        taken[w->words] = 0;
    qsort_r(k->hit, k->hit_count, sizeof *k->hit, wr_typology_by_first_edge, k->edge);
    for (; done < k->hit_count; done++) {
        const wr_typology_hit *h = &k->hit[done];
        if (k->edge[h->edge] >= cursor)
            break;
        if (wr_typology_take(taken, k->edge + h->edge, h->edge_count) &&
            !tell_hit(l, k, h, BLOCK[i + 1].t))
            return false;
    }
    return !done || drop_candidates(k, done);
}

/* --- cursors --------------------------------------------------------------------------
 */

static bool close_at(wr_typology_live *l, wr_live_cursor c, uint32_t at)
{
    switch (c) {
    case WR_LIVE_CONTACTS:
        return wr_live_contact_close(l, at);
    case WR_LIVE_GATHERS:
        return close_gather(l, at);
    case WR_LIVE_LEGS:
        return close_leg(l, at);
    case WR_LIVE_SCATTERS:
        return close_scatter(l, at);
    case WR_LIVE_CYCLES:
        return close_cycle(l, at);
    case WR_LIVE_CHAINS:
        return wr_live_chain_close(l, at);
    case WR_LIVE_BRIDGES:
    case WR_LIVE_BIPARTITES:
    case WR_LIVE_STACKS:
        return close_block(l, c, at);
    case WR_LIVE_POISONS:
    case WR_LIVE_CURSORS:
        break;
    }
    return true;
}

bool wr_live_search(wr_typology_live *l, uint64_t now_s)
{
    for (int c = 0; c < WR_LIVE_CURSORS; c++) {
        if (!is_wanted(l, (wr_live_cursor)c))
            continue;
        const uint64_t hold_s = hold_of(&l->o, (wr_live_cursor)c);
        size_t *at = &l->cursor[c];
        for (; *at < l->log.count && l->log.time_s[*at] + hold_s < now_s; ++*at)
            if (!close_at(l, (wr_live_cursor)c, (uint32_t)*at))
                return false;
        if ((c == WR_LIVE_BIPARTITES || c == WR_LIVE_STACKS) &&
            !settle(l, c - WR_LIVE_BIPARTITES, *at))
            return false;
    }
    return true;
}

static void trim_candidates(wr_live_candidates *w, uint32_t shift)
{
    const size_t words = shift / 64;
    for (size_t i = 0; i < w->sink.edge_count; i++)
        w->sink.edge[i] -= shift;
    w->words = w->words > words ? w->words - words : 0;
    if (w->words)
        memmove(w->taken, w->taken + words, w->words * sizeof *w->taken);
}

static bool trim(wr_typology_live *l)
{
    size_t floor = l->log.count;
    uint32_t shift = 0;
    for (int c = 0; c < WR_LIVE_CURSORS; c++)
        if (is_wanted(l, (wr_live_cursor)c) && l->cursor[c] < floor)
            floor = l->cursor[c];
    if (!wr_typology_log_trim(&l->log, floor, &shift))
        return false;
    if (!shift)
        return true;
    for (int c = 0; c < WR_LIVE_CURSORS; c++)
        if (is_wanted(l, (wr_live_cursor)c))
            l->cursor[c] -= shift;
    trim_candidates(&l->wait[0], shift);
    trim_candidates(&l->wait[1], shift);
    wr_live_chain_trim(l, shift);
    l->x.lo = l->x.lo > shift ? l->x.lo - shift : 0;
    return true;
}

bool wr_live_log(wr_typology_live *l, const wr_typology_transfer *t)
{
    bool is_searched = false;
    for (int c = 0; c < WR_LIVE_CURSORS; c++)
        is_searched |= is_wanted(l, (wr_live_cursor)c);
    if (!is_searched)
        return true;
    wr_typology_log *g = &l->log;
    if (!trim(l) || !wr_typology_log_add(g, t->from, t->to, t->time_s, t->value, t->ref))
        return false;
    l->fl = (wr_flow){.n = l->in->flow.n,
                      .hub_bits = l->in->flow.hub_bits,
                      .seeds = l->in->flow.seeds,
                      .col = {.m = g->count,
                              .from = g->from,
                              .to = g->to,
                              .time_s = g->time_s,
                              .value = g->value}};
    l->x.fl = &l->fl;
    l->x.log = g;
    l->x.in = l->in;
    l->x.o = &l->o;
    l->x.end = g->count;
    if (t->time_s < l->o.from_s)
        l->x.lo = g->count;
    return wr_live_chain_mark(l) && wr_live_poison(l) && wr_live_early(l);
}

void wr_live_search_release(wr_typology_live *l)
{
    wr_typology_log_release(&l->log);
    wr_typology_sink_release(&l->sink);
    for (int i = 0; i < 2; i++) {
        wr_typology_sink_release(&l->wait[i].sink);
        wr_free(l->wait[i].taken);
    }
    wr_vid_set_release(&l->spender);
    wr_free(l->spent);
    wr_live_chain_release(l);
}
