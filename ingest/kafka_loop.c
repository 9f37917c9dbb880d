/* The loop: poll, hand over, take answers, look around. */
#include <inttypes.h>
#include <stdio.h>

#include "ingest/kafka_consume_int.h"
#include "util/clock.h"
#include "util/log.h"

enum {
    POLL_MS = 100,         /* longest sleep: a signal is noticed behind it */
    DRAIN_MESSAGES = 1000, /* at most, before looking around */
    CALM_MS = 1000, /* a full buffer is waited for so long before partitions are paused */
    COMMIT_US = 500000,
    NOTHING_ASSIGNED_US = 3000000, /* is_until_end: no partition is left for us */
};

/* --- answers of the writer ------------------------------------------------------------
 */

static void count_stored(wr_kafka_part *p, const wr_kafka_batch *b,
                         const wr_put_result *r)
{
    p->n.messages += b->messages;
    p->n.gaps += b->gaps;
    p->n.records += b->transfer_count + b->dead_count;
    p->n.inserted += r->inserted;
    p->n.duplicates += r->duplicates;
    p->n.dead += r->dead;
    p->n.conflicts += r->conflicts;
    p->is_known = true;
    p->stored = b->next_offset;
}

static void take_put(wr_kafka_consumer *c, const wr_kafka_job *job)
{
    wr_kafka_part *p = c->part[job->partition];
    p->under_way--;
    if (job->outcome == WR_KAFKA_STORED) {
        count_stored(p, job->batch, &job->res);
    } else if (job->outcome == WR_KAFKA_FENCED && job->epoch == atomic_load(&p->epoch)) {
        p->n.fenced++;
        char partition[16];
        (void)snprintf(partition, sizeof partition, "%" PRId32, p->id);
        wr_log(WR_LOG_INFO, "fenced", "partition", partition, NULL);
        if (p->state == WR_KAFKA_RUNNING)
            wr_kafka_relocate(c, p);
    }
}

void wr_kafka_take_answers(wr_kafka_consumer *c)
{
    for (wr_kafka_job *job; (job = wr_kafka_writer_take(c->writer));) {
        c->under_way--;
        if (job->batch) {
            c->buffered_bytes -= wr_kafka_batch_bytes(job->batch);
            take_put(c, job);
            wr_kafka_batch_recycle(c, job->batch);
            job->batch = NULL;
        } else if (job->outcome == WR_KAFKA_READ) {
            wr_kafka_take_read(c, job);
        }
        wr_kafka_job_free(job);
    }
}

void wr_kafka_wake(void *ctx)
{
    rd_kafka_queue_yield(((wr_kafka_consumer *)ctx)->queue);
}

/* --- what the client brings -----------------------------------------------------------
 */

static void take_error(wr_kafka_consumer *c, const rd_kafka_message_t *m)
{
    const char *text = rd_kafka_message_errstr(m);
    if (m->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
        m->err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
        (void)wr_fail(&c->fatal, WR_EIO, "topic '%s', group '%s': %s", c->o->topic,
                      c->o->group, text);
    else if (m->err != c->last_error)
        wr_log(WR_LOG_WARN, "kafka_error", "code", rd_kafka_err2name(m->err), "text",
               text, NULL);
    c->last_error = m->err;
}

static void take_message(wr_kafka_consumer *c, const rd_kafka_message_t *m)
{
    wr_kafka_part *p = m->partition >= 0 && (size_t)m->partition < c->part_cap
                           ? c->part[m->partition]
                           : NULL;
    if (!m->err || m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        wr_kafka_client_is_up(&c->client);
        c->last_error = RD_KAFKA_RESP_ERR_NO_ERROR;
        if (p && m->err)
            wr_kafka_part_end(c, p, m->offset);
        else if (p)
            wr_kafka_part_take(c, p, m);
    } else if (m->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
               m->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
        if (p && p->state == WR_KAFKA_RUNNING)
            wr_kafka_relocate(c, p);
    } else {
        take_error(c, m);
    }
}

/* Milliseconds until a batch is due. */
static int poll_ms(const wr_kafka_consumer *c)
{
    const int64_t now_us = wr_clock_mono_us();
    int64_t least_us = (int64_t)POLL_MS * 1000;
    for (size_t i = 0; i < c->part_cap; i++) {
        const wr_kafka_part *p = c->part[i];
        if (!p || !p->open || p->under_way || wr_kafka_batch_is_empty(p->open))
            continue;
        const int64_t left_us = p->open->begun_us + c->o->limits.flush_us - now_us;
        least_us = left_us < least_us ? left_us : least_us;
    }
    return least_us > 0 ? (int)((least_us + 999) / 1000) : 0;
}

static void drain(wr_kafka_consumer *c)
{
    int wait_ms = poll_ms(c);
    for (int i = 0; i < DRAIN_MESSAGES; i++) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(c->client.rk, wait_ms);
        if (!m)
            return;
        take_message(c, m);
        rd_kafka_message_destroy(m);
        wait_ms = 0;
        if (c->buffered_bytes > c->o->buffer_bytes || c->fatal.code)
            return;
    }
}

