/* Label lists as CSV: our own columns, GraphSense's flat tags; and our own written. */
#include <string.h>

#include "codec/csv_int.h"
#include "codec/labels_int.h"
#include "util/clock.h"

/* Columns that mean something, as slots of a row; slot 0 takes all others. */
typedef enum column {
    C_NONE,
    C_ADDRESS,
    C_CHAIN,
    C_CATEGORY,
    C_CONFIDENCE,
    C_SOURCE,
    C_URI,
    C_ACTOR,
    C_NAME,
    C_FROM,
    C_TO,
    C_PACK,
    C_COUNT
} column;
enum { HEADER_MAX = 32 }; /* columns of a header */
_Static_assert((int)C_COUNT <= (int)HEADER_MAX && (int)HEADER_MAX <= (int)WR_SLOT_COUNT,
               "a row has a slot for every column");

/* --- header ----------------------------------------------------------------------------
 */

static column column_of(wr_text name)
{
    static const struct {
        const char *plain;
        column c;
    } table[] = {
        {"address", C_ADDRESS},   {"wallet", C_ADDRESS}, {"account", C_ADDRESS},
        {"chain", C_CHAIN},       {"network", C_CHAIN},  {"currency", C_CHAIN},
        {"category", C_CATEGORY}, {"abuse", C_CATEGORY}, {"categoryorabuse", C_CATEGORY},
        {"source", C_SOURCE},     {"uri", C_URI},        {"url", C_URI},
        {"actor", C_ACTOR},       {"name", C_NAME},      {"label", C_NAME},
        {"validfrom", C_FROM},    {"validto", C_TO},     {"confidence", C_CONFIDENCE},
        {"pack", C_PACK},
    };
    char plain[WR_NAME_MAX + 1];
    wr_field_plain(plain, name);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(plain, table[i].plain) == 0)
            return table[i].c;
    return C_NONE;
}

static char delimiter_of(wr_text bytes)
{
    const char *lf = memchr(bytes.p, '\n', bytes.len);
    const size_t n = lf ? (size_t)(lf - bytes.p) : bytes.len;
    if (memchr(bytes.p, ',', n))
        return ',';
    return memchr(bytes.p, '\t', n) ? '\t' : ';';
}

/* Meaning of each column of the first row; *next = start of the second. */
static wr_status read_header(wr_csv *csv, const char **next, const char *name,
                             wr_text bytes, bool is_graphsense, wr_arena *arena,
                             wr_err *err)
{
    wr_text head[WR_SLOT_COUNT] = {{0}};
    wr_row row;
    *csv = (wr_csv){.delimiter = delimiter_of(bytes), .columns = HEADER_MAX};
    for (size_t i = 0; i < HEADER_MAX; i++)
        csv->slot[i] = (uint8_t)i;
    const wr_row_state s =
        wr_csv_row(csv, bytes.p, bytes.p + bytes.len, true, head, arena, &row);
    if (s == WR_ROW_NOMEM)
        return wr_fail(err, WR_ENOMEM, "%s: header", name);
    if (s == WR_ROW_BAD && strcmp(row.what, "columns") != 0)
        return wr_fail(err, WR_EPARSE, "%s: header: %s", name, row.what);
    if (row.columns == 0 || row.columns > HEADER_MAX)
        return wr_fail(err, WR_EPARSE, "%s: a header of 1..%d columns was expected", name,
                       (int)HEADER_MAX);
    bool is_there[C_COUNT] = {false};
    csv->columns = row.columns;
    for (uint32_t i = 0; i < row.columns; i++) {
        column c = column_of(wr_label_trim(head[i]));
        if (is_graphsense && c == C_SOURCE)
            c = C_URI; /* its source is a page; the list's name is the pack */
        if (c != C_NONE && is_there[c])
            return wr_fail(err, WR_EPARSE, "%s: the header has a second column for '%s'",
                           name, wr_text_quote(head[i], 40).s);
        is_there[c] = true;
        csv->slot[i] = (uint8_t)c;
    }
    if (!is_there[C_ADDRESS])
        return wr_fail(err, WR_EPARSE, "%s: the header has no column 'address'", name);
    *next = row.next;
    return WR_OK;
}

/* --- rows ------------------------------------------------------------------------------
 */

static bool is_formula(wr_text t)
{
    return t.len && (t.p[0] == '=' || t.p[0] == '+' || t.p[0] == '-' || t.p[0] == '@');
}

bool wr_label_is_guarded(wr_text t)
{
    uint32_t i = 0;
    while (i < t.len && t.p[i] == '\'')
        i++;
    return i > 0 && is_formula((wr_text){t.p + i, t.len - i});
}

