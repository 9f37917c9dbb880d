/* status: where every source stands, and whether it adds up. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ingest/ingest.h"
#include "ingest/kafka_client_int.h"
#include "ingest/status_text.h"
#include "util/clock.h"

enum { ASK_MS = 5000, NAP_MS = 50, TOPIC_MAX = 249 };

typedef struct status {
    wr_kafka_conn conn;
    wr_kafka_client k; /* k.rk NULL: high watermarks as told last */
    bool is_json;
    double watch_s;
    uint64_t count, broken, silent;
    wr_err silence; /* why the brokers did not answer first */
} status;

/* --- the brokers ------------------------------------------------------------------ */

static wr_status connect_brokers(status *t, wr_err *err)
{
    if (!t->conn.brokers) {
        if (t->conn.setting.count || t->conn.config_file)
            return wr_fail(err, WR_EINVAL, "--kafka and --kafka-config need --brokers");
        return WR_OK;
    }
    WR_AUTO(wr_kafka_conf) conf = NULL;
    WR_TRY(wr_kafka_conf_new(&conf, &t->conn, err));
    const wr_kafka_client_opts o = {.type = RD_KAFKA_PRODUCER, .conf = conf};
    t->k.name = "status";
    return wr_kafka_client_init(&t->k, &o, err);
}

/* The present end of the source's partition in place of the one told last. */
static void ask_watermark(status *t, wr_source *s)
{
    static const char head[] = "kafka:";
    const size_t head_len = sizeof head - 1;
    char topic[TOPIC_MAX + 1];
    int64_t low = 0;
    int64_t high = 0;
    if (!t->k.rk || s->source.len <= head_len || s->source.len - head_len > TOPIC_MAX ||
        memcmp(s->source.p, head, head_len) != 0)
        return;
    (void)snprintf(topic, sizeof topic, "%.*s", (int)(s->source.len - head_len),
                   s->source.p + head_len);
    const rd_kafka_resp_err_t e = rd_kafka_query_watermark_offsets(
        t->k.rk, topic, s->partition, &low, &high, t->silent ? NAP_MS : ASK_MS);
    if (!e) {
        s->high_watermark = high;
        return;
    }
    rd_kafka_poll(t->k.rk, 0); /* what happened to the connection */
    t->silent++;
    (void)wr_fail(&t->silence, wr_kafka_status(e), "%s/%" PRId32 ": %s", topic,
                  s->partition,
                  t->k.last_error[0] ? t->k.last_error : rd_kafka_err2str(e));
}

/* --- printing --------------------------------------------------------------------- */

static wr_status print_source(void *ctx, const wr_source *given, wr_err *err)
{
    status *t = ctx;
    wr_source s = *given;
    wr_buf b;
    t->count++;
    t->broken += !wr_source_adds_up(&s);
    ask_watermark(t, &s);
    wr_buf_init(&b, 1 << 20);
    if (t->is_json)
        wr_status_json(&b, &s);
    else
        wr_status_text(&b, &s, wr_clock_wall_s());
    wr_status r = wr_buf_status(&b, "status", err);
    if (r == WR_OK)
        (void)printf("%s%s", wr_buf_cstr(&b), t->is_json ? "\n" : "");
    wr_buf_release(&b);
    return r;
}

static wr_status print_all(status *t, wr_store *st, wr_err *err)
{
    t->count = t->broken = t->silent = 0;
    t->silence = (wr_err){0};
    WR_TRY(wr_store_sources(st, print_source, t, err));
    if (!t->count && !t->is_json)
        (void)printf("nothing was ingested yet\n");
    if (t->broken)
        return wr_fail(err, WR_ECORRUPT, "%" PRIu64 " sources do not add up", t->broken);
    if (t->silent)
        return wr_fail(err, t->silence.code,
                       "the brokers told no high watermark of %" PRIu64
                       " partitions (the lag is as told last); %s",
                       t->silent, t->silence.msg);
    return WR_OK;
}

/* --- over and over --------------------------------------------------------------- */

static wr_status nap(const wr_command_line *cl, double seconds, wr_err *err)
{
    static const struct timespec a_little = {.tv_nsec = NAP_MS * 1000000L};
    const int64_t until_us = wr_clock_mono_us() + (int64_t)(seconds * 1e6);
    while (wr_clock_mono_us() < until_us) {
        if (wr_progress_at(&cl->pg, "status", 0, 0, NULL) != WR_OK)
            return WR_ESTOPPED;
        (void)nanosleep(&a_little, NULL);
    }
    (void)err;
    return WR_OK;
}

/* Until Ctrl-C, which is the way out and no failure. */
static wr_status watch(status *t, wr_store *st, const wr_command_line *cl, wr_err *err)
{
    const bool is_terminal = isatty(STDOUT_FILENO) == 1 && !t->is_json;
    for (;;) {
        wr_err why = {0};
        char now[WR_RFC3339_MAX];
        wr_time_format(now, wr_clock_wall_s());
        if (is_terminal)
            (void)printf("\x1b[H\x1b[2J%s\n\n", now);
        const wr_status s = print_all(t, st, &why);
        if (s != WR_OK && s != WR_ECORRUPT && !t->silent)
            return wr_fail(err, s, "%s", why.msg);
        if (s != WR_OK && !t->is_json)
            (void)printf("%s\n", why.msg);
        if (!is_terminal && !t->is_json)
            (void)printf("\n");
        (void)fflush(stdout);
        if (nap(cl, t->watch_s, err) == WR_ESTOPPED)
            return s == WR_OK ? s : wr_fail(err, s, "%s", why.msg);
    }
}

static wr_status run(status *t, wr_command_line *cl, wr_err *err)
{
    WR_AUTO(wr_store) st = NULL;
    WR_TRY(wr_ingest_open_store(&st, cl, err));
    WR_TRY(connect_brokers(t, err));
    return t->watch_s > 0 ? watch(t, st, cl, err) : print_all(t, st, err);
}

wr_status wr_ingest_cmd_status(wr_command_line *cl, wr_err *err)
{
    status t = {0};
    const wr_arg arg[] = {
        {"brokers", WR_ARG_TEXT, &t.conn.brokers, 0, 0,
         "B  ask them for the high watermarks of now"},
        {"kafka", WR_ARG_LIST, &t.conn.setting, 0, 0,
         "K=V  a property of librdkafka, may be repeated"},
        {"kafka-config", WR_ARG_TEXT, &t.conn.config_file, 0, 0,
         "FILE  properties as key = value lines; the place for secrets"},
        {"watch", WR_ARG_NUMBER, &t.watch_s, 0.1, 86400,
         "S  again every S seconds, until Ctrl-C"},
        {"json", WR_ARG_FLAG, &t.is_json, 0, 0, "one JSON object a source"},
    };
    const wr_args args = {
        .usage = "walletrisk-ingest status [flags]",
        .purpose = "Per source and partition: position, lag, counters, and whether they "
                   "add up.",
        .arg = arg,
        .count = sizeof arg / sizeof *arg,
        .program = WR_PROGRAM_INGEST};
    WR_TRY(wr_args_parse(&args, &cl->argc, cl->argv, err));
    const wr_status s = run(&t, cl, err);
    wr_kafka_client_release(&t.k);
    return s;
}
