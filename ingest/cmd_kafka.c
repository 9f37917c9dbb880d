/* kafka: consume a topic. */
#include <inttypes.h>
#include <stdio.h>

#include "ingest/ingest.h"
#include "ingest/kafka_consume.h"
#include "ingest/transfer_flags.h"
#include "util/buf.h"
#include "util/json_out.h"

enum { MIB = 1 << 20 };

typedef struct kafka_flags {
    wr_kafka_conn conn;
    wr_transfer_flags record;
    const char *topic, *group, *dead_topic;
    int64_t batch_bytes, buffer_bytes, flush_ms, max_s;
    bool is_until_end, is_json;
} kafka_flags;

/* --- report ---------------------------------------------------------------------------
 */

static void put_counts(wr_json_out *j, const wr_kafka_counts *n)
{
    wr_json_kv_u64(j, "messages", n->messages);
    wr_json_kv_u64(j, "gaps", n->gaps);
    wr_json_kv_u64(j, "consumed", n->records);
    wr_json_kv_u64(j, "inserted", n->inserted);
    wr_json_kv_u64(j, "duplicates", n->duplicates);
    wr_json_kv_u64(j, "dead", n->dead);
    wr_json_kv_u64(j, "conflicts", n->conflicts);
    wr_json_kv_u64(j, "fenced", n->fenced);
    wr_json_kv_u64(j, "lost", n->lost);
}

static wr_status print_json(const wr_kafka_report *r, const kafka_flags *f, wr_err *err)
{
    wr_buf b;
    wr_buf_init(&b, 64 * (size_t)MIB);
    wr_json_out j = wr_json_out_on(&b);
    wr_json_open(&j, '{');
    wr_json_kv_cstr(&j, "source", r->source);
    wr_json_kv_cstr(&j, "group", f->group);
    wr_json_kv_bool(&j, "is_stopped", r->is_stopped);
    put_counts(&j, &r->n);
    wr_json_kv_f64(&j, "seconds", r->seconds);
    wr_json_key(&j, "partitions");
    wr_json_open(&j, '[');
    for (size_t i = 0; i < r->part_count; i++) {
        const wr_kafka_part_report *p = &r->part[i];
        wr_json_open(&j, '{');
        wr_json_kv_i64(&j, "partition", p->partition);
        wr_json_kv_bool(&j, "is_assigned", p->is_assigned);
        wr_json_kv_i64(&j, "next_offset", p->next_offset);
        wr_json_kv_i64(&j, "high_watermark", p->high_watermark);
        put_counts(&j, &p->n);
        wr_json_close(&j, '}');
    }
    wr_json_close(&j, ']');
    wr_json_close(&j, '}');
    wr_status s = wr_buf_status(&b, "report", err);
    if (s == WR_OK)
        (void)printf("%s\n", wr_buf_cstr(&b));
    wr_buf_release(&b);
    return s;
}

static void print_counts(const wr_kafka_counts *n)
{
    (void)printf("%" PRIu64 " consumed = %" PRIu64 " inserted + %" PRIu64
                 " duplicates + %" PRIu64 " dead letters",
                 n->records, n->inserted, n->duplicates, n->dead);
    if (n->conflicts)
        (void)printf(" (%" PRIu64 " of them conflicts)", n->conflicts);
    (void)printf("; %" PRIu64 " messages, %" PRIu64 " gaps", n->messages, n->gaps);
    if (n->fenced)
        (void)printf(", %" PRIu64 " batches left to another member", n->fenced);
    if (n->lost)
        (void)printf(", %" PRIu64 " OFFSETS LOST", n->lost);
}

static void print_report(const wr_kafka_report *r)
{
    (void)printf("%s: ", r->source);
    print_counts(&r->n);
    (void)printf("; %.2f s", r->seconds);
    if (r->n.records && r->seconds > 0)
        (void)printf(", %.0f records/s", (double)r->n.records / r->seconds);
    (void)printf("\n");
    for (size_t i = 0; i < r->part_count; i++) {
        const wr_kafka_part_report *p = &r->part[i];
        (void)printf(
            "    partition %" PRId32 " at %" PRId64 " of %" PRId64 "%s: ", p->partition,
            p->next_offset, p->high_watermark, p->is_assigned ? "" : " (given up)");
        print_counts(&p->n);
        (void)printf("\n");
    }
}

/* --- the command ----------------------------------------------------------------------
 */

