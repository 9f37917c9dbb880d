#include <stdio.h>

#include "codec/decode_int.h"
#include "util/clock.h"

enum { QUOTE_MAX = 48, USD_DECIMALS = 6 };

/* --- integers --------------------------------------------------------------------- */

static bool hex_u64(wr_text t, uint64_t *out)
{
    uint64_t v = 0;
    if (t.len < 3 || t.len > 18)
        return false;
    for (uint32_t i = 2; i < t.len; i++) {
        const char c = t.p[i];
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0)
            return false;
        v = v << 4 | (uint64_t)digit;
    }
    *out = v;
    return true;
}

bool wr_decode_u64(wr_text t, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;
    if (t.len > 2 && t.p[0] == '0' && t.p[1] == 'x') {
        if (!hex_u64(t, &v) || v > max)
            return false;
        *out = v;
        return true;
    }
    if (!t.len || t.len > 20)
        return false;
    for (uint32_t i = 0; i < t.len; i++) {
        const unsigned digit = (unsigned char)t.p[i] - (unsigned)'0';
        if (digit > 9 || __builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, digit, &v))
            return false;
    }
    if (v > max)
        return false;
    *out = v;
    return true;
}

/* --- time ------------------------------------------------------------------------- */

/* Seconds of an epoch number whose unit shows in its size: 1e11 s is the year 5138. */
static int64_t seconds_of(uint64_t v, wr_time_unit unit)
{
    const uint64_t milli = UINT64_C(100000000000);
    if (unit == WR_TIME_MILLISECONDS)
        return (int64_t)(v / 1000);
    if (unit == WR_TIME_SECONDS || v < milli)
        return v > INT64_MAX ? INT64_MAX : (int64_t)v;
    if (v < milli * 1000)
        return (int64_t)(v / 1000);
    if (v < milli * 1000000)
        return (int64_t)(v / 1000000);
    return (int64_t)(v / 1000000000);
}

/* "1438978729", "1438978729.25" and, from spreadsheets, "1.438978729e9". */
static bool epoch_number(wr_text t, uint64_t *out)
{
    uint64_t v = 0;
    uint32_t i = 0;
    for (; i < t.len && i < 19 && (unsigned char)(t.p[i] - '0') <= 9; i++)
        v = v * 10 + (uint64_t)(t.p[i] - '0');
    if (i == t.len) {
        *out = v;
        return i > 0;
    }
    if (!i || (t.p[i] != '.' && (t.p[i] | 0x20) != 'e'))
        return false;
    double real;
    if (wr_number_parse(&real, t, NULL) != WR_OK || real < 0 || real >= 0x1p63)
        return false;
    *out = (uint64_t)real;
    return true;
}

static bool time_error(wr_decode *w, const wr_fields *r, const char *code, wr_text t,
                       const char *what)
{
    const wr_text name = r->layout->name[WR_F_TIME];
    wr_decode_error(w, WR_F_TIME, name, code, "%s '%s' %s",
                    name.p ? wr_text_quote(name, QUOTE_MAX).s : "time",
                    wr_text_quote(t, QUOTE_MAX).s, what);
    return false;
}

static bool step_time(wr_decode *w, const wr_fields *r, wr_text t, int64_t *time_s)
{
    const wr_transfer_decoder *d = w->d;
    uint64_t step;
    int64_t after;
    if (!epoch_number(t, &step) || step > INT64_MAX)
        return time_error(w, r, WR_CODE_INVALID, t, "is not a step number");
    if (__builtin_mul_overflow((int64_t)step, d->step_s, &after) ||
        __builtin_add_overflow(after, d->step_base_s, time_s))
        return time_error(w, r, WR_CODE_RANGE, t, "is too many steps");
    return true;
}

