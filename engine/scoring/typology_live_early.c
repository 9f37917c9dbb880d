/*
 * Early news: what the newest transfer makes complete, as if nothing came after it.  The
 * searches are those of the windows when they are over, on the log as it is; what they
 * look at is not taken from the budgets of their roots.
 */
#include <string.h>

#include "scoring/typology_live_int.h"
#include "util/mem.h"

typedef struct early {
    wr_typology_live *l;
    wr_typology_opts o; /* visits_max: what is left for this transfer */
    wr_typology_view x;
    uint32_t last, serial; /* that transfer; serial is one more */
} early;

static bool tell(early *y, const wr_typology_hit *h, wr_typology t)
{
    const wr_typology_sink *k = &y->l->sink;
    const wr_typology_news n = {.root = h->root,
                                .typology = (uint8_t)t,
                                .strength = h->strength,
                                .is_early = true,
                                .is_partial = h->is_partial,
                                .is_hub_truncated = h->is_hub_truncated};
    return wr_live_tell_at(y->l, &n, k->edge + h->edge, h->edge_count);
}

/* To have looked costs something, too. */
static void pay(early *y, uint64_t visits)
{
    y->o.visits_max =
        visits + 1 < y->o.visits_max ? (uint32_t)(y->o.visits_max - visits - 1) : 0;
}

/* v's transfers up to the newest one that are at most window_s older. */
static wr_typology_row recent(const early *y, wr_vid v, bool is_in, uint32_t window_s)
{
    const uint32_t t = y->l->log.time_s[y->last];
    const uint64_t first =
        wr_columns_before(&y->l->fl.col, t > window_s ? t - window_s : 0);
    return wr_typology_row_of(&y->x, v, is_in, first > y->x.lo ? first : y->x.lo,
                              y->x.end);
}

/* --- cycles: from the latest first transfer on ----------------------------------------
 */

static bool cycles(early *y)
{
    wr_typology_live *l = y->l;
    const wr_vid v = l->log.to[y->last];
    if (wr_flow_is_hub(&l->fl, v))
        return true;
    const wr_typology_row r = recent(y, v, false, y->o.cycle_window_s);
    for (size_t i = r.count; i-- > 0 && y->o.visits_max > 0;) {
        wr_typology_sink *k = wr_live_sink(l, v, WR_LIVE_PURSES);
        if (!wr_typology_cycle(k, &y->x, r.at[i]))
            return false;
        pay(y, k->visits);
        for (size_t j = 0; j < k->hit_count; j++) {
            const wr_typology_hit *h = &k->hit[j];
            if (k->edge[h->edge + h->edge_count - 1] == y->last &&
                !tell(y, h, WR_TYPOLOGY_CYCLE))
                return false;
        }
    }
    return true;
}

/* --- gather-scatter: the first start that holds, told once -----------------------------
 */

static bool gather(early *y, wr_vid v)
{
    wr_typology_live *l = y->l;
    wr_typology_log_wallet *w = wr_typology_log_find(&l->log, v);
    if (!wr_typology_is_plain(&l->fl, v, l->log.time_s[y->last]))
        return true;
    const wr_typology_row in = recent(y, v, true, y->o.gather_window_s),
                          out = recent(y, v, false, y->o.gather_window_s);
    if (in.count < y->o.gather_count || out.count < y->o.gather_out_count)
        return true;
    for (size_t i = 0; i < in.count && y->o.visits_max > 0; i++) {
        const uint32_t at = in.at[i], start = l->log.passed + at + 1;
        bool is_hit = false;
        if (!wr_live_can_gather(l, at))
            continue;
        wr_typology_sink *k = wr_live_sink(l, v, WR_LIVE_PURSES);
        wr_typology_view x = y->x;
        x.lo = at;
        if (!wr_typology_gather_window(k, &x, v, &is_hit))
            return false;
        pay(y, in.count - i + out.count);
        if (!is_hit)
            continue;
        if (w->early_gather == start)
            return true;
        w->early_gather = start;
        return tell(y, &k->hit[0], WR_TYPOLOGY_GATHER_SCATTER);
    }
    return true;
}

/* --- scatter-gather: the newest transfer ends a leg ------------------------------------
 */

