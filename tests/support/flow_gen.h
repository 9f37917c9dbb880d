/*
 * flow_gen.h - random temporal flows for kernel tests: transfers, labels, hubs, rows.
 *
 * Everything comes from one seed.  Times rise with many ties; a hub is one transaction:
 * some inputs, then some outputs, all at one time.  Header only; one per test program.
 */
#ifndef WR_FLOW_GEN_H
#define WR_FLOW_GEN_H

#include "scoring/flow.h"
#include "wr_test.h"

typedef struct flow_gen_opts {
    uint32_t n, m, c, assets, hubs;
    double label_prob, dated_prob, doubt_prob;
    double zero_prob, self_prob;
    bool is_whole; /* whole-number values 1..1000, else decimals */
} flow_gen_opts;

typedef struct flow_gen {
    wr_flow fl;
    wr_seeds seeds;
    wr_vid *from, *to;
    uint32_t *time_s;
    double *value;
    uint16_t *asset;
    uint64_t *hub_bits;
    uint32_t *in_off, *out_off;
    uint32_t *in_col, *out_col;
    uint64_t m, cap;
} flow_gen;

static inline bool flow_gen_hit(wr_rng *r, double prob)
{
    return wr_rng_unit(r) < prob;
}

static inline void flow_gen_add(flow_gen *g, wr_vid from, wr_vid to, uint32_t t,
                                double value, uint16_t asset)
{
    assert_true(g->m < g->cap);
    g->from[g->m] = from;
    g->to[g->m] = to;
    g->time_s[g->m] = t;
    g->value[g->m] = value;
    g->asset[g->m++] = asset;
}

static inline double flow_gen_value(wr_rng *r, const flow_gen_opts *o)
{
    if (flow_gen_hit(r, o->zero_prob))
        return 0;
    if (o->is_whole)
        return (double)(1 + wr_rng_below(r, 1000));
    return (double)(1 + wr_rng_below(r, 1000000)) / 1000.0;
}

static inline void flow_gen_transaction(flow_gen *g, wr_vid hub, uint32_t users,
                                        uint32_t t, wr_rng *r, const flow_gen_opts *o)
{
    uint16_t asset = (uint16_t)wr_rng_below(r, o->assets);
    uint64_t inputs = wr_rng_below(r, 4), outputs = 1 + wr_rng_below(r, 3);
    for (uint64_t i = 0; i < inputs; i++)
        flow_gen_add(g, (wr_vid)wr_rng_below(r, users), hub, t, flow_gen_value(r, o),
                     asset);
    for (uint64_t i = 0; i < outputs; i++)
        flow_gen_add(g, hub, (wr_vid)wr_rng_below(r, users), t, flow_gen_value(r, o),
                     asset);
    g->hub_bits[hub / 64] |= 1ULL << (hub % 64);
}

static inline void flow_gen_labels(flow_gen *g, uint32_t users, wr_rng *r,
                                   const flow_gen_opts *o)
{
    wr_seeds *s = &g->seeds;
    uint32_t n = g->fl.n;
    *s = (wr_seeds){.n = n, .c = o->c};
    s->category = wr_calloc(n, sizeof *s->category);
    s->confidence = wr_calloc(n, sizeof *s->confidence);
    s->from_s = wr_calloc(n, sizeof *s->from_s);
    s->to_s = wr_calloc(n, sizeof *s->to_s);
    for (uint32_t c = 0; c < o->c; c++)
        s->kind[c] = (uint8_t)(c % 3);
    for (uint32_t v = 0; v < n; v++) {
        s->category[v] = WR_SEED_NONE;
        s->to_s[v] = UINT32_MAX;
        if (v >= users || !flow_gen_hit(r, o->label_prob))
            continue;
        s->category[v] = (int8_t)wr_rng_below(r, o->c);
        s->confidence[v] = 1;
        s->count++;
        if (flow_gen_hit(r, o->doubt_prob))
            s->confidence[v] = (float)(1 + wr_rng_below(r, 7)) / 8.0f;
        if (flow_gen_hit(r, o->dated_prob)) {
            s->from_s[v] = (uint32_t)wr_rng_below(r, g->m + 1);
            s->to_s[v] = s->from_s[v] + (uint32_t)wr_rng_below(r, g->m + 1);
        }
    }
}

