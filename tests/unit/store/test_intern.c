#include <stdio.h>
#include <string.h>

#include "store/intern_int.h"
#include "wr_test.h"

static wr_status add(wr_intern *in, uint32_t chain_id, const char *text, uint32_t id,
                     wr_err *err)
{
    wr_text t = wr_text_of(text);
    return wr_intern_add(in, wr_intern_hash(chain_id, t), chain_id, t, id, err);
}

/* The id, or UINT32_MAX. */
static uint32_t find(const wr_intern *in, uint32_t chain_id, const char *text)
{
    wr_text t = wr_text_of(text);
    uint32_t id = UINT32_MAX;
    bool is_known = wr_intern_find(in, wr_intern_hash(chain_id, t), chain_id, t, &id);
    assert_int_equal(is_known, id != UINT32_MAX);
    return id;
}

static void test_intern__finds_what_was_added(void **state)
{
    (void)state;
    wr_intern in;
    wr_intern_init(&in, 1 << 20);
    assert_int_equal(find(&in, 1, "a"), UINT32_MAX);
    assert_ok(add(&in, 1, "a", 0, &err));
    assert_ok(add(&in, 2, "a", 7, &err)); /* another chain, another pair */
    assert_ok(add(&in, 1, "", WR_INTERN_ID_MAX, &err));
    assert_ok(add(&in, 1, "ab", 9, &err));
    assert_int_equal(find(&in, 1, "a"), 0);
    assert_int_equal(find(&in, 2, "a"), 7);
    assert_int_equal(find(&in, 1, ""), WR_INTERN_ID_MAX);
    assert_int_equal(find(&in, 1, "ab"), 9);
    assert_int_equal(find(&in, 3, "a"), UINT32_MAX);
    assert_int_equal(find(&in, 1, "b"), UINT32_MAX);
    wr_intern_clear(&in);
    assert_int_equal(find(&in, 1, "a"), UINT32_MAX);
    assert_ok(add(&in, 1, "a", 3, &err));
    assert_int_equal(find(&in, 1, "a"), 3);
    wr_intern_release(&in);
}

static void test_intern__empty_table(void **state)
{
    (void)state;
    wr_intern in = {0};
    wr_intern_clear(&in);
    wr_intern_forget_above(&in, 0);
    assert_int_equal(find(&in, 1, "a"), UINT32_MAX);
    wr_intern_release(&in);
}

static void name_of(char out[16], unsigned i)
{
    (void)snprintf(out, 16, "n%u", i);
}

/* Grows, forgets and grows again; every answer against a plain array. */
static void test_intern__forgets_above_a_mark(void **state)
{
    (void)state;
    enum { N = 20000 };
    wr_intern in;
    wr_rng rng = {.s = 3};
    char name[16];
    uint32_t live = 0;
    wr_intern_init(&in, 64 << 20);
    for (int round = 0; round < 40; round++) {
        uint32_t more = (uint32_t)wr_rng_below(&rng, N / 10);
        for (uint32_t i = 0; i < more && live < N; i++, live++) {
            name_of(name, live);
            assert_ok(add(&in, 5, name, live, &err));
        }
        if (round % 3 == 2 && live > 0) {
            uint32_t keep = (uint32_t)wr_rng_below(&rng, live);
            wr_intern_forget_above(&in, keep);
            live = keep + 1;
        }
        assert_int_equal(in.live, live);
        for (uint32_t i = 0; i < N; i += 7) {
            name_of(name, i);
            assert_int_equal(find(&in, 5, name), i < live ? i : UINT32_MAX);
        }
    }
    wr_intern_release(&in);
}

static void test_intern_add__limit_leaves_the_table_as_it_was(void **state)
{
    (void)state;
    wr_intern in;
    char name[16];
    wr_intern_init(&in, 16384);
    uint32_t n = 0;
    wr_err e = {0};
    wr_status s = WR_OK;
    while (s == WR_OK) {
        name_of(name, n);
        s = add(&in, 1, name, n, &e);
        n += s == WR_OK;
    }
    assert_int_equal(s, WR_ELIMIT);
    assert_non_null(strstr(e.msg, "16384"));
    assert_true(n > 100);
    for (uint32_t i = 0; i < n; i++) {
        name_of(name, i);
        assert_int_equal(find(&in, 1, name), i);
    }
    name_of(name, n);
    assert_int_equal(find(&in, 1, name), UINT32_MAX);
    wr_intern_clear(&in);
    assert_ok(add(&in, 1, name, n, &err)); /* there is room again */
    assert_err(WR_ELIMIT, add(&in, 1, "x", WR_INTERN_ID_MAX + 1U, &err));
    wr_intern_release(&in);
}

static wr_status fill(wr_err *err)
{
    wr_intern in;
    char name[16];
    wr_status s = WR_OK;
    wr_intern_init(&in, 1 << 20);
    for (uint32_t i = 0; i < 1000 && s == WR_OK; i++) {
        name_of(name, i);
        s = add(&in, 1, name, i, err);
    }
    wr_intern_release(&in);
    return s;
}

static void test_intern_add__out_of_memory(void **state)
{
    (void)state;
    assert_oom_safe(fill(&err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_intern__finds_what_was_added),
        wr_unit_test(test_intern__empty_table),
        wr_unit_test(test_intern__forgets_above_a_mark),
        wr_unit_test(test_intern_add__limit_leaves_the_table_as_it_was),
        wr_unit_test(test_intern_add__out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
