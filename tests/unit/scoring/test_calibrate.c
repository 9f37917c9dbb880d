/*
 * Calibration against slow references: isotonic regression by its max-min formula, Platt
 * by nested bisection on the two derivatives of its loss.
 */
#include "scoring/calibrate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wr_test.h"

static const wr_calibration_opts PLATT = {.isotonic_from_bad = UINT64_MAX};
static const wr_calibration_opts ISOTONIC = {.isotonic_from_bad = 0};

/* ---- references ---- */

/* max over a <= i of min over b >= i of the mean of a..b, over distinct margins. */
static double max_min(const double *m, const bool *bad, size_t n, double at)
{
    double best = -1;
    for (size_t a = 0; a < n; a++) {
        if (m[a] > at)
            continue;
        double least = 2;
        for (size_t b = 0; b < n; b++) {
            if (m[b] < at)
                continue;
            double rows = 0, hit = 0;
            for (size_t i = 0; i < n; i++)
                if (m[i] >= m[a] && m[i] <= m[b]) {
                    rows++;
                    hit += bad[i];
                }
            least = fmin(least, hit / rows);
        }
        best = fmax(best, least);
    }
    return best;
}

/* Derivatives of Platt's loss by intercept and by slope. */
static double by_intercept(const double *m, const bool *bad, size_t n, double a, double b)
{
    double hits = 0, sum = 0;
    for (size_t i = 0; i < n; i++)
        hits += bad[i];
    for (size_t i = 0; i < n; i++)
        sum += 1 / (1 + exp(-(a * m[i] + b))) -
               (bad[i] ? (hits + 1) / (hits + 2) : 1 / ((double)n - hits + 2));
    return sum;
}

static double best_intercept(const double *m, const bool *bad, size_t n, double a)
{
    double lo = -200, hi = 200;
    for (int k = 0; k < 100; k++) {
        const double mid = (lo + hi) / 2;
        if (by_intercept(m, bad, n, a, mid) > 0)
            hi = mid;
        else
            lo = mid;
    }
    return lo;
}

static double by_slope(const double *m, const bool *bad, size_t n, double a)
{
    const double b = best_intercept(m, bad, n, a);
    double hits = 0, sum = 0;
    for (size_t i = 0; i < n; i++)
        hits += bad[i];
    for (size_t i = 0; i < n; i++)
        sum += m[i] * (1 / (1 + exp(-(a * m[i] + b))) -
                       (bad[i] ? (hits + 1) / (hits + 2) : 1 / ((double)n - hits + 2)));
    return sum;
}

static double best_slope(const double *m, const bool *bad, size_t n)
{
    double lo = 0, hi = 50;
    if (by_slope(m, bad, n, 0) >= 0) /* falling: the best non-decreasing one is flat */
        return 0;
    for (int k = 0; k < 80; k++) {
        const double mid = (lo + hi) / 2;
        if (by_slope(m, bad, n, mid) > 0)
            hi = mid;
        else
            lo = mid;
    }
    return lo;
}

/* ---- */

static size_t random_rows(uint64_t seed, double *m, bool *bad, size_t most)
{
    wr_rng r = {.s = seed};
    const size_t n = 2 + wr_rng_below(&r, most - 2);
    const uint64_t levels = 2 + wr_rng_below(&r, 40); /* few: many equal margins */
    const double slope = 4 * wr_rng_unit(&r) - 1;
    for (size_t i = 0; i < n; i++) {
        m[i] = (double)wr_rng_below(&r, levels) / 8 - 2;
        bad[i] = wr_rng_unit(&r) < 1 / (1 + exp(1 - slope * m[i]));
    }
    bad[0] = true;
    bad[1] = false;
    return n;
}

