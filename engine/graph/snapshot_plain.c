/*
 * The build as one would write it on a blackboard: the check of snapshot_build.c.
 * Shares only the validation of rows with it.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "graph/snapshot_int.h"

/* --- order of the columns ------------------------------------------------------- */

static int by_time_seq(const void *a, const void *b, void *ctx)
{
    const wr_edges *e = ctx;
    const uint32_t i = *(const uint32_t *)a;
    const uint32_t j = *(const uint32_t *)b;
    if (e->time_s[i] != e->time_s[j])
        return e->time_s[i] < e->time_s[j] ? -1 : 1;
    if (e->seq[i] != e->seq[j])
        return e->seq[i] < e->seq[j] ? -1 : 1;
    return i < j ? -1 : i > j;
}

static bool is_seq_trivial(const wr_edges *e, const uint32_t *order, int64_t base)
{
    for (uint64_t k = 0; k < e->m; k++)
        if (e->seq[order[k]] != base + (int64_t)k)
            return false;
    return true;
}

static wr_status fill_columns(wr_snapshot *g, wr_edges *e, const wr_edges_facts *f,
                              wr_err *err)
{
    WR_AUTO_ARRAY uint32_t *order = wr_calloc(e->m, sizeof *order);
    if (!order)
        return wr_fail(err, WR_ENOMEM, "order of %" PRIu64 " transfers", e->m);
    for (uint64_t i = 0; i < e->m; i++)
        order[i] = (uint32_t)i;
    if (e->m > 0)
        qsort_r(order, e->m, sizeof *order, by_time_seq, e);

    const bool has_seq = !is_seq_trivial(e, order, f->seq_min);
    g->m = e->m;
    g->seq_base = f->seq_min;
    g->from = wr_alloc_big(e->m, sizeof *g->from);
    g->to = wr_alloc_big(e->m, sizeof *g->to);
    g->time_s = wr_alloc_big(e->m, sizeof *g->time_s);
    g->value = wr_alloc_big(e->m, sizeof *g->value);
    g->asset = f->has_asset ? wr_alloc_big(e->m, sizeof *g->asset) : NULL;
    g->seq_low = has_seq ? wr_alloc_big(e->m, sizeof *g->seq_low) : NULL;
    if (!g->from || !g->to || !g->time_s || !g->value || (f->has_asset && !g->asset) ||
        (has_seq && !g->seq_low))
        return wr_fail(err, WR_ENOMEM, "columns of %" PRIu64 " transfers", e->m);
    for (uint64_t k = 0; k < e->m; k++) {
        g->from[k] = e->from[order[k]];
        g->to[k] = e->to[order[k]];
        g->time_s[k] = e->time_s[order[k]];
        g->value[k] = e->value[order[k]];
        if (g->asset)
            g->asset[k] = e->asset[order[k]];
        if (g->seq_low)
            g->seq_low[k] = (uint32_t)(e->seq[order[k]] - f->seq_min);
    }
    return WR_OK;
}

/* --- rows ----------------------------------------------------------------------- */

/* Counting sort of 0..m-1 by key; off [n+1] comes zeroed and is the row starts after. */
static void sort_by_key(uint32_t *off, uint32_t *sorted, const uint32_t *key, uint32_t n,
                        uint64_t m)
{
    for (uint64_t i = 0; i < m; i++)
        off[key[i] + UINT64_C(1)]++;
    for (uint64_t v = 0; v < n; v++)
        off[v + 1] += off[v];
    for (uint64_t i = 0; i < m; i++)
        sorted[off[key[i]]++] = (uint32_t)i;
    for (uint64_t v = n; v > 0; v--) /* off[v] has moved to the end of row v: move back */
        off[v] = off[v - 1];
    off[0] = 0;
}

static wr_status fill_rows(uint32_t **off, uint32_t **col, const uint32_t *key,
                           const wr_snapshot *g, uint64_t m, wr_err *err)
{
    *off = wr_calloc(g->n + (size_t)1, sizeof **off);
    *col = wr_alloc_big(m, sizeof **col);
    if (!*off || !*col)
        return wr_fail(err, WR_ENOMEM, "rows of %" PRIu64, m);
    sort_by_key(*off, *col, key, g->n, m);
    return WR_OK;
}

/* --- pairs ---------------------------------------------------------------------- */

static int by_from_to(const void *a, const void *b, void *ctx)
{
    const wr_snapshot *g = ctx;
    const uint32_t i = *(const uint32_t *)a;
    const uint32_t j = *(const uint32_t *)b;
    if (g->from[i] != g->from[j])
        return g->from[i] < g->from[j] ? -1 : 1;
    if (g->to[i] != g->to[j])
        return g->to[i] < g->to[j] ? -1 : 1;
    return i < j ? -1 : i > j;
}

static bool is_same_pair(const wr_snapshot *g, uint32_t i, uint32_t j)
{
    return g->from[i] == g->from[j] && g->to[i] == g->to[j];
}

