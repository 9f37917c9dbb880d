#include <stdio.h>

#include "codec/reader_int.h"

/* Bytes to look at: at least one whole line, if there is one within the limit. */
static wr_status read_first_line(wr_transfer_reader *r, wr_transfer_batch_own *own,
                                 wr_err *err)
{
    const wr_input_info at = wr_input_tell(r->in);
    r->offset = at.offset; /* a byte order mark */
    for (size_t bytes = wr_reader_target(r);; bytes *= 2) {
        WR_TRY(wr_reader_fill(r, own, bytes, err));
        const char *p = own->text;
        const char *end = p + own->text_len;
        while (p < end && (*p == '\n' || *p == '\r' || *p == ' ' || *p == '\t'))
            p++;
        if (wr_reader_is_drained(r) || memchr(p, '\n', (size_t)(end - p)) ||
            own->text_len > WR_RECORD_MAX_BYTES)
            return WR_OK;
    }
}

static bool is_dumplings(const char *p, size_t len)
{
    enum { TXID = 64 };
    if (len < TXID + 3 || memcmp(p + TXID, ":::", 3) != 0)
        return false;
    for (size_t i = 0; i < TXID; i++)
        if (!strchr("0123456789abcdefABCDEF", p[i]) || !p[i])
            return false;
    return true;
}

/* Which kind of records a file holds whose format was not named. */
static wr_status detect(wr_transfer_reader *r, const char *p, size_t len, wr_err *err)
{
    const char *name = "csv";
    if (len && *p == '[')
        return wr_fail(err, WR_EPARSE,
                       "%s: one JSON list; write one object per line (jq -c '.[]')",
                       r->source);
    if (len && *p == '{')
        name = "ndjson";
    else if (is_dumplings(p, len))
        name = "dumplings";
    else if (!len)
        return wr_fail(err, WR_EPARSE, "%s: is empty, not even a header", r->source);
    if (strcmp(name, "csv") == 0)
        r->d->preset = wr_preset_find("csv"); /* the header decides further */
    else
        return wr_decoder_use(r->d, wr_preset_find(name), err);
    return WR_OK;
}

/* CSV: the header is taken; others start with their first record. */
static wr_status open_format(wr_transfer_reader *r, wr_transfer_batch_own *own,
                             wr_err *err)
{
    const char *p = own->text;
    const char *end = p + own->text_len;
    while (p < end && (*p == '\n' || *p == '\r' || *p == ' ' || *p == '\t'))
        p++;
    const size_t len = (size_t)(end - p);
    if (!len && r->failed.code != WR_OK)
        return wr_fail(err, r->failed.code, "%s", r->failed.msg);
    if (r->d->is_detecting)
        WR_TRY(detect(r, p, len, err));
    if (r->d->preset->kind != WR_RECORD_CSV)
        return wr_reader_keep(r, own->text, own->text_len, err);
    const char *lf = memchr(p, '\n', len);
    if (!lf && len > WR_RECORD_MAX_BYTES)
        return wr_fail(err, WR_EPARSE, "%s: the header is over the limit of %d bytes",
                       r->source, (int)WR_RECORD_MAX_BYTES);
    const char *to = lf ? lf : end;
    wr_text line = {.p = p, .len = (uint32_t)(to - p)};
    if (line.len && line.p[line.len - 1] == '\r')
        line.len--;
    if (memchr(line.p, '\0', line.len) || !wr_utf8_is_valid(line))
        return wr_fail(err, WR_EPARSE, "%s: the header is no UTF-8 text", r->source);
    WR_TRY(wr_csv_header(&r->csv, r->d, line, err));
    const size_t taken = (size_t)((lf ? lf + 1 : end) - own->text);
    wr_reader_take(r, own->text, taken);
    return wr_reader_keep(r, own->text + taken, own->text_len - taken, err);
}

static void name_source(wr_transfer_reader *r, const wr_transfer_reader_opts *o)
{
    const char *slash = strrchr(o->path, '/');
    const char *file = strcmp(o->path, "-") == 0 ? "stdin" : slash ? slash + 1 : o->path;
    if (o->source)
        (void)snprintf(r->source, sizeof r->source, "%s", o->source);
    else
        (void)snprintf(r->source, sizeof r->source, "file:%.200s", file);
}

wr_status wr_transfer_reader_open(wr_transfer_reader **out,
                                  const wr_transfer_reader_opts *o, wr_err *err)
{
    WR_AUTO(wr_transfer_reader) r = wr_calloc(1, sizeof *r);
    if (!r)
        return wr_batch_nomem(err);
    if (!o->batch_rows)
        return wr_fail(err, WR_EINVAL, "batches of 0 rows");
    r->batch_rows = o->batch_rows;
    r->stop_at = UINT64_MAX;
    r->record_bytes = 256;
    name_source(r, o);
    WR_TRY(wr_transfer_decoder_new(&r->d, &o->transfer, err));
    WR_TRY(wr_input_open(&r->in, o->path, err));
    wr_transfer_batch b = {0};
    wr_status s = wr_batch_reset(&b, r, err);
    if (s == WR_OK)
        s = read_first_line(r, b.own, err);
    if (s == WR_OK)
        s = open_format(r, b.own, err);
    wr_transfer_batch_release(&b);
    if (s != WR_OK)
        return s;
    *out = WR_STEAL(r);
    return WR_OK;
}

void wr_transfer_reader_close(wr_transfer_reader *r)
{
    if (!r)
        return;
    wr_input_close(r->in);
    wr_transfer_decoder_free(r->d);
    wr_csv_release(&r->csv);
    wr_occurrence_release(&r->seen);
    wr_free(r->carry);
    wr_free(r);
}

const char *wr_transfer_reader_format(const wr_transfer_reader *r)
{
    return r->d->preset->name;
}

wr_input_info wr_transfer_reader_tell(const wr_transfer_reader *r)
{
    return wr_input_tell(r->in);
}
