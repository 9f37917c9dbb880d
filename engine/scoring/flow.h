/*
 * flow.h - what every time-ordered kernel reads: transfers, labels, hubs.
 *
 * One pass in (time, seq) order is receiving: where did it come from.  The same pass over
 * reversed transfers in reverse order is sending: where did it go.  A kernel is written
 * once, for "payer u, payee v"; when sending the two change places.
 *
 * Rules shared by all of them (DESIGN 5.1):
 *   - a label counts at the time of the transfer (wr_seeds_at);
 *   - a labelled wallet is a stop: what enters it is absorbed, what leaves it starts anew
 *     (illicit and risky inject their category; services inject nothing);
 *   - hubs (UTXO transactions) cost no hop: a transfer into a hub adds none;
 *   - transfers to oneself and of value zero change nothing;
 *   - assets are separate states; what is reported is the sum over them in value units.
 *
 * Borrowed windows, immutable.  wr_flow_of takes them from a snapshot; tests and benches
 * fill the struct themselves.
 */
#ifndef WR_SCORING_FLOW_H
#define WR_SCORING_FLOW_H

#include "graph/snapshot.h"
#include "model/score.h"
#include "scoring/seeds.h"

typedef struct wr_flow {
    uint32_t n;
    wr_columns col;
    wr_rows in, out;          /* scoring/paths.h reads them; the others may find zeros */
    const uint64_t *hub_bits; /* [n+63/64], or NULL: no hub */
    const wr_seeds *seeds;    /* seeds->n == n */
} wr_flow;

static inline wr_flow wr_flow_of(const wr_snapshot *g, const wr_seeds *seeds)
{
    return (wr_flow){.n = wr_snapshot_n(g),
                     .col = wr_snapshot_columns(g),
                     .in = wr_snapshot_rows_in(g),
                     .out = wr_snapshot_rows_out(g),
                     .hub_bits = wr_snapshot_hub_bits(g),
                     .seeds = seeds};
}

static inline bool wr_flow_is_hub(const wr_flow *fl, wr_vid v)
{
    return fl->hub_bits && ((fl->hub_bits[v / 64] >> (v % 64)) & 1);
}

#endif
