/*
 * The ledger of a source whose offsets are kept: the fence, gaps, watermark, letters
 * tried again, rates; and two consumers that hold one partition at once.
 */
#include <math.h>
#include <pthread.h>

#include "contract.h"
#include "util/clock.h"

static const wr_text topic = {.p = "kafka:tx", .len = 8};

static wr_source_mark fenced(int64_t from, int64_t next, uint64_t messages, uint64_t gaps)
{
    return (wr_source_mark){.source = topic,
                            .partition = 3,
                            .next_offset = next,
                            .status = "running",
                            .is_fenced = true,
                            .from_offset = from,
                            .messages = messages,
                            .gaps = gaps};
}

static wr_put_result put_marked(wr_store *st, const wr_source_mark *m,
                                const wr_transfer *t, size_t n)
{
    wr_put p = {.transfer = t, .transfer_count = n, .mark = m};
    wr_put_result res = {0};
    assert_ok(wr_store_put(st, &p, NULL, &res, &err));
    return res;
}

/* The source as stored; its texts are not for use. */
static wr_source get(wr_store *st)
{
    wr_source s = {0};
    wr_arena a;
    wr_arena_init(&a, 0);
    assert_ok(wr_store_source_get(st, &s, &a, topic, 3, &err));
    wr_arena_release(&a);
    return s;
}

static uint64_t count_transfers(wr_store *st)
{
    wr_counts c;
    assert_ok(wr_store_counts(st, &c, &err));
    return c.transfers;
}

static void test_fence__first_offset_and_both_identities(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_transfer t[] = {ct_transfer(1, 0, "a", "b", 1), ct_transfer(1, 1, "a", "c", 1),
                       ct_transfer(2, 0, "a", "b", 1)};
    wr_source_mark m = fenced(40, 43, 2, 1); /* two messages, one of them of two rows */
    m.records = 3;
    m.high_watermark = 50;
    (void)put_marked(st, &m, t, 3);
    wr_source s = get(st);
    assert_int_equal(s.first_offset, 40);
    assert_int_equal(s.next_offset, 43);
    assert_int_equal(s.messages, 2);
    assert_int_equal(s.gaps, 1);
    assert_int_equal(s.high_watermark, 50);
    assert_int_equal(s.first_record_s, 1600000001);
    assert_int_equal(s.last_record_s, 1600000002);
    assert_true(wr_source_adds_up(&s));
    assert_int_equal(wr_source_lag(&s), 7);

    wr_transfer again[] = {t[2], ct_transfer(3, 0, "b", "c", 2)};
    m = fenced(43, 45, 2, 0);
    m.records = 2;
    (void)put_marked(st, &m, again, 2);
    s = get(st);
    assert_int_equal(s.first_offset, 40);
    assert_int_equal(s.messages, 4);
    assert_int_equal(s.duplicates, 1);
    assert_int_equal(s.high_watermark, 50); /* 0 in the mark: not told again */
    assert_int_equal(s.last_record_s, 1600000003);
    assert_true(wr_source_adds_up(&s));
}

/* The end of a partition: control records and compacted ones, nothing to store. */
static void test_fence__put_of_gaps_alone(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_source_mark m = fenced(0, 2, 0, 2);
    m.high_watermark = 2;
    (void)put_marked(st, &m, NULL, 0);
    m = fenced(2, 9, 0, 7);
    m.high_watermark = 9;
    m.status = "complete";
    (void)put_marked(st, &m, NULL, 0);
    wr_arena a;
    wr_source s;
    wr_arena_init(&a, 0);
    assert_ok(wr_store_source_get(st, &s, &a, topic, 3, &err));
    assert_text(s.status, "complete");
    wr_arena_release(&a);
    assert_int_equal(s.next_offset, 9);
    assert_int_equal(s.gaps, 9);
    assert_int_equal(s.first_offset, 0);
    assert_int_equal(s.high_watermark, 9);
    assert_int_equal(s.first_record_s, 0);
    assert_int_equal(s.last_record_s, 0);
    assert_int_equal(wr_source_lag(&s), 0);
    assert_true(wr_source_adds_up(&s));
}

