/*
 * GET /scores/top.  The current run is read from memory by wr_assessment_order; any other
 * run, and the further pages of a run that was current when its first page was made, come
 * from the store.  Both know the same order and list only wallets above 0, so a page
 * token (run, position, score, wallet) goes on in either.
 *
 * Rendered answers are kept by (view version, stale or not, query text), and each worker
 * keeps the last one it gave.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "api/page_token.h"
#include "api/request.h"
#include "api/routes.h"
#include "pipeline/run/report.h"

enum { LIST = 't', LIMIT_MAX = 1000 };

typedef struct top_query {
    uint32_t limit;
    int level;                      /* -1 = all */
    double min_score;               /* 0..1 */
    bool is_unlabelled;             /* leave out labelled wallets */
    wr_text category;               /* absent = all */
    char run_id[WR_RUN_ID_MAX + 1]; /* "" = current */
    /* where the page begins */
    bool is_page;
    uint32_t position; /* in the order in memory */
    double after_score;
    uint32_t after_wallet;
} top_query;

typedef struct top_row {
    uint32_t position;
    double score;
    uint32_t wallet;
} top_row;

/* --- query -----------------------------------------------------------------------------
 */

static bool read_token(const char *payload, top_query *q)
{
    char run[WR_RUN_ID_MAX + 1];
    uint64_t position;
    uint64_t bits;
    uint64_t wallet;
    if (!wr_page_word(&payload, run, sizeof run) ||
        !wr_page_u64(&payload, 10, UINT32_MAX - 1, &position) ||
        !wr_page_u64(&payload, 16, UINT64_MAX, &bits) ||
        !wr_page_u64(&payload, 10, UINT32_MAX, &wallet) || *payload)
        return false;
    q->position = (uint32_t)position;
    q->after_wallet = (uint32_t)wallet;
    memcpy(&q->after_score, &bits, sizeof bits);
    if (!isfinite(q->after_score) || q->after_wallet == 0)
        return false;
    q->is_page = true;
    if (q->run_id[0] && strcmp(q->run_id, run) != 0)
        return false;
    memcpy(q->run_id, run, sizeof run);
    return true;
}

static void write_token(char payload[WR_PAGE_PAYLOAD_MAX + 1], const char *run,
                        const top_row *last)
{
    uint64_t bits;
    memcpy(&bits, &last->score, sizeof bits);
    (void)snprintf(payload, WR_PAGE_PAYLOAD_MAX + 1,
                   "%s %" PRIu32 " %" PRIx64 " %" PRIu32, run, last->position, bits,
                   last->wallet);
}

static wr_status read_query(wr_exchange *x, top_query *q, wr_err *err)
{
    *q = (top_query){.limit = 10, .level = -1};
    wr_query_u32(x, "limit", 1, LIMIT_MAX, &q->limit);
    wr_query_choice(x, "level", "low|medium|high|severe", &q->level);
    wr_query_f64(x, "min_score", 0.0, 100.0, &q->min_score);
    q->min_score /= 100.0;
    int labelled = 0;
    wr_query_choice(x, "labelled", "include|exclude", &labelled);
    q->is_unlabelled = labelled == 1;
    q->category = wr_query_bounded(x, "category", WR_CATEGORY_ID_MAX);
    wr_text run = wr_query_bounded(x, "run_id", WR_RUN_ID_MAX);
    if (run.p)
        memcpy(q->run_id, run.p, run.len);
    char payload[WR_PAGE_PAYLOAD_MAX + 1];
    if (wr_app_page(x, LIST, payload) && !read_token(payload, q))
        wr_request_note(x, "/query/page", "invalid", "not a page token of this run");
    return wr_request_check(x, err);
}

static wr_status find_category(wr_exchange *x, const wr_taxonomy *tx, wr_text id,
                               int *out, wr_err *err)
{
    *out = id.p ? wr_taxonomy_find(tx, id) : -1;
    if (id.p && *out < 0)
        wr_request_note(x, "/query/category", "invalid", "'%.*s' is no category",
                        WR_TEXT_ARG(id));
    return wr_request_check(x, err);
}

/* --- answer ----------------------------------------------------------------------------
 */

static void put_head(wr_json_out *j, const wr_run *run, const wr_policy *p, bool is_stale)
{
    wr_json_open(j, '{');
    wr_json_kv_cstr(j, "run_id", run->id);
    wr_json_kv_time_or(j, "as_of", run->as_of_s, 0);
    wr_json_kv_bool(j, "is_stale", is_stale);
    wr_json_key(j, "level_min");
    wr_json_open(j, '{');
    for (int l = 0; l < WR_LEVEL_COUNT; l++) {
        wr_json_key(j, wr_level_name((wr_level)l));
        wr_json_fixed(j, wr_score_publish(p->level_min[l]), 2);
    }
    wr_json_close(j, '}');
    wr_json_key(j, "scores");
    wr_json_open(j, '[');
}

