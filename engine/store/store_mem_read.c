#include "store/mem_int.h"
#include "util/clock.h"

wr_status wr_mem_bulk(wr_store *st, wr_err *err)
{
    return wr_mem_ready(wr_mem_of(st), err); /* nothing to prepare */
}

/* By source text, then partition. */
static int cmp_source(const wr_source *a, const wr_source *b)
{
    uint32_t len = a->source.len < b->source.len ? a->source.len : b->source.len;
    int d = len ? memcmp(a->source.p, b->source.p, len) : 0;
    if (d == 0)
        d = (a->source.len > b->source.len) - (a->source.len < b->source.len);
    return d ? d : (a->partition > b->partition) - (a->partition < b->partition);
}

static const wr_mem_source *source_after(const wr_mem *m, const wr_mem_source *last)
{
    const wr_mem_source *next = NULL;
    for (size_t i = 0; i < m->sources.count; i++) {
        const wr_mem_source *s = &m->sources.item[i];
        if ((!last || cmp_source(&s->s, &last->s) > 0) &&
            (!next || cmp_source(&s->s, &next->s) < 0))
            next = s;
    }
    return next;
}

static wr_source source_now(const wr_mem_source *from)
{
    wr_source s = from->s;
    wr_rates_read(&from->rates, wr_clock_wall_us(), s.rate_per_s);
    return s;
}

wr_status wr_mem_sources(wr_store *st, wr_source_fn fn, void *ctx, wr_err *err)
{
    const wr_mem *m = wr_mem_of(st);
    WR_TRY(wr_mem_ready(m, err));
    for (const wr_mem_source *at = source_after(m, NULL); at; at = source_after(m, at)) {
        const wr_source s = source_now(at);
        WR_TRY(fn(ctx, &s, err));
    }
    return WR_OK;
}

wr_status wr_mem_source_get(wr_store *st, wr_source *out, wr_arena *arena, wr_text source,
                            int32_t partition, wr_err *err)
{
    const wr_mem *m = wr_mem_of(st);
    WR_TRY(wr_mem_ready(m, err));
    for (size_t i = 0; i < m->sources.count; i++) {
        wr_source s = source_now(&m->sources.item[i]);
        if (s.partition != partition || !wr_text_eq(s.source, source))
            continue;
        wr_text *text[4] = {&s.source, &s.resume, &s.status, &s.last_error};
        for (size_t k = 0; k < 4; k++) {
            wr_text copy = wr_arena_text(arena, *text[k]);
            if (text[k]->p && !copy.p)
                return wr_fail(err, WR_ENOMEM, "source '%.*s'", WR_TEXT_ARG(source));
            *text[k] = copy;
        }
        *out = s;
        return WR_OK;
    }
    return wr_fail(err, WR_ENOTFOUND, "no source '%.*s' partition %d",
                   WR_TEXT_ARG(source), partition);
}

wr_status wr_mem_dead_list(wr_store *st, wr_text source, int64_t after_id, uint32_t limit,
                           wr_dead_fn fn, void *ctx, wr_err *err)
{
    const wr_mem *m = wr_mem_of(st);
    WR_TRY(wr_mem_ready(m, err));
    for (size_t i = 0; i < m->dead.count && limit > 0; i++) {
        const wr_dead_row *d = &m->dead.item[i];
        if (d->id <= after_id || (source.len && !wr_text_eq(source, d->letter.source)))
            continue;
        WR_TRY(fn(ctx, d, err));
        limit--;
    }
    return WR_OK;
}

wr_status wr_mem_counts(wr_store *st, wr_counts *out, wr_err *err)
{
    const wr_mem *m = wr_mem_of(st);
    WR_TRY(wr_mem_ready(m, err));
    wr_counts c = {
        .transfers = m->transfers.count,
        .wallets = m->wallets.count,
        .dead = m->dead.count,
        .runs = m->runs.count,
        .max_seq = (int64_t)m->transfers.count,
        .label_rev = m->label_rev,
    };
    for (size_t i = 0; i < m->labels.count; i++)
        c.labels += m->labels.item[i].removed_rev == INT64_MAX;
    for (size_t i = 0; i < m->transfers.count; i++) {
        int64_t t = m->transfers.item[i].time_s;
        if (i == 0 || t < c.first_time_s)
            c.first_time_s = t;
        if (i == 0 || t > c.last_time_s)
            c.last_time_s = t;
    }
    *out = c;
    return WR_OK;
}

wr_status wr_mem_safe_seq(wr_store *st, int64_t *seq, wr_err *err)
{
    const wr_mem *m = wr_mem_of(st);
    WR_TRY(wr_mem_ready(m, err));
    *seq = (int64_t)m->transfers.count;
    return WR_OK;
}

/* Nobody else writes here, so there is nothing to wait for. */
wr_status wr_mem_wait(wr_store *st, int64_t wait_ms, bool *is_woken, wr_err *err)
{
    (void)wait_ms;
    WR_TRY(wr_mem_ready(wr_mem_of(st), err));
    *is_woken = true;
    return WR_OK;
}

