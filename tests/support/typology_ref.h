/*
 * typology_ref.h - random flows on which typologies happen, and hit sets to compare.
 *
 * flow_gen.h gives the shape; here values become few and like each other, times get gaps,
 * and the windows of the options shrink to a few seconds, so that small graphs are full
 * of hits and near misses.  A reference writes the hits it thinks are there with ref_add;
 * the order of edges and of hits is free.  Header only; one per test program.
 */
#ifndef WR_TYPOLOGY_REF_H
#define WR_TYPOLOGY_REF_H

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "flow_gen.h"
#include "scoring/typology.h"

enum { REF_EDGES = 512, REF_HITS = 4096, REF_SERVICE = 2 };

typedef struct ref_hit {
    double strength;
    wr_vid root;
    uint8_t variant;
    uint32_t count;
    uint32_t edge[REF_EDGES];
} ref_hit;

typedef struct ref_set {
    uint32_t count;
    ref_hit hit[REF_HITS];
} ref_set;

/* One world: flow, input, options; build in place. */
typedef struct ref_world {
    flow_gen g;
    wr_typology_input in;
    wr_typology_opts o;
} ref_world;

static inline bool ref_moves(const wr_flow *fl, uint32_t at)
{
    return fl->col.value[at] > 0 && fl->col.from[at] != fl->col.to[at];
}

static inline int ref_label(const wr_flow *fl, wr_vid v, uint32_t t)
{
    const wr_seeds *s = fl->seeds;
    if (s->category[v] < 0 || t < s->from_s[v] || t >= s->to_s[v])
        return -1;
    return s->category[v];
}

static inline bool ref_is_service(const wr_flow *fl, wr_vid v, uint32_t t)
{
    const int c = ref_label(fl, v, t);
    return c >= 0 && c % 3 == REF_SERVICE; /* as flow_gen.h deals out kinds */
}

static inline bool ref_in_scope(const ref_world *w, uint32_t at)
{
    const uint32_t t = w->g.time_s[at];
    return t >= w->o.from_s && t < w->o.to_s;
}

/* An ordinary transfer of v in scope while v is no service; is_in picks the side. */
static inline bool ref_is_of(const ref_world *w, uint32_t at, wr_vid v, bool is_in)
{
    const wr_flow *fl = &w->g.fl;
    return ref_in_scope(w, at) && ref_moves(fl, at) &&
           (is_in ? w->g.to[at] : w->g.from[at]) == v &&
           !ref_is_service(fl, v, w->g.time_s[at]);
}

static inline ref_hit *ref_new(ref_set *s, wr_vid root)
{
    assert_true(s->count < REF_HITS);
    ref_hit *h = &s->hit[s->count++];
    h->root = root;
    h->count = 0;
    h->variant = 0;
    h->strength = -1;
    return h;
}

static inline void ref_edge(ref_hit *h, uint32_t at)
{
    for (uint32_t i = 0; i < h->count; i++)
        if (h->edge[i] == at)
            return;
    assert_true(h->count < REF_EDGES);
    h->edge[h->count++] = at;
}

