#include "scoring/static_exposure.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "scoring/spmm_int.h"
#include "scoring/walk_int.h"

/*
 * BLOCK  vertices computed before their neighbours see them; part of the numeric contract
 * ROWS   vertices handed to a thread at once
 * AHEAD  pairs whose slot is asked for early; rows are short: it is the next ones that
 * gain
 */
enum { BLOCK = 32768, ROWS = 256, AHEAD = 16 };
#define HOT_BYTES (2u << 20) /* the share of the state that stays in a core's cache */

static float weight_of(double factor, float value)
{
    return (float)(factor * (double)value);
}

static float confidence(const wr_seeds *s, wr_vid v)
{
    return s->confidence ? s->confidence[v] : 1.0f;
}

/* ---- the plain kernel: the definition, row by row, from the windows ---- */

/* sum[c] = (gamma W x)[v][c]; labelled neighbours count with Y, whatever x holds there.
 */
static void plain_row(double *sum, const wr_walk *w, const float *x, wr_vid v)
{
    const uint32_t nc = w->s->c;
    const wr_pairs *p = w->rows;
    const double factor = wr_walk_factor(w, v);
    memset(sum, 0, nc * sizeof(double));
    for (uint64_t i = p->off[v]; i < p->off[v + 1ULL]; i++) {
        const wr_vid u = p->nbr[i];
        const uint64_t id = wr_pairs_id(p, i);
        const int label = w->s->category[u];
        if (!wr_walk_counts(w, u, v))
            continue;
        const uint32_t mask = wr_walk_pair_mask(w, u, id);
        const double weight = (double)weight_of(factor, p->value[id]);
        for (uint32_t c = 0; c < nc; c++) {
            if (!(mask >> c & 1))
                continue;
            float source = label >= 0 ? confidence(w->s, u) : x[(size_t)u * nc + c];
            sum[c] += weight * (double)source;
        }
    }
}

/* Rows of one class in [from, to), row v into next + (v - from) C. */
static float plain_rows(float *next, const float *x, const wr_walk *w, uint32_t from,
                        uint32_t to, bool want_clear)
{
    const uint32_t nc = w->s->c;
    float change = 0.0f;
#pragma omp parallel for default(none) shared(next, x, w, from, to, want_clear, nc) \
    reduction(max                                                                   \
              : change) schedule(dynamic, ROWS)
    for (uint32_t v = from; v < to; v++) {
        float *out = next + (size_t)(v - from) * nc;
        const float *old = x + (size_t)v * nc;
        if (w->s->category[v] >= 0 || wr_walk_is_clear(w, v) != want_clear) {
            if (out != old)
                memcpy(out, old, nc * sizeof(float));
            continue;
        }
        double sum[WR_CATEGORY_MAX];
        plain_row(sum, w, x, v);
        for (uint32_t c = 0; c < nc; c++) {
            const float value = (float)sum[c];
            change = fmaxf(change, fabsf(value - old[c]));
            out[c] = value;
        }
    }
    return change;
}

/* One step: clear hubs in place (they read no clear hub), then block after block. */
static float plain_step(float *x, float *buffer, const wr_walk *w)
{
    const uint32_t n = w->s->n, nc = w->s->c;
    float change = 0.0f;
    (void)plain_rows(x, x, w, 0, n, true);
    for (uint32_t from = 0; from < n; from += BLOCK) {
        const uint32_t to = n - from < BLOCK ? n : from + BLOCK;
        change = fmaxf(change, plain_rows(buffer, x, w, from, to, false));
        memcpy(x + (size_t)from * nc, buffer, (size_t)(to - from) * nc * sizeof *x);
    }
    return change;
}

static void own_labels(float *x, const wr_seeds *s)
{
    memset(x, 0, (size_t)s->n * s->c * sizeof *x);
    for (uint32_t v = 0; v < s->n; v++)
        if (s->category[v] >= 0)
            x[(size_t)v * s->c + (size_t)s->category[v]] = confidence(s, v);
}

/* gamma/(1-gamma) times the last change bounds the distance to the fixed point. */
static bool is_done(wr_static_report *rep, const wr_static_opts *o, float change)
{
    rep->steps++;
    rep->bound = o->damping / (1.0 - o->damping) * (double)change;
    rep->is_converged = rep->bound <= o->eps;
    return rep->is_converged || rep->steps >= o->max_step;
}

static wr_status run_plain(float *x, wr_static_report *rep, const wr_walk *w,
                           const wr_static_opts *o, wr_err *err)
{
    WR_AUTO_ARRAY float *buffer = wr_alloc_big((size_t)BLOCK * w->s->c, sizeof *buffer);
    if (!buffer)
        return wr_fail(err, WR_ENOMEM, "static exposure of %" PRIu32 " vertices",
                       w->s->n);
    own_labels(x, w->s);
    float change;
    do {
        WR_TRY(wr_progress_at(o->pg, "static exposure", rep->steps, 0, err));
        change = plain_step(x, buffer, w);
    } while (!is_done(rep, o, change));
    (void)plain_rows(x, x, w, 0, w->s->n, true);
    return WR_OK;
}

