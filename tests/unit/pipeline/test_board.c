/*
 * The board alone, then under one writer and several readers: what belongs together is
 * never seen apart, and a moment has one seq.  ThreadSanitizer watches the second half.
 */
#include "wr_test.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "pipeline/live/board.h"

/* --- entries that can be told from each other ------------------------------------------
 */

/* Every field a function of x, no two lanes alike. */
static wr_board_entry entry_of(double x, uint32_t c)
{
    wr_board_entry e = {.sent = x + 6,
                        .activity = {.in_count = (uint64_t)(x * x),
                                     .out_count = (uint64_t)(x * x) + 1,
                                     .in_degree = 2,
                                     .out_degree = UINT32_MAX,
                                     .first_s = -3,
                                     .last_s = 1LL << 40},
                        .own_category = x > 0 ? WR_CATEGORY_MAX - 1 : -1,
                        .own_confidence = 0.25,
                        .is_exact = x > 0};
    e.in.view = (wr_ledger_view){.total = x + 1,
                                 .balance = x,
                                 .overdraft = x + 2,
                                 .received_unknown = x + 3,
                                 .held_unknown = x + 4,
                                 .max_share = 0.5F};
    for (uint32_t k = 0; k < c; k++) {
        e.in.received[k] = x + 10.0 * k;
        e.in.direct[k] = x + 10.0 * k + 1;
        e.in.taint[k] = x + 10.0 * k + 2;
        e.sent_direct[k] = x + 10.0 * k + 3;
        e.in.mean_hops[k] = (float)k + 0.5F;
        e.in.held_hops[k] = (float)k + 0.25F;
        e.in.view.min_hops[k] = (uint8_t)(k + 1);
    }
    return e;
}

static bool is_lane_same(const wr_board_entry *a, const wr_board_entry *b, uint32_t k)
{
    return a->in.received[k] == b->in.received[k] && a->in.direct[k] == b->in.direct[k] &&
           a->in.taint[k] == b->in.taint[k] && a->sent_direct[k] == b->sent_direct[k] &&
           a->in.mean_hops[k] == b->in.mean_hops[k] &&
           a->in.held_hops[k] == b->in.held_hops[k] &&
           a->in.view.min_hops[k] == b->in.view.min_hops[k];
}

static bool is_same(const wr_board_entry *a, const wr_board_entry *b, uint32_t c)
{
    const wr_ledger_view *x = &a->in.view;
    const wr_ledger_view *y = &b->in.view;
    const wr_activity *u = &a->activity;
    const wr_activity *v = &b->activity;
    bool is = x->total == y->total && x->balance == y->balance &&
              x->overdraft == y->overdraft &&
              x->received_unknown == y->received_unknown &&
              x->held_unknown == y->held_unknown && x->max_share == y->max_share &&
              a->sent == b->sent && a->own_category == b->own_category &&
              a->own_confidence == b->own_confidence && a->is_exact == b->is_exact &&
              u->in_count == v->in_count && u->out_count == v->out_count &&
              u->in_degree == v->in_degree && u->out_degree == v->out_degree &&
              u->first_s == v->first_s && u->last_s == v->last_s;
    for (uint32_t k = 0; k < c; k++)
        is = is && is_lane_same(a, b, k);
    return is;
}

static void put_one(wr_board *b, uint32_t id, const wr_board_entry *e, int64_t seq)
{
    wr_board_begin(b);
    assert_ok(wr_board_put(b, id, e, &err));
    wr_board_end(b, seq);
}

/* --- alone -----------------------------------------------------------------------------
 */

static void test_wr_board_get__what_was_put(void **state)
{
    (void)state;
    static const uint32_t columns[] = {1, 7, 8, 9, WR_CATEGORY_MAX};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        const uint32_t c = columns[i];
        WR_AUTO(wr_board) b = NULL;
        assert_ok(wr_board_new(&b, c, &err));
        const wr_board_entry want[] = {entry_of(5, c), entry_of(-5, c)};
        static const uint32_t id[] = {1, 2};
        put_one(b, 1, &want[0], 10);
        put_one(b, 2, &want[1], 11);
        wr_board_entry got[2];
        bool is_there[2];
        assert_int_equal(wr_board_get(b, id, 2, got, is_there), 11);
        for (int k = 0; k < 2; k++) {
            assert_true(is_there[k]);
            assert_true(is_same(&got[k], &want[k], c));
            assert_ptr_equal(got[k].in.view.received, got[k].in.received);
            assert_ptr_equal(got[k].in.view.held_hops, got[k].in.held_hops);
            assert_int_equal(got[k].in.view.max_at, UINT32_MAX);
        }
    }
}

