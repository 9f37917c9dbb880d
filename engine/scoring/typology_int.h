/*
 * typology_int.h - what the kernels of typology_*.c share: view, rows, sink.
 *
 * A kernel is called once per root (a wallet, or a transfer that may be the first of a
 * hit) and hands hits to its sink.  Roots are worked on in chunks of fixed size, each
 * with a sink of its own; sinks are joined in order.  A kernel returns false when memory
 * ran out, and nothing else can go wrong in it.  Scratch in the sink is grown once and
 * reused by the roots of a chunk.
 */
#ifndef WR_SCORING_TYPOLOGY_INT_H
#define WR_SCORING_TYPOLOGY_INT_H

#include "scoring/typology.h"
#include "scoring/typology_elect_int.h"
#include "scoring/typology_log_int.h"
#include "scoring/typology_match_int.h"
#include "scoring/typology_window_int.h"

typedef struct wr_typology_view {
    const wr_typology_input *in;
    const wr_flow *fl;
    const wr_typology_opts *o;
    uint64_t lo, end;           /* positions of the scope; history is [0, end) */
    const wr_typology_log *log; /* NULL: rows are those of fl; else the log's, and its
                                   columns stand in fl */
    /* Links of chains over positions: made by a kernel's prepare, read by its find. */
    uint32_t *next;     /* [m] */
    uint8_t *is_linked; /* [m] something links to it */
} wr_typology_view;

typedef struct wr_typology_pay { /* a transfer of a block */
    wr_vid from, to;
    uint32_t at;
} wr_typology_pay;

typedef struct wr_typology_pays {
    wr_typology_pay *pay;
    size_t count, cap;
} wr_typology_pays;

/* Many who pay many, see typology_bipartite.c. */
typedef struct wr_typology_block {
    wr_vid *to; /* [to_count] ascending */
    size_t to_count, to_cap;
    wr_typology_pays pays; /* by from, to, at; of senders that belong only */
    uint32_t senders, pairs;
} wr_typology_block;

typedef struct wr_typology_sink {
    wr_typology_hit *hit;
    wr_vid *member;
    uint32_t *edge;
    size_t hit_count, hit_cap, member_count, member_cap, edge_count, edge_cap;
    uint64_t partial_roots, truncated_roots;
    uint64_t chunk_visits; /* of the chunk so far, where its roots share a budget */
    /* Of the root at hand; hits carry the flags. */
    bool is_partial, is_hub_truncated;
    uint32_t visits; /* of its budget, where that is per wallet */
    /* Scratch. */
    wr_typology_list list, other;
    wr_typology_block block;
    wr_typology_election election;
    wr_typology_window window;
    wr_typology_match match;
    void *own; /* a kernel's own */
    size_t own_cap;
    bool is_out_of_memory;
} wr_typology_sink;

void wr_typology_sink_release(wr_typology_sink *k);

/*
 * One hit of the root at hand.  edge [count] in any order, with repeats: it is sorted and
 * made unique in place.
 */
bool wr_typology_emit(wr_typology_sink *k, const wr_typology_view *x,
                      const wr_typology_hit *h, uint32_t *edge,
                      size_t count) WR_NODISCARD;

/*
 * Windows over transfers (event.ref = position): the next event, and the end of the row.
 * A window that closes becomes a hit like h; its strength is of the different
 * counterparties, or of the transfers when the rule does not ask for counterparties.
 * k->is_hub_truncated is left as it is for the whole row.
 */
bool wr_typology_feed(wr_typology_sink *k, const wr_typology_view *x,
                      const wr_typology_hit *h, wr_typology_event e) WR_NODISCARD;
bool wr_typology_flush(wr_typology_sink *k, const wr_typology_view *x,
                       const wr_typology_hit *h) WR_NODISCARD;

static inline double wr_typology_strength(double have, double want)
{
    return have > 0 ? 1 - want / (2 * have) : 0;
}

/* --- transfers ------------------------------------------------------------------------
 */

static inline bool wr_typology_moves(const wr_flow *fl, uint32_t at)
{
    return fl->col.value[at] > 0 && fl->col.from[at] != fl->col.to[at];
}

