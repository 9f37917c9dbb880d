#include "store/sqlite_int.h"

/* --- runs --------------------------------------------------------------------------- */

#define RUN_COLUMNS                                                                     \
    "id, kind, status, started_at, finished_at, as_of, max_seq, label_rev, wallets, "   \
    "transfers, labels, scored, unpriced, graph_digest, labels_digest, config_digest, " \
    "output_digest, code_version, config, detail"

static void bind_run(sqlite3_stmt *s, const wr_run *r, wr_run_status status)
{
    wr_sqlite_bind(s, 1, wr_text_of(r->id));
    wr_sqlite_bind(s, 2, wr_text_of(r->kind));
    wr_sqlite_bind(s, 3, wr_text_of(wr_run_status_name(status)));
    (void)sqlite3_bind_int64(s, 4, r->started_s);
    (void)sqlite3_bind_int64(s, 5, r->finished_s);
    (void)sqlite3_bind_int64(s, 6, r->as_of_s);
    (void)sqlite3_bind_int64(s, 7, r->max_seq);
    (void)sqlite3_bind_int64(s, 8, r->label_rev);
    (void)sqlite3_bind_int64(s, 9, (int64_t)r->wallets);
    (void)sqlite3_bind_int64(s, 10, (int64_t)r->transfers);
    (void)sqlite3_bind_int64(s, 11, (int64_t)r->labels);
    (void)sqlite3_bind_int64(s, 12, (int64_t)r->scored);
    (void)sqlite3_bind_int64(s, 13, (int64_t)r->unpriced);
    wr_sqlite_bind(s, 14, wr_text_of(r->graph_digest.s));
    wr_sqlite_bind(s, 15, wr_text_of(r->labels_digest.s));
    wr_sqlite_bind(s, 16, wr_text_of(r->config_digest.s));
    wr_sqlite_bind(s, 17, wr_text_of(r->output_digest.s));
    wr_sqlite_bind(s, 18, wr_text_of(r->code_version));
    wr_sqlite_bind(s, 19, r->config);
    wr_sqlite_bind(s, 20, r->detail);
}

static wr_status write_run(wr_sqlite *q, const wr_run *r, wr_run_status status,
                           wr_err *err)
{
    static const char sql[] =
        "insert into scoring_runs (" RUN_COLUMNS ") values "
        "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "on conflict (id) do update set kind = excluded.kind, status = excluded.status, "
        "started_at = excluded.started_at, finished_at = excluded.finished_at, "
        "as_of = excluded.as_of, max_seq = excluded.max_seq, "
        "label_rev = excluded.label_rev, wallets = excluded.wallets, "
        "transfers = excluded.transfers, labels = excluded.labels, "
        "scored = excluded.scored, unpriced = excluded.unpriced, "
        "graph_digest = excluded.graph_digest, labels_digest = excluded.labels_digest, "
        "config_digest = excluded.config_digest, output_digest = excluded.output_digest, "
        "code_version = excluded.code_version, config = excluded.config, "
        "detail = excluded.detail";
    WR_SQLITE_STMT *s = NULL;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    bind_run(s, r, status);
    return wr_sqlite_run(q, s, err);
}

static void copy_text(char *out, size_t cap, wr_text t)
{
    size_t n = t.len < cap - 1 ? t.len : cap - 1;
    if (n)
        memcpy(out, t.p, n);
    out[n] = '\0';
}

