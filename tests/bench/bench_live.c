/*
 * bench_live [transfers] [wallets]: the haircut ledger as a stream, C = 8, one thread.
 *
 * wr_ledger_live_apply in batches of 512, every wallet known, with 0, 1 and 10 % of the
 * transfers arriving up to 4096 late, beside wr_ledger_run over the same transfers in one
 * pass, in the same process.  Ends of transfers are drawn evenly, then with weight on few
 * wallets (the cube of a uniform number: the busiest of a million has one percent): a
 * late transfer costs only when one of its wallets has moved since.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench_tools.h"
#include "scoring/ledger_live.h"
#include "util/rng.h"

enum { BATCH = 512, LATE_MOST = 4096 };

typedef struct bench {
    uint64_t m;
    uint32_t n;
    wr_vid *from, *to;
    uint32_t *time_s;
    double *value;
    wr_seeds seeds;
    uint32_t *arrival; /* [m] positions */
} bench;

static void die(const char *what, const char *msg)
{
    fprintf(stderr, "bench_live: %s: %s\n", what, msg);
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

static wr_vid wallet(wr_rng *r, uint32_t n, bool is_skewed)
{
    double x = wr_rng_unit(r);
    return (wr_vid)((double)n * (is_skewed ? x * x * x : x));
}

static void fill(bench *b, bool is_skewed)
{
    wr_rng r = {.s = 7};
    for (uint32_t v = 0; v < b->n; v++)
        b->seeds.category[v] =
            (int8_t)(wr_rng_below(&r, 50) ? WR_SEED_NONE : (int)wr_rng_below(&r, 8));
    for (uint64_t i = 0; i < b->m; i++) {
        b->from[i] = wallet(&r, b->n, is_skewed);
        b->to[i] = wallet(&r, b->n, is_skewed);
        b->time_s[i] = (uint32_t)(1500000000 + i);
        b->value[i] = (double)(1 + wr_rng_below(&r, 1000000)) / 1000;
    }
}

/* Late ones wait in the place where they arrive: a list by place, newest first. */
static void arrive(bench *b, uint32_t late_percent)
{
    wr_rng r = {.s = 11};
    uint32_t *head = need(b->m + LATE_MOST + 1, sizeof *head);
    uint32_t *next = need(b->m, sizeof *next);
    for (uint64_t i = 0; i < b->m; i++) {
        bool is_late = wr_rng_below(&r, 100) < late_percent;
        uint64_t at = i + (is_late ? 1 + wr_rng_below(&r, LATE_MOST) : 0);
        next[i] = head[at];
        head[at] = (uint32_t)i + 1;
    }
    uint64_t k = 0;
    for (uint64_t at = 0; at < b->m + LATE_MOST + 1; at++)
        for (uint32_t i = head[at]; i; i = next[i - 1])
            b->arrival[k++] = i - 1;
    wr_free(head);
    wr_free(next);
}

static double run_whole(const bench *b)
{
    wr_err err = {0};
    wr_flow fl = {.n = b->n,
                  .col = {.m = b->m,
                          .from = b->from,
                          .to = b->to,
                          .time_s = b->time_s,
                          .value = b->value},
                  .seeds = &b->seeds};
    wr_ledger l = {0};
    wr_ledger_opts o = WR_LEDGER_OPTS_INIT;
    double t = bench_cpu_s();
    if (wr_ledger_run(&l, &fl, &o, &err) != WR_OK)
        die("ledger", err.msg);
    t = bench_cpu_s() - t;
    wr_ledger_release(&l);
    return (double)b->m / t;
}

static wr_ledger_live *new_live(const bench *b)
{
    wr_err err = {0};
    wr_ledger_live *l = NULL;
    wr_ledger_live_opts o = {.c = 8};
    memcpy(o.kind, b->seeds.kind, sizeof o.kind);
    if (wr_ledger_live_new(&l, &o, &err) != WR_OK)
        die("live", err.msg);
    for (uint32_t v = 0; v < b->n; v++) {
        uint32_t handle;
        wr_live_wallet w = {.category = b->seeds.category[v],
                            .confidence = 1,
                            .to_s = UINT32_MAX,
                            .base_v = WR_VID_NONE};
        if (wr_ledger_live_add(l, &handle, &w, &err) != WR_OK)
            die("live", err.msg);
    }
    return l;
}

typedef struct result {
    double rate, worst_ms;
    uint64_t undone, out_of_order, bytes;
} result;

static result run_live(const bench *b)
{
    wr_err err = {0};
    result res = {0};
    WR_AUTO(wr_ledger_live) l = new_live(b);
    double spent_s = 0;
    for (uint64_t first = 0; first < b->m; first += BATCH) {
        wr_live_transfer t[BATCH];
        const uint32_t *touched;
        size_t n = b->m - first < BATCH ? (size_t)(b->m - first) : BATCH, count;
        uint64_t undone = 0;
        for (size_t k = 0; k < n; k++) {
            uint32_t i = b->arrival[first + k];
            t[k] = (wr_live_transfer){.seq = (int64_t)(first + k),
                                      .value = b->value[i],
                                      .time_s = b->time_s[i],
                                      .from = b->from[i],
                                      .to = b->to[i]};
        }
        double at_s = bench_cpu_s();
        if (wr_ledger_live_apply(l, t, n, &touched, &count, &undone, &err) != WR_OK)
            die("live", err.msg);
        at_s = bench_cpu_s() - at_s;
        spent_s += at_s;
        if (at_s * 1e3 > res.worst_ms)
            res.worst_ms = at_s * 1e3;
        res.undone += undone;
        for (size_t k = 0; k < n; k++)
            res.out_of_order += t[k].is_out_of_order;
    }
    res.rate = (double)b->m / spent_s;
    res.bytes = wr_ledger_live_bytes(l);
    return res;
}

int main(int argc, char **argv)
{
    bench b = {.m = argc > 1 ? strtoull(argv[1], NULL, 10) : 4000000,
               .n = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1000000};
    if (b.m < 1000 || b.m > 1000000000 || !b.n)
        die("usage", "bench_live [transfers, 1000..1000000000] [wallets]");
    b.from = need(b.m, sizeof *b.from);
    b.to = need(b.m, sizeof *b.to);
    b.time_s = need(b.m, sizeof *b.time_s);
    b.value = need(b.m, sizeof *b.value);
    b.arrival = need(b.m, sizeof *b.arrival);
    b.seeds = (wr_seeds){.n = b.n, .c = 8, .category = need(b.n, 1)};
    for (uint32_t c = 0; c < 8; c++)
        b.seeds.kind[c] = c == 7 ? WR_CATEGORY_SERVICE : WR_CATEGORY_ILLICIT;
    printf("%.1f M transfers, %.1f M wallets, C = 8, batches of %d; M transfers/s\n",
           (double)b.m / 1e6, b.n / 1e6, BATCH);
    for (int is_skewed = 0; is_skewed < 2; is_skewed++) {
        const uint32_t late[] = {0, 1, 10};
        fill(&b, is_skewed);
        for (int k = 0; k < 3; k++) {
            arrive(&b, late[k]);
            double whole = run_whole(&b);
            result r = run_live(&b);
            printf("%-6s %2u %% late  live %6.3f  one pass %6.2f  ratio %.3f  applied "
                   "again %5.2f per transfer  out of order %lu  worst batch %.1f ms  "
                   "%.0f MiB\n",
                   is_skewed ? "skewed" : "even", late[k], r.rate / 1e6, whole / 1e6,
                   r.rate / whole, (double)r.undone / (double)b.m,
                   (unsigned long)r.out_of_order, r.worst_ms,
                   (double)r.bytes / (1 << 20));
            fflush(stdout);
        }
    }
    return 0;
}
