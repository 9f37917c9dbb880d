/*
 * typology_window_int.h - a sliding window over the events of one wallet: one hit a time.
 *
 * Events come in time order.  The window holds those of the last `window_s`; as soon as
 * they satisfy the rule it opens: from then on the events up to window_s after its FIRST
 * one belong to the same hit, each unless the rule would no longer hold with it.  Then it
 * closes, and the next window starts empty with the next event.  Hits of one wallet thus
 * never share an event, and a stream can tell at the very event that opens one.
 *
 * At most `cap` events are held: before it opens the oldest leaves, afterwards the new
 * one stays out (is_truncated).
 *
 * One object one thread.
 */
#ifndef WR_SCORING_TYPOLOGY_WINDOW_INT_H
#define WR_SCORING_TYPOLOGY_WINDOW_INT_H

#include "graph/snapshot.h"

typedef struct wr_typology_event {
    double value;
    uint32_t time_s;
    wr_vid other; /* counterparty */
    uint32_t ref; /* what the caller knows it by */
} wr_typology_event;

typedef struct wr_typology_rule {
    uint32_t window_s;
    uint32_t distinct_min; /* different counterparties */
    uint32_t count_min;    /* events … */
    double sum_min;        /* … and (or, when is_any) their sum */
    bool is_any;
    double even_min; /* median / largest value; 0 = not asked.  Lower median */
} wr_typology_rule;

typedef struct wr_typology_slot {
    wr_vid key;
    uint32_t count;
    uint32_t round; /* in use when equal to the tally's `now` */
} wr_typology_slot;

/* How often each counterparty is in the window. */
typedef struct wr_typology_tally {
    wr_typology_slot *slot; /* [cap] power of two */
    size_t cap, used;
    uint32_t now, distinct;
} wr_typology_tally;

void wr_typology_tally_clear(wr_typology_tally *t);
bool wr_typology_tally_add(wr_typology_tally *t, wr_vid v) WR_NODISCARD;
void wr_typology_tally_drop(wr_typology_tally *t, wr_vid v); /* was added */
void wr_typology_tally_release(wr_typology_tally *t);

typedef struct wr_typology_window {
    wr_typology_rule rule;
    uint32_t cap;
    wr_typology_event *event; /* [first, count) are in it */
    double *sorted;           /* their values, ascending; kept when even_min > 0 */
    size_t first, count, event_cap, sorted_cap;
    wr_typology_tally tally;
    bool is_open, is_truncated;
} wr_typology_window;

/* Empty, for another wallet or rule; keeps its memory. */
void wr_typology_window_reset(wr_typology_window *w, const wr_typology_rule *r,
                              uint32_t cap);
/* Is it open, and does an event at this time come too late for it? */
bool wr_typology_window_is_over(const wr_typology_window *w, uint32_t time_s);
/* Empty for the next hit of the same wallet. */
void wr_typology_window_clear(wr_typology_window *w);
/* Take in one event; must not be over.  False: out of memory. */
bool wr_typology_window_push(wr_typology_window *w, wr_typology_event e) WR_NODISCARD;
void wr_typology_window_release(wr_typology_window *w);

#endif
