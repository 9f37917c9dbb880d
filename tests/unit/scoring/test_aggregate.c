/*
 * Aggregates against dense row-stochastic matrices and their products, the fast kernel
 * against the plain one bit for bit, and what thinning promises.
 */
#include "scoring/aggregate_int.h"

#include <math.h>
#include <omp.h>
#include <string.h>

#include "views_gen.h"

enum { LD = 24 };

typedef struct sheet {
    float *x; /* [n*columns] all rows */
    uint32_t columns, rows, blocks;
} sheet;

static wr_status keep(void *ctx, uint32_t first, uint32_t rows, const float *block,
                      wr_err *err)
{
    sheet *s = ctx;
    (void)err;
    assert_int_equal(first, s->rows); /* in order, none twice */
    memcpy(s->x + (size_t)first * s->columns, block,
           (size_t)rows * s->columns * sizeof *block);
    s->rows += rows;
    s->blocks++;
    return WR_OK;
}

static void run(sheet *s, const wr_aggregate *a, const wr_aggregate_input *in, uint32_t n)
{
    *s = (sheet){.columns = wr_aggregate_columns(in)};
    s->x = wr_calloc((size_t)n * s->columns, sizeof *s->x);
    assert_ok(wr_aggregate_run(a, in, keep, s, &err));
    assert_int_equal(s->rows, n);
}

static void fill(float *x, size_t count, uint64_t seed)
{
    wr_rng r = {.s = seed};
    for (size_t i = 0; i < count; i++)
        x[i] = wr_rng_below(&r, 4) ? (float)(wr_rng_unit(&r) * 20 - 5) : 7.25f;
}

/* ---- dense: w[v*n+u] = 1 where u is a neighbour of v ---- */

static bool is_service(const wr_seeds *s, wr_vid v)
{
    return s->category[v] >= 0 && s->kind[s->category[v]] == WR_CATEGORY_SERVICE;
}

static double *dense(const wr_views *vw, const wr_seeds *s, uint32_t as_of_s, bool is_in)
{
    const uint32_t n = vw->out.n;
    double *w = wr_calloc((size_t)n * n, sizeof *w);
    for (wr_vid u = 0; u < n; u++)
        for (uint64_t i = vw->out.off[u]; i < vw->out.off[u + 1ULL]; i++) {
            const wr_vid v = vw->out.nbr[i], row = is_in ? v : u, column = is_in ? u : v;
            if (vw->out.first_s[i] < as_of_s && !is_service(s, column))
                w[(size_t)row * n + column] = 1;
        }
    return w;
}

static void dense_stats(double stat[WR_STAT_COUNT], const double *row, const float *x,
                        uint32_t n, uint32_t c)
{
    double count = 0, sum = 0, squares = 0, max = 0;
    for (wr_vid u = 0; u < n; u++)
        if (row[u] > 0) {
            const double v = (double)x[(size_t)u * LD + c];
            max = count == 0 ? v : fmax(max, v);
            sum += v;
            count++;
        }
    const double mean = count > 0 ? sum / count : 0;
    for (wr_vid u = 0; u < n; u++)
        if (row[u] > 0)
            squares += pow((double)x[(size_t)u * LD + c] - mean, 2);
    stat[WR_STAT_MEAN] = mean;
    stat[WR_STAT_MAX] = max;
    stat[WR_STAT_STD] = count > 0 ? sqrt(squares / count) : 0;
}

static void normalise(double *w, uint32_t n)
{
    for (wr_vid v = 0; v < n; v++) {
        double sum = 0;
        for (wr_vid u = 0; u < n; u++)
            sum += w[(size_t)v * n + u];
        for (wr_vid u = 0; u < n && sum > 0; u++)
            w[(size_t)v * n + u] /= sum;
    }
}

