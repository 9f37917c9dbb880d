/*
 * The frame against the kernels called by hand on a world made by hand, and against
 * labels that are not there.
 */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

#include "frame_test.h"
#include "scoring/arrival.h"
#include "scoring/static_exposure.h"

enum { NOBODYS_FOLD = 200 };

/* ---- by hand ---- */

/* The world of fold k of w: labels before T but those of fold k; wr_seeds_release. */
static void seeds_without(wr_seeds *s, const world *w, uint32_t fold)
{
    const wr_seeds *all = &w->p.g.seeds;
    *s = *all;
    s->confidence = wr_calloc(s->n, sizeof *s->confidence);
    s->from_s = wr_calloc(s->n, sizeof *s->from_s);
    s->to_s = wr_calloc(s->n, sizeof *s->to_s);
    s->category = wr_calloc(s->n, sizeof *s->category);
    s->count = 0;
    memcpy(s->confidence, all->confidence, s->n * sizeof *s->confidence);
    memcpy(s->from_s, all->from_s, s->n * sizeof *s->from_s);
    memcpy(s->to_s, all->to_s, s->n * sizeof *s->to_s);
    for (wr_vid v = 0; v < s->n; v++) {
        s->category[v] = WR_SEED_NONE;
        if (all->from_s[v] < w->in.as_of_s && !(w->in.folds && w->fold_of[v] == fold))
            s->category[v] = all->category[v];
        s->count += s->category[v] >= 0;
    }
}

/* x [n*WR_WF_COUNT]: hits counted one by one, those of the last days of the past. */
static void count_hits(float *x, const wr_flow *fl, const world *w)
{
    static const char *const PART[] = {"root", "member", "strength"};
    wr_typology_opts o = w->policy.opts;
    const uint32_t days = w->policy.lookback_days;
    const uint32_t last = fl->col.m ? fl->col.time_s[fl->col.m - 1] : 0;
    o.from_s = last > days * 86400 ? last - days * 86400 : 0;
    const wr_typology_input in = {.flow = *fl,
                                  .mixer_mask = w->in.typologies.mixer_mask,
                                  .swap_mask = w->in.typologies.swap_mask};
    WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
    if (fl->col.m)
        assert_ok(wr_typology_find(&h, &in, WR_TYPOLOGY_ALL, &o, NULL, &err));
    for (uint64_t i = 0; i < h.count; i++)
        for (uint32_t k = 0; k < h.hit[i].member_count; k++) {
            const wr_vid v = h.member[h.hit[i].member + k];
            float *cell[3];
            for (int p = 0; p < 3; p++) {
                char name[40];
                (void)snprintf(name, sizeof name, "%s_%s",
                               wr_typology_name((wr_typology)h.hit[i].typology), PART[p]);
                const int c = wr_feature_find(WR_FEATURE_WALLET, name);
                assert_true(c >= 0);
                cell[p] = x + (size_t)v * WR_WF_COUNT + c;
            }
            *cell[k == 0 ? 0 : 1] += 1;
            *cell[2] = fmaxf(*cell[2], (float)h.hit[i].strength);
        }
}

