#include "pipeline/answers/explanation.h"

#include <stdlib.h>

#include "pipeline/answers/explain_int.h"
#include "pipeline/run/assess_int.h"

enum { ITEMS_MAX = 1000 };

static void kv_published(wr_json_out *j, const char *key, double score)
{
    wr_json_key(j, key);
    wr_json_fixed(j, wr_score_publish(score), 2);
}

static const char *category_id(const wr_assessment *a, int category)
{
    return category < 0 ? NULL : a->cfg->taxonomy.category[category].id;
}

/* --- what the score is made of ---------------------------------------------------------
 */

static void put_part(wr_json_out *j, const wr_assessment *a, const wr_reason *r,
                     double points)
{
    wr_json_open(j, '{');
    wr_json_kv_cstr(j, "kind", wr_report_reason_kind(r->kind));
    wr_json_kv_cstr(j, "category_id", category_id(a, r->category));
    wr_json_kv_cstr(j, "typology",
                    r->kind == WR_REASON_TYPOLOGY
                        ? wr_typology_name((wr_typology)r->typology.typology)
                        : NULL);
    wr_json_kv_cstr(j, "direction",
                    r->direction < 0 ? NULL
                                     : wr_direction_name((wr_direction)r->direction));
    wr_json_kv_f64(j, "part", r->part);
    wr_json_kv_f64(j, "points", points);
    wr_json_close(j, '}');
}

/* The floor that lifts the score, if one does. */
static void put_floor(wr_json_out *j, const wr_reason *floor, double base)
{
    wr_json_key(j, "floor");
    if (!floor || floor->part <= base) {
        wr_json_null(j);
        return;
    }
    wr_json_open(j, '{');
    wr_json_kv_cstr(j, "rule_id", floor->rule);
    wr_json_kv_f64(j, "floor", floor->part);
    wr_json_kv_f64(j, "points", 100.0 * (floor->part - base));
    wr_json_close(j, '}');
}

static bool is_part(const wr_reason *r)
{
    return r->part > 0.0 &&
           (r->kind == WR_REASON_EXPOSURE || r->kind == WR_REASON_OWN_LABEL ||
            r->kind == WR_REASON_TYPOLOGY || r->kind == WR_REASON_MODEL);
}

void wr_explain_score_parts(wr_json_out *j, const wr_evidence *e)
{
    wr_reason r[WR_REASONS_MAX];
    const uint32_t count = wr_evidence_reasons(e, r); /* largest part first */
    const wr_reason *floor = NULL;
    double keep = 1.0;
    double base;
    int category;
    const double score = wr_evidence_score(e, &base, &category);
    wr_json_open(j, '{');
    wr_json_key(j, "parts");
    wr_json_open(j, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (r[i].kind == WR_REASON_FLOOR && !floor)
            floor = &r[i];
        if (!is_part(&r[i]))
            continue;
        put_part(j, e->a, &r[i], 100.0 * keep * r[i].part);
        keep *= 1.0 - r[i].part;
    }
    wr_json_close(j, ']');
    wr_json_kv_f64(j, "base", base);
    put_floor(j, floor, base);
    wr_json_kv_f64(j, "rounding", wr_score_publish(score) - 100.0 * score);
    kv_published(j, "score", score);
    wr_json_close(j, '}');
}

/* --- typologies ------------------------------------------------------------------------
 */

typedef struct ranked_hit {
    const wr_typology_hit *hit;
    bool is_root;
} ranked_hit;

/* Hits stand in one array, so their addresses are their order. */
static int by_weight(const void *pa, const void *pb)
{
    const ranked_hit *a = pa;
    const ranked_hit *b = pb;
    if (a->is_root != b->is_root)
        return a->is_root ? -1 : 1;
    if (a->hit->strength > b->hit->strength || a->hit->strength < b->hit->strength)
        return a->hit->strength > b->hit->strength ? -1 : 1;
    return (a->hit > b->hit) - (a->hit < b->hit);
}

static void put_members(wr_json_out *j, const wr_assessment *a, const wr_typology_hit *h,
                        uint32_t items_max)
{
    const wr_vid *member = a->typology.hits.member + h->member;
    wr_json_kv_u64(j, "member_count", h->member_count);
    wr_json_key(j, "members");
    wr_json_open(j, '[');
    for (uint32_t i = 0; i < h->member_count && i < items_max; i++)
        wr_explain_put_id(j, a->g, member[i]);
    wr_json_close(j, ']');
}

static bool is_of(const wr_columns *col, uint32_t at, wr_vid v)
{
    return col->from[at] == v || col->to[at] == v;
}

