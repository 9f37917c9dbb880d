#include "api/app.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/page_token.h"
#include "api/request.h"
#include "api/router.h"
#include "util/clock.h"
#include "util/log.h"

enum { POOL_MAX = 16 };

/* --- life ------------------------------------------------------------------------------
 */

static wr_status check_store(const char *dsn, wr_err *err)
{
    if (strncmp(dsn, "memory:", 7) == 0)
        return wr_fail(err, WR_EINVAL,
                       "dsn memory: is forgotten with each handle; serve sqlite:PATH or "
                       "postgresql://…");
    WR_AUTO(wr_store) st = NULL;
    return wr_store_open_ready(&st, dsn, err);
}

static bool has_docs(const char *dir)
{
    char path[WR_CONFIG_TEXT_MAX + 32];
    (void)snprintf(path, sizeof path, "%s/swagger-ui-bundle.js", dir);
    return access(path, R_OK) == 0;
}

/* Given, else beside the executable's folder, else where npm put it in the source tree.
 */
static void find_docs(char out[WR_CONFIG_TEXT_MAX], const char *given)
{
    if (given[0]) {
        (void)snprintf(out, WR_CONFIG_TEXT_MAX, "%s", given);
        return;
    }
    char exe[WR_CONFIG_TEXT_MAX - 64];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(exe, '/');
    if (slash)
        *slash = '\0';
    (void)snprintf(out, WR_CONFIG_TEXT_MAX, "%s/../share/walletrisk/swagger-ui", exe);
    if (!has_docs(out))
        (void)snprintf(out, WR_CONFIG_TEXT_MAX, "%s", WR_DOCS_DIR);
}

static wr_status open_parts(wr_app *app, wr_err *err)
{
    const wr_config *cfg = app->cfg;
    uint32_t handles =
        cfg->http_threads < POOL_MAX ? (uint32_t)cfg->http_threads : POOL_MAX;
    WR_TRY(check_store(cfg->dsn, err));
    WR_TRY(wr_settings_load(&app->settings, cfg, err));
    const wr_transfer_opts opts = WR_TRANSFER_OPTS_INIT;
    WR_TRY(wr_transfer_decoder_new(&app->decoder, &opts, err));
    WR_TRY(wr_store_pool_open(&app->pool, cfg->dsn, handles, err));
    WR_TRY(wr_watch_open(&app->watch, cfg->dsn, err));
    WR_TRY(wr_live_open(&app->live, cfg->dsn, app->settings,
                        (uint64_t)cfg->live_fold_rows, err));
    wr_live_set_threads(app->live, (int)cfg->threads);
    if (wr_log_level_of(cfg->log_level) <= WR_LOG_INFO)
        WR_TRY(wr_access_log_open(&app->service.log, STDERR_FILENO, err));
    return WR_OK;
}

wr_status wr_app_open(wr_app **out, const wr_config *cfg, const char *docs_dir,
                      wr_err *err)
{
    wr_app *app = wr_calloc(1, sizeof *app);
    if (!app)
        return wr_fail(err, WR_ENOMEM, "application");
    app->cfg = cfg;
    app->start_s = wr_clock_wall_s();
    wr_cache_init(&app->cache);
    (void)pthread_mutex_init(&app->put_lock, NULL);
    find_docs(app->docs_dir, docs_dir);
    app->service.table = wr_routes();
    app->service.routes = wr_route_count();
    app->service.body_max_bytes = (size_t)cfg->http_body_max_bytes;
    app->service.timeout_ms = cfg->http_timeout_ms;
    app->service.app = app;
    atomic_init(&app->service.is_draining, false);
    wr_status s = open_parts(app, err);
    if (s != WR_OK) {
        wr_app_close(app);
        return s;
    }
    *out = app;
    return WR_OK;
}

void wr_app_close(wr_app *app)
{
    if (!app)
        return;
    wr_live_close(app->live);
    wr_watch_close(app->watch);
    wr_store_pool_close(app->pool);
    wr_transfer_decoder_free(app->decoder);
    wr_settings_unref(app->settings);
    wr_access_log_close(app->service.log);
    wr_cache_release(&app->cache);
    (void)pthread_mutex_destroy(&app->put_lock);
    wr_free(app);
}

wr_status wr_app_restore(wr_app *app, wr_err *err)
{
    return wr_live_start(app->live, WR_JOB_RESTORE, app->restore_id, err);
}

/* --- views -----------------------------------------------------------------------------
 */

wr_scores_state wr_app_scores_state(wr_app *app, const wr_view *view, wr_job_status *job)
{
    wr_job_status own;
    wr_job_status *restore = job ? job : &own;
    if (view->assessment)
        return WR_SCORES_LOADED;
    if (wr_live_job(app->live, app->restore_id, restore, NULL) != WR_OK)
        return WR_SCORES_NONE; /* so long ago that it is forgotten: it found no run */
    if (restore->status == WR_RUN_RUNNING)
        return WR_SCORES_LOADING;
    return restore->status == WR_RUN_FAILED ? WR_SCORES_FAILED : WR_SCORES_NONE;
}

