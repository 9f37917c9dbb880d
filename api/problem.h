/*
 * problem.h - what went wrong, as the client sees it: RFC 9457 with field errors.
 *
 * A kind is one row: HTTP status, code (also in the type URN) and title.  Protocol
 * refusals (413, 415, …) are named by their kind; errors of the engine reach a kind only
 * through http_status.c.  A pointer is RFC 6901 into the request seen as
 * {"path", "query", "header", "body"}, e.g. "/query/limit", "/body/3/amount".
 *
 * Lives in the worker, reused from request to request.  Thread: one object one thread.
 */
#ifndef WR_API_PROBLEM_H
#define WR_API_PROBLEM_H

#include "model/run.h"
#include "util/json_out.h"

typedef enum wr_problem_kind {
    WR_PROBLEM_NONE,
    WR_PROBLEM_BAD_REQUEST,
    WR_PROBLEM_UNKNOWN_PARAMETER,
    WR_PROBLEM_MALFORMED_JSON,
    WR_PROBLEM_UNEXPECTED_BODY,
    WR_PROBLEM_FOREIGN_ORIGIN,
    WR_PROBLEM_UNKNOWN_ROUTE,
    WR_PROBLEM_NOT_FOUND,
    WR_PROBLEM_METHOD,
    WR_PROBLEM_NOT_ACCEPTABLE,
    WR_PROBLEM_SLOW_REQUEST,
    WR_PROBLEM_CONFLICT,
    WR_PROBLEM_JOB_RUNS,
    WR_PROBLEM_LENGTH,
    WR_PROBLEM_TOO_LARGE,
    WR_PROBLEM_TARGET_LENGTH,
    WR_PROBLEM_MEDIA_TYPE,
    WR_PROBLEM_EXPECTATION,
    WR_PROBLEM_FOREIGN_HOST,
    WR_PROBLEM_INVALID,
    WR_PROBLEM_HEADER_LENGTH,
    WR_PROBLEM_INTERNAL,
    WR_PROBLEM_NO_MEMORY,
    WR_PROBLEM_NOT_IMPLEMENTED,
    WR_PROBLEM_STORE,
    WR_PROBLEM_BUSY,
    WR_PROBLEM_NOT_READY,
    WR_PROBLEM_NOT_INSTALLED,
    WR_PROBLEM_DRAINING,
    WR_PROBLEM_HTTP_VERSION,
    WR_PROBLEM_KIND_COUNT
} wr_problem_kind;

enum { WR_PROBLEM_ITEM_MAX = 32, WR_POINTER_TEXT_MAX = 95, WR_REQUEST_ID_MAX = 64 };

typedef struct wr_problem_item {
    char pointer[WR_POINTER_TEXT_MAX + 1];
    char code[24];
    char detail[WR_ERR_MSG_MAX];
} wr_problem_item;

typedef struct wr_problem {
    wr_problem_kind kind;
    char detail[WR_ERR_MSG_MAX];
    char run_id[WR_RUN_ID_MAX + 1]; /* the job in the way; "" = none */
    int retry_after_s;              /* 0 = no such header */
    uint32_t item_count;            /* beyond WR_PROBLEM_ITEM_MAX dropped */
    wr_problem_item item[WR_PROBLEM_ITEM_MAX];
} wr_problem;

void wr_problem_clear(wr_problem *p);

/* Set kind and detail; the first one wins, as in wr_fail. */
void wr_problem_set(wr_problem *p, wr_problem_kind kind, const char *fmt, ...)
    WR_PRINTF(3, 4);

/* One field error more; sets no kind.  pointer and detail are cut to what fits. */
void wr_problem_add(wr_problem *p, const char *pointer, const char *code,
                    const char *detail);

/* kind != NONE */
int wr_problem_http_status(wr_problem_kind kind);
const char *wr_problem_code(wr_problem_kind kind);

/* The whole problem document. */
void wr_problem_write(wr_buf *out, const wr_problem *p, const char *request_id);

#endif
