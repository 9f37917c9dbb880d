#include "pipeline/live.h"

#include <omp.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "util/clock.h"

enum { JOBS_KEPT = 64 };

struct wr_live {
    pthread_mutex_t lock; /* guards all below, except where it says otherwise */
    pthread_cond_t changed;
    pthread_t thread;
    bool is_thread_started;
    char *dsn; /* this and cfg are set once */
    wr_settings *cfg;

    wr_view view;
    _Atomic uint64_t version; /* view.version, for who does not take the lock */
    wr_loaded loaded; /* view.graph, borrowed, with what is known of it; compute thread */

    wr_keep keep; /* set before the first job, then the compute thread's */

    wr_job_status job[JOBS_KEPT]; /* ring; the newest at job_count - 1 */
    uint64_t job_count;
    bool is_waiting; /* the newest job has not been taken up yet */
    bool is_busy;    /* it has, and has not finished */
    bool is_closing;
    atomic_bool stop;
    atomic_int threads;
};

/* --- view ------------------------------------------------------------------------------
 */

static wr_view copy_view(const wr_view *v)
{
    wr_view out = *v;
    if (out.graph)
        (void)wr_snapshot_acquire(out.graph);
    if (out.assessment)
        (void)wr_assessment_acquire(out.assessment);
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
    *v = (wr_view){0};
}

/* Takes both references; NULL assessment keeps the one there. */
static void swap_view(wr_live *lv, wr_loaded *graph, wr_assessment *a)
{
    lv->loaded = *graph;
    pthread_mutex_lock(&lv->lock);
    wr_snapshot *old_g = lv->view.graph;
    wr_assessment *old_a = a ? lv->view.assessment : NULL;
    lv->view.graph = WR_STEAL(graph->g);
    lv->view.graph_max_seq = graph->max_seq;
    lv->view.graph_loaded_s = wr_clock_wall_s();
    if (a)
        lv->view.assessment = a;
    atomic_store(&lv->version, ++lv->view.version);
    pthread_mutex_unlock(&lv->lock);
    wr_snapshot_unref(old_g); /* may free a whole graph: not under the lock */
    wr_assessment_unref(old_a);
}

/* --- jobs, on the compute thread -------------------------------------------------------
 */

static wr_job_status *newest(wr_live *lv)
{
    return &lv->job[(lv->job_count - 1) % JOBS_KEPT];
}

static void show_progress(void *ctx, const char *phase, uint64_t done, uint64_t total)
{
    wr_live *lv = ctx;
    pthread_mutex_lock(&lv->lock);
    wr_job_status *job = newest(lv);
    (void)snprintf(job->phase, sizeof job->phase, "%s", phase);
    job->done = done;
    job->total = total;
    pthread_mutex_unlock(&lv->lock);
}

/* --- the file, on the compute thread ------------------------------------------------ */

/* The run's graph, or the newest while there is no run, goes into the file. */
static void keep_graph(wr_live *lv, wr_store *st, const wr_progress *pg)
{
    if (!wr_keep_is_wanted(&lv->keep) ||
        wr_progress_at(pg, "write snapshot file", 0, 0, NULL) != WR_OK)
        return;
    wr_view v = wr_live_view(lv);
    wr_loaded l =
        v.assessment ? wr_run_graph(v.assessment) : wr_loaded_share(&lv->loaded);
    wr_keep_put(&lv->keep, st, &l);
    wr_loaded_release(&l);
    wr_view_release(&v);
}

/* --- the jobs themselves ------------------------------------------------------------ */

static wr_status record_reload(wr_store *st, const wr_job_status *job, wr_loaded *l,
                               wr_err *err)
{
    wr_run run = {.kind = "reload",
                  .status = WR_RUN_COMPLETE,
                  .started_s = job->started_s,
                  .finished_s = wr_clock_wall_s(),
                  .max_seq = l->max_seq,
                  .label_rev = -1,
                  .wallets = wr_snapshot_n(l->g),
                  .transfers = wr_snapshot_columns(l->g).m,
                  .unpriced = l->unpriced,
                  .code_version = WR_VERSION};
    memcpy(run.id, job->run_id, sizeof run.id);
    WR_TRY(wr_snapshot_digest(l->g, &l->digest, err));
    run.graph_digest = l->digest;
    return wr_store_run_put(st, &run, err);
}