/* ---- the fast kernel: only rows and pairs that can carry, in a compact state ---- */

typedef struct plan {
    wr_spmm a;
    uint64_t *live;    /* [n/64+1] bit v = v can hold something */
    uint32_t *slot;    /* [n] row of the state, or WR_VID_NONE */
    uint32_t *kept;    /* [n] pairs of the row with a live neighbour; 0 for labelled */
    uint8_t *is_clear; /* [n] */
    wr_vid *vertex;    /* [lines] */
} plan;

static void plan_release(plan *p)
{
    wr_spmm_release(&p->a);
    wr_free(p->live);
    wr_free(p->slot);
    wr_free(p->kept);
    wr_free(p->is_clear);
    wr_free(p->vertex);
}

static bool is_live(const plan *p, wr_vid u)
{
    return p->live[u / 64] >> (u % 64) & 1;
}

/* Labelled, or with a row of its own that may bring it something. */
static bool may_hold(const wr_walk *w, wr_vid u)
{
    const uint32_t never = w->direction == WR_RECEIVING ? UINT32_MAX : 0;
    if (w->s->category[u] >= 0)
        return true;
    bool can = !w->hold_s;
    for (uint32_t c = 0; c < w->s->c && !can; c++)
        can = w->hold_s[(size_t)u * w->s->c + c] != never;
    return can && wr_views_degree(w->rows, u) > 0;
}

/* live bits; then kept[v] = live neighbours in v's row, what it needs at most. */
static void count_kept(plan *p, const wr_walk *w)
{
    const uint32_t n = w->s->n, words = n / 64 + 1;
#pragma omp parallel for default(none) shared(p, w, n, words) schedule(static)
    for (uint32_t k = 0; k < words; k++) {
        uint64_t bits = 0;
        for (uint32_t b = 0; b < 64 && k * 64ULL + b < n; b++)
            bits |= (uint64_t)may_hold(w, k * 64 + b) << b;
        p->live[k] = bits;
    }
#pragma omp parallel for default(none) shared(p, w, n) schedule(dynamic, ROWS)
    for (uint32_t v = 0; v < n; v++) {
        uint32_t kept = 0;
        if (w->s->category[v] < 0) {
            for (uint64_t i = w->rows->off[v]; i < w->rows->off[v + 1ULL]; i++)
                kept += is_live(p, w->rows->nbr[i]);
            p->is_clear[v] = wr_walk_is_clear(w, v);
        }
        p->kept[v] = kept;
    }
}

/* 0 for the vertices most often gathered from: 31 - floor(log2(degree)). */
static uint32_t heat_class(const wr_walk *w, wr_vid v)
{
    uint64_t degree = wr_views_degree(w->cols, v);
    return degree ? (uint32_t)__builtin_clz((uint32_t)degree) : 32;
}

/*
 * Relabelling pays when most gathers go to few sources and these lie scattered: when at
 * least half of the pairs leave the classes whose rows fit the cache together, and the
 * whole state does not fit.
 */
static bool wants_relabel(const plan *p, const wr_walk *w)
{
    uint64_t vertices[33] = {0}, pairs[33] = {0}, all = 0, hot = 0, rows = 0;
    for (uint32_t v = 0; v < w->s->n; v++) {
        if (!p->kept[v] && w->s->category[v] < 0)
            continue;
        uint32_t k = heat_class(w, v);
        vertices[k]++;
        pairs[k] += wr_views_degree(w->cols, v);
        all += wr_views_degree(w->cols, v);
        rows++;
    }
    const uint64_t room = HOT_BYTES / (p->a.ld * sizeof(float));
    uint64_t used = 0;
    for (uint32_t k = 0; k < 33 && used + vertices[k] <= room; k++) {
        used += vertices[k];
        hot += pairs[k];
    }
    return rows > room && hot * 2 >= all;
}

/* Slots in vertex order, or hottest class first (vertex order within a class). */
static void give_slots(plan *p, const wr_walk *w, bool is_relabelled)
{
    const uint32_t n = w->s->n;
    uint32_t at[34] = {0};
    for (uint32_t v = 0; v < n; v++)
        if (p->kept[v] || w->s->category[v] >= 0)
            at[is_relabelled ? heat_class(w, v) + 1 : 33]++;
    p->a.slots = 0;
    for (uint32_t k = 0; k < 34; k++)
        p->a.slots += at[k];
    for (uint32_t k = 1; k < 34; k++)
        at[k] = is_relabelled ? at[k] + at[k - 1] : 0;
    for (uint32_t v = 0; v < n; v++) {
        p->slot[v] = WR_VID_NONE;
        if (!p->kept[v] && w->s->category[v] < 0)
            continue;
        p->slot[v] = at[is_relabelled ? heat_class(w, v) : 0]++;
        p->a.lines += p->kept[v] != 0;
        p->a.head += p->kept[v] && p->is_clear[v];
    }
}

