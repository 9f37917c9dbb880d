#include "pipeline/learning/train.h"

#include <inttypes.h>
#include <math.h>
#include <omp.h>
#include <string.h>

#include "pipeline/learning/train_int.h"
#include "util/clock.h"

enum {
    FOREST_ROWS = 50000, /* of train, at most */
    DRIFT_ROWS = 20000,  /* of all wallets, at most */
};

/* --- options --------------------------------------------------------------------------
 */

static uint32_t group_of(const char *name, size_t len)
{
    for (uint32_t bit = 1; bit < WR_FRAME_ALL; bit *= 2) {
        const char *g = wr_frame_group_name((wr_frame_group)bit);
        if (strlen(g) == len && memcmp(g, name, len) == 0)
            return bit;
    }
    return len == 3 && memcmp(name, "all", 3) == 0 ? WR_FRAME_ALL : 0;
}

wr_status wr_train_groups(uint32_t *groups, const char *text, wr_err *err)
{
    *groups = 0;
    for (const char *p = text; *p;) {
        const size_t len = strcspn(p, ",");
        const uint32_t bit = group_of(p, len);
        if (!bit)
            return wr_fail(err, WR_EINVAL,
                           "group '%.*s': " WR_FRAME_GROUP_NAMES " or all", (int)len, p);
        *groups |= bit;
        p += len + (p[len] == ',');
    }
    return *groups ? WR_OK : wr_fail(err, WR_EINVAL, "no group of columns is named");
}

static wr_status check(const wr_train_opts *o, wr_err *err)
{
    double last = 0;
    for (int k = 0; k < WR_TRAIN_BLOCKS - 1; k++) {
        if (!(o->end[k] > last && o->end[k] < 1))
            return wr_fail(err, WR_EINVAL,
                           "end of block %d at %g: parts of the time must grow, 0..1", k,
                           o->end[k]);
        last = o->end[k];
    }
    if (!(o->groups & WR_FRAME_ALL))
        return wr_fail(err, WR_EINVAL, "no group of columns is named");
    if (o->folds == 1 || o->folds > WR_FRAME_FOLDS_MAX)
        return wr_fail(err, WR_EINVAL, "folds %" PRIu32 ": 0 or 2..%d", o->folds,
                       WR_FRAME_FOLDS_MAX);
    if (!(o->kept_out >= 0 && o->kept_out <= WR_KEEP_OUT_MAX))
        return wr_fail(err, WR_EINVAL, "share that is kept out %g: 0..%g", o->kept_out,
                       WR_KEEP_OUT_MAX);
    return WR_OK;
}

/* --- times and columns ----------------------------------------------------------------
 */

static wr_status set_times(wr_trainer *t, wr_err *err)
{
    const wr_columns col = wr_snapshot_columns(t->in->g);
    if (!col.m)
        return wr_fail(err, WR_EINVAL, "the graph has no transfer");
    const uint32_t first = col.time_s[0];
    const uint32_t last = col.time_s[col.m - 1];
    const uint32_t end = t->o->as_of_s > last ? last + 1 : t->o->as_of_s;
    if (end <= first)
        return wr_fail(err, WR_EINVAL, "nothing happened before as-of");
    uint32_t from = first;
    for (int k = 0; k < WR_TRAIN_BLOCKS; k++) {
        const bool is_of_all_ages = t->o->kept_out > 0 && k >= WR_TRAIN_CALIBRATE;
        t->from_s[k] = is_of_all_ages ? first : from;
        t->to_s[k] = k + 1 < WR_TRAIN_BLOCKS
                         ? first + (uint32_t)(t->o->end[k] * (double)(end - first))
                         : end;
        from = t->to_s[k] + t->o->embargo_s;
    }
    return WR_OK;
}

static wr_status set_columns(wr_trainer *t, wr_err *err)
{
    const uint32_t all = wr_frame_columns();
    t->column = wr_calloc(all, sizeof *t->column);
    t->name = wr_calloc(all, sizeof *t->name);
    t->sign = wr_calloc(all, sizeof *t->sign);
    t->forest_column = wr_calloc(all, sizeof *t->forest_column);
    if (!t->column || !t->name || !t->sign || !t->forest_column)
        return wr_fail(err, WR_ENOMEM, "%" PRIu32 " columns", all);
    for (uint32_t k = 0; k < all; k++) {
        const wr_frame_column *c = wr_frame_column_at(k);
        if (!(c->group & t->o->groups))
            continue;
        if (c->group == WR_FRAME_BEHAVIOUR)
            t->forest_column[t->forest_columns++] = t->columns;
        t->column[t->columns] = k;
        t->name[t->columns] = c->name;
        t->sign[t->columns++] = c->sign;
    }
    if (!t->forest_columns) /* the forest wants something to look at */
        for (uint32_t k = 0; k < t->columns; k++)
            t->forest_column[t->forest_columns++] = k;
    return WR_OK;
}

