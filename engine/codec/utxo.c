#include "codec/utxo_int.h"

#include <stdio.h>

#include "model/script.h"

enum { SCRIPT_MAX = 10000, QUOTE_MAX = 48 };

/* --- list of transfers ------------------------------------------------------------ */

bool wr_transfer_sink_grow(wr_transfer_sink *s)
{
    wr_transfer *item = wr_grow(s->item, &s->cap, s->count + 1, sizeof *item);
    s->item = item ? item : s->item;
    uint64_t *key = wr_grow(s->key, &s->key_cap, s->count + 1, sizeof *key);
    s->key = key ? key : s->key;
    uint32_t *record = wr_grow(s->record, &s->record_cap, s->count + 1, sizeof *record);
    s->record = record ? record : s->record;
    return item && key && record;
}

void wr_transfer_sink_release(wr_transfer_sink *s)
{
    wr_free(s->item);
    wr_free(s->key);
    wr_free(s->record);
    *s = (wr_transfer_sink){0};
}

/* --- entries ---------------------------------------------------------------------- */

/* What all transfers of the transaction share, and where the errors are. */
typedef struct utxo_job {
    wr_decode *w;
    const wr_utxo_tx *tx;
    wr_transfer base; /* chain, tx_hash, time, block, asset, decimals, memo */
    wr_text hub;
} utxo_job;

