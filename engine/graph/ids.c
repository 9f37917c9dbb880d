#include "graph/ids.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "graph/ids_int.h"
#include "util/digest.h"

enum { FIRST_SLOTS = 64 };

#define NO_VERTEX UINT32_MAX

wr_status wr_ids_new(wr_ids **out, wr_err *err)
{
    WR_AUTO(wr_ids) ids = wr_calloc(1, sizeof *ids);
    if (!ids)
        return wr_fail(err, WR_ENOMEM, "id map");
    size_t cap = 0;
    ids->text_off = wr_grow(NULL, &cap, 1, sizeof *ids->text_off);
    if (!ids->text_off)
        return wr_fail(err, WR_ENOMEM, "id map offsets");
    ids->text_off_cap = cap;
    ids->text_off[0] = 0;
    *out = WR_STEAL(ids);
    return WR_OK;
}

void wr_ids_free(wr_ids *ids)
{
    if (!ids)
        return;
    if (!ids->is_mapped) {
        wr_free(ids->wallet);
        wr_free(ids->chain_of);
        wr_free(ids->text_off);
        wr_free(ids->pool);
        wr_free(ids->slot);
    }
    wr_free(ids);
}

uint64_t wr_ids_slots_for(uint64_t n)
{
    uint64_t slots = FIRST_SLOTS;
    while (slots / 4 * 3 < n)
        slots *= 2;
    return slots;
}

/* Index of the chain, or chain_count when it has not been seen. */
static uint32_t chain_index(const wr_ids *ids, const wr_chain *chain)
{
    uint32_t c = 0;
    while (c < ids->chain_count && ids->chain[c] != chain)
        c++;
    return c;
}

static uint64_t hash_of(uint32_t chain, wr_text address)
{
    return wr_hash64(address.p, address.len, chain);
}

static uint64_t slot_entry(uint64_t hash, uint32_t v)
{
    return (hash & ~(uint64_t)UINT32_MAX) | v;
}

/* Only the upper half of a hash is stored, so that half says where an entry belongs. */
static uint64_t slot_home(uint64_t entry, uint64_t slots)
{
    __extension__ typedef unsigned __int128 u128;
    return (uint64_t)(((u128)(entry >> 32) * slots) >> 32);
}

static wr_text text_of(const wr_ids *ids, uint32_t v)
{
    uint64_t at = ids->text_off[v];
    return (wr_text){.p = ids->pool + at,
                     .len = (uint32_t)(ids->text_off[v + 1ULL] - at)};
}

static uint32_t find(const wr_ids *ids, uint32_t chain, wr_text address)
{
    if (ids->slots == 0)
        return NO_VERTEX;
    const uint64_t want = hash_of(chain, address) >> 32;
    for (uint64_t i = slot_home(want << 32, ids->slots);;
         i = (i + 1) & (ids->slots - 1)) {
        const uint64_t e = ids->slot[i];
        if (e == WR_IDS_SLOT_EMPTY)
            return NO_VERTEX;
        const uint32_t v = (uint32_t)e;
        if (e >> 32 == want && ids->chain_of[v] == chain &&
            wr_text_eq(text_of(ids, v), address))
            return v;
    }
}

static void put(uint64_t *slot, uint64_t slots, uint64_t entry)
{
    uint64_t i = slot_home(entry, slots);
    while (slot[i] != WR_IDS_SLOT_EMPTY)
        i = (i + 1) & (slots - 1);
    slot[i] = entry;
}

/* Room in the table for one more. */
static wr_status reserve_slot(wr_ids *ids, wr_err *err)
{
    const uint64_t want = wr_ids_slots_for(ids->n + 1ULL);
    if (ids->slots >= want)
        return WR_OK;
    uint64_t *slot = wr_alloc_big(want, sizeof *slot);
    if (!slot)
        return wr_fail(err, WR_ENOMEM, "id map of %" PRIu32 " wallets", ids->n);
    memset(slot, 0xff, want * sizeof *slot);
    for (uint64_t i = 0; i < ids->slots; i++)
        if (ids->slot[i] != WR_IDS_SLOT_EMPTY)
            put(slot, want, ids->slot[i]);
    wr_free(ids->slot);
    ids->slot = slot;
    ids->slots = want;
    return WR_OK;
}

