/*
 * exchange.h - one request and the answer to it, and what a route is.
 *
 * A handler reads the request part, writes JSON (or another type) into `out`, sets
 * `status`, and returns WR_OK.  Or it returns a status with err filled: then `out` is
 * dropped and a problem document goes out, of the kind the handler put into `problem`, or
 * of the one http_status.c gives the status.
 *
 * Lives in the worker and is reused; texts of the request live in `arena` or in the
 * connection until the answer is sent.  Thread: the worker's.
 */
#ifndef WR_API_EXCHANGE_H
#define WR_API_EXCHANGE_H

#include <stdatomic.h>

#include "api/access_log.h"
#include "api/guard.h"
#include "util/arena.h"

typedef struct wr_app wr_app;
typedef struct wr_exchange wr_exchange;
typedef wr_status (*wr_handler)(wr_exchange *x, wr_err *err);

enum {
    WR_ROUTE_PARAM_MAX = 10,
    WR_PATH_PARAM_MAX = 2,
    WR_QUERY_PARAM_MAX = 16,
    WR_ANSWER_MAX_BYTES = 512 << 20,
    WR_EXTRA_HEADERS_MAX = 2048
};

typedef struct wr_route {
    const char *method;  /* "GET" or "POST"; GET answers HEAD too */
    const char *pattern; /* "/runs/{id}"; also the name in logs and metrics */
    wr_handler handle;
    bool has_body;          /* application/json expected */
    const char *media_type; /* of the answer, for Accept; NULL = the handler's business */
    const char *param[WR_ROUTE_PARAM_MAX]; /* query parameters it knows */
} wr_route;

typedef struct wr_query_param {
    wr_text name, value; /* decoded */
} wr_query_param;

/* An answer that many requests share.  Immutable, counted; see blob.h. */
typedef struct wr_blob wr_blob;
typedef struct wr_metric_shard wr_metric_shard;

/* What every worker shares to serve requests.  Immutable but for is_draining. */
typedef struct wr_service {
    const wr_route *table;
    uint32_t routes;
    size_t body_max_bytes;
    int64_t timeout_ms; /* for a body to arrive, for a slow reader to take an answer */
    wr_access_log *log; /* NULL = no request log */
    atomic_bool is_draining;
    wr_app *app; /* for the handlers; NULL in tests */
} wr_service;

/*
 * The shared answer this worker gave last, so that the next equal question takes no lock
 * and touches no count that other workers write.  Filled and judged by its route
 * (routes_scores.c).
 */
enum { WR_LAST_KEY_MAX = 64, WR_LAST_BYTES_MAX = 64 << 10 };
typedef struct wr_last_answer {
    const wr_blob *blob;        /* NULL = none; one reference held */
    uint64_t version;           /* of the view it was made from */
    bool is_stale;              /* what it says of its run */
    int64_t max_seq, label_rev; /* of that run */
    uint32_t key_len;
    char key[WR_LAST_KEY_MAX]; /* query text */
} wr_last_answer;

/* Wall clock texts, made once a second. */
typedef struct wr_clock_text {
    int64_t now_s;
    int ms;
    char iso[24];  /* "2026-11-20T16:12:00" */
    char http[32]; /* "Fri, 20 Nov 2026 16:12:00 GMT" */
} wr_clock_text;

struct wr_exchange {
    wr_service *service;
    wr_app *app;
    wr_metric_shard *shard; /* this worker's; may be NULL */
    wr_clock_text clock;
    wr_buf body_buf, send; /* kept from request to request */
    const wr_route *route; /* NULL: none matched */
    uint32_t route_index;  /* for metrics; wr_route_count() when none */
    wr_head head;
    char id[WR_REQUEST_ID_MAX + 1];
    bool is_head;
    bool is_body_unread;        /* some of it may still be in the pipe */
    bool is_last_on_connection; /* set by the server before serving: others wait */
    wr_text path_param[WR_PATH_PARAM_MAX];
    wr_query_param query[WR_QUERY_PARAM_MAX];
    uint32_t query_count;
    wr_text body;
    wr_arena arena;
    int64_t start_us; /* monotonic */

    int status;
    const char *media_type;
    wr_buf out;
    wr_buf extra;        /* further headers, each "Name: value\r\n" */
    const wr_blob *blob; /* instead of out; one reference held unless it is last.blob */
    wr_last_answer last;
    uint64_t sent_bytes;
    wr_problem problem;
};

/* One exchange serves one request at a time, for the life of a worker. */
wr_status wr_exchange_new(wr_exchange **out, wr_service *service, wr_metric_shard *shard,
                          wr_err *err) WR_NODISCARD;
void wr_exchange_free(wr_exchange *x); /* accepts NULL */

typedef enum wr_served {
    WR_SERVED_KEEP,  /* read to its end, and the client was told that it may go on */
    WR_SERVED_CLOSE, /* the connection must not be used again */
} wr_served;

/* The whole life of one request: guard, route, body, handler, answer, log, count. */
wr_served wr_exchange_serve(wr_exchange *x, const wr_raw_request *raw,
                            const wr_wire *wire);
/* Answer a request that could not even be parsed. */
void wr_exchange_reject(wr_exchange *x, wr_problem_kind kind, const char *detail,
                        const wr_wire *wire);

/* One more header; name and value are the server's own, without line breaks. */
void wr_exchange_header(wr_exchange *x, const char *name, const char *fmt, ...)
    WR_PRINTF(3, 4);

/* Start a JSON answer: media type, status 200, writer on out. */
wr_json_out wr_exchange_json(wr_exchange *x);

/* Refuse: set the problem and return a status for the handler to pass on. */
wr_status wr_refuse(wr_exchange *x, wr_err *err, wr_problem_kind kind, const char *fmt,
                    ...) WR_PRINTF(4, 5);

#endif