static wr_status do_reload(wr_live *lv, wr_store *st, const wr_job_status *job,
                           const wr_progress *pg, wr_err *err)
{
    wr_loaded l = {.max_seq = -1};
    WR_TRY(wr_load_snapshot(&l.g, st, &l.max_seq, &l.unpriced, pg, err));
    const wr_status s = record_reload(st, job, &l, err);
    if (s == WR_OK)
        swap_view(lv, &l, NULL);
    wr_loaded_release(&l);
    return s;
}

static wr_status do_score(wr_live *lv, wr_store *st, const wr_job_status *job,
                          const wr_progress *pg, wr_err *err)
{
    WR_AUTO(wr_assessment) a = NULL;
    WR_TRY(wr_run_score(&a, st, lv->cfg, job->run_id, pg, err));
    wr_loaded l = wr_run_graph(a);
    swap_view(lv, &l, WR_STEAL(a));
    return WR_OK;
}

/* The graphs that a restore has at hand. */
typedef struct graphs {
    wr_loaded kept;   /* from the file */
    wr_loaded of_run; /* what the run was restored from; may be kept itself */
    wr_loaded newest;
} graphs;

/* The newest graph is one of the other two, or is read from the store. */
static wr_status need_newest(graphs *gs, wr_store *st, int64_t max_seq,
                             const wr_progress *pg, wr_err *err)
{
    const wr_loaded *have[] = {&gs->of_run, &gs->kept};
    for (int i = 0; i < 2; i++)
        if (have[i]->g && have[i]->max_seq >= max_seq) {
            gs->newest = wr_loaded_share(have[i]);
            return WR_OK;
        }
    wr_loaded l = {.max_seq = max_seq};
    WR_TRY(wr_load_snapshot(&l.g, st, &l.max_seq, &l.unpriced, pg, err));
    gs->newest = l;
    return WR_OK;
}

static wr_status restore(wr_live *lv, graphs *gs, wr_store *st, const wr_progress *pg,
                         wr_err *err)
{
    int64_t newest_seq = 0; /* asked first: what arrives meanwhile is for the next job */
    WR_TRY(wr_store_safe_seq(st, &newest_seq, err));
    if (wr_keep_is_wanted(&lv->keep))
        WR_TRY(wr_progress_at(pg, "read snapshot file", 0, 0, err));
    wr_keep_take(&lv->keep, &gs->kept, st, "", newest_seq);
    gs->of_run = wr_loaded_share(&gs->kept);
    WR_AUTO(wr_assessment) a = NULL;
    wr_err why = {0};
    const wr_status s = wr_run_restore(&a, st, "", &gs->of_run, pg, &why);
    if (s != WR_OK && s != WR_ENOTFOUND)
        (void)wr_fail(err, s, "%s", why.msg); /* the graph is still worth having */
    WR_TRY(need_newest(gs, st, newest_seq, pg, err));
    swap_view(lv, &gs->newest, WR_STEAL(a));
    return s == WR_ENOTFOUND ? WR_OK : s;
}

static wr_status do_restore(wr_live *lv, wr_store *st, const wr_progress *pg, wr_err *err)
{
    graphs gs = {0};
    const wr_status s = restore(lv, &gs, st, pg, err);
    wr_loaded_release(&gs.kept);
    wr_loaded_release(&gs.of_run);
    wr_loaded_release(&gs.newest);
    return s;
}