/* --- frames ---------------------------------------------------------------------------
 */

wr_frame_input wr_train_frame(const wr_train_input *in, uint32_t as_of_s,
                              const wr_progress *pg)
{
    const wr_taxonomy *tx = &in->cfg->taxonomy;
    return (wr_frame_input){.g = in->g,
                            .seeds = &in->labels->seeds,
                            .as_of_s = as_of_s,
                            .mixer = wr_label_column(in->labels, tx, "mixer"),
                            .bridge = wr_label_column(in->labels, tx, "bridge"),
                            .dex = wr_label_column(in->labels, tx, "dex"),
                            .typologies =
                                wr_typology_ask_of(&in->cfg->typology, in->labels),
                            .opts = &in->cfg->opts,
                            .pg = pg};
}

static wr_frame_input frame_of(const wr_trainer *t, int block)
{
    wr_frame_input in = wr_train_frame(t->in, t->to_s[block], t->o->pg);
    in.fold_of = t->fold_of;
    in.folds = t->fold_of ? t->o->folds : 0;
    in.seed = t->o->seed;
    return in;
}

static wr_status pick(wr_trainer *t, int block, wr_err *err)
{
    static const wr_share SHARE[] = {WR_SHARE_LEARN, WR_SHARE_LEARN, WR_SHARE_CALIBRATE,
                                     WR_SHARE_TEST};
    static const char *const NAME[] = {"train", "validate", "calibrate", "test"};
    const bool is_learned_from = block <= WR_TRAIN_VALIDATE;
    const wr_block_opts o = {.share_of = t->share_of,
                             .share = SHARE[block],
                             .good_max = is_learned_from ? t->o->good_max : SIZE_MAX,
                             .seed = t->o->seed,
                             .is_label_kept_out = !is_learned_from};
    return wr_block_pick(&t->block[block], NAME[block], t->from_s[block], t->to_s[block],
                         &t->population, &o, err);
}

typedef struct gathering {
    float *x; /* [rows * columns] */
    uint32_t columns;
} gathering;

static wr_status keep_rows(void *ctx, size_t first, size_t rows, const float *x,
                           wr_err *err)
{
    (void)err;
    const gathering *g = ctx;
    memcpy(g->x + first * g->columns, x, rows * g->columns * sizeof *x);
    return WR_OK;
}

static wr_status gather(float **x, const wr_trainer *t, const wr_block *b, int block,
                        wr_err *err)
{
    gathering g = {.x = wr_alloc_big(b->rows * t->columns, sizeof *g.x),
                   .columns = t->columns};
    if (!g.x)
        return wr_fail(err, WR_ENOMEM, "%zu rows of %" PRIu32 " columns", b->rows,
                       t->columns);
    *x = g.x;
    const wr_frame_input in = frame_of(t, block);
    return wr_block_visit(b, &in, t->column, t->columns, keep_rows, &g, err);
}

/* --- trees ----------------------------------------------------------------------------
 */

static double prevalence(const wr_block *b)
{
    double bad = 0;
    double all = 0;
    for (size_t i = 0; i < b->rows; i++) {
        all += (double)b->weight[i];
        bad += b->is_bad[i] ? (double)b->weight[i] : 0;
    }
    const double p = bad / all;
    return p < 1e-6 ? 1e-6 : p > 1 - 1e-6 ? 1 - 1e-6 : p;
}

static wr_booster_data data_of(const wr_block *b, const float *x)
{
    return (wr_booster_data){
        .rows = b->rows, .x = x, .is_bad = b->is_bad, .weight = b->weight};
}

static wr_status grow_trees(wr_trainer *t, wr_err *err)
{
    const wr_block *train = &t->block[WR_TRAIN_TRAIN];
    const wr_block *valid = &t->block[WR_TRAIN_VALIDATE];
    WR_TRY(pick(t, WR_TRAIN_TRAIN, err));
    WR_TRY(pick(t, WR_TRAIN_VALIDATE, err));
    WR_TRY(gather(&t->x, t, train, WR_TRAIN_TRAIN, err));
    WR_AUTO_ARRAY float *x_valid = NULL;
    WR_TRY(gather(&x_valid, t, valid, WR_TRAIN_VALIDATE, err));
    const wr_booster_features f = {
        .count = t->columns, .name = t->name, .monotone = t->sign};
    const wr_booster_data d_train = data_of(train, t->x);
    const wr_booster_data d_valid = data_of(valid, x_valid);
    t->booster_opts = t->o->booster;
    t->booster_opts.seed = t->o->seed;
    t->booster_opts.pg = t->o->pg;
    t->booster_opts.threads = (uint32_t)omp_get_max_threads();
    t->booster_opts.base_prob = prevalence(train);
    return wr_booster_train(&t->booster, &t->fit, &f, &d_train, &d_valid,
                            &t->booster_opts, err);
}

