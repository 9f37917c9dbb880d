/*
 * overlay.h - the live state: a run, and every transfer since, applied as it comes.
 *
 *   run     an assessment: graph up to its max_seq, labels of its revision
 *   ledger  scoring/ledger_live.h, behind the run's receiving ledger; it takes the run's
 *           last transfers itself, so that what comes a little late has its place
 *   board   what it says of each wallet it has moved, for readers
 *   delta   graph/delta.h, behind the newest graph (at or after the run's)
 *   typologies  live_typologies.h: the patterns that the run's transfers and those since
 *           make, as far as the policy wants them followed
 *
 * Transfers are applied in batches of the order of arrival; a batch is on the board, and
 * its transfers in the delta, all at once.  What the stream cannot know exactly is marked
 * `not exact` on the board, never silently wrong, until the next run makes a new overlay:
 *
 *   - a transfer that comes too late to be put in its place: both ends, and everybody
 *     their money reached since its time;
 *   - a label that came, went or changed after the run: the wallet, everybody its money
 *     reached and everybody who paid towards it; a category that came up after the run
 *     and for which its ledger's rows have no room (they have 8 columns, or 16)
 *   - payees of a wallet that is so marked.
 *
 * When more than WR_OVERLAY_MARK_EDGES transfers would have to be followed, the board
 * gives up: nothing is exact then.  Wallets met after the run take the labels of now.
 *
 * Thread: one at a time; board and delta are read by all.
 */
#ifndef WR_PIPELINE_LIVE_OVERLAY_H
#define WR_PIPELINE_LIVE_OVERLAY_H

#include "graph/delta.h"
#include "pipeline/input/load.h"
#include "pipeline/live/board.h"
#include "pipeline/live/live_typologies.h"

typedef struct wr_overlay wr_overlay;

enum { WR_OVERLAY_MARK_EDGES = 1 << 20, WR_OVERLAY_LABELS_MAX = 10000 };

/*
 * a      one reference is acquired
 * graph  the run's or a newer one; a reference is acquired
 * The overlay stands at the run's max_seq and label revision: advance it.
 */
wr_status wr_overlay_new(wr_overlay **out, wr_assessment *a, const wr_loaded *graph,
                         wr_err *err) WR_NODISCARD;
/*
 * The same without patterns, so nothing of the run is replayed: it takes those of the one
 * that it is to replace (`before`, may be NULL), if that has what _can_give says:
 * patterns that can go on behind the run, of the labels that the run has.
 *
 * _give  both stand at the same seq and label revision.  NULL: it cannot be, and nothing
 *        has happened; else before goes on without, its readers are told what they were
 * _take  l is taken, also on failure; no search, but all that is told is told anew
 *        (live_hits.h).  Errors  WR_ENOMEM: o can only be freed
 */
wr_status wr_overlay_new_bare(wr_overlay **out, wr_assessment *a, const wr_loaded *graph,
                              wr_err *err) WR_NODISCARD;
bool wr_overlay_can_give(const wr_overlay *before, const wr_assessment *a);
wr_live_typologies *wr_overlay_give(wr_overlay *before, const wr_overlay *o) WR_NODISCARD;
wr_status wr_overlay_take(wr_overlay *o, wr_live_typologies *l, wr_err *err) WR_NODISCARD;
void wr_overlay_free(wr_overlay *o); /* accepts NULL */
WR_DEFINE_AUTO(wr_overlay, wr_overlay_free)

/*
 * Apply all transfers up to upto_seq (of wr_store_safe_seq), then labels up to label_rev
 * (0 = no newer ones than before).
 *
 * stop    optional (NULL): leave after the batch at hand
 * Errors  of the store: the overlay stands where it stood, try again; WR_ENOMEM,
 *         WR_ECORRUPT: it is of no use any more (its board has given up)
 */
wr_status wr_overlay_advance(wr_overlay *o, wr_store *st, int64_t upto_seq,
                             int64_t label_rev, const atomic_bool *stop,
                             wr_err *err) WR_NODISCARD;

/*
 * Patterns: let in what came before the last call (live_typologies.h), or some of it:
 * *is_more.
 * Errors  WR_ENOMEM: the overlay is of no use any more
 */
wr_status wr_overlay_settle(wr_overlay *o, bool *is_more, wr_err *err) WR_NODISCARD;

/*
 * Put the live state behind a newer graph: what the delta held up to its bound is in
 * there now.  The ledger goes on as it is.
 * Errors  WR_EINVAL (a graph beyond the overlay's seq), of the store, WR_ENOMEM; the
 *         overlay is then as it was
 */
wr_status wr_overlay_regraph(wr_overlay *o, wr_store *st, const wr_loaded *graph,
                             wr_err *err) WR_NODISCARD;

typedef struct wr_overlay_stats {
    int64_t seq, label_rev;
    uint64_t applied;      /* transfers since the run */
    uint64_t undone;       /* taken back and applied again, for late ones */
    uint64_t out_of_order; /* too late for that */
    uint64_t marked;       /* wallets that are not exact */
    uint64_t wallets;      /* that the live state has moved or marked */
    uint64_t delta_transfers;
    uint64_t ledger_bytes, board_bytes, delta_bytes;
    uint64_t bytes;     /* those, what is known of wallets, and the typologies' */
    uint64_t run_bytes; /* what bytes were before anything came behind the run, and of
                           patterns what was taken over */
    wr_live_typologies_stats typologies; /* its bytes are part of those above */
    bool is_given_up;
} wr_overlay_stats;
void wr_overlay_stats_of(const wr_overlay *o, wr_overlay_stats *out);

wr_board *wr_overlay_board(const wr_overlay *o); /* borrowed */
wr_delta *wr_overlay_delta(const wr_overlay *o); /* borrowed; another after a regraph */

#endif
