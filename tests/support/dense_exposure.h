/*
 * dense_exposure.h - static exposure of a small random flow by a direct solve.
 *
 * Straight from the transfers to a dense matrix and Gauss elimination, one category at a
 * time: shares nothing with the kernels it checks.  Header only.
 */
#ifndef WR_DENSE_EXPOSURE_H
#define WR_DENSE_EXPOSURE_H

#include <math.h>

#include "flow_gen.h"
#include "scoring/static_exposure.h"
#include "views_gen.h"

enum { DENSE_MAX = 40 };

typedef struct dense {
    uint32_t n;
    double a[DENSE_MAX][DENSE_MAX]; /* a[u][v]: u paid v */
    uint32_t first[DENSE_MAX][DENSE_MAX], last[DENSE_MAX][DENSE_MAX];
    bool is_pair[DENSE_MAX][DENSE_MAX];
} dense;

static inline void dense_of(dense *d, const flow_gen *g)
{
    *d = (dense){.n = g->fl.n};
    for (uint64_t i = 0; i < g->m; i++) {
        wr_vid u = g->from[i], v = g->to[i];
        if (u == v)
            continue;
        if (!d->is_pair[u][v])
            d->first[u][v] = g->time_s[i];
        d->is_pair[u][v] = true;
        d->last[u][v] = g->time_s[i];
        d->a[u][v] += g->value[i];
    }
}

/* Somebody other than v deals with u, or u is labelled. */
static inline bool dense_is_known(const dense *d, const wr_seeds *s, uint32_t u,
                                  uint32_t v)
{
    bool known = s->category[u] >= 0;
    for (uint32_t k = 0; k < d->n; k++)
        known = known || (k != v && (d->is_pair[u][k] || d->is_pair[k][u]));
    return known;
}

static inline bool dense_can_carry(const dense *d, const wr_seeds *s,
                                   const wr_static_opts *o, uint32_t u, uint32_t v,
                                   uint32_t c)
{
    bool in = o->direction == WR_RECEIVING;
    uint32_t first = in ? d->first[u][v] : d->first[v][u];
    uint32_t last = in ? d->last[u][v] : d->last[v][u];
    if (s->category[u] >= 0)
        return (!s->from_s || s->from_s[u] <= last) && (!s->to_s || s->to_s[u] > first);
    if (!o->hold_s)
        return true;
    uint32_t h = o->hold_s[u * s->c + c];
    return in ? h != UINT32_MAX && h <= last : h != 0 && h >= first;
}

/* Row v of gamma W for category c. */
static inline void dense_row(double *row, const dense *d, const wr_views *vw,
                             const wr_seeds *s, const wr_static_opts *o, uint32_t v,
                             uint32_t c)
{
    double total = 0, damping = o->damping;
    bool hub = wr_views_is_hub(vw, v);
    for (uint32_t u = 0; u < d->n; u++) {
        bool pair = o->direction == WR_RECEIVING ? d->is_pair[u][v] : d->is_pair[v][u];
        row[u] = o->direction == WR_RECEIVING ? d->a[u][v] : d->a[v][u];
        if (o->is_known_only && !dense_is_known(d, s, u, v))
            row[u] = 0;
        total += row[u];
        hub = hub && !(pair && wr_views_is_hub(vw, u));
        if (pair && !dense_can_carry(d, s, o, u, v, c))
            row[u] = 0;
    }
    for (uint32_t u = 0; u < d->n; u++)
        row[u] = total > 0 ? row[u] * (hub ? 1 : damping) / total : 0;
}

/* Solve M x = y in place (partial pivoting). */
static inline void dense_gauss(double m[DENSE_MAX][DENSE_MAX], double *y, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        uint32_t p = k;
        for (uint32_t i = k + 1; i < n; i++)
            p = fabs(m[i][k]) > fabs(m[p][k]) ? i : p;
        for (uint32_t j = 0; j < n; j++) {
            double t = m[k][j];
            m[k][j] = m[p][j];
            m[p][j] = t;
        }
        double t = y[k];
        y[k] = y[p];
        y[p] = t;
        for (uint32_t i = k + 1; i < n; i++) {
            double f = m[i][k] / m[k][k];
            for (uint32_t j = k; j < n; j++)
                m[i][j] -= f * m[k][j];
            y[i] -= f * y[k];
        }
    }
    for (uint32_t k = n; k-- > 0;) {
        for (uint32_t j = k + 1; j < n; j++)
            y[k] -= m[k][j] * y[j];
        y[k] /= m[k][k];
    }
}

static inline void dense_solve(double *x, const flow_gen *g, const wr_views *vw,
                               const wr_static_opts *o)
{
    static dense d;
    static double m[DENSE_MAX][DENSE_MAX];
    const wr_seeds *s = &g->seeds;
    dense_of(&d, g);
    for (uint32_t c = 0; c < s->c; c++) {
        double y[DENSE_MAX] = {0}, row[DENSE_MAX];
        for (uint32_t v = 0; v < d.n; v++) {
            memset(m[v], 0, sizeof m[v]);
            m[v][v] = 1;
            y[v] = s->category[v] == (int)c ? (double)s->confidence[v] : 0;
            if (s->category[v] >= 0)
                continue;
            dense_row(row, &d, vw, s, o, v, c);
            for (uint32_t u = 0; u < d.n; u++)
                m[v][u] -= row[u];
        }
        dense_gauss(m, y, d.n);
        for (uint32_t v = 0; v < d.n; v++) {
            x[v * s->c + c] = y[v];
            if (!o->is_label_seen_past || s->category[v] < 0)
                continue;
            dense_row(row, &d, vw, s, o, v, c);
            x[v * s->c + c] = 0;
            for (uint32_t u = 0; u < d.n; u++)
                x[v * s->c + c] += row[u] * y[u];
        }
    }
}

static inline void dense_views(views_gen *vg, const flow_gen *g)
{
    views_row *row = wr_calloc(g->m, sizeof *row);
    for (uint64_t i = 0; i < g->m; i++)
        row[i] = (views_row){g->from[i], g->to[i], g->time_s[i], g->value[i]};
    views_gen_init(vg, g->fl.n, row, g->m);
    wr_free(row);
    vg->vw.hub_bits = g->fl.hub_bits;
}

#endif
