/* What the stream finds in its log, against the batch run when the stream has ended. */
#include "scoring/typology_live.h"
#include "scoring/typology_live_int.h"
#include "typology_story.h"

static const uint32_t SEARCHED =
    1U << WR_TYPOLOGY_GATHER_SCATTER | 1U << WR_TYPOLOGY_SCATTER_GATHER |
    1U << WR_TYPOLOGY_CYCLE | 1U << WR_TYPOLOGY_SMURF_BRIDGE |
    1U << WR_TYPOLOGY_BIPARTITE | 1U << WR_TYPOLOGY_STACK | 1U << WR_TYPOLOGY_CHAIN |
    1U << WR_TYPOLOGY_DUSTING | 1U << WR_TYPOLOGY_MIXER;

enum { KEYS = 2048 };
static uint64_t keys[KEYS];

static uint32_t below(wr_rng *r, uint32_t n)
{
    return (uint32_t)wr_rng_below(r, n);
}

static void setup_counts(wr_typology_opts *o, wr_rng *r)
{
    o->gather_count = 1 + below(r, 3);
    o->gather_out_count = 1 + below(r, 3);
    o->scatter_count = 1 + below(r, 3);
    o->bridge_count = 1 + below(r, 3);
    o->bipartite_senders = o->bipartite_receivers = 2;
    o->chain_wallets = 1 + below(r, 4);
    o->dust_count = 1 + below(r, 4);
    o->coinjoin_outputs = 2;
    o->gather_before_min = below(r, 2) ? 0.7 : 0.3;
    o->gather_ratio_min = 0.5;
    o->gather_ratio_max = 1.5;
    o->fan_even_min = below(r, 2) ? 0.5 : 0;
    o->scatter_ratio_min = below(r, 2) ? 0.8 : 0.5;
    o->scatter_ratio_max = below(r, 2) ? 1.02 : 2;
    o->cycle_hops_max = 2 + below(r, 4);
    o->cycle_even_min = below(r, 2) ? 0.5 : 0.25;
    o->bridge_score_min = below(r, 2) ? 0.7 : 0.3;
    o->bipartite_density_min = below(r, 2) ? 0.5 : 0.7;
    o->pass_share_min = below(r, 2) ? 1 : 0.5;
    o->dust_spread = below(r, 2) ? 0.25 : 0;
}

/* Windows of at most about `most` seconds, and none at all now and then. */
static void setup_windows(wr_typology_opts *o, wr_rng *r, uint32_t most)
{
    o->gather_window_s = below(r, most);
    o->scatter_window_s = below(r, most);
    o->cycle_window_s = below(r, most / 2 + 1);
    o->bridge_window_s = below(r, most);
    o->bipartite_window_s = below(r, most);
    o->stack_window_s =
        below(r, 3) ? o->bipartite_window_s + below(r, most) : below(r, most);
    o->pass_hold_s = below(r, most / 3 + 1);
    o->dust_window_s = below(r, most);
    o->poison_window_s = below(r, most);
}

static void setup(ref_world *w, wr_rng *r, uint32_t most_s)
{
    ref_values(w, r, 1 + below(r, 5));
    for (uint64_t i = 0; i < w->g.m; i++)
        if (w->g.value[i] > 0 && below(r, 3) == 0)
            w->g.value[i] = 0.25 * (double)(1 + below(r, 6));
    setup_counts(&w->o, r);
    setup_windows(&w->o, r, most_s);
    w->o.visits_max = 1000000;
    w->o.hits_max = 1000000;
    w->o.hub_cap = below(r, 3) ? 5000 : 3 + below(r, 9);
    w->in.mixer_mask = below(r, 64);
    for (wr_vid v = 0; v < w->g.fl.n; v++)
        keys[v] = below(r, 1 + w->g.fl.n / 2);
    w->in.address_key = keys;
}

/* Budgets that run out.  Poisoning spends its own in another order: it is not asked. */
static void setup_budgets(ref_world *w, wr_rng *r)
{
    w->o.visits_max = 1 + below(r, 60);
    w->o.hits_max = 1 + below(r, 4);
    w->in.address_key = NULL;
}

