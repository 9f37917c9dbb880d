/* delta_test.h - a base of numbered wallets and a delta behind it, for test_delta_*.c. */
#ifndef WR_TESTS_DELTA_TEST_H
#define WR_TESTS_DELTA_TEST_H

#include "graph/delta_int.h"
#include "graph_test.h"

/* The text of wallet k: "w7", or a hub's for every hub_every-th. */
__attribute__((unused)) static wr_text wallet_text(char name[80], uint32_t k,
                                                   uint32_t hub_every)
{
    const bool is_hub = hub_every && k % hub_every == 0;
    (void)snprintf(name, 80, is_hub ? "tx:%064" PRIx32 : "w%" PRIu32, k);
    return wr_text_of(name);
}

/* Wallets 1..n and no transfer. */
__attribute__((unused)) static wr_delta *bare_delta(uint32_t n)
{
    wr_edges none = {0};
    WR_AUTO(wr_snapshot) g = NULL;
    assert_ok(wr_snapshot_build(&g, &none, numbered_ids(n, 0), 0, NULL, &err));
    wr_delta *d = NULL;
    assert_ok(wr_delta_new(&d, g, &err));
    return d;
}

__attribute__((unused)) static bool append(wr_delta *d, wr_vid from, wr_vid to,
                                           uint32_t time_s, double value)
{
    const wr_delta_row row = {
        .seq = d->m, .value = value, .time_s = time_s, .from = from, .to = to};
    bool is_new = false;
    assert_ok(wr_delta_append(d, &row, &is_new, &err));
    return is_new;
}

#endif
