/*
 * evaluate.h - what a scorer is worth on a graph that it was not made from.
 *
 * One block of wallets: first seen in [from_s, as_of_s), features as of as_of_s, no label
 * of their own.  Scored by a model, by the rules that hold without one (assess.h), or by
 * one column of the frame: how far do you get without learning anything?
 *
 * Thread: the caller's OpenMP team; same bits for any number of threads.
 */
#ifndef WR_PIPELINE_EVALUATE_H
#define WR_PIPELINE_EVALUATE_H

#include "pipeline/assess.h"
#include "pipeline/train.h"

typedef enum wr_scorer_kind {
    WR_SCORER_MODEL,
    WR_SCORER_RULES,  /* as of the end of the graph */
    WR_SCORER_COLUMN, /* of the frame; higher = worse, or lower when its sign is -1 */
} wr_scorer_kind;

typedef struct wr_scorer {
    wr_scorer_kind kind;
    const wr_learned *model;
    double threshold;           /* of the model; NaN = none */
    const wr_assessment *rules; /* of the same graph */
    uint32_t column;
} wr_scorer;

typedef struct wr_evaluate_opts {
    uint32_t from_s, as_of_s; /* UINT32_MAX = behind the last transfer */
    const wr_progress *pg;
} wr_evaluate_opts;

/*
 * Errors  WR_ECONFLICT (the model wants a column that the frame does not have: names it),
 *         WR_EINVAL (rules as of an earlier time, a block without bad or good wallets),
 *         WR_ENOMEM, WR_ESTOPPED
 * Cost    one frame; of rules O(n)
 */
wr_status wr_evaluate(wr_grades *out, const wr_train_input *in, const wr_scorer *scorer,
                      const wr_evaluate_opts *o, wr_err *err) WR_NODISCARD;

/*
 * Places in the frame of a model's columns: column [features of the booster].
 * Errors  WR_ECONFLICT (names the first that is not there), WR_ENOMEM
 */
wr_status wr_learned_columns(uint32_t **column, const wr_learned *l,
                             wr_err *err) WR_NODISCARD;

#endif
