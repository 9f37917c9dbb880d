/*
 * text.h - a borrowed run of bytes: pointer and length, no terminator.
 *
 * Records decoded from a batch point into that batch's bytes or arena; whoever
 * owns those bytes says how long a wr_text lives.  An absent text is {NULL, 0},
 * an empty one has p != NULL and len 0.  Thread: safe.
 */
#ifndef WR_UTIL_TEXT_H
#define WR_UTIL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct wr_text {
    const char *p;
    uint32_t len; /* bytes */
} wr_text;

#define WR_TEXT_LIT(s) ((wr_text){.p = (s), .len = (uint32_t)(sizeof(s) - 1)})
/* For printf: printf("%.*s", WR_TEXT_ARG(t)) */
#define WR_TEXT_ARG(t) (int)(t).len, ((t).p ? (t).p : "")

static inline wr_text wr_text_of(const char *cstr) /* cstr may be NULL */
{
    return (wr_text){.p = cstr, .len = cstr ? (uint32_t)strlen(cstr) : 0};
}

static inline bool wr_text_eq(wr_text a, wr_text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/*
 * Bytes of the well-formed UTF-8 sequence at text[0..n-1] (n > 0), or minus the length of
 * the longest wrong part that one U+FFFD stands for (Unicode 3.9, D93b).
 */
int wr_utf8_step(const char *text, size_t n);

bool wr_utf8_is_valid(wr_text t);

/*
 * A value from outside as an error message may show it: at most max_bytes (<= 60) of it,
 * "..." when cut, bytes other than printable ASCII as '?'.  Print with "%s" and .s.
 */
typedef struct wr_quote {
    char s[64];
} wr_quote;
wr_quote wr_text_quote(wr_text t, uint32_t max_bytes);

#endif
