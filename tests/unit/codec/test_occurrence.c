#include "wr_test.h"

#include "codec/occurrence_int.h"

enum { KEYS = 20000, CALLS = 100000 };

/* Counts as a plain array keeps them, over growth and over runs of neighbouring slots. */
static void test_occurrence_count__agrees_with_an_array(void **state)
{
    (void)state;
    static uint32_t count[KEYS];
    wr_occurrence o = {0};
    wr_rng rng = {.s = 4};
    for (int i = 0; i < CALLS; i++) {
        const uint64_t k = wr_rng_below(&rng, KEYS);
        /* half of them share their top bits, so that they crowd */
        const uint64_t key = k % 2 ? k + 1 : (k + 1) * UINT64_C(0x9E3779B97F4A7C15);
        uint32_t before = 999;
        assert_ok(wr_occurrence_count(&o, key, &before, &err));
        assert_int_equal(before, count[k]);
        count[k]++;
    }
    assert_true(o.once.used <= KEYS && o.once.used > KEYS / 2);
    wr_occurrence_release(&o);
    wr_occurrence_release(&o);
}

static void test_occurrence_count__one(void **state)
{
    (void)state;
    wr_occurrence o = {0};
    for (uint32_t i = 0; i < 5; i++) {
        uint32_t before = 999;
        assert_ok(wr_occurrence_count(&o, UINT64_MAX, &before, &err));
        assert_int_equal(before, i);
    }
    wr_occurrence_release(&o);
}

static wr_status count_twice(wr_err *err)
{
    wr_occurrence o = {0};
    uint32_t before;
    wr_status s = WR_OK;
    for (uint64_t key = 1; key < 10000 && s == WR_OK; key++)
        s = wr_occurrence_count(&o, key % 5000 + 1, &before, err);
    wr_occurrence_release(&o);
    return s;
}

static void test_occurrence_count__out_of_memory(void **state)
{
    (void)state;
    assert_oom_safe(count_twice(&err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_occurrence_count__agrees_with_an_array),
        wr_unit_test(test_occurrence_count__one),
        wr_unit_test(test_occurrence_count__out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