static void entry_error(utxo_job *u, bool is_out, uint32_t i, wr_text key, wr_field f,
                        const char *code, const char *detail)
{
    char pointer[192];
    char text[WR_DEAD_REASON_MAX];
    const wr_text list = is_out ? u->tx->out_name : u->tx->in_name;
    const wr_quote name = wr_text_quote(list.p   ? list
                                        : is_out ? WR_TEXT_LIT("outputs")
                                                 : WR_TEXT_LIT("inputs"),
                                        16);
    const wr_quote member = wr_text_quote(key.p ? key : wr_text_of(wr_field_name(f)), 24);
    (void)snprintf(pointer, sizeof pointer, "/%s/%u/%s", name.s, i, member.s);
    (void)snprintf(text, sizeof text, "%s[%u].%s: %s", name.s, i, member.s, detail);
    wr_decode_error_at(u->w, is_out ? WR_F_OUTPUTS : WR_F_INPUTS, pointer, code, text);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool hex_bytes(uint8_t *to, wr_text hex)
{
    for (uint32_t i = 0; i + 1 < hex.len; i += 2) {
        const int high = hex_digit(hex.p[i]);
        const int low = hex_digit(hex.p[i + 1]);
        if (high < 0 || low < 0)
            return false;
        to[i / 2] = (uint8_t)(high << 4 | low);
    }
    return hex.len % 2 == 0;
}

/* Address of a script; {NULL, 0} with no error for a data carrier (OP_RETURN). */
static bool script_address(utxo_job *u, bool is_out, uint32_t i, wr_text hex,
                           wr_text *out)
{
    uint8_t script[SCRIPT_MAX];
    char text[WR_ADDRESS_MAX + 1];
    wr_err why = {0};
    if (hex.len > 2 * SCRIPT_MAX || !hex_bytes(script, hex)) {
        entry_error(u, is_out, i, WR_TEXT_LIT("script"), WR_F_SCRIPT, WR_CODE_INVALID,
                    "not the hex of a script");
        return false;
    }
    wr_script_kind kind;
    const wr_status s =
        wr_script_address(text, &kind, u->base.chain, script, hex.len / 2, &why);
    if (s != WR_OK) {
        u->w->is_nomem = u->w->is_nomem || s == WR_ENOMEM;
        entry_error(u, is_out, i, WR_TEXT_LIT("script"), WR_F_SCRIPT, WR_CODE_INVALID,
                    why.msg);
        return false;
    }
    if (kind == WR_SCRIPT_DATA)
        return true;
    *out = wr_arena_text(u->w->arena, wr_text_of(text));
    u->w->is_nomem = u->w->is_nomem || !out->p;
    return out->p != NULL;
}

static bool entry_amount(utxo_job *u, bool is_out, uint32_t i, const wr_utxo_entry *e,
                         wr_amount *out)
{
    wr_err why = {0};
    const wr_text amount = wr_decode_clean(e->amount);
    const wr_text value = wr_decode_clean(e->value);
    wr_amount second = 0;
    wr_status s = WR_OK;
    if (!amount.p && !value.p) {
        entry_error(u, is_out, i, e->value_name, WR_F_VALUE, WR_CODE_MISSING,
                    "amount is missing (or value in decimal units)");
        return false;
    }
    if (amount.p)
        s = wr_decode_base(out, amount, &why);
    if (value.p && s == WR_OK)
        s = wr_decode_units(amount.p ? &second : out, value, u->base.decimals,
                            u->w->d->is_rounding, &why);
    if (s == WR_OK && amount.p && value.p && second != *out)
        s = wr_fail(&why, WR_EPARSE, "amount '%s' and value '%s' disagree",
                    wr_text_quote(amount, QUOTE_MAX).s,
                    wr_text_quote(value, QUOTE_MAX).s);
    if (s != WR_OK)
        entry_error(u, is_out, i, amount.p ? e->amount_name : e->value_name,
                    amount.p ? WR_F_AMOUNT : WR_F_VALUE,
                    s == WR_ELIMIT ? WR_CODE_RANGE : WR_CODE_INVALID, why.msg);
    return s == WR_OK;
}

/* is_there = false: an output that carries nothing and names nobody. */
static bool entry_transfer(utxo_job *u, bool is_out, uint32_t i, wr_transfer *t,
                           bool *is_there)
{
    const wr_utxo_entry *e = is_out ? &u->tx->out[i] : &u->tx->in[i];
    wr_text wallet = {0};
    wr_err why = {0};
    *t = u->base;
    t->position = is_out ? u->tx->in_count + i : i;
    if (!entry_amount(u, is_out, i, e, &t->amount_base))
        return false;
    const wr_text address = wr_decode_clean(e->address);
    const wr_text script = wr_decode_clean(e->script);
    if (address.p && wr_script_is_hash(t->chain, address)) {
        wallet = address;
    } else if (address.p) {
        if (!wr_decode_address(u->w, t->chain, address, &wallet, &why)) {
            if (!u->w->is_nomem)
                entry_error(u, is_out, i, e->address_name, WR_F_ADDRESS, WR_CODE_INVALID,
                            why.msg);
            return false;
        }
    } else if (script.p && !script_address(u, is_out, i, script, &wallet)) {
        return false;
    }
    *is_there = wallet.p != NULL;
    if (!wallet.p && (t->amount_base || !is_out)) {
        entry_error(u, is_out, i, e->address_name, WR_F_ADDRESS, WR_CODE_MISSING,
                    script.p ? "a data script holds an amount" : "address is missing");
        return false;
    }
    t->from = is_out ? u->hub : wallet;
    t->to = is_out ? wallet : u->hub;
    t->flags = (uint8_t)(WR_TRANSFER_UNPRICED |
                         (is_out ? WR_TRANSFER_FROM_HUB : WR_TRANSFER_TO_HUB));
    t->value = wr_amount_value(t->amount_base, t->decimals);
    return true;
}

/* --- the transaction -------------------------------------------------------------- */

static bool utxo_base(utxo_job *u, wr_fields *r)
{
    wr_decode *w = u->w;
    wr_transfer *t = &u->base;
    char hub[WR_ADDRESS_MAX + 1];
    t->chain = wr_decode_chain(w, r);
    if (!t->chain)
        return false;
    bool is_ok = wr_decode_time(w, r, &t->time_s);
    is_ok &= wr_decode_tx_hash(w, r, t->chain, &t->tx_hash);
    is_ok &= wr_decode_block(w, r, &t->block);
    is_ok &= wr_decode_memo(w, r, &t->memo);
    if (is_ok && !t->tx_hash.p) {
        wr_decode_error(w, WR_F_TX_HASH, r->layout->name[WR_F_TX_HASH], WR_CODE_MISSING,
                        "tx_hash is missing: it names the hub of inputs and outputs");
        return false;
    }
    if (is_ok && (t->tx_hash.len + 3 > WR_ADDRESS_MAX)) {
        wr_decode_error(w, WR_F_TX_HASH, r->layout->name[WR_F_TX_HASH], WR_CODE_LIMIT,
                        "tx_hash is too long to name a hub");
        return false;
    }
    if (!is_ok)
        return false;
    t->asset = w->d->asset[0] ? wr_text_of(w->d->asset) : wr_text_of(t->chain->asset);
    t->decimals = w->d->decimals >= 0 ? (uint8_t)w->d->decimals : t->chain->decimals;
    wr_address_hub(hub, t->tx_hash);
    u->hub = wr_arena_text(w->arena, wr_text_of(hub));
    w->is_nomem = w->is_nomem || !u->hub.p;
    return !w->is_nomem;
}

/* Sums of both sides; false when a sum passes 128 bits or money comes from nowhere. */
static bool check_sums(utxo_job *u, const wr_amount sum[2], bool is_over)
{
    char in[WR_AMOUNT_TEXT_MAX];
    char out[WR_AMOUNT_TEXT_MAX];
    const wr_text none = {0};
    if (is_over) {
        wr_decode_error(u->w, WR_F_OUTPUTS, none, WR_CODE_RANGE,
                        "the sum of inputs or outputs is 2^128 base units or more");
        return false;
    }
    if (!u->tx->in_count || sum[1] <= sum[0])
        return true;
    wr_amount_format(in, sum[0]);
    wr_amount_format(out, sum[1]);
    wr_decode_error(u->w, WR_F_OUTPUTS, none, WR_CODE_CONFLICT,
                    "outputs (%s) are worth more than inputs (%s)", out, in);
    return false;
}

bool wr_utxo_record(wr_decode *w, wr_fields *r, const wr_utxo_tx *tx,
                    wr_transfer_sink *sink)
{
    utxo_job u = {.w = w, .tx = tx, .base = {.block = -1}};
    const wr_text none = {0};
    const size_t before = sink->count;
    const uint32_t errors = w->errors->count;
    wr_amount sum[2] = {0, 0};
    bool is_over = false;
    if (!utxo_base(&u, r))
        return false;
    for (uint32_t k = 0; k < tx->in_count + tx->out_count && !w->is_nomem; k++) {
        const bool is_out = k >= tx->in_count;
        wr_transfer *t = wr_transfer_sink_next(sink);
        bool is_there = true;
        w->is_nomem = w->is_nomem || !t;
        if (!t ||
            !entry_transfer(&u, is_out, is_out ? k - tx->in_count : k, t, &is_there))
            continue;
        is_over |= __builtin_add_overflow(sum[is_out], t->amount_base, &sum[is_out]);
        if (is_there)
            wr_transfer_sink_keep(sink, 0);
    }
    bool is_ok =
        !w->is_nomem && w->errors->count == errors && check_sums(&u, sum, is_over);
    if (is_ok && sink->count == before) {
        wr_decode_error(w, WR_F_OUTPUTS, none, WR_CODE_MISSING,
                        "no input or output moves anything");
        is_ok = false;
    }
    if (!is_ok)
        sink->count = before;
    return is_ok;
}
