/*
 * fifo_int.h - queues of (value, tag) runs, one per wallet, in one pool.
 *
 * A queue is a ring of 2^k runs cut from the pool; rings that are outgrown or emptied go
 * to a free list of their size.  Neighbouring runs of one tag are joined on entry.  A
 * queue that would pass `cap` runs has its older half regrouped by tag (fifo.h).
 */
#ifndef WR_SCORING_FIFO_INT_H
#define WR_SCORING_FIFO_INT_H

#include <stdbool.h>
#include <stdint.h>

#include "util/mem.h"

typedef struct wr_run_item {
    double value; /* > 0 */
    uint32_t tag;
} wr_run_item;

typedef struct wr_run_queue {
    uint32_t at;        /* first run of its ring in the pool */
    uint32_t head, len; /* oldest run, number of runs */
    uint32_t size_log2; /* of the ring; 0 = no ring */
} wr_run_queue;

enum { WR_RUNS_SIZES = 18 };

typedef struct wr_runs {
    wr_run_queue *q; /* [n] */
    wr_run_item *pool;
    size_t used, room;
    uint32_t free_at[WR_RUNS_SIZES]; /* first free ring of 2^k runs + 1; 0 = none */
    uint32_t cap, tags;
} wr_runs;

/* cap >= 2 tags */
wr_status wr_runs_init(wr_runs *r, uint32_t n, uint32_t cap, uint32_t tags,
                       wr_err *err) WR_NODISCARD;
void wr_runs_release(wr_runs *r); /* safe on a zeroed struct */

/*
 * Appends to v's queue.  is_merged  set when the older half was regrouped, else untouched
 * Errors  WR_ENOMEM, WR_ELIMIT (2^32 runs in all)
 */
wr_status wr_runs_push(bool *is_merged, wr_runs *r, uint32_t v, wr_run_item item,
                       wr_err *err) WR_NODISCARD;

/*
 * Takes the oldest run, or `need` of it when it is larger; a rest of at most `crumb` goes
 * along.  false = empty.
 */
bool wr_runs_pop(wr_run_item *out, wr_runs *r, uint32_t v, double need, double crumb);

/* The queue of v is needed soon. */
static inline void wr_runs_ask(const wr_runs *r, uint32_t v)
{
    __builtin_prefetch(&r->q[v], 1);
}

#endif
