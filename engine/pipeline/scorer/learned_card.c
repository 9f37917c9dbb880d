#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/scorer/column_words.h"
#include "pipeline/scorer/learned_int.h"

enum { TOP = 20 };

/* --- words ------------------------------------------------------------------------ */

/* Text from the manifest: what Markdown or a page would act on is made plain. */
static void add_plain(wr_buf *b, wr_text t)
{
    for (uint32_t i = 0; i < t.len; i++) {
        const char ch = t.p[i];
        if ((unsigned char)ch < ' ' || ch == 0x7f)
            wr_buf_add(b, " ", 1);
        else if (ch == '<')
            wr_buf_adds(b, "&lt;");
        else if (ch == '&')
            wr_buf_adds(b, "&amp;");
        else if (strchr("|\\`*[]", ch))
            wr_buf_addf(b, "\\%c", ch);
        else
            wr_buf_add(b, &ch, 1);
    }
}

static void add_row_of(wr_buf *b, const char *name, wr_text value)
{
    if (!value.p)
        return;
    wr_buf_addf(b, "| %s | ", name);
    add_plain(b, value);
    wr_buf_adds(b, " |\n");
}

static void add_items(wr_buf *b, const wr_manifest_items *items)
{
    for (uint32_t i = 0; i < items->count; i++) {
        wr_buf_adds(b, "| ");
        add_plain(b, items->at[i].name);
        wr_buf_adds(b, " | ");
        add_plain(b, items->at[i].value);
        wr_buf_adds(b, " |\n");
    }
}

static void add_cell(wr_buf *b, wr_text t)
{
    add_plain(b, t);
    wr_buf_adds(b, " | ");
}

/* --- what it is, data, parameters ------------------------------------------------- */

static void add_head(wr_buf *b, const wr_learned *l)
{
    const wr_manifest *m = &l->manifest;
    const wr_calibration *c = &l->calibration;
    wr_buf_addf(b, "# Model %s\n\n", l->id);
    add_plain(b, m->kind.p ? m->kind : WR_TEXT_LIT("unnamed kind"));
    wr_buf_addf(b,
                " model: %u boosted trees over %u features give a margin, "
                "calibrated to a probability (%s, learned from %" PRIu64 " rows, %" PRIu64
                " of them bad). Beside it, and never part of it, a "
                "novelty between 0 and 1 from an isolation forest over %u of the "
                "features. The probability is one piece of evidence for a person who "
                "decides; it is no decision.\n\n",
                wr_booster_rounds(l->booster), wr_booster_features_of(l->booster, NULL),
                c->kind == WR_CALIBRATION_PLATT ? "Platt" : "isotonic", c->rows, c->bad,
                wr_forest_features(l->forest));
    wr_buf_adds(b, "| | |\n|---|---|\n");
    wr_buf_addf(b, "| digest | %s |\n", l->digest.s);
    add_row_of(b, "as of", m->as_of);
    add_row_of(b, "seed", m->seed);
    add_row_of(b, "threshold", m->threshold);
    if (m->groups.count > 0) {
        wr_buf_adds(b, "| groups of features | ");
        for (uint32_t i = 0; i < m->groups.count; i++) {
            wr_buf_adds(b, i ? ", " : "");
            add_plain(b, m->groups.at[i]);
        }
        wr_buf_adds(b, " |\n");
    }
}

static void add_data(wr_buf *b, const wr_manifest *m)
{
    if (m->data.count + m->blocks == 0)
        return;
    wr_buf_adds(b, "\n## Data\n");
    if (m->data.count > 0) {
        wr_buf_adds(b, "\n| | |\n|---|---|\n");
        add_items(b, &m->data);
    }
    if (m->blocks == 0)
        return;
    wr_buf_adds(b, "\nWallets first seen from … to, as of to:\n\n"
                   "| block | from | to | rows | bad | incidents |\n"
                   "|---|---|---|--:|--:|--:|\n");
    for (uint32_t i = 0; i < m->blocks; i++) {
        const wr_manifest_block *k = &m->block[i];
        wr_buf_adds(b, "| ");
        add_cell(b, k->name);
        add_cell(b, k->from);
        add_cell(b, k->to);
        add_cell(b, k->rows);
        add_cell(b, k->bad);
        add_plain(b, k->incidents);
        wr_buf_adds(b, " |\n");
    }
}

static void add_parameters(wr_buf *b, const wr_manifest *m)
{
    if (m->parameters.count + m->fit.count == 0)
        return;
    wr_buf_adds(b, "\n## Parameters\n\n| | |\n|---|---|\n");
    add_items(b, &m->parameters);
    add_items(b, &m->fit);
}

/* --- metrics ---------------------------------------------------------------------- */

