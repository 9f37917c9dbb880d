/* The graph before T, the labels of a world, and exposures in it. */
#include <string.h>

#include "pipeline/input/side_by_side.h"
#include "pipeline/learning/frame_int.h"
#include "scoring/arrival.h"
#include "scoring/static_exposure.h"
#include "util/rng.h"

enum { DIRECTIONS = 2 };

/* ---- the graph before T ---- */

/*
 * A graph of its own, not a shorter window on this one: values of pairs are sums over
 * all time, and rows by wallet reach to the end.
 */
static wr_status cut(wr_snapshot **out, const wr_frame_input *in, uint64_t m, wr_err *err)
{
    const wr_columns col = wr_snapshot_columns(in->g);
    wr_edges e = {0};
    WR_TRY(wr_edges_reserve(&e, m, err));
    e.m = m;
    if (m) {
        memcpy(e.from, col.from, m * sizeof *e.from);
        memcpy(e.to, col.to, m * sizeof *e.to);
        memcpy(e.time_s, col.time_s, m * sizeof *e.time_s);
        memcpy(e.value, col.value, m * sizeof *e.value);
    }
    for (uint64_t i = 0; i < m; i++) {
        e.asset[i] = col.asset ? col.asset[i] : 0;
        e.seq[i] = wr_columns_seq(&col, i);
    }
    return wr_snapshot_build(out, &e, NULL, wr_snapshot_n(in->g), in->pg, err);
}

/* "All" is as of the second after the last transfer: ages and windows mean something. */
static uint32_t time_of(const wr_frame_input *in, const wr_columns *col)
{
    if (in->as_of_s < UINT32_MAX || !col->m || col->time_s[col->m - 1] == UINT32_MAX)
        return in->as_of_s;
    return col->time_s[col->m - 1] + 1;
}

/* ---- labels ---- */

static void recount(wr_seeds *s)
{
    s->count = 0;
    for (uint32_t v = 0; v < s->n; v++)
        s->count += s->category[v] >= 0;
}

/* A label that begins at T or later is not there; an earlier one holds at its times. */
static wr_status labels_init(wr_frame_past *p, wr_err *err)
{
    const wr_seeds *s = p->in->seeds;
    p->all = p->seen = *s;
    p->all.category = wr_calloc(s->n, sizeof *s->category);
    p->seen.category = wr_calloc(s->n, sizeof *s->category);
    if (!p->all.category || !p->seen.category)
        return wr_fail(err, WR_ENOMEM, "labels of %u wallets", s->n);
    for (uint32_t v = 0; v < s->n; v++) {
        p->all.category[v] = WR_SEED_NONE;
        if ((s->from_s ? s->from_s[v] : 0) < p->as_of_s)
            p->all.category[v] = s->category[v];
    }
    recount(&p->all);
    return WR_OK;
}

wr_status wr_frame_past_init(wr_frame_past *p, const wr_frame_input *in, wr_err *err)
{
    const wr_columns col = wr_snapshot_columns(in->g);
    *p = (wr_frame_past){.in = in, .n = wr_snapshot_n(in->g)};
    p->worlds = in->fold_of && in->folds ? in->folds : 1;
    p->as_of_s = time_of(in, &col);
    WR_TRY(labels_init(p, err));
    const uint64_t m = wr_columns_before(&col, p->as_of_s);
    if (m < col.m)
        WR_TRY(cut(&p->cut, in, m, err));
    const wr_snapshot *g = p->cut ? p->cut : in->g;
    p->fl = wr_flow_of(g, &p->seen);
    p->vw = wr_views_of(g);
    p->fl.hub_bits = p->vw.hub_bits = wr_snapshot_hub_bits(in->g);
    return WR_OK;
}

void wr_frame_past_release(wr_frame_past *p)
{
    wr_snapshot_unref(p->cut);
    wr_free(p->all.category);
    wr_free(p->seen.category);
    *p = (wr_frame_past){0};
}

uint32_t wr_frame_world_of(const wr_frame_past *p, wr_vid v)
{
    if (p->worlds == 1)
        return 0;
    if (p->in->fold_of[v] != WR_FRAME_FOLD_NONE)
        return p->in->fold_of[v];
    wr_rng seed = {.s = p->in->seed};
    wr_rng own = wr_rng_fork(&seed, v);
    return (uint32_t)wr_rng_below(&own, p->worlds);
}

void wr_frame_enter(wr_frame_past *p, uint32_t world)
{
    const uint8_t *fold_of = p->in->folds ? p->in->fold_of : NULL;
    for (uint32_t v = 0; v < p->n; v++) {
        p->seen.category[v] = WR_SEED_NONE;
        if (!fold_of || fold_of[v] != world)
            p->seen.category[v] = p->all.category[v];
    }
    recount(&p->seen);
}