static wr_status grow_forest(wr_trainer *t, wr_err *err)
{
    const wr_block *b = &t->block[WR_TRAIN_TRAIN];
    const size_t rows = b->rows < FOREST_ROWS ? b->rows : FOREST_ROWS;
    const size_t step = b->rows / rows;
    WR_AUTO_ARRAY float *x = wr_calloc(rows * t->forest_columns, sizeof *x);
    if (!x)
        return wr_fail(err, WR_ENOMEM, "%zu rows of the forest", rows);
    for (size_t i = 0; i < rows; i++)
        for (uint32_t k = 0; k < t->forest_columns; k++)
            x[i * t->forest_columns + k] =
                t->x[i * step * t->columns + t->forest_column[k]];
    wr_forest_opts o = WR_FOREST_OPTS_INIT;
    o.seed = t->o->seed;
    return wr_forest_fit(&t->forest, x, rows, t->forest_columns, &o, err);
}

/* --- probabilities --------------------------------------------------------------------
 */

typedef struct judging {
    const wr_booster *booster;
    double *margin; /* [rows] */
} judging;

static wr_status judge_rows(void *ctx, size_t first, size_t rows, const float *x,
                            wr_err *err)
{
    const judging *j = ctx;
    return wr_booster_predict(j->margin + first, j->booster, x, rows, WR_BOOSTER_MARGIN,
                              err);
}

static wr_status margins(double **out, wr_trainer *t, int block, wr_err *err)
{
    WR_TRY(pick(t, block, err));
    const wr_block *b = &t->block[block];
    judging j = {.booster = t->booster, .margin = wr_calloc(b->rows, sizeof *j.margin)};
    if (!j.margin)
        return wr_fail(err, WR_ENOMEM, "margins of %zu rows", b->rows);
    *out = j.margin;
    const wr_frame_input in = frame_of(t, block);
    return wr_block_visit(b, &in, t->column, t->columns, judge_rows, &j, err);
}

static void to_probability(double *m, size_t n, const wr_calibration *c)
{
    for (size_t i = 0; i < n; i++)
        m[i] = wr_calibration_apply(c, m[i]);
}

static wr_status calibrate(wr_trainer *t, wr_err *err)
{
    const wr_calibration_opts o = WR_CALIBRATION_OPTS_INIT;
    WR_AUTO_ARRAY double *m = NULL;
    WR_TRY(margins(&m, t, WR_TRAIN_CALIBRATE, err));
    const wr_block *b = &t->block[WR_TRAIN_CALIBRATE];
    WR_TRY(wr_calibration_fit(&t->calibration, m, b->is_bad, b->rows, &o, err));
    to_probability(m, b->rows, &t->calibration);
    wr_threshold_metrics best;
    WR_TRY(wr_metrics_best_f1(&best, m, b->is_bad, b->rows, err));
    t->threshold = best.threshold;
    return WR_OK;
}

static wr_status test(wr_trainer *t, wr_err *err)
{
    WR_AUTO_ARRAY double *p = NULL;
    WR_TRY(margins(&p, t, WR_TRAIN_TEST, err));
    const wr_block *b = &t->block[WR_TRAIN_TEST];
    to_probability(p, b->rows, &t->calibration);
    return wr_grade_block(t->grades, b, &t->population, p, true, t->threshold, err);
}

/* --- drift ----------------------------------------------------------------------------
 */

/* A draw of all wallets as of the end: what a run will look at. */
static wr_status pick_all(wr_block *b, const wr_trainer *t, wr_err *err)
{
    const wr_block_opts o = {.good_max = DRIFT_ROWS, .seed = t->o->seed};
    return wr_block_pick(b, "all", 0, t->to_s[WR_TRAIN_TEST], &t->population, &o, err);
}

static wr_status learn_column(wr_drift *d, double *value, const float *x, size_t rows,
                              uint32_t columns, wr_err *err)
{
    for (size_t i = 0; i < rows; i++)
        value[i] = (double)x[i * columns];
    return wr_drift_learn(d, value, rows, WR_DRIFT_BINS, err);
}

static wr_status learn_drift_of(wr_trainer *t, const wr_block *b, const float *x,
                                wr_err *err)
{
    WR_AUTO_ARRAY double *value = wr_calloc(b->rows, sizeof *value);
    t->drift = wr_calloc(t->columns, sizeof *t->drift);
    if (!value || !t->drift)
        return wr_fail(err, WR_ENOMEM, "drift of %" PRIu32 " columns", t->columns);
    for (uint32_t k = 0; k < t->columns; k++)
        WR_TRY(learn_column(&t->drift[k], value, x + k, b->rows, t->columns, err));
    WR_TRY(wr_booster_predict(value, t->booster, x, b->rows, WR_BOOSTER_MARGIN, err));
    to_probability(value, b->rows, &t->calibration);
    return wr_drift_learn(&t->score_drift, value, b->rows, WR_DRIFT_BINS, err);
}

