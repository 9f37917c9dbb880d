/*
 * transfer_opts.h - how outside records become transfers: formats, defaults, spellings.
 *
 * Shared by the file reader (transfer_reader.h) and the JSON decoder (transfer_json.h).
 * Field names are compared without case, blanks, '_', '-', '.', '(' and ')'.
 *
 *   from      from src sender from_address source source_address nameOrig sourceNodeId
 *   to        to dst dest receiver recipient to_address target destination nameDest …
 *   tx_hash   tx_hash hash transaction_hash txid tx_id
 *   time      time timestamp block_timestamp date datetime block_time unix_timestamp
 *   amount    amount amount_base value_wei amount_wei value_sat satoshis (base units)
 *   value     value value_decimal value_eth value_btc (decimal units)
 *   value_usd value_usd value_in_usd usd_value amount_usd
 *   position  position log_index; else tx_index transaction_index
 *   block     block block_number blockno block_height height
 *   asset     asset token currency token_address; else symbol token_symbol
 *   chain     chain chain_id network blockchain       decimals  decimals token_decimals
 *   memo      memo note message description           contract_address
 *   is_error  is_error: a record that says 1 or true moved nothing and is refused
 *
 * Two spellings of one field in one record must agree, or the record is refused and both
 * are named; amount and value must agree to 1e-9.  Other names are ignored.
 *
 * Defaults of what a record may leave out:
 *   chain     the option; without it the record is refused
 *   asset     the option, else the chain's own; a 0x address becomes "erc20:0x…"
 *   decimals  the option; else the chain's for its own asset and on opaque chains; else
 *             well known (USDT, USDC, … on eip155:1); else `value` takes the chain's and
 *             `amount` is refused
 *   block -1, memo absent
 *   position  0; or derived, see wr_position_rule
 *   tx_hash   derived: "derived:" and 32 hex digits of a 128-bit hash of chain, time,
 *             from, to, asset, amount and memo.  The position is then the number of equal
 *             records before this one in the same file (0 for single JSON records): a
 * file loaded again gives the same keys, and two equal rows of a log are two. value
 * amount / 10^decimals, flagged WR_TRANSFER_UNPRICED unless value_usd is given or the
 * asset is US dollars (USD, "US Dollar") amount    value * 10^decimals; only value_usd
 * given: asset "USD", 6 decimals
 *
 * Time: epoch seconds, or by size milli-, micro- and nanoseconds; RFC 3339 and its
 * relatives (util/clock.h).  An empty `to` is a contract creation: contract_address takes
 * its place, or the record is refused.  from == to is kept with WR_TRANSFER_SELF.
 */
#ifndef WR_CODEC_TRANSFER_OPTS_H
#define WR_CODEC_TRANSFER_OPTS_H

#include "model/transfer.h"
#include "util/mem.h"

enum {
    WR_RECORD_MAX_BYTES = 1 << 20, /* one record; a longer one is refused */
    WR_JSON_DEPTH_MAX = 32
};

typedef enum wr_time_unit {
    WR_TIME_AUTO, /* epoch by size, else text */
    WR_TIME_SECONDS,
    WR_TIME_MILLISECONDS,
    WR_TIME_STEPS, /* step_base_s + n * step_s */
    WR_TIME_BY_FORMAT
} wr_time_unit;

/* Position of a record that has a tx_hash and no position. */
typedef enum wr_position_rule {
    WR_POSITION_BY_FORMAT, /* what the preset says; zero for plain CSV and JSON */
    WR_POSITION_ZERO,      /* one transfer per transaction: another one is a conflict */
    WR_POSITION_DERIVED    /* 2^30 + 30 bits of the content's hash: several transfers per
                              transaction, equal rows are duplicates */
} wr_position_rule;

typedef struct wr_transfer_opts {
    const char *format; /* name of a preset (wr_transfer_formats); NULL or "" = detect */
    const char *map;    /* "from=sender,to=account_to": field=name; NULL = aliases only */
    const char *chain;  /* default chain, CAIP-2 or alias; NULL = preset's or none */
    const char *asset;  /* default asset; NULL = preset's or the chain's own */
    int decimals;       /* -1 = as above */
    int is_rounding;    /* digits beyond decimals: 1 half to even, 0 refused, -1 preset */
    wr_time_unit time_unit;
    int64_t step_base_s; /* 0 = preset's, else 2017-01-01T00:00:00Z */
    int64_t step_s;      /* 0 = preset's, else 86400 */
    wr_position_rule position_rule;
    int64_t now_s; /* times after now + one day are refused; 0 = the wall clock */
} wr_transfer_opts;

#define WR_TRANSFER_OPTS_INIT                                             \
    {                                                                     \
        .decimals = -1, .is_rounding = -1, .time_unit = WR_TIME_BY_FORMAT \
    }

typedef struct wr_transfer_format {
    const char *name;
    const char *text; /* one line for --help */
} wr_transfer_format;

/* All formats; ends with {NULL, NULL}. */
const wr_transfer_format *wr_transfer_formats(void);

/*
 * Options resolved once: default chain, map, preset.  Immutable, so threads share it.
 * Errors  WR_EINVAL (unknown format or field in map: lists the known ones), WR_EPARSE or
 *         WR_ENOTFOUND (chain), WR_ENOMEM
 */
typedef struct wr_transfer_decoder wr_transfer_decoder;
wr_status wr_transfer_decoder_new(wr_transfer_decoder **out, const wr_transfer_opts *o,
                                  wr_err *err) WR_NODISCARD;
void wr_transfer_decoder_free(wr_transfer_decoder *d); /* accepts NULL */
WR_DEFINE_AUTO(wr_transfer_decoder, wr_transfer_decoder_free)

#endif
