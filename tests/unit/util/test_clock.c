#include "wr_test.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "util/clock.h"

static void test_time_parse__spellings(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t want;
    } c[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2015-08-07T20:15:29Z", 1438978529},
        {"2015-08-07t20:15:29z", 1438978529},
        {"2015-08-07 20:15:29 UTC", 1438978529},
        {"2015/08/07_20:15:29", 1438978529},
        {"2015-08-07T20:15:29.999999999Z", 1438978529},
        {"2015-08-07T22:15:29+02:00", 1438978529},
        {"2015-08-07T14:45:29-05:30", 1438978529},
        {"2022/09/01 00:06", 1661990760},
        {"2022-09-01", 1661990400},
        {"2016-12-31T23:59:60Z", 1483228800},
        {"2000-02-29T00:00Z", 951782400},
        {"1969-12-31T23:59:59Z", -1},
        {"0000-01-01T00:00:00Z", INT64_C(-62167219200)},
        {"9999-12-31T23:59:59Z", INT64_C(253402300799)},
    };
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        int64_t t = 42;
        assert_ok(wr_time_parse(&t, wr_text_of(c[i].text), &err));
        if (t != c[i].want)
            fail_msg("%s gave %lld", c[i].text, (long long)t);
    }
}

static void test_time_parse__refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "x",
        "2015",
        "2015-8-7",
        "2015-08/07",
        "2015-08-07T",
        "2015-08-07T20",
        "2015-08-07T24:00:00Z",
        "2015-08-07T20:60Z",
        "2015-08-07T20:15:61Z",
        "2015-02-29",
        "2100-02-29",
        "2015-13-01",
        "2015-00-10",
        "2015-01-00",
        "2015-04-31",
        "2015-08-07T20:15:29.Z",
        "2015-08-07T20:15:29+0200",
        "2015-08-07T20:15:29+24:00",
        "2015-08-07T20:15:29Zx",
        "2015-08-07T20:15:29 ",
        "2015-08-07T20:15:29 CET",
        "+015-08-07",
        " 2015-08-07",
        "1438978529",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t t = 42;
        assert_err(WR_EPARSE, wr_time_parse(&t, wr_text_of(bad[i]), &err));
        assert_int_equal(t, 42);
    }
    int64_t t;
    wr_err why = {0};
    assert_int_equal(wr_time_parse(&t, WR_TEXT_LIT("soon"), &why), WR_EPARSE);
    assert_string_equal(why.msg, "time 'soon' is not RFC 3339");
    assert_err(WR_EPARSE,
               wr_time_parse(&t, (wr_text){.p = "2015\0-08-07", .len = 11}, &err));
}

/* gmtime_r is banned in the product, and just the independent reference we need here. */
static void test_time_format__agrees_with_libc_and_parses_back(void **state)
{
    (void)state;
    wr_rng r = {.s = 5};
    for (int i = 0; i < 20000; i++) {
        int64_t t = (int64_t)wr_rng_below(&r, 315569520000ULL) - INT64_C(62167219200);
        char got[WR_RFC3339_MAX];
        char want[80];
        wr_time_format(got, t);
        time_t libc = (time_t)t;
        struct tm tm;
        assert_non_null(gmtime_r(&libc, &tm));
        (void)snprintf(want, sizeof want, "%04d-%02d-%02dT%02d:%02d:%02dZ",
                       tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
                       tm.tm_min, tm.tm_sec);
        assert_string_equal(got, want);
        int64_t back = 0;
        assert_ok(wr_time_parse(&back, wr_text_of(got), &err));
        assert_true(back == t);
    }
}

static void test_time_format__clamps(void **state)
{
    (void)state;
    char s[WR_RFC3339_MAX];
    wr_time_format(s, INT64_MIN);
    assert_string_equal(s, "0000-01-01T00:00:00Z");
    wr_time_format(s, INT64_MAX);
    assert_string_equal(s, "9999-12-31T23:59:59Z");
}

static void test_clock__runs(void **state)
{
    (void)state;
    assert_true(wr_clock_wall_s() > 1700000000);
    assert_true(wr_clock_wall_us() / 1000000 - wr_clock_wall_s() < 2);
    int64_t a = wr_clock_mono_us();
    assert_true(wr_clock_mono_us() >= a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_time_parse__spellings),
        wr_unit_test(test_time_parse__refuses),
        wr_unit_test(test_time_format__agrees_with_libc_and_parses_back),
        wr_unit_test(test_time_format__clamps),
        wr_unit_test(test_clock__runs),
    };
    return cmocka_run_group_tests_name("util.clock", tests, NULL, NULL);
}
