#include "scoring/drift.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "scoring/numbers_int.h"
#include "util/mem.h"

static int ascending(const void *pa, const void *pb)
{
    const double a = *(const double *)pa;
    const double b = *(const double *)pb;
    return (a > b) - (a < b);
}

uint32_t wr_drift_bin(const wr_drift *d, double value)
{
    uint32_t bin = 0;
    if (isnan(value))
        return d->cuts + 1;
    while (bin < d->cuts && value >= d->cut[bin])
        bin++;
    return bin;
}

static void count_bins(uint64_t *count, const wr_drift *d, const double *value, size_t n)
{
    memset(count, 0, wr_drift_bins(d) * sizeof *count);
    for (size_t i = 0; i < n; i++)
        count[wr_drift_bin(d, value[i])]++;
}

wr_status wr_drift_learn(wr_drift *out, const double *value, size_t n, uint32_t bins,
                         wr_err *err)
{
    wr_drift d = {.cuts = 0};
    uint64_t count[WR_DRIFT_BINS_MAX + 1];
    size_t known = 0;
    if (bins < 2 || bins > WR_DRIFT_BINS_MAX)
        return wr_fail(err, WR_EINVAL, "bins %u outside 2..%d", bins, WR_DRIFT_BINS_MAX);
    if (n == 0)
        return wr_fail(err, WR_EINVAL, "no values to learn from");
    WR_AUTO_ARRAY double *v = wr_calloc(n, sizeof *v);
    if (!v)
        return wr_fail(err, WR_ENOMEM, "%zu values", n);
    for (size_t i = 0; i < n; i++)
        if (!isnan(value[i]))
            v[known++] = value[i];
    qsort(v, known, sizeof *v, ascending);
    size_t last = 0; /* where the bin that is open begins */
    for (uint32_t k = 1; k < bins && known > 0; k++) {
        size_t at = known * k / bins;
        if (v[at] == v[last] && at - last >= known / bins)
            while (at < known && v[at] == v[last]) /* fills it alone: cut above */
                at++;
        if (at < known && v[at] > v[last]) {
            d.cut[d.cuts++] = v[at];
            last = at;
        }
    }
    count_bins(count, &d, value, n);
    for (uint32_t b = 0; b < wr_drift_bins(&d); b++)
        d.share[b] = (double)count[b] / (double)n;
    *out = d;
    return WR_OK;
}

wr_status wr_drift_psi(double *psi, const wr_drift *d, const uint64_t *count, wr_err *err)
{
    double n = 0.0;
    double sum = 0.0;
    for (uint32_t b = 0; b < wr_drift_bins(d); b++)
        n += (double)count[b];
    if (!(n > 0.0))
        return wr_fail(err, WR_EINVAL, "no values to compare");
    for (uint32_t b = 0; b < wr_drift_bins(d); b++) {
        const double p = fmax(d->share[b], WR_DRIFT_FLOOR);
        const double q = fmax((double)count[b] / n, WR_DRIFT_FLOOR);
        sum += (q - p) * log(q / p);
    }
    *psi = sum;
    return WR_OK;
}

wr_status wr_drift_psi_of(double *psi, const wr_drift *d, const double *value, size_t n,
                          wr_err *err)
{
    uint64_t count[WR_DRIFT_BINS_MAX + 1];
    count_bins(count, d, value, n);
    return wr_drift_psi(psi, d, count, err);
}

void wr_drift_print(wr_buf *b, const wr_drift *d)
{
    wr_buf_addf(b, "drift 1 %u", d->cuts);
    for (uint32_t i = 0; i < d->cuts; i++)
        wr_buf_addf(b, " %a", d->cut[i]);
    for (uint32_t i = 0; i < wr_drift_bins(d); i++)
        wr_buf_addf(b, " %a", d->share[i]);
    wr_buf_adds(b, "\n");
}

/* strtod reads "inf" as %a wrote it; wr_numbers_f64 asks for finite numbers. */
static double cut_of(wr_numbers *w)
{
    return wr_numbers_word(w, "inf") ? (double)INFINITY : wr_numbers_f64(w);
}

wr_status wr_drift_parse(wr_drift *out, const char *text, wr_err *err)
{
    wr_numbers w = {.p = text};
    wr_drift d = {.cuts = 0};
    double sum = 0.0;
    if (!wr_numbers_word(&w, "drift") || !wr_numbers_word(&w, "1"))
        return wr_fail(err, WR_EPARSE, "not 'drift 1'");
    const uint64_t cuts = wr_numbers_u64(&w);
    if (w.is_bad || cuts >= WR_DRIFT_BINS_MAX)
        return wr_fail(err, WR_EPARSE, "drift: number of cuts outside 0..%d",
                       WR_DRIFT_BINS_MAX - 1);
    d.cuts = (uint32_t)cuts;
    for (uint32_t i = 0; i < d.cuts; i++) {
        d.cut[i] = cut_of(&w);
        if (!w.is_bad && i > 0 && !(d.cut[i] > d.cut[i - 1]))
            return wr_fail(err, WR_EPARSE, "drift: cut %u is not above the one before",
                           i + 1);
    }
    for (uint32_t i = 0; i < wr_drift_bins(&d); i++) {
        d.share[i] = wr_numbers_f64(&w);
        sum += d.share[i];
        w.is_bad = w.is_bad || !(d.share[i] >= 0.0);
    }
    if (w.is_bad)
        return wr_fail(err, WR_EPARSE, "drift: a number is missing or wrong");
    if (!wr_numbers_at_end(&w))
        return wr_fail(err, WR_EPARSE, "drift: text behind its end");
    if (!(fabs(sum - 1.0) < 1e-9))
        return wr_fail(err, WR_EPARSE, "drift: shares add up to %g", sum);
    *out = d;
    return WR_OK;
}
