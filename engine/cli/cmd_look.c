/* top, explain, export: looking at a run. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "pipeline/explain.h"
#include "pipeline/subgraph_export.h"

/* --- top ------------------------------------------------------------------------------- */

typedef struct top_flags {
    int64_t limit;
    double min_score; /* 0..100 */
    const char *level, *category, *run_id;
    bool is_unlabelled, is_json;
} top_flags;

typedef struct top_filter {
    int level, category; /* -1 = all */
    double min_score;    /* 0..1 */
    bool is_unlabelled;
} top_filter;

static wr_status make_filter(top_filter *out, const top_flags *f, const wr_taxonomy *tx,
                             wr_err *err)
{
    *out = (top_filter){.level = -1,
                        .category = -1,
                        .min_score = f->min_score / 100.0,
                        .is_unlabelled = f->is_unlabelled};
    if (f->level) {
        wr_level l;
        WR_TRY(wr_level_parse(&l, wr_text_of(f->level), err));
        out->level = (int)l;
    }
    if (f->category) {
        out->category = wr_taxonomy_find(tx, wr_text_of(f->category));
        if (out->category < 0)
            return wr_fail(err, WR_EINVAL, "--category: '%s' is none of categories.yaml",
                           f->category);
    }
    return WR_OK;
}

static bool passes(const top_filter *f, const wr_assessment *a, wr_vid v)
{
    return wr_assessment_score(a, v) >= f->min_score &&
           (f->level < 0 || (int)wr_assessment_level(a, v) == f->level) &&
           (f->category < 0 || wr_assessment_category(a, v) == f->category) &&
           (!f->is_unlabelled || wr_assessment_seeds(a)->category[v] == WR_SEED_NONE);
}

static void put_top_text(wr_buf *b, const wr_assessment *a, wr_vid v, uint32_t rank)
{
    const wr_ids *ids = wr_snapshot_ids(wr_assessment_snapshot(a));
    wr_reason r[WR_REASONS_MAX];
    const uint32_t count = wr_assessment_reasons(a, v, r);
    wr_buf_addf(b, "%3" PRIu32 ". %6.2f  %-6s  %s:%.*s\n", rank,
                wr_score_publish(wr_assessment_score(a, v)),
                wr_level_name(wr_assessment_level(a, v)), wr_ids_chain(ids, v)->id,
                WR_TEXT_ARG(wr_ids_address(ids, v)));
    for (uint32_t i = 0; i < count; i++) {
        wr_buf_addf(b, "       %6.2f  ", wr_score_publish(r[i].part));
        wr_report_reason_text(b, a, &r[i]);
        wr_buf_adds(b, "\n");
    }
}

static void put_top(wr_buf *b, const wr_assessment *a, const top_flags *f,
                    const top_filter *filter)
{
    wr_json_out j = wr_json_out_on(b);
    if (f->is_json)
        wr_json_open(&j, '[');
    uint32_t count = 0;
    const wr_vid *order = wr_assessment_order(a, &count);
    uint32_t rank = 0;
    for (uint32_t i = 0; i < count && rank < f->limit; i++) {
        if (!passes(filter, a, order[i]))
            continue;
        rank++;
        if (f->is_json)
            wr_report_wallet_short(&j, a, order[i]);
        else
            put_top_text(b, a, order[i], rank);
    }
    if (f->is_json) {
        wr_json_close(&j, ']');
        wr_buf_adds(b, "\n");
    }
}

static wr_status print_top(const wr_assessment *a, const top_flags *f, wr_err *err)
{
    top_filter filter;
    WR_TRY(make_filter(&filter, f, &wr_assessment_settings(a)->taxonomy, err));
    wr_buf b;
    wr_buf_init(&b, 256u << 20);
    put_top(&b, a, f, &filter);
    wr_status s = wr_buf_status(&b, "top", err);
    if (s == WR_OK)
        s = wr_cli_write(NULL, &b, err);
    wr_buf_release(&b);
    return s;
}