static bool is_named(const wr_manifest_figure *f, const char *name)
{
    return wr_text_eq(f->name, wr_text_of(name));
}

static bool is_same_row(const wr_manifest_figure *a, const wr_manifest_figure *b)
{
    return wr_text_eq(a->name, b->name) &&
           (a->budget == b->budget || (isnan(a->budget) && isnan(b->budget)));
}

/* Is figure `at` the first of its row (or, by_set, of its set)? */
static bool is_first(const wr_manifest *m, uint32_t at, bool by_set)
{
    for (uint32_t i = 0; i < at; i++)
        if (by_set ? wr_text_eq(m->figure[i].set, m->figure[at].set)
                   : is_same_row(&m->figure[i], &m->figure[at]))
            return false;
    return true;
}

/* A PR-AUC says nothing without the share of bad rows, which chance would reach. */
static void add_figure(wr_buf *b, const wr_manifest *m, const wr_manifest_figure *f)
{
    wr_buf_addf(b, "%.4g", f->value);
    if (!isnan(f->low) && !isnan(f->high))
        wr_buf_addf(b, " (%.4g to %.4g)", f->low, f->high);
    if (!is_named(f, "pr_auc"))
        return;
    const wr_manifest_figure *base = wr_manifest_figure_of(m, f->set.p, "prevalence");
    if (base)
        wr_buf_addf(b, ", prevalence %.4g", base->value);
    else
        wr_buf_adds(b, ", prevalence unknown");
}

static void add_metric_row(wr_buf *b, const wr_manifest *m, const wr_manifest_figure *row)
{
    wr_buf_adds(b, "| ");
    add_plain(b, row->name);
    if (!isnan(row->budget))
        wr_buf_addf(b, " at the top %g %%", 100 * row->budget);
    wr_buf_adds(b, " |");
    for (uint32_t s = 0; s < m->figures; s++) {
        if (!is_first(m, s, true))
            continue;
        wr_buf_adds(b, " ");
        for (uint32_t i = 0; i < m->figures; i++)
            if (wr_text_eq(m->figure[i].set, m->figure[s].set) &&
                is_same_row(&m->figure[i], row)) {
                add_figure(b, m, &m->figure[i]);
                break;
            }
        wr_buf_adds(b, " |");
    }
    wr_buf_adds(b, "\n");
}

static void add_metrics(wr_buf *b, const wr_manifest *m)
{
    if (m->figures == 0)
        return;
    wr_buf_adds(b, "\n## Metrics\n\nOn rows later than all that it learned from; in "
                   "brackets the interval.\n\n| |");
    for (uint32_t i = 0; i < m->figures; i++)
        if (is_first(m, i, true)) {
            wr_buf_adds(b, " ");
            add_plain(b, m->figure[i].set);
            wr_buf_adds(b, " |");
        }
    wr_buf_adds(b, "\n|---|");
    for (uint32_t i = 0; i < m->figures; i++)
        if (is_first(m, i, true))
            wr_buf_adds(b, "---|");
    wr_buf_adds(b, "\n");
    for (uint32_t i = 0; i < m->figures; i++)
        if (is_first(m, i, false))
            add_metric_row(b, m, &m->figure[i]);
}

static void add_typologies(wr_buf *b, const wr_manifest *m)
{
    if (m->typologies == 0)
        return;
    wr_buf_adds(b, "\n## By typology\n\n| typology | incidents | wallets | recall |\n"
                   "|---|--:|--:|--:|\n");
    for (uint32_t i = 0; i < m->typologies; i++) {
        const wr_manifest_typology *t = &m->typology[i];
        wr_buf_adds(b, "| ");
        add_cell(b, t->name);
        add_cell(b, t->incidents);
        add_cell(b, t->wallets);
        if (!isnan(t->recall))
            wr_buf_addf(b, "%.4g", t->recall);
        wr_buf_adds(b, " |\n");
    }
}

/* --- features --------------------------------------------------------------------- */

static wr_feature_kind kind_of(const wr_manifest *m)
{
    return wr_text_eq(m->kind, wr_text_of(wr_feature_kind_name(WR_FEATURE_TRANSFER)))
               ? WR_FEATURE_TRANSFER
               : WR_FEATURE_WALLET;
}

static void add_window(wr_buf *b, uint32_t window_s)
{
    if (window_s == 0)
        wr_buf_adds(b, "all");
    else if (window_s == WR_WINDOW_OF_POLICY)
        wr_buf_adds(b, "the policy's look-back");
    else if (window_s % WR_DAY_S == 0)
        wr_buf_addf(b, "%u d", window_s / WR_DAY_S);
    else if (window_s % WR_HOUR_S == 0)
        wr_buf_addf(b, "%u h", window_s / WR_HOUR_S);
    else
        wr_buf_addf(b, "%u s", window_s);
}

