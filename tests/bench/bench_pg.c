/*
 * bench_pg: the PostgreSQL store against plain libpq.
 *
 *   bench_pg DSN [transfers = 1000000] [batch = 50000]
 *
 * Makes a database of its own beside the one that DSN names and drops it at the end.
 * Peers: binary COPY of the same columns with ready-made ids into a table with the same
 * unique key and no other index; binary COPY of the graph's columns out, thrown away.
 * Batches and scans alternate with their peer; ratios are ours / peer in rows per second.
 * "cpu" is the same ratio in processor seconds of the two server processes, which other
 * programs on the machine disturb less; 0 when the server runs elsewhere.  A snapshot is
 * read over several connections, of which "cpu" knows the first alone.
 */
#include <endian.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_tools.h"
#include "pipeline/input/load.h"
#include "util/clock.h"
#include "util/rng.h"

enum { HASH_HEX = 64, ADDRESS_LEN = 42, DSN_MAX = 1024, ROW_MAX = 256, RATIO_MAX = 4096 };

typedef struct bench {
    char dsn[DSN_MAX];
    PGconn *peer;
    wr_store *st;
    const wr_chain *chain;
    uint32_t rows, batch, wallets;
    wr_transfer *transfer; /* [batch] */
    char *hash;            /* [batch][HASH_HEX] */
    char *address;         /* [wallets][ADDRESS_LEN] */
    char *copy;            /* [batch * ROW_MAX] */
    uint32_t *from, *to;   /* [batch] */
} bench;

static void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "bench_pg: %s: %s\n", what, why);
    exit(1);
}

static void must(wr_status s, const char *what, const wr_err *err)
{
    if (s != WR_OK)
        die(what, err->msg);
}

static void run(PGconn *conn, const char *sql)
{
    PGresult *res = PQexec(conn, sql);
    if (PQresultStatus(res) != PGRES_COMMAND_OK && PQresultStatus(res) != PGRES_TUPLES_OK)
        die(sql, PQerrorMessage(conn));
    PQclear(res);
}

static double seconds_since(int64_t begin_us)
{
    return (double)(wr_clock_mono_us() - begin_us) * 1e-6;
}

/* Processor seconds of a server process on this machine; 0 when it is not one. */
static double cpu_s(int pid)
{
    char path[64];
    char line[64] = "";
    (void)snprintf(path, sizeof path, "/proc/%d/schedstat", pid);
    FILE *f = fopen(path, "r");
    if (f && !fgets(line, sizeof line, f))
        line[0] = '\0';
    if (f)
        (void)fclose(f);
    return (double)strtoull(line, NULL, 10) * 1e-9; /* the first number: ns */
}

static int store_pid(PGconn *conn)
{
    PGresult *res =
        PQexec(conn, "select pid from pg_stat_activity where datname = "
                     "current_database() and application_name = 'walletrisk'");
    int pid = PQntuples(res) == 1 ? (int)strtol(PQgetvalue(res, 0, 0), NULL, 10) : 0;
    PQclear(res);
    return pid;
}

typedef struct cpu_pair {
    int pid[2]; /* ours, peer */
    double begin_s[2];
} cpu_pair;

static cpu_pair cpu_begin(PGconn *peer)
{
    cpu_pair c = {.pid = {store_pid(peer), PQbackendPID(peer)}};
    for (int i = 0; i < 2; i++)
        c.begin_s[i] = cpu_s(c.pid[i]);
    return c;
}

static double cpu_ratio(const cpu_pair *c)
{
    double ours = cpu_s(c->pid[0]) - c->begin_s[0];
    return ours > 0 ? (cpu_s(c->pid[1]) - c->begin_s[1]) / ours : 0;
}

/* --- the data ---------------------------------------------------------------------- */

static void hex(char *out, wr_rng *r, size_t digits)
{
    static const char digit[] = "0123456789abcdef";
    for (size_t i = 0; i < digits; i++)
        out[i] = digit[wr_rng_u64(r) >> 60];
}

static uint32_t pick_wallet(const bench *b, wr_rng *r)
{
    double u = wr_rng_unit(r);
    return (uint32_t)(u * u * u *
                      b->wallets); /* a few wallets have most of the traffic */
}

/* Row number `row` into slot i of the batch: the same for the same number, whoever asks.
 */