static void assert_all_found(const story *st, uint64_t least)
{
    for (int t = 0; t < WR_TYPOLOGY_COUNT; t++) {
        if (!(SEARCHED >> t & 1))
            continue;
        const char *name = wr_typology_name((wr_typology)t);
        print_message("%s %lu\n", name, (unsigned long)st->hits[t]);
        if (st->hits[t] < least)
            fail_msg("%s: %lu hits", name, (unsigned long)st->hits[t]);
    }
}

static void replay_worlds(uint64_t worlds, bool has_budgets)
{
    story *st = wr_calloc(1, sizeof *st);
    for (uint64_t seed = 1; seed <= worlds; seed++) {
        flow_gen_opts shape = flow_gen_shape(seed);
        shape.label_prob *= 0.4;
        ref_world w;
        ref_world_init(&w, seed, &shape);
        wr_rng r = {.s = seed + (has_budgets ? 1000 : 0)};
        setup(&w, &r, 50);
        if (has_budgets)
            setup_budgets(&w, &r);
        story_replay(st, &w, SEARCHED, seed, false);
        ref_world_release(&w);
    }
    assert_all_found(st, 100);
    wr_free(st);
}

static void test_typology_live_search__is_the_batch_in_the_end(void **state)
{
    (void)state;
    replay_worlds(1500, false);
}

static void test_typology_live_search__spends_budgets_as_the_batch_does(void **state)
{
    (void)state;
    replay_worlds(1200, true);
}

/* One of them, by turns, and all: alone it lets the log go as soon as it can. */
static uint32_t turn(uint64_t seed)
{
    uint64_t skip = seed % 10;
    for (int t = 0; t < WR_TYPOLOGY_COUNT; t++)
        if ((SEARCHED >> t & 1) && skip-- == 0)
            return 1U << t;
    return SEARCHED;
}

/* Windows are short against the stream: the log is let go of many times. */
static void test_typology_live_search__a_long_stream(void **state)
{
    (void)state;
    story *st = wr_calloc(1, sizeof *st);
    for (uint64_t seed = 1; seed <= 150; seed++) {
        flow_gen_opts shape = {.n = 8 + (uint32_t)(seed % 30),
                               .m = 1200,
                               .c = 6,
                               .assets = 1,
                               .hubs = seed % 2 ? 80 : 0,
                               .label_prob = 0.05,
                               .dated_prob = 0.5,
                               .zero_prob = 0.05,
                               .self_prob = 0.05,
                               .is_whole = true};
        ref_world w;
        ref_world_init(&w, seed, &shape);
        wr_rng r = {.s = seed};
        setup(&w, &r, 20 + (uint32_t)(seed % 3) * 20);
        w.o.cycle_hops_max = 3;
        w.o.cycle_window_s = below(&r, 8);
        if (seed % 3 == 0)
            setup_budgets(&w, &r);
        story_replay(st, &w, turn(seed), seed, false);
        ref_world_release(&w);
    }
    assert_all_found(st, 100);
    wr_free(st);
}

/* What is told and a look into the open windows, against the batch up to now. */
static void assert_peek(story *st, wr_typology_live *l, const ref_world *w, uint32_t now,
                        uint64_t seed)
{
    const uint32_t which = SEARCHED & ~(1U << WR_TYPOLOGY_MIXER),
                   told_so_far = st->s.count;
    ref_hit *before = wr_calloc(told_so_far, sizeof *before);
    wr_typology_told told = {0};
    wr_typology_opts o = w->o;
    o.to_s = w->g.time_s[now] + 1 < o.to_s ? w->g.time_s[now] + 1 : o.to_s;
    memcpy(before, st->s.hit, told_so_far * sizeof *before);
    assert_ok(wr_typology_live_peek(&told, l, which, &err));
    story_listen(st, &told);
    if (o.to_s >= o.from_s)
        story_assert_told(st, w, &o, which, seed);
    memcpy(st->s.hit, before, told_so_far * sizeof *before);
    st->s.count = told_so_far;
    wr_free(before);
}

