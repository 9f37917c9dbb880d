#include "util/mem.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#ifdef WR_TESTING
#    include <stdatomic.h>
#    include <stdbool.h>

static atomic_long fail_after = -1;
static atomic_long live;

void wr_mem_test_fail_after(long n)
{
    atomic_store(&fail_after, n);
}

long wr_mem_test_live(void)
{
    return atomic_load(&live);
}

static bool should_fail(void)
{
    long n = atomic_load(&fail_after);
    if (n < 0)
        return false;
    if (n == 0)
        return true;
    atomic_fetch_sub(&fail_after, 1);
    return false;
}

static void *counted(void *p)
{
    if (p)
        atomic_fetch_add(&live, 1);
    return p;
}
#else
static int should_fail(void)
{
    return 0;
}

static void *counted(void *p)
{
    return p;
}
#endif

void *wr_calloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || should_fail())
        return NULL;
    return counted(calloc(1, bytes ? bytes : 1));
}

void wr_free(void *p)
{
#ifdef WR_TESTING
    if (p)
        atomic_fetch_sub(&live, 1);
#endif
    free(p);
}

enum { FIRST = 4 }; /* elements: a wallet's lists are millions, and most stay short */

void *wr_grow(void *p, size_t *cap, size_t want, size_t size)
{
    if (p && want <= *cap)
        return p;
    size_t next = *cap < FIRST ? FIRST : *cap;
    while (next < want)
        if (__builtin_add_overflow(next, next / 2, &next))
            return NULL;
    size_t bytes;
    if (__builtin_mul_overflow(next, size, &bytes) || should_fail())
        return NULL;
    void *q = realloc(p, bytes);
    if (!q)
        return NULL;
    if (!p)
        (void)counted(q);
    *cap = next;
    return q;
}

void *wr_fit(void *p, size_t count, size_t size)
{
    void *q = p ? realloc(p, count ? count * size : size) : NULL;
    return q ? q : p; /* p has the room, and is still there when it cannot shrink */
}

enum { HUGE = 2 << 20 }; /* bytes of a huge page */

void *wr_alloc_big(size_t count, size_t size)
{
    enum { LINE = 64 };
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 2 ||
        should_fail())
        return NULL;
    size_t align = bytes >= HUGE ? HUGE : LINE;
    bytes = (bytes / align + 1) * align; /* also what aligned_alloc asks for */
    void *p = aligned_alloc(align, bytes);
    if (p && align == HUGE)
        (void)madvise(p, bytes, MADV_HUGEPAGE); /* advice: a refusal costs only speed */
    return counted(p);
}

size_t wr_block_bytes(const void *p)
{
    void *block; /* malloc_usable_size only looks */
    memcpy(&block, &p, sizeof block);
    return malloc_usable_size(block);
}

size_t wr_heap_bytes(void)
{
    const struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

void wr_mem_give_back_big(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, HUGE);
    (void)mallopt(M_TRIM_THRESHOLD, HUGE); /* so much free at an arena's end may stay */
}

void wr_mem_trim(void)
{
    (void)malloc_trim(0);
}
