/*
 * drift.h - has a feature or a score moved away from what the model was trained on?
 *
 * Bins are cut at quantiles of the training values and kept with the model.  A value that
 * fills a bin alone (most features are 0 nearly everywhere) has one to itself, so that
 * the rest stays in sight; bins get fewer then.  Missing values (NaN) have their own:
 *
 *     bin 0 | [cut 0, cut 1) | ... | [cut k-1, inf) | missing
 *
 * Population stability index: sum over bins of (q - p) · ln(q / p), p the share in
 * training and q the share now, each taken as at least WR_DRIFT_FLOOR: an empty bin is
 * not infinite news.  Habit calls below .1 stable, above .25 moved; it is 0 for the same
 * shares, and grows with few values by chance alone: about (bins - 1) / n.
 * Source  Siddiqi, Credit Risk Scorecards, 2006 (= symmetrised Kullback-Leibler)
 * Thread  immutable after build
 */
#ifndef WR_SCORING_DRIFT_H
#define WR_SCORING_DRIFT_H

#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/err.h"

#define WR_DRIFT_FLOOR 1e-4

enum { WR_DRIFT_BINS_MAX = 50, WR_DRIFT_BINS = 10 };

typedef struct wr_drift {
    uint32_t cuts;
    double cut[WR_DRIFT_BINS_MAX - 1];   /* [cuts] ascending */
    double share[WR_DRIFT_BINS_MAX + 1]; /* [cuts + 2] of training; the last: missing */
} wr_drift;

/*
 * out     untouched on failure
 * value   [n] training values; NaN = missing, infinities are values
 * bins    at most so many, 2..WR_DRIFT_BINS_MAX; WR_DRIFT_BINS by habit
 * Errors  WR_EINVAL (no value at all, bins), WR_ENOMEM
 */
wr_status wr_drift_learn(wr_drift *out, const double *value, size_t n, uint32_t bins,
                         wr_err *err) WR_NODISCARD;

/* Bins with the one for missing values, and where a value falls. */
static inline uint32_t wr_drift_bins(const wr_drift *d)
{
    return d->cuts + 2;
}
uint32_t wr_drift_bin(const wr_drift *d, double value);

/*
 * psi     >= 0
 * count   [wr_drift_bins] values seen now
 * Errors  WR_EINVAL (none seen)
 */
wr_status wr_drift_psi(double *psi, const wr_drift *d, const uint64_t *count,
                       wr_err *err) WR_NODISCARD;
/* The same of values [n]. */
wr_status wr_drift_psi_of(double *psi, const wr_drift *d, const double *value, size_t n,
                          wr_err *err) WR_NODISCARD;

/* One line, exact: drift 1 CUTS cut... share...  Infinite cuts are written as such. */
void wr_drift_print(wr_buf *b, const wr_drift *d);
/* Errors  WR_EPARSE */
wr_status wr_drift_parse(wr_drift *out, const char *text, wr_err *err) WR_NODISCARD;

#endif