static void test_wr_board_get__what_is_not_there(void **state)
{
    (void)state;
    WR_AUTO(wr_board) b = NULL;
    assert_ok(wr_board_new(&b, 8, &err));
    static const uint32_t id[] = {0, 7, UINT32_MAX};
    wr_board_entry got[3];
    bool is_there[3] = {true, true, true};
    assert_int_equal(wr_board_get(b, id, 3, got, is_there), 0);
    assert_false(is_there[0] || is_there[1] || is_there[2]);
    const wr_board_entry e = entry_of(1, 8);
    put_one(b, UINT32_MAX, &e, 3);
    assert_int_equal(wr_board_get(b, id, 3, got, is_there), 3);
    assert_true(!is_there[0] && !is_there[1] && is_there[2]);
    assert_true(is_same(&got[2], &e, 8));
}

static void test_wr_board_put__many_pages_and_chunks(void **state)
{
    (void)state;
    enum { N = 3000, STRIDE = 1021 };
    WR_AUTO(wr_board) b = NULL;
    assert_ok(wr_board_new(&b, WR_CATEGORY_MAX, &err));
    const uint64_t empty_bytes = wr_board_bytes(b);
    for (uint32_t i = 0; i < N; i++) {
        const wr_board_entry e = entry_of(i, WR_CATEGORY_MAX);
        put_one(b, i * STRIDE, &e, i);
    }
    for (uint32_t i = 0; i < N; i++) { /* nothing was moved over or written across */
        const uint32_t id = i * STRIDE;
        const wr_board_entry want = entry_of(i, WR_CATEGORY_MAX);
        wr_board_entry got;
        bool is_there;
        assert_int_equal(wr_board_get(b, &id, 1, &got, &is_there), N - 1);
        assert_true(is_there && is_same(&got, &want, WR_CATEGORY_MAX));
    }
    const uint64_t full_bytes = wr_board_bytes(b);
    assert_true(full_bytes > empty_bytes + N * 95ULL * 8);
    for (uint32_t i = 0; i < N; i++) { /* room is given once */
        const wr_board_entry e = entry_of(i + 1, WR_CATEGORY_MAX);
        put_one(b, i * STRIDE, &e, N + i);
    }
    assert_int_equal(wr_board_bytes(b), full_bytes);
}

/* As entry_of, but only these columns have anything in them. */
static wr_board_entry sparse_entry(double x, uint32_t c, uint32_t mask)
{
    wr_board_entry e = entry_of(x, c);
    for (uint32_t k = 0; k < c; k++) {
        if (mask >> k & 1)
            continue;
        e.in.received[k] = e.in.direct[k] = e.in.taint[k] = e.sent_direct[k] = 0;
        e.in.mean_hops[k] = e.in.held_hops[k] = 0;
    }
    return e;
}

/* Many wallets whose columns come and go, beside plain copies of what was put. */
static void test_wr_board_put__columns_come_and_go(void **state)
{
    (void)state;
    enum { N = 300, STEPS = 20000, C = WR_CATEGORY_MAX };
    static wr_board_entry want[N];
    static bool is_put[N];
    wr_rng r = {.s = 5};
    WR_AUTO(wr_board) b = NULL;
    assert_ok(wr_board_new(&b, C, &err));
    for (int64_t step = 1; step <= STEPS; step++) {
        const uint32_t id = (uint32_t)wr_rng_below(&r, N);
        const uint32_t mask =
            (uint32_t)(wr_rng_below(&r, 1 << C) & wr_rng_below(&r, 1 << C) &
                       wr_rng_below(&r, 1 << C));
        want[id] = sparse_entry((double)step, C, mask);
        is_put[id] = true;
        put_one(b, id, &want[id], step);
    }
    for (uint32_t id = 0; id < N; id++) {
        wr_board_entry got;
        bool is_there;
        assert_int_equal(wr_board_get(b, &id, 1, &got, &is_there), STEPS);
        assert_true(is_there == is_put[id]);
        assert_true(!is_there || is_same(&got, &want[id], C));
    }
}

