/*
 * Typology hits as numbers of wallets: against a table of everything, in parts, names of
 * columns, memory; and which typologies ask more of labels than who is a service.
 */
#include "scoring/motifs.h"

#include <stdio.h>
#include <string.h>

#include "scoring/feature.h"
#include "typology_ref.h"

enum { GRAPHS = 300, CELLS_MAX = 80 * WR_MOTIF_COLUMNS };

static void world_init(ref_world *w, uint64_t seed)
{
    flow_gen_opts o = flow_gen_shape(seed);
    wr_rng r = {.s = seed ^ 0x307fULL};
    o.m += 60;
    ref_world_init(w, seed, &o);
    ref_values(w, &r, 3);
    w->o.from_s = 0;
    w->o.to_s = UINT32_MAX;
    w->in.mixer_mask = 2;
    w->in.swap_mask = 5;
}

/* ---- numbers ---- */

static void count_all(float *x, const wr_typology_hits *h, uint32_t n)
{
    for (wr_vid v = 0; v < n; v++)
        for (uint64_t i = 0; i < h->count; i++) {
            const wr_typology_hit *hit = &h->hit[i];
            float *at = x + v * (size_t)WR_MOTIF_COLUMNS + 3 * hit->typology;
            bool is_in = false;
            for (uint32_t k = 0; k < hit->member_count; k++)
                is_in |= h->member[hit->member + k] == v;
            if (!is_in)
                continue;
            at[0] += hit->root == v;
            at[1] += hit->root != v;
            at[2] = at[2] > (float)hit->strength ? at[2] : (float)hit->strength;
        }
}

static void same_as(const wr_motifs *m, const float *want, uint64_t seed)
{
    size_t rows = 0;
    for (wr_vid v = 0; v < m->n; v++) {
        static const float none[WR_MOTIF_COLUMNS];
        const float *have = wr_motifs_of(m, v);
        rows += have != NULL;
        if (memcmp(have ? have : none, want + v * (size_t)WR_MOTIF_COLUMNS,
                   sizeof none) != 0)
            fail_msg("seed %u, wallet %u", (unsigned)seed, v);
    }
    assert_int_equal(rows, m->rows);
}

/* All at once; and wallet set by wallet set, typology by typology. */
static void test_motifs_add__against_a_table_of_all(void **state)
{
    (void)state;
    static float want[CELLS_MAX];
    uint64_t hits = 0;
    for (uint64_t seed = 0; seed < GRAPHS; seed++) {
        ref_world w;
        world_init(&w, seed);
        const uint32_t n = w.g.fl.n;
        const uint64_t odd[] = {0xaaaaaaaaaaaaaaaaULL, 0xaaaaaaaaaaaaaaaaULL};
        const uint64_t even[] = {~odd[0], ~odd[1]};
        WR_TYPOLOGY_HITS_AUTO wr_typology_hits all = {0};
        WR_MOTIFS_AUTO wr_motifs once = {0};
        WR_MOTIFS_AUTO wr_motifs parts = {0};
        assert_ok(wr_typology_find(&all, &w.in, WR_TYPOLOGY_ALL, &w.o, NULL, &err));
        assert_ok(wr_motifs_init(&once, n, &err));
        assert_ok(wr_motifs_init(&parts, n, &err));
        assert_ok(wr_motifs_add(&once, &all, NULL, &err));
        for (int t = 0; t < WR_TYPOLOGY_COUNT; t++) {
            WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
            assert_ok(wr_typology_find(&h, &w.in, 1U << t, &w.o, NULL, &err));
            assert_ok(wr_motifs_add(&parts, &h, t % 2 ? odd : even, &err));
            assert_ok(wr_motifs_add(&parts, &h, t % 2 ? even : odd, &err));
        }
        assert_true((size_t)n * WR_MOTIF_COLUMNS <= CELLS_MAX);
        memset(want, 0, sizeof want);
        count_all(want, &all, n);
        same_as(&once, want, seed);
        same_as(&parts, want, seed);
        hits += all.count;
        ref_world_release(&w);
    }
    assert_true(hits > 20 * GRAPHS);
}

static void test_motifs_add__nothing(void **state)
{
    (void)state;
    const wr_typology_hits none = {0};
    for (uint32_t n = 0; n < 2; n++) {
        WR_MOTIFS_AUTO wr_motifs m = {0};
        assert_ok(wr_motifs_init(&m, n, &err));
        assert_ok(wr_motifs_add(&m, &none, NULL, &err));
        assert_int_equal(m.rows, 0);
        assert_true(!n || !wr_motifs_of(&m, 0));
    }
}

