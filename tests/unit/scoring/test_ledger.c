/* By hand, by the plain kernel, at the borders.  Exact rationals: test_ledger_exact.c. */
#include "scoring/ledger.h"

#include <math.h>
#include <string.h>

#include "flow_gen.h"

enum { GRAPHS = 1200 };

/* A flow by hand: categories 0 illicit, 1 risky, 2 service; all values in one asset. */
static void hand_init(flow_gen *g, uint32_t n, uint32_t m)
{
    flow_gen_opts o = {.n = n, .m = m, .c = 3, .assets = 1};
    flow_gen_init(g, 1, &o);
    g->m = 0;
    g->fl.col.m = 0;
    g->hub_bits[0] = 0;
    g->fl.hub_bits = g->hub_bits;
}

static void hand_pay(flow_gen *g, wr_vid from, wr_vid to, double value)
{
    flow_gen_add(g, from, to, 10 * (uint32_t)g->m, value, 0);
    g->fl.col.m = g->m;
}

static wr_ledger hand_run(const flow_gen *g, wr_direction d)
{
    wr_ledger l = {0};
    wr_ledger_opts o = WR_LEDGER_OPTS_INIT;
    o.direction = d;
    assert_ok(wr_ledger_run(&l, &g->fl, &o, &err));
    return l;
}

/* 0 illicit pays 1 forty; 2 (unknown) pays 1 sixty; 1 pays 3 half of all it has. */
static void test_ledger_run__half_of_a_mix(void **state)
{
    (void)state;
    flow_gen g;
    hand_init(&g, 4, 3);
    g.seeds.category[0] = 0;
    g.seeds.confidence[0] = 1;
    hand_pay(&g, 0, 1, 40);
    hand_pay(&g, 2, 1, 60);
    hand_pay(&g, 1, 3, 50);
    wr_ledger l = hand_run(&g, WR_RECEIVING);
    wr_ledger_view one = wr_ledger_at(&l, 1), two = wr_ledger_at(&l, 2),
                   three = wr_ledger_at(&l, 3);
    assert_true(one.total == 100 && one.balance == 50);
    assert_true(one.received[0] == 40 && one.direct[0] == 40 && one.taint[0] == 20);
    assert_true(one.received_unknown == 60 && one.held_unknown == 30);
    assert_true(one.max_share == 1 && one.max_at == 0 && one.min_hops[0] == 1);
    assert_true(two.overdraft == 60 && two.total == 0 && two.max_at == UINT32_MAX);
    assert_true(three.received[0] == 20 && three.direct[0] == 0);
    assert_true(three.received_unknown == 30 && three.mean_hops[0] == 2);
    assert_true(three.min_hops[0] == 2 && three.max_share == 0.4f && three.max_at == 2);
    assert_true(l.injected[0] == 40 && l.absorbed[0] == 0 && l.injected_unknown == 60);
    wr_ledger_release(&l);
    flow_gen_release(&g);
}

/* 0 illicit -> 1 -> exchange 2 -> 3: the exchange is a stop; 3 sees the exchange only. */
static void test_ledger_run__service_cuts(void **state)
{
    (void)state;
    flow_gen g;
    hand_init(&g, 4, 3);
    g.seeds.category[0] = 0;
    g.seeds.category[2] = 2;
    g.seeds.confidence[0] = g.seeds.confidence[2] = 1;
    hand_pay(&g, 0, 1, 8);
    hand_pay(&g, 1, 2, 8);
    hand_pay(&g, 2, 3, 8);
    wr_ledger l = hand_run(&g, WR_RECEIVING);
    wr_ledger_view ex = wr_ledger_at(&l, 2), three = wr_ledger_at(&l, 3);
    assert_true(ex.received[0] == 8 && ex.taint[0] == 0 && ex.balance == 0);
    assert_true(l.absorbed[0] == 8 && l.injected[2] == 0);
    assert_true(three.received[0] == 0 && three.received[2] == 8);
    assert_true(three.direct[2] == 8 && three.taint[2] == 0 && three.balance == 8);
    assert_true(three.min_hops[2] == 1 && three.received_unknown == 0);
    wr_ledger_release(&l);

    l = hand_run(&g, WR_SENDING);
    wr_ledger_view one = wr_ledger_at(&l, 1), zero = wr_ledger_at(&l, 0);
    assert_true(one.total == 8 && one.received[2] == 8 && one.direct[2] == 8);
    assert_true(zero.received[2] == 0 && zero.total == 8);
    wr_ledger_release(&l);
    flow_gen_release(&g);
}

