/*
 * reliability.h - do probabilities mean what they say?
 *
 * Rows in order of their probability are cut into bins of equal mass; in each stand the
 * mean probability and the share that was bad.  Rows with the same probability are one
 * thing: each counts as the mean of them, so a bin's edge in their midst does not depend
 * on the order of the input.
 *     ECE    sum over bins of rows/n · |mean probability - bad share|
 *     Brier  mean of (probability - [bad])^2
 * Source  Naeini, Cooper, Hauskrecht, AAAI 2015; Brier, Monthly Weather Review 78, 1950
 * Thread  safe
 */
#ifndef WR_SCORING_RELIABILITY_H
#define WR_SCORING_RELIABILITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

enum { WR_RELIABILITY_BINS = 15 };

typedef struct wr_reliability_bin {
    uint64_t rows;
    double p_min, p_max, p_mean;
    double bad_share;
} wr_reliability_bin;

typedef struct wr_reliability {
    double ece, brier;
    uint32_t bins; /* fewer than WR_RELIABILITY_BINS only when there are fewer rows */
    wr_reliability_bin bin[WR_RELIABILITY_BINS]; /* lowest first */
    wr_reliability_bin top;                      /* highest 1 %, at least one row */
} wr_reliability;

/*
 * out     untouched on failure
 * p       [n] in [0, 1]
 * Errors  WR_EINVAL (no row, a value outside [0, 1]), WR_ENOMEM
 * Cost    O(n log n)
 */
wr_status wr_reliability_of(wr_reliability *out, const double *p, const bool *is_bad,
                            size_t n, wr_err *err) WR_NODISCARD;

#endif
