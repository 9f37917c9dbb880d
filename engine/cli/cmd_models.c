/* models list, show, card, activate, export, import: the registry of trained models. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "codec/input.h"
#include "codec/manifest.h"
#include "pipeline/scorer/registry.h"
#include "util/clock.h"
#include "util/json_out.h"

enum { MODELS_TEXT_MAX = 1 << 30, FIGURE_MAX = 80 };

/* What goes to a terminal as it is: no control characters. */
static void add_line(wr_buf *b, wr_text t)
{
    for (uint32_t i = 0; i < t.len; i++) {
        const unsigned char ch = (unsigned char)t.p[i];
        wr_buf_add(b, ch < ' ' || ch == 0x7f ? "?" : &t.p[i], 1);
    }
}

static void add_pair(wr_buf *b, const char *name, wr_text value)
{
    if (!value.p)
        return;
    wr_buf_addf(b, "%-18s ", name);
    add_line(b, value);
    wr_buf_adds(b, "\n");
}

static void add_time(wr_buf *b, const char *name, int64_t time_s, wr_text by)
{
    char at[WR_RFC3339_MAX];
    wr_time_format(at, time_s);
    wr_buf_addf(b, "%-18s %s by ", name, at);
    add_line(b, by);
    wr_buf_adds(b, "\n");
}

/* The record without manifest, card and bytes; the object stays open. */
static void open_json(wr_json_out *j, const wr_model *m)
{
    wr_json_open(j, '{');
    wr_json_kv_text(j, "id", m->id);
    wr_json_kv_text(j, "digest", m->digest);
    wr_json_kv_text(j, "kind", m->kind);
    wr_json_kv_cstr(j, "status", wr_model_status_name(m->status));
    wr_json_kv_time(j, "created_at", m->created_s);
    wr_json_kv_text(j, "created_by", m->created_by);
    if (!m->activated_by.p)
        return;
    wr_json_kv_time(j, "activated_at", m->activated_s);
    wr_json_kv_text(j, "activated_by", m->activated_by);
}

/* --- list -------------------------------------------------------------------------- */

typedef struct lister {
    wr_buf text;
    const char *kind;
    bool is_json;
    size_t rows;
} lister;

static void figure_text(char out[FIGURE_MAX], const wr_manifest_figure *f)
{
    out[0] = '\0';
    if (f)
        (void)snprintf(out, FIGURE_MAX, "%.4f", f->value);
}

static void list_text(lister *l, const wr_model *m, const wr_manifest *mf)
{
    char at[WR_RFC3339_MAX], ap[FIGURE_MAX], base[FIGURE_MAX];
    wr_time_format(at, m->created_s);
    figure_text(ap, wr_manifest_figure_of(mf, "test", "pr_auc"));
    figure_text(base, wr_manifest_figure_of(mf, "test", "prevalence"));
    if (l->rows == 1)
        wr_buf_addf(&l->text, "%-14s %-9s %-8s %-20s %-8s %-10s %s\n", "ID", "STATUS",
                    "KIND", "CREATED", "PR-AUC", "PREVALENCE", "BY");
    wr_buf_addf(&l->text, "%-14.*s %-9s %-8.*s %s %-8s %-10s ", WR_TEXT_ARG(m->id),
                wr_model_status_name(m->status), WR_TEXT_ARG(m->kind), at, ap, base);
    add_line(&l->text, m->created_by);
    wr_buf_adds(&l->text, "\n");
}

static void list_json(lister *l, const wr_model *m, const wr_manifest *mf)
{
    wr_json_out j = wr_json_out_on(&l->text);
    static const char *const figure[] = {"pr_auc", "prevalence"};
    open_json(&j, m);
    for (size_t i = 0; i < 2; i++) {
        const wr_manifest_figure *f = wr_manifest_figure_of(mf, "test", figure[i]);
        if (f)
            wr_json_kv_f64(&j, figure[i], f->value);
    }
    wr_json_close(&j, '}');
    wr_buf_adds(&l->text, "\n");
}