static void test_fence__stands_elsewhere_stores_nothing(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_transfer t[] = {ct_transfer(1, 0, "a", "b", 1), ct_transfer(2, 0, "n", "o", 1)};
    wr_source_mark m = fenced(0, 10, 1, 9);
    m.records = 1;
    (void)put_marked(st, &m, t, 1);
    const int64_t from[] = {9, 11, 0};
    for (size_t i = 0; i < 3; i++) {
        wr_dead_letter d = {
            .source = topic, .partition = 3, .reason = WR_TEXT_LIT("bad")};
        wr_put_result res = {.inserted = 77};
        m = fenced(from[i], 20, 2, 0);
        m.records = 2;
        wr_put p = {.transfer = t + 1,
                    .transfer_count = 1,
                    .dead = &d,
                    .dead_count = 1,
                    .mark = &m};
        char want[64];
        (void)snprintf(want, sizeof want,
                       "source kafka:tx partition 3 stands at 10, not at %d",
                       (int)from[i]);
        assert_err_says(WR_ECONFLICT, want, wr_store_put(st, &p, NULL, &res, &err));
        assert_int_equal(res.inserted, 77);
    }
    wr_counts c;
    assert_ok(wr_store_counts(st, &c, &err));
    assert_int_equal(c.transfers, 1);
    assert_int_equal(c.wallets, 2);
    assert_int_equal(c.dead, 0);
    wr_source s = get(st);
    assert_int_equal(s.next_offset, 10);
    assert_int_equal(s.records, 1);
    m = fenced(10, 11, 1, 0); /* the handle goes on */
    m.records = 1;
    assert_int_equal(put_marked(st, &m, t + 1, 1).inserted, 1);
}

/* Other partitions and other sources have fences of their own. */
static void test_fence__is_of_one_partition(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_source_mark m = fenced(5, 6, 1, 0);
    (void)put_marked(st, &m, NULL, 0);
    m.partition = 4;
    (void)put_marked(st, &m, NULL, 0);
    m.partition = 3;
    m.source = WR_TEXT_LIT("kafka:other");
    (void)put_marked(st, &m, NULL, 0);
    assert_int_equal(get(st).next_offset, 6);
}

static void test_unfenced__keeps_no_offsets(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_transfer t = ct_transfer(1, 0, "a", "b", 1);
    wr_source_mark m = {.source = topic,
                        .partition = 3,
                        .next_offset = 100,
                        .status = "running",
                        .records = 1,
                        .gaps = 7};
    (void)put_marked(st, &m, &t, 1);
    wr_source s = get(st);
    assert_int_equal(s.first_offset, -1);
    assert_int_equal(s.messages, 0);
    assert_int_equal(wr_source_lag(&s), -1);
    assert_true(wr_source_adds_up(&s)); /* the records do */

    m = fenced(100, 104, 3, 1); /* from here on they are kept */
    (void)put_marked(st, &m, NULL, 0);
    s = get(st);
    assert_int_equal(s.first_offset, 100);
    assert_int_equal(s.gaps, 1);
    assert_true(wr_source_adds_up(&s));

    m = (wr_source_mark){
        .source = topic, .partition = 3, .next_offset = 104, .status = "stopped"};
    (void)put_marked(st, &m, NULL, 0); /* a word on its state leaves them alone */
    s = get(st);
    assert_int_equal(s.first_offset, 100);
    assert_int_equal(s.messages, 3);
    assert_true(wr_source_adds_up(&s));
}

/* --- letters ------------------------------------------------------------------------ */

typedef struct letters {
    int64_t id[16], position[16];
    size_t n;
} letters;

static wr_status add_letter(void *ctx, const wr_dead_row *d, wr_err *err)
{
    letters *l = ctx;
    (void)err;
    assert_true(l->n < 16);
    l->id[l->n] = d->id;
    l->position[l->n++] = d->letter.position;
    return WR_OK;
}

static letters list(wr_store *st)
{
    letters l = {0};
    assert_ok(wr_store_dead_list(st, (wr_text){0}, 0, 16, add_letter, &l, &err));
    return l;
}

/* n letters of the topic at offsets from .. from + n - 1. */
static void put_letters(wr_store *st, int32_t partition, int64_t from, size_t n)
{
    wr_dead_letter d[8];
    assert_true(n <= 8);
    for (size_t i = 0; i < n; i++)
        d[i] = (wr_dead_letter){.source = topic,
                                .partition = partition,
                                .position = from + (int64_t)i,
                                .reason = WR_TEXT_LIT("bad")};
    wr_source_mark m = fenced(from, from + (int64_t)n, n, 0);
    m.partition = partition;
    m.records = n;
    wr_put p = {.dead = d, .dead_count = n, .mark = &m};
    wr_put_result res;
    assert_ok(wr_store_put(st, &p, NULL, &res, &err));
}

