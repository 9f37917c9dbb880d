/*
 * blob.h - answer bytes that many requests share, and a small cache of them.
 *
 * A blob is immutable and counted.  The cache maps (version, query text) to a blob; a new
 * version of the view makes all older entries unreachable, and they leave as their slots
 * are used again.  GET /scores/top lives on this: one lock, one compare, no allocation.
 *
 * Thread: safe (one mutex in the cache, atomic counts in the blobs).
 */
#ifndef WR_API_BLOB_H
#define WR_API_BLOB_H

#include <pthread.h>
#include <stdatomic.h>

#include "api/exchange.h"

struct wr_blob {
    _Atomic uint32_t refs;
    size_t len;
    char bytes[];
};

wr_status wr_blob_new(const wr_blob **out, const void *bytes, size_t len,
                      wr_err *err) WR_NODISCARD;
const wr_blob *wr_blob_acquire(const wr_blob *b);
void wr_blob_unref(const wr_blob *b); /* accepts NULL */

enum { WR_CACHE_SLOTS = 64, WR_CACHE_KEY_MAX = 256 };

typedef struct wr_cache_slot {
    uint64_t version;
    uint32_t key_len;
    char key[WR_CACHE_KEY_MAX];
    const wr_blob *blob;
} wr_cache_slot;

typedef struct wr_cache {
    pthread_mutex_t lock;
    _Atomic uint64_t hits, misses;
    wr_cache_slot slot[WR_CACHE_SLOTS];
} wr_cache;

void wr_cache_init(wr_cache *c);
void wr_cache_release(wr_cache *c);
/* One reference for the caller, or NULL.  Keys over WR_CACHE_KEY_MAX are never found. */
const wr_blob *wr_cache_get(wr_cache *c, uint64_t version, wr_text key);
/* Keeps its own reference; does nothing with a key that is too long. */
void wr_cache_put(wr_cache *c, uint64_t version, wr_text key, const wr_blob *b);

#endif
