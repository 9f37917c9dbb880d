#include "pipeline/answers/what_if.h"

#include <string.h>

#include "pipeline/run/assess_int.h"
#include "scoring/arrival.h"

struct wr_what_if {
    const wr_assessment *a;
    wr_what_if_opts o;
    int8_t *category; /* [n] labels of that world; NULL: the run's */
    wr_seeds seeds;   /* other arrays are the run's */
    wr_flow flow;
    bool has_ledgers;
    wr_ledger ledger[WR_DIRECTIONS];
    uint32_t *hold_s[WR_DIRECTIONS]; /* [n*c]; NULL: the run's */
};

void wr_what_if_free(wr_what_if *w)
{
    for (int d = 0; w && d < WR_DIRECTIONS; d++) {
        wr_ledger_release(&w->ledger[d]);
        wr_free(w->hold_s[d]);
    }
    if (w)
        wr_free(w->category);
    wr_free(w);
}

static wr_status drop_label(wr_what_if *w, wr_err *err)
{
    if (w->o.without >= w->a->n)
        return wr_fail(err, WR_EINVAL, "vertex %u of %u", w->o.without, w->a->n);
    w->category = wr_calloc(w->a->n, sizeof *w->category);
    if (!w->category)
        return wr_fail(err, WR_ENOMEM, "labels of %u wallets", w->a->n);
    memcpy(w->category, w->a->labels.seeds.category, w->a->n * sizeof *w->category);
    w->category[w->o.without] = WR_SEED_NONE;
    w->seeds.category = w->category;
    return WR_OK;
}

static wr_status run_direction(wr_what_if *w, wr_direction d, wr_err *err)
{
    wr_ledger_opts o = WR_LEDGER_OPTS_INIT;
    o.direction = d;
    WR_TRY(wr_ledger_run(&w->ledger[d], &w->flow, &o, err));
    if (!w->category) /* nobody pushes in an earlier world */
        return WR_OK;
    w->hold_s[d] = wr_alloc_big((size_t)w->a->n * w->a->c, sizeof *w->hold_s[d]);
    if (!w->hold_s[d])
        return wr_fail(err, WR_ENOMEM, "causal mask of %u wallets", w->a->n);
    return wr_arrival(w->hold_s[d], &w->flow, d, NULL, err);
}

wr_status wr_what_if_new(wr_what_if **out, const wr_assessment *a,
                         const wr_what_if_opts *o, wr_err *err)
{
    WR_AUTO(wr_what_if) w = wr_calloc(1, sizeof *w);
    if (!w)
        return wr_fail(err, WR_ENOMEM, "another world");
    w->a = a;
    w->o = *o;
    w->seeds = a->labels.seeds;
    w->flow = a->flow;
    w->flow.seeds = &w->seeds;
    if (o->without != WR_VID_NONE)
        WR_TRY(drop_label(w, err));
    if (o->as_of_s != WR_TIME_NONE) {
        const int64_t t = o->as_of_s < 0 ? 0 : o->as_of_s;
        w->o.as_of_s = t < UINT32_MAX ? t : UINT32_MAX; /* the time of transfers */
        w->flow.col.m = wr_columns_before(&a->flow.col, (uint64_t)w->o.as_of_s + 1);
    }
    w->has_ledgers = w->flow.col.m <= o->transfers_max && a->n <= WR_WHAT_IF_WALLETS_MAX;
    for (int d = 0; w->has_ledgers && d < WR_DIRECTIONS; d++)
        WR_TRY(run_direction(w, (wr_direction)d, err));
    *out = WR_STEAL(w);
    return WR_OK;
}

bool wr_what_if_has_ledgers(const wr_what_if *w)
{
    return w->has_ledgers;
}

void wr_what_if_evidence(wr_evidence *e, const wr_what_if *w, wr_vid v)
{
    wr_evidence_of_run(e, w->a, v);
    e->is_by_rules = true; /* the model's probability is of this world */
    const bool is_earlier = w->o.as_of_s != WR_TIME_NONE;
    for (int d = 0; d < WR_DIRECTIONS; d++)
        e->ledger[d] = wr_ledger_at(&w->ledger[d], v);
    if (is_earlier)
        e->v = WR_VID_NONE; /* of the run there is nothing to say */
    const bool holds =
        w->seeds.category[v] >= 0 &&
        (!is_earlier || wr_seeds_at(&w->seeds, v, (uint32_t)w->o.as_of_s) >= 0);
    if (!holds) {
        e->own_category = -1;
        e->own_confidence = 0.0;
    }
}

wr_status wr_what_if_push(wr_push_result *out, const wr_what_if *w, wr_vid v,
                          wr_direction d, wr_err *err)
{
    const wr_assessment *a = w->a;
    const wr_views vw = wr_views_of(a->g);
    wr_push_opts o = WR_PUSH_OPTS_INIT;
    o.direction = d;
    o.damping = a->cfg->opts.gamma;
    o.hold_s = w->hold_s[d] ? w->hold_s[d] : a->hold_s[d];
    o.is_label_seen_past = true;
    return wr_push(out, &vw, &w->seeds, v, &o, err);
}
