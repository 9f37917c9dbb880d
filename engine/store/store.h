/*
 * store.h - where records are kept: one contract, three backends.
 *
 *   sqlite:PATH          SQLite 3, WAL mode, one file, no set-up
 *   postgresql://…       PostgreSQL 15 through libpq
 *   memory:              the reference, plain arrays; forgotten at close
 *
 * A store returns records, never graphs.  Writes are idempotent by natural key.  Every
 * write of a batch, its dead letters and its source's position is ONE transaction.
 *
 * seq is the order of arrival and the tail cursor: gap-safe, i.e. once wr_store_safe_seq
 * has answered S, no row with seq <= S appears later, however many writers there are.
 * (PostgreSQL: see store_pg_put.c; SQLite: one writer at a time.)
 *
 * Thread: one handle one thread; open a handle per thread.  Callbacks run on the
 * caller's thread inside the call and must not use the same handle.
 */
#ifndef WR_STORE_STORE_H
#define WR_STORE_STORE_H

#include <stdbool.h>

#include "model/label.h"
#include "model/registry.h"
#include "model/run.h"
#include "model/score.h"
#include "model/transfer.h"
#include "util/arena.h"
#include "util/mem.h"
#include "util/progress.h"

typedef struct wr_store wr_store;

/* --- life --------------------------------------------------------------------------- */

/*
 * Errors  WR_EINVAL (DSN with an unknown scheme, named without its password),
 *         WR_EIO (cannot open or connect)
 * Makes the file of a new SQLite store, but no tables: wr_store_migrate does.
 */
wr_status wr_store_open(wr_store **out, const char *dsn, wr_err *err) WR_NODISCARD;
/*
 * Open a store that is there and has the schema this program needs: what every program
 * does but the one that migrates.  Creates nothing.
 * Errors  as wr_store_open and wr_store_check_schema; WR_ENOTFOUND (no such SQLite file:
 *         names it, and what creates it)
 */
wr_status wr_store_open_ready(wr_store **out, const char *dsn, wr_err *err) WR_NODISCARD;
void wr_store_close(wr_store *st); /* accepts NULL; an open transaction is rolled back */
WR_DEFINE_AUTO(wr_store, wr_store_close)
/*
 * One more handle on the store of st, for another thread; it sees all that st sees now.
 * Errors  WR_EINVAL (memory: has one handle), as wr_store_open
 */
wr_status wr_store_open_beside(wr_store **out, const wr_store *st,
                               wr_err *err) WR_NODISCARD;
const char *wr_store_kind(const wr_store *st); /* "sqlite", "postgresql", "memory" */

enum { WR_STORE_ID_HEX = 32 };
/*
 * Which store this is: a random number that its first migration to schema 5 makes, in
 * hex.  A file kept beside a store carries it and is refused by every other one.  A copy
 * of a database has the same id; a memory store has one per handle.
 * Errors  WR_ECORRUPT (the row is missing), WR_EIO
 */
wr_status wr_store_id(wr_store *st, char out[WR_STORE_ID_HEX + 1],
                      wr_err *err) WR_NODISCARD;

typedef struct wr_migrate_report {
    uint32_t before, after; /* schema version; 0 = empty database */
} wr_migrate_report;

/*
 * Apply what is missing, in order, each in its own transaction; safe under concurrent
 * starters (advisory lock / BEGIN EXCLUSIVE).  Forward only.
 * Errors  WR_ECORRUPT (an applied file's checksum differs, or the database is newer
 *         than this program: names the number), WR_EIO
 */
wr_status wr_store_migrate(wr_store *st, wr_migrate_report *rep,
                           wr_err *err) WR_NODISCARD;

/* Schema is the one this program needs: else WR_ECONFLICT with what to run. */
wr_status wr_store_check_schema(wr_store *st, wr_err *err) WR_NODISCARD;

/* --- writing records ---------------------------------------------------------------- */

typedef enum wr_put_outcome {
    WR_PUT_INSERTED,
    WR_PUT_DUPLICATE, /* same natural key, same content (time, from, to, asset, amount) */
    WR_PUT_CONFLICT,  /* same natural key, other content: refused, written as dead letter
                       */
} wr_put_outcome;

/*
 * Where a source stands.  key = (source, partition).
 *
 * A source whose offsets are kept (Kafka) has a first_offset, and then, always,
 *     next_offset - first_offset = messages + gaps
 *     records = inserted + duplicates + dead
 * One message may hold several transfers (a UTXO transaction): messages count offsets,
 * records count transfers and dead letters.
 */
