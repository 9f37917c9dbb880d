/*
 * The published score, DESIGN 5.6:
 *
 *     base  = 1 - product over parts of (1 - part)
 *     score = max(base, floors that hold)
 *
 * Parts with a trained model:
 *             P                          its calibrated probability
 *             w_c q                      the wallet's own label, which P knows nothing of
 * and without, or for a wallet met after the run:
 *             w_c min(1, share_c / rho0_c)   receiving; times sending_weight for sending
 *             w_c q                          the wallet's own label
 *             w_j m_j                        a typology: m_j the strength of the
 * strongest hit with the wallet as its root; if there is none, of the strongest with it
 * as a member, times member_weight
 *
 * Shares are the ledger's (the audited view).  Association and static shares never enter.
 * No libm, no reduction over threads: the same bits everywhere.
 */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/run/assess_int.h"

/* Room to gather reasons while the score is made; NULL when only the number is wanted. */
typedef struct gather {
    wr_reason *reason;
    uint32_t count;
} gather;

static void tell(gather *to, wr_reason r)
{
    if (to) {
        assert(to->count < WR_REASONS_MAX);
        to->reason[to->count++] = r;
    }
}

typedef struct running {
    double keep; /* product of (1 - part) */
    double strongest;
    int category;
    bool is_in_model; /* what comes is part of the probability: told, with part 0 */
    gather *to;
} running;

static void add_part(running *r, wr_reason why)
{
    if (why.category >= 0 && why.part > r->strongest) {
        r->strongest = why.part;
        r->category = why.category;
    }
    if (r->is_in_model)
        why.part = 0.0;
    r->keep *= 1.0 - why.part;
    tell(r->to, why);
}

static double min1(double x)
{
    return x < 1.0 ? x : 1.0;
}

static void add_exposures(running *r, const wr_evidence *e, wr_direction d)
{
    const wr_assessment *a = e->a;
    const wr_ledger_view *l = &e->ledger[d];
    if (!(l->total > 0.0))
        return;
    for (uint32_t k = 0; k < e->c; k++) {
        const int c = e->column[k];
        const wr_category *cat = &a->cfg->taxonomy.category[c];
        if (cat->kind == WR_CATEGORY_SERVICE || !(l->received[k] > 0.0))
            continue;
        double share = min1(l->received[k] / l->total);
        double part = cat->weight * min1(share / cat->rho0);
        if (d == WR_SENDING)
            part *= a->cfg->policy.sending_weight;
        add_part(r, (wr_reason){.kind = WR_REASON_EXPOSURE,
                                .category = c,
                                .direction = (int)d,
                                .part = part,
                                .share = share,
                                .value = l->received[k],
                                .direct_value = l->direct[k]});
    }
}

static void add_own_label(running *r, const wr_evidence *e)
{
    const int c = e->own_category;
    if (c < 0)
        return;
    const wr_category *cat = &e->a->cfg->taxonomy.category[c];
    add_part(r, (wr_reason){.kind = WR_REASON_OWN_LABEL,
                            .category = c,
                            .direction = -1,
                            .part = cat->weight * e->own_confidence,
                            .share = e->own_confidence});
}

/* With all weights 0 (the default) only who asks for reasons need look. */
static void add_typologies(running *r, const wr_evidence *e)
{
    const wr_typology_policy *p = &e->a->cfg->typology;
    if (e->v == WR_VID_NONE || (!r->to && !wr_typology_policy_weighs(p)))
        return;
    wr_reason_typology found[WR_TYPOLOGY_COUNT];
    const uint32_t count = wr_assess_typology_reasons(e->a, e->v, found);
    for (uint32_t i = 0; i < count; i++) {
        const wr_reason_typology *t = &found[i];
        const double weight =
            p->weight[t->typology] * (t->is_root ? 1.0 : p->member_weight);
        add_part(r, (wr_reason){.kind = WR_REASON_TYPOLOGY,
                                .category = -1,
                                .direction = -1,
                                .part = weight * t->strength,
                                .share = t->strength,
                                .value = t->amount,
                                .typology = *t});
    }
}

