#include "api/request.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "wr_test.h"

static const wr_route route = {
    .method = "GET",
    .pattern = "/x",
    .param = {"limit", "min", "wait", "way", "text", "time"},
};

static wr_service service = {.table = &route, .routes = 1, .body_max_bytes = 1000};

/* A fresh exchange per test, released by teardown of the caller. */
static wr_exchange *start(const char *query)
{
    wr_exchange *x = NULL;
    assert_ok(wr_exchange_new(&x, &service, NULL, &err));
    x->route = &route;
    x->head.query = query;
    return x;
}

static void test_query_parse__decodes(void **state)
{
    (void)state;
    wr_exchange *x = start("limit=5&text=a%26b+c&&min=");
    assert_ok(wr_query_parse(x, &err));
    assert_true(wr_text_eq(wr_query_text(x, "text"), WR_TEXT_LIT("a&b c")));
    assert_true(wr_text_eq(wr_query_text(x, "limit"), WR_TEXT_LIT("5")));
    assert_int_equal(wr_query_text(x, "min").len, 0);
    assert_non_null(wr_query_text(x, "min").p);
    assert_null(wr_query_text(x, "way").p);
    wr_exchange_free(x);
}

static void assert_query_refused(const char *query, wr_problem_kind kind,
                                 const char *pointer)
{
    wr_exchange *x = start(query);
    wr_err err = {0};
    assert_int_not_equal(wr_query_parse(x, &err), WR_OK);
    assert_int_equal(x->problem.kind, kind);
    if (pointer)
        assert_string_equal(x->problem.item[0].pointer, pointer);
    wr_exchange_free(x);
}

static void test_query_parse__refusals(void **state)
{
    (void)state;
    assert_query_refused("limit=1&lmit=2", WR_PROBLEM_UNKNOWN_PARAMETER, "/query/lmit");
    assert_query_refused("limit=1&limit=1", WR_PROBLEM_UNKNOWN_PARAMETER, "/query/limit");
    assert_query_refused("=1", WR_PROBLEM_UNKNOWN_PARAMETER, "/query/");
    assert_query_refused("text=%4", WR_PROBLEM_BAD_REQUEST, NULL);
    assert_query_refused("text=%00", WR_PROBLEM_BAD_REQUEST, NULL);
    assert_query_refused("te%xt=1", WR_PROBLEM_BAD_REQUEST, NULL);
}

static void test_typed__values(void **state)
{
    (void)state;
    wr_exchange *x =
        start("limit=1000&min=1e-3&wait=true&way=out&text=abc&time=2026-11-20");
    uint32_t limit = 7;
    uint32_t absent = 8;
    double min = 0.0;
    bool is_wait = false;
    int way = -1;
    int64_t time_s = 0;
    assert_ok(wr_query_parse(x, &err));
    wr_query_u32(x, "limit", 1, 1000, &limit);
    wr_query_u32(x, "page", 1, 1000, &absent);
    wr_query_f64(x, "min", 0.0, 1.0, &min);
    wr_query_bool(x, "wait", &is_wait);
    wr_query_choice(x, "way", "in|out|both", &way);
    wr_query_time(x, "time", &time_s);
    assert_true(wr_text_eq(wr_query_bounded(x, "text", 3), WR_TEXT_LIT("abc")));
    assert_ok(wr_request_check(x, &err));
    assert_int_equal(limit, 1000);
    assert_int_equal(absent, 8);
    assert_true(min == 1e-3);
    assert_true(is_wait);
    assert_int_equal(way, 1);
    wr_exchange_free(x);
}

/* One wrong value: noted once with this code, and the default stays. */
static void assert_u32_noted(const char *query, const char *code)
{
    wr_exchange *x = start(query);
    uint32_t v = 42;
    assert_ok(wr_query_parse(x, &err));
    wr_query_u32(x, "limit", 1, 1000, &v);
    assert_int_equal(v, 42);
    assert_int_equal(x->problem.item_count, 1);
    assert_string_equal(x->problem.item[0].pointer, "/query/limit");
    assert_string_equal(x->problem.item[0].code, code);
    assert_err(WR_EINVAL, wr_request_check(x, &err));
    assert_int_equal(x->problem.kind, WR_PROBLEM_INVALID);
    wr_exchange_free(x);
}

static void test_u32__wrong_values(void **state)
{
    (void)state;
    assert_u32_noted("limit=0", "range");
    assert_u32_noted("limit=1001", "range");
    assert_u32_noted("limit=4294967296", "range");
    assert_u32_noted("limit=4294967297", "range");
    assert_u32_noted("limit=99999999999", "syntax");
    assert_u32_noted("limit=", "syntax");
    assert_u32_noted("limit=-1", "syntax");
    assert_u32_noted("limit=+1", "syntax");
    assert_u32_noted("limit=1.0", "syntax");
    assert_u32_noted("limit=%201", "syntax");
    assert_u32_noted("limit=ten", "syntax");
}

