#include "pipeline/learning/grade.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

/* --- some of the rows -----------------------------------------------------------------
 */

typedef struct part {
    size_t n;
    double *score;
    bool *is_bad;
    uint32_t *incident; /* numbered anew, 0.. */
} part;

static void part_release(part *p)
{
    wr_free(p->score);
    wr_free(p->is_bad);
    wr_free(p->incident);
}

typedef enum part_of { ALL, HIDDEN, KNOWN } part_of;

static bool is_wanted(const wr_grade_rows *r, size_t i, part_of which)
{
    return !r->is_bad[i] || which == ALL || (which == KNOWN) == r->is_known[i];
}

static int by_number(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a;
    const uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Incidents as 0.. in their order: what the intervals want. */
static wr_status number_anew(part *p, wr_err *err)
{
    WR_AUTO_ARRAY uint32_t *seen = wr_calloc(p->n, sizeof *seen);
    if (!seen)
        return wr_fail(err, WR_ENOMEM, "%zu incidents", p->n);
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++)
        if (p->incident[i] != WR_INCIDENT_NONE)
            seen[n++] = p->incident[i];
    qsort(seen, n, sizeof *seen, by_number);
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        if (k == 0 || seen[k - 1] != seen[i])
            seen[k++] = seen[i];
    for (size_t i = 0; i < p->n; i++) {
        if (p->incident[i] == WR_INCIDENT_NONE)
            continue;
        const uint32_t *at = bsearch(&p->incident[i], seen, k, sizeof *seen, by_number);
        p->incident[i] = (uint32_t)(at - seen);
    }
    return WR_OK;
}

static wr_status part_take(part *p, const wr_grade_rows *r, part_of which, wr_err *err)
{
    *p = (part){.score = wr_calloc(r->n, sizeof *p->score),
                .is_bad = wr_calloc(r->n, sizeof *p->is_bad),
                .incident = wr_calloc(r->n, sizeof *p->incident)};
    if (!p->score || !p->is_bad || !p->incident)
        return wr_fail(err, WR_ENOMEM, "grades of %zu rows", r->n);
    for (size_t i = 0; i < r->n; i++) {
        if (!is_wanted(r, i, which))
            continue;
        p->score[p->n] = r->score[i];
        p->is_bad[p->n] = r->is_bad[i];
        p->incident[p->n++] = r->is_bad[i] ? r->incident[i] : WR_INCIDENT_NONE;
    }
    return number_anew(p, err);
}

/* --- grades ---------------------------------------------------------------------------
 */

static wr_status grade_part(wr_grade *g, const part *p, const wr_grade_rows *r,
                            wr_err *err)
{
    WR_TRY(wr_model_metrics_of(&g->m, p->score, p->is_bad, p->n, err));
    const wr_interval_rows rows = {
        .n = p->n, .score = p->score, .is_bad = p->is_bad, .incident = p->incident};
    wr_interval_opts o = WR_INTERVAL_OPTS_INIT;
    WR_TRY(wr_metrics_interval(&g->pr_auc, &rows, &o, err));
    o.budget = WR_GRADE_BUDGET;
    WR_TRY(wr_metrics_interval(&g->recall, &rows, &o, err));
    if (!isnan(r->threshold))
        WR_TRY(wr_metrics_at(&g->at, p->score, p->is_bad, p->n, r->threshold, err));
    if (r->is_probability)
        WR_TRY(wr_reliability_of(&g->reliability, p->score, p->is_bad, p->n, err));
    g->is_there = true;
    return WR_OK;
}

static bool has_bad(const part *p)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->is_bad[i])
            return true;
    return false;
}

static wr_status grade_some(wr_grade *g, const wr_grade_rows *r, part_of which,
                            wr_err *err)
{
    part p;
    wr_status s = part_take(&p, r, which, err);
    /* all of them must have a bad row, which the metrics say; a part need not */
    if (s == WR_OK && (which == ALL || has_bad(&p)))
        s = grade_part(g, &p, r, err);
    part_release(&p);
    return s;
}

/* --- by typology ----------------------------------------------------------------------
 */

static int downwards(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x < y) - (x > y);
}

/* Rows above `score` have a place; `places` are left for the `tied` that have it. */
typedef struct edge {
    double score;
    size_t places, tied;
} edge;

static wr_status edge_of_budget(edge *e, const wr_grade_rows *r, wr_err *err)
{
    WR_AUTO_ARRAY double *s = wr_calloc(r->n, sizeof *s);
    if (!s)
        return wr_fail(err, WR_ENOMEM, "order of %zu rows", r->n);
    memcpy(s, r->score, r->n * sizeof *s);
    qsort(s, r->n, sizeof *s, downwards);
    size_t k = (size_t)(WR_GRADE_BUDGET * (double)r->n);
    k = k ? k : 1;
    size_t first = k - 1;
    size_t end = k;
    while (first && s[first - 1] == s[k - 1])
        first--;
    while (end < r->n && s[end] == s[k - 1])
        end++;
    *e = (edge){.score = s[k - 1], .places = k - first, .tied = end - first};
    return WR_OK;
}

