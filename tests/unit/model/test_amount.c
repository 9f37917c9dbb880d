#include "wr_test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/amount.h"

static const char max_text[] = "340282366920938463463374607431768211455";
static const char over_text[] = "340282366920938463463374607431768211456";

static void check_parse(const char *in, const char *want)
{
    wr_amount a = 1;
    char out[WR_AMOUNT_TEXT_MAX];
    assert_ok(wr_amount_parse(&a, wr_text_of(in), &err));
    wr_amount_format(out, a);
    assert_string_equal(out, want);
}

static void test_amount_parse__typical(void **state)
{
    (void)state;
    check_parse("0", "0");
    check_parse("1500", "1500");
    check_parse("1500.", "1500");
    check_parse("1500.000", "1500");
    check_parse("0000000000000000000000000000000000000000000000007", "7");
    check_parse("18446744073709551616", "18446744073709551616");
    check_parse("9999999999999999999", "9999999999999999999");
    check_parse("10000000000000000000", "10000000000000000000");
    check_parse(max_text, max_text);
}

static void check_refused(wr_status want, const char *in, const char *msg)
{
    wr_amount a = 42;
    wr_err why = {0};
    assert_int_equal(wr_amount_parse(&a, wr_text_of(in), &why), want);
    assert_string_equal(why.msg, msg);
    assert_true(a == 42);
}

static void test_amount_parse__refuses(void **state)
{
    (void)state;
    check_refused(WR_EPARSE, "", "amount is empty");
    check_refused(WR_EPARSE, NULL, "amount is empty");
    check_refused(WR_EPARSE, "-5", "amount '-5' is negative");
    check_refused(WR_EPARSE, "1.5", "amount '1.5' is a fraction of a base unit");
    check_refused(WR_EPARSE, "NaN", "amount 'NaN' is not a number");
    check_refused(WR_EPARSE, "-", "amount '-' is not a number");
    check_refused(WR_EPARSE, ".", "amount '.' is not a number");
    check_refused(WR_EPARSE, "+5", "amount '+5' is not a number");
    check_refused(WR_EPARSE, " 5", "amount ' 5' is not a number");
    check_refused(WR_EPARSE, "1e400", "amount '1e400' is not a number of base units");
    check_refused(WR_EPARSE, "0x10", "amount '0x10' is not a number of base units");
    check_refused(WR_EPARSE, "1,000", "amount '1,000' is not a number of base units");
    check_refused(WR_EPARSE, "1.0.0", "amount '1.0.0' is not a number of base units");
    check_refused(
        WR_ELIMIT, over_text,
        "amount '340282366920938463463374607431768211456' is 2^128 base units or"
        " more");
    check_refused(
        WR_ELIMIT,
        "123456789012345678901234567890123456789012345678901234567890123456789012345678",
        "amount '1234567890123456789012345678901234567890...' is 2^128 base units"
        " or more");
    check_refused(WR_EPARSE, "\x1b[31m", "amount '?[31m' is not a number");
}

static void check_units(const char *in, unsigned decimals, int is_rounding,
                        const char *want)
{
    wr_amount a = 1;
    char out[WR_AMOUNT_TEXT_MAX];
    assert_ok(wr_amount_parse_units(&a, wr_text_of(in), decimals, is_rounding, &err));
    wr_amount_format(out, a);
    if (strcmp(out, want) != 0)
        fail_msg("%s with %u decimals gave %s, not %s", in, decimals, out, want);
}

static void test_amount_parse_units__exact(void **state)
{
    (void)state;
    check_units("0.25", 18, 0, "250000000000000000");
    check_units("1e-7", 8, 0, "10");
    check_units("1E+3", 0, 0, "1000");
    check_units(".5", 1, 0, "5");
    check_units("5.", 1, 0, "50");
    check_units("0", 18, 0, "0");
    check_units("0.000", 0, 0, "0");
    check_units("0e999999999999", 18, 0, "0");
    check_units("00012.3400", 2, 0, "1234");
    check_units("0.000000000000000000000000000000000001", 36, 0, "1");
    check_units("340282366920938463463.374607431768211455", 18, 0, max_text);
    check_units("34028236692093846346337460743176821145.5e1", 0, 0, max_text);
    check_units("100e-2", 0, 0, "1");
}

static void test_amount_parse_units__rounds_half_to_even(void **state)
{
    (void)state;
    check_units("945646.7339000000001", 4, 1, "9456467339");
    check_units("0.5", 0, 1, "0");
    check_units("1.5", 0, 1, "2");
    check_units("2.5", 0, 1, "2");
    check_units("2.50000000000000000000000000000000000000000000001", 0, 1, "3");
    check_units("2.49999999999999999999999999999999999999999999999", 0, 1, "2");
    check_units("0.05", 0, 1, "0");
    check_units("9e-400", 0, 1, "0");
    check_units("0.9999", 3, 1, "1000");
}

static void check_units_refused(wr_status want, const char *in, unsigned decimals,
                                int is_rounding, const char *msg)
{
    wr_amount a = 42;
    wr_err why = {0};
    assert_int_equal(
        wr_amount_parse_units(&a, wr_text_of(in), decimals, is_rounding, &why), want);
    assert_string_equal(why.msg, msg);
    assert_true(a == 42);
}

static void test_amount_parse_units__refuses(void **state)
{
    (void)state;
    check_units_refused(WR_EPARSE, "", 2, 0, "amount is empty");
    check_units_refused(WR_EPARSE, "-1", 2, 0, "amount '-1' is negative");
    check_units_refused(WR_EPARSE, "0.001", 2, 0,
                        "amount '0.001' has more than 2 decimals");
    check_units_refused(WR_EPARSE, "1e-400", 18, 0,
                        "amount '1e-400' has more than 18 decimals");
    check_units_refused(WR_EPARSE, "1,234.5", 2, 1,
                        "amount '1,234.5' is not a decimal number");
    check_units_refused(WR_EPARSE, "nan", 2, 1, "amount 'nan' is not a decimal number");
    check_units_refused(WR_EPARSE, "inf", 2, 1, "amount 'inf' is not a decimal number");
    check_units_refused(WR_EPARSE, "0x1p3", 2, 1,
                        "amount '0x1p3' is not a decimal number");
    check_units_refused(WR_EPARSE, "1e", 2, 1, "amount '1e' is not a decimal number");
    check_units_refused(WR_EPARSE, "1e+", 2, 1, "amount '1e+' is not a decimal number");
    check_units_refused(WR_EPARSE, ".", 2, 1, "amount '.' is not a decimal number");
    check_units_refused(WR_EPARSE, "1..2", 2, 1, "amount '1..2' is not a decimal number");
    check_units_refused(WR_ELIMIT, "1e400", 2, 1,
                        "amount '1e400' is 2^128 base units or more");
    check_units_refused(
        WR_ELIMIT, "340282366920938463463.374607431768211456", 18, 1,
        "amount '340282366920938463463.374607431768211456' is 2^128 base units"
        " or more");
    check_units_refused(
        WR_ELIMIT, "340282366920938463463374607431768211455.5", 0, 1,
        "amount '340282366920938463463374607431768211455....' is 2^128 base"
        " units or more");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_amount_parse__typical),
        wr_unit_test(test_amount_parse__refuses),
        wr_unit_test(test_amount_parse_units__exact),
        wr_unit_test(test_amount_parse_units__rounds_half_to_even),
        wr_unit_test(test_amount_parse_units__refuses),
    };
    return cmocka_run_group_tests_name("model.amount", tests, NULL, NULL);
}
