/* One request's whole life over arrays instead of a socket, with routes of its own. */
#include "api/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/blob.h"
#include "api/metrics.h"
#include "api/request.h"
#include "wr_test.h"

static wr_status say_hello(wr_exchange *x, wr_err *err)
{
    (void)err;
    wr_json_out j = wr_exchange_json(x);
    wr_json_cstr(&j, "hello");
    wr_exchange_header(x, "X-Extra", "%d", 7);
    return WR_OK;
}

static wr_status echo(wr_exchange *x, wr_err *err)
{
    (void)err;
    x->status = 201;
    x->media_type = "application/json";
    wr_buf_add(&x->out, x->body.p, x->body.len);
    return WR_OK;
}

static wr_status fail_inside(wr_exchange *x, wr_err *err)
{
    wr_buf_adds(&x->out, "half an answer");
    return wr_fail(err, WR_EIO, "secret of the database");
}

static wr_status fail_search(wr_exchange *x, wr_err *err)
{
    (void)x;
    return wr_fail(err, WR_ENOTFOUND, "no wallet 12");
}

static wr_status say_param(wr_exchange *x, wr_err *err)
{
    (void)err;
    wr_json_out j = wr_exchange_json(x);
    wr_json_text(&j, x->path_param[0]);
    return WR_OK;
}

static wr_status say_much(wr_exchange *x, wr_err *err)
{
    (void)err;
    x->status = 200;
    x->media_type = "text/plain";
    for (int i = 0; i < 100000; i++)
        wr_buf_adds(&x->out, "0123456789");
    return WR_OK;
}

static wr_status say_blob(wr_exchange *x, wr_err *err)
{
    x->status = 200;
    x->media_type = "application/json";
    return wr_blob_new(&x->blob, "[1]", 3, err);
}

static const wr_route table[] = {
    {"GET", "/hello", say_hello, false, "application/json", {"a"}},
    {"POST", "/echo", echo, true, "application/json", {NULL}},
    {"GET", "/fail", fail_inside, false, NULL, {NULL}},
    {"GET", "/search", fail_search, false, NULL, {NULL}},
    {"GET", "/param/{p}", say_param, false, NULL, {NULL}},
    {"GET", "/much", say_much, false, NULL, {NULL}},
    {"GET", "/blob", say_blob, false, NULL, {NULL}},
};
enum { HELLO, ECHO, FAIL, SEARCH, PARAM, MUCH, BLOB, ROUTES };

/* --- a client --------------------------------------------------------------------------
 */

typedef struct client {
    wr_service service;
    wr_metric_shard shard;
    wr_exchange *x;
    const char *body;
    size_t body_at;
    int writes, writes_allowed; /* < 0: all */
    size_t now_max;             /* of one write_now */
    wr_buf got;
    wr_served served;
} client;

static int client_read(void *ctx, void *buf, size_t len)
{
    client *c = ctx;
    size_t n = c->body ? strlen(c->body) - c->body_at : 0;
    n = n < len ? n : len;
    if (n)
        memcpy(buf, c->body + c->body_at, n);
    c->body_at += n;
    return (int)n;
}

static int client_write(void *ctx, const void *bytes, size_t len)
{
    client *c = ctx;
    if (c->writes_allowed >= 0 && c->writes >= c->writes_allowed)
        return -1;
    c->writes++;
    wr_buf_add(&c->got, bytes, len);
    return (int)len;
}

static size_t client_write_now(void *ctx, const void *head, size_t head_len,
                               const void *body, size_t body_len)
{
    client *c = ctx;
    size_t of_head = head_len < c->now_max ? head_len : c->now_max;
    size_t room = c->now_max - of_head;
    size_t of_body = body_len < room ? body_len : room;
    wr_buf_add(&c->got, head, of_head);
    if (of_body)
        wr_buf_add(&c->got, body, of_body);
    return of_head + of_body;
}