static bool text_time(wr_decode *w, const wr_fields *r, wr_text t, int64_t *time_s)
{
    char joined[64];
    const wr_text clock = wr_decode_slot(r, WR_F_CLOCK);
    if (clock.p) {
        int n =
            snprintf(joined, sizeof joined, "%.*sT%.*s", (int)(t.len < 24 ? t.len : 24),
                     t.p, (int)(clock.len < 32 ? clock.len : 32), clock.p);
        t = (wr_text){.p = joined, .len = (uint32_t)n};
    }
    wr_err why = {0};
    if (wr_time_parse(time_s, t, &why) == WR_OK)
        return true;
    return time_error(w, r, WR_CODE_INVALID, t, "is no time: epoch or RFC 3339");
}

bool wr_decode_time(wr_decode *w, const wr_fields *r, int64_t *time_s)
{
    const wr_text t = wr_decode_slot(r, WR_F_TIME);
    int64_t at = 0;
    uint64_t epoch;
    if (!t.p) {
        wr_decode_error(w, WR_F_TIME, r->layout->name[WR_F_TIME], WR_CODE_MISSING,
                        r->slot[WR_F_TIME].p ? "time is empty" : "time is missing");
        return false;
    }
    if (w->d->time_unit == WR_TIME_STEPS) {
        if (!step_time(w, r, t, &at))
            return false;
    } else if (epoch_number(t, &epoch)) {
        at = seconds_of(epoch, w->d->time_unit);
    } else if (!text_time(w, r, t, &at)) {
        return false;
    }
    if (at < WR_TIME_MIN_S)
        return time_error(w, r, WR_CODE_RANGE, t, "is before 2009-01-01");
    if (at > w->now_s + WR_TIME_AHEAD_S)
        return time_error(w, r, WR_CODE_RANGE, t, "is more than a day ahead of now");
    *time_s = at;
    return true;
}

/* --- amounts ---------------------------------------------------------------------- */

/* Eight ASCII digits at once; false when one is none. */
static inline bool eight_digits(const char *p, uint64_t *out)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    const uint64_t low = v - UINT64_C(0x3030303030303030);
    if (((v + UINT64_C(0x4646464646464646)) | low) & UINT64_C(0x8080808080808080))
        return false;
    /* pairs, then fours, then all eight: the first digit is the lowest byte */
    v = low * 10 + (low >> 8);
    *out = ((v & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x000f424000000064) +
            (v >> 16 & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x0000271000000001)) >>
           32;
    return true;
}

wr_status wr_decode_base(wr_amount *out, wr_text t, wr_err *err)
{
    uint64_t v = 0;
    uint32_t i = 0;
    bool is_ok = t.len && t.len <= 19;
    for (uint64_t eight; is_ok && i + 8 <= t.len; i += 8) {
        is_ok = eight_digits(t.p + i, &eight);
        v = v * 100000000 + (is_ok ? eight : 0);
    }
    for (; is_ok && i < t.len; i++) {
        const unsigned digit = (unsigned char)(t.p[i] - '0');
        is_ok = digit <= 9;
        v = v * 10 + digit;
    }
    if (!is_ok)
        return wr_amount_parse(out, t, err);
    *out = v;
    return WR_OK;
}

wr_status wr_decode_units(wr_amount *out, wr_text t, unsigned decimals, bool is_rounding,
                          wr_err *err)
{
    uint64_t v = 0;
    unsigned digits = 0;
    unsigned behind = 0; /* digits behind the point */
    bool has_point = false;
    bool is_plain = t.len && t.len <= 19;
    for (uint32_t i = 0; is_plain && i < t.len; i++) {
        const unsigned digit = (unsigned char)(t.p[i] - '0');
        if (digit <= 9) {
            v = v * 10 + digit;
            digits++;
            behind += has_point;
        } else {
            is_plain = t.p[i] == '.' && !has_point;
            has_point = true;
        }
    }
    if (!is_plain || !digits || behind > decimals ||
        decimals - behind >= WR_POW10_U64_COUNT)
        return wr_amount_parse_units(out, t, decimals, is_rounding, err);
    *out = (wr_amount)v * wr_pow10_u64[decimals - behind];
    return WR_OK;
}

