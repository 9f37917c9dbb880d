#include "api/router.h"

#include <stdio.h>
#include <string.h>

/* Segment of s up to '/' or the end. */
static uint32_t segment(const char *s)
{
    return (uint32_t)strcspn(s, "/");
}

static bool match_path(const char *pattern, const char *path, wr_match *m)
{
    m->raw_count = 0;
    while (*pattern == '/' && *path == '/') {
        pattern++;
        path++;
        uint32_t a = segment(pattern);
        uint32_t b = segment(path);
        if (pattern[0] == '{') {
            if (b == 0 || m->raw_count == WR_PATH_PARAM_MAX)
                return false;
            m->raw[m->raw_count++] = (wr_text){.p = path, .len = b};
        } else if (a != b || memcmp(pattern, path, a) != 0) {
            return false;
        }
        pattern += a;
        path += b;
    }
    return *pattern == '\0' && *path == '\0';
}

static void allow_method(wr_match *m, const char *method)
{
    size_t len = strlen(m->allow);
    const char *more = strcmp(method, "GET") == 0 ? "GET, HEAD" : method;
    (void)snprintf(m->allow + len, sizeof m->allow - len, "%s%s", len ? ", " : "", more);
}

/* Only for a 405: naming the methods costs more than finding the route. */
static void allow_methods(wr_match *m, const wr_route *table, uint32_t n,
                          const char *pattern)
{
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(table[i].pattern, pattern) == 0)
            allow_method(m, table[i].method);
}

void wr_router_match(wr_match *out, const wr_route *table, uint32_t n, const char *method,
                     const char *path)
{
    *out = (wr_match){0};
    const char *want = strcmp(method, "HEAD") == 0 ? "GET" : method;
    const char *first = NULL;
    for (uint32_t i = 0; i < n; i++) {
        if (first && strcmp(table[i].pattern, first) != 0)
            continue; /* a later pattern that also fits is hidden by the first */
        wr_match m = *out;
        if (!match_path(table[i].pattern, path, &m))
            continue;
        *out = m;
        first = table[i].pattern;
        out->is_path_known = true;
        if (strcmp(table[i].method, want) == 0) {
            out->route = &table[i];
            return;
        }
    }
    if (first)
        allow_methods(out, table, n, first);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

wr_status wr_percent_decode(wr_text *out, wr_arena *arena, wr_text raw, bool is_plus,
                            wr_err *err)
{
    char *p = wr_arena_alloc(arena, (size_t)raw.len + 1);
    if (!p)
        return wr_fail(err, WR_ENOMEM, "%u bytes to decode", raw.len);
    uint32_t n = 0;
    for (uint32_t i = 0; i < raw.len; i++) {
        char c = raw.p[i];
        if (c == '%') {
            bool is_whole = raw.len - i > 2;
            int hi = is_whole ? hex_digit(raw.p[i + 1]) : -1;
            int lo = is_whole ? hex_digit(raw.p[i + 2]) : -1;
            if (hi < 0 || lo < 0)
                return wr_fail(err, WR_EPARSE, "'%%' without two hex digits in '%.*s'",
                               (int)(raw.len < 60 ? raw.len : 60), raw.p);
            c = (char)(hi * 16 + lo);
            i += 2;
        } else if (c == '+' && is_plus) {
            c = ' ';
        }
        if ((unsigned char)c < ' ' || c == 0x7f)
            return wr_fail(err, WR_EPARSE, "a control character in '%.*s'",
                           (int)(raw.len < 60 ? raw.len : 60), raw.p);
        p[n++] = c;
    }
    *out = (wr_text){.p = p, .len = n};
    return WR_OK;
}
