/*
 * The tail over a SQLite file that others write: it follows, tells of folds, is put
 * behind new runs and graphs under load, and outlives a store that does not answer.
 */
#include "live_test.h"

#include <assert.h>
#include <pthread.h>
#include <sqlite3.h>
#include <time.h>

#include "pipeline/live/now.h"
#include "util/clock.h"

enum { SOURCE_HAS = 1000000, SECONDS_MAX = 60 };

/* --- what is served, as live.c does it -------------------------------------------------
 */

typedef struct world {
    char dir[32];
    char path[64];
    char dsn[80];
    wr_settings *cfg;
    wr_store *st;
    wr_tail *tail;
    uint32_t hashes;
    atomic_int folds;

    pthread_mutex_t lock; /* guards view */
    wr_view view;
    int swaps;
} world;

/* The next view; a NULL keeps the run. */
typedef struct next {
    world *w;
    wr_loaded *graph;
    wr_assessment *a;
} next;

static void swap_view(void *ctx, wr_board *board, wr_delta *delta)
{
    const next *x = ctx;
    world *w = x->w;
    (void)pthread_mutex_lock(&w->lock);
    wr_view old = w->view;
    w->view = (wr_view){.graph = wr_snapshot_acquire(x->graph->g),
                        .assessment = x->a ? wr_assessment_acquire(x->a) : old.assessment,
                        .board = board ? wr_board_acquire(board) : NULL,
                        .delta = delta ? wr_delta_acquire(delta) : NULL};
    if (!x->a)
        old.assessment = NULL;
    w->swaps++;
    (void)pthread_mutex_unlock(&w->lock);
    wr_view_release(&old);
}

static wr_view take_view(world *w)
{
    (void)pthread_mutex_lock(&w->lock);
    wr_view v = w->view;
    if (v.graph)
        (void)wr_snapshot_acquire(v.graph);
    if (v.assessment)
        (void)wr_assessment_acquire(v.assessment);
    if (v.board)
        (void)wr_board_acquire(v.board);
    if (v.delta)
        (void)wr_delta_acquire(v.delta);
    (void)pthread_mutex_unlock(&w->lock);
    return v;
}

/* --- the world -------------------------------------------------------------------------
 */

static void count_fold(void *ctx)
{
    atomic_fetch_add(&((world *)ctx)->folds, 1);
}

static void open_tail(world *w, uint64_t fold_rows)
{
    const wr_tail_opts o = {.fold_rows = fold_rows, .fold = count_fold, .ctx = w};
    assert_ok(wr_tail_open(&w->tail, w->dsn, &o, &err));
}

static void open_folder(world *w)
{
    *w = (world){.dir = "/tmp/wr_tail_XXXXXX"};
    assert_non_null(mkdtemp(w->dir));
    (void)snprintf(w->path, sizeof w->path, "%s/w.db", w->dir);
    (void)snprintf(w->dsn, sizeof w->dsn, "sqlite:%s", w->path);
    (void)pthread_mutex_init(&w->lock, NULL);
}

/* "bank" has paid "x"; "x" and "y" pay each other from here on. */
static void open_world(world *w, uint64_t fold_rows)
{
    open_folder(w);
    w->cfg = test_settings();
    w->st = test_store(w->dsn);
    static const test_pay first[] = {{"bank", "x", SOURCE_HAS, 0}};
    test_put(w->st, first, 1, w->hashes++);
    test_label(w->st, "bank", "exchange", 100);
    open_tail(w, fold_rows);
}

static void close_world(world *w)
{
    wr_tail_close(w->tail);
    wr_view_release(&w->view);
    wr_store_close(w->st);
    wr_settings_unref(w->cfg);
    (void)pthread_mutex_destroy(&w->lock);
    remove_folder(w->dir);
}

/* n transfers, x to y and y to x in turn, in one transaction. */
static wr_status pay(world *w, wr_store *st, uint32_t n, wr_err *err)
{
    enum { N_MAX = 1000 };
    static const char *const name[] = {"x", "y"};
    static wr_transfer t[N_MAX];
    static char hash[N_MAX][NAME_BYTES];
    assert(n <= N_MAX);
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t at = w->hashes++;
        (void)snprintf(hash[i], sizeof hash[i], "h%u", at);
        t[i] = (wr_transfer){.tx_hash = wr_text_of(hash[i]),
                             .block = -1,
                             .time_s = 1577836800 + at,
                             .from = wr_text_of(name[(at + 1) % 2]),
                             .to = wr_text_of(name[at % 2]),
                             .asset = WR_TEXT_LIT("UNIT"),
                             .amount_base = 100,
                             .decimals = 2,
                             .value = 1};
        WR_TRY(wr_chain_find(&t[i].chain, WR_TEXT_LIT("opaque:test"), err));
    }
    const wr_put p = {.transfer = t, .transfer_count = n};
    wr_put_result r = {0};
    return wr_store_put(st, &p, NULL, &r, err);
}

