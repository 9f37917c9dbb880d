#include "ingest/file_load.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "util/clock.h"
#include "util/digest.h"

enum { HEAD_BYTES = 4096 };

typedef struct load {
    wr_file_load_report *rep;
    wr_store *st;
    const wr_file_load_opts *o;
    wr_transfer_reader *reader;
    bool is_stream;        /* stdin or a pipe: its bytes come once */
    bool is_restart;       /* the next put begins a source that was read before */
    wr_transfer_mark done; /* what the store has */
    int64_t begun_us;
} load;

/* --- who the file is -------------------------------------------------------------------
 */

static wr_status read_head(char *head, size_t *len, const char *path, wr_err *err)
{
    WR_AUTO(wr_input) in = NULL;
    WR_TRY(wr_input_open(&in, path, err));
    *len = 0;
    while (*len < HEAD_BYTES) {
        size_t got = 0;
        /* Damage is the reader's to report, at its place. */
        if (wr_input_read(in, head + *len, HEAD_BYTES - *len, &got, NULL) != WR_OK ||
            !got)
            break;
        *len += got;
    }
    return WR_OK;
}

/* Names of files may hold anything; a store takes UTF-8 without control characters. */
static void make_printable(char *name)
{
    const bool is_valid = wr_utf8_is_valid(wr_text_of(name));
    for (unsigned char *c = (unsigned char *)name; *c; c++)
        if (*c < 0x20 || *c == 0x7F || (*c >= 0x80 && !is_valid))
            *c = '?';
}

static wr_status name_source(load *l, wr_err *err)
{
    const char *path = l->o->reader.path;
    char *name = l->rep->source;
    struct stat about;
    l->is_stream =
        strcmp(path, "-") == 0 || (stat(path, &about) == 0 && S_ISFIFO(about.st_mode));
    if (l->o->source) {
        if (!l->o->source[0] || strlen(l->o->source) >= sizeof l->rep->source)
            return wr_fail(err, WR_EINVAL, "name of a source must have 1..%zu bytes",
                           sizeof l->rep->source - 1);
        (void)snprintf(name, sizeof l->rep->source, "%s", l->o->source);
    } else if (l->is_stream) {
        char now[WR_RFC3339_MAX];
        const int64_t now_us = wr_clock_wall_us();
        wr_time_format(now, now_us / 1000000);
        (void)snprintf(name, sizeof l->rep->source, "stdin:%s:%06" PRId64, now,
                       now_us % 1000000);
    } else {
        char head[HEAD_BYTES];
        size_t len = 0;
        WR_TRY(read_head(head, &len, path, err));
        const char *slash = strrchr(path, '/');
        (void)snprintf(name, sizeof l->rep->source, "file:%.200s:%016" PRIx64,
                       slash ? slash + 1 : path, wr_hash64(head, len, 0));
    }
    make_printable(name);
    return WR_OK;
}

/* --- where to begin --------------------------------------------------------------------
 */

static wr_status open_reader(load *l, wr_err *err)
{
    wr_transfer_reader_close(l->reader);
    l->reader = NULL;
    wr_transfer_reader_opts o = l->o->reader;
    o.source = l->rep->source;
    WR_TRY(wr_transfer_reader_open(&l->reader, &o, err));
    (void)snprintf(l->rep->format, sizeof l->rep->format, "%s",
                   wr_transfer_reader_format(l->reader));
    return WR_OK;
}

/* The mark of an earlier load; all zero when there is none. */
static wr_status find_mark(load *l, wr_err *err)
{
    wr_arena arena;
    wr_arena_init(&arena, 0);
    wr_source known = {0};
    wr_err none = {0};
    wr_status s =
        wr_store_source_get(l->st, &known, &arena, wr_text_of(l->rep->source), 0, &none);
    if (s == WR_OK && known.resume.len)
        s = wr_transfer_mark_parse(&l->done, known.resume, &none);
    wr_arena_release(&arena);
    if (s == WR_OK || s == WR_ENOTFOUND)
        return WR_OK;
    return wr_fail(err, s, "%s", none.msg);
}

