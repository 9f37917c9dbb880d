/*
 * arrival.h - when a wallet can first hold money of a category (last pass it on).
 *
 * Receiving: hold_s[v*C+c] = earliest time at which v can hold category c: money leaves a
 * wallet labelled c while the label holds and moves only forward in (time, seq) order,
 * not through labelled wallets.  Never: UINT32_MAX.  A labelled wallet itself holds its
 * own category from the label's start (0 = always).
 *
 * Sending: the latest time at which v can still pay towards category c; never: 0.  A
 * labelled wallet: until its label ends (UINT32_MAX = always).
 *
 * Services count as categories here: the static view (5.2) has columns for them, and a
 * mask that lets more through stays sound.  Amounts play no part (except zero: no flow),
 * nor do assets: what a swap turned into another asset is let through.
 *
 * Source  ALGORITHMS 2.3
 */
#ifndef WR_SCORING_ARRIVAL_H
#define WR_SCORING_ARRIVAL_H

#include "scoring/flow.h"
#include "util/progress.h"

/*
 * hold_s  [n*C] caller's array; unspecified on failure
 * Errors  WR_EINVAL (seeds of another n), WR_ENOMEM, WR_ESTOPPED
 * Cost    O(m + n C); 3n bytes of workspace
 * Thread  safe; one thread
 */
wr_status wr_arrival(uint32_t *hold_s, const wr_flow *fl, wr_direction direction,
                     const wr_progress *pg, wr_err *err) WR_NODISCARD;

#endif
