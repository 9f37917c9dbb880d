#include <math.h>

#include "store/rate_int.h"
#include "wr_test.h"

enum { SECOND_US = 1000000 };
static const int64_t start_us = INT64_C(1700000000000000);

static void assert_close(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("rate is %.17g, wanted %.17g", got, want);
}

static void test_rates__nothing_yet(void **state)
{
    (void)state;
    const wr_rates r = {0};
    double out[WR_RATE_COUNT] = {1, 1, 1};
    wr_rates_read(&r, start_us, out);
    for (int i = 0; i < WR_RATE_COUNT; i++)
        assert_close(out[i], 0, 0);
}

/* r' = r * exp(-dt / T) + n / T, written out. */
static void test_rates_add__formula(void **state)
{
    (void)state;
    wr_rates r = {0};
    wr_rates_add(&r, 900, start_us);
    assert_close(r.per_s[0], 15, 1e-12);
    assert_close(r.per_s[1], 3, 1e-12);
    assert_close(r.per_s[2], 1, 1e-12);
    assert_int_equal(r.at_us, start_us);
    wr_rates_add(&r, 90, start_us + 45 * SECOND_US);
    assert_close(r.per_s[0], 15 * exp(-0.75) + 1.5, 1e-12);
    assert_close(r.per_s[1], 3 * exp(-0.15) + 0.3, 1e-12);
    assert_close(r.per_s[2], exp(-0.05) + 0.1, 1e-12);
}

/* Whatever the batches: 200 a second for two hours is 200 a second in all three. */
static void test_rates_add__steady_stream_tends_to_its_rate(void **state)
{
    (void)state;
    static const int64_t step_us[] = {SECOND_US / 10, SECOND_US, 3 * SECOND_US};
    for (size_t k = 0; k < 3; k++) {
        wr_rates r = {0};
        int64_t now_us = start_us;
        for (; now_us < start_us + INT64_C(7200) * SECOND_US; now_us += step_us[k])
            wr_rates_add(&r, (uint64_t)(200 * step_us[k] / SECOND_US), now_us);
        for (int i = 0; i < WR_RATE_COUNT; i++)
            assert_close(r.per_s[i], 200, 200 * 0.03);
    }
}

static void test_rates_read__fades_and_ends_at_zero(void **state)
{
    (void)state;
    wr_rates r = {0};
    double out[WR_RATE_COUNT];
    wr_rates_add(&r, 6000, start_us);
    wr_rates_read(&r, start_us + 60 * SECOND_US, out);
    assert_close(out[0], 100 * exp(-1), 1e-9);
    assert_close(r.per_s[0], 100, 0); /* reading changes nothing */
    wr_rates_read(&r, start_us + INT64_C(86400000) * SECOND_US, out);
    for (int i = 0; i < WR_RATE_COUNT; i++)
        assert_close(out[i], 0, 0);
}

/* A clock that went back: no growth, no NaN, and the stamp stays. */
static void test_rates__clock_goes_back(void **state)
{
    (void)state;
    wr_rates r = {0};
    double out[WR_RATE_COUNT];
    wr_rates_add(&r, 60, start_us);
    wr_rates_read(&r, start_us - INT64_C(3600) * SECOND_US, out);
    assert_close(out[0], 1, 1e-12);
    wr_rates_add(&r, 60, INT64_MIN / 4);
    assert_close(r.per_s[0], 2, 1e-12);
    assert_int_equal(r.at_us, start_us);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_rates__nothing_yet),
        wr_unit_test(test_rates_add__formula),
        wr_unit_test(test_rates_add__steady_stream_tends_to_its_rate),
        wr_unit_test(test_rates_read__fades_and_ends_at_zero),
        wr_unit_test(test_rates__clock_goes_back),
    };
    return cmocka_run_group_tests_name("rate", tests, NULL, NULL);
}
