/*
 * live_flow.h - a random flow through a live ledger, against one run over everything.
 *
 * The flow's transfers arrive in an order of their own (some late); the first of them are
 * the base, with vertices numbered another way round, the rest come in batches.  What may
 * differ is found by a plain search: forward in (time, seq) from both ends of every
 * transfer that was reported out of order.  All else must have the same bits.
 */
#ifndef WR_LIVE_FLOW_H
#define WR_LIVE_FLOW_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "flow_gen.h"
#include "scoring/ledger_live_int.h"

typedef struct live_flow_opts {
    double base_part;   /* 0 = no base */
    double late_prob;   /* arrives later than its turn … */
    uint32_t late_most; /* … by so many transfers at most */
    uint32_t epoch_rows, epoch_count, batch_most;
    bool is_plain;
    bool is_change_checked; /* all states before and after each batch: small flows */
} live_flow_opts;

typedef struct live_flow_count {
    uint64_t same, excluded; /* wallets */
    uint64_t differing;      /* of those excluded */
    uint64_t out_of_order, undone, transfers;
} live_flow_count;

typedef struct live_flow {
    const flow_gen *g;
    const live_flow_opts *o;
    wr_rng r;
    uint64_t base_m;
    uint64_t *arrival; /* [m] position of the j-th to arrive; its seq is 3 j + 7 */
    uint64_t *turn;    /* [m] arrivals by (time, seq) */
    bool *is_out;      /* [m] by arrival */
    wr_ledger want, base;
    wr_vid *base_v;   /* [n] */
    uint32_t *last_s; /* [n] in the base */
    uint32_t *handle; /* [n] WR_VID_NONE = not added */
    wr_ledger_live *l;
} live_flow;

typedef struct live_flow_key {
    uint64_t key, i;
} live_flow_key;

static inline int live_flow_compare(const void *a, const void *b)
{
    const live_flow_key *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->i < y->i ? -1 : x->i > y->i;
}

static inline uint64_t *live_flow_order(live_flow_key *k, uint64_t m)
{
    uint64_t *order = wr_calloc(m, sizeof *order);
    qsort(k, m, sizeof *k, live_flow_compare);
    for (uint64_t i = 0; i < m; i++)
        order[i] = k[i].i;
    return order;
}

static inline void live_flow_arrive(live_flow *f)
{
    const flow_gen *g = f->g;
    WR_AUTO_ARRAY live_flow_key *k = wr_calloc(g->m, sizeof *k);
    for (uint64_t i = 0; i < g->m; i++) {
        bool is_late = flow_gen_hit(&f->r, f->o->late_prob);
        uint64_t late = is_late ? 1 + wr_rng_below(&f->r, f->o->late_most) : 0;
        k[i] = (live_flow_key){i + late, i};
    }
    f->arrival = live_flow_order(k, g->m);
    for (uint64_t j = 0; j < g->m; j++)
        k[j] = (live_flow_key){g->time_s[f->arrival[j]], j};
    f->turn = live_flow_order(k, g->m);
}

/* A ledger over the arrivals below `end`, vertices renamed when there are names. */
static inline wr_ledger live_flow_run(const live_flow *f, uint64_t end,
                                      const wr_vid *name, uint32_t n,
                                      const uint64_t *hub_bits, const wr_seeds *seeds)
{
    const flow_gen *g = f->g;
    WR_AUTO_ARRAY wr_vid *from = wr_calloc(end, sizeof *from);
    WR_AUTO_ARRAY wr_vid *to = wr_calloc(end, sizeof *to);
    WR_AUTO_ARRAY uint32_t *time_s = wr_calloc(end, sizeof *time_s);
    WR_AUTO_ARRAY double *value = wr_calloc(end, sizeof *value);
    WR_AUTO_ARRAY uint16_t *asset = wr_calloc(end, sizeof *asset);
    uint64_t m = 0;
    for (uint64_t k = 0; k < g->m; k++) {
        if (f->turn[k] >= end)
            continue;
        uint64_t i = f->arrival[f->turn[k]];
        from[m] = name ? name[g->from[i]] : g->from[i];
        to[m] = name ? name[g->to[i]] : g->to[i];
        time_s[m] = g->time_s[i];
        value[m] = g->value[i];
        asset[m++] = g->asset[i];
    }
    wr_flow fl = {.n = n,
                  .col = {.m = m,
                          .from = from,
                          .to = to,
                          .time_s = time_s,
                          .value = value,
                          .asset = asset},
                  .hub_bits = hub_bits,
                  .seeds = seeds};
    wr_ledger l = {0};
    wr_ledger_opts o = {.is_state_kept = true};
    assert_ok(wr_ledger_run(&l, &fl, &o, &err));
    return l;
}

