/*
 * subgraph.h - a bounded neighbourhood of some vertices, for people and their tools.
 *
 * Breadth first from the seeds.  Hubs (UTXO transactions) are transparent: the step out
 * of a hub costs no hop, so input address -> transaction -> output address is one hop,
 * and the hub carries the hop of its far side; what hangs on a hub that is a seed itself
 * is at hop 0.  A pair counts as connected when its transfers inside the time range sum
 * up to at least min_value.
 *
 * When the node cap bites, the nodes of the round that does not fit are taken by larger
 * value of their strongest connection to the nodes before them, ties by smaller vertex,
 * and is_truncated says so.  Edges are all connected pairs between two nodes that stayed
 * (the induced subgraph, whatever the direction of the search); self-transfers are left
 * out, as in the pairs of the snapshot.
 */
#ifndef WR_GRAPH_SUBGRAPH_H
#define WR_GRAPH_SUBGRAPH_H

#include "graph/snapshot.h"
#include "model/score.h"

#define WR_SUBGRAPH_HOPS_MAX  UINT32_C(32)
#define WR_SUBGRAPH_NODES_MAX UINT32_C(1000000)
#define WR_SUBGRAPH_EDGES_MAX UINT64_C(10000000)
#define WR_SUBGRAPH_BOTH      (-1)
#define WR_TRANSFER_NONE      UINT64_MAX

typedef struct wr_subgraph_query {
    const wr_vid *seed; /* [seeds] repeats are harmless */
    size_t seeds;
    uint32_t hops_max; /* 0..WR_SUBGRAPH_HOPS_MAX */
    int direction; /* WR_SUBGRAPH_BOTH, WR_RECEIVING (where from), WR_SENDING (where to)
                    */
    double min_value;      /* finite, >= 0 */
    uint32_t from_s, to_s; /* transfers in [from_s, to_s], both ends included */
    uint32_t nodes_max; /* 1..WR_SUBGRAPH_NODES_MAX; distinct seeds count and must fit */
    uint64_t
        edges_max; /* 1..WR_SUBGRAPH_EDGES_MAX; over it WR_ELIMIT, never a silent cut */
    bool is_transfer_level; /* an edge per transfer instead of per pair */
} wr_subgraph_query;

#define WR_SUBGRAPH_QUERY_INIT                                            \
    {                                                                     \
        .hops_max = 2, .direction = WR_SUBGRAPH_BOTH, .to_s = UINT32_MAX, \
        .nodes_max = 2000, .edges_max = WR_SUBGRAPH_EDGES_MAX             \
    }

typedef struct wr_subgraph_node {
    wr_vid v;
    uint32_t hop;
} wr_subgraph_node;

typedef struct wr_subgraph_edge {
    uint32_t from, to;        /* node numbers */
    uint32_t count;           /* transfers in it; 1 at transfer level */
    uint32_t first_s, last_s; /* times of the first and last of them */
    double value;             /* their sum, in column order */
    uint64_t transfer;        /* column position; WR_TRANSFER_NONE at pair level */
} wr_subgraph_edge;

typedef struct wr_subgraph {
    uint32_t n;
    uint64_t m;
    wr_subgraph_node *node; /* [n] ascending by (hop, v) */
    wr_subgraph_edge *edge; /* [m] ascending by (from, to, transfer) */
    bool is_transfer_level;
    bool is_truncated; /* the node cap left something out */
} wr_subgraph;

/*
 * Errors  WR_EINVAL (an option outside its range, a seed >= n, no seed: names it),
 *         WR_ELIMIT (more than edges_max edges, more seeds than nodes_max), WR_ENOMEM
 * Cost    pairs of the visited nodes (their transfers, when a time range is set), plus
 *         for every edge the transfers of its less busy end
 * Thread  safe; reads g only
 */
wr_status wr_subgraph_extract(wr_subgraph *out, const wr_snapshot *g,
                              const wr_subgraph_query *q, wr_err *err) WR_NODISCARD;
void wr_subgraph_release(wr_subgraph *s); /* safe on a zeroed struct */
WR_DEFINE_AUTO(wr_subgraph, wr_subgraph_release)

#endif
