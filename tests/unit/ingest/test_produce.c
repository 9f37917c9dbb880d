/*
 * What `produce` says of messages whose first sending failed.  The rest is
 * tests/integration's, with a real broker.
 */
#include <stdio.h>

#include "mock_broker.h"

#include "ingest/produce.h"

enum { MESSAGES = 12 };

/* Messages "0", "1", ... */
static void produce_all(const mock_broker *b, int64_t next_offset)
{
    WR_AUTO(wr_produce) p = NULL;
    const wr_produce_opts o = {.conf = b->conf, .topic = b->topic};
    assert_ok(wr_produce_open(&p, &o, &err));
    for (int i = 0; i < MESSAGES; i++) {
        char text[8];
        (void)snprintf(text, sizeof text, "%d", i);
        assert_ok(wr_produce_send(p, (wr_text){0}, wr_text_of(text), 1, &err));
    }
    assert_ok(wr_produce_finish(p, &err));
    const wr_produce_report rep = wr_produce_tell(p);
    assert_int_equal(rep.delivered, MESSAGES);
    assert_int_equal(rep.failed, 0);
    assert_int_equal(rep.partition_count, 1);
    assert_int_equal(rep.partition[0].messages, MESSAGES);
    assert_int_equal(rep.partition[0].next_offset, next_offset);
}

/*
 * A partition's leader is not there yet when the first batch comes, and is when the
 * second one does.  With more than one request in flight librdkafka called the first one
 * delivered (KAFKA-15591).
 */
static void test_produce__a_first_batch_is_refused(void **state)
{
    (void)state;
    mock_broker b = mock_broker_start("t", 50);
    rd_kafka_mock_push_request_errors(b.mock, MOCK_PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
    produce_all(&b, MESSAGES);
    mock_broker_check(&b, MESSAGES);
    mock_broker_stop(&b);
}

/* Any of the requests fails, in ways that are tried again. */
static void test_produce__some_are_refused(void **state)
{
    (void)state;
    enum { ROUNDS = 5, KINDS = 4, ERRORS = 2 * MESSAGES };
    static const rd_kafka_resp_err_t kind[KINDS] = {
        RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
        RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
        RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
    };
    wr_rng r = {.s = 7};
    for (int round = 0; round < ROUNDS; round++) {
        mock_broker b = mock_broker_start("t", 2);
        rd_kafka_resp_err_t errors[ERRORS];
        for (size_t i = 0; i < ERRORS; i++)
            errors[i] = wr_rng_below(&r, 3) ? RD_KAFKA_RESP_ERR_NO_ERROR
                                            : kind[wr_rng_below(&r, KINDS)];
        rd_kafka_mock_push_request_errors_array(b.mock, MOCK_PRODUCE, ERRORS, errors);
        produce_all(&b, MESSAGES);
        mock_broker_check(&b, MESSAGES);
        mock_broker_stop(&b);
    }
}

/*
 * The broker says that it has the last one already, and not where.  (The mock has it not:
 * it answers so because it is told to.)
 */
static void test_produce__an_offset_is_not_told(void **state)
{
    (void)state;
    mock_broker b = mock_broker_start("t", 2);
    rd_kafka_resp_err_t errors[MESSAGES] = {RD_KAFKA_RESP_ERR_NO_ERROR};
    errors[MESSAGES - 1] = RD_KAFKA_RESP_ERR_DUPLICATE_SEQUENCE_NUMBER;
    rd_kafka_mock_push_request_errors_array(b.mock, MOCK_PRODUCE, MESSAGES, errors);
    produce_all(&b, MESSAGES - 1);
    mock_broker_stop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_produce__a_first_batch_is_refused),
        cmocka_unit_test(test_produce__some_are_refused),
        cmocka_unit_test(test_produce__an_offset_is_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
