/*
 * overlay_int.h - insides of an overlay, shared by the files that make it:
 *
 *   overlay.c        life, batches, what is published
 *   overlay_meet.c   wallets: from id to label, ledger handle and place in the graph
 *   overlay_mark.c   who is not exact any more
 */
#ifndef WR_PIPELINE_LIVE_OVERLAY_INT_H
#define WR_PIPELINE_LIVE_OVERLAY_INT_H

#include "pipeline/live/live_typologies.h"
#include "pipeline/live/overlay.h"
#include "pipeline/run/assess_int.h"

/* A wallet that the live state has moved or marked; its index is the ledger's handle. */
typedef struct wr_met {
    uint32_t id;         /* the store's */
    wr_vid run_v;        /* in the run's graph, or WR_VID_NONE */
    wr_vid v;            /* in the delta */
    wr_vid typology_v;   /* among the live typologies */
    int8_t column;       /* of the label that the ledger knows, or WR_SEED_NONE */
    int8_t own_category; /* taxonomy's, of the label that holds now; -1 = none */
    bool is_marked, is_dirty, is_dated;
    bool is_relabelled;      /* column is not its label any more: no stop, what it pays is
                                wrong */
    bool has_newer;          /* transfers that came after the run */
    uint32_t inexact_from_s; /* its money is not known from here on; UINT32_MAX = it is */
    float confidence, own_confidence;
    uint32_t from_s, to_s;
    wr_activity activity;
    double sent;
} wr_met;

struct wr_overlay {
    wr_assessment *a;
    wr_snapshot *g; /* the newest graph, the delta's base */
    int64_t graph_seq;
    uint64_t tail_at; /* column of the run's graph at which the ledger's base ends */
    wr_ledger_live *ledger;
    wr_board *board;
    wr_delta *delta;
    wr_live_typologies *typologies; /* NULL: none are followed */
    wr_live_typologies_stats given; /* of those that another has by now */
    /* Columns of ledger and board: the run's, then categories as they come up, as far as
     * the ledger's rows have room. */
    uint32_t c, named;
    int8_t column_of[WR_CATEGORY_MAX]; /* by taxonomy index, or WR_SEED_NONE */

    wr_met *met; /* [met_count] */
    size_t met_count, met_cap;
    double *sent_direct; /* [sent_cap], c for each wallet */
    size_t sent_cap;
    uint32_t *handle_of; /* [handle_cap] by wallet id: handle + 1, 0 = not met */
    size_t handle_cap;

    uint32_t *dirty; /* [dirty_count] handles to be published */
    size_t dirty_count, dirty_cap;

    /* one batch */
    wr_edge_row *row;
    size_t row_count, row_cap;
    wr_live_transfer *transfer;
    size_t transfer_cap;

    wr_overlay_stats stats;
};

/* Index of a wallet that was met; UINT32_MAX. */
static inline uint32_t wr_overlay_handle(const wr_overlay *o, uint32_t wallet_id)
{
    return wallet_id < o->handle_cap ? o->handle_of[wallet_id] - 1 : UINT32_MAX;
}

/*
 * Every wallet that the batch names is met.  Reads the store for those that the run did
 * not know (address, labels of revision rev).  Errors  of the store: nothing is lost, the
 * same call again goes on; WR_ECORRUPT (a transfer names a wallet that is not there)
 */
wr_status wr_overlay_meet_rows(wr_overlay *o, wr_store *st, int64_t rev,
                               wr_err *err) WR_NODISCARD;
/* Column of a category, a new one if need be; WR_SEED_NONE: no room. */
int wr_overlay_column(wr_overlay *o, int category);
/* A wallet of the run's graph, by its vertex there: nothing is read. */
wr_status wr_overlay_meet_run(wr_overlay *o, uint32_t *handle, wr_vid run_v,
                              wr_err *err) WR_NODISCARD;
/* The wallet's name among the typologies, if any are followed. */
wr_status wr_overlay_meet_typologies(wr_overlay *o, wr_met *w, wr_err *err) WR_NODISCARD;
/* The label of now of wallets handle[0..n), read anew. */
wr_status wr_overlay_read_own(wr_overlay *o, wr_store *st, int64_t rev,
                              const uint32_t *handle, size_t n, wr_err *err) WR_NODISCARD;

/* Column of its label at time t, or WR_SEED_NONE. */
static inline int wr_met_label(const wr_met *w, uint32_t t)
{
    return w->column >= 0 && (!w->is_dated || (t >= w->from_s && t < w->to_s))
               ? w->column
               : WR_SEED_NONE;
}

wr_status wr_overlay_set_dirty(wr_overlay *o, uint32_t handle, wr_err *err) WR_NODISCARD;
/*
 * Mark start and everybody that its money can have reached in transfers from time_s on
 * (WR_DELTA_OUT), or whose money can have reached it up to time_s (WR_DELTA_IN: their
 * sending side is meant, what they pay is as exact as before).
 */
wr_status wr_overlay_mark_reach(wr_overlay *o, wr_vid start, uint32_t time_s, int way,
                                wr_err *err) WR_NODISCARD;
/* Of the batch at hand: ends of transfers that came too late, payees of the inexact. */
wr_status wr_overlay_mark_batch(wr_overlay *o, wr_err *err) WR_NODISCARD;
/* Labels of revisions (o->stats.label_rev, rev]. */
wr_status wr_overlay_mark_labels(wr_overlay *o, wr_store *st, int64_t rev,
                                 wr_err *err) WR_NODISCARD;

#endif
