/*
 * mark_int.h - running digest of the bytes taken so far, whatever pieces they came in.
 *
 * Blocks of 4 KiB are hashed one by one (on all threads when there are many) and their
 * values chained; the value mixes in the open block.  It tells whether a file still
 * begins as it did; it is no evidence.
 */
#ifndef WR_CODEC_MARK_INT_H
#define WR_CODEC_MARK_INT_H

#include <stddef.h>
#include <stdint.h>

enum { WR_PREFIX_BLOCK = 4096, WR_PREFIX_RUN = 1024 /* blocks hashed at once */ };

typedef struct wr_prefix {
    uint64_t state;
    size_t fill;
    char block[WR_PREFIX_BLOCK];
    uint64_t run[WR_PREFIX_RUN];
} wr_prefix;

void wr_prefix_add(wr_prefix *p, const char *bytes, size_t len);
uint64_t wr_prefix_value(const wr_prefix *p);

#endif
