/* Neighbours as of T without services; components, cores, clustering. */
#include "scoring/features_int.h"

static wr_pairs pairs_of(const wr_links *l)
{
    return (wr_pairs){.n = l->n, .m = l->off[l->n], .off = l->off, .nbr = l->nbr};
}

/* Both directions of links as one undirected graph; links are gone afterwards. */
static wr_status near_init(wr_features *f, const wr_views *vw, const uint64_t *left_out,
                           wr_err *err)
{
    wr_links_opts o = {.before_s = f->o.as_of_s,
                       .left_out = left_out,
                       .hub_min = UINT32_MAX, /* a row is never longer */
                       .sample = 1,
                       .is_row_left_out = true};
    wr_links out = {0}, in = {0};
    wr_status st = wr_links_init(&in, &vw->in, &o, err);
    o.is_out = true;
    if (st == WR_OK)
        st = wr_links_init(&out, &vw->out, &o, err);
    if (st == WR_OK) {
        const wr_views near = {.out = pairs_of(&out), .in = pairs_of(&in)};
        st = wr_undirected_init(&f->near, &near, false, err);
    }
    wr_links_release(&out);
    wr_links_release(&in);
    return st;
}

/* ---- components: union-find, the smaller number is the root ---- */

static wr_vid root_of(uint32_t *up, wr_vid v)
{
    for (; up[v] != v; v = up[v])
        up[v] = up[up[v]];
    return v;
}

static wr_status components(wr_features *f, wr_err *err)
{
    const wr_undirected *g = &f->near;
    uint32_t *up WR_AUTO_ARRAY = wr_calloc(g->n, sizeof *up);
    f->component = wr_calloc(g->n, sizeof *f->component);
    uint32_t *size WR_AUTO_ARRAY = wr_calloc(g->n, sizeof *size);
    if (!up || !size || !f->component)
        return wr_fail(err, WR_ENOMEM, "components of %u wallets", g->n);
    for (wr_vid v = 0; v < g->n; v++)
        up[v] = v;
    for (wr_vid v = 0; v < g->n; v++)
        for (uint64_t i = g->off[v]; i < g->off[v + 1ULL] && g->nbr[i] < v; i++) {
            const wr_vid a = root_of(up, v), b = root_of(up, g->nbr[i]);
            up[a < b ? b : a] = a < b ? a : b;
        }
    for (wr_vid v = 0; v < g->n; v++)
        size[root_of(up, v)]++;
    for (wr_vid v = 0; v < g->n; v++)
        f->component[v] = size[root_of(up, v)];
    return WR_OK;
}

/* ---- cores: vertices sorted by degree, peeled from the smallest ---- */

typedef struct peel {
    uint32_t *degree; /* what is left; in the end the core number */
    uint32_t *order;  /* [n] by degree */
    uint32_t *place;  /* [n] in order */
    uint32_t *first;  /* [degree max + 2] first place with at least that degree */
} peel;

static void peel_sort(peel *p, const wr_undirected *g, uint32_t degree_max)
{
    for (wr_vid v = 0; v < g->n; v++)
        p->first[p->degree[v] + 1]++;
    for (uint32_t d = 0; d <= degree_max; d++)
        p->first[d + 1] += p->first[d];
    for (wr_vid v = 0; v < g->n; v++) {
        p->place[v] = p->first[p->degree[v]]++;
        p->order[p->place[v]] = v;
    }
    for (uint32_t d = degree_max + 1; d > 0; d--)
        p->first[d] = p->first[d - 1];
    p->first[0] = 0;
}

/* u loses a neighbour: it changes places with the first of its degree. */
static void peel_lower(peel *p, wr_vid u)
{
    const uint32_t at = p->first[p->degree[u]]++, old = p->place[u];
    const wr_vid w = p->order[at];
    p->order[at] = u;
    p->order[old] = w;
    p->place[u] = at;
    p->place[w] = old;
    p->degree[u]--;
}

static wr_status cores(wr_features *f, wr_err *err)
{
    const wr_undirected *g = &f->near;
    uint32_t degree_max = 0;
    f->core = wr_calloc(g->n, sizeof *f->core);
    for (wr_vid v = 0; f->core && v < g->n; v++) {
        f->core[v] = (uint32_t)(g->off[v + 1ULL] - g->off[v]);
        degree_max = f->core[v] > degree_max ? f->core[v] : degree_max;
    }
    uint32_t *order WR_AUTO_ARRAY = wr_calloc(g->n, sizeof *order);
    uint32_t *place WR_AUTO_ARRAY = wr_calloc(g->n, sizeof *place);
    uint32_t *first WR_AUTO_ARRAY = wr_calloc(degree_max + 2ULL, sizeof *first);
    if (!f->core || !order || !place || !first)
        return wr_fail(err, WR_ENOMEM, "cores of %u wallets", g->n);
    peel p = {.degree = f->core, .order = order, .place = place, .first = first};
    peel_sort(&p, g, degree_max);
    for (uint32_t k = 0; k < g->n; k++) {
        const wr_vid v = order[k];
        for (uint64_t i = g->off[v]; i < g->off[v + 1ULL]; i++)
            if (p.degree[g->nbr[i]] > p.degree[v])
                peel_lower(&p, g->nbr[i]);
    }
    return WR_OK;
}

wr_status wr_features_structure(wr_features *f, const wr_views *vw, wr_err *err)
{
    const uint32_t n = f->fl->n;
    uint64_t *left_out WR_AUTO_ARRAY = wr_links_services(f->fl->seeds, f->o.as_of_s);
    if (!left_out)
        return wr_fail(err, WR_ENOMEM, "services");
    WR_TRY(wr_progress_at(f->o.pg, "neighbours", 0, n, err));
    WR_TRY(near_init(f, vw, left_out, err));
    WR_TRY(wr_progress_at(f->o.pg, "components", 0, n, err));
    WR_TRY(components(f, err));
    WR_TRY(wr_progress_at(f->o.pg, "cores", 0, n, err));
    return cores(f, err);
}

/* ---- clustering ---- */

static bool is_near(const wr_undirected *g, wr_vid u, wr_vid w)
{
    uint64_t lo = g->off[u], hi = g->off[u + 1ULL];
    while (lo < hi) {
        const uint64_t mid = lo + (hi - lo) / 2;
        if (g->nbr[mid] == w)
            return true;
        if (g->nbr[mid] < w)
            lo = mid + 1;
        else
            hi = mid;
    }
    return false;
}

float wr_features_clustering(const wr_features *f, wr_vid v)
{
    const wr_undirected *g = &f->near;
    const uint64_t degree = g->off[v + 1ULL] - g->off[v];
    const uint64_t count = degree < WR_CLUSTER_MAX ? degree : WR_CLUSTER_MAX;
    wr_vid nbr[WR_CLUSTER_MAX];
    uint32_t closed = 0;
    if (degree < 2)
        return WR_FEATURE_NONE;
    for (uint64_t i = 0; i < count; i++)
        nbr[i] = g->nbr[g->off[v] + i * degree / count];
    for (uint64_t i = 0; i < count; i++)
        for (uint64_t j = 0; j < i; j++)
            closed += is_near(g, nbr[i], nbr[j]);
    return (float)(2.0 * closed / (double)(count * (count - 1)));
}
