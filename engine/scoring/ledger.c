#include "scoring/ledger.h"

#include <string.h>

#include "scoring/ledger_int.h"

/* Levels are the upper bits of a double: 11 of the exponent, 3 of the mantissa. */
enum { LEVEL_SHIFT = 49, LEVEL_ONE = 1023 << 3 /* of 1.0 */ };

double wr_ledger_level_share(uint8_t level)
{
    if (!level)
        return 0;
    uint64_t bits = (uint64_t)(LEVEL_ONE - 255 + level) << LEVEL_SHIFT;
    double share;
    memcpy(&share, &bits, sizeof share);
    return share;
}

wr_ledger_mark wr_ledger_mark_of(const double *phi, double sum, double a, uint32_t c)
{
    if (!(sum > 0))
        return (wr_ledger_mark){0};
    uint32_t best = 0;
    for (uint32_t k = 1; k < c; k++)
        if (phi[k] > phi[best])
            best = k;
    double share = sum / a;
    uint64_t bits;
    memcpy(&bits, &share, sizeof bits);
    int64_t up = (int64_t)((bits + (1ULL << LEVEL_SHIFT) - 1) >> LEVEL_SHIFT);
    int64_t level = up - LEVEL_ONE + 255;
    if (level > 255)
        level = 255; /* a share of 1 and its rounding */
    return (wr_ledger_mark){(uint8_t)best, (uint8_t)(level < 1 ? 1 : level)};
}

/*
 * Move what v holds of one asset to its sums.  Both ends of every transfer come by, often
 * more than once: the second time the balance is gone, and with it everything else.
 */
static wr_status fold(void *ctx, wr_vid v, wr_err *err)
{
    (void)err;
    wr_ledger_run_ctx *x = ctx;
    unsigned lanes = wr_ledger_lanes(x->c);
    wr_ledger_row now = wr_ledger_row_of(x->row, v, lanes);
    if (now.pay->balance == 0)
        return WR_OK;
    wr_ledger_row sum =
        wr_ledger_row_at(x->sum + (size_t)v * wr_ledger_sum_bytes(lanes), lanes);
    sum.pay->balance += now.pay->balance;
    sum.pay->held_unknown += now.pay->held_unknown;
    now.pay->balance = 0;
    now.pay->held_unknown = 0;
    for (uint32_t c = 0; c < x->c; c++) {
        sum.tau[c] += now.tau[c];
        sum.held_hops[c] = wr_ledger_mix(sum.held_hops[c], sum.tau[c], now.tau[c],
                                         (double)now.held_hops[c]);
        now.tau[c] = 0;
        now.held_hops[c] = 0;
        now.held_near[c] = 0;
    }
    if (x->through.at[v])
        memset(x->through.row + (size_t)x->through.at[v] * x->c, 0,
               x->c * sizeof(double));
    return WR_OK;
}

static void put_sums_back(wr_ledger_run_ctx *x, uint32_t n)
{
    unsigned lanes = wr_ledger_lanes(x->c);
    for (uint32_t v = 0; v < n; v++) {
        wr_ledger_row now = wr_ledger_row_of(x->row, v, lanes);
        wr_ledger_row sum =
            wr_ledger_row_at(x->sum + (size_t)v * wr_ledger_sum_bytes(lanes), lanes);
        now.pay->balance = sum.pay->balance;
        now.pay->held_unknown = sum.pay->held_unknown;
        memcpy(now.tau, sum.tau, lanes * sizeof *now.tau);
        memcpy(now.held_hops, sum.held_hops, lanes * sizeof *now.held_hops);
    }
}

static void *alloc_zeroed(size_t count, size_t size)
{
    void *p = wr_alloc_big(count, size);
    if (p)
        memset(p, 0, count * size);
    return p;
}

static void release_ctx(wr_ledger_run_ctx *x)
{
    wr_free(x->row);
    wr_free(x->sum);
    wr_sparse_release(&x->direct);
    wr_sparse_release(&x->through);
}

