/*
 * bench_sqlite.c - the SQLite store against the plain way, batch by batch in one run.
 *
 *   bench_sqlite [ROWS [FOLDER]]      1 000 000 rows into FOLDER (/tmp) by default
 *
 * Plain way: one table with the texts in the row and a unique key, INSERT OR IGNORE row
 * by row in the order of arrival, one transaction per batch, same pragmas and cache.
 * Ours: wr_store_put of the same batches.  "first" loads ROWS into empty files, "more" as
 * many again onto them.  Batches alternate between the two, so that a slow minute hits
 * both.
 */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/amount.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/rng.h"

enum { BATCH = 250000 };

typedef struct texts {
    char hash[65], from[43], to[43];
} texts;

static wr_transfer *transfer;
static texts *text;
static const wr_chain *chain;

static void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "bench_sqlite: %s: %s\n", what, why);
    exit(1);
}

static void hex_of(char *out, uint64_t seed, size_t words)
{
    wr_rng r = {.s = seed};
    for (size_t i = 0; i < words; i++)
        (void)snprintf(out + 16 * i, 17, "%016" PRIx64, wr_rng_u64(&r));
}

/* Wallets by a power law: few busy ones, many seen once. */
static void address_of(char out[43], wr_rng *rng, uint64_t wallets)
{
    char hex[49];
    double u = wr_rng_unit(rng);
    hex_of(hex, (uint64_t)((double)wallets * u * u * u) * 7919 + 1, 3);
    (void)snprintf(out, 43, "0x%.40s", hex);
}

static void make_batch(wr_rng *rng, uint64_t first, size_t n, uint64_t wallets)
{
    for (size_t i = 0; i < n; i++) {
        texts *x = &text[i];
        hex_of(x->hash, wr_rng_u64(rng), 4);
        address_of(x->from, rng, wallets);
        address_of(x->to, rng, wallets);
        uint64_t amount = wr_rng_u64(rng) >> 2;
        transfer[i] = (wr_transfer){
            .chain = chain,
            .tx_hash = {.p = x->hash, .len = 64},
            .block = (int64_t)((first + i) / 100),
            .time_s = 1500000000 + (int64_t)((first + i) / 5),
            .from = {.p = x->from, .len = 42},
            .to = {.p = x->to, .len = 42},
            .asset = WR_TEXT_LIT("ETH"),
            .amount_base = amount,
            .decimals = 18,
            .flags = WR_TRANSFER_UNPRICED,
            .value = wr_amount_value(amount, 18),
        };
    }
}

/* --- the plain way ------------------------------------------------------------------ */

static void run_sql(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        die(sql, sqlite3_errmsg(db));
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
        die(sql, sqlite3_errmsg(db));
    return s;
}

static sqlite3 *plain_open(const char *path)
{
    sqlite3 *db = NULL;
    if (sqlite3_open(path, &db) != SQLITE_OK)
        die(path, sqlite3_errmsg(db));
    run_sql(db, "pragma page_size = 8192; pragma journal_mode = wal;"
                "pragma synchronous = normal; pragma cache_size = -1048576;"
                "pragma secure_delete = off;"
                "create table transfers (seq integer primary key, chain text not null, "
                "tx_hash text not null, position integer not null, block integer, "
                "time integer not null, from_address text not null, "
                "to_address text not null, asset text not null, amount text not null, "
                "decimals integer not null, value real not null, flags integer not null, "
                "memo text, unique (chain, tx_hash, position))");
    return db;
}

