/*
 * live_bound.h - how large the live state may grow before the server scores a run of its
 * own.
 *
 * Behind a run the live state grows with every wallet that moves and every pattern that
 * is met; only a new run lets go of that.  What it starts with (run_bytes of
 * wr_overlay_stats: what patterns must remember of the run's wallets or took over from
 * the live state before, the log of late transfers) grows with the graph and no run makes
 * it less, so a run is due when
 *
 *     bytes > bytes_max                            it is too large,
 *     bytes > run_bytes + bytes_max / GAIN_SHARE   a run would let go of something,
 *     now  >= not_before_us                        and the last one is long enough ago:
 *
 * as long as it took, so that at least half of the time is left to folds and to others;
 * after a failure a minute.  Meanwhile the live state grows on, exact as ever, and says
 * that it is too large.
 *
 * Thread: guarded by its owner.
 */
#ifndef WR_PIPELINE_LIVE_LIVE_BOUND_H
#define WR_PIPELINE_LIVE_LIVE_BOUND_H

#include "pipeline/live/overlay.h"

enum {
    WR_LIVE_GAIN_SHARE = 4,
    WR_LIVE_PAUSE_MIN_US = 1000000,
    WR_LIVE_FAILED_PAUSE_US = 60000000,
};

typedef struct wr_live_bound {
    uint64_t bytes_max; /* 0 = none: never due */
    int64_t not_before_us;
} wr_live_bound;

static inline bool wr_live_bound_is_over(const wr_live_bound *b,
                                         const wr_overlay_stats *s)
{
    return b->bytes_max && s->bytes > b->bytes_max;
}

static inline bool wr_live_bound_is_due(const wr_live_bound *b, const wr_overlay_stats *s,
                                        int64_t now_us)
{
    return wr_live_bound_is_over(b, s) &&
           s->bytes > s->run_bytes + b->bytes_max / WR_LIVE_GAIN_SHARE &&
           now_us >= b->not_before_us;
}

/* A scoring run, anybody's, is over at now_us. */
static inline void wr_live_bound_ran(wr_live_bound *b, int64_t now_us, int64_t took_us,
                                     bool is_ok)
{
    const int64_t least = is_ok ? WR_LIVE_PAUSE_MIN_US : WR_LIVE_FAILED_PAUSE_US;
    b->not_before_us = now_us + (took_us > least ? took_us : least);
}

#endif
