/*
 * run.h - the record of one job: a scoring run or a graph reload (table scoring_runs).
 *
 * A run is keyed by the digests of what went in (graph, labels, configuration, code
 * version); its output digest is over every published number in vertex order.
 */
#ifndef WR_MODEL_RUN_H
#define WR_MODEL_RUN_H

#include <stdint.h>

#include "util/digest.h"
#include "util/text.h"

enum { WR_RUN_ID_MAX = 31, WR_RUN_JSON_MAX = 65536 };

typedef enum wr_run_status {
    WR_RUN_RUNNING,
    WR_RUN_COMPLETE,
    WR_RUN_FAILED,
} wr_run_status;

const char *wr_run_status_name(wr_run_status s); /* "running" … */

typedef struct wr_run {
    char id[WR_RUN_ID_MAX + 1]; /* "r20261120T161200Z-0a1b2c3d": sorts by time */
    char kind[8];               /* "score" | "reload" */
    wr_run_status status;
    int64_t started_s, finished_s; /* finished 0 while running */
    int64_t as_of_s;               /* time of the newest transfer seen */
    int64_t max_seq;               /* transfers with seq <= this were in the graph */
    int64_t label_rev;             /* labels as of this revision (store.h) */
    uint64_t wallets, transfers, labels, scored, unpriced;
    wr_digest_hex graph_digest, labels_digest, config_digest, output_digest;
    char code_version[32];
    wr_text config; /* the canonical configuration text itself (JSON); borrowed */
    wr_text detail; /* JSON: phases with seconds, k and bounds, error; borrowed */
} wr_run;

#endif
