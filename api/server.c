#include "api/server.h"

#include <civetweb.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "api/client_socket.h"
#include "api/metrics.h"
#include "util/clock.h"
#include "util/log.h"

enum {
    HEAD_BYTES = 32768, /* request line and headers */
    KEEP_ALIVE_MS = 5000,
    TURN_US = 1000000 /* what a connection gets while others wait */
};

typedef struct worker {
    wr_exchange *x;
    int64_t connected_us;
    bool is_counted; /* in server.requests */
} worker;

struct wr_server {
    struct mg_context *mg;
    wr_service *service;
    int port, threads;
    _Atomic int requests, connections;
    _Atomic uint32_t shard_count;
    _Atomic uint64_t stack_bytes;
    _Atomic(wr_metric_shard *) shard[WR_SERVER_SHARDS_MAX];
};

static int wire_read(void *ctx, void *buf, size_t len)
{
    return mg_read(ctx, buf, len);
}

static int wire_write(void *ctx, const void *bytes, size_t len)
{
    return mg_write(ctx, bytes, len);
}

static void wire_set_end(void *ctx, int64_t mono_us)
{
    (void)ctx;
    wr_client_set_end(mono_us);
}

static size_t wire_write_now(void *ctx, const void *head, size_t head_len,
                             const void *body, size_t body_len)
{
    (void)ctx;
    return wr_client_send(head, head_len, body, body_len);
}

static wr_wire wire_of(struct mg_connection *conn)
{
    return (wr_wire){.read = wire_read,
                     .write = wire_write,
                     .write_now = wire_write_now,
                     .set_end = wire_set_end,
                     .ctx = conn};
}

static wr_server *server_of(const struct mg_connection *conn)
{
    return mg_get_user_data(mg_get_context(conn));
}

/*
 * civetweb stops at a line it cannot read (a folded one, a name outside ASCII) and takes
 * the headers before it for all.  In its buffer the end of the last value is followed by
 * the line break, then the empty line: anything else was left unread.
 */
static bool is_head_whole(const struct mg_request_info *ri)
{
    const struct mg_header *h = ri->http_headers;
    const char *end = ri->http_version + strlen(ri->http_version);
    for (int i = 0; i < ri->num_headers; i++) {
        size_t len = strlen(h[i].name);
        if (h[i].name != end + 2)
            return false; /* the line before did not end in CR LF, or a blank begins this
                           */
        if (h[i].name + len + 1 < h[i].value && h[i].name[len + 1] == '\0')
            return false; /* "Name :" - the blank and the colon both became NUL */
        end = h[i].value + strlen(h[i].value);
    }
    if ((size_t)(end + 3 - ri->request_method) >= HEAD_BYTES)
        return false;
    return end[1] == '\0' && end[2] == (ri->num_headers > 0 ? '\r' : '\0');
}

static int begin_request(struct mg_connection *conn)
{
    wr_server *s = server_of(conn);
    worker *w = mg_get_thread_pointer(conn);
    const struct mg_request_info *ri = mg_get_request_info(conn);
    const wr_wire wire = wire_of(conn);
    if (!w)
        return -1; /* no memory for this worker at start: nothing can be answered */
    atomic_fetch_add(&s->requests, 1);
    w->is_counted = true;
    wr_client_expect_head(false);

    wr_raw_header header[WR_RAW_HEADER_MAX];
    wr_raw_request raw = {.method = ri->request_method,
                          .version = ri->http_version,
                          .path = ri->local_uri_raw,
                          .query = ri->query_string,
                          .header = header};
    for (; raw.header_count < ri->num_headers && raw.header_count < WR_RAW_HEADER_MAX;
         raw.header_count++)
        header[raw.header_count] =
            (wr_raw_header){.name = ri->http_headers[raw.header_count].name,
                            .value = ri->http_headers[raw.header_count].value};
    wr_served served = WR_SERVED_CLOSE;
    w->x->is_last_on_connection =
        atomic_load_explicit(&s->connections, memory_order_relaxed) >= s->threads &&
        wr_clock_mono_us() - w->connected_us > TURN_US;
    if (raw.header_count < WR_RAW_HEADER_MAX && !is_head_whole(ri))
        wr_exchange_reject(w->x, WR_PROBLEM_BAD_REQUEST,
                           "a header line that cannot be read in one way only", &wire);
    else
        served = wr_exchange_serve(w->x, &raw, &wire);
    if (served == WR_SERVED_KEEP)
        return w->x->status;
    mg_disable_keep_alive(conn);
    return -1;
}

