#include "pipeline_test.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <unistd.h>

enum { BIG_N = 3000, BIG_M = 20000 };

/* B got a quarter of its money straight from a thief, through a stop nothing passes. */
static const test_pay small[] = {
    {"thief", "b", 10, 1}, {"clean", "b", 30, 2},   {"b", "c", 20, 3},
    {"b", "bank", 20, 4},  {"bank", "payee", 5, 5}, {"b", "b", 7, 6},
};

static wr_assessment *score(wr_store *st, wr_settings *cfg)
{
    wr_assessment *a = NULL;
    assert_ok(wr_run_score(&a, st, cfg, NULL, NULL, &err));
    return a;
}

static void label_small(wr_store *st)
{
    test_put(st, small, sizeof small / sizeof *small, 0);
    test_label(st, "thief", "hack", 100);
    test_label(st, "bank", "exchange", 100);
}

static void test_run_id_new__sorts_by_time_within_a_second(void **state)
{
    (void)state;
    char last[WR_RUN_ID_MAX + 1] = "";
    for (int i = 0; i < 100; i++) {
        char id[WR_RUN_ID_MAX + 1];
        wr_run_id_new(id);
        assert_int_equal(strlen(id), 26);
        assert_true(strcmp(last, id) < 0);
        memcpy(last, id, sizeof last);
        (void)usleep(500); /* the id tells quarters of a millisecond apart */
    }
}

static void test_score__by_hand(void **state)
{
    (void)state;
    WR_AUTO(wr_settings) cfg = test_settings();
    WR_AUTO(wr_store) st = test_store("memory:");
    label_small(st);
    WR_AUTO(wr_assessment) a = score(st, cfg);
    wr_wallet_view b;
    wr_assessment_wallet(a, test_vertex(a, "b"), &b);
    assert_true(b.received == 40.0 && b.balance == 0.0);
    assert_true(fabs(b.base - 0.9) < 1e-12);  /* 0.9 min(1, 0.25/0.05) */
    assert_true(fabs(b.score - 0.9) < 1e-12); /* the floor of 85 is below */
    assert_true(fabs(b.unknown_share - 0.75) < 1e-12);
    assert_int_equal(b.level, WR_LEVEL_SEVERE);
    wr_wallet_view payee;
    wr_assessment_wallet(a, test_vertex(a, "payee"), &payee);
    assert_true(payee.score == 0.0); /* a service is a stop */
    wr_wallet_view thief;
    wr_assessment_wallet(a, test_vertex(a, "thief"), &thief);
    assert_true(fabs(thief.score - 0.9) < 1e-12); /* own label, said so */
    assert_string_equal(cfg->taxonomy.category[thief.own_category].id, "hack");
}

static void test_score__exposures_by_hand(void **state)
{
    (void)state;
    WR_AUTO(wr_settings) cfg = test_settings();
    WR_AUTO(wr_store) st = test_store("memory:");
    label_small(st);
    WR_AUTO(wr_assessment) a = score(st, cfg);
    wr_exposure e[WR_EXPOSURES_MAX];
    uint32_t n = wr_assessment_exposures(a, test_vertex(a, "c"), e);
    assert_int_equal(n, 1); /* hack, receiving: 5 of 20, two hops */
    assert_string_equal(cfg->taxonomy.category[e[0].category].id, "hack");
    assert_true(fabs(e[0].indirect_value - 5.0) < 1e-12 && e[0].direct_value == 0.0);
    assert_true(fabs(e[0].indirect_share - 0.25) < 1e-12);
    assert_true(e[0].min_hops == 2.0f);
    wr_origin o[WR_ORIGINS_MAX];
    double other = -1;
    assert_int_equal(wr_assessment_origins(a, test_vertex(a, "c"), o, &other), 1);
    assert_int_equal(o[0].source, test_vertex(a, "thief"));
    assert_true(fabs(o[0].value - 5.0) < 1e-12 && other == 0.0);
}

/* base = 1 - Π(1 - part), score = max(base, floors), for every wallet of a random graph.
 */