static void test_typology_live_search__a_look_is_the_batch_so_far(void **state)
{
    (void)state;
    story *st = wr_calloc(1, sizeof *st);
    for (uint64_t seed = 1; seed <= 200; seed++) {
        flow_gen_opts shape = flow_gen_shape(seed);
        shape.label_prob *= 0.4;
        ref_world w;
        ref_world_init(&w, seed, &shape);
        wr_rng r = {.s = seed};
        setup(&w, &r, 40);
        if (seed % 3 == 0)
            setup_budgets(&w, &r);
        WR_AUTO(wr_typology_live) l = NULL;
        wr_typology_told told = {0};
        st->s.count = 0;
        assert_ok(wr_typology_live_new(&l, &w.in, SEARCHED, &w.o, &err));
        for (uint32_t i = 0; i < w.g.m; i++) {
            const wr_typology_transfer t = story_transfer(&w, i);
            assert_ok(wr_typology_live_push(&told, l, &t, &err));
            story_listen(st, &told);
            const bool is_last_of_time =
                i + 1 == w.g.m || w.g.time_s[i + 1] > w.g.time_s[i];
            if (is_last_of_time && below(&r, 4) == 0)
                assert_peek(st, l, &w, i, seed);
        }
        assert_ok(wr_typology_live_end(&told, l, &err));
        story_listen(st, &told);
        story_assert_told(st, &w, &w.o, SEARCHED, seed); /* looking changed nothing */
        assert_ok(wr_typology_live_peek(&told, l, SEARCHED, &err));
        assert_int_equal(told.count, 0);
        ref_world_release(&w);
    }
    assert_all_found(st, 100);
    wr_free(st);
}

/* Early cycles into the set: each is told with its last transfer. */
static void listen_early(ref_set *s, const wr_typology_told *told, uint32_t now)
{
    for (size_t i = 0; i < told->count; i++) {
        const wr_typology_news *n = &told->news[i];
        if (!n->is_early || n->typology != WR_TYPOLOGY_CYCLE)
            continue;
        assert_int_equal(told->edge[n->edge + n->edge_count - 1], now);
        ref_hit *h = ref_new(s, n->root);
        h->strength = n->strength;
        for (size_t k = 0; k < n->edge_count; k++)
            ref_edge(h, told->edge[n->edge + k]);
    }
}

static void test_typology_live_search__a_cycle_is_told_early(void **state)
{
    (void)state;
    const uint32_t which = 1U << WR_TYPOLOGY_CYCLE;
    ref_set *early = wr_calloc(1, sizeof *early);
    story *st = wr_calloc(1, sizeof *st);
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        flow_gen_opts shape = flow_gen_shape(seed);
        shape.label_prob *= 0.4;
        ref_world w;
        ref_world_init(&w, seed, &shape);
        wr_rng r = {.s = seed};
        setup(&w, &r, 40);
        w.o.hub_cap = 5000;
        WR_AUTO(wr_typology_live) l = NULL;
        wr_typology_told told = {0};
        st->s.count = early->count = 0;
        assert_ok(
            wr_typology_live_new(&l, &w.in, which | WR_TYPOLOGY_LIVE_EARLY, &w.o, &err));
        for (uint32_t i = 0; i < w.g.m; i++) {
            const wr_typology_transfer t = story_transfer(&w, i);
            assert_ok(wr_typology_live_push(&told, l, &t, &err));
            story_listen(st, &told);
            listen_early(early, &told, i);
        }
        assert_ok(wr_typology_live_end(&told, l, &err));
        story_listen(st, &told);
        story_assert_told(st, &w, &w.o, which, seed);
        WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
        assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
        ref_assert_equal(&h, early, &w, seed);
        ref_world_release(&w);
    }
    assert_true(st->hits[WR_TYPOLOGY_CYCLE] > 1000);
    wr_free(early);
    wr_free(st);
}

/* Is this a hit of a batch run up to now? */
static bool is_hit_of(const wr_typology_hits *h, const wr_typology_news *n,
                      const uint32_t *edge)
{
    for (uint64_t i = 0; i < h->count; i++)
        if (h->hit[i].typology == n->typology && h->hit[i].root == n->root &&
            h->hit[i].strength == n->strength && h->hit[i].edge_count == n->edge_count &&
            memcmp(h->edge + h->hit[i].edge, edge, n->edge_count * sizeof *edge) == 0)
            return true;
    return false;
}

typedef struct early_start { /* of a piece of early news */
    wr_vid root;
    uint8_t typology;
    uint32_t edge;
} early_start;

