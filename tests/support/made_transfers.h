/*
 * made_transfers.h - made-up transfers, by number.
 *
 * Transfer k is the same whoever makes it: a hash of its own, wallets "w<a>" and "w<b>"
 * out of `wallets`, amount k + 1 + salt.  Another salt is other content under the same
 * key.
 */
#ifndef WR_TEST_MADE_TRANSFERS_H
#define WR_TEST_MADE_TRANSFERS_H

#include <stdint.h>
#include <stdio.h>

#include "store/store.h"
#include "util/rng.h"

typedef struct made_transfer {
    char hash[65], from[24], to[24];
} made_transfer;

static inline wr_transfer make_transfer(made_transfer *m, const wr_chain *chain,
                                        uint64_t k, uint64_t wallets, uint64_t salt)
{
    wr_rng r = {.s = k * 7919 + 1};
    for (size_t i = 0; i < 4; i++)
        (void)snprintf(m->hash + 16 * i, 17, "%016llx",
                       (unsigned long long)wr_rng_u64(&r));
    (void)snprintf(m->from, sizeof m->from, "w%llu",
                   (unsigned long long)wr_rng_below(&r, wallets));
    (void)snprintf(m->to, sizeof m->to, "w%llu",
                   (unsigned long long)wr_rng_below(&r, wallets));
    return (wr_transfer){
        .chain = chain,
        .tx_hash = {.p = m->hash, .len = 64},
        .position = (uint32_t)(k % 3),
        .block = (int64_t)(k / 10),
        .time_s = WR_TIME_MIN_S + 1000000 + (int64_t)k,
        .from = wr_text_of(m->from),
        .to = wr_text_of(m->to),
        .asset = WR_TEXT_LIT("COIN"),
        .amount_base = (wr_amount)k + 1 + salt,
        .decimals = 2,
        .flags = WR_TRANSFER_UNPRICED,
        .value = (double)(k + 1) / 100,
    };
}

#endif
