/*
 * The ledger for speed: lanes known to the compiler, both rows asked for long before they
 * are needed, labels and hubs on a side path.  Same arithmetic in the same
 * order as ledger_plain.c, hence the same bits; test_ledger holds both to that.
 */
#include "scoring/ledger_int.h"

#define INLINE static inline __attribute__((always_inline))

/* gcc -O3 would unroll a lane loop into scalar code before it can vectorise it: 48 ns a
 * transfer for 29, in cache. */
#ifdef __clang__
#    define KEEP_ROLLED
#else
#    define KEEP_ROLLED _Pragma("GCC unroll 1")
#endif

/* One build for every x86-64, wider vectors where the machine has them: elementwise
 * operations without contraction, so both give the same bits. */
#if defined(__x86_64__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#    define CLONES __attribute__((target_clones("avx2", "default")))
#else
#    define CLONES
#endif

typedef struct moved {
    double phi[WR_CATEGORY_MAX], hops[WR_CATEGORY_MAX];
    uint8_t near[WR_CATEGORY_MAX];
    double unknown;
} moved;

INLINE void haircut(moved *restrict p, wr_ledger_run_ctx *x, const wr_stream_item *e,
                    unsigned hop, unsigned lanes)
{
    wr_ledger_row u = wr_ledger_row_of(x->row, e->u, lanes);
    double balance = u.pay->balance, a = e->a;
    bool is_all = a >= balance;
    double inverse_of = is_all ? 1 : balance;
    double f = (is_all ? 1 : a) / inverse_of;
    double stays = (is_all ? 0 : balance - a) / inverse_of;
    double missing = is_all ? a - balance : 0;
    float keep = is_all ? 0 : 1;
    uint8_t keep_bits = is_all ? 0 : 255;
    double *restrict tau = u.tau;
    float *restrict hops = u.held_hops;
    uint8_t *restrict near = u.held_near;

    KEEP_ROLLED
    for (unsigned k = 0; k < lanes; k++) {
        double t = tau[k];
        p->phi[k] = f * t;
        tau[k] = stays * t;
    }
    KEEP_ROLLED
    for (unsigned k = 0; k < lanes; k++) {
        p->hops[k] = (double)hops[k] + hop;
        hops[k] *= keep;
    }
    KEEP_ROLLED
    for (unsigned k = 0; k < lanes; k++) {
        uint8_t h = near[k];
        p->near[k] = (uint8_t)(h - (h > 1 ? hop : 0));
        near[k] = (uint8_t)(h & keep_bits);
    }
    p->unknown = f * u.pay->held_unknown + missing;
    x->injected_unknown += missing;
    u.pay->held_unknown = stays * u.pay->held_unknown;
    u.pay->overdraft += missing;
    u.pay->balance = is_all ? 0 : balance - a;
}

/* received += phi, mean hops follow; one of the two pairs of a payee's row. */
INLINE void add_mixed(double *restrict sum, float *restrict mean, uint8_t *restrict near,
                      const moved *restrict p, unsigned lanes)
{
    KEEP_ROLLED
    for (unsigned k = 0; k < lanes; k++) {
        double s = sum[k] + p->phi[k];
        double m = (double)mean[k];
        double w = p->phi[k] / (s > DBL_MIN ? s : DBL_MIN);
        sum[k] = s;
        mean[k] = (float)(m + (p->hops[k] - m) * w);
    }
    KEEP_ROLLED
    for (unsigned k = 0; k < lanes; k++)
        near[k] = p->near[k] > near[k] ? p->near[k] : near[k];
}

