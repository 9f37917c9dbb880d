#include "pipeline/live/live.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "pipeline/live/live_int.h"
#include "util/clock.h"

enum { FOLD_ROWS = 1000000 };

/* --- view ------------------------------------------------------------------------------
 */

static wr_view copy_view(const wr_view *v)
{
    wr_view out = *v;
    if (out.graph)
        (void)wr_snapshot_acquire(out.graph);
    if (out.assessment)
        (void)wr_assessment_acquire(out.assessment);
    if (out.board)
        (void)wr_board_acquire(out.board);
    if (out.delta)
        (void)wr_delta_acquire(out.delta);
    return out;
}

wr_view wr_live_view(wr_live *lv)
{
    pthread_mutex_lock(&lv->lock);
    wr_view v = copy_view(&lv->view);
    pthread_mutex_unlock(&lv->lock);
    return v;
}

uint64_t wr_live_version(const wr_live *lv)
{
    return atomic_load(&lv->version);
}

void wr_view_release(wr_view *v)
{
    wr_snapshot_unref(v->graph);
    wr_assessment_unref(v->assessment);
    wr_board_unref(v->board);
    wr_delta_unref(v->delta);
    *v = (wr_view){0};
}

/* --- jobs, from outside ----------------------------------------------------------------
 */

wr_job_status *wr_live_add_job(wr_live *lv, wr_job_kind kind)
{
    lv->job_count++;
    wr_job_status *job = wr_live_newest_job(lv);
    *job = (wr_job_status){
        .kind = kind, .status = WR_RUN_RUNNING, .started_s = wr_clock_wall_s()};
    (void)snprintf(job->phase, sizeof job->phase, "waiting");
    wr_run_id_new(job->run_id);
    lv->is_waiting = lv->is_busy = true;
    return job;
}

wr_status wr_live_start(wr_live *lv, wr_job_kind kind, char run_id[WR_RUN_ID_MAX + 1],
                        wr_err *err)
{
    wr_status s = WR_OK;
    pthread_mutex_lock(&lv->lock);
    if (lv->is_closing) {
        s = wr_fail(err, WR_ESTOPPED, "the server is stopping");
    } else if (lv->is_busy) {
        memcpy(run_id, wr_live_newest_job(lv)->run_id, WR_RUN_ID_MAX + 1);
        s = wr_fail(err, WR_ECONFLICT, "run %s is running", run_id);
    } else {
        memcpy(run_id, wr_live_add_job(lv, kind)->run_id, WR_RUN_ID_MAX + 1);
        pthread_cond_broadcast(&lv->changed);
    }
    pthread_mutex_unlock(&lv->lock);
    return s;
}

static const wr_job_status *find_job(const wr_live *lv, const char *run_id)
{
    const uint64_t kept =
        lv->job_count < WR_LIVE_JOBS_KEPT ? lv->job_count : WR_LIVE_JOBS_KEPT;
    for (uint64_t i = 0; i < kept; i++)
        if (strcmp(lv->job[i].run_id, run_id) == 0)
            return &lv->job[i];
    return NULL;
}

wr_status wr_live_job(wr_live *lv, const char *run_id, wr_job_status *out, wr_err *err)
{
    pthread_mutex_lock(&lv->lock);
    const wr_job_status *job = find_job(lv, run_id);
    if (job)
        *out = *job;
    pthread_mutex_unlock(&lv->lock);
    return job ? WR_OK : wr_fail(err, WR_ENOTFOUND, "no job %.40s in memory", run_id);
}

wr_status wr_live_wait(wr_live *lv, const char *run_id, int64_t wait_ms,
                       wr_job_status *out, wr_err *err)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += wait_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    wr_status s = WR_OK;
    pthread_mutex_lock(&lv->lock);
    for (;;) {
        const wr_job_status *job = find_job(lv, run_id);
        if (!job) {
            s = wr_fail(err, WR_ENOTFOUND, "no job %.40s in memory", run_id);
            break;
        }
        *out = *job;
        if (job->status != WR_RUN_RUNNING)
            break;
        if (pthread_cond_timedwait(&lv->changed, &lv->lock, &until) != 0) {
            s = wr_fail(err, WR_ETIMEOUT, "run %.40s still running after %lld ms", run_id,
                        (long long)wait_ms);
            break;
        }
    }
    pthread_mutex_unlock(&lv->lock);
    return s;
}