/* Here, not in begin_request: the answer may still be on its way when that returns. */
static void end_request(const struct mg_connection *conn, int status)
{
    (void)status;
    worker *w = mg_get_thread_pointer(conn);
    wr_client_expect_head(true);
    if (w && w->is_counted) {
        w->is_counted = false;
        atomic_fetch_sub(&server_of(conn)->requests, 1);
    }
}

/* Requests that civetweb refused to parse. */
static int http_error(struct mg_connection *conn, int status, const char *message)
{
    worker *w = mg_get_thread_pointer(conn);
    const wr_wire wire = wire_of(conn);
    wr_problem_kind kind = status == 413   ? WR_PROBLEM_HEADER_LENGTH
                           : status == 411 ? WR_PROBLEM_LENGTH
                           : status == 505 ? WR_PROBLEM_HTTP_VERSION
                           : status >= 500 ? WR_PROBLEM_INTERNAL
                                           : WR_PROBLEM_BAD_REQUEST;
    if (w && status == 400) /* civetweb has one word for all three */
        wr_exchange_reject(w->x, kind,
                           "the head is malformed, over 32768 bytes, or came too slowly",
                           &wire);
    else if (w)
        wr_exchange_reject(w->x, kind, message ? message : "", &wire);
    return 0;
}

static int init_connection(const struct mg_connection *conn, void **data)
{
    (void)data;
    worker *w = mg_get_thread_pointer(conn);
    if (w)
        w->connected_us = wr_clock_mono_us();
    wr_client_begin();
    atomic_fetch_add(&server_of(conn)->connections, 1);
    return 0;
}

static void connection_closed(const struct mg_connection *conn)
{
    wr_client_end();
    atomic_fetch_sub(&server_of(conn)->connections, 1);
}

static int log_message(const struct mg_connection *conn, const char *message)
{
    (void)conn;
    wr_log(WR_LOG_WARN, "http", "message", message, NULL);
    return 1;
}

static void note_stack(wr_server *s)
{
    pthread_attr_t attr;
    size_t bytes = 0;
    if (pthread_getattr_np(pthread_self(), &attr) != 0)
        return;
    (void)pthread_attr_getstacksize(&attr, &bytes);
    (void)pthread_attr_destroy(&attr);
    uint64_t least = atomic_load(&s->stack_bytes);
    while ((least == 0 || bytes < least) &&
           !atomic_compare_exchange_weak(&s->stack_bytes, &least, bytes)) {
    }
}

static void *init_thread(const struct mg_context *mg, int type)
{
    if (type != 1)
        return NULL;
    wr_server *s = mg_get_user_data(mg);
    note_stack(s);
    wr_err err = {0};
    worker *w = wr_calloc(1, sizeof *w);
    wr_metric_shard *shard = wr_calloc(1, sizeof *shard);
    uint32_t i = atomic_fetch_add(&s->shard_count, 1);
    if (!w || !shard || i >= WR_SERVER_SHARDS_MAX ||
        wr_exchange_new(&w->x, s->service, shard, &err) != WR_OK) {
        wr_log(WR_LOG_ERROR, "worker", "error", "out of memory", NULL);
        wr_free(w);
        wr_free(shard);
        return NULL;
    }
    atomic_store(&s->shard[i],
                 shard); /* lives on after its thread: counters never go back */
    return w;
}

static void exit_thread(const struct mg_context *mg, int type, void *data)
{
    (void)mg;
    (void)type;
    worker *w = data;
    if (!w)
        return;
    wr_exchange_free(w->x);
    wr_free(w);
}

wr_status wr_server_check_host(const char *host, wr_err *err)
{
    char text[80];
    (void)snprintf(text, sizeof text, strchr(host, ':') ? "[%s]" : "%s", host);
    if (wr_guard_is_loopback(text))
        return WR_OK;
    return wr_fail(
        err, WR_EINVAL,
        "http_host '%.60s' is not a loopback address: this server has no login "
        "yet, so whoever can reach it can read and write everything; use "
        "127.0.0.1",
        host);
}