wr_status wr_cmd_top(wr_cli *cli, wr_err *err)
{
    top_flags f = {.limit = 10};
    const wr_arg arg[] = {
        {"limit", WR_ARG_INT, &f.limit, 1, 100000, "N  how many (10)"},
        {"min-score", WR_ARG_NUMBER, &f.min_score, 0, 100, "S  at least this score, 0..100"},
        {"level", WR_ARG_TEXT, &f.level, 0, 0, "L  low | medium | high | severe"},
        {"category", WR_ARG_TEXT, &f.category, 0, 0, "C  strongest category"},
        {"unlabelled", WR_ARG_FLAG, &f.is_unlabelled, 0, 0,
         "leave out wallets that carry a label themselves"},
        {"run", WR_ARG_TEXT, &f.run_id, 0, 0, "ID  of this run (the newest)"},
        {"json", WR_ARG_FLAG, &f.is_json, 0, 0, "as JSON"},
    };
    const wr_args args = {.usage = "walletrisk top [flags]",
                          .purpose = "The riskiest wallets of a run, with reasons.",
                          .arg = arg,
                          .count = sizeof arg / sizeof *arg,
                          .program = WR_PROGRAM_CLI};
    WR_TRY(wr_args_parse(&args, &cli->argc, cli->argv, err));
    WR_AUTO(wr_store) st = NULL;
    WR_TRY(wr_cli_open_store(&st, cli, err));
    WR_AUTO(wr_assessment) a = NULL;
    WR_TRY(wr_cli_restore(&a, st, f.run_id, cli, err));
    return print_top(a, &f, err);
}

/* --- explain --------------------------------------------------------------------------- */

static wr_status put_explanation(wr_buf *b, const wr_assessment *a, wr_vid v,
                                 wr_explain_opts *o, wr_store *st, wr_err *err)
{
    wr_json_out j = wr_json_out_on(b);
    wr_json_open(&j, '{');
    wr_json_key(&j, "wallet");
    wr_report_wallet(&j, a, v, false);
    wr_json_key(&j, "static_interval");
    WR_TRY(wr_explain_push(&j, a, wr_assessment_snapshot(a), v, err));
    o->direction = WR_RECEIVING;
    wr_json_key(&j, "received_paths");
    WR_TRY(wr_explain_paths(&j, a, v, o, st, err));
    o->direction = WR_SENDING;
    wr_json_key(&j, "sent_paths");
    WR_TRY(wr_explain_paths(&j, a, v, o, st, err));
    wr_json_close(&j, '}');
    wr_buf_adds(b, "\n");
    return wr_buf_status(b, "explanation", err);
}

wr_status wr_cmd_explain(wr_cli *cli, wr_err *err)
{
    wr_explain_opts o = WR_EXPLAIN_OPTS_INIT;
    int64_t paths = o.paths_max;
    int64_t hops = o.hops_max;
    const char *run_id = NULL;
    const wr_arg arg[] = {
        {"paths", WR_ARG_INT, &paths, 1, 50, "N  paths in each direction (5)"},
        {"hops", WR_ARG_INT, &hops, 1, 32, "N  longest path (8)"},
        {"run", WR_ARG_TEXT, &run_id, 0, 0, "ID  of this run (the newest)"},
    };
    const wr_args args = {.usage = "walletrisk explain CHAIN ADDRESS [flags]",
                          .purpose = "Exposures, reasons, origins and paths of one wallet, "
                                     "as JSON. CHAIN:ADDRESS works too.",
                          .arg = arg,
                          .count = sizeof arg / sizeof *arg,
                          .words_min = 1,
                          .words_max = 2,
                          .program = WR_PROGRAM_CLI};
    WR_TRY(wr_args_parse(&args, &cli->argc, cli->argv, err));
    o.paths_max = (uint32_t)paths;
    o.hops_max = (uint32_t)hops;
    WR_AUTO(wr_store) st = NULL;
    WR_TRY(wr_cli_open_store(&st, cli, err));
    WR_AUTO(wr_assessment) a = NULL;
    WR_TRY(wr_cli_restore(&a, st, run_id, cli, err));
    wr_vid v = WR_VID_NONE;
    WR_TRY(wr_cli_find_wallet(&v, a, cli->argc - 1, cli->argv + 1, err));
    wr_buf b;
    wr_buf_init(&b, 64u << 20);
    wr_status s = put_explanation(&b, a, v, &o, st, err);
    if (s == WR_OK)
        s = wr_cli_write(NULL, &b, err);
    wr_buf_release(&b);
    return s;
}