static wr_status add_twice(const wr_typology_hits *h, uint32_t n, const uint64_t *first,
                           wr_err *e)
{
    WR_MOTIFS_AUTO wr_motifs m = {0};
    WR_TRY(wr_motifs_init(&m, n, e));
    WR_TRY(wr_motifs_add(&m, h, first, e));
    const wr_status s = wr_motifs_add(&m, h, NULL, e);
    for (wr_vid v = 0; s != WR_OK && v < n; v++) /* as it was */
        assert_true(m.row[v] <= m.rows && (!m.row[v] || (first[0] >> v & 1)));
    return s;
}

static void test_motifs_add__memory(void **state)
{
    (void)state;
    ref_world w;
    world_init(&w, 1);
    const uint64_t first[] = {1, 0}; /* one row, then many */
    WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
    assert_ok(wr_typology_find(&h, &w.in, WR_TYPOLOGY_ALL, &w.o, NULL, &err));
    assert_true(h.count > 0);
    assert_oom_safe(add_twice(&h, w.g.fl.n, first, &err));
    ref_world_release(&w);
}

/* ---- names ---- */

static void test_motifs__columns_are_named_by_typology(void **state)
{
    (void)state;
    static const char *const PART[] = {
        [WR_MOTIF_ROOT] = "root",
        [WR_MOTIF_MEMBER] = "member",
        [WR_MOTIF_STRENGTH] = "strength",
    };
    for (uint32_t k = 0; k < WR_MOTIF_COLUMNS; k++) {
        char name[64];
        (void)snprintf(name, sizeof name, "%s_%s",
                       wr_typology_name((wr_typology)(k / WR_MOTIF_PARTS)),
                       PART[k % WR_MOTIF_PARTS]);
        const wr_feature *f =
            wr_feature_at(WR_FEATURE_WALLET, WR_WF_MOTIF_FAN_IN_ROOT + k);
        assert_string_equal(f->name, name);
        assert_int_equal(f->sign, k % WR_MOTIF_PARTS != WR_MOTIF_STRENGTH);
    }
}

/* ---- labels ---- */

/* Nobody becomes a service, nobody ceases to be one. */
static void relabel(ref_world *w, uint64_t seed)
{
    wr_seeds *s = &w->g.seeds;
    wr_rng r = {.s = seed ^ 0x1abeULL};
    for (wr_vid v = 0; v < s->n; v++) {
        const int c = s->category[v];
        if (c < 0 ? wr_flow_is_hub(&w->g.fl, v) : s->kind[c] == WR_CATEGORY_SERVICE)
            continue;
        s->category[v] = (int8_t)((int)wr_rng_below(&r, s->c > 1 ? 3 : 2) - 1);
    }
}

static bool are_same(const wr_typology_hits *a, const wr_typology_hits *b)
{
    return a->count == b->count && a->edge_total == b->edge_total &&
           a->member_total == b->member_total &&
           memcmp(a->hit, b->hit, a->count * sizeof *a->hit) == 0 &&
           memcmp(a->edge, b->edge, a->edge_total * sizeof *a->edge) == 0;
}

static void test_typologies_of_labels__the_others_do_not_ask(void **state)
{
    (void)state;
    uint32_t changed = 0;
    for (uint64_t seed = 0; seed < GRAPHS; seed++) {
        ref_world w;
        world_init(&w, seed);
        wr_typology_hits before[WR_TYPOLOGY_COUNT] = {{0}};
        for (int t = 0; t < WR_TYPOLOGY_COUNT; t++)
            assert_ok(wr_typology_find(&before[t], &w.in, 1U << t, &w.o, NULL, &err));
        relabel(&w, seed);
        for (int t = 0; t < WR_TYPOLOGY_COUNT; t++) {
            WR_TYPOLOGY_HITS_AUTO wr_typology_hits after = {0};
            assert_ok(wr_typology_find(&after, &w.in, 1U << t, &w.o, NULL, &err));
            changed |= are_same(&before[t], &after) ? 0 : 1U << t;
            wr_typology_hits_release(&before[t]);
        }
        ref_world_release(&w);
    }
    assert_int_equal(changed, WR_TYPOLOGY_OF_LABELS);
}

int main(void)
{
    omp_set_num_threads(1); /* worlds are tiny */
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_motifs_add__against_a_table_of_all),
        wr_unit_test(test_motifs_add__nothing),
        wr_unit_test(test_motifs_add__memory),
        wr_unit_test(test_motifs__columns_are_named_by_typology),
        wr_unit_test(test_typologies_of_labels__the_others_do_not_ask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
