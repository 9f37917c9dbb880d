/*
 * sqlite_int.h - the SQLite backend's handle and the few calls its files share.
 *
 *   store_sqlite.c          open, pragmas, statements, transactions, schema
 *   store_sqlite_names.c    chains, assets and wallets: text <-> id
 *   store_sqlite_key.c      natural keys: which transfers of a batch are new
 *   store_sqlite_put.c      one batch in one transaction
 *   store_sqlite_source.c   ingestion_state, dead letters, counts, wait
 *   store_sqlite_scan.c     edges, wallets, assets, single transfers
 *   store_sqlite_history.c  transfers of one wallet, newest first
 *   store_sqlite_labels.c   labels and their revisions
 *   store_sqlite_runs.c     runs and scores
 *   store_sqlite_models.c   registry of trained models
 *
 * Statements are cached by the address of their SQL text, which is therefore a static
 * string.  A statement taken with WR_SQLITE_STMT is reset when its scope ends.
 *
 * What the handle remembers of the database (chains, assets, wallet ids) only grows; it
 * is brought up to date when a write transaction begins and cut back on rollback.
 */
#ifndef WR_STORE_SQLITE_INT_H
#define WR_STORE_SQLITE_INT_H

#include <sqlite3.h>

#include "store/backend_int.h"
#include "store/intern_int.h"
#include "store/siphash_int.h"

enum {
    WR_SQLITE_STMT_MAX = 104,
    WR_SQLITE_BUSY_MS = 10000,
    WR_SQLITE_HISTORY_MIN =
        131072, /* transfers after the newest block before another is made */
    WR_SQLITE_HISTORY_MAX = 524288 /* transfers of one block */
};

typedef struct wr_sqlite_asset {
    const wr_chain *chain;
    uint8_t decimals;
    char text[WR_ASSET_MAX + 1];
} wr_sqlite_asset;

typedef struct wr_sqlite {
    wr_store base;
    sqlite3 *db;
    struct {
        const char *sql;
        sqlite3_stmt *stmt;
    } cached[WR_SQLITE_STMT_MAX];
    size_t cached_count;
    bool is_writing; /* inside wr_sqlite_begin … wr_sqlite_end */

    const wr_chain **chain; /* [chain_count]: chain_id 1.. at index 0.. */
    size_t chain_count, chain_cap;
    wr_sqlite_asset *asset; /* [asset_count]: asset_id */
    size_t asset_count, asset_cap;
    wr_intern asset_id;
    wr_intern wallet_id;
    bool is_wallet_cache_whole; /* it holds every wallet with id <= wallet_max */
    uint32_t wallet_max;        /* highest id as of the last write transaction */
    struct {
        size_t chain_count, asset_count;
        uint32_t wallet_max;
    } mark; /* as of wr_sqlite_begin: what a rollback goes back to */

    bool has_key_secret;
    uint8_t key_secret[WR_SIPHASH_KEY_BYTES];
    uint64_t key_mask; /* all ones; tests narrow it to make keys collide */
    uint64_t key_base; /* 0; tests move it to the end of the range */
    bool has_waited;   /* data_version is that of the latest wr_store_wait */
    int64_t data_version;
    int64_t history_min; /* WR_SQLITE_HISTORY_MIN; tests lower both */
    int64_t history_max;
} wr_sqlite;

static inline wr_sqlite *wr_sqlite_of(wr_store *st)
{
    return (wr_sqlite *)(void *)st;
}

/* --- statements -----------------------------------------------------------------------
 */

/* Status and text for what SQLite just answered; `what` says what was being done. */
wr_status wr_sqlite_fail(wr_sqlite *q, wr_err *err, const char *what);
wr_status wr_sqlite_exec(wr_sqlite *q, const char *sql, wr_err *err) WR_NODISCARD;

wr_status wr_sqlite_stmt(wr_sqlite *q, const char *sql, sqlite3_stmt **out,
                         wr_err *err) WR_NODISCARD;
