/* What the stream tells at once, against the batch run: in the end, after every transfer.
 */
#include "scoring/typology_live.h"
#include "typology_story.h"

/* Without dusting: that is in test_typology_live_search.c. */
static const uint32_t STREAMED = WR_TYPOLOGY_LIVE_AT_ONCE & ~(1U << WR_TYPOLOGY_DUSTING);

static void setup(ref_world *w, wr_rng *r)
{
    wr_typology_opts *o = &w->o;
    ref_values(w, r, 1 + (uint32_t)wr_rng_below(r, 12));
    o->fan_count = 1 + (uint32_t)wr_rng_below(r, 4);
    o->fan_window_s = (uint32_t)wr_rng_below(r, 30);
    o->fan_even_min = wr_rng_below(r, 3) ? 0.25 * (double)wr_rng_below(r, 4) : 0;
    o->structuring_count = 1 + (uint32_t)wr_rng_below(r, 4);
    o->structuring_window_s = (uint32_t)wr_rng_below(r, 40);
    for (int i = 0; i < WR_TYPOLOGY_THRESHOLDS; i++)
        o->structuring_threshold[i] = 3 * i + 3; /* bands overlap below */
    o->structuring_low = 0.5;
    o->pass_hold_s = (uint32_t)wr_rng_below(r, 15);
    o->pass_share_min = wr_rng_below(r, 2) ? 1 : 0.5;
    o->pass_events = 1 + (uint32_t)wr_rng_below(r, 4);
    o->pass_value_min = 2 + (double)wr_rng_below(r, 20);
    o->pass_window_s = (uint32_t)wr_rng_below(r, 40);
    o->hop_hold_s = (uint32_t)wr_rng_below(r, 25);
    o->hop_share_min = 0.5;
    o->hop_events = 1 + (uint32_t)wr_rng_below(r, 2);
    o->hop_window_s = (uint32_t)wr_rng_below(r, 50);
    o->dormant_gap_s = 1 + (uint32_t)wr_rng_below(r, 12);
    o->dormant_gap_ratio = (double)wr_rng_below(r, 4);
    o->dormant_window_s = (uint32_t)wr_rng_below(r, 12);
    o->burst_age_s = 1 + (uint32_t)wr_rng_below(r, 30);
    o->burst_hold_s = (uint32_t)wr_rng_below(r, 20);
    o->burst_value_min = 1 + (double)wr_rng_below(r, 10);
    o->hub_cap = wr_rng_below(r, 3) ? 5000 : 3 + (uint32_t)wr_rng_below(r, 9);
    w->in.swap_mask = 1 + (uint32_t)wr_rng_below(r, 255);
    o->peel_hops = 1 + (uint32_t)wr_rng_below(r, 3);
    o->peel_hold_s = 1 + (uint32_t)wr_rng_below(r, 40);
    o->peel_share_min = wr_rng_below(r, 2) ? 0.75 : 0.5;
}

/* A tree of peels that grows, with some noise: fresh wallets are rare otherwise. */
static void plant_peels(ref_world *w, wr_rng *r)
{
    flow_gen *g = &w->g;
    uint32_t fresh = 2, users = 0;
    wr_vid big = 0;
    double value = 1024;
    while (users < g->fl.n && !wr_flow_is_hub(&g->fl, users))
        users++;
    for (uint64_t i = 0; i < g->m; i++) {
        if (wr_flow_is_hub(&g->fl, g->to[i]) && wr_rng_below(r, 2))
            g->from[i] = big; /* a transaction of it, perhaps of it alone */
        if (wr_flow_is_hub(&g->fl, g->from[i]) && wr_rng_below(r, 2) && fresh < users) {
            const bool is_on = wr_rng_below(r, 2);
            g->to[i] = is_on ? fresh++ : 1;
            g->value[i] = is_on ? value : value / 8;
        }
        if (wr_flow_is_hub(&g->fl, g->from[i]) || wr_flow_is_hub(&g->fl, g->to[i]) ||
            wr_rng_below(r, 8) == 0)
            continue;
        const bool is_on = wr_rng_below(r, 2) && fresh < users;
        g->from[i] = wr_rng_below(r, 4) ? big : g->from[i];
        g->to[i] = is_on ? fresh++ : 1;
        g->value[i] = is_on ? value : value / 8;
        if (!is_on || wr_rng_below(r, 3))
            continue;
        big = g->to[i];
        value = value > 16 && wr_rng_below(r, 4) ? value * 0.875 : 1024;
    }
    wr_free(g->in_off);
    wr_free(g->in_col);
    wr_free(g->out_off);
    wr_free(g->out_col);
    flow_gen_rows(&g->fl.in, &g->in_off, &g->in_col, g->to, g);
    flow_gen_rows(&g->fl.out, &g->out_off, &g->out_col, g->from, g);
    w->in.flow = g->fl;
}

