#include "graph/subgraph.h"

#include <assert.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* --- the transfers of one pair inside the time range ------------------------------- */

typedef struct span { /* of a row, positions whose time is inside the range */
    const uint32_t *col;
    uint64_t len;
} span;

/* First place in col[0..len) whose time is at least t (is_after: above t). */
static uint64_t lower_bound(const uint32_t *time_s, const uint32_t *col, uint64_t len,
                            uint32_t t, bool is_after)
{
    uint64_t lo = 0;
    uint64_t hi = len;
    while (lo < hi) {
        const uint64_t mid = lo + (hi - lo) / 2;
        if (time_s[col[mid]] < t || (is_after && time_s[col[mid]] == t))
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static span span_of(const wr_rows *r, const uint32_t *time_s, wr_vid v,
                    const wr_subgraph_query *q)
{
    const uint32_t *col = r->col + r->off[v];
    const uint64_t len = r->off[v + UINT64_C(1)] - r->off[v];
    const uint64_t lo = q->from_s ? lower_bound(time_s, col, len, q->from_s, false) : 0;
    const uint64_t hi =
        q->to_s < UINT32_MAX ? lower_bound(time_s, col, len, q->to_s, true) : len;
    return (span){.col = col + lo, .len = hi > lo ? hi - lo : 0};
}

typedef struct extractor {
    const wr_snapshot *g;
    const wr_subgraph_query *q;
    wr_columns c;
    wr_rows out, in;
    wr_pairs pairs_out, pairs_in;

    uint64_t *slot; /* [slots] vertex << 32 | node number; open addressing */
    uint64_t slots;
    wr_subgraph_node *node; /* [n] in order of joining */
    uint32_t n;
    size_t node_cap;
    struct candidate *cand; /* [cands] of the current round */
    size_t cands, cand_cap;
    wr_subgraph_edge *edge; /* [m] */
    uint64_t m;
    size_t edge_cap;
    bool is_truncated;
} extractor;

/* The transfers of from -> to, through whichever of the two rows is shorter. */
typedef struct pair_walk {
    span s;
    const wr_vid *other; /* column to compare */
    wr_vid want;
} pair_walk;

static pair_walk walk_of(const extractor *x, wr_vid from, wr_vid to)
{
    const span out = span_of(&x->out, x->c.time_s, from, x->q);
    const span in = span_of(&x->in, x->c.time_s, to, x->q);
    if (out.len <= in.len)
        return (pair_walk){.s = out, .other = x->c.to, .want = to};
    return (pair_walk){.s = in, .other = x->c.from, .want = from};
}

/* Next position at or after *at that belongs to the pair; false at the end. */
static bool walk_next(const pair_walk *w, uint64_t *at, uint32_t *pos)
{
    for (; *at < w->s.len; ++*at) {
        *pos = w->s.col[*at];
        if (w->other[*pos] == w->want) {
            ++*at;
            return true;
        }
    }
    return false;
}

static wr_subgraph_edge tally(const extractor *x, wr_vid from, wr_vid to)
{
    wr_subgraph_edge e = {.transfer = WR_TRANSFER_NONE};
    const pair_walk w = walk_of(x, from, to);
    uint32_t pos;
    for (uint64_t at = 0; walk_next(&w, &at, &pos);) {
        e.first_s = e.count ? e.first_s : x->c.time_s[pos];
        e.last_s = x->c.time_s[pos];
        e.value += x->c.value[pos];
        e.count++;
    }
    return e;
}

/* When u met its neighbour at place k of p. */
typedef struct meeting {
    bool is_inside, is_outside; /* wholly, of the query's times */
} meeting;

static meeting meeting_of(const extractor *x, const wr_pairs *p, wr_vid u, uint64_t k)
{
    const wr_subgraph_query *q = x->q;
    if (!q->from_s && q->to_s == UINT32_MAX)
        return (meeting){.is_inside = true}; /* whenever it was: no search in an in-row */
    const uint64_t id = wr_pairs_id(p, u, k);
    const uint32_t first_s = p->first_s[id], last_s = wr_pairs_last_s(p, id);
    return (meeting){.is_inside = first_s >= q->from_s && last_s <= q->to_s,
                     .is_outside = last_s < q->from_s || first_s > q->to_s};
}

static const wr_pairs *pairs_of(const extractor *x, wr_direction d)
{
    return d == WR_SENDING ? &x->pairs_out : &x->pairs_in;
}

/*
 * Whether u is connected with its neighbour at place k, and how strongly.  The float that
 * the snapshot keeps decides when it is clear of min_value; otherwise the transfers are
 * added up.
 */
static bool is_connected(const extractor *x, wr_direction d, wr_vid u, uint64_t k,
                         float *strength)
{
    const wr_subgraph_query *q = x->q;
    const wr_pairs *p = pairs_of(x, d);
    const meeting met = meeting_of(x, p, u, k);
    if (met.is_outside)
        return false;
    *strength = p->value[k];
    const double f = (double)p->value[k];
    if (met.is_inside &&
        (q->min_value == 0.0 || (f >= (double)FLT_MIN && f <= (double)FLT_MAX &&
                                 fabs(f - q->min_value) > 1e-6 * f)))
        return f >= q->min_value;
    const wr_subgraph_edge e =
        d == WR_SENDING ? tally(x, u, p->nbr[k]) : tally(x, p->nbr[k], u);
    *strength = (float)e.value;
    return e.count > 0 && e.value >= q->min_value;
}

/* --- who is in --------------------------------------------------------------------- */

#define NO_NODE    UINT32_MAX
#define EMPTY_SLOT UINT64_MAX

static uint64_t home(wr_vid v, uint64_t slots)
{
    return (uint64_t)v * UINT64_C(0x9E3779B97F4A7C15) >> 32 & (slots - 1);
}

static uint32_t node_of(const extractor *x, wr_vid v)
{
    assert(x->slot);
    for (uint64_t i = home(v, x->slots);; i = (i + 1) & (x->slots - 1)) {
        if (x->slot[i] == EMPTY_SLOT)
            return NO_NODE;
        if (x->slot[i] >> 32 == v)
            return (uint32_t)x->slot[i];
    }
}

static void put(extractor *x, wr_vid v, uint32_t number)
{
    assert(x->slot);
    uint64_t i = home(v, x->slots);
    while (x->slot[i] != EMPTY_SLOT)
        i = (i + 1) & (x->slots - 1);
    x->slot[i] = (uint64_t)v << 32 | number;
}

/* Number the nodes 0..n-1 as they stand; room for as many again. */
static wr_status number_nodes(extractor *x, wr_err *err)
{
    uint64_t slots = 64;
    while (slots < UINT64_C(4) * x->n)
        slots *= 2;
    uint64_t *slot = wr_calloc(slots, sizeof *slot);
    if (!slot)
        return wr_fail(err, WR_ENOMEM, "subgraph of %" PRIu32 " nodes", x->n);
    memset(slot, 0xff, slots * sizeof *slot);
    wr_free(x->slot);
    x->slot = slot;
    x->slots = slots;
    for (uint32_t i = 0; i < x->n; i++)
        put(x, x->node[i].v, i);
    return WR_OK;
}

static wr_status join(extractor *x, wr_vid v, uint32_t hop, wr_err *err)
{
    void *grown = wr_grow(x->node, &x->node_cap, x->n + (size_t)1, sizeof *x->node);
    if (!grown)
        return wr_fail(err, WR_ENOMEM, "subgraph of %" PRIu32 " nodes", x->n);
    x->node = grown;
    x->node[x->n++] = (wr_subgraph_node){.v = v, .hop = hop};
    if (x->n > x->slots / 2)
        return number_nodes(x, err);
    put(x, v, x->n - 1);
    return WR_OK;
}

/* --- rounds of candidates ------------------------------------------------------------
 */

typedef struct candidate {
    wr_vid v;
    float strength;
} candidate;

static int by_vertex(const void *a, const void *b)
{
    const candidate *x = a;
    const candidate *y = b;
    if (x->v != y->v)
        return x->v < y->v ? -1 : 1;
    return x->strength > y->strength ? -1 : x->strength < y->strength;
}

static int by_strength(const void *a, const void *b)
{
    const candidate *x = a;
    const candidate *y = b;
    if (x->strength != y->strength)
        return x->strength > y->strength ? -1 : 1;
    return x->v < y->v ? -1 : x->v > y->v;
}

/*
 * One entry per vertex, the strongest; and never more than there is room for.  What
 * falls out in the middle of a round cannot come back: those before it only get stronger.
 */
static void settle(extractor *x)
{
    const size_t room = x->q->nodes_max - x->n;
    size_t kept = 0;
    if (x->cands)
        qsort(x->cand, x->cands, sizeof *x->cand, by_vertex);
    for (size_t i = 0; i < x->cands; i++)
        if (i == 0 || x->cand[i].v != x->cand[i - 1].v)
            x->cand[kept++] = x->cand[i];
    if (kept > room) {
        qsort(x->cand, kept, sizeof *x->cand, by_strength);
        kept = room;
        x->is_truncated = true;
    }
    x->cands = kept;
}

static wr_status offer(extractor *x, wr_vid v, float strength, wr_err *err)
{
    enum { ROUND_MIN = 1 << 16 };
    const size_t room = x->q->nodes_max - x->n;
    if (x->cands >= ROUND_MIN && x->cands >= 4 * room)
        settle(x);
    void *grown = wr_grow(x->cand, &x->cand_cap, x->cands + 1, sizeof *x->cand);
    if (!grown)
        return wr_fail(err, WR_ENOMEM, "%zu candidates", x->cands);
    x->cand = grown;
    x->cand[x->cands++] = (candidate){.v = v, .strength = strength};
    return WR_OK;
}

static wr_status offer_row(extractor *x, wr_vid u, wr_direction d, wr_err *err)
{
    const wr_pairs *p = pairs_of(x, d);
    for (uint64_t k = p->off[u]; k < p->off[u + UINT64_C(1)]; k++) {
        const wr_vid v = p->nbr[k];
        float strength;
        if (node_of(x, v) != NO_NODE)
            continue;
        if (is_connected(x, d, u, k, &strength))
            WR_TRY(offer(x, v, strength, err));
    }
    return WR_OK;
}

/* Neighbours of the hubs (or of the others) among nodes [lo, hi) join at `hop`. */
static wr_status grow_from(extractor *x, uint32_t lo, uint32_t hi, bool is_hub,
                           uint32_t hop, wr_err *err)
{
    x->cands = 0;
    for (uint32_t i = lo; i < hi; i++) {
        const wr_vid u = x->node[i].v;
        if (wr_snapshot_is_hub(x->g, u) != is_hub)
            continue;
        if (x->q->direction != WR_RECEIVING)
            WR_TRY(offer_row(x, u, WR_SENDING, err));
        if (x->q->direction != WR_SENDING)
            WR_TRY(offer_row(x, u, WR_RECEIVING, err));
    }
    settle(x);
    if (x->cands)
        qsort(x->cand, x->cands, sizeof *x->cand, by_vertex);
    for (size_t i = 0; i < x->cands; i++)
        WR_TRY(join(x, x->cand[i].v, hop, err));
    return WR_OK;
}

static wr_status search(extractor *x, wr_err *err)
{
    uint32_t level = 0; /* first node of this hop */
    for (uint32_t hop = 0;; hop++) {
        for (uint32_t lo = level; lo < x->n && !x->is_truncated;) { /* through the hubs */
            const uint32_t hi = x->n;
            WR_TRY(grow_from(x, lo, hi, true, hop, err));
            lo = hi;
        }
        const uint32_t next = x->n;
        if (hop == x->q->hops_max || level == next || x->is_truncated)
            return WR_OK;
        WR_TRY(grow_from(x, level, next, false, hop + 1, err));
        level = next;
    }
}

/* --- edges -----------------------------------------------------------------------------
 */

static wr_status add_edge(extractor *x, wr_subgraph_edge e, wr_err *err)
{
    if (x->m == x->q->edges_max)
        return wr_fail(err, WR_ELIMIT,
                       "over %" PRIu64 " edges between %" PRIu32
                       " nodes: narrow the time range, raise min_value",
                       x->q->edges_max, x->n);
    void *grown = wr_grow(x->edge, &x->edge_cap, x->m + 1, sizeof *x->edge);
    if (!grown)
        return wr_fail(err, WR_ENOMEM, "subgraph of %" PRIu64 " edges", x->m);
    x->edge = grown;
    x->edge[x->m++] = e;
    return WR_OK;
}

/* Pair `id` joins nodes i and j: its edge, or its transfers. */
static wr_status add_pair(extractor *x, uint64_t id, uint32_t i, uint32_t j, wr_err *err)
{
    const wr_vid from = x->node[i].v;
    const wr_vid to = x->node[j].v;
    float strength;
    if (!is_connected(x, WR_SENDING, from, id, &strength))
        return WR_OK;
    if (!x->q->is_transfer_level) {
        wr_subgraph_edge e = tally(x, from, to);
        e.from = i;
        e.to = j;
        return add_edge(x, e, err);
    }
    const pair_walk w = walk_of(x, from, to);
    uint32_t pos;
    for (uint64_t at = 0; walk_next(&w, &at, &pos);) {
        const wr_subgraph_edge e = {.from = i,
                                    .to = j,
                                    .count = 1,
                                    .first_s = x->c.time_s[pos],
                                    .last_s = x->c.time_s[pos],
                                    .value = x->c.value[pos],
                                    .transfer = pos};
        WR_TRY(add_edge(x, e, err));
    }
    return WR_OK;
}

/* A row much longer than the subgraph (an exchange) is searched, a short one is read. */
static wr_status add_row(extractor *x, uint32_t i, wr_err *err)
{
    enum { SEARCH_COSTS = 16 };
    const wr_pairs *p = &x->pairs_out;
    const wr_vid u = x->node[i].v;
    const uint64_t lo = p->off[u];
    const uint64_t hi = p->off[u + UINT64_C(1)];
    if (hi - lo > (uint64_t)x->n * SEARCH_COSTS) {
        for (uint32_t j = 0; j < x->n; j++) {
            const uint64_t id = wr_row_find(p->off, p->nbr, u, x->node[j].v);
            if (id != UINT64_MAX)
                WR_TRY(add_pair(x, id, i, j, err));
        }
        return WR_OK;
    }
    for (uint64_t id = lo; id < hi; id++) {
        const uint32_t j = node_of(x, p->nbr[id]);
        if (j != NO_NODE)
            WR_TRY(add_pair(x, id, i, j, err));
    }
    return WR_OK;
}

static int by_hop(const void *a, const void *b)
{
    const wr_subgraph_node *x = a;
    const wr_subgraph_node *y = b;
    if (x->hop != y->hop)
        return x->hop < y->hop ? -1 : 1;
    return x->v < y->v ? -1 : x->v > y->v;
}

static int by_ends(const void *a, const void *b)
{
    const wr_subgraph_edge *x = a;
    const wr_subgraph_edge *y = b;
    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    if (x->to != y->to)
        return x->to < y->to ? -1 : 1;
    return x->transfer < y->transfer ? -1 : x->transfer > y->transfer;
}

static wr_status connect(extractor *x, wr_err *err)
{
    assert(x->node); /* a seed at least */
    qsort(x->node, x->n, sizeof *x->node, by_hop);
    WR_TRY(number_nodes(x, err));
    for (uint32_t i = 0; i < x->n; i++)
        WR_TRY(add_row(x, i, err));
    if (x->m)
        qsort(x->edge, x->m, sizeof *x->edge, by_ends);
    return WR_OK;
}

/* --- the whole -------------------------------------------------------------------------
 */

static wr_status check_query(const wr_snapshot *g, const wr_subgraph_query *q,
                             wr_err *err)
{
    const uint32_t n = wr_snapshot_n(g);
    if (q->seeds == 0)
        return wr_fail(err, WR_EINVAL, "subgraph without a seed");
    for (size_t i = 0; i < q->seeds; i++)
        if (q->seed[i] >= n)
            return wr_fail(err, WR_EINVAL, "seed %" PRIu32 " of %" PRIu32 " vertices",
                           q->seed[i], n);
    if (q->hops_max > WR_SUBGRAPH_HOPS_MAX)
        return wr_fail(err, WR_EINVAL, "hops %" PRIu32 " (0 to %" PRIu32 ")", q->hops_max,
                       WR_SUBGRAPH_HOPS_MAX);
    if (q->direction != WR_SUBGRAPH_BOTH && q->direction != WR_RECEIVING &&
        q->direction != WR_SENDING)
        return wr_fail(err, WR_EINVAL, "direction %d", q->direction);
    if (!(q->min_value >= 0.0) || q->min_value > DBL_MAX)
        return wr_fail(err, WR_EINVAL, "min_value %g (finite, from 0)", q->min_value);
    if (q->from_s > q->to_s)
        return wr_fail(err, WR_EINVAL, "time range from %" PRIu32 " to %" PRIu32,
                       q->from_s, q->to_s);
    if (q->nodes_max < 1 || q->nodes_max > WR_SUBGRAPH_NODES_MAX)
        return wr_fail(err, WR_EINVAL, "nodes_max %" PRIu32 " (1 to %" PRIu32 ")",
                       q->nodes_max, WR_SUBGRAPH_NODES_MAX);
    if (q->edges_max < 1 || q->edges_max > WR_SUBGRAPH_EDGES_MAX)
        return wr_fail(err, WR_EINVAL, "edges_max %" PRIu64 " (1 to %" PRIu64 ")",
                       q->edges_max, WR_SUBGRAPH_EDGES_MAX);
    return WR_OK;
}

static wr_status add_seeds(extractor *x, wr_err *err)
{
    WR_TRY(number_nodes(x, err));
    for (size_t i = 0; i < x->q->seeds; i++) {
        if (node_of(x, x->q->seed[i]) != NO_NODE)
            continue;
        if (x->n == x->q->nodes_max)
            return wr_fail(err, WR_ELIMIT, "over %" PRIu32 " seeds (nodes_max)",
                           x->q->nodes_max);
        WR_TRY(join(x, x->q->seed[i], 0, err));
    }
    return WR_OK;
}

static wr_status run(extractor *x, wr_err *err)
{
    WR_TRY(add_seeds(x, err));
    WR_TRY(search(x, err));
    return connect(x, err);
}

wr_status wr_subgraph_extract(wr_subgraph *out, const wr_snapshot *g,
                              const wr_subgraph_query *q, wr_err *err)
{
    assert(out && g && q && (q->seed || q->seeds == 0));
    WR_TRY(check_query(g, q, err));
    extractor x = {.g = g,
                   .q = q,
                   .c = wr_snapshot_columns(g),
                   .out = wr_snapshot_rows_out(g),
                   .in = wr_snapshot_rows_in(g),
                   .pairs_out = wr_snapshot_pairs_out(g),
                   .pairs_in = wr_snapshot_pairs_in(g)};
    const wr_status s = run(&x, err);
    if (s == WR_OK)
        *out = (wr_subgraph){.n = x.n,
                             .m = x.m,
                             .node = WR_STEAL(x.node),
                             .edge = WR_STEAL(x.edge),
                             .is_transfer_level = q->is_transfer_level,
                             .is_truncated = x.is_truncated};
    wr_free(x.slot);
    wr_free(x.cand);
    wr_free(x.node);
    wr_free(x.edge);
    return s;
}

void wr_subgraph_release(wr_subgraph *s)
{
    wr_free(s->node);
    wr_free(s->edge);
    *s = (wr_subgraph){0};
}
