#include "codec/transfer_json.h"

#include "codec/json_int.h"
#include "util/clock.h"

static wr_status status_of(const wr_field_errors *errors)
{
    return strcmp(errors->item[0].code, WR_CODE_LIMIT) == 0 &&
                   errors->item[0].pointer[0] == '\0'
               ? WR_ELIMIT
               : WR_EPARSE;
}

wr_status wr_transfer_json_decode(wr_transfer_list *out, const wr_transfer_decoder *d,
                                  const char *bytes, size_t len, wr_arena *arena,
                                  wr_field_errors *errors, wr_err *err)
{
    wr_decode w = {.d = d, .arena = arena, .errors = errors};
    wr_json_state st = {0};
    wr_transfer_sink sink = {0};
    wr_text own = {0};
    wr_status s = WR_OK;
    errors->count = 0;
    w.now_s = d->now_s ? d->now_s : wr_clock_wall_s();
    wr_buf_init(&st.text, 3 * (size_t)WR_RECORD_MAX_BYTES + 16);
    if (len <= WR_RECORD_MAX_BYTES)
        own = wr_arena_text(arena, (wr_text){.p = bytes, .len = (uint32_t)len});
    w.is_nomem = len <= WR_RECORD_MAX_BYTES && len && !own.p;
    const bool is_ok =
        !w.is_nomem && wr_json_record(&w, &st, own.p ? own.p : bytes, len, true, &sink);
    wr_transfer *item = is_ok ? wr_arena_alloc(arena, sink.count * sizeof *item) : NULL;
    if (item)
        memcpy(item, sink.item, sink.count * sizeof *item);
    if (w.is_nomem || (is_ok && !item))
        s = wr_fail(err, WR_ENOMEM, "no memory to decode a record");
    else if (!is_ok)
        s = wr_fail(err, status_of(errors), "%s", errors->item[0].detail);
    else
        *out = (wr_transfer_list){.item = item, .count = (uint32_t)sink.count};
    wr_transfer_sink_release(&sink);
    wr_buf_release(&st.text);
    return s;
}

/* --- request bodies --------------------------------------------------------------- */

typedef struct scan {
    const char *p, *end;
} scan;

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void blanks(scan *s)
{
    while (s->p < s->end && is_blank(*s->p))
        s->p++;
}

static wr_text without_blanks(const char *from, const char *to)
{
    while (to > from && is_blank(to[-1]))
        to--;
    return (wr_text){.p = from, .len = (uint32_t)(to - from)};
}

static bool take(scan *s, char c)
{
    blanks(s);
    if (s->p == s->end || *s->p != c)
        return false;
    s->p++;
    return true;
}

/* Over one element: past its last bracket, or to what ends a scalar. */
static wr_status over_element(scan *s, wr_err *err)
{
    uint32_t depth = 0;
    while (s->p < s->end) {
        const char c = *s->p;
        if (c == '"') {
            for (s->p++; s->p < s->end && *s->p != '"'; s->p++)
                s->p += *s->p == '\\' && s->p + 1 < s->end;
            if (s->p == s->end)
                return wr_fail(err, WR_EPARSE, "json: a string does not end");
        } else if (c == '{' || c == '[') {
            if (++depth > WR_JSON_DEPTH_MAX)
                return wr_fail(err, WR_ELIMIT, "json: nested deeper than %d",
                               (int)WR_JSON_DEPTH_MAX);
        } else if (c == '}' || c == ']') {
            if (!depth)
                return WR_OK;
            if (--depth == 0) {
                s->p++;
                return WR_OK;
            }
        } else if (c == ',' && !depth) {
            return WR_OK;
        }
        s->p++;
    }
    return depth ? wr_fail(err, WR_EPARSE, "json: ends inside an object or a list")
                 : WR_OK;
}

static wr_status split_array(scan *s, wr_text *item, uint32_t max, uint32_t *count,
                             wr_err *err)
{
    uint32_t n = 0;
    if (!take(s, ']')) {
        do {
            blanks(s);
            const char *from = s->p;
            WR_TRY(over_element(s, err));
            const wr_text element = without_blanks(from, s->p);
            if (!element.len)
                return wr_fail(err, WR_EPARSE, "json: an element of the list is empty");
            if (n == max)
                return wr_fail(err, WR_ELIMIT, "more than %u records", max);
            item[n++] = element;
        } while (take(s, ','));
        if (!take(s, ']'))
            return wr_fail(err, WR_EPARSE, "json: the list does not end");
    }
    *count = n;
    return WR_OK;
}

static wr_status nothing_left(scan *s, wr_err *err)
{
    blanks(s);
    if (s->p != s->end)
        return wr_fail(err, WR_EPARSE, "json: '%s' behind the end",
                       wr_text_quote((wr_text){s->p, (uint32_t)(s->end - s->p)}, 20).s);
    return WR_OK;
}

wr_status wr_transfer_json_split(wr_text *item, uint32_t max, uint32_t *count,
                                 bool *is_many, const char *body, size_t len, wr_err *err)
{
    static const char member[] = "\"transactions\"";
    if (len > UINT32_MAX)
        return wr_fail(err, WR_ELIMIT, "body of %zu bytes", len);
    scan s = {.p = body, .end = body + len};
    scan whole = s;
    uint32_t n = 0;
    bool many = true;
    if (take(&s, '[')) {
        WR_TRY(split_array(&s, item, max, &n, err));
    } else if (take(&s, '{')) {
        blanks(&s);
        many = (size_t)(s.end - s.p) >= sizeof member - 1 &&
               memcmp(s.p, member, sizeof member - 1) == 0;
        if (many) {
            s.p += sizeof member - 1;
            if (!take(&s, ':') || !take(&s, '['))
                return wr_fail(err, WR_EPARSE, "transactions is not a list");
            WR_TRY(split_array(&s, item, max, &n, err));
            if (!take(&s, '}'))
                return wr_fail(err, WR_EPARSE, "json: members beside transactions");
        } else {
            blanks(&whole);
            s = whole;
            WR_TRY(over_element(&s, err));
            if (!max)
                return wr_fail(err, WR_ELIMIT, "more than 0 records");
            item[n++] = without_blanks(whole.p, s.p);
        }
    } else {
        return wr_fail(err, WR_EPARSE,
                       "json: an object or a list of objects is expected");
    }
    WR_TRY(nothing_left(&s, err));
    *count = n;
    if (is_many)
        *is_many = many;
    return WR_OK;
}
