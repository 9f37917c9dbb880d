/* labels load, list, export, remove: who says what about which address. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "codec/labels.h"
#include "util/clock.h"
#include "util/json_out.h"

/* --- load ------------------------------------------------------------------------------
 */

typedef struct load_flags {
    const char *format, *source, *chain, *category;
    int64_t confidence, issues;
    bool is_json;
} load_flags;

typedef struct loading {
    wr_cli *cli;
    wr_store *st;
    const char *path;
    int64_t issues_max;
    uint64_t read, issue[WR_LABEL_ISSUE_COUNT];
    wr_labels_report rep;
} loading;

static wr_status take_labels(void *ctx, const wr_label *label, size_t n, wr_err *err)
{
    loading *l = ctx;
    wr_labels_report rep = {0};
    WR_TRY(wr_store_labels_put(l->st, label, n, &rep, err));
    l->read += n;
    l->rep.added += rep.added;
    l->rep.updated += rep.updated;
    l->rep.unchanged += rep.unchanged;
    return wr_progress_at(&l->cli->pg, "labels", l->read, 0, err);
}

static void take_issue(void *ctx, const wr_label_issue *i)
{
    loading *l = ctx;
    const uint64_t before = l->issue[i->kind]++;
    if (before >= (uint64_t)l->issues_max)
        return;
    wr_progress_line_done(&l->cli->line);
    (void)fprintf(stderr, "%s:%" PRIu64 ": %s: %s\n", l->path, i->line,
                  wr_label_issue_name(i->kind), i->message);
}

static void print_load(const loading *l)
{
    (void)printf("%s: %" PRIu64 " added, %" PRIu64 " updated, %" PRIu64 " unchanged",
                 l->path, l->rep.added, l->rep.updated, l->rep.unchanged);
    uint64_t issues = 0;
    for (int k = 0; k < WR_LABEL_ISSUE_COUNT; k++) {
        issues += l->issue[k];
        if (l->issue[k])
            (void)printf(", %" PRIu64 " %s", l->issue[k],
                         wr_label_issue_name((wr_label_issue_kind)k));
    }
    (void)printf("%s\n", issues ? "" : ", no issues");
}

/* One object a file and line. */
static wr_status print_load_json(const loading *l, wr_err *err)
{
    wr_buf b;
    wr_buf_init(&b, 1 << 16);
    wr_json_out j = wr_json_out_on(&b);
    wr_json_open(&j, '{');
    wr_json_kv_cstr(&j, "path", l->path);
    wr_json_kv_u64(&j, "added", l->rep.added);
    wr_json_kv_u64(&j, "updated", l->rep.updated);
    wr_json_kv_u64(&j, "unchanged", l->rep.unchanged);
    wr_json_key(&j, "issues");
    wr_json_open(&j, '{');
    for (int k = 0; k < WR_LABEL_ISSUE_COUNT; k++)
        wr_json_kv_u64(&j, wr_label_issue_name((wr_label_issue_kind)k), l->issue[k]);
    wr_json_close(&j, '}');
    wr_json_close(&j, '}');
    wr_buf_adds(&b, "\n");
    wr_status s = wr_buf_status(&b, "report", err);
    if (s == WR_OK)
        s = wr_cli_write(NULL, &b, err);
    wr_buf_release(&b);
    return s;
}

static wr_status load_one(loading *l, const load_flags *f, const wr_taxonomy *tx,
                          wr_err *err)
{
    wr_labels_opts o = {.taxonomy = tx,
                        .source = wr_text_of(f->source),
                        .chain = wr_text_of(f->chain),
                        .category = wr_text_of(f->category),
                        .confidence = (int)f->confidence};
    WR_TRY(wr_labels_format_parse(&o.format, wr_text_of(f->format), err));
    if (f->category && wr_taxonomy_find(tx, o.category) < 0)
        return wr_fail(err, WR_EINVAL, "--category: '%s' is none of categories.yaml",
                       f->category);
    const wr_labels_sink sink = {.take = take_labels, .issue = take_issue, .ctx = l};
    WR_TRY(wr_labels_read(l->path, &o, &sink, err));
    wr_progress_line_done(&l->cli->line);
    if (f->is_json)
        return print_load_json(l, err);
    print_load(l);
    return WR_OK;
}

