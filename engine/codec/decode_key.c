/*
 * Keys of records that bring none.  The two seeds and the order of the parts are part of
 * the stored key: changing them (or wr_hash64) makes loaded files load again.  A test
 * pins known answers.
 */
#include "codec/decode_int.h"
#include "util/digest.h"

enum {
    PARTS_MAX = WR_CHAIN_ID_MAX + 2 * WR_ADDRESS_MAX + WR_ASSET_MAX + WR_MEMO_MAX + 64
};

static const uint64_t SEED_HIGH = UINT64_C(0x77616c6c65747269); /* "walletri" */
static const uint64_t SEED_LOW = UINT64_C(0x736b2d6b65792d31);  /* "sk-key-1" */

static size_t put_text(unsigned char *to, wr_text t)
{
    if (t.len)
        memcpy(to, t.p, t.len);
    to[t.len] = 0; /* no text has one inside */
    return (size_t)t.len + 1;
}

static size_t put_u64(unsigned char *to, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        to[i] = (unsigned char)(v >> (8 * i));
    return 8;
}

/* What two equal records share; without a hash also time, block and memo. */
static size_t put_content(unsigned char buf[PARTS_MAX], const wr_transfer *t,
                          bool is_whole)
{
    size_t n = put_text(buf, wr_text_of(t->chain->id));
    n += put_text(buf + n, t->from);
    n += put_text(buf + n, t->to);
    n += put_text(buf + n, t->asset);
    n += put_u64(buf + n, (uint64_t)t->amount_base);
    n += put_u64(buf + n, (uint64_t)(t->amount_base >> 64));
    if (is_whole) {
        n += put_u64(buf + n, (uint64_t)t->time_s);
        n += put_u64(buf + n, (uint64_t)t->block);
        n += put_text(buf + n, t->memo);
    }
    return n;
}

bool wr_decode_derive_hash(wr_decode *w, wr_transfer *t)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char buf[PARTS_MAX];
    const size_t n = put_content(buf, t, true);
    const uint64_t part[2] = {wr_hash64(buf, n, SEED_HIGH), wr_hash64(buf, n, SEED_LOW)};
    char text[8 + 32] = "derived:";
    for (int i = 0; i < 32; i++)
        text[8 + i] = hex[part[i / 16] >> (60 - 4 * (i % 16)) & 15];
    t->tx_hash = wr_arena_text(w->arena, (wr_text){.p = text, .len = sizeof text});
    w->is_nomem = w->is_nomem || !t->tx_hash.p;
    w->key = part[0] ? part[0] : 1;
    return !w->is_nomem;
}

uint32_t wr_decode_derive_position(const wr_transfer *t)
{
    unsigned char buf[PARTS_MAX];
    const size_t n = put_content(buf, t, false);
    return UINT32_C(1) << 30 | (uint32_t)(wr_hash64(buf, n, SEED_LOW) >> 34);
}
