#include "store/history_int.h"

#include <stdbool.h>

static size_t put_varint(uint8_t *p, uint32_t v)
{
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        p[n++] = (uint8_t)(v | 0x80);
    p[n++] = (uint8_t)v;
    return n;
}

/* false: the piece ends before the number does, or it has over 32 bits. */
static bool get_varint(wr_text *t, uint32_t *v)
{
    uint64_t all = 0;
    for (unsigned shift = 0; t->len && shift < 35; shift += 7) {
        const uint8_t b = (uint8_t)*t->p;
        t->p++;
        t->len--;
        all |= (uint64_t)(b & 0x7f) << shift;
        if (b < 0x80) {
            *v = (uint32_t)all;
            return all <= UINT32_MAX;
        }
    }
    return false;
}

size_t wr_history_pack(uint8_t out[WR_HISTORY_PIECE_BYTES], const wr_history_pair *pair,
                       size_t count)
{
    size_t len = 0;
    uint32_t wallet = 0;
    uint32_t seq = 0; /* from the block's begin */
    for (size_t i = 0; i < count; i++) {
        const uint32_t next = wr_history_wallet(pair[i]);
        if (next != wallet)
            seq = 0;
        len += put_varint(out + len, next - wallet);
        len += put_varint(out + len, (uint32_t)pair[i] - seq);
        wallet = next;
        seq = (uint32_t)pair[i];
    }
    return len;
}

wr_status wr_history_unpack(int64_t *seq, size_t *count, wr_text piece, uint32_t wallet,
                            int64_t after, wr_err *err)
{
    uint64_t at_wallet = 0;
    uint64_t at_seq = 0; /* from the block's begin */
    size_t n = 0;
    while (piece.len && at_wallet <= wallet) {
        uint32_t wallets;
        uint32_t seqs;
        if (!get_varint(&piece, &wallets) || !get_varint(&piece, &seqs))
            return wr_fail(err, WR_ECORRUPT,
                           "wallet_history: a piece ends inside a pair or holds a number "
                           "over 32 bits");
        at_seq = (wallets ? 0 : at_seq) + seqs;
        at_wallet += wallets;
        if (at_wallet != wallet)
            continue;
        if (n == WR_HISTORY_PIECE_PAIRS)
            return wr_fail(err, WR_ECORRUPT, "wallet_history: a piece of over %d pairs",
                           (int)WR_HISTORY_PIECE_PAIRS);
        seq[n++] = after + (int64_t)at_seq;
    }
    *count = n;
    return WR_OK;
}
