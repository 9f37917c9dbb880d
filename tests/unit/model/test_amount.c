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

/* --- schoolbook references: everything below works on strings of digits --- */

static void random_digits(char *out, size_t len, wr_rng *r)
{
    uint64_t style = wr_rng_below(r, 4); /* also runs of zeros and nines: carries */
    for (size_t i = 0; i < len; i++) {
        uint64_t d = wr_rng_below(r, 10);
        out[i] = (char)('0' + (style == 0 ? 0 : style == 1 && d > 1 ? 9 : d));
    }
    out[len] = '\0';
}

static const char *stripped(const char *digits)
{
    while (*digits == '0' && digits[1])
        digits++;
    return digits;
}

static bool is_over(const char *digits)
{
    size_t len = strlen(digits);
    return len > 39 || (len == 39 && strcmp(digits, max_text) > 0);
}

static void add_one(char *digits) /* "099" -> "100"; digits begins with a spare 0 */
{
    size_t i = strlen(digits) - 1;
    for (; digits[i] == '9'; i--)
        digits[i] = '0';
    digits[i]++;
}

static void check_parse_against_schoolbook(wr_rng *r)
{
    char text[64];
    random_digits(text, 1 + (size_t)wr_rng_below(r, 45), r);
    const char *want = stripped(text);
    wr_amount a = 0;
    if (is_over(want))
        assert_err(WR_ELIMIT, wr_amount_parse(&a, wr_text_of(text), &err));
    else
        check_parse(text, want);
}

static void test_amount_parse__agrees_with_schoolbook(void **state)
{
    (void)state;
    wr_rng r = {.s = 1};
    for (int i = 0; i < 50000; i++)
        check_parse_against_schoolbook(&r);
}

/* whole.fraction e exp, times 10^decimals: move the point, cut, round, compare. */
static void check_against_schoolbook(wr_rng *r)
{
    char whole[32];
    char fraction[64];
    random_digits(whole, (size_t)wr_rng_below(r, 30), r);
    random_digits(fraction, 1 + (size_t)wr_rng_below(r, 50), r);
    int exp = (int)wr_rng_below(r, 21) - 10;
    unsigned decimals = (unsigned)wr_rng_below(r, WR_DECIMALS_MAX + 1);
    char text[160];
    (void)snprintf(text, sizeof text, exp ? "%s.%se%d" : "%s.%s", whole, fraction, exp);

    char all[256]; /* zeros before and behind, so that the point may go anywhere */
    int point = snprintf(all, sizeof all, "%020d%s", 0, whole) + exp + (int)decimals;
    (void)snprintf(all, sizeof all, "%020d%s%s%060d", 0, whole, fraction, 0);
    char rest[256];
    (void)snprintf(rest, sizeof rest, "%s", all + point);
    all[point] = '\0';
    bool has_rest = rest[strspn(rest, "0")] != '\0';
    bool is_tie = rest[0] == '5' && rest[1 + strspn(rest + 1, "0")] == '\0';
    bool is_odd = (all[point - 1] - '0') % 2 != 0;
    if (is_tie ? is_odd : rest[0] >= '5')
        add_one(all);
    const char *want = stripped(all);

    wr_amount a = 0;
    if (is_over(want))
        assert_err(WR_ELIMIT,
                   wr_amount_parse_units(&a, wr_text_of(text), decimals, 1, &err));
    else
        check_units(text, decimals, 1, want);
    if (has_rest)
        assert_err(WR_EPARSE,
                   wr_amount_parse_units(&a, wr_text_of(text), decimals, 0, &err));
    else if (!is_over(want))
        check_units(text, decimals, 0, want);
}

static void test_amount_parse_units__agrees_with_schoolbook(void **state)
{
    (void)state;
    wr_rng r = {.s = 2};
    for (int i = 0; i < 100000; i++)
        check_against_schoolbook(&r);
}

static wr_amount random_amount(wr_rng *r)
{
    wr_amount a = (wr_amount)wr_rng_u64(r) << 64 | wr_rng_u64(r);
    return a >> wr_rng_below(r, 128);
}

static void test_amount_format_units__typical(void **state)
{
    (void)state;
    static const struct {
        wr_amount a;
        unsigned decimals;
        const char *want;
    } c[] = {
        {0, 0, "0"},
        {0, 18, "0"},
        {1500, 3, "1.5"},
        {1500, 0, "1500"},
        {1, 3, "0.001"},
        {1000, 3, "1"},
        {100, 3, "0.1"},
        {10, 0, "10"},
        {1, 36, "0.000000000000000000000000000000000001"},
        {~(wr_amount)0, 0, "340282366920938463463374607431768211455"},
        {~(wr_amount)0, 36, "340.282366920938463463374607431768211455"},
    };
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        char out[WR_VALUE_TEXT_MAX];
        wr_amount_format_units(out, c[i].a, c[i].decimals);
        assert_string_equal(out, c[i].want);
    }
}

static void test_amount_format_units__parses_back(void **state)
{
    (void)state;
    wr_rng r = {.s = 3};
    for (int i = 0; i < 50000; i++) {
        wr_amount a = random_amount(&r);
        unsigned decimals = (unsigned)wr_rng_below(&r, WR_DECIMALS_MAX + 1);
        char out[WR_VALUE_TEXT_MAX];
        wr_amount_format_units(out, a, decimals);
        wr_amount back = 0;
        assert_ok(wr_amount_parse_units(&back, wr_text_of(out), decimals, 0, &err));
        assert_true(back == a);
    }
}

