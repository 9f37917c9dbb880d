/*
 * random_store.h - a store so full that a load reads it over several handles.
 *
 * Transfer k is the same in every store: wallets "w<a>" and "w<b>" of RANDOM_WALLETS,
 * times that go up and down, three assets.
 */
#ifndef WR_TEST_RANDOM_STORE_H
#define WR_TEST_RANDOM_STORE_H

#include <stdio.h>

#include "store/store.h"
#include "util/rng.h"
#include "wr_test.h"

enum {
    RANDOM_WALLETS = 5000,
    RANDOM_TRANSFERS = 150000, /* two shares of pipeline/input/load.c */
    RANDOM_BATCH = 10000,
};

typedef struct random_text {
    char hash[24], from[16], to[16];
} random_text;

static inline wr_transfer random_transfer(random_text *x, const wr_chain *chain,
                                          uint32_t k)
{
    static const char *const asset[] = {"A", "B", "C"};
    wr_rng r = {.s = k * UINT64_C(7919) + 1};
    (void)snprintf(x->hash, sizeof x->hash, "h%u", k);
    (void)snprintf(x->from, sizeof x->from, "w%u",
                   (unsigned)wr_rng_below(&r, RANDOM_WALLETS));
    (void)snprintf(x->to, sizeof x->to, "w%u",
                   (unsigned)wr_rng_below(&r, RANDOM_WALLETS));
    const uint64_t value = wr_rng_below(&r, 1000);
    return (wr_transfer){
        .chain = chain,
        .tx_hash = wr_text_of(x->hash),
        .block = -1,
        .time_s = 1577836800 + k / 4 + (int64_t)wr_rng_below(&r, 3000),
        .from = wr_text_of(x->from),
        .to = wr_text_of(x->to),
        .asset = wr_text_of(asset[wr_rng_below(&r, 3)]),
        .amount_base = (wr_amount)value * 100,
        .decimals = 2,
        .flags = wr_rng_below(&r, 5) ? 0 : WR_TRANSFER_UNPRICED,
        .value = (double)value,
    };
}

/* Transfers first .. first + n - 1. */
static inline void random_put(wr_store *st, uint32_t first, uint32_t n)
{
    const wr_chain *chain = NULL;
    WR_AUTO_ARRAY random_text *text = wr_calloc(RANDOM_BATCH, sizeof *text);
    WR_AUTO_ARRAY wr_transfer *t = wr_calloc(RANDOM_BATCH, sizeof *t);
    assert_ok(wr_chain_find(&chain, WR_TEXT_LIT("opaque:test"), &err));
    assert_non_null(text);
    assert_non_null(t);
    for (uint32_t at = 0; at < n; at += RANDOM_BATCH) {
        const uint32_t rows = n - at < RANDOM_BATCH ? n - at : RANDOM_BATCH;
        for (uint32_t i = 0; i < rows; i++)
            t[i] = random_transfer(&text[i], chain, first + at + i);
        const wr_put put = {.transfer = t, .transfer_count = rows};
        wr_put_result res;
        assert_ok(wr_store_put(st, &put, NULL, &res, &err));
        assert_int_equal(res.inserted, rows);
    }
}

#endif
