/*
 * bench_tools.h - what every bench needs: end with a message, clocks, medians, arguments.
 */
#ifndef WR_BENCH_TOOLS_H
#define WR_BENCH_TOOLS_H

#include <malloc.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "util/err.h"

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

/* The k-th argument as a number in [lo, hi], or `otherwise`. */
static inline double bench_argument(int argc, char **argv, int k, double otherwise,
                                    double lo, double hi)
{
    const double x = argc > k ? strtod(argv[k], NULL) : otherwise;
    return fmin(fmax(x, lo), hi);
}

#endif
