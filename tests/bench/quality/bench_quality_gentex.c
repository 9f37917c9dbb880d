/*
 * How well are the transfers of the AMLGentex run told apart?  gentex.py calls this.
 *
 *   bench_quality_gentex ours ROWS           what is chosen, then our rows of the table
 *   bench_quality_gentex peer ROWS PEER...   rows of the table for others' columns
 *
 * ROWS    every TRANSFER row in protocol order, one a line: step from to value is_bad
 *         pattern; the generator's sink and source are -1 and -2
 * PEER    NAME:COLUMNS:ROWS_PER_S:FILE, floats of the account-to-account rows in the
 *         same order
 *
 * Account-to-account rows alone train, score and build the graph; the others are in the
 * graph for one figure of speed only.  All is chosen on validation rows: nothing above
 * `judge` reads a label of the test block.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gentex_learn.h"
#include "scoring/calibrate.h"
#include "scoring/model_metrics.h"
#include "scoring/reliability.h"

enum { SEEDS = 5, GRID_SEEDS = 2, ALL_GROUPS = (1 << WR_FEATURE_GROUP_COUNT) - 1 };

/* ---- the choice, on validation rows ---- */

typedef struct choice {
    uint32_t groups;
    setup s;
    double ap;
} choice;

static void try_choice(choice *best, const rows *d, const table *all, choice c)
{
    table t = of_groups(all, d->n, c.groups);
    double *margin = room(d->n, sizeof *margin);
    for (uint64_t seed = 1; seed <= GRID_SEEDS; seed++) {
        const study y = {d, &t, d->is_bad, &c.s, seed};
        learn(margin, &y);
        c.ap += ap_valid(d, d->is_bad, margin) / GRID_SEEDS;
    }
    printf("| %s | %u | %g | %g | %s | %.3f |\n",
           c.groups == ALL_GROUPS ? "all" : "without amount", c.s.o.max_depth,
           c.s.o.min_child_weight, c.s.o.colsample_bytree, c.s.has_memory ? "yes" : "no",
           c.ap);
    (void)fflush(stdout);
    if (c.ap > best->ap)
        *best = c;
    wr_free(margin);
    table_release(&t);
}

static choice choose(const rows *d, const table *all)
{
    static const struct {
        uint32_t depth;
        double child, columns;
    } TREE[] = {{3, 1, 0.5}, {3, 5, 0.5}, {3, 1, 0.25}, {4, 5, 0.25}, {5, 5, 0.25}};
    choice best = {0};
    printf("| columns | depth | min_child_weight | colsample | memory | validation "
           "PR-AUC |\n|---|---|---|---|---|---|\n");
    for (int amount = 0; amount < 2; amount++)
        for (size_t k = 0; k < sizeof TREE / sizeof *TREE; k++) {
            choice c = {.s = protocol_setup()};
            c.groups = amount ? ALL_GROUPS : ALL_GROUPS & ~(1U << WR_FEATURE_AMOUNT);
            c.s.o.max_depth = TREE[k].depth;
            c.s.o.min_child_weight = TREE[k].child;
            c.s.o.colsample_bytree = TREE[k].columns;
            c.s.o.eta = 0.1;
            try_choice(&best, d, all, c);
        }
    choice c = best;
    c.ap = 0;
    c.s.has_memory = true;
    try_choice(&best, d, all, c);
    printf("\n");
    return best;
}

/* ---- judgement, on test rows ---- */

typedef struct judged {
    double ap_valid, ap, recall[WR_METRICS_BUDGETS], f1, ece, low, high;
} judged;

/* Patterns by their first row among the test rows. */
static void number_incidents(uint32_t *of, const rows *d)
{
    const uint32_t *pattern = d->incident + d->first[TEST];
    const size_t n = d->n - d->first[TEST];
    for (size_t i = 0; i < n; i++) {
        size_t k = pattern[i] == WR_INCIDENT_NONE ? i : 0;
        while (pattern[k] != pattern[i])
            k++;
        of[i] = pattern[i] == WR_INCIDENT_NONE ? WR_INCIDENT_NONE : (uint32_t)k;
    }
}

