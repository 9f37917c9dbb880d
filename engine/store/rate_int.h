/*
 * rate_int.h - records per second of a source, as three exponential means.
 *
 * Like the load of a Unix machine, over T = 60, 300 and 900 seconds.  When n records come
 * dt after the last ones,
 *
 *     r' = r * exp(-dt / T) + n / T
 *
 * so a steady stream of q records per second tends to q, whatever the size of its
 * batches, and a source that has gone quiet fades to 0.  The means are kept as of the
 * latest batch and decayed again to the moment of a read.
 *
 * PostgreSQL computes the same in its upsert, where the row is locked
 * (store_pg_put.c, RATE): reading it first would cost every batch a round trip.
 *
 * Thread: one object one thread.
 */
#ifndef WR_STORE_RATE_INT_H
#define WR_STORE_RATE_INT_H

#include <stdint.h>

enum { WR_RATE_COUNT = 3 };
#define WR_RATE_SMALLEST 1e-9 /* what has decayed below this is 0 */

typedef struct wr_rates {
    double per_s[WR_RATE_COUNT];
    int64_t at_us; /* wall clock of the latest batch; 0 = none yet */
} wr_rates;

/* n records came at now_us; a clock that went back counts as one that stood still. */
void wr_rates_add(wr_rates *r, uint64_t n, int64_t now_us);
/* The means at now_us: out [WR_RATE_COUNT]. */
void wr_rates_read(const wr_rates *r, int64_t now_us, double *out);

#endif
