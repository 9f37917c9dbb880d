/* The log of a live ledger: apply in epochs, take epochs back. */
#include <string.h>

#include "scoring/ledger_live_int.h"

static wr_live_epoch *epoch_at(const wr_ledger_live *l, uint32_t epoch)
{
    return &l->ring[epoch % l->epoch_count];
}

static void begin_epoch(wr_ledger_live *l, uint32_t epoch)
{
    l->now = epoch;
    if (l->now - l->first >= l->epoch_count)
        l->first = l->now - l->epoch_count + 1;
    wr_live_epoch *e = epoch_at(l, epoch);
    e->count = 0;
    e->pre_count = 0;
    e->more_count = 0;
}

bool wr_live_find_epoch(uint32_t *epoch, const wr_ledger_live *l, uint32_t slot,
                        uint32_t t)
{
    uint32_t found = *epoch;
    wr_live_mark m = l->mark[slot];
    while (m.last_s > t) {
        if (m.epoch == WR_LIVE_NO_EPOCH || m.epoch < l->first)
            return false;
        if (m.epoch < found)
            found = m.epoch;
        m = epoch_at(l, m.epoch)->pre[m.pre].before;
    }
    *epoch = found;
    return true;
}

static wr_status save_more(wr_live_epoch *e, const wr_sparse *s, uint32_t slot,
                           wr_err *err)
{
    size_t at = e->more_count, want = at + s->width;
    if (!WR_LIVE_GROW(e->more, e->more_cap, want))
        return wr_fail(err, WR_ENOMEM, "undo of %zu values", want);
    memcpy(e->more + at, wr_sparse_get(s, slot), s->width * sizeof *e->more);
    e->more_count = want;
    return WR_OK;
}

/* What slot is before this epoch touches it. */
static wr_status save(wr_ledger_live *l, wr_live_epoch *e, uint32_t slot, wr_err *err)
{
    size_t want = (size_t)e->pre_count + 1, row_cap = e->row_cap;
    unsigned char *row = wr_grow(e->row, &row_cap, want, l->row_bytes);
    if (row) {
        e->row = row;
        e->row_cap = row_cap;
    }
    if (!row || !WR_LIVE_GROW(e->pre, e->pre_cap, want))
        return wr_fail(err, WR_ENOMEM, "undo of %zu states", want);
    wr_live_pre p = {.slot = slot,
                     .before = l->mark[slot],
                     .has_direct = l->x.direct.at[slot] != 0,
                     .has_through = l->x.through.at[slot] != 0};
    memcpy(row + e->pre_count * l->row_bytes, l->x.row + slot * l->row_bytes,
           l->row_bytes);
    if (p.has_direct)
        WR_TRY(save_more(e, &l->x.direct, slot, err));
    if (p.has_through)
        WR_TRY(save_more(e, &l->x.through, slot, err));
    l->mark[slot].epoch = l->now;
    l->mark[slot].pre = e->pre_count;
    e->pre[e->pre_count++] = p;
    return WR_OK;
}

static wr_status touch(wr_ledger_live *l, wr_live_epoch *e, uint32_t slot, uint32_t t,
                       wr_err *err)
{
    wr_live_mark *m = &l->mark[slot];
    if (m->epoch != l->now)
        WR_TRY(save(l, e, slot, err));
    if (t > m->last_s)
        m->last_s = t;
    wr_live_owner *w = &l->wallet[l->owner[slot]];
    if (w->is_touched)
        return WR_OK;
    if (!WR_LIVE_GROW(l->touched, l->touched_cap, l->touched_count + 1))
        return wr_fail(err, WR_ENOMEM, "list of %zu wallets", l->touched_count);
    w->is_touched = true;
    l->touched[l->touched_count++] = l->owner[slot];
    return WR_OK;
}

static void restore_more(wr_sparse *s, uint32_t slot, bool has, const double **more)
{
    if (!s->at[slot])
        return;
    double *row = s->row + (size_t)s->at[slot] * s->width;
    if (!has) {
        memset(row, 0, s->width * sizeof *row);
        return;
    }
    memcpy(row, *more, s->width * sizeof *row);
    *more += s->width;
}

static void restore(wr_ledger_live *l, const wr_live_epoch *e)
{
    const double *more = e->more;
    for (uint32_t i = 0; i < e->pre_count; i++) {
        const wr_live_pre *p = &e->pre[i];
        memcpy(l->x.row + p->slot * l->row_bytes, e->row + i * l->row_bytes,
               l->row_bytes);
        l->mark[p->slot] = p->before;
        restore_more(&l->x.direct, p->slot, p->has_direct, &more);
        restore_more(&l->x.through, p->slot, p->has_through, &more);
    }
}

