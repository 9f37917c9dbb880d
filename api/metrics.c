#include "api/metrics.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Statuses in the order of the shard's columns; the last column takes all others. */
static const int statuses[WR_METRIC_STATUS_MAX] = {200, 201, 202, 207, 400, 403, 404, 405,
                                                   406, 408, 409, 411, 413, 414, 415, 417,
                                                   421, 422, 431, 500, 501, 503, 505, 0};

static const int64_t bucket_us[WR_METRIC_BUCKETS - 1] = {
    100, 250, 500, 1000, 2500, 5000, 10000, 50000, 250000, 1000000, 10000000};

static uint32_t status_column(int status)
{
    uint32_t i = 0;
    while (i + 1 < WR_METRIC_STATUS_MAX && statuses[i] != status)
        i++;
    return i;
}

static void add(_Atomic uint64_t *to, uint64_t n)
{
    atomic_fetch_add_explicit(to, n, memory_order_relaxed);
}

static uint64_t get(const _Atomic uint64_t *from)
{
    return atomic_load_explicit(from, memory_order_relaxed);
}

void wr_metric_request(wr_metric_shard *m, uint32_t route, int status, int64_t us,
                       uint64_t sent_bytes)
{
    uint32_t r = route < WR_METRIC_ROUTE_MAX ? route : WR_METRIC_ROUTE_MAX - 1;
    uint32_t b = 0;
    while (b < WR_METRIC_BUCKETS - 1 && us > bucket_us[b])
        b++;
    add(&m->requests[r][status_column(status)], 1);
    add(&m->bucket[r][b], 1);
    add(&m->sum_us[r], us > 0 ? (uint64_t)us : 0);
    add(&m->sent_bytes, sent_bytes);
}

static void head(wr_buf *out, const char *name, const char *type, const char *help)
{
    wr_buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static const char *route_name(const wr_route *table, uint32_t routes, uint32_t r)
{
    return r < routes ? table[r].pattern : "none";
}

static const char *route_method(const wr_route *table, uint32_t routes, uint32_t r)
{
    return r < routes ? table[r].method : "any";
}

static void write_counts(wr_buf *out, wr_metric_shard *const *shard, uint32_t n,
                         const wr_route *table, uint32_t routes)
{
    head(out, "walletrisk_http_requests_total", "counter", "Requests answered.");
    for (uint32_t r = 0; r <= routes; r++) {
        for (uint32_t s = 0; s < WR_METRIC_STATUS_MAX; s++) {
            uint64_t sum = 0;
            for (uint32_t i = 0; i < n; i++)
                sum += shard[i] ? get(&shard[i]->requests[r][s]) : 0;
            if (sum)
                wr_buf_addf(out,
                            "walletrisk_http_requests_total{method=\"%s\",route=\"%s\","
                            "status=\"%d\"} %" PRIu64 "\n",
                            route_method(table, routes, r), route_name(table, routes, r),
                            statuses[s], sum);
        }
    }
}

static void write_times(wr_buf *out, wr_metric_shard *const *shard, uint32_t n,
                        const wr_route *table, uint32_t routes)
{
    static const char name[] = "walletrisk_http_request_duration_seconds";
    head(out, name, "histogram",
         "Time from the request's head to the end of its answer.");
    for (uint32_t r = 0; r <= routes; r++) {
        uint64_t count[WR_METRIC_BUCKETS] = {0};
        uint64_t total = 0;
        uint64_t sum_us = 0;
        for (uint32_t i = 0; i < n; i++) {
            for (uint32_t b = 0; shard[i] && b < WR_METRIC_BUCKETS; b++)
                count[b] += get(&shard[i]->bucket[r][b]);
            sum_us += shard[i] ? get(&shard[i]->sum_us[r]) : 0;
        }
        const char *method = route_method(table, routes, r);
        const char *route = route_name(table, routes, r);
        for (uint32_t b = 0; b < WR_METRIC_BUCKETS; b++) {
            char le[16] = "+Inf";
            if (b + 1 < WR_METRIC_BUCKETS)
                (void)snprintf(le, sizeof le, "%g", (double)bucket_us[b] / 1e6);
            total += count[b];
            wr_buf_addf(out,
                        "%s_bucket{method=\"%s\",route=\"%s\",le=\"%s\"} %" PRIu64 "\n",
                        name, method, route, le, total);
        }
        wr_buf_addf(out, "%s_sum{method=\"%s\",route=\"%s\"} %.6f\n", name, method, route,
                    (double)sum_us / 1e6);
        wr_buf_addf(out, "%s_count{method=\"%s\",route=\"%s\"} %" PRIu64 "\n", name,
                    method, route, total);
    }
}

void wr_metric_write_requests(wr_buf *out, wr_metric_shard *const *shard, uint32_t n,
                              const wr_route *table, uint32_t routes)
{
    write_counts(out, shard, n, table, routes);
    write_times(out, shard, n, table, routes);
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < n; i++)
        bytes += shard[i] ? get(&shard[i]->sent_bytes) : 0;
    wr_metric_write(out, "walletrisk_http_sent_bytes_total", "counter",
                    "Bytes of answers, heads included.", (double)bytes);
}

