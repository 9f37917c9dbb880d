/*
 * guard.h - the first look at a request: what could be read in two ways is refused.
 *
 * civetweb takes Content-Length beside Transfer-Encoding, repeated ones and 1.1 without
 * Host; a proxy in front may read each of them differently (request smuggling), so none
 * gets past here.  (What only its buffer shows is looked at in server.c.)  As there is no
 * login yet, Host must be a loopback name (a page that rebinds its DNS name to 127.0.0.1
 * fails) and a foreign Origin is refused (a page cannot post through its visitor's
 * browser).
 *
 * Thread: safe, no allocation.
 */
#ifndef WR_API_GUARD_H
#define WR_API_GUARD_H

#include <stdbool.h>

#include "api/problem.h"
#include "api/wire.h"

enum { WR_TARGET_MAX = 8192, WR_HEADER_VALUE_MAX = 8192 };

/* What the rest of the server may know of the headers; absent = NULL. */
typedef struct wr_head {
    const char *method, *path, *query;
    const char *host, *content_type, *accept, *request_id;
    int64_t body_bytes; /* Content-Length; 0 = none */
    bool is_chunked;
    bool is_continue_expected;
    bool is_http11;
    bool is_close_asked; /* the client does not keep the connection */
} wr_head;

/* true, or false with the problem set.  out is filled either way as far as known. */
bool wr_guard_check(wr_head *out, const wr_raw_request *raw, wr_problem *p);

/* "127.0.0.1:8080", "localhost", "[::1]:1": a name that can only mean this machine. */
bool wr_guard_is_loopback(const char *host);

/* Does Accept (NULL = anything) allow this media type?  Parameters are ignored, q=0 is
 * no. */
bool wr_guard_accepts(const char *accept, const char *media_type);

#endif