/* Grow *array (borrowed through ids) to hold `want` elements of `size` bytes. */
static bool reserve(void *array, size_t *cap, size_t want, size_t size)
{
    void *old;
    memcpy(&old, array, sizeof old);
    void *grown = wr_grow(old, cap, want, size);
    if (!grown)
        return false;
    memcpy(array, &grown, sizeof grown);
    return true;
}

/* From now on wallet ids have gaps: write down those that were implied. */
static bool reserve_wallets(wr_ids *ids)
{
    const bool was_dense = !ids->wallet;
    if (!reserve(&ids->wallet, &ids->wallet_cap, ids->n + (size_t)1, sizeof *ids->wallet))
        return false;
    for (uint32_t v = 0; was_dense && v < ids->n; v++)
        ids->wallet[v] = v + 1;
    return true;
}

wr_status wr_ids_add(wr_ids *ids, uint32_t wallet_id, const wr_chain *chain,
                     wr_text address, wr_err *err)
{
    assert(ids && !ids->is_mapped && chain);
    const uint32_t n = ids->n;
    if (n > 0 && wallet_id <= wr_ids_wallet(ids, n - 1))
        return wr_fail(err, WR_EINVAL, "wallet id %" PRIu32 " after %" PRIu32, wallet_id,
                       wr_ids_wallet(ids, n - 1));
    if (n == NO_VERTEX - 1)
        return wr_fail(err, WR_ELIMIT, "over %" PRIu32 " wallets", n);
    const uint32_t c = chain_index(ids, chain);
    if (c == WR_IDS_CHAIN_MAX)
        return wr_fail(err, WR_ELIMIT, "chain %s: over %d chains", chain->id,
                       WR_IDS_CHAIN_MAX);
    const uint32_t twin = find(ids, c, address);
    if (twin != NO_VERTEX)
        return wr_fail(
            err, WR_ECONFLICT, "wallets %" PRIu32 " and %" PRIu32 " are both %s:%.*s",
            wr_ids_wallet(ids, twin), wallet_id, chain->id, WR_TEXT_ARG(address));

    const uint64_t used = ids->text_off[n];
    const bool is_dense = !ids->wallet && wallet_id == n + 1;
    if (!reserve(&ids->chain_of, &ids->chain_of_cap, n + (size_t)1, 1) ||
        !reserve(&ids->text_off, &ids->text_off_cap, n + (size_t)2,
                 sizeof *ids->text_off) ||
        !reserve(&ids->pool, &ids->pool_cap, used + address.len, 1))
        return wr_fail(err, WR_ENOMEM, "id map of %" PRIu32 " wallets", n);
    WR_TRY(reserve_slot(ids, err));
    if (!is_dense && !reserve_wallets(ids)) /* last: it changes what ids mean by NULL */
        return wr_fail(err, WR_ENOMEM, "id map of %" PRIu32 " wallets", n);

    if (!is_dense)
        ids->wallet[n] = wallet_id;
    if (c == ids->chain_count)
        ids->chain[ids->chain_count++] = chain;
    ids->chain_of[n] = (uint8_t)c;
    if (address.len)
        memcpy(ids->pool + used, address.p, address.len);
    ids->text_off[n + 1ULL] = used + address.len;
    put(ids->slot, ids->slots, slot_entry(hash_of(c, address), n));
    ids->n = n + 1;
    return WR_OK;
}

uint32_t wr_ids_count(const wr_ids *ids)
{
    assert(ids);
    return ids->n;
}

uint32_t wr_ids_vertex(const wr_ids *ids, const wr_chain *chain, wr_text address)
{
    assert(ids && chain);
    const uint32_t c = chain_index(ids, chain);
    return c == ids->chain_count ? NO_VERTEX : find(ids, c, address);
}

