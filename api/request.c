#include "api/request.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "api/router.h"
#include "model/amount.h"
#include "util/clock.h"

enum { QUOTE_BYTES = 60, READ_BYTES = 65536 };

static bool is_known(const wr_route *r, wr_text name)
{
    for (uint32_t i = 0; i < WR_ROUTE_PARAM_MAX && r->param[i]; i++)
        if (wr_text_eq(name, wr_text_of(r->param[i])))
            return true;
    return false;
}

static wr_status refuse_param(wr_exchange *x, wr_text name, const char *code,
                              const char *detail, wr_err *err)
{
    char pointer[WR_POINTER_TEXT_MAX + 1];
    int len = (int)(name.len < QUOTE_BYTES ? name.len : QUOTE_BYTES);
    (void)snprintf(pointer, sizeof pointer, "/query/%.*s", len, name.p);
    wr_problem_add(&x->problem, pointer, code, detail);
    return wr_refuse(x, err, WR_PROBLEM_UNKNOWN_PARAMETER, "%s parameter '%.*s'", code,
                     len, name.p);
}

static wr_status add_param(wr_exchange *x, wr_query_param q, wr_err *err)
{
    if (!is_known(x->route, q.name))
        return refuse_param(x, q.name, "unknown", "not a parameter of this route", err);
    for (uint32_t i = 0; i < x->query_count; i++)
        if (wr_text_eq(x->query[i].name, q.name))
            return refuse_param(x, q.name, "repeated", "given more than once", err);
    if (x->query_count == WR_QUERY_PARAM_MAX) /* more than any route knows */
        return wr_refuse(x, err, WR_PROBLEM_BAD_REQUEST, "too many parameters");
    x->query[x->query_count++] = q;
    return WR_OK;
}

wr_status wr_query_parse(wr_exchange *x, wr_err *err)
{
    x->query_count = 0;
    const char *p = x->head.query;
    while (p && *p) {
        uint32_t item = (uint32_t)strcspn(p, "&");
        uint32_t name = (uint32_t)strcspn(p, "=&");
        if (item > 0) {
            wr_query_param q;
            wr_text raw_name = {.p = p, .len = name};
            wr_text raw_value = {.p = p + name + (name < item),
                                 .len = item - name - (name < item)};
            wr_status s = wr_percent_decode(&q.name, &x->arena, raw_name, true, err);
            if (s == WR_OK)
                s = wr_percent_decode(&q.value, &x->arena, raw_value, true, err);
            if (s == WR_EPARSE)
                wr_problem_set(&x->problem, WR_PROBLEM_BAD_REQUEST, "query: %s",
                               err ? err->msg : "");
            WR_TRY(s);
            WR_TRY(add_param(x, q, err));
        }
        p += item + (p[item] == '&');
    }
    return WR_OK;
}

wr_text wr_query_text(const wr_exchange *x, const char *name)
{
    for (uint32_t i = 0; i < x->query_count; i++)
        if (wr_text_eq(x->query[i].name, wr_text_of(name)))
            return x->query[i].value;
    return (wr_text){0};
}

void wr_request_note(wr_exchange *x, const char *pointer, const char *code,
                     const char *fmt, ...)
{
    char detail[WR_ERR_MSG_MAX];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(detail, sizeof detail, fmt, ap);
    va_end(ap);
    wr_problem_add(&x->problem, pointer, code, detail);
}

static void note_query(wr_exchange *x, const char *name, const char *code, wr_text value,
                       const char *wanted)
{
    char pointer[WR_POINTER_TEXT_MAX + 1];
    (void)snprintf(pointer, sizeof pointer, "/query/%s", name);
    int len = (int)(value.len < QUOTE_BYTES ? value.len : QUOTE_BYTES);
    wr_request_note(x, pointer, code, "'%.*s' is not %s", len, value.p ? value.p : "",
                    wanted);
}

