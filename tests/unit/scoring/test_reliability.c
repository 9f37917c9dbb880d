/* Reliability against values worked out by hand, and against any order of the rows. */
#include "scoring/reliability.h"

#include <math.h>
#include <string.h>

#include "wr_test.h"

static void test_reliability__by_hand(void **state)
{
    (void)state;
    /* thirty rows, two per bin: bin b has p = b/16, bad in bins 10 and up and one of 3 */
    double p[30];
    bool bad[30];
    for (int i = 0; i < 30; i++) {
        p[i] = (double)(i / 2) / 16;
        bad[i] = i / 2 >= 10 || i == 6;
    }
    double ece = 0, brier = 0;
    for (int b = 0; b < 15; b++) {
        const double share = b >= 10 ? 1 : b == 3 ? 0.5 : 0;
        ece += fabs((double)b / 16 - share) / 15;
    }
    for (int i = 0; i < 30; i++)
        brier += (p[i] - bad[i]) * (p[i] - bad[i]) / 30;
    wr_reliability r;
    assert_ok(wr_reliability_of(&r, p, bad, 30, &err));
    assert_true(fabs(r.ece - ece) < 1e-12);
    assert_true(fabs(r.brier - brier) < 1e-12);
    assert_int_equal(r.bins, 15);
    assert_true(r.bin[3].rows == 2 && r.bin[3].bad_share == 0.5);
    assert_true(r.bin[3].p_min == 3.0 / 16 && r.bin[3].p_max == 3.0 / 16);
    assert_true(r.top.rows == 1 && r.top.p_mean == 14.0 / 16 && r.top.bad_share == 1);
}

static void test_reliability__perfect_and_worst(void **state)
{
    (void)state;
    const double p[] = {0, 1, 0, 1};
    const bool right[] = {0, 1, 0, 1}, wrong[] = {1, 0, 1, 0};
    wr_reliability r;
    assert_ok(wr_reliability_of(&r, p, right, 4, &err));
    assert_true(r.ece == 0 && r.brier == 0 && r.bins == 4);
    assert_ok(wr_reliability_of(&r, p, wrong, 4, &err));
    assert_true(r.ece == 1 && r.brier == 1);
    const double one = 0.25;
    assert_ok(wr_reliability_of(&r, &one, wrong, 1, &err));
    assert_true(r.ece == 0.75 && r.bins == 1 && r.bin[0].rows == 1);
}

/* Bins cut through equal probabilities: the order of rows must not show. */
static void test_reliability__ties_in_any_order(void **state)
{
    (void)state;
    enum { N = 500 };
    wr_rng r = {.s = 5};
    double p[N];
    bool bad[N];
    wr_reliability want, got;
    for (int i = 0; i < N; i++) {
        p[i] = (double)wr_rng_below(&r, 6) / 8;
        bad[i] = wr_rng_unit(&r) < p[i];
    }
    assert_ok(wr_reliability_of(&want, p, bad, N, &err));
    uint64_t rows = 0;
    for (uint32_t b = 0; b < want.bins; b++)
        rows += want.bin[b].rows;
    assert_int_equal(rows, N);
    for (int turn = 0; turn < 20; turn++) {
        for (int i = N - 1; i > 0; i--) {
            const int j = (int)wr_rng_below(&r, (uint64_t)i + 1);
            const double q = p[i];
            const bool b = bad[i];
            p[i] = p[j], bad[i] = bad[j];
            p[j] = q, bad[j] = b;
        }
        assert_ok(wr_reliability_of(&got, p, bad, N, &err));
        assert_true(got.ece == want.ece && fabs(got.brier - want.brier) < 1e-12);
        assert_memory_equal(got.bin, want.bin, sizeof got.bin);
    }
}

static void test_reliability__errors(void **state)
{
    (void)state;
    const double p[] = {0.5, 1.5};
    const bool bad[] = {0, 1};
    wr_reliability r = {.ece = 7};
    wr_err e = {0};
    assert_int_equal(wr_reliability_of(&r, p, bad, 2, &e), WR_EINVAL);
    assert_string_equal(e.msg, "probability 1.5 of row 1");
    e = (wr_err){0};
    assert_int_equal(wr_reliability_of(&r, p, bad, 0, &e), WR_EINVAL);
    assert_string_equal(e.msg, "no rows to compare with");
    assert_true(r.ece == 7);
    assert_oom_safe(wr_reliability_of(&r, p, bad, 1, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_reliability__by_hand),
        wr_unit_test(test_reliability__perfect_and_worst),
        wr_unit_test(test_reliability__ties_in_any_order),
        wr_unit_test(test_reliability__errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
