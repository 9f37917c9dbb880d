#include "pipeline/run/run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "pipeline/run/assess_int.h"
#include "pipeline/run/report.h"
#include "pipeline/scorer/registry.h"

enum { REASONS_ROWS_MAX = 100000 }; /* rows that carry their reasons in the store */

void wr_run_id_new(char out[WR_RUN_ID_MAX + 1])
{
    char t[WR_RFC3339_MAX];
    int64_t now_us = wr_clock_wall_us();
    wr_time_format(t, now_us / 1000000);
    /* 1/4096 s before the random part: runs of one second still sort by time */
    uint32_t part = (uint32_t)((now_us % 1000000) * 4096 / 1000000);
    uint32_t tail = 0;
    if (getrandom(&tail, sizeof tail, 0) != (ssize_t)sizeof tail)
        tail = (uint32_t)wr_clock_mono_us();
    /* 2026-11-20T16:12:00Z -> 20261120T161200Z */
    (void)snprintf(out, WR_RUN_ID_MAX + 1, "r%.4s%.2s%.2sT%.2s%.2s%.2sZ-%03x%05x", t,
                   t + 5, t + 8, t + 11, t + 14, t + 17, part, tail & 0xfffff);
}

/* --- publish ---------------------------------------------------------------------------
 */

typedef struct rows { /* on their way into the store */
    const wr_assessment *a;
    wr_buf json; /* reasons of the last one */
} rows;

static wr_status write_reasons(wr_text *out, rows *r, wr_vid v, wr_err *err)
{
    wr_buf_clear(&r->json);
    wr_json_out j = wr_json_out_on(&r->json);
    wr_evidence e;
    wr_evidence_of_run(&e, r->a, v);
    wr_report_reasons(&j, &e);
    WR_TRY(wr_buf_status(&r->json, "reasons", err));
    *out = (wr_text){r->json.p, (uint32_t)r->json.len};
    return WR_OK;
}

static wr_status row_at(void *ctx, size_t i, wr_score *row, wr_err *err)
{
    rows *r = ctx;
    const wr_assessment *a = r->a;
    const wr_vid v = a->order[i];
    *row = (wr_score){
        .wallet_id = wr_ids_wallet(wr_snapshot_ids(a->g), v),
        .level = a->level[v],
        .category = a->category[v],
        .is_labelled = a->labels.seeds.category[v] != WR_SEED_NONE,
        .score = a->score[v],
        .base = a->base[v],
    };
    return i < REASONS_ROWS_MAX ? write_reasons(&row->reasons, r, v, err) : WR_OK;
}

/* Rows of every wallet with a score; those without one had 0 in this run. */
static uint32_t count_scored(const wr_assessment *a)
{
    uint32_t k = 0;
    while (k < a->order_count && a->score[a->order[k]] > 0.0)
        k++;
    return k;
}

static wr_status publish(wr_store *st, const wr_assessment *a, wr_err *err)
{
    rows r = {.a = a};
    wr_buf_init(&r.json, 1u << 20);
    const wr_status s =
        wr_store_scores_put(st, &a->run, count_scored(a), row_at, &r, err);
    wr_buf_release(&r.json);
    return s;
}

/* --- score -----------------------------------------------------------------------------
 */

typedef struct work {
    wr_store *st;
    wr_settings *cfg;
    const wr_progress *pg;
    wr_phases phases;
} work;

/* *graph becomes the one of max_seq, unless it is that already. */
static wr_status need_graph(wr_loaded *graph, work *w, int64_t max_seq, wr_err *err)
{
    if (graph->g && graph->max_seq == max_seq)
        return WR_OK;
    wr_loaded l = {.max_seq = max_seq};
    WR_TRY(wr_load_snapshot(&l.g, w->st, &l.max_seq, &l.unpriced, w->pg, err));
    wr_phases_end(&w->phases, "load");
    wr_loaded_release(graph);
    *graph = l;
    return WR_OK;
}

