/*
 * Extraction against its definition on small random graphs: connections and strengths
 * from a matrix that is summed over all transfers, rounds by repeated search over all
 * vertices.
 */
#include <math.h>

#include "graph/subgraph.h"
#include "graph_test.h"

enum { N_MAX = 14 };

static wr_snapshot *build(wr_edges *e, uint32_t n)
{
    wr_snapshot *g = NULL;
    assert_ok(wr_snapshot_build(&g, e, NULL, n, NULL, &err));
    return g;
}

/* --- the definition ------------------------------------------------------------------
 */

typedef struct reference {
    uint32_t n;
    double sum[N_MAX][N_MAX]; /* of transfers in the range, column order */
    uint32_t count[N_MAX][N_MAX];
    int hop[N_MAX]; /* -1 = not in */
    uint32_t joined;
    bool is_truncated;
} reference;

static bool in_range(const wr_subgraph_query *q, uint32_t t)
{
    return t >= q->from_s && t <= q->to_s;
}

static void sum_up(reference *r, const wr_snapshot *g, const wr_subgraph_query *q)
{
    const wr_columns c = wr_snapshot_columns(g);
    for (uint64_t i = 0; i < c.m; i++)
        if (c.from[i] != c.to[i] && in_range(q, c.time_s[i])) {
            r->sum[c.from[i]][c.to[i]] += c.value[i];
            r->count[c.from[i]][c.to[i]]++;
        }
}

static bool has_connection(const reference *r, const wr_subgraph_query *q, wr_vid u,
                           wr_vid v)
{
    return r->count[u][v] > 0 && r->sum[u][v] >= q->min_value;
}

/* Strength of the best step u -> v that the direction allows, -1 = none. */
static float step(const reference *r, const wr_subgraph_query *q, wr_vid u, wr_vid v)
{
    float best = -1.0F;
    if (q->direction != WR_RECEIVING && has_connection(r, q, u, v))
        best = (float)r->sum[u][v];
    if (q->direction != WR_SENDING && has_connection(r, q, v, u) &&
        (float)r->sum[v][u] > best)
        best = (float)r->sum[v][u];
    return best;
}

/* One round: neighbours of those `from` marks join at `hop`, the strongest first. */
static uint32_t join_round(reference *r, const wr_subgraph_query *q, const bool *from,
                           bool *fresh, int hop)
{
    float best[N_MAX];
    uint32_t joined = 0;
    for (wr_vid v = 0; v < r->n; v++) {
        best[v] = -1.0F;
        fresh[v] = false;
        for (wr_vid u = 0; u < r->n && r->hop[v] < 0; u++)
            if (from[u] && step(r, q, u, v) > best[v])
                best[v] = step(r, q, u, v);
    }
    for (;;) {
        wr_vid strongest = UINT32_MAX;
        for (wr_vid v = 0; v < r->n; v++)
            if (best[v] >= 0 && (strongest == UINT32_MAX || best[v] > best[strongest]))
                strongest = v;
        if (strongest == UINT32_MAX)
            return joined;
        if (r->joined == q->nodes_max) {
            r->is_truncated = true;
            return joined;
        }
        best[strongest] = -1.0F;
        r->hop[strongest] = hop;
        fresh[strongest] = true;
        r->joined++;
        joined++;
    }
}

static void search(reference *r, const wr_snapshot *g, const wr_subgraph_query *q)
{
    r->n = wr_snapshot_n(g);
    sum_up(r, g, q);
    for (wr_vid v = 0; v < r->n; v++)
        r->hop[v] = -1;
    for (size_t i = 0; i < q->seeds; i++) {
        r->joined += r->hop[q->seed[i]] < 0;
        r->hop[q->seed[i]] = 0;
    }
    for (int hop = 0;; hop++) {
        bool fresh[N_MAX];
        bool from[N_MAX];
        for (wr_vid v = 0; v < r->n; v++)
            fresh[v] = r->hop[v] == hop;
        for (uint32_t more = 1; more && !r->is_truncated;) {
            for (wr_vid v = 0; v < r->n; v++)
                from[v] = fresh[v] && wr_snapshot_is_hub(g, v);
            more = join_round(r, q, from, fresh, hop);
        }
        if (hop == (int)q->hops_max || r->is_truncated)
            return;
        for (wr_vid v = 0; v < r->n; v++)
            from[v] = r->hop[v] == hop && !wr_snapshot_is_hub(g, v);
        (void)join_round(r, q, from, fresh, hop + 1);
        if (r->is_truncated)
            return;
    }
}

