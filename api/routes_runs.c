#include <string.h>

#include "api/page_token.h"
#include "api/request.h"
#include "api/routes.h"
#include "pipeline/run/report.h"
#include "util/clock.h"

enum { WAIT_SLICE_MS = 200, LIST = 'r' /* of page tokens */ };

static const char *job_kind(wr_job_kind k)
{
    switch (k) {
    case WR_JOB_RELOAD:
        return "reload";
    case WR_JOB_SCORE:
        return "score";
    case WR_JOB_RESTORE:
        return "restore";
    }
    return "unknown";
}

static void put_progress(wr_json_out *j, const wr_job_status *job)
{
    wr_json_key(j, "progress");
    if (!job || job->status != WR_RUN_RUNNING) {
        wr_json_null(j);
        return;
    }
    wr_json_open(j, '{');
    wr_json_kv_cstr(j, "phase", job->phase);
    wr_json_kv_u64(j, "done", job->done);
    wr_json_key(j, "total");
    if (job->total)
        wr_json_u64(j, job->total);
    else
        wr_json_null(j);
    wr_json_close(j, '}');
}

/* A run that only the compute thread knows: not on record (yet, or ever: restore). */
static void put_job(wr_json_out *j, const wr_job_status *job)
{
    wr_json_open(j, '{');
    wr_json_kv_cstr(j, "id", job->run_id);
    wr_json_kv_cstr(j, "kind", job_kind(job->kind));
    wr_json_kv_cstr(j, "status", wr_run_status_name(job->status));
    wr_json_kv_time_or(j, "started_at", job->started_s, 0);
    wr_json_kv_time_or(j, "finished_at", job->finished_s, 0);
    put_progress(j, job);
    wr_json_kv_cstr(j, "error", job->error[0] ? job->error : NULL);
    wr_json_close(j, '}');
}

/* The record with two members more.  job NULL: not in memory any more. */
static wr_status put_run(wr_json_out *j, const wr_run *run, const wr_job_status *job,
                         wr_err *err)
{
    wr_buf record;
    wr_buf_init(&record, (size_t)4 * WR_RUN_JSON_MAX);
    wr_json_out r = wr_json_out_on(&record);
    wr_report_run(&r, run);
    wr_status s = wr_buf_status(&record, "run", err);
    if (s == WR_OK) {
        record.p[record.len - 1] = ','; /* "}" gives way to what follows */
        wr_buf tail;
        wr_buf_init(&tail, 4096);
        wr_json_out t = wr_json_out_on(&tail);
        wr_json_open(&t, '{');
        put_progress(&t, job);
        wr_json_kv_cstr(&t, "error", job && job->error[0] ? job->error : NULL);
        wr_json_close(&t, '}');
        s = wr_buf_status(&tail, "run", err);
        if (s == WR_OK) {
            wr_buf_add(&record, tail.p + 1, tail.len - 1);
            s = wr_buf_status(&record, "run", err);
        }
        wr_buf_release(&tail);
    }
    if (s == WR_OK)
        wr_json_raw(j, (wr_text){.p = record.p, .len = (uint32_t)record.len});
    wr_buf_release(&record);
    return s;
}

typedef struct found_run {
    wr_json_out *j;
    const wr_job_status *job;
} found_run;

/* A run is on record before it is served: until then, and when that failed, the job
 * counts. */
static wr_status put_found(void *ctx, const wr_run *run, wr_err *err)
{
    const found_run *f = ctx;
    if (f->job && f->job->status != run->status) {
        put_job(f->j, f->job);
        return WR_OK;
    }
    return put_run(f->j, run, f->job, err);
}

/* The run on record, else the job; WR_ENOTFOUND when there is neither. */
static wr_status put_any(wr_exchange *x, wr_json_out *j, const char *id, wr_err *err)
{
    wr_job_status job;
    bool is_job = wr_live_job(x->app->live, id, &job, NULL) == WR_OK;
    wr_store *st = NULL;
    wr_err why = {0};
    found_run f = {.j = j, .job = is_job ? &job : NULL};
    WR_TRY(wr_store_pool_take(x->app->pool, &st, err));
    wr_status s = wr_store_run_get(st, id, put_found, &f, &why);
    wr_store_pool_give(x->app->pool, st, s);
    if (s == WR_ENOTFOUND && is_job) {
        put_job(j, &job);
        return WR_OK;
    }
    return s == WR_OK ? s : wr_fail(err, s, "%s", why.msg);
}

/* Wait in slices, so that a drain is not held up by a long job. */
static wr_status wait_for(wr_exchange *x, const char *id, uint32_t wait_s,
                          wr_job_status *job, wr_err *err)
{
    int64_t end_us = wr_clock_mono_us() + (int64_t)wait_s * 1000000;
    for (;;) {
        wr_err slice = {0};
        wr_status s = wr_live_wait(x->app->live, id, WAIT_SLICE_MS, job, &slice);
        if (s != WR_ETIMEOUT)
            return s == WR_OK ? s : wr_fail(err, s, "%s", slice.msg);
        if (wr_clock_mono_us() > end_us || atomic_load(&x->service->is_draining))
            return WR_OK; /* job says that it still runs */
    }
}

