/* Pairs across base and delta: who meets for the first time, and everyone v paid. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "graph/delta_int.h"

enum { FIRST_SLOTS = 256 };

/* --- met before? -------------------------------------------------------------------- */

/* Two vertices tell much about each other: every bit of both goes into the place. */
static uint64_t place_of(uint64_t key, uint64_t slots)
{
    uint64_t z = key * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 32)) * UINT64_C(0xD6E8FEB86659FD93);
    return (z ^ (z >> 32)) & (slots - 1);
}

/* Where the key is, or the empty slot where it belongs. */
static uint64_t *slot_of(uint64_t *key, uint64_t slots, uint64_t want)
{
    uint64_t i = place_of(want, slots);
    while (key[i] != 0 && key[i] != want)
        i = (i + 1) & (slots - 1);
    return &key[i];
}

static bool reserve_met(wr_met_pairs *met, _Atomic uint64_t *bytes)
{
    if (met->key && met->used + 1 <= met->slots / 4 * 3)
        return true;
    const uint64_t slots = met->key ? 2 * met->slots : FIRST_SLOTS;
    uint64_t *key = wr_calloc(slots, sizeof *key);
    if (!key)
        return false;
    for (uint64_t i = 0; met->key && i < met->slots; i++)
        if (met->key[i] != 0)
            *slot_of(key, slots, met->key[i]) = met->key[i];
    atomic_fetch_add_explicit(bytes, (slots - met->slots) * sizeof *key,
                              memory_order_relaxed);
    wr_free(met->key);
    met->key = key;
    met->slots = slots;
    return true;
}

static bool is_met_in_base(const wr_delta *d, wr_vid from, wr_vid to)
{
    if (from >= d->base_n || to >= d->base_n)
        return false;
    const wr_pairs p = wr_snapshot_pairs_out(d->base);
    return wr_row_find(p.off, p.nbr, from, to) != UINT64_MAX;
}

wr_status wr_delta_meet(wr_delta *d, wr_vid from, wr_vid to, bool *is_new, wr_err *err)
{
    if (from == to) {
        *is_new = false;
        return WR_OK;
    }
    if (!reserve_met(&d->met, &d->bytes))
        return wr_fail(err, WR_ENOMEM, "delta of %" PRIu64 " pairs", d->met.used);
    const uint64_t key = (uint64_t)from << 32 | to;
    uint64_t *slot = slot_of(d->met.key, d->met.slots, key);
    *is_new = *slot == 0 && !is_met_in_base(d, from, to);
    if (*is_new) {
        *slot = key;
        d->met.used++;
    }
    return WR_OK;
}

/* --- everyone v paid ---------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    uint64_t x;
    uint64_t y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

/* v's transfers in the delta as neighbour << 32 | position, ascending. */
static wr_status collect(uint64_t **out, size_t *count, const wr_delta_view *w, wr_vid v,
                         int way, wr_err *err)
{
    WR_AUTO_ARRAY uint64_t *key = NULL;
    size_t cap = 0;
    size_t k = 0;
    for (uint64_t i = wr_delta_newest(w, v, way); i != WR_DELTA_END;
         i = wr_delta_before(w, i, way)) {
        const wr_delta_leg *leg = wr_delta_leg_at(w->d, i);
        const wr_vid nbr = way == WR_DELTA_OUT ? leg->to : leg->from;
        if (nbr == v)
            continue;
        uint64_t *grown = wr_grow(key, &cap, k + 1, sizeof *key);
        if (!grown)
            return wr_fail(err, WR_ENOMEM, "pairs of vertex %" PRIu32, v);
        key = grown;
        key[k++] = (uint64_t)nbr << 32 | i;
    }
    if (k > 1)
        qsort(key, k, sizeof *key, by_value);
    *out = WR_STEAL(key);
    *count = k;
    return WR_OK;
}

/* The run of pair->nbr at key[i] joins *pair, which *sum belongs to; returns its end. */
static size_t fold_run(wr_delta_pair *pair, double *sum, const wr_delta *d,
                       const uint64_t *key, size_t i, size_t k)
{
    for (; i < k && key[i] >> 32 == pair->nbr; i++) {
        const wr_delta_leg *leg = wr_delta_leg_at(d, (uint32_t)key[i]);
        *sum += leg->value;
        pair->count++;
        if (leg->time_s < pair->first_s) /* transfers need not arrive in time order */
            pair->first_s = leg->time_s;
        if (leg->time_s > pair->last_s)
            pair->last_s = leg->time_s;
    }
    return i;
}

/* v's row in the base and k keys, both ascending by neighbour. */
static size_t merge(wr_delta_pair *out, const wr_delta *d, const wr_pairs *p, wr_vid v,
                    const uint64_t *key, size_t k)
{
    const bool is_old = v < p->n;
    uint64_t lo = is_old ? p->off[v] : 0;
    const uint64_t hi = is_old ? p->off[v + UINT64_C(1)] : 0;
    size_t count = 0;
    for (size_t i = 0; lo < hi || i < k; count++) {
        const wr_vid known = lo < hi ? p->nbr[lo] : WR_VID_NONE;
        const wr_vid fresh = i < k ? (wr_vid)(key[i] >> 32) : WR_VID_NONE;
        wr_delta_pair pair = {.nbr = known < fresh ? known : fresh,
                              .first_s = UINT32_MAX};
        double sum = 0.0;
        if (known == pair.nbr) {
            const uint64_t id = wr_pairs_id(p, v, lo);
            sum = (double)p->value[lo++];
            pair.count = wr_pairs_count(p, id);
            pair.first_s = p->first_s[id];
            pair.last_s = wr_pairs_last_s(p, id);
        }
        i = fold_run(&pair, &sum, d, key, i, k);
        pair.value = (float)sum;
        out[count] = pair;
    }
    return count;
}

wr_status wr_delta_pairs(wr_delta_pair **out, size_t *count, const wr_delta_view *w,
                         wr_vid v, int way, wr_err *err)
{
    assert(out && count && w && v < w->n);
    WR_AUTO_ARRAY uint64_t *key = NULL;
    size_t k;
    WR_TRY(collect(&key, &k, w, v, way, err));
    const wr_pairs p = way == WR_DELTA_OUT ? wr_snapshot_pairs_out(w->base)
                                           : wr_snapshot_pairs_in(w->base);
    const size_t known = v < p.n ? p.off[v + UINT64_C(1)] - p.off[v] : 0;
    wr_delta_pair *pair = wr_calloc(known + k, sizeof *pair);
    if (!pair)
        return wr_fail(err, WR_ENOMEM, "pairs of vertex %" PRIu32, v);
    *count = merge(pair, w->d, &p, v, key, k);
    *out = pair;
    return WR_OK;
}
