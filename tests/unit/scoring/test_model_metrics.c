/*
 * Metrics against their definitions: budgets over every order of what ties, thresholds
 * tried one by one, intervals against a bootstrap that copies rows.
 */
#include "scoring/model_metrics.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "scoring/rank_metrics.h"
#include "wr_test.h"

enum { N = 400 };

static void rows_of(uint64_t seed, double *s, bool *bad, uint32_t *incident)
{
    wr_rng r = {.s = seed};
    const uint64_t levels = 3 + wr_rng_below(&r, 200);
    for (uint32_t i = 0; i < N; i++) {
        s[i] = (double)wr_rng_below(&r, levels) / 16;
        bad[i] = wr_rng_unit(&r) < 0.02 + 0.3 * s[i] * 16 / (double)levels;
        incident[i] =
            wr_rng_below(&r, 3) ? (uint32_t)wr_rng_below(&r, 40) : WR_INCIDENT_NONE;
    }
    bad[0] = true;
    bad[1] = false;
}

/* Mean of recall at k over many random orders of the rows. */
static double shuffled_hits(const double *s, const bool *bad, size_t k, wr_rng *r)
{
    enum { TURNS = 4000 };
    uint32_t at[N];
    double hits = 0;
    for (uint32_t i = 0; i < N; i++)
        at[i] = i;
    for (int turn = 0; turn < TURNS; turn++) {
        for (uint32_t i = N - 1; i > 0; i--) {
            const uint32_t j = (uint32_t)wr_rng_below(r, i + 1);
            const uint32_t keep = at[i];
            at[i] = at[j];
            at[j] = keep;
        }
        bool taken[N] = {0};
        for (size_t n = 0; n < k; n++) { /* the first of the worst ones left */
            uint32_t best = UINT32_MAX;
            for (uint32_t i = 0; i < N; i++)
                if (!taken[at[i]] && (best == UINT32_MAX || s[at[i]] > s[best]))
                    best = at[i];
            taken[best] = true;
            hits += bad[best];
        }
    }
    return hits / TURNS;
}

static void test_model_metrics_of__budgets(void **state)
{
    (void)state;
    double s[N];
    bool bad[N];
    uint32_t incident[N];
    wr_rng r = {.s = 1};
    for (uint64_t seed = 0; seed < 5; seed++) {
        wr_model_metrics m;
        wr_rank_metrics rank;
        rows_of(seed, s, bad, incident);
        assert_ok(wr_model_metrics_of(&m, s, bad, N, &err));
        assert_ok(wr_rank_metrics_of(&rank, s, bad, N, &err));
        assert_true(m.pr_auc == rank.ap && m.roc_auc == rank.auc);
        const uint64_t alerts[] = {1, 2, 4}; /* of 400: .4 -> 1, 2, 4 */
        for (int b = 0; b < WR_METRICS_BUDGETS; b++) {
            assert_int_equal(m.budget[b].alerts, alerts[b]);
            const double hits = m.budget[b].precision * (double)alerts[b];
            assert_true(fabs(hits - m.budget[b].recall * (double)m.bad) < 1e-9);
            assert_true(fabs(hits - shuffled_hits(s, bad, alerts[b], &r)) < 0.1);
        }
    }
}

static void test_model_metrics_of__by_hand(void **state)
{
    (void)state;
    static double s[1000];
    static bool bad[1000];
    wr_model_metrics m;
    for (int i = 0; i < 1000; i++)
        s[i] = i < 20 ? 9 : -i; /* twenty tie at the top, two of them bad */
    bad[3] = bad[11] = bad[500] = bad[999] = true;
    assert_ok(wr_model_metrics_of(&m, s, bad, 1000, &err));
    assert_int_equal(m.rows, 1000);
    assert_int_equal(m.bad, 4);
    assert_int_equal(m.budget[0].alerts, 1);
    assert_int_equal(m.budget[1].alerts, 5);
    assert_int_equal(m.budget[2].alerts, 10);
    assert_true(fabs(m.budget[0].precision - 0.1) < 1e-15);
    assert_true(fabs(m.budget[1].recall - 5 * 0.1 / 4) < 1e-15);
    assert_true(fabs(m.budget[2].recall - 10 * 0.1 / 4) < 1e-15);
    /* .01 of 300 is three alerts, though the product of doubles is below 3 */
    assert_ok(wr_model_metrics_of(&m, s, bad, 300, &err));
    assert_int_equal(m.budget[2].alerts, 3);
}

