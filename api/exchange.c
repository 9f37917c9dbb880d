#include "api/exchange.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/blob.h"
#include "api/http_status.h"
#include "api/metrics.h"
#include "api/request.h"
#include "api/router.h"
#include "util/clock.h"
#include "util/log.h"

enum {
    ARENA_MAX_BYTES = 256 << 20,
    KEEP_BYTES = 256 << 10, /* buffers above this go back after the request */
    SLICE_BYTES = 128 << 10,
    HEAD_MAX_BYTES = 4096,
    LINGER_MS = 2000
};

wr_status wr_exchange_new(wr_exchange **out, wr_service *service, wr_metric_shard *shard,
                          wr_err *err)
{
    wr_exchange *x = wr_calloc(1, sizeof *x);
    if (!x)
        return wr_fail(err, WR_ENOMEM, "a worker's state");
    x->service = service;
    x->app = service->app;
    x->shard = shard;
    wr_buf_init(&x->out, WR_ANSWER_MAX_BYTES);
    wr_buf_init(&x->extra, WR_EXTRA_HEADERS_MAX);
    wr_buf_init(&x->body_buf, service->body_max_bytes);
    wr_buf_init(&x->send, HEAD_MAX_BYTES + WR_EXTRA_HEADERS_MAX);
    wr_arena_init(&x->arena, ARENA_MAX_BYTES);
    *out = x;
    return WR_OK;
}

void wr_exchange_free(wr_exchange *x)
{
    if (!x)
        return;
    wr_buf_release(&x->out);
    wr_buf_release(&x->extra);
    wr_buf_release(&x->body_buf);
    wr_buf_release(&x->send);
    wr_arena_release(&x->arena);
    if (x->blob != x->last.blob)
        wr_blob_unref(x->blob);
    wr_blob_unref(x->last.blob);
    wr_free(x);
}

void wr_exchange_header(wr_exchange *x, const char *name, const char *fmt, ...)
{
    char value[512];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(value, sizeof value, fmt, ap);
    va_end(ap);
    wr_buf_addf(&x->extra, "%s: %s\r\n", name, value);
}

wr_json_out wr_exchange_json(wr_exchange *x)
{
    x->status = 200;
    x->media_type = "application/json";
    return wr_json_out_on(&x->out);
}

wr_status wr_refuse(wr_exchange *x, wr_err *err, wr_problem_kind kind, const char *fmt,
                    ...)
{
    char detail[WR_ERR_MSG_MAX];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(detail, sizeof detail, fmt, ap);
    va_end(ap);
    wr_problem_set(&x->problem, kind, "%s", detail);
    return wr_fail(err, WR_EINVAL, "%.200s", detail);
}

/* --- clock -----------------------------------------------------------------------------
 */

static void format_http_date(char out[32], const char *iso, int64_t time_s)
{
    static const char days[] = "ThuFriSatSunMonTueWed"; /* 1970-01-01 was a Thursday */
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int month = (iso[5] - '0') * 10 + (iso[6] - '0') - 1;
    (void)snprintf(out, 32, "%.3s, %.2s %.3s %.4s %.8s GMT",
                   days + 3 * (time_s / 86400 % 7), iso + 8, months + 3L * month, iso,
                   iso + 11);
}

static void read_clock(wr_clock_text *c)
{
    int64_t us = wr_clock_wall_us();
    c->ms = (int)(us / 1000 % 1000);
    if (us / 1000000 == c->now_s)
        return;
    c->now_s = us / 1000000;
    wr_time_format(c->iso, c->now_s);
    c->iso[19] = '\0'; /* the Z follows the milliseconds */
    format_http_date(c->http, c->iso, c->now_s);
}

/* --- answer ----------------------------------------------------------------------------
 */

static void put_number(wr_buf *b, uint64_t v)
{
    char digits[20];
    size_t n = sizeof digits;
    do
        digits[--n] = (char)('0' + v % 10);
    while (v /= 10);
    wr_buf_add(b, digits + n, sizeof digits - n);
}

#define PUT(b, literal) wr_buf_add(b, literal, sizeof(literal) - 1)

/* By pieces, not by format: this and the log line were half of a short answer's time. */
static void put_head(wr_exchange *x, int status, const char *media_type, size_t len,
                     bool is_close)
{
    wr_buf *b = &x->send;
    wr_buf_clear(b);
    PUT(b, "HTTP/1.1 ");
    put_number(b, (uint64_t)status);
    PUT(b, " ");
    wr_buf_adds(b, wr_http_reason(status));
    PUT(b, "\r\nDate: ");
    wr_buf_adds(b, x->clock.http);
    PUT(b, "\r\nContent-Type: ");
    wr_buf_adds(b, media_type);
    PUT(b, "\r\nContent-Length: ");
    put_number(b, len);
    PUT(b, "\r\nX-Request-Id: ");
    wr_buf_adds(b, x->id);
    PUT(b,
        "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: ");
    wr_buf_adds(b, is_close ? "close\r\n" : "keep-alive\r\n");
    wr_buf_add(b, wr_buf_cstr(&x->extra), x->extra.len);
    PUT(b, "\r\n");
}