/* Graph (when it is not there), labels, assessment; run's bounds are filled in. */
static wr_status compute(wr_assessment **out, work *w, wr_loaded *graph, wr_run *run,
                         wr_err *err)
{
    WR_TRY(need_graph(graph, w, run->max_seq, err));
    wr_snapshot *g = graph->g;
    run->max_seq = graph->max_seq;
    run->unpriced = graph->unpriced;
    wr_label_set labels = {0};
    WR_TRY(wr_load_labels(&labels, w->st, g, &w->cfg->taxonomy, run->label_rev, err));
    wr_phases_end(&w->phases, "labels");
    run->label_rev = labels.rev;
    WR_AUTO(wr_assessment) a = NULL;
    WR_TRY(wr_assess(&a, g, &labels, w->cfg, w->pg, err));
    wr_run *r = &a->run;
    memcpy(r->id, run->id, sizeof r->id);
    memcpy(r->kind, run->kind, sizeof r->kind);
    r->started_s = run->started_s;
    r->max_seq = run->max_seq;
    r->label_rev = run->label_rev;
    r->unpriced = run->unpriced;
    *out = WR_STEAL(a);
    return WR_OK;
}

static wr_status seal(wr_assessment *a, const wr_phases *phases, wr_err *err)
{
    wr_buf b;
    wr_buf_init(&b, WR_RUN_JSON_MAX);
    wr_json_out j = wr_json_out_on(&b);
    wr_json_open(&j, '{');
    wr_json_key(&j, "phases");
    wr_phases_json(phases, &j);
    wr_json_key(&j, "phases_of_assessment");
    wr_phases_json(&a->phases, &j);
    wr_assess_notes(&j, a);
    wr_json_close(&j, '}');
    wr_status s = wr_buf_status(&b, "run detail", err);
    wr_free(a->detail);
    a->detail = wr_buf_steal(&b, NULL);
    wr_buf_release(&b);
    a->run.detail = wr_text_of(a->detail);
    a->run.finished_s = wr_clock_wall_s();
    a->run.status = WR_RUN_COMPLETE;
    return s;
}

static wr_status score(wr_assessment **out, work *w, wr_run *run, wr_err *err)
{
    WR_AUTO(wr_assessment) a = NULL;
    wr_loaded graph = {0};
    const wr_status s = compute(&a, w, &graph, run, err);
    wr_loaded_release(&graph); /* a holds it from here on */
    WR_TRY(s);
    wr_phases_end(&w->phases, "assess");
    WR_TRY(seal(a, &w->phases, err));
    WR_TRY(wr_progress_at(w->pg, "publish", 0, 0, err));
    WR_TRY(publish(w->st, a, err));
    *out = WR_STEAL(a);
    return WR_OK;
}

static void record_failure(wr_store *st, wr_run *run, const wr_err *err)
{
    wr_buf b;
    wr_buf_init(&b, WR_RUN_JSON_MAX);
    wr_json_out j = wr_json_out_on(&b);
    wr_json_open(&j, '{');
    wr_json_kv_cstr(&j, "error", err->msg);
    wr_json_close(&j, '}');
    run->status = WR_RUN_FAILED;
    run->finished_s = wr_clock_wall_s();
    run->detail = (wr_text){b.p, (uint32_t)b.len};
    /* The run's own error is what the caller must see; a second one adds nothing. */
    wr_err second = {0};
    if (wr_store_run_put(st, run, &second) != WR_OK)
        run->status = WR_RUN_FAILED;
    wr_buf_release(&b);
}

/* The settings of a run that begins now: whatever model is active scores it. */
static wr_status with_active_model(wr_settings **out, wr_settings *cfg, wr_store *st,
                                   wr_err *err)
{
    WR_AUTO(wr_learned) l = NULL;
    WR_TRY(wr_registry_active(&l, st, err));
    if (l || cfg->model)
        return wr_settings_with_model(out, cfg, l, err);
    *out = wr_settings_acquire(cfg);
    return WR_OK;
}

