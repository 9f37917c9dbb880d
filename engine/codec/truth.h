/*
 * truth.h - a list of wallets that are known bad or known good, for evaluations only.
 *
 * CSV with a header; column "address" and one column of 0 and 1 (`flag`; by default the
 * first whose name begins with "is_").  No quotes.  Thread: safe.
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

#endif
