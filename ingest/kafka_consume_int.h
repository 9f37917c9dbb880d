/*
 * kafka_consume_int.h - the state of a consumer, shared by its files.
 *
 *   kafka_consume.c    beginning and end
 *   kafka_loop.c       poll, hand over, take answers, look around
 *   kafka_assign.c     which partitions are ours and where they begin
 *   kafka_part.c       one partition: what comes in, its open batch
 *
 * A partition's life:
 *
 *   GONE --assigned--> READING --the database has answered--> LOCATING
 *     ^                   ^                                      | the broker has told
 *     |                   | fenced, offset out of range          | low and high
 *     +---- revoked ---- RUNNING <---- assign or seek -----------+
 *
 * An assignment waits (is_pending) until all of its partitions are located and is then
 * given to the client in one call with all offsets, so that nothing is fetched from a
 * wrong place.  Messages of a partition that is not RUNNING are passed over: the seek
 * that ends READING brings them again.
 */
#ifndef WR_INGEST_KAFKA_CONSUME_INT_H
#define WR_INGEST_KAFKA_CONSUME_INT_H

#include "ingest/kafka_consume.h"
#include "ingest/kafka_writer_int.h"

typedef enum wr_kafka_part_state {
    WR_KAFKA_GONE,
    WR_KAFKA_READING,
    WR_KAFKA_LOCATING,
    WR_KAFKA_LOCATED, /* waits for the others of its assignment */
    WR_KAFKA_RUNNING,
} wr_kafka_part_state;

typedef struct wr_kafka_part {
    int32_t id;
    wr_kafka_part_state state;
    bool is_pending; /* in an assignment that the client has not been given yet */
    bool is_known;   /* the database has it, at `stored` */
    int64_t stored;
    int64_t committed; /* told to the broker; -1 = nothing */
    atomic_uint epoch;
    int64_t next;         /* offset that is to come */
    bool is_unsure;       /* behind a seek: a jump is to be seen twice */
    int64_t seen;         /* the jump that was seen once; -1 = none */
    wr_kafka_batch *open; /* NULL: none */
    unsigned under_way;   /* its batches at the writer */
    wr_kafka_tally tally; /* the writer's */
    int64_t retry_us;     /* LOCATING: not before */
    unsigned beyond;      /* times in a row that the broker ended before `stored` */
    int64_t target;       /* is_until_end: done at this offset; -1 = not told */
    int64_t high;         /* high watermark, as told last; 0 = not told */
    wr_kafka_counts n;
} wr_kafka_part;

enum { WR_KAFKA_SPARE_MAX = 4 };

typedef struct wr_kafka_consumer {
    const wr_kafka_consume_opts *o;
    wr_text source;
    wr_kafka_client client;
    wr_kafka_dead dead;
    wr_kafka_writer *writer;
    rd_kafka_queue_t *queue; /* the client's, to wake the poll */
    wr_kafka_part **part;    /* [part_cap] by partition; NULL = never assigned */
    size_t part_cap;
    rd_kafka_topic_partition_list_t *pending; /* NULL: none */
    wr_kafka_batch *spare;
    unsigned spare_count;
    size_t buffered_bytes; /* open batches and those at the writer */
    unsigned under_way;    /* batches and marks at the writer */
    bool is_paused, is_assigned;
    bool is_closing; /* no batch is begun or sent any more */
    int64_t assigned_us, commit_us;
    rd_kafka_resp_err_t last_error; /* said already */
    wr_err fatal;
} wr_kafka_consumer;

/* --- kafka_part.c ---------------------------------------------------------------------
 */

/* NULL: out of memory, noted as fatal. */
wr_kafka_part *wr_kafka_part_of(wr_kafka_consumer *c, int32_t partition);
/* What is buffered, and what the writer has not begun, is of no use any more. */
void wr_kafka_part_drop(wr_kafka_consumer *c, wr_kafka_part *p);
/* Hand the open batch to the writer. */
void wr_kafka_part_flush(wr_kafka_consumer *c, wr_kafka_part *p);
/* A put without rows: status and last error, and the gaps from `stored` to `next`. */
void wr_kafka_part_mark(wr_kafka_consumer *c, wr_kafka_part *p, const char *status,
                        const char *last_error);
/* A message or an end of the partition as the client gave it. */
void wr_kafka_part_take(wr_kafka_consumer *c, wr_kafka_part *p,
                        const rd_kafka_message_t *m);
void wr_kafka_part_end(wr_kafka_consumer *c, wr_kafka_part *p, int64_t offset);
void wr_kafka_batch_recycle(wr_kafka_consumer *c, wr_kafka_batch *b);

/* --- kafka_assign.c -------------------------------------------------------------------
 */

void wr_kafka_on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t what,
                           rd_kafka_topic_partition_list_t *list, void *opaque);
/* Ask the database, then the broker, then seek: the partition begins anew. */
void wr_kafka_relocate(wr_kafka_consumer *c, wr_kafka_part *p);
/* The database has answered. */
void wr_kafka_take_read(wr_kafka_consumer *c, const wr_kafka_job *job);
/* Whatever can be located, assigned or sought now. */
void wr_kafka_locate(wr_kafka_consumer *c);
/* Go back to p->next in the client.  false: not possible now, it is tried again. */
bool wr_kafka_seek(wr_kafka_consumer *c, wr_kafka_part *p);
/* Give back what was never assigned, so that the client can close. */
void wr_kafka_forget_pending(wr_kafka_consumer *c);

/* --- kafka_loop.c ---------------------------------------------------------------------
 */

/* Everything that the writer has answered. */
void wr_kafka_take_answers(wr_kafka_consumer *c);
/* The poll ends; on the writer's thread. */
void wr_kafka_wake(void *consumer);
/* Offsets to the broker, now or when it is time: a hint that nobody here reads. */
void wr_kafka_commit(wr_kafka_consumer *c, bool is_now);
/* Until the end, a stop (WR_ESTOPPED) or an error. */
wr_status wr_kafka_serve(wr_kafka_consumer *c, int64_t begun_us,
                         wr_err *err) WR_NODISCARD;

#endif
