/*
 * Gather-scatter: many pay one wallet, which soon after pays nearly all of it to many.
 *
 * Root      v, no service at the time
 * Hit       take v's transfers within gather_window_s of one of its inflows, that one
 *           included and nothing before it.  Then
 *             - at least gather_count different senders, gather_out_count receivers;
 *             - at least gather_before_min of the inflow comes before the first outflow;
 *             - gather_ratio_min <= out / in <= gather_ratio_max;
 *             - inflows, and outflows, each have median >= fan_even_min * largest value.
 *           The first inflow for which this holds starts a hit; the next one is sought
 *           after its window
 * Edges     all those transfers
 * Strength  of the smaller of senders / gather_count and receivers / gather_out_count
 * Hub cap   windows of more than hub_cap transfers start no hit
 * Cost      O(deg) while counts do not suffice; O(hub_cap log hub_cap) for a start where
 *           they do
 * Source    ALGORITHMS 5, row 3
 */
#include <stdlib.h>
#include <string.h>

#include "scoring/typology_int.h"
#include "util/mem.h"

typedef struct step { /* one transfer of v */
    double value;
    uint32_t at, time_s;
    wr_vid other;
    bool is_in;
} step;

typedef struct gather {
    step *s;
    size_t count, cap;
    wr_typology_tally from, to; /* of the steps [start, end) */
    double *value;              /* scratch of the median */
    size_t value_cap;
    bool is_too_wide; /* a window with enough of both was */
} gather;

static void gather_release(gather *g)
{
    wr_free(g->s);
    wr_free(g->value);
    wr_typology_tally_release(&g->from);
    wr_typology_tally_release(&g->to);
}

static bool read_steps(gather *g, const wr_typology_view *x, wr_vid v)
{
    const wr_flow *fl = x->fl;
    wr_typology_both b = wr_typology_both_of(x, v, x->lo);
    uint32_t at = 0;
    bool is_in = false;
    while (wr_typology_both_next(&b, fl, &at, &is_in)) {
        const uint32_t t = fl->col.time_s[at];
        if (wr_typology_is_service(fl, v, t))
            continue;
        step *s = wr_grow(g->s, &g->cap, g->count + 1, sizeof *s);
        if (!s)
            return false;
        g->s = s;
        s[g->count++] = (step){fl->col.value[at], at, t,
                               is_in ? fl->col.from[at] : fl->col.to[at], is_in};
    }
    return true;
}

static int by_value(const void *a, const void *b)
{
    double x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static bool is_even(double *value, size_t count, double even_min)
{
    if (!(even_min > 0))
        return true;
    qsort(value, count, sizeof *value, by_value);
    return value[(count - 1) / 2] >= even_min * value[count - 1];
}

static bool count_step(gather *g, const step *s)
{
    return wr_typology_tally_add(s->is_in ? &g->from : &g->to, s->other);
}

/* Do the steps [start, end) satisfy all but the counts? */
static bool is_pattern(bool *holds, gather *g, size_t start, size_t end,
                       const wr_typology_opts *o)
{
    double *value = wr_grow(g->value, &g->value_cap, end - start, sizeof *value);
    if (!value)
        return false;
    g->value = value;
    double in = 0, out = 0, before = 0;
    size_t i_in = 0, i_out = 0;
    for (size_t i = start; i < end; i++) {
        const step *s = &g->s[i];
        if (s->is_in) {
            in += s->value;
            before += i_out ? 0 : s->value;
            value[i_in++] = s->value;
        } else {
            out += s->value;
            value[end - start - ++i_out] = s->value;
        }
    }
    *holds = before >= o->gather_before_min * in && out >= o->gather_ratio_min * in &&
             out <= o->gather_ratio_max * in && is_even(value, i_in, o->fan_even_min) &&
             is_even(value + i_in, i_out, o->fan_even_min);
    return true;
}

static bool emit(wr_typology_sink *k, const wr_typology_view *x, wr_vid v,
                 const gather *g, size_t start, size_t end)
{
    k->list.count = 0;
    for (size_t i = start; i < end; i++)
        if (!wr_typology_push(&k->list, g->s[i].at))
            return false;
    const double in = wr_typology_strength(g->from.distinct, x->o->gather_count),
                 out = wr_typology_strength(g->to.distinct, x->o->gather_out_count);
    const wr_typology_hit h = {.root = v, .strength = in < out ? in : out};
    return wr_typology_emit(k, x, &h, k->list.at, k->list.count);
}

/* The window [start, end), whose steps are counted; a hit goes to the sink. */
static bool try_start(wr_typology_sink *k, const wr_typology_view *x, wr_vid v, gather *g,
                      size_t start, size_t end, bool *is_hit)
{
    const wr_typology_opts *o = x->o;
    bool holds = g->s[start].is_in && g->from.distinct >= o->gather_count &&
                 g->to.distinct >= o->gather_out_count;
    *is_hit = false;
    g->is_too_wide |= holds && end - start > o->hub_cap;
    if (!holds || end - start > o->hub_cap)
        return true;
    if (!is_pattern(&holds, g, start, end, o))
        return false;
    *is_hit = holds;
    return !holds || emit(k, x, v, g, start, end);
}

static bool find(wr_typology_sink *k, const wr_typology_view *x, wr_vid v, gather *g)
{
    size_t end = 0;
    for (size_t start = 0; start < g->count; start++) {
        const step *s = &g->s[start];
        bool is_hit = false;
        if (end < start)
            end = start;
        for (; end < g->count && g->s[end].time_s - s->time_s <= x->o->gather_window_s;
             end++)
            if (!count_step(g, &g->s[end]))
                return false;
        if (!try_start(k, x, v, g, start, end, &is_hit))
            return false;
        if (is_hit) {
            wr_typology_tally_clear(&g->from);
            wr_typology_tally_clear(&g->to);
            start = end - 1;
            continue;
        }
        wr_typology_tally_drop(s->is_in ? &g->from : &g->to, s->other);
    }
    k->is_hub_truncated = g->is_too_wide;
    return true;
}

static bool can_hold(const wr_typology_view *x, wr_vid v)
{
    return wr_typology_scope(x, v, true).count >= x->o->gather_count &&
           wr_typology_scope(x, v, false).count >= x->o->gather_out_count;
}

bool wr_typology_gather_window(wr_typology_sink *k, const wr_typology_view *x, wr_vid v,
                               bool *is_hit)
{
    *is_hit = false;
    if (!can_hold(x, v))
        return true;
    __attribute__((cleanup(gather_release))) gather g = {0};
    if (!read_steps(&g, x, v))
        return false;
    for (size_t i = 0; i < g.count; i++)
        if (!count_step(&g, &g.s[i]))
            return false;
    return !g.count || try_start(k, x, v, &g, 0, g.count, is_hit);
}

bool wr_typology_gather_scatter(wr_typology_sink *k, const wr_typology_view *x,
                                uint64_t root)
{
    const wr_vid v = (wr_vid)root;
    if (wr_flow_is_hub(x->fl, v) || !can_hold(x, v))
        return true;
    __attribute__((cleanup(gather_release))) gather g = {0};
    return read_steps(&g, x, v) && find(k, x, v, &g);
}
