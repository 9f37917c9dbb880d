/*
 * produce.h - messages to one Kafka topic: all delivered, each once, in order per key.
 *
 * An idempotent producer with acks=all and one request in flight: a message that counts
 * as delivered is in the log once, however often it was sent.  What was delivered is
 * counted from the delivery reports, by partition.  The first message that cannot be
 * delivered ends the work: what came after it with the same key would be out of order.
 *
 * Messages with one key keep their order, since a key has one partition: the default
 * partitioner is murmur2_random, the one of the Java clients, so that several producers
 * agree.
 *
 * With a transactional id messages go in transactions of so many, and the last one is
 * committed at the end.  `abort_every` aborts every N-th attempt after its messages are
 * in the log, and sends them again: readers of committed records see each once, and gaps
 * where the aborted ones lie.  A transaction that the broker aborts is sent again as
 * well.
 *
 * The rate is a token bucket of a tenth of a second.
 * Thread: one object one thread (librdkafka has its own, our callbacks run on the
 * caller's).
 */
#ifndef WR_INGEST_PRODUCE_H
#define WR_INGEST_PRODUCE_H

#include <stdbool.h>

#include "ingest/kafka_conf.h"
#include "util/progress.h"
#include "util/text.h"

typedef struct wr_produce wr_produce;

typedef struct wr_produce_opts {
    const wr_kafka_conf *conf;
    const char *topic;
    const char *partitioner;      /* NULL = murmur2_random */
    double rate_per_s;            /* transfers; 0 = as fast as it goes */
    const char *transactional_id; /* NULL = no transactions */
    uint32_t transaction_messages;
    uint64_t abort_every; /* 0 = none */
    uint64_t total;       /* messages expected, for progress; 0 = unknown */
    const wr_progress *pg;
} wr_produce_opts;

typedef struct wr_produce_partition {
    uint64_t messages;   /* delivered; with transactions: committed */
    int64_t next_offset; /* behind the last one whose offset was told; 0 = none yet */
} wr_produce_partition;

/* Window on the counters; lives as long as the producer. */
typedef struct wr_produce_report {
    uint64_t messages, transfers; /* handed over */
    uint64_t bytes;               /* keys and values of them */
    uint64_t delivered, failed;   /* messages */
    uint64_t transactions, aborted;
    const wr_produce_partition *partition; /* [partition_count] */
    uint32_t partition_count;
} wr_produce_report;

/*
 * Connects and asks for the topic.
 * Errors  WR_EINVAL     a setting that librdkafka does not take
 *         WR_ENOTFOUND  no such topic (it is not made by itself)
 *         WR_EIO        no broker answers in 5 s
 */
wr_status wr_produce_open(wr_produce **out, const wr_produce_opts *o,
                          wr_err *err) WR_NODISCARD;
void wr_produce_close(wr_produce *p); /* accepts NULL; does not wait: see _finish */
WR_DEFINE_AUTO(wr_produce, wr_produce_close)

/*
 * Hand over one message, waiting for its turn and for room.  Both are copied; a key
 * without bytes (p == NULL) is none.  transfers: what it counts for the rate.
 * Errors  WR_EIO (a message was not delivered), WR_ELIMIT (too large), WR_ESTOPPED,
 *         WR_ENOMEM
 */
wr_status wr_produce_send(wr_produce *p, wr_text key, wr_text value, uint32_t transfers,
                          wr_err *err) WR_NODISCARD;

/*
 * Wait until everything is delivered (and committed).  Also after a failed or stopped
 * send: what was handed over is then delivered or counted as failed.
 * Errors  WR_EIO (how many were not delivered, and the first reason)
 */
wr_status wr_produce_finish(wr_produce *p, wr_err *err) WR_NODISCARD;

wr_produce_report wr_produce_tell(const wr_produce *p);

#endif
