#include "wr_test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/score.h"

static void test_score_publish__typical(void **state)
{
    (void)state;
    assert_true(wr_score_publish(0.0) == 0.0);
    assert_true(wr_score_publish(1.0) == 100.0);
    assert_true(wr_score_publish(0.724) == 72.4);
    assert_true(wr_score_publish(1.0 / 32) == 3.12); /* 3.125: to even */
    assert_true(wr_score_publish(3.0 / 32) == 9.38); /* 9.375: to even */
    assert_true(wr_score_publish(nextafter(1.0 / 32, 1)) == 3.13);
    assert_true(wr_score_publish(nextafter(3.0 / 32, 0)) == 9.37);
    assert_true(wr_score_publish(5e-324) == 0.0);
    assert_true(wr_score_publish(nextafter(1.0, 0)) == 100.0);
}

/* glibc prints "%.4f" of the exact value, half to even: the digits are the answer. */
static void check_publish(double score)
{
    char text[64];
    (void)snprintf(text, sizeof text, "%.4f", score);
    char digits[8] = {text[0], text[2], text[3], text[4], text[5]};
    double want = (double)strtoll(digits, NULL, 10) / 100.0;
    double got = wr_score_publish(score);
    if (got != want)
        fail_msg("%.20g gave %.17g, not %.17g", score, got, want);
}

static void test_score_publish__agrees_with_exact_decimals(void **state)
{
    (void)state;
    wr_rng r = {.s = 1};
    for (int i = 0; i < 100000; i++) {
        double score = wr_rng_unit(&r);
        check_publish(score);
        check_publish(ldexp(score, -(int)wr_rng_below(&r, 60)));
    }
    for (int k = 0; k < 20000; k++) { /* every near-tie there is */
        double tie = (k + 0.5) / 20000;
        check_publish(tie);
        check_publish(nextafter(tie, 0));
        check_publish(nextafter(tie, 1));
    }
}

static void test_names__one_each(void **state)
{
    (void)state;
    assert_string_equal(wr_level_name(WR_LEVEL_LOW), "low");
    assert_string_equal(wr_level_name(WR_LEVEL_MEDIUM), "medium");
    assert_string_equal(wr_level_name(WR_LEVEL_HIGH), "high");
    assert_string_equal(wr_level_name(WR_LEVEL_SEVERE), "severe");
    assert_string_equal(wr_level_name(WR_LEVEL_COUNT), "unknown");
    assert_string_equal(wr_state_name(WR_STATE_SCORED), "scored");
    assert_string_equal(wr_state_name(WR_STATE_NOT_IN_GRAPH), "not_in_graph");
    assert_string_equal(wr_state_name(WR_STATE_STALE), "stale");
    assert_string_equal(wr_state_name(WR_STATE_LABELS_UNAVAILABLE), "labels_unavailable");
    assert_string_equal(wr_state_name(WR_STATE_COUNT), "unknown");
    assert_string_equal(wr_direction_name(WR_RECEIVING), "receiving");
    assert_string_equal(wr_direction_name(WR_SENDING), "sending");
}

static void test_level_parse__names_and_nothing_else(void **state)
{
    (void)state;
    for (unsigned l = 0; l < WR_LEVEL_COUNT; l++) {
        wr_level got = WR_LEVEL_COUNT;
        assert_ok(wr_level_parse(&got, wr_text_of(wr_level_name((wr_level)l)), &err));
        assert_int_equal(got, l);
    }
    wr_level got = WR_LEVEL_HIGH;
    wr_err why = {0};
    assert_int_equal(wr_level_parse(&got, WR_TEXT_LIT("High"), &why), WR_EPARSE);
    assert_string_equal(why.msg, "level 'High' is none of low, medium, high, severe");
    assert_err(WR_EPARSE, wr_level_parse(&got, WR_TEXT_LIT(""), &err));
    assert_err(WR_EPARSE, wr_level_parse(&got, (wr_text){0}, &err));
    assert_int_equal(got, WR_LEVEL_HIGH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_score_publish__typical),
        wr_unit_test(test_score_publish__agrees_with_exact_decimals),
        wr_unit_test(test_names__one_each),
        wr_unit_test(test_level_parse__names_and_nothing_else),
    };
    return cmocka_run_group_tests_name("model.score", tests, NULL, NULL);
}
