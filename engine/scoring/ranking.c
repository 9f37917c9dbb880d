#include "scoring/ranking.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "scoring/arrival.h"
#include "scoring/association.h"
#include "scoring/combine.h"
#include "scoring/ledger.h"
#include "scoring/poison.h"
#include "scoring/rank_metrics.h"
#include "scoring/static_exposure.h"
#include "scoring/undirected_int.h"
#include "util/rng.h"

enum view {
    PAGERANK,
    LEDGER_RECEIVING,
    LEDGER_SENDING,
    STATIC_RECEIVING,
    STATIC_SENDING,
    KNOWN_RECEIVING,
    KNOWN_SENDING,
    ASSOCIATION_COUNT,
    ASSOCIATION_VALUE,
    POISON_RECEIVING,
    POISON_SENDING,
    COMBINATION,
    CONTROL_ASSOCIATION,
    CONTROL_COMBINATION,
    VIEWS,
};

static const char *const view_name[VIEWS] = {
    [PAGERANK] = "undirected pagerank / degree",
    [LEDGER_RECEIVING] = "ledger share, receiving",
    [LEDGER_SENDING] = "ledger share, sending",
    [STATIC_RECEIVING] = "static exposure, receiving",
    [STATIC_SENDING] = "static exposure, sending",
    [KNOWN_RECEIVING] = "share of the known, receiving",
    [KNOWN_SENDING] = "share of the known, sending",
    [ASSOCIATION_COUNT] = "association, weights 1",
    [ASSOCIATION_VALUE] = "association, weights sqrt(value)",
    [POISON_RECEIVING] = "poison distance, receiving",
    [POISON_SENDING] = "poison distance, sending",
    [COMBINATION] = "combination",
    [CONTROL_ASSOCIATION] = "control: association, random labels",
    [CONTROL_COMBINATION] = "control: combination, random labels",
};

_Static_assert((int)VIEWS <= (int)WR_RANKING_ROWS_MAX, "rows of wr_ranking");

/* One run over all splits.  score has a column [n] per view. */
typedef struct ranking {
    const wr_ranking_input *in;
    const wr_ranking_opts *o;
    wr_flow flow;
    wr_views vw;
    wr_seeds seeds; /* one category, illicit */
    wr_undirected company;
    double *score[VIEWS]; /* [n] */
    double *next;         /* [n] */
    float *x;             /* [n] */
    uint32_t *hold_s;     /* [n] */
    wr_vid *draw;         /* [bad_count] shuffled: labels first */
    uint8_t *role;        /* [n] BAD, GOOD or 0 */
    double *compared;     /* [bad_count + good_count] */
    bool *is_bad;
    uint32_t labels;
} ranking;

enum { BAD = 1, GOOD = 2 };

static void release(ranking *k)
{
    wr_seeds_release(&k->seeds);
    wr_undirected_release(&k->company);
    for (int i = 0; i < VIEWS; i++)
        wr_free(k->score[i]);
    wr_free(k->next);
    wr_free(k->x);
    wr_free(k->hold_s);
    wr_free(k->draw);
    wr_free(k->role);
    wr_free(k->compared);
    wr_free(k->is_bad);
}

static wr_status allocate(ranking *k, wr_err *err)
{
    const size_t n = k->flow.n;
    const size_t both = (size_t)k->in->bad_count + k->in->good_count;
    bool ok = true;
    for (int i = 0; i < VIEWS; i++)
        ok = (k->score[i] = wr_calloc(n, sizeof(double))) && ok;
    k->next = wr_calloc(n, sizeof *k->next);
    k->x = wr_calloc(n, sizeof *k->x);
    k->hold_s = wr_calloc(n, sizeof *k->hold_s);
    k->draw = wr_calloc(k->in->bad_count, sizeof *k->draw);
    k->role = wr_calloc(n, sizeof *k->role);
    k->compared = wr_calloc(both, sizeof *k->compared);
    k->is_bad = wr_calloc(both, sizeof *k->is_bad);
    k->seeds = (wr_seeds){.n = k->flow.n, .c = 1, .kind = {WR_CATEGORY_ILLICIT}};
    k->seeds.category = wr_calloc(n, sizeof *k->seeds.category);
    ok = ok && k->next && k->x && k->hold_s && k->draw && k->role && k->compared &&
         k->is_bad && k->seeds.category;
    if (!ok)
        return wr_fail(err, WR_ENOMEM, "ranking over %zu vertices", n);
    return WR_OK;
}