/* 0 illicit 30 and 1 unknown 70 into transaction 4, which pays 2 sixty and 3 forty. */
static void test_ledger_run__hub_is_pro_rata_and_costs_no_hop(void **state)
{
    (void)state;
    flow_gen g;
    hand_init(&g, 5, 4);
    g.seeds.category[0] = 1;
    g.seeds.confidence[0] = 1;
    g.hub_bits[0] = 1u << 4;
    hand_pay(&g, 0, 4, 30);
    hand_pay(&g, 1, 4, 70);
    hand_pay(&g, 4, 2, 60);
    hand_pay(&g, 4, 3, 40);
    wr_ledger l = hand_run(&g, WR_RECEIVING);
    const double want[] = {18, 12};
    for (wr_vid v = 2; v <= 3; v++) {
        wr_ledger_view w = wr_ledger_at(&l, v);
        assert_true(fabs(w.received[1] - want[v - 2]) < 1e-12);
        assert_true(fabs(w.direct[1] - want[v - 2]) < 1e-12);
        assert_float_equal(w.mean_hops[1], 1, 1e-6);
        assert_int_equal(w.min_hops[1], 1);
    }
    assert_true(wr_ledger_at(&l, 4).balance == 0);
    wr_ledger_release(&l);
    flow_gen_release(&g);
}

static void test_ledger_run__label_counts_while_it_holds(void **state)
{
    (void)state;
    flow_gen g;
    hand_init(&g, 2, 3);
    g.seeds.category[0] = 0;
    g.seeds.confidence[0] = 0.5f;
    g.seeds.from_s[0] = 10;
    g.seeds.to_s[0] = 20;
    hand_pay(&g, 0, 1, 4);
    hand_pay(&g, 0, 1, 4);
    hand_pay(&g, 0, 1, 4);
    wr_ledger l = hand_run(&g, WR_RECEIVING);
    wr_ledger_view w = wr_ledger_at(&l, 1);
    assert_true(w.total == 12 && w.received[0] == 2 && w.received_unknown == 8);
    wr_ledger_release(&l);
    flow_gen_release(&g);
}

static void test_ledger_run__same_wallet_and_zero_change_nothing(void **state)
{
    (void)state;
    flow_gen g;
    hand_init(&g, 2, 3);
    g.seeds.category[0] = 0;
    g.seeds.confidence[0] = 1;
    hand_pay(&g, 0, 1, 0);
    hand_pay(&g, 0, 0, 5);
    hand_pay(&g, 1, 1, 5);
    wr_ledger l = hand_run(&g, WR_RECEIVING);
    for (wr_vid v = 0; v < 2; v++) {
        wr_ledger_view w = wr_ledger_at(&l, v);
        assert_true(w.total == 0 && w.balance == 0 && w.overdraft == 0);
        assert_true(w.received[0] == 0 && w.min_hops[0] == 0 && w.max_share == 0);
    }
    assert_true(l.injected[0] == 0 && l.injected_unknown == 0);
    wr_ledger_release(&l);
    flow_gen_release(&g);
}

/* Everything a run gives, in one block of bytes. */
typedef struct result {
    wr_ledger l;
    wr_ledger_mark *mark;
    double *phi;
} result;

static void result_run(result *r, const flow_gen *g, wr_direction d, bool is_plain)
{
    *r = (result){0};
    r->mark = wr_calloc(g->m, sizeof *r->mark);
    r->phi = wr_calloc(g->m * g->seeds.c, sizeof *r->phi);
    wr_ledger_opts o = {
        .direction = d, .is_plain = is_plain, .mark = r->mark, .phi = r->phi};
    assert_ok(wr_ledger_run(&r->l, &g->fl, &o, &err));
}

static void result_release(result *r)
{
    wr_ledger_release(&r->l);
    wr_free(r->mark);
    wr_free(r->phi);
}

