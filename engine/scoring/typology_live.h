/*
 * typology_live.h - typologies as a stream: what each transfer completes, what each
 * window held.
 *
 * Transfers come in (time, seq) order.  Each push answers with news: hits that begin now
 * (is_new), and hits that go on.  When the stream has ended, the hits are those that
 * wr_typology_find gives on the same transfers with the same options, transfer by
 * transfer (tests/unit/scoring/test_typology_live.c, test_typology_live_search.c).
 *
 * At once (WR_TYPOLOGY_LIVE_AT_ONCE): fan-in, fan-out, structuring, pass-through,
 * chain-hop, dormant activation, burst, peel chain, dusting and poisoning.  A window
 * opens at the transfer that completes it, so the news is never late.  A peel chain may
 * grow at its front (a small payment comes after the big one): then a hit is replaced by
 * a longer one.  Peel chains want a transaction's inputs before its outputs, and know no
 * budget.
 *
 * Searched: the others.  What they are depends on all that happens in a window (does too
 * much go out after all, is a middle wallet too busy to be looked at), so they are told
 * when it is certain: with the first push, of any transfer, more than this after
 *
 *     gather-scatter   gather_window_s             the inflow that starts it
 *     scatter-gather   2 scatter_window_s          the first leg's start; each leg has a
 *                                                  window of its own
 *     cycle            cycle_window_s              its first transfer
 *     smurf bridge     bridge_window_s             the payment that starts its window
 *     bipartite        bipartite_window_s          its first transfer
 *     stack            the longer of that and      its first transfer
 *                      stack_window_s
 *     chain            2 pass_hold_s               the transfer that makes it long
 *                                                  enough; then, so far behind, each that
 *                                                  joins
 *     mixer use        0                           a contact, a transaction
 *
 * or with wr_typology_live_end; wr_typology_live_peek says what they look like so far.
 * The batch kernels do it, over a log of the transfers that are still of use
 * (typology_log_int.h).
 *
 * Budgets are the batch's: per first transfer for cycles, per chain, and else all a root
 * may ever spend (4 bytes a root and typology that spent any).  Caps are, too.  What
 * differs:
 *   - poisoning spends an impostor's budget in order of time; the batch looks at its
 *     payments first.  Where it runs out other hits may be found;
 *   - is_partial and is_hub_truncated are what is known when the hit is told, of its
 *     window; the batch marks some hits for what it left out elsewhere in the root's row.
 *     Chains are never marked.  Roots without a hit are not counted;
 *   - mixer use takes the transfers of a transaction (hub) to be of one time, as they
 *     are.  The strength of a contact is as of its last one; _end tells the final one, by
 *     news without edges.
 *
 * Early (WR_TYPOLOGY_LIVE_EARLY): of three of those, the transfer that completes one as
 * things are tells it, too, as news of no hit (is_early): each cycle that it closes; a
 * gather-scatter from the first start that holds, once for each start; a scatter-gather
 * when it has just enough middle wallets.  They are what a batch run up to now finds.
 * Each will be a hit when its window is over, perhaps with more transfers or from another
 * start, unless what still comes undoes it: another ratio, a cap, a budget.  Up to
 * visits_max transfers are looked at per transfer and typology.
 *
 * The budget that neighbouring first transfers of cycles share (cycle_visits_mean) is the
 * batch's alone: where it runs out there, the stream finds more.
 *
 * History: to go on behind a run, push the base first with from_s = the moment from which
 * hits matter, as a batch run reads history before its scope.
 *
 * Memory: state of wallets met: their windows, the inflows not yet spent, and 4 bytes per
 * transfer for the gaps of dormant activation; what is over of a wallet is
 * let go when it has been silent for a day (the longer of fan_window_s and burst_age_s).
 * The log: some 50 bytes per transfer and 150 per wallet of the longest of the times
 * above (of poison_window_s, too, with address keys), twice that before it is let go.  Of
 * a chain its transfers until it is told, then its wallets.
 *
 * Source  ALGORITHMS 5, column "streaming"
 * Differs cycles and the two scatterings are hits only when their windows are over, not
 * at the transfer that completes them: budgets and caps would make other hits of them
 * than the batch's
 */
#ifndef WR_SCORING_TYPOLOGY_LIVE_H
#define WR_SCORING_TYPOLOGY_LIVE_H

#include "scoring/typology.h"

