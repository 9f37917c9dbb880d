/* Single (wallet, asset): added up over assets, and kept for who goes on from a run. */
#include <string.h>

#include "scoring/ledger_int.h"

static void add_mixed(double *sum, float *mean, const double *more, const float *at,
                      uint32_t c)
{
    for (uint32_t k = 0; k < c; k++) {
        sum[k] += more[k];
        mean[k] = wr_ledger_mix(mean[k], sum[k], more[k], (double)at[k]);
    }
}

static void add_near(uint8_t *sum, const uint8_t *now, uint32_t c)
{
    for (uint32_t k = 0; k < c; k++)
        if (now[k] > sum[k])
            sum[k] = now[k];
}

void wr_ledger_row_add(const wr_ledger_row *sum, const wr_ledger_row *now, uint32_t c)
{
    if (wr_ledger_row_is_empty(sum)) {
        memcpy(sum->pay, now->pay, wr_ledger_row_bytes(wr_ledger_lanes(c)));
        return;
    }
    sum->pay->balance += now->pay->balance;
    sum->pay->held_unknown += now->pay->held_unknown;
    sum->pay->overdraft += now->pay->overdraft;
    sum->take->total += now->take->total;
    sum->take->received_unknown += now->take->received_unknown;
    if (now->take->max_share > sum->take->max_share) {
        sum->take->max_share = now->take->max_share;
        sum->take->max_at = now->take->max_at;
    }
    add_mixed(sum->tau, sum->held_hops, now->tau, now->held_hops, c);
    add_mixed(sum->got, sum->mean_hops, now->got, now->mean_hops, c);
    add_near(sum->held_near, now->held_near, c);
    add_near(sum->near, now->near, c);
}

static size_t row_bytes(const wr_ledger_states *t)
{
    return wr_ledger_row_bytes(wr_ledger_lanes(t->c));
}

static bool has_any(const double *x, uint32_t c)
{
    for (uint32_t k = 0; k < c; k++)
        if (x[k] != 0)
            return true;
    return false;
}

static wr_status add_sparse(wr_sparse *s, uint32_t at, const double *x, wr_err *err)
{
    double *row;
    if (!has_any(x, (uint32_t)s->width))
        return WR_OK;
    WR_TRY(wr_sparse_row(&row, s, at, err));
    memcpy(row, x, s->width * sizeof *row);
    return WR_OK;
}

/* Room for one more entry in every array. */
static wr_status reserve(wr_ledger_states *t, wr_err *err)
{
    size_t want = (size_t)t->count + 1, bytes = row_bytes(t);
    if (want > t->cap) {
        size_t cap = t->cap;
        unsigned char *row = wr_grow(t->row, &cap, want, bytes);
        if (!row)
            return wr_fail(err, WR_ENOMEM, "state %u", t->count);
        t->row = row;
        WR_TRY(wr_sparse_grow(&t->direct, (uint32_t)cap, t->c, err));
        WR_TRY(wr_sparse_grow(&t->through, (uint32_t)cap, t->c, err));
        t->cap = cap;
    }
    wr_vid *vid = wr_grow(t->vid, &t->vid_cap, want, sizeof *vid);
    if (vid)
        t->vid = vid;
    uint16_t *asset = wr_grow(t->asset, &t->asset_cap, want, sizeof *asset);
    if (asset)
        t->asset = asset;
    if (!vid || !asset)
        return wr_fail(err, WR_ENOMEM, "state %u", t->count);
    return WR_OK;
}

wr_status wr_ledger_states_add(wr_ledger_states *t, wr_vid v, const wr_ledger_state *s,
                               wr_err *err)
{
    WR_TRY(reserve(t, err));
    WR_TRY(add_sparse(&t->direct, t->count, s->direct, err));
    WR_TRY(add_sparse(&t->through, t->count, s->through, err));
    memcpy(t->row + t->count * row_bytes(t), s->row, row_bytes(t));
    t->vid[t->count] = v;
    t->asset[t->count++] = s->asset;
    return WR_OK;
}

