/*
 * keep_out.h - whom training does not learn from, so that it can ask about them.
 *
 * A run asks for wallets of all ages, and a probability holds for what it was calibrated
 * on.  Wallets that trees have learned from cannot calibrate them, and those first seen
 * after that are all young.  So a share of all incidents and of the good wallets is set
 * aside before anything is learned, to calibrate with, and another one to test with.
 *
 * Incidents stay whole: no wallet of one that is asked for is learned from.  Of the good
 * wallets as large a part goes as of the bad ones went with their incidents, so that
 * either share has the prevalence of all.
 *
 * Source  ALGORITHMS 8.1 (grouped by entity), 8.8 iv
 */
#ifndef WR_PIPELINE_LEARNING_KEEP_OUT_H
#define WR_PIPELINE_LEARNING_KEEP_OUT_H

#include "pipeline/learning/block.h"

#define WR_KEEP_OUT_MAX 0.4

/*
 * out     [n] wr_share of each vertex, the caller's
 * share   of the incidents, for either: at least one when there are any; > 0, at most
 *         WR_KEEP_OUT_MAX
 * seed    of the draws
 * Errors  WR_ENOMEM
 * Cost    O(n + incidents log incidents)
 */
wr_status wr_keep_out(uint8_t **out, const wr_population *p, double share, uint64_t seed,
                      wr_err *err) WR_NODISCARD;

#endif
