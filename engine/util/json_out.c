#include "util/json_out.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/clock.h"

enum { DEPTH_MAX = 32 };

/* What comes before every value: a comma, unless it is first or behind its key. */
static void before_value(wr_json_out *j)
{
    if (j->is_after_key)
        j->is_after_key = false;
    else if (j->has_item[j->depth] && j->depth > 0)
        wr_buf_add(j->buf, ",", 1);
    j->has_item[j->depth] = true;
}

void wr_json_open(wr_json_out *j, char bracket)
{
    assert(bracket == '{' || bracket == '[');
    assert(j->depth < DEPTH_MAX);
    before_value(j);
    wr_buf_add(j->buf, &bracket, 1);
    j->has_item[++j->depth] = false;
}

void wr_json_close(wr_json_out *j, char bracket)
{
    assert(bracket == '}' || bracket == ']');
    assert(j->depth > 0 && !j->is_after_key);
    j->depth--;
    wr_buf_add(j->buf, &bracket, 1);
}

static void add_escape(wr_buf *b, unsigned char ch)
{
    static const char short_form[32] = {
        ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    char esc[8];
    int n;
    if (ch == '"' || ch == '\\')
        n = snprintf(esc, sizeof esc, "\\%c", ch);
    else if (short_form[ch])
        n = snprintf(esc, sizeof esc, "\\%c", short_form[ch]);
    else
        n = snprintf(esc, sizeof esc, "\\u%04x", ch);
    wr_buf_add(b, esc, (size_t)n);
}

static void add_string(wr_buf *b, const char *s, size_t len)
{
    const unsigned char *p = (const unsigned char *)s;
    size_t from = 0; /* start of the run that goes out as it is */
    size_t i = 0;
    wr_buf_add(b, "\"", 1);
    while (i < len) {
        if (p[i] >= ' ' && p[i] < 0x80 && p[i] != '"' && p[i] != '\\') {
            i++;
            continue;
        }
        int step = p[i] < 0x80 ? 0 : wr_utf8_step(s + i, len - i);
        if (step > 0) {
            i += (size_t)step;
            continue;
        }
        wr_buf_add(b, s + from, i - from);
        if (step < 0) {
            wr_buf_adds(b, "\xEF\xBF\xBD");
            i += (size_t)-step;
        } else {
            add_escape(b, p[i++]);
        }
        from = i;
    }
    if (len > from)
        wr_buf_add(b, s + from, len - from);
    wr_buf_add(b, "\"", 1);
}

void wr_json_key(wr_json_out *j, const char *key)
{
    assert(!j->is_after_key);
    before_value(j);
    add_string(j->buf, key, strlen(key));
    wr_buf_add(j->buf, ":", 1);
    j->is_after_key = true;
}

void wr_json_text(wr_json_out *j, wr_text t)
{
    if (!t.p) {
        wr_json_null(j);
        return;
    }
    before_value(j);
    add_string(j->buf, t.p, t.len);
}

void wr_json_cstr(wr_json_out *j, const char *s)
{
    if (!s) {
        wr_json_null(j);
        return;
    }
    before_value(j);
    add_string(j->buf, s, strlen(s));
}

void wr_json_i64(wr_json_out *j, int64_t v)
{
    before_value(j);
    wr_buf_addf(j->buf, "%" PRId64, v);
}

void wr_json_u64(wr_json_out *j, uint64_t v)
{
    before_value(j);
    wr_buf_addf(j->buf, "%" PRIu64, v);
}

void wr_json_f64(wr_json_out *j, double v)
{
    assert(isfinite(v));
    char s[32];
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(s, sizeof s, "%.*g", digits, v);
        if (strtod(s, NULL) == v)
            break;
    }
    before_value(j);
    wr_buf_adds(j->buf, s);
}

void wr_json_fixed(wr_json_out *j, double v, int decimals)
{
    assert(isfinite(v));
    before_value(j);
    wr_buf_addf(j->buf, "%.*f", decimals, v);
}

void wr_json_bool(wr_json_out *j, bool v)
{
    before_value(j);
    wr_buf_adds(j->buf, v ? "true" : "false");
}

void wr_json_null(wr_json_out *j)
{
    before_value(j);
    wr_buf_adds(j->buf, "null");
}

void wr_json_raw(wr_json_out *j, wr_text json)
{
    before_value(j);
    wr_buf_add(j->buf, json.p, json.len);
}

void wr_json_kv_cstr(wr_json_out *j, const char *key, const char *s)
{
    wr_json_key(j, key);
    wr_json_cstr(j, s);
}

void wr_json_kv_text(wr_json_out *j, const char *key, wr_text t)
{
    wr_json_key(j, key);
    wr_json_text(j, t);
}

void wr_json_kv_i64(wr_json_out *j, const char *key, int64_t v)
{
    wr_json_key(j, key);
    wr_json_i64(j, v);
}

void wr_json_kv_u64(wr_json_out *j, const char *key, uint64_t v)
{
    wr_json_key(j, key);
    wr_json_u64(j, v);
}

void wr_json_kv_f64(wr_json_out *j, const char *key, double v)
{
    wr_json_key(j, key);
    wr_json_f64(j, v);
}

void wr_json_kv_bool(wr_json_out *j, const char *key, bool v)
{
    wr_json_key(j, key);
    wr_json_bool(j, v);
}

void wr_json_kv_time(wr_json_out *j, const char *key, int64_t time_s)
{
    char text[WR_RFC3339_MAX];
    wr_time_format(text, time_s);
    wr_json_kv_cstr(j, key, text);
}

void wr_json_kv_time_or(wr_json_out *j, const char *key, int64_t time_s, int64_t none)
{
    if (time_s != none)
        wr_json_kv_time(j, key, time_s);
    else
        wr_json_kv_cstr(j, key, NULL);
}