static wr_status run_of(sqlite3_stmt *s, wr_run *r, wr_err *err)
{
    *r = (wr_run){
        .started_s = sqlite3_column_int64(s, 3),
        .finished_s = sqlite3_column_int64(s, 4),
        .as_of_s = sqlite3_column_int64(s, 5),
        .max_seq = sqlite3_column_int64(s, 6),
        .label_rev = sqlite3_column_int64(s, 7),
        .wallets = (uint64_t)sqlite3_column_int64(s, 8),
        .transfers = (uint64_t)sqlite3_column_int64(s, 9),
        .labels = (uint64_t)sqlite3_column_int64(s, 10),
        .scored = (uint64_t)sqlite3_column_int64(s, 11),
        .unpriced = (uint64_t)sqlite3_column_int64(s, 12),
        .config = wr_sqlite_text(s, 18),
        .detail = wr_sqlite_text(s, 19),
    };
    copy_text(r->id, sizeof r->id, wr_sqlite_text(s, 0));
    copy_text(r->kind, sizeof r->kind, wr_sqlite_text(s, 1));
    copy_text(r->graph_digest.s, sizeof r->graph_digest.s, wr_sqlite_text(s, 13));
    copy_text(r->labels_digest.s, sizeof r->labels_digest.s, wr_sqlite_text(s, 14));
    copy_text(r->config_digest.s, sizeof r->config_digest.s, wr_sqlite_text(s, 15));
    copy_text(r->output_digest.s, sizeof r->output_digest.s, wr_sqlite_text(s, 16));
    copy_text(r->code_version, sizeof r->code_version, wr_sqlite_text(s, 17));
    wr_text status = wr_sqlite_text(s, 2);
    for (wr_run_status k = WR_RUN_RUNNING; k <= WR_RUN_FAILED; k++) {
        if (wr_text_eq(status, wr_text_of(wr_run_status_name(k)))) {
            r->status = k;
            return WR_OK;
        }
    }
    return wr_fail(err, WR_ECORRUPT, "run %s: status '%.*s'", r->id, WR_TEXT_ARG(status));
}

wr_status wr_sqlite_run_put(wr_store *st, const wr_run *run, wr_err *err)
{
    wr_sqlite *q = wr_sqlite_of(st);
    WR_TRY(wr_sqlite_begin(q, err));
    return wr_sqlite_end(q, write_run(q, run, run->status, err), err);
}

/* *s stands on the row of sql, which asks for run `id`, or the newest when that is "". */
static wr_status step_to_run(wr_sqlite *q, sqlite3_stmt **s, const char *sql,
                             const char *id, wr_err *err)
{
    bool has_row = false;
    WR_TRY(wr_sqlite_stmt(q, sql, s, err));
    if (id[0])
        wr_sqlite_bind(*s, 1, wr_text_of(id));
    WR_TRY(wr_sqlite_step(q, *s, &has_row, err));
    if (!has_row)
        return id[0] ? wr_fail(err, WR_ENOTFOUND, "no run '%.40s'", id)
                     : wr_fail(err, WR_ENOTFOUND, "no complete scoring run");
    return WR_OK;
}

wr_status wr_sqlite_run_get(wr_store *st, const char *id, wr_run_fn fn, void *ctx,
                            wr_err *err)
{
    static const char by_id[] = "select " RUN_COLUMNS " from scoring_runs where id = ?";
    static const char newest[] =
        "select " RUN_COLUMNS " from scoring_runs "
        "where kind = 'score' and status = 'complete' order by id desc limit 1";
    WR_SQLITE_STMT *s = NULL;
    wr_run run;
    WR_TRY(step_to_run(wr_sqlite_of(st), &s, id[0] ? by_id : newest, id, err));
    WR_TRY(run_of(s, &run, err));
    return fn(ctx, &run, err);
}

wr_status wr_sqlite_run_list(wr_store *st, const char *before_id, uint32_t limit,
                             wr_run_fn fn, void *ctx, wr_err *err)
{
    static const char before[] = "select " RUN_COLUMNS " from scoring_runs where id < ?2 "
                                 "order by id desc limit ?1";
    static const char newest[] =
        "select " RUN_COLUMNS " from scoring_runs order by id desc limit ?1";
    wr_sqlite *q = wr_sqlite_of(st);
    WR_SQLITE_STMT *s = NULL;
    bool has_row = false;
    WR_TRY(wr_sqlite_stmt(q, before_id[0] ? before : newest, &s, err));
    (void)sqlite3_bind_int64(s, 1, limit);
    if (before_id[0])
        wr_sqlite_bind(s, 2, wr_text_of(before_id));
    WR_TRY(wr_sqlite_step(q, s, &has_row, err));
    while (has_row) {
        wr_run run;
        WR_TRY(run_of(s, &run, err));
        WR_TRY(fn(ctx, &run, err));
        WR_TRY(wr_sqlite_step(q, s, &has_row, err));
    }
    return WR_OK;
}