typedef struct wr_source_mark {
    wr_text source;
    int32_t partition;
    int64_t next_offset; /* record, byte or Kafka offset to continue at */
    wr_text
        resume; /* opaque to the store (e.g. digest of what was read); may be absent */
    const char *status; /* "running" | "complete" | "stopped" | "failed" */
    wr_text last_error; /* may be absent */
    uint64_t records;   /* records consumed by this put: inserted + duplicates + dead */
    uint64_t gaps;      /* offsets that hold no record */
    /*
     * The fence.  The put stores nothing, with WR_ECONFLICT, unless the source stands at
     * from_offset (or is not there yet: then this becomes its first_offset).  So of two
     * consumers that hold one partition for a moment only one gets each batch in.
     * Offsets are kept from the first fenced put on, also of a source that had unfenced
     * ones before; a fenced restart keeps them anew: messages and gaps are then those of
     * this put, and first_offset lies so many before next_offset.
     */
    bool is_fenced;
    int64_t from_offset;    /* 0.. */
    uint64_t messages;      /* offsets of this put that held a message; fenced only */
    int64_t high_watermark; /* end of the partition as the broker told; 0 = not told */
    /*
     * The source is read from its beginning again.  The dead letters it had are removed,
     * and leave its counters (records, dead) as well: what was refused is tried anew.  So
     * its letters never double, and records = inserted + duplicates + dead stays true.
     */
    bool is_restart;
} wr_source_mark;

typedef struct wr_put {
    const wr_transfer *transfer;
    size_t transfer_count;
    const int64_t *position; /* [transfer_count] of each in the source, for the letter of
                                a conflict; NULL: unknown (-1) */
    const wr_dead_letter *dead;
    size_t dead_count;
    const wr_source_mark *mark; /* NULL: no source is kept (tests) */
    /*
     * Dead letters that are tried again: letters of the mark's (source, partition) with
     * these ids are removed and leave its counters (records, dead), in the transaction;
     * what this put brings in their place is counted as usual.  Ids that are not there
     * (any more) change nothing.
     */
    const int64_t *resolved; /* [resolved_count] dead letter ids */
    size_t resolved_count;
    /*
     * For writers side by side: new names are committed ahead of the rows, so that nobody
     * waits for another's batch because both name the same new wallet.  A put that fails
     * then may leave names of which nothing is stored.  Heeded where several writers can
     * be at work at once (postgresql).
     */
    bool is_names_first;
} wr_put;

typedef struct wr_put_result {
    uint64_t inserted, duplicates, conflicts; /* of transfers */
    uint64_t dead; /* dead letters written, conflicts included */
} wr_put_result;

/*
 * Store one batch: transfers, dead letters, source mark and its counters, in one
 * transaction.  Rows get seq in array order.  Two rows of one batch with the same key:
 * the first is inserted, the second is judged against it.
 *
 * outcome  [transfer_count] wr_put_outcome, or NULL
 * res      filled on success; on failure nothing was stored
 * Errors   WR_EIO (database; text of the database), WR_ETIMEOUT (busy), WR_ENOMEM,
 *          WR_ECONFLICT (the fence: "source S partition P stands at N, not at M")
 */
wr_status wr_store_put(wr_store *st, const wr_put *put, uint8_t *outcome,
                       wr_put_result *res, wr_err *err) WR_NODISCARD;

/*
 * A long load tells the store that it comes and when it is over.  Optional, and only for
 * speed: the store may prepare (SQLite reads the known wallets and takes a bigger cache);
 * every put is complete in itself, so a load that is cut off leaves nothing to repair.
 */
wr_status wr_store_bulk_begin(wr_store *st, wr_err *err) WR_NODISCARD;
wr_status wr_store_bulk_end(wr_store *st, wr_err *err) WR_NODISCARD;

typedef struct wr_source {
    wr_text source;
    int32_t partition;
    int64_t next_offset;
    wr_text resume, status, last_error;
    uint64_t records, gaps, inserted, duplicates, dead;
    int64_t first_s, updated_s; /* wall clock of first and latest put */
    int64_t first_offset;       /* -1: offsets are not kept */
    uint64_t messages;
    int64_t high_watermark;                /* as told last; 0 = never */
    int64_t first_record_s, last_record_s; /* times of the oldest and the newest accepted
                                              transfer; 0 = none */
    double rate_per_s[3]; /* records per second now: exponential means over 1, 5, 15
                             minutes, like the load of a Unix machine */
} wr_source;
/* Both identities of wr_source_mark hold; without offsets only the second is asked. */
bool wr_source_adds_up(const wr_source *s);
/* Offsets still to be read: high_watermark - next_offset, at least 0; -1 = unknown. */
int64_t wr_source_lag(const wr_source *s);
typedef wr_status (*wr_source_fn)(void *ctx, const wr_source *s, wr_err *err);
wr_status wr_store_sources(wr_store *st, wr_source_fn fn, void *ctx,
                           wr_err *err) WR_NODISCARD;
