#include "scoring/calibrate.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "scoring/numbers_int.h"
#include "util/mem.h"

enum { NEWTON_STEPS_MAX = 100, HALVES_MAX = 33 };

/* Platt's Newton: its ridge and the gradient it stops at. */
static const double RIDGE = 1e-12;
static const double GRADIENT_MAX = 1e-9; /* per row */

/* Rows with one margin, and later rows that were pooled. */
typedef struct block {
    double first, last; /* margins */
    double rows, bad;
} block;

typedef struct point {
    double margin;
    bool is_bad;
} point;

/* Everything Platt looks at: targets of the two kinds, rows. */
typedef struct platt {
    const double *margin;
    const bool *is_bad;
    size_t n;
    double target_bad, target_good;
} platt;

static double clamp(double p, uint64_t rows)
{
    const double edge = 0.5 / (double)rows;
    return fmin(fmax(p, edge), 1.0 - edge);
}

/* log(1 + e^z) without overflow. */
static double soft_plus(double z)
{
    return z > 0.0 ? z + log1p(exp(-z)) : log1p(exp(z));
}

static double logistic(double z)
{
    if (z >= 0.0)
        return 1.0 / (1.0 + exp(-z));
    const double e = exp(z);
    return e / (1.0 + e);
}

static double loss(const platt *f, double slope, double intercept)
{
    double sum = 0.0;
    for (size_t i = 0; i < f->n; i++) {
        const double z = slope * f->margin[i] + intercept;
        const double target = f->is_bad[i] ? f->target_bad : f->target_good;
        sum += soft_plus(z) - target * z;
    }
    return sum;
}

/* Newton with halved steps; convex, so a step that lowers the loss exists. */
static wr_status fit_platt(wr_calibration *c, const platt *f, wr_err *err)
{
    double now = loss(f, c->slope, c->intercept);
    for (int step = 0; step < NEWTON_STEPS_MAX; step++) {
        double h11 = RIDGE, h22 = RIDGE, h21 = 0.0, g1 = 0.0, g2 = 0.0;
        for (size_t i = 0; i < f->n; i++) {
            const double m = f->margin[i];
            const double p = logistic(c->slope * m + c->intercept);
            const double d = p - (f->is_bad[i] ? f->target_bad : f->target_good);
            const double w = p * (1.0 - p);
            h11 += m * m * w;
            h21 += m * w;
            h22 += w;
            g1 += m * d;
            g2 += d;
        }
        if (fmax(fabs(g1), fabs(g2)) <= GRADIENT_MAX * (double)f->n)
            return WR_OK;
        const double det = h11 * h22 - h21 * h21;
        const double da = -(h22 * g1 - h21 * g2) / det;
        const double db = -(h11 * g2 - h21 * g1) / det;
        const double fall = g1 * da + g2 * db;
        int halves = 0;
        for (; halves < HALVES_MAX; halves++) {
            const double t = ldexp(1.0, -halves);
            const double next = loss(f, c->slope + t * da, c->intercept + t * db);
            if (next < now + 1e-4 * t * fall) {
                c->slope += t * da;
                c->intercept += t * db;
                now = next;
                break;
            }
        }
        if (halves == HALVES_MAX) /* as low as doubles can tell */
            return WR_OK;
    }
    return wr_fail(err, WR_ENOCONV, "calibration of %zu rows after %d steps", f->n,
                   NEWTON_STEPS_MAX);
}

/* Margins are scaled for the Newton: a margin of 1e6 must not spoil its matrix. */
static wr_status platt_of(wr_calibration *c, const double *margin, const bool *is_bad,
                          size_t n, wr_err *err)
{
    const double bad = (double)c->bad;
    const double good = (double)n - bad;
    double scale = 0.0;
    WR_AUTO_ARRAY double *scaled = wr_calloc(n, sizeof *scaled);
    if (!scaled)
        return wr_fail(err, WR_ENOMEM, "calibration of %zu rows", n);
    for (size_t i = 0; i < n; i++)
        scale = fmax(scale, fabs(margin[i]));
    scale = scale > 0.0 ? scale : 1.0;
    for (size_t i = 0; i < n; i++)
        scaled[i] = margin[i] / scale;
    const platt f = {scaled, is_bad, n, (bad + 1.0) / (bad + 2.0), 1.0 / (good + 2.0)};
    const double share = (bad * f.target_bad + good * f.target_good) / (double)n;
    const double constant = log(share / (1.0 - share));
    c->intercept = constant;
    WR_TRY(fit_platt(c, &f, err));
    c->slope /= scale;
    if (!(c->slope > 0.0)) {
        c->slope = 0.0;
        c->intercept = constant;
    }
    return WR_OK;
}

