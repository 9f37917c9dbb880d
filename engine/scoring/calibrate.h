/*
 * calibrate.h - from a model's margin to a probability that means what it says.
 *
 * Learned on a block later than the model's own, by one of two rules:
 *   Platt      P = 1 / (1 + exp(-(slope · margin + intercept))), by Newton's method on
 *              targets (bad + 1)/(bad + 2) and 1/(good + 2), which keep it from
 *              certainty; below 1000 bad rows.  A slope below 0 becomes 0: the best
 *              constant is then the best non-decreasing rule
 *   isotonic   pool adjacent violators; equal margins are one point; each block is flat
 *              from its first to its last margin, linear in between, flat outside
 * Either is non-decreasing and stays within [1/(2N), 1 - 1/(2N)]: N rows cannot prove
 * more.  Infinite margins are served, NaN is not.
 *
 * Source  Platt 1999; Lin, Lin, Weng, Machine Learning 68, 2007,
 *         doi:10.1007/s10994-007-5018-6; Zadrozny, Elkan, KDD 2002,
 *         doi:10.1145/775047.775151
 * Thread  immutable after build
 */
#ifndef WR_SCORING_CALIBRATE_H
#define WR_SCORING_CALIBRATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/err.h"

enum { WR_CALIBRATION_KNOTS_MAX = 1 << 20 };

typedef enum wr_calibration_kind {
    WR_CALIBRATION_PLATT,
    WR_CALIBRATION_ISOTONIC
} wr_calibration_kind;

typedef struct wr_calibration {
    wr_calibration_kind kind;
    uint64_t rows, bad; /* learned from */
    double slope, intercept;
    uint32_t knots;
    double *at; /* [knots] ascending margins; owned, NULL for Platt */
    double *p;  /* [knots] not falling */
} wr_calibration;

typedef struct wr_calibration_opts {
    uint64_t isotonic_from_bad; /* bad rows */
} wr_calibration_opts;

#define WR_CALIBRATION_OPTS_INIT  \
    {                             \
        .isotonic_from_bad = 1000 \
    }

/*
 * out     untouched on failure; wr_calibration_release
 * margin  [n] finite
 * Errors  WR_EINVAL (no bad row, no good row, a margin that is not finite), WR_ELIMIT
 *         (knots), WR_ENOCONV (Platt, 100 steps), WR_ENOMEM
 * Cost    O(n log n)
 */
wr_status wr_calibration_fit(wr_calibration *out, const double *margin,
                             const bool *is_bad, size_t n, const wr_calibration_opts *o,
                             wr_err *err) WR_NODISCARD;
void wr_calibration_release(wr_calibration *c); /* safe on a zeroed struct */

double wr_calibration_apply(const wr_calibration *c, double margin);

/*
 * As text, exact (hexadecimal floats), one line per knot:
 *     calibration 1 platt ROWS BAD SLOPE INTERCEPT
 *     calibration 1 isotonic ROWS BAD KNOTS
 *     MARGIN P
 * Appends to b; errors stick there.
 */
void wr_calibration_print(wr_buf *b, const wr_calibration *c);

/* Errors  WR_EPARSE (line and what is wrong), WR_ELIMIT (knots), WR_ENOMEM */
wr_status wr_calibration_parse(wr_calibration *out, const char *text,
                               wr_err *err) WR_NODISCARD;

#endif
