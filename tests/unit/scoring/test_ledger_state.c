/* Several assets: a wallet is the sum over ledgers that were run asset by asset. */
#include <float.h>
#include <string.h>

#include "flow_gen.h"
#include "scoring/ledger_int.h"

enum { FLOWS = 800, ASSETS = 5 };

static flow_gen_opts shape_of(uint64_t seed)
{
    flow_gen_opts o = flow_gen_shape(seed);
    o.assets = 2 + (uint32_t)(seed % (ASSETS - 1));
    o.m *= 1 + (uint32_t)(seed % 4);
    o.hubs = seed % 3 ? 0 : 8;
    return o;
}

/* The transfers of the others are worth nothing, so that positions stay what they are. */
static wr_ledger run_asset(const flow_gen *g, uint16_t asset, wr_direction d)
{
    WR_AUTO_ARRAY double *value = wr_calloc(g->m, sizeof *value);
    for (uint64_t i = 0; i < g->m; i++)
        value[i] = g->asset[i] == asset ? g->value[i] : 0;
    wr_flow fl = g->fl;
    fl.col.value = value;
    fl.col.asset = NULL;
    wr_ledger l = {0};
    wr_ledger_opts o = {.direction = d, .is_state_kept = true};
    assert_ok(wr_ledger_run(&l, &fl, &o, &err));
    return l;
}

typedef struct total {
    bool is_any;
    double money[5]; /* total, balance, overdraft, received and held unknown */
    double received[WR_CATEGORY_MAX], direct[WR_CATEGORY_MAX], taint[WR_CATEGORY_MAX];
    float mean[WR_CATEGORY_MAX], held[WR_CATEGORY_MAX], max_share;
    uint8_t min[WR_CATEGORY_MAX];
    uint32_t max_at;
} total;

static float mixed(float mean, double sum, double more, float at)
{
    double w = more / (sum > DBL_MIN ? sum : DBL_MIN);
    return (float)((double)mean + ((double)at - (double)mean) * w);
}

static void add(total *s, const wr_ledger_view *w, uint32_t c)
{
    if (w->total == 0 && w->overdraft == 0)
        return;
    const double money[] = {w->total, w->balance, w->overdraft, w->received_unknown,
                            w->held_unknown};
    for (int k = 0; k < 5; k++)
        s->money[k] += money[k];
    if (!s->is_any || w->max_share > s->max_share) {
        s->max_share = w->max_share;
        s->max_at = w->max_at;
    }
    for (uint32_t k = 0; k < c; k++) {
        s->received[k] += w->received[k];
        s->direct[k] += w->direct[k];
        s->taint[k] += w->taint[k];
        s->mean[k] =
            s->is_any ? mixed(s->mean[k], s->received[k], w->received[k], w->mean_hops[k])
                      : w->mean_hops[k];
        s->held[k] = s->is_any
                         ? mixed(s->held[k], s->taint[k], w->taint[k], w->held_hops[k])
                         : w->held_hops[k];
        if (w->min_hops[k] && (!s->min[k] || w->min_hops[k] < s->min[k]))
            s->min[k] = w->min_hops[k];
    }
    s->is_any = true;
}

static void assert_is(const wr_ledger_view *w, const total *s, uint32_t c)
{
    const double money[] = {w->total, w->balance, w->overdraft, w->received_unknown,
                            w->held_unknown};
    assert_memory_equal(money, s->money, sizeof money);
    assert_memory_equal(w->received, s->received, c * sizeof(double));
    assert_memory_equal(w->direct, s->direct, c * sizeof(double));
    assert_memory_equal(w->taint, s->taint, c * sizeof(double));
    assert_memory_equal(w->mean_hops, s->mean, c * sizeof(float));
    assert_memory_equal(w->held_hops, s->held, c * sizeof(float));
    assert_memory_equal(w->min_hops, s->min, c);
    assert_memory_equal(&w->max_share, &s->max_share, sizeof s->max_share);
    assert_int_equal(w->max_at, s->is_any ? s->max_at : UINT32_MAX);
}

static void assert_sum_of_assets(const flow_gen *g, uint32_t assets, wr_direction d)
{
    wr_ledger all = {0}, one[ASSETS];
    wr_ledger_opts o = {.direction = d};
    assert_ok(wr_ledger_run(&all, &g->fl, &o, &err));
    for (uint32_t a = 0; a < assets; a++)
        one[a] = run_asset(g, (uint16_t)a, d);
    for (wr_vid v = 0; v < g->fl.n; v++) {
        total s = {0};
        for (uint32_t a = 0; a < assets; a++) {
            wr_ledger_view w = wr_ledger_at(&one[a], v);
            add(&s, &w, all.c);
        }
        wr_ledger_view w = wr_ledger_at(&all, v);
        assert_is(&w, &s, all.c);
    }
    assert_null(all.states);
    wr_ledger_release(&all);
    for (uint32_t a = 0; a < assets; a++)
        wr_ledger_release(&one[a]);
}

