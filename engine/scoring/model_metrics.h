/*
 * model_metrics.h - what a score is worth to those who work its alerts.
 *
 * Beside average precision (rank_metrics.h): an analyst can look at a share of all rows,
 * the budget; how many of the bad are among them (recall), how many of them are bad
 * (precision)?  Rows that tie at the edge of the budget count as their mean, as a random
 * pick among them would on average: the order of the input never shows.
 *
 * The threshold is chosen on validation rows and used on others; an alert is a score >=
 * threshold.
 *
 * Intervals are by incident: rows of one incident rise and fall together, so incidents
 * are drawn again, not rows.  Those with a bad row and those without are drawn apart, as
 * many of each as there are.
 * Source  Davis, Goadrich, ICML 2006, doi:10.1145/1143844.1143874; cluster bootstrap:
 *         Field, Welsh, JRSS B 69, 2007, doi:10.1111/j.1467-9868.2007.00593.x
 * Thread  safe; intervals use the caller's OpenMP team, same bits for any of it
 */
#ifndef WR_SCORING_MODEL_METRICS_H
#define WR_SCORING_MODEL_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

enum { WR_METRICS_BUDGETS = 3, WR_METRICS_DRAWS_MAX = 100000 };

#define WR_INCIDENT_NONE UINT32_MAX /* a row by itself */

extern const double wr_metrics_budget[WR_METRICS_BUDGETS]; /* .001, .005, .01 of rows */

typedef struct wr_budget_metrics {
    uint64_t alerts; /* rows looked at: budget · rows, rounded down, at least 1 */
    double recall, precision;
} wr_budget_metrics;

typedef struct wr_model_metrics {
    uint64_t rows, bad;
    double pr_auc; /* average precision; a score that says nothing has bad / rows */
    double roc_auc;
    wr_budget_metrics budget[WR_METRICS_BUDGETS];
} wr_model_metrics;

typedef struct wr_threshold_metrics {
    double threshold;
    uint64_t alerts;
    double precision; /* 0 without alerts */
    double recall, f1;
} wr_threshold_metrics;

/*
 * score   [n] higher = worse; finite
 * Errors  WR_EINVAL (no bad row, no good row, a score that is not finite), WR_ENOMEM; all
 *         functions here
 * Cost    O(n log n)
 */
wr_status wr_model_metrics_of(wr_model_metrics *out, const double *score,
                              const bool *is_bad, size_t n, wr_err *err) WR_NODISCARD;

/* At a threshold chosen elsewhere. */
wr_status wr_metrics_at(wr_threshold_metrics *out, const double *score,
                        const bool *is_bad, size_t n, double threshold,
                        wr_err *err) WR_NODISCARD;

/* The score that makes the best F1 as threshold; of equals the highest. */
wr_status wr_metrics_best_f1(wr_threshold_metrics *out, const double *score,
                             const bool *is_bad, size_t n, wr_err *err) WR_NODISCARD;

typedef struct wr_interval {
    double value; /* on the rows as they are */
    double low, high;
} wr_interval;

typedef struct wr_interval_rows {
    size_t n;
    const double *score;
    const double *than; /* [n] the other score of a difference, or NULL */
    const bool *is_bad;
    const uint32_t *incident; /* [n] below n or WR_INCIDENT_NONE; NULL = each by itself */
} wr_interval_rows;

typedef struct wr_interval_opts {
    double budget;     /* recall at this share of rows, above 0, up to 1; 0 = pr_auc */
    uint32_t draws;    /* 1..WR_METRICS_DRAWS_MAX */
    double level_prob; /* share of draws within, above 0, below 1 */
    uint64_t seed;
} wr_interval_opts;

#define WR_INTERVAL_OPTS_INIT                        \
    {                                                \
        .draws = 2000, .level_prob = 0.95, .seed = 1 \
    }

/*
 * Percentile interval of one score, or of the difference score - than on the same draws.
 *
 * Errors  as above, and WR_EINVAL (option, incident)
 * Cost    O(n log n + draws · n); 4 bytes per incident and thread
 */
wr_status wr_metrics_interval(wr_interval *out, const wr_interval_rows *rows,
                              const wr_interval_opts *o, wr_err *err) WR_NODISCARD;

#endif
