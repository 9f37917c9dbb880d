/*
 * screen.h - "may this transfer go?": an answer for an address or a proposed transfer.
 *
 * Never writes.  Answers are of this moment (now.h).  A transfer is judged by what it
 * would bring: the sender's holdings share per category (what this amount would carry),
 * and either party's own label and score.
 */
#ifndef WR_PIPELINE_LIVE_SCREEN_H
#define WR_PIPELINE_LIVE_SCREEN_H

#include "pipeline/live/now.h"
#include "pipeline/run/report.h"

/* ScreenResult for one address, CONVENTIONS section 4; view may lack an assessment. */
void wr_screen_address(wr_json_out *j, const wr_view *view, const wr_chain *chain,
                       wr_text address, bool is_stale);
/* { from: ScreenResult, to: ScreenResult, transfer: { value, tainted_share by category,
     score, level, state } } */
void wr_screen_transfer(wr_json_out *j, const wr_view *view, const wr_transfer *t,
                        bool is_stale);

#endif