static void test_typed__every_complaint_is_listed(void **state)
{
    (void)state;
    wr_exchange *x = start("limit=0&min=nan&wait=yes&way=up&text=&time=noon");
    uint32_t limit = 1;
    double min = 0.5;
    bool is_wait = true;
    int way = 2;
    int64_t time_s = 99;
    assert_ok(wr_query_parse(x, &err));
    wr_query_u32(x, "limit", 1, 9, &limit);
    wr_query_f64(x, "min", 0.0, 1.0, &min);
    wr_query_bool(x, "wait", &is_wait);
    wr_query_choice(x, "way", "in|out|both", &way);
    assert_null(wr_query_bounded(x, "text", 3).p);
    wr_query_time(x, "time", &time_s);
    assert_int_equal(x->problem.item_count, 6);
    assert_true(min == 0.5 && is_wait && way == 2 && time_s == 99);
    wr_exchange_free(x);
}

static void test_f64__range_and_infinity(void **state)
{
    (void)state;
    static const char *const bad[] = {"min=-0.1", "min=100.1", "min=1e400", "min=inf",
                                      "min=0x1",  "min=1,5",   "min="};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        wr_exchange *x = start(bad[i]);
        double v = 1.0;
        assert_ok(wr_query_parse(x, &err));
        wr_query_f64(x, "min", 0.0, 100.0, &v);
        if (x->problem.item_count != 1 || v != 1.0)
            fail_msg("%s passed", bad[i]);
        wr_exchange_free(x);
    }
}

static void test_request_id__kept_or_made(void **state)
{
    (void)state;
    static char longer[WR_REQUEST_ID_MAX + 2];
    char id[WR_REQUEST_ID_MAX + 1];
    char other[WR_REQUEST_ID_MAX + 1];
    wr_request_id(id, "Ab-1._z");
    assert_string_equal(id, "Ab-1._z");
    memset(longer, 'a', WR_REQUEST_ID_MAX + 1);
    const char *const bad[] = {NULL, "", "a b", "a\"b", "\xC3\xA9", longer};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        wr_request_id(id, bad[i]);
        assert_int_equal(strlen(id), 16);
        wr_request_id(other, bad[i]);
        assert_string_not_equal(id, other);
    }
    longer[WR_REQUEST_ID_MAX] = '\0';
    wr_request_id(id, longer);
    assert_string_equal(id, longer);
}

/* --- body over a wire of pieces --------------------------------------------------------
 */

typedef struct script {
    const char *bytes;
    size_t len, at, piece; /* piece: most per read */
    int end;               /* what a read answers behind the bytes */
    char written[256];
    size_t written_len;
} script;

static int script_read(void *ctx, void *buf, size_t len)
{
    script *s = ctx;
    size_t n = s->len - s->at;
    n = n < len ? n : len;
    n = n < s->piece ? n : s->piece;
    if (n == 0)
        return s->end;
    memcpy(buf, s->bytes + s->at, n);
    s->at += n;
    return (int)n;
}

static int script_write(void *ctx, const void *bytes, size_t len)
{
    script *s = ctx;
    assert_true(s->written_len + len < sizeof s->written);
    memcpy(s->written + s->written_len, bytes, len);
    s->written_len += len;
    return (int)len;
}

static wr_status read_body(wr_exchange *x, script *s, wr_err *err)
{
    const wr_wire wire = {.read = script_read, .write = script_write, .ctx = s};
    wr_buf_clear(&x->body_buf);
    return wr_request_read_body(x, &wire, &x->body_buf, 1000, err);
}

static void test_read_body__length_and_pieces(void **state)
{
    (void)state;
    wr_exchange *x = start(NULL);
    script s = {.bytes = "{\"a\":1}tail", .len = 11, .piece = 2};
    x->head.body_bytes = 7;
    /* the wire gives no more than Content-Length, as mg_read does */
    s.len = 7;
    assert_ok(read_body(x, &s, &err));
    assert_true(wr_text_eq(x->body, WR_TEXT_LIT("{\"a\":1}")));
    assert_false(x->is_body_unread);
    assert_int_equal(s.written_len, 0);
    wr_exchange_free(x);
}

