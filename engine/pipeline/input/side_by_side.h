/*
 * side_by_side.h - time-ordered kernels use one thread each: run several at once.
 *
 * Thread: the caller's OpenMP team.
 */
#ifndef WR_PIPELINE_INPUT_SIDE_BY_SIDE_H
#define WR_PIPELINE_INPUT_SIDE_BY_SIDE_H

#include "model/score.h"
#include "util/progress.h"

/* pg: of it only the stop flag is there; nothing is drawn meanwhile. */
typedef wr_status wr_side_fn(void *ctx, wr_direction d, const wr_progress *pg,
                             wr_err *err);

typedef struct wr_side {
    wr_side_fn *run;
    wr_direction direction;
} wr_side;

enum { WR_SIDES_MAX = 16 };

/*
 * All of side [count], count <= WR_SIDES_MAX.
 * Errors  of the first in the list that failed; WR_ESTOPPED
 */
wr_status wr_side_by_side(const wr_side *side, int count, void *ctx,
                          const wr_progress *pg, wr_err *err) WR_NODISCARD;

#endif
