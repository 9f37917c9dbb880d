/*
 * The tail over a SQLite file that others write: it follows, tells of folds, is put
 * behind new runs and graphs under load, and outlives a store that does not answer.
 */
#include "tail_test.h"

/* --- following -------------------------------------------------------------------------
 */

static void test_wr_tail__follows_what_others_write(void **state)
{
    (void)state;
    world w;
    open_world(&w, 1000000);
    wr_freshness f;
    (void)wait_store(&w, true);
    wr_tail_freshness(w.tail, &f);
    assert_false(f.is_following); /* before the first run */
    assert_int_equal(f.stats.seq, 0);
    run(&w);
    check_served(&w, 0);
    WR_AUTO(wr_store) other = NULL;
    assert_ok(wr_store_open(&other, w.dsn, &err));
    uint32_t paid = 0;
    for (uint32_t n = 1; n <= 1000; n *= 10) {
        assert_ok(pay(&w, other, n, &err));
        paid += n;
        f = wait_applied(&w);
        check_served(&w, paid);
        assert_true(f.is_following);
        assert_int_equal(f.stats.applied, paid);
        assert_int_equal(f.stats.delta_transfers, paid);
        assert_int_equal(f.stats.seq, f.store_seq);
        assert_true(f.behind_s < SECONDS_MAX);
        assert_string_equal(f.error, "");
    }
    test_label(w.st, "x", "hack", 100); /* a label wakes it as well */
    for (int i = 0; f.stats.marked == 0 && i < SECONDS_MAX * 100; i++) {
        pause_ms(10);
        wr_tail_freshness(w.tail, &f);
    }
    assert_int_equal(f.stats.marked, 3); /* x; y, whom it paid; and who paid it */
    assert_int_equal(atomic_load(&w.folds), 0);
    close_world(&w);
}

static void test_wr_tail__tells_of_each_delta_once(void **state)
{
    (void)state;
    enum { FOLD = 100 };
    static const struct {
        uint32_t pay;
        int folds;
        bool is_reload;
    } step[] = {
        {FOLD - 1, 0, false}, {1, 1, false},
        {1000, 1, false},     {1, 1, true}, /* the base has 1101 now: 276 are a quarter */
        {200, 1, false},      {73, 1, false},
        {1, 2, false},        {300, 2, false},
    };
    world w;
    open_world(&w, FOLD);
    run(&w);
    for (size_t i = 0; i < sizeof step / sizeof *step; i++) {
        if (step[i].is_reload)
            reload(&w);
        assert_ok(pay(&w, w.st, step[i].pay, &err));
        (void)wait_applied(&w);
        for (int k = 0; atomic_load(&w.folds) < step[i].folds && k < 1000; k++)
            pause_ms(10); /* it is told behind what is applied */
        assert_int_equal(atomic_load(&w.folds), step[i].folds);
    }
    close_world(&w);
}

/* --- new runs and graphs under load ----------------------------------------------------
 */

enum { READERS = 3, ROUNDS = 6 };

typedef struct reader {
    world *w;
    const atomic_bool *stop;
    _Atomic uint64_t reads;
    uint64_t fewer, torn, inexact, backwards, shrunk;
} reader;

typedef struct seen {
    uint64_t transfers, in_graph;
    int64_t seq;
} seen;

static void look(reader *r, seen *before)
{
    wr_evidence e[2];
    bool is_there[2];
    wr_wallet_view x;
    wr_wallet_view y = {0};
    wr_view v = take_view(r->w);
    const wr_delta_view d = wr_delta_read(v.delta);
    const uint64_t in_graph = wr_snapshot_columns(d.base).m + d.m;
    read_both(&v, e, is_there);
    wr_evidence_wallet(&e[0], &x);
    if (is_there[1])
        wr_evidence_wallet(&e[1], &y);
    /* A view that a reload has replaced cannot find a wallet that is just appearing: then
     * it says that it is not exact (now.c). */
    const bool is_half = y.in_count != x.out_count || x.balance + y.balance != SOURCE_HAS;
    const bool is_said = x.state != WR_STATE_SCORED;
    r->torn += is_half && !is_said;
    r->inexact += is_said && is_there[1];
    r->fewer += x.in_count + x.out_count < before->transfers;
    r->backwards += e[0].live.seq < before->seq;
    r->shrunk += in_graph < before->in_graph;
    *before = (seen){x.in_count + x.out_count, in_graph, e[0].live.seq};
    wr_view_release(&v);
}

static void *read_on(void *arg)
{
    reader *r = arg;
    seen before = {0};
    while (!atomic_load(r->stop)) {
        look(r, &before);
        atomic_fetch_add(&r->reads, 1);
    }
    return NULL;
}

typedef struct writer {
    world *w;
    const atomic_bool *stop;
    uint64_t paid;
    wr_status status;
    wr_err err;
} writer;

