/*
 * clock.h - wall and monotonic time, and RFC 3339 text.
 *
 * The engine keeps time as int64_t unix seconds, UTC.  No tz database, no locale:
 * civil-date arithmetic only (Howard Hinnant, "chrono-compatible low-level date
 * algorithms").  Thread: safe.
 */
#ifndef WR_UTIL_CLOCK_H
#define WR_UTIL_CLOCK_H

#include <stdint.h>

#include "util/err.h"
#include "util/text.h"

int64_t wr_clock_wall_s(void);  /* unix seconds */
int64_t wr_clock_wall_us(void); /* unix microseconds */
int64_t wr_clock_mono_us(void); /* for durations */

enum { WR_RFC3339_MAX = 24 }; /* "2015-08-07T20:15:29Z" + NUL fits */

/* "YYYY-MM-DDTHH:MM:SSZ"; years outside 0..9999 are clamped. */
void wr_time_format(char out[WR_RFC3339_MAX], int64_t time_s);

/*
 * RFC 3339, plus what real exports write: a blank or '_' for 'T', '/' for '-', no
 * seconds, no offset or " UTC" (then UTC), a fraction (cut off), a date alone (midnight
 * UTC).  "2022/09/01 00:06" is fine.  A leap second counts as the second after it.
 * Errors  WR_EPARSE (quotes the value)
 */
wr_status wr_time_parse(int64_t *time_s, wr_text t, wr_err *err) WR_NODISCARD;

#endif