static void test_metrics_best_f1__every_threshold(void **state)
{
    (void)state;
    double s[N];
    bool bad[N];
    uint32_t incident[N];
    for (uint64_t seed = 0; seed < 200; seed++) {
        wr_threshold_metrics best, m;
        rows_of(seed, s, bad, incident);
        assert_ok(wr_metrics_best_f1(&best, s, bad, N, &err));
        for (size_t i = 0; i < N; i++) {
            assert_ok(wr_metrics_at(&m, s, bad, N, s[i], &err));
            assert_true(m.f1 <= best.f1);
            if (m.f1 == best.f1)
                assert_true(s[i] <= best.threshold);
        }
        assert_ok(wr_metrics_at(&m, s, bad, N, best.threshold, &err));
        assert_memory_equal(&m, &best, sizeof m);
        const double f1 = 2 * m.precision * m.recall / (m.precision + m.recall);
        assert_true(m.f1 == 0 || fabs(m.f1 - f1) < 1e-12);
    }
}

static void test_metrics_at__by_hand(void **state)
{
    (void)state;
    const double s[] = {5, 4, 4, 2, 1};
    const bool bad[] = {1, 0, 1, 1, 0};
    wr_threshold_metrics m;
    assert_ok(wr_metrics_at(&m, s, bad, 5, 4, &err)); /* >= */
    assert_int_equal(m.alerts, 3);
    assert_true(m.precision == 2.0 / 3 && m.recall == 2.0 / 3);
    assert_true(fabs(m.f1 - 2.0 / 3) < 1e-15);
    assert_ok(wr_metrics_at(&m, s, bad, 5, 5.5, &err));
    assert_true(m.alerts == 0 && m.precision == 0 && m.recall == 0 && m.f1 == 0);
    assert_ok(wr_metrics_best_f1(&m, s, bad, 5, &err));
    assert_true(m.threshold == 2 && m.alerts == 4); /* 3 of 4 and 3 of 3: 6/7 */
    assert_true(fabs(m.f1 - 6.0 / 7) < 1e-15);
}

/* ---- intervals ---- */

/* A bootstrap that copies the rows of drawn incidents: mean and spread of its draws. */
static void copied(const double *s, const bool *bad, const uint32_t *incident,
                   double *mean, double *spread)
{
    enum { DRAWS = 3000 };
    wr_rng r = {.s = 99};
    uint32_t group[N], groups = 0;
    bool has_bad[N] = {0};
    for (uint32_t i = 0; i < N; i++) {
        group[i] = UINT32_MAX;
        for (uint32_t k = 0; k < i; k++)
            if (incident[i] != WR_INCIDENT_NONE && incident[k] == incident[i])
                group[i] = group[k];
        if (group[i] == UINT32_MAX)
            group[i] = groups++;
        has_bad[group[i]] |= bad[i];
    }
    double sum = 0, squares = 0;
    double *cs = wr_calloc((size_t)N * N, sizeof *cs);
    bool *cb = wr_calloc((size_t)N * N, sizeof *cb);
    for (int d = 0; d < DRAWS; d++) {
        size_t n = 0;
        for (uint32_t g = 0; g < groups; g++) { /* one of the same kind in its place */
            uint32_t pick;
            do
                pick = (uint32_t)wr_rng_below(&r, groups);
            while (has_bad[pick] != has_bad[g]);
            for (uint32_t i = 0; i < N; i++)
                if (group[i] == pick) {
                    cs[n] = s[i];
                    cb[n++] = bad[i];
                }
        }
        wr_rank_metrics m;
        assert_ok(wr_rank_metrics_of(&m, cs, cb, n, &err));
        sum += m.ap;
        squares += m.ap * m.ap;
    }
    *mean = sum / DRAWS;
    *spread = sqrt(squares / DRAWS - *mean * *mean);
    wr_free(cs);
    wr_free(cb);
}