static double *product(const double *a, const double *b, uint32_t n)
{
    double *c = wr_calloc((size_t)n * n, sizeof *c);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < n; k++)
            for (uint32_t j = 0; j < n && a[(size_t)i * n + k] > 0; j++)
                c[(size_t)i * n + j] += a[(size_t)i * n + k] * b[(size_t)k * n + j];
    return c;
}

typedef struct world {
    views_gen g;
    wr_seeds s;
    float *x;
    uint32_t n;
} world;

static void world_init(world *w, uint32_t n, uint64_t m, uint64_t seed)
{
    *w = (world){.n = n};
    views_gen_random(&w->g, &w->s, n, m, 4, seed);
    w->g.vw.out.n = w->g.vw.in.n = n;
    w->x = wr_calloc((size_t)n * LD, sizeof *w->x);
    fill(w->x, (size_t)n * LD, seed);
}

static void world_release(world *w)
{
    views_gen_release(&w->g);
    wr_seeds_release(&w->s);
    wr_free(w->x);
}

static wr_aggregate *operators(const world *w, uint32_t as_of_s, uint32_t hub_min,
                               uint32_t sample)
{
    wr_aggregate_opts o = WR_AGGREGATE_OPTS_INIT;
    wr_aggregate *a = NULL;
    o.seeds = &w->s;
    o.as_of_s = as_of_s;
    o.hub_min = hub_min;
    o.sample = sample;
    assert_ok(wr_aggregate_new(&a, &w->g.vw, &o, &err));
    return a;
}

static void check_cell(double have, double want, const wr_aggregate_part *p, wr_vid v)
{
    if (!(fabs(have - want) <= 2e-5 * fmax(1, fabs(want))))
        fail_msg("row %u, %s %s of column %u: %.9g, not %.9g", v,
                 wr_aggregate_hop_name(p->hop), wr_aggregate_stat_name(p->stat),
                 p->column, have, want);
}

static void check_dense(const world *w, const sheet *s, const wr_aggregate_input *in,
                        uint32_t as_of_s)
{
    const uint32_t n = w->n;
    double *one[2] = {dense(&w->g.vw, &w->s, as_of_s, true),
                      dense(&w->g.vw, &w->s, as_of_s, false)};
    double *mean[2], *two[4];
    for (int k = 0; k < 2; k++) {
        mean[k] = wr_calloc((size_t)n * n, sizeof **mean);
        memcpy(mean[k], one[k], (size_t)n * n * sizeof **mean);
        normalise(mean[k], n);
    }
    two[0] = product(mean[0], mean[0], n);
    two[1] = product(mean[1], mean[1], n);
    two[2] = product(mean[0], mean[1], n);
    two[3] = product(mean[1], mean[0], n);
    for (uint32_t at = 0; at < s->columns; at++) {
        const wr_aggregate_part p = wr_aggregate_part_at(in, at);
        for (wr_vid v = 0; v < n; v++) {
            double stat[WR_STAT_COUNT] = {0}, want = 0;
            if (p.hop <= WR_HOP_OUT) {
                dense_stats(stat, one[p.hop] + (size_t)v * n, w->x, n, p.column);
                want = stat[p.stat];
            } else {
                assert_int_equal(p.stat, WR_STAT_MEAN);
                for (wr_vid u = 0; u < n; u++)
                    want += two[p.hop - WR_HOP_IN_IN][(size_t)v * n + u] *
                            (double)w->x[(size_t)u * LD + p.column];
            }
            check_cell((double)s->x[(size_t)v * s->columns + at], want, &p, v);
        }
    }
    for (int k = 0; k < 4; k++)
        wr_free(two[k]);
    for (int k = 0; k < 2; k++) {
        wr_free(one[k]);
        wr_free(mean[k]);
    }
}

