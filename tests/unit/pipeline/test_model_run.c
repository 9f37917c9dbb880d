#include "couriers.h"

#include <math.h>
#include <omp.h>

#include "pipeline/scorer/registry.h"

/* A model of the world on its shelf, and active. */
static wr_learned *shelve(world *w)
{
    const wr_train_input in = input_of(w);
    wr_train_opts o = quick();
    wr_grades g;
    wr_learned *l = NULL;
    wr_buf b;
    bool is_new = false;
    wr_buf_init(&b, (size_t)64 << 20);
    assert_ok(wr_train(&l, &g, &b, &in, &o, &err));
    const wr_text bytes = {b.p, (uint32_t)b.len};
    assert_ok(
        wr_registry_put(w->st, l, bytes, WR_TEXT_LIT("test"), 1600000000, &is_new, &err));
    assert_true(is_new);
    assert_ok(
        wr_registry_put(w->st, l, bytes, WR_TEXT_LIT("test"), 1600000001, &is_new, &err));
    assert_false(is_new);
    assert_ok(wr_store_model_activate(w->st, wr_learned_id(l), NULL, WR_TEXT_LIT("test"),
                                      1600000002, NULL, &err));
    wr_buf_release(&b);
    return l;
}

static wr_assessment *score(world *w)
{
    wr_assessment *a = NULL;
    assert_ok(wr_run_score(&a, w->st, w->cfg, NULL, NULL, &err));
    return a;
}

/* --- what a run says ------------------------------------------------------------------
 */

typedef struct expectation {
    const wr_learned *l;
    const uint32_t *column;
    double *p, *novelty;
} expectation;

static wr_status expect_rows(void *ctx, wr_vid first, uint32_t rows, const float *x,
                             wr_err *e)
{
    const expectation *want = ctx;
    const uint32_t columns = wr_booster_features_of(wr_learned_booster(want->l), NULL);
    WR_AUTO_ARRAY float *mine = wr_calloc((size_t)rows * columns, sizeof *mine);
    assert_non_null(mine);
    for (uint32_t i = 0; i < rows; i++)
        for (uint32_t k = 0; k < columns; k++)
            mine[(size_t)i * columns + k] =
                x[(size_t)i * wr_frame_columns() + want->column[k]];
    return wr_learned_score(want->p + first, want->novelty + first, want->l, mine, rows,
                            e);
}

/* Exposures and hits of the run are handed to the frame: as if it had found them. */
static void test_run__probability_is_the_models(void **state)
{
    (void)state;
    world w;
    begin(&w);
    WR_AUTO(wr_learned) l = shelve(&w);
    WR_AUTO(wr_assessment) a = score(&w);
    const uint32_t n = wr_snapshot_n(w.g);
    assert_true(wr_assessment_typologies(a)->count > 0);
    uint32_t *column = NULL;
    assert_ok(wr_frame_columns_of(&column, l, &err));
    WR_AUTO_ARRAY double *p = wr_calloc(n, sizeof *p);
    WR_AUTO_ARRAY double *novelty = wr_calloc(n, sizeof *novelty);
    expectation want = {.l = l, .column = column, .p = p, .novelty = novelty};
    const wr_train_input in = input_of(&w);
    const wr_frame_input frame = wr_train_frame(&in, UINT32_MAX, NULL);
    assert_ok(wr_frame_run(&frame, expect_rows, &want, &err));
    wr_free(column);
    double highest = 0;
    for (wr_vid v = 0; v < n; v++) {
        wr_wallet_view view;
        wr_assessment_wallet(a, v, &view);
        assert_true(view.is_judged);
        assert_true(view.probability == p[v] && view.novelty == novelty[v]);
        assert_true(view.base >= p[v] - 1e-12 && view.score >= view.base);
        highest = p[v] > highest ? p[v] : highest;
    }
    assert_true(highest > 0.5);
    end(&w);
}

static void check_parts(const wr_assessment *a, wr_vid v)
{
    wr_reason r[WR_REASONS_MAX];
    wr_wallet_view view;
    wr_assessment_wallet(a, v, &view);
    const uint32_t n = wr_assessment_reasons(a, v, r);
    double keep = 1;
    double floor = 0;
    bool has_model = false;
    for (uint32_t i = 0; i < n; i++) {
        has_model = has_model || r[i].kind == WR_REASON_MODEL;
        if (r[i].kind == WR_REASON_FLOOR)
            floor = r[i].part > floor ? r[i].part : floor;
        else if (r[i].kind == WR_REASON_MODEL || r[i].kind == WR_REASON_OWN_LABEL)
            keep *= 1 - r[i].part;
        else
            assert_true(r[i].part == 0.0); /* a fact that the probability has weighed */
    }
    assert_true(has_model);
    assert_true(fabs(view.base - (1 - keep)) < 1e-12);
    assert_true(fabs(view.score - (view.base > floor ? view.base : floor)) < 1e-12);
}

static void test_run__parts_add_up(void **state)
{
    (void)state;
    world w;
    begin(&w);
    WR_AUTO(wr_learned) l = shelve(&w);
    WR_AUTO(wr_assessment) a = score(&w);
    assert_string_equal(wr_learned_id(wr_assessment_settings(a)->model),
                        wr_learned_id(l));
    for (wr_vid v = 0; v < wr_snapshot_n(w.g); v++)
        check_parts(a, v);
    end(&w);
}

static void test_run__same_digest_for_any_threads(void **state)
{
    (void)state;
    static const int threads[] = {1, 2, 4, 8};
    world w;
    begin(&w);
    WR_AUTO(wr_learned) l = shelve(&w);
    assert_non_null(l);
    wr_digest_hex first = {{0}};
    const int had = omp_get_max_threads();
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        omp_set_num_threads(threads[i]);
        WR_AUTO(wr_assessment) a = score(&w);
        if (i == 0)
            first = wr_assessment_run(a)->output_digest;
        assert_string_equal(wr_assessment_run(a)->output_digest.s, first.s);
    }
    omp_set_num_threads(had);
    end(&w);
}

