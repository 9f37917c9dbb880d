/*
 * Base and delta against a snapshot rebuilt over everything: random graphs cut at random
 * places, wallets that appear in another order than their ids.
 */
#include "delta_test.h"

enum { N_MAX = 40 };

/* One random history, cut in two. */
typedef struct world {
    rows_shape shape;
    uint32_t base_n;    /* wallets 0..base_n-1 are in the base */
    uint64_t base_m;    /* rows 0..base_m-1 are in the base, and name only its wallets */
    uint32_t id_step;   /* wallet k has id k * id_step + 1 */
    uint32_t hub_every; /* 0 = none */
    wr_edges row;       /* endpoints are wallet numbers, not vertices */
    wr_snapshot *all;   /* built over every row; vertex = wallet number */
    wr_delta *d;
    wr_vid at[N_MAX];          /* vertex in d, WR_VID_NONE before it appeared */
    uint32_t wallet_at[N_MAX]; /* and back */
    bool has_met[N_MAX][N_MAX];
} world;

static wr_ids *ids_of(const world *x, uint32_t n)
{
    wr_ids *ids = NULL;
    assert_ok(wr_ids_new(&ids, &err));
    for (uint32_t k = 0; k < n; k++) {
        char name[80];
        const wr_text text = wallet_text(name, k, x->hub_every);
        assert_ok(wr_ids_add(ids, k * x->id_step + 1, &test_chain, text, &err));
    }
    return ids;
}

static void world_init(world *x, wr_rng *r, int k)
{
    *x = (world){.id_step = 1 + (uint32_t)wr_rng_below(r, 3),
                 .hub_every = 2 * ((uint32_t)k % 3)};
    x->shape = (rows_shape){.n = 1 + (uint32_t)wr_rng_below(r, N_MAX),
                            .m = wr_rng_below(r, k % 4 == 0 ? 4 : 300),
                            .times = 1 + (uint32_t)wr_rng_below(r, 100),
                            .is_in_order = k % 2 == 0,
                            .has_asset = k % 5 == 0,
                            .seq_kind = k % 5,
                            .is_skewed = k % 7 == 0};
    random_rows(&x->row, r, &x->shape);
    x->base_n = (uint32_t)wr_rng_below(r, x->shape.n + UINT64_C(1));
    x->base_m = x->base_n > 0 ? wr_rng_below(r, x->row.m + 1) : 0;
    for (uint64_t i = 0; i < x->base_m; i++) {
        x->row.from[i] %= x->base_n;
        x->row.to[i] %= x->base_n;
    }
    wr_edges rows;
    copy_rows(&rows, &x->row);
    assert_ok(wr_snapshot_build(&x->all, &rows, ids_of(x, x->shape.n), 0, NULL, &err));
    copy_rows(&rows, &x->row);
    rows.m = x->base_m;
    WR_AUTO(wr_snapshot) base = NULL;
    assert_ok(wr_snapshot_build(&base, &rows, ids_of(x, x->base_n), 0, NULL, &err));
    assert_ok(wr_delta_new(&x->d, base, &err));
    for (uint32_t v = 0; v < N_MAX; v++) {
        x->at[v] = v < x->base_n ? v : WR_VID_NONE;
        x->wallet_at[v] = v;
    }
    for (uint64_t i = 0; i < x->base_m; i++)
        x->has_met[x->row.from[i]][x->row.to[i]] = true;
}

static void world_release(world *x)
{
    wr_edges_release(&x->row);
    wr_snapshot_unref(x->all);
    wr_delta_unref(x->d);
}

/* Vertex of a wallet number in the delta; it appears now if it has not. */
static wr_vid appear(world *x, uint32_t k)
{
    const uint32_t id = k * x->id_step + 1;
    assert_int_equal(wr_delta_find_wallet(x->d, id), x->at[k]);
    if (x->at[k] == WR_VID_NONE) {
        char name[80];
        const wr_text text = wallet_text(name, k, x->hub_every);
        assert_ok(wr_delta_add_wallet(x->d, &x->at[k], id, &test_chain, text, &err));
        memset(name, '?', sizeof name); /* text is copied */
        x->wallet_at[x->at[k]] = k;
        assert_int_equal(wr_delta_find_wallet(x->d, id), x->at[k]);
    }
    return x->at[k];
}

