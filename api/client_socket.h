/*
 * client_socket.h - the socket under a worker's connection, with fewer calls on it.
 *
 * civetweb waits with poll, then calls recv; on a kept-alive connection every request
 * pays for both, and a thread that sleeps in poll wakes dearer than one that sleeps in
 * recv: a tenth of a short answer's time.  Here the wait for a request's head is itself
 * a recv with a timeout.  What it brought is handed out by the recv that follows, so
 * that civetweb sees the same results in the same order as before:
 *
 *     civetweb            poll(fd, 2000)           recv(fd, buf)
 *     before              poll                     recv
 *     here, for a head    recv into ahead[]        copy from ahead[]
 *     here, for a body    poll                     what is left of ahead[], else recv
 *
 * civetweb does not tell which descriptor it uses: it is the first one a worker waits
 * for alone after wr_client_begin.  The socket blocks from then on (civetweb made it
 * non-blocking), so recv and send add MSG_DONTWAIT for it.  All other descriptors
 * (libpq's, the listener) get the plain calls.
 *
 * recv also ends slow bodies: mg_read fills the whole buffer it is given and starts its
 * timeout anew with each byte that drips in, so a client could hold a worker for as long
 * as it likes.  Once the thread's end has passed recv fails, and mg_read returns with
 * what it has.
 *
 * socket_calls.c puts these three before the C library's.  Thread: state of the calling
 * thread only.
 */
#ifndef WR_API_CLIENT_SOCKET_H
#define WR_API_CLIENT_SOCKET_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What civetweb waits at a time (SOCKET_TIMEOUT_QUANTUM); other waits stay polls. */
enum { WR_CLIENT_WAIT_MS = 2000 };

void wr_client_begin(void); /* this thread has a new connection; nothing is read yet */
void wr_client_end(void);   /* it is closed, or about to be */
/* Does a head come next?  Only then is read ahead.  true after wr_client_begin. */
void wr_client_expect_head(bool is_head);
/* recv fails from this monotonic time on, for any descriptor; 0 = no end. */
void wr_client_set_end(int64_t mono_us);

/*
 * Head and body in one call, as much as the kernel takes at once.  Returns the bytes
 * taken; 0 when none were or the socket is not known: then write in the slow way.
 */
size_t wr_client_send(const void *head, size_t head_len, const void *body,
                      size_t body_len);

/* In place of the C library's. */
int wr_client_poll(struct pollfd *p, nfds_t n, int wait_ms);
ssize_t wr_client_recv(int fd, void *buf, size_t len, int flags);
ssize_t wr_client_send_call(int fd, const void *bytes, size_t len, int flags);

#endif