static void test_reasons__reproduce_every_score(void **state)
{
    (void)state;
    WR_AUTO(wr_settings) cfg = test_settings();
    WR_AUTO(wr_store) st = test_store("memory:");
    test_random(st, 400, 3000, 7);
    WR_AUTO(wr_assessment) a = score(st, cfg);
    uint32_t above_zero = 0;
    for (wr_vid v = 0; v < wr_snapshot_n(wr_assessment_snapshot(a)); v++) {
        wr_reason r[WR_REASONS_MAX];
        const uint32_t n = wr_assessment_reasons(a, v, r);
        double keep = 1.0;
        double floor = 0.0;
        for (uint32_t i = 0; i < n; i++) {
            if (r[i].kind == WR_REASON_EXPOSURE || r[i].kind == WR_REASON_OWN_LABEL ||
                r[i].kind == WR_REASON_TYPOLOGY)
                keep *= 1.0 - r[i].part;
            else if (r[i].kind == WR_REASON_FLOOR)
                floor = fmax(floor, r[i].part);
            else
                assert_true(r[i].part == 0.0);
            assert_true(i == 0 || r[i].part <= r[i - 1].part);
        }
        wr_wallet_view w;
        wr_assessment_wallet(a, v, &w);
        assert_true(fabs(w.base - (1.0 - keep)) < 1e-12);
        assert_true(fabs(w.score - fmax(w.base, floor)) < 1e-12);
        above_zero += w.score > 0.0;
    }
    assert_true(above_zero > 100);
}

static void test_order__by_score_then_vertex(void **state)
{
    (void)state;
    WR_AUTO(wr_settings) cfg = test_settings();
    WR_AUTO(wr_store) st = test_store("memory:");
    test_random(st, 500, 2000, 3);
    WR_AUTO(wr_assessment) a = score(st, cfg);
    uint32_t n = 0;
    const wr_vid *order = wr_assessment_order(a, &n);
    assert_int_equal(n, wr_snapshot_n(wr_assessment_snapshot(a)));
    for (uint32_t i = 1; i < n; i++) {
        double x = wr_assessment_score(a, order[i - 1]);
        double y = wr_assessment_score(a, order[i]);
        assert_true(x > y || (x == y && order[i - 1] < order[i]));
    }
}

static void test_score__same_bytes_for_any_thread_count_and_store(void **state)
{
    (void)state;
    WR_AUTO(wr_settings) cfg = test_settings();
    char path[] = "/tmp/wr_run_XXXXXX";
    char dsn[64];
    assert_non_null(mkdtemp(path));
    (void)snprintf(dsn, sizeof dsn, "sqlite:%s/w.db", path);
    wr_digest_hex first = {{0}};
    const char *const kind[] = {"memory:", dsn};
    for (int k = 0; k < 2; k++) {
        WR_AUTO(wr_store) st = test_store(kind[k]);
        test_random(st, BIG_N, BIG_M, 42);
        for (int t = 1; t <= 8; t *= 2) {
            omp_set_num_threads(t);
            WR_AUTO(wr_assessment) a = score(st, cfg);
            if (!first.s[0])
                first = wr_assessment_run(a)->output_digest;
            assert_string_equal(wr_assessment_run(a)->output_digest.s, first.s);
        }
    }
    char rm[128];
    static const char *const file[] = {"w.db", "w.db-wal", "w.db-shm"};
    for (int i = 0; i < 3; i++) {
        (void)snprintf(rm, sizeof rm, "%s/%s", path, file[i]);
        (void)unlink(rm);
    }
    (void)rmdir(path);
}