static void put_tail(wr_json_out *j, const char *run, const top_row *last, bool is_more)
{
    char payload[WR_PAGE_PAYLOAD_MAX + 1];
    wr_json_close(j, ']');
    if (is_more)
        write_token(payload, run, last);
    wr_app_next_page(j, LIST, is_more ? payload : NULL);
    wr_json_close(j, '}');
}

/* --- from memory -----------------------------------------------------------------------
 */

static wr_status top_of_view(wr_exchange *x, const wr_assessment *a, const top_query *q,
                             bool is_stale, wr_err *err)
{
    const wr_settings *cfg = wr_assessment_settings(a);
    const wr_seeds *seeds = wr_assessment_seeds(a);
    int category;
    WR_TRY(find_category(x, &cfg->taxonomy, q->category, &category, err));
    uint32_t count;
    const wr_vid *order = wr_assessment_order(a, &count);
    wr_json_out j = wr_exchange_json(x);
    put_head(&j, wr_assessment_run(a), &cfg->policy, is_stale);
    top_row last = {0};
    uint32_t found = 0;
    bool is_more = false;
    for (uint32_t i = q->is_page ? q->position + 1 : 0; i < count && !is_more; i++) {
        wr_vid v = order[i];
        double score = wr_assessment_score(a, v);
        if (score <= 0.0 || score < q->min_score)
            break;
        if ((q->level >= 0 && (int)wr_assessment_level(a, v) != q->level) ||
            (category >= 0 && wr_assessment_category(a, v) != category) ||
            (q->is_unlabelled && seeds->category[v] != WR_SEED_NONE))
            continue;
        if (found == q->limit) {
            is_more = true;
            continue;
        }
        found++;
        last = (top_row){
            .position = i,
            .score = score,
            .wallet = wr_ids_wallet(wr_snapshot_ids(wr_assessment_snapshot(a)), v)};
        wr_evidence e;
        wr_evidence_of_run(&e, a, v);
        wr_report_wallet_short(&j, &e);
    }
    put_tail(&j, wr_assessment_run(a)->id, &last, is_more);
    return WR_OK;
}

/* --- from the store --------------------------------------------------------------------
 */

typedef struct stored_top {
    wr_json_out *j;
    const wr_taxonomy *tx;
    wr_state state;
    uint32_t limit, found, position;
    top_row last;
    bool is_more;
} stored_top;

static wr_status put_stored(void *ctx, const wr_score_row *row, wr_err *err)
{
    stored_top *t = ctx;
    const wr_score *s = &row->score;
    (void)err;
    if (t->found == t->limit) {
        t->is_more = true;
        return WR_OK;
    }
    t->found++;
    t->last =
        (top_row){.position = t->position++, .score = s->score, .wallet = s->wallet_id};
    wr_json_out *j = t->j;
    bool has_category = s->category >= 0 && (uint32_t)s->category < t->tx->count;
    wr_json_open(j, '{');
    wr_app_identity(j, row->chain, row->address);
    wr_json_kv_cstr(j, "state", wr_state_name(t->state));
    wr_json_key(j, "score");
    wr_json_fixed(j, wr_score_publish(s->score), 2);
    wr_json_kv_cstr(j, "level", wr_level_name((wr_level)s->level));
    wr_json_kv_cstr(j, "category", has_category ? t->tx->category[s->category].id : NULL);
    wr_json_kv_bool(j, "is_labelled", s->is_labelled);
    wr_json_key(j, "reasons");
    if (s->reasons.len)
        wr_json_raw(j, s->reasons);
    else
        wr_json_null(j); /* a run keeps them for its first 100 000 wallets */
    wr_json_close(j, '}');
    return WR_OK;
}

/* Head of a stored run and the settings that give its category numbers their names. */
typedef struct stored_run {
    wr_run run;
    wr_settings *cfg;
} stored_run;

static wr_status keep_run(void *ctx, const wr_run *run, wr_err *err)
{
    stored_run *k = ctx;
    k->run = *run;
    k->run.detail = (wr_text){0};
    k->run.config = (wr_text){0};
    if (run->status != WR_RUN_COMPLETE || strcmp(run->kind, "score") != 0)
        return wr_fail(err, WR_ENOTFOUND, "run %s (%s) is %s: it has no scores", run->id,
                       run->kind, wr_run_status_name(run->status));
    WR_AUTO_ARRAY char *text = wr_calloc((size_t)run->config.len + 1, 1);
    if (!text)
        return wr_fail(err, WR_ENOMEM, "settings of run %s", run->id);
    if (run->config.len)
        memcpy(text, run->config.p, run->config.len);
    return wr_settings_parse(&k->cfg, text, err);
}