/* In order of time; when there is no room for all, v's own go before the others. */
static wr_status put_transfers(wr_json_out *j, const wr_assessment *a, wr_vid v,
                               const wr_typology_hit *h, uint32_t items_max, wr_store *st,
                               wr_err *err)
{
    const wr_columns *col = &a->flow.col;
    const uint32_t *edge = a->typology.hits.edge + h->edge;
    uint32_t room[2] = {0, 0}; /* [1] v's own */
    for (uint32_t i = 0; i < h->edge_count; i++)
        room[1] += is_of(col, edge[i], v);
    room[1] = room[1] < items_max ? room[1] : items_max;
    room[0] = items_max - room[1];
    wr_json_kv_u64(j, "transfer_count", h->edge_count);
    wr_json_key(j, "transfers");
    wr_json_open(j, '[');
    for (uint32_t i = 0; i < h->edge_count; i++) {
        uint32_t *left = &room[is_of(col, edge[i], v)];
        if (!*left)
            continue;
        (*left)--;
        WR_TRY(wr_explain_put_step(j, a, edge[i], st, err));
    }
    wr_json_close(j, ']');
    return WR_OK;
}

static wr_status put_hit(wr_json_out *j, const wr_assessment *a, wr_vid v,
                         const wr_typology_hit *h, const wr_explanation_opts *o,
                         wr_store *st, wr_err *err)
{
    wr_json_open(j, '{');
    wr_json_kv_cstr(j, "typology", wr_typology_name((wr_typology)h->typology));
    wr_json_kv_cstr(j, "role", h->root == v ? "root" : "member");
    wr_json_kv_u64(j, "variant", h->variant);
    wr_json_kv_f64(j, "strength", h->strength);
    wr_json_kv_f64(j, "amount", h->amount);
    wr_json_kv_time(j, "first", h->first_s);
    wr_json_kv_time(j, "last", h->last_s);
    wr_json_kv_bool(j, "is_partial", h->is_partial);
    wr_json_kv_bool(j, "is_hub_truncated", h->is_hub_truncated);
    put_members(j, a, h, o->items_max);
    WR_TRY(put_transfers(j, a, v, h, o->items_max, st, err));
    wr_json_close(j, '}');
    return WR_OK;
}

static wr_status put_transfer(void *ctx, const wr_transfer_row *row, wr_err *err)
{
    (void)err;
    wr_report_transfer(ctx, row);
    return WR_OK;
}

/* What the live state has met since the run, each with the newest of its transfers. */
static wr_status put_live(wr_json_out *j, const wr_typologies_now *now, wr_store *st,
                          wr_err *err)
{
    wr_json_key(j, "live");
    wr_json_open(j, '[');
    for (uint32_t i = 0; i < now->count; i++) {
        const wr_typology_now *f = &now->found[i];
        wr_json_open(j, '{');
        wr_json_key(j, "found");
        wr_report_typology(j, &f->reason);
        wr_json_key(j, "newest");
        wr_json_open(j, '[');
        for (int k = 0; st && k < WR_TYPOLOGY_SEQS && f->seq[k]; k++)
            WR_TRY(wr_store_transfer_get(st, f->seq[k], put_transfer, j, err));
        wr_json_close(j, ']');
        wr_json_close(j, '}');
    }
    wr_json_close(j, ']');
    return WR_OK;
}

static wr_status put_typologies(wr_json_out *j, const wr_evidence *e,
                                const wr_explanation_opts *o, wr_store *st, wr_err *err)
{
    const wr_assessment *a = e->a;
    const wr_vid v = e->v;
    uint32_t count;
    const uint32_t *hit = wr_assessment_hits_of(a, v, &count);
    WR_AUTO_ARRAY ranked_hit *r = wr_calloc(count, sizeof *r);
    if (!r)
        return wr_fail(err, WR_ENOMEM, "%u typology hits", count);
    for (uint32_t i = 0; i < count; i++) {
        const wr_typology_hit *h = &a->typology.hits.hit[hit[i]];
        r[i] = (ranked_hit){.hit = h, .is_root = h->root == v};
    }
    qsort(r, count, sizeof *r, by_weight);
    wr_json_open(j, '{');
    wr_json_kv_time(j, "from", wr_assessment_typologies_from(a));
    wr_json_kv_u64(j, "hit_count", count);
    wr_json_key(j, "hits");
    wr_json_open(j, '[');
    for (uint32_t i = 0; i < count && i < o->hits_max; i++)
        WR_TRY(put_hit(j, a, v, r[i].hit, o, st, err));
    wr_json_close(j, ']');
    WR_TRY(put_live(j, &e->live.typologies, st, err));
    wr_json_close(j, '}');
    return WR_OK;
}

/* --- counterfactuals -------------------------------------------------------------------
 */

