/* explain, export: one wallet of a run, computed again from its recorded inputs. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"
#include "codec/explanation_text.h"
#include "pipeline/answers/explanation.h"
#include "pipeline/answers/subgraph_export.h"
#include "util/clock.h"

/* --- explain ---------------------------------------------------------------------------
 */

static wr_status put_explanation(wr_buf *b, const wr_assessment *a, wr_vid v,
                                 const wr_explanation_opts *o, wr_store *st, wr_err *err)
{
    wr_json_out j = wr_json_out_on(b);
    wr_evidence e;
    wr_evidence_of_run(&e, a, v);
    WR_TRY(wr_explain_wallet(&j, &e, o, st, err));
    wr_buf_adds(b, "\n");
    return wr_buf_status(b, "explanation", err);
}

static wr_status print_explanation(const wr_buf *json, bool is_json, wr_err *err)
{
    if (is_json)
        return wr_cli_write(NULL, json, err);
    wr_buf text;
    wr_buf_init(&text, 64u << 20);
    wr_status s =
        wr_explanation_text(&text, (wr_text){json->p, (uint32_t)json->len}, err);
    if (s == WR_OK)
        s = wr_cli_write(NULL, &text, err);
    wr_buf_release(&text);
    return s;
}

typedef struct explain_flags {
    int64_t paths, hops, hits, labels;
    const char *as_of, *run_id;
    bool is_json;
} explain_flags;

static wr_status explanation_opts(wr_explanation_opts *o, const explain_flags *f,
                                  wr_err *err)
{
    *o = (wr_explanation_opts)WR_EXPLANATION_OPTS_INIT;
    o->paths_max = (uint32_t)f->paths;
    o->hops_max = (uint32_t)f->hops;
    o->hits_max = (uint32_t)f->hits;
    o->labels_max = (uint32_t)f->labels;
    return f->as_of ? wr_time_parse(&o->as_of_s, wr_text_of(f->as_of), err) : WR_OK;
}

static wr_status explain(wr_cli *cli, const explain_flags *f, wr_err *err)
{
    wr_explanation_opts o;
    WR_TRY(explanation_opts(&o, f, err));
    WR_AUTO(wr_store) st = NULL;
    WR_TRY(wr_cli_open_store(&st, cli, err));
    WR_AUTO(wr_assessment) a = NULL;
    WR_TRY(wr_cli_restore(&a, st, f->run_id, cli, err));
    wr_vid v = WR_VID_NONE;
    WR_TRY(wr_cli_find_wallet(&v, a, cli->argc - 1, cli->argv + 1, err));
    wr_buf b;
    wr_buf_init(&b, 64u << 20);
    wr_status s = put_explanation(&b, a, v, &o, st, err);
    if (s == WR_OK)
        s = print_explanation(&b, f->is_json, err);
    wr_buf_release(&b);
    return s;
}

wr_status wr_cmd_explain(wr_cli *cli, wr_err *err)
{
    explain_flags f = {.paths = 5, .hops = 8, .hits = 10, .labels = 3};
    const wr_arg arg[] = {
        {"paths", WR_ARG_INT, &f.paths, 1, 50, "N  paths in each direction (5)"},
        {"hops", WR_ARG_INT, &f.hops, 1, 32,
         "N  longest path (8); a contact is as short as can be"},
        {"hits", WR_ARG_INT, &f.hits, 0, WR_EXPLANATION_HITS_MAX,
         "N  patterns that it is part of (10)"},
        {"labels", WR_ARG_INT, &f.labels, 0, WR_EXPLANATION_LABELS_MAX,
         "N  labels to leave out in turn: its own, then the largest sources (3)"},
        {"as-of", WR_ARG_TEXT, &f.as_of, 0, 0, "T  also the score as of this time"},
        {"run", WR_ARG_TEXT, &f.run_id, 0, 0, "ID  of this run (the newest)"},
        {"json", WR_ARG_FLAG, &f.is_json, 0, 0, "all of it, as JSON"},
    };
    const wr_args args = {
        .usage = "walletrisk explain CHAIN ADDRESS [flags]",
        .purpose = "Exposures, reasons, origins, patterns and paths of one wallet, and "
                   "what its score would be without a label. CHAIN:ADDRESS works too. "
                   "Where the ledger carried nothing of a category but poison reaches "
                   "the wallet, a contact shows the shortest way: no mass, only order.",
        .arg = arg,
        .count = sizeof arg / sizeof *arg,
        .words_min = 1,
        .words_max = 2,
        .program = WR_PROGRAM_CLI};
    WR_TRY(wr_args_parse(&args, &cli->argc, cli->argv, err));
    return explain(cli, &f, err);
}

/* --- export ----------------------------------------------------------------------------
 */

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
    export_flags f = {.format = "graphml", .direction = "both", .hops = 2, .nodes = 2000};
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
    q.st = st;
    return export_to(a, &q, &f, err);
}
