/*
 * stream_ref.h - the row of a transfer by looking at the whole list of earlier ones.
 *
 * The slow reading of every column of features_stream.h, from its definition and from
 * transfers 0..k-1 only.  want_row gives the row of transfer k; past_take then notes
 * what k changes for those behind it.
 */
#ifndef WR_STREAM_REF_H
#define WR_STREAM_REF_H

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "flow_gen.h"
#include "scoring/features_stream.h"
#include "util/mem.h"

static const uint32_t WINDOW[] = {3600, 86400, 604800, 2592000};

typedef struct past {
    wr_feature_event *e;
    uint64_t m;
    double *from_fan, *to_fan; /* of each, as of behind it */
    uint32_t *chain, *chain_s; /* [n] */
} past;

static inline bool in_window(const past *p, uint64_t i, uint32_t now, uint32_t window)
{
    return (int64_t)p->e[i].time_s > (int64_t)now - window;
}

static inline bool is_self(const past *p, uint64_t i)
{
    return p->e[i].from == p->e[i].to;
}

/* Is transfer i one of v's on that side? */
static inline bool is_of(const past *p, uint64_t i, wr_vid v, bool is_out)
{
    return !is_self(p, i) && (is_out ? p->e[i].from : p->e[i].to) == v;
}

static inline wr_vid other(const past *p, uint64_t i, bool is_out)
{
    return is_out ? p->e[i].to : p->e[i].from;
}

static inline bool is_first(const past *p, uint64_t i)
{
    for (uint64_t j = 0; j < i; j++)
        if (p->e[j].from == p->e[i].from && p->e[j].to == p->e[i].to)
            return false;
    return true;
}

/* Among the first k transfers, counterparties of v within the window (0 = life). */
static inline double parties(const past *p, uint64_t k, wr_vid v, bool is_out,
                             uint32_t now, uint32_t window)
{
    double count = 0;
    for (uint64_t i = 0; i < k; i++) {
        bool is_last = is_of(p, i, v, is_out);
        for (uint64_t j = i + 1; j < k && is_last; j++)
            is_last =
                !(is_of(p, j, v, is_out) && other(p, j, is_out) == other(p, i, is_out));
        count += is_last && (!window || in_window(p, i, now, window));
    }
    return count;
}

static inline void want_side(double *at, const past *p, uint64_t k, wr_vid v, bool is_out)
{
    const uint32_t now = p->e[k].time_s;
    memset(at, 0, 13 * sizeof *at);
    for (uint64_t i = 0; i < k; i++) {
        if (!is_of(p, i, v, is_out))
            continue;
        for (int w = 0; w < 4; w++)
            at[w] += in_window(p, i, now, WINDOW[w]);
        at[4]++;
        for (int w = 0; w < 3; w++)
            at[9 + w] += in_window(p, i, now, WINDOW[w + 1]) ? p->e[i].value : 0;
        at[12] += p->e[i].value;
    }
    for (int w = 0; w < 3; w++)
        at[5 + w] = parties(p, k, v, is_out, now, WINDOW[w + 1]);
    at[8] = parties(p, k, v, is_out, now, 0);
}

static inline void want_pair(double *row, const past *p, uint64_t k, bool is_reverse)
{
    const wr_vid from = is_reverse ? p->e[k].to : p->e[k].from;
    const wr_vid to = is_reverse ? p->e[k].from : p->e[k].to;
    double count = 0, value = 0, gap = -1, age = -1;
    for (uint64_t i = 0; i < k; i++) {
        if (is_self(p, i) || p->e[i].from != from || p->e[i].to != to)
            continue;
        value += p->e[i].value;
        gap = p->e[k].time_s - p->e[i].time_s;
        age = count++ == 0 ? gap : age;
    }
    if (is_reverse) {
        row[WR_TF_REVERSE_COUNT] = count;
        row[WR_TF_REVERSE_VALUE] = value;
        row[WR_TF_REVERSE_GAP] = gap;
        return;
    }
    row[WR_TF_PAIR_IS_NEW] = count == 0;
    row[WR_TF_PAIR_COUNT] = count;
    row[WR_TF_PAIR_VALUE] = value;
    row[WR_TF_PAIR_GAP] = gap;
    row[WR_TF_PAIR_AGE] = age;
}

