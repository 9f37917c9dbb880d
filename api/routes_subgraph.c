#include <stdio.h>

#include "api/request.h"
#include "api/routes.h"
#include "pipeline/answers/subgraph_export.h"

enum { ID_BYTES_MAX = WR_CHAIN_ID_MAX + 1 + WR_ADDRESS_MAX };

static const char *file_suffix(wr_export_format f)
{
    switch (f) {
    case WR_EXPORT_GRAPHML:
        return "graphml";
    case WR_EXPORT_GEXF:
        return "gexf";
    case WR_EXPORT_CSV_NODES:
    case WR_EXPORT_CSV_EDGES:
        return "csv";
    case WR_EXPORT_JSON:
        return "json";
    }
    return "dat";
}

static void read_address(wr_exchange *x, wr_wallet_key *k)
{
    wr_text t = wr_query_bounded(x, "address", ID_BYTES_MAX);
    if (t.p)
        (void)wr_app_read_caip10(x, k, t, "/query/address");
    else if (x->problem.item_count == 0)
        wr_request_note(x, "/query/address", "missing", "a CAIP-10 address is needed");
}

static void read_query(wr_exchange *x, wr_export_query *q, int *format)
{
    int direction = 2;
    int level = 0;
    wr_query_u32(x, "hops", 0, 6, &q->hops);
    wr_query_choice(x, "direction", "in|out|both", &direction);
    q->direction = direction == 2 ? -1 : direction == 0 ? WR_RECEIVING : WR_SENDING;
    wr_query_f64(x, "min_value", 0.0, 1e300, &q->min_value);
    wr_query_time(x, "from", &q->from_s);
    wr_query_time(x, "to", &q->to_s);
    if (q->from_s != WR_TIME_NONE && q->to_s != WR_TIME_NONE && q->from_s > q->to_s)
        wr_request_note(x, "/query/to", "range", "lies before from");
    wr_query_u32(x, "max_nodes", 1, 100000, &q->nodes_max);
    wr_query_choice(x, "edges", "pair|transfer", &level);
    q->is_transfer_level = level == 1;
    wr_query_choice(x, "format", "graphml|gexf|csv-nodes|csv-edges|json", format);
}

wr_status wr_route_subgraph(wr_exchange *x, wr_err *err)
{
    static const wr_export_format formats[] = {WR_EXPORT_GRAPHML, WR_EXPORT_GEXF,
                                               WR_EXPORT_CSV_NODES, WR_EXPORT_CSV_EDGES,
                                               WR_EXPORT_JSON};
    wr_wallet_key k;
    WR_AUTO_VIEW view = {0};
    wr_export_query q = WR_EXPORT_QUERY_INIT;
    wr_export_info info = {0};
    int choice = 0;
    read_address(x, &k);
    read_query(x, &q, &choice);
    WR_TRY(wr_request_check(x, err));
    wr_export_format format = formats[choice];
    if (!wr_guard_accepts(x->head.accept, wr_export_media_type(format)))
        return wr_refuse(x, err, WR_PROBLEM_NOT_ACCEPTABLE, "this format is %s",
                         wr_export_media_type(format));
    WR_TRY(wr_app_scored_view(x, &view, err));
    WR_TRY(wr_app_vertex(x, wr_assessment_snapshot(view.assessment), &k, &q.center, err));
    WR_TRY(wr_export_subgraph(&x->out, &info, view.assessment, &q, format, err));
    wr_exchange_header(x, "X-Subgraph-Nodes", "%u", info.nodes);
    wr_exchange_header(x, "X-Subgraph-Edges", "%llu", (unsigned long long)info.edges);
    wr_exchange_header(x, "X-Subgraph-Truncated", "%s",
                       info.is_truncated ? "true" : "false");
    wr_exchange_header(x, "Content-Disposition", "attachment; filename=\"%s.%s\"",
                       format == WR_EXPORT_CSV_NODES   ? "entities"
                       : format == WR_EXPORT_CSV_EDGES ? "links"
                                                       : "subgraph",
                       file_suffix(format));
    x->status = 200;
    x->media_type = wr_export_media_type(format);
    return WR_OK;
}
