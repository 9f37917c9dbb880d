/*
 * truth.h - who was bad, for training and evaluations only.  Two shapes of CSV with a
 * header, no quotes:
 *
 *   a flag      column "address" and one column of 0 and 1 (`flag`; by default the first
 *               whose name begins with "is_"): known bad and known good wallets
 *   incidents   column "address" or "id", and as far as known "incident", "typology":
 *               bad wallets alone, all others are good.  With a column "record", rows
 *               that say "unknown" name wallets that may be either, and rows that say
 *               anything but that and "wallet" are passed over: this is what `simulate
 *               --truth` writes
 *
 * Thread: safe.
 */
#ifndef WR_CODEC_TRUTH_H
#define WR_CODEC_TRUTH_H

#include <stdbool.h>

#include "model/address.h"

typedef wr_status (*wr_truth_fn)(void *ctx, wr_text address, bool is_bad, wr_err *err);

/*
 * chain   whose rule the addresses follow; fn gets them canonical
 * flag    name of the column, or absent
 * Errors  WR_EIO, WR_ECORRUPT (file); WR_EPARSE (header, row: names the line)
 */
wr_status wr_truth_read(const char *path, const wr_chain *chain, wr_text flag,
                        wr_truth_fn fn, void *ctx, wr_err *err) WR_NODISCARD;

typedef struct wr_truth_wallet {
    wr_text address;  /* canonical */
    wr_text incident; /* as it stands; absent = the wallet is one by itself */
    wr_text typology; /* absent = not known */
    bool is_unknown;  /* bad or good, nobody knows: the rest says nothing */
} wr_truth_wallet;
typedef wr_status (*wr_truth_wallet_fn)(void *ctx, const wr_truth_wallet *w, wr_err *err);

/* Errors  as above; a row without an address is WR_EPARSE */
wr_status wr_truth_read_incidents(const char *path, const wr_chain *chain,
                                  wr_truth_wallet_fn fn, void *ctx,
                                  wr_err *err) WR_NODISCARD;

#endif
