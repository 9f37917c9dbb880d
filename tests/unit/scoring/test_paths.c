#include "scoring/paths.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "flow_gen.h"

enum { GRAPHS = 1200, PARCEL_STEPS = 96, PARCELS_MAX = 60000 };

/*
 * The reference looks forward: every injected amount is a parcel that wallets hold; each
 * payment splits all parcels of the payer.  A parcel knows the transfers it made.
 */
typedef struct parcel {
    wr_vid holder, source;
    uint16_t asset;
    int category;
    double amount;
    uint32_t step_count, hops;
    uint32_t step[PARCEL_STEPS];
    bool is_record; /* arrived at `holder` by its last step; not held, only counted */
} parcel;

typedef struct world {
    const flow_gen *g;
    wr_direction d;
    parcel *p;
    size_t count;
    double *balance; /* [n * assets] */
    bool is_too_big;
} world;

static parcel *add(world *w)
{
    if (w->count == PARCELS_MAX) {
        w->is_too_big = true;
        return &w->p[PARCELS_MAX - 1];
    }
    return &w->p[w->count++];
}

/* The parcel arrives: on record, and (no stop, no service money outside hubs) held. */
static void arrive(world *w, parcel p, uint32_t at, wr_vid v, bool is_stop)
{
    bool is_hub = wr_flow_is_hub(&w->g->fl, v);
    bool is_service = w->g->seeds.kind[p.category] == WR_CATEGORY_SERVICE;
    assert_true(p.step_count < PARCEL_STEPS);
    p.step[p.step_count++] = at;
    p.hops += !is_hub;
    p.holder = v;
    p.is_record = true;
    *add(w) = p;
    p.is_record = false;
    if (!is_stop && (is_hub || !is_service))
        *add(w) = p;
}

static void move(world *w, uint32_t at)
{
    const wr_flow *fl = &w->g->fl;
    wr_vid u = w->d == WR_SENDING ? fl->col.to[at] : fl->col.from[at];
    wr_vid v = w->d == WR_SENDING ? fl->col.from[at] : fl->col.to[at];
    double a = fl->col.value[at];
    uint16_t asset = fl->col.asset[at];
    int from = wr_seeds_at(fl->seeds, u, fl->col.time_s[at]);
    bool is_stop = wr_seeds_at(fl->seeds, v, fl->col.time_s[at]) >= 0;
    if (u == v || a == 0)
        return;
    double *bu = &w->balance[u * 3 + asset];
    if (from >= 0) {
        parcel p = {.source = u, .asset = asset, .category = from};
        p.amount = (double)fl->seeds->confidence[u] * a;
        arrive(w, p, at, v, is_stop);
    } else {
        double f = a >= *bu ? 1 : a / *bu;
        size_t count = w->count;
        for (size_t i = 0; i < count; i++) {
            parcel p = w->p[i];
            if (p.is_record || p.holder != u || p.asset != asset || p.amount == 0)
                continue;
            p.amount *= f;
            w->p[i].amount *= f == 1 ? 0 : (*bu - a) / *bu;
            arrive(w, p, at, v, is_stop);
        }
        *bu = a >= *bu ? 0 : *bu - a;
    }
    if (!is_stop)
        w->balance[v * 3 + asset] += a;
}

static void world_init(world *w, const flow_gen *g, wr_direction d)
{
    *w = (world){.g = g, .d = d};
    w->p = wr_calloc(PARCELS_MAX, sizeof *w->p);
    w->balance = wr_calloc(g->fl.n * 3ULL, sizeof *w->balance);
    for (uint64_t k = 0; k < g->m && !w->is_too_big; k++)
        move(w, (uint32_t)(d == WR_SENDING ? g->m - 1 - k : k));
}

static void world_release(world *w)
{
    wr_free(w->p);
    wr_free(w->balance);
}