static wr_text text_at(const wr_text *slot, column c)
{
    wr_text t = wr_label_trim(slot[c]);
    if (wr_label_is_guarded(t)) {
        t.p++;
        t.len--;
    }
    return t;
}

static wr_status offer_row(wr_label_gate *g, const wr_text *slot, uint64_t line,
                           wr_text own_source, wr_err *err)
{
    wr_raw_label raw = {.line = line,
                        .address = text_at(slot, C_ADDRESS),
                        .chain = text_at(slot, C_CHAIN),
                        .category = text_at(slot, C_CATEGORY),
                        .confidence = text_at(slot, C_CONFIDENCE),
                        .source = text_at(slot, C_SOURCE),
                        .uri = text_at(slot, C_URI),
                        .actor = text_at(slot, C_ACTOR),
                        .name = text_at(slot, C_NAME),
                        .valid_from = text_at(slot, C_FROM),
                        .valid_to = text_at(slot, C_TO)};
    wr_arena_reset(&g->name_arena);
    if (slot[C_PACK].len && !raw.source.len)
        WR_TRY(
            wr_labels_source(&raw.source, g, "graphsense:", text_at(slot, C_PACK), err));
    if (!raw.source.len)
        WR_TRY(wr_labels_source(&raw.source, g, "file:", own_source, err));
    return wr_label_gate_offer(g, &raw, err);
}

static uint64_t count_lines(const char *from, const char *to)
{
    uint64_t n = 0;
    for (const char *p = from; p < to && (p = memchr(p, '\n', (size_t)(to - p))); p++)
        n++;
    return n;
}

static wr_status read_rows(wr_label_gate *g, const char *name, wr_text bytes,
                           bool is_graphsense, wr_arena *arena, wr_err *err)
{
    wr_csv csv;
    const char *p = bytes.p;
    const char *const end = bytes.p + bytes.len;
    WR_TRY(read_header(&csv, &p, name, bytes, is_graphsense, arena, err));
    uint64_t line = 1 + count_lines(bytes.p, p);
    wr_row row;
    for (; p < end; line += count_lines(p, row.next), p = row.next) {
        wr_text slot[WR_SLOT_COUNT] = {{0}};
        wr_arena_reset(arena);
        const wr_row_state s = wr_csv_row(&csv, p, end, true, slot, arena, &row);
        if (s == WR_ROW_NOMEM)
            return wr_fail(err, WR_ENOMEM, "%s: a quoted field", name);
        if (s == WR_ROW_OK)
            WR_TRY(offer_row(g, slot, line, wr_labels_base_name(name), err));
        else if (s == WR_ROW_BAD && row.columns && strcmp(row.what, "columns") == 0)
            wr_label_report(g, WR_LABEL_BAD_FIELD, line, "%u columns, the header has %u",
                            row.columns, csv.columns);
        else if (s == WR_ROW_BAD)
            wr_label_report(g, WR_LABEL_BAD_FIELD, line, "%s", row.what);
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

/* --- writing ---------------------------------------------------------------------------
 */

static void put_text(wr_buf *b, wr_text t, char behind)
{
    const bool needs_guard = is_formula(t) || wr_label_is_guarded(t);
    bool needs_quotes = false;
    for (uint32_t i = 0; i < t.len; i++)
        needs_quotes = needs_quotes || t.p[i] == ',' || t.p[i] == '"' || t.p[i] == '\r' ||
                       t.p[i] == '\n';
    if (needs_quotes)
        wr_buf_adds(b, "\"");
    if (needs_guard)
        wr_buf_adds(b, "'");
    for (uint32_t i = 0; i < t.len; i++) {
        if (t.p[i] == '"')
            wr_buf_adds(b, "\"");
        wr_buf_add(b, &t.p[i], 1);
    }
    if (needs_quotes)
        wr_buf_adds(b, "\"");
    wr_buf_add(b, &behind, 1);
}

static void put_time(wr_buf *b, int64_t time_s, char behind)
{
    char t[WR_RFC3339_MAX] = "";
    if (time_s != WR_TIME_NONE)
        wr_time_format(t, time_s);
    wr_buf_adds(b, t);
    wr_buf_add(b, &behind, 1);
}

void wr_label_to_csv(wr_buf *b, const wr_label *l)
{
    wr_buf_addf(b, "%s,", l->chain->id);
    put_text(b, l->address, ',');
    put_text(b, l->category, ',');
    wr_buf_addf(b, "%u,", l->confidence);
    put_text(b, l->source, ',');
    put_text(b, l->uri, ',');
    put_text(b, l->actor, ',');
    put_text(b, l->name, ',');
    put_time(b, l->valid_from_s, ',');
    put_time(b, l->valid_to_s, '\n');
}
