/*
 * ids.h - wallet <-> vertex: the one place where an address becomes a vertex.
 *
 * Wallets are added in ascending wallet id; the k-th one added is vertex k.  Text lives
 * in one pool; chains are a byte-wide index.  Lookup by (chain, address) is an open
 * addressing table of vertices; by wallet id a binary search (or identity, when ids are
 * 1..n without gaps).
 * Thread: one thread while adding; immutable after wr_snapshot_build took it.
 */
#ifndef WR_GRAPH_IDS_H
#define WR_GRAPH_IDS_H

#include "model/address.h"
#include "util/mem.h"

typedef struct wr_ids wr_ids;

enum { WR_IDS_CHAIN_MAX = 256 };

wr_status wr_ids_new(wr_ids **out, wr_err *err) WR_NODISCARD;
void wr_ids_free(wr_ids *ids); /* accepts NULL */
WR_DEFINE_AUTO(wr_ids, wr_ids_free)

/*
 * The next vertex.  Text is copied.
 *
 * Errors  WR_EINVAL (wallet id not above the last one), WR_ECONFLICT (the same chain and
 *         address twice), WR_ELIMIT (more than 256 chains, 2^32-1 wallets), WR_ENOMEM;
 *         a failed call leaves ids as they were
 * Cost    amortised O(length)
 */
wr_status wr_ids_add(wr_ids *ids, uint32_t wallet_id, const wr_chain *chain,
                     wr_text address, wr_err *err) WR_NODISCARD;

uint32_t wr_ids_count(const wr_ids *ids);
/* UINT32_MAX when absent. */
uint32_t wr_ids_vertex(const wr_ids *ids, const wr_chain *chain, wr_text address);
uint32_t wr_ids_vertex_of_wallet(const wr_ids *ids, uint32_t wallet_id);
/* Borrowed; v < count. */
uint32_t wr_ids_wallet(const wr_ids *ids, uint32_t v);
const wr_chain *wr_ids_chain(const wr_ids *ids, uint32_t v);
wr_text wr_ids_address(const wr_ids *ids, uint32_t v);
uint64_t wr_ids_bytes(const wr_ids *ids);

#endif
