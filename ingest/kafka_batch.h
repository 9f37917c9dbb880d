/*
 * kafka_batch.h - messages of one partition as one database transaction.
 *
 * A batch covers the offsets [from_offset, next_offset) of its partition without a hole:
 * each is a message or a gap (a transaction marker, an aborted or a compacted record).
 * Messages are decoded at once and what is kept of them goes into the batch's arena, so
 * the client's memory goes back at once and what a batch takes is known; a refused one
 * leaves its letter and, for the dead topic, its key and its full payload.
 *
 * `epoch` is the partition's counter as the batch began: whoever takes the partition away
 * from a batch (revoked, fenced, sought) adds one to the counter, and a batch of an older
 * epoch is dropped wherever it is met.
 *
 * Knows nothing of the client.  Thread: one object one thread; handed from the one that
 * fills to the one that stores.
 */
#ifndef WR_INGEST_KAFKA_BATCH_H
#define WR_INGEST_KAFKA_BATCH_H

#include "codec/transfer_json.h"
#include "store/store.h"

typedef struct wr_kafka_message {
    int64_t offset;
    wr_text key;     /* {NULL, 0}: none */
    wr_text payload; /* {NULL, 0}: a tombstone */
} wr_kafka_message;

/* What a refused message was, whole; parallel to the letters. */
typedef struct wr_kafka_original {
    wr_text key, payload; /* absent as in the message */
} wr_kafka_original;

typedef struct wr_kafka_limits {
    size_t rows;      /* of a batch: transfers and dead letters */
    size_t bytes;     /* of a batch, decoded */
    int64_t flush_us; /* age at which a batch goes out though it is not full */
} wr_kafka_limits;

typedef struct wr_kafka_batch {
    int32_t partition;
    int64_t from_offset, next_offset;
    uint64_t messages, gaps; /* next_offset - from_offset = messages + gaps */
    wr_transfer *transfer;   /* [transfer_count] texts in the arena */
    int64_t *position;       /* [transfer_count] offset of each one's message */
    size_t transfer_count, transfer_cap, position_cap;
    wr_dead_letter *dead;        /* [dead_count] */
    wr_kafka_original *original; /* [dead_count] */
    size_t dead_count, dead_cap, original_cap;
    wr_arena arena;
    wr_arena scratch;       /* of the message that is decoded */
    int64_t begun_us;       /* monotonic; when its first offset came; 0 = empty */
    int64_t high_watermark; /* 0 = not told */
    bool is_dead_sent;      /* the dead topic has acknowledged its letters */
    bool is_tried;          /* a put of it had no answer */
    unsigned epoch;
    struct wr_kafka_batch *next; /* in a list of spare ones */
} wr_kafka_batch;

wr_status wr_kafka_batch_new(wr_kafka_batch **out, wr_err *err) WR_NODISCARD;
void wr_kafka_batch_free(wr_kafka_batch *b); /* accepts NULL */

/* Empty, at this offset; keeps its memory. */
void wr_kafka_batch_begin(wr_kafka_batch *b, int32_t partition, int64_t from_offset,
                          unsigned epoch);

/*
 * Take one message.  Offsets between next_offset and it are gaps; one below next_offset
 * was taken before and changes nothing.
 * Errors  WR_ENOMEM (the batch is of no use any more)
 */
wr_status wr_kafka_batch_add(wr_kafka_batch *b, const wr_transfer_decoder *d,
                             wr_text source, const wr_kafka_message *m,
                             wr_err *err) WR_NODISCARD;

/* The partition goes on at `offset`: what lies before it are gaps. */
void wr_kafka_batch_skip(wr_kafka_batch *b, int64_t offset);

static inline bool wr_kafka_batch_is_empty(const wr_kafka_batch *b)
{
    return b->next_offset == b->from_offset;
}
size_t wr_kafka_batch_bytes(const wr_kafka_batch *b);
bool wr_kafka_batch_is_full(const wr_kafka_batch *b, const wr_kafka_limits *l);
/* Not empty and old enough. */
bool wr_kafka_batch_is_due(const wr_kafka_batch *b, const wr_kafka_limits *l,
                           int64_t now_us);

/* What wr_store_put wants; mark lives as long as the put, both point into the batch. */
void wr_kafka_batch_put(const wr_kafka_batch *b, wr_text source, wr_source_mark *mark,
                        wr_put *put);

#endif
