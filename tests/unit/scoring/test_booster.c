/*
 * The boosted trees: what they learn, that their bytes do not follow the threads, that
 * they keep to the constraints, and everything that is refused.  The library itself is
 * the peer for importance and probabilities.
 */
#include "scoring/booster.h"

#include <fcntl.h>
#include <math.h>
#include <omp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xgboost/c_api.h>

#include "booster_gen.h"
#include "scoring/rank_metrics.h"
#include "wr_test.h"

enum { D = 12, TRAIN = 6000, LATER = 3000 };

typedef struct set {
    gen_rows train, later;
    wr_booster_features f;
    wr_booster_data dt, dv;
    wr_booster_opts o;
} set;

static void set_init(set *s)
{
    gen_rows_init(&s->train, TRAIN, D, 40, 1);
    gen_rows_init(&s->later, LATER, D, 40, 2);
    s->f = gen_features(&s->train);
    s->dt = gen_data(&s->train);
    s->dv = gen_data(&s->later);
    s->o = (wr_booster_opts)WR_BOOSTER_OPTS_INIT;
    s->o.rounds = 40;
    s->o.eta = 0.2;
    s->o.max_depth = 4;
}

static void set_release(set *s)
{
    gen_rows_release(&s->train);
    gen_rows_release(&s->later);
}

static double ap_of(const wr_booster *b, const gen_rows *g)
{
    wr_rank_metrics m;
    double *p = wr_calloc(g->rows, sizeof *p);
    assert_ok(wr_booster_predict(p, b, g->x, g->rows, WR_BOOSTER_PROBABILITY, &err));
    assert_ok(wr_rank_metrics_of(&m, p, g->is_bad, g->rows, &err));
    wr_free(p);
    return m.ap;
}

static void test_booster_train__learns(void **state)
{
    (void)state;
    set s;
    set_init(&s);
    WR_AUTO(wr_booster) b = NULL;
    wr_booster_fit fit;
    assert_ok(wr_booster_train(&b, &fit, &s.f, &s.dt, &s.dv, &s.o, &err));
    size_t bad = 0;
    for (size_t i = 0; i < LATER; i++)
        bad += s.later.is_bad[i];
    const double base = (double)bad / LATER;
    assert_true(ap_of(b, &s.later) > 4 * base);
    assert_true(fabs(ap_of(b, &s.later) - fit.ap_valid) < 1e-12);
    assert_int_equal(wr_booster_rounds(b), fit.rounds_kept);
    assert_int_equal(wr_booster_features_of(b, NULL), D);
    set_release(&s);
}

static void test_booster_train__stops_early_and_keeps_the_best(void **state)
{
    (void)state;
    set s;
    set_init(&s);
    s.o.rounds = 400;
    s.o.eta = 1; /* overfits at once */
    s.o.min_child_weight = 0;
    s.o.patience = 7;
    WR_AUTO(wr_booster) b = NULL;
    WR_AUTO(wr_booster) same = NULL;
    WR_AUTO(wr_booster) all = NULL;
    wr_booster_fit fit, again;
    assert_ok(wr_booster_train(&b, &fit, &s.f, &s.dt, &s.dv, &s.o, &err));
    assert_int_equal(fit.rounds_run, fit.rounds_kept + 7);
    assert_true(fit.rounds_run < 400);
    /* the rounds kept are those of a run that had no more */
    s.o.rounds = fit.rounds_kept;
    s.o.patience = 0;
    assert_ok(wr_booster_train(&same, &again, &s.f, &s.dt, NULL, &s.o, &err));
    assert_true(isnan(again.ap_valid));
    size_t la, lb;
    const void *pa = wr_booster_bytes(b, &la);
    const void *pb = wr_booster_bytes(same, &lb);
    assert_int_equal(la, lb);
    assert_memory_equal(pa, pb, la);
    /* and none of the later ones was better */
    s.o.rounds = fit.rounds_run;
    assert_ok(wr_booster_train(&all, &again, &s.f, &s.dt, &s.dv, &s.o, &err));
    assert_true(again.ap_valid <= fit.ap_valid);
    set_release(&s);
}