static wr_status put_stored_page(wr_exchange *x, wr_store *st, const stored_run *k,
                                 const top_query *q, bool is_stale, wr_err *err)
{
    int category;
    WR_TRY(find_category(x, &k->cfg->taxonomy, q->category, &category, err));
    wr_score_query sq = {.run_id = q->run_id,
                         .min_score = q->min_score,
                         .level = q->level,
                         .category = category,
                         .is_labelled_left_out = q->is_unlabelled,
                         .after_score = q->after_score,
                         .after_wallet_id = q->is_page ? q->after_wallet : 0,
                         .limit = q->limit + 1};
    wr_json_out j = wr_exchange_json(x);
    stored_top t = {.j = &j,
                    .tx = &k->cfg->taxonomy,
                    .state =
                        k->run.labels ? WR_STATE_SCORED : WR_STATE_LABELS_UNAVAILABLE,
                    .limit = q->limit,
                    .position = q->is_page ? q->position + 1 : 0};
    put_head(&j, &k->run, &k->cfg->policy, is_stale);
    WR_TRY(wr_store_scores_top(st, &sq, put_stored, &t, err));
    put_tail(&j, k->run.id, &t.last, t.is_more);
    return WR_OK;
}

static wr_status top_of_store(wr_exchange *x, const top_query *q, wr_err *err)
{
    stored_run k = {0};
    wr_store *st = NULL;
    WR_TRY(wr_store_pool_take(x->app->pool, &st, err));
    wr_status s = wr_store_run_get(st, q->run_id, keep_run, &k, err);
    if (s == WR_OK)
        s = put_stored_page(x, st, &k, q, wr_watch_is_stale(x->app->watch, &k.run), err);
    wr_store_pool_give(x->app->pool, st, s);
    wr_settings_unref(k.cfg);
    return s;
}

/* --- route -----------------------------------------------------------------------------
 */

static wr_status render(wr_exchange *x, const wr_view *view, const top_query *q,
                        bool is_stale, wr_err *err)
{
    bool is_current = view->assessment &&
                      (!q->run_id[0] ||
                       strcmp(q->run_id, wr_assessment_run(view->assessment)->id) == 0);
    if (is_current)
        return top_of_view(x, view->assessment, q, is_stale, err);
    return top_of_store(x, q, err);
}

/* Is the last answer of this worker what the current view would give? */
static bool answer_again(wr_exchange *x, wr_text key)
{
    const wr_last_answer *l = &x->last;
    if (!l->blob || l->key_len != key.len || memcmp(l->key, key.p, key.len) != 0 ||
        l->version != wr_live_version(x->app->live) ||
        l->is_stale != wr_watch_is_newer(x->app->watch, l->max_seq, l->label_rev))
        return false;
    x->blob = l->blob;
    return true;
}

/* Takes over the reference that x->blob holds. */
static void keep_last(wr_exchange *x, const wr_view *view, bool is_stale, wr_text key)
{
    if (!view->assessment || key.len > WR_LAST_KEY_MAX ||
        x->blob->len > WR_LAST_BYTES_MAX)
        return;
    const wr_run *run = wr_assessment_run(view->assessment);
    wr_blob_unref(x->last.blob);
    x->last = (wr_last_answer){.blob = x->blob,
                               .version = view->version,
                               .is_stale = is_stale,
                               .max_seq = run->max_seq,
                               .label_rev = run->label_rev,
                               .key_len = key.len};
    memcpy(x->last.key, key.p, key.len);
}

wr_status wr_route_scores_top(wr_exchange *x, wr_err *err)
{
    wr_text key = wr_text_of(x->head.query ? x->head.query : "");
    x->status = 200;
    x->media_type = "application/json";
    if (answer_again(x, key))
        return WR_OK;
    WR_AUTO_VIEW view = wr_live_view(x->app->live);
    bool is_stale = view.assessment &&
                    wr_watch_is_stale(x->app->watch, wr_assessment_run(view.assessment));
    uint64_t version = view.version * 2 + is_stale;
    x->blob = wr_cache_get(&x->app->cache, version, key);
    if (x->blob) {
        keep_last(x, &view, is_stale, key);
        return WR_OK;
    }

    top_query q;
    WR_TRY(read_query(x, &q, err));
    if (!view.assessment && !q.run_id[0]) {
        WR_AUTO_VIEW again = {0};
        WR_TRY(wr_app_scored_view(x, &again, err)); /* says why, or it has just arrived */
        return render(x, &again, &q, is_stale, err);
    }
    WR_TRY(render(x, &view, &q, is_stale, err));
    WR_TRY(wr_buf_status(&x->out, "answer", err));
    const wr_blob *b;
    if (x->out.len <= 1 << 20 && wr_blob_new(&b, x->out.p, x->out.len, NULL) == WR_OK) {
        wr_cache_put(&x->app->cache, version, key, b);
        x->blob = b; /* out is no longer needed, but harmless */
        keep_last(x, &view, is_stale, key);
    }
    return WR_OK;
}
