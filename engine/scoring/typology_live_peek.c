#include <string.h>

#include "scoring/typology_live_int.h"
#include "util/mem.h"

/*
 * A fork is the stream as its searches see it: what they change is copied, all else is
 * borrowed (columns and rows of the log, the state of wallets met).
 */

static bool copy(void *to, const void *from, size_t count, size_t size)
{
    void *p = wr_calloc(count, size);
    if (!p)
        return false;
    if (count)
        memcpy(p, from, count * size);
    memcpy(to, &p, sizeof p); /* to is a pointer to some pointer */
    return true;
}

static bool copy_tally(wr_typology_tally *to, const wr_typology_tally *from)
{
    *to = (wr_typology_tally){0};
    wr_typology_tally t = *from;
    if (!copy(&t.slot, from->slot, from->cap, sizeof *t.slot))
        return false;
    *to = t;
    return true;
}

static bool copy_wallets(wr_typology_log *to, const wr_typology_log *from)
{
    const size_t count = from->met.count;
    if (!copy(&to->wallet, from->wallet, count, sizeof *to->wallet))
        return false;
    for (size_t i = 0; i < count; i++)
        to->wallet[i].leg = NULL;
    for (size_t i = 0; i < count; i++) {
        wr_typology_log_wallet *w = &to->wallet[i];
        w->leg_cap = w->leg_count;
        if (w->leg_count &&
            !copy(&w->leg, from->wallet[i].leg, w->leg_count, sizeof *w->leg))
            return false;
    }
    return true;
}

static bool copy_candidates(wr_live_candidates *to, const wr_live_candidates *from)
{
    wr_typology_sink *k = &to->sink;
    k->hit_count = k->hit_cap = from->sink.hit_count;
    k->edge_count = k->edge_cap = from->sink.edge_count;
    to->words = to->words_cap = from->words;
    return copy(&k->hit, from->sink.hit, k->hit_count, sizeof *k->hit) &&
           copy(&k->edge, from->sink.edge, k->edge_count, sizeof *k->edge) &&
           copy(&to->taken, from->taken, to->words, sizeof *to->taken);
}

static bool copy_runs(wr_typology_live *f, const wr_typology_live *l)
{
    f->run = wr_calloc(l->run_count, sizeof *f->run);
    if (!f->run)
        return false;
    f->run_cap = l->run_count;
    for (; f->run_count < l->run_count; f->run_count++) {
        const wr_live_run *from = &l->run[f->run_count];
        wr_live_run *to = &f->run[f->run_count];
        *to = *from;
        to->edges =
            (wr_typology_list){.count = from->edges.count, .cap = from->edges.count};
        if (!copy_tally(&to->wallets, &from->wallets))
            return false;
        if (!copy(&to->edges.at, from->edges.at, to->edges.count, sizeof *to->edges.at)) {
            wr_typology_tally_release(&to->wallets);
            return false;
        }
    }
    return true;
}

static bool copy_spent(wr_typology_live *f, const wr_typology_live *l)
{
    const wr_vid_set *s = &l->spender;
    f->spender.table_size = s->table_size;
    f->spender.count = f->spender.cap = f->spent_cap = s->count;
    return copy(&f->spender.v, s->v, s->count, sizeof *s->v) &&
           copy(&f->spender.table, s->table, s->table_size, sizeof *s->table) &&
           copy(&f->spent, l->spent, s->count, sizeof *l->spent);
}

static bool branch_off(wr_typology_live *f, wr_typology_live *l)
{
    *f = *l;
    f->log.wallet = NULL;
    f->x.fl = &f->fl;
    f->x.log = &f->log;
    f->x.o = &f->o;
    f->sink = (wr_typology_sink){0};
    f->scratch = (wr_typology_list){0};
    f->wait[0] = f->wait[1] = (wr_live_candidates){0};
    f->mark = NULL;
    f->run = NULL;
    f->run_count = f->run_cap = 0;
    f->spender = (wr_vid_set){0};
    f->spent = NULL;
    f->mark_cap = l->mark ? l->log.count : 0;
    return copy_wallets(&f->log, &l->log) && copy_candidates(&f->wait[0], &l->wait[0]) &&
           copy_candidates(&f->wait[1], &l->wait[1]) &&
           copy(&f->mark, l->mark, f->mark_cap, sizeof *f->mark) && copy_runs(f, l) &&
           copy_spent(f, l);
}

static void fork_release(wr_typology_live *f)
{
    for (size_t i = 0; f->log.wallet && i < f->log.met.count; i++)
        wr_free(f->log.wallet[i].leg);
    wr_free(f->log.wallet);
    f->log = (wr_typology_log){0}; /* the rest was borrowed */
    wr_free(f->scratch.at);
    wr_live_search_release(f);
}

wr_status wr_typology_live_peek(wr_typology_told *out, wr_typology_live *l,
                                uint32_t which, wr_err *err)
{
    wr_typology_live f;
    l->news_count = l->edges.count = 0;
    bool is_ok = branch_off(&f, l);
    /* Contacts are kept with the wallets: not copied, and hardly ever late. */
    f.which &= which & ~(1U << WR_TYPOLOGY_MIXER);
    is_ok = is_ok && (l->is_ended || wr_live_search(&f, UINT64_MAX));
    l->news = f.news; /* lent to the fork, and perhaps grown */
    l->news_cap = f.news_cap;
    l->edges = f.edges;
    *out = (wr_typology_told){f.news_count, l->news, l->edges.at};
    fork_release(&f);
    return is_ok ? WR_OK : wr_fail(err, WR_ENOMEM, "look into the open windows");
}