wr_status wr_cmd_labels_load(wr_cli *cli, wr_err *err)
{
    load_flags f = {.format = "auto", .confidence = -1, .issues = 5};
    const wr_arg arg[] = {
        {"format", WR_ARG_TEXT, &f.format, 0, 0,
         "F  auto | csv | graphsense | tagpack | ofac-txt | ofac-json | etherscan "
         "(auto)"},
        {"source", WR_ARG_TEXT, &f.source, 0, 0, "S  name of the list (by the file)"},
        {"chain", WR_ARG_TEXT, &f.chain, 0, 0, "C  for lists that name no chain"},
        {"category", WR_ARG_TEXT, &f.category, 0, 0,
         "C  for lists that name no category"},
        {"confidence", WR_ARG_INT, &f.confidence, 0, 100,
         "N  for lists without one, 0..100"},
        {"issues", WR_ARG_INT, &f.issues, 0, 1000000,
         "N  print at most so many of each kind by line (5)"},
        {"json", WR_ARG_FLAG, &f.is_json, 0, 0, "one JSON object a file"},
    };
    const wr_args args = {.usage = "walletrisk labels load PATH... [flags]",
                          .purpose =
                              "Load label lists; loading one again changes nothing.",
                          .arg = arg,
                          .count = sizeof arg / sizeof *arg,
                          .words_min = 1,
                          .words_max = -1,
                          .program = WR_PROGRAM_CLI};
    WR_TRY(wr_args_parse(&args, &cli->argc, cli->argv, err));
    WR_AUTO(wr_settings) cfg = NULL;
    WR_TRY(wr_settings_load(&cfg, &cli->cfg, err));
    WR_AUTO(wr_store) st = NULL;
    WR_TRY(wr_cli_open_store(&st, cli, err));
    for (int i = 1; i < cli->argc; i++) {
        loading l = {.cli = cli, .st = st, .path = cli->argv[i], .issues_max = f.issues};
        WR_TRY(load_one(&l, &f, &cfg->taxonomy, err));
    }
    return WR_OK;
}

/* --- list, export ----------------------------------------------------------------------
 */

typedef struct filter_flags {
    const char *chain, *address, *source, *category;
} filter_flags;

#define FILTER_ARGS(f)                                                           \
    {"chain", WR_ARG_TEXT, &(f).chain, 0, 0, "C  only of this chain"},           \
        {"address", WR_ARG_TEXT, &(f).address, 0, 0, "A  only of this address"}, \
        {"source", WR_ARG_TEXT, &(f).source, 0, 0, "S  only of this list"},      \
    {                                                                            \
        "category", WR_ARG_TEXT, &(f).category, 0, 0, "C  only of this category" \
    }

static wr_status make_filter(wr_label_filter *out, char address[WR_ADDRESS_MAX + 1],
                             const filter_flags *f, wr_err *err)
{
    *out = (wr_label_filter){.source = wr_text_of(f->source),
                             .category = wr_text_of(f->category)};
    if (f->chain)
        WR_TRY(wr_chain_find(&out->chain, wr_text_of(f->chain), err));
    if (!f->address)
        return WR_OK;
    if (!out->chain)
        return wr_fail(err, WR_EINVAL, "--address needs --chain");
    size_t len = 0;
    WR_TRY(wr_address_canonical(address, &len, out->chain, wr_text_of(f->address), err));
    out->address = (wr_text){address, (uint32_t)len};
    return WR_OK;
}

static wr_status put_csv(void *ctx, const wr_label_row *row, wr_err *err)
{
    wr_label_to_csv(ctx, &row->label);
    return wr_buf_status(ctx, "labels", err);
}

static void put_json_time(wr_json_out *j, const char *key, int64_t time_s)
{
    if (time_s != WR_TIME_NONE)
        wr_json_kv_time(j, key, time_s);
}