wr_text wr_query_bounded(wr_exchange *x, const char *name, uint32_t max_bytes)
{
    wr_text t = wr_query_text(x, name);
    if (t.p && (t.len == 0 || t.len > max_bytes)) {
        char wanted[48];
        (void)snprintf(wanted, sizeof wanted, "1..%u bytes long", max_bytes);
        note_query(x, name, "range", t, wanted);
        return (wr_text){0};
    }
    return t;
}

void wr_query_u32(wr_exchange *x, const char *name, uint32_t min, uint32_t max,
                  uint32_t *value)
{
    wr_text t = wr_query_text(x, name);
    if (!t.p)
        return;
    uint64_t v = 0;
    bool is_number = t.len > 0 && t.len <= 10;
    for (uint32_t i = 0; i < t.len && is_number; i++) {
        is_number = t.p[i] >= '0' && t.p[i] <= '9';
        v = v * 10 + (uint64_t)(t.p[i] - '0');
    }
    if (is_number && v >= min && v <= max) {
        *value = (uint32_t)v;
        return;
    }
    char wanted[64];
    (void)snprintf(wanted, sizeof wanted, "a whole number in %u..%u", min, max);
    note_query(x, name, is_number ? "range" : "syntax", t, wanted);
}

void wr_query_f64(wr_exchange *x, const char *name, double min, double max, double *value)
{
    wr_text t = wr_query_text(x, name);
    if (!t.p)
        return;
    double v = 0.0;
    bool is_number = wr_number_parse(&v, t, NULL) == WR_OK;
    if (is_number && v >= min && v <= max) {
        *value = v;
        return;
    }
    char wanted[64];
    (void)snprintf(wanted, sizeof wanted, "a number in %g..%g", min, max);
    note_query(x, name, is_number ? "range" : "syntax", t, wanted);
}

void wr_query_bool(wr_exchange *x, const char *name, bool *value)
{
    int choice = *value;
    wr_query_choice(x, name, "false|true", &choice);
    *value = choice == 1;
}

void wr_query_choice(wr_exchange *x, const char *name, const char *choices, int *value)
{
    wr_text t = wr_query_text(x, name);
    if (!t.p)
        return;
    int index = 0;
    for (const char *p = choices; *p; index++) {
        uint32_t len = (uint32_t)strcspn(p, "|");
        if (wr_text_eq(t, (wr_text){.p = p, .len = len})) {
            *value = index;
            return;
        }
        p += len + (p[len] == '|');
    }
    char wanted[80];
    (void)snprintf(wanted, sizeof wanted, "one of %s", choices);
    note_query(x, name, "invalid", t, wanted);
}

void wr_query_time(wr_exchange *x, const char *name, int64_t *time_s)
{
    wr_text t = wr_query_text(x, name);
    if (t.p && (t.len > 40 || wr_time_parse(time_s, t, NULL) != WR_OK))
        note_query(x, name, "syntax", t, "an RFC 3339 time");
}

wr_status wr_request_check(wr_exchange *x, wr_err *err)
{
    if (x->problem.item_count == 0)
        return WR_OK;
    const wr_problem_item *first = &x->problem.item[0];
    wr_problem_set(&x->problem, WR_PROBLEM_INVALID, "%s: %.280s", first->pointer,
                   first->detail);
    return wr_fail(err, WR_EINVAL, "%s: %.200s", first->pointer, first->detail);
}

void wr_request_id(char out[WR_REQUEST_ID_MAX + 1], const char *from_client)
{
    static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             "0123456789._-";
    if (from_client) {
        size_t len = strlen(from_client);
        if (len > 0 && len <= WR_REQUEST_ID_MAX && strspn(from_client, ok) == len) {
            memcpy(out, from_client, len + 1);
            return;
        }
    }
    /* one getrandom per thread: a random start, then a counter mixed over 64 bits */
    static _Thread_local uint64_t state;
    if (state == 0 && getrandom(&state, sizeof state, 0) != (ssize_t)sizeof state)
        state = (uint64_t)wr_clock_mono_us() ^ (uint64_t)(uintptr_t)&state;
    uint64_t z = state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    z ^= z >> 31;
    static const char hex[] = "0123456789abcdef";
    for (int i = 15; i >= 0; i--, z >>= 4)
        out[i] = hex[z & 15];
    out[16] = '\0';
}

