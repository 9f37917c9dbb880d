#include "ingest/produce.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "ingest/kafka_client_int.h"
#include "util/buf.h"
#include "util/clock.h"

enum {
    ASK_MS = 5000,
    POLL_MS = 50,
    BURST_US = 100000,
    CHECK_EVERY = 256,         /* messages between two looks at the stop flag */
    KEPT_MAX_BYTES = 64 << 20, /* of one transaction, kept to be sent again */
    TRANSACTION_BYTES = 16 << 20,
    ATTEMPTS = 5
};

struct wr_produce {
    wr_produce_opts o;
    wr_kafka_client k;
    rd_kafka_topic_t *topic;
    wr_produce_report rep;
    wr_produce_partition *partition; /* [partition_count] what is final */
    wr_produce_partition *pending;   /* [partition_count] of the open transaction */
    size_t partition_cap, pending_cap;
    int64_t next_us; /* when the next transfer is due */
    bool is_open;    /* a transaction */
    wr_buf kept;     /* its messages: lengths of key and value, then the bytes */
    uint32_t kept_count;
    uint64_t attempts;
    bool is_nomem;
    wr_err first; /* why a message was not delivered */
};

/* --- callbacks -------------------------------------------------------------------- */

static bool grow_partitions(wr_produce *p, uint32_t count)
{
    if (count <= p->rep.partition_count)
        return true;
    wr_produce_partition *a = wr_grow(p->partition, &p->partition_cap, count, sizeof *a);
    p->partition = a ? a : p->partition;
    wr_produce_partition *b = wr_grow(p->pending, &p->pending_cap, count, sizeof *b);
    p->pending = b ? b : p->pending;
    if (!a || !b)
        return false;
    for (uint32_t i = p->rep.partition_count; i < count; i++)
        a[i] = b[i] = (wr_produce_partition){0};
    p->rep.partition = a;
    p->rep.partition_count = count;
    return true;
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    wr_produce *p = ((wr_kafka_client *)opaque)->owner;
    (void)rk;
    if (m->err) {
        /* a purge follows a failure or belongs to an abort: not a reason of its own */
        if (m->err != RD_KAFKA_RESP_ERR__PURGE_QUEUE &&
            m->err != RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
            (void)wr_fail(&p->first, WR_EIO, "%s", rd_kafka_err2str(m->err));
        if (!p->o.transactional_id)
            p->rep.failed++;
        return;
    }
    if (m->partition < 0 || !grow_partitions(p, (uint32_t)m->partition + 1)) {
        p->is_nomem = true;
        return;
    }
    wr_produce_partition *to = p->o.transactional_id ? p->pending : p->partition;
    to[m->partition].messages++;
    if (m->offset >= 0) /* a broker that has a retried batch may not say where */
        to[m->partition].next_offset = m->offset + 1;
    if (!p->o.transactional_id)
        p->rep.delivered++;
}

/* --- opening ---------------------------------------------------------------------- */

static void prepare(rd_kafka_conf_t *rc)
{
    rd_kafka_conf_set_dr_msg_cb(rc, on_delivery);
}

static wr_status make_client(wr_produce *p, wr_err *err)
{
    const wr_kafka_pair preset[] = {
        {"client.id", "walletrisk-produce"},
        {"message.max.bytes", "16777216"},
        {"queue.buffering.max.kbytes", "65536"},
        {"topic.metadata.propagation.max.ms", "1000"},
        {"partitioner", p->o.partitioner ? p->o.partitioner : "murmur2_random"},
        {0}};
    const wr_kafka_pair owned[] = {
        {p->o.transactional_id ? "transactional.id" : NULL, p->o.transactional_id}, {0}};
    const wr_kafka_client_opts o = {.type = RD_KAFKA_PRODUCER,
                                    .conf = p->o.conf,
                                    .preset = preset,
                                    .owned = owned,
                                    .prepare = prepare};
    p->k.name = "producer";
    p->k.owner = p;
    WR_TRY(wr_kafka_client_init(&p->k, &o, err));
    p->topic = rd_kafka_topic_new(p->k.rk, p->o.topic, NULL);
    return p->topic ? WR_OK
                    : wr_fail(err, WR_EINVAL, "topic '%.100s': %s", p->o.topic,
                              rd_kafka_err2str(rd_kafka_last_error()));
}

static wr_status find_topic(wr_produce *p, wr_err *err)
{
    wr_err why = {0};
    int32_t count = 0;
    const wr_status s = wr_kafka_topic_find(&p->k, p->o.topic, &count, ASK_MS, &why);
    if (s == WR_ENOTFOUND || (s == WR_OK && !count))
        return wr_fail(err, WR_ENOTFOUND,
                       "topic '%s' is not there: make it first, it is not made by itself",
                       p->o.topic);
    if (s != WR_OK) {
        rd_kafka_poll(p->k.rk, 0); /* what happened to the connection */
        return wr_fail(err, WR_EIO, "no broker of %s answers: %s", p->o.conf->brokers,
                       p->k.last_error[0] ? p->k.last_error : why.msg);
    }
    return grow_partitions(p, (uint32_t)count)
               ? WR_OK
               : wr_fail(err, WR_ENOMEM, "no memory for partitions");
}

/* An error of a transactional call, with its text; takes it. */
static wr_status told(wr_produce *p, rd_kafka_error_t *e, const char *what, wr_err *err)
{
    if (!e)
        return WR_OK;
    const wr_status s =
        wr_fail(err, WR_EIO, "%s: %s", what,
                p->first.code != WR_OK ? p->first.msg : rd_kafka_error_string(e));
    rd_kafka_error_destroy(e);
    return s;
}

wr_status wr_produce_open(wr_produce **out, const wr_produce_opts *o, wr_err *err)
{
    WR_AUTO(wr_produce) p = wr_calloc(1, sizeof *p);
    if (!p)
        return wr_fail(err, WR_ENOMEM, "no memory for a producer");
    p->o = *o;
    wr_buf_init(&p->kept, KEPT_MAX_BYTES);
    WR_TRY(make_client(p, err));
    WR_TRY(find_topic(p, err));
    if (o->transactional_id)
        WR_TRY(told(p, rd_kafka_init_transactions(p->k.rk, 6 * ASK_MS), "transactions",
                    err));
    *out = WR_STEAL(p);
    return WR_OK;
}

void wr_produce_close(wr_produce *p)
{
    if (!p)
        return;
    if (p->topic)
        rd_kafka_topic_destroy(p->topic);
    if (p->k.rk) {
        (void)rd_kafka_purge(p->k.rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        (void)rd_kafka_flush(p->k.rk, 0);
    }
    wr_kafka_client_release(&p->k);
    wr_free(p->partition);
    wr_free(p->pending);
    wr_buf_release(&p->kept);
    wr_free(p);
}

wr_produce_report wr_produce_tell(const wr_produce *p)
{
    return p->rep;
}

/* --- one message ------------------------------------------------------------------ */

static wr_status check(const wr_produce *p, wr_err *err)
{
    if (p->is_nomem)
        return wr_fail(err, WR_ENOMEM, "no memory to count partitions");
    const wr_err *why = p->k.fatal.code != WR_OK ? &p->k.fatal : &p->first;
    if (why->code != WR_OK)
        return wr_fail(err, WR_EIO, "a message was not delivered: %s", why->msg);
    return WR_OK;
}

static wr_status check_stop(const wr_produce *p, wr_err *err)
{
    return wr_progress_at(p->o.pg, "messages", p->rep.messages, p->o.total, err);
}

static wr_status pace(wr_produce *p, uint32_t transfers, wr_err *err)
{
    if (p->o.rate_per_s <= 0)
        return WR_OK;
    int64_t now_us = wr_clock_mono_us();
    while (p->next_us > now_us) {
        const int64_t left_ms = (p->next_us - now_us + 999) / 1000;
        rd_kafka_poll(p->k.rk, left_ms < POLL_MS ? (int)left_ms : POLL_MS);
        WR_TRY(check(p, err));
        WR_TRY(check_stop(p, err));
        now_us = wr_clock_mono_us();
    }
    const int64_t earliest_us = now_us - BURST_US;
    p->next_us = p->next_us > earliest_us ? p->next_us : earliest_us;
    p->next_us += (int64_t)(1e6 * transfers / p->o.rate_per_s);
    return WR_OK;
}

/* The bytes go into librdkafka's queue; while that is full, deliveries make room. */
static wr_status enqueue(wr_produce *p, wr_text key, wr_text value, wr_err *err)
{
    for (;;) {
        WR_TRY(check(p, err));
        const int rc =
            rd_kafka_produce(p->topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY,
                             wr_kafka_bytes(value.p), value.len, key.p, key.len, NULL);
        if (rc == 0)
            return WR_OK;
        const rd_kafka_resp_err_t e = rd_kafka_last_error();
        if (e == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
            return wr_fail(err, WR_ELIMIT,
                           "a message of %" PRIu32 " bytes: over message.max.bytes",
                           value.len);
        if (e != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            return wr_fail(err, WR_EIO, "%s", rd_kafka_err2str(e));
        rd_kafka_poll(p->k.rk, POLL_MS);
        WR_TRY(check_stop(p, err));
    }
}

/* --- transactions ----------------------------------------------------------------- */

static void keep(wr_produce *p, wr_text key, wr_text value)
{
    const uint32_t len[2] = {key.p ? key.len : UINT32_MAX, value.len};
    wr_buf_add(&p->kept, len, sizeof len);
    if (key.p)
        wr_buf_add(&p->kept, key.p, key.len);
    wr_buf_add(&p->kept, value.p, value.len);
    p->kept_count++;
}

static void forget_pending(wr_produce *p)
{
    for (uint32_t i = 0; i < p->rep.partition_count; i++)
        p->pending[i] = (wr_produce_partition){0};
}

static void settle_pending(wr_produce *p)
{
    for (uint32_t i = 0; i < p->rep.partition_count; i++)
        if (p->pending[i].messages) {
            p->partition[i].messages += p->pending[i].messages;
            if (p->pending[i].next_offset)
                p->partition[i].next_offset = p->pending[i].next_offset;
            p->rep.delivered += p->pending[i].messages;
        }
    forget_pending(p);
    p->rep.transactions++;
    wr_buf_clear(&p->kept);
    p->kept_count = 0;
}

/* Until every message has its report; each has one within message.timeout.ms. */
static void flush(wr_produce *p)
{
    while (rd_kafka_outq_len(p->k.rk) > 0) {
        (void)rd_kafka_flush(p->k.rk, POLL_MS);
        /* only to show it: who asked to stop waits for what is under way */
        if (wr_progress_at(p->o.pg, "delivering", p->rep.delivered, p->rep.messages,
                           NULL) != WR_OK)
            continue;
    }
}

static wr_status begin(wr_produce *p, wr_err *err)
{
    WR_TRY(told(p, rd_kafka_begin_transaction(p->k.rk), "begin of a transaction", err));
    p->is_open = true;
    p->attempts++;
    return WR_OK;
}

static wr_status abandon(wr_produce *p, wr_err *err)
{
    p->is_open = false;
    p->rep.aborted++;
    wr_status s =
        told(p, rd_kafka_abort_transaction(p->k.rk, -1), "abort of a transaction", err);
    forget_pending(p);
    return s;
}

static wr_status send_again(wr_produce *p, wr_err *err)
{
    const char *at = p->kept.p;
    WR_TRY(begin(p, err));
    for (uint32_t i = 0; i < p->kept_count; i++) {
        uint32_t len[2];
        memcpy(len, at, sizeof len);
        at += sizeof len;
        wr_text key = {0};
        if (len[0] != UINT32_MAX) {
            key = (wr_text){at, len[0]};
            at += len[0];
        }
        const wr_text value = {at, len[1]};
        at += len[1];
        WR_TRY(enqueue(p, key, value, err));
    }
    return WR_OK;
}

/* Ends the open transaction; *is_done false: it was aborted, send it again. */
static wr_status try_end(wr_produce *p, bool *is_done, wr_err *err)
{
    *is_done = false;
    flush(p);
    if (p->o.abort_every && p->attempts % p->o.abort_every == 0)
        return abandon(p, err);
    rd_kafka_error_t *e = rd_kafka_commit_transaction(p->k.rk, -1);
    if (!e) {
        p->is_open = false;
        *is_done = true;
        settle_pending(p);
        return WR_OK;
    }
    if (!rd_kafka_error_txn_requires_abort(e))
        return told(p, e, "commit of a transaction", err);
    (void)snprintf(p->k.last_error, sizeof p->k.last_error, "%s",
                   rd_kafka_error_string(e));
    rd_kafka_error_destroy(e);
    p->first = (wr_err){0}; /* these messages get another chance */
    return abandon(p, err);
}

static wr_status end_transaction(wr_produce *p, wr_err *err)
{
    bool is_done = false;
    WR_TRY(wr_buf_status(&p->kept, "a transaction", err));
    for (int i = 0; i < ATTEMPTS; i++) {
        WR_TRY(try_end(p, &is_done, err));
        if (is_done)
            return WR_OK;
        WR_TRY(send_again(p, err));
    }
    return wr_fail(err, WR_EIO, "a transaction was aborted %d times: %s", (int)ATTEMPTS,
                   p->k.last_error);
}

/* --- in, and the end -------------------------------------------------------------- */

wr_status wr_produce_send(wr_produce *p, wr_text key, wr_text value, uint32_t transfers,
                          wr_err *err)
{
    WR_TRY(pace(p, transfers, err));
    if (p->rep.messages % CHECK_EVERY == 0)
        WR_TRY(check_stop(p, err));
    if (p->o.transactional_id && !p->is_open)
        WR_TRY(begin(p, err));
    WR_TRY(enqueue(p, key, value, err));
    p->rep.messages++;
    p->rep.transfers += transfers;
    p->rep.bytes += (uint64_t)key.len + value.len;
    rd_kafka_poll(p->k.rk, 0);
    if (!p->o.transactional_id)
        return WR_OK;
    keep(p, key, value);
    if (p->kept_count < p->o.transaction_messages && p->kept.len < TRANSACTION_BYTES)
        return WR_OK;
    return end_transaction(p, err);
}

wr_status wr_produce_finish(wr_produce *p, wr_err *err)
{
    wr_status s = WR_OK;
    if (p->first.code != WR_OK) /* the rest would wait for nothing */
        (void)rd_kafka_purge(p->k.rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    else if (p->is_open)
        s = end_transaction(p, err);
    flush(p);
    if (p->o.transactional_id)
        p->rep.failed = p->rep.messages - p->rep.delivered;
    WR_TRY(s);
    if (p->rep.delivered == p->rep.messages)
        return WR_OK;
    return wr_fail(err, WR_EIO, "%" PRIu64 " of %" PRIu64 " messages not delivered: %s",
                   p->rep.messages - p->rep.delivered, p->rep.messages,
                   p->first.code != WR_OK ? p->first.msg : "purged");
}
