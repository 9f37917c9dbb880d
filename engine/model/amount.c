#include "model/amount.h"

#include <assert.h>
#include <endian.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

enum {
    QUOTE_MAX = 40,
    CHUNK = WR_POW10_U64_COUNT - 1 /* decimal digits that fit in 64 bits */
};

static const wr_amount amount_max = ~(wr_amount)0;

const uint64_t wr_pow10_u64[WR_POW10_U64_COUNT] = {
    1ULL,
    10ULL,
    100ULL,
    1000ULL,
    10000ULL,
    100000ULL,
    1000000ULL,
    10000000ULL,
    100000000ULL,
    1000000000ULL,
    10000000000ULL,
    100000000000ULL,
    1000000000000ULL,
    10000000000000ULL,
    100000000000000ULL,
    1000000000000000ULL,
    10000000000000000ULL,
    100000000000000000ULL,
    1000000000000000000ULL,
    10000000000000000000ULL,
};

static const uint64_t pow5_u64[] = {
    1ULL,
    5ULL,
    25ULL,
    125ULL,
    625ULL,
    3125ULL,
    15625ULL,
    78125ULL,
    390625ULL,
    1953125ULL,
    9765625ULL,
    48828125ULL,
    244140625ULL,
    1220703125ULL,
    6103515625ULL,
    30517578125ULL,
    152587890625ULL,
    762939453125ULL,
    3814697265625ULL,
    19073486328125ULL,
    95367431640625ULL,
    476837158203125ULL,
    2384185791015625ULL,
    11920928955078125ULL,
    59604644775390625ULL,
    298023223876953125ULL,
    1490116119384765625ULL,
    7450580596923828125ULL,
};

