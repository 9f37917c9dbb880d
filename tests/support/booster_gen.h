/*
 * booster_gen.h - rows with a known rule for tests and benches of the learned scorer.
 *
 * Feature 0 raises the odds, 1 lowers them, 2 and 3 work together, the rest is noise;
 * one value in eight is missing; at least four features.  About one row in `one_bad_in`
 * is bad.
 */
#ifndef BOOSTER_GEN_H
#define BOOSTER_GEN_H

#include <math.h>
#include <stdio.h>

#include "scoring/booster.h"
#include "util/mem.h"
#include "util/rng.h"

enum { GEN_NAME = 24 };

typedef struct gen_rows {
    size_t rows;
    uint32_t features;
    float *x;
    bool *is_bad;
    float *weight;
    char (*text)[GEN_NAME];
    const char **name;
    int8_t *monotone;
} gen_rows;

static inline void gen_rows_init(gen_rows *g, size_t rows, uint32_t features,
                                 double one_bad_in, uint64_t seed)
{
    wr_rng r = {.s = seed};
    *g = (gen_rows){.rows = rows, .features = features};
    g->x = wr_calloc(rows * features, sizeof *g->x);
    g->is_bad = wr_calloc(rows, sizeof *g->is_bad);
    g->weight = wr_calloc(rows, sizeof *g->weight);
    g->text = wr_calloc(features, sizeof *g->text);
    g->name = wr_calloc(features, sizeof *g->name);
    g->monotone = wr_calloc(features, 1);
    for (uint32_t k = 0; k < features; k++) {
        (void)snprintf(g->text[k], GEN_NAME, "f%02u.in_24h", k);
        g->name[k] = g->text[k];
    }
    g->monotone[0] = 1;
    g->monotone[1] = -1;
    for (size_t i = 0; i < rows; i++) {
        float *x = g->x + i * features;
        for (uint32_t k = 0; k < features; k++) {
            const double u = wr_rng_unit(&r);
            x[k] = (float)(k % 3 == 2 ? floor(8 * u) : -log(1 - u));
        }
        const double odds = 1.2 * (double)x[0] - (double)x[1] +
                            ((double)x[2] > 4 && (double)x[3] > 1 ? 2.5 : 0);
        g->is_bad[i] = wr_rng_unit(&r) < exp(odds) / (exp(odds) + one_bad_in);
        g->weight[i] = (float)(0.5 + wr_rng_unit(&r));
        for (uint32_t k = 0; k < features; k++)
            if (wr_rng_below(&r, 8) == 0)
                x[k] = (float)NAN;
    }
}

static inline void gen_rows_release(gen_rows *g)
{
    wr_free(g->x);
    wr_free(g->is_bad);
    wr_free(g->weight);
    wr_free(g->text);
    wr_free(g->name);
    wr_free(g->monotone);
}

static inline wr_booster_features gen_features(const gen_rows *g)
{
    return (wr_booster_features){g->features, g->name, g->monotone};
}

static inline wr_booster_data gen_data(const gen_rows *g)
{
    return (wr_booster_data){g->rows, g->x, g->is_bad, NULL};
}

#endif
