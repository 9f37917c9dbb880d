#include "wr_test.h"

#include <math.h>

#include "model/policy.h"

static void test_policy_level__bounds_belong_to_the_upper_band(void **state)
{
    (void)state;
    wr_policy p = {.level_min = {0.0, 0.25, 0.5, 0.75}};
    assert_int_equal(wr_policy_level(&p, 0.0), WR_LEVEL_LOW);
    assert_int_equal(wr_policy_level(&p, nextafter(0.25, 0)), WR_LEVEL_LOW);
    assert_int_equal(wr_policy_level(&p, 0.25), WR_LEVEL_MEDIUM);
    assert_int_equal(wr_policy_level(&p, nextafter(0.5, 0)), WR_LEVEL_MEDIUM);
    assert_int_equal(wr_policy_level(&p, 0.5), WR_LEVEL_HIGH);
    assert_int_equal(wr_policy_level(&p, nextafter(0.75, 0)), WR_LEVEL_HIGH);
    assert_int_equal(wr_policy_level(&p, 0.75), WR_LEVEL_SEVERE);
    assert_int_equal(wr_policy_level(&p, 1.0), WR_LEVEL_SEVERE);
}

static void test_policy_level__empty_bands(void **state)
{
    (void)state;
    wr_policy all_severe = {0};
    assert_int_equal(wr_policy_level(&all_severe, 0.0), WR_LEVEL_SEVERE);
    wr_policy only_low = {.level_min = {0.0, 2.0, 2.0, 2.0}};
    assert_int_equal(wr_policy_level(&only_low, 1.0), WR_LEVEL_LOW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_policy_level__bounds_belong_to_the_upper_band),
        wr_unit_test(test_policy_level__empty_bands),
    };
    return cmocka_run_group_tests_name("model.policy", tests, NULL, NULL);
}
