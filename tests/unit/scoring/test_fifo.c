#include "scoring/fifo.h"

#include <math.h>
#include <string.h>

#include "flow_gen.h"

enum { GRAPHS = 1200, TAGS = WR_CATEGORY_MAX + 2, COINS_MAX = 8192 };

/* The reference: whole coins in plain arrays, moved one run at a time from the front. */
typedef struct coins {
    uint64_t value[COINS_MAX];
    uint32_t tag[COINS_MAX];
    uint32_t len;
} coins;

typedef struct replay {
    const flow_gen *g;
    uint32_t c, cap;
    coins *held;        /* [n * 3 assets] */
    uint64_t *received; /* [n * TAGS] */
    uint64_t *total;    /* [n] */
    bool *is_merged;    /* [n] */
    uint64_t injected[TAGS], absorbed[TAGS];
} replay;

static void coins_drop(coins *q, uint32_t count)
{
    q->len -= count;
    memmove(q->value, q->value + count, q->len * sizeof *q->value);
    memmove(q->tag, q->tag + count, q->len * sizeof *q->tag);
}

/* Older half by tag, first come first; written as a fresh list. */
static void coins_regroup(coins *q)
{
    coins *neu = wr_calloc(1, sizeof *neu);
    uint32_t half = q->len / 2;
    for (uint32_t i = 0; i < half; i++) {
        uint32_t k = 0;
        while (k < neu->len && neu->tag[k] != q->tag[i])
            k++;
        neu->tag[k] = q->tag[i];
        neu->value[k] += q->value[i];
        neu->len += k == neu->len;
    }
    for (uint32_t i = half; i < q->len; i++) {
        neu->tag[neu->len] = q->tag[i];
        neu->value[neu->len++] = q->value[i];
    }
    *q = *neu;
    wr_free(neu);
}

static void give(replay *r, wr_vid v, uint32_t asset, bool is_stop, uint64_t value,
                 uint32_t tag)
{
    r->received[v * TAGS + tag] += value;
    if (is_stop) {
        r->absorbed[tag] += value;
        return;
    }
    coins *q = &r->held[v * 3 + asset];
    if (q->len && q->tag[q->len - 1] == tag) {
        q->value[q->len - 1] += value;
        return;
    }
    if (q->len == r->cap) {
        coins_regroup(q);
        r->is_merged[v] = true;
    }
    assert_true(q->len < COINS_MAX);
    q->value[q->len] = value;
    q->tag[q->len++] = tag;
}

static void step(replay *r, wr_direction d, uint64_t i)
{
    const wr_flow *fl = &r->g->fl;
    wr_vid u = d == WR_SENDING ? fl->col.to[i] : fl->col.from[i];
    wr_vid v = d == WR_SENDING ? fl->col.from[i] : fl->col.to[i];
    uint32_t t = fl->col.time_s[i], asset = fl->col.asset[i];
    uint64_t a = (uint64_t)fl->col.value[i];
    if (u == v || !a)
        return;
    int label = wr_seeds_at(fl->seeds, u, t);
    bool is_stop = wr_seeds_at(fl->seeds, v, t) >= 0;
    r->total[v] += a;
    if (label >= 0) {
        bool is_service = fl->seeds->kind[label] == WR_CATEGORY_SERVICE;
        uint64_t eighths = (uint64_t)(fl->seeds->confidence[u] * 8.0f);
        uint64_t sure = is_service ? 0 : a * eighths / 8;
        r->injected[label] += sure;
        if (sure)
            give(r, v, asset, is_stop, sure, (uint32_t)label);
        if (a > sure)
            give(r, v, asset, is_stop, a - sure, r->c);
        return;
    }
    coins *q = &r->held[u * 3 + asset];
    while (a && q->len) {
        uint64_t x = a < q->value[0] ? a : q->value[0];
        give(r, v, asset, is_stop, x, q->tag[0]);
        a -= x;
        q->value[0] -= x;
        if (!q->value[0])
            coins_drop(q, 1);
    }
    if (a)
        give(r, v, asset, is_stop, a, r->c + 1);
}

static void replay_init(replay *r, const flow_gen *g, wr_direction d, uint32_t cap)
{
    uint32_t n = g->fl.n;
    *r = (replay){.g = g, .c = g->seeds.c, .cap = cap};
    r->held = wr_calloc(n * 3ULL, sizeof *r->held);
    r->received = wr_calloc(n * (size_t)TAGS, sizeof *r->received);
    r->total = wr_calloc(n, sizeof *r->total);
    r->is_merged = wr_calloc(n, sizeof *r->is_merged);
    for (uint64_t k = 0; k < g->m; k++)
        step(r, d, d == WR_SENDING ? g->m - 1 - k : k);
}

static void replay_release(replay *r)
{
    wr_free(r->held);
    wr_free(r->received);
    wr_free(r->total);
    wr_free(r->is_merged);
}

