/*
 * backend_int.h - what a backend of store.h must provide, and what all backends share.
 *
 * wr_store is the first member of every backend's own handle:
 *
 *     wr_store ── be ──> wr_store_backend (const table of functions)
 *        ^
 *     struct sqlite_store { wr_store base; sqlite3 *db; … };
 *
 * store.c picks the table by the DSN's scheme and passes every call through; it asserts
 * pointers, so a backend need not.  migrate.c runs the files of migrations/ through the
 * schema_* functions.
 *
 * What every backend must agree on (the contract suite holds it):
 *  - ids of wallets (1..) and assets (0..) are given in the order of first appearance in
 *    the put array, from before to.  Transfers that are refused as conflicts get no ids
 *    for what only they name: a wallet with an id is in at least one transfer.
 *  - the dead letters of a put get ascending ids: those of wr_put.dead in array order,
 * then the conflicts in array order (wr_store_conflict_letter).
 *  - a labels_put that changes nothing makes no revision; one that changes something
 *    makes one.  The same key twice in one call: judged one after the other, the last
 * wins.
 *  - a restart (wr_source_mark) removes the letters of (source, partition) that were
 * there before the put, and takes their number, at most what is counted, off the source's
 *    records and dead.
 *  - what a put takes away (restart, or wr_put.resolved: then only the named letters)
 * goes before what it brings; a restart takes the resolved ones along.
 *  - the fence is judged by what is committed when the source's row is locked, and a put
 *    that it refuses leaves no trace (wr_store_fence_fail).
 *  - wr_store_totals (transfers, first and last time, wallets, dead letters) is kept by
 *    table store_totals, so that wr_store_counts does not scan; its column slot exists so
 *    that concurrent writers need not queue at one row (a backend uses any slots, readers
 *    sum them; a single slot's dead may be below 0).
 *
 * Thread: as store.h: one handle one thread.
 */
#ifndef WR_STORE_BACKEND_INT_H
#define WR_STORE_BACKEND_INT_H

#include "store/migrations_int.h"
#include "store/rate_int.h"
#include "store/store.h"

/* One row of schema_migrations. */
typedef struct wr_schema_row {
    uint32_t number;
    wr_text sha256; /* hex */
} wr_schema_row;
typedef wr_status (*wr_schema_fn)(void *ctx, const wr_schema_row *row, wr_err *err);

typedef struct wr_model_activation {
    const char *id; /* "" = none */
    const char *kind;
    wr_text by;
    int64_t at_s;
} wr_model_activation;