static inline void wr_sqlite_stmt_reset_(sqlite3_stmt **s)
{
    if (*s) {
        (void)sqlite3_reset(*s);
        (void)sqlite3_clear_bindings(*s);
    }
}
#define WR_SQLITE_STMT __attribute__((cleanup(wr_sqlite_stmt_reset_))) sqlite3_stmt

/* One row (true) or the end (false). */
wr_status wr_sqlite_step(wr_sqlite *q, sqlite3_stmt *s, bool *has_row,
                         wr_err *err) WR_NODISCARD;
/* Run a statement that gives no rows, and reset it for the next bindings. */
wr_status wr_sqlite_run(wr_sqlite *q, sqlite3_stmt *s, wr_err *err) WR_NODISCARD;
/* First column of the only row of `sql` (static, no parameters); absent or null = none.
 */
wr_status wr_sqlite_int(wr_sqlite *q, const char *sql, int64_t none, int64_t *out,
                        wr_err *err) WR_NODISCARD;

/* Borrowed until the statement is stepped or reset; absent = NULL. */
void wr_sqlite_bind(sqlite3_stmt *s, int at, wr_text t);
/* NULL for WR_TIME_NONE and the like. */
void wr_sqlite_bind_int_or(sqlite3_stmt *s, int at, int64_t v, int64_t none);
wr_text wr_sqlite_text(sqlite3_stmt *s, int column);
int64_t wr_sqlite_int_or(sqlite3_stmt *s, int column, int64_t none);

/* --- transactions ---------------------------------------------------------------------
 */

/* BEGIN IMMEDIATE, then what the handle remembers is brought up to date. */
wr_status wr_sqlite_begin(wr_sqlite *q, wr_err *err) WR_NODISCARD;
/* Commit when s is WR_OK, else roll back; answers s or what the commit said. */
wr_status wr_sqlite_end(wr_sqlite *q, wr_status s, wr_err *err) WR_NODISCARD;

/* --- names ----------------------------------------------------------------------------
 */

void wr_sqlite_names_release(wr_sqlite *q);
/* Learn what other handles added. */
wr_status wr_sqlite_names_sync(wr_sqlite *q, wr_err *err) WR_NODISCARD;
void wr_sqlite_names_rollback(wr_sqlite *q);
/* Read all wallets into the cache, as far as it may grow. */
wr_status wr_sqlite_wallets_preload(wr_sqlite *q, wr_err *err) WR_NODISCARD;

/* chain of an id read from a row. */
wr_status wr_sqlite_chain(wr_sqlite *q, int64_t chain_id, const wr_chain **out,
                          wr_err *err) WR_NODISCARD;
wr_status wr_sqlite_asset_at(wr_sqlite *q, int64_t asset_id, const wr_sqlite_asset **out,
                             wr_err *err) WR_NODISCARD;
/* 0 when the database does not know it. */
wr_status wr_sqlite_chain_find(wr_sqlite *q, const wr_chain *chain, uint32_t *chain_id,
                               wr_err *err) WR_NODISCARD;
wr_status wr_sqlite_wallet_find(wr_sqlite *q, uint32_t chain_id, wr_text address,
                                uint32_t *id, wr_err *err) WR_NODISCARD;

/* Known or newly made; only inside a write transaction. */
wr_status wr_sqlite_chain_put(wr_sqlite *q, const wr_chain *chain, uint32_t *chain_id,
                              wr_err *err) WR_NODISCARD;
wr_status wr_sqlite_asset_put(wr_sqlite *q, uint32_t chain_id, const wr_chain *chain,
                              wr_text asset, uint8_t decimals, uint16_t *id,
                              wr_err *err) WR_NODISCARD;

/* A wallet that a put brings and the table does not have yet. */
typedef struct wr_sqlite_new_wallet {
    wr_text address; /* borrowed from the put */
    uint32_t chain_id, id;
} wr_sqlite_new_wallet;
typedef struct wr_sqlite_new_wallets {
    wr_sqlite_new_wallet *item;
    size_t count, cap;
} wr_sqlite_new_wallets;
/* Id of a wallet, the next one when it is new; then it is also appended to fresh. */
wr_status wr_sqlite_wallet_put(wr_sqlite *q, wr_sqlite_new_wallets *fresh,
                               uint32_t chain_id, wr_text address, uint32_t *id,
                               wr_err *err) WR_NODISCARD;
