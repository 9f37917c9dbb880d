/* top: the riskiest wallets as a run published them; nothing is computed. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"
#include "codec/reasons_json.h"
#include "pipeline/run/report.h"

typedef struct top_flags {
    int64_t limit;
    double min_score; /* 0..100 */
    const char *level, *category, *run_id;
    bool is_unlabelled, is_json;
} top_flags;

typedef struct printer {
    wr_buf text;
    wr_json_out json;
    const wr_taxonomy *tx;
    bool is_json;
    uint32_t rank;
} printer;

static void put_reason(void *ctx, double part, wr_text message)
{
    wr_buf_addf(ctx, "       %6.2f  %.*s\n", part, WR_TEXT_ARG(message));
}

static wr_status put_text(printer *p, const wr_score_row *row, wr_err *err)
{
    const wr_score *s = &row->score;
    wr_buf_addf(&p->text, "%3" PRIu32 ". %6.2f  %-6s  %s:%.*s%s\n", p->rank,
                wr_score_publish(s->score), wr_level_name((wr_level)s->level),
                row->chain->id, WR_TEXT_ARG(row->address),
                s->is_labelled ? "  (labelled itself)" : "");
    if (!s->reasons.len)
        return WR_OK; /* a run keeps the reasons of its highest rows; explain has the rest
                       */
    return wr_reasons_json_read(s->reasons, put_reason, &p->text, err);
}

static void put_json(printer *p, const wr_score_row *row)
{
    const wr_score *s = &row->score;
    wr_json_out *j = &p->json;
    wr_json_open(j, '{');
    wr_json_kv_u64(j, "rank", p->rank);
    wr_json_kv_cstr(j, "chain", row->chain->id);
    wr_json_kv_text(j, "address", row->address);
    wr_json_key(j, "score");
    wr_json_fixed(j, wr_score_publish(s->score), 2);
    wr_json_kv_cstr(j, "level", wr_level_name((wr_level)s->level));
    wr_json_kv_cstr(j, "category",
                    s->category < 0 ? NULL : p->tx->category[s->category].id);
    wr_json_kv_bool(j, "is_labelled", s->is_labelled);
    wr_json_key(j, "reasons");
    if (s->reasons.len)
        wr_json_raw(j, s->reasons);
    else
        wr_json_null(j);
    wr_json_close(j, '}');
}

static wr_status put_row(void *ctx, const wr_score_row *row, wr_err *err)
{
    printer *p = ctx;
    p->rank++;
    if (!p->is_json)
        return put_text(p, row, err);
    put_json(p, row);
    return WR_OK;
}

static wr_status make_query(wr_score_query *q, const top_flags *f, const wr_taxonomy *tx,
                            wr_err *err)
{
    *q = (wr_score_query){.run_id = f->run_id ? f->run_id : "",
                          .min_score = f->min_score / 100.0,
                          .level = -1,
                          .category = -1,
                          .is_labelled_left_out = f->is_unlabelled,
                          .limit = (uint32_t)f->limit};
    if (f->level) {
        wr_level l;
        WR_TRY(wr_level_parse(&l, wr_text_of(f->level), err));
        q->level = (int)l;
    }
    if (f->category) {
        q->category = wr_taxonomy_find(tx, wr_text_of(f->category));
        if (q->category < 0)
            return wr_fail(err, WR_EINVAL, "--category: '%s' is none of categories.yaml",
                           f->category);
    }
    return WR_OK;
}

static wr_status print_top(printer *p, wr_store *st, const wr_score_query *q, wr_err *err)
{
    p->json = wr_json_out_on(&p->text);
    if (p->is_json)
        wr_json_open(&p->json, '[');
    WR_TRY(wr_store_scores_top(st, q, put_row, p, err));
    if (p->is_json) {
        wr_json_close(&p->json, ']');
        wr_buf_adds(&p->text, "\n");
    }
    if (p->rank == 0) /* silence could mean anything */
        (void)fprintf(stderr, "no wallet of this run has a score that fits\n");
    WR_TRY(wr_buf_status(&p->text, "top", err));
    return wr_cli_write(NULL, &p->text, err);
}

wr_status wr_cmd_top(wr_cli *cli, wr_err *err)
{
    top_flags f = {.limit = 10};
    const wr_arg arg[] = {
        {"limit", WR_ARG_INT, &f.limit, 1, 100000, "N  how many (10)"},
        {"min-score", WR_ARG_NUMBER, &f.min_score, 0, 100,
         "S  at least this score, 0..100"},
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
    WR_AUTO(wr_settings) cfg = NULL;
    WR_TRY(wr_settings_load(&cfg, &cli->cfg, err));
    wr_score_query q;
    WR_TRY(make_query(&q, &f, &cfg->taxonomy, err));
    WR_AUTO(wr_store) st = NULL;
    WR_TRY(wr_cli_open_store(&st, cli, err));
    printer p = {.tx = &cfg->taxonomy, .is_json = f.is_json};
    wr_buf_init(&p.text, 512u << 20);
    wr_status s = print_top(&p, st, &q, err);
    wr_buf_release(&p.text);
    return s;
}
