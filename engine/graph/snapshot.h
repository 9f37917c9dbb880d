/*
 * snapshot.h - the in-memory graph: immutable, shared, counted.
 *
 *   columns   transfers sorted by (time, seq): from to time value asset seq
 *   rows      out and in CSR over transfers; row v lists column positions, ascending,
 *             i.e. in time order
 *   pairs     distinct (from, to), sorted by (from, to): value count first last; out and
 *             in CSR over them, rows ascending by neighbour.  Values stand beside both
 *             kinds of rows, for kernels stream them; the rest beside the out-rows alone,
 *             and an in-row finds it there.  Most pairs meet once, so count and last are
 *             kept of the others alone (wr_repeats)
 *   ids       wallet <-> vertex, see ids.h
 *
 * Self-transfers stay in columns and rows; pairs leave them out (no exposure effect).
 * Vertices are 0..n-1 in ascending wallet id; hubs (UTXO transactions) carry a bit.
 *
 * Thread: immutable after build; any number of readers.  acquire/unref are atomic.
 */
#ifndef WR_GRAPH_SNAPSHOT_H
#define WR_GRAPH_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "graph/ids.h"
#include "util/digest.h"
#include "util/mem.h"
#include "util/progress.h"

typedef uint32_t wr_vid; /* dense vertex, 0..n-1 */
#define WR_VID_NONE UINT32_MAX

/* Input rows, in any order; the builder sorts.  Arrays are owned by the struct. */
typedef struct wr_edges {
    uint64_t m, cap;
    wr_vid *from, *to;
    uint32_t *time_s; /* unix seconds; 2009..2106 fits */
    double *value;    /* finite, >= 0 */
    uint16_t *asset;
    int64_t *seq; /* ties in time are ordered by it; then by place */
} wr_edges;

/*
 * Room for `more` further rows (they are appended by writing the arrays and m); asking
 * once for all of them costs no copy.  On failure e is as it was.
 * Errors  WR_ELIMIT (2^32-1 rows or more), WR_ENOMEM
 */
wr_status wr_edges_reserve(wr_edges *e, uint64_t more, wr_err *err) WR_NODISCARD;
void wr_edges_release(wr_edges *e);

/* Borrowed windows, valid as long as the caller holds the snapshot. */
typedef struct wr_columns {
    uint64_t m;
    const wr_vid *from, *to; /* [m] */
    const uint32_t *time_s;  /* [m] ascending */
    const double *value;     /* [m] */
    const uint16_t *asset;   /* [m], or NULL: all asset 0 */
    const uint32_t *seq_low; /* [m], or NULL: seq = seq_base + position */
    int64_t seq_base;
} wr_columns;

static inline int64_t wr_columns_seq(const wr_columns *c, uint64_t i)
{
    return c->seq_base + (c->seq_low ? (int64_t)c->seq_low[i] : (int64_t)i);
}

