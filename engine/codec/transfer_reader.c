#include "codec/transfer_reader.h"

#include <stdio.h>

#include "codec/mark_int.h"
#include "codec/occurrence_int.h"
#include "codec/slice_int.h"
#include "util/clock.h"

enum {
    SLICE_BYTES = 256 * 1024, /* part of the contract with tests: borders fall here */
    TEXT_MIN = 64 * 1024,     /* text of one batch */
    TEXT_MAX = 32 * 1024 * 1024,
    SOURCE_MAX = 255
};

struct wr_transfer_batch_own {
    char *text;
    size_t text_len, text_cap; /* cap leaves WR_CSV_PAD behind */
    wr_slice **slice;          /* [slice_cap]; those from slice_made on are NULL */
    size_t slice_count, slice_made, slice_cap;
    wr_transfer *transfer;
    wr_dead_letter *dead;
    size_t transfer_cap, dead_cap;
    char source[SOURCE_MAX + 1]; /* dead letters point here */
};

struct wr_transfer_reader {
    wr_input *in;
    wr_transfer_decoder *d;
    wr_csv csv;
    char source[SOURCE_MAX + 1];
    uint32_t batch_rows;
    char *carry; /* [carry_pos, carry_len) was read and is in no batch yet */
    size_t carry_pos, carry_len, carry_cap;
    uint64_t record, offset; /* taken */
    wr_prefix prefix;        /* of the bytes before offset */
    uint64_t stop_at;        /* while skipping: the file ends here; else UINT64_MAX */
    bool is_end;             /* this call came to the end, or to stop_at */
    wr_err failed;           /* the input's, kept until all records before it are out */
    double record_bytes;     /* average length, to size the next text */
    wr_occurrence seen;
};

/* --- batches ---------------------------------------------------------------------- */

void wr_transfer_batch_release(wr_transfer_batch *b)
{
    wr_transfer_batch_own *own = b->own;
    if (own) {
        for (size_t i = 0; i < own->slice_made; i++) {
            wr_slice_release(own->slice[i]);
            wr_free(own->slice[i]);
        }
        wr_free(own->slice);
        wr_free(own->text);
        wr_free(own->transfer);
        wr_free(own->dead);
        wr_free(own);
    }
    *b = (wr_transfer_batch){0};
}

static wr_status nomem(wr_err *err)
{
    return wr_fail(err, WR_ENOMEM, "no memory for a batch of transfers");
}

static wr_status batch_reset(wr_transfer_batch *b, const wr_transfer_reader *r,
                             wr_err *err)
{
    wr_transfer_batch_own *own = b->own ? b->own : wr_calloc(1, sizeof *own);
    *b = (wr_transfer_batch){.own = own};
    if (!own)
        return nomem(err);
    own->text_len = 0;
    own->slice_count = 0;
    memcpy(own->source, r->source, sizeof own->source);
    return WR_OK;
}

static wr_status slices_reserve(wr_transfer_batch_own *own, size_t count, wr_err *err)
{
    wr_slice **slice = wr_grow(own->slice, &own->slice_cap, count, sizeof *slice);
    if (!slice)
        return nomem(err);
    own->slice = slice;
    for (; own->slice_made < count; own->slice_made++) {
        wr_slice *s = wr_calloc(1, sizeof *s);
        if (!s)
            return nomem(err);
        wr_slice_init(s);
        own->slice[own->slice_made] = s;
    }
    return WR_OK;
}

/* --- text ------------------------------------------------------------------------- */

static wr_status text_reserve(wr_transfer_batch_own *own, size_t bytes, wr_err *err)
{
    if (own->text && bytes + WR_CSV_PAD <= own->text_cap)
        return WR_OK;
    size_t cap = own->text_cap * 2 > bytes ? own->text_cap * 2 : bytes;
    char *text = wr_alloc_big(cap + WR_CSV_PAD, 1);
    if (!text)
        return nomem(err);
    if (own->text_len)
        memcpy(text, own->text, own->text_len);
    wr_free(own->text);
    own->text = text;
    own->text_cap = cap + WR_CSV_PAD;
    return WR_OK;
}

/* The input has nothing more, and what was read of it is in the text. */
static bool is_drained(const wr_transfer_reader *r)
{
    return r->is_end || (r->failed.code != WR_OK && r->carry_pos == r->carry_len);
}

