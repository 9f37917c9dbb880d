#include "store/mem_int.h"

wr_run *wr_mem_run(const wr_mem *m, const char *id)
{
    wr_run *newest = NULL;
    for (size_t i = 0; i < m->runs.count; i++) {
        wr_run *r = &m->runs.item[i];
        if (id[0] && strcmp(r->id, id) == 0)
            return r;
        if (!id[0] && r->status == WR_RUN_COMPLETE && strcmp(r->kind, "score") == 0 &&
            (!newest || strcmp(r->id, newest->id) > 0))
            newest = r;
    }
    return newest;
}

static wr_status find_run(const wr_mem *m, const char *id, wr_run **run, wr_err *err)
{
    WR_TRY(wr_mem_ready(m, err));
    *run = wr_mem_run(m, id);
    if (*run)
        return WR_OK;
    return id[0] ? wr_fail(err, WR_ENOTFOUND, "no run '%.40s'", id)
                 : wr_fail(err, WR_ENOTFOUND, "no complete scoring run");
}

static wr_status write_run(wr_mem *m, const wr_run *run, wr_run_status status,
                           wr_err *err)
{
    wr_run copy = *run;
    wr_run *old = wr_mem_run(m, run->id);
    copy.status = status;
    WR_TRY(wr_mem_text(m, &copy.config, err));
    WR_TRY(wr_mem_text(m, &copy.detail, err));
    if (!old)
        return WR_MEM_APPEND(&m->runs, copy, "run", err);
    *old = copy;
    return WR_OK;
}

wr_status wr_mem_run_put(wr_store *st, const wr_run *run, wr_err *err)
{
    wr_mem *m = wr_mem_of(st);
    WR_TRY(wr_mem_ready(m, err));
    return write_run(m, run, run->status, err);
}

wr_status wr_mem_run_get(wr_store *st, const char *id, wr_run_fn fn, void *ctx,
                         wr_err *err)
{
    wr_run *run;
    WR_TRY(find_run(wr_mem_of(st), id, &run, err));
    return fn(ctx, run, err);
}

wr_status wr_mem_run_list(wr_store *st, const char *before_id, uint32_t limit,
                          wr_run_fn fn, void *ctx, wr_err *err)
{
    const wr_mem *m = wr_mem_of(st);
    WR_TRY(wr_mem_ready(m, err));
    const char *last = before_id;
    for (; limit > 0; limit--) {
        const wr_run *next = NULL;
        for (size_t i = 0; i < m->runs.count; i++) {
            const wr_run *r = &m->runs.item[i];
            if ((!last[0] || strcmp(r->id, last) < 0) &&
                (!next || strcmp(r->id, next->id) > 0))
                next = r;
        }
        if (!next)
            break;
        WR_TRY(fn(ctx, next, err));
        last = next->id;
    }
    return WR_OK;
}

wr_status wr_mem_scores_put(wr_store *st, const wr_run *run, size_t n, wr_score_at_fn row,
                            void *ctx, wr_err *err)
{
    wr_mem *m = wr_mem_of(st);
    WR_TRY(wr_mem_ready(m, err));
    size_t before = m->scores.count;
    const wr_run *old = wr_mem_run(m, run->id);
    size_t at = old ? (size_t)(old - m->runs.item) : m->runs.count;
    for (size_t i = 0; i < before; i++)
        if (m->scores.item[i].run == at)
            return wr_fail(err, WR_ECONFLICT, "run %s already has scores", run->id);
    wr_status s = WR_OK;
    for (size_t i = 0; i < n && s == WR_OK; i++) {
        wr_mem_score x = {.run = at};
        s = row(ctx, i, &x.score, err);
        if (s == WR_OK)
            s = wr_mem_text(m, &x.score.reasons, err);
        if (s == WR_OK)
            s = WR_MEM_APPEND(&m->scores, x, "score", err);
    }
    if (s == WR_OK)
        s = write_run(m, run, WR_RUN_COMPLETE, err);
    if (s != WR_OK)
        m->scores.count = before;
    return s;
}

static wr_score_row row_of(const wr_mem *m, const wr_mem_score *s)
{
    const wr_mem_wallet *w = &m->wallets.item[s->score.wallet_id - 1];
    return (wr_score_row){.score = s->score, .chain = w->chain, .address = w->address};
}

/* Does a come before b on the pages? */
static bool is_before(double score_a, uint32_t id_a, double score_b, uint32_t id_b)
{
    return score_a > score_b || (score_a <= score_b && score_a >= score_b && id_a < id_b);
}

static bool is_wanted(const wr_mem_score *s, size_t run, const wr_score_query *q)
{
    return s->run == run && s->score.score >= q->min_score &&
           (q->level < 0 || q->level == s->score.level) &&
           (q->category < 0 || q->category == s->score.category) &&
           !(q->is_labelled_left_out && s->score.is_labelled);
}

wr_status wr_mem_scores_top(wr_store *st, const wr_score_query *q, wr_score_fn fn,
                            void *ctx, wr_err *err)
{
    const wr_mem *m = wr_mem_of(st);
    wr_run *run;
    WR_TRY(find_run(m, q->run_id, &run, err));
    size_t at = (size_t)(run - m->runs.item);
    double score = q->after_score;
    uint32_t id = q->after_wallet_id;
    for (uint32_t left = q->limit; left > 0; left--) {
        const wr_mem_score *next = NULL;
        for (size_t i = 0; i < m->scores.count; i++) {
            const wr_mem_score *s = &m->scores.item[i];
            if (!is_wanted(s, at, q) ||
                (id != 0 && !is_before(score, id, s->score.score, s->score.wallet_id)))
                continue;
            if (!next || is_before(s->score.score, s->score.wallet_id, next->score.score,
                                   next->score.wallet_id))
                next = s;
        }
        if (!next)
            break;
        wr_score_row row = row_of(m, next);
        WR_TRY(fn(ctx, &row, err));
        score = next->score.score;
        id = next->score.wallet_id;
    }
    return WR_OK;
}

wr_status wr_mem_score_get(wr_store *st, const char *run_id, const wr_chain *chain,
                           wr_text address, wr_score_fn fn, void *ctx, wr_err *err)
{
    const wr_mem *m = wr_mem_of(st);
    wr_run *run;
    WR_TRY(find_run(m, run_id, &run, err));
    size_t at = (size_t)(run - m->runs.item);
    uint32_t id = wr_mem_wallet_id(m, chain, address);
    for (size_t i = 0; i < m->scores.count; i++) {
        const wr_mem_score *s = &m->scores.item[i];
        if (id != 0 && s->run == at && s->score.wallet_id == id) {
            wr_score_row row = row_of(m, s);
            return fn(ctx, &row, err);
        }
    }
    return wr_fail(err, WR_ENOTFOUND, "the run has no score of %s:%.*s", chain->id,
                   WR_TEXT_ARG(address));
}