typedef struct wr_store_backend {
    const char *kind; /* wr_store_kind */
    const char
        *dialect; /* whose rows of wr_migrations it applies: "sqlite" | "postgres" */

    /* is_new: the database is made when there is none (SQLite: its file) */
    wr_status (*open)(wr_store **out, const char *dsn, bool is_new, wr_err *err);
    /* NULL: a store has one handle */
    wr_status (*open_beside)(wr_store **out, const wr_store *st, wr_err *err);
    void (*close)(wr_store *st); /* st is never NULL */

    /*
     * Schema.  schema_begin opens a transaction that keeps every other migrator out
     * until schema_end; schema_end commits or rolls back.  schema_read also works outside
     * of one and reports ascending numbers; no table schema_migrations = no rows.
     * schema_apply runs m->sql and inserts (number, name, sha256, applied_at = now),
     * making the table first when it is missing.
     */
    wr_status (*schema_begin)(wr_store *st, wr_err *err);
    wr_status (*schema_end)(wr_store *st, bool is_commit, wr_err *err);
    wr_status (*schema_read)(wr_store *st, wr_schema_fn fn, void *ctx, wr_err *err);
    wr_status (*schema_apply)(wr_store *st, const wr_migration *m, wr_err *err);
    /* After a successful migrate (repair of an interrupted bulk load …); may be NULL. */
    wr_status (*schema_ready)(wr_store *st, wr_err *err);

    /* One per operation of store.h, same meaning. */
    wr_status (*id)(wr_store *st, char out[WR_STORE_ID_HEX + 1], wr_err *err);
    wr_status (*put)(wr_store *st, const wr_put *put, uint8_t *outcome,
                     wr_put_result *res, wr_err *err);
    wr_status (*bulk_begin)(wr_store *st, wr_err *err);
    wr_status (*bulk_end)(wr_store *st, wr_err *err);
    wr_status (*sources)(wr_store *st, wr_source_fn fn, void *ctx, wr_err *err);
    wr_status (*source_get)(wr_store *st, wr_source *out, wr_arena *arena, wr_text source,
                            int32_t partition, wr_err *err);
    wr_status (*dead_list)(wr_store *st, wr_text source, int64_t after_id, uint32_t limit,
                           wr_dead_fn fn, void *ctx, wr_err *err);

    wr_status (*counts)(wr_store *st, wr_counts *out, wr_err *err);
    wr_status (*safe_seq)(wr_store *st, int64_t *seq, wr_err *err);
    wr_status (*label_rev)(wr_store *st, int64_t *rev, wr_err *err);
    wr_status (*wait)(wr_store *st, int64_t wait_ms, bool *is_woken, wr_err *err);
    wr_status (*scan_edges)(wr_store *st, int64_t after_seq, int64_t upto_seq,
                            bool is_any_order, wr_edge_fn fn, void *ctx, wr_err *err);
    wr_status (*scan_wallets)(wr_store *st, uint32_t after_id, wr_wallet_fn fn, void *ctx,
                              wr_err *err);
    wr_status (*wallets_get)(wr_store *st, const uint32_t *id, size_t n, wr_wallet_fn fn,
                             void *ctx, wr_err *err);
    wr_status (*scan_assets)(wr_store *st, wr_asset_fn fn, void *ctx, wr_err *err);

    wr_status (*labels_put)(wr_store *st, const wr_label *label, size_t n,
                            wr_labels_report *rep, wr_err *err);
    wr_status (*labels_remove)(wr_store *st, const wr_label_filter *f, uint64_t *removed,
                               wr_err *err); /* f is not empty: store.c has checked */
    wr_status (*labels_list)(wr_store *st, int64_t rev, const wr_label_filter *f,
                             bool is_in_graph_only, int64_t after_id, uint32_t limit,
                             wr_label_fn fn, void *ctx, wr_err *err);
    wr_status (*labels_of)(wr_store *st, int64_t rev, const uint32_t *wallet_id, size_t n,
                           wr_label_fn fn, void *ctx, wr_err *err);
    wr_status (*labels_changed)(wr_store *st, int64_t after_rev, int64_t upto_rev,
                                uint32_t limit, wr_label_fn fn, void *ctx, wr_err *err);

    wr_status (*transfer_get)(wr_store *st, int64_t seq, wr_transfer_fn fn, void *ctx,
                              wr_err *err);
    wr_status (*wallet_transfers)(wr_store *st, const wr_chain *chain, wr_text address,
                                  int64_t before_seq, uint32_t limit, wr_transfer_fn fn,
                                  void *ctx, wr_err *err);
    wr_status (*wallet_find)(wr_store *st, const wr_chain *chain, wr_text address,
                             uint32_t *id, wr_err *err);

    wr_status (*run_put)(wr_store *st, const wr_run *run, wr_err *err);
    wr_status (*run_get)(wr_store *st, const char *id, wr_run_fn fn, void *ctx,
                         wr_err *err);
    wr_status (*run_list)(wr_store *st, const char *before_id, uint32_t limit,
                          wr_run_fn fn, void *ctx, wr_err *err);
    wr_status (*scores_put)(wr_store *st, const wr_run *run, size_t n, wr_score_at_fn row,
                            void *ctx, wr_err *err);
    wr_status (*scores_top)(wr_store *st, const wr_score_query *q, wr_score_fn fn,
                            void *ctx, wr_err *err);
    wr_status (*score_get)(wr_store *st, const char *run_id, const wr_chain *chain,
                           wr_text address, wr_score_fn fn, void *ctx, wr_err *err);

    /* id is a whole one here: models.c has looked it up in the list. */
    wr_status (*model_put)(wr_store *st, const wr_model *m, bool *is_new, wr_err *err);
    wr_status (*models)(wr_store *st, wr_model_fn fn, void *ctx, wr_err *err);
    wr_status (*model_get)(wr_store *st, const char *id, wr_model_fn fn, void *ctx,
                           wr_err *err);
    /* In one transaction: whoever is active of sw->kind retires, then sw->id, unless it
     * is "", is active. */
    wr_status (*model_switch)(wr_store *st, const wr_model_activation *sw, wr_err *err);
} wr_store_backend;

