/* score, runs, verify-run: making and proving scoring runs. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"
#include "pipeline/run/report.h"
#include "util/clock.h"

static wr_status print_json_run(const wr_run *r, wr_err *err)
{
    wr_buf b;
    wr_buf_init(&b, 1u << 20);
    wr_json_out j = wr_json_out_on(&b);
    wr_report_run(&j, r);
    wr_buf_adds(&b, "\n");
    wr_status s = wr_buf_status(&b, "run", err);
    if (s == WR_OK)
        s = wr_cli_write(NULL, &b, err);
    wr_buf_release(&b);
    return s;
}

static void print_run(const wr_run *r)
{
    char as_of[WR_RFC3339_MAX];
    wr_time_format(as_of, r->as_of_s);
    (void)printf("run            %s\n"
                 "wallets        %" PRIu64 "\n"
                 "transfers      %" PRIu64 " (as of %s)\n"
                 "labels used    %" PRIu64 "\n"
                 "graph digest   %s\n"
                 "labels digest  %s\n"
                 "config digest  %s\n"
                 "output digest  %s\n",
                 r->id, r->scored, r->transfers, as_of, r->labels, r->graph_digest.s,
                 r->labels_digest.s, r->config_digest.s, r->output_digest.s);
}

wr_status wr_cmd_score(wr_cli *cli, wr_err *err)
{
    bool is_json = false;
    const wr_arg arg[] = {
        {"json", WR_ARG_FLAG, &is_json, 0, 0, "the run record as JSON, with phases"},
    };
    const wr_args args = {.usage = "walletrisk score [--json]",
                          .purpose =
                              "Load the graph, compute every wallet's risk, publish "
                              "a scoring run.",
                          .arg = arg,
                          .count = 1,
                          .program = WR_PROGRAM_CLI};
    WR_TRY(wr_args_parse(&args, &cli->argc, cli->argv, err));
    WR_AUTO(wr_settings) cfg = NULL;
    WR_TRY(wr_settings_load(&cfg, &cli->cfg, err));
    WR_AUTO(wr_store) st = NULL;
    WR_TRY(wr_cli_open_store(&st, cli, err));
    WR_AUTO(wr_assessment) a = NULL;
    WR_TRY(wr_run_score(&a, st, cfg, NULL, &cli->pg, err));
    wr_progress_line_done(&cli->line);
    wr_keep keep = wr_cli_keep(cli);
    wr_loaded graph = wr_run_graph(a);
    wr_keep_put(&keep, st, &graph);
    wr_loaded_release(&graph);
    if (is_json)
        return print_json_run(wr_assessment_run(a), err);
    print_run(wr_assessment_run(a));
    return WR_OK;
}

static wr_status print_run_line(void *ctx, const wr_run *r, wr_err *err)
{
    if (*(const bool *)ctx)
        return print_json_run(r, err);
    char at[WR_RFC3339_MAX];
    wr_time_format(at, r->started_s);
    (void)printf("%-28s %-7s %-9s %s  %10" PRIu64 " transfers  output %.16s\n", r->id,
                 r->kind, wr_run_status_name(r->status), at, r->transfers,
                 r->output_digest.s);
    return WR_OK;
}

wr_status wr_cmd_runs(wr_cli *cli, wr_err *err)
{
    bool is_json = false;
    int64_t limit = 20;
    const wr_arg arg[] = {
        {"limit", WR_ARG_INT, &limit, 1, 1000, "N  at most so many, newest first (20)"},
        {"json", WR_ARG_FLAG, &is_json, 0, 0, "one JSON object a line"},
    };
    const wr_args args = {.usage = "walletrisk runs [--limit N] [--json]",
                          .purpose = "List scoring runs and graph reloads.",
                          .arg = arg,
                          .count = 2,
                          .program = WR_PROGRAM_CLI};
    WR_TRY(wr_args_parse(&args, &cli->argc, cli->argv, err));
    WR_AUTO(wr_store) st = NULL;
    WR_TRY(wr_cli_open_store(&st, cli, err));
    return wr_store_run_list(st, "", (uint32_t)limit, print_run_line, &is_json, err);
}

static void print_check(const char *what, bool is_same, const char *stored,
                        const char *recomputed)
{
    if (is_same)
        (void)printf("same       %-7s %s\n", what, stored);
    else
        (void)printf("DIFFERENT  %-7s stored %s, recomputed %s\n", what, stored,
                     recomputed);
}

wr_status wr_cmd_verify_run(wr_cli *cli, wr_err *err)
{
    const wr_args args = {.usage = "walletrisk verify-run [ID]",
                          .purpose =
                              "Recompute a stored run (the newest) from its recorded "
                              "inputs; compare digests and every stored score.",
                          .words_min = 0,
                          .words_max = 1,
                          .program = WR_PROGRAM_CLI};
    WR_TRY(wr_args_parse(&args, &cli->argc, cli->argv, err));
    WR_AUTO(wr_store) st = NULL;
    WR_TRY(wr_cli_open_store(&st, cli, err));
    wr_verify_report r = {0};
    const char *id = cli->argc > 1 ? cli->argv[1] : "";
    WR_TRY(wr_run_verify(&r, st, id, &cli->pg, err));
    wr_progress_line_done(&cli->line);
    const wr_run *a = &r.stored;
    const wr_run *b = &r.recomputed;
    (void)printf("run %s\n", a->id);
    print_check("graph", r.is_graph_same, a->graph_digest.s, b->graph_digest.s);
    print_check("labels", r.is_labels_same, a->labels_digest.s, b->labels_digest.s);
    print_check("config", r.is_config_same, a->config_digest.s, b->config_digest.s);
    print_check("output", r.is_output_same, a->output_digest.s, b->output_digest.s);
    (void)printf("%" PRIu64 " stored scores compared, %" PRIu64 " different\n",
                 r.scores_compared, r.scores_different);
    if (!r.is_graph_same || !r.is_labels_same || !r.is_config_same || !r.is_output_same ||
        r.scores_different)
        return wr_fail(err, WR_ECORRUPT, "run %s does not reproduce", a->id);
    return WR_OK;
}
