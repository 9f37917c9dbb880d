/* Wallets of a delta: vertices that the base does not have, found by address and by id.
 */
#include <assert.h>
#include <inttypes.h>

#include "graph/delta_int.h"
#include "util/digest.h"

enum { FIRST_SLOTS = 64 };

/* --- slots -------------------------------------------------------------------------- */

void wr_slots_free(wr_slots *t)
{
    while (t) {
        wr_slots *older = t->older;
        wr_free(t);
        t = older;
    }
}

static uint64_t home(uint32_t hash, uint64_t count)
{
    return (uint64_t)hash * count >> 32;
}

/*
 * Relaxed: a reader follows a slot only to a wallet below its n, which it has acquired
 * with everything that led there; what it meets of later ones it passes by.
 */
static uint64_t slot_at(const wr_slots *t, uint64_t i)
{
    return atomic_load_explicit(&t->slot[i], memory_order_relaxed);
}

static void put(wr_slots *t, uint64_t entry)
{
    uint64_t i = home((uint32_t)(entry >> 32), t->count);
    while (slot_at(t, i) != 0)
        i = (i + 1) & (t->count - 1);
    atomic_store_explicit(&t->slot[i], entry, memory_order_relaxed);
}

/* Room for one more behind `used`. */
static bool reserve_slot(wr_delta *d, _Atomic(wr_slots *) *table, uint64_t used)
{
    wr_slots *old = atomic_load_explicit(table, memory_order_relaxed);
    if (old && used + 1 <= old->count / 4 * 3)
        return true;
    const uint64_t count = old ? 2 * old->count : FIRST_SLOTS;
    const uint64_t bytes = sizeof *old + count * sizeof old->slot[0];
    wr_slots *t = wr_calloc(1, bytes);
    if (!t)
        return false;
    t->older = old;
    t->count = count;
    for (uint64_t i = 0; old && i < old->count; i++)
        if (slot_at(old, i) != 0)
            put(t, slot_at(old, i));
    atomic_store_explicit(table, t, memory_order_release);
    atomic_fetch_add_explicit(&d->bytes, bytes, memory_order_relaxed);
    return true;
}

/* --- lookup ------------------------------------------------------------------------- */

static uint32_t hash_of_address(const wr_chain *chain, wr_text address)
{
    /* chains compare by pointer, and no order depends on this hash */
    return (uint32_t)(wr_hash64(address.p, address.len, (uintptr_t)chain) >> 32);
}

/* One to one, so that equal hashes are equal ids; upper bits spread (Fibonacci). */
static uint32_t hash_of_wallet(uint32_t wallet_id)
{
    return wallet_id * UINT32_C(0x9E3779B1);
}

static wr_text text_of(const wr_delta_wallet_row *r)
{
    return (wr_text){.p = r->text, .len = r->text_len};
}

/* Among the new vertices below n. */
static wr_vid find_address(const wr_delta *d, uint32_t n, const wr_chain *chain,
                           wr_text address)
{
    const wr_slots *t = atomic_load_explicit(&d->by_address, memory_order_acquire);
    if (!t)
        return WR_VID_NONE;
    const uint32_t hash = hash_of_address(chain, address);
    for (uint64_t i = home(hash, t->count);; i = (i + 1) & (t->count - 1)) {
        const uint64_t e = slot_at(t, i);
        if (e == 0)
            return WR_VID_NONE;
        const wr_vid v = d->base_n + ((uint32_t)e - 1);
        if (e >> 32 != hash || v >= n)
            continue;
        const wr_delta_wallet_row *r = wr_delta_wallet_at(d, v);
        if (r->chain == chain && wr_text_eq(text_of(r), address))
            return v;
    }
}

wr_vid wr_delta_find_wallet(const wr_delta *d, uint32_t wallet_id)
{
    assert(d);
    const wr_vid known = wr_ids_vertex_of_wallet(wr_snapshot_ids(d->base), wallet_id);
    const wr_slots *t = atomic_load_explicit(&d->by_wallet, memory_order_acquire);
    if (known != WR_VID_NONE || !t)
        return known;
    const uint32_t hash = hash_of_wallet(wallet_id);
    for (uint64_t i = home(hash, t->count);; i = (i + 1) & (t->count - 1)) {
        const uint64_t e = slot_at(t, i);
        if (e == 0)
            return WR_VID_NONE;
        if (e >> 32 == hash)
            return d->base_n + ((uint32_t)e - 1);
    }
}

wr_vid wr_delta_vertex(const wr_delta_view *w, const wr_chain *chain, wr_text address)
{
    assert(w && chain);
    const wr_vid v = wr_ids_vertex(wr_snapshot_ids(w->base), chain, address);
    return v != WR_VID_NONE ? v : find_address(w->d, w->n, chain, address);
}

