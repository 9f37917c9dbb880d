/*
 * store_pool.h - a few store handles that the workers share, one at a time each.
 *
 * Opened on demand, at most `max`; a worker waits a moment for one to come back.  A
 * handle whose last call failed in the database is closed instead of kept.
 * Thread: safe.
 */
#ifndef WR_API_STORE_POOL_H
#define WR_API_STORE_POOL_H

#include "store/store.h"

typedef struct wr_store_pool wr_store_pool;

wr_status wr_store_pool_open(wr_store_pool **out, const char *dsn, uint32_t max,
                             wr_err *err) WR_NODISCARD;
/* No handle may be out.  Accepts NULL. */
void wr_store_pool_close(wr_store_pool *p);

/* Errors  WR_ETIMEOUT (all are in use for 2 s), WR_EIO (cannot open), WR_ENOMEM */
wr_status wr_store_pool_take(wr_store_pool *p, wr_store **st, wr_err *err) WR_NODISCARD;
/* last: how the last call with it ended. */
void wr_store_pool_give(wr_store_pool *p, wr_store *st, wr_status last);

#endif
