/*
 * Keys of records that bring none.  The order of the parts and the hash are part of the
 * stored key: changing them makes loaded files load again.  A test pins known answers.
 */
#include "codec/decode_int.h"
#include "codec/key_hash_int.h"

enum {
    PARTS_MAX = WR_CHAIN_ID_MAX + 2 * WR_ADDRESS_MAX + WR_ASSET_MAX + WR_MEMO_MAX + 64
};

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
    uint64_t part[2];
    wr_key_hash(part, buf, n);
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
    uint64_t part[2];
    wr_key_hash(part, buf, n);
    return UINT32_C(1) << 30 | (uint32_t)(part[0] >> 34);
}