/* The wallets of the base, the last one first. */
static inline uint32_t live_flow_names(live_flow *f)
{
    const flow_gen *g = f->g;
    uint32_t n = 0;
    for (uint64_t j = 0; j < f->base_m; j++) {
        uint64_t i = f->arrival[j];
        const wr_vid end[] = {g->from[i], g->to[i]};
        for (int k = 0; k < 2; k++) {
            f->base_v[end[k]] = 0;
            if (g->time_s[i] > f->last_s[end[k]])
                f->last_s[end[k]] = g->time_s[i];
        }
    }
    for (wr_vid v = g->fl.n; v-- > 0;)
        if (f->base_v[v] != WR_VID_NONE)
            f->base_v[v] = n++;
    return n;
}

static inline void live_flow_base(live_flow *f)
{
    const flow_gen *g = f->g;
    uint32_t n = live_flow_names(f);
    wr_seeds s = {.n = n, .c = g->seeds.c};
    WR_AUTO_ARRAY int8_t *category = wr_calloc(n, sizeof *category);
    WR_AUTO_ARRAY float *confidence = wr_calloc(n, sizeof *confidence);
    WR_AUTO_ARRAY uint32_t *from_s = wr_calloc(n, sizeof *from_s);
    WR_AUTO_ARRAY uint32_t *to_s = wr_calloc(n, sizeof *to_s);
    WR_AUTO_ARRAY uint64_t *hub_bits = wr_calloc(n / 64 + 1, sizeof *hub_bits);
    memcpy(s.kind, g->seeds.kind, sizeof s.kind);
    for (wr_vid v = 0; v < g->fl.n; v++) {
        wr_vid to = f->base_v[v];
        if (to == WR_VID_NONE)
            continue;
        category[to] = g->seeds.category[v];
        confidence[to] = g->seeds.confidence[v];
        from_s[to] = g->seeds.from_s[v];
        to_s[to] = g->seeds.to_s[v];
        hub_bits[to / 64] |= (uint64_t)wr_flow_is_hub(&g->fl, v) << (to % 64);
    }
    s.category = category;
    s.confidence = confidence;
    s.from_s = from_s;
    s.to_s = to_s;
    f->base = live_flow_run(f, f->base_m, f->base_v, n, hub_bits, &s);
}

static inline void live_flow_init(live_flow *f, const flow_gen *g, uint64_t seed,
                                  const live_flow_opts *o)
{
    *f = (live_flow){.g = g, .o = o, .r = {.s = seed ^ 0x11feULL}};
    f->base_m = (uint64_t)(o->base_part * (double)g->m);
    f->is_out = wr_calloc(g->m, sizeof *f->is_out);
    f->base_v = wr_calloc(g->fl.n, sizeof *f->base_v);
    f->last_s = wr_calloc(g->fl.n, sizeof *f->last_s);
    f->handle = wr_calloc(g->fl.n, sizeof *f->handle);
    memset(f->base_v, 0xff, g->fl.n * sizeof *f->base_v);
    memset(f->handle, 0xff, g->fl.n * sizeof *f->handle);
    live_flow_arrive(f);
    f->want = live_flow_run(f, g->m, NULL, g->fl.n, g->fl.hub_bits, &g->seeds);
    wr_ledger_live_opts lo = {
        .c = g->seeds.c, .epoch_rows = o->epoch_rows, .epoch_count = o->epoch_count};
    memcpy(lo.kind, g->seeds.kind, sizeof lo.kind);
    if (f->base_m) {
        live_flow_base(f);
        lo.base = &f->base;
    }
    assert_ok(wr_ledger_live_new(&f->l, &lo, &err));
    if (o->is_plain)
        f->l->block = wr_ledger_plain_block;
}

static inline void live_flow_release(live_flow *f)
{
    wr_ledger_live_free(f->l);
    wr_ledger_release(&f->want);
    wr_ledger_release(&f->base);
    wr_free(f->arrival);
    wr_free(f->turn);
    wr_free(f->is_out);
    wr_free(f->base_v);
    wr_free(f->last_s);
    wr_free(f->handle);
}

