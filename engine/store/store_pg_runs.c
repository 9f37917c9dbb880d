#include <float.h>

#include "store/store_pg_int.h"

enum { SCORE_COLUMNS = 8 };

#define RUN_COLUMNS                                                                     \
    "id, kind, status, started_at, finished_at, as_of, max_seq, label_rev, wallets, "   \
    "transfers, labels, scored, unpriced, graph_digest, labels_digest, config_digest, " \
    "output_digest, code_version, config, detail"

/* Newest complete scoring run for "", else the run of that id. */
#define RUN_WHERE                                                                        \
    " where case when $1 = '' then kind = 'score' and status = 'complete' else id = $1 " \
    "end"                                                                                \
    " order by id desc limit 1"

/* --- runs -------------------------------------------------------------------------- */

/* Longer than the record's field cannot happen by our own writing; it would be cut. */
static void take(char *out, size_t size, wr_text t)
{
    size_t len = t.len < size ? t.len : size - 1;
    if (len)
        memcpy(out, t.p, len);
    out[len] = '\0';
}

static wr_status status_parse(wr_run_status *out, wr_text t, wr_err *err)
{
    for (int s = WR_RUN_RUNNING; s <= WR_RUN_FAILED; s++) {
        if (wr_text_eq(t, wr_text_of(wr_run_status_name((wr_run_status)s)))) {
            *out = (wr_run_status)s;
            return WR_OK;
        }
    }
    return wr_fail(err, WR_ECORRUPT, "scoring_runs: status '%.*s'", WR_TEXT_ARG(t));
}

static wr_status run_of(wr_run *run, const PGresult *res, wr_err *err)
{
    *run = (wr_run){
        .started_s = wr_pg_i64(res, 0, 3),
        .finished_s = wr_pg_i64(res, 0, 4),
        .as_of_s = wr_pg_i64(res, 0, 5),
        .max_seq = wr_pg_i64(res, 0, 6),
        .label_rev = wr_pg_i64(res, 0, 7),
        .wallets = (uint64_t)wr_pg_i64(res, 0, 8),
        .transfers = (uint64_t)wr_pg_i64(res, 0, 9),
        .labels = (uint64_t)wr_pg_i64(res, 0, 10),
        .scored = (uint64_t)wr_pg_i64(res, 0, 11),
        .unpriced = (uint64_t)wr_pg_i64(res, 0, 12),
        .config = wr_pg_text(res, 0, 18),
        .detail = wr_pg_text(res, 0, 19),
    };
    take(run->id, sizeof run->id, wr_pg_text(res, 0, 0));
    take(run->kind, sizeof run->kind, wr_pg_text(res, 0, 1));
    take(run->graph_digest.s, sizeof run->graph_digest.s, wr_pg_text(res, 0, 13));
    take(run->labels_digest.s, sizeof run->labels_digest.s, wr_pg_text(res, 0, 14));
    take(run->config_digest.s, sizeof run->config_digest.s, wr_pg_text(res, 0, 15));
    take(run->output_digest.s, sizeof run->output_digest.s, wr_pg_text(res, 0, 16));
    take(run->code_version, sizeof run->code_version, wr_pg_text(res, 0, 17));
    return status_parse(&run->status, wr_pg_text(res, 0, 2), err);
}

