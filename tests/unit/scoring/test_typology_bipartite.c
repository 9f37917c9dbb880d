/* Bipartite blocks and stacks of them against their definitions, with sets as bits. */
#include "typology_ref.h"

static void setup(ref_world *w, wr_rng *r)
{
    w->o.bipartite_senders = 2 + (uint32_t)wr_rng_below(r, 2);
    w->o.bipartite_receivers = 2 + (uint32_t)wr_rng_below(r, 2);
    w->o.bipartite_window_s = 5 + (uint32_t)wr_rng_below(r, 50);
    w->o.stack_window_s = w->o.bipartite_window_s + (uint32_t)wr_rng_below(r, 30);
    w->o.bipartite_density_min = wr_rng_below(r, 2) ? 0.5 : 0.7;
    w->o.visits_max = 1000000;
}

/* Small worlds have at most 64 wallets, hubs among them. */
static bool has(uint64_t set, wr_vid v)
{
    return set >> v & 1;
}

static uint32_t size(uint64_t set)
{
    return (uint32_t)__builtin_popcountll(set);
}

/* A transfer between two that are no hub and no service then. */
static bool is_plain_pay(const ref_world *w, uint32_t i)
{
    const flow_gen *g = &w->g;
    return ref_in_scope(w, i) && ref_moves(&g->fl, i) &&
           !wr_flow_is_hub(&g->fl, g->from[i]) && !wr_flow_is_hub(&g->fl, g->to[i]) &&
           !ref_is_service(&g->fl, g->from[i], g->time_s[i]) &&
           !ref_is_service(&g->fl, g->to[i], g->time_s[i]);
}

static bool is_between(const ref_world *w, uint32_t i, uint32_t first, uint32_t window_s)
{
    return i >= first && w->g.time_s[i] - w->g.time_s[first] <= window_s;
}

typedef struct block {
    uint64_t to, from, next; /* B, A, C */
    uint32_t pairs, next_pairs;
} block;

static uint64_t paid_by(const ref_world *w, wr_vid s, uint32_t first)
{
    uint64_t set = 0;
    for (uint32_t i = first; i < w->g.m; i++)
        if (w->g.from[i] == s && is_plain_pay(w, i) &&
            is_between(w, i, first, w->o.bipartite_window_s))
            set |= 1ULL << w->g.to[i];
    return set;
}

static bool read_block(block *b, const ref_world *w, uint32_t first)
{
    *b = (block){.to = paid_by(w, w->g.from[first], first)};
    if (size(b->to) < w->o.bipartite_receivers)
        return false;
    for (wr_vid s = 0; s < w->g.fl.n; s++) {
        const uint32_t paid = size(paid_by(w, s, first) & b->to);
        if (has(b->to, s) || !paid || paid < w->o.bipartite_density_min * size(b->to))
            continue;
        b->from |= 1ULL << s;
        b->pairs += paid;
    }
    return size(b->from) >= w->o.bipartite_senders;
}

static bool is_first_layer(const ref_world *w, const block *b, uint32_t first, uint32_t i)
{
    return is_plain_pay(w, i) && is_between(w, i, first, w->o.bipartite_window_s) &&
           has(b->from, w->g.from[i]) && has(b->to, w->g.to[i]);
}

/* One of B pays somebody new, after A paid it. */
static bool is_second_layer(const ref_world *w, const block *b, uint32_t first,
                            uint32_t i)
{
    bool is_later = false;
    for (uint32_t k = first; k < i; k++)
        is_later |= is_first_layer(w, b, first, k) && w->g.to[k] == w->g.from[i];
    return is_later && is_plain_pay(w, i) && has(b->to, w->g.from[i]) &&
           is_between(w, i, first, w->o.stack_window_s) &&
           !has(b->to | b->from, w->g.to[i]);
}

