/*
 * gentex_learn.h - rows of the AMLGentex run, tables of columns, and training on them.
 *
 * A table has a row for every account-to-account row, in the run's order; a study says
 * what is learned from which labels.  Rows before first[VALID] are learned from, those
 * before first[TEST] stop the training and choose; no label of a later one is read here.
 * Header only; one per program.
 */
#ifndef WR_GENTEX_LEARN_H
#define WR_GENTEX_LEARN_H

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "scoring/booster.h"
#include "scoring/features_stream.h"
#include "scoring/model_metrics.h"
#include "scoring/rank_metrics.h"
#include "scoring/score_memory.h"
#include "util/rng.h"

enum { TRAIN, VALID, TEST, END };
enum { FOLDS = 4, SOURCE = 1 << 14, SINK, ACCOUNTS = SOURCE };
enum { VALID_STEP = 60, TEST_STEP = 80 };

static inline void check(wr_status st, const wr_err *err)
{
    if (st == WR_OK)
        return;
    (void)fprintf(stderr, "%s\n", err->msg);
    exit(1);
}

static inline void *room(size_t count, size_t size)
{
    void *p = wr_calloc(count ? count : 1, size);
    if (!p) {
        (void)fprintf(stderr, "out of memory\n");
        exit(1);
    }
    return p;
}

/* ---- rows and tables of columns ---- */

typedef struct rows {
    size_t n, cap;
    wr_feature_event *e;
    bool *is_bad;
    uint32_t *incident; /* the planted pattern of a bad row */
    size_t first[END + 1];
} rows;

typedef struct table {
    uint32_t columns;
    const char **name;
    float *x; /* [n * columns] */
} table;

static inline void table_release(table *t)
{
    wr_free(t->name);
    wr_free(t->x);
    *t = (table){0};
}

static inline table table_of(size_t n, uint32_t columns)
{
    return (table){.columns = columns,
                   .name = room(columns, sizeof(char *)),
                   .x = room(n * columns, sizeof(float))};
}

static inline wr_vid vid_of(long account)
{
    if (account < 0)
        return account == -1 ? SINK : SOURCE;
    return (wr_vid)(account % ACCOUNTS);
}

static inline void add(rows *d, wr_feature_event e, bool is_bad, long pattern)
{
    if (d->n == d->cap) {
        const size_t cap = d->cap ? 2 * d->cap : 1 << 17;
        rows more = {.n = d->n,
                     .cap = cap,
                     .e = room(cap, sizeof *more.e),
                     .is_bad = room(cap, sizeof(bool)),
                     .incident = room(cap, sizeof(uint32_t))};
        if (d->n) {
            memcpy(more.e, d->e, d->n * sizeof *d->e);
            memcpy(more.is_bad, d->is_bad, d->n * sizeof *d->is_bad);
            memcpy(more.incident, d->incident, d->n * sizeof *d->incident);
        }
        wr_free(d->e);
        wr_free(d->is_bad);
        wr_free(d->incident);
        *d = more;
    }
    d->e[d->n] = e;
    d->is_bad[d->n] = is_bad;
    d->incident[d->n++] = is_bad ? (uint32_t)pattern : WR_INCIDENT_NONE;
}

/* Account to account into d, everything into all. */
static inline void read_rows(rows *d, rows *all, const char *path)
{
    FILE *f = fopen(path, "r");
    long step, from, to, pattern;
    int is_bad;
    double value;
    if (!f) {
        perror(path);
        exit(1);
    }
    while (fscanf(f, "%ld %ld %ld %lf %d %ld", &step, &from, &to, &value, &is_bad,
                  &pattern) == 6) {
        const wr_feature_event e = {vid_of(from), vid_of(to), (uint32_t)step * WR_DAY_S,
                                    value};
        add(all, e, is_bad, pattern);
        if (from < 0 || to < 0)
            continue;
        add(d, e, is_bad, pattern);
        d->first[VALID] += step < VALID_STEP;
        d->first[TEST] += step < TEST_STEP;
    }
    d->first[END] = d->n;
    (void)fclose(f);
}

