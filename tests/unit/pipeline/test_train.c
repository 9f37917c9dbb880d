#include "couriers.h"

#include <math.h>
#include <omp.h>

static wr_learned *train(const world *w, const wr_train_opts *o, wr_grades *g, wr_buf *b)
{
    const wr_train_input in = input_of(w);
    wr_learned *l = NULL;
    wr_buf_init(b, (size_t)64 << 20);
    assert_ok(wr_train(&l, g, b, &in, o, &err));
    return l;
}

static void test_train__tells_couriers_from_people(void **state)
{
    (void)state;
    world w;
    begin(&w);
    wr_train_opts o = quick();
    wr_grades g;
    wr_buf b;
    WR_AUTO(wr_learned) l = train(&w, &o, &g, &b);
    const double prevalence = (double)g.all.m.bad / (double)g.all.m.rows;
    assert_true(prevalence < 0.3);
    assert_true(g.all.m.pr_auc > 0.8);
    assert_true(g.hidden.is_there && g.known.is_there);
    assert_true(g.all.reliability.ece < 0.2);
    const char *m = wr_learned_manifest(l);
    for (const char *const *k =
             (const char *const[]){"\"train\"", "\"validate\"", "\"calibrate\"",
                                   "\"test\"", "\"truth_digest\"", "\"by_typology\"",
                                   "\"forest_columns\"", NULL};
         *k; k++)
        assert_non_null(strstr(m, *k));
    wr_buf card;
    wr_buf_init(&card, 1 << 20);
    assert_ok(wr_learned_card(&card, l, &err));
    assert_non_null(strstr(wr_buf_cstr(&card), "even"));
    wr_buf_release(&card);
    wr_buf_release(&b);
    end(&w);
}

static void test_train__same_bytes_for_any_threads(void **state)
{
    (void)state;
    static const int threads[] = {1, 2, 4, 8};
    world w;
    begin(&w);
    wr_train_opts o = quick();
    wr_buf first = {0};
    const int had = omp_get_max_threads();
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        omp_set_num_threads(threads[i]);
        wr_grades g;
        wr_buf b;
        WR_AUTO(wr_learned) l = train(&w, &o, &g, &b);
        assert_non_null(l);
        if (i == 0) {
            first = b;
            continue;
        }
        assert_int_equal(b.len, first.len);
        assert_memory_equal(b.p, first.p, b.len);
        wr_buf_release(&b);
    }
    omp_set_num_threads(had);
    wr_buf_release(&first);
    end(&w);
}

/* Who is bad is drawn anew: nothing is left to learn. */
static void test_train__permuted_truth_falls_to_prevalence(void **state)
{
    (void)state;
    world w;
    begin(&w);
    wr_rng r = {.s = 3};
    for (uint32_t v = w.truth.n; v-- > 1;) {
        const uint32_t u = (uint32_t)wr_rng_below(&r, v + 1ULL);
        const uint32_t t = w.truth.incident[v];
        w.truth.incident[v] = w.truth.incident[u];
        w.truth.incident[u] = t;
    }
    wr_train_opts o = quick();
    wr_grades g;
    wr_buf b;
    WR_AUTO(wr_learned) l = train(&w, &o, &g, &b);
    assert_non_null(l);
    assert_true(g.all.m.pr_auc < 2.5 * (double)g.all.m.bad / (double)g.all.m.rows);
    wr_buf_release(&b);
    end(&w);
}

static void test_train__columns_of_the_groups(void **state)
{
    (void)state;
    world w;
    begin(&w);
    wr_train_opts o = quick();
    assert_ok(wr_train_groups(&o.groups, "behaviour,structure", &err));
    assert_int_equal(o.groups, WR_FRAME_BEHAVIOUR | WR_FRAME_STRUCTURE);
    wr_grades g;
    wr_buf b;
    WR_AUTO(wr_learned) l = train(&w, &o, &g, &b);
    uint32_t *column = NULL;
    assert_ok(wr_frame_columns_of(&column, l, &err));
    const char *const *name = NULL;
    const uint32_t n = wr_booster_features_of(wr_learned_booster(l), &name);
    assert_true(n > 10);
    for (uint32_t k = 0; k < n; k++) {
        const wr_frame_column *c = wr_frame_column_at(column[k]);
        assert_string_equal(c->name, name[k]);
        assert_true(c->group & o.groups);
    }
    wr_free(column);
    wr_err e = {0};
    assert_ok(wr_train_groups(&o.groups, "motifs", &err));
    assert_int_equal(o.groups, WR_FRAME_MOTIFS);
    assert_int_equal(wr_train_groups(&o.groups, "all,foo", &e), WR_EINVAL);
    assert_non_null(strstr(e.msg, "group 'foo'"));
    wr_buf_release(&b);
    end(&w);
}