/* Exposure that one floor looks at, in one direction. */
static void floor_exposure(const wr_evidence *e, const wr_floor *f, int direction,
                           double *value, double *share)
{
    const wr_ledger_view *l = &e->ledger[direction];
    *value = 0.0;
    for (uint32_t k = 0; k < e->c; k++) {
        if (!(f->categories >> e->column[k] & 1u))
            continue;
        double indirect = l->received[k] - l->direct[k];
        indirect = indirect > 0.0 ? indirect : 0.0;
        *value += f->contact == WR_FLOOR_DIRECT     ? l->direct[k]
                  : f->contact == WR_FLOOR_INDIRECT ? indirect
                                                    : l->received[k];
    }
    *share = l->total > 0.0 ? min1(*value / l->total) : 0.0;
}

static bool floor_holds(const wr_floor *f, double value, double share)
{
    return value > 0.0 && ((f->min_share >= 0.0 && share >= f->min_share) ||
                           (f->min_value >= 0.0 && value >= f->min_value));
}

static wr_reason floor_reason(const wr_floor *f, int direction, double value,
                              double share)
{
    wr_reason r = {.kind = WR_REASON_FLOOR,
                   .category = -1,
                   .direction = direction,
                   .part = f->floor,
                   .share = share,
                   .value = value};
    (void)snprintf(r.rule, sizeof r.rule, "%s", f->id);
    return r;
}

/* The floor's reason when it holds for v: own label first, then the larger share. */
static bool floor_of(wr_reason *out, const wr_evidence *e, const wr_floor *f)
{
    const int own = e->own_category;
    if (own >= 0 && (f->categories >> own & 1u) && f->contact != WR_FLOOR_INDIRECT) {
        *out = floor_reason(f, -1, 0.0, 1.0);
        out->category = own;
        return true;
    }
    bool holds = false;
    for (int d = 0; d < WR_DIRECTIONS; d++) {
        if (!(f->directions >> d & 1u))
            continue;
        double value;
        double share;
        floor_exposure(e, f, d, &value, &share);
        if (floor_holds(f, value, share) && (!holds || share > out->share)) {
            *out = floor_reason(f, d, value, share);
            holds = true;
        }
    }
    return holds;
}

static double with_floors(const wr_evidence *e, double base, gather *to)
{
    double score = base;
    const wr_policy *p = &e->a->cfg->policy;
    for (uint32_t i = 0; i < p->floor_count; i++) {
        wr_reason r;
        if (floor_of(&r, e, &p->floor[i])) {
            score = r.part > score ? r.part : score;
            tell(to, r);
        }
    }
    return score;
}

/* false: no model scores, it is not asked, or the wallet was met after the run. */
static bool add_probability(running *r, const wr_evidence *e)
{
    if (!e->a->probability || e->is_by_rules || e->v == WR_VID_NONE)
        return false;
    const double p = e->a->probability[e->v];
    wr_reason why = {
        .kind = WR_REASON_MODEL, .category = -1, .direction = -1, .part = p, .share = p};
    (void)snprintf(why.rule, sizeof why.rule, "%s", wr_learned_id(e->a->cfg->model));
    add_part(r, why);
    return true;
}

static double score_of(const wr_evidence *e, double *base, int *category, gather *to)
{
    running r = {.keep = 1.0, .category = -1, .to = to};
    r.is_in_model = add_probability(&r, e);
    add_exposures(&r, e, WR_RECEIVING);
    add_exposures(&r, e, WR_SENDING);
    add_typologies(&r, e);
    r.is_in_model = false;
    add_own_label(&r, e);
    *base = 1.0 - r.keep;
    *category = r.category;
    return with_floors(e, *base, to);
}

double wr_evidence_score(const wr_evidence *e, double *base, int *category)
{
    return score_of(e, base, category, NULL);
}

/* --- reasons ---------------------------------------------------------------------------
 */

static int by_part(const void *pa, const void *pb)
{
    const wr_reason *a = pa;
    const wr_reason *b = pb;
    if (a->part > b->part || a->part < b->part)
        return a->part > b->part ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->category != b->category)
        return a->category < b->category ? -1 : 1;
    if (a->direction != b->direction)
        return a->direction < b->direction ? -1 : 1;
    if (a->typology.typology != b->typology.typology)
        return a->typology.typology < b->typology.typology ? -1 : 1;
    return strcmp(a->rule, b->rule);
}

