#include "ingest/message_feed.h"

#include <inttypes.h>
#include <stdio.h>

#include "codec/transfer_json.h"
#include "codec/transfer_out.h"
#include "ingest/simulate_transfer.h"

enum { MESSAGE_MAX = 2 * WR_RECORD_MAX_BYTES, READ_BYTES = 1 << 18 };

typedef struct feed {
    wr_message_feed_report *rep;
    const wr_message_sink *sink;
    wr_buf json;
    bool is_enough; /* the limit is reached: no error */
} feed;

static bool is_full(feed *f)
{
    f->is_enough = f->is_enough || (f->sink->limit && f->rep->messages >= f->sink->limit);
    return f->is_enough;
}

static wr_status send(feed *f, wr_text key, wr_text value, uint32_t transfers,
                      wr_err *err)
{
    WR_TRY(f->sink->message(f->sink->ctx, key, value, transfers, err));
    f->rep->messages++;
    return WR_OK;
}

static wr_status send_group(feed *f, const wr_transfer *t, size_t n, wr_err *err)
{
    char key[WR_TRANSFER_KEY_MAX];
    wr_buf_clear(&f->json);
    WR_TRY(wr_transfer_out_json(&f->json, t, n, err));
    const wr_text name = {key, (uint32_t)wr_transfer_out_key(key, t)};
    return send(f, name, (wr_text){f->json.p, (uint32_t)f->json.len}, (uint32_t)n, err);
}

/* --- files ------------------------------------------------------------------------ */

static void note_refused(feed *f, const wr_transfer_batch *b)
{
    if (b->dead_count && !f->rep->refused) {
        const wr_dead_letter *d = &b->dead[0];
        (void)snprintf(f->rep->first_refused, sizeof f->rep->first_refused,
                       "record %" PRId64 ": %.*s", d->position, WR_TEXT_ARG(d->reason));
    }
    f->rep->refused += b->dead_count;
}

static wr_status send_batch(feed *f, const wr_transfer_batch *b, wr_err *err)
{
    note_refused(f, b);
    for (size_t i = 0; i < b->transfer_count && !is_full(f);) {
        const size_t n = wr_transfer_out_group(b->transfer + i, b->transfer_count - i);
        WR_TRY(send_group(f, b->transfer + i, n, err));
        i += n;
    }
    return WR_OK;
}

wr_status wr_message_feed_file(wr_message_feed_report *rep,
                               const wr_transfer_reader_opts *o,
                               const wr_message_sink *sink, wr_err *err)
{
    feed f = {.rep = rep, .sink = sink};
    wr_transfer_batch b = {0};
    WR_AUTO(wr_transfer_reader) r = NULL;
    WR_TRY(wr_transfer_reader_open(&r, o, err));
    wr_buf_init(&f.json, MESSAGE_MAX);
    wr_status s = WR_OK;
    do {
        s = wr_transfer_reader_next(r, &b, err);
        if (s == WR_OK)
            s = send_batch(&f, &b, err);
    } while (s == WR_OK && b.records && !is_full(&f));
    wr_transfer_batch_release(&b);
    wr_buf_release(&f.json);
    return s;
}

/* --- raw lines -------------------------------------------------------------------- */

typedef struct raw_lines {
    feed f;
    const wr_transfer_decoder *d;
    wr_arena arena;
    wr_buf line; /* the beginning of a line whose end is not read yet */
} raw_lines;

static bool is_blank(wr_text t)
{
    for (uint32_t i = 0; i < t.len; i++)
        if (t.p[i] != ' ' && t.p[i] != '\t' && t.p[i] != '\r')
            return false;
    return true;
}

