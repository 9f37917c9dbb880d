/*
 * store_pg_int.h - what the files of the PostgreSQL backend share.
 *
 *   store_pg.c          the table of functions; open, schema, counts, safe_seq, bulk
 *   store_pg_conn.c     connection, errors, transactions, statements, streams
 *   store_pg_value.c    arguments, arrays and fields in the wire's form; UTF-8
 *   store_pg_copy.c     COPY in and out, binary
 *   store_pg_dict.c     (chain, text) -> id
 *   store_pg_names.c    ids of chains and assets; caches of all names
 *   store_pg_put.c      put: one batch; why seq is gap-safe
 *   store_pg_judge.c    put: which rows are new, duplicates, conflicts
 *   store_pg_intern.c   put: ids for the names of new rows
 *   store_pg_sources.c  sources, dead letters
 *   store_pg_wait.c     waiting for news
 *   store_pg_scan.c     edges, wallets, assets; single transfers and wallets
 *   store_pg_history.c  transfers of one wallet, newest first
 *   store_pg_labels.c   labels
 *   store_pg_runs.c     runs and scores
 *   store_pg_models.c   registry of trained models
 *
 * A handle owns one connection.  When it breaks, the call that notices answers WR_EIO and
 * the next call connects again; whatever was cached from the old session is forgotten.
 * Statements are prepared once per connection and known by the address of their SQL text,
 * so that text must be a string literal or static.  All results are binary.
 */
#ifndef WR_STORE_STORE_PG_INT_H
#define WR_STORE_STORE_PG_INT_H

#include <endian.h>
#include <libpq-fe.h>

#include "store/backend_int.h"
#include "store/store_pg_dict_int.h"
#include "util/buf.h"

WR_DEFINE_AUTO(PGresult, PQclear)

enum {
    WR_PG_PREPARED_MAX = 72,
    WR_PG_ARGS_MAX = 24,
    WR_PG_COPY_BYTES = 65536,
    /* first number of a two-number advisory lock; the second says which */
    WR_PG_LOCK_SPACE = 0x5752,
    WR_PG_LOCK_MIGRATE = 1,
    WR_PG_LOCK_NAMES = 2,     /* whoever adds a chain or an asset */
    WR_PG_LOCK_CONTENDED = 3, /* a put that lost a race for keys */
    WR_PG_LOCK_HISTORY = 4,   /* whoever writes the next block */
    WR_PG_LOCK_LABELS = 5,    /* revisions of labels come one after the other */
    WR_PG_LOCK_MODELS = 6,    /* whoever changes which model is active */
};

/* Types on the wire: pg_type.dat. */
enum {
    WR_PG_OID_BYTEA = 17,
    WR_PG_OID_INT8 = 20,
    WR_PG_OID_INT2 = 21,
    WR_PG_OID_INT4 = 23,
    WR_PG_OID_TEXT = 25,
    WR_PG_OID_FLOAT8 = 701,
    WR_PG_OID_BYTEA_ARRAY = 1001,
    WR_PG_OID_INT2_ARRAY = 1005,
    WR_PG_OID_INT4_ARRAY = 1007,
    WR_PG_OID_TEXT_ARRAY = 1009,
    WR_PG_OID_INT8_ARRAY = 1016,
};

typedef struct wr_pg_copy { /* one COPY … FROM STDIN under way */
    PGconn *conn;
    size_t used;
    bool is_broken; /* the connection took no more */
    char buf[WR_PG_COPY_BYTES];
} wr_pg_copy;

/* Ids of committed wallets; two generations, so that old entries fall out (names.c). */
typedef struct wr_pg_wallet_cache {
    wr_pg_dict young, old;
} wr_pg_wallet_cache;

