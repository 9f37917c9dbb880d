/*
 * The C library's calls that civetweb makes on sockets.  As in thread_stack.c the
 * executable's own stand before the library's; client_socket.h says what they change, and
 * that only for the connection of a worker.
 */
#include <sys/socket.h>

#include "api/client_socket.h"

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): the C library's */
int poll(struct pollfd *p, nfds_t n, int wait_ms)
{
    return wr_client_poll(p, n, wait_ms);
}

ssize_t recv(int fd, void *buf, size_t len, int flags)
{
    return wr_client_recv(fd, buf, len, flags);
}

ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
    return wr_client_send_call(fd, bytes, len, flags);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
