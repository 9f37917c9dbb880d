/*
 * now.h - the evidence of wallets as of this moment: the run, the board, the delta.
 *
 * Where the live state has moved a wallet its entry counts; else the run's numbers still
 * hold.  Several wallets asked together are seen at one moment: both ends of a transfer
 * or neither.  A view that a reload has replaced does not find wallets that came after
 * it: who is asked together with one is not called exact then.  Thread: safe; the caller
 * holds the view.
 */
#ifndef WR_PIPELINE_LIVE_NOW_H
#define WR_PIPELINE_LIVE_NOW_H

#include "pipeline/live/live.h"
#include "pipeline/run/evidence.h"

typedef struct wr_wallet_name {
    const wr_chain *chain;
    wr_text address; /* canonical; borrowed by the evidence */
} wr_wallet_name;

enum { WR_NOW_MAX = 2 };

/*
 * view      has an assessment
 * n         1..WR_NOW_MAX
 * is_stale  the live state is not to be trusted (or there is none, and the store has gone
 *           on): no answer is called exact
 * out       [n]; is_there[i] false: in no transfer that was seen, out[i] is not filled
 */
void wr_evidence_now(wr_evidence *out /* [n] */, bool *is_there /* [n] */,
                     const wr_view *view, const wr_wallet_name *name, size_t n,
                     bool is_stale);

/* The newest transfer that answers from this view have seen. */
int64_t wr_view_seq(const wr_view *view);

#endif
