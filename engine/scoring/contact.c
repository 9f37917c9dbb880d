#include "scoring/contact.h"

#include <math.h>
#include <stdlib.h>

#include "scoring/history_int.h"
#include "scoring/vid_set_int.h"

/* A transfer that may be part of the walk. */
typedef struct leg {
    uint64_t key;
    uint32_t payee; /* number in the set of wallets met */
    uint32_t prev;  /* leg that brought the payer its best walk, NO_LEG at the source */
} leg;

#define NO_LEG UINT32_MAX

typedef struct met {
    /* Backward: transfers into the wallet below this key are collected, at most at this
     * many hops from v, and up to here they are waiting to be (by level, even and odd).
     */
    uint64_t done, wanted[2];
    /* Forward: the best walk here by now; hops WR_POISON_NONE = none. */
    double bottleneck;
    uint32_t last; /* its last leg */
    uint32_t hops;
} met;

typedef struct todo { /* collect what came into a wallet before `bound` */
    uint64_t bound;
    uint32_t who;
} todo;

typedef struct list {
    todo *item;
    size_t count, cap;
} list;

typedef struct search {
    wr_history h;
    const wr_contact_opts *o;
    wr_vid v;
    uint32_t hops; /* poison's count at v */
    wr_vid_set set;
    met *met; /* [set.count] */
    leg *leg;
    size_t met_cap, leg_count, leg_cap;
    list level[2]; /* wallets at this level and at the next, by parity */
    uint64_t scanned;
    bool is_truncated;
} search;

static void search_release(search *s)
{
    wr_vid_set_release(&s->set);
    wr_free(s->met);
    wr_free(s->leg);
    wr_free(s->level[0].item);
    wr_free(s->level[1].item);
}

static uint32_t cost_of(const search *s, wr_vid payee)
{
    return wr_flow_is_hub(s->h.fl, payee) ? 0 : 1;
}

/* --- backward: which transfers can be part of it ---------------------------------------
 */

static wr_status meet(uint32_t *who, search *s, wr_vid v, wr_err *err)
{
    const size_t count = s->set.count;
    WR_TRY(wr_vid_set_add(who, &s->set, v, err));
    if (*who < count)
        return WR_OK;
    met *m = wr_grow(s->met, &s->met_cap, count + 1, sizeof *m);
    if (!m)
        return wr_fail(err, WR_ENOMEM, "search over %zu wallets", count);
    s->met = m;
    m[count] = (met){.hops = WR_POISON_NONE, .last = NO_LEG};
    return WR_OK;
}

static wr_status want(search *s, wr_vid v, uint64_t bound, uint32_t level, wr_err *err)
{
    uint32_t who = 0;
    WR_TRY(meet(&who, s, v, err));
    met *m = &s->met[who];
    if (bound <= m->done || bound <= m->wanted[level & 1])
        return WR_OK;
    m->wanted[level & 1] = bound;
    list *l = &s->level[level & 1];
    todo *item = wr_grow(l->item, &l->cap, l->count + 1, sizeof *item);
    if (!item)
        return wr_fail(err, WR_ENOMEM, "list of %zu wallets", l->count);
    l->item = item;
    item[l->count++] = (todo){bound, who};
    return WR_OK;
}

/* One transfer into wallet `who`; the hops from its payer to v are `level`. */
static wr_status collect(search *s, uint32_t at, uint32_t who, uint32_t level,
                         wr_err *err)
{
    const wr_vid u = wr_history_payer(&s->h, at), w = s->set.v[who];
    if (!wr_history_moves_money(&s->h, at) ||
        (w != s->v && wr_history_label(&s->h, w, at) >= 0))
        return WR_OK;
    const wr_poison *p = s->o->poison;
    const int label = wr_history_label(&s->h, u, at);
    const uint32_t own = p->hops[(uint64_t)u * p->c + (uint32_t)s->o->category];
    /* A walk that comes by v could have ended there. */
    if (label >= 0 ? label != s->o->category : u == s->v || own + level > s->hops)
        return WR_OK;
    leg *l = wr_grow(s->leg, &s->leg_cap, s->leg_count + 1, sizeof *l);
    if (!l)
        return wr_fail(err, WR_ENOMEM, "search over %zu transfers", s->leg_count);
    s->leg = l;
    l[s->leg_count++] = (leg){wr_history_key(&s->h, at), who, NO_LEG};
    return label >= 0 ? WR_OK : want(s, u, wr_history_key(&s->h, at), level, err);
}

/*
 * What came in before the bound and was not collected yet.  What was, was at a level no
 * higher: from there v is no further, and a walk over this level would be no shorter.
 */
