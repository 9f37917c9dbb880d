#include "pipeline/run/report.h"

#include "util/clock.h"

static const char *category_id(const wr_assessment *a, int c)
{
    return c < 0 ? NULL : wr_assessment_settings(a)->taxonomy.category[c].id;
}

static void kv_score(wr_json_out *j, const char *key, double score)
{
    wr_json_key(j, key);
    wr_json_fixed(j, wr_score_publish(score), 2);
}

/* CAIP-10 */
static void kv_id(wr_json_out *j, const char *key, const wr_chain *chain, wr_text address)
{
    char id[WR_CAIP10_MAX + 1];
    wr_address_caip10(id, chain, address);
    wr_json_kv_cstr(j, key, id);
}

/* id, chain, address */
static void put_identity(wr_json_out *j, const wr_chain *chain, wr_text address)
{
    kv_id(j, "id", chain, address);
    wr_json_kv_cstr(j, "chain", chain->id);
    wr_json_kv_text(j, "address", address);
}

static void put_vertex_identity(wr_json_out *j, const wr_assessment *a, wr_vid v)
{
    const wr_ids *ids = wr_snapshot_ids(wr_assessment_snapshot(a));
    put_identity(j, wr_ids_chain(ids, v), wr_ids_address(ids, v));
}

/* run_id, as_of, digests, model: what the numbers of an answer stand on */
static void put_provenance(wr_json_out *j, const wr_assessment *a)
{
    const wr_run *r = wr_assessment_run(a);
    wr_json_kv_cstr(j, "run_id", r->id);
    wr_json_kv_time_or(j, "as_of", r->as_of_s, 0);
    wr_json_kv_cstr(j, "graph_digest", r->graph_digest.s);
    wr_json_kv_cstr(j, "labels_digest", r->labels_digest.s);
    wr_json_kv_cstr(j, "config_digest", r->config_digest.s);
    const wr_learned *model = wr_assessment_settings(a)->model;
    wr_json_kv_cstr(j, "model",
                    model ? wr_learned_id(model)
                          : "none: rule of shares and policy floors");
}

void wr_report_exposures(wr_json_out *j, const wr_evidence *ev)
{
    const wr_taxonomy *tx = &wr_assessment_settings(ev->a)->taxonomy;
    wr_exposure e[WR_EXPOSURES_MAX];
    const uint32_t count = wr_evidence_exposures(ev, e);
    wr_json_open(j, '[');
    for (uint32_t i = 0; i < count; i++) {
        const wr_category *c = &tx->category[e[i].category];
        wr_json_open(j, '{');
        wr_json_kv_cstr(j, "category_id", c->id);
        wr_json_kv_cstr(j, "category", c->name);
        wr_json_kv_cstr(j, "direction", wr_direction_name((wr_direction)e[i].direction));
        wr_json_kv_f64(j, "direct_value", e[i].direct_value);
        wr_json_kv_f64(j, "indirect_value", e[i].indirect_value);
        wr_json_kv_f64(j, "total_value", e[i].total_value);
        wr_json_kv_f64(j, "direct_share", e[i].direct_share);
        wr_json_kv_f64(j, "indirect_share", e[i].indirect_share);
        wr_json_kv_f64(j, "holdings_share", e[i].holdings_share);
        wr_json_kv_f64(j, "static_share", e[i].static_share);
        wr_json_kv_f64(j, "static_known_share", e[i].static_known_share);
        wr_json_kv_u64(j, "min_hops", (uint64_t)e[i].min_hops);
        wr_json_key(j, "mean_hops");
        wr_json_fixed(j, (double)e[i].mean_hops, 2);
        wr_json_close(j, '}');
    }
    wr_json_close(j, ']');
}

const char *wr_report_reason_kind(wr_reason_kind k)
{
    switch (k) {
    case WR_REASON_EXPOSURE:
        return "exposure";
    case WR_REASON_FLOOR:
        return "policy_floor";
    case WR_REASON_OWN_LABEL:
        return "own_label";
    case WR_REASON_TYPOLOGY:
        return "typology";
    case WR_REASON_MODEL:
        return "model";
    case WR_REASON_ASSOCIATION:
        return "association";
    case WR_REASON_UNKNOWN_ORIGIN:
        return "unknown_origin";
    case WR_REASON_UNPRICED:
        return "unpriced";
    }
    return "unknown";
}

void wr_report_typology(wr_json_out *j, const wr_reason_typology *t)
{
    wr_json_open(j, '{');
    wr_json_kv_cstr(j, "typology", wr_typology_name((wr_typology)t->typology));
    wr_json_kv_cstr(j, "role", t->is_root ? "root" : "member");
    wr_json_kv_u64(j, "hits", t->hits);
    wr_json_kv_f64(j, "strength", t->strength);
    wr_json_kv_u64(j, "transfers", t->transfers);
    wr_json_kv_f64(j, "amount", t->amount);
    wr_json_kv_time_or(j, "first", t->first_s, 0);
    wr_json_kv_time_or(j, "last", t->last_s, 0);
    wr_json_kv_bool(j, "is_partial", t->is_partial);
    wr_json_close(j, '}');
}

