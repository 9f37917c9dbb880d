#include "scoring/betabin_int.h"

#include <inttypes.h>
#include <math.h>

#include "util/mem.h"

/* How often a count occurs. */
typedef struct times {
    double count, times;
} times;

/* The counts of one kind: labelled, unlabelled, all members. */
typedef struct tally {
    uint64_t *hits; /* [max+1] */
    times *seen;    /* [used] the nonzero ones, ascending */
    uint32_t used;
} tally;

enum { BAD, GOOD, ALL, TALLIES };

static wr_status compress(tally *t, uint32_t max, wr_err *err)
{
    uint32_t used = 0;
    for (uint32_t i = 1; i <= max; i++)
        used += t->hits[i] != 0;
    t->seen = wr_calloc(used, sizeof *t->seen);
    if (!t->seen)
        return wr_fail(err, WR_ENOMEM, "tally of %" PRIu32 " counts", used);
    for (uint32_t i = 1; i <= max; i++)
        if (t->hits[i])
            t->seen[t->used++] = (times){(double)i, (double)t->hits[i]};
    return WR_OK;
}

static wr_status fill(tally *t, const wr_group *group, uint32_t n, wr_err *err)
{
    uint32_t max = 0;
    for (uint32_t w = 0; w < n; w++)
        max = group[w].members > max ? group[w].members : max;
    for (int k = 0; k < TALLIES; k++) {
        t[k].hits = wr_calloc(max + 1ULL, sizeof *t[k].hits);
        if (!t[k].hits)
            return wr_fail(err, WR_ENOMEM, "tally up to %" PRIu32, max);
    }
    for (uint32_t w = 0; w < n; w++) {
        if (group[w].members < 2)
            continue;
        t[BAD].hits[group[w].bad]++;
        t[GOOD].hits[group[w].members - group[w].bad]++;
        t[ALL].hits[group[w].members]++;
    }
    for (int k = 0; k < TALLIES; k++)
        WR_TRY(compress(&t[k], max, err));
    return WR_OK;
}

/* sum of log(x (x+1) … (x+count-1)) over the counts seen */
static double log_rising(const tally *t, double x)
{
    int sign;
    const double at_0 = lgamma_r(x, &sign);
    double sum = 0.0;
    for (uint32_t i = 0; i < t->used; i++)
        sum += t->seen[i].times * (lgamma_r(x + t->seen[i].count, &sign) - at_0);
    return sum;
}

static double log_likelihood(const tally *t, double rate, double log_alpha)
{
    const double alpha = exp(log_alpha);
    return log_rising(&t[BAD], alpha * rate) +
           log_rising(&t[GOOD], alpha * (1.0 - rate)) - log_rising(&t[ALL], alpha);
}

static double search(const tally *t, double rate)
{
    const double golden = 0.6180339887498949;
    double lo = -6.0, hi = 8.0;
    double a = hi - golden * (hi - lo), b = lo + golden * (hi - lo);
    double fa = log_likelihood(t, rate, a), fb = log_likelihood(t, rate, b);
    while (hi - lo > 1e-6) {
        if (fa >= fb) {
            hi = b;
            b = a;
            fb = fa;
            a = hi - golden * (hi - lo);
            fa = log_likelihood(t, rate, a);
        } else {
            lo = a;
            a = b;
            fa = fb;
            b = lo + golden * (hi - lo);
            fb = log_likelihood(t, rate, b);
        }
    }
    return (lo + hi) / 2;
}

wr_status wr_betabin_fit(double *alpha, const wr_group *group, uint32_t n, double rate,
                         wr_err *err)
{
    tally t[TALLIES] = {{0}};
    wr_status st = fill(t, group, n, err);
    if (st == WR_OK)
        *alpha = exp(search(t, rate));
    for (int k = 0; k < TALLIES; k++) {
        wr_free(t[k].hits);
        wr_free(t[k].seen);
    }
    return st;
}
