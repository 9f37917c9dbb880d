#include "api/request.h"
#include "api/routes.h"
#include "pipeline/answers/explanation.h"

/* As of this moment; false: in no transfer that was seen. */
static bool now_of(wr_evidence *e, const wr_exchange *x, const wr_view *view,
                   const wr_chain *chain, wr_text address)
{
    const wr_wallet_name name = {chain, address};
    bool is_there = false;
    wr_evidence_now(e, &is_there, view, &name, 1, wr_app_is_stale(x->app, view));
    return is_there;
}

wr_status wr_route_wallet(wr_exchange *x, wr_err *err)
{
    wr_wallet_key k;
    wr_evidence e;
    WR_AUTO_VIEW view = {0};
    WR_TRY(wr_app_path_wallet(x, &k, err));
    WR_TRY(wr_app_scored_view(x, &view, err));
    wr_json_out j = wr_exchange_json(x);
    if (now_of(&e, x, &view, k.chain, k.address))
        wr_report_wallet(&j, &e);
    else
        wr_report_not_in_graph(&j, view.assessment, k.chain, k.address);
    return WR_OK;
}

/* --- exposure --------------------------------------------------------------------------
 */

static wr_status put_push(wr_json_out *j, const wr_view *view, const wr_wallet_key *k,
                          wr_err *err)
{
    wr_vid v = wr_ids_vertex(wr_snapshot_ids(view->graph), k->chain, k->address);
    if (v != WR_VID_NONE)
        return wr_explain_push(j, view->assessment, view->graph, v, err);
    wr_json_null(j);
    return WR_OK;
}

wr_status wr_route_exposure(wr_exchange *x, wr_err *err)
{
    wr_wallet_key k;
    WR_AUTO_VIEW view = {0};
    bool is_push = false;
    (void)wr_app_read_wallet(x, &k, x->path_param[0], x->path_param[1], "/path/chain",
                             "/path/address");
    wr_query_bool(x, "push", &is_push);
    WR_TRY(wr_request_check(x, err));
    WR_TRY(wr_app_scored_view(x, &view, err));
    const wr_run *run = wr_assessment_run(view.assessment);
    wr_evidence e;
    wr_wallet_view w = {.state = WR_STATE_NOT_IN_GRAPH};
    const bool is_there = now_of(&e, x, &view, k.chain, k.address);
    if (is_there)
        wr_evidence_wallet(&e, &w);
    wr_json_out j = wr_exchange_json(x);
    wr_json_open(&j, '{');
    wr_app_identity(&j, k.chain, k.address);
    wr_json_kv_cstr(&j, "state", wr_state_name(w.state));
    wr_json_kv_cstr(&j, "run_id", run->id);
    wr_json_kv_time_or(&j, "as_of", run->as_of_s, 0);
    wr_json_kv_i64(&j, "live_seq", wr_view_seq(&view));
    wr_json_key(&j, "exposures");
    if (is_there) {
        wr_report_exposures(&j, &e);
    } else {
        wr_json_open(&j, '[');
        wr_json_close(&j, ']');
    }
    wr_json_key(&j, "push");
    if (is_push)
        WR_TRY(put_push(&j, &view, &k, err));
    else
        wr_json_null(&j);
    wr_json_close(&j, '}');
    return WR_OK;
}

/* --- paths -----------------------------------------------------------------------------
 */

/* The wallet as of this moment; paths and the like need it in the run's graph. */
static wr_status need_in_run(wr_exchange *x, wr_evidence *e, bool is_in_run,
                             const wr_view *view, const wr_wallet_key *k, wr_err *err)
{
    const bool is_seen = now_of(e, x, view, k->chain, k->address);
    if (is_seen && is_in_run)
        return WR_OK;
    return wr_refuse(x, err, WR_PROBLEM_NOT_FOUND,
                     is_seen
                         ? "the address was met after the run, and paths are a run's: "
                           "POST /run-score"
                         : "the address is in no transfer of the graph");
}