typedef struct wr_pg_store {
    wr_store base;
    char *dsn;    /* owned; may hold a password: never in a message */
    PGconn *conn; /* NULL or bad: the next call connects */
    bool is_in_tx;
    bool is_race; /* the last error was another transaction in the way (wr_pg_fail) */
    bool is_listening; /* this connection gets notifications (store_pg_wait.c) */
    bool has_listened; /* an earlier one did */
    const char *prepared[WR_PG_PREPARED_MAX]; /* addresses of SQL texts */
    int prepared_count;
    wr_pg_copy *copy; /* owned */

    const wr_chain **chain; /* [chain_cap] by chain id, NULL = unknown here; owned */
    size_t chain_cap;
    uint32_t chain_max; /* highest id read */
    wr_pg_dict assets;  /* scope = chain id, value = asset id */
    int64_t asset_max;  /* highest id read; -1 none */
    wr_pg_wallet_cache wallets;
    bool is_one_of_many; /* puts come with is_names_first: the cache is a small one */
    /*
     * Wallet ids drawn from the sequence, ascending; the first spare_used belong to the
     * put under way.  A commit drops them, a roll-back leaves them for the next put: so a
     * single writer gives the same ids as SQLite, whatever failed in between.
     */
    uint32_t *spare;
    size_t spare_count, spare_cap, spare_used;

    int cautious_puts;           /* so many puts look before they insert (put.c) */
    int caution;                 /* how many after the next surprise */
    uint64_t rows_since_history; /* stored by this handle since it last looked */
    bool has_seen_history;
    int64_t history_min, history_max; /* transfers of a block; tests lower them */
} wr_pg_store;

static inline wr_pg_store *wr_pg_of(wr_store *st)
{
    return (wr_pg_store *)st;
}

/* --- connection and transactions (store_pg_conn.c) --------------------------------- */

/* A live connection, made again when the last one is lost.  WR_EIO, WR_EINVAL (DSN). */
wr_status wr_pg_ready(wr_pg_store *st, wr_err *err) WR_NODISCARD;
void wr_pg_disconnect(wr_pg_store *st); /* forgets caches and prepared statements */

/* Commands without parameters and rows; sql may hold several. */
wr_status wr_pg_command(wr_pg_store *st, const char *sql, wr_err *err) WR_NODISCARD;

/*
 * For loads: their look-ups of many keys must go through the indexes, also in plans that
 * were made while the tables were empty.
 */
#define WR_PG_LOAD_BEGIN                                                    \
    "begin isolation level read committed; set local enable_seqscan = off;" \
    "set local enable_hashjoin = off; set local enable_mergejoin = off;"    \
    "set local enable_bitmapscan = off; set local enable_memoize = off;"    \
    "set local work_mem = '64MB'; set local plan_cache_mode = force_generic_plan"

/* sql starts with "begin"; connects again once when the connection turns out to be dead.
 */
wr_status wr_pg_begin(wr_pg_store *st, const char *sql, wr_err *err) WR_NODISCARD;
/* Commit when s is WR_OK, else roll back; answers s, or why the commit did not work. */
wr_status wr_pg_end(wr_pg_store *st, wr_status s, wr_err *err) WR_NODISCARD;

/*
 * The error of a result (or of the connection, res NULL) as status and text.
 *   WR_EIO       connection lost, disk full, anything not named here
 *   WR_ETIMEOUT  lock or statement timeout, deadlock, serialization, too many connections
 *   WR_ELIMIT    a sequence is used up
 */
wr_status wr_pg_fail(wr_pg_store *st, const PGresult *res, wr_err *err);
bool wr_pg_has_sqlstate(const PGresult *res, const char *sqlstate);
bool wr_pg_is_lost(const wr_pg_store *st);

/* --- statements -------------------------------------------------------------------- */

typedef struct wr_pg_args {
    int n;
    Oid type[WR_PG_ARGS_MAX];
    const char *val[WR_PG_ARGS_MAX];
    int len[WR_PG_ARGS_MAX];
    int format[WR_PG_ARGS_MAX];
    char space[WR_PG_ARGS_MAX][8];
} wr_pg_args;

void wr_pg_arg_i16(wr_pg_args *a, int32_t v);
void wr_pg_arg_i32(wr_pg_args *a, int32_t v);
void wr_pg_arg_i64(wr_pg_args *a, int64_t v);
void wr_pg_arg_f64(wr_pg_args *a, double v);
void wr_pg_arg_text(wr_pg_args *a, wr_text t); /* borrowed; absent = null */
void wr_pg_arg_bytes(wr_pg_args *a, Oid type, const void *p, size_t len); /* borrowed */
void wr_pg_arg_null(wr_pg_args *a, Oid type);
static inline void wr_pg_arg_i64_or_null(wr_pg_args *a, int64_t v, int64_t null)
{
    if (v == null)
        wr_pg_arg_null(a, WR_PG_OID_INT8);
    else
        wr_pg_arg_i64(a, v);
}

