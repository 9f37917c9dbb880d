/*
 * booster.h - gradient-boosted trees (XGBoost) that tell bad from good rows.
 *
 * A row is a dense vector of float features, NaN = missing; the model is the UBJSON bytes
 * that XGBoost writes, the names of the features inside.  A booster is those bytes, the
 * library's model of them and the same trees flat (booster_flat.h), nothing else: what
 * was trained and what was loaded from its bytes are the same object.
 *
 * Same bytes for any number of threads.  The library adds gradients up in an order that
 * follows its threads, so we hand it gradients on a grid so coarse that every sum of them
 * is exact in a double (and so fine, 2^-26 of the largest weight or finer, that no tree
 * would notice).  Rows are sampled by us, by (seed, round, row).
 * Early stopping takes our average precision (rank_metrics.h: ties met honestly), where
 * the library's aucpr interpolates.
 *
 * Source  Chen, Guestrin, KDD 2016, doi:10.1145/2939672.2939785; TreeSHAP: Lundberg et
 *         al., Nature Machine Intelligence 2, 2020, doi:10.1038/s42256-019-0138-9.
 * Thread  a booster is immutable; contributions are computed under its lock, all else
 *         without.  Nothing is ever written to stdout or stderr.
 */
#ifndef WR_SCORING_BOOSTER_H
#define WR_SCORING_BOOSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scoring/booster_flat.h"
#include "util/mem.h"
#include "util/progress.h"

enum {
    WR_BOOSTER_FEATURES_MAX = 4096,
    WR_BOOSTER_NAME_MAX = 64,      /* bytes, of [A-Za-z0-9_.-] */
    WR_BOOSTER_ROWS_MAX = 1 << 26, /* in one training set */
};

typedef struct wr_booster wr_booster;

typedef struct wr_booster_features {
    uint32_t count;          /* 1..WR_BOOSTER_FEATURES_MAX */
    const char *const *name; /* [count], each once */
    /* [count] +1: P never falls when it grows, -1: never rises, 0: free; NULL = all 0 */
    const int8_t *monotone;
} wr_booster_features;

typedef struct wr_booster_data {
    size_t rows;
    const float *x;      /* [rows * features] by row; NaN = missing, never infinite */
    const bool *is_bad;  /* [rows] */
    const float *weight; /* [rows] above 0, at most 1e6; NULL = all 1 */
} wr_booster_data;

typedef struct wr_booster_opts {
    uint32_t max_depth;      /* 1..16 */
    uint32_t rounds;         /* at most so many, 1..10000 */
    uint32_t patience;       /* rounds without a better one; 0 = all rounds; ..10000 */
    uint32_t max_bin;        /* 2..65536 */
    double eta;              /* above 0, up to 1 */
    double min_child_weight; /* 0..1e9, sum of hessians */
    double subsample;        /* share of rows per tree, above 0, up to 1 */
    double colsample_bytree; /* share of features per tree, above 0, up to 1 */
    double lambda;           /* L2 on leaves, 0..1e9 */
    double scale_pos_weight; /* above 0, up to 1e6; but 1, probabilities are wrong */
    double base_prob;        /* P before the first tree, 1e-6..1-1e-6 */
    uint64_t seed;           /* 0..INT32_MAX */
    uint32_t threads;        /* 1..256; explicit, the library shares OpenMP with us */
    const wr_progress *pg;
} wr_booster_opts;

#define WR_BOOSTER_OPTS_INIT                                                           \
    {                                                                                  \
        .max_depth = 6, .rounds = 800, .patience = 50, .max_bin = 256, .eta = 0.05,    \
        .min_child_weight = 5, .subsample = 0.8, .colsample_bytree = 0.7, .lambda = 2, \
        .scale_pos_weight = 1, .base_prob = 0.5, .seed = 1, .threads = 1               \
    }

typedef struct wr_booster_fit {
    uint32_t rounds_run;
    uint32_t rounds_kept; /* up to and with the best one */
    double ap_valid;      /* of the rounds kept; NaN without a later block */
} wr_booster_fit;

