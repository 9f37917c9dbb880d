/* The board of typologies alone, then under one writer and several readers. */
#include "wr_test.h"

#include <pthread.h>
#include <stdatomic.h>

#include "pipeline/live/typology_board.h"

enum { ROUNDS = 20000, READERS = 3, WALLET = 4095, FROM_S = 77 };

/* Every field a function of x. */
static wr_reason_typology reason_of(uint8_t typology, uint32_t x)
{
    return (wr_reason_typology){.typology = typology,
                                .is_root = x % 2,
                                .is_partial = x % 3 == 0,
                                .hits = x,
                                .transfers = x + 1,
                                .strength = x + 0.5,
                                .amount = x + 0.25,
                                .first_s = UINT32_MAX - x,
                                .last_s = UINT32_MAX};
}

static void seqs_of(int64_t seq[WR_TYPOLOGY_SEQS], uint32_t x)
{
    for (int i = 0; i < WR_TYPOLOGY_SEQS; i++)
        seq[i] = i < 3 ? (int64_t)x * 10 + i : 0;
}

static bool has_seqs(const wr_typology_now *now, uint32_t x)
{
    int64_t seq[WR_TYPOLOGY_SEQS];
    seqs_of(seq, x);
    return memcmp(now->seq, seq, sizeof seq) == 0;
}

static bool is_same(const wr_reason_typology *a, const wr_reason_typology *b)
{
    return a->typology == b->typology && a->is_root == b->is_root &&
           a->is_partial == b->is_partial && a->hits == b->hits &&
           a->transfers == b->transfers && a->strength == b->strength &&
           a->amount == b->amount && a->first_s == b->first_s && a->last_s == b->last_s;
}

static void put_pair(wr_typology_board *b, uint32_t x)
{
    const wr_reason_typology one = reason_of(WR_TYPOLOGY_BURST, x);
    const wr_reason_typology two = reason_of(WR_TYPOLOGY_FAN_IN, x);
    int64_t seq[WR_TYPOLOGY_SEQS];
    seqs_of(seq, x);
    wr_typology_board_begin(b);
    assert_ok(wr_typology_board_put(b, WALLET, &one, seq, &err));
    assert_ok(wr_typology_board_put_late(b, WALLET, x, &err));
    assert_ok(wr_typology_board_put(b, WALLET, &two, seq, &err));
    wr_typology_board_end(b);
}

static void assert_pair(const wr_typologies_now *now, uint32_t x)
{
    const wr_reason_typology one = reason_of(WR_TYPOLOGY_BURST, x);
    const wr_reason_typology two = reason_of(WR_TYPOLOGY_FAN_IN, x);
    assert_int_equal(now->count, 2);
    assert_true(is_same(&now->found[0].reason, &two) &&
                is_same(&now->found[1].reason, &one));
    assert_true(has_seqs(&now->found[0], x) && has_seqs(&now->found[1], x));
    assert_int_equal(now->late, x);
}

static void test_wr_typology_board_get__what_was_put(void **state)
{
    (void)state;
    WR_AUTO(wr_typology_board) b = NULL;
    wr_typologies_now now;
    assert_ok(wr_typology_board_new(&b, FROM_S, &err));
    wr_typology_board_get(b, UINT32_MAX, &now);
    assert_true(now.is_followed && now.is_complete && now.from_s == FROM_S);
    assert_true(now.count == 0 && now.late == 0);
    put_pair(b, 5);
    put_pair(b, 6);
    wr_typology_board_get(b, WALLET, &now);
    assert_pair(&now, 6);
    wr_typology_board_get(b, WALLET + 1, &now);
    assert_true(now.count == 0 && now.is_complete);
    const wr_reason_typology none = {.typology = WR_TYPOLOGY_BURST};
    const int64_t no_seq[WR_TYPOLOGY_SEQS] = {0};
    wr_typology_board_begin(b);
    assert_ok(wr_typology_board_put(b, WALLET, &none, no_seq, &err));
    assert_ok(
        wr_typology_board_put(b, WALLET + 1, &none, no_seq, &err)); /* nor was any */
    wr_typology_board_end(b);
    wr_typology_board_miss(b);
    wr_typology_board_get(b, WALLET, &now);
    assert_true(now.count == 1 && !now.is_complete);
    assert_int_equal(now.found[0].reason.typology, WR_TYPOLOGY_FAN_IN);
}

typedef struct shared {
    wr_typology_board *b;
    atomic_bool is_over;
} shared;

static void *read_pairs(void *arg)
{
    shared *s = arg;
    wr_typologies_now now;
    uint32_t before = 1;
    while (!atomic_load(&s->is_over)) {
        wr_typology_board_get(s->b, WALLET, &now);
        assert_pair(&now, now.late);
        assert_true(now.late >= before);
        before = now.late;
    }
    return NULL;
}

static void test_wr_typology_board_get__is_of_one_moment(void **state)
{
    (void)state;
    shared s = {0};
    pthread_t reader[READERS];
    assert_ok(wr_typology_board_new(&s.b, FROM_S, &err));
    put_pair(s.b, 1);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&reader[i], NULL, read_pairs, &s), 0);
    for (uint32_t x = 2; x < ROUNDS; x++)
        put_pair(s.b, x);
    atomic_store(&s.is_over, true);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_join(reader[i], NULL), 0);
    wr_typology_board_unref(s.b);
}

static wr_status fill(wr_err *err)
{
    WR_AUTO(wr_typology_board) b = NULL;
    WR_TRY(wr_typology_board_new(&b, 0, err));
    const int64_t seq[WR_TYPOLOGY_SEQS] = {1};
    for (uint32_t i = 0; i < 6000; i++) { /* more than a chunk, more than a page */
        const wr_reason_typology r = reason_of(0, 1);
        WR_TRY(wr_typology_board_put(b, i, &r, seq, err));
    }
    assert_true(wr_typology_board_bytes(b) > 6000 * sizeof(uint64_t));
    return WR_OK;
}

static void test_wr_typology_board__out_of_memory(void **state)
{
    (void)state;
    assert_oom_safe(fill(&err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_wr_typology_board_get__what_was_put),
        wr_unit_test(test_wr_typology_board_get__is_of_one_moment),
        wr_unit_test(test_wr_typology_board__out_of_memory),
    };
    return cmocka_run_group_tests_name("pipeline/typology_board", tests, NULL, NULL);
}
