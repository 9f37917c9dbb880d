/*
 * http_status.h - the one place where an engine's status becomes an HTTP answer.
 *
 * Bytes from a client are judged by the routes (problem kind INVALID with field errors);
 * what arrives here comes from engine calls made with checked arguments.
 */
#ifndef WR_API_HTTP_STATUS_H
#define WR_API_HTTP_STATUS_H

#include "api/problem.h"

/* s != WR_OK */
wr_problem_kind wr_http_problem(wr_status s);
/* Seconds for Retry-After, 0 when waiting does not help. */
int wr_http_retry_after_s(wr_problem_kind kind);
/* Reason phrase of a status line; "Unknown" for statuses this server never sends. */
const char *wr_http_reason(int status);

#endif
