/*
 * kafka_writer_int.h - the thread that stores batches, one put at a time.
 *
 *   poll thread  --submit-->  [ jobs, in order ]  -->  writer thread (store, dead topic)
 *                <--take----  [ answers, in order ]
 *
 * A job stores a batch or reads where a partition stands; as they are done in order, what
 * a read answers is behind every put that was submitted before it.
 *
 * The store or the dead topic fails: said once, then tried again after 100 ms, 200 ms …
 * 5 s with a new handle, until it succeeds, the partition's epoch has passed (DROPPED) or
 * the writer is closing (DROPPED).  A put whose answer was lost may have been committed:
 * when the fence then refuses the retry and the database stands exactly at the batch's
 * end, it was, and what it brought is the difference of the source's counters.
 *
 * Thread: submit, take, wait, close are for one thread; the rest is inside.
 */
#ifndef WR_INGEST_KAFKA_WRITER_INT_H
#define WR_INGEST_KAFKA_WRITER_INT_H

#include "ingest/kafka_batch.h"
#include "ingest/kafka_dead_int.h"

typedef enum wr_kafka_outcome {
    WR_KAFKA_STORED,
    WR_KAFKA_READ,   /* the answer of a read */
    WR_KAFKA_FENCED, /* the database does not stand where the batch begins */
    WR_KAFKA_DROPPED,
} wr_kafka_outcome;

typedef struct wr_kafka_job {
    int32_t partition;
    wr_kafka_batch *batch; /* NULL: a read */
    const atomic_uint *epoch_now;
    unsigned epoch;
    const char *status;     /* of the mark, "running" */
    const char *last_error; /* NULL = none; lives until the job is answered */
    /* the answer */
    wr_kafka_outcome outcome;
    wr_put_result res;
    bool is_known;       /* of a read: the database has this partition */
    int64_t next_offset; /* of a read */
    struct wr_kafka_job *next;
} wr_kafka_job;

typedef struct wr_kafka_writer_opts {
    const char *dsn;
    const char *source; /* "kafka:<topic>" */
    wr_kafka_dead *dead;
    void (*wake)(void *ctx); /* called on the writer's thread behind every answer */
    void *ctx;
} wr_kafka_writer_opts;

typedef struct wr_kafka_writer wr_kafka_writer;

/* st is the writer's from here on, also on failure. */
wr_status wr_kafka_writer_start(wr_kafka_writer **out, const wr_kafka_writer_opts *o,
                                wr_store *st, wr_err *err) WR_NODISCARD;

/* The batch is the writer's until the job comes back. */
void wr_kafka_writer_submit(wr_kafka_writer *w, wr_kafka_job *job);
/* The oldest answer, or NULL. */
wr_kafka_job *wr_kafka_writer_take(wr_kafka_writer *w);
/* Until there is an answer, or wait_ms have passed. */
void wr_kafka_writer_wait(wr_kafka_writer *w, int64_t wait_ms);
/* No retries from here on: what does not succeed at once is DROPPED. */
void wr_kafka_writer_no_retry(wr_kafka_writer *w);
/* What ended the writer: an error that trying again does not cure.  WR_OK: none. */
wr_status wr_kafka_writer_check(wr_kafka_writer *w, wr_err *err) WR_NODISCARD;
/* Ends the thread behind the job in hand and frees what is in the queues. */
void wr_kafka_writer_stop(wr_kafka_writer *w);

void wr_kafka_job_free(wr_kafka_job *job); /* with its batch */

#endif
