/* models compare: two models side by side, and whether their numbers may be compared. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "codec/manifest.h"
#include "pipeline/scorer/registry.h"
#include "util/json_out.h"

enum { COMPARE_MAX = 1 << 26, ROW_NAME_MAX = 96, SIDES = 2 };

typedef struct side {
    wr_model record;
    wr_manifest manifest;
    wr_learned *l;
} side;

/* Where a row goes: lines of text, or a JSON list. */
typedef struct table {
    wr_buf *text;
    wr_json_out *json; /* NULL = text */
    const char *section;
} table;

void wr_cli_figure_name(char out[WR_CLI_FIGURE_MAX], const wr_manifest_figure *f)
{
    const wr_quote set = wr_text_quote(f->set, 30);
    const wr_quote name = wr_text_quote(f->name, 30);
    if (isnan(f->budget))
        (void)snprintf(out, WR_CLI_FIGURE_MAX, "%s %s", set.s, name.s);
    else
        (void)snprintf(out, WR_CLI_FIGURE_MAX, "%s %s @ %g %%", set.s, name.s,
                       100 * f->budget);
}

void wr_cli_figure_value(char out[WR_CLI_FIGURE_MAX], const wr_manifest_figure *f)
{
    if (isnan(f->low) || isnan(f->high))
        (void)snprintf(out, WR_CLI_FIGURE_MAX, "%.4f", f->value);
    else
        (void)snprintf(out, WR_CLI_FIGURE_MAX, "%.4f (%.4f to %.4f)", f->value, f->low,
                       f->high);
}

/* --- rows --------------------------------------------------------------------------- */

static void add_row(table *t, const char *name, wr_text a, wr_text b)
{
    if (!a.p && !b.p)
        return;
    const bool is_same = a.p && b.p && wr_text_eq(a, b);
    if (t->json) {
        wr_json_open(t->json, '{');
        wr_json_kv_cstr(t->json, "section", t->section);
        wr_json_kv_cstr(t->json, "name", name);
        wr_json_kv_text(t->json, "a", a);
        wr_json_kv_text(t->json, "b", b);
        wr_json_kv_bool(t->json, "is_same", is_same);
        wr_json_close(t->json, '}');
        return;
    }
    const wr_text none = WR_TEXT_LIT("-");
    wr_buf_addf(t->text, "%c %-30s %-28s %s\n", is_same ? ' ' : '*', name,
                wr_text_quote(a.p ? a : none, 28).s, wr_text_quote(b.p ? b : none, 28).s);
}

static void begin(table *t, const char *section)
{
    t->section = section;
    if (!t->json)
        wr_buf_addf(t->text, "\n%s\n", section);
}

static void add_items(table *t, const wr_manifest_items *a, const wr_manifest_items *b)
{
    for (uint32_t i = 0; i < a->count; i++)
        add_row(t, wr_text_quote(a->at[i].name, 60).s, a->at[i].value,
                wr_manifest_value(b, a->at[i].name.p));
    for (uint32_t i = 0; i < b->count; i++)
        if (!wr_manifest_value(a, b->at[i].name.p).p)
            add_row(t, wr_text_quote(b->at[i].name, 60).s, (wr_text){0}, b->at[i].value);
}

static void add_block(table *t, const wr_manifest_block *a, const wr_manifest_block *b)
{
    static const wr_manifest_block none = {{0}, {0}, {0}, {0}, {0}, {0}};
    const wr_manifest_block *x = a ? a : &none;
    const wr_manifest_block *y = b ? b : &none;
    const struct {
        const char *name;
        wr_text a, b;
    } ROW[] = {{"from", x->from, y->from},
               {"to", x->to, y->to},
               {"rows", x->rows, y->rows},
               {"bad", x->bad, y->bad},
               {"incidents", x->incidents, y->incidents}};
    for (size_t i = 0; i < sizeof ROW / sizeof *ROW; i++) {
        char name[ROW_NAME_MAX];
        (void)snprintf(name, sizeof name, "%s %s",
                       wr_text_quote(a ? a->name : y->name, 40).s, ROW[i].name);
        add_row(t, name, ROW[i].a, ROW[i].b);
    }
}

static void add_blocks(table *t, const wr_manifest *a, const wr_manifest *b)
{
    for (uint32_t i = 0; i < a->blocks; i++)
        if (a->block[i].name.p)
            add_block(t, &a->block[i], wr_manifest_block_of(b, a->block[i].name.p));
    for (uint32_t i = 0; i < b->blocks; i++)
        if (b->block[i].name.p && !wr_manifest_block_of(a, b->block[i].name.p))
            add_block(t, NULL, &b->block[i]);
}

static const wr_manifest_figure *same_figure(const wr_manifest *m,
                                             const wr_manifest_figure *want)
{
    for (uint32_t i = 0; i < m->figures; i++) {
        const wr_manifest_figure *f = &m->figure[i];
        if (wr_text_eq(f->set, want->set) && wr_text_eq(f->name, want->name) &&
            (f->budget == want->budget || (isnan(f->budget) && isnan(want->budget))))
            return f;
    }
    return NULL;
}

