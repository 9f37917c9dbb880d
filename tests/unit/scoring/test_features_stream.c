/*
 * Every column of a transfer's row against a reference that looks at the whole list of
 * earlier transfers each time; and what the stream promises about order, errors, memory.
 */
#include "scoring/features_stream.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "flow_gen.h"

enum { GRAPHS = 400 };

static const uint32_t SCALE_S[] = {1, 700, 5000, 20000, 86400, 400000};
static const uint32_t WINDOW[] = {3600, 86400, 604800, 2592000};

typedef struct past {
    wr_feature_event *e;
    uint64_t m;
    double *from_fan, *to_fan; /* of each, as of behind it */
    uint32_t *chain, *chain_s; /* [n] */
} past;

static bool in_window(const past *p, uint64_t i, uint32_t now, uint32_t window)
{
    return (int64_t)p->e[i].time_s > (int64_t)now - window;
}

static bool is_self(const past *p, uint64_t i)
{
    return p->e[i].from == p->e[i].to;
}

/* Is transfer i one of v's on that side? */
static bool is_of(const past *p, uint64_t i, wr_vid v, bool is_out)
{
    return !is_self(p, i) && (is_out ? p->e[i].from : p->e[i].to) == v;
}

static wr_vid other(const past *p, uint64_t i, bool is_out)
{
    return is_out ? p->e[i].to : p->e[i].from;
}

static bool is_first(const past *p, uint64_t i)
{
    for (uint64_t j = 0; j < i; j++)
        if (p->e[j].from == p->e[i].from && p->e[j].to == p->e[i].to)
            return false;
    return true;
}

/* Among the first k transfers, counterparties of v within the window (0 = life). */
static double parties(const past *p, uint64_t k, wr_vid v, bool is_out, uint32_t now,
                      uint32_t window)
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

static void want_side(double *at, const past *p, uint64_t k, wr_vid v, bool is_out)
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

static void want_pair(double *row, const past *p, uint64_t k, bool is_reverse)
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
static double port(const past *p, uint64_t k, wr_vid v, bool is_out)
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
static double since(const past *p, uint64_t k, wr_vid v, int is_out, bool is_last)
{
    double gap = -1;
    for (uint64_t i = 0; i < k; i++)
        if ((is_out != 0 && is_of(p, i, v, true)) ||
            (is_out != 1 && is_of(p, i, v, false)))
            if (is_last || gap < 0)
                gap = p->e[k].time_s - p->e[i].time_s;
    return gap;
}

static void want_new(double *at, const past *p, uint64_t k, wr_vid v, bool is_out)
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

static double chain(const past *p, wr_vid v, uint32_t now)
{
    return p->chain[v] && now - p->chain_s[v] <= 2592000 ? p->chain[v] : 0;
}

static void want_against(double *at, const past *p, uint64_t k, wr_vid v, bool is_out)
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

static double sum_of(const past *p, uint64_t k, wr_vid v, bool is_out, uint32_t window)
{
    double sum = 0;
    for (uint64_t i = 0; i < k; i++)
        if (is_of(p, i, v, is_out) &&
            (!window || in_window(p, i, p->e[k].time_s, window)))
            sum += p->e[i].value;
    return sum;
}

static double over(double x, double base)
{
    return base > 0 ? fmin(x / base, 1e6) : -1;
}

static double pass(const past *p, uint64_t k, wr_vid v, uint32_t window)
{
    const double in = sum_of(p, k, v, false, window), out = sum_of(p, k, v, true, window);
    return over(fmin(in, out), fmax(in, out));
}

static double mean_fan(const past *p, uint64_t k, wr_vid v, bool is_out)
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
static double since_new(const past *p, uint64_t k, wr_vid v, bool is_out, double *value)
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

static double last_in(const past *p, uint64_t k, wr_vid v, bool *is_new)
{
    double value = 0;
    for (uint64_t i = 0; i < k; i++)
        if (is_of(p, i, v, false)) {
            value = p->e[i].value;
            *is_new = is_first(p, i);
        }
    return value;
}

static double zeros(double value)
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

