#include "scoring/static_exposure.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "scoring/static_exposure_int.h"

/*
 * ROWS            vertices handed to a thread at once
 * AHEAD           rows of the result whose state is asked for early
 * PERIOD          steps from one extrapolation to the next
 * EXTRAPOLATIONS  at most; what follows the last is a plain contraction and must end
 * The last two are part of the numeric contract.
 */
enum { ROWS = 256, AHEAD = 16, PERIOD = 6, EXTRAPOLATIONS = 8 };

static float confidence(const wr_seeds *s, wr_vid v)
{
    return s->confidence ? s->confidence[v] : 1.0f;
}

/* ---- the iteration, of either kernel ---- */

/* One step on the state behind ctx; keeps the changes in mix unless that is NULL. */
typedef float step_fn(void *ctx, wr_mix *mix);

/* gamma/(1-gamma) times the last change bounds the distance to the fixed point. */
static bool is_done(wr_static_report *rep, const wr_static_opts *o, float change)
{
    rep->steps++;
    rep->bound = o->damping / (1.0 - o->damping) * (double)change;
    rep->is_converged = rep->bound <= o->eps;
    return rep->is_converged || rep->steps >= o->max_step;
}

static wr_status iterate(float *x, wr_static_report *rep, const wr_static_opts *o,
                         wr_mix *mix, step_fn *step, void *ctx, wr_err *err)
{
    for (;;) {
        const uint32_t turn = rep->steps % PERIOD;
        WR_TRY(wr_progress_at(o->pg, "static exposure", rep->steps, 0, err));
        if (is_done(rep, o, step(ctx, turn >= PERIOD - 2 ? mix : NULL)))
            return WR_OK;
        if (turn == PERIOD - 1 && rep->steps <= PERIOD * EXTRAPOLATIONS)
            wr_mix_apply(mix, x, o->damping / (1.0 - o->damping));
    }
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
        const int label = w->s->category[u];
        if (!wr_walk_counts(w, u, v))
            continue;
        const uint32_t mask = wr_walk_pair_mask(w, v, i);
        const double weight = (double)wr_static_weight(factor, p->value[i]);
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

typedef struct plain {
    const wr_walk *w;
    float *x;      /* [n*C] */
    float *buffer; /* [BLOCK*C] */
} plain;

/* What the rows [from, to), vertices of one block, are about to change. */
static void plain_mix(wr_mix *mix, const plain *k, uint32_t from, uint32_t to)
{
    const size_t nc = k->w->s->c;
    for (uint32_t part = from; part < to; part += WR_STATIC_PART) {
        const uint32_t end = to - part < WR_STATIC_PART ? to : part + WR_STATIC_PART;
        wr_mix_part_begin(mix, part / WR_STATIC_PART);
        for (uint32_t v = part; v < end; v++)
            wr_mix_row(mix, part / WR_STATIC_PART, v, k->x + v * nc,
                       k->buffer + (v - from) * nc);
    }
}

/* One step: clear hubs in place (they read no clear hub), then block after block. */
static float plain_step(void *ctx, wr_mix *mix)
{
    const plain *k = ctx;
    const uint32_t n = k->w->s->n, nc = k->w->s->c;
    float change = 0.0f;
    (void)plain_rows(k->x, k->x, k->w, 0, n, true);
    for (uint32_t from = 0; from < n; from += WR_STATIC_BLOCK) {
        const uint32_t to = n - from < WR_STATIC_BLOCK ? n : from + WR_STATIC_BLOCK;
        change = fmaxf(change, plain_rows(k->buffer, k->x, k->w, from, to, false));
        if (mix)
            plain_mix(mix, k, from, to);
        memcpy(k->x + (size_t)from * nc, k->buffer,
               (size_t)(to - from) * nc * sizeof *k->x);
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

static wr_status run_plain(float *x, wr_static_report *rep, const wr_walk *w,
                           const wr_static_opts *o, wr_err *err)
{
    const uint32_t n = w->s->n, nc = w->s->c;
    WR_AUTO_ARRAY float *buffer =
        wr_alloc_big((size_t)WR_STATIC_BLOCK * nc, sizeof *buffer);
    if (!buffer)
        return wr_fail(err, WR_ENOMEM, "static exposure of %" PRIu32 " vertices", n);
    wr_mix mix;
    plain k = {.w = w, .x = x, .buffer = buffer};
    own_labels(x, w->s);
    wr_status st = wr_mix_init(&mix, n, nc, wr_static_parts(n), err);
    if (st == WR_OK)
        st = iterate(x, rep, o, &mix, plain_step, &k, err);
    wr_mix_release(&mix);
    if (st == WR_OK)
        (void)plain_rows(x, x, w, 0, n, true);
    return st;
}

/* ---- the fast kernel: only rows and pairs that can carry, in a compact state ---- */

static void load_labels(float *x, const wr_static_plan *p, const wr_seeds *s)
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

static void store_rows(float *x, const float *state, const wr_static_plan *p,
                       const wr_seeds *s)
{
    const uint32_t n = s->n, nc = s->c;
#pragma omp parallel for default(none) shared(x, state, p, n, nc) schedule(static)
    for (uint32_t v = 0; v < n; v++) {
        float *row = x + (size_t)v * nc;
        const uint32_t next = v + AHEAD < n ? p->slot[v + AHEAD] : WR_VID_NONE;
        if (next != WR_VID_NONE)
            __builtin_prefetch(state + (size_t)next * p->a.ld);
        if (p->slot[v] == WR_VID_NONE)
            memset(row, 0, nc * sizeof(float));
        else
            memcpy(row, state + (size_t)p->slot[v] * p->a.ld, nc * sizeof(float));
    }
}

typedef struct fast {
    const wr_spmm *a;
    float *state, *buffer;
} fast;

static float fast_step(void *ctx, wr_mix *mix)
{
    const fast *k = ctx;
    return wr_spmm_step(k->a, k->state, k->buffer, mix);
}

static wr_status walk_plan(float *x, wr_static_report *rep, const wr_static_plan *p,
                           const wr_walk *w, const wr_static_opts *o, wr_err *err)
{
    const size_t row = p->a.ld;
    WR_AUTO_ARRAY float *state = wr_alloc_big(p->a.slots * row, sizeof *state);
    WR_AUTO_ARRAY float *buffer = wr_alloc_big(p->a.block_max * row, sizeof *buffer);
    if (!state || !buffer)
        return wr_fail(err, WR_ENOMEM, "static exposure of %" PRIu32 " rows", p->a.slots);
    wr_mix mix;
    fast k = {.a = &p->a, .state = state, .buffer = buffer};
    load_labels(state, p, w->s);
    wr_status st = wr_mix_init(&mix, p->a.slots, p->a.ld, wr_static_parts(w->s->n), err);
    if (st == WR_OK)
        st = iterate(state, rep, o, &mix, fast_step, &k, err);
    wr_mix_release(&mix);
    WR_TRY(st);
    wr_spmm_head(&p->a, state);
    store_rows(x, state, p, w->s);
    return WR_OK;
}

static wr_status run_fast(float *x, wr_static_report *rep, const wr_walk *w,
                          const wr_static_opts *o, wr_err *err)
{
    wr_static_plan p = {0};
    wr_status st = wr_static_plan_make(&p, w, err);
    rep->pairs = p.pairs;
    rep->is_relabelled = p.is_relabelled;
    if (st == WR_OK)
        st = walk_plan(x, rep, &p, w, o, err);
    wr_static_plan_release(&p);
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