static void tell_hints(const wr_evidence *e, gather *to)
{
    enum { HINT_PERCENT = 10 };
    const double close = e->v == WR_VID_NONE ? 0.0 : e->a->association[0][e->v];
    if (close * 100.0 >= HINT_PERCENT && e->own_category < 0)
        tell(to, (wr_reason){.kind = WR_REASON_ASSOCIATION,
                             .category = -1,
                             .direction = -1,
                             .share = close});
    const wr_ledger_view *l = &e->ledger[WR_RECEIVING];
    if (l->total > 0.0 && l->received_unknown > 0.0)
        tell(to, (wr_reason){.kind = WR_REASON_UNKNOWN_ORIGIN,
                             .category = -1,
                             .direction = WR_RECEIVING,
                             .share = min1(l->received_unknown / l->total),
                             .value = l->received_unknown});
}

uint32_t wr_evidence_reasons(const wr_evidence *e, wr_reason out[WR_REASONS_MAX])
{
    gather to = {.reason = out};
    double base;
    int category;
    (void)score_of(e, &base, &category, &to);
    tell_hints(e, &to);
    qsort(out, to.count, sizeof *out, by_part);
    return to.count;
}

/* --- all wallets -----------------------------------------------------------------------
 */

typedef struct ranked {
    double score;
    wr_vid v;
} ranked;

static int by_rank(const void *pa, const void *pb)
{
    const ranked *a = pa;
    const ranked *b = pb;
    if (a->score > b->score || a->score < b->score)
        return a->score > b->score ? -1 : 1;
    return (a->v > b->v) - (a->v < b->v);
}

/* Scored wallets sorted; behind them those of score 0 as they come.  No hubs. */
static wr_status make_order(wr_assessment *a, wr_err *err)
{
    uint64_t scored = 0;
    for (wr_vid v = 0; v < a->n; v++)
        scored += a->score[v] > 0.0 && !wr_flow_is_hub(&a->flow, v);
    WR_AUTO_ARRAY ranked *r = wr_calloc(scored, sizeof *r);
    if (!r)
        return wr_fail(err, WR_ENOMEM, "order of %u wallets", a->n);
    uint32_t k = 0;
    for (wr_vid v = 0; v < a->n; v++)
        if (a->score[v] > 0.0 && !wr_flow_is_hub(&a->flow, v))
            r[k++] = (ranked){.score = a->score[v], .v = v};
    qsort(r, k, sizeof *r, by_rank);
    for (uint32_t i = 0; i < k; i++)
        a->order[i] = r[i].v;
    for (wr_vid v = 0; v < a->n; v++)
        if (!(a->score[v] > 0.0) && !wr_flow_is_hub(&a->flow, v))
            a->order[k++] = v;
    a->order_count = k;
    a->run.scored = k;
    return WR_OK;
}

wr_status wr_assess_score_all(wr_assessment *a, wr_err *err)
{
    const uint32_t n = a->n;
    const wr_policy *policy = &a->cfg->policy;
#pragma omp parallel for default(none) shared(a, n, policy) schedule(dynamic, 4096)
    for (uint32_t v = 0; v < n; v++) {
        int category = -1;
        a->score[v] = 0.0;
        a->base[v] = 0.0;
        if (!wr_flow_is_hub(&a->flow, v)) {
            wr_evidence e;
            wr_evidence_of_run(&e, a, v);
            a->score[v] = wr_evidence_score(&e, &a->base[v], &category);
        }
        a->category[v] = (int8_t)category;
        a->level[v] = (uint8_t)wr_policy_level(policy, a->score[v]);
    }
    for (uint32_t v = 0; v < n; v++)
        if (!(a->score[v] >= 0.0 && a->score[v] <= 1.0))
            return wr_fail(err, WR_ECORRUPT, "score of vertex %u is %g", v, a->score[v]);
    return make_order(a, err);
}