/* Write them, in the order of the address index; reorders fresh. */
wr_status wr_sqlite_wallets_insert(wr_sqlite *q, wr_sqlite_new_wallets *fresh,
                                   wr_err *err) WR_NODISCARD;

/* --- natural keys ---------------------------------------------------------------------
 */

typedef struct wr_sqlite_batch {
    const wr_put *put;
    int64_t base_seq;   /* transfer i gets seq base_seq + 1 + i */
    uint32_t *chain_id; /* [transfer_count] */
    uint8_t *outcome;   /* [transfer_count] wr_put_outcome */
    uint64_t *rival;    /* [transfer_count] seq of the row with the same key, else 0 */
    uint8_t *hash;      /* packed transaction hashes, one after the other */
    size_t hash_len;
    size_t *hash_at; /* [transfer_count + 1] */
} wr_sqlite_batch;

/* Judge every transfer of b: fills outcome and rival, and takes the keys of the new ones.
 */
wr_status wr_sqlite_keys_take(wr_sqlite *q, wr_sqlite_batch *b, wr_err *err) WR_NODISCARD;

/* --- rows ------------------------------------------------------------------------------
 */

/* Columns as sql_row of store_sqlite_scan.c lists them; texts live until the next step.
 */
typedef struct wr_sqlite_row {
    wr_transfer_row row;
    char tx_hash[WR_TX_HASH_MAX + 1];
} wr_sqlite_row;
/*
 * Read the transfer at seq and call fn; is_found false and no call when there is none.
 */
wr_status wr_sqlite_transfer_at(wr_sqlite *q, int64_t seq, wr_transfer_fn fn, void *ctx,
                                bool *is_found, wr_err *err) WR_NODISCARD;

/* Bring wallet_history up to date (inside a write transaction). */
wr_status wr_sqlite_history_extend(wr_sqlite *q, int64_t max_seq,
                                   wr_err *err) WR_NODISCARD;

/* --- the operations, by file -------------------------------------------------------- */

wr_status wr_sqlite_put(wr_store *st, const wr_put *put, uint8_t *outcome,
                        wr_put_result *res, wr_err *err);
wr_status wr_sqlite_bulk_begin(wr_store *st, wr_err *err);
wr_status wr_sqlite_bulk_end(wr_store *st, wr_err *err);

/* What a put adds to its source. */
typedef struct wr_sqlite_tally {
    wr_put_result res;
    wr_time_range accepted;
    uint64_t gone;  /* letters that a restart or wr_put.resolved took away */
    wr_rates rates; /* before this put */
} wr_sqlite_tally;
/*
 * What the put needs to know of its source, read first thing in its transaction, which
 * keeps all other writers out: rates of t.  WR_ECONFLICT (the fence).
 */
wr_status wr_sqlite_source_begin(wr_sqlite *q, const wr_source_mark *m,
                                 wr_sqlite_tally *t, wr_err *err);
wr_status wr_sqlite_source_add(wr_sqlite *q, const wr_put *put, const wr_sqlite_tally *t,
                               wr_err *err);
wr_status wr_sqlite_dead_add(wr_sqlite *q, const wr_dead_letter *d, wr_err *err);
/* The letters that a restart or wr_put.resolved takes away; *gone = how many. */
wr_status wr_sqlite_dead_remove(wr_sqlite *q, const wr_put *put, uint64_t *gone,
                                wr_err *err);
wr_status wr_sqlite_sources(wr_store *st, wr_source_fn fn, void *ctx, wr_err *err);
wr_status wr_sqlite_source_get(wr_store *st, wr_source *out, wr_arena *arena,
                               wr_text source, int32_t partition, wr_err *err);
wr_status wr_sqlite_dead_list(wr_store *st, wr_text source, int64_t after_id,
                              uint32_t limit, wr_dead_fn fn, void *ctx, wr_err *err);
