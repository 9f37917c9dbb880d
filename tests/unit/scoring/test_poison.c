#include "scoring/poison.h"

#include <string.h>

#include "flow_gen.h"

enum { GRAPHS = 1500, H = 40 };

static uint64_t cell(const wr_flow *fl, wr_vid v, uint32_t c, uint32_t h)
{
    return ((uint64_t)v * fl->seeds->c + c) * H + h;
}

static bool lower(uint64_t *best, uint64_t at)
{
    bool is_lower = at < *best;
    if (is_lower)
        *best = at;
    return is_lower;
}

/* One transfer, any category and hop count; true when something improved.  reach[v,c,h] =
 * first position by which a walk of h hops is at v, held = … and was not absorbed. */
static bool relax(uint64_t *reach, uint64_t *held, const wr_flow *fl, wr_direction d,
                  uint64_t at)
{
    const wr_seeds *s = fl->seeds;
    uint64_t i = d == WR_SENDING ? fl->col.m - 1 - at : at;
    wr_vid u = d == WR_SENDING ? fl->col.to[i] : fl->col.from[i];
    wr_vid v = d == WR_SENDING ? fl->col.from[i] : fl->col.to[i];
    if (u == v || fl->col.value[i] == 0)
        return false;
    int lu = wr_seeds_at(s, u, fl->col.time_s[i]);
    bool is_stop = wr_seeds_at(s, v, fl->col.time_s[i]) >= 0, more = false;
    uint32_t cost = wr_flow_is_hub(fl, v) ? 0 : 1;
    for (uint32_t c = 0; c < s->c; c++)
        for (uint32_t h = 0; h + cost < H; h++) {
            bool is_source = lu == (int)c && h == 0 && s->kind[c] != WR_CATEGORY_SERVICE;
            bool is_on = lu < 0 && held[cell(fl, u, c, h)] < at;
            if (!is_source && !is_on)
                continue;
            more |= lower(&reach[cell(fl, v, c, h + cost)], at);
            if (!is_stop)
                more |= lower(&held[cell(fl, v, c, h + cost)], at);
        }
    return more;
}

/* To a fixed point, without relying on any order of evaluation. */
static uint64_t *slow_poison(const wr_flow *fl, wr_direction d)
{
    size_t cells = (size_t)fl->n * fl->seeds->c * H;
    uint64_t *reach = wr_calloc(cells, sizeof *reach);
    uint64_t *held = wr_calloc(cells, sizeof *held);
    memset(reach, 0xff, cells * sizeof *reach);
    memset(held, 0xff, cells * sizeof *held);
    for (bool more = true; more;) {
        more = false;
        for (uint64_t at = fl->col.m; at-- > 0;)
            more |= relax(reach, held, fl, d, at);
    }
    wr_free(held);
    return reach;
}

static void check_wallet(const wr_poison *p, const wr_flow *fl, const uint64_t *reach,
                         wr_vid v, uint32_t max_hops)
{
    uint32_t min = WR_POISON_NONE, mask = 0;
    for (uint32_t c = 0; c < p->c; c++) {
        uint32_t h = 0;
        while (h < H && reach[cell(fl, v, c, h)] == UINT64_MAX)
            h++;
        uint32_t want = h < H && h <= max_hops ? h : WR_POISON_NONE;
        assert_int_equal(p->hops[(uint64_t)v * p->c + c], want);
        min = want < min ? want : min;
        mask |= (uint32_t)(want != WR_POISON_NONE) << c;
    }
    assert_int_equal(p->min_hops[v], min);
    assert_int_equal(p->mask[v], mask);
}

static void test_poison_run__equals_fixed_point(void **state)
{
    (void)state;
    const uint32_t limits[] = {1, 2, 3, 5, 254};
    for (uint64_t seed = 0; seed < GRAPHS; seed++) {
        flow_gen_opts o = flow_gen_shape(seed);
        o.m = o.m < 39 ? o.m : 39; /* walks fit H */
        flow_gen g;
        flow_gen_init(&g, seed, &o);
        wr_direction d = seed & 1 ? WR_SENDING : WR_RECEIVING;
        uint32_t max_hops = limits[seed % 5];
        uint64_t *reach = slow_poison(&g.fl, d);
        wr_poison p = {0};
        assert_ok(wr_poison_run(&p, &g.fl, d, max_hops, NULL, &err));
        for (wr_vid v = 0; v < g.fl.n; v++)
            check_wallet(&p, &g.fl, reach, v, max_hops);
        wr_poison_release(&p);
        wr_free(reach);
        flow_gen_release(&g);
    }
}

