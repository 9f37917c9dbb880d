#include "ingest/kafka_put_int.h"

#include <errno.h>
#include <string.h>

#include "util/clock.h"
#include "util/log.h"

enum { BACK_OFF_MIN_MS = 100, BACK_OFF_MAX_MS = 5000, CHECK_MS = 100 };

void wr_kafka_put_init(wr_kafka_put_desk *p, const wr_kafka_writer_opts *o,
                       pthread_mutex_t *dead_lock, wr_store *st)
{
    *p = (wr_kafka_put_desk){.dsn = o->dsn,
                             .source = wr_text_of(o->source),
                             .dead = o->dead,
                             .dead_lock = dead_lock,
                             .has_others = o->lanes > 1,
                             .st = st};
    pthread_condattr_t mono;
    (void)pthread_condattr_init(&mono);
    (void)pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->wake, &mono);
    (void)pthread_condattr_destroy(&mono);
}

void wr_kafka_put_release(wr_kafka_put_desk *p)
{
    wr_store_close(p->st);
    (void)pthread_cond_destroy(&p->wake);
    (void)pthread_mutex_destroy(&p->lock);
}

void wr_kafka_put_stop(wr_kafka_put_desk *p)
{
    (void)pthread_mutex_lock(&p->lock);
    atomic_store(&p->is_stopping, true);
    (void)pthread_cond_signal(&p->wake);
    (void)pthread_mutex_unlock(&p->lock);
}

/* --- when to go on --------------------------------------------------------------------
 */

static bool is_wanted(const wr_kafka_job *job)
{
    return atomic_load_explicit(job->epoch_now, memory_order_acquire) == job->epoch;
}

static bool is_stopping(const wr_kafka_put_desk *p)
{
    return atomic_load_explicit(&p->is_stopping, memory_order_relaxed);
}

/* false: the job is not wanted any more. */
static bool back_off(wr_kafka_put_desk *p, const wr_kafka_job *job, int64_t wait_ms)
{
    const int64_t until_us = wr_clock_mono_us() + wait_ms * 1000;
    (void)pthread_mutex_lock(&p->lock);
    while (!is_stopping(p) && is_wanted(job)) {
        const int64_t now_us = wr_clock_mono_us();
        if (now_us >= until_us)
            break;
        const int64_t next_us = until_us < now_us + (int64_t)CHECK_MS * 1000
                                    ? until_us
                                    : now_us + (int64_t)CHECK_MS * 1000;
        const struct timespec at = {.tv_sec = next_us / 1000000,
                                    .tv_nsec = next_us % 1000000 * 1000};
        (void)pthread_cond_timedwait(&p->wake, &p->lock, &at);
    }
    (void)pthread_mutex_unlock(&p->lock);
    return !is_stopping(p) && is_wanted(job);
}

/* --- the store ------------------------------------------------------------------------
 */

static wr_status open_store(wr_kafka_put_desk *p, wr_err *err)
{
    return p->st ? WR_OK : wr_store_open_ready(&p->st, p->dsn, err);
}

/* Where the partition stands, and its counters. */
static wr_status read_source(wr_kafka_put_desk *p, wr_kafka_job *job, wr_kafka_tally *now,
                             wr_err *err)
{
    wr_arena arena;
    wr_arena_init(&arena, 0);
    wr_source known = {0};
    wr_err why = {0};
    const wr_status s =
        wr_store_source_get(p->st, &known, &arena, p->source, job->partition, &why);
    job->is_known = s == WR_OK;
    job->next_offset = known.next_offset;
    *now = (wr_kafka_tally){.is_known = true,
                            .inserted = known.inserted,
                            .duplicates = known.duplicates,
                            .dead = known.dead};
    wr_arena_release(&arena);
    return s == WR_OK || s == WR_ENOTFOUND ? WR_OK : wr_fail(err, s, "%s", why.msg);
}

/*
 * The fence has refused.  When an earlier try of this very batch got no answer and the
 * database stands at its end, that try was committed.
 */
