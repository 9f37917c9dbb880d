/*
 * The learned score of a run: probability and novelty of every wallet, and how far what
 * the run looks at has moved away from what the model was trained on.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/learning/frame.h"
#include "pipeline/run/assess_int.h"

/* Wallets that drift is taken from, about; all when there are fewer. */
enum { DRIFT_WALLETS = 200000 };

static const double MOVED = 0.25; /* by habit, drift.h */

typedef struct judging {
    wr_assessment *a;
    uint32_t *column; /* [columns] of the frame */
    uint32_t columns, step;
    float *x;        /* [rows of a block * columns] */
    size_t x_cap;    /* rows */
    uint64_t *count; /* [columns * WR_DRIFT_BINS_MAX + 1] */
    uint64_t score_count[WR_DRIFT_BINS_MAX + 1];
} judging;

enum { BINS = WR_DRIFT_BINS_MAX + 1 };

static void release(judging *j)
{
    wr_free(j->column);
    wr_free(j->x);
    wr_free(j->count);
}

static wr_status make_room(judging *j, uint32_t rows, wr_err *err)
{
    if (rows <= j->x_cap)
        return WR_OK;
    wr_free(j->x);
    j->x_cap = rows;
    j->x = wr_alloc_big((size_t)rows * j->columns, sizeof *j->x);
    return j->x ? WR_OK : wr_fail(err, WR_ENOMEM, "%" PRIu32 " rows", rows);
}

static void count_row(judging *j, const float *row, double p)
{
    const wr_learned *l = j->a->cfg->model;
    const wr_drift *d = wr_learned_drift(l);
    for (uint32_t k = 0; k < j->columns; k++)
        j->count[(size_t)k * BINS + wr_drift_bin(&d[k], (double)row[k])]++;
    j->score_count[wr_drift_bin(wr_learned_score_drift(l), p)]++;
}

/* --- all rows -------------------------------------------------------------------------
 */

static wr_status take_rows(void *ctx, wr_vid first, uint32_t rows, const float *x,
                           wr_err *err)
{
    judging *j = ctx;
    wr_assessment *a = j->a;
    const uint32_t ld = wr_frame_columns();
    WR_TRY(make_room(j, rows, err));
    for (uint32_t i = 0; i < rows; i++)
        for (uint32_t k = 0; k < j->columns; k++)
            j->x[(size_t)i * j->columns + k] = x[(size_t)i * ld + j->column[k]];
    WR_TRY(wr_learned_score(a->probability + first, a->novelty + first, a->cfg->model,
                            j->x, rows, err));
    for (uint32_t i = 0; i < rows; i++) {
        const float *row = j->x + (size_t)i * j->columns;
        const wr_vid v = first + i;
        if (wr_flow_is_hub(&a->flow, v))
            continue;
        wr_kept_rows_offer(&a->rows, v, a->probability[v], row);
        if (v % j->step == 0)
            count_row(j, row, a->probability[v]);
    }
    return WR_OK;
}

static wr_status take_drift(judging *j, wr_err *err)
{
    wr_assessment *a = j->a;
    const wr_learned *l = a->cfg->model;
    if (!a->n)
        return WR_OK;
    for (uint32_t k = 0; k < j->columns; k++)
        WR_TRY(wr_drift_psi(&a->drift[k], &wr_learned_drift(l)[k],
                            j->count + (size_t)k * BINS, err));
    return wr_drift_psi(&a->score_drift, wr_learned_score_drift(l), j->score_count, err);
}

