#include "scoring/fifo.h"

#include <math.h>

#include "scoring/fifo_int.h"
#include "scoring/sparse_int.h"
#include "scoring/stream_int.h"

typedef struct fifo {
    const wr_stream *s;
    uint32_t c, n;
    wr_runs runs;
    wr_sparse row; /* received[C], held[C] */
    wr_fifo out;   /* what is being filled; the rows come last */
} fifo;

static bool is_category(const fifo *x, uint32_t tag)
{
    return tag < x->c;
}

static uint32_t tag_known(const fifo *x)
{
    return x->c;
}

static uint32_t tag_unknown(const fifo *x)
{
    return x->c + 1;
}

/* `value` of one tag arrives at v. */
static wr_status arrive(fifo *x, wr_vid v, bool is_stop, wr_run_item r, wr_err *err)
{
    if (r.tag == tag_unknown(x))
        x->out.received_unknown[v] += r.value;
    if (is_category(x, r.tag)) {
        double *row;
        WR_TRY(wr_sparse_row(&row, &x->row, v, err));
        row[r.tag] += r.value;
        if (is_stop)
            x->out.absorbed[r.tag] += r.value;
    }
    if (is_stop)
        return WR_OK;
    bool is_merged = false;
    WR_TRY(wr_runs_push(&is_merged, &x->runs, v, r, err));
    uint64_t *word = &x->out.merged_bits[v / 64], bit = 1ULL << (v % 64);
    if (is_merged && !(*word & bit)) {
        *word |= bit;
        x->out.merged++;
    }
    return WR_OK;
}

static wr_status pay_from_label(fifo *x, const wr_stream_item *e, int label, bool is_stop,
                                wr_err *err)
{
    double sure =
        wr_stream_is_service(x->s, label) ? 0 : wr_stream_confidence(x->s, e->u) * e->a;
    if (sure > 0) {
        x->out.injected[label] += sure;
        WR_TRY(arrive(x, e->v, is_stop, (wr_run_item){sure, (uint32_t)label}, err));
    }
    if (e->a > sure)
        WR_TRY(arrive(x, e->v, is_stop, (wr_run_item){e->a - sure, tag_known(x)}, err));
    return WR_OK;
}

static wr_status pay_from_queue(fifo *x, const wr_stream_item *e, bool is_stop,
                                wr_err *err)
{
    double crumb = e->a * 0x1p-51; /* what rounding may leave: no run of its own */
    double need = e->a;
    wr_run_item r;
    while (need > crumb && wr_runs_pop(&r, &x->runs, e->u, need, crumb)) {
        need -= r.value;
        WR_TRY(arrive(x, e->v, is_stop, r, err));
    }
    if (need > crumb)
        WR_TRY(arrive(x, e->v, is_stop, (wr_run_item){need, tag_unknown(x)}, err));
    return WR_OK;
}

static wr_status on_block(void *ctx, const wr_stream_block *b, wr_err *err)
{
    fifo *x = ctx;
    for (size_t i = 0; i < b->count; i++) {
        const wr_stream_item *e = &b->item[i];
        if (i + 8 < b->count + b->ahead) {
            wr_runs_ask(&x->runs, b->item[i + 8].u);
            wr_runs_ask(&x->runs, b->item[i + 8].v);
        }
        int label = wr_stream_label(x->s, e->u, e->t);
        bool is_stop = wr_stream_label(x->s, e->v, e->t) >= 0;
        x->out.total[e->v] += e->a;
        if (label >= 0)
            WR_TRY(pay_from_label(x, e, label, is_stop, err));
        else
            WR_TRY(pay_from_queue(x, e, is_stop, err));
    }
    return WR_OK;
}

/* What v holds, from the queue into the sums; the queue is empty afterwards. */
static wr_status fold(void *ctx, wr_vid v, wr_err *err)
{
    fifo *x = ctx;
    wr_run_item r;
    while (wr_runs_pop(&r, &x->runs, v, HUGE_VAL, 0)) {
        x->out.balance[v] += r.value;
        if (r.tag == tag_unknown(x))
            x->out.held_unknown[v] += r.value;
        if (!is_category(x, r.tag))
            continue;
        double *row;
        WR_TRY(wr_sparse_row(&row, &x->row, v, err));
        row[x->c + r.tag] += r.value;
    }
    return WR_OK;
}

