/*
 * What `produce` says of messages whose first sending failed, against librdkafka's mock
 * broker: no real one fails a request on demand.  The rest is tests/integration's, with a
 * real broker.
 */
#include "wr_test.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <string.h>

#include "ingest/produce.h"

enum { MESSAGES = 12, PRODUCE_REQUEST = 0, WAIT_MS = 10000 };
static const char topic[] = "t";

typedef struct broker {
    rd_kafka_t *owner;
    rd_kafka_mock_cluster_t *mock;
    const char *brokers;
} broker;

static broker start(int rtt_ms)
{
    char why[256];
    broker b = {0};
    rd_kafka_conf_t *rc = rd_kafka_conf_new();
    assert_int_equal(rd_kafka_conf_set(rc, "log_level", "2", why, sizeof why), 0);
    b.owner = rd_kafka_new(RD_KAFKA_PRODUCER, rc, why, sizeof why);
    assert_non_null(b.owner);
    b.mock = rd_kafka_mock_cluster_new(b.owner, 1);
    assert_non_null(b.mock);
    assert_int_equal(rd_kafka_mock_topic_create(b.mock, topic, 1, 1), 0);
    assert_int_equal(rd_kafka_mock_broker_set_rtt(b.mock, 1, rtt_ms), 0);
    b.brokers = rd_kafka_mock_cluster_bootstraps(b.mock);
    return b;
}

static void stop(broker *b)
{
    rd_kafka_mock_cluster_destroy(b->mock);
    rd_kafka_destroy(b->owner);
}

/* Messages "0", "1", ..., each a batch of its own. */
static void produce_all(const broker *b, wr_produce_report *rep)
{
    WR_AUTO(wr_kafka_conf) conf = NULL;
    WR_AUTO(wr_produce) p = NULL;
    const wr_kafka_conn conn = {
        .brokers = b->brokers,
        .setting = {.item = {"batch.num.messages=1,linger.ms=0,retry.backoff.ms=1,"
                             "topic.metadata.refresh.fast.interval.ms=1"},
                    .count = 1}};
    assert_ok(wr_kafka_conf_new(&conf, &conn, &err));
    const wr_produce_opts o = {.conf = conf, .topic = topic};
    assert_ok(wr_produce_open(&p, &o, &err));
    for (int i = 0; i < MESSAGES; i++) {
        char text[8];
        (void)snprintf(text, sizeof text, "%d", i);
        assert_ok(wr_produce_send(p, (wr_text){0}, wr_text_of(text), 1, &err));
    }
    assert_ok(wr_produce_finish(p, &err));
    *rep = wr_produce_tell(p);
    assert_int_equal(rep->partition_count, 1);
    assert_int_equal(rep->partition[0].messages, MESSAGES);
    assert_int_equal(rep->partition[0].next_offset, MESSAGES);
    rep->partition = NULL; /* p's */
}

/* The log holds 0, 1, ... and no more. */
static void check_log(const broker *b)
{
    char why[256];
    rd_kafka_conf_t *rc = rd_kafka_conf_new();
    assert_int_equal(
        rd_kafka_conf_set(rc, "bootstrap.servers", b->brokers, why, sizeof why), 0);
    assert_int_equal(rd_kafka_conf_set(rc, "group.id", "reader", why, sizeof why), 0);
    rd_kafka_t *reader = rd_kafka_new(RD_KAFKA_CONSUMER, rc, why, sizeof why);
    assert_non_null(reader);
    int64_t lo = 0;
    int64_t hi = 0;
    assert_int_equal(
        rd_kafka_query_watermark_offsets(reader, topic, 0, &lo, &hi, WAIT_MS), 0);
    assert_int_equal(lo, 0);
    assert_int_equal(hi, MESSAGES);
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(all, topic, 0)->offset = 0;
    assert_int_equal(rd_kafka_assign(reader, all), 0);
    rd_kafka_topic_partition_list_destroy(all);
    for (int i = 0; i < MESSAGES; i++) {
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

/*
 * A partition's leader is not there yet when the first batch comes, and is when the
 * second one does.  With more than one request in flight librdkafka called the first one
 * delivered (KAFKA-15591).
 */
static void test_produce__a_first_batch_is_refused(void **state)
{
    (void)state;
    broker b = start(50);
    wr_produce_report rep;
    rd_kafka_mock_push_request_errors(b.mock, PRODUCE_REQUEST, 1,
                                      RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
    produce_all(&b, &rep);
    assert_int_equal(rep.delivered, MESSAGES);
    check_log(&b);
    stop(&b);
}

/* Any of the requests fails, in ways that are tried again. */
static void test_produce__some_are_refused(void **state)
{
    (void)state;
    static const rd_kafka_resp_err_t kind[] = {
        RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
        RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
        RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
    };
    wr_rng r = {.s = 7};
    for (int round = 0; round < 5; round++) {
        broker b = start(2);
        rd_kafka_resp_err_t errors[2 * MESSAGES];
        for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
            errors[i] = wr_rng_below(&r, 3) ? RD_KAFKA_RESP_ERR_NO_ERROR
                                            : kind[wr_rng_below(&r, 4)];
        rd_kafka_mock_push_request_errors_array(b.mock, PRODUCE_REQUEST,
                                                sizeof errors / sizeof *errors, errors);
        wr_produce_report rep;
        produce_all(&b, &rep);
        assert_int_equal(rep.delivered, MESSAGES);
        assert_int_equal(rep.failed, 0);
        check_log(&b);
        stop(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_produce__a_first_batch_is_refused),
        cmocka_unit_test(test_produce__some_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
