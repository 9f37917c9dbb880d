/*
 * forest.h - isolation forest: how easily a row is told apart from the others.
 *
 * Each tree takes `sample` rows at random and cuts them by a random feature at a random
 * place until a row stands alone or the tree is ceil(log2(sample)) deep.  Rows that are
 * alone early are novel:
 *     score = 2^(-mean path / c(sample)),  c(n) = 2 H(n-1) - 2 (n-1)/n
 * where a leaf of k rows adds c(k) to the path, the depth it would still take.  Around
 * one half a row is like all others; near 1 it is alone.  No labels; a novelty number of
 * its own, never mixed into the score.
 *
 * Where the paper is silent: a cut takes only features that differ within the node (else
 * constant columns would eat depth).  A missing value (NaN) goes with the larger side of
 * the cut, so that what is unknown is not what makes a row novel; a feature whose known
 * values are equal is not cut.
 *
 * Same seed, same bytes, for any number of threads: each tree has its own numbers.
 * Source  Liu, Ting, Zhou, ICDM 2008, doi:10.1109/ICDM.2008.17
 * Differs H is the exact harmonic number, not ln + Euler's constant
 * Thread  a forest is immutable after build
 */
#ifndef WR_SCORING_FOREST_H
#define WR_SCORING_FOREST_H

#include <stddef.h>
#include <stdint.h>

#include "util/err.h"
#include "util/mem.h"

enum {
    WR_FOREST_TREES_MAX = 1000,
    WR_FOREST_SAMPLE_MAX = 4096,
    WR_FOREST_FEATURES_MAX = 4096
};

typedef struct wr_forest wr_forest;

typedef struct wr_forest_opts {
    uint32_t trees; /* 1..WR_FOREST_TREES_MAX */
    uint32_t
        sample; /* rows per tree, 2..WR_FOREST_SAMPLE_MAX; all when there are fewer */
    uint64_t seed;
} wr_forest_opts;

#define WR_FOREST_OPTS_INIT                    \
    {                                          \
        .trees = 100, .sample = 256, .seed = 1 \
    }

/*
 * out     the caller's, wr_forest_free
 * x       [rows * features] by row; NaN = missing, never infinite
 * Errors  WR_EINVAL (option, fewer than 2 rows, an infinite value), WR_ENOMEM
 * Cost    O(rows · features) to check, O(trees · sample · log(sample) · features)
 * Thread  safe; the caller's OpenMP team
 */
wr_status wr_forest_fit(wr_forest **out, const float *x, size_t rows, uint32_t features,
                        const wr_forest_opts *o, wr_err *err) WR_NODISCARD;
void wr_forest_free(wr_forest *f);
WR_DEFINE_AUTO(wr_forest, wr_forest_free)

uint32_t wr_forest_features(const wr_forest *f);

/* x [features]; infinities compare as numbers do. */
double wr_forest_path(const wr_forest *f, const float *x); /* mean over trees */
double wr_forest_score(const wr_forest *f, const float *x);

/* score [rows], x [rows * features]; the caller's OpenMP team. */
void wr_forest_scores(double *score, const wr_forest *f, const float *x, size_t rows);

/* c(n); 0 below 2. */
double wr_forest_mean_path(uint32_t n);

/* The forest as it is kept: little-endian, versioned; *bytes is the caller's, wr_free. */
wr_status wr_forest_save(void **bytes, size_t *len, const wr_forest *f,
                         wr_err *err) WR_NODISCARD;
/* Errors  WR_ECORRUPT (no forest, or an index outside it), WR_ENOMEM */
wr_status wr_forest_load(wr_forest **out, const void *bytes, size_t len,
                         wr_err *err) WR_NODISCARD;

#endif
