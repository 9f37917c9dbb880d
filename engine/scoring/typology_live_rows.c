#include <string.h>

#include "scoring/typology_live_int.h"
#include "util/mem.h"

/* --- windows
 * ---------------------------------------------------------------------------- */

static bool pool_add(wr_typology_list *pool, const uint32_t *edge, size_t count)
{
    if (!wr_typology_push(pool, (uint32_t)count))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!wr_typology_push(pool, edge[i]))
            return false;
    return true;
}

void wr_live_window_free(wr_live_window *s)
{
    if (!s)
        return;
    wr_typology_window_release(&s->w);
    wr_free(s->pool.at);
    wr_free(s);
}

/* Edges of events that left a window which has not opened are of no use any more. */
static void pool_trim(wr_live_window *s)
{
    wr_typology_window *w = &s->w;
    const size_t kept_from = w->first < w->count ? w->event[w->first].ref : s->pool.count;
    if (kept_from < 64 || kept_from < s->pool.count / 2)
        return;
    s->pool.count -= kept_from;
    if (s->pool.count)
        memmove(s->pool.at, s->pool.at + kept_from, s->pool.count * sizeof *s->pool.at);
    for (size_t i = w->first; i < w->count; i++)
        w->event[i].ref -= (uint32_t)kept_from;
}

static double strength_of(const wr_typology_window *w, wr_typology t)
{
    const wr_typology_rule *r = &w->rule;
    if (r->distinct_min)
        return wr_typology_strength(w->tally.distinct, r->distinct_min);
    const double count =
        wr_typology_strength((double)(w->count - w->first), r->count_min);
    if (t != WR_TYPOLOGY_PASS_THROUGH)
        return count;
    double sum = 0;
    for (size_t i = w->first; i < w->count; i++)
        sum += w->event[i].value;
    const double value = wr_typology_strength(sum, r->sum_min);
    return count > value ? count : value;
}

/* All edges of an open window: the scratch list. */
static bool read_edges(wr_typology_live *l, const wr_live_window *s)
{
    l->scratch.count = 0;
    for (size_t i = s->w.first; i < s->w.count; i++) {
        const uint32_t *p = s->pool.at + s->w.event[i].ref;
        for (uint32_t k = 1; k <= *p; k++)
            if (!wr_typology_push(&l->scratch, p[k]))
                return false;
    }
    return true;
}

/* One event with its edges into a window of the wallet. */
static bool step(wr_typology_live *l, wr_live_window **slot, const wr_typology_rule *rule,
                 wr_typology_event e, const uint32_t *edge, size_t count,
                 wr_typology_news n)
{
    if (!*slot) {
        *slot = wr_calloc(1, sizeof **slot);
        if (!*slot)
            return false;
        wr_typology_window_reset(&(*slot)->w, rule, l->o.hub_cap);
    }
    wr_live_window *s = *slot;
    wr_typology_window *w = &s->w;
    if (wr_typology_window_is_over(w, e.time_s)) {
        wr_typology_window_clear(w);
        s->pool.count = 0;
    }
    const bool was_open = w->is_open;
    const size_t held = w->count;
    e.ref = (uint32_t)s->pool.count;
    if (!pool_add(&s->pool, edge, count) || !wr_typology_window_push(w, e))
        return false;
    n.is_hub_truncated = w->is_truncated;
    if (!w->is_open) {
        pool_trim(s);
        return true;
    }
    n.strength = strength_of(w, (wr_typology)n.typology);
    if (!was_open) {
        if (!read_edges(l, s) || !wr_live_tell(l, &n, l->scratch.at, l->scratch.count))
            return false;
        s->hit = l->hits;
        return true;
    }
    if (w->count == held) { /* stays out */
        s->pool.count = e.ref;
        return true;
    }
    n.hit = s->hit;
    return wr_live_tell(l, &n, edge, count);
}

/* --- fan-in, fan-out, structuring
 * ------------------------------------------------------- */

static bool fan(wr_typology_live *l, const wr_live_side *s, wr_typology_event e)
{
    const wr_typology_rule rule = {.window_s = l->o.fan_window_s,
                                   .distinct_min = l->o.fan_count,
                                   .even_min = l->o.fan_even_min};
    const wr_typology t = s->is_in ? WR_TYPOLOGY_FAN_IN : WR_TYPOLOGY_FAN_OUT;
    const wr_typology_news n = {.root = s->v, .typology = (uint8_t)t};
    return !wr_live_wants(l, t) ||
           step(l, &s->w->window[s->is_in ? WR_LIVE_FAN_IN : WR_LIVE_FAN_OUT], &rule, e,
                &s->t->ref, 1, n);
}