/* glibc's strtod rounds correctly, so its value of the exact text is the answer. */
static void check_value(wr_amount a, unsigned decimals)
{
    char text[WR_VALUE_TEXT_MAX];
    wr_amount_format_units(text, a, decimals);
    double got = wr_amount_value(a, decimals);
    if (got != strtod(text, NULL))
        fail_msg("value of %s is %.17g", text, got);
}

static void test_amount_value__nearest_double(void **state)
{
    (void)state;
    wr_rng r = {.s = 4};
    for (unsigned decimals = 0; decimals <= WR_DECIMALS_MAX; decimals++) {
        check_value(0, decimals);
        check_value(1, decimals);
        check_value(~(wr_amount)0, decimals);
        for (unsigned bit = 50; bit < 128; bit++) /* ties and their neighbours */
            for (wr_amount off = 0; off < 5; off++) {
                check_value(((wr_amount)1 << bit) + off, decimals);
                check_value(((wr_amount)1 << bit) +
                                ((wr_amount)1 << (bit - 50)) * off / 2,
                            decimals);
                check_value(((wr_amount)1 << bit) - off, decimals);
            }
    }
    for (int i = 0; i < 200000; i++)
        check_value(random_amount(&r), (unsigned)wr_rng_below(&r, WR_DECIMALS_MAX + 1));
}

static void check_number(const char *text)
{
    double got = -1;
    assert_ok(wr_number_parse(&got, wr_text_of(text), &err));
    if (got != strtod(text, NULL))
        fail_msg("%s gave %.17g", text, got);
}

static void test_number_parse__agrees_with_strtod(void **state)
{
    (void)state;
    static const char *const good[] = {"0",
                                       "-0",
                                       "12.5",
                                       "1e3",
                                       "-1E-3",
                                       ".5",
                                       "5.",
                                       "1e22",
                                       "1e-22",
                                       "1e23",
                                       "123456789012345e22",
                                       "1e308",
                                       "9007199254740993",
                                       "1e-400",
                                       "2.2250738585072014e-308",
                                       "0e999",
                                       "000000000000000000000000001"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        check_number(good[i]);
    wr_rng r = {.s = 5};
    for (int i = 0; i < 100000; i++) {
        char whole[32];
        char fraction[32];
        char text[96];
        random_digits(whole, 1 + (size_t)wr_rng_below(&r, 20), &r);
        random_digits(fraction, (size_t)wr_rng_below(&r, 20), &r);
        (void)snprintf(text, sizeof text, "%s%s.%se%d", i % 2 ? "-" : "", whole, fraction,
                       (int)wr_rng_below(&r, 80) - 40);
        check_number(text);
    }
}

static void test_number_parse__refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {"nan", "inf", "-inf", "0x10",  "1,5",
                                      "1 ",  " 1",  "+1",   "1e",    "e5",
                                      "-",   ".",   "--1",  "1e5.5", "1f"};
    double v = 42;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_err(WR_EPARSE, wr_number_parse(&v, wr_text_of(bad[i]), &err));
    wr_err why = {0};
    assert_int_equal(wr_number_parse(&v, WR_TEXT_LIT("1e400"), &why), WR_EPARSE);
    assert_string_equal(why.msg, "'1e400' is too large a number");
    why = (wr_err){0};
    assert_int_equal(wr_number_parse(&v, WR_TEXT_LIT(""), &why), WR_EPARSE);
    assert_string_equal(why.msg, "number is empty");
    why = (wr_err){0};
    assert_int_equal(wr_number_parse(&v, WR_TEXT_LIT("abc"), &why), WR_EPARSE);
    assert_string_equal(why.msg, "'abc' is not a decimal number");
    char longest[500];
    memset(longest, '1', sizeof longest);
    assert_err(WR_EPARSE,
               wr_number_parse(&v, (wr_text){.p = longest, .len = sizeof longest}, &err));
    assert_true(v == 42);
}

/* The eight-at-a-time reader must see a wrong byte at every place. */
static void test_amount_parse__one_wrong_byte_anywhere(void **state)
{
    (void)state;
    char text[] = "123456789012345678901234567890";
    for (size_t at = 0; at < sizeof text - 1; at++)
        for (int byte = 0; byte < 256; byte++) {
            char kept = text[at];
            text[at] = (char)byte;
            wr_amount a = 0;
            bool is_fine = (byte >= '0' && byte <= '9') ||
                           (byte == '.' && at >= sizeof text - 3); /* ".", ".0" */
            wr_status s =
                wr_amount_parse(&a, (wr_text){.p = text, .len = sizeof text - 1}, NULL);
            assert_int_equal(s, is_fine ? WR_OK : WR_EPARSE);
            text[at] = kept;
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_amount_parse__typical),
        wr_unit_test(test_amount_parse__refuses),
        wr_unit_test(test_amount_parse_units__exact),
        wr_unit_test(test_amount_parse_units__rounds_half_to_even),
        wr_unit_test(test_amount_parse_units__refuses),
        wr_unit_test(test_amount_parse__agrees_with_schoolbook),
        wr_unit_test(test_amount_parse_units__agrees_with_schoolbook),
        wr_unit_test(test_amount_parse__one_wrong_byte_anywhere),
        wr_unit_test(test_amount_format_units__typical),
        wr_unit_test(test_amount_format_units__parses_back),
        wr_unit_test(test_amount_value__nearest_double),
        wr_unit_test(test_number_parse__agrees_with_strtod),
        wr_unit_test(test_number_parse__refuses),
    };
    return cmocka_run_group_tests_name("model.amount", tests, NULL, NULL);
}
