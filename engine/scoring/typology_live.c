#include "scoring/typology_live.h"

#include <inttypes.h>
#include <string.h>

#include "scoring/typology_live_int.h"
#include "util/mem.h"

static void wallet_release(wr_live_wallet *w)
{
    for (int i = 0; i < WR_LIVE_SLOTS; i++)
        wr_live_window_free(w->window[i]);
    for (int i = 0; i < 2; i++) {
        if (w->match[i])
            wr_typology_match_release(w->match[i]);
        wr_free(w->match[i]);
    }
    wr_live_life_free(w->life);
    wr_live_youth_free(w->youth);
    wr_live_peel_free(w->peel);
    wr_live_hub_free(w->hub);
    if (w->dust)
        wr_typology_dust_release(w->dust);
    wr_free(w->dust);
    wr_free(w->contact);
    wr_live_layer_free(w->layer);
}

void wr_typology_live_free(wr_typology_live *l)
{
    if (!l)
        return;
    /* The set may be one wallet ahead where memory ran out. */
    for (size_t i = 0; i < l->met.count && i < l->wallet_cap; i++)
        wallet_release(&l->wallet[i]);
    wr_vid_set_release(&l->met);
    wr_live_search_release(l);
    wr_free(l->wallet);
    wr_free(l->queue.at);
    wr_free(l->news);
    wr_free(l->edges.at);
    wr_free(l->scratch.at);
    wr_free(l);
}

wr_status wr_typology_live_new(wr_typology_live **out, const wr_typology_input *in,
                               uint32_t which, const wr_typology_opts *o, wr_err *err)
{
    const wr_flow *fl = &in->flow;
    if (!fl->seeds || fl->seeds->n != fl->n)
        return wr_fail(err, WR_EINVAL,
                       "labels of %" PRIu32 " wallets for a graph of %" PRIu32,
                       fl->seeds ? fl->seeds->n : 0, fl->n);
    const uint32_t asked = which & ~WR_TYPOLOGY_LIVE_EARLY;
    if (!asked || (asked & ~(uint32_t)WR_TYPOLOGY_LIVE))
        return wr_fail(err, WR_EINVAL, "typologies 0x%" PRIx32 ", streamed are 0x%x",
                       asked, (unsigned)WR_TYPOLOGY_LIVE);
    WR_TRY(wr_typology_check_opts(o, err));
    wr_typology_live *l = wr_calloc(1, sizeof *l);
    if (!l)
        return wr_fail(err, WR_ENOMEM, "stream of typologies");
    l->in = in;
    l->o = *o;
    l->which = which;
    *out = l;
    return WR_OK;
}

bool wr_live_tell(wr_typology_live *l, const wr_typology_news *n, const uint32_t *edge,
                  size_t count)
{
    wr_typology_news *news =
        wr_grow(l->news, &l->news_cap, l->news_count + 1, sizeof *news);
    if (!news)
        return false;
    l->news = news;
    news = &news[l->news_count++];
    *news = *n;
    news->is_new = !n->hit && !n->is_early;
    if (news->is_new)
        news->hit = ++l->hits;
    news->edge = l->edges.count;
    news->edge_count = count;
    for (size_t i = 0; i < count; i++)
        if (!wr_typology_push(&l->edges, edge[i]))
            return false;
    return true;
}

wr_status wr_live_meet(wr_live_wallet **w, wr_typology_live *l, wr_vid v, wr_err *err)
{
    const size_t count = l->met.count;
    wr_live_wallet *p = wr_grow(l->wallet, &l->wallet_cap, count + 1, sizeof *p);
    if (!p)
        return wr_fail(err, WR_ENOMEM, "typologies of %zu wallets", count);
    l->wallet = p;
    uint32_t number = 0;
    WR_TRY(wr_vid_set_add(&number, &l->met, v, err));
    if (number == count)
        p[number] = (wr_live_wallet){0};
    *w = &p[number];
    return WR_OK;
}

