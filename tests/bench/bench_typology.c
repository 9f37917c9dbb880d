/*
 * bench_typology.c - what each typology costs on a made graph, all roots.
 *
 *   bench_typology [transfers] [wallets] [days] [live]   default 2e6 4e5 30
 *
 * Prints transfers/s, hits, and the roots where a budget or the hub cap ended the search.
 * Then the typologies as a stream, transfer by transfer, in CPU time of one thread; at
 * last as the live state has them: all but the last tenth as the base of a run, of which
 * the last 8 days are looked at (start), and the rest one by one (then); `live`: only
 * that. The busiest hundred wallets are services, as they are in life.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench_graph.h"
#include "bench_tools.h"
#include "scoring/typology_live.h"
#include "util/clock.h"

static wr_snapshot *make(uint64_t m, uint32_t n, uint32_t days)
{
    wr_err err = {0};
    wr_rng r = {.s = 1};
    wr_edges e = {0};
    bench_check(wr_edges_reserve(&e, m, &err), &err);
    for (uint64_t i = 0; i < m; i++) {
        e.from[i] = bench_power_vertex(&r, n);
        e.to[i] = bench_power_vertex(&r, n);
        e.time_s[i] =
            1600000000 + (uint32_t)wr_rng_below(&r, (uint64_t)days * WR_TYPOLOGY_DAY_S);
        const double u = wr_rng_unit(&r); /* 1 .. 100 000, small ones mostly */
        e.value[i] = 1 + 100000 * u * u * u * u * u;
        e.asset[i] = 0;
        e.seq[i] = (int64_t)i;
    }
    e.m = m;
    wr_snapshot *g = NULL;
    bench_check(wr_snapshot_build(&g, &e, NULL, n, NULL, &err), &err);
    return g;
}

/* A busy machine is not counted. */
static double cpu_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint64_t push_some(wr_typology_live *l, const wr_columns *col, uint64_t begin,
                          uint64_t end, double *slowest_s)
{
    wr_err err = {0};
    uint64_t news = 0;
    wr_typology_told told = {0};
    for (uint64_t i = begin; i < end; i++) {
        const wr_typology_transfer t = {.value = col->value[i],
                                        .from = col->from[i],
                                        .to = col->to[i],
                                        .time_s = col->time_s[i],
                                        .ref = (uint32_t)i};
        const double before = slowest_s ? cpu_s() : 0;
        bench_check(wr_typology_live_push(&told, l, &t, &err), &err);
        if (slowest_s && cpu_s() - before > *slowest_s)
            *slowest_s = cpu_s() - before;
        news += told.count;
    }
    return news;
}

/* As behind a run (pipeline/live/live_typologies.h). */
static void go_live(const wr_typology_input *in, wr_typology_opts o, uint32_t which,
                    const char *name)
{
    wr_err err = {0};
    const wr_columns *col = &in->flow.col;
    const uint64_t base = col->m - col->m / 10;
    const uint32_t back_s = 8 * WR_TYPOLOGY_DAY_S, newest_s = col->time_s[base - 1];
    double slowest_s = 0;
    WR_AUTO(wr_typology_live) l = NULL;
    o.from_s = newest_s > back_s ? newest_s - back_s : 0;
    bench_check(wr_typology_live_new(&l, in, which, &o, &err), &err);
    const double begin = cpu_s();
    (void)push_some(l, col, 0, base, NULL);
    const double started = cpu_s();
    const uint64_t bytes = wr_typology_live_bytes(l);
    const double then = cpu_s();
    (void)push_some(l, col, base, col->m, &slowest_s);
    const double used = cpu_s() - then;
    printf(
        "%-20s start %7.2f s, %6.0f MB; then %6.1f k transfers/s, the slowest %.1f ms, "
        "%.0f bytes each\n",
        name, started - begin, (double)bytes / 1e6, (double)(col->m - base) / used / 1e3,
        slowest_s * 1e3,
        ((double)wr_typology_live_bytes(l) - (double)bytes) / (double)(col->m - base));
}

