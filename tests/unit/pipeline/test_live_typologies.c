/*
 * Patterns between runs equal patterns of a batch: a base of any length, then transfers
 * that come in order, a little out of it, or too late, over folds and new wallets.  What
 * wallets are told of is what a search over everything finds that has a transfer of after
 * the run, or the answer says that something may be missing.
 */
#include <omp.h>

#include "live_typologies_test.h"

enum { STREAMS = 120 };

/* --- tests -----------------------------------------------------------------------------
 */

static void fold(world *w)
{
    load_newest(w);
    advance(w);
    assert_ok(wr_overlay_regraph(w->o, w->st, &w->graph, &err));
}

/* Who waits at all, and for how many of the run's transfers. */
static void set_waits(world *w, bool is_mixed)
{
    wr_typology_live_policy *p = &w->cfg->typology.live;
    static const uint32_t run[] = {0, UINT32_MAX, 3, 50};
    p->run_waits = is_mixed ? 0 : run[below(w, 4)];
    p->waits_max = is_mixed || below(w, 3) ? 0 : UINT32_MAX;
}

/* In pieces. */
static void settle(world *w)
{
    for (bool is_more = true; is_more;)
        assert_ok(wr_live_typologies_settle(w->o->typologies, 1 + below(w, 30), &is_more,
                                            &err));
}

/* What is mixed in one batch with the one before is in order before it is let in: a
 * settle after each lets in what the settle before had seen. */
static void follow(world *w, uint32_t batches, bool is_mixed)
{
    for (uint32_t i = 0; i < batches; i++) {
        w->names = w->names + 2 < NAMES ? w->names + 2 : NAMES;
        put_batch(w, 1 + below(w, BATCH_MAX - 1), is_mixed);
        advance(w);
        if (below(w, 4) == 0)
            fold(w);
        for (uint32_t k = is_mixed ? 1 : below(w, 3); k > 0; k--)
            settle(w);
    }
}

static void put_base(world *w, bool is_mixed)
{
    for (uint32_t i = 1 + below(w, 6); i > 0; i--)
        put_batch(w, 1 + below(w, BATCH_MAX - 1), is_mixed);
}

static void replay(uint64_t seed, bool is_mixed, uint32_t which)
{
    world w;
    begin(&w, seed);
    w.cfg->typology.live.which = which;
    set_waits(&w, is_mixed);
    const uint32_t runs = 1 + below(&w, 2);
    for (uint32_t k = 0; k < runs; k++) {
        put_base(&w, is_mixed);
        run(&w);
        follow(&w, 1 + below(&w, 5), is_mixed);
    }
    compare(&w, seed);
    end(&w);
}

static void assert_all_found(uint64_t least)
{
    for (int t = 0; t < WR_TYPOLOGY_COUNT; t++) {
        print_message("%s %lu\n", wr_typology_name((wr_typology)t),
                      (unsigned long)compared[t]);
        if (compared[t] < least)
            fail_msg("%s: %lu hits", wr_typology_name((wr_typology)t),
                     (unsigned long)compared[t]);
        compared[t] = 0;
    }
}

static void test_live_typologies__in_order_equals_a_batch(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= STREAMS; seed++)
        replay(seed, false, WR_TYPOLOGY_ALL);
    assert_all_found(25);
}

static void test_live_typologies__a_little_late_equals_a_batch(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= STREAMS; seed++)
        replay(1000 + seed, true, WR_TYPOLOGY_ALL);
    assert_all_found(25);
}

static void test_live_typologies__those_told_at_once_alone(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= STREAMS / 5; seed++)
        replay(2000 + seed, seed % 2, WR_TYPOLOGY_LIVE_AT_ONCE);
    for (int t = 0; t < WR_TYPOLOGY_COUNT; t++)
        assert_true(WR_TYPOLOGY_LIVE_AT_ONCE >> t & 1 || compared[t] == 0);
}

/* --- another run -----------------------------------------------------------------------
 */