static wr_status judge_fence(wr_kafka_put_desk *p, wr_kafka_job *job, wr_err *err)
{
    wr_kafka_tally *before = job->tally;
    wr_kafka_tally now;
    job->outcome = WR_KAFKA_FENCED;
    WR_TRY(read_source(p, job, &now, err));
    if (job->batch->is_tried && job->is_known &&
        job->next_offset == job->batch->next_offset) {
        job->outcome = WR_KAFKA_STORED;
        if (before->is_known) {
            job->res.inserted = now.inserted - before->inserted;
            job->res.duplicates = now.duplicates - before->duplicates;
            job->res.dead = now.dead - before->dead;
        }
    }
    *before = now;
    return WR_OK;
}

static wr_status put_batch(wr_kafka_put_desk *p, wr_kafka_job *job, wr_err *err)
{
    wr_kafka_batch *b = job->batch;
    if (b->dead_count && !b->is_dead_sent) {
        p->is_store_hurt = false;
        (void)pthread_mutex_lock(p->dead_lock);
        const wr_status sent = wr_kafka_dead_send(p->dead, b, err);
        (void)pthread_mutex_unlock(p->dead_lock);
        WR_TRY(sent);
        p->is_store_hurt = b->is_dead_sent = true;
    }
    wr_source_mark mark;
    wr_put put;
    wr_err why = {0};
    wr_kafka_batch_put(b, p->source, &mark, &put);
    mark.status = job->status;
    mark.last_error = wr_text_of(job->last_error);
    put.is_names_first = p->has_others;
    const wr_status s = wr_store_put(p->st, &put, NULL, &job->res, &why);
    if (s == WR_ECONFLICT)
        return judge_fence(p, job, err);
    b->is_tried = true;
    if (s != WR_OK)
        return wr_fail(err, s, "%s", why.msg);
    job->tally->inserted += job->res.inserted;
    job->tally->duplicates += job->res.duplicates;
    job->tally->dead += job->res.dead;
    job->outcome = WR_KAFKA_STORED;
    return WR_OK;
}

static wr_status try_once(wr_kafka_put_desk *p, wr_kafka_job *job, wr_err *err)
{
    p->is_store_hurt = true;
    WR_TRY(open_store(p, err));
    if (job->batch)
        return put_batch(p, job, err);
    WR_TRY(read_source(p, job, job->tally, err));
    job->outcome = WR_KAFKA_READ;
    return WR_OK;
}

/* --- again and again ------------------------------------------------------------------
 */

static void say_down(wr_kafka_put_desk *p, wr_status s, const wr_err *why)
{
    if (p->is_down)
        return;
    p->is_down = true;
    wr_log(WR_LOG_WARN, "writer_waiting", "code", wr_status_name(s), "error", why->msg,
           NULL);
}

static void say_up(wr_kafka_put_desk *p)
{
    if (!p->is_down)
        return;
    p->is_down = false;
    wr_log(WR_LOG_INFO, "writer_goes_on", NULL);
}

wr_status wr_kafka_put_do(wr_kafka_put_desk *p, wr_kafka_job *job, wr_err *err)
{
    int64_t wait_ms = BACK_OFF_MIN_MS;
    job->outcome = WR_KAFKA_DROPPED;
    if (!is_wanted(job))
        return WR_OK;
    for (;;) {
        wr_err why = {0};
        job->res = (wr_put_result){0};
        const wr_status s = try_once(p, job, &why);
        if (s == WR_OK) {
            say_up(p);
            return WR_OK;
        }
        job->outcome = WR_KAFKA_DROPPED;
        if (s == WR_ESTOPPED)
            return WR_OK;
        if (s != WR_EIO && s != WR_ETIMEOUT)
            return wr_fail(err, s, "%s", why.msg);
        say_down(p, s, &why);
        if (p->is_store_hurt) { /* its connection or its file is in doubt */
            wr_store_close(p->st);
            p->st = NULL;
        }
        if (!back_off(p, job, wait_ms))
            return WR_OK;
        wait_ms = wait_ms * 2 < BACK_OFF_MAX_MS ? wait_ms * 2 : BACK_OFF_MAX_MS;
    }
}