static wr_status run(wr_ledger_run_ctx *x, wr_err *err)
{
    uint32_t n = x->s->fl->n;
    unsigned lanes = wr_ledger_lanes(x->c);
    x->row = alloc_zeroed(n, wr_ledger_row_bytes(lanes));
    if (x->s->asset_count > 1)
        x->sum = alloc_zeroed(n, wr_ledger_sum_bytes(lanes));
    if (!x->row || (x->s->asset_count > 1 && !x->sum))
        return wr_fail(err, WR_ENOMEM, "ledger of %u wallets, %u categories", n, x->c);
    WR_TRY(wr_sparse_init(&x->direct, n, x->c, err));
    WR_TRY(wr_sparse_init(&x->through, n, x->c, err));
    if (x->o->mark)
        memset(x->o->mark, 0, x->s->fl->col.m * sizeof *x->o->mark);
    if (x->o->phi)
        memset(x->o->phi, 0, x->s->fl->col.m * x->c * sizeof *x->o->phi);
    wr_stream_use use = {
        .ctx = x,
        .block = x->o->is_plain ? wr_ledger_plain_block : wr_ledger_fast_block,
        .fold = fold,
        .phase = x->o->direction == WR_SENDING ? "ledger, sending" : "ledger, receiving",
        .pg = x->o->pg};
    WR_TRY(wr_stream_run(x->s, &use, err));
    if (x->sum)
        put_sums_back(x, n);
    return WR_OK;
}

wr_status wr_ledger_run(wr_ledger *out, const wr_flow *fl, const wr_ledger_opts *o,
                        wr_err *err)
{
    WR_STREAM_AUTO wr_stream s = {0};
    WR_TRY(wr_stream_init(&s, fl, o->direction, true, err));
    __attribute__((cleanup(release_ctx)))
    wr_ledger_run_ctx x = {.s = &s, .o = o, .c = fl->seeds->c};
    WR_TRY(run(&x, err));
    wr_ledger l = {.n = fl->n,
                   .c = x.c,
                   .direction = o->direction,
                   .injected_unknown = x.injected_unknown,
                   .absorbed_unknown = x.absorbed_unknown,
                   .row = WR_STEAL(x.row),
                   .row_bytes = wr_ledger_row_bytes(wr_ledger_lanes(x.c)),
                   .direct_at = WR_STEAL(x.direct.at),
                   .direct = WR_STEAL(x.direct.row),
                   .direct_count = x.direct.count};
    memcpy(l.injected, x.injected, sizeof l.injected);
    memcpy(l.absorbed, x.absorbed, sizeof l.absorbed);
    *out = l;
    return WR_OK;
}

void wr_ledger_release(wr_ledger *l)
{
    wr_free(l->row);
    wr_free(l->direct_at);
    wr_free(l->direct);
    *l = (wr_ledger){0};
}

wr_ledger_view wr_ledger_at(const wr_ledger *l, wr_vid v)
{
    unsigned lanes = wr_ledger_lanes(l->c);
    wr_ledger_row r = wr_ledger_row_of(l->row, v, lanes);
    wr_ledger_view w = {.total = r.take->total,
                        .balance = r.pay->balance,
                        .overdraft = r.pay->overdraft,
                        .received_unknown = r.take->received_unknown,
                        .held_unknown = r.pay->held_unknown,
                        .received = r.got,
                        .direct = l->direct + (size_t)l->direct_at[v] * l->c,
                        .taint = r.tau,
                        .mean_hops = r.mean_hops,
                        .held_hops = r.held_hops,
                        .max_share = r.take->max_share,
                        .max_at = r.take->max_at - 1}; /* 0 wraps to UINT32_MAX */
    for (uint32_t c = 0; c < l->c; c++)
        w.min_hops[c] = (uint8_t)(r.near[c] ? 255 - r.near[c] : 0);
    return w;
}