static wr_live_typologies_stats stats_of(const world *w)
{
    wr_overlay_stats s;
    wr_overlay_stats_of(w->o, &s);
    return s.typologies;
}

static void replay_on(uint64_t seed, bool is_mixed)
{
    world w;
    begin(&w, seed);
    w.cfg->typology.live.which = WR_TYPOLOGY_ALL;
    set_waits(&w, is_mixed);
    put_base(&w, is_mixed);
    run(&w);
    for (uint32_t k = 1 + below(&w, 3); k > 0; k--) {
        follow(&w, below(&w, 4), is_mixed);
        assert_true(run_on(&w, 1 + below(&w, BATCH_MAX - 1), is_mixed));
    }
    follow(&w, below(&w, 4), is_mixed);
    compare(&w, seed);
    end(&w);
}

static void test_live_typologies_rebase__equals_a_batch(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 2 * STREAMS; seed++)
        replay_on(4000 + seed, seed % 2);
    assert_all_found(25);
}

/* The new board says it all before anything else comes. */
static void test_live_typologies_rebase__readers_are_told_at_once(void **state)
{
    (void)state;
    uint64_t told = 0;
    for (uint64_t seed = 1; seed <= STREAMS; seed++) {
        world w;
        begin(&w, 5000 + seed);
        w.cfg->typology.live.which = WR_TYPOLOGY_ALL;
        w.cfg->typology.live.run_waits = w.cfg->typology.live.waits_max = UINT32_MAX;
        put_base(&w, false);
        run(&w);
        follow(&w, 3, false);
        assert_true(run_on(&w, BATCH_MAX - 1, false));
        lines hits = {0};
        live_hits(&hits, &w);
        told += hits.count;
        for (uint32_t i = 0; i < NAMES; i++) {
            uint32_t id = 0;
            const wr_typologies_now now = told_of(&w, i, &id);
            if (id)
                assert_told(&w, &hits, &now, id);
        }
        wr_free(hits.at);
        end(&w);
    }
    assert_true(told > 500);
}

/* What is long over is not kept, nor what the run has. */
static void test_live_typologies_rebase__lets_go(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= STREAMS / 5; seed++) {
        world w;
        begin(&w, 6000 + seed);
        w.cfg->typology.live.which = WR_TYPOLOGY_ALL;
        put_base(&w, false);
        run(&w);
        follow(&w, 5, false);
        settle(&w);
        settle(&w);
        w.clock_s += 1000;
        follow(&w, 1, false);
        settle(&w);
        settle(&w);
        const wr_live_typologies_stats was = stats_of(&w);
        const size_t hits = wr_live_hits_count(wr_live_typologies_hits(w.o->typologies));
        assert_true(run_on(&w, 1, false));
        assert_true(wr_live_hits_count(wr_live_typologies_hits(w.o->typologies)) < hits);
        assert_true(stats_of(&w).arrivals_bytes < was.arrivals_bytes);
        compare(&w, 6000 + seed);
        end(&w);
    }
}

/* --- too late --------------------------------------------------------------------------
 */

static void put_too_late(world *w)
{
    const uint32_t from = below(w, 8);
    const uint32_t to = below(w, 8);
    put_one(w, from, to, 3, START_S - 10);
    w->late[from]++;
    w->late[to] += to != from;
    w->sent_late++;
}

/* The wallets count it, and nobody's answer says any more that nothing is missing. */
static void test_live_typologies__too_late_is_told_until_the_next_run(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= STREAMS / 5; seed++) {
        world w;
        begin(&w, 3000 + seed);
        put_base(&w, false);
        run(&w);
        follow(&w, 2, false);
        settle(&w);
        settle(&w);
        for (uint32_t i = below(&w, 3); i > 0; i--)
            put_too_late(&w);
        follow(&w, 2, false);
        assert_int_equal(stats_of(&w).late, w.sent_late);
        compare(&w, 3000 + seed);
        run(&w);
        w.sent_late = 0;
        memset(w.late, 0, sizeof w.late);
        follow(&w, 1, false);
        compare(&w, 3000 + seed);
        end(&w);
    }
}

