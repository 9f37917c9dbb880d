#include "scoring/reliability.h"

#include <math.h>
#include <stdlib.h>

#include "util/mem.h"

typedef struct item {
    double p;
    double bad; /* 0 or 1, then the mean of those with the same p */
} item;

static int by_p(const void *pa, const void *pb)
{
    const item *a = pa;
    const item *b = pb;
    return (a->p > b->p) - (a->p < b->p);
}

static void share_ties(item *it, size_t n)
{
    for (size_t i = 0, j; i < n; i = j) {
        double bad = 0.0;
        for (j = i; j < n && it[j].p == it[i].p; j++)
            bad += it[j].bad;
        for (size_t k = i; k < j; k++)
            it[k].bad = bad / (double)(j - i);
    }
}

static wr_reliability_bin bin_of(const item *it, size_t from, size_t to)
{
    const double rows = (double)(to - from);
    wr_reliability_bin b = {
        .rows = to - from, .p_min = it[from].p, .p_max = it[to - 1].p};
    for (size_t i = from; i < to; i++) {
        b.p_mean += it[i].p;
        b.bad_share += it[i].bad;
    }
    b.p_mean /= rows;
    b.bad_share /= rows;
    return b;
}

wr_status wr_reliability_of(wr_reliability *out, const double *p, const bool *is_bad,
                            size_t n, wr_err *err)
{
    wr_reliability r = {.bins = WR_RELIABILITY_BINS};
    WR_AUTO_ARRAY item *it = wr_calloc(n, sizeof *it);
    if (!it)
        return wr_fail(err, WR_ENOMEM, "reliability of %zu rows", n);
    if (n == 0)
        return wr_fail(err, WR_EINVAL, "no rows to compare with");
    for (size_t i = 0; i < n; i++) {
        if (!(p[i] >= 0.0 && p[i] <= 1.0))
            return wr_fail(err, WR_EINVAL, "probability %g of row %zu", p[i], i);
        it[i] = (item){p[i], is_bad[i] ? 1.0 : 0.0};
        r.brier += (p[i] - it[i].bad) * (p[i] - it[i].bad) / (double)n;
    }
    qsort(it, n, sizeof *it, by_p);
    share_ties(it, n);
    if (n < r.bins)
        r.bins = (uint32_t)n;
    for (uint32_t b = 0; b < r.bins; b++) {
        r.bin[b] = bin_of(it, n * b / r.bins, n * (b + 1) / r.bins);
        r.ece += (double)r.bin[b].rows / (double)n *
                 fabs(r.bin[b].p_mean - r.bin[b].bad_share);
    }
    const size_t top = n / 100 > 0 ? n / 100 : 1;
    r.top = bin_of(it, n - top, n);
    *out = r;
    return WR_OK;
}
