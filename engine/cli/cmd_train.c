/* train: a scorer from the store's graph, its labels and a list of who was bad. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/study.h"
#include "pipeline/scorer/registry.h"
#include "util/clock.h"

enum { MODEL_MAX_MIB = 512 };

typedef struct train_flags {
    wr_study_flags study;
    const char *groups, *out, *by;
    int64_t seed, folds, good_max, rounds, depth, embargo_s;
    double kept_out;
    bool is_active;
} train_flags;

static wr_status options(wr_train_opts *o, const train_flags *f, const wr_study *s,
                         wr_cli *cli, wr_err *err)
{
    *o = (wr_train_opts)WR_TRAIN_OPTS_INIT;
    o->as_of_s = s->as_of_s;
    o->embargo_s = (uint32_t)f->embargo_s;
    o->kept_out = f->kept_out;
    o->folds = (uint32_t)f->folds;
    o->good_max = (size_t)f->good_max;
    o->seed = (uint64_t)f->seed;
    o->booster.rounds = (uint32_t)f->rounds;
    o->booster.max_depth = (uint32_t)f->depth;
    o->pg = &cli->pg;
    return wr_train_groups(&o->groups, f->groups, err);
}

static wr_status keep(wr_study *s, const wr_learned *l, const wr_buf *bytes,
                      const train_flags *f, wr_err *err)
{
    bool is_new = false;
    const int64_t now_s = wr_clock_wall_s();
    const wr_text text = {.p = bytes->p, .len = (uint32_t)bytes->len};
    if (f->out)
        WR_TRY(wr_cli_write(f->out, bytes, err));
    WR_TRY(wr_registry_put(s->st, l, text, wr_cli_who(f->by), now_s, &is_new, err));
    return f->is_active ? wr_store_model_activate(s->st, wr_learned_id(l), NULL,
                                                  wr_cli_who(f->by), now_s, NULL, err)
                        : WR_OK;
}

static wr_status print(const wr_learned *l, const wr_grades *g, const wr_study *s,
                       const train_flags *f, wr_err *err)
{
    wr_buf b;
    wr_buf_init(&b, (size_t)16 << 20);
    if (f->study.is_json) {
        wr_buf_addf(&b, "{\"id\":\"%s\",\"digest\":\"%s\",\"manifest\":%s}\n",
                    wr_learned_id(l), wr_learned_digest(l)->s, wr_learned_manifest(l));
    } else {
        wr_buf_addf(&b, "model    %s%s, %" PRIu32 " trees on %" PRIu32 " columns\n",
                    wr_learned_id(l), f->is_active ? " (active)" : "",
                    wr_booster_rounds(wr_learned_booster(l)),
                    wr_booster_features_of(wr_learned_booster(l), NULL));
        wr_buf_addf(&b,
                    "truth    %" PRIu64 " bad wallets of %" PRIu32 " incidents, %" PRIu64
                    " more are not in the graph\n"
                    "test, wallets that nothing was learned from; recall at the first "
                    "0.1, 0.5, 1 %%:\n",
                    s->truth.bad, s->truth.incidents, s->truth.missing);
        wr_grade_text(&b, g, &s->truth);
    }
    wr_status status = wr_buf_status(&b, "report", err);
    if (status == WR_OK)
        status = wr_cli_write(NULL, &b, err);
    wr_buf_release(&b);
    return status;
}

static wr_status train(wr_cli *cli, wr_study *s, const train_flags *f, wr_err *err)
{
    wr_train_opts o;
    wr_grades grades;
    WR_AUTO(wr_learned) l = NULL;
    wr_buf bytes;
    WR_TRY(wr_study_open(s, cli, &f->study, err));
    WR_TRY(options(&o, f, s, cli, err));
    wr_buf_init(&bytes, (size_t)MODEL_MAX_MIB << 20);
    const wr_train_input in = wr_study_input(s);
    wr_status status = wr_train(&l, &grades, &bytes, &in, &o, err);
    wr_progress_line_done(&cli->line);
    if (status == WR_OK)
        status = keep(s, l, &bytes, f, err);
    if (status == WR_OK)
        status = print(l, &grades, s, f, err);
    wr_buf_release(&bytes);
    return status;
}

wr_status wr_cmd_train(wr_cli *cli, wr_err *err)
{
    const wr_train_opts d = WR_TRAIN_OPTS_INIT;
    train_flags f = {.study = {.chain = "eip155:1337"},
                     .groups = "all",
                     .seed = (int64_t)d.seed,
                     .folds = d.folds,
                     .good_max = (int64_t)d.good_max,
                     .rounds = d.booster.rounds,
                     .depth = d.booster.max_depth,
                     .embargo_s = d.embargo_s,
                     .kept_out = d.kept_out};
    const wr_arg arg[] = {
        {"groups", WR_ARG_TEXT, &f.groups, 0, 0,
         "G,…  columns: " WR_FRAME_GROUP_NAMES " (all)"},
        {"seed", WR_ARG_INT, &f.seed, 0, INT32_MAX, "N  (1)"},
        {"folds", WR_ARG_INT, &f.folds, 0, WR_FRAME_FOLDS_MAX,
         "N  of labelled incidents, for cross-fitted exposures (5)"},
        {"good-max", WR_ARG_INT, &f.good_max, 1, 5e7,
         "N  good wallets in train and in validate; more are drawn from (200000)"},
        {"rounds", WR_ARG_INT, &f.rounds, 1, 10000, "N  trees at most (800)"},
        {"depth", WR_ARG_INT, &f.depth, 1, 16, "N  of a tree (6)"},
        {"embargo", WR_ARG_INT, &f.embargo_s, 0, UINT32_MAX,
         "S  seconds left out between two blocks (86400)"},
        {"kept-out", WR_ARG_NUMBER, &f.kept_out, 0, WR_KEEP_OUT_MAX,
         "P  of the wallets to calibrate with, and to test with (0.15); 0: those first "
         "seen last"},
        {"out", WR_ARG_TEXT, &f.out, 0, 0, "FILE  the model's bytes also there"},
        {"by", WR_ARG_TEXT, &f.by, 0, 0, "WHO  kept with the model ($USER)"},
        {"activate", WR_ARG_FLAG, &f.is_active, 0, 0, "score with it from now on"},
        WR_STUDY_FLAG_ROWS(&f.study),
    };
    const wr_args args = {.usage = "walletrisk train [flags]",
                          .purpose = "Learn a scorer from the store's transfers and "
                                     "labels and a list of who was bad; grade it on "
                                     "later wallets; keep it in the registry.",
                          .arg = arg,
                          .count = sizeof arg / sizeof *arg,
                          .program = WR_PROGRAM_CLI};
    WR_TRY(wr_args_parse(&args, &cli->argc, cli->argv, err));
    wr_study s = {0};
    const wr_status status = train(cli, &s, &f, err);
    wr_study_close(&s);
    return status;
}
