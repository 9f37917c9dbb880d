/*
 * spmm_int.h - the fast sweep: X' = W X for all columns at once, rows of 8 or 16 floats.
 *
 *   slot      row of the state arrays: one per vertex that can ever hold anything, in an
 *             order of the builder's choice (hot sources together)
 *   line      one computed row: the slot it writes and its edges {source slot, weight};
 *             the first `head` lines are hubs and are written in place by wr_spmm_head
 *   mask      per edge, bit c = carries column c; NULL = every edge carries all
 *
 * A row of the state is one cache line (16) or half of one (8): gathering it costs what
 * gathering one float costs, so further categories ride along.  A line is summed in
 * double over its edges in stored order by one thread and rounded once: same bits for
 * any number of threads.  Lines are handed out in blocks of about equal work whose ends
 * do not depend on the number of threads.
 */
#ifndef WR_SCORING_SPMM_INT_H
#define WR_SCORING_SPMM_INT_H

#include <stdbool.h>
#include <stdint.h>

#include "util/err.h"

enum { WR_SPMM_NARROW = 8, WR_SPMM_WIDE = 16 };

typedef struct wr_spmm_edge {
    uint32_t slot;
    float weight;
} wr_spmm_edge;

typedef struct wr_spmm {
    uint32_t slots, lines, head;
    uint32_t ld;        /* floats per state row: WR_SPMM_NARROW or WR_SPMM_WIDE */
    uint64_t *off;      /* [lines+1] */
    uint32_t *at;       /* [lines] slot a line writes */
    wr_spmm_edge *edge; /* [off[lines]] */
    uint16_t *mask;     /* [off[lines]] or NULL */
} wr_spmm;

/* All lines but the head: next = W x.  Returns max |next - x| over what it wrote. */
float wr_spmm_sweep(const wr_spmm *a, float *next /* [slots*ld] */, const float *x);

/* The head lines, in place: their sources are no head lines. */
void wr_spmm_head(const wr_spmm *a, float *x /* [slots*ld] */);

void wr_spmm_release(wr_spmm *a); /* safe on a zeroed struct */

#endif
