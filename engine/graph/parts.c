#include <string.h>

#include "graph/parts_int.h"

enum { BLOCK_MIN = 1 << 14, BLOCKS_MAX = 64 };

wr_status wr_parts_init(wr_parts *p, uint64_t m, uint32_t buckets, wr_err *err)
{
    wr_parts fresh = {.m = m, .buckets = buckets};
    fresh.block_len = m / BLOCKS_MAX + 1 > BLOCK_MIN ? m / BLOCKS_MAX + 1 : BLOCK_MIN;
    fresh.blocks = (uint32_t)((m + fresh.block_len - 1) / fresh.block_len);
    fresh.at = wr_calloc((size_t)fresh.blocks * buckets, sizeof *fresh.at);
    fresh.start = wr_calloc(buckets + (size_t)1, sizeof *fresh.start);
    if (!fresh.at || !fresh.start) {
        wr_parts_release(&fresh);
        return wr_fail(err, WR_ENOMEM, "%u blocks of %u buckets", fresh.blocks, buckets);
    }
    *p = fresh;
    return WR_OK;
}

void wr_parts_release(wr_parts *p)
{
    wr_free(p->at);
    wr_free(p->start);
    *p = (wr_parts){0};
}

void wr_parts_prefix(wr_parts *p)
{
    uint64_t sum = 0;
    for (uint32_t k = 0; k < p->buckets; k++) {
        p->start[k] = sum;
        for (uint32_t b = 0; b < p->blocks; b++) {
            uint32_t *at = &p->at[(size_t)b * p->buckets + k];
            const uint32_t count = *at;
            *at = (uint32_t)sum;
            sum += count;
        }
    }
    p->start[p->buckets] = sum;
}
