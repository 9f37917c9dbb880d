/*
 * push.h - static exposure of one wallet on demand, with a certificate.
 *
 * For a wallet outside the last run, or a what-if.  Mass 1 starts at v and is pushed
 * along W (static_exposure.h: same directions, hubs, labels, mask, share of the known).
 * What reaches a label of category c is banked in low[c]; what is still under way is the
 * residual.  At every moment
 *
 *     low[c] <= X[v][c] <= low[c] + rest[c] = high[c]
 *
 * so the budget decides only the width.  Decide blocking on high, report both.
 *
 * The largest residuals go first (thresholds halve from 1/2 down to eps; inside one
 * threshold in order of discovery), which spends a small budget well and is the same on
 * every machine.  Touches what it visits only: O(budget), whatever the graph's size.
 *
 * Source  ALGORITHMS 2.4; Andersen, Chung, Lang, FOCS 2006, doi:10.1109/FOCS.2006.44.
 * Differs backwards along the walk's rows, absorbing labels, one residual per category
 *         (the causal mask may stop one category and let another pass).
 * Thread: safe; one thread.
 */
#ifndef WR_SCORING_PUSH_H
#define WR_SCORING_PUSH_H

#include "model/score.h"
#include "scoring/seeds.h"
#include "scoring/views.h"

/*
 * A pair that is not in the graph: v receives from (sends to) nbr.  Stands beside a pair
 * of the graph with the same neighbour; the two are not merged.  Seen from third wallets
 * nothing changes: it makes nobody known and lets nobody hold anything earlier.
 */
typedef struct wr_push_pair {
    wr_vid nbr;
    double value; /* finite, > 0 */
    uint32_t first_s, last_s;
} wr_push_pair;

typedef struct wr_push_opts {
    wr_direction direction;
    double damping;            /* gamma in [0, 1) */
    double eps;                /* residuals below are left; in (0, 1) */
    uint64_t max_edges;        /* pairs looked at; a row is never half pushed */
    const uint32_t *hold_s;    /* as wr_static_opts */
    bool is_known_only;        /* as wr_static_opts */
    bool is_label_seen_past;   /* start at v even when v is labelled */
    const wr_push_pair *extra; /* [extra_count] what-if pairs of v */
    uint32_t extra_count;
} wr_push_opts;

#define WR_PUSH_OPTS_INIT                                                           \
    {                                                                               \
        .direction = WR_RECEIVING, .damping = 0.85, .eps = 1e-3, .max_edges = 20000 \
    }

typedef struct wr_push_result {
    uint32_t c;
    double low[WR_CATEGORY_MAX];
    double high[WR_CATEGORY_MAX]; /* at most 1 */
    uint64_t edges;               /* pairs looked at */
    uint32_t pushes;
    bool is_truncated; /* the budget ended it: some residual is still >= eps */
} wr_push_result;

/*
 * v       the wallet, or WR_VID_NONE: one that is not in the graph (extra pairs only)
 * out     untouched on failure
 * Errors  WR_EINVAL (option outside its domain, an extra value too; v or an extra
 *         neighbour not in the graph; seeds of another n), WR_ENOMEM
 * Cost    O(max_edges C); 16 + 8C bytes per vertex met
 */
wr_status wr_push(wr_push_result *out, const wr_views *vw, const wr_seeds *s, wr_vid v,
                  const wr_push_opts *o, wr_err *err) WR_NODISCARD;

#endif
