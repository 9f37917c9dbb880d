/*
 * combine.h - the engine's combination: how much everything seen speaks for a wallet
 * being one of the bad ones.
 *
 * A hint for ranking and for features, like association; never a floor, never called
 * exposure.  The unit is evidence in nats (log of a likelihood ratio): 0 = nothing is
 * known, > 0 speaks for, < 0 against.  Nothing is trained; every number below is counted
 * from the labels at hand at the moment of the call.
 *
 *   groups       Those one wallet w pays (and those who pay w) are a group of d members,
 *                k of them labelled bad.  Groups differ: an exchange's customers, payers
 *                of a cash-out point, a victim's payees.  Their rates of bad members are
 *                beta distributed with mean p (the rate over all memberships) and
 *                concentration alpha, so of w's other members one expects
 *                    theta = (k + alpha p) / (d - 1 + alpha)     v itself not counted
 *                and that v is one of them speaks log(theta / p).  A shared counterparty
 *                whose other partners are clean speaks against, one that knows only v (a
 *                leaf) says nothing.  alpha makes the counts seen most likely (one per
 *                direction, betabin_int.h): with few labels the evidence shrinks to
 *                nothing by itself
 *   contact      per labelled wallet v paid or was paid by: log(s/a), s = rate of
 *                labelled ones among the contacts of labelled wallets, a = among all
 *                contacts; 0 where bad wallets do not seek each other.  One per direction
 *   association, exposure
 *                log((1 + q) / (1 - x + q)) for association (w = 1) and the two ledger
 *                shares: the noisy or; q = p over both directions.  These can only speak
 *                for: no contact is no innocence
 *
 * and the parts add up.  Why these: association answers whether bad wallets are near, but
 * puts a customer of two exchanges beside the payee of a criminal's cash-out wallet, and
 * it can rank nobody below "unknown".  Both are questions about rates, not distances.
 *
 * AUC / AP, half of the bad as labels, mean of 20 random splits:
 *                                          association (w = 1)      combination
 *     Ethereum phishing, set1 (real)           .757 / .716          .857 / .783
 *     planted fraud, four simulated sets   .742-.823/.559-.654   .798-.910/.678-.882
 *     a traced theft mixed into set1           .813 / .532          .974 / .909
 * With a fifth of these labels it leads in AP on all six (set1 .794/.682 against
 * .728/.647), but on the simulated sets it falls behind in AUC (.61-.82 against .63-.84):
 * one label in a dozen groups is little to count with.
 *
 * No size in it: with labels drawn at random from all wallets the groups rank phishing
 * accounts at .49 (association: .61), because p is the rate over memberships, not over
 * wallets; what the whole keeps (.60) it has from association.  Tried and left out:
 * largest transfer, degree, activity (size); closeness in time inside a group (+.02, but
 * on set1 the time of first use alone gives .85: that is how the set was collected); a
 * second round with posteriors in place of labels (no gain, overconfident); rates over
 * wallets (counts memberships as evidence); mean instead of sum over groups; static
 * exposures beside the ledger's (no difference).
 *
 * Groups are taken as independent, which exaggerates: read the sum as an order, not as a
 * probability.
 *
 * Hubs (UTXO transactions) are groups like any wallet's, never members; a contact through
 * a hub counts with the share of labelled wallets on its other side; a hub's own total is
 * 0.  Labelled wallets get what the others say of them: their own label is taken out of
 * every count.
 *
 * Source  weight of evidence: I. J. Good, Probability and the Weighing of Evidence, 1950.
 */
#ifndef WR_SCORING_COMBINE_H
#define WR_SCORING_COMBINE_H

#include "model/score.h"
#include "scoring/seeds.h"
#include "scoring/views.h"

/* The parts of one wallet's evidence, in nats. */
typedef struct wr_evidence {
    float payers;      /* groups of those who paid it: who else did they pay */
    float payees;      /* groups of those it paid: who else paid them */
    float contact;     /* labelled wallets it dealt with */
    float association; /* >= 0 */
    float exposure;    /* >= 0; receiving and sending ledger */
} wr_evidence;

typedef struct wr_combine_input {
    uint32_t kinds;            /* bits 1u << wr_category_kind: which labels are bad */
    const double *association; /* [n] weights 1, in [0,1]; NULL = leave the part out */
    const double *received;    /* [n] share of bad origin of all received, or NULL */
    const double *sent;        /* [n] share of bad destination of all sent, or NULL */
} wr_combine_input;

#define WR_COMBINE_INPUT_INIT                                        \
    {                                                                \
        .kinds = 1u << WR_CATEGORY_ILLICIT | 1u << WR_CATEGORY_RISKY \
    }

/* What was counted from the labels; for the report of a run. */
typedef struct wr_combine_report {
    double group_rate[2];    /* p by wr_direction: payees of a payer, payers of a payee */
    double concentration[2]; /* alpha */
    double contact_nats[2];  /* log(s/a) per contact: labelled payer, labelled payee */
} wr_combine_report;

/*
 * total   [n] caller's array: sum of the parts; unspecified on failure
 * part    [n] or NULL
 * rep     optional (NULL)
 * Errors  WR_EINVAL (seeds of another n, a share or association outside [0,1]), WR_ENOMEM
 * Cost    O(n + m), a few passes; 16n bytes of workspace
 * Thread  safe; the caller's OpenMP team; same bits for any number of threads
 */
wr_status wr_combine(double *total, wr_evidence *part, wr_combine_report *rep,
                     const wr_views *vw, const wr_seeds *s, const wr_combine_input *in,
                     wr_err *err) WR_NODISCARD;

#endif
