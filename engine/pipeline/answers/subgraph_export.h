/*
 * subgraph_export.h - a neighbourhood with scores and provenance, in an investigator's
 * format.
 */
#ifndef WR_PIPELINE_ANSWERS_SUBGRAPH_EXPORT_H
#define WR_PIPELINE_ANSWERS_SUBGRAPH_EXPORT_H

#include "pipeline/run/assess.h"
#include "store/store.h"
#include "util/buf.h"

typedef enum wr_export_format {
    WR_EXPORT_GRAPHML,
    WR_EXPORT_GEXF,
    WR_EXPORT_CSV_NODES, /* entities.csv */
    WR_EXPORT_CSV_EDGES, /* links.csv */
    WR_EXPORT_JSON,
} wr_export_format;

typedef struct wr_export_query {
    wr_vid center;
    uint32_t hops;        /* 0..6 */
    int direction;        /* -1 both, else wr_direction: RECEIVING = in, SENDING = out */
    double min_value;     /* of a pair, >= 0 */
    int64_t from_s, to_s; /* transfers in [from_s, to_s]; WR_TIME_NONE = open */
    uint32_t nodes_max;   /* 1..100000 */
    bool is_transfer_level; /* an edge per transfer instead of per pair */
    wr_store *st; /* for tx_hash and amount at transfer level; NULL leaves them out */
} wr_export_query;

#define WR_EXPORT_QUERY_INIT                                                      \
    {                                                                             \
        .hops = 2, .direction = -1, .from_s = WR_TIME_NONE, .to_s = WR_TIME_NONE, \
        .nodes_max = 2000                                                         \
    }

typedef struct wr_export_info {
    uint32_t nodes;
    uint64_t edges;
    bool is_truncated; /* the node cap left something out; also in the file */
} wr_export_info;

wr_status wr_export_format_parse(wr_export_format *out, wr_text t,
                                 wr_err *err) WR_NODISCARD;
const char *wr_export_media_type(wr_export_format f);

/* Built whole in `out` or not at all.  Errors  WR_EINVAL, WR_ELIMIT, WR_ENOMEM. */
wr_status wr_export_subgraph(wr_buf *out, wr_export_info *info, const wr_assessment *a,
                             const wr_export_query *q, wr_export_format format,
                             wr_err *err) WR_NODISCARD;

#endif