static void test_read_body__continue(void **state)
{
    (void)state;
    wr_exchange *x = start(NULL);
    script s = {.bytes = "12", .len = 2, .piece = 9};
    x->head.body_bytes = 2;
    x->head.is_continue_expected = true;
    assert_ok(read_body(x, &s, &err));
    assert_memory_equal(s.written, "HTTP/1.1 100 Continue\r\n\r\n", s.written_len);
    assert_false(x->head.is_continue_expected);
    wr_exchange_free(x);
}

static void test_read_body__too_large_by_length_reads_nothing(void **state)
{
    (void)state;
    wr_exchange *x = start(NULL);
    script s = {.bytes = "12", .len = 2, .piece = 9};
    x->head.body_bytes = 1001;
    x->head.is_continue_expected = true;
    assert_err(WR_EINVAL, read_body(x, &s, &err));
    assert_int_equal(x->problem.kind, WR_PROBLEM_TOO_LARGE);
    assert_int_equal(s.at + s.written_len, 0);
    assert_true(x->is_body_unread);
    wr_exchange_free(x);
}

static void test_read_body__chunked(void **state)
{
    (void)state;
    static char big[2000];
    memset(big, 'b', sizeof big);
    wr_exchange *x = start(NULL);
    script s = {.bytes = big, .len = 1000, .piece = 300};
    x->head.is_chunked = true;
    assert_ok(read_body(x, &s, &err));
    assert_int_equal(x->body.len, 1000);
    s = (script){.bytes = big, .len = 1001, .piece = 300};
    assert_err(WR_EINVAL, read_body(x, &s, &err));
    assert_int_equal(x->problem.kind, WR_PROBLEM_TOO_LARGE);
    wr_exchange_free(x);
}

static void test_read_body__broken_off(void **state)
{
    (void)state;
    wr_exchange *x = start(NULL);
    script s = {.bytes = "123", .len = 3, .piece = 9, .end = -1};
    x->head.is_chunked = true;
    assert_err(WR_EINVAL, read_body(x, &s, &err));
    assert_int_equal(x->problem.kind, WR_PROBLEM_BAD_REQUEST);
    wr_problem_clear(&x->problem);
    s = (script){.bytes = "123", .len = 3, .piece = 9};
    x->head.is_chunked = false;
    x->head.body_bytes = 4;
    assert_err(WR_EINVAL, read_body(x, &s, &err));
    assert_int_equal(x->problem.kind, WR_PROBLEM_BAD_REQUEST);
    assert_true(x->is_body_unread);
    wr_exchange_free(x);
}

static wr_status body_once(wr_err *err)
{
    wr_exchange *x = NULL;
    script s = {.bytes = "{}", .len = 2, .piece = 9};
    WR_TRY(wr_exchange_new(&x, &service, NULL, err));
    x->head.body_bytes = 2;
    wr_status r = read_body(x, &s, err);
    wr_exchange_free(x);
    return r;
}

static void test_read_body__out_of_memory(void **state)
{
    (void)state;
    assert_oom_safe(body_once(&err));
}

static void test_json_check_bounds__depth_and_count(void **state)
{
    (void)state;
    char deep[80];
    memset(deep, '[', 40);
    memset(deep + 40, ']', 40);
    assert_ok(wr_json_check_bounds(deep + 8, 64, 32, 10, &err));
    assert_err(WR_ELIMIT, wr_json_check_bounds(deep + 7, 66, 32, 10, &err));
    assert_ok(wr_json_check_bounds("[1,2,3]", 7, 1, 3, &err));
    assert_err(WR_ELIMIT, wr_json_check_bounds("[1,2,3]", 7, 1, 2, &err));
    /* brackets and commas inside texts are no structure, an escaped quote ends none */
    assert_ok(wr_json_check_bounds("[\"[[,,\\\"[[,,\"]", 15, 1, 1, &err));
    assert_ok(wr_json_check_bounds("", 0, 0, 1, &err));
    assert_ok(wr_json_check_bounds("\"\\", 2, 0, 1, &err)); /* cut inside an escape */
    assert_ok(wr_json_check_bounds("]]]][", 5, 1, 1, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_query_parse__decodes),
        wr_unit_test(test_query_parse__refusals),
        wr_unit_test(test_typed__values),
        wr_unit_test(test_u32__wrong_values),
        wr_unit_test(test_typed__every_complaint_is_listed),
        wr_unit_test(test_f64__range_and_infinity),
        wr_unit_test(test_request_id__kept_or_made),
        wr_unit_test(test_read_body__length_and_pieces),
        wr_unit_test(test_read_body__continue),
        wr_unit_test(test_read_body__too_large_by_length_reads_nothing),
        wr_unit_test(test_read_body__chunked),
        wr_unit_test(test_read_body__broken_off),
        wr_unit_test(test_read_body__out_of_memory),
        wr_unit_test(test_json_check_bounds__depth_and_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