/* One source; WR_ENOTFOUND.  Texts are copied into arena. */
wr_status wr_store_source_get(wr_store *st, wr_source *out, wr_arena *arena,
                              wr_text source, int32_t partition,
                              wr_err *err) WR_NODISCARD;

typedef struct wr_dead_row {
    int64_t id;
    wr_dead_letter letter;
    int64_t at_s;
} wr_dead_row;
typedef wr_status (*wr_dead_fn)(void *ctx, const wr_dead_row *d, wr_err *err);
/* Ascending id > after_id, at most limit; source "" = all. */
wr_status wr_store_dead_list(wr_store *st, wr_text source, int64_t after_id,
                             uint32_t limit, wr_dead_fn fn, void *ctx,
                             wr_err *err) WR_NODISCARD;

/* --- reading for the graph ---------------------------------------------------------- */

typedef struct wr_counts {
    uint64_t transfers, wallets, labels, dead, runs; /* labels: current ones */
    int64_t max_seq, label_rev;
    int64_t first_time_s, last_time_s; /* of transfers; 0 when none */
} wr_counts;
wr_status wr_store_counts(wr_store *st, wr_counts *out, wr_err *err) WR_NODISCARD;

/* Largest S such that no row with seq <= S can still appear. */
wr_status wr_store_safe_seq(wr_store *st, int64_t *seq, wr_err *err) WR_NODISCARD;
/* The newest label revision; 0 = no label yet.  Cheaper than wr_store_counts. */
wr_status wr_store_label_rev(wr_store *st, int64_t *rev, wr_err *err) WR_NODISCARD;

/*
 * Wait until somebody may have stored transfers or labels since the last call on this
 * handle (the first call looks no further back than itself), or wait_ms have passed.
 * A hint: woken without reason is possible, so ask wr_store_safe_seq and
 * wr_store_label_rev, also after a wait that timed out.
 *
 * is_woken  false: the time is over
 * Errors    WR_EIO (connection lost: open a new handle)
 * How       PostgreSQL: LISTEN on "walletrisk", which triggers notify at commit; SQLite:
 *           the file's data_version, asked at growing intervals from 1 to 50 ms; memory:
 *           woken at once
 */
wr_status wr_store_wait(wr_store *st, int64_t wait_ms, bool *is_woken,
                        wr_err *err) WR_NODISCARD;

/* Fixed width: 40 bytes, no strings. */
typedef struct wr_edge_row {
    int64_t seq;
    int64_t time_s;
    double value;
    uint32_t from, to; /* wallet ids, 1.. */
    uint16_t asset;    /* asset id, 0.. */
    uint8_t flags;     /* wr_transfer_flag */
    uint8_t pad_[5];
} wr_edge_row;
/* rows ascending by seq, in chunks; row memory is the store's until the call returns */
typedef wr_status (*wr_edge_fn)(void *ctx, const wr_edge_row *row, size_t n, wr_err *err);
/*
 * All transfers with after_seq < seq <= upto_seq (upto_seq from wr_store_safe_seq).
 * Cost  PostgreSQL: one binary COPY; SQLite: one scan in seq order.
 */
wr_status wr_store_scan_edges(wr_store *st, int64_t after_seq, int64_t upto_seq,
                              wr_edge_fn fn, void *ctx, wr_err *err) WR_NODISCARD;
/*
 * All transfers with seq <= upto_seq in whatever order is cheapest, for one who sorts
 * them anyway.  Cost  PostgreSQL: as the rows lie, 15 to 25 % less than by seq; else the
 * same.
 */
wr_status wr_store_scan_all_edges(wr_store *st, int64_t upto_seq, wr_edge_fn fn,
                                  void *ctx, wr_err *err) WR_NODISCARD;

typedef struct wr_wallet_row {
    uint32_t id; /* 1.., order of first appearance; gaps are possible */
    const wr_chain *chain;
    wr_text address; /* canonical; "tx:…" for a hub */
} wr_wallet_row;
typedef wr_status (*wr_wallet_fn)(void *ctx, const wr_wallet_row *row, size_t n,
                                  wr_err *err);
/* Ascending id > after_id. */
wr_status wr_store_scan_wallets(wr_store *st, uint32_t after_id, wr_wallet_fn fn,
                                void *ctx, wr_err *err) WR_NODISCARD;