static wr_status go_to_mark(load *l, wr_err *err)
{
    l->is_restart = l->o->is_reread;
    if (!l->o->is_reread)
        WR_TRY(find_mark(l, err));
    WR_TRY(open_reader(l, err));
    if (!l->done.offset)
        return WR_OK;
    wr_err why = {0};
    wr_status s = wr_transfer_reader_skip(l->reader, &l->done, &why);
    if (s == WR_ECONFLICT && l->is_stream)
        return wr_fail(err, s,
                       "%s; bytes of a pipe come once: name another source or reread",
                       why.msg);
    if (s == WR_ECONFLICT) { /* not the bytes we loaded: duplicates will tell */
        l->rep->is_changed = true;
        l->is_restart = true;
        l->done = (wr_transfer_mark){0};
        return open_reader(l, err);
    }
    if (s != WR_OK)
        return wr_fail(err, s, "%s", why.msg);
    l->rep->skipped = l->done.record;
    return WR_OK;
}

/* --- batches ---------------------------------------------------------------------------
 */

static wr_status put(load *l, const wr_transfer_batch *b, const char *status,
                     const char *last_error, wr_err *err)
{
    char resume[WR_TRANSFER_MARK_TEXT];
    wr_transfer_mark_format(resume, &l->done);
    const wr_source_mark mark = {.source = wr_text_of(l->rep->source),
                                 .next_offset = (int64_t)l->done.record,
                                 .resume = wr_text_of(resume),
                                 .status = status,
                                 .last_error = wr_text_of(last_error),
                                 .records = b ? b->transfer_count + b->dead_count : 0,
                                 .is_restart = l->is_restart};
    wr_put p = {.mark = &mark};
    if (b) {
        p.transfer = b->transfer;
        p.transfer_count = b->transfer_count;
        p.position = b->position;
        p.dead = b->dead;
        p.dead_count = b->dead_count;
    }
    wr_put_result r = {0};
    WR_TRY(wr_store_put(l->st, &p, NULL, &r, err));
    l->is_restart = false;
    l->rep->records += mark.records;
    l->rep->inserted += r.inserted;
    l->rep->duplicates += r.duplicates;
    l->rep->conflicts += r.conflicts;
    l->rep->dead += r.dead;
    return WR_OK;
}

/* Records in the whole file, guessed from the part read so far; 0 = unknown. */
static uint64_t guess_total(const load *l)
{
    const wr_input_info at = wr_transfer_reader_tell(l->reader);
    if (!at.file_total || !at.file_bytes || !l->done.record)
        return 0;
    return (uint64_t)((double)l->done.record * (double)at.file_total /
                      (double)at.file_bytes);
}

static wr_status put_all(load *l, wr_transfer_batch *b, wr_err *err)
{
    for (;;) {
        WR_TRY(
            wr_progress_at(l->o->pg, "transfers", l->done.record, guess_total(l), err));
        WR_TRY(wr_transfer_reader_next(l->reader, b, err));
        if (!b->records)
            return WR_OK;
        const wr_transfer_mark before = l->done;
        l->done = b->next;
        wr_status s = put(l, b, "running", NULL, err);
        if (s != WR_OK) {
            l->done = before; /* nothing of the batch was stored */
            return s;
        }
    }
}

/* Leave the mark as it stands, with the reason; the first error stays the answer. */
static void leave_mark(load *l, wr_status s, const wr_err *why)
{
    wr_err second = {0};
    if (put(l, NULL, s == WR_ESTOPPED ? "stopped" : "failed", why->msg, &second) != WR_OK)
        return;
}

static wr_status run(load *l, wr_err *err)
{
    WR_TRY(name_source(l, err));
    WR_TRY(go_to_mark(l, err));
    WR_TRY(wr_store_bulk_begin(l->st, err));
    wr_transfer_batch batch = {0};
    wr_status s = put_all(l, &batch, err);
    wr_transfer_batch_release(&batch);
    if (s != WR_OK)
        leave_mark(l, s, err);
    wr_status end = wr_store_bulk_end(l->st, err);
    s = s != WR_OK ? s : end;
    return s == WR_OK ? put(l, NULL, "complete", NULL, err) : s;
}

wr_status wr_file_load(wr_file_load_report *rep, wr_store *st, const wr_file_load_opts *o,
                       wr_err *err)
{
    wr_err local = {0};
    *rep = (wr_file_load_report){0};
    load l = {.rep = rep, .st = st, .o = o, .begun_us = wr_clock_mono_us()};
    wr_status s = run(&l, err ? err : &local);
    wr_transfer_reader_close(l.reader);
    rep->seconds = (double)(wr_clock_mono_us() - l.begun_us) / 1e6;
    return s;
}
