#include "live_test.h"

#include <assert.h>
#include <pthread.h>

#include <time.h>

#include "pipeline/live/live_bound.h"
#include "pipeline/live/screen.h"

enum { READERS = 3 };

static void test_live__reload_then_score_then_newer_graph(void **state)
{
    (void)state;
    fixture f = begin();
    test_random(f.st, 100, 500, 1);
    assert_int_equal(run_job(&f, WR_JOB_RELOAD).status, WR_RUN_COMPLETE);
    wr_view v = wr_live_view(f.lv);
    assert_non_null(v.graph);
    assert_null(v.assessment);
    wr_view_release(&v);
    assert_int_equal(run_job(&f, WR_JOB_SCORE).status, WR_RUN_COMPLETE);
    static const test_pay more[] = {{"w1", "w2", 5, 2000000}};
    test_put(f.st, more, 1, 9000);
    assert_int_equal(run_job(&f, WR_JOB_RELOAD).status, WR_RUN_COMPLETE);
    v = wr_live_view(f.lv);
    assert_int_equal(wr_snapshot_columns(v.graph).m, 501);
    assert_int_equal(wr_assessment_run(v.assessment)->transfers,
                     500); /* the older run stays */
    assert_true(v.graph_max_seq > wr_assessment_run(v.assessment)->max_seq);
    wr_view_release(&v);
    end(&f);
}

static void test_live__second_job_is_refused_with_the_running_id(void **state)
{
    (void)state;
    fixture f = begin();
    test_random(f.st, 2000, 30000, 2);
    char id[WR_RUN_ID_MAX + 1];
    char other[WR_RUN_ID_MAX + 1] = "";
    assert_ok(wr_live_start(f.lv, WR_JOB_SCORE, id, &err));
    assert_err(WR_ECONFLICT, wr_live_start(f.lv, WR_JOB_SCORE, other, &err));
    assert_string_equal(other, id);
    wr_job_status job;
    assert_ok(wr_live_wait(f.lv, id, WAIT_MS, &job, &err));
    assert_int_equal(job.status, WR_RUN_COMPLETE);
    assert_err(WR_ENOTFOUND, wr_live_job(f.lv, "r0", &job, &err));
    end(&f);
}

static void test_live__failed_job_leaves_the_view(void **state)
{
    (void)state;
    fixture f = begin();
    test_random(f.st, 50, 200, 3);
    assert_int_equal(run_job(&f, WR_JOB_SCORE).status, WR_RUN_COMPLETE);
    wr_view before = wr_live_view(f.lv);
    test_label(f.st, "w1", "no_such_category", 50);
    wr_job_status job = run_job(&f, WR_JOB_SCORE);
    assert_int_equal(job.status, WR_RUN_FAILED);
    assert_non_null(strstr(job.error, "no_such_category"));
    wr_view after = wr_live_view(f.lv);
    assert_ptr_equal(after.graph, before.graph);
    assert_ptr_equal(after.assessment, before.assessment);
    assert_int_equal(after.version, before.version);
    wr_view_release(&before);
    wr_view_release(&after);
    end(&f);
}

static void test_live__restore_serves_the_same_run_after_a_restart(void **state)
{
    (void)state;
    fixture f = begin();
    test_random(f.st, 200, 1000, 4);
    wr_job_status scored = run_job(&f, WR_JOB_SCORE);
    wr_live_close(f.lv);
    f.lv = NULL;
    assert_ok(wr_live_open(&f.lv, f.dsn, f.cfg, 0, &err));
    assert_int_equal(run_job(&f, WR_JOB_RESTORE).status, WR_RUN_COMPLETE);
    wr_view v = wr_live_view(f.lv);
    assert_non_null(v.assessment);
    assert_string_equal(wr_assessment_run(v.assessment)->id, scored.run_id);
    wr_view_release(&v);
    end(&f);
}

typedef struct reader {
    wr_live *lv;
    const atomic_bool *stop;
    uint64_t reads, wrong;
} reader;

/* What a request does: take the view, look, let go. */
static void *read_views(void *arg)
{
    reader *r = arg;
    while (!atomic_load(r->stop)) {
        wr_view v = wr_live_view(r->lv);
        if (v.assessment) {
            uint32_t n = 0;
            const wr_vid *order = wr_assessment_order(v.assessment, &n);
            r->wrong += n != wr_assessment_run(v.assessment)->scored;
            if (n > 1)
                r->wrong += wr_assessment_score(v.assessment, order[0]) <
                            wr_assessment_score(v.assessment, order[n - 1]);
        }
        wr_view_release(&v);
        r->reads++;
    }
    return NULL;
}

