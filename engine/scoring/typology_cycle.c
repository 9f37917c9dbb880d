/*
 * Temporal cycle (round trip): money comes back to where it left, by a way of its own.
 *
 * Root      the payer of the first transfer; no wallet of a cycle is a service at the
 *           time of a transfer of it
 * Hit       transfers v = x0 -> x1 -> … -> xL = v, each strictly later in time than the
 *           one before, no wallet twice, 2 <= L <= cycle_hops_max, first to last at most
 *           cycle_window_s, smallest value >= cycle_even_min * largest.  A hub costs no
 *           hop, and what leaves it may have the time of what entered it (any position
 *           behind it); the root is no hub.  Change (v -> hub -> v) has L = 1: no hit
 * Edges     the transfers of the cycle
 * Strength  (1/2 + 1/2 smallest / largest) * (1 - (L - 2) / 20): even and short is strong
 * Hub cap   a wallet with more than hub_cap transfers on a side in the window is a dead
 *           end
 * Budget    per FIRST TRANSFER: visits_max transfers looked at (and half of it backward),
 *           then hits_max cycles; and of WR_TYPOLOGY_CHUNK neighbours together no more
 *           than cycle_visits_mean each, backward or not.  So a busy root is many small
 *           pieces of work, and threads share it; nothing depends on who takes which
 * Cost      per first transfer O(budget); mostly it ends at the first look: nothing of
 *           the right size comes back in time
 * Source    ALGORITHMS 5, row 5; 2SCENT, Kumar and Calders, VLDB 2018,
 *           doi:10.14778/3236187.3236197 (candidate roots); Johnson, SIAM J. Comput. 1975
 * Differs   candidates come from a backward search per first transfer: the latest moment
 *           at which a wallet can still send so that it reaches v within h hops, among
 *           transfers of fitting value, for the last few hops only; a first transfer to
 *           which nothing of its size comes back is done at once.  The forward search
 *           ends where it would be late for that.  Blocking as in Johnson is not needed
 *           with at most 10 hops.  When the backward search itself ran out of budget, the
 *           forward one goes without it
 */
#include "scoring/typology_int.h"
#include "util/mem.h"

/* Of the backward search.  Measured on a made graph of 1 M transfers in a week: 1 and 2
 * cost a tenth of going all the way, 3 a quarter. */
enum { GUIDE_HOPS = 2 };

enum { DEPTH_MAX = 2 * WR_TYPOLOGY_HOPS_MAX + 1 }; /* transfers; hubs between wallets */

typedef struct reach { /* of a wallet that can reach the root */
    /* [h] 1 + position of the latest transfer out by which it does so within h hops */
    uint64_t latest[GUIDE_HOPS + 1];
} reach;

typedef struct todo {
    uint32_t who;
    uint8_t hops;
} todo;

typedef struct cycle {
    const wr_typology_view *x;
    wr_typology_sink *k;
    wr_vid root;
    uint32_t first; /* position of the first transfer */
    uint64_t end;   /* of the window */
    uint64_t visits, visits_max;
    uint32_t hits;
    bool is_guided;
    uint32_t path[DEPTH_MAX];
    uint32_t depth;
    /* backward */
    wr_vid_set met;
    reach *reach; /* [met.count] */
    todo *queue;
    size_t reach_cap, queue_count, queue_cap;
} cycle;

static void cycle_release(cycle *c)
{
    wr_vid_set_release(&c->met);
    wr_free(c->reach);
    wr_free(c->queue);
}

static bool find_or_add(cycle *c, wr_vid v, uint32_t *who)
{
    const size_t count = c->met.count;
    reach *r = wr_grow(c->reach, &c->reach_cap, count + 1, sizeof *r);
    if (!r)
        return false;
    c->reach = r;
    if (wr_vid_set_add(who, &c->met, v, NULL) != WR_OK)
        return false;
    if (*who == count)
        r[count] = (reach){{0}};
    return true;
}

static bool fits(const cycle *c, uint32_t at)
{
    const wr_columns *col = &c->x->fl->col;
    const double a = col->value[at], a0 = col->value[c->first],
                 even = c->x->o->cycle_even_min;
    return col->from[at] != col->to[at] && a >= even * a0 && a0 >= even * a;
}