static int by_margin(const void *pa, const void *pb)
{
    const point *a = pa;
    const point *b = pb;
    return (a->margin > b->margin) - (a->margin < b->margin);
}

/* a/b > c/d of positive counts: exact, as long as a row count fits 26 bits; else near. */
static bool is_above(const block *left, const block *right)
{
    return left->bad * right->rows > right->bad * left->rows;
}

/* Blocks of equal or pooled margins; b [n]. */
static size_t pool(block *b, const point *pt, size_t n)
{
    size_t top = 0;
    for (size_t i = 0, j; i < n; i = j) {
        block here = {pt[i].margin, pt[i].margin, 0.0, 0.0};
        for (j = i; j < n && pt[j].margin == pt[i].margin; j++) {
            here.rows += 1.0;
            here.bad += pt[j].is_bad;
        }
        while (top > 0 && !is_above(&here, &b[top - 1])) {
            here.first = b[top - 1].first;
            here.rows += b[top - 1].rows;
            here.bad += b[top - 1].bad;
            top--;
        }
        b[top++] = here;
    }
    return top;
}

static wr_status isotonic_of(wr_calibration *c, const double *margin, const bool *is_bad,
                             size_t n, wr_err *err)
{
    WR_AUTO_ARRAY point *pt = wr_calloc(n, sizeof *pt);
    WR_AUTO_ARRAY block *b = wr_calloc(n, sizeof *b);
    if (!pt || !b)
        return wr_fail(err, WR_ENOMEM, "calibration of %zu rows", n);
    for (size_t i = 0; i < n; i++)
        pt[i] = (point){margin[i], is_bad[i]};
    qsort(pt, n, sizeof *pt, by_margin);
    const size_t blocks = pool(b, pt, n);
    size_t knots = 0;
    for (size_t i = 0; i < blocks; i++)
        knots += b[i].first < b[i].last ? 2 : 1;
    if (knots > WR_CALIBRATION_KNOTS_MAX)
        return wr_fail(err, WR_ELIMIT, "calibration of %zu knots, over %d", knots,
                       WR_CALIBRATION_KNOTS_MAX);
    WR_AUTO_ARRAY double *at = wr_calloc(knots, sizeof *at);
    WR_AUTO_ARRAY double *p = wr_calloc(knots, sizeof *p);
    if (!at || !p)
        return wr_fail(err, WR_ENOMEM, "calibration of %zu knots", knots);
    for (size_t i = 0, k = 0; i < blocks; i++) {
        const double share = clamp(b[i].bad / b[i].rows, n);
        at[k] = b[i].first;
        p[k++] = share;
        if (b[i].first < b[i].last) {
            at[k] = b[i].last;
            p[k++] = share;
        }
    }
    c->knots = (uint32_t)knots;
    c->at = WR_STEAL(at);
    c->p = WR_STEAL(p);
    return WR_OK;
}

wr_status wr_calibration_fit(wr_calibration *out, const double *margin,
                             const bool *is_bad, size_t n, const wr_calibration_opts *o,
                             wr_err *err)
{
    wr_calibration c = {.rows = n};
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(margin[i]))
            return wr_fail(err, WR_EINVAL, "margin %g of row %zu", margin[i], i);
        c.bad += is_bad[i];
    }
    if (c.bad == 0 || c.bad == n)
        return wr_fail(err, WR_EINVAL, "%" PRIu64 " bad and %" PRIu64 " good rows", c.bad,
                       n - c.bad);
    if (c.bad >= o->isotonic_from_bad) {
        c.kind = WR_CALIBRATION_ISOTONIC;
        WR_TRY(isotonic_of(&c, margin, is_bad, n, err));
    } else
        WR_TRY(platt_of(&c, margin, is_bad, n, err));
    *out = c;
    return WR_OK;
}

void wr_calibration_release(wr_calibration *c)
{
    wr_free(c->at);
    wr_free(c->p);
    *c = (wr_calibration){.kind = WR_CALIBRATION_PLATT};
}

static double interpolate(const wr_calibration *c, double margin)
{
    uint32_t lo = 0; /* at[lo] <= margin < at[hi] */
    uint32_t hi = c->knots - 1;
    if (margin <= c->at[lo])
        return c->p[lo];
    if (margin >= c->at[hi])
        return c->p[hi];
    while (hi - lo > 1) {
        const uint32_t mid = lo + (hi - lo) / 2;
        if (c->at[mid] <= margin)
            lo = mid;
        else
            hi = mid;
    }
    /* half of each: the distance of two margins may be above what a double holds */
    const double part = (margin / 2 - c->at[lo] / 2) / (c->at[hi] / 2 - c->at[lo] / 2);
    const double p = c->p[lo] + part * (c->p[hi] - c->p[lo]);
    return fmin(fmax(p, c->p[lo]), c->p[hi]);
}

