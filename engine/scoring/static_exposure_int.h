/*
 * static_exposure_int.h - from the walk's matrix to the fast sweep's layout.
 *
 * A plan holds the rows and pairs that can carry anything: a vertex has a slot when it is
 * labelled, or when someone in its row can hold something; a line when it is not labelled
 * itself.  Slots lie in vertex order or, where that pays, hottest sources first; lines
 * and the order of edges in them follow the vertices either way (numeric contract).
 * Thread: made by one caller with its OpenMP team, then immutable.
 */
#ifndef WR_SCORING_STATIC_EXPOSURE_INT_H
#define WR_SCORING_STATIC_EXPOSURE_INT_H

#include <stdbool.h>

#include "scoring/spmm_int.h"
#include "scoring/walk_int.h"

/* Vertices that do not see each other within a step, and vertices summed up by one
 * thread: both part of the numeric contract. */
enum { WR_STATIC_BLOCK = 32768, WR_STATIC_PART = WR_STATIC_BLOCK / WR_SPMM_PARTS };

static inline uint32_t wr_static_blocks(uint32_t n)
{
    return (uint32_t)((n + (uint64_t)WR_STATIC_BLOCK - 1) / WR_STATIC_BLOCK);
}

static inline size_t wr_static_parts(uint32_t n)
{
    return (size_t)wr_static_blocks(n) * WR_SPMM_PARTS;
}

static inline float wr_static_weight(double factor, float value)
{
    return (float)(factor * (double)value);
}

typedef struct wr_static_plan {
    wr_spmm a;
    uint32_t *slot; /* [n] row of the state, or WR_VID_NONE */
    uint64_t *live; /* while it is made: [n/64+1] bit v = v may hold something */
    uint8_t *kind;  /* while it is made: [n] */
    wr_vid *vertex; /* while it is made: [lines] */
    uint64_t pairs; /* that can carry anything */
    bool is_relabelled;
} wr_static_plan;

/*
 * Errors  WR_ENOMEM (p may be half made: release it)
 * Cost    O(n + m), each pair's value read once
 */
wr_status wr_static_plan_make(wr_static_plan *p, const wr_walk *w,
                              wr_err *err) WR_NODISCARD;
void wr_static_plan_release(wr_static_plan *p); /* safe on a zeroed struct */

#endif
