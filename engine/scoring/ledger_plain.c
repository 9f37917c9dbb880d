#include "scoring/ledger_int.h"

/* What moves with one transfer. */
typedef struct moved {
    double phi[WR_CATEGORY_MAX];   /* category's money */
    double hops[WR_CATEGORY_MAX];  /* mean hops it will have made on arrival */
    uint8_t near[WR_CATEGORY_MAX]; /* 255 - fewest hops, 0 = none */
    double
        direct[WR_CATEGORY_MAX]; /* of it (services: beside it) straight from a label */
    double unknown;
} moved;

static void inject(moved *p, wr_ledger_run_ctx *x, const wr_stream_item *e, int c)
{
    double amount = wr_stream_confidence(x->s, e->u) * e->a;
    p->direct[c] = amount;
    if (wr_stream_is_service(x->s, c) || amount == 0)
        return;
    p->phi[c] = amount;
    p->hops[c] = wr_stream_is_hub(x->s, e->v) ? 0 : 1;
    p->near[c] = (uint8_t)(255 - p->hops[c]);
    x->injected[c] += amount;
}

static void haircut(moved *p, wr_ledger_run_ctx *x, const wr_stream_item *e)
{
    unsigned lanes = wr_ledger_lanes(x->c);
    wr_ledger_row u = wr_ledger_row_of(x->row, e->u, lanes);
    double balance = u.pay->balance;
    bool is_all = e->a >= balance;
    double f = is_all ? 1 : e->a / balance;
    double stays = is_all ? 0 : (balance - e->a) / balance;
    double missing = is_all ? e->a - balance : 0;
    unsigned hop = wr_stream_is_hub(x->s, e->v) ? 0 : 1;

    for (uint32_t c = 0; c < x->c; c++) {
        p->phi[c] = f * u.tau[c];
        u.tau[c] = stays * u.tau[c];
        p->hops[c] = (double)u.held_hops[c] + hop;
        p->near[c] = u.held_near[c];
        if (u.held_near[c] > 1)
            p->near[c] = (uint8_t)(u.held_near[c] - hop);
        if (is_all) {
            u.held_near[c] = 0;
            u.held_hops[c] = 0;
        }
    }
    p->unknown = f * u.pay->held_unknown + missing;
    x->injected_unknown += missing;
    u.pay->held_unknown = stays * u.pay->held_unknown;
    u.pay->overdraft += missing;
    u.pay->balance = is_all ? 0 : balance - e->a;
    if (!x->through.at[e->u])
        return;
    double *through = x->through.row + (size_t)x->through.at[e->u] * x->c;
    for (uint32_t c = 0; c < x->c; c++) {
        p->direct[c] = f * through[c];
        through[c] = stays * through[c];
    }
}

static void arrive(const moved *p, wr_ledger_run_ctx *x, const wr_stream_item *e)
{
    wr_ledger_row v = wr_ledger_row_of(x->row, e->v, wr_ledger_lanes(x->c));
    bool is_stop = wr_stream_label(x->s, e->v, e->t) >= 0;
    v.take->total += e->a;
    v.take->received_unknown += p->unknown;
    v.pay->balance += is_stop ? 0 : e->a;
    v.pay->held_unknown += is_stop ? 0 : p->unknown;
    x->absorbed_unknown += is_stop ? p->unknown : 0;
    for (uint32_t c = 0; c < x->c; c++) {
        v.got[c] += p->phi[c];
        v.mean_hops[c] = wr_ledger_mix(v.mean_hops[c], v.got[c], p->phi[c], p->hops[c]);
        if (p->near[c] > v.near[c])
            v.near[c] = p->near[c];
        if (is_stop) {
            x->absorbed[c] += p->phi[c];
            continue;
        }
        v.tau[c] += p->phi[c];
        v.held_hops[c] = wr_ledger_mix(v.held_hops[c], v.tau[c], p->phi[c], p->hops[c]);
        if (p->near[c] > v.held_near[c])
            v.held_near[c] = p->near[c];
    }
}

static wr_status arrive_direct(const moved *p, wr_ledger_run_ctx *x,
                               const wr_stream_item *e, wr_err *err)
{
    wr_ledger_row v = wr_ledger_row_of(x->row, e->v, wr_ledger_lanes(x->c));
    bool is_stop = wr_stream_label(x->s, e->v, e->t) >= 0;
    for (uint32_t c = 0; c < x->c; c++) {
        double *row;
        if (p->direct[c] == 0)
            continue;
        WR_TRY(wr_sparse_row(&row, &x->direct, e->v, err));
        row[c] += p->direct[c];
        if (wr_stream_is_service(x->s, (int)c)) {
            v.got[c] += p->direct[c];
            v.mean_hops[c] = 1;
            v.near[c] = 254;
        }
        if (is_stop || !wr_stream_is_hub(x->s, e->v))
            continue;
        WR_TRY(wr_sparse_row(&row, &x->through, e->v, err));
        row[c] += p->direct[c];
    }
    return WR_OK;
}

static void report(const moved *p, wr_ledger_run_ctx *x, const wr_stream_item *e)
{
    unsigned lanes = wr_ledger_lanes(x->c);
    wr_ledger_row v = wr_ledger_row_of(x->row, e->v, lanes);
    double sum = wr_ledger_lane_sum(p->phi, lanes);
    float share = (float)(sum / e->a);
    if (share > v.take->max_share) {
        v.take->max_share = share;
        v.take->max_at = e->at + 1;
    }
    if (x->o->mark)
        x->o->mark[e->at] = wr_ledger_mark_of(p->phi, sum, e->a, x->c);
    if (x->o->phi)
        for (uint32_t c = 0; c < x->c; c++)
            x->o->phi[(uint64_t)e->at * x->c + c] = p->phi[c];
}

wr_status wr_ledger_plain_block(void *ctx, const wr_stream_block *b, wr_err *err)
{
    wr_ledger_run_ctx *x = ctx;
    for (size_t i = 0; i < b->count; i++) {
        const wr_stream_item *e = &b->item[i];
        moved p = {0};
        int label = wr_stream_label(x->s, e->u, e->t);
        if (label >= 0)
            inject(&p, x, e, label);
        else
            haircut(&p, x, e);
        arrive(&p, x, e);
        WR_TRY(arrive_direct(&p, x, e, err));
        report(&p, x, e);
    }
    return WR_OK;
}