static judged judge(const rows *d, const bool *label, const double *margin)
{
    const size_t lo = d->first[VALID], mid = d->first[TEST], n = d->n - mid;
    const bool *is_bad = d->is_bad + mid;
    uint32_t *incident = room(n, sizeof *incident);
    number_incidents(incident, d);
    const wr_interval_rows r = {
        .n = n, .score = margin + mid, .is_bad = is_bad, .incident = incident};
    const wr_interval_opts o = WR_INTERVAL_OPTS_INIT;
    const wr_calibration_opts co = WR_CALIBRATION_OPTS_INIT;
    wr_threshold_metrics best, at;
    wr_model_metrics m;
    wr_interval i;
    wr_reliability rel;
    wr_calibration c = {0};
    wr_err err = {0};
    double *p = room(n, sizeof *p);
    check(wr_metrics_best_f1(&best, margin + lo, label + lo, mid - lo, &err), &err);
    check(wr_metrics_at(&at, margin + mid, is_bad, n, best.threshold, &err), &err);
    check(wr_model_metrics_of(&m, margin + mid, is_bad, n, &err), &err);
    check(wr_metrics_interval(&i, &r, &o, &err), &err);
    check(wr_calibration_fit(&c, margin + lo, label + lo, mid - lo, &co, &err), &err);
    for (size_t k = 0; k < n; k++)
        p[k] = wr_calibration_apply(&c, margin[mid + k]);
    check(wr_reliability_of(&rel, p, is_bad, n, &err), &err);
    judged j = {ap_valid(d, label, margin), m.pr_auc, {0}, at.f1, rel.ece, i.low, i.high};
    for (int k = 0; k < WR_METRICS_BUDGETS; k++)
        j.recall[k] = m.budget[k].recall;
    wr_calibration_release(&c);
    wr_free(incident);
    wr_free(p);
    return j;
}

/* Mean of `count`, with the least and the most of their PR-AUC when they are several. */
static void print_row(const char *what, const judged *j, int count, const char *speed)
{
    double sum[9] = {0}, least = 2, most = -1;
    for (int k = 0; k < count; k++) {
        const double v[] = {j[k].ap_valid,  j[k].ap,        j[k].recall[0],
                            j[k].recall[1], j[k].recall[2], j[k].f1,
                            j[k].ece,       j[k].low,       j[k].high};
        for (int c = 0; c < 9; c++)
            sum[c] += v[c] / count;
        least = fmin(least, j[k].ap);
        most = fmax(most, j[k].ap);
    }
    printf("| %s | %.3f | **%.3f**", what, sum[0], sum[1]);
    if (count > 1)
        printf(" (%.3f–%.3f)", least, most);
    printf(" | %.2f–%.2f | %.3f/%.3f/%.3f | %.3f | %.4f | %s |\n", sum[7], sum[8], sum[2],
           sum[3], sum[4], sum[5], sum[6], speed);
    (void)fflush(stdout);
}

/* Five seeds in one row and, if asked for, the mean of their margins in another. */
static void run(const char *what, const study *of, const char *speed,
                const char *what_mean)
{
    const size_t n = of->d->n;
    judged j[SEEDS];
    double *margin = room(n, sizeof *margin), *mean = room(n, sizeof *mean);
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        study y = *of;
        y.seed = seed;
        learn(margin, &y);
        for (size_t i = of->d->first[VALID]; i < n; i++)
            mean[i] += margin[i] / SEEDS;
        j[seed - 1] = judge(of->d, of->label, margin);
    }
    print_row(what, j, SEEDS, speed);
    if (what_mean) {
        const judged one = judge(of->d, of->label, mean);
        print_row(what_mean, &one, 1, speed);
    }
    wr_free(margin);
    wr_free(mean);
}