/* Of this process: what other work the machine has does not enter. */
static inline double cpu_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* All columns of all rows, one row at a time on one thread; rows per processor second. */
static inline table features_of(const rows *d, double *per_s)
{
    const wr_feature_stream_opts o = WR_FEATURE_STREAM_OPTS_INIT;
    WR_AUTO(wr_feature_stream) s = NULL;
    wr_err err = {0};
    table t = table_of(d->n, WR_TF_COUNT);
    for (uint32_t c = 0; c < WR_TF_COUNT; c++)
        t.name[c] = wr_feature_at(WR_FEATURE_TRANSFER, c)->name;
    memset(t.x, 0, d->n * WR_TF_COUNT * sizeof *t.x); /* fresh pages are not our time */
    check(wr_feature_stream_new(&s, &o, &err), &err);
    const double start_s = cpu_s();
    for (size_t i = 0; i < d->n; i++)
        check(wr_feature_stream_next(s, t.x + i * WR_TF_COUNT, &d->e[i], &err), &err);
    *per_s = (double)d->n / (cpu_s() - start_s);
    return t;
}

/* at [WR_TF_COUNT]: the columns of some groups (bits); how many. */
static inline uint32_t group_columns(uint32_t *at, uint32_t groups)
{
    uint32_t count = 0;
    for (uint32_t c = 0; c < WR_TF_COUNT; c++)
        if (groups >> wr_feature_at(WR_FEATURE_TRANSFER, c)->group & 1)
            at[count++] = c;
    return count;
}

static inline table of_groups(const table *all, size_t n, uint32_t groups)
{
    uint32_t at[WR_TF_COUNT];
    const uint32_t columns = group_columns(at, groups);
    table t = table_of(n, columns);
    for (uint32_t c = 0; c < columns; c++)
        t.name[c] = all->name[at[c]];
    for (size_t i = 0; i < n; i++)
        for (uint32_t c = 0; c < t.columns; c++)
            t.x[i * t.columns + c] = all->x[i * all->columns + at[c]];
    return t;
}

/* What a row says without a graph. */
static inline table without_graph(const rows *d)
{
    static const char *const NAME[] = {"amount", "step_7", "step_28"};
    table t = table_of(d->n, 3);
    for (int c = 0; c < 3; c++)
        t.name[c] = NAME[c];
    for (size_t i = 0; i < d->n; i++) {
        const uint32_t step = d->e[i].time_s / WR_DAY_S;
        t.x[3 * i] = (float)d->e[i].value;
        t.x[3 * i + 1] = (float)(step % 7);
        t.x[3 * i + 2] = (float)(step % 28);
    }
    return t;
}

/* ---- training ---- */

typedef struct setup {
    wr_booster_opts o;
    bool has_memory, is_refit; /* refit: learned from train and validation rows */
} setup;

/* The peer's settings of PROTOCOL.md; early stopping is by our average precision. */
static inline setup protocol_setup(void)
{
    setup s = {.o = WR_BOOSTER_OPTS_INIT};
    s.o.max_depth = 3;
    s.o.rounds = 1000;
    s.o.patience = 60;
    s.o.eta = 0.05;
    s.o.min_child_weight = 1;
    s.o.subsample = 0.8;
    s.o.colsample_bytree = 0.5;
    s.o.lambda = 1;
    s.o.max_bin = 64;
    s.o.threads = (uint32_t)omp_get_max_threads(); /* same bytes for any */
    return s;
}

typedef struct study {
    const rows *d;
    const table *t;
    const bool *label; /* [n] learned from; those of the test block are not read */
    const setup *s;
    uint64_t seed;
} study;

static inline unsigned fold_of(const study *y, size_t i)
{
    const uint32_t incident = y->d->incident[i];
    wr_rng r = {.s = y->seed << 40 ^ (incident == WR_INCIDENT_NONE ? i : incident)};
    return (unsigned)wr_rng_below(&r, FOLDS);
}

/* From the rows before `end` that are not in fold `without` (FOLDS: from all of them). */
static inline wr_booster *fit(const study *y, const table *t, size_t end,
                              unsigned without, uint32_t *rounds)
{
    const size_t c = t->columns, lo = y->d->first[VALID], hi = y->d->first[TEST];
    float *x = room(end * c, sizeof *x);
    bool *label = room(end, sizeof *label);
    wr_booster_data train = {.x = x, .is_bad = label};
    for (size_t i = 0; i < end; i++)
        if (without == FOLDS || fold_of(y, i) != without) {
            memcpy(x + train.rows * c, t->x + i * c, c * sizeof *x);
            label[train.rows++] = y->label[i];
        }
    const wr_booster_data valid = {
        .rows = hi - lo, .x = t->x + lo * c, .is_bad = y->label + lo};
    const wr_booster_features f = {.count = t->columns, .name = t->name};
    wr_booster_opts o = y->s->o;
    wr_booster_fit got;
    wr_booster *b = NULL;
    wr_err err = {0};
    o.seed = y->seed;
    if (*rounds) {
        o.rounds = *rounds;
        o.patience = 0;
    }
    check(wr_booster_train(&b, &got, &f, &train, *rounds ? NULL : &valid, &o, &err),
          &err);
    *rounds = got.rounds_kept;
    wr_free(x);
    wr_free(label);
    return b;
}