/* --- looking around -------------------------------------------------------------------
 */

/* What is old enough goes out, unless its partition has a put under way: then it grows,
 * and goes out behind that one. */
static void flush(wr_kafka_consumer *c, bool is_all)
{
    const int64_t now_us = wr_clock_mono_us();
    for (size_t i = 0; i < c->part_cap; i++) {
        wr_kafka_part *p = c->part[i];
        if (p && p->open &&
            (is_all ||
             (!p->under_way && wr_kafka_batch_is_due(p->open, &c->o->limits, now_us))))
            wr_kafka_part_flush(c, p);
    }
}

static void pause(wr_kafka_consumer *c, bool is_pause)
{
    rd_kafka_topic_partition_list_t *list = NULL;
    if (rd_kafka_assignment(c->client.rk, &list))
        return; /* asked again at the next turn */
    if (is_pause)
        (void)rd_kafka_pause_partitions(c->client.rk, list);
    else
        (void)rd_kafka_resume_partitions(c->client.rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    for (size_t i = 0; i < c->part_cap; i++)
        if (c->part[i])
            c->part[i]->is_unsure = true; /* the client fetches anew */
    c->is_paused = is_pause;
    wr_log(WR_LOG_DEBUG, is_pause ? "paused" : "resumed", NULL);
}

/*
 * The buffer is full: a store that works makes room soon, and the messages that the
 * client has fetched meanwhile stay good.  A store that does not: partitions are paused,
 * and the poll goes on, as the group wants it.
 */
static void hold_back(wr_kafka_consumer *c)
{
    const size_t half = c->o->buffer_bytes / 2;
    if (!c->is_paused && c->buffered_bytes > c->o->buffer_bytes) {
        flush(c, true);
        const int64_t until_us = wr_clock_mono_us() + (int64_t)CALM_MS * 1000;
        int64_t now_us;
        while (c->buffered_bytes > half && (now_us = wr_clock_mono_us()) < until_us) {
            wr_kafka_writer_wait(c->writer, (until_us - now_us) / 1000 + 1);
            wr_kafka_take_answers(c);
        }
        if (c->buffered_bytes > c->o->buffer_bytes)
            pause(c, true);
    } else if (c->is_paused && c->buffered_bytes <= half) {
        pause(c, false);
    }
}

void wr_kafka_commit(wr_kafka_consumer *c, bool is_now)
{
    const int64_t now_us = wr_clock_mono_us();
    /* A commit that waits for a broker holds up a rebalance. */
    if (c->client.is_down || (!is_now && now_us - c->commit_us < COMMIT_US))
        return;
    c->commit_us = now_us;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(4);
    for (size_t i = 0; i < c->part_cap; i++) {
        wr_kafka_part *p = c->part[i];
        if (!p || p->state != WR_KAFKA_RUNNING || !p->is_known ||
            p->stored == p->committed)
            continue;
        rd_kafka_topic_partition_list_add(list, c->o->topic, p->id)->offset = p->stored;
        p->committed = p->stored;
    }
    if (list->cnt)
        (void)rd_kafka_commit(c->client.rk, list, 1);
    rd_kafka_topic_partition_list_destroy(list);
}

static bool is_at_end(const wr_kafka_consumer *c)
{
    size_t ours = 0;
    if (!c->is_assigned || c->pending)
        return false;
    for (size_t i = 0; i < c->part_cap; i++) {
        const wr_kafka_part *p = c->part[i];
        if (!p || p->state == WR_KAFKA_GONE)
            continue;
        ours++;
        if (p->state != WR_KAFKA_RUNNING || !p->is_known || p->stored < p->target)
            return false;
    }
    return ours || wr_clock_mono_us() - c->assigned_us > NOTHING_ASSIGNED_US;
}

static uint64_t records(const wr_kafka_consumer *c)
{
    uint64_t n = 0;
    for (size_t i = 0; i < c->part_cap; i++)
        n += c->part[i] ? c->part[i]->n.records : 0;
    return n;
}

static wr_status check(wr_kafka_consumer *c, wr_err *err)
{
    WR_TRY(wr_kafka_writer_check(c->writer, err));
    if (c->fatal.code)
        return wr_fail(err, c->fatal.code, "%s", c->fatal.msg);
    if (c->client.fatal.code)
        return wr_fail(err, c->client.fatal.code, "%s", c->client.fatal.msg);
    return WR_OK;
}

wr_status wr_kafka_serve(wr_kafka_consumer *c, int64_t begun_us, wr_err *err)
{
    const int64_t max_us = c->o->max_s * 1000000;
    for (;;) {
        drain(c);
        wr_kafka_take_answers(c);
        wr_kafka_locate(c);
        flush(c, false);
        hold_back(c);
        wr_kafka_commit(c, false);
        WR_TRY(check(c, err));
        wr_err why = {0};
        if (wr_progress_at(c->o->pg, "transfers", records(c), 0, &why) != WR_OK ||
            (max_us && wr_clock_mono_us() - begun_us >= max_us))
            return WR_ESTOPPED;
        if (c->o->is_until_end && is_at_end(c))
            return WR_OK;
    }
}
