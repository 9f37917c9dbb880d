/*
 * mem_int.h - the memory store: the reference that the databases are compared with.
 *
 * Plain arrays in order of arrival, looked through from the front each time.  Slow on
 * purpose (quadratic: some ten thousand transfers), because what it does can be read off.
 * All texts are copied into one arena that lives as long as the store.
 * Nothing here is shared between handles: every open is a new, empty store.
 */
#ifndef WR_STORE_MEM_INT_H
#define WR_STORE_MEM_INT_H

#include "store/backend_int.h"

/* A growable array: WR_MEM_LIST(wr_run) runs; */
#define WR_MEM_LIST(type)  \
    struct {               \
        type *item;        \
        size_t count, cap; \
    }

typedef struct wr_mem_wallet {
    const wr_chain *chain;
    wr_text address;
} wr_mem_wallet;

typedef struct wr_mem_label {
    wr_label label;
    int64_t added_rev, removed_rev; /* INT64_MAX = current */
    int64_t added_s;
} wr_mem_label;

typedef struct wr_mem_source {
    wr_source s; /* rate_per_s unused: see rates */
    wr_rates rates;
} wr_mem_source;

typedef struct wr_mem_score {
    size_t run; /* index in runs */
    wr_score score;
} wr_mem_score;

typedef struct wr_mem {
    wr_store base;
    char id[WR_STORE_ID_HEX + 1];
    uint32_t schema; /* highest migration "applied" */
    bool is_migrating;
    uint32_t schema_before; /* to go back to */
    wr_arena arena;
    WR_MEM_LIST(wr_transfer) transfers; /* seq = index + 1 */
    WR_MEM_LIST(wr_mem_wallet) wallets; /* id = index + 1 */
    WR_MEM_LIST(wr_asset_row) assets;   /* id = index */
    WR_MEM_LIST(wr_dead_row) dead;      /* ids ascending */
    int64_t dead_last;                  /* highest id ever given */
    WR_MEM_LIST(wr_mem_source) sources;
    WR_MEM_LIST(wr_mem_label) labels; /* id = index + 1 */
    int64_t label_rev;
    WR_MEM_LIST(wr_run) runs;
    WR_MEM_LIST(wr_mem_score) scores;
    WR_MEM_LIST(wr_model) models;
} wr_mem;

static inline wr_mem *wr_mem_of(wr_store *st)
{
    return (wr_mem *)(void *)st;
}

/* WR_MEM_APPEND(&m->runs, value, "run", err): a wr_status */
#define WR_MEM_APPEND(list, value, what, err)                                            \
    ((list)->count < (list)->cap || wr_mem_grow(&(list)->item, &(list)->cap,             \
                                                (list)->count + 1, sizeof *(list)->item) \
         ? ((list)->item[(list)->count++] = (value), (wr_status)WR_OK)                   \
         : wr_fail(err, WR_ENOMEM, "memory store: one more %s", what))
bool wr_mem_grow(void *item_pointer, size_t *cap, size_t want, size_t size);

/* Every operation fails before wr_store_migrate, as it would without tables. */
wr_status wr_mem_ready(const wr_mem *m, wr_err *err) WR_NODISCARD;
/* Copy into the arena; absent stays absent. */
wr_status wr_mem_text(wr_mem *m, wr_text *t, wr_err *err) WR_NODISCARD;
uint32_t wr_mem_wallet_id(const wr_mem *m, const wr_chain *chain, wr_text address);
/* The run, NULL when there is none; id "" = newest complete scoring run. */
wr_run *wr_mem_run(const wr_mem *m, const char *id);

/* store_mem.c */
wr_status wr_mem_put(wr_store *st, const wr_put *put, uint8_t *outcome,
                     wr_put_result *res, wr_err *err);

/* store_mem_read.c */
wr_status wr_mem_bulk(wr_store *st, wr_err *err);
wr_status wr_mem_sources(wr_store *st, wr_source_fn fn, void *ctx, wr_err *err);
wr_status wr_mem_source_get(wr_store *st, wr_source *out, wr_arena *arena, wr_text source,
                            int32_t partition, wr_err *err);