static void test_aggregate_run__dense_products(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        const uint32_t n = 3 + (uint32_t)(seed * 7 % 40), m = n * 4;
        const uint32_t as_of_s = seed % 3 ? UINT32_MAX : m / 2;
        world w;
        world_init(&w, n, m, seed);
        WR_AUTO(wr_aggregate) a = operators(&w, as_of_s, 10000, 1000);
        const wr_aggregate_input in = {.x = w.x,
                                       .ld = LD,
                                       .columns = 1 + (uint32_t)(seed % LD),
                                       .two_hop = (uint32_t)(seed % 5 % (1 + seed % LD))};
        sheet s;
        run(&s, a, &in, n);
        check_dense(&w, &s, &in, as_of_s);
        assert_int_equal(wr_aggregate_thinned(a), 0);
        wr_free(s.x);
        world_release(&w);
    }
}

/* Larger than a thread's chunk and than one block; any threads, plain or fast. */
static void test_aggregate_run__same_bits_for_any_thread_count(void **state)
{
    (void)state;
    const int before = omp_get_max_threads();
    world w;
    world_init(&w, 90000, 400000, 3);
    WR_AUTO(wr_aggregate) a = operators(&w, UINT32_MAX, 60, 20);
    assert_true(wr_aggregate_thinned(a) > 10);
    wr_aggregate_input in = {.x = w.x, .ld = LD, .columns = 11, .two_hop = 6};
    sheet want, s;
    in.is_plain = true;
    run(&want, a, &in, w.n);
    in.is_plain = false;
    assert_true(want.blocks > 1);
    for (int threads = 1; threads <= 8; threads *= 2) {
        omp_set_num_threads(threads);
        WR_AUTO(wr_aggregate) b = operators(&w, UINT32_MAX, 60, 20);
        run(&s, b, &in, w.n);
        assert_memory_equal(s.x, want.x, (size_t)w.n * want.columns * sizeof *s.x);
        wr_free(s.x);
    }
    omp_set_num_threads(before);
    wr_free(want.x);
    world_release(&w);
}

static void test_aggregate_rows__same_bits_with_and_without_instructions(void **state)
{
    (void)state;
    world w;
    world_init(&w, 600, 5000, 8);
    wr_links l;
    const wr_links_opts o = {
        .before_s = UINT32_MAX, .hub_min = 10000, .sample = 1, .is_out = true};
    assert_ok(wr_links_init(&l, &w.g.vw.out, &o, &err));
    for (uint32_t columns = 1; columns <= LD; columns++) {
        float *out[2];
        for (int k = 0; k < 2; k++) {
            out[k] = wr_calloc((size_t)w.n * 3 * columns, sizeof *out[k]);
            const wr_aggregate_job j = {.l = &l,
                                        .x = w.x,
                                        .out = out[k],
                                        .ld = LD,
                                        .out_ld = 3UL * columns,
                                        .columns = columns,
                                        .rows = w.n,
                                        .has_spread = columns % 2,
                                        .is_portable = k};
            wr_aggregate_rows(&j);
        }
        assert_memory_equal(out[0], out[1], (size_t)w.n * 3 * columns * sizeof **out);
        wr_free(out[0]);
        wr_free(out[1]);
    }
    wr_links_release(&l);
    world_release(&w);
}

static void test_aggregate_run__equal_neighbours_do_not_spread(void **state)
{
    (void)state;
    world w;
    world_init(&w, 500, 4000, 4);
    for (size_t i = 0; i < (size_t)w.n * LD; i++)
        w.x[i] = 0.1f;
    WR_AUTO(wr_aggregate) a = operators(&w, UINT32_MAX, 10000, 1000);
    const wr_aggregate_input in = {.x = w.x, .ld = LD, .columns = LD};
    sheet s;
    run(&s, a, &in, w.n);
    for (size_t i = 0; i < (size_t)w.n * s.columns; i++) {
        const wr_aggregate_part p = wr_aggregate_part_at(&in, (uint32_t)(i % s.columns));
        assert_true(s.x[i] == 0 || (p.stat != WR_STAT_STD && s.x[i] == 0.1f));
    }
    wr_free(s.x);
    world_release(&w);
}

