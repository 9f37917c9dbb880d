#include "scoring/typology_live_int.h"
#include "util/mem.h"

/* --- dusting and poisoning ------------------------------------------------------------
 */

bool wr_live_dusting(wr_typology_live *l, const wr_live_side *s)
{
    const wr_typology_transfer *t = s->t;
    if (!wr_live_wants(l, WR_TYPOLOGY_DUSTING) || s->is_in || s->is_service ||
        !s->is_in_scope || t->value > l->o.dust_value_max)
        return true;
    if (!s->w->dust && !(s->w->dust = wr_calloc(1, sizeof *s->w->dust)))
        return false;
    wr_typology_dust *d = s->w->dust;
    const wr_typology_crumb c = {t->value, t->ref, t->time_s, t->to};
    const bool was_open = d->is_open && t->time_s - d->first_s <= l->o.dust_window_s;
    bool is_of_hit = false;
    if (!wr_typology_dust_push(d, &l->o, &c, &is_of_hit))
        return false;
    if (!is_of_hit)
        return true;
    const wr_typology_news n = {
        .hit = was_open ? s->w->dust_hit : 0,
        .root = s->v,
        .typology = WR_TYPOLOGY_DUSTING,
        .strength = wr_typology_strength(d->paid.distinct, l->o.dust_count),
        .is_hub_truncated = d->is_truncated};
    if (was_open)
        return wr_live_tell(l, &n, &t->ref, 1);
    s->w->dust_hit = l->hits + 1;
    return wr_live_tell(l, &n, d->edges.at, d->edges.count);
}

bool wr_live_poison(wr_typology_live *l)
{
    const uint32_t at = (uint32_t)l->log.count - 1;
    const uint64_t *key = l->in->address_key;
    if (!wr_live_wants(l, WR_TYPOLOGY_DUSTING) || !key || l->log.time_s[at] < l->o.from_s)
        return true;
    for (int is_in = 0; is_in < 2; is_in++) {
        const wr_vid impostor = is_in ? l->log.to[at] : l->log.from[at];
        if (!key[impostor] || wr_flow_is_hub(&l->fl, impostor))
            continue;
        wr_typology_sink *k = wr_live_sink(l, impostor, WR_LIVE_PURSE_POISON);
        if (!wr_typology_poisoning(k, &l->x, at, is_in) ||
            !wr_live_done(l, impostor, WR_LIVE_PURSE_POISON, WR_TYPOLOGY_DUSTING))
            return false;
    }
    return true;
}

/* --- mixers ---------------------------------------------------------------------------
 */

static bool contact(wr_typology_live *l, const wr_typology_view *x, uint32_t at,
                    bool is_in)
{
    const wr_vid v = is_in ? l->log.to[at] : l->log.from[at];
    wr_live_wallet *w = NULL;
    bool is_met = false;
    if (!l->in->mixer_mask || wr_flow_is_hub(&l->fl, v))
        return true;
    if (wr_live_meet(&w, l, v, NULL) != WR_OK)
        return false;
    if (!w->contact && !(w->contact = wr_calloc(1, sizeof *w->contact)))
        return false;
    wr_live_contact *c = w->contact;
    wr_typology_sink *k = wr_live_sink(l, v, WR_LIVE_PURSES);
    if (!wr_typology_contact(k, x, at, is_in, &is_met))
        return false;
    c->all += l->log.value[at];
    c->is_truncated |= k->is_hub_truncated;
    if (!is_met)
        return true;
    c->mixed += l->log.value[at];
    c->told = wr_typology_mixed_strength(c->mixed, c->all);
    const wr_typology_news n = {.hit = c->hit,
                                .root = v,
                                .typology = WR_TYPOLOGY_MIXER,
                                .strength = c->told,
                                .is_hub_truncated = c->is_truncated};
    if (!c->hit)
        c->hit = l->hits + 1;
    return wr_live_tell_at(l, &n, k->list.at, k->list.count);
}

/* Is this the last transfer of a transaction? */
static bool is_last(const wr_typology_view *x, wr_vid hub, uint32_t at)
{
    return !wr_typology_row_of(x, hub, true, at + 1ULL, x->end).count &&
           !wr_typology_row_of(x, hub, false, at + 1ULL, x->end).count;
}

static bool coinjoin(wr_typology_live *l, const wr_typology_view *x, wr_vid hub)
{
    wr_typology_sink *k = wr_live_sink(l, hub, WR_LIVE_PURSES);
    return wr_typology_coinjoin(k, x, hub) &&
           wr_live_done(l, hub, WR_LIVE_PURSES, WR_TYPOLOGY_MIXER);
}

bool wr_live_contact_close(wr_typology_live *l, uint32_t at)
{
    const wr_vid from = l->log.from[at], to = l->log.to[at];
    wr_typology_view x = l->x;
    x.end = wr_columns_before(&l->fl.col, l->log.time_s[at] + 1ULL);
    if (l->log.time_s[at] >= l->o.from_s && wr_typology_moves(&l->fl, at) &&
        (!contact(l, &x, at, false) || !contact(l, &x, at, true)))
        return false;
    if (wr_flow_is_hub(&l->fl, from) && is_last(&x, from, at) && !coinjoin(l, &x, from))
        return false;
    return from == to || !wr_flow_is_hub(&l->fl, to) || !is_last(&x, to, at) ||
           coinjoin(l, &x, to);
}

bool wr_live_contact_end(wr_typology_live *l)
{
    for (size_t i = 0; i < l->met.count; i++) {
        const wr_live_contact *c = l->wallet[i].contact;
        if (!c || !c->hit || c->told == wr_typology_mixed_strength(c->mixed, c->all))
            continue;
        const wr_typology_news n = {.hit = c->hit,
                                    .root = l->met.v[i],
                                    .typology = WR_TYPOLOGY_MIXER,
                                    .strength =
                                        wr_typology_mixed_strength(c->mixed, c->all),
                                    .is_hub_truncated = c->is_truncated};
        if (!wr_live_tell(l, &n, NULL, 0))
            return false;
    }
    return true;
}
