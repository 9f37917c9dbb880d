/* Extrapolation: exact where one factor rules, never outside the shares. */
#include "scoring/spmm_mix_int.h"

#include <math.h>
#include <string.h>

#include "wr_test.h"

enum { ROWS = 5000, PARTS = 7 };

/* Rows in equal parts; the last part takes the rest. */
static void take_step(wr_mix *mix, float *x, const float *to)
{
    for (size_t p = 0; p < PARTS; p++) {
        const size_t end = p + 1 == PARTS ? ROWS : (p + 1) * (ROWS / PARTS);
        wr_mix_part_begin(mix, p);
        for (size_t r = p * (ROWS / PARTS); r < end; r++)
            wr_mix_row(mix, p, r, x + r * mix->ld, to + r * mix->ld);
    }
    memcpy(x, to, ROWS * mix->ld * sizeof *x);
}

/* x_k = goal - error * factor^k, a factor per column. */
static void geometric(float *x, const double *goal, const double *factor, uint32_t ld,
                      int k)
{
    for (size_t i = 0; i < (size_t)ROWS * ld; i++)
        x[i] = (float)(goal[i] * (1 - pow(factor[i % ld], k)));
}

static void test_mix_apply__one_factor_leads_to_the_goal(void **state)
{
    (void)state;
    const uint32_t widths[] = {1, 3, 8, 16};
    for (int w = 0; w < 4; w++) {
        const uint32_t ld = widths[w];
        const size_t cells = (size_t)ROWS * ld;
        double *goal = wr_calloc(cells, sizeof *goal), factor[WR_MIX_LD_MAX];
        float *x = wr_calloc(cells, sizeof *x), *to = wr_calloc(cells, sizeof *to);
        wr_rng r = {.s = ld};
        wr_mix mix;
        assert_ok(wr_mix_init(&mix, ROWS, ld, PARTS, &err));
        for (size_t i = 0; i < cells; i++)
            goal[i] = wr_rng_unit(&r) / ld;
        for (uint32_t c = 0; c < ld; c++)
            factor[c] = 0.8 * wr_rng_unit(&r);
        geometric(x, goal, factor, ld, 1);
        for (int k = 2; k <= 3; k++) {
            geometric(to, goal, factor, ld, k);
            take_step(&mix, x, to);
        }
        wr_mix_apply(&mix, x, 0.85 / 0.15);
        for (size_t i = 0; i < cells; i++)
            assert_true(fabs((double)x[i] - goal[i]) < 2e-6);
        wr_mix_release(&mix);
        wr_free(goal);
        wr_free(x);
        wr_free(to);
    }
}

/* Random changes of any sign and size: rows stay shares, mu within its limits. */
static void test_mix_apply__rows_stay_shares(void **state)
{
    (void)state;
    enum { LD = 8 };
    float *x = wr_calloc(ROWS * LD, sizeof *x), *to = wr_calloc(ROWS * LD, sizeof *to);
    float *before = wr_calloc(ROWS * LD, sizeof *before);
    for (uint64_t seed = 0; seed < 60; seed++) {
        wr_rng r = {.s = seed};
        const double mu_max = 6 * wr_rng_unit(&r);
        wr_mix mix;
        assert_ok(wr_mix_init(&mix, ROWS, LD, PARTS, &err));
        for (int step = 0; step < 3; step++) {
            for (size_t i = 0; i < (size_t)ROWS * LD; i++)
                to[i] = (float)(wr_rng_unit(&r) / LD);
            take_step(&mix, x, to);
        }
        memcpy(before, x, ROWS * LD * sizeof *x);
        wr_mix_apply(&mix, x, mu_max);
        for (size_t row = 0; row < ROWS; row++) {
            double total = 0;
            for (size_t i = row * LD; i < (row + 1) * LD; i++) {
                total += (double)x[i];
                assert_true(x[i] >= 0.0f);
                assert_true(fabs((double)(x[i] - before[i])) <=
                            mu_max * fabs((double)mix.diff[i]) + 1e-6);
            }
            assert_true(total <= 1.0);
        }
        wr_mix_release(&mix);
    }
    wr_free(x);
    wr_free(to);
    wr_free(before);
}

static void test_mix_apply__no_change_no_move(void **state)
{
    (void)state;
    float *x = wr_calloc(ROWS, sizeof *x), *to = wr_calloc(ROWS, sizeof *to);
    wr_mix mix;
    assert_ok(wr_mix_init(&mix, ROWS, 1, PARTS, &err));
    for (size_t i = 0; i < ROWS; i++)
        x[i] = to[i] = 0.25f;
    take_step(&mix, x, to);
    take_step(&mix, x, to);
    wr_mix_apply(&mix, x, 5.0);
    assert_memory_equal(x, to, ROWS * sizeof *x);
    wr_mix_release(&mix);
    wr_mix_release(&mix);
    wr_free(x);
    wr_free(to);
}

static void test_mix_init__empty_and_out_of_memory(void **state)
{
    (void)state;
    wr_mix mix = {0};
    assert_ok(wr_mix_init(&mix, 0, 8, 0, &err));
    wr_mix_apply(&mix, NULL, 1.0);
    wr_mix_release(&mix);
    for (long left = 0; left < 2; left++) {
        wr_mem_test_fail_after(left);
        assert_err(WR_ENOMEM, wr_mix_init(&mix, 10, 8, 1, &err));
        wr_mem_test_fail_after(-1);
        wr_mix_release(&mix);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_mix_apply__one_factor_leads_to_the_goal),
        wr_unit_test(test_mix_apply__rows_stay_shares),
        wr_unit_test(test_mix_apply__no_change_no_move),
        wr_unit_test(test_mix_init__empty_and_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
