#include "scoring/typology_live_int.h"
#include "util/mem.h"

#define NONE UINT32_MAX

void wr_live_peel_free(wr_live_peel *p)
{
    if (p)
        wr_free(p->edges.at);
    wr_free(p);
}

void wr_live_hub_free(wr_live_hub *h)
{
    if (h)
        wr_free(h->ways.at);
    wr_free(h);
}

static wr_live_peel *peel_of(const wr_typology_live *l, wr_vid v)
{
    const uint32_t i = v == WR_VID_NONE ? WR_VID_SET_NONE : wr_vid_set_find(&l->met, v);
    return i == WR_VID_SET_NONE ? NULL : l->wallet[i].peel;
}

static bool is_hop(const wr_live_peel *p)
{
    return p && p->big != NONE && p->smalls > 0;
}

/* The hop that leads to this one, the one it leads to; NULL: none. */
static wr_live_peel *hop_before(const wr_typology_live *l, const wr_live_peel *p)
{
    wr_live_peel *q = peel_of(l, p->payer);
    return is_hop(q) && q->big == p->e ? q : NULL;
}

static wr_live_peel *hop_after(const wr_typology_live *l, const wr_live_peel *p)
{
    wr_live_peel *q = peel_of(l, p->big_to);
    return is_hop(q) && q->e == p->big ? q : NULL;
}

/* Edges of the hops from p on: into l->scratch, which is not emptied. */
static bool read_edges(wr_typology_live *l, const wr_live_peel *p)
{
    for (; p; p = hop_after(l, p))
        for (size_t i = 0; i < p->edges.count; i++)
            if (!wr_typology_push(&l->scratch, p->edges.at[i]))
                return false;
    return true;
}

/* Payments in `fresh` were added to p; it was no hop before, or it was. */
static bool tell(wr_typology_live *l, wr_vid v, wr_live_peel *p, bool was_hop,
                 const wr_typology_list *fresh)
{
    wr_live_peel *head = p, *after = hop_after(l, p);
    uint32_t hops = 1;
    if (!is_hop(p))
        return true;
    for (wr_live_peel *q = hop_before(l, p); q; q = hop_before(l, q)) {
        v = head->payer;
        head = q;
        hops++;
    }
    for (const wr_live_peel *q = after; q; q = hop_after(l, q))
        hops++;
    if (hops < l->o.peel_hops)
        return true;
    wr_typology_news n = {.hit = head->hit,
                          .root = v,
                          .typology = WR_TYPOLOGY_PEEL_CHAIN,
                          .strength = wr_typology_strength(hops, l->o.peel_hops)};
    if (after && !was_hop) /* what began behind p goes on from the head now */
        n.replaces = after->hit;
    l->scratch.count = 0;
    if (!head->hit) {
        if (!wr_typology_push(&l->scratch, head->e) || !read_edges(l, head))
            return false;
    } else if (!was_hop) {
        if (!read_edges(l, p))
            return false;
    }
    const wr_typology_list *edges = head->hit && was_hop ? fresh : &l->scratch;
    if (!wr_live_tell(l, &n, edges->at, edges->count))
        return false;
    if (!head->hit)
        head->hit = l->hits;
    return true;
}

/* p pays by t, and by the ways into a hub when it does so through one. */
static bool judge(wr_typology_live *l, wr_vid v, wr_live_peel *p,
                  const wr_typology_transfer *t, const wr_typology_list *ways)
{
    const double share = l->o.peel_share_min, a = t->value;
    const bool was_hop = is_hop(p);
    if (p->big == NONE && a >= share * p->value && a <= p->value) {
        p->big = t->ref;
        p->big_to = t->to;
    } else if (a <= p->value - share * p->value) {
        p->smalls++;
    } else {
        return true;
    }
    wr_typology_list fresh = {0};
    bool is_ok = wr_typology_push(&fresh, t->ref);
    for (size_t i = 0; is_ok && ways && i < ways->count; i++)
        is_ok = wr_typology_push(&fresh, ways->at[i]);
    for (size_t i = 0; is_ok && i < fresh.count; i++)
        is_ok = wr_typology_push(&p->edges, fresh.at[i]);
    is_ok = is_ok && tell(l, v, p, was_hop, &fresh);
    wr_free(fresh.at);
    return is_ok;
}

static bool enter_hub(wr_typology_live *l, wr_live_wallet *w, wr_live_peel *p,
                      bool is_in_time, const wr_typology_transfer *t)
{
    if (!w->hub) {
        w->hub = wr_calloc(1, sizeof *w->hub);
        if (!w->hub)
            return false;
        w->hub->payer = t->from;
        w->hub->time_s = t->time_s;
        w->hub->is_looked_at = is_in_time && p->payments <= l->o.hub_cap;
    }
    if (w->hub->payer != t->from)
        w->hub->payer = WR_VID_NONE;
    return wr_typology_push(&w->hub->ways, t->ref);
}

/* The payer's side: a payment of its hop, straight or into a hub; or out of a hub. */
static bool pay(wr_typology_live *l, wr_live_wallet *from, wr_live_wallet *to,
                const wr_typology_transfer *t)
{
    const wr_flow *fl = &l->in->flow;
    if (wr_flow_is_hub(fl, t->from)) {
        const wr_live_hub *h = from->hub;
        if (!h || h->payer == WR_VID_NONE || !h->is_looked_at || t->to == h->payer)
            return true;
        wr_live_peel *p = peel_of(l, h->payer);
        return !p || judge(l, h->payer, p, t, &h->ways);
    }
    wr_live_peel *p = from->peel;
    const bool is_in_time = p && t->time_s - p->time_s <= l->o.peel_hold_s;
    if (is_in_time)
        p->payments++;
    if (wr_flow_is_hub(fl, t->to))
        return enter_hub(l, to, p, is_in_time, t);
    return !is_in_time || p->payments > l->o.hub_cap || judge(l, t->from, p, t, NULL);
}

/* The receiver's side: when this is its first transfer a hop may begin. */
static bool begin(wr_typology_live *l, const wr_live_wallet *from, wr_live_wallet *to,
                  const wr_typology_transfer *t)
{
    const wr_flow *fl = &l->in->flow;
    if (to->is_known || t->time_s < l->o.from_s ||
        !wr_typology_is_plain(fl, t->to, t->time_s))
        return true;
    wr_live_peel *p = wr_calloc(1, sizeof *p);
    if (!p)
        return false;
    p->value = t->value;
    p->e = t->ref;
    p->time_s = t->time_s;
    p->big = NONE;
    p->big_to = WR_VID_NONE;
    p->payer = t->from;
    if (wr_flow_is_hub(fl, t->from))
        p->payer = from->hub ? from->hub->payer : WR_VID_NONE;
    to->peel = p;
    return true;
}

wr_status wr_live_peel_chain(wr_typology_live *l, const wr_typology_transfer *t,
                             wr_err *err)
{
    wr_live_wallet *from = NULL, *to = NULL;
    WR_TRY(wr_live_meet(&from, l, t->from, err));
    WR_TRY(wr_live_meet(&to, l, t->to, err));
    from = &l->wallet[wr_vid_set_find(&l->met, t->from)]; /* it may have moved */
    if (!pay(l, from, to, t) || !begin(l, from, to, t))
        return wr_fail(err, WR_ENOMEM, "typologies of %zu wallets", l->met.count);
    from->is_known = to->is_known = true;
    return WR_OK;
}