static void append_row(world *x, uint64_t i)
{
    const uint32_t from = x->row.from[i];
    const uint32_t to = x->row.to[i];
    const wr_vid u = appear(x, from);
    const wr_delta_row row = {.seq = x->row.seq[i],
                              .value = x->row.value[i],
                              .time_s = x->row.time_s[i],
                              .from = u,
                              .to = appear(x, to),
                              .asset = x->row.asset[i]};
    bool is_new = !x->has_met[from][to];
    assert_ok(wr_delta_append(x->d, &row, &is_new, &err));
    assert_int_equal(is_new, from != to && !x->has_met[from][to]);
    x->has_met[from][to] = true;
}

/* --- what a view of the first `rows` rows must show ------------------------------- */

static void check_lists(const world *x, const wr_delta_view *w, wr_vid v, int way)
{
    const uint32_t k = x->wallet_at[v];
    const uint32_t *end = way == WR_DELTA_OUT ? x->row.from : x->row.to;
    uint64_t at = wr_delta_newest(w, v, way);
    for (uint64_t i = w->m; i-- > 0;)
        if (end[x->base_m + i] == k) {
            assert_int_equal(at, i);
            at = wr_delta_before(w, i, way);
        }
    assert_true(at == WR_DELTA_END);
}

static void check_rows(const world *x, const wr_delta_view *w)
{
    for (uint64_t i = 0; i < w->m; i++) {
        const wr_delta_row row = wr_delta_row_at(w, i);
        const uint64_t k = x->base_m + i;
        assert_int_equal(row.from, x->at[x->row.from[k]]);
        assert_int_equal(row.to, x->at[x->row.to[k]]);
        assert_int_equal(row.time_s, x->row.time_s[k]);
        assert_int_equal(row.seq, x->row.seq[k]);
        assert_int_equal(row.asset, x->row.asset[k]);
        assert_true(row.value == x->row.value[k] && !__builtin_signbit(row.value));
    }
}

static void check_value(float got, float want)
{
    const double off = (double)got - (double)want;
    if (got != want && !(off <= 1e-6 * (double)want && -off <= 1e-6 * (double)want))
        fail_msg("value %.9g, rebuilt %.9g", (double)got, (double)want);
}

static void check_pairs(const world *x, const wr_delta_view *w, const wr_snapshot *all,
                        wr_vid v, int way)
{
    const wr_pairs p =
        way == WR_DELTA_OUT ? wr_snapshot_pairs_out(all) : wr_snapshot_pairs_in(all);
    const uint32_t k = x->wallet_at[v];
    const uint64_t lo = p.off[k];
    const uint64_t hi = p.off[k + UINT64_C(1)];
    WR_AUTO_ARRAY wr_delta_pair *pair = NULL;
    size_t count = 0;
    assert_ok(wr_delta_pairs(&pair, &count, w, v, way, &err));
    assert_int_equal(count, hi - lo);
    for (size_t i = 0; i < count; i++) {
        assert_true(i == 0 || pair[i - 1].nbr < pair[i].nbr);
        uint64_t j = lo;
        while (j < hi && p.nbr[j] != x->wallet_at[pair[i].nbr])
            j++;
        assert_true(j < hi);
        const uint64_t id = wr_pairs_id(&p, k, j);
        assert_int_equal(pair[i].count, wr_pairs_count(&p, id));
        assert_int_equal(pair[i].first_s, p.first_s[id]);
        assert_int_equal(pair[i].last_s, wr_pairs_last_s(&p, id));
        check_value(pair[i].value, p.value[j]);
    }
}