/* Symbols whose decimals everybody knows; only where the symbol is that token. */
static int known_decimals(const wr_chain *chain, wr_text asset)
{
    static const struct {
        const char *symbol;
        int decimals;
    } known[] = {{"USDT", 6},  {"USDC", 6}, {"DAI", 18},
                 {"WETH", 18}, {"WBTC", 8}, {"BUSD", 18}};
    if (strcmp(chain->id, "eip155:1") == 0)
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            if (wr_text_eq(asset, wr_text_of(known[i].symbol)))
                return known[i].decimals;
    return -1;
}

/* Decimals of t's asset; is_base: the record gives base units, which a guess would spoil.
 */
static bool decode_decimals(wr_decode *w, const wr_fields *r, wr_transfer *t,
                            bool is_base)
{
    const wr_text given = wr_decode_slot(r, WR_F_DECIMALS);
    uint64_t v = 0;
    if (given.p) {
        if (!wr_decode_u64(given, WR_DECIMALS_MAX, &v)) {
            wr_decode_error(w, WR_F_DECIMALS, r->layout->name[WR_F_DECIMALS],
                            WR_CODE_INVALID, "decimals '%s' is not a number from 0 to %d",
                            wr_text_quote(given, QUOTE_MAX).s, (int)WR_DECIMALS_MAX);
            return false;
        }
        t->decimals = (uint8_t)v;
        return true;
    }
    t->decimals = t->chain->decimals;
    if (w->d->decimals >= 0) {
        t->decimals = (uint8_t)w->d->decimals;
        return true;
    }
    if (wr_text_eq(t->asset, w->own_asset))
        return true;
    const int known = known_decimals(t->chain, t->asset);
    if (known >= 0) {
        t->decimals = (uint8_t)known;
    } else if (is_base && t->chain->address_kind != WR_ADDRESS_OPAQUE) {
        wr_decode_error(w, WR_F_DECIMALS, r->layout->name[WR_F_DECIMALS], WR_CODE_MISSING,
                        "decimals of asset '%s' are not known: give decimals, or value "
                        "instead of amount",
                        wr_text_quote(t->asset, QUOTE_MAX).s);
        return false;
    }
    return true;
}

/* "1,234,567.5" -> "1234567.5" when every group behind a comma has three digits. */
static wr_text without_commas(wr_decode *w, wr_text t)
{
    if (!memchr(t.p, ',', t.len))
        return t;
    char *p = wr_arena_alloc(w->arena, t.len);
    if (!p) {
        w->is_nomem = true;
        return t;
    }
    uint32_t n = 0;
    uint32_t group = 0; /* digits since the last comma */
    bool has_comma = false;
    bool is_whole = true;
    for (uint32_t i = 0; i < t.len; i++) {
        const char c = t.p[i];
        const bool is_digit = (unsigned char)(c - '0') <= 9;
        if (is_whole && !is_digit && has_comma && group != 3)
            return t;
        if (!is_whole || c != ',')
            p[n++] = c;
        if (is_whole && c == ',' && (group == 0 || group > 3))
            return t;
        has_comma = has_comma || c == ',';
        is_whole = is_whole && (is_digit || c == ',');
        group = is_digit ? group + 1 : 0;
    }
    if (is_whole && group != 3)
        return t;
    return (wr_text){.p = p, .len = n};
}

static unsigned digit_count(wr_text t)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < t.len && (t.p[i] | 0x20) != 'e'; i++) {
        const bool is_digit = (unsigned char)(t.p[i] - '0') <= 9;
        n += is_digit && (n || t.p[i] != '0');
    }
    return n;
}

/*
 * A double keeps 15 decimal digits; its 16th and 17th are noise of the arithmetic behind
 * an export ("1.9869999999999999", and elsewhere in the same file "1.987").  Without them
 * both are the same transfer.  18 digits and more are no double's and stay.
 */
