/* evaluate model, rules, column: what a scorer is worth on this store. */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

#include "cli/study.h"
#include "pipeline/scorer/registry.h"

typedef struct judge_flags {
    wr_study_flags study;
    wr_scorer_kind kind;
    const char *name; /* of the model or the column */
} judge_flags;

static wr_status column_of(uint32_t *out, const char *name, wr_err *err)
{
    for (uint32_t k = 0; k < wr_frame_columns(); k++)
        if (strcmp(wr_frame_column_at(k)->name, name) == 0) {
            *out = k;
            return WR_OK;
        }
    return wr_fail(err, WR_ENOTFOUND, "no column '%s'; without a name all are listed",
                   name);
}

static wr_status list_columns(wr_err *err)
{
    wr_buf b;
    wr_buf_init(&b, 1 << 20);
    for (uint32_t k = 0; k < wr_frame_columns(); k++) {
        const wr_frame_column *c = wr_frame_column_at(k);
        wr_buf_addf(&b, "%-10s  %s\n", wr_frame_group_name(c->group), c->name);
    }
    wr_status s = wr_buf_status(&b, "columns", err);
    if (s == WR_OK)
        s = wr_cli_write(NULL, &b, err);
    wr_buf_release(&b);
    return s;
}

static wr_status make_rules(wr_assessment **out, const wr_study *s, const wr_progress *pg,
                            wr_err *err)
{
    wr_label_set again = {0}; /* an assessment takes its labels */
    WR_TRY(wr_load_labels(&again, s->st, s->g, &s->cfg->taxonomy, s->labels.rev, err));
    return wr_assess(out, s->g, &again, s->cfg, pg, err);
}

static wr_status print(const wr_grades *g, const wr_study *s, const judge_flags *f,
                       wr_err *err)
{
    wr_buf b;
    wr_buf_init(&b, (size_t)16 << 20);
    if (f->study.is_json) {
        wr_json_out j = wr_json_out_on(&b);
        wr_json_open(&j, '{');
        wr_grade_json(&j, g, &s->truth);
        wr_json_close(&j, '}');
        wr_buf_adds(&b, "\n");
    } else {
        wr_buf_adds(&b, "recall at the first 0.1, 0.5, 1 %:\n");
        wr_grade_text(&b, g, &s->truth);
    }
    wr_status status = wr_buf_status(&b, "report", err);
    if (status == WR_OK)
        status = wr_cli_write(NULL, &b, err);
    wr_buf_release(&b);
    return status;
}

static wr_status judge(wr_cli *cli, wr_study *s, const judge_flags *f, wr_err *err)
{
    WR_AUTO(wr_learned) l = NULL;
    WR_AUTO(wr_assessment) rules = NULL;
    wr_scorer by = {.kind = f->kind, .threshold = (double)NAN};
    wr_grades g;
    WR_TRY(wr_study_open(s, cli, &f->study, err));
    if (f->kind == WR_SCORER_MODEL) {
        WR_TRY(wr_registry_load(&l, s->st, f->name, NULL, (uint32_t)omp_get_max_threads(),
                                err));
        by.threshold = wr_learned_threshold(l);
    } else if (f->kind == WR_SCORER_COLUMN) {
        WR_TRY(column_of(&by.column, f->name, err));
    } else {
        WR_TRY(make_rules(&rules, s, &cli->pg, err));
    }
    by.model = l;
    by.given = rules ? wr_assessment_scores(rules) : NULL;
    const wr_train_input in = wr_study_input(s);
    const wr_evaluate_opts o = {
        .from_s = s->from_s, .as_of_s = s->as_of_s, .pg = &cli->pg};
    WR_TRY(wr_evaluate(&g, &in, &by, &o, err));
    wr_progress_line_done(&cli->line);
    return print(&g, s, f, err);
}

static wr_status run(wr_cli *cli, judge_flags *f, const char *usage, const char *purpose,
                     wr_err *err)
{
    const int words_max = f->kind == WR_SCORER_GIVEN ? 0 : 1;
    f->study.chain = "eip155:1337";
    const wr_arg arg[] = {
        {"from", WR_ARG_TEXT, &f->study.from, 0, 0,
         "TIME  wallets first seen earlier are not asked for (the first transfer)"},
        WR_STUDY_FLAG_ROWS(&f->study),
    };
    const wr_args args = {.usage = usage,
                          .purpose = purpose,
                          .arg = arg,
                          .count = sizeof arg / sizeof *arg,
                          .words_min = f->kind == WR_SCORER_MODEL,
                          .words_max = words_max,
                          .program = WR_PROGRAM_CLI};
    WR_TRY(wr_args_parse(&args, &cli->argc, cli->argv, err));
    f->name = cli->argc > 1 ? cli->argv[1] : NULL;
    if (f->kind == WR_SCORER_COLUMN && !f->name)
        return list_columns(err);
    wr_study s = {0};
    const wr_status status = judge(cli, &s, f, err);
    wr_study_close(&s);
    return status;
}

wr_status wr_cmd_evaluate_model(wr_cli *cli, wr_err *err)
{
    judge_flags f = {.kind = WR_SCORER_MODEL};
    return run(cli, &f, "walletrisk evaluate model ID|active [flags]",
               "Grade a model of the registry on this store's wallets.", err);
}

wr_status wr_cmd_evaluate_rules(wr_cli *cli, wr_err *err)
{
    judge_flags f = {.kind = WR_SCORER_GIVEN};
    return run(cli, &f, "walletrisk evaluate rules [flags]",
               "Grade the score that holds without a model: shares and floors.", err);
}

wr_status wr_cmd_evaluate_column(wr_cli *cli, wr_err *err)
{
    judge_flags f = {.kind = WR_SCORER_COLUMN};
    return run(cli, &f, "walletrisk evaluate column [NAME] [flags]",
               "Grade one feature by itself; without a name: list them by group.", err);
}
