#include "wr_test.h"

#include "util/buf.h"

static void test_buf_add__grows_and_ends_with_nul(void **state)
{
    (void)state;
    wr_buf b;
    wr_buf_init(&b, 100000);
    assert_string_equal(wr_buf_cstr(&b), "");
    for (int i = 0; i < 5000; i++)
        wr_buf_addf(&b, "%d,", i % 10);
    wr_buf_add(&b, "a\0b", 3);
    wr_buf_adds(&b, "end");
    assert_ok(wr_buf_status(&b, "test", &err));
    assert_int_equal(b.len, 10006);
    assert_memory_equal(b.p + 9998, "9,a\0bend", 9); /* the NUL behind it too */
    wr_buf_clear(&b);
    assert_int_equal(b.len, 0);
    assert_string_equal(wr_buf_cstr(&b), "");
    wr_buf_release(&b);
}

static void test_buf_addf__longer_than_its_first_try(void **state)
{
    (void)state;
    wr_buf b;
    wr_buf_init(&b, 4096);
    wr_buf_adds(&b, "<");
    wr_buf_addf(&b, "%0*d", 3000, 7);
    assert_int_equal(b.len, 3001);
    assert_int_equal(b.p[3000], '7');
    assert_int_equal(b.p[1500], '0');
    wr_buf_release(&b);
}

static void test_buf_status__limit_sticks(void **state)
{
    (void)state;
    wr_buf b;
    wr_buf_init(&b, 4);
    wr_buf_add(&b, "abcd", 4);
    assert_ok(wr_buf_status(&b, "body", &err));
    wr_buf_add(&b, "e", 1);
    wr_buf_add(&b, "", 0);
    wr_err why = {0};
    assert_int_equal(wr_buf_status(&b, "body", &why), WR_ELIMIT);
    assert_string_equal(why.msg, "body: over 4 bytes");
    assert_string_equal(b.p, "abcd");
    wr_buf_clear(&b);
    wr_buf_adds(&b, "xyz");
    assert_ok(wr_buf_status(&b, "body", &err));
    wr_buf_release(&b);
}

static wr_status fill(wr_err *err)
{
    wr_buf b;
    wr_buf_init(&b, 1 << 20);
    for (int i = 0; i < 200; i++)
        wr_buf_addf(&b, "%0*d", 300, i);
    wr_status s = wr_buf_status(&b, "fill", err);
    wr_buf_release(&b);
    return s;
}

static void test_buf_status__out_of_memory(void **state)
{
    (void)state;
    assert_oom_safe(fill(&err));
}

static void test_buf_steal__hands_over_the_bytes(void **state)
{
    (void)state;
    wr_buf b;
    wr_buf_init(&b, 16);
    wr_buf_adds(&b, "mine");
    size_t len = 0;
    char *p = wr_buf_steal(&b, &len);
    assert_string_equal(p, "mine");
    assert_int_equal(len, 4);
    assert_null(b.p);
    wr_free(p);
    p = wr_buf_steal(&b, &len);
    assert_string_equal(p, "");
    assert_int_equal(len, 0);
    wr_free(p);
    wr_buf zero = {0};
    wr_buf_release(&zero);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_buf_add__grows_and_ends_with_nul),
        wr_unit_test(test_buf_addf__longer_than_its_first_try),
        wr_unit_test(test_buf_status__limit_sticks),
        wr_unit_test(test_buf_status__out_of_memory),
        wr_unit_test(test_buf_steal__hands_over_the_bytes),
    };
    return cmocka_run_group_tests_name("util.buf", tests, NULL, NULL);
}