/* Some bytes behind the text, first those that were read before; want > 0. */
static wr_status text_pull(wr_transfer_reader *r, char *to, size_t want, size_t *got)
{
    const size_t held = r->carry_len - r->carry_pos;
    if (!held)
        return wr_input_read(r->in, to, want, got, &r->failed);
    *got = want < held ? want : held;
    memcpy(to, r->carry + r->carry_pos, *got);
    r->carry_pos += *got;
    return WR_OK;
}

/* Read until the text has `bytes`, or the input ends or fails (which is kept). */
static wr_status text_fill(wr_transfer_reader *r, wr_transfer_batch_own *own,
                           size_t bytes, wr_err *err)
{
    WR_TRY(text_reserve(own, bytes, err));
    while (own->text_len < bytes && !is_drained(r)) {
        const uint64_t limit = r->stop_at - (r->offset + own->text_len);
        size_t want = bytes - own->text_len;
        size_t got = 0;
        if (want > limit)
            want = (size_t)limit;
        if (want && text_pull(r, own->text + own->text_len, want, &got) != WR_OK)
            break;
        r->is_end = got == 0;
        own->text_len += got;
    }
    memset(own->text + own->text_len, 0, WR_CSV_PAD);
    return WR_OK;
}

/* Bytes that are done with: they enter mark and digest. */
static void text_take(wr_transfer_reader *r, const char *from, size_t bytes)
{
    wr_prefix_add(&r->prefix, from, bytes);
    r->offset += bytes;
}

/* What no record of this batch took waits for the next one, before what is held already.
 */
static wr_status text_keep(wr_transfer_reader *r, const char *from, size_t bytes,
                           wr_err *err)
{
    const size_t held = r->carry_len - r->carry_pos;
    char *carry = wr_grow(r->carry, &r->carry_cap, bytes + held, 1);
    if (!carry)
        return nomem(err);
    r->carry = carry;
    memmove(carry + bytes, carry + r->carry_pos, held);
    if (bytes)
        memcpy(carry, from, bytes);
    r->carry_pos = 0;
    r->carry_len = bytes + held;
    return WR_OK;
}

/* --- slices ----------------------------------------------------------------------- */

/* Where the first record behind a border probably starts: after the first line break. */
static size_t guess_start(const wr_slice_job *job, size_t border)
{
    const char *lf = memchr(job->text + border - 1, '\n', job->len - border + 1);
    return lf ? (size_t)(lf - job->text) + 1 : job->len;
}

static size_t border_of(const wr_slice_job *job, size_t from, size_t slice)
{
    const size_t border = from + slice * SLICE_BYTES;
    return border < job->len ? border : job->len;
}

static void decode_all(wr_transfer_batch_own *own, const wr_slice_job *job, size_t from,
                       uint32_t max_records)
{
    wr_slice *const *slice = own->slice;
    const size_t n = own->slice_count;
#pragma omp parallel for schedule(dynamic, 1) default(none) \
    shared(slice, n, job, from, max_records) if (n > 1)
    for (size_t i = 0; i < n; i++) {
        const size_t start = i ? guess_start(job, border_of(job, from, i)) : from;
        wr_slice_decode(slice[i], job, start, border_of(job, from, i + 1), max_records);
    }
}

/*
 * Hold each slice to where the one before it ended, and to the records that are left; a
 * wrong guess is decoded again.  *end = bytes of the text that records took.
 */
static wr_status join(wr_transfer_batch_own *own, const wr_slice_job *job, size_t from,
                      uint32_t max_records, uint64_t *records, size_t *end)
{
    size_t at = from;
    *records = 0;
    for (size_t i = 0; i < own->slice_count; i++) {
        wr_slice *s = own->slice[i];
        const size_t border = border_of(job, from, i + 1);
        const uint64_t left = max_records - *records;
        if (s->start != at || s->records > left)
            wr_slice_decode(s, job, at, at < border ? border : at, left);
        if (s->status != WR_OK)
            return s->status;
        *records += s->records;
        at = s->end;
        if (*records == max_records || at < border) {
            own->slice_count = i + 1;
            break;
        }
    }
    *end = at;
    return WR_OK;
}

/* Records without a tx_hash: equal ones are told apart by how many came before. */
static wr_status number_equals(wr_transfer_reader *r, wr_transfer_batch_own *own,
                               wr_err *err)
{
    for (size_t i = 0; i < own->slice_count; i++) {
        wr_transfer_sink *sink = &own->slice[i]->sink;
        for (size_t k = 0; k < sink->count; k++)
            if (sink->key[k])
                WR_TRY(wr_occurrence_count(&r->seen, sink->key[k],
                                           &sink->item[k].position, err));
    }
    return WR_OK;
}

