/*
 * utxo_int.h - a transaction with inputs and outputs as transfers through its hub.
 *
 * Input i becomes address -> "tx:<hash>" at position i, output j "tx:<hash>" -> address
 * at position n + j.  What the inputs hold beyond the outputs is the fee and stays there.
 * An output that carries nothing and names nobody (OP_RETURN) is left out; a script that
 * has no address becomes the wallet "script:<SHA-256 of it>".
 */
#ifndef WR_CODEC_UTXO_INT_H
#define WR_CODEC_UTXO_INT_H

#include "codec/decode_int.h"

/* Growing list of transfers with, beside each, the 64-bit key of a derived hash (or 0).
 */
typedef struct wr_transfer_sink {
    wr_transfer *item;
    uint64_t *key;
    uint32_t *record; /* number of the record it came from */
    uint32_t now;     /* … of those that are kept next */
    size_t count, cap, key_cap, record_cap;
} wr_transfer_sink;

bool wr_transfer_sink_grow(wr_transfer_sink *s);

/* Place at the end, not counted until wr_transfer_sink_keep; NULL = no memory. */
static inline wr_transfer *wr_transfer_sink_next(wr_transfer_sink *s)
{
    if ((s->count >= s->cap || s->count >= s->key_cap || s->count >= s->record_cap) &&
        !wr_transfer_sink_grow(s))
        return NULL;
    return &s->item[s->count];
}

static inline void wr_transfer_sink_keep(wr_transfer_sink *s, uint64_t key)
{
    s->record[s->count] = s->now;
    s->key[s->count++] = key;
}

void wr_transfer_sink_release(wr_transfer_sink *s);

/* One input or output: absent texts are {NULL, 0}. */
typedef struct wr_utxo_entry {
    wr_text address; /* as written */
    wr_text script;  /* hex, when there is no address */
    wr_text amount;  /* base units */
    wr_text value;   /* decimal units, when there is no amount */
    wr_text address_name, amount_name, value_name; /* keys, for pointers; may be absent */
} wr_utxo_entry;

typedef struct wr_utxo_tx {
    const wr_utxo_entry *in, *out; /* [in_count], [out_count] */
    uint32_t in_count, out_count;
    wr_text in_name, out_name; /* "inputs" or as spelled */
} wr_utxo_tx;

/*
 * r holds what belongs to the transaction as a whole: chain, tx_hash, time, block, memo.
 * False: errors were added or is_nomem; the sink is as before.
 */
bool wr_utxo_record(wr_decode *w, wr_fields *r, const wr_utxo_tx *tx,
                    wr_transfer_sink *sink);

#endif