static void assert_monotone(const wr_calibration *c)
{
    double last = 0;
    for (double m = -40; m <= 40; m += 0.05) {
        const double p = wr_calibration_apply(c, m);
        assert_true(p >= last);
        assert_true(p >= 0.5 / (double)c->rows && p <= 1 - 0.5 / (double)c->rows);
        last = p;
    }
    assert_true(wr_calibration_apply(c, -(double)INFINITY) <=
                wr_calibration_apply(c, -1e300));
    assert_true(wr_calibration_apply(c, (double)INFINITY) >=
                wr_calibration_apply(c, 1e300));
}

static void test_calibration_fit__isotonic_is_max_min(void **state)
{
    (void)state;
    enum { MOST = 36 };
    for (uint64_t seed = 0; seed < 400; seed++) {
        double m[MOST];
        bool bad[MOST];
        const size_t n = random_rows(seed, m, bad, MOST);
        wr_calibration c;
        assert_ok(wr_calibration_fit(&c, m, bad, n, &ISOTONIC, &err));
        assert_int_equal(c.kind, WR_CALIBRATION_ISOTONIC);
        for (size_t i = 0; i < n; i++) {
            const double want = fmin(fmax(max_min(m, bad, n, m[i]), 0.5 / (double)n),
                                     1 - 0.5 / (double)n);
            assert_true(fabs(wr_calibration_apply(&c, m[i]) - want) < 1e-12);
        }
        assert_monotone(&c);
        wr_calibration_release(&c);
    }
}

static void test_calibration_fit__isotonic_by_eye(void **state)
{
    (void)state;
    const double m[] = {3, 1, 2, 5, 4, 4, 7, 8};
    const bool bad[] = {0, 0, 1, 0, 1, 1, 1, 1};
    /* 1: 0;  2, 3: 1/2;  4, 4, 5: 2/3;  7, 8: 1, all within [1/16, 15/16] */
    wr_calibration c;
    assert_ok(wr_calibration_fit(&c, m, bad, 8, &ISOTONIC, &err));
    const struct {
        double margin, p;
    } want[] = {{-9, 1.0 / 16}, {1, 1.0 / 16},  {1.5, 9.0 / 32}, {2, 0.5},
                {2.7, 0.5},     {3, 0.5},       {3.5, 7.0 / 12}, {4.9, 2.0 / 3},
                {5, 2.0 / 3},   {6, 77.0 / 96}, {7, 15.0 / 16},  {99, 15.0 / 16}};
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
        assert_true(fabs(wr_calibration_apply(&c, want[i].margin) - want[i].p) < 1e-12);
    wr_calibration_release(&c);
}

static void test_calibration_fit__platt_is_the_minimum(void **state)
{
    (void)state;
    enum { MOST = 300 };
    int flat = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        double m[MOST];
        bool bad[MOST];
        const size_t n = random_rows(seed, m, bad, MOST);
        wr_calibration c;
        assert_ok(wr_calibration_fit(&c, m, bad, n, &PLATT, &err));
        assert_int_equal(c.kind, WR_CALIBRATION_PLATT);
        const double a = best_slope(m, bad, n);
        const double b = best_intercept(m, bad, n, a);
        assert_true(fabs(c.slope - a) < 1e-5 * (1 + a));
        assert_true(fabs(c.intercept - b) < 1e-5 * (1 + fabs(b)));
        flat += c.slope == 0.0;
        assert_monotone(&c);
        wr_calibration_release(&c);
    }
    assert_true(flat > 0 && flat < 60);
}