/* Clear hubs first, then blocks by vertex, whatever the slots: the numeric contract. */
static void lay_lines(plan *p, uint32_t n)
{
    wr_spmm *a = &p->a;
    uint32_t hub = 0, line = a->head;
    for (uint32_t v = 0; v < n; v++) {
        if (v % BLOCK == 0)
            a->block[v / BLOCK] = line;
        if (p->kept[v])
            p->vertex[p->is_clear[v] ? hub++ : line++] = v;
    }
    a->block[a->blocks] = line;
    for (uint32_t b = 0; b < a->blocks; b++) {
        const uint32_t length = a->block[b + 1] - a->block[b];
        a->block_max = length > a->block_max ? length : a->block_max;
    }
    a->off[0] = 0;
    for (uint32_t l = 0; l < a->lines; l++) {
        a->at[l] = p->slot[p->vertex[l]];
        a->off[l + 1ULL] = a->off[l] + p->kept[p->vertex[l]];
    }
}

/* Pairs that carry to the front of the line's room; their number to kept. */
static void fill_line(plan *p, const wr_walk *w, uint32_t l)
{
    const wr_vid v = p->vertex[l];
    const wr_pairs *r = w->rows;
    const double factor = wr_walk_factor(w, v);
    const uint64_t base = p->a.off[l];
    uint32_t k = 0;
    for (uint64_t i = r->off[v]; i < r->off[v + 1ULL]; i++) {
        const wr_vid u = r->nbr[i];
        const uint64_t id = wr_pairs_id(r, i);
        if (i + AHEAD < r->m)
            __builtin_prefetch(p->slot + r->nbr[i + AHEAD]);
        if (!is_live(p, u) || p->slot[u] == WR_VID_NONE || !wr_walk_counts(w, u, v))
            continue;
        const uint32_t mask = wr_walk_pair_mask(w, u, id);
        if (!mask)
            continue;
        p->a.edge[base + k] = (wr_spmm_edge){p->slot[u], weight_of(factor, r->value[id])};
        if (p->a.mask)
            p->a.mask[base + k] = (uint16_t)mask;
        k++;
    }
    p->kept[v] = k;
}

/* Lines close up over the room that was not needed. */
static void close_gaps(plan *p)
{
    uint64_t to = 0;
    for (uint32_t l = 0; l < p->a.lines; l++) {
        const uint64_t from = p->a.off[l];
        const size_t count = p->kept[p->vertex[l]];
        p->a.off[l] = to;
        if (from != to) {
            memmove(p->a.edge + to, p->a.edge + from, count * sizeof(wr_spmm_edge));
            if (p->a.mask)
                memmove(p->a.mask + to, p->a.mask + from, count * sizeof(uint16_t));
        }
        to += count;
    }
    p->a.off[p->a.lines] = to;
}

static wr_status make_plan(plan *p, wr_static_report *rep, const wr_walk *w, wr_err *err)
{
    const size_t n = w->s->n;
    p->a.ld = w->s->c <= WR_SPMM_NARROW ? WR_SPMM_NARROW : WR_SPMM_WIDE;
    p->live = wr_calloc(n / 64 + 1, sizeof *p->live);
    p->slot = wr_alloc_big(n, sizeof *p->slot);
    p->kept = wr_alloc_big(n, sizeof *p->kept);
    p->is_clear = wr_calloc(n, 1);
    if (!p->live || !p->slot || !p->kept || !p->is_clear)
        return wr_fail(err, WR_ENOMEM, "static exposure of %zu vertices", n);
    count_kept(p, w);
    rep->is_relabelled = wants_relabel(p, w);
    give_slots(p, w, rep->is_relabelled);

    const size_t lines = p->a.lines;
    p->a.off = wr_alloc_big(lines + 1, sizeof *p->a.off);
    p->a.at = wr_alloc_big(lines, sizeof *p->a.at);
    p->vertex = wr_alloc_big(lines, sizeof *p->vertex);
    p->a.blocks = (uint32_t)((n + BLOCK - 1) / BLOCK);
    p->a.block = wr_calloc(p->a.blocks + 1ULL, sizeof *p->a.block);
    if (!p->a.off || !p->a.at || !p->vertex || !p->a.block)
        return wr_fail(err, WR_ENOMEM, "static exposure of %zu rows", lines);
    lay_lines(p, w->s->n);
    const uint64_t room = p->a.off[lines];
    p->a.edge = wr_alloc_big(room, sizeof *p->a.edge);
    p->a.mask = w->hold_s ? wr_alloc_big(room, sizeof *p->a.mask) : NULL;
    if (!p->a.edge || (w->hold_s && !p->a.mask))
        return wr_fail(err, WR_ENOMEM, "static exposure of %" PRIu64 " pairs",
                       rep->pairs);
#pragma omp parallel for default(none) shared(p, w, lines) schedule(dynamic, ROWS)
    for (size_t l = 0; l < lines; l++)
        fill_line(p, w, (uint32_t)l);
    close_gaps(p);
    rep->pairs = p->a.off[lines];
    return WR_OK;
}