/* --- the result against it
 * --------------------------------------------------------------- */

static void check_nodes(const wr_subgraph *s, const reference *r)
{
    assert_int_equal(s->n, r->joined);
    assert_int_equal(s->is_truncated, r->is_truncated);
    for (uint32_t i = 0; i < s->n; i++) {
        assert_int_equal(r->hop[s->node[i].v], s->node[i].hop);
        assert_true(
            i == 0 || s->node[i - 1].hop < s->node[i].hop ||
            (s->node[i - 1].hop == s->node[i].hop && s->node[i - 1].v < s->node[i].v));
    }
}

static void check_pair_edges(const wr_subgraph *s, const reference *r,
                             const wr_subgraph_query *q)
{
    uint64_t k = 0;
    for (uint32_t i = 0; i < s->n; i++)
        for (uint32_t j = 0; j < s->n; j++) {
            const wr_vid u = s->node[i].v;
            const wr_vid v = s->node[j].v;
            if (i == j || !has_connection(r, q, u, v))
                continue;
            assert_true(k < s->m);
            assert_int_equal(s->edge[k].from, i);
            assert_int_equal(s->edge[k].to, j);
            assert_int_equal(s->edge[k].count, r->count[u][v]);
            assert_true(s->edge[k].value == r->sum[u][v]);
            assert_true(s->edge[k].transfer == WR_TRANSFER_NONE);
            assert_true(in_range(q, s->edge[k].first_s) &&
                        in_range(q, s->edge[k].last_s));
            k++;
        }
    assert_int_equal(s->m, k);
}

static void check_transfer_edges(const wr_subgraph *s, const reference *r,
                                 const wr_subgraph_query *q, const wr_columns *c)
{
    uint64_t k = 0;
    for (uint32_t i = 0; i < s->n; i++)
        for (uint32_t j = 0; j < s->n; j++)
            for (uint64_t t = 0; t < c->m; t++) {
                if (i == j || c->from[t] != s->node[i].v || c->to[t] != s->node[j].v ||
                    !in_range(q, c->time_s[t]) ||
                    !has_connection(r, q, c->from[t], c->to[t]))
                    continue;
                assert_true(k < s->m);
                assert_int_equal(s->edge[k].from, i);
                assert_int_equal(s->edge[k].to, j);
                assert_int_equal(s->edge[k].transfer, t);
                assert_int_equal(s->edge[k].count, 1);
                assert_int_equal(s->edge[k].first_s, c->time_s[t]);
                assert_true(s->edge[k].value == c->value[t]);
                k++;
            }
    assert_int_equal(s->m, k);
}

static void check_against_definition(const wr_snapshot *g, const wr_subgraph_query *q)
{
    reference r = {0};
    search(&r, g, q);
    wr_subgraph s = {0};
    assert_ok(wr_subgraph_extract(&s, g, q, &err));
    check_nodes(&s, &r);
    const wr_columns c = wr_snapshot_columns(g);
    if (q->is_transfer_level)
        check_transfer_edges(&s, &r, q, &c);
    else
        check_pair_edges(&s, &r, q);
    wr_subgraph_release(&s);
}