/* ---- thinning ---- */

static void links_of(wr_links *l, const world *w, uint32_t before_s, uint64_t seed)
{
    const wr_links_opts o = {
        .before_s = before_s, .hub_min = 40, .sample = 25, .seed = seed, .is_out = true};
    assert_ok(wr_links_init(l, &w->g.vw.out, &o, &err));
}

static bool has(const wr_links *l, wr_vid v, wr_vid u)
{
    for (uint64_t i = l->off[v]; i < l->off[v + 1ULL]; i++)
        if (l->nbr[i] == u)
            return true;
    return false;
}

static void test_links_init__a_hub_keeps_a_sample_of_its_neighbours(void **state)
{
    (void)state;
    world w;
    world_init(&w, 2000, 30000, 9);
    wr_links l, other;
    links_of(&l, &w, UINT32_MAX, 1);
    links_of(&other, &w, UINT32_MAX, 2);
    const wr_pairs *p = &w.g.vw.out;
    uint64_t thinned = 0, differ = 0;
    for (wr_vid v = 0; v < w.n; v++) {
        const uint64_t degree = wr_views_degree(p, v), kept = l.off[v + 1ULL] - l.off[v];
        assert_int_equal(kept, degree > 40 ? 25 : degree);
        thinned += degree > 40;
        for (uint64_t i = l.off[v]; i < l.off[v + 1ULL]; i++) {
            bool is_there = false;
            assert_true(i == l.off[v] || l.nbr[i - 1] < l.nbr[i]);
            for (uint64_t k = p->off[v]; k < p->off[v + 1ULL]; k++)
                is_there |= p->nbr[k] == l.nbr[i];
            assert_true(is_there);
            differ += !has(&other, v, l.nbr[i]);
        }
    }
    assert_int_equal(l.thinned, thinned);
    assert_true(thinned > 20 && differ > thinned); /* the seed draws another sample */
    wr_links_release(&l);
    wr_links_release(&other);
    world_release(&w);
}

/*
 * Who is kept is decided by the pair alone: of those that are there earlier, a later
 * sample holds no one whom the earlier sample had passed over.
 */
static void test_links_init__later_pairs_only_push_out(void **state)
{
    (void)state;
    world w;
    world_init(&w, 2000, 30000, 10);
    wr_links early, late;
    links_of(&early, &w, 20000, 1);
    links_of(&late, &w, UINT32_MAX, 1);
    const wr_pairs *p = &w.g.vw.out;
    uint64_t seen = 0;
    for (wr_vid v = 0; v < w.n; v++)
        for (uint64_t k = p->off[v]; k < p->off[v + 1ULL]; k++)
            if (p->first_s[k] < 20000 && has(&late, v, p->nbr[k])) {
                assert_true(has(&early, v, p->nbr[k]));
                seen++;
            } else if (p->first_s[k] >= 20000) {
                assert_false(has(&early, v, p->nbr[k]));
            }
    assert_true(seen > 1000 && early.thinned > 20);
    wr_links_release(&early);
    wr_links_release(&late);
    world_release(&w);
}

/* ---- errors ---- */

static wr_status refuse(void *ctx, uint32_t first, uint32_t rows, const float *block,
                        wr_err *err)
{
    (void)ctx;
    (void)block;
    return wr_fail(err, WR_EIO, "no room for rows %u to %u", first, first + rows - 1);
}

static void expect(wr_status have, wr_status want, const wr_err *err, const char *message)
{
    assert_int_equal(have, want);
    assert_string_equal(err->msg, message);
}