static void test_typology_live__is_the_batch_in_the_end(void **state)
{
    (void)state;
    story *st = wr_calloc(1, sizeof *st);
    for (uint64_t seed = 1; seed <= 1200; seed++) {
        flow_gen_opts shape = flow_gen_shape(seed);
        shape.label_prob *= 0.4;
        ref_world w;
        ref_world_init(&w, seed, &shape);
        wr_rng r = {.s = seed};
        setup(&w, &r);
        if (seed % 2)
            plant_peels(&w, &r);
        story_replay(st, &w, STREAMED, seed, false);
        ref_world_release(&w);
    }
    for (int t = 0; t < WR_TYPOLOGY_COUNT; t++)
        assert_true(st->hits[t] > 100 || !(STREAMED >> t & 1));
    wr_free(st);
}

/* No two at one time: then every moment is the end of a batch run. */
static void test_typology_live__is_the_batch_after_every_transfer(void **state)
{
    (void)state;
    story *st = wr_calloc(1, sizeof *st);
    for (uint64_t seed = 1; seed <= 150; seed++) {
        flow_gen_opts shape = flow_gen_shape(seed);
        shape.hubs = 0;
        shape.label_prob *= 0.4;
        ref_world w;
        ref_world_init(&w, seed, &shape);
        for (uint64_t i = 0; i < w.g.m; i++)
            w.g.time_s[i] = (uint32_t)i + w.g.time_s[i] / 4;
        wr_rng r = {.s = seed};
        setup(&w, &r);
        if (seed % 2)
            plant_peels(&w, &r);
        story_replay(st, &w, STREAMED, seed, true);
        ref_world_release(&w);
    }
    for (int t = 0; t < WR_TYPOLOGY_COUNT; t++)
        assert_true(st->hits[t] > 100 || !(STREAMED >> t & 1));
    wr_free(st);
}

/* Few wallets, many transfers: queues and pools are trimmed on the way. */
static void test_typology_live__a_long_stream(void **state)
{
    (void)state;
    story *st = wr_calloc(1, sizeof *st);
    for (uint64_t seed = 1; seed <= 40; seed++) {
        flow_gen_opts shape = {.n = 4, .m = 1200, .c = 3, .assets = 1, .is_whole = true};
        ref_world w;
        ref_world_init(&w, seed, &shape);
        wr_rng r = {.s = seed};
        setup(&w, &r);
        for (uint64_t i = 0; i < w.g.m; i++) /* 0 spends less than it gets */
            w.g.value[i] = w.g.from[i] == 0 ? 1 : 2 + (double)(i % 3);
        w.o.from_s = 0;
        w.o.to_s = UINT32_MAX;
        w.o.pass_hold_s = 9;
        w.o.pass_share_min = 0.75;
        w.o.pass_window_s = 12;
        w.o.pass_value_min = 1000;
        w.o.pass_events = seed % 2 ? 3 : 40; /* 40: hardly ever, events come and go */
        story_replay(st, &w, STREAMED, seed, false);
        ref_world_release(&w);
    }
    assert_true(st->hits[WR_TYPOLOGY_FAN_IN] + st->hits[WR_TYPOLOGY_FAN_OUT] +
                        st->hits[WR_TYPOLOGY_STRUCTURING] >
                    0 &&
                st->hits[WR_TYPOLOGY_PASS_THROUGH] > 0);
    wr_free(st);
}

static void push_all(wr_typology_live *l, const ref_world *w, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        const wr_typology_transfer t = story_transfer(w, i);
        wr_typology_told told = {0};
        assert_ok(wr_typology_live_push(&told, l, &t, &err));
    }
}

/* A busy hour among 64 wallets, and ten days later two others: the 64 cost little then.
 */
static void test_typology_live__what_is_over_is_let_go(void **state)
{
    (void)state;
    enum { BUSY = 6400, LATER = 400, WALLETS = 66 };
    static ref_pay p[BUSY + LATER];
    for (uint32_t i = 0; i < BUSY; i++)
        p[i] = (ref_pay){i % 64, (i * 7 + 1) % 64, 1000 + i / 2, 9000 + i % 900};
    for (uint32_t i = 0; i < LATER; i++)
        p[BUSY + i] = (ref_pay){64, 65, 1000 + 864000 + i, 5};
    ref_world w;
    ref_by_hand(&w, p, BUSY + LATER, WALLETS);
    const uint32_t which = 1U << WR_TYPOLOGY_FAN_IN | 1U << WR_TYPOLOGY_FAN_OUT |
                           1U << WR_TYPOLOGY_STRUCTURING |
                           1U << WR_TYPOLOGY_PASS_THROUGH | 1U << WR_TYPOLOGY_BURST;
    WR_AUTO(wr_typology_live) l = NULL;
    assert_ok(wr_typology_live_new(&l, &w.in, which, &w.o, &err));
    push_all(l, &w, 0, BUSY);
    const uint64_t busy_bytes = wr_typology_live_bytes(l);
    push_all(l, &w, BUSY, BUSY + LATER);
    assert_true(wr_typology_live_bytes(l) < busy_bytes / 4);
    ref_world_release(&w);
}