/* --- bounds ----------------------------------------------------------------------------
 */

static void meet_many(world *w, uint64_t seed)
{
    begin(w, seed);
    put_base(w, false);
}

static bool is_complete(const world *w)
{
    uint32_t id = 0;
    return told_of(w, 0, &id).is_complete;
}

static void test_live_typologies__beyond_a_cap_is_left_out_and_said(void **state)
{
    (void)state;
    for (int is_places = 0; is_places < 2; is_places++) {
        world w;
        meet_many(&w, 17);
        w.cfg->typology.live.hits_max = is_places ? 0 : 5;
        w.cfg->typology.live.places_max = is_places ? 60 : 0;
        run(&w);
        follow(&w, 6, false);
        assert_ok(wr_live_typologies_end(w.o->typologies, &err));
        assert_ok(wr_live_typologies_publish(w.o->typologies, &err));
        const wr_live_hits *h = wr_live_typologies_hits(w.o->typologies);
        assert_true(stats_of(&w).left_out > 0 && !is_complete(&w));
        if (!is_places)
            assert_int_equal(wr_live_hits_count(h), 5);
        end(&w);
    }
}

static void begin_followed(world *w, uint64_t seed)
{
    meet_many(w, seed);
    run(w);
    follow(w, 2, false);
    settle(w);
    settle(w);
}

/* The state that it was asked of goes on as before. */
static void assert_not_taken_over(world *w)
{
    const wr_live_typologies_stats was = stats_of(w);
    assert_false(run_on(w, 3, false));
    assert_int_equal(stats_of(w).late, was.late);
    assert_true(stats_of(w).is_followed == was.is_followed);
    follow(w, 1, false);
}

static void test_live_typologies_rebase__not_behind_everything(void **state)
{
    (void)state;
    world w;
    begin_followed(&w, 21); /* something came too late */
    put_too_late(&w);
    follow(&w, 1, false);
    assert_not_taken_over(&w);
    end(&w);
    begin_followed(&w, 22); /* a label */
    test_label(w.st, "aa1b01xx1y", "mixer", 80);
    assert_not_taken_over(&w);
    end(&w);
    begin_followed(&w, 23); /* other settings */
    wr_settings *cfg = w.cfg;
    w.cfg = test_settings();
    assert_not_taken_over(&w);
    wr_settings_unref(cfg);
    end(&w);
    meet_many(&w, 24); /* something was left out */
    w.cfg->typology.live.hits_max = 1;
    run(&w);
    follow(&w, 6, false);
    settle(&w);
    settle(&w);
    assert_true(stats_of(&w).left_out > 0);
    assert_not_taken_over(&w);
    end(&w);
    meet_many(&w, 25); /* none are followed */
    w.cfg->typology.live.which = 0;
    run(&w);
    assert_not_taken_over(&w);
    assert_false(wr_overlay_can_give(NULL, w.a));
    end(&w);
}

static void test_live_typologies__without_memory_they_are_given_up(void **state)
{
    (void)state;
    world w;
    meet_many(&w, 18);
    run(&w);
    assert_true(is_complete(&w) && stats_of(&w).is_followed);
    /* looked at now and then, as it costs */
    w.cfg->typology.live.bytes_max = 1000;
    w.cfg->typology.live.waits_max = UINT32_MAX;
    run(&w);
    for (uint64_t i = 0; stats_of(&w).is_followed; i++) {
        const wr_live_arrival t = {
            .seq = (int64_t)(1000000 + i), .value = 1, .time_s = 2000000000};
        assert_ok(wr_live_typologies_take(w.o->typologies, &t, &err));
        assert_true(i < 200000);
    }
    assert_true(stats_of(&w).is_given_up && !is_complete(&w));
    follow(&w, 2, false); /* the money goes on */
    assert_false(wr_board_is_given_up(wr_overlay_board(w.o)));
    end(&w);
}

