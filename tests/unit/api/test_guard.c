#include "api/guard.h"

#include <stdio.h>
#include <string.h>

#include "wr_test.h"

typedef struct guarded {
    bool is_fit;
    wr_head head;
    wr_problem problem;
} guarded;

/* pairs: name, value, …, NULL */
static guarded guard(const char *version, const char *path, const char *const *pairs)
{
    static wr_raw_header header[WR_RAW_HEADER_MAX];
    wr_raw_request raw = {
        .method = "GET", .version = version, .path = path, .header = header};
    for (; pairs[0] && raw.header_count < WR_RAW_HEADER_MAX; pairs += 2)
        header[raw.header_count++] = (wr_raw_header){.name = pairs[0], .value = pairs[1]};
    guarded g = {0};
    g.is_fit = wr_guard_check(&g.head, &raw, &g.problem);
    return g;
}

#define GUARD(...) guard("1.1", "/", (const char *const[]){__VA_ARGS__, NULL})

static void assert_refused(guarded g, wr_problem_kind kind, const char *detail)
{
    assert_false(g.is_fit);
    assert_int_equal(g.problem.kind, kind);
    if (!strstr(g.problem.detail, detail))
        fail_msg("'%s' lacks '%s'", g.problem.detail, detail);
}

static void test_check__plain_request(void **state)
{
    (void)state;
    guarded g =
        GUARD("Host", "127.0.0.1:8080", "Content-Length", "12", "accept", "text/html",
              "X-Request-Id", "abc", "Content-Type", "application/json");
    assert_true(g.is_fit);
    assert_int_equal(g.head.body_bytes, 12);
    assert_false(g.head.is_chunked);
    assert_false(g.head.is_close_asked);
    assert_string_equal(g.head.request_id, "abc");
    assert_string_equal(g.head.accept, "text/html");
    assert_string_equal(g.head.content_type, "application/json");
}

static void test_check__connection(void **state)
{
    (void)state;
    const char *const none[] = {"Host", "localhost", NULL};
    const char *const keep[] = {"Host", "localhost", "Connection", "Foo, Keep-Alive",
                                NULL};
    assert_true(GUARD("Host", "localhost", "Connection", "close").head.is_close_asked);
    assert_false(guard("1.1", "/", none).head.is_close_asked);
    assert_true(guard("1.0", "/", none).head.is_close_asked);
    assert_false(guard("1.0", "/", keep).head.is_close_asked);
}

static void test_check__smuggling_is_refused(void **state)
{
    (void)state;
    assert_refused(
        GUARD("Host", "localhost", "Content-Length", "1", "Transfer-Encoding", "chunked"),
        WR_PROBLEM_BAD_REQUEST, "beside Content-Length");
    assert_refused(
        GUARD("Host", "localhost", "Content-Length", "1", "content-length", "1"),
        WR_PROBLEM_BAD_REQUEST, "Content-Length more than once");
    assert_refused(GUARD("Host", "localhost", "Transfer-Encoding", "chunked",
                         "Transfer-Encoding", "chunked"),
                   WR_PROBLEM_BAD_REQUEST, "Transfer-Encoding more than once");
    assert_refused(GUARD("Host", "localhost", "Transfer-Encoding", "identity"),
                   WR_PROBLEM_BAD_REQUEST, "other than chunked");
    const char *const te[] = {"Host", "localhost", "Transfer-Encoding", "chunked", NULL};
    assert_refused(guard("1.0", "/", te), WR_PROBLEM_BAD_REQUEST, "HTTP/1.0");
    assert_true(guard("1.1", "/", te).head.is_chunked);
}

static void test_check__content_length_syntax(void **state)
{
    (void)state;
    static const char *const bad[] = {"",    "+1",   "-1",  "0x1",
                                      "1 1", "5, 5", "1e3", "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_refused(GUARD("Host", "localhost", "Content-Length", bad[i]),
                       WR_PROBLEM_BAD_REQUEST, "not a count of bytes");
}

static void test_check__host(void **state)
{
    (void)state;
    assert_refused(GUARD("Accept", "*/*"), WR_PROBLEM_BAD_REQUEST, "no Host");
    assert_refused(GUARD("Host", "localhost", "host", "localhost"),
                   WR_PROBLEM_BAD_REQUEST, "Host more than once");
    assert_refused(GUARD("Host", "example.org"), WR_PROBLEM_FOREIGN_HOST, "no login yet");
    const char *const none[] = {"Accept", "*/*", NULL};
    assert_true(guard("1.0", "/", none).is_fit); /* 1.0 may leave it out */
}