/* A chain 0 -> 1 -> … of n - 1 transfers, 0 labelled illicit. */
static void chain_init(flow_gen *g, uint32_t n)
{
    flow_gen_opts o = {.n = n, .m = n, .c = 1, .assets = 1};
    flow_gen_init(g, 1, &o);
    for (uint32_t i = 0; i + 1 < n; i++) {
        g->from[i] = i;
        g->to[i] = i + 1;
        g->value[i] = 1;
    }
    g->fl.col.m = n ? n - 1 : 0;
    if (n)
        g->seeds.category[0] = 0;
}

static void test_poison_run__longest_walk(void **state)
{
    (void)state;
    flow_gen g;
    chain_init(&g, 300);
    wr_poison p = {0};
    assert_ok(wr_poison_run(&p, &g.fl, WR_RECEIVING, WR_POISON_HOPS_MAX, NULL, &err));
    assert_int_equal(p.min_hops[0], WR_POISON_NONE);
    assert_int_equal(p.min_hops[1], 1);
    assert_int_equal(p.min_hops[254], 254);
    assert_int_equal(p.min_hops[255], WR_POISON_NONE);
    assert_int_equal(p.mask[254], 1);
    wr_poison_release(&p);
    flow_gen_release(&g);
}

static void test_poison_run__nobody_and_alone(void **state)
{
    (void)state;
    for (uint32_t n = 0; n <= 1; n++) {
        flow_gen g;
        chain_init(&g, n);
        wr_poison p = {0};
        assert_ok(wr_poison_run(&p, &g.fl, WR_SENDING, 3, NULL, &err));
        assert_int_equal(p.n, n);
        if (n)
            assert_int_equal(p.min_hops[0], WR_POISON_NONE);
        wr_poison_release(&p);
        flow_gen_release(&g);
    }
}

static void test_poison_run__hops_out_of_range(void **state)
{
    (void)state;
    flow_gen g;
    chain_init(&g, 3);
    wr_poison p = {0};
    for (uint32_t h = 0; h <= 255; h += 255) {
        wr_err e = {0};
        assert_int_equal(wr_poison_run(&p, &g.fl, WR_SENDING, h, NULL, &e), WR_EINVAL);
        assert_string_equal(e.msg, h ? "max_hops 255, wanted 1..254"
                                     : "max_hops 0, wanted 1..254");
    }
    assert_null(p.hops);
    flow_gen_release(&g);
}

static void test_poison_run__bad_input_and_stop(void **state)
{
    (void)state;
    flow_gen g;
    chain_init(&g, 3);
    wr_poison p = {0};
    atomic_bool stop = true;
    wr_progress pg = {.stop = &stop};
    assert_err(WR_ESTOPPED, wr_poison_run(&p, &g.fl, WR_RECEIVING, 2, &pg, &err));
    g.fl.n = 2;
    assert_err(WR_EINVAL, wr_poison_run(&p, &g.fl, WR_RECEIVING, 2, NULL, &err));
    assert_null(p.hops);
    flow_gen_release(&g);
}

static wr_status run_and_release(const wr_flow *fl, wr_err *err)
{
    WR_POISON_AUTO wr_poison p = {0};
    return wr_poison_run(&p, fl, WR_RECEIVING, 4, NULL, err);
}

static void test_poison_run__out_of_memory(void **state)
{
    (void)state;
    flow_gen g;
    chain_init(&g, 5);
    assert_oom_safe(run_and_release(&g.fl, &err));
    flow_gen_release(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_poison_run__equals_fixed_point),
        wr_unit_test(test_poison_run__longest_walk),
        wr_unit_test(test_poison_run__nobody_and_alone),
        wr_unit_test(test_poison_run__hops_out_of_range),
        wr_unit_test(test_poison_run__bad_input_and_stop),
        wr_unit_test(test_poison_run__out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
