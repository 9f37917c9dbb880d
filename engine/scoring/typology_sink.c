#include <stdlib.h>
#include <string.h>

#include "scoring/typology_int.h"
#include "util/mem.h"

void wr_typology_sink_release(wr_typology_sink *k)
{
    wr_free(k->hit);
    wr_free(k->member);
    wr_free(k->edge);
    wr_free(k->list.at);
    wr_free(k->other.at);
    wr_free(k->own);
    wr_typology_block_release(&k->block);
    wr_typology_election_release(&k->election);
    wr_typology_window_release(&k->window);
    wr_typology_match_release(&k->match);
    *k = (wr_typology_sink){0};
}

bool wr_typology_push(wr_typology_list *l, uint32_t at)
{
    uint32_t *p = wr_grow(l->at, &l->cap, l->count + 1, sizeof *p);
    if (!p)
        return false;
    l->at = p;
    p[l->count++] = at;
    return true;
}

static int ascending(const void *a, const void *b)
{
    uint32_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

size_t wr_typology_sort_unique(uint32_t *x, size_t count)
{
    if (count < 2)
        return count;
    qsort(x, count, sizeof *x, ascending);
    size_t kept = 1;
    for (size_t i = 1; i < count; i++)
        if (x[i] != x[kept - 1])
            x[kept++] = x[i];
    return kept;
}

/* The root, then the other ends of the edges, ascending. */
static bool write_members(wr_typology_sink *k, const wr_columns *col, wr_vid root,
                          const uint32_t *edge, size_t count)
{
    wr_vid *m =
        wr_grow(k->member, &k->member_cap, k->member_count + 2 * count + 1, sizeof *m);
    if (!m)
        return false;
    k->member = m;
    m += k->member_count;
    *m++ = root;
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (col->from[edge[i]] != root)
            m[n++] = col->from[edge[i]];
        if (col->to[edge[i]] != root)
            m[n++] = col->to[edge[i]];
    }
    k->member_count += 1 + wr_typology_sort_unique(m, n);
    return true;
}

bool wr_typology_emit(wr_typology_sink *k, const wr_typology_view *x,
                      const wr_typology_hit *h, uint32_t *edge, size_t count)
{
    const wr_columns *col = &x->fl->col;
    count = wr_typology_sort_unique(edge, count);
    wr_typology_hit *hit = wr_grow(k->hit, &k->hit_cap, k->hit_count + 1, sizeof *hit);
    if (!hit)
        return false;
    k->hit = hit;
    uint32_t *to = wr_grow(k->edge, &k->edge_cap, k->edge_count + count, sizeof *to);
    if (!to)
        return false;
    k->edge = to;
    const size_t member = k->member_count;
    if (!write_members(k, col, h->root, edge, count))
        return false;
    wr_typology_hit *t = &hit[k->hit_count++];
    *t = *h;
    t->edge = k->edge_count;
    t->edge_count = (uint32_t)count;
    t->member = member;
    t->member_count = (uint32_t)(k->member_count - member);
    t->first_s = col->time_s[edge[0]];
    t->last_s = col->time_s[edge[count - 1]];
    t->is_partial = k->is_partial;
    t->is_hub_truncated = k->is_hub_truncated;
    t->amount = 0;
    for (size_t i = 0; i < count; i++)
        t->amount += col->value[edge[i]];
    memcpy(to + k->edge_count, edge, count * sizeof *edge);
    k->edge_count += count;
    return true;
}

/* --- windows over transfers -----------------------------------------------------------
 */

static bool emit_window(wr_typology_sink *k, const wr_typology_view *x,
                        const wr_typology_hit *h)
{
    const wr_typology_window *w = &k->window;
    const wr_typology_rule *r = &w->rule;
    k->list.count = 0;
    for (size_t i = w->first; i < w->count; i++)
        if (!wr_typology_push(&k->list, w->event[i].ref))
            return false;
    wr_typology_hit hit = *h;
    hit.strength =
        r->distinct_min
            ? wr_typology_strength(w->tally.distinct, r->distinct_min)
            : wr_typology_strength((double)(w->count - w->first), r->count_min);
    const bool is_row_truncated = k->is_hub_truncated;
    k->is_hub_truncated = w->is_truncated;
    const bool is_ok = wr_typology_emit(k, x, &hit, k->list.at, k->list.count);
    k->is_hub_truncated = is_row_truncated;
    return is_ok;
}

bool wr_typology_feed(wr_typology_sink *k, const wr_typology_view *x,
                      const wr_typology_hit *h, wr_typology_event e)
{
    wr_typology_window *w = &k->window;
    if (wr_typology_window_is_over(w, e.time_s)) {
        if (!emit_window(k, x, h))
            return false;
        wr_typology_window_clear(w);
    }
    if (!wr_typology_window_push(w, e))
        return false;
    k->is_hub_truncated |= w->is_truncated;
    return true;
}

bool wr_typology_flush(wr_typology_sink *k, const wr_typology_view *x,
                       const wr_typology_hit *h)
{
    return !k->window.is_open || emit_window(k, x, h);
}
