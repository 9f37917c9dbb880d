#include "scoring/spmm_mix_int.h"

#include <math.h>
#include <string.h>

#include "util/mem.h"

#define INLINE static inline __attribute__((always_inline))

wr_status wr_mix_init(wr_mix *mix, size_t rows, uint32_t ld, size_t parts, wr_err *err)
{
    *mix = (wr_mix){.rows = rows, .parts = parts, .ld = ld};
    mix->diff = wr_alloc_big(rows * ld, sizeof *mix->diff);
    mix->sum = wr_calloc(parts, sizeof *mix->sum);
    if (!mix->diff || !mix->sum)
        return wr_fail(err, WR_ENOMEM, "extrapolation over %zu rows", rows);
    float *diff = mix->diff;
#pragma omp parallel for default(none) shared(diff, rows, ld) schedule(static)
    for (size_t r = 0; r < rows; r++)
        memset(diff + r * ld, 0, ld * sizeof *diff);
    return WR_OK;
}

void wr_mix_release(wr_mix *mix)
{
    wr_free(mix->diff);
    wr_free(mix->sum);
    *mix = (wr_mix){0};
}

void wr_mix_part_begin(wr_mix *mix, size_t part)
{
    mix->sum[part] = (wr_mix_sum){{0}, {0}, {0}};
}

/* ld is a compile-time constant at the calls that matter. */
INLINE void add_row(wr_mix_sum *sum, float *diff, const float *was, const float *is,
                    const uint32_t ld)
{
    for (uint32_t c = 0; c < ld; c++) {
        const double e = (double)diff[c];
        diff[c] = is[c] - was[c];
        const double d = (double)diff[c];
        sum->dd[c] += d * d;
        sum->de[c] += d * e;
        sum->ee[c] += e * e;
    }
}

void wr_mix_row(wr_mix *mix, size_t part, size_t at, const float *was, const float *is)
{
    wr_mix_sum *sum = &mix->sum[part];
    float *diff = mix->diff + at * mix->ld;
    if (mix->ld == 8)
        add_row(sum, diff, was, is, 8);
    else if (mix->ld == 16)
        add_row(sum, diff, was, is, 16);
    else
        add_row(sum, diff, was, is, mix->ld);
}

/* Per column: the mu that makes |d + mu (d - e)| smallest, within [0, mu_max]. */
static void choose(double *mu, const wr_mix *mix, double mu_max)
{
    for (uint32_t c = 0; c < mix->ld; c++) {
        double dd = 0.0, de = 0.0, ee = 0.0;
        for (size_t p = 0; p < mix->parts; p++) {
            dd += mix->sum[p].dd[c];
            de += mix->sum[p].de[c];
            ee += mix->sum[p].ee[c];
        }
        const double bend = dd - 2.0 * de + ee; /* |d - e|^2, maybe not > 0 as rounded */
        mu[c] = bend > 0.0 ? fmin(fmax((de - dd) / bend, 0.0), mu_max) : 0.0;
    }
}

INLINE void move_row(float *x, const float *diff, const double *mu, const uint32_t ld)
{
    float to[WR_MIX_LD_MAX];
    double total = 0.0;
    for (uint32_t c = 0; c < ld; c++) {
        const float v = (float)((double)x[c] + mu[c] * (double)diff[c]);
        to[c] = v < 0.0f ? 0.0f : v;
    }
    for (uint32_t c = 0; c < ld; c++)
        total += (double)to[c];
    if (total <= 1.0)
        memcpy(x, to, ld * sizeof *x);
}

void wr_mix_apply(const wr_mix *mix, float *x, double mu_max)
{
    const size_t rows = mix->rows;
    const uint32_t ld = mix->ld;
    const float *diff = mix->diff;
    double mu[WR_MIX_LD_MAX];
    choose(mu, mix, mu_max);
#pragma omp parallel for default(none) shared(x, diff, rows, ld, mu) schedule(static)
    for (size_t r = 0; r < rows; r++) {
        if (ld == 8)
            move_row(x + r * 8, diff + r * 8, mu, 8);
        else if (ld == 16)
            move_row(x + r * 16, diff + r * 16, mu, 16);
        else
            move_row(x + r * ld, diff + r * ld, mu, ld);
    }
}
