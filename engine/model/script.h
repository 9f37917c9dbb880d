/*
 * script.h - address of a Bitcoin-like output script.
 *
 * P2PKH and P2SH (base58check), P2WPKH, P2WSH, P2TR and later witness versions (bech32,
 * bech32m) have an address.  Any other script (P2PK, bare multisig, non-standard) becomes
 * "script:" and the SHA-256 of its bytes in hex, so that its value is not lost from
 * sight; no address rule admits a ':' there.  OP_RETURN names nobody. Thread: safe.
 */
#ifndef WR_MODEL_SCRIPT_H
#define WR_MODEL_SCRIPT_H

#include "model/address.h"

typedef enum wr_script_kind {
    WR_SCRIPT_ADDRESS, /* an address of the chain */
    WR_SCRIPT_HASH,    /* "script:<64 hex>" */
    WR_SCRIPT_DATA     /* OP_RETURN: out is "" */
} wr_script_kind;

/*
 * out    [WR_ADDRESS_MAX + 1], NUL-terminated; untouched on failure
 * Errors WR_EINVAL (the chain's addresses are not made of scripts), WR_ENOMEM
 * Source BIP-13, BIP-16, BIP-141, BIP-173, BIP-350
 */
wr_status wr_script_address(char *out, wr_script_kind *kind, const wr_chain *chain,
                            const uint8_t *script, size_t len, wr_err *err) WR_NODISCARD;

/*
 * Is t a "script:<64 hex>" as above, and are chain's addresses made of scripts?  Who
 * reads back what we have written (transfer_out.h) takes it for a wallet as it is.
 */
bool wr_script_is_hash(const wr_chain *chain, wr_text t);

#endif