static bool read_next(block *b, const ref_world *w, uint32_t first)
{
    for (wr_vid c = 0; c < w->g.fl.n; c++) {
        uint64_t payers = 0;
        for (uint32_t i = first; i < w->g.m; i++)
            if (w->g.to[i] == c && is_second_layer(w, b, first, i))
                payers |= 1ULL << w->g.from[i];
        if (!payers || size(payers) < w->o.bipartite_density_min * size(b->to))
            continue;
        b->next |= 1ULL << c;
        b->next_pairs += size(payers);
    }
    return size(b->next) >= w->o.bipartite_receivers;
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

static void write_hit(ref_set *s, const ref_world *w, const block *b, uint32_t first,
                      bool is_stack)
{
    ref_hit *h = ref_new(s, w->g.from[first]);
    for (uint32_t i = first; i < w->g.m; i++)
        if (is_first_layer(w, b, first, i) ||
            (is_stack && has(b->next, w->g.to[i]) && is_second_layer(w, b, first, i)))
            ref_edge(h, i);
    const double from = ref_strength(size(b->from), w->o.bipartite_senders),
                 to = ref_strength(size(b->to), w->o.bipartite_receivers);
    h->strength = b->pairs / ((double)size(b->from) * size(b->to)) * least(from, to);
    if (is_stack)
        h->strength =
            (b->pairs + b->next_pairs) /
            ((double)size(b->to) * (size(b->from) + size(b->next))) *
            least(least(from, to), ref_strength(size(b->next), w->o.bipartite_receivers));
}

static void candidates(ref_set *s, const ref_world *w, wr_vid u, bool is_stack)
{
    for (uint32_t i = 0; i < w->g.m;) {
        if (w->g.from[i] != u || !is_plain_pay(w, i)) {
            i++;
            continue;
        }
        block b;
        const uint32_t first = i, t = w->g.time_s[i];
        const bool is_block = read_block(&b, w, first);
        if (is_block && (!is_stack || read_next(&b, w, first)))
            write_hit(s, w, &b, first, is_stack);
        for (i++; i < w->g.m; i++) {
            const uint32_t age = w->g.time_s[i] - t;
            if (is_block ? age > w->o.bipartite_window_s
                         : 2 * age >= w->o.bipartite_window_s)
                break;
        }
    }
}

static int by_first_edge(const void *a, const void *b)
{
    const ref_hit *x = a, *y = b;
    if (x->edge[0] != y->edge[0])
        return x->edge[0] < y->edge[0] ? -1 : 1;
    return ref_by_root(a, b);
}

static void brute(ref_set *s, ref_world *w, bool is_stack)
{
    if (w->g.fl.n > 64)
        return;
    for (wr_vid u = 0; u < w->g.fl.n; u++)
        candidates(s, w, u, is_stack);
    ref_sort(s);
    qsort(s->hit, s->count, sizeof s->hit[0], by_first_edge);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        uint32_t known = 0;
        for (uint32_t e = 0; e < s->hit[i].count; e++) {
            bool is_known = false;
            for (uint32_t k = 0; k < kept; k++)
                for (uint32_t f = 0; f < s->hit[k].count; f++)
                    is_known |= s->hit[k].edge[f] == s->hit[i].edge[e];
            known += is_known;
        }
        if (2 * known < s->hit[i].count)
            s->hit[kept++] = s->hit[i];
    }
    s->count = kept;
}

static void brute_block(ref_set *s, ref_world *w)
{
    brute(s, w, false);
}

static void brute_stack(ref_set *s, ref_world *w)
{
    brute(s, w, true);
}

static void test_typology_bipartite__is_what_the_definition_says(void **state)
{
    (void)state;
    ref_check_worlds(WR_TYPOLOGY_BIPARTITE, 1500, true, setup, brute_block);
}

static void setup_stack(ref_world *w, wr_rng *r)
{
    setup(w, r);
    w->o.bipartite_receivers = 2;
    w->o.bipartite_senders = 2;
    w->o.bipartite_density_min = 0.5;
    w->o.stack_window_s += 40;
}

