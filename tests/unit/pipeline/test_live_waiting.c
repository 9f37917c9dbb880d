/* The waiting room against a list that is searched through for its oldest. */
#include "wr_test.h"

#include "pipeline/live/live_waiting.h"

enum { WORLDS = 200, STEPS = 300 };

typedef struct plain { /* the slow reference */
    wr_live_arrival w[STEPS];
    size_t count;
} plain;

static wr_live_arrival plain_take(plain *p)
{
    size_t at = 0;
    for (size_t i = 1; i < p->count; i++)
        if (wr_live_is_before(&p->w[i], &p->w[at]))
            at = i;
    const wr_live_arrival w = p->w[at];
    p->w[at] = p->w[--p->count];
    return w;
}

static wr_live_arrival waiter_of(wr_rng *r, int64_t seq)
{
    return (wr_live_arrival){.seq = seq,
                             .value = (double)seq,
                             .time_s = (uint32_t)wr_rng_below(r, 20),
                             .from = (wr_vid)wr_rng_below(r, 9)};
}

static void test_wr_live_waiting__oldest_first(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < WORLDS; seed++) {
        wr_rng r = {.s = seed};
        wr_live_waiting room = {0};
        plain p = {0};
        for (int64_t seq = 1; seq <= STEPS; seq++) {
            const wr_live_arrival w = waiter_of(&r, seq);
            assert_true(wr_live_waiting_add(&room, &w));
            p.w[p.count++] = w;
            while (p.count && wr_rng_below(&r, 3) == 0) {
                const wr_live_arrival a = wr_live_waiting_take(&room);
                const wr_live_arrival b = plain_take(&p);
                assert_int_equal(a.seq, b.seq);
                assert_int_equal(a.from, b.from);
            }
        }
        while (p.count)
            assert_int_equal(wr_live_waiting_take(&room).seq, plain_take(&p).seq);
        assert_int_equal(room.count, 0);
        wr_live_waiting_release(&room);
    }
}

static void come(wr_live_waiting *room, int64_t seq, uint32_t time_s)
{
    const wr_live_arrival w = {.seq = seq, .time_s = time_s};
    assert_true(wr_live_waiting_add(room, &w));
}

/* What comes between two ticks goes out behind the next but one, and in order. */
static void test_wr_live_waiting_tick__two_ticks_later(void **state)
{
    (void)state;
    wr_live_waiting room = {0};
    assert_false(wr_live_waiting_is_due(&room));
    come(&room, 1, 50);
    come(&room, 2, 40);
    wr_live_waiting_tick(&room);
    assert_false(wr_live_waiting_is_due(&room));
    come(&room, 3, 45); /* older than what came before the tick: it may go with it */
    come(&room, 4, 60);
    wr_live_waiting_tick(&room);
    for (int64_t seq = 2; seq <= 3; seq++) {
        assert_true(wr_live_waiting_is_due(&room));
        assert_int_equal(wr_live_waiting_take(&room).seq, seq);
    }
    assert_true(wr_live_waiting_is_due(&room));
    assert_int_equal(wr_live_waiting_take(&room).seq, 1);
    assert_false(wr_live_waiting_is_due(&room)); /* 60 came after the first tick */
    wr_live_waiting_tick(&room);
    assert_true(wr_live_waiting_is_due(&room));
    wr_live_waiting_release(&room);
}

static wr_status fill(wr_err *err)
{
    wr_live_waiting room = {0};
    wr_status s = WR_OK;
    for (int64_t seq = 0; s == WR_OK && seq < 500; seq++) {
        const wr_live_arrival w = {.seq = seq};
        const size_t before = room.count;
        if (!wr_live_waiting_add(&room, &w))
            s = wr_fail(err, WR_ENOMEM, "waiting room");
        assert_int_equal(room.count, before + (s == WR_OK));
    }
    wr_live_waiting_release(&room);
    return s;
}

static void test_wr_live_waiting_add__out_of_memory(void **state)
{
    (void)state;
    assert_oom_safe(fill(&err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_wr_live_waiting__oldest_first),
        wr_unit_test(test_wr_live_waiting_tick__two_ticks_later),
        wr_unit_test(test_wr_live_waiting_add__out_of_memory),
    };
    return cmocka_run_group_tests_name("pipeline/live_waiting", tests, NULL, NULL);
}
