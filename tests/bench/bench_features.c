/*
 * Features: transfers row by row, wallets in blocks.  Aggregates: bench_aggregate.
 *
 *   bench_features [wallets] [transfers] [rounds]     default 1,000,000 5,000,000 3
 *
 * stream      every transfer of the AMLGentex log in ../shared, sink and source rows
 *             among them (two hubs with most transfers), one row at a time on one
 *             thread; and a made power law.  A missing log is said and left out.
 * wallets     rows of every wallet as of the end, all threads
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_graph.h"
#include "bench_tools.h"
#include "codec/transfer_reader.h"
#include "scoring/features.h"
#include "scoring/features_stream.h"

enum { ROUNDS_MAX = 99, BLOCK = 65536, OTHERS = 1 << 14 };

static const char LOG[] = WR_SHARED_DIR "/data/amlgentex_run_seed0/tx_log_trimmed.csv.gz";

/* ---- the stream ---- */

typedef struct events {
    wr_feature_event *e;
    size_t count, cap;
} events;

static void events_add(events *ev, wr_feature_event e)
{
    wr_feature_event *p = wr_grow(ev->e, &ev->cap, ev->count + 1, sizeof *p);
    if (!p)
        exit(1);
    ev->e = p;
    ev->e[ev->count++] = e;
}

/* Accounts are numbers; the generator's source and sink lie behind all of them. */
static wr_vid account(wr_text t)
{
    char text[16] = {0};
    memcpy(text, t.p, t.len < sizeof text ? t.len : sizeof text - 1);
    if (text[0] == 's')
        return strcmp(text, "sink") == 0 ? OTHERS : OTHERS + 1;
    return (wr_vid)strtoul(text, NULL, 10) % OTHERS;
}

static bool read_log(events *ev)
{
    wr_transfer_reader_opts o = WR_TRANSFER_READER_OPTS_INIT;
    wr_transfer_batch b = {0};
    wr_err err = {0};
    WR_AUTO(wr_transfer_reader) r = NULL;
    o.path = LOG;
    o.transfer.format = "amlgentex";
    if (wr_transfer_reader_open(&r, &o, &err) != WR_OK) {
        printf("stream, AMLGentex log: left out (%s)\n", err.msg);
        return false;
    }
    do {
        bench_check(wr_transfer_reader_next(r, &b, &err), &err);
        for (size_t i = 0; i < b.transfer_count; i++) {
            const wr_transfer *t = &b.transfer[i];
            events_add(ev, (wr_feature_event){account(t->from), account(t->to),
                                              (uint32_t)t->time_s, t->value});
        }
    } while (b.records);
    wr_transfer_batch_release(&b);
    return true;
}

static void run_stream(const char *what, const events *ev, int rounds)
{
    double t[ROUNDS_MAX], sum = 0;
    uint64_t bytes = 0;
    for (int k = 0; k < rounds; k++) {
        const wr_feature_stream_opts o = WR_FEATURE_STREAM_OPTS_INIT;
        WR_AUTO(wr_feature_stream) s = NULL;
        wr_err err = {0};
        float row[WR_TF_COUNT];
        bench_check(wr_feature_stream_new(&s, &o, &err), &err);
        const double start_s = bench_now_s();
        for (size_t i = 0; i < ev->count; i++) {
            bench_check(wr_feature_stream_next(s, row, &ev->e[i], &err), &err);
            sum += (double)row[WR_TF_PAIR_IS_NEW];
        }
        t[k] = bench_now_s() - start_s;
        bytes = wr_feature_stream_bytes(s);
    }
    const double m = bench_median(t, rounds);
    printf("stream, %s: %zu rows of %d, %.0f k rows/s on one thread (target 100), "
           "%.0f MB, %.0f%% first contacts\n",
           what, ev->count, WR_TF_COUNT, 1e-3 * (double)ev->count / m,
           1e-6 * (double)bytes, 100 * sum / rounds / (double)ev->count);
}

/* ---- the made graph ---- */

static wr_snapshot *make(events *ev, uint32_t n, uint64_t m)
{
    wr_edges e = {0};
    wr_snapshot *g = NULL;
    wr_err err = {0};
    wr_rng r = {.s = 1};
    bench_check(wr_edges_reserve(&e, m, &err), &err);
    for (e.m = 0; e.m < m; e.m++) {
        const wr_feature_event x = {bench_power_vertex(&r, n), bench_power_vertex(&r, n),
                                    1500000000 + (uint32_t)e.m, 1000 * wr_rng_unit(&r)};
        e.from[e.m] = x.from;
        e.to[e.m] = x.to;
        e.time_s[e.m] = x.time_s;
        e.value[e.m] = x.value;
        e.asset[e.m] = 0;
        e.seq[e.m] = (int64_t)e.m;
        events_add(ev, x);
    }
    bench_check(wr_snapshot_build(&g, &e, NULL, n, NULL, &err), &err);
    return g;
}

static void run_wallets(const wr_snapshot *g)
{
    const uint32_t n = wr_snapshot_n(g);
    int8_t *category = wr_calloc(n, sizeof *category);
    float *x = wr_alloc_big((size_t)BLOCK * WR_WF_COUNT, sizeof *x);
    if (!category || !x)
        exit(1);
    memset(category, WR_SEED_NONE, n);
    const wr_seeds seeds = {.n = n, .c = 1, .category = category};
    const wr_flow fl = wr_flow_of(g, &seeds);
    const wr_views vw = wr_views_of(g);
    const wr_features_opts o = WR_FEATURES_OPTS_INIT;
    WR_AUTO(wr_features) f = NULL;
    wr_err err = {0};
    double t = bench_now_s();
    bench_check(wr_features_new(&f, &fl, &vw, &o, &err), &err);
    const double once = bench_now_s() - t;
    t = bench_now_s();
    for (uint32_t first = 0; first < n; first += BLOCK)
        bench_check(wr_features_rows(x, WR_WF_COUNT, f, first,
                                     n - first < BLOCK ? n - first : BLOCK, NULL, &err),
                    &err);
    const double rows = bench_now_s() - t;
    printf("wallets: %u rows of %d, structure %.2f s, rows %.2f s: %.0f k wallets/s, "
           "%.2f M transfer ends/s\n",
           n, WR_WF_COUNT, once, rows, 1e-3 * n / rows, 2e-6 * (double)fl.col.m / rows);
    wr_free(category);
    wr_free(x);
}

int main(int argc, char **argv)
{
    const uint32_t n = (uint32_t)bench_argument(argc, argv, 1, 1e6, 2, 2e9);
    const uint64_t m = (uint64_t)bench_argument(argc, argv, 2, 5e6, 1, 4e9);
    const int rounds = (int)bench_argument(argc, argv, 3, 3, 1, ROUNDS_MAX);
    events log = {0}, made = {0};
    if (read_log(&log))
        run_stream("AMLGentex log", &log, rounds);
    wr_free(log.e);
    wr_snapshot *g = make(&made, n, m);
    run_stream("power law", &made, rounds);
    wr_free(made.e);
    run_wallets(g);
    wr_snapshot_unref(g);
    return 0;
}
