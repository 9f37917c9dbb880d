#include "scoring/association.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { ROWS = 1024 }; /* vertices handed to a thread at once */

/* The undirected pair graph; rows ascending by neighbour. */
typedef struct merged {
    uint32_t n;
    uint64_t *off;  /* [n+1] */
    wr_vid *nbr;    /* [off[n]] */
    float *root;    /* [off[n]] sqrt of the value both ways, or NULL: weights 1 only */
    uint8_t *state; /* [n] SEED, HUB or ORDINARY */
} merged;

enum { ORDINARY, SEED, HUB };

static void merged_release(merged *g)
{
    wr_free(g->off);
    wr_free(g->nbr);
    wr_free(g->root);
    wr_free(g->state);
}

/*
 * Union of v's two rows; with nbr NULL only counted.  Returns its length.
 */
static uint64_t merge_row(wr_vid *nbr, float *root, const wr_views *vw, wr_vid v)
{
    const wr_pairs *a = &vw->out, *b = &vw->in;
    uint64_t i = a->off[v], j = b->off[v], k = 0;
    const uint64_t ia = a->off[v + 1ULL], jb = b->off[v + 1ULL];
    while (i < ia || j < jb) {
        const bool has_a = i < ia && (j == jb || a->nbr[i] <= b->nbr[j]);
        const bool has_b = j < jb && (i == ia || b->nbr[j] <= a->nbr[i]);
        double value = 0.0;
        if (nbr)
            nbr[k] = has_a ? a->nbr[i] : b->nbr[j];
        if (root && has_a)
            value += (double)a->value[wr_pairs_id(a, i)];
        if (root && has_b)
            value += (double)b->value[wr_pairs_id(b, j)];
        if (root)
            root[k] = (float)sqrt(value);
        i += has_a;
        j += has_b;
        k++;
    }
    return k;
}

static uint8_t state_of(const merged *g, const wr_views *vw, const wr_seeds *s,
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

static wr_status merged_init(merged *g, const wr_views *vw, const wr_seeds *s,
                             uint32_t kinds, bool has_root, wr_err *err)
{
    const uint32_t n = s->n;
    g->n = n;
    g->off = wr_calloc(n + 1ULL, sizeof *g->off);
    g->state = wr_calloc(n, sizeof *g->state);
    if (!g->off || !g->state)
        return wr_fail(err, WR_ENOMEM, "association of %" PRIu32 " vertices", n);
    uint64_t *off = g->off;
#pragma omp parallel for default(none) shared(off, vw, n) schedule(dynamic, ROWS)
    for (uint32_t v = 0; v < n; v++)
        off[v + 1ULL] = merge_row(NULL, NULL, vw, v);
    for (uint32_t v = 0; v < n; v++)
        off[v + 1ULL] += off[v];
    g->nbr = wr_alloc_big(off[n], sizeof *g->nbr);
    g->root = has_root ? wr_alloc_big(off[n], sizeof *g->root) : NULL;
    if (!g->nbr || (has_root && !g->root))
        return wr_fail(err, WR_ENOMEM, "association of %" PRIu64 " neighbours", off[n]);
#pragma omp parallel for default(none) shared(g, vw, n) schedule(dynamic, ROWS)
    for (uint32_t v = 0; v < n; v++)
        (void)merge_row(g->nbr + g->off[v], g->root ? g->root + g->off[v] : NULL, vw, v);
#pragma omp parallel for default(none) shared(g, vw, s, kinds, n) schedule(dynamic, ROWS)
    for (uint32_t v = 0; v < n; v++)
        g->state[v] = state_of(g, vw, s, kinds, v);
    return WR_OK;
}

/* w_uv as a number; root NULL = weights 1. */
static double weight(const float *root, uint64_t i)
{
    return root ? (double)root[i] : 1.0;
}

/* per[v] = 1 / sum of v's weights; 0 for an empty row. */
static void scale_rows(double *per, const merged *g, const float *root)
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
static double sweep(double *next, const double *h, const double *per, const merged *g,
                    const float *root, uint8_t state, double factor)
{
    const uint32_t n = g->n;
    double change = 0.0;
#pragma omp parallel for default(none) shared(next, h, per, g, root, state, factor, n) \
    reduction(max                                                                      \
              : change) schedule(dynamic, ROWS)
    for (uint32_t v = 0; v < n; v++) {
        if (g->state[v] != state)
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
static void divide(double *h, const double *per, const merged *g, const float *root)
{
    const uint32_t n = g->n;
#pragma omp parallel for default(none) shared(h, per, g, root, n) schedule(dynamic, ROWS)
    for (uint32_t v = 0; v < n; v++) {
        if (g->state[v] != ORDINARY || !(h[v] > 0.0))
            continue;
        double back = 0.0;
        for (uint64_t i = g->off[v]; i < g->off[v + 1ULL]; i++) {
            const double w = weight(root, i);
            back += w * per[v] * w * per[g->nbr[i]];
        }
        h[v] = back < 1.0 ? fmin(1.0, h[v] / (1.0 - back)) : 1.0;
    }
}

static wr_status column(double *out, wr_association_report *rep, const merged *g,
                        const float *root, const wr_association_opts *o, wr_err *err)
{
    const uint32_t n = g->n;
    WR_AUTO_ARRAY double *next = wr_alloc_big(n, sizeof *next);
    WR_AUTO_ARRAY double *per = wr_alloc_big(n, sizeof *per);
    if (!next || !per)
        return wr_fail(err, WR_ENOMEM, "association of %" PRIu32 " vertices", n);
    scale_rows(per, g, root);
    for (uint32_t v = 0; v < n; v++)
        out[v] = next[v] = g->state[v] == SEED ? 1.0 : 0.0;
    double *h = out;
    double *other = next;
    double bound = 0.0;
    uint32_t step = 0;
    do {
        WR_TRY(wr_progress_at(o->pg, "association", step, 0, err));
        (void)sweep(h, h, per, g, root, HUB, 1.0); /* in place: hubs read no hub */
        bound = sweep(other, h, per, g, root, ORDINARY, o->damping) * o->damping /
                (1.0 - o->damping);
        double *swap = h;
        h = other;
        other = swap;
    } while (++step < o->max_step && bound > o->eps);
    (void)sweep(h, h, per, g, root, HUB, 1.0);
    if (h != out)
        memcpy(out, h, n * sizeof *out);
    divide(out, per, g, root);
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
    merged g = {0};
    wr_association_report r = {0};
    wr_status st = merged_init(&g, vw, s, o->kinds, by_value != NULL, err);
    if (st == WR_OK && by_count)
        st = column(by_count, &r, &g, NULL, o, err);
    if (st == WR_OK && by_value)
        st = column(by_value, &r, &g, g.root, o, err);
    merged_release(&g);
    if (st == WR_OK && rep)
        *rep = r;
    return st;
}
