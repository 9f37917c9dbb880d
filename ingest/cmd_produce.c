/* produce: publish files or the simulator's stream to a Kafka topic. */
#include <inttypes.h>
#include <stdio.h>

#include "ingest/ingest.h"
#include "ingest/message_feed.h"
#include "ingest/produce.h"
#include "ingest/simulate_flags.h"
#include "ingest/transfer_flags.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/json_out.h"

typedef struct produce_flags {
    wr_kafka_conn conn;
    wr_transfer_flags record;
    wr_sim_flags sim;
    const char *topic, *partitioner, *transactional;
    double rate_per_s;
    int64_t limit, transaction_messages, abort_every;
    bool is_simulating, is_raw, is_json;
} produce_flags;

typedef struct job {
    const produce_flags *f;
    wr_command_line *cl;
    wr_produce *to;
    wr_message_sink sink;
    wr_message_feed_report fed;
    int64_t begun_us;
} job;

static wr_status send(void *ctx, wr_text key, wr_text value, uint32_t transfers,
                      wr_err *err)
{
    return wr_produce_send(ctx, key, value, transfers, err);
}

/* --- what goes in ----------------------------------------------------------------- */

static wr_status feed_simulation(job *j, wr_err *err)
{
    const wr_chain *chain = NULL;
    wr_sim_opts o;
    WR_TRY(wr_sim_flags_opts(&o, &chain, &j->f->sim, j->f->record.chain, err));
    return wr_message_feed_simulate(&j->fed, &o, chain, &j->sink, err);
}

static wr_status feed_files(job *j, wr_err *err)
{
    wr_transfer_reader_opts o = WR_TRANSFER_READER_OPTS_INIT;
    WR_AUTO(wr_transfer_decoder) d = NULL;
    WR_TRY(wr_transfer_flags_opts(&o.transfer, &j->f->record, err));
    if (j->f->is_raw)
        WR_TRY(wr_transfer_decoder_new(&d, &o.transfer, err));
    o.batch_rows = (uint32_t)j->cl->cfg.batch_rows;
    for (int i = 1; i < j->cl->argc; i++) {
        o.path = j->cl->argv[i];
        if (j->f->is_raw)
            WR_TRY(wr_message_feed_raw(&j->fed, o.path, d, &j->sink, err));
        else
            WR_TRY(wr_message_feed_file(&j->fed, &o, &j->sink, err));
    }
    return WR_OK;
}

/* --- report ----------------------------------------------------------------------- */

static void print_report(const job *j, const wr_produce_report *r, double seconds)
{
    (void)printf("%" PRIu64 " messages delivered to %s", r->delivered, j->f->topic);
    if (r->delivered != r->messages)
        (void)printf(" (of %" PRIu64 " handed over)", r->messages);
    (void)printf(", partitions");
    for (uint32_t i = 0; i < r->partition_count; i++)
        (void)printf(" %" PRIu32 ":%" PRIu64, i, r->partition[i].messages);
    (void)printf("; %" PRIu64 " transfers", r->transfers);
    if (j->f->transactional)
        (void)printf("; %" PRIu64 " transactions, %" PRIu64 " aborted and sent again",
                     r->transactions, r->aborted);
    (void)printf("; %.2f s", seconds);
    if (r->messages && seconds > 0)
        (void)printf(", %.0f messages/s, %.1f MB/s", (double)r->messages / seconds,
                     (double)r->bytes / seconds / 1e6);
    (void)printf("\n");
}

static wr_status print_json(const job *j, const wr_produce_report *r, double seconds,
                            wr_err *err)
{
    wr_buf b;
    wr_buf_init(&b, 1 << 20);
    wr_json_out out = wr_json_out_on(&b);
    wr_json_open(&out, '{');
    wr_json_kv_cstr(&out, "topic", j->f->topic);
    wr_json_kv_u64(&out, "messages", r->messages);
    wr_json_kv_u64(&out, "delivered", r->delivered);
    wr_json_kv_u64(&out, "failed", r->failed);
    wr_json_kv_u64(&out, "transfers", r->transfers);
    wr_json_kv_u64(&out, "refused", j->fed.refused);
    wr_json_kv_u64(&out, "bytes", r->bytes);
    wr_json_kv_u64(&out, "transactions", r->transactions);
    wr_json_kv_u64(&out, "aborted", r->aborted);
    wr_json_key(&out, "partitions");
    wr_json_open(&out, '[');
    for (uint32_t i = 0; i < r->partition_count; i++) {
        wr_json_open(&out, '{');
        wr_json_kv_u64(&out, "partition", i);
        wr_json_kv_u64(&out, "messages", r->partition[i].messages);
        wr_json_kv_i64(&out, "next_offset", r->partition[i].next_offset);
        wr_json_close(&out, '}');
    }
    wr_json_close(&out, ']');
    wr_json_kv_f64(&out, "seconds", seconds);
    wr_json_close(&out, '}');
    wr_status s = wr_buf_status(&b, "report", err);
    if (s == WR_OK)
        (void)printf("%s\n", wr_buf_cstr(&b));
    wr_buf_release(&b);
    return s;
}

/* --- the command ------------------------------------------------------------------ */

