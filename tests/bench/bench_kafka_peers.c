/*
 * bench_kafka_peers: what `walletrisk-ingest kafka` is compared with by bench_kafka.py.
 *
 *   bench_kafka_peers drain  BROKERS TOPIC GROUP
 *   bench_kafka_peers insert BROKERS TOPIC GROUP DSN MESSAGES
 *   bench_kafka_peers copy   DSN
 *
 * drain   librdkafka consumes the whole topic and discards it: the limit of the client.
 * insert  a consumer written the usual way: jansson decodes, one prepared INSERT … ON
 *         CONFLICT DO NOTHING for each message, one transaction for 500.  One table, all
 *         texts in its columns: interning addresses would cost it two statements more.
 * copy    the rows of `transactions` once more, by one binary COPY into a table with the
 *         same columns and unique indexes, ids and all made before the clock starts: the
 *         limit of the database.  The bytes are those that COPY … TO gave.
 *
 * Each prints one line of JSON: messages or rows, bytes, seconds.
 */
#include <inttypes.h>
#include <jansson.h>
#include <libpq-fe.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/clock.h"
#include "util/mem.h"

enum { COMMIT_EVERY = 500, PARTITIONS_MAX = 1024, IDLE_MS = 30000, PIECE = 65536 };

static void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "bench_kafka_peers: %s: %s\n", what, why);
    exit(1);
}

static void report(const char *unit, uint64_t count, uint64_t bytes, int64_t begin_us)
{
    (void)printf("{\"%s\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"seconds\": %.6f}\n",
                 unit, count, bytes, (double)(wr_clock_mono_us() - begin_us) * 1e-6);
}

/* --- the database ------------------------------------------------------------------ */

static void run(PGconn *conn, const char *sql)
{
    PGresult *res = PQexec(conn, sql);
    if (PQresultStatus(res) != PGRES_COMMAND_OK)
        die(sql, PQerrorMessage(conn));
    PQclear(res);
}

static PGconn *connect_to(const char *dsn)
{
    PGconn *conn = PQconnectdb(dsn);
    if (PQstatus(conn) != CONNECTION_OK)
        die("connect", PQerrorMessage(conn));
    run(conn, "set client_min_messages = warning");
    return conn;
}

/* --- copy -------------------------------------------------------------------------- */

typedef struct stored {
    char *p;
    size_t len, cap;
} stored;

static void take_out(PGconn *conn, stored *s, const char *columns)
{
    char sql[512];
    char *piece;
    int n;
    (void)snprintf(sql, sizeof sql,
                   "copy (select %s from transactions order by seq) to stdout (format "
                   "binary)",
                   columns);
    PQclear(PQexec(conn, sql));
    while ((n = PQgetCopyData(conn, &piece, 0)) > 0) {
        s->p = wr_grow(s->p, &s->cap, s->len + (size_t)n, 1);
        if (!s->p)
            die("copy", "out of memory");
        memcpy(s->p + s->len, piece, (size_t)n);
        s->len += (size_t)n;
        PQfreemem(piece);
    }
    for (PGresult *res; (res = PQgetResult(conn)) != NULL; PQclear(res))
        if (PQresultStatus(res) != PGRES_COMMAND_OK)
            die("copy out", PQerrorMessage(conn));
}

static uint64_t put_in(PGconn *conn, const stored *s, const char *columns)
{
    char sql[512];
    uint64_t rows = 0;
    (void)snprintf(sql, sizeof sql, "copy peer (%s) from stdin (format binary)", columns);
    PQclear(PQexec(conn, sql));
    for (size_t at = 0; at < s->len; at += PIECE) {
        const size_t n = s->len - at < PIECE ? s->len - at : PIECE;
        if (PQputCopyData(conn, s->p + at, (int)n) != 1)
            die("copy in", PQerrorMessage(conn));
    }
    (void)PQputCopyEnd(conn, NULL);
    for (PGresult *res; (res = PQgetResult(conn)) != NULL; PQclear(res)) {
        if (PQresultStatus(res) != PGRES_COMMAND_OK)
            die("copy in", PQerrorMessage(conn));
        rows = strtoull(PQcmdTuples(res), NULL, 10);
    }
    return rows;
}