static void test_booster_train__same_bytes_for_any_thread_count(void **state)
{
    (void)state;
    gen_rows g;
    gen_rows_init(&g, 30000, 20, 60, 5);
    wr_booster_features f = gen_features(&g);
    wr_booster_data d = {g.rows, g.x, g.is_bad, g.weight};
    wr_booster_opts o = WR_BOOSTER_OPTS_INIT;
    o.rounds = 12;
    o.eta = 0.3;
    o.scale_pos_weight = 3.7;
    WR_AUTO(wr_booster) one = NULL;
    assert_ok(wr_booster_train(&one, NULL, &f, &d, NULL, &o, &err));
    size_t want, len;
    const void *bytes = wr_booster_bytes(one, &want);
    const uint32_t threads[] = {2, 3, 4, 8};
    for (size_t i = 0; i < 4; i++) {
        WR_AUTO(wr_booster) b = NULL;
        o.threads = threads[i];
        assert_ok(wr_booster_train(&b, NULL, &f, &d, NULL, &o, &err));
        const void *p = wr_booster_bytes(b, &len);
        assert_int_equal(len, want);
        assert_memory_equal(p, bytes, len);
    }
    WR_AUTO(wr_booster) other = NULL; /* another seed is another model */
    o.seed = 2;
    assert_ok(wr_booster_train(&other, NULL, &f, &d, NULL, &o, &err));
    const void *p = wr_booster_bytes(other, &len);
    assert_true(len != want || memcmp(p, bytes, len) != 0);
    gen_rows_release(&g);
}

/* The same trees as the library grows from its own gradients. */
static void test_booster_train__grid_costs_nothing(void **state)
{
    (void)state;
    set s;
    set_init(&s);
    s.o.subsample = s.o.colsample_bytree = 1; /* then the library draws nothing either */
    WR_AUTO(wr_booster) b = NULL;
    assert_ok(wr_booster_train(&b, NULL, &s.f, &s.dt, NULL, &s.o, &err));
    float *label = wr_calloc(TRAIN, sizeof *label);
    for (size_t i = 0; i < TRAIN; i++)
        label[i] = s.train.is_bad[i];
    DMatrixHandle m;
    BoosterHandle peer;
    assert_int_equal(XGDMatrixCreateFromMat(s.train.x, TRAIN, D, (float)NAN, &m), 0);
    assert_int_equal(XGDMatrixSetFloatInfo(m, "label", label, TRAIN), 0);
    assert_int_equal(XGBoosterCreate(&m, 1, &peer), 0);
    const char *const param[][2] = {{"objective", "binary:logistic"},
                                    {"tree_method", "hist"},
                                    {"max_depth", "4"},
                                    {"eta", "0.2"},
                                    {"min_child_weight", "5"},
                                    {"lambda", "2"},
                                    {"nthread", "1"}};
    for (size_t i = 0; i < sizeof param / sizeof param[0]; i++)
        assert_int_equal(XGBoosterSetParam(peer, param[i][0], param[i][1]), 0);
    char monotone[4 * D];
    size_t at = 0;
    for (uint32_t k = 0; k < D; k++)
        at += (size_t)snprintf(monotone + at, sizeof monotone - at, "%c%d", k ? ',' : '(',
                               s.train.monotone[k]);
    (void)snprintf(monotone + at, sizeof monotone - at, ")");
    assert_int_equal(XGBoosterSetParam(peer, "monotone_constraints", monotone), 0);
    for (int i = 0; i < 40; i++)
        assert_int_equal(XGBoosterUpdateOneIter(peer, i, m), 0);
    bst_ulong n;
    const float *theirs;
    assert_int_equal(XGBoosterPredict(peer, m, 1, 0, 0, &n, &theirs), 0);
    double *ours = wr_calloc(TRAIN, sizeof *ours);
    double square = 0;
    assert_ok(wr_booster_predict(ours, b, s.train.x, TRAIN, WR_BOOSTER_MARGIN, &err));
    for (size_t i = 0; i < TRAIN; i++)
        square += (ours[i] - (double)theirs[i]) * (ours[i] - (double)theirs[i]);
    assert_true(sqrt(square / TRAIN) < 1e-3); /* the same trees, but for a tie */
    (void)XGBoosterFree(peer);
    (void)XGDMatrixFree(m);
    wr_free(label);
    wr_free(ours);
    set_release(&s);
}