/*
 * Train, on rows of one time span, stopping by those of a later one.
 *
 * out     the caller's, wr_booster_free
 * fit     optional (NULL)
 * valid   later block for early stopping: both kinds of rows; NULL = run every round.
 *         Its weights are not used
 * Errors  WR_EINVAL (option, name, value or weight outside its domain, one kind of rows
 *         only, what the library refuses), WR_ELIMIT (rows), WR_ENOMEM, WR_ESTOPPED
 * Cost    O(rounds · features · rows); 12 bytes per value beside x while it runs
 */
wr_status wr_booster_train(wr_booster **out, wr_booster_fit *fit,
                           const wr_booster_features *f, const wr_booster_data *train,
                           const wr_booster_data *valid, const wr_booster_opts *o,
                           wr_err *err) WR_NODISCARD;

/*
 * From bytes.  They are read by us first, every index in them checked, then by the
 * library: bytes that were damaged or made up cannot lead it astray.
 *
 * want    optional (NULL): what the caller will fill rows with; see below
 * threads 1..256, of batch prediction and contributions
 * Errors  WR_ECORRUPT (bytes that are no such model), WR_ECONFLICT (want), WR_EINVAL,
 *         WR_ENOMEM
 */
wr_status wr_booster_load(wr_booster **out, const void *bytes, size_t len,
                          const wr_booster_features *want, uint32_t threads,
                          wr_err *err) WR_NODISCARD;
void wr_booster_free(wr_booster *b);
WR_DEFINE_AUTO(wr_booster, wr_booster_free)

/* UBJSON, portable; borrowed. */
const void *wr_booster_bytes(const wr_booster *b, size_t *len);
uint32_t wr_booster_features_of(const wr_booster *b, const char *const **name);
uint32_t wr_booster_rounds(const wr_booster *b);
/* The same trees as arrays, for one row in a microsecond; borrowed. */
const wr_booster_flat *wr_booster_flat_of(const wr_booster *b);

/*
 * Does the caller's list of names fit the model's, place by place?
 * Errors  WR_ECONFLICT: the first one that is missing (in the model, not in the list),
 *         else the first too many, else the first at another place, by name
 */
wr_status wr_booster_check_features(const wr_booster *b, const char *const *name,
                                    uint32_t count, wr_err *err) WR_NODISCARD;

typedef enum wr_booster_kind {
    WR_BOOSTER_MARGIN,     /* log odds, the library's float */
    WR_BOOSTER_PROBABILITY /* logistic of the margin, not yet calibrated */
} wr_booster_kind;

/*
 * Rows at once, or one row in place, by the library.
 *
 * out     [rows]; unspecified on failure
 * x       [rows * features]; NaN = missing, infinities compare as numbers do
 * Errors  WR_EINVAL, WR_ENOMEM (the library's)
 * Thread  safe
 */
wr_status wr_booster_predict(double *out, const wr_booster *b, const float *x,
                             size_t rows, wr_booster_kind kind, wr_err *err) WR_NODISCARD;

/*
 * Exact SHAP values: what each feature added to the margin of each row.
 *
 * out     [rows * (features + 1)]; the last of a row is the mean margin; a row adds up to
 *         its margin within 1e-5; unspecified on failure
 * x       as above, but never infinite
 * Errors  WR_EINVAL, WR_ENOMEM
 * Cost    O(trees · leaves · depth^2) per row: milliseconds; for alerts and on request
 * Thread  safe; one call at a time per booster (its lock)
 */
wr_status wr_booster_contributions(double *out, const wr_booster *b, const float *x,
                                   size_t rows, wr_err *err) WR_NODISCARD;

/* Per feature, over all splits on it; either may be NULL. */
void wr_booster_importance(const wr_booster *b, double *gain /* [features] */,
                           uint32_t *splits /* [features] */);

/* Logistic function that never overflows. */
double wr_booster_probability(double margin);

#endif
