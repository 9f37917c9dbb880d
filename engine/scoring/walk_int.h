/*
 * walk_int.h - one row of the exposure walk: who stands in it, with which weight.
 *
 * static_exposure.c and push.c walk the same matrix gamma D W (static_exposure.h); here
 * is its definition, once: direction, labels and their validity, causal mask, share of
 * the known, hubs.  Row v = payers of v (receiving) or payees of v (sending).
 */
#ifndef WR_SCORING_WALK_INT_H
#define WR_SCORING_WALK_INT_H

#include "model/score.h"
#include "scoring/seeds.h"
#include "scoring/views.h"

typedef struct wr_walk {
    const wr_views *vw;
    const wr_seeds *s;
    const wr_pairs *rows;   /* vw->in when receiving, vw->out when sending */
    const wr_pairs *cols;   /* the other one */
    const uint32_t *hold_s; /* [n*C] or NULL */
    const uint32_t *last_s; /* [rows->m] receiving: of each place; or NULL: looked up */
    double damping;
    wr_direction direction;
    bool is_known_only;
} wr_walk;

/* Errors  WR_EINVAL: seeds of another graph, damping outside [0,1), unknown direction */
wr_status wr_walk_init(wr_walk *w, const wr_views *vw, const wr_seeds *s,
                       wr_direction direction, double damping, wr_err *err) WR_NODISCARD;

/* A hub whose row has no hub in it: passed on without damping. */
bool wr_walk_is_clear(const wr_walk *w, wr_vid v);

/* u stands in v's row and denominator. */
static inline bool wr_walk_counts(const wr_walk *w, wr_vid u, wr_vid v)
{
    return !w->is_known_only || w->s->category[u] >= 0 ||
           !wr_views_is_leaf_of(w->vw, u, v);
}

/* Sum of the values of v's row, in row order. */
double wr_walk_total(const wr_walk *w, wr_vid v);

/* gamma / total, or 1 / total for a clear hub; 0 for an empty row. */
double wr_walk_factor(const wr_walk *w, wr_vid v);

/* The same when wr_walk_total is known. */
double wr_walk_factor_of(const wr_walk *w, wr_vid v, double total);

/*
 * Bit c: a pair with u of these times can carry category c to the row's vertex.  Of an
 * unlabelled u only the last matters when receiving, only the first when sending.
 */
uint32_t wr_walk_mask(const wr_walk *w, wr_vid u, uint32_t first_s, uint32_t last_s);

/* The same for place i of v's row; reads its times only when they matter. */
static inline uint32_t wr_walk_pair_mask(const wr_walk *w, wr_vid v, uint64_t i)
{
    const wr_seeds *s = w->s;
    const wr_vid u = w->rows->nbr[i];
    const int label = s->category[u];
    if (label >= 0 ? !s->from_s && !s->to_s : !w->hold_s)
        return label >= 0 ? 1u << label : (1u << s->c) - 1;
    if (label < 0 && w->last_s)
        return wr_walk_mask(w, u, 0, w->last_s[i]);
    const uint64_t id = wr_pairs_id(w->rows, v, i);
    return wr_walk_mask(w, u, w->rows->first_s[id], wr_pairs_last_s(w->rows, id));
}

#endif