static bool is_wanted(const world *w, const parcel *p, wr_vid v, const wr_paths_opts *o)
{
    bool is_service = w->g->seeds.kind[p->category] == WR_CATEGORY_SERVICE;
    bool is_category = o->category < 0 ? !is_service : p->category == o->category;
    return p->is_record && p->holder == v && is_category && p->amount > 0;
}

static bool is_path_of(const wr_path *q, const parcel *p, wr_direction d)
{
    if (q->step_count != p->step_count || q->source != p->source)
        return false;
    for (uint32_t k = 0; k < q->step_count; k++)
        if (p->step[k] != q->step[d == WR_SENDING ? q->step_count - 1 - k : k])
            return false;
    return q->category == p->category && q->hops == p->hops &&
           fabs(q->mass - p->amount) <= 1e-11 * p->amount;
}

/* Every path found is a parcel; no larger parcel was left out; all parcels add up. */
static void check(const world *w, const wr_paths *got, wr_vid v, const wr_paths_opts *o)
{
    double sum = 0, scale = 0;
    uint32_t matched = 0, larger = 0;
    double last = got->count ? got->path[got->count - 1].mass : 0;
    for (size_t i = 0; i < w->count; i++) {
        const parcel *p = &w->p[i];
        if (!is_wanted(w, p, v, o))
            continue;
        sum += p->amount;
        if (p->hops > o->hops_max || p->step_count > WR_PATHS_STEPS_MAX)
            continue;
        bool is_found = false;
        for (uint32_t k = 0; k < got->count; k++)
            is_found |= is_path_of(&got->path[k], p, w->d);
        matched += is_found;
        larger +=
            !is_found && (got->count < o->paths_max || p->amount > last * (1 + 1e-11));
        scale += p->amount;
    }
    assert_int_equal(matched, got->count);
    assert_int_equal(larger, 0);
    if (fabs(sum - o->exposed) > 1e-11 * (sum + 1))
        fail_msg("vertex %u: paths add up to %.17g, the ledger says %.17g", v, sum,
                 o->exposed);
    assert_true(fabs(got->explained + got->residual - o->exposed) <= 1e-11 * (sum + 1));
    assert_true(got->explained <= scale * (1 + 1e-11));
}

static double exposed_of(const wr_ledger *l, const wr_seeds *s, wr_vid v, int category)
{
    wr_ledger_view view = wr_ledger_at(l, v);
    double sum = 0;
    for (uint32_t c = 0; c < l->c; c++)
        if (category < 0 ? s->kind[c] != WR_CATEGORY_SERVICE : category == (int)c)
            sum += view.received[c];
    return sum;
}

static uint64_t check_graph(const flow_gen *g, uint64_t seed)
{
    wr_direction d = seed / 2 % 2 ? WR_SENDING : WR_RECEIVING;
    world w;
    world_init(&w, g, d);
    uint64_t found = 0;
    wr_ledger_opts lo = {.direction = d};
    lo.mark = wr_calloc(g->m, sizeof *lo.mark);
    wr_ledger l = {0};
    assert_ok(wr_ledger_run(&l, &g->fl, &lo, &err));
    for (wr_vid v = 0; v < g->fl.n && !w.is_too_big; v++) {
        wr_paths_opts o = WR_PATHS_OPTS_INIT;
        o.direction = d;
        o.category = seed % 3 ? -1 : (int)((seed + v) % l.c);
        o.paths_max = 1 + (uint32_t)(seed + v) % 7;
        o.hops_max = seed % 5 ? 8 : 3;
        o.mark = seed % 11 ? lo.mark : NULL;
        o.expand_max = 1000000;
        o.exposed = exposed_of(&l, &g->seeds, v, o.category);
        wr_paths got = {0};
        assert_ok(wr_paths_find(&got, &g->fl, v, &o, &err));
        assert_false(got.is_truncated);
        check(&w, &got, v, &o);
        found += got.count;
        wr_paths_release(&got);
    }
    wr_ledger_release(&l);
    wr_free(lo.mark);
    world_release(&w);
    return found;
}

