#include <stdio.h>

#include "codec/csv_int.h"
#include "util/buf.h"

enum { QUOTE_MAX = 40, FOUND_MAX = 160 };

/* Columns of the header while it is read. */
typedef struct header {
    wr_csv *csv;
    wr_transfer_decoder *d;
    uint32_t count;
    wr_text name[WR_CSV_COLUMNS_MAX];
    bool is_entry_used[64]; /* of the preset's column list */
} header;

void wr_csv_release(wr_csv *csv)
{
    wr_free(csv->header);
    csv->header = NULL;
}

/* ',' when there is one, else tab, else ';'. */
static char delimiter_of(wr_text line)
{
    static const char choice[] = ",\t;";
    for (int i = 0; choice[i]; i++)
        if (memchr(line.p, choice[i], line.len))
            return choice[i];
    return ',';
}

/* Names between delimiters; quotes around a name are dropped, "" inside is not looked
 * for. */
static wr_status split_names(header *h, wr_text line, wr_err *err)
{
    const char delimiter = h->csv->delimiter;
    for (uint32_t at = 0;; at++) {
        if (h->count == WR_CSV_COLUMNS_MAX)
            return wr_fail(err, WR_EPARSE, "header has more than %d columns",
                           (int)WR_CSV_COLUMNS_MAX);
        const bool is_quoted = at < line.len && line.p[at] == '"';
        uint32_t from = at + is_quoted;
        uint32_t to = from;
        while (to < line.len && line.p[to] != (is_quoted ? '"' : delimiter))
            to++;
        at = to + is_quoted;
        if (at > line.len || (at < line.len && line.p[at] != delimiter))
            return wr_fail(err, WR_EPARSE,
                           "header: column %u has a quote that does not close",
                           h->count + 1);
        while (from < to && line.p[from] == ' ')
            from++;
        while (to > from && line.p[to - 1] == ' ')
            to--;
        h->name[h->count++] = (wr_text){.p = line.p + from, .len = to - from};
        if (at == line.len)
            return WR_OK;
    }
}

static wr_status twice(const header *h, uint32_t column, wr_err *err)
{
    char plain[WR_NAME_MAX + 1];
    wr_field_plain(plain, h->name[column]);
    uint32_t first = 0;
    while (first < column && !wr_name_is(h->name[first], plain))
        first++;
    return wr_fail(err, WR_EPARSE, "header: column '%s' comes twice (columns %u and %u)",
                   wr_text_quote(h->name[column], QUOTE_MAX).s, first + 1, column + 1);
}

/* Field of a column in a preset's own list; each entry serves once. */
static wr_status listed_field(header *h, uint32_t column, wr_field *f, wr_err *err)
{
    const wr_preset_column *list = h->d->preset->column;
    bool is_used = false;
    for (uint32_t i = 0; list[i].plain; i++) {
        if (!wr_name_is(h->name[column], list[i].plain))
            continue;
        if (!h->is_entry_used[i]) {
            h->is_entry_used[i] = true;
            *f = list[i].field;
            return WR_OK;
        }
        is_used = true;
    }
    return is_used ? twice(h, column, err) : WR_OK;
}

static wr_status column_field(header *h, uint32_t column, wr_field *f, wr_err *err)
{
    const wr_transfer_decoder *d = h->d;
    const wr_text name = h->name[column];
    *f = WR_F_NONE;
    if (!d->preset->column || d->preset->is_open) {
        *f = wr_decoder_field(d, name);
        char plain[WR_NAME_MAX + 1];
        wr_field_plain(plain, name);
        for (uint32_t i = 0; *f != WR_F_NONE && i < column; i++)
            if (wr_name_is(h->name[i], plain))
                return twice(h, column, err);
        return WR_OK;
    }
    for (uint32_t i = 0; i < d->map_count; i++)
        if (wr_text_eq(name, wr_text_of(d->map[i].name))) {
            *f = d->map[i].field;
            return WR_OK;
        }
    WR_TRY(listed_field(h, column, f, err));
    for (uint32_t i = 0; i < d->map_count; i++)
        if (d->map[i].field == *f)
            *f = WR_F_NONE;
    return WR_OK;
}