double wr_calibration_apply(const wr_calibration *c, double margin)
{
    if (c->kind == WR_CALIBRATION_ISOTONIC)
        return interpolate(c, margin);
    /* 0 · infinity: a flat rule says the same everywhere */
    const double z = c->slope > 0.0 ? c->slope * margin : 0.0;
    return clamp(logistic(z + c->intercept), c->rows);
}

void wr_calibration_print(wr_buf *b, const wr_calibration *c)
{
    if (c->kind == WR_CALIBRATION_PLATT) {
        wr_buf_addf(b, "calibration 1 platt %" PRIu64 " %" PRIu64 " %a %a\n", c->rows,
                    c->bad, c->slope, c->intercept);
        return;
    }
    wr_buf_addf(b, "calibration 1 isotonic %" PRIu64 " %" PRIu64 " %" PRIu32 "\n",
                c->rows, c->bad, c->knots);
    for (uint32_t i = 0; i < c->knots; i++)
        wr_buf_addf(b, "%a %a\n", c->at[i], c->p[i]);
}

static wr_status parse_knots(wr_calibration *c, wr_numbers *w, wr_err *err)
{
    const uint64_t knots = wr_numbers_u64(w);
    if (!w->is_bad && (knots == 0 || knots > WR_CALIBRATION_KNOTS_MAX))
        return wr_fail(err, WR_ELIMIT, "calibration: %" PRIu64 " knots outside 1..%d",
                       knots, WR_CALIBRATION_KNOTS_MAX);
    c->knots = (uint32_t)knots;
    c->at = wr_calloc(knots, sizeof *c->at);
    c->p = wr_calloc(knots, sizeof *c->p);
    if (!c->at || !c->p)
        return wr_fail(err, WR_ENOMEM, "calibration of %" PRIu64 " knots", knots);
    for (uint32_t i = 0; i < c->knots && !w->is_bad; i++) {
        c->at[i] = wr_numbers_f64(w);
        c->p[i] = wr_numbers_f64(w);
        if (!w->is_bad &&
            (!(c->p[i] > 0.0 && c->p[i] < 1.0) ||
             (i > 0 && !(c->at[i] > c->at[i - 1] && c->p[i] >= c->p[i - 1]))))
            return wr_fail(err, WR_EPARSE, "calibration: knot %" PRIu32 " out of order",
                           i + 1);
    }
    return WR_OK;
}

static wr_status parse(wr_calibration *c, const char *text, wr_err *err)
{
    wr_numbers w = {.p = text};
    if (!wr_numbers_word(&w, "calibration") || !wr_numbers_word(&w, "1"))
        return wr_fail(err, WR_EPARSE, "not 'calibration 1'");
    const bool is_platt = wr_numbers_word(&w, "platt");
    if (!is_platt && !wr_numbers_word(&w, "isotonic"))
        return wr_fail(err, WR_EPARSE, "calibration: neither 'platt' nor 'isotonic'");
    c->kind = is_platt ? WR_CALIBRATION_PLATT : WR_CALIBRATION_ISOTONIC;
    c->rows = wr_numbers_u64(&w);
    c->bad = wr_numbers_u64(&w);
    if (is_platt) {
        c->slope = wr_numbers_f64(&w);
        c->intercept = wr_numbers_f64(&w);
    } else
        WR_TRY(parse_knots(c, &w, err));
    if (w.is_bad)
        return wr_fail(err, WR_EPARSE, "calibration: a number is missing or wrong");
    if (!wr_numbers_at_end(&w))
        return wr_fail(err, WR_EPARSE, "calibration: text behind its end");
    if (c->bad == 0 || c->bad >= c->rows || c->slope < 0.0)
        return wr_fail(err, WR_EPARSE,
                       "calibration: slope %g from %" PRIu64 " bad of %" PRIu64 " rows",
                       c->slope, c->bad, c->rows);
    return WR_OK;
}

wr_status wr_calibration_parse(wr_calibration *out, const char *text, wr_err *err)
{
    wr_calibration c = {.kind = WR_CALIBRATION_PLATT};
    const wr_status s = parse(&c, text, err);
    if (s == WR_OK)
        *out = c;
    else
        wr_calibration_release(&c);
    return s;
}