static wr_status mark(ranking *k, const wr_vid *list, uint32_t count, uint8_t role,
                      wr_err *err)
{
    for (uint32_t i = 0; i < count; i++) {
        const wr_vid v = list[i];
        if (v >= k->flow.n || wr_views_is_hub(&k->vw, v))
            return wr_fail(err, WR_EINVAL, "vertex %" PRIu32 " is no wallet of the graph",
                           v);
        if (k->role[v])
            return wr_fail(err, WR_EINVAL, "vertex %" PRIu32 " is listed twice", v);
        k->role[v] = role;
    }
    return WR_OK;
}

static void set_labels(ranking *k, const wr_vid *list, uint32_t count)
{
    memset(k->seeds.category, WR_SEED_NONE, k->flow.n);
    for (uint32_t i = 0; i < count; i++)
        k->seeds.category[list[i]] = 0;
    k->seeds.count = count;
}

static void shuffle(wr_vid *list, uint32_t count, wr_rng *r)
{
    for (uint32_t i = count; i > 1; i--) {
        const uint64_t j = wr_rng_below(r, i);
        const wr_vid v = list[i - 1];
        list[i - 1] = list[j];
        list[j] = v;
    }
}

/* x = (1-g) y + g P'x by 100 pull steps (0.85^100 < 1e-7), then divided by degree. */
static void pagerank(ranking *k)
{
    const wr_undirected *g = &k->company;
    const uint32_t n = g->n;
    double *x = k->score[PAGERANK], *next = k->next;
    const double start = 0.15 / (double)k->seeds.count;
    const int8_t *category = k->seeds.category;
    for (uint32_t v = 0; v < n; v++) /* x holds rank / degree throughout */
        x[v] = 0.0;
    for (int step = 0; step < 100; step++) {
#pragma omp parallel for default(none) shared(x, next, g, n, start, category) \
    schedule(dynamic, 1024)
        for (uint32_t v = 0; v < n; v++) {
            double sum = 0.0;
            for (uint64_t i = g->off[v]; i < g->off[v + 1ULL]; i++)
                sum += x[g->nbr[i]];
            const uint64_t degree = g->off[v + 1ULL] - g->off[v];
            const double rank = (category[v] >= 0 ? start : 0.0) + 0.85 * sum;
            next[v] = degree ? rank / (double)degree : 0.0;
        }
        memcpy(x, next, n * sizeof *x);
    }
}

static wr_status ledger_share(double *out, ranking *k, wr_direction d, wr_err *err)
{
    WR_LEDGER_AUTO wr_ledger l = {0};
    wr_ledger_opts o = WR_LEDGER_OPTS_INIT;
    o.direction = d;
    o.pg = k->o->pg;
    WR_TRY(wr_ledger_run(&l, &k->flow, &o, err));
    for (uint32_t v = 0; v < k->flow.n; v++) {
        const wr_ledger_view lv = wr_ledger_at(&l, v);
        out[v] = lv.total > 0.0 ? fmin(1.0, lv.received[0] / lv.total) : 0.0;
    }
    return WR_OK;
}

static wr_status static_share(double *out, ranking *k, wr_direction d, bool is_known_only,
                              wr_err *err)
{
    wr_static_opts o = WR_STATIC_OPTS_INIT;
    o.direction = d;
    o.hold_s = k->hold_s;
    o.is_known_only = is_known_only;
    o.pg = k->o->pg;
    WR_TRY(wr_static_exposure(k->x, NULL, &k->vw, &k->seeds, &o, err));
    for (uint32_t v = 0; v < k->flow.n; v++)
        out[v] = (double)k->x[v];
    return WR_OK;
}

