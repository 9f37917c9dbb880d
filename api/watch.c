#include "api/watch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "util/clock.h"
#include "util/log.h"

enum { LOOK_MS = 2000, COUNT_SHARE = 50, COUNT_AT_LEAST_US = 30000000 };

struct wr_watch {
    pthread_t thread;
    pthread_mutex_t lock; /* guards known, is_poked, is_closing */
    pthread_cond_t changed;
    bool is_poked, is_closing;
    char *dsn;
    wr_watched known;
    _Atomic int64_t max_seq, label_rev;

    /* the thread's own */
    wr_store *st;
    int64_t counted_seq, counted_us, count_cost_us;
};

static bool is_count_due(const wr_watch *w, int64_t seq, bool is_poked)
{
    int64_t age_us = wr_clock_mono_us() - w->counted_us;
    if (w->counted_us == 0)
        return true;
    if (age_us < COUNT_SHARE * w->count_cost_us)
        return false;
    return is_poked || seq != w->counted_seq || age_us > COUNT_AT_LEAST_US;
}

static wr_status count(wr_watch *w, wr_counts *c, int64_t seq, wr_err *err)
{
    int64_t start_us = wr_clock_mono_us();
    WR_TRY(wr_store_counts(w->st, c, err));
    w->counted_us = wr_clock_mono_us();
    w->count_cost_us = w->counted_us - start_us;
    w->counted_seq = seq;
    return WR_OK;
}

static wr_status look(wr_watch *w, bool is_poked, wr_err *err)
{
    if (!w->st)
        WR_TRY(wr_store_open_ready(&w->st, w->dsn, err));
    int64_t seq = 0;
    WR_TRY(wr_store_safe_seq(w->st, &seq, err));
    atomic_store(&w->max_seq, seq);
    if (!is_count_due(w, seq, is_poked))
        return WR_OK;
    wr_counts c;
    WR_TRY(count(w, &c, seq, err));
    atomic_store(&w->label_rev, c.label_rev);
    (void)pthread_mutex_lock(&w->lock);
    w->known.counts = c;
    w->known.counted_s = wr_clock_wall_s();
    (void)pthread_mutex_unlock(&w->lock);
    return WR_OK;
}

static void note(wr_watch *w, wr_status s, const wr_err *err)
{
    (void)pthread_mutex_lock(&w->lock);
    bool was_ok = !w->known.is_known || w->known.is_store_ok;
    bool was_bad = w->known.is_known && !w->known.is_store_ok;
    w->known.is_known = true;
    w->known.is_store_ok = s == WR_OK;
    (void)pthread_mutex_unlock(&w->lock);
    if (s != WR_OK && was_ok)
        wr_log(WR_LOG_ERROR, "store_lost", "error", err->msg, NULL);
    if (s == WR_OK && was_bad)
        wr_log(WR_LOG_INFO, "store_back", NULL);
    if (s != WR_OK) {
        wr_store_close(w->st);
        w->st = NULL;
    }
}

static void *watcher(void *ctx)
{
    wr_watch *w = ctx;
    bool is_closing = false;
    bool is_poked = true;
    while (!is_closing) {
        wr_err err = {0};
        wr_status s = look(w, is_poked, &err);
        note(w, s, &err);
        struct timespec until;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += LOOK_MS / 1000;
        int waited = 0;
        (void)pthread_mutex_lock(&w->lock);
        while (!w->is_closing && !w->is_poked && waited == 0)
            waited = pthread_cond_timedwait(&w->changed, &w->lock, &until);
        is_poked = w->is_poked;
        is_closing = w->is_closing;
        w->is_poked = false;
        (void)pthread_mutex_unlock(&w->lock);
    }
    wr_store_close(w->st);
    return NULL;
}

wr_status wr_watch_open(wr_watch **out, const char *dsn, wr_err *err)
{
    size_t len = strlen(dsn) + 1;
    wr_watch *w = wr_calloc(1, sizeof *w);
    if (!w)
        return wr_fail(err, WR_ENOMEM, "store watch");
    w->dsn = wr_calloc(len, 1);
    (void)pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_t attr;
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&w->changed, &attr);
    (void)pthread_condattr_destroy(&attr);
    if (w->dsn)
        memcpy(w->dsn, dsn, len);
    if (!w->dsn || pthread_create(&w->thread, NULL, watcher, w) != 0) {
        wr_free(w->dsn);
        wr_free(w);
        return wr_fail(err, WR_ENOMEM, "store watch");
    }
    *out = w;
    return WR_OK;
}

void wr_watch_close(wr_watch *w)
{
    if (!w)
        return;
    (void)pthread_mutex_lock(&w->lock);
    w->is_closing = true;
    (void)pthread_cond_signal(&w->changed);
    (void)pthread_mutex_unlock(&w->lock);
    (void)pthread_join(w->thread, NULL);
    (void)pthread_cond_destroy(&w->changed);
    (void)pthread_mutex_destroy(&w->lock);
    wr_free(w->dsn);
    wr_free(w);
}

void wr_watch_get(wr_watch *w, wr_watched *out)
{
    (void)pthread_mutex_lock(&w->lock);
    *out = w->known;
    (void)pthread_mutex_unlock(&w->lock);
}

void wr_watch_poke(wr_watch *w)
{
    (void)pthread_mutex_lock(&w->lock);
    w->is_poked = true;
    (void)pthread_cond_signal(&w->changed);
    (void)pthread_mutex_unlock(&w->lock);
}

bool wr_watch_is_newer(const wr_watch *w, int64_t max_seq, int64_t label_rev)
{
    return atomic_load_explicit(&w->max_seq, memory_order_relaxed) > max_seq ||
           atomic_load_explicit(&w->label_rev, memory_order_relaxed) > label_rev;
}

bool wr_watch_is_stale(const wr_watch *w, const wr_run *run)
{
    return wr_watch_is_newer(w, run->max_seq, run->label_rev);
}
