/*
 * pg_proxy.h - a TCP relay in front of PostgreSQL that can lose a COMMIT.
 *
 * One client at a time.  While armed, the message that says "commit" is either dropped
 * together with the connection (the server never saw it) or passed on and the connection
 * dropped instead of the answer (the server did it, nobody was told).
 */
#ifndef WR_TEST_PG_PROXY_H
#define WR_TEST_PG_PROXY_H

#include <pthread.h>
#include <stdatomic.h>

#include "pg_db.h"

typedef enum pg_proxy_mode {
    PG_PROXY_PASS,
    PG_PROXY_LOSE_COMMIT,
    PG_PROXY_LOSE_ANSWER
} pg_proxy_mode;

typedef struct pg_proxy {
    int listener;
    int server_port;
    pthread_t thread;
    atomic_int mode; /* pg_proxy_mode; back to pass after one loss */
    atomic_bool is_stopping;
} pg_proxy;

/* Starts in front of wr_test_pg_dsn's server; dsn leads through it, password included. */
void pg_proxy_start(pg_proxy *p, char dsn[WR_TEST_PG_DSN_MAX]);
void pg_proxy_stop(pg_proxy *p);

#endif
