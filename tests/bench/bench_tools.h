/*
 * bench_tools.h - what every bench needs: end with a message, clocks, medians, arguments,
 * what the machine is worth.
 */
#ifndef WR_BENCH_TOOLS_H
#define WR_BENCH_TOOLS_H

#include <malloc.h>
#include <math.h>
#include <omp.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "util/mem.h"

static inline void bench_check(wr_status st, const wr_err *err)
{
    if (st == WR_OK)
        return;
    (void)fprintf(stderr, "%s\n", err->msg);
    exit(1);
}

/* p, or the end. */
static inline void *bench_need(void *p)
{
    if (!p) {
        (void)fprintf(stderr, "out of memory\n");
        exit(1);
    }
    return p;
}

/* Freed memory stays with the process: a virtual machine's host takes seconds per GiB to
 * give fresh pages. */
static inline void bench_keep_memory(void)
{
    (void)mallopt(M_MMAP_MAX, 0);
    (void)mallopt(M_TRIM_THRESHOLD, -1);
    (void)mallopt(M_ARENA_MAX, 1); /* other arenas would still give memory back */
}

/*
 * malloc in huge pages, for the peers as for us: glibc reads its tunables when a program
 * starts, so this one starts itself anew.  No small blocks are kept aside: one of them
 * between big ones cuts the free heap in two, and fresh pages have to serve.
 */
static inline void bench_start_with_huge_pages(char **argv)
{
    if (getenv("GLIBC_TUNABLES"))
        return;
    cpu_set_t all; /* OMP_PROC_BIND has tied this thread to one core already */
    memset(&all, 0xff, sizeof all);
    (void)sched_setaffinity(0, sizeof all, &all);
    (void)setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1:glibc.malloc.tcache_count=0",
                 1);
    (void)execv("/proc/self/exe", argv);
}

static inline double bench_clock_s(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline double bench_now_s(void)
{
    return bench_clock_s(CLOCK_MONOTONIC);
}

/* The thread's own: a busy machine is not counted, waiting for memory is. */
static inline double bench_cpu_s(void)
{
    return bench_clock_s(CLOCK_THREAD_CPUTIME_ID);
}

static inline int bench_by_value(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts t. */
static inline double bench_median(double *t, int count)
{
    qsort(t, (size_t)count, sizeof *t, bench_by_value);
    return t[count / 2];
}

/* Seconds of so many threads that each add in registers, the same work each. */
static inline double bench_adding_s(int threads)
{
    enum { ROUNDS = 50000000 };
    const double t0 = bench_now_s();
#pragma omp parallel num_threads(threads)
    {
        uint64_t a = 1;
        uint64_t b = 2;
        uint64_t c = 3;
        uint64_t d = 4;
        for (int i = 0; i < ROUNDS; i++) {
            a += b + 1;
            c += d + 1;
            __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d)); /* they count */
        }
    }
    return bench_now_s() - t0;
}

/*
 * How many cores all threads are worth: what they add together by what one adds alone.
 * Two on two cores; one where a virtual machine's two processors are the two threads of
 * one core, as its host may decide from one minute to the next.  No memory is touched.
 */
static inline double bench_cores(void)
{
    enum { TIMES = 5 };
    const int threads = omp_get_max_threads();
    double cores[TIMES];
    for (int k = 0; k < TIMES; k++) {
        const double one_s = bench_adding_s(1);
        cores[k] = threads * one_s / bench_adding_s(threads);
    }
    return bench_median(cores, TIMES);
}

/* Nanoseconds of a load that waits for the one before, all over 256 MiB in huge pages. */
static inline double bench_load_ns(void)
{
    enum { LINES = 1 << 22, WORDS = 8, LOADS = 2000000 };
    uint64_t *next = bench_need(wr_alloc_big((size_t)LINES * WORDS, sizeof *next));
    for (uint64_t i = 0; i < LINES; i++) /* one cycle through all: a generator's */
        next[i * WORDS] = (i * UINT64_C(2862933555777941757) + 3037000493) % LINES;
    const double t0 = bench_now_s();
    uint64_t at = 0;
    for (int k = 0; k < LOADS; k++)
        at = next[at * WORDS];
    const double ns = (bench_now_s() - t0) / LOADS * 1e9;
    __asm__ volatile("" : : "r"(at)); /* the loads count */
    wr_free(next);
    return ns;
}

/* What the machine is worth just now: a shared one changes from minute to minute. */
static inline void bench_tell_machine(void)
{
    (void)printf("machine: a load from memory takes %.0f ns, %d threads are worth %.2f "
                 "cores\n",
                 bench_load_ns(), omp_get_max_threads(), bench_cores());
}

/* The k-th argument as a number in [lo, hi], or `otherwise`. */
static inline double bench_argument(int argc, char **argv, int k, double otherwise,
                                    double lo, double hi)
{
    const double x = argc > k ? strtod(argv[k], NULL) : otherwise;
    return fmin(fmax(x, lo), hi);
}

#endif