/* Margins of any size, and a set that is separated: the targets keep it finite. */
static void test_calibration_fit__platt_scale(void **state)
{
    (void)state;
    double m[100], big[100];
    bool bad[100];
    wr_rng r = {.s = 4};
    for (size_t i = 0; i < 100; i++) {
        bad[i] = i >= 90;
        m[i] = (bad[i] ? 2 : -2) + wr_rng_unit(&r);
        big[i] = m[i] * 1e12;
    }
    wr_calibration c, d;
    assert_ok(wr_calibration_fit(&c, m, bad, 100, &PLATT, &err));
    assert_ok(wr_calibration_fit(&d, big, bad, 100, &PLATT, &err));
    for (size_t i = 0; i < 100; i++) {
        assert_true(fabs(wr_calibration_apply(&c, m[i]) -
                         wr_calibration_apply(&d, big[i])) < 1e-6);
        assert_true(bad[i] ? wr_calibration_apply(&c, m[i]) > 0.8
                           : wr_calibration_apply(&c, m[i]) < 0.05);
    }
    const double same[] = {7, 7, 7, 7};
    const bool half[] = {1, 0, 0, 0};
    assert_ok(wr_calibration_fit(&c, same, half, 4, &PLATT, &err));
    /* flat or not, at 7 it says the mean of the targets: (2/3 + 3/5)/4 */
    assert_true(fabs(wr_calibration_apply(&c, 7) - (2.0 / 3 + 3.0 / 5) / 4) < 1e-6);
    const double zero[] = {0, 0, 0, 0};
    assert_ok(wr_calibration_fit(&c, zero, half, 4, &PLATT, &err));
    assert_true(fabs(wr_calibration_apply(&c, 0) - (2.0 / 3 + 3.0 / 5) / 4) < 1e-6);
}

static void test_calibration_fit__kind_by_bad_rows(void **state)
{
    (void)state;
    enum { N = 3000 };
    const wr_calibration_opts o = WR_CALIBRATION_OPTS_INIT;
    double *m = wr_calloc(N, sizeof *m);
    bool *bad = wr_calloc(N, sizeof *bad);
    for (size_t i = 0; i < N; i++)
        m[i] = (double)(i * 37 % 1000);
    for (size_t i = 0; i < 999; i++)
        bad[i] = true;
    wr_calibration c;
    assert_ok(wr_calibration_fit(&c, m, bad, N, &o, &err));
    assert_int_equal(c.kind, WR_CALIBRATION_PLATT);
    assert_int_equal(c.bad, 999);
    wr_calibration_release(&c);
    bad[999] = true;
    assert_ok(wr_calibration_fit(&c, m, bad, N, &o, &err));
    assert_int_equal(c.kind, WR_CALIBRATION_ISOTONIC);
    assert_int_equal(c.rows, N);
    wr_calibration_release(&c);
    wr_free(m);
    wr_free(bad);
}

static void test_calibration_print__comes_back(void **state)
{
    (void)state;
    double m[200];
    bool bad[200];
    const size_t n = random_rows(11, m, bad, 200);
    for (int kind = 0; kind < 2; kind++) {
        wr_calibration c, d;
        wr_buf b, again;
        wr_buf_init(&b, 1 << 16);
        wr_buf_init(&again, 1 << 16);
        assert_ok(wr_calibration_fit(&c, m, bad, n, kind ? &ISOTONIC : &PLATT, &err));
        wr_calibration_print(&b, &c);
        assert_ok(wr_buf_status(&b, "text", &err));
        assert_ok(wr_calibration_parse(&d, wr_buf_cstr(&b), &err));
        wr_calibration_print(&again, &d);
        assert_string_equal(wr_buf_cstr(&b), wr_buf_cstr(&again));
        for (double x = -3; x < 3; x += 0.01)
            assert_true(wr_calibration_apply(&c, x) == wr_calibration_apply(&d, x));
        wr_calibration_release(&d);
        assert_oom_safe(wr_calibration_parse(&d, wr_buf_cstr(&b), &err));
        wr_calibration_release(&d);
        wr_calibration_release(&c);
        wr_buf_release(&b);
        wr_buf_release(&again);
    }
}

static void assert_no_parse(wr_status want, const char *text, const char *msg)
{
    wr_calibration c = {.rows = 5};
    wr_err e = {0};
    const wr_status st = wr_calibration_parse(&c, text, &e);
    assert_string_equal(e.msg, msg);
    assert_int_equal(st, want);
    assert_int_equal(c.rows, 5);
}