/* Insert or replace; *run_no is the number that risk_scores refers to. */
static wr_status write_run(wr_pg_store *st, const wr_run *run, wr_run_status status,
                           int64_t *run_no, wr_err *err)
{
    static const char sql[] =
        "insert into scoring_runs (" RUN_COLUMNS
        ") values ($1, $2, $3, $4, $5, $6, $7, $8, "
        "$9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20) "
        "on conflict (id) do update set kind = excluded.kind, status = excluded.status, "
        "started_at = excluded.started_at, finished_at = excluded.finished_at, "
        "as_of = excluded.as_of, max_seq = excluded.max_seq, label_rev = "
        "excluded.label_rev, "
        "wallets = excluded.wallets, transfers = excluded.transfers, labels = "
        "excluded.labels, "
        "scored = excluded.scored, unpriced = excluded.unpriced, "
        "graph_digest = excluded.graph_digest, labels_digest = excluded.labels_digest, "
        "config_digest = excluded.config_digest, output_digest = excluded.output_digest, "
        "code_version = excluded.code_version, config = excluded.config, "
        "detail = excluded.detail returning run_no";
    wr_pg_args a = {0};
    wr_pg_arg_text(&a, wr_text_of(run->id));
    wr_pg_arg_text(&a, wr_text_of(run->kind));
    wr_pg_arg_text(&a, wr_text_of(wr_run_status_name(status)));
    wr_pg_arg_i64(&a, run->started_s);
    wr_pg_arg_i64(&a, run->finished_s);
    wr_pg_arg_i64(&a, run->as_of_s);
    wr_pg_arg_i64(&a, run->max_seq);
    wr_pg_arg_i64(&a, run->label_rev);
    wr_pg_arg_i64(&a, (int64_t)run->wallets);
    wr_pg_arg_i64(&a, (int64_t)run->transfers);
    wr_pg_arg_i64(&a, (int64_t)run->labels);
    wr_pg_arg_i64(&a, (int64_t)run->scored);
    wr_pg_arg_i64(&a, (int64_t)run->unpriced);
    wr_pg_arg_text(&a, wr_text_of(run->graph_digest.s));
    wr_pg_arg_text(&a, wr_text_of(run->labels_digest.s));
    wr_pg_arg_text(&a, wr_text_of(run->config_digest.s));
    wr_pg_arg_text(&a, wr_text_of(run->output_digest.s));
    wr_pg_arg_text(&a, wr_text_of(run->code_version));
    wr_pg_arg_text(&a, run->config);
    wr_pg_arg_text(&a, run->detail);
    return wr_pg_exec_i64(st, run_no, sql, &a, err);
}

wr_status wr_pg_run_put(wr_store *base, const wr_run *run, wr_err *err)
{
    wr_pg_store *st = wr_pg_of(base);
    int64_t run_no;
    WR_TRY(wr_pg_begin(st, "begin isolation level read committed", err));
    return wr_pg_end(st, write_run(st, run, run->status, &run_no, err), err);
}

wr_status wr_pg_run_get(wr_store *base, const char *id, wr_run_fn fn, void *ctx,
                        wr_err *err)
{
    static const char sql[] = "select " RUN_COLUMNS " from scoring_runs" RUN_WHERE;
    WR_AUTO(PGresult) res = NULL;
    wr_pg_args a = {0};
    wr_run run;
    wr_pg_arg_text(&a, wr_text_of(id));
    WR_TRY(wr_pg_exec(wr_pg_of(base), &res, sql, &a, err));
    if (PQntuples(res) == 0)
        return id[0] ? wr_fail(err, WR_ENOTFOUND, "no run '%.40s'", id)
                     : wr_fail(err, WR_ENOTFOUND, "no complete scoring run");
    WR_TRY(run_of(&run, res, err));
    return fn(ctx, &run, err);
}

typedef struct run_out {
    wr_run_fn fn;
    void *ctx;
} run_out;

static wr_status run_row(void *ctx, const PGresult *res, wr_err *err)
{
    const run_out *o = ctx;
    wr_run run;
    WR_TRY(run_of(&run, res, err));
    return o->fn(o->ctx, &run, err);
}

wr_status wr_pg_run_list(wr_store *base, const char *before_id, uint32_t limit,
                         wr_run_fn fn, void *ctx, wr_err *err)
{
    run_out o = {.fn = fn, .ctx = ctx};
    wr_pg_args a = {0};
    wr_pg_arg_text(&a, wr_text_of(before_id));
    wr_pg_arg_i64(&a, limit);
    return wr_pg_stream(wr_pg_of(base),
                        "select " RUN_COLUMNS
                        " from scoring_runs where $1 = '' or id < $1 "
                        "order by id desc limit $2",
                        &a, run_row, &o, err);
}

/* --- writing scores ---------------------------------------------------------------- */

