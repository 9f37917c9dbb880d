/* Files, lines and the simulator as messages; no broker. */
#include "wr_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "codec/transfer_json.h"
#include "ingest/message_feed.h"
#include "ingest/simulate_text.h"

#define A "0x1fb7bd310d95f2a6d9baaf8a8a430a9a04453a8b"
#define B "0xb5aef1de312925438c00d12fca19c8d8a99e3d1e"
#define GOOD                                            \
    "{\"chain\":\"ETH\",\"from\":\"" A "\",\"to\":\"" B \
    "\",\"value\":1,\"time\":1600000000}"

enum { TEXT_MAX = 1 << 26, SIM_PAYMENTS = 3000 };

/* Messages as lines: key, a bar, value. */
typedef struct heard {
    wr_buf lines;
    uint64_t messages, transfers, fail_at;
} heard;

static wr_status hear(void *ctx, wr_text key, wr_text value, uint32_t transfers,
                      wr_err *err)
{
    heard *h = ctx;
    if (h->fail_at && h->messages + 1 == h->fail_at)
        return wr_fail(err, WR_EIO, "the sink is full");
    h->messages++;
    h->transfers += transfers;
    wr_buf_add(&h->lines, key.p, key.len);
    wr_buf_adds(&h->lines, key.p ? "|" : "(no key)|");
    wr_buf_add(&h->lines, value.p, value.len);
    wr_buf_adds(&h->lines, "\n");
    return WR_OK;
}

static wr_message_sink sink_of(heard *h, uint64_t limit)
{
    *h = (heard){0};
    wr_buf_init(&h->lines, TEXT_MAX);
    return (wr_message_sink){.message = hear, .ctx = h, .limit = limit};
}