/* Powers of ten that a double holds exactly. */
static const double pow10_exact[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
enum {
    POW5_MAX = sizeof pow5_u64 / sizeof *pow5_u64 - 1,
    POW10_EXACT_MAX = sizeof pow10_exact / sizeof *pow10_exact - 1,
};

static bool is_digit(char ch)
{
    return ch >= '0' && ch <= '9';
}

/* a * 10^k + low; false over 2^128 - 1.  k <= CHUNK. */
static bool shift_in(wr_amount *a, unsigned k, uint64_t low)
{
    if (*a > (amount_max - low) / wr_pow10_u64[k])
        return false;
    *a = *a * wr_pow10_u64[k] + low;
    return true;
}

/* Digits of one number that arrive left to right, gathered 19 at a time. */
typedef struct digits {
    wr_amount sum;
    uint64_t chunk;
    unsigned chunk_len;
    bool is_over;
} digits;

static void digits_flush(digits *d)
{
    if (d->chunk_len == 0)
        return;
    if (d->sum == 0)
        d->sum = d->chunk;
    else if (!shift_in(&d->sum, d->chunk_len, d->chunk))
        d->is_over = true;
    d->chunk = 0;
    d->chunk_len = 0;
}

static inline void digits_add(digits *d, char ch)
{
    d->chunk = d->chunk * 10 + (uint64_t)(ch - '0');
    if (++d->chunk_len == CHUNK)
        digits_flush(d);
}

/* The value of eight digits in one step: pairs, then fours, then all; false = no digits.
 */
static inline bool read_eight(uint64_t *v, const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    word = le64toh(word);
    const uint64_t high = 0xF0F0F0F0F0F0F0F0ULL;
    const uint64_t six = 0x0606060606060606ULL;
    if (((word & high) | ((word + six) & high) >> 4) != 0x3333333333333333ULL)
        return false;
    word = (word & ~high) * 2561 >> 8;                     /* 10 * 256 + 1 */
    word = (word & 0x00FF00FF00FF00FFULL) * 6553601 >> 16; /* 100 * 65536 + 1 */
    *v = (word & 0x0000FFFF0000FFFFULL) * 42949672960001ULL >> 32;
    return true;
}

/*
 * Digits from p on, at most `max` (<= CHUNK), added to *v as v * 10^n + digits; the place
 * behind them.  The caller sees that *v has room.
 */
static inline const char *read_digits(uint64_t *v, const char *p, const char *end,
                                      ptrdiff_t max)
{
    if (end - p > max)
        end = p + max;
    uint64_t sum = *v;
    for (uint64_t eight; end - p >= 8 && read_eight(&eight, p); p += 8)
        sum = sum * 100000000 + eight;
    for (; p < end && is_digit(*p); p++)
        sum = sum * 10 + (uint64_t)(*p - '0');
    *v = sum;
    return p;
}

static wr_status refuse(wr_err *err, wr_text t, const char *why)
{
    if (t.len == 0)
        return wr_fail(err, WR_EPARSE, "amount is empty");
    return wr_fail(err, WR_EPARSE, "amount '%s' %s", wr_text_quote(t, QUOTE_MAX).s, why);
}

static wr_status refuse_over(wr_err *err, wr_text t)
{
    return wr_fail(err, WR_ELIMIT, "amount '%s' is 2^128 base units or more",
                   wr_text_quote(t, QUOTE_MAX).s);
}

/* "-5" is a number, only not one of ours. */
static const char *sign_or_garbage(wr_text t)
{
    return t.len > 1 && t.p[0] == '-' && (is_digit(t.p[1]) || t.p[1] == '.')
               ? "is negative"
               : "is not a number";
}

wr_status wr_amount_parse(wr_amount *out, wr_text t, wr_err *err)
{
    const char *p = t.p;
    const char *end = t.p ? t.p + t.len : NULL;
    uint64_t small = 0;
    p = read_digits(&small, p, end, CHUNK);
    if (p == end && t.len > 0) {
        *out = small;
        return WR_OK;
    }
    digits d = {.sum = small};
    while (p < end && is_digit(*p))
        digits_add(&d, *p++);
    if (p == t.p)
        return refuse(err, t, sign_or_garbage(t));
    if (p < end && *p == '.') {
        bool is_whole = true;
        for (p++; p < end && is_digit(*p); p++)
            is_whole = is_whole && *p == '0';
        if (p == end && !is_whole)
            return refuse(err, t, "is a fraction of a base unit");
    }
    if (p != end)
        return refuse(err, t, "is not a number of base units");
    digits_flush(&d);
    if (d.is_over)
        return refuse_over(err, t);
    *out = d.sum;
    return WR_OK;
}

/* What a decimal number is made of; the mantissa still holds its point. */
typedef struct decimal {
    const char *from, *to; /* mantissa; leading zeros skipped */
    int64_t int_digits; /* digits before the point from `from` on; < 0: zeros behind it */
    bool is_negative;
} decimal;

/* [-] digits [. digits] [e [+-] digits], at least one digit of the mantissa. */
static bool read_decimal(decimal *d, wr_text t)
{
    enum { EXP_CAP = 1000000000 };
    const char *p = t.p;
    const char *end = t.p ? t.p + t.len : NULL;
    d->is_negative = p < end && *p == '-';
    p += d->is_negative;
    const char *start = p;
    const char *point = NULL;
    const char *first = NULL; /* first digit that is not 0 */
    for (; p < end && (is_digit(*p) || (*p == '.' && !point)); p++) {
        if (*p == '.')
            point = p;
        else if (*p != '0' && !first)
            first = p;
    }
    d->to = p;
    d->from = first ? first : p;
    if (p - start == (point != NULL))
        return false;
    const char *unit = point ? point : p; /* behind the digit of ones */
    d->int_digits = first ? (first < unit ? unit - first : unit - first + 1) : 0;
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        bool is_minus = p < end && *p == '-';
        p += p < end && (*p == '-' || *p == '+');
        if (p == end)
            return false;
        int64_t exp = 0;
        for (; p < end && is_digit(*p); p++)
            exp = exp < EXP_CAP ? exp * 10 + (*p - '0') : exp;
        d->int_digits += is_minus ? -exp : exp;
    }
    return p == end;
}

