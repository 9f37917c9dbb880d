#include "wr_test.h"

#include "model/registry.h"

static void test_model_status_name__one_each(void **state)
{
    (void)state;
    assert_string_equal(wr_model_status_name(WR_MODEL_CANDIDATE), "candidate");
    assert_string_equal(wr_model_status_name(WR_MODEL_ACTIVE), "active");
    assert_string_equal(wr_model_status_name(WR_MODEL_RETIRED), "retired");
    assert_string_equal(wr_model_status_name((wr_model_status)99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_model_status_name__one_each),
    };
    return cmocka_run_group_tests_name("model.registry", tests, NULL, NULL);
}
