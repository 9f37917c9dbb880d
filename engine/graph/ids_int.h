/*
 * ids_int.h - the arrays behind wr_ids; graph/ only (snapshot file, digest, check).
 *
 * Texts lie in one pool in vertex order; text_off[v] .. text_off[v+1] is vertex v.  A
 * slot is (upper half of the hash) << 32 | vertex, so that growing never reads a text
 * and a lookup reads one only when 32 bits of hash agree.  At most 3/4 of the slots are
 * used, so that probing ends.
 */
#ifndef WR_GRAPH_IDS_INT_H
#define WR_GRAPH_IDS_INT_H

#include <stdbool.h>

#include "graph/ids.h"

#define WR_IDS_SLOT_EMPTY UINT64_MAX

struct wr_ids {
    uint32_t n;
    uint32_t chain_count;
    const wr_chain *chain[WR_IDS_CHAIN_MAX]; /* in order of first use */
    uint32_t *wallet;                        /* [n], or NULL: vertex v is wallet v + 1 */
    uint8_t *chain_of;                       /* [n] index into chain */
    uint64_t *text_off;                      /* [n+1] */
    char *pool;                              /* [text_off[n]] */
    uint64_t *slot;                          /* [slots] */
    uint64_t slots;                          /* 0 or a power of two */
    size_t wallet_cap, chain_of_cap, text_off_cap, pool_cap;
    bool is_mapped; /* arrays belong to a mapped file: never added to, never freed */
};

/* Slots that n wallets need: a power of two, at most 3/4 full. */
uint64_t wr_ids_slots_for(uint64_t n);

/*
 * Every invariant above, and that each vertex is found by its own text.  O(text).
 * Errors  WR_ECORRUPT
 */
wr_status wr_ids_check(const wr_ids *ids, wr_err *err) WR_NODISCARD;

#endif
