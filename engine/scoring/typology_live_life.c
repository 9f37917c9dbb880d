#include "scoring/typology_live_int.h"
#include "util/mem.h"

/* --- dormant activation
 * ----------------------------------------------------------------- */

void wr_live_life_free(wr_live_life *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->waking_count; i++)
        wr_free(f->waking[i].edges.at);
    wr_free(f->waking);
    wr_free(f->gaps.at);
    wr_free(f);
}

static bool wake(wr_live_life *f, uint32_t time_s)
{
    wr_live_waking *p =
        wr_grow(f->waking, &f->waking_cap, f->waking_count + 1, sizeof *p);
    if (!p)
        return false;
    f->waking = p;
    p[f->waking_count++] = (wr_live_waking){.balance = f->balance, .first_s = time_s};
    return true;
}

/* A transfer after a waking; *is_over: it is a hit, or will be none. */
static bool follow(wr_typology_live *l, const wr_live_side *s, wr_live_waking *p,
                   bool *is_over)
{
    const wr_typology_opts *o = &l->o;
    *is_over =
        s->t->time_s - p->first_s > o->dormant_window_s || p->looked_at++ == o->hub_cap;
    if (*is_over || s->is_in)
        return true;
    p->paid += s->t->value;
    if (!wr_typology_push(&p->edges, s->t->ref))
        return false;
    *is_over = p->paid >= o->dormant_share_min * p->balance;
    if (!*is_over)
        return true;
    const double part = p->paid < p->balance ? p->paid / p->balance : 1;
    const wr_typology_news n = {.root = s->v,
                                .typology = WR_TYPOLOGY_DORMANT,
                                .strength =
                                    wr_typology_strength(part, o->dormant_share_min)};
    return wr_live_tell(l, &n, p->edges.at, p->edges.count);
}

bool wr_live_dormant(wr_typology_live *l, const wr_live_side *s)
{
    const wr_typology_transfer *t = s->t;
    if (!wr_live_wants(l, WR_TYPOLOGY_DORMANT))
        return true;
    if (!s->w->life && !(s->w->life = wr_calloc(1, sizeof *s->w->life)))
        return false;
    wr_live_life *f = s->w->life;
    const uint32_t gap = t->time_s - f->last_s;
    if (f->is_seen) {
        if (s->is_in_scope && f->balance > 0 && !s->is_service &&
            wr_typology_is_long_gap(gap, &f->gaps, &l->o) && !wake(f, t->time_s))
            return false;
        if (!wr_typology_push(&f->gaps, gap))
            return false;
    }
    for (size_t i = 0; i < f->waking_count;) {
        bool is_over = false;
        if (!follow(l, s, &f->waking[i], &is_over))
            return false;
        if (!is_over) {
            i++;
            continue;
        }
        wr_free(f->waking[i].edges.at);
        f->waking_count--;
        for (size_t k = i; k < f->waking_count; k++)
            f->waking[k] = f->waking[k + 1];
    }
    if (s->is_in)
        f->balance += t->value;
    else
        f->balance = t->value < f->balance ? f->balance - t->value : 0;
    f->last_s = t->time_s;
    f->is_seen = true;
    return true;
}

/* --- burst
 * ------------------------------------------------------------------------------ */

void wr_live_youth_free(wr_live_youth *y)
{
    if (!y)
        return;
    wr_free(y->edges.at);
    wr_typology_match_release(&y->match);
    wr_free(y);
}

static void grow_up(wr_live_wallet *w)
{
    wr_live_youth_free(w->youth);
    w->youth = NULL;
}

static bool be_born(wr_typology_live *l, const wr_live_side *s)
{
    s->w->is_grown = true;
    if (!s->is_in_scope || s->is_service)
        return true;
    wr_live_youth *y = wr_calloc(1, sizeof *y);
    if (!y)
        return false;
    y->born_s = s->t->time_s;
    wr_typology_match_reset(&y->match, l->o.burst_hold_s, 1);
    s->w->youth = y;
    return true;
}

bool wr_live_burst(wr_typology_live *l, const wr_live_side *s)
{
    const wr_typology_transfer *t = s->t;
    const wr_typology_opts *o = &l->o;
    if (!wr_live_wants(l, WR_TYPOLOGY_BURST) || (!s->w->is_grown && !be_born(l, s)))
        return !wr_live_wants(l, WR_TYPOLOGY_BURST);
    wr_live_youth *y = s->w->youth;
    if (!y)
        return true;
    if (t->time_s - y->born_s >= o->burst_age_s || y->edges.count == o->hub_cap) {
        grow_up(s->w);
        return true;
    }
    if (!wr_typology_push(&y->edges, t->ref))
        return false;
    if (s->is_in) {
        y->received += t->value;
        return wr_typology_match_in(&y->match, t->ref, t->time_s, t->value);
    }
    const size_t before = y->match.part_count;
    if (!wr_typology_match_out(&y->match, t->ref, t->time_s, t->value, true))
        return false;
    for (size_t i = before; i < y->match.part_count; i++)
        y->spent += y->match.part[i].value;
    if (!(y->spent > 0) || y->received < o->burst_value_min ||
        y->spent < o->burst_share_min * y->received)
        return true;
    const wr_typology_news n = {
        .root = s->v,
        .typology = WR_TYPOLOGY_BURST,
        .strength = wr_typology_strength(y->received, o->burst_value_min)};
    const bool is_ok = wr_live_tell(l, &n, y->edges.at, y->edges.count);
    grow_up(s->w);
    return is_ok;
}