static uint64_t held(const replay *r, wr_vid v, uint32_t tag)
{
    uint64_t sum = 0;
    for (uint32_t asset = 0; asset < 3; asset++) {
        const coins *q = &r->held[v * 3 + asset];
        for (uint32_t i = 0; i < q->len; i++)
            sum += tag == TAGS || q->tag[i] == tag ? q->value[i] : 0;
    }
    return sum;
}

static void check(const replay *r, const wr_fifo *f)
{
    uint64_t merged = 0;
    for (wr_vid v = 0; v < f->n; v++) {
        wr_fifo_view w = wr_fifo_at(f, v);
        assert_true(w.total == (double)r->total[v]);
        assert_true(w.balance == (double)held(r, v, TAGS));
        assert_true(w.received_unknown == (double)r->received[v * TAGS + r->c + 1]);
        assert_true(w.held_unknown == (double)held(r, v, r->c + 1));
        assert_int_equal(w.is_merged, r->is_merged[v]);
        merged += r->is_merged[v];
        for (uint32_t c = 0; c < r->c; c++) {
            assert_true(w.received[c] == (double)r->received[v * TAGS + c]);
            assert_true(w.held[c] == (double)held(r, v, c));
        }
    }
    assert_int_equal(f->merged, merged);
    for (uint32_t c = 0; c < r->c; c++) {
        uint64_t all = r->absorbed[c];
        for (wr_vid v = 0; v < f->n; v++)
            all += held(r, v, c);
        assert_true(all == r->injected[c]);
        assert_true(f->injected[c] == (double)r->injected[c]);
        assert_true(f->absorbed[c] == (double)r->absorbed[c]);
    }
}

/* Returns how many wallets were regrouped. */
static uint64_t compare(uint64_t seed, const flow_gen_opts *shape, uint32_t cap)
{
    flow_gen g;
    flow_gen_init(&g, seed, shape);
    for (uint64_t i = 0; i < g.m; i++)
        g.value[i] = 8 * floor(g.value[i]); /* eighths of it stay whole */
    wr_fifo_opts o = {.direction = seed % 4 < 2 ? WR_RECEIVING : WR_SENDING, .cap = cap};
    const wr_vid *payer = o.direction == WR_SENDING ? g.to : g.from;
    for (uint64_t i = 0; i < g.m && cap < WR_FIFO_CAP_MAX; i++)
        if (g.seeds.category[payer[i]] < 0 && i % 4)
            g.value[i] = 8; /* thrift: queues grow */
    replay r;
    replay_init(&r, &g, o.direction, cap);
    wr_fifo f = {0};
    assert_ok(wr_fifo_run(&f, &g.fl, &o, &err));
    check(&r, &f);
    uint64_t merged = f.merged;
    wr_fifo_release(&f);
    replay_release(&r);
    flow_gen_release(&g);
    return merged;
}

static void test_fifo_run__equals_whole_coins_exactly(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < GRAPHS; seed++) {
        flow_gen_opts shape = flow_gen_shape(seed);
        assert_int_equal(compare(seed, &shape, WR_FIFO_CAP_MAX), 0);
    }
}

/* Many tags and few wallets: queues pass 64 runs and are regrouped. */
static void test_fifo_run__regrouped_queues_equal_whole_coins(void **state)
{
    (void)state;
    uint64_t merged = 0;
    for (uint64_t seed = 0; seed < 12; seed++) {
        flow_gen_opts shape = {.n = 24,
                               .m = 6000,
                               .c = 16,
                               .assets = 1 + (uint32_t)seed % 2,
                               .hubs = 30,
                               .label_prob = 0.5,
                               .doubt_prob = 0.5,
                               .is_whole = true};
        merged += compare(seed, &shape, seed % 3 ? WR_FIFO_CAP_MIN : 100);
    }
    assert_true(merged > 30);
}

static void small_init(flow_gen *g, uint32_t n)
{
    flow_gen_opts o = {.n = n, .m = 4, .c = 2, .assets = 1};
    if (!n)
        o.m = 0;
    flow_gen_init(g, 1, &o);
    g->m = 0;
    g->fl.col.m = 0;
}

static void small_pay(flow_gen *g, wr_vid from, wr_vid to, double value)
{
    flow_gen_add(g, from, to, (uint32_t)g->m, value, 0);
    g->fl.col.m = g->m;
}

