/*
 * spmm_int.h - the fast sweep: x <- W x for all columns at once, rows of 8 or 16 floats.
 *
 *   slot      row of the state array: one per vertex that can ever hold anything, in an
 *             order of the builder's choice (hot sources together)
 *   line      one computed row: the slot it writes and its edges {source slot, weight},
 *             with room for more behind them; the first `head` lines are hubs
 *   part      consecutive lines whose sums (wr_mix) one thread adds up, in order
 *   block     WR_SPMM_PARTS parts, computed from the state as it stands into a buffer
 *             and then copied into the state; the next block sees them
 *   mask      per edge, bit c = carries column c; NULL = every edge carries all
 *
 * Blocks one after the other need a third less steps than two whole arrays, and half the
 * memory, yet nothing depends on who was first: the lines of a block do not see each
 * other, and which lines make a block is the builder's word.
 *
 * A row of the state is one cache line (16) or half of one (8): gathering it costs what
 * gathering one float costs, so further categories ride along.  A line is summed in
 * double over its edges in stored order by one thread and rounded once: same bits for
 * any number of threads.
 */
#ifndef WR_SCORING_SPMM_INT_H
#define WR_SCORING_SPMM_INT_H

#include <stdint.h>

#include "scoring/spmm_mix_int.h"

enum { WR_SPMM_NARROW = 8, WR_SPMM_WIDE = 16, WR_SPMM_PARTS = 32 };

typedef struct wr_spmm_edge {
    uint32_t slot;
    float weight;
} wr_spmm_edge;

/* Instructions a sweep uses; the bits are the same. */
typedef enum wr_spmm_level {
    WR_SPMM_BEST, /* what the machine has */
    WR_SPMM_PORTABLE,
    WR_SPMM_AVX2
} wr_spmm_level;

typedef struct wr_spmm {
    uint32_t slots, lines, head, blocks;
    uint32_t ld;     /* floats per state row: WR_SPMM_NARROW or WR_SPMM_WIDE */
    uint64_t *off;   /* [lines+1] first edge; the room of the last one ends at [lines] */
    uint32_t *count; /* [lines] edges */
    uint32_t *at;    /* [lines] slot a line writes */
    uint32_t *part;  /* [blocks*PARTS+1] first line of each; part[0] = head */
    uint32_t block_max; /* lines in the longest block */
    wr_spmm_edge *edge; /* [off[lines]], defined in the room as well: it is read ahead */
    uint16_t *mask;     /* [off[lines]] or NULL */
    wr_spmm_level level_max; /* tests: no more than these instructions */
} wr_spmm;

/*
 * One step: hubs in place (no hub is a hub's source), then block after block.
 *
 * x       [slots*ld] 64-byte aligned
 * buffer  [block_max*ld] 64-byte aligned
 * mix     NULL, or rows = slots and parts = blocks*PARTS: takes the changes and sums
 * Returns max |change| over the lines that are not hubs
 */
float wr_spmm_step(const wr_spmm *a, float *x, float *buffer, wr_mix *mix);

/* Only the hubs. */
void wr_spmm_head(const wr_spmm *a, float *x);

void wr_spmm_release(wr_spmm *a); /* safe on a zeroed struct */

#endif
