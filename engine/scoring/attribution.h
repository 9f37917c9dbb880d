/*
 * attribution.h - which labelled wallets a wallet's taint came from, by name.
 *
 * The haircut ledger again, with sources instead of categories as columns - and since no
 * wallet can keep a column per source, each keeps its k largest and one remainder:
 *
 *     v:  (source 17, 40.0) (source 3, 12.5) … k of them | other 0.8
 *
 * Lists add up on receipt, shrink by 1-f on payment; what falls off the end goes into
 * `other` and travels on from there.  So a listed amount is a lower bound, listed + other
 * is exact (= the ledger's sum over illicit and risky categories), and no listed amount
 * is off by more than `other`.  Ties keep the smaller vertex.  Services are no sources
 * here.
 *
 * Source  ALGORITHMS 2.1 (attribution per source)
 */
#ifndef WR_SCORING_ATTRIBUTION_H
#define WR_SCORING_ATTRIBUTION_H

#include "scoring/flow.h"
#include "util/progress.h"

enum { WR_ATTRIBUTION_K_MAX = 32 };

typedef struct wr_attributed {
    double value; /* > 0, value units */
    wr_vid vid;   /* labelled wallet; its category is the label's */
} wr_attributed;

typedef struct wr_attribution_opts {
    wr_direction direction;
    uint32_t k; /* 1..WR_ATTRIBUTION_K_MAX */
    const wr_progress *pg;
} wr_attribution_opts;

#define WR_ATTRIBUTION_OPTS_INIT          \
    {                                     \
        .direction = WR_RECEIVING, .k = 8 \
    }

typedef struct wr_attribution {
    uint32_t n, k;
    wr_direction direction;
    /* private: wr_attribution_at */
    uint32_t *slot_at; /* [n] slot of v, 0 = the empty one */
    unsigned char *slot;
    uint32_t held_list; /* which list of a slot is the holdings */
    size_t slot_bytes;
} wr_attribution;

typedef struct wr_attribution_view {
    const wr_attributed *received; /* [received_count] largest first, ties by vid */
    const wr_attributed *held;     /* [held_count] of the balance at the end */
    uint32_t received_count, held_count;
    double received_other, held_other;
} wr_attribution_view;

/*
 * Errors  WR_EINVAL (as wr_ledger_run; k outside its range), WR_ELIMIT, WR_ENOMEM,
 *         WR_ESTOPPED
 * Cost    O(m k) at worst; 12n bytes + 32(k + 1) per tainted wallet, 48(k + 1) with
 *         several assets
 * Thread  safe; one thread
 */
wr_status wr_attribution_run(wr_attribution *out, const wr_flow *fl,
                             const wr_attribution_opts *o, wr_err *err) WR_NODISCARD;
void wr_attribution_release(wr_attribution *a); /* safe on a zeroed struct */
uint64_t wr_attribution_bytes(const wr_attribution *a);
#define WR_ATTRIBUTION_AUTO __attribute__((cleanup(wr_attribution_release)))

wr_attribution_view wr_attribution_at(const wr_attribution *a, wr_vid v);

#endif
