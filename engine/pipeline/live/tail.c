#include "pipeline/live/tail.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "util/clock.h"

enum {
    WAIT_MS = 200,
    RETRY_MS = 500,
    FOLD_SHARE = 4,
    NEAR_SEQ = 4096, /* of a store, and rounds at most to come so near to it */
    NEAR_ROUNDS = 20,
    SETTLE_MS =
        1000, /* for so long, and less than twice, patterns wait for what is late */
};

struct wr_tail {
    char *dsn;
    wr_tail_opts o;
    pthread_t thread;
    bool is_thread_started;
    atomic_bool stop;
    atomic_int hurry; /* compute thread wants the lock: leave after the batch at hand */

    pthread_mutex_t lock; /* guards the overlay */
    wr_overlay *overlay;
    int64_t settled_us;  /* when patterns were last let in; 0 = not yet */
    bool is_unsettled;   /* and not all of what was due */
    uint64_t folds_told; /* base size of the delta that was told last, + 1 */

    pthread_mutex_t known_lock; /* guards known, caught_up_us; taken last */
    wr_freshness known;
    int64_t caught_up_us;
};

/* --- what is known ---------------------------------------------------------------------
 */

/* Under `lock`. */
static void note(wr_tail *t, int64_t store_seq, wr_status s, const wr_err *err)
{
    (void)pthread_mutex_lock(&t->known_lock);
    wr_freshness *k = &t->known;
    k->is_following = t->overlay != NULL;
    k->is_store_ok = s == WR_OK;
    k->stats = (wr_overlay_stats){0};
    if (t->overlay)
        wr_overlay_stats_of(t->overlay, &k->stats);
    if (s == WR_OK && store_seq > k->store_seq)
        k->store_seq = store_seq;
    if (t->overlay && s == WR_OK && k->stats.seq >= k->store_seq)
        t->caught_up_us = wr_clock_mono_us();
    (void)snprintf(k->error, sizeof k->error, "%s", s == WR_OK ? "" : err->msg);
    (void)pthread_mutex_unlock(&t->known_lock);
}

void wr_tail_freshness(wr_tail *t, wr_freshness *out)
{
    (void)pthread_mutex_lock(&t->known_lock);
    *out = t->known;
    if (t->caught_up_us)
        out->behind_s = (double)(wr_clock_mono_us() - t->caught_up_us) / 1e6;
    (void)pthread_mutex_unlock(&t->known_lock);
}

/* --- following -------------------------------------------------------------------------
 */

static bool is_fold_due(wr_tail *t)
{
    const wr_delta_view w = wr_delta_read(wr_overlay_delta(t->overlay));
    const uint64_t base_m = wr_snapshot_columns(w.base).m;
    if (w.m < t->o.fold_rows || w.m < base_m / FOLD_SHARE || t->folds_told == base_m + 1)
        return false;
    t->folds_told = base_m + 1;
    return true;
}

static wr_status settle(wr_tail *t, wr_err *err)
{
    const int64_t now_us = wr_clock_mono_us();
    if (!t->is_unsettled) {
        if (t->settled_us && now_us - t->settled_us < SETTLE_MS * 1000LL)
            return WR_OK;
        t->settled_us = now_us;
    }
    return wr_overlay_settle(t->overlay, &t->is_unsettled, err);
}

/* *is_idle: there is nothing to do before something comes. */
static wr_status look(wr_tail *t, wr_store *st, bool *is_idle, wr_err *err)
{
    int64_t seq = 0;
    int64_t rev = 0;
    bool is_due = false;
    WR_TRY(wr_store_label_rev(st, &rev, err));
    WR_TRY(wr_store_safe_seq(st, &seq, err));
    (void)pthread_mutex_lock(&t->lock);
    wr_status s = WR_OK;
    if (t->overlay) {
        atomic_bool no = false;
        do { /* in slices, so that a job's end need not wait for a long catch-up */
            wr_overlay_stats at;
            wr_overlay_stats_of(t->overlay, &at);
            const int64_t slice = at.seq + (1 << 14);
            s = wr_overlay_advance(t->overlay, st, slice < seq ? slice : seq,
                                   slice < seq ? 0 : rev, &no, err);
            if (s == WR_OK)
                s = settle(t, err);
            note(t, seq, s, err);
            wr_overlay_stats_of(t->overlay, &at);
            if (at.seq >= seq)
                break;
        } while (s == WR_OK && !atomic_load(&t->hurry) && !atomic_load(&t->stop));
        is_due = s == WR_OK && is_fold_due(t);
        *is_idle = !t->is_unsettled;
    } else {
        note(t, seq, WR_OK, err);
        *is_idle = true;
    }
    (void)pthread_mutex_unlock(&t->lock);
    if (is_due && t->o.fold)
        t->o.fold(t->o.ctx);
    return s;
}