static inline void predict(double *margin, const wr_booster *b, const table *t, size_t lo,
                           size_t hi)
{
    wr_err err = {0};
    check(wr_booster_predict(margin + lo, b, t->x + lo * t->columns, hi - lo,
                             WR_BOOSTER_MARGIN, &err),
          &err);
}

/* Margins of the rows before `end`, each by a model that did not see its incident. */
static inline void cross_fit(double *margin, const study *y, size_t end, uint32_t rounds)
{
    double *by_fold = room(end, sizeof *by_fold);
    for (unsigned k = 0; k < FOLDS; k++) {
        WR_AUTO(wr_booster) b = fit(y, y->t, end, k, &rounds);
        predict(by_fold, b, y->t, 0, end);
        for (size_t i = 0; i < end; i++)
            if (fold_of(y, i) == k)
                margin[i] = by_fold[i];
    }
    wr_free(by_fold);
}

/* The table and, behind it, what earlier margins say of both ends. */
static inline table remember(const study *y, const double *margin)
{
    const table *t = y->t;
    const size_t n = y->d->n, c = t->columns + WR_SCORE_MEMORY_COLUMNS;
    table out = table_of(n, (uint32_t)c);
    WR_AUTO(wr_score_memory) m = NULL;
    wr_err err = {0};
    check(wr_score_memory_new(&m, WR_MONTH_S, &err), &err);
    memcpy(out.name, t->name, t->columns * sizeof *t->name);
    for (uint32_t k = 0; k < WR_SCORE_MEMORY_COLUMNS; k++)
        out.name[t->columns + k] = wr_score_memory_name(k);
    for (size_t i = 0; i < n; i++) {
        memcpy(out.x + i * c, t->x + i * t->columns, t->columns * sizeof *t->x);
        wr_score_memory_row(out.x + i * c + t->columns, m, &y->d->e[i]);
        check(wr_score_memory_take(m, &y->d->e[i], margin[i], &err), &err);
    }
    return out;
}

/* The second stage over the first one's margins; refits both when asked to. */
static inline void learn_memory(double *margin, double *first, const study *y,
                                uint32_t rounds)
{
    const size_t valid = y->d->first[VALID], test = y->d->first[TEST], n = y->d->n;
    uint32_t second_rounds = 0;
    cross_fit(first, y, valid, rounds);
    table t = remember(y, first);
    wr_booster *b = fit(y, &t, valid, FOLDS, &second_rounds);
    predict(margin, b, &t, valid, n);
    wr_booster_free(b);
    table_release(&t);
    if (!y->s->is_refit)
        return;
    b = fit(y, y->t, test, FOLDS, &rounds);
    predict(first, b, y->t, test, n);
    wr_booster_free(b);
    cross_fit(first, y, test, rounds);
    t = remember(y, first);
    b = fit(y, &t, test, FOLDS, &second_rounds);
    predict(margin, b, &t, test, n);
    wr_booster_free(b);
    table_release(&t);
}

/*
 * Margins of validation and test rows, [n].  With a refit those of test rows come from
 * the refitted model, those of validation rows, which calibrate and set the threshold,
 * from the one that did not learn from them.
 */
static inline void learn(double *margin, const study *y)
{
    const size_t valid = y->d->first[VALID], test = y->d->first[TEST], n = y->d->n;
    uint32_t rounds = 0;
    double *first = room(n, sizeof *first);
    WR_AUTO(wr_booster) b = fit(y, y->t, valid, FOLDS, &rounds);
    predict(first, b, y->t, valid, n);
    memcpy(margin + valid, first + valid, (n - valid) * sizeof *margin);
    if (y->s->has_memory) {
        learn_memory(margin, first, y, rounds);
    } else if (y->s->is_refit) {
        WR_AUTO(wr_booster) again = fit(y, y->t, test, FOLDS, &rounds);
        predict(margin, again, y->t, test, n);
    }
    wr_free(first);
}

static inline double ap_valid(const rows *d, const bool *label, const double *margin)
{
    wr_rank_metrics m;
    wr_err err = {0};
    const size_t lo = d->first[VALID];
    check(wr_rank_metrics_of(&m, margin + lo, label + lo, d->first[TEST] - lo, &err),
          &err);
    return m.ap;
}

#endif
