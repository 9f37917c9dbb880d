#include "codec/occurrence_int.h"

#include <stdbool.h>

#include "util/mem.h"

enum { BITS_MIN = 12 };

/* Slot of key, or the empty slot where it belongs.  Keys are hashes: their top bits do.
 */
static uint64_t find(const wr_key_table *t, uint64_t key)
{
    const uint64_t mask = (UINT64_C(1) << t->bits) - 1;
    uint64_t i = key >> (64 - t->bits);
    while (t->key[i] && t->key[i] != key)
        i = (i + 1) & mask;
    return i;
}

static wr_status grow(wr_key_table *t, bool has_count, wr_err *err)
{
    const uint32_t bits = t->key ? t->bits + 1 : BITS_MIN;
    if (bits > WR_OCCURRENCE_BITS_MAX)
        return wr_fail(err, WR_ELIMIT,
                       "more than %llu records without a tx_hash in one file",
                       (unsigned long long)t->used);
    wr_key_table wide = {.bits = bits, .used = t->used};
    wide.key = wr_calloc((size_t)1 << bits, sizeof *wide.key);
    wide.count = has_count ? wr_calloc((size_t)1 << bits, sizeof *wide.count) : NULL;
    if (!wide.key || (has_count && !wide.count)) {
        wr_free(wide.key);
        wr_free(wide.count);
        return wr_fail(err, WR_ENOMEM, "no memory to count equal records");
    }
    const uint64_t n = t->key ? UINT64_C(1) << t->bits : 0;
    for (uint64_t i = 0; i < n; i++)
        if (t->key[i]) {
            const uint64_t to = find(&wide, t->key[i]);
            wide.key[to] = t->key[i];
            if (has_count)
                wide.count[to] = t->count[i];
        }
    wr_free(t->key);
    wr_free(t->count);
    *t = wide;
    return WR_OK;
}

static wr_status room(wr_key_table *t, bool has_count, wr_err *err)
{
    const uint64_t slots = t->key ? UINT64_C(1) << t->bits : 0;
    return (t->used + 1) * 4 > slots * 3 ? grow(t, has_count, err) : WR_OK;
}

void wr_occurrence_release(wr_occurrence *o)
{
    wr_free(o->once.key);
    wr_free(o->again.key);
    wr_free(o->again.count);
    *o = (wr_occurrence){0};
}

wr_status wr_occurrence_count(wr_occurrence *o, uint64_t key, uint32_t *before,
                              wr_err *err)
{
    WR_TRY(room(&o->once, false, err));
    uint64_t i = find(&o->once, key);
    if (!o->once.key[i]) {
        o->once.key[i] = key;
        o->once.used++;
        *before = 0;
        return WR_OK;
    }
    WR_TRY(room(&o->again, true, err));
    i = find(&o->again, key);
    o->again.used += !o->again.key[i];
    o->again.key[i] = key;
    *before = ++o->again.count[i];
    return WR_OK;
}