static client *client_new(void)
{
    client *c = wr_calloc(1, sizeof *c);
    assert_non_null(c);
    c->service = (wr_service){
        .table = table, .routes = ROUTES, .body_max_bytes = 100, .timeout_ms = 1000};
    c->writes_allowed = -1;
    c->now_max = SIZE_MAX;
    wr_buf_init(&c->got, 8 << 20);
    assert_ok(wr_exchange_new(&c->x, &c->service, &c->shard, &err));
    return c;
}

static void client_free(client *c)
{
    wr_exchange_free(c->x);
    wr_buf_release(&c->got);
    wr_free(c);
}

/* headers: "Name\0value\0…" as pairs, ended by NULL */
static const char *ask(client *c, const char *method, const char *target,
                       const char *body, const char *const *pairs)
{
    char path[256];
    wr_raw_header header[8] = {{"Host", "127.0.0.1:1"}};
    char length[24];
    (void)snprintf(path, sizeof path, "%s", target);
    char *query = strchr(path, '?');
    if (query)
        *query++ = '\0';
    wr_raw_request raw = {.method = method,
                          .version = "1.1",
                          .path = path,
                          .query = query,
                          .header = header,
                          .header_count = 1};
    if (body) {
        (void)snprintf(length, sizeof length, "%zu", strlen(body));
        header[raw.header_count++] = (wr_raw_header){"Content-Length", length};
    }
    for (; pairs && pairs[0]; pairs += 2)
        header[raw.header_count++] = (wr_raw_header){pairs[0], pairs[1]};
    wr_buf_clear(&c->got);
    c->body = body;
    c->body_at = 0;
    c->writes = 0;
    const wr_wire wire = {.read = client_read,
                          .write = client_write,
                          .write_now = client_write_now,
                          .ctx = c};
    c->served = wr_exchange_serve(c->x, &raw, &wire);
    return wr_buf_cstr(&c->got);
}

static void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("no '%s' in:\n%.900s", part, text);
}

static const char *body_of(const char *answer)
{
    const char *p = strstr(answer, "\r\n\r\n");
    assert_non_null(p);
    return p + 4;
}

/* --- tests -----------------------------------------------------------------------------
 */

static void test_serve__answer_and_head(void **state)
{
    (void)state;
    client *c = client_new();
    const char *a = ask(c, "GET", "/hello?a=1", NULL,
                        (const char *const[]){"X-Request-Id", "me", NULL});
    assert_has(a, "HTTP/1.1 200 OK\r\nDate: ");
    assert_has(a, " GMT\r\n");
    assert_has(a, "Content-Type: application/json\r\nContent-Length: 7\r\n");
    assert_has(a, "X-Request-Id: me\r\n");
    assert_has(a, "X-Extra: 7\r\n");
    assert_has(a, "Cache-Control: no-store\r\n");
    assert_has(a, "Connection: keep-alive\r\n");
    assert_string_equal(body_of(a), "\"hello\"");
    assert_int_equal(c->served, WR_SERVED_KEEP);
    assert_int_equal(c->writes, 0); /* head and body went out at once */
    assert_int_equal(c->x->sent_bytes, strlen(a));

    a = ask(c, "HEAD", "/hello", NULL, NULL);
    assert_has(a, "Content-Length: 7\r\n");
    assert_string_equal(body_of(a), "");
    client_free(c);
}

static void test_serve__date_is_now(void **state)
{
    (void)state;
    client *c = client_new();
    struct tm tm = {0};
    time_t before = time(NULL);
    const char *a = ask(c, "GET", "/hello", NULL, NULL);
    const char *date = strstr(a, "Date: ");
    assert_non_null(date);
    assert_non_null(strptime(date + 6, "%a, %d %b %Y %H:%M:%S GMT", &tm));
    int weekday = tm.tm_wday;
    time_t said = timegm(&tm); /* sets tm_wday to the true one */
    assert_int_equal(weekday, tm.tm_wday);
    assert_in_range(said, before, time(NULL));
    client_free(c);
}

