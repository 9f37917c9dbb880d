/*
 * frame_test.h - random worlds for tests of the frame: a snapshot with labels and folds,
 * cut somewhere at T; and all rows of a frame in one sheet.
 */
#ifndef WR_FRAME_TEST_H
#define WR_FRAME_TEST_H

#include <string.h>

#include "past_gen.h"
#include "pipeline/learning/frame.h"

enum {
    WORLDS = 200,
    ONE_HOP = 6 * WR_FEATURE_BASE,
    BASE_COLUMNS = ONE_HOP + 4 * WR_FEATURE_BASE_TWO_HOP
};

static const uint32_t SCALE_S[] = {1, 700, 20000, 86400};
static const wr_scoring_opts OPTS = {
    .gamma = 0.85, .eps = 1e-6, .iter_max = 100, .top_k = 8, .poison_hops = 6};

/* Small graphs are full of hits; now and then a look-back that leaves some out. */
static inline wr_typology_policy loose_policy(uint64_t seed)
{
    wr_typology_policy p = {.which = WR_TYPOLOGY_ALL,
                            .lookback_days = seed % 3 ? 90 : 5,
                            .opts = WR_TYPOLOGY_OPTS_INIT};
    wr_typology_opts *o = &p.opts;
    o->visits_max = 400;
    o->hits_max = 8;
    o->cycle_visits_mean = 20;
    o->fan_count = o->gather_count = o->gather_out_count = o->scatter_count = 2;
    o->fan_even_min = 0.05;
    o->gather_before_min = 0.2;
    o->gather_ratio_min = o->scatter_ratio_min = 0.2;
    o->gather_ratio_max = o->scatter_ratio_max = 5;
    o->cycle_even_min = 0.05;
    o->peel_hops = 2;
    o->peel_share_min = 0.6;
    o->pass_hold_s = o->hop_hold_s = o->burst_hold_s = WR_TYPOLOGY_DAY_S;
    o->pass_share_min = o->hop_share_min = o->burst_share_min = 0.3;
    o->pass_events = o->hop_events = o->bridge_count = 1;
    o->bridge_score_min = 0.1;
    o->structuring_count = 2;
    o->structuring_low = 0.3;
    o->bipartite_senders = o->bipartite_receivers = 2;
    o->bipartite_density_min = 0.5;
    o->chain_wallets = 2;
    o->dormant_gap_s = 4;
    o->dormant_gap_ratio = 1.5;
    o->dormant_share_min = 0.2;
    o->dust_count = 2;
    o->dust_value_max = 400;
    o->dust_spread = 0.5;
    o->coinjoin_outputs = 2;
    o->burst_value_min = 10;
    return p;
}

/* ---- a world: snapshot, labels, folds ---- */

typedef struct world {
    past_gen p;
    wr_snapshot *g;
    uint8_t *fold_of;
    wr_typology_policy policy;
    wr_frame_input in;
} world;

static inline wr_snapshot *snapshot_of(const flow_gen *g)
{
    wr_edges e = {0};
    wr_snapshot *out = NULL;
    assert_ok(wr_edges_reserve(&e, g->m, &err));
    for (e.m = 0; e.m < g->m; e.m++) {
        e.from[e.m] = g->from[e.m];
        e.to[e.m] = g->to[e.m];
        e.time_s[e.m] = g->time_s[e.m];
        e.value[e.m] = g->value[e.m];
        e.asset[e.m] = g->asset[e.m];
        e.seq[e.m] = (int64_t)(3 * e.m); /* with gaps */
    }
    assert_ok(wr_snapshot_build(&out, &e, NULL, g->fl.n, NULL, &err));
    for (wr_vid v = 0; v < g->fl.n; v++)
        if (wr_flow_is_hub(&g->fl, v))
            assert_ok(wr_snapshot_mark_hub(out, v, &err));
    return out;
}

/* Small, with more labels and transfers than flow_gen_shape's. */
static inline flow_gen_opts shape_of(uint64_t seed)
{
    flow_gen_opts o = flow_gen_shape(seed);
    o.n += 8;
    o.m += 60;
    o.label_prob = 0.2 + o.label_prob / 2;
    return o;
}

