#include "store/store.h"

#include <assert.h>

#include "store/backend_int.h"

enum { SCHEME_MAX = 24 }; /* of an unknown DSN, as quoted in the message */

static const wr_store_backend *backend_of(const char *dsn)
{
    static const struct {
        const char *prefix;
        const wr_store_backend *be;
    } scheme[] = {
        {"sqlite:", &wr_store_sqlite},
        {"postgresql://", &wr_store_pg},
        {"postgres://", &wr_store_pg},
        {"memory:", &wr_store_memory},
    };
    for (size_t i = 0; i < sizeof scheme / sizeof scheme[0]; i++)
        if (strncmp(dsn, scheme[i].prefix, strlen(scheme[i].prefix)) == 0)
            return scheme[i].be;
    return NULL;
}

static wr_status open_any(wr_store **out, const char *dsn, bool is_new, wr_err *err)
{
    assert(out && dsn);
    const wr_store_backend *be = backend_of(dsn);
    if (!be) {
        /* Only what stands before the first ':' is quoted: the rest may hold a password.
         */
        const char *colon = strchr(dsn, ':');
        size_t len = colon ? (size_t)(colon - dsn) : 0;
        if (!colon || len > SCHEME_MAX)
            return wr_fail(err, WR_EINVAL,
                           "the store's DSN names no scheme: wanted sqlite:PATH, "
                           "postgresql://… or memory:");
        return wr_fail(err, WR_EINVAL,
                       "unknown store scheme '%.*s:': wanted sqlite:PATH, postgresql://… "
                       "or memory:",
                       (int)len, dsn);
    }
    return be->open(out, dsn, is_new, err);
}

wr_status wr_store_open(wr_store **out, const char *dsn, wr_err *err)
{
    return open_any(out, dsn, true, err);
}

wr_status wr_store_open_ready(wr_store **out, const char *dsn, wr_err *err)
{
    WR_AUTO(wr_store) st = NULL;
    WR_TRY(open_any(&st, dsn, false, err));
    WR_TRY(wr_store_check_schema(st, err));
    *out = WR_STEAL(st);
    return WR_OK;
}

wr_status wr_store_open_beside(wr_store **out, const wr_store *st, wr_err *err)
{
    assert(out && st);
    if (!st->be->open_beside)
        return wr_fail(err, WR_EINVAL, "a %s store has one handle", st->be->kind);
    return st->be->open_beside(out, st, err);
}

void wr_store_close(wr_store *st)
{
    if (st)
        st->be->close(st);
}

const char *wr_store_kind(const wr_store *st)
{
    assert(st);
    return st->be->kind;
}

wr_status wr_store_id(wr_store *st, char out[WR_STORE_ID_HEX + 1], wr_err *err)
{
    assert(st && out);
    return st->be->id(st, out, err);
}

wr_status wr_store_put(wr_store *st, const wr_put *put, uint8_t *outcome,
                       wr_put_result *res, wr_err *err)
{
    assert(st && put && res);
    assert(put->transfer || put->transfer_count == 0);
    assert(put->dead || put->dead_count == 0);
    assert(!put->mark || put->mark->status);
    assert(put->resolved_count == 0 || (put->resolved && put->mark));
    assert(!put->mark || !put->mark->is_fenced || put->mark->from_offset >= 0);
    assert(!put->mark || put->mark->is_fenced || put->mark->messages == 0);
    return st->be->put(st, put, outcome, res, err);
}

wr_status wr_store_bulk_begin(wr_store *st, wr_err *err)
{
    assert(st);
    return st->be->bulk_begin(st, err);
}

wr_status wr_store_bulk_end(wr_store *st, wr_err *err)
{
    assert(st);
    return st->be->bulk_end(st, err);
}

wr_status wr_store_sources(wr_store *st, wr_source_fn fn, void *ctx, wr_err *err)
{
    assert(st && fn);
    return st->be->sources(st, fn, ctx, err);
}

wr_status wr_store_source_get(wr_store *st, wr_source *out, wr_arena *arena,
                              wr_text source, int32_t partition, wr_err *err)
{
    assert(st && out && arena);
    return st->be->source_get(st, out, arena, source, partition, err);
}

bool wr_source_adds_up(const wr_source *s)
{
    assert(s);
    if (s->records != s->inserted + s->duplicates + s->dead)
        return false;
    return s->first_offset < 0 ||
           (s->next_offset >= s->first_offset &&
            (uint64_t)(s->next_offset - s->first_offset) == s->messages + s->gaps);
}

int64_t wr_source_lag(const wr_source *s)
{
    assert(s);
    if (s->high_watermark <= 0)
        return -1;
    return s->high_watermark > s->next_offset ? s->high_watermark - s->next_offset : 0;
}

wr_status wr_store_dead_list(wr_store *st, wr_text source, int64_t after_id,
                             uint32_t limit, wr_dead_fn fn, void *ctx, wr_err *err)
{
    assert(st && fn);
    return st->be->dead_list(st, source, after_id, limit, fn, ctx, err);
}

wr_status wr_store_counts(wr_store *st, wr_counts *out, wr_err *err)
{
    assert(st && out);
    return st->be->counts(st, out, err);
}

wr_status wr_store_safe_seq(wr_store *st, int64_t *seq, wr_err *err)
{
    assert(st && seq);
    return st->be->safe_seq(st, seq, err);
}

wr_status wr_store_label_rev(wr_store *st, int64_t *rev, wr_err *err)
{
    assert(st && rev);
    return st->be->label_rev(st, rev, err);
}

wr_status wr_store_wait(wr_store *st, int64_t wait_ms, bool *is_woken, wr_err *err)
{
    assert(st && is_woken);
    assert(wait_ms >= 0);
    return st->be->wait(st, wait_ms, is_woken, err);
}

