/*
 * An end to slow bodies.
 *
 * mg_read fills the whole buffer it is given and starts its timeout anew with each byte
 * that drips in, so that a client can hold a worker for as long as it likes, and no call
 * of civetweb shortens that.  As in thread_stack.c the executable's own recv stands
 * before the C library's: once the thread's end has passed it fails, and mg_read returns
 * with what it has.  Without an end set (libpq, curl) it is the plain call.
 */
#include "api/recv_end.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/clock.h"

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): the C library's */
ssize_t recv(int fd, void *buf, size_t len, int flags)
{
    if (wr_server_recv_end_us != 0 && wr_clock_mono_us() > wr_server_recv_end_us) {
        errno = ETIMEDOUT;
        return -1;
    }
    return recvfrom(fd, buf, len, flags, NULL, NULL);
}
