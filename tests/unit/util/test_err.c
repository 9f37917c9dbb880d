#include "wr_test.h"

#include <stdio.h>
#include <string.h>

#include "util/err.h"

static void test_fail__records_and_returns(void **state)
{
    (void)state;
    wr_err why = {0};
    assert_int_equal(wr_fail(&why, WR_EPARSE, "line %d", 7), WR_EPARSE);
    assert_int_equal(why.code, WR_EPARSE);
    assert_string_equal(why.msg, "line 7");
    assert_int_equal(wr_fail(NULL, WR_EIO, "nobody listens"), WR_EIO);
}

static void test_fail__first_error_wins(void **state)
{
    (void)state;
    wr_err why = {0};
    (void)wr_fail(&why, WR_EPARSE, "inner");
    assert_int_equal(wr_fail(&why, WR_EIO, "outer"), WR_EIO);
    assert_int_equal(why.code, WR_EPARSE);
    assert_string_equal(why.msg, "inner");
}

static void test_fail__cuts_long_messages(void **state)
{
    (void)state;
    wr_err why = {0};
    (void)wr_fail(&why, WR_EIO, "%0500d", 1);
    assert_int_equal(strlen(why.msg), WR_ERR_MSG_MAX - 1);
    (void)wr_fail_ctx(&why, WR_EIO, "more");
    assert_int_equal(strlen(why.msg), WR_ERR_MSG_MAX - 1);
}

static void test_fail_ctx__adds_where(void **state)
{
    (void)state;
    wr_err why = {0};
    (void)wr_fail_ctx(&why, WR_EIO, "nothing yet");
    assert_string_equal(why.msg, "");
    (void)wr_fail(&why, WR_EIO, "disk");
    assert_int_equal(wr_fail_ctx(&why, WR_EIO, "saving %s", "x"), WR_EIO);
    assert_string_equal(why.msg, "disk (while saving x)");
    assert_int_equal(wr_fail_ctx(NULL, WR_EIO, "x"), WR_EIO);
}

static void test_status_name__one_each(void **state)
{
    (void)state;
    for (int a = 0; a < WR_STATUS_COUNT; a++) {
        assert_true(wr_status_name((wr_status)a)[0] != '\0');
        for (int b = a + 1; b < WR_STATUS_COUNT; b++)
            assert_string_not_equal(wr_status_name((wr_status)a),
                                    wr_status_name((wr_status)b));
    }
    assert_string_equal(wr_status_name(WR_ENOTFOUND), "not_found");
    assert_string_equal(wr_status_name(WR_STATUS_COUNT), "unknown");
}

static wr_status tries(int *reached, wr_err *err)
{
    WR_TRY(WR_OK);
    *reached = 1;
    WR_TRY(wr_fail(err, WR_ELIMIT, "stop"));
    *reached = 2;
    return WR_OK;
}

static void test_try__leaves_on_error(void **state)
{
    (void)state;
    int reached = 0;
    assert_err(WR_ELIMIT, tries(&reached, &err));
    assert_int_equal(reached, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_fail__records_and_returns),
        wr_unit_test(test_fail__first_error_wins),
        wr_unit_test(test_fail__cuts_long_messages),
        wr_unit_test(test_fail_ctx__adds_where),
        wr_unit_test(test_status_name__one_each),
        wr_unit_test(test_try__leaves_on_error),
    };
    return cmocka_run_group_tests_name("util.err", tests, NULL, NULL);
}