/*
 * Wallets with these ids (each named once), in any order, in chunks; an id without a row
 * is left out.
 */
wr_status wr_store_wallets_get(wr_store *st, const uint32_t *id, size_t n,
                               wr_wallet_fn fn, void *ctx, wr_err *err) WR_NODISCARD;

typedef struct wr_asset_row {
    uint16_t id; /* 0.., order of first appearance */
    const wr_chain *chain;
    wr_text asset;
    uint8_t decimals;
} wr_asset_row;
typedef wr_status (*wr_asset_fn)(void *ctx, const wr_asset_row *row, wr_err *err);
wr_status wr_store_scan_assets(wr_store *st, wr_asset_fn fn, void *ctx,
                               wr_err *err) WR_NODISCARD;

/* --- labels ------------------------------------------------------------------------- */
/*
 * Labels are versioned: each change gets the next revision (1, 2, …); a label is
 * current at revision r when added_rev <= r < removed_rev.  So a run's labels can be
 * read again a year later.
 */
typedef struct wr_labels_report {
    uint64_t added, updated, unchanged;
} wr_labels_report;
wr_status wr_store_labels_put(wr_store *st, const wr_label *label, size_t n,
                              wr_labels_report *rep, wr_err *err) WR_NODISCARD;

typedef struct wr_label_filter {
    const wr_chain *chain;             /* NULL = all; with address: that wallet's */
    wr_text address, source, category; /* absent = all */
} wr_label_filter;
/* An empty filter is WR_EINVAL: removing everything must be asked for by source. */
wr_status wr_store_labels_remove(wr_store *st, const wr_label_filter *f,
                                 uint64_t *removed, wr_err *err) WR_NODISCARD;

typedef struct wr_label_row {
    int64_t id;
    wr_label label;
    int64_t added_s;    /* wall clock */
    uint32_t wallet_id; /* 0 = the address is in no transfer */
} wr_label_row;
typedef wr_status (*wr_label_fn)(void *ctx, const wr_label_row *row, wr_err *err);
/*
 * Labels current at revision rev (-1 = now), ascending id > after_id, at most limit
 * (0 = no limit).  is_in_graph_only: just those with a wallet_id.
 */
wr_status wr_store_labels_list(wr_store *st, int64_t rev, const wr_label_filter *f,
                               bool is_in_graph_only, int64_t after_id, uint32_t limit,
                               wr_label_fn fn, void *ctx, wr_err *err) WR_NODISCARD;

/* Labels of these wallets (each named once) current at rev (-1 = now), in any order. */
wr_status wr_store_labels_of(wr_store *st, int64_t rev, const uint32_t *wallet_id,
                             size_t n, wr_label_fn fn, void *ctx,
                             wr_err *err) WR_NODISCARD;
/*
 * Labels that came or went in revisions (after_rev, upto_rev], ascending id, at most
 * limit (0 = no limit); of an updated label both versions.
 */
wr_status wr_store_labels_changed(wr_store *st, int64_t after_rev, int64_t upto_rev,
                                  uint32_t limit, wr_label_fn fn, void *ctx,
                                  wr_err *err) WR_NODISCARD;

/* --- looking things up -------------------------------------------------------------- */

typedef struct wr_transfer_row {
    int64_t seq;
    wr_transfer transfer;
} wr_transfer_row;
typedef wr_status (*wr_transfer_fn)(void *ctx, const wr_transfer_row *row, wr_err *err);
/* One transfer; fn is called once.  WR_ENOTFOUND. */
wr_status wr_store_transfer_get(wr_store *st, int64_t seq, wr_transfer_fn fn, void *ctx,
                                wr_err *err) WR_NODISCARD;
/* Transfers of one wallet, both directions, newest first, seq < before_seq (0 = newest).
 */
wr_status wr_store_wallet_transfers(wr_store *st, const wr_chain *chain, wr_text address,
                                    int64_t before_seq, uint32_t limit, wr_transfer_fn fn,
                                    void *ctx, wr_err *err) WR_NODISCARD;
/* Wallet id of an address; WR_ENOTFOUND. */
wr_status wr_store_wallet_find(wr_store *st, const wr_chain *chain, wr_text address,
                               uint32_t *id, wr_err *err) WR_NODISCARD;

/* --- runs and scores ---------------------------------------------------------------- */

/* Insert, or replace the record with the same id. */
wr_status wr_store_run_put(wr_store *st, const wr_run *run, wr_err *err) WR_NODISCARD;
typedef wr_status (*wr_run_fn)(void *ctx, const wr_run *run, wr_err *err);
/* id "" = the newest complete scoring run.  WR_ENOTFOUND. */
wr_status wr_store_run_get(wr_store *st, const char *id, wr_run_fn fn, void *ctx,
                           wr_err *err) WR_NODISCARD;