/* --- export ---------------------------------------------------------------------------- */

typedef struct export_flags {
    const char *format, *out, *direction, *run_id;
    int64_t hops, nodes;
    double min_value;
    bool is_transfer_level;
} export_flags;

static wr_status make_query(wr_export_query *q, const export_flags *f, wr_err *err)
{
    *q = (wr_export_query)WR_EXPORT_QUERY_INIT;
    q->hops = (uint32_t)f->hops;
    q->nodes_max = (uint32_t)f->nodes;
    q->min_value = f->min_value;
    q->is_transfer_level = f->is_transfer_level;
    const wr_text d = wr_text_of(f->direction);
    if (wr_text_eq(d, WR_TEXT_LIT("in")))
        q->direction = WR_RECEIVING;
    else if (wr_text_eq(d, WR_TEXT_LIT("out")))
        q->direction = WR_SENDING;
    else if (!wr_text_eq(d, WR_TEXT_LIT("both")))
        return wr_fail(err, WR_EINVAL, "--direction: '%s' is none of in, out, both",
                       f->direction);
    return WR_OK;
}

static wr_status export_to(const wr_assessment *a, const wr_export_query *q,
                           const export_flags *f, wr_err *err)
{
    wr_export_format format;
    WR_TRY(wr_export_format_parse(&format, wr_text_of(f->format), err));
    wr_buf b;
    wr_buf_init(&b, 1u << 30);
    wr_export_info info = {0};
    wr_status s = wr_export_subgraph(&b, &info, a, q, format, err);
    if (s == WR_OK)
        s = wr_cli_write(f->out, &b, err);
    wr_buf_release(&b);
    if (s == WR_OK)
        (void)fprintf(stderr, "%s: %" PRIu32 " wallets, %" PRIu64 " edges%s\n",
                      f->out ? f->out : "stdout", info.nodes, info.edges,
                      info.is_truncated ? ", cut at --nodes" : "");
    return s;
}

wr_status wr_cmd_export(wr_cli *cli, wr_err *err)
{
    export_flags f = {
        .format = "graphml", .direction = "both", .hops = 2, .nodes = 2000};
    const wr_arg arg[] = {
        {"format", WR_ARG_TEXT, &f.format, 0, 0,
         "F  graphml | gexf | csv-nodes | csv-edges | json (graphml)"},
        {"out", WR_ARG_TEXT, &f.out, 0, 0, "PATH  file to write (stdout)"},
        {"hops", WR_ARG_INT, &f.hops, 0, 6, "N  how far from the wallet (2)"},
        {"direction", WR_ARG_TEXT, &f.direction, 0, 0, "D  in | out | both (both)"},
        {"min-value", WR_ARG_NUMBER, &f.min_value, 0, 1e300, "V  least value of an edge"},
        {"nodes", WR_ARG_INT, &f.nodes, 1, 100000, "N  at most so many wallets (2000)"},
        {"transfers", WR_ARG_FLAG, &f.is_transfer_level, 0, 0,
         "an edge per transfer, not per pair of wallets"},
        {"run", WR_ARG_TEXT, &f.run_id, 0, 0, "ID  of this run (the newest)"},
    };
    const wr_args args = {.usage = "walletrisk export CHAIN ADDRESS [flags]",
                          .purpose = "The neighbourhood of a wallet with scores and "
                                     "provenance, for Gephi, yEd, NetworkX, i2.",
                          .arg = arg,
                          .count = sizeof arg / sizeof *arg,
                          .words_min = 1,
                          .words_max = 2,
                          .program = WR_PROGRAM_CLI};
    WR_TRY(wr_args_parse(&args, &cli->argc, cli->argv, err));
    wr_export_query q;
    WR_TRY(make_query(&q, &f, err));
    WR_AUTO(wr_store) st = NULL;
    WR_TRY(wr_cli_open_store(&st, cli, err));
    WR_AUTO(wr_assessment) a = NULL;
    WR_TRY(wr_cli_restore(&a, st, f.run_id, cli, err));
    WR_TRY(wr_cli_find_wallet(&q.center, a, cli->argc - 1, cli->argv + 1, err));
    return export_to(a, &q, &f, err);
}
