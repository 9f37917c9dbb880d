/*
 * Aggregates over neighbours: 64 columns, one hop, mean, max and std in both directions.
 *
 *   bench_aggregate [wallets] [transfers] [rounds]     default 2,000,000 10,000,000 3
 *
 * By turns, on the same made power law without locality (the pessimistic bound):
 *   ours       all six, wr_aggregate_run
 *   plain      all six, the loop one would write first
 *   fetch      every row that they gather, each cache line read once, nothing computed:
 *              what memory allows
 *   GraphBLAS  all six by nine products (sum, largest, sum of squares; std by hand is not
 *              in the figure), and the two means alone; left out without its library
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench_graph.h"
#include "bench_tools.h"
#include "scoring/aggregate.h"

#ifdef WR_HAS_GRAPHBLAS
#    include <GraphBLAS.h>
#endif

enum { F = 64, LINE = 16, ROUNDS_MAX = 99, BLOCK = 65536 };

static wr_snapshot *make(uint32_t n, uint64_t m)
{
    wr_edges e = {0};
    wr_snapshot *g = NULL;
    wr_err err = {0};
    wr_rng r = {.s = 1};
    bench_check(wr_edges_reserve(&e, m, &err), &err);
    for (e.m = 0; e.m < m; e.m++) {
        e.from[e.m] = bench_power_vertex(&r, n);
        e.to[e.m] = bench_power_vertex(&r, n);
        e.time_s[e.m] = 1500000000 + (uint32_t)e.m;
        e.value[e.m] = 1000 * wr_rng_unit(&r);
        e.asset[e.m] = 0;
        e.seq[e.m] = (int64_t)e.m;
    }
    bench_check(wr_snapshot_build(&g, &e, NULL, n, NULL, &err), &err);
    return g;
}

/* --- ours -------------------------------------------------------------------------- */

static wr_status drop(void *ctx, uint32_t first, uint32_t rows, const float *block,
                      wr_err *err)
{
    (void)err;
    (void)first;
    *(double *)ctx += (double)block[0] + rows;
    return WR_OK;
}

static double ours(const wr_aggregate *a, const float *x)
{
    const wr_aggregate_input in = {.x = x, .ld = F, .columns = F};
    wr_err err = {0};
    double sink = 0;
    const double t = bench_now_s();
    bench_check(wr_aggregate_run(a, &in, drop, &sink, &err), &err);
    return bench_now_s() - t;
}

/* --- the loop one would write first ------------------------------------------------ */

static void plain_one(float *out, const wr_pairs *p, const float *x)
{
#pragma omp parallel for default(none) shared(out, p, x) schedule(dynamic, 256)
    for (uint32_t v = 0; v < p->n; v++) {
        double sum[F] = {0}, squares[F] = {0};
        float max[F];
        const uint64_t lo = p->off[v], hi = p->off[v + 1ULL];
        for (int c = 0; c < F; c++)
            max[c] = lo < hi ? -INFINITY : 0;
        for (uint64_t i = lo; i < hi; i++)
            for (int c = 0; c < F; c++) {
                const float y = x[(size_t)p->nbr[i] * F + (size_t)c];
                sum[c] += (double)y;
                squares[c] += (double)y * (double)y;
                max[c] = y > max[c] ? y : max[c];
            }
        float *row = out + (size_t)(v % BLOCK) * 3 * F;
        for (int c = 0; c < F; c++) {
            const double k = hi > lo ? (double)(hi - lo) : 1, mean = sum[c] / k;
            row[c] = (float)mean;
            row[F + c] = max[c];
            row[2 * F + c] = (float)sqrt(fmax(squares[c] / k - mean * mean, 0));
        }
    }
}

static double plain(float *out, const wr_views *vw, const float *x)
{
    const double t = bench_now_s();
    plain_one(out, &vw->in, x);
    plain_one(out, &vw->out, x);
    return bench_now_s() - t;
}

