/*
 * what_if.h - a run's numbers had the world been another: without a label, or earlier.
 *
 *   without a label   the wallet is like any other: money that it paid out is its own no
 *                     more, money that came to it passes on
 *   as of a time      transfers after it are not there; labels hold or not as of then
 *
 * Ledgers are computed anew by the run's kernel, and are then what a run over that world
 * finds: same bits.  That costs two passes over all transfers, so it is done up to
 * transfers_max transfers and WR_WHAT_IF_WALLETS_MAX wallets; above that only the push is
 * there.  Nothing is written and no run is made.
 *
 * Thread: one object one thread; the assessment stays as it is.  No OpenMP.
 */
#ifndef WR_PIPELINE_ANSWERS_WHAT_IF_H
#define WR_PIPELINE_ANSWERS_WHAT_IF_H

#include "pipeline/run/evidence.h"
#include "scoring/push.h"

enum { WR_WHAT_IF_TRANSFERS_MAX = 1 << 20, WR_WHAT_IF_WALLETS_MAX = 1 << 18 };

typedef struct wr_what_if wr_what_if;

typedef struct wr_what_if_opts {
    wr_vid without;         /* this wallet's label is not there; WR_VID_NONE: all are */
    int64_t as_of_s;        /* transfers up to and at this time; WR_TIME_NONE: all */
    uint64_t transfers_max; /* of that world, for ledgers */
} wr_what_if_opts;

#define WR_WHAT_IF_OPTS_INIT                             \
    {                                                    \
        .without = WR_VID_NONE, .as_of_s = WR_TIME_NONE, \
        .transfers_max = WR_WHAT_IF_TRANSFERS_MAX        \
    }

/*
 * a       borrowed until wr_what_if_free
 * Errors  WR_EINVAL (a wallet that is not in the graph), WR_ENOMEM
 * Cost    O(m C) and two ledgers (ledger.h) while it is within the limits; else n bytes
 */
wr_status wr_what_if_new(wr_what_if **out, const wr_assessment *a,
                         const wr_what_if_opts *o, wr_err *err) WR_NODISCARD;
void wr_what_if_free(wr_what_if *w); /* accepts NULL */
WR_DEFINE_AUTO(wr_what_if, wr_what_if_free)

/* Within the limits: the ledgers are there, and push is certified. */
bool wr_what_if_has_ledgers(const wr_what_if *w);

/*
 * Evidence of v < n in that world; needs the ledgers.  What ledgers do not hold is the
 * run's (static shares, association); of an earlier world, which the run's say nothing
 * about, it is left out, and so are typologies.
 */
void wr_what_if_evidence(wr_evidence *e, const wr_what_if *w, wr_vid v);

/*
 * Static exposure by push, as wr_explain_push.  Not of an earlier world: pairs are sums
 * over all time.  Without ledgers the causal mask is the run's, which lets more through:
 * `high` still bounds the exposure, `low` does not.
 */
wr_status wr_what_if_push(wr_push_result *out, const wr_what_if *w, wr_vid v,
                          wr_direction d, wr_err *err) WR_NODISCARD;

#endif
