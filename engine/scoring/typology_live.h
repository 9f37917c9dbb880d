/*
 * typology_live.h - typologies of one wallet's row as a stream: what each transfer
 * completes.
 *
 * Transfers come in (time, seq) order.  Each push answers with news: hits that begin with
 * this transfer (is_new), and hits that it joins.  When the stream has ended, the hits
 * are those that wr_typology_find gives on the same transfers with the same options,
 * transfer by transfer (tests/unit/scoring/test_typology_live.c).
 *
 * Streamed: fan-in, fan-out, structuring, pass-through, chain-hop, dormant activation,
 * burst, peel chain.  A window opens at the transfer that completes it, so the news is
 * never late.  A peel chain may grow at its front (a small payment comes after the big
 * one): then a hit is replaced by a longer one.  Peel chains want a transaction's inputs
 * before its outputs, and know no budget.
 *
 * History: to go on behind a run, push the base first with from_s = the moment from which
 * hits matter, as a batch run reads history before its scope.
 *
 * Memory: state only of wallets met: their windows, the inflows not yet spent, and 4
 * bytes per transfer for the gaps of dormant activation.  Windows of a wallet that stays
 * silent are kept.
 *
 * Source  ALGORITHMS 5, column "streaming"
 */
#ifndef WR_SCORING_TYPOLOGY_LIVE_H
#define WR_SCORING_TYPOLOGY_LIVE_H

#include "scoring/typology.h"

enum {
    WR_TYPOLOGY_LIVE = 1 << WR_TYPOLOGY_FAN_IN | 1 << WR_TYPOLOGY_FAN_OUT |
                       1 << WR_TYPOLOGY_STRUCTURING | 1 << WR_TYPOLOGY_PASS_THROUGH |
                       1 << WR_TYPOLOGY_CHAIN_HOP | 1 << WR_TYPOLOGY_DORMANT |
                       1 << WR_TYPOLOGY_BURST | 1 << WR_TYPOLOGY_PEEL_CHAIN,
};

typedef struct wr_typology_transfer {
    double value;
    wr_vid from, to; /* < n */
    uint32_t time_s; /* not before the last one */
    uint32_t ref;    /* what edges are called; above the last one, as positions are */
} wr_typology_transfer;

typedef struct wr_typology_news {
    uint64_t hit;      /* 1, 2, … as they begin; the same in all news of one hit */
    uint64_t replaces; /* this earlier hit is part of it now; 0 = none */
    double strength;   /* of the hit so far */
    size_t edge;       /* where its edges start among those of this push */
    size_t edge_count;
    wr_vid root;
    uint8_t typology, variant;
    bool is_new;           /* edges are all so far; else what this transfer adds */
    bool is_hub_truncated; /* as in a hit */
} wr_typology_news;

/* What one push had to say; borrowed until the next. */
typedef struct wr_typology_told {
    size_t count;
    const wr_typology_news *news; /* [count] */
    const uint32_t *edge;         /* refs; one may stand there twice */
} wr_typology_told;

typedef struct wr_typology_live wr_typology_live;

/*
 * in    borrowed until _free; of its flow only n, hub_bits and seeds are read
 * which bits of WR_TYPOLOGY_LIVE
 * Errors  WR_EINVAL (option outside its domain, by name; labels of another graph; a
 *         typology that is not streamed), WR_ENOMEM
 */
wr_status wr_typology_live_new(wr_typology_live **out, const wr_typology_input *in,
                               uint32_t which, const wr_typology_opts *o,
                               wr_err *err) WR_NODISCARD;
void wr_typology_live_free(wr_typology_live *l); /* accepts NULL */
WR_DEFINE_AUTO(wr_typology_live, wr_typology_live_free)

/*
 * The next transfer.
 *
 * Errors  WR_EINVAL (wallet >= n, time or ref before the last: nothing happened),
 *         WR_ENOMEM (the object can only be freed)
 * Cost    O(1) amortised but for windows that ask for evenness or a sum: O(window)
 * Thread  one object one thread
 */
wr_status wr_typology_live_push(wr_typology_told *out, wr_typology_live *l,
                                const wr_typology_transfer *t, wr_err *err) WR_NODISCARD;

#endif
