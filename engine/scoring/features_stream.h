/*
 * features_stream.h - the features of a transfer, as of the moment before it.
 *
 *     next(transfer):  expire windows  ->  write the row  ->  update the state
 *
 * The row is written before the state learns of the transfer: nothing later can leak
 * into it, and the same object serves training (a file replayed) and the live path (row
 * by row), with the same bytes.  Transfers come in (time, seq) order; those at the same
 * second count as earlier when they came earlier.
 *
 *   log      transfers of the last 30 days, oldest first; one tail per window
 *   wallet   two sides (paid, received): counts, parties, values per window and for life,
 *            days on which it moved, the wallet it met last
 *   pair     hash map (from, to) -> counts, ports, times, place of its last log entry
 *
 * A window holds times in (now - window, now].  A transfer enters all four windows once
 * and leaves each once, at the tails: O(1) amortised whatever the degree of a wallet, no
 * row of a hub is ever scanned.  (One call after a long silence pays for all that
 * expired meanwhile.)  Parties within a window: pairs whose last transfer is inside.
 * Values in windows are on a grid of 2^-20 (feature_math_int.h); assets are not told
 * apart: values are in one unit.
 *
 * Chains: a first contact u -> v continues the chain that reached u at most 30 days ago
 * (else starts one of length 1); v keeps the longer of its own, while that is no older
 * than 30 days, and this one.  At 255 it stays.
 *
 * Days are those of UTC; today counts as soon as something happened on it.  What is said
 * of a side's newest contact is that wallet's state now, not when they met.
 *
 * Transfers to oneself get a row and change nothing; those of value zero count.
 *
 * Thread: one object one thread.  Source: ALGORITHMS 4.2 (2-5), 1.1 for what is worth
 * it; counters as in Blanusa et al., Graph Feature Preprocessor, ICAIF 2024,
 * doi:10.1145/3677052.3698674.
 * Differs: row by row instead of batches that see their own later rows; exact windows;
 * no pattern search (typologies are apart).
 */
#ifndef WR_SCORING_FEATURES_STREAM_H
#define WR_SCORING_FEATURES_STREAM_H

#include "graph/snapshot.h"
#include "scoring/feature.h"

typedef struct wr_feature_stream wr_feature_stream;

typedef struct wr_feature_stream_opts {
    double limit[WR_FEATURE_LIMITS]; /* reporting limits, value units; 0 = none */
    uint32_t wallet_max;             /* vertices below it are taken; >= 1 */
    uint32_t pair_max;               /* distinct (from, to) it will hold; >= 1 */
} wr_feature_stream_opts;

#define WR_FEATURE_STREAM_OPTS_INIT                                 \
    {                                                               \
        .limit = {1000, 3000, 10000}, .wallet_max = UINT32_MAX - 1, \
        .pair_max = UINT32_MAX - 1                                  \
    }

typedef struct wr_feature_event {
    wr_vid from, to;
    uint32_t time_s;
    double value; /* 0 .. WR_FEATURE_VALUE_MAX */
} wr_feature_event;

#define WR_FEATURE_VALUE_MAX 1e39 /* as the ledger: squares stay finite */

/* Errors  WR_EINVAL (a limit negative or not finite, a maximum of 0), WR_ENOMEM */
wr_status wr_feature_stream_new(wr_feature_stream **out, const wr_feature_stream_opts *o,
                                wr_err *err) WR_NODISCARD;
void wr_feature_stream_free(wr_feature_stream *s); /* accepts NULL */
WR_DEFINE_AUTO(wr_feature_stream, wr_feature_stream_free)

/*
 * Row of the next transfer, then take it in.
 *
 * row     [WR_TF_COUNT], or NULL: only take it in (a wallet's past before training)
 * Errors  WR_EINVAL (a time before the last one, a value outside its range),
 *         WR_ELIMIT (wallet_max, pair_max), WR_ENOMEM; the state is then as it was
 * Cost    O(1) amortised; 400 bytes per wallet, about 60 per pair, 40 per transfer of
 *         the last 30 days
 */
wr_status wr_feature_stream_next(wr_feature_stream *s, float *row,
                                 const wr_feature_event *e, wr_err *err) WR_NODISCARD;

uint64_t wr_feature_stream_bytes(const wr_feature_stream *s); /* of memory in use */

#endif