wr_status wr_ledger_states_keep_early(wr_ledger_states *t, wr_vid v,
                                      const wr_ledger_state *s, wr_err *err)
{
    if (t->early_at[v])
        return WR_OK;
    WR_TRY(wr_ledger_states_add(t->early, v, s, err));
    t->early_at[v] = t->early->count;
    return WR_OK;
}

static wr_ledger_state entry_at(const wr_ledger_states *t, uint32_t i)
{
    return (wr_ledger_state){.row = t->row + i * row_bytes(t),
                             .direct = wr_sparse_get(&t->direct, i),
                             .through = wr_sparse_get(&t->through, i),
                             .asset = t->asset[i]};
}

void wr_ledger_states_take_early(wr_ledger_states *t, wr_vid v, wr_ledger_state *s)
{
    if (!t->early_at || !t->early_at[v])
        return;
    *s = entry_at(t->early, t->early_at[v] - 1);
    t->early_at[v] = 0;
}

/* Stable counting sort of the entries by wallet. */
wr_status wr_ledger_states_close(wr_ledger_states *t, uint32_t n, wr_err *err)
{
    if (t->is_one)
        return WR_OK;
    t->first = wr_calloc((size_t)n + 2, sizeof *t->first);
    t->at = wr_calloc(t->count, sizeof *t->at);
    if (!t->first || !t->at)
        return wr_fail(err, WR_ENOMEM, "index of %u states", t->count);
    for (uint32_t i = 0; i < t->count; i++)
        t->first[t->vid[i] + 2ULL]++;
    for (size_t v = 0; v <= n; v++)
        t->first[v + 1] += t->first[v];
    for (uint32_t i = 0; i < t->count; i++)
        t->at[t->first[t->vid[i] + 1ULL]++] = i;
    return WR_OK;
}

void wr_ledger_states_free(wr_ledger_states *t)
{
    if (!t)
        return;
    wr_ledger_states_free(t->early);
    wr_free(t->early_at);
    wr_free(t->vid);
    wr_free(t->asset);
    wr_free(t->row);
    wr_free(t->first);
    wr_free(t->at);
    wr_sparse_release(&t->direct);
    wr_sparse_release(&t->through);
    wr_free(t);
}

uint64_t wr_ledger_states_bytes(const wr_ledger_states *t)
{
    if (!t)
        return 0;
    return wr_block_bytes(t) + wr_ledger_states_bytes(t->early) +
           wr_block_bytes(t->early_at) + wr_block_bytes(t->vid) +
           wr_block_bytes(t->asset) + wr_block_bytes(t->row) + wr_block_bytes(t->first) +
           wr_block_bytes(t->at) + wr_block_bytes(t->direct.at) +
           wr_block_bytes(t->direct.row) + wr_block_bytes(t->through.at) +
           wr_block_bytes(t->through.row);
}

bool wr_ledger_state_is_empty(const wr_ledger_state *s, uint32_t c)
{
    unsigned char *p; /* wr_ledger_row_at serves writers too */
    memcpy(&p, &s->row, sizeof p);
    const wr_ledger_row r = wr_ledger_row_at(p, wr_ledger_lanes(c));
    return wr_ledger_row_is_empty(&r);
}

/* With one asset: before the tail, else at the end. */
static wr_ledger_state only_state(const wr_ledger *l, wr_vid v)
{
    const wr_ledger_states *t = l->states;
    if (t->early_at && t->early_at[v])
        return entry_at(t->early, t->early_at[v] - 1);
    return (wr_ledger_state){.row = l->row + (size_t)v * l->row_bytes,
                             .direct = l->direct + (size_t)l->direct_at[v] * l->c,
                             .through = wr_sparse_get(&t->through, v),
                             .asset = t->one};
}

uint32_t wr_ledger_state_count(const wr_ledger *l, wr_vid v)
{
    const wr_ledger_states *t = l->states;
    if (!t->is_one)
        return t->first[v + 1ULL] - t->first[v];
    const wr_ledger_state s = only_state(l, v);
    return wr_ledger_state_is_empty(&s, l->c) ? 0 : 1;
}

wr_ledger_state wr_ledger_state_at(const wr_ledger *l, wr_vid v, uint32_t k)
{
    const wr_ledger_states *t = l->states;
    return t->is_one ? only_state(l, v) : entry_at(t, t->at[t->first[v] + k]);
}
