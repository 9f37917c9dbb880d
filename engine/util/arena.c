#include "util/arena.h"

#include <stdint.h>

#include "util/mem.h"

enum { ALIGN = 16, BLOCK_MIN = 4096, BLOCK_MAX = 1 << 20 };

struct wr_arena_block {
    struct wr_arena_block *next;
    size_t cap;
    size_t used;
    size_t dirty; /* bytes that an earlier round may have written; beyond it all is 0 */
    _Alignas(ALIGN) unsigned char data[];
};

static void free_list(struct wr_arena_block *b)
{
    while (b) {
        struct wr_arena_block *next = b->next;
        wr_free(b);
        b = next;
    }
}

/* First spare block with room, unlinked; NULL when there is none. */
static struct wr_arena_block *take_spare(wr_arena *a, size_t bytes)
{
    for (struct wr_arena_block **at = &a->spare; *at; at = &(*at)->next) {
        struct wr_arena_block *b = *at;
        if (b->cap >= bytes) {
            *at = b->next;
            return b;
        }
    }
    return NULL;
}

static struct wr_arena_block *new_block(const wr_arena *a, size_t bytes)
{
#ifdef WR_ARENA_DEBUG
    (void)a;
    size_t cap = bytes;
#else
    size_t cap = a->head ? a->head->cap * 2 : BLOCK_MIN;
    if (cap > BLOCK_MAX)
        cap = BLOCK_MAX;
    if (cap < bytes)
        cap = bytes;
#endif
    size_t total;
    if (__builtin_add_overflow(cap, sizeof(struct wr_arena_block), &total))
        return NULL;
    struct wr_arena_block *b = wr_calloc(1, total);
    if (b)
        b->cap = cap;
    return b;
}

void wr_arena_init(wr_arena *a, size_t max_bytes)
{
    *a = (wr_arena){.max_bytes = max_bytes};
}

void wr_arena_release(wr_arena *a)
{
    free_list(a->head);
    free_list(a->spare);
    a->head = NULL;
    a->spare = NULL;
    a->used_bytes = 0;
}

void wr_arena_reset(wr_arena *a)
{
#ifdef WR_ARENA_DEBUG
    wr_arena_release(a);
#else
    while (a->head) {
        struct wr_arena_block *b = a->head;
        a->head = b->next;
        b->dirty = b->dirty > b->used ? b->dirty : b->used;
        b->used = 0;
        b->next = a->spare;
        a->spare = b;
    }
    a->used_bytes = 0;
#endif
}

void *wr_arena_alloc(wr_arena *a, size_t bytes)
{
    size_t want = bytes ? bytes : 1;
    if (want > PTRDIFF_MAX - ALIGN) /* no object is larger; sanitizers abort on it */
        return NULL;
    want = (want + ALIGN - 1) / ALIGN * ALIGN;
    size_t used;
    if (__builtin_add_overflow(a->used_bytes, want, &used) ||
        (a->max_bytes && used > a->max_bytes))
        return NULL;

    struct wr_arena_block *b = a->head;
    if (!b || b->cap - b->used < want) {
        b = take_spare(a, want);
        if (!b)
            b = new_block(a, want);
        if (!b)
            return NULL;
        b->next = a->head;
        a->head = b;
    }
    unsigned char *p = b->data + b->used;
    if (b->used < b->dirty)
        memset(p, 0, want < b->dirty - b->used ? want : b->dirty - b->used);
    b->used += want;
    a->used_bytes = used;
    return p;
}

wr_text wr_arena_text(wr_arena *a, wr_text t)
{
    if (!t.p)
        return (wr_text){0};
    char *p = wr_arena_alloc(a, (size_t)t.len + 1);
    if (!p)
        return (wr_text){0};
    if (t.len)
        memcpy(p, t.p, t.len);
    return (wr_text){.p = p, .len = t.len};
}
