/* Population stability against values worked out by hand. */
#include "scoring/drift.h"

#include <math.h>
#include <string.h>

#include "wr_test.h"

static void upto(double *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        v[i] = (double)(i * 7 % n);
}

static void test_drift_learn__deciles(void **state)
{
    (void)state;
    double v[1000];
    wr_drift d;
    upto(v, 1000);
    assert_ok(wr_drift_learn(&d, v, 1000, WR_DRIFT_BINS, &err));
    assert_int_equal(d.cuts, 9);
    assert_int_equal(wr_drift_bins(&d), 11);
    for (uint32_t b = 0; b < 10; b++) {
        assert_true(fabs(d.share[b] - 0.1) < 1e-15);
        if (b < 9)
            assert_true(d.cut[b] == 100.0 * (b + 1));
    }
    assert_true(d.share[10] == 0);
    assert_int_equal(wr_drift_bin(&d, -5), 0);
    assert_int_equal(wr_drift_bin(&d, 99.9), 0);
    assert_int_equal(wr_drift_bin(&d, 100), 1); /* a cut belongs above */
    assert_int_equal(wr_drift_bin(&d, (double)INFINITY), 9);
    assert_int_equal(wr_drift_bin(&d, (double)NAN), 10);
    double psi;
    assert_ok(wr_drift_psi_of(&psi, &d, v, 1000, &err));
    assert_true(psi == 0);
}

/* Shares .5 .5 in training, .7 .3 now: .2 ln(1.4) - .2 ln(.6). */
static void test_drift_psi__by_hand(void **state)
{
    (void)state;
    const double train[] = {1, 2, 3, 4};
    wr_drift d;
    double psi;
    assert_ok(wr_drift_learn(&d, train, 4, 2, &err));
    assert_int_equal(d.cuts, 1);
    assert_true(d.cut[0] == 3);
    const uint64_t now[] = {7, 3, 0};
    assert_ok(wr_drift_psi(&psi, &d, now, &err));
    assert_true(fabs(psi - (0.2 * log(1.4) - 0.2 * log(0.6))) < 1e-12);
    /* missing now and never before: .5, .5, floor against .25, .25, .5 */
    const double half[] = {1, (double)NAN, 4, (double)NAN};
    const double want = 2 * (0.25 - 0.5) * log(0.5) + (0.5 - 1e-4) * log(0.5 / 1e-4);
    assert_ok(wr_drift_psi_of(&psi, &d, half, 4, &err));
    assert_true(fabs(psi - want) < 1e-12);
}

/* One value nearly everywhere: what lies above it stays in sight. */
static void test_drift_learn__repeated_values(void **state)
{
    (void)state;
    double v[1000] = {0}, psi;
    wr_drift d;
    for (int i = 0; i < 10; i++)
        v[i] = 5 + i;
    assert_ok(wr_drift_learn(&d, v, 1000, 10, &err));
    assert_int_equal(d.cuts, 1);
    assert_true(d.cut[0] == 5 && fabs(d.share[1] - 0.01) < 1e-15);
    for (int i = 0; i < 100; i++)
        v[i] = 5;
    assert_ok(wr_drift_psi_of(&psi, &d, v, 1000, &err));
    assert_true(fabs(psi - (0.09 * log(10) - 0.09 * log(0.9 / 0.99))) < 1e-12);
    /* in the middle */
    for (int i = 0; i < 1000; i++)
        v[i] = i < 300 ? i : i < 900 ? 500 : i;
    assert_ok(wr_drift_learn(&d, v, 1000, 10, &err));
    const double cut[] = {100, 200, 500, 900};
    assert_int_equal(d.cuts, 4);
    assert_memory_equal(d.cut, cut, sizeof cut);
    assert_true(fabs(d.share[3] - 0.6) < 1e-15);
    /* nothing but one value, nothing but missing ones */
    for (int i = 0; i < 1000; i++)
        v[i] = 4;
    assert_ok(wr_drift_learn(&d, v, 1000, 10, &err));
    assert_true(d.cuts == 0 && d.share[0] == 1 && d.share[1] == 0);
    for (int i = 0; i < 1000; i++)
        v[i] = (double)NAN;
    assert_ok(wr_drift_learn(&d, v, 1000, 10, &err));
    assert_true(d.cuts == 0 && d.share[0] == 0 && d.share[1] == 1);
}