static void test_live_typologies__none_when_the_policy_says_so(void **state)
{
    (void)state;
    world w;
    meet_many(&w, 19);
    w.cfg->typology.live.which = 0;
    run(&w);
    follow(&w, 2, false);
    const wr_view view = view_of(&w);
    char text[24];
    name_of(text, 0);
    const wr_wallet_name n = {test_chain(), wr_text_of(text)};
    wr_evidence e;
    bool is_there;
    wr_evidence_now(&e, &is_there, &view, &n, 1, false);
    assert_true(is_there && !e.live.typologies.is_followed && !stats_of(&w).is_followed);
    end(&w);
}

/* All that is done with one, on few transfers. */
static wr_status use_once(const wr_assessment *a, wr_err *err)
{
    WR_AUTO(wr_live_typologies) l = NULL;
    wr_live_typologies_stats s;
    WR_TRY(wr_live_typologies_new(&l, a, err));
    for (uint32_t i = 0; i < 12; i++) {
        const wr_live_newcomer w = {.wallet_id = 1000 + i,
                                    .category = -1,
                                    .chain = test_chain(),
                                    .address = WR_TEXT_LIT("someone")};
        wr_live_arrival t = {
            .seq = 100000 + i, .value = 5, .time_s = START_S + 1000 + i, .to = 1};
        WR_TRY(wr_live_typologies_meet(l, &t.from, &w, err));
        WR_TRY(wr_live_typologies_take(l, &t, err));
    }
    bool is_more;
    WR_TRY(wr_live_typologies_settle(l, UINT32_MAX, &is_more, err));
    WR_TRY(wr_live_typologies_settle(l, UINT32_MAX, &is_more, err));
    assert_true(wr_live_typologies_can_rebase(l, a));
    WR_TRY(wr_live_typologies_rebase(l, a, err));
    const wr_live_arrival late = {.seq = 200000, .value = 5, .time_s = 5, .to = 1};
    WR_TRY(wr_live_typologies_take(l, &late, err));
    WR_TRY(wr_live_typologies_publish(l, err));
    WR_TRY(wr_live_typologies_end(l, err));
    WR_TRY(wr_live_typologies_publish(l, err));
    wr_live_typologies_stats_of(l, &s);
    assert_true(s.hits > 0 && s.late == 1 && s.bytes > 0);
    return WR_OK;
}

static void test_live_typologies__out_of_memory(void **state)
{
    (void)state;
    world w;
    begin(&w, 20);
    w.cfg->typology.live.which = WR_TYPOLOGY_LIVE;
    put_batch(&w, 10, false);
    run(&w);
    assert_oom_safe(use_once(w.a, &err));
    end(&w);
}

int main(void)
{
    omp_set_num_threads(1); /* tiny graphs: a team would mostly wait for itself */
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_live_typologies__in_order_equals_a_batch),
        wr_unit_test(test_live_typologies__a_little_late_equals_a_batch),
        wr_unit_test(test_live_typologies__those_told_at_once_alone),
        wr_unit_test(test_live_typologies_rebase__equals_a_batch),
        wr_unit_test(test_live_typologies_rebase__readers_are_told_at_once),
        wr_unit_test(test_live_typologies_rebase__lets_go),
        wr_unit_test(test_live_typologies_rebase__not_behind_everything),
        wr_unit_test(test_live_typologies__too_late_is_told_until_the_next_run),
        wr_unit_test(test_live_typologies__beyond_a_cap_is_left_out_and_said),
        wr_unit_test(test_live_typologies__without_memory_they_are_given_up),
        wr_unit_test(test_live_typologies__none_when_the_policy_says_so),
        wr_unit_test(test_live_typologies__out_of_memory),
    };
    return cmocka_run_group_tests_name("pipeline/live_typologies", tests, NULL, NULL);
}