static void add_figure(table *t, const wr_manifest_figure *a, const wr_manifest_figure *b)
{
    char name[WR_CLI_FIGURE_MAX];
    char x[WR_CLI_FIGURE_MAX];
    char y[WR_CLI_FIGURE_MAX];
    wr_cli_figure_name(name, a ? a : b);
    if (a)
        wr_cli_figure_value(x, a);
    if (b)
        wr_cli_figure_value(y, b);
    add_row(t, name, a ? wr_text_of(x) : (wr_text){0}, b ? wr_text_of(y) : (wr_text){0});
}

static void add_figures(table *t, const wr_manifest *a, const wr_manifest *b)
{
    for (uint32_t i = 0; i < a->figures; i++)
        add_figure(t, &a->figure[i], same_figure(b, &a->figure[i]));
    for (uint32_t i = 0; i < b->figures; i++)
        if (!same_figure(a, &b->figure[i]))
            add_figure(t, NULL, &b->figure[i]);
}

/* --- may they be compared? ---------------------------------------------------------- */

typedef enum verdict { SAME, DIFFERENT, UNKNOWN } verdict;

static verdict worse(verdict so_far, wr_buf *why, const char *name, wr_text a, wr_text b)
{
    const bool is_known = a.p && b.p;
    if (is_known && wr_text_eq(a, b))
        return so_far;
    wr_buf_addf(why, "%s%s%s", why->len ? ", " : "", name, is_known ? "" : " (not told)");
    return is_known || so_far == DIFFERENT ? DIFFERENT : UNKNOWN;
}

/*
 * Numbers say which model is better only over the same rows, features computed from the
 * same transfers and labels.  why: what is not the same, or not told.
 */
static verdict judge(wr_buf *why, const wr_manifest *a, const wr_manifest *b)
{
    static const char *const DIGEST[] = {"truth_digest", "graph_digest", "labels_digest"};
    static const wr_manifest_block none = {{0}, {0}, {0}, {0}, {0}, {0}};
    const wr_manifest_block *x = wr_manifest_block_of(a, "test");
    const wr_manifest_block *y = wr_manifest_block_of(b, "test");
    verdict v = worse(SAME, why, "kind", a->kind, b->kind);
    for (size_t i = 0; i < sizeof DIGEST / sizeof *DIGEST; i++)
        v = worse(v, why, DIGEST[i], wr_manifest_value(&a->data, DIGEST[i]),
                  wr_manifest_value(&b->data, DIGEST[i]));
    x = x ? x : &none;
    y = y ? y : &none;
    v = worse(v, why, "test from", x->from, y->from);
    v = worse(v, why, "test to", x->to, y->to);
    v = worse(v, why, "test rows", x->rows, y->rows);
    return worse(v, why, "test bad", x->bad, y->bad);
}

static void add_verdict(table *t, verdict v, const wr_buf *why)
{
    static const char *const NAME[] = {
        [SAME] = "same", [DIFFERENT] = "different", [UNKNOWN] = "unknown"};
    if (t->json) {
        wr_json_kv_cstr(t->json, "test_data", NAME[v]);
        wr_json_kv_bool(t->json, "is_comparable", v == SAME);
        wr_json_kv_cstr(t->json, "differs", wr_buf_cstr(why));
    } else if (v == SAME) {
        wr_buf_adds(t->text, "\nTested on the same data: the metrics can be compared.\n");
    } else {
        wr_buf_addf(t->text,
                    "\nNOT COMPARABLE: the test data %s (%s): the metrics do "
                    "not say which model is better.\n",
                    v == DIFFERENT ? "differ" : "may differ", wr_buf_cstr(why));
    }
}

/* --- columns ------------------------------------------------------------------------ */

static bool has_column(const wr_learned *l, const char *name)
{
    const char *const *own;
    const uint32_t n = wr_booster_features_of(wr_learned_booster(l), &own);
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(own[i], name) == 0)
            return true;
    return false;
}

static void add_columns_of(table *t, const char *key, const wr_learned *l,
                           const wr_learned *other)
{
    const char *const *name;
    const uint32_t n = wr_booster_features_of(wr_learned_booster(l), &name);
    uint32_t only = 0;
    if (t->json) {
        wr_json_key(t->json, key);
        wr_json_open(t->json, '[');
    } else
        wr_buf_addf(t->text, "  %s:", key);
    for (uint32_t i = 0; i < n; i++) {
        if (has_column(other, name[i]))
            continue;
        only++;
        if (t->json)
            wr_json_cstr(t->json, name[i]);
        else
            wr_buf_addf(t->text, " %s", name[i]);
    }
    if (t->json)
        wr_json_close(t->json, ']');
    else
        wr_buf_adds(t->text, only ? "\n" : " none\n");
}

/* --- all of it ---------------------------------------------------------------------- */