/* --- what memory allows ------------------------------------------------------------ */

static float fetch_one(const wr_pairs *p, const float *x)
{
    enum { AHEAD = 8 };
    float sum = 0;
#pragma omp parallel for default(none) shared(p, x) reduction(+ : sum) schedule(static)
    for (uint64_t i = 0; i < p->m; i++) {
        const uint64_t next = i + AHEAD < p->m ? i + AHEAD : i;
        for (int c = 0; c < F; c += LINE)
            __builtin_prefetch(x + (size_t)p->nbr[next] * F + (size_t)c);
        for (int c = 0; c < F; c += LINE)
            sum += x[(size_t)p->nbr[i] * F + (size_t)c];
    }
    return sum;
}

static double fetch(const wr_views *vw, const float *x)
{
    const double t = bench_now_s();
    volatile float kept = fetch_one(&vw->in, x) + fetch_one(&vw->out, x);
    (void)kept;
    return bench_now_s() - t;
}

/* --- GraphBLAS --------------------------------------------------------------------- */

typedef struct blas {
    double all, means;
} blas;

#ifdef WR_HAS_GRAPHBLAS

static void sure(GrB_Info info)
{
    if (info == GrB_SUCCESS)
        return;
    (void)fprintf(stderr, "GraphBLAS: error %d\n", (int)info);
    exit(1);
}

static GrB_Matrix links(const wr_pairs *p)
{
    GrB_Index *row = bench_need(wr_alloc_big(p->m, sizeof *row));
    GrB_Index *column = bench_need(wr_alloc_big(p->m, sizeof *column));
    GrB_Matrix a = NULL;
    GrB_Scalar one = NULL;
    for (uint32_t v = 0; v < p->n; v++)
        for (uint64_t i = p->off[v]; i < p->off[v + 1ULL]; i++) {
            row[i] = v;
            column[i] = p->nbr[i];
        }
    sure(GrB_Matrix_new(&a, GrB_FP32, p->n, p->n));
    sure(GrB_Scalar_new(&one, GrB_FP32));
    sure(GrB_Scalar_setElement_FP32(one, 1));
    sure(GxB_Matrix_build_Scalar(a, row, column, one, p->m));
    sure(GrB_Matrix_wait(a, GrB_MATERIALIZE));
    sure(GrB_Scalar_free(&one));
    wr_free(row);
    wr_free(column);
    return a;
}

/* Dense, by rows. */
static GrB_Matrix table(const float *x, uint32_t n, int power)
{
    const size_t count = (size_t)n * F;
    float *copy = bench_need(malloc(count * sizeof *copy)); /* GraphBLAS frees it */
    GrB_Matrix m = NULL;
    for (size_t i = 0; i < count; i++)
        copy[i] = power == 2 ? x[i] * x[i] : x[i];
    sure(GrB_Matrix_new(&m, GrB_FP32, n, F));
    sure(GxB_Matrix_pack_FullR(m, (void **)&copy, count * sizeof *copy, false, NULL));
    return m;
}

static double product(GrB_Matrix a, GrB_Matrix x, GrB_Semiring s)
{
    GrB_Matrix c = NULL;
    GrB_Index rows, columns;
    sure(GrB_Matrix_nrows(&rows, x));
    sure(GrB_Matrix_ncols(&columns, x));
    const double t = bench_now_s();
    sure(GrB_Matrix_new(&c, GrB_FP32, rows, columns));
    sure(GrB_mxm(c, NULL, NULL, s, a, x, NULL));
    sure(GrB_Matrix_wait(c, GrB_MATERIALIZE));
    const double took = bench_now_s() - t;
    sure(GrB_Matrix_free(&c));
    return took;
}

typedef struct peer {
    GrB_Matrix link[2], x, squares;
} peer;