static void test_booster_train__keeps_to_the_constraints(void **state)
{
    (void)state;
    set s;
    set_init(&s);
    WR_AUTO(wr_booster) b = NULL;
    assert_ok(wr_booster_train(&b, NULL, &s.f, &s.dt, NULL, &s.o, &err));
    for (size_t i = 0; i < 200; i++) {
        float x[D];
        double last[2] = {-HUGE_VAL, HUGE_VAL};
        for (int k = 0; k < 2; k++) /* feature 0 up, feature 1 down */
            for (int step = 0; step <= 60; step++) {
                double p;
                memcpy(x, s.later.x + i * D, sizeof x);
                x[k] = (float)step / 10;
                assert_ok(wr_booster_predict(&p, b, x, 1, WR_BOOSTER_MARGIN, &err));
                assert_true(k == 0 ? p >= last[0] : p <= last[1]);
                last[k] = p;
            }
    }
    set_release(&s);
}

static void test_booster_load__same_predictions(void **state)
{
    (void)state;
    set s;
    set_init(&s);
    WR_AUTO(wr_booster) b = NULL;
    WR_AUTO(wr_booster) c = NULL;
    assert_ok(wr_booster_train(&b, NULL, &s.f, &s.dt, &s.dv, &s.o, &err));
    size_t len;
    const void *bytes = wr_booster_bytes(b, &len);
    assert_ok(wr_booster_load(&c, bytes, len, &s.f, 2, &err));
    double *p = wr_calloc(LATER, sizeof *p);
    double *q = wr_calloc(LATER, sizeof *q);
    assert_ok(wr_booster_predict(p, b, s.later.x, LATER, WR_BOOSTER_MARGIN, &err));
    assert_ok(wr_booster_predict(q, c, s.later.x, LATER, WR_BOOSTER_MARGIN, &err));
    assert_memory_equal(p, q, LATER * sizeof *p);
    for (size_t i = 0; i < 50; i++) { /* one row in place */
        double one;
        assert_ok(
            wr_booster_predict(&one, c, s.later.x + i * D, 1, WR_BOOSTER_MARGIN, &err));
        assert_true(one == p[i]);
        assert_ok(wr_booster_predict(&one, c, s.later.x + i * D, 1,
                                     WR_BOOSTER_PROBABILITY, &err));
        assert_true(fabs(one - 1 / (1 + exp(-p[i]))) < 1e-15);
    }
    assert_ok(wr_booster_predict(NULL, c, NULL, 0, WR_BOOSTER_MARGIN, &err));
    const char *const *name;
    assert_int_equal(wr_booster_features_of(c, &name), D);
    for (uint32_t k = 0; k < D; k++)
        assert_string_equal(name[k], s.f.name[k]);
    wr_free(p);
    wr_free(q);
    set_release(&s);
}

static void test_booster__agrees_with_the_library(void **state)
{
    (void)state;
    set s;
    set_init(&s);
    WR_AUTO(wr_booster) b = NULL;
    assert_ok(wr_booster_train(&b, NULL, &s.f, &s.dt, NULL, &s.o, &err));
    size_t len;
    const void *bytes = wr_booster_bytes(b, &len);
    BoosterHandle peer;
    assert_int_equal(XGBoosterCreate(NULL, 0, &peer), 0);
    assert_int_equal(XGBoosterLoadModelFromBuffer(peer, bytes, len), 0);
    double gain[D];
    uint32_t splits[D];
    wr_booster_importance(b, gain, splits);
    wr_booster_importance(b, NULL, NULL);
    const char *const kind[] = {"{\"importance_type\": \"total_gain\"}",
                                "{\"importance_type\": \"weight\"}"};
    for (int t = 0; t < 2; t++) {
        bst_ulong n, dims;
        const bst_ulong *shape;
        const char **name;
        const float *value;
        size_t seen = 0, used = 0;
        assert_int_equal(
            XGBoosterFeatureScore(peer, kind[t], &n, &name, &dims, &shape, &value), 0);
        for (uint32_t k = 0; k < D; k++) {
            used += splits[k] > 0;
            for (bst_ulong i = 0; i < n; i++)
                if (strcmp(name[i], s.f.name[k]) == 0) {
                    const double ours = t ? splits[k] : gain[k];
                    assert_true(fabs(ours - (double)value[i]) <= 1e-5 * ours);
                    seen++;
                }
        }
        assert_int_equal(seen, n);
        assert_int_equal(used, n);
    }
    DMatrixHandle m;
    bst_ulong n;
    const float *theirs;
    assert_int_equal(XGDMatrixCreateFromMat(s.later.x, LATER, D, (float)NAN, &m), 0);
    assert_int_equal(XGBoosterPredict(peer, m, 0, 0, 0, &n, &theirs), 0);
    double *p = wr_calloc(LATER, sizeof *p);
    assert_ok(wr_booster_predict(p, b, s.later.x, LATER, WR_BOOSTER_PROBABILITY, &err));
    for (size_t i = 0; i < LATER; i++)
        assert_true(fabs(p[i] - (double)theirs[i]) < 1e-6);
    (void)XGBoosterFree(peer);
    (void)XGDMatrixFree(m);
    wr_free(p);
    set_release(&s);
}