static wr_status put_json(void *ctx, const wr_label_row *row, wr_err *err)
{
    wr_buf *b = ctx;
    const wr_label *l = &row->label;
    wr_json_out j = wr_json_out_on(b);
    wr_json_open(&j, '{');
    wr_json_kv_i64(&j, "id", row->id);
    wr_json_kv_cstr(&j, "chain", l->chain->id);
    wr_json_kv_text(&j, "address", l->address);
    wr_json_kv_text(&j, "category", l->category);
    wr_json_kv_u64(&j, "confidence", l->confidence);
    wr_json_kv_text(&j, "source", l->source);
    wr_json_kv_text(&j, "uri", l->uri);
    wr_json_kv_text(&j, "actor", l->actor);
    wr_json_kv_text(&j, "name", l->name);
    put_json_time(&j, "valid_from", l->valid_from_s);
    put_json_time(&j, "valid_to", l->valid_to_s);
    put_json_time(&j, "added_at", row->added_s);
    wr_json_kv_bool(&j, "is_in_graph", row->wallet_id != 0);
    wr_json_close(&j, '}');
    wr_buf_adds(b, "\n");
    return wr_buf_status(b, "labels", err);
}

static wr_status write_labels(wr_cli *cli, const filter_flags *f, uint32_t limit,
                              bool is_json, const char *out, wr_err *err)
{
    char address[WR_ADDRESS_MAX + 1];
    wr_label_filter filter;
    WR_TRY(make_filter(&filter, address, f, err));
    WR_AUTO(wr_store) st = NULL;
    WR_TRY(wr_cli_open_store(&st, cli, err));
    wr_buf b;
    wr_buf_init(&b, (size_t)2 << 30);
    if (!is_json)
        wr_buf_adds(&b, WR_LABEL_CSV_HEADER);
    wr_status s = wr_store_labels_list(st, -1, &filter, false, 0, limit,
                                       is_json ? put_json : put_csv, &b, err);
    if (s == WR_OK)
        s = wr_cli_write(out, &b, err);
    wr_buf_release(&b);
    return s;
}

wr_status wr_cmd_labels_list(wr_cli *cli, wr_err *err)
{
    filter_flags f = {0};
    int64_t limit = 50;
    bool is_json = false;
    const wr_arg arg[] = {
        FILTER_ARGS(f),
        {"limit", WR_ARG_INT, &limit, 1, 10000000, "N  at most so many (50)"},
        {"json", WR_ARG_FLAG, &is_json, 0, 0, "one JSON object a line"},
    };
    const wr_args args = {.usage = "walletrisk labels list [flags]",
                          .purpose = "Current labels, oldest first.",
                          .arg = arg,
                          .count = sizeof arg / sizeof *arg,
                          .program = WR_PROGRAM_CLI};
    WR_TRY(wr_args_parse(&args, &cli->argc, cli->argv, err));
    return write_labels(cli, &f, (uint32_t)limit, is_json, NULL, err);
}

wr_status wr_cmd_labels_export(wr_cli *cli, wr_err *err)
{
    filter_flags f = {0};
    const char *out = NULL;
    const wr_arg arg[] = {
        FILTER_ARGS(f),
        {"out", WR_ARG_TEXT, &out, 0, 0, "PATH  file to write (stdout)"},
    };
    const wr_args args = {.usage = "walletrisk labels export [flags]",
                          .purpose =
                              "All current labels as CSV that 'labels load' reads back.",
                          .arg = arg,
                          .count = sizeof arg / sizeof *arg,
                          .program = WR_PROGRAM_CLI};
    WR_TRY(wr_args_parse(&args, &cli->argc, cli->argv, err));
    return write_labels(cli, &f, 0, false, out, err);
}

/* --- remove ----------------------------------------------------------------------------
 */

wr_status wr_cmd_labels_remove(wr_cli *cli, wr_err *err)
{
    filter_flags f = {0};
    const wr_arg arg[] = {FILTER_ARGS(f)};
    const wr_args args = {
        .usage = "walletrisk labels remove --source S | --chain C --address A",
        .purpose = "End the labels that match every given filter; earlier "
                   "runs keep them.",
        .arg = arg,
        .count = sizeof arg / sizeof *arg,
        .program = WR_PROGRAM_CLI};
    WR_TRY(wr_args_parse(&args, &cli->argc, cli->argv, err));
    char address[WR_ADDRESS_MAX + 1];
    wr_label_filter filter;
    WR_TRY(make_filter(&filter, address, &f, err));
    WR_AUTO(wr_store) st = NULL;
    WR_TRY(wr_cli_open_store(&st, cli, err));
    uint64_t removed = 0;
    WR_TRY(wr_store_labels_remove(st, &filter, &removed, err));
    (void)printf("%" PRIu64 " labels removed\n", removed);
    return WR_OK;
}