/* Position of k's counterparty among the first contacts of v, counted from 1. */
static inline double port(const past *p, uint64_t k, wr_vid v, bool is_out)
{
    double at = 1;
    for (uint64_t i = 0; i < k; i++)
        if (is_of(p, i, v, is_out) && is_first(p, i)) {
            if (other(p, i, is_out) == other(p, k, is_out))
                return at;
            at++;
        }
    return at;
}

/* Since the last (first) transfer of v on side `is_out` (2 = either). */
static inline double since(const past *p, uint64_t k, wr_vid v, int is_out, bool is_last)
{
    double gap = -1;
    for (uint64_t i = 0; i < k; i++)
        if ((is_out != 0 && is_of(p, i, v, true)) ||
            (is_out != 1 && is_of(p, i, v, false)))
            if (is_last || gap < 0)
                gap = p->e[k].time_s - p->e[i].time_s;
    return gap;
}

static inline void want_new(double *at, const past *p, uint64_t k, wr_vid v, bool is_out)
{
    for (int w = 0; w < 3; w++) {
        double count = 0, fresh = 0;
        for (uint64_t i = 0; i < k; i++)
            if (is_of(p, i, v, is_out) &&
                in_window(p, i, p->e[k].time_s, WINDOW[w + 1])) {
                count++;
                fresh += is_first(p, i);
            }
        at[w] = count > 0 ? fresh / count : -1;
    }
}

static inline double chain(const past *p, wr_vid v, uint32_t now)
{
    return p->chain[v] && now - p->chain_s[v] <= 2592000 ? p->chain[v] : 0;
}

static inline void want_against(double *at, const past *p, uint64_t k, wr_vid v,
                                bool is_out)
{
    double n = 0, sum = 0, squares = 0, max = 0;
    double first = -1;
    for (uint64_t i = 0; i < k; i++) {
        if (!is_of(p, i, v, is_out))
            continue;
        first = first < 0 ? p->e[i].value : first;
        n++;
        sum += p->e[i].value - first;
        max = fmax(max, p->e[i].value);
    }
    const double mean = n > 0 ? first + sum / n : 0;
    for (uint64_t i = 0; i < k; i++)
        if (is_of(p, i, v, is_out))
            squares += pow(p->e[i].value - mean, 2);
    const double std = n > 1 ? sqrt(squares / n) : 0;
    at[0] = mean > 0 ? fmin(p->e[k].value / mean, 1e6) : -1;
    at[1] = std > 0 ? fmax(fmin((p->e[k].value - mean) / std, 1e6), -1e6) : 0;
    at[2] = max > 0 ? fmin(p->e[k].value / max, 1e6) : -1;
}

static inline double sum_of(const past *p, uint64_t k, wr_vid v, bool is_out,
                            uint32_t window)
{
    double sum = 0;
    for (uint64_t i = 0; i < k; i++)
        if (is_of(p, i, v, is_out) &&
            (!window || in_window(p, i, p->e[k].time_s, window)))
            sum += p->e[i].value;
    return sum;
}

static inline double over(double x, double base)
{
    return base > 0 ? fmin(x / base, 1e6) : -1;
}

static inline double pass(const past *p, uint64_t k, wr_vid v, uint32_t window)
{
    const double in = sum_of(p, k, v, false, window), out = sum_of(p, k, v, true, window);
    return over(fmin(in, out), fmax(in, out));
}

static inline double mean_fan(const past *p, uint64_t k, wr_vid v, bool is_out)
{
    double sum = 0, count = 0;
    for (uint64_t i = 0; i < k; i++)
        if (is_of(p, i, v, is_out) && in_window(p, i, p->e[k].time_s, 2592000)) {
            sum += is_out ? p->to_fan[i] : p->from_fan[i];
            count++;
        }
    return over(sum, count);
}