static wr_status answer_continue(wr_exchange *x, const wr_wire *wire, wr_err *err)
{
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
    int len = (int)sizeof line - 1;
    if (wire->write(wire->ctx, line, (size_t)len) != len)
        return wr_refuse(x, err, WR_PROBLEM_BAD_REQUEST, "the connection broke off");
    return WR_OK;
}

static wr_status read_pieces(wr_exchange *x, const wr_wire *wire, wr_buf *into,
                             int64_t wait_ms, wr_err *err)
{
    const wr_head *h = &x->head;
    int64_t end_us = wr_clock_mono_us() + wait_ms * 1000;
    char *chunk = wr_arena_alloc(&x->arena, READ_BYTES);
    if (!chunk)
        return wr_fail(err, WR_ENOMEM, "%d bytes to read into", (int)READ_BYTES);
    wr_wire_set_end(wire, end_us);
    for (;;) {
        int n = wire->read(wire->ctx, chunk, READ_BYTES);
        if (n > 0) {
            wr_buf_add(into, chunk, (size_t)n);
            if (into->status == WR_ELIMIT)
                return wr_refuse(x, err, WR_PROBLEM_TOO_LARGE,
                                 "over %zu bytes, which is the most that is taken",
                                 into->max);
            WR_TRY(wr_buf_status(into, "body", err));
        }
        bool is_whole = !h->is_chunked && into->len == (size_t)h->body_bytes;
        if (is_whole || (n == 0 && h->is_chunked))
            return WR_OK;
        if (wr_clock_mono_us() > end_us)
            return wr_refuse(x, err, WR_PROBLEM_SLOW_REQUEST,
                             "%zu bytes in %" PRId64 " ms", into->len, wait_ms);
        if (n <= 0)
            return wr_refuse(x, err, WR_PROBLEM_BAD_REQUEST,
                             "the body broke off after %zu bytes", into->len);
    }
}

wr_status wr_request_read_body(wr_exchange *x, const wr_wire *wire, wr_buf *into,
                               int64_t wait_ms, wr_err *err)
{
    wr_head *h = &x->head;
    x->is_body_unread = h->is_chunked || h->body_bytes > 0;
    if (h->body_bytes > 0 && (uint64_t)h->body_bytes > into->max)
        return wr_refuse(x, err, WR_PROBLEM_TOO_LARGE,
                         "%" PRId64 " bytes, at most %zu are taken", h->body_bytes,
                         into->max);
    if (!x->is_body_unread)
        return WR_OK;
    if (h->is_continue_expected)
        WR_TRY(answer_continue(x, wire, err));
    h->is_continue_expected = false; /* from now on the client sends */
    wr_status s = read_pieces(x, wire, into, wait_ms, err);
    wr_wire_set_end(wire, 0);
    WR_TRY(s);
    x->is_body_unread = false;
    if (into->len > UINT32_MAX)
        return wr_refuse(x, err, WR_PROBLEM_TOO_LARGE, "over 4 GiB");
    x->body = (wr_text){.p = wr_buf_cstr(into), .len = (uint32_t)into->len};
    return WR_OK;
}

wr_status wr_json_check_bounds(const char *json, size_t len, uint32_t depth_max,
                               uint64_t values_max, wr_err *err)
{
    uint32_t depth = 0;
    uint64_t values = 1;
    bool is_text = false;
    for (size_t i = 0; i < len; i++) {
        char c = json[i];
        if (is_text) {
            i += c == '\\';
            is_text = c != '"';
            continue;
        }
        is_text = c == '"';
        if (c == '[' || c == '{') {
            if (++depth > depth_max)
                return wr_fail(err, WR_ELIMIT, "nested deeper than %u", depth_max);
        } else if (c == ']' || c == '}') {
            depth -= depth > 0;
        } else if (c == ',' && ++values > values_max) {
            return wr_fail(err, WR_ELIMIT, "over %" PRIu64 " values", values_max);
        }
    }
    return WR_OK;
}