static void test_aggregate__errors_say_what(void **state)
{
    (void)state;
    world w;
    world_init(&w, 10, 40, 1);
    wr_aggregate_opts o = WR_AGGREGATE_OPTS_INIT;
    wr_aggregate *a = NULL;
    wr_err e[6] = {0};
    o.sample = 0;
    expect(wr_aggregate_new(&a, &w.g.vw, &o, e), WR_EINVAL, e,
           "a sample of 0 from rows of more than 10000");
    o.sample = 10001;
    expect(wr_aggregate_new(&a, &w.g.vw, &o, e + 1), WR_EINVAL, e + 1,
           "a sample of 10001 from rows of more than 10000");
    o.sample = 1000;
    w.s.n = 9;
    o.seeds = &w.s;
    expect(wr_aggregate_new(&a, &w.g.vw, &o, e + 2), WR_EINVAL, e + 2,
           "labels of 9 wallets for a graph of 10");
    o.seeds = NULL;
    assert_null(a);
    assert_ok(wr_aggregate_new(&a, &w.g.vw, &o, &err));
    wr_aggregate_input in = {.x = w.x, .ld = LD, .columns = LD + 1};
    expect(wr_aggregate_run(a, &in, keep, NULL, e + 3), WR_EINVAL, e + 3,
           "25 columns, 0 over two hops, of rows of 24");
    in.columns = 2;
    expect(wr_aggregate_run(a, &in, refuse, NULL, e + 4), WR_EIO, e + 4,
           "no room for rows 0 to 9");
    const atomic_bool stop = true;
    const wr_progress pg = {.stop = &stop};
    in.pg = &pg;
    expect(wr_aggregate_run(a, &in, keep, NULL, e + 5), WR_ESTOPPED, e + 5,
           "stopped on request in aggregates");
    wr_aggregate_free(a);
    wr_aggregate_free(NULL);
    world_release(&w);
}

static wr_status count(void *ctx, uint32_t first, uint32_t rows, const float *block,
                       wr_err *err)
{
    (void)first;
    (void)block;
    (void)err;
    *(uint32_t *)ctx += rows;
    return WR_OK;
}

static void test_aggregate__out_of_memory(void **state)
{
    (void)state;
    world w;
    world_init(&w, 30, 200, 2);
    wr_aggregate_opts o = WR_AGGREGATE_OPTS_INIT;
    o.seeds = &w.s;
    wr_aggregate *a = NULL;
    assert_oom_safe(wr_aggregate_new(&a, &w.g.vw, &o, &err));
    const wr_aggregate_input in = {.x = w.x, .ld = LD, .columns = 5, .two_hop = 2};
    uint32_t rows = 0;
    assert_oom_safe(wr_aggregate_run(a, &in, count, &rows, &err));
    assert_int_equal(rows, 30);
    wr_aggregate_free(a);
    world_release(&w);
}

static void test_aggregate_run__no_wallets(void **state)
{
    (void)state;
    const uint32_t off[1] = {0};
    const wr_views vw = {.out = {.off = off}, .in = {.off = off}};
    const wr_aggregate_opts o = WR_AGGREGATE_OPTS_INIT;
    WR_AUTO(wr_aggregate) a = NULL;
    assert_ok(wr_aggregate_new(&a, &vw, &o, &err));
    const float x = 0;
    const wr_aggregate_input in = {.x = &x, .ld = 1, .columns = 1, .two_hop = 1};
    assert_ok(wr_aggregate_run(a, &in, refuse, NULL, &err));
    assert_int_equal(wr_aggregate_columns(&in), 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        wr_unit_test(test_aggregate_run__dense_products),
        wr_unit_test(test_aggregate_run__same_bits_for_any_thread_count),
        wr_unit_test(test_aggregate_rows__same_bits_with_and_without_instructions),
        wr_unit_test(test_aggregate_run__equal_neighbours_do_not_spread),
        wr_unit_test(test_links_init__a_hub_keeps_a_sample_of_its_neighbours),
        wr_unit_test(test_links_init__later_pairs_only_push_out),
        wr_unit_test(test_aggregate__errors_say_what),
        wr_unit_test(test_aggregate__out_of_memory),
        wr_unit_test(test_aggregate_run__no_wallets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