/* Newest first, id < before_id ("" = newest), at most limit. */
wr_status wr_store_run_list(wr_store *st, const char *before_id, uint32_t limit,
                            wr_run_fn fn, void *ctx, wr_err *err) WR_NODISCARD;
/* Row i; its reasons hold until the next one is asked for. */
typedef wr_status (*wr_score_at_fn)(void *ctx, size_t i, wr_score *row, wr_err *err);
/*
 * Publish: write all scores of a run and mark it complete, in one transaction.  Rows are
 * asked for one by one, 0 .. n - 1: with their reasons they may be larger than all else.
 * Errors  WR_ECONFLICT (run id already has scores); those of `row`: nothing is written
 */
wr_status wr_store_scores_put(wr_store *st, const wr_run *run, size_t n,
                              wr_score_at_fn row, void *ctx, wr_err *err) WR_NODISCARD;

typedef struct wr_score_query {
    const char *run_id;        /* "" = newest complete */
    double min_score;          /* 0..1 */
    int level;                 /* wr_level or -1 = all */
    int category;              /* -1 = all */
    bool is_labelled_left_out; /* leave out wallets that are labelled themselves */
    double after_score;        /* page key: (score, wallet_id) of the last row; */
    uint32_t after_wallet_id;  /* 0 = first page */
    uint32_t limit;
} wr_score_query;
typedef struct wr_score_row {
    wr_score score;
    const wr_chain *chain;
    wr_text address;
} wr_score_row;
typedef wr_status (*wr_score_fn)(void *ctx, const wr_score_row *row, wr_err *err);
/* Order: score descending, wallet_id ascending. */
wr_status wr_store_scores_top(wr_store *st, const wr_score_query *q, wr_score_fn fn,
                              void *ctx, wr_err *err) WR_NODISCARD;
/* WR_ENOTFOUND when the run has no row for that wallet. */
wr_status wr_store_score_get(wr_store *st, const char *run_id, const wr_chain *chain,
                             wr_text address, wr_score_fn fn, void *ctx,
                             wr_err *err) WR_NODISCARD;

/* --- models ------------------------------------------------------------------------- */
/*
 * The registry of trained models.  A model is never changed or removed; only its status
 * moves: candidate -> active -> retired -> active ...
 *
 * Where a model is asked for by name, that is its id, a part of it from the front (at
 * least WR_MODEL_PREFIX_MIN characters) that no other model begins with, or "active";
 * kind NULL = of any kind.
 * Errors  WR_ENOTFOUND (no such model), WR_EINVAL (too short, or of several: names two)
 */

/*
 * Keep a model, as a candidate whatever m->status and m->activated_* say.
 *
 * is_new  false: the same id and digest were there, and nothing was changed
 * Errors  WR_EINVAL (id, digest, kind, manifest or bytes missing; id "active", "none"),
 *         WR_ELIMIT (bytes, text), WR_ECONFLICT (the same id with another digest),
 *         WR_EIO, WR_ETIMEOUT, WR_ENOMEM
 */
wr_status wr_store_model_put(wr_store *st, const wr_model *m, bool *is_new,
                             wr_err *err) WR_NODISCARD;
typedef wr_status (*wr_model_fn)(void *ctx, const wr_model *m, wr_err *err);
/* All of them without their bytes: newest first, then by id. */
wr_status wr_store_models(wr_store *st, wr_model_fn fn, void *ctx,
                          wr_err *err) WR_NODISCARD;
/* One model with its bytes; fn is called once. */
wr_status wr_store_model_get(wr_store *st, const char *name, const char *kind,
                             wr_model_fn fn, void *ctx, wr_err *err) WR_NODISCARD;

typedef struct wr_model_switch {
    char id[WR_MODEL_ID_MAX + 1];     /* active now; "" = none */
    char former[WR_MODEL_ID_MAX + 1]; /* retired by this; "" = none */
    bool is_changed;                  /* false: it was active already */
} wr_model_switch;
/*
 * Make a model the active one of its kind; the former one is retired, in one transaction.
 *
 * name    or "none": the active one (of kind) is retired and none is active
 * by      who, kept with the model
 * out     may be NULL
 * Errors  as above; WR_ENOTFOUND also: "none", and none is active
 */
wr_status wr_store_model_activate(wr_store *st, const char *name, const char *kind,
                                  wr_text by, int64_t at_s, wr_model_switch *out,
                                  wr_err *err) WR_NODISCARD;

#endif