static void copy(const char *dsn)
{
    static const char columns[] =
        "seq, time, from_id, to_id, value, asset_id, flags, chain_id, decimals, position,"
        " amount, tx_hash, block, memo";
    PGconn *conn = connect_to(dsn);
    stored s = {0};
    run(conn, "drop table if exists peer");
    run(conn, "create table peer (like transactions including defaults including "
              "indexes including storage)");
    take_out(conn, &s, columns);
    const int64_t begin_us = wr_clock_mono_us();
    const uint64_t rows = put_in(conn, &s, columns);
    report("rows", rows, s.len, begin_us);
    run(conn, "drop table peer");
    wr_free(s.p);
    PQfinish(conn);
}

/* --- the broker -------------------------------------------------------------------- */

typedef struct reader {
    rd_kafka_t *rk;
    int partitions, ended;
    bool has_ended[PARTITIONS_MAX];
} reader;

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char why[256];
    if (rd_kafka_conf_set(conf, name, value, why, sizeof why) != RD_KAFKA_CONF_OK)
        die(name, why);
}

static void count_partitions(reader *r, const char *topic)
{
    const struct rd_kafka_metadata *all;
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(r->rk, topic, NULL);
    const rd_kafka_resp_err_t e = rd_kafka_metadata(r->rk, 0, rkt, &all, 10000);
    if (e)
        die(topic, rd_kafka_err2str(e));
    r->partitions = all->topics[0].partition_cnt;
    rd_kafka_metadata_destroy(all);
    rd_kafka_topic_destroy(rkt);
    if (r->partitions < 1 || r->partitions > PARTITIONS_MAX)
        die(topic, "no topic, or too many partitions");
}

static reader *open_reader(const char *brokers, const char *topic, const char *group)
{
    char why[256];
    reader *r = wr_calloc(1, sizeof *r);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", brokers);
    set(conf, "group.id", group);
    set(conf, "auto.offset.reset", "earliest");
    set(conf, "enable.auto.commit", "false");
    set(conf, "enable.partition.eof", "true");
    if (r)
        r->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    if (!r || !r->rk)
        die("client", r ? why : "out of memory");
    (void)rd_kafka_poll_set_consumer(r->rk);
    count_partitions(r, topic);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    (void)rd_kafka_topic_partition_list_add(list, topic, RD_KAFKA_PARTITION_UA);
    const rd_kafka_resp_err_t e = rd_kafka_subscribe(r->rk, list);
    if (e)
        die("subscribe", rd_kafka_err2str(e));
    rd_kafka_topic_partition_list_destroy(list);
    return r;
}

/* The next message; NULL at the end of all partitions. */
static rd_kafka_message_t *next_message(reader *r)
{
    while (r->ended < r->partitions) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(r->rk, IDLE_MS);
        if (!m)
            die("poll", "nothing came");
        if (!m->err)
            return m;
        if (m->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
            die("poll", rd_kafka_message_errstr(m));
        r->ended += !r->has_ended[m->partition];
        r->has_ended[m->partition] = true;
        rd_kafka_message_destroy(m);
    }
    return NULL;
}

static void close_reader(reader *r)
{
    (void)rd_kafka_consumer_close(r->rk);
    rd_kafka_destroy(r->rk);
    wr_free(r);
}

static void drain(char **argv)
{
    const int64_t begin_us = wr_clock_mono_us();
    reader *r = open_reader(argv[0], argv[1], argv[2]);
    uint64_t messages = 0;
    uint64_t bytes = 0;
    for (rd_kafka_message_t *m; (m = next_message(r)) != NULL;) {
        messages++;
        bytes += m->len;
        rd_kafka_message_destroy(m);
    }
    report("messages", messages, bytes, begin_us);
    close_reader(r);
}

/* --- insert ------------------------------------------------------------------------ */

