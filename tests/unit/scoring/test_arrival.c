#include "scoring/arrival.h"

#include "flow_gen.h"

enum { GRAPHS = 1500 };

/* Transfer i of the flow as the direction reads it: position in order, payer, payee. */
typedef struct step {
    uint64_t i;
    wr_vid u, v;
    uint32_t t;
} step;

static step step_at(const wr_flow *fl, wr_direction d, uint64_t k)
{
    uint64_t i = d == WR_SENDING ? fl->col.m - 1 - k : k;
    step e = {i, fl->col.from[i], fl->col.to[i], fl->col.time_s[i]};
    if (d == WR_SENDING) {
        e.u = fl->col.to[i];
        e.v = fl->col.from[i];
    }
    return e;
}

/* From every transfer that leaves a label, walk on by hand: who is reached, and when. */
static void slow_arrival(uint32_t *hold_s, const wr_flow *fl, wr_direction d)
{
    const wr_seeds *s = fl->seeds;
    bool *has = wr_calloc(fl->n, sizeof *has);
    for (uint64_t i = 0; i < (uint64_t)fl->n * s->c; i++)
        hold_s[i] = d == WR_SENDING ? 0 : UINT32_MAX;
    for (uint64_t k = 0; k < fl->col.m; k++) {
        step first = step_at(fl, d, k);
        int c = wr_seeds_at(s, first.u, first.t);
        if (c < 0)
            continue;
        for (uint32_t v = 0; v < fl->n; v++)
            has[v] = false;
        for (uint64_t j = k; j < fl->col.m; j++) {
            step e = step_at(fl, d, j);
            bool can_start = j == k || (has[e.u] && wr_seeds_at(s, e.u, e.t) < 0);
            if (!can_start || e.u == e.v || fl->col.value[e.i] == 0 ||
                wr_seeds_at(s, e.v, e.t) >= 0)
                continue;
            has[e.v] = true;
            uint32_t *h = &hold_s[(uint64_t)e.v * s->c + (uint32_t)c];
            if (d == WR_SENDING ? e.t > *h : e.t < *h)
                *h = e.t;
        }
    }
    for (uint32_t v = 0; v < fl->n; v++) {
        if (s->category[v] < 0 || s->from_s[v] >= s->to_s[v])
            continue;
        uint32_t *h = &hold_s[(uint64_t)v * s->c + (uint64_t)s->category[v]];
        uint32_t last_s = s->to_s[v] == UINT32_MAX ? UINT32_MAX : s->to_s[v] - 1;
        if (d == WR_RECEIVING && s->from_s[v] < *h)
            *h = s->from_s[v];
        if (d == WR_SENDING && last_s > *h)
            *h = last_s;
    }
    wr_free(has);
}

/* Returns how many cells are reached. */
static uint64_t compare(const wr_flow *fl, wr_direction d, uint64_t seed)
{
    uint32_t c = fl->seeds->c;
    size_t cells = (size_t)fl->n * c;
    uint64_t reached = 0;
    uint32_t *got = wr_calloc(cells, sizeof *got);
    uint32_t *want = wr_calloc(cells, sizeof *want);
    assert_ok(wr_arrival(got, fl, d, NULL, &err));
    slow_arrival(want, fl, d);
    for (size_t i = 0; i < cells; i++) {
        if (got[i] != want[i])
            fail_msg("seed %lu direction %d vertex %zu category %zu: %u, not %u",
                     (unsigned long)seed, (int)d, i / c, i % c, got[i], want[i]);
        reached += got[i] != 0 && got[i] != UINT32_MAX;
    }
    wr_free(got);
    wr_free(want);
    return reached;
}

static void test_arrival__equals_walking_by_hand(void **state)
{
    (void)state;
    uint64_t reached = 0;
    for (uint64_t seed = 0; seed < GRAPHS; seed++) {
        flow_gen_opts o = flow_gen_shape(seed);
        flow_gen g;
        flow_gen_init(&g, seed, &o);
        reached += compare(&g.fl, WR_RECEIVING, seed);
        reached += compare(&g.fl, WR_SENDING, seed);
        flow_gen_release(&g);
    }
    assert_true(reached > 10000);
}

static flow_gen one(uint32_t n)
{
    flow_gen_opts o = {.n = n, .m = n > 1, .c = 2, .assets = 1};
    flow_gen g;
    flow_gen_init(&g, 1, &o);
    return g;
}

static void test_arrival__no_transfer_and_no_vertex(void **state)
{
    (void)state;
    for (uint32_t n = 0; n <= 1; n++) {
        flow_gen g = one(n);
        g.fl.seeds = &g.seeds;
        uint32_t hold[2] = {7, 7};
        assert_ok(wr_arrival(hold, &g.fl, WR_RECEIVING, NULL, &err));
        assert_int_equal(hold[0], n ? UINT32_MAX : 7);
        assert_ok(wr_arrival(hold, &g.fl, WR_SENDING, NULL, &err));
        assert_int_equal(hold[0], n ? 0 : 7);
        flow_gen_release(&g);
    }
}

static void test_arrival__labels_of_another_graph_are_refused(void **state)
{
    (void)state;
    flow_gen g = one(3);
    g.fl.seeds = &g.seeds;
    g.fl.n = 4;
    uint32_t hold[8];
    wr_err e = {0};
    assert_int_equal(wr_arrival(hold, &g.fl, WR_RECEIVING, NULL, &e), WR_EINVAL);
    assert_string_equal(e.msg, "labels of 3 wallets for a graph of 4");
    flow_gen_release(&g);
}

static void test_arrival__out_of_memory(void **state)
{
    (void)state;
    flow_gen g = one(3);
    g.fl.seeds = &g.seeds;
    uint32_t hold[6];
    assert_oom_safe(wr_arrival(hold, &g.fl, WR_RECEIVING, NULL, &err));
    flow_gen_release(&g);
}

static void test_arrival__stops_on_request(void **state)
{
    (void)state;
    flow_gen g = one(3);
    g.fl.seeds = &g.seeds;
    uint32_t hold[6];
    atomic_bool stop = true;
    wr_progress pg = {.stop = &stop};
    assert_err(WR_ESTOPPED, wr_arrival(hold, &g.fl, WR_RECEIVING, &pg, &err));
    flow_gen_release(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_arrival__equals_walking_by_hand),
        wr_unit_test(test_arrival__no_transfer_and_no_vertex),
        wr_unit_test(test_arrival__labels_of_another_graph_are_refused),
        wr_unit_test(test_arrival__out_of_memory),
        wr_unit_test(test_arrival__stops_on_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
