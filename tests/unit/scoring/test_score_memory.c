/*
 * The memory of scores against a sum over all earlier transfers, and what it promises
 * about order, errors and memory.
 */
#include "scoring/score_memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "util/rng.h"
#include "wr_test.h"

enum { EVENTS = 600, WALLETS = 25, HALF_S = 5000 };

typedef struct told {
    wr_feature_event e;
    double margin;
} told;

static told tell(wr_rng *r, uint32_t k)
{
    return (told){.e = {.from = (wr_vid)wr_rng_below(r, WALLETS),
                        .to = (wr_vid)wr_rng_below(r, WALLETS),
                        .time_s = k / 3 * 500,
                        .value = 1},
                  .margin = 20 * wr_rng_unit(r) - 12};
}

static wr_score_memory *memory_new(void)
{
    wr_score_memory *m = NULL;
    assert_ok(wr_score_memory_new(&m, HALF_S, &err));
    return m;
}

/* Of v's payments (receipts) among the first k. */
static void want(double *at, const told *t, uint32_t k, wr_vid v, bool is_out)
{
    double sum = 0, max = 0, recent = 0, count = 0;
    for (uint32_t i = 0; i < k; i++) {
        if (t[i].e.from == t[i].e.to || (is_out ? t[i].e.from : t[i].e.to) != v)
            continue;
        const double p = 1 / (1 + exp(-t[i].margin));
        count++;
        sum += p;
        max = fmax(max, p);
        recent += p * pow(0.5, (t[k].e.time_s - t[i].e.time_s) / (double)HALF_S);
    }
    at[0] = count > 0 ? sum : -1;
    at[1] = count > 0 ? max : -1;
    at[2] = count > 0 ? sum / count : -1;
    at[3] = count > 0 ? recent : -1;
}

static void test_score_memory_row__sums_over_the_whole_past(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 9; seed++) {
        WR_AUTO(wr_score_memory) m = memory_new();
        wr_rng r = {.s = seed};
        told t[EVENTS];
        for (uint32_t k = 0; k < EVENTS; k++) {
            float row[WR_SCORE_MEMORY_COLUMNS];
            double expected[WR_SCORE_MEMORY_COLUMNS];
            t[k] = tell(&r, k);
            memset(row, 0x7f, sizeof row);
            wr_score_memory_row(row, m, &t[k].e);
            want(expected, t, k, t[k].e.from, true);
            want(expected + 4, t, k, t[k].e.from, false);
            want(expected + 8, t, k, t[k].e.to, false);
            want(expected + 12, t, k, t[k].e.to, true);
            for (uint32_t c = 0; c < WR_SCORE_MEMORY_COLUMNS; c++)
                if (!(fabs((double)row[c] - expected[c]) <=
                      1e-6 * fmax(1, fabs(expected[c]))))
                    fail_msg("transfer %u, %s: %.9g, not %.9g", k,
                             wr_score_memory_name(c), (double)row[c], expected[c]);
            assert_ok(wr_score_memory_take(m, &t[k].e, t[k].margin, &err));
        }
    }
}

/* A row depends on what was taken before it, never on the margin of its own transfer. */
static void test_score_memory_row__knows_nothing_of_itself(void **state)
{
    (void)state;
    WR_AUTO(wr_score_memory) a = memory_new();
    WR_AUTO(wr_score_memory) b = memory_new();
    const wr_feature_event first = {.from = 1, .to = 2, .time_s = 10};
    const wr_feature_event next = {.from = 1, .to = 3, .time_s = 20};
    float x[WR_SCORE_MEMORY_COLUMNS], y[WR_SCORE_MEMORY_COLUMNS];
    assert_ok(wr_score_memory_take(a, &first, 3, &err));
    assert_ok(wr_score_memory_take(b, &first, 3, &err));
    wr_score_memory_row(x, a, &next);
    assert_ok(wr_score_memory_take(b, &next, (double)-INFINITY, &err));
    wr_score_memory_row(y, a, &next);
    assert_memory_equal(x, y, sizeof x);
    wr_score_memory_row(y, b, &next);
    assert_true(x[0] > y[2] && y[2] > 0); /* now the mean of two, one of them 0 */
}

static void test_score_memory_name__each_once(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < WR_SCORE_MEMORY_COLUMNS; i++)
        for (uint32_t j = 0; j < i; j++)
            assert_string_not_equal(wr_score_memory_name(i), wr_score_memory_name(j));
    assert_string_equal(wr_score_memory_name(0), "from_out_score_sum");
    assert_string_equal(wr_score_memory_name(7), "from_in_score_recent");
    assert_string_equal(wr_score_memory_name(9), "to_in_score_max");
    assert_string_equal(wr_score_memory_name(14), "to_out_score_mean");
}

static void test_score_memory_take__errors_leave_it_as_it_was(void **state)
{
    (void)state;
    WR_AUTO(wr_score_memory) m = memory_new();
    const wr_feature_event e = {.from = 1, .to = 2, .time_s = 100};
    const struct {
        wr_feature_event e;
        double margin;
        wr_status status;
        const char *message;
    } list[] = {
        {{1, 2, 99, 0}, 0, WR_EINVAL, "transfer at 99 after one at 100"},
        {{1, 2, 100, 0}, (double)NAN, WR_EINVAL, "margin nan"},
        {{WR_VID_NONE, 2, 100, 0}, 0, WR_ELIMIT, "wallet 4294967295 is none"},
        {{1, WR_VID_NONE, 100, 0}, 0, WR_ELIMIT, "wallet 4294967295 is none"},
        {{2, 2, 100, 0}, 9, WR_OK, ""}, /* to oneself */
    };
    float before[WR_SCORE_MEMORY_COLUMNS], after[WR_SCORE_MEMORY_COLUMNS];
    assert_ok(wr_score_memory_take(m, &e, 1, &err));
    wr_score_memory_row(before, m, &e);
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        wr_err err = {0};
        assert_int_equal(wr_score_memory_take(m, &list[i].e, list[i].margin, &err),
                         list[i].status);
        assert_string_equal(err.msg, list[i].message);
        wr_score_memory_row(after, m, &e);
        assert_memory_equal(before, after, sizeof after);
    }
}

static void test_score_memory_new__errors_and_memory(void **state)
{
    (void)state;
    wr_score_memory *m = NULL;
    wr_err zero = {0};
    assert_int_equal(wr_score_memory_new(&m, 0, &zero), WR_EINVAL);
    assert_string_equal(zero.msg, "half-life of 0 s");
    assert_null(m);
    assert_oom_safe(wr_score_memory_new(&m, 1, &err));
    const wr_feature_event e = {.from = 1, .to = 2000, .time_s = 1};
    assert_oom_safe(wr_score_memory_take(m, &e, (double)INFINITY, &err));
    float row[WR_SCORE_MEMORY_COLUMNS];
    wr_score_memory_row(row, m, &e);
    assert_true(row[1] == 1 && row[4] == -1 && row[9] == 1);
    wr_score_memory_free(m);
    wr_score_memory_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_score_memory_row__sums_over_the_whole_past),
        wr_unit_test(test_score_memory_row__knows_nothing_of_itself),
        wr_unit_test(test_score_memory_name__each_once),
        wr_unit_test(test_score_memory_take__errors_leave_it_as_it_was),
        wr_unit_test(test_score_memory_new__errors_and_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
