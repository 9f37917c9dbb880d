#include "graph/delta.h"

#include <assert.h>
#include <inttypes.h>

#include "graph/delta_int.h"
#include "graph/ids_int.h"

/* --- segments ----------------------------------------------------------------------- */

bool wr_segments_reserve(wr_segments *s, uint64_t i, size_t size, _Atomic uint64_t *bytes)
{
    const unsigned k = wr_segment_of(i);
    if (s->segment[k])
        return true;
    const size_t count = (size_t)1 << (k + WR_SEGMENT_FIRST_LOG);
    s->segment[k] = wr_alloc_big(count, size);
    if (!s->segment[k])
        return false;
    atomic_fetch_add_explicit(bytes, count * size, memory_order_relaxed);
    return true;
}

void wr_segments_release(wr_segments *s)
{
    for (unsigned k = 0; k < WR_SEGMENTS; k++)
        wr_free(s->segment[k]);
    *s = (wr_segments){0};
}

/* --- life of a delta ---------------------------------------------------------------- */

wr_status wr_delta_new(wr_delta **out, wr_snapshot *base, wr_err *err)
{
    assert(out && base && wr_snapshot_ids(base));
    const wr_ids *ids = wr_snapshot_ids(base);
    WR_AUTO(wr_delta) d = wr_calloc(1, sizeof *d);
    if (!d)
        return wr_fail(err, WR_ENOMEM, "delta");
    atomic_init(&d->refs, 1);
    d->base = wr_snapshot_acquire(base);
    d->base_n = wr_snapshot_n(base);
    d->base_m = wr_snapshot_columns(base).m;
    d->n = d->base_n;
    d->chain_count = ids->chain_count;
    for (uint32_t c = 0; c < ids->chain_count; c++)
        d->chain[c] = ids->chain[c];
    /* calloc, not wr_alloc_big: pages of vertices that nothing happens to stay untouched
     */
    d->head = wr_calloc(2 * (size_t)d->base_n, sizeof *d->head);
    if (!d->head)
        return wr_fail(err, WR_ENOMEM, "delta behind %" PRIu32 " vertices", d->base_n);
    atomic_init(&d->closed_seq, INT64_MAX);
    atomic_init(&d->bytes, sizeof *d + 2 * (uint64_t)d->base_n * sizeof *d->head);
    wr_delta_publish(d);
    *out = WR_STEAL(d);
    return WR_OK;
}

wr_delta *wr_delta_acquire(wr_delta *d)
{
    assert(d);
    atomic_fetch_add_explicit(&d->refs, 1, memory_order_relaxed);
    return d;
}

void wr_delta_unref(wr_delta *d)
{
    /* acq_rel: whoever frees has seen everything that the other owners did before */
    if (!d || atomic_fetch_sub_explicit(&d->refs, 1, memory_order_acq_rel) != 1)
        return;
    wr_slots_free(atomic_load_explicit(&d->by_address, memory_order_relaxed));
    wr_slots_free(atomic_load_explicit(&d->by_wallet, memory_order_relaxed));
    wr_segments_release(&d->legs);
    wr_segments_release(&d->wallets);
    wr_arena_release(&d->text);
    wr_free(d->met.key);
    wr_free(d->head);
    wr_snapshot_unref(d->base);
    wr_free(d);
}

uint64_t wr_delta_bytes(const wr_delta *d)
{
    assert(d);
    return atomic_load_explicit(&d->bytes, memory_order_relaxed);
}

/* --- writing ------------------------------------------------------------------------ */

static wr_status check_row(const wr_delta *d, const wr_delta_row *row, wr_err *err)
{
    if (row->from >= d->n || row->to >= d->n)
        return wr_fail(err, WR_EINVAL,
                       "transfer %" PRIu32 " -> %" PRIu32 " with %" PRIu32 " vertices",
                       row->from, row->to, d->n);
    if (!(row->value >= 0.0 && row->value <= __DBL_MAX__))
        return wr_fail(err, WR_EINVAL, "value %g is not finite and >= 0", row->value);
    if (d->base_m + d->m >= UINT32_MAX - 1) /* what a rebuilt snapshot can hold */
        return wr_fail(err, WR_ELIMIT, "%" PRIu64 " + 1 transfers (limit %" PRIu32 ")",
                       d->base_m + d->m, UINT32_MAX - 1);
    return WR_OK;
}