static wr_status list_row(void *ctx, const wr_model *m, wr_err *err)
{
    lister *l = ctx;
    wr_arena arena;
    wr_manifest mf = {.figures = 0};
    if (l->kind && !wr_text_eq(m->kind, wr_text_of(l->kind)))
        return WR_OK;
    l->rows++;
    wr_arena_init(&arena, 0);
    const wr_status s =
        wr_manifest_read(&mf, m->manifest.p, m->manifest.len, &arena, NULL);
    if (s != WR_ENOMEM) /* one that cannot be read hides no other row */
        (l->is_json ? list_json : list_text)(l, m, &mf);
    wr_arena_release(&arena);
    return s == WR_ENOMEM ? wr_fail(err, s, "manifest")
                          : wr_buf_status(&l->text, "models", err);
}

wr_status wr_cmd_models_list(wr_cli *cli, wr_err *err)
{
    lister l = {.rows = 0};
    const wr_arg arg[] = {
        {"kind", WR_ARG_TEXT, &l.kind, 0, 0, "K  only wallet | transfer"},
        {"json", WR_ARG_FLAG, &l.is_json, 0, 0, "one JSON object a line"},
    };
    const wr_args args = {.usage = "walletrisk models list [--kind K] [--json]",
                          .purpose = "Registered models, newest first.",
                          .arg = arg,
                          .count = sizeof arg / sizeof *arg,
                          .program = WR_PROGRAM_CLI};
    WR_TRY(wr_args_parse(&args, &cli->argc, cli->argv, err));
    WR_AUTO(wr_store) st = NULL;
    WR_TRY(wr_cli_open_store(&st, cli, err));
    wr_buf_init(&l.text, MODELS_TEXT_MAX);
    wr_status s = wr_store_models(st, list_row, &l, err);
    if (s == WR_OK)
        s = wr_cli_write(NULL, &l.text, err);
    wr_buf_release(&l.text);
    if (s == WR_OK && l.rows == 0) /* silence could mean anything */
        (void)fprintf(stderr, "no model is registered\n");
    return s;
}

/* --- show, card -------------------------------------------------------------------- */

static void add_items(wr_buf *b, const char *title, const wr_manifest_items *items)
{
    if (items->count > 0)
        wr_buf_addf(b, "\n%s\n", title);
    for (uint32_t i = 0; i < items->count; i++) {
        wr_buf_adds(b, "  ");
        wr_buf_addf(b, "%-18s ", wr_text_quote(items->at[i].name, 60).s);
        add_line(b, items->at[i].value);
        wr_buf_adds(b, "\n");
    }
}

static void add_blocks(wr_buf *b, const wr_manifest *m)
{
    if (m->blocks > 0)
        wr_buf_addf(b, "\nblocks\n  %-10s %-20s %-20s %10s %8s %9s\n", "", "from", "to",
                    "rows", "bad", "incidents");
    for (uint32_t i = 0; i < m->blocks; i++) {
        const wr_manifest_block *k = &m->block[i];
        wr_buf_addf(b, "  %-10s %-20s %-20s %10s %8s %9s\n", wr_text_quote(k->name, 40).s,
                    wr_text_quote(k->from, 40).s, wr_text_quote(k->to, 40).s,
                    wr_text_quote(k->rows, 40).s, wr_text_quote(k->bad, 40).s,
                    wr_text_quote(k->incidents, 40).s);
    }
}

static void add_figures(wr_buf *b, const wr_manifest *m)
{
    if (m->figures > 0)
        wr_buf_adds(b, "\nmetrics\n");
    for (uint32_t i = 0; i < m->figures; i++) {
        const wr_manifest_figure *f = &m->figure[i];
        char value[WR_CLI_FIGURE_MAX];
        char name[WR_CLI_FIGURE_MAX];
        wr_cli_figure_name(name, f);
        wr_cli_figure_value(value, f);
        wr_buf_addf(b, "  %-30s %s\n", name, value);
    }
}

static wr_status show_text(wr_buf *b, const wr_model *m, const wr_manifest *mf)
{
    add_pair(b, "model", m->id);
    add_pair(b, "digest", m->digest);
    add_pair(b, "kind", m->kind);
    add_pair(b, "status", wr_text_of(wr_model_status_name(m->status)));
    add_time(b, "created", m->created_s, m->created_by);
    if (m->activated_by.p)
        add_time(b, "activated", m->activated_s, m->activated_by);
    add_pair(b, "as of", mf->as_of);
    add_pair(b, "seed", mf->seed);
    add_pair(b, "threshold", mf->threshold);
    add_items(b, "data", &mf->data);
    add_items(b, "parameters", &mf->parameters);
    add_items(b, "fit", &mf->fit);
    add_blocks(b, mf);
    add_figures(b, mf);
    return WR_OK;
}