/* Rows of wallets on the graph cut at T: every kernel called here. */
static float *own_rows(const past_gen *p, wr_snapshot *g, const world *w,
                       const wr_seeds *s)
{
    const wr_flow fl = wr_flow_of(g, s);
    const wr_views vw = wr_views_of(g);
    const uint32_t n = p->g.fl.n;
    WR_LEDGER_AUTO wr_ledger in = {0};
    WR_LEDGER_AUTO wr_ledger out = {0};
    WR_FIFO_AUTO wr_fifo fifo = {0};
    WR_POISON_AUTO wr_poison near = {0};
    WR_POISON_AUTO wr_poison ahead = {0};
    float *share[2];
    wr_ledger_opts lo = WR_LEDGER_OPTS_INIT;
    const wr_fifo_opts fo = WR_FIFO_OPTS_INIT;
    assert_ok(wr_ledger_run(&in, &fl, &lo, &err));
    lo.direction = WR_SENDING;
    assert_ok(wr_ledger_run(&out, &fl, &lo, &err));
    assert_ok(wr_fifo_run(&fifo, &fl, &fo, &err));
    assert_ok(wr_poison_run(&near, &fl, WR_RECEIVING, OPTS.poison_hops, NULL, &err));
    assert_ok(wr_poison_run(&ahead, &fl, WR_SENDING, OPTS.poison_hops, NULL, &err));
    for (int d = 0; d < 2; d++) {
        WR_AUTO_ARRAY uint32_t *hold_s = wr_calloc((size_t)n * s->c, sizeof *hold_s);
        wr_static_opts so = WR_STATIC_OPTS_INIT;
        share[d] = wr_calloc((size_t)n * s->c, sizeof *share[d]);
        assert_ok(wr_arrival(hold_s, &fl, (wr_direction)d, NULL, &err));
        so.direction = (wr_direction)d;
        so.hold_s = hold_s;
        so.is_label_seen_past = true;
        assert_ok(wr_static_exposure(share[d], NULL, &vw, s, &so, &err));
    }
    const wr_feature_exposures ex = {.received = &in,
                                     .sent = &out,
                                     .fifo = &fifo,
                                     .poison_in = &near,
                                     .poison_out = &ahead,
                                     .static_received = share[0],
                                     .static_sent = share[1]};
    wr_features_opts o = WR_FEATURES_OPTS_INIT;
    o.as_of_s = w->in.as_of_s;
    o.mixer = w->in.mixer;
    o.bridge = w->in.bridge;
    o.dex = w->in.dex;
    WR_AUTO(wr_features) f = NULL;
    float *x = wr_calloc((size_t)n * WR_WF_COUNT, sizeof *x);
    assert_ok(wr_features_new(&f, &fl, &vw, &o, &err));
    assert_ok(wr_features_rows(x, WR_WF_COUNT, f, 0, n, &ex, &err));
    wr_free(share[0]);
    wr_free(share[1]);
    count_hits(x, &fl, w);
    return x;
}

typedef struct columns {
    float *x;
    size_t ld;
} columns;

static wr_status take_columns(void *ctx, uint32_t first, uint32_t rows,
                              const float *block, wr_err *err)
{
    const columns *c = ctx;
    (void)err;
    memcpy(c->x + first * c->ld, block, rows * c->ld * sizeof *block);
    return WR_OK;
}

/* Aggregates of wallets' rows; services of `all` are left out. */
static float *neighbour_rows(wr_snapshot *g, const world *w, const wr_seeds *all,
                             const float *own)
{
    const wr_views vw = wr_views_of(g);
    const uint32_t n = wr_snapshot_n(g);
    WR_AUTO_ARRAY float *base = wr_calloc((size_t)n * WR_FEATURE_BASE, sizeof *base);
    for (wr_vid v = 0; v < n; v++)
        wr_feature_base_row(base + (size_t)v * WR_FEATURE_BASE,
                            own + (size_t)v * WR_WF_COUNT);
    wr_aggregate_opts o = WR_AGGREGATE_OPTS_INIT;
    o.seeds = all;
    o.as_of_s = w->in.as_of_s;
    WR_AUTO(wr_aggregate) a = NULL;
    assert_ok(wr_aggregate_new(&a, &vw, &o, &err));
    const wr_aggregate_input in = {.x = base,
                                   .ld = WR_FEATURE_BASE,
                                   .columns = WR_FEATURE_BASE,
                                   .two_hop = WR_FEATURE_BASE_TWO_HOP,
                                   .is_plain = true};
    columns c = {.x = wr_calloc((size_t)n * BASE_COLUMNS, sizeof *c.x),
                 .ld = BASE_COLUMNS};
    assert_ok(wr_aggregate_run(a, &in, take_columns, &c, &err));
    return c.x;
}