static void test_live__readers_never_block_or_see_half(void **state)
{
    (void)state;
    fixture f = begin();
    test_random(f.st, 500, 3000, 5);
    atomic_bool stop = false;
    reader r[READERS];
    pthread_t t[READERS];
    for (int i = 0; i < READERS; i++) {
        r[i] = (reader){.lv = f.lv, .stop = &stop};
        assert_int_equal(pthread_create(&t[i], NULL, read_views, &r[i]), 0);
    }
    for (int i = 0; i < 5; i++)
        assert_int_equal(run_job(&f, i % 2 ? WR_JOB_RELOAD : WR_JOB_SCORE).status,
                         WR_RUN_COMPLETE);
    atomic_store(&stop, true);
    for (int i = 0; i < READERS; i++) {
        (void)pthread_join(t[i], NULL);
        assert_int_equal(r[i].wrong, 0);
        assert_true(r[i].reads > 100);
    }
    end(&f);
}

/* --- runs of its own -------------------------------------------------------------------
 */

typedef struct heard {
    atomic_int begun, over;
    char id[WR_RUN_ID_MAX + 1], why[96];
    wr_run_status last;
} heard;

static void hear(void *ctx, const wr_job_status *job, const char *why)
{
    heard *h = ctx;
    assert(job->kind == WR_JOB_SCORE);
    if (job->status == WR_RUN_RUNNING) {
        memcpy(h->id, job->run_id, sizeof h->id);
        (void)snprintf(h->why, sizeof h->why, "%s", why);
        atomic_fetch_add(&h->begun, 1);
        return;
    }
    assert(strcmp(h->id, job->run_id) == 0);
    h->last = job->status;
    atomic_fetch_add(&h->over, 1);
}

static void wait_over(heard *h, int count)
{
    const struct timespec tick = {.tv_nsec = 1000000};
    for (int i = 0; atomic_load(&h->over) < count; i++) {
        assert_in_range(i, 0, WAIT_MS);
        (void)nanosleep(&tick, NULL);
    }
}

static void assert_own_runs(wr_live *lv, uint64_t begun, uint64_t failed)
{
    wr_live_own_runs own;
    wr_live_own_runs_of(lv, &own);
    assert_int_equal(own.begun, begun);
    assert_int_equal(own.failed, failed);
}

/* Newcomers enough to be seen in the memory. */
static void put_newcomers(wr_store *st, size_t first)
{
    enum { N = 4000 };
    static char name[N][NAME_BYTES];
    static test_pay pay[N];
    for (size_t i = 0; i < N; i++) {
        (void)snprintf(name[i], NAME_BYTES, "n%zu", first + i);
        pay[i] = (test_pay){"w1", name[i], 1, 2000000};
    }
    test_put(st, pay, N, first);
}

static void test_live__too_large_it_scores_a_run_of_its_own(void **state)
{
    (void)state;
    fixture f = begin();
    heard h = {0};
    test_random(f.st, 50, 200, 6);
    const wr_job_status first = run_job(&f, WR_JOB_SCORE);
    wr_freshness fresh;
    wr_live_freshness(f.lv, &fresh);
    assert_true(fresh.stats.run_bytes > 0 && fresh.stats.bytes >= fresh.stats.run_bytes);
    wr_live_set_bound(f.lv, fresh.stats.bytes + 1, hear, &h);
    put_newcomers(f.st, 10000);
    wait_over(&h, 1);
    assert_int_equal(h.last, WR_RUN_COMPLETE);
    assert_non_null(strstr(h.why, "live state "));
    wr_view v = wr_live_view(f.lv);
    const wr_run *run = wr_assessment_run(v.assessment);
    assert_string_equal(run->id, h.id);
    assert_string_not_equal(run->id, first.run_id);
    assert_int_equal(run->transfers, 4200);
    wr_view_release(&v);
    wr_job_status job;
    assert_ok(wr_live_job(f.lv, h.id, &job, &err)); /* a job like any other */
    assert_int_equal(job.status, WR_RUN_COMPLETE);
    wr_live_freshness(f.lv, &fresh);
    assert_int_equal(fresh.stats.applied, 0);
    assert_own_runs(f.lv, 1, 0);
    end(&f);
}

static void test_live__run_of_its_own_that_fails_leaves_the_view(void **state)
{
    (void)state;
    fixture f = begin();
    heard h = {0};
    test_random(f.st, 50, 200, 7);
    const wr_job_status first = run_job(&f, WR_JOB_SCORE);
    wr_live_set_bound(f.lv, 1, hear, &h);
    test_label(f.st, "w1", "no_such_category", 50);
    put_newcomers(f.st, 10000);
    wait_over(&h, 1);
    assert_int_equal(h.last, WR_RUN_FAILED);
    wr_view v = wr_live_view(f.lv);
    assert_string_equal(wr_assessment_run(v.assessment)->id, first.run_id);
    wr_view_release(&v);
    assert_own_runs(f.lv, 1, 1);
    end(&f);
}

