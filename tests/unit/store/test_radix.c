#include "store/radix_int.h"
#include "wr_test.h"

enum { N = 5000 };

/* Insertion sort of the upper bits: slow, stable, obvious. */
static void slow_sort(uint64_t *v, size_t n, unsigned low_bit)
{
    for (size_t i = 1; i < n; i++)
        for (size_t k = i; k > 0 && v[k - 1] >> low_bit > v[k] >> low_bit; k--) {
            uint64_t swap = v[k];
            v[k] = v[k - 1];
            v[k - 1] = swap;
        }
}

static void compare(uint64_t seed, size_t n, unsigned low_bit, uint64_t mask)
{
    static uint64_t a[N];
    static uint64_t b[N];
    static uint64_t scratch[N];
    wr_rng rng = {.s = seed};
    for (size_t i = 0; i < n; i++)
        a[i] = b[i] = wr_rng_u64(&rng) & mask;
    wr_radix_sort(a, scratch, n, low_bit);
    slow_sort(b, n, low_bit);
    assert_memory_equal(a, b, n * sizeof *a);
}

static void test_radix_sort__against_the_slow_one(void **state)
{
    (void)state;
    static const unsigned low_bit[] = {0, 1, 18, 32, 53, 63};
    for (size_t k = 0; k < sizeof low_bit / sizeof low_bit[0]; k++) {
        compare(1, 3000, low_bit[k], UINT64_MAX);
        compare(2, 3000, low_bit[k], UINT64_C(0xff)); /* many equal */
        compare(3, 3000, low_bit[k], UINT64_C(0xff000000000000ff));
    }
}

static void test_radix_sort__sizes(void **state)
{
    (void)state;
    static const size_t size[] = {0, 1, 2, 3, 2047, 2048, 2049, N};
    for (size_t k = 0; k < sizeof size / sizeof size[0]; k++)
        compare(k + 10, size[k], 11, UINT64_MAX >> 40);
}

static void test_radix_sort__all_equal_keep_their_order(void **state)
{
    (void)state;
    uint64_t v[100];
    uint64_t scratch[100];
    for (uint64_t i = 0; i < 100; i++)
        v[i] = UINT64_C(7) << 32 | (99 - i);
    wr_radix_sort(v, scratch, 100, 32);
    for (uint64_t i = 0; i < 100; i++)
        assert_int_equal((uint32_t)v[i], 99 - i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_radix_sort__against_the_slow_one),
        wr_unit_test(test_radix_sort__sizes),
        wr_unit_test(test_radix_sort__all_equal_keep_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
