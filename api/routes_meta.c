#include "api/ingestion.h"
#include "api/openapi.h"
#include "api/router.h"
#include "api/routes.h"
#include "util/clock.h"

wr_status wr_route_health_live(wr_exchange *x, wr_err *err)
{
    (void)err;
    wr_json_out j = wr_exchange_json(x);
    int64_t up_s = wr_clock_wall_s() - x->app->start_s;
    wr_json_open(&j, '{');
    wr_json_kv_cstr(&j, "status", "live");
    wr_json_kv_cstr(&j, "version", WR_VERSION);
    wr_json_kv_i64(&j, "uptime_s", up_s > 0 ? up_s : 0);
    wr_json_close(&j, '}');
    return WR_OK;
}

static const char *scores_name(wr_scores_state s)
{
    switch (s) {
    case WR_SCORES_LOADING:
        return "loading";
    case WR_SCORES_FAILED:
        return "failed";
    case WR_SCORES_NONE:
        return "none";
    case WR_SCORES_LOADED:
        return "loaded";
    }
    return "unknown";
}

wr_status wr_route_health_ready(wr_exchange *x, wr_err *err)
{
    (void)err;
    wr_app *app = x->app;
    WR_AUTO_VIEW view = wr_live_view(app->live);
    wr_job_status job = {0};
    wr_watched w;
    wr_watch_get(app->watch, &w);
    wr_scores_state scores = wr_app_scores_state(app, &view, &job);
    bool is_ready =
        w.is_store_ok && scores != WR_SCORES_LOADING && scores != WR_SCORES_FAILED;
    wr_json_out j = wr_exchange_json(x);
    wr_json_open(&j, '{');
    wr_json_kv_cstr(&j, "status", is_ready ? "ready" : "not_ready");
    wr_json_kv_cstr(&j, "store",
                    w.is_store_ok ? "ok"
                    : w.is_known  ? "failed"
                                  : "unknown");
    wr_json_kv_cstr(&j, "scores", scores_name(scores));
    wr_json_kv_cstr(&j, "run_id",
                    view.assessment ? wr_assessment_run(view.assessment)->id : NULL);
    wr_json_kv_cstr(&j, "detail",
                    scores == WR_SCORES_LOADING  ? job.phase
                    : scores == WR_SCORES_FAILED ? job.error
                                                 : NULL);
    wr_ingestion_put_live(&j, app->live);
    wr_json_close(&j, '}');
    x->status = is_ready ? 200 : 503;
    return WR_OK;
}

/* --- metrics ---------------------------------------------------------------------------
 */

static void gauge(wr_buf *out, const char *name, const char *help, double v)
{
    wr_metric_write(out, name, "gauge", help, v);
}

static void write_server(wr_buf *out, const wr_app *app)
{
    const wr_server *server = atomic_load(&app->server);
    if (!server)
        return;
    wr_metric_shard *shard[WR_SERVER_SHARDS_MAX];
    uint32_t n = wr_server_shards(server, shard);
    wr_server_stats s = wr_server_stats_of(server);
    wr_metric_write_requests(out, shard, n, wr_routes(), wr_route_count());
    gauge(out, "walletrisk_http_requests_in_flight", "Requests being served.",
          s.requests);
    gauge(out, "walletrisk_http_connections", "Open connections.", s.connections);
    gauge(out, "walletrisk_http_workers", "Worker threads.", s.threads);
    gauge(out, "walletrisk_http_worker_stack_bytes", "Smallest stack of a worker.",
          (double)s.stack_bytes);
    wr_metric_write(out, "walletrisk_answer_cache_hits_total", "counter",
                    "Answers of /scores/top taken from the cache that workers share.",
                    (double)atomic_load(&app->cache.hits));
    wr_metric_write(out, "walletrisk_answer_cache_misses_total", "counter",
                    "Answers of /scores/top rendered anew.",
                    (double)atomic_load(&app->cache.misses));
}

static uint64_t graph_bytes(const wr_snapshot *g)
{
    const wr_ids *ids = wr_snapshot_ids(g);
    return wr_snapshot_held_bytes(g) + (ids ? wr_ids_bytes(ids) : 0);
}

/* What of the heap is what: the rest of it is the program's own, and does not grow. */
static void write_memory(wr_buf *out, const wr_app *app, const wr_view *v)
{
    wr_freshness f;
    wr_live_freshness(app->live, &f);
    const wr_snapshot *of_run =
        v->assessment ? wr_assessment_snapshot(v->assessment) : NULL;
    const wr_metric_part part[] = {
        {"graph", v->graph ? graph_bytes(v->graph) : 0},
        {"graph_of_run", of_run && of_run != v->graph ? graph_bytes(of_run) : 0},
        {"run", v->assessment ? wr_assessment_bytes(v->assessment) : 0},
        {"live", f.stats.bytes},
    };
    wr_metric_write_parts(out, "walletrisk_memory_part_bytes",
                          "Memory of what is served; a job that runs takes more.", part,
                          sizeof part / sizeof *part);
    gauge(out, "walletrisk_heap_bytes", "Memory in use by all of the program.",
          (double)wr_heap_bytes());
}

