#include "pipeline/answers/explain.h"

#include "pipeline/answers/explain_int.h"
#include "pipeline/run/assess_int.h"
#include "scoring/contact.h"
#include "scoring/paths.h"
#include "scoring/push.h"
#include "util/clock.h"

void wr_explain_put_id(wr_json_out *j, const wr_snapshot *g, wr_vid v)
{
    const wr_ids *ids = wr_snapshot_ids(g);
    char id[WR_CAIP10_MAX + 1];
    wr_address_caip10(id, wr_ids_chain(ids, v), wr_ids_address(ids, v));
    wr_json_cstr(j, id);
}

void wr_explain_kv_id(wr_json_out *j, const char *key, const wr_snapshot *g, wr_vid v)
{
    wr_json_key(j, key);
    wr_explain_put_id(j, g, v);
}

/* --- paths -----------------------------------------------------------------------------
 */

static wr_status put_hash(void *ctx, const wr_transfer_row *row, wr_err *err)
{
    (void)err;
    wr_json_kv_text(ctx, "tx_hash", row->transfer.tx_hash);
    wr_json_kv_u64(ctx, "position", row->transfer.position);
    return WR_OK;
}

wr_status wr_explain_put_step(wr_json_out *j, const wr_assessment *a, uint32_t at,
                              wr_store *st, wr_err *err)
{
    const wr_columns *col = &a->flow.col;
    const int64_t seq = wr_columns_seq(col, at);
    wr_json_open(j, '{');
    wr_explain_kv_id(j, "from", a->g, col->from[at]);
    wr_explain_kv_id(j, "to", a->g, col->to[at]);
    wr_json_kv_time(j, "time", col->time_s[at]);
    wr_json_kv_f64(j, "value", col->value[at]);
    wr_json_kv_i64(j, "seq", seq);
    if (st)
        WR_TRY(wr_store_transfer_get(st, seq, put_hash, j, err));
    wr_json_close(j, '}');
    return WR_OK;
}

static wr_status put_steps(wr_json_out *j, const wr_assessment *a, const uint32_t *step,
                           uint32_t count, wr_store *st, wr_err *err)
{
    wr_json_key(j, "steps");
    wr_json_open(j, '[');
    for (uint32_t i = 0; i < count; i++)
        WR_TRY(wr_explain_put_step(j, a, step[i], st, err));
    wr_json_close(j, ']');
    return WR_OK;
}

static void kv_category(wr_json_out *j, const wr_assessment *a, uint32_t column)
{
    wr_json_kv_cstr(j, "category_id",
                    a->cfg->taxonomy.category[wr_assess_category(a, column)].id);
}

static wr_status put_path(wr_json_out *j, const wr_assessment *a, const wr_path *p,
                          double exposed, wr_store *st, wr_err *err)
{
    wr_json_open(j, '{');
    kv_category(j, a, (uint32_t)p->category);
    wr_explain_kv_id(j, "source", a->g, p->source);
    wr_json_kv_f64(j, "value", p->mass);
    wr_json_kv_f64(j, "share", exposed > 0.0 ? p->mass / exposed : 0.0);
    wr_json_kv_u64(j, "hops", p->hops);
    WR_TRY(put_steps(j, a, p->step, p->step_count, st, err));
    wr_json_close(j, '}');
    return WR_OK;
}

/* Column of a taxonomy category; -1 when no wallet of the graph carries it. */
static int column_of(const wr_assessment *a, int category)
{
    for (uint32_t k = 0; k < a->c; k++)
        if (wr_assess_category(a, k) == category)
            return (int)k;
    return -1;
}

/* What the ledger says v received (sent) of column k; k -1: all illicit and risky ones.
 */
static double exposed_value(const wr_assessment *a, wr_vid v, wr_direction d, int k)
{
    const wr_ledger_view l = wr_ledger_at(&a->ledger[d], v);
    if (k >= 0)
        return l.received[k];
    double sum = 0.0;
    for (uint32_t c = 0; c < a->c; c++)
        if (a->labels.seeds.kind[c] != WR_CATEGORY_SERVICE)
            sum += l.received[c];
    return sum;
}

