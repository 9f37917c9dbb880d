/*
 * fifo.h - first in, first out: the second opinion beside the haircut ledger.
 *
 * Each (wallet, asset) holds a queue of runs (value, tag), oldest first; tag = category,
 * known (from a service, or the doubtful part of a label) or unknown (no origin in the
 * data).  A payment takes from the head and appends to the payee's tail, in order; runs
 * of one tag that meet are joined.  A labelled payer of confidence q appends q a of its
 * category, then the rest as known.  Rules of labels, hubs, assets: flow.h.
 *
 *     dirty 5 | clean 3 | dirty 2      pays 6  ->  payee gets dirty 5, clean 1
 *
 * Lossless: sums of tags are balances, exactly when values are whole numbers below 2^51.
 * Taint stays concentrated where haircut spreads it thin; the share is a feature of
 * concentration, not the headline.
 *
 * Bounded: a queue that would pass `cap` runs has its older half regrouped, one run per
 * tag in order of first appearance.  Nothing is lost; the order inside that half is, and
 * the wallet says so (is_merged).
 *
 * Source  ALGORITHMS 2; Anderson, Shumailov, Ahmed, Rietmann: Bitcoin Redux, WEIS 2018.
 * Differs stops at services; unknown origin is a tag; capped queues.
 */
#ifndef WR_SCORING_FIFO_H
#define WR_SCORING_FIFO_H

#include "scoring/flow.h"
#include "util/progress.h"

typedef struct wr_fifo_opts {
    wr_direction direction;
    uint32_t cap; /* runs per queue: WR_FIFO_CAP_MIN .. WR_FIFO_CAP_MAX */
    const wr_progress *pg;
} wr_fifo_opts;

enum { WR_FIFO_CAP_MIN = 64, WR_FIFO_CAP_MAX = 65536 };

#define WR_FIFO_OPTS_INIT                                 \
    {                                                     \
        .direction = WR_RECEIVING, .cap = WR_FIFO_CAP_MIN \
    }

typedef struct wr_fifo {
    uint32_t n, c;
    wr_direction direction;
    double injected[WR_CATEGORY_MAX]; /* = held by all + absorbed; services 0 */
    double absorbed[WR_CATEGORY_MAX];
    uint64_t merged;          /* wallets whose queue was regrouped at least once */
    double *total;            /* [n] received */
    double *balance;          /* [n] held at the end = sum over tags */
    uint64_t *merged_bits;    /* [n+63/64] */
    double *received_unknown; /* [n] */
    double *held_unknown;     /* [n] */
    /* private: wr_fifo_at */
    uint32_t *row_at; /* [n] */
    double *row;      /* received[C], held[C] of wallets that ever got a category */
} wr_fifo;

typedef struct wr_fifo_view {
    double total, balance;
    double received_unknown, held_unknown;
    const double *received; /* [C] value; services: 0 (they inject nothing) */
    const double *held;     /* [C] */
    bool is_merged;
} wr_fifo_view;

/*
 * Errors  WR_EINVAL (as wr_ledger_run; cap outside its range), WR_ELIMIT, WR_ENOMEM,
 *         WR_ESTOPPED
 * Cost    O(m) runs moved, amortised; 68n bytes, 16C per wallet that ever got a category,
 *         at most 32 cap per wallet that holds a mix
 * Thread  safe; one thread
 */
wr_status wr_fifo_run(wr_fifo *out, const wr_flow *fl, const wr_fifo_opts *o,
                      wr_err *err) WR_NODISCARD;
void wr_fifo_release(wr_fifo *f); /* safe on a zeroed struct */
uint64_t wr_fifo_bytes(const wr_fifo *f);
#define WR_FIFO_AUTO __attribute__((cleanup(wr_fifo_release)))

wr_fifo_view wr_fifo_at(const wr_fifo *f, wr_vid v);

#endif
