/*
 * routes.h - the handlers, by the file they stand in; routes.c has the table.
 *
 * Shapes are described in openapi.yaml and held to it by tests/integration/test_api.py.
 */
#ifndef WR_API_ROUTES_H
#define WR_API_ROUTES_H

#include "api/app.h"

/* routes_runs.c */
wr_status wr_route_reload_graph(wr_exchange *x, wr_err *err);
wr_status wr_route_run_score(wr_exchange *x, wr_err *err);
wr_status wr_route_runs(wr_exchange *x, wr_err *err);
wr_status wr_route_run(wr_exchange *x, wr_err *err);

/* routes_scores.c */
wr_status wr_route_scores_top(wr_exchange *x, wr_err *err);

/* routes_wallets.c */
wr_status wr_route_wallet(wr_exchange *x, wr_err *err);
wr_status wr_route_exposure(wr_exchange *x, wr_err *err);
wr_status wr_route_paths(wr_exchange *x, wr_err *err);
wr_status wr_route_explanation(wr_exchange *x, wr_err *err);

/* routes_neighbors.c */
wr_status wr_route_neighbors(wr_exchange *x, wr_err *err);

/* routes_subgraph.c */
wr_status wr_route_subgraph(wr_exchange *x, wr_err *err);

/* routes_transactions.c */
wr_status wr_route_transactions_post(wr_exchange *x, wr_err *err);
wr_status wr_route_wallet_transactions(wr_exchange *x, wr_err *err);

/* routes_screen.c */
wr_status wr_route_screen(wr_exchange *x, wr_err *err);

/* routes_labels.c */
wr_status wr_route_labels(wr_exchange *x, wr_err *err);

/* routes_ingestion.c */
wr_status wr_route_ingestion_status(wr_exchange *x, wr_err *err);

/* routes_meta.c */
wr_status wr_route_health_live(wr_exchange *x, wr_err *err);
wr_status wr_route_health_ready(wr_exchange *x, wr_err *err);
wr_status wr_route_metrics(wr_exchange *x, wr_err *err);
wr_status wr_route_openapi(wr_exchange *x, wr_err *err);

/* routes_docs.c */
wr_status wr_route_docs(wr_exchange *x, wr_err *err);
wr_status wr_route_docs_file(wr_exchange *x, wr_err *err);

#endif