/* Poison reaches v, and the ledger carried nothing there: a walk is all there is. */
static bool is_contact_only(const wr_assessment *a, wr_vid v, wr_direction d, uint32_t k)
{
    return a->labels.seeds.kind[k] != WR_CATEGORY_SERVICE &&
           a->poison[d].hops[(size_t)v * a->c + k] != WR_POISON_NONE &&
           !(wr_ledger_at(&a->ledger[d], v).received[k] > 0.0);
}

static wr_status put_contact(wr_json_out *j, const wr_assessment *a, wr_vid v,
                             wr_direction d, uint32_t k, wr_store *st, wr_err *err)
{
    wr_contact_opts o = WR_CONTACT_OPTS_INIT;
    o.poison = &a->poison[d];
    o.category = (int)k;
    WR_CONTACT_AUTO wr_contact x = {0};
    WR_TRY(wr_contact_find(&x, &a->flow, v, &o, err));
    wr_json_open(j, '{');
    kv_category(j, a, k);
    if (x.step_count) {
        wr_explain_kv_id(j, "source", a->g, x.source);
    } else { /* the budget ended before a labelled wallet was met */
        wr_json_key(j, "source");
        wr_json_null(j);
    }
    wr_json_kv_u64(j, "hops", a->poison[d].hops[(size_t)v * a->c + k]);
    wr_json_kv_f64(j, "bottleneck_value", x.bottleneck);
    wr_json_kv_bool(j, "is_truncated", x.is_truncated);
    WR_TRY(put_steps(j, a, x.step, x.step_count, st, err));
    wr_json_close(j, '}');
    return WR_OK;
}

/* k -1: of all categories. */
static wr_status put_contacts(wr_json_out *j, const wr_assessment *a, wr_vid v,
                              wr_direction d, int k, wr_store *st, wr_err *err)
{
    const uint32_t first = k < 0 ? 0 : (uint32_t)k, end = k < 0 ? a->c : first + 1;
    for (uint32_t i = first; i < end; i++)
        if (is_contact_only(a, v, d, i))
            WR_TRY(put_contact(j, a, v, d, i, st, err));
    return WR_OK;
}

static wr_status put_paths(wr_json_out *j, const wr_assessment *a, const wr_paths *p,
                           wr_store *st, wr_err *err)
{
    wr_json_kv_f64(j, "exposed_value", p->exposed > 0.0 ? p->exposed : 0.0);
    wr_json_kv_f64(j, "explained_value", p->explained);
    wr_json_kv_f64(j, "residual_value", p->residual > 0.0 ? p->residual : 0.0);
    wr_json_kv_bool(j, "is_truncated", p->is_truncated);
    wr_json_key(j, "paths");
    wr_json_open(j, '[');
    for (uint32_t i = 0; i < p->count; i++)
        WR_TRY(put_path(j, a, &p->path[i], p->exposed, st, err));
    wr_json_close(j, ']');
    return WR_OK;
}

static wr_status check(const wr_assessment *a, wr_vid v, const wr_explain_opts *o,
                       wr_err *err)
{
    if (v >= a->n)
        return wr_fail(err, WR_EINVAL, "vertex %u of %u", v, a->n);
    if (o->paths_max < 1 || o->paths_max > WR_PATHS_MAX)
        return wr_fail(err, WR_EINVAL, "paths_max %u not in 1..%d", o->paths_max,
                       WR_PATHS_MAX);
    if (o->hops_max < 1 || o->hops_max > WR_PATHS_HOPS_MAX)
        return wr_fail(err, WR_EINVAL, "hops_max %u not in 1..%d", o->hops_max,
                       WR_PATHS_HOPS_MAX);
    return WR_OK;
}

wr_status wr_explain_paths(wr_json_out *j, const wr_assessment *a, wr_vid v,
                           const wr_explain_opts *o, wr_store *st, wr_err *err)
{
    WR_TRY(check(a, v, o, err));
    WR_PATHS_AUTO wr_paths found = {0};
    const int k = o->category < 0 ? -1 : column_of(a, o->category);
    const bool is_carried = o->category < 0 || k >= 0; /* by a wallet of the graph */
    if (is_carried) {
        wr_paths_opts po = WR_PATHS_OPTS_INIT;
        po.direction = o->direction;
        po.category = k;
        po.paths_max = o->paths_max;
        po.hops_max = o->hops_max;
        po.mark = a->mark[o->direction];
        po.exposed = exposed_value(a, v, o->direction, k);
        WR_TRY(wr_paths_find(&found, &a->flow, v, &po, err));
    }
    wr_json_open(j, '{');
    wr_explain_kv_id(j, "id", a->g, v);
    wr_json_kv_cstr(j, "direction", wr_direction_name(o->direction));
    wr_json_kv_cstr(j, "run_id", a->run.id);
    WR_TRY(put_paths(j, a, &found, st, err));
    wr_json_key(j, "contacts");
    wr_json_open(j, '[');
    if (is_carried)
        WR_TRY(put_contacts(j, a, v, o->direction, k, st, err));
    wr_json_close(j, ']');
    wr_json_close(j, '}');
    return WR_OK;
}