/* score and base of that world; null when nobody has computed its ledgers */
static void put_score(wr_json_out *j, const wr_evidence *e /* or NULL */)
{
    double base = 0.0;
    int category;
    if (e) {
        kv_published(j, "score", wr_evidence_score(e, &base, &category));
        wr_json_kv_f64(j, "base", base);
        return;
    }
    wr_json_key(j, "score");
    wr_json_null(j);
    wr_json_key(j, "base");
    wr_json_null(j);
}

static wr_status put_without(wr_json_out *j, const wr_assessment *a, wr_vid v,
                             const wr_origin *from, uint64_t transfers_max, wr_err *err)
{
    wr_what_if_opts o = WR_WHAT_IF_OPTS_INIT;
    o.without = from->source;
    o.transfers_max = transfers_max;
    WR_AUTO(wr_what_if) w = NULL;
    WR_TRY(wr_what_if_new(&w, a, &o, err));
    const bool is_certified = wr_what_if_has_ledgers(w);
    wr_evidence e;
    if (is_certified)
        wr_what_if_evidence(&e, w, v);
    wr_json_open(j, '{');
    wr_explain_kv_id(j, "id", a->g, from->source);
    wr_json_kv_cstr(j, "category_id", category_id(a, from->category));
    wr_json_kv_bool(j, "is_own", from->source == v);
    wr_json_kv_f64(j, "value", from->value);
    put_score(j, is_certified ? &e : NULL);
    wr_json_kv_bool(j, "is_certified", is_certified);
    wr_json_key(j, "static_interval");
    wr_json_open(j, '[');
    for (int d = 0; d < WR_DIRECTIONS; d++) {
        wr_push_result r;
        WR_TRY(wr_what_if_push(&r, w, v, (wr_direction)d, err));
        wr_explain_put_interval(j, a, &r, (wr_direction)d);
    }
    wr_json_close(j, ']');
    wr_json_close(j, '}');
    return WR_OK;
}

/* Its own label first, then the wallets that most of what it received came from. */
static wr_status put_without_labels(wr_json_out *j, const wr_assessment *a, wr_vid v,
                                    const wr_explanation_opts *opts, wr_err *err)
{
    wr_origin from[WR_ORIGINS_MAX + 1];
    double other;
    uint32_t count = 0;
    uint32_t shown = 0;
    const int own = a->labels.seeds.category[v];
    if (own >= 0)
        from[count++] =
            (wr_origin){.source = v, .category = wr_assess_category(a, (uint32_t)own)};
    count += wr_assessment_origins(a, v, from + count, &other);
    for (uint32_t i = 0; i < count && shown < opts->labels_max; i++) {
        if (from[i].category < 0 || (i > 0 && from[i].source == v))
            continue;
        WR_TRY(put_without(j, a, v, &from[i], opts->transfers_max, err));
        shown++;
    }
    return WR_OK;
}

static double share_of(double part, double total)
{
    const double s = total > 0.0 ? part / total : 0.0;
    return s < 1.0 ? s : 1.0;
}

static void put_ledger_exposures(wr_json_out *j, const wr_evidence *e)
{
    wr_json_key(j, "exposures");
    wr_json_open(j, '[');
    for (uint32_t k = 0; k < e->c; k++)
        for (int d = 0; d < WR_DIRECTIONS; d++) {
            const wr_ledger_view *l = &e->ledger[d];
            if (!(l->received[k] > 0.0))
                continue;
            wr_json_open(j, '{');
            wr_json_kv_cstr(j, "category_id", category_id(e->a, e->column[k]));
            wr_json_kv_cstr(j, "direction", wr_direction_name((wr_direction)d));
            wr_json_kv_f64(j, "value", l->received[k]);
            wr_json_kv_f64(j, "direct_value", l->direct[k]);
            wr_json_kv_f64(j, "share", share_of(l->received[k], l->total));
            wr_json_close(j, '}');
        }
    wr_json_close(j, ']');
}

/* Members but time and state, when there is nothing to tell. */
static void put_nothing(wr_json_out *j)
{
    put_score(j, NULL);
    wr_json_kv_f64(j, "received", 0.0);
    wr_json_kv_f64(j, "sent", 0.0);
    wr_json_key(j, "exposures");
    wr_json_open(j, '[');
    wr_json_close(j, ']');
}

