/*
 * store_pg_dict_int.h - (number, text) -> number: open addressing, no deletion.
 *
 * Used three times by the PostgreSQL backend: the distinct addresses of one batch (texts
 * borrowed from it), the cache of wallet ids and the names of assets (texts copied).
 * Slots are a power of two, at most two thirds full.  The hash is seeded at random, so
 * that a sender of addresses cannot aim at one slot.  Thread: one object one thread.
 */
#ifndef WR_STORE_STORE_PG_DICT_INT_H
#define WR_STORE_STORE_PG_DICT_INT_H

#include "util/arena.h"
#include "util/digest.h"
#include "util/mem.h"
#include "util/text.h"

typedef struct wr_pg_dict_slot {
    uint64_t hash;
    const char *p; /* NULL = free slot */
    uint32_t len;
    uint32_t scope; /* chain id */
    uint32_t value;
} wr_pg_dict_slot;

typedef struct wr_pg_dict {
    wr_pg_dict_slot *slot; /* [cap], NULL while empty; owned */
    size_t cap, count;
    uint64_t seed;
    bool is_copying; /* texts are copied into `text` */
    wr_arena text;
} wr_pg_dict;

void wr_pg_dict_init(wr_pg_dict *d, bool is_copying);
void wr_pg_dict_release(wr_pg_dict *d); /* empty and usable afterwards */

/* Place of (scope, t): its slot, or where it would go; NULL while nothing was reserved.
 */
wr_pg_dict_slot *wr_pg_dict_at(const wr_pg_dict *d, uint32_t scope, wr_text t);

/*
 * Slot of (scope, t), made with `value` when missing (*is_new tells).  NULL when out of
 * memory; slots move when a dictionary grows.
 */
wr_pg_dict_slot *wr_pg_dict_put(wr_pg_dict *d, uint32_t scope, wr_text t, uint32_t value,
                                bool *is_new);

#endif
