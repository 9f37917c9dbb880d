/*
 * bench_graph.h - the two made graphs that benches of graph/ and scoring/ run on.
 *
 * Ids are scattered by an odd multiplier: no neighbours lie together, as in real data,
 * where ids follow first appearance.
 */
#ifndef WR_BENCH_GRAPH_H
#define WR_BENCH_GRAPH_H

#include "graph/snapshot.h"
#include "util/rng.h"

/* Rank ~ u^3: density falls like rank^-2/3. */
static inline wr_vid bench_power_vertex(wr_rng *r, uint32_t n)
{
    const double u = wr_rng_unit(r);
    const uint64_t rank = (uint64_t)((double)n * u * u * u);
    return (wr_vid)(rank * 2654435761U % n);
}

/* Recursive matrix with the Graph 500 parameters; n a power of two. */
static inline void bench_kron_edge(wr_rng *r, uint32_t n, wr_vid *from, wr_vid *to)
{
    uint32_t u = 0;
    uint32_t v = 0;
    for (uint32_t bit = 1; bit < n; bit <<= 1) {
        const double x = wr_rng_unit(r);
        u |= x >= 0.76 ? bit : 0;
        v |= (x >= 0.57 && x < 0.76) || x >= 0.95 ? bit : 0;
    }
    *from = u * 2654435761U & (n - 1);
    *to = v * 2654435761U & (n - 1);
}

#endif