static void test_verify__old_run_survives_new_data(void **state)
{
    (void)state;
    WR_AUTO(wr_settings) cfg = test_settings();
    WR_AUTO(wr_store) st = test_store("memory:");
    test_random(st, 300, 2000, 5);
    char id[WR_RUN_ID_MAX + 1];
    {
        WR_AUTO(wr_assessment) a = score(st, cfg);
        (void)snprintf(id, sizeof id, "%s", wr_assessment_run(a)->id);
    }
    static const test_pay later[] = {{"w1", "newcomer", 50, 2000000}, {"w2", "w3", 9, 5}};
    test_put(st, later, 2, 100000);
    test_label(st, "w2", "sanctions", 100);
    wr_verify_report r = {0};
    assert_ok(wr_run_verify(&r, st, id, NULL, &err));
    assert_true(r.is_graph_same && r.is_labels_same && r.is_config_same &&
                r.is_output_same);
    assert_true(r.scores_compared > 50);
    assert_int_equal(r.scores_different, 0);
    WR_AUTO(wr_assessment) now = score(st, cfg);
    assert_string_not_equal(wr_assessment_run(now)->graph_digest.s,
                            r.stored.graph_digest.s);
    assert_string_not_equal(wr_assessment_run(now)->labels_digest.s,
                            r.stored.labels_digest.s);
}

static void test_verify__errors(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = test_store("memory:");
    wr_verify_report r;
    assert_err(WR_ENOTFOUND,
               wr_run_verify(&r, st, "r20200101T000000Z-00000000", NULL, &err));
    WR_AUTO(wr_assessment) a = NULL;
    assert_err(WR_ENOTFOUND, wr_run_restore(&a, st, "", NULL, NULL, &err));
}

static wr_status spoil_output(void *ctx, const wr_run *run, wr_err *err)
{
    wr_run *r = ctx;
    static char config[WR_RUN_JSON_MAX];
    (void)err;
    *r = *run;
    assert_true(run->config.len < sizeof config);
    memcpy(config, run->config.p, run->config.len);
    r->config.p = config;
    r->detail = (wr_text){0};
    r->output_digest.s[0] = r->output_digest.s[0] == '0' ? '1' : '0';
    return WR_OK;
}

static void test_restore__graph_outlives_a_run_that_cannot_be_restored(void **state)
{
    (void)state;
    WR_AUTO(wr_settings) cfg = test_settings();
    WR_AUTO(wr_store) st = test_store("memory:");
    label_small(st);
    wr_run run;
    wr_assessment_unref(score(st, cfg));
    assert_ok(wr_store_run_get(st, "", spoil_output, &run, &err));
    assert_ok(wr_store_run_put(st, &run, &err));
    wr_assessment *a = NULL;
    wr_loaded graph = {0};
    assert_err(WR_ECONFLICT, wr_run_restore(&a, st, "", &graph, NULL, &err));
    assert_null(a);
    assert_non_null(graph.g);
    assert_int_equal(graph.max_seq, run.max_seq);
    wr_loaded_release(&graph);
}

static void test_restore__uses_the_graph_of_its_bound_only(void **state)
{
    (void)state;
    WR_AUTO(wr_settings) cfg = test_settings();
    WR_AUTO(wr_store) st = test_store("memory:");
    label_small(st);
    WR_AUTO(wr_assessment) a = score(st, cfg);
    const wr_run *run = wr_assessment_run(a);
    wr_loaded graph = {.g = wr_snapshot_acquire(wr_assessment_snapshot(a)),
                       .max_seq = run->max_seq};
    wr_assessment *again = NULL;
    assert_ok(wr_run_restore(&again, st, "", &graph, NULL, &err));
    assert_ptr_equal(wr_assessment_snapshot(again), wr_assessment_snapshot(a));
    wr_assessment_unref(again);
    graph.max_seq--; /* so it says */
    assert_ok(wr_run_restore(&again, st, "", &graph, NULL, &err));
    assert_ptr_not_equal(wr_assessment_snapshot(again), wr_assessment_snapshot(a));
    assert_ptr_equal(wr_assessment_snapshot(again), graph.g);
    assert_int_equal(graph.max_seq, run->max_seq);
    wr_assessment_unref(again);
    wr_loaded_release(&graph);
}

