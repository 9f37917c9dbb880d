/*
 * access_log.h - one line per request on stderr, in the form of util/log.h.
 *
 *   2026-11-20T16:12:00.123Z info request id=… method=GET route=/scores/top status=200
 *   ms=0.081 bytes=1432
 *
 * The route's pattern is logged, never the path: paths hold addresses.  A write per
 * request would cost as much as the request, so lines gather in a buffer that a thread
 * writes out every 200 ms, or a worker when it is full.  A crash loses at most that much.
 *
 * Thread: safe.
 */
#ifndef WR_API_ACCESS_LOG_H
#define WR_API_ACCESS_LOG_H

#include <stdint.h>

#include "util/err.h"

typedef struct wr_access_log wr_access_log;

/* fd: 2.  Errors  WR_ENOMEM, WR_EIO (no thread) */
wr_status wr_access_log_open(wr_access_log **out, int fd, wr_err *err) WR_NODISCARD;
/* Writes what is left.  Accepts NULL. */
void wr_access_log_close(wr_access_log *l);

typedef struct wr_access_line {
    const char *time; /* "2026-11-20T16:12:00" */
    int ms;           /* of the second */
    const char *id, *method, *route;
    int status;
    int64_t us;
    uint64_t bytes;
} wr_access_line;

void wr_access_log_add(wr_access_log *l, const wr_access_line *line);

#endif
