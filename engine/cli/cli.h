/*
 * cli.h - the walletrisk command: one function per sub-command (util/command.h runs
 * them).
 *
 * Thread: main only.
 */
#ifndef WR_CLI_CLI_H
#define WR_CLI_CLI_H

#include "codec/manifest.h"
#include "pipeline/input/keep.h"
#include "pipeline/run/run.h"
#include "util/buf.h"
#include "util/command.h"

typedef wr_command_line wr_cli;

extern const wr_command wr_cli_commands[]; /* ends with name NULL */

wr_status wr_cmd_migrate(wr_cli *cli, wr_err *err) WR_NODISCARD;
wr_status wr_cmd_doctor(wr_cli *cli, wr_err *err) WR_NODISCARD;
wr_status wr_cmd_score(wr_cli *cli, wr_err *err) WR_NODISCARD;
wr_status wr_cmd_runs(wr_cli *cli, wr_err *err) WR_NODISCARD;
wr_status wr_cmd_verify_run(wr_cli *cli, wr_err *err) WR_NODISCARD;
wr_status wr_cmd_top(wr_cli *cli, wr_err *err) WR_NODISCARD;
wr_status wr_cmd_explain(wr_cli *cli, wr_err *err) WR_NODISCARD;
wr_status wr_cmd_export(wr_cli *cli, wr_err *err) WR_NODISCARD;
wr_status wr_cmd_labels_load(wr_cli *cli, wr_err *err) WR_NODISCARD;
wr_status wr_cmd_labels_list(wr_cli *cli, wr_err *err) WR_NODISCARD;
wr_status wr_cmd_labels_export(wr_cli *cli, wr_err *err) WR_NODISCARD;
wr_status wr_cmd_labels_remove(wr_cli *cli, wr_err *err) WR_NODISCARD;
wr_status wr_cmd_models_list(wr_cli *cli, wr_err *err) WR_NODISCARD;
wr_status wr_cmd_models_show(wr_cli *cli, wr_err *err) WR_NODISCARD;
wr_status wr_cmd_models_card(wr_cli *cli, wr_err *err) WR_NODISCARD;
wr_status wr_cmd_models_compare(wr_cli *cli, wr_err *err) WR_NODISCARD;
wr_status wr_cmd_models_activate(wr_cli *cli, wr_err *err) WR_NODISCARD;
wr_status wr_cmd_models_export(wr_cli *cli, wr_err *err) WR_NODISCARD;
wr_status wr_cmd_models_import(wr_cli *cli, wr_err *err) WR_NODISCARD;
wr_status wr_cmd_evaluate_ranking(wr_cli *cli, wr_err *err) WR_NODISCARD;
wr_status wr_cmd_train(wr_cli *cli, wr_err *err) WR_NODISCARD;
wr_status wr_cmd_evaluate_model(wr_cli *cli, wr_err *err) WR_NODISCARD;
wr_status wr_cmd_evaluate_rules(wr_cli *cli, wr_err *err) WR_NODISCARD;
wr_status wr_cmd_evaluate_column(wr_cli *cli, wr_err *err) WR_NODISCARD;

/* --- helpers that several commands use ---------------------------------------------- */

/* Store of cfg.dsn, schema checked. */
wr_status wr_cli_open_store(wr_store **out, const wr_cli *cli, wr_err *err) WR_NODISCARD;
/* The file of --snapshot-file; what goes wrong with it is a line on stderr. */
wr_keep wr_cli_keep(const wr_cli *cli);
/* The newest run (or --run ID) assessed again in memory, for explain and export. */
wr_status wr_cli_restore(wr_assessment **out, wr_store *st, const char *run_id,
                         wr_cli *cli, wr_err *err) WR_NODISCARD;
/* "CHAIN ADDRESS" words or one CAIP-10 word -> vertex.  WR_ENOTFOUND: not in the graph.
 */
wr_status wr_cli_find_wallet(wr_vid *out, const wr_assessment *a, int words, char **word,
                             wr_err *err) WR_NODISCARD;
/* Who acts: --by, else who the system says one is, else "unknown". */
wr_text wr_cli_who(const char *by);
/* Write all of b to path, or stdout when path is NULL or "-"; a file is never half
 * written. */
wr_status wr_cli_write(const char *path, const wr_buf *b, wr_err *err) WR_NODISCARD;

/* The manifest of a stored model; WR_ECORRUPT names the model and the key. */
wr_status wr_cli_manifest(wr_manifest *out, const wr_model *m, wr_arena *arena,
                          wr_err *err) WR_NODISCARD;
/* "test recall @ 1 %", "0.3300 (0.1100 to 0.9100)" */
enum { WR_CLI_FIGURE_MAX = 192 };
void wr_cli_figure_name(char out[WR_CLI_FIGURE_MAX], const wr_manifest_figure *f);
void wr_cli_figure_value(char out[WR_CLI_FIGURE_MAX], const wr_manifest_figure *f);

#endif
