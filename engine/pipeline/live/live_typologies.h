/*
 * live_typologies.h - the patterns that a run's transfers and those since make, as a
 * stream.
 *
 *     run's base ─► ┐                    in (time, seq) order
 *     arrivals   ─► live_waiting.h ─► typology_live.h ─► live_hits.h ─► typology_board.h
 *                               └─ too late: counted, marked
 *
 * The state starts from the run: its transfers are pushed as history, those of the last
 * `longest window` before its newest one as part of patterns (from_s, never before the
 * run's own scope).  What comes later is pushed in order.  When the windows are over the
 * hits are those that wr_typology_find gives over all of it with the same from_s
 * (tests/unit/pipeline/test_live_typologies.c); wallets are told of those that have a
 * transfer which came after the run.  News that is not certain yet (is_early) is not
 * asked for: a searched pattern is told when its window is over.
 *
 * Order: arrivals wait.  _settle, called again and again (tail.c: each second), lets in
 * what is not newer than all that had arrived at the call before; so two transfers that
 * arrive within the time between two calls are put in order however far apart their times
 * are.  The run's last WR_LIVE_RUN_WAITS transfers wait, too.  No more than
 * WR_LIVE_WAITS_MAX wait: the oldest go first then.  What is older than the last that was
 * let in is too late: it is part of no pattern, its wallets count it, and the board says
 * that patterns may be missing.  Of any wallet: what one transfer changes can be cycles
 * and chains away.  The next run tells.
 *
 * Another run need not begin it anew: see _rebase.
 *
 * Labels are the run's, and of wallets met later those they came with; a label that
 * changes makes wallets inexact (overlay.h), not patterns anew.
 *
 * Memory: that of typology_live.h, 24 bytes for each transfer since the run (an edge of a
 * hit may be any of them), the hits (capped).  Above bytes_max, by default
 * WR_LIVE_TYPOLOGIES_BYTES_MAX, all but the board is let go: is_given_up.
 *
 * Cost, in CPU time of one thread, on 1 M made transfers of 45 k wallets over 30 days, a
 * tenth of them after the run (bench_typology 1e6 45000 30 live; hits and board not
 * counted):
 *
 *     at_once  start 1.5 s, 71 MB; 190 k transfers/s, slowest 0.6 ms, 46 bytes each
 *     all      start 4.3 s, 125 MB; 58 k transfers/s, slowest 12 ms, 54 bytes each
 *
 * Early news would cost 17 s and leave 9 k transfers/s.
 *
 * Thread: one; the board is read by all.
 */
#ifndef WR_PIPELINE_LIVE_LIVE_TYPOLOGIES_H
#define WR_PIPELINE_LIVE_LIVE_TYPOLOGIES_H

#include "pipeline/live/live_hits.h"
#include "pipeline/live/live_waiting.h"
#include "pipeline/run/assess.h"

enum {
    WR_LIVE_RUN_WAITS = 1 << 16,
    WR_LIVE_WAITS_MAX = 1 << 18,
};
#define WR_LIVE_TYPOLOGIES_BYTES_MAX (2ULL << 30)

typedef struct wr_live_typologies wr_live_typologies;

/*
 * a    borrowed; its policy says which typologies are followed, and with what bounds
 * out  NULL when it says none, or the run has no transfer: all functions accept it
 * Errors  WR_ENOMEM
 * Cost    a push for each transfer of the run
 */
wr_status wr_live_typologies_new(wr_live_typologies **out, const wr_assessment *a,
                                 wr_err *err) WR_NODISCARD;
void wr_live_typologies_free(wr_live_typologies *l);
WR_DEFINE_AUTO(wr_live_typologies, wr_live_typologies_free)

/* A wallet that the run did not know. */
typedef struct wr_live_newcomer {
    uint32_t wallet_id;
    int category;          /* taxonomy's, -1 = none */
    uint32_t from_s, to_s; /* its label holds */
    const wr_chain *chain;
    wr_text address;
    bool is_hub;
} wr_live_newcomer;
/* *v: what it is called here; the run's wallets are met at first. */
wr_status wr_live_typologies_meet(wr_live_typologies *l, wr_vid *v,
                                  const wr_live_newcomer *w, wr_err *err) WR_NODISCARD;

/* What a wallet is called here, WR_VID_NONE: not met. */
wr_vid wr_live_typologies_find(const wr_live_typologies *l, uint32_t wallet_id);

wr_status wr_live_typologies_take(wr_live_typologies *l, const wr_live_arrival *t,
                                  wr_err *err) WR_NODISCARD;
/*
 * Let in what waited since the call before; at most `most` transfers, then *is_more says
 * that the next call goes on with it.
 */
wr_status wr_live_typologies_settle(wr_live_typologies *l, uint32_t most, bool *is_more,
                                    wr_err *err) WR_NODISCARD;
/* Nothing comes any more: let in all, tell what the open windows hold.  For tests. */
wr_status wr_live_typologies_end(wr_live_typologies *l, wr_err *err) WR_NODISCARD;
/* News since the last call to the board. */
wr_status wr_live_typologies_publish(wr_live_typologies *l, wr_err *err) WR_NODISCARD;

/*
 * Another run is behind it, which has seen what the stream pushed, in the same order: the
 * stream goes on, and wallets are told of what came after that run, on another board.
 * What was told of before is on the board that was; hits that are over and arrivals that
 * the run has are let go, and roots have their budgets anew.  from_s stays.
 *
 * That it can is: nothing came too late or was left out, labels and settings are the same
 * (l may be NULL: it cannot).
 *
 * a       borrowed from here on, the run before no more
 * Errors  WR_ENOMEM: l can only be freed
 * Cost    that of what came since the run before, and of wr_live_hits_rebase; no search
 */
bool wr_live_typologies_can_rebase(const wr_live_typologies *l, const wr_assessment *a);
wr_status wr_live_typologies_rebase(wr_live_typologies *l, const wr_assessment *a,
                                    wr_err *err) WR_NODISCARD;

typedef struct wr_live_typologies_stats {
    uint64_t waiting;        /* transfers that are not looked at yet */
    uint64_t late;           /* that came too late */
    uint64_t hits;           /* that wallets are told of */
    uint64_t left_out;       /* hits, or growth of hits, beyond the caps */
    uint64_t stream_bytes;   /* as counted last: once in as many transfers as wallets */
    uint64_t hits_bytes;     /* likewise */
    uint64_t arrivals_bytes; /* what came since the run, and what waits */
    uint64_t board_bytes;
    uint64_t bytes; /* all four, and what is known of wallets */
    bool is_followed, is_given_up;
} wr_live_typologies_stats;
void wr_live_typologies_stats_of(const wr_live_typologies *l,
                                 wr_live_typologies_stats *out);

wr_typology_board *wr_live_typologies_board(const wr_live_typologies *l); /* borrowed */
const wr_live_hits *wr_live_typologies_hits(const wr_live_typologies *l);
uint32_t wr_live_typologies_from(const wr_live_typologies *l);

#endif
