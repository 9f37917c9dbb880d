/* The DSN mask of config.h, apart from the table: it has its own small grammar. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "util/config.h"

static const char stars[] = "***";

/* Bounded writer; a masked text can be longer than its original by two bytes a value. */
typedef struct sink {
    char *at;
    size_t room; /* without the NUL */
} sink;

static void put(sink *k, const char *s, size_t len)
{
    if (len > k->room)
        len = k->room;
    memcpy(k->at, s, len);
    k->at += len;
    k->room -= len;
    *k->at = '\0';
}

/* "user:secret@host" up to `end`: everything between the first ':' and the last '@'. */
static const char *mask_user_part(sink *k, const char *from, const char *end)
{
    const char *at = NULL;
    for (const char *p = from; p < end; p++)
        if (*p == '@')
            at = p;
    const char *colon = at ? memchr(from, ':', (size_t)(at - from)) : NULL;
    if (!colon)
        return from;
    put(k, from, (size_t)(colon + 1 - from));
    put(k, stars, 3);
    return at;
}

/* A parameter name that is or may be ("p%61ssword") a password. */
static bool is_secret_name(const char *name, size_t len)
{
    static const char word[] = "password";
    if (memchr(name, '%', len))
        return true;
    for (size_t i = 0; i + sizeof word - 1 <= len; i++)
        if (strncasecmp(name + i, word, sizeof word - 1) == 0)
            return true;
    return false;
}

static void mask_query(sink *k, const char *p)
{
    while (*p) {
        size_t part = strcspn(p, "&");
        const char *eq = memchr(p, '=', part);
        if (eq && is_secret_name(p, (size_t)(eq - p))) {
            put(k, p, (size_t)(eq + 1 - p));
            put(k, stars, 3);
        } else {
            put(k, p, part);
        }
        p += part;
        if (*p)
            put(k, p++, 1);
    }
}

/* End of a value of a key=value DSN: quoted with backslashes, or up to a blank. */
static const char *value_end(const char *p)
{
    bool is_quoted = *p == '\'';
    for (p += is_quoted; *p; p++) {
        if (*p == '\\' && p[1])
            p++;
        else if (is_quoted ? *p == '\'' : isspace((unsigned char)*p) != 0)
            return p + is_quoted;
    }
    return p;
}

static void mask_pairs(sink *k, const char *p)
{
    while (*p) {
        size_t name = strcspn(p, "= \t\r\n");
        const char *eq = p + name + strspn(p + name, " \t\r\n");
        if (*eq != '=') { /* a word alone, or the blanks between pairs */
            size_t word = name ? name : 1;
            put(k, p, word);
            p += word;
            continue;
        }
        const char *value = eq + 1 + strspn(eq + 1, " \t\r\n");
        const char *end = value_end(value);
        put(k, p, (size_t)(value - p));
        if (is_secret_name(p, name))
            put(k, stars, 3);
        else
            put(k, value, (size_t)(end - value));
        p = end;
    }
}

void wr_config_mask_dsn(char out[WR_CONFIG_TEXT_MAX], const char *dsn)
{
    sink k = {.at = out, .room = WR_CONFIG_TEXT_MAX - 1};
    *out = '\0';
    const char *scheme = strstr(dsn, "://");
    if (!scheme) {
        mask_pairs(&k, dsn);
        return;
    }
    const char *from = scheme + 3;
    const char *query = from + strcspn(from, "?");
    const char *user_end = from + strcspn(from, "/"); /* libpq: a password may hold '?' */
    if (!memchr(from, '@', (size_t)(user_end - from)))
        user_end = query;
    put(&k, dsn, (size_t)(from - dsn));
    const char *rest = mask_user_part(&k, from, user_end);
    query = rest + strcspn(rest, "?");
    put(&k, rest, (size_t)(query - rest));
    mask_query(&k, query);
}
