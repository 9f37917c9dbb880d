#include "codec/csv_int.h"

#ifdef __SSE2__
#    include <emmintrin.h>
#endif

const char wr_row_columns[] = "columns";

/* --- rows ------------------------------------------------------------------------- */

static const char *line_end(const char *p, const char *end)
{
    const char *lf = memchr(p, '\n', (size_t)(end - p));
    return lf ? lf : end;
}

static const char *drop_cr(const char *from, const char *to)
{
    return to > from && to[-1] == '\r' ? to - 1 : to;
}

/* Where the careful way is in a row. */
typedef struct careful {
    const wr_csv *csv;
    const char *start, *p;
    const char *end; /* of the buffer, or WR_RECORD_MAX_BYTES behind start */
    bool is_last;    /* nothing comes behind end */
    wr_text *slot;
    wr_arena *arena;
} careful;

static void set_field(careful *c, wr_row *row, wr_text t)
{
    if (row->columns < c->csv->columns)
        c->slot[c->csv->slot[row->columns]] = t;
    row->columns++;
}

/* Text of a quoted field with "" made one; in the arena when there is one. */
static bool unquote(careful *c, const char *from, const char *to, bool has_double,
                    wr_text *out)
{
    *out = (wr_text){.p = from, .len = (uint32_t)(to - from)};
    if (!has_double)
        return true;
    char *copy = wr_arena_alloc(c->arena, out->len);
    if (!copy)
        return false;
    uint32_t n = 0;
    for (const char *p = from; p < to; p++) {
        copy[n++] = *p;
        p += *p == '"';
    }
    *out = (wr_text){.p = copy, .len = n};
    return true;
}

/* A quoted field; c->p is on its first quote and ends on the byte behind the last one. */
static wr_row_state quoted_field(careful *c, wr_row *row)
{
    const char *from = c->p + 1;
    const char *p = from;
    bool has_double = false;
    wr_text t;
    for (;;) {
        p = memchr(p, '"', (size_t)(c->end - p));
        if (!p)
            return WR_ROW_BAD;
        if (p + 1 < c->end && p[1] == '"') {
            has_double = true;
            p += 2;
            continue;
        }
        break;
    }
    if (p + 1 == c->end && !c->is_last)
        return WR_ROW_BAD; /* the next byte, not seen yet, may be another quote */
    if (!unquote(c, from, p, has_double, &t))
        return WR_ROW_NOMEM;
    set_field(c, row, t);
    c->p = p + 1;
    return WR_ROW_OK;
}

/* Behind a field: 1 another one follows, 0 the row ends, -1 other text. */
static int behind_field(careful *c, wr_row *row)
{
    if (c->p < c->end && *c->p == c->csv->delimiter) {
        c->p++;
        return 1;
    }
    const char *p = c->p;
    while (p < c->end && *p == '\r')
        p++;
    if (p < c->end && *p != '\n')
        return -1;
    row->end = c->p;
    row->next = p < c->end ? p + 1 : p;
    return 0;
}

/*
 * A quote that does not close, or a row too long: more bytes may help, or the row is its
 * first line.  full_end is the end of the buffer itself.
 */
static wr_row_state unclosed(const careful *c, const char *full_end, const char *what,
                             wr_row *row)
{
    if (c->end == full_end && !c->is_last && full_end - c->start <= WR_RECORD_MAX_BYTES)
        return WR_ROW_PARTIAL;
    const char *lf = line_end(c->start, full_end);
    if (lf == full_end && !c->is_last)
        return WR_ROW_PARTIAL;
    row->what = what;
    row->end = drop_cr(c->start, lf);
    row->next = lf < full_end ? lf + 1 : lf;
    return WR_ROW_BAD;
}