static void want_flow(double *row, const past *p, uint64_t k)
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

static void want_row(double *row, const past *p, uint64_t k)
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
}

/* What transfer k changes for those behind it. */
static void past_take(past *p, uint64_t k)
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

static void past_init(past *p, const flow_gen *g, uint32_t scale_s, double value_scale)
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

static void past_release(past *p)
{
    wr_free(p->e);
    wr_free(p->from_fan);
    wr_free(p->to_fan);
    wr_free(p->chain);
    wr_free(p->chain_s);
}

static wr_feature_stream *stream_new(void)
{
    const wr_feature_stream_opts o = WR_FEATURE_STREAM_OPTS_INIT;
    wr_feature_stream *s = NULL;
    assert_ok(wr_feature_stream_new(&s, &o, &err));
    return s;
}

static void check_row(const float *row, const double *want, uint64_t seed, uint64_t k)
{
    for (uint32_t c = 0; c < WR_TF_COUNT; c++) {
        /* values in windows are on a grid of 1e-6 */
        const double room = 2e-5 * fmax(1, fabs(want[c]));
        if (!(fabs((double)row[c] - want[c]) <= room))
            fail_msg("seed %u, transfer %u, %s: %.9g, not %.9g", (unsigned)seed,
                     (unsigned)k, wr_feature_at(WR_FEATURE_TRANSFER, c)->name,
                     (double)row[c], want[c]);
    }
}

static void test_stream_next__every_column_against_the_whole_past(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < GRAPHS; seed++) {
        const flow_gen_opts o = flow_gen_shape(seed);
        flow_gen g;
        past p;
        flow_gen_init(&g, seed, &o);
        past_init(&p, &g, SCALE_S[seed % 6], seed % 3 ? 1 : 10);
        WR_AUTO(wr_feature_stream) s = stream_new();
        for (uint64_t k = 0; k < p.m; k++) {
            float row[WR_TF_COUNT];
            double want[WR_TF_COUNT];
            memset(row, 0x7f, sizeof row);
            for (int c = 0; c < WR_TF_COUNT; c++)
                want[c] = (double)NAN; /* no column is forgotten */
            assert_ok(wr_feature_stream_next(s, row, &p.e[k], &err));
            want_row(want, &p, k);
            check_row(row, want, seed, k);
            past_take(&p, k);
        }
        past_release(&p);
        flow_gen_release(&g);
    }
}

/* A busy made flow: few wallets, so that rows, tables and the log grow. */
static wr_feature_event busy(wr_rng *r, uint32_t k, uint32_t wallets)
{
    return (wr_feature_event){.from = (wr_vid)wr_rng_below(r, wallets),
                              .to = (wr_vid)wr_rng_below(r, wallets),
                              .time_s = k * 300,
                              .value = (double)wr_rng_below(r, 5000)};
}

static void test_stream_next__rows_nobody_asks_for_change_nothing(void **state)
{
    (void)state;
    WR_AUTO(wr_feature_stream) all = stream_new();
    WR_AUTO(wr_feature_stream) some = stream_new();
    wr_rng r = {.s = 5};
    for (uint32_t k = 0; k < 20000; k++) {
        const wr_feature_event e = busy(&r, k, 90);
        float a[WR_TF_COUNT], b[WR_TF_COUNT];
        assert_ok(wr_feature_stream_next(all, a, &e, &err));
        assert_ok(wr_feature_stream_next(some, k % 7 ? NULL : b, &e, &err));
        if (k % 7 == 0)
            assert_memory_equal(a, b, sizeof a);
    }
    assert_true(wr_feature_stream_bytes(all) == wr_feature_stream_bytes(some));
}

