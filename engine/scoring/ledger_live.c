#include "scoring/ledger_live.h"

#include <assert.h>
#include <string.h>

#include "scoring/ledger_live_int.h"

enum { EPOCH_ROWS = 1024, EPOCH_COUNT = 128 };

static wr_status check_opts(const wr_ledger_live_opts *o, wr_err *err)
{
    if (o->c < 1 || o->c > WR_CATEGORY_MAX)
        return wr_fail(err, WR_EINVAL, "categories: %u, wanted 1..%d", o->c,
                       WR_CATEGORY_MAX);
    if (!o->base)
        return WR_OK;
    if (o->base->c > o->c || wr_ledger_lanes(o->base->c) != wr_ledger_lanes(o->c))
        return wr_fail(err, WR_EINVAL, "base of %u categories, wanted %u", o->base->c,
                       o->c);
    if (o->base->direction != WR_RECEIVING)
        return wr_fail(err, WR_EINVAL, "base is a sending ledger");
    if (!o->base->states)
        return wr_fail(err, WR_EINVAL, "base was made without is_state_kept");
    return WR_OK;
}

wr_status wr_ledger_live_new(wr_ledger_live **out, const wr_ledger_live_opts *o,
                             wr_err *err)
{
    WR_TRY(check_opts(o, err));
    WR_AUTO(wr_ledger_live) l = wr_calloc(1, sizeof *l);
    if (!l)
        return wr_fail(err, WR_ENOMEM, "live ledger");
    l->base = o->base;
    l->block = wr_ledger_fast_block;
    l->seeds.c = o->c;
    memcpy(l->seeds.kind, o->kind, sizeof l->seeds.kind);
    l->fl.seeds = &l->seeds;
    l->s.fl = &l->fl;
    l->s.asset_count = 1;
    l->x.s = &l->s;
    l->x.o = &l->run_opts; /* neither marks nor phi: positions mean nothing here */
    l->x.c = o->c;
    l->row_bytes = wr_ledger_row_bytes(wr_ledger_lanes(o->c));
    l->epoch_rows = o->epoch_rows ? o->epoch_rows : EPOCH_ROWS;
    l->epoch_count = o->epoch_count ? o->epoch_count : EPOCH_COUNT;
    l->last_seq = INT64_MIN;
    l->ring = wr_calloc(l->epoch_count, sizeof *l->ring);
    if (!l->ring)
        return wr_fail(err, WR_ENOMEM, "log of %u epochs", l->epoch_count);
    *out = WR_STEAL(l);
    return WR_OK;
}

void wr_ledger_live_free(wr_ledger_live *l)
{
    if (!l)
        return;
    for (uint32_t i = 0; l->ring && i < l->epoch_count; i++) {
        wr_free(l->ring[i].entry);
        wr_free(l->ring[i].pre);
        wr_free(l->ring[i].row);
        wr_free(l->ring[i].more);
    }
    for (uint32_t i = 0; i < l->wallet_count; i++)
        wr_free(l->wallet[i].many);
    wr_free(l->ring);
    wr_free(l->wallet);
    wr_free(l->row_mem);
    wr_free(l->owner);
    wr_free(l->mark);
    wr_free(l->s.kind);
    wr_seeds_release(&l->seeds);
    wr_sparse_release(&l->x.direct);
    wr_sparse_release(&l->x.through);
    wr_free(l->work);
    wr_free(l->spare);
    wr_free(l->touched);
    wr_free(l);
}

void wr_ledger_live_set_kind(wr_ledger_live *l, uint32_t column, uint8_t kind)
{
    assert(column < l->x.c);
    l->seeds.kind[column] = kind;
}