static void test_extract__five_thousand_small_graphs(void **state)
{
    (void)state;
    wr_rng r = {.s = 77};
    for (int k = 0; k < 5000; k++) {
        const rows_shape shape = {.n = 1 + (uint32_t)wr_rng_below(&r, N_MAX),
                                  .m = wr_rng_below(&r, 40),
                                  .times = 20,
                                  .seq_kind = 1};
        wr_edges e;
        random_rows(&e, &r, &shape);
        for (uint64_t i = 0; i < e.m; i++) /* ties and equality with min_value */
            e.value[i] = (double)wr_rng_below(&r, 4) * 0.1;
        WR_AUTO(wr_snapshot) g = build(&e, shape.n);
        for (wr_vid v = 0; v < shape.n; v++)
            if (k % 3 == 0 && wr_rng_below(&r, 3) == 0)
                assert_ok(wr_snapshot_mark_hub(g, v, &err));
        const wr_vid seed[] = {(wr_vid)wr_rng_below(&r, shape.n),
                               (wr_vid)wr_rng_below(&r, shape.n)};
        wr_subgraph_query q = WR_SUBGRAPH_QUERY_INIT;
        q.seed = seed;
        q.seeds = 1 + (size_t)(k % 2);
        q.hops_max = (uint32_t)wr_rng_below(&r, 5);
        q.direction = (int)wr_rng_below(&r, 3) - 1;
        q.min_value = (double)wr_rng_below(&r, 4) * 0.1;
        if (k % 4 == 0) {
            q.from_s = 1600000000 + (uint32_t)wr_rng_below(&r, 12);
            q.to_s = q.from_s + (uint32_t)wr_rng_below(&r, 10);
        }
        if (k % 5 == 0)
            q.nodes_max = 2 + (uint32_t)wr_rng_below(&r, 6);
        q.is_transfer_level = k % 7 == 0;
        check_against_definition(g, &q);
    }
}

/* --- by eye
 * -------------------------------------------------------------------------------- */

static void extract(wr_subgraph *s, const wr_snapshot *g, wr_vid seed, uint32_t hops,
                    int direction)
{
    wr_subgraph_query q = WR_SUBGRAPH_QUERY_INIT;
    q.seed = &seed;
    q.seeds = 1;
    q.hops_max = hops;
    q.direction = direction;
    *s = (wr_subgraph){0};
    assert_ok(wr_subgraph_extract(s, g, &q, &err));
}

static void test_extract__a_hub_costs_no_hop(void **state)
{
    (void)state;
    /* inputs 0 and 1 -> transaction 2 -> outputs 3 and 4; 4 -> 5 beside it */
    wr_edges e = {0};
    push_row(&e, 0, 2, 1600000000, 1.0, 1);
    push_row(&e, 1, 2, 1600000000, 2.0, 2);
    push_row(&e, 2, 3, 1600000000, 2.5, 3);
    push_row(&e, 2, 4, 1600000000, 0.5, 4);
    push_row(&e, 4, 5, 1600000001, 0.5, 5);
    WR_AUTO(wr_snapshot) g = build(&e, 6);
    assert_ok(wr_snapshot_mark_hub(g, 2, &err));
    wr_subgraph s;
    extract(&s, g, 0, 1, WR_SENDING);
    assert_int_equal(s.n, 4); /* 0; 2 3 4 at hop 1; not the other input, not 5 */
    for (uint32_t i = 0; i < 4; i++) {
        const wr_vid want[] = {0, 2, 3, 4};
        assert_int_equal(s.node[i].v, want[i]);
        assert_int_equal(s.node[i].hop, i > 0);
    }
    assert_int_equal(s.m, 3);
    wr_subgraph_release(&s);
    extract(&s, g, 0, 0, WR_SENDING);
    assert_int_equal(s.n, 1);
    assert_int_equal(s.m, 0);
    wr_subgraph_release(&s);
    extract(&s, g, 2, 0, WR_SUBGRAPH_BOTH); /* a transaction and its addresses */
    assert_int_equal(s.n, 5);
    assert_int_equal(s.node[4].hop, 0);
    wr_subgraph_release(&s);
}