static wr_status alloc_pairs(wr_snapshot *g, wr_err *err)
{
    g->pout_off = wr_calloc(g->n + (size_t)1, sizeof *g->pout_off);
    g->pin_nbr = wr_alloc_big(g->pairs, sizeof *g->pin_nbr);
    g->pin_value = wr_alloc_big(g->pairs, sizeof *g->pin_value);
    if (!g->pout_off || !g->pin_nbr || !g->pin_value)
        return wr_fail(err, WR_ENOMEM, "%" PRIu64 " pairs", g->pairs);
    return wr_snapshot_alloc_pairs(g, err);
}

/* Pairs [0, id) are there; id follows. */
static void add_repeat(wr_snapshot *g, uint64_t id, uint32_t count, uint32_t last_s,
                       uint64_t *repeats)
{
    if (id % 64 == 0)
        g->repeat_before[id / 64] = (uint32_t)*repeats;
    if (count < 2)
        return;
    g->repeat_bits[id / 64] |= UINT64_C(1) << id % 64;
    g->repeat_count[*repeats] = count;
    g->repeat_last_s[*repeats] = last_s;
    ++*repeats;
}

static wr_status fill_pairs(wr_snapshot *g, wr_err *err)
{
    WR_AUTO_ARRAY uint32_t *order = wr_calloc(g->m, sizeof *order);
    if (!order)
        return wr_fail(err, WR_ENOMEM, "pair order of %" PRIu64 " transfers", g->m);
    uint64_t m = 0;
    for (uint64_t i = 0; i < g->m; i++)
        if (g->from[i] != g->to[i])
            order[m++] = (uint32_t)i;
    if (m > 0)
        qsort_r(order, m, sizeof *order, by_from_to, g);
    for (uint64_t k = 0; k < m; k++) {
        const bool is_new = k == 0 || !is_same_pair(g, order[k - 1], order[k]);
        g->pairs += is_new;
        g->repeats += is_new && k + 1 < m && is_same_pair(g, order[k], order[k + 1]);
    }
    WR_TRY(alloc_pairs(g, err));

    uint64_t p = 0;
    uint64_t repeats = 0;
    for (uint64_t k = 0; k < m;) {
        const uint32_t first = order[k];
        double sum = 0.0;
        uint32_t count = 0;
        uint32_t last = first;
        for (; k < m && is_same_pair(g, first, order[k]); k++) {
            last = order[k];
            sum += g->value[last];
            count++;
        }
        g->pout_off[g->from[first] + UINT64_C(1)]++;
        g->pout_nbr[p] = g->to[first];
        g->pair_value[p] = (float)sum;
        g->pair_first_s[p] = g->time_s[first];
        add_repeat(g, p++, count, g->time_s[last], &repeats);
    }
    for (uint64_t v = 0; v < g->n; v++)
        g->pout_off[v + 1] += g->pout_off[v];

    /* in: pair ids ascend by from, so a stable sort by neighbour leaves rows ascending */
    WR_AUTO_ARRAY uint32_t *pair = NULL;
    WR_TRY(fill_rows(&g->pin_off, &pair, g->pout_nbr, g, g->pairs, err));
    uint64_t v = 0;
    for (uint64_t id = 0; id < g->pairs; id++) { /* order[] is free: from by pair id */
        while (g->pout_off[v + 1] <= id)
            v++;
        order[id] = (uint32_t)v;
    }
    for (uint64_t k = 0; k < g->pairs; k++) {
        g->pin_nbr[k] = order[pair[k]];
        g->pin_value[k] = g->pair_value[pair[k]];
    }
    return WR_OK;
}

static wr_status build(wr_snapshot **out, wr_edges *e, wr_ids *ids, uint32_t n,
                       wr_err *err)
{
    WR_AUTO(wr_snapshot) g = wr_calloc(1, sizeof *g);
    if (!g) {
        wr_ids_free(ids);
        return wr_fail(err, WR_ENOMEM, "snapshot");
    }
    atomic_init(&g->refs, 1);
    g->ids = ids;
    g->n = ids ? wr_ids_count(ids) : n;
    wr_edges_facts facts;
    WR_TRY(wr_edges_validate(e, g->n, &facts, err));
    WR_TRY(fill_columns(g, e, &facts, err));
    WR_TRY(fill_rows(&g->out_off, &g->out_col, g->from, g, g->m, err));
    WR_TRY(fill_rows(&g->in_off, &g->in_col, g->to, g, g->m, err));
    WR_TRY(fill_pairs(g, err));
    WR_TRY(wr_snapshot_find_hubs(g, err));
    *out = WR_STEAL(g);
    return WR_OK;
}

wr_status wr_snapshot_build_plain(wr_snapshot **out, wr_edges *e, wr_ids *ids,
                                  uint32_t n_if_no_ids, wr_err *err)
{
    assert(out && e);
    const wr_status s = build(out, e, ids, n_if_no_ids, err);
    wr_edges_release(e);
    return s;
}
