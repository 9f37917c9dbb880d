#include "pipeline/screen.h"

#include "pipeline/assess_int.h"

static wr_vid find(const wr_snapshot *g, const wr_chain *chain, wr_text address)
{
    return g ? wr_ids_vertex(wr_snapshot_ids(g), chain, address) : WR_VID_NONE;
}

void wr_screen_address(wr_json_out *j, const wr_view *view, const wr_chain *chain,
                       wr_text address, bool is_stale)
{
    const wr_assessment *a = view->assessment;
    const wr_vid v = a ? find(a->g, chain, address) : WR_VID_NONE;
    if (v == WR_VID_NONE)
        wr_report_not_in_graph(j, a, chain, address);
    else
        wr_report_wallet(j, a, v, is_stale);
}

/* Share of column k that one unit from v would carry now. */
static double carried(const wr_assessment *a, wr_vid v, uint32_t k)
{
    const wr_seeds *s = &a->labels.seeds;
    if (s->category[v] >= 0) {
        if ((uint32_t)s->category[v] != k || s->kind[k] == WR_CATEGORY_SERVICE)
            return 0.0;
        return s->confidence ? (double)s->confidence[v] : 1.0;
    }
    const wr_ledger_view l = wr_ledger_at(&a->ledger[WR_RECEIVING], v);
    double share = l.balance > 0.0 ? l.taint[k] / l.balance : 0.0;
    return share < 1.0 ? share : 1.0;
}

static void put_carried(wr_json_out *j, const wr_assessment *a, wr_vid v, double value)
{
    wr_json_open(j, '[');
    for (uint32_t k = 0; k < a->c; k++) {
        double share = carried(a, v, k);
        if (!(share > 0.0))
            continue;
        const wr_category *c = &a->cfg->taxonomy.category[wr_assess_category(a, k)];
        wr_json_open(j, '{');
        wr_json_kv_cstr(j, "category_id", c->id);
        wr_json_kv_f64(j, "share", share);
        wr_json_kv_f64(j, "value", share * value);
        wr_json_close(j, '}');
    }
    wr_json_close(j, ']');
}

/* The worse of the two parties' scores: a transfer is as risky as who takes part in it.
 */
static double worse_score(const wr_assessment *a, wr_vid from, wr_vid to)
{
    double f = from == WR_VID_NONE ? 0.0 : a->score[from];
    double t = to == WR_VID_NONE ? 0.0 : a->score[to];
    return f > t ? f : t;
}

static void put_transfer(wr_json_out *j, const wr_assessment *a, const wr_transfer *t,
                         bool is_stale)
{
    const wr_vid from = a ? find(a->g, t->chain, t->from) : WR_VID_NONE;
    const wr_vid to = a ? find(a->g, t->chain, t->to) : WR_VID_NONE;
    const bool is_known = from != WR_VID_NONE || to != WR_VID_NONE;
    wr_state state = !is_known                 ? WR_STATE_NOT_IN_GRAPH
                     : !a->labels.is_available ? WR_STATE_LABELS_UNAVAILABLE
                     : is_stale                ? WR_STATE_STALE
                                               : WR_STATE_SCORED;
    wr_json_open(j, '{');
    wr_json_kv_f64(j, "value", t->value);
    wr_json_kv_cstr(j, "state", wr_state_name(state));
    wr_json_key(j, "score");
    if (is_known)
        wr_json_fixed(j, wr_score_publish(worse_score(a, from, to)), 2);
    else
        wr_json_null(j);
    wr_json_kv_cstr(j, "level",
                    is_known ? wr_level_name(wr_policy_level(&a->cfg->policy,
                                                             worse_score(a, from, to)))
                             : "unknown");
    wr_json_key(j, "carries");
    if (from != WR_VID_NONE)
        put_carried(j, a, from, t->value);
    else
        wr_json_null(j);
    wr_json_close(j, '}');
}

void wr_screen_transfer(wr_json_out *j, const wr_view *view, const wr_transfer *t,
                        bool is_stale)
{
    wr_json_open(j, '{');
    wr_json_key(j, "from");
    wr_screen_address(j, view, t->chain, t->from, is_stale);
    wr_json_key(j, "to");
    wr_screen_address(j, view, t->chain, t->to, is_stale);
    wr_json_key(j, "transfer");
    put_transfer(j, view->assessment, t, is_stale);
    wr_json_close(j, '}');
}