static void pause_ms(int64_t ms)
{
    const struct timespec d = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&d, NULL);
}

static wr_status follow(wr_tail *t, wr_err *err)
{
    WR_AUTO(wr_store) st = NULL;
    bool is_woken;
    bool is_idle = true;
    WR_TRY(wr_store_open_ready(&st, t->dsn, err));
    WR_TRY(wr_store_wait(st, 0, &is_woken, err)); /* listens from here on */
    while (!atomic_load(&t->stop)) {
        while (atomic_load(&t->hurry)) /* let the compute thread have the lock */
            pause_ms(1);
        WR_TRY(look(t, st, &is_idle, err));
        WR_TRY(wr_store_wait(st, is_idle ? WAIT_MS : 0, &is_woken, err));
    }
    return WR_OK;
}

static void *tail_thread(void *arg)
{
    wr_tail *t = arg;
    while (!atomic_load(&t->stop)) {
        wr_err err = {0};
        const wr_status s = follow(t, &err);
        if (s == WR_OK)
            break;
        (void)pthread_mutex_lock(&t->lock);
        note(t, 0, s, &err);
        (void)pthread_mutex_unlock(&t->lock);
        pause_ms(RETRY_MS);
    }
    return NULL;
}

/* --- the end of a job ------------------------------------------------------------------
 */

static int64_t seq_of(const wr_overlay *o)
{
    wr_overlay_stats at = {0};
    if (o)
        wr_overlay_stats_of(o, &at);
    return at.seq;
}

static wr_status catch_up(wr_overlay *o, wr_store *st, int64_t at_least, wr_err *err)
{
    int64_t seq = 0;
    int64_t rev = 0;
    WR_TRY(wr_store_label_rev(st, &rev, err));
    WR_TRY(wr_store_safe_seq(st, &seq, err));
    return wr_overlay_advance(o, st, seq > at_least ? seq : at_least, rev, NULL, err);
}

/* Until little is left, which the thread that follows has to wait for. */
static wr_status catch_up_near(wr_overlay *o, wr_store *st, int64_t at_least, wr_err *err)
{
    for (int round = 0; round < NEAR_ROUNDS; round++) {
        int64_t seq = 0;
        WR_TRY(catch_up(o, st, at_least, err));
        WR_TRY(wr_store_safe_seq(st, &seq, err));
        if (seq - seq_of(o) <= NEAR_SEQ)
            break;
    }
    return WR_OK;
}

/* The lock; the thread that follows lets go after the batch at hand. */
static void take_lock(wr_tail *t)
{
    atomic_fetch_add(&t->hurry, 1);
    (void)pthread_mutex_lock(&t->lock);
    atomic_fetch_sub(&t->hurry, 1);
}

/* Beside the one that is followed; bare: to take over its patterns. */
static wr_status make_next(wr_overlay **out, wr_store *st, wr_assessment *a,
                           const wr_loaded *graph, bool is_bare, wr_err *err)
{
    WR_AUTO(wr_overlay) o = NULL;
    WR_TRY((is_bare ? wr_overlay_new_bare : wr_overlay_new)(&o, a, graph, err));
    WR_TRY(catch_up_near(o, st, graph->max_seq, err));
    *out = WR_STEAL(o);
    return WR_OK;
}

/*
 * The patterns of the one that is followed go into o, when both are of one moment.  With
 * the lock held, and let go while they are told anew, which takes as long as the run has
 * left behind: nobody waits for it.
 */
static wr_status take_over(wr_tail *t, wr_overlay *o, wr_store *st, bool *is_done,
                           wr_err *err)
{
    wr_err why = {0};
    *is_done = false;
    WR_TRY(catch_up(o, st, seq_of(t->overlay), err));
    if (wr_overlay_advance(t->overlay, st, seq_of(o), 0, NULL, &why) != WR_OK)
        return WR_OK; /* it goes, and with it what broke */
    wr_live_typologies *l = wr_overlay_give(t->overlay, o);
    if (!l)
        return WR_OK;
    *is_done = true;
    (void)pthread_mutex_unlock(&t->lock);
    wr_status s = wr_overlay_take(o, l, err);
    if (s == WR_OK)
        s = catch_up_near(o, st, 0, err);
    take_lock(t);
    return s;
}