static wr_status show_json(wr_buf *b, const wr_model *m)
{
    wr_json_out j = wr_json_out_on(b);
    open_json(&j, m);
    wr_json_kv_u64(&j, "bytes", m->bytes.len);
    wr_json_key(&j, "manifest");
    wr_json_raw(&j, m->manifest);
    wr_json_close(&j, '}');
    wr_buf_adds(b, "\n");
    return WR_OK;
}

wr_status wr_cli_manifest(wr_manifest *out, const wr_model *m, wr_arena *arena,
                          wr_err *err)
{
    wr_err why = {0};
    const wr_status s =
        wr_manifest_read(out, m->manifest.p, m->manifest.len, arena, &why);
    return s == WR_OK
               ? WR_OK
               : wr_fail(err, s == WR_ENOMEM ? s : WR_ECORRUPT,
                         "manifest of model %.*s: %s", WR_TEXT_ARG(m->id), why.msg);
}

typedef enum view { VIEW_TEXT, VIEW_JSON, VIEW_CARD } view;

static wr_status add_view(wr_buf *b, wr_arena *arena, wr_store *st, const char *name,
                          const char *kind, view v, wr_err *err)
{
    wr_model m;
    wr_manifest mf;
    WR_TRY(wr_registry_get(&m, arena, st, name, kind, err));
    WR_TRY(wr_cli_manifest(&mf, &m, arena, err));
    if (v == VIEW_CARD)
        wr_buf_add(b, m.card.p, m.card.len);
    else
        WR_TRY(v == VIEW_JSON ? show_json(b, &m) : show_text(b, &m, &mf));
    return wr_buf_status(b, "model", err);
}

static wr_status print_view(const wr_cli *cli, const char *kind, view v, wr_err *err)
{
    wr_buf b;
    wr_arena arena;
    WR_AUTO(wr_store) st = NULL;
    WR_TRY(wr_cli_open_store(&st, cli, err));
    wr_buf_init(&b, MODELS_TEXT_MAX);
    wr_arena_init(&arena, 0);
    const char *name = cli->argc > 1 ? cli->argv[1] : "active";
    wr_status s = add_view(&b, &arena, st, name, kind, v, err);
    if (s == WR_OK)
        s = wr_cli_write(NULL, &b, err);
    wr_arena_release(&arena);
    wr_buf_release(&b);
    return s;
}

#define KIND_ARG(to)                                                                    \
    {                                                                                   \
        "kind", WR_ARG_TEXT, &(to), 0, 0, "K  wallet | transfer, where 'active' is two" \
    }

wr_status wr_cmd_models_show(wr_cli *cli, wr_err *err)
{
    bool is_json = false;
    const char *kind = NULL;
    const wr_arg arg[] = {
        KIND_ARG(kind),
        {"json", WR_ARG_FLAG, &is_json, 0, 0, "the record as JSON, manifest included"},
    };
    const wr_args args = {.usage = "walletrisk models show [ID|active] [--json]",
                          .purpose = "What is known of a model (the active one).",
                          .arg = arg,
                          .count = sizeof arg / sizeof *arg,
                          .words_max = 1,
                          .program = WR_PROGRAM_CLI};
    WR_TRY(wr_args_parse(&args, &cli->argc, cli->argv, err));
    return print_view(cli, kind, is_json ? VIEW_JSON : VIEW_TEXT, err);
}

wr_status wr_cmd_models_card(wr_cli *cli, wr_err *err)
{
    const char *kind = NULL;
    const wr_arg arg[] = {KIND_ARG(kind)};
    const wr_args args = {.usage = "walletrisk models card [ID|active]",
                          .purpose = "The model card (of the active one) as Markdown.",
                          .arg = arg,
                          .count = 1,
                          .words_max = 1,
                          .program = WR_PROGRAM_CLI};
    WR_TRY(wr_args_parse(&args, &cli->argc, cli->argv, err));
    return print_view(cli, kind, VIEW_CARD, err);
}

/* --- activate ---------------------------------------------------------------------- */

