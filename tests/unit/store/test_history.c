#include "store/history_int.h"
#include "wr_test.h"

enum { AFTER = 131072, PAIRS = WR_HISTORY_PIECE_PAIRS };

static wr_text text_of(const uint8_t *p, size_t len)
{
    return (wr_text){.p = (const char *)p, .len = (uint32_t)len};
}

/* Ascending pairs of a few wallets, each with a few seqs; steps of every size. */
static void make_pairs(wr_history_pair *pair, size_t n, uint64_t seed)
{
    wr_rng rng = {.s = seed};
    uint64_t wallet = 0;
    uint64_t seq = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || wr_rng_u64(&rng) % 4 == 0) {
            wallet += 1 + wr_rng_u64(&rng) % (UINT64_C(1) << wr_rng_u64(&rng) % 20);
            seq = 0;
        }
        seq += 1 + wr_rng_u64(&rng) % (UINT64_C(1) << wr_rng_u64(&rng) % 20);
        pair[i] = wallet << 32 | seq;
    }
}

/* Every wallet of the pairs comes back with its seqs, and its neighbours do not. */
static void check_piece(const wr_history_pair *pair, size_t n, wr_text piece)
{
    int64_t seq[PAIRS];
    size_t count;
    for (size_t i = 0, end; i < n; i = end) {
        const uint32_t wallet = wr_history_wallet(pair[i]);
        for (end = i; end < n && wr_history_wallet(pair[end]) == wallet; end++)
            continue;
        assert_ok(wr_history_unpack(seq, &count, piece, wallet, AFTER, &err));
        assert_int_equal(count, end - i);
        for (size_t k = i; k < end; k++)
            assert_int_equal(seq[k - i], AFTER + (int64_t)(uint32_t)pair[k]);
        if (i == 0 || wr_history_wallet(pair[i - 1]) != wallet - 1) {
            assert_ok(wr_history_unpack(seq, &count, piece, wallet - 1, AFTER, &err));
            assert_int_equal(count, 0);
        }
    }
}

static void test_history_pack__every_wallet_is_found_again(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 2, 3, 100, PAIRS};
    static wr_history_pair pair[PAIRS];
    uint8_t bytes[WR_HISTORY_PIECE_BYTES];
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (uint64_t seed = 0; seed < 50; seed++) {
            make_pairs(pair, sizes[s], seed);
            const size_t len = wr_history_pack(bytes, pair, sizes[s]);
            check_piece(pair, sizes[s], text_of(bytes, len));
        }
}

/* The layout is stored: these bytes must stay readable for ever. */
static void test_history_pack__bytes_by_hand(void **state)
{
    (void)state;
    static const wr_history_pair pair[] = {UINT64_C(1) << 32 | 1, UINT64_C(1) << 32 | 7,
                                           UINT64_C(1) << 32 | 307, UINT64_C(2) << 32 | 3,
                                           UINT64_C(130) << 32 | 128};
    static const uint8_t want[] = {1, 1, 0, 6, 0, 0xac, 0x02, 1, 3, 0x80, 1, 0x80, 1};
    uint8_t bytes[WR_HISTORY_PIECE_BYTES];
    assert_int_equal(wr_history_pack(bytes, pair, 5), sizeof want);
    assert_memory_equal(bytes, want, sizeof want);
}

static void test_history_pack__largest_numbers_fit(void **state)
{
    (void)state;
    static wr_history_pair pair[PAIRS];
    uint8_t bytes[WR_HISTORY_PIECE_BYTES];
    int64_t seq[PAIRS];
    size_t count;
    for (size_t i = 0; i < PAIRS; i++)
        pair[i] = UINT64_MAX - PAIRS + 1 + i;
    const size_t len = wr_history_pack(bytes, pair, PAIRS);
    assert_true(len <= sizeof bytes);
    assert_ok(wr_history_unpack(seq, &count, text_of(bytes, len), UINT32_MAX, 0, &err));
    assert_int_equal(count, PAIRS);
    assert_int_equal(seq[PAIRS - 1], UINT32_MAX);
}

static void test_history_pairs_of__to_oneself_is_one(void **state)
{
    (void)state;
    wr_history_pair pair[2];
    assert_int_equal(wr_history_pairs_of(pair, 3, 4, 9), 2);
    assert_int_equal(wr_history_wallet(pair[0]), 3);
    assert_int_equal(wr_history_wallet(pair[1]), 4);
    assert_int_equal(wr_history_seq(pair[1], AFTER), AFTER + 9);
    assert_int_equal(wr_history_pairs_of(pair, 3, 3, 9), 1);
}

static void test_history_unpack__empty_piece_has_nothing(void **state)
{
    (void)state;
    int64_t seq[PAIRS];
    size_t count = 1;
    assert_ok(wr_history_unpack(seq, &count, text_of(NULL, 0), 1, 0, &err));
    assert_int_equal(count, 0);
}

static void test_history_unpack__damaged_pieces(void **state)
{
    (void)state;
    static const struct {
        uint8_t byte[6];
        size_t len;
    } broken[] = {
        {{1}, 1},                               /* no seq */
        {{1, 0x80}, 2},                         /* a number without an end */
        {{0xff, 0xff, 0xff, 0xff, 0x10, 1}, 6}, /* 33 bits */
        {{0xff, 0xff, 0xff, 0xff, 0xff, 1}, 6}, /* six bytes */
    };
    int64_t seq[PAIRS];
    size_t count = 7;
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        wr_err err = {0};
        const wr_text piece = text_of(broken[i].byte, broken[i].len);
        assert_int_equal(wr_history_unpack(seq, &count, piece, UINT32_MAX, 0, &err),
                         WR_ECORRUPT);
        assert_string_equal(err.msg, "wallet_history: a piece ends inside a pair or "
                                     "holds a number over 32 bits");
    }
    assert_int_equal(count, 7);
}

static void test_history_unpack__too_many_pairs(void **state)
{
    (void)state;
    uint8_t bytes[2 * (PAIRS + 1)] = {1};
    int64_t seq[PAIRS];
    size_t count;
    wr_err err = {0};
    assert_int_equal(
        wr_history_unpack(seq, &count, text_of(bytes, sizeof bytes), 1, 0, &err),
        WR_ECORRUPT);
    assert_string_equal(err.msg, "wallet_history: a piece of over 1024 pairs");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_history_pack__every_wallet_is_found_again),
        wr_unit_test(test_history_pack__bytes_by_hand),
        wr_unit_test(test_history_pack__largest_numbers_fit),
        wr_unit_test(test_history_pairs_of__to_oneself_is_one),
        wr_unit_test(test_history_unpack__empty_piece_has_nothing),
        wr_unit_test(test_history_unpack__damaged_pieces),
        wr_unit_test(test_history_unpack__too_many_pairs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