static inline void folds_draw(world *w, uint32_t folds, uint64_t seed,
                              bool are_services_out)
{
    const wr_seeds *s = &w->p.g.seeds;
    wr_rng r = {.s = seed ^ 0xf01dULL};
    w->in.folds = folds;
    w->in.fold_of = folds ? w->fold_of : NULL;
    for (wr_vid v = 0; v < s->n; v++) {
        const uint8_t fold = (uint8_t)wr_rng_below(&r, folds ? folds : 1);
        const int c = s->category[v];
        const bool has_one = folds && c >= 0 && wr_rng_below(&r, 8) &&
                             !(are_services_out && s->kind[c] == WR_CATEGORY_SERVICE);
        w->fold_of[v] = has_one ? fold : WR_FRAME_FOLD_NONE;
    }
}

/* Pointers follow w: build in place, never copy. */
static inline void world_init(world *w, uint64_t seed, const flow_gen_opts *o,
                              uint32_t folds)
{
    past_gen_init(&w->p, seed, o, SCALE_S[seed % 4]);
    const wr_seeds *s = &w->p.g.seeds;
    w->g = snapshot_of(&w->p.g);
    w->fold_of = wr_calloc(s->n, sizeof *w->fold_of);
    w->policy = loose_policy(seed);
    w->in = (wr_frame_input){.g = w->g,
                             .seeds = s,
                             .as_of_s = w->p.as_of_s,
                             .mixer = s->c > 1 ? 1 : WR_SEED_NONE,
                             .bridge = s->c > 2 ? 2 : WR_SEED_NONE,
                             .dex = s->c > 5 ? 5 : WR_SEED_NONE,
                             .typologies = {.policy = &w->policy,
                                            .mixer_mask = s->c > 1 ? 2 : 0,
                                            .swap_mask = s->c > 2 ? 5 : 0},
                             .opts = &OPTS,
                             .seed = seed};
    folds_draw(w, folds, seed, false);
}

static inline void world_release(world *w)
{
    wr_snapshot_unref(w->g);
    wr_free(w->fold_of);
    past_gen_release(&w->p);
}

/* ---- all rows of a frame ---- */

typedef struct sheet {
    float *x;
    uint32_t next;
} sheet;

static inline wr_status take(void *ctx, wr_vid first, uint32_t rows, const float *x,
                             wr_err *err)
{
    sheet *s = ctx;
    if (first != s->next || !rows)
        return wr_fail(err, WR_ECORRUPT, "rows %u after %u", first, s->next);
    memcpy(s->x + (size_t)first * wr_frame_columns(), x,
           (size_t)rows * wr_frame_columns() * sizeof *x);
    s->next += rows;
    return WR_OK;
}

/* [n * columns]; wr_free. */
static inline float *frame_of(const wr_frame_input *in)
{
    const uint32_t n = wr_snapshot_n(in->g);
    const size_t cells = (size_t)n * wr_frame_columns();
    sheet s = {.x = wr_calloc(cells, sizeof *s.x)};
    for (size_t i = 0; i < cells; i++)
        s.x[i] = __builtin_nanf(""); /* no column is forgotten */
    assert_ok(wr_frame_run(in, take, &s, &err));
    assert_int_equal(s.next, n);
    return s.x;
}

static inline const float *row_of(const float *x, wr_vid v)
{
    return x + (size_t)v * wr_frame_columns();
}

static inline bool is_same_bytes(const void *a, const void *b, size_t bytes)
{
    return memcmp(a, b, bytes) == 0;
}

static inline void same_cells(const float *have, const float *want, uint32_t from,
                              uint32_t to, uint64_t seed, wr_vid v)
{
    for (uint32_t c = from; c < to; c++)
        if (!is_same_bytes(&have[c], &want[c], sizeof *have))
            fail_msg("seed %u, wallet %u, %s: %.9g, not %.9g", (unsigned)seed, v,
                     wr_frame_column_at(c)->name, (double)have[c], (double)want[c]);
}

static inline void same_rows(const float *have, const float *want, uint32_t n,
                             uint64_t seed)
{
    for (wr_vid v = 0; v < n; v++)
        same_cells(row_of(have, v), row_of(want, v), 0, wr_frame_columns(), seed, v);
}

#endif