static void test_resolved__leave_the_counters(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    put_letters(st, 3, 0, 5);
    put_letters(st, 4, 0, 1);
    letters l = list(st);
    assert_int_equal(l.n, 6);

    /* Two tried again: one is a transfer now, the other is refused once more.  Of the
     * ids one is named twice, one is another partition's and one is nobody's. */
    const int64_t ids[] = {l.id[3], l.id[1], l.id[1], l.id[5], 999999999};
    wr_transfer t = ct_transfer(1, 0, "a", "b", 1);
    wr_dead_letter d = {
        .source = topic, .partition = 3, .position = 3, .reason = WR_TEXT_LIT("still")};
    wr_source_mark m = fenced(5, 5, 0, 0);
    m.records = 2;
    wr_put p = {.transfer = &t,
                .transfer_count = 1,
                .dead = &d,
                .dead_count = 1,
                .mark = &m,
                .resolved = ids,
                .resolved_count = 5};
    wr_put_result res;
    wr_counts c;
    assert_ok(wr_store_put(st, &p, NULL, &res, &err));
    assert_int_equal(res.inserted, 1);
    assert_int_equal(res.dead, 1);
    wr_source s = get(st);
    assert_int_equal(s.records, 5);
    assert_int_equal(s.dead, 4);
    assert_int_equal(s.inserted, 1);
    assert_true(wr_source_adds_up(&s));
    assert_ok(wr_store_counts(st, &c, &err));
    assert_int_equal(c.dead, 5);
    letters after = list(st);
    static const int64_t want[] = {0, 2, 4, 0, 3};
    assert_int_equal(after.n, 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(after.position[i], want[i]);

    /* Again, as a repeated request would: the letters are gone, the transfer is there. */
    p.dead_count = 0;
    m.records = 1;
    assert_ok(wr_store_put(st, &p, NULL, &res, &err));
    assert_int_equal(res.duplicates, 1);
    s = get(st);
    assert_int_equal(s.dead, 4);
    assert_int_equal(s.records, 6);
    assert_true(wr_source_adds_up(&s));
}

static void test_resolved__a_refused_put_keeps_them(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    put_letters(st, 3, 0, 2);
    letters l = list(st);
    wr_source_mark m = fenced(1, 1, 0, 0);
    wr_put p = {.mark = &m, .resolved = l.id, .resolved_count = 2};
    wr_put_result res;
    assert_err_says(WR_ECONFLICT, "stands at 2, not at 1",
                    wr_store_put(st, &p, NULL, &res, &err));
    assert_int_equal(list(st).n, 2);
    assert_int_equal(get(st).dead, 2);
}

/* A restart takes all letters along, the resolved ones once; its offsets begin anew. */
static void test_restart__fenced_with_resolved(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    put_letters(st, 3, 70, 3);
    letters l = list(st);
    wr_transfer t = ct_transfer(1, 0, "a", "b", 1);
    wr_source_mark m = fenced(72, 14, 3, 1);
    m.is_restart = true;
    m.records = 1;
    wr_put p = {.transfer = &t,
                .transfer_count = 1,
                .mark = &m,
                .resolved = l.id,
                .resolved_count = 2};
    wr_put_result res;
    assert_err_says(WR_ECONFLICT, "stands at 73, not at 72",
                    wr_store_put(st, &p, NULL, &res, &err));
    assert_int_equal(list(st).n, 3);
    m.from_offset = 73;
    assert_ok(wr_store_put(st, &p, NULL, &res, &err));
    wr_source s = get(st);
    assert_int_equal(list(st).n, 0);
    assert_int_equal(s.dead, 0);
    assert_int_equal(s.records, 1);
    assert_int_equal(s.first_offset, 10);
    assert_int_equal(s.next_offset, 14);
    assert_int_equal(s.messages, 3);
    assert_int_equal(s.gaps, 1);
    assert_true(wr_source_adds_up(&s));
}

/* --- rates -------------------------------------------------------------------------- */

static void assert_near(double got, double want)
{
    if (!(fabs(got - want) <= 0.02 * want + 1e-9))
        fail_msg("rate is %.9g, wanted about %.9g", got, want);
}

static void test_rates__records_over_the_window(void **state)
{
    (void)state;
    WR_AUTO(wr_store) st = ct_open(NULL);
    wr_source_mark m = fenced(0, 9000, 9000, 0);
    m.records = 9000;
    (void)put_marked(st, &m, NULL, 0);
    wr_source s = get(st);
    assert_near(s.rate_per_s[0], 150);
    assert_near(s.rate_per_s[1], 30);
    assert_near(s.rate_per_s[2], 10);
    m = fenced(9000, 18000, 9000, 0);
    m.records = 9000;
    (void)put_marked(st, &m, NULL, 0);
    s = get(st);
    assert_near(s.rate_per_s[0], 300);
    assert_near(s.rate_per_s[2], 20);
}

/* The clock is moved by moving the stamp: a minute ago, then a year ago. */
static void test_rates__decay_on_read_and_on_put(void **state)
{
    (void)state;
    char dsn[CT_DSN_MAX];
    WR_AUTO(wr_store) st = ct_open(dsn);
    wr_source_mark m = fenced(0, 9000, 9000, 0);
    m.records = 9000;
    (void)put_marked(st, &m, NULL, 0);
    ct.exec(dsn, "update ingestion_state set rate_at = rate_at - 60000000");
    wr_source s = get(st);
    assert_near(s.rate_per_s[0], 150 * exp(-1));
    assert_near(s.rate_per_s[1], 30 * exp(-0.2));
    assert_near(s.rate_per_s[2], 10 * exp(-60.0 / 900));
    m = fenced(9000, 9600, 600, 0);
    m.records = 600;
    (void)put_marked(st, &m, NULL, 0);
    s = get(st);
    assert_near(s.rate_per_s[0], 150 * exp(-1) + 10);
    assert_near(s.rate_per_s[1], 30 * exp(-0.2) + 2);
    assert_near(s.rate_per_s[2], 10 * exp(-60.0 / 900) + 600.0 / 900);

    for (int i = 0; i < 3; i++) { /* no underflow on the way to nothing */
        ct.exec(dsn, "update ingestion_state set rate_at = rate_at - 31536000000000");
        m = fenced(9600, 9600, 0, 0);
        (void)put_marked(st, &m, NULL, 0);
    }
    s = get(st);
    for (int i = 0; i < 3; i++)
        assert_near(s.rate_per_s[i], 0);
    ct.exec(dsn, "update ingestion_state set rate_at = rate_at + 3600000000");
    m = fenced(9600, 10200, 600, 0); /* a stamp in the future: as if no time had passed */
    m.records = 600;
    (void)put_marked(st, &m, NULL, 0);
    assert_near(get(st).rate_per_s[0], 10);
}

/* --- two consumers ------------------------------------------------------------------ */

enum { OFFSETS = 40, ROWS = 3 };

typedef struct consumer {
    const char *dsn;
    pthread_barrier_t *start;
    const wr_transfer *t; /* [OFFSETS][ROWS]: what each message holds */
    bool won[OFFSETS];
    char trouble[WR_ERR_MSG_MAX]; /* no assertions in a thread */
} consumer;

static void *consume(void *arg)
{
    consumer *c = arg;
    wr_store *st = NULL;
    wr_err why = {0};
    if (wr_store_open(&st, c->dsn, &why) != WR_OK)
        (void)snprintf(c->trouble, sizeof c->trouble, "%s", why.msg);
    for (int i = 0; i < OFFSETS; i++) {
        wr_source_mark m = fenced(i, i + 1, 1, 0);
        wr_put p = {
            .transfer = c->t + (ptrdiff_t)i * ROWS, .transfer_count = ROWS, .mark = &m};
        wr_put_result res;
        why = (wr_err){0};
        m.records = ROWS;
        (void)pthread_barrier_wait(c->start);
        wr_status s = st ? wr_store_put(st, &p, NULL, &res, &why) : WR_EIO;
        c->won[i] = s == WR_OK;
        if (s != WR_OK && (s != WR_ECONFLICT || !strstr(why.msg, "stands at")) &&
            !c->trouble[0])
            (void)snprintf(c->trouble, sizeof c->trouble, "%s", why.msg);
    }
    wr_store_close(st);
    return NULL;
}

/* Both get every message at the same moment; same_rows: the same ones, as after a
 * rebalance, or each its own, so that only the fence is in the way. */
static void race(bool same_rows)
{
    static wr_transfer t[2][OFFSETS * ROWS];
    char dsn[CT_DSN_MAX];
    WR_AUTO(wr_store) st = ct_open(dsn);
    pthread_barrier_t start;
    pthread_t thread[2];
    consumer c[2];
    for (unsigned k = 0; k < 2; k++)
        for (unsigned i = 0; i < OFFSETS * ROWS; i++)
            t[k][i] = ct_transfer(i + (same_rows ? 0 : 1000 * k), 0, "a", "b", 1);
    assert_int_equal(pthread_barrier_init(&start, NULL, 2), 0);
    for (int k = 0; k < 2; k++) {
        c[k] = (consumer){.dsn = dsn, .start = &start, .t = t[k]};
        assert_int_equal(pthread_create(&thread[k], NULL, consume, &c[k]), 0);
    }
    for (int k = 0; k < 2; k++)
        (void)pthread_join(thread[k], NULL);
    (void)pthread_barrier_destroy(&start);
    for (int k = 0; k < 2; k++)
        assert_string_equal(c[k].trouble, "");
    for (int i = 0; i < OFFSETS; i++)
        assert_int_equal(c[0].won[i] + c[1].won[i], 1);
    wr_source s = get(st);
    assert_int_equal(s.first_offset, 0);
    assert_int_equal(s.next_offset, OFFSETS);
    assert_int_equal(s.messages, OFFSETS);
    assert_int_equal(s.inserted, OFFSETS * ROWS);
    assert_int_equal(s.duplicates + s.dead, 0);
    assert_true(wr_source_adds_up(&s));
    assert_int_equal(count_transfers(st), OFFSETS * ROWS);
}

static void test_fence__one_of_two_consumers_wins_each_offset(void **state)
{
    (void)state;
    race(true);
    race(false);
}

/* --- without a store ---------------------------------------------------------------- */

static void test_source__adds_up_and_lag(void **state)
{
    (void)state;
    wr_source s = {.first_offset = 10,
                   .next_offset = 20,
                   .messages = 7,
                   .gaps = 3,
                   .records = 6,
                   .inserted = 3,
                   .duplicates = 2,
                   .dead = 1};
    assert_true(wr_source_adds_up(&s));
    s.gaps = 2;
    assert_false(wr_source_adds_up(&s));
    s.first_offset = -1; /* nothing is claimed of offsets */
    assert_true(wr_source_adds_up(&s));
    s.dead = 0;
    assert_false(wr_source_adds_up(&s));
    s = (wr_source){.first_offset = 20, .next_offset = 10, .messages = UINT64_MAX - 9};
    assert_false(wr_source_adds_up(&s));
    s = (wr_source){.next_offset = 10};
    assert_int_equal(wr_source_lag(&s), -1);
    s.high_watermark = 12;
    assert_int_equal(wr_source_lag(&s), 2);
    s.high_watermark = 9; /* the broker lost its end */
    assert_int_equal(wr_source_lag(&s), 0);
}

int contract_fence(void)
{
    const struct CMUnitTest any[] = {
        wr_unit_test(test_fence__first_offset_and_both_identities),
        wr_unit_test(test_fence__put_of_gaps_alone),
        wr_unit_test(test_fence__stands_elsewhere_stores_nothing),
        wr_unit_test(test_fence__is_of_one_partition),
        wr_unit_test(test_unfenced__keeps_no_offsets),
        wr_unit_test(test_resolved__leave_the_counters),
        wr_unit_test(test_resolved__a_refused_put_keeps_them),
        wr_unit_test(test_restart__fenced_with_resolved),
        wr_unit_test(test_rates__records_over_the_window),
        wr_unit_test(test_source__adds_up_and_lag),
    };
    const struct CMUnitTest shared[] = {
        wr_unit_test(test_rates__decay_on_read_and_on_put),
        wr_unit_test(test_fence__one_of_two_consumers_wins_each_offset),
    };
    int failed = cmocka_run_group_tests_name("fence", any, NULL, NULL);
    if (ct.is_shared)
        failed += cmocka_run_group_tests_name("fence, shared", shared, NULL, NULL);
    return failed;
}