static wr_status load_side(side *s, wr_arena *arena, wr_store *st, const char *name,
                           const char *kind, wr_err *err)
{
    WR_TRY(wr_registry_get(&s->record, arena, st, name, kind, err));
    WR_TRY(wr_cli_manifest(&s->manifest, &s->record, arena, err));
    return wr_learned_unpack(&s->l, s->record.bytes.p, s->record.bytes.len, 1, err);
}

static void add_head(table *t, const side s[SIDES])
{
    if (t->json) {
        wr_json_kv_text(t->json, "a", s[0].record.id);
        wr_json_kv_text(t->json, "b", s[1].record.id);
        return;
    }
    wr_buf_addf(t->text, "  %-30s %-28.*s %.*s\n", "", WR_TEXT_ARG(s[0].record.id),
                WR_TEXT_ARG(s[1].record.id));
}

static void add_rows(table *t, const side s[SIDES])
{
    const wr_manifest *a = &s[0].manifest;
    const wr_manifest *b = &s[1].manifest;
    begin(t, "model");
    add_row(t, "status", wr_text_of(wr_model_status_name(s[0].record.status)),
            wr_text_of(wr_model_status_name(s[1].record.status)));
    add_row(t, "kind", a->kind, b->kind);
    add_row(t, "as_of", a->as_of, b->as_of);
    add_row(t, "seed", a->seed, b->seed);
    add_row(t, "threshold", a->threshold, b->threshold);
    begin(t, "data");
    add_items(t, &a->data, &b->data);
    begin(t, "parameters");
    add_items(t, &a->parameters, &b->parameters);
    begin(t, "fit");
    add_items(t, &a->fit, &b->fit);
    begin(t, "blocks");
    add_blocks(t, a, b);
    begin(t, "metrics");
    add_figures(t, a, b);
}

static void add_columns(table *t, const side s[SIDES])
{
    if (t->json) {
        wr_json_key(t->json, "columns");
        wr_json_open(t->json, '{');
    } else
        wr_buf_adds(t->text, "\ncolumns\n");
    add_columns_of(t, t->json ? "only_a" : "only in the first", s[0].l, s[1].l);
    add_columns_of(t, t->json ? "only_b" : "only in the second", s[1].l, s[0].l);
    if (t->json)
        wr_json_close(t->json, '}');
}

static wr_status compare(wr_buf *out, const side s[SIDES], bool is_json, wr_err *err)
{
    wr_buf why;
    wr_json_out j = wr_json_out_on(out);
    table t = {.text = out, .json = is_json ? &j : NULL};
    wr_buf_init(&why, 4096);
    const verdict v = judge(&why, &s[0].manifest, &s[1].manifest);
    if (is_json)
        wr_json_open(&j, '{');
    add_head(&t, s);
    if (is_json) {
        wr_json_key(&j, "rows");
        wr_json_open(&j, '[');
    }
    add_rows(&t, s);
    if (is_json)
        wr_json_close(&j, ']');
    add_columns(&t, s);
    add_verdict(&t, v, &why);
    if (is_json)
        wr_json_close(&j, '}');
    wr_buf_adds(out, is_json ? "\n" : "");
    wr_status st = wr_buf_status(&why, "comparison", err);
    wr_buf_release(&why);
    return st == WR_OK ? wr_buf_status(out, "comparison", err) : st;
}

wr_status wr_cmd_models_compare(wr_cli *cli, wr_err *err)
{
    bool is_json = false;
    const char *kind = NULL;
    const wr_arg arg[] = {
        {"kind", WR_ARG_TEXT, &kind, 0, 0, "K  wallet | transfer, where 'active' is two"},
        {"json", WR_ARG_FLAG, &is_json, 0, 0, "as JSON"},
    };
    const wr_args args = {.usage = "walletrisk models compare A B [--json]",
                          .purpose = "Two models side by side; '*' marks what differs.",
                          .arg = arg,
                          .count = sizeof arg / sizeof *arg,
                          .words_min = 2,
                          .words_max = 2,
                          .program = WR_PROGRAM_CLI};
    WR_TRY(wr_args_parse(&args, &cli->argc, cli->argv, err));
    WR_AUTO(wr_store) st = NULL;
    WR_TRY(wr_cli_open_store(&st, cli, err));
    side s[SIDES] = {{.l = NULL}};
    wr_buf out;
    wr_arena arena;
    wr_arena_init(&arena, 0);
    wr_buf_init(&out, COMPARE_MAX);
    wr_status status = load_side(&s[0], &arena, st, cli->argv[1], kind, err);
    if (status == WR_OK)
        status = load_side(&s[1], &arena, st, cli->argv[2], kind, err);
    if (status == WR_OK)
        status = compare(&out, s, is_json, err);
    if (status == WR_OK)
        status = wr_cli_write(NULL, &out, err);
    wr_learned_unref(s[0].l);
    wr_learned_unref(s[1].l);
    wr_buf_release(&out);
    wr_arena_release(&arena);
    return status;
}