static int port_of(struct mg_context *mg)
{
    struct mg_server_port port[2];
    return mg_get_server_ports(mg, 2, port) > 0 ? port[0].port : -1;
}

wr_status wr_server_start(wr_server **out, wr_service *service, const wr_server_opts *o,
                          wr_err *err)
{
    WR_TRY(wr_server_check_host(o->host, err));
    wr_server *s = wr_calloc(1, sizeof *s);
    if (!s)
        return wr_fail(err, WR_ENOMEM, "server");
    s->service = service;
    s->threads = o->threads;
    bool is_localhost = strcasecmp(o->host, "localhost") == 0;
    char listen[96];
    char threads[16];
    char timeout_ms[24];
    char head_bytes[16];
    char keep_ms[16];
    (void)snprintf(listen, sizeof listen, "%s:%d", is_localhost ? "127.0.0.1" : o->host,
                   o->port);
    (void)snprintf(threads, sizeof threads, "%d", o->threads);
    (void)snprintf(timeout_ms, sizeof timeout_ms, "%lld", (long long)service->timeout_ms);
    (void)snprintf(head_bytes, sizeof head_bytes, "%d", HEAD_BYTES);
    (void)snprintf(keep_ms, sizeof keep_ms, "%d", KEEP_ALIVE_MS);
    const char *options[] = {"listening_ports",
                             listen,
                             "num_threads",
                             threads,
                             "request_timeout_ms",
                             timeout_ms,
                             "keep_alive_timeout_ms",
                             keep_ms,
                             "enable_keep_alive",
                             "yes",
                             "max_request_size",
                             head_bytes,
                             "tcp_nodelay",
                             "1",
                             "decode_url",
                             "no",
                             "access_control_allow_methods",
                             "",
                             "access_control_allow_origin",
                             "",
                             "enable_auth_domain_check",
                             "no",
                             "cgi_pattern",
                             "",
                             "ssi_pattern",
                             "",
                             NULL};
    const struct mg_callbacks callbacks = {.begin_request = begin_request,
                                           .end_request = end_request,
                                           .log_message = log_message,
                                           .http_error = http_error,
                                           .init_thread = init_thread,
                                           .exit_thread = exit_thread,
                                           .init_connection = init_connection,
                                           .connection_closed = connection_closed};
    struct mg_init_data init = {
        .callbacks = &callbacks, .user_data = s, .configuration_options = options};
    char text[256] = "";
    unsigned code = 0;
    struct mg_error_data error = {
        .code = &code, .text = text, .text_buffer_size = sizeof text};
    (void)mg_init_library(0);
    s->mg = mg_start2(&init, &error);
    if (!s->mg) {
        wr_server_stop(s);
        return wr_fail(err, WR_EIO, "%s:%d: %.200s", o->host, o->port,
                       text[0] ? text : "the server did not start");
    }
    s->port = port_of(s->mg);
    *out = s;
    return WR_OK;
}

int wr_server_port(const wr_server *s)
{
    return s->port;
}

wr_server_stats wr_server_stats_of(const wr_server *s)
{
    return (wr_server_stats){.requests = atomic_load(&s->requests),
                             .connections = atomic_load(&s->connections),
                             .threads = s->threads,
                             .stack_bytes = atomic_load(&s->stack_bytes)};
}

uint32_t wr_server_shards(const wr_server *s,
                          wr_metric_shard *shard[WR_SERVER_SHARDS_MAX])
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < WR_SERVER_SHARDS_MAX; i++)
        if ((shard[n] = atomic_load(&s->shard[i])) != NULL)
            n++;
    return n;
}

bool wr_server_drain(wr_server *s, int64_t wait_ms)
{
    atomic_store(&s->service->is_draining, true);
    int64_t end_us = wr_clock_mono_us() + wait_ms * 1000;
    const struct timespec tick = {.tv_nsec = 10000000};
    while (atomic_load(&s->requests) > 0) {
        if (wr_clock_mono_us() > end_us)
            return false;
        (void)nanosleep(&tick, NULL);
    }
    return true;
}

void wr_server_stop(wr_server *s)
{
    if (!s)
        return;
    if (s->mg)
        mg_stop(s->mg);
    (void)mg_exit_library();
    for (uint32_t i = 0; i < WR_SERVER_SHARDS_MAX; i++)
        wr_free(atomic_load(&s->shard[i]));
    wr_free(s);
}