static wr_status poison_distance(double *out, ranking *k, wr_direction d, wr_err *err)
{
    WR_POISON_AUTO wr_poison p = {0};
    WR_TRY(wr_poison_run(&p, &k->flow, d, WR_POISON_HOPS_MAX, k->o->pg, err));
    for (uint32_t v = 0; v < k->flow.n; v++)
        out[v] = -(double)p.min_hops[v]; /* WR_POISON_NONE is the farthest */
    return WR_OK;
}

static wr_status directed_views(ranking *k, wr_direction d, wr_err *err)
{
    const int sending = d == WR_SENDING; /* views stand in pairs: receiving, sending */
    WR_TRY(wr_arrival(k->hold_s, &k->flow, d, k->o->pg, err));
    WR_TRY(ledger_share(k->score[LEDGER_RECEIVING + sending], k, d, err));
    WR_TRY(static_share(k->score[STATIC_RECEIVING + sending], k, d, false, err));
    WR_TRY(static_share(k->score[KNOWN_RECEIVING + sending], k, d, true, err));
    return poison_distance(k->score[POISON_RECEIVING + sending], k, d, err);
}

/* Association and the combination, which needs the ledger shares of these labels. */
static wr_status combined_views(double *association, double *by_value,
                                double *combination, ranking *k, wr_err *err)
{
    wr_association_opts ao = WR_ASSOCIATION_OPTS_INIT;
    wr_combine_input ci = WR_COMBINE_INPUT_INIT;
    ao.pg = k->o->pg;
    WR_TRY(wr_association(association, by_value, NULL, &k->vw, &k->seeds, &ao, err));
    ci.association = association;
    ci.received = k->score[LEDGER_RECEIVING];
    ci.sent = k->score[LEDGER_SENDING];
    return wr_combine(combination, NULL, NULL, &k->vw, &k->seeds, &ci, err);
}

static wr_status measure(ranking *k, wr_ranking *out, int view, wr_err *err)
{
    uint32_t count = 0;
    for (uint32_t i = k->labels; i < k->in->bad_count; i++, count++) {
        k->compared[count] = k->score[view][k->draw[i]];
        k->is_bad[count] = true;
    }
    for (uint32_t i = 0; i < k->in->good_count; i++, count++) {
        k->compared[count] = k->score[view][k->in->good[i]];
        k->is_bad[count] = false;
    }
    wr_rank_metrics m;
    WR_TRY(wr_rank_metrics_of(&m, k->compared, k->is_bad, count, err));
    wr_ranking_row *row = &out->row[view];
    const bool is_first = row->auc_max == 0.0 && row->ap_max == 0.0;
    row->auc += m.auc / k->o->splits;
    row->ap += m.ap / k->o->splits;
    row->auc_min = is_first ? m.auc : fmin(row->auc_min, m.auc);
    row->auc_max = fmax(row->auc_max, m.auc);
    row->ap_min = is_first ? m.ap : fmin(row->ap_min, m.ap);
    row->ap_max = fmax(row->ap_max, m.ap);
    return WR_OK;
}

/* As many labels from the wallets that stand in neither list; 0 when there are too few.
 */
static uint32_t draw_control(ranking *k, wr_vid *list, wr_rng *r)
{
    uint32_t pool = 0;
    for (uint32_t v = 0; v < k->flow.n; v++) { /* reservoir of size labels */
        const bool has_pair =
            wr_views_degree(&k->vw.in, v) || wr_views_degree(&k->vw.out, v);
        if (k->role[v] || wr_views_is_hub(&k->vw, v) || !has_pair)
            continue;
        if (pool++ < k->labels)
            list[pool - 1] = v;
        else {
            const uint64_t j = wr_rng_below(r, pool);
            if (j < k->labels)
                list[j] = v;
        }
    }
    return pool < k->labels ? 0 : k->labels;
}