static void test_typology_stack__is_what_the_definition_says(void **state)
{
    (void)state;
    ref_check_worlds(WR_TYPOLOGY_STACK, 1500, true, setup_stack, brute_stack);
}

static void setup_threads(ref_world *w, wr_rng *r)
{
    setup_stack(w, r);
    for (uint64_t i = 0; i < w->g.m; i++) { /* blocks of ten wallets next to each other */
        const wr_vid base = w->g.from[i] / 10 * 10;
        if (base + 10 <= 1500 && w->g.to[i] < 1500)
            w->g.to[i] = base + w->g.to[i] % 10;
    }
    flow_gen *g = &w->g;
    wr_free(g->in_off);
    wr_free(g->in_col);
    flow_gen_rows(&g->fl.in, &g->in_off, &g->in_col, g->to, g);
    w->in.flow = g->fl;
    w->o.bipartite_window_s = 30;
    w->o.stack_window_s = 60;
}

static void test_typology_bipartite__same_bits_for_any_thread_count(void **state)
{
    (void)state;
    ref_check_threads(WR_TYPOLOGY_BIPARTITE, true, setup_threads);
    ref_check_threads(WR_TYPOLOGY_STACK, true, setup_threads);
}

static void test_typology_bipartite__empty_one_and_out_of_memory(void **state)
{
    (void)state;
    ref_check_edges(WR_TYPOLOGY_BIPARTITE, setup_stack);
    ref_check_edges(WR_TYPOLOGY_STACK, setup_stack);
}

/* 0, 1, 2 pay 3, 4, 5, of whom each then pays 6, 7, 8. */
static void plant(ref_world *w)
{
    ref_pay p[18];
    for (uint32_t i = 0; i < 9; i++) {
        p[i] = (ref_pay){i % 3, 3 + i / 3, 1000 + i, 10};
        p[9 + i] = (ref_pay){3 + i % 3, 6 + i / 3, 2000 + i, 10};
    }
    ref_by_hand(w, p, 18, 9);
}

static void test_typology_bipartite__by_hand(void **state)
{
    (void)state;
    ref_world w;
    plant(&w);
    const uint32_t which = 1U << WR_TYPOLOGY_BIPARTITE | 1U << WR_TYPOLOGY_STACK;
    WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(h.hit[i].root, i == 1 ? 3 : 0);
        assert_int_equal(h.hit[i].edge_count, i == 2 ? 18 : 9);
        assert_int_equal(h.hit[i].typology,
                         i == 2 ? WR_TYPOLOGY_STACK : WR_TYPOLOGY_BIPARTITE);
        assert_true(h.hit[i].strength == 0.5);
    }
    ref_world_release(&w);
}

static void test_typology_bipartite__budget_and_hub_cap(void **state)
{
    (void)state;
    ref_world w;
    plant(&w);
    const uint32_t which = 1U << WR_TYPOLOGY_BIPARTITE | 1U << WR_TYPOLOGY_STACK;
    WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
    w.o.visits_max = 9; /* enough for a layer, not for two */
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.count, 2);
    assert_int_equal(h.partial_roots[WR_TYPOLOGY_BIPARTITE], 0);
    assert_true(h.partial_roots[WR_TYPOLOGY_STACK] > 0);
    wr_typology_hits_release(&h);
    w.o.visits_max = 20000;
    w.o.hub_cap = 2;
    assert_ok(wr_typology_find(&h, &w.in, which, &w.o, NULL, &err));
    assert_int_equal(h.count, 0);
    assert_true(h.truncated_roots[WR_TYPOLOGY_BIPARTITE] > 0);
    ref_world_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_typology_bipartite__is_what_the_definition_says),
        wr_unit_test(test_typology_stack__is_what_the_definition_says),
        wr_unit_test(test_typology_bipartite__same_bits_for_any_thread_count),
        wr_unit_test(test_typology_bipartite__empty_one_and_out_of_memory),
        wr_unit_test(test_typology_bipartite__by_hand),
        wr_unit_test(test_typology_bipartite__budget_and_hub_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