static wr_status open_wallet(search *s, todo t, uint32_t level, wr_err *err)
{
    const uint64_t done = s->met[t.who].done;
    level += cost_of(s, s->set.v[t.who]);
    if (t.bound <= done || level > s->hops)
        return WR_OK;
    s->met[t.who].done = t.bound;
    wr_cursor k = wr_history_row(&s->h, s->set.v[t.who], true);
    wr_cursor_seek(&k, &s->h, t.bound);
    while (k.next > 0) { /* latest first: the highest bound of a payer is the first */
        k.next--;
        const uint32_t at = wr_cursor_at(&k);
        if (wr_history_key(&s->h, at) < done)
            return WR_OK;
        if (s->scanned == s->o->scan_max) {
            s->is_truncated = true;
            return WR_OK;
        }
        s->scanned++;
        WR_TRY(collect(s, at, t.who, level, err));
    }
    return WR_OK;
}

static wr_status go_backward(search *s, wr_err *err)
{
    WR_TRY(want(s, s->v, s->h.fl->col.m, 0, err));
    for (uint32_t level = 0; level <= s->hops; level++) {
        list *l = &s->level[level & 1];
        for (size_t i = 0; i < l->count && !s->is_truncated;
             i++) /* hubs make it longer */
            WR_TRY(open_wallet(s, l->item[i], level, err));
        l->count = 0;
    }
    return WR_OK;
}

/* --- forward: the best walk among them ------------------------------------------------
 */

static int by_key(const void *a, const void *b)
{
    const leg *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

static void step_forward(search *s, uint32_t index)
{
    leg *e = &s->leg[index];
    const uint32_t at = (uint32_t)wr_history_key(&s->h, e->key);
    const wr_vid u = wr_history_payer(&s->h, at);
    met here = {.bottleneck = (double)INFINITY, .last = NO_LEG};
    if (wr_history_label(&s->h, u, at) < 0) {
        const uint32_t who = wr_vid_set_find(&s->set, u);
        here = s->met[who];
        if (here.hops == WR_POISON_NONE)
            return;
    }
    met *best = &s->met[e->payee];
    const uint32_t hops = here.hops + cost_of(s, s->set.v[e->payee]);
    const double bottleneck = fmin(here.bottleneck, s->h.fl->col.value[at]);
    if (hops > best->hops || (hops == best->hops && bottleneck <= best->bottleneck))
        return;
    e->prev = here.last;
    best->hops = hops;
    best->bottleneck = bottleneck;
    best->last = index;
}

static wr_status write_walk(wr_contact *out, const search *s, wr_err *err)
{
    const met *best = &s->met[0]; /* v, the first one met */
    if (best->hops != s->hops)
        return WR_OK; /* only when the budget ended before a source was met */
    uint32_t count = 0, first = NO_LEG;
    for (uint32_t i = best->last; i != NO_LEG; i = s->leg[i].prev, count++)
        first = i;
    uint32_t *step = wr_calloc(count, sizeof *step);
    if (!step)
        return wr_fail(err, WR_ENOMEM, "walk of %u transfers", count);
    uint32_t k = 0;
    for (uint32_t i = best->last; i != NO_LEG; i = s->leg[i].prev, k++)
        step[s->h.direction == WR_SENDING ? k : count - 1 - k] =
            (uint32_t)wr_history_key(&s->h, s->leg[i].key);
    out->step = step;
    out->step_count = count;
    out->source =
        wr_history_payer(&s->h, (uint32_t)wr_history_key(&s->h, s->leg[first].key));
    out->hops = best->hops;
    out->bottleneck = best->bottleneck;
    return WR_OK;
}

static wr_status find(wr_contact *out, search *s, wr_err *err)
{
    WR_TRY(go_backward(s, err));
    if (s->leg_count)
        qsort(s->leg, s->leg_count, sizeof *s->leg, by_key);
    for (uint32_t i = 0; i < s->leg_count; i++)
        step_forward(s, i);
    out->scanned = s->scanned;
    out->is_truncated = s->is_truncated;
    return write_walk(out, s, err);
}

static wr_status check(const wr_flow *fl, wr_vid v, const wr_contact_opts *o, wr_err *err)
{
    WR_TRY(wr_history_check(fl, v, err));
    if (o->category < 0 || o->category >= (int)fl->seeds->c)
        return wr_fail(err, WR_EINVAL, "category %d of %u", o->category, fl->seeds->c);
    if (o->poison->n != fl->n || o->poison->c != fl->seeds->c)
        return wr_fail(err, WR_EINVAL, "poison of %u wallets for a graph of %u",
                       o->poison->n, fl->n);
    if (o->scan_max < 1)
        return wr_fail(err, WR_EINVAL, "budget of 0 transfers");
    return WR_OK;
}

wr_status wr_contact_find(wr_contact *out, const wr_flow *fl, wr_vid v,
                          const wr_contact_opts *o, wr_err *err)
{
    WR_TRY(check(fl, v, o, err));
    const wr_poison *p = o->poison;
    __attribute__((cleanup(search_release)))
    search s = {.h = {fl, p->direction},
                .o = o,
                .v = v,
                .hops = p->hops[(uint64_t)v * p->c + (uint32_t)o->category]};
    wr_contact found = {0};
    if (s.hops != WR_POISON_NONE)
        WR_TRY(find(&found, &s, err));
    *out = found;
    return WR_OK;
}

void wr_contact_release(wr_contact *p)
{
    wr_free(p->step);
    *p = (wr_contact){0};
}
