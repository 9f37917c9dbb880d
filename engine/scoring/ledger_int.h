/*
 * ledger_int.h - the ledger's state in memory, and what its two kernels share.
 *
 * A wallet is one row; L = 8 or 16 lanes, C <= L, lanes from C on stay zero.  For L = 8
 * each part is one cache line, so that a payer costs two lines and a payee four:
 *
 *     pay     balance, held_unknown, overdraft | held_near[L] u8 | held_hops[L] float
 *     taint   tau[L] double
 *     got     received[L] double
 *     take    total, received_unknown, max_share, max_at | near[L] u8 | mean_hops[L]
 * float
 *
 * near = 255 - hops (0 = nothing there), so that a zeroed row is an empty wallet.
 */
#ifndef WR_SCORING_LEDGER_INT_H
#define WR_SCORING_LEDGER_INT_H

#include <float.h>

#include "scoring/ledger.h"
#include "scoring/sparse_int.h"
#include "scoring/stream_int.h"

typedef struct wr_ledger_pay {
    double balance, held_unknown, overdraft;
    uint8_t lane[]; /* held_near[L], then held_hops[L] */
} wr_ledger_pay;

typedef struct wr_ledger_take {
    double total, received_unknown;
    float max_share;
    uint32_t max_at; /* position + 1, 0 = none */
    uint8_t lane[];  /* near[L], then mean_hops[L] */
} wr_ledger_take;

static inline unsigned wr_ledger_lanes(uint32_t c)
{
    return c <= 8 ? 8 : 16;
}

/* Bytes of pay and of take, in whole cache lines. */
static inline size_t wr_ledger_part_bytes(unsigned lanes)
{
    return (24 + 5 * (size_t)lanes + 63) / 64 * 64;
}

static inline size_t wr_ledger_row_bytes(unsigned lanes)
{
    return 2 * wr_ledger_part_bytes(lanes) + 16 * (size_t)lanes;
}

/* Where the parts of one row are. */
typedef struct wr_ledger_row {
    wr_ledger_pay *pay;
    uint8_t *held_near; /* [L] */
    float *held_hops;   /* [L] */
    double *tau;        /* [L] */
    double *got;        /* [L] */
    wr_ledger_take *take;
    uint8_t *near;    /* [L] */
    float *mean_hops; /* [L] */
} wr_ledger_row;

/* A sum row (several assets) has only the first two parts. */
static inline size_t wr_ledger_sum_bytes(unsigned lanes)
{
    return wr_ledger_part_bytes(lanes) + 8 * (size_t)lanes;
}

static inline wr_ledger_row wr_ledger_row_at(unsigned char *p, unsigned lanes)
{
    unsigned char *tau = p + wr_ledger_part_bytes(lanes);
    unsigned char *got = tau + 8 * (size_t)lanes;
    wr_ledger_pay *pay = (void *)p;
    wr_ledger_take *take = (void *)(got + 8 * (size_t)lanes);
    return (wr_ledger_row){.pay = pay,
                           .held_near = pay->lane,
                           .held_hops = (void *)(pay->lane + lanes),
                           .tau = (void *)tau,
                           .got = (void *)got,
                           .take = take,
                           .near = take->lane,
                           .mean_hops = (void *)(take->lane + lanes)};
}

static inline wr_ledger_row wr_ledger_row_of(unsigned char *rows, wr_vid v,
                                             unsigned lanes)
{
    return wr_ledger_row_at(rows + (size_t)v * wr_ledger_row_bytes(lanes), lanes);
}

/* One run of either kernel. */
typedef struct wr_ledger_run_ctx {
    const wr_stream *s;
    const wr_ledger_opts *o;
    uint32_t c;
    unsigned char *row;
    wr_sparse direct;  /* [C] what came straight from a label, cumulative */
    wr_sparse through; /* [C] hubs only: the part of the balance that did */
    double injected[WR_CATEGORY_MAX], absorbed[WR_CATEGORY_MAX];
    double injected_unknown, absorbed_unknown;
    unsigned char *sum; /* several assets: what earlier ones left, NULL with one */
} wr_ledger_run_ctx;

wr_status wr_ledger_plain_block(void *ctx, const wr_stream_block *b,
                                wr_err *err) WR_NODISCARD;
wr_status wr_ledger_fast_block(void *ctx, const wr_stream_block *b,
                               wr_err *err) WR_NODISCARD;

/* Sum of L values in the one order that both kernels use: halves, then halves of those.
 */
static inline double wr_ledger_lane_sum(const double *x, unsigned lanes)
{
    double y[WR_CATEGORY_MAX / 2];
    unsigned h = lanes / 2;
    for (unsigned k = 0; k < h; k++)
        y[k] = x[k] + x[k + h];
    for (h /= 2; h > 0; h /= 2)
        for (unsigned k = 0; k < h; k++)
            y[k] += y[k + h];
    return y[0];
}

/* Mean of `weight` at `mean` and `more` at `at`; weight is the sum afterwards. */
static inline float wr_ledger_mix(float mean, double weight, double more, double at)
{
    double w = more / (weight > DBL_MIN ? weight : DBL_MIN);
    return (float)((double)mean + (at - (double)mean) * w);
}

wr_ledger_mark wr_ledger_mark_of(const double *phi, double sum, double a, uint32_t c);

#endif