static void test_serve__path_parameter(void **state)
{
    (void)state;
    client *c = client_new();
    assert_string_equal(body_of(ask(c, "GET", "/param/a%2Fb", NULL, NULL)), "\"a/b\"");
    assert_has(ask(c, "GET", "/param/a%", NULL, NULL), "HTTP/1.1 400 ");
    client_free(c);
}

static void test_serve__protocol_refusals(void **state)
{
    (void)state;
    client *c = client_new();
    assert_has(ask(c, "GET", "/nowhere", NULL, NULL), "HTTP/1.1 404 Not Found\r\n");
    assert_has(ask(c, "PUT", "/hello", NULL, NULL), "Allow: GET, HEAD\r\n");
    assert_has(wr_buf_cstr(&c->got), "HTTP/1.1 405 ");
    assert_has(ask(c, "GET", "/hello?b=1", NULL, NULL), "\"pointer\":\"/query/b\"");
    assert_has(
        ask(c, "GET", "/hello", NULL, (const char *const[]){"Accept", "text/html", NULL}),
        "HTTP/1.1 406 ");
    assert_has(
        ask(c, "GET", "/hello", NULL, (const char *const[]){"Origin", "null", NULL}),
        "HTTP/1.1 403 ");
    assert_has(wr_buf_cstr(&c->got), "Content-Type: application/problem+json\r\n");
    assert_has(wr_buf_cstr(&c->got), "Connection: close\r\n");
    assert_int_equal(c->served, WR_SERVED_CLOSE);
    client_free(c);
}

static const char *const json[] = {"Content-Type", "application/json; charset=utf-8",
                                   NULL};

static void test_serve__body(void **state)
{
    (void)state;
    client *c = client_new();
    const char *a = ask(c, "POST", "/echo", "{\"a\":1}", json);
    assert_has(a, "HTTP/1.1 201 Created\r\n");
    assert_string_equal(body_of(a), "{\"a\":1}");
    assert_int_equal(c->served, WR_SERVED_KEEP);
    assert_has(ask(c, "POST", "/echo", "{}", NULL), "HTTP/1.1 415 ");
    assert_int_equal(c->served, WR_SERVED_CLOSE); /* the body was not taken */
    assert_has(ask(c, "POST", "/echo", "{}",
                   (const char *const[]){"Content-Type", "application/jsonx", NULL}),
               "HTTP/1.1 415 ");
    assert_has(ask(c, "GET", "/hello", "surprise", NULL), "\"code\":\"unexpected_body\"");
    char big[102];
    memset(big, 'x', 101);
    big[101] = '\0';
    assert_has(ask(c, "POST", "/echo", big, json), "HTTP/1.1 413 ");
    assert_int_equal(c->served, WR_SERVED_CLOSE);
    client_free(c);
}

static void test_serve__errors_of_handlers(void **state)
{
    (void)state;
    client *c = client_new();
    const char *a = ask(c, "GET", "/fail", NULL, NULL);
    assert_has(a, "HTTP/1.1 503 ");
    assert_has(a, "Retry-After: 1\r\n");
    assert_null(strstr(a, "secret")); /* what is inside goes to the log */
    assert_null(strstr(a, "half"));
    a = ask(c, "GET", "/search", NULL, NULL);
    assert_has(a, "HTTP/1.1 404 ");
    assert_has(a, "no wallet 12");
    assert_int_equal(c->served, WR_SERVED_KEEP);
    client_free(c);
}

static void test_serve__nothing_is_left_for_the_next_request(void **state)
{
    (void)state;
    client *c = client_new();
    (void)ask(c, "GET", "/hello?b=1", NULL, NULL);
    (void)ask(c, "PUT", "/hello", NULL, NULL);
    const char *a = ask(c, "GET", "/hello", NULL, NULL);
    assert_has(a, "HTTP/1.1 200 ");
    assert_null(strstr(a, "Allow"));
    assert_string_equal(body_of(a), "\"hello\"");
    client_free(c);
}

