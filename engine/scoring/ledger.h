/*
 * ledger.h - temporal haircut ledger: what share of a wallet's money came from where.
 *
 * One pass over the transfers e = (u -> v, a, t) in (time, seq) order, DESIGN 5.1.  State
 * per (wallet, asset): balance B, taint tau[C], unknown origin U, mean hops.
 *
 *     u labelled c, illicit or risky:  phi_c = q(u) a                      (injection)
 *     u labelled as a service:         phi   = 0                           (cut)
 *     else  f = min(1, a/B_u):         phi   = f tau(u),  phi_U = f U(u) + max(a-B_u, 0)
 *           what stays at u:           tau(u) = (1-f) tau(u), B_u = max(B_u - a, 0)
 *     received_c(v) += phi_c;  v no stop: B_v += a, tau(v) += phi; else absorbed += phi
 *
 *   direct    the part that came straight from a labelled wallet (through a hub counts as
 *             straight).  Services appear here and in received with q a of their own
 *             category; they inject nothing and are no part of the conservation identity
 *   unknown   what u paid beyond all it was seen to receive: opening balances, minted
 *             coins.  It travels like a category of its own, so that a payee sees how
 *             much of its income has no known origin.  Unknown is not clean
 *   hops      1 = straight from a labelled wallet; hubs cost none.  min_hops: the
 * shortest way on which money received may have come; mean hops weigh by value
 *
 *   assets    each is a ledger of its own, from empty; a wallet is the sum over its
 *             assets in ascending id: money adds up, means of hops weigh by value, the
 *             largest share and the fewest hops of any (equal shares: the lower id)
 *
 * Invariants  injected_c = sum_v taint_c(v) + absorbed_c (illicit and risky), the same
 * for unknown; sum_c received_c + received_unknown <= total (the rest is known, from
 * services or from the doubtful part 1 - q of a label) Arithmetic  balances and taint
 * double: relative 1e-12 against exact rationals; means of hops float (1e-3).  f and 1-f
 * = (B-a)/B are rounded apart, so that a share tau/B survives any outflow.  One thread
 * per direction; run both at once. Layout      a wallet's whole state is one row: 256
 * bytes up to 8 categories, 512 up to 16; direct exposure stands aside, for the wallets
 * that have any. Source  ALGORITHMS 2, 2.1; haircut rule of Moser, Boehme, Breuker, FC
 * workshops 2014. Differs stops at services; no decay (delta = 1), no dust floor; unknown
 * origin travels.
 */
#ifndef WR_SCORING_LEDGER_H
#define WR_SCORING_LEDGER_H

#include "scoring/flow.h"
#include "util/progress.h"

/*
 * This-transfer share of one transfer, two bytes.  category: the strongest one, ties to
 * the lower index.  level: sum_c phi_c / a, rounded UP to a logarithmic scale of eight
 * steps an octave down to 2^-31; 0 = none at all.
 */
typedef struct wr_ledger_mark {
    uint8_t category, level;
} wr_ledger_mark;

/* Upper end of a level's interval: 0 for 0, 1 for 255. */
double wr_ledger_level_share(uint8_t level);

typedef struct wr_ledger_opts {
    wr_direction direction;
    bool is_plain;        /* the readable kernel: the check of the fast one, same bits */
    wr_ledger_mark *mark; /* [m] by column position, or NULL */
    double *phi;          /* [m*C] exact phi_c in value units, or NULL */
    /*
     * Keep the state of each (wallet, asset) for ledger_live.h to go on from: as it is
     * before the last state_tail transfers (column positions), which the live ledger then
     * takes itself, so that it can take them back.  Receiving only.
     */
    bool is_state_kept;
    uint64_t state_tail;
    const wr_progress *pg; /* may be NULL */
} wr_ledger_opts;

#define WR_LEDGER_OPTS_INIT       \
    {                             \
        .direction = WR_RECEIVING \
    }

typedef struct wr_ledger {
    uint32_t n, c;
    wr_direction direction;
    double injected[WR_CATEGORY_MAX]; /* 0 for services */
    double absorbed[WR_CATEGORY_MAX];
    double injected_unknown, absorbed_unknown;
    /* private: wr_ledger_at */
    unsigned char *row; /* [n] rows of row_bytes */
    size_t row_bytes;
    uint32_t *direct_at; /* [n] index in direct, 0 = all zero */
    double *direct;      /* [direct_count * c]; row 0 is zeros */
    uint64_t direct_count;
    struct wr_ledger_states *states; /* is_state_kept, else NULL */
} wr_ledger;

/* One wallet.  Arrays are [C]; pointers are borrowed from the ledger.  When sending, read
 * "sent" for "received", "destination" for "origin", "will be spent" for "held". */
typedef struct wr_ledger_view {
    double total;            /* received in all */
    double balance;          /* held at the end, as the ledger sees it */
    double overdraft;        /* paid beyond everything it was seen to receive */
    double received_unknown; /* received, origin not in the data */
    double held_unknown;     /* held, origin not in the data */
    const double *received;  /* direct + indirect */
    const double *direct;
    const double *taint;               /* held at the end */
    const float *mean_hops;            /* of received; 0 = none */
    const float *held_hops;            /* of taint; 0 = none */
    uint8_t min_hops[WR_CATEGORY_MAX]; /* of received; 0 = none; stays at 254 */
    float max_share; /* largest tainted share of one transfer received */
    uint32_t max_at; /* its column position; UINT32_MAX = none */
} wr_ledger_view;

/*
 * out     caller's struct, released with wr_ledger_release; untouched on failure
 * Errors  WR_EINVAL (a value above WR_LEDGER_VALUE_MAX, negative or not finite: names the
 *         transfer; seeds of another n), WR_ELIMIT (2^32-1 transfers or more), WR_ENOMEM,
 *         WR_ESTOPPED
 * Cost    O(m C); 256n (C <= 8) or 512n bytes, with several assets twice that, and as
 *         much again for each (wallet, asset) whose state is kept
 * Thread  safe; one thread
 */
wr_status wr_ledger_run(wr_ledger *out, const wr_flow *fl, const wr_ledger_opts *o,
                        wr_err *err) WR_NODISCARD;
void wr_ledger_release(wr_ledger *l);         /* safe on a zeroed struct */
uint64_t wr_ledger_bytes(const wr_ledger *l); /* with its states */
#define WR_LEDGER_AUTO __attribute__((cleanup(wr_ledger_release)))

/* Categories that a ledger of c columns has room for in its rows: 8 or 16. */
uint32_t wr_ledger_room(uint32_t c);

wr_ledger_view wr_ledger_at(const wr_ledger *l, wr_vid v);

#define WR_LEDGER_VALUE_MAX 1e39 /* 2^128 base units without decimals fit */

#endif