static inline int ref_by_number(const void *a, const void *b)
{
    uint32_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static inline int ref_by_root(const void *a, const void *b)
{
    const ref_hit *x = a, *y = b;
    if (x->root != y->root)
        return x->root < y->root ? -1 : 1;
    for (uint32_t i = 0; i < x->count && i < y->count; i++)
        if (x->edge[i] != y->edge[i])
            return x->edge[i] < y->edge[i] ? -1 : 1;
    if (x->count != y->count)
        return x->count < y->count ? -1 : 1;
    return (x->variant > y->variant) - (x->variant < y->variant);
}

static inline void ref_sort(ref_set *s)
{
    for (uint32_t i = 0; i < s->count; i++)
        qsort(s->hit[i].edge, s->hit[i].count, sizeof s->hit[i].edge[0], ref_by_number);
    qsort(s->hit, s->count, sizeof s->hit[0], ref_by_root);
}

/* Members, times, amount of a hit say what its edges say. */
static inline void ref_check_hit(const wr_typology_hits *h, const wr_typology_hit *x,
                                 const flow_gen *g)
{
    const uint32_t *edge = h->edge + x->edge;
    const wr_vid *member = h->member + x->member;
    double amount = 0;
    assert_true(x->edge_count > 0 && x->strength >= 0 && x->strength <= 1);
    assert_int_equal(member[0], x->root);
    for (uint32_t i = 0; i < x->edge_count; i++) {
        bool has_from = false, has_to = false;
        assert_true(i == 0 || edge[i] > edge[i - 1]);
        amount += g->value[edge[i]];
        for (uint32_t k = 0; k < x->member_count; k++) {
            has_from |= member[k] == g->from[edge[i]];
            has_to |= member[k] == g->to[edge[i]];
        }
        assert_true(has_from && has_to);
    }
    for (uint32_t k = 1; k < x->member_count; k++) {
        bool is_end = false;
        assert_true((k == 1 || member[k] > member[k - 1]) && member[k] != x->root);
        for (uint32_t i = 0; i < x->edge_count; i++)
            is_end |= g->from[edge[i]] == member[k] || g->to[edge[i]] == member[k];
        assert_true(is_end);
    }
    assert_true(amount == x->amount);
    assert_int_equal(x->first_s, g->time_s[edge[0]]);
    assert_int_equal(x->last_s, g->time_s[edge[x->edge_count - 1]]);
}

static inline void ref_assert_equal(const wr_typology_hits *h, ref_set *want,
                                    const ref_world *w, uint64_t seed)
{
    ref_sort(want);
    if (h->count != want->count)
        fail_msg("seed %lu: %lu hits, wanted %u", (unsigned long)seed,
                 (unsigned long)h->count, want->count);
    for (uint64_t i = 0; i < h->count; i++) {
        const wr_typology_hit *x = &h->hit[i];
        const ref_hit *y = &want->hit[i];
        if (x->root != y->root || x->variant != y->variant || x->edge_count != y->count ||
            memcmp(h->edge + x->edge, y->edge, y->count * sizeof y->edge[0]) != 0)
            fail_msg("seed %lu: hit %lu of %lu: root %u, %u edges from %u; wanted root "
                     "%u, %u edges from %u",
                     (unsigned long)seed, (unsigned long)i, (unsigned long)h->count,
                     x->root, x->edge_count, h->edge[x->edge], y->root, y->count,
                     y->edge[0]);
        if (!(x->strength > y->strength - 1e-12 && x->strength < y->strength + 1e-12))
            fail_msg("seed %lu: hit %lu: strength %g, wanted %g", (unsigned long)seed,
                     (unsigned long)i, x->strength, y->strength);
        ref_check_hit(h, x, &w->g);
    }
}

/* 1 - want/(2 have), see typology.h */
static inline double ref_strength(double have, double want)
{
    return 1 - want / (2 * have);
}

/* The options that a world shares; each test narrows its own. */
static inline wr_typology_opts ref_opts(wr_rng *r)
{
    wr_typology_opts o = WR_TYPOLOGY_OPTS_INIT;
    if (wr_rng_below(r, 4) == 0) {
        o.from_s = (uint32_t)wr_rng_below(r, 12);
        o.to_s = o.from_s + (uint32_t)wr_rng_below(r, 60);
    }
    return o;
}

/* Values of w by few whole numbers 1..most, so that sums are exact. */
static inline void ref_values(ref_world *w, wr_rng *r, uint32_t most)
{
    for (uint64_t i = 0; i < w->g.m; i++)
        if (w->g.value[i] > 0)
            w->g.value[i] = (double)(1 + wr_rng_below(r, most));
}

static inline void ref_world_init(ref_world *w, uint64_t seed, const flow_gen_opts *shape)
{
    flow_gen_init(&w->g, seed, shape);
    wr_rng r = {.s = seed ^ 0xfeedULL};
    w->o = ref_opts(&r);
    w->in = (wr_typology_input){.flow = w->g.fl};
}

static inline void ref_world_release(ref_world *w)
{
    flow_gen_release(&w->g);
}

/* --- by hand --------------------------------------------------------------------------
 */

typedef struct ref_pay {
    wr_vid from, to;
    uint32_t time_s;
    double value;
} ref_pay;

/* These transfers among n wallets, times ascending; nobody labelled.  A vertex n is
 * added. */
static inline void ref_by_hand(ref_world *w, const ref_pay *p, uint32_t m, uint32_t n)
{
    flow_gen_opts shape = {.n = n, .m = 0, .c = 3, .assets = 1, .hubs = 1};
    *w = (ref_world){.o = WR_TYPOLOGY_OPTS_INIT};
    flow_gen *g = &w->g;
    flow_gen_init(g, 1, &shape);
    const void *old[] = {g->from,   g->to,     g->time_s,  g->value,  g->asset,
                         g->in_off, g->in_col, g->out_off, g->out_col};
    for (size_t i = 0; i < sizeof old / sizeof old[0]; i++)
        wr_free((void *)(uintptr_t)old[i]);
    g->cap = m;
    g->m = 0;
    g->from = wr_calloc(m, sizeof *g->from);
    g->to = wr_calloc(m, sizeof *g->to);
    g->time_s = wr_calloc(m, sizeof *g->time_s);
    g->value = wr_calloc(m, sizeof *g->value);
    g->asset = wr_calloc(m, sizeof *g->asset);
    for (uint32_t i = 0; i < m; i++)
        flow_gen_add(g, p[i].from, p[i].to, p[i].time_s, p[i].value, 0);
    g->fl.col = (wr_columns){.m = m,
                             .from = g->from,
                             .to = g->to,
                             .time_s = g->time_s,
                             .value = g->value,
                             .asset = g->asset};
    flow_gen_rows(&g->fl.in, &g->in_off, &g->in_col, g->to, g);
    flow_gen_rows(&g->fl.out, &g->out_off, &g->out_col, g->from, g);
    w->in = (wr_typology_input){.flow = g->fl};
}

/* --- what every typology's test does --------------------------------------------------
 */

static inline wr_status ref_find_and_release(const ref_world *w, wr_typology t,
                                             wr_err *err)
{
    WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
    return wr_typology_find(&h, &w->in, 1U << t, &w->o, NULL, err);
}

typedef void ref_kernel(ref_set *s, ref_world *w);

/*
 * `setup` narrows options and values of a random world; `brute` writes the hits.  Fails
 * unless there were hits at all, at least one per ten worlds.
 */
static inline void ref_check_worlds(wr_typology t, uint64_t worlds, bool has_hubs,
                                    void (*setup)(ref_world *w, wr_rng *r),
                                    ref_kernel *brute)
{
    ref_set *want = wr_calloc(1, sizeof *want);
    uint64_t hits = 0;
    for (uint64_t seed = 1; seed <= worlds; seed++) {
        flow_gen_opts shape = flow_gen_shape(seed);
        if (!has_hubs)
            shape.hubs = 0;
        shape.label_prob *= 0.4;
        ref_world w;
        ref_world_init(&w, seed, &shape);
        wr_rng r = {.s = seed};
        setup(&w, &r);
        want->count = 0;
        brute(want, &w);
        WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
        assert_ok(wr_typology_find(&h, &w.in, 1U << t, &w.o, NULL, &err));
        ref_assert_equal(&h, want, &w, seed);
        hits += h.count;
        ref_world_release(&w);
    }
    assert_true(hits * 10 > worlds);
    wr_free(want);
}

static inline void ref_assert_same_bytes(const wr_typology_hits *a,
                                         const wr_typology_hits *b)
{
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->edge_total, b->edge_total);
    assert_int_equal(a->member_total, b->member_total);
    assert_memory_equal(a->hit, b->hit, a->count * sizeof *a->hit);
    assert_memory_equal(a->edge, b->edge, a->edge_total * sizeof *a->edge);
    assert_memory_equal(a->member, b->member, a->member_total * sizeof *a->member);
    assert_memory_equal(a->partial_roots, b->partial_roots, sizeof a->partial_roots);
    assert_memory_equal(a->truncated_roots, b->truncated_roots,
                        sizeof a->truncated_roots);
}

