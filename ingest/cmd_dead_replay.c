/* dead replay: refused records tried again. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/dead_replay.h"
#include "ingest/ingest.h"
#include "ingest/transfer_flags.h"
#include "util/buf.h"
#include "util/json_out.h"

typedef struct replaying {
    wr_transfer_flags record;
    const char *source;
    wr_arg_list id;
    int64_t partition;
    bool is_all, is_dry, is_json;
    int64_t *wanted; /* [wanted_count] ascending */
    size_t wanted_count, wanted_cap;
    wr_command_line *cl;
} replaying;

static int by_number(const void *a, const void *b)
{
    int64_t x;
    int64_t y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

/* "--id 3 --id 7,9" */
static wr_status read_ids(replaying *t, wr_err *err)
{
    for (size_t i = 0; i < t->id.count; i++)
        for (const char *p = t->id.item[i]; p;) {
            const char *comma = strchr(p, ',');
            int64_t *w =
                wr_grow(t->wanted, &t->wanted_cap, t->wanted_count + 1, sizeof *w);
            if (!w)
                return wr_fail(err, WR_ENOMEM, "no memory for --id");
            t->wanted = w;
            const size_t len = comma ? (size_t)(comma - p) : strlen(p);
            WR_TRY(wr_dead_id_parse(&w[t->wanted_count++], (wr_text){p, (uint32_t)len},
                                    err));
            p = comma ? comma + 1 : NULL;
        }
    if (t->wanted_count)
        qsort(t->wanted, t->wanted_count, sizeof *t->wanted, by_number);
    size_t kept = 0;
    for (size_t i = 0; i < t->wanted_count; i++)
        if (!kept || t->wanted[i] != t->wanted[kept - 1])
            t->wanted[kept++] = t->wanted[i];
    t->wanted_count = kept;
    return WR_OK;
}

static void tell(void *ctx, const wr_dead_row *d, wr_dead_fate fate, const char *why)
{
    const replaying *t = ctx;
    if (fate == WR_DEAD_REPLAYED)
        return;
    wr_progress_line_done(&t->cl->line);
    (void)fprintf(stderr, "%" PRId64 "  %.*s/%" PRId32 ":%" PRId64 "  stays: %s\n", d->id,
                  WR_TEXT_ARG(d->letter.source), d->letter.partition, d->letter.position,
                  why);
}

static void print_report(const replaying *t, const wr_dead_replay_report *r)
{
    const uint64_t rest = r->letters - r->replayed;
    if (t->is_dry)
        (void)printf("%" PRIu64 " letters: %" PRIu64 " can be read now (%" PRIu64
                     " transfers), %" PRIu64 " would stay",
                     r->letters, r->replayed, r->transfers, rest);
    else
        (void)printf("%" PRIu64 " letters: %" PRIu64 " replayed = %" PRIu64
                     " transfers inserted + %" PRIu64 " duplicates; %" PRIu64 " stay",
                     r->letters, r->replayed, r->inserted, r->duplicates, rest);
    if (rest)
        (void)printf(" (%" PRIu64 " refused again, %" PRIu64 " not whole, %" PRIu64
                     " rows of files, %" PRIu64 " without a source)",
                     r->refused, r->cut, r->rows, r->no_source);
    (void)printf("\n");
}

static wr_status print_report_json(const replaying *t, const wr_dead_replay_report *r,
                                   wr_err *err)
{
    wr_buf b;
    wr_buf_init(&b, 1 << 16);
    wr_json_out j = wr_json_out_on(&b);
    wr_json_open(&j, '{');
    wr_json_kv_bool(&j, "is_dry_run", t->is_dry);
    wr_json_kv_u64(&j, "letters", r->letters);
    wr_json_kv_u64(&j, "replayed", r->replayed);
    wr_json_kv_u64(&j, "transfers", r->transfers);
    wr_json_kv_u64(&j, "inserted", r->inserted);
    wr_json_kv_u64(&j, "duplicates", r->duplicates);
    wr_json_kv_u64(&j, "conflicts", r->conflicts);
    wr_json_kv_u64(&j, "refused", r->refused);
    wr_json_kv_u64(&j, "cut", r->cut);
    wr_json_kv_u64(&j, "rows", r->rows);
    wr_json_kv_u64(&j, "without_source", r->no_source);
    wr_json_kv_u64(&j, "missing", r->missing);
    wr_json_close(&j, '}');
    wr_status s = wr_buf_status(&b, "report", err);
    if (s == WR_OK)
        (void)printf("%s\n", wr_buf_cstr(&b));
    wr_buf_release(&b);
    return s;
}

static wr_status replay(replaying *t, wr_err *err)
{
    wr_transfer_opts decode;
    WR_AUTO(wr_transfer_decoder) d = NULL;
    WR_AUTO(wr_store) st = NULL;
    WR_TRY(read_ids(t, err));
    WR_TRY(wr_transfer_flags_opts(&decode, &t->record, err));
    WR_TRY(wr_transfer_decoder_new(&d, &decode, err));
    WR_TRY(wr_ingest_open_store(&st, t->cl, err));
    const wr_dead_replay_opts o = {.decoder = d,
                                   .source = wr_text_of(t->source),
                                   .partition = (int32_t)t->partition,
                                   .id = t->wanted,
                                   .id_count = t->wanted_count,
                                   .is_dry = t->is_dry,
                                   .told = tell,
                                   .ctx = t,
                                   .pg = &t->cl->pg};
    wr_dead_replay_report r;
    const wr_status s = wr_dead_replay(&r, st, &o, err);
    wr_progress_line_done(&t->cl->line);
    if (t->is_json)
        WR_TRY(print_report_json(t, &r, err));
    else
        print_report(t, &r);
    WR_TRY(s);
    if (r.missing)
        return wr_fail(err, WR_ENOTFOUND, "%" PRIu64 " of the ids are no dead letters",
                       r.missing);
    if (r.replayed != r.letters)
        return wr_fail(err, WR_EPARSE, "%" PRIu64 " dead letters stay",
                       r.letters - r.replayed);
    return WR_OK;
}

wr_status wr_ingest_cmd_dead_replay(wr_command_line *cl, wr_err *err)
{
    replaying t = {.record = WR_TRANSFER_FLAGS_INIT, .partition = -1, .cl = cl};
    const wr_arg arg[] = {
        {"id", WR_ARG_LIST, &t.id, 0, 0, "N,N  these letters; may be repeated"},
        {"source", WR_ARG_TEXT, &t.source, 0, 0, "S  letters of this source"},
        {"partition", WR_ARG_INT, &t.partition, 0, INT32_MAX, "P  only of this one"},
        {"all", WR_ARG_FLAG, &t.is_all, 0, 0, "letters of every source"},
        {"dry-run", WR_ARG_FLAG, &t.is_dry, 0, 0, "read them, change nothing"},
        WR_TRANSFER_FLAG_ROWS(&t.record),
        {"json", WR_ARG_FLAG, &t.is_json, 0, 0, "the report as JSON"},
    };
    const wr_args args = {
        .usage = "walletrisk-ingest dead replay --all|--source S|--id N... [flags]",
        .purpose = "Try refused records again; what can be read now is stored and no "
                   "letter any more.",
        .arg = arg,
        .count = sizeof arg / sizeof *arg,
        .program = WR_PROGRAM_INGEST};
    WR_TRY(wr_args_parse(&args, &cl->argc, cl->argv, err));
    if (!t.is_all && !t.source && !t.id.count)
        return wr_fail(err, WR_EINVAL, "say which letters: --all, --source S or --id N");
    const wr_status s = replay(&t, err);
    wr_free(t.wanted);
    return s;
}