/* Since the last first contact of v; its value. */
static inline double since_new(const past *p, uint64_t k, wr_vid v, bool is_out,
                               double *value)
{
    double gap = -1;
    *value = 0;
    for (uint64_t i = 0; i < k; i++)
        if (is_of(p, i, v, is_out) && is_first(p, i)) {
            gap = p->e[k].time_s - p->e[i].time_s;
            *value = p->e[i].value;
        }
    return gap;
}

static inline double last_in(const past *p, uint64_t k, wr_vid v, bool *is_new)
{
    double value = 0;
    for (uint64_t i = 0; i < k; i++)
        if (is_of(p, i, v, false)) {
            value = p->e[i].value;
            *is_new = is_first(p, i);
        }
    return value;
}

static inline double zeros(double value)
{
    char text[64];
    (void)snprintf(text, sizeof text, "%.6f", value);
    double count = 0;
    const char *dot = strchr(text, '.');
    if (value <= 0 || strcmp(dot, ".000000") != 0)
        return 0;
    while (dot > text && *--dot == '0')
        count++;
    return count;
}

static inline void want_flow(double *row, const past *p, uint64_t k)
{
    const wr_vid u = p->e[k].from, v = p->e[k].to;
    const double value = p->e[k].value;
    bool is_new = false;
    double last_new;
    row[WR_TF_FROM_NEW_OUT_GAP] = since_new(p, k, u, true, &last_new);
    row[WR_TF_TO_NEW_IN_GAP] = since_new(p, k, v, false, &last_new);
    row[WR_TF_TO_NEW_OUT_GAP] = since_new(p, k, v, true, &last_new);
    row[WR_TF_FROM_NEW_IN_GAP] = since_new(p, k, u, false, &last_new);
    row[WR_TF_LAST_NEW_IN_RATIO] = over(value, last_new);
    row[WR_TF_LAST_IN_RATIO] = over(value, last_in(p, k, u, &is_new));
    row[WR_TF_FROM_LAST_IN_IS_NEW] = is_new;
    row[WR_TF_FROM_PASS_24H] = pass(p, k, u, 86400);
    row[WR_TF_FROM_PASS_30D] = pass(p, k, u, 2592000);
    row[WR_TF_TO_PASS_24H] = pass(p, k, v, 86400);
    row[WR_TF_TO_PASS_30D] = pass(p, k, v, 2592000);
    row[WR_TF_IN_24H_RATIO] = over(value, sum_of(p, k, u, false, 86400));
    for (int end = 0; end < 2; end++) {
        const double in = sum_of(p, k, end ? v : u, false, 0);
        const double out = sum_of(p, k, end ? v : u, true, 0);
        row[end ? WR_TF_TO_RETAINED : WR_TF_FROM_RETAINED] = over(fmax(in - out, 0), in);
    }
    row[WR_TF_FROM_OUT_FAN] = mean_fan(p, k, u, true);
    row[WR_TF_FROM_IN_FAN] = mean_fan(p, k, u, false);
    row[WR_TF_TO_IN_FAN] = mean_fan(p, k, v, false);
    row[WR_TF_TO_OUT_FAN] = mean_fan(p, k, v, true);
}

/* Value of the first contacts of v within the window. */
static inline double new_sum_of(const past *p, uint64_t k, wr_vid v, bool is_out,
                                uint32_t window)
{
    double sum = 0;
    for (uint64_t i = 0; i < k; i++)
        if (is_of(p, i, v, is_out) && in_window(p, i, p->e[k].time_s, window) &&
            is_first(p, i))
            sum += p->e[i].value;
    return sum;
}

typedef struct day_counts {
    double days, days_month, count, most, new_days, fresh;
} day_counts;

static inline bool same_day(const past *p, uint64_t i, uint64_t j)
{
    return p->e[i].time_s / 86400 == p->e[j].time_s / 86400;
}