static void test_extract__both_ends_of_the_time_range_are_inside(void **state)
{
    (void)state;
    wr_edges e = {0};
    for (uint32_t i = 0; i < 5; i++)
        push_row(&e, 0, 1, 1600000000 + i, 1.0, i);
    WR_AUTO(wr_snapshot) g = build(&e, 2);
    const wr_vid seed = 0;
    wr_subgraph_query q = WR_SUBGRAPH_QUERY_INIT;
    q.seed = &seed;
    q.seeds = 1;
    q.from_s = 1600000001;
    q.to_s = 1600000003;
    q.min_value = 3.0; /* equal is enough */
    wr_subgraph s = {0};
    assert_ok(wr_subgraph_extract(&s, g, &q, &err));
    assert_int_equal(s.m, 1);
    assert_int_equal(s.edge[0].count, 3);
    assert_int_equal(s.edge[0].first_s, 1600000001);
    assert_int_equal(s.edge[0].last_s, 1600000003);
    wr_subgraph_release(&s);
    q.min_value = nextafter(3.0, 4.0);
    assert_ok(wr_subgraph_extract(&s, g, &q, &err));
    assert_int_equal(s.n, 1);
    wr_subgraph_release(&s);
}

/* Far more neighbours than room: the pruning inside a round must not change the choice.
 */
static void test_extract__the_strongest_of_two_hundred_thousand_stay(void **state)
{
    (void)state;
    enum { LEAVES = 200000, KEPT = 100 };
    wr_edges e = {0};
    assert_ok(wr_edges_reserve(&e, (uint64_t)2 * LEAVES, &err));
    for (uint32_t k = 0; k < 2;
         k++) /* from both seeds, the second one stronger at times */
        for (uint32_t i = 0; i < LEAVES; i++) {
            const uint32_t strong = (i * UINT32_C(7919)) % LEAVES;
            e.from[e.m] = k;
            e.to[e.m] = 2 + i;
            e.time_s[e.m] = 1600000000;
            e.value[e.m] = (double)(k == 0 ? strong / 2 : strong / 4 * 4);
            e.asset[e.m] = 0;
            e.seq[e.m] = (int64_t)e.m;
            e.m++;
        }
    WR_AUTO(wr_snapshot) g = build(&e, LEAVES + 2);
    const wr_vid seed[] = {0, 1};
    wr_subgraph_query q = WR_SUBGRAPH_QUERY_INIT;
    q.seed = seed;
    q.seeds = 2;
    q.hops_max = 1;
    q.nodes_max = KEPT + 2;
    wr_subgraph s = {0};
    assert_ok(wr_subgraph_extract(&s, g, &q, &err));
    assert_true(s.is_truncated);
    assert_int_equal(s.n, KEPT + 2);
    bool kept[LEAVES] = {0};
    for (uint32_t i = 2; i < s.n; i++)
        kept[s.node[i].v - 2] = true;
    uint32_t weakest = LEAVES; /* nobody outside may be stronger than somebody inside */
    uint32_t strongest_out = 0;
    for (uint32_t i = 0; i < LEAVES; i++) {
        const uint32_t value = (i * UINT32_C(7919)) % LEAVES / 4 * 4;
        if (kept[i] && value < weakest)
            weakest = value;
        if (!kept[i] && value > strongest_out)
            strongest_out = value;
    }
    assert_true(weakest >= strongest_out);
    wr_subgraph_release(&s);
}

static void test_extract__cap_that_just_fits_truncates_nothing(void **state)
{
    (void)state;
    wr_edges e = {0};
    push_row(&e, 0, 1, 1600000000, 1.0, 1);
    push_row(&e, 1, 2, 1600000000, 1.0, 2);
    WR_AUTO(wr_snapshot) g = build(&e, 4);
    const wr_vid seed = 0;
    wr_subgraph_query q = WR_SUBGRAPH_QUERY_INIT;
    q.seed = &seed;
    q.seeds = 1;
    q.hops_max = 9;
    q.nodes_max = 3;
    wr_subgraph s = {0};
    assert_ok(wr_subgraph_extract(&s, g, &q, &err));
    assert_int_equal(s.n, 3);
    assert_false(s.is_truncated);
    wr_subgraph_release(&s);
    q.nodes_max = 2;
    assert_ok(wr_subgraph_extract(&s, g, &q, &err));
    assert_int_equal(s.n, 2);
    assert_true(s.is_truncated);
    wr_subgraph_release(&s);
}

/* --- refusals
 * ------------------------------------------------------------------------------ */

