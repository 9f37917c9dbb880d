#include "scoring/attribution.h"

#include <math.h>
#include <string.h>

#include "flow_gen.h"
#include "scoring/ledger.h"

enum { GRAPHS = 1500 };

/* The reference: a column per source, for everybody.  [wallet * 3 assets][source] */
typedef struct columns {
    uint32_t n;
    double *balance, *held, *received;
} columns;

static void columns_step(columns *k, const flow_gen *g, wr_direction d, uint64_t i)
{
    const wr_flow *fl = &g->fl;
    wr_vid u = d == WR_SENDING ? fl->col.to[i] : fl->col.from[i];
    wr_vid v = d == WR_SENDING ? fl->col.from[i] : fl->col.to[i];
    double a = fl->col.value[i];
    if (u == v || a == 0)
        return;
    int label = wr_seeds_at(fl->seeds, u, fl->col.time_s[i]);
    bool is_stop = wr_seeds_at(fl->seeds, v, fl->col.time_s[i]) >= 0;
    uint32_t asset = fl->col.asset[i];
    uint64_t ru = (u * 3ULL + asset), rv = (v * 3ULL + asset);
    double f = a >= k->balance[ru] ? 1 : a / k->balance[ru];
    for (wr_vid s = 0; s < k->n; s++) {
        double x = 0;
        if (label >= 0 && s == u && fl->seeds->kind[label] != WR_CATEGORY_SERVICE)
            x = (double)fl->seeds->confidence[u] * a;
        if (label < 0) {
            x = f * k->held[ru * k->n + s];
            k->held[ru * k->n + s] -= x;
        }
        k->received[(uint64_t)v * k->n + s] += x;
        if (!is_stop)
            k->held[rv * k->n + s] += x;
    }
    if (label < 0)
        k->balance[ru] = fmax(k->balance[ru] - a, 0);
    if (!is_stop)
        k->balance[rv] += a;
}

static void columns_init(columns *k, const flow_gen *g, wr_direction d)
{
    uint64_t n = g->fl.n;
    k->n = g->fl.n;
    k->balance = wr_calloc(n * 3, sizeof *k->balance);
    k->held = wr_calloc(n * 3 * n, sizeof *k->held);
    k->received = wr_calloc(n * n, sizeof *k->received);
    for (uint64_t j = 0; j < g->m; j++)
        columns_step(k, g, d, d == WR_SENDING ? g->m - 1 - j : j);
}

static void columns_release(columns *k)
{
    wr_free(k->balance);
    wr_free(k->held);
    wr_free(k->received);
}

/* Listed + other = all; listed <= true <= listed + other; the order is as promised. */
static void check_list(const wr_attributed *item, uint32_t count, double other,
                       const double *want, uint32_t n, double scale)
{
    double sum = other, all = 0, tol = 1e-11 * scale;
    for (wr_vid s = 0; s < n; s++)
        all += want[s];
    for (uint32_t i = 0; i < count; i++) {
        double real = want[item[i].vid];
        sum += item[i].value;
        assert_true(item[i].value > 0);
        assert_true(item[i].value <= real + tol && real <= item[i].value + other + tol);
        if (i > 0)
            assert_true(
                item[i - 1].value > item[i].value ||
                (item[i - 1].value == item[i].value && item[i - 1].vid < item[i].vid));
    }
    assert_true(fabs(sum - all) <= tol);
    for (wr_vid s = 0; s < n; s++) {
        bool is_listed = false;
        for (uint32_t i = 0; i < count; i++)
            is_listed |= item[i].vid == s;
        assert_true(is_listed || want[s] <= other + tol);
    }
}

static double ledger_received(const wr_ledger *l, const wr_seeds *s, wr_vid v)
{
    double sum = 0;
    wr_ledger_view w = wr_ledger_at(l, v);
    for (uint32_t c = 0; c < l->c; c++)
        sum += s->kind[c] == WR_CATEGORY_SERVICE ? 0 : w.received[c];
    return sum;
}

static void check_wallet(const wr_attribution *a, const columns *k, const wr_ledger *l,
                         const wr_seeds *s, wr_vid v)
{
    uint32_t n = k->n;
    double *held = wr_calloc(n, sizeof *held);
    for (wr_vid x = 0; x < n; x++)
        for (uint32_t asset = 0; asset < 3; asset++)
            held[x] += k->held[(v * 3ULL + asset) * n + x];
    wr_attribution_view w = wr_attribution_at(a, v);
    double scale = wr_ledger_at(l, v).total, sum = w.received_other;
    check_list(w.received, w.received_count, w.received_other,
               k->received + (uint64_t)v * n, n, scale);
    check_list(w.held, w.held_count, w.held_other, held, n, scale);
    assert_true(w.received_count <= a->k && w.held_count <= a->k);
    if (a->k == WR_ATTRIBUTION_K_MAX)
        assert_true(w.received_other == 0 && w.held_other == 0);
    for (uint32_t i = 0; i < w.received_count; i++)
        sum += w.received[i].value;
    assert_true(fabs(sum - ledger_received(l, s, v)) <= 1e-11 * scale);
    wr_free(held);
}