/* The trap of PROTOCOL.md: earlier bad rows of both ends, by the labels themselves. */
static void run_list(const rows *d)
{
    double *count = room(ACCOUNTS, sizeof *count), *score = room(d->n, sizeof *score);
    size_t done = 0;
    for (size_t i = 0; i < d->n; i++) {
        for (; d->e[done].time_s < d->e[i].time_s; done++)
            if (d->is_bad[done]) {
                count[d->e[done].from] = 1;
                count[d->e[done].to] = 1;
            }
        score[i] = count[d->e[i].from] + count[d->e[i].to];
    }
    const judged j = judge(d, d->is_bad, score);
    print_row("trap: how many ends were in a SAR row of an earlier step (labels of the "
              "test block too)",
              &j, 1, "–");
    wr_free(count);
    wr_free(score);
}

static void swap_in_steps(rows *d, wr_rng *r)
{
    for (size_t lo = 0, hi; lo < d->n; lo = hi) {
        for (hi = lo; hi < d->n && d->e[hi].time_s == d->e[lo].time_s;)
            hi++;
        for (size_t i = lo; i < hi; i++) {
            const size_t k = lo + (size_t)wr_rng_below(r, i - lo + 1);
            const wr_vid to = d->e[i].to;
            d->e[i].to = d->e[k].to;
            d->e[k].to = to;
        }
    }
}

/* Payees drawn again among the rows of the same step: degrees stay, pairs do not. */
static void run_shuffled(const rows *d, const choice *c)
{
    rows other = *d;
    wr_rng r = {.s = 11};
    double per_s;
    other.e = room(d->n, sizeof *other.e);
    memcpy(other.e, d->e, d->n * sizeof *other.e);
    swap_in_steps(&other, &r);
    table all = features_of(&other, &per_s), t = of_groups(&all, d->n, c->groups);
    const study y = {.d = &other, .t = &t, .label = d->is_bad, .s = &c->s};
    run("ours without the memory, edges shuffled", &y, "–", NULL);
    wr_free(other.e);
    table_release(&all);
    table_release(&t);
}

/* Labels of train rows among themselves, of validation rows among themselves. */
static void permute(bool *label, const rows *d, uint64_t seed)
{
    wr_rng r = {.s = 12 + seed};
    memcpy(label, d->is_bad, d->n * sizeof *label);
    for (int block = TRAIN; block < TEST; block++)
        for (size_t i = d->first[block]; i < d->first[block + 1]; i++) {
            const size_t k =
                d->first[block] + (size_t)wr_rng_below(&r, i - d->first[block] + 1);
            const bool was = label[i];
            label[i] = label[k];
            label[k] = was;
        }
}

/* A permutation for each seed: what one of them does by chance shows in the spread. */
static void run_permuted(const rows *d, const table *t, const choice *c)
{
    bool *label = room(d->n, sizeof *label);
    double *margin = room(d->n, sizeof *margin);
    judged j[SEEDS];
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        permute(label, d, seed);
        const study y = {d, t, label, &c->s, seed};
        learn(margin, &y);
        j[seed - 1] = judge(d, label, margin);
    }
    print_row("ours without the memory, labels permuted", j, SEEDS, "–");
    wr_free(label);
    wr_free(margin);
}

/* ---- rows of the table ---- */

static void run_groups(const rows *d, const table *all, const char *speed)
{
    const setup s = protocol_setup();
    for (uint32_t g = 0; g < WR_FEATURE_GROUP_COUNT; g++) {
        table t = of_groups(all, d->n, 1U << g);
        char what[96];
        (void)snprintf(what, sizeof what, "trees, %s columns only (%u)",
                       wr_feature_group_name((wr_feature_group)g), t.columns);
        const study y = {.d = d, .t = &t, .label = d->is_bad, .s = &s};
        if (t.columns)
            run(what, &y, speed, NULL);
        table_release(&t);
    }
    const study y = {.d = d, .t = all, .label = d->is_bad, .s = &s};
    char what[96];
    (void)snprintf(what, sizeof what, "trees, all %u columns, the peer's settings",
                   all->columns);
    run(what, &y, speed, NULL);
}

