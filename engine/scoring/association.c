#include "scoring/association.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "scoring/undirected_int.h"

enum { ROWS = 1024 }; /* vertices handed to a thread at once */

enum { ORDINARY, SEED, HUB };

typedef struct company {
    wr_undirected g;
    uint8_t *state; /* [n] SEED, HUB or ORDINARY */
} company;

static uint8_t state_of(const wr_undirected *g, const wr_views *vw, const wr_seeds *s,
                        uint32_t kinds, wr_vid v)
{
    int c = s->category[v];
    if (c >= 0 && (kinds >> s->kind[c] & 1))
        return SEED;
    if (!wr_views_is_hub(vw, v))
        return ORDINARY;
    for (uint64_t i = g->off[v]; i < g->off[v + 1ULL]; i++)
        if (wr_views_is_hub(vw, g->nbr[i]))
            return ORDINARY;
    return HUB;
}

static wr_status mark_states(company *co, const wr_views *vw, const wr_seeds *s,
                             uint32_t kinds, wr_err *err)
{
    const uint32_t n = s->n;
    co->state = wr_calloc(n, sizeof *co->state);
    if (!co->state)
        return wr_fail(err, WR_ENOMEM, "association of %" PRIu32 " vertices", n);
#pragma omp parallel for default(none) shared(co, vw, s, kinds, n) schedule(dynamic, ROWS)
    for (uint32_t v = 0; v < n; v++)
        co->state[v] = state_of(&co->g, vw, s, kinds, v);
    return WR_OK;
}

/* w_uv as a number; root NULL = weights 1. */
static double weight(const float *root, uint64_t i)
{
    return root ? (double)root[i] : 1.0;
}

/* per[v] = 1 / sum of v's weights; 0 for an empty row. */
static void scale_rows(double *per, const wr_undirected *g, const float *root)
{
    const uint32_t n = g->n;
#pragma omp parallel for default(none) shared(per, g, root, n) schedule(dynamic, ROWS)
    for (uint32_t v = 0; v < n; v++) {
        double sum = 0.0;
        for (uint64_t i = g->off[v]; i < g->off[v + 1ULL]; i++)
            sum += weight(root, i);
        per[v] = sum > 0.0 ? 1.0 / sum : 0.0;
    }
}

/* next = factor Q h on the rows of one state; returns max |next - h| over them. */
static double sweep(double *next, const double *h, const double *per, const company *co,
                    const float *root, uint8_t state, double factor)
{
    const wr_undirected *g = &co->g;
    const uint8_t *states = co->state;
    const uint32_t n = g->n;
    double change = 0.0;
#pragma omp parallel for default(none)                                          \
    shared(next, h, per, g, states, root, state, factor, n) reduction(max       \
                                                                      : change) \
        schedule(dynamic, ROWS)
    for (uint32_t v = 0; v < n; v++) {
        if (states[v] != state)
            continue;
        double sum = 0.0;
        for (uint64_t i = g->off[v]; i < g->off[v + 1ULL]; i++)
            sum += weight(root, i) * h[g->nbr[i]];
        sum *= factor * per[v];
        change = fmax(change, fabs(sum - h[v]));
        next[v] = sum;
    }
    return change;
}

/* h in place -> association. */
static void divide(double *h, const double *per, const company *co, const float *root)
{
    const wr_undirected *g = &co->g;
    const uint8_t *states = co->state;
    const uint32_t n = g->n;
#pragma omp parallel for default(none) shared(h, per, g, states, root, n) \
    schedule(dynamic, ROWS)
    for (uint32_t v = 0; v < n; v++) {
        if (states[v] != ORDINARY || !(h[v] > 0.0))
            continue;
        double back = 0.0;
        for (uint64_t i = g->off[v]; i < g->off[v + 1ULL]; i++) {
            const double w = weight(root, i);
            back += w * per[v] * w * per[g->nbr[i]];
        }
        h[v] = back < 1.0 ? fmin(1.0, h[v] / (1.0 - back)) : 1.0;
    }
}

static wr_status column(double *out, wr_association_report *rep, const company *co,
                        const float *root, const wr_association_opts *o, wr_err *err)
{
    const uint32_t n = co->g.n;
    WR_AUTO_ARRAY double *next = wr_alloc_big(n, sizeof *next);
    WR_AUTO_ARRAY double *per = wr_alloc_big(n, sizeof *per);
    if (!next || !per)
        return wr_fail(err, WR_ENOMEM, "association of %" PRIu32 " vertices", n);
    scale_rows(per, &co->g, root);
    for (uint32_t v = 0; v < n; v++)
        out[v] = next[v] = co->state[v] == SEED ? 1.0 : 0.0;
    double *h = out;
    double *other = next;
    double bound = 0.0;
    uint32_t step = 0;
    do {
        WR_TRY(wr_progress_at(o->pg, "association", step, 0, err));
        (void)sweep(h, h, per, co, root, HUB, 1.0); /* in place: hubs read no hub */
        bound = sweep(other, h, per, co, root, ORDINARY, o->damping) * o->damping /
                (1.0 - o->damping);
        double *swap = h;
        h = other;
        other = swap;
    } while (++step < o->max_step && bound > o->eps);
    (void)sweep(h, h, per, co, root, HUB, 1.0);
    if (h != out)
        memcpy(out, h, n * sizeof *out);
    divide(out, per, co, root);
    rep->steps = step > rep->steps ? step : rep->steps;
    rep->bound = fmax(rep->bound, bound);
    return WR_OK;
}

static wr_status check(const wr_views *vw, const wr_seeds *s,
                       const wr_association_opts *o, wr_err *err)
{
    if (s->n != vw->in.n || s->n != vw->out.n)
        return wr_fail(err, WR_EINVAL,
                       "labels for %" PRIu32 " vertices, graph has %" PRIu32, s->n,
                       vw->in.n);
    if (!(o->damping >= 0.0 && o->damping < 1.0))
        return wr_fail(err, WR_EINVAL, "damping %g not in [0,1)", o->damping);
    if (!(o->eps > 0.0))
        return wr_fail(err, WR_EINVAL, "eps %g not > 0", o->eps);
    if (o->max_step < 1)
        return wr_fail(err, WR_EINVAL, "max_step 0 not >= 1");
    return WR_OK;
}

wr_status wr_association(double *by_count, double *by_value, wr_association_report *rep,
                         const wr_views *vw, const wr_seeds *s,
                         const wr_association_opts *o, wr_err *err)
{
    WR_TRY(check(vw, s, o, err));
    company co = {0};
    wr_association_report r = {0};
    wr_status st = wr_undirected_init(&co.g, vw, by_value != NULL, err);
    if (st == WR_OK)
        st = mark_states(&co, vw, s, o->kinds, err);
    if (st == WR_OK && by_count)
        st = column(by_count, &r, &co, NULL, o, err);
    if (st == WR_OK && by_value)
        st = column(by_value, &r, &co, co.g.root, o, err);
    wr_undirected_release(&co.g);
    wr_free(co.state);
    if (st == WR_OK && rep)
        *rep = r;
    return st;
}