static void assert_early(const wr_typology_told *told, const ref_world *w, uint32_t now,
                         uint32_t which, early_start *start, uint32_t *count)
{
    wr_typology_opts o = w->o;
    WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
    o.to_s = w->g.time_s[now] + 1 < o.to_s ? w->g.time_s[now] + 1 : o.to_s;
    bool is_found = false;
    for (size_t i = 0; i < told->count; i++) {
        const wr_typology_news *n = &told->news[i];
        if (!n->is_early)
            continue;
        if (!is_found)
            assert_ok(wr_typology_find(&h, &w->in, which, &o, NULL, &err));
        is_found = true;
        assert_true(is_hit_of(&h, n, told->edge + n->edge));
        assert_true(*count < REF_HITS);
        start[(*count)++] = (early_start){n->root, n->typology, told->edge[n->edge]};
    }
}

static bool was_early(const early_start *start, uint32_t count, const wr_typology_hit *h,
                      uint32_t first)
{
    for (uint32_t i = 0; i < count; i++)
        if (start[i].root == h->root && start[i].typology == h->typology &&
            start[i].edge == first)
            return true;
    return false;
}

/* No two at one time: every moment is the end of a batch run. */
static void test_typology_live_search__early_news_is_the_batch_up_to_now(void **state)
{
    (void)state;
    const uint32_t which =
        1U << WR_TYPOLOGY_GATHER_SCATTER | 1U << WR_TYPOLOGY_SCATTER_GATHER;
    early_start *start = wr_calloc(REF_HITS, sizeof *start);
    uint64_t news = 0, hits[WR_TYPOLOGY_COUNT] = {0}, known[WR_TYPOLOGY_COUNT] = {0};
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        flow_gen_opts shape = flow_gen_shape(seed);
        shape.hubs = 0;
        shape.label_prob *= 0.4;
        ref_world w;
        ref_world_init(&w, seed, &shape);
        for (uint64_t i = 0; i < w.g.m; i++)
            w.g.time_s[i] = (uint32_t)i + w.g.time_s[i] / 4;
        wr_rng r = {.s = seed};
        setup(&w, &r, 50);
        uint32_t count = 0;
        WR_AUTO(wr_typology_live) l = NULL;
        wr_typology_told told = {0};
        assert_ok(
            wr_typology_live_new(&l, &w.in, which | WR_TYPOLOGY_LIVE_EARLY, &w.o, &err));
        for (uint32_t i = 0; i < w.g.m; i++) {
            const wr_typology_transfer t = story_transfer(&w, i);
            assert_ok(wr_typology_live_push(&told, l, &t, &err));
            assert_early(&told, &w, i, which, start, &count);
        }
        WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
        assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
        for (uint64_t i = 0; i < h.count; i++) {
            const int t = h.hit[i].typology;
            hits[t]++;
            known[t] += was_early(start, count, &h.hit[i], h.edge[h.hit[i].edge]);
        }
        news += count;
        ref_world_release(&w);
    }
    print_message("%lu early; scatter-gather: %lu of %lu as they began\n",
                  (unsigned long)news, (unsigned long)known[WR_TYPOLOGY_SCATTER_GATHER],
                  (unsigned long)hits[WR_TYPOLOGY_SCATTER_GATHER]);
    assert_true(news > 1000 && hits[WR_TYPOLOGY_SCATTER_GATHER] > 1000);
    /* A start that holds was told; legs may make an earlier start out of a later one. */
    assert_int_equal(known[WR_TYPOLOGY_GATHER_SCATTER], hits[WR_TYPOLOGY_GATHER_SCATTER]);
    assert_true(known[WR_TYPOLOGY_SCATTER_GATHER] * 10 >
                hits[WR_TYPOLOGY_SCATTER_GATHER] * 7);
    wr_free(start);
}

