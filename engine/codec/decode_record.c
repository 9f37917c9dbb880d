/* A whole account-based record: its fields in order, then what they say together. */
#include "codec/decode_int.h"

enum { QUOTE_MAX = 48 };

/* --- fields that only stand here -------------------------------------------------- */

static bool decode_position(wr_decode *w, const wr_fields *r, wr_transfer *t,
                            bool *is_given)
{
    wr_field f = wr_decode_slot(r, WR_F_POSITION).p ? WR_F_POSITION : WR_F_TX_INDEX;
    uint64_t v = 0;
    *is_given = wr_decode_slot(r, f).p != NULL;
    if (*is_given && !wr_decode_uint(w, r, f, INT32_MAX, &v))
        return false;
    t->position = (uint32_t)v;
    return true;
}

static bool is_said(wr_text t, const char *word)
{
    size_t len = strlen(word);
    for (uint32_t i = 0; i + len <= t.len; i++)
        if (strncasecmp(t.p + i, word, len) == 0)
            return true;
    return false;
}

/* A call that failed on chain moved nothing. */
static bool decode_outcome(wr_decode *w, const wr_fields *r)
{
    const wr_text flag = wr_decode_slot(r, WR_F_IS_ERROR);
    const wr_text status = wr_decode_slot(r, WR_F_STATUS);
    const bool is_flag =
        flag.p && (wr_text_eq(flag, WR_TEXT_LIT("1")) || is_said(flag, "true"));
    if (!is_flag && !(status.p && (is_said(status, "error") || is_said(status, "fail"))))
        return true;
    const wr_field f = is_flag ? WR_F_IS_ERROR : WR_F_STATUS;
    wr_decode_error(w, f, r->layout->name[f], WR_CODE_INVALID,
                    "%s '%s': the transaction failed and moved nothing",
                    wr_text_quote(wr_decode_name(r, f), QUOTE_MAX).s,
                    wr_text_quote(is_flag ? flag : status, QUOTE_MAX).s);
    return false;
}

/* --- two spellings ---------------------------------------------------------------- */

/* An empty first spelling gives way to the second. */
static void settle_empty(wr_fields *r)
{
    for (uint32_t i = 0; i < r->layout->alt_count; i++) {
        const uint32_t f = r->layout->alt_of[i];
        if (!wr_decode_slot(r, f).p) {
            wr_text t = r->slot[f];
            r->slot[f] = r->slot[WR_F_COUNT + i];
            r->slot[WR_F_COUNT + i] = t;
        }
    }
}

/* Is the second spelling, read as field f of this record, the same thing? */
static bool is_same(wr_decode *w, const wr_fields *r, wr_field f, wr_text t,
                    const wr_transfer *got)
{
    wr_fields alone = {.layout = r->layout};
    wr_transfer other = *got;
    alone.slot[f] = t;
    alone.slot[WR_F_CLOCK] = r->slot[WR_F_CLOCK];
    const uint32_t errors = w->errors->count;
    bool is_ok = true;
    switch ((int)f) {
    case WR_F_CHAIN:
        is_ok = wr_decode_chain(w, &alone) == got->chain;
        break;
    case WR_F_FROM:
    case WR_F_TO:
        alone.slot[WR_F_FROM_BANK] = r->slot[WR_F_FROM_BANK];
        alone.slot[WR_F_TO_BANK] = r->slot[WR_F_TO_BANK];
        is_ok = wr_decode_wallet(w, &alone, f, got->chain, &other.to) &&
                wr_text_eq(other.to, f == WR_F_FROM ? got->from : got->to);
        break;
    case WR_F_TX_HASH:
        is_ok = wr_decode_tx_hash(w, &alone, got->chain, &other.tx_hash) &&
                wr_text_eq(other.tx_hash, got->tx_hash);
        break;
    case WR_F_TIME:
        is_ok = wr_decode_time(w, &alone, &other.time_s) && other.time_s == got->time_s;
        break;
    case WR_F_ASSET:
        is_ok = wr_decode_asset(w, &alone, got->chain, &other.asset) &&
                wr_text_eq(other.asset, got->asset);
        break;
    case WR_F_AMOUNT:
    case WR_F_VALUE:
        alone.slot[WR_F_DECIMALS] = r->slot[WR_F_DECIMALS];
        is_ok =
            wr_decode_amount(w, &alone, &other) && other.amount_base == got->amount_base;
        break;
    default: /* block, position, decimals, memo, …: as written */
        is_ok = wr_text_eq(t, wr_decode_slot(r, f));
    }
    w->errors->count = errors;
    return is_ok;
}

/* Both spellings there: they must agree, or the record is refused with both names. */
static void settle_both(wr_decode *w, const wr_fields *r, const wr_transfer *got)
{
    for (uint32_t i = 0; i < r->layout->alt_count; i++) {
        const wr_field f = (wr_field)r->layout->alt_of[i];
        const wr_text first = wr_decode_slot(r, f);
        const wr_text second = wr_decode_slot(r, WR_F_COUNT + i);
        if (!second.p || wr_text_eq(first, second) || is_same(w, r, f, second, got))
            continue;
        wr_decode_error(
            w, f, r->layout->name[f], WR_CODE_CONFLICT, "%s '%s' and %s '%s' disagree",
            wr_text_quote(r->layout->name[f], 24).s, wr_text_quote(first, QUOTE_MAX).s,
            wr_text_quote(r->layout->name[WR_F_COUNT + i], 24).s,
            wr_text_quote(second, QUOTE_MAX).s);
    }
}

/* --- the record ------------------------------------------------------------------- */

bool wr_decode_record(wr_decode *w, wr_fields *r, wr_transfer *t)
{
    const uint32_t errors = w->errors->count;
    bool is_position_given = false;
    *t = (wr_transfer){.block = -1};
    w->key = 0;
    if (r->layout->alt_count)
        settle_empty(r);
    t->chain = wr_decode_chain(w, r);
    if (!t->chain)
        return false; /* what an address is depends on it */
    if (t->chain != w->own_chain) {
        w->own_chain = t->chain;
        w->own_asset = wr_text_of(t->chain->asset);
    }
    bool is_ok = decode_outcome(w, r);
    is_ok &= wr_decode_wallet(w, r, WR_F_FROM, t->chain, &t->from);
    is_ok &= wr_decode_wallet(w, r, WR_F_TO, t->chain, &t->to);
    is_ok &= wr_decode_asset(w, r, t->chain, &t->asset);
    is_ok = is_ok && !w->is_nomem;
    if (t->asset.p)
        is_ok &= wr_decode_amount(w, r, t);
    is_ok &= wr_decode_time(w, r, &t->time_s);
    is_ok &= wr_decode_tx_hash(w, r, t->chain, &t->tx_hash);
    is_ok &= wr_decode_block(w, r, &t->block);
    is_ok &= decode_position(w, r, t, &is_position_given);
    is_ok &= wr_decode_memo(w, r, &t->memo);
    if (is_ok && r->layout->alt_count)
        settle_both(w, r, t);
    if (!is_ok || w->is_nomem || w->errors->count != errors)
        return false;
    if (wr_text_eq(t->from, t->to))
        t->flags |= WR_TRANSFER_SELF;
    if (!t->tx_hash.p) {
        is_ok = wr_decode_derive_hash(w, t);
        w->key = is_position_given ? 0 : w->key;
        return is_ok;
    }
    if (!is_position_given && w->d->position_rule == WR_POSITION_DERIVED)
        t->position = wr_decode_derive_position(t);
    return true;
}
