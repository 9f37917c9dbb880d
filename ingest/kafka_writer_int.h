/*
 * kafka_writer_int.h - the threads that store batches, each one put at a time.
 *
 *   poll thread  --submit-->  [ jobs ]     -->  lane 0: thread, store handle
 *                                          -->  lane 1: thread, store handle
 *                <--take----  [ answers ]
 *
 * A lane takes the first job whose partition no lane has in hand.  A job stores a batch
 * or reads where a partition stands; as a partition's jobs are done in order, one at a
 * time, what a read answers is behind every put of it that was submitted before.
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

/* Counters of a partition as the database has them, to know what a lost answer brought.
 */
typedef struct wr_kafka_tally {
    bool is_known;
    uint64_t inserted, duplicates, dead;
} wr_kafka_tally;

typedef struct wr_kafka_job {
    int32_t partition;
    wr_kafka_batch *batch; /* NULL: a read */
    const atomic_uint *epoch_now;
    unsigned epoch;
    wr_kafka_tally *tally;  /* the partition's; the writer's while it has a job of it */
    const char *status;     /* of the mark, "running" */
    const char *last_error; /* NULL = none; lives until the job is answered */
    /* the answer */
    wr_kafka_outcome outcome;
    wr_put_result res;
    bool is_known;       /* of a read: the database has this partition */
    int64_t next_offset; /* of a read */
    struct wr_kafka_job *next;
} wr_kafka_job;

enum { WR_KAFKA_LANES_MAX = 4 };

typedef struct wr_kafka_writer_opts {
    const char *dsn;
    const char *source; /* "kafka:<topic>" */
    wr_kafka_dead *dead;
    int lanes;               /* 1..WR_KAFKA_LANES_MAX; 0 = 1 */
    void (*wake)(void *ctx); /* called on a lane's thread behind every answer */
    void *ctx;
} wr_kafka_writer_opts;

typedef struct wr_kafka_writer wr_kafka_writer;

/* st is the writer's from here on, also on failure. */
wr_status wr_kafka_writer_start(wr_kafka_writer **out, const wr_kafka_writer_opts *o,
                                wr_store *st, wr_err *err) WR_NODISCARD;

/* The batch is the writer's until the job comes back. */
void wr_kafka_writer_submit(wr_kafka_writer *w, wr_kafka_job *job);
/* An answer, or NULL; of a partition the oldest. */
wr_kafka_job *wr_kafka_writer_take(wr_kafka_writer *w);
/* Until there is an answer, or wait_ms have passed. */
void wr_kafka_writer_wait(wr_kafka_writer *w, int64_t wait_ms);
/* No retries from here on: what does not succeed at once is DROPPED. */
void wr_kafka_writer_no_retry(wr_kafka_writer *w);
/* What ended the writer: an error that trying again does not cure.  WR_OK: none. */
wr_status wr_kafka_writer_check(wr_kafka_writer *w, wr_err *err) WR_NODISCARD;
/* Ends the threads behind the jobs in hand and frees what is in the queues. */
void wr_kafka_writer_stop(wr_kafka_writer *w);

void wr_kafka_job_free(wr_kafka_job *job); /* with its batch */

#endif
