/* status, dead list: what came in, and what was refused. */
#include <inttypes.h>
#include <stdio.h>

#include "ingest/ingest.h"
#include "util/clock.h"

typedef struct totals {
    uint64_t sources, broken;
} totals;

static wr_status print_source(void *ctx, const wr_source *s, wr_err *err)
{
    totals *t = ctx;
    (void)err;
    char at[WR_RFC3339_MAX];
    wr_time_format(at, s->updated_s);
    const bool adds_up = s->records == s->inserted + s->duplicates + s->dead;
    t->sources++;
    t->broken += !adds_up;
    (void)printf("%.*s/%" PRId32 "  %.*s  next %" PRId64 "  records %" PRIu64 " = inserted %" PRIu64
                 " + duplicates %" PRIu64 " + dead %" PRIu64 "%s  updated %s\n",
                 WR_TEXT_ARG(s->source), s->partition, WR_TEXT_ARG(s->status), s->next_offset,
                 s->records, s->inserted, s->duplicates, s->dead,
                 adds_up ? "" : "  DOES NOT ADD UP", at);
    if (s->last_error.len)
        (void)printf("    last error: %.*s\n", WR_TEXT_ARG(s->last_error));
    return WR_OK;
}

wr_status wr_ingest_cmd_status(wr_command_line *cl, wr_err *err)
{
    const wr_args args = {.usage = "walletrisk-ingest status",
                          .purpose = "Per source and partition: position and counters.",
                          .program = WR_PROGRAM_INGEST};
    WR_TRY(wr_args_parse(&args, &cl->argc, cl->argv, err));
    WR_AUTO(wr_store) st = NULL;
    WR_TRY(wr_ingest_open_store(&st, cl, err));
    totals t = {0};
    WR_TRY(wr_store_sources(st, print_source, &t, err));
    if (!t.sources)
        (void)printf("nothing was ingested yet\n");
    if (t.broken)
        return wr_fail(err, WR_ECORRUPT, "%" PRIu64 " sources do not add up", t.broken);
    return WR_OK;
}

static wr_status print_dead(void *ctx, const wr_dead_row *d, wr_err *err)
{
    (void)ctx;
    (void)err;
    const wr_dead_letter *l = &d->letter;
    const int raw = l->raw.len < 160 ? (int)l->raw.len : 160;
    (void)printf("%" PRId64 "  %.*s:%" PRId64 "  %.*s: %.*s\n    ", d->id,
                 WR_TEXT_ARG(l->source), l->position, WR_TEXT_ARG(l->field),
                 WR_TEXT_ARG(l->reason));
    for (int i = 0; i < raw; i++) { /* raw bytes of strangers: nothing a terminal obeys */
        unsigned char c = (unsigned char)l->raw.p[i];
        (void)(c < 0x20 || c == 0x7f ? printf("\\x%02x", c) : putchar(c));
    }
    (void)printf("%s\n", l->raw_bytes > (uint64_t)raw ? "…" : "");
    return WR_OK;
}

wr_status wr_ingest_cmd_dead_list(wr_command_line *cl, wr_err *err)
{
    const char *source = "";
    int64_t limit = 20;
    int64_t after = 0;
    const wr_arg arg[] = {
        {"source", WR_ARG_TEXT, &source, 0, 0, "S  only of this source"},
        {"limit", WR_ARG_INT, &limit, 1, 100000, "N  at most so many (20)"},
        {"after", WR_ARG_INT, &after, 0, 9e15, "ID  behind this one"},
    };
    const wr_args args = {.usage = "walletrisk-ingest dead list [flags]",
                          .purpose = "Refused records, oldest first.",
                          .arg = arg,
                          .count = sizeof arg / sizeof *arg,
                          .program = WR_PROGRAM_INGEST};
    WR_TRY(wr_args_parse(&args, &cl->argc, cl->argv, err));
    WR_AUTO(wr_store) st = NULL;
    WR_TRY(wr_ingest_open_store(&st, cl, err));
    return wr_store_dead_list(st, wr_text_of(source), after, (uint32_t)limit, print_dead, NULL,
                              err);
}