/* A year later: the run still says what scored it, and does so again. */
static void test_run__is_verified_with_its_own_model(void **state)
{
    (void)state;
    world w;
    begin(&w);
    WR_AUTO(wr_learned) l = shelve(&w);
    WR_AUTO(wr_assessment) a = score(&w);
    char id[WR_RUN_ID_MAX + 1];
    memcpy(id, wr_assessment_run(a)->id, sizeof id);
    assert_non_null(strstr(wr_assessment_run(a)->config.p, wr_learned_digest(l)->s));
    assert_non_null(strstr(wr_assessment_run(a)->detail.p, wr_learned_id(l)));
    assert_non_null(strstr(wr_assessment_run(a)->detail.p, "score_psi"));
    assert_ok(wr_store_model_activate(w.st, "none", NULL, WR_TEXT_LIT("test"), 1600000003,
                                      NULL, &err));
    WR_AUTO(wr_assessment) plain = score(&w);
    wr_wallet_view view;
    wr_assessment_wallet(plain, 0, &view);
    assert_false(view.is_judged);
    assert_string_not_equal(wr_assessment_run(plain)->config_digest.s,
                            wr_assessment_run(a)->config_digest.s);
    wr_verify_report rep;
    assert_ok(wr_run_verify(&rep, w.st, id, NULL, &err));
    assert_true(rep.is_output_same && rep.is_config_same && rep.scores_different == 0);
    WR_AUTO(wr_assessment) again = NULL;
    assert_ok(wr_run_restore(&again, w.st, id, NULL, NULL, &err));
    wr_assessment_wallet(again, 0, &view);
    assert_true(view.is_judged);
    end(&w);
}

/* --- a model that does not fit --------------------------------------------------------
 */

enum { ROWS = 64, COLUMNS = 2 };

static void put_misfit(world *w)
{
    static const char *const name[COLUMNS] = {"in_count", "no_such_feature"};
    float x[ROWS * COLUMNS];
    bool is_bad[ROWS];
    double margin[ROWS];
    for (int i = 0; i < ROWS; i++) {
        x[2 * i] = (float)(i % 7);
        x[2 * i + 1] = (float)(i % 5);
        is_bad[i] = i % 7 > 3;
    }
    const wr_booster_features f = {.count = COLUMNS, .name = name};
    const wr_booster_data d = {.rows = ROWS, .x = x, .is_bad = is_bad};
    wr_booster_opts o = WR_BOOSTER_OPTS_INIT;
    o.rounds = 3;
    o.patience = 0;
    o.min_child_weight = 0;
    WR_AUTO(wr_booster) b = NULL;
    WR_AUTO(wr_forest) forest = NULL;
    wr_calibration c = {0};
    wr_drift drift[COLUMNS];
    wr_drift score_drift;
    static const uint32_t forest_column[COLUMNS] = {0, 1};
    const wr_calibration_opts co = WR_CALIBRATION_OPTS_INIT;
    const wr_forest_opts fo = WR_FOREST_OPTS_INIT;
    assert_ok(wr_booster_train(&b, NULL, &f, &d, NULL, &o, &err));
    assert_ok(wr_booster_predict(margin, b, x, ROWS, WR_BOOSTER_MARGIN, &err));
    assert_ok(wr_calibration_fit(&c, margin, is_bad, ROWS, &co, &err));
    assert_ok(wr_forest_fit(&forest, x, ROWS, COLUMNS, &fo, &err));
    assert_ok(wr_drift_learn(&score_drift, margin, ROWS, 4, &err));
    drift[0] = drift[1] = score_drift;
    const wr_learned_parts p = {.booster = b,
                                .calibration = &c,
                                .forest = forest,
                                .forest_column = forest_column,
                                .drift = drift,
                                .score_drift = &score_drift,
                                .manifest = "{\"kind\":\"wallet\",\"forest_columns\":["
                                            "\"in_count\",\"no_such_feature\"]}"};
    wr_buf bytes;
    wr_buf_init(&bytes, 1 << 24);
    WR_AUTO(wr_learned) l = NULL;
    bool is_new = false;
    assert_ok(wr_learned_pack(&bytes, &p, &err));
    assert_ok(wr_learned_unpack(&l, bytes.p, bytes.len, 1, &err));
    assert_ok(wr_registry_put(w->st, l, (wr_text){bytes.p, (uint32_t)bytes.len},
                              WR_TEXT_LIT("test"), 1600000000, &is_new, &err));
    assert_ok(wr_store_model_activate(w->st, wr_learned_id(l), NULL, WR_TEXT_LIT("test"),
                                      1600000002, NULL, &err));
    wr_calibration_release(&c);
    wr_buf_release(&bytes);
}

static void test_run__refuses_a_model_with_other_columns(void **state)
{
    (void)state;
    world w;
    begin(&w);
    put_misfit(&w);
    WR_AUTO(wr_assessment) a = NULL;
    wr_err e = {0};
    assert_int_equal(wr_run_score(&a, w.st, w.cfg, NULL, NULL, &e), WR_ECONFLICT);
    assert_non_null(strstr(e.msg, "no_such_feature"));
    assert_null(a);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_run__probability_is_the_models),
        wr_unit_test(test_run__parts_add_up),
        wr_unit_test(test_run__same_digest_for_any_threads),
        wr_unit_test(test_run__is_verified_with_its_own_model),
        wr_unit_test(test_run__refuses_a_model_with_other_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