static wr_status one_split(ranking *k, wr_ranking *out, uint32_t split, wr_err *err)
{
    wr_rng r = {.s = k->o->seed + 0x9E3779B97F4A7C15ULL * split};
    memcpy(k->draw, k->in->bad, k->in->bad_count * sizeof *k->draw);
    shuffle(k->draw, k->in->bad_count, &r);
    set_labels(k, k->draw, k->labels);
    pagerank(k);
    WR_TRY(directed_views(k, WR_RECEIVING, err));
    WR_TRY(directed_views(k, WR_SENDING, err));
    WR_TRY(combined_views(k->score[ASSOCIATION_COUNT], k->score[ASSOCIATION_VALUE],
                          k->score[COMBINATION], k, err));
    for (int view = 0; view <= COMBINATION; view++)
        WR_TRY(measure(k, out, view, err));

    WR_AUTO_ARRAY wr_vid *control = wr_calloc(k->labels, sizeof *control);
    if (!control)
        return wr_fail(err, WR_ENOMEM, "%" PRIu32 " control labels", k->labels);
    if (!draw_control(k, control, &r)) {
        out->rows = CONTROL_ASSOCIATION;
        return WR_OK;
    }
    set_labels(k, control, k->labels);
    WR_TRY(ledger_share(k->score[LEDGER_RECEIVING], k, WR_RECEIVING, err));
    WR_TRY(ledger_share(k->score[LEDGER_SENDING], k, WR_SENDING, err));
    WR_TRY(combined_views(k->score[CONTROL_ASSOCIATION], NULL,
                          k->score[CONTROL_COMBINATION], k, err));
    WR_TRY(measure(k, out, CONTROL_ASSOCIATION, err));
    return measure(k, out, CONTROL_COMBINATION, err);
}

static wr_status run(ranking *k, wr_ranking *out, wr_err *err)
{
    WR_TRY(allocate(k, err));
    WR_TRY(mark(k, k->in->bad, k->in->bad_count, BAD, err));
    WR_TRY(mark(k, k->in->good, k->in->good_count, GOOD, err));
    WR_TRY(wr_undirected_init(&k->company, &k->vw, false, err));
    out->rows = VIEWS;
    for (int view = 0; view < VIEWS; view++)
        out->row[view] = (wr_ranking_row){.view = view_name[view],
                                          .is_control = view >= CONTROL_ASSOCIATION};
    for (uint32_t i = 0; i < k->o->splits; i++) {
        WR_TRY(wr_progress_at(k->o->pg, "ranking", i, k->o->splits, err));
        WR_TRY(one_split(k, out, i, err));
    }
    out->splits = k->o->splits;
    out->labels = k->labels;
    out->hidden = k->in->bad_count - k->labels;
    out->good = k->in->good_count;
    out->base_rate = (double)out->hidden / ((double)out->hidden + out->good);
    return WR_OK;
}

wr_status wr_ranking_run(wr_ranking *out, const wr_snapshot *g,
                         const wr_ranking_input *in, const wr_ranking_opts *o,
                         wr_err *err)
{
    if (in->bad_count < 2 || in->good_count < 1)
        return wr_fail(err, WR_EINVAL,
                       "%" PRIu32 " bad and %" PRIu32
                       " good wallets, not 2 and 1 at least",
                       in->bad_count, in->good_count);
    if (o->splits < 1 || o->splits > WR_RANKING_SPLITS_MAX)
        return wr_fail(err, WR_EINVAL, "%" PRIu32 " splits, not 1..%d", o->splits,
                       WR_RANKING_SPLITS_MAX);
    ranking k = {.in = in, .o = o, .vw = wr_views_of(g), .labels = in->bad_count / 2};
    k.flow = wr_flow_of(g, &k.seeds);
    wr_ranking r = {0};
    wr_status st = run(&k, &r, err);
    release(&k);
    if (st == WR_OK)
        *out = r;
    return st;
}