static bool structuring(wr_typology_live *l, const wr_live_side *s, wr_typology_event e)
{
    const wr_typology_news n = {
        .root = s->v, .typology = WR_TYPOLOGY_STRUCTURING, .variant = s->is_in};
    e.other = 0;
    for (int i = 0; i < WR_TYPOLOGY_THRESHOLDS; i++) {
        const double threshold = l->o.structuring_threshold[i];
        if (!(e.value >= l->o.structuring_low * threshold && e.value < threshold))
            continue;
        const wr_typology_rule rule = {.window_s = l->o.structuring_window_s,
                                       .count_min = l->o.structuring_count,
                                       .sum_min = l->o.structuring_sum_min * threshold};
        if (!step(l, &s->w->window[WR_LIVE_STRUCTURING + 2 * i + s->is_in], &rule, e,
                  &s->t->ref, 1, n))
            return false;
    }
    return true;
}

bool wr_live_rows(wr_typology_live *l, const wr_live_side *s)
{
    const wr_typology_transfer *t = s->t;
    if (s->is_service || !s->is_in_scope)
        return true;
    const wr_typology_event e = {
        .value = t->value, .time_s = t->time_s, .other = s->is_in ? t->from : t->to};
    return fan(l, s, e) &&
           (!wr_live_wants(l, WR_TYPOLOGY_STRUCTURING) || structuring(l, s, e));
}

/* --- pass-through, chain-hop
 * ------------------------------------------------------------ */

/* Edges of a lot that is done: the inflow, then what spent it; into l->scratch. */
static bool read_lot(wr_typology_live *l, const wr_typology_match *m, size_t lot)
{
    const wr_typology_lot *x = &m->lot[lot];
    l->scratch.count = 0;
    if (!wr_typology_push(&l->scratch, x->at))
        return false;
    for (size_t i = x->first_part;
         i < m->part_count && m->part[i].lot == lot && m->part[i].at <= x->done_at; i++)
        if (!wr_typology_push(&l->scratch, m->part[i].at))
            return false;
    return true;
}

void wr_live_match_trim(wr_typology_match *m)
{
    if (m->head == m->lot_count || (m->head > 16 && m->head > m->lot_count / 2))
        wr_typology_match_forget(m);
}

static bool passage(wr_typology_live *l, const wr_live_side *s, bool is_hop,
                    const wr_typology_passage *p)
{
    const wr_typology_transfer *t = s->t;
    wr_typology_match **slot = &s->w->match[is_hop];
    if (!*slot) {
        if (!s->is_in)
            return true; /* nothing came yet that this could spend */
        *slot = wr_calloc(1, sizeof **slot);
        if (!*slot)
            return false;
        wr_typology_match_reset(*slot, p->hold_s, p->share_min);
    }
    wr_typology_match *m = *slot;
    if (s->is_in)
        return wr_typology_match_in(m, t->ref, t->time_s, t->value);
    const int c = wr_seeds_at(l->in->flow.seeds, t->to, t->time_s);
    const bool does_count = !p->swap_mask || (c >= 0 && (p->swap_mask >> c & 1));
    if (!wr_typology_match_out(m, t->ref, t->time_s, t->value, does_count))
        return false;
    const wr_typology_rule rule = {.window_s = p->window_s,
                                   .count_min = p->events_min,
                                   .sum_min = p->is_any ? p->value_min : 0,
                                   .is_any = p->is_any};
    const wr_typology_news n = {.root = s->v,
                                .typology = is_hop ? WR_TYPOLOGY_CHAIN_HOP
                                                   : WR_TYPOLOGY_PASS_THROUGH};
    for (size_t i = m->done_from; i <= m->head && i < m->lot_count; i++) {
        if (m->lot[i].done_at != t->ref)
            continue;
        const wr_typology_event e = {.value = m->lot[i].counted, .time_s = t->time_s};
        uint32_t edges_few[16], *edges = edges_few;
        if (!read_lot(l, m, i))
            return false;
        const size_t count = l->scratch.count; /* step uses the scratch itself */
        if (count > 16 && !(edges = wr_calloc(count, sizeof *edges)))
            return false;
        memcpy(edges, l->scratch.at, count * sizeof *edges);
        const bool is_ok = step(l, &s->w->window[is_hop ? WR_LIVE_HOP : WR_LIVE_PASS],
                                &rule, e, edges, count, n);
        if (edges != edges_few)
            wr_free(edges);
        if (!is_ok)
            return false;
    }
    wr_live_match_trim(m);
    return true;
}

bool wr_live_passages(wr_typology_live *l, const wr_live_side *s)
{
    const wr_typology_passage pass = {.hold_s = l->o.pass_hold_s,
                                      .window_s = l->o.pass_window_s,
                                      .events_min = l->o.pass_events,
                                      .share_min = l->o.pass_share_min,
                                      .value_min = l->o.pass_value_min,
                                      .is_any = true};
    const wr_typology_passage hop = {.hold_s = l->o.hop_hold_s,
                                     .window_s = l->o.hop_window_s,
                                     .events_min = l->o.hop_events,
                                     .share_min = l->o.hop_share_min,
                                     .swap_mask = l->in->swap_mask};
    if (s->is_service || !s->is_in_scope)
        return true;
    return (!wr_live_wants(l, WR_TYPOLOGY_PASS_THROUGH) || passage(l, s, false, &pass)) &&
           (!wr_live_wants(l, WR_TYPOLOGY_CHAIN_HOP) || !hop.swap_mask ||
            passage(l, s, true, &hop));
}