static void assert_same_bits(const result *a, const result *b, const flow_gen *g)
{
    uint32_t c = a->l.c;
    assert_memory_equal(a->l.row, b->l.row, a->l.n * a->l.row_bytes);
    assert_memory_equal(a->mark, b->mark, g->m * sizeof *a->mark);
    assert_memory_equal(a->phi, b->phi, g->m * c * sizeof *a->phi);
    assert_memory_equal(a->l.injected, b->l.injected, sizeof a->l.injected);
    assert_memory_equal(a->l.absorbed, b->l.absorbed, sizeof a->l.absorbed);
    for (wr_vid v = 0; v < a->l.n; v++)
        assert_memory_equal(wr_ledger_at(&a->l, v).direct, wr_ledger_at(&b->l, v).direct,
                            c * sizeof(double));
}

static void test_ledger_run__fast_and_plain_give_the_same_bits(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < GRAPHS; seed++) {
        flow_gen_opts shape = flow_gen_shape(seed);
        flow_gen g;
        flow_gen_init(&g, seed, &shape);
        for (wr_direction d = WR_RECEIVING; d <= WR_SENDING; d++) {
            result fast, plain;
            result_run(&fast, &g, d, false);
            result_run(&plain, &g, d, true);
            assert_same_bits(&fast, &plain, &g);
            result_release(&fast);
            result_release(&plain);
        }
        flow_gen_release(&g);
    }
}

/* More than a block and a progress step; both directions at once, for 1, 2 and 8 threads.
 */
static void test_ledger_run__same_bits_for_any_thread_count(void **state)
{
    (void)state;
    flow_gen_opts shape = {.n = 500,
                           .m = 20000,
                           .c = 8,
                           .assets = 1,
                           .hubs = 100,
                           .label_prob = 0.05,
                           .dated_prob = 0.3};
    flow_gen g;
    flow_gen_init(&g, 5, &shape);
    result want[2];
    result_run(&want[0], &g, WR_RECEIVING, true);
    result_run(&want[1], &g, WR_SENDING, true);
    for (int threads = 1; threads <= 8; threads *= 2) {
        wr_ledger got[2] = {0};
        wr_status status[2];
#pragma omp parallel for num_threads(threads) default(none) shared(got, status, g)
        for (int d = 0; d < 2; d++) {
            wr_ledger_opts o = WR_LEDGER_OPTS_INIT;
            o.direction = d ? WR_SENDING : WR_RECEIVING;
            status[d] = wr_ledger_run(&got[d], &g.fl, &o, NULL);
        }
        for (int d = 0; d < 2; d++) {
            assert_int_equal(status[d], WR_OK);
            assert_memory_equal(got[d].row, want[d].l.row, got[d].n * got[d].row_bytes);
            wr_ledger_release(&got[d]);
        }
    }
    result_release(&want[0]);
    result_release(&want[1]);
    flow_gen_release(&g);
}

static void test_ledger_run__nobody_and_alone(void **state)
{
    (void)state;
    for (uint32_t n = 0; n <= 1; n++) {
        flow_gen g;
        hand_init(&g, n, 1);
        wr_ledger l = hand_run(&g, WR_SENDING);
        assert_int_equal(l.n, n);
        if (n)
            assert_true(wr_ledger_at(&l, 0).total == 0);
        wr_ledger_release(&l);
        flow_gen_release(&g);
    }
}

static void test_ledger_run__largest_values(void **state)
{
    (void)state;
    flow_gen g;
    hand_init(&g, 3, 3);
    g.seeds.category[0] = 0;
    g.seeds.confidence[0] = 1;
    hand_pay(&g, 0, 1, WR_LEDGER_VALUE_MAX);
    hand_pay(&g, 1, 2, 0x1p-1074);
    hand_pay(&g, 1, 2, WR_LEDGER_VALUE_MAX);
    wr_ledger l = hand_run(&g, WR_RECEIVING);
    wr_ledger_view w = wr_ledger_at(&l, 2);
    assert_true(fabs(w.received[0] / WR_LEDGER_VALUE_MAX - 1) < 1e-12);
    assert_float_equal(w.mean_hops[0], 2, 1e-6);
    wr_ledger_release(&l);
    flow_gen_release(&g);
}

