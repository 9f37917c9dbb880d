/*
 * views.h - the pair windows of one graph, as the batch kernels take them.
 *
 * A kernel that walks pairs wants three things together: who paid whom (out), who was
 * paid by whom (in), and which vertices are UTXO transactions (hub bits).  Tests and
 * benches fill the struct themselves; everybody else takes it from a snapshot.
 * Thread: borrowed, immutable as long as the caller holds the snapshot.
 */
#ifndef WR_SCORING_VIEWS_H
#define WR_SCORING_VIEWS_H

#include "graph/snapshot.h"

typedef struct wr_views {
    wr_pairs out, in;
    const uint64_t *hub_bits; /* [n+63/64], or NULL: no hub */
} wr_views;

static inline wr_views wr_views_of(const wr_snapshot *g)
{
    return (wr_views){wr_snapshot_pairs_out(g), wr_snapshot_pairs_in(g),
                      wr_snapshot_hub_bits(g)};
}

static inline bool wr_views_is_hub(const wr_views *vw, wr_vid v)
{
    return vw->hub_bits && ((vw->hub_bits[v / 64] >> (v % 64)) & 1);
}

/* Neighbours of v in one direction; a self pair never stands in a row. */
static inline uint64_t wr_views_degree(const wr_pairs *p, wr_vid v)
{
    return p->off[v + 1ULL] - p->off[v];
}

/*
 * Nothing is known of u except v: every pair of u, in both directions, is with v.  (The
 * caller adds: and u carries no label.)  O(1).
 */
static inline bool wr_views_is_leaf_of(const wr_views *vw, wr_vid u, wr_vid v)
{
    uint64_t in = wr_views_degree(&vw->in, u), out = wr_views_degree(&vw->out, u);
    return in <= 1 && out <= 1 && (!in || vw->in.nbr[vw->in.off[u]] == v) &&
           (!out || vw->out.nbr[vw->out.off[u]] == v);
}

#endif