/* ---- exposures: walks over transfers side by side, then the views on pairs ---- */

typedef struct computing {
    wr_frame_exposures *x;
    const wr_frame_past *p;
} computing;

static wr_status run_ledger(void *ctx, wr_direction d, const wr_progress *pg, wr_err *err)
{
    const computing *c = ctx;
    wr_ledger_opts o = WR_LEDGER_OPTS_INIT;
    o.direction = d;
    o.pg = pg;
    return wr_ledger_run(&c->x->ledger[d], &c->p->fl, &o, err);
}

static wr_status run_fifo(void *ctx, wr_direction d, const wr_progress *pg, wr_err *err)
{
    const computing *c = ctx;
    wr_fifo_opts o = WR_FIFO_OPTS_INIT;
    o.direction = d;
    o.pg = pg;
    return wr_fifo_run(&c->x->fifo, &c->p->fl, &o, err);
}

static wr_status run_poison(void *ctx, wr_direction d, const wr_progress *pg, wr_err *err)
{
    const computing *c = ctx;
    return wr_poison_run(&c->x->poison[d], &c->p->fl, d, c->p->in->opts->poison_hops, pg,
                         err);
}

static wr_status run_arrival(void *ctx, wr_direction d, const wr_progress *pg,
                             wr_err *err)
{
    const computing *c = ctx;
    return wr_arrival(c->x->hold_s[d], &c->p->fl, d, pg, err);
}

static wr_status run_transfer_kernels(wr_frame_exposures *x, const wr_frame_past *p,
                                      wr_err *err)
{
    static const wr_side side[] = {
        {run_ledger, WR_RECEIVING}, {run_ledger, WR_SENDING}, {run_fifo, WR_RECEIVING},
        {run_poison, WR_RECEIVING}, {run_poison, WR_SENDING}, {run_arrival, WR_RECEIVING},
        {run_arrival, WR_SENDING},
    };
    computing c = {x, p};
    return wr_side_by_side(side, sizeof side / sizeof *side, &c, p->in->pg, err);
}

static wr_status run_static(wr_frame_exposures *x, const wr_frame_past *p, wr_direction d,
                            wr_err *err)
{
    wr_static_opts o = WR_STATIC_OPTS_INIT;
    o.direction = d;
    o.damping = p->in->opts->gamma;
    o.eps = p->in->opts->eps;
    o.max_step = p->in->opts->iter_max;
    o.hold_s = x->hold_s[d];
    o.is_label_seen_past = true; /* what reaches a labelled wallet, not its own label */
    o.pg = p->in->pg;
    return wr_static_exposure(x->shares[d], NULL, &p->vw, &p->seen, &o, err);
}

wr_status wr_frame_exposures_run(wr_frame_exposures *x, const wr_frame_past *p,
                                 wr_err *err)
{
    const size_t cells = (size_t)p->n * p->seen.c;
    for (int d = 0; d < DIRECTIONS; d++) {
        x->hold_s[d] = wr_alloc_big(cells, sizeof *x->hold_s[d]);
        x->shares[d] = wr_alloc_big(cells, sizeof *x->shares[d]);
        if (!x->hold_s[d] || !x->shares[d])
            return wr_fail(err, WR_ENOMEM, "exposures of %u wallets", p->n);
    }
    WR_TRY(run_transfer_kernels(x, p, err));
    for (int d = 0; d < DIRECTIONS; d++) {
        WR_TRY(run_static(x, p, (wr_direction)d, err));
        wr_free(x->hold_s[d]);
        x->hold_s[d] = NULL;
    }
    x->view = (wr_feature_exposures){.received = &x->ledger[WR_RECEIVING],
                                     .sent = &x->ledger[WR_SENDING],
                                     .fifo = &x->fifo,
                                     .poison_in = &x->poison[WR_RECEIVING],
                                     .poison_out = &x->poison[WR_SENDING],
                                     .static_received = x->shares[WR_RECEIVING],
                                     .static_sent = x->shares[WR_SENDING]};
    return WR_OK;
}

void wr_frame_exposures_release(wr_frame_exposures *x)
{
    for (int d = 0; d < DIRECTIONS; d++) {
        wr_ledger_release(&x->ledger[d]);
        wr_poison_release(&x->poison[d]);
        wr_free(x->hold_s[d]);
        wr_free(x->shares[d]);
    }
    wr_fifo_release(&x->fifo);
    *x = (wr_frame_exposures){0};
}