static void test_wr_board_put__few_columns_want_little(void **state)
{
    (void)state;
    enum { N = 20000, C = WR_CATEGORY_MAX, LITTLE = 200, ALL = 750 };
    WR_AUTO(wr_board) few = NULL;
    WR_AUTO(wr_board) full = NULL;
    assert_ok(wr_board_new(&few, C, &err));
    assert_ok(wr_board_new(&full, C, &err));
    for (uint32_t id = 0; id < N; id++) {
        const wr_board_entry one = sparse_entry(id, C, 1U << id % C);
        const wr_board_entry all = entry_of(id, C);
        put_one(few, id, &one, id);
        put_one(full, id, &all, id);
    }
    assert_true(wr_board_bytes(few) < N * (uint64_t)LITTLE);
    assert_true(wr_board_bytes(full) > N * (uint64_t)ALL);
}

static void test_wr_board_seq__of_the_newest_batch(void **state)
{
    (void)state;
    WR_AUTO(wr_board) b = NULL;
    assert_ok(wr_board_new(&b, 8, &err));
    assert_int_equal(wr_board_seq(b), 0);
    wr_board_begin(b); /* a batch that moves nobody */
    wr_board_end(b, 1LL << 50);
    assert_int_equal(wr_board_seq(b), 1LL << 50);
}

static void test_wr_board_give_up__is_seen_and_stays(void **state)
{
    (void)state;
    WR_AUTO(wr_board) b = NULL;
    assert_ok(wr_board_new(&b, 8, &err));
    const wr_board_entry e = entry_of(4, 8);
    put_one(b, 9, &e, 1);
    assert_false(wr_board_is_given_up(b));
    wr_board_give_up(b);
    put_one(b, 9, &e, 2);
    assert_true(wr_board_is_given_up(b));
    const uint32_t id =
        9; /* numbers are still told: it is for the reader to doubt them */
    wr_board_entry got;
    bool is_there;
    assert_int_equal(wr_board_get(b, &id, 1, &got, &is_there), 2);
    assert_true(is_there && is_same(&got, &e, 8));
}

static void test_wr_board_new__out_of_memory(void **state)
{
    (void)state;
    wr_board *b = NULL;
    assert_oom_safe(wr_board_new(&b, 8, &err));
    wr_board_unref(wr_board_acquire(b)); /* counted */
    assert_int_equal(wr_board_seq(b), 0);
    wr_board_unref(b);
    wr_board_unref(NULL);
}

static void test_wr_board_put__out_of_memory(void **state)
{
    (void)state;
    static const char *const message[] = {"page of the board", "records of the board"};
    WR_AUTO(wr_board) b = NULL;
    assert_ok(wr_board_new(&b, 8, &err));
    const uint32_t id = 77;
    const wr_board_entry e = entry_of(3, 8);
    wr_board_entry got;
    bool is_there;
    for (int allowed = 0; allowed < 2; allowed++) {
        wr_err why = {0};
        wr_board_begin(b);
        wr_mem_test_fail_after(allowed);
        const wr_status s = wr_board_put(b, id, &e, &why);
        wr_mem_test_fail_after(-1);
        wr_board_end(b, 4);
        assert_int_equal(s, WR_ENOMEM);
        assert_string_equal(why.msg, message[allowed]);
        (void)wr_board_get(b, &id, 1, &got, &is_there);
        assert_false(is_there);
    }
    put_one(b, id, &e, 5);
    assert_int_equal(wr_board_get(b, &id, 1, &got, &is_there), 5);
    assert_true(is_there && is_same(&got, &e, 8));
}

/* --- one writer, several readers -------------------------------------------------------
 *
 * Batch q gives pair q % PAIRS the entries of q and -q.  So at seq s the newest batch of
 * each pair is known, and so is every word of it.  The first round makes the records,
 * each pair on a page of its own, under the readers' eyes.
 */

enum { PAIRS = 61, STRIDE = 5000, READERS = 3, READS = 500, BATCHES = 2000 };

typedef struct scene {
    wr_board *b;
    uint32_t c;
    atomic_bool stop;
} scene;

typedef struct reader {
    scene *s;
    uint64_t seed;
    _Atomic uint64_t reads;
    uint64_t torn, misdated, alone, backwards;
} reader;

/* Lanes come and go from one batch to the next. */
static wr_board_entry entry_of_batch(int64_t q, double x, uint32_t c)
{
    return sparse_entry(x, c, (uint32_t)(q * 0x9e37) >> 3 & (uint32_t)(q * 0x51));
}

static int64_t newest_batch(int64_t seq, uint32_t pair)
{
    const int64_t q = seq - (seq % PAIRS + PAIRS - pair) % PAIRS;
    return q > 0 ? q : 0;
}