/* The same transfers one by one. */
static void stream(const wr_typology_input *in, const wr_typology_opts *o, uint32_t which,
                   const char *name)
{
    wr_err err = {0};
    const wr_columns *col = &in->flow.col;
    WR_AUTO(wr_typology_live) l = NULL;
    const double before = cpu_s();
    wr_typology_told told = {0};
    bench_check(wr_typology_live_new(&l, in, which, o, &err), &err);
    uint64_t news = push_some(l, col, 0, col->m, NULL);
    bench_check(wr_typology_live_end(&told, l, &err), &err);
    news += told.count;
    const double s_used = cpu_s() - before;
    printf("%-20s %8.3f s %8.2f M transfers/s %9lu news\n", name, s_used,
           (double)col->m / s_used / 1e6, (unsigned long)news);
}

int main(int argc, char **argv)
{
    const uint64_t m = argc > 1 ? (uint64_t)strtod(argv[1], NULL) : 2000000;
    const uint32_t n = argc > 2 ? (uint32_t)strtod(argv[2], NULL) : 400000;
    const uint32_t days = argc > 3 ? (uint32_t)strtod(argv[3], NULL) : 30;
    wr_err err = {0};
    wr_snapshot *g = make(m, n, days);
    wr_taxonomy tx = {.count = 1, .category = {{.kind = WR_CATEGORY_SERVICE}}};
    wr_seeds s = {0};
    bench_check(wr_seeds_init(&s, n, &tx, &err), &err);
    for (uint32_t rank = 0; rank < 100; rank++)
        wr_seeds_offer(&s, &tx, (wr_vid)(rank * 2654435761ULL % n), 0, 1, 0, UINT32_MAX);
    const wr_typology_input in = {
        .flow = wr_flow_of(g, &s), .mixer_mask = 1, .swap_mask = 1};
    const wr_typology_opts o = WR_TYPOLOGY_OPTS_INIT;
    if (argc > 4) { /* behind a run alone */
        go_live(&in, o, WR_TYPOLOGY_LIVE_AT_ONCE, "what is told at once");
        go_live(&in, o, WR_TYPOLOGY_LIVE, "all");
        wr_seeds_release(&s);
        wr_snapshot_unref(g);
        return 0;
    }
    double total = 0;
    for (int t = 0; t < WR_TYPOLOGY_COUNT; t++) {
        WR_TYPOLOGY_HITS_AUTO wr_typology_hits h = {0};
        const int64_t before = wr_clock_mono_us();
        bench_check(wr_typology_find(&h, &in, 1U << t, &o, NULL, &err), &err);
        const double s_used = (double)(wr_clock_mono_us() - before) / 1e6;
        total += s_used;
        printf("%-19s %8.3f s %8.2f M transfers/s %9lu hits %8lu partial %8lu capped\n",
               wr_typology_name((wr_typology)t), s_used, (double)m / s_used / 1e6,
               (unsigned long)h.count, (unsigned long)h.partial_roots[t],
               (unsigned long)h.truncated_roots[t]);
    }
    printf("%-19s %8.3f s %8.2f M transfers/s\n", "all", total, (double)m / total / 1e6);
    puts("as a stream, one thread:");
    stream(&in, &o, WR_TYPOLOGY_LIVE_AT_ONCE, "what is told at once");
    for (int t = 0; t < WR_TYPOLOGY_COUNT; t++)
        if (!(WR_TYPOLOGY_LIVE_AT_ONCE >> t & 1))
            stream(&in, &o, 1U << t, wr_typology_name((wr_typology)t));
    stream(&in, &o, WR_TYPOLOGY_LIVE, "all");
    puts("behind a run:");
    go_live(&in, o, WR_TYPOLOGY_LIVE_AT_ONCE, "what is told at once");
    go_live(&in, o, WR_TYPOLOGY_LIVE, "all");
    go_live(&in, o, WR_TYPOLOGY_LIVE | WR_TYPOLOGY_LIVE_EARLY, "all, early news too");
    wr_seeds_release(&s);
    wr_snapshot_unref(g);
    return 0;
}