static void test_paths_find__equals_enumeration(void **state)
{
    (void)state;
    uint64_t found = 0;
    for (uint64_t seed = 0; seed < GRAPHS; seed++) {
        flow_gen_opts shape = flow_gen_shape(seed);
        shape.m = shape.m < 32 ? shape.m : 32; /* the number of parcels explodes */
        flow_gen g;
        flow_gen_init(&g, seed, &shape);
        found += check_graph(&g, seed);
        flow_gen_release(&g);
    }
    assert_true(found > 5000);
}

/* 0 illicit -> 1 -> 2 -> … : one path of n - 1 hops, all value. */
static void chain_init(flow_gen *g, uint32_t n)
{
    flow_gen_opts o = {.n = n, .m = n, .c = 3, .assets = 1};
    flow_gen_init(g, 1, &o);
    flow_gen_release(g);
    *g = (flow_gen){.cap = n + 1};
    g->from = wr_calloc(g->cap, sizeof *g->from);
    g->to = wr_calloc(g->cap, sizeof *g->to);
    g->time_s = wr_calloc(g->cap, sizeof *g->time_s);
    g->value = wr_calloc(g->cap, sizeof *g->value);
    g->asset = wr_calloc(g->cap, sizeof *g->asset);
    wr_rng r = {.s = 1};
    for (uint32_t i = 0; i + 1 < n; i++)
        flow_gen_add(g, i, i + 1, i, 4, 0);
    g->fl = (wr_flow){.n = n,
                      .col = {.m = g->m,
                              .from = g->from,
                              .to = g->to,
                              .time_s = g->time_s,
                              .value = g->value},
                      .seeds = &g->seeds};
    flow_gen_labels(g, 0, &r, &o);
    flow_gen_rows(&g->fl.in, &g->in_off, &g->in_col, g->to, g);
    flow_gen_rows(&g->fl.out, &g->out_off, &g->out_col, g->from, g);
    if (n) {
        g->seeds.category[0] = 0;
        g->seeds.confidence[0] = 1;
    }
}

static void test_paths_find__chain_ends_at_the_hop_limit(void **state)
{
    (void)state;
    flow_gen g;
    chain_init(&g, 12);
    wr_paths_opts o = WR_PATHS_OPTS_INIT;
    o.exposed = 4;
    for (wr_vid v = 1; v < 12; v++) {
        wr_paths p = {0};
        assert_ok(wr_paths_find(&p, &g.fl, v, &o, &err));
        assert_int_equal(p.count, v <= 8);
        assert_true(p.explained == (v <= 8 ? 4 : 0));
        assert_true(p.residual == (v <= 8 ? 0 : 4));
        assert_false(p.is_truncated);
        for (uint32_t k = 0; p.count && k < p.path[0].step_count; k++)
            assert_int_equal(p.path[0].step[k], k);
        wr_paths_release(&p);
    }
    flow_gen_release(&g);
}

static void test_paths_find__longest_path(void **state)
{
    (void)state;
    flow_gen g;
    chain_init(&g, WR_PATHS_HOPS_MAX + 2);
    wr_paths_opts o = WR_PATHS_OPTS_INIT;
    o.hops_max = WR_PATHS_HOPS_MAX;
    o.paths_max = WR_PATHS_MAX;
    wr_paths p = {0};
    assert_ok(wr_paths_find(&p, &g.fl, WR_PATHS_HOPS_MAX, &o, &err));
    assert_int_equal(p.count, 1);
    assert_int_equal(p.path[0].hops, WR_PATHS_HOPS_MAX);
    assert_true(p.residual == -1 && p.exposed == -1);
    wr_paths_release(&p);
    flow_gen_release(&g);
}

