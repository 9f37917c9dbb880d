#include "pipeline/learning/evaluate.h"

#include <math.h>

/* --- scores of the block --------------------------------------------------------------
 */

typedef struct scoring {
    const wr_scorer *by;
    double *score; /* [rows] */
} scoring;

static wr_status take_model_rows(void *ctx, size_t first, size_t rows, const float *x,
                                 wr_err *err)
{
    const scoring *s = ctx;
    return wr_learned_score(s->score + first, NULL, s->by->model, x, rows, err);
}

static wr_status take_column(void *ctx, size_t first, size_t rows, const float *x,
                             wr_err *err)
{
    (void)err;
    const scoring *s = ctx;
    const double sign = wr_frame_column_at(s->by->column)->sign < 0 ? -1.0 : 1.0;
    for (size_t i = 0; i < rows; i++)
        s->score[first + i] = sign * (double)x[i];
    return WR_OK;
}

static wr_status by_model(scoring *s, const wr_block *b, const wr_frame_input *frame,
                          wr_err *err)
{
    WR_AUTO_ARRAY uint32_t *column = NULL;
    WR_TRY(wr_frame_columns_of(&column, s->by->model, err));
    const char *const *name = NULL;
    const uint32_t columns =
        wr_booster_features_of(wr_learned_booster(s->by->model), &name);
    return wr_block_visit(b, frame, column, columns, take_model_rows, s, err);
}

static wr_status by_given(scoring *s, const wr_block *b, const wr_snapshot *g,
                          wr_err *err)
{
    const wr_columns col = wr_snapshot_columns(g);
    if (b->to_s <= col.time_s[col.m - 1])
        return wr_fail(err, WR_EINVAL,
                       "given scores are judged as of the end of the graph");
    for (size_t i = 0; i < b->rows; i++)
        s->score[i] = s->by->given[b->v[i]];
    return WR_OK;
}

static wr_status score_block(scoring *s, const wr_block *b, const wr_train_input *in,
                             const wr_progress *pg, wr_err *err)
{
    const wr_frame_input frame = wr_train_frame(in, b->to_s, pg);
    switch (s->by->kind) {
    case WR_SCORER_MODEL:
        return by_model(s, b, &frame, err);
    case WR_SCORER_GIVEN:
        return by_given(s, b, in->g, err);
    case WR_SCORER_COLUMN:
        break;
    }
    return wr_block_visit(b, &frame, &s->by->column, 1, take_column, s, err);
}

/* --- all of it ------------------------------------------------------------------------
 */

static wr_status grade(wr_grades *out, const wr_block *b, const wr_population *p,
                       const wr_train_input *in, const wr_scorer *by,
                       const wr_progress *pg, wr_err *err)
{
    WR_AUTO_ARRAY double *score = wr_calloc(b->rows, sizeof *score);
    if (!score)
        return wr_fail(err, WR_ENOMEM, "scores of %zu wallets", b->rows);
    scoring s = {.by = by, .score = score};
    WR_TRY(score_block(&s, b, in, pg, err));
    const bool is_model = by->kind == WR_SCORER_MODEL;
    return wr_grade_block(out, b, p, score, is_model,
                          is_model ? by->threshold : (double)NAN, err);
}

static wr_status evaluate(wr_grades *out, const wr_population *p, wr_block *b,
                          const wr_train_input *in, const wr_scorer *by,
                          const wr_evaluate_opts *o, wr_err *err)
{
    const wr_columns col = wr_snapshot_columns(in->g);
    if (!col.m)
        return wr_fail(err, WR_EINVAL, "the graph has no transfer");
    const uint32_t last = col.time_s[col.m - 1];
    const wr_block_opts bo = {.good_max = SIZE_MAX, .is_label_kept_out = true};
    WR_TRY(wr_block_pick(b, "test", o->from_s, o->as_of_s > last ? last + 1 : o->as_of_s,
                         p, &bo, err));
    return grade(out, b, p, in, by, o->pg, err);
}

wr_status wr_evaluate(wr_grades *out, const wr_train_input *in, const wr_scorer *scorer,
                      const wr_evaluate_opts *o, wr_err *err)
{
    wr_population p;
    wr_block b = {0};
    WR_TRY(wr_population_init(&p, in->g, &in->labels->seeds, in->truth, err));
    const wr_status s = evaluate(out, &p, &b, in, scorer, o, err);
    wr_block_release(&b);
    wr_population_release(&p);
    return s;
}
