/*
 * metrics.h - request counters per worker, and the Prometheus text of everything.
 *
 * A worker writes only its own shard (relaxed atomics, no sharing); a scrape adds the
 * shards up.  Labels are the route's pattern, the method and the status, so their number
 * is bounded by the route table; no label ever holds an address.
 *
 * Source  Prometheus exposition formats, text format 0.0.4
 */
#ifndef WR_API_METRICS_H
#define WR_API_METRICS_H

#include <stdatomic.h>

#include "api/exchange.h"

enum {
    WR_METRIC_ROUTE_MAX = 32, /* routes + 1 for requests that match none */
    WR_METRIC_STATUS_MAX = 24,
    WR_METRIC_BUCKETS = 12 /* the last is +Inf */
};

typedef struct wr_metric_shard {
    _Atomic uint64_t requests[WR_METRIC_ROUTE_MAX][WR_METRIC_STATUS_MAX];
    _Atomic uint64_t bucket[WR_METRIC_ROUTE_MAX][WR_METRIC_BUCKETS];
    _Atomic uint64_t sum_us[WR_METRIC_ROUTE_MAX];
    _Atomic uint64_t sent_bytes;
} wr_metric_shard;

void wr_metric_request(wr_metric_shard *m, uint32_t route, int status, int64_t us,
                       uint64_t sent_bytes);

/* shard [n], NULLs among them are skipped; routes in table order, then "none". */
void wr_metric_write_requests(wr_buf *out, wr_metric_shard *const *shard, uint32_t n,
                              const wr_route *table, uint32_t routes);
/* "# HELP", "# TYPE" and one sample. */
void wr_metric_write(wr_buf *out, const char *name, const char *type, const char *help,
                     double value);

typedef struct wr_metric_part {
    const char *name;
    uint64_t bytes;
} wr_metric_part;
/* A gauge with one sample for each part: name{part="…"} bytes. */
void wr_metric_write_parts(wr_buf *out, const char *name, const char *help,
                           const wr_metric_part *part, size_t n);
/* Memory, CPU, descriptors, start time; from /proc/self. */
void wr_metric_write_process(wr_buf *out);

#endif
