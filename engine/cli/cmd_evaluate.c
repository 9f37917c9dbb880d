/* evaluate ranking: how well labels on some bad wallets find the others. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"
#include "codec/truth.h"
#include "scoring/ranking.h"
#include "util/json_out.h"

typedef struct truth {
    const wr_snapshot *g;
    const wr_chain *chain;
    wr_vid *bad, *good;
    size_t bad_count, bad_cap, good_count, good_cap;
    uint64_t missing; /* not in the graph */
} truth;

static wr_status keep(wr_vid **list, size_t *count, size_t *cap, wr_vid v, wr_err *err)
{
    wr_vid *p = wr_grow(*list, cap, *count + 1, sizeof *p);
    if (!p)
        return wr_fail(err, WR_ENOMEM, "%zu wallets", *count);
    *list = p;
    p[(*count)++] = v;
    return WR_OK;
}

static wr_status take_wallet(void *ctx, wr_text address, bool is_bad, wr_err *err)
{
    truth *t = ctx;
    const wr_vid v = wr_ids_vertex(wr_snapshot_ids(t->g), t->chain, address);
    if (v == WR_VID_NONE) {
        t->missing++;
        return WR_OK;
    }
    return is_bad ? keep(&t->bad, &t->bad_count, &t->bad_cap, v, err)
                  : keep(&t->good, &t->good_count, &t->good_cap, v, err);
}

static void print_table(const wr_ranking *r, const truth *t)
{
    (void)printf("%" PRIu32 " labels, rank %" PRIu32 " hidden bad against %" PRIu32
                 " good wallets; %" PRIu32 " splits; AP of chance %.3f; %" PRIu64
                 " wallets not in the graph\n\n",
                 r->labels, r->hidden, r->good, r->splits, r->base_rate, t->missing);
    (void)printf("%-34s %5s  %-13s %5s  %-13s\n", "view", "AUC", "range", "AP", "range");
    for (uint32_t i = 0; i < r->rows; i++) {
        const wr_ranking_row *w = &r->row[i];
        (void)printf("%-34s %.3f  %.3f..%.3f  %.3f  %.3f..%.3f%s\n", w->view, w->auc,
                     w->auc_min, w->auc_max, w->ap, w->ap_min, w->ap_max,
                     w->is_control ? "  (control)" : "");
    }
}

static wr_status print_json(const wr_ranking *r, wr_err *err)
{
    wr_buf b;
    wr_buf_init(&b, 1u << 20);
    wr_json_out j = wr_json_out_on(&b);
    wr_json_open(&j, '{');
    wr_json_kv_u64(&j, "labels", r->labels);
    wr_json_kv_u64(&j, "hidden", r->hidden);
    wr_json_kv_u64(&j, "good", r->good);
    wr_json_kv_u64(&j, "splits", r->splits);
    wr_json_kv_f64(&j, "base_rate", r->base_rate);
    wr_json_key(&j, "views");
    wr_json_open(&j, '[');
    for (uint32_t i = 0; i < r->rows; i++) {
        wr_json_open(&j, '{');
        wr_json_kv_cstr(&j, "view", r->row[i].view);
        wr_json_kv_bool(&j, "is_control", r->row[i].is_control);
        wr_json_kv_f64(&j, "auc", r->row[i].auc);
        wr_json_kv_f64(&j, "ap", r->row[i].ap);
        wr_json_close(&j, '}');
    }
    wr_json_close(&j, ']');
    wr_json_close(&j, '}');
    wr_buf_adds(&b, "\n");
    wr_status s = wr_buf_status(&b, "ranking", err);
    if (s == WR_OK)
        s = wr_cli_write(NULL, &b, err);
    wr_buf_release(&b);
    return s;
}

typedef struct ranking_flags {
    const char *chain, *flag;
    int64_t splits, seed;
    bool is_json;
} ranking_flags;

static wr_status evaluate(wr_cli *cli, const ranking_flags *f, truth *t, wr_err *err)
{
    WR_AUTO(wr_store) st = NULL;
    WR_TRY(wr_cli_open_store(&st, cli, err));
    WR_AUTO(wr_snapshot) g = NULL;
    int64_t max_seq = -1;
    WR_TRY(wr_load_snapshot(&g, st, &max_seq, NULL, &cli->pg, err));
    WR_TRY(wr_chain_find(&t->chain, wr_text_of(f->chain), err));
    t->g = g;
    WR_TRY(
        wr_truth_read(cli->argv[1], t->chain, wr_text_of(f->flag), take_wallet, t, err));
    const wr_ranking_input in = {.bad = t->bad,
                                 .bad_count = (uint32_t)t->bad_count,
                                 .good = t->good,
                                 .good_count = (uint32_t)t->good_count};
    wr_ranking_opts o = WR_RANKING_OPTS_INIT;
    o.splits = (uint32_t)f->splits;
    o.seed = (uint64_t)f->seed;
    o.pg = &cli->pg;
    wr_ranking r;
    WR_TRY(wr_ranking_run(&r, g, &in, &o, err));
    wr_progress_line_done(&cli->line);
    if (f->is_json)
        return print_json(&r, err);
    print_table(&r, t);
    return WR_OK;
}

wr_status wr_cmd_evaluate_ranking(wr_cli *cli, wr_err *err)
{
    ranking_flags f = {.chain = "ETH", .splits = 5, .seed = 1};
    const wr_arg arg[] = {
        {"chain", WR_ARG_TEXT, &f.chain, 0, 0, "C  chain of the addresses (ETH)"},
        {"flag", WR_ARG_TEXT, &f.flag, 0, 0, "NAME  column of 0 and 1 (the first is_…)"},
        {"splits", WR_ARG_INT, &f.splits, 1, WR_RANKING_SPLITS_MAX,
         "N  random halves (5)"},
        {"seed", WR_ARG_INT, &f.seed, 0, 9e15, "N  of the halves (1)"},
        {"json", WR_ARG_FLAG, &f.is_json, 0, 0, "as JSON"},
    };
    const wr_args args = {.usage = "walletrisk evaluate ranking TRUTH.csv [flags]",
                          .purpose =
                              "Label a random half of the known bad wallets and rank "
                              "the other half against known good ones, by every view. "
                              "Reads the store's transfers; its labels play no part.",
                          .arg = arg,
                          .count = sizeof arg / sizeof *arg,
                          .words_min = 1,
                          .words_max = 1,
                          .program = WR_PROGRAM_CLI};
    WR_TRY(wr_args_parse(&args, &cli->argc, cli->argv, err));
    truth t = {0};
    wr_status s = evaluate(cli, &f, &t, err);
    wr_free(t.bad);
    wr_free(t.good);
    return s;
}
