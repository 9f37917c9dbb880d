/*
 * train.h - a scorer from a graph, its labels and a list of who was bad.
 *
 * Four blocks of wallets.  Features as of the end of each, one later than the other;
 * exposures cross-fitted by incident (frame.h):
 *
 *   train        the trees learn: first seen before its end
 *   validate     they stop growing: first seen in a span behind it and a gap (embargo)
 *   calibrate    margin -> probability, threshold: wallets of all ages, those of a share
 *                that the two before were never shown (keep_out.h)
 *   test         what it is worth, looked at once: likewise, of another share
 *
 * With kept_out 0 no share is set aside: calibrate and test are, as validate, those first
 * seen in the span behind the block before and a gap.  All of the others is learned from,
 * but the probability of a wallet that is older than such a span is a rank.
 *
 * Wallets with a label of their own are rows of train and validate (by cross-fit their
 * label has no part in their features); in calibrate and test they are left out: nobody
 * asks about a wallet that is known.
 * The forest learns from the behaviour of train's rows, drift bins from a draw of all
 * wallets as of the end, which are those that a run scores.
 *
 * Same input, same bytes, for any number of threads.
 * Source  ALGORITHMS 4.3, 8
 */
#ifndef WR_PIPELINE_LEARNING_TRAIN_H
#define WR_PIPELINE_LEARNING_TRAIN_H

#include "pipeline/input/load.h"
#include "pipeline/learning/block.h"
#include "pipeline/learning/grade.h"
#include "pipeline/learning/keep_out.h"
#include "pipeline/scorer/learned.h"

enum {
    WR_TRAIN_TRAIN,
    WR_TRAIN_VALIDATE,
    WR_TRAIN_CALIBRATE,
    WR_TRAIN_TEST,
    WR_TRAIN_BLOCKS
};

typedef struct wr_train_opts {
    uint32_t as_of_s; /* end of the test block; UINT32_MAX = behind the last transfer */
    double end[WR_TRAIN_BLOCKS - 1]; /* of the first three, parts of the time from the
                                        first transfer to as_of_s; ascending, 0..1 */
    uint32_t embargo_s;
    double kept_out;         /* share of calibrate, and of test: 0..WR_KEEP_OUT_MAX */
    uint32_t groups;         /* of columns: wr_frame_group bits, not 0 */
    uint32_t folds;          /* 0 or 2..WR_FRAME_FOLDS_MAX */
    size_t good_max;         /* good rows of train and validate, each; others by weight */
    uint64_t seed;           /* 0..INT32_MAX */
    wr_booster_opts booster; /* seed and pg are set here */
    const wr_progress *pg;
} wr_train_opts;

#define WR_TRAIN_OPTS_INIT                                                        \
    {                                                                             \
        .as_of_s = UINT32_MAX, .end = {0.65, 0.8, 0.9}, .embargo_s = 86400,       \
        .kept_out = 0.15, .groups = WR_FRAME_ALL, .folds = 5, .good_max = 200000, \
        .seed = 1, .booster = WR_BOOSTER_OPTS_INIT                                \
    }

/* What it is learned from; borrowed. */
typedef struct wr_train_input {
    const wr_snapshot *g;
    const wr_label_set *labels;
    const wr_truth_set *truth;
    const wr_settings *cfg;
} wr_train_input;

/*
 * out     the caller's, wr_learned_unref
 * grades  of the test block
 * bytes   appended: what the registry keeps (learned.h)
 * Errors  WR_EINVAL (option; a block without bad or good wallets: names it; columns of a
 *         group), WR_ENOMEM, WR_ESTOPPED
 * Cost    four frames, (good_max + bad) rows of columns twice; the caller's OpenMP team
 */
wr_status wr_train(wr_learned **out, wr_grades *grades, wr_buf *bytes,
                   const wr_train_input *in, const wr_train_opts *o,
                   wr_err *err) WR_NODISCARD;

/* The frame of `in` as of a time, without folds. */
wr_frame_input wr_train_frame(const wr_train_input *in, uint32_t as_of_s,
                              const wr_progress *pg);

/* Folds of labelled wallets by incident (frame.h): fold_of [n].  Errors  WR_ENOMEM */
wr_status wr_train_folds(uint8_t **fold_of, const wr_seeds *seeds,
                         const wr_truth_set *truth, uint32_t folds, uint64_t seed,
                         wr_err *err) WR_NODISCARD;

/* Bits of wr_frame_group from "behaviour,structure,exposures,neighbours,motifs" or "all".
 */
wr_status wr_train_groups(uint32_t *groups, const char *text, wr_err *err) WR_NODISCARD;

#endif