wr_status wr_cmd_models_activate(wr_cli *cli, wr_err *err)
{
    const char *kind = NULL;
    const char *by = NULL;
    const wr_arg arg[] = {
        {"kind", WR_ARG_TEXT, &kind, 0, 0, "K  wallet | transfer, with 'none'"},
        {"by", WR_ARG_TEXT, &by, 0, 0, "WHO  kept with the model ($USER)"},
    };
    const wr_args args = {.usage = "walletrisk models activate ID|none [--by WHO]",
                          .purpose = "Score with this model; the former one is retired.",
                          .arg = arg,
                          .count = sizeof arg / sizeof *arg,
                          .words_min = 1,
                          .words_max = 1,
                          .program = WR_PROGRAM_CLI};
    WR_TRY(wr_args_parse(&args, &cli->argc, cli->argv, err));
    WR_AUTO(wr_store) st = NULL;
    WR_TRY(wr_cli_open_store(&st, cli, err));
    wr_model_switch sw;
    WR_TRY(wr_store_model_activate(st, cli->argv[1], kind, wr_cli_who(by),
                                   wr_clock_wall_s(), &sw, err));
    if (sw.id[0])
        (void)printf("%s %s\n", sw.id,
                     sw.is_changed ? "is active" : "was active already");
    if (sw.former[0])
        (void)printf("%s is retired\n", sw.former);
    return WR_OK;
}

/* --- export, import ---------------------------------------------------------------- */

wr_status wr_cmd_models_export(wr_cli *cli, wr_err *err)
{
    const char *kind = NULL;
    const wr_arg arg[] = {KIND_ARG(kind)};
    const wr_args args = {.usage = "walletrisk models export ID|active FILE",
                          .purpose = "Write a model's bytes to a file ('-': stdout).",
                          .arg = arg,
                          .count = 1,
                          .words_min = 2,
                          .words_max = 2,
                          .program = WR_PROGRAM_CLI};
    WR_TRY(wr_args_parse(&args, &cli->argc, cli->argv, err));
    WR_AUTO(wr_store) st = NULL;
    WR_TRY(wr_cli_open_store(&st, cli, err));
    wr_model m;
    wr_buf b;
    wr_arena arena;
    wr_arena_init(&arena, 0);
    wr_buf_init(&b, WR_MODEL_MAX_BYTES);
    wr_status s = wr_registry_get(&m, &arena, st, cli->argv[1], kind, err);
    if (s == WR_OK) {
        wr_buf_add(&b, m.bytes.p, m.bytes.len);
        s = wr_buf_status(&b, "model", err);
    }
    if (s == WR_OK)
        s = wr_cli_write(cli->argv[2], &b, err);
    wr_buf_release(&b);
    wr_arena_release(&arena);
    return s;
}

static wr_status import(const wr_cli *cli, const char *path, const char *by, wr_buf *b,
                        wr_err *err)
{
    bool is_new = false;
    WR_AUTO(wr_learned) l = NULL;
    WR_AUTO(wr_store) st = NULL;
    WR_TRY(wr_input_read_all(b, path, err));
    const wr_status s = wr_learned_unpack(&l, b->p, b->len, 1, err);
    if (s != WR_OK)
        return wr_fail_ctx(err, s, "reading %s", path);
    WR_TRY(wr_cli_open_store(&st, cli, err));
    const wr_text bytes = {b->p, (uint32_t)b->len};
    WR_TRY(
        wr_registry_put(st, l, bytes, wr_cli_who(by), wr_clock_wall_s(), &is_new, err));
    (void)printf("%s %s\n", wr_learned_id(l),
                 is_new ? "registered" : "was there already");
    return WR_OK;
}

wr_status wr_cmd_models_import(wr_cli *cli, wr_err *err)
{
    const char *by = NULL;
    const wr_arg arg[] = {
        {"by", WR_ARG_TEXT, &by, 0, 0, "WHO  kept with the model ($USER)"},
    };
    const wr_args args = {.usage = "walletrisk models import FILE [--by WHO]",
                          .purpose = "Register a model from the file that 'models "
                                     "export' wrote, as a candidate.",
                          .arg = arg,
                          .count = 1,
                          .words_min = 1,
                          .words_max = 1,
                          .program = WR_PROGRAM_CLI};
    WR_TRY(wr_args_parse(&args, &cli->argc, cli->argv, err));
    wr_buf b;
    wr_buf_init(&b, WR_MODEL_MAX_BYTES);
    const wr_status s = import(cli, cli->argv[1], by, &b, err);
    wr_buf_release(&b);
    return s;
}
