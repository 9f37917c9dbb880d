#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ingest/kafka_dead_int.h"
#include "util/log.h"

enum {
    FIND_TIMEOUT_MS = 15000,
    POLL_MS = 50,
    /* What a record costs beside key, payload and headers: batch and record frames. */
    FRAME_BYTES = 256,
    DEFAULT_MAX_BYTES = 1000000,
    QUEUE_KBYTES = 16384,
    MAX_BYTES_MIN = 2048, /* reason, field and names must fit */
};

static const wr_kafka_pair preset[] = {
    {"linger.ms", "2"},
    {"message.timeout.ms", "30000"},
    {"reconnect.backoff.max.ms", "2000"},
    {0},
};

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    (void)rk;
    wr_kafka_dead *d = ((wr_kafka_client *)opaque)->owner;
    d->waiting--;
    if (m->err && !d->refused)
        d->refused = m->err;
}

static void prepare(rd_kafka_conf_t *rc)
{
    rd_kafka_conf_set_dr_msg_cb(rc, on_delivery);
}

static wr_status open_client(wr_kafka_dead *d, wr_err *err)
{
    if (d->client.rk)
        return WR_OK;
    char max_bytes[24];
    char queue_kbytes[24];
    const int64_t most = d->max_bytes > 1000000000 ? 1000000000 : d->max_bytes;
    (void)snprintf(max_bytes, sizeof max_bytes, "%" PRId64,
                   most > 1000 ? most : 1000); /* also of a batch of them */
    (void)snprintf(queue_kbytes, sizeof queue_kbytes, "%" PRId64,
                   most / 1024 + QUEUE_KBYTES); /* a message of any size fits */
    wr_kafka_pair mine[8] = {{"message.max.bytes", max_bytes},
                             {"queue.buffering.max.kbytes", queue_kbytes}};
    for (size_t i = 0; preset[i].key; i++)
        mine[i + 2] = preset[i];
    const wr_kafka_client_opts o = {
        .type = RD_KAFKA_PRODUCER, .conf = d->conf, .preset = mine, .prepare = prepare};
    d->waiting = 0;
    d->client = (wr_kafka_client){.name = "dead", .owner = d};
    return wr_kafka_client_init(&d->client, &o, err);
}

static void close_client(wr_kafka_dead *d)
{
    if (!d->client.rk)
        return;
    (void)rd_kafka_purge(d->client.rk,
                         RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    (void)rd_kafka_poll(d->client.rk, 0);
    wr_kafka_client_release(&d->client);
}

void wr_kafka_dead_release(wr_kafka_dead *d)
{
    close_client(d);
}

/* --- the topic ------------------------------------------------------------------------
 */

/* A broker that does not tell has the usual limit, or nearly. */
static int64_t max_bytes_of(wr_kafka_dead *d, const char *topic)
{
    int64_t bytes = 0;
    wr_err why = {0};
    if (wr_kafka_topic_max_bytes(&d->client, topic, &bytes, &why) == WR_OK)
        return bytes;
    wr_log(WR_LOG_WARN, "topic_limit_unknown", "error", why.msg, NULL);
    return DEFAULT_MAX_BYTES;
}

wr_status wr_kafka_dead_init(wr_kafka_dead *d, wr_err *err)
{
    wr_err why = {0};
    int32_t partitions = 0;
    WR_TRY(open_client(d, err));
    wr_status s =
        wr_kafka_topic_find(&d->client, d->topic, &partitions, FIND_TIMEOUT_MS, &why);
    if (s == WR_ENOTFOUND) {
        d->max_bytes = max_bytes_of(d, d->from_topic);
        WR_TRY(wr_kafka_topic_make(&d->client, d->topic, d->max_bytes, err));
        wr_log(WR_LOG_INFO, "topic_made", "topic", d->topic, NULL);
    } else if (s != WR_OK) {
        return wr_fail(err, s, "%s", why.msg);
    } else {
        d->max_bytes = max_bytes_of(d, d->topic);
    }
    close_client(d); /* the next one is made with this limit */
    return WR_OK;
}

/* --- one letter -----------------------------------------------------------------------
 */

static size_t add_header(rd_kafka_headers_t *h, const char *name, wr_text value)
{
    /* Fails only for a header that is read only: ours is new. */
    (void)rd_kafka_header_add(h, name, -1, value.p ? value.p : "", (ssize_t)value.len);
    return strlen(name) + value.len + 16;
}

static rd_kafka_headers_t *make_headers(const wr_kafka_dead *d, const wr_dead_letter *l,
                                        size_t *bytes)
{
    char partition[16];
    char offset[24];
    (void)snprintf(partition, sizeof partition, "%" PRId32, l->partition);
    (void)snprintf(offset, sizeof offset, "%" PRId64, l->position);
    rd_kafka_headers_t *h = rd_kafka_headers_new(6);
    *bytes = add_header(h, "walletrisk.topic", wr_text_of(d->from_topic)) +
             add_header(h, "walletrisk.partition", wr_text_of(partition)) +
             add_header(h, "walletrisk.offset", wr_text_of(offset)) +
             add_header(h, "walletrisk.field", l->field) +
             add_header(h, "walletrisk.reason", l->reason);
    return h;
}

/* Bytes of key and payload that the dead topic admits. */
static void fit(const wr_kafka_dead *d, const wr_kafka_original *o, size_t header_bytes,
                size_t *key_len, size_t *len)
{
    const size_t most = (size_t)d->max_bytes;
    *key_len = o->key.len < most / 2 ? o->key.len : most / 2;
    const size_t other = header_bytes + *key_len + FRAME_BYTES;
    const size_t room = other < most ? most - other : 0;
    *len = o->payload.len < room ? o->payload.len : room;
}

static rd_kafka_resp_err_t produce(const wr_kafka_dead *d, rd_kafka_headers_t *h,
                                   const wr_kafka_original *o, size_t key_len, size_t len)
{
    /* Not the macros: they are GNU statement expressions. */
    const rd_kafka_vu_t v[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = d->topic},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = h},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {wr_kafka_bytes(o->key.p), key_len}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {wr_kafka_bytes(o->payload.p), len}},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
    };
    rd_kafka_error_t *e = rd_kafka_produceva(d->client.rk, v, sizeof v / sizeof *v);
    if (!e)
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    const rd_kafka_resp_err_t code = rd_kafka_error_code(e);
    rd_kafka_error_destroy(e);
    return code;
}