static void put_reason_typology(wr_json_out *j, const wr_reason *r)
{
    wr_json_key(j, "typology");
    if (r->kind == WR_REASON_TYPOLOGY)
        wr_report_typology(j, &r->typology);
    else
        wr_json_null(j);
}

static void put_reason(wr_json_out *j, const wr_assessment *a, const wr_reason *r)
{
    wr_buf text;
    wr_buf_init(&text, 1024);
    wr_report_reason_text(&text, a, r);
    wr_json_open(j, '{');
    wr_json_kv_cstr(j, "kind", wr_report_reason_kind(r->kind));
    wr_json_kv_cstr(j, "category_id", category_id(a, r->category));
    wr_json_kv_cstr(j, "direction",
                    r->direction < 0 ? NULL
                                     : wr_direction_name((wr_direction)r->direction));
    wr_json_kv_cstr(j, "rule_id", r->rule[0] ? r->rule : NULL);
    kv_score(j, "part", r->part);
    wr_json_kv_f64(j, "share", r->share);
    wr_json_kv_f64(j, "value", r->value);
    wr_json_kv_f64(j, "direct_value", r->direct_value);
    put_reason_typology(j, r);
    wr_json_kv_cstr(j, "message", wr_buf_cstr(&text));
    wr_json_close(j, '}');
    wr_buf_release(&text);
}

void wr_report_reasons(wr_json_out *j, const wr_evidence *e)
{
    wr_reason r[WR_REASONS_MAX];
    const uint32_t count = wr_evidence_reasons(e, r);
    wr_json_open(j, '[');
    for (uint32_t i = 0; i < count; i++)
        put_reason(j, e->a, &r[i]);
    wr_json_close(j, ']');
}

static void put_typology_text(wr_buf *out, const wr_reason_typology *t)
{
    char first[WR_RFC3339_MAX];
    char last[WR_RFC3339_MAX];
    wr_time_format(first, t->first_s);
    wr_time_format(last, t->last_s);
    wr_buf_addf(
        out, "pattern %s, as its %s: %u transfers of %.6g, %s to %s, strength %.2f",
        wr_typology_name((wr_typology)t->typology), t->is_root ? "root" : "member",
        t->transfers, t->amount, first, last, t->strength);
    if (t->hits > 1)
        wr_buf_addf(out, ", the strongest of %u", t->hits);
    if (t->is_partial)
        wr_buf_adds(out, " (the search was cut)");
}

void wr_report_reason_text(wr_buf *out, const wr_assessment *a, const wr_reason *r)
{
    const wr_taxonomy *tx = &wr_assessment_settings(a)->taxonomy;
    const char *name = r->category < 0 ? "" : tx->category[r->category].name;
    const char *way = r->direction == WR_SENDING ? "sent to" : "received from";
    const double percent = r->share * 100.0;
    switch (r->kind) {
    case WR_REASON_EXPOSURE:
        wr_buf_addf(out, "%s %s: %.6g (%.4g %% of all), %.4g %% of it directly", way,
                    name, r->value, percent,
                    r->value > 0.0 ? r->direct_value / r->value * 100.0 : 0.0);
        break;
    case WR_REASON_FLOOR:
        if (r->direction < 0)
            wr_buf_addf(out, "policy floor %s: the wallet itself is labelled %s", r->rule,
                        name);
        else
            wr_buf_addf(out, "policy floor %s: %s its categories %.6g (%.4g %%)", r->rule,
                        way, r->value, percent);
        break;
    case WR_REASON_OWN_LABEL:
        wr_buf_addf(out, "labelled %s itself, confidence %.4g %%", name, percent);
        break;
    case WR_REASON_TYPOLOGY:
        put_typology_text(out, &r->typology);
        break;
    case WR_REASON_MODEL:
        wr_buf_addf(out, "model %s: probability %.4g %% of being illicit", r->rule,
                    percent);
        break;
    case WR_REASON_ASSOCIATION:
        wr_buf_addf(out,
                    "hint: close to labelled wallets in the graph (association %.3f)",
                    r->share);
        break;
    case WR_REASON_UNKNOWN_ORIGIN:
        wr_buf_addf(out, "%.4g %% of what it received has no known origin in the data",
                    percent);
        break;
    case WR_REASON_UNPRICED:
        wr_buf_addf(out, "%.4g %% of its transfers have no price", percent);
        break;
    }
}

