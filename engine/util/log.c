#include "util/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/clock.h"

enum { LINE_MAX_BYTES = 8192, END_ROOM = 8 }; /* END_ROOM: cut mark, quote, newline */

static atomic_int least_level = WR_LOG_INFO;

static const char *const level_name[] = {"debug", "info", "warn", "error"};

/* The line lives on the stack: logging must work when there is no memory. */
typedef struct line {
    char s[LINE_MAX_BYTES];
    size_t len;
    int is_cut;
} line;

static void put(line *l, const char *s, size_t len)
{
    size_t room = LINE_MAX_BYTES - END_ROOM - l->len;
    if (len > room) {
        l->is_cut = 1;
        return; /* a piece is whole or absent: no half escapes */
    }
    memcpy(l->s + l->len, s, len);
    l->len += len;
}

static int needs_quotes(const char *v)
{
    if (!*v)
        return 1;
    for (const unsigned char *p = (const unsigned char *)v; *p; p++)
        if (*p <= ' ' || *p == '"' || *p == '\\' || *p == '=' || *p == 0x7f)
            return 1;
    return 0;
}

static void put_quoted(line *l, const char *v)
{
    put(l, "\"", 1);
    for (; *v && !l->is_cut; v++) {
        unsigned char ch = (unsigned char)*v;
        char esc[8];
        if (ch == '"' || ch == '\\')
            (void)snprintf(esc, sizeof esc, "\\%c", ch);
        else if (ch < ' ' || ch == 0x7f)
            (void)snprintf(esc, sizeof esc, "\\u%04x", ch);
        else
            (void)snprintf(esc, sizeof esc, "%c", ch);
        put(l, esc, strlen(esc));
    }
    if (l->is_cut) {
        memcpy(l->s + l->len, "...", 3);
        l->len += 3;
    }
    l->s[l->len++] = '"'; /* END_ROOM keeps these bytes free */
}

void wr_log_set_level(wr_log_level least)
{
    atomic_store(&least_level, (int)least);
}

wr_log_level wr_log_level_of(const char *name)
{
    for (int i = WR_LOG_DEBUG; i <= WR_LOG_ERROR; i++)
        if (name && strcmp(name, level_name[i]) == 0)
            return (wr_log_level)i;
    return WR_LOG_INFO;
}

static void put_time(line *l)
{
    char text[WR_RFC3339_MAX];
    int64_t now_us = wr_clock_wall_us();
    wr_time_format(text, now_us / 1000000);
    char ms[16];
    int n = snprintf(ms, sizeof ms, ".%03dZ", (int)(now_us / 1000 % 1000));
    put(l, text, strlen(text) - 1);
    put(l, ms, (size_t)n);
}

static void put_value(line *l, const char *value)
{
    if (needs_quotes(value) || strlen(value) > LINE_MAX_BYTES - END_ROOM - l->len)
        put_quoted(l, value);
    else
        put(l, value, strlen(value));
}

void wr_log(wr_log_level level, const char *event, ...)
{
    if ((int)level < atomic_load_explicit(&least_level, memory_order_relaxed))
        return;
    line l;
    l.len = 0;
    l.is_cut = 0;
    put_time(&l);
    put(&l, " ", 1);
    put(&l, level_name[level], strlen(level_name[level]));
    put(&l, " ", 1);
    put(&l, event, strlen(event));

    va_list ap;
    va_start(ap, event);
    for (const char *key; !l.is_cut && (key = va_arg(ap, const char *)) != NULL;) {
        const char *value = va_arg(ap, const char *);
        put(&l, " ", 1);
        put(&l, key, strlen(key));
        put(&l, "=", 1);
        if (!l.is_cut)
            put_value(&l, value ? value : "");
    }
    va_end(ap);
    l.s[l.len++] = '\n';
    ssize_t n = write(STDERR_FILENO, l.s, l.len);
    (void)n; /* nowhere left to tell */
}