static wr_status run(job *j, wr_err *err)
{
    wr_status s = j->f->is_simulating ? feed_simulation(j, err) : feed_files(j, err);
    wr_err late = {0};
    const wr_status end = wr_produce_finish(j->to, s == WR_OK ? err : &late);
    const wr_produce_report r = wr_produce_tell(j->to);
    const double seconds = (double)(wr_clock_mono_us() - j->begun_us) / 1e6;
    wr_progress_line_done(&j->cl->line);
    if (j->f->is_json)
        WR_TRY(print_json(j, &r, seconds, err));
    else
        print_report(j, &r, seconds);
    if (s == WR_ESTOPPED && end != WR_OK)
        return wr_fail_ctx(err, s, "%s", late.msg);
    WR_TRY(s);
    WR_TRY(end);
    if (j->fed.refused)
        return wr_fail(err, WR_EPARSE,
                       "%" PRIu64 " records are no transfers and were not sent (--raw "
                       "sends lines as they are); %s",
                       j->fed.refused, j->fed.first_refused);
    return WR_OK;
}

static wr_status check_flags(const produce_flags *f, int words, wr_err *err)
{
    if (!f->topic || !*f->topic)
        return wr_fail(err, WR_EINVAL, "--topic names none");
    if (f->is_simulating && (words || f->is_raw))
        return wr_fail(err, WR_EINVAL, "--simulate reads no files");
    if (!f->is_simulating && !words)
        return wr_fail(err, WR_EINVAL, "no file given ('-' is stdin), and no --simulate");
    if (f->abort_every && !f->transactional)
        return wr_fail(err, WR_EINVAL, "--abort-every needs --transactional");
    if (f->is_raw && f->record.format)
        return wr_fail(err, WR_EINVAL, "--raw sends lines as they are, of any --format");
    return WR_OK;
}

static wr_status start(const produce_flags *f, wr_command_line *cl, wr_err *err)
{
    WR_AUTO(wr_kafka_conf) conf = NULL;
    WR_AUTO(wr_produce) to = NULL;
    WR_TRY(check_flags(f, cl->argc - 1, err));
    WR_TRY(wr_kafka_conf_new(&conf, &f->conn, err));
    const wr_produce_opts o = {.conf = conf,
                               .topic = f->topic,
                               .partitioner = f->partitioner,
                               .rate_per_s = f->rate_per_s,
                               .transactional_id = f->transactional,
                               .transaction_messages = (uint32_t)f->transaction_messages,
                               .abort_every = (uint64_t)f->abort_every,
                               .total = f->limit           ? (uint64_t)f->limit
                                        : f->is_simulating ? (uint64_t)f->sim.transfers
                                                           : 0,
                               .pg = &cl->pg};
    WR_TRY(wr_produce_open(&to, &o, err));
    job j = {.f = f,
             .cl = cl,
             .to = to,
             .sink = {.message = send, .ctx = to, .limit = (uint64_t)f->limit},
             .begun_us = wr_clock_mono_us()};
    return run(&j, err);
}

wr_status wr_ingest_cmd_produce(wr_command_line *cl, wr_err *err)
{
    produce_flags f = {.record = WR_TRANSFER_FLAGS_INIT,
                       .sim = WR_SIM_FLAGS_INIT,
                       .topic = "transactions.raw",
                       .transaction_messages = 1000};
    const wr_arg arg[] = {
        {"topic", WR_ARG_TEXT, &f.topic, 0, 0, "T  where to (transactions.raw)"},
        {"brokers", WR_ARG_TEXT, &f.conn.brokers, 0, 0, "B  host:port,host:port"},
        {"kafka", WR_ARG_LIST, &f.conn.setting, 0, 0,
         "K=V  a property of librdkafka, may be repeated"},
        {"kafka-config", WR_ARG_TEXT, &f.conn.config_file, 0, 0,
         "FILE  properties as key = value lines; the place for secrets"},
        {"rate", WR_ARG_NUMBER, &f.rate_per_s, 0, 1e9,
         "N  transfers per second (0: as fast as it goes)"},
        {"limit", WR_ARG_INT, &f.limit, 0, 9e15, "N  at most so many messages"},
        {"raw", WR_ARG_FLAG, &f.is_raw, 0, 0,
         "lines of NDJSON as they are, also those that cannot be read"},
        {"transactional", WR_ARG_TEXT, &f.transactional, 0, 0,
         "ID  in transactions of this id"},
        {"transaction-messages", WR_ARG_INT, &f.transaction_messages, 1, 1e6,
         "N  in one transaction (1000)"},
        {"abort-every", WR_ARG_INT, &f.abort_every, 2, 1e9,
         "N  abort every N-th transaction and send it again"},
        {"partitioner", WR_ARG_TEXT, &f.partitioner, 0, 0,
         "P  of librdkafka (murmur2_random, as Java clients)"},
        {"format", WR_ARG_TEXT, &f.record.format, 0, 0, "F  as `file --formats` lists"},
        WR_TRANSFER_FLAG_ROWS(&f.record),
        {"simulate", WR_ARG_FLAG, &f.is_simulating, 0, 0,
         "the simulator's stream in place of files; its flags:"},
        WR_SIM_FLAG_ROWS(&f.sim),
        {"json", WR_ARG_FLAG, &f.is_json, 0, 0, "the report as JSON"},
    };
    const wr_args args = {
        .usage = "walletrisk-ingest produce PATH...|--simulate [flags]",
        .purpose = "Publish transfers to a Kafka topic, each once, ordered by sender.",
        .arg = arg,
        .count = sizeof arg / sizeof *arg,
        .words_max = -1,
        .program = WR_PROGRAM_INGEST};
    WR_TRY(wr_args_parse(&args, &cl->argc, cl->argv, err));
    return start(&f, cl, err);
}