void wr_live_set_threads(wr_live *lv, int threads)
{
    atomic_store(&lv->threads, threads);
}

void wr_live_freshness(wr_live *lv, wr_freshness *out)
{
    wr_tail_freshness(lv->tail, out);
}

uint64_t wr_live_folds(wr_live *lv, char error[WR_ERR_MSG_MAX])
{
    pthread_mutex_lock(&lv->lock);
    const uint64_t folds = lv->folds;
    memcpy(error, lv->fold_error, sizeof lv->fold_error);
    pthread_mutex_unlock(&lv->lock);
    return folds;
}

void wr_live_keep(wr_live *lv, const char *path, wr_kept_fn fn, void *ctx)
{
    lv->keep = (wr_keep){.path = path, .fn = fn, .ctx = ctx};
}

void wr_live_set_bound(wr_live *lv, uint64_t bytes_max, wr_live_own_fn fn, void *ctx)
{
    pthread_mutex_lock(&lv->lock);
    lv->bound.bytes_max = bytes_max;
    lv->own_fn = fn;
    lv->own_ctx = ctx;
    pthread_cond_broadcast(&lv->changed);
    pthread_mutex_unlock(&lv->lock);
}

void wr_live_own_runs_of(wr_live *lv, wr_live_own_runs *out)
{
    pthread_mutex_lock(&lv->lock);
    *out = lv->own;
    out->bytes_max = lv->bound.bytes_max;
    pthread_mutex_unlock(&lv->lock);
}

/* --- life ------------------------------------------------------------------------------
 */

static wr_status init_sync(wr_live *lv, wr_err *err)
{
    pthread_condattr_t attr;
    if (pthread_condattr_init(&attr) != 0)
        return wr_fail(err, WR_ENOMEM, "condition attribute");
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    int bad = pthread_mutex_init(&lv->lock, NULL);
    bad |= pthread_cond_init(&lv->changed, &attr);
    (void)pthread_condattr_destroy(&attr);
    return bad ? wr_fail(err, WR_ENOMEM, "lock") : WR_OK;
}

/* The tail's: its delta has grown. */
static void want_fold(void *ctx)
{
    wr_live *lv = ctx;
    pthread_mutex_lock(&lv->lock);
    lv->is_fold_wanted = true;
    pthread_cond_broadcast(&lv->changed);
    pthread_mutex_unlock(&lv->lock);
}

wr_status wr_live_open(wr_live **out, const char *dsn, wr_settings *cfg,
                       uint64_t fold_rows, wr_err *err)
{
    wr_live *lv = wr_calloc(1, sizeof *lv);
    if (!lv)
        return wr_fail(err, WR_ENOMEM, "live state");
    const size_t len = strlen(dsn) + 1;
    wr_status s = init_sync(lv, err);
    if (s != WR_OK) {
        wr_free(lv);
        return s;
    }
    lv->dsn = wr_calloc(len, 1);
    if (lv->dsn)
        memcpy(lv->dsn, dsn, len);
    lv->cfg = wr_settings_acquire(cfg);
    atomic_init(&lv->stop, false);
    const wr_tail_opts tail = {
        .fold_rows = fold_rows ? fold_rows : FOLD_ROWS, .fold = want_fold, .ctx = lv};
    s = wr_tail_open(&lv->tail, dsn, &tail, err);
    if (s != WR_OK) {
        wr_live_close(lv);
        return s;
    }
    if (!lv->dsn || pthread_create(&lv->thread, NULL, wr_live_compute, lv) != 0) {
        wr_live_close(lv);
        return wr_fail(err, WR_ENOMEM, "compute thread");
    }
    lv->is_thread_started = true;
    *out = lv;
    return WR_OK;
}

void wr_live_close(wr_live *lv)
{
    if (!lv)
        return;
    if (lv->is_thread_started) {
        pthread_mutex_lock(&lv->lock);
        lv->is_closing = true;
        atomic_store(&lv->stop, true);
        pthread_cond_broadcast(&lv->changed);
        pthread_mutex_unlock(&lv->lock);
        (void)pthread_join(lv->thread, NULL);
    }
    wr_tail_close(lv->tail);
    wr_view_release(&lv->view);
    (void)pthread_cond_destroy(&lv->changed);
    (void)pthread_mutex_destroy(&lv->lock);
    wr_settings_unref(lv->cfg);
    wr_free(lv->dsn);
    wr_free(lv);
}
