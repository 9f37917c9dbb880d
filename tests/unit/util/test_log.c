#include "wr_test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/log.h"

/* stderr into a file while `say` runs; what it wrote, NUL-terminated. */
static void captured(char *out, size_t cap, void (*say)(void))
{
    char path[] = "/tmp/wr_log_XXXXXX";
    int to = mkstemp(path);
    int keep = dup(STDERR_FILENO);
    assert_true(to >= 0 && keep >= 0);
    (void)dup2(to, STDERR_FILENO);
    say();
    (void)dup2(keep, STDERR_FILENO);
    ssize_t n = pread(to, out, cap - 1, 0);
    (void)close(to);
    (void)close(keep);
    (void)unlink(path);
    assert_true(n >= 0);
    out[n] = '\0';
}

static void say_plain(void)
{
    wr_log(WR_LOG_INFO, "request", "id", "7", "status", "200", NULL);
}

static void test_log__time_level_event_pairs(void **state)
{
    (void)state;
    char line[512];
    captured(line, sizeof line, say_plain);
    assert_int_equal(line[23], 'Z'); /* 2015-08-07T20:15:29.123Z */
    int64_t t = 0;
    assert_ok(wr_time_parse(&t, (wr_text){.p = line, .len = 24}, &err));
    assert_true(t - wr_clock_wall_s() < 5 && wr_clock_wall_s() - t < 5);
    assert_string_equal(line + 24, " info request id=7 status=200\n");
}

static void say_odd(void)
{
    wr_log(WR_LOG_ERROR, "e", "a", "x y", "b", "q\"\\", "c", "k=v", "d", "1\n2\x01", "f",
           "", NULL);
}

static void test_log__odd_values_stay_on_one_line(void **state)
{
    (void)state;
    char line[512];
    captured(line, sizeof line, say_odd);
    assert_string_equal(line + 24, " error e a=\"x y\" b=\"q\\\"\\\\\" c=\"k=v\""
                                   " d=\"1\\u000a2\\u0001\" f=\"\"\n");
}

static void say_levels(void)
{
    wr_log_set_level(WR_LOG_WARN);
    wr_log(WR_LOG_INFO, "no", NULL);
    wr_log(WR_LOG_DEBUG, "no", NULL);
    wr_log(WR_LOG_WARN, "yes", NULL);
    wr_log_set_level(WR_LOG_INFO);
}

static void test_log__below_the_level_is_silent(void **state)
{
    (void)state;
    char line[512];
    captured(line, sizeof line, say_levels);
    assert_string_equal(line + 24, " warn yes\n");
}

static void say_huge(void)
{
    static char huge[100000];
    memset(huge, '\n', sizeof huge - 1);
    wr_log(WR_LOG_INFO, "big", "v", huge, "after", "1", NULL);
    memset(huge, 'a', sizeof huge - 1);
    wr_log(WR_LOG_INFO, "big", "v", huge, "after", "1", NULL);
}

static void test_log__long_lines_are_cut_but_whole(void **state)
{
    (void)state;
    static char text[200000];
    captured(text, sizeof text, say_huge);
    char *first_end = strchr(text, '\n');
    assert_non_null(first_end);
    assert_true(first_end - text <= 8192);
    assert_memory_equal(first_end - 4, "...\"", 4);
    char *second_end = strchr(first_end + 1, '\n');
    assert_non_null(second_end);
    assert_memory_equal(second_end - 5, "a...\"", 5);
    assert_int_equal(second_end[1], 0);
}

static void *say_many(void *arg)
{
    (void)arg;
    for (int i = 0; i < 200; i++)
        wr_log(WR_LOG_INFO, "line", "v", "0123456789 0123456789 0123456789", NULL);
    return NULL;
}

static void say_threads(void)
{
    pthread_t t[4];
    for (int i = 0; i < 4; i++)
        (void)pthread_create(&t[i], NULL, say_many, NULL);
    for (int i = 0; i < 4; i++)
        (void)pthread_join(t[i], NULL);
}

static void test_log__lines_of_threads_do_not_mix(void **state)
{
    (void)state;
    static char text[200000];
    captured(text, sizeof text, say_threads);
    int lines = 0;
    for (char *p = text; *p; lines++) {
        char *end = strchr(p, '\n');
        assert_non_null(end);
        *end = '\0';
        assert_string_equal(p + 24, " info line v=\"0123456789 0123456789 0123456789\"");
        p = end + 1;
    }
    assert_int_equal(lines, 800);
}

static void test_log_level_of__names(void **state)
{
    (void)state;
    assert_int_equal(wr_log_level_of("debug"), WR_LOG_DEBUG);
    assert_int_equal(wr_log_level_of("info"), WR_LOG_INFO);
    assert_int_equal(wr_log_level_of("warn"), WR_LOG_WARN);
    assert_int_equal(wr_log_level_of("error"), WR_LOG_ERROR);
    assert_int_equal(wr_log_level_of("loud"), WR_LOG_INFO);
    assert_int_equal(wr_log_level_of(NULL), WR_LOG_INFO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_log__time_level_event_pairs),
        wr_unit_test(test_log__odd_values_stay_on_one_line),
        wr_unit_test(test_log__below_the_level_is_silent),
        wr_unit_test(test_log__long_lines_are_cut_but_whole),
        wr_unit_test(test_log__lines_of_threads_do_not_mix),
        wr_unit_test(test_log_level_of__names),
    };
    return cmocka_run_group_tests_name("util.log", tests, NULL, NULL);
}
