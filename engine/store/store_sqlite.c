#include "store/sqlite_int.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "util/clock.h"

/* Bounds of what a handle remembers. */
enum { WALLET_CACHE_BYTES = 1 << 30, ASSET_CACHE_BYTES = 16 << 20 };

static void store_free(wr_sqlite *q)
{
    if (!q)
        return;
    for (size_t i = 0; i < q->cached_count; i++)
        (void)sqlite3_finalize(q->cached[i].stmt);
    wr_sqlite_names_release(q);
    /* An open transaction is rolled back by the close. */
    (void)sqlite3_close(q->db);
    wr_free(q);
}
WR_DEFINE_AUTO(wr_sqlite, store_free)

/* --- statements -----------------------------------------------------------------------
 */

wr_status wr_sqlite_fail(wr_sqlite *q, wr_err *err, const char *what)
{
    const char *text = q->db ? sqlite3_errmsg(q->db) : "out of memory";
    int code = q->db ? sqlite3_errcode(q->db) & 0xff : SQLITE_NOMEM;
    switch (code) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return wr_fail(err, WR_ETIMEOUT,
                       "%s: %s: another program has kept the database for %d s", what,
                       text, WR_SQLITE_BUSY_MS / 1000);
    case SQLITE_FULL:
        return wr_fail(err, WR_EIO, "%s: %s: no room for the database to grow", what,
                       text);
    case SQLITE_NOMEM:
        return wr_fail(err, WR_ENOMEM, "%s: %s", what, text);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return wr_fail(err, WR_ECORRUPT, "%s: %s", what, text);
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN: {
        const char *why = strerrordesc_np(sqlite3_system_errno(q->db));
        return wr_fail(err, WR_EIO, "%s: %s: %s", what, text,
                       why ? why : "unknown cause");
    }
    default:
        return wr_fail(err, WR_EIO, "%s: %s", what, text);
    }
}