static const char *const field[] = {"chain",    "tx_hash", "position", "time",
                                    "from",     "to",      "asset",    "amount",
                                    "decimals", "value",   "block",    "memo"};
enum { FIELDS = sizeof field / sizeof *field, NUMBER_MAX = 32 };

static void prepare_insert(PGconn *conn)
{
    run(conn, "create table if not exists usual (seq bigint generated by default as "
              "identity primary key, chain text not null, tx_hash text not null, "
              "position bigint not null, time text not null, from_address text not null, "
              "to_address text not null, asset text, amount numeric, decimals integer, "
              "value double precision, block bigint, memo text, "
              "unique (tx_hash, position, chain))");
    PGresult *res = PQprepare(
        conn, "put",
        "insert into usual (chain, tx_hash, position, time, from_address, to_address, "
        "asset, amount, decimals, value, block, memo) values ($1, $2, "
        "coalesce($3::bigint,"
        " 0), $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict do nothing",
        0, NULL);
    if (PQresultStatus(res) != PGRES_COMMAND_OK)
        die("prepare", PQerrorMessage(conn));
    PQclear(res);
}

static const char *text_of(const json_t *v, char number[NUMBER_MAX])
{
    if (json_is_string(v))
        return json_string_value(v);
    if (json_is_integer(v))
        (void)snprintf(number, NUMBER_MAX, "%" JSON_INTEGER_FORMAT,
                       json_integer_value(v));
    else if (json_is_real(v))
        (void)snprintf(number, NUMBER_MAX, "%.17g", json_real_value(v));
    else
        return NULL;
    return number;
}

static uint64_t insert_one(PGconn *conn, const rd_kafka_message_t *m)
{
    const char *value[FIELDS];
    char number[FIELDS][NUMBER_MAX];
    json_error_t why;
    json_t *doc = json_loadb(m->payload, m->len, 0, &why);
    if (!doc)
        die("message", why.text);
    for (size_t i = 0; i < FIELDS; i++)
        value[i] = text_of(json_object_get(doc, field[i]), number[i]);
    PGresult *res = PQexecPrepared(conn, "put", FIELDS, value, NULL, NULL, 0);
    if (PQresultStatus(res) != PGRES_COMMAND_OK)
        die("insert", PQerrorMessage(conn));
    const uint64_t rows = strtoull(PQcmdTuples(res), NULL, 10);
    PQclear(res);
    json_decref(doc);
    return rows;
}

static void insert(char **argv)
{
    PGconn *conn = connect_to(argv[3]);
    const uint64_t most = strtoull(argv[4], NULL, 10);
    prepare_insert(conn);
    const int64_t begin_us = wr_clock_mono_us();
    reader *r = open_reader(argv[0], argv[1], argv[2]);
    uint64_t messages = 0;
    uint64_t rows = 0;
    uint64_t bytes = 0;
    rd_kafka_message_t *m = NULL;
    run(conn, "begin");
    while (messages < most && (m = next_message(r)) != NULL) {
        rows += insert_one(conn, m);
        bytes += m->len;
        rd_kafka_message_destroy(m);
        if (++messages % COMMIT_EVERY == 0) {
            run(conn, "commit");
            (void)rd_kafka_commit(r->rk, NULL, 1);
            run(conn, "begin");
        }
    }
    run(conn, "commit");
    if (rows != messages)
        die("insert", "not every message was a new row");
    report("messages", messages, bytes, begin_us);
    close_reader(r);
    PQfinish(conn);
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "drain") == 0)
        drain(argv + 2);
    else if (argc == 7 && strcmp(argv[1], "insert") == 0)
        insert(argv + 2);
    else if (argc == 3 && strcmp(argv[1], "copy") == 0)
        copy(argv[2]);
    else {
        (void)fprintf(stderr, "usage: bench_kafka_peers drain BROKERS TOPIC GROUP | "
                              "insert BROKERS TOPIC GROUP DSN MESSAGES | copy DSN\n");
        return 2;
    }
    return 0;
}
