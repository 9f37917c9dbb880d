/*
 * booster_flat.h - boosted trees compiled into arrays: one row in about a microsecond.
 *
 * Read from the model's own bytes, without the library.  Every node is one record; the
 * children of a split lie side by side, so a step is one comparison and one addition:
 *
 *     node i: { float at; uint32 feature | NaN goes left | is split; uint32 child }
 *     next  = child + (x[feature] < at ? 0 : 1)      a leaf's child is the leaf itself
 *
 * Eight trees descend side by side, each as many steps as the deepest of the eight needs:
 * the processor has eight loads in flight where a walk of one tree waits for each.
 * Leaves are added in tree order in float, as the library does: margins are bit-equal.
 *
 * Thread: immutable after build.
 */
#ifndef WR_SCORING_BOOSTER_FLAT_H
#define WR_SCORING_BOOSTER_FLAT_H

#include <stddef.h>
#include <stdint.h>

#include "util/err.h"
#include "util/mem.h"

enum { WR_BOOSTER_TREES_MAX = 100000, WR_BOOSTER_NODES_MAX = 1 << 26 };

typedef struct wr_booster_flat wr_booster_flat;

/*
 * ubj     [len] an XGBoost model: gbtree, binary:logistic, numeric splits only, features
 *         named
 * Errors  WR_ECORRUPT (says where and what), WR_ELIMIT (trees, nodes), WR_ENOMEM
 */
wr_status wr_booster_flat_new(wr_booster_flat **out, const void *ubj, size_t len,
                              wr_err *err) WR_NODISCARD;
void wr_booster_flat_free(wr_booster_flat *f);
WR_DEFINE_AUTO(wr_booster_flat, wr_booster_flat_free)

uint32_t wr_booster_flat_features(const wr_booster_flat *f);
uint32_t wr_booster_flat_trees(const wr_booster_flat *f);
const char *const *wr_booster_flat_names(const wr_booster_flat *f); /* [features] */
const double *wr_booster_flat_gain(const wr_booster_flat *f);       /* [features] */
const uint32_t *wr_booster_flat_splits(const wr_booster_flat *f);   /* [features] */

/* Log odds of one row, x [features], NaN = missing. */
float wr_booster_flat_margin(const wr_booster_flat *f, const float *x);

/* Of many rows: margin [rows], x [rows * features]; the caller's OpenMP team. */
void wr_booster_flat_margins(float *margin, const wr_booster_flat *f, const float *x,
                             size_t rows);

#endif
