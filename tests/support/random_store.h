/*
 * random_store.h - a store so full that a load reads it over several handles.
 *
 * Transfer k is the same in every store: that of made_transfers.h, with times that go up
 * and down, three assets, and some values in dollars.
 */
#ifndef WR_TEST_RANDOM_STORE_H
#define WR_TEST_RANDOM_STORE_H

#include "made_transfers.h"
#include "wr_test.h"

enum {
    RANDOM_WALLETS = 5000,
    RANDOM_TRANSFERS = 150000, /* two shares of pipeline/input/load.c */
    RANDOM_BATCH = 10000,
};

static inline wr_transfer random_transfer(made_transfer *m, const wr_chain *chain,
                                          uint32_t k)
{
    static const char *const asset[] = {"A", "B", "C"};
    wr_rng r = {.s = k};
    wr_transfer t = make_transfer(m, chain, k, RANDOM_WALLETS, 0);
    t.time_s += (int64_t)wr_rng_below(&r, 10000);
    t.asset = wr_text_of(asset[wr_rng_below(&r, 3)]);
    t.flags = wr_rng_below(&r, 5) ? 0 : WR_TRANSFER_UNPRICED;
    return t;
}

/* Transfers first .. first + n - 1. */
static inline void random_put(wr_store *st, uint32_t first, uint32_t n)
{
    const wr_chain *chain = NULL;
    WR_AUTO_ARRAY made_transfer *text = wr_calloc(RANDOM_BATCH, sizeof *text);
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