INLINE void arrive(const moved *restrict p, wr_ledger_run_ctx *x, const wr_stream_item *e,
                   bool is_stop, unsigned lanes)
{
    wr_ledger_row v = wr_ledger_row_of(x->row, e->v, lanes);
    v.take->total += e->a;
    v.take->received_unknown += p->unknown;
    add_mixed(v.got, v.mean_hops, v.near, p, lanes);
    if (is_stop) {
        x->absorbed_unknown += p->unknown;
        KEEP_ROLLED
        for (unsigned k = 0; k < lanes; k++)
            x->absorbed[k] += p->phi[k];
    } else {
        v.pay->balance += e->a;
        v.pay->held_unknown += p->unknown;
        add_mixed(v.tau, v.held_hops, v.held_near, p, lanes);
    }
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

/* Money straight from a label: to the side table, to a hub's share of it, and (services,
 * which are not in phi) to what v received. */
static wr_status arrive_direct(wr_ledger_run_ctx *x, const wr_stream_item *e, uint32_t c,
                               double amount, wr_err *err)
{
    double *row;
    if (amount == 0)
        return WR_OK;
    WR_TRY(wr_sparse_row(&row, &x->direct, e->v, err));
    row[c] += amount;
    if (wr_stream_is_service(x->s, (int)c)) {
        wr_ledger_row v = wr_ledger_row_of(x->row, e->v, wr_ledger_lanes(x->c));
        v.got[c] += amount;
        v.mean_hops[c] = 1;
        v.near[c] = 254;
    }
    if (!wr_stream_is_hub(x->s, e->v) || wr_stream_label(x->s, e->v, e->t) >= 0)
        return WR_OK;
    WR_TRY(wr_sparse_row(&row, &x->through, e->v, err));
    row[c] += amount;
    return WR_OK;
}

static wr_status pay_from_label(wr_ledger_run_ctx *x, const wr_stream_item *e, int label,
                                moved *p, wr_err *err)
{
    uint32_t c = (uint32_t)label;
    double amount = wr_stream_confidence(x->s, e->u) * e->a;
    if (!wr_stream_is_service(x->s, label) && amount > 0) {
        bool is_hub = wr_stream_is_hub(x->s, e->v);
        p->phi[c] = amount;
        p->hops[c] = is_hub ? 0 : 1;
        p->near[c] = is_hub ? 255 : 254;
        x->injected[c] += amount;
    }
    return arrive_direct(x, e, c, amount, err);
}

/* A hub pays: of what came straight from labels the same part f goes on. */
static wr_status pay_through_hub(wr_ledger_run_ctx *x, const wr_stream_item *e,
                                 wr_err *err)
{
    double balance = wr_ledger_row_of(x->row, e->u, wr_ledger_lanes(x->c)).pay->balance;
    bool is_all = e->a >= balance;
    double f = is_all ? 1 : e->a / balance;
    double stays = is_all ? 0 : (balance - e->a) / balance;
    for (uint32_t c = 0; c < x->c; c++) {
        double *held = x->through.row + (size_t)x->through.at[e->u] * x->c + c;
        double goes = f * *held;
        *held = stays * *held;
        WR_TRY(arrive_direct(x, e, c, goes, err));
    }
    return WR_OK;
}

INLINE wr_status step(wr_ledger_run_ctx *x, const wr_stream_item *e, unsigned lanes,
                      wr_err *err)
{
    unsigned ku = x->s->kind[e->u], kv = x->s->kind[e->v];
    bool is_stop = kv && wr_stream_label(x->s, e->v, e->t) >= 0;
    int label = ku ? wr_stream_label(x->s, e->u, e->t) : WR_SEED_NONE;
    moved p;
    if (label >= 0) {
        p = (moved){0};
        WR_TRY(pay_from_label(x, e, label, &p, err));
    } else {
        if ((ku & WR_KIND_HUB) && x->through.at[e->u])
            WR_TRY(pay_through_hub(x, e, err));
        haircut(&p, x, e, kv & WR_KIND_HUB ? 0 : 1, lanes);
    }
    arrive(&p, x, e, is_stop, lanes);
    return WR_OK;
}

INLINE void ask_for(const wr_ledger_run_ctx *x, const wr_stream_item *e, unsigned lanes)
{
    size_t bytes = wr_ledger_row_bytes(lanes), line = 64;
    const unsigned char *u = x->row + (size_t)e->u * bytes;
    const unsigned char *v = x->row + (size_t)e->v * bytes;
    size_t pays = wr_ledger_part_bytes(lanes) + 8 * (size_t)lanes;
    for (size_t at = 0; at < pays; at += line)
        __builtin_prefetch(u + at, 1, 2);
    for (size_t at = 0; at < bytes; at += line)
        __builtin_prefetch(v + at, 1, 2);
}

INLINE wr_status block(wr_ledger_run_ctx *x, const wr_stream_block *b, unsigned lanes,
                       wr_err *err)
{
    size_t have = b->count + b->ahead;
    for (size_t i = 0; i < b->count; i++) {
        if (i + WR_STREAM_AHEAD < have)
            ask_for(x, &b->item[i + WR_STREAM_AHEAD], lanes);
        WR_TRY(step(x, &b->item[i], lanes, err));
    }
    return WR_OK;
}

CLONES wr_status wr_ledger_fast_block(void *ctx, const wr_stream_block *b, wr_err *err)
{
    wr_ledger_run_ctx *x = ctx;
    return wr_ledger_lanes(x->c) == 8 ? block(x, b, 8, err) : block(x, b, 16, err);
}