wr_status wr_delta_append(wr_delta *d, const wr_delta_row *row, bool *is_new_pair,
                          wr_err *err)
{
    assert(d && row && is_new_pair);
    WR_TRY(check_row(d, row, err));
    const uint32_t i = d->m;
    if (!wr_segments_reserve(&d->legs, i, sizeof(wr_delta_leg), &d->bytes))
        return wr_fail(err, WR_ENOMEM, "delta of %" PRIu32 " transfers", i);
    WR_TRY(wr_delta_meet(d, row->from, row->to, is_new_pair, err)); /* last to fail */

    _Atomic uint32_t *out = wr_delta_head_of(d, row->from, WR_DELTA_OUT);
    _Atomic uint32_t *in = wr_delta_head_of(d, row->to, WR_DELTA_IN);
    *wr_delta_leg_at(d, i) = (wr_delta_leg){
        .seq = row->seq,
        .value = row->value == 0.0 ? 0.0 : row->value, /* -0.0 as the build makes it */
        .time_s = row->time_s,
        .from = row->from,
        .to = row->to,
        .before = {[WR_DELTA_OUT] = atomic_load_explicit(out, memory_order_relaxed),
                   [WR_DELTA_IN] = atomic_load_explicit(in, memory_order_relaxed)},
        .asset = row->asset};
    /* release: a reader walks through legs that it must not show yet */
    atomic_store_explicit(out, i + 1, memory_order_release);
    atomic_store_explicit(in, i + 1, memory_order_release);
    d->m = i + 1;
    return WR_OK;
}

void wr_delta_publish(wr_delta *d)
{
    assert(d);
    atomic_store_explicit(&d->published, (uint64_t)d->n << 32 | d->m,
                          memory_order_release);
}

void wr_delta_close(wr_delta *d, int64_t seq)
{
    assert(d);
    atomic_store_explicit(&d->closed_seq, seq, memory_order_relaxed);
}

int64_t wr_delta_closed_seq(const wr_delta *d)
{
    assert(d);
    return atomic_load_explicit(&d->closed_seq, memory_order_relaxed);
}

/* --- reading ------------------------------------------------------------------------ */

wr_delta_view wr_delta_read(const wr_delta *d)
{
    assert(d);
    const uint64_t both = atomic_load_explicit(&d->published, memory_order_acquire);
    return (wr_delta_view){
        .d = d, .base = d->base, .m = (uint32_t)both, .n = (uint32_t)(both >> 32)};
}

wr_delta_view wr_delta_read_all(const wr_delta *d)
{
    return (wr_delta_view){.d = d, .base = d->base, .m = d->m, .n = d->n};
}

wr_delta_row wr_delta_row_at(const wr_delta_view *w, uint64_t i)
{
    assert(w && i < w->m);
    const wr_delta_leg *leg = wr_delta_leg_at(w->d, i);
    return (wr_delta_row){.seq = leg->seq,
                          .value = leg->value,
                          .time_s = leg->time_s,
                          .from = leg->from,
                          .to = leg->to,
                          .asset = leg->asset};
}

uint64_t wr_delta_newest(const wr_delta_view *w, wr_vid v, int way)
{
    assert(w && v < w->n && (way == WR_DELTA_OUT || way == WR_DELTA_IN));
    uint32_t at =
        atomic_load_explicit(wr_delta_head_of(w->d, v, way), memory_order_acquire);
    while (at > w->m) /* appended after the view was taken */
        at = wr_delta_leg_at(w->d, at - 1)->before[way];
    return at ? at - 1 : WR_DELTA_END;
}

uint64_t wr_delta_before(const wr_delta_view *w, uint64_t i, int way)
{
    assert(w && i < w->m && (way == WR_DELTA_OUT || way == WR_DELTA_IN));
    const uint32_t at = wr_delta_leg_at(w->d, i)->before[way];
    return at ? at - 1 : WR_DELTA_END;
}