/* Wallets of world k against that world made by hand; is_met: others like it, too. */
static uint32_t check_world(const world *w, const past_gen *cut, wr_snapshot *g,
                            const float *x, uint32_t fold, uint64_t seed, bool *is_met)
{
    wr_seeds s, all;
    const uint32_t n = cut->g.fl.n;
    uint32_t met = 0;
    seeds_without(&s, w, fold);
    seeds_without(&all, w, NOBODYS_FOLD);
    float *own = own_rows(cut, g, w, &s), *near = neighbour_rows(g, w, &all, own);
    for (wr_vid v = 0; v < n; v++) {
        const float *row = row_of(x, v);
        const bool is_its = !w->in.folds || w->fold_of[v] == fold;
        const bool is_same =
            is_same_bytes(row, own + (size_t)v * WR_WF_COUNT,
                          WR_WF_COUNT * sizeof *row) &&
            is_same_bytes(row + WR_WF_COUNT, near + (size_t)v * BASE_COLUMNS,
                          BASE_COLUMNS * sizeof *row);
        is_met[v] |= is_same;
        met += is_its;
        if (!is_its)
            continue;
        same_cells(row, own + (size_t)v * WR_WF_COUNT, 0, WR_WF_COUNT, seed, v);
        same_cells(row, near + (size_t)v * BASE_COLUMNS - WR_WF_COUNT, WR_WF_COUNT,
                   wr_frame_columns(), seed, v);
    }
    wr_free(own);
    wr_free(near);
    wr_seeds_release(&s);
    wr_seeds_release(&all);
    return met;
}

/* Typologies that somebody is in. */
static uint32_t typologies_in(const float *x, uint32_t n)
{
    uint32_t mask = 0;
    for (wr_vid v = 0; v < n; v++)
        for (int t = 0; t < WR_TYPOLOGY_COUNT; t++)
            if (row_of(x, v)[WR_WF_MOTIF_FAN_IN_STRENGTH + 3 * t] > 0)
                mask |= 1U << t;
    return mask;
}

static void test_frame_run__the_kernels_by_hand(void **state)
{
    (void)state;
    uint32_t met = 0, typologies = 0;
    for (uint64_t seed = 0; seed < WORLDS; seed++) {
        const flow_gen_opts o = shape_of(seed);
        const uint32_t folds = (uint32_t)(seed % 4);
        world w;
        past_gen cut;
        bool is_met[64] = {0};
        world_init(&w, seed, &o, folds);
        folds_draw(&w, folds, seed, seed % 8 < 4); /* services with a fold, and without */
        past_gen_init(&cut, seed, &o, SCALE_S[seed % 4]);
        past_gen_cut(&cut);
        wr_snapshot *g = snapshot_of(&cut.g);
        float *x = frame_of(&w.in);
        typologies |= typologies_in(x, cut.g.fl.n);
        for (uint32_t k = 0; k < (folds ? folds : 1); k++)
            met += check_world(&w, &cut, g, x, k, seed, is_met);
        for (wr_vid v = 0; v < cut.g.fl.n; v++) /* wallets without a fold: one of them */
            if (!is_met[v])
                fail_msg("seed %u, wallet %u: of no world", (unsigned)seed, v);
        wr_free(x);
        wr_snapshot_unref(g);
        past_gen_release(&cut);
        world_release(&w);
    }
    assert_true(met > 5 * WORLDS);
    assert_int_equal(typologies, WR_TYPOLOGY_ALL);
}

/* ---- hits ---- */

static void same_motifs(const float *have, const float *want, uint32_t n, uint64_t seed)
{
    for (wr_vid v = 0; v < n; v++)
        same_cells(row_of(have, v), row_of(want, v), WR_WF_MOTIF_FAN_IN_ROOT,
                   WR_WF_MOTIF_FAN_IN_ROOT + WR_MOTIF_COLUMNS, seed, v);
}