/* When the search from `first` on is over, at the latest. */
static uint64_t due_s(const wr_typology_opts *o, const wr_typology_news *n,
                      const uint32_t *edge, const ref_world *w)
{
    const uint64_t first_s = w->g.time_s[edge[0]],
                   last_s = w->g.time_s[edge[n->edge_count - 1]];
    const uint32_t stack_s = o->stack_window_s > o->bipartite_window_s
                                 ? o->stack_window_s
                                 : o->bipartite_window_s;
    switch (n->typology) {
    case WR_TYPOLOGY_GATHER_SCATTER:
        return first_s + o->gather_window_s;
    case WR_TYPOLOGY_SCATTER_GATHER:
        return first_s + 2ULL * o->scatter_window_s;
    case WR_TYPOLOGY_CYCLE:
        return first_s + o->cycle_window_s;
    case WR_TYPOLOGY_SMURF_BRIDGE:
        return first_s + o->bridge_window_s;
    case WR_TYPOLOGY_BIPARTITE:
        return first_s + o->bipartite_window_s;
    case WR_TYPOLOGY_STACK:
        return first_s + stack_s;
    case WR_TYPOLOGY_CHAIN:
        return last_s + 2ULL * o->pass_hold_s;
    default: /* mixers, dusting */
        return last_s;
    }
}

/* No news could have come with the push before. */
static void test_typology_live_search__is_told_in_time(void **state)
{
    (void)state;
    uint64_t news = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        flow_gen_opts shape = flow_gen_shape(seed);
        ref_world w;
        ref_world_init(&w, seed, &shape);
        wr_rng r = {.s = seed};
        setup(&w, &r, 30);
        WR_AUTO(wr_typology_live) l = NULL;
        wr_typology_told told = {0};
        assert_ok(wr_typology_live_new(&l, &w.in, SEARCHED, &w.o, &err));
        for (uint32_t i = 0; i <= w.g.m; i++) {
            const wr_typology_transfer t = story_transfer(&w, i < w.g.m ? i : 0);
            if (i < w.g.m)
                assert_ok(wr_typology_live_push(&told, l, &t, &err));
            else
                assert_ok(wr_typology_live_end(&told, l, &err));
            for (size_t k = 0; k < told.count; k++) {
                const wr_typology_news *n = &told.news[k];
                if (i > 0 && n->edge_count > 0)
                    assert_true(w.g.time_s[i - 1] <=
                                due_s(&w.o, n, told.edge + n->edge, &w));
                news++;
            }
        }
        ref_world_release(&w);
    }
    assert_true(news > 1000);
}

/* The log holds what is in a window, and twice that at most. */
static void test_typology_live_search__memory_is_bounded_by_windows(void **state)
{
    (void)state;
    flow_gen_opts shape = {.n = 200, .m = 20000, .c = 3, .assets = 1, .is_whole = true};
    ref_world w;
    ref_world_init(&w, 1, &shape);
    wr_rng r = {.s = 1};
    setup(&w, &r, 20);
    w.o.visits_max = 1000;
    WR_AUTO(wr_typology_live) l = NULL;
    wr_typology_told told = {0};
    assert_ok(wr_typology_live_new(&l, &w.in, SEARCHED, &w.o, &err));
    for (uint32_t i = 0; i < w.g.m; i++) {
        const wr_typology_transfer t = story_transfer(&w, i);
        assert_ok(wr_typology_live_push(&told, l, &t, &err));
        /* 40 s of at most some three transfers each. */
        assert_true(l->log.count < 512 && l->log.cap[0] <= 1024);
        assert_true(l->log.met.count <= 200 && l->mark_cap <= 1024);
        assert_true(l->wait[0].sink.hit_count < 64 && l->run_count < 512);
    }
    assert_true(l->log.passed > 15000);
    ref_world_release(&w);
}

/* 0 pays 1, 2, 3 and 4, each of which pays 5: early at the third, a hit when it is over.
 */
