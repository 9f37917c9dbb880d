#include "wr_test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/mem.h"

static void test_calloc__zeroed_counted_and_checked(void **state)
{
    (void)state;
    long before = wr_mem_test_live();
    int *p = wr_calloc(1000, sizeof *p);
    assert_non_null(p);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(p[i], 0);
    assert_int_equal(wr_mem_test_live(), before + 1);
    wr_free(p);
    assert_int_equal(wr_mem_test_live(), before);
    wr_free(NULL);
    assert_null(wr_calloc(SIZE_MAX / 2, 3));
    p = wr_calloc(0, 8);
    assert_non_null(p);
    wr_free(p);
}

static void test_grow__keeps_contents_and_doubles(void **state)
{
    (void)state;
    uint32_t *p = NULL;
    size_t cap = 0;
    size_t moves = 0;
    for (uint32_t i = 0; i < 100000; i++) {
        size_t old = cap;
        uint32_t *q = wr_grow(p, &cap, i + 1, sizeof *p);
        assert_non_null(q);
        moves += cap != old;
        p = q;
        p[i] = i;
    }
    for (uint32_t i = 0; i < 100000; i++)
        assert_int_equal(p[i], i);
    assert_true(moves < 30);
    assert_true(cap < 150000);
    size_t kept = cap;
    assert_null(wr_grow(p, &cap, SIZE_MAX, sizeof *p));
    assert_null(wr_grow(p, &cap, SIZE_MAX / 4, sizeof *p));
    wr_mem_test_fail_after(0);
    void *q = wr_grow(p, &cap, cap + 1, sizeof *p);
    wr_mem_test_fail_after(-1);
    assert_null(q);
    assert_int_equal(cap, kept);
    assert_int_equal(p[99999], 99999);
    wr_free(p);
}

static void test_fit__gives_back_what_is_not_used(void **state)
{
    (void)state;
    assert_null(wr_fit(NULL, 7, 4));
    const size_t used[] = {0, 1, 5, 1000, 200000};
    for (size_t k = 0; k < sizeof used / sizeof *used; k++) {
        size_t cap = 0;
        uint32_t *p = wr_grow(NULL, &cap, 300000, sizeof *p);
        assert_non_null(p);
        for (uint32_t i = 0; i < used[k]; i++)
            p[i] = i;
        p = wr_fit(p, used[k], sizeof *p);
        for (uint32_t i = 0; i < used[k]; i++)
            assert_int_equal(p[i], i);
        assert_in_range(wr_block_bytes(p), used[k] * sizeof *p,
                        used[k] * sizeof *p + 4096 + 32);
        wr_free(p);
    }
}

static void test_alloc_big__aligned(void **state)
{
    (void)state;
    const size_t size[] = {
        0, 1, 63, 64, 65, 4096, (2u << 20) - 1, 2u << 20, (2u << 20) + 1};
    for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
        unsigned char *p = wr_alloc_big(size[i], 1);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 64, 0);
        if (size[i] >= 2u << 20)
            assert_int_equal((uintptr_t)p % (2u << 20), 0);
        memset(p, 1, size[i]);
        wr_free(p);
    }
    assert_null(wr_alloc_big(SIZE_MAX, 1));
    assert_null(wr_alloc_big(SIZE_MAX, 2));
}

static void test_fail_after__lets_n_pass(void **state)
{
    (void)state;
    wr_mem_test_fail_after(2);
    void *a = wr_calloc(1, 1);
    void *b = wr_alloc_big(1, 1);
    void *c = wr_calloc(1, 1);
    size_t cap = 0;
    void *d = wr_grow(NULL, &cap, 1, 1);
    wr_mem_test_fail_after(-1);
    assert_non_null(a);
    assert_non_null(b);
    assert_null(c);
    assert_null(d);
    wr_free(a);
    wr_free(b);
}

typedef struct thing {
    int *freed;
} thing;

static void thing_free(thing *t)
{
    if (t)
        ++*t->freed;
}
WR_DEFINE_AUTO(thing, thing_free)

static thing *make(thing *t, int is_kept)
{
    WR_AUTO(thing) own = t;
    return is_kept ? WR_STEAL(own) : NULL;
}