static void test_serve__large_answer_in_slices(void **state)
{
    (void)state;
    client *c = client_new();
    c->now_max = 0; /* its buffer is full */
    const char *a = ask(c, "GET", "/much", NULL, NULL);
    assert_has(a, "Content-Length: 1000000\r\n");
    assert_int_equal(strlen(body_of(a)), 1000000);
    assert_true(c->writes > 2);
    assert_true(c->x->out.cap < 1000000); /* given back */
    c->writes_allowed = 3;                /* the client goes away */
    (void)ask(c, "GET", "/much", NULL, NULL);
    assert_int_equal(c->served, WR_SERVED_CLOSE);
    client_free(c);
}

/* However much goes at once, the rest follows and nothing twice. */
static void test_serve__answer_taken_in_parts(void **state)
{
    (void)state;
    client *c = client_new();
    char whole[512];
    const char *id[] = {"X-Request-Id", "me", NULL};
    const char *a = ask(c, "GET", "/hello", NULL, id);
    size_t len = strlen(a);
    assert_true(len < sizeof whole);
    memcpy(whole, a, len + 1);
    for (c->now_max = 0; c->now_max <= len; c->now_max++) {
        a = ask(c, "GET", "/hello", NULL, id);
        assert_int_equal(strlen(a), len);
        assert_string_equal(body_of(a), body_of(whole));
        assert_int_equal(c->x->sent_bytes, len);
        assert_int_equal(c->served, WR_SERVED_KEEP);
    }
    client_free(c);
}

static void test_serve__shared_blob(void **state)
{
    (void)state;
    client *c = client_new();
    assert_string_equal(body_of(ask(c, "GET", "/blob", NULL, NULL)), "[1]");
    assert_null(c->x->blob);
    client_free(c);
}

static void test_serve__connection_close(void **state)
{
    (void)state;
    client *c = client_new();
    (void)ask(c, "GET", "/hello", NULL,
              (const char *const[]){"Connection", "close", NULL});
    assert_has(wr_buf_cstr(&c->got), "Connection: close\r\n");
    assert_int_equal(c->served, WR_SERVED_CLOSE);
    c->x->is_last_on_connection = true;
    (void)ask(c, "GET", "/hello", NULL, NULL);
    assert_int_equal(c->served, WR_SERVED_CLOSE);
    client_free(c);
}

static void test_serve__draining(void **state)
{
    (void)state;
    client *c = client_new();
    atomic_store(&c->service.is_draining, true);
    const char *a = ask(c, "GET", "/hello", NULL, NULL);
    assert_has(a, "HTTP/1.1 503 ");
    assert_has(a, "\"code\":\"draining\"");
    assert_has(a, "Connection: close\r\n");
    client_free(c);
}

static void test_serve__counts_by_route_and_status(void **state)
{
    (void)state;
    client *c = client_new();
    (void)ask(c, "GET", "/hello", NULL, NULL);
    (void)ask(c, "GET", "/hello", NULL, NULL);
    (void)ask(c, "GET", "/hello?b=1", NULL, NULL);
    (void)ask(c, "GET", "/nowhere", NULL, NULL);
    wr_buf out;
    wr_buf_init(&out, 1 << 20);
    wr_metric_shard *shards[] = {NULL, &c->shard};
    wr_metric_write_requests(&out, shards, 2, table, ROUTES);
    assert_has(out.p, "walletrisk_http_requests_total{method=\"GET\",route=\"/hello\","
                      "status=\"200\"} 2\n");
    assert_has(out.p, "route=\"/hello\",status=\"400\"} 1\n");
    assert_has(out.p, "{method=\"any\",route=\"none\",status=\"404\"} 1\n");
    assert_has(out.p, "_count{method=\"GET\",route=\"/hello\"} 3\n");
    wr_buf_release(&out);
    client_free(c);
}

