/*
 * decode_int.h - texts of one record to a transfer: the one place where fields are
 * judged.
 *
 * CSV, JSON and UTXO decoders fill a wr_fields and call wr_decode_record.  Texts of the
 * result point into the record's own bytes where these are canonical already (most
 * lower-case addresses and hashes are), else into the arena.
 *
 * wr_decode is the working state of one slice or one call: one object one thread.
 */
#ifndef WR_CODEC_DECODE_INT_H
#define WR_CODEC_DECODE_INT_H

#include "codec/preset_int.h"
#include "codec/transfer_json.h"

typedef struct wr_decode {
    const wr_transfer_decoder *d;
    wr_arena *arena;
    int64_t now_s;           /* never 0 */
    wr_field_errors *errors; /* of the record at hand */
    uint64_t key;            /* of the last transfer: 64 bits of its derived hash, or 0 */
    bool is_nomem;           /* the arena gave NULL; the record is neither in nor out */
    const wr_chain *seen;    /* chain that was found for seen_text last */
    wr_text seen_text;
    char seen_buf[WR_CHAIN_ID_MAX + 1];
    const wr_chain *own_chain; /* of the last record, and its own asset as a text */
    wr_text own_asset;
} wr_decode;

#define WR_CODE_SYNTAX   "syntax"
#define WR_CODE_LIMIT    "limit"
#define WR_CODE_MISSING  "missing"
#define WR_CODE_INVALID  "invalid"
#define WR_CODE_CONFLICT "conflict"
#define WR_CODE_RANGE    "range"

/* Add an error: field f as found under `name` (absent: our own name for it). */
void wr_decode_error(wr_decode *w, wr_field f, wr_text name, const char *code,
                     const char *fmt, ...) WR_PRINTF(5, 6);
/* The same with a pointer of its own ("/inputs/3/address"). */
void wr_decode_error_at(wr_decode *w, wr_field f, const char *pointer, const char *code,
                        const char *detail);

/* Blanks at the ends or a word for null: what is left of t, {NULL, 0} for nothing. */
wr_text wr_decode_clean(wr_text t);

/* A slot without blanks at its ends; {NULL, 0} when empty or a word for null. */
static inline wr_text wr_decode_slot(const wr_fields *r, uint32_t slot)
{
    const wr_text t = r->slot[slot];
    if (!t.len)
        return (wr_text){0};
    const unsigned char c = (unsigned char)t.p[0];
    const unsigned char low = c | 0x20;
    if (c <= ' ' || (unsigned char)t.p[t.len - 1] <= ' ' || low == 'n' || low == 'u' ||
        c == '\\')
        return wr_decode_clean(t);
    return t;
}

/*
 * One account-based record.  r's slots may be swapped (a second spelling in place of an
 * empty first one).  False: errors were added, or is_nomem.
 */
bool wr_decode_record(wr_decode *w, wr_fields *r, wr_transfer *t);

/* --- single fields (decode.c); all false/NULL on error, which is recorded -------------
 */

const wr_chain *wr_decode_chain(wr_decode *w, const wr_fields *r);
/* Canonical address of chain; false with why set, or is_nomem. */
bool wr_decode_address(wr_decode *w, const wr_chain *chain, wr_text raw, wr_text *out,
                       wr_err *why);
bool wr_decode_tx_hash(wr_decode *w, const wr_fields *r, const wr_chain *chain,
                       wr_text *out);
bool wr_decode_block(wr_decode *w, const wr_fields *r, int64_t *block);
bool wr_decode_memo(wr_decode *w, const wr_fields *r, wr_text *memo);
bool wr_decode_wallet(wr_decode *w, const wr_fields *r, wr_field f, const wr_chain *chain,
                      wr_text *out);
bool wr_decode_asset(wr_decode *w, const wr_fields *r, const wr_chain *chain,
                     wr_text *out);
bool wr_decode_uint(wr_decode *w, const wr_fields *r, wr_field f, uint64_t max,
                    uint64_t *out);
/* Name a slot was found under, for messages; our own name when it has none. */
wr_text wr_decode_name(const wr_fields *r, wr_field f);
/* Words of an error of a field that was read by a model parser. */
void wr_decode_refused(wr_decode *w, const wr_fields *r, wr_field f, const wr_err *why);

/* --- numbers (decode_number.c) --------------------------------------------------------
 */

bool wr_decode_time(wr_decode *w, const wr_fields *r, int64_t *time_s);
/* decimals, amount_base, value, UNPRICED; asset and chain of t are set. */
bool wr_decode_amount(wr_decode *w, wr_fields *r, wr_transfer *t);
/* Base units of `amount` or of decimal `value`; fast for short plain numbers. */
wr_status wr_decode_base(wr_amount *out, wr_text t, wr_err *err) WR_NODISCARD;
wr_status wr_decode_units(wr_amount *out, wr_text t, unsigned decimals, bool is_rounding,
                          wr_err *err) WR_NODISCARD;
/* Unsigned integer in decimal or 0x hex; false when it is none or over max. */
bool wr_decode_u64(wr_text t, uint64_t max, uint64_t *out);

/* --- key (decode_key.c) ---------------------------------------------------------------
 */

/* tx_hash and w->key of a record without a hash; t is otherwise complete. */
bool wr_decode_derive_hash(wr_decode *w, wr_transfer *t);
/* Position of a record with a hash but without a position, WR_POSITION_DERIVED. */
uint32_t wr_decode_derive_position(const wr_transfer *t);

#endif