uint32_t wr_delta_wallet(const wr_delta_view *w, wr_vid v)
{
    assert(w && v < w->n);
    return v < w->d->base_n ? wr_ids_wallet(wr_snapshot_ids(w->base), v)
                            : wr_delta_wallet_at(w->d, v)->wallet;
}

const wr_chain *wr_delta_chain(const wr_delta_view *w, wr_vid v)
{
    assert(w && v < w->n);
    return v < w->d->base_n ? wr_ids_chain(wr_snapshot_ids(w->base), v)
                            : wr_delta_wallet_at(w->d, v)->chain;
}

wr_text wr_delta_address(const wr_delta_view *w, wr_vid v)
{
    assert(w && v < w->n);
    return v < w->d->base_n ? wr_ids_address(wr_snapshot_ids(w->base), v)
                            : text_of(wr_delta_wallet_at(w->d, v));
}

bool wr_delta_is_hub(const wr_delta_view *w, wr_vid v)
{
    assert(w && v < w->n);
    return v < w->d->base_n ? wr_snapshot_is_hub(w->base, v)
                            : wr_address_is_hub(text_of(wr_delta_wallet_at(w->d, v)));
}

/* --- adding ------------------------------------------------------------------------- */

/* Place of the chain in d->chain, chain_count when it is not there. */
static uint32_t chain_place(const wr_delta *d, const wr_chain *chain)
{
    uint32_t c = 0;
    while (c < d->chain_count && d->chain[c] != chain)
        c++;
    return c;
}

static wr_status check_wallet(const wr_delta *d, uint32_t wallet_id,
                              const wr_chain *chain, wr_text address, wr_err *err)
{
    const wr_vid same = wr_delta_find_wallet(d, wallet_id);
    if (same != WR_VID_NONE)
        return wr_fail(err, WR_ECONFLICT, "wallet id %" PRIu32 " is vertex %" PRIu32,
                       wallet_id, same);
    const wr_delta_view all = {.d = d, .base = d->base, .m = d->m, .n = d->n};
    const wr_vid twin = wr_delta_vertex(&all, chain, address);
    if (twin != WR_VID_NONE)
        return wr_fail(
            err, WR_ECONFLICT, "wallets %" PRIu32 " and %" PRIu32 " are both %s:%.*s",
            wr_delta_wallet(&all, twin), wallet_id, chain->id, WR_TEXT_ARG(address));
    if (d->n == WR_VID_NONE - 1)
        return wr_fail(err, WR_ELIMIT, "over %" PRIu32 " wallets", d->n);
    if (chain_place(d, chain) == WR_IDS_CHAIN_MAX)
        return wr_fail(err, WR_ELIMIT, "chain %s: over %d chains", chain->id,
                       WR_IDS_CHAIN_MAX);
    return WR_OK;
}

/* A text of its own that lives as long as d. */
static bool copy_text(wr_delta *d, wr_text *out, wr_text t)
{
    const size_t before = d->text.used_bytes;
    const wr_text copy = wr_arena_text(&d->text, t);
    if (t.p && !copy.p)
        return false;
    atomic_fetch_add_explicit(&d->bytes, d->text.used_bytes - before,
                              memory_order_relaxed);
    *out = copy;
    return true;
}

wr_status wr_delta_add_wallet(wr_delta *d, wr_vid *out, uint32_t wallet_id,
                              const wr_chain *chain, wr_text address, wr_err *err)
{
    assert(d && out && chain);
    WR_TRY(check_wallet(d, wallet_id, chain, address, err));
    const uint32_t k = d->n - d->base_n;
    wr_text text;
    if (!wr_segments_reserve(&d->wallets, k, sizeof(wr_delta_wallet_row), &d->bytes) ||
        !reserve_slot(d, &d->by_address, k) || !reserve_slot(d, &d->by_wallet, k) ||
        !copy_text(d, &text, address))
        return wr_fail(err, WR_ENOMEM, "delta of %" PRIu32 " wallets", k);

    wr_delta_wallet_row *r = wr_delta_wallet_at(d, d->n);
    atomic_init(&r->head[WR_DELTA_OUT], 0);
    atomic_init(&r->head[WR_DELTA_IN], 0);
    r->wallet = wallet_id;
    r->text_len = text.len;
    r->text = text.p;
    r->chain = chain;
    const uint32_t c = chain_place(d, chain);
    if (c == d->chain_count)
        d->chain[d->chain_count++] = chain;
    put(atomic_load_explicit(&d->by_address, memory_order_relaxed),
        (uint64_t)hash_of_address(chain, address) << 32 | (k + UINT32_C(1)));
    put(atomic_load_explicit(&d->by_wallet, memory_order_relaxed),
        (uint64_t)hash_of_wallet(wallet_id) << 32 | (k + UINT32_C(1)));
    *out = d->n++;
    return WR_OK;
}