static void test_live_bound__due(void **state)
{
    (void)state;
    enum { MAX = 1000, GAIN = MAX / WR_LIVE_GAIN_SHARE, NOW_US = 7000000 };
    wr_live_bound b = {.bytes_max = MAX};
    wr_overlay_stats s = {.bytes = MAX, .run_bytes = 10};
    assert_false(wr_live_bound_is_due(&b, &s, NOW_US));
    s.bytes = MAX + 1;
    assert_true(wr_live_bound_is_over(&b, &s));
    assert_true(wr_live_bound_is_due(&b, &s, NOW_US));
    s.run_bytes = s.bytes - GAIN; /* a run would not let go of more than it is worth */
    assert_true(wr_live_bound_is_over(&b, &s));
    assert_false(wr_live_bound_is_due(&b, &s, NOW_US));
    s.bytes++;
    assert_true(wr_live_bound_is_due(&b, &s, NOW_US));
    b.bytes_max = 0;
    assert_false(wr_live_bound_is_over(&b, &s));
    assert_false(wr_live_bound_is_due(&b, &s, NOW_US));
}

static void test_live_bound__pause_as_long_as_the_run(void **state)
{
    (void)state;
    enum { NOW_US = 5000000, TOOK_US = 90000000 };
    wr_live_bound b = {.bytes_max = 1};
    const wr_overlay_stats s = {.bytes = 100};
    wr_live_bound_ran(&b, NOW_US, TOOK_US, true);
    assert_false(wr_live_bound_is_due(&b, &s, NOW_US + TOOK_US - 1));
    assert_true(wr_live_bound_is_due(&b, &s, NOW_US + TOOK_US));
    wr_live_bound_ran(&b, NOW_US, 1, true);
    assert_int_equal(b.not_before_us, NOW_US + WR_LIVE_PAUSE_MIN_US);
    wr_live_bound_ran(&b, NOW_US, 1, false);
    assert_int_equal(b.not_before_us, NOW_US + WR_LIVE_FAILED_PAUSE_US);
}

static bool has(const wr_buf *b, const char *text)
{
    return strstr(wr_buf_cstr(b), text) != NULL;
}

static void test_screen__known_unknown_and_transfer(void **state)
{
    (void)state;
    fixture f = begin();
    static const test_pay pay[] = {{"thief", "b", 10, 1}, {"clean", "b", 30, 2}};
    test_put(f.st, pay, 2, 0);
    test_label(f.st, "thief", "hack", 100);
    assert_int_equal(run_job(&f, WR_JOB_SCORE).status, WR_RUN_COMPLETE);
    wr_view v = wr_live_view(f.lv);
    wr_buf b;
    wr_buf_init(&b, 1 << 20);
    wr_json_out j = wr_json_out_on(&b);
    wr_screen_address(&j, &v, test_chain(), WR_TEXT_LIT("nobody"), false);
    assert_true(has(&b, "\"state\":\"not_in_graph\"") && has(&b, "\"score\":null"));
    wr_buf_clear(&b);
    j = wr_json_out_on(&b);
    wr_screen_address(&j, &v, test_chain(), WR_TEXT_LIT("b"), true);
    assert_true(has(&b, "\"state\":\"stale\"") && has(&b, "\"score\":90.00"));
    wr_buf_clear(&b);
    j = wr_json_out_on(&b);
    const wr_transfer t = {.chain = test_chain(),
                           .from = WR_TEXT_LIT("b"),
                           .to = WR_TEXT_LIT("nobody"),
                           .value = 8.0};
    wr_screen_transfer(&j, &v, &t, false);
    assert_true(
        has(&b, "\"carries\":[{\"category_id\":\"hack\",\"share\":0.25,\"value\":2}]"));
    wr_buf_release(&b);
    wr_view_release(&v);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_live__reload_then_score_then_newer_graph),
        wr_unit_test(test_live__second_job_is_refused_with_the_running_id),
        wr_unit_test(test_live__failed_job_leaves_the_view),
        wr_unit_test(test_live__restore_serves_the_same_run_after_a_restart),
        wr_unit_test(test_live__readers_never_block_or_see_half),
        wr_unit_test(test_live__too_large_it_scores_a_run_of_its_own),
        wr_unit_test(test_live__run_of_its_own_that_fails_leaves_the_view),
        wr_unit_test(test_live_bound__due),
        wr_unit_test(test_live_bound__pause_as_long_as_the_run),
        wr_unit_test(test_screen__known_unknown_and_transfer),
    };
    return cmocka_run_group_tests_name("pipeline/live", tests, NULL, NULL);
}
