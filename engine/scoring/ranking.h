/*
 * ranking.h - seeded ranking: how well each view puts hidden bad wallets before good.
 *
 * Given known bad and known good wallets: half of the bad ones, drawn at random, become
 * labels; every view then scores the other half and all good ones; AUC and average
 * precision say how well (rank_metrics.h).  Repeated over several draws, the same draws
 * for every view.  The good ones are never labels, only the yardstick.
 *
 *   pagerank/degree     undirected personalised PageRank from the labels, divided by the
 *                       number of neighbours: the peer
 *   ledger, static,     receiving and sending share of bad origin (destination): haircut
 *   known               ledger, static exposure, static share of the known (causal mask)
 *   association         weights 1 and sqrt(value)
 *   poison distance     fewest hops from (to) a label in time order, fewer = worse
 *   combination         combine.h
 *   control             the same with as many labels drawn from ALL wallets that are not
 *                       compared: whatever is above .5 in AUC comes from size or from how
 *                       the set was collected, not from the labels
 *
 * Thread: safe; the caller's OpenMP team; same bits for any number of threads.
 */
#ifndef WR_SCORING_RANKING_H
#define WR_SCORING_RANKING_H

#include "graph/snapshot.h"
#include "util/progress.h"

enum { WR_RANKING_ROWS_MAX = 16, WR_RANKING_SPLITS_MAX = 1000 };

typedef struct wr_ranking_input {
    const wr_vid *bad; /* [bad_count], each once, at least two */
    uint32_t bad_count;
    const wr_vid *good; /* [good_count], each once, none of them bad, at least one */
    uint32_t good_count;
} wr_ranking_input;

typedef struct wr_ranking_opts {
    uint32_t splits; /* 1..WR_RANKING_SPLITS_MAX */
    uint64_t seed;   /* of the draws */
    const wr_progress *pg;
} wr_ranking_opts;

#define WR_RANKING_OPTS_INIT   \
    {                          \
        .splits = 5, .seed = 1 \
    }

typedef struct wr_ranking_row {
    const char *view; /* static text */
    bool is_control;
    double auc, ap;          /* mean over the splits */
    double auc_min, auc_max; /* … and their range */
    double ap_min, ap_max;
} wr_ranking_row;

typedef struct wr_ranking {
    uint32_t rows; /* the combination is the last row before the controls */
    wr_ranking_row row[WR_RANKING_ROWS_MAX];
    uint32_t splits, labels, hidden, good; /* wallets per split */
    double base_rate;                      /* hidden / (hidden + good): AP of chance */
} wr_ranking;

/*
 * out     untouched on failure
 * Errors  WR_EINVAL (too few wallets, one twice or in both lists, one not in the graph or
 *         a hub, splits outside their range), WR_ENOMEM, WR_ESTOPPED
 * Cost    per split two ledgers, four static exposures and the rest, one category
 */
wr_status wr_ranking_run(wr_ranking *out, const wr_snapshot *g,
                         const wr_ranking_input *in, const wr_ranking_opts *o,
                         wr_err *err) WR_NODISCARD;

#endif
