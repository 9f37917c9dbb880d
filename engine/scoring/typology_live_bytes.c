/*
 * What a stream holds in memory: everything that grows, by its capacity.  Most blocks are
 * small, so that what the allocator adds to each counts as well.
 */
#include "scoring/typology_live_int.h"

static uint64_t of(size_t count, size_t size)
{
    return wr_block_share(count * size);
}

static uint64_t of_list(const wr_typology_list *l)
{
    return of(l->cap, sizeof *l->at);
}

static uint64_t of_set(const wr_vid_set *s)
{
    return of(s->cap, sizeof *s->v) + of(s->table_size, sizeof *s->table);
}

static uint64_t of_tally(const wr_typology_tally *t)
{
    return of(t->cap, sizeof *t->slot);
}

static uint64_t of_match(const wr_typology_match *m)
{
    return of(m->lot_cap, sizeof *m->lot) + of(m->part_cap, sizeof *m->part);
}

static uint64_t of_window(const wr_live_window *s)
{
    const wr_typology_window *w = &s->w;
    return of(1, sizeof *s) + of(w->event_cap, sizeof *w->event) +
           of(w->sorted_cap, sizeof *w->sorted) + of_tally(&w->tally) + of_list(&s->pool);
}

static uint64_t of_life(const wr_live_life *f)
{
    uint64_t bytes =
        of(1, sizeof *f) + of_list(&f->gaps) + of(f->waking_cap, sizeof *f->waking);
    for (size_t i = 0; i < f->waking_count; i++)
        bytes += of_list(&f->waking[i].edges);
    return bytes;
}

static uint64_t of_dust(const wr_typology_dust *d)
{
    return of(1, sizeof *d) + of(d->cap, sizeof *d->c) + of_tally(&d->seen) +
           of_tally(&d->paid) + of_list(&d->edges);
}

static uint64_t of_wallet(const wr_live_wallet *w)
{
    uint64_t bytes = 0;
    for (int i = 0; i < WR_LIVE_SLOTS; i++)
        bytes += w->window[i] ? of_window(w->window[i]) : 0;
    for (int i = 0; i < 2; i++)
        bytes += w->match[i] ? of(1, sizeof *w->match[i]) + of_match(w->match[i]) : 0;
    if (w->life)
        bytes += of_life(w->life);
    if (w->youth)
        bytes += of(1, sizeof *w->youth) + of_list(&w->youth->edges) +
                 of_match(&w->youth->match);
    if (w->peel)
        bytes += of(1, sizeof *w->peel) + of_list(&w->peel->edges);
    if (w->hub)
        bytes += of(1, sizeof *w->hub) + of_list(&w->hub->ways);
    if (w->dust)
        bytes += of_dust(w->dust);
    if (w->layer)
        bytes += of(1, sizeof *w->layer) + of_match(&w->layer->match);
    return bytes + (w->contact ? of(1, sizeof *w->contact) : 0);
}

static uint64_t of_log(const wr_typology_log *g)
{
    uint64_t bytes = of_set(&g->met) + of(g->wallet_cap, sizeof *g->wallet) +
                     g->cap[0] * sizeof *g->from + g->cap[1] * sizeof *g->to +
                     g->cap[2] * sizeof *g->time_s + g->cap[3] * sizeof *g->ref +
                     g->cap[4] * sizeof *g->value;
    for (size_t i = 0; i < g->met.count; i++)
        bytes += of_list(&g->wallet[i].out) + of_list(&g->wallet[i].in) +
                 of(g->wallet[i].leg_cap, sizeof *g->wallet[i].leg);
    return bytes;
}

static uint64_t of_runs(const wr_typology_live *l)
{
    uint64_t bytes = of(l->mark_cap, sizeof *l->mark) + of(l->run_cap, sizeof *l->run);
    for (size_t i = 0; i < l->run_count; i++)
        bytes += of_list(&l->run[i].edges) + of_tally(&l->run[i].wallets);
    return bytes;
}

uint64_t wr_typology_live_bytes(const wr_typology_live *l)
{
    uint64_t bytes = sizeof *l + of_set(&l->met) + of(l->wallet_cap, sizeof *l->wallet) +
                     of(l->news_cap, sizeof *l->news) +
                     of(l->queue.cap, sizeof *l->queue.at) + of_list(&l->edges) +
                     of_list(&l->scratch) + of_set(&l->spender) +
                     of(l->spent_cap, sizeof *l->spent) + of_log(&l->log) + of_runs(l);
    for (size_t i = 0; i < l->met.count; i++)
        bytes += of_wallet(&l->wallet[i]);
    return bytes;
}