uint32_t wr_ids_vertex_of_wallet(const wr_ids *ids, uint32_t wallet_id)
{
    assert(ids);
    if (!ids->wallet)
        return wallet_id >= 1 && wallet_id <= ids->n ? wallet_id - 1 : NO_VERTEX;
    uint32_t lo = 0;
    uint32_t hi = ids->n; /* the answer lies in [lo, hi) */
    while (lo < hi) {
        const uint32_t mid = lo + (hi - lo) / 2;
        if (ids->wallet[mid] < wallet_id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < ids->n && ids->wallet[lo] == wallet_id ? lo : NO_VERTEX;
}

uint32_t wr_ids_wallet(const wr_ids *ids, uint32_t v)
{
    assert(ids && v < ids->n);
    return ids->wallet ? ids->wallet[v] : v + 1;
}

const wr_chain *wr_ids_chain(const wr_ids *ids, uint32_t v)
{
    assert(ids && v < ids->n);
    return ids->chain[ids->chain_of[v]];
}

wr_text wr_ids_address(const wr_ids *ids, uint32_t v)
{
    assert(ids && v < ids->n);
    return text_of(ids, v);
}

uint64_t wr_ids_bytes(const wr_ids *ids)
{
    assert(ids);
    if (ids->is_mapped)
        return sizeof *ids + (ids->wallet ? 4ULL * ids->n : 0) + ids->n +
               8 * (ids->n + 1ULL) + ids->text_off[ids->n] + 8 * ids->slots;
    return sizeof *ids + ids->wallet_cap * sizeof *ids->wallet + ids->chain_of_cap +
           ids->text_off_cap * sizeof *ids->text_off + ids->pool_cap +
           ids->slots * sizeof *ids->slot;
}

static wr_status check_texts(const wr_ids *ids, wr_err *err)
{
    if (ids->text_off[0] != 0)
        return wr_fail(err, WR_ECORRUPT, "ids: first text at %" PRIu64, ids->text_off[0]);
    for (uint32_t v = 0; v < ids->n; v++) {
        if (ids->text_off[v] > ids->text_off[v + 1ULL] ||
            ids->text_off[v + 1ULL] - ids->text_off[v] > UINT32_MAX)
            return wr_fail(err, WR_ECORRUPT, "ids: text offsets at vertex %" PRIu32, v);
        if (ids->chain_of[v] >= ids->chain_count)
            return wr_fail(err, WR_ECORRUPT,
                           "ids: vertex %" PRIu32 " has chain %u of %" PRIu32, v,
                           ids->chain_of[v], ids->chain_count);
        if (ids->wallet && v > 0 && ids->wallet[v - 1] >= ids->wallet[v])
            return wr_fail(err, WR_ECORRUPT, "ids: wallet ids not ascending at %" PRIu32,
                           v);
    }
    return WR_OK;
}

wr_status wr_ids_check(const wr_ids *ids, wr_err *err)
{
    assert(ids);
    WR_TRY(check_texts(ids, err));
    uint64_t used = 0;
    for (uint64_t i = 0; i < ids->slots; i++) {
        if (ids->slot[i] == WR_IDS_SLOT_EMPTY)
            continue;
        used++;
        if ((uint32_t)ids->slot[i] >= ids->n)
            return wr_fail(err, WR_ECORRUPT,
                           "ids: slot %" PRIu64 " names vertex %" PRIu32 " of %" PRIu32,
                           i, (uint32_t)ids->slot[i], ids->n);
    }
    if (used != ids->n || (used > 0 && ids->slots < wr_ids_slots_for(used)))
        return wr_fail(err, WR_ECORRUPT,
                       "ids: %" PRIu64 " of %" PRIu64 " slots for %" PRIu32 " wallets",
                       used, ids->slots, ids->n);
    for (uint32_t v = 0; v < ids->n; v++)
        if (find(ids, ids->chain_of[v], text_of(ids, v)) != v)
            return wr_fail(err, WR_ECORRUPT, "ids: vertex %" PRIu32 " is not found", v);
    return WR_OK;
}
