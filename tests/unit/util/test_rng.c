#include "wr_test.h"

#include "util/rng.h"

/* First outputs of splitmix64 for seed 1234567, as its reference program prints them. */
static void test_rng_u64__reference_stream(void **state)
{
    (void)state;
    static const uint64_t want[] = {6457827717110365317ULL, 3203168211198807973ULL,
                                    9817491932198370423ULL, 4593380528125082431ULL,
                                    16408922859458223821ULL};
    wr_rng r = {.s = 1234567};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        assert_true(wr_rng_u64(&r) == want[i]);
}

static void test_rng_below__stays_below_and_reaches_all(void **state)
{
    (void)state;
    wr_rng r = {.s = 1};
    unsigned seen[7] = {0};
    for (int i = 0; i < 7000; i++) {
        uint64_t v = wr_rng_below(&r, 7);
        assert_true(v < 7);
        seen[v]++;
    }
    for (int i = 0; i < 7; i++)
        assert_true(seen[i] > 850 && seen[i] < 1150); /* 5 sigma */
    assert_true(wr_rng_below(&r, 1) == 0);
}

static void test_rng_unit__half_open(void **state)
{
    (void)state;
    wr_rng r = {.s = 2};
    double sum = 0;
    for (int i = 0; i < 100000; i++) {
        double v = wr_rng_unit(&r);
        assert_true(v >= 0.0 && v < 1.0);
        sum += v;
    }
    assert_true(sum > 49500 && sum < 50500);
}

static void test_rng_fork__streams_differ_and_repeat(void **state)
{
    (void)state;
    wr_rng a = {.s = 3};
    wr_rng b = {.s = 3};
    wr_rng a1 = wr_rng_fork(&a, 1);
    wr_rng b1 = wr_rng_fork(&b, 1);
    wr_rng c = {.s = 3};
    wr_rng c2 = wr_rng_fork(&c, 2);
    assert_true(a1.s == b1.s);
    assert_true(a1.s != c2.s);
    assert_true(wr_rng_u64(&a1) == wr_rng_u64(&b1));
    assert_true(a.s == b.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_rng_u64__reference_stream),
        wr_unit_test(test_rng_below__stays_below_and_reaches_all),
        wr_unit_test(test_rng_unit__half_open),
        wr_unit_test(test_rng_fork__streams_differ_and_repeat),
    };
    return cmocka_run_group_tests_name("util.rng", tests, NULL, NULL);
}