static void test_auto__freed_unless_stolen(void **state)
{
    (void)state;
    int freed = 0;
    thing t = {.freed = &freed};
    assert_null(make(&t, 0));
    assert_int_equal(freed, 1);
    assert_ptr_equal(make(&t, 1), &t);
    assert_int_equal(freed, 1);
    {
        WR_AUTO_ARRAY int *array = wr_calloc(4, sizeof *array);
        assert_non_null(array);
    }
    assert_int_equal(wr_mem_test_live(), 0);
}

static void test_bytes__what_blocks_take(void **state)
{
    (void)state;
    enum { SIZE = 10 << 20 };
    size_t cap = 0;
    const size_t before = wr_heap_bytes();
    void *block[] = {wr_calloc(1, SIZE), wr_alloc_big(1, SIZE),
                     wr_grow(NULL, &cap, SIZE, 1)};
    size_t bytes = 0;
    assert_int_equal(wr_block_bytes(NULL), 0);
    for (size_t i = 0; i < 3; i++) {
        assert_non_null(block[i]);
        assert_in_range(wr_block_bytes(block[i]), SIZE, 2 * SIZE);
        bytes += wr_block_bytes(block[i]);
    }
    const size_t after = wr_heap_bytes();
    for (size_t i = 0; i < 3; i++)
        wr_free(block[i]);
    if (after) /* a sanitizer's allocator does not say */
        assert_in_range(after - before, bytes, bytes + bytes / 2);
}

/* Small blocks: what they are said to take is what the heap has more of. */
static void test_bytes__share_of_small_blocks(void **state)
{
    (void)state;
    enum { COUNT = 4000 };
    static void *block[COUNT];
    assert_int_equal(wr_block_share(0), 0);
    assert_int_equal(wr_block_share(1), 32);
    assert_int_equal(wr_block_share(24), 32);
    assert_int_equal(wr_block_share(25), 48);
    const size_t before = wr_heap_bytes();
    size_t said = 0;
    for (size_t i = 0; i < COUNT; i++) {
        block[i] = wr_calloc(1, 1 + i % 200);
        said += wr_block_share(1 + i % 200);
    }
    const size_t after = wr_heap_bytes();
    for (size_t i = 0; i < COUNT; i++)
        wr_free(block[i]);
    if (after)
        assert_in_range(after - before, said - said / 20, said + said / 20);
}

static size_t resident_bytes(void)
{
    size_t pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%*u %zu", &pages), 1);
    assert_int_equal(fclose(f), 0);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* Big blocks among small ones that stay, after one that glibc would have learnt from. */
static void test_give_back_big__nothing_stays_resident(void **state)
{
    (void)state;
    enum { COUNT = 20, SIZE = 3 << 20, SMALL = 1 << 20 };
    void *big[COUNT], *small[COUNT];
    wr_mem_give_back_big();
    wr_free(wr_alloc_big(1, (size_t)4 * SIZE));
    const size_t before = resident_bytes();
    for (size_t i = 0; i < COUNT; i++) {
        big[i] = wr_alloc_big(1, SIZE);
        small[i] = wr_calloc(1, SMALL);
        assert_non_null(big[i]);
        assert_non_null(small[i]);
        memset(big[i], 1, SIZE);
    }
    assert_in_range(resident_bytes(), before + (size_t)COUNT * SIZE, SIZE_MAX);
    for (size_t i = 0; i < COUNT; i++)
        wr_free(big[i]);
    if (wr_heap_bytes()) /* a sanitizer's allocator keeps what is freed */
        assert_in_range(resident_bytes(), 0, before + (size_t)COUNT * SMALL + SIZE);
    for (size_t i = 0; i < COUNT; i++)
        wr_free(small[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_calloc__zeroed_counted_and_checked),
        wr_unit_test(test_grow__keeps_contents_and_doubles),
        wr_unit_test(test_fit__gives_back_what_is_not_used),
        wr_unit_test(test_alloc_big__aligned),
        wr_unit_test(test_fail_after__lets_n_pass),
        wr_unit_test(test_bytes__what_blocks_take),
        wr_unit_test(test_bytes__share_of_small_blocks),
        wr_unit_test(test_give_back_big__nothing_stays_resident),
        wr_unit_test(test_auto__freed_unless_stolen),
    };
    return cmocka_run_group_tests_name("util.mem", tests, NULL, NULL);
}