static void copy_score(wr_pg_copy *c, int64_t run_no, const wr_score *score)
{
    wr_pg_copy_row(c, SCORE_COLUMNS);
    wr_pg_copy_i32(c, (int32_t)run_no);
    wr_pg_copy_i32(c, (int32_t)score->wallet_id);
    wr_pg_copy_f64(c, score->score);
    wr_pg_copy_f64(c, score->base);
    wr_pg_copy_i16(c, score->level);
    wr_pg_copy_i16(c, score->category);
    wr_pg_copy_i16(c, score->is_labelled);
    wr_pg_copy_text(c, score->reasons);
}

static wr_status copy_scores(wr_pg_store *st, int64_t run_no, size_t n,
                             wr_score_at_fn row, void *ctx, wr_err *err)
{
    static const char sql[] =
        "copy risk_scores (run_no, wallet_id, score, base, level, "
        "category, is_labelled, reasons) from stdin (format binary)";
    uint64_t rows;
    WR_TRY(wr_pg_copy_begin(st, sql, err));
    wr_status s = WR_OK;
    for (size_t i = 0; i < n && s == WR_OK; i++) {
        wr_score score = {0};
        s = row(ctx, i, &score, err);
        if (s == WR_OK)
            copy_score(st->copy, run_no, &score);
    }
    return wr_pg_copy_end(st, s, &rows, err);
}

static wr_status scores_steps(wr_pg_store *st, const wr_run *run, size_t n,
                              wr_score_at_fn row, void *ctx, wr_err *err)
{
    static const char has_scores[] =
        "select count(*) from (select 1 from risk_scores where run_no = $1 limit 1) x";
    int64_t run_no;
    int64_t count;
    wr_pg_args a = {0};
    WR_TRY(write_run(st, run, WR_RUN_COMPLETE, &run_no, err)); /* locks the run's row */
    wr_pg_arg_i32(&a, (int32_t)run_no);
    WR_TRY(wr_pg_exec_i64(st, &count, has_scores, &a, err));
    if (count)
        return wr_fail(err, WR_ECONFLICT, "run %s already has scores", run->id);
    return copy_scores(st, run_no, n, row, ctx, err);
}

wr_status wr_pg_scores_put(wr_store *base, const wr_run *run, size_t n,
                           wr_score_at_fn row, void *ctx, wr_err *err)
{
    wr_pg_store *st = wr_pg_of(base);
    WR_TRY(wr_pg_begin(st, "begin isolation level read committed", err));
    return wr_pg_end(st, scores_steps(st, run, n, row, ctx, err), err);
}

/* --- reading scores ---------------------------------------------------------------- */

#define SCORE_SQL                                                               \
    "select s.wallet_id, s.level, s.category, s.is_labelled, s.score, s.base, " \
    "s.reasons, "                                                               \
    "w.chain_id, w.address from risk_scores s join wallets w on w.wallet_id = " \
    "s.wallet_id"

typedef struct score_out {
    const wr_pg_store *st;
    wr_score_fn fn;
    void *ctx;
} score_out;

static wr_status score_row(void *ctx, const PGresult *res, wr_err *err)
{
    const score_out *o = ctx;
    wr_score_row row = {
        .score = {.wallet_id = (uint32_t)wr_pg_i64(res, 0, 0),
                  .level = (uint8_t)wr_pg_i64(res, 0, 1),
                  .category = (int8_t)wr_pg_i64(res, 0, 2),
                  .is_labelled = wr_pg_i64(res, 0, 3) != 0,
                  .score = wr_pg_f64(res, 0, 4),
                  .base = wr_pg_f64(res, 0, 5),
                  .reasons = wr_pg_text(res, 0, 6)},
        .address = wr_pg_text(res, 0, 8),
    };
    WR_TRY(wr_pg_chain_of(o->st, &row.chain, wr_pg_i64(res, 0, 7), err));
    return o->fn(o->ctx, &row, err);
}

