#include "scoring/model_metrics.h"

#include <inttypes.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "scoring/rank_metrics.h"
#include "util/mem.h"
#include "util/rng.h"

const double wr_metrics_budget[WR_METRICS_BUDGETS] = {0.001, 0.005, 0.01};

typedef struct item {
    double score;
    uint32_t row;
} item;

/* One score, worst first; `ends` marks the last of those that tie. */
typedef struct order {
    uint32_t *row; /* [n] */
    bool *ends;    /* [n] */
} order;

/* Rows of an incident rise and fall together: its index here, those with a bad one first.
 */
typedef struct incidents {
    uint32_t *of; /* [n] */
    uint32_t with_bad, all;
} incidents;

typedef struct bootstrap {
    const bool *is_bad;
    size_t n;
    incidents in;
    order first, second;
    bool has_second;
    const wr_interval_opts *o;
    uint32_t *times; /* [teams · in.all] how often each incident was drawn */
    double *drawn;   /* [draws] */
} bootstrap;

static int by_score_down(const void *pa, const void *pb)
{
    const item *a = pa;
    const item *b = pb;
    return (a->score < b->score) - (a->score > b->score);
}

static wr_status sorted(item **out, const double *score, const bool *is_bad, size_t n,
                        wr_err *err)
{
    size_t bad = 0;
    if (n >= UINT32_MAX)
        return wr_fail(err, WR_EINVAL, "%zu rows, over %u", n, UINT32_MAX - 1);
    WR_AUTO_ARRAY item *it = wr_calloc(n, sizeof *it);
    if (!it)
        return wr_fail(err, WR_ENOMEM, "metrics of %zu rows", n);
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(score[i]))
            return wr_fail(err, WR_EINVAL, "score %g of row %zu", score[i], i);
        it[i] = (item){score[i], (uint32_t)i};
        bad += is_bad[i];
    }
    if (bad == 0 || bad == n)
        return wr_fail(err, WR_EINVAL, "%zu bad and %zu good rows", bad, n - bad);
    qsort(it, n, sizeof *it, by_score_down);
    *out = WR_STEAL(it);
    return WR_OK;
}

/* Bad rows among the k worst; those that tie at the edge count as their mean. */
static double hits_within(const item *it, const bool *is_bad, size_t n, size_t k)
{
    double hits = 0.0;
    for (size_t i = 0, j; i < k; i = j) {
        double here = 0.0;
        for (j = i; j < n && it[j].score == it[i].score; j++)
            here += is_bad[it[j].row];
        hits += j <= k ? here : here * (double)(k - i) / (double)(j - i);
    }
    return hits;
}

static size_t alerts_of(double budget, double rows)
{
    /* a hair above: .01 of 300 rows is 3, though the product is below it */
    const double k = floor(budget * rows * (1.0 + 1e-12));
    return k < 1.0 ? 1 : (size_t)k;
}

wr_status wr_model_metrics_of(wr_model_metrics *out, const double *score,
                              const bool *is_bad, size_t n, wr_err *err)
{
    wr_model_metrics m = {.rows = n};
    wr_rank_metrics rank;
    WR_AUTO_ARRAY item *it = NULL;
    WR_TRY(sorted(&it, score, is_bad, n, err));
    WR_TRY(wr_rank_metrics_of(&rank, score, is_bad, n, err));
    for (size_t i = 0; i < n; i++)
        m.bad += is_bad[i];
    m.pr_auc = rank.ap;
    m.roc_auc = rank.auc;
    for (int b = 0; b < WR_METRICS_BUDGETS; b++) {
        const size_t k = alerts_of(wr_metrics_budget[b], (double)n);
        const double hits = hits_within(it, is_bad, n, k);
        m.budget[b] = (wr_budget_metrics){k, hits / (double)m.bad, hits / (double)k};
    }
    *out = m;
    return WR_OK;
}

static wr_threshold_metrics threshold_of(double threshold, double alerts, double hits,
                                         double bad)
{
    return (wr_threshold_metrics){.threshold = threshold,
                                  .alerts = (uint64_t)alerts,
                                  .precision = alerts > 0.0 ? hits / alerts : 0.0,
                                  .recall = hits / bad,
                                  .f1 = 2.0 * hits / (alerts + bad)};
}

