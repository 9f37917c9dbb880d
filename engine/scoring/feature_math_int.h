/*
 * feature_math_int.h - how features are rounded, divided and left out; one place.
 *
 * A feature is a finite float.  Where there is nothing to measure (no earlier transfer,
 * nothing received) it is WR_FEATURE_NONE, which no measured value reaches from above.
 */
#ifndef WR_SCORING_FEATURE_MATH_INT_H
#define WR_SCORING_FEATURE_MATH_INT_H

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "scoring/feature.h"

enum { WR_RATIO_MAX = 1000000, WR_ROUNDNESS_MAX = 9 };

static inline float wr_feature_float(double x)
{
    return (float)fmin(fmax(x, -(double)FLT_MAX), (double)FLT_MAX);
}

static inline float wr_feature_ratio(double x, double base)
{
    return base > 0 ? (float)fmin(x / base, WR_RATIO_MAX) : (float)WR_FEATURE_NONE;
}

/* Smaller over larger: 1 when as much leaves as enters. */
static inline float wr_feature_pass(double in, double out)
{
    return wr_feature_ratio(fmin(in, out), fmax(in, out));
}

/* Of all received, what is still there. */
static inline float wr_feature_retained(double in, double out)
{
    return wr_feature_ratio(fmax(in - out, 0), in);
}

static inline float wr_feature_gap(bool is_known, uint32_t now_s, uint32_t then_s)
{
    return is_known ? (float)(now_s - then_s) : (float)WR_FEATURE_NONE;
}

/* Zeros at the end of a whole number; 0 for 0 and for what has a fraction. */
static inline uint32_t wr_feature_roundness(double value)
{
    uint32_t zeros = 0;
    if (value <= 0 || value >= 0x1p53)
        return 0;
    for (; zeros < WR_ROUNDNESS_MAX && fmod(value, 10) == 0; zeros++)
        value /= 10;
    return zeros;
}

/* At most a tenth below one of the limits; 0 = no limit. */
static inline bool wr_feature_is_below(double value, const double *limit)
{
    bool is_below = false;
    for (int k = 0; k < WR_FEATURE_LIMITS; k++)
        is_below |= value < limit[k] && value >= 0.9 * limit[k];
    return is_below;
}

/*
 * Values in windows are sums that lose again what they gained.  On a grid of 2^-20 such
 * sums are exact up to 2^33, so a window does not remember what left it.
 */
static inline double wr_feature_grid(double value)
{
    return value < 0x1p32 ? floor(value * 0x1p20 + 0.5) * 0x1p-20 : value;
}

#endif