static void refuse(wr_status want, const char *msg, const wr_snapshot *g,
                   const wr_subgraph_query *q)
{
    wr_err fault = {0};
    wr_subgraph s = {.n = 99};
    assert_int_equal(wr_subgraph_extract(&s, g, q, &fault), want);
    assert_string_equal(fault.msg, msg);
    assert_int_equal(s.n, 99); /* untouched */
}

static void test_extract__refuses(void **state)
{
    (void)state;
    wr_edges e = {0};
    for (uint32_t i = 0; i < 6; i++)
        push_row(&e, 0, 1 + i % 3, 1600000000, 1.0, i);
    WR_AUTO(wr_snapshot) g = build(&e, 4);
    const wr_vid seed[] = {0, 3, 4};
    wr_subgraph_query ok = WR_SUBGRAPH_QUERY_INIT;
    ok.seed = seed;
    ok.seeds = 2;
    wr_subgraph_query q = ok;
    q.seeds = 0;
    refuse(WR_EINVAL, "subgraph without a seed", g, &q);
    q.seeds = 3;
    refuse(WR_EINVAL, "seed 4 of 4 vertices", g, &q);
    q = ok;
    q.hops_max = 33;
    refuse(WR_EINVAL, "hops 33 (0 to 32)", g, &q);
    q = ok;
    q.direction = 2;
    refuse(WR_EINVAL, "direction 2", g, &q);
    q = ok;
    q.min_value = -1.0;
    refuse(WR_EINVAL, "min_value -1 (finite, from 0)", g, &q);
    q.min_value = (double)NAN;
    refuse(WR_EINVAL, "min_value nan (finite, from 0)", g, &q);
    q.min_value = (double)INFINITY;
    refuse(WR_EINVAL, "min_value inf (finite, from 0)", g, &q);
    q = ok;
    q.from_s = 2;
    q.to_s = 1;
    refuse(WR_EINVAL, "time range from 2 to 1", g, &q);
    q = ok;
    q.nodes_max = 0;
    refuse(WR_EINVAL, "nodes_max 0 (1 to 1000000)", g, &q);
    q.nodes_max = 1000001;
    refuse(WR_EINVAL, "nodes_max 1000001 (1 to 1000000)", g, &q);
    q.nodes_max = 1;
    refuse(WR_ELIMIT, "over 1 seeds (nodes_max)", g, &q);
    q = ok;
    q.edges_max = 0;
    refuse(WR_EINVAL, "edges_max 0 (1 to 10000000)", g, &q);
    q.edges_max = 5;
    q.is_transfer_level = true;
    refuse(WR_ELIMIT,
           "over 5 edges between 4 nodes: narrow the time range, raise min_value", g, &q);
    q.edges_max = 6;
    wr_subgraph s = {0};
    assert_ok(wr_subgraph_extract(&s, g, &q, &err));
    assert_int_equal(s.m, 6);
    wr_subgraph_release(&s);
}

static wr_status extract_and_drop(const wr_snapshot *g, wr_err *fault)
{
    const wr_vid seed = 0;
    wr_subgraph_query q = WR_SUBGRAPH_QUERY_INIT;
    q.seed = &seed;
    q.seeds = 1;
    wr_subgraph s = {0};
    const wr_status st = wr_subgraph_extract(&s, g, &q, fault);
    wr_subgraph_release(&s);
    return st;
}

static void test_extract__out_of_memory(void **state)
{
    (void)state;
    wr_edges e = {0};
    for (uint32_t i = 0; i < 200; i++)
        push_row(&e, i % 20, i, 1600000000 + i, 1.0, i);
    WR_AUTO(wr_snapshot) g = build(&e, 200);
    assert_oom_safe(extract_and_drop(g, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_extract__five_thousand_small_graphs),
        wr_unit_test(test_extract__a_hub_costs_no_hop),
        wr_unit_test(test_extract__both_ends_of_the_time_range_are_inside),
        wr_unit_test(test_extract__the_strongest_of_two_hundred_thousand_stay),
        wr_unit_test(test_extract__cap_that_just_fits_truncates_nothing),
        wr_unit_test(test_extract__refuses),
        wr_unit_test(test_extract__out_of_memory),
    };
    return cmocka_run_group_tests_name("graph/subgraph", tests, NULL, NULL);
}
