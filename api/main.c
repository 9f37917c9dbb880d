/*
 * walletrisk-api: options, signals, lifetime.
 *
 * Order of the end: new requests get 503, those being served finish, the server stops,
 * the running job is asked to stop, the store closes.  Exit 0; 1 when requests had to be
 * cut off or the start failed; 2 usage.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "api/app.h"
#include "util/args.h"
#include "util/log.h"
#include "util/mem.h"

typedef struct options {
    const char *ready_file; /* NULL = none */
    const char *docs_dir;   /* "" = look for it */
} options;

/* What became of the file of cfg.snapshot_file; on the compute thread. */
static void log_kept(void *ctx, wr_kept what, const char *text)
{
    static const struct {
        const char *event;
        wr_log_level level;
    } as[] = {
        [WR_KEPT_USED] = {"snapshot_used", WR_LOG_INFO},
        [WR_KEPT_UNUSED] = {"snapshot_unused", WR_LOG_INFO},
        [WR_KEPT_REFUSED] = {"snapshot_refused", WR_LOG_WARN},
        [WR_KEPT_WRITTEN] = {"snapshot_written", WR_LOG_INFO},
        [WR_KEPT_NOT_WRITTEN] = {"snapshot_not_written", WR_LOG_WARN},
    };
    (void)ctx;
    wr_log(as[what].level, as[what].event, "detail", text, NULL);
}

/* A run that nobody asked for; on the compute thread. */
static void log_own_run(void *ctx, const wr_job_status *job, const char *why)
{
    (void)ctx;
    if (job->status == WR_RUN_RUNNING)
        wr_log(WR_LOG_INFO, "run_started", "id", job->run_id, "reason", why, NULL);
    else if (job->status == WR_RUN_COMPLETE)
        wr_log(WR_LOG_INFO, "run_finished", "id", job->run_id, NULL);
    else
        wr_log(WR_LOG_ERROR, "run_failed", "id", job->run_id, "error", job->error, NULL);
}

static bool is_asked(int argc, char **argv, const char *flag)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], flag) == 0)
            return true;
    return false;
}

static wr_status read_options(options *o, int *argc, char **argv, wr_err *err)
{
    *o = (options){.docs_dir = ""};
    const wr_arg arg[] = {
        {.name = "ready-file",
         .kind = WR_ARG_TEXT,
         .to = &o->ready_file,
         .text = "FILE  write the URL there once the server listens"},
        {.name = "docs-dir",
         .kind = WR_ARG_TEXT,
         .to = &o->docs_dir,
         .text = "DIR  folder of swagger-ui-dist, for /docs"},
    };
    const wr_args args = {.usage = "walletrisk-api [flags]",
                          .purpose =
                              "Serves scores, screening and records over HTTP on a "
                              "loopback address, until SIGTERM.",
                          .arg = arg,
                          .count = sizeof arg / sizeof *arg,
                          .program = WR_PROGRAM_API};
    return wr_args_parse(&args, argc, argv, err);
}

static wr_status write_ready(const char *path, const char *url, wr_err *err)
{
    FILE *f = fopen(path, "we");
    if (!f)
        return wr_fail(err, WR_EIO, "%s: %s", path, strerror(errno));
    bool is_written = fprintf(f, "%s\n", url) > 0;
    if (fclose(f) != 0 || !is_written)
        return wr_fail(err, WR_EIO, "%s: %s", path, strerror(errno));
    return WR_OK;
}

static wr_status listen_on(wr_app *app, const options *o, wr_err *err)
{
    const wr_config *cfg = app->cfg;
    const wr_server_opts so = {.host = cfg->http_host,
                               .port = (int)cfg->http_port,
                               .threads = (int)cfg->http_threads};
    wr_server *server = NULL;
    WR_TRY(wr_server_start(&server, &app->service, &so, err));
    atomic_store(&app->server, server);
    char url[128];
    const char *host = cfg->http_host;
    (void)snprintf(url, sizeof url, strchr(host, ':') ? "http://[%s]:%d" : "http://%s:%d",
                   host, wr_server_port(server));
    wr_log(WR_LOG_INFO, "listening", "url", url, NULL);
    if (o->ready_file)
        WR_TRY(write_ready(o->ready_file, url, err));
    return WR_OK;
}

static void wait_for_signal(const atomic_bool *stop)
{
    const struct timespec tick = {.tv_nsec = 50000000};
    while (!atomic_load(stop))
        (void)nanosleep(&tick, NULL);
}

/* false: requests were cut off */
static bool shut_down(wr_app *app)
{
    wr_server *server = atomic_load(&app->server);
    wr_log(WR_LOG_INFO, "draining", NULL);
    bool is_drained = wr_server_drain(server, app->cfg->http_drain_ms);
    if (!is_drained)
        wr_log(WR_LOG_WARN, "drain_cut", "detail", "requests still running", NULL);
    wr_server_stop(server);
    return is_drained;
}

static int serve(const wr_config *cfg, const options *o)
{
    wr_err err = {0};
    wr_app *app = NULL;
    bool is_clean = false;
    const atomic_bool *stop = wr_progress_catch_signals();
    wr_status s = wr_server_check_host(cfg->http_host, &err);
    if (s == WR_OK)
        s = wr_app_open(&app, cfg, o->docs_dir, &err);
    if (s == WR_OK) {
        wr_live_keep(app->live, cfg->snapshot_file, log_kept, NULL);
        wr_live_set_bound(app->live, (uint64_t)cfg->live_state_mb * 1000000, log_own_run,
                          NULL);
        s = wr_app_restore(app, &err);
    }
    if (s == WR_OK)
        s = listen_on(app, o, &err);
    if (s == WR_OK)
        wait_for_signal(stop);
    else
        wr_log(WR_LOG_ERROR, "start_failed", "error", err.msg, NULL);
    if (app && atomic_load(&app->server))
        is_clean = shut_down(app);
    wr_app_close(app);
    if (s == WR_OK)
        wr_log(WR_LOG_INFO, "stopped", NULL);
    return s == WR_OK && is_clean ? 0 : 1;
}

int main(int argc, char **argv)
{
    wr_err err = {0};
    static wr_config cfg;
    options o;
    if (is_asked(argc, argv, "--version")) {
        (void)printf("walletrisk-api %s\n", WR_VERSION);
        return 0;
    }
    wr_status s = wr_config_load(&cfg, WR_PROGRAM_API, &argc, argv, &err);
    if (s == WR_OK)
        s = read_options(&o, &argc, argv, &err);
    if (s == WR_ESTOPPED) /* --help has been printed */
        return 0;
    if (s != WR_OK) {
        (void)fprintf(stderr, "walletrisk-api: %s\n", err.msg);
        return 2;
    }
    wr_log_set_level(wr_log_level_of(cfg.log_level));
    wr_mem_give_back_big();
    return serve(&cfg, &o);
}