/* That of k tied rows at least one has a place, when lots are drawn. */
static double chance_of_any(const edge *e, uint32_t k)
{
    double none = 1;
    for (uint32_t i = 0; i < k; i++)
        none *= e->tied - e->places > i
                    ? (double)(e->tied - e->places - i) / (double)(e->tied - i)
                    : 0;
    return 1 - none;
}

typedef struct tally {
    uint32_t rows, tied;
    uint8_t typology; /* of its first row */
    bool is_found;    /* a row of it is above the edge */
} tally;

static wr_status by_typology(wr_grades *g, const wr_grade_rows *r, wr_err *err)
{
    edge e = {0};
    WR_TRY(edge_of_budget(&e, r, err));
    uint32_t top = 0;
    for (size_t i = 0; i < r->n; i++)
        if (r->is_bad[i] && r->incident[i] >= top)
            top = r->incident[i] + 1;
    WR_AUTO_ARRAY tally *of = wr_calloc(top, sizeof *of);
    if (!of)
        return wr_fail(err, WR_ENOMEM, "%" PRIu32 " incidents", top);
    for (size_t i = 0; i < r->n; i++) {
        if (!r->is_bad[i] || r->typology[i] == WR_TRUTH_TYPOLOGY_NONE)
            continue;
        const bool is_above = r->score[i] > e.score;
        const bool is_tied = r->score[i] == e.score;
        wr_grade_typology *t = &g->typology[r->typology[i]];
        t->wallets++;
        t->wallets_found += is_above  ? 1
                            : is_tied ? (double)e.places / (double)e.tied
                                      : 0;
        tally *c = &of[r->incident[i]];
        if (!c->rows++)
            c->typology = r->typology[i];
        c->tied += is_tied;
        c->is_found |= is_above;
    }
    for (uint32_t k = 0; k < top; k++) {
        if (!of[k].rows)
            continue;
        wr_grade_typology *t = &g->typology[of[k].typology];
        t->incidents++;
        t->incidents_found += of[k].is_found ? 1 : chance_of_any(&e, of[k].tied);
    }
    return WR_OK;
}

wr_status wr_grade_of(wr_grades *out, const wr_grade_rows *r, wr_err *err)
{
    *out = (wr_grades){.is_probability = r->is_probability,
                       .has_threshold = !isnan(r->threshold)};
    WR_TRY(grade_some(&out->all, r, ALL, err));
    WR_TRY(grade_some(&out->hidden, r, HIDDEN, err));
    WR_TRY(grade_some(&out->known, r, KNOWN, err));
    return by_typology(out, r, err);
}

wr_status wr_grade_block(wr_grades *out, const wr_block *b, const wr_population *p,
                         const double *score, bool is_probability, double threshold,
                         wr_err *err)
{
    WR_AUTO_ARRAY uint32_t *incident = wr_calloc(b->rows, sizeof *incident);
    WR_AUTO_ARRAY uint8_t *typology = wr_calloc(b->rows, sizeof *typology);
    WR_AUTO_ARRAY bool *is_known = wr_calloc(b->rows, sizeof *is_known);
    if (!incident || !typology || !is_known)
        return wr_fail(err, WR_ENOMEM, "grades of %zu rows", b->rows);
    for (size_t i = 0; i < b->rows; i++) {
        incident[i] = p->truth->incident[b->v[i]];
        typology[i] = p->truth->typology[b->v[i]];
        is_known[i] = b->is_bad[i] && p->known_s[incident[i]] < b->to_s;
    }
    const wr_grade_rows r = {.n = b->rows,
                             .score = score,
                             .is_bad = b->is_bad,
                             .incident = incident,
                             .typology = typology,
                             .is_known = is_known,
                             .is_probability = is_probability,
                             .threshold = threshold};
    return wr_grade_of(out, &r, err);
}

/* --- out ------------------------------------------------------------------------------
 */

static void interval_json(wr_json_out *j, const char *key, const wr_interval *v)
{
    wr_json_key(j, key);
    wr_json_open(j, '{');
    wr_json_kv_f64(j, "value", v->value);
    wr_json_kv_f64(j, "low", v->low);
    wr_json_kv_f64(j, "high", v->high);
    wr_json_close(j, '}');
}

