/*
 * past_gen.h - a random flow with everything that wallet features read: rows, pairs,
 * labels, and the same flow cut at a time T.
 *
 * Built from flow_gen.h and views_gen.h; times are stretched so that windows, days and
 * nights matter.  Header only; one per test program.
 */
#ifndef WR_PAST_GEN_H
#define WR_PAST_GEN_H

#include "flow_gen.h"
#include "scoring/features.h"
#include "views_gen.h"

typedef struct past_gen {
    flow_gen g;
    views_gen v;
    uint32_t as_of_s; /* somewhere inside */
} past_gen;

static inline void past_gen_views(past_gen *p)
{
    views_row *row = wr_calloc(p->g.m, sizeof *row);
    for (uint64_t i = 0; i < p->g.m; i++)
        row[i] = (views_row){.from = p->g.from[i],
                             .to = p->g.to[i],
                             .time_s = p->g.time_s[i],
                             .value = p->g.value[i]};
    views_gen_init(&p->v, p->g.fl.n, row, p->g.m);
    wr_free(row);
}

static inline uint32_t past_gen_last(const past_gen *p)
{
    return p->g.m ? p->g.time_s[p->g.m - 1] : 0;
}

/* Pointers follow p: build in place, never copy. */
static inline void past_gen_init(past_gen *p, uint64_t seed, const flow_gen_opts *o,
                                 uint32_t scale_s)
{
    flow_gen_init(&p->g, seed, o);
    for (uint64_t i = 0; i < p->g.m; i++)
        p->g.time_s[i] *= scale_s;
    for (uint32_t v = 0; v < p->g.fl.n; v++) {
        p->g.seeds.from_s[v] *= scale_s;
        if (p->g.seeds.to_s[v] != UINT32_MAX)
            p->g.seeds.to_s[v] *= scale_s;
    }
    wr_rng r = {.s = seed ^ 0xa50fULL};
    p->as_of_s = 1 + (uint32_t)wr_rng_below(&r, past_gen_last(p) + 2ULL);
    past_gen_views(p);
}

/* Forget transfers at T and later. */
static inline void past_gen_cut(past_gen *p)
{
    flow_gen *g = &p->g;
    while (g->m && g->time_s[g->m - 1] >= p->as_of_s)
        g->m--;
    g->fl.col.m = g->m;
    wr_free(g->in_off);
    wr_free(g->in_col);
    wr_free(g->out_off);
    wr_free(g->out_col);
    flow_gen_rows(&g->fl.in, &g->in_off, &g->in_col, g->to, g);
    flow_gen_rows(&g->fl.out, &g->out_off, &g->out_col, g->from, g);
    views_gen_release(&p->v);
    past_gen_views(p);
}

static inline void past_gen_release(past_gen *p)
{
    views_gen_release(&p->v);
    flow_gen_release(&p->g);
}

static inline wr_features_opts past_gen_options(const past_gen *p)
{
    wr_features_opts o = WR_FEATURES_OPTS_INIT;
    o.as_of_s = p->as_of_s;
    o.limit[0] = 400;
    o.dust = 50;
    o.mixer = p->g.seeds.c > 1 ? 1 : WR_SEED_NONE;
    o.bridge = p->g.seeds.c > 2 ? 2 : WR_SEED_NONE;
    o.dex = p->g.seeds.c > 5 ? 5 : WR_SEED_NONE;
    return o;
}

/* All rows; wr_free. */
static inline float *past_gen_rows(const past_gen *p, const wr_feature_exposures *ex)
{
    const uint32_t n = p->g.fl.n;
    const wr_features_opts o = past_gen_options(p);
    float *x = wr_calloc((size_t)n * WR_WF_COUNT, sizeof *x);
    WR_AUTO(wr_features) f = NULL;
    for (size_t i = 0; i < (size_t)n * WR_WF_COUNT; i++)
        x[i] = __builtin_nanf(""); /* no column is forgotten */
    assert_ok(wr_features_new(&f, &p->g.fl, &p->v.vw, &o, &err));
    assert_ok(wr_features_rows(x, WR_WF_COUNT, f, 0, n, ex, &err));
    return x;
}

#endif
