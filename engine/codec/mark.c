#include "codec/mark_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/key_hash_int.h"
#include "codec/transfer_reader.h"

/* Both halves of a 128-bit product, folded. */
static inline uint64_t fold(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 u128;
    const u128 product = (u128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Four chains side by side: as fast as memory gives the bytes, one chain waits for
 * itself. */
static uint64_t block_hash(const char *p)
{
    static const uint64_t odd[4] = {
        UINT64_C(0xa0761d6478bd642f), UINT64_C(0xe7037ed1a0b428db),
        UINT64_C(0x8ebc6af09c88c6e3), UINT64_C(0x589965cc75374cc3)};
    uint64_t lane[4] = {odd[3], odd[2], odd[1], odd[0]};
    for (size_t i = 0; i < WR_PREFIX_BLOCK; i += 64)
        for (size_t k = 0; k < 4; k++)
            lane[k] = fold(wr_load_le64(p + i + 16 * k) ^ odd[k],
                           wr_load_le64(p + i + 16 * k + 8) ^ lane[k]);
    return fold(lane[0] ^ odd[0], lane[1] ^ odd[1]) ^
           fold(lane[2] ^ odd[2], lane[3] ^ odd[3]);
}

static void chain(wr_prefix *p, uint64_t value)
{
    p->state = fold(p->state ^ UINT64_C(0xa0761d6478bd642f),
                    value ^ UINT64_C(0xe7037ed1a0b428db));
}

/* count <= WR_PREFIX_RUN whole blocks. */
static void add_blocks(wr_prefix *p, const char *bytes, size_t count)
{
    uint64_t *run = p->run;
#pragma omp parallel for schedule(static) default(none) \
    shared(run, bytes, count) if (count >= 64)
    for (size_t i = 0; i < count; i++)
        run[i] = block_hash(bytes + i * WR_PREFIX_BLOCK);
    for (size_t i = 0; i < count; i++)
        chain(p, run[i]);
}

void wr_prefix_add(wr_prefix *p, const char *bytes, size_t len)
{
    while (len) {
        size_t n = len / WR_PREFIX_BLOCK;
        if (!p->fill && n) {
            n = n < WR_PREFIX_RUN ? n : WR_PREFIX_RUN;
            add_blocks(p, bytes, n);
            n *= WR_PREFIX_BLOCK;
        } else {
            const size_t room = WR_PREFIX_BLOCK - p->fill;
            n = len < room ? len : room;
            memcpy(p->block + p->fill, bytes, n);
            p->fill += n;
            if (p->fill == WR_PREFIX_BLOCK) {
                chain(p, block_hash(p->block));
                p->fill = 0;
            }
        }
        bytes += n;
        len -= n;
    }
}

uint64_t wr_prefix_value(const wr_prefix *p)
{
    uint64_t part[2];
    wr_key_hash(part, p->block, p->fill);
    return part[0] ^ p->state;
}

void wr_transfer_mark_format(char out[WR_TRANSFER_MARK_TEXT], const wr_transfer_mark *m)
{
    (void)snprintf(out, WR_TRANSFER_MARK_TEXT, "1:%llu:%llu:%016llx",
                   (unsigned long long)m->record, (unsigned long long)m->offset,
                   (unsigned long long)m->digest);
}

/* Digits of one part and what ends it; written again they must be the same text. */
static const char *part(const char *p, int base, char ends, uint64_t *out)
{
    char *end = NULL;
    *out = strtoull(p, &end, base);
    return end && *end == ends ? end + (ends != '\0') : NULL;
}

wr_status wr_transfer_mark_parse(wr_transfer_mark *m, wr_text t, wr_err *err)
{
    char text[WR_TRANSFER_MARK_TEXT] = "";
    char again[WR_TRANSFER_MARK_TEXT];
    wr_transfer_mark got = {0};
    if (t.len && t.len < sizeof text)
        memcpy(text, t.p, t.len);
    const char *p = strncmp(text, "1:", 2) == 0 ? text + 2 : NULL;
    p = p ? part(p, 10, ':', &got.record) : NULL;
    p = p ? part(p, 10, ':', &got.offset) : NULL;
    p = p ? part(p, 16, '\0', &got.digest) : NULL;
    if (p) {
        wr_transfer_mark_format(again, &got);
        if (strcmp(text, again) == 0) {
            *m = got;
            return WR_OK;
        }
    }
    return wr_fail(err, WR_EPARSE, "'%s' is no place in a file to go on at",
                   wr_text_quote(t, 60).s);
}