static void make_row(bench *b, uint32_t i, uint32_t row)
{
    wr_rng r = {.s = row};
    char *h = b->hash + (size_t)i * HASH_HEX;
    hex(h, &r, HASH_HEX);
    b->from[i] = pick_wallet(b, &r);
    b->to[i] = pick_wallet(b, &r);
    uint32_t position = (uint32_t)wr_rng_below(&r, 100);
    uint64_t amount = wr_rng_u64(&r);
    b->transfer[i] = (wr_transfer){
        .chain = b->chain,
        .tx_hash = {.p = h, .len = HASH_HEX},
        .position = position,
        .block = 1000 + row / 100,
        .time_s = WR_TIME_MIN_S + 200000000 + row,
        .from = {.p = b->address + (size_t)b->from[i] * ADDRESS_LEN, .len = ADDRESS_LEN},
        .to = {.p = b->address + (size_t)b->to[i] * ADDRESS_LEN, .len = ADDRESS_LEN},
        .asset = WR_TEXT_LIT("ETH"),
        .amount_base = (wr_amount)amount * 1000,
        .decimals = 18,
        .flags = WR_TRANSFER_UNPRICED,
        .value = (double)amount * 1e-15,
    };
}

static uint32_t make_batch(bench *b, uint32_t first)
{
    uint32_t n = b->rows - first < b->batch ? b->rows - first : b->batch;
    for (uint32_t i = 0; i < n; i++)
        make_row(b, i, first + i);
    return n;
}

static void setup(bench *b, const char *dsn)
{
    wr_err err = {0};
    char name[32];
    char sql[128];
    (void)snprintf(name, sizeof name, "wrbench_%ld", (long)getpid());
    (void)snprintf(sql, sizeof sql, "create database %s", name);
    b->peer = PQconnectdb(dsn);
    if (PQstatus(b->peer) != CONNECTION_OK)
        die("connect", PQerrorMessage(b->peer));
    run(b->peer, sql);
    PQfinish(b->peer);
    const char *query = strchr(dsn, '?') ? strchr(dsn, '?') : dsn + strlen(dsn);
    const char *begin = query;
    while (begin[-1] != '/')
        begin--;
    (void)snprintf(b->dsn, sizeof b->dsn, "%.*s%s%s", (int)(begin - dsn), dsn, name,
                   query);
    b->peer = PQconnectdb(b->dsn);
    must(wr_store_open(&b->st, b->dsn, &err), "open", &err);
    wr_migrate_report rep;
    must(wr_store_migrate(b->st, &rep, &err), "migrate", &err);
    must(wr_chain_find(&b->chain, WR_TEXT_LIT("eip155:1"), &err), "chain", &err);
    b->transfer = wr_calloc(b->batch, sizeof *b->transfer);
    b->hash = wr_calloc(b->batch, HASH_HEX);
    b->from = wr_calloc(b->batch, sizeof *b->from);
    b->to = wr_calloc(b->batch, sizeof *b->to);
    b->copy = wr_calloc(b->batch, ROW_MAX);
    b->address = wr_calloc(b->wallets, ADDRESS_LEN);
    if (!b->transfer || !b->hash || !b->from || !b->to || !b->copy || !b->address)
        die("setup", "out of memory");
    wr_rng r = {.s = 42};
    for (uint32_t i = 0; i < b->wallets; i++) {
        char *a = b->address + (size_t)i * ADDRESS_LEN;
        a[0] = '0';
        a[1] = 'x';
        hex(a + 2, &r, ADDRESS_LEN - 2);
    }
    run(b->peer,
        "create table peer (like transactions including defaults including identity)");
    run(b->peer, "create unique index on peer (tx_hash, position, chain_id)");
}

static void teardown(bench *b, const char *dsn)
{
    char sql[128];
    wr_store_close(b->st);
    PQfinish(b->peer);
    (void)snprintf(sql, sizeof sql, "drop database wrbench_%ld", (long)getpid());
    PGconn *conn = PQconnectdb(dsn);
    run(conn, sql);
    PQfinish(conn);
    wr_free(b->transfer);
    wr_free(b->hash);
    wr_free(b->from);
    wr_free(b->to);
    wr_free(b->copy);
    wr_free(b->address);
}

/* --- plain COPY -------------------------------------------------------------------- */

static char *field(char *p, const void *v, uint32_t len)
{
    uint32_t be = htobe32(len);
    memcpy(p, &be, 4);
    memcpy(p + 4, v, len);
    return p + 4 + len;
}

static char *field64(char *p, uint64_t v)
{
    uint64_t be = htobe64(v);
    return field(p, &be, 8);
}

static char *field32(char *p, uint32_t v)
{
    uint32_t be = htobe32(v);
    return field(p, &be, 4);
}

static char *field16(char *p, uint16_t v)
{
    uint16_t be = htobe16(v);
    return field(p, &be, 2);
}