/* score, level, category, state, is_labelled */
static void put_verdict(wr_json_out *j, const wr_assessment *a, const wr_wallet_view *w)
{
    wr_json_kv_cstr(j, "state", wr_state_name(w->state));
    kv_score(j, "score", w->score);
    wr_json_kv_cstr(j, "level", wr_level_name(w->level));
    wr_json_kv_cstr(j, "category", category_id(a, w->category));
    wr_json_kv_bool(j, "is_labelled", w->own_category >= 0);
}

void wr_report_wallet_short(wr_json_out *j, const wr_evidence *e)
{
    wr_wallet_view w;
    wr_evidence_wallet(e, &w);
    wr_json_open(j, '{');
    put_identity(j, e->chain, e->address);
    put_verdict(j, e->a, &w);
    wr_json_key(j, "reasons");
    wr_report_reasons(j, e);
    wr_json_close(j, '}');
}

static void put_own_label(wr_json_out *j, const wr_assessment *a, const wr_wallet_view *w)
{
    wr_json_key(j, "own_label");
    if (w->own_category < 0) {
        wr_json_null(j);
        return;
    }
    wr_json_open(j, '{');
    wr_json_kv_cstr(j, "category_id", category_id(a, w->own_category));
    wr_json_kv_u64(j, "confidence", (uint64_t)(w->own_confidence * 100.0 + 0.5));
    wr_json_close(j, '}');
}

static void put_origins(wr_json_out *j, const wr_assessment *a, wr_vid v)
{
    wr_origin o[WR_ORIGINS_MAX];
    double other = 0.0;
    const uint32_t count = v == WR_VID_NONE ? 0 : wr_assessment_origins(a, v, o, &other);
    wr_json_key(j, "origins");
    wr_json_open(j, '{');
    wr_json_key(j, "sources");
    wr_json_open(j, '[');
    for (uint32_t i = 0; i < count; i++) {
        wr_json_open(j, '{');
        put_vertex_identity(j, a, o[i].source);
        wr_json_kv_cstr(j, "category_id", category_id(a, o[i].category));
        wr_json_kv_f64(j, "value", o[i].value);
        wr_json_close(j, '}');
    }
    wr_json_close(j, ']');
    wr_json_kv_f64(j, "other_value", other);
    wr_json_close(j, '}');
}

/* null: no patterns are followed */
static void put_live_typologies(wr_json_out *j, const wr_typologies_now *t)
{
    wr_json_key(j, "typologies");
    if (!t->is_followed) {
        wr_json_null(j);
        return;
    }
    wr_json_open(j, '{');
    wr_json_kv_time(j, "from", t->from_s);
    wr_json_kv_bool(j, "is_complete", t->is_complete);
    wr_json_kv_u64(j, "late_transfers", t->late);
    wr_json_key(j, "found");
    wr_json_open(j, '[');
    for (uint32_t i = 0; i < t->count; i++)
        wr_report_typology(j, &t->found[i].reason);
    wr_json_close(j, ']');
    wr_json_close(j, '}');
}

static void put_live(wr_json_out *j, const wr_live_note *n)
{
    wr_json_key(j, "live");
    wr_json_open(j, '{');
    wr_json_kv_i64(j, "seq", n->seq);
    wr_json_kv_bool(j, "has_newer_transfers", n->is_live);
    wr_json_kv_bool(j, "is_exact", n->is_exact);
    wr_json_kv_cstr(j, "sending", n->has_paid_since ? "run_and_direct_since" : "run");
    put_live_typologies(j, &n->typologies);
    wr_json_close(j, '}');
}

/* null: no model scores, or the wallet was met after the run */
static void put_learned(wr_json_out *j, const wr_wallet_view *w)
{
    wr_json_key(j, "probability");
    if (w->is_judged)
        wr_json_f64(j, w->probability);
    else
        wr_json_null(j);
    wr_json_key(j, "novelty");
    if (w->is_judged)
        wr_json_f64(j, w->novelty);
    else
        wr_json_null(j);
}

static void put_activity(wr_json_out *j, const wr_wallet_view *w)
{
    wr_json_kv_f64(j, "received", w->received);
    wr_json_kv_f64(j, "sent", w->sent);
    wr_json_kv_f64(j, "balance", w->balance);
    wr_json_kv_f64(j, "unknown_share", w->unknown_share);
    wr_json_kv_f64(j, "fifo_share", w->fifo_share);
    wr_json_kv_f64(j, "max_transfer_share", w->max_transfer_share);
    wr_json_kv_f64(j, "association", w->association);
    wr_json_kv_f64(j, "association_value", w->association_value);
    wr_json_kv_u64(j, "poison_hops_in", w->poison_in);
    wr_json_kv_u64(j, "poison_hops_out", w->poison_out);
    wr_json_kv_u64(j, "tx_in", w->in_count);
    wr_json_kv_u64(j, "tx_out", w->out_count);
    wr_json_kv_u64(j, "counterparties_in", w->in_degree);
    wr_json_kv_u64(j, "counterparties_out", w->out_degree);
    wr_json_kv_time_or(j, "first_seen", w->first_s, 0);
    wr_json_kv_time_or(j, "last_seen", w->last_s, 0);
}

