/*
 * score_memory.h - what a model said of the earlier transfers of both wallets.
 *
 * A wallet that was part of something suspicious is likely to be again, and a model of
 * single transfers cannot know.  So its margins are kept per wallet and side, and a
 * second model sees them beside the features of features_stream.h, as of the moment
 * before:
 *
 *     row(transfer)  ->  second model        then        take(transfer, first margin)
 *
 *   sum     probabilities added up: how many bad ones are expected among them
 *   max     the highest probability
 *   mean    of them
 *   recent  the sum, each halved per half_life_s since
 *
 * of the payer's payments, payer's receipts, payee's receipts, payee's payments; -1 where
 * there was none.  No label enters.  But margins of rows that the first model learned
 * from do carry their labels: for training, take them from models that did not see the
 * row's incident (cross-fit, ALGORITHMS 8.3), or the second model trusts what it will
 * never have again.
 *
 * Transfers to oneself change nothing.
 *
 * Thread: one object one thread.  Source: stacked generalisation, Wolpert, Neural
 * Networks 5, 1992, doi:10.1016/S0893-6080(05)80023-1.
 * Differs: the second stage sees the past of both wallets instead of its own row's score.
 */
#ifndef WR_SCORING_SCORE_MEMORY_H
#define WR_SCORING_SCORE_MEMORY_H

#include "scoring/features_stream.h"

enum { WR_SCORE_MEMORY_COLUMNS = 16 };

typedef struct wr_score_memory wr_score_memory;

/* Errors  WR_EINVAL (half_life_s 0), WR_ENOMEM */
wr_status wr_score_memory_new(wr_score_memory **out, uint32_t half_life_s,
                              wr_err *err) WR_NODISCARD;
void wr_score_memory_free(wr_score_memory *m); /* accepts NULL */
WR_DEFINE_AUTO(wr_score_memory, wr_score_memory_free)

/* Of column `at`, at < WR_SCORE_MEMORY_COLUMNS: "from_out_score_sum", … */
const char *wr_score_memory_name(uint32_t at);

/*
 * What is remembered of e's wallets before it.
 *
 * row     [WR_SCORE_MEMORY_COLUMNS]
 * e       at the time of the last one taken or later; its value plays no part
 * Cost    O(1)
 */
void wr_score_memory_row(float *row, const wr_score_memory *m, const wr_feature_event *e);

/*
 * Remember a transfer; margin: log odds, infinite ones are certainty.
 *
 * Errors  WR_EINVAL (a time before the last one, a margin that is NaN), WR_ELIMIT (no
 *         wallet), WR_ENOMEM; the memory is then as it was
 * Cost    O(1) amortised; 80 bytes per wallet
 */
wr_status wr_score_memory_take(wr_score_memory *m, const wr_feature_event *e,
                               double margin, wr_err *err) WR_NODISCARD;

#endif