wr_status wr_mem_dead_list(wr_store *st, wr_text source, int64_t after_id, uint32_t limit,
                           wr_dead_fn fn, void *ctx, wr_err *err);
wr_status wr_mem_counts(wr_store *st, wr_counts *out, wr_err *err);
wr_status wr_mem_safe_seq(wr_store *st, int64_t *seq, wr_err *err);
wr_status wr_mem_wait(wr_store *st, int64_t wait_ms, bool *is_woken, wr_err *err);
wr_status wr_mem_scan_edges(wr_store *st, int64_t after_seq, int64_t upto_seq,
                            bool is_any_order, wr_edge_fn fn, void *ctx, wr_err *err);
wr_status wr_mem_scan_wallets(wr_store *st, uint32_t after_id, wr_wallet_fn fn, void *ctx,
                              wr_err *err);
wr_status wr_mem_wallets_get(wr_store *st, const uint32_t *id, size_t n, wr_wallet_fn fn,
                             void *ctx, wr_err *err);
wr_status wr_mem_scan_assets(wr_store *st, wr_asset_fn fn, void *ctx, wr_err *err);
wr_status wr_mem_transfer_get(wr_store *st, int64_t seq, wr_transfer_fn fn, void *ctx,
                              wr_err *err);
wr_status wr_mem_wallet_transfers(wr_store *st, const wr_chain *chain, wr_text address,
                                  int64_t before_seq, uint32_t limit, wr_transfer_fn fn,
                                  void *ctx, wr_err *err);
wr_status wr_mem_wallet_find(wr_store *st, const wr_chain *chain, wr_text address,
                             uint32_t *id, wr_err *err);

/* store_mem_labels.c */
wr_status wr_mem_labels_put(wr_store *st, const wr_label *label, size_t n,
                            wr_labels_report *rep, wr_err *err);
wr_status wr_mem_labels_remove(wr_store *st, const wr_label_filter *f, uint64_t *removed,
                               wr_err *err);
wr_status wr_mem_labels_list(wr_store *st, int64_t rev, const wr_label_filter *f,
                             bool is_in_graph_only, int64_t after_id, uint32_t limit,
                             wr_label_fn fn, void *ctx, wr_err *err);
wr_status wr_mem_label_rev(wr_store *st, int64_t *rev, wr_err *err);
wr_status wr_mem_labels_of(wr_store *st, int64_t rev, const uint32_t *wallet_id, size_t n,
                           wr_label_fn fn, void *ctx, wr_err *err);
wr_status wr_mem_labels_changed(wr_store *st, int64_t after_rev, int64_t upto_rev,
                                uint32_t limit, wr_label_fn fn, void *ctx, wr_err *err);

/* store_mem_runs.c */
wr_status wr_mem_run_put(wr_store *st, const wr_run *run, wr_err *err);
wr_status wr_mem_run_get(wr_store *st, const char *id, wr_run_fn fn, void *ctx,
                         wr_err *err);
wr_status wr_mem_run_list(wr_store *st, const char *before_id, uint32_t limit,
                          wr_run_fn fn, void *ctx, wr_err *err);
wr_status wr_mem_scores_put(wr_store *st, const wr_run *run, size_t n, wr_score_at_fn row,
                            void *ctx, wr_err *err);
wr_status wr_mem_scores_top(wr_store *st, const wr_score_query *q, wr_score_fn fn,
                            void *ctx, wr_err *err);
wr_status wr_mem_score_get(wr_store *st, const char *run_id, const wr_chain *chain,
                           wr_text address, wr_score_fn fn, void *ctx, wr_err *err);

/* store_mem_models.c */
wr_status wr_mem_model_put(wr_store *st, const wr_model *m, bool *is_new, wr_err *err);
wr_status wr_mem_models(wr_store *st, wr_model_fn fn, void *ctx, wr_err *err);
wr_status wr_mem_model_get(wr_store *st, const char *id, wr_model_fn fn, void *ctx,
                           wr_err *err);
wr_status wr_mem_model_switch(wr_store *st, const wr_model_activation *sw, wr_err *err);

#endif