wr_status wr_sqlite_store_id(wr_store *st, char out[WR_STORE_ID_HEX + 1], wr_err *err);
wr_status wr_sqlite_counts(wr_store *st, wr_counts *out, wr_err *err);
wr_status wr_sqlite_safe_seq(wr_store *st, int64_t *seq, wr_err *err);
wr_status wr_sqlite_wait(wr_store *st, int64_t wait_ms, bool *is_woken, wr_err *err);

wr_status wr_sqlite_scan_edges(wr_store *st, int64_t after_seq, int64_t upto_seq,
                               bool is_any_order, wr_edge_fn fn, void *ctx, wr_err *err);
wr_status wr_sqlite_scan_wallets(wr_store *st, uint32_t after_id, wr_wallet_fn fn,
                                 void *ctx, wr_err *err);
wr_status wr_sqlite_wallets_get(wr_store *st, const uint32_t *id, size_t n,
                                wr_wallet_fn fn, void *ctx, wr_err *err);
wr_status wr_sqlite_scan_assets(wr_store *st, wr_asset_fn fn, void *ctx, wr_err *err);
wr_status wr_sqlite_transfer_get(wr_store *st, int64_t seq, wr_transfer_fn fn, void *ctx,
                                 wr_err *err);
wr_status wr_sqlite_wallet_transfers(wr_store *st, const wr_chain *chain, wr_text address,
                                     int64_t before_seq, uint32_t limit,
                                     wr_transfer_fn fn, void *ctx, wr_err *err);
wr_status wr_sqlite_wallet_id(wr_store *st, const wr_chain *chain, wr_text address,
                              uint32_t *id, wr_err *err);

wr_status wr_sqlite_labels_put(wr_store *st, const wr_label *label, size_t n,
                               wr_labels_report *rep, wr_err *err);
wr_status wr_sqlite_labels_remove(wr_store *st, const wr_label_filter *f,
                                  uint64_t *removed, wr_err *err);
wr_status wr_sqlite_labels_list(wr_store *st, int64_t rev, const wr_label_filter *f,
                                bool is_in_graph_only, int64_t after_id, uint32_t limit,
                                wr_label_fn fn, void *ctx, wr_err *err);
wr_status wr_sqlite_label_rev(wr_store *st, int64_t *rev, wr_err *err);
wr_status wr_sqlite_labels_of(wr_store *st, int64_t rev, const uint32_t *wallet_id,
                              size_t n, wr_label_fn fn, void *ctx, wr_err *err);
wr_status wr_sqlite_labels_changed(wr_store *st, int64_t after_rev, int64_t upto_rev,
                                   uint32_t limit, wr_label_fn fn, void *ctx,
                                   wr_err *err);

wr_status wr_sqlite_run_put(wr_store *st, const wr_run *run, wr_err *err);
wr_status wr_sqlite_run_get(wr_store *st, const char *id, wr_run_fn fn, void *ctx,
                            wr_err *err);
wr_status wr_sqlite_run_list(wr_store *st, const char *before_id, uint32_t limit,
                             wr_run_fn fn, void *ctx, wr_err *err);
wr_status wr_sqlite_scores_put(wr_store *st, const wr_run *run, size_t n,
                               wr_score_at_fn row, void *ctx, wr_err *err);
wr_status wr_sqlite_scores_top(wr_store *st, const wr_score_query *want, wr_score_fn fn,
                               void *ctx, wr_err *err);
wr_status wr_sqlite_score_get(wr_store *st, const char *run_id, const wr_chain *chain,
                              wr_text address, wr_score_fn fn, void *ctx, wr_err *err);

wr_status wr_sqlite_model_put(wr_store *st, const wr_model *m, bool *is_new, wr_err *err);
wr_status wr_sqlite_models(wr_store *st, wr_model_fn fn, void *ctx, wr_err *err);
wr_status wr_sqlite_model_get(wr_store *st, const char *id, wr_model_fn fn, void *ctx,
                              wr_err *err);
wr_status wr_sqlite_model_switch(wr_store *st, const wr_model_activation *sw,
                                 wr_err *err);

#endif
