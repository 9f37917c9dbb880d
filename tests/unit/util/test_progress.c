#include "wr_test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/progress.h"

typedef struct seen {
    int calls;
    const char *phase;
    uint64_t done, total;
} seen;

static void note(void *ctx, const char *phase, uint64_t done, uint64_t total)
{
    seen *s = ctx;
    *s = (seen){s->calls + 1, phase, done, total};
}

static void test_progress_at__shows_and_stops(void **state)
{
    (void)state;
    assert_ok(wr_progress_at(NULL, "load", 1, 2, &err));
    seen s = {0};
    atomic_bool stop = false;
    wr_progress pg = {.show = note, .ctx = &s, .stop = &stop};
    assert_ok(wr_progress_at(&pg, "load", 1, 2, &err));
    assert_int_equal(s.calls, 1);
    assert_string_equal(s.phase, "load");
    assert_int_equal(s.done, 1);
    assert_int_equal(s.total, 2);
    atomic_store(&stop, true);
    wr_err why = {0};
    assert_int_equal(wr_progress_at(&pg, "sort", 2, 2, &why), WR_ESTOPPED);
    assert_string_equal(why.msg, "stopped on request in sort");
    wr_progress quiet = {0};
    assert_ok(wr_progress_at(&quiet, "load", 1, 2, &err));
}

/* stderr becomes the slave of a new terminal; its master is returned. */
static int open_terminal(int *keep)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(master >= 0);
    assert_int_equal(grantpt(master) | unlockpt(master), 0);
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_true(slave >= 0);
    *keep = dup(STDERR_FILENO);
    (void)dup2(slave, STDERR_FILENO);
    (void)close(slave);
    return master;
}

static void read_terminal(int master, char *out, size_t cap)
{
    assert_int_equal(fcntl(master, F_SETFL, O_NONBLOCK), 0);
    ssize_t n = read(master, out, cap - 1);
    out[n > 0 ? n : 0] = '\0';
}

static void test_progress_line__draws_rate_and_eta(void **state)
{
    (void)state;
    char early[256];
    char text[256];
    char again[256];
    char open_end[256];
    char cleared[256];
    int keep;
    int master = open_terminal(&keep);
    wr_progress_line l;
    wr_progress_line_init(&l);
    int is_tty = l.is_tty;
    const char *phase = "load";
    wr_progress_line_show(&l, phase, 0, 40000000);
    read_terminal(master, early, sizeof early);
    l.start_us -= 10000000; /* ten seconds pass */
    wr_progress_line_show(&l, phase, 20000000, 40000000);
    read_terminal(master, text, sizeof text);
    wr_progress_line_show(&l, phase, 20000001, 40000000);
    read_terminal(master, again, sizeof again);
    l.shown_us -= 1000000;
    wr_progress_line_show(&l, phase, 950, 0);
    read_terminal(master, open_end, sizeof open_end);
    wr_progress_line_done(&l);
    read_terminal(master, cleared, sizeof cleared);
    (void)dup2(keep, STDERR_FILENO);
    (void)close(keep);
    (void)close(master);

    assert_int_equal(is_tty, 1);
    assert_string_equal(early, "");
    assert_string_equal(text, "\r\033[Kload  20.0 M / 40.0 M  50%  2.0 M/s  ETA 10 s");
    assert_string_equal(again, ""); /* at most five times a second */
    assert_memory_equal(open_end, "\r\033[Kload  950  ", 13);
    assert_string_equal(cleared, "\r\033[K");
}

static void test_progress_line__silent_without_terminal(void **state)
{
    (void)state;
    char path[] = "/tmp/wr_progress_XXXXXX";
    int to = mkstemp(path);
    int keep = dup(STDERR_FILENO);
    (void)dup2(to, STDERR_FILENO);
    wr_progress_line l;
    wr_progress_line_init(&l);
    l.start_us -= 10000000;
    wr_progress_line_show(&l, "load", 1, 2);
    wr_progress_line_done(&l);
    off_t size = lseek(to, 0, SEEK_END);
    (void)dup2(keep, STDERR_FILENO);
    (void)close(keep);
    (void)close(to);
    (void)unlink(path);
    assert_int_equal(size, 0);
}

static void test_catch_signals__first_asks_second_ends(void **state)
{
    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const atomic_bool *stop = wr_progress_catch_signals();
        if (atomic_load(stop))
            _exit(1);
        (void)raise(SIGINT);
        if (!atomic_load(stop))
            _exit(2);
        (void)raise(SIGTERM);
        _exit(3);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 128 + SIGTERM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_progress_at__shows_and_stops),
        wr_unit_test(test_progress_line__draws_rate_and_eta),
        wr_unit_test(test_progress_line__silent_without_terminal),
        wr_unit_test(test_catch_signals__first_asks_second_ends),
    };
    return cmocka_run_group_tests_name("util.progress", tests, NULL, NULL);
}
