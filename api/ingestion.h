/*
 * ingestion.h - what is said about records on their way in, for more than one route.
 */
#ifndef WR_API_INGESTION_H
#define WR_API_INGESTION_H

#include "api/app.h"
#include "api/metrics.h"

enum { WR_INGESTION_LABEL_MAX = 384 };

/* Member "live": how far the live state is behind the store, and what of it is exact. */
void wr_ingestion_put_live(wr_json_out *j, wr_live *lv);
/*
 * The live state and, when the store answers, the partitions of streams (sources that
 * keep offsets; at most 200) as Prometheus text.  Labels are topic and partition.
 */
wr_status wr_ingestion_write_metrics(wr_exchange *x, wr_err *err) WR_NODISCARD;

#endif
