/* status, dead list: what came in, and what was refused. */
#include <inttypes.h>
#include <stdio.h>

#include "ingest/ingest.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/json_out.h"

/* A line for people, or one for programs. */
typedef struct lines {
    bool is_json;
    uint64_t count, broken;
} lines;

static void put_time(wr_json_out *j, const char *key, int64_t time_s)
{
    char at[WR_RFC3339_MAX];
    wr_time_format(at, time_s);
    wr_json_kv_cstr(j, key, at);
}

static wr_status print_line(wr_buf *b, wr_err *err)
{
    wr_status s = wr_buf_status(b, "line", err);
    if (s == WR_OK)
        (void)printf("%s\n", wr_buf_cstr(b));
    wr_buf_release(b);
    return s;
}

static wr_status source_json(const wr_source *s, wr_err *err)
{
    wr_buf b;
    wr_buf_init(&b, 1 << 20);
    wr_json_out j = wr_json_out_on(&b);
    wr_json_open(&j, '{');
    wr_json_kv_text(&j, "source", s->source);
    wr_json_kv_i64(&j, "partition", s->partition);
    wr_json_kv_text(&j, "status", s->status);
    wr_json_kv_i64(&j, "next_offset", s->next_offset);
    wr_json_kv_u64(&j, "records", s->records);
    wr_json_kv_u64(&j, "inserted", s->inserted);
    wr_json_kv_u64(&j, "duplicates", s->duplicates);
    wr_json_kv_u64(&j, "dead", s->dead);
    wr_json_kv_u64(&j, "gaps", s->gaps);
    wr_json_kv_text(&j, "last_error", s->last_error);
    put_time(&j, "first_at", s->first_s);
    put_time(&j, "updated_at", s->updated_s);
    wr_json_close(&j, '}');
    return print_line(&b, err);
}

static wr_status print_source(void *ctx, const wr_source *s, wr_err *err)
{
    lines *t = ctx;
    char at[WR_RFC3339_MAX];
    wr_time_format(at, s->updated_s);
    const bool adds_up = s->records == s->inserted + s->duplicates + s->dead;
    t->count++;
    t->broken += !adds_up;
    if (t->is_json)
        return source_json(s, err);
    (void)printf("%.*s/%" PRId32 "  %.*s  next %" PRId64 "  records %" PRIu64
                 " = inserted %" PRIu64 " + duplicates %" PRIu64 " + dead %" PRIu64
                 "%s  updated %s\n",
                 WR_TEXT_ARG(s->source), s->partition, WR_TEXT_ARG(s->status),
                 s->next_offset, s->records, s->inserted, s->duplicates, s->dead,
                 adds_up ? "" : "  DOES NOT ADD UP", at);
    if (s->last_error.len)
        (void)printf("    last error: %.*s\n", WR_TEXT_ARG(s->last_error));
    return WR_OK;
}

wr_status wr_ingest_cmd_status(wr_command_line *cl, wr_err *err)
{
    lines t = {0};
    const wr_arg arg[] = {
        {"json", WR_ARG_FLAG, &t.is_json, 0, 0, "one JSON object a source"},
    };
    const wr_args args = {.usage = "walletrisk-ingest status [flags]",
                          .purpose = "Per source and partition: position and counters.",
                          .arg = arg,
                          .count = sizeof arg / sizeof *arg,
                          .program = WR_PROGRAM_INGEST};
    WR_TRY(wr_args_parse(&args, &cl->argc, cl->argv, err));
    WR_AUTO(wr_store) st = NULL;
    WR_TRY(wr_ingest_open_store(&st, cl, err));
    WR_TRY(wr_store_sources(st, print_source, &t, err));
    if (!t.count && !t.is_json)
        (void)printf("nothing was ingested yet\n");
    if (t.broken)
        return wr_fail(err, WR_ECORRUPT, "%" PRIu64 " sources do not add up", t.broken);
    return WR_OK;
}

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

static wr_status dead_json(const wr_dead_row *d, wr_err *err)
{
    const wr_dead_letter *l = &d->letter;
    wr_buf raw;
    wr_buf b;
    wr_buf_init(&raw, 1 << 20);
    wr_buf_init(&b, 1 << 20);
    put_raw(&raw, l->raw, l->raw.len);
    wr_json_out j = wr_json_out_on(&b);
    wr_json_open(&j, '{');
    wr_json_kv_i64(&j, "id", d->id);
    wr_json_kv_text(&j, "source", l->source);
    wr_json_kv_i64(&j, "partition", l->partition);
    wr_json_kv_i64(&j, "position", l->position);
    wr_json_kv_text(&j, "field", l->field);
    wr_json_kv_text(&j, "reason", l->reason);
    wr_json_kv_text(&j, "raw", (wr_text){wr_buf_cstr(&raw), (uint32_t)raw.len});
    wr_json_kv_u64(&j, "raw_bytes", l->raw_bytes);
    put_time(&j, "at", d->at_s);
    wr_json_close(&j, '}');
    wr_buf_release(&raw);
    return print_line(&b, err);
}

static wr_status print_dead(void *ctx, const wr_dead_row *d, wr_err *err)
{
    enum { RAW_SHOWN = 160 };
    const lines *t = ctx;
    const wr_dead_letter *l = &d->letter;
    if (t->is_json)
        return dead_json(d, err);
    wr_buf b;
    wr_buf_init(&b, 1 << 16);
    wr_buf_addf(&b, "%" PRId64 "  %.*s:%" PRId64 "  %.*s: %.*s\n    ", d->id,
                WR_TEXT_ARG(l->source), l->position, WR_TEXT_ARG(l->field),
                WR_TEXT_ARG(l->reason));
    put_raw(&b, l->raw, RAW_SHOWN);
    wr_buf_adds(&b, l->raw_bytes > RAW_SHOWN ? "…" : "");
    return print_line(&b, err);
}

wr_status wr_ingest_cmd_dead_list(wr_command_line *cl, wr_err *err)
{
    lines t = {0};
    const char *source = "";
    int64_t limit = 20;
    int64_t after = 0;
    const wr_arg arg[] = {
        {"source", WR_ARG_TEXT, &source, 0, 0, "S  only of this source"},
        {"limit", WR_ARG_INT, &limit, 1, 100000, "N  at most so many (20)"},
        {"after", WR_ARG_INT, &after, 0, 9e15, "ID  behind this one"},
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
    return wr_store_dead_list(st, wr_text_of(source), after, (uint32_t)limit, print_dead,
                              &t, err);
}