/* Days by looking, from each transfer of v, at those before it on the same day. */
static inline day_counts days_of(const past *p, uint64_t k, wr_vid v, bool is_out)
{
    day_counts d = {0};
    for (uint64_t i = 0; i < k; i++) {
        if (!is_of(p, i, v, is_out))
            continue;
        double today = 1;
        bool is_new = is_first(p, i), is_new_day = is_new;
        for (uint64_t j = 0; j < i; j++)
            if (is_of(p, j, v, is_out) && same_day(p, i, j)) {
                today++;
                is_new_day &= !is_first(p, j);
            }
        d.count++;
        d.fresh += is_new;
        d.days += today < 2;
        d.days_month += today < 2 && in_window(p, i, p->e[k].time_s, 2592000);
        d.new_days += is_new_day;
        d.most = fmax(d.most, today);
    }
    return d;
}

static inline void want_days(double *at, const past *p, uint64_t k, wr_vid v, bool is_out)
{
    const day_counts d = days_of(p, k, v, is_out);
    at[0] = d.days;
    at[1] = d.days_month;
    at[2] = over(d.count, d.days);
    at[3] = d.most;
    at[4] = d.new_days;
    at[5] = over(d.fresh, d.new_days);
}

static inline void want_last_new(double *at, const past *p, uint64_t k, wr_vid v,
                                 bool is_out)
{
    wr_vid met = WR_VID_NONE;
    for (uint64_t i = 0; i < k; i++)
        if (is_of(p, i, v, is_out) && is_first(p, i))
            met = other(p, i, is_out);
    for (int c = 0; c < 4; c++)
        at[c] = -1;
    if (met == WR_VID_NONE)
        return;
    const day_counts out = days_of(p, k, met, true), in = days_of(p, k, met, false);
    at[0] = over(out.count, out.days);
    at[1] = over(in.count, in.days);
    at[2] = out.fresh;
    at[3] = in.fresh;
}

static inline void want_days_and_new(double *row, const past *p, uint64_t k)
{
    const wr_vid u = p->e[k].from, v = p->e[k].to;
    const double value = p->e[k].value;
    row[WR_TF_IN_7D_RATIO] = over(value, sum_of(p, k, u, false, 604800));
    row[WR_TF_IN_30D_RATIO] = over(value, sum_of(p, k, u, false, 2592000));
    row[WR_TF_NEW_IN_7D_RATIO] = over(value, new_sum_of(p, k, u, false, 604800));
    row[WR_TF_NEW_IN_30D_RATIO] = over(value, new_sum_of(p, k, u, false, 2592000));
    row[WR_TF_TO_NEW_IN_7D_RATIO] = over(value, new_sum_of(p, k, v, false, 604800));
    row[WR_TF_TO_NEW_IN_30D_RATIO] = over(value, new_sum_of(p, k, v, false, 2592000));
    want_days(row + WR_TF_FROM_OUT_DAYS, p, k, u, true);
    want_days(row + WR_TF_FROM_IN_DAYS, p, k, u, false);
    want_days(row + WR_TF_TO_IN_DAYS, p, k, v, false);
    want_days(row + WR_TF_TO_OUT_DAYS, p, k, v, true);
    want_last_new(row + WR_TF_FROM_NEW_PAYEE_OUT_PER_DAY, p, k, u, true);
    want_last_new(row + WR_TF_FROM_NEW_PAYER_OUT_PER_DAY, p, k, u, false);
    want_last_new(row + WR_TF_TO_NEW_PAYER_OUT_PER_DAY, p, k, v, false);
    want_last_new(row + WR_TF_TO_NEW_PAYEE_OUT_PER_DAY, p, k, v, true);
}