wr_status wr_metrics_at(wr_threshold_metrics *out, const double *score,
                        const bool *is_bad, size_t n, double threshold, wr_err *err)
{
    double alerts = 0.0, hits = 0.0, bad = 0.0;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(score[i]))
            return wr_fail(err, WR_EINVAL, "score %g of row %zu", score[i], i);
        bad += is_bad[i];
        alerts += score[i] >= threshold;
        hits += score[i] >= threshold && is_bad[i];
    }
    if (!(bad > 0.0 && bad < (double)n) || isnan(threshold))
        return wr_fail(err, WR_EINVAL, "%.0f bad and %.0f good rows, threshold %g", bad,
                       (double)n - bad, threshold);
    *out = threshold_of(threshold, alerts, hits, bad);
    return WR_OK;
}

wr_status wr_metrics_best_f1(wr_threshold_metrics *out, const double *score,
                             const bool *is_bad, size_t n, wr_err *err)
{
    wr_threshold_metrics best = {.f1 = -1.0};
    double bad = 0.0, hits = 0.0;
    WR_AUTO_ARRAY item *it = NULL;
    WR_TRY(sorted(&it, score, is_bad, n, err));
    for (size_t i = 0; i < n; i++)
        bad += is_bad[i];
    for (size_t i = 0, j; i < n; i = j) {
        for (j = i; j < n && it[j].score == it[i].score; j++)
            hits += is_bad[it[j].row];
        const wr_threshold_metrics here = threshold_of(it[i].score, (double)j, hits, bad);
        if (here.f1 > best.f1)
            best = here;
    }
    *out = best;
    return WR_OK;
}

/* ---- intervals ---- */

static wr_status order_of(order *out, const double *score, const bool *is_bad, size_t n,
                          wr_err *err)
{
    WR_AUTO_ARRAY item *it = NULL;
    WR_TRY(sorted(&it, score, is_bad, n, err));
    WR_AUTO_ARRAY uint32_t *row = wr_calloc(n, sizeof *row);
    WR_AUTO_ARRAY bool *ends = wr_calloc(n, sizeof *ends);
    if (!row || !ends)
        return wr_fail(err, WR_ENOMEM, "metrics of %zu rows", n);
    for (size_t i = 0; i < n; i++) {
        row[i] = it[i].row;
        ends[i] = i + 1 == n || it[i + 1].score != it[i].score;
    }
    out->row = WR_STEAL(row);
    out->ends = WR_STEAL(ends);
    return WR_OK;
}

/* Weighted average precision, or recall within the budget.  A draw always has bad rows.
 */
static double metric_of(const bootstrap *b, const order *by, const uint32_t *times)
{
    double rows = 0.0, bad = 0.0;
    for (size_t i = 0; i < b->n; i++) {
        const double w = times[b->in.of[i]];
        rows += w;
        bad += b->is_bad[i] ? w : 0.0;
    }
    const double k = (double)alerts_of(b->o->budget, rows);
    double above = 0.0, hits = 0.0, here = 0.0, here_bad = 0.0, ap = 0.0;
    for (size_t i = 0; i < b->n; i++) {
        const uint32_t row = by->row[i];
        const double w = times[b->in.of[row]];
        here += w;
        here_bad += b->is_bad[row] ? w : 0.0;
        if (!by->ends[i] || here == 0.0)
            continue;
        if (b->o->budget > 0.0 && above + here >= k)
            return (hits + here_bad * (k - above) / here) / bad;
        above += here;
        hits += here_bad;
        ap += here_bad / bad * (hits / above);
        here = here_bad = 0.0;
    }
    return b->o->budget > 0.0 ? 1.0 : ap;
}

static double measured(const bootstrap *b, const uint32_t *times)
{
    const double first = metric_of(b, &b->first, times);
    return b->has_second ? first - metric_of(b, &b->second, times) : first;
}

/* Dense indices: incidents with a bad row in order of their first row, then the others.
 */
static wr_status number_incidents(incidents *out, const uint32_t *incident,
                                  const bool *is_bad, size_t n, wr_err *err)
{
    WR_AUTO_ARRAY uint32_t *of = wr_calloc(n, sizeof *of);
    WR_AUTO_ARRAY uint32_t *index = wr_calloc(n, sizeof *index); /* of an id, + 1 */
    WR_AUTO_ARRAY bool *has_bad = wr_calloc(n, sizeof *has_bad); /* an id */
    if (!of || !index || !has_bad)
        return wr_fail(err, WR_ENOMEM, "incidents of %zu rows", n);
    for (size_t i = 0; i < n && incident; i++) {
        if (incident[i] == WR_INCIDENT_NONE)
            continue;
        if (incident[i] >= n)
            return wr_fail(err, WR_EINVAL, "incident %" PRIu32 " of row %zu", incident[i],
                           i);
        has_bad[incident[i]] |= is_bad[i];
    }
    for (int turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < n; i++) {
            const uint32_t id = incident ? incident[i] : WR_INCIDENT_NONE;
            const bool is_alone = id == WR_INCIDENT_NONE;
            if ((is_alone ? is_bad[i] : has_bad[id]) != (turn == 0))
                continue;
            if (is_alone)
                of[i] = out->all++;
            else if (index[id])
                of[i] = index[id] - 1;
            else {
                of[i] = out->all++;
                index[id] = of[i] + 1;
            }
        }
        if (turn == 0)
            out->with_bad = out->all;
    }
    out->of = WR_STEAL(of);
    return WR_OK;
}