/* --- push ------------------------------------------------------------------------------
 */

void wr_explain_put_interval(wr_json_out *j, const wr_assessment *a,
                             const wr_push_result *r, wr_direction d)
{
    for (uint32_t k = 0; k < r->c; k++) {
        wr_json_open(j, '{');
        kv_category(j, a, k);
        wr_json_kv_cstr(j, "direction", wr_direction_name(d));
        wr_json_kv_f64(j, "low", r->low[k]);
        wr_json_kv_f64(j, "high", r->high[k]);
        wr_json_kv_bool(j, "is_truncated", r->is_truncated);
        wr_json_close(j, '}');
    }
}

/* Neighbours of v in g that the run's graph knows, as pairs beside that graph. */
static wr_status gather_pairs(wr_push_pair **out, uint32_t *count, const wr_assessment *a,
                              const wr_snapshot *g, wr_vid v, wr_direction d, wr_err *err)
{
    const wr_pairs p =
        d == WR_RECEIVING ? wr_snapshot_pairs_in(g) : wr_snapshot_pairs_out(g);
    const wr_ids *ids = wr_snapshot_ids(g);
    const uint64_t degree = p.off[v + 1ULL] - p.off[v];
    WR_AUTO_ARRAY wr_push_pair *pair = wr_calloc(degree, sizeof *pair);
    if (!pair)
        return wr_fail(err, WR_ENOMEM, "%llu neighbours", (unsigned long long)degree);
    *count = 0;
    for (uint64_t i = p.off[v]; i < p.off[v + 1ULL]; i++) {
        const wr_vid nbr =
            wr_ids_vertex(wr_snapshot_ids(a->g), wr_ids_chain(ids, p.nbr[i]),
                          wr_ids_address(ids, p.nbr[i]));
        if (nbr == WR_VID_NONE || !(p.value[i] > 0.0f))
            continue;
        const uint64_t id = wr_pairs_id(&p, v, i);
        pair[(*count)++] = (wr_push_pair){.nbr = nbr,
                                          .value = (double)p.value[i],
                                          .first_s = p.first_s[id],
                                          .last_s = wr_pairs_last_s(&p, id)};
    }
    *out = WR_STEAL(pair);
    return WR_OK;
}

static wr_status push_one(wr_push_result *r, const wr_assessment *a, const wr_snapshot *g,
                          wr_vid v, wr_direction d, wr_err *err)
{
    const wr_views vw = wr_views_of(a->g);
    const wr_ids *ids = wr_snapshot_ids(g);
    wr_push_opts o = WR_PUSH_OPTS_INIT;
    o.direction = d;
    o.damping = a->cfg->opts.gamma;
    o.hold_s = a->hold_s[d];
    o.is_label_seen_past = true;
    wr_vid own = g == a->g ? v
                           : wr_ids_vertex(wr_snapshot_ids(a->g), wr_ids_chain(ids, v),
                                           wr_ids_address(ids, v));
    WR_AUTO_ARRAY wr_push_pair *extra = NULL;
    if (own == WR_VID_NONE)
        WR_TRY(gather_pairs(&extra, &o.extra_count, a, g, v, d, err));
    o.extra = extra;
    return wr_push(r, &vw, &a->labels.seeds, own, &o, err);
}

wr_status wr_explain_push(wr_json_out *j, const wr_assessment *a, const wr_snapshot *g,
                          wr_vid v, wr_err *err)
{
    wr_json_open(j, '[');
    for (int d = 0; d < WR_DIRECTIONS; d++) {
        wr_push_result r;
        WR_TRY(push_one(&r, a, g, v, (wr_direction)d, err));
        wr_explain_put_interval(j, a, &r, (wr_direction)d);
    }
    wr_json_close(j, ']');
    return WR_OK;
}
