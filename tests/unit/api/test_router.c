#include "api/router.h"

#include <string.h>

#include "wr_test.h"

static wr_status nothing(wr_exchange *x, wr_err *err)
{
    (void)x;
    (void)err;
    return WR_OK;
}

static const wr_route table[] = {
    {"GET", "/things", nothing, false, NULL, {NULL}},
    {"POST", "/things", nothing, true, NULL, {NULL}},
    {"GET", "/things/special", nothing, false, NULL, {NULL}},
    {"GET", "/things/{id}", nothing, false, NULL, {NULL}},
    {"POST", "/things/{id}", nothing, false, NULL, {NULL}},
    {"GET", "/a/{x}/b/{y}", nothing, false, NULL, {NULL}},
};
enum { ROUTES = sizeof table / sizeof *table };

static wr_match match(const char *method, const char *path)
{
    wr_match m;
    wr_router_match(&m, table, ROUTES, method, path);
    return m;
}

static void test_match__literal_and_parameter(void **state)
{
    (void)state;
    assert_ptr_equal(match("GET", "/things").route, &table[0]);
    assert_ptr_equal(match("POST", "/things").route, &table[1]);
    assert_ptr_equal(match("HEAD", "/things").route, &table[0]);
    assert_ptr_equal(match("GET", "/things/special").route, &table[2]);
    wr_match m = match("GET", "/things/4%2F2");
    assert_ptr_equal(m.route, &table[3]);
    assert_int_equal(m.raw_count, 1);
    assert_true(wr_text_eq(m.raw[0], WR_TEXT_LIT("4%2F2")));
    m = match("GET", "/a/one/b/two");
    assert_ptr_equal(m.route, &table[5]);
    assert_true(wr_text_eq(m.raw[0], WR_TEXT_LIT("one")));
    assert_true(wr_text_eq(m.raw[1], WR_TEXT_LIT("two")));
}

static void test_match__unknown_paths(void **state)
{
    (void)state;
    static const char *const bad[] = {"",          "/",         "/thing",      "/things/",
                                      "/things//", "//things",  "/things/a/b", "/a/x/c/y",
                                      "/a/x/b",    "/a//b/y",   "/Things",     "things",
                                      "/things2",  "/a/x/b/y/z"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        wr_match m = match("GET", bad[i]);
        if (m.route || m.is_path_known)
            fail_msg("'%s' matched", bad[i]);
    }
}

static void test_match__method(void **state)
{
    (void)state;
    wr_match m = match("DELETE", "/things");
    assert_null(m.route);
    assert_true(m.is_path_known);
    assert_string_equal(m.allow, "GET, HEAD, POST");
    m = match("POST", "/a/1/b/2");
    assert_null(m.route);
    assert_string_equal(m.allow, "GET, HEAD");
    /* the literal pattern hides the one with a parameter, for its other methods too */
    m = match("POST", "/things/special");
    assert_null(m.route);
    assert_string_equal(m.allow, "GET, HEAD");
}

static void test_match__every_route_of_the_server_finds_itself(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < wr_route_count(); i++) {
        const wr_route *r = &wr_routes()[i];
        wr_match m;
        wr_router_match(&m, wr_routes(), wr_route_count(), r->method, r->pattern);
        assert_ptr_equal(m.route, r); /* "{id}" is a fine value of {id} */
        assert_non_null(r->handle);
    }
}

static wr_text decode(const char *raw, bool is_plus)
{
    static wr_arena arena;
    static char kept[256];
    wr_arena_init(&arena, 0);
    wr_text t;
    assert_ok(wr_percent_decode(&t, &arena, wr_text_of(raw), is_plus, &err));
    assert_true(t.len < sizeof kept);
    memcpy(kept, t.p, t.len);
    wr_arena_release(&arena);
    return (wr_text){.p = kept, .len = t.len};
}

static void test_percent_decode__texts(void **state)
{
    (void)state;
    assert_true(wr_text_eq(decode("", false), WR_TEXT_LIT("")));
    assert_true(wr_text_eq(decode("plain", false), WR_TEXT_LIT("plain")));
    assert_true(wr_text_eq(decode("a%2Fb%3a", false), WR_TEXT_LIT("a/b:")));
    assert_true(wr_text_eq(decode("a+b", true), WR_TEXT_LIT("a b")));
    assert_true(wr_text_eq(decode("a+b", false), WR_TEXT_LIT("a+b")));
    assert_true(wr_text_eq(decode("%2B%25", true), WR_TEXT_LIT("+%")));
    assert_true(wr_text_eq(decode("%C3%A9", false), WR_TEXT_LIT("\xC3\xA9")));
}

static void test_percent_decode__bad_escapes(void **state)
{
    (void)state;
    static const char *const bad[] = {"%",   "%4",  "a%4",  "%zz",  "%4z",  "%00",  "%0a",
                                      "%7f", "%1F", "%%41", "a%-1", "%+1a", "a\x01"};
    wr_arena arena;
    wr_arena_init(&arena, 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        wr_text t = {0};
        assert_err(WR_EPARSE,
                   wr_percent_decode(&t, &arena, wr_text_of(bad[i]), false, &err));
        assert_null(t.p);
    }
    wr_arena_release(&arena);
}

static wr_status decode_once(wr_err *err)
{
    wr_arena arena;
    wr_text t;
    wr_arena_init(&arena, 0);
    wr_status s = wr_percent_decode(&t, &arena, WR_TEXT_LIT("a%20b"), false, err);
    wr_arena_release(&arena);
    return s;
}

static void test_percent_decode__out_of_memory(void **state)
{
    (void)state;
    assert_oom_safe(decode_once(&err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_match__literal_and_parameter),
        wr_unit_test(test_match__unknown_paths),
        wr_unit_test(test_match__method),
        wr_unit_test(test_match__every_route_of_the_server_finds_itself),
        wr_unit_test(test_percent_decode__texts),
        wr_unit_test(test_percent_decode__bad_escapes),
        wr_unit_test(test_percent_decode__out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
