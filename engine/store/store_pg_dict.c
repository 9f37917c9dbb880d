#include "store/store_pg_dict_int.h"

#include <sys/random.h>

enum { CAP_MIN = 64 };

void wr_pg_dict_init(wr_pg_dict *d, bool is_copying)
{
    *d = (wr_pg_dict){.is_copying = is_copying};
    /* Without entropy the seed stays 0: slower under attack, never wrong. */
    (void)!getrandom(&d->seed, sizeof d->seed, GRND_NONBLOCK);
    wr_arena_init(&d->text, 0);
}

void wr_pg_dict_release(wr_pg_dict *d)
{
    wr_free(d->slot);
    wr_arena_release(&d->text);
    wr_pg_dict_init(d, d->is_copying);
}

static wr_pg_dict_slot *find(wr_pg_dict_slot *slot, size_t cap, uint64_t hash,
                             uint32_t scope, wr_text t)
{
    for (size_t i = hash & (cap - 1);; i = (i + 1) & (cap - 1)) {
        wr_pg_dict_slot *s = &slot[i];
        if (!s->p || (s->hash == hash && s->scope == scope && s->len == t.len &&
                      memcmp(s->p, t.p, t.len) == 0))
            return s;
    }
}

static uint64_t hash_of(const wr_pg_dict *d, uint32_t scope, wr_text t)
{
    return wr_hash64(t.p, t.len, d->seed + scope);
}

wr_pg_dict_slot *wr_pg_dict_at(const wr_pg_dict *d, uint32_t scope, wr_text t)
{
    return d->cap ? find(d->slot, d->cap, hash_of(d, scope, t), scope, t) : NULL;
}

static bool grow(wr_pg_dict *d)
{
    size_t cap = d->cap ? d->cap * 2 : CAP_MIN;
    wr_pg_dict_slot *slot = wr_calloc(cap, sizeof *slot);
    if (!slot)
        return false;
    for (size_t i = 0; i < d->cap; i++) {
        const wr_pg_dict_slot *s = &d->slot[i];
        if (s->p)
            *find(slot, cap, s->hash, s->scope, (wr_text){.p = s->p, .len = s->len}) = *s;
    }
    wr_free(d->slot);
    d->slot = slot;
    d->cap = cap;
    return true;
}

wr_pg_dict_slot *wr_pg_dict_put(wr_pg_dict *d, uint32_t scope, wr_text t, uint32_t value,
                                bool *is_new)
{
    if ((d->count + 1) * 3 > d->cap * 2 && !grow(d))
        return NULL;
    uint64_t hash = hash_of(d, scope, t);
    wr_pg_dict_slot *s = find(d->slot, d->cap, hash, scope, t);
    *is_new = !s->p;
    if (s->p)
        return s;
    if (d->is_copying) {
        t = wr_arena_text(&d->text, t);
        if (!t.p)
            return NULL;
    }
    *s = (wr_pg_dict_slot){
        .hash = hash, .p = t.p ? t.p : "", .len = t.len, .scope = scope, .value = value};
    d->count++;
    return s;
}