static void test_frame_run__hits_that_are_given_are_not_found_again(void **state)
{
    (void)state;
    const flow_gen_opts o = {
        .n = 40, .m = 300, .c = 4, .assets = 1, .label_prob = 0.2, .is_whole = true};
    world w;
    world_init(&w, 4, &o, 0);
    w.in.as_of_s = UINT32_MAX;
    float *want = frame_of(&w.in);
    const wr_flow fl = wr_flow_of(w.g, &w.p.g.seeds);
    WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
    WR_MOTIFS_AUTO wr_motifs m = {0};
    assert_ok(
        wr_typology_search(&h, &fl, NULL, &w.in.typologies, WR_TYPOLOGY_ALL, NULL, &err));
    assert_ok(wr_motifs_init(&m, o.n, &err));
    assert_ok(wr_motifs_add(&m, &h, NULL, &err));
    const wr_feature_exposures given = {.motifs = &m};
    w.in.given = &given;
    w.in.typologies.policy = NULL;
    float *have = frame_of(&w.in);
    same_motifs(have, want, o.n, 4);
    assert_true(typologies_in(have, o.n) != 0);
    wr_free(have);
    wr_free(want);
    world_release(&w);
}

static void test_frame_run__what_is_not_looked_for_is_not_there(void **state)
{
    (void)state;
    const flow_gen_opts o = {
        .n = 40, .m = 300, .c = 4, .assets = 1, .label_prob = 0.2, .is_whole = true};
    world w;
    world_init(&w, 5, &o, 3);
    w.in.as_of_s = UINT32_MAX;
    float *all = frame_of(&w.in);
    w.policy.which = 1U << WR_TYPOLOGY_FAN_IN | 1U << WR_TYPOLOGY_CHAIN;
    float *two = frame_of(&w.in);
    w.in.typologies.policy = NULL;
    float *none = frame_of(&w.in);
    assert_int_equal(typologies_in(two, o.n), w.policy.which);
    assert_int_equal(typologies_in(none, o.n), 0);
    for (wr_vid v = 0; v < o.n; v++)
        for (uint32_t c = 0; c < wr_frame_columns(); c++)
            if (wr_frame_column_at(c)->group != WR_FRAME_MOTIFS)
                same_cells(row_of(none, v), row_of(all, v), c, c + 1, 5, v);
    wr_free(all);
    wr_free(two);
    wr_free(none);
    world_release(&w);
}

/* ---- cross-fit ---- */

/* Other labels for wallets of the fold: gone, or of another kind, certainty, time. */
static uint32_t relabel(world *w, uint32_t fold, uint64_t seed)
{
    wr_seeds *s = &w->p.g.seeds;
    wr_rng r = {.s = seed ^ 0x1abeULL};
    uint32_t changed = 0;
    for (wr_vid v = 0; v < s->n; v++) {
        if (w->fold_of[v] != fold)
            continue;
        const bool is_gone = wr_rng_below(&r, 2);
        s->category[v] = (int8_t)(is_gone ? WR_SEED_NONE : s->c > 1 && !s->category[v]);
        s->confidence[v] = 0.3f;
        s->from_s[v] = 0;
        s->to_s[v] = UINT32_MAX;
        changed++;
    }
    return changed;
}

static void test_frame_run__labels_of_its_own_fold_are_not_seen(void **state)
{
    (void)state;
    uint64_t changed = 0, differ = 0;
    for (uint64_t seed = 2000; seed < 2000 + WORLDS; seed++) {
        const flow_gen_opts o = shape_of(seed);
        world w;
        world_init(&w, seed, &o, 2 + (uint32_t)(seed % 3));
        folds_draw(&w, w.in.folds, seed, true);
        const uint32_t fold = (uint32_t)(seed % w.in.folds);
        float *before = frame_of(&w.in);
        changed += relabel(&w, fold, seed);
        float *after = frame_of(&w.in);
        for (wr_vid v = 0; v < w.p.g.fl.n; v++) {
            if (w.fold_of[v] == fold)
                same_cells(row_of(after, v), row_of(before, v), 0, wr_frame_columns(),
                           seed, v);
            differ += !is_same_bytes(row_of(after, v), row_of(before, v),
                                     wr_frame_columns() * sizeof *after);
        }
        wr_free(before);
        wr_free(after);
        world_release(&w);
    }
    assert_true(changed > WORLDS && differ > WORLDS);
}

