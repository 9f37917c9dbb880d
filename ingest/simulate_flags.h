/*
 * simulate_flags.h - the flags of the simulator, for every command that runs it.
 *
 * Thread: main only.
 */
#ifndef WR_INGEST_SIMULATE_FLAGS_H
#define WR_INGEST_SIMULATE_FLAGS_H

#include "ingest/simulate.h"
#include "model/chain.h"
#include "util/args.h"

typedef struct wr_sim_flags {
    const char *kind, *start;
    int64_t transfers, incidents, seed, users, days, public_percent;
    int64_t lookalike_percent;
} wr_sim_flags;

/* clang-format off */
#define WR_SIM_FLAGS_INIT                                                                \
    {.kind = "account", .transfers = 100000, .incidents = -1, .seed = 1, .users = 4096,  \
     .days = 90, .public_percent = 50}

#define WR_SIM_FLAG_ROWS(s)                                                              \
    {"kind", WR_ARG_TEXT, &(s)->kind, 0, 0, "K  account | utxo (account)"},              \
    {"transfers", WR_ARG_INT, &(s)->transfers, 1, 1e12,                                  \
     "N  how many payments (100000)"},                                                   \
    {"incidents", WR_ARG_INT, &(s)->incidents, 0, 1e9,                                   \
     "N  planted crimes (transfers / 2000)"},                                            \
    {"seed", WR_ARG_INT, &(s)->seed, 0, 9e15, "N  same seed, same bytes (1)"},           \
    {"users", WR_ARG_INT, &(s)->users, 16, 1 << 24, "N  users active at a time (4096)"}, \
    {"start", WR_ARG_TEXT, &(s)->start, 0, 0, "T  first payment (2025-01-01)"},          \
    {"days", WR_ARG_INT, &(s)->days, 1, 3650, "N  time that they cover (90)"},           \
    {"public", WR_ARG_INT, &(s)->public_percent, 0, 100,                                 \
     "P  percent of incidents whose source gets a label (50)"},                          \
    {"lookalikes", WR_ARG_INT, &(s)->lookalike_percent, 0, 10000,                        \
     "P  honest look-alikes per 100 incidents; crimes then act like people (0)"}
/* clang-format on */

/*
 * chain   found; its name, or NULL for that of the kind
 * Errors  WR_EINVAL, WR_EPARSE, WR_ENOTFOUND: names the flag
 */
wr_status wr_sim_flags_opts(wr_sim_opts *o, const wr_chain **chain, const wr_sim_flags *s,
                            const char *chain_name, wr_err *err) WR_NODISCARD;

#endif
