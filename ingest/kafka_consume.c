#include "ingest/kafka_consume.h"

#include <stdio.h>
#include <string.h>

#include "ingest/kafka_consume_int.h"
#include "util/clock.h"

enum { POLL_MS = 100, START_TIMEOUT_MS = 30000, CLOSE_MS = 10000 };

/* The user may change these: what bounds memory, and how fast a dead member is noticed.
 * A client whose queue is full asks the broker again a second later (librdkafka before
 * 2.2 cannot be told otherwise): the queue must hold what is stored in a second. */
static const wr_kafka_pair preset[] = {
    {"client.id", "walletrisk-ingest"},
    {"queued.max.messages.kbytes", "32768"},
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

/* PostgreSQL takes two batches at once; SQLite has one writer. */
static int lanes_of(const wr_store *st)
{
    return strcmp(wr_store_kind(st), "postgresql") == 0 ? 2 : 1;
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
                                    .lanes = lanes_of(st),
                                    .wake = wr_kafka_wake,
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
    for (size_t i = 0; i < c->part_cap; i++)
        if (c->part[i])
            wr_kafka_part_drop(c, c->part[i]);
    await_writer(c);
    const bool is_failed = s != WR_OK && s != WR_ESTOPPED;
    for (size_t i = 0; i < c->part_cap; i++) {
        wr_kafka_part *p = c->part[i];
        if (!p || p->state == WR_KAFKA_GONE || !p->is_known ||
            (p->is_pending && !is_failed))
            continue;
        p->next = p->stored;
        wr_kafka_part_mark(c, p, is_failed ? "failed" : "stopped",
                           is_failed ? why->msg : NULL);
    }
    await_writer(c);
    wr_kafka_forget_pending(c);
    wr_kafka_commit(c, true);
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
    /*
     * librdkafka before 2.3 asserts when a cooperative consumer is destroyed before its
     * first assignment (its issue 4312), and one that is not closed may wait for ever:
     * such a client is left to the end of the process.
     */
    if (e || !c->is_assigned || !rd_kafka_consumer_closed(rk))
        c->client.rk = NULL;
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
        s = wr_kafka_serve(&c, begun_us, &why);
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