static void draw(uint32_t *times, const incidents *in, wr_rng r)
{
    const uint32_t without = in->all - in->with_bad;
    memset(times, 0, in->all * sizeof *times);
    for (uint32_t i = 0; i < in->with_bad; i++)
        times[wr_rng_below(&r, in->with_bad)]++;
    for (uint32_t i = 0; i < without; i++)
        times[in->with_bad + wr_rng_below(&r, without)]++;
}

static int ascending(const void *pa, const void *pb)
{
    const double a = *(const double *)pa;
    const double b = *(const double *)pb;
    return (a > b) - (a < b);
}

/* Linear between the two nearest. */
static double quantile(const double *v, size_t n, double q)
{
    const double at = q * (double)(n - 1);
    const size_t i = (size_t)at;
    const double part = at - (double)i;
    return i + 1 < n ? v[i] + part * (v[i + 1] - v[i]) : v[i];
}

static void run(wr_interval *out, bootstrap *b)
{
    const wr_interval_opts *o = b->o;
    wr_rng seed = {.s = o->seed};
    const uint64_t base = wr_rng_u64(&seed);
    for (uint32_t i = 0; i < b->in.all; i++)
        b->times[i] = 1;
    out->value = measured(b, b->times);
#pragma omp parallel for default(none) shared(b, o, base) schedule(static, 1)
    for (uint32_t d = 0; d < o->draws; d++) {
        uint32_t *times = b->times + (size_t)omp_get_thread_num() * b->in.all;
        wr_rng own = {.s = base};
        draw(times, &b->in, wr_rng_fork(&own, d));
        b->drawn[d] = measured(b, times);
    }
    qsort(b->drawn, o->draws, sizeof *b->drawn, ascending);
    out->low = quantile(b->drawn, o->draws, (1.0 - o->level_prob) / 2.0);
    out->high = quantile(b->drawn, o->draws, (1.0 + o->level_prob) / 2.0);
}

static wr_status check(const wr_interval_opts *o, wr_err *err)
{
    if (!(o->budget >= 0.0 && o->budget <= 1.0))
        return wr_fail(err, WR_EINVAL, "budget %g outside 0..1", o->budget);
    if (o->draws < 1 || o->draws > WR_METRICS_DRAWS_MAX)
        return wr_fail(err, WR_EINVAL, "draws %" PRIu32 " outside 1..%d", o->draws,
                       WR_METRICS_DRAWS_MAX);
    if (!(o->level_prob > 0.0 && o->level_prob < 1.0))
        return wr_fail(err, WR_EINVAL, "level %g not between 0 and 1", o->level_prob);
    return WR_OK;
}

static wr_status prepare(bootstrap *b, const wr_interval_rows *rows, wr_err *err)
{
    WR_TRY(order_of(&b->first, rows->score, b->is_bad, b->n, err));
    b->has_second = rows->than != NULL;
    if (rows->than)
        WR_TRY(order_of(&b->second, rows->than, b->is_bad, b->n, err));
    WR_TRY(number_incidents(&b->in, rows->incident, b->is_bad, b->n, err));
    b->times = wr_calloc((size_t)omp_get_max_threads() * b->in.all, sizeof *b->times);
    b->drawn = wr_calloc(b->o->draws, sizeof *b->drawn);
    if (!b->times || !b->drawn)
        return wr_fail(err, WR_ENOMEM, "%" PRIu32 " draws", b->o->draws);
    return WR_OK;
}

static void bootstrap_release(bootstrap *b)
{
    wr_free(b->first.row);
    wr_free(b->first.ends);
    wr_free(b->second.row);
    wr_free(b->second.ends);
    wr_free(b->in.of);
    wr_free(b->times);
    wr_free(b->drawn);
}

wr_status wr_metrics_interval(wr_interval *out, const wr_interval_rows *rows,
                              const wr_interval_opts *o, wr_err *err)
{
    bootstrap b = {.is_bad = rows->is_bad, .n = rows->n, .o = o};
    WR_TRY(check(o, err));
    const wr_status s = prepare(&b, rows, err);
    if (s == WR_OK)
        run(out, &b);
    bootstrap_release(&b);
    return s;
}
