/*
 * typology_match_int.h - which outflow spent which inflow soon after: first in, first
 * out.
 *
 * A wallet's inflows wait in a queue.  An outflow takes from the oldest first, but only
 * from those that came at most hold_s before it: older ones are forgotten, whatever is
 * left of them (money that rests is no part of a rapid passage, and no earlier balance
 * stands before a fresh inflow).  An inflow is done at the first outflow with which
 * what counts of it reaches share * value.
 *
 * One object one thread.
 */
#ifndef WR_SCORING_TYPOLOGY_MATCH_INT_H
#define WR_SCORING_TYPOLOGY_MATCH_INT_H

#include "graph/snapshot.h"

#define WR_TYPOLOGY_OPEN UINT32_MAX

typedef struct wr_typology_lot { /* an inflow */
    double value, rest;
    double counted; /* spent by outflows that count, up to done_at */
    uint32_t at, time_s;
    uint32_t done_at;    /* position of an outflow, or WR_TYPOLOGY_OPEN */
    uint32_t first_part; /* its parts are consecutive from here, when counted > 0 */
} wr_typology_lot;

typedef struct wr_typology_part { /* of a lot, spent by an outflow */
    double value;
    uint32_t lot, at; /* ascending by lot and by at */
} wr_typology_part;

typedef struct wr_typology_match {
    uint32_t hold_s;
    double share_min;
    wr_typology_lot *lot;
    wr_typology_part *part; /* those that count only */
    size_t head, lot_count, lot_cap, part_count, part_cap;
    size_t done_from; /* lots done by the last outflow are among [done_from, head] */
} wr_typology_match;

void wr_typology_match_reset(wr_typology_match *m, uint32_t hold_s, double share_min);
/* Go on to the first inflow that an outflow at this time could spend. */
void wr_typology_match_expire(wr_typology_match *m, uint32_t time_s);
/* One inflow, or one outflow that counts or not.  False: out of memory. */
bool wr_typology_match_in(wr_typology_match *m, uint32_t at, uint32_t time_s,
                          double value) WR_NODISCARD;
bool wr_typology_match_out(wr_typology_match *m, uint32_t at, uint32_t time_s,
                           double value, bool does_count) WR_NODISCARD;
/* Let go of the lots before the head, their parts too: numbers of lots change. */
void wr_typology_match_forget(wr_typology_match *m);
void wr_typology_match_release(wr_typology_match *m);

#endif