/*
 * A service's own label: not in its own columns, nor in what it hears of its neighbours.
 * (Over two hops it is left out as a neighbour of its neighbours, whoever looks.)
 */
static void test_frame_run__a_service_does_not_see_itself(void **state)
{
    (void)state;
    uint64_t services = 0, differ = 0;
    for (uint64_t seed = 3000; seed < 3000 + WORLDS; seed++) {
        flow_gen_opts o = shape_of(seed);
        world w;
        o.c = 3 + o.c % 10;
        world_init(&w, seed, &o, 3);
        wr_seeds *s = &w.p.g.seeds;
        float *before = frame_of(&w.in);
        for (wr_vid v = 0; v < s->n; v++) {
            const int8_t c = s->category[v];
            if (c < 0 || s->kind[c] != WR_CATEGORY_SERVICE ||
                w.fold_of[v] == WR_FRAME_FOLD_NONE)
                continue;
            services++;
            s->category[v] = WR_SEED_NONE;
            float *after = frame_of(&w.in);
            s->category[v] = c;
            same_cells(row_of(after, v), row_of(before, v), 0, WR_WF_COUNT + ONE_HOP,
                       seed, v);
            differ += !is_same_bytes(after, before,
                                     (size_t)s->n * wr_frame_columns() * sizeof *after);
            wr_free(after);
        }
        wr_free(before);
        world_release(&w);
    }
    assert_true(services > WORLDS && differ > WORLDS);
}

/* Without a label of its own, a wallet does without one fold: which, the seed says. */
static void test_frame_run__the_seed_draws_the_fold_of_the_others(void **state)
{
    (void)state;
    const flow_gen_opts o = {
        .n = 300, .m = 2000, .c = 4, .assets = 1, .label_prob = 0.2, .is_whole = true};
    world w;
    world_init(&w, 1, &o, 4);
    w.in.as_of_s = UINT32_MAX;
    float *first = frame_of(&w.in);
    w.in.seed++;
    float *other = frame_of(&w.in);
    uint32_t differ = 0;
    for (wr_vid v = 0; v < o.n; v++) {
        const bool is_same = is_same_bytes(row_of(first, v), row_of(other, v),
                                           WR_WF_COUNT * sizeof *first);
        assert_true(is_same || w.fold_of[v] == WR_FRAME_FOLD_NONE);
        differ += !is_same;
    }
    assert_true(differ > o.n / 4);
    wr_free(first);
    wr_free(other);
    world_release(&w);
}

static void test_frame_run__folds_of_nobody_are_none(void **state)
{
    (void)state;
    const flow_gen_opts o = flow_gen_shape(11);
    world w;
    world_init(&w, 11, &o, 0);
    float *want = frame_of(&w.in);
    w.in.folds = 5; /* fold_of is NULL */
    float *have = frame_of(&w.in);
    same_rows(have, want, w.p.g.fl.n, 11);
    wr_free(have);
    w.in.folds = 0;
    w.in.fold_of = w.fold_of;
    memset(w.fold_of, WR_FRAME_FOLD_NONE, w.p.g.fl.n);
    have = frame_of(&w.in);
    same_rows(have, want, w.p.g.fl.n, 11);
    wr_free(have);
    wr_free(want);
    world_release(&w);
}

int main(void)
{
    omp_set_num_threads(1); /* worlds are tiny */
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_frame_run__the_kernels_by_hand),
        wr_unit_test(test_frame_run__hits_that_are_given_are_not_found_again),
        wr_unit_test(test_frame_run__what_is_not_looked_for_is_not_there),
        wr_unit_test(test_frame_run__labels_of_its_own_fold_are_not_seen),
        wr_unit_test(test_frame_run__a_service_does_not_see_itself),
        wr_unit_test(test_frame_run__the_seed_draws_the_fold_of_the_others),
        wr_unit_test(test_frame_run__folds_of_nobody_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
