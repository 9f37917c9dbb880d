/*
 * kept_rows.h - the rows of features of the most probable wallets, for their SHAP values.
 *
 * A model sees every wallet's row once, and all of them together may not fit into memory.
 * Those of the highest probability are kept, ties to the lower vertex; the bytes say how
 * many.
 *
 *     _init ─► _offer, each vertex once ─► _order ─► _find, by any number of readers
 *
 * Thread: one until _order, then immutable.
 */
#ifndef WR_PIPELINE_RUN_KEPT_ROWS_H
#define WR_PIPELINE_RUN_KEPT_ROWS_H

#include "graph/snapshot.h"

typedef struct wr_kept_place {
    double p;
    wr_vid v;
    uint32_t at; /* row of x */
} wr_kept_place;

/* Zeroed: nothing is kept. */
typedef struct wr_kept_rows {
    uint32_t count, max, columns;
    wr_kept_place *place; /* [count] a heap, the least on top; after _order by vertex */
    float *x;             /* [max * columns] */
} wr_kept_rows;

/*
 * Room for the rows of n wallets, or of as many as fit into bytes_max; one at least.
 * Errors  WR_ENOMEM.  Memory is touched as rows come
 */
wr_status wr_kept_rows_init(wr_kept_rows *k, uint32_t n, uint32_t columns,
                            uint64_t bytes_max, wr_err *err) WR_NODISCARD;
void wr_kept_rows_release(wr_kept_rows *k);

/* x [columns], copied if it is kept.  O(log max) */
void wr_kept_rows_offer(wr_kept_rows *k, wr_vid v, double p, const float *x);
void wr_kept_rows_order(wr_kept_rows *k);
/* [columns], or NULL: it is not kept.  O(log count) */
const float *wr_kept_rows_find(const wr_kept_rows *k, wr_vid v);

#endif
