/* The queues and the threads; what a job does is in kafka_put.c. */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "ingest/kafka_put_int.h"
#include "util/clock.h"

typedef struct queue {
    wr_kafka_job *first, *last;
} queue;

typedef struct lane {
    wr_kafka_writer *writer;
    wr_kafka_put_desk desk;
    pthread_t thread;
    const wr_kafka_job *in_hand;
} lane;

struct wr_kafka_writer {
    wr_kafka_writer_opts o;
    pthread_mutex_t dead_lock;
    pthread_mutex_t lock; /* of the rest */
    pthread_cond_t has_job, has_answer;
    lane lane[WR_KAFKA_LANES_MAX];
    int lanes, running; /* made, with a thread */
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

static void unlink_behind(queue *q, wr_kafka_job *before, wr_kafka_job *job)
{
    if (before)
        before->next = job->next;
    else
        q->first = job->next;
    if (q->last == job)
        q->last = before;
}

static wr_kafka_job *pop(queue *q)
{
    wr_kafka_job *job = q->first;
    if (!job)
        return NULL;
    unlink_behind(q, NULL, job);
    return job;
}

void wr_kafka_job_free(wr_kafka_job *job)
{
    if (!job)
        return;
    wr_kafka_batch_free(job->batch);
    wr_free(job);
}

/* --- the threads -----------------------------------------------------------------------
 */

static bool is_in_hand(const wr_kafka_writer *w, int32_t partition)
{
    for (int i = 0; i < w->lanes; i++)
        if (w->lane[i].in_hand && w->lane[i].in_hand->partition == partition)
            return true;
    return false;
}

/* The first job whose partition no lane has in hand, or NULL. */
static wr_kafka_job *take_job(wr_kafka_writer *w)
{
    wr_kafka_job *before = NULL;
    for (wr_kafka_job *job = w->job.first; job; before = job, job = job->next)
        if (!is_in_hand(w, job->partition)) {
            unlink_behind(&w->job, before, job);
            return job;
        }
    return NULL;
}

static void *serve(void *arg)
{
    lane *l = arg;
    wr_kafka_writer *w = l->writer;
    (void)pthread_mutex_lock(&w->lock);
    for (;;) {
        wr_kafka_job *job = NULL;
        while (!w->is_over && !(job = take_job(w)))
            (void)pthread_cond_wait(&w->has_job, &w->lock);
        if (w->is_over)
            break;
        l->in_hand = job;
        const bool is_broken = w->fatal.code != WR_OK;
        (void)pthread_mutex_unlock(&w->lock);
        wr_err err = {0};
        job->outcome = WR_KAFKA_DROPPED;
        const wr_status s = is_broken ? WR_OK : wr_kafka_put_do(&l->desk, job, &err);
        (void)pthread_mutex_lock(&w->lock);
        if (s != WR_OK && w->fatal.code == WR_OK)
            (void)wr_fail(&w->fatal, s, "%s", err.msg);
        l->in_hand = NULL;
        push(&w->answer, job);
        (void)pthread_cond_signal(&w->has_answer);
        (void)pthread_mutex_unlock(&w->lock);
        w->o.wake(w->o.ctx);
        (void)pthread_mutex_lock(&w->lock);
    }
    (void)pthread_mutex_unlock(&w->lock);
    return NULL;
}

static void init(wr_kafka_writer *w, const wr_kafka_writer_opts *o, wr_store *st)
{
    pthread_condattr_t mono;
    (void)pthread_condattr_init(&mono);
    (void)pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&w->has_answer, &mono);
    (void)pthread_condattr_destroy(&mono);
    (void)pthread_cond_init(&w->has_job, NULL);
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_mutex_init(&w->dead_lock, NULL);
    w->o = *o;
    w->lanes = o->lanes ? o->lanes : 1;
    for (int i = 0; i < w->lanes; i++) {
        lane *l = &w->lane[i];
        l->writer = w;
        wr_kafka_put_init(&l->desk, o, &w->dead_lock, i == 0 ? st : NULL);
    }
    o->dead->is_stopping = &w->lane[0].desk.is_stopping; /* all stop together */
}

wr_status wr_kafka_writer_start(wr_kafka_writer **out, const wr_kafka_writer_opts *o,
                                wr_store *st, wr_err *err)
{
    wr_kafka_writer *w = wr_calloc(1, sizeof *w);
    if (!w) {
        wr_store_close(st);
        return wr_fail(err, WR_ENOMEM, "writer");
    }
    init(w, o, st);
    int e = 0;
    for (; w->running < w->lanes; w->running++) {
        lane *l = &w->lane[w->running];
        e = pthread_create(&l->thread, NULL, serve, l);
        if (e)
            break;
    }
    if (e) {
        wr_kafka_writer_stop(w);
        return wr_fail(err, WR_EIO, "thread of the writer: %s", strerror(e));
    }
    *out = w;
    return WR_OK;
}

static void end_threads(wr_kafka_writer *w)
{
    (void)pthread_mutex_lock(&w->lock);
    w->is_over = true;
    (void)pthread_cond_broadcast(&w->has_job);
    (void)pthread_mutex_unlock(&w->lock);
    for (int i = 0; i < w->running; i++)
        (void)pthread_join(w->lane[i].thread, NULL);
}

static void drop_all(queue *q)
{
    for (wr_kafka_job *j; (j = pop(q));)
        wr_kafka_job_free(j);
}

void wr_kafka_writer_stop(wr_kafka_writer *w)
{
    if (!w)
        return;
    wr_kafka_writer_no_retry(w);
    end_threads(w);
    for (int i = 0; i < w->lanes; i++)
        wr_kafka_put_release(&w->lane[i].desk);
    drop_all(&w->job);
    drop_all(&w->answer);
    (void)pthread_cond_destroy(&w->has_job);
    (void)pthread_cond_destroy(&w->has_answer);
    (void)pthread_mutex_destroy(&w->lock);
    (void)pthread_mutex_destroy(&w->dead_lock);
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
    for (int i = 0; i < w->lanes; i++)
        wr_kafka_put_stop(&w->lane[i].desk);
}

wr_status wr_kafka_writer_check(wr_kafka_writer *w, wr_err *err)
{
    (void)pthread_mutex_lock(&w->lock);
    const wr_err fatal = w->fatal;
    (void)pthread_mutex_unlock(&w->lock);
    return fatal.code == WR_OK ? WR_OK : wr_fail(err, fatal.code, "%s", fatal.msg);
}
