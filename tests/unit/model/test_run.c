#include "wr_test.h"

#include "model/run.h"

static void test_run_status_name__one_each(void **state)
{
    (void)state;
    assert_string_equal(wr_run_status_name(WR_RUN_RUNNING), "running");
    assert_string_equal(wr_run_status_name(WR_RUN_COMPLETE), "complete");
    assert_string_equal(wr_run_status_name(WR_RUN_FAILED), "failed");
    assert_string_equal(wr_run_status_name((wr_run_status)99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_run_status_name__one_each),
    };
    return cmocka_run_group_tests_name("model.run", tests, NULL, NULL);
}