static void test_reject__unparsed(void **state)
{
    (void)state;
    client *c = client_new();
    const wr_wire wire = {.read = client_read, .write = client_write, .ctx = c};
    wr_exchange_reject(c->x, WR_PROBLEM_HEADER_LENGTH, "too much", &wire);
    assert_has(wr_buf_cstr(&c->got), "HTTP/1.1 431 ");
    assert_has(wr_buf_cstr(&c->got), "Connection: close\r\n");
    client_free(c);
}

static void test_log__one_line_per_request_without_addresses(void **state)
{
    (void)state;
    client *c = client_new();
    char path[] = "/tmp/wr_access_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_ok(wr_access_log_open(&c->service.log, fd, &err));
    (void)ask(c, "GET", "/param/0xdeadbeef", NULL,
              (const char *const[]){"X-Request-Id", "abc", NULL});
    (void)ask(c, "GET", "/nowhere/0xdeadbeef", NULL, NULL);
    wr_access_log_close(c->service.log);
    char text[1024] = "";
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    assert_true(n > 0);
    assert_has(text, "Z info request id=abc method=GET route=/param/{p} status=200 ms=");
    assert_has(text, "route=none status=404 ms=");
    assert_null(strstr(text, "deadbeef"));
    size_t lines = 0;
    for (const char *p = text; *p; p++)
        lines += *p == '\n';
    assert_int_equal(lines, 2);
    (void)close(fd);
    (void)unlink(path);
    client_free(c);
}

static wr_status new_once(wr_err *err)
{
    wr_exchange *x = NULL;
    wr_service service = {.table = table, .routes = ROUTES};
    wr_status s = wr_exchange_new(&x, &service, NULL, err);
    wr_exchange_free(x);
    return s;
}

static void test_new__out_of_memory(void **state)
{
    (void)state;
    assert_oom_safe(new_once(&err));
}

/* Whatever allocation fails, the client gets a whole answer or none. */
static void test_serve__out_of_memory(void **state)
{
    (void)state;
    client *c = client_new();
    wr_buf_add(&c->got, "", 0);
    for (int i = 0; i < 4096; i++)
        wr_buf_add(&c->got, "x", 1); /* the client's own memory is there already */
    bool is_served = false;
    for (long k = 0; k < 50 && !is_served; k++) {
        wr_buf_release(&c->x->out);
        wr_buf_release(&c->x->send);
        wr_mem_test_fail_after(k);
        const char *a = ask(c, "POST", "/echo", "{}", json);
        wr_mem_test_fail_after(-1);
        is_served = strstr(a, "HTTP/1.1 201 ") != NULL;
        if (!is_served && c->got.len > 0)
            assert_has(a, "HTTP/1.1 503 ");
    }
    assert_true(is_served);
    client_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_serve__answer_and_head),
        wr_unit_test(test_serve__date_is_now),
        wr_unit_test(test_serve__path_parameter),
        wr_unit_test(test_serve__protocol_refusals),
        wr_unit_test(test_serve__body),
        wr_unit_test(test_serve__errors_of_handlers),
        wr_unit_test(test_serve__nothing_is_left_for_the_next_request),
        wr_unit_test(test_serve__large_answer_in_slices),
        wr_unit_test(test_serve__answer_taken_in_parts),
        wr_unit_test(test_serve__shared_blob),
        wr_unit_test(test_serve__connection_close),
        wr_unit_test(test_serve__draining),
        wr_unit_test(test_serve__counts_by_route_and_status),
        wr_unit_test(test_reject__unparsed),
        wr_unit_test(test_log__one_line_per_request_without_addresses),
        wr_unit_test(test_new__out_of_memory),
        wr_unit_test(test_serve__out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