static wr_status send_one(wr_kafka_dead *d, const wr_dead_letter *l,
                          const wr_kafka_original *o, wr_err *err)
{
    size_t header_bytes = 0;
    size_t key_len = 0;
    size_t len = 0;
    rd_kafka_headers_t *h = make_headers(d, l, &header_bytes);
    fit(d, o, header_bytes, &key_len, &len);
    if (key_len < o->key.len || len < o->payload.len)
        (void)add_header(h, "walletrisk.cut", WR_TEXT_LIT("true"));
    for (;;) {
        const rd_kafka_resp_err_t e = produce(d, h, o, key_len, len);
        if (!e) { /* the headers are the message's now */
            d->waiting++;
            return WR_OK;
        }
        if (e != RD_KAFKA_RESP_ERR__QUEUE_FULL || d->refused ||
            atomic_load_explicit(d->is_stopping, memory_order_relaxed)) {
            rd_kafka_headers_destroy(h);
            return wr_fail(err, WR_EIO, "dead topic '%s': %s", d->topic,
                           rd_kafka_err2str(e));
        }
        (void)rd_kafka_poll(d->client.rk, POLL_MS);
    }
}

static wr_status await(wr_kafka_dead *d, wr_err *err)
{
    while (d->waiting && !d->refused) {
        if (atomic_load_explicit(d->is_stopping, memory_order_relaxed))
            return wr_fail(err, WR_ESTOPPED, "stopped while the dead topic is written");
        (void)rd_kafka_poll(d->client.rk, POLL_MS);
    }
    if (!d->refused)
        return WR_OK;
    /* The limit was not what it seemed: cut shorter next time. */
    if (d->refused == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE &&
        d->max_bytes >= 2 * (int64_t)MAX_BYTES_MIN)
        d->max_bytes /= 2;
    return wr_fail(err, wr_kafka_status(d->refused), "dead topic '%s': %s", d->topic,
                   rd_kafka_err2str(d->refused));
}

wr_status wr_kafka_dead_send(wr_kafka_dead *d, const wr_kafka_batch *b, wr_err *err)
{
    WR_TRY(open_client(d, err));
    d->refused = RD_KAFKA_RESP_ERR_NO_ERROR;
    wr_status s = WR_OK;
    for (size_t i = 0; s == WR_OK && i < b->dead_count; i++)
        s = send_one(d, &b->dead[i], &b->original[i], err);
    if (s == WR_OK)
        s = await(d, err);
    if (s == WR_OK) {
        wr_kafka_client_is_up(&d->client);
    } else {
        close_client(d);
    }
    return s;
}