static void plain_put(sqlite3 *db, sqlite3_stmt *s, size_t n)
{
    run_sql(db, "begin immediate");
    for (size_t i = 0; i < n; i++) {
        const wr_transfer *t = &transfer[i];
        char amount[WR_AMOUNT_TEXT_MAX];
        wr_amount_format(amount, t->amount_base);
        (void)sqlite3_bind_text(s, 1, t->chain->id, -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(s, 2, t->tx_hash.p, 64, SQLITE_STATIC);
        (void)sqlite3_bind_int64(s, 3, t->position);
        (void)sqlite3_bind_int64(s, 4, t->block);
        (void)sqlite3_bind_int64(s, 5, t->time_s);
        (void)sqlite3_bind_text(s, 6, t->from.p, 42, SQLITE_STATIC);
        (void)sqlite3_bind_text(s, 7, t->to.p, 42, SQLITE_STATIC);
        (void)sqlite3_bind_text(s, 8, t->asset.p, 3, SQLITE_STATIC);
        (void)sqlite3_bind_text(s, 9, amount, -1, SQLITE_STATIC);
        (void)sqlite3_bind_int(s, 10, t->decimals);
        (void)sqlite3_bind_double(s, 11, t->value);
        (void)sqlite3_bind_int(s, 12, t->flags);
        if (sqlite3_step(s) != SQLITE_DONE)
            die("insert", sqlite3_errmsg(db));
        (void)sqlite3_reset(s);
    }
    run_sql(db, "commit");
}

/* --- both --------------------------------------------------------------------------- */

typedef struct run {
    sqlite3 *plain;
    sqlite3_stmt *insert;
    wr_store *st;
    wr_rng rng;
    uint64_t done, wallets;
} run;

static void load(run *r, const char *name, uint64_t rows)
{
    int64_t plain_us = 0;
    int64_t ours_us = 0;
    wr_err err = {0};
    int64_t begin_us = wr_clock_mono_us();
    if (wr_store_bulk_begin(r->st, &err) != WR_OK)
        die("bulk_begin", err.msg);
    ours_us += wr_clock_mono_us() - begin_us;
    for (uint64_t at = 0; at < rows; at += BATCH) {
        size_t n = rows - at < BATCH ? (size_t)(rows - at) : BATCH;
        make_batch(&r->rng, r->done + at, n, r->wallets);
        begin_us = wr_clock_mono_us();
        plain_put(r->plain, r->insert, n);
        plain_us += wr_clock_mono_us() - begin_us;
        wr_put put = {.transfer = transfer, .transfer_count = n};
        wr_put_result res;
        begin_us = wr_clock_mono_us();
        if (wr_store_put(r->st, &put, NULL, &res, &err) != WR_OK)
            die("put", err.msg);
        ours_us += wr_clock_mono_us() - begin_us;
        if (res.inserted != n)
            die("put", "not every transfer was new");
    }
    begin_us = wr_clock_mono_us();
    if (wr_store_bulk_end(r->st, &err) != WR_OK)
        die("bulk_end", err.msg);
    ours_us += wr_clock_mono_us() - begin_us;
    r->done += rows;
    printf("%-6s %9" PRIu64 " rows: plain %6.1f k/s, ours %6.1f k/s, ratio %.2f\n", name,
           rows, 1e3 * (double)rows / (double)plain_us,
           1e3 * (double)rows / (double)ours_us, (double)plain_us / (double)ours_us);
}

static wr_status add_value(void *ctx, const wr_edge_row *row, size_t n, wr_err *err)
{
    double *sum = ctx;
    (void)err;
    for (size_t i = 0; i < n; i++)
        *sum += row[i].value + (double)(row[i].from ^ row[i].to);
    return WR_OK;
}

static double plain_scan(sqlite3 *db, int64_t *us)
{
    int64_t begin_us = wr_clock_mono_us();
    double sum = 0;
    sqlite3_stmt *s =
        prepare(db, "select seq, time, from_id, to_id, value, asset_id, flags "
                    "from transactions order by seq");
    while (sqlite3_step(s) == SQLITE_ROW) {
        (void)sqlite3_column_int64(s, 0);
        (void)sqlite3_column_int64(s, 1);
        (void)sqlite3_column_int(s, 5);
        (void)sqlite3_column_int(s, 6);
        sum +=
            sqlite3_column_double(s, 4) + (double)((uint32_t)sqlite3_column_int64(s, 2) ^
                                                   (uint32_t)sqlite3_column_int64(s, 3));
    }
    (void)sqlite3_finalize(s);
    *us = wr_clock_mono_us() - begin_us;
    return sum;
}

static void scan(run *r, const char *path)
{
    sqlite3 *db = NULL;
    if (sqlite3_open(path, &db) != SQLITE_OK)
        die(path, sqlite3_errmsg(db));
    run_sql(db, "pragma cache_size = -524288");
    for (int round = 0; round < 4; round++) { /* the first warms both caches */
        double sum = 0;
        int64_t plain_us;
        wr_err err = {0};
        double want = plain_scan(db, &plain_us);
        int64_t begin_us = wr_clock_mono_us();
        if (wr_store_scan_edges(r->st, 0, INT64_MAX, add_value, &sum, &err) != WR_OK)
            die("scan", err.msg);
        int64_t ours_us = wr_clock_mono_us() - begin_us;
        if (sum < want || sum > want)
            die("scan", "the two do not read the same");
        if (round > 0)
            printf("scan   %9" PRIu64
                   " rows: plain %6.2f M/s, ours %6.2f M/s, ratio %.2f\n",
                   r->done, (double)r->done / (double)plain_us,
                   (double)r->done / (double)ours_us, (double)plain_us / (double)ours_us);
    }
    (void)sqlite3_close(db);
}

static wr_status count_row(void *ctx, const wr_transfer_row *row, wr_err *err)
{
    (void)row;
    (void)err;
    ++*(uint64_t *)ctx;
    return WR_OK;
}

/* Pages of 50 of random wallets, against what a scan of the table costs. */
static void history(run *r)
{
    enum { LOOKUPS = 500 };
    uint64_t rows = 0;
    wr_err err = {0};
    int64_t begin_us = wr_clock_mono_us();
    for (int i = 0; i < LOOKUPS; i++) {
        char address[43];
        address_of(address, &r->rng, r->wallets);
        wr_text a = {.p = address, .len = 42};
        if (wr_store_wallet_transfers(r->st, chain, a, 0, 50, count_row, &rows, &err) !=
            WR_OK)
            die("wallet_transfers", err.msg);
    }
    int64_t us = wr_clock_mono_us() - begin_us;
    printf("wallet history: %.3f ms per page of %.1f transfers\n",
           (double)us / 1e3 / LOOKUPS, (double)rows / LOOKUPS);
}

static void show_size(const char *name, const char *path, uint64_t rows)
{
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END) != 0)
        die(path, "cannot be read");
    printf("%s: %.0f bytes per transfer\n", name, (double)ftell(f) / (double)rows);
    (void)fclose(f);
}

