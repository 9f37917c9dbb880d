#include "api/client_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>

#include "util/clock.h"

enum { AHEAD_BYTES = 4096 };

typedef struct client {
    int fd;      /* while is_known */
    bool is_new; /* the next descriptor waited for is the client's */
    bool is_known;
    bool is_head; /* a head comes next */
    int64_t end_us;
    size_t at, len; /* of ahead: what recv has not handed out yet */
    char ahead[AHEAD_BYTES];
} client;

static _Thread_local client me;

void wr_client_begin(void)
{
    me.at = me.len = 0; /* nothing of one connection is ever read on another */
    me.is_known = false;
    me.is_new = me.is_head = true;
}

void wr_client_end(void)
{
    me.at = me.len = 0;
    me.is_known = me.is_new = false;
}

void wr_client_expect_head(bool is_head)
{
    me.is_head = is_head;
}

void wr_client_set_end(int64_t mono_us)
{
    me.end_us = mono_us;
}

static int plain_poll(struct pollfd *p, nfds_t n, int wait_ms)
{
    struct timespec t = {.tv_sec = wait_ms / 1000, .tv_nsec = wait_ms % 1000 * 1000000L};
    return ppoll(p, n, wait_ms < 0 ? NULL : &t, NULL);
}

/* Make it block, for as long as civetweb waits; what fails leaves the plain calls. */
static void learn(int fd)
{
    const struct timeval wait = {.tv_sec = WR_CLIENT_WAIT_MS / 1000};
    me.is_new = false;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) != 0 ||
        fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) != 0)
        return;
    me.fd = fd;
    me.is_known = true;
}

int wr_client_poll(struct pollfd *p, nfds_t n, int wait_ms)
{
    bool is_read = n == 1 && (p->events & POLLIN) != 0;
    if (is_read && me.is_new)
        learn(p->fd);
    bool is_mine = is_read && me.is_known && p->fd == me.fd;
    bool is_left = is_mine && me.at < me.len;
    if (!is_left && !(is_mine && me.is_head && wait_ms == WR_CLIENT_WAIT_MS))
        return plain_poll(p, n, wait_ms);
    if (!is_left) {
        ssize_t got = recvfrom(me.fd, me.ahead, sizeof me.ahead, 0, NULL, NULL);
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return 0;
        if (got < 0 && errno == EINTR)
            return -1;
        me.at = 0;
        me.len = got > 0 ? (size_t)got : 0; /* an end or error is met again by recv */
    }
    p->revents = POLLIN;
    return 1;
}

ssize_t wr_client_recv(int fd, void *buf, size_t len, int flags)
{
    if (me.end_us != 0 && wr_clock_mono_us() > me.end_us) {
        errno = ETIMEDOUT;
        return -1;
    }
    if (!me.is_known || fd != me.fd)
        return recvfrom(fd, buf, len, flags, NULL, NULL);
    size_t left = me.len - me.at;
    if (left == 0)
        return recvfrom(fd, buf, len, flags | MSG_DONTWAIT, NULL, NULL);
    size_t n = left < len ? left : len;
    memcpy(buf, me.ahead + me.at, n);
    me.at += n;
    return (ssize_t)n;
}

ssize_t wr_client_send_call(int fd, const void *bytes, size_t len, int flags)
{
    bool is_mine = me.is_known && fd == me.fd;
    return sendto(fd, bytes, len, is_mine ? flags | MSG_DONTWAIT : flags, NULL, 0);
}

size_t wr_client_send(const void *head, size_t head_len, const void *body,
                      size_t body_len)
{
    if (!me.is_known)
        return 0;
    struct iovec part[] = {{.iov_base = (void *)(uintptr_t)head, .iov_len = head_len},
                           {.iov_base = (void *)(uintptr_t)body, .iov_len = body_len}};
    const struct msghdr message = {.msg_iov = part, .msg_iovlen = 1 + (body_len > 0)};
    ssize_t n = sendmsg(me.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    return n > 0 ? (size_t)n : 0;
}