wr_status wr_ledger_live_add(wr_ledger_live *l, uint32_t *wallet, const wr_live_wallet *w,
                             wr_err *err)
{
    assert(w->category == WR_SEED_NONE ||
           (w->category >= 0 && (uint32_t)w->category < l->x.c));
    assert(w->base_v == WR_VID_NONE || (l->base && w->base_v < l->base->n));
    if (!WR_LIVE_GROW(l->wallet, l->wallet_cap, (size_t)l->wallet_count + 1))
        return wr_fail(err, WR_ENOMEM, "wallet %u", l->wallet_count);
    uint32_t before = l->slot_count;
    wr_live_owner *o = &l->wallet[l->wallet_count];
    *o = (wr_live_owner){.w = *w};
    if (w->base_v != WR_VID_NONE) {
        wr_status s = wr_live_take_base(l, l->wallet_count, err);
        if (s != WR_OK) {
            wr_live_drop_slots(l, before);
            wr_free(o->many);
            return s;
        }
    }
    *wallet = l->wallet_count++;
    return WR_OK;
}

static wr_status check(const wr_ledger_live *l, const wr_live_transfer *t, size_t n,
                       wr_err *err)
{
    int64_t seq = l->last_seq;
    if (l->is_broken)
        return wr_fail(err, WR_ENOMEM, "live ledger: memory ran out before");
    for (size_t i = 0; i < n; i++) {
        uint32_t high = t[i].from > t[i].to ? t[i].from : t[i].to;
        if (!(t[i].value >= 0 && t[i].value <= WR_LEDGER_VALUE_MAX))
            return wr_fail(err, WR_EINVAL, "transfer %zu: value %g, wanted 0..%g", i,
                           t[i].value, WR_LEDGER_VALUE_MAX);
        if (high >= l->wallet_count)
            return wr_fail(err, WR_EINVAL, "transfer %zu: wallet %u, %u are known", i,
                           high, l->wallet_count);
        if (t[i].seq <= seq)
            return wr_fail(err, WR_EINVAL, "transfer %zu: seq %ld after %ld", i,
                           (long)t[i].seq, (long)seq);
        seq = t[i].seq;
    }
    return WR_OK;
}

/* The batch becomes work.  *epoch: the first one that must be taken back for it. */
static wr_status take_in(wr_ledger_live *l, wr_live_transfer *t, size_t n,
                         uint32_t *epoch, wr_err *err)
{
    if (!WR_LIVE_GROW(l->work, l->work_cap, n))
        return wr_fail(err, WR_ENOMEM, "%zu transfers", n);
    for (size_t i = 0; i < n; i++) {
        if (i + WR_LIVE_AHEAD < n) {
            __builtin_prefetch(&l->wallet[t[i + WR_LIVE_AHEAD].from], 1);
            __builtin_prefetch(&l->wallet[t[i + WR_LIVE_AHEAD].to], 1);
        }
        t[i].is_out_of_order = false;
        if (t[i].from == t[i].to || t[i].value == 0)
            continue;
        wr_live_entry e = {.a = t[i].value, .seq = t[i].seq, .t = t[i].time_s};
        WR_TRY(wr_live_slot(&e.u, l, t[i].from, t[i].asset, err));
        WR_TRY(wr_live_slot(&e.v, l, t[i].to, t[i].asset, err));
        l->work[l->work_count++] = e;
        uint32_t first = *epoch;
        bool is_placed = (wr_live_is_paid_by_label(l, e.u, e.t) ||
                          wr_live_find_epoch(&first, l, e.u, e.t)) &&
                         wr_live_find_epoch(&first, l, e.v, e.t);
        t[i].is_out_of_order = !is_placed;
        if (is_placed)
            *epoch = first;
    }
    return WR_OK;
}

static wr_status apply(wr_ledger_live *l, wr_live_transfer *t, size_t n, uint64_t *undone,
                       wr_err *err)
{
    uint32_t epoch = l->now + 1;
    WR_TRY(take_in(l, t, n, &epoch, err));
    size_t fresh = l->work_count;
    if (epoch <= l->now)
        WR_TRY(wr_live_take_back(l, epoch, err));
    *undone = l->work_count - fresh;
    WR_TRY(wr_live_sort_work(l, err));
    return wr_live_do_work(l, err);
}

