#include "wr_test.h"

#include "util/arena.h"

static bool is_zero(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i])
            return false;
    return true;
}

static void test_arena_alloc__zeroed_aligned_and_apart(void **state)
{
    (void)state;
    enum { N = 3000 };
    wr_arena a;
    wr_arena_init(&a, 0);
    wr_rng r = {.s = 1};
    for (int round = 0; round < 3; round++) {
        unsigned char *piece[N];
        size_t len[N];
        for (size_t i = 0; i < N; i++) {
            len[i] = (size_t)wr_rng_below(&r, 900);
            piece[i] = wr_arena_alloc(&a, len[i]);
            assert_non_null(piece[i]);
            assert_int_equal((uintptr_t)piece[i] % 16, 0);
            assert_true(is_zero(piece[i], len[i]));
            memset(piece[i], (int)(i % 255 + 1), len[i]);
        }
        for (size_t i = 0; i < N; i++)
            for (size_t k = 0; k < len[i]; k++)
                assert_int_equal(piece[i][k], i % 255 + 1);
        wr_arena_reset(&a);
        assert_int_equal(a.used_bytes, 0);
    }
    wr_arena_release(&a);
}

static void test_arena_alloc__bigger_than_any_block(void **state)
{
    (void)state;
    wr_arena a;
    wr_arena_init(&a, 0);
    unsigned char *p = wr_arena_alloc(&a, 5u << 20);
    assert_non_null(p);
    assert_true(is_zero(p, 5u << 20));
    p[(5u << 20) - 1] = 1;
    wr_arena_release(&a);
    assert_null(wr_arena_alloc(&a, SIZE_MAX));
    assert_null(wr_arena_alloc(&a, SIZE_MAX / 2));
    wr_arena_release(&a);
}

static void test_arena_alloc__stops_at_its_limit(void **state)
{
    (void)state;
    wr_arena a;
    wr_arena_init(&a, 64);
    assert_non_null(wr_arena_alloc(&a, 48));
    assert_null(wr_arena_alloc(&a, 17));
    assert_non_null(wr_arena_alloc(&a, 16));
    assert_null(wr_arena_alloc(&a, 0)); /* a piece of no bytes takes room too */
    wr_arena_reset(&a);
    assert_non_null(wr_arena_alloc(&a, 64));
    wr_arena_release(&a);
}

static void test_arena_alloc__out_of_memory_leaves_it_usable(void **state)
{
    (void)state;
    wr_arena a;
    wr_arena_init(&a, 0);
    wr_mem_test_fail_after(0);
    void *p = wr_arena_alloc(&a, 8);
    wr_mem_test_fail_after(-1);
    assert_null(p);
    assert_non_null(wr_arena_alloc(&a, 8));
    wr_arena_release(&a);
}

static void test_arena_reset__next_round_allocates_nothing(void **state)
{
    (void)state;
    wr_arena a;
    wr_arena_init(&a, 0);
    for (int i = 0; i < 100; i++)
        assert_non_null(wr_arena_alloc(&a, 1000));
    long live = wr_mem_test_live();
    wr_arena_reset(&a);
    for (int i = 0; i < 100; i++)
        assert_non_null(wr_arena_alloc(&a, 1000));
    assert_int_equal(wr_mem_test_live(), live);
    wr_arena_release(&a);
}

static void test_arena_text__copies_with_nul(void **state)
{
    (void)state;
    wr_arena a;
    wr_arena_init(&a, 0);
    char src[] = "abc";
    wr_text t = wr_arena_text(&a, wr_text_of(src));
    src[0] = 'x';
    assert_string_equal(t.p, "abc");
    assert_int_equal(t.len, 3);
    t = wr_arena_text(&a, WR_TEXT_LIT(""));
    assert_non_null(t.p);
    assert_int_equal(t.len, 0);
    assert_int_equal(t.p[0], 0);
    assert_null(wr_arena_text(&a, (wr_text){0}).p);
    a.max_bytes = a.used_bytes;
    t = wr_arena_text(&a, WR_TEXT_LIT("more"));
    assert_null(t.p);
    assert_int_equal(t.len, 0);
    wr_arena_release(&a);
}

static void test_arena_release__safe_on_zeroed(void **state)
{
    (void)state;
    wr_arena a = {0};
    wr_arena_release(&a);
    wr_arena_reset(&a);
    wr_arena_release(&a);
    assert_null(a.head);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_arena_alloc__zeroed_aligned_and_apart),
        wr_unit_test(test_arena_alloc__bigger_than_any_block),
        wr_unit_test(test_arena_alloc__stops_at_its_limit),
        wr_unit_test(test_arena_alloc__out_of_memory_leaves_it_usable),
        wr_unit_test(test_arena_reset__next_round_allocates_nothing),
        wr_unit_test(test_arena_text__copies_with_nul),
        wr_unit_test(test_arena_release__safe_on_zeroed),
    };
    return cmocka_run_group_tests_name("util.arena", tests, NULL, NULL);
}