/* The slices' lists one behind the other; record numbers counted through. */
static wr_status gather(wr_transfer_reader *r, wr_transfer_batch *b, wr_err *err)
{
    wr_transfer_batch_own *own = b->own;
    const size_t n = own->slice_count;
    size_t transfers = 0;
    size_t deads = 0;
    uint64_t record = r->record;
    WR_AUTO_ARRAY size_t *at = wr_calloc(n + 1, sizeof *at);
    for (size_t i = 0; at && i < n; i++) {
        at[i] = transfers;
        transfers += own->slice[i]->sink.count;
        deads += own->slice[i]->dead_count;
    }
    if (transfers > own->transfer_cap || !own->transfer) { /* nothing in it to keep */
        wr_free(own->transfer);
        own->transfer_cap = transfers + transfers / 8;
        own->transfer = wr_alloc_big(own->transfer_cap, sizeof *own->transfer);
    }
    wr_transfer *transfer = own->transfer;
    wr_dead_letter *dead = wr_grow(own->dead, &own->dead_cap, deads, sizeof *dead);
    own->dead = dead ? dead : own->dead;
    if (!at || !transfer || !dead)
        return nomem(err);
    wr_slice *const *slice = own->slice;
#pragma omp parallel for schedule(static) default(none) \
    shared(slice, n, at, transfer) if (transfers > 10000)
    for (size_t i = 0; i < n; i++)
        if (slice[i]->sink.count)
            memcpy(transfer + at[i], slice[i]->sink.item,
                   slice[i]->sink.count * sizeof *transfer);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < slice[i]->dead_count; k++) {
            dead[b->dead_count] = slice[i]->dead[k];
            dead[b->dead_count++].position += (int64_t)record + 1;
        }
        record += slice[i]->records;
    }
    b->transfer = transfer;
    b->transfer_count = transfers;
    b->dead = dead;
    return WR_OK;
}

/* --- records over the limit ------------------------------------------------------- */

/*
 * The record at `from` has no end within the limit: drop the bytes to its line break as
 * they come.  It becomes the only record of slice 0; *end = where the text goes on.
 */
static wr_status drop_long(wr_transfer_reader *r, wr_transfer_batch_own *own,
                           const wr_slice_job *job, size_t from, size_t *end, wr_err *err)
{
    wr_slice *s = own->slice[0];
    char reason[128];
    const wr_text head = {.p = own->text + from, .len = WR_DEAD_RAW_MAX};
    wr_slice_decode(s, job, from, from, 0);
    const wr_text raw = wr_arena_text(&s->arena, head);
    if (!raw.p)
        return nomem(err);
    uint64_t bytes = 0; /* of the record, in texts that are gone */
    const char *lf = NULL;
    for (size_t at = from; !lf; at = 0) {
        lf = memchr(own->text + at, '\n', own->text_len - at);
        *end = lf ? (size_t)(lf - own->text) + 1 : own->text_len;
        bytes += *end - at;
        if (lf || is_drained(r))
            break;
        text_take(r, own->text, own->text_len);
        own->text_len = 0;
        WR_TRY(text_fill(r, own, WR_RECORD_MAX_BYTES, err));
    }
    bytes -= lf != NULL;
    (void)snprintf(reason, sizeof reason, "record of %llu bytes is over the limit of %d",
                   (unsigned long long)bytes, (int)WR_RECORD_MAX_BYTES);
    if (!wr_slice_refuse(s, job, raw, bytes, "", reason))
        return nomem(err);
    s->records = 1;
    own->slice_count = 1;
    return WR_OK;
}

/* --- next ------------------------------------------------------------------------- */

/* Text for about batch_rows records, within bounds, and not beyond a small file. */
static size_t text_target(const wr_transfer_reader *r)
{
    const wr_input_info at = wr_input_tell(r->in);
    const double bytes = 0.97 * r->record_bytes * (double)r->batch_rows;
    if (at.kind == WR_INPUT_PLAIN && at.file_total && at.file_total < TEXT_MIN)
        return (size_t)at.file_total + 1;
    return bytes < TEXT_MIN ? TEXT_MIN : bytes > TEXT_MAX ? TEXT_MAX : (size_t)bytes;
}