/* What nearly every row holds: at most 19 digits, no sign or exponent, none to round. */
static bool read_plain_units(wr_amount *out, wr_text t, unsigned decimals)
{
    const char *end = t.p + t.len;
    uint64_t v = 0;
    const char *p = read_digits(&v, t.p, end, CHUNK);
    ptrdiff_t count = p - t.p;
    ptrdiff_t behind = 0; /* digits behind the point */
    if (p < end && *p == '.') {
        const char *point = p++;
        p = read_digits(&v, p, end, CHUNK - count);
        behind = p - point - 1;
    }
    if (p != end || count + behind == 0 || behind > (ptrdiff_t)decimals ||
        (ptrdiff_t)decimals - behind > CHUNK)
        return false;
    *out = (wr_amount)v * wr_pow10_u64[(ptrdiff_t)decimals - behind]; /* < 10^38 */
    return true;
}

wr_status wr_amount_parse_units(wr_amount *out, wr_text t, unsigned decimals,
                                int is_rounding, wr_err *err)
{
    assert(decimals <= WR_DECIMALS_MAX);
    if (t.len > 0 && read_plain_units(out, t, decimals))
        return WR_OK;
    decimal n;
    if (!read_decimal(&n, t))
        return refuse(err, t, "is not a decimal number");
    if (n.is_negative)
        return refuse(err, t, "is negative");

    int64_t keep = n.int_digits + (int64_t)decimals; /* digits of the result */
    int64_t seen = 0;
    digits d = {0};
    char half = '0';      /* first digit behind the kept ones */
    bool is_more = false; /* anything but zero behind that */
    for (const char *p = n.from; p < n.to; p++) {
        if (*p == '.')
            continue;
        if (seen < keep)
            digits_add(&d, *p);
        else if (seen == keep)
            half = *p;
        else
            is_more = is_more || *p != '0';
        seen++;
    }
    bool is_zero = n.from == n.to;
    is_more = is_more || (keep < 0 && !is_zero);
    if (!is_rounding && (half != '0' || is_more))
        return wr_fail(err, WR_EPARSE, "amount '%s' has more than %u decimals",
                       wr_text_quote(t, QUOTE_MAX).s, decimals);
    if (is_zero) {
        *out = 0;
        return WR_OK;
    }
    enum { DIGITS_MAX = 39 };
    if (keep > DIGITS_MAX)
        return refuse_over(err, t);
    for (; seen < keep; seen++)
        digits_add(&d, '0');
    digits_flush(&d);
    bool is_up = keep >= 0 && (half > '5' || (half == '5' && (is_more || (d.sum & 1))));
    if (d.is_over || (is_up && d.sum == amount_max))
        return refuse_over(err, t);
    *out = d.sum + is_up;
    return WR_OK;
}

/* Decimal digits of a, right-aligned in buf; their start. */
static char *put_amount(char buf[WR_AMOUNT_TEXT_MAX], wr_amount a)
{
    char *p = buf + WR_AMOUNT_TEXT_MAX - 1;
    *p = '\0';
    while (a > UINT64_MAX) {
        uint64_t low = (uint64_t)(a % wr_pow10_u64[CHUNK]);
        a /= wr_pow10_u64[CHUNK];
        for (int i = 0; i < CHUNK; i++, low /= 10)
            *--p = (char)('0' + low % 10);
    }
    uint64_t high = (uint64_t)a;
    do
        *--p = (char)('0' + high % 10);
    while (high /= 10);
    return p;
}

void wr_amount_format(char out[WR_AMOUNT_TEXT_MAX], wr_amount a)
{
    char buf[WR_AMOUNT_TEXT_MAX];
    const char *p = put_amount(buf, a);
    memcpy(out, p, (size_t)(buf + sizeof buf - p));
}

void wr_amount_format_units(char out[WR_VALUE_TEXT_MAX], wr_amount a, unsigned decimals)
{
    assert(decimals <= WR_DECIMALS_MAX);
    char buf[WR_AMOUNT_TEXT_MAX];
    const char *p = put_amount(buf, a);
    size_t len = (size_t)(buf + sizeof buf - 1 - p);
    size_t whole = len > decimals ? len - decimals : 0;
    size_t n = 0;
    if (whole == 0)
        out[n++] = '0';
    memcpy(out + n, p, whole);
    n += whole;
    size_t point = n;
    out[n++] = '.';
    for (size_t zeros = decimals > len ? decimals - len : 0; zeros > 0; zeros--)
        out[n++] = '0';
    memcpy(out + n, p + whole, len - whole);
    n += len - whole;
    while (out[n - 1] == '0' && n - 1 > point)
        n--;
    out[out[n - 1] == '.' ? n - 1 : n] = '\0';
}

