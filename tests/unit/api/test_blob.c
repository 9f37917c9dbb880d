#include "api/blob.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "wr_test.h"

static const wr_blob *blob(const char *text)
{
    const wr_blob *b = NULL;
    assert_ok(wr_blob_new(&b, text, strlen(text), &err));
    return b;
}

static void put(wr_cache *c, uint64_t version, const char *key, const char *text)
{
    const wr_blob *b = blob(text);
    wr_cache_put(c, version, wr_text_of(key), b);
    wr_blob_unref(b);
}

static void assert_cached(wr_cache *c, uint64_t version, const char *key,
                          const char *text)
{
    const wr_blob *b = wr_cache_get(c, version, wr_text_of(key));
    assert_non_null(b);
    assert_int_equal(b->len, strlen(text));
    assert_memory_equal(b->bytes, text, b->len);
    wr_blob_unref(b);
}

static void test_blob__empty_and_counted(void **state)
{
    (void)state;
    const wr_blob *b = blob("");
    assert_int_equal(b->len, 0);
    assert_ptr_equal(wr_blob_acquire(b), b);
    wr_blob_unref(b);
    wr_blob_unref(b);
    wr_blob_unref(NULL);
}

static void test_cache__by_version_and_key(void **state)
{
    (void)state;
    static wr_cache c;
    wr_cache_init(&c);
    assert_null(wr_cache_get(&c, 1, WR_TEXT_LIT("limit=5")));
    put(&c, 1, "limit=5", "five");
    put(&c, 1, "", "plain");
    assert_cached(&c, 1, "limit=5", "five");
    assert_cached(&c, 1, "", "plain");
    assert_null(wr_cache_get(&c, 2, WR_TEXT_LIT("limit=5")));
    assert_null(wr_cache_get(&c, 1, WR_TEXT_LIT("limit=50")));
    put(&c, 2, "limit=5", "newer");
    assert_cached(&c, 2, "limit=5", "newer");
    assert_int_equal(c.hits, 3);
    assert_int_equal(c.misses, 3);
    wr_cache_release(&c);
}

static void test_cache__key_limit(void **state)
{
    (void)state;
    static wr_cache c;
    static char key[WR_CACHE_KEY_MAX + 2];
    wr_cache_init(&c);
    memset(key, 'k', WR_CACHE_KEY_MAX);
    put(&c, 1, key, "longest");
    assert_cached(&c, 1, key, "longest");
    key[WR_CACHE_KEY_MAX] = 'k';
    put(&c, 1, key, "too long");
    assert_null(wr_cache_get(&c, 1, wr_text_of(key)));
    wr_cache_release(&c);
}

static void test_cache__many_keys_share_slots(void **state)
{
    (void)state;
    static wr_cache c;
    wr_cache_init(&c);
    for (int i = 0; i < 1000; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "%d", i);
        put(&c, 1, key, key);
        assert_cached(&c, 1, key, key);
    }
    wr_cache_release(&c);
}

enum { ROUNDS = 20000 };

/* A reader's blob stays whole while others replace it; counts wrong bytes, asserts later.
 */
static void *hammer(void *ctx)
{
    wr_cache *c = ctx;
    long bad = 0;
    wr_rng rng = {.s = (uint64_t)(uintptr_t)&bad};
    for (int i = 0; i < ROUNDS; i++) {
        char key[4] = {(char)('a' + wr_rng_below(&rng, 8))};
        const wr_blob *b = wr_cache_get(c, 1, wr_text_of(key));
        if (b) {
            bad += b->len != 2 || b->bytes[0] != key[0] || b->bytes[1] != key[0];
            wr_blob_unref(b);
            if (i % 4)
                continue;
        }
        char text[2] = {key[0], key[0]};
        if (wr_blob_new(&b, text, 2, NULL) == WR_OK) {
            wr_cache_put(c, 1, wr_text_of(key), b);
            wr_blob_unref(b);
        }
    }
    return (void *)(uintptr_t)bad; /* NOLINT(performance-no-int-to-ptr) */
}

static void test_cache__threads(void **state)
{
    (void)state;
    static wr_cache c;
    pthread_t t[4];
    wr_cache_init(&c);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, hammer, &c), 0);
    for (int i = 0; i < 4; i++) {
        void *bad = NULL;
        (void)pthread_join(t[i], &bad);
        assert_null(bad);
    }
    assert_true(c.hits > ROUNDS);
    wr_cache_release(&c);
}

static wr_status blob_once(wr_err *err)
{
    const wr_blob *b = NULL;
    wr_status s = wr_blob_new(&b, "abc", 3, err);
    wr_blob_unref(b);
    return s;
}

static void test_blob_new__out_of_memory(void **state)
{
    (void)state;
    assert_oom_safe(blob_once(&err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_blob__empty_and_counted),
        wr_unit_test(test_cache__by_version_and_key),
        wr_unit_test(test_cache__key_limit),
        wr_unit_test(test_cache__many_keys_share_slots),
        wr_unit_test(test_cache__threads),
        wr_unit_test(test_blob_new__out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
