/*
 * bench_ledger [transfers] [wallets] [rounds]: the haircut ledger at C = 8, one thread.
 *
 * Random transfers without locality (a pessimistic bound), 2 % labelled.  Prints million
 * transfers/s of the fast kernel beside, in the same run and alternating: the plain
 * kernel, and a probe that only fetches and writes back the same six cache lines per
 * transfer (what memory allows).  The last line runs both directions on two threads.
 */
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "scoring/ledger.h"
#include "util/rng.h"

typedef struct bench {
    wr_flow fl;
    wr_seeds seeds;
    wr_vid *from, *to;
    uint32_t *time_s;
    double *value;
    unsigned char *probe; /* [n] rows of 256 bytes */
} bench;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void die(const char *what, const char *msg)
{
    fprintf(stderr, "bench_ledger: %s: %s\n", what, msg);
    exit(1);
}

static void *need(size_t count, size_t size)
{
    void *p = wr_alloc_big(count, size);
    if (!p)
        die("memory", "not enough");
    memset(p, 0, count * size);
    return p;
}

static void fill(bench *b, uint64_t m, uint32_t n)
{
    wr_rng r = {.s = 7};
    *b = (bench){.from = need(m, sizeof *b->from),
                 .to = need(m, sizeof *b->to),
                 .time_s = need(m, sizeof *b->time_s),
                 .value = need(m, sizeof *b->value),
                 .probe = need(n, 256)};
    b->seeds = (wr_seeds){.n = n, .c = 8, .category = need(n, 1)};
    for (uint32_t c = 0; c < 8; c++)
        b->seeds.kind[c] = c == 7 ? WR_CATEGORY_SERVICE : WR_CATEGORY_ILLICIT;
    for (uint32_t v = 0; v < n; v++)
        b->seeds.category[v] =
            (int8_t)(wr_rng_below(&r, 50) ? WR_SEED_NONE : (int)wr_rng_below(&r, 8));
    for (uint64_t i = 0; i < m; i++) {
        b->from[i] = (wr_vid)wr_rng_below(&r, n);
        b->to[i] = (wr_vid)wr_rng_below(&r, n);
        b->time_s[i] = (uint32_t)(1500000000 + i / 4);
        b->value[i] = (double)(1 + wr_rng_below(&r, 1000000)) / 1000;
    }
    b->fl = (wr_flow){.n = n,
                      .col = {.m = m,
                              .from = b->from,
                              .to = b->to,
                              .time_s = b->time_s,
                              .value = b->value},
                      .seeds = &b->seeds};
}

/* Seconds of one run. */
static double run(const bench *b, bool is_plain, wr_direction d)
{
    wr_err err = {0};
    wr_ledger l = {0};
    wr_ledger_opts o = WR_LEDGER_OPTS_INIT;
    o.direction = d;
    o.is_plain = is_plain;
    double t = now_s();
    if (wr_ledger_run(&l, &b->fl, &o, &err) != WR_OK)
        die("ledger", err.msg);
    t = now_s() - t;
    wr_ledger_release(&l);
    return t;
}

static double run_both(const bench *b)
{
    double t = now_s();
#pragma omp parallel for num_threads(2) default(none) shared(b)
    for (int d = 0; d < 2; d++)
        run(b, false, d ? WR_SENDING : WR_RECEIVING);
    return now_s() - t;
}

static double probe(const bench *b)
{
    double t = now_s();
    uint64_t m = b->fl.col.m;
    for (uint64_t i = 0; i < m; i++) {
        uint64_t k = i + 16 < m ? i + 16 : i;
        for (size_t at = 0; at < 128; at += 64)
            __builtin_prefetch(b->probe + (size_t)b->from[k] * 256 + at, 1);
        for (size_t at = 0; at < 256; at += 64)
            __builtin_prefetch(b->probe + (size_t)b->to[k] * 256 + at, 1);
        for (size_t at = 0; at < 128; at += 64)
            b->probe[(size_t)b->from[i] * 256 + at]++;
        for (size_t at = 0; at < 256; at += 64)
            b->probe[(size_t)b->to[i] * 256 + at]++;
    }
    return now_s() - t;
}

static double median(double *x, int n)
{
    for (int i = 1; i < n; i++)
        for (int j = i; j > 0 && x[j] < x[j - 1]; j--) {
            double t = x[j];
            x[j] = x[j - 1];
            x[j - 1] = t;
        }
    return x[n / 2];
}

int main(int argc, char **argv)
{
    uint64_t m = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000000;
    uint32_t n = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 2000000;
    int rounds = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 5;
    if (!m || !n || rounds < 1 || rounds > 99)
        die("usage", "bench_ledger [transfers] [wallets] [rounds 1..99]");
    static double fast[99], slow[99], mem[99], both[99];
    /* Freed memory stays with the process: the first touch of a page is paid once. */
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, INT_MAX);
    mallopt(M_ARENA_MAX, 1);
    bench b;
    fill(&b, m, n);
    run_both(&b); /* first touch of memory */
    for (int i = 0; i < rounds; i++) {
        fast[i] = run(&b, false, WR_RECEIVING);
        slow[i] = run(&b, true, WR_RECEIVING);
        mem[i] = probe(&b);
        both[i] = run_both(&b);
    }
    double mm = (double)m / 1e6, f = median(fast, rounds);
    printf("%.1f M transfers, %.1f M wallets, C = 8, median of %d\n", mm, n / 1e6,
           rounds);
    printf("ledger           %6.2f M transfers/s (best %.2f)\n", mm / f, mm / fast[0]);
    printf("plain kernel     %6.2f    ratio %.2f\n", mm / median(slow, rounds),
           slow[rounds / 2] / f);
    printf("six lines only   %6.2f    ratio %.2f\n", mm / median(mem, rounds),
           mem[rounds / 2] / f);
    printf("both directions  %6.2f    on two threads\n", 2 * mm / median(both, rounds));
    return 0;
}