static uint8_t nibble(char c)
{
    return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static char *copy_row(char *p, const bench *b, uint32_t i)
{
    const wr_transfer *t = &b->transfer[i];
    uint16_t columns = htobe16(13);
    uint8_t hash[32];
    uint64_t value;
    uint16_t numeric[4 + 8];
    uint16_t digits = 0;
    uint16_t reversed[8];
    memcpy(p, &columns, 2);
    p = field64(p + 2, (uint64_t)t->time_s);
    p = field32(p, b->from[i] + 1);
    p = field32(p, b->to[i] + 1);
    memcpy(&value, &t->value, 8);
    p = field64(p, value);
    p = field32(p, 0);
    p = field16(p, t->flags);
    p = field16(p, 1);
    p = field16(p, t->decimals);
    p = field64(p, t->position);
    for (wr_amount a = t->amount_base; a; a /= 10000)
        reversed[digits++] = (uint16_t)(a % 10000);
    numeric[0] = htobe16(digits);
    numeric[1] = htobe16((uint16_t)(digits ? digits - 1 : 0));
    numeric[2] = numeric[3] = 0;
    for (uint16_t k = 0; k < digits; k++)
        numeric[4 + k] = htobe16(reversed[digits - 1 - k]);
    p = field(p, numeric, 8 + 2U * digits);
    for (size_t k = 0; k < 32; k++)
        hash[k] =
            (uint8_t)(nibble(t->tx_hash.p[2 * k]) << 4 | nibble(t->tx_hash.p[2 * k + 1]));
    p = field(p, hash, 32);
    p = field64(p, (uint64_t)t->block);
    memset(p, 0xff, 4); /* memo null */
    return p + 4;
}

static double peer_copy(bench *b, uint32_t n)
{
    static const char head[19] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0";
    enum { PIECE = 65536 };
    int64_t begin_us = wr_clock_mono_us();
    char *p = b->copy;
    memcpy(p, head, sizeof head);
    p += sizeof head;
    for (uint32_t i = 0; i < n; i++)
        p = copy_row(p, b, i);
    memset(p, 0xff, 2);
    p += 2;
    PQclear(PQexec(
        b->peer,
        "copy peer (time, from_id, to_id, value, asset_id, flags, chain_id, decimals,"
        " position, amount, tx_hash, block, memo) from stdin (format binary)"));
    for (char *at = b->copy; at < p; at += PIECE)
        if (PQputCopyData(b->peer, at, (int)(p - at < PIECE ? p - at : PIECE)) != 1)
            die("peer", PQerrorMessage(b->peer));
    (void)PQputCopyEnd(b->peer, NULL);
    PGresult *res = PQgetResult(b->peer);
    if (PQresultStatus(res) != PGRES_COMMAND_OK)
        die("peer", PQerrorMessage(b->peer));
    PQclear(res);
    while ((res = PQgetResult(b->peer)) != NULL)
        PQclear(res);
    return seconds_since(begin_us);
}

/* --- loads ------------------------------------------------------------------------- */

static double put_batch(bench *b, uint32_t n, wr_put_result *res)
{
    wr_err err = {0};
    const wr_put put = {.transfer = b->transfer, .transfer_count = n};
    int64_t begin_us = wr_clock_mono_us();
    must(wr_store_put(b->st, &put, NULL, res, &err), "put", &err);
    return seconds_since(begin_us);
}

static void empty_tables(bench *b)
{
    run(b->peer, "truncate peer, transactions, wallets, store_totals restart identity");
    wr_store_close(b->st); /* its cache knows wallets that are gone */
    wr_err err = {0};
    must(wr_store_open(&b->st, b->dsn, &err), "open", &err);
}

static void bench_load(bench *b)
{
    static double ratio[RATIO_MAX];
    size_t count = 0;
    double ours_s = 0;
    double peer_s = 0;
    empty_tables(b);
    cpu_pair cpu = cpu_begin(b->peer);
    for (uint32_t first = 0; first < b->rows; first += b->batch) {
        wr_put_result res;
        uint32_t n = make_batch(b, first);
        double p = peer_copy(b, n);
        double o = put_batch(b, n, &res);
        if (res.inserted != n)
            die("put", "not every row was new");
        ours_s += o;
        peer_s += p;
        if (count < RATIO_MAX)
            ratio[count++] = p / o;
    }
    qsort(ratio, count, sizeof *ratio, bench_by_value);
    printf("%-34s %8.0f rows/s  peer %8.0f  ratio %.2f  cpu %.2f  "
           "(batches min %.2f median %.2f max %.2f)\n",
           "upsert, all new", b->rows / ours_s, b->rows / peer_s, peer_s / ours_s,
           cpu_ratio(&cpu), ratio[0], ratio[count / 2], ratio[count - 1]);
}

/* Batches of which every `every`-th row is stored already; the rest is new.  Both tables
 * hold as many rows before: an index costs more the larger it is. */
static void bench_known(bench *b, uint32_t every)
{
    double ours_s = 0;
    double peer_s = 0;
    uint64_t rows = 0;
    uint64_t known = 0;
    uint32_t total = b->rows;
    uint32_t old_rows = total / 2;
    empty_tables(b);
    for (uint32_t first = 0; first < old_rows; first += b->batch) {
        wr_put_result res;
        const uint32_t n = make_batch(b, first);
        (void)peer_copy(b, n);
        (void)put_batch(b, n, &res);
    }
    cpu_pair cpu = cpu_begin(b->peer);
    for (uint32_t first = old_rows; first < total; first += b->batch) {
        wr_put_result res;
        uint32_t n = make_batch(b, first);
        double p = peer_copy(b, n); /* all new for the peer: the same rows */
        for (uint32_t i = 0; i < n; i += every)
            make_row(b, i, first - old_rows + i);
        double o = put_batch(b, n, &res);
        ours_s += o;
        peer_s += p;
        rows += n;
        known += res.duplicates;
        if (res.conflicts)
            die("put", "a duplicate was taken for a conflict");
    }
    printf("upsert, %5.1f %% known%14s %8.0f rows/s  peer %8.0f  ratio %.2f  cpu %.2f\n",
           100.0 * (double)known / (double)rows, "", (double)rows / ours_s,
           (double)rows / peer_s, peer_s / ours_s, cpu_ratio(&cpu));
}

/* --- reload ------------------------------------------------------------------------ */

static wr_status count_edges(void *ctx, const wr_edge_row *row, size_t n, wr_err *err)
{
    (void)row;
    (void)err;
    *(uint64_t *)ctx += n;
    return WR_OK;
}

static double drain(bench *b)
{
    char *message;
    int64_t begin_us = wr_clock_mono_us();
    PQclear(PQexec(b->peer,
                   "copy (select seq, time, from_id, to_id, asset_id, value, flags from "
                   "transactions) to stdout (format binary)"));
    while (PQgetCopyData(b->peer, &message, 0) > 0)
        PQfreemem(message);
    PGresult *res;
    while ((res = PQgetResult(b->peer)) != NULL)
        PQclear(res);
    return seconds_since(begin_us);
}

static uint64_t read_rows(bench *b)
{
    uint64_t n = 0;
    int64_t upto;
    wr_err err = {0};
    must(wr_store_safe_seq(b->st, &upto, &err), "safe_seq", &err);
    must(wr_store_scan_edges(b->st, 0, upto, count_edges, &n, &err), "scan", &err);
    return n;
}

/* With the wallets' texts, every view built. */
static uint64_t load_snapshot(bench *b)
{
    WR_AUTO(wr_snapshot) g = NULL;
    int64_t upto = -1;
    wr_err err = {0};
    must(wr_load_snapshot(&g, b->st, &upto, NULL, NULL, &err), "load", &err);
    return wr_snapshot_columns(g).m;
}

static void bench_reload(bench *b, const char *what, uint64_t (*reload)(bench *))
{
    enum { ROUNDS = 7 };
    double ratio[ROUNDS];
    double best_ours = 1e9;
    double best_peer = 1e9;
    cpu_pair cpu = cpu_begin(b->peer);
    for (int i = 0; i < ROUNDS; i++) {
        double p = drain(b);
        int64_t begin_us = wr_clock_mono_us();
        if (reload(b) != b->rows)
            die(what, "rows are missing");
        double o = seconds_since(begin_us);
        ratio[i] = p / o;
        best_ours = o < best_ours ? o : best_ours;
        best_peer = p < best_peer ? p : best_peer;
    }
    qsort(ratio, ROUNDS, sizeof *ratio, bench_by_value);
    printf(
        "%-34s %8.0f rows/s  peer %8.0f  ratio min %.2f median %.2f max %.2f  cpu %.2f\n",
        what, b->rows / best_ours, b->rows / best_peer, ratio[0], ratio[ROUNDS / 2],
        ratio[ROUNDS - 1], cpu_ratio(&cpu));
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        (void)fprintf(stderr,
                      "usage: bench_pg DSN [transfers = 1000000] [batch = 50000]\n");
        return 2;
    }
    bench b = {
        .rows = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1000000,
        .batch = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 50000,
    };
    b.wallets = b.rows / 5 + 16;
    if (b.rows == 0 || b.batch == 0)
        die("arguments", "transfers and batch must be above 0");
    bench_keep_memory();
    setup(&b, argv[1]);
    bench_load(&b);
    run(b.peer, "vacuum analyze transactions");
    (void)drain(&b);
    bench_reload(&b, "reload, rows to the caller", read_rows);
    bench_reload(&b, "reload, a snapshot to serve", load_snapshot);
    bench_known(&b, 100);
    bench_known(&b, 1);
    teardown(&b, argv[1]);
    return 0;
}