static void load_labels(float *x, const plan *p, const wr_seeds *s)
{
    const uint32_t slots = p->a.slots;
    const size_t row = p->a.ld;
#pragma omp parallel for default(none) shared(x, slots, row) schedule(static)
    for (uint32_t k = 0; k < slots; k++)
        memset(x + k * row, 0, row * sizeof *x);
    for (uint32_t v = 0; v < s->n; v++)
        if (s->category[v] >= 0)
            x[p->slot[v] * row + (size_t)s->category[v]] = confidence(s, v);
}

static void store_rows(float *x, const float *state, const plan *p, const wr_seeds *s)
{
    const uint32_t n = s->n, nc = s->c;
#pragma omp parallel for default(none) shared(x, state, p, n, nc) schedule(static)
    for (uint32_t v = 0; v < n; v++) {
        float *row = x + (size_t)v * nc;
        if (p->slot[v] == WR_VID_NONE)
            memset(row, 0, nc * sizeof(float));
        else
            memcpy(row, state + (size_t)p->slot[v] * p->a.ld, nc * sizeof(float));
    }
}

static wr_status iterate(float *x, wr_static_report *rep, const plan *p, const wr_walk *w,
                         const wr_static_opts *o, wr_err *err)
{
    const size_t row = p->a.ld;
    WR_AUTO_ARRAY float *state = wr_alloc_big(p->a.slots * row, sizeof *state);
    WR_AUTO_ARRAY float *buffer = wr_alloc_big(p->a.block_max * row, sizeof *buffer);
    if (!state || !buffer)
        return wr_fail(err, WR_ENOMEM, "static exposure of %" PRIu32 " rows", p->a.slots);
    load_labels(state, p, w->s);
    float change;
    do {
        WR_TRY(wr_progress_at(o->pg, "static exposure", rep->steps, 0, err));
        change = wr_spmm_step(&p->a, state, buffer);
    } while (!is_done(rep, o, change));
    wr_spmm_head(&p->a, state);
    store_rows(x, state, p, w->s);
    return WR_OK;
}

static wr_status run_fast(float *x, wr_static_report *rep, const wr_walk *w,
                          const wr_static_opts *o, wr_err *err)
{
    plan p = {0};
    wr_status st = make_plan(&p, rep, w, err);
    if (st == WR_OK)
        st = iterate(x, rep, &p, w, o, err);
    plan_release(&p);
    return st;
}

/* ---- */

/* What reaches labelled vertices; their neighbours' labels are read from s, not from x.
 */
static void see_past_labels(float *x, const wr_walk *w)
{
    const uint32_t n = w->s->n, nc = w->s->c;
#pragma omp parallel for default(none) shared(x, w, n, nc) schedule(dynamic, ROWS)
    for (uint32_t v = 0; v < n; v++) {
        if (w->s->category[v] < 0)
            continue;
        double sum[WR_CATEGORY_MAX];
        plain_row(sum, w, x, v);
        for (uint32_t c = 0; c < nc; c++)
            x[(size_t)v * nc + c] = (float)sum[c];
    }
}

wr_status wr_static_exposure(float *x, wr_static_report *rep, const wr_views *vw,
                             const wr_seeds *s, const wr_static_opts *o, wr_err *err)
{
    wr_walk w;
    WR_TRY(wr_walk_init(&w, vw, s, o->direction, o->damping, err));
    if (!(o->eps > 0.0))
        return wr_fail(err, WR_EINVAL, "eps %g not > 0", o->eps);
    if (o->max_step < 1)
        return wr_fail(err, WR_EINVAL, "max_step 0 not >= 1");
    w.hold_s = o->hold_s;
    w.is_known_only = o->is_known_only;
    wr_static_report r = {0};
    if (o->is_plain)
        WR_TRY(run_plain(x, &r, &w, o, err));
    else
        WR_TRY(run_fast(x, &r, &w, o, err));
    if (o->is_label_seen_past)
        see_past_labels(x, &w);
    if (rep)
        *rep = r;
    return WR_OK;
}