static void run_final(const rows *d, const table *t, const choice *c, const char *speed)
{
    choice plain = *c, again = *c;
    plain.s.has_memory = false;
    again.s.is_refit = true;
    study y = {.d = d, .t = t, .label = d->is_bad, .s = &plain.s};
    if (c->s.has_memory)
        run("ours without the memory of scores", &y, speed, "…, mean of the five");
    y.s = &c->s;
    run("**ours final**", &y, speed, "**ours final**, mean of the five");
    y.s = &again.s;
    run("ours final, refitted on train + validation", &y, speed, "…, mean of the five");
}

/* "NAME:COLUMNS:ROWS_PER_S:FILE" */
static void run_peer(const rows *d, const char *arg)
{
    char name[64], speed[32], path[1024];
    unsigned columns;
    if (sscanf(arg, "%63[^:]:%u:%31[^:]:%1023[^\n]", name, &columns, speed, path) != 4 ||
        columns < 1 || columns > WR_BOOSTER_FEATURES_MAX) {
        (void)fprintf(stderr, "not NAME:COLUMNS:ROWS_PER_S:FILE: %s\n", arg);
        exit(2);
    }
    table t = table_of(d->n, columns);
    char(*label)[16] = room(columns, sizeof *label);
    FILE *f = fopen(path, "rb");
    if (!f || fread(t.x, columns * sizeof *t.x, d->n, f) != d->n) {
        (void)fprintf(stderr, "%s: not %zu rows of %u\n", path, d->n, columns);
        exit(1);
    }
    (void)fclose(f);
    for (uint32_t c = 0; c < columns; c++) {
        (void)snprintf(label[c], sizeof *label, "p%u", c);
        t.name[c] = label[c];
    }
    char what[160];
    setup s = protocol_setup();
    study y = {.d = d, .t = &t, .label = d->is_bad, .s = &s};
    (void)snprintf(what, sizeof what, "peer, %s", name);
    run(what, &y, speed, NULL);
    s.is_refit = true;
    (void)snprintf(what, sizeof what, "peer, %s, refitted on train + validation", name);
    run(what, &y, speed, NULL);
    wr_free(label);
    table_release(&t);
}

static void print_head(const rows *d)
{
    for (int b = TRAIN; b < END; b++) {
        size_t bad = 0;
        for (size_t i = d->first[b]; i < d->first[b + 1]; i++)
            bad += d->is_bad[i];
        printf("%s %zu rows, %zu SAR%s",
               b == TRAIN   ? "train"
               : b == VALID ? "validation"
                            : "test",
               d->first[b + 1] - d->first[b], bad, b == TEST ? "\n\n" : " · ");
    }
}

static double prevalence(const rows *d)
{
    size_t bad = 0;
    for (size_t i = d->first[TEST]; i < d->n; i++)
        bad += d->is_bad[i];
    return (double)bad / (double)(d->n - d->first[TEST]);
}

static void run_table(const rows *d, const table *all, const choice *c, const char *speed)
{
    table raw = without_graph(d), t = of_groups(all, d->n, c->groups);
    const setup s = protocol_setup();
    printf(
        "| test rows | PR-AUC on validation | PR-AUC (five seeds) | 95 %% by pattern | "
        "recall at .1/.5/1 %% | F1 at validation threshold | ECE | rows/s |\n"
        "|---|---|---|---|---|---|---|---|\n");
    printf("| prevalence | – | %.4f | – | – | – | – | – |\n", prevalence(d));
    run_list(d);
    study y = {.d = d, .t = &raw, .label = d->is_bad, .s = &s};
    run("trees without graph: amount, step mod 7, mod 28", &y, "–", NULL);
    run_groups(d, all, speed);
    run_final(d, &t, c, speed);
    choice plain = *c;
    plain.s.has_memory = false;
    run_shuffled(d, &plain);
    run_permuted(d, &t, &plain);
    table_release(&raw);
    table_release(&t);
}

/* A row from its transfer: features, first margin, memory, second margin, take. */
typedef struct path {
    wr_feature_stream *stream;
    wr_score_memory *memory;
    const wr_booster_flat *first, *second;
    uint32_t at[WR_TF_COUNT], columns;
} path;