static wr_status run(fifo *x, const wr_fifo_opts *o, wr_err *err)
{
    uint32_t n = x->n;
    wr_fifo *f = &x->out;
    f->total = wr_calloc(n, sizeof *f->total);
    f->balance = wr_calloc(n, sizeof *f->balance);
    f->received_unknown = wr_calloc(n, sizeof *f->received_unknown);
    f->held_unknown = wr_calloc(n, sizeof *f->held_unknown);
    f->merged_bits = wr_calloc(n / 64 + 1, sizeof *f->merged_bits);
    if (!f->total || !f->balance || !f->received_unknown || !f->held_unknown ||
        !f->merged_bits)
        return wr_fail(err, WR_ENOMEM, "fifo of %u wallets", n);
    WR_TRY(wr_sparse_init(&x->row, n, 2 * x->c, err));
    WR_TRY(wr_runs_init(&x->runs, n, o->cap, x->c + 2, err));
    wr_stream_use use = {
        .ctx = x, .block = on_block, .fold = fold, .phase = "fifo", .pg = o->pg};
    WR_TRY(wr_stream_run(x->s, &use, err));
    for (wr_vid v = 0; v < n; v++)
        WR_TRY(fold(x, v, err));
    return WR_OK;
}

static void release_run(fifo *x)
{
    wr_runs_release(&x->runs);
    wr_sparse_release(&x->row);
    wr_fifo_release(&x->out);
}

wr_status wr_fifo_run(wr_fifo *out, const wr_flow *fl, const wr_fifo_opts *o, wr_err *err)
{
    if (o->cap < WR_FIFO_CAP_MIN || o->cap > WR_FIFO_CAP_MAX)
        return wr_fail(err, WR_EINVAL, "cap %u, wanted %d..%d", o->cap, WR_FIFO_CAP_MIN,
                       WR_FIFO_CAP_MAX);
    WR_STREAM_AUTO wr_stream s = {0};
    WR_TRY(wr_stream_init(&s, fl, o->direction, true, err));
    __attribute__((cleanup(release_run)))
    fifo x = {.s = &s,
              .c = fl->seeds->c,
              .n = fl->n,
              .out = {.n = fl->n, .c = fl->seeds->c, .direction = o->direction}};
    WR_TRY(run(&x, o, err));
    x.out.row_at = WR_STEAL(x.row.at);
    x.out.row = WR_STEAL(x.row.row);
    *out = x.out;
    x.out = (wr_fifo){0};
    return WR_OK;
}

void wr_fifo_release(wr_fifo *f)
{
    wr_free(f->total);
    wr_free(f->balance);
    wr_free(f->received_unknown);
    wr_free(f->held_unknown);
    wr_free(f->merged_bits);
    wr_free(f->row_at);
    wr_free(f->row);
    *f = (wr_fifo){0};
}

uint64_t wr_fifo_bytes(const wr_fifo *f)
{
    return wr_block_bytes(f->total) + wr_block_bytes(f->balance) +
           wr_block_bytes(f->received_unknown) + wr_block_bytes(f->held_unknown) +
           wr_block_bytes(f->merged_bits) + wr_block_bytes(f->row_at) +
           wr_block_bytes(f->row);
}

wr_fifo_view wr_fifo_at(const wr_fifo *f, wr_vid v)
{
    const double *row = f->row + (size_t)f->row_at[v] * 2 * f->c;
    return (wr_fifo_view){.total = f->total[v],
                          .balance = f->balance[v],
                          .received_unknown = f->received_unknown[v],
                          .held_unknown = f->held_unknown[v],
                          .received = row,
                          .held = row + f->c,
                          .is_merged = (f->merged_bits[v / 64] >> (v % 64)) & 1};
}
