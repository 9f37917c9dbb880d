#include "scoring/rank_metrics.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "util/mem.h"

typedef struct item {
    double score;
    bool is_bad;
} item;

/* Worst first; what ties does not matter below. */
static int by_score_down(const void *pa, const void *pb)
{
    const item *a = pa;
    const item *b = pb;
    return (a->score < b->score) - (a->score > b->score);
}

wr_status wr_rank_metrics_of(wr_rank_metrics *out, const double *score,
                             const bool *is_bad, size_t n, wr_err *err)
{
    WR_AUTO_ARRAY item *it = wr_calloc(n, sizeof *it);
    if (!it)
        return wr_fail(err, WR_ENOMEM, "ranking of %zu", n);
    double bad = 0.0;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(score[i]))
            return wr_fail(err, WR_EINVAL, "score %g of item %zu", score[i], i);
        it[i] = (item){score[i], is_bad[i]};
        bad += is_bad[i];
    }
    const double good = (double)n - bad;
    if (!(bad > 0.0 && good > 0.0))
        return wr_fail(err, WR_EINVAL, "%.0f bad and %.0f good ones to rank", bad, good);
    qsort(it, n, sizeof *it, by_score_down);

    double bad_above = 0.0; /* ranked so far */
    double wins = 0.0;
    double ap = 0.0;
    for (size_t i = 0, j; i < n; i = j) {
        double bad_here = 0.0;
        for (j = i; j < n && it[j].score == it[i].score; j++)
            bad_here += it[j].is_bad;
        const double good_here = (double)(j - i) - bad_here;
        wins += good_here * (bad_above + 0.5 * bad_here);
        bad_above += bad_here;
        ap += bad_here / bad * (bad_above / (double)j);
    }
    *out = (wr_rank_metrics){.auc = wins / (bad * good),
                             .ap = ap < 1.0 ? ap : 1.0}; /* not by rounding */
    return WR_OK;
}
