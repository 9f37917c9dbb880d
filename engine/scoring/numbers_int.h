/*
 * numbers_int.h - small text of words and numbers, as models keep beside their bytes.
 *
 * A cursor over NUL-terminated text; words are separated by white space.  Reading past
 * the end, or a word that is no number, sets `is_bad` and gives 0 from then on, so that
 * a parser checks once at the end.  Thread: one object one thread.
 */
#ifndef WR_SCORING_NUMBERS_INT_H
#define WR_SCORING_NUMBERS_INT_H

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct wr_numbers {
    const char *p;
    uint32_t word; /* words read so far; the last one is wrong when is_bad */
    bool is_bad;
} wr_numbers;

static inline const char *wr_numbers_skip_(wr_numbers *n)
{
    while (isspace((unsigned char)*n->p))
        n->p++;
    if (!n->is_bad)
        n->word++;
    return n->p;
}

/* Exactly this word comes next. */
static inline bool wr_numbers_word(wr_numbers *n, const char *want)
{
    const char *p = wr_numbers_skip_(n);
    const size_t len = strcspn(p, " \t\r\n");
    if (n->is_bad || len != strlen(want) || memcmp(p, want, len) != 0)
        return false;
    n->p = p + len;
    return true;
}

/* A finite number. */
static inline double wr_numbers_f64(wr_numbers *n)
{
    const char *p = wr_numbers_skip_(n);
    char *end;
    const double v = strtod(p, &end);
    if (n->is_bad || end == p || (*end && !isspace((unsigned char)*end)) ||
        !isfinite(v)) {
        n->is_bad = true;
        return 0.0;
    }
    n->p = end;
    return v;
}

static inline uint64_t wr_numbers_u64(wr_numbers *n)
{
    const double v = wr_numbers_f64(n);
    if (!n->is_bad && !(v >= 0.0 && v < 0x1p53 && v == floor(v)))
        n->is_bad = true;
    return n->is_bad ? 0 : (uint64_t)v;
}

static inline bool wr_numbers_at_end(wr_numbers *n)
{
    while (isspace((unsigned char)*n->p))
        n->p++;
    return *n->p == '\0';
}

#endif