static void test_paths_find__budget_runs_out(void **state)
{
    (void)state;
    flow_gen g;
    chain_init(&g, 9);
    wr_paths_opts o = WR_PATHS_OPTS_INIT;
    wr_paths p = {0};
    o.expand_max = 3;
    assert_ok(wr_paths_find(&p, &g.fl, 8, &o, &err));
    assert_true(p.is_truncated && p.count == 0 && p.expanded == 3);
    wr_paths_release(&p);
    o.expand_max = 1000;
    o.scan_max = 5;
    assert_ok(wr_paths_find(&p, &g.fl, 8, &o, &err));
    assert_true(p.is_truncated && p.count == 0);
    wr_paths_release(&p);
    flow_gen_release(&g);
}

static void test_paths_find__nothing_to_find(void **state)
{
    (void)state;
    flow_gen g;
    chain_init(&g, 1);
    wr_paths_opts o = WR_PATHS_OPTS_INIT;
    wr_paths p = {0};
    o.exposed = 0;
    assert_ok(wr_paths_find(&p, &g.fl, 0, &o, &err));
    assert_true(p.count == 0 && p.explained == 0 && p.residual == 0);
    wr_paths_release(&p);
    flow_gen_release(&g);
}

static void assert_refused(const wr_flow *fl, wr_vid v, const wr_paths_opts *o,
                           const char *msg)
{
    wr_err e = {0};
    wr_paths p = {0};
    assert_int_equal(wr_paths_find(&p, fl, v, o, &e), WR_EINVAL);
    assert_string_equal(e.msg, msg);
    assert_null(p.path);
}

static void test_paths_find__bad_options(void **state)
{
    (void)state;
    flow_gen g;
    chain_init(&g, 3);
    const wr_paths_opts good = WR_PATHS_OPTS_INIT;
    wr_paths_opts o = good;
    assert_refused(&g.fl, 3, &o, "vertex 3 of 3");
    o.category = 3;
    assert_refused(&g.fl, 1, &o, "category 3 of 3");
    o.category = -2;
    assert_refused(&g.fl, 1, &o, "category -2 of 3");
    o = good;
    o.paths_max = 51;
    assert_refused(&g.fl, 1, &o, "paths_max 51, wanted 1..50");
    o.paths_max = 0;
    assert_refused(&g.fl, 1, &o, "paths_max 0, wanted 1..50");
    o = good;
    o.hops_max = 33;
    assert_refused(&g.fl, 1, &o, "hops_max 33, wanted 1..32");
    o = good;
    o.scan_max = 0;
    assert_refused(&g.fl, 1, &o, "budget 10000 partial paths, 0 transfers");
    o = good;
    o.expand_max = 0;
    assert_refused(&g.fl, 1, &o, "budget 0 partial paths, 4000000 transfers");
    g.fl.in.off = NULL;
    assert_refused(&g.fl, 1, &good, "rows by wallet are missing");
    g.seeds.n = 2;
    assert_refused(&g.fl, 1, &good, "labels of 2 wallets for a graph of 3");
    flow_gen_release(&g);
}

static wr_status find_and_release(const wr_flow *fl, wr_err *err)
{
    wr_paths_opts o = WR_PATHS_OPTS_INIT;
    WR_PATHS_AUTO wr_paths p = {0};
    return wr_paths_find(&p, fl, 5, &o, err);
}

static void test_paths_find__out_of_memory(void **state)
{
    (void)state;
    flow_gen_opts shape = {
        .n = 8, .m = 60, .c = 2, .assets = 1, .label_prob = 0.3, .is_whole = true};
    flow_gen g;
    flow_gen_init(&g, 9, &shape);
    assert_oom_safe(find_and_release(&g.fl, &err));
    flow_gen_release(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_paths_find__equals_enumeration),
        wr_unit_test(test_paths_find__chain_ends_at_the_hop_limit),
        wr_unit_test(test_paths_find__longest_path),
        wr_unit_test(test_paths_find__budget_runs_out),
        wr_unit_test(test_paths_find__nothing_to_find),
        wr_unit_test(test_paths_find__bad_options),
        wr_unit_test(test_paths_find__out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
