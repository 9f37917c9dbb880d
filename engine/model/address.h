/*
 * address.h - addresses in one canonical spelling per chain.
 *
 * EVM lower-case hex, bech32 lower case, base58 as is, CashAddr as legacy base58.
 * Litecoin's old "3…" script addresses become the "M…" of the same script.
 * The key of a wallet is always (chain, canonical text).  A UTXO transaction's hub
 * vertex is written "tx:<64 hex>" on its chain: no address rule admits a text that
 * begins so, and the two cannot collide.  Thread: safe, no allocation.
 */
#ifndef WR_MODEL_ADDRESS_H
#define WR_MODEL_ADDRESS_H

#include "model/chain.h"

enum { WR_ADDRESS_MAX = 128, WR_TX_HASH_MAX = 128 };

/*
 * Check `t` against the chain's rule and write the canonical text.
 *
 * out    [WR_ADDRESS_MAX + 1], NUL-terminated; len optional (NULL)
 * Errors WR_EPARSE (empty, wrong length, alphabet, checksum, prefix of another network;
 *        quotes at most 60 bytes of the value and says which)
 * Cost   EVM all one case: ~50 ns; mixed case: one Keccak-256; base58check: two SHA-256
 * Source EIP-55; BIP-13/16 (versions), BIP-173 and BIP-350 (bech32, bech32m); CashAddr
 * spec
 */
wr_status wr_address_canonical(char *out, size_t *len, const wr_chain *chain, wr_text t,
                               wr_err *err) WR_NODISCARD;

/*
 * "chain:address" (CAIP-10) split at the second ':' and canonicalised.
 * Errors  those of wr_chain_find and wr_address_canonical; WR_EPARSE without two ':'
 */
wr_status wr_address_parse_caip10(const wr_chain **chain, char *out, size_t *len,
                                  wr_text t, wr_err *err) WR_NODISCARD;

enum { WR_CAIP10_MAX = WR_CHAIN_ID_MAX + 1 + WR_ADDRESS_MAX };
/* "chain:address" of a canonical address; out [WR_CAIP10_MAX + 1] */
void wr_address_caip10(char *out, const wr_chain *chain, wr_text address);

/* Hub vertex text of a UTXO transaction: out [WR_ADDRESS_MAX + 1]; tx_hash canonical. */
void wr_address_hub(char *out, wr_text tx_hash);
bool wr_address_is_hub(wr_text address);

/*
 * What people compare of an address: its first four and last four characters behind the
 * prefix that all addresses of its kind share ("0x", "1", "bc1q", "T"; none on opaque,
 * plain and Solana chains), as one number.
 *
 * address  canonical
 * returns  0 = nothing to compare: a hub, or fewer than eight characters
 */
uint64_t wr_address_look(const wr_chain *chain, wr_text address);

/*
 * Transaction hash: 0x/no-0x hex of 32 bytes becomes lower-case hex without 0x; Solana's
 * base58 of 64 bytes stays as it is; on opaque and plain chains any printable text up to
 * WR_TX_HASH_MAX, no blanks at the ends.  out [WR_TX_HASH_MAX + 1], len optional.
 * Errors  WR_EPARSE (as wr_address_canonical)
 */
wr_status wr_tx_hash_canonical(char *out, size_t *len, const wr_chain *chain, wr_text t,
                               wr_err *err) WR_NODISCARD;

/* Keccak-256 as Ethereum uses it (original padding 0x01). */
void wr_keccak256(uint8_t out[32], const void *bytes, size_t len);

#endif
