#include "wr_test.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "util/json_out.h"

static void expect(const wr_buf *b, const char *want)
{
    assert_ok(wr_buf_status(b, "json", &err));
    assert_string_equal(wr_buf_cstr(b), want);
}

static void test_json__nesting_and_commas(void **state)
{
    (void)state;
    wr_buf b;
    wr_buf_init(&b, 4096);
    wr_json_out j = wr_json_out_on(&b);
    wr_json_open(&j, '{');
    wr_json_kv_i64(&j, "a", INT64_MIN);
    wr_json_kv_u64(&j, "b", UINT64_MAX);
    wr_json_key(&j, "c");
    wr_json_open(&j, '[');
    wr_json_open(&j, '{');
    wr_json_close(&j, '}');
    wr_json_open(&j, '[');
    wr_json_close(&j, ']');
    wr_json_bool(&j, true);
    wr_json_null(&j);
    wr_json_raw(&j, WR_TEXT_LIT("{\"x\":1}"));
    wr_json_cstr(&j, NULL);
    wr_json_close(&j, ']');
    wr_json_kv_cstr(&j, "d", "e");
    wr_json_kv_text(&j, "f", (wr_text){0});
    wr_json_kv_f64(&j, "g", 0.1);
    wr_json_kv_bool(&j, "h", false);
    wr_json_key(&j, "i");
    wr_json_fixed(&j, 72.4, 2);
    wr_json_close(&j, '}');
    expect(&b, "{\"a\":-9223372036854775808,\"b\":18446744073709551615,"
               "\"c\":[{},[],true,null,{\"x\":1},null],\"d\":\"e\",\"f\":null,"
               "\"g\":0.1,\"h\":false,\"i\":72.40}");
    wr_buf_release(&b);
}

static void test_json__32_levels(void **state)
{
    (void)state;
    wr_buf b;
    wr_buf_init(&b, 4096);
    wr_json_out j = wr_json_out_on(&b);
    for (int i = 0; i < 32; i++)
        wr_json_open(&j, '[');
    wr_json_i64(&j, 1);
    wr_json_i64(&j, 2);
    for (int i = 0; i < 32; i++)
        wr_json_close(&j, ']');
    assert_int_equal(b.len, 32 + 3 + 32);
    wr_buf_release(&b);
}

static void check_text(const char *in, size_t len, const char *want)
{
    wr_buf b;
    wr_buf_init(&b, 4096);
    wr_json_out j = wr_json_out_on(&b);
    wr_json_text(&j, (wr_text){.p = in, .len = (uint32_t)len});
    expect(&b, want);
    wr_buf_release(&b);
}

static void test_json_text__escapes(void **state)
{
    (void)state;
    check_text("", 0, "\"\"");
    check_text("a\"b\\c/", 6, "\"a\\\"b\\\\c/\"");
    check_text("\b\f\n\r\t\x01\x1f\x7f", 8, "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"");
    check_text("a\0b", 3, "\"a\\u0000b\"");
    check_text("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 9,
               "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"");
}

#define FFFD "\xEF\xBF\xBD"

/* Unicode 3.9 table 3-8 and the usual wrong forms. */
static void test_json_text__invalid_utf8(void **state)
{
    (void)state;
    check_text("\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64", 13,
               "\"a" FFFD FFFD FFFD "b" FFFD "c" FFFD FFFD "d\"");
    check_text("\xC0\xAF", 2, "\"" FFFD FFFD "\"");                   /* overlong */
    check_text("\xED\xA0\x80", 3, "\"" FFFD FFFD FFFD "\"");          /* surrogate */
    check_text("\xF4\x90\x80\x80", 4, "\"" FFFD FFFD FFFD FFFD "\""); /* too big */
    check_text("\xE2\x82", 2, "\"" FFFD "\"");                        /* cut off */
    check_text("\xFF", 1, "\"" FFFD "\"");
}

static void check_double(double v, const char *want)
{
    wr_buf b;
    wr_buf_init(&b, 64);
    wr_json_out j = wr_json_out_on(&b);
    wr_json_f64(&j, v);
    assert_true(strtod(wr_buf_cstr(&b), NULL) == v);
    if (want)
        expect(&b, want);
    wr_buf_release(&b);
}

static void test_json_f64__shortest_that_reads_back(void **state)
{
    (void)state;
    check_double(0.0, "0");
    check_double(-0.0, "-0");
    check_double(0.1, "0.1");
    check_double(1.0 / 3.0, "0.3333333333333333");
    check_double(0.1 + 0.2, "0.30000000000000004");
    check_double(1e23, "1e+23");
    check_double(DBL_MAX, NULL);
    check_double(DBL_TRUE_MIN, NULL);
    wr_rng r = {.s = 3};
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = wr_rng_u64(&r);
        double v;
        memcpy(&v, &bits, sizeof v);
        if (isfinite(v))
            check_double(v, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_json__nesting_and_commas),
        wr_unit_test(test_json__32_levels),
        wr_unit_test(test_json_text__escapes),
        wr_unit_test(test_json_text__invalid_utf8),
        wr_unit_test(test_json_f64__shortest_that_reads_back),
    };
    return cmocka_run_group_tests_name("util.json_out", tests, NULL, NULL);
}
