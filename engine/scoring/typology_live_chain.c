#include <string.h>

#include "scoring/typology_live_int.h"
#include "util/mem.h"

#define NONE UINT32_MAX

void wr_live_layer_free(wr_live_layer *y)
{
    if (y)
        wr_typology_match_release(&y->match);
    wr_free(y);
}

void wr_live_chain_release(wr_typology_live *l)
{
    for (size_t i = 0; i < l->run_count; i++) {
        wr_free(l->run[i].edges.at);
        wr_typology_tally_release(&l->run[i].wallets);
    }
    wr_free(l->run);
    wr_free(l->mark);
}

void wr_live_chain_trim(wr_typology_live *l, uint32_t shift)
{
    if (!l->mark)
        return;
    memmove(l->mark, l->mark + shift, l->log.count * sizeof *l->mark);
    for (size_t i = 0; i < l->log.count; i++)
        if (l->mark[i].next != NONE)
            l->mark[i].next -= shift;
}

/* --- links ----------------------------------------------------------------------------
 */

/* A lot is done: it leads to what spent most of it, unless a lot before leads there too
 * and with more. */
static void lead(wr_typology_live *l, wr_live_layer *y, uint32_t lot)
{
    const wr_typology_part *p = wr_typology_largest_part(&y->match, lot);
    const uint32_t passed = l->log.passed;
    if (y->has_kept && y->kept_to == p->at) {
        if (p->value <= y->kept_value)
            return;
        l->mark[y->kept - passed].next = NONE;
    }
    y->has_kept = true;
    y->kept = y->match.lot[lot].at;
    y->kept_to = p->at;
    y->kept_value = p->value;
    l->mark[y->kept - passed].next = p->at - passed;
    l->mark[p->at - passed].is_linked = true;
}

static bool mark_side(wr_typology_live *l, wr_vid v, bool is_in, uint32_t at)
{
    const uint32_t t = l->log.time_s[at], serial = l->log.passed + at;
    const double value = l->log.value[at];
    wr_live_wallet *w = NULL;
    if (wr_flow_is_hub(&l->fl, v) || wr_seeds_at(l->fl.seeds, v, t) >= 0)
        return true;
    if (wr_live_meet(&w, l, v, NULL) != WR_OK)
        return false;
    if (!w->layer) {
        if (!is_in)
            return true; /* nothing came yet that this could spend */
        w->layer = wr_calloc(1, sizeof *w->layer);
        if (!w->layer)
            return false;
        wr_typology_match_reset(&w->layer->match, l->o.pass_hold_s, l->o.pass_share_min);
    }
    wr_typology_match *m = &w->layer->match;
    if (is_in) {
        wr_typology_match_expire(m, t);
    } else {
        if (!wr_typology_match_out(m, serial, t, value, true))
            return false;
        for (size_t i = m->done_from; i <= m->head && i < m->lot_count; i++)
            if (m->lot[i].done_at == serial)
                lead(l, w->layer, (uint32_t)i);
    }
    if (m->head == m->lot_count || (m->head > 16 && m->head > m->lot_count / 2))
        wr_typology_match_forget(m);
    return !is_in || wr_typology_match_in(m, serial, t, value);
}

bool wr_live_chain_mark(wr_typology_live *l)
{
    const uint32_t at = (uint32_t)l->log.count - 1;
    if (!wr_live_wants(l, WR_TYPOLOGY_CHAIN))
        return true;
    wr_live_mark *m = wr_grow(l->mark, &l->mark_cap, l->log.count, sizeof *m);
    if (!m)
        return false;
    l->mark = m;
    m[at] = (wr_live_mark){.next = NONE};
    return l->log.time_s[at] < l->o.from_s || !wr_typology_moves(&l->fl, at) ||
           (mark_side(l, l->log.from[at], false, at) &&
            mark_side(l, l->log.to[at], true, at));
}

/* --- chains ---------------------------------------------------------------------------
 */

static bool begin(wr_typology_live *l, uint32_t at, uint32_t *number)
{
    if (l->run_free) {
        *number = l->run_free;
        l->run_free = l->run[*number - 1].next_free;
    } else {
        wr_live_run *r = wr_grow(l->run, &l->run_cap, l->run_count + 1, sizeof *r);
        if (!r)
            return false;
        l->run = r;
        r[l->run_count] = (wr_live_run){0};
        *number = (uint32_t)++l->run_count;
    }
    wr_live_run *r = &l->run[*number - 1];
    r->root = l->log.to[at];
    r->hit = 0;
    r->links = 0;
    return wr_typology_push(&r->edges, l->log.ref[at]);
}

static void end(wr_typology_live *l, uint32_t number)
{
    wr_live_run *r = &l->run[number - 1];
    wr_free(r->edges.at);
    wr_typology_tally_release(&r->wallets);
    *r = (wr_live_run){.next_free = l->run_free};
    l->run_free = number;
}

/* A chain goes on by `ref`; it is told from when it is long enough. */
static bool go_on(wr_typology_live *l, wr_live_run *r, uint32_t ref)
{
    if (!r->hit && !wr_typology_push(&r->edges, ref))
        return false;
    if (r->wallets.distinct < l->o.chain_wallets)
        return true;
    const wr_typology_news n = {
        .hit = r->hit,
        .root = r->root,
        .typology = WR_TYPOLOGY_CHAIN,
        .strength = wr_typology_strength(r->wallets.distinct, l->o.chain_wallets)};
    if (r->hit)
        return wr_live_tell(l, &n, &ref, 1);
    if (!wr_live_tell(l, &n, r->edges.at, r->edges.count))
        return false;
    r->hit = l->hits;
    wr_free(r->edges.at);
    r->edges = (wr_typology_list){0};
    return true;
}

bool wr_live_chain_close(wr_typology_live *l, uint32_t at)
{
    const wr_live_mark m = l->mark[at];
    uint32_t number = m.run;
    if (m.next == NONE) {
        if (number)
            end(l, number);
        return true;
    }
    if (!number && m.is_linked)
        return true; /* behind a link that gave way to another */
    if (!number && !begin(l, at, &number))
        return false;
    wr_live_run *r = &l->run[number - 1];
    if (r->links >= l->o.visits_max) {
        end(l, number);
        return true;
    }
    r->links++;
    l->mark[m.next].run = number;
    return wr_typology_tally_add(&r->wallets, l->log.to[at]) &&
           go_on(l, r, l->log.ref[m.next]);
}