/* All legs from u to `to` as of now: into k->own. */
static bool read_legs(early *y, wr_typology_sink *k, wr_vid u, wr_vid to, size_t *count)
{
    const wr_typology_live *l = y->l;
    const wr_typology_log_wallet *w = wr_typology_log_find(&l->log, u);
    const wr_typology_row r =
        wr_typology_row_of(&y->x, u, false, l->cursor[WR_LIVE_LEGS], y->x.end);
    wr_typology_leg *own = wr_grow(k->own, &k->own_cap, w->leg_count + 1, sizeof *own);
    if (!own)
        return false;
    k->own = own;
    *count = 0;
    for (size_t i = 0; i < w->leg_count; i++)
        if (w->leg[i].to == to)
            own[(*count)++] = w->leg[i];
    for (size_t i = 0; i < r.count && !k->is_partial; i++) {
        size_t kept = *count;
        if (r.at[i] < y->x.lo)
            continue;
        if (!wr_typology_legs(k, &y->x, r.at[i], count))
            return false;
        own = k->own;
        for (size_t j = kept; j < *count; j++)
            if (own[j].to == to)
                own[kept++] = own[j];
        *count = kept;
    }
    return true;
}

/* The hit from u to the receiver that has just enough by the newest transfer. */
static bool scatter(early *y, wr_vid u)
{
    wr_typology_live *l = y->l;
    const wr_vid to = l->log.to[y->last];
    const bool is_spent =
        wr_live_sink(l, u, WR_LIVE_PURSE_SCATTER)->visits > l->o.visits_max;
    wr_typology_sink *k = wr_live_sink(l, u, WR_LIVE_PURSES);
    size_t count = 0;
    if (is_spent)
        return true;
    if (!read_legs(y, k, u, to, &count))
        return false;
    pay(y, k->visits);
    const wr_typology_leg *leg = k->own;
    for (size_t i = 0; count - i >= y->o.scatter_count;) {
        bool is_hit = false;
        uint32_t last = 0;
        if (!wr_typology_try_legs(k, &y->x, leg + i, count - i, &is_hit, &last))
            return false;
        do
            i++;
        while (is_hit && i < count && leg[i].e <= last);
    }
    for (size_t i = 0; i < k->hit_count; i++) {
        const wr_typology_hit *h = &k->hit[i];
        if (k->edge[h->edge + h->edge_count - 1] == y->last &&
            h->edge_count == 2ULL * y->o.scatter_count &&
            !tell(y, h, WR_TYPOLOGY_SCATTER_GATHER))
            return false;
    }
    return true;
}

static bool scatters(early *y)
{
    const wr_typology_live *l = y->l;
    const wr_vid mid = l->log.from[y->last], to = l->log.to[y->last];
    const double out = l->log.value[y->last];
    if (wr_flow_is_hub(&l->fl, to) ||
        !wr_typology_is_plain(&l->fl, mid, l->log.time_s[y->last]))
        return true;
    const wr_typology_row r = recent(y, mid, true, y->o.scatter_window_s);
    for (size_t i = r.count; i-- > 0 && y->o.visits_max > 0;) {
        const uint32_t e = r.at[i];
        const wr_vid u = l->log.from[e];
        wr_typology_log_wallet *w = wr_typology_log_find(&l->log, u);
        if (!wr_typology_moves(&l->fl, e) || u == to || wr_flow_is_hub(&l->fl, u) ||
            out < y->o.scatter_ratio_min * l->log.value[e] ||
            out > y->o.scatter_ratio_max * l->log.value[e] || w->early_leg == y->serial)
            continue;
        w->early_leg = y->serial;
        if (!scatter(y, u))
            return false;
    }
    return true;
}

bool wr_live_early(wr_typology_live *l)
{
    const uint32_t last = (uint32_t)l->log.count - 1;
    if (!(l->which & WR_TYPOLOGY_LIVE_EARLY) || !wr_typology_moves(&l->fl, last) ||
        l->log.time_s[last] < l->o.from_s)
        return true;
    early y = {
        .l = l, .o = l->o, .x = l->x, .last = last, .serial = l->log.passed + last + 1};
    y.x.o = &y.o;
    if (wr_live_wants(l, WR_TYPOLOGY_CYCLE) && !cycles(&y))
        return false;
    y.o.visits_max = l->o.visits_max;
    if (wr_live_wants(l, WR_TYPOLOGY_GATHER_SCATTER) &&
        (!gather(&y, l->log.from[last]) || !gather(&y, l->log.to[last])))
        return false;
    y.o.visits_max = l->o.visits_max;
    return !wr_live_wants(l, WR_TYPOLOGY_SCATTER_GATHER) || scatters(&y);
}
