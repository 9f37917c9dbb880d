#include "api/guard.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HOST_TEXT_MAX = 255 };

/* Headers that matter here, with how often each was seen. */
typedef struct seen {
    const char *value[10];
    unsigned count[10];
} seen;
enum {
    HOST,
    CONTENT_LENGTH,
    TRANSFER_ENCODING,
    EXPECT,
    CONNECTION,
    CONTENT_TYPE,
    ACCEPT,
    REQUEST_ID,
    ORIGIN,
    UPGRADE
};
static const char *const names[] = {
    "Host",         "Content-Length", "Transfer-Encoding", "Expect", "Connection",
    "Content-Type", "Accept",         "X-Request-Id",      "Origin", "Upgrade"};

static void collect(seen *s, const wr_raw_request *raw)
{
    *s = (seen){0};
    for (int i = 0; i < raw->header_count; i++) {
        for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
            if (strcasecmp(raw->header[i].name, names[k]) != 0)
                continue;
            s->value[k] = raw->header[i].value;
            s->count[k]++;
        }
    }
}

static bool is_digits(const char *s)
{
    return *s && s[strspn(s, "0123456789")] == '\0';
}

/* Is `word` one of the comma-separated items of `list`? */
static bool list_has(const char *list, const char *word)
{
    size_t len = strlen(word);
    while (list && *list) {
        list += strspn(list, " \t,");
        size_t n = strcspn(list, ",");
        size_t end = n;
        while (end > 0 && (list[end - 1] == ' ' || list[end - 1] == '\t'))
            end--;
        if (end == len && strncasecmp(list, word, len) == 0)
            return true;
        list += n;
    }
    return false;
}

bool wr_guard_is_loopback(const char *host)
{
    size_t len = strlen(host);
    size_t name = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
    if (name > len)
        return false;
    if (host[name] == ':' && !is_digits(host + name + 1))
        return false;
    if (host[name] != ':' && host[name] != '\0')
        return false;
    if (name == 5 && strncmp(host, "[::1]", 5) == 0)
        return true;
    if (name == 9 && strncasecmp(host, "localhost", 9) == 0)
        return true;
    /* 127.a.b.c, written in full: "127.1" is left to nobody's parser */
    unsigned dots = 0;
    for (size_t i = 0; i < name; i++) {
        if (host[i] == '.')
            dots++;
        else if (!isdigit((unsigned char)host[i]))
            return false;
    }
    return dots == 3 && name <= 15 && strncmp(host, "127.", 4) == 0 &&
           host[name - 1] != '.';
}

bool wr_guard_accepts(const char *accept, const char *media_type)
{
    if (!accept || !*accept)
        return true;
    size_t type_len = strcspn(media_type, "/");
    size_t full_len = strcspn(media_type, ";");
    while (*accept) {
        accept += strspn(accept, " \t,");
        size_t item = strcspn(accept, ",");
        size_t range = strcspn(accept, ";, \t");
        range = range < item ? range : item;
        bool is_match =
            (range == 3 && strncmp(accept, "*/*", 3) == 0) ||
            (range == type_len + 2 &&
             strncasecmp(accept, media_type, type_len + 1) == 0 &&
             accept[range - 1] == '*') ||
            (range == full_len && strncasecmp(accept, media_type, full_len) == 0);
        if (is_match && range > 0) {
            const char *q = memchr(accept + range, 'q', item - range);
            bool is_zero = q && q[1] == '=' && strtod(q + 2, NULL) <= 0.0;
            if (!is_zero)
                return true;
        }
        accept += item;
    }
    return false;
}

static bool check_shape(const wr_raw_request *raw, wr_problem *p)
{
    size_t target = strlen(raw->path) + (raw->query ? strlen(raw->query) : 0);
    if (target > WR_TARGET_MAX) {
        wr_problem_set(p, WR_PROBLEM_TARGET_LENGTH, "%zu bytes, at most %d are read",
                       target, (int)WR_TARGET_MAX);
        return false;
    }
    if (raw->header_count >= WR_RAW_HEADER_MAX) {
        wr_problem_set(p, WR_PROBLEM_HEADER_LENGTH, "%d headers or more",
                       (int)WR_RAW_HEADER_MAX);
        return false;
    }
    for (int i = 0; i < raw->header_count; i++) {
        const wr_raw_header *h = &raw->header[i];
        if (strlen(h->value) > WR_HEADER_VALUE_MAX) {
            wr_problem_set(p, WR_PROBLEM_HEADER_LENGTH, "a header over %d bytes",
                           (int)WR_HEADER_VALUE_MAX);
            return false;
        }
    }
    return true;
}

