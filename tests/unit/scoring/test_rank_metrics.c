/* AUC and average precision against their definitions, counted out. */
#include "scoring/rank_metrics.h"

#include <math.h>

#include "wr_test.h"

/* Every (bad, good) pair. */
static double pairs_auc(const double *s, const bool *bad, size_t n)
{
    double wins = 0, pairs = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            if (bad[i] && !bad[j]) {
                wins += s[i] > s[j] ? 1 : s[i] == s[j] ? 0.5 : 0;
                pairs++;
            }
    return wins / pairs;
}

/* Every threshold that occurs: precision there, weighted by the recall it gains. */
static double thresholds_ap(const double *s, const bool *bad, size_t n)
{
    double ap = 0, recall = 0, total = 0;
    for (size_t i = 0; i < n; i++)
        total += bad[i];
    for (double t = HUGE_VAL;;) {
        double next = -HUGE_VAL, hit = 0, taken = 0;
        for (size_t i = 0; i < n; i++)
            if (s[i] < t && s[i] > next)
                next = s[i];
        if (next == -HUGE_VAL)
            return ap;
        t = next;
        for (size_t i = 0; i < n; i++) {
            taken += s[i] >= t;
            hit += s[i] >= t && bad[i];
        }
        ap += (hit / total - recall) * (hit / taken);
        recall = hit / total;
    }
}

static void test_rank_metrics__definitions(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 2000; seed++) {
        wr_rng r = {.s = seed};
        size_t n = 2 + wr_rng_below(&r, 40);
        uint64_t levels = 1 + wr_rng_below(&r, 30); /* few levels: many ties */
        double s[48];
        bool bad[48];
        for (size_t i = 0; i < n; i++) {
            s[i] = (double)wr_rng_below(&r, levels) / 7 - 1;
            bad[i] = wr_rng_below(&r, 3) == 0;
        }
        bad[0] = true;
        bad[1] = false;
        wr_rank_metrics m;
        assert_ok(wr_rank_metrics_of(&m, s, bad, n, &err));
        assert_true(fabs(m.auc - pairs_auc(s, bad, n)) < 1e-12);
        assert_true(fabs(m.ap - thresholds_ap(s, bad, n)) < 1e-12);
    }
}

static void test_rank_metrics__by_eye(void **state)
{
    (void)state;
    wr_rank_metrics m;
    const double s[] = {4, 3, 2, 1};
    const bool perfect[] = {1, 1, 0, 0}, worst[] = {0, 0, 1, 1}, mixed[] = {1, 0, 1, 0};
    assert_ok(wr_rank_metrics_of(&m, s, perfect, 4, &err));
    assert_true(m.auc == 1 && m.ap == 1);
    assert_ok(wr_rank_metrics_of(&m, s, worst, 4, &err));
    assert_true(m.auc == 0 && fabs(m.ap - (1.0 / 3 + 2.0 / 4) / 2) < 1e-15);
    assert_ok(wr_rank_metrics_of(&m, s, mixed, 4, &err));
    assert_true(m.auc == 0.75 && fabs(m.ap - (1.0 + 2.0 / 3) / 2) < 1e-15);
    const double same[] = {5, 5, 5, 5}; /* says nothing: base rate */
    assert_ok(wr_rank_metrics_of(&m, same, mixed, 4, &err));
    assert_true(m.auc == 0.5 && m.ap == 0.5);
}

static void test_rank_metrics__errors(void **state)
{
    (void)state;
    wr_rank_metrics m = {.auc = 7};
    const double s[] = {1, 2}, nan[] = {1, (double)NAN};
    const bool all[] = {1, 1}, none[] = {0, 0}, both[] = {1, 0};
    assert_err(WR_EINVAL, wr_rank_metrics_of(&m, s, all, 2, &err));
    assert_err(WR_EINVAL, wr_rank_metrics_of(&m, s, none, 2, &err));
    assert_err(WR_EINVAL, wr_rank_metrics_of(&m, nan, both, 2, &err));
    wr_err e = {0};
    assert_int_equal(wr_rank_metrics_of(&m, NULL, NULL, 0, &e), WR_EINVAL);
    assert_string_equal(e.msg, "0 bad and 0 good ones to rank");
    assert_true(m.auc == 7);
    assert_oom_safe(wr_rank_metrics_of(&m, s, both, 2, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_rank_metrics__definitions),
        wr_unit_test(test_rank_metrics__by_eye),
        wr_unit_test(test_rank_metrics__errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