/* How many transfers have time < t: the first position at t or later.  O(log m). */
static inline uint64_t wr_columns_before(const wr_columns *c, uint64_t t)
{
    uint64_t lo = 0;
    uint64_t hi = c->m;
    while (lo < hi) {
        const uint64_t mid = lo + (hi - lo) / 2;
        if (c->time_s[mid] < t)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

typedef struct wr_rows {
    uint32_t n;
    uint64_t m;
    const uint32_t *off; /* [n+1]; m < 2^32-1 */
    const uint32_t *col; /* [m] position in columns; ascending within a row */
} wr_rows;

/* Pairs of more than one transfer, numbered among themselves by ascending pair id. */
typedef struct wr_repeats {
    uint64_t m;
    const uint64_t *bits;   /* [pairs+63/64] bit id: is one; NULL: none is */
    const uint32_t *before; /* [pairs+63/64] bits set in earlier words */
    const uint32_t *count;  /* [m] transfers, >= 2 */
    const uint32_t *last_s; /* [m] time of last transfer */
} wr_repeats;

typedef struct wr_pairs {
    uint32_t n;
    uint64_t m;
    const uint32_t *off; /* [n+1] */
    const wr_vid *nbr;   /* [m] neighbour; ascending within a row */
    const float *value;  /* [m] sum of values, rounded once from a double */
    /* by pair id, i.e. by place in the out-rows: */
    const uint32_t *first_s; /* [m] time of first transfer */
    wr_repeats repeats;      /* for wr_pairs_count and wr_pairs_last_s */
    /* in direction only: the out-rows, for wr_pairs_id */
    const uint32_t *out_off;
    const wr_vid *out_nbr;
} wr_pairs;

/* First place in [lo, hi) of a row whose neighbour is v or more; hi: none.  O(log). */
static inline uint64_t wr_row_from(const wr_vid *nbr, uint64_t lo, uint64_t hi, wr_vid v)
{
    while (lo < hi) {
        const uint64_t mid = lo + (hi - lo) / 2;
        if (nbr[mid] < v)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* Place of v in u's row, or UINT64_MAX: it does not stand there.  O(log degree). */
static inline uint64_t wr_row_find(const uint32_t *off, const wr_vid *nbr, wr_vid u,
                                   wr_vid v)
{
    const uint64_t end = off[u + UINT64_C(1)];
    const uint64_t at = wr_row_from(nbr, off[u], end, v);
    return at < end && nbr[at] == v ? at : UINT64_MAX;
}

/*
 * Pair id of place i, which lies in v's row.  O(1) in the out direction, otherwise a
 * search in the out-row of nbr[i]: whoever wants times of all in-rows takes
 * wr_pairs_times_in.
 */
static inline uint64_t wr_pairs_id(const wr_pairs *p, wr_vid v, uint64_t i)
{
    return p->out_off ? wr_row_find(p->out_off, p->out_nbr, p->nbr[i], v) : i;
}

/* Pair id met more than once; *k = its number in r, unspecified otherwise.  O(1). */
static inline bool wr_repeats_find(const wr_repeats *r, uint64_t id, uint64_t *k)
{
    const uint64_t word = r->bits ? r->bits[id / 64] : 0;
    const uint64_t bit = UINT64_C(1) << id % 64;
    if (!(word & bit))
        return false;
    *k = r->before[id / 64] + (uint64_t)__builtin_popcountll(word & (bit - 1));
    return true;
}

/* Transfers of pair id.  O(1). */
static inline uint32_t wr_pairs_count(const wr_pairs *p, uint64_t id)
{
    uint64_t k;
    return wr_repeats_find(&p->repeats, id, &k) ? p->repeats.count[k] : 1;
}

/* Time of the last transfer of pair id.  O(1). */
static inline uint32_t wr_pairs_last_s(const wr_pairs *p, uint64_t id)
{
    uint64_t k;
    return wr_repeats_find(&p->repeats, id, &k) ? p->repeats.last_s[k] : p->first_s[id];
}

/*
 * Times of all pairs by place in the in-rows.
 *
 * first_s, last_s  [m] caller's arrays, unspecified on failure; either may be NULL
 * Errors  WR_ENOMEM
 * Cost    O(n + m), parallel; 4n bytes of workspace
 */
wr_status wr_pairs_times_in(uint32_t *first_s, uint32_t *last_s, const wr_pairs *in,
                            wr_err *err) WR_NODISCARD;

typedef struct wr_snapshot wr_snapshot;

/*
 * Build from rows; takes the arrays of `e` (e is empty afterwards, also on failure) and
 * `ids` itself (freed on failure; n = wallets in it; may be NULL with n given by
 * n_if_no_ids: tests, benches).  Vertices whose address is a hub's get the hub bit.
 *
 * Errors  WR_EINVAL (endpoint >= n, value negative or not finite: names the row),
 *         WR_ELIMIT (2^32-1 transfers or more, seq spread over 2^32 or more),
 *         WR_ENOMEM, WR_ESTOPPED
 * Cost    O(n + m), radix sorts, parallel; same bytes for any number of threads;
 *         rows that arrive in (time, seq) order are not sorted again
 */
wr_status wr_snapshot_build(wr_snapshot **out, wr_edges *e, wr_ids *ids,
                            uint32_t n_if_no_ids, const wr_progress *pg,
                            wr_err *err) WR_NODISCARD;

wr_snapshot *wr_snapshot_acquire(wr_snapshot *g); /* one more owner; returns g */
void wr_snapshot_unref(wr_snapshot *g);           /* accepts NULL */
WR_DEFINE_AUTO(wr_snapshot, wr_snapshot_unref)

uint32_t wr_snapshot_n(const wr_snapshot *g);
wr_columns wr_snapshot_columns(const wr_snapshot *g);
wr_rows wr_snapshot_rows_out(const wr_snapshot *g);
wr_rows wr_snapshot_rows_in(const wr_snapshot *g);
wr_pairs wr_snapshot_pairs_out(const wr_snapshot *g);
wr_pairs wr_snapshot_pairs_in(const wr_snapshot *g);
const wr_ids *wr_snapshot_ids(const wr_snapshot *g); /* NULL when built without */
bool wr_snapshot_is_hub(const wr_snapshot *g, wr_vid v);
/* [n+63/64] bit v set = hub; NULL when there is none. */
const uint64_t *wr_snapshot_hub_bits(const wr_snapshot *g);
uint64_t wr_snapshot_bytes(const wr_snapshot *g); /* all views, without ids */
/* What holding them takes: with room that arrays have beyond their ends, or the file. */
uint64_t wr_snapshot_held_bytes(const wr_snapshot *g);

/*
 * Declare v a hub without an id map (tests, benches); before the snapshot is shared.
 * Errors  WR_EINVAL (v >= n, or a snapshot loaded from a file), WR_ENOMEM
 */
wr_status wr_snapshot_mark_hub(wr_snapshot *g, wr_vid v, wr_err *err) WR_NODISCARD;

/*
 * Over n, m, hubs, (chain, address) in vertex order and the columns from, to, time,
 * value, asset in (time, seq) order; equal graphs give equal digests on any store.  seq
 * enters only by the order that it gives: its numbers have gaps where a store had them.
 * Errors  WR_ENOMEM
 */
wr_status wr_snapshot_digest(const wr_snapshot *g, wr_digest_hex *out,
                             wr_err *err) WR_NODISCARD;

/* Every documented invariant; O(n + m).  For tests and data from disk.  WR_ECORRUPT. */
wr_status wr_snapshot_check(const wr_snapshot *g, wr_err *err) WR_NODISCARD;

#endif