static void test_metrics_interval__copied_rows(void **state)
{
    (void)state;
    double s[N];
    bool bad[N];
    uint32_t incident[N];
    wr_interval in;
    wr_rank_metrics rank;
    wr_interval_opts o = WR_INTERVAL_OPTS_INIT;
    rows_of(3, s, bad, incident);
    o.level_prob = 0.6827; /* one standard deviation to each side */
    assert_ok(wr_metrics_interval(&in, &(wr_interval_rows){N, s, NULL, bad, incident}, &o,
                                  &err));
    assert_ok(wr_rank_metrics_of(&rank, s, bad, N, &err));
    assert_true(fabs(in.value - rank.ap) < 1e-12);
    double mean, spread;
    copied(s, bad, incident, &mean, &spread);
    assert_true(fabs((in.low + in.high) / 2 - mean) < 0.15 * spread);
    assert_true(fabs((in.high - in.low) / 2 - spread) < 0.1 * spread);
    /* rows that hang together say less: drawn one by one they would seem to say more */
    wr_interval alone;
    for (uint32_t i = 0; i < N; i++)
        bad[i] = (incident[i] = i / 20) % 4 == 0, s[i] = (incident[i] * 7 % 20) + i % 2;
    assert_ok(wr_metrics_interval(&in, &(wr_interval_rows){N, s, NULL, bad, incident}, &o,
                                  &err));
    assert_ok(wr_metrics_interval(&alone, &(wr_interval_rows){N, s, NULL, bad, NULL}, &o,
                                  &err));
    assert_true(alone.value == in.value);
    assert_true(in.high - in.low > 2 * (alone.high - alone.low));
}

static void test_metrics_interval__budget_and_difference(void **state)
{
    (void)state;
    double s[N], t[N];
    bool bad[N];
    uint32_t incident[N];
    wr_interval in, other, gap;
    wr_model_metrics m;
    wr_interval_opts o = WR_INTERVAL_OPTS_INIT;
    o.draws = 500;
    o.budget = 0.01;
    rows_of(4, s, bad, incident);
    assert_ok(wr_model_metrics_of(&m, s, bad, N, &err));
    assert_ok(wr_metrics_interval(&in, &(wr_interval_rows){N, s, NULL, bad, incident}, &o,
                                  &err));
    assert_true(fabs(in.value - m.budget[2].recall) < 1e-12);
    assert_true(in.low >= 0 && in.low <= in.value && in.value <= in.high);
    o.budget = 1;
    assert_ok(wr_metrics_interval(&in, &(wr_interval_rows){N, s, NULL, bad, incident}, &o,
                                  &err));
    assert_true(in.low == 1 && in.high == 1);
    o.budget = 0;
    for (size_t i = 0; i < N; i++)
        t[i] = bad[i] ? s[i] + 3 : s[i];
    assert_ok(
        wr_metrics_interval(&gap, &(wr_interval_rows){N, s, s, bad, incident}, &o, &err));
    assert_true(gap.value == 0 && gap.low == 0 && gap.high == 0);
    assert_ok(
        wr_metrics_interval(&gap, &(wr_interval_rows){N, t, s, bad, incident}, &o, &err));
    assert_ok(wr_metrics_interval(&in, &(wr_interval_rows){N, t, NULL, bad, incident}, &o,
                                  &err));
    assert_ok(wr_metrics_interval(&other, &(wr_interval_rows){N, s, NULL, bad, incident},
                                  &o, &err));
    assert_true(fabs(gap.value - (in.value - other.value)) < 1e-12);
    assert_true(gap.low > 0);
}

static void test_metrics_interval__same_bits_for_any_thread_count(void **state)
{
    (void)state;
    double s[N];
    bool bad[N];
    uint32_t incident[N];
    wr_interval want, in;
    wr_interval_opts o = WR_INTERVAL_OPTS_INIT;
    rows_of(5, s, bad, incident);
    const int before = omp_get_max_threads();
    omp_set_num_threads(1);
    assert_ok(wr_metrics_interval(&want, &(wr_interval_rows){N, s, NULL, bad, incident},
                                  &o, &err));
    for (int t = 2; t <= 8; t *= 2) {
        omp_set_num_threads(t);
        assert_ok(wr_metrics_interval(&in, &(wr_interval_rows){N, s, NULL, bad, incident},
                                      &o, &err));
        assert_memory_equal(&in, &want, sizeof in);
    }
    omp_set_num_threads(before);
    o.seed = 2;
    assert_ok(wr_metrics_interval(&in, &(wr_interval_rows){N, s, NULL, bad, incident}, &o,
                                  &err));
    assert_true(in.value == want.value && in.low != want.low);
}