static void check_wallets(const world *x, const wr_delta_view *w)
{
    for (uint32_t k = 0; k < x->shape.n; k++) {
        char name[80];
        const wr_text text = wallet_text(name, k, x->hub_every);
        const wr_vid v = wr_delta_vertex(w, &test_chain, text);
        if (x->at[k] == WR_VID_NONE || x->at[k] >= w->n) {
            assert_int_equal(v, WR_VID_NONE);
            continue;
        }
        assert_int_equal(v, x->at[k]);
        assert_int_equal(wr_delta_wallet(w, v), k * x->id_step + 1);
        assert_ptr_equal(wr_delta_chain(w, v), &test_chain);
        assert_true(wr_text_eq(wr_delta_address(w, v), text));
        assert_int_equal(wr_delta_is_hub(w, v), wr_snapshot_is_hub(x->all, k));
    }
}

static void check_view(const world *x, const wr_delta_view *w)
{
    wr_edges rows;
    copy_rows(&rows, &x->row);
    rows.m = x->base_m + w->m;
    WR_AUTO(wr_snapshot) all = NULL;
    assert_ok(wr_snapshot_build(&all, &rows, ids_of(x, x->shape.n), 0, NULL, &err));
    check_wallets(x, w);
    check_rows(x, w);
    for (wr_vid v = 0; v < w->n; v++)
        for (int way = WR_DELTA_OUT; way <= WR_DELTA_IN; way++) {
            check_lists(x, w, v, way);
            check_pairs(x, w, all, v, way);
        }
}

/* --- the tests -------------------------------------------------------------------- */

static void test_delta__equals_a_rebuilt_snapshot(void **state)
{
    (void)state;
    wr_rng r = {.s = 41};
    for (int k = 0; k < 400; k++) {
        world x;
        world_init(&x, &r, k);
        for (uint64_t i = x.base_m; i < x.row.m; i++)
            append_row(&x, i);
        assert_int_equal(wr_delta_read(x.d).m, 0); /* nothing is there before publish */
        assert_int_equal(wr_delta_read(x.d).n, x.base_n);
        wr_delta_publish(x.d);
        const wr_delta_view w = wr_delta_read(x.d);
        assert_int_equal(w.m, x.row.m - x.base_m);
        check_view(&x, &w);
        world_release(&x);
    }
}

static void test_delta__an_old_view_keeps_its_prefix(void **state)
{
    (void)state;
    wr_rng r = {.s = 42};
    for (int k = 0; k < 150; k++) {
        enum { VIEWS = 4 };
        world x;
        world_init(&x, &r, k);
        wr_delta_view view[VIEWS] = {wr_delta_read(x.d)};
        int views = 1;
        for (uint64_t i = x.base_m; i < x.row.m; i++) {
            append_row(&x, i);
            if (views < VIEWS && wr_rng_below(&r, 20) == 0) {
                wr_delta_publish(x.d);
                view[views++] = wr_delta_read(x.d);
                assert_int_equal(view[views - 1].m, i + 1 - x.base_m);
            }
        }
        wr_delta_publish(x.d);
        for (int j = 0; j < views; j++)
            check_view(&x, &view[j]);
        world_release(&x);
    }
}

/* More transfers than three segments, between two wallets and from one to many. */
static void test_delta__ten_thousand_transfers(void **state)
{
    (void)state;
    enum { N = 3000, M = 10000 };
    WR_AUTO(wr_delta) d = bare_delta(N);
    const uint64_t bytes = wr_delta_bytes(d);
    for (uint32_t i = 0; i < M; i++) {
        const wr_vid to = i % 2 ? 1 : 1 + i / 2 % (N - 1);
        assert_int_equal(append(d, 0, to, 1600000000 + i, 1.0),
                         i < 2 * (N - 1) && i % 2 == 0);
    }
    wr_delta_publish(d);
    const wr_delta_view w = wr_delta_read(d);
    WR_AUTO_ARRAY wr_delta_pair *out = NULL;
    WR_AUTO_ARRAY wr_delta_pair *in = NULL;
    size_t count = 0;
    assert_ok(wr_delta_pairs(&out, &count, &w, 0, WR_DELTA_OUT, &err));
    assert_int_equal(count, N - 1);
    assert_int_equal(out[0].nbr, 1);
    assert_int_equal(out[0].count, M / 2 + 2);
    assert_int_equal(out[0].first_s, 1600000000);
    assert_int_equal(out[0].last_s, 1600000000 + M - 1);
    assert_int_equal(out[count - 1].nbr, N - 1);
    assert_ok(wr_delta_pairs(&in, &count, &w, 1, WR_DELTA_IN, &err));
    assert_int_equal(count, 1);
    assert_int_equal(in[0].count, M / 2 + 2);
    assert_true(in[0].value == 5002.0F);
    uint64_t seen = 0;
    for (uint64_t i = wr_delta_newest(&w, 0, WR_DELTA_OUT); i != WR_DELTA_END;
         i = wr_delta_before(&w, i, WR_DELTA_OUT))
        assert_int_equal(i, M - ++seen);
    assert_int_equal(seen, M);
    assert_in_range(wr_delta_bytes(d) - bytes, M * 40, M * 40 * 4);
}

