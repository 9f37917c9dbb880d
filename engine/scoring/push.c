#include "scoring/push.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "scoring/vid_set_int.h"
#include "scoring/walk_int.h"

typedef struct push {
    wr_walk w;
    const wr_push_opts *o;
    wr_push_result *r;
    wr_vid_set met;
    bool *is_queued; /* [met.count] */
    double *rest;    /* [met.count * C] what is still under way there */
    size_t queued_cap, rest_cap;
    uint32_t *queue; /* [tail]; head is the next to push */
    size_t head, tail, queue_cap;
    double threshold;
    wr_vid start;
} push;

static void push_release(push *p)
{
    wr_vid_set_release(&p->met);
    wr_free(p->is_queued);
    wr_free(p->rest);
    wr_free(p->queue);
}

static wr_status find_or_add(push *p, uint32_t *at, wr_vid v, wr_err *err)
{
    const size_t c = p->w.s->c, count = p->met.count;
    WR_TRY(wr_vid_set_add(at, &p->met, v, err));
    if (*at < count)
        return WR_OK;
    bool *is_queued = wr_grow(p->is_queued, &p->queued_cap, count + 1, sizeof *is_queued);
    if (is_queued)
        p->is_queued = is_queued;
    double *rest = wr_grow(p->rest, &p->rest_cap, (count + 1) * c, sizeof *rest);
    if (rest)
        p->rest = rest;
    if (!is_queued || !rest)
        return wr_fail(err, WR_ENOMEM, "push over %zu vertices", count);
    is_queued[count] = false;
    memset(rest + count * c, 0, c * sizeof *rest);
    return WR_OK;
}

static double largest(const push *p, uint32_t at)
{
    double max = 0.0;
    for (uint32_t c = 0; c < p->w.s->c; c++)
        max = fmax(max, p->rest[(size_t)at * p->w.s->c + c]);
    return max;
}

static wr_status enqueue(push *p, uint32_t at, wr_err *err)
{
    if (p->is_queued[at] || largest(p, at) < p->threshold)
        return WR_OK;
    uint32_t *queue = wr_grow(p->queue, &p->queue_cap, p->tail + 1, sizeof *queue);
    if (!queue)
        return wr_fail(err, WR_ENOMEM, "push queue of %zu", p->tail);
    p->queue = queue;
    p->queue[p->tail++] = at;
    p->is_queued[at] = true;
    return WR_OK;
}

/* The what-if pairs stand in the row of the wallet asked about, and in no other. */
static uint32_t extra_count(const push *p, wr_vid v)
{
    return v == p->start ? p->o->extra_count : 0;
}

/* Length of v's row; v may be WR_VID_NONE, a wallet outside the graph. */
static uint64_t degree(const push *p, wr_vid v)
{
    return (v == WR_VID_NONE ? 0 : wr_views_degree(p->w.rows, v)) + extra_count(p, v);
}

/* weight * mass[c] arrives at u: banked at a label, dropped at a dead end, else kept. */
static wr_status arrive(push *p, wr_vid u, const double *mass, double weight,
                        uint32_t mask, wr_err *err)
{
    const wr_seeds *s = p->w.s;
    const int label = s->category[u];
    if (!mask || !(weight > 0.0))
        return WR_OK;
    if (label >= 0) {
        const double q = s->confidence ? (double)s->confidence[u] : 1.0;
        p->r->low[label] += q * weight * mass[label];
        return WR_OK;
    }
    if (degree(p, u) == 0)
        return WR_OK;
    uint32_t at = 0;
    WR_TRY(find_or_add(p, &at, u, err));
    for (uint32_t c = 0; c < s->c; c++)
        if (mask >> c & 1)
            p->rest[(size_t)at * s->c + c] += weight * mass[c];
    return enqueue(p, at, err);
}

/* As wr_walk_factor, with the what-if pairs in the denominator. */
static double factor_of(const push *p, wr_vid v)
{
    if (!extra_count(p, v))
        return v == WR_VID_NONE ? 0.0 : wr_walk_factor(&p->w, v);
    double total = v == WR_VID_NONE ? 0.0 : wr_walk_total(&p->w, v);
    for (uint32_t i = 0; i < p->o->extra_count; i++)
        if (wr_walk_counts(&p->w, p->o->extra[i].nbr, v))
            total += p->o->extra[i].value;
    return total > 0.0 ? p->o->damping / total : 0.0;
}