static void test_train__folds_are_by_incident(void **state)
{
    (void)state;
    world w;
    begin(&w);
    uint8_t *fold = NULL;
    assert_ok(wr_train_folds(&fold, &w.labels.seeds, &w.truth, 4, 1, &err));
    uint32_t seen = 0;
    for (uint32_t v = 0; v < w.truth.n; v++) {
        if (w.labels.seeds.category[v] < 0) {
            assert_int_equal(fold[v], WR_FRAME_FOLD_NONE);
            continue;
        }
        assert_true(fold[v] < 4);
        seen |= 1U << fold[v];
        for (uint32_t u = 0; u < v; u++)
            if (fold[u] != WR_FRAME_FOLD_NONE && wr_truth_is_bad(&w.truth, u) &&
                w.truth.incident[u] == w.truth.incident[v])
                assert_int_equal(fold[u], fold[v]);
    }
    assert_int_equal(seen, 15);
    wr_free(fold);
    end(&w);
}

/* Without folds and shares the test block of a training is what evaluate judges. */
static void test_evaluate__equals_the_test_block(void **state)
{
    (void)state;
    world w;
    begin(&w);
    wr_train_opts o = quick();
    o.folds = 0;
    o.kept_out = 0;
    wr_grades trained;
    wr_buf b;
    WR_AUTO(wr_learned) l = train(&w, &o, &trained, &b);
    const wr_columns col = wr_snapshot_columns(w.g);
    const uint32_t first = col.time_s[0];
    const uint32_t span = col.time_s[col.m - 1] + 1 - first;
    const wr_train_input in = input_of(&w);
    const wr_evaluate_opts e = {.from_s = first + (uint32_t)(o.end[2] * (double)span) +
                                          o.embargo_s,
                                .as_of_s = UINT32_MAX};
    const wr_scorer by_model = {
        .kind = WR_SCORER_MODEL, .model = l, .threshold = trained.all.at.threshold};
    wr_grades g;
    assert_ok(wr_evaluate(&g, &in, &by_model, &e, &err));
    assert_int_equal(g.all.m.rows, trained.all.m.rows);
    assert_true(g.all.m.pr_auc == trained.all.m.pr_auc);
    assert_true(g.hidden.m.pr_auc == trained.hidden.m.pr_auc);
    assert_true(g.all.reliability.ece == trained.all.reliability.ece);

    const wr_scorer by_column = {.kind = WR_SCORER_COLUMN, .column = WR_WF_AGE};
    assert_ok(wr_evaluate(&g, &in, &by_column, &e, &err));
    assert_false(g.is_probability);
    assert_true(g.all.m.pr_auc < trained.all.m.pr_auc);

    WR_AUTO(wr_assessment) rules = NULL;
    wr_label_set again = {0};
    assert_ok(wr_load_labels(&again, w.st, w.g, &w.cfg->taxonomy, -1, &err));
    assert_ok(wr_assess(&rules, w.g, &again, w.cfg, NULL, &err));
    wr_scorer by_rules = {.kind = WR_SCORER_GIVEN, .given = wr_assessment_scores(rules)};
    assert_ok(wr_evaluate(&g, &in, &by_rules, &e, &err));
    assert_int_equal(g.all.m.rows, trained.all.m.rows);
    wr_evaluate_opts early = e;
    early.as_of_s = col.time_s[col.m - 1];
    wr_err why = {0};
    assert_int_equal(wr_evaluate(&g, &in, &by_rules, &early, &why), WR_EINVAL);
    assert_non_null(strstr(why.msg, "end of the graph"));
    wr_buf_release(&b);
    end(&w);
}

static void refuses(const world *w, const wr_train_opts *o, const char *why)
{
    const wr_train_input in = input_of(w);
    wr_learned *l = NULL;
    wr_grades g;
    wr_buf b;
    wr_err e = {0};
    wr_buf_init(&b, 1 << 20);
    assert_int_equal(wr_train(&l, &g, &b, &in, o, &e), WR_EINVAL);
    assert_non_null(strstr(e.msg, why));
    assert_null(l);
    wr_buf_release(&b);
}

