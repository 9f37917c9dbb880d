/*
 * kafka_consume.h - one member of a consumer group: a topic into the store, exactly once.
 *
 *   broker --> poll thread (this call): decode into one open batch per partition
 *                  | full, or old enough and none of its partition is under way
 *                  v
 *              writer thread: one wr_store_put per batch = rows, dead letters, offset
 *
 * Where a partition stands is what the database says (source "kafka:<topic>").  The
 * broker's committed offset is written for people and tools and never read.  Every put is
 * fenced: of two members that hold a partition for a moment one gets each batch in, the
 * other drops what it has, asks the database and goes on from there.
 *
 * An offset further than the next one means that those between hold no record for us
 * (transaction markers, aborted records, compaction): gaps, counted.  Right behind a seek
 * such a jump is believed only when it is seen twice, as the client may still have had
 * an older message in hand.
 *
 * Memory is bounded: batches by rows, bytes and time; all of them together by
 * buffer_bytes, over which partitions are paused until half of it is stored; the client's
 * own queue by its settings.
 *
 * Thread: main only; starts the writer's and librdkafka's own.
 */
#ifndef WR_INGEST_KAFKA_CONSUME_H
#define WR_INGEST_KAFKA_CONSUME_H

#include "ingest/kafka_batch.h"
#include "ingest/kafka_conf.h"

typedef struct wr_kafka_consume_opts {
    const wr_kafka_conf *conf;
    const char *dsn;
    const char *topic, *group, *dead_topic;
    const wr_transfer_decoder *decoder;
    wr_kafka_limits limits;
    size_t buffer_bytes;
    bool is_until_end; /* stop where the partitions ended when they were assigned */
    int64_t max_s;     /* 0 = for ever */
    const wr_progress *pg;
} wr_kafka_consume_opts;

typedef struct wr_kafka_counts {
    uint64_t messages, gaps; /* offsets stored by this call */
    uint64_t records, inserted, duplicates, dead,
        conflicts;   /* conflicts are among dead */
    uint64_t fenced; /* batches that the database refused, as another member was first */
    uint64_t lost;   /* offsets that the broker had removed before they were read */
} wr_kafka_counts;

typedef struct wr_kafka_part_report {
    int32_t partition;
    bool is_assigned;                    /* at the end */
    int64_t next_offset, high_watermark; /* -1 / 0 = not known */
    wr_kafka_counts n;
} wr_kafka_part_report;

typedef struct wr_kafka_report {
    char source[300];
    wr_kafka_counts n;          /* of all partitions */
    wr_kafka_part_report *part; /* [part_count] that were ever assigned; wr_free */
    size_t part_count;
    bool is_stopped; /* on request, not at the end */
    double seconds;
} wr_kafka_report;

/*
 * rep     filled as far as it went, also on failure: what it counts is in the store
 * Errors  WR_EINVAL (settings, names), WR_ENOTFOUND (topic), WR_ETIMEOUT (no broker at
 * the start), WR_ECONFLICT (the database is ahead of the broker: the topic was made
 *         anew), WR_EIO (what the client calls fatal), of the store when trying again
 * does not help.  A stop on request is no error.
 */
wr_status wr_kafka_consume(wr_kafka_report *rep, const wr_kafka_consume_opts *o,
                           wr_err *err) WR_NODISCARD;

enum { WR_KAFKA_TOPIC_MAX = 249 }; /* Kafka's own limit */

/*
 * Where to begin a partition that the database has at `stored` (is_known) and the broker
 * from `low` to `high`.
 * lost    offsets that the broker has removed and the database does not have
 * Errors  WR_ECONFLICT (stored beyond high: names topic, partition, both offsets)
 */
wr_status wr_kafka_begin_at(int64_t *begin, uint64_t *lost, const char *topic,
                            int32_t partition, bool is_known, int64_t stored, int64_t low,
                            int64_t high, wr_err *err) WR_NODISCARD;

#endif
