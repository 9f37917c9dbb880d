/*
 * tail_test.h - a small world that a tail follows: what is served, as live.c does it, and
 * what is paid.
 */
#ifndef WR_TAIL_TEST_H
#define WR_TAIL_TEST_H

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

static inline void swap_view(void *ctx, wr_board *board, wr_delta *delta)
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

static inline wr_view take_view(world *w)
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

static inline void count_fold(void *ctx)
{
    atomic_fetch_add(&((world *)ctx)->folds, 1);
}

static inline void open_tail(world *w, uint64_t fold_rows)
{
    const wr_tail_opts o = {.fold_rows = fold_rows, .fold = count_fold, .ctx = w};
    assert_ok(wr_tail_open(&w->tail, w->dsn, &o, &err));
}

static inline void open_folder(world *w)
{
    *w = (world){.dir = "/tmp/wr_tail_XXXXXX"};
    assert_non_null(mkdtemp(w->dir));
    (void)snprintf(w->path, sizeof w->path, "%s/w.db", w->dir);
    (void)snprintf(w->dsn, sizeof w->dsn, "sqlite:%s", w->path);
    (void)pthread_mutex_init(&w->lock, NULL);
}

/* "bank" has paid "x"; "x" and "y" pay each other from here on. */
static inline void open_world(world *w, uint64_t fold_rows)
{
    open_folder(w);
    w->cfg = test_settings();
    w->st = test_store(w->dsn);
    static const test_pay first[] = {{"bank", "x", SOURCE_HAS, 0}};
    test_put(w->st, first, 1, w->hashes++);
    test_label(w->st, "bank", "exchange", 100);
    open_tail(w, fold_rows);
}

static inline void close_world(world *w)
{
    wr_tail_close(w->tail);
    wr_view_release(&w->view);
    wr_store_close(w->st);
    wr_settings_unref(w->cfg);
    (void)pthread_mutex_destroy(&w->lock);
    remove_folder(w->dir);
}

/* n transfers, x to y and y to x in turn, in one transaction. */
static inline wr_status pay(world *w, wr_store *st, uint32_t n, wr_err *err)
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

static inline wr_assessment *score(world *w)
{
    wr_assessment *a = NULL;
    assert_ok(wr_run_score(&a, w->st, w->cfg, NULL, NULL, &err));
    return a;
}

static inline void serve(world *w, wr_assessment *a)
{
    wr_loaded l = wr_run_graph(a);
    next x = {.w = w, .graph = &l, .a = a};
    assert_ok(wr_tail_rebase(w->tail, w->st, a, &l, swap_view, &x, &err));
    wr_loaded_release(&l);
}

static inline void run(world *w)
{
    WR_AUTO(wr_assessment) a = score(w);
    serve(w, a);
}

static inline wr_loaded load(world *w)
{
    wr_loaded l = {.max_seq = -1};
    assert_ok(wr_load_snapshot(&l.g, w->st, &l.max_seq, &l.unpriced, NULL, &err));
    return l;
}

static inline void reload(world *w)
{
    wr_loaded l = load(w);
    next x = {.w = w, .graph = &l};
    assert_ok(wr_tail_regraph(w->tail, w->st, &l, swap_view, &x, &err));
    wr_loaded_release(&l);
}

static inline void pause_ms(int64_t ms)
{
    const struct timespec d = {.tv_nsec = ms * 1000000};
    (void)nanosleep(&d, NULL);
}

/* Until the tail has applied what the store has, and says so. */
static inline wr_freshness wait_applied(world *w)
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
static inline wr_freshness wait_store(world *w, bool is_ok)
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
static inline void read_both(const wr_view *v, wr_evidence e[2], bool is_there[2])
{
    const wr_chain *chain = NULL;
    (void)!wr_chain_find(&chain, WR_TEXT_LIT("opaque:test"), NULL);
    const wr_wallet_name name[] = {{chain, WR_TEXT_LIT("x")}, {chain, WR_TEXT_LIT("y")}};
    wr_evidence_now(e, is_there, v, name, 2, false);
}

/* What the view says is what was paid. */
static inline void check_served(world *w, uint64_t paid)
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

#endif
