/*
 * rank_metrics.h - how well a score puts the bad before the good.
 *
 * Ties are met honestly: AUC counts a tied pair as one half; average precision takes a
 * group of equal scores as one step of the curve (what a threshold can really separate),
 * so the result never depends on the order of the input.
 * Source  Hanley, McNeil, Radiology 143, 1982 (AUC = Mann-Whitney U);
 *         AP = sum over thresholds of (R_k - R_{k-1}) P_k, no interpolation.
 * Thread: safe.
 */
#ifndef WR_SCORING_RANK_METRICS_H
#define WR_SCORING_RANK_METRICS_H

#include <stdbool.h>
#include <stddef.h>

#include "util/err.h"

typedef struct wr_rank_metrics {
    double auc; /* chance that a bad one scores above a good one; ties 1/2 */
    double ap;  /* average precision */
} wr_rank_metrics;

/*
 * score   [n] higher = worse; finite
 * is_bad  [n]
 * Errors  WR_EINVAL (no bad one, no good one, a score that is not finite), WR_ENOMEM
 * Cost    O(n log n)
 */
wr_status wr_rank_metrics_of(wr_rank_metrics *out, const double *score,
                             const bool *is_bad, size_t n, wr_err *err) WR_NODISCARD;

#endif