static void run(world *w)
{
    WR_AUTO(wr_assessment) a = NULL;
    assert_ok(wr_run_score(&a, w->st, w->cfg, NULL, NULL, &err));
    wr_loaded l = wr_run_graph(a);
    next x = {.w = w, .graph = &l, .a = a};
    assert_ok(wr_tail_rebase(w->tail, w->st, a, &l, swap_view, &x, &err));
    wr_loaded_release(&l);
}

static wr_loaded load(world *w)
{
    wr_loaded l = {.max_seq = -1};
    assert_ok(wr_load_snapshot(&l.g, w->st, &l.max_seq, &l.unpriced, NULL, &err));
    return l;
}

static void reload(world *w)
{
    wr_loaded l = load(w);
    next x = {.w = w, .graph = &l};
    assert_ok(wr_tail_regraph(w->tail, w->st, &l, swap_view, &x, &err));
    wr_loaded_release(&l);
}

static void pause_ms(int64_t ms)
{
    const struct timespec d = {.tv_nsec = ms * 1000000};
    (void)nanosleep(&d, NULL);
}

/* Until the tail has applied what the store has, and says so. */
static wr_freshness wait_applied(world *w)
{
    int64_t want = 0;
    wr_freshness f;
    const int64_t until_us = wr_clock_mono_us() + SECONDS_MAX * 1000000LL;
    assert_ok(wr_store_safe_seq(w->st, &want, &err));
    for (;;) {
        wr_tail_freshness(w->tail, &f);
        if (f.is_store_ok && f.stats.seq >= want)
            return f;
        if (wr_clock_mono_us() > until_us)
            fail_msg("at %ld of %ld: %s", (long)f.stats.seq, (long)want, f.error);
        pause_ms(1);
    }
}

/* Until the tail's store answers (does not answer). */
static wr_freshness wait_store(world *w, bool is_ok)
{
    wr_freshness f;
    const int64_t until_us = wr_clock_mono_us() + SECONDS_MAX * 1000000LL;
    for (;;) {
        wr_tail_freshness(w->tail, &f);
        if (f.is_store_ok == is_ok && (is_ok || f.error[0]))
            return f;
        if (wr_clock_mono_us() > until_us)
            fail_msg("store: %s", f.error);
        pause_ms(1);
    }
}

/* x and y of one moment. */
static void read_both(const wr_view *v, wr_evidence e[2], bool is_there[2])
{
    const wr_chain *chain = NULL;
    (void)!wr_chain_find(&chain, WR_TEXT_LIT("opaque:test"), NULL);
    const wr_wallet_name name[] = {{chain, WR_TEXT_LIT("x")}, {chain, WR_TEXT_LIT("y")}};
    wr_evidence_now(e, is_there, v, name, 2, false);
}

/* What the view says is what was paid. */
static void check_served(world *w, uint64_t paid)
{
    wr_evidence e[2];
    bool is_there[2];
    wr_view v = take_view(w);
    read_both(&v, e, is_there);
    assert_true(is_there[0]);
    wr_wallet_view x;
    wr_wallet_view y;
    wr_evidence_wallet(&e[0], &x);
    assert_int_equal(x.state, WR_STATE_SCORED);
    assert_int_equal(x.out_count, (paid + 1) / 2);
    assert_int_equal(x.in_count, 1 + paid / 2);
    if (is_there[1]) {
        wr_evidence_wallet(&e[1], &y);
        assert_int_equal(y.in_count, x.out_count);
        assert_true(x.balance + y.balance == SOURCE_HAS);
    }
    wr_view_release(&v);
}

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
        wr_unit_test(test_wr_tail_rebase__fails_and_nothing_is_followed),
        wr_unit_test(test_wr_tail_regraph__fails_and_all_is_as_it_was),
        wr_unit_test(test_wr_tail_open__waits_for_a_store_that_is_not_ready),
        wr_unit_test(test_wr_tail_open__out_of_memory),
    };
    return cmocka_run_group_tests_name("pipeline/tail", tests, NULL, NULL);
}