static wr_text without_noise(wr_decode *w, wr_text t)
{
    enum { KEPT = 15, SHORTEST_ROUND_TRIP = 17, TEXT = 32 };
    const unsigned digits = digit_count(t);
    double v;
    if (digits <= KEPT || digits > SHORTEST_ROUND_TRIP ||
        wr_number_parse(&v, t, NULL) != WR_OK)
        return t;
    char text[TEXT];
    const int n = snprintf(text, sizeof text, "%.*g", (int)KEPT, v);
    const wr_text short_text = {.p = text, .len = (uint32_t)n};
    const wr_text kept = wr_arena_text(w->arena, short_text);
    w->is_nomem = w->is_nomem || !kept.p;
    return kept.p ? kept : t;
}

static bool is_zero_text(wr_text t)
{
    for (uint32_t i = 0; i < t.len; i++)
        if (t.p[i] != '0' && t.p[i] != '.')
            return false;
    return true;
}

/* Explorer exports: value in a column of its own for each direction, 0 in the other. */
static bool pick_in_or_out(wr_decode *w, wr_fields *r)
{
    const wr_text in = wr_decode_slot(r, WR_F_VALUE_IN);
    const wr_text out = wr_decode_slot(r, WR_F_VALUE_OUT);
    const bool has_in = in.p && !is_zero_text(in);
    const bool has_out = out.p && !is_zero_text(out);
    if (has_in && has_out && !wr_text_eq(in, out)) {
        wr_decode_error(w, WR_F_VALUE_IN, r->layout->name[WR_F_VALUE_IN],
                        WR_CODE_CONFLICT, "%s '%s' and %s '%s' disagree",
                        wr_text_quote(r->layout->name[WR_F_VALUE_IN], 24).s,
                        wr_text_quote(in, QUOTE_MAX).s,
                        wr_text_quote(r->layout->name[WR_F_VALUE_OUT], 24).s,
                        wr_text_quote(out, QUOTE_MAX).s);
        return false;
    }
    r->slot[WR_F_VALUE] = has_in || !out.p ? in : out;
    return true;
}

static inline bool is_usd(wr_text asset)
{
    if (asset.len < 3 || asset.p[0] != 'U' || asset.p[1] != 'S')
        return false;
    return wr_text_eq(asset, WR_TEXT_LIT("USD")) ||
           wr_text_eq(asset, WR_TEXT_LIT("US Dollar"));
}

/* Amounts do not take "NaN" for null: it is shown as what it is. */
static inline wr_text number_slot(const wr_fields *r, wr_field f)
{
    const wr_text t = wr_decode_slot(r, f);
    if (!t.p && r->slot[f].len == 3 && (r->slot[f].p[0] | 0x20) == 'n')
        return r->slot[f];
    return t;
}

/* Both given: the decimal value must say the same to nine digits. */
static void check_value(wr_decode *w, const wr_fields *r, wr_text amount, wr_text value,
                        const wr_transfer *t)
{
    double stated = 0;
    wr_err why = {0};
    if (wr_number_parse(&stated, value, &why) != WR_OK) {
        wr_decode_error(w, WR_F_VALUE, r->layout->name[WR_F_VALUE], WR_CODE_INVALID,
                        "value %s", why.msg);
        return;
    }
    const double exact = wr_amount_value(t->amount_base, t->decimals);
    const double diff = stated > exact ? stated - exact : exact - stated;
    if (diff <= 1e-9 * exact)
        return;
    wr_decode_error(w, WR_F_AMOUNT, r->layout->name[WR_F_AMOUNT], WR_CODE_CONFLICT,
                    "%s '%s' and %s '%s' disagree (%u decimals)",
                    wr_text_quote(r->layout->name[WR_F_AMOUNT], 24).s,
                    wr_text_quote(amount, QUOTE_MAX).s,
                    wr_text_quote(r->layout->name[WR_F_VALUE], 24).s,
                    wr_text_quote(value, QUOTE_MAX).s, t->decimals);
}

