/* Rows of the most probable wallets, against a sort of all of them. */
#include "wr_test.h"

#include <stdlib.h>

#include "pipeline/run/kept_rows.h"

enum { WORLDS = 300, N_MAX = 60, COLUMNS = 3 };

typedef struct offer {
    double p;
    wr_vid v;
} offer;

/* The order in which rows are given up, the last kept first. */
static int by_rank(const void *pa, const void *pb)
{
    const offer *x = pa;
    const offer *y = pb;
    if (x->p > y->p || x->p < y->p)
        return x->p > y->p ? -1 : 1;
    return (x->v > y->v) - (x->v < y->v);
}

static void row_of(float x[COLUMNS], wr_vid v)
{
    for (int k = 0; k < COLUMNS; k++)
        x[k] = (float)v * 10.0F + (float)k;
}

static void check_found(const wr_kept_rows *k, wr_vid v, bool is_kept)
{
    const float *x = wr_kept_rows_find(k, v);
    assert_int_equal(x != NULL, is_kept);
    float want[COLUMNS];
    row_of(want, v);
    if (is_kept)
        assert_memory_equal(x, want, sizeof want);
}

static void one_world(uint64_t seed)
{
    wr_rng r = {.s = seed};
    const uint32_t n = (uint32_t)wr_rng_below(&r, N_MAX + 1);
    const uint32_t room = (uint32_t)wr_rng_below(&r, N_MAX + 1);
    offer all[N_MAX];
    wr_kept_rows k;
    const size_t row = COLUMNS * sizeof(float) + sizeof(wr_kept_place);
    assert_ok(wr_kept_rows_init(&k, n, COLUMNS, room * row, &err));
    for (wr_vid v = 0; v < n; v++) { /* few values, many ties */
        float x[COLUMNS];
        row_of(x, v);
        all[v] = (offer){.p = (double)wr_rng_below(&r, 5) / 4.0, .v = v};
        wr_kept_rows_offer(&k, v, all[v].p, x);
    }
    wr_kept_rows_order(&k);
    qsort(all, n, sizeof *all, by_rank);
    const uint32_t kept = room ? room : 1; /* one at least */
    for (uint32_t i = 0; i < n; i++)
        check_found(&k, all[i].v, i < kept);
    check_found(&k, n, false);
    wr_kept_rows_release(&k);
}

static void test_wr_kept_rows__the_most_probable(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < WORLDS; seed++)
        one_world(seed);
}

static void test_wr_kept_rows_find__nothing_kept(void **state)
{
    (void)state;
    wr_kept_rows k = {0};
    assert_null(wr_kept_rows_find(&k, 0));
    wr_kept_rows_release(&k);
}

static wr_status open_and_close(wr_err *err)
{
    wr_kept_rows k = {0};
    WR_TRY(wr_kept_rows_init(&k, 9, COLUMNS, 1 << 20, err));
    wr_kept_rows_release(&k);
    return WR_OK;
}

static void test_wr_kept_rows_init__out_of_memory(void **state)
{
    (void)state;
    assert_oom_safe(open_and_close(&err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_wr_kept_rows__the_most_probable),
        wr_unit_test(test_wr_kept_rows_find__nothing_kept),
        wr_unit_test(test_wr_kept_rows_init__out_of_memory),
    };
    return cmocka_run_group_tests_name("pipeline/kept_rows", tests, NULL, NULL);
}