static void test_typology_live_search__early_then_certain(void **state)
{
    (void)state;
    const uint32_t over_s = 1000 + 2 * 2 * WR_TYPOLOGY_DAY_S;
    const ref_pay p[] = {{0, 1, 1000, 100},    {0, 2, 1010, 100}, {0, 3, 1020, 100},
                         {0, 4, 1030, 100},    {1, 5, 2000, 95},  {2, 5, 2010, 95},
                         {3, 5, 2020, 95},     {4, 5, 2030, 95},  {6, 7, over_s, 1},
                         {6, 7, over_s + 1, 1}};
    ref_world w;
    ref_by_hand(&w, p, 10, 8);
    WR_AUTO(wr_typology_live) l = NULL;
    wr_typology_told told = {0};
    assert_ok(wr_typology_live_new(
        &l, &w.in, 1U << WR_TYPOLOGY_SCATTER_GATHER | WR_TYPOLOGY_LIVE_EARLY, &w.o,
        &err));
    for (uint32_t i = 0; i < 10; i++) {
        const wr_typology_transfer t = story_transfer(&w, i);
        assert_ok(wr_typology_live_push(&told, l, &t, &err));
        assert_int_equal(told.count, i == 6 || i == 9);
        if (!told.count)
            continue;
        assert_int_equal(told.news[0].is_early, i == 6);
        assert_int_equal(told.news[0].is_new, i == 9);
        assert_int_equal(told.news[0].hit, i == 9);
        assert_int_equal(told.news[0].root, 0);
        assert_int_equal(told.news[0].edge_count, i == 6 ? 6 : 8);
    }
    assert_ok(wr_typology_live_end(&told, l, &err));
    assert_int_equal(told.count, 0);
    ref_world_release(&w);
}

/* All seventeen in one stream do not disturb each other. */
static void test_typology_live_search__beside_what_is_told_at_once(void **state)
{
    (void)state;
    story *st = wr_calloc(1, sizeof *st);
    for (uint64_t seed = 1; seed <= 200; seed++) {
        flow_gen_opts shape = flow_gen_shape(seed);
        shape.label_prob *= 0.4;
        ref_world w;
        ref_world_init(&w, seed, &shape);
        wr_rng r = {.s = seed};
        setup(&w, &r, 40);
        w.in.swap_mask = 0xff;
        story_replay(st, &w, WR_TYPOLOGY_ALL, seed, false);
        ref_world_release(&w);
    }
    assert_all_found(st, 10);
    wr_free(st);
}

static wr_status run_and_peek(const ref_world *w, wr_err *err)
{
    WR_AUTO(wr_typology_live) l = NULL;
    wr_typology_told told = {0};
    WR_TRY(
        wr_typology_live_new(&l, &w->in, SEARCHED | WR_TYPOLOGY_LIVE_EARLY, &w->o, err));
    for (uint32_t i = 0; i < w->g.m; i++) {
        const wr_typology_transfer t = story_transfer(w, i);
        WR_TRY(wr_typology_live_push(&told, l, &t, err));
    }
    return wr_typology_live_peek(&told, l, SEARCHED, err);
}

static void small_world(ref_world *w, uint64_t seed)
{
    flow_gen_opts shape = {.n = 10,
                           .m = 120,
                           .c = 3,
                           .assets = 1,
                           .hubs = 6,
                           .label_prob = 0.1,
                           .is_whole = true};
    ref_world_init(w, seed, &shape);
    wr_rng r = {.s = seed};
    setup(w, &r, 20);
    w->o.from_s = 0;
    w->o.to_s = UINT32_MAX;
}

static void test_typology_live_search__out_of_memory(void **state)
{
    (void)state;
    ref_world w;
    small_world(&w, 1);
    assert_oom_safe(story_run(&w, SEARCHED, &err));
    ref_world_release(&w);
}

static void test_typology_live_search__out_of_memory_at_a_look(void **state)
{
    (void)state;
    ref_world w;
    small_world(&w, 2);
    assert_oom_safe(run_and_peek(&w, &err));
    ref_world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_typology_live_search__is_the_batch_in_the_end),
        wr_unit_test(test_typology_live_search__spends_budgets_as_the_batch_does),
        wr_unit_test(test_typology_live_search__a_long_stream),
        wr_unit_test(test_typology_live_search__a_look_is_the_batch_so_far),
        wr_unit_test(test_typology_live_search__a_cycle_is_told_early),
        wr_unit_test(test_typology_live_search__early_news_is_the_batch_up_to_now),
        wr_unit_test(test_typology_live_search__early_then_certain),
        wr_unit_test(test_typology_live_search__is_told_in_time),
        wr_unit_test(test_typology_live_search__memory_is_bounded_by_windows),
        wr_unit_test(test_typology_live_search__beside_what_is_told_at_once),
        wr_unit_test(test_typology_live_search__out_of_memory),
        wr_unit_test(test_typology_live_search__out_of_memory_at_a_look),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