static inline void want_row(double *row, const past *p, uint64_t k)
{
    const wr_vid u = p->e[k].from, v = p->e[k].to;
    want_pair(row, p, k, false);
    want_pair(row, p, k, true);
    row[WR_TF_FROM_PORT] = port(p, k, u, true);
    row[WR_TF_TO_PORT] = port(p, k, v, false);
    row[WR_TF_FROM_OUT_GAP] = since(p, k, u, 1, true);
    row[WR_TF_FROM_IN_GAP] = since(p, k, u, 0, true);
    row[WR_TF_TO_IN_GAP] = since(p, k, v, 0, true);
    row[WR_TF_TO_OUT_GAP] = since(p, k, v, 1, true);
    row[WR_TF_FROM_IDLE] = since(p, k, u, 2, true);
    row[WR_TF_TO_IDLE] = since(p, k, v, 2, true);
    row[WR_TF_FROM_AGE] = since(p, k, u, 2, false);
    row[WR_TF_TO_AGE] = since(p, k, v, 2, false);
    want_new(row + WR_TF_FROM_NEW_OUT_24H, p, k, u, true);
    want_new(row + WR_TF_FROM_NEW_IN_24H, p, k, u, false);
    want_new(row + WR_TF_TO_NEW_IN_24H, p, k, v, false);
    want_new(row + WR_TF_TO_NEW_OUT_24H, p, k, v, true);
    row[WR_TF_FROM_CHAIN] = chain(p, u, p->e[k].time_s);
    row[WR_TF_TO_CHAIN] = chain(p, v, p->e[k].time_s);
    want_side(row + WR_TF_FROM_OUT_COUNT_1H, p, k, u, true);
    want_side(row + WR_TF_FROM_IN_COUNT_1H, p, k, u, false);
    want_side(row + WR_TF_TO_IN_COUNT_1H, p, k, v, false);
    want_side(row + WR_TF_TO_OUT_COUNT_1H, p, k, v, true);
    row[WR_TF_VALUE] = p->e[k].value;
    want_against(row + WR_TF_FROM_MEAN_RATIO, p, k, u, true);
    want_against(row + WR_TF_TO_MEAN_RATIO, p, k, v, false);
    row[WR_TF_ROUNDNESS] = zeros(p->e[k].value);
    row[WR_TF_IS_BELOW_LIMIT] = (p->e[k].value >= 900 && p->e[k].value < 1000) ||
                                (p->e[k].value >= 2700 && p->e[k].value < 3000) ||
                                (p->e[k].value >= 9000 && p->e[k].value < 10000);
    want_flow(row, p, k);
    want_days_and_new(row, p, k);
}

/* What transfer k changes for those behind it. */
static inline void past_take(past *p, uint64_t k)
{
    const wr_vid u = p->e[k].from, v = p->e[k].to;
    const uint32_t now = p->e[k].time_s;
    if (u == v)
        return;
    p->from_fan[k] = parties(p, k + 1, u, true, now, 2592000);
    p->to_fan[k] = parties(p, k + 1, v, false, now, 2592000);
    if (!is_first(p, k))
        return;
    const double longer = fmin(chain(p, u, now) + 1, 255);
    if (chain(p, v, now) > longer)
        return;
    p->chain[v] = (uint32_t)longer;
    p->chain_s[v] = now;
}

static inline void past_init(past *p, const flow_gen *g, uint32_t scale_s,
                             double value_scale)
{
    *p = (past){.m = g->m};
    p->e = wr_calloc(g->m, sizeof *p->e);
    p->from_fan = wr_calloc(g->m, sizeof *p->from_fan);
    p->to_fan = wr_calloc(g->m, sizeof *p->to_fan);
    p->chain = wr_calloc(g->fl.n, sizeof *p->chain);
    p->chain_s = wr_calloc(g->fl.n, sizeof *p->chain_s);
    for (uint64_t i = 0; i < g->m; i++)
        p->e[i] = (wr_feature_event){.from = g->from[i],
                                     .to = g->to[i],
                                     .time_s = g->time_s[i] * scale_s,
                                     .value = g->value[i] * value_scale};
}

static inline void past_release(past *p)
{
    wr_free(p->e);
    wr_free(p->from_fan);
    wr_free(p->to_fan);
    wr_free(p->chain);
    wr_free(p->chain_s);
}

#endif