/* Value in US dollars beside or in place of an amount. */
static bool decode_usd(wr_decode *w, const wr_fields *r, wr_text usd, wr_transfer *t)
{
    wr_err why = {0};
    double v = 0;
    if (wr_number_parse(&v, usd, &why) == WR_OK && v >= 0) {
        t->value = v + 0.0; /* no -0.0 */
        return true;
    }
    wr_decode_error(w, WR_F_VALUE_USD, r->layout->name[WR_F_VALUE_USD], WR_CODE_INVALID,
                    why.msg[0] ? "value_usd %s" : "%s",
                    why.msg[0] ? why.msg : "value_usd is negative");
    return false;
}

bool wr_decode_amount(wr_decode *w, wr_fields *r, wr_transfer *t)
{
    const wr_text *name = r->layout->name;
    if ((name[WR_F_VALUE_IN].p || name[WR_F_VALUE_OUT].p) && !pick_in_or_out(w, r))
        return false;
    const wr_text amount = number_slot(r, WR_F_AMOUNT);
    const wr_text usd = number_slot(r, WR_F_VALUE_USD);
    wr_text value = number_slot(r, WR_F_VALUE);
    if (value.p && w->d->preset->quirks & WR_QUIRK_THOUSANDS)
        value = without_commas(w, value);
    if (value.p && w->d->preset->quirks & WR_QUIRK_DOUBLES)
        value = without_noise(w, value);
    const bool is_usd_only = !amount.p && !value.p && usd.p;
    if (is_usd_only && !w->d->asset[0] && !wr_decode_slot(r, WR_F_ASSET).p &&
        !wr_decode_slot(r, WR_F_SYMBOL).p)
        t->asset = WR_TEXT_LIT("USD");
    if (is_usd_only && !is_usd(t->asset)) {
        wr_decode_error(w, WR_F_AMOUNT, name[WR_F_AMOUNT], WR_CODE_MISSING,
                        "asset '%s' has a value_usd but no amount or value",
                        wr_text_quote(t->asset, QUOTE_MAX).s);
        return false;
    }
    if (!amount.p && !value.p && !usd.p) {
        wr_decode_error(w, WR_F_AMOUNT,
                        name[WR_F_AMOUNT].p ? name[WR_F_AMOUNT] : name[WR_F_VALUE],
                        WR_CODE_MISSING, "amount is missing (or value in decimal units)");
        return false;
    }
    if (is_usd_only && w->d->decimals < 0 && !wr_decode_slot(r, WR_F_DECIMALS).p)
        t->decimals = USD_DECIMALS;
    else if (!decode_decimals(w, r, t, amount.p != NULL))
        return false;

    wr_err why; /* not zeroed whole: this is hot */
    why.code = WR_OK;
    why.msg[0] = '\0';
    const wr_field f = amount.p ? WR_F_AMOUNT : value.p ? WR_F_VALUE : WR_F_VALUE_USD;
    const wr_status s =
        amount.p ? wr_decode_base(&t->amount_base, amount, &why)
                 : wr_decode_units(&t->amount_base, value.p ? value : usd, t->decimals,
                                   w->d->is_rounding || is_usd_only, &why);
    if (s != WR_OK) {
        wr_decode_refused(w, r, f, &why);
        return false;
    }
    const uint32_t errors = w->errors->count;
    if (amount.p && value.p)
        check_value(w, r, amount, value, t);
    if (usd.p)
        return decode_usd(w, r, usd, t) && w->errors->count == errors;
    t->value = wr_amount_value(t->amount_base, t->decimals);
    if (!is_usd(t->asset))
        t->flags |= WR_TRANSFER_UNPRICED;
    return w->errors->count == errors;
}