static void test_delta__nothing_behind_nothing(void **state)
{
    (void)state;
    WR_AUTO(wr_delta) d = bare_delta(0);
    const wr_delta_view w = wr_delta_read(d);
    assert_int_equal(w.n, 0);
    assert_int_equal(w.m, 0);
    assert_ptr_equal(w.d, d);
    assert_ptr_equal(w.base, d->base);
    assert_int_equal(wr_delta_vertex(&w, &test_chain, WR_TEXT_LIT("w0")), WR_VID_NONE);
    assert_int_equal(wr_delta_find_wallet(d, 0), WR_VID_NONE);
    wr_delta_unref(NULL);
}

static void test_delta__one_wallet_pays_itself(void **state)
{
    (void)state;
    WR_AUTO(wr_delta) d = bare_delta(0);
    wr_vid v = 7;
    assert_ok(wr_delta_add_wallet(d, &v, 0, &test_chain, WR_TEXT_LIT(""), &err));
    assert_int_equal(v, 0);
    assert_false(append(d, v, v, 1600000000, 2.0));
    wr_delta_publish(d);
    const wr_delta_view w = wr_delta_read(d);
    assert_int_equal(wr_delta_newest(&w, v, WR_DELTA_OUT), 0);
    assert_int_equal(wr_delta_newest(&w, v, WR_DELTA_IN), 0);
    assert_true(wr_delta_before(&w, 0, WR_DELTA_IN) == WR_DELTA_END);
    WR_AUTO_ARRAY wr_delta_pair *pair = NULL;
    size_t count = 1;
    assert_ok(wr_delta_pairs(&pair, &count, &w, v, WR_DELTA_OUT, &err));
    assert_int_equal(count, 0);
    assert_int_equal(wr_delta_find_wallet(d, 0), v);
}

static void test_delta__a_reference_outlives_the_first_owner(void **state)
{
    (void)state;
    wr_delta *d = bare_delta(2);
    (void)append(d, 0, 1, 1600000000, 1.0);
    wr_delta_publish(d);
    WR_AUTO(wr_delta) mine = wr_delta_acquire(d);
    wr_delta_unref(d);
    const wr_delta_view w = wr_delta_read(mine);
    assert_int_equal(wr_delta_row_at(&w, 0).to, 1);
    assert_int_equal(wr_delta_wallet(&w, 1), 2); /* the base is there, too */
}

