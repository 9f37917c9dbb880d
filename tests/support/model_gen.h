/*
 * model_gen.h - a small trained scorer with all its parts, for tests of what is kept.
 *
 * Trained on booster_gen.h's rows, so that its trees are trees.  The manifest has every
 * key that pipeline/scorer/learned.h's card prints; `seed` is in it and in the rows:
 * another seed is another model.  Names of columns are the caller's or booster_gen's.
 */
#ifndef MODEL_GEN_H
#define MODEL_GEN_H

#include "booster_gen.h"
#include "pipeline/scorer/learned.h"
#include "wr_test.h"

enum { GEN_FOREST = 3, GEN_COLUMNS = 12, GEN_MODEL_ROWS = 1500 };

typedef struct gen_model {
    gen_rows rows;
    wr_booster *booster;
    wr_calibration calibration;
    wr_forest *forest;
    uint32_t column[GEN_FOREST];
    wr_drift drift[GEN_COLUMNS], score_drift;
    wr_buf manifest;
} gen_model;

static inline void gen_manifest(wr_buf *b, const char *const *name,
                                const uint32_t *column, uint64_t seed, const char *kind)
{
    wr_buf_init(b, 1 << 20);
    wr_buf_addf(b,
                "{\"kind\":\"%s\",\"as_of\":\"2025-05-01T00:00:00Z\","
                "\"data\":{\"graph_digest\":\"g1\",\"labels_digest\":\"l1\","
                "\"config_digest\":\"c1\",\"truth_digest\":\"t1\",\"transfers\":5000,"
                "\"wallets\":700},\"groups\":[\"behaviour\",\"neighbours\"],\"seed\":%u,"
                "\"parameters\":{\"eta\":0.3,\"max_depth\":3,\"rounds\":%u},"
                "\"forest_columns\":[\"%s\",\"%s\",\"%s\"],",
                kind, (unsigned)seed, 10 + (unsigned)seed, name[column[0]],
                name[column[1]], name[column[2]]);
    wr_buf_adds(b, "\"blocks\":[{\"name\":\"train\",\"from\":1704067200,\"to\":"
                   "\"2025-02-01T00:00:00Z\",\"rows\":1500,\"bad\":60,\"incidents\":9},"
                   "{\"name\":\"test\",\"from\":\"2025-03-01T00:00:00Z\",\"to\":"
                   "\"2025-05-01T00:00:00Z\",\"rows\":300,\"bad\":7,\"incidents\":4}],"
                   "\"fit\":{\"rounds_run\":10,\"rounds_kept\":10,\"ap_valid\":0.5},");
    wr_buf_addf(b,
                "\"threshold\":0.25,\"metrics\":{\"test\":{\"pr_auc\":{\"value\":0.%u,"
                "\"low\":0.11,\"high\":0.91},\"prevalence\":0.0233,\"recall\":[{"
                "\"budget\":0.001,\"value\":0.125},{\"budget\":0.01,\"value\":0.375}],"
                "\"precision\":0.5,\"f1\":0.4,\"roc_auc\":0.875,\"ece\":null,"
                "\"brier\":0.02},\"known\":{\"pr_auc\":{\"value\":0.75},\"recall\":[{"
                "\"budget\":0.01,\"value\":0.625}]},\"by_typology\":[{\"name\":"
                "\"fan_in\",\"incidents\":3,\"wallets\":12,\"recall\":0.75}]},"
                "\"limits\":[\"One chain | one year.\"]}",
                30 + (unsigned)seed % 60);
}

static inline void gen_drift(gen_model *g, const double *p)
{
    const uint32_t d = g->rows.features;
    double *v = wr_calloc(g->rows.rows, sizeof *v);
    for (uint32_t k = 0; k < d; k++) {
        for (size_t i = 0; i < g->rows.rows; i++)
            v[i] = (double)g->rows.x[i * d + k];
        assert_ok(wr_drift_learn(&g->drift[k], v, g->rows.rows, 10, &err));
    }
    assert_ok(wr_drift_learn(&g->score_drift, p, g->rows.rows, 10, &err));
    wr_free(v);
}

static inline void gen_forest(gen_model *g, uint64_t seed)
{
    const uint32_t d = g->rows.features;
    float *x = wr_calloc(g->rows.rows * GEN_FOREST, sizeof *x);
    wr_forest_opts o = {.trees = 10, .sample = 64, .seed = seed};
    for (size_t i = 0; i < g->rows.rows; i++)
        for (int k = 0; k < GEN_FOREST; k++)
            x[i * GEN_FOREST + (size_t)k] = g->rows.x[i * d + g->column[k]];
    assert_ok(wr_forest_fit(&g->forest, x, g->rows.rows, GEN_FOREST, &o, &err));
    wr_free(x);
}

/* name [GEN_COLUMNS] or NULL; is_isotonic: the other rule of calibrate.h. */
static inline void gen_model_init(gen_model *g, const char *const *name, const char *kind,
                                  uint64_t seed, bool is_isotonic)
{
    *g = (gen_model){.column = {7, 0, 4}};
    gen_rows_init(&g->rows, GEN_MODEL_ROWS, GEN_COLUMNS, 20, seed);
    for (uint32_t k = 0; name && k < GEN_COLUMNS; k++)
        g->rows.name[k] = name[k];
    const wr_booster_features f = gen_features(&g->rows);
    const wr_booster_data data = gen_data(&g->rows);
    wr_booster_opts o = WR_BOOSTER_OPTS_INIT;
    o.rounds = 10;
    o.eta = 0.3;
    o.max_depth = 3;
    o.patience = 0;
    assert_ok(wr_booster_train(&g->booster, NULL, &f, &data, NULL, &o, &err));
    double *m = wr_calloc(g->rows.rows, sizeof *m);
    assert_ok(wr_booster_predict(m, g->booster, g->rows.x, g->rows.rows,
                                 WR_BOOSTER_MARGIN, &err));
    const wr_calibration_opts how = {.isotonic_from_bad = is_isotonic ? 1 : 1000000};
    assert_ok(
        wr_calibration_fit(&g->calibration, m, g->rows.is_bad, g->rows.rows, &how, &err));
    for (size_t i = 0; i < g->rows.rows; i++)
        m[i] = wr_calibration_apply(&g->calibration, m[i]);
    gen_forest(g, seed);
    gen_drift(g, m);
    wr_free(m);
    gen_manifest(&g->manifest, g->rows.name, g->column, seed, kind);
}

static inline wr_learned_parts gen_parts(const gen_model *g)
{
    return (wr_learned_parts){.booster = g->booster,
                              .calibration = &g->calibration,
                              .forest = g->forest,
                              .forest_column = g->column,
                              .drift = g->drift,
                              .score_drift = &g->score_drift,
                              .manifest = g->manifest.p};
}

static inline void gen_model_release(gen_model *g)
{
    gen_rows_release(&g->rows);
    wr_booster_free(g->booster);
    wr_calibration_release(&g->calibration);
    wr_forest_free(g->forest);
    wr_buf_release(&g->manifest);
}

/* The bytes of such a model; release. */
static inline void gen_model_bytes(wr_buf *out, const char *kind, uint64_t seed)
{
    gen_model g;
    gen_model_init(&g, NULL, kind, seed, false);
    const wr_learned_parts p = gen_parts(&g);
    wr_buf_init(out, 1 << 26);
    assert_ok(wr_learned_pack(out, &p, &err));
    gen_model_release(&g);
}

#endif
