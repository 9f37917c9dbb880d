/*
 * chain.h - which chain a record belongs to: CAIP-2 identifiers and what they imply.
 *
 * A chain is found by its CAIP-2 id ("eip155:1") or by a well-known alias ("ETH",
 * "ethereum", "BTC", "XBT"), and is then one pointer for the life of the process, so
 * chains compare by pointer.  `opaque:NAME` declares a chain whose addresses are plain
 * strings (simulators, bank data).  At most WR_CHAIN_COUNT_MAX distinct chains.
 * Thread: safe (a mutex around the table; entries never move or change).
 *
 * Names: a CAIP-2 id is compared as it is, an alias without regard to case.  Any
 * eip155:N is an EVM chain; one that the table does not name has asset "NATIVE" with 18
 * decimals.  A bip122 id that the table does not name is a UTXO chain with asset
 * "NATIVE", 8 decimals and base58check of any version (no segwit).  bip122 ids carry the
 * first 32 digits of the genesis hash, and of a fork its first own block; Bitcoin Gold
 * has no id in use and is "bip122:bitcoin-gold" here.
 */
#ifndef WR_MODEL_CHAIN_H
#define WR_MODEL_CHAIN_H

#include <stdbool.h>

#include "util/err.h"
#include "util/text.h"

enum { WR_CHAIN_ID_MAX = 41, WR_CHAIN_COUNT_MAX = 4096, WR_ASSET_MAX = 64 };

typedef enum wr_address_kind {
    WR_ADDRESS_OPAQUE,   /* any printable UTF-8, 1..128 bytes, no blanks at the ends */
    WR_ADDRESS_EVM,      /* 0x + 40 hex, EIP-55 checked when mixed case */
    WR_ADDRESS_BITCOIN,  /* base58check and segwit (bech32, bech32m) with the chain's
                            prefixes */
    WR_ADDRESS_CASHADDR, /* CashAddr or legacy base58check -> legacy */
    WR_ADDRESS_TRON,     /* base58check, version 0x41 */
    WR_ADDRESS_SOLANA,   /* base58 of 32 bytes */
    WR_ADDRESS_BASE58,   /* base58check, any version (XRP alphabet not included) */
    WR_ADDRESS_PLAIN     /* known chain, no rule implemented: alphabet and length only */
} wr_address_kind;

typedef struct wr_chain {
    char id[WR_CHAIN_ID_MAX + 1]; /* CAIP-2 */
    char asset[16];               /* native asset symbol, "ETH" */
    uint8_t decimals;             /* of the native asset */
    bool is_utxo;
    wr_address_kind address_kind;
    const void *rule; /* prefixes and versions; private to model/ */
} wr_chain;

/*
 * Errors  WR_EPARSE     not CAIP-2 and no alias
 *         WR_ENOTFOUND  CAIP-2, but no chain that we know; "opaque:NAME" declares one
 *         WR_ELIMIT     over WR_CHAIN_COUNT_MAX chains
 * Cost    a hash and a comparison under a mutex: once per batch or column, not per row
 */
wr_status wr_chain_find(const wr_chain **out, wr_text id, wr_err *err) WR_NODISCARD;

/*
 * As wr_chain_find, but a chain that no record has named yet is described in *own and
 * leaves no trace: questions about made-up chains must not fill the table.  *out is the
 * table's chain, or own (which equals no other chain and lives as long as the caller's).
 * Errors  WR_EPARSE, WR_ENOTFOUND
 */
wr_status wr_chain_peek(const wr_chain **out, wr_chain *own, wr_text id,
                        wr_err *err) WR_NODISCARD;

#endif