static void test_delta_append__refuses(void **state)
{
    (void)state;
    WR_AUTO(wr_delta) d = bare_delta(2);
    const struct {
        wr_delta_row row;
        const char *msg;
    } wrong[] = {
        {{.from = 2, .to = 0}, "transfer 2 -> 0 with 2 vertices"},
        {{.from = 0, .to = UINT32_MAX}, "transfer 0 -> 4294967295 with 2 vertices"},
        {{.to = 1, .value = -0.5}, "value -0.5 is not finite and >= 0"},
        {{.to = 1, .value = __builtin_inf()}, "value inf is not finite and >= 0"},
        {{.to = 1, .value = __builtin_nan("")}, "value nan is not finite and >= 0"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        wr_err e = {0};
        bool is_new = false;
        assert_int_equal(wr_delta_append(d, &wrong[i].row, &is_new, &e), WR_EINVAL);
        assert_string_equal(e.msg, wrong[i].msg);
        assert_false(is_new);
    }
    d->base_m = UINT32_MAX - 2; /* as if the base were that full */
    assert_true(append(d, 0, 1, 1600000000, 1.0));
    wr_err e = {0};
    bool is_new = false;
    assert_int_equal(wr_delta_append(d, &(wr_delta_row){.from = 1, .to = 0}, &is_new, &e),
                     WR_ELIMIT);
    assert_string_equal(e.msg, "4294967294 + 1 transfers (limit 4294967294)");
    assert_false(is_new);
    wr_delta_publish(d);
    assert_int_equal(wr_delta_read(d).m, 1);
}

/* Enough rows for segments and pair slots to grow; every growth fails once. */
static wr_status fill_and_read(wr_snapshot *base, wr_err *fault)
{
    enum { N = 60 };
    WR_AUTO(wr_delta) d = NULL;
    WR_TRY(wr_delta_new(&d, base, fault));
    for (uint32_t i = 0; i < 1500; i++) {
        const wr_delta_row row = {.from = i % N, .to = i / N, .value = 1.0};
        bool is_new = false;
        const wr_status s = wr_delta_append(d, &row, &is_new, fault);
        if (s != WR_OK) {
            wr_mem_test_fail_after(-1);
            assert_int_equal(d->m, i); /* as it was; the same row goes in now */
            assert_false(is_new);
            assert_ok(wr_delta_append(d, &row, &is_new, &err));
            assert_int_equal(is_new, row.from != row.to);
            return s;
        }
    }
    wr_delta_publish(d);
    const wr_delta_view w = wr_delta_read(d);
    wr_delta_pair *pair = NULL;
    size_t count = 99;
    const wr_status s = wr_delta_pairs(&pair, &count, &w, 3, WR_DELTA_OUT, fault);
    if (s != WR_OK) {
        assert_null(pair);
        assert_int_equal(count, 99);
        return s;
    }
    assert_int_equal(count, 24);
    wr_free(pair);
    return WR_OK;
}

static void test_delta_close__is_told_to_who_knows_more(void **state)
{
    (void)state;
    wr_edges none = {0};
    WR_AUTO(wr_snapshot) g = NULL;
    WR_AUTO(wr_delta) d = NULL;
    assert_ok(wr_snapshot_build(&g, &none, numbered_ids(2, 0), 0, NULL, &err));
    assert_ok(wr_delta_new(&d, g, &err));
    assert_int_equal(wr_delta_closed_seq(d), INT64_MAX);
    wr_delta_close(d, 1LL << 40);
    assert_int_equal(wr_delta_closed_seq(d), 1LL << 40);
    assert_int_equal(wr_delta_read(d).n, 2); /* what it has can still be read */
}

static void test_delta__out_of_memory(void **state)
{
    (void)state;
    wr_edges none = {0};
    WR_AUTO(wr_snapshot) g = NULL;
    assert_ok(wr_snapshot_build(&g, &none, numbered_ids(60, 0), 0, NULL, &err));
    assert_oom_safe(fill_and_read(g, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_delta__equals_a_rebuilt_snapshot),
        wr_unit_test(test_delta__an_old_view_keeps_its_prefix),
        wr_unit_test(test_delta__ten_thousand_transfers),
        wr_unit_test(test_delta__nothing_behind_nothing),
        wr_unit_test(test_delta__one_wallet_pays_itself),
        wr_unit_test(test_delta__a_reference_outlives_the_first_owner),
        wr_unit_test(test_delta_append__refuses),
        wr_unit_test(test_delta_close__is_told_to_who_knows_more),
        wr_unit_test(test_delta__out_of_memory),
    };
    return cmocka_run_group_tests_name("graph/delta", tests, NULL, NULL);
}
