/*
 * transfer_flags.h - the flags that say how records of strangers are to be read.
 *
 * The same for every command that decodes transfers (file, kafka, produce, dead replay).
 * Thread: main only.
 */
#ifndef WR_INGEST_TRANSFER_FLAGS_H
#define WR_INGEST_TRANSFER_FLAGS_H

#include "codec/transfer_opts.h"
#include "util/args.h"

typedef struct wr_transfer_flags {
    const char *format, *map, *chain, *asset, *time_unit, *time_base, *position;
    int64_t decimals, step_s;
    bool is_rounding;
} wr_transfer_flags;

/* clang-format off */
#define WR_TRANSFER_FLAGS_INIT {.decimals = -1}

/* Rows of a command's flag table: what one record may lack or spell its own way. */
#define WR_TRANSFER_FLAG_ROWS(f)                                                         \
    {"map", WR_ARG_TEXT, &(f)->map, 0, 0,                                                \
     "M  field=column,… e.g. from=sender,to=account"},                                   \
    {"chain", WR_ARG_TEXT, &(f)->chain, 0, 0,                                            \
     "C  for records that name none: ETH, BTC, …"},                                      \
    {"asset", WR_ARG_TEXT, &(f)->asset, 0, 0, "A  for records that name none"},          \
    {"decimals", WR_ARG_INT, &(f)->decimals, 0, 36, "N  base units = value * 10^N"},     \
    {"rounding", WR_ARG_FLAG, &(f)->is_rounding, 0, 0,                                   \
     "round digits beyond the decimals (half to even) instead of refusing them"},        \
    {"time-unit", WR_ARG_TEXT, &(f)->time_unit, 0, 0,                                    \
     "U  auto | s | ms | steps (auto)"},                                                 \
    {"step-base", WR_ARG_TEXT, &(f)->time_base, 0, 0, "T  time of step 0 (RFC 3339)"},   \
    {"step-seconds", WR_ARG_INT, &(f)->step_s, 1, 31622400, "N  length of a step"},      \
    {"position", WR_ARG_TEXT, &(f)->position, 0, 0,                                      \
     "P  of records with a hash and no position: auto | zero | derived (auto)"}
/* clang-format on */

/* WR_EINVAL, WR_EPARSE: names the flag and the value. */
wr_status wr_transfer_flags_opts(wr_transfer_opts *o, const wr_transfer_flags *f,
                                 wr_err *err) WR_NODISCARD;

#endif
