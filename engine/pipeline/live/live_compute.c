/* The compute thread: one job after the other, and folds between them. */
#include <inttypes.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "pipeline/live/live_int.h"
#include "util/clock.h"

enum { NICE = 5 };

/* --- a new view ------------------------------------------------------------------------
 */

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
    lv->is_fold_wanted = false; /* of the delta that goes; the tail tells of the next */
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

/* --- the graph's file ------------------------------------------------------------------
 */

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

/* --- the jobs --------------------------------------------------------------------------
 */

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

/* --- the thread ------------------------------------------------------------------------
 */

static void show_progress(void *ctx, const char *phase, uint64_t done, uint64_t total)
{
    wr_live *lv = ctx;
    pthread_mutex_lock(&lv->lock);
    wr_job_status *job = wr_live_newest_job(lv);
    (void)snprintf(job->phase, sizeof job->phase, "%s", phase);
    job->done = done;
    job->total = total;
    pthread_mutex_unlock(&lv->lock);
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
    wr_job_status *job = wr_live_newest_job(lv);
    job->status = s == WR_OK ? WR_RUN_COMPLETE : WR_RUN_FAILED;
    job->finished_s = wr_clock_wall_s();
    (void)snprintf(job->phase, sizeof job->phase, "%s", s == WR_OK ? "done" : "failed");
    (void)snprintf(job->error, sizeof job->error, "%s", s == WR_OK ? "" : err->msg);
    lv->is_busy = false;
    pthread_cond_broadcast(&lv->changed);
    pthread_mutex_unlock(&lv->lock);
}

/* With the lock held, which it lets go meanwhile; so do run_own and run_fold. */
static wr_status run_job(wr_live *lv)
{
    lv->is_waiting = false;
    const wr_job_status job = *wr_live_newest_job(lv);
    pthread_mutex_unlock(&lv->lock);
    const int64_t begun_us = wr_clock_mono_us();
    wr_err err = {0};
    wr_status s = do_job(lv, &job, &err);
    wr_mem_trim(); /* of the old live state and of what the job worked with */
    const int64_t now_us = wr_clock_mono_us();
    finish(lv, s, &err);
    pthread_mutex_lock(&lv->lock);
    if (job.kind == WR_JOB_SCORE)
        wr_live_bound_ran(&lv->bound, now_us, now_us - begun_us, s == WR_OK);
    return s;
}

static void tell_own(wr_live *lv, const char *run_id, const char *why)
{
    wr_job_status job;
    if (lv->own_fn && wr_live_job(lv, run_id, &job, NULL) == WR_OK)
        lv->own_fn(lv->own_ctx, &job, why);
}

static void run_own(wr_live *lv, uint64_t bytes)
{
    char why[96];
    char id[WR_RUN_ID_MAX + 1];
    (void)snprintf(why, sizeof why, "live state %" PRIu64 " MB of %" PRIu64,
                   bytes / 1000000, lv->bound.bytes_max / 1000000);
    memcpy(id, wr_live_add_job(lv, WR_JOB_SCORE)->run_id, sizeof id);
    lv->own.begun++;
    pthread_mutex_unlock(&lv->lock);
    tell_own(lv, id, why);
    pthread_mutex_lock(&lv->lock);
    const wr_status s = run_job(lv);
    if (lv->is_closing)
        return; /* told to stop is no failure */
    lv->own.failed += s != WR_OK;
    pthread_mutex_unlock(&lv->lock);
    tell_own(lv, id, why);
    pthread_mutex_lock(&lv->lock);
}

static void run_fold(wr_live *lv)
{
    lv->is_fold_wanted = false;
    pthread_mutex_unlock(&lv->lock);
    wr_err err = {0};
    use_threads(lv);
    const wr_status s = do_fold(lv, &err);
    wr_mem_trim();
    pthread_mutex_lock(&lv->lock);
    lv->folds += s == WR_OK;
    (void)snprintf(lv->fold_error, sizeof lv->fold_error, "%s",
                   s == WR_OK ? "" : err.msg);
}

/* *bytes: what the live state has. */
static bool is_own_due(wr_live *lv, uint64_t *bytes)
{
    wr_freshness f;
    if (!lv->bound.bytes_max)
        return false;
    wr_tail_freshness(lv->tail, &f);
    *bytes = f.stats.bytes;
    return f.is_following && f.is_store_ok &&
           wr_live_bound_is_due(&lv->bound, &f.stats, wr_clock_mono_us());
}

/* Until something has changed, or the live state is to be looked at again. */
static void wait(wr_live *lv)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec++;
    if (lv->bound.bytes_max)
        (void)pthread_cond_timedwait(&lv->changed, &lv->lock, &until);
    else
        (void)pthread_cond_wait(&lv->changed, &lv->lock);
}

/*
 * Following and answering first: this thread and its team take what they leave.  On two
 * cores at 15 000 transfers/s the live state was 15 s behind while a run was scored.
 */
static void yield_to_others(void)
{
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE); /* on Linux of one thread */
}

void *wr_live_compute(void *arg)
{
    wr_live *lv = arg;
    yield_to_others();
    uint64_t bytes = 0;
    pthread_mutex_lock(&lv->lock);
    while (!lv->is_closing) {
        if (lv->is_waiting)
            (void)run_job(lv);
        else if (is_own_due(lv, &bytes)) /* before a fold: it makes a new graph as well */
            run_own(lv, bytes);
        else if (lv->is_fold_wanted)
            run_fold(lv);
        else
            wait(lv);
    }
    pthread_mutex_unlock(&lv->lock);
    return NULL;
}