/* Write in slices, so that a reader who takes a little now and then does not last for
 * ever. */
static bool write_slices(wr_exchange *x, const wr_wire *wire, const char *p, size_t len)
{
    if (len == 0)
        return true;
    int64_t end_us = wr_clock_mono_us() + x->service->timeout_ms * 1000;
    while (len > 0) {
        size_t n = len < SLICE_BYTES ? len : SLICE_BYTES;
        if (wire->write(wire->ctx, p, n) != (int)n)
            return false;
        x->sent_bytes += n;
        p += n;
        len -= n;
        int64_t now_us = wr_clock_mono_us();
        if (now_us > end_us && len > 0)
            return false;
        end_us += 100000; /* a slice buys 100 ms: about 1 MB/s is always enough */
    }
    return true;
}

static bool send_answer(wr_exchange *x, const wr_wire *wire, bool is_close)
{
    const char *p = x->blob ? x->blob->bytes : wr_buf_cstr(&x->out);
    size_t len = x->blob ? x->blob->len : x->out.len;
    put_head(x, x->status, x->media_type, len, is_close);
    if (x->is_head)
        len = 0;
    if (x->send.status != WR_OK)
        return false; /* no memory for a head: the connection closes */
    const char *head = wr_buf_cstr(&x->send);
    size_t head_len = x->send.len;
    size_t n = wr_wire_write_now(wire, head, head_len, p, len);
    x->sent_bytes += n;
    size_t of_head = n < head_len ? n : head_len;
    size_t of_body = n - of_head;
    return write_slices(x, wire, head + of_head, head_len - of_head) &&
           write_slices(x, wire, p + of_body, len - of_body);
}

static void render_problem(wr_exchange *x, wr_status s, const wr_err *err)
{
    wr_problem *p = &x->problem;
    if (p->kind == WR_PROBLEM_NONE) {
        wr_problem_kind kind = wr_http_problem(s);
        bool is_inside = wr_problem_http_status(kind) >= 500;
        if (is_inside)
            wr_log(WR_LOG_ERROR, "request_failed", "id", x->id, "route",
                   x->route ? x->route->pattern : "none", "error", err->msg, NULL);
        wr_problem_set(p, kind, "%s",
                       is_inside ? "see the server's log under this request id"
                                 : err->msg);
    }
    if (!p->retry_after_s)
        p->retry_after_s = wr_http_retry_after_s(p->kind);
    if (p->retry_after_s)
        wr_exchange_header(x, "Retry-After", "%d", p->retry_after_s);
    wr_blob_unref(x->blob);
    x->blob = NULL;
    wr_buf_clear(&x->out);
    x->status = wr_problem_http_status(p->kind);
    x->media_type = "application/problem+json";
    wr_problem_write(&x->out, p, x->id);
}

/* --- request ---------------------------------------------------------------------------
 */

static wr_status find_route(wr_exchange *x, wr_err *err)
{
    wr_match m;
    const wr_service *sv = x->service;
    wr_router_match(&m, sv->table, sv->routes, x->head.method, x->head.path);
    if (!m.is_path_known)
        return wr_refuse(x, err, WR_PROBLEM_UNKNOWN_ROUTE, "see /openapi.yaml or /docs");
    if (!m.route) {
        wr_exchange_header(x, "Allow", "%s", m.allow);
        return wr_refuse(x, err, WR_PROBLEM_METHOD, "it has %s", m.allow);
    }
    x->route = m.route;
    x->route_index = (uint32_t)(m.route - sv->table);
    for (uint32_t i = 0; i < m.raw_count; i++) {
        wr_status s =
            wr_percent_decode(&x->path_param[i], &x->arena, m.raw[i], false, err);
        if (s == WR_EPARSE)
            return wr_refuse(x, err, WR_PROBLEM_BAD_REQUEST,
                             "the path holds a bad escape");
        WR_TRY(s);
    }
    return WR_OK;
}

static bool is_json_type(const char *t)
{
    static const char json[] = "application/json";
    size_t len = sizeof json - 1;
    return t && strncasecmp(t, json, len) == 0 &&
           (t[len] == '\0' || strchr("; \t", t[len]));
}

