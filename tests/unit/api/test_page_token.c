#include "api/page_token.h"

#include <stdio.h>
#include <string.h>

#include "wr_test.h"

static void test_read__what_was_written(void **state)
{
    (void)state;
    wr_rng rng = {.s = 7};
    for (size_t len = 0; len <= WR_PAGE_PAYLOAD_MAX; len++) {
        char payload[WR_PAGE_PAYLOAD_MAX + 1];
        char back[WR_PAGE_PAYLOAD_MAX + 1];
        char token[WR_PAGE_TOKEN_MAX + 1];
        for (size_t i = 0; i < len; i++)
            payload[i] = (char)(1 + wr_rng_below(&rng, 254));
        payload[len] = '\0';
        wr_page_token_write(token, 't', payload);
        assert_int_equal(
            token[strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst"
                                "uvwxyz0123456789-_")],
            '\0');
        assert_ok(wr_page_token_read(back, 't', wr_text_of(token), &err));
        assert_string_equal(back, payload);
    }
}

static void test_read__another_list(void **state)
{
    (void)state;
    char token[WR_PAGE_TOKEN_MAX + 1];
    char payload[WR_PAGE_PAYLOAD_MAX + 1] = "untouched";
    wr_page_token_write(token, 't', "12");
    assert_err(WR_EPARSE, wr_page_token_read(payload, 'l', wr_text_of(token), &err));
    assert_string_equal(payload, "untouched");
}

/* Every other character at *at must spoil the token. */
static void assert_spoiled_by_each(char token[], char *at)
{
    static const char others[] = "A9_!+ \x80";
    char payload[WR_PAGE_PAYLOAD_MAX + 1];
    char was = *at;
    for (const char *o = others; *o; o++) {
        if (*o == was)
            continue;
        *at = *o;
        assert_err(WR_EPARSE, wr_page_token_read(payload, 't', wr_text_of(token), &err));
    }
    *at = was;
}

static void test_read__every_changed_character(void **state)
{
    (void)state;
    char token[WR_PAGE_TOKEN_MAX + 1];
    wr_page_token_write(token, 't', "r20261120T161200Z-0a1b2c3d 99 3fe0 12");
    /* but the last one, which holds bits that belong to no byte */
    for (char *at = token; at[1]; at++)
        assert_spoiled_by_each(token, at);
}

static void test_read__cut_empty_and_long(void **state)
{
    (void)state;
    char token[WR_PAGE_TOKEN_MAX + 1];
    char payload[WR_PAGE_PAYLOAD_MAX + 1];
    wr_page_token_write(token, 't', "123456789");
    for (uint32_t len = 0; token[len]; len++)
        assert_err(WR_EPARSE, wr_page_token_read(
                                  payload, 't', (wr_text){.p = token, .len = len}, &err));
    static char longer[WR_PAGE_TOKEN_MAX + 2];
    memset(longer, 'A', WR_PAGE_TOKEN_MAX + 1);
    assert_err(WR_EPARSE, wr_page_token_read(payload, 't', wr_text_of(longer), &err));
    longer[WR_PAGE_TOKEN_MAX] = '\0';
    assert_err(WR_EPARSE, wr_page_token_read(payload, 't', wr_text_of(longer), &err));
}

static void test_words__numbers(void **state)
{
    (void)state;
    const char *p = "run-1 42 ff";
    char word[16];
    uint64_t v;
    assert_true(wr_page_word(&p, word, sizeof word));
    assert_string_equal(word, "run-1");
    assert_true(wr_page_u64(&p, 10, 42, &v));
    assert_int_equal(v, 42);
    assert_true(wr_page_u64(&p, 16, UINT64_MAX, &v));
    assert_int_equal(v, 255);
    assert_false(wr_page_u64(&p, 10, UINT64_MAX, &v)); /* nothing is left */

    static const char *const bad[] = {"-1", "+1", " 1", "1x", "", "99999999999999999999",
                                      "43"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        p = bad[i];
        if (wr_page_u64(&p, 10, 42, &v))
            fail_msg("'%s' read as %llu", bad[i], (unsigned long long)v);
    }
    p = "toolong";
    assert_false(wr_page_word(&p, word, 7));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_read__what_was_written),
        wr_unit_test(test_read__another_list),
        wr_unit_test(test_read__every_changed_character),
        wr_unit_test(test_read__cut_empty_and_long),
        wr_unit_test(test_words__numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
