/*
 * delta.h - transfers behind a snapshot: appended by one writer, read by many.
 *
 *   base      a snapshot: vertices 0..n0-1, transfers up to its bound
 *   wallets   new ones get vertices n0, n0+1, … in order of appearance; text in an arena
 *   transfers rows of 40 bytes (from to time value asset seq, and for either end the
 *             transfer before it of the same wallet: a list, newest first) in segments
 *             that never move, each twice as long as the one before it.  Rows and not
 *             columns: they are read along lists, each step somewhere else in memory
 *   heads     [vertex] newest transfer out and in; base vertices in one array, new ones
 *             in their rows
 *
 * Everything is append-only.  The writer fills slots behind the published counts and then
 * publishes n and m, one word, with release; a reader takes it with acquire, once, and
 * sees only what is below: never half a batch, and no lock.  A head may point at a
 * transfer at or beyond the reader's m: the reader walks the list until it is below (list
 * positions descend).  The hash table of new addresses and the one of wallet ids grow by
 * a new table behind an atomic pointer; the old one stays until the delta is freed.
 *
 * A delta that has grown is folded: a new snapshot is made and a new delta behind it.
 * Readers hold the old one by reference until they are done.
 *
 * Thread: one writer (functions marked so); readers any number, on a wr_delta_view.
 */
#ifndef WR_GRAPH_DELTA_H
#define WR_GRAPH_DELTA_H

#include "graph/snapshot.h"

typedef struct wr_delta wr_delta;

/* base: one reference is acquired; it has ids.  Errors  WR_ENOMEM */
wr_status wr_delta_new(wr_delta **out, wr_snapshot *base, wr_err *err) WR_NODISCARD;
wr_delta *wr_delta_acquire(wr_delta *d);
void wr_delta_unref(wr_delta *d); /* accepts NULL */
WR_DEFINE_AUTO(wr_delta, wr_delta_unref)

/* --- writing: one thread -------------------------------------------------------------
 */

/* Vertex of a wallet id, published or not; WR_VID_NONE. */
wr_vid wr_delta_find_wallet(const wr_delta *d, uint32_t wallet_id);
/*
 * The next new vertex; text is copied.  A hub's address (wr_address_is_hub) makes it one.
 *
 * Errors  WR_ECONFLICT (wallet id, or chain and address, is there), WR_ELIMIT (what ids
 *         of a rebuilt snapshot would refuse: 256 chains, 2^32-1 wallets), WR_ENOMEM;
 *         nothing was added then
 */
wr_status wr_delta_add_wallet(wr_delta *d, wr_vid *out, uint32_t wallet_id,
                              const wr_chain *chain, wr_text address,
                              wr_err *err) WR_NODISCARD;

typedef struct wr_delta_row {
    int64_t seq;
    double value;
    uint32_t time_s;
    wr_vid from, to;
    uint16_t asset;
} wr_delta_row;
/*
 * is_new_pair  out: these two met in this direction for the first time, base included;
 *              false for a transfer to oneself
 * Errors       WR_EINVAL (vertex, value), WR_ELIMIT (2^32-1 transfers with the base's),
 *              WR_ENOMEM; nothing was appended then
 * Cost         O(log degree in the base), amortised
 */
wr_status wr_delta_append(wr_delta *d, const wr_delta_row *row, bool *is_new_pair,
                          wr_err *err) WR_NODISCARD;
/* What was added so far becomes visible, all at once. */
void wr_delta_publish(wr_delta *d);
/* Nothing will be added any more: wallets of transfers after seq are elsewhere. */
void wr_delta_close(wr_delta *d, int64_t seq);

/* --- reading: any thread -------------------------------------------------------------
 */

typedef struct wr_delta_view {
    const wr_delta *d;       /* borrowed: the caller holds a reference */
    const wr_snapshot *base; /* borrowed from d */
    uint64_t m;              /* transfers of the delta that this view sees */
    uint32_t n;              /* vertices, those of the base included */
} wr_delta_view;
wr_delta_view wr_delta_read(const wr_delta *d);
/* Who knows of a transfer beyond this must not ask here who is in it; INT64_MAX = open.
 */
int64_t wr_delta_closed_seq(const wr_delta *d);
/* The writer's own view: what was added and is not published yet as well. */
wr_delta_view wr_delta_read_all(const wr_delta *d);

/* WR_VID_NONE when absent. */
wr_vid wr_delta_vertex(const wr_delta_view *w, const wr_chain *chain, wr_text address);
uint32_t wr_delta_wallet(const wr_delta_view *w, wr_vid v);
const wr_chain *wr_delta_chain(const wr_delta_view *w, wr_vid v);
wr_text wr_delta_address(const wr_delta_view *w, wr_vid v);
bool wr_delta_is_hub(const wr_delta_view *w, wr_vid v);

/* Transfer i < w->m of the delta. */
wr_delta_row wr_delta_row_at(const wr_delta_view *w, uint64_t i);
enum { WR_DELTA_OUT, WR_DELTA_IN };
#define WR_DELTA_END UINT64_MAX
/* Newest transfer of the delta that leaves (enters) v, and the one before it. */
uint64_t wr_delta_newest(const wr_delta_view *w, wr_vid v, int way);
uint64_t wr_delta_before(const wr_delta_view *w, uint64_t i, int way);

typedef struct wr_delta_pair {
    wr_vid nbr;
    float value;
    uint64_t count;
    uint32_t first_s, last_s;
} wr_delta_pair;
/*
 * Everyone v paid (was paid by), base and delta together, ascending neighbour, without v
 * itself.  Counts and times are those of a rebuilt snapshot; values are within 1e-6 of it
 * (base sums are floats).
 *
 * out     [*count] released with wr_free
 * Errors  WR_ENOMEM
 * Cost    O(degree in the base + k log k), k transfers of v in the delta
 */
wr_status wr_delta_pairs(wr_delta_pair **out, size_t *count, const wr_delta_view *w,
                         wr_vid v, int way, wr_err *err) WR_NODISCARD;

uint64_t wr_delta_bytes(const wr_delta *d); /* memory, without the base */

#endif
