/*
 * live_waiting.h - the waiting room of arrivals: what comes in the order of arrival, goes
 * out in that of (time, seq).
 *
 * _tick says when: each call lets out what is not newer than all that had come at the
 * call before (live_typologies.h says why).
 *
 * Thread: one object one thread.
 */
#ifndef WR_PIPELINE_LIVE_LIVE_WAITING_H
#define WR_PIPELINE_LIVE_LIVE_WAITING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "graph/snapshot.h"

typedef struct wr_live_arrival {
    int64_t seq; /* above all before */
    double value;
    uint32_t time_s;
    wr_vid from, to; /* met */
} wr_live_arrival;

/* Zeroed at first. */
typedef struct wr_live_waiting {
    wr_live_arrival *heap; /* [count] the oldest first */
    size_t count, cap;
    wr_live_arrival newest; /* of all that came */
    wr_live_arrival noted;  /* the newest at the last tick */
    wr_live_arrival bound;  /* the newest at the tick before that: up to it is due */
} wr_live_waiting;

/* Earlier by (time, seq). */
bool wr_live_is_before(const wr_live_arrival *x, const wr_live_arrival *y);

/* false: out of memory, nothing has changed.  O(log count) */
bool wr_live_waiting_add(wr_live_waiting *w, const wr_live_arrival *x);
/* The oldest; count > 0.  O(log count) */
wr_live_arrival wr_live_waiting_take(wr_live_waiting *w);
bool wr_live_waiting_is_due(const wr_live_waiting *w);
/* What came since the last tick is due at the next but one. */
void wr_live_waiting_tick(wr_live_waiting *w);
void wr_live_waiting_release(wr_live_waiting *w);

#endif