static void test_booster_contributions__add_up(void **state)
{
    (void)state;
    enum { ROWS = 300 };
    set s;
    set_init(&s);
    s.o.base_prob = 0.1;
    WR_AUTO(wr_booster) b = NULL;
    assert_ok(wr_booster_train(&b, NULL, &s.f, &s.dt, &s.dv, &s.o, &err));
    double *c = wr_calloc((size_t)ROWS * (D + 1), sizeof *c);
    double *p = wr_calloc(ROWS, sizeof *p);
    assert_ok(wr_booster_contributions(c, b, s.later.x, ROWS, &err));
    assert_ok(wr_booster_predict(p, b, s.later.x, ROWS, WR_BOOSTER_MARGIN, &err));
    uint32_t splits[D];
    wr_booster_importance(b, NULL, splits);
    for (size_t i = 0; i < ROWS; i++) {
        double sum = 0;
        for (size_t k = 0; k <= D; k++) {
            sum += c[i * (D + 1) + k];
            if (k < D && splits[k] == 0)
                assert_true(c[i * (D + 1) + k] == 0);
        }
        assert_true(fabs(sum - p[i]) < 1e-5);
        assert_true(c[i * (D + 1) + D] == c[D]); /* the same mean for all */
    }
    assert_ok(wr_booster_contributions(NULL, b, NULL, 0, &err));
    float x[D] = {(float)INFINITY};
    wr_err e = {0};
    assert_int_equal(wr_booster_contributions(c, b, x, 1, &e), WR_EINVAL);
    assert_string_equal(
        e.msg, "xgboost: Check failed: valid: Input data contains `inf` or `nan`");
    wr_free(c);
    wr_free(p);
    set_release(&s);
}

/* Margins and contributions from four threads at once are those of one. */
static void test_booster__many_threads_at_once(void **state)
{
    (void)state;
    enum { ROWS = 400 };
    set s;
    set_init(&s);
    WR_AUTO(wr_booster) b = NULL;
    assert_ok(wr_booster_train(&b, NULL, &s.f, &s.dt, NULL, &s.o, &err));
    double *want = wr_calloc((size_t)ROWS * (D + 2), sizeof *want);
    double *got = wr_calloc((size_t)ROWS * (D + 2), sizeof *got);
    int bad = 0;
    for (int t = 0; t < 2; t++) {
        double *to = t ? got : want;
#pragma omp parallel for num_threads(4) schedule(dynamic, 1) reduction(+ : bad) if (t)
        for (int i = 0; i < ROWS; i++) {
            const float *x = s.later.x + (size_t)i * D;
            double *row = to + (size_t)i * (D + 2);
            bad += wr_booster_predict(row, b, x, 1, WR_BOOSTER_MARGIN, NULL) != WR_OK;
            bad += wr_booster_contributions(row + 1, b, x, 1, NULL) != WR_OK;
        }
    }
    assert_int_equal(bad, 0);
    assert_memory_equal(want, got, (size_t)ROWS * (D + 2) * sizeof *want);
    wr_free(want);
    wr_free(got);
    set_release(&s);
}

static void assert_conflict(const wr_booster *b, const char *const *name, uint32_t count,
                            const char *msg)
{
    wr_err e = {0};
    assert_int_equal(wr_booster_check_features(b, name, count, &e), WR_ECONFLICT);
    assert_string_equal(e.msg, msg);
}

static void test_booster_check_features__by_name(void **state)
{
    (void)state;
    set s;
    set_init(&s);
    s.o.rounds = 2;
    WR_AUTO(wr_booster) b = NULL;
    assert_ok(wr_booster_train(&b, NULL, &s.f, &s.dt, NULL, &s.o, &err));
    const char *name[D + 1];
    memcpy(name, s.f.name, D * sizeof *name);
    assert_ok(wr_booster_check_features(b, name, D, &err));
    name[D] = "out.share";
    assert_conflict(b, name, D + 1,
                    "feature 'out.share' is in the data and not in the model");
    name[D] = name[3];
    assert_conflict(b, name, D + 1, "feature 'f03.in_24h' is twice in the data");
    assert_conflict(b, name, D - 1,
                    "feature 'f11.in_24h' is in the model and not in the data");
    assert_conflict(b, name, 0,
                    "feature 'f00.in_24h' is in the model and not in the data");
    name[3] = name[5];
    name[5] = s.f.name[3];
    assert_conflict(b, name, D,
                    "feature 'f03.in_24h' is number 4 in the model and 6 in the data");
    size_t len;
    const void *bytes = wr_booster_bytes(b, &len);
    wr_booster_features want = {D, name, NULL};
    WR_AUTO(wr_booster) c = NULL;
    assert_err(WR_ECONFLICT, wr_booster_load(&c, bytes, len, &want, 1, &err));
    assert_null(c);
    assert_oom_safe(wr_booster_check_features(b, s.f.name, D, &err));
    set_release(&s);
}