/* Training asks nothing of aggregates over neighbours. */
static const char *sign_of(const wr_column_words *w)
{
    const int sign = w->is_of_neighbours ? 0 : w->feature->sign;
    return sign > 0 ? "+" : sign < 0 ? "-" : "";
}

static void add_feature(wr_buf *b, const wr_manifest *m, const char *name)
{
    const wr_column_words w = wr_column_words_of(kind_of(m), name);
    wr_buf_addf(b, "| %s | ", name);
    if (!w.feature) {
        wr_buf_adds(b, "not in the table of this program | | | |\n");
        return;
    }
    wr_column_meaning(b, &w);
    wr_buf_adds(b, " | ");
    wr_column_unit(b, &w);
    wr_buf_adds(b, " | ");
    add_window(b, w.feature->window_s);
    wr_buf_addf(b, " | %s |\n", sign_of(&w));
}

static void add_features(wr_buf *b, const wr_learned *l)
{
    const char *const *name;
    const uint32_t features = wr_booster_features_of(l->booster, &name);
    wr_buf_adds(b, "\n## Features\n\nSign: what training was asked to keep to, the "
                   "probability never falls (+) or never rises (-) when the feature "
                   "grows.\n\n"
                   "| name | meaning | unit | window | sign |\n|---|---|---|---|---|\n");
    for (uint32_t i = 0; i < features; i++)
        add_feature(b, &l->manifest, name[i]);
}

/* --- importance ------------------------------------------------------------------- */

typedef struct gain {
    double gain;
    uint32_t at;
} gain;

static int most_first(const void *pa, const void *pb)
{
    const gain *a = pa, *b = pb;
    if (a->gain != b->gain)
        return a->gain < b->gain ? 1 : -1;
    return (a->at > b->at) - (a->at < b->at);
}

static wr_status add_importance(wr_buf *b, const wr_learned *l, wr_err *err)
{
    const char *const *name;
    const uint32_t features = wr_booster_features_of(l->booster, &name);
    WR_AUTO_ARRAY double *value = wr_calloc(features, sizeof *value);
    WR_AUTO_ARRAY uint32_t *splits = wr_calloc(features, sizeof *splits);
    WR_AUTO_ARRAY gain *order = wr_calloc(features, sizeof *order);
    if (!value || !splits || !order)
        return wr_fail(err, WR_ENOMEM, "importance of %u features", features);
    wr_booster_importance(l->booster, value, splits);
    double sum = 0;
    uint32_t used = 0;
    for (uint32_t i = 0; i < features; i++) {
        order[i] = (gain){value[i], i};
        sum += value[i];
        used += splits[i] > 0;
    }
    qsort(order, features, sizeof *order, most_first);
    wr_buf_addf(b,
                "\n## Importance\n\nGain over all splits, the first %d; %u of %u "
                "features are used at all.\n\n"
                "| feature | share of gain | splits |\n|---|--:|--:|\n",
                TOP, used, features);
    for (uint32_t k = 0; k < features && k < TOP; k++)
        if (splits[order[k].at] > 0)
            wr_buf_addf(b, "| %s | %.4f | %u |\n", name[order[k].at],
                        sum > 0 ? order[k].gain / sum : 0, splits[order[k].at]);
    return WR_OK;
}

static void add_novelty(wr_buf *b, const wr_manifest *m)
{
    wr_buf_adds(b, "\n## Novelty\n\nThe forest looks at: ");
    for (uint32_t i = 0; i < m->forest_columns.count; i++)
        wr_buf_addf(b, "%s%s", i ? ", " : "", m->forest_columns.at[i].p);
    wr_buf_adds(b, ".\n");
}

static void add_limits(wr_buf *b, const wr_manifest *m)
{
    if (m->limits.count == 0)
        return;
    wr_buf_adds(b, "\n## Limits\n\n");
    for (uint32_t i = 0; i < m->limits.count; i++) {
        wr_buf_adds(b, "- ");
        add_plain(b, m->limits.at[i]);
        wr_buf_adds(b, "\n");
    }
}

wr_status wr_learned_card(wr_buf *out, const wr_learned *l, wr_err *err)
{
    add_head(out, l);
    add_data(out, &l->manifest);
    add_parameters(out, &l->manifest);
    add_metrics(out, &l->manifest);
    add_typologies(out, &l->manifest);
    add_features(out, l);
    WR_TRY(add_importance(out, l, err));
    add_novelty(out, &l->manifest);
    add_limits(out, &l->manifest);
    return wr_buf_status(out, "card", err);
}
