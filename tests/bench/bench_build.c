/*
 * Snapshot build (every view, both directions) against igraph_create on the same edges,
 * round by round in one process, as a ratio; and bytes per transfer.
 *
 *     bench_build [power|kron [TRANSFERS [WALLETS [ROUNDS]]]]
 *
 * power (10000000 2000000 3)  ranks ~ u^3, wallets numbered without locality, as three
 *   forms.  In order: rows arrive in time order, every pair random.  Shuffled: the same
 *   rows at random times, the sort is in the figure.  Repeated: in order, half of the
 *   transfers repeat an earlier pair, with assets and gaps in seq, as real data has them;
 *   the figure for memory.
 *
 * kron (67108864 4194304 1)  Graph 500 scale 22, edge factor 16, in time order; 15 GB.
 *
 * Both work in memory that this process has used before (a virtual machine's host takes
 * seconds per GiB to give fresh pages) and in huge pages (bench_tools.h).  Rounds that
 * met fresh pages all the same are told.  A round of each before the first one is not
 * counted.
 */
#include <igraph.h>
#include <inttypes.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "bench_graph.h"
#include "bench_tools.h"

enum { ROUNDS_MAX = 99 };

typedef struct size {
    uint64_t m;
    uint32_t n;
    int rounds;
} size;

typedef enum form { IN_ORDER, SHUFFLED, REPEATED, KRON, FORMS } form;
static const char *const form_name[FORMS] = {"in order", "shuffled", "repeated", "kron"};

static void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "bench_build: %s: %s\n", what, why);
    exit(1);
}

/* The ends of row i. */
static void pick_ends(wr_edges *e, uint64_t i, uint32_t n, form f, wr_rng *r)
{
    const uint64_t seen = f == REPEATED && i % 2 ? wr_rng_below(r, i) : i;
    if (f == KRON) {
        bench_kron_edge(r, n, &e->from[i], &e->to[i]);
    } else if (seen < i) {
        e->from[i] = e->from[seen];
        e->to[i] = e->to[seen];
    } else {
        e->from[i] = bench_power_vertex(r, n);
        e->to[i] = bench_power_vertex(r, n);
    }
}

static void make_rows(wr_edges *e, size z, form f)
{
    wr_err err = {0};
    wr_rng r = {.s = 42};
    if (wr_edges_reserve(e, z.m, &err) != WR_OK)
        die("rows", err.msg);
    e->m = z.m;
    for (uint64_t i = 0; i < z.m; i++) {
        pick_ends(e, i, z.n, f, &r);
        e->time_s[i] = f == SHUFFLED ? (uint32_t)wr_rng_below(&r, 100000000)
                                     : (uint32_t)(i * 100000000 / z.m);
        e->time_s[i] += 1500000000;
        e->value[i] = 1000.0 * wr_rng_unit(&r);
        e->asset[i] = f == REPEATED ? (uint16_t)(i % 3) : 0;
        e->seq[i] = (int64_t)(f == REPEATED ? 2 * i : i);
    }
}

static long faults(void)
{
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    return u.ru_minflt;
}

static double run_ours(size z, form f, uint64_t *bytes)
{
    wr_edges e = {0};
    wr_err err = {0};
    WR_AUTO(wr_snapshot) g = NULL;
    make_rows(&e, z, f);
    const double t0 = bench_now_s();
    if (wr_snapshot_build(&g, &e, NULL, z.n, NULL, &err) != WR_OK)
        die("wr_snapshot_build", err.msg);
    const double t = bench_now_s() - t0;
    *bytes = wr_snapshot_bytes(g);
    return t;
}

