/*
 * contact.h - the walk behind a poison hop count: a time-ordered path without any mass.
 *
 * Where the haircut ledger finds nothing (the payers had spent more than they were seen
 * to receive: unknown origin) poison may still say "reached, in h hops".  A contact is
 * the walk that shows it: transfers e_1 … e_k forward in (time, seq), e_1 paid by a
 * wallet labelled c while the label holds, e_k received by v, every wallet between them
 * unlabelled at both of its transfers, no zero amounts, hubs free of hops.  It proves
 * that money COULD have come this way, in this order; it says nothing about how much did.
 *
 * Of all such walks, in this order:
 *
 *     1. fewest hops (what poison counts),
 *     2. largest bottleneck: the smallest transfer of the walk, in value units,
 *     3. the one that reaches v first (in logical order: when sending, leaves v last),
 *     4. the same three for its part up to the payer of its last transfer, and so on.
 *
 * So it is one walk, whatever order the search takes.  Any part of a fewest-hops walk is
 * a fewest-hops walk to where its payer stood at that moment; hence
 *
 *   - backward from v, a payer is worth a look only if its own poison count fits into the
 *     hops that are left: a small neighbourhood;
 *   - forward through the transfers found, in time order, each wallet needs to remember
 * one best walk only (fewest hops, then bottleneck, then first come).
 *
 * When sending: from v to a labelled wallet, as everywhere (flow.h).
 *
 * Source  fewest hops forward in time: Wu et al., "Path problems in temporal graphs",
 *         VLDB 2014, doi:10.14778/2732939.2732945; widest path: Pollack 1960,
 *         doi:10.1287/opre.8.5.733
 * Differs order (time, seq) is total, so there are no equal times to decide about; stops
 *         and hubs; the poison counts of all wallets bound the search.
 */
#ifndef WR_SCORING_CONTACT_H
#define WR_SCORING_CONTACT_H

#include "scoring/poison.h"

typedef struct wr_contact_opts {
    const wr_poison *poison; /* of the same flow; its direction is the direction */
    int category;            /* 0..C-1 */
    uint64_t scan_max;       /* transfers looked at; >= 1 */
} wr_contact_opts;

#define WR_CONTACT_OPTS_INIT \
    {                        \
        .scan_max = 4000000  \
    }

typedef struct wr_contact {
    uint32_t step_count; /* 0 = none: poison does not reach v, or the budget ended */
    uint32_t *step; /* [step_count] column positions, in the money's order: ascending */
    wr_vid source;
    uint32_t hops;
    double bottleneck; /* value units */
    uint64_t scanned;
    bool is_truncated; /* budget: a walk here is one of fewest hops, perhaps not the
                          widest */
} wr_contact;

/*
 * Errors  WR_EINVAL (v >= n, category outside 0..C-1, scan_max 0, poison or labels of
 *         another graph, rows missing), WR_ENOMEM
 * Cost    O(scan_max log scan_max) at worst; 16 bytes per transfer kept, 40 per wallet
 * met Thread  safe; one thread
 */
wr_status wr_contact_find(wr_contact *out, const wr_flow *fl, wr_vid v,
                          const wr_contact_opts *o, wr_err *err) WR_NODISCARD;
void wr_contact_release(wr_contact *p); /* safe on a zeroed struct */
#define WR_CONTACT_AUTO __attribute__((cleanup(wr_contact_release)))

#endif
