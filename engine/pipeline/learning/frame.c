#include "pipeline/learning/frame.h"

#include <string.h>

#include "pipeline/learning/frame_int.h"

/*
 * ROWS      wallets of one call of the sink at most
 * ONE_HOP   groups of base columns in a row of aggregates: direction and statistic
 * TWO_HOP   columns behind them
 */
enum {
    ROWS = 8192,
    ONE_HOP = 2 * WR_STAT_COUNT,
    TWO_HOP = (WR_HOP_COUNT - WR_HOP_IN_IN) * WR_FEATURE_BASE_TWO_HOP
};

/* What is kept of every wallet between the worlds and the rows. */
typedef struct frame {
    wr_frame_past past;
    const uint16_t *column; /* [columns] own ones that labels have a part in */
    uint32_t columns;
    float *kept; /* [n*columns] them, from the wallet's world */
    /*
     * [n*base_ld] what neighbours are told of.  One base column hears of labels, receipts
     * from services: the first `service_worlds` worlds each have theirs.
     */
    float *base;
    uint32_t base_ld, service_worlds;
    uint64_t *paid_bits; /* paid by a service with a fold; NULL: none has one */
    wr_features *rest;   /* the other columns, in any world */
    wr_frame_motifs motifs;
    wr_vid *wallet; /* [n] those to be looked at in the world at hand */
    float *x;       /* [rows of a block * wr_frame_columns()] */
    wr_frame_sink *sink;
    void *ctx;
} frame;

static void release(frame *f)
{
    wr_features_free(f->rest);
    wr_frame_motifs_release(&f->motifs);
    wr_frame_past_release(&f->past);
    wr_free(f->kept);
    wr_free(f->base);
    wr_free(f->paid_bits);
    wr_free(f->wallet);
    wr_free(f->x);
}

/* ---- what comes in ---- */

static wr_status check(const wr_frame_input *in, wr_err *err)
{
    const uint32_t n = wr_snapshot_n(in->g);
    if (in->seeds->n != n)
        return wr_fail(err, WR_EINVAL, "labels of %u wallets for a graph of %u",
                       in->seeds->n, n);
    if (in->folds > WR_FRAME_FOLDS_MAX)
        return wr_fail(err, WR_EINVAL, "%u folds, at most %d", in->folds,
                       WR_FRAME_FOLDS_MAX);
    if (in->given && (in->folds || in->as_of_s != UINT32_MAX))
        return wr_fail(
            err, WR_EINVAL,
            "exposures are given, which are those of the end and without folds");
    for (uint32_t v = 0; in->fold_of && v < n; v++)
        if (in->fold_of[v] != WR_FRAME_FOLD_NONE && in->fold_of[v] >= in->folds)
            return wr_fail(err, WR_EINVAL, "wallet %u: fold %u of %u", v, in->fold_of[v],
                           in->folds);
    return WR_OK;
}

/* ---- services that some worlds do without ---- */

static bool is_folded_service(const wr_frame_past *p, wr_vid v)
{
    const int c = p->all.category[v];
    return c >= 0 && p->all.kind[c] == WR_CATEGORY_SERVICE &&
           p->in->fold_of[v] != WR_FRAME_FOLD_NONE;
}

static bool is_paid(const frame *f, wr_vid v)
{
    return f->paid_bits && ((f->paid_bits[v / 64] >> (v % 64)) & 1);
}

static wr_status find_paid(frame *f, wr_err *err)
{
    const wr_frame_past *p = &f->past;
    uint32_t folded = 0;
    for (wr_vid v = 0; p->worlds > 1 && v < p->n; v++)
        folded += is_folded_service(p, v);
    if (!folded)
        return WR_OK;
    f->service_worlds = p->worlds;
    f->paid_bits = wr_calloc(p->n / 64 + 1, sizeof *f->paid_bits);
    if (!f->paid_bits)
        return wr_fail(err, WR_ENOMEM, "wallets that %u services paid", folded);
    for (wr_vid u = 0; u < p->n; u++)
        for (uint64_t i = p->vw.out.off[u];
             i < p->vw.out.off[u + 1ULL] && is_folded_service(p, u); i++)
            f->paid_bits[p->vw.out.nbr[i] / 64] |= 1ULL << (p->vw.out.nbr[i] % 64);
    return WR_OK;
}