static double run_igraph(size z, form f)
{
    wr_edges e = {0};
    make_rows(&e, z, f);
    igraph_vector_int_t ends;
    igraph_t g;
    if (igraph_vector_int_init(&ends, (igraph_integer_t)(2 * z.m)) != IGRAPH_SUCCESS)
        die("igraph", "vector");
    for (uint64_t i = 0; i < z.m; i++) {
        VECTOR(ends)[2 * i] = e.from[i];
        VECTOR(ends)[2 * i + 1] = e.to[i];
    }
    wr_edges_release(&e);
    const double t0 = bench_now_s();
    if (igraph_create(&g, &ends, z.n, IGRAPH_DIRECTED) != IGRAPH_SUCCESS)
        die("igraph", "create");
    const double t = bench_now_s() - t0;
    igraph_destroy(&g);
    igraph_vector_int_destroy(&ends);
    return t;
}

static void bench(size z, form f)
{
    double ours[ROUNDS_MAX];
    double peer[ROUNDS_MAX];
    double ratio[ROUNDS_MAX];
    uint64_t bytes = 0;
    (void)run_ours(z, f, &bytes);
    (void)run_igraph(z, f);
    const long faults_before = faults();
    for (int k = 0; k < z.rounds; k++) {
        ours[k] = run_ours(z, f, &bytes);
        peer[k] = run_igraph(z, f);
        ratio[k] = peer[k] / ours[k];
    }
    const long met = faults() - faults_before;
    const size_t rounds = (size_t)z.rounds;
    qsort(ours, rounds, sizeof *ours, bench_by_value);
    qsort(peer, rounds, sizeof *peer, bench_by_value);
    qsort(ratio, rounds, sizeof *ratio, bench_by_value);
    const double m = (double)z.m / 1e6;
    (void)printf("%-9s ours %5.1f/%5.1f/%5.1f M/s  igraph_create %4.2f/%4.2f/%4.2f M/s  "
                 "ratio %5.1f/%5.1f/%5.1f (min/median/max)  %4.1f bytes per transfer\n",
                 form_name[f], m / ours[rounds - 1], m / ours[rounds / 2], m / ours[0],
                 m / peer[rounds - 1], m / peer[rounds / 2], m / peer[0], ratio[0],
                 ratio[rounds / 2], ratio[rounds - 1], (double)bytes / (double)z.m);
    if (met > 0)
        (void)printf("          fresh memory: %ld page faults in these rounds\n", met);
    (void)fflush(stdout);
}

static void touch_memory(uint64_t bytes)
{
    char *p = wr_alloc_big(bytes, 1);
    if (!p)
        die("warm-up", "no memory");
    for (uint64_t i = 0; i < bytes; i += 4096)
        p[i] = 1;
    __asm__ volatile("" : : "r"(p) : "memory"); /* the stores count */
    wr_free(p);
}

int main(int argc, char **argv)
{
    bench_start_with_huge_pages(argv);
    bench_keep_memory();
    (void)mallopt(M_MXFAST, 0);
    const bool is_kron = argc > 1 && strcmp(argv[1], "kron") == 0;
    size z = {.m = 10000000, .n = 2000000, .rounds = 3};
    if (is_kron)
        z = (size){.m = 67108864, .n = 4194304, .rounds = 1};
    if (argc > 2)
        z.m = strtoull(argv[2], NULL, 10);
    if (argc > 3)
        z.n = (uint32_t)strtoul(argv[3], NULL, 10);
    if (argc > 4)
        z.rounds = (int)strtol(argv[4], NULL, 10);
    if (z.m < 1 || z.n < 1 || z.rounds < 1 || z.rounds > ROUNDS_MAX ||
        (is_kron && (z.n & (z.n - 1)) != 0)) {
        (void)fprintf(stderr,
                      "usage: bench_build [power|kron [TRANSFERS [WALLETS [ROUNDS "
                      "1..99]]]]; WALLETS of kron: a power of two\n");
        return 2;
    }
    (void)printf("%" PRIu64 " transfers, %" PRIu32 " wallets, %d rounds, %d threads\n",
                 z.m, z.n, z.rounds, omp_get_max_threads());
    bench_tell_machine();
    touch_memory(z.m * 200);
    for (form f = is_kron ? KRON : IN_ORDER; f < (is_kron ? FORMS : KRON); f++)
        bench(z, f);
    bench_tell_machine();
    return 0;
}
