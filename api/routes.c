#include "api/routes.h"

#include "api/router.h"

#define JSON "application/json"

static const wr_route table[] = {
    {"POST", "/reload-graph", wr_route_reload_graph, false, JSON, {"wait", "wait_s"}},
    {"POST", "/run-score", wr_route_run_score, false, JSON, {"wait", "wait_s"}},
    {"GET", "/runs", wr_route_runs, false, JSON, {"limit", "page"}},
    {"GET", "/runs/{id}", wr_route_run, false, JSON, {NULL}},
    {"GET",
     "/scores/top",
     wr_route_scores_top,
     false,
     JSON,
     {"limit", "level", "category", "min_score", "labelled", "run_id", "page"}},
    {"GET", "/wallets/{chain}/{address}", wr_route_wallet, false, JSON, {NULL}},
    {"GET",
     "/wallets/{chain}/{address}/exposure",
     wr_route_exposure,
     false,
     JSON,
     {"push"}},
    {"GET",
     "/wallets/{chain}/{address}/paths",
     wr_route_paths,
     false,
     JSON,
     {"direction", "category", "limit", "hops"}},
    {"GET",
     "/wallets/{chain}/{address}/explanation",
     wr_route_explanation,
     false,
     JSON,
     {"paths", "hops", "hits", "labels", "as_of"}},
    {"GET",
     "/wallets/{chain}/{address}/neighbors",
     wr_route_neighbors,
     false,
     JSON,
     {"direction", "limit", "page"}},
    {"GET",
     "/wallets/{chain}/{address}/transactions",
     wr_route_wallet_transactions,
     false,
     JSON,
     {"limit", "page"}},
    {"GET",
     "/subgraph",
     wr_route_subgraph,
     false,
     NULL,
     {"address", "hops", "direction", "min_value", "from", "to", "max_nodes", "edges",
      "format"}},
    {"POST", "/transactions", wr_route_transactions_post, true, JSON, {NULL}},
    {"POST", "/screen", wr_route_screen, true, JSON, {NULL}},
    {"GET",
     "/labels",
     wr_route_labels,
     false,
     JSON,
     {"chain", "address", "source", "category", "limit", "page"}},
    {"GET",
     "/ingestion/status",
     wr_route_ingestion_status,
     false,
     JSON,
     {"limit", "page"}},
    {"GET", "/health/live", wr_route_health_live, false, JSON, {NULL}},
    {"GET", "/health/ready", wr_route_health_ready, false, JSON, {NULL}},
    {"GET", "/metrics", wr_route_metrics, false, "text/plain", {NULL}},
    {"GET", "/openapi.yaml", wr_route_openapi, false, NULL, {NULL}},
    {"GET", "/docs", wr_route_docs, false, "text/html", {NULL}},
    {"GET", "/docs/{file}", wr_route_docs_file, false, NULL, {NULL}},
};

const wr_route *wr_routes(void)
{
    return table;
}

uint32_t wr_route_count(void)
{
    return sizeof table / sizeof *table;
}