static wr_status write_until_stopped(writer *r, wr_err *err)
{
    WR_AUTO(wr_store) st = NULL;
    WR_TRY(wr_store_open(&st, r->w->dsn, err));
    while (!atomic_load(r->stop)) {
        const uint32_t n = 1 + (uint32_t)(r->paid % 37);
        WR_TRY(pay(r->w, st, n, err));
        r->paid += n;
        pause_ms(1);
    }
    return WR_OK;
}

static void *write_on(void *arg)
{
    writer *r = arg;
    r->status = write_until_stopped(r, &r->err);
    return NULL;
}

static void test_wr_tail__no_reader_sees_less_than_before(void **state)
{
    (void)state;
    world w;
    open_world(&w, 1000000);
    run(&w);
    atomic_bool stop = false;
    writer by = {.w = &w, .stop = &stop};
    reader r[READERS];
    pthread_t t[READERS + 1];
    assert_int_equal(pthread_create(&t[READERS], NULL, write_on, &by), 0);
    for (int i = 0; i < READERS; i++) {
        r[i] = (reader){.w = &w, .stop = &stop};
        assert_int_equal(pthread_create(&t[i], NULL, read_on, &r[i]), 0);
    }
    for (int i = 0; i < ROUNDS; i++) {
        if (i % 3 == 2)
            run(&w);
        else
            reload(&w);
        for (int k = 0; k < READERS; k++) { /* each looks at each view */
            const uint64_t reads = atomic_load(&r[k].reads);
            while (atomic_load(&r[k].reads) < reads + 20)
                pause_ms(1);
        }
    }
    atomic_store(&stop, true);
    for (int i = 0; i <= READERS; i++)
        (void)pthread_join(t[i], NULL);
    assert_int_equal(by.status, WR_OK);
    for (int i = 0; i < READERS; i++) {
        assert_int_equal(r[i].torn, 0);
        assert_int_equal(r[i].inexact, 0);
        assert_int_equal(r[i].fewer, 0);
        assert_int_equal(r[i].backwards, 0);
        assert_int_equal(r[i].shrunk, 0);
    }
    (void)wait_applied(&w);
    check_served(&w, by.paid);
    assert_true(by.paid > ROUNDS);
    close_world(&w);
}

/* --- a store that does not answer ------------------------------------------------------
 */

static void sql(world *w, const char *text)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
    (void)sqlite3_busy_timeout(db, 10000);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void break_store(world *w)
{
    sql(w, "alter table label_revisions rename to revisions_away");
}

static void mend_store(world *w)
{
    sql(w, "alter table revisions_away rename to label_revisions");
}

static void test_wr_tail__store_goes_away_and_comes_back(void **state)
{
    (void)state;
    world w;
    open_world(&w, 1000000);
    run(&w);
    assert_ok(pay(&w, w.st, 10, &err));
    (void)wait_applied(&w);
    break_store(&w);
    wr_freshness f = wait_store(&w, false);
    assert_non_null(strstr(f.error, "label_revisions"));
    assert_true(f.is_following);
    assert_int_equal(f.stats.applied, 10);
    check_served(&w, 10); /* what was applied stays served */
    pause_ms(300);
    wr_freshness later;
    wr_tail_freshness(w.tail, &later);
    assert_true(later.behind_s >= f.behind_s + 0.25); /* and how old it is is told */
    mend_store(&w);
    assert_ok(pay(&w, w.st, 5, &err));
    f = wait_applied(&w);
    assert_string_equal(f.error, "");
    assert_true(f.behind_s < later.behind_s);
    check_served(&w, 15);
    close_world(&w);
}

/* Where what is looked at for patterns begins. */
static uint32_t patterns_from(world *w)
{
    wr_view v = take_view(w);
    wr_typologies_now now;
    wr_typology_board_get(wr_board_typologies(v.board), 1, &now);
    wr_view_release(&v);
    assert_true(now.is_followed);
    return now.from_s;
}

/* A run, and 100 transfers behind it; returns where its patterns begin. */
static uint32_t open_followed(world *w)
{
    open_world(w, 1000000);
    run(w);
    const uint32_t from_s = patterns_from(w);
    assert_ok(pay(w, w->st, 100, &err));
    (void)wait_applied(w);
    return from_s;
}

/* Unless a label came: then they begin behind the run. */
static void test_wr_tail_rebase__patterns_go_on(void **state)
{
    (void)state;
    world w;
    const uint32_t from_s = open_followed(&w);
    run(&w);
    assert_int_equal(patterns_from(&w), from_s);
    check_served(&w, 100);
    assert_ok(pay(&w, w.st, 100, &err));
    (void)wait_applied(&w);
    test_label(w.st, "x", "mixer", 100);
    run(&w);
    assert_int_equal(patterns_from(&w), from_s + 200);
    close_world(&w);
}

