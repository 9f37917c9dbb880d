/*
 * request.h - typed reading of query and body, with every complaint collected.
 *
 * wr_query_parse refuses what the route does not know.  The typed readers leave the
 * caller's default alone when the parameter is absent, and note a field error when it is
 * wrong; wr_request_check turns the notes into one 422 that names them all.
 */
#ifndef WR_API_REQUEST_H
#define WR_API_REQUEST_H

#include "api/exchange.h"

/* Errors  WR_EPARSE (escape, unknown or repeated name: problem is set), WR_ENOMEM */
wr_status wr_query_parse(wr_exchange *x, wr_err *err) WR_NODISCARD;

/* {NULL, 0} when absent. */
wr_text wr_query_text(const wr_exchange *x, const char *name);
/* As wr_query_text; longer than max_bytes or empty is noted and reads as absent. */
wr_text wr_query_bounded(wr_exchange *x, const char *name, uint32_t max_bytes);
void wr_query_u32(wr_exchange *x, const char *name, uint32_t min, uint32_t max,
                  uint32_t *value);
void wr_query_f64(wr_exchange *x, const char *name, double min, double max,
                  double *value);
void wr_query_bool(wr_exchange *x, const char *name, bool *value);
/* choices: "in|out|both"; value becomes the index. */
void wr_query_choice(wr_exchange *x, const char *name, const char *choices, int *value);
void wr_query_time(wr_exchange *x, const char *name, int64_t *time_s);

/* Note a field error. */
void wr_request_note(wr_exchange *x, const char *pointer, const char *code,
                     const char *fmt, ...) WR_PRINTF(4, 5);
/* WR_OK, or WR_EINVAL with problem INVALID when something was noted. */
wr_status wr_request_check(wr_exchange *x, wr_err *err) WR_NODISCARD;

/* A request id: the client's when it is 1..64 of [A-Za-z0-9._-], else a new one. */
void wr_request_id(char out[WR_REQUEST_ID_MAX + 1], const char *from_client);

/*
 * Read the body into `into` (created with its maximum) after answering 100-continue.
 * Errors  problem is set: TOO_LARGE before anything is read when the length says so,
 *         SLOW_REQUEST after wait_ms, BAD_REQUEST when it breaks off
 */
wr_status wr_request_read_body(wr_exchange *x, const wr_wire *wire, wr_buf *into,
                               int64_t wait_ms, wr_err *err) WR_NODISCARD;

/*
 * One pass over JSON before any parser sees it: nesting and number of values.
 * Errors  WR_ELIMIT ("nested deeper than 32", "over N values").  Syntax is not judged.
 */
wr_status wr_json_check_bounds(const char *json, size_t len, uint32_t depth_max,
                               uint64_t values_max, wr_err *err) WR_NODISCARD;

#endif