static inline bool wr_typology_is_service(const wr_flow *fl, wr_vid v, uint32_t time_s)
{
    const int c = wr_seeds_at(fl->seeds, v, time_s);
    return c >= 0 && fl->seeds->kind[c] == WR_CATEGORY_SERVICE;
}

/* May v be a root or a middle at this time? */
static inline bool wr_typology_is_plain(const wr_flow *fl, wr_vid v, uint32_t time_s)
{
    return !wr_flow_is_hub(fl, v) && !wr_typology_is_service(fl, v, time_s);
}

/* --- rows -----------------------------------------------------------------------------
 */

/* First index whose position is not below `at`. */
static inline size_t wr_typology_row_seek(wr_typology_row r, uint64_t at)
{
    size_t lo = 0, hi = r.count;
    while (lo < hi) {
        const size_t mid = lo + (hi - lo) / 2;
        if (r.at[mid] < at)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static inline wr_typology_row wr_typology_whole_row(const wr_typology_view *x, wr_vid v,
                                                    bool is_in)
{
    const wr_rows *rows = is_in ? &x->fl->in : &x->fl->out;
    if (x->log)
        return wr_typology_log_row(x->log, v, is_in);
    return (wr_typology_row){rows->col + rows->off[v],
                             rows->off[v + 1ULL] - rows->off[v]};
}

/* Positions [first, end) of a wallet's row. */
static inline wr_typology_row wr_typology_row_of(const wr_typology_view *x, wr_vid v,
                                                 bool is_in, uint64_t first, uint64_t end)
{
    wr_typology_row r = wr_typology_whole_row(x, v, is_in);
    if (!r.count)
        return r;
    r.count = wr_typology_row_seek(r, end);
    const size_t skip = wr_typology_row_seek(r, first);
    return (wr_typology_row){r.at + skip, r.count - skip};
}

/* The part of the scope that a wallet's pattern can take from. */
static inline wr_typology_row wr_typology_scope(const wr_typology_view *x, wr_vid v,
                                                bool is_in)
{
    return wr_typology_row_of(x, v, is_in, x->lo, x->end);
}

/* Both rows of a wallet in (time, seq) order. */
typedef struct wr_typology_both {
    wr_typology_row in, out;
    size_t i, j;
} wr_typology_both;

static inline wr_typology_both wr_typology_both_of(const wr_typology_view *x, wr_vid v,
                                                   uint64_t first)
{
    return (wr_typology_both){.in = wr_typology_row_of(x, v, true, first, x->end),
                              .out = wr_typology_row_of(x, v, false, first, x->end)};
}

/* The next transfer that moves something; false at the end. */
static inline bool wr_typology_both_next(wr_typology_both *b, const wr_flow *fl,
                                         uint32_t *at, bool *is_in)
{
    while (b->i < b->in.count || b->j < b->out.count) {
        *is_in = b->j == b->out.count ||
                 (b->i < b->in.count && b->in.at[b->i] < b->out.at[b->j]);
        *at = *is_in ? b->in.at[b->i++] : b->out.at[b->j++];
        if (wr_typology_moves(fl, *at))
            return true;
    }
    return false;
}

/* --- inflows and the outflows that spent them --------------------------------------- */

typedef struct wr_typology_passage {
    uint32_t hold_s, window_s, events_min;
    double share_min, value_min;
    bool is_any;        /* value_min instead of events_min will do too */
    uint32_t swap_mask; /* only outflows to these categories count; 0 = all do */
} wr_typology_passage;

/*
 * Windows over v's inflows that are done (typology_match_int.h), each an event at the
 * outflow that ended it.  Hits are of root v, variant 0.  See typology_pass_through.c.
 */
bool wr_typology_passages(wr_typology_sink *k, const wr_typology_view *x, wr_vid v,
                          const wr_typology_passage *p) WR_NODISCARD;

/* All outflows of the scope matched into k->match; `is_bare`: v counts unlabelled only,
 * else only while it is no service. */
bool wr_typology_match_all(wr_typology_sink *k, const wr_typology_view *x, wr_vid v,
                           bool is_bare) WR_NODISCARD;

/* --- blocks: windows over what one wallet pays -----------------------------------------
 */

/* To another than hubs and services, of one that is none. */
static inline bool wr_typology_is_payment(const wr_flow *fl, uint32_t at)
{
    const uint32_t t = fl->col.time_s[at];
    return wr_typology_moves(fl, at) && wr_typology_is_plain(fl, fl->col.from[at], t) &&
           wr_typology_is_plain(fl, fl->col.to[at], t);
}

/* v's payments in scope to others than hubs and services, while v is no service: into the
 * list, in order. */
bool wr_typology_payments(wr_typology_list *l, const wr_typology_view *x,
                          wr_vid v) WR_NODISCARD;

/*
 * Windows of a searched neighbourhood start with one of these payments.  The next one
 * after the i-th starts behind it when it held a hit, else with the first payment at
 * least half a window after the i-th.
 */
static inline bool wr_typology_is_start(uint64_t age_s, uint32_t window_s, bool is_hit)
{
    return is_hit ? age_s > window_s : 2 * age_s >= window_s;
}

static inline size_t wr_typology_next_start(const wr_columns *col,
                                            const wr_typology_list *l, size_t i,
                                            uint32_t window_s, bool is_hit)
{
    const uint32_t t = col->time_s[l->at[i]];
    size_t j = i + 1;
    while (j < l->count &&
           !wr_typology_is_start(col->time_s[l->at[j]] - t, window_s, is_hit))
        j++;
    return j;
}

/* Position behind the window that starts with transfer `first`. */
static inline uint64_t wr_typology_window_end(const wr_typology_view *x, uint32_t first,
                                              uint32_t window_s)
{
    const wr_columns *col = &x->fl->col;
    const uint64_t end =
        wr_columns_before(col, (uint64_t)col->time_s[first] + window_s + 1);
    return end < x->end ? end : x->end;
}

/* The transfers by which voters voted for the elected, in the order of the voters. */
bool wr_typology_pays_elected(wr_typology_pays *p, const wr_typology_election *e,
                              const wr_typology_ballot *b,
                              bool is_voter_payer) WR_NODISCARD;
/* Of two wr_typology_pay, for qsort: by to, from, at. */
int wr_typology_by_receiver(const void *a, const void *b);

void wr_typology_block_release(wr_typology_block *b);
/*
 * The block of what u pays by l->at[i..] in its window, in k->block; senders 0: there is
 * none.  k->is_partial: the budget ran out, there is none.
 */
bool wr_typology_block_of(wr_typology_sink *k, const wr_typology_view *x,
                          const wr_typology_list *l, size_t i) WR_NODISCARD;

/*
 * The window of u that starts with payment l->at[i], tried.  *holds: it held what the
 * next start is behind (wr_typology_next_start).  Uses up k->visits; the list is the
 * caller's, and it is not k->other.
 */
typedef bool wr_typology_try(wr_typology_sink *k, const wr_typology_view *x, wr_vid u,
                             const wr_typology_list *l, size_t i, bool *holds);
wr_typology_try wr_typology_try_bridge, wr_typology_try_bipartite, wr_typology_try_stack;
/* All windows of u, one after the other, unless it pays less than count_min times. */
bool wr_typology_windows(wr_typology_sink *k, const wr_typology_view *x, wr_vid u,
                         uint32_t count_min, uint32_t window_s,
                         wr_typology_try *attempt) WR_NODISCARD;
/*
 * Are less than half of the transfers of a candidate in earlier hits?  Then they are
 * marked: it is a hit.  Candidates come by wr_typology_by_first_edge.
 */
bool wr_typology_take(uint64_t *taken /* bit per position */, const uint32_t *edge,
                      uint32_t count) WR_NODISCARD;
/* Of two wr_typology_hit, for qsort_r: by first edge, then by root and edges. */
int wr_typology_by_first_edge(const void *a, const void *b, void *edges);
/* Index of v in ascending a, or count. */
size_t wr_typology_find_vid(const wr_vid *a, size_t count, wr_vid v);
size_t wr_typology_sort_unique(uint32_t *a, size_t count);

/* --- one piece of a search, for the stream ---------------------------------------------
 */

/* The window that starts with v's first transfer of the scope, and is the scope. */
bool wr_typology_gather_window(wr_typology_sink *k, const wr_typology_view *x, wr_vid v,
                               bool *is_hit) WR_NODISCARD;

/* Legs that begin with transfer e, one per receiver: behind [*count] in k->own.  Uses up
 * k->visits. */
bool wr_typology_legs(wr_typology_sink *k, const wr_typology_view *x, uint32_t e,
                      size_t *count) WR_NODISCARD;
/* Legs [count] to one receiver, by e, of which the first one starts a hit or does not;
 * *last: the last start taken. */
bool wr_typology_try_legs(wr_typology_sink *k, const wr_typology_view *x,
                          const wr_typology_leg *l, size_t count, bool *is_hit,
                          uint32_t *last) WR_NODISCARD;

/* What spent most of a lot that is done, up to its event. */
const wr_typology_part *wr_typology_largest_part(const wr_typology_match *m,
                                                 uint32_t lot);

/* The crumbs of one payer, one after the other. */
typedef struct wr_typology_crumb {
    double value;
    uint32_t at, time_s;
    wr_vid to;
} wr_typology_crumb;

typedef struct wr_typology_dust {
    wr_typology_crumb *c; /* [start, count) are looked back at */
    size_t start, count, cap;
    wr_typology_tally seen, paid; /* receivers of those; of the hit that is open */
    wr_typology_list edges;       /* with which it opened */
    double like;
    uint32_t first_s;
    bool is_open, is_truncated;
} wr_typology_dust;

static inline bool wr_typology_is_crumb(const wr_flow *fl, uint32_t at,
                                        const wr_typology_opts *o)
{
    return wr_typology_moves(fl, at) && fl->col.value[at] <= o->dust_value_max &&
           !wr_typology_is_service(fl, fl->col.from[at], fl->col.time_s[at]);
}

/* *is_of_hit: it opens a hit (then it is the last of d->edges), or joins the open one. */
bool wr_typology_dust_push(wr_typology_dust *d, const wr_typology_opts *o,
                           const wr_typology_crumb *c, bool *is_of_hit) WR_NODISCARD;
void wr_typology_dust_release(wr_typology_dust *d);

/* Does a transfer poison, its receiver (is_in) or payer being the impostor, which is no
 * hub and has an address key?  Uses up k->visits. */
bool wr_typology_poisoning(wr_typology_sink *k, const wr_typology_view *x, uint32_t at,
                           bool is_in) WR_NODISCARD;

/* Is a transfer one with a mixer, for its receiver (is_in) or its payer?  What belongs to
 * it goes to the list. */
bool wr_typology_contact(wr_typology_sink *k, const wr_typology_view *x, uint32_t at,
                         bool is_in, bool *is_met) WR_NODISCARD;
static inline double wr_typology_mixed_strength(double mixed, double all)
{
    return 0.5 + 0.5 * mixed / all;
}
/* The transaction `hub`, all of which is in the scope or none. */
bool wr_typology_coinjoin(wr_typology_sink *k, const wr_typology_view *x,
                          wr_vid hub) WR_NODISCARD;

/* Is this gap long against the earlier ones?  Their order is lost. */
bool wr_typology_is_long_gap(uint32_t gap, wr_typology_list *gaps,
                             const wr_typology_opts *o);

/* --- kernels --------------------------------------------------------------------------
 */

/* `root`: a wallet, or a position of the scope. */
typedef bool wr_typology_kernel(wr_typology_sink *k, const wr_typology_view *x,
                                uint64_t root);

wr_typology_kernel wr_typology_fan_in, wr_typology_fan_out, wr_typology_gather_scatter,
    wr_typology_scatter_gather, wr_typology_cycle, wr_typology_peel_link,
    wr_typology_peel_chain, wr_typology_pass_through, wr_typology_structuring,
    wr_typology_smurf_bridge, wr_typology_bipartite, wr_typology_stack,
    wr_typology_chain_link, wr_typology_chain, wr_typology_dormant, wr_typology_dusting,
    wr_typology_mixer, wr_typology_chain_hop, wr_typology_burst;

#endif
