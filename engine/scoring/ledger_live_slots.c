/* Slots of a live ledger: one (wallet, asset) each, in arrays that grow together. */
#include <string.h>

#include "scoring/ledger_live_int.h"

enum { LINE = 64 };

/*
 * Rows start at a cache line.  A big block moves by page tables and stays where it was
 * within its page, so growing copies nothing; when it does not, the rows follow.
 */
static bool grow_rows(wr_ledger_live *l, size_t *cap, size_t want)
{
    size_t off = l->row_mem ? (size_t)(l->x.row - l->row_mem) : 0;
    unsigned char *mem = wr_grow(l->row_mem, cap, want, l->row_bytes);
    if (!mem)
        return false;
    size_t line = (LINE - (uintptr_t)mem % LINE) % LINE;
    if (line != off)
        memmove(mem + line, mem + off, l->slot_count * l->row_bytes);
    l->row_mem = mem;
    l->x.row = mem + line;
    return true;
}

/* One more slot.  All arrays grow in the same steps; the rows want one to align. */
static wr_status reserve(wr_ledger_live *l, wr_err *err)
{
    size_t want = (size_t)l->slot_count + 2, old = l->slot_cap, cap[8];
    if (want <= old)
        return WR_OK;
    for (int i = 0; i < 8; i++)
        cap[i] = old;
    bool is_there = grow_rows(l, &cap[0], want) && WR_LIVE_GROW(l->owner, cap[1], want) &&
                    WR_LIVE_GROW(l->mark, cap[2], want) &&
                    WR_LIVE_GROW(l->s.kind, cap[3], want) &&
                    WR_LIVE_GROW(l->seeds.category, cap[4], want) &&
                    WR_LIVE_GROW(l->seeds.confidence, cap[5], want) &&
                    WR_LIVE_GROW(l->seeds.from_s, cap[6], want) &&
                    WR_LIVE_GROW(l->seeds.to_s, cap[7], want);
    if (!is_there)
        return wr_fail(err, WR_ENOMEM, "slot %u", l->slot_count);
    WR_TRY(wr_sparse_grow(&l->x.direct, (uint32_t)cap[0], l->x.c, err));
    WR_TRY(wr_sparse_grow(&l->x.through, (uint32_t)cap[0], l->x.c, err));
    l->slot_cap = cap[0];
    return WR_OK;
}

static uint8_t kind_of(const wr_ledger_live *l, const wr_live_wallet *w)
{
    unsigned k = w->is_hub ? WR_KIND_HUB : 0;
    if (w->category >= 0) {
        bool is_dated = w->from_s > 0 || w->to_s < UINT32_MAX;
        k |= (unsigned)(w->category + 1) | (is_dated ? WR_KIND_DATED : 0u) |
             (wr_stream_is_service(&l->s, w->category) ? WR_KIND_SERVICE : 0u);
    }
    return (uint8_t)k;
}

/* x: [c], those of the base. */
static wr_status copy_sparse(wr_sparse *s, uint32_t slot, const double *x, uint32_t c,
                             wr_err *err)
{
    for (uint32_t k = 0; k < c; k++) {
        double *row;
        if (x[k] == 0)
            continue;
        WR_TRY(wr_sparse_row(&row, s, slot, err));
        row[k] = x[k];
    }
    return WR_OK;
}

/* What the kernel reads by slot.  from: the base's state, or NULL. */
static wr_status fill_slot(wr_ledger_live *l, uint32_t slot, const wr_live_wallet *w,
                           const wr_ledger_state *from, wr_err *err)
{
    unsigned char *row = l->x.row + slot * l->row_bytes;
    l->s.kind[slot] = kind_of(l, w);
    l->seeds.category[slot] = (int8_t)w->category;
    l->seeds.confidence[slot] = w->confidence;
    l->seeds.from_s[slot] = w->from_s;
    l->seeds.to_s[slot] = w->to_s;
    /* what the base does not know as a state was never moved there, whatever its time */
    bool is_sealed = from || w->base_v == WR_VID_NONE;
    l->mark[slot] = (wr_live_mark){is_sealed ? w->base_last_s : 0, WR_LIVE_NO_EPOCH, 0};
    if (!from) {
        memset(row, 0, l->row_bytes);
        return WR_OK;
    }
    memcpy(row, from->row, l->row_bytes);
    WR_TRY(copy_sparse(&l->x.direct, slot, from->direct, l->base->c, err));
    return copy_sparse(&l->x.through, slot, from->through, l->base->c, err);
}

/* First place in w's list whose asset is not below. */
static uint32_t place_of(const wr_live_owner *w, uint16_t asset)
{
    const wr_live_ref *ref = wr_live_refs(w);
    uint32_t low = 0, high = w->count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (ref[mid].asset < asset)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static wr_status insert_ref(wr_ledger_live *l, wr_live_owner *w, uint32_t at,
                            wr_live_ref ref, wr_err *err)
{
    if (w->count == 0) {
        w->one = ref;
        w->count = 1;
        return WR_OK;
    }
    bool is_first = !w->many;
    const size_t before = w->cap;
    if (!WR_LIVE_GROW(w->many, w->cap, (size_t)w->count + 1))
        return wr_fail(err, WR_ENOMEM, "%u assets of a wallet", w->count);
    l->refs += w->cap - before;
    if (is_first)
        w->many[0] = w->one;
    memmove(w->many + at + 1, w->many + at, (w->count - at) * sizeof *w->many);
    w->many[at] = ref;
    w->count++;
    return WR_OK;
}

static wr_status make(uint32_t *slot, wr_ledger_live *l, uint32_t wallet, uint32_t at,
                      uint16_t asset, const wr_ledger_state *from, wr_err *err)
{
    WR_TRY(reserve(l, err));
    wr_live_owner *w = &l->wallet[wallet];
    *slot = l->slot_count;
    l->owner[*slot] = wallet;
    WR_TRY(insert_ref(l, w, at, (wr_live_ref){*slot, asset}, err));
    l->slot_count++;
    return fill_slot(l, *slot, &w->w, from, err);
}

wr_status wr_live_slot(uint32_t *slot, wr_ledger_live *l, uint32_t wallet, uint16_t asset,
                       wr_err *err)
{
    const wr_live_owner *w = &l->wallet[wallet];
    const wr_live_ref *ref = wr_live_refs(w);
    uint32_t at = place_of(w, asset);
    if (at == w->count || ref[at].asset != asset)
        return make(slot, l, wallet, at, asset, NULL, err);
    *slot = ref[at].slot;
    return WR_OK;
}

wr_status wr_live_take_base(wr_ledger_live *l, uint32_t wallet, wr_err *err)
{
    wr_vid v = l->wallet[wallet].w.base_v;
    uint32_t count = wr_ledger_state_count(l->base, v), slot;
    for (uint32_t k = 0; k < count; k++) {
        wr_ledger_state s = wr_ledger_state_at(l->base, v, k);
        WR_TRY(make(&slot, l, wallet, k, s.asset, &s, err));
    }
    return WR_OK;
}

void wr_live_drop_slots(wr_ledger_live *l, uint32_t count)
{
    for (uint32_t s = count; s < l->slot_count; s++) {
        l->x.direct.at[s] = 0;
        l->x.through.at[s] = 0;
    }
    l->slot_count = count;
}
