/*
 * undirected_int.h - the pair graph without directions, for kernels that ask for company.
 *
 * Row v = everybody v paid or was paid by, ascending, each once; root = sqrt of the value
 * that went both ways.  Immutable after init.
 */
#ifndef WR_SCORING_UNDIRECTED_INT_H
#define WR_SCORING_UNDIRECTED_INT_H

#include "scoring/views.h"
#include "util/mem.h"

typedef struct wr_undirected {
    uint32_t n;
    uint64_t *off; /* [n+1] */
    wr_vid *nbr;   /* [off[n]] */
    float *root;   /* [off[n]], or NULL: not asked for */
} wr_undirected;

/* Errors  WR_ENOMEM (nothing left to release).  O(n + m), parallel */
wr_status wr_undirected_init(wr_undirected *g, const wr_views *vw, bool has_root,
                             wr_err *err) WR_NODISCARD;
void wr_undirected_release(wr_undirected *g); /* safe on a zeroed struct */

#endif