static void test_calibration_parse__errors(void **state)
{
    (void)state;
    const char *number = "calibration: a number is missing or wrong";
    assert_no_parse(WR_EPARSE, "", "not 'calibration 1'");
    assert_no_parse(WR_EPARSE, "calibration 2 platt", "not 'calibration 1'");
    assert_no_parse(WR_EPARSE, "calibration 1 beta",
                    "calibration: neither 'platt' nor 'isotonic'");
    assert_no_parse(WR_EPARSE, "calibration 1 platt 10 2 1", number);
    assert_no_parse(WR_EPARSE, "calibration 1 platt 10 2 1 nan", number);
    assert_no_parse(WR_EPARSE, "calibration 1 platt 10 2 1x 3", number);
    assert_no_parse(WR_EPARSE, "calibration 1 platt 10 2.5 1 3", number);
    assert_no_parse(WR_EPARSE, "calibration 1 platt 10 2 1 3 4",
                    "calibration: text behind its end");
    assert_no_parse(WR_EPARSE, "calibration 1 platt 10 2 -1 3",
                    "calibration: slope -1 from 2 bad of 10 rows");
    assert_no_parse(WR_EPARSE, "calibration 1 platt 10 10 1 3",
                    "calibration: slope 1 from 10 bad of 10 rows");
    assert_no_parse(WR_ELIMIT, "calibration 1 isotonic 10 2 0",
                    "calibration: 0 knots outside 1..1048576");
    assert_no_parse(WR_ELIMIT, "calibration 1 isotonic 10 2 1048577",
                    "calibration: 1048577 knots outside 1..1048576");
    assert_no_parse(WR_EPARSE, "calibration 1 isotonic 10 2 2\n1 .5\n2 .4\n",
                    "calibration: knot 2 out of order");
    assert_no_parse(WR_EPARSE, "calibration 1 isotonic 10 2 2\n1 .5\n1 .6\n",
                    "calibration: knot 2 out of order");
    assert_no_parse(WR_EPARSE, "calibration 1 isotonic 10 2 1\n1 1.5\n",
                    "calibration: knot 1 out of order");
    assert_no_parse(WR_EPARSE, "calibration 1 isotonic 10 2 2\n1 .5\n", number);
}

static void test_calibration_fit__errors(void **state)
{
    (void)state;
    const double m[] = {1, 2, 3}, wrong[] = {1, (double)INFINITY, 3};
    const bool none[] = {0, 0, 0}, all[] = {1, 1, 1}, some[] = {0, 1, 0};
    wr_calibration c = {.rows = 5};
    wr_err e = {0};
    assert_int_equal(wr_calibration_fit(&c, m, none, 3, &PLATT, &e), WR_EINVAL);
    assert_string_equal(e.msg, "0 bad and 3 good rows");
    assert_err(WR_EINVAL, wr_calibration_fit(&c, m, all, 3, &ISOTONIC, &err));
    assert_err(WR_EINVAL, wr_calibration_fit(&c, m, all, 0, &ISOTONIC, &err));
    e = (wr_err){0};
    assert_int_equal(wr_calibration_fit(&c, wrong, some, 3, &PLATT, &e), WR_EINVAL);
    assert_string_equal(e.msg, "margin inf of row 1");
    assert_int_equal(c.rows, 5);
    assert_oom_safe(wr_calibration_fit(&c, m, some, 3, &PLATT, &err));
    assert_oom_safe(wr_calibration_fit(&c, m, some, 3, &ISOTONIC, &err));
    wr_calibration_release(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_calibration_fit__isotonic_is_max_min),
        wr_unit_test(test_calibration_fit__isotonic_by_eye),
        wr_unit_test(test_calibration_fit__platt_is_the_minimum),
        wr_unit_test(test_calibration_fit__platt_scale),
        wr_unit_test(test_calibration_fit__kind_by_bad_rows),
        wr_unit_test(test_calibration_print__comes_back),
        wr_unit_test(test_calibration_parse__errors),
        wr_unit_test(test_calibration_fit__errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
