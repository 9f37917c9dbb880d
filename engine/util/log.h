/*
 * log.h - one line per event on stderr: time level event key=value ...
 *
 * Mains and handlers log; the engine returns errors.  No wallet address above
 * WR_LOG_DEBUG, no secret at any level.  A value with blanks, quotes, '=' or control
 * bytes is written as a JSON string, so that a line is always one line.
 * Thread: safe (one write per line).
 */
#ifndef WR_UTIL_LOG_H
#define WR_UTIL_LOG_H

#include "util/err.h"

typedef enum wr_log_level {
    WR_LOG_DEBUG,
    WR_LOG_INFO,
    WR_LOG_WARN,
    WR_LOG_ERROR,
} wr_log_level;

void wr_log_set_level(wr_log_level least);
wr_log_level wr_log_level_of(const char *name); /* "debug".."error"; else WR_LOG_INFO */

/*
 * Pairs of key and value after the event, ended by NULL:
 *   wr_log(WR_LOG_INFO, "request", "id", id, "status", "200", NULL);
 */
void wr_log(wr_log_level level, const char *event, ...) __attribute__((sentinel));

#endif
