/*
 * evaluate.h - what a scorer is worth on a graph that it was not made from.
 *
 * One block of wallets: first seen in [from_s, as_of_s), features as of as_of_s, no label
 * of their own.  Scored by a model, by scores made elsewhere (those of the rules that
 * hold without one), or by one column of the frame: how far do you get without learning
 * anything?
 *
 * Thread: the caller's OpenMP team; same bits for any number of threads.
 */
#ifndef WR_PIPELINE_LEARNING_EVALUATE_H
#define WR_PIPELINE_LEARNING_EVALUATE_H

#include "pipeline/learning/train.h"

typedef enum wr_scorer_kind {
    WR_SCORER_MODEL,
    WR_SCORER_GIVEN,  /* made elsewhere, as of the end of the graph */
    WR_SCORER_COLUMN, /* of the frame; higher = worse, or lower when its sign is -1 */
} wr_scorer_kind;

typedef struct wr_scorer {
    wr_scorer_kind kind;
    const wr_learned *model;
    double threshold;    /* of the model; NaN = none */
    const double *given; /* [n] of each vertex of the graph; higher = worse */
    uint32_t column;
} wr_scorer;

typedef struct wr_evaluate_opts {
    uint32_t from_s, as_of_s; /* UINT32_MAX = behind the last transfer */
    const wr_progress *pg;
} wr_evaluate_opts;

/*
 * Errors  WR_ECONFLICT (the model wants a column that the frame does not have: names it),
 *         WR_EINVAL (given scores as of an earlier time, a block without bad or good
 * wallets), WR_ENOMEM, WR_ESTOPPED Cost    one frame; of given scores O(n)
 */
wr_status wr_evaluate(wr_grades *out, const wr_train_input *in, const wr_scorer *scorer,
                      const wr_evaluate_opts *o, wr_err *err) WR_NODISCARD;

#endif
