#include "scoring/typology_log_int.h"

#include <string.h>

#include "util/mem.h"

/* Below this many it is not worth the while. */
enum { TRIM_MIN = 64, TRIM_STEP = 64 };

static void wallet_release(wr_typology_log_wallet *w)
{
    wr_free(w->out.at);
    wr_free(w->in.at);
    wr_free(w->leg);
    *w = (wr_typology_log_wallet){0};
}

void wr_typology_log_release(wr_typology_log *g)
{
    wr_free(g->from);
    wr_free(g->to);
    wr_free(g->time_s);
    wr_free(g->ref);
    wr_free(g->value);
    /* The set may be one wallet ahead where memory ran out. */
    for (size_t i = 0; i < g->met.count && i < g->wallet_cap; i++)
        wallet_release(&g->wallet[i]);
    wr_free(g->wallet);
    wr_vid_set_release(&g->met);
    *g = (wr_typology_log){0};
}

static wr_typology_log_wallet *meet(wr_typology_log *g, wr_vid v)
{
    const size_t count = g->met.count;
    uint32_t number = 0;
    wr_typology_log_wallet *p = wr_grow(g->wallet, &g->wallet_cap, count + 1, sizeof *p);
    if (!p)
        return NULL;
    g->wallet = p;
    p[count] = (wr_typology_log_wallet){0};
    return wr_vid_set_add(&number, &g->met, v, NULL) == WR_OK ? &p[number] : NULL;
}

static bool grow_columns(wr_typology_log *g)
{
    const size_t want = g->count + 1;
    void *p = wr_grow(g->from, &g->cap[0], want, sizeof *g->from);
    g->from = p ? p : g->from;
    void *q = wr_grow(g->to, &g->cap[1], want, sizeof *g->to);
    g->to = q ? q : g->to;
    void *r = wr_grow(g->time_s, &g->cap[2], want, sizeof *g->time_s);
    g->time_s = r ? r : g->time_s;
    void *s = wr_grow(g->ref, &g->cap[3], want, sizeof *g->ref);
    g->ref = s ? s : g->ref;
    void *t = wr_grow(g->value, &g->cap[4], want, sizeof *g->value);
    g->value = t ? t : g->value;
    return p && q && r && s && t;
}

bool wr_typology_log_add(wr_typology_log *g, wr_vid from, wr_vid to, uint32_t time_s,
                         double value, uint32_t ref)
{
    const uint32_t at = (uint32_t)g->count;
    if (!grow_columns(g))
        return false;
    wr_typology_log_wallet *w = meet(g, from);
    if (!w || !wr_typology_push(&w->out, at))
        return false;
    w = meet(g, to);
    if (!w || !wr_typology_push(&w->in, at))
        return false;
    g->from[at] = from;
    g->to[at] = to;
    g->time_s[at] = time_s;
    g->value[at] = value;
    g->ref[at] = ref;
    g->count++;
    return true;
}

wr_typology_log_wallet *wr_typology_log_find(const wr_typology_log *g, wr_vid v)
{
    const uint32_t number = wr_vid_set_find(&g->met, v);
    return number == WR_VID_SET_NONE ? NULL : &g->wallet[number];
}

wr_typology_row wr_typology_log_row(const wr_typology_log *g, wr_vid v, bool is_in)
{
    const wr_typology_log_wallet *w = wr_typology_log_find(g, v);
    if (!w)
        return (wr_typology_row){0};
    const wr_typology_list *l = is_in ? &w->in : &w->out;
    return (wr_typology_row){l->at, l->count};
}

static void trim_row(wr_typology_list *l, uint32_t shift)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->count; i++)
        if (l->at[i] >= shift)
            l->at[kept++] = l->at[i] - shift;
    l->count = kept;
}

static bool trim_wallets(wr_typology_log *g, uint32_t shift)
{
    wr_vid_set met = {0};
    for (size_t i = 0; i < g->met.count; i++) {
        wr_typology_log_wallet *w = &g->wallet[i];
        uint32_t number = 0;
        trim_row(&w->out, shift);
        trim_row(&w->in, shift);
        if (!w->out.count && !w->in.count) {
            wallet_release(w);
            continue;
        }
        for (size_t k = 0; k < w->leg_count; k++) {
            w->leg[k].e -= shift;
            w->leg[k].f -= shift;
        }
        if (wr_vid_set_add(&number, &met, g->met.v[i], NULL) != WR_OK) {
            wr_vid_set_release(&met);
            return false;
        }
        if (number != i) {
            g->wallet[number] = *w;
            *w = (wr_typology_log_wallet){0};
        }
    }
    wr_vid_set_release(&g->met);
    g->met = met;
    return true;
}

bool wr_typology_log_trim(wr_typology_log *g, size_t floor, uint32_t *shift)
{
    *shift = 0;
    if (floor < TRIM_MIN || floor < g->count / 2)
        return true;
    const uint32_t s = (uint32_t)(floor - floor % TRIM_STEP);
    const size_t kept = g->count - s;
    if (!trim_wallets(g, s))
        return false;
    memmove(g->from, g->from + s, kept * sizeof *g->from);
    memmove(g->to, g->to + s, kept * sizeof *g->to);
    memmove(g->time_s, g->time_s + s, kept * sizeof *g->time_s);
    memmove(g->ref, g->ref + s, kept * sizeof *g->ref);
    memmove(g->value, g->value + s, kept * sizeof *g->value);
    g->count = kept;
    g->passed += s;
    *shift = s;
    return true;
}
