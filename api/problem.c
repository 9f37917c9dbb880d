#include "api/problem.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

static const struct {
    int status;
    const char *code, *title;
} kinds[WR_PROBLEM_KIND_COUNT] = {
    [WR_PROBLEM_BAD_REQUEST] = {400, "bad_request", "The request is malformed"},
    [WR_PROBLEM_UNKNOWN_PARAMETER] = {400, "unknown_parameter",
                                      "A query parameter is not one of this route"},
    [WR_PROBLEM_MALFORMED_JSON] = {400, "malformed_json", "The body is not JSON"},
    [WR_PROBLEM_UNEXPECTED_BODY] = {400, "unexpected_body", "This route takes no body"},
    [WR_PROBLEM_FOREIGN_ORIGIN] = {403, "foreign_origin",
                                   "Pages of other origins may not use this server"},
    [WR_PROBLEM_UNKNOWN_ROUTE] = {404, "unknown_route", "There is no such route"},
    [WR_PROBLEM_NOT_FOUND] = {404, "not_found", "There is no such thing"},
    [WR_PROBLEM_METHOD] = {405, "method_not_allowed", "The route has no such method"},
    [WR_PROBLEM_NOT_ACCEPTABLE] = {406, "not_acceptable",
                                   "The answer has no media type that Accept allows"},
    [WR_PROBLEM_SLOW_REQUEST] = {408, "slow_request", "The body did not arrive in time"},
    [WR_PROBLEM_CONFLICT] = {409, "conflict", "It contradicts what is stored"},
    [WR_PROBLEM_JOB_RUNS] = {409, "job_runs", "One job runs already"},
    [WR_PROBLEM_LENGTH] = {411, "length_required", "The length of the body is unclear"},
    [WR_PROBLEM_TOO_LARGE] = {413, "too_large", "The body is over a cap"},
    [WR_PROBLEM_TARGET_LENGTH] = {414, "target_too_long", "The URL is too long"},
    [WR_PROBLEM_MEDIA_TYPE] = {415, "media_type",
                               "The body is not of a known media type"},
    [WR_PROBLEM_EXPECTATION] = {417, "expectation", "Only 100-continue can be expected"},
    [WR_PROBLEM_FOREIGN_HOST] = {421, "foreign_host", "Host is not a loopback name"},
    [WR_PROBLEM_INVALID] = {422, "invalid", "A value is wrong"},
    [WR_PROBLEM_HEADER_LENGTH] = {431, "headers_too_large", "The headers are too large"},
    [WR_PROBLEM_INTERNAL] = {500, "internal", "The server is at fault"},
    [WR_PROBLEM_NO_MEMORY] = {503, "no_memory", "The server is out of memory"},
    [WR_PROBLEM_NOT_IMPLEMENTED] = {501, "not_implemented", "The method is unknown"},
    [WR_PROBLEM_STORE] = {503, "store", "The store does not answer"},
    [WR_PROBLEM_BUSY] = {503, "busy", "Something else is using what is needed"},
    [WR_PROBLEM_NOT_READY] = {503, "not_ready", "Nothing is loaded yet"},
    [WR_PROBLEM_NOT_INSTALLED] = {503, "not_installed", "A part is not installed"},
    [WR_PROBLEM_DRAINING] = {503, "draining", "The server is shutting down"},
    [WR_PROBLEM_HTTP_VERSION] = {505, "http_version", "HTTP 1.0 and 1.1 are served"},
};

void wr_problem_clear(wr_problem *p)
{
    p->kind = WR_PROBLEM_NONE;
    p->detail[0] = '\0';
    p->run_id[0] = '\0';
    p->retry_after_s = 0;
    p->item_count = 0;
}

void wr_problem_set(wr_problem *p, wr_problem_kind kind, const char *fmt, ...)
{
    assert(kind > WR_PROBLEM_NONE && kind < WR_PROBLEM_KIND_COUNT);
    if (p->kind != WR_PROBLEM_NONE)
        return;
    p->kind = kind;
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(p->detail, sizeof p->detail, fmt, ap);
    va_end(ap);
}

void wr_problem_add(wr_problem *p, const char *pointer, const char *code,
                    const char *detail)
{
    if (p->item_count == WR_PROBLEM_ITEM_MAX)
        return;
    wr_problem_item *it = &p->item[p->item_count++];
    (void)snprintf(it->pointer, sizeof it->pointer, "%s", pointer);
    (void)snprintf(it->code, sizeof it->code, "%s", code);
    (void)snprintf(it->detail, sizeof it->detail, "%s", detail);
}

int wr_problem_http_status(wr_problem_kind kind)
{
    assert(kind > WR_PROBLEM_NONE && kind < WR_PROBLEM_KIND_COUNT);
    return kinds[kind].status;
}

const char *wr_problem_code(wr_problem_kind kind)
{
    assert(kind > WR_PROBLEM_NONE && kind < WR_PROBLEM_KIND_COUNT);
    return kinds[kind].code;
}

void wr_problem_write(wr_buf *out, const wr_problem *p, const char *request_id)
{
    wr_json_out j = wr_json_out_on(out);
    char urn[96];
    wr_json_open(&j, '{');
    (void)snprintf(urn, sizeof urn, "urn:walletrisk:problem:%s", kinds[p->kind].code);
    wr_json_kv_cstr(&j, "type", urn);
    wr_json_kv_cstr(&j, "title", kinds[p->kind].title);
    wr_json_kv_i64(&j, "status", kinds[p->kind].status);
    wr_json_kv_cstr(&j, "detail", p->detail);
    (void)snprintf(urn, sizeof urn, "urn:walletrisk:request:%s", request_id);
    wr_json_kv_cstr(&j, "instance", urn);
    wr_json_kv_cstr(&j, "code", kinds[p->kind].code);
    if (p->run_id[0])
        wr_json_kv_cstr(&j, "run_id", p->run_id);
    wr_json_key(&j, "errors");
    wr_json_open(&j, '[');
    for (uint32_t i = 0; i < p->item_count; i++) {
        wr_json_open(&j, '{');
        wr_json_kv_cstr(&j, "pointer", p->item[i].pointer);
        wr_json_kv_cstr(&j, "code", p->item[i].code);
        wr_json_kv_cstr(&j, "detail", p->item[i].detail);
        wr_json_close(&j, '}');
    }
    wr_json_close(&j, ']');
    wr_json_close(&j, '}');
}
