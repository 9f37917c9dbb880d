#include "api/problem.h"

#include <string.h>

#include "api/http_status.h"
#include "wr_test.h"

static void test_write__document(void **state)
{
    (void)state;
    static wr_problem p;
    wr_buf out;
    wr_buf_init(&out, 65536);
    wr_problem_clear(&p);
    wr_problem_set(&p, WR_PROBLEM_INVALID, "limit %d", 0);
    wr_problem_set(&p, WR_PROBLEM_CONFLICT, "a later one"); /* the first one wins */
    wr_problem_add(&p, "/query/limit", "range", "'0' is not a \"limit\"");
    memcpy(p.run_id, "r-1", 4);
    wr_problem_write(&out, &p, "abc");
    assert_string_equal(
        wr_buf_cstr(&out),
        "{\"type\":\"urn:walletrisk:problem:invalid\",\"title\":\"A value is wrong\","
        "\"status\":422,\"detail\":\"limit "
        "0\",\"instance\":\"urn:walletrisk:request:abc\","
        "\"code\":\"invalid\",\"run_id\":\"r-1\",\"errors\":[{\"pointer\":\"/query/"
        "limit\","
        "\"code\":\"range\",\"detail\":\"'0' is not a \\\"limit\\\"\"}]}");
    wr_problem_clear(&p);
    assert_int_equal(p.kind, WR_PROBLEM_NONE);
    wr_buf_release(&out);
}

static void test_add__keeps_what_fits(void **state)
{
    (void)state;
    static wr_problem p;
    static char longer[1000];
    memset(longer, 'x', sizeof longer - 1);
    wr_problem_clear(&p);
    for (int i = 0; i < WR_PROBLEM_ITEM_MAX + 5; i++)
        wr_problem_add(&p, longer, longer, longer);
    assert_int_equal(p.item_count, WR_PROBLEM_ITEM_MAX);
    assert_int_equal(strlen(p.item[0].pointer), WR_POINTER_TEXT_MAX);
    assert_int_equal(strlen(p.item[0].detail), WR_ERR_MSG_MAX - 1);
}

static void test_kinds__status_code_and_reason(void **state)
{
    (void)state;
    for (int k = WR_PROBLEM_NONE + 1; k < WR_PROBLEM_KIND_COUNT; k++) {
        int status = wr_problem_http_status((wr_problem_kind)k);
        assert_in_range(status, 400, 599);
        assert_string_not_equal(wr_http_reason(status), "Unknown");
        const char *code = wr_problem_code((wr_problem_kind)k);
        assert_true(*code && code[strspn(code, "abcdefghijklmnopqrstuvwxyz_")] == '\0');
        for (int other = WR_PROBLEM_NONE + 1; other < k; other++)
            assert_string_not_equal(code, wr_problem_code((wr_problem_kind)other));
    }
    assert_string_equal(wr_http_reason(299), "Unknown");
}

static void test_http_problem__every_status(void **state)
{
    (void)state;
    static const struct {
        wr_status status;
        int http;
    } row[] = {{WR_EINVAL, 422},    {WR_EPARSE, 422},    {WR_ELIMIT, 413},
               {WR_ENOTFOUND, 404}, {WR_ECONFLICT, 409}, {WR_ENOCONV, 500},
               {WR_EIO, 503},       {WR_ETIMEOUT, 503},  {WR_ESTOPPED, 503},
               {WR_ECORRUPT, 500},  {WR_ENOMEM, 503}};
    assert_int_equal(sizeof row / sizeof *row,
                     WR_STATUS_COUNT - 1); /* a new one needs a row */
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        assert_int_equal(wr_problem_http_status(wr_http_problem(row[i].status)),
                         row[i].http);
    assert_int_equal(wr_http_retry_after_s(WR_PROBLEM_BUSY), 1);
    assert_int_equal(wr_http_retry_after_s(WR_PROBLEM_INVALID), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_write__document),
        wr_unit_test(test_add__keeps_what_fits),
        wr_unit_test(test_kinds__status_code_and_reason),
        wr_unit_test(test_http_problem__every_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