/* The base column of receipts from services; the others hear of no label. */
static uint32_t service_column(void)
{
    uint32_t k = WR_FEATURE_BASE_TWO_HOP;
    while (wr_feature_base()[k] != WR_WF_IN_SERVICE)
        k++;
    return k;
}

/* Where it stands in f->base for that world: the first in its place, others behind. */
static uint32_t service_slot(const frame *f, uint32_t world)
{
    return world && f->service_worlds > 1 ? WR_FEATURE_BASE + world - 1
                                          : service_column();
}

/* ---- world by world ---- */

static void keep(frame *f, uint32_t world, wr_vid v, const float *row)
{
    const uint32_t service = service_column();
    float *base = f->base + (size_t)v * f->base_ld;
    float now[WR_FEATURE_BASE];
    wr_feature_base_row(now, row);
    for (uint32_t w = 0; w < f->service_worlds; w++)
        if (w == world || !is_paid(f, v))
            base[service_slot(f, w)] = now[service];
    if (wr_frame_world_of(&f->past, v) != world)
        return;
    for (uint32_t k = 0; k < WR_FEATURE_BASE; k++)
        if (k != service)
            base[k] = now[k];
    for (uint32_t k = 0; k < f->columns; k++)
        f->kept[(size_t)v * f->columns + k] = row[f->column[k]];
}

/* Its own wallets, and those of which it has something of its own to tell neighbours. */
static uint32_t list_wallets(frame *f, uint32_t world)
{
    uint32_t count = 0;
    for (wr_vid v = 0; v < f->past.n; v++)
        if (wr_frame_world_of(&f->past, v) == world || is_paid(f, v))
            f->wallet[count++] = v;
    return count;
}

static wr_status read_world(frame *f, const wr_features *features,
                            const wr_feature_exposures *ex, uint32_t world, wr_err *err)
{
    const uint32_t count = list_wallets(f, world);
    for (uint32_t first = 0; first < count; first += ROWS) {
        const uint32_t rows = count - first < ROWS ? count - first : ROWS;
        const wr_vid *wallet = f->wallet + first;
        const float *x = f->x;
        WR_TRY(wr_progress_at(f->past.in->pg, "features", first, count, err));
        WR_TRY(wr_features_rows_of(f->x, WR_WF_COUNT, features, wallet, rows, ex, err));
#pragma omp parallel for default(none) shared(f, world, wallet, rows, x) schedule(static)
        for (uint32_t k = 0; k < rows; k++)
            keep(f, world, wallet[k], x + (size_t)k * WR_WF_COUNT);
    }
    return WR_OK;
}

static wr_status run_world(frame *f, uint32_t world, wr_err *err)
{
    const wr_frame_input *in = f->past.in;
    wr_features_opts o = WR_FEATURES_OPTS_INIT;
    o.as_of_s = f->past.as_of_s;
    o.mixer = in->mixer;
    o.bridge = in->bridge;
    o.dex = in->dex;
    o.pg = in->pg;
    WR_AUTO(wr_features) features = NULL;
    WR_FRAME_EXPOSURES_AUTO wr_frame_exposures x = {0};
    wr_frame_enter(&f->past, world);
    WR_TRY(wr_features_new(&features, &f->past.fl, &f->past.vw, &o, err));
    if (!in->given)
        WR_TRY(wr_frame_exposures_run(&x, &f->past, err));
    WR_TRY(wr_frame_motifs_run(&f->motifs, &f->past, world, err));
    WR_TRY(read_world(f, features, in->given ? in->given : &x.view, world, err));
    if (world + 1 == f->past.worlds)
        f->rest = WR_STEAL(features);
    return WR_OK;
}

/* ---- block by block ---- */

