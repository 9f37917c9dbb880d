#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "scoring/booster_int.h"
#include "scoring/rank_metrics.h"
#include "util/buf.h"
#include "util/rng.h"

enum { PARAMS_MAX_BYTES = 1 << 20, GRID_BITS_MAX = 40, DOUBLE_BITS = 52 };

/* Weight is checked against this; with rows <= 2^26 the grid has at least 26 bits. */
static const double WEIGHT_MAX = 1e6;

typedef struct trainer {
    const wr_booster_features *f;
    const wr_booster_data *train, *valid;
    const wr_booster_opts *o;
    wr_xgb_matrix *mt, *mv;
    wr_xgb_model *m;
    float *gradient, *hessian; /* [train->rows] */
    double grid;
    double *score; /* [valid->rows] */
} trainer;

static wr_status check_data(const wr_booster_data *d, const wr_booster_features *f,
                            const char *what, wr_err *err)
{
    size_t bad = 0;
    if (d->rows > WR_BOOSTER_ROWS_MAX)
        return wr_fail(err, WR_ELIMIT, "%s: %zu rows, over %d", what, d->rows,
                       WR_BOOSTER_ROWS_MAX);
    for (size_t i = 0; i < d->rows; i++) {
        bad += d->is_bad[i];
        const double w = d->weight ? (double)d->weight[i] : 1.0;
        if (!(w > 0.0 && w <= WEIGHT_MAX))
            return wr_fail(err, WR_EINVAL, "%s: weight %g of row %zu", what, w, i);
        for (uint32_t k = 0; k < f->count; k++)
            if (isinf(d->x[i * f->count + k]))
                return wr_fail(err, WR_EINVAL, "%s: feature '%s' of row %zu is infinite",
                               what, f->name[k], i);
    }
    if (bad == 0 || bad == d->rows)
        return wr_fail(err, WR_EINVAL, "%s: %zu bad and %zu good rows", what, bad,
                       d->rows - bad);
    return WR_OK;
}

static double weight_of(const trainer *t, size_t i)
{
    const double w = t->train->weight ? (double)t->train->weight[i] : 1.0;
    return t->train->is_bad[i] ? w * t->o->scale_pos_weight : w;
}

/*
 * Multiples of it, as many as there are rows and none above the largest weight, add up
 * below 2^52 multiples: every partial sum is a double, in whatever order.
 */
static double grid_of(const trainer *t)
{
    double most = 0.0;
    int exponent, bits = 0;
    for (size_t i = 0; i < t->train->rows; i++)
        most = fmax(most, weight_of(t, i));
    (void)frexp(most, &exponent); /* most <= 2^exponent */
    while (((size_t)1 << bits) < t->train->rows)
        bits++;
    bits = DOUBLE_BITS - bits < GRID_BITS_MAX ? DOUBLE_BITS - bits : GRID_BITS_MAX;
    return ldexp(1.0, exponent - bits);
}

static float on_grid(double v, double grid)
{
    return (float)(nearbyint((double)(float)v / grid) * grid);
}

/* Logistic loss; rows outside this round's sample count nothing. */
static void fill_gradients(trainer *t, const float *margin, uint32_t round)
{
    wr_rng seed = {.s = t->o->seed};
    const uint64_t base = wr_rng_fork(&seed, round).s;
    const double grid = t->grid;
    const size_t rows = t->train->rows;
    const int threads = (int)t->o->threads;
#pragma omp parallel for default(none) shared(t, margin, base, grid, rows) \
    num_threads(threads)
    for (size_t i = 0; i < rows; i++) {
        wr_rng r = {.s = base + i * 0x9E3779B97F4A7C15ULL}; /* its i-th number */
        t->gradient[i] = t->hessian[i] = 0.0f;
        if (wr_rng_unit(&r) >= t->o->subsample)
            continue;
        const double p = wr_booster_probability((double)margin[i]);
        const double w = weight_of(t, i);
        t->gradient[i] = on_grid(w * (p - (t->train->is_bad[i] ? 1.0 : 0.0)), grid);
        t->hessian[i] = on_grid(fmax(w * p * (1.0 - p), grid), grid);
    }
}

static wr_status set_params(trainer *t, wr_err *err)
{
    const wr_booster_opts *o = t->o;
    const struct {
        const char *key;
        double value;
    } number[] = {
        {"max_depth", o->max_depth},
        {"max_bin", o->max_bin},
        {"eta", o->eta},
        {"min_child_weight", o->min_child_weight},
        {"colsample_bytree", o->colsample_bytree},
        {"lambda", o->lambda},
        {"base_score", o->base_prob},
        {"seed", (double)o->seed},
        {"seed_per_iteration", 1},
        {"nthread", o->threads},
        {"verbosity", 0},
    };
    char text[WR_BOOSTER_TEXT_MAX];
    WR_TRY(wr_xgb_model_set(t->m, "booster", "gbtree", err));
    WR_TRY(wr_xgb_model_set(t->m, "objective", "binary:logistic", err));
    WR_TRY(wr_xgb_model_set(t->m, "tree_method", "hist", err));
    for (size_t i = 0; i < sizeof number / sizeof number[0]; i++) {
        (void)snprintf(text, sizeof text, "%.10g", number[i].value);
        WR_TRY(wr_xgb_model_set(t->m, number[i].key, text, err));
    }
    if (!t->f->monotone)
        return WR_OK;
    wr_buf b;
    wr_buf_init(&b, PARAMS_MAX_BYTES);
    for (uint32_t i = 0; i < t->f->count; i++)
        wr_buf_addf(&b, "%c%d", i ? ',' : '(', t->f->monotone[i]);
    wr_buf_adds(&b, ")");
    wr_status s = wr_buf_status(&b, "monotone constraints", err);
    if (s == WR_OK)
        s = wr_xgb_model_set(t->m, "monotone_constraints", wr_buf_cstr(&b), err);
    wr_buf_release(&b);
    return s;
}