static void peer_open(peer *p, const wr_views *vw, const float *x)
{
    sure(GrB_init(GrB_NONBLOCKING));
    *p = (peer){.link = {links(&vw->in), links(&vw->out)},
                .x = table(x, vw->in.n, 1),
                .squares = table(x, vw->in.n, 2)};
}

static blas peer_run(peer *p)
{
    blas b = {0};
    for (int d = 0; d < 2; d++) {
        b.means += product(p->link[d], p->x, GxB_PLUS_SECOND_FP32);
        b.all += product(p->link[d], p->x, GxB_MAX_SECOND_FP32);
        b.all += product(p->link[d], p->squares, GxB_PLUS_SECOND_FP32);
    }
    b.all += b.means;
    return b;
}

#else

typedef struct peer {
    int none;
} peer;

static void peer_open(peer *p, const wr_views *vw, const float *x)
{
    (void)p, (void)vw, (void)x;
    printf("GraphBLAS: left out (built without libgraphblas-dev)\n");
}

static blas peer_run(peer *p)
{
    (void)p;
    return (blas){(double)NAN, (double)NAN};
}

#endif

int main(int argc, char **argv)
{
    const uint32_t n = (uint32_t)bench_argument(argc, argv, 1, 2e6, 2, 2e9);
    const uint64_t m = (uint64_t)bench_argument(argc, argv, 2, 1e7, 1, 4e9);
    const int rounds = (int)bench_argument(argc, argv, 3, 3, 1, ROUNDS_MAX);
    wr_snapshot *g = make(n, m);
    const wr_views vw = wr_views_of(g);
    const wr_aggregate_opts o = WR_AGGREGATE_OPTS_INIT;
    WR_AUTO(wr_aggregate) a = NULL;
    wr_err err = {0};
    float *x = bench_need(wr_alloc_big((size_t)n * F, sizeof *x));
    float *out = bench_need(wr_alloc_big((size_t)BLOCK * 3 * F, sizeof *out));
    double t_ours[ROUNDS_MAX], t_plain[ROUNDS_MAX], t_fetch[ROUNDS_MAX];
    double t_all[ROUNDS_MAX], t_means[ROUNDS_MAX];
    peer blas_peer;
    wr_rng r = {.s = 7};
    for (size_t i = 0; i < (size_t)n * F; i++)
        x[i] = (float)wr_rng_unit(&r);
    bench_check(wr_aggregate_new(&a, &vw, &o, &err), &err);
    peer_open(&blas_peer, &vw, x);
    for (int k = -1; k < rounds; k++) { /* the first is thrown away */
        const int at = k < 0 ? 0 : k;
        t_ours[at] = ours(a, x);
        t_plain[at] = plain(out, &vw, x);
        t_fetch[at] = fetch(&vw, x);
        const blas b = peer_run(&blas_peer);
        t_all[at] = b.all;
        t_means[at] = b.means;
    }
    const double us = bench_median(t_ours, rounds), pairs = 2.0 * (double)vw.in.m;
    const double limit = bench_median(t_fetch, rounds);
    printf(
        "%u wallets, %.0f pairs, %d columns, six aggregates: %.2f s, %.1f ns per pair, "
        "%.1f GB/s of rows gathered\n",
        n, pairs / 2, F, us, 1e9 * us / pairs, 1e-9 * pairs * F * sizeof *x / us);
    printf("plain loop / ours        %.2f (target >= 1.5)\n",
           bench_median(t_plain, rounds) / us);
    printf("fetching the rows / ours %.2f (1 = the limit of memory; %.1f GB/s)\n",
           limit / us, 1e-9 * pairs * F * sizeof *x / limit);
    printf(
        "ours / GraphBLAS         %.2f all six (target <= 0.6), %.2f its means alone\n",
        us / bench_median(t_all, rounds), us / bench_median(t_means, rounds));
    wr_free(x);
    wr_free(out);
    wr_snapshot_unref(g);
    return 0;
}