/* a / 5^d as 64 bits of quotient (the last one also says "and more") times 2^exp. */
static uint64_t divide_pow5(wr_amount a, unsigned d, int *exp)
{
    wr_amount den = 1;
    for (unsigned i = 0; i < d; i++)
        den *= 5; /* 5^36 < 2^84 */
    wr_amount q = a / den;
    wr_amount rem = a % den;
    *exp = 0;
    uint64_t sticky = 0;
    for (; q >> 64; q >>= 1, ++*exp)
        sticky |= (uint64_t)q & 1;
    for (; *exp <= 0 && !(q >> 63); --*exp) {
        rem <<= 1;
        q = q << 1 | (rem >= den);
        if (rem >= den)
            rem -= den;
    }
    return (uint64_t)q | sticky | (rem != 0);
}

double wr_amount_value(wr_amount a, unsigned decimals)
{
    assert(decimals <= WR_DECIMALS_MAX);
    if (a == 0)
        return 0.0;
    if (a <= (wr_amount)1 << 53 && decimals <= POW10_EXACT_MAX)
        return (double)(uint64_t)a / pow10_exact[decimals]; /* one rounding: exact */
    if (a > UINT64_MAX || decimals > POW5_MAX) {
        int exp;
        uint64_t q = divide_pow5(a, decimals, &exp);
        return ldexp((double)q, exp - (int)decimals);
    }
    uint64_t den = pow5_u64[decimals];
    int up_a = __builtin_clzll((uint64_t)a);
    int up_den = __builtin_clzll(den);
    wr_amount num = (a << up_a) << 63; /* 2^126 <= num < 2^127 <= den * 2^64 */
    uint64_t top = den << up_den;
    uint64_t q =
        (uint64_t)(num / top); /* at least 2^62: two bits more than a double has */
    q |= num % top != 0;
    return ldexp((double)q, up_den - up_a - 63 - (int)decimals);
}

/*
 * Clinger's fast case: at most 15 digits and a power of ten that a double holds too need
 * one operation and so one rounding.  false = take the long way.
 */
static bool read_short(double *out, const decimal *n)
{
    enum { EXACT_DIGITS = 15 };
    uint64_t m = 0;
    int64_t count = 0;
    for (const char *p = n->from; p < n->to; p++) {
        if (*p == '.')
            continue;
        if (++count > EXACT_DIGITS)
            return false;
        m = m * 10 + (uint64_t)(*p - '0');
    }
    int64_t exp = n->int_digits - count;
    if (exp < -POW10_EXACT_MAX || exp > POW10_EXACT_MAX)
        return false;
    double v = exp < 0 ? (double)m / pow10_exact[-exp] : (double)m * pow10_exact[exp];
    *out = n->is_negative ? -v : v;
    return true;
}

wr_status wr_number_parse(double *out, wr_text t, wr_err *err)
{
    enum { TEXT_MAX = 400 };
    decimal n;
    if (t.len == 0)
        return wr_fail(err, WR_EPARSE, "number is empty");
    if (!read_decimal(&n, t) || t.len > TEXT_MAX)
        return wr_fail(err, WR_EPARSE, "'%s' is not a decimal number",
                       wr_text_quote(t, QUOTE_MAX).s);
    if (read_short(out, &n))
        return WR_OK;
    char text[TEXT_MAX + 1];
    memcpy(text, t.p, t.len);
    text[t.len] = '\0';
    double v = strtod(text, NULL); /* the locale is never set: '.' it is */
    if (!isfinite(v))
        return wr_fail(err, WR_EPARSE, "'%s' is too large a number",
                       wr_text_quote(t, QUOTE_MAX).s);
    *out = v;
    return WR_OK;
}
