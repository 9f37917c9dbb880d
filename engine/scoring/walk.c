#include "scoring/walk_int.h"

#include <inttypes.h>

wr_status wr_walk_init(wr_walk *w, const wr_views *vw, const wr_seeds *s,
                       wr_direction direction, double damping, wr_err *err)
{
    if (s->n != vw->in.n || s->n != vw->out.n)
        return wr_fail(err, WR_EINVAL,
                       "labels for %" PRIu32 " vertices, graph has %" PRIu32, s->n,
                       vw->in.n);
    if (s->c < 1 || s->c > WR_CATEGORY_MAX)
        return wr_fail(err, WR_EINVAL, "%" PRIu32 " categories, not 1..%d", s->c,
                       WR_CATEGORY_MAX);
    if (!(damping >= 0.0 && damping < 1.0))
        return wr_fail(err, WR_EINVAL, "damping %g not in [0,1)", damping);
    if (direction != WR_RECEIVING && direction != WR_SENDING)
        return wr_fail(err, WR_EINVAL, "direction %d unknown", (int)direction);
    bool in = direction == WR_RECEIVING;
    *w = (wr_walk){.vw = vw,
                   .s = s,
                   .rows = in ? &vw->in : &vw->out,
                   .cols = in ? &vw->out : &vw->in,
                   .damping = damping,
                   .direction = direction};
    return WR_OK;
}

bool wr_walk_is_clear(const wr_walk *w, wr_vid v)
{
    if (!wr_views_is_hub(w->vw, v))
        return false;
    for (uint64_t i = w->rows->off[v]; i < w->rows->off[v + 1ULL]; i++)
        if (wr_views_is_hub(w->vw, w->rows->nbr[i]))
            return false;
    return true;
}

double wr_walk_total(const wr_walk *w, wr_vid v)
{
    const wr_pairs *p = w->rows;
    double total = 0.0;
    for (uint64_t i = p->off[v]; i < p->off[v + 1ULL]; i++)
        if (wr_walk_counts(w, p->nbr[i], v))
            total += (double)p->value[i];
    return total;
}

double wr_walk_factor_of(const wr_walk *w, wr_vid v, double total)
{
    if (!(total > 0.0))
        return 0.0;
    return (wr_walk_is_clear(w, v) ? 1.0 : w->damping) / total;
}

double wr_walk_factor(const wr_walk *w, wr_vid v)
{
    return wr_walk_factor_of(w, v, wr_walk_total(w, v));
}

/* The label of u held at some moment of [first, last]. */
static bool held_within(const wr_seeds *s, wr_vid u, uint32_t first_s, uint32_t last_s)
{
    return (!s->from_s || s->from_s[u] <= last_s) && (!s->to_s || first_s < s->to_s[u]);
}

uint32_t wr_walk_mask(const wr_walk *w, wr_vid u, uint32_t first_s, uint32_t last_s)
{
    int label = w->s->category[u];
    if (label >= 0)
        return held_within(w->s, u, first_s, last_s) ? 1u << label : 0;
    const uint32_t all = (1u << w->s->c) - 1;
    if (!w->hold_s)
        return all;
    const uint32_t *hold = w->hold_s + (size_t)u * w->s->c;
    uint32_t mask = 0;
    for (uint32_t c = 0; c < w->s->c; c++) {
        bool can = w->direction == WR_RECEIVING
                       ? hold[c] <= last_s && hold[c] != UINT32_MAX
                       : hold[c] >= first_s && hold[c] != 0;
        mask |= (uint32_t)can << c;
    }
    return mask;
}