void wr_report_wallet(wr_json_out *j, const wr_evidence *e)
{
    wr_wallet_view w;
    wr_evidence_wallet(e, &w);
    wr_json_open(j, '{');
    put_identity(j, e->chain, e->address);
    put_verdict(j, e->a, &w);
    put_own_label(j, e->a, &w);
    put_provenance(j, e->a);
    put_live(j, &e->live);
    put_learned(j, &w);
    put_activity(j, &w);
    wr_json_key(j, "exposures");
    wr_report_exposures(j, e);
    put_origins(j, e->a, e->v);
    wr_json_key(j, "reasons");
    wr_report_reasons(j, e);
    wr_json_close(j, '}');
}

void wr_report_not_in_graph(wr_json_out *j, const wr_assessment *a, const wr_chain *chain,
                            wr_text address)
{
    wr_json_open(j, '{');
    put_identity(j, chain, address);
    wr_json_kv_cstr(j, "state", wr_state_name(WR_STATE_NOT_IN_GRAPH));
    wr_json_key(j, "score");
    wr_json_null(j);
    wr_json_kv_cstr(j, "level", "unknown");
    wr_json_kv_cstr(j, "category", NULL);
    wr_json_kv_bool(j, "is_labelled", false);
    if (a)
        put_provenance(j, a);
    wr_json_close(j, '}');
}

void wr_report_transfer(wr_json_out *j, const wr_transfer_row *row)
{
    const wr_transfer *t = &row->transfer;
    char amount[WR_AMOUNT_TEXT_MAX];
    wr_amount_format(amount, t->amount_base);
    wr_json_open(j, '{');
    wr_json_kv_i64(j, "seq", row->seq);
    wr_json_kv_cstr(j, "chain", t->chain->id);
    wr_json_kv_text(j, "tx_hash", t->tx_hash);
    wr_json_kv_u64(j, "position", t->position);
    wr_json_key(j, "block");
    if (t->block >= 0)
        wr_json_i64(j, t->block);
    else
        wr_json_null(j);
    wr_json_kv_time_or(j, "time", t->time_s, WR_TIME_NONE);
    kv_id(j, "from", t->chain, t->from);
    kv_id(j, "to", t->chain, t->to);
    wr_json_kv_text(j, "asset", t->asset);
    wr_json_kv_cstr(j, "amount", amount);
    wr_json_kv_u64(j, "decimals", t->decimals);
    wr_json_kv_f64(j, "value", t->value);
    wr_json_kv_bool(j, "is_unpriced", (t->flags & WR_TRANSFER_UNPRICED) != 0);
    wr_json_key(j, "memo");
    if (t->memo.len)
        wr_json_text(j, t->memo);
    else
        wr_json_null(j);
    wr_json_close(j, '}');
}

void wr_report_run(wr_json_out *j, const wr_run *r)
{
    wr_json_open(j, '{');
    wr_json_kv_cstr(j, "id", r->id);
    wr_json_kv_cstr(j, "kind", r->kind);
    wr_json_kv_cstr(j, "status", wr_run_status_name(r->status));
    wr_json_kv_time_or(j, "started_at", r->started_s, 0);
    wr_json_kv_time_or(j, "finished_at", r->finished_s, 0);
    wr_json_kv_time_or(j, "as_of", r->as_of_s, 0);
    wr_json_kv_i64(j, "max_seq", r->max_seq);
    wr_json_kv_i64(j, "label_rev", r->label_rev);
    wr_json_kv_u64(j, "wallets", r->wallets);
    wr_json_kv_u64(j, "transfers", r->transfers);
    wr_json_kv_u64(j, "labels", r->labels);
    wr_json_kv_u64(j, "scored", r->scored);
    wr_json_kv_u64(j, "unpriced", r->unpriced);
    wr_json_kv_cstr(j, "graph_digest", r->graph_digest.s);
    wr_json_kv_cstr(j, "labels_digest", r->labels_digest.s);
    wr_json_kv_cstr(j, "config_digest", r->config_digest.s);
    wr_json_kv_cstr(j, "output_digest", r->output_digest.s);
    wr_json_kv_cstr(j, "code_version", r->code_version);
    wr_json_key(j, "detail");
    if (r->detail.len)
        wr_json_raw(j, r->detail);
    else
        wr_json_null(j);
    wr_json_close(j, '}');
}
