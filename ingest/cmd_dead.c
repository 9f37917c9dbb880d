/* dead list, dead show: what was refused, and why. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/dead_replay.h"
#include "ingest/ingest.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/json_out.h"

enum { PAGE = 1000, RAW_SHOWN = 160 };

/* --- printing --------------------------------------------------------------------- */

/* Raw bytes of strangers as nothing that a terminal obeys. */
static void put_raw(wr_buf *b, wr_text raw, uint32_t max)
{
    for (uint32_t i = 0; i < raw.len && i < max; i++) {
        const unsigned char c = (unsigned char)raw.p[i];
        if (c >= 0x20 && c < 0x7F && c != '\\')
            wr_buf_add(b, &raw.p[i], 1);
        else
            wr_buf_addf(b, "\\x%02x", c);
    }
}

static wr_status print_line(wr_buf *b, wr_err *err)
{
    wr_status s = wr_buf_status(b, "line", err);
    if (s == WR_OK)
        (void)printf("%s\n", wr_buf_cstr(b));
    wr_buf_release(b);
    return s;
}

static void put_letter(wr_json_out *j, wr_buf *raw, const wr_dead_row *d)
{
    char at[WR_RFC3339_MAX];
    const wr_dead_letter *l = &d->letter;
    wr_time_format(at, d->at_s);
    put_raw(raw, l->raw, l->raw.len);
    wr_json_kv_i64(j, "id", d->id);
    wr_json_kv_text(j, "source", l->source);
    wr_json_kv_i64(j, "partition", l->partition);
    wr_json_kv_i64(j, "position", l->position);
    wr_json_kv_text(j, "field", l->field);
    wr_json_kv_text(j, "reason", l->reason);
    wr_json_kv_text(j, "raw", (wr_text){wr_buf_cstr(raw), (uint32_t)raw->len});
    wr_json_kv_u64(j, "raw_bytes", l->raw_bytes);
    wr_json_kv_cstr(j, "at", at);
}

static wr_status print_json(const wr_dead_row *d, wr_err *err)
{
    wr_buf raw;
    wr_buf b;
    wr_buf_init(&raw, 1 << 20);
    wr_buf_init(&b, 1 << 20);
    wr_json_out j = wr_json_out_on(&b);
    wr_json_open(&j, '{');
    put_letter(&j, &raw, d);
    wr_json_close(&j, '}');
    wr_buf_release(&raw);
    return print_line(&b, err);
}

static wr_status print_short(const wr_dead_row *d, wr_err *err)
{
    const wr_dead_letter *l = &d->letter;
    wr_buf b;
    wr_buf_init(&b, 1 << 16);
    wr_buf_addf(&b, "%" PRId64 "  %.*s", d->id, WR_TEXT_ARG(l->source));
    if (l->partition)
        wr_buf_addf(&b, "/%" PRId32, l->partition);
    wr_buf_addf(&b, ":%" PRId64 "  %.*s: %.*s\n    ", l->position, WR_TEXT_ARG(l->field),
                WR_TEXT_ARG(l->reason));
    put_raw(&b, l->raw, RAW_SHOWN);
    wr_buf_adds(&b, l->raw_bytes > RAW_SHOWN ? "…" : "");
    return print_line(&b, err);
}

static wr_status print_whole(const wr_dead_row *d, wr_err *err)
{
    char at[WR_RFC3339_MAX];
    const wr_dead_letter *l = &d->letter;
    wr_buf b;
    wr_time_format(at, d->at_s);
    wr_buf_init(&b, 1 << 16);
    wr_buf_addf(&b,
                "id         %" PRId64 "\nsource     %.*s\npartition  %" PRId32
                "\nposition   %" PRId64 "\nat         %s\nfield      %.*s\n"
                "reason     %.*s\nbytes      %" PRIu64,
                d->id, WR_TEXT_ARG(l->source), l->partition, l->position, at,
                WR_TEXT_ARG(l->field), WR_TEXT_ARG(l->reason), l->raw_bytes);
    if (l->raw_bytes > l->raw.len)
        wr_buf_addf(&b, ", the first %" PRIu32 " of them are kept", l->raw.len);
    wr_buf_adds(&b, "\n\n");
    put_raw(&b, l->raw, l->raw.len);
    return print_line(&b, err);
}

/* --- list ------------------------------------------------------------------------- */

/* How many letters one source has for one field. */
typedef struct tally {
    char source[256], field[WR_DEAD_FIELD_MAX + 1];
    int32_t partition;
    uint64_t letters;
} tally;

typedef struct listing {
    const char *source;
    int64_t limit, after_id, partition;
    bool is_json, is_count;
    uint64_t shown, seen;
    int64_t last_id;
    tally *tally; /* [tally_count] */
    size_t tally_count, tally_cap;
} listing;

static wr_status count_letter(listing *t, const wr_dead_letter *l, wr_err *err)
{
    tally one = {.partition = l->partition, .letters = 1};
    (void)snprintf(one.source, sizeof one.source, "%.*s", WR_TEXT_ARG(l->source));
    (void)snprintf(one.field, sizeof one.field, "%.*s", WR_TEXT_ARG(l->field));
    for (size_t i = 0; i < t->tally_count; i++) {
        tally *k = &t->tally[i];
        if (k->partition == one.partition && strcmp(k->source, one.source) == 0 &&
            strcmp(k->field, one.field) == 0) {
            k->letters++;
            return WR_OK;
        }
    }
    tally *p = wr_grow(t->tally, &t->tally_cap, t->tally_count + 1, sizeof *p);
    if (!p)
        return wr_fail(err, WR_ENOMEM, "no memory to count dead letters");
    t->tally = p;
    t->tally[t->tally_count++] = one;
    return WR_OK;
}