static inline uint32_t live_flow_handle(live_flow *f, wr_vid v)
{
    const wr_seeds *s = &f->g->seeds;
    if (f->handle[v] != WR_VID_NONE)
        return f->handle[v];
    wr_live_wallet w = {.category = s->category[v],
                        .confidence = s->confidence[v],
                        .from_s = s->from_s[v],
                        .to_s = s->to_s[v],
                        .is_hub = wr_flow_is_hub(&f->g->fl, v),
                        .base_v = f->base_v[v],
                        .base_last_s = f->last_s[v]};
    assert_ok(wr_ledger_live_add(f->l, &f->handle[v], &w, &err));
    return f->handle[v];
}

/* Everything but where the arrays are. */
static inline void live_flow_state(wr_live_state *s, const wr_ledger_live *l, uint32_t w)
{
    wr_ledger_live_at(l, w, s);
    assert_ptr_equal(s->view.received, s->received);
    assert_ptr_equal(s->view.direct, s->direct);
    assert_ptr_equal(s->view.taint, s->taint);
    assert_ptr_equal(s->view.mean_hops, s->mean_hops);
    assert_ptr_equal(s->view.held_hops, s->held_hops);
    assert_int_equal(s->view.max_at, UINT32_MAX);
}

static inline bool live_flow_is_same(const wr_ledger_view *a, const wr_ledger_view *b,
                                     uint32_t c)
{
    const double x[] = {a->total, a->balance, a->overdraft, a->received_unknown,
                        a->held_unknown};
    const double y[] = {b->total, b->balance, b->overdraft, b->received_unknown,
                        b->held_unknown};
    return !memcmp(x, y, sizeof x) && !memcmp(a->received, b->received, 8UL * c) &&
           !memcmp(a->direct, b->direct, 8UL * c) &&
           !memcmp(a->taint, b->taint, 8UL * c) &&
           !memcmp(a->mean_hops, b->mean_hops, 4UL * c) &&
           !memcmp(a->held_hops, b->held_hops, 4UL * c) &&
           !memcmp(a->min_hops, b->min_hops, c) &&
           !memcmp(&a->max_share, &b->max_share, sizeof a->max_share);
}

/* Who is not in the list has the state it had. */
static inline void live_flow_check_touched(const live_flow *f,
                                           const wr_live_state *before, uint32_t known,
                                           const uint32_t *touched, size_t count)
{
    WR_AUTO_ARRAY bool *is_in = wr_calloc(known, sizeof *is_in);
    for (size_t i = 0; i < count; i++) {
        assert_true(touched[i] < known && !is_in[touched[i]]);
        is_in[touched[i]] = true;
    }
    for (uint32_t w = 0; w < known; w++) {
        wr_live_state now;
        wr_ledger_view old = before[w].view;
        old.received = before[w].received;
        old.direct = before[w].direct;
        old.taint = before[w].taint;
        old.mean_hops = before[w].mean_hops;
        old.held_hops = before[w].held_hops;
        live_flow_state(&now, f->l, w);
        assert_true(is_in[w] || live_flow_is_same(&old, &now.view, f->g->seeds.c));
    }
}

/* Arrivals [first, end) as one batch. */
static inline void live_flow_batch(live_flow *f, uint64_t first, uint64_t end,
                                   live_flow_count *sum)
{
    const flow_gen *g = f->g;
    size_t n = (size_t)(end - first), count = 0;
    WR_AUTO_ARRAY wr_live_transfer *t = wr_calloc(n, sizeof *t);
    for (size_t k = 0; k < n; k++) {
        uint64_t i = f->arrival[first + k];
        t[k] = (wr_live_transfer){.seq = 3 * (int64_t)(first + k) + 7,
                                  .value = g->value[i],
                                  .time_s = g->time_s[i],
                                  .from = live_flow_handle(f, g->from[i]),
                                  .to = live_flow_handle(f, g->to[i]),
                                  .asset = g->asset[i],
                                  .is_out_of_order = true};
    }
    uint32_t known = f->o->is_change_checked ? f->l->wallet_count : 0;
    WR_AUTO_ARRAY wr_live_state *before = wr_calloc(known, sizeof *before);
    for (uint32_t w = 0; w < known; w++)
        live_flow_state(&before[w], f->l, w);
    const uint32_t *touched;
    uint64_t undone = 0;
    assert_ok(wr_ledger_live_apply(f->l, t, n, &touched, &count, &undone, &err));
    if (known)
        live_flow_check_touched(f, before, known, touched, count);
    for (size_t k = 0; k < n; k++) {
        f->is_out[first + k] = t[k].is_out_of_order;
        sum->out_of_order += t[k].is_out_of_order;
    }
    sum->undone += undone;
    sum->transfers += n;
}

