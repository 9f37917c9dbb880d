#include "pipeline/live/board_pages.h"

#include <sched.h>

#include "util/mem.h"

enum {
    PAGE = 4096,
    PAGES = 1 << 20,       /* wallet ids are 32 bits */
    CHUNK_BYTES = 1 << 18, /* of records */
    SPINS = 64,            /* before a reader lets the writer run */
};

typedef struct wr_board_page {
    struct wr_board_page *next; /* the writer's list of all */
    wr_board_slot slot[PAGE];
} page;

typedef struct wr_board_chunk {
    struct wr_board_chunk *next;
    wr_board_word at[];
} chunk;

wr_status wr_board_pages_init(wr_board_pages *p, wr_err *err)
{
    p->page = wr_calloc(PAGES, sizeof *p->page);
    return p->page ? WR_OK : wr_fail(err, WR_ENOMEM, "board");
}

void wr_board_pages_release(wr_board_pages *p)
{
    for (page *x = p->pages; x;) {
        page *next = x->next;
        wr_free(x);
        x = next;
    }
    for (chunk *k = p->chunks; k;) {
        chunk *next = k->next;
        wr_free(k);
        k = next;
    }
    wr_free(p->page);
}

/* --- writing ---------------------------------------------------------------------------
 */

wr_board_slot *wr_board_slot_of(wr_board_pages *p, uint32_t wallet_id, wr_err *err)
{
    _Atomic(page *) *to = &p->page[wallet_id / PAGE];
    page *x = atomic_load_explicit(to, memory_order_relaxed);
    if (!x) {
        x = wr_calloc(1, sizeof *x);
        if (!x) {
            (void)wr_fail(err, WR_ENOMEM, "page of the board");
            return NULL;
        }
        atomic_fetch_add(&p->bytes, sizeof *x);
        x->next = p->pages;
        p->pages = x;
        atomic_store_explicit(to, x, memory_order_release);
    }
    return &x->slot[wallet_id % PAGE];
}

void *wr_board_record(wr_board_pages *p, size_t bytes, wr_err *err)
{
    const size_t words = (bytes + sizeof(wr_board_word) - 1) / sizeof(wr_board_word);
    if (!p->chunks || p->chunk_used + words > CHUNK_BYTES / sizeof(wr_board_word)) {
        chunk *k = wr_calloc(1, sizeof *k + CHUNK_BYTES);
        if (!k) {
            (void)wr_fail(err, WR_ENOMEM, "records of the board");
            return NULL;
        }
        k->next = p->chunks;
        p->chunks = k;
        p->chunk_used = 0;
        atomic_fetch_add(&p->bytes, sizeof *k + CHUNK_BYTES);
    }
    void *at = p->chunks->at + p->chunk_used;
    p->chunk_used += words;
    return at;
}

void wr_board_pages_begin(wr_board_pages *p)
{
    const uint64_t v = atomic_load_explicit(&p->version, memory_order_relaxed);
    atomic_store_explicit(&p->version, v + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
}

void wr_board_pages_end(wr_board_pages *p)
{
    const uint64_t v = atomic_load_explicit(&p->version, memory_order_relaxed);
    atomic_store_explicit(&p->version, v + 1, memory_order_release);
}

/* --- reading ---------------------------------------------------------------------------
 */

void *wr_board_record_of(const wr_board_pages *p, uint32_t wallet_id)
{
    page *x = atomic_load_explicit(&p->page[wallet_id / PAGE], memory_order_acquire);
    return x ? atomic_load_explicit(&x->slot[wallet_id % PAGE], memory_order_acquire)
             : NULL;
}

void wr_board_read(const wr_board_pages *p, void (*copy)(void *ctx), void *ctx)
{
    for (uint64_t tries = 1;; tries++) {
        const uint64_t before = atomic_load_explicit(&p->version, memory_order_acquire);
        if (before % 2 == 0) {
            copy(ctx);
            atomic_thread_fence(memory_order_acquire);
            if (atomic_load_explicit(&p->version, memory_order_relaxed) == before)
                return;
        }
        if (tries % SPINS == 0)
            (void)sched_yield();
    }
}

uint64_t wr_board_pages_bytes(const wr_board_pages *p)
{
    return atomic_load(&p->bytes);
}