/* A world of many chunks; 1, 2, 4 and 8 threads give the same bytes, and there are hits.
 */
static inline void ref_check_threads(wr_typology t, bool has_hubs,
                                     void (*setup)(ref_world *w, wr_rng *r))
{
    flow_gen_opts shape = {.n = 1500,
                           .m = 12000,
                           .c = 5,
                           .assets = 1,
                           .hubs = has_hubs ? 800 : 0,
                           .label_prob = 0.02,
                           .is_whole = true};
    ref_world w;
    ref_world_init(&w, 77, &shape);
    for (uint64_t i = 0; i < w.g.m; i++) /* denser in time than in the small worlds */
        w.g.time_s[i] = w.g.time_s[i] / 64;
    wr_rng r = {.s = 77};
    setup(&w, &r);
    w.o.from_s = 0;
    w.o.to_s = UINT32_MAX;
    const int before = omp_get_max_threads();
    WR_TYPOLOGY_HITS_AUTO wr_typology_hits one = {0};
    omp_set_num_threads(1);
    assert_ok(wr_typology_find(&one, &w.in, 1U << t, &w.o, NULL, &err));
    assert_true(one.count > 0);
    for (int threads = 2; threads <= 8; threads *= 2) {
        WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
        omp_set_num_threads(threads);
        assert_ok(wr_typology_find(&h, &w.in, 1U << t, &w.o, NULL, &err));
        ref_assert_same_bytes(&one, &h);
    }
    omp_set_num_threads(before);
    ref_world_release(&w);
}

/* Nothing, one transfer, and memory that runs out on world `seed`. */
static inline void ref_check_edges(wr_typology t, void (*setup)(ref_world *w, wr_rng *r))
{
    const ref_pay one[] = {{0, 1, 1, 5}};
    for (uint32_t m = 0; m < 2; m++) {
        ref_world w;
        ref_by_hand(&w, one, m, 2);
        WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
        assert_ok(wr_typology_find(&h, &w.in, 1U << t, &w.o, NULL, &err));
        assert_int_equal(h.count, 0);
        ref_world_release(&w);
    }
    flow_gen_opts shape = {.n = 30, .m = 400, .c = 3, .assets = 1, .is_whole = true};
    ref_world w;
    ref_world_init(&w, 5, &shape);
    for (uint64_t i = 0; i < w.g.m; i++)
        w.g.time_s[i] = w.g.time_s[i] / 8;
    wr_rng r = {.s = 5};
    setup(&w, &r);
    assert_oom_safe(ref_find_and_release(&w, t, &err));
    ref_world_release(&w);
}

#endif
