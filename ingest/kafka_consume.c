#include "ingest/kafka_consume.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ingest/kafka_consume_int.h"
#include "util/clock.h"
#include "util/log.h"

enum {
    POLL_MS = 100,         /* longest sleep: a signal is noticed behind it */
    DRAIN_MESSAGES = 1000, /* at most, before looking around */
    START_TIMEOUT_MS = 30000,
    CALM_MS = 1000, /* a full buffer is waited for so long before partitions are paused */
    COMMIT_US = 500000,
    CLOSE_MS = 10000,
    NOTHING_ASSIGNED_US = 3000000, /* is_until_end: no partition is left for us */
};

/* The user may change these: what bounds memory, and how fast a dead member is noticed.
 */
static const wr_kafka_pair preset[] = {
    {"client.id", "walletrisk-ingest"},
    {"queued.max.messages.kbytes", "16384"},
    {"fetch.max.bytes", "8388608"},
    {"fetch.message.max.bytes", "2097152"}, /* a larger message still comes, alone */
    {"fetch.error.backoff.ms", "100"},
    {"reconnect.backoff.max.ms", "2000"},
    {"statistics.interval.ms", "0"},
    {0},
};
static const wr_kafka_pair owned[] = {
    {"enable.auto.commit", "false"},       {"enable.auto.offset.store", "false"},
    {"auto.offset.reset", "error"}, /* the database says where to begin */
    {"isolation.level", "read_committed"}, {"enable.partition.eof", "true"},
    {"allow.auto.create.topics", "false"}, {0},
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

static void wake(void *ctx)
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

/* A hint for people and tools; nobody here reads it. */
static void commit(wr_kafka_consumer *c, bool is_now)
{
    const int64_t now_us = wr_clock_mono_us();
    if (!is_now && now_us - c->commit_us < COMMIT_US)
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

/* Until the end, a stop (WR_ESTOPPED) or an error. */
static wr_status serve(wr_kafka_consumer *c, int64_t begun_us, wr_err *err)
{
    const int64_t max_us = c->o->max_s * 1000000;
    for (;;) {
        drain(c);
        wr_kafka_take_answers(c);
        wr_kafka_locate(c);
        flush(c, false);
        hold_back(c);
        commit(c, false);
        WR_TRY(check(c, err));
        wr_err why = {0};
        if (wr_progress_at(c->o->pg, "transfers", records(c), 0, &why) != WR_OK ||
            (max_us && wr_clock_mono_us() - begun_us >= max_us))
            return WR_ESTOPPED;
        if (c->o->is_until_end && is_at_end(c))
            return WR_OK;
    }
}

/* --- beginning and end ----------------------------------------------------------------
 */

static void prepare(rd_kafka_conf_t *rc)
{
    rd_kafka_conf_set_rebalance_cb(rc, wr_kafka_on_rebalance);
}

static wr_status connect_client(wr_kafka_consumer *c, wr_err *err)
{
    const wr_kafka_pair group[] = {{"group.id", c->o->group}, {0}};
    wr_kafka_pair ours[sizeof owned / sizeof *owned + 1] = {group[0]};
    memcpy(ours + 1, owned, sizeof owned);
    const wr_kafka_client_opts o = {.type = RD_KAFKA_CONSUMER,
                                    .conf = c->o->conf,
                                    .preset = preset,
                                    .owned = ours,
                                    .prepare = prepare};
    c->client = (wr_kafka_client){.name = "consumer", .owner = c};
    WR_TRY(wr_kafka_client_init(&c->client, &o, err));
    (void)rd_kafka_poll_set_consumer(c->client.rk);
    c->queue = rd_kafka_queue_get_consumer(c->client.rk);
    return WR_OK;
}

/* Ask in small steps, so that a stop is noticed. */
static wr_status find_topic(wr_kafka_consumer *c, wr_err *err)
{
    enum { STEP_MS = 1000 };
    wr_err why = {0};
    for (int waited_ms = 0;; waited_ms += STEP_MS) {
        int32_t partitions = 0;
        why = (wr_err){0};
        const wr_status s =
            wr_kafka_topic_find(&c->client, c->o->topic, &partitions, STEP_MS, &why);
        if (s == WR_OK)
            return WR_OK;
        if (s != WR_ETIMEOUT || waited_ms >= START_TIMEOUT_MS)
            return wr_fail(err, s, "%s: %s", c->o->conf->brokers, why.msg);
        WR_TRY(wr_progress_at(c->o->pg, "connecting", 0, 0, err));
        (void)rd_kafka_poll(c->client.rk, 0);
    }
}

static wr_status start(wr_kafka_consumer *c, wr_err *err)
{
    WR_AUTO(wr_store) st = NULL;
    WR_TRY(wr_store_open_ready(&st, c->o->dsn, err));
    WR_TRY(connect_client(c, err));
    WR_TRY(find_topic(c, err));
    c->dead.conf = c->o->conf;
    c->dead.topic = c->o->dead_topic;
    c->dead.from_topic = c->o->topic;
    WR_TRY(wr_kafka_dead_init(&c->dead, err));
    const wr_kafka_writer_opts w = {.dsn = c->o->dsn,
                                    .source = c->source.p,
                                    .dead = &c->dead,
                                    .wake = wake,
                                    .ctx = c};
    WR_TRY(wr_kafka_writer_start(&c->writer, &w, WR_STEAL(st), err));
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, c->o->topic, RD_KAFKA_PARTITION_UA);
    const rd_kafka_resp_err_t e = rd_kafka_subscribe(c->client.rk, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    return e ? wr_fail(err, WR_EIO, "topic '%s': %s", c->o->topic, rd_kafka_err2str(e))
             : WR_OK;
}

static void await_writer(wr_kafka_consumer *c)
{
    while (c->under_way) {
        wr_kafka_writer_wait(c->writer, POLL_MS);
        wr_kafka_take_answers(c);
    }
}

/* The put in hand ends, what is behind it is dropped, the marks tell why we left. */
static void leave(wr_kafka_consumer *c, wr_status s, const wr_err *why)
{
    c->is_closing = true;
    wr_kafka_writer_no_retry(c->writer);
    wr_kafka_forget_pending(c);
    for (size_t i = 0; i < c->part_cap; i++)
        if (c->part[i])
            wr_kafka_part_drop(c, c->part[i]);
    await_writer(c);
    const bool is_failed = s != WR_OK && s != WR_ESTOPPED;
    for (size_t i = 0; i < c->part_cap; i++) {
        wr_kafka_part *p = c->part[i];
        if (!p || p->state == WR_KAFKA_GONE || !p->is_known)
            continue;
        p->next = p->stored;
        wr_kafka_part_mark(c, p, is_failed ? "failed" : "stopped",
                           is_failed ? why->msg : NULL);
    }
    await_writer(c);
    commit(c, true);
}

/*
 * Leave the group.  On a queue of its own: a wake of the writer that is still pending on
 * the consumer's would end rd_kafka_consumer_close half way, and a broker that does not
 * answer must not hold us.
 */
static void close_client(wr_kafka_consumer *c)
{
    rd_kafka_t *rk = c->client.rk;
    rd_kafka_queue_t *q = rd_kafka_queue_new(rk);
    const int64_t until_us = wr_clock_mono_us() + (int64_t)CLOSE_MS * 1000;
    rd_kafka_error_t *e = rd_kafka_consumer_close_queue(rk, q);
    while (!e && !rd_kafka_consumer_closed(rk) && wr_clock_mono_us() < until_us) {
        rd_kafka_event_t *ev = rd_kafka_queue_poll(q, POLL_MS);
        if (!ev)
            continue;
        if (rd_kafka_event_type(ev) == RD_KAFKA_EVENT_REBALANCE)
            wr_kafka_on_rebalance(rk, rd_kafka_event_error(ev),
                                  rd_kafka_event_topic_partition_list(ev), &c->client);
        rd_kafka_event_destroy(ev);
    }
    if (e)
        rd_kafka_error_destroy(e);
    rd_kafka_queue_destroy(q);
}

static void release(wr_kafka_consumer *c)
{
    if (c->client.rk && c->writer)
        close_client(c);
    wr_kafka_writer_stop(c->writer);
    wr_kafka_dead_release(&c->dead);
    if (c->queue)
        rd_kafka_queue_destroy(c->queue);
    wr_kafka_client_release(&c->client);
    for (size_t i = 0; i < c->part_cap; i++)
        if (c->part[i]) {
            wr_kafka_batch_free(c->part[i]->open);
            wr_free(c->part[i]);
        }
    wr_free(c->part);
    for (wr_kafka_batch *b; (b = c->spare);) {
        c->spare = b->next;
        wr_kafka_batch_free(b);
    }
}

/* --- the report -----------------------------------------------------------------------
 */

static void add(wr_kafka_counts *sum, const wr_kafka_counts *n)
{
    sum->messages += n->messages;
    sum->gaps += n->gaps;
    sum->records += n->records;
    sum->inserted += n->inserted;
    sum->duplicates += n->duplicates;
    sum->dead += n->dead;
    sum->conflicts += n->conflicts;
    sum->fenced += n->fenced;
    sum->lost += n->lost;
}

static wr_status make_report(wr_kafka_report *rep, const wr_kafka_consumer *c,
                             wr_err *err)
{
    rep->part = wr_calloc(c->part_cap, sizeof *rep->part);
    if (!rep->part)
        return wr_fail(err, WR_ENOMEM, "report of %zu partitions", c->part_cap);
    for (size_t i = 0; i < c->part_cap; i++) {
        const wr_kafka_part *p = c->part[i];
        if (!p)
            continue;
        rep->part[rep->part_count++] =
            (wr_kafka_part_report){.partition = p->id,
                                   .is_assigned = p->state != WR_KAFKA_GONE,
                                   .next_offset = p->is_known ? p->stored : -1,
                                   .high_watermark = p->high,
                                   .n = p->n};
        add(&rep->n, &p->n);
    }
    return WR_OK;
}

static wr_status check_names(const wr_kafka_consume_opts *o, wr_err *err)
{
    const char *const topic[] = {o->topic, o->dead_topic};
    for (size_t i = 0; i < 2; i++)
        if (!topic[i][0] || strlen(topic[i]) > WR_KAFKA_TOPIC_MAX)
            return wr_fail(err, WR_EINVAL, "name of a topic must have 1..%d bytes",
                           (int)WR_KAFKA_TOPIC_MAX);
    if (strcmp(o->topic, o->dead_topic) == 0)
        return wr_fail(err, WR_EINVAL, "the dead topic is the topic itself: '%s'",
                       o->topic);
    return o->group[0] ? WR_OK : wr_fail(err, WR_EINVAL, "name of the group is empty");
}

wr_status wr_kafka_consume(wr_kafka_report *rep, const wr_kafka_consume_opts *o,
                           wr_err *err)
{
    const int64_t begun_us = wr_clock_mono_us();
    *rep = (wr_kafka_report){0};
    WR_TRY(check_names(o, err));
    (void)snprintf(rep->source, sizeof rep->source, "kafka:%s", o->topic);
    wr_kafka_consumer c = {.o = o, .source = wr_text_of(rep->source)};
    wr_err why = {0};
    wr_status s = start(&c, &why);
    if (s == WR_OK)
        s = serve(&c, begun_us, &why);
    if (c.writer) {
        leave(&c, s, &why);
        const wr_status made = make_report(rep, &c, &why);
        s = s == WR_OK || s == WR_ESTOPPED ? (made == WR_OK ? s : made) : s;
    }
    release(&c);
    rep->is_stopped = s == WR_ESTOPPED;
    rep->seconds = (double)(wr_clock_mono_us() - begun_us) / 1e6;
    return s == WR_OK || s == WR_ESTOPPED ? WR_OK : wr_fail(err, s, "%s", why.msg);
}