static wr_status find_run(wr_pg_store *st, const char *id, int64_t *run_no, wr_err *err)
{
    static const char sql[] = "select run_no from scoring_runs" RUN_WHERE;
    WR_AUTO(PGresult) res = NULL;
    wr_pg_args a = {0};
    wr_pg_arg_text(&a, wr_text_of(id));
    WR_TRY(wr_pg_exec(st, &res, sql, &a, err));
    if (PQntuples(res) == 0)
        return id[0] ? wr_fail(err, WR_ENOTFOUND, "no run '%.40s'", id)
                     : wr_fail(err, WR_ENOTFOUND, "no complete scoring run");
    *run_no = wr_pg_i64(res, 0, 0);
    return WR_OK;
}

static wr_status top_steps(wr_pg_store *st, const wr_score_query *q, score_out *o,
                           wr_err *err)
{
    int64_t run_no;
    wr_pg_args a = {0};
    WR_TRY(wr_pg_chains_read(st, err));
    WR_TRY(find_run(st, q->run_id, &run_no, err));
    wr_pg_arg_i32(&a, (int32_t)run_no);
    wr_pg_arg_f64(&a, q->min_score);
    wr_pg_arg_i32(&a, q->level);
    wr_pg_arg_i32(&a, q->category);
    wr_pg_arg_i32(&a, q->is_labelled_left_out);
    wr_pg_arg_f64(&a, q->after_wallet_id ? q->after_score : DBL_MAX);
    wr_pg_arg_i32(&a, (int32_t)q->after_wallet_id);
    wr_pg_arg_i64(&a, q->limit);
    /* s.score <= $6 alone bounds the index scan; the second half leaves out the last
     * page. */
    return wr_pg_stream(
        st,
        SCORE_SQL
        " where s.run_no = $1 and s.score >= $2 "
        "and ($3::int4 < 0 or s.level = $3) and ($4::int4 < 0 or s.category = $4) "
        "and ($5::int4 = 0 or s.is_labelled = 0) "
        "and s.score <= $6 and (s.score < $6 or s.wallet_id > $7) "
        "order by s.score desc, s.wallet_id limit $8",
        &a, score_row, o, err);
}

wr_status wr_pg_scores_top(wr_store *base, const wr_score_query *q, wr_score_fn fn,
                           void *ctx, wr_err *err)
{
    wr_pg_store *st = wr_pg_of(base);
    score_out o = {.st = st, .fn = fn, .ctx = ctx};
    WR_TRY(wr_pg_begin(st, "begin isolation level repeatable read read only", err));
    return wr_pg_end(st, top_steps(st, q, &o, err), err);
}

static wr_status get_steps(wr_pg_store *st, const char *run_id, uint32_t chain_id,
                           wr_text address, PGresult **res, wr_err *err)
{
    static const char sql[] =
        SCORE_SQL " where s.run_no = $1 and w.chain_id = $2 and w.address = $3";
    int64_t run_no;
    wr_pg_args a = {0};
    WR_TRY(find_run(st, run_id, &run_no, err));
    wr_pg_arg_i32(&a, (int32_t)run_no);
    wr_pg_arg_i16(&a, (int32_t)chain_id);
    wr_pg_arg_bytes(&a, WR_PG_OID_TEXT, address.p, address.len);
    return wr_pg_exec(st, res, sql, &a, err);
}

wr_status wr_pg_score_get(wr_store *base, const char *run_id, const wr_chain *chain,
                          wr_text address, wr_score_fn fn, void *ctx, wr_err *err)
{
    wr_pg_store *st = wr_pg_of(base);
    WR_AUTO(PGresult) res = NULL;
    uint32_t chain_id;
    score_out o = {.st = st, .fn = fn, .ctx = ctx};
    WR_TRY(wr_pg_chain_id(st, &chain_id, chain, err));
    WR_TRY(get_steps(st, run_id, chain_id, address, &res, err));
    if (PQntuples(res) == 0)
        return wr_fail(err, WR_ENOTFOUND, "the run has no score of %s:%.*s", chain->id,
                       WR_TEXT_ARG(address));
    return score_row(&o, res, err);
}
