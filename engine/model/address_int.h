/*
 * address_int.h - the codecs behind address.c: base58, bech32, CashAddr, short SHA-256.
 *
 * Plain functions on caller arrays: no allocation, no state.  They answer with sizes or
 * an enum; address.c alone words the errors.  Thread: safe.
 */
#ifndef WR_MODEL_ADDRESS_INT_H
#define WR_MODEL_ADDRESS_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/text.h"

/* What a chain of kind BITCOIN or CASHADDR accepts; wr_chain.rule points here. */
typedef struct wr_utxo_rule {
    uint8_t version_bytes;   /* 1, or 2 for Zcash */
    uint16_t p2pkh, p2sh;    /* base58check versions */
    uint16_t p2sh_old;       /* older version of the same script, rewritten; 0 = none */
    const char *hrp;         /* segwit prefix; NULL = the chain has no segwit */
    const char *cash_prefix; /* CashAddr prefix; NULL = none */
} wr_utxo_rule;

enum {
    WR_BASE58_BYTES_MAX = 64, /* a Solana signature */
    WR_BASE58_TEXT_MAX = 88,  /* and its longest text */
    WR_HASH_BYTES_MAX = 32,
};

/* SHA-256 of at most 55 bytes (one block): base58check needs nothing longer. */
void wr_sha256_short(uint8_t out[32], const uint8_t *bytes, size_t len);

/* Bytes of a base58 text, -1 for a wrong character, -2 when over max (<= 64). */
int wr_base58_decode(uint8_t *out, int max, wr_text t);
/* len <= 64; out takes WR_BASE58_TEXT_MAX + 1; returns the length without the NUL. */
size_t wr_base58_encode(char *out, const uint8_t *bytes, size_t len);
/* Does the last four bytes' checksum hold?  len in 5..59 */
bool wr_base58_check(const uint8_t *bytes, size_t len);
/* Append the checksum: bytes has room for four more; returns len + 4. */
size_t wr_base58_seal(uint8_t *bytes, size_t len);

typedef enum wr_bech32_fault {
    WR_BECH32_OK,
    WR_BECH32_CASE, /* upper and lower case mixed */
    WR_BECH32_ALPHABET,
    WR_BECH32_LENGTH,
    WR_BECH32_CHECKSUM, /* also the other one of bech32 and bech32m */
    WR_BECH32_VERSION,  /* witness version above 16 */
    WR_BECH32_PROGRAM,  /* length of the witness program */
    WR_BECH32_PADDING,
} wr_bech32_fault;

/* A segwit address with prefix hrp (BIP-173, BIP-350): out gets it in lower case. */
wr_bech32_fault wr_segwit_canonical(char *out, const char *hrp, wr_text t);

/*
 * A CashAddr with or without its prefix: hash [32] and its size (20 or 32), and whether
 * it is a script's.  Token-aware types count as the plain ones of the same hash.
 */
wr_bech32_fault wr_cashaddr_decode(uint8_t *hash, size_t *hash_len, bool *is_script,
                                   const char *prefix, wr_text t);

#endif