static wr_status put_as_of(wr_json_out *j, const wr_assessment *a, wr_vid v,
                           const wr_explanation_opts *opts, wr_err *err)
{
    if (opts->as_of_s == WR_TIME_NONE) {
        wr_json_null(j);
        return WR_OK;
    }
    const wr_activity act = wr_assess_activity(a->g, v);
    wr_what_if_opts o = WR_WHAT_IF_OPTS_INIT;
    o.as_of_s = opts->as_of_s;
    o.transfers_max = opts->transfers_max;
    WR_AUTO(wr_what_if) w = NULL;
    WR_TRY(wr_what_if_new(&w, a, &o, err));
    const bool is_there = act.first_s <= o.as_of_s;
    const bool is_known = is_there && wr_what_if_has_ledgers(w);
    wr_json_open(j, '{');
    wr_json_kv_time(j, "time", o.as_of_s);
    wr_json_kv_cstr(j, "state",
                    is_known   ? "scored"
                    : is_there ? "too_large"
                               : "not_in_graph");
    if (is_known) {
        wr_evidence e;
        wr_what_if_evidence(&e, w, v);
        put_score(j, &e);
        wr_json_kv_f64(j, "received", e.ledger[WR_RECEIVING].total);
        wr_json_kv_f64(j, "sent", e.ledger[WR_SENDING].total);
        put_ledger_exposures(j, &e);
    } else {
        put_nothing(j);
    }
    wr_json_close(j, '}');
    return WR_OK;
}

static wr_status put_counterfactuals(wr_json_out *j, const wr_assessment *a, wr_vid v,
                                     const wr_explanation_opts *o, wr_err *err)
{
    wr_evidence run;
    wr_evidence_of_run(&run, a, v);
    run.is_by_rules = true; /* like the other worlds */
    wr_json_open(j, '{');
    wr_json_kv_cstr(j, "run_id", a->run.id);
    put_score(j, &run);
    wr_json_key(j, "without_label");
    wr_json_open(j, '[');
    WR_TRY(put_without_labels(j, a, v, o, err));
    wr_json_close(j, ']');
    wr_json_key(j, "as_of");
    WR_TRY(put_as_of(j, a, v, o, err));
    wr_json_close(j, '}');
    return WR_OK;
}

/* --- all of it -------------------------------------------------------------------------
 */

static wr_status check(const wr_evidence *e, const wr_explanation_opts *o, wr_err *err)
{
    if (e->v == WR_VID_NONE)
        return wr_fail(err, WR_EINVAL, "the wallet is not in the run's graph");
    if (o->hits_max > WR_EXPLANATION_HITS_MAX)
        return wr_fail(err, WR_EINVAL, "hits_max %u not in 0..%d", o->hits_max,
                       WR_EXPLANATION_HITS_MAX);
    if (o->items_max < 1 || o->items_max > ITEMS_MAX)
        return wr_fail(err, WR_EINVAL, "items_max %u not in 1..%d", o->items_max,
                       ITEMS_MAX);
    if (o->labels_max > WR_EXPLANATION_LABELS_MAX)
        return wr_fail(err, WR_EINVAL, "labels_max %u not in 0..%d", o->labels_max,
                       WR_EXPLANATION_LABELS_MAX);
    return WR_OK;
}

static wr_status put_paths(wr_json_out *j, const wr_evidence *e,
                           const wr_explanation_opts *o, wr_store *st, wr_err *err)
{
    static const char *const key[WR_DIRECTIONS] = {"received_paths", "sent_paths"};
    wr_explain_opts p = WR_EXPLAIN_OPTS_INIT;
    p.paths_max = o->paths_max;
    p.hops_max = o->hops_max;
    for (int d = 0; d < WR_DIRECTIONS; d++) {
        p.direction = (wr_direction)d;
        wr_json_key(j, key[d]);
        WR_TRY(wr_explain_paths(j, e->a, e->v, &p, st, err));
    }
    return WR_OK;
}

wr_status wr_explain_evidence(wr_json_out *j, const wr_evidence *e,
                              const wr_explanation_opts *o, wr_store *st, wr_err *err)
{
    const wr_assessment *a = e->a;
    WR_TRY(check(e, o, err));
    wr_json_key(j, "wallet");
    wr_report_wallet(j, e);
    wr_json_key(j, "score_parts");
    wr_explain_score_parts(j, e);
    wr_json_key(j, "typologies");
    WR_TRY(put_typologies(j, e, o, st, err));
    wr_json_key(j, "static_interval");
    WR_TRY(wr_explain_push(j, a, a->g, e->v, err));
    return put_paths(j, e, o, st, err);
}

wr_status wr_explain_otherwise(wr_json_out *j, const wr_evidence *e,
                               const wr_explanation_opts *o, wr_err *err)
{
    WR_TRY(check(e, o, err));
    wr_json_key(j, "counterfactuals");
    WR_TRY(put_counterfactuals(j, e->a, e->v, o, err));
    wr_json_key(j, "model");
    return wr_explain_model(j, e->a, e->v, err);
}

wr_status wr_explain_wallet(wr_json_out *j, const wr_evidence *e,
                            const wr_explanation_opts *o, wr_store *st, wr_err *err)
{
    wr_json_open(j, '{');
    WR_TRY(wr_explain_evidence(j, e, o, st, err));
    WR_TRY(wr_explain_otherwise(j, e, o, err));
    wr_json_close(j, '}');
    return WR_OK;
}