static void test_attribution_run__equals_a_column_per_source(void **state)
{
    (void)state;
    const uint32_t sizes[] = {1, 2, 3, 8, WR_ATTRIBUTION_K_MAX};
    for (uint64_t seed = 0; seed < GRAPHS; seed++) {
        flow_gen_opts shape = flow_gen_shape(seed);
        flow_gen g;
        flow_gen_init(&g, seed, &shape);
        wr_direction d = seed % 4 < 2 ? WR_RECEIVING : WR_SENDING;
        wr_attribution_opts o = {.direction = d, .k = sizes[seed % 5]};
        wr_ledger_opts lo = {.direction = d};
        wr_attribution a = {0};
        wr_ledger l = {0};
        columns k;
        assert_ok(wr_attribution_run(&a, &g.fl, &o, &err));
        assert_ok(wr_ledger_run(&l, &g.fl, &lo, &err));
        columns_init(&k, &g, d);
        for (wr_vid v = 0; v < g.fl.n; v++)
            check_wallet(&a, &k, &l, &g.seeds, v);
        columns_release(&k);
        wr_ledger_release(&l);
        wr_attribution_release(&a);
        flow_gen_release(&g);
    }
}

/* m payments of value 1 from 1..m, all labelled, to 0. */
static void star_init(flow_gen *g, uint32_t m)
{
    flow_gen_opts o = {.n = m + 1, .m = m, .c = 1, .assets = 1, .label_prob = 1};
    flow_gen_init(g, 1, &o);
    for (uint32_t i = 0; i < m; i++) {
        g->from[i] = i + 1;
        g->to[i] = 0;
        g->value[i] = 1;
    }
    g->seeds.category[0] = WR_SEED_NONE;
}

static void test_attribution_run__ties_keep_the_smaller_vertex(void **state)
{
    (void)state;
    flow_gen g;
    star_init(&g, 20);
    wr_attribution_opts o = WR_ATTRIBUTION_OPTS_INIT;
    wr_attribution a = {0};
    assert_ok(wr_attribution_run(&a, &g.fl, &o, &err));
    wr_attribution_view w = wr_attribution_at(&a, 0);
    assert_int_equal(w.received_count, 8);
    for (uint32_t i = 0; i < 8; i++)
        assert_int_equal(w.received[i].vid, i + 1);
    assert_true(w.received_other == 12 && w.held_other == 12);
    wr_attribution_release(&a);
    flow_gen_release(&g);
}

static void test_attribution_run__nobody_and_alone(void **state)
{
    (void)state;
    for (uint32_t n = 0; n <= 1; n++) {
        flow_gen_opts o = {.n = n, .m = 0, .c = 1, .assets = 1};
        flow_gen g;
        flow_gen_init(&g, 1, &o);
        wr_attribution_opts ao = WR_ATTRIBUTION_OPTS_INIT;
        wr_attribution a = {0};
        assert_ok(wr_attribution_run(&a, &g.fl, &ao, &err));
        assert_int_equal(a.n, n);
        if (n)
            assert_int_equal(wr_attribution_at(&a, 0).received_count, 0);
        wr_attribution_release(&a);
        flow_gen_release(&g);
    }
}

static void test_attribution_run__bad_input_and_stop(void **state)
{
    (void)state;
    flow_gen g;
    star_init(&g, 3);
    wr_attribution a = {0};
    wr_attribution_opts o = {.k = 0};
    wr_err e = {0};
    assert_int_equal(wr_attribution_run(&a, &g.fl, &o, &e), WR_EINVAL);
    assert_string_equal(e.msg, "k 0, wanted 1..32");
    o.k = WR_ATTRIBUTION_K_MAX + 1;
    assert_err(WR_EINVAL, wr_attribution_run(&a, &g.fl, &o, &err));
    o.k = 8;
    atomic_bool stop = true;
    wr_progress pg = {.stop = &stop};
    o.pg = &pg;
    assert_err(WR_ESTOPPED, wr_attribution_run(&a, &g.fl, &o, &err));
    g.value[0] = -1;
    assert_err(WR_EINVAL, wr_attribution_run(&a, &g.fl, &o, &err));
    g.fl.col.m = UINT32_MAX;
    assert_err(WR_ELIMIT, wr_attribution_run(&a, &g.fl, &o, &err));
    assert_null(a.slot);
    flow_gen_release(&g);
}

static wr_status run_and_release(const wr_flow *fl, wr_err *err)
{
    wr_attribution_opts o = WR_ATTRIBUTION_OPTS_INIT;
    WR_ATTRIBUTION_AUTO wr_attribution a = {0};
    return wr_attribution_run(&a, fl, &o, err);
}

static void test_attribution_run__out_of_memory(void **state)
{
    (void)state;
    flow_gen_opts shape = {
        .n = 20, .m = 200, .c = 3, .assets = 2, .label_prob = 0.3, .is_whole = true};
    flow_gen g;
    flow_gen_init(&g, 3, &shape);
    assert_oom_safe(run_and_release(&g.fl, &err));
    flow_gen_release(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_attribution_run__equals_a_column_per_source),
        wr_unit_test(test_attribution_run__ties_keep_the_smaller_vertex),
        wr_unit_test(test_attribution_run__nobody_and_alone),
        wr_unit_test(test_attribution_run__bad_input_and_stop),
        wr_unit_test(test_attribution_run__out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
