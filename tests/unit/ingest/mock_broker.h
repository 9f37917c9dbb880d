/*
 * mock_broker.h - librdkafka's mock broker with one topic of one partition, for requests
 * that fail on demand, which no real broker does.
 */
#ifndef WR_TEST_MOCK_BROKER_H
#define WR_TEST_MOCK_BROKER_H

#include "wr_test.h"

#include <librdkafka/rdkafka.h>

/* behind rdkafka.h, as it asks for */
#include <librdkafka/rdkafka_mock.h>

#include "ingest/kafka_conf.h"

enum { MOCK_PRODUCE = 0 }; /* API key of requests to fail */

/* Settings of a producer whose every message is a batch of its own. */
#define MOCK_ONE_BY_ONE                                    \
    "batch.num.messages=1,linger.ms=0,retry.backoff.ms=1," \
    "topic.metadata.refresh.fast.interval.ms=1"

typedef struct mock_broker {
    rd_kafka_t *owner;
    rd_kafka_mock_cluster_t *mock;
    const char *topic;
    wr_kafka_conf *conf; /* MOCK_ONE_BY_ONE, at this broker */
} mock_broker;

static inline mock_broker mock_broker_start(const char *topic, int rtt_ms)
{
    char why[256];
    mock_broker b = {.topic = topic};
    rd_kafka_conf_t *rc = rd_kafka_conf_new();
    assert_int_equal(rd_kafka_conf_set(rc, "log_level", "2", why, sizeof why), 0);
    b.owner = rd_kafka_new(RD_KAFKA_PRODUCER, rc, why, sizeof why);
    assert_non_null(b.owner);
    b.mock = rd_kafka_mock_cluster_new(b.owner, 1);
    assert_non_null(b.mock);
    assert_int_equal(rd_kafka_mock_topic_create(b.mock, topic, 1, 1), 0);
    assert_int_equal(rd_kafka_mock_broker_set_rtt(b.mock, 1, rtt_ms), 0);
    const wr_kafka_conn conn = {.brokers = rd_kafka_mock_cluster_bootstraps(b.mock),
                                .setting = {.item = {MOCK_ONE_BY_ONE}, .count = 1}};
    assert_ok(wr_kafka_conf_new(&b.conf, &conn, &err));
    return b;
}

static inline void mock_broker_stop(mock_broker *b)
{
    wr_kafka_conf_free(b->conf);
    rd_kafka_mock_cluster_destroy(b->mock);
    rd_kafka_destroy(b->owner);
}

/* The log holds "0", "1", ..., `count` of them and no more. */
static inline void mock_broker_check(const mock_broker *b, int count)
{
    enum { WAIT_MS = 10000 };
    char why[256];
    rd_kafka_conf_t *rc = rd_kafka_conf_new();
    assert_int_equal(
        rd_kafka_conf_set(rc, "bootstrap.servers", b->conf->brokers, why, sizeof why), 0);
    assert_int_equal(rd_kafka_conf_set(rc, "group.id", "reader", why, sizeof why), 0);
    rd_kafka_t *reader = rd_kafka_new(RD_KAFKA_CONSUMER, rc, why, sizeof why);
    assert_non_null(reader);
    int64_t lo = 0;
    int64_t hi = 0;
    assert_int_equal(
        rd_kafka_query_watermark_offsets(reader, b->topic, 0, &lo, &hi, WAIT_MS), 0);
    assert_int_equal(lo, 0);
    assert_int_equal(hi, count);
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(all, b->topic, 0)->offset = 0;
    assert_int_equal(rd_kafka_assign(reader, all), 0);
    rd_kafka_topic_partition_list_destroy(all);
    for (int i = 0; i < count; i++) {
        char text[8];
        const size_t len = (size_t)snprintf(text, sizeof text, "%d", i);
        rd_kafka_message_t *m = rd_kafka_consumer_poll(reader, WAIT_MS);
        assert_non_null(m);
        assert_int_equal(m->err, 0);
        assert_int_equal(m->len, len);
        assert_memory_equal(m->payload, text, len);
        rd_kafka_message_destroy(m);
    }
    rd_kafka_destroy_flags(reader, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

#endif