static wr_status read_request(wr_exchange *x, const wr_wire *wire, wr_err *err)
{
    const wr_head *h = &x->head;
    x->is_body_unread = h->is_chunked || h->body_bytes > 0;
    if (atomic_load_explicit(&x->service->is_draining, memory_order_relaxed))
        return wr_refuse(x, err, WR_PROBLEM_DRAINING, "ask another one, or again later");
    WR_TRY(find_route(x, err));
    if (x->route->media_type && !wr_guard_accepts(h->accept, x->route->media_type))
        return wr_refuse(x, err, WR_PROBLEM_NOT_ACCEPTABLE, "the answer is %s",
                         x->route->media_type);
    WR_TRY(wr_query_parse(x, err));
    if (!x->route->has_body) {
        if (x->is_body_unread)
            return wr_refuse(x, err, WR_PROBLEM_UNEXPECTED_BODY, "%s %s",
                             x->route->method, x->route->pattern);
        return WR_OK;
    }
    if (!is_json_type(h->content_type))
        return wr_refuse(x, err, WR_PROBLEM_MEDIA_TYPE,
                         "Content-Type must be application/json");
    return wr_request_read_body(x, wire, &x->body_buf, x->service->timeout_ms, err);
}

static void reset(wr_exchange *x)
{
    x->route = NULL;
    x->route_index = x->service->routes;
    x->query_count = 0;
    x->body = WR_TEXT_LIT(""); /* never absent, so nobody needs to ask */
    x->blob = NULL;
    x->sent_bytes = 0;
    x->is_head = x->is_body_unread = false;
    x->start_us = wr_clock_mono_us();
    read_clock(&x->clock);
    wr_problem_clear(&x->problem);
    wr_buf_clear(&x->extra);
    wr_buf_clear(&x->out);
    wr_buf_clear(&x->body_buf);
}

static void give_back(wr_exchange *x)
{
    if (x->blob != x->last.blob)
        wr_blob_unref(x->blob);
    x->blob = NULL;
    if (x->out.cap > KEEP_BYTES)
        wr_buf_release(&x->out);
    if (x->body_buf.cap > KEEP_BYTES)
        wr_buf_release(&x->body_buf);
    if (x->arena.used_bytes > 0)
        wr_arena_reset(&x->arena);
}

static void account(wr_exchange *x)
{
    int64_t us = wr_clock_mono_us() - x->start_us;
    if (x->shard)
        wr_metric_request(x->shard, x->route_index, x->status, us, x->sent_bytes);
    if (x->service->log)
        wr_access_log_add(
            x->service->log,
            &(wr_access_line){.time = x->clock.iso,
                              .ms = x->clock.ms,
                              .id = x->id,
                              .method = x->head.method ? x->head.method : "-",
                              .route = x->route ? x->route->pattern : "none",
                              .status = x->status,
                              .us = us,
                              .bytes = x->sent_bytes});
}

/*
 * A client that is still sending would lose the answer to a reset if the connection
 * closed now: take and drop what comes, for a while.
 */
static void linger(const wr_wire *wire, char *scratch, size_t len)
{
    int64_t end_us = wr_clock_mono_us() + LINGER_MS * 1000L;
    wr_wire_set_end(wire, end_us);
    while (wire->read(wire->ctx, scratch, len) > 0 && wr_clock_mono_us() < end_us) {
    }
    wr_wire_set_end(wire, 0);
}

wr_served wr_exchange_serve(wr_exchange *x, const wr_raw_request *raw,
                            const wr_wire *wire)
{
    wr_err err = {0};
    wr_status s = WR_EINVAL;
    reset(x);
    bool is_fit = wr_guard_check(&x->head, raw, &x->problem);
    wr_request_id(x->id, x->head.request_id);
    x->is_head = strcmp(raw->method, "HEAD") == 0;
    if (is_fit)
        s = read_request(x, wire, &err);
    if (s == WR_OK)
        s = x->route->handle(x, &err);
    if (s == WR_OK)
        s = wr_buf_status(&x->out, "answer", &err);
    if (s != WR_OK)
        render_problem(x, s, &err);

    bool is_waiting =
        x->is_body_unread && x->head.is_continue_expected; /* sends nothing */
    bool is_close = !is_fit || x->is_body_unread || x->head.is_close_asked ||
                    x->is_last_on_connection || x->problem.kind == WR_PROBLEM_DRAINING;
    bool is_sent = send_answer(x, wire, is_close);
    account(x);
    if (is_sent && x->is_body_unread && !is_waiting && is_fit) {
        char *scratch = wr_arena_alloc(&x->arena, SLICE_BYTES);
        if (scratch)
            linger(wire, scratch, SLICE_BYTES);
    }
    give_back(x);
    return is_sent && !is_close ? WR_SERVED_KEEP : WR_SERVED_CLOSE;
}

void wr_exchange_reject(wr_exchange *x, wr_problem_kind kind, const char *detail,
                        const wr_wire *wire)
{
    reset(x);
    x->head = (wr_head){.is_close_asked = true};
    wr_request_id(x->id, NULL);
    wr_problem_set(&x->problem, kind, "%s", detail);
    wr_err err = {0};
    render_problem(x, WR_EINVAL, &err);
    (void)send_answer(x, wire, true);
    account(x);
    give_back(x);
}