static void budgets_json(wr_json_out *j, const char *key, const wr_model_metrics *m,
                         bool is_recall)
{
    wr_json_key(j, key);
    wr_json_open(j, '[');
    for (int b = 0; b < WR_METRICS_BUDGETS; b++) {
        wr_json_open(j, '{');
        wr_json_kv_f64(j, "budget", wr_metrics_budget[b]);
        wr_json_kv_f64(j, "value",
                       is_recall ? m->budget[b].recall : m->budget[b].precision);
        wr_json_close(j, '}');
    }
    wr_json_close(j, ']');
}

static void grade_json(wr_json_out *j, const char *key, const wr_grades *all,
                       const wr_grade *g)
{
    wr_json_key(j, key);
    if (!g->is_there) {
        wr_json_null(j);
        return;
    }
    wr_json_open(j, '{');
    wr_json_kv_u64(j, "rows", g->m.rows);
    wr_json_kv_u64(j, "bad", g->m.bad);
    wr_json_kv_f64(j, "prevalence", (double)g->m.bad / (double)g->m.rows);
    interval_json(j, "pr_auc", &g->pr_auc);
    interval_json(j, "recall_at_budget", &g->recall);
    wr_json_kv_f64(j, "roc_auc", g->m.roc_auc);
    budgets_json(j, "recall", &g->m, true);
    budgets_json(j, "precision", &g->m, false);
    if (all->has_threshold) {
        wr_json_kv_f64(j, "threshold", g->at.threshold);
        wr_json_kv_f64(j, "f1", g->at.f1);
    }
    if (all->is_probability) {
        wr_json_kv_f64(j, "ece", g->reliability.ece);
        wr_json_kv_f64(j, "brier", g->reliability.brier);
    }
    wr_json_close(j, '}');
}

static double share(double found, uint32_t whole)
{
    return whole ? found / (double)whole : 0;
}

static void typologies_json(wr_json_out *j, const wr_grades *g, const wr_truth_set *t)
{
    wr_json_key(j, "by_typology");
    wr_json_open(j, '[');
    for (uint32_t k = 0; k < t->typologies; k++) {
        const wr_grade_typology *y = &g->typology[k];
        wr_json_open(j, '{');
        wr_json_kv_cstr(j, "name", t->name[k]);
        wr_json_kv_u64(j, "incidents", y->incidents);
        wr_json_kv_u64(j, "wallets", y->wallets);
        wr_json_kv_f64(j, "recall", share(y->wallets_found, y->wallets));
        wr_json_kv_f64(j, "incident_recall", share(y->incidents_found, y->incidents));
        wr_json_close(j, '}');
    }
    wr_json_close(j, ']');
}

void wr_grade_json(wr_json_out *j, const wr_grades *g, const wr_truth_set *t)
{
    grade_json(j, "test", g, &g->all);
    grade_json(j, "hidden", g, &g->hidden);
    grade_json(j, "known", g, &g->known);
    typologies_json(j, g, t);
}

static void grade_text(wr_buf *out, const char *name, const wr_grades *all,
                       const wr_grade *g)
{
    if (!g->is_there) {
        wr_buf_addf(out, "%-8s no bad wallet\n", name);
        return;
    }
    wr_buf_addf(out,
                "%-8s %7" PRIu64 " of %8" PRIu64
                " bad (%.4f)  PR-AUC %.3f (%.3f..%.3f)  ROC-AUC %.3f  recall",
                name, g->m.bad, g->m.rows, (double)g->m.bad / (double)g->m.rows,
                g->pr_auc.value, g->pr_auc.low, g->pr_auc.high, g->m.roc_auc);
    for (int b = 0; b < WR_METRICS_BUDGETS; b++)
        wr_buf_addf(out, " %.3f", g->m.budget[b].recall);
    if (all->has_threshold)
        wr_buf_addf(out, "  F1 %.3f", g->at.f1);
    if (all->is_probability)
        wr_buf_addf(out, "  ECE %.4f", g->reliability.ece);
    wr_buf_adds(out, "\n");
}

void wr_grade_text(wr_buf *out, const wr_grades *g, const wr_truth_set *t)
{
    grade_text(out, "all", g, &g->all);
    grade_text(out, "hidden", g, &g->hidden);
    grade_text(out, "known", g, &g->known);
    for (uint32_t k = 0; k < t->typologies; k++) {
        const wr_grade_typology *y = &g->typology[k];
        if (y->wallets)
            wr_buf_addf(out,
                        "  %-16s %6.1f of %4" PRIu32 " incidents, %7.1f of %5" PRIu32
                        " wallets in the first %g %%\n",
                        t->name[k], y->incidents_found, y->incidents, y->wallets_found,
                        y->wallets, 100 * WR_GRADE_BUDGET);
    }
}
