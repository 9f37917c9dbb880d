/*
 * mem.h - checked allocation and scope-bound ownership.
 *
 * Shapes are spelled out (`count` elements of `size` bytes); the product is
 * checked for overflow.  Sizes are bytes.  Thread-safe (libc allocator).
 */
#ifndef WR_UTIL_MEM_H
#define WR_UTIL_MEM_H

#include <stddef.h>

#include "util/err.h"

/* Zeroed array, NULL on overflow or out of memory.  count == 0 gives a valid block. */
void *wr_calloc(size_t count, size_t size) WR_NODISCARD;

/* free(); accepts NULL.  Frees every block of this header. */
void wr_free(void *p);

/*
 * Room for at least `want` elements: returns p or a moved block (the new part is NOT
 * zeroed) and updates *cap (elements); grows by half, so appending is O(1)
 * amortised and a third at most stands empty.
 * NULL on overflow or out of memory: p and *cap are then unchanged and still owned.
 */
void *wr_grow(void *p, size_t *cap, size_t want, size_t size) WR_NODISCARD;

/*
 * What wr_grow has given too much goes back, of an array that stays as it is from now on:
 * room for `count` elements, one at least.  Returns p or a moved block, NULL for NULL.
 */
void *wr_fit(void *p, size_t count, size_t size) WR_NODISCARD;

/*
 * Big array that kernels gather from: not zeroed, 64-byte aligned, and above 2 MiB
 * aligned to huge pages and asked for with madvise(MADV_HUGEPAGE).  NULL as wr_calloc.
 */
void *wr_alloc_big(size_t count, size_t size) WR_NODISCARD;

/* Bytes that a block of this header takes from the allocator; 0 for NULL.  O(1) */
size_t wr_block_bytes(const void *p);

/*
 * The same for a block of `bytes` that need not be touched, with what glibc adds: 8 bytes
 * before it, steps of 16, 32 at least.  0 for 0: there is no block.
 */
static inline size_t wr_block_share(size_t bytes)
{
    const size_t step = (bytes + 8 + 15) & ~(size_t)15;
    return bytes == 0 ? 0 : step < 32 ? 32 : step;
}

/* What the allocator has given out and not got back, blocks of libraries among it. */
size_t wr_heap_bytes(void);

/*
 * For a process that stays: from here on a block of 2 MiB or more is a mapping of its own
 * (but where a free stretch among small blocks has room for it) and goes back to the
 * system when it is freed.  Left alone glibc keeps, from the first such block on that is
 * freed, all up to 32 MiB for later, among small blocks, and the huge pages that were
 * asked for them stay resident under whatever small comes next.
 * Call it before threads begin.  Cost  fresh pages for every big block
 */
void wr_mem_give_back_big(void);

/*
 * What was freed goes back to the system, as far as the allocator kept it.
 * Cost  a look at all that is free; allocations of other threads wait for a part of it
 */
void wr_mem_trim(void);

/*
 * Owned local: freed when the scope ends, on every path.
 *
 *     WR_AUTO(wr_graph) g = NULL;
 *     WR_TRY(wr_graph_build(&g, ...));
 *     *out = WR_STEAL(g);          // ownership moves out, nothing is freed
 *     return WR_OK;
 */
/* NOLINTBEGIN(bugprone-macro-parentheses): a type name cannot be parenthesised */
#define WR_DEFINE_AUTO(type, free_fn)              \
    static inline void type##_auto_free_(type **p) \
    {                                              \
        free_fn(*p);                               \
    }
#define WR_AUTO(type) __attribute__((cleanup(type##_auto_free_))) type *
/* NOLINTEND(bugprone-macro-parentheses) */
#define WR_AUTO_ARRAY __attribute__((cleanup(wr_auto_array_free_)))
#define WR_STEAL(ptr) wr_steal_(&(ptr))

static inline void wr_auto_array_free_(void *pp)
{
    void *p;
    __builtin_memcpy(&p, pp, sizeof p);
    wr_free(p);
}

static inline void *wr_steal_(void *pp)
{
    void *p;
    void *null = NULL;
    __builtin_memcpy(&p, pp, sizeof p);
    __builtin_memcpy(pp, &null, sizeof null);
    return p;
}

#ifdef WR_TESTING
/* Let `n` allocations succeed, then fail every later one; n < 0 turns it off. */
void wr_mem_test_fail_after(long n);
/* Blocks allocated and not yet freed. */
long wr_mem_test_live(void);
#endif

#endif