wr_status wr_mem_scan_edges(wr_store *st, int64_t after_seq, int64_t upto_seq,
                            bool is_any_order, wr_edge_fn fn, void *ctx, wr_err *err)
{
    const wr_mem *m = wr_mem_of(st);
    (void)is_any_order;
    WR_TRY(wr_mem_ready(m, err));
    for (size_t i = 0; i < m->transfers.count; i++) {
        const wr_transfer *t = &m->transfers.item[i];
        wr_edge_row row = {.seq = (int64_t)i + 1,
                           .time_s = t->time_s,
                           .value = t->value,
                           .from = wr_mem_wallet_id(m, t->chain, t->from),
                           .to = wr_mem_wallet_id(m, t->chain, t->to),
                           .flags = t->flags};
        if (row.seq <= after_seq || row.seq > upto_seq)
            continue;
        for (size_t k = 0; k < m->assets.count; k++)
            if (m->assets.item[k].chain == t->chain &&
                wr_text_eq(m->assets.item[k].asset, t->asset))
                row.asset = (uint16_t)k;
        WR_TRY(fn(ctx, &row, 1, err));
    }
    return WR_OK;
}

wr_status wr_mem_scan_wallets(wr_store *st, uint32_t after_id, wr_wallet_fn fn, void *ctx,
                              wr_err *err)
{
    const wr_mem *m = wr_mem_of(st);
    WR_TRY(wr_mem_ready(m, err));
    for (size_t i = after_id; i < m->wallets.count; i++) {
        wr_wallet_row row = {.id = (uint32_t)i + 1,
                             .chain = m->wallets.item[i].chain,
                             .address = m->wallets.item[i].address};
        WR_TRY(fn(ctx, &row, 1, err));
    }
    return WR_OK;
}

wr_status wr_mem_wallets_get(wr_store *st, const uint32_t *id, size_t n, wr_wallet_fn fn,
                             void *ctx, wr_err *err)
{
    const wr_mem *m = wr_mem_of(st);
    WR_TRY(wr_mem_ready(m, err));
    for (size_t i = 0; i < n; i++) {
        if (id[i] == 0 || id[i] > m->wallets.count)
            continue;
        wr_wallet_row row = {.id = id[i],
                             .chain = m->wallets.item[id[i] - 1].chain,
                             .address = m->wallets.item[id[i] - 1].address};
        WR_TRY(fn(ctx, &row, 1, err));
    }
    return WR_OK;
}

wr_status wr_mem_scan_assets(wr_store *st, wr_asset_fn fn, void *ctx, wr_err *err)
{
    const wr_mem *m = wr_mem_of(st);
    WR_TRY(wr_mem_ready(m, err));
    for (size_t i = 0; i < m->assets.count; i++)
        WR_TRY(fn(ctx, &m->assets.item[i], err));
    return WR_OK;
}

wr_status wr_mem_transfer_get(wr_store *st, int64_t seq, wr_transfer_fn fn, void *ctx,
                              wr_err *err)
{
    const wr_mem *m = wr_mem_of(st);
    WR_TRY(wr_mem_ready(m, err));
    if (seq < 1 || seq > (int64_t)m->transfers.count)
        return wr_fail(err, WR_ENOTFOUND, "no transfer with seq %lld", (long long)seq);
    wr_transfer_row row = {.seq = seq, .transfer = m->transfers.item[seq - 1]};
    return fn(ctx, &row, err);
}

/* NOLINTNEXTLINE(readability-function-size): the parameters of store.h */
wr_status wr_mem_wallet_transfers(wr_store *st, const wr_chain *chain, wr_text address,
                                  int64_t before_seq, uint32_t limit, wr_transfer_fn fn,
                                  void *ctx, wr_err *err)
{
    const wr_mem *m = wr_mem_of(st);
    WR_TRY(wr_mem_ready(m, err));
    for (size_t i = m->transfers.count; i > 0 && limit > 0; i--) {
        const wr_transfer *t = &m->transfers.item[i - 1];
        wr_transfer_row row = {.seq = (int64_t)i, .transfer = *t};
        if (before_seq != 0 && row.seq >= before_seq)
            continue;
        if (t->chain != chain ||
            (!wr_text_eq(t->from, address) && !wr_text_eq(t->to, address)))
            continue;
        WR_TRY(fn(ctx, &row, err));
        limit--;
    }
    return WR_OK;
}

wr_status wr_mem_wallet_find(wr_store *st, const wr_chain *chain, wr_text address,
                             uint32_t *id, wr_err *err)
{
    const wr_mem *m = wr_mem_of(st);
    WR_TRY(wr_mem_ready(m, err));
    uint32_t found = wr_mem_wallet_id(m, chain, address);
    if (found == 0)
        return wr_fail(err, WR_ENOTFOUND, "%s:%.*s is in no transfer", chain->id,
                       WR_TEXT_ARG(address));
    *id = found;
    return WR_OK;
}
