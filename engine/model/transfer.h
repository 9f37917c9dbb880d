/*
 * transfer.h - one movement of one asset between two wallets, checked and canonical.
 *
 * Produced at the edge (codec), trusted from then on.  Texts are borrowed from the
 * batch that decoded them.  The natural key is (chain, tx_hash, position).
 *
 * A UTXO transaction becomes a hub: inputs are transfers address -> "tx:<hash>" at
 * positions 0.., outputs "tx:<hash>" -> address at the positions after them.
 */
#ifndef WR_MODEL_TRANSFER_H
#define WR_MODEL_TRANSFER_H

#include "model/address.h"
#include "model/amount.h"

enum { WR_MEMO_MAX = 256 };

typedef enum wr_transfer_flag {
    WR_TRANSFER_UNPRICED = 1, /* value is in native units, not USD */
    WR_TRANSFER_FROM_HUB = 2, /* from is a UTXO transaction's hub */
    WR_TRANSFER_TO_HUB = 4,
    WR_TRANSFER_SELF = 8 /* from == to; kept, counted, no exposure effect */
} wr_transfer_flag;

typedef struct wr_transfer {
    const wr_chain *chain;
    wr_text tx_hash;   /* canonical */
    uint32_t position; /* in the transaction: log index, vin/vout, row of a split */
    int64_t block;     /* -1 unknown */
    int64_t time_s;
    wr_text from; /* canonical, "tx:…" for a hub */
    wr_text to;
    wr_text asset; /* "ETH", "erc20:0x…", … 1..WR_ASSET_MAX bytes */
    wr_amount amount_base;
    uint8_t decimals;
    uint8_t flags; /* wr_transfer_flag */
    double value;  /* USD if priced, else native units; finite, >= 0 */
    wr_text memo;  /* may be absent */
} wr_transfer;

/* Times outside [WR_TIME_MIN_S, now + WR_TIME_AHEAD_S] are refused (Bitcoin began in
 * 2009). */
#define WR_TIME_MIN_S   INT64_C(1230768000) /* 2009-01-01T00:00:00Z */
#define WR_TIME_AHEAD_S INT64_C(86400)

/*
 * A record that could not be accepted, kept with its reason.  Texts borrowed.
 * raw is cut to WR_DEAD_RAW_MAX bytes (raw_bytes tells the full length).
 */
enum { WR_DEAD_RAW_MAX = 4096, WR_DEAD_REASON_MAX = 320, WR_DEAD_FIELD_MAX = 64 };
typedef struct wr_dead_letter {
    wr_text source; /* e.g. "file:set1.csv.gz:1f3a…", "http", "kafka:transactions.raw" */
    int32_t partition;
    int64_t position; /* record number or offset inside the source */
    wr_text raw;
    uint64_t raw_bytes;
    wr_text field;  /* "amount", "from", "" when the record as a whole */
    wr_text reason; /* one line with the value */
} wr_dead_letter;

#endif
