/*
 * json_out.h - JSON text straight into a wr_buf, no tree.
 *
 * For answers and records that we write; reading JSON is codec's (jansson).  Commas and
 * escapes are the writer's business; nesting up to 32.  Invalid UTF-8 becomes U+FFFD.
 * Doubles print as the shortest text that reads back the same ("%.17g" at most); NaN
 * and infinities are a bug (assert).  128-bit amounts go out as strings.
 * Thread: one object one thread.
 */
#ifndef WR_UTIL_JSON_OUT_H
#define WR_UTIL_JSON_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include "util/buf.h"

typedef struct wr_json_out {
    wr_buf *buf;
    uint32_t depth;
    bool has_item[33];
    bool is_after_key;
} wr_json_out;

static inline wr_json_out wr_json_out_on(wr_buf *b)
{
    return (wr_json_out){.buf = b};
}

void wr_json_open(wr_json_out *j, char bracket);  /* '{' or '[' */
void wr_json_close(wr_json_out *j, char bracket); /* '}' or ']' */
void wr_json_key(wr_json_out *j, const char *key);
void wr_json_text(wr_json_out *j, wr_text t);
void wr_json_cstr(wr_json_out *j, const char *s); /* NULL prints null */
void wr_json_i64(wr_json_out *j, int64_t v);
void wr_json_u64(wr_json_out *j, uint64_t v);
void wr_json_f64(wr_json_out *j, double v);
void wr_json_fixed(wr_json_out *j, double v, int decimals); /* "72.40": scores */
void wr_json_bool(wr_json_out *j, bool v);
void wr_json_null(wr_json_out *j);
void wr_json_raw(wr_json_out *j, wr_text json); /* already valid JSON */

/* key + value in one call */
void wr_json_kv_cstr(wr_json_out *j, const char *key, const char *s);
void wr_json_kv_text(wr_json_out *j, const char *key, wr_text t);
void wr_json_kv_i64(wr_json_out *j, const char *key, int64_t v);
void wr_json_kv_u64(wr_json_out *j, const char *key, uint64_t v);
void wr_json_kv_f64(wr_json_out *j, const char *key, double v);
void wr_json_kv_bool(wr_json_out *j, const char *key, bool v);
void wr_json_kv_time(wr_json_out *j, const char *key, int64_t time_s); /* RFC 3339 */
/* null when it is `none` */
void wr_json_kv_time_or(wr_json_out *j, const char *key, int64_t time_s, int64_t none);

#endif