/* dirty 5 | unknown 3 | dirty 2 pays 6: five dirty and one unknown leave. */
static void test_fifo_run__oldest_leaves_first(void **state)
{
    (void)state;
    flow_gen g;
    small_init(&g, 4);
    g.seeds.category[0] = 0;
    g.seeds.confidence[0] = 1;
    small_pay(&g, 0, 1, 5);
    small_pay(&g, 2, 1, 3);
    small_pay(&g, 0, 1, 2);
    small_pay(&g, 1, 3, 6);
    wr_fifo f = {0};
    wr_fifo_opts o = WR_FIFO_OPTS_INIT;
    assert_ok(wr_fifo_run(&f, &g.fl, &o, &err));
    wr_fifo_view one = wr_fifo_at(&f, 1), three = wr_fifo_at(&f, 3);
    assert_true(three.received[0] == 5 && three.received_unknown == 1);
    assert_true(one.balance == 4 && one.held[0] == 2 && one.held_unknown == 2);
    assert_true(one.received[0] == 7 && three.held[0] == 5 && f.injected[0] == 7);
    wr_fifo_release(&f);
    flow_gen_release(&g);
}

/* 0.1 + 0.2 are not 0.3: what rounding leaves over is no run and no unknown origin. */
static void test_fifo_run__crumbs_of_rounding_are_no_money(void **state)
{
    (void)state;
    flow_gen g;
    small_init(&g, 3);
    g.seeds.category[0] = 0;
    g.seeds.confidence[0] = 1;
    small_pay(&g, 0, 1, 0.1);
    small_pay(&g, 0, 1, 0.2);
    small_pay(&g, 1, 2, 0.3);
    wr_fifo f = {0};
    wr_fifo_opts o = WR_FIFO_OPTS_INIT;
    assert_ok(wr_fifo_run(&f, &g.fl, &o, &err));
    assert_true(wr_fifo_at(&f, 1).balance == 0);
    assert_true(wr_fifo_at(&f, 2).received_unknown == 0);
    assert_true(fabs(wr_fifo_at(&f, 2).received[0] - 0.3) < 1e-15);
    wr_fifo_release(&f);
    flow_gen_release(&g);
}

static void test_fifo_run__nobody_and_alone(void **state)
{
    (void)state;
    for (uint32_t n = 0; n <= 1; n++) {
        flow_gen g;
        small_init(&g, n);
        wr_fifo f = {0};
        wr_fifo_opts o = WR_FIFO_OPTS_INIT;
        assert_ok(wr_fifo_run(&f, &g.fl, &o, &err));
        assert_int_equal(f.n, n);
        if (n)
            assert_true(wr_fifo_at(&f, 0).balance == 0);
        wr_fifo_release(&f);
        flow_gen_release(&g);
    }
}

static void test_fifo_run__bad_input_and_stop(void **state)
{
    (void)state;
    flow_gen g;
    small_init(&g, 2);
    small_pay(&g, 0, 1, 1);
    wr_fifo f = {0};
    wr_fifo_opts o = {.cap = WR_FIFO_CAP_MIN - 1};
    wr_err e = {0};
    assert_int_equal(wr_fifo_run(&f, &g.fl, &o, &e), WR_EINVAL);
    assert_string_equal(e.msg, "cap 63, wanted 64..65536");
    o.cap = WR_FIFO_CAP_MAX + 1;
    assert_err(WR_EINVAL, wr_fifo_run(&f, &g.fl, &o, &err));
    o.cap = WR_FIFO_CAP_MAX;
    atomic_bool stop = true;
    wr_progress pg = {.stop = &stop};
    o.pg = &pg;
    assert_err(WR_ESTOPPED, wr_fifo_run(&f, &g.fl, &o, &err));
    o.pg = NULL;
    g.value[0] = -2;
    assert_err(WR_EINVAL, wr_fifo_run(&f, &g.fl, &o, &err));
    g.fl.col.m = UINT32_MAX;
    assert_err(WR_ELIMIT, wr_fifo_run(&f, &g.fl, &o, &err));
    assert_null(f.total);
    flow_gen_release(&g);
}

static wr_status run_and_release(const wr_flow *fl, wr_err *err)
{
    wr_fifo_opts o = WR_FIFO_OPTS_INIT;
    WR_FIFO_AUTO wr_fifo f = {0};
    return wr_fifo_run(&f, fl, &o, err);
}

static void test_fifo_run__out_of_memory(void **state)
{
    (void)state;
    flow_gen_opts shape = {.n = 20,
                           .m = 300,
                           .c = 9,
                           .assets = 2,
                           .hubs = 9,
                           .label_prob = 0.4,
                           .is_whole = true};
    flow_gen g;
    flow_gen_init(&g, 3, &shape);
    assert_oom_safe(run_and_release(&g.fl, &err));
    flow_gen_release(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_fifo_run__equals_whole_coins_exactly),
        wr_unit_test(test_fifo_run__regrouped_queues_equal_whole_coins),
        wr_unit_test(test_fifo_run__oldest_leaves_first),
        wr_unit_test(test_fifo_run__crumbs_of_rounding_are_no_money),
        wr_unit_test(test_fifo_run__nobody_and_alone),
        wr_unit_test(test_fifo_run__bad_input_and_stop),
        wr_unit_test(test_fifo_run__out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
