/*
 * server.h - civetweb, held at arm's length: the only file that includes it is server.c.
 *
 * civetweb accepts, parses heads and owns a thread per connection; everything else
 * happens in exchange.c through begin_request, so that no document root, form parser or
 * file handler of it is ever reached.  What it gets wrong is made good here:
 *   - a refused or half-read request ends its connection, and nothing of it is read as
 *     the next request;
 *   - a header block it stopped reading half-way (folded lines, bare line feeds) and a
 *     blank before a colon are refused;
 *   - with all workers taken, a connection that has lived a second is closed after its
 *     answer, so that waiting clients get their turn;
 *   - mg_stop cuts requests off: wr_server_drain waits for them first.
 *
 * Thread: main only, but for the callbacks.
 */
#ifndef WR_API_SERVER_H
#define WR_API_SERVER_H

#include "api/exchange.h"

typedef struct wr_server wr_server;

typedef struct wr_server_opts {
    const char *host; /* 127.0.0.0/8 or ::1, see wr_server_check_host */
    int port;         /* 0 = any free one */
    int threads;
} wr_server_opts;

/*
 * Only loopback: there is no login yet.
 * Errors  WR_EINVAL (names the address and says why)
 */
wr_status wr_server_check_host(const char *host, wr_err *err) WR_NODISCARD;

/* Errors  WR_EIO (port taken, no right to it: names it), WR_EINVAL, WR_ENOMEM */
wr_status wr_server_start(wr_server **out, wr_service *service, const wr_server_opts *o,
                          wr_err *err) WR_NODISCARD;
int wr_server_port(const wr_server *s);

typedef struct wr_server_stats {
    int requests;    /* being served now */
    int connections; /* open ones */
    int threads;
    uint64_t stack_bytes; /* smallest of a worker's stacks; see thread_stack.c */
} wr_server_stats;
wr_server_stats wr_server_stats_of(const wr_server *s);
/* The workers' request counters as far as they have started; returns how many. */
enum { WR_SERVER_SHARDS_MAX = 1024 };
uint32_t wr_server_shards(const wr_server *s,
                          wr_metric_shard *shard[WR_SERVER_SHARDS_MAX]);

/* New requests get 503 from now on; wait for those being served.  false: some are left.
 */
bool wr_server_drain(wr_server *s, int64_t wait_ms);
void wr_server_stop(wr_server *s); /* frees; accepts NULL */

#endif
