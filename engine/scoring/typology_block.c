#include <stdlib.h>
#include <string.h>

#include "scoring/typology_int.h"
#include "util/mem.h"

void wr_typology_block_release(wr_typology_block *b)
{
    wr_free(b->to);
    wr_free(b->pay);
    *b = (wr_typology_block){0};
}

size_t wr_typology_find_vid(const wr_vid *a, size_t count, wr_vid v)
{
    const uint64_t at = wr_row_from(a, 0, count, v);
    return at < count && a[at] == v ? at : count;
}

bool wr_typology_payments(wr_typology_list *l, const wr_typology_view *x, wr_vid v)
{
    const wr_typology_row r = wr_typology_scope(x, v, false);
    l->count = 0;
    for (size_t i = 0; i < r.count; i++) {
        if (wr_typology_is_payment(x->fl, r.at[i]) && !wr_typology_push(l, r.at[i]))
            return false;
    }
    return true;
}

/* The receivers of u in the window, unless too much comes in there. */
static bool read_receivers(wr_typology_block *b, wr_typology_sink *k,
                           const wr_typology_view *x, const wr_typology_list *l, size_t i,
                           uint64_t end)
{
    const uint32_t first = l->at[i];
    size_t count = 0;
    for (; i < l->count && l->at[i] < end; i++) {
        wr_vid *to = wr_grow(b->to, &b->to_cap, count + 1, sizeof *to);
        if (!to)
            return false;
        b->to = to;
        to[count++] = x->fl->col.to[l->at[i]];
    }
    count = wr_typology_sort_unique(b->to, count);
    b->to_count = 0;
    for (size_t j = 0; j < count; j++) {
        if (wr_typology_row_of(x, b->to[j], true, first, end).count > x->o->hub_cap)
            k->is_hub_truncated = true;
        else
            b->to[b->to_count++] = b->to[j];
    }
    return true;
}

/* Who pays the receivers in the window; false when memory ran out. */
static bool read_pays(wr_typology_block *b, wr_typology_sink *k,
                      const wr_typology_view *x, uint32_t first, uint64_t end)
{
    const wr_columns *col = &x->fl->col;
    b->pay_count = 0;
    for (size_t j = 0; j < b->to_count; j++) {
        const wr_typology_row r = wr_typology_row_of(x, b->to[j], true, first, end);
        for (size_t i = 0; i < r.count; i++) {
            const uint32_t at = r.at[i], t = col->time_s[at];
            const wr_vid s = col->from[at];
            if (k->visits++ >= x->o->visits_max) {
                k->is_partial = true;
                return true;
            }
            if (!wr_typology_moves(x->fl, at) || !wr_typology_is_plain(x->fl, s, t) ||
                !wr_typology_is_plain(x->fl, b->to[j], t) ||
                wr_typology_find_vid(b->to, b->to_count, s) < b->to_count)
                continue;
            wr_typology_pay *p =
                wr_grow(b->pay, &b->pay_cap, b->pay_count + 1, sizeof *p);
            if (!p)
                return false;
            b->pay = p;
            p[b->pay_count++] = (wr_typology_pay){s, b->to[j], at};
        }
    }
    return true;
}

static int by_sender(const void *a, const void *b)
{
    wr_typology_pay x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    if (x.from != y.from)
        return x.from < y.from ? -1 : 1;
    if (x.to != y.to)
        return x.to < y.to ? -1 : 1;
    return (x.at > y.at) - (x.at < y.at);
}

/* Keep the payments of those who pay enough of the receivers. */
static void choose_senders(wr_typology_block *b, double density_min)
{
    size_t kept = 0;
    for (size_t i = 0, end = 0; i < b->pay_count; i = end) {
        uint32_t paid = 0;
        for (; end < b->pay_count && b->pay[end].from == b->pay[i].from; end++)
            paid += end == i || b->pay[end].to != b->pay[end - 1].to;
        if (paid < density_min * (double)b->to_count)
            continue;
        b->senders++;
        b->pairs += paid;
        memmove(b->pay + kept, b->pay + i, (end - i) * sizeof *b->pay);
        kept += end - i;
    }
    b->pay_count = kept;
}

bool wr_typology_block_of(wr_typology_sink *k, const wr_typology_view *x,
                          const wr_typology_list *l, size_t i)
{
    wr_typology_block *b = &k->block;
    const uint32_t first = l->at[i];
    const uint64_t end = wr_typology_window_end(x, first, x->o->bipartite_window_s);
    b->senders = b->pairs = 0;
    if (!read_receivers(b, k, x, l, i, end))
        return false;
    if (b->to_count < x->o->bipartite_receivers)
        return true;
    if (!read_pays(b, k, x, first, end))
        return false;
    if (k->is_partial)
        return true;
    qsort(b->pay, b->pay_count, sizeof *b->pay, by_sender);
    choose_senders(b, x->o->bipartite_density_min);
    if (b->senders < x->o->bipartite_senders)
        b->senders = 0;
    return true;
}

bool wr_typology_windows(wr_typology_sink *k, const wr_typology_view *x, wr_vid u,
                         uint32_t count_min, uint32_t window_s, wr_typology_try *attempt)
{
    const wr_typology_list *l = &k->list;
    bool holds = false;
    if (!wr_typology_payments(&k->list, x, u))
        return false;
    if (l->count < count_min)
        return true;
    for (size_t i = 0; i < l->count && !k->is_partial;
         i = wr_typology_next_start(&x->fl->col, l, i, window_s, holds))
        if (!attempt(k, x, u, l, i, &holds))
            return false;
    return true;
}

bool wr_typology_take(uint64_t *taken, const uint32_t *edge, uint32_t count)
{
    uint32_t known = 0;
    for (uint32_t j = 0; j < count; j++)
        known += taken[edge[j] / 64] >> (edge[j] % 64) & 1;
    if (2 * (uint64_t)known >= count)
        return false;
    for (uint32_t j = 0; j < count; j++)
        taken[edge[j] / 64] |= 1ULL << (edge[j] % 64);
    return true;
}