static double path_next(path *p, const wr_feature_event *e)
{
    float all[WR_TF_COUNT], x[WR_TF_COUNT + WR_SCORE_MEMORY_COLUMNS];
    wr_err err = {0};
    check(wr_feature_stream_next(p->stream, all, e, &err), &err);
    for (uint32_t c = 0; c < p->columns; c++)
        x[c] = all[p->at[c]];
    wr_score_memory_row(x + p->columns, p->memory, e);
    const double first = (double)wr_booster_flat_margin(p->first, x);
    const double second = (double)wr_booster_flat_margin(p->second, x);
    check(wr_score_memory_take(p->memory, e, first, &err), &err);
    return second;
}

/* Rows by second of processor time; the models stand in for those of the table. */
static void print_path(const rows *d, const table *t, const choice *c)
{
    const study y = {.d = d, .t = t, .label = d->is_bad, .s = &c->s, .seed = 1};
    const size_t valid = d->first[VALID];
    const wr_feature_stream_opts o = WR_FEATURE_STREAM_OPTS_INIT;
    double *margin = room(d->n, sizeof *margin), sum = 0;
    uint32_t rounds[2] = {0};
    path p = {0};
    wr_err err = {0};
    WR_AUTO(wr_booster) first = fit(&y, t, valid, FOLDS, &rounds[0]);
    predict(margin, first, t, 0, d->n);
    table with = remember(&y, margin);
    WR_AUTO(wr_booster) second = fit(&y, &with, valid, FOLDS, &rounds[1]);
    p.first = wr_booster_flat_of(first);
    p.second = wr_booster_flat_of(second);
    p.columns = group_columns(p.at, c->groups);
    check(wr_feature_stream_new(&p.stream, &o, &err), &err);
    check(wr_score_memory_new(&p.memory, WR_MONTH_S, &err), &err);
    const double start_s = cpu_s();
    for (size_t i = 0; i < d->n; i++)
        sum += path_next(&p, &d->e[i]);
    printf("\nWhole path of the memory model, row by row on one thread (features, two "
           "models of %u and %u trees, memory): %.0f k rows/s; mean margin %.1f.\n",
           rounds[0], rounds[1], 1e-3 * (double)d->n / (cpu_s() - start_s),
           sum / (double)d->n);
    wr_feature_stream_free(p.stream);
    wr_score_memory_free(p.memory);
    wr_free(margin);
    table_release(&with);
}

static void run_ours(const rows *d, const rows *hubs)
{
    double per_s = 0, hub_per_s = 0;
    char speed[32];
    table with_hubs = features_of(hubs, &hub_per_s);
    table_release(&with_hubs);
    table all = features_of(d, &per_s);
    (void)snprintf(speed, sizeof speed, "%.0f k", 1e-3 * per_s);
    print_head(d);
    printf("Features row by row on one thread: %.0f k rows/s of %zu account-to-account "
           "rows; %.0f k rows/s of all %zu with source and sink in the graph (target "
           "100 k).\n\n",
           1e-3 * per_s, d->n, 1e-3 * hub_per_s, hubs->n);
    const choice c = choose(d, &all);
    run_table(d, &all, &c, speed);
    if (c.s.has_memory) {
        table t = of_groups(&all, d->n, c.groups);
        print_path(d, &t, &c);
        table_release(&t);
    }
    table_release(&all);
}

int main(int argc, char **argv)
{
    const bool is_ours = argc == 3 && strcmp(argv[1], "ours") == 0;
    if (!is_ours && (argc < 4 || strcmp(argv[1], "peer") != 0)) {
        (void)fprintf(stderr, "usage: bench_quality_gentex ours ROWS\n"
                              "       bench_quality_gentex peer ROWS PEER...\n");
        return 2;
    }
    rows d = {0}, hubs = {0};
    read_rows(&d, &hubs, argv[2]);
    if (is_ours)
        run_ours(&d, &hubs);
    for (int k = 3; k < argc; k++)
        run_peer(&d, argv[k]);
    return 0;
}