static void look(reader *r, uint32_t pair, int64_t *seq_before)
{
    const uint32_t id[] = {1 + pair * STRIDE, 2 + pair * STRIDE};
    wr_board_entry got[2];
    bool is_there[2];
    const int64_t seq = wr_board_get(r->s->b, id, 2, got, is_there);
    const int64_t q = newest_batch(seq, pair);
    r->backwards += seq < *seq_before;
    *seq_before = seq;
    r->alone += is_there[0] != is_there[1];
    r->misdated += is_there[0] != (q > 0);
    if (!is_there[0] || !is_there[1])
        return;
    const wr_board_entry want[] = {entry_of_batch(q, (double)q, r->s->c),
                                   entry_of_batch(q, -(double)q, r->s->c)};
    r->misdated += got[0].in.view.balance != (double)q;
    r->alone += got[0].in.view.balance + got[1].in.view.balance != 0.0;
    r->torn += !is_same(&got[0], &want[0], r->s->c);
    r->torn += !is_same(&got[1], &want[1], r->s->c);
}

static void *read_pairs(void *arg)
{
    reader *r = arg;
    wr_rng rng = {.s = r->seed};
    int64_t seq = 0;
    while (!atomic_load(&r->s->stop)) {
        look(r, (uint32_t)wr_rng_below(&rng, PAIRS), &seq);
        atomic_fetch_add(&r->reads, 1);
    }
    return NULL;
}

static bool are_all_done(reader *r)
{
    for (int i = 0; i < READERS; i++)
        if (atomic_load(&r[i].reads) < READS)
            return false;
    return true;
}

/* Status of the writer; nothing is asserted while readers run. */
static wr_status write_batches(scene *s, reader *r, wr_err *err)
{
    for (int64_t q = 1; q <= BATCHES || !are_all_done(r); q++) {
        const uint32_t pair = (uint32_t)(q % PAIRS);
        const uint32_t id = 1 + pair * STRIDE;
        const wr_board_entry plus = entry_of_batch(q, (double)q, s->c);
        const wr_board_entry minus = entry_of_batch(q, -(double)q, s->c);
        wr_board_begin(s->b);
        WR_TRY(wr_board_put(s->b, id, &plus, err));
        if (q % 256 == 0)
            (void)sched_yield(); /* half of it stands there for a while */
        WR_TRY(wr_board_put(s->b, id + 1, &minus, err));
        wr_board_end(s->b, q);
    }
    return WR_OK;
}

static void never_torn(uint32_t c)
{
    scene s = {.c = c};
    reader r[READERS];
    pthread_t t[READERS];
    wr_err why = {0};
    assert_ok(wr_board_new(&s.b, c, &err));
    for (int i = 0; i < READERS; i++) {
        r[i] = (reader){.s = &s, .seed = (uint64_t)i + 1};
        assert_int_equal(pthread_create(&t[i], NULL, read_pairs, &r[i]), 0);
    }
    const wr_status w = write_batches(&s, r, &why);
    atomic_store(&s.stop, true);
    for (int i = 0; i < READERS; i++)
        (void)pthread_join(t[i], NULL);
    assert_int_equal(w, WR_OK);
    for (int i = 0; i < READERS; i++) {
        assert_int_equal(r[i].torn, 0);
        assert_int_equal(r[i].misdated, 0);
        assert_int_equal(r[i].alone, 0);
        assert_int_equal(r[i].backwards, 0);
    }
    wr_board_unref(s.b);
}

static void test_wr_board_get__is_of_one_moment_8_columns(void **state)
{
    (void)state;
    never_torn(8);
}

static void test_wr_board_get__is_of_one_moment_16_columns(void **state)
{
    (void)state;
    never_torn(WR_CATEGORY_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_wr_board_get__what_was_put),
        wr_unit_test(test_wr_board_get__what_is_not_there),
        wr_unit_test(test_wr_board_put__many_pages_and_chunks),
        wr_unit_test(test_wr_board_put__columns_come_and_go),
        wr_unit_test(test_wr_board_put__few_columns_want_little),
        wr_unit_test(test_wr_board_seq__of_the_newest_batch),
        wr_unit_test(test_wr_board_give_up__is_seen_and_stays),
        wr_unit_test(test_wr_board_new__out_of_memory),
        wr_unit_test(test_wr_board_put__out_of_memory),
        wr_unit_test(test_wr_board_get__is_of_one_moment_8_columns),
        wr_unit_test(test_wr_board_get__is_of_one_moment_16_columns),
    };
    return cmocka_run_group_tests_name("pipeline/board", tests, NULL, NULL);
}
