/*
 * bench_ledger [transfers] [wallets] [rounds]: the haircut ledger at C = 8, one thread.
 *
 * Random transfers without locality (a pessimistic bound), 2 % labelled.  Prints million
 * transfers/s of the fast kernel beside, in the same run and alternating: the plain
 * kernel, and a probe that only fetches and writes back the same six cache lines per
 * transfer (what memory allows).  Both directions run on two threads.
 *
 * Rates are of the pass over the transfers, timed between the kernel's own progress calls
 * (a million transfers apart).  Setting up 256 zeroed bytes a wallet stands on its own
 * line: on fresh pages it costs what the kernel's page clearing costs on the machine.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench_tools.h"
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

/* The thread's own CPU time: waiting for a busy machine is not counted, waiting for
 * memory is. */
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

/* When the pass was where; first and last progress call. */
typedef struct stamps {
    double first_s, last_s;
    uint64_t first, last;
} stamps;

static void stamp(void *ctx, const char *phase, uint64_t done, uint64_t total)
{
    (void)phase;
    (void)total;
    stamps *st = ctx;
    st->last_s = bench_cpu_s();
    st->last = done;
    if (st->first_s == 0) {
        st->first_s = st->last_s;
        st->first = done;
    }
}

/* Transfers per second of the pass; *setup_s is what came before it. */
static double run(double *setup_s, const bench *b, bool is_plain, wr_direction d)
{
    wr_err err = {0};
    wr_ledger l = {0};
    stamps st = {0};
    wr_progress pg = {.show = stamp, .ctx = &st};
    wr_ledger_opts o = WR_LEDGER_OPTS_INIT;
    o.direction = d;
    o.is_plain = is_plain;
    o.pg = &pg;
    double start_s = bench_cpu_s();
    if (wr_ledger_run(&l, &b->fl, &o, &err) != WR_OK)
        die("ledger", err.msg);
    wr_ledger_release(&l);
    *setup_s = st.first_s - start_s;
    return (double)(st.last - st.first) / (st.last_s - st.first_s);
}

/* Both directions at once: the sum of the two rates. */
static double run_both(const bench *b)
{
    double rate[2], setup_s[2];
#pragma omp parallel for num_threads(2) default(none) shared(b, rate, setup_s)
    for (int d = 0; d < 2; d++)
        rate[d] = run(&setup_s[d], b, false, d ? WR_SENDING : WR_RECEIVING);
    return rate[0] + rate[1];
}

static double probe(const bench *b)
{
    double t = bench_cpu_s();
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
    return (double)m / (bench_cpu_s() - t);
}

int main(int argc, char **argv)
{
    uint64_t m = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000000;
    uint32_t n = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 2000000;
    int rounds = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 5;
    if (m < 3000000 || !n || rounds < 1 || rounds > 99)
        die("usage", "bench_ledger [transfers, from 3000000] [wallets] [rounds 1..99]");
    static double fast[99], slow[99], mem[99], both[99], setup_s[99];
    bench b;
    bench_tell_machine();
    fill(&b, m, n);
    for (int i = 0; i < rounds; i++) {
        double unused_s;
        fast[i] = run(&setup_s[i], &b, false, WR_RECEIVING) / 1e6;
        slow[i] = run(&unused_s, &b, true, WR_RECEIVING) / 1e6;
        mem[i] = probe(&b) / 1e6;
        both[i] = run_both(&b) / 1e6;
    }
    double f = bench_median(fast, rounds);
    printf("%.1f M transfers, %.1f M wallets, C = 8, median of %d\n", (double)m / 1e6,
           n / 1e6, rounds);
    printf("ledger           %6.2f M transfers/s (%.2f .. %.2f)\n", f, fast[0],
           fast[rounds - 1]);
    printf("both directions  %6.2f   on two threads\n", bench_median(both, rounds));
    const double plain = bench_median(slow, rounds);
    const double lines = bench_median(mem, rounds);
    printf("plain kernel     %6.2f   ledger is %.2f times that\n", plain, f / plain);
    printf("six lines only   %6.2f   ledger is %.2f times that\n", lines, f / lines);
    printf("setup            %6.2f s  %.0f MiB of state\n", bench_median(setup_s, rounds),
           256.0 * n / (1 << 20));
    return 0;
}
