#include "scoring/undirected_int.h"

#include <inttypes.h>
#include <math.h>

enum { ROWS = 1024 }; /* vertices handed to a thread at once */

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
            value += (double)a->value[i];
        if (root && has_b)
            value += (double)b->value[j];
        if (root)
            root[k] = (float)sqrt(value);
        i += has_a;
        j += has_b;
        k++;
    }
    return k;
}

void wr_undirected_release(wr_undirected *g)
{
    wr_free(g->off);
    wr_free(g->nbr);
    wr_free(g->root);
    *g = (wr_undirected){0};
}

static wr_status fill(wr_undirected *g, const wr_views *vw, bool has_root, wr_err *err)
{
    const uint32_t n = g->n;
    g->off = wr_calloc(n + 1ULL, sizeof *g->off);
    if (!g->off)
        return wr_fail(err, WR_ENOMEM, "neighbours of %" PRIu32 " vertices", n);
    uint64_t *off = g->off;
#pragma omp parallel for default(none) shared(off, vw, n) schedule(dynamic, ROWS)
    for (uint32_t v = 0; v < n; v++)
        off[v + 1ULL] = merge_row(NULL, NULL, vw, v);
    for (uint32_t v = 0; v < n; v++)
        off[v + 1ULL] += off[v];
    g->nbr = wr_alloc_big(off[n], sizeof *g->nbr);
    g->root = has_root ? wr_alloc_big(off[n], sizeof *g->root) : NULL;
    if (!g->nbr || (has_root && !g->root))
        return wr_fail(err, WR_ENOMEM, "%" PRIu64 " neighbours", off[n]);
#pragma omp parallel for default(none) shared(g, vw, n) schedule(dynamic, ROWS)
    for (uint32_t v = 0; v < n; v++)
        (void)merge_row(g->nbr + g->off[v], g->root ? g->root + g->off[v] : NULL, vw, v);
    return WR_OK;
}

wr_status wr_undirected_init(wr_undirected *g, const wr_views *vw, bool has_root,
                             wr_err *err)
{
    *g = (wr_undirected){.n = vw->out.n};
    wr_status st = fill(g, vw, has_root, err);
    if (st != WR_OK)
        wr_undirected_release(g);
    return st;
}
