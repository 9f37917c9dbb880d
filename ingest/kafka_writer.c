/* The queue and the thread; what a job does is in kafka_put.c. */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "ingest/kafka_put_int.h"
#include "util/clock.h"

typedef struct queue {
    wr_kafka_job *first, *last;
} queue;

struct wr_kafka_writer {
    wr_kafka_put_desk desk;
    wr_kafka_writer_opts o;
    pthread_t thread;
    pthread_mutex_t lock; /* of the rest */
    pthread_cond_t has_job, has_answer;
    queue job, answer;
    bool is_over;
    wr_err fatal;
};

static void push(queue *q, wr_kafka_job *job)
{
    job->next = NULL;
    if (q->last)
        q->last->next = job;
    else
        q->first = job;
    q->last = job;
}

static wr_kafka_job *pop(queue *q)
{
    wr_kafka_job *job = q->first;
    if (!job)
        return NULL;
    q->first = job->next;
    if (!q->first)
        q->last = NULL;
    return job;
}

void wr_kafka_job_free(wr_kafka_job *job)
{
    if (!job)
        return;
    wr_kafka_batch_free(job->batch);
    wr_free(job);
}

/* --- the thread -----------------------------------------------------------------------
 */

static void *serve(void *arg)
{
    wr_kafka_writer *w = arg;
    (void)pthread_mutex_lock(&w->lock);
    for (;;) {
        while (!w->job.first && !w->is_over)
            (void)pthread_cond_wait(&w->has_job, &w->lock);
        if (w->is_over)
            break;
        wr_kafka_job *job = pop(&w->job);
        const bool is_broken = w->fatal.code != WR_OK;
        (void)pthread_mutex_unlock(&w->lock);
        wr_err err = {0};
        job->outcome = WR_KAFKA_DROPPED;
        const wr_status s = is_broken ? WR_OK : wr_kafka_put_do(&w->desk, job, &err);
        (void)pthread_mutex_lock(&w->lock);
        if (s != WR_OK)
            (void)wr_fail(&w->fatal, s, "%s", err.msg);
        push(&w->answer, job);
        (void)pthread_cond_signal(&w->has_answer);
        (void)pthread_mutex_unlock(&w->lock);
        w->o.wake(w->o.ctx);
        (void)pthread_mutex_lock(&w->lock);
    }
    (void)pthread_mutex_unlock(&w->lock);
    return NULL;
}

static wr_status start_thread(wr_kafka_writer *w, wr_err *err)
{
    pthread_condattr_t mono;
    (void)pthread_condattr_init(&mono);
    (void)pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_cond_init(&w->has_job, NULL);
    (void)pthread_cond_init(&w->has_answer, &mono);
    (void)pthread_condattr_destroy(&mono);
    const int e = pthread_create(&w->thread, NULL, serve, w);
    return e ? wr_fail(err, WR_EIO, "thread of the writer: %s", strerror(e)) : WR_OK;
}

wr_status wr_kafka_writer_start(wr_kafka_writer **out, const wr_kafka_writer_opts *o,
                                wr_store *st, wr_err *err)
{
    wr_kafka_writer *w = wr_calloc(1, sizeof *w);
    if (!w) {
        wr_store_close(st);
        return wr_fail(err, WR_ENOMEM, "writer");
    }
    w->o = *o;
    wr_kafka_put_init(&w->desk, o, st);
    o->dead->is_stopping = &w->desk.is_stopping;
    const wr_status s = start_thread(w, err);
    if (s != WR_OK) {
        wr_kafka_put_release(&w->desk);
        wr_free(w);
        return s;
    }
    *out = w;
    return WR_OK;
}

void wr_kafka_writer_stop(wr_kafka_writer *w)
{
    if (!w)
        return;
    wr_kafka_writer_no_retry(w);
    (void)pthread_mutex_lock(&w->lock);
    w->is_over = true;
    (void)pthread_cond_signal(&w->has_job);
    (void)pthread_mutex_unlock(&w->lock);
    (void)pthread_join(w->thread, NULL);
    for (wr_kafka_job *j; (j = pop(&w->job));)
        wr_kafka_job_free(j);
    for (wr_kafka_job *j; (j = pop(&w->answer));)
        wr_kafka_job_free(j);
    (void)pthread_cond_destroy(&w->has_job);
    (void)pthread_cond_destroy(&w->has_answer);
    (void)pthread_mutex_destroy(&w->lock);
    wr_kafka_put_release(&w->desk);
    wr_free(w);
}

/* --- the other side -------------------------------------------------------------------
 */

void wr_kafka_writer_submit(wr_kafka_writer *w, wr_kafka_job *job)
{
    (void)pthread_mutex_lock(&w->lock);
    push(&w->job, job);
    (void)pthread_cond_signal(&w->has_job);
    (void)pthread_mutex_unlock(&w->lock);
}

wr_kafka_job *wr_kafka_writer_take(wr_kafka_writer *w)
{
    (void)pthread_mutex_lock(&w->lock);
    wr_kafka_job *job = pop(&w->answer);
    (void)pthread_mutex_unlock(&w->lock);
    return job;
}

void wr_kafka_writer_wait(wr_kafka_writer *w, int64_t wait_ms)
{
    const int64_t until_us = wr_clock_mono_us() + wait_ms * 1000;
    const struct timespec until = {.tv_sec = until_us / 1000000,
                                   .tv_nsec = until_us % 1000000 * 1000};
    (void)pthread_mutex_lock(&w->lock);
    int e = 0;
    while (!w->answer.first && e != ETIMEDOUT)
        e = pthread_cond_timedwait(&w->has_answer, &w->lock, &until);
    (void)pthread_mutex_unlock(&w->lock);
}

void wr_kafka_writer_no_retry(wr_kafka_writer *w)
{
    wr_kafka_put_stop(&w->desk);
}

wr_status wr_kafka_writer_check(wr_kafka_writer *w, wr_err *err)
{
    (void)pthread_mutex_lock(&w->lock);
    const wr_err fatal = w->fatal;
    (void)pthread_mutex_unlock(&w->lock);
    return fatal.code == WR_OK ? WR_OK : wr_fail(err, fatal.code, "%s", fatal.msg);
}
