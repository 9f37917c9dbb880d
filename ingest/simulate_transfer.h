/*
 * simulate_transfer.h - a payment of the simulator as transfers, addresses and hash made.
 *
 * The same transfers as reading back what simulate_text.h writes (a test compares them):
 * dollars on an EVM chain, or a UTXO transaction of one input and one or two outputs.
 * Thread: safe.
 */
#ifndef WR_INGEST_SIMULATE_TRANSFER_H
#define WR_INGEST_SIMULATE_TRANSFER_H

#include "ingest/simulate.h"
#include "model/transfer.h"

enum { WR_SIM_HASH_HEX = 64, WR_SIM_TRANSFERS_MAX = 3 };

/* An address that its chain's rule accepts: 0x + 40 hex, or P2WPKH. */
wr_status wr_sim_address(char out[WR_ADDRESS_MAX + 1], const wr_chain *chain,
                         uint64_t seed, wr_sim_wallet w, wr_err *err) WR_NODISCARD;
/* Of payment `number`, without 0x. */
void wr_sim_hash(char out[WR_SIM_HASH_HEX + 1], uint64_t seed, uint64_t number);

/* Texts of item point into the struct: do not copy it. */
typedef struct wr_sim_transfers {
    wr_transfer item[WR_SIM_TRANSFERS_MAX];
    uint32_t count;
    char wallet[3][WR_ADDRESS_MAX + 1]; /* payer, payee, change */
    char hub[WR_ADDRESS_MAX + 1];
    char hash[WR_SIM_HASH_HEX + 1];
} wr_sim_transfers;

wr_status wr_sim_transfers_fill(wr_sim_transfers *out, const wr_chain *chain,
                                uint64_t seed, const wr_sim_payment *p,
                                wr_err *err) WR_NODISCARD;

#endif
