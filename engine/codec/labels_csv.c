/* Label lists as CSV: our own columns and GraphSense's flat tags. */
#include <string.h>

#include "codec/labels_int.h"

enum { COLUMNS_MAX = 64 };

typedef struct row {
    wr_text field[COLUMNS_MAX];
    size_t count;
    bool is_closed; /* every quote found its end */
} row;

/*
 * Next row at *p: fields are unquoted in place of the arena's copy when they hold quotes.
 * RFC 4180, with CRLF or LF.  *lines grows by the lines the row spans.
 */
static wr_text take_field(const char **p, const char *end, wr_arena *arena, row *r,
                          uint64_t *lines)
{
    const char *at = *p;
    if (at == end || *at != '"') {
        while (at < end && *at != ',' && *at != '\n')
            at++;
        wr_text t = {*p, (uint32_t)(at - *p)};
        if (t.len && t.p[t.len - 1] == '\r' && (at == end || *at == '\n'))
            t.len--;
        *p = at;
        return t;
    }
    const char *begin = ++at;
    char *copy = wr_arena_alloc(arena, (size_t)(end - begin < 65536 ? end - begin : 65536) + 1);
    uint32_t len = 0;
    while (copy && at < end && len < 65535) {
        if (*at == '"' && !(at + 1 < end && at[1] == '"'))
            break;
        at += *at == '"';
        *lines += *at == '\n';
        copy[len++] = *at++;
    }
    r->is_closed = r->is_closed && copy && at < end && *at == '"';
    at += at < end;
    if (at < end && *at == '\r')
        at++;
    *p = at;
    return (wr_text){copy, len};
}

static void take_row(row *r, const char **p, const char *end, wr_arena *arena, uint64_t *lines)
{
    r->count = 0;
    r->is_closed = true;
    for (;;) {
        wr_text t = take_field(p, end, arena, r, lines);
        if (r->count < COLUMNS_MAX)
            r->field[r->count++] = t;
        if (*p < end && **p == ',') {
            (*p)++;
            continue;
        }
        while (*p < end && **p != '\n') /* what follows a closing quote is no field */
            (*p)++;
        *p += *p < end;
        ++*lines;
        return;
    }
}

/* Where each field of a raw label stands; -1 = the list has no such column. */
typedef struct columns {
    int address, chain, category, confidence, source, uri, actor, name, from, to, pack;
} columns;

static int find(const row *head, const char *const names[])
{
    for (size_t k = 0; names[k]; k++)
        for (size_t i = 0; i < head->count; i++)
            if (wr_text_eq(head->field[i], wr_text_of(names[k])))
                return (int)i;
    return -1;
}

static wr_status find_columns(columns *c, const row *head, const char *name,
                              bool is_graphsense, wr_err *err)
{
    static const char *const address[] = {"address", "wallet", "account", NULL};
    static const char *const chain[] = {"chain", "network", "currency", NULL};
    static const char *const category[] = {"category", "category_or_abuse", "abuse", NULL};
    static const char *const confidence[] = {"confidence", NULL};
    static const char *const source[] = {"source", NULL};
    static const char *const uri[] = {"uri", "url", NULL};
    static const char *const actor[] = {"actor", NULL};
    static const char *const label[] = {"name", "label", NULL};
    static const char *const from[] = {"valid_from", NULL};
    static const char *const to[] = {"valid_to", NULL};
    static const char *const pack[] = {"pack", NULL};
    *c = (columns){find(head, address), find(head, chain), find(head, category),
                   find(head, confidence), find(head, source), find(head, uri),
                   find(head, actor), find(head, label), find(head, from), find(head, to),
                   find(head, pack)};
    if (is_graphsense) { /* its source is a page; the list's name is the pack */
        c->uri = c->source;
        c->source = -1;
    }
    if (c->address < 0)
        return wr_fail(err, WR_EPARSE, "%s: the header has no column 'address'", name);
    return WR_OK;
}

static wr_text at(const row *r, int column)
{
    return column < 0 ? (wr_text){0} : r->field[column];
}

static wr_text source_of(wr_arena *arena, const char *prefix, wr_text tail)
{
    char text[WR_LABEL_TEXT_MAX];
    size_t n = strlen(prefix);
    size_t k = tail.len < sizeof text - n ? tail.len : sizeof text - n;
    memcpy(text, prefix, n);
    memcpy(text + n, tail.p ? tail.p : "", k);
    return wr_arena_text(arena, (wr_text){text, (uint32_t)(n + k)});
}

static wr_status offer_row(wr_label_gate *g, const columns *c, const row *r, uint64_t line,
                           wr_text default_source, wr_arena *arena, wr_err *err)
{
    wr_raw_label raw = {.line = line,
                        .address = at(r, c->address),
                        .chain = at(r, c->chain),
                        .category = at(r, c->category),
                        .confidence = at(r, c->confidence),
                        .source = at(r, c->source),
                        .uri = at(r, c->uri),
                        .actor = at(r, c->actor),
                        .name = at(r, c->name),
                        .valid_from = at(r, c->from),
                        .valid_to = at(r, c->to)};
    if (c->pack >= 0 && !raw.source.len)
        raw.source = source_of(arena, "graphsense:", at(r, c->pack));
    if (!raw.source.len)
        raw.source = default_source;
    return wr_label_gate_offer(g, &raw, err);
}

static wr_status read_rows(wr_label_gate *g, const char *name, wr_text bytes,
                           bool is_graphsense, wr_arena *arena, wr_err *err)
{
    const char *p = bytes.p;
    const char *end = bytes.p + bytes.len;
    uint64_t lines = 0;
    row r;
    take_row(&r, &p, end, arena, &lines);
    columns c;
    WR_TRY(find_columns(&c, &r, name, is_graphsense, err));
    const size_t width = r.count;
    wr_text base = wr_text_of(wr_labels_base_name(name));
    char own[WR_LABEL_TEXT_MAX];
    (void)memcpy(own, "file:", 5);
    size_t k = base.len < sizeof own - 5 ? base.len : sizeof own - 5;
    memcpy(own + 5, base.p, k);
    const wr_text source = {own, (uint32_t)(5 + k)};
    while (p < end) {
        wr_arena_reset(arena);
        const uint64_t line = lines + 1;
        take_row(&r, &p, end, arena, &lines);
        if (r.count == 1 && r.field[0].len == 0)
            continue;
        if (!r.is_closed)
            wr_label_report(g, WR_LABEL_BAD_FIELD, line, "a quote is not closed");
        else if (r.count != width)
            wr_label_report(g, WR_LABEL_BAD_FIELD, line, "%zu columns, the header has %zu",
                            r.count, width);
        else
            WR_TRY(offer_row(g, &c, &r, line, source, arena, err));
    }
    return WR_OK;
}

wr_status wr_labels_read_csv(wr_label_gate *g, const char *name, wr_text bytes,
                             bool is_graphsense, wr_err *err)
{
    if (!bytes.len)
        return wr_fail(err, WR_EPARSE, "%s: empty", name);
    wr_arena arena;
    wr_arena_init(&arena, 0);
    wr_status s = read_rows(g, name, bytes, is_graphsense, &arena, err);
    wr_arena_release(&arena);
    return s;
}
