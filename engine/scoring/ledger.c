#include "scoring/ledger.h"

#include <assert.h>
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
 * Move the state of v in one asset to its sums.  Both ends of every transfer come by,
 * often more than once: the second time the row is empty.
 */
static wr_status fold(void *ctx, wr_vid v, wr_err *err)
{
    wr_ledger_run_ctx *x = ctx;
    unsigned lanes = wr_ledger_lanes(x->c);
    wr_ledger_row now = wr_ledger_row_of(x->row, v, lanes);
    unsigned char *row = (unsigned char *)now.pay;
    double *direct = x->direct.row + (size_t)x->direct.at[v] * x->c;
    double *through = x->through.row + (size_t)x->through.at[v] * x->c;
    const bool is_empty = wr_ledger_row_is_empty(&now);
    if (x->states) {
        wr_ledger_state s = {row, direct, through, x->asset};
        wr_ledger_states_take_early(x->states, v, &s);
        if (!is_empty && !wr_ledger_state_is_empty(&s, x->c))
            WR_TRY(wr_ledger_states_add(x->states, v, &s, err));
    }
    if (is_empty)
        return WR_OK;
    wr_ledger_row sum = wr_ledger_row_of(x->sum, v, lanes);
    wr_ledger_row_add(&sum, &now, x->c);
    memset(row, 0, wr_ledger_row_bytes(lanes));
    memset(through, 0, x->c * sizeof *through);
    if (!x->direct.at[v])
        return WR_OK;
    double *direct_sum;
    WR_TRY(wr_sparse_row(&direct_sum, &x->direct_sum, v, err));
    for (uint32_t c = 0; c < x->c; c++)
        direct_sum[c] += direct[c];
    memset(direct, 0, x->c * sizeof *direct);
    return WR_OK;
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
    wr_sparse_release(&x->direct_sum);
    wr_sparse_release(&x->through);
    wr_ledger_states_free(x->states);
}

static wr_status init_states(wr_ledger_run_ctx *x, wr_err *err)
{
    const wr_columns *col = &x->s->fl->col;
    x->states = wr_calloc(1, sizeof *x->states);
    if (!x->states)
        return wr_fail(err, WR_ENOMEM, "states");
    x->states->c = x->c;
    x->states->is_one = x->s->asset_count == 1;
    x->states->one = col->asset && col->m ? col->asset[0] : 0;
    if (!x->o->state_tail)
        return WR_OK;
    x->states->early = wr_calloc(1, sizeof *x->states->early);
    x->states->early_at = wr_calloc(x->s->fl->n, sizeof *x->states->early_at);
    if (!x->states->early || !x->states->early_at)
        return wr_fail(err, WR_ENOMEM, "states");
    x->states->early->c = x->c;
    return WR_OK;
}

static wr_status keep_early(wr_ledger_run_ctx *x, wr_vid v, wr_err *err)
{
    const wr_ledger_row now = wr_ledger_row_of(x->row, v, wr_ledger_lanes(x->c));
    const wr_ledger_state s = {
        (const unsigned char *)now.pay, wr_sparse_get(&x->direct, v),
        wr_sparse_get(&x->through, v), x->states->is_one ? x->states->one : x->asset};
    return wr_ledger_states_keep_early(x->states, v, &s, err);
}

/* The tail of a list begins: who it moves is kept as he is. */
static wr_status pause_for_tail(void *ctx, const uint32_t *order, uint64_t first,
                                uint64_t end, wr_err *err)
{
    wr_ledger_run_ctx *x = ctx;
    const wr_columns *col = &x->s->fl->col;
    for (uint64_t i = first; i < end; i++) {
        const uint64_t at = order ? order[i] : i;
        WR_TRY(keep_early(x, col->from[at], err));
        WR_TRY(keep_early(x, col->to[at], err));
    }
    return WR_OK;
}

/* The sums take the place of the last asset's rows. */
static void put_sums_in_place(wr_ledger_run_ctx *x)
{
    wr_free(x->row);
    x->row = WR_STEAL(x->sum);
    wr_sparse_release(&x->direct);
    x->direct = x->direct_sum;
    x->direct_sum = (wr_sparse){0};
}

static wr_status run(wr_ledger_run_ctx *x, wr_err *err)
{
    uint32_t n = x->s->fl->n;
    size_t row_bytes = wr_ledger_row_bytes(wr_ledger_lanes(x->c));
    bool is_split = x->s->asset_count > 1;
    x->row = alloc_zeroed(n, row_bytes);
    if (is_split)
        x->sum = alloc_zeroed(n, row_bytes);
    if (!x->row || (is_split && !x->sum))
        return wr_fail(err, WR_ENOMEM, "ledger of %u wallets, %u categories", n, x->c);
    WR_TRY(wr_sparse_init(&x->direct, n, x->c, err));
    WR_TRY(wr_sparse_init(&x->through, n, x->c, err));
    if (is_split)
        WR_TRY(wr_sparse_init(&x->direct_sum, n, x->c, err));
    if (x->o->is_state_kept)
        WR_TRY(init_states(x, err));
    if (x->o->mark)
        memset(x->o->mark, 0, x->s->fl->col.m * sizeof *x->o->mark);
    if (x->o->phi)
        memset(x->o->phi, 0, x->s->fl->col.m * x->c * sizeof *x->o->phi);
    wr_stream_use use = {
        .ctx = x,
        .block = x->o->is_plain ? wr_ledger_plain_block : wr_ledger_fast_block,
        .fold = fold,
        .pause = x->states && x->states->early ? pause_for_tail : NULL,
        .pause_at =
            x->s->fl->col.m > x->o->state_tail ? x->s->fl->col.m - x->o->state_tail : 0,
        .asset = &x->asset,
        .phase = x->o->direction == WR_SENDING ? "ledger, sending" : "ledger, receiving",
        .pg = x->o->pg};
    WR_TRY(wr_stream_run(x->s, &use, err));
    if (is_split)
        put_sums_in_place(x);
    if (!x->states)
        return WR_OK;
    if (!is_split) {
        x->states->through = x->through;
        x->through = (wr_sparse){0};
    }
    return wr_ledger_states_close(x->states, n, err);
}

wr_status wr_ledger_run(wr_ledger *out, const wr_flow *fl, const wr_ledger_opts *o,
                        wr_err *err)
{
    assert(!o->state_tail || o->direction == WR_RECEIVING);
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
                   .direct_count = x.direct.count,
                   .states = WR_STEAL(x.states)};
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
    wr_ledger_states_free(l->states);
    *l = (wr_ledger){0};
}

uint64_t wr_ledger_bytes(const wr_ledger *l)
{
    return wr_block_bytes(l->row) + wr_block_bytes(l->direct_at) +
           wr_block_bytes(l->direct) + wr_ledger_states_bytes(l->states);
}

uint32_t wr_ledger_room(uint32_t c)
{
    return wr_ledger_lanes(c);
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