/* Four come in under 10 000: the third is not it, the fourth is, the fifth joins. */
static void test_typology_live__tells_at_once(void **state)
{
    (void)state;
    const ref_pay p[] = {{0, 1, 1000, 9000},
                         {0, 2, 2000, 9500},
                         {0, 3, 3000, 9100},
                         {0, 4, 4000, 9999},
                         {0, 5, 5000, 9200}};
    ref_world w;
    ref_by_hand(&w, p, 5, 6);
    WR_AUTO(wr_typology_live) l = NULL;
    assert_ok(wr_typology_live_new(&l, &w.in, 1U << WR_TYPOLOGY_STRUCTURING, &w.o, &err));
    for (uint32_t i = 0; i < 5; i++) {
        const wr_typology_transfer t = story_transfer(&w, i);
        wr_typology_told told = {0};
        assert_ok(wr_typology_live_push(&told, l, &t, &err));
        assert_int_equal(told.count, i >= 3);
        if (i < 3)
            continue;
        assert_int_equal(told.news[0].is_new, i == 3);
        assert_int_equal(told.news[0].edge_count, i == 3 ? 4 : 1);
        assert_int_equal(told.news[0].hit, 1);
        assert_int_equal(told.edge[told.news[0].edge_count - 1], i);
    }
    ref_world_release(&w);
}

static void test_typology_live__bad_input(void **state)
{
    (void)state;
    const ref_pay p[] = {{0, 1, 1000, 5}};
    ref_world w;
    ref_by_hand(&w, p, 1, 2); /* and one hub: three wallets */
    wr_typology_live *l = NULL;
    wr_err e = {0};
    assert_int_equal(wr_typology_live_new(&l, &w.in, 1U << WR_TYPOLOGY_COUNT, &w.o, &e),
                     WR_EINVAL);
    assert_string_equal(e.msg, "typologies 0x20000, streamed are 0x1ffff");
    e = (wr_err){0};
    w.o.fan_count = 0;
    assert_int_equal(wr_typology_live_new(&l, &w.in, 1, &w.o, &e), WR_EINVAL);
    assert_string_equal(e.msg, "fan_count 0, wanted at least 1");
    e = (wr_err){0};
    w.g.seeds.n = 9;
    assert_int_equal(wr_typology_live_new(&l, &w.in, 1, &w.o, &e), WR_EINVAL);
    assert_string_equal(e.msg, "labels of 9 wallets for a graph of 3");
    w.g.seeds.n = 3;
    w.o.fan_count = 1;
    assert_ok(wr_typology_live_new(&l, &w.in, 1, &w.o, &err));
    wr_typology_told told = {0};
    wr_typology_transfer t = {.value = 1, .from = 0, .to = 3, .time_s = 10, .ref = 5};
    e = (wr_err){0};
    assert_int_equal(wr_typology_live_push(&told, l, &t, &e), WR_EINVAL);
    assert_string_equal(e.msg, "wallet 3 of 3");
    t.to = 1;
    assert_ok(wr_typology_live_push(&told, l, &t, &err));
    e = (wr_err){0};
    assert_int_equal(wr_typology_live_push(&told, l, &t, &e), WR_EINVAL);
    assert_string_equal(e.msg, "transfer 5 at 10 behind 5 at 10");
    t.ref = 6;
    t.time_s = 9;
    e = (wr_err){0};
    assert_int_equal(wr_typology_live_push(&told, l, &t, &e), WR_EINVAL);
    assert_string_equal(e.msg, "transfer 6 at 9 behind 5 at 10");
    t.time_s = 10; /* nothing had happened: it goes on */
    assert_ok(wr_typology_live_push(&told, l, &t, &err));
    assert_ok(wr_typology_live_end(&told, l, &err));
    t.ref = 7;
    e = (wr_err){0};
    assert_int_equal(wr_typology_live_push(&told, l, &t, &e), WR_EINVAL);
    assert_string_equal(e.msg, "transfer 7 behind the end");
    wr_typology_live_free(l);
    wr_typology_live_free(NULL);
    ref_world_release(&w);
}

static void test_typology_live__out_of_memory(void **state)
{
    (void)state;
    flow_gen_opts shape = {.n = 8, .m = 120, .c = 3, .assets = 1, .is_whole = true};
    ref_world w;
    ref_world_init(&w, 3, &shape);
    wr_rng r = {.s = 3};
    setup(&w, &r);
    assert_oom_safe(story_run(&w, STREAMED, &err));
    ref_world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_typology_live__is_the_batch_in_the_end),
        wr_unit_test(test_typology_live__is_the_batch_after_every_transfer),
        wr_unit_test(test_typology_live__a_long_stream),
        wr_unit_test(test_typology_live__what_is_over_is_let_go),
        wr_unit_test(test_typology_live__tells_at_once),
        wr_unit_test(test_typology_live__bad_input),
        wr_unit_test(test_typology_live__out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