/* Decode what the text holds; *end = bytes taken.  A record too long is dropped here. */
static wr_status decode_text(wr_transfer_reader *r, wr_transfer_batch *b, int64_t now_s,
                             size_t *end, wr_err *err)
{
    wr_transfer_batch_own *own = b->own;
    const wr_slice_job job = {.d = r->d,
                              .csv = r->d->preset->kind == WR_RECORD_CSV ? &r->csv : NULL,
                              .text = own->text,
                              .len = own->text_len,
                              .is_last = r->is_end,
                              .now_s = now_s,
                              .source = wr_text_of(own->source)};
    *end = 0;
    own->slice_count = own->text_len / SLICE_BYTES + 1;
    WR_TRY(slices_reserve(own, own->slice_count, err));
    decode_all(own, &job, 0, r->batch_rows);
    const wr_status s = join(own, &job, 0, r->batch_rows, &b->records, end);
    if (s != WR_OK)
        return nomem(err);
    if (!b->records && own->text_len - *end > WR_RECORD_MAX_BYTES) {
        WR_TRY(drop_long(r, own, &job, *end, end, err));
        b->records = 1;
    }
    return WR_OK;
}

wr_status wr_transfer_reader_next(wr_transfer_reader *r, wr_transfer_batch *b,
                                  wr_err *err)
{
    WR_TRY(batch_reset(b, r, err));
    wr_transfer_batch_own *own = b->own;
    const int64_t now_s = r->d->now_s ? r->d->now_s : wr_clock_wall_s();
    size_t target = text_target(r);
    size_t end = 0;
    r->is_end = false;
    for (;;) {
        WR_TRY(text_fill(r, own, target, err));
        WR_TRY(decode_text(r, b, now_s, &end, err));
        if (b->records || is_drained(r))
            break;
        text_take(r, own->text, end); /* blank lines */
        own->text_len -= end;
        memmove(own->text, own->text + end, own->text_len);
        target = own->text_len + target;
    }
    if (!b->records && r->failed.code != WR_OK)
        return wr_fail(err, r->failed.code, "%s", r->failed.msg);
    WR_TRY(number_equals(r, own, err));
    WR_TRY(gather(r, b, err));
    WR_TRY(text_keep(r, own->text + end, own->text_len - end, err));
    text_take(r, own->text, end);
    if (b->records)
        r->record_bytes = (double)end / (double)b->records + 1;
    r->record += b->records;
    b->next = (wr_transfer_mark){
        .record = r->record, .offset = r->offset, .digest = wr_prefix_value(&r->prefix)};
    return WR_OK;
}

wr_status wr_transfer_reader_skip(wr_transfer_reader *r, const wr_transfer_mark *to,
                                  wr_err *err)
{
    wr_transfer_batch b = {0};
    wr_status s = WR_OK;
    if (!to->record && to->offset <= r->offset)
        return WR_OK;
    r->stop_at = to->offset > r->offset ? to->offset : r->offset;
    do
        s = wr_transfer_reader_next(r, &b, err);
    while (s == WR_OK && b.records);
    wr_transfer_batch_release(&b);
    if (s != WR_OK)
        return s;
    r->stop_at = UINT64_MAX;
    if (r->record != to->record || r->offset != to->offset ||
        wr_prefix_value(&r->prefix) != to->digest)
        return wr_fail(
            err, WR_ECONFLICT,
            "%s: its first %llu bytes are not the ones that were loaded before",
            r->source, (unsigned long long)to->offset);
    return WR_OK;
}

/* --- opening ---------------------------------------------------------------------- */

/* Bytes to look at: at least one whole line, if there is one within the limit. */
static wr_status read_first_line(wr_transfer_reader *r, wr_transfer_batch_own *own,
                                 wr_err *err)
{
    const wr_input_info at = wr_input_tell(r->in);
    r->offset = at.offset; /* a byte order mark */
    for (size_t bytes = text_target(r);; bytes *= 2) {
        WR_TRY(text_fill(r, own, bytes, err));
        const char *p = own->text;
        const char *end = p + own->text_len;
        while (p < end && (*p == '\n' || *p == '\r' || *p == ' ' || *p == '\t'))
            p++;
        if (is_drained(r) || memchr(p, '\n', (size_t)(end - p)) ||
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
        return text_keep(r, own->text, own->text_len, err);
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
    text_take(r, own->text, taken);
    return text_keep(r, own->text + taken, own->text_len - taken, err);
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
        return nomem(err);
    if (!o->batch_rows)
        return wr_fail(err, WR_EINVAL, "batches of 0 rows");
    r->batch_rows = o->batch_rows;
    r->stop_at = UINT64_MAX;
    r->record_bytes = 256;
    name_source(r, o);
    WR_TRY(wr_transfer_decoder_new(&r->d, &o->transfer, err));
    WR_TRY(wr_input_open(&r->in, o->path, err));
    wr_transfer_batch b = {0};
    wr_status s = batch_reset(&b, r, err);
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