wr_status wr_run_score(wr_assessment **out, wr_store *st, wr_settings *base,
                       const char *id, const wr_progress *pg, wr_err *err)
{
    wr_err local = {0};
    wr_err *e = err ? err : &local;
    WR_AUTO(wr_settings) cfg = NULL;
    WR_TRY(with_active_model(&cfg, base, st, e));
    wr_run run = {.kind = "score",
                  .status = WR_RUN_RUNNING,
                  .started_s = wr_clock_wall_s(),
                  .max_seq = -1,
                  .label_rev = -1,
                  .config_digest = cfg->digest,
                  .code_version = WR_VERSION,
                  .config = wr_text_of(cfg->text)};
    if (id)
        (void)snprintf(run.id, sizeof run.id, "%s", id);
    else
        wr_run_id_new(run.id);
    WR_TRY(wr_store_run_put(st, &run, e));
    work w = {.st = st, .cfg = cfg, .pg = pg, .phases = wr_phases_begin()};
    wr_status s = score(out, &w, &run, e);
    if (s != WR_OK)
        record_failure(st, &run, e);
    return s;
}

wr_loaded wr_run_graph(const wr_assessment *a)
{
    const wr_run *run = wr_assessment_run(a);
    return (wr_loaded){.g = wr_snapshot_acquire(wr_assessment_snapshot(a)),
                       .max_seq = run->max_seq,
                       .unpriced = run->unpriced,
                       .digest = run->graph_digest};
}

/* --- verify ----------------------------------------------------------------------------
 */

typedef struct stored_run {
    wr_run run;
    wr_arena arena;
    bool is_config_kept;
} stored_run;

static wr_status keep_run(void *ctx, const wr_run *run, wr_err *err)
{
    stored_run *k = ctx;
    k->run = *run;
    k->run.detail = (wr_text){0};
    k->run.config = wr_arena_text(&k->arena, run->config);
    return k->run.config.p ? WR_OK : wr_fail(err, WR_ENOMEM, "run configuration");
}

typedef struct comparison {
    const wr_assessment *a;
    wr_verify_report *rep;
    uint32_t next; /* position in a's order that the next row must match */
    double last_score;
    uint32_t last_wallet;
    uint32_t got;
} comparison;

static wr_status compare_row(void *ctx, const wr_score_row *row, wr_err *err)
{
    comparison *c = ctx;
    const wr_assessment *a = c->a;
    (void)err;
    c->got++;
    c->rep->scores_compared++;
    c->last_score = row->score.score;
    c->last_wallet = row->score.wallet_id;
    bool is_same = false;
    if (c->next < a->order_count) {
        wr_vid v = a->order[c->next++];
        is_same = wr_ids_wallet(wr_snapshot_ids(a->g), v) == row->score.wallet_id &&
                  a->score[v] == row->score.score && a->base[v] == row->score.base &&
                  a->level[v] == row->score.level &&
                  a->category[v] == row->score.category;
    }
    c->rep->scores_different += !is_same;
    return WR_OK;
}

static wr_status compare_scores(wr_verify_report *rep, wr_store *st,
                                const wr_assessment *a, wr_err *err)
{
    enum { PAGE = 10000 };
    comparison c = {.a = a, .rep = rep};
    do {
        wr_score_query q = {.run_id = rep->stored.id,
                            .level = -1,
                            .category = -1,
                            .after_score = c.last_score,
                            .after_wallet_id = c.last_wallet,
                            .limit = PAGE};
        c.got = 0;
        WR_TRY(wr_store_scores_top(st, &q, compare_row, &c, err));
    } while (c.got == PAGE);
    uint32_t scored = count_scored(a);
    if (c.next < scored) /* rows that should be there and are not */
        rep->scores_different += scored - c.next;
    return WR_OK;
}

static bool is_same(const wr_digest_hex *a, const wr_digest_hex *b)
{
    return strcmp(a->s, b->s) == 0;
}

