#include "codec/transfer_reader.h"

#include <stdio.h>

#include "codec/reader_int.h"
#include "util/clock.h"

enum { SLICE_BYTES = 256 * 1024 /* tests put their borders here */ };

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
        wr_free(own->position);
        wr_free(own->dead);
        wr_free(own);
    }
    *b = (wr_transfer_batch){0};
}

wr_status wr_batch_nomem(wr_err *err)
{
    return wr_fail(err, WR_ENOMEM, "no memory for a batch of transfers");
}

wr_status wr_batch_reset(wr_transfer_batch *b, const wr_transfer_reader *r, wr_err *err)
{
    wr_transfer_batch_own *own = b->own ? b->own : wr_calloc(1, sizeof *own);
    *b = (wr_transfer_batch){.own = own};
    if (!own)
        return wr_batch_nomem(err);
    own->text_len = 0;
    own->slice_count = 0;
    memcpy(own->source, r->source, sizeof own->source);
    return WR_OK;
}

static wr_status slices_reserve(wr_transfer_batch_own *own, size_t count, wr_err *err)
{
    wr_slice **slice =
        wr_grow(own->slice, &own->slice_cap, count,
                sizeof(wr_slice *)); /* NOLINT(bugprone-sizeof-expression): of pointers */
    if (!slice)
        return wr_batch_nomem(err);
    own->slice = slice;
    for (; own->slice_made < count; own->slice_made++) {
        wr_slice *s = wr_calloc(1, sizeof *s);
        if (!s)
            return wr_batch_nomem(err);
        wr_slice_init(s);
        own->slice[own->slice_made] = s;
    }
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
    int64_t *position =
        wr_grow(own->position, &own->position_cap, transfers, sizeof *position);
    own->position = position ? position : own->position;
    if (!at || !transfer || !dead || !position)
        return wr_batch_nomem(err);
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
        const wr_transfer_sink *sink = &slice[i]->sink;
        for (size_t k = 0; k < sink->count; k++)
            position[at[i] + k] = (int64_t)(record + sink->record[k] + 1);
        record += slice[i]->records;
    }
    b->transfer = transfer;
    b->transfer_count = transfers;
    b->position = position;
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
        return wr_batch_nomem(err);
    uint64_t bytes = 0; /* of the record, in texts that are gone */
    const char *lf = NULL;
    for (size_t at = from; !lf; at = 0) {
        lf = memchr(own->text + at, '\n', own->text_len - at);
        *end = lf ? (size_t)(lf - own->text) + 1 : own->text_len;
        bytes += *end - at;
        if (lf || wr_reader_is_drained(r))
            break;
        wr_reader_take(r, own->text, own->text_len);
        own->text_len = 0;
        WR_TRY(wr_reader_fill(r, own, WR_RECORD_MAX_BYTES, err));
    }
    bytes -= lf != NULL;
    (void)snprintf(reason, sizeof reason, "record of %llu bytes is over the limit of %d",
                   (unsigned long long)bytes, (int)WR_RECORD_MAX_BYTES);
    if (!wr_slice_refuse(s, job, raw, bytes, "", reason))
        return wr_batch_nomem(err);
    s->records = 1;
    own->slice_count = 1;
    return WR_OK;
}

/* --- next ------------------------------------------------------------------------- */

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
        return wr_batch_nomem(err);
    if (!b->records && own->text_len - *end > WR_RECORD_MAX_BYTES) {
        WR_TRY(drop_long(r, own, &job, *end, end, err));
        b->records = 1;
    }
    return WR_OK;
}

wr_status wr_transfer_reader_next(wr_transfer_reader *r, wr_transfer_batch *b,
                                  wr_err *err)
{
    WR_TRY(wr_batch_reset(b, r, err));
    wr_transfer_batch_own *own = b->own;
    const int64_t now_s = r->d->now_s ? r->d->now_s : wr_clock_wall_s();
    size_t target = wr_reader_target(r);
    size_t end = 0;
    r->is_end = false;
    for (;;) {
        WR_TRY(wr_reader_fill(r, own, target, err));
        WR_TRY(decode_text(r, b, now_s, &end, err));
        if (b->records || wr_reader_is_drained(r))
            break;
        wr_reader_take(r, own->text, end); /* blank lines */
        own->text_len -= end;
        memmove(own->text, own->text + end, own->text_len);
        target = own->text_len + target;
    }
    if (!b->records && r->failed.code != WR_OK)
        return wr_fail(err, r->failed.code, "%s", r->failed.msg);
    WR_TRY(number_equals(r, own, err));
    WR_TRY(gather(r, b, err));
    WR_TRY(wr_reader_keep(r, own->text + end, own->text_len - end, err));
    wr_reader_take(r, own->text, end);
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