static wr_status send_line(raw_lines *w, const char *p, size_t len, wr_err *err)
{
    if (len > WR_RAW_LINE_MAX)
        return wr_fail(err, WR_ELIMIT, "line of %zu bytes, more than %d", len,
                       (int)WR_RAW_LINE_MAX);
    const wr_text value = {p, (uint32_t)len};
    if (is_blank(value) || is_full(&w->f))
        return WR_OK;
    char text[WR_TRANSFER_KEY_MAX];
    wr_text key = {0};
    wr_transfer_list list = {0};
    wr_field_errors errors;
    wr_err why = {0}; /* a bad line is sent as well */
    uint32_t count = 1;
    wr_arena_reset(&w->arena);
    const wr_status s =
        wr_transfer_json_decode(&list, w->d, p, len, &w->arena, &errors, &why);
    if (s == WR_ENOMEM)
        return wr_fail(err, s, "%s", why.msg);
    if (s == WR_OK) {
        key = (wr_text){text, (uint32_t)wr_transfer_out_key(text, &list.item[0])};
        count = list.count;
    }
    return send(&w->f, key, value, count, err);
}

/* Whole lines of these bytes go out; what is left behind the last break is kept. */
static wr_status take_bytes(raw_lines *w, const char *p, size_t len, wr_err *err)
{
    const char *end = p + len;
    for (const char *eol; (eol = memchr(p, '\n', (size_t)(end - p))); p = eol + 1) {
        if (!w->line.len) {
            WR_TRY(send_line(w, p, (size_t)(eol - p), err));
            continue;
        }
        wr_buf_add(&w->line, p, (size_t)(eol - p));
        WR_TRY(wr_buf_status(&w->line, "a line", err));
        WR_TRY(send_line(w, w->line.p, w->line.len, err));
        wr_buf_clear(&w->line);
    }
    wr_buf_add(&w->line, p, (size_t)(end - p));
    return wr_buf_status(&w->line, "a line", err);
}

static wr_status read_lines(raw_lines *w, wr_input *in, char *bytes, wr_err *err)
{
    size_t got = 0;
    do {
        WR_TRY(wr_input_read(in, bytes, READ_BYTES, &got, err));
        WR_TRY(take_bytes(w, bytes, got, err));
    } while (got && !is_full(&w->f));
    return w->line.len ? send_line(w, w->line.p, w->line.len, err) : WR_OK;
}

wr_status wr_message_feed_raw(wr_message_feed_report *rep, const char *path,
                              const wr_transfer_decoder *d, const wr_message_sink *sink,
                              wr_err *err)
{
    raw_lines w = {.f = {.rep = rep, .sink = sink}, .d = d};
    WR_AUTO(wr_input) in = NULL;
    WR_TRY(wr_input_open(&in, path, err));
    WR_AUTO_ARRAY char *bytes = wr_calloc(READ_BYTES, 1);
    if (!bytes)
        return wr_fail(err, WR_ENOMEM, "no memory to read lines");
    wr_arena_init(&w.arena, 0);
    wr_buf_init(&w.line, WR_RAW_LINE_MAX);
    const wr_status s = read_lines(&w, in, bytes, err);
    wr_buf_release(&w.line);
    wr_arena_release(&w.arena);
    return s;
}

/* --- simulator -------------------------------------------------------------------- */

typedef struct simulation {
    feed f;
    const wr_chain *chain;
    uint64_t seed;
} simulation;

static wr_status send_payment(void *ctx, const wr_sim_payment *p, wr_err *err)
{
    simulation *w = ctx;
    wr_sim_transfers t;
    if (is_full(&w->f))
        return WR_ESTOPPED;
    WR_TRY(wr_sim_transfers_fill(&t, w->chain, w->seed, p, err));
    return send_group(&w->f, t.item, t.count, err);
}

wr_status wr_message_feed_simulate(wr_message_feed_report *rep, const wr_sim_opts *o,
                                   const wr_chain *chain, const wr_message_sink *sink,
                                   wr_err *err)
{
    simulation w = {.f = {.rep = rep, .sink = sink}, .chain = chain, .seed = o->seed};
    const wr_sim_sink to = {.payment = send_payment, .ctx = &w};
    wr_buf_init(&w.f.json, MESSAGE_MAX);
    const wr_status s = wr_simulate(o, &to, err);
    wr_buf_release(&w.f.json);
    return s == WR_ESTOPPED && w.f.is_enough ? WR_OK : s;
}