static wr_row_state row_careful(careful c, const char *full_end, wr_row *row)
{
    row->columns = 0;
    for (;;) {
        if (c.p < c.end && *c.p == '"') {
            wr_row_state s = quoted_field(&c, row);
            if (s != WR_ROW_OK)
                return s == WR_ROW_BAD
                           ? unclosed(&c, full_end, "a quote that does not close", row)
                           : s;
            const int more = behind_field(&c, row);
            if (more > 0)
                continue;
            if (more < 0) {
                const char *lf = line_end(c.p, full_end);
                if (lf == full_end && !c.is_last)
                    return WR_ROW_PARTIAL;
                row->what = "text behind a closing quote";
                row->end = drop_cr(c.p, lf);
                row->next = lf < full_end ? lf + 1 : lf;
                return WR_ROW_BAD;
            }
            break;
        }
        const char *from = c.p;
        while (c.p < c.end && *c.p != c.csv->delimiter && *c.p != '\n')
            c.p++;
        if (c.p == c.end && !c.is_last)
            return unclosed(&c, full_end, "quotes and no end within the limit", row);
        const bool is_end = c.p == c.end || *c.p == '\n';
        const char *to = is_end ? drop_cr(from, c.p) : c.p;
        set_field(&c, row, (wr_text){.p = from, .len = (uint32_t)(to - from)});
        if (is_end) {
            row->end = to;
            row->next = c.p < c.end ? c.p + 1 : c.p;
            break;
        }
        c.p++;
    }
    return WR_ROW_OK;
}

/* Bits of the bytes p[0..15] that are delimiter, LF or quote. */
static inline unsigned special_16(const char *p, char delimiter)
{
#ifdef __SSE2__
    __m128i v;
    memcpy(&v, p, sizeof v);
    const __m128i d = _mm_cmpeq_epi8(v, _mm_set1_epi8(delimiter));
    const __m128i n = _mm_cmpeq_epi8(v, _mm_set1_epi8('\n'));
    const __m128i q = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(d, _mm_or_si128(n, q)));
#else
    unsigned mask = 0;
    for (unsigned i = 0; i < 16; i++)
        mask |= (unsigned)(p[i] == delimiter || p[i] == '\n' || p[i] == '"') << i;
    return mask;
#endif
}

static wr_row_state finish(const wr_csv *csv, const char *p, wr_row *row)
{
    if (row->columns == csv->columns)
        return WR_ROW_OK;
    const char *c = p;
    while (c < row->end && (*c == ' ' || *c == '\t' || *c == '\r'))
        c++;
    if (row->columns == 1 && c == row->end)
        return WR_ROW_BLANK;
    row->what = wr_row_columns;
    return WR_ROW_BAD;
}

wr_row_state wr_csv_row(const wr_csv *csv, const char *p, const char *end, bool is_last,
                        wr_text *slot, wr_arena *arena, wr_row *row)
{
    const char *field = p;
    uint32_t column = 0;
    *row = (wr_row){0};
    for (const char *block = p; block < end; block += 16) {
        unsigned mask = special_16(block, csv->delimiter);
        for (; mask; mask &= mask - 1) {
            const char *at = block + __builtin_ctz(mask);
            if (at >= end)
                break;
            if (*at == '"') {
                if (at != field)
                    continue;
                const bool is_far = end - p > WR_RECORD_MAX_BYTES;
                careful c = {.csv = csv,
                             .start = p,
                             .p = p,
                             .slot = slot,
                             .arena = arena,
                             .end = is_far ? p + WR_RECORD_MAX_BYTES : end,
                             .is_last = is_last && !is_far};
                wr_row_state s = row_careful(c, end, row);
                return s == WR_ROW_OK ? finish(csv, p, row) : s;
            }
            const char *to = *at == '\n' ? drop_cr(field, at) : at;
            if (column < csv->columns)
                slot[csv->slot[column]] =
                    (wr_text){.p = field, .len = (uint32_t)(to - field)};
            column++;
            field = at + 1;
            if (*at == '\n') {
                row->columns = column;
                row->end = to;
                row->next = field;
                return finish(csv, p, row);
            }
        }
    }
    if (!is_last)
        return WR_ROW_PARTIAL;
    const char *to = drop_cr(field, end);
    if (column < csv->columns)
        slot[csv->slot[column]] = (wr_text){.p = field, .len = (uint32_t)(to - field)};
    row->columns = column + 1;
    row->end = to;
    row->next = end;
    return finish(csv, p, row);
}