static wr_status list_letter(void *ctx, const wr_dead_row *d, wr_err *err)
{
    listing *t = ctx;
    t->seen++;
    t->last_id = d->id;
    if (t->partition >= 0 && d->letter.partition != t->partition)
        return WR_OK;
    if (t->is_count)
        return count_letter(t, &d->letter, err);
    if (t->shown == (uint64_t)t->limit)
        return WR_OK;
    t->shown++;
    return t->is_json ? print_json(d, err) : print_short(d, err);
}

static int by_letters(const void *a, const void *b)
{
    const tally *x = a;
    const tally *y = b;
    return (x->letters < y->letters) - (x->letters > y->letters);
}

static wr_status print_counts(listing *t, wr_err *err)
{
    if (t->tally_count)
        qsort(t->tally, t->tally_count, sizeof *t->tally, by_letters);
    for (size_t i = 0; i < t->tally_count; i++) {
        const tally *k = &t->tally[i];
        wr_buf b;
        wr_buf_init(&b, 1 << 16);
        wr_json_out j = wr_json_out_on(&b);
        if (t->is_json) {
            wr_json_open(&j, '{');
            wr_json_kv_cstr(&j, "source", k->source);
            wr_json_kv_i64(&j, "partition", k->partition);
            wr_json_kv_cstr(&j, "field", k->field);
            wr_json_kv_u64(&j, "letters", k->letters);
            wr_json_close(&j, '}');
        } else {
            wr_buf_addf(&b, "%10" PRIu64 "  %s/%" PRId32 "  %s", k->letters, k->source,
                        k->partition, k->field[0] ? k->field : "(whole record)");
        }
        WR_TRY(print_line(&b, err));
    }
    return WR_OK;
}

static wr_status list(listing *t, wr_store *st, wr_err *err)
{
    /* without a filter of ours one page of the store is the answer */
    const bool is_one_page = t->partition < 0 && !t->is_count;
    const uint32_t page = is_one_page && t->limit < PAGE ? (uint32_t)t->limit : PAGE;
    t->last_id = t->after_id;
    do {
        t->seen = 0;
        WR_TRY(wr_store_dead_list(st, wr_text_of(t->source), t->last_id, page,
                                  list_letter, t, err));
    } while (t->seen == page && (t->is_count || t->shown < (uint64_t)t->limit));
    return t->is_count ? print_counts(t, err) : WR_OK;
}

wr_status wr_ingest_cmd_dead_list(wr_command_line *cl, wr_err *err)
{
    listing t = {.source = "", .limit = 20, .partition = -1};
    const wr_arg arg[] = {
        {"source", WR_ARG_TEXT, &t.source, 0, 0, "S  only of this source"},
        {"partition", WR_ARG_INT, &t.partition, 0, INT32_MAX, "P  only of this one"},
        {"count", WR_ARG_FLAG, &t.is_count, 0, 0,
         "how many by source, partition and field, instead of the letters"},
        {"limit", WR_ARG_INT, &t.limit, 1, 100000, "N  at most so many (20)"},
        {"after", WR_ARG_INT, &t.after_id, 0, 9e15, "ID  behind this one"},
        {"json", WR_ARG_FLAG, &t.is_json, 0, 0, "one JSON object a record"},
    };
    const wr_args args = {.usage = "walletrisk-ingest dead list [flags]",
                          .purpose = "Refused records, oldest first.",
                          .arg = arg,
                          .count = sizeof arg / sizeof *arg,
                          .program = WR_PROGRAM_INGEST};
    WR_TRY(wr_args_parse(&args, &cl->argc, cl->argv, err));
    WR_AUTO(wr_store) st = NULL;
    WR_TRY(wr_ingest_open_store(&st, cl, err));
    const wr_status s = list(&t, st, err);
    wr_free(t.tally);
    return s;
}

/* --- show ------------------------------------------------------------------------- */

typedef struct showing {
    int64_t id;
    bool is_raw, is_json, is_found;
} showing;

static wr_status show_letter(void *ctx, const wr_dead_row *d, wr_err *err)
{
    showing *t = ctx;
    if (d->id != t->id)
        return WR_OK;
    t->is_found = true;
    if (!t->is_raw)
        return t->is_json ? print_json(d, err) : print_whole(d, err);
    if (d->letter.raw.len)
        (void)fwrite(d->letter.raw.p, 1, d->letter.raw.len, stdout);
    return WR_OK;
}

wr_status wr_ingest_cmd_dead_show(wr_command_line *cl, wr_err *err)
{
    showing t = {0};
    const wr_arg arg[] = {
        {"raw", WR_ARG_FLAG, &t.is_raw, 0, 0,
         "the kept bytes as they are, and nothing else"},
        {"json", WR_ARG_FLAG, &t.is_json, 0, 0, "as one JSON object"},
    };
    const wr_args args = {.usage = "walletrisk-ingest dead show ID [flags]",
                          .purpose = "All that is kept of one refused record.",
                          .arg = arg,
                          .count = sizeof arg / sizeof *arg,
                          .words_min = 1,
                          .words_max = 1,
                          .program = WR_PROGRAM_INGEST};
    WR_TRY(wr_args_parse(&args, &cl->argc, cl->argv, err));
    WR_TRY(wr_dead_id_parse(&t.id, wr_text_of(cl->argv[1]), err));
    WR_AUTO(wr_store) st = NULL;
    WR_TRY(wr_ingest_open_store(&st, cl, err));
    WR_TRY(wr_store_dead_list(st, WR_TEXT_LIT(""), t.id - 1, 1, show_letter, &t, err));
    return t.is_found ? WR_OK
                      : wr_fail(err, WR_ENOTFOUND, "no dead letter %" PRId64, t.id);
}
