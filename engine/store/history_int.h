/*
 * history_int.h - (wallet, seq) pairs packed into the pieces of wallet_history.
 *
 * Two plain indexes (from_id, to_id) would cost more per row than everything else of an
 * insert together.  Instead, whenever some 100 000 transfers have come in, their
 * (wallet, seq) pairs are sorted and written as one block of pieces:
 *
 *   wallet_history
 *     upto_seq 131072 | piece 0: pairs (1,1) (1,7) (1,19) (2,3) …    at most 1024 pairs
 *                     | piece 1: first pair is its key …
 *     upto_seq 262144 | …
 *
 *   piece = per pair varint(wallet - previous wallet), then varint(seq - previous seq of
 *           the same wallet in this piece; a wallet's first one from the block's begin)
 *
 * That is one row per 1024 pairs, appended.  A look-up scans the transfers behind the
 * newest block, then seeks pieces block by block, newest first, and stops at its limit.
 * Both databases store the same bytes.  Thread: safe (caller's memory only).
 */
#ifndef WR_STORE_HISTORY_INT_H
#define WR_STORE_HISTORY_INT_H

#include <stddef.h>
#include <stdint.h>

#include "util/err.h"
#include "util/text.h"

enum {
    WR_HISTORY_PIECE_PAIRS = 1024,
    WR_HISTORY_PIECE_BYTES = WR_HISTORY_PIECE_PAIRS * 2 * 5 /* two varints of 32 bits */
};

/* (wallet, seq) in one word that sorts: wallet << 32 | seq - `after`, the block's begin.
 */
typedef uint64_t wr_history_pair;

static inline uint32_t wr_history_wallet(wr_history_pair p)
{
    return (uint32_t)(p >> 32);
}

static inline int64_t wr_history_seq(wr_history_pair p, int64_t after)
{
    return after + (int64_t)(uint32_t)p;
}

/* Pairs of one transfer at out[0], out[1]; returns how many: to oneself it is one. */
static inline size_t wr_history_pairs_of(wr_history_pair out[2], uint32_t from,
                                         uint32_t to, uint32_t seq_after)
{
    out[0] = (uint64_t)from << 32 | seq_after;
    out[1] = (uint64_t)to << 32 | seq_after;
    return from == to ? 1 : 2;
}

/* Bytes of a piece; pair [1 .. WR_HISTORY_PIECE_PAIRS] ascends.  Returns their number. */
size_t wr_history_pack(uint8_t out[WR_HISTORY_PIECE_BYTES], const wr_history_pair *pair,
                       size_t count);

/*
 * The seqs of one wallet in a piece of the block that begins behind `after`.
 *
 * seq     [WR_HISTORY_PIECE_PAIRS] ascending; count: how many
 * Errors  WR_ECORRUPT (breaks off inside a pair, a number over 32 bits, too many pairs)
 */
wr_status wr_history_unpack(int64_t *seq, size_t *count, wr_text piece, uint32_t wallet,
                            int64_t after, wr_err *err) WR_NODISCARD;

#endif