/* May v be part of a cycle by transfer `at`? */
static bool is_way(const cycle *c, wr_vid v, uint32_t at)
{
    return !wr_typology_is_service(c->x->fl, v, c->x->fl->col.time_s[at]);
}

/* --- backward: who can still reach the root -------------------------------------------
 */

/* v can reach the root within `hops` by sending at `at`. */
static bool note(cycle *c, wr_vid v, uint32_t at, uint32_t hops)
{
    uint32_t who = 0;
    if (!find_or_add(c, v, &who))
        return false;
    uint64_t *latest = c->reach[who].latest;
    if (latest[hops] > at)
        return true;
    for (uint32_t h = hops; h <= GUIDE_HOPS; h++)
        if (latest[h] <= at)
            latest[h] = at + 1ULL;
    todo *q = wr_grow(c->queue, &c->queue_cap, c->queue_count + 1, sizeof *q);
    if (!q)
        return false;
    c->queue = q;
    q[c->queue_count++] = (todo){who, (uint8_t)hops};
    return true;
}

/* Transfers into v, before `before`, by which their payers reach the root in `hops`. */
static bool look_back(cycle *c, wr_vid v, uint64_t before, uint32_t hops)
{
    const wr_flow *fl = c->x->fl;
    const wr_typology_row r = wr_typology_row_of(c->x, v, true, c->first, before);
    if (r.count > c->x->o->hub_cap) {
        c->k->is_hub_truncated = true;
        return true;
    }
    for (size_t i = r.count; i-- > 0;) {
        const uint32_t at = r.at[i];
        if (c->visits++ >= c->visits_max / 2) {
            c->is_guided = false;
            return true;
        }
        const wr_vid u = fl->col.from[at];
        if (u == c->root || !fits(c, at) || !is_way(c, u, at) || !is_way(c, v, at))
            continue;
        if (!note(c, u, at, hops))
            return false;
    }
    return true;
}

static bool guide(cycle *c)
{
    const wr_flow *fl = c->x->fl;
    c->is_guided = true;
    if (!look_back(c, c->root, c->end, 1))
        return false;
    for (size_t i = 0; i < c->queue_count && c->is_guided; i++) {
        const todo q = c->queue[i];
        const wr_vid v = c->met.v[q.who];
        const uint32_t at = (uint32_t)(c->reach[q.who].latest[q.hops] - 1);
        const bool is_hub = wr_flow_is_hub(fl, v);
        const uint32_t hops = q.hops + !is_hub;
        if (hops > GUIDE_HOPS)
            continue;
        const uint64_t before =
            is_hub ? at : wr_columns_before(&fl->col, fl->col.time_s[at]);
        if (!look_back(c, v, before, hops))
            return false;
    }
    return true;
}

/* --- forward: the cycles --------------------------------------------------------------
 */

static bool emit(cycle *c, uint32_t hops, double least, double most)
{
    wr_typology_list *l = &c->k->list;
    l->count = 0;
    for (uint32_t i = 0; i < c->depth; i++)
        if (!wr_typology_push(l, c->path[i]))
            return false;
    const wr_typology_hit h = {.root = c->root,
                               .strength = (0.5 + 0.5 * least / most) *
                                           (1 - (double)(hops - 2) / 20)};
    return wr_typology_emit(c->k, c->x, &h, l->at, l->count);
}

static bool is_on_path(const cycle *c, wr_vid v)
{
    for (uint32_t i = 0; i < c->depth; i++)
        if (c->x->fl->col.to[c->path[i]] == v)
            return true;
    return false;
}

/* May a way that has come to v by transfer `at` in `hops` still end at the root? */
static bool is_promising(const cycle *c, wr_vid v, uint32_t at, uint32_t hops)
{
    if (hops > c->x->o->cycle_hops_max || c->depth + 1 >= DEPTH_MAX)
        return false;
    const uint32_t left = c->x->o->cycle_hops_max - hops;
    if (!c->is_guided || left > GUIDE_HOPS)
        return true;
    const uint32_t who = wr_vid_set_find(&c->met, v);
    return who != WR_VID_SET_NONE && c->reach[who].latest[left] > at + 1ULL;
}

/* What leaves u behind transfer `last`: strictly later in time, unless u is a hub. */
static wr_typology_row way_on(const cycle *c, wr_vid u, uint32_t last)
{
    const uint32_t *time_s = c->x->fl->col.time_s;
    wr_typology_row r = wr_typology_row_of(c->x, u, false, last + 1ULL, c->end);
    if (wr_flow_is_hub(c->x->fl, u))
        return r;
    while (r.count && time_s[r.at[0]] == time_s[last]) {
        r.at++;
        r.count--;
    }
    return r;
}