/* in: aggregates of the columns of f->base; out: as a wallet of that world hears them. */
static void put_neighbours(float *out, const frame *f, const float *in, uint32_t world)
{
    for (int k = 0; k < ONE_HOP; k++) {
        memcpy(out, in, WR_FEATURE_BASE * sizeof *out);
        out[service_column()] = in[service_slot(f, world)];
        out += WR_FEATURE_BASE;
        in += f->base_ld;
    }
    memcpy(out, in, TWO_HOP * sizeof *out);
}

static void put_row(float *row, const frame *f, wr_vid v, const float *neighbours)
{
    for (uint32_t k = 0; k < f->columns; k++)
        row[f->column[k]] = f->kept[(size_t)v * f->columns + k];
    put_neighbours(row + WR_WF_COUNT, f, neighbours, wr_frame_world_of(&f->past, v));
}

static wr_status put_block(void *ctx, uint32_t first, uint32_t rows, const float *block,
                           wr_err *err)
{
    const frame *f = ctx;
    const size_t ld = wr_frame_columns();
    const size_t block_ld = (size_t)ONE_HOP * f->base_ld + TWO_HOP;
    const wr_feature_exposures hits = {.motifs = f->motifs.view};
    float *x = f->x;
    for (uint32_t at = 0; at < rows; at += ROWS) {
        const uint32_t count = rows - at < ROWS ? rows - at : ROWS;
        WR_TRY(wr_features_rows(x, ld, f->rest, first + at, count, &hits, err));
#pragma omp parallel for default(none) shared(x, f, first, at, count, block, ld) \
    firstprivate(block_ld) schedule(static)
        for (uint32_t k = 0; k < count; k++)
            put_row(x + k * ld, f, first + at + k, block + (at + k) * block_ld);
        WR_TRY(f->sink(f->ctx, first + at, count, x, err));
    }
    return WR_OK;
}

static wr_status run_blocks(frame *f, wr_err *err)
{
    wr_aggregate_opts o = WR_AGGREGATE_OPTS_INIT;
    o.seeds = &f->past.all;
    o.as_of_s = f->past.as_of_s;
    WR_AUTO(wr_aggregate) a = NULL;
    WR_TRY(wr_aggregate_new(&a, &f->past.vw, &o, err));
    const wr_aggregate_input in = {.x = f->base,
                                   .ld = f->base_ld,
                                   .columns = f->base_ld,
                                   .two_hop = WR_FEATURE_BASE_TWO_HOP,
                                   .pg = f->past.in->pg};
    return wr_aggregate_run(a, &in, put_block, f, err);
}

/* ---- */

static wr_status allocate(frame *f, wr_err *err)
{
    const size_t n = f->past.n, rows = n < ROWS ? n : ROWS;
    f->column = wr_frame_of_labels(&f->columns);
    f->base_ld = WR_FEATURE_BASE + f->service_worlds - 1;
    f->kept = wr_alloc_big(n * f->columns, sizeof *f->kept);
    f->base = wr_alloc_big(n * f->base_ld, sizeof *f->base);
    f->wallet = wr_alloc_big(n, sizeof *f->wallet);
    f->x = wr_alloc_big(rows * wr_frame_columns(), sizeof *f->x);
    return f->kept && f->base && f->wallet && f->x
               ? WR_OK
               : wr_fail(err, WR_ENOMEM, "frame of %zu wallets", n);
}

static wr_status run(frame *f, const wr_frame_input *in, wr_err *err)
{
    WR_TRY(wr_frame_past_init(&f->past, in, err));
    WR_TRY(find_paid(f, err));
    WR_TRY(allocate(f, err));
    WR_TRY(wr_frame_motifs_init(&f->motifs, &f->past, f->service_worlds == 1, err));
    for (uint32_t w = 0; w < f->past.worlds; w++)
        WR_TRY(run_world(f, w, err));
    return run_blocks(f, err);
}

wr_status wr_frame_run(const wr_frame_input *in, wr_frame_sink *sink, void *ctx,
                       wr_err *err)
{
    WR_TRY(check(in, err));
    frame f = {.service_worlds = 1, .sink = sink, .ctx = ctx};
    const wr_status st = run(&f, in, err);
    release(&f);
    return st;
}
