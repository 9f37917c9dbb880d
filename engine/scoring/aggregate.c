#include "scoring/aggregate_int.h"

#include <assert.h>

#define BLOCK_BYTES (32u << 20)
enum { BLOCK_ROWS = 65536 };

struct wr_aggregate {
    wr_links in, out;
};

static const struct {
    const char *name;
    bool is_outer_in, is_inner_in; /* two hops: outer(inner b) */
} HOP[WR_HOP_COUNT] = {
    [WR_HOP_IN] = {"in", true, false},
    [WR_HOP_OUT] = {"out", false, false},
    [WR_HOP_IN_IN] = {"in_in", true, true},
    [WR_HOP_OUT_OUT] = {"out_out", false, false},
    [WR_HOP_IN_OUT] = {"in_out", true, false},
    [WR_HOP_OUT_IN] = {"out_in", false, true},
};

static const char *const STAT[WR_STAT_COUNT] = {"mean", "max", "std"};

const char *wr_aggregate_hop_name(wr_aggregate_hop h)
{
    assert(h < WR_HOP_COUNT);
    return HOP[h].name;
}

const char *wr_aggregate_stat_name(wr_aggregate_stat s)
{
    assert(s < WR_STAT_COUNT);
    return STAT[s];
}

uint32_t wr_aggregate_columns(const wr_aggregate_input *in)
{
    return 2 * WR_STAT_COUNT * in->columns + (WR_HOP_COUNT - WR_HOP_IN_IN) * in->two_hop;
}

wr_aggregate_part wr_aggregate_part_at(const wr_aggregate_input *in, uint32_t at)
{
    assert(at < wr_aggregate_columns(in));
    const uint32_t one = WR_STAT_COUNT * in->columns;
    if (at < 2 * one)
        return (wr_aggregate_part){.hop = at / one ? WR_HOP_OUT : WR_HOP_IN,
                                   .stat = (wr_aggregate_stat)(at % one / in->columns),
                                   .column = at % in->columns};
    at -= 2 * one;
    return (wr_aggregate_part){.hop = (wr_aggregate_hop)(WR_HOP_IN_IN + at / in->two_hop),
                               .stat = WR_STAT_MEAN,
                               .column = at % in->two_hop};
}

/* ---- operators ---- */

wr_status wr_aggregate_new(wr_aggregate **out, const wr_views *vw,
                           const wr_aggregate_opts *o, wr_err *err)
{
    if (!o->sample || o->sample > o->hub_min)
        return wr_fail(err, WR_EINVAL, "a sample of %u from rows of more than %u",
                       o->sample, o->hub_min);
    if (o->seeds && o->seeds->n != vw->out.n)
        return wr_fail(err, WR_EINVAL, "labels of %u wallets for a graph of %u",
                       o->seeds->n, vw->out.n);
    uint64_t *left_out WR_AUTO_ARRAY = NULL;
    if (o->seeds && !(left_out = wr_links_services(o->seeds, o->as_of_s)))
        return wr_fail(err, WR_ENOMEM, "services");
    WR_AUTO(wr_aggregate) a = wr_calloc(1, sizeof *a);
    if (!a)
        return wr_fail(err, WR_ENOMEM, "neighbourhood");
    wr_links_opts lo = {.before_s = o->as_of_s,
                        .left_out = left_out,
                        .hub_min = o->hub_min,
                        .sample = o->sample,
                        .seed = o->seed};
    WR_TRY(wr_links_init(&a->in, &vw->in, &lo, err));
    lo.is_out = true;
    WR_TRY(wr_links_init(&a->out, &vw->out, &lo, err));
    *out = WR_STEAL(a);
    return WR_OK;
}

void wr_aggregate_free(wr_aggregate *a)
{
    if (!a)
        return;
    wr_links_release(&a->in);
    wr_links_release(&a->out);
    wr_free(a);
}

uint64_t wr_aggregate_thinned(const wr_aggregate *a)
{
    return a->in.thinned + a->out.thinned;
}

/* ---- run ---- */

static uint32_t block_rows(uint32_t n, uint32_t columns)
{
    const uint32_t fit = BLOCK_BYTES / sizeof(float) / columns;
    const uint32_t rows = fit < 1 ? 1 : fit > BLOCK_ROWS ? BLOCK_ROWS : fit;
    return rows < n ? rows : n;
}

/* Inner means of all rows: [n*g] over payers, then [n*g] over payees. */
static void run_inner(float *inner, const wr_aggregate *a, const wr_aggregate_input *in)
{
    wr_aggregate_job j = {.x = in->x,
                          .ld = in->ld,
                          .out_ld = in->two_hop,
                          .columns = in->two_hop,
                          .rows = a->in.n,
                          .is_plain = in->is_plain};
    for (int is_in = 1; is_in >= 0; is_in--) {
        j.l = is_in ? &a->in : &a->out;
        j.out = inner + (is_in ? 0 : (size_t)a->in.n * in->two_hop);
        wr_aggregate_rows(&j);
    }
}

static void run_block(float *block, const wr_aggregate *a, const wr_aggregate_input *in,
                      const float *inner, uint32_t first, uint32_t rows)
{
    wr_aggregate_job j = {.x = in->x,
                          .ld = in->ld,
                          .out_ld = wr_aggregate_columns(in),
                          .columns = in->columns,
                          .first = first,
                          .rows = rows,
                          .has_spread = true,
                          .is_plain = in->is_plain};
    for (int is_in = 1; is_in >= 0; is_in--) {
        j.l = is_in ? &a->in : &a->out;
        j.out = block + (is_in ? 0 : WR_STAT_COUNT * (size_t)in->columns);
        wr_aggregate_rows(&j);
    }
    float *out = block + (size_t)2 * WR_STAT_COUNT * in->columns;
    j.ld = j.columns = in->two_hop;
    j.has_spread = false;
    for (int h = WR_HOP_IN_IN; h < WR_HOP_COUNT && in->two_hop; h++) {
        j.l = HOP[h].is_outer_in ? &a->in : &a->out;
        j.x = inner + (HOP[h].is_inner_in ? 0 : (size_t)a->in.n * in->two_hop);
        j.out = out + (size_t)(h - WR_HOP_IN_IN) * in->two_hop;
        wr_aggregate_rows(&j);
    }
}

wr_status wr_aggregate_run(const wr_aggregate *a, const wr_aggregate_input *in,
                           wr_aggregate_sink *sink, void *ctx, wr_err *err)
{
    if (!in->columns || in->columns > in->ld || in->two_hop > in->columns)
        return wr_fail(err, WR_EINVAL, "%u columns, %u over two hops, of rows of %u",
                       in->columns, in->two_hop, in->ld);
    const uint32_t n = a->in.n, rows = block_rows(n, wr_aggregate_columns(in));
    float *inner WR_AUTO_ARRAY = wr_alloc_big((size_t)n * in->two_hop * 2, sizeof *inner);
    float *block WR_AUTO_ARRAY =
        wr_alloc_big((size_t)rows * wr_aggregate_columns(in), sizeof *block);
    if (!inner || !block)
        return wr_fail(err, WR_ENOMEM, "aggregates of %u rows", rows);
    WR_TRY(wr_progress_at(in->pg, "aggregates", 0, n, err));
    if (in->two_hop)
        run_inner(inner, a, in);
    for (uint32_t first = 0; first < n; first += rows) {
        const uint32_t count = n - first < rows ? n - first : rows;
        WR_TRY(wr_progress_at(in->pg, "aggregates", first, n, err));
        run_block(block, a, in, inner, first, count);
        WR_TRY(sink(ctx, first, count, block, err));
    }
    return WR_OK;
}