void wr_metric_write(wr_buf *out, const char *name, const char *type, const char *help,
                     double value)
{
    head(out, name, type, help);
    wr_buf_addf(out, "%s %.17g\n", name, value);
}

void wr_metric_write_parts(wr_buf *out, const char *name, const char *help,
                           const wr_metric_part *part, size_t n)
{
    head(out, name, "gauge", help);
    for (size_t i = 0; i < n; i++)
        wr_buf_addf(out, "%s{part=\"%s\"} %" PRIu64 "\n", name, part[i].name,
                    part[i].bytes);
}

/* The fields of /proc/self/stat from the third on, behind the name in brackets. */
static bool read_stat(char *buf, size_t cap, const char **fields)
{
    FILE *f = fopen("/proc/self/stat", "re");
    if (!f)
        return false;
    size_t n = fread(buf, 1, cap - 1, f);
    (void)fclose(f);
    buf[n] = '\0';
    const char *end = strrchr(buf, ')');
    if (!end || end[1] == '\0')
        return false;
    *fields = end + 2;
    return true;
}

static double boot_time_s(void)
{
    char line[256];
    double t = 0.0;
    FILE *f = fopen("/proc/stat", "re");
    while (f && fgets(line, (int)sizeof line, f))
        if (strncmp(line, "btime ", 6) == 0)
            t = strtod(line + 6, NULL);
    if (f)
        (void)fclose(f);
    return t;
}

static unsigned open_descriptors(void)
{
    unsigned n = 0;
    DIR *d = opendir("/proc/self/fd");
    if (!d)
        return 0;
    for (const struct dirent *e; (e = readdir(d)) != NULL;)
        n += e->d_name[0] != '.';
    (void)closedir(d);
    return n - 1; /* without the one that counts them */
}

void wr_metric_write_process(wr_buf *out)
{
    char buf[1024];
    const char *fields;
    if (!read_stat(buf, sizeof buf, &fields))
        return;
    double v[52] = {0}; /* proc(5): field k stands at v[k] */
    const char *p = fields;
    for (int k = 3; k < 52 && *p; k++) {
        v[k] = strtod(p, NULL);
        p += strcspn(p, " ");
        p += *p == ' ';
    }
    double ticks = (double)sysconf(_SC_CLK_TCK);
    wr_metric_write(out, "process_cpu_seconds_total", "counter",
                    "Processor time, user and system.", (v[14] + v[15]) / ticks);
    wr_metric_write(out, "process_resident_memory_bytes", "gauge", "Resident memory.",
                    v[24] * (double)sysconf(_SC_PAGESIZE));
    wr_metric_write(out, "process_virtual_memory_bytes", "gauge", "Virtual memory.",
                    v[23]);
    wr_metric_write(out, "process_start_time_seconds", "gauge",
                    "Start of the process, unix time.", boot_time_s() + v[22] / ticks);
    wr_metric_write(out, "process_open_fds", "gauge", "Open file descriptors.",
                    open_descriptors());
    wr_metric_write(out, "process_threads", "gauge", "Threads of the process.", v[20]);
}
