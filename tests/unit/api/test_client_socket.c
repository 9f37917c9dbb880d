/* Both ends of a socket pair: what civetweb would see through the calls in its place. */
#include "api/client_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/clock.h"
#include "wr_test.h"

typedef struct ends {
    int client, server;
} ends;

static ends connect_ends(void)
{
    int fd[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    assert_int_equal(fcntl(fd[1], F_SETFL, O_NONBLOCK), 0); /* as civetweb does */
    wr_client_begin();
    return (ends){.client = fd[0], .server = fd[1]};
}

static void close_ends(ends *e)
{
    wr_client_end();
    (void)close(e->client);
    (void)close(e->server);
}

static int wait_for(int fd, int wait_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLERR};
    int n = wr_client_poll(&p, 1, wait_ms);
    if (n == 1)
        assert_true(p.revents & POLLIN);
    return n;
}

static void tell(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void assert_received(int fd, size_t room, const char *expected)
{
    char buf[64];
    assert_true(room <= sizeof buf);
    ssize_t n = wr_client_recv(fd, buf, room, 0);
    assert_int_equal(n, strlen(expected));
    assert_memory_equal(buf, expected, strlen(expected));
}

static int bytes_in_pipe(int fd)
{
    char buf[64];
    return (int)recvfrom(fd, buf, sizeof buf, MSG_PEEK | MSG_DONTWAIT, NULL, NULL);
}

static void test_client_poll__head_is_read_ahead_and_handed_out_once(void **state)
{
    (void)state;
    ends e = connect_ends();
    tell(e.client, "GET / HTTP");
    assert_int_equal(wait_for(e.server, WR_CLIENT_WAIT_MS), 1);
    assert_int_equal(bytes_in_pipe(e.server), -1); /* it is with us already */
    assert_received(e.server, 4, "GET ");
    assert_int_equal(wait_for(e.server, WR_CLIENT_WAIT_MS), 1); /* the rest is ready */
    assert_received(e.server, 64, "/ HTTP");
    char byte;
    assert_int_equal(wr_client_recv(e.server, &byte, 1, 0), -1);
    assert_int_equal(errno, EAGAIN); /* never waits, as before */
    close_ends(&e);
}

static void test_client_poll__body_is_not_read_ahead(void **state)
{
    (void)state;
    ends e = connect_ends();
    tell(e.client, "head+body");
    assert_int_equal(wait_for(e.server, WR_CLIENT_WAIT_MS), 1);
    assert_received(e.server, 5, "head+");
    wr_client_expect_head(false);
    assert_int_equal(wait_for(e.server, WR_CLIENT_WAIT_MS), 1); /* came with the head */
    assert_received(e.server, 64, "body");
    tell(e.client, "more");
    assert_int_equal(wait_for(e.server, WR_CLIENT_WAIT_MS), 1);
    assert_int_equal(bytes_in_pipe(e.server), 4);
    assert_received(e.server, 64, "more");
    close_ends(&e);
}

static void test_client_poll__time_is_kept(void **state)
{
    (void)state;
    ends e = connect_ends();
    int64_t start_us = wr_clock_mono_us();
    assert_int_equal(wait_for(e.server, 30), 0); /* not civetweb's: a plain poll */
    assert_int_equal(wait_for(e.server, 0), 0);
    assert_true(wr_clock_mono_us() - start_us < 1000000);
    start_us = wr_clock_mono_us();
    assert_int_equal(wait_for(e.server, WR_CLIENT_WAIT_MS), 0);
    int64_t us = wr_clock_mono_us() - start_us;
    assert_true(us > (WR_CLIENT_WAIT_MS - 100) * 1000L);
    close_ends(&e);
}

static void test_client_poll__end_of_the_connection(void **state)
{
    (void)state;
    ends e = connect_ends();
    tell(e.client, "last");
    assert_int_equal(shutdown(e.client, SHUT_WR), 0);
    assert_int_equal(wait_for(e.server, WR_CLIENT_WAIT_MS), 1);
    assert_received(e.server, 64, "last");
    assert_int_equal(wait_for(e.server, WR_CLIENT_WAIT_MS), 1);
    assert_received(e.server, 64, "");
    close_ends(&e);
}

/* The descriptor's number comes back with the next client: nothing may be left of it. */
static void test_client_begin__next_connection_sees_nothing_of_the_last(void **state)
{
    (void)state;
    ends e = connect_ends();
    tell(e.client, "GET /secret");
    assert_int_equal(wait_for(e.server, WR_CLIENT_WAIT_MS), 1);
    int server = e.server;
    close_ends(&e);
    e = connect_ends();
    assert_int_equal(e.server, server);
    assert_int_equal(wait_for(e.server, 0), 0);
    tell(e.client, "own");
    assert_int_equal(wait_for(e.server, WR_CLIENT_WAIT_MS), 1);
    assert_received(e.server, 64, "own");
    close_ends(&e);
}

static void test_client_calls__other_descriptors_are_left_alone(void **state)
{
    (void)state;
    ends e = connect_ends();
    tell(e.client, "x");
    assert_int_equal(wait_for(e.server, WR_CLIENT_WAIT_MS), 1);
    int fd[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    tell(fd[0], "row");
    assert_int_equal(wait_for(fd[1], WR_CLIENT_WAIT_MS), 1);
    assert_int_equal(bytes_in_pipe(fd[1]), 3);
    assert_received(fd[1], 64, "row");
    assert_int_equal(wr_client_send_call(fd[1], "ok", 2, MSG_NOSIGNAL), 2);
    assert_int_equal(bytes_in_pipe(fd[0]), 2);
    assert_int_equal(fcntl(fd[1], F_GETFL) & O_NONBLOCK, 0);
    (void)close(fd[0]);
    (void)close(fd[1]);
    assert_received(e.server, 64, "x");
    close_ends(&e);
}

static void test_client_recv__fails_after_its_end(void **state)
{
    (void)state;
    ends e = connect_ends();
    tell(e.client, "drip");
    assert_int_equal(wait_for(e.server, WR_CLIENT_WAIT_MS), 1);
    char byte;
    wr_client_set_end(wr_clock_mono_us() - 1);
    assert_int_equal(wr_client_recv(e.server, &byte, 1, 0), -1);
    assert_int_equal(errno, ETIMEDOUT);
    wr_client_set_end(0);
    assert_received(e.server, 64, "drip");
    close_ends(&e);
}

static void test_client_send__takes_what_fits_and_never_waits(void **state)
{
    (void)state;
    static char body[4 << 20];
    char got[16] = "";
    ends e = connect_ends();
    assert_int_equal(wr_client_send("head ", 5, "body", 4), 0); /* not known yet */
    tell(e.client, "x");
    assert_int_equal(wait_for(e.server, WR_CLIENT_WAIT_MS), 1);
    assert_int_equal(wr_client_send("head ", 5, "body", 4), 9);
    assert_int_equal(wr_client_send("!", 1, NULL, 0), 1); /* to HEAD */
    assert_int_equal(read(e.client, got, sizeof got), 10);
    assert_string_equal(got, "head body!");
    size_t n = wr_client_send("head", 4, body, sizeof body);
    assert_in_range(n, 1, sizeof body); /* nobody reads */
    assert_int_equal(wr_client_send_call(e.server, body, sizeof body, MSG_NOSIGNAL), -1);
    assert_int_equal(errno, EAGAIN);
    (void)close(e.client);
    assert_int_equal(wr_client_send("head", 4, NULL, 0), 0); /* gone, and no signal */
    e.client = -1;
    close_ends(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_client_poll__head_is_read_ahead_and_handed_out_once),
        wr_unit_test(test_client_poll__body_is_not_read_ahead),
        wr_unit_test(test_client_poll__time_is_kept),
        wr_unit_test(test_client_poll__end_of_the_connection),
        wr_unit_test(test_client_begin__next_connection_sees_nothing_of_the_last),
        wr_unit_test(test_client_calls__other_descriptors_are_left_alone),
        wr_unit_test(test_client_recv__fails_after_its_end),
        wr_unit_test(test_client_send__takes_what_fits_and_never_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