/* run_no of a run id, "" = newest complete scoring run. */
static wr_status run_number(wr_sqlite *q, const char *id, int64_t *run_no, wr_err *err)
{
    static const char by_id[] = "select run_no from scoring_runs where id = ?";
    static const char newest[] =
        "select run_no from scoring_runs where kind = 'score' and "
        "status = 'complete' order by id desc limit 1";
    WR_SQLITE_STMT *s = NULL;
    WR_TRY(step_to_run(q, &s, id[0] ? by_id : newest, id, err));
    *run_no = sqlite3_column_int64(s, 0);
    return WR_OK;
}

/* --- scores ------------------------------------------------------------------------- */

static wr_status has_scores(wr_sqlite *q, int64_t run_no, bool *has_any, wr_err *err)
{
    static const char sql[] = "select 1 from risk_scores where run_no = ? limit 1";
    WR_SQLITE_STMT *s = NULL;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    (void)sqlite3_bind_int64(s, 1, run_no);
    return wr_sqlite_step(q, s, has_any, err);
}

static wr_status publish(wr_sqlite *q, const wr_run *run, size_t n, wr_score_at_fn row,
                         void *ctx, wr_err *err)
{
    static const char sql[] =
        "insert into risk_scores (run_no, wallet_id, score, base, level, category, "
        "is_labelled, reasons) values (?, ?, ?, ?, ?, ?, ?, ?)";
    int64_t run_no = 0;
    bool has_any = false;
    WR_TRY(write_run(q, run, WR_RUN_COMPLETE, err));
    WR_TRY(run_number(q, run->id, &run_no, err));
    WR_TRY(has_scores(q, run_no, &has_any, err));
    if (has_any)
        return wr_fail(err, WR_ECONFLICT, "run %s already has scores", run->id);
    WR_SQLITE_STMT *s = NULL;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    (void)sqlite3_bind_int64(s, 1, run_no);
    for (size_t i = 0; i < n; i++) {
        wr_score score = {0};
        WR_TRY(row(ctx, i, &score, err));
        (void)sqlite3_bind_int64(s, 2, score.wallet_id);
        (void)sqlite3_bind_double(s, 3, score.score);
        (void)sqlite3_bind_double(s, 4, score.base);
        (void)sqlite3_bind_int(s, 5, score.level);
        (void)sqlite3_bind_int(s, 6, score.category);
        (void)sqlite3_bind_int(s, 7, score.is_labelled);
        wr_sqlite_bind(s, 8, score.reasons);
        WR_TRY(wr_sqlite_run(q, s, err));
    }
    return WR_OK;
}

wr_status wr_sqlite_scores_put(wr_store *st, const wr_run *run, size_t n,
                               wr_score_at_fn row, void *ctx, wr_err *err)
{
    wr_sqlite *q = wr_sqlite_of(st);
    WR_TRY(wr_sqlite_begin(q, err));
    return wr_sqlite_end(q, publish(q, run, n, row, ctx, err), err);
}

#define SCORE_COLUMNS                                                           \
    "select r.wallet_id, r.score, r.base, r.level, r.category, r.is_labelled, " \
    "r.reasons, "                                                               \
    "w.chain_id, w.address from risk_scores r "

static wr_status give_score(wr_sqlite *q, sqlite3_stmt *s, wr_score_fn fn, void *ctx,
                            wr_err *err)
{
    wr_score_row row = {
        .score = {.wallet_id = (uint32_t)sqlite3_column_int64(s, 0),
                  .score = sqlite3_column_double(s, 1),
                  .base = sqlite3_column_double(s, 2),
                  .level = (uint8_t)sqlite3_column_int(s, 3),
                  .category = (int8_t)sqlite3_column_int(s, 4),
                  .is_labelled = sqlite3_column_int(s, 5) != 0,
                  .reasons = wr_sqlite_text(s, 6)},
        .address = wr_sqlite_text(s, 8),
    };
    WR_TRY(wr_sqlite_chain(q, sqlite3_column_int64(s, 7), &row.chain, err));
    return fn(ctx, &row, err);
}

#define SCORE_IS_WANTED                                                   \
    "cross join wallets w on w.wallet_id = r.wallet_id "                  \
    "where r.run_no = ?1 and r.score >= ?2 and (?3 < 0 or r.level = ?3) " \
    "and (?4 < 0 or r.category = ?4) and (?5 = 0 or r.is_labelled = 0) "

