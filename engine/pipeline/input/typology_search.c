#include "pipeline/input/typology_search.h"

#include <inttypes.h>

/* Columns whose category is one of `categories` (bits by category of the taxonomy). */
static uint32_t columns_of(const wr_label_set *l, uint32_t categories)
{
    uint32_t mask = 0;
    for (uint32_t k = 0; k < l->seeds.c; k++)
        if (categories >> l->column[k] & 1U)
            mask |= 1U << k;
    return mask;
}

wr_typology_ask wr_typology_ask_of(const wr_typology_policy *p, const wr_label_set *l)
{
    return (wr_typology_ask){.policy = p,
                             .mixer_mask = columns_of(l, p->mixers),
                             .swap_mask = columns_of(l, p->swaps)};
}

wr_status wr_typology_looks(uint64_t **look, const wr_snapshot *g, wr_err *err)
{
    const wr_ids *ids = wr_snapshot_ids(g);
    const uint32_t n = wr_snapshot_n(g);
    *look = NULL;
    if (!ids)
        return WR_OK;
    uint64_t *x = wr_alloc_big(n, sizeof *x);
    if (!x)
        return wr_fail(err, WR_ENOMEM, "looks of %" PRIu32 " addresses", n);
#pragma omp parallel for default(none) shared(x, ids, n) schedule(static)
    for (uint32_t v = 0; v < n; v++)
        x[v] = wr_address_look(wr_ids_chain(ids, v), wr_ids_address(ids, v));
    *look = x;
    return WR_OK;
}

uint32_t wr_typology_from(const wr_typology_policy *p, const wr_columns *col)
{
    const uint64_t back = (uint64_t)p->lookback_days * WR_TYPOLOGY_DAY_S;
    const uint32_t newest = col->m ? col->time_s[col->m - 1] : 0;
    return newest > back ? (uint32_t)(newest - back) : 0;
}

wr_status wr_typology_search(wr_typology_hits *out, const wr_flow *fl,
                             const uint64_t *look, const wr_typology_ask *ask,
                             uint32_t which, const wr_progress *pg, wr_err *err)
{
    const wr_typology_policy *p = ask->policy;
    if (!fl->col.m || !p || !(p->which & which))
        return WR_OK;
    wr_typology_opts o = p->opts;
    o.from_s = wr_typology_from(p, &fl->col);
    const wr_typology_input in = {.flow = *fl,
                                  .address_key = look,
                                  .mixer_mask = ask->mixer_mask,
                                  .swap_mask = ask->swap_mask};
    return wr_typology_find(out, &in, p->which & which, &o, pg, err);
}
