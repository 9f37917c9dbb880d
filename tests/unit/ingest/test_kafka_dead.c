/*
 * Letters whose first sending failed.  The rest is tests/integration's, with a real
 * broker.
 */
#include <stdio.h>

#include "mock_broker.h"

#include "ingest/kafka_dead_int.h"

enum { LETTERS = 12 };

/* Payloads "0", "1", ..., which are no transfers. */
static wr_kafka_batch *make_letters(void)
{
    WR_AUTO(wr_transfer_decoder) d = NULL;
    const wr_transfer_opts o = WR_TRANSFER_OPTS_INIT;
    wr_kafka_batch *b = NULL;
    assert_ok(wr_transfer_decoder_new(&d, &o, &err));
    assert_ok(wr_kafka_batch_new(&b, &err));
    wr_kafka_batch_begin(b, 0, 0, 0);
    for (int i = 0; i < LETTERS; i++) {
        char text[8];
        (void)snprintf(text, sizeof text, "%d", i);
        const wr_kafka_message m = {.offset = i, .payload = wr_text_of(text)};
        assert_ok(wr_kafka_batch_add(b, d, WR_TEXT_LIT("kafka:t"), &m, &err));
    }
    assert_int_equal(b->dead_count, LETTERS);
    return b;
}

static void test_dead__a_first_letter_is_refused(void **state)
{
    (void)state;
    atomic_bool is_stopping = false;
    mock_broker b = mock_broker_start("t.dead", 50);
    wr_kafka_dead d = {
        .conf = b.conf,
        .topic = b.topic,
        .from_topic = "t",
        .max_bytes = 1000000, /* the mock tells no limit */
        .is_stopping = &is_stopping,
    };
    wr_kafka_batch *letters = make_letters();
    rd_kafka_mock_push_request_errors(b.mock, MOCK_PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
    assert_ok(wr_kafka_dead_send(&d, letters, &err));
    mock_broker_check(&b, LETTERS);
    wr_kafka_batch_free(letters);
    wr_kafka_dead_release(&d);
    mock_broker_stop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dead__a_first_letter_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
