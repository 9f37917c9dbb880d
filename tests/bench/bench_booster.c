/*
 * bench_booster.c - one row's margin: the library's in-place prediction against flat
 * trees.
 *
 *   bench_booster [ROWS [FEATURES [TREES [DEPTH [ROUNDS]]]]]   default 100000 64 200 6 3
 *
 * Trains once on generated rows, checks that every margin has the same bits, then takes
 * turns: row by row on one thread, and all rows at once on OMP_NUM_THREADS.  Also what
 * exact contributions cost.  Medians over the rounds.
 */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench_tools.h"
#include "booster_gen.h"
#include "util/clock.h"

enum { ROUNDS_MAX = 25, SHAP_ROWS = 200, TRAIN_MAX = 50000 };

typedef struct timing {
    double lib_row, flat_row, lib_all, flat_all; /* rows/s */
} timing;

static double rate(size_t rows, int64_t from_us)
{
    return (double)rows / ((double)(wr_clock_mono_us() - from_us) * 1e-6);
}

static int ascending(const void *pa, const void *pb)
{
    const double a = *(const double *)pa;
    const double b = *(const double *)pb;
    return (a > b) - (a < b);
}

static double median(const timing *t, int rounds, size_t field)
{
    double v[ROUNDS_MAX];
    for (int i = 0; i < rounds; i++)
        v[i] = *(const double *)(const void *)((const char *)&t[i] + field);
    qsort(v, (size_t)rounds, sizeof *v, ascending);
    return v[rounds / 2];
}

static void take_turns(timing *t, const wr_booster *b, const gen_rows *g, double *lib,
                       float *flat)
{
    wr_err err = {0};
    const wr_booster_flat *f = wr_booster_flat_of(b);
    const size_t single = g->rows < 20000 ? g->rows : 20000;
    int64_t from = wr_clock_mono_us();
    for (size_t i = 0; i < single; i++)
        bench_check(wr_booster_predict(lib + i, b, g->x + i * g->features, 1,
                                       WR_BOOSTER_MARGIN, &err),
                    &err);
    t->lib_row = rate(single, from);
    from = wr_clock_mono_us();
    for (size_t i = 0; i < g->rows; i++)
        flat[i] = wr_booster_flat_margin(f, g->x + i * g->features);
    t->flat_row = rate(g->rows, from);
    from = wr_clock_mono_us();
    bench_check(wr_booster_predict(lib, b, g->x, g->rows, WR_BOOSTER_MARGIN, &err), &err);
    t->lib_all = rate(g->rows, from);
    from = wr_clock_mono_us();
    wr_booster_flat_margins(flat, f, g->x, g->rows);
    t->flat_all = rate(g->rows, from);
    for (size_t i = 0; i < g->rows; i++)
        if ((double)flat[i] != lib[i]) {
            (void)fprintf(stderr, "bench_booster: row %zu: %a and %a\n", i,
                          (double)flat[i], lib[i]);
            exit(1);
        }
}

int main(int argc, char **argv)
{
    size_t arg[] = {100000, 64, 200, 6, 3};
    for (int i = 1; i < argc && i <= 5; i++)
        arg[i - 1] = strtoul(argv[i], NULL, 10);
    if (arg[0] < 1000 || arg[1] < 4 || arg[4] < 1 || arg[4] > ROUNDS_MAX) {
        (void)fprintf(stderr, "usage: bench_booster [ROWS [FEATURES [TREES [DEPTH "
                              "[ROUNDS]]]]], rows >= 1000, features >= 4\n");
        return 2;
    }
    wr_err err = {0};
    gen_rows g;
    gen_rows_init(&g, arg[0], (uint32_t)arg[1], 40, 1);
    wr_booster_features f = gen_features(&g);
    wr_booster_data d = gen_data(&g);
    wr_booster_opts o = WR_BOOSTER_OPTS_INIT;
    d.rows = d.rows < TRAIN_MAX ? d.rows : TRAIN_MAX;
    o.rounds = (uint32_t)arg[2];
    o.max_depth = (uint32_t)arg[3];
    o.threads = (uint32_t)omp_get_max_threads();
    wr_booster *b = NULL;
    int64_t from = wr_clock_mono_us();
    bench_check(wr_booster_train(&b, NULL, &f, &d, NULL, &o, &err), &err);
    printf("trained  %zu rows x %zu, %zu trees of depth %zu: %.1f s on %u threads\n",
           d.rows, arg[1], arg[2], arg[3], (double)(wr_clock_mono_us() - from) * 1e-6,
           o.threads);

    timing t[ROUNDS_MAX];
    double *lib = wr_calloc(g.rows, sizeof *lib);
    float *flat = wr_calloc(g.rows, sizeof *flat);
    for (size_t i = 0; i < arg[4]; i++)
        take_turns(&t[i], b, &g, lib, flat);
    const int rounds = (int)arg[4];
#define RATE(field) median(t, rounds, offsetof(timing, field))
    printf("one row  library %8.0f rows/s  flat %9.0f rows/s (%.2f us)  %.1f x\n",
           RATE(lib_row), RATE(flat_row), 1e6 / RATE(flat_row),
           RATE(flat_row) / RATE(lib_row));
    printf("batch    library %8.0f rows/s  flat %9.0f rows/s            %.1f x\n",
           RATE(lib_all), RATE(flat_all), RATE(flat_all) / RATE(lib_all));
    printf("margins  bit-equal, %zu rows\n", g.rows);

    double *c = wr_calloc(SHAP_ROWS * (arg[1] + 1), sizeof *c);
    from = wr_clock_mono_us();
    bench_check(wr_booster_contributions(c, b, g.x, SHAP_ROWS, &err), &err);
    printf("contributions  %.2f ms per row\n", 1e3 / rate(SHAP_ROWS, from));
    wr_booster_free(b);
    gen_rows_release(&g);
    wr_free(lib);
    wr_free(flat);
    wr_free(c);
    return 0;
}
