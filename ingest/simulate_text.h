/*
 * simulate_text.h - the simulator's stream as files: transfers, truth, labels, customers.
 */
#ifndef WR_INGEST_SIMULATE_TEXT_H
#define WR_INGEST_SIMULATE_TEXT_H

#include <stdio.h>

#include "ingest/simulate.h"
#include "model/chain.h"

typedef struct wr_sim_files {
    const wr_chain *chain; /* EVM for accounts, Bitcoin-like for UTXO */
    uint64_t seed;
    bool is_utxo;
    FILE *transfers; /* account: CSV; UTXO: NDJSON with inputs and outputs */
    FILE *truth;     /* CSV: incident, typology, record, role, id, time; NULL = none */
    FILE *labels;    /* CSV that `walletrisk labels load` reads; NULL = none */
    FILE *customers; /* CSV: customer and account together; NULL = none */
} wr_sim_files;

/* Writes the headers.  WR_EIO. */
wr_status wr_sim_files_begin(const wr_sim_files *f, wr_err *err) WR_NODISCARD;
/* A sink whose ctx is f. */
wr_sim_sink wr_sim_files_sink(wr_sim_files *f);
/* Flush; WR_EIO when anything could not be written. */
wr_status wr_sim_files_end(const wr_sim_files *f, wr_err *err) WR_NODISCARD;

#endif
