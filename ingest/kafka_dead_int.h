/*
 * kafka_dead_int.h - refused messages into the dead topic, acknowledged.
 *
 * Each goes there with its key and payload as they were, and headers that say where it
 * was and why it was refused: walletrisk.topic, .partition, .offset, .field, .reason.  A
 * payload (or key) that the dead topic does not admit is cut, with walletrisk.cut = true;
 * the original topic has the whole.
 *
 * At least once: sending comes before the database's commit, so a crash between the two
 * sends again.  The letters in the database are exactly once.
 *
 * A producer that failed is thrown away and made anew: an idempotent one cannot go on
 * behind a record that it gave up.  Thread: one object one thread.
 */
#ifndef WR_INGEST_KAFKA_DEAD_INT_H
#define WR_INGEST_KAFKA_DEAD_INT_H

#include "ingest/kafka_batch.h"
#include "ingest/kafka_client_int.h"

typedef struct wr_kafka_dead {
    wr_kafka_client client;
    const wr_kafka_conf *conf;
    const char *topic, *from_topic; /* caller's */
    int64_t max_bytes;              /* of a message in the dead topic */
    const atomic_bool *is_stopping; /* ends the waiting */
    size_t waiting;                 /* sent, not acknowledged */
    rd_kafka_resp_err_t refused;    /* the first that was not */
} wr_kafka_dead;

/*
 * Find the dead topic, make it when it is missing (one partition, messages as large as
 * those of from_topic).
 * Errors  WR_EINVAL (settings), of the broker
 */
wr_status wr_kafka_dead_init(wr_kafka_dead *d, wr_err *err) WR_NODISCARD;
void wr_kafka_dead_release(wr_kafka_dead *d); /* safe on a zeroed struct */

/*
 * All letters of a batch; returns when the broker has them.
 * Errors  WR_EIO, WR_ETIMEOUT (try again), WR_ESTOPPED, WR_ENOMEM
 */
wr_status wr_kafka_dead_send(wr_kafka_dead *d, const wr_kafka_batch *b,
                             wr_err *err) WR_NODISCARD;

#endif