static void assert_refused(const set *s, const char *msg)
{
    wr_err e = {0};
    wr_booster *b = NULL;
    const wr_status st = wr_booster_train(&b, NULL, &s->f, &s->dt, &s->dv, &s->o, &e);
    assert_string_equal(e.msg, msg);
    assert_int_equal(st, WR_EINVAL);
    assert_null(b);
}

#define REFUSED(field, value, msg) \
    do {                           \
        set was_ = s;              \
        s.field = value;           \
        assert_refused(&s, msg);   \
        s = was_;                  \
    } while (0)

static void test_booster_train__options_refused(void **state)
{
    (void)state;
    set s;
    set_init(&s);
    REFUSED(o.max_depth, 0, "max_depth 0 outside 1..16");
    REFUSED(o.max_depth, 17, "max_depth 17 outside 1..16");
    REFUSED(o.rounds, 0, "rounds 0 outside 1..10000");
    REFUSED(o.patience, 10001, "patience 10001 outside 0..10000");
    REFUSED(o.max_bin, 1, "max_bin 1 outside 2..65536");
    REFUSED(o.seed, 1ULL << 31, "seed 2147483648 outside 0..2147483647");
    REFUSED(o.threads, 0, "threads 0 outside 1..256");
    REFUSED(o.eta, 0, "eta 0 outside 0 (excluded)..1");
    REFUSED(o.eta, (double)NAN, "eta nan outside 0 (excluded)..1");
    REFUSED(o.subsample, 1.5, "subsample 1.5 outside 0 (excluded)..1");
    REFUSED(o.colsample_bytree, 0, "colsample_bytree 0 outside 0 (excluded)..1");
    REFUSED(o.scale_pos_weight, -1, "scale_pos_weight -1 outside 0 (excluded)..1e+06");
    REFUSED(o.min_child_weight, -1, "min_child_weight -1 outside 0..1e+09");
    REFUSED(o.lambda, -1, "lambda -1 outside 0..1e+09");
    REFUSED(o.base_prob, 0, "base_prob 0 outside 1e-06..0.999999");
    set_release(&s);
}

static void test_booster_train__data_refused(void **state)
{
    (void)state;
    set s;
    set_init(&s);
    REFUSED(f.count, 0, "features 0 outside 1..4096");
    s.train.monotone[2] = 2;
    assert_refused(&s, "feature 'f02.in_24h': monotone 2 outside -1..1");
    s.train.monotone[2] = 0;
    s.train.name[4] = "no spaces";
    assert_refused(&s, "feature 5: name 'no spaces' is not 1..64 of [A-Za-z0-9_.-]");
    s.train.name[4] = "";
    assert_refused(&s, "feature 5: name '' is not 1..64 of [A-Za-z0-9_.-]");
    s.train.name[4] = s.train.name[7];
    assert_refused(&s, "feature 'f07.in_24h' twice");
    s.train.name[4] = s.train.text[4];
    const float was = s.train.x[5];
    s.train.x[5] = (float)-INFINITY;
    assert_refused(&s, "training rows: feature 'f05.in_24h' of row 0 is infinite");
    s.train.x[5] = was;
    s.dt.weight = s.train.weight;
    s.train.weight[9] = 0;
    assert_refused(&s, "training rows: weight 0 of row 9");
    s.dt.weight = NULL;
    s.dv.rows = 0;
    assert_refused(&s, "validation rows: 0 bad and 0 good rows");
    s.dv.rows = LATER;
    memset(s.train.is_bad, 1, TRAIN * sizeof(bool));
    assert_refused(&s, "training rows: 6000 bad and 0 good rows");
    s.dt.rows = (size_t)WR_BOOSTER_ROWS_MAX + 1;
    wr_booster *b = NULL;
    wr_err e = {0};
    assert_int_equal(wr_booster_train(&b, NULL, &s.f, &s.dt, NULL, &s.o, &e), WR_ELIMIT);
    assert_string_equal(e.msg, "training rows: 67108865 rows, over 67108864");
    set_release(&s);
}