static void write_file(char path[32], const char *text, size_t len)
{
    (void)snprintf(path, 32, "/tmp/wr_feed_XXXXXX");
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *f = fdopen(fd, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static wr_transfer_decoder *decoder(void)
{
    const wr_transfer_opts o = WR_TRANSFER_OPTS_INIT;
    wr_transfer_decoder *d = NULL;
    assert_ok(wr_transfer_decoder_new(&d, &o, &err));
    return d;
}

static void test_raw__lines_go_as_they_are(void **state)
{
    (void)state;
    static const char text[] = GOOD "\n\n \t\r\nhello \x01\r\n  " GOOD
                                    " \n{\"from\":null}\nlast without a break";
    char path[32];
    heard h;
    wr_message_feed_report rep = {0};
    WR_AUTO(wr_transfer_decoder) d = decoder();
    const wr_message_sink sink = sink_of(&h, 0);
    write_file(path, text, sizeof text - 1);
    assert_ok(wr_message_feed_raw(&rep, path, d, &sink, &err));
    assert_string_equal(wr_buf_cstr(&h.lines),
                        "eip155:1:" A "|" GOOD "\n(no key)|hello \x01\r\neip155:1:" A
                        "|  " GOOD " \n(no key)|{\"from\":null}\n"
                        "(no key)|last without a break\n");
    assert_int_equal(rep.messages, 5);
    assert_int_equal(rep.refused, 0);
    wr_buf_release(&h.lines);
    assert_int_equal(unlink(path), 0);
}

/* Lines that are longer than what is read at once, and one that is too long. */
static void test_raw__long_lines(void **state)
{
    (void)state;
    enum { LONG = 5000000 };
    char path[32];
    heard h;
    wr_message_feed_report rep = {0};
    WR_AUTO(wr_transfer_decoder) d = decoder();
    wr_message_sink sink = sink_of(&h, 0);
    char *text = calloc(WR_RAW_LINE_MAX + 10, 1);
    assert_non_null(text);
    memset(text, 'x', WR_RAW_LINE_MAX + 9);
    text[3] = text[LONG] = text[LONG + 2] = '\n';
    write_file(path, text, LONG + 100);
    assert_ok(wr_message_feed_raw(&rep, path, d, &sink, &err));
    assert_int_equal(rep.messages, 4);
    assert_int_equal(h.lines.len, 4 * sizeof "(no key)|" + LONG + 100 - 3);
    assert_int_equal(unlink(path), 0);
    wr_buf_release(&h.lines);

    sink = sink_of(&h, 0);
    text[LONG] = text[LONG + 2] = text[3] = 'x';
    write_file(path, text, WR_RAW_LINE_MAX + 9);
    assert_err(WR_ELIMIT, wr_message_feed_raw(&rep, path, d, &sink, &err));
    assert_int_equal(h.messages, 0);
    assert_int_equal(unlink(path), 0);
    free(text);
    wr_buf_release(&h.lines);
}

static void test_file__refused_records_are_told_not_sent(void **state)
{
    (void)state;
    static const char text[] = "tx_hash,from,to,value,time\n"
                               "0x01,a,b,1,1600000000\n,x,y,1,1600000000\n"
                               ",x,y,-1,1600000000\n,x,z,2,1600000000\n";
    char path[32];
    heard h;
    wr_message_feed_report rep = {0};
    const wr_message_sink sink = sink_of(&h, 0);
    wr_transfer_reader_opts o = WR_TRANSFER_READER_OPTS_INIT;
    write_file(path, text, sizeof text - 1);
    o.path = path;
    o.transfer.chain = "opaque:bank";
    assert_ok(wr_message_feed_file(&rep, &o, &sink, &err));
    assert_int_equal(rep.messages, 3);
    assert_int_equal(rep.refused, 1);
    assert_string_equal(rep.first_refused, "record 3: value '-1' is negative");
    assert_non_null(strstr(h.lines.p, "opaque:bank:a|{\"chain\":\"opaque:bank\",\"tx_hash"
                                      "\":\"0x01\",\"position\":0,\"from\":\"a\","));
    wr_buf_release(&h.lines);
    assert_int_equal(unlink(path), 0);
}

static void test_file__limit_and_a_sink_that_fails(void **state)
{
    (void)state;
    static const char text[] = GOOD "\n" GOOD "\n" GOOD "\n";
    char path[32];
    heard h;
    wr_message_feed_report rep = {0};
    wr_message_sink sink = sink_of(&h, 2);
    wr_transfer_reader_opts o = WR_TRANSFER_READER_OPTS_INIT;
    write_file(path, text, sizeof text - 1);
    o.path = path;
    assert_ok(wr_message_feed_file(&rep, &o, &sink, &err));
    assert_int_equal(rep.messages, 2);
    sink.limit = 0;
    h.fail_at = 4;
    wr_err why = {0};
    assert_int_equal(wr_message_feed_file(&rep, &o, &sink, &why), WR_EIO);
    assert_string_equal(why.msg, "the sink is full");
    assert_int_equal(rep.messages, 3);
    wr_buf_release(&h.lines);
    assert_int_equal(unlink(path), 0);
}

/* The simulator straight to messages, and through its files: the same bytes. */
static void simulated_is_read(const char *chain_name)
{
    wr_sim_opts o = WR_SIM_OPTS_INIT;
    wr_message_feed_report rep = {0};
    heard direct;
    heard by_file;
    char path[] = "/tmp/wr_feed_XXXXXX";
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    wr_sim_files files = {.transfers = fdopen(fd, "wb")};
    assert_non_null(files.transfers);
    assert_ok(wr_chain_find(&files.chain, wr_text_of(chain_name), &err));
    o.payments = SIM_PAYMENTS;
    o.incidents = 3;
    o.is_utxo = files.is_utxo = files.chain->is_utxo;
    files.seed = o.seed;
    assert_ok(wr_sim_files_begin(&files, &err));
    const wr_sim_sink to = wr_sim_files_sink(&files);
    assert_ok(wr_simulate(&o, &to, &err));
    assert_ok(wr_sim_files_end(&files, &err));
    assert_int_equal(fclose(files.transfers), 0);

    wr_message_sink sink = sink_of(&direct, 0);
    assert_ok(wr_message_feed_simulate(&rep, &o, files.chain, &sink, &err));
    assert_int_equal(rep.messages, SIM_PAYMENTS);
    sink = sink_of(&by_file, 0);
    wr_transfer_reader_opts reader = WR_TRANSFER_READER_OPTS_INIT;
    reader.path = path;
    assert_ok(wr_message_feed_file(&rep, &reader, &sink, &err));
    assert_int_equal(by_file.messages, SIM_PAYMENTS);
    assert_int_equal(by_file.transfers, direct.transfers);
    assert_string_equal(direct.lines.p, by_file.lines.p);
    wr_buf_release(&direct.lines);
    wr_buf_release(&by_file.lines);
    assert_int_equal(unlink(path), 0);
}

static void test_simulate__is_what_its_files_say(void **state)
{
    (void)state;
    simulated_is_read("eip155:1337");
    simulated_is_read("BTC");
}

static void test_simulate__ends_at_the_limit(void **state)
{
    (void)state;
    wr_sim_opts o = WR_SIM_OPTS_INIT;
    wr_message_feed_report rep = {0};
    heard h;
    const wr_chain *chain = NULL;
    const wr_message_sink sink = sink_of(&h, 7);
    assert_ok(wr_chain_find(&chain, WR_TEXT_LIT("eip155:1337"), &err));
    assert_ok(wr_message_feed_simulate(&rep, &o, chain, &sink, &err));
    assert_int_equal(rep.messages, 7);
    wr_buf_release(&h.lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_raw__lines_go_as_they_are),
        wr_unit_test(test_raw__long_lines),
        wr_unit_test(test_file__refused_records_are_told_not_sent),
        wr_unit_test(test_file__limit_and_a_sink_that_fails),
        wr_unit_test(test_simulate__is_what_its_files_say),
        wr_unit_test(test_simulate__ends_at_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