static void test_train__errors(void **state)
{
    (void)state;
    world w;
    begin(&w);
    wr_train_opts o = quick();
    o.groups = 0;
    refuses(&w, &o, "no group");
    o = quick();
    o.end[1] = o.end[0];
    refuses(&w, &o, "end of block 1");
    o = quick();
    o.folds = 1;
    refuses(&w, &o, "folds 1");
    o = quick();
    o.kept_out = 0.41;
    refuses(&w, &o, "kept out 0.41: 0..0.4");
    o.kept_out = (double)NAN;
    refuses(&w, &o, "kept out");
    o = quick();
    o.as_of_s = 1577836800;
    refuses(&w, &o, "nothing happened before");
    o = quick();
    o.embargo_s = SPAN_S / 6;
    refuses(&w, &o, "block 'validate'");
    o = quick();
    for (uint32_t v = 0; v < w.truth.n; v++)
        if (w.truth.incident[v] < PAIRS / 4)
            w.truth.incident[v] = WR_INCIDENT_NONE;
    o.end[0] = 0.2;
    refuses(&w, &o, "block 'train'");
    end(&w);
}

static void test_truth__of_labels(void **state)
{
    (void)state;
    world w;
    begin(&w);
    wr_truth_set t;
    assert_ok(wr_truth_set_of_labels(&t, &w.labels.seeds, &err));
    assert_int_equal(t.bad, (PAIRS + 3) / 4);
    assert_int_equal(t.incidents, t.bad);
    wr_truth_set_release(&t);
    end(&w);
}

/* Rows of all time, of those that the truth at `path` leaves. */
static void pick_all(wr_block *b, wr_truth_set *t, const world *w, const char *text)
{
    FILE *f = fopen(w->truth_path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_ok(wr_truth_set_load(t, w->truth_path, test_chain(), w->g, &err));
    wr_population p;
    assert_ok(wr_population_init(&p, w->g, &w->labels.seeds, t, &err));
    const wr_block_opts o = {.good_max = SIZE_MAX};
    assert_ok(wr_block_pick(b, "all", 0, UINT32_MAX, &p, &o, &err));
    wr_population_release(&p);
}

static void test_truth__unknown_wallets_are_in_no_block(void **state)
{
    (void)state;
    world w;
    begin(&w);
    wr_block plain;
    wr_block some;
    wr_truth_set t;
    wr_truth_set u;
    pick_all(&plain, &t, &w, "record,address\nwallet,w700\nwallet,w701\n");
    pick_all(&some, &u, &w,
             "record,address\nunknown,w0\nunknown,w701\nwallet,w700\nwallet,w701\n"
             "unknown,w700\nunknown,w5\nunknown,nobody\n");
    assert_int_equal(u.bad, 2); /* who is both is bad */
    assert_int_equal(u.incidents, 2);
    assert_int_equal(u.missing, 1);
    assert_int_equal(some.bad, plain.bad);
    assert_int_equal(some.rows + 2, plain.rows);
    for (size_t i = 0; i < some.rows; i++)
        assert_false(u.is_unknown[some.v[i]]);
    assert_string_not_equal(t.digest.s, u.digest.s);
    wr_block_release(&plain);
    wr_block_release(&some);
    wr_truth_set_release(&t);
    wr_truth_set_release(&u);
    end(&w);
}

static wr_status load_once(const world *w, wr_err *e)
{
    wr_truth_set t;
    const wr_status s = wr_truth_set_load(&t, w->truth_path, test_chain(), w->g, e);
    if (s == WR_OK)
        wr_truth_set_release(&t);
    return s;
}

static wr_status of_labels_once(const world *w, wr_err *e)
{
    wr_truth_set t;
    const wr_status s = wr_truth_set_of_labels(&t, &w->labels.seeds, e);
    if (s == WR_OK)
        wr_truth_set_release(&t);
    return s;
}

static void test_truth__oom(void **state)
{
    (void)state;
    world w;
    begin(&w);
    assert_oom_safe(load_once(&w, &err));
    assert_oom_safe(of_labels_once(&w, &err));
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_train__tells_couriers_from_people),
        wr_unit_test(test_train__same_bytes_for_any_threads),
        wr_unit_test(test_train__permuted_truth_falls_to_prevalence),
        wr_unit_test(test_train__columns_of_the_groups),
        wr_unit_test(test_train__folds_are_by_incident),
        wr_unit_test(test_evaluate__equals_the_test_block),
        wr_unit_test(test_train__errors),
        wr_unit_test(test_truth__unknown_wallets_are_in_no_block),
        wr_unit_test(test_truth__oom),
        wr_unit_test(test_truth__of_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