static wr_status learn_drift(wr_trainer *t, wr_err *err)
{
    wr_block all = {0};
    WR_AUTO_ARRAY float *x = NULL;
    wr_status s = pick_all(&all, t, err);
    if (s == WR_OK)
        s = gather(&x, t, &all, WR_TRAIN_TEST, err);
    if (s == WR_OK)
        s = learn_drift_of(t, &all, x, err);
    wr_block_release(&all);
    return s;
}

/* --- all of it ------------------------------------------------------------------------
 */

wr_status wr_train_folds(uint8_t **fold_of, const wr_seeds *seeds,
                         const wr_truth_set *truth, uint32_t folds, uint64_t seed,
                         wr_err *err)
{
    uint8_t *f = wr_calloc(seeds->n, 1);
    if (!f)
        return wr_fail(err, WR_ENOMEM, "folds of %" PRIu32 " wallets", seeds->n);
    for (uint32_t v = 0; v < seeds->n; v++) {
        const int c = seeds->category[v];
        f[v] = WR_FRAME_FOLD_NONE;
        if (c < 0 || seeds->kind[c] == WR_CATEGORY_SERVICE)
            continue;
        /* labels of one incident share a fold; others stand alone */
        const uint64_t key =
            wr_truth_is_bad(truth, v) ? truth->incident[v] : (UINT64_C(1) << 32) + v;
        f[v] = (uint8_t)(wr_hash64(&key, sizeof key, seed) % folds);
    }
    *fold_of = f;
    return WR_OK;
}

static void release(wr_trainer *t)
{
    for (int k = 0; k < WR_TRAIN_BLOCKS; k++)
        wr_block_release(&t->block[k]);
    wr_population_release(&t->population);
    wr_booster_free(t->booster);
    wr_forest_free(t->forest);
    wr_calibration_release(&t->calibration);
    wr_free(t->fold_of);
    wr_free(t->share_of);
    wr_free(t->column);
    wr_free(t->name);
    wr_free(t->sign);
    wr_free(t->forest_column);
    wr_free(t->x);
    wr_free(t->drift);
}

static wr_status pack(wr_learned **out, wr_buf *bytes, const wr_trainer *t, wr_err *err)
{
    wr_buf manifest;
    wr_buf_init(&manifest, (size_t)16 << 20);
    wr_train_manifest(&manifest, t);
    const wr_learned_parts p = {.booster = t->booster,
                                .calibration = &t->calibration,
                                .forest = t->forest,
                                .forest_column = t->forest_column,
                                .drift = t->drift,
                                .score_drift = &t->score_drift,
                                .manifest = wr_buf_cstr(&manifest)};
    wr_status s = wr_buf_status(&manifest, "manifest of the model", err);
    if (s == WR_OK)
        s = wr_learned_pack(bytes, &p, err);
    if (s == WR_OK)
        s = wr_buf_status(bytes, "model", err);
    if (s == WR_OK)
        s = wr_learned_unpack(out, bytes->p, bytes->len, (uint32_t)omp_get_max_threads(),
                              err);
    wr_buf_release(&manifest);
    return s;
}

static wr_status train(wr_trainer *t, wr_err *err)
{
    WR_TRY(check(t->o, err));
    WR_TRY(set_times(t, err));
    WR_TRY(set_columns(t, err));
    WR_TRY(wr_snapshot_digest(t->in->g, &t->graph_digest, err));
    WR_TRY(wr_population_init(&t->population, t->in->g, &t->in->labels->seeds,
                              t->in->truth, err));
    if (t->o->folds)
        WR_TRY(wr_train_folds(&t->fold_of, &t->in->labels->seeds, t->in->truth,
                              t->o->folds, t->o->seed, err));
    if (t->o->kept_out > 0)
        WR_TRY(
            wr_keep_out(&t->share_of, &t->population, t->o->kept_out, t->o->seed, err));
    WR_TRY(grow_trees(t, err));
    WR_TRY(grow_forest(t, err));
    wr_free(t->x);
    t->x = NULL;
    WR_TRY(calibrate(t, err));
    WR_TRY(test(t, err));
    return learn_drift(t, err);
}

wr_status wr_train(wr_learned **out, wr_grades *grades, wr_buf *bytes,
                   const wr_train_input *in, const wr_train_opts *o, wr_err *err)
{
    wr_trainer t = {.in = in, .o = o, .grades = grades};
    wr_status s = train(&t, err);
    if (s == WR_OK)
        s = pack(out, bytes, &t, err);
    release(&t);
    return s;
}
