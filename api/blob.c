#include "api/blob.h"

#include <string.h>

#include "util/digest.h"

wr_status wr_blob_new(const wr_blob **out, const void *bytes, size_t len, wr_err *err)
{
    wr_blob *b = wr_calloc(1, sizeof *b + len);
    if (!b)
        return wr_fail(err, WR_ENOMEM, "an answer of %zu bytes", len);
    atomic_init(&b->refs, 1);
    b->len = len;
    if (len)
        memcpy(b->bytes, bytes, len);
    *out = b;
    return WR_OK;
}

/* The count is the one thing that changes in a shared blob. */
static wr_blob *counted(const wr_blob *b)
{
    union {
        const wr_blob *shared;
        wr_blob *own;
    } u = {.shared = b};
    return u.own;
}

const wr_blob *wr_blob_acquire(const wr_blob *b)
{
    atomic_fetch_add_explicit(&counted(b)->refs, 1, memory_order_relaxed);
    return b;
}

void wr_blob_unref(const wr_blob *b)
{
    if (b && atomic_fetch_sub_explicit(&counted(b)->refs, 1, memory_order_acq_rel) == 1)
        wr_free(counted(b));
}

void wr_cache_init(wr_cache *c)
{
    *c = (wr_cache){0};
    (void)pthread_mutex_init(&c->lock, NULL);
}

void wr_cache_release(wr_cache *c)
{
    for (int i = 0; i < WR_CACHE_SLOTS; i++)
        wr_blob_unref(c->slot[i].blob);
    (void)pthread_mutex_destroy(&c->lock);
}

static wr_cache_slot *slot_of(wr_cache *c, wr_text key)
{
    return &c->slot[wr_hash64(key.p, key.len, 0) % WR_CACHE_SLOTS];
}

const wr_blob *wr_cache_get(wr_cache *c, uint64_t version, wr_text key)
{
    const wr_blob *found = NULL;
    wr_cache_slot *s = slot_of(c, key);
    (void)pthread_mutex_lock(&c->lock);
    if (s->blob && s->version == version && s->key_len == key.len &&
        memcmp(s->key, key.p, key.len) == 0)
        found = wr_blob_acquire(s->blob);
    (void)pthread_mutex_unlock(&c->lock);
    atomic_fetch_add_explicit(found ? &c->hits : &c->misses, 1, memory_order_relaxed);
    return found;
}

void wr_cache_put(wr_cache *c, uint64_t version, wr_text key, const wr_blob *b)
{
    if (key.len > WR_CACHE_KEY_MAX)
        return;
    wr_cache_slot *s = slot_of(c, key);
    (void)pthread_mutex_lock(&c->lock);
    const wr_blob *old = s->blob;
    s->version = version;
    s->key_len = key.len;
    memcpy(s->key, key.p, key.len);
    s->blob = wr_blob_acquire(b);
    (void)pthread_mutex_unlock(&c->lock);
    wr_blob_unref(old);
}