static void test_score__empty_store_and_no_labels(void **state)
{
    (void)state;
    WR_AUTO(wr_settings) cfg = test_settings();
    WR_AUTO(wr_store) st = test_store("memory:");
    {
        WR_AUTO(wr_assessment) a = score(st, cfg);
        assert_int_equal(wr_assessment_run(a)->scored, 0);
    }
    test_put(st, small, 3, 0);
    WR_AUTO(wr_assessment) a = score(st, cfg);
    wr_wallet_view w;
    wr_assessment_wallet(a, test_vertex(a, "b"), &w);
    assert_int_equal(w.state, WR_STATE_LABELS_UNAVAILABLE); /* unknown is not clean */
}

static void test_score__stopped_run_is_recorded_as_failed(void **state)
{
    (void)state;
    WR_AUTO(wr_settings) cfg = test_settings();
    WR_AUTO(wr_store) st = test_store("memory:");
    label_small(st);
    const atomic_bool stop = true;
    const wr_progress pg = {.stop = &stop};
    wr_assessment *a = NULL;
    assert_err(WR_ESTOPPED, wr_run_score(&a, st, cfg, NULL, &pg, &err));
    assert_null(a);
    wr_counts c;
    assert_ok(wr_store_counts(st, &c, &err));
    assert_int_equal(c.runs, 1);
    assert_err(WR_ENOTFOUND,
               wr_run_restore(&a, st, "", NULL, NULL, &err)); /* no complete one */
}

/* What an assessment says it holds is what the heap has more of. */
static void test_bytes__of_an_assessment(void **state)
{
    (void)state;
    WR_AUTO(wr_settings) cfg = test_settings();
    WR_AUTO(wr_store) st = test_store("memory:");
    WR_AUTO(wr_snapshot) g = NULL;
    wr_label_set labels = {0};
    int64_t max_seq = -1;
    test_random(st, BIG_N, BIG_M, 3);
    assert_ok(wr_load_snapshot(&g, st, &max_seq, NULL, NULL, &err));
    assert_ok(wr_load_labels(&labels, st, g, &cfg->taxonomy, -1, &err));
    const size_t of_labels =
        wr_block_bytes(labels.seeds.category) + wr_block_bytes(labels.seeds.confidence) +
        wr_block_bytes(labels.seeds.from_s) + wr_block_bytes(labels.seeds.to_s);
    const size_t before = wr_heap_bytes() - of_labels;
    WR_AUTO(wr_assessment) a = NULL;
    assert_ok(wr_assess(&a, g, &labels, cfg, NULL, &err));
    const size_t held = wr_heap_bytes() - before;
    const uint64_t said = wr_assessment_bytes(a);
    assert_true(said > (uint64_t)BIG_N * 512);
    if (wr_heap_bytes()) /* a sanitizer's allocator does not say */
        assert_in_range(said, held - held / 10, held + held / 10);
}

static void test_assess__out_of_memory(void **state)
{
    (void)state;
    WR_AUTO(wr_settings) cfg = test_settings();
    WR_AUTO(wr_store) st = test_store("memory:");
    label_small(st);
    assert_oom_safe(test_assess(st, cfg, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_run_id_new__sorts_by_time_within_a_second),
        wr_unit_test(test_score__by_hand),
        wr_unit_test(test_score__exposures_by_hand),
        wr_unit_test(test_reasons__reproduce_every_score),
        wr_unit_test(test_order__by_score_then_vertex),
        wr_unit_test(test_score__same_bytes_for_any_thread_count_and_store),
        wr_unit_test(test_verify__old_run_survives_new_data),
        wr_unit_test(test_verify__errors),
        wr_unit_test(test_restore__graph_outlives_a_run_that_cannot_be_restored),
        wr_unit_test(test_restore__uses_the_graph_of_its_bound_only),
        wr_unit_test(test_score__empty_store_and_no_labels),
        wr_unit_test(test_score__stopped_run_is_recorded_as_failed),
        wr_unit_test(test_bytes__of_an_assessment),
        wr_unit_test(test_assess__out_of_memory),
    };
    return cmocka_run_group_tests_name("pipeline/run", tests, NULL, NULL);
}