/* mass[C] at v goes on along its row. */
static wr_status push_row(push *p, wr_vid v, const double *mass, wr_err *err)
{
    const wr_pairs *r = p->w.rows;
    const double factor = factor_of(p, v);
    if (v != WR_VID_NONE)
        for (uint64_t i = r->off[v]; i < r->off[v + 1ULL]; i++) {
            const wr_vid u = r->nbr[i];
            if (wr_walk_counts(&p->w, u, v))
                WR_TRY(arrive(p, u, mass, factor * (double)r->value[i],
                              wr_walk_pair_mask(&p->w, v, i), err));
        }
    for (uint32_t i = 0; i < extra_count(p, v); i++) {
        const wr_push_pair *e = &p->o->extra[i];
        if (wr_walk_counts(&p->w, e->nbr, v))
            WR_TRY(arrive(p, e->nbr, mass, factor * e->value,
                          wr_walk_mask(&p->w, e->nbr, e->first_s, e->last_s), err));
    }
    p->r->edges += degree(p, v);
    p->r->pushes++;
    return WR_OK;
}

static bool is_affordable(const push *p, wr_vid v)
{
    const uint64_t edges = degree(p, v);
    return edges <= p->o->max_edges && p->r->edges <= p->o->max_edges - edges;
}

/* Everything at or above the threshold, in order of discovery. */
static wr_status drain(push *p, wr_err *err)
{
    p->head = p->tail = 0;
    for (size_t i = 0; i < p->met.count; i++)
        WR_TRY(enqueue(p, (uint32_t)i, err));
    while (p->head < p->tail) {
        const uint32_t at = p->queue[p->head++];
        const wr_vid v = p->met.v[at];
        p->is_queued[at] = false;
        if (!is_affordable(p, v)) {
            p->r->is_truncated = true;
            continue;
        }
        double mass[WR_CATEGORY_MAX];
        double *rest = p->rest + (size_t)at * p->w.s->c;
        memcpy(mass, rest, p->w.s->c * sizeof *mass);
        memset(rest, 0, p->w.s->c * sizeof *rest);
        WR_TRY(push_row(p, v, mass, err));
    }
    return WR_OK;
}

static wr_status run(push *p, wr_err *err)
{
    double one[WR_CATEGORY_MAX];
    for (uint32_t c = 0; c < WR_CATEGORY_MAX; c++)
        one[c] = 1.0;
    if (!is_affordable(p, p->start)) {
        p->r->is_truncated = true;
        memcpy(p->r->high, one, p->r->c * sizeof *one);
        return WR_OK;
    }
    p->threshold = 1.0;
    WR_TRY(push_row(p, p->start, one, err));
    do {
        p->threshold = fmax(p->threshold / 2, p->o->eps);
        p->r->is_truncated = false; /* the last threshold decides */
        WR_TRY(drain(p, err));
    } while (p->threshold > p->o->eps);
    for (uint32_t c = 0; c < p->r->c; c++) {
        double rest = 0.0;
        for (size_t i = 0; i < p->met.count; i++)
            rest += p->rest[i * p->r->c + c];
        p->r->high[c] = fmin(1.0, p->r->low[c] + rest);
    }
    return WR_OK;
}

static wr_status check(const push *p, wr_err *err)
{
    const wr_push_opts *o = p->o;
    const wr_vid v = p->start;
    const uint32_t n = p->w.s->n;
    if (!(o->eps > 0.0 && o->eps < 1.0))
        return wr_fail(err, WR_EINVAL, "eps %g not in (0,1)", o->eps);
    if (v != WR_VID_NONE && v >= n)
        return wr_fail(err, WR_EINVAL, "vertex %" PRIu32 " not below %" PRIu32, v, n);
    for (uint32_t i = 0; i < o->extra_count; i++) {
        if (o->extra[i].nbr >= n)
            return wr_fail(err, WR_EINVAL, "vertex %" PRIu32 " not below %" PRIu32,
                           o->extra[i].nbr, n);
        if (!(o->extra[i].value > 0.0 && isfinite(o->extra[i].value)))
            return wr_fail(err, WR_EINVAL, "value %g not finite and > 0",
                           o->extra[i].value);
    }
    return WR_OK;
}

wr_status wr_push(wr_push_result *out, const wr_views *vw, const wr_seeds *s, wr_vid v,
                  const wr_push_opts *o, wr_err *err)
{
    wr_push_result r = {.c = s->c};
    push p = {.o = o, .r = &r, .start = v};
    WR_TRY(wr_walk_init(&p.w, vw, s, o->direction, o->damping, err));
    p.w.hold_s = o->hold_s;
    p.w.is_known_only = o->is_known_only;
    WR_TRY(check(&p, err));
    if (v != WR_VID_NONE && s->category[v] >= 0 && !o->is_label_seen_past) {
        const int label = s->category[v];
        r.low[label] = s->confidence ? (double)s->confidence[v] : 1.0;
        r.high[label] = r.low[label];
        *out = r;
        return WR_OK;
    }
    wr_status st = run(&p, err);
    push_release(&p);
    if (st == WR_OK)
        *out = r;
    return st;
}