static void test_ledger_run__is_the_sum_of_its_assets(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < FLOWS; seed++) {
        flow_gen g;
        flow_gen_opts shape = shape_of(seed);
        flow_gen_init(&g, seed, &shape);
        assert_sum_of_assets(&g, shape.assets, seed % 2 ? WR_SENDING : WR_RECEIVING);
        flow_gen_release(&g);
    }
}

/* v's states in a run over all assets, against the runs of single ones. */
static uint64_t assert_states(const wr_ledger *all, const wr_ledger *one, uint32_t assets,
                              wr_vid v)
{
    uint32_t k = 0;
    uint64_t through = 0;
    for (uint32_t a = 0; a < assets; a++) {
        if (!wr_ledger_state_count(&one[a], v))
            continue;
        wr_ledger_state want = wr_ledger_state_at(&one[a], v, 0);
        assert_true(k < wr_ledger_state_count(all, v));
        wr_ledger_state got = wr_ledger_state_at(all, v, k++);
        assert_int_equal(got.asset, a);
        assert_memory_equal(got.row, want.row, all->row_bytes);
        assert_memory_equal(got.direct, want.direct, all->c * sizeof(double));
        assert_memory_equal(got.through, want.through, all->c * sizeof(double));
        for (uint32_t c = 0; c < all->c; c++)
            through += got.through[c] > 0;
    }
    assert_int_equal(wr_ledger_state_count(all, v), k);
    return through;
}

static void test_ledger_run__keeps_the_state_of_each_asset(void **state)
{
    (void)state;
    uint64_t through = 0;
    for (uint64_t seed = 0; seed < FLOWS; seed++) {
        flow_gen g;
        flow_gen_opts shape = shape_of(seed);
        flow_gen_init(&g, seed, &shape);
        wr_ledger all = {0}, plain = {0}, one[ASSETS];
        wr_ledger_opts o = {.is_state_kept = true}, no = WR_LEDGER_OPTS_INIT;
        assert_ok(wr_ledger_run(&all, &g.fl, &o, &err));
        assert_ok(wr_ledger_run(&plain, &g.fl, &no, &err));
        assert_memory_equal(all.row, plain.row, all.n * all.row_bytes);
        for (uint32_t a = 0; a < shape.assets; a++)
            one[a] = run_asset(&g, (uint16_t)a, WR_RECEIVING);
        for (wr_vid v = 0; v < g.fl.n; v++)
            through += assert_states(&all, one, shape.assets, v);
        for (uint32_t a = 0; a < shape.assets; a++)
            wr_ledger_release(&one[a]);
        wr_ledger_release(&all);
        wr_ledger_release(&plain);
        flow_gen_release(&g);
    }
    assert_true(through > 0); /* hubs did hold something */
}

/* Equal shares: the lower asset; a larger one of a higher asset wins. */
static void test_ledger_run__largest_share_over_assets(void **state)
{
    (void)state;
    flow_gen g;
    flow_gen_opts shape = {.n = 4, .m = 4, .c = 1, .assets = 1};
    flow_gen_init(&g, 1, &shape);
    g.seeds.category[0] = 0;
    g.seeds.confidence[0] = 1;
    g.m = 0;
    flow_gen_add(&g, 0, 1, 1, 5, 9);
    flow_gen_add(&g, 0, 1, 2, 5, 4);
    flow_gen_add(&g, 3, 2, 3, 5, 4);
    flow_gen_add(&g, 0, 2, 4, 5, 9);
    g.fl.col.m = g.m;
    wr_ledger l = {0};
    wr_ledger_opts o = {.is_state_kept = true};
    assert_ok(wr_ledger_run(&l, &g.fl, &o, &err));
    assert_int_equal(wr_ledger_at(&l, 1).max_at, 1);
    assert_int_equal(wr_ledger_at(&l, 2).max_at, 3);
    assert_int_equal(wr_ledger_state_count(&l, 0), 0); /* labelled: it only paid */
    assert_int_equal(wr_ledger_state_at(&l, 1, 0).asset, 4);
    assert_int_equal(wr_ledger_state_at(&l, 1, 1).asset, 9);
    wr_ledger_release(&l);
    flow_gen_release(&g);
}

/* So little that a mean weighs it as less than all: still the same beside another asset.
 */