static wr_status judge(judging *j, const wr_progress *pg, wr_err *err)
{
    wr_assessment *a = j->a;
    const wr_taxonomy *tx = &a->cfg->taxonomy;
    WR_MOTIFS_AUTO wr_motifs motifs = {0};
    WR_TRY(wr_motifs_init(&motifs, a->n, err));
    WR_TRY(wr_motifs_add(&motifs, &a->typology.hits, NULL, err));
    const wr_feature_exposures given = {.received = &a->ledger[WR_RECEIVING],
                                        .sent = &a->ledger[WR_SENDING],
                                        .fifo = &a->fifo,
                                        .poison_in = &a->poison[WR_RECEIVING],
                                        .poison_out = &a->poison[WR_SENDING],
                                        .static_received = a->shares[WR_RECEIVING],
                                        .static_sent = a->shares[WR_SENDING],
                                        .motifs = &motifs};
    const wr_frame_input in = {.g = a->g,
                               .seeds = &a->labels.seeds,
                               .as_of_s = UINT32_MAX,
                               .mixer = wr_label_column(&a->labels, tx, "mixer"),
                               .bridge = wr_label_column(&a->labels, tx, "bridge"),
                               .dex = wr_label_column(&a->labels, tx, "dex"),
                               .opts = &a->cfg->opts,
                               .given = &given,
                               .pg = pg};
    WR_TRY(wr_frame_columns_of(&j->column, a->cfg->model, err));
    j->columns = wr_booster_features_of(wr_learned_booster(a->cfg->model), NULL);
    j->step = a->n / DRIFT_WALLETS + 1;
    j->count = wr_calloc((size_t)j->columns * BINS, sizeof *j->count);
    a->drift = wr_calloc(j->columns, sizeof *a->drift);
    a->probability = wr_alloc_big(a->n, sizeof *a->probability);
    a->novelty = wr_alloc_big(a->n, sizeof *a->novelty);
    if (!j->count || !a->drift || !a->probability || !a->novelty)
        return wr_fail(err, WR_ENOMEM, "probabilities of %" PRIu32 " wallets", a->n);
    WR_TRY(wr_kept_rows_init(&a->rows, a->n, j->columns, WR_ASSESS_ROWS_BYTES, err));
    WR_TRY(wr_frame_run(&in, take_rows, j, err));
    wr_kept_rows_order(&a->rows);
    return take_drift(j, err);
}

wr_status wr_assess_judge(wr_assessment *a, const wr_progress *pg, wr_err *err)
{
    if (!a->cfg->model)
        return WR_OK;
    judging j = {.a = a};
    const wr_status s = judge(&j, pg, err);
    release(&j);
    return s;
}

bool wr_assessment_model(const wr_assessment *a, wr_model_note *out)
{
    const wr_learned *l = a->cfg->model;
    if (!l)
        return false;
    const uint32_t n = wr_booster_features_of(wr_learned_booster(l), NULL);
    *out = (wr_model_note){.id = wr_learned_id(l), .score_psi = a->score_drift};
    for (uint32_t k = 0; k < n; k++) {
        out->feature_psi_max =
            a->drift[k] > out->feature_psi_max ? a->drift[k] : out->feature_psi_max;
        out->features_moved += a->drift[k] > MOVED;
    }
    return true;
}

void wr_assess_model_notes(wr_json_out *j, const wr_assessment *a)
{
    wr_json_key(j, "model");
    if (!a->cfg->model) {
        wr_json_null(j);
        return;
    }
    const char *const *name = NULL;
    const uint32_t n = wr_booster_features_of(wr_learned_booster(a->cfg->model), &name);
    wr_json_open(j, '{');
    wr_json_kv_cstr(j, "id", wr_learned_id(a->cfg->model));
    wr_json_kv_cstr(j, "digest", wr_learned_digest(a->cfg->model)->s);
    wr_json_kv_f64(j, "score_psi", a->score_drift);
    wr_json_key(j, "feature_psi");
    wr_json_open(j, '{');
    for (uint32_t k = 0; k < n; k++)
        if (a->drift[k] >= WR_ASSESS_DRIFT_NOTED)
            wr_json_kv_f64(j, name[k], a->drift[k]);
    wr_json_close(j, '}');
    wr_json_close(j, '}');
}