wr_status wr_ledger_live_apply(wr_ledger_live *l, wr_live_transfer *t, size_t n,
                               const uint32_t **touched, size_t *touched_count,
                               uint64_t *undone, wr_err *err)
{
    uint64_t again = 0;
    WR_TRY(check(l, t, n, err));
    for (size_t i = 0; i < l->touched_count; i++)
        l->wallet[l->touched[i]].is_touched = false;
    l->touched_count = 0;
    l->work_count = 0;
    wr_status s = apply(l, t, n, &again, err);
    l->is_broken = s != WR_OK;
    if (s != WR_OK)
        return s;
    if (n)
        l->last_seq = t[n - 1].seq;
    *touched = l->touched;
    *touched_count = l->touched_count;
    if (undone)
        *undone = again;
    return WR_OK;
}

void wr_ledger_live_at(const wr_ledger_live *l, uint32_t wallet, wr_live_state *out)
{
    _Alignas(64) unsigned char mem[512] = {0};
    unsigned lanes = wr_ledger_lanes(l->x.c);
    const wr_live_owner *w = &l->wallet[wallet];
    const wr_live_ref *ref = wr_live_refs(w);
    wr_ledger_row sum = wr_ledger_row_at(mem, lanes);
    *out = (wr_live_state){0};
    for (uint32_t i = 0; i < w->count; i++) {
        wr_ledger_row now = wr_ledger_row_of(l->x.row, ref[i].slot, lanes);
        if (wr_ledger_row_is_empty(&now))
            continue;
        wr_ledger_row_add(&sum, &now, l->x.c);
        const double *direct = wr_sparse_get(&l->x.direct, ref[i].slot);
        for (uint32_t c = 0; c < l->x.c; c++)
            out->direct[c] += direct[c];
    }
    memcpy(out->received, sum.got, l->x.c * sizeof *out->received);
    memcpy(out->taint, sum.tau, l->x.c * sizeof *out->taint);
    memcpy(out->mean_hops, sum.mean_hops, l->x.c * sizeof *out->mean_hops);
    memcpy(out->held_hops, sum.held_hops, l->x.c * sizeof *out->held_hops);
    out->view = (wr_ledger_view){.total = sum.take->total,
                                 .balance = sum.pay->balance,
                                 .overdraft = sum.pay->overdraft,
                                 .received_unknown = sum.take->received_unknown,
                                 .held_unknown = sum.pay->held_unknown,
                                 .received = out->received,
                                 .direct = out->direct,
                                 .taint = out->taint,
                                 .mean_hops = out->mean_hops,
                                 .held_hops = out->held_hops,
                                 .max_share = sum.take->max_share,
                                 .max_at = UINT32_MAX};
    for (uint32_t c = 0; c < l->x.c; c++)
        out->view.min_hops[c] = (uint8_t)(sum.near[c] ? 255 - sum.near[c] : 0);
}

uint64_t wr_ledger_live_bytes(const wr_ledger_live *l)
{
    const size_t by_slot = l->row_bytes + sizeof *l->owner + sizeof *l->mark +
                           sizeof *l->s.kind + sizeof *l->seeds.category +
                           sizeof *l->seeds.confidence + sizeof *l->seeds.from_s +
                           sizeof *l->seeds.to_s + 2 * sizeof *l->x.direct.at;
    uint64_t bytes = sizeof *l + l->slot_cap * by_slot +
                     (l->x.direct.cap + l->x.through.cap) * sizeof(double) +
                     l->wallet_cap * sizeof *l->wallet + l->refs * sizeof(wr_live_ref) +
                     (l->work_cap + l->spare_cap) * sizeof *l->work +
                     l->touched_cap * sizeof *l->touched +
                     l->epoch_count * sizeof *l->ring;
    for (uint32_t i = 0; i < l->epoch_count; i++) {
        const wr_live_epoch *e = &l->ring[i];
        bytes += e->entry_cap * sizeof *e->entry + e->pre_cap * sizeof *e->pre +
                 e->row_cap * l->row_bytes + e->more_cap * sizeof *e->more;
    }
    return bytes;
}