static void test_is_loopback__names(void **state)
{
    (void)state;
    static const char *const good[] = {"127.0.0.1", "127.0.0.1:80", "127.8.9.10",
                                       "localhost", "LOCALHOST:1",  "[::1]",
                                       "[::1]:8080"};
    static const char *const bad[] = {"",
                                      "10.0.0.1",
                                      "0.0.0.0",
                                      "127.0.0.1.evil.org",
                                      "localhost.",
                                      "localhost.evil.org",
                                      "127.1",
                                      "127.0.0.1:80:80",
                                      "::1",
                                      "[::1",
                                      "[::1]x",
                                      "127.0.0.",
                                      "example",
                                      "127.0.0.1:",
                                      "127.0.0.1:80a",
                                      "1127.0.0.1"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!wr_guard_is_loopback(good[i]))
            fail_msg("'%s' refused", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (wr_guard_is_loopback(bad[i]))
            fail_msg("'%s' accepted", bad[i]);
}

static void test_check__origin(void **state)
{
    (void)state;
    assert_true(
        GUARD("Host", "localhost:8080", "Origin", "http://localhost:8080").is_fit);
    static const char *const bad[] = {"http://localhost:8081", "https://localhost:8080",
                                      "http://evil.org", "null", ""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_refused(GUARD("Host", "localhost:8080", "Origin", bad[i]),
                       WR_PROBLEM_FOREIGN_ORIGIN, "own pages");
}

static void test_check__expect(void **state)
{
    (void)state;
    guarded g = GUARD("Host", "localhost", "Expect", "100-Continue");
    assert_true(g.is_fit && g.head.is_continue_expected);
    assert_refused(GUARD("Host", "localhost", "Expect", "200-maybe"),
                   WR_PROBLEM_EXPECTATION, "200-maybe");
}

static void test_check__lengths(void **state)
{
    (void)state;
    static char path[WR_TARGET_MAX + 2];
    const char *const host[] = {"Host", "localhost", NULL};
    memset(path, 'a', WR_TARGET_MAX);
    assert_true(guard("1.1", path, host).is_fit);
    memset(path, 'a', WR_TARGET_MAX + 1);
    assert_refused(guard("1.1", path, host), WR_PROBLEM_TARGET_LENGTH, "8193");

    static char value[WR_HEADER_VALUE_MAX + 2];
    memset(value, 'v', WR_HEADER_VALUE_MAX + 1);
    assert_refused(GUARD("Host", "localhost", "X", value), WR_PROBLEM_HEADER_LENGTH,
                   "8192");

    const char *many[2 * WR_RAW_HEADER_MAX + 1] = {NULL};
    for (size_t i = 0; i < WR_RAW_HEADER_MAX; i++) {
        many[2 * i] = i ? "X" : "Host";
        many[2 * i + 1] = "localhost";
    }
    assert_refused(guard("1.1", "/", many), WR_PROBLEM_HEADER_LENGTH, "64 headers");
    many[2 * WR_RAW_HEADER_MAX - 2] = NULL;
    assert_true(guard("1.1", "/", many).is_fit);
}

static void test_accepts__ranges(void **state)
{
    (void)state;
    static const struct {
        const char *accept, *type;
        bool is_accepted;
    } row[] = {
        {NULL, "application/json", true},
        {"", "application/json", true},
        {"*/*", "application/json", true},
        {"application/*", "application/json", true},
        {"APPLICATION/JSON", "application/json", true},
        {"text/html, application/json;q=0.5", "application/json", true},
        {"text/plain", "text/plain; version=0.0.4", true},
        {"application/json;q=0", "application/json", false},
        {"application/json;q=0.000", "application/json", false},
        {"text/html", "application/json", false},
        {"application/jso", "application/json", false},
        {"text/*", "application/json", false},
        {"a,b,,", "application/json", false},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (wr_guard_accepts(row[i].accept, row[i].type) != row[i].is_accepted)
            fail_msg("'%s' for %s", row[i].accept, row[i].type);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_check__plain_request),
        wr_unit_test(test_check__connection),
        wr_unit_test(test_check__smuggling_is_refused),
        wr_unit_test(test_check__content_length_syntax),
        wr_unit_test(test_check__host),
        wr_unit_test(test_is_loopback__names),
        wr_unit_test(test_check__origin),
        wr_unit_test(test_check__expect),
        wr_unit_test(test_check__lengths),
        wr_unit_test(test_accepts__ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
