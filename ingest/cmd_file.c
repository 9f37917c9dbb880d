/* file: load files of transfers. */
#include <inttypes.h>
#include <stdio.h>

#include "ingest/file_load.h"
#include "ingest/ingest.h"
#include "ingest/transfer_flags.h"
#include "util/buf.h"
#include "util/json_out.h"

typedef struct file_flags {
    wr_transfer_flags record;
    const char *source;
    bool is_reread, is_listing_formats, is_json;
} file_flags;

static wr_status make_opts(wr_file_load_opts *o, const file_flags *f,
                           const wr_command_line *cl, wr_err *err)
{
    *o = (wr_file_load_opts){.reader = WR_TRANSFER_READER_OPTS_INIT,
                             .source = f->source,
                             .is_reread = f->is_reread,
                             .pg = &cl->pg};
    o->reader.batch_rows = (uint32_t)cl->cfg.batch_rows;
    return wr_transfer_flags_opts(&o->reader.transfer, &f->record, err);
}

static void print_report(const char *path, const wr_file_load_report *r)
{
    if (r->is_changed)
        (void)printf("%s: its beginning is not what was loaded before: read again\n",
                     path);
    (void)printf("%s (%s): %" PRIu64 " records = %" PRIu64 " inserted + %" PRIu64
                 " duplicates + %" PRIu64 " dead letters",
                 path, r->format, r->records, r->inserted, r->duplicates, r->dead);
    if (r->conflicts)
        (void)printf(" (%" PRIu64 " of them conflicts)", r->conflicts);
    if (r->skipped)
        (void)printf(
            "; %" PRIu64 " records were stored before%s", r->skipped,
            r->records ? "" : ": nothing new, inserted 0 (--reread reads them again)");
    (void)printf("; %.2f s", r->seconds);
    if (r->records && r->seconds > 0)
        (void)printf(", %.0f records/s", (double)r->records / r->seconds);
    (void)printf("\n");
}

static wr_status print_json(const char *path, const wr_file_load_report *r, wr_err *err)
{
    wr_buf b;
    wr_buf_init(&b, 1 << 16);
    wr_json_out j = wr_json_out_on(&b);
    wr_json_open(&j, '{');
    wr_json_kv_cstr(&j, "path", path);
    wr_json_kv_cstr(&j, "source", r->source);
    wr_json_kv_cstr(&j, "format", r->format);
    wr_json_kv_u64(&j, "records", r->records);
    wr_json_kv_u64(&j, "inserted", r->inserted);
    wr_json_kv_u64(&j, "duplicates", r->duplicates);
    wr_json_kv_u64(&j, "dead", r->dead);
    wr_json_kv_u64(&j, "conflicts", r->conflicts);
    wr_json_kv_u64(&j, "skipped", r->skipped);
    wr_json_kv_bool(&j, "is_changed", r->is_changed);
    wr_json_kv_f64(&j, "seconds", r->seconds);
    wr_json_close(&j, '}');
    wr_status s = wr_buf_status(&b, "report", err);
    if (s == WR_OK)
        (void)printf("%s\n", wr_buf_cstr(&b));
    wr_buf_release(&b);
    return s;
}

static void list_formats(void)
{
    for (const wr_transfer_format *f = wr_transfer_formats(); f->name; f++)
        (void)printf("    %-*s %s\n", (int)WR_HELP_COLUMN, f->name, f->text);
}

static wr_status load_files(wr_command_line *cl, wr_file_load_opts *o, bool is_json,
                            wr_err *err)
{
    WR_AUTO(wr_store) st = NULL;
    WR_TRY(wr_ingest_open_store(&st, cl, err));
    for (int i = 1; i < cl->argc; i++) {
        o->reader.path = cl->argv[i];
        wr_file_load_report rep;
        wr_status s = wr_file_load(&rep, st, o, err);
        wr_progress_line_done(&cl->line);
        if (is_json)
            WR_TRY(print_json(cl->argv[i], &rep, err));
        else if (rep.records || s == WR_OK)
            print_report(cl->argv[i], &rep);
        if (s == WR_ESTOPPED)
            return wr_fail_ctx(err, s, "loading %s: run the same command to go on",
                               cl->argv[i]);
        WR_TRY(s);
    }
    return WR_OK;
}

wr_status wr_ingest_cmd_file(wr_command_line *cl, wr_err *err)
{
    file_flags f = {.record = WR_TRANSFER_FLAGS_INIT};
    const wr_arg arg[] = {
        {"format", WR_ARG_TEXT, &f.record.format, 0, 0,
         "F  a named column set (see --formats)"},
        {"formats", WR_ARG_FLAG, &f.is_listing_formats, 0, 0,
         "list the formats and stop"},
        WR_TRANSFER_FLAG_ROWS(&f.record),
        {"source", WR_ARG_TEXT, &f.source, 0, 0, "S  name of the source (by the file)"},
        {"reread", WR_ARG_FLAG, &f.is_reread, 0, 0,
         "read from the start although the file was loaded before; its dead letters give "
         "way to those of this reading"},
        {"json", WR_ARG_FLAG, &f.is_json, 0, 0, "one JSON object a file"},
    };
    wr_args args = {.usage = "walletrisk-ingest file PATH... [flags]",
                    .purpose = "Load transfers from files into the store, each once.",
                    .arg = arg,
                    .count = sizeof arg / sizeof *arg,
                    .words_max = -1,
                    .program = WR_PROGRAM_INGEST};
    WR_TRY(wr_args_parse(&args, &cl->argc, cl->argv, err));
    if (f.is_listing_formats) {
        list_formats();
        return WR_OK;
    }
    if (cl->argc < 2)
        return wr_fail(err, WR_EINVAL, "no file given; usage: %s", args.usage);
    if (f.source && cl->argc > 2)
        return wr_fail(err, WR_EINVAL, "--source names one file, %d were given",
                       cl->argc - 1);
    wr_file_load_opts o;
    WR_TRY(make_opts(&o, &f, cl, err));
    return load_files(cl, &o, f.is_json, err);
}