static void write_view(wr_buf *out, const wr_app *app, const wr_view *v)
{
    gauge(out, "walletrisk_view_version",
          "Grows by one with each graph or run swapped in.", (double)v->version);
    gauge(out, "walletrisk_graph_loaded_timestamp_seconds",
          "When the serving graph was loaded, 0 = none.", (double)v->graph_loaded_s);
    gauge(out, "walletrisk_graph_wallets", "Vertices of the serving graph.",
          v->graph ? wr_snapshot_n(v->graph) : 0.0);
    gauge(out, "walletrisk_graph_transfers", "Transfers of the serving graph.",
          v->graph ? (double)wr_snapshot_columns(v->graph).m : 0.0);
    gauge(out, "walletrisk_graph_bytes", "Memory of the serving graph's views.",
          v->graph ? (double)wr_snapshot_bytes(v->graph) : 0.0);
    const wr_run *run = v->assessment ? wr_assessment_run(v->assessment) : NULL;
    gauge(out, "walletrisk_run_finished_timestamp_seconds",
          "When the serving run finished, 0 = none.",
          run ? (double)run->finished_s : 0.0);
    gauge(out, "walletrisk_run_wallets", "Wallets that the serving run scored.",
          run ? (double)run->wallets : 0.0);
    gauge(out, "walletrisk_run_max_seq", "Newest transfer that the serving run saw.",
          run ? (double)run->max_seq : 0.0);
    gauge(out, "walletrisk_run_is_stale",
          "1 when transfers or labels came after the run.",
          run && wr_watch_is_stale(app->watch, run) ? 1.0 : 0.0);
}

/* How far what is scored has moved from what the model was trained on (drift.h). */
static void write_model(wr_buf *out, const wr_view *v)
{
    wr_model_note note;
    if (!v->assessment || !wr_assessment_model(v->assessment, &note))
        return;
    wr_buf_addf(out,
                "# HELP walletrisk_model_info The model that scored the serving run.\n"
                "# TYPE walletrisk_model_info gauge\n"
                "walletrisk_model_info{id=\"%s\"} 1\n",
                note.id);
    gauge(out, "walletrisk_model_score_psi",
          "Population stability index of the probability against training.",
          note.score_psi);
    gauge(out, "walletrisk_model_feature_psi_max",
          "Largest population stability index of a feature against training.",
          note.feature_psi_max);
    gauge(out, "walletrisk_model_features_moved",
          "Features whose population stability index is above 0.25.",
          note.features_moved);
}

static void write_store(wr_buf *out, const wr_app *app)
{
    wr_watched w;
    wr_watch_get(app->watch, &w);
    gauge(out, "walletrisk_store_up", "1 when the store answered last time.",
          w.is_store_ok ? 1.0 : 0.0);
    gauge(out, "walletrisk_store_transfers", "Transfers in the store.",
          (double)w.counts.transfers);
    gauge(out, "walletrisk_store_wallets", "Wallets in the store.",
          (double)w.counts.wallets);
    gauge(out, "walletrisk_store_labels", "Labels that hold now.",
          (double)w.counts.labels);
    gauge(out, "walletrisk_store_dead_letters", "Records that were refused.",
          (double)w.counts.dead);
    gauge(out, "walletrisk_store_max_seq", "Newest transfer in the store.",
          (double)w.counts.max_seq);
    gauge(out, "walletrisk_store_counted_timestamp_seconds",
          "When the store was counted, 0 = never.", (double)w.counted_s);
}

wr_status wr_route_metrics(wr_exchange *x, wr_err *err)
{
    WR_AUTO_VIEW view = wr_live_view(x->app->live);
    x->status = 200;
    x->media_type = "text/plain; version=0.0.4; charset=utf-8";
    wr_buf_addf(&x->out,
                "# HELP walletrisk_build_info Version of the program.\n"
                "# TYPE walletrisk_build_info gauge\n"
                "walletrisk_build_info{version=\"%s\"} 1\n",
                WR_VERSION);
    write_server(&x->out, x->app);
    write_view(&x->out, x->app, &view);
    write_memory(&x->out, x->app, &view);
    write_model(&x->out, &view);
    write_store(&x->out, x->app);
    wr_metric_write_process(&x->out);
    return wr_ingestion_write_metrics(x, err);
}

wr_status wr_route_openapi(wr_exchange *x, wr_err *err)
{
    (void)err;
    x->status = 200;
    x->media_type = "application/yaml";
    wr_buf_add(&x->out, wr_openapi_yaml, wr_openapi_yaml_bytes);
    return WR_OK;
}