static wr_status consume(wr_command_line *cl, const kafka_flags *f, wr_err *err)
{
    WR_AUTO(wr_kafka_conf) conf = NULL;
    WR_AUTO(wr_transfer_decoder) decoder = NULL;
    wr_transfer_opts t = WR_TRANSFER_OPTS_INIT;
    WR_TRY(wr_transfer_flags_opts(&t, &f->record, err));
    WR_TRY(wr_kafka_conf_new(&conf, &f->conn, err));
    WR_TRY(wr_transfer_decoder_new(&decoder, &t, err));
    const wr_kafka_consume_opts o = {
        .conf = conf,
        .dsn = cl->cfg.dsn,
        .topic = f->topic,
        .group = f->group,
        .dead_topic = f->dead_topic,
        .decoder = decoder,
        .limits = {.rows = (size_t)cl->cfg.batch_rows,
                   .bytes = (size_t)f->batch_bytes,
                   .flush_us = f->flush_ms * 1000},
        .buffer_bytes = (size_t)f->buffer_bytes,
        .is_until_end = f->is_until_end,
        .max_s = f->max_s,
        .pg = &cl->pg,
    };
    wr_kafka_report rep;
    wr_status s = wr_kafka_consume(&rep, &o, err);
    wr_progress_line_done(&cl->line);
    if (rep.part && f->is_json) {
        wr_err second = {0};
        const wr_status printed = print_json(&rep, f, &second);
        s = s == WR_OK && printed != WR_OK ? wr_fail(err, printed, "%s", second.msg) : s;
    } else if (rep.part) {
        print_report(&rep);
    }
    wr_free(rep.part);
    return s;
}

wr_status wr_ingest_cmd_kafka(wr_command_line *cl, wr_err *err)
{
    kafka_flags f = {.topic = "transactions.raw",
                     .group = "walletrisk",
                     .dead_topic = "transactions.dead",
                     .record = WR_TRANSFER_FLAGS_INIT,
                     .batch_bytes = 4 * MIB,
                     .buffer_bytes = 16 * MIB,
                     .flush_ms = 50};
    const wr_arg arg[] = {
        {"brokers", WR_ARG_TEXT, &f.conn.brokers, 0, 0,
         "H:P,…  where the cluster is (WALLETRISK_KAFKA_BROKERS)"},
        {"topic", WR_ARG_TEXT, &f.topic, 0, 0, "T  (transactions.raw)"},
        {"group", WR_ARG_TEXT, &f.group, 0, 0, "G  (walletrisk)"},
        {"dead-topic", WR_ARG_TEXT, &f.dead_topic, 0, 0,
         "T  for refused messages; made when missing (transactions.dead)"},
        {"kafka", WR_ARG_LIST, &f.conn.setting, 0, 0,
         "K=V  a setting of librdkafka; several times, or with commas"},
        {"kafka-config", WR_ARG_TEXT, &f.conn.config_file, 0, 0,
         "FILE  such settings, one a line; a secret is WALLETRISK_KAFKA_SASL_PASSWORD"},
        {"batch-bytes", WR_ARG_INT, &f.batch_bytes, 1024, 256.0 * MIB,
         "N  of one database transaction, decoded (4 MiB)"},
        {"flush-ms", WR_ARG_INT, &f.flush_ms, 0, 60000,
         "N  a batch waits at most so long for more (50)"},
        {"buffer-bytes", WR_ARG_INT, &f.buffer_bytes, 1024, 8192.0 * MIB,
         "N  of all batches; over it partitions are paused (16 MiB)"},
        {"until-end", WR_ARG_FLAG, &f.is_until_end, 0, 0,
         "stop where the partitions ended when they were assigned"},
        {"max-seconds", WR_ARG_INT, &f.max_s, 0, 1e9, "N  stop after so long"},
        WR_TRANSFER_FLAG_ROWS(&f.record),
        {"json", WR_ARG_FLAG, &f.is_json, 0, 0, "the report as one JSON object"},
    };
    const wr_args args = {
        .usage = "walletrisk-ingest kafka --brokers HOST:PORT [flags]",
        .purpose = "Consume transfers from a Kafka topic into the store, each once.",
        .arg = arg,
        .count = sizeof arg / sizeof *arg,
        .program = WR_PROGRAM_INGEST};
    WR_TRY(wr_args_parse(&args, &cl->argc, cl->argv, err));
    return consume(cl, &f, err);
}