static void test_ledger_run__one_asset_has_its_bits_beside_others(void **state)
{
    (void)state;
    flow_gen g;
    flow_gen_opts shape = {.n = 4, .m = 4, .c = 1, .assets = 1};
    flow_gen_init(&g, 1, &shape);
    g.seeds.category[0] = 0;
    g.seeds.confidence[0] = 1;
    g.m = 0;
    flow_gen_add(&g, 0, 1, 1, 0x1p-1040, 4);
    flow_gen_add(&g, 2, 3, 2, 5, 9);
    wr_ledger alone = {0}, beside = {0};
    wr_ledger_opts o = WR_LEDGER_OPTS_INIT;
    g.fl.col.m = 1;
    assert_ok(wr_ledger_run(&alone, &g.fl, &o, &err));
    g.fl.col.m = 2;
    assert_ok(wr_ledger_run(&beside, &g.fl, &o, &err));
    assert_true(wr_ledger_at(&alone, 1).mean_hops[0] > 0);
    assert_memory_equal(alone.row, beside.row, 2 * alone.row_bytes);
    wr_ledger_release(&alone);
    wr_ledger_release(&beside);
    flow_gen_release(&g);
}

static wr_status run_and_release(const wr_flow *fl, wr_err *err)
{
    wr_ledger_opts o = {.is_state_kept = true};
    WR_LEDGER_AUTO wr_ledger l = {0};
    return wr_ledger_run(&l, fl, &o, err);
}

static void states_out_of_memory(uint32_t assets)
{
    flow_gen_opts shape = {.n = 40,
                           .m = 200,
                           .c = 5,
                           .assets = assets,
                           .hubs = 20,
                           .label_prob = 0.4,
                           .is_whole = true};
    flow_gen g;
    flow_gen_init(&g, 3, &shape);
    assert_oom_safe(run_and_release(&g.fl, &err));
    flow_gen_release(&g);
}

static void test_ledger_run__states_out_of_memory(void **state)
{
    (void)state;
    states_out_of_memory(1);
    states_out_of_memory(3);
}

/* States before the tail are those of a run that never saw it; the result is unchanged.
 */
static void assert_tail(const flow_gen *g, uint64_t tail)
{
    wr_ledger whole = {0};
    wr_ledger cut = {0};
    wr_ledger plain = {0};
    wr_flow fl = g->fl;
    wr_ledger_opts o = {.is_state_kept = true, .state_tail = tail};
    assert_ok(wr_ledger_run(&whole, &g->fl, &o, &err));
    o = (wr_ledger_opts){.is_state_kept = true};
    fl.col.m = tail < g->m ? g->m - tail : 0;
    assert_ok(wr_ledger_run(&cut, &fl, &o, &err));
    assert_ok(wr_ledger_run(&plain, &g->fl, &o, &err));
    assert_memory_equal(whole.row, plain.row, (size_t)g->fl.n * whole.row_bytes);
    for (wr_vid v = 0; v < g->fl.n; v++) {
        const uint32_t count = wr_ledger_state_count(&cut, v);
        assert_int_equal(wr_ledger_state_count(&whole, v), count);
        for (uint32_t k = 0; k < count; k++) {
            const wr_ledger_state got = wr_ledger_state_at(&whole, v, k);
            const wr_ledger_state want = wr_ledger_state_at(&cut, v, k);
            assert_int_equal(got.asset, want.asset);
            assert_memory_equal(got.row, want.row, whole.row_bytes);
            assert_memory_equal(got.direct, want.direct, whole.c * sizeof(double));
            assert_memory_equal(got.through, want.through, whole.c * sizeof(double));
        }
    }
    wr_ledger_release(&whole);
    wr_ledger_release(&cut);
    wr_ledger_release(&plain);
}

static void test_ledger_run__keeps_states_before_the_tail(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < FLOWS; seed++) {
        flow_gen g;
        flow_gen_opts shape = shape_of(seed);
        if (seed % 4 == 0)
            shape.assets = 1;
        flow_gen_init(&g, seed, &shape);
        wr_rng r = {.s = seed};
        assert_tail(&g, 1 + wr_rng_below(&r, g.m));
        if (seed % 16 == 0)
            assert_tail(&g, g.m + 5);
        flow_gen_release(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_ledger_run__is_the_sum_of_its_assets),
        wr_unit_test(test_ledger_run__keeps_the_state_of_each_asset),
        wr_unit_test(test_ledger_run__keeps_states_before_the_tail),
        wr_unit_test(test_ledger_run__largest_share_over_assets),
        wr_unit_test(test_ledger_run__one_asset_has_its_bits_beside_others),
        wr_unit_test(test_ledger_run__states_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