static wr_status refuse_second(wr_exchange *x, const char *id, wr_err *err)
{
    wr_exchange_header(x, "Location", "/runs/%s", id);
    (void)wr_refuse(x, err, WR_PROBLEM_JOB_RUNS, "run %s is running", id);
    memcpy(x->problem.run_id, id, sizeof x->problem.run_id);
    return WR_ECONFLICT;
}

static wr_status start_job(wr_exchange *x, wr_job_kind kind, wr_err *err)
{
    bool is_wait = false;
    uint32_t wait_s = 60;
    wr_query_bool(x, "wait", &is_wait);
    wr_query_u32(x, "wait_s", 1, 600, &wait_s);
    if (wr_query_text(x, "wait_s").p && !is_wait)
        wr_request_note(x, "/query/wait_s", "conflict", "goes with wait=true only");
    WR_TRY(wr_request_check(x, err));

    char id[WR_RUN_ID_MAX + 1] = "";
    wr_err why = {0};
    wr_status s = wr_live_start(x->app->live, kind, id, &why);
    if (s == WR_ECONFLICT)
        return refuse_second(x, id, err);
    if (s != WR_OK)
        return wr_fail(err, s, "%s", why.msg);
    wr_job_status job = {.status = WR_RUN_RUNNING};
    if (is_wait)
        WR_TRY(wait_for(x, id, wait_s, &job, err));
    if (job.status == WR_RUN_FAILED) {
        memcpy(x->problem.run_id, id, sizeof x->problem.run_id);
        return wr_refuse(x, err, WR_PROBLEM_INTERNAL, "run %s has failed: %.200s", id,
                         job.error);
    }
    wr_exchange_header(x, "Location", "/runs/%s", id);
    wr_json_out j = wr_exchange_json(x);
    x->status = job.status == WR_RUN_COMPLETE ? 200 : 202;
    return put_any(x, &j, id, err);
}

wr_status wr_route_reload_graph(wr_exchange *x, wr_err *err)
{
    return start_job(x, WR_JOB_RELOAD, err);
}

wr_status wr_route_run_score(wr_exchange *x, wr_err *err)
{
    return start_job(x, WR_JOB_SCORE, err);
}

typedef struct run_page {
    wr_exchange *x;
    wr_json_out *j;
    uint32_t limit, count;
    char last[WR_RUN_ID_MAX + 1];
    bool is_more;
} run_page;

static wr_status put_listed(void *ctx, const wr_run *run, wr_err *err)
{
    run_page *p = ctx;
    if (p->count == p->limit) {
        p->is_more = true;
        return WR_OK;
    }
    p->count++;
    memcpy(p->last, run->id, sizeof p->last);
    wr_job_status job;
    const bool is_job = wr_live_job(p->x->app->live, run->id, &job, NULL) == WR_OK;
    found_run f = {.j = p->j, .job = is_job ? &job : NULL};
    return put_found(&f, run, err);
}

wr_status wr_route_runs(wr_exchange *x, wr_err *err)
{
    char before[WR_PAGE_PAYLOAD_MAX + 1] = "";
    run_page p = {.x = x, .limit = 100};
    wr_query_u32(x, "limit", 1, 1000, &p.limit);
    (void)wr_app_page(x, LIST, before);
    WR_TRY(wr_request_check(x, err));
    wr_json_out j = wr_exchange_json(x);
    p.j = &j;
    wr_json_open(&j, '{');
    wr_json_key(&j, "runs");
    wr_json_open(&j, '[');
    wr_store *st = NULL;
    WR_TRY(wr_store_pool_take(x->app->pool, &st, err));
    wr_status s = wr_store_run_list(st, before, p.limit + 1, put_listed, &p, err);
    wr_store_pool_give(x->app->pool, st, s);
    WR_TRY(s);
    wr_json_close(&j, ']');
    wr_app_next_page(&j, LIST, p.is_more ? p.last : NULL);
    wr_json_close(&j, '}');
    return WR_OK;
}

wr_status wr_route_run(wr_exchange *x, wr_err *err)
{
    char id[WR_RUN_ID_MAX + 1];
    wr_text t = x->path_param[0];
    bool is_id = t.len >= 1 && t.len <= WR_RUN_ID_MAX;
    for (uint32_t i = 0; i < t.len && is_id; i++)
        is_id = strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-",
                       t.p[i]) != NULL;
    if (!is_id)
        return wr_refuse(x, err, WR_PROBLEM_NOT_FOUND, "that is no run's id");
    memcpy(id, t.p, t.len);
    id[t.len] = '\0';
    wr_json_out j = wr_exchange_json(x);
    return put_any(x, &j, id, err);
}