wr_status wr_route_paths(wr_exchange *x, wr_err *err)
{
    wr_wallet_key k;
    WR_AUTO_VIEW view = {0};
    wr_explain_opts o = WR_EXPLAIN_OPTS_INIT;
    int direction = WR_RECEIVING;
    (void)wr_app_read_wallet(x, &k, x->path_param[0], x->path_param[1], "/path/chain",
                             "/path/address");
    wr_query_choice(x, "direction", "receiving|sending", &direction);
    wr_query_u32(x, "limit", 1, 50, &o.paths_max);
    wr_query_u32(x, "hops", 1, 32, &o.hops_max);
    wr_text category = wr_query_bounded(x, "category", WR_CATEGORY_ID_MAX);
    WR_TRY(wr_request_check(x, err));
    WR_TRY(wr_app_scored_view(x, &view, err));
    o.direction = (wr_direction)direction;
    const wr_taxonomy *tx = &wr_assessment_settings(view.assessment)->taxonomy;
    if (category.p && (o.category = wr_taxonomy_find(tx, category)) < 0)
        wr_request_note(x, "/query/category", "invalid", "'%.*s' is no category",
                        WR_TEXT_ARG(category));
    WR_TRY(wr_request_check(x, err));
    const wr_vid v = wr_ids_vertex(
        wr_snapshot_ids(wr_assessment_snapshot(view.assessment)), k.chain, k.address);
    wr_evidence e;
    WR_TRY(need_in_run(x, &e, v != WR_VID_NONE, &view, &k, err));
    wr_json_out j = wr_exchange_json(x);
    wr_store *st = NULL;
    WR_TRY(wr_store_pool_take(x->app->pool, &st, err));
    wr_status s = wr_explain_paths(&j, view.assessment, v, &o, st, err);
    wr_store_pool_give(x->app->pool, st, s);
    return s;
}

/* --- explanation -----------------------------------------------------------------------
 */

static void read_explanation(wr_exchange *x, wr_explanation_opts *o)
{
    wr_query_u32(x, "paths", 1, 50, &o->paths_max);
    wr_query_u32(x, "hops", 1, 32, &o->hops_max);
    wr_query_u32(x, "hits", 0, WR_EXPLANATION_HITS_MAX, &o->hits_max);
    wr_query_u32(x, "labels", 0, WR_EXPLANATION_LABELS_MAX, &o->labels_max);
    wr_query_time(x, "as_of", &o->as_of_s);
}

wr_status wr_route_explanation(wr_exchange *x, wr_err *err)
{
    wr_wallet_key k;
    WR_AUTO_VIEW view = {0};
    wr_explanation_opts o = WR_EXPLANATION_OPTS_INIT;
    wr_evidence e;
    (void)wr_app_read_wallet(x, &k, x->path_param[0], x->path_param[1], "/path/chain",
                             "/path/address");
    read_explanation(x, &o);
    WR_TRY(wr_request_check(x, err));
    WR_TRY(wr_app_scored_view(x, &view, err));
    const wr_ids *ids = wr_snapshot_ids(wr_assessment_snapshot(view.assessment));
    const bool is_in_run = wr_ids_vertex(ids, k.chain, k.address) != WR_VID_NONE;
    WR_TRY(need_in_run(x, &e, is_in_run, &view, &k, err));
    wr_json_out j = wr_exchange_json(x);
    wr_json_open(&j, '{');
    wr_store *st = NULL;
    WR_TRY(wr_store_pool_take(x->app->pool, &st, err));
    wr_status s = wr_explain_evidence(&j, &e, &o, st, err);
    wr_store_pool_give(x->app->pool, st, s);
    WR_TRY(s);
    WR_TRY(wr_explain_otherwise(&j, &e, &o, err));
    wr_json_close(&j, '}');
    return WR_OK;
}