/* "Value_IN(BNB)": the asset, and unless one was given the chain whose own it is. */
static wr_status asset_of_header(header *h, wr_err *err)
{
    wr_transfer_decoder *d = h->d;
    const wr_text name = h->csv->layout.name[WR_F_VALUE_IN];
    const char *open = name.p ? memchr(name.p, '(', name.len) : NULL;
    const char *close =
        open ? memchr(open, ')', (size_t)(name.p + name.len - open)) : NULL;
    if (!close || close == open + 1 || close - open > WR_ASSET_MAX)
        return WR_OK;
    const wr_text symbol = {.p = open + 1, .len = (uint32_t)(close - open - 1)};
    if (!d->is_chain_given) {
        wr_err why = {0};
        if (wr_chain_find(&d->chain, symbol, &why) != WR_OK)
            return wr_fail(err, WR_EINVAL,
                           "column '%s': no chain is known for it; name the chain",
                           wr_text_quote(name, QUOTE_MAX).s);
    } else if (!d->asset[0] && !wr_text_eq(symbol, wr_text_of(d->chain->asset))) {
        memcpy(d->asset, symbol.p, symbol.len);
        d->asset[symbol.len] = '\0';
    }
    return WR_OK;
}

static wr_status check_map(const header *h, wr_err *err)
{
    for (uint32_t i = 0; i < h->d->map_count; i++) {
        bool is_there = false;
        for (uint32_t k = 0; k < h->count && !is_there; k++)
            is_there = wr_text_eq(h->name[k], wr_text_of(h->d->map[i].name));
        if (!is_there)
            return wr_fail(err, WR_EINVAL, "map: the header has no column '%s'",
                           h->d->map[i].name);
    }
    return WR_OK;
}

/* Names what a record cannot do without, and what the header has instead. */
static wr_status check_needed(const header *h, wr_err *err)
{
    const wr_text *at = h->csv->layout.name;
    char missing[64];
    char found[FOUND_MAX + 8];
    const bool has_amount = at[WR_F_AMOUNT].p || at[WR_F_VALUE].p ||
                            at[WR_F_VALUE_USD].p || at[WR_F_VALUE_IN].p ||
                            at[WR_F_VALUE_OUT].p;
    int n = snprintf(missing, sizeof missing, "%s%s%s%s", at[WR_F_FROM].p ? "" : ", from",
                     at[WR_F_TO].p ? "" : ", to", has_amount ? "" : ", amount or value",
                     at[WR_F_TIME].p ? "" : ", time");
    if (n <= 0)
        return WR_OK;
    size_t used = 0;
    for (uint32_t i = 0; i < h->count && used < FOUND_MAX - 48; i++)
        used += (size_t)snprintf(found + used, 48, "%s%s", i ? ", " : "",
                                 wr_text_quote(h->name[i], 24).s);
    return wr_fail(err, WR_EPARSE, "header has no column for %s; it has: %s", missing + 2,
                   found);
}

static wr_status resolve(header *h, wr_err *err)
{
    wr_csv *csv = h->csv;
    if (h->d->is_detecting)
        WR_TRY(wr_decoder_use(h->d, wr_preset_of_header(h->name, h->count), err));
    for (uint32_t i = 0; i < h->count; i++) {
        wr_field f;
        WR_TRY(column_field(h, i, &f, err));
        if (f == WR_F_INPUTS || f == WR_F_OUTPUTS)
            f = WR_F_NONE; /* lists have no place in a row */
        csv->slot[i] = (uint8_t)wr_layout_add(&csv->layout, f, h->name[i]);
        if (f != WR_F_NONE && csv->slot[i] == WR_F_NONE)
            return wr_fail(err, WR_EPARSE, "header: more than %d second spellings",
                           (int)WR_ALT_MAX);
    }
    csv->columns = h->count;
    WR_TRY(check_map(h, err));
    WR_TRY(check_needed(h, err));
    if (h->d->preset->quirks & WR_QUIRK_HEADER_ASSET)
        WR_TRY(asset_of_header(h, err));
    if (!h->d->chain && !csv->layout.name[WR_F_CHAIN].p)
        return wr_fail(err, WR_EINVAL,
                       "no chain: the header has no column for it, so name one "
                       "(eip155:1, BTC, opaque:NAME, ...)");
    return WR_OK;
}

wr_status wr_csv_header(wr_csv *csv, wr_transfer_decoder *d, wr_text line, wr_err *err)
{
    WR_AUTO_ARRAY header *h = wr_calloc(1, sizeof *h);
    WR_AUTO_ARRAY char *copy = wr_calloc((size_t)line.len + 1, 1);
    if (!h || !copy)
        return wr_fail(err, WR_ENOMEM, "no memory for the header");
    if (line.len)
        memcpy(copy, line.p, line.len);
    *csv = (wr_csv){.delimiter = delimiter_of((wr_text){copy, line.len})};
    h->csv = csv;
    h->d = d;
    WR_TRY(split_names(h, (wr_text){copy, line.len}, err));
    WR_TRY(resolve(h, err));
    csv->header = WR_STEAL(copy);
    return WR_OK;
}