enum {
    WR_TYPOLOGY_LIVE = WR_TYPOLOGY_ALL,
    /* Those with news at the very transfer; the others are searched for. */
    WR_TYPOLOGY_LIVE_AT_ONCE =
        1 << WR_TYPOLOGY_FAN_IN | 1 << WR_TYPOLOGY_FAN_OUT |
        1 << WR_TYPOLOGY_STRUCTURING | 1 << WR_TYPOLOGY_PASS_THROUGH |
        1 << WR_TYPOLOGY_CHAIN_HOP | 1 << WR_TYPOLOGY_DORMANT | 1 << WR_TYPOLOGY_BURST |
        1 << WR_TYPOLOGY_PEEL_CHAIN | 1 << WR_TYPOLOGY_DUSTING,
};

/* Beside the typologies in `which`: early news of three of them, too. */
#define WR_TYPOLOGY_LIVE_EARLY (1U << 31)

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
    size_t edge_count; /* 0: only the strength is another */
    wr_vid root;
    uint8_t typology, variant;
    bool is_new;   /* edges are all so far; else what this transfer adds */
    bool is_early; /* hit is 0, edges are all: not certain yet */
    bool is_partial, is_hub_truncated; /* as in a hit, as far as it is known now */
} wr_typology_news;

/* What one push had to say; borrowed until the next. */
typedef struct wr_typology_told {
    size_t count;
    const wr_typology_news *news; /* [count] */
    const uint32_t *edge;         /* refs; one may stand there twice */
} wr_typology_told;

typedef struct wr_typology_live wr_typology_live;

/*
 * in    borrowed until _free; of its flow only n, hub_bits and seeds are read, and all
 *       that stands beside it.  Between two pushes it may grow: a larger n, longer
 *       arrays, elsewhere perhaps, with what was said of a wallet as it was
 * which bits 1 << wr_typology, and WR_TYPOLOGY_LIVE_EARLY
 * Errors  WR_EINVAL (option outside its domain, by name; labels of another graph; nothing
 *         or something unknown asked for), WR_ENOMEM
 */
wr_status wr_typology_live_new(wr_typology_live **out, const wr_typology_input *in,
                               uint32_t which, const wr_typology_opts *o,
                               wr_err *err) WR_NODISCARD;
void wr_typology_live_free(wr_typology_live *l); /* accepts NULL */
WR_DEFINE_AUTO(wr_typology_live, wr_typology_live_free)

/*
 * The next transfer.
 *
 * Errors  WR_EINVAL (wallet >= n, time or ref before the last, stream ended: nothing
 *         happened), WR_ENOMEM (the object can only be freed)
 * Cost    O(1) amortised but for windows that ask for evenness or a sum: O(window); and
 *         a search for each transfer that becomes certain, as in the batch
 * Thread  one object one thread
 */
wr_status wr_typology_live_push(wr_typology_told *out, wr_typology_live *l,
                                const wr_typology_transfer *t, wr_err *err) WR_NODISCARD;

/* What roots have spent of their budgets is forgotten: from here on it counts anew. */
void wr_typology_live_renew(wr_typology_live *l);

/*
 * What the windows that are still open hold so far: the hits that would be told if the
 * stream ended here.  Nothing of it is kept: told again, or told otherwise, or not at
 * all when the windows are over.  Hits that begin have numbers which will be given to
 * others; those that go on (chains) their own.
 *
 * which  bits 1 << wr_typology; those told at once and mixer use have nothing to add
 * Errors WR_ENOMEM (the stream goes on as if not asked)
 * Cost   O(log + roots that spent any budget), and a search for each transfer of the log
 * Thread one object one thread
 */
wr_status wr_typology_live_peek(wr_typology_told *out, wr_typology_live *l,
                                uint32_t which, wr_err *err) WR_NODISCARD;

/*
 * The stream has ended: what the windows that are still open hold.  A second call tells
 * nothing; a push is WR_EINVAL.
 *
 * Errors  WR_ENOMEM (the object can only be freed)
 * Cost    that of the searches which are left, at most one per transfer in the log and
 *         typology
 * Thread  one object one thread
 */
wr_status wr_typology_live_end(wr_typology_told *out, wr_typology_live *l,
                               wr_err *err) WR_NODISCARD;

/* Memory that is held, of the allocator's own needs none.  Cost  O(wallets met) */
uint64_t wr_typology_live_bytes(const wr_typology_live *l);

#endif
