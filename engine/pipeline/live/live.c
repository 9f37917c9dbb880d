#include "pipeline/live/live.h"

#include <omp.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "util/clock.h"

enum { JOBS_KEPT = 64, FOLD_ROWS = 1000000 };

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

    wr_tail *tail; /* moves view.board and view.delta on */
    bool is_fold_wanted;
    uint64_t folds;
    char fold_error[WR_ERR_MSG_MAX];

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

/* What the next view has; NULL assessment keeps the one there. */
typedef struct swap {
    wr_live *lv;
    wr_loaded *graph; /* reference taken */
    wr_assessment *a; /* reference taken */
    wr_view old;      /* of the parts that were replaced */
} swap;

/* Called by the tail, with its lock held: the old parts are let go by the caller. */
static void swap_view(void *ctx, wr_board *board, wr_delta *delta)
{
    swap *w = ctx;
    wr_live *lv = w->lv;
    lv->loaded = *w->graph;
    pthread_mutex_lock(&lv->lock);
    w->old = lv->view;
    lv->view.graph = WR_STEAL(w->graph->g);
    lv->view.graph_max_seq = w->graph->max_seq;
    lv->view.graph_loaded_s = wr_clock_wall_s();
    lv->view.assessment = w->a ? WR_STEAL(w->a) : WR_STEAL(w->old.assessment);
    lv->view.board = board ? wr_board_acquire(board) : NULL;
    lv->view.delta = delta ? wr_delta_acquire(delta) : NULL;
    atomic_store(&lv->version, ++lv->view.version);
    pthread_mutex_unlock(&lv->lock);
}

/*
 * Serve a new graph, with a new run (a, taken; NULL: the run stays).  Fails only when the
 * run stays and the live state could not be put behind the graph: the old view is then
 * served on.  A new run is served even when nothing can follow it: the freshness says so.
 */
static wr_status serve(wr_live *lv, wr_store *st, wr_loaded *graph, wr_assessment *a,
                       wr_err *err)
{
    swap w = {.lv = lv, .graph = graph, .a = a};
    wr_err why = {0};
    wr_status s = a ? wr_tail_rebase(lv->tail, st, a, graph, swap_view, &w, &why)
                    : wr_tail_regraph(lv->tail, st, graph, swap_view, &w, &why);
    wr_view_release(&w.old); /* may free a whole graph: under no lock */
    return a || s == WR_OK ? WR_OK : wr_fail(err, s, "%s", why.msg);
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
    wr_status s = record_reload(st, job, &l, err);
    if (s == WR_OK)
        s = serve(lv, st, &l, NULL, err);
    wr_loaded_release(&l);
    return s;
}

static wr_status do_score(wr_live *lv, wr_store *st, const wr_job_status *job,
                          const wr_progress *pg, wr_err *err)
{
    WR_AUTO(wr_assessment) a = NULL;
    WR_TRY(wr_run_score(&a, st, lv->cfg, job->run_id, pg, err));
    wr_loaded l = wr_run_graph(a);
    return serve(lv, st, &l, WR_STEAL(a), err);
}

/* The delta into a new graph; no job of anybody's, and none on record. */
static wr_status do_fold(wr_live *lv, wr_err *err)
{
    const wr_progress pg = {.stop = &lv->stop};
    WR_AUTO(wr_store) st = NULL;
    wr_loaded l = {.max_seq = -1};
    WR_TRY(wr_store_open_ready(&st, lv->dsn, err));
    WR_TRY(wr_load_snapshot(&l.g, st, &l.max_seq, &l.unpriced, &pg, err));
    const wr_status s = serve(lv, st, &l, NULL, err);
    wr_loaded_release(&l);
    return s;
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
    WR_TRY(serve(lv, st, &gs->newest, WR_STEAL(a), err));
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

static void use_threads(wr_live *lv)
{
    const int threads = atomic_load(&lv->threads);
    if (threads > 0)
        omp_set_num_threads(
            threads); /* of this thread's teams; main's own never run here */
}

static wr_status do_job(wr_live *lv, const wr_job_status *job, wr_err *err)
{
    const wr_progress pg = {.show = show_progress, .ctx = lv, .stop = &lv->stop};
    WR_AUTO(wr_store) st = NULL;
    use_threads(lv);
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

/* Both with the lock held, which they let go meanwhile. */
static void run_job(wr_live *lv)
{
    lv->is_waiting = false;
    const wr_job_status job = *newest(lv);
    pthread_mutex_unlock(&lv->lock);
    wr_err err = {0};
    wr_status s = do_job(lv, &job, &err);
    finish(lv, s, &err);
    pthread_mutex_lock(&lv->lock);
}

static void run_fold(wr_live *lv)
{
    lv->is_fold_wanted = false;
    pthread_mutex_unlock(&lv->lock);
    wr_err err = {0};
    use_threads(lv);
    const wr_status s = do_fold(lv, &err);
    pthread_mutex_lock(&lv->lock);
    lv->folds += s == WR_OK;
    (void)snprintf(lv->fold_error, sizeof lv->fold_error, "%s",
                   s == WR_OK ? "" : err.msg);
}

static void *compute_thread(void *arg)
{
    wr_live *lv = arg;
    pthread_mutex_lock(&lv->lock);
    while (!lv->is_closing) {
        if (lv->is_waiting)
            run_job(lv);
        else if (lv->is_fold_wanted)
            run_fold(lv);
        else
            pthread_cond_wait(&lv->changed, &lv->lock);
    }
    pthread_mutex_unlock(&lv->lock);
    return NULL;
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
    wr_tail_close(lv->tail);
    wr_view_release(&lv->view);
    (void)pthread_cond_destroy(&lv->changed);
    (void)pthread_mutex_destroy(&lv->lock);
    wr_settings_unref(lv->cfg);
    wr_free(lv->dsn);
    wr_free(lv);
}