static void stop_at_five(void *ctx, const char *phase, uint64_t done, uint64_t total)
{
    (void)phase;
    (void)total;
    if (done == 5)
        atomic_store((atomic_bool *)ctx, true);
}

static void test_booster_train__stops_on_request(void **state)
{
    (void)state;
    set s;
    set_init(&s);
    atomic_bool stop = false;
    wr_progress pg = {.show = stop_at_five, .ctx = &stop, .stop = &stop};
    s.o.pg = &pg;
    wr_booster *b = NULL;
    wr_err e = {0};
    assert_int_equal(wr_booster_train(&b, NULL, &s.f, &s.dt, NULL, &s.o, &e),
                     WR_ESTOPPED);
    assert_string_equal(e.msg, "stopped on request in training");
    assert_null(b);
    set_release(&s);
}

static void test_booster__memory(void **state)
{
    (void)state;
    set s;
    set_init(&s);
    s.o.rounds = 2;
    WR_AUTO(wr_booster) b = NULL;
    assert_oom_safe(wr_booster_train(&b, NULL, &s.f, &s.dt, &s.dv, &s.o, &err));
    size_t len;
    const void *bytes = wr_booster_bytes(b, &len);
    WR_AUTO(wr_booster) c = NULL;
    assert_oom_safe(wr_booster_load(&c, bytes, len, &s.f, 1, &err));
    wr_booster_free(NULL);
    set_release(&s);
}

/* Nothing on either stream, whether it works or not. */
static void test_booster__is_silent(void **state)
{
    (void)state;
    set s;
    set_init(&s);
    s.o.rounds = 3;
    FILE *f = tmpfile();
    assert_non_null(f);
    (void)fflush(stdout);
    (void)fflush(stderr);
    const int out = dup(1), err_fd = dup(2);
    (void)dup2(fileno(f), 1);
    (void)dup2(fileno(f), 2);
    wr_booster *b = NULL;
    wr_booster *c = NULL;
    const wr_status good = wr_booster_train(&b, NULL, &s.f, &s.dt, &s.dv, &s.o, NULL);
    const wr_status bad = wr_booster_load(&c, "{L", 2, NULL, 1, NULL);
    double p = 0;
    float x[D] = {(float)INFINITY};
    const wr_status refused = wr_booster_contributions(&p, b, x, 1, NULL);
    (void)fflush(stdout);
    (void)fflush(stderr);
    (void)dup2(out, 1);
    (void)dup2(err_fd, 2);
    (void)close(out);
    (void)close(err_fd);
    const long written = lseek(fileno(f), 0, SEEK_END);
    (void)fclose(f);
    wr_booster_free(b);
    assert_int_equal(good, WR_OK);
    assert_int_equal(bad, WR_ECORRUPT);
    assert_int_equal(refused, WR_EINVAL);
    assert_int_equal(written, 0);
    set_release(&s);
}

static void test_booster_probability__ends(void **state)
{
    (void)state;
    assert_true(wr_booster_probability(0) == 0.5);
    assert_true(wr_booster_probability(1000) == 1);
    assert_true(wr_booster_probability(-1000) == 0);
    assert_true(fabs(wr_booster_probability(-2) + wr_booster_probability(2) - 1) < 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_booster_train__learns),
        wr_unit_test(test_booster_train__stops_early_and_keeps_the_best),
        wr_unit_test(test_booster_train__same_bytes_for_any_thread_count),
        wr_unit_test(test_booster_train__grid_costs_nothing),
        wr_unit_test(test_booster_train__keeps_to_the_constraints),
        wr_unit_test(test_booster_load__same_predictions),
        wr_unit_test(test_booster__agrees_with_the_library),
        wr_unit_test(test_booster_contributions__add_up),
        wr_unit_test(test_booster__many_threads_at_once),
        wr_unit_test(test_booster_check_features__by_name),
        wr_unit_test(test_booster_train__options_refused),
        wr_unit_test(test_booster_train__data_refused),
        wr_unit_test(test_booster_train__stops_on_request),
        wr_unit_test(test_booster__memory),
        wr_unit_test(test_booster__is_silent),
        wr_unit_test(test_booster_probability__ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