wr_status wr_live_take_back(wr_ledger_live *l, uint32_t k, wr_err *err)
{
    for (uint32_t i = k; i <= l->now; i++) {
        const wr_live_epoch *e = epoch_at(l, i);
        size_t want = l->work_count + e->count;
        if (!WR_LIVE_GROW(l->work, l->work_cap, want))
            return wr_fail(err, WR_ENOMEM, "%zu transfers", want);
        if (e->count)
            memcpy(l->work + l->work_count, e->entry, e->count * sizeof *e->entry);
        l->work_count = want;
    }
    for (uint32_t i = l->now + 1; i-- > k;)
        restore(l, epoch_at(l, i));
    begin_epoch(l, k);
    return WR_OK;
}

static bool is_after(const wr_live_entry *a, const wr_live_entry *b)
{
    return a->t != b->t ? a->t > b->t : a->seq > b->seq;
}

static size_t run_end(const wr_live_entry *e, size_t i, size_t n)
{
    for (i++; i < n; i++)
        if (is_after(&e[i - 1], &e[i]))
            break;
    return i < n ? i : n;
}

static void merge(wr_live_entry *to, const wr_live_entry *a, size_t an, size_t bn)
{
    const wr_live_entry *b = a + an, *a_end = b, *b_end = b + bn;
    while (a < a_end && b < b_end)
        *to++ = is_after(a, b) ? *b++ : *a++;
    memcpy(to, a, (size_t)(a_end - a) * sizeof *to);
    memcpy(to + (a_end - a), b, (size_t)(b_end - b) * sizeof *to);
}

/* Natural merge sort: the work is a few pieces that are in order. */
wr_status wr_live_sort_work(wr_ledger_live *l, wr_err *err)
{
    size_t n = l->work_count;
    if (!n || run_end(l->work, 0, n) == n)
        return WR_OK;
    if (!WR_LIVE_GROW(l->spare, l->spare_cap, n))
        return wr_fail(err, WR_ENOMEM, "order of %zu transfers", n);
    for (size_t pairs = 2; pairs > 1;) {
        pairs = 0;
        for (size_t i = 0, mid, end; i < n; i = end, pairs++) {
            mid = run_end(l->work, i, n);
            end = mid < n ? run_end(l->work, mid, n) : n;
            merge(l->spare + i, l->work + i, mid - i, end - mid);
        }
        wr_live_entry *sorted = l->spare;
        size_t cap = l->spare_cap;
        l->spare = l->work;
        l->spare_cap = l->work_cap;
        l->work = sorted;
        l->work_cap = cap;
    }
    return WR_OK;
}

static void ask_for(const wr_ledger_live *l, const wr_live_entry *e)
{
    const unsigned char *u = l->x.row + e->u * l->row_bytes;
    const unsigned char *v = l->x.row + e->v * l->row_bytes;
    __builtin_prefetch(&l->mark[e->u], 1);
    __builtin_prefetch(&l->mark[e->v], 1);
    for (size_t at = 0; at < l->row_bytes; at += 64) {
        __builtin_prefetch(u + at, 1, 2);
        __builtin_prefetch(v + at, 1, 2);
    }
}

/* n entries into the current epoch, which has room for them. */
static wr_status do_chunk(wr_ledger_live *l, const wr_live_entry *e, size_t n,
                          wr_err *err)
{
    wr_live_epoch *ep = epoch_at(l, l->now);
    if (!WR_LIVE_GROW(ep->entry, ep->entry_cap, ep->count + n))
        return wr_fail(err, WR_ENOMEM, "log of %zu transfers", ep->count + n);
    for (size_t i = 0; i < n; i++) {
        if (i + WR_LIVE_AHEAD < n)
            ask_for(l, &e[i + WR_LIVE_AHEAD]);
        if (!wr_live_is_paid_by_label(l, e[i].u, e[i].t))
            WR_TRY(touch(l, ep, e[i].u, e[i].t, err));
        WR_TRY(touch(l, ep, e[i].v, e[i].t, err));
        l->item[i] = (wr_stream_item){e[i].a, e[i].u, e[i].v, e[i].t, UINT32_MAX};
    }
    memcpy(ep->entry + ep->count, e, n * sizeof *e);
    ep->count += (uint32_t)n;
    wr_stream_block b = {.item = l->item, .count = n};
    return l->block(&l->x, &b, err);
}

wr_status wr_live_do_work(wr_ledger_live *l, wr_err *err)
{
    for (size_t i = 0, n; i < l->work_count; i += n) {
        if (epoch_at(l, l->now)->count == l->epoch_rows)
            begin_epoch(l, l->now + 1);
        size_t room = l->epoch_rows - epoch_at(l, l->now)->count;
        n = l->work_count - i;
        n = n < room ? n : room;
        n = n < WR_LIVE_CHUNK ? n : WR_LIVE_CHUNK;
        WR_TRY(do_chunk(l, l->work + i, n, err));
    }
    return WR_OK;
}