bool wr_app_is_stale(wr_app *app, const wr_view *view)
{
    if (!view->assessment)
        return false;
    if (!view->board)
        return wr_watch_is_stale(app->watch, wr_assessment_run(view->assessment));
    wr_freshness f;
    wr_live_freshness(app->live, &f);
    return f.behind_s > WR_LIVE_BEHIND_MAX_S;
}

wr_status wr_app_scored_view(wr_exchange *x, wr_view *out, wr_err *err)
{
    wr_job_status job;
    *out = wr_live_view(x->app->live);
    switch (wr_app_scores_state(x->app, out, &job)) {
    case WR_SCORES_LOADED:
        return WR_OK;
    case WR_SCORES_LOADING:
        return wr_refuse(x, err, WR_PROBLEM_NOT_READY, "the last run is being loaded: %s",
                         job.phase);
    case WR_SCORES_FAILED:
        return wr_refuse(x, err, WR_PROBLEM_NOT_READY,
                         "the last run could not be loaded (%.200s): POST /run-score",
                         job.error);
    case WR_SCORES_NONE:
    default:
        return wr_refuse(x, err, WR_PROBLEM_NOT_FOUND, "no run yet: POST /run-score");
    }
}

bool wr_app_read_wallet(wr_exchange *x, wr_wallet_key *k, wr_text chain, wr_text address,
                        const char *chain_pointer, const char *address_pointer)
{
    wr_err err = {0};
    if (wr_chain_peek(&k->chain, &k->unseen, chain, &err) != WR_OK) {
        wr_request_note(x, chain_pointer, "invalid", "%s", err.msg);
        return false;
    }
    size_t len = 0;
    bool is_hub = k->chain->is_utxo && wr_address_is_hub(address) &&
                  address.len <= WR_ADDRESS_MAX; /* a transaction's own vertex */
    if (is_hub) {
        memcpy(k->text, address.p, address.len);
        len = address.len;
        k->text[len] = '\0';
    } else if (wr_address_canonical(k->text, &len, k->chain, address, &err) != WR_OK) {
        wr_request_note(x, address_pointer, "invalid", "%s", err.msg);
        return false;
    }
    k->address = (wr_text){.p = k->text, .len = (uint32_t)len};
    return true;
}

bool wr_app_read_caip10(wr_exchange *x, wr_wallet_key *k, wr_text id, const char *pointer)
{
    uint32_t colon = 0;
    uint32_t seen = 0;
    while (colon < id.len && (seen += id.p[colon] == ':') < 2)
        colon++; /* a CAIP-2 id holds the first colon */
    if (seen < 2 || colon + 1 == id.len) {
        wr_request_note(x, pointer, "syntax",
                        "'%.*s' is not chain:address, as in eip155:1:0x...",
                        (int)(id.len < 60 ? id.len : 60), id.p);
        return false;
    }
    wr_text chain = {.p = id.p, .len = colon};
    wr_text address = {.p = id.p + colon + 1, .len = id.len - colon - 1};
    return wr_app_read_wallet(x, k, chain, address, pointer, pointer);
}

wr_status wr_app_path_wallet(wr_exchange *x, wr_wallet_key *k, wr_err *err)
{
    (void)wr_app_read_wallet(x, k, x->path_param[0], x->path_param[1], "/path/chain",
                             "/path/address");
    return wr_request_check(x, err);
}

wr_status wr_app_vertex(wr_exchange *x, const wr_snapshot *g, const wr_wallet_key *k,
                        wr_vid *v, wr_err *err)
{
    *v = g ? wr_ids_vertex(wr_snapshot_ids(g), k->chain, k->address) : WR_VID_NONE;
    if (*v == WR_VID_NONE)
        return wr_refuse(x, err, WR_PROBLEM_NOT_FOUND,
                         "the address is in no transfer of the graph");
    return WR_OK;
}

/* --- shapes ----------------------------------------------------------------------------
 */

void wr_app_next_page(wr_json_out *j, char list, const char *payload)
{
    char token[WR_PAGE_TOKEN_MAX + 1];
    if (payload)
        wr_page_token_write(token, list, payload);
    wr_json_kv_cstr(j, "next_page", payload ? token : NULL);
}

bool wr_app_page(wr_exchange *x, char list, char payload[])
{
    wr_err err = {0};
    wr_text t = wr_query_text(x, "page");
    if (!t.p)
        return false;
    if (wr_page_token_read(payload, list, t, &err) == WR_OK)
        return true;
    wr_request_note(x, "/query/page", "invalid", "%s", err.msg);
    return false;
}

void wr_app_identity(wr_json_out *j, const wr_chain *chain, wr_text address)
{
    char id[WR_CHAIN_ID_MAX + 1 + WR_ADDRESS_MAX + 1];
    (void)snprintf(id, sizeof id, "%s:%.*s", chain->id, WR_TEXT_ARG(address));
    wr_json_kv_cstr(j, "id", id);
    wr_json_kv_cstr(j, "chain", chain->id);
    wr_json_kv_text(j, "address", address);
}