static void test_drift_print__comes_back(void **state)
{
    (void)state;
    wr_rng r = {.s = 2};
    double v[500];
    wr_drift d, e = {.cuts = 0};
    wr_buf b;
    for (int i = 0; i < 500; i++)
        v[i] = i % 9 == 0   ? (double)NAN
               : i % 3 == 0 ? (double)INFINITY
                            : wr_rng_unit(&r) - 0.5;
    wr_buf_init(&b, 1 << 16);
    assert_ok(wr_drift_learn(&d, v, 500, WR_DRIFT_BINS_MAX, &err));
    wr_drift_print(&b, &d);
    assert_ok(wr_drift_parse(&e, wr_buf_cstr(&b), &err));
    assert_int_equal(d.cuts, e.cuts);
    assert_true(isinf(e.cut[e.cuts - 1]));
    assert_memory_equal(d.cut, e.cut, d.cuts * sizeof d.cut[0]);
    assert_memory_equal(d.share, e.share, wr_drift_bins(&d) * sizeof d.share[0]);
    wr_buf_release(&b);
}

static void assert_no_parse(const char *text, const char *msg)
{
    wr_drift d = {.cuts = 3};
    wr_err e = {0};
    assert_int_equal(wr_drift_parse(&d, text, &e), WR_EPARSE);
    assert_string_equal(e.msg, msg);
    assert_int_equal(d.cuts, 3);
}

static void test_drift__errors(void **state)
{
    (void)state;
    const double v[] = {1, 2};
    const uint64_t none[3] = {0};
    wr_drift d = {.cuts = 3};
    double psi = 7;
    wr_err e = {0};
    assert_int_equal(wr_drift_learn(&d, v, 2, 1, &e), WR_EINVAL);
    assert_string_equal(e.msg, "bins 1 outside 2..50");
    assert_err(WR_EINVAL, wr_drift_learn(&d, v, 2, 51, &err));
    e = (wr_err){0};
    assert_int_equal(wr_drift_learn(&d, v, 0, 10, &e), WR_EINVAL);
    assert_string_equal(e.msg, "no values to learn from");
    assert_int_equal(d.cuts, 3);
    assert_oom_safe(wr_drift_learn(&d, v, 2, 2, &err));
    e = (wr_err){0};
    assert_int_equal(wr_drift_psi(&psi, &d, none, &e), WR_EINVAL);
    assert_string_equal(e.msg, "no values to compare");
    assert_err(WR_EINVAL, wr_drift_psi_of(&psi, &d, NULL, 0, &err));
    assert_true(psi == 7);
    const char *number = "drift: a number is missing or wrong";
    assert_no_parse("", "not 'drift 1'");
    assert_no_parse("drift 2 0", "not 'drift 1'");
    assert_no_parse("drift 1 50", "drift: number of cuts outside 0..49");
    assert_no_parse("drift 1 x", "drift: number of cuts outside 0..49");
    assert_no_parse("drift 1 2 5 5 .5 .5 0 0",
                    "drift: cut 2 is not above the one before");
    assert_no_parse("drift 1 1 5 .5 .5", number);
    assert_no_parse("drift 1 1 5 -.5 .5 1", number);
    assert_no_parse("drift 1 1 nan .5 .5 0", number);
    assert_no_parse("drift 1 1 5 .5 .5 0 1", "drift: text behind its end");
    assert_no_parse("drift 1 1 5 .5 .5 .5", "drift: shares add up to 1.5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_drift_learn__deciles),
        wr_unit_test(test_drift_psi__by_hand),
        wr_unit_test(test_drift_learn__repeated_values),
        wr_unit_test(test_drift_print__comes_back),
        wr_unit_test(test_drift__errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