static wr_status push_side(wr_typology_live *l, const wr_typology_transfer *t, bool is_in,
                           wr_err *err)
{
    const wr_vid v = is_in ? t->to : t->from;
    if (wr_flow_is_hub(&l->in->flow, v))
        return WR_OK;
    wr_live_side s = {.t = t,
                      .v = v,
                      .is_in = is_in,
                      .is_service = wr_typology_is_service(&l->in->flow, v, t->time_s),
                      .is_in_scope = t->time_s >= l->o.from_s};
    WR_TRY(wr_live_meet(&s.w, l, v, err));
    if (!wr_live_touch(l, s.w, t->time_s) || !wr_live_rows(l, &s) ||
        !wr_live_passages(l, &s) || !wr_live_dormant(l, &s) || !wr_live_burst(l, &s) ||
        !wr_live_dusting(l, &s))
        return wr_fail(err, WR_ENOMEM, "typologies of %zu wallets", l->met.count);
    return WR_OK;
}

static wr_status check_next(const wr_typology_live *l, const wr_typology_transfer *t,
                            wr_err *err)
{
    const uint32_t n = l->in->flow.n;
    if (l->is_ended)
        return wr_fail(err, WR_EINVAL, "transfer %" PRIu32 " behind the end", t->ref);
    if (t->from >= n || t->to >= n)
        return wr_fail(err, WR_EINVAL, "wallet %" PRIu32 " of %" PRIu32,
                       t->from >= n ? t->from : t->to, n);
    if (l->is_begun && (t->time_s < l->last_s || t->ref <= l->last_ref))
        return wr_fail(err, WR_EINVAL,
                       "transfer %" PRIu32 " at %" PRIu32 " behind %" PRIu32
                       " at %" PRIu32,
                       t->ref, t->time_s, l->last_ref, l->last_s);
    return WR_OK;
}

wr_status wr_typology_live_push(wr_typology_told *out, wr_typology_live *l,
                                const wr_typology_transfer *t, wr_err *err)
{
    WR_TRY(check_next(l, t, err));
    l->is_begun = true;
    l->last_s = t->time_s;
    l->last_ref = t->ref;
    l->news_count = l->edges.count = 0;
    l->fl.n = l->in->flow.n; /* they may have grown */
    l->fl.hub_bits = l->in->flow.hub_bits;
    l->fl.seeds = l->in->flow.seeds;
    if (!wr_live_search(l, t->time_s) || (t->time_s < l->o.to_s && !wr_live_log(l, t)))
        return wr_fail(err, WR_ENOMEM, "typologies of %zu wallets", l->met.count);
    if (t->value > 0 && t->from != t->to && t->time_s < l->o.to_s) {
        WR_TRY(push_side(l, t, false, err));
        WR_TRY(push_side(l, t, true, err));
        if (wr_live_wants(l, WR_TYPOLOGY_PEEL_CHAIN))
            WR_TRY(wr_live_peel_chain(l, t, err));
    }
    if (!wr_live_sweep(l))
        return wr_fail(err, WR_ENOMEM, "typologies of %zu wallets", l->met.count);
    *out = (wr_typology_told){l->news_count, l->news, l->edges.at};
    return WR_OK;
}

void wr_typology_live_renew(wr_typology_live *l)
{
    wr_vid_set_clear(&l->spender);
}

wr_status wr_typology_live_end(wr_typology_told *out, wr_typology_live *l, wr_err *err)
{
    l->news_count = l->edges.count = 0;
    if (!l->is_ended && (!wr_live_search(l, UINT64_MAX) || !wr_live_contact_end(l)))
        return wr_fail(err, WR_ENOMEM, "typologies of %zu wallets", l->met.count);
    l->is_ended = true;
    *out = (wr_typology_told){l->news_count, l->news, l->edges.at};
    return WR_OK;
}
