/*
 * kafka_put_int.h - one job of the writer: store a batch, or read where a partition
 * stands, and try again until it is done (kafka_writer_int.h says when not).
 *
 * Thread: one of the writer's, but for wr_kafka_put_stop; desks of one writer share what
 * sends dead letters, one at a time.
 */
#ifndef WR_INGEST_KAFKA_PUT_INT_H
#define WR_INGEST_KAFKA_PUT_INT_H

#include <pthread.h>

#include "ingest/kafka_writer_int.h"

typedef struct wr_kafka_put_desk {
    const char *dsn;
    wr_text source;
    wr_kafka_dead *dead;
    pthread_mutex_t *dead_lock; /* of dead; the writer's */
    bool has_others;            /* desks beside this one */
    wr_store *st;               /* NULL: to be opened */
    bool is_store_hurt; /* of a try that failed: the store has, not the dead topic */
    bool is_down;       /* said already */
    atomic_bool is_stopping;
    pthread_mutex_t lock; /* for the waiting */
    pthread_cond_t wake;
} wr_kafka_put_desk;

/* st is the desk's from here on; NULL: it opens its own when it needs one. */
void wr_kafka_put_init(wr_kafka_put_desk *p, const wr_kafka_writer_opts *o,
                       pthread_mutex_t *dead_lock, wr_store *st);
void wr_kafka_put_release(wr_kafka_put_desk *p);
void wr_kafka_put_stop(wr_kafka_put_desk *p);

/* Fills the job's answer.  Errors  what trying again does not cure. */
wr_status wr_kafka_put_do(wr_kafka_put_desk *p, wr_kafka_job *job,
                          wr_err *err) WR_NODISCARD;

#endif