static void remove_files(const char *path)
{
    static const char *const ending[] = {"", "-wal", "-shm"};
    for (int i = 0; i < 3; i++) {
        char name[1100];
        (void)snprintf(name, sizeof name, "%s%s", path, ending[i]);
        (void)unlink(name);
    }
}

int main(int argc, char **argv)
{
    uint64_t rows = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    char path[2][512];
    char dsn[600];
    for (int i = 0; i < 2; i++) {
        (void)snprintf(path[i], sizeof path[i], "%s/bench-%s-%ld.db",
                       argc > 2 ? argv[2] : "/tmp", i ? "ours" : "plain", (long)getpid());
        remove_files(path[i]);
    }
    (void)snprintf(dsn, sizeof dsn, "sqlite:%s", path[1]);
    transfer = wr_calloc(BATCH, sizeof *transfer);
    text = wr_calloc(BATCH, sizeof *text);
    wr_err err = {0};
    wr_migrate_report rep;
    run r = {.rng = {.s = 1}, .wallets = rows / 3 + 10};
    if (rows == 0 || !transfer || !text)
        die("usage", "bench_sqlite [ROWS [FOLDER]]");
    if (wr_chain_find(&chain, WR_TEXT_LIT("eip155:1"), &err) != WR_OK ||
        wr_store_open(&r.st, dsn, &err) != WR_OK ||
        wr_store_migrate(r.st, &rep, &err) != WR_OK)
        die("open", err.msg);
    r.plain = plain_open(path[0]);
    r.insert = prepare(
        r.plain, "insert or ignore into transfers (chain, tx_hash, position, block, "
                 "time, from_address, to_address, asset, amount, decimals, value, "
                 "flags) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    load(&r, "first", rows);
    load(&r, "more", rows);
    scan(&r, path[1]);
    history(&r);
    (void)sqlite3_finalize(r.insert);
    (void)sqlite3_close(r.plain);
    wr_store_close(r.st);
    show_size("plain file", path[0], r.done);
    show_size("our file", path[1], r.done);
    for (int i = 0; i < 2; i++)
        remove_files(path[i]);
    wr_free(transfer);
    wr_free(text);
    return 0;
}