static inline void live_flow_stream(live_flow *f, live_flow_count *sum)
{
    for (uint64_t first = f->base_m, end; first < f->g->m; first = end) {
        end = first + 1 + wr_rng_below(&f->r, f->o->batch_most);
        if (end > f->g->m)
            end = f->g->m;
        live_flow_batch(f, first, end, sum);
    }
    for (wr_vid v = 0; v < f->g->fl.n; v++)
        (void)live_flow_handle(f, v);
}

/* [n] whether something of v may depend on a transfer that was applied out of order.  A
 * payer whose label holds depends on nothing, and nothing on it. */
static inline bool *live_flow_excluded(const live_flow *f, uint32_t assets)
{
    const flow_gen *g = f->g;
    bool *is_out = wr_calloc(g->fl.n, sizeof *is_out);
    WR_AUTO_ARRAY bool *bad = wr_calloc((size_t)g->fl.n * assets, sizeof *bad);
    for (uint64_t k = 0; k < g->m; k++) {
        uint64_t j = f->turn[k], i = f->arrival[j];
        wr_vid u = g->from[i], v = g->to[i];
        bool is_start = f->is_out[j];
        if (u == v || g->value[i] == 0 || wr_seeds_at(&g->seeds, u, g->time_s[i]) >= 0) {
            bad[v * assets + g->asset[i]] |= is_start;
            continue;
        }
        bad[u * assets + g->asset[i]] |= is_start;
        bad[v * assets + g->asset[i]] |= bad[u * assets + g->asset[i]];
    }
    for (wr_vid v = 0; v < g->fl.n; v++)
        for (uint32_t a = 0; a < assets; a++)
            is_out[v] |= bad[v * assets + a];
    return is_out;
}

static inline void live_flow_compare_all(const live_flow *f, uint32_t assets,
                                         live_flow_count *sum)
{
    WR_AUTO_ARRAY bool *is_excluded = live_flow_excluded(f, assets);
    for (wr_vid v = 0; v < f->g->fl.n; v++) {
        wr_live_state got;
        live_flow_state(&got, f->l, f->handle[v]);
        wr_ledger_view want = wr_ledger_at(&f->want, v);
        bool is_same = live_flow_is_same(&got.view, &want, f->g->seeds.c);
        if (!is_excluded[v] && !is_same)
            fail_msg("wallet %u of %u differs after %lu transfers", v, f->g->fl.n,
                     (unsigned long)f->g->m);
        sum->differing += !is_same;
        sum->same += !is_excluded[v];
        sum->excluded += is_excluded[v];
    }
}

/* What came in is held or was absorbed, out of order or not.  Labels without dates. */
static inline void live_flow_conserves(const live_flow *f)
{
    const flow_gen *g = f->g;
    const wr_seeds *s = &g->seeds;
    double in[WR_CATEGORY_MAX] = {0}, held[WR_CATEGORY_MAX] = {0};
    for (uint64_t i = 0; i < g->m; i++) {
        int c = s->category[g->from[i]];
        if (c >= 0 && s->kind[c] != WR_CATEGORY_SERVICE && g->from[i] != g->to[i])
            in[c] += (double)s->confidence[g->from[i]] * g->value[i];
    }
    for (wr_vid v = 0; v < g->fl.n; v++) {
        wr_live_state w;
        live_flow_state(&w, f->l, f->handle[v]);
        for (uint32_t c = 0; c < s->c; c++)
            held[c] += s->category[v] >= 0 ? w.received[c] : w.taint[c];
    }
    for (uint32_t c = 0; c < s->c; c++)
        if (s->kind[c] != WR_CATEGORY_SERVICE)
            assert_true(fabs(in[c] - held[c]) <= 1e-11 * in[c]);
}

/* All of it, once. */
static inline void live_flow_check(uint64_t seed, const flow_gen_opts *shape,
                                   const live_flow_opts *o, live_flow_count *sum)
{
    flow_gen g;
    live_flow f;
    flow_gen_init(&g, seed, shape);
    live_flow_init(&f, &g, seed, o);
    live_flow_stream(&f, sum);
    live_flow_compare_all(&f, shape->assets, sum);
    if (shape->dated_prob == 0)
        live_flow_conserves(&f);
    live_flow_release(&f);
    flow_gen_release(&g);
}

#endif