wr_status wr_sqlite_exec(wr_sqlite *q, const char *sql, wr_err *err)
{
    if (sqlite3_exec(q->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return wr_sqlite_fail(q, err, "sqlite");
    return WR_OK;
}

wr_status wr_sqlite_stmt(wr_sqlite *q, const char *sql, sqlite3_stmt **out, wr_err *err)
{
    for (size_t i = 0; i < q->cached_count; i++) {
        if (q->cached[i].sql == sql) {
            *out = q->cached[i].stmt;
            return WR_OK;
        }
    }
    assert(q->cached_count < WR_SQLITE_STMT_MAX);
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v3(q->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL) !=
        SQLITE_OK)
        return wr_sqlite_fail(q, err, "sqlite");
    q->cached[q->cached_count].sql = sql;
    q->cached[q->cached_count++].stmt = s;
    *out = s;
    return WR_OK;
}

wr_status wr_sqlite_step(wr_sqlite *q, sqlite3_stmt *s, bool *has_row, wr_err *err)
{
    int rc = sqlite3_step(s);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return wr_sqlite_fail(q, err, "sqlite");
    *has_row = rc == SQLITE_ROW;
    return WR_OK;
}

wr_status wr_sqlite_run(wr_sqlite *q, sqlite3_stmt *s, wr_err *err)
{
    if (sqlite3_step(s) != SQLITE_DONE) {
        wr_status status = wr_sqlite_fail(q, err, "sqlite");
        (void)sqlite3_reset(s);
        return status;
    }
    (void)sqlite3_reset(s);
    return WR_OK;
}

wr_status wr_sqlite_int(wr_sqlite *q, const char *sql, int64_t none, int64_t *out,
                        wr_err *err)
{
    WR_SQLITE_STMT *s = NULL;
    bool has_row = false;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    WR_TRY(wr_sqlite_step(q, s, &has_row, err));
    *out = has_row ? wr_sqlite_int_or(s, 0, none) : none;
    return WR_OK;
}

void wr_sqlite_bind(sqlite3_stmt *s, int at, wr_text t)
{
    (void)sqlite3_bind_text(s, at, t.p, (int)t.len, SQLITE_STATIC);
}

void wr_sqlite_bind_int_or(sqlite3_stmt *s, int at, int64_t v, int64_t none)
{
    if (v == none)
        (void)sqlite3_bind_null(s, at);
    else
        (void)sqlite3_bind_int64(s, at, v);
}

wr_text wr_sqlite_text(sqlite3_stmt *s, int column)
{
    if (sqlite3_column_type(s, column) == SQLITE_NULL)
        return (wr_text){0};
    const void *p = sqlite3_column_text(s, column);
    return (wr_text){.p = p, .len = (uint32_t)sqlite3_column_bytes(s, column)};
}

int64_t wr_sqlite_int_or(sqlite3_stmt *s, int column, int64_t none)
{
    return sqlite3_column_type(s, column) == SQLITE_NULL
               ? none
               : sqlite3_column_int64(s, column);
}

/* --- transactions ---------------------------------------------------------------------
 */

static void rollback(wr_sqlite *q)
{
    if (!sqlite3_get_autocommit(q->db))
        (void)sqlite3_exec(q->db, "rollback", NULL, NULL, NULL);
}

wr_status wr_sqlite_begin(wr_sqlite *q, wr_err *err)
{
    static const char sql[] = "begin immediate";
    assert(!q->is_writing);
    WR_TRY(wr_sqlite_exec(q, sql, err));
    q->is_writing = true;
    wr_status s = wr_sqlite_names_sync(q, err);
    q->mark.chain_count = q->chain_count;
    q->mark.asset_count = q->asset_count;
    q->mark.wallet_max = q->wallet_max;
    return s == WR_OK ? WR_OK : wr_sqlite_end(q, s, err);
}

wr_status wr_sqlite_end(wr_sqlite *q, wr_status s, wr_err *err)
{
    assert(q->is_writing);
    q->is_writing = false;
    if (s == WR_OK)
        s = wr_sqlite_exec(q, "commit", err);
    if (s != WR_OK) {
        rollback(q);
        wr_sqlite_names_rollback(q);
    }
    return s;
}

/* --- schema ---------------------------------------------------------------------------
 */

static wr_status schema_begin(wr_store *st, wr_err *err)
{
    return wr_sqlite_exec(wr_sqlite_of(st), "begin exclusive", err);
}

static wr_status schema_end(wr_store *st, bool is_commit, wr_err *err)
{
    wr_sqlite *q = wr_sqlite_of(st);
    wr_status s = is_commit ? wr_sqlite_exec(q, "commit", err) : WR_OK;
    rollback(q);
    return s;
}

static wr_status schema_read(wr_store *st, wr_schema_fn fn, void *ctx, wr_err *err)
{
    static const char has_table[] =
        "select count(*) from sqlite_schema where type = 'table' and "
        "name = 'schema_migrations'";
    static const char rows[] =
        "select number, sha256 from schema_migrations order by number";
    wr_sqlite *q = wr_sqlite_of(st);
    int64_t tables = 0;
    WR_TRY(wr_sqlite_int(q, has_table, 0, &tables, err));
    if (tables == 0)
        return WR_OK;
    WR_SQLITE_STMT *s = NULL;
    bool has_row = false;
    WR_TRY(wr_sqlite_stmt(q, rows, &s, err));
    WR_TRY(wr_sqlite_step(q, s, &has_row, err));
    while (has_row) {
        wr_schema_row row = {.number = (uint32_t)sqlite3_column_int64(s, 0),
                             .sha256 = wr_sqlite_text(s, 1)};
        WR_TRY(fn(ctx, &row, err));
        WR_TRY(wr_sqlite_step(q, s, &has_row, err));
    }
    return WR_OK;
}

static wr_status schema_apply(wr_store *st, const wr_migration *m, wr_err *err)
{
    static const char table[] =
        "create table if not exists schema_migrations (number integer primary key, "
        "name text not null, sha256 text not null, applied_at integer not null) strict";
    static const char row[] = "insert into schema_migrations values (?, ?, ?, ?)";
    wr_sqlite *q = wr_sqlite_of(st);
    WR_TRY(wr_sqlite_exec(q, table, err));
    WR_TRY(wr_sqlite_exec(q, m->sql, err));
    WR_SQLITE_STMT *s = NULL;
    WR_TRY(wr_sqlite_stmt(q, row, &s, err));
    (void)sqlite3_bind_int64(s, 1, m->number);
    wr_sqlite_bind(s, 2, wr_text_of(m->name));
    wr_sqlite_bind(s, 3, wr_text_of(m->sha256));
    (void)sqlite3_bind_int64(s, 4, wr_clock_wall_s());
    return wr_sqlite_run(q, s, err);
}

/* --- life -----------------------------------------------------------------------------
 */

/*
 * Turning a new file to WAL needs it alone and does not wait by itself when two programs
 * do so at once, hence the loop.
 */
static wr_status set_wal(wr_sqlite *q, wr_err *err)
{
    const struct timespec pause = {.tv_nsec = 5000000};
    int64_t end_us = wr_clock_mono_us() + WR_SQLITE_BUSY_MS * INT64_C(1000);
    for (;;) {
        int rc = sqlite3_exec(q->db, "pragma journal_mode = wal", NULL, NULL, NULL);
        if (rc == SQLITE_OK)
            return WR_OK;
        if ((rc & 0xff) != SQLITE_BUSY || wr_clock_mono_us() > end_us)
            return wr_sqlite_fail(q, err, "sqlite");
        (void)nanosleep(&pause, NULL);
    }
}

static wr_status set_up(wr_sqlite *q, wr_err *err)
{
    static const char pragmas[] = "pragma synchronous = normal;"
                                  "pragma cache_size = -65536;" /* KiB, used as needed */
                                  "pragma secure_delete = off;"
                                  "pragma journal_size_limit = 67108864;"
                                  "pragma wal_autocheckpoint = 4096;"
                                  "pragma temp_store = memory;"
                                  "pragma threads = 2";
    (void)sqlite3_extended_result_codes(q->db, 1);
    (void)sqlite3_busy_timeout(q->db, WR_SQLITE_BUSY_MS);
    WR_TRY(wr_sqlite_exec(q, "pragma page_size = 8192", err)); /* of a new file */
    WR_TRY(set_wal(q, err));
    return wr_sqlite_exec(q, pragmas, err);
}

/*
 * SQLite's own count of its memory costs a lock per allocation, a fifth of the time of a
 * load, and nobody reads it.  Refused, harmlessly, when SQLite is already in use.
 */
static void configure_once(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static wr_status open_path(wr_store **out, const char *path, bool is_new, wr_err *err)
{
    WR_AUTO(wr_sqlite) q = wr_calloc(1, sizeof *q);
    if (!q)
        return wr_fail(err, WR_ENOMEM, "sqlite handle");
    q->base.be = &wr_store_sqlite;
    q->key_mask = UINT64_MAX;
    q->history_min = WR_SQLITE_HISTORY_MIN;
    q->history_max = WR_SQLITE_HISTORY_MAX;
    wr_intern_init(&q->wallet_id, WALLET_CACHE_BYTES);
    wr_intern_init(&q->asset_id, ASSET_CACHE_BYTES);

    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    wr_err why = {0};
    int rc =
        sqlite3_open_v2(path, &q->db, is_new ? flags | SQLITE_OPEN_CREATE : flags, NULL);
    if (rc != SQLITE_OK && !is_new && q->db && sqlite3_system_errno(q->db) == ENOENT)
        return wr_fail(err, WR_ENOTFOUND, "no database '%s': run walletrisk migrate",
                       path);
    wr_status s = rc == SQLITE_OK ? set_up(q, &why) : wr_sqlite_fail(q, &why, "sqlite");
    if (s != WR_OK)
        return wr_fail(err, s, "cannot open '%s': %s", path, why.msg);
    *out = &q->base;
    q = NULL;
    return WR_OK;
}

static wr_status sqlite_open(wr_store **out, const char *dsn, bool is_new, wr_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const char *path = dsn + strlen("sqlite:");
    (void)pthread_once(&once, configure_once);
    if (path[0] == '\0' || path[0] == ':')
        return wr_fail(err, WR_EINVAL,
                       "'%s': wanted sqlite:PATH of a file (memory: is the "
                       "store that keeps nothing)",
                       dsn);
    return open_path(out, path, is_new, err);
}

static wr_status sqlite_open_beside(wr_store **out, const wr_store *st, wr_err *err)
{
    const wr_sqlite *q = (const wr_sqlite *)st;
    return open_path(out, sqlite3_db_filename(q->db, "main"), false, err);
}

static void sqlite_close(wr_store *st)
{
    store_free(wr_sqlite_of(st));
}

const wr_store_backend wr_store_sqlite = {
    .kind = "sqlite",
    .dialect = "sqlite",
    .open = sqlite_open,
    .open_beside = sqlite_open_beside,
    .close = sqlite_close,
    .schema_begin = schema_begin,
    .schema_end = schema_end,
    .schema_read = schema_read,
    .schema_apply = schema_apply,
    .id = wr_sqlite_store_id,
    .put = wr_sqlite_put,
    .bulk_begin = wr_sqlite_bulk_begin,
    .bulk_end = wr_sqlite_bulk_end,
    .sources = wr_sqlite_sources,
    .source_get = wr_sqlite_source_get,
    .dead_list = wr_sqlite_dead_list,
    .counts = wr_sqlite_counts,
    .safe_seq = wr_sqlite_safe_seq,
    .label_rev = wr_sqlite_label_rev,
    .wait = wr_sqlite_wait,
    .scan_edges = wr_sqlite_scan_edges,
    .scan_wallets = wr_sqlite_scan_wallets,
    .wallets_get = wr_sqlite_wallets_get,
    .scan_assets = wr_sqlite_scan_assets,
    .labels_put = wr_sqlite_labels_put,
    .labels_remove = wr_sqlite_labels_remove,
    .labels_list = wr_sqlite_labels_list,
    .labels_of = wr_sqlite_labels_of,
    .labels_changed = wr_sqlite_labels_changed,
    .transfer_get = wr_sqlite_transfer_get,
    .wallet_transfers = wr_sqlite_wallet_transfers,
    .wallet_find = wr_sqlite_wallet_id,
    .run_put = wr_sqlite_run_put,
    .run_get = wr_sqlite_run_get,
    .run_list = wr_sqlite_run_list,
    .scores_put = wr_sqlite_scores_put,
    .scores_top = wr_sqlite_scores_top,
    .score_get = wr_sqlite_score_get,
    .model_put = wr_sqlite_model_put,
    .models = wr_sqlite_models,
    .model_get = wr_sqlite_model_get,
    .model_switch = wr_sqlite_model_switch,
};