static void test_ledger_run__values_outside_are_refused(void **state)
{
    (void)state;
    const struct {
        double value;
        const char *msg;
    } bad[] = {{-1.0, "transfer 1: value -1, wanted 0..1e+39"},
               {HUGE_VAL, "transfer 1: value inf, wanted 0..1e+39"},
               {2e39, "transfer 1: value 2e+39, wanted 0..1e+39"},
               {(double)NAN, NULL}};
    flow_gen g;
    hand_init(&g, 2, 2);
    hand_pay(&g, 0, 1, 1);
    hand_pay(&g, 0, 1, 1);
    wr_ledger l = {0};
    wr_ledger_opts o = WR_LEDGER_OPTS_INIT;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        wr_err e = {0};
        g.value[1] = bad[i].value;
        assert_int_equal(wr_ledger_run(&l, &g.fl, &o, &e), WR_EINVAL);
        if (bad[i].msg)
            assert_string_equal(e.msg, bad[i].msg);
        assert_null(l.row);
    }
    flow_gen_release(&g);
}

static void test_ledger_run__other_errors(void **state)
{
    (void)state;
    flow_gen g;
    hand_init(&g, 2, 2);
    hand_pay(&g, 0, 1, 1);
    wr_ledger l = {0};
    wr_ledger_opts o = WR_LEDGER_OPTS_INIT;
    wr_err e = {0};
    g.fl.n = 3;
    assert_int_equal(wr_ledger_run(&l, &g.fl, &o, &e), WR_EINVAL);
    assert_string_equal(e.msg, "labels of 2 wallets for a graph of 3");
    g.fl.n = 2;
    e = (wr_err){0};
    g.fl.col.m = UINT32_MAX; /* refused before anything is read */
    assert_int_equal(wr_ledger_run(&l, &g.fl, &o, &e), WR_ELIMIT);
    assert_string_equal(e.msg, "4294967295 transfers, at most 4294967294");
    g.fl.col.m = 1;
    atomic_bool stop = true;
    wr_progress pg = {.stop = &stop};
    o.pg = &pg;
    assert_err(WR_ESTOPPED, wr_ledger_run(&l, &g.fl, &o, &err));
    assert_null(l.row);
    flow_gen_release(&g);
}

static wr_status run_and_release(const wr_flow *fl, wr_err *err)
{
    wr_ledger_opts o = WR_LEDGER_OPTS_INIT;
    WR_LEDGER_AUTO wr_ledger l = {0};
    return wr_ledger_run(&l, fl, &o, err);
}

static void test_ledger_run__out_of_memory(void **state)
{
    (void)state;
    flow_gen_opts shape = {.n = 20,
                           .m = 80,
                           .c = 9,
                           .assets = 3,
                           .hubs = 9,
                           .label_prob = 0.4,
                           .is_whole = true};
    flow_gen g;
    flow_gen_init(&g, 3, &shape);
    assert_oom_safe(run_and_release(&g.fl, &err));
    flow_gen_release(&g);
}

static void test_ledger_level_share__bounds_from_above(void **state)
{
    (void)state;
    assert_true(wr_ledger_level_share(0) == 0);
    assert_true(wr_ledger_level_share(255) == 1);
    for (unsigned k = 2; k <= 255; k++) {
        double up = wr_ledger_level_share((uint8_t)k);
        double down = wr_ledger_level_share((uint8_t)(k - 1));
        assert_true(down < up && up <= down * 1.126);
    }
    assert_true(wr_ledger_level_share(1) < 0x1p-31);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_ledger_run__half_of_a_mix),
        wr_unit_test(test_ledger_run__service_cuts),
        wr_unit_test(test_ledger_run__hub_is_pro_rata_and_costs_no_hop),
        wr_unit_test(test_ledger_run__label_counts_while_it_holds),
        wr_unit_test(test_ledger_run__same_wallet_and_zero_change_nothing),
        wr_unit_test(test_ledger_run__fast_and_plain_give_the_same_bits),
        wr_unit_test(test_ledger_run__same_bits_for_any_thread_count),
        wr_unit_test(test_ledger_run__nobody_and_alone),
        wr_unit_test(test_ledger_run__largest_values),
        wr_unit_test(test_ledger_run__values_outside_are_refused),
        wr_unit_test(test_ledger_run__other_errors),
        wr_unit_test(test_ledger_run__out_of_memory),
        wr_unit_test(test_ledger_level_share__bounds_from_above),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
