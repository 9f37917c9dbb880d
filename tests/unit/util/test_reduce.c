#include "wr_test.h"

#include <math.h>
#include <omp.h>
#include <string.h>

#include "util/reduce.h"

/* Numbers of both signs over 40 binary orders: a sum of them shows every change of order.
 */
static double *random_array(size_t n, uint64_t seed)
{
    double *x = wr_calloc(n, sizeof *x);
    assert_non_null(x);
    wr_rng r = {.s = seed};
    for (size_t i = 0; i < n; i++)
        x[i] = ldexp(wr_rng_unit(&r) - 0.5, (int)wr_rng_below(&r, 40));
    return x;
}

/* Whole numbers below 2^53 in sum: double addition is then exact in any order. */
static void test_sum__exact_on_integers(void **state)
{
    (void)state;
    const size_t len[] = {0,
                          1,
                          2,
                          WR_REDUCE_BLOCK - 1,
                          WR_REDUCE_BLOCK,
                          WR_REDUCE_BLOCK + 1,
                          10 * WR_REDUCE_BLOCK + 17};
    for (size_t k = 0; k < sizeof len / sizeof *len; k++) {
        double *x = wr_calloc(len[k], sizeof *x);
        double *zero = wr_calloc(len[k], sizeof *zero);
        wr_rng r = {.s = k};
        int64_t sum = 0;
        int64_t size = 0;
        for (size_t i = 0; i < len[k]; i++) {
            int64_t v = (int64_t)wr_rng_below(&r, 2000001) - 1000000;
            x[i] = (double)v;
            sum += v;
            size += v < 0 ? -v : v;
        }
        double got = -1;
        assert_ok(wr_sum(&got, x, len[k], &err));
        assert_true(got == (double)sum);
        assert_ok(wr_l1_diff(&got, x, zero, len[k], &err));
        assert_true(got == (double)size);
        wr_free(x);
        wr_free(zero);
    }
}

static void test_sum__same_bits_for_any_thread_count(void **state)
{
    (void)state;
    size_t n = 50 * WR_REDUCE_BLOCK + 123;
    double *x = random_array(n, 1);
    double *y = random_array(n, 2);
    double first[2] = {0};
    int before = omp_get_max_threads();
    for (int threads = 1; threads <= 8; threads++) {
        omp_set_num_threads(threads);
        double got[2];
        assert_ok(wr_sum(&got[0], x, n, &err));
        assert_ok(wr_l1_diff(&got[1], x, y, n, &err));
        if (threads == 1)
            memcpy(first, got, sizeof got);
        assert_memory_equal(got, first, sizeof got);
    }
    omp_set_num_threads(before);
    wr_free(x);
    wr_free(y);
}

static void test_sum__out_of_memory(void **state)
{
    (void)state;
    double x[3] = {1, 2, 3};
    double got = 0;
    assert_oom_safe(wr_sum(&got, x, 3, &err));
    assert_true(got == 6);
    assert_oom_safe(wr_l1_diff(&got, x, x, 3, &err));
    assert_true(got == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_sum__exact_on_integers),
        wr_unit_test(test_sum__same_bits_for_any_thread_count),
        wr_unit_test(test_sum__out_of_memory),
    };
    return cmocka_run_group_tests_name("util.reduce", tests, NULL, NULL);
}
