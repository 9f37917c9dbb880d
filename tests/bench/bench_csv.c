/*
 * CSV file -> store-ready transfers against a Python csv loop over the same file.
 *
 *   bench_csv [rows] [rounds]     default 1,000,000 rows, 5 rounds
 *
 * Rows look like a simulator's export (hash, block, time, two addresses, asset, wei
 * amount, position).  Ours and the peer run by turns, after one round each that is thrown
 * away; printed are rows/s (min, median, max) and the ratio of the medians.  The peer is
 * csv.reader with a dict from address to id and int() of the numbers; csv.DictReader is
 * printed beside it.  Threads: OMP_NUM_THREADS.
 */
#include <inttypes.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench_tools.h"
#include "codec/transfer_reader.h"
#include "util/clock.h"
#include "util/rng.h"

enum { WALLETS = 200000, ROUNDS_MAX = 99, PEER_ROWS = 300000 };

static const char PEER[] =
    "import csv, sys, time\n"
    "path, kind, most = sys.argv[1], sys.argv[2], int(sys.argv[3])\n"
    "t = time.perf_counter(); ids = {}; n = 0; total = 0\n"
    "with open(path, newline='') as f:\n"
    "    if kind == 'dict':\n"
    "        for r in csv.DictReader(f):\n"
    "            ids.setdefault(r['from'], len(ids)); ids.setdefault(r['to'], len(ids))\n"
    "            total += int(r['amount']); int(r['time']); n += 1\n"
    "            if n == most: break\n"
    "    else:\n"
    "        rows = csv.reader(f); next(rows)\n"
    "        for r in rows:\n"
    "            ids.setdefault(r[3], len(ids)); ids.setdefault(r[4], len(ids))\n"
    "            total += int(r[6]); int(r[2]); n += 1\n"
    "            if n == most: break\n"
    "print(n / (time.perf_counter() - t))\n";

static void die(const char *what, const wr_err *err)
{
    (void)fprintf(stderr, "%s: %s\n", what, err->msg);
    exit(1);
}

static void write_rows(FILE *f, uint64_t rows)
{
    wr_rng rng = {.s = 1};
    (void)fputs("tx_hash,block,time,from,to,asset,amount,position\n", f);
    for (uint64_t i = 0; i < rows; i++) {
        (void)fprintf(f,
                      "0x%016" PRIx64 "%016" PRIx64 "%016" PRIx64 "%016" PRIx64
                      ",%" PRIu64 ",%" PRIu64,
                      wr_rng_u64(&rng), wr_rng_u64(&rng), wr_rng_u64(&rng),
                      wr_rng_u64(&rng), 17000000 + i / 100, 1680000000 + i / 8);
        for (int side = 0; side < 2; side++) {
            wr_rng wallet = {.s = wr_rng_below(&rng, WALLETS)};
            (void)fprintf(f, ",0x%08x%016llx%016llx",
                          (unsigned)(wr_rng_u64(&wallet) >> 32),
                          (unsigned long long)wr_rng_u64(&wallet),
                          (unsigned long long)wr_rng_u64(&wallet));
        }
        (void)fprintf(f, ",ETH,%llu,%u\n", (unsigned long long)(wr_rng_u64(&rng) >> 2),
                      (unsigned)(i % 3));
    }
}

static double ours(const char *path, uint64_t want)
{
    wr_transfer_reader_opts o = WR_TRANSFER_READER_OPTS_INIT;
    wr_transfer_reader *r = NULL;
    wr_transfer_batch b = {0};
    wr_err err = {0};
    uint64_t n = 0;
    o.path = path;
    o.transfer.chain = "eip155:1";
    const int64_t start_us = wr_clock_mono_us();
    if (wr_transfer_reader_open(&r, &o, &err) != WR_OK)
        die("open", &err);
    do {
        if (wr_transfer_reader_next(r, &b, &err) != WR_OK)
            die("next", &err);
        n += b.transfer_count;
    } while (b.records);
    const int64_t took_us = wr_clock_mono_us() - start_us;
    wr_transfer_batch_release(&b);
    wr_transfer_reader_close(r);
    if (n != want) {
        (void)fprintf(stderr, "%llu of %llu rows\n", (unsigned long long)n,
                      (unsigned long long)want);
        exit(1);
    }
    return (double)n * 1e6 / (double)took_us;
}

static double peer(const char *script, const char *path, const char *kind)
{
    char line[512];
    char answer[64] = "";
    (void)snprintf(line, sizeof line, "python3 %s %s %s %d", script, path, kind,
                   (int)PEER_ROWS);
    FILE *p = popen(line, "r");
    if (!p || !fgets(answer, sizeof answer, p) || pclose(p) != 0) {
        (void)fprintf(stderr, "python3 did not run: %s\n", line);
        exit(1);
    }
    return strtod(answer, NULL);
}

static double report(const char *name, double *rate, int n)
{
    qsort(rate, (size_t)n, sizeof *rate, bench_by_value);
    (void)printf("%-22s %6.2f %6.2f %6.2f M rows/s (min median max)\n", name,
                 rate[0] / 1e6, rate[n / 2] / 1e6, rate[n - 1] / 1e6);
    return rate[n / 2];
}

int main(int argc, char **argv)
{
    const uint64_t rows = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    int rounds = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 5;
    double rate[3][ROUNDS_MAX];
    char csv[] = "/tmp/wr_bench_csv_XXXXXX";
    char script[] = "/tmp/wr_bench_py_XXXXXX";
    const int csv_fd = mkstemp(csv);
    const int script_fd = mkstemp(script);
    FILE *f = csv_fd >= 0 ? fdopen(csv_fd, "w") : NULL;
    FILE *g = script_fd >= 0 ? fdopen(script_fd, "w") : NULL;
    if (!f || !g || !rows) {
        (void)fprintf(stderr, "usage: bench_csv [rows] [rounds]; needs room in /tmp\n");
        return 2;
    }
    rounds = rounds < 1 ? 1 : rounds > ROUNDS_MAX ? ROUNDS_MAX : rounds;
    write_rows(f, rows);
    (void)fputs(PEER, g);
    const long bytes = ftell(f);
    (void)fclose(f);
    (void)fclose(g);
    (void)printf("%llu rows, %.0f bytes each, %d threads\n", (unsigned long long)rows,
                 (double)bytes / (double)rows, omp_get_max_threads());
    (void)ours(csv, rows);
    (void)peer(script, csv, "reader");
    for (int i = 0; i < rounds; i++) {
        rate[0][i] = ours(csv, rows);
        rate[1][i] = peer(script, csv, "reader");
        rate[2][i] = peer(script, csv, "dict");
    }
    const double us = report("csv -> transfers", rate[0], rounds);
    const double reader = report("python csv.reader", rate[1], rounds);
    const double dict = report("python csv.DictReader", rate[2], rounds);
    (void)printf("ratio to csv.reader + dict %.1f (target 15), to DictReader %.1f\n",
                 us / reader, us / dict);
    (void)unlink(csv);
    (void)unlink(script);
    return 0;
}
