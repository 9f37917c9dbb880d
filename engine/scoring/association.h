/*
 * association.h - how close a wallet stands to bad ones, whoever paid whom.
 *
 * A hint for ranking and for features, never a floor and never called exposure
 * (DESIGN 5.2b).  On the undirected pair graph (both directions merged, values added):
 *
 *     h(u) = 1 at seeds, else gamma * sum_v q_uv h(v),      q_uv = w_uv / sum_v w_uv
 *     association(u) = min(1, h(u) / (1 - r(u))),           r(u) = sum_v q_uv q_vu
 *
 * with w = 1 per neighbour, and as a second column w = sqrt(value): the second can borrow
 * from mere account size, hence both.  r is the chance of stepping straight back.
 * Without the division a counterparty known only through u counts as proof of innocence;
 * the division is the whole gain over personalised PageRank (ALGORITHMS 2.7).
 *
 * Seeds keep the value 1 and are never rescored.  Services are ordinary vertices here:
 * association asks for company, not for origin.  Hubs (UTXO transactions) pass h on
 * undamped, as in static_exposure.h; a step to a hub and back is a step back, and a
 * hub's own association is its h.  A vertex without neighbours has 0.
 *
 * Source  ALGORITHMS 2.7.  Thread: safe; the caller's OpenMP team; same bits for any
 * number of threads (Jacobi, one thread per row, ascending neighbours).
 */
#ifndef WR_SCORING_ASSOCIATION_H
#define WR_SCORING_ASSOCIATION_H

#include "scoring/seeds.h"
#include "scoring/views.h"
#include "util/progress.h"

typedef struct wr_association_opts {
    uint32_t kinds;        /* bits 1u << wr_category_kind: which labels are seeds */
    double damping;        /* gamma in [0, 1) */
    double eps;            /* stop when gamma/(1-gamma) |dh|max is at most this; > 0 */
    uint32_t max_step;     /* >= 1 */
    const wr_progress *pg; /* may be NULL */
} wr_association_opts;

#define WR_ASSOCIATION_OPTS_INIT                                                       \
    {                                                                                  \
        .kinds = 1u << WR_CATEGORY_ILLICIT | 1u << WR_CATEGORY_RISKY, .damping = 0.85, \
        .eps = 1e-6, .max_step = 100                                                   \
    }

typedef struct wr_association_report {
    uint32_t steps;
    double bound; /* of |h - exact|max, both columns */
} wr_association_report;

/*
 * by_count [n], by_value [n]: association with w = 1 and w = sqrt(value), in [0, 1];
 *          unspecified on failure; either may be NULL (not computed)
 * rep      optional (NULL)
 * Errors   WR_EINVAL (option outside its domain, seeds and graph of different n),
 *          WR_ENOMEM, WR_ESTOPPED
 * Cost     O(n + m) per step; workspace 16 bytes per pair + 25n
 */
wr_status wr_association(double *by_count, double *by_value, wr_association_report *rep,
                         const wr_views *vw, const wr_seeds *s,
                         const wr_association_opts *o, wr_err *err) WR_NODISCARD;

#endif