static wr_status do_job(wr_live *lv, const wr_job_status *job, wr_err *err)
{
    const wr_progress pg = {.show = show_progress, .ctx = lv, .stop = &lv->stop};
    WR_AUTO(wr_store) st = NULL;
    int threads = atomic_load(&lv->threads);
    if (threads > 0)
        omp_set_num_threads(
            threads); /* of this thread's teams; main's own never run here */
    WR_TRY(wr_store_open_ready(&st, lv->dsn, err));
    const uint64_t before = lv->view.version; /* only this thread changes it */
    wr_status s = WR_EINVAL;
    switch (job->kind) {
    case WR_JOB_RELOAD:
        s = do_reload(lv, st, job, &pg, err);
        break;
    case WR_JOB_SCORE:
        s = do_score(lv, st, job, &pg, err);
        break;
    case WR_JOB_RESTORE:
        s = do_restore(lv, st, &pg, err);
        break;
    }
    if (lv->view.version != before) /* also when only the run could not be restored */
        keep_graph(lv, st, &pg);
    return s;
}

static void finish(wr_live *lv, wr_status s, const wr_err *err)
{
    pthread_mutex_lock(&lv->lock);
    wr_job_status *job = newest(lv);
    job->status = s == WR_OK ? WR_RUN_COMPLETE : WR_RUN_FAILED;
    job->finished_s = wr_clock_wall_s();
    (void)snprintf(job->phase, sizeof job->phase, "%s", s == WR_OK ? "done" : "failed");
    (void)snprintf(job->error, sizeof job->error, "%s", s == WR_OK ? "" : err->msg);
    lv->is_busy = false;
    pthread_cond_broadcast(&lv->changed);
    pthread_mutex_unlock(&lv->lock);
}

static void *compute_thread(void *arg)
{
    wr_live *lv = arg;
    pthread_mutex_lock(&lv->lock);
    for (;;) {
        while (!lv->is_waiting && !lv->is_closing)
            pthread_cond_wait(&lv->changed, &lv->lock);
        if (lv->is_closing)
            break;
        lv->is_waiting = false;
        const wr_job_status job = *newest(lv);
        pthread_mutex_unlock(&lv->lock);
        wr_err err = {0};
        wr_status s = do_job(lv, &job, &err);
        finish(lv, s, &err);
        pthread_mutex_lock(&lv->lock);
    }
    pthread_mutex_unlock(&lv->lock);
    return NULL;
}

/* --- jobs, from outside ----------------------------------------------------------------
 */

wr_status wr_live_start(wr_live *lv, wr_job_kind kind, char run_id[WR_RUN_ID_MAX + 1],
                        wr_err *err)
{
    wr_status s = WR_OK;
    pthread_mutex_lock(&lv->lock);
    if (lv->is_closing) {
        s = wr_fail(err, WR_ESTOPPED, "the server is stopping");
    } else if (lv->is_busy) {
        memcpy(run_id, newest(lv)->run_id, WR_RUN_ID_MAX + 1);
        s = wr_fail(err, WR_ECONFLICT, "run %s is running", run_id);
    } else {
        lv->job_count++;
        wr_job_status *job = newest(lv);
        *job = (wr_job_status){
            .kind = kind, .status = WR_RUN_RUNNING, .started_s = wr_clock_wall_s()};
        (void)snprintf(job->phase, sizeof job->phase, "waiting");
        wr_run_id_new(job->run_id);
        memcpy(run_id, job->run_id, WR_RUN_ID_MAX + 1);
        lv->is_waiting = lv->is_busy = true;
        pthread_cond_broadcast(&lv->changed);
    }
    pthread_mutex_unlock(&lv->lock);
    return s;
}

static const wr_job_status *find_job(const wr_live *lv, const char *run_id)
{
    const uint64_t kept = lv->job_count < JOBS_KEPT ? lv->job_count : JOBS_KEPT;
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

void wr_live_keep(wr_live *lv, const char *path, wr_kept_fn fn, void *ctx)
{
    lv->keep = (wr_keep){.path = path, .fn = fn, .ctx = ctx};
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

wr_status wr_live_open(wr_live **out, const char *dsn, wr_settings *cfg, wr_err *err)
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
    if (!lv->dsn || pthread_create(&lv->thread, NULL, compute_thread, lv) != 0) {
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
    wr_view_release(&lv->view);
    (void)pthread_cond_destroy(&lv->changed);
    (void)pthread_mutex_destroy(&lv->lock);
    wr_settings_unref(lv->cfg);
    wr_free(lv->dsn);
    wr_free(lv);
}
