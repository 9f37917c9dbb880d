/*
 * text.h - a borrowed run of bytes: pointer and length, no terminator.
 *
 * Records decoded from a batch point into that batch's bytes or arena; whoever
 * owns those bytes says how long a wr_text lives.  An absent text is {NULL, 0},
 * an empty one has p != NULL and len 0.
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

#endif