static inline void flow_gen_rows(wr_rows *out, uint32_t **off, uint32_t **col,
                                 const wr_vid *key, const flow_gen *g)
{
    *off = wr_calloc(g->fl.n + 2, sizeof **off);
    *col = wr_calloc(g->m, sizeof **col);
    for (uint64_t i = 0; i < g->m; i++)
        (*off)[key[i] + 2]++;
    for (uint32_t v = 0; v <= g->fl.n; v++)
        (*off)[v + 1] += (*off)[v];
    for (uint64_t i = 0; i < g->m; i++)
        (*col)[(*off)[key[i] + 1]++] = (uint32_t)i;
    *out = (wr_rows){.n = g->fl.n, .m = g->m, .off = *off, .col = *col};
}

/* Pointers of g->fl follow g: build in place, never copy. */
static inline void flow_gen_init(flow_gen *g, uint64_t seed, const flow_gen_opts *o)
{
    wr_rng r = {.s = seed};
    *g = (flow_gen){.cap = o->m + 8ULL * o->hubs};
    g->from = wr_calloc(g->cap, sizeof *g->from);
    g->to = wr_calloc(g->cap, sizeof *g->to);
    g->time_s = wr_calloc(g->cap, sizeof *g->time_s);
    g->value = wr_calloc(g->cap, sizeof *g->value);
    g->asset = wr_calloc(g->cap, sizeof *g->asset);
    uint32_t users = o->n, n = o->n + o->hubs, hub = 0, t = 1;
    g->hub_bits = wr_calloc(n / 64 + 1, sizeof *g->hub_bits);
    for (uint32_t i = 0; users && i < o->m; i++) {
        t += flow_gen_hit(&r, 0.6);
        if (hub < o->hubs && wr_rng_below(&r, o->m) < 2 * o->hubs)
            flow_gen_transaction(g, users + hub++, users, t, &r, o);
        wr_vid u = (wr_vid)wr_rng_below(&r, users), v = (wr_vid)wr_rng_below(&r, users);
        flow_gen_add(g, u, flow_gen_hit(&r, o->self_prob) ? u : v, t,
                     flow_gen_value(&r, o), (uint16_t)wr_rng_below(&r, o->assets));
    }
    g->fl = (wr_flow){.n = n,
                      .col = {.m = g->m,
                              .from = g->from,
                              .to = g->to,
                              .time_s = g->time_s,
                              .value = g->value,
                              .asset = g->asset},
                      .hub_bits = o->hubs ? g->hub_bits : NULL,
                      .seeds = &g->seeds};
    flow_gen_labels(g, users, &r, o);
    flow_gen_rows(&g->fl.in, &g->in_off, &g->in_col, g->to, g);
    flow_gen_rows(&g->fl.out, &g->out_off, &g->out_col, g->from, g);
}

static inline void flow_gen_release(flow_gen *g)
{
    wr_seeds_release(&g->seeds);
    wr_free(g->from);
    wr_free(g->to);
    wr_free(g->time_s);
    wr_free(g->value);
    wr_free(g->asset);
    wr_free(g->hub_bits);
    wr_free(g->in_off);
    wr_free(g->in_col);
    wr_free(g->out_off);
    wr_free(g->out_col);
    *g = (flow_gen){0};
}

/* A shape by seed: tiny to small, with and without hubs, assets, dates, doubt. */
static inline flow_gen_opts flow_gen_shape(uint64_t seed)
{
    wr_rng r = {.s = seed ^ 0x5eedULL};
    flow_gen_opts o = {.n = 2 + (uint32_t)wr_rng_below(&r, 18),
                       .m = 1 + (uint32_t)wr_rng_below(&r, 90),
                       .c = 1 + (uint32_t)wr_rng_below(&r, WR_CATEGORY_MAX),
                       .assets = seed % 3 ? 1 : 3,
                       .hubs = seed % 4 == 1 ? (uint32_t)wr_rng_below(&r, 12) : 0,
                       .label_prob = 0.05 + 0.4 * wr_rng_unit(&r),
                       .dated_prob = seed % 5 ? 0 : 0.7,
                       .doubt_prob = seed % 7 ? 0 : 0.5,
                       .zero_prob = 0.05,
                       .self_prob = 0.05,
                       .is_whole = seed % 2};
    return o;
}

#endif
