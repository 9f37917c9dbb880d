/*
 * tail.h - the thread that follows the store and keeps the overlay up to date.
 *
 *     wait (LISTEN / data_version) ─► safe_seq, label_rev ─► advance the overlay ─► wait
 * …
 *
 * Only this thread and, for a moment at the end of a job, the compute thread write to the
 * overlay, under one lock; readers never take it.  When a run is done the compute thread
 * makes the new overlay beside the old one, lets it catch up, and swaps both the view and
 * the overlay under the lock: no reader sees less than before.  The old one's patterns go
 * into the new one, where they can (overlay.h).
 *
 * The store may go away and come back: what was applied stays served, and how long ago it
 * was the newest is told.
 *
 * Thread: safe.
 */
#ifndef WR_PIPELINE_LIVE_TAIL_H
#define WR_PIPELINE_LIVE_TAIL_H

#include "pipeline/live/overlay.h"

typedef struct wr_tail wr_tail;

/* Swaps the served view; called under the tail's lock, board and delta borrowed. */
typedef void (*wr_tail_swap_fn)(void *ctx, wr_board *board, wr_delta *delta);

typedef struct wr_tail_opts {
    uint64_t fold_rows; /* a delta from so many transfers on, and a quarter of its base,
                           is to be folded */
    void (*fold)(void *ctx); /* told once for each such delta, on the tail's thread */
    void *ctx;
} wr_tail_opts;

/* dsn is copied.  Nothing is followed before the first rebase.  Errors  WR_ENOMEM */
wr_status wr_tail_open(wr_tail **out, const char *dsn, const wr_tail_opts *o,
                       wr_err *err) WR_NODISCARD;
void wr_tail_close(wr_tail *t); /* accepts NULL */
WR_DEFINE_AUTO(wr_tail, wr_tail_close)

/*
 * Follow from this run on; graph: the run's or a newer one.  swap is called exactly once,
 * also on failure: then with NULLs, and nothing is followed until the next rebase.
 * st  the caller's handle
 */
wr_status wr_tail_rebase(wr_tail *t, wr_store *st, wr_assessment *a,
                         const wr_loaded *graph, wr_tail_swap_fn swap, void *ctx,
                         wr_err *err) WR_NODISCARD;
/*
 * The same run over a newer graph.  With nothing followed swap is called with NULLs.  On
 * failure swap is not called and everything is as it was.
 */
wr_status wr_tail_regraph(wr_tail *t, wr_store *st, const wr_loaded *graph,
                          wr_tail_swap_fn swap, void *ctx, wr_err *err) WR_NODISCARD;

typedef struct wr_freshness {
    bool is_following;
    bool is_store_ok;           /* the last look at the store succeeded */
    int64_t store_seq;          /* what the store had then */
    double behind_s;            /* how long ago all that the store had was applied */
    wr_overlay_stats stats;     /* zero when nothing is followed */
    char error[WR_ERR_MSG_MAX]; /* of the last look or rebase that failed; "" = none */
} wr_freshness;
void wr_tail_freshness(wr_tail *t, wr_freshness *out);

#endif