static bool check_length(wr_head *out, const seen *s, wr_problem *p)
{
    if (s->count[TRANSFER_ENCODING] && s->count[CONTENT_LENGTH])
        wr_problem_set(p, WR_PROBLEM_BAD_REQUEST,
                       "Transfer-Encoding beside Content-Length");
    else if (s->count[CONTENT_LENGTH] > 1)
        wr_problem_set(p, WR_PROBLEM_BAD_REQUEST, "Content-Length more than once");
    else if (s->count[TRANSFER_ENCODING] > 1)
        wr_problem_set(p, WR_PROBLEM_BAD_REQUEST, "Transfer-Encoding more than once");
    else if (s->count[TRANSFER_ENCODING] && !out->is_http11)
        wr_problem_set(p, WR_PROBLEM_BAD_REQUEST, "Transfer-Encoding in HTTP/1.0");
    else if (s->count[TRANSFER_ENCODING] &&
             strcasecmp(s->value[TRANSFER_ENCODING], "chunked") != 0)
        wr_problem_set(p, WR_PROBLEM_BAD_REQUEST,
                       "a Transfer-Encoding other than chunked");
    else if (s->count[CONTENT_LENGTH] && (!is_digits(s->value[CONTENT_LENGTH]) ||
                                          strlen(s->value[CONTENT_LENGTH]) > 18))
        wr_problem_set(p, WR_PROBLEM_BAD_REQUEST,
                       "Content-Length is not a count of bytes");
    if (p->kind != WR_PROBLEM_NONE)
        return false;
    out->is_chunked = s->count[TRANSFER_ENCODING] > 0;
    if (s->count[CONTENT_LENGTH])
        out->body_bytes = strtoll(s->value[CONTENT_LENGTH], NULL, 10);
    return true;
}

/* "http://" + Host: the only origin whose pages may speak to this server. */
static bool is_own_origin(const char *origin, const char *host)
{
    return strncasecmp(origin, "http://", 7) == 0 && strcasecmp(origin + 7, host) == 0;
}

static bool check_peer(const wr_head *out, const seen *s, wr_problem *p)
{
    if (s->count[HOST] > 1)
        wr_problem_set(p, WR_PROBLEM_BAD_REQUEST, "Host more than once");
    else if (!out->host && out->is_http11)
        wr_problem_set(p, WR_PROBLEM_BAD_REQUEST, "no Host in HTTP/1.1");
    else if (out->host &&
             (strlen(out->host) > HOST_TEXT_MAX || !wr_guard_is_loopback(out->host)))
        wr_problem_set(p, WR_PROBLEM_FOREIGN_HOST,
                       "there is no login yet, so only 127.0.0.1, [::1] and localhost "
                       "are answered");
    else if (s->value[ORIGIN] &&
             !is_own_origin(s->value[ORIGIN], out->host ? out->host : ""))
        wr_problem_set(
            p, WR_PROBLEM_FOREIGN_ORIGIN,
            "there is no login yet, so only this server's own pages may use it");
    return p->kind == WR_PROBLEM_NONE;
}

bool wr_guard_check(wr_head *out, const wr_raw_request *raw, wr_problem *p)
{
    *out = (wr_head){.method = raw->method,
                     .path = raw->path,
                     .query = raw->query,
                     .is_close_asked = true};
    seen s;
    collect(&s, raw);
    out->is_http11 = strcmp(raw->version, "1.1") == 0;
    out->host = s.value[HOST];
    out->content_type = s.value[CONTENT_TYPE];
    out->accept = s.value[ACCEPT];
    out->request_id = s.value[REQUEST_ID];
    if (!check_shape(raw, p) || !check_length(out, &s, p) || !check_peer(out, &s, p))
        return false;
    if (s.value[EXPECT] && strcasecmp(s.value[EXPECT], "100-continue") != 0) {
        wr_problem_set(p, WR_PROBLEM_EXPECTATION, "Expect: %.60s", s.value[EXPECT]);
        return false;
    }
    out->is_continue_expected = s.value[EXPECT] && out->is_http11;
    out->is_close_asked = s.value[CONNECTION]
                              ? !list_has(s.value[CONNECTION], "keep-alive")
                              : !out->is_http11;
    return true;
}