static void test_model_metrics__errors(void **state)
{
    (void)state;
    const double s[] = {1, 2, 3}, wrong[] = {1, (double)NAN, 3};
    const bool bad[] = {0, 1, 0}, none[] = {0, 0, 0};
    const uint32_t far[] = {0, 3, WR_INCIDENT_NONE}, near[] = {0, 1, WR_INCIDENT_NONE};
    wr_model_metrics m = {.rows = 7};
    wr_threshold_metrics t = {.alerts = 7};
    wr_interval in = {.value = 7};
    const wr_interval_opts o = WR_INTERVAL_OPTS_INIT;
    wr_interval_opts p;
    wr_err e = {0};
    assert_int_equal(wr_model_metrics_of(&m, s, none, 3, &e), WR_EINVAL);
    assert_string_equal(e.msg, "0 bad and 3 good rows");
    e = (wr_err){0};
    assert_int_equal(wr_model_metrics_of(&m, wrong, bad, 3, &e), WR_EINVAL);
    assert_string_equal(e.msg, "score nan of row 1");
    assert_err(WR_EINVAL, wr_model_metrics_of(&m, s, bad, 0, &err));
    e = (wr_err){0};
    assert_int_equal(wr_metrics_at(&t, s, none, 3, 2, &e), WR_EINVAL);
    assert_string_equal(e.msg, "0 bad and 3 good rows, threshold 2");
    assert_err(WR_EINVAL, wr_metrics_at(&t, s, bad, 3, (double)NAN, &err));
    assert_err(WR_EINVAL, wr_metrics_at(&t, wrong, bad, 3, 1, &err));
    assert_err(WR_EINVAL, wr_metrics_best_f1(&t, s, none, 3, &err));
    assert_err(
        WR_EINVAL,
        wr_metrics_interval(&in, &(wr_interval_rows){3, s, NULL, none, NULL}, &o, &err));
    assert_err(
        WR_EINVAL,
        wr_metrics_interval(&in, &(wr_interval_rows){3, s, wrong, bad, NULL}, &o, &err));
    e = (wr_err){0};
    assert_int_equal(
        wr_metrics_interval(&in, &(wr_interval_rows){3, s, NULL, bad, far}, &o, &e),
        WR_EINVAL);
    assert_string_equal(e.msg, "incident 3 of row 1");
#define OPTION(field, bad_value, text)                                                 \
    do {                                                                               \
        p = o;                                                                         \
        p.field = bad_value;                                                           \
        e = (wr_err){0};                                                               \
        assert_int_equal(wr_metrics_interval(                                          \
                             &in, &(wr_interval_rows){3, s, NULL, bad, NULL}, &p, &e), \
                         WR_EINVAL);                                                   \
        assert_string_equal(e.msg, text);                                              \
    } while (0)
    OPTION(budget, 1.5, "budget 1.5 outside 0..1");
    OPTION(draws, 0, "draws 0 outside 1..100000");
    OPTION(level_prob, 1, "level 1 not between 0 and 1");
    assert_true(m.rows == 7 && t.alerts == 7 && in.value == 7);
    assert_oom_safe(wr_model_metrics_of(&m, s, bad, 3, &err));
    assert_oom_safe(wr_metrics_best_f1(&t, s, bad, 3, &err));
    assert_oom_safe(
        wr_metrics_interval(&in, &(wr_interval_rows){3, s, s, bad, near}, &o, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_model_metrics_of__budgets),
        wr_unit_test(test_model_metrics_of__by_hand),
        wr_unit_test(test_metrics_best_f1__every_threshold),
        wr_unit_test(test_metrics_at__by_hand),
        wr_unit_test(test_metrics_interval__copied_rows),
        wr_unit_test(test_metrics_interval__budget_and_difference),
        wr_unit_test(test_metrics_interval__same_bits_for_any_thread_count),
        wr_unit_test(test_model_metrics__errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
