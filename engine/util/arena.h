/*
 * arena.h - bump allocator for one batch, request or build phase; freed whole.
 *
 * Blocks grow geometrically up to 1 MiB (a bigger piece gets its own).  Nothing is
 * freed alone; wr_arena_reset keeps the blocks for the next batch, so a steady reader
 * allocates only in its first rounds.  With WR_ARENA_DEBUG every piece is its own block
 * and reset frees them, so that ASan sees overruns and stale pointers.
 * Thread: one object one thread.
 */
#ifndef WR_UTIL_ARENA_H
#define WR_UTIL_ARENA_H

#include <stddef.h>

#include "util/err.h"
#include "util/text.h"

typedef struct wr_arena {
    struct wr_arena_block *head;  /* block that pieces are cut from, older behind it */
    struct wr_arena_block *spare; /* emptied by reset, taken again before new ones */
    size_t max_bytes;             /* 0 = no limit; over it allocation gives NULL */
    size_t used_bytes;            /* handed out since the last reset, rounded up to 16 */
} wr_arena;

void wr_arena_init(wr_arena *a, size_t max_bytes);
void wr_arena_release(wr_arena *a); /* safe on a zeroed struct */
void wr_arena_reset(wr_arena *a);

/* Zeroed, 16-byte aligned; NULL when out of memory or over max_bytes. */
void *wr_arena_alloc(wr_arena *a, size_t bytes) WR_NODISCARD;

/* Copy of t's bytes plus a NUL; {NULL,0} on failure when t.len > 0 or t.p != NULL. */
wr_text wr_arena_text(wr_arena *a, wr_text t) WR_NODISCARD;

#endif