struct wr_store {
    const wr_store_backend *be;
};

extern const wr_store_backend wr_store_sqlite;
extern const wr_store_backend wr_store_pg;
extern const wr_store_backend wr_store_memory;

/* --- shared by the backends -----------------------------------------------------------
 */

enum {
    WR_STORE_HASH_BYTES = WR_TX_HASH_MAX + 1, /* longest packed transaction hash */
    WR_STORE_ASSET_COUNT_MAX = 65536          /* asset ids are 16 bits */
};

/*
 * A transaction hash as the databases keep it: 64 lower-case hex digits become 32 bytes;
 * any other text stays as it is, except that one of exactly 32 bytes gets a leading 0, so
 * that 32 bytes always mean hex (a canonical hash holds no 0 byte).
 * Returns the length; out [WR_STORE_HASH_BYTES].
 */
size_t wr_store_hash_pack(uint8_t *out, wr_text tx_hash);
/* The way back: out [WR_TX_HASH_MAX + 1], NUL-terminated; the text points to out. */
wr_text wr_store_hash_unpack(char *out, const void *packed, size_t len);

/*
 * The dead letter of a refused transfer: field "tx_hash", a reason that names what
 * differs from the stored one (time, from, to, asset, amount), raw = the refused one as
 * JSON. source and partition are those of the put's mark ("" and 0 without one), position
 * that of the row (-1 when the put names none).  Texts live in arena. Errors  WR_ENOMEM
 */
wr_status wr_store_conflict_letter(wr_dead_letter *out, wr_arena *arena,
                                   const wr_put *put, size_t row,
                                   const wr_transfer *stored, wr_err *err) WR_NODISCARD;

/* Same (time, from, to, asset, amount): what makes a second one a duplicate. */
bool wr_store_same_content(const wr_transfer *a, const wr_transfer *b);

/* WR_ECONFLICT: the source of m stands at `at`, not where its fence wants it. */
wr_status wr_store_fence_fail(const wr_source_mark *m, int64_t at, wr_err *err);
/*
 * first_offset of a source whose offsets begin to be kept with this mark; -1 when it
 * keeps none.
 */
int64_t wr_store_first_offset(const wr_source_mark *m);

/* Times of the transfers that a put accepted (inserted, duplicates). */
typedef struct wr_time_range {
    int64_t first_s, last_s; /* INT64_MAX, INT64_MIN: of none */
} wr_time_range;
#define WR_TIME_RANGE_NONE ((wr_time_range){.first_s = INT64_MAX, .last_s = INT64_MIN})
/* outcome [put->transfer_count] */
wr_time_range wr_store_accepted(const wr_put *put, const uint8_t *outcome);

/* The id as the database gave it (absent: no row); WR_ECORRUPT unless it is 32 digits. */
wr_status wr_store_id_from(char out[WR_STORE_ID_HEX + 1], wr_text hex,
                           wr_err *err) WR_NODISCARD;

/* Of its column; WR_ECORRUPT: a word that is none. */
wr_status wr_store_model_status(wr_model_status *out, wr_text word,
                                wr_err *err) WR_NODISCARD;
/* WR_ECONFLICT: the id of m is there with digest `stored`. */
wr_status wr_store_model_conflict(const wr_model *m, wr_text stored, wr_err *err);

#endif
