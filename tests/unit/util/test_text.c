#include "wr_test.h"

#include "util/text.h"

static void test_text__of_and_eq(void **state)
{
    (void)state;
    wr_text t = wr_text_of("abc");
    assert_int_equal(t.len, 3);
    assert_null(wr_text_of(NULL).p);
    assert_int_equal(wr_text_of(NULL).len, 0);
    assert_true(wr_text_eq(t, WR_TEXT_LIT("abc")));
    assert_false(wr_text_eq(t, WR_TEXT_LIT("abd")));
    assert_false(wr_text_eq(t, WR_TEXT_LIT("ab")));
    assert_true(wr_text_eq((wr_text){0}, WR_TEXT_LIT("")));
}

/* A plain decoder: value of the sequence at p, or -1; the definition, not the shortcut.
 */
static int32_t decode(const unsigned char *p, size_t n, int *len)
{
    static const int32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    int32_t v;
    if (p[0] < 0x80) {
        *len = 1;
        return p[0];
    }
    if (p[0] >> 5 == 6) {
        *len = 2;
        v = p[0] & 31;
    } else if (p[0] >> 4 == 14) {
        *len = 3;
        v = p[0] & 15;
    } else if (p[0] >> 3 == 30) {
        *len = 4;
        v = p[0] & 7;
    } else {
        return -1;
    }
    for (int i = 1; i < *len; i++) {
        if ((size_t)i >= n || p[i] >> 6 != 2)
            return -1;
        v = v << 6 | (p[i] & 63);
    }
    bool is_surrogate = v >= 0xD800 && v <= 0xDFFF;
    return v < least[*len] || v > 0x10FFFF || is_surrogate ? -1 : v;
}

static void test_utf8_step__agrees_with_plain_decoder(void **state)
{
    (void)state;
    /* bytes at and around every border, in all combinations of four */
    static const unsigned char edge[] = {
        0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF,
        0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF};
    enum { N = sizeof edge };
    for (size_t i = 0; i < (size_t)N * N * N * N; i++) {
        unsigned char p[4] = {edge[i % N], edge[i / N % N], edge[i / N / N % N],
                              edge[i / N / N / N]};
        for (size_t n = 1; n <= 4; n++) {
            int len = 0;
            int32_t want = decode(p, n, &len);
            int got = wr_utf8_step((const char *)p, n);
            assert_true(want >= 0 ? got == len : got < 0 && (size_t)-got <= n);
        }
    }
}

static void test_utf8_is_valid__whole_texts(void **state)
{
    (void)state;
    assert_true(wr_utf8_is_valid((wr_text){0}));
    assert_true(wr_utf8_is_valid(WR_TEXT_LIT("a\xC3\xA9\xF0\x9F\x98\x80")));
    assert_false(wr_utf8_is_valid(WR_TEXT_LIT("a\xC3")));
    assert_false(wr_utf8_is_valid(WR_TEXT_LIT("\xFFz")));
}

static void test_quote__short_printable_and_marked_when_cut(void **state)
{
    (void)state;
    assert_string_equal(wr_text_quote(WR_TEXT_LIT("plain"), 60).s, "plain");
    assert_string_equal(wr_text_quote(WR_TEXT_LIT("a\n\x1b\xC3\xA9\0z"), 60).s,
                        "a?????z");
    assert_string_equal(wr_text_quote(WR_TEXT_LIT("abcdef"), 3).s, "abc...");
    assert_string_equal(wr_text_quote((wr_text){0}, 60).s, "");
    char longest[200];
    memset(longest, 'x', sizeof longest);
    wr_quote q = wr_text_quote((wr_text){.p = longest, .len = sizeof longest}, 1000);
    assert_int_equal(strlen(q.s), 63);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_text__of_and_eq),
        wr_unit_test(test_utf8_step__agrees_with_plain_decoder),
        wr_unit_test(test_utf8_is_valid__whole_texts),
        wr_unit_test(test_quote__short_printable_and_marked_when_cut),
    };
    return cmocka_run_group_tests_name("util.text", tests, NULL, NULL);
}
