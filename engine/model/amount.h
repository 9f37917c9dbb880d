/*
 * amount.h - money: unsigned 128 bits in base units (satoshi, wei).
 *
 * Never a double, never 64 bits: 2^64 wei is 18.4 ETH.  Kernels take the double
 * `value` that wr_amount_value derives.  Thread: safe.
 */
#ifndef WR_MODEL_AMOUNT_H
#define WR_MODEL_AMOUNT_H

#include <stdint.h>

#include "util/err.h"
#include "util/text.h"

__extension__ typedef unsigned __int128 wr_amount;

enum {
    WR_AMOUNT_TEXT_MAX = 40, /* 39 digits + NUL */
    WR_DECIMALS_MAX = 36,    /* base units per unit: 10^decimals */
    WR_VALUE_TEXT_MAX = 80,  /* "digits.digits" + NUL */
    WR_POW10_U64_COUNT = 20  /* 10^19 is the last that fits in 64 bits */
};

extern const uint64_t wr_pow10_u64[WR_POW10_U64_COUNT]; /* 10^0, 10^1, … */

/*
 * Base units: decimal digits only ("1500"), an all-zero fraction allowed ("1500.0",
 * "1500."). Errors  WR_EPARSE  empty, negative, fractional, not a number (NaN, 1e400,
 * 0x…) WR_ELIMIT  2^128 or more Messages quote at most 40 bytes of the value and say
 * which of these it was.
 */
wr_status wr_amount_parse(wr_amount *out, wr_text t, wr_err *err) WR_NODISCARD;

/*
 * Decimal units ("0.25", "1e-7", "1,234.5" is refused) times 10^decimals, exactly.
 * Digits beyond `decimals` must be zero, except that is_rounding = true rounds them
 * half to even (exports of float columns, such as "945646.7339000000001").
 * Errors  as wr_amount_parse
 */
wr_status wr_amount_parse_units(wr_amount *out, wr_text t, unsigned decimals,
                                int is_rounding, wr_err *err) WR_NODISCARD;

void wr_amount_format(char out[WR_AMOUNT_TEXT_MAX], wr_amount a);
/* Units with the point set: (1500, 3) -> "1.5". */
void wr_amount_format_units(char out[WR_VALUE_TEXT_MAX], wr_amount a, unsigned decimals);
/* Nearest double of a / 10^decimals. */
double wr_amount_value(wr_amount a, unsigned decimals);

/* Finite decimal number ("12.5", "1e3"), no locale, no hex, no inf/nan. WR_EPARSE. */
wr_status wr_number_parse(double *out, wr_text t, wr_err *err) WR_NODISCARD;

#endif
