/*
 * intern_int.h - (chain, text) -> id in memory, for a writing handle.
 *
 *   slot [cap]  {tag, id, at} open addressing, linear probing, at most 5/8 full
 *   text        the texts one after the other; at = where one starts
 *
 * A cache, not the truth: the database is.  Bounded: over max_bytes wr_intern_add answers
 * WR_ELIMIT and the owner clears it (or does without).  Ids above a mark can be
 * forgotten, which a rolled back transaction needs; that allocates nothing. Thread: one
 * object one thread.
 */
#ifndef WR_STORE_INTERN_INT_H
#define WR_STORE_INTERN_INT_H

#include <stddef.h>

#include "util/err.h"
#include "util/text.h"

typedef struct wr_intern_slot {
    uint32_t tag; /* upper half of the hash */
    uint32_t id;  /* WR_INTERN_FREE, WR_INTERN_GONE or an id */
    uint64_t at;
} wr_intern_slot;

typedef struct wr_intern {
    wr_intern_slot *slot;
    size_t cap;  /* power of two, or 0 */
    size_t used; /* slots that are not free, gone ones included */
    size_t live;
    char *text;
    size_t text_len, text_cap;
    size_t max_bytes; /* slots and texts */
} wr_intern;

enum {
    WR_INTERN_ID_MAX = 0x7ffffffd /* ids beyond it do not fit */
};

void wr_intern_init(wr_intern *in, size_t max_bytes);
void wr_intern_release(wr_intern *in); /* safe on a zeroed struct */
void wr_intern_clear(wr_intern *in);   /* keeps the memory */

uint64_t wr_intern_hash(uint32_t chain_id, wr_text t);
/* Ask for the slot's cache line, some pairs before wr_intern_find needs it. */
static inline void wr_intern_prefetch(const wr_intern *in, uint64_t hash)
{
    if (in->cap)
        __builtin_prefetch(&in->slot[hash & (in->cap - 1)]);
}
/* true and *id when known.  hash is wr_intern_hash of the same pair. */
bool wr_intern_find(const wr_intern *in, uint64_t hash, uint32_t chain_id, wr_text t,
                    uint32_t *id);
/*
 * Add a pair that is not in it.
 * Errors  WR_ENOMEM, WR_ELIMIT (over max_bytes); the table is then unchanged
 */
wr_status wr_intern_add(wr_intern *in, uint64_t hash, uint32_t chain_id, wr_text t,
                        uint32_t id, wr_err *err) WR_NODISCARD;
/* Forget every id > keep. */
void wr_intern_forget_above(wr_intern *in, uint32_t keep);

#endif