/* From where the path ends; `hops` of it, its least and its largest value. */
static bool walk(cycle *c, uint32_t hops, double least, double most) /* recurses */
{
    enum { AHEAD = 8 }; /* transfers asked for early */
    const wr_flow *fl = c->x->fl;
    const uint32_t last = c->path[c->depth - 1];
    const wr_vid u = fl->col.to[last];
    const wr_typology_row r = way_on(c, u, last);
    if (r.count > c->x->o->hub_cap) {
        c->k->is_hub_truncated = true;
        return true;
    }
    for (size_t i = 0; i < r.count; i++) {
        const uint32_t at = r.at[i];
        if (i + AHEAD < r.count)
            __builtin_prefetch(&fl->col.value[r.at[i + AHEAD]]);
        if (c->visits++ >= c->visits_max || c->hits >= c->x->o->hits_max) {
            c->k->is_partial = true;
            return true;
        }
        const double a = fl->col.value[at], lo = a < least ? a : least,
                     hi = a > most ? a : most;
        if (!(lo >= c->x->o->cycle_even_min * hi))
            continue;
        const wr_vid w = fl->col.to[at];
        const bool is_back = w == c->root;
        const uint32_t now = hops + !wr_flow_is_hub(fl, w);
        if (w == u || (is_back && now < 2) || now > c->x->o->cycle_hops_max ||
            !is_way(c, u, at) || !is_way(c, w, at) ||
            (!is_back && (is_on_path(c, w) || !is_promising(c, w, at, now))))
            continue;
        c->path[c->depth++] = at;
        c->hits += is_back;
        if (!(is_back ? emit(c, now, lo, hi) : walk(c, now, lo, hi)))
            return false;
        c->depth--;
    }
    return true;
}

/* What this first transfer may look at: neighbours in time share a budget, or a dense
 * stretch, where nearly each would take all of its own, costs more than all else. */
static uint64_t visits_left(const wr_typology_sink *k, const wr_typology_opts *o)
{
    const uint64_t all = (uint64_t)o->cycle_visits_mean * WR_TYPOLOGY_CHUNK;
    const uint64_t left = all > k->chunk_visits ? all - k->chunk_visits : 0;
    return left < o->visits_max ? left : o->visits_max;
}

bool wr_typology_cycle(wr_typology_sink *k, const wr_typology_view *x, uint64_t root)
{
    const wr_flow *fl = x->fl;
    const uint32_t first = (uint32_t)root;
    const wr_vid v = fl->col.from[first], w = fl->col.to[first];
    if (!wr_typology_moves(fl, first) || wr_flow_is_hub(fl, v) ||
        !wr_typology_whole_row(x, v, true).count ||
        !wr_typology_whole_row(x, w, false).count)
        return true;
    __attribute__((cleanup(cycle_release))) cycle c = {
        .x = x, .k = k, .root = v, .first = first, .visits_max = visits_left(k, x->o)};
    if (!is_way(&c, v, first) || !is_way(&c, w, first))
        return true;
    c.end = wr_columns_before(&fl->col,
                              (uint64_t)fl->col.time_s[first] + x->o->cycle_window_s + 1);
    c.end = c.end < x->end ? c.end : x->end;
    if (!guide(&c))
        return false;
    k->visits = (uint32_t)c.visits; /* for who asks; the budget is its own */
    k->chunk_visits += c.visits;
    if (c.is_guided && !c.met.count) /* nothing of this size comes back in time */
        return true;
    const uint32_t hops = !wr_flow_is_hub(fl, w);
    if (!is_promising(&c, w, first, hops))
        return true;
    c.visits = 0;
    const size_t before = k->hit_count;
    c.path[c.depth++] = first;
    const double a = fl->col.value[first];
    if (!walk(&c, hops, a, a))
        return false;
    k->visits += (uint32_t)c.visits;
    k->chunk_visits += c.visits;
    for (size_t i = before; i < k->hit_count; i++) { /* known only at the end */
        k->hit[i].is_partial = k->is_partial;
        k->hit[i].is_hub_truncated = k->is_hub_truncated;
    }
    return true;
}