/*
 * One-dimensional array parameters in the wire's form: 20 bytes of head, then elements.
 * wr_pg_arg_array writes the head, once the number of elements is known.
 */
void wr_pg_array_begin(wr_buf *b);
void wr_pg_array_i16(wr_buf *b, int32_t v);
void wr_pg_array_i32(wr_buf *b, int32_t v);
void wr_pg_array_i64(wr_buf *b, int64_t v);
void wr_pg_array_bytes(wr_buf *b, const void *p, size_t len);
/* The n elements in b are of type `element`, the parameter of its array type. */
wr_status wr_pg_arg_array(wr_pg_args *a, wr_buf *b, Oid element, size_t n,
                          wr_err *err) WR_NODISCARD;

/* One array of wallet ids, as int4: what no wallet can have is left out. */
wr_status wr_pg_arg_ids(wr_pg_args *a, wr_buf *b, const uint32_t *id, size_t n,
                        wr_err *err) WR_NODISCARD;

/* Prepared under the text's address; out may be NULL. a may be NULL. */
wr_status wr_pg_exec(wr_pg_store *st, PGresult **out, const char *sql,
                     const wr_pg_args *a, wr_err *err) WR_NODISCARD;

/*
 * Rows one at a time, planned for these very arguments.  fn's status ends the stream: the
 * statement is cancelled and the connection stays usable.
 */
typedef wr_status (*wr_pg_row_fn)(void *ctx, const PGresult *row, wr_err *err);
wr_status wr_pg_stream(wr_pg_store *st, const char *sql, const wr_pg_args *a,
                       wr_pg_row_fn fn, void *ctx, wr_err *err) WR_NODISCARD;

/* Fields of a binary result; integers of any width. */
static inline bool wr_pg_is_null(const PGresult *res, int row, int col)
{
    return PQgetisnull(res, row, col) != 0;
}
int64_t wr_pg_i64(const PGresult *res, int row, int col);
double wr_pg_f64(const PGresult *res, int row, int col);
wr_text wr_pg_text(const PGresult *res, int row, int col); /* null = absent */
wr_amount wr_pg_amount(const PGresult *res, int row, int col);
/* The result's one number. */
wr_status wr_pg_exec_i64(wr_pg_store *st, int64_t *out, const char *sql,
                         const wr_pg_args *a, wr_err *err) WR_NODISCARD;
uint64_t wr_pg_row_count(PGresult *res); /* of an INSERT, UPDATE, COPY … */

/* t, or a copy with U+FFFD for what PostgreSQL's UTF-8 refuses (NUL, bad sequences). */
wr_status wr_pg_clean_text(wr_text *out, wr_arena *arena, wr_text t,
                           wr_err *err) WR_NODISCARD;

/* --- COPY (store_pg_copy.c) -------------------------------------------------------- */

static inline void wr_pg_store_be16(char *p, uint16_t v)
{
    v = htobe16(v);
    memcpy(p, &v, sizeof v);
}
static inline void wr_pg_store_be32(char *p, uint32_t v)
{
    v = htobe32(v);
    memcpy(p, &v, sizeof v);
}
static inline void wr_pg_store_be64(char *p, uint64_t v)
{
    v = htobe64(v);
    memcpy(p, &v, sizeof v);
}
static inline uint16_t wr_pg_load_be16(const char *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return be16toh(v);
}
static inline uint32_t wr_pg_load_be32(const char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return be32toh(v);
}
static inline uint64_t wr_pg_load_be64(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return be64toh(v);
}
static inline double wr_pg_load_f64(const char *p)
{
    uint64_t u = wr_pg_load_be64(p);
    double v;
    memcpy(&v, &u, sizeof v);
    return v;
}

enum { WR_PG_NUMERIC_BYTES = 8 + 2 * 10 }; /* 39 digits in base 10000 */
size_t wr_pg_numeric_pack(char out[WR_PG_NUMERIC_BYTES], wr_amount a);
wr_amount wr_pg_numeric_unpack(const char *p, size_t len);

/*
 * sql: COPY t (columns) FROM STDIN (FORMAT binary).  Fields go to st->copy, which sends
 * them in pieces; a lost connection shows at wr_pg_copy_end.
 */