typedef struct top_query {
    wr_sqlite *q;
    const wr_score_query *want;
    int64_t run_no;
    uint32_t left; /* rows still wanted */
    wr_score_fn fn;
    void *ctx;
} top_query;

static wr_status top_rows(top_query *t, sqlite3_stmt *s, wr_err *err)
{
    bool has_row = false;
    (void)sqlite3_bind_int64(s, 1, t->run_no);
    (void)sqlite3_bind_double(s, 2, t->want->min_score);
    (void)sqlite3_bind_int(s, 3, t->want->level);
    (void)sqlite3_bind_int(s, 4, t->want->category);
    (void)sqlite3_bind_int(s, 5, t->want->is_labelled_left_out);
    (void)sqlite3_bind_int64(s, 6, t->left);
    WR_TRY(wr_sqlite_step(t->q, s, &has_row, err));
    while (has_row) {
        WR_TRY(give_score(t->q, s, t->fn, t->ctx, err));
        t->left--;
        WR_TRY(wr_sqlite_step(t->q, s, &has_row, err));
    }
    return WR_OK;
}

/*
 * A later page is what is left of the last row's score, then what is below it: two seeks
 * in the index, where one condition on the pair would read all equal scores again.
 */
wr_status wr_sqlite_scores_top(wr_store *st, const wr_score_query *want, wr_score_fn fn,
                               void *ctx, wr_err *err)
{
    static const char first[] =
        SCORE_COLUMNS SCORE_IS_WANTED "order by r.score desc, r.wallet_id limit ?6";
    static const char equal[] = SCORE_COLUMNS SCORE_IS_WANTED
        "and r.score = ?7 and r.wallet_id > ?8 order by r.wallet_id limit ?6";
    static const char below[] = SCORE_COLUMNS SCORE_IS_WANTED
        "and r.score < ?7 order by r.score desc, r.wallet_id limit ?6";
    wr_sqlite *q = wr_sqlite_of(st);
    top_query t = {.q = q, .want = want, .left = want->limit, .fn = fn, .ctx = ctx};
    WR_TRY(run_number(q, want->run_id, &t.run_no, err));
    if (want->after_wallet_id == 0) {
        WR_SQLITE_STMT *s = NULL;
        WR_TRY(wr_sqlite_stmt(q, first, &s, err));
        return top_rows(&t, s, err);
    }
    WR_SQLITE_STMT *s = NULL;
    WR_TRY(wr_sqlite_stmt(q, equal, &s, err));
    (void)sqlite3_bind_double(s, 7, want->after_score);
    (void)sqlite3_bind_int64(s, 8, want->after_wallet_id);
    WR_TRY(top_rows(&t, s, err));
    WR_SQLITE_STMT *rest = NULL;
    WR_TRY(wr_sqlite_stmt(q, below, &rest, err));
    (void)sqlite3_bind_double(rest, 7, want->after_score);
    return top_rows(&t, rest, err);
}

wr_status wr_sqlite_score_get(wr_store *st, const char *run_id, const wr_chain *chain,
                              wr_text address, wr_score_fn fn, void *ctx, wr_err *err)
{
    static const char sql[] = SCORE_COLUMNS "join wallets w on w.wallet_id = r.wallet_id "
                                            "where r.run_no = ? and r.wallet_id = ?";
    wr_sqlite *q = wr_sqlite_of(st);
    int64_t run_no = 0;
    uint32_t chain_id;
    uint32_t wallet_id = 0;
    bool has_row = false;
    WR_TRY(run_number(q, run_id, &run_no, err));
    WR_TRY(wr_sqlite_chain_find(q, chain, &chain_id, err));
    if (chain_id != 0)
        WR_TRY(wr_sqlite_wallet_find(q, chain_id, address, &wallet_id, err));
    WR_SQLITE_STMT *s = NULL;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    (void)sqlite3_bind_int64(s, 1, run_no);
    (void)sqlite3_bind_int64(s, 2, wallet_id);
    WR_TRY(wr_sqlite_step(q, s, &has_row, err));
    if (!has_row)
        return wr_fail(err, WR_ENOTFOUND, "the run has no score of %s:%.*s", chain->id,
                       WR_TEXT_ARG(address));
    return give_score(q, s, fn, ctx, err);
}