/* A transfer that is refused leaves no trace, whatever refuses it. */
static void test_stream_next__refused_leaves_the_state_as_it_was(void **state)
{
    (void)state;
    WR_AUTO(wr_feature_stream) clean = stream_new();
    WR_AUTO(wr_feature_stream) tried = stream_new();
    wr_rng r = {.s = 6};
    long failed = 0;
    for (uint32_t k = 0; k < 4000; k++) {
        const wr_feature_event e = busy(&r, k, 100 + k);
        float a[WR_TF_COUNT], b[WR_TF_COUNT];
        assert_ok(wr_feature_stream_next(clean, a, &e, &err));
        for (long allowed = 0;; allowed++) {
            const long live = wr_mem_test_live();
            wr_err err = {0};
            wr_mem_test_fail_after(allowed);
            const wr_status st = wr_feature_stream_next(tried, b, &e, &err);
            wr_mem_test_fail_after(-1);
            if (st == WR_OK)
                break;
            assert_int_equal(st, WR_ENOMEM);
            assert_true(wr_mem_test_live() == live || allowed > 0);
            failed++;
        }
        assert_memory_equal(a, b, sizeof a);
        const wr_feature_event late = {.from = 1, .to = 2, .time_s = e.time_s - 1};
        if (k)
            assert_err(WR_EINVAL, wr_feature_stream_next(tried, b, &late, &err));
    }
    assert_true(failed > 10);
}

static void test_stream_next__errors_say_what(void **state)
{
    (void)state;
    wr_feature_stream_opts o = WR_FEATURE_STREAM_OPTS_INIT;
    o.wallet_max = 10;
    o.pair_max = 2;
    wr_feature_stream *s = NULL;
    assert_ok(wr_feature_stream_new(&s, &o, &err));
    float row[WR_TF_COUNT];
    const struct {
        wr_feature_event e;
        wr_status status;
        const char *message;
    } list[] = {
        {{1, 2, 100, 1}, WR_OK, ""},
        {{1, 3, 99, 1}, WR_EINVAL, "transfer at 99 after one at 100"},
        {{1, 3, 100, -1}, WR_EINVAL, "value -1"},
        {{1, 3, 100, (double)NAN}, WR_EINVAL, "value nan"},
        {{1, 3, 100, 2e39}, WR_EINVAL, "value 2e+39"},
        {{1, 10, 100, 1}, WR_ELIMIT, "wallet 10 of at most 10"},
        {{WR_VID_NONE, 1, 100, 1}, WR_ELIMIT, "wallet 4294967295 of at most 10"},
        {{2, 1, 100, 1e39}, WR_OK, ""},
        {{2, 3, 100, 1}, WR_ELIMIT, "more than 2 pairs of wallets"},
        {{3, 3, 100, 1}, WR_OK, ""},
        {{1, 2, 100, 1e39}, WR_OK, ""},
        {{2, 1, 101, 0}, WR_OK, ""},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        wr_err err = {0};
        assert_int_equal(wr_feature_stream_next(s, row, &list[i].e, &err),
                         list[i].status);
        assert_string_equal(err.msg, list[i].message);
        for (int c = 0; list[i].status == WR_OK && c < WR_TF_COUNT; c++)
            assert_true(isfinite(row[c]));
    }
    wr_feature_stream_free(s);
}

static void test_stream_new__errors_and_memory(void **state)
{
    (void)state;
    wr_feature_stream_opts o = WR_FEATURE_STREAM_OPTS_INIT;
    wr_feature_stream *s = NULL;
    assert_oom_safe(wr_feature_stream_new(&s, &o, &err));
    wr_feature_stream_free(s);
    wr_feature_stream_free(NULL);
    wr_err err = {0};
    o.limit[1] = -5;
    assert_int_equal(wr_feature_stream_new(&s, &o, &err), WR_EINVAL);
    assert_string_equal(err.msg, "reporting limit -5");
    o.limit[1] = 0;
    o.pair_max = 0;
    err = (wr_err){0};
    assert_int_equal(wr_feature_stream_new(&s, &o, &err), WR_EINVAL);
    assert_string_equal(err.msg, "at most 0 wallets or pairs");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_stream_next__every_column_against_the_whole_past),
        wr_unit_test(test_stream_next__rows_nobody_asks_for_change_nothing),
        wr_unit_test(test_stream_next__refused_leaves_the_state_as_it_was),
        wr_unit_test(test_stream_next__errors_say_what),
        wr_unit_test(test_stream_new__errors_and_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