wr_status wr_pg_copy_begin(wr_pg_store *st, const char *sql, wr_err *err) WR_NODISCARD;
void wr_pg_copy_row(wr_pg_copy *c, int columns);
void wr_pg_copy_i16(wr_pg_copy *c, int32_t v);
void wr_pg_copy_i32(wr_pg_copy *c, int32_t v);
void wr_pg_copy_i64(wr_pg_copy *c, int64_t v);
void wr_pg_copy_f64(wr_pg_copy *c, double v);
void wr_pg_copy_bytes(wr_pg_copy *c, const void *p, size_t len);
void wr_pg_copy_null(wr_pg_copy *c);
static inline void wr_pg_copy_text(wr_pg_copy *c, wr_text t) /* absent = null */
{
    if (t.p)
        wr_pg_copy_bytes(c, t.p, t.len);
    else
        wr_pg_copy_null(c);
}
/* Finish (s WR_OK) or give up (otherwise: answers s).  rows: how many PostgreSQL took. */
wr_status wr_pg_copy_end(wr_pg_store *st, wr_status s, uint64_t *rows,
                         wr_err *err) WR_NODISCARD;

/* COPY (…) TO STDOUT (FORMAT binary): fn gets each row from its field count on. */
typedef wr_status (*wr_pg_copy_row_fn)(void *ctx, const char *row, size_t len,
                                       wr_err *err);
wr_status wr_pg_copy_out(wr_pg_store *st, const char *sql, int columns,
                         wr_pg_copy_row_fn fn, void *ctx, wr_err *err) WR_NODISCARD;

/* --- operations of backend_int.h, by file ------------------------------------------ */

wr_status wr_pg_put(wr_store *base, const wr_put *put, uint8_t *outcome,
                    wr_put_result *res, wr_err *err);

wr_status wr_pg_sources(wr_store *base, wr_source_fn fn, void *ctx, wr_err *err);
wr_status wr_pg_source_get(wr_store *base, wr_source *out, wr_arena *arena,
                           wr_text source, int32_t partition, wr_err *err);
wr_status wr_pg_dead_list(wr_store *base, wr_text source, int64_t after_id,
                          uint32_t limit, wr_dead_fn fn, void *ctx, wr_err *err);

wr_status wr_pg_scan_edges(wr_store *base, int64_t after_seq, int64_t upto_seq,
                           bool is_any_order, wr_edge_fn fn, void *ctx, wr_err *err);
wr_status wr_pg_scan_wallets(wr_store *base, uint32_t after_id, wr_wallet_fn fn,
                             void *ctx, wr_err *err);
wr_status wr_pg_wallets_get(wr_store *base, const uint32_t *id, size_t n, wr_wallet_fn fn,
                            void *ctx, wr_err *err);
wr_status wr_pg_scan_assets(wr_store *base, wr_asset_fn fn, void *ctx, wr_err *err);
wr_status wr_pg_transfer_get(wr_store *base, int64_t seq, wr_transfer_fn fn, void *ctx,
                             wr_err *err);
wr_status wr_pg_wallet_transfers(wr_store *base, const wr_chain *chain, wr_text address,
                                 int64_t before_seq, uint32_t limit, wr_transfer_fn fn,
                                 void *ctx, wr_err *err);
wr_status wr_pg_wallet_find(wr_store *base, const wr_chain *chain, wr_text address,
                            uint32_t *id, wr_err *err);

/* Write the blocks that are due; nothing when another handle does. */
wr_status wr_pg_history_extend(wr_pg_store *st, wr_err *err) WR_NODISCARD;
/* After a put of `rows` new transfers: extend now and then. */
void wr_pg_history_after_put(wr_pg_store *st, uint64_t rows);

/* Id of a wallet, 0 when nobody has seen it (scan.c). */
wr_status wr_pg_wallet_id(wr_pg_store *st, uint32_t *id, const wr_chain *chain,
                          wr_text address, wr_err *err) WR_NODISCARD;
/* Transfers seq[0..n), descending, to fn; *found of them exist (scan.c). */
wr_status wr_pg_transfers_at(wr_pg_store *st, const int64_t *seq, size_t n, size_t *found,
                             wr_transfer_fn fn, void *ctx, wr_err *err) WR_NODISCARD;

wr_status wr_pg_labels_put(wr_store *base, const wr_label *label, size_t n,
                           wr_labels_report *rep, wr_err *err);
wr_status wr_pg_labels_remove(wr_store *base, const wr_label_filter *f, uint64_t *removed,
                              wr_err *err);
