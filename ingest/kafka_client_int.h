/*
 * kafka_client_int.h - one librdkafka client: made from settings, its events in our log.
 *
 * Settings take effect in this order: ours that a user may change (preset), the user's,
 * ours that nobody may change (owned, and what every producer of ours has: idempotence,
 * acks=all, one request in flight).  The client logs into wr_log; that no broker
 * answers is said once, and once more when one does again.  librdkafka reconnects by
 * itself, so that is news and no error; what it calls fatal is kept in `fatal`.
 *
 * Callbacks run inside rd_kafka_poll and rd_kafka_consumer_poll, on the caller's thread.
 * Thread: one object one thread, but for what librdkafka's own threads log.
 */
#ifndef WR_INGEST_KAFKA_CLIENT_INT_H
#define WR_INGEST_KAFKA_CLIENT_INT_H

#include <librdkafka/rdkafka.h>

#include "ingest/kafka_conf.h"

typedef struct wr_kafka_pair {
    const char *key, *value;
} wr_kafka_pair;

typedef struct wr_kafka_client {
    rd_kafka_t *rk;
    const char *name; /* in log lines: "consumer", "dead" */
    void *owner;      /* for callbacks: ((wr_kafka_client *)opaque)->owner */
    bool is_down;
    char last_error[256]; /* of a connection */
    wr_err fatal;         /* code WR_OK: none */
} wr_kafka_client;

typedef struct wr_kafka_client_opts {
    rd_kafka_type_t type;
    const wr_kafka_conf *conf;
    const wr_kafka_pair *preset, *owned;  /* each ends with key NULL */
    void (*prepare)(rd_kafka_conf_t *rc); /* sets callbacks; NULL = none */
} wr_kafka_client_opts;

/*
 * k       caller's, zeroed but for name and owner; stays where it is while it lives
 * Errors  WR_EINVAL (a setting: names it, where it came from and what is wrong with it)
 */
wr_status wr_kafka_client_init(wr_kafka_client *k, const wr_kafka_client_opts *o,
                               wr_err *err) WR_NODISCARD;
void wr_kafka_client_release(wr_kafka_client *k); /* safe on a zeroed struct */

/* Bytes for librdkafka, which wants void * also where (RD_KAFKA_MSG_F_COPY) it only reads
 * them. */
static inline void *wr_kafka_bytes(const char *p)
{
    const union {
        const char *given;
        void *wanted;
    } bytes = {.given = p};
    return bytes.wanted;
}

/* A broker has answered. */
void wr_kafka_client_is_up(wr_kafka_client *k);

/* Status of a librdkafka error: WR_ETIMEOUT, WR_ENOTFOUND (topic), WR_EIO. */
wr_status wr_kafka_status(rd_kafka_resp_err_t e);

/* --- topics (kafka_topic.c) -----------------------------------------------------------
 */

/*
 * Errors  WR_ENOTFOUND (no such topic), WR_ETIMEOUT (no broker answers), WR_EIO
 */
wr_status wr_kafka_topic_find(wr_kafka_client *k, const char *topic, int32_t *partitions,
                              int timeout_ms, wr_err *err) WR_NODISCARD;

/* Largest message of a topic (max.message.bytes).  Errors  as above */
wr_status wr_kafka_topic_max_bytes(wr_kafka_client *k, const char *topic, int64_t *bytes,
                                   wr_err *err) WR_NODISCARD;

/* Make a topic of one partition; one that is there is fine. */
wr_status wr_kafka_topic_make(wr_kafka_client *k, const char *topic, int64_t max_bytes,
                              wr_err *err) WR_NODISCARD;

#endif
