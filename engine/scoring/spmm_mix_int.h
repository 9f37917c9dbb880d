/*
 * spmm_mix_int.h - extrapolation between the steps of x <- M x + y, column by column.
 *
 * After some steps the error lies mostly along one direction that shrinks by the same
 * factor in every further step.  From the changes e and d of two steps one after the
 * other, mu makes |d + mu (d - e)| (2-norm) smallest, and x + mu d is where such steps
 * would lead: Anderson's method of depth one, used once in a while.  By the choice of mu
 * the residual does not grow, but for what one step can add to it.
 *
 * The factor of a nonnegative matrix is real and at most its norm r, hence mu is kept in
 * [0, r/(1-r)].  A row of shares stays one: numbers in [0, 1] that sum to at most 1.
 *
 * Sums are double, by part (a fixed set of rows, in order, by one thread), the parts
 * added in order: same bits for any number of threads.  A row that does not change adds
 * zeros and may be left out.
 *
 * Source  Aitken 1927; Anderson, J. ACM 12 (1965), doi:10.1145/321296.321305.
 * Differs one common mu per column, a fixed schedule, limits on mu and on rows.
 */
#ifndef WR_SCORING_SPMM_MIX_INT_H
#define WR_SCORING_SPMM_MIX_INT_H

#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

enum { WR_MIX_LD_MAX = 16 };

/* Of one part, per column: new changes with new, new with old, old with old. */
typedef struct wr_mix_sum {
    double dd[WR_MIX_LD_MAX], de[WR_MIX_LD_MAX], ee[WR_MIX_LD_MAX];
} wr_mix_sum;

typedef struct wr_mix {
    size_t rows, parts;
    uint32_t ld;     /* floats per row, at most WR_MIX_LD_MAX */
    float *diff;     /* [rows*ld] last change of every row; 0 at first */
    wr_mix_sum *sum; /* [parts] of the last step */
} wr_mix;

/* Errors  WR_ENOMEM (what was allocated is in mix: release it) */
wr_status wr_mix_init(wr_mix *mix, size_t rows, uint32_t ld, size_t parts,
                      wr_err *err) WR_NODISCARD;
void wr_mix_release(wr_mix *mix); /* safe on a zeroed struct */

/* Before the rows of a part, in each of the two steps. */
void wr_mix_part_begin(wr_mix *mix, size_t part);

/* Row `at` goes from `was` to `is`: its change into diff, the products onto the part. */
void wr_mix_row(wr_mix *mix, size_t part, size_t at, const float *was, const float *is);

/* x <- x + mu diff, mu at most mu_max; rows that would leave the shares stay. */
void wr_mix_apply(const wr_mix *mix, float *x, double mu_max);

#endif