/* The next overlay, with the lock held, on failure too. */
static wr_status next_overlay(wr_tail *t, wr_overlay **out, wr_store *st,
                              wr_assessment *a, const wr_loaded *graph, wr_err *err)
{
    take_lock(t);
    bool is_bare = wr_overlay_can_give(t->overlay, a);
    for (;;) {
        WR_AUTO(wr_overlay) o = NULL;
        bool has_patterns = !is_bare;
        (void)pthread_mutex_unlock(&t->lock);
        const wr_status s = make_next(&o, st, a, graph, is_bare, err);
        take_lock(t);
        WR_TRY(s);
        if (is_bare)
            WR_TRY(take_over(t, o, st, &has_patterns, err));
        if (has_patterns) {
            WR_TRY(catch_up(o, st, seq_of(t->overlay), err)); /* since then: little */
            *out = WR_STEAL(o);
            return WR_OK;
        }
        is_bare = false; /* something came too late meanwhile, or a label */
    }
}

wr_status wr_tail_rebase(wr_tail *t, wr_store *st, wr_assessment *a,
                         const wr_loaded *graph, wr_tail_swap_fn swap, void *ctx,
                         wr_err *err)
{
    wr_err why = {0};
    wr_overlay *o = NULL;
    const wr_status s = next_overlay(t, &o, st, a, graph, &why);
    wr_overlay *old = t->overlay;
    t->overlay = o;
    t->folds_told = 0;
    t->settled_us = 0;
    t->is_unsettled = false;
    swap(ctx, o ? wr_overlay_board(o) : NULL, o ? wr_overlay_delta(o) : NULL);
    note(t, seq_of(o), s, &why);
    (void)pthread_mutex_unlock(&t->lock);
    wr_overlay_free(old);
    return s == WR_OK ? WR_OK : wr_fail(err, s, "%s", why.msg);
}

wr_status wr_tail_regraph(wr_tail *t, wr_store *st, const wr_loaded *graph,
                          wr_tail_swap_fn swap, void *ctx, wr_err *err)
{
    wr_err why = {0};
    wr_status s = WR_OK;
    take_lock(t);
    if (t->overlay) {
        s = catch_up(t->overlay, st, graph->max_seq, &why);
        if (s == WR_OK)
            s = wr_overlay_regraph(t->overlay, st, graph, &why);
    }
    if (s == WR_OK)
        swap(ctx, t->overlay ? wr_overlay_board(t->overlay) : NULL,
             t->overlay ? wr_overlay_delta(t->overlay) : NULL);
    note(t, 0, s, &why);
    (void)pthread_mutex_unlock(&t->lock);
    return s == WR_OK ? WR_OK : wr_fail(err, s, "%s", why.msg);
}

/* --- life ------------------------------------------------------------------------------
 */

wr_status wr_tail_open(wr_tail **out, const char *dsn, const wr_tail_opts *o, wr_err *err)
{
    const size_t len = strlen(dsn) + 1;
    wr_tail *t = wr_calloc(1, sizeof *t);
    if (!t)
        return wr_fail(err, WR_ENOMEM, "tail of the store");
    t->o = *o;
    (void)pthread_mutex_init(&t->lock, NULL);
    (void)pthread_mutex_init(&t->known_lock, NULL);
    t->dsn = wr_calloc(len, 1);
    if (t->dsn)
        memcpy(t->dsn, dsn, len);
    if (!t->dsn || pthread_create(&t->thread, NULL, tail_thread, t) != 0) {
        wr_tail_close(t);
        return wr_fail(err, WR_ENOMEM, "tail of the store");
    }
    t->is_thread_started = true;
    *out = t;
    return WR_OK;
}

void wr_tail_close(wr_tail *t)
{
    if (!t)
        return;
    if (t->is_thread_started) {
        atomic_store(&t->stop, true);
        (void)pthread_join(t->thread, NULL);
    }
    wr_overlay_free(t->overlay);
    (void)pthread_mutex_destroy(&t->known_lock);
    (void)pthread_mutex_destroy(&t->lock);
    wr_free(t->dsn);
    wr_free(t);
}
