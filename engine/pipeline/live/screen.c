#include "pipeline/live/screen.h"

#include "pipeline/run/assess_int.h"

static const wr_evidence *known(const wr_evidence *e, bool is_there)
{
    return is_there ? e : NULL;
}

static void put_party(wr_json_out *j, const wr_view *view, const wr_wallet_name *name,
                      const wr_evidence *e /* NULL: not in the graph */)
{
    if (e)
        wr_report_wallet(j, e);
    else
        wr_report_not_in_graph(j, view->assessment, name->chain, name->address);
}

void wr_screen_address(wr_json_out *j, const wr_view *view, const wr_chain *chain,
                       wr_text address, bool is_stale)
{
    const wr_wallet_name name = {chain, address};
    wr_evidence e;
    bool is_there = false;
    if (view->assessment)
        wr_evidence_now(&e, &is_there, view, &name, 1, is_stale);
    put_party(j, view, &name, known(&e, is_there));
}

/* Share of column k that one unit from this wallet would carry now. */
static double carried(const wr_evidence *e, uint32_t k)
{
    const wr_category *c = &e->a->cfg->taxonomy.category[e->column[k]];
    if (e->own_category >= 0) {
        const bool is_own = e->own_category == e->column[k];
        return is_own && c->kind != WR_CATEGORY_SERVICE ? e->own_confidence : 0.0;
    }
    const wr_ledger_view *l = &e->ledger[WR_RECEIVING];
    double share = l->balance > 0.0 ? l->taint[k] / l->balance : 0.0;
    return share < 1.0 ? share : 1.0;
}

static void put_carried(wr_json_out *j, const wr_evidence *e, double value)
{
    wr_json_open(j, '[');
    for (uint32_t k = 0; k < e->c; k++) {
        double share = carried(e, k);
        if (!(share > 0.0))
            continue;
        const wr_category *c = &e->a->cfg->taxonomy.category[e->column[k]];
        wr_json_open(j, '{');
        wr_json_kv_cstr(j, "category_id", c->id);
        wr_json_kv_f64(j, "share", share);
        wr_json_kv_f64(j, "value", share * value);
        wr_json_close(j, '}');
    }
    wr_json_close(j, ']');
}

static double score_of(const wr_evidence *e)
{
    double base;
    int category;
    return e ? wr_evidence_score(e, &base, &category) : 0.0;
}

/* The worse of the two parties' scores: a transfer is as risky as who takes part in it.
 */
static double worse_score(const wr_evidence *from, const wr_evidence *to)
{
    const double f = score_of(from);
    const double t = score_of(to);
    return f > t ? f : t;
}

/* from, to: NULL when not in the graph. */
static void put_transfer(wr_json_out *j, const wr_assessment *a, double value,
                         const wr_evidence *from, const wr_evidence *to)
{
    const bool is_known = from || to;
    const bool is_exact = (!from || from->live.is_exact) && (!to || to->live.is_exact);
    const double score = worse_score(from, to);
    wr_state state = !is_known                 ? WR_STATE_NOT_IN_GRAPH
                     : !a->labels.is_available ? WR_STATE_LABELS_UNAVAILABLE
                     : !is_exact               ? WR_STATE_STALE
                                               : WR_STATE_SCORED;
    wr_json_open(j, '{');
    wr_json_kv_f64(j, "value", value);
    wr_json_kv_cstr(j, "state", wr_state_name(state));
    wr_json_key(j, "score");
    if (is_known)
        wr_json_fixed(j, wr_score_publish(score), 2);
    else
        wr_json_null(j);
    wr_json_kv_cstr(j, "level",
                    is_known ? wr_level_name(wr_policy_level(&a->cfg->policy, score))
                             : "unknown");
    wr_json_key(j, "carries");
    if (from)
        put_carried(j, from, value);
    else
        wr_json_null(j);
    wr_json_close(j, '}');
}

void wr_screen_transfer(wr_json_out *j, const wr_view *view, const wr_transfer *t,
                        bool is_stale)
{
    const wr_wallet_name name[] = {{t->chain, t->from}, {t->chain, t->to}};
    wr_evidence e[2];
    bool is_there[2] = {false, false};
    if (view->assessment)
        wr_evidence_now(e, is_there, view, name, 2, is_stale);
    wr_json_open(j, '{');
    wr_json_key(j, "from");
    put_party(j, view, &name[0], known(&e[0], is_there[0]));
    wr_json_key(j, "to");
    put_party(j, view, &name[1], known(&e[1], is_there[1]));
    wr_json_key(j, "transfer");
    put_transfer(j, view->assessment, t->value, known(&e[0], is_there[0]),
                 known(&e[1], is_there[1]));
    wr_json_close(j, '}');
}