/* The model that the settings name, from the registry. */
static wr_status with_named_model(wr_settings **out, wr_settings *named, wr_store *st,
                                  wr_err *err)
{
    WR_AUTO(wr_learned) l = NULL;
    if (!named->model_digest.s[0]) {
        *out = wr_settings_acquire(named);
        return WR_OK;
    }
    WR_TRY(wr_registry_of_digest(&l, st, &named->model_digest, err));
    return wr_settings_with_model(out, named, l, err);
}

/* Recompute what k recorded. */
static wr_status recompute(wr_assessment **out, wr_store *st, const stored_run *k,
                           wr_loaded *graph, const wr_progress *pg, wr_err *err)
{
    if (k->run.status != WR_RUN_COMPLETE || strcmp(k->run.kind, "score") != 0)
        return wr_fail(err, WR_ECONFLICT, "run %s (%s) is %s: it has no scores",
                       k->run.id, k->run.kind, wr_run_status_name(k->run.status));
    WR_AUTO(wr_settings) named = NULL;
    WR_AUTO(wr_settings) cfg = NULL;
    WR_TRY(wr_settings_parse(&named, k->run.config.p, err));
    WR_TRY(with_named_model(&cfg, named, st, err));
    wr_run again = k->run;
    work w = {.st = st, .cfg = cfg, .pg = pg, .phases = wr_phases_begin()};
    return compute(out, &w, graph, &again, err);
}

static wr_status verify(wr_verify_report *out, wr_store *st, stored_run *k,
                        const wr_progress *pg, wr_err *err)
{
    WR_AUTO(wr_assessment) a = NULL;
    wr_loaded graph = {0}; /* from the store: a proof does not rest on a kept one */
    const wr_status s = recompute(&a, st, k, &graph, pg, err);
    wr_loaded_release(&graph);
    WR_TRY(s);
    *out = (wr_verify_report){.stored = k->run, .recomputed = a->run};
    out->stored.config = out->recomputed.config = (wr_text){0};
    out->recomputed.detail = (wr_text){0};
    out->is_graph_same = is_same(&k->run.graph_digest, &a->run.graph_digest);
    out->is_labels_same = is_same(&k->run.labels_digest, &a->run.labels_digest);
    out->is_config_same = is_same(&k->run.config_digest, &a->run.config_digest);
    out->is_output_same = is_same(&k->run.output_digest, &a->run.output_digest);
    return compare_scores(out, st, a, err);
}

wr_status wr_run_verify(wr_verify_report *out, wr_store *st, const char *id,
                        const wr_progress *pg, wr_err *err)
{
    stored_run k = {0};
    wr_arena_init(&k.arena, 0);
    wr_status s = wr_store_run_get(st, id, keep_run, &k, err);
    if (s == WR_OK)
        s = verify(out, st, &k, pg, err);
    wr_arena_release(&k.arena);
    return s;
}

/* --- restore ---------------------------------------------------------------------------
 */

static wr_status restore(wr_assessment **out, wr_store *st, const stored_run *k,
                         wr_loaded *graph, const wr_progress *pg, wr_err *err)
{
    WR_AUTO(wr_assessment) a = NULL;
    WR_TRY(recompute(&a, st, k, graph, pg, err));
    if (!is_same(&k->run.output_digest, &a->run.output_digest))
        return wr_fail(
            err, WR_ECONFLICT,
            "run %s has output %.12s…, this program computes %.12s…: score again",
            k->run.id, k->run.output_digest.s, a->run.output_digest.s);
    a->run.finished_s = k->run.finished_s;
    a->run.status = k->run.status;
    *out = WR_STEAL(a);
    return WR_OK;
}

wr_status wr_run_restore(wr_assessment **out, wr_store *st, const char *id,
                         wr_loaded *graph, const wr_progress *pg, wr_err *err)
{
    stored_run k = {0};
    wr_loaded own = {0};
    wr_arena_init(&k.arena, 0);
    wr_status s = wr_store_run_get(st, id, keep_run, &k, err);
    if (s == WR_OK)
        s = restore(out, st, &k, graph ? graph : &own, pg, err);
    wr_loaded_release(&own);
    wr_arena_release(&k.arena);
    return s;
}