wr_status wr_pg_labels_list(wr_store *base, int64_t rev, const wr_label_filter *f,
                            bool is_in_graph_only, int64_t after_id, uint32_t limit,
                            wr_label_fn fn, void *ctx, wr_err *err);
wr_status wr_pg_labels_of(wr_store *base, int64_t rev, const uint32_t *wallet_id,
                          size_t n, wr_label_fn fn, void *ctx, wr_err *err);
wr_status wr_pg_labels_changed(wr_store *base, int64_t after_rev, int64_t upto_rev,
                               uint32_t limit, wr_label_fn fn, void *ctx, wr_err *err);

wr_status wr_pg_wait(wr_store *base, int64_t wait_ms, bool *is_woken, wr_err *err);

wr_status wr_pg_run_put(wr_store *base, const wr_run *run, wr_err *err);
wr_status wr_pg_run_get(wr_store *base, const char *id, wr_run_fn fn, void *ctx,
                        wr_err *err);
wr_status wr_pg_run_list(wr_store *base, const char *before_id, uint32_t limit,
                         wr_run_fn fn, void *ctx, wr_err *err);
wr_status wr_pg_scores_put(wr_store *base, const wr_run *run, size_t n,
                           wr_score_at_fn row, void *ctx, wr_err *err);
wr_status wr_pg_scores_top(wr_store *base, const wr_score_query *q, wr_score_fn fn,
                           void *ctx, wr_err *err);
wr_status wr_pg_score_get(wr_store *base, const char *run_id, const wr_chain *chain,
                          wr_text address, wr_score_fn fn, void *ctx, wr_err *err);

wr_status wr_pg_model_put(wr_store *base, const wr_model *m, bool *is_new, wr_err *err);
wr_status wr_pg_models(wr_store *base, wr_model_fn fn, void *ctx, wr_err *err);
wr_status wr_pg_model_get(wr_store *base, const char *id, wr_model_fn fn, void *ctx,
                          wr_err *err);
wr_status wr_pg_model_switch(wr_store *base, const wr_model_activation *sw, wr_err *err);

/* --- names (store_pg_names.c) ------------------------------------------------------ */

void wr_pg_names_init(wr_pg_store *st);
void wr_pg_names_forget(wr_pg_store *st); /* everything cached; frees it */
void wr_pg_names_committed(wr_pg_store *st);
void wr_pg_names_rolled_back(wr_pg_store *st);

/* Read the chains (assets) that were added since the last time. */
wr_status wr_pg_chains_read(wr_pg_store *st, wr_err *err) WR_NODISCARD;
wr_status wr_pg_assets_read(wr_pg_store *st, wr_err *err) WR_NODISCARD;
/* Id of a chain; 0 when the database does not know it. */
wr_status wr_pg_chain_id(wr_pg_store *st, uint32_t *id, const wr_chain *chain,
                         wr_err *err) WR_NODISCARD;
/* The same inside a write transaction: a missing chain is added, under the names lock. */
wr_status wr_pg_chain_intern(wr_pg_store *st, uint32_t *id, const wr_chain *chain,
                             wr_err *err) WR_NODISCARD;
/* Wait for lock `which` (WR_PG_LOCK_…); held to the end of the transaction. */
wr_status wr_pg_lock(wr_pg_store *st, int32_t which, wr_err *err) WR_NODISCARD;
/* Chain of an id that wr_pg_chains_read has seen; WR_ECORRUPT otherwise. */
wr_status wr_pg_chain_of(const wr_pg_store *st, const wr_chain **out, int64_t id,
                         wr_err *err) WR_NODISCARD;
/* Id of an asset that was read; -1. */
int64_t wr_pg_asset_id(const wr_pg_store *st, uint32_t chain_id, wr_text asset);

/* Cache of committed wallets: 0 when it is not there. */
uint32_t wr_pg_wallet_cached(wr_pg_store *st, uint32_t chain_id, wr_text address);
void wr_pg_wallet_cache_add(wr_pg_store *st, uint32_t chain_id, wr_text address,
                            uint32_t id);
/* The next `n` ids, spares first: out [n], ascending. */
wr_status wr_pg_wallet_ids_draw(wr_pg_store *st, uint32_t *out, size_t n,
                                wr_err *err) WR_NODISCARD;

#endif
