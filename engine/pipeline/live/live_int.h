/*
 * live_int.h - what a live state holds: live.c for those who ask, live_compute.c for the
 * thread that makes it anew.
 */
#ifndef WR_PIPELINE_LIVE_LIVE_INT_H
#define WR_PIPELINE_LIVE_LIVE_INT_H

#include <pthread.h>

#include "pipeline/live/live.h"
#include "pipeline/live/live_bound.h"

enum { WR_LIVE_JOBS_KEPT = 64 };

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

    wr_live_bound bound;
    wr_live_own_runs own;  /* without bytes_max */
    wr_live_own_fn own_fn; /* set before the first job */
    void *own_ctx;

    wr_job_status job[WR_LIVE_JOBS_KEPT]; /* ring; the newest at job_count - 1 */
    uint64_t job_count;
    bool is_waiting; /* the newest job has not been taken up yet */
    bool is_busy;    /* it has, and has not finished */
    bool is_closing;
    atomic_bool stop;
    atomic_int threads;
};

/* With the lock held. */
static inline wr_job_status *wr_live_newest_job(wr_live *lv)
{
    return &lv->job[(lv->job_count - 1) % WR_LIVE_JOBS_KEPT];
}

/* live.c: a job that the compute thread has to take up; the lock held, none under way. */
wr_job_status *wr_live_add_job(wr_live *lv, wr_job_kind kind);

/* live_compute.c: the thread that runs jobs and folds until is_closing; arg is a wr_live.
 */
void *wr_live_compute(void *arg);

#endif