static wr_status one_round(trainer *t, uint32_t round, wr_err *err)
{
    const float *margin;
    size_t count;
    WR_TRY(wr_xgb_model_predict(&margin, &count, t->m, t->mt, WR_XGB_MARGIN, true, err));
    if (count != t->train->rows)
        return wr_fail(err, WR_EINVAL, "%zu margins for %zu rows", count, t->train->rows);
    fill_gradients(t, margin, round);
    return wr_xgb_model_boost(t->m, t->mt, t->gradient, t->hessian, count, err);
}

static wr_status judge(double *ap, trainer *t, wr_err *err)
{
    const float *margin;
    size_t count;
    wr_rank_metrics r;
    WR_TRY(wr_xgb_model_predict(&margin, &count, t->m, t->mv, WR_XGB_MARGIN, false, err));
    if (count != t->valid->rows)
        return wr_fail(err, WR_EINVAL, "%zu margins for %zu rows", count, t->valid->rows);
    for (size_t i = 0; i < count; i++)
        t->score[i] = (double)margin[i];
    WR_TRY(wr_rank_metrics_of(&r, t->score, t->valid->is_bad, count, err));
    *ap = r.ap;
    return WR_OK;
}

static wr_status all_rounds(wr_booster_fit *fit, trainer *t, wr_err *err)
{
    const wr_booster_opts *o = t->o;
    *fit = (wr_booster_fit){.ap_valid = (double)NAN};
    for (uint32_t i = 0; i < o->rounds; i++) {
        double ap;
        WR_TRY(wr_progress_at(o->pg, "training", i, o->rounds, err));
        WR_TRY(one_round(t, i, err));
        fit->rounds_run = i + 1;
        if (!t->mv) {
            fit->rounds_kept = i + 1;
            continue;
        }
        WR_TRY(judge(&ap, t, err));
        if (i == 0 || ap > fit->ap_valid || o->patience == 0) {
            fit->ap_valid = ap;
            fit->rounds_kept = i + 1;
        }
        if (o->patience > 0 && i + 1 - fit->rounds_kept >= o->patience)
            break;
    }
    return WR_OK;
}

/* What was trained and what is loaded are one thing: it goes through its bytes. */
static wr_status hand_over(wr_booster **out, trainer *t, const wr_booster_fit *fit,
                           wr_err *err)
{
    const char *bytes;
    size_t len;
    WR_AUTO(wr_xgb_model) first = NULL;
    WR_TRY(wr_xgb_model_first(&first, t->m, fit->rounds_kept, err));
    WR_TRY(wr_xgb_model_set_names(first, t->f->name, t->f->count, err));
    WR_TRY(wr_xgb_model_save(first, &bytes, &len, err));
    return wr_booster_load(out, bytes, len, t->f, t->o->threads, err);
}

static wr_status make_matrices(trainer *t, wr_xgb_matrix **mt, wr_xgb_matrix **mv,
                               wr_err *err)
{
    WR_TRY(wr_xgb_matrix_new(mt, t->train->x, t->train->rows, t->f->count, t->o->threads,
                             err));
    if (!t->valid)
        return WR_OK;
    return wr_xgb_matrix_new(mv, t->valid->x, t->valid->rows, t->f->count, t->o->threads,
                             err);
}

wr_status wr_booster_train(wr_booster **out, wr_booster_fit *fit,
                           const wr_booster_features *f, const wr_booster_data *train,
                           const wr_booster_data *valid, const wr_booster_opts *o,
                           wr_err *err)
{
    trainer t = {.f = f, .train = train, .valid = valid, .o = o};
    wr_booster_fit done;
    WR_AUTO(wr_booster) b = NULL;
    WR_TRY(wr_booster_check_opts(o, err));
    WR_TRY(wr_booster_check_list(f, err));
    WR_TRY(check_data(train, f, "training rows", err));
    if (valid)
        WR_TRY(check_data(valid, f, "validation rows", err));

    WR_AUTO_ARRAY float *gradient = wr_calloc(train->rows, sizeof *gradient);
    WR_AUTO_ARRAY float *hessian = wr_calloc(train->rows, sizeof *hessian);
    WR_AUTO_ARRAY double *score = wr_calloc(valid ? valid->rows : 0, sizeof *score);
    if (!gradient || !hessian || !score)
        return wr_fail(err, WR_ENOMEM, "gradients of %zu rows", train->rows);
    t.gradient = gradient;
    t.hessian = hessian;
    t.score = score;
    t.grid = grid_of(&t);

    WR_AUTO(wr_xgb_matrix) mt = NULL;
    WR_AUTO(wr_xgb_matrix) mv = NULL;
    WR_AUTO(wr_xgb_model) m = NULL; /* freed before the matrices that it knows */
    WR_TRY(make_matrices(&t, &mt, &mv, err));
    t.mt = mt;
    t.mv = mv;
    wr_xgb_matrix *const known[] = {mt, mv};
    WR_TRY(wr_xgb_model_new(&m, known, valid ? 2 : 1, err));
    t.m = m;
    WR_TRY(set_params(&t, err));
    WR_TRY(all_rounds(&done, &t, err));
    WR_TRY(hand_over(&b, &t, &done, err));
    if (fit)
        *fit = done;
    *out = WR_STEAL(b);
    return WR_OK;
}