/* Whether the tail has seen the label when it begins, when it ends, or not at all. */
static void test_wr_tail_rebase__a_label_comes_meanwhile(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        world w;
        const uint32_t from_s = open_followed(&w);
        WR_AUTO(wr_assessment) a = score(&w);
        test_label(w.st, "nobody", "mixer", 100);
        serve(&w, a);
        assert_int_equal(patterns_from(&w), from_s + 100);
        check_served(&w, 100);
        close_world(&w);
    }
}

static void test_wr_tail_rebase__fails_and_nothing_is_followed(void **state)
{
    (void)state;
    world w;
    open_world(&w, 1000000);
    run(&w);
    WR_AUTO(wr_assessment) a = NULL;
    assert_ok(pay(&w, w.st, 3, &err));
    assert_ok(wr_run_score(&a, w.st, w.cfg, NULL, NULL, &err));
    wr_loaded l = wr_run_graph(a);
    next x = {.w = &w, .graph = &l, .a = a};
    break_store(&w);
    wr_err why = {0};
    assert_int_equal(wr_tail_rebase(w.tail, w.st, a, &l, swap_view, &x, &why), WR_EIO);
    assert_non_null(strstr(why.msg, "label_revisions"));
    assert_int_equal(wr_tail_rebase(w.tail, w.st, a, &l, swap_view, &x, NULL), WR_EIO);
    assert_int_equal(w.swaps, 3); /* the first run, and once for each failure */
    assert_null(w.view.board);
    assert_null(w.view.delta);
    assert_ptr_equal(w.view.assessment, a); /* the run itself is served */
    wr_freshness f;
    wr_tail_freshness(w.tail, &f);
    assert_false(f.is_following);
    assert_non_null(strstr(f.error, "label_revisions"));
    mend_store(&w);
    assert_ok(wr_tail_regraph(w.tail, w.st, &l, swap_view, &x, &err));
    assert_int_equal(w.swaps, 4); /* nothing is followed: a graph alone is put there */
    assert_null(w.view.delta);
    wr_loaded_release(&l);
    run(&w);
    check_served(&w, 3);
    close_world(&w);
}

static void test_wr_tail_regraph__fails_and_all_is_as_it_was(void **state)
{
    (void)state;
    world w;
    open_world(&w, 1000000);
    run(&w);
    assert_ok(pay(&w, w.st, 7, &err));
    (void)wait_applied(&w);
    const wr_view before = w.view;
    wr_loaded l = load(&w);
    next x = {.w = &w, .graph = &l};
    break_store(&w);
    wr_err why = {0};
    assert_int_equal(wr_tail_regraph(w.tail, w.st, &l, swap_view, &x, &why), WR_EIO);
    assert_non_null(strstr(why.msg, "label_revisions"));
    assert_int_equal(w.swaps, 1);
    assert_ptr_equal(w.view.delta, before.delta);
    check_served(&w, 7);
    mend_store(&w);
    assert_ok(wr_tail_regraph(w.tail, w.st, &l, swap_view, &x, &err));
    assert_int_equal(w.swaps, 2);
    assert_ptr_not_equal(w.view.delta, before.delta);
    assert_ok(pay(&w, w.st, 4, &err));
    wr_freshness f = wait_applied(&w);
    assert_int_equal(f.stats.delta_transfers, 4);
    check_served(&w, 11);
    wr_loaded_release(&l);
    close_world(&w);
}

/* --- life ------------------------------------------------------------------------------
 */

static void test_wr_tail_open__waits_for_a_store_that_is_not_ready(void **state)
{
    (void)state;
    world w;
    open_folder(&w);
    open_tail(&w, 1000);
    wr_freshness f = wait_store(&w, false);
    assert_non_null(strstr(f.error, "w.db"));
    w.st = test_store(w.dsn);
    w.cfg = test_settings();
    f = wait_store(&w, true);
    assert_false(f.is_following);
    assert_string_equal(f.error, "");
    close_world(&w);
}

static void test_wr_tail_open__out_of_memory(void **state)
{
    (void)state;
    wr_tail *t = NULL;
    const wr_tail_opts o = {.fold_rows = 1};
    assert_oom_safe(wr_tail_open(&t, "sqlite:/nowhere/at/all.db", &o, &err));
    wr_tail_close(t);
    wr_tail_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_wr_tail__follows_what_others_write),
        wr_unit_test(test_wr_tail__tells_of_each_delta_once),
        wr_unit_test(test_wr_tail__no_reader_sees_less_than_before),
        wr_unit_test(test_wr_tail__store_goes_away_and_comes_back),
        wr_unit_test(test_wr_tail_rebase__patterns_go_on),
        wr_unit_test(test_wr_tail_rebase__a_label_comes_meanwhile),
        wr_unit_test(test_wr_tail_rebase__fails_and_nothing_is_followed),
        wr_unit_test(test_wr_tail_regraph__fails_and_all_is_as_it_was),
        wr_unit_test(test_wr_tail_open__waits_for_a_store_that_is_not_ready),
        wr_unit_test(test_wr_tail_open__out_of_memory),
    };
    return cmocka_run_group_tests_name("pipeline/tail", tests, NULL, NULL);
}