wr_status wr_store_scan_edges(wr_store *st, int64_t after_seq, int64_t upto_seq,
                              wr_edge_fn fn, void *ctx, wr_err *err)
{
    assert(st && fn);
    return st->be->scan_edges(st, after_seq, upto_seq, false, fn, ctx, err);
}

wr_status wr_store_scan_all_edges(wr_store *st, int64_t upto_seq, wr_edge_fn fn,
                                  void *ctx, wr_err *err)
{
    assert(st && fn);
    return st->be->scan_edges(st, 0, upto_seq, true, fn, ctx, err);
}

wr_status wr_store_scan_wallets(wr_store *st, uint32_t after_id, wr_wallet_fn fn,
                                void *ctx, wr_err *err)
{
    assert(st && fn);
    return st->be->scan_wallets(st, after_id, fn, ctx, err);
}

wr_status wr_store_wallets_get(wr_store *st, const uint32_t *id, size_t n,
                               wr_wallet_fn fn, void *ctx, wr_err *err)
{
    assert(st && fn);
    assert(id || n == 0);
    return st->be->wallets_get(st, id, n, fn, ctx, err);
}

wr_status wr_store_scan_assets(wr_store *st, wr_asset_fn fn, void *ctx, wr_err *err)
{
    assert(st && fn);
    return st->be->scan_assets(st, fn, ctx, err);
}

wr_status wr_store_labels_put(wr_store *st, const wr_label *label, size_t n,
                              wr_labels_report *rep, wr_err *err)
{
    assert(st && rep);
    assert(label || n == 0);
    return st->be->labels_put(st, label, n, rep, err);
}

wr_status wr_store_labels_remove(wr_store *st, const wr_label_filter *f,
                                 uint64_t *removed, wr_err *err)
{
    assert(st && f && removed);
    if (!f->chain && !f->address.p && !f->source.p && !f->category.p)
        return wr_fail(err, WR_EINVAL,
                       "an empty filter would remove every label: name a source, a "
                       "category, a chain or an address");
    return st->be->labels_remove(st, f, removed, err);
}

/* NOLINTNEXTLINE(readability-function-size): the parameters of store.h */
wr_status wr_store_labels_list(wr_store *st, int64_t rev, const wr_label_filter *f,
                               bool is_in_graph_only, int64_t after_id, uint32_t limit,
                               wr_label_fn fn, void *ctx, wr_err *err)
{
    static const wr_label_filter all = {0};
    assert(st && fn);
    return st->be->labels_list(st, rev, f ? f : &all, is_in_graph_only, after_id, limit,
                               fn, ctx, err);
}

wr_status wr_store_labels_of(wr_store *st, int64_t rev, const uint32_t *wallet_id,
                             size_t n, wr_label_fn fn, void *ctx, wr_err *err)
{
    assert(st && fn);
    assert(wallet_id || n == 0);
    return st->be->labels_of(st, rev, wallet_id, n, fn, ctx, err);
}

wr_status wr_store_labels_changed(wr_store *st, int64_t after_rev, int64_t upto_rev,
                                  uint32_t limit, wr_label_fn fn, void *ctx, wr_err *err)
{
    assert(st && fn);
    return st->be->labels_changed(st, after_rev, upto_rev, limit, fn, ctx, err);
}

wr_status wr_store_transfer_get(wr_store *st, int64_t seq, wr_transfer_fn fn, void *ctx,
                                wr_err *err)
{
    assert(st && fn);
    return st->be->transfer_get(st, seq, fn, ctx, err);
}

/* NOLINTNEXTLINE(readability-function-size): the parameters of store.h */
wr_status wr_store_wallet_transfers(wr_store *st, const wr_chain *chain, wr_text address,
                                    int64_t before_seq, uint32_t limit, wr_transfer_fn fn,
                                    void *ctx, wr_err *err)
{
    assert(st && chain && fn);
    return st->be->wallet_transfers(st, chain, address, before_seq, limit, fn, ctx, err);
}

wr_status wr_store_wallet_find(wr_store *st, const wr_chain *chain, wr_text address,
                               uint32_t *id, wr_err *err)
{
    assert(st && chain && id);
    return st->be->wallet_find(st, chain, address, id, err);
}

wr_status wr_store_run_put(wr_store *st, const wr_run *run, wr_err *err)
{
    assert(st && run);
    return st->be->run_put(st, run, err);
}

wr_status wr_store_run_get(wr_store *st, const char *id, wr_run_fn fn, void *ctx,
                           wr_err *err)
{
    assert(st && id && fn);
    return st->be->run_get(st, id, fn, ctx, err);
}

wr_status wr_store_run_list(wr_store *st, const char *before_id, uint32_t limit,
                            wr_run_fn fn, void *ctx, wr_err *err)
{
    assert(st && before_id && fn);
    return st->be->run_list(st, before_id, limit, fn, ctx, err);
}

wr_status wr_store_scores_put(wr_store *st, const wr_run *run, size_t n,
                              wr_score_at_fn row, void *ctx, wr_err *err)
{
    assert(st && run && row);
    return st->be->scores_put(st, run, n, row, ctx, err);
}

wr_status wr_store_scores_top(wr_store *st, const wr_score_query *q, wr_score_fn fn,
                              void *ctx, wr_err *err)
{
    assert(st && q && q->run_id && fn);
    return st->be->scores_top(st, q, fn, ctx, err);
}

wr_status wr_store_score_get(wr_store *st, const char *run_id, const wr_chain *chain,
                             wr_text address, wr_score_fn fn, void *ctx, wr_err *err)
{
    assert(st && run_id && chain && fn);
    return st->be->score_get(st, run_id, chain, address, fn, ctx, err);
}
