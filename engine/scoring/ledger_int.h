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

/*
 * States of single (wallet, asset), for who goes on from a run (is_state_kept).  With one
 * asset they are the ledger's own rows; with several, entries in the order in which they
 * were emptied: ascending asset, and by wallet through at.
 */
typedef struct wr_ledger_states {
    uint32_t c;
    bool is_one;    /* one asset at most: entry = vertex, rows of the ledger */
    uint16_t one;   /* is_one: that asset */
    uint32_t count; /* entries; 0 when is_one */
    size_t cap, vid_cap, asset_cap;
    wr_vid *vid;          /* [count] */
    uint16_t *asset;      /* [count] */
    unsigned char *row;   /* [count] rows */
    wr_sparse direct;     /* [count]; zeroed when is_one */
    wr_sparse through;    /* [count], or [n] when is_one */
    uint32_t *first, *at; /* [n+1], [count]: entries of v, ascending asset */
    /* state_tail: wallets of the asset being read (is_one: of the run) that its last
     * transfers move, as they were before those */
    struct wr_ledger_states *early; /* entries in no order; NULL = no tail */
    uint32_t *early_at;             /* [n] entry + 1, 0 = none */
} wr_ledger_states;

/* One of them, borrowed.  direct and through are [C]. */
typedef struct wr_ledger_state {
    const unsigned char *row;
    const double *direct, *through;
    uint16_t asset;
} wr_ledger_state;

bool wr_ledger_state_is_empty(const wr_ledger_state *s, uint32_t c);
/* States of v that are not empty, ascending asset.  Only with l->states. */
uint32_t wr_ledger_state_count(const wr_ledger *l, wr_vid v);
wr_ledger_state wr_ledger_state_at(const wr_ledger *l, wr_vid v, uint32_t k);

wr_status wr_ledger_states_add(wr_ledger_states *t, wr_vid v, const wr_ledger_state *s,
                               wr_err *err) WR_NODISCARD;
/* The state of v as it is now is to be kept instead of the one at the end; once. */
wr_status wr_ledger_states_keep_early(wr_ledger_states *t, wr_vid v,
                                      const wr_ledger_state *s, wr_err *err) WR_NODISCARD;
/* *s becomes the early state of v, which is forgotten, if there is one. */
void wr_ledger_states_take_early(wr_ledger_states *t, wr_vid v, wr_ledger_state *s);
/* All are there: index them by wallet. */
wr_status wr_ledger_states_close(wr_ledger_states *t, uint32_t n,
                                 wr_err *err) WR_NODISCARD;
void wr_ledger_states_free(wr_ledger_states *t);            /* accepts NULL */
uint64_t wr_ledger_states_bytes(const wr_ledger_states *t); /* of NULL 0 */

/* A row to which nothing ever happened is zeros; any other has one of these two. */
static inline bool wr_ledger_row_is_empty(const wr_ledger_row *r)
{
    return r->take->total == 0 && r->pay->overdraft == 0;
}

/*
 * Add one asset's row to the sum over assets.  An empty sum becomes the row itself, so
 * that a wallet of one asset has the same bits beside any others.
 */
void wr_ledger_row_add(const wr_ledger_row *sum, const wr_ledger_row *now, uint32_t c);

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
    /* several assets: what the earlier ones left, NULL and zeros with one */
    unsigned char *sum;
    wr_sparse direct_sum;
    uint16_t asset;           /* the one being read */
    wr_ledger_states *states; /* NULL: not kept */
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
