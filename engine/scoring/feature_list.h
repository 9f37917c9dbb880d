/*
 * feature_list.h - every feature, once: the order of columns comes from here.
 *
 *   X(ID, name, group, unit, window, sign, meaning)
 *
 * feature.h makes the column numbers of it (WR_TF_ID, WR_WF_ID), feature_table.c the
 * table that a model card, the monotone constraints and a reader of a model see.  A new
 * feature is one line here and one line in the kernel that fills it; a line that moves
 * is a new feature list, which old models refuse.
 *
 * window  seconds, 0 = whole history (or a single event), WR_WINDOW_OF_POLICY = the
 *         look-back that the policy sets for typologies
 * sign    monotone constraint: +1 more of it is never less risk, -1 the reverse, 0 none
 */
#ifndef WR_SCORING_FEATURE_LIST_H
#define WR_SCORING_FEATURE_LIST_H

#include <stdint.h>

#define WR_WINDOW_OF_POLICY UINT32_MAX

enum {
    WR_HOUR_S = 3600,
    WR_DAY_S = 86400,
    WR_WEEK_S = 7 * WR_DAY_S,
    WR_MONTH_S = 30 * WR_DAY_S
};

/* Thirteen columns about one side of one wallet, in this order everywhere. */
#define WR_SIDE_FEATURES_(X, E, e, what, who)                                          \
    X(E##_COUNT_1H, e "_count_1h", VELOCITY, "transfers", WR_HOUR_S, 0, what)          \
    X(E##_COUNT_24H, e "_count_24h", VELOCITY, "transfers", WR_DAY_S, 0, what)         \
    X(E##_COUNT_7D, e "_count_7d", VELOCITY, "transfers", WR_WEEK_S, 0, what)          \
    X(E##_COUNT_30D, e "_count_30d", VELOCITY, "transfers", WR_MONTH_S, 0, what)       \
    X(E##_COUNT, e "_count", VELOCITY, "transfers", 0, 0, what)                        \
    X(E##_PARTIES_24H, e "_parties_24h", VELOCITY, "wallets", WR_DAY_S, 0, who)        \
    X(E##_PARTIES_7D, e "_parties_7d", VELOCITY, "wallets", WR_WEEK_S, 0, who)         \
    X(E##_PARTIES_30D, e "_parties_30d", VELOCITY, "wallets", WR_MONTH_S, 0, who)      \
    X(E##_PARTIES, e "_parties", VELOCITY, "wallets", 0, 0, who)                       \
    X(E##_VALUE_24H, e "_value_24h", AMOUNT, "value", WR_DAY_S, 0, "value of " what)   \
    X(E##_VALUE_7D, e "_value_7d", AMOUNT, "value", WR_WEEK_S, 0, "value of " what)    \
    X(E##_VALUE_30D, e "_value_30d", AMOUNT, "value", WR_MONTH_S, 0, "value of " what) \
    X(E##_VALUE, e "_value", AMOUNT, "value", 0, 0, "value of " what)

/* Six about the days (UTC) on which one side of one wallet moved at all. */
#define WR_DAY_FEATURES_(X, E, e, what)                                                  \
    X(E##_DAYS, e "_days", VELOCITY, "days", 0, 0, "days with " what)                    \
    X(E##_DAYS_30D, e "_days_30d", VELOCITY, "days", WR_MONTH_S, 0, "days with " what)   \
    X(E##_PER_DAY, e "_per_day", VELOCITY, "transfers", 0, 0, what ", on days with any") \
    X(E##_DAY_MAX, e "_day_max", VELOCITY, "transfers", 0, 0, what ", busiest day")      \
    X(E##_NEW_DAYS, e "_new_days", CONTACT, "days", 0, 0,                                \
      "days with first contacts among " what)                                            \
    X(E##_NEW_PER_DAY, e "_new_per_day", CONTACT, "transfers", 0, 0,                     \
      "first contacts among " what ", on days with any")

/* Four about the wallet that one side met last, as of now; none: -1. */
#define WR_LAST_NEW_FEATURES_(X, E, e, who)                            \
    X(E##_OUT_PER_DAY, e "_out_per_day", STRUCTURE, "transfers", 0, 0, \
      who ": its payments, on days with any")                          \
    X(E##_IN_PER_DAY, e "_in_per_day", STRUCTURE, "transfers", 0, 0,   \
      who ": its receipts, on days with any")                          \
    X(E##_OUT_PARTIES, e "_out_parties", STRUCTURE, "wallets", 0, 0,   \
      who ": wallets it paid")                                         \
    X(E##_IN_PARTIES, e "_in_parties", STRUCTURE, "wallets", 0, 0,     \
      who ": wallets that paid it")

/* Of one transfer from -> to, as of the moment before it. */
#define WR_TRANSFER_FEATURES(X)                                                          \
    X(PAIR_IS_NEW, "pair_is_new", CONTACT, "flag", 0, 0,                                 \
      "payer never paid payee before")                                                   \
    X(PAIR_COUNT, "pair_count", CONTACT, "transfers", 0, 0, "earlier ones of this pair") \
    X(PAIR_VALUE, "pair_value", CONTACT, "value", 0, 0,                                  \
      "value of earlier ones of this pair")                                              \
    X(PAIR_GAP, "pair_gap_s", CONTACT, "s", 0, 0, "since the pair's last transfer")      \
    X(PAIR_AGE, "pair_age_s", CONTACT, "s", 0, 0, "since the pair's first transfer")     \
    X(REVERSE_COUNT, "reverse_count", CONTACT, "transfers", 0, 0,                        \
      "payee to payer so far")                                                           \
    X(REVERSE_VALUE, "reverse_value", CONTACT, "value", 0, 0, "payee to payer so far")   \
    X(REVERSE_GAP, "reverse_gap_s", CONTACT, "s", 0, 0, "since payee last paid payer")   \
    X(FROM_PORT, "from_port", CONTACT, "ordinal", 0, 0,                                  \
      "payee is the payer's k-th payee in order of first contact")                       \
    X(TO_PORT, "to_port", CONTACT, "ordinal", 0, 0,                                      \
      "payer is the payee's k-th payer in order of first contact")                       \
    X(FROM_OUT_GAP, "from_out_gap_s", CONTACT, "s", 0, 0, "since payer last paid")       \
    X(FROM_IN_GAP, "from_in_gap_s", CONTACT, "s", 0, 0, "since payer was last paid")     \
    X(TO_IN_GAP, "to_in_gap_s", CONTACT, "s", 0, 0, "since payee was last paid")         \
    X(TO_OUT_GAP, "to_out_gap_s", CONTACT, "s", 0, 0, "since payee last paid")           \
    X(FROM_IDLE, "from_idle_s", CONTACT, "s", 0, 0, "payer's dormancy before this")      \
    X(TO_IDLE, "to_idle_s", CONTACT, "s", 0, 0, "payee's dormancy before this")          \
    X(FROM_AGE, "from_age_s", CONTACT, "s", 0, 0, "since payer's first transfer")        \
    X(TO_AGE, "to_age_s", CONTACT, "s", 0, 0, "since payee's first transfer")            \
    X(FROM_NEW_OUT_24H, "from_new_out_24h", CONTACT, "share", WR_DAY_S, 0,               \
      "payer's payments that were first contacts")                                       \
    X(FROM_NEW_OUT_7D, "from_new_out_7d", CONTACT, "share", WR_WEEK_S, 0,                \
      "payer's payments that were first contacts")                                       \
    X(FROM_NEW_OUT_30D, "from_new_out_30d", CONTACT, "share", WR_MONTH_S, 0,             \
      "payer's payments that were first contacts")                                       \
    X(FROM_NEW_IN_24H, "from_new_in_24h", CONTACT, "share", WR_DAY_S, 0,                 \
      "payer's receipts that were first contacts")                                       \
    X(FROM_NEW_IN_7D, "from_new_in_7d", CONTACT, "share", WR_WEEK_S, 0,                  \
      "payer's receipts that were first contacts")                                       \
    X(FROM_NEW_IN_30D, "from_new_in_30d", CONTACT, "share", WR_MONTH_S, 0,               \
      "payer's receipts that were first contacts")                                       \
    X(TO_NEW_IN_24H, "to_new_in_24h", CONTACT, "share", WR_DAY_S, 0,                     \
      "payee's receipts that were first contacts")                                       \
    X(TO_NEW_IN_7D, "to_new_in_7d", CONTACT, "share", WR_WEEK_S, 0,                      \
      "payee's receipts that were first contacts")                                       \
    X(TO_NEW_IN_30D, "to_new_in_30d", CONTACT, "share", WR_MONTH_S, 0,                   \
      "payee's receipts that were first contacts")                                       \
    X(TO_NEW_OUT_24H, "to_new_out_24h", CONTACT, "share", WR_DAY_S, 0,                   \
      "payee's payments that were first contacts")                                       \
    X(TO_NEW_OUT_7D, "to_new_out_7d", CONTACT, "share", WR_WEEK_S, 0,                    \
      "payee's payments that were first contacts")                                       \
    X(TO_NEW_OUT_30D, "to_new_out_30d", CONTACT, "share", WR_MONTH_S, 0,                 \
      "payee's payments that were first contacts")                                       \
    X(FROM_NEW_OUT_GAP, "from_new_out_gap_s", CONTACT, "s", 0, 0,                        \
      "since payer last paid a new payee")                                               \
    X(FROM_NEW_IN_GAP, "from_new_in_gap_s", CONTACT, "s", 0, 0,                          \
      "since a new payer last paid payer")                                               \
    X(TO_NEW_IN_GAP, "to_new_in_gap_s", CONTACT, "s", 0, 0,                              \
      "since a new payer last paid payee")                                               \
    X(TO_NEW_OUT_GAP, "to_new_out_gap_s", CONTACT, "s", 0, 0,                            \
      "since payee last paid a new payee")                                               \
    X(FROM_LAST_IN_IS_NEW, "from_last_in_is_new", CONTACT, "flag", 0, 0,                 \
      "payer's last receipt was a first contact")                                        \
    X(FROM_CHAIN, "from_chain", CONTACT, "hops", WR_MONTH_S, 0,                          \
      "chain of first contacts that reached the payer, at most a month between two")     \
    X(TO_CHAIN, "to_chain", CONTACT, "hops", WR_MONTH_S, 0,                              \
      "chain of first contacts that reached the payee, at most a month between two")     \
    WR_SIDE_FEATURES_(X, FROM_OUT, "from_out", "payer's payments", "wallets payer paid") \
    WR_SIDE_FEATURES_(X, FROM_IN, "from_in", "payer's receipts",                         \
                      "wallets that paid payer")                                         \
    WR_SIDE_FEATURES_(X, TO_IN, "to_in", "payee's receipts", "wallets that paid payee")  \
    WR_SIDE_FEATURES_(X, TO_OUT, "to_out", "payee's payments", "wallets payee paid")     \
    X(VALUE, "value", AMOUNT, "value", 0, 0, "of this transfer")                         \
    X(FROM_MEAN_RATIO, "value_to_from_mean", AMOUNT, "ratio", 0, 0,                      \
      "value over the mean of payer's earlier payments")                                 \
    X(FROM_Z, "value_from_z", AMOUNT, "deviations", 0, 0,                                \
      "value in standard deviations above payer's earlier payments")                     \
    X(FROM_MAX_RATIO, "value_to_from_max", AMOUNT, "ratio", 0, 0,                        \
      "value over the largest of payer's earlier payments")                              \
    X(TO_MEAN_RATIO, "value_to_to_mean", AMOUNT, "ratio", 0, 0,                          \
      "value over the mean of payee's earlier receipts")                                 \
    X(TO_Z, "value_to_z", AMOUNT, "deviations", 0, 0,                                    \
      "value in standard deviations above payee's earlier receipts")                     \
    X(TO_MAX_RATIO, "value_to_to_max", AMOUNT, "ratio", 0, 0,                            \
      "value over the largest of payee's earlier receipts")                              \
    X(ROUNDNESS, "roundness", AMOUNT, "digits", 0, 0,                                    \
      "zeros at the end of a whole value")                                               \
    X(IS_BELOW_LIMIT, "is_below_limit", AMOUNT, "flag", 0, 0,                            \
      "at most a tenth below a reporting limit")                                         \
    X(FROM_PASS_24H, "from_pass_24h", FLOW, "share", WR_DAY_S, 0,                        \
      "payer's pass-through: smaller of in and out over the larger")                     \
    X(FROM_PASS_30D, "from_pass_30d", FLOW, "share", WR_MONTH_S, 0,                      \
      "payer's pass-through: smaller of in and out over the larger")                     \
    X(TO_PASS_24H, "to_pass_24h", FLOW, "share", WR_DAY_S, 0,                            \
      "payee's pass-through: smaller of in and out over the larger")                     \
    X(TO_PASS_30D, "to_pass_30d", FLOW, "share", WR_MONTH_S, 0,                          \
      "payee's pass-through: smaller of in and out over the larger")                     \
    X(LAST_IN_RATIO, "value_to_last_in", FLOW, "ratio", 0, 0,                            \
      "value over payer's last receipt")                                                 \
    X(LAST_NEW_IN_RATIO, "value_to_last_new_in", FLOW, "ratio", 0, 0,                    \
      "value over payer's last receipt from a new payer")                                \
    X(IN_24H_RATIO, "value_to_in_24h", FLOW, "ratio", WR_DAY_S, 0,                       \
      "value over all that payer received")                                              \
    X(IN_7D_RATIO, "value_to_in_7d", FLOW, "ratio", WR_WEEK_S, 0,                        \
      "value over all that payer received")                                              \
    X(IN_30D_RATIO, "value_to_in_30d", FLOW, "ratio", WR_MONTH_S, 0,                     \
      "value over all that payer received")                                              \
    X(NEW_IN_7D_RATIO, "value_to_new_in_7d", FLOW, "ratio", WR_WEEK_S, 0,                \
      "value over first contacts that payer received")                                   \
    X(NEW_IN_30D_RATIO, "value_to_new_in_30d", FLOW, "ratio", WR_MONTH_S, 0,             \
      "value over first contacts that payer received")                                   \
    X(TO_NEW_IN_7D_RATIO, "value_to_to_new_in_7d", FLOW, "ratio", WR_WEEK_S, 0,          \
      "value over first contacts that payee received")                                   \
    X(TO_NEW_IN_30D_RATIO, "value_to_to_new_in_30d", FLOW, "ratio", WR_MONTH_S, 0,       \
      "value over first contacts that payee received")                                   \
    X(FROM_RETAINED, "from_retained", FLOW, "share", 0, 0,                               \
      "of all payer received, what it has not paid on")                                  \
    X(TO_RETAINED, "to_retained", FLOW, "share", 0, 0,                                   \
      "of all payee received, what it has not paid on")                                  \
    X(FROM_OUT_FAN, "from_out_fan", STRUCTURE, "wallets", WR_MONTH_S, 0,                 \
      "payers that payer's payees had, mean over its payments")                          \
    X(FROM_IN_FAN, "from_in_fan", STRUCTURE, "wallets", WR_MONTH_S, 0,                   \
      "payees that payer's payers had, mean over its receipts")                          \
    X(TO_IN_FAN, "to_in_fan", STRUCTURE, "wallets", WR_MONTH_S, 0,                       \
      "payees that payee's payers had, mean over its receipts")                          \
    X(TO_OUT_FAN, "to_out_fan", STRUCTURE, "wallets", WR_MONTH_S, 0,                     \
      "payers that payee's payees had, mean over its payments")                          \
    WR_DAY_FEATURES_(X, FROM_OUT, "from_out", "payer's payments")                        \
    WR_DAY_FEATURES_(X, FROM_IN, "from_in", "payer's receipts")                          \
    WR_DAY_FEATURES_(X, TO_IN, "to_in", "payee's receipts")                              \
    WR_DAY_FEATURES_(X, TO_OUT, "to_out", "payee's payments")                            \
    WR_LAST_NEW_FEATURES_(X, FROM_NEW_PAYEE, "from_new_payee", "payer's newest payee")   \
    WR_LAST_NEW_FEATURES_(X, FROM_NEW_PAYER, "from_new_payer", "payer's newest payer")   \
    WR_LAST_NEW_FEATURES_(X, TO_NEW_PAYER, "to_new_payer", "payee's newest payer")       \
    WR_LAST_NEW_FEATURES_(X, TO_NEW_PAYEE, "to_new_payee", "payee's newest payee")

/* Of one wallet, as of T: nothing at T or later enters.  Hops not reached: 255. */
#define WR_EXPOSURE_FEATURES_(X, E, e, what)                                       \
    X(E##_ILLICIT_DIRECT, e "_illicit_direct", EXPOSURE, "share", 0, 1,            \
      what " straight, illicit")                                                   \
    X(E##_ILLICIT_INDIRECT, e "_illicit_indirect", EXPOSURE, "share", 0, 1,        \
      what " through others, illicit")                                             \
    X(E##_RISKY_DIRECT, e "_risky_direct", EXPOSURE, "share", 0, 1,                \
      what " straight, risky")                                                     \
    X(E##_RISKY_INDIRECT, e "_risky_indirect", EXPOSURE, "share", 0, 1,            \
      what " through others, risky")                                               \
    X(E##_UNKNOWN, e "_unknown", EXPOSURE, "share", 0, 0, what " not in the data") \
    X(E##_ILLICIT_VALUE, e "_illicit_value", EXPOSURE, "value", 0, 1,              \
      what " illicit, in value")                                                   \
    X(E##_RISKY_VALUE, e "_risky_value", EXPOSURE, "value", 0, 1,                  \
      what " risky, in value")                                                     \
    X(E##_TOP_SHARE, e "_top_share", EXPOSURE, "share", 0, 1,                      \
      what " of the strongest category")                                           \
    X(E##_MAX_SHARE, e "_max_share", EXPOSURE, "share", 0, 1,                      \
      "largest tainted share of one transfer")                                     \
    X(E##_MEAN_HOPS, e "_mean_hops", EXPOSURE, "hops", 0, 0,                       \
      "value-weighted over illicit and risky; 255 = none")                         \
    X(E##_MIN_HOPS, e "_min_hops", EXPOSURE, "hops", 0, -1,                        \
      "fewest hops of that money; 255 = none")                                     \
    X(E##_CONTACT_HOPS, e "_contact_hops", EXPOSURE, "hops", 0, -1,                \
      "fewest hops of any contact; 255 = none")                                    \
    X(E##_STATIC_ILLICIT, e "_static_illicit", EXPOSURE, "share", 0, 1,            \
      "damped exposure, illicit")                                                  \
    X(E##_STATIC_RISKY, e "_static_risky", EXPOSURE, "share", 0, 1,                \
      "damped exposure, risky")                                                    \
    X(E##_STATIC_MAX, e "_static_max", EXPOSURE, "share", 0, 1,                    \
      "damped exposure, strongest category")                                       \
    X(E##_BAD_PARTIES, e "_bad_parties", EXPOSURE, "wallets", 0, 1,                \
      "illicit or risky counterparties")

#define WR_WALLET_SIDE_(X, E, e, what, who)                                            \
    X(E##_GAP, e "_gap_s", CONTACT, "s", 0, 0, "since the last of " what)              \
    X(E##_NEW_24H, e "_new_24h", CONTACT, "share", WR_DAY_S, 0,                        \
      "first contacts among " what)                                                    \
    X(E##_NEW_7D, e "_new_7d", CONTACT, "share", WR_WEEK_S, 0,                         \
      "first contacts among " what)                                                    \
    X(E##_NEW_30D, e "_new_30d", CONTACT, "share", WR_MONTH_S, 0,                      \
      "first contacts among " what)                                                    \
    X(E##_LAST_IS_NEW, e "_last_is_new", CONTACT, "flag", 0, 0,                        \
      "the last of " what " was a first contact")                                      \
    X(E##_LAST_PORT, e "_last_port", CONTACT, "ordinal", 0, 0,                         \
      "ordinal of the counterparty of the last of " what)                              \
    X(E##_PER_PARTY, e "_per_party", CONTACT, "transfers", 0, 0,                       \
      what " per counterparty")                                                        \
    X(E##_TOP_PARTY, e "_top_party", CONTACT, "share", 0, 0,                           \
      "share of " what " with one counterparty")                                       \
    WR_SIDE_FEATURES_(X, E, e, what, who)                                              \
    X(E##_MEAN, e "_mean", AMOUNT, "value", 0, 0, "mean of " what)                     \
    X(E##_STD, e "_std", AMOUNT, "value", 0, 0, "standard deviation of " what)         \
    X(E##_MAX, e "_max", AMOUNT, "value", 0, 0, "largest of " what)                    \
    X(E##_SKEW, e "_skew", AMOUNT, "1", 0, 0, "skewness of " what)                     \
    X(E##_LAST_RATIO, e "_last_ratio", AMOUNT, "ratio", 0, 0,                          \
      "last of " what " over their mean")                                              \
    X(E##_SERVICE, e "_service", FLOW, "share", 0, 0, what " with services, by value") \
    X(E##_MIXER, e "_mixer", FLOW, "share", 0, 0, what " with mixers, by value")       \
    X(E##_BRIDGE, e "_bridge", FLOW, "share", 0, 0, what " with bridges, by value")    \
    X(E##_DEX, e "_dex", FLOW, "share", 0, 0,                                          \
      what " with decentralised exchanges, by value")

/* Three about the hits of one typology (motifs.h). */
#define WR_MOTIF_FEATURES_(X, E, e, what)                                      \
    X(MOTIF_##E##_ROOT, e "_root", MOTIF, "hits", WR_WINDOW_OF_POLICY, 1,      \
      what ": hits that it is the root of")                                    \
    X(MOTIF_##E##_MEMBER, e "_member", MOTIF, "hits", WR_WINDOW_OF_POLICY, 1,  \
      what ": hits around another wallet that it is a member of")              \
    X(MOTIF_##E##_STRENGTH, e "_strength", MOTIF, "1", WR_WINDOW_OF_POLICY, 0, \
      what ": strength of the strongest hit that it is in; 0 = in none")

/* In the order of wr_typology. */
#define WR_TYPOLOGY_FEATURES_(X)                                                  \
    WR_MOTIF_FEATURES_(X, FAN_IN, "fan_in", "fan-in")                             \
    WR_MOTIF_FEATURES_(X, FAN_OUT, "fan_out", "fan-out")                          \
    WR_MOTIF_FEATURES_(X, GATHER_SCATTER, "gather_scatter", "gather-scatter")     \
    WR_MOTIF_FEATURES_(X, SCATTER_GATHER, "scatter_gather", "scatter-gather")     \
    WR_MOTIF_FEATURES_(X, CYCLE, "cycle", "cycle")                                \
    WR_MOTIF_FEATURES_(X, PEEL_CHAIN, "peel_chain", "peel chain")                 \
    WR_MOTIF_FEATURES_(X, PASS_THROUGH, "pass_through", "rapid pass-through")     \
    WR_MOTIF_FEATURES_(X, STRUCTURING, "structuring", "structuring")              \
    WR_MOTIF_FEATURES_(X, SMURF_BRIDGE, "smurf_bridge", "smurf bridge")           \
    WR_MOTIF_FEATURES_(X, BIPARTITE, "bipartite", "bipartite flow")               \
    WR_MOTIF_FEATURES_(X, STACK, "stack", "stack of bipartite flows")             \
    WR_MOTIF_FEATURES_(X, CHAIN, "chain", "layering chain")                       \
    WR_MOTIF_FEATURES_(X, DORMANT, "dormant_activation", "dormant wallet waking") \
    WR_MOTIF_FEATURES_(X, DUSTING, "dusting", "dusting and address poisoning")    \
    WR_MOTIF_FEATURES_(X, MIXER, "mixer_use", "use of a mixer")                   \
    WR_MOTIF_FEATURES_(X, CHAIN_HOP, "chain_hop", "chain hop")                    \
    WR_MOTIF_FEATURES_(X, BURST, "burst", "burst of a new wallet")

#define WR_WALLET_FEATURES(X)                                                            \
    WR_EXPOSURE_FEATURES_(X, RECEIVED, "received", "received")                           \
    WR_EXPOSURE_FEATURES_(X, SENT, "sent", "sent")                                       \
    X(HELD_ILLICIT, "held_illicit", EXPOSURE, "share", 0, 1, "of the balance")           \
    X(HELD_RISKY, "held_risky", EXPOSURE, "share", 0, 1, "of the balance")               \
    X(FIFO_ILLICIT, "fifo_illicit", EXPOSURE, "share", 0, 1,                             \
      "received, first in first out")                                                    \
    X(FIFO_RISKY, "fifo_risky", EXPOSURE, "share", 0, 1, "received, first in first out") \
    X(AGE, "age_s", CONTACT, "s", 0, 0, "since the first transfer")                      \
    X(IDLE, "idle_s", CONTACT, "s", 0, 0, "since the last transfer")                     \
    WR_WALLET_SIDE_(X, OUT, "out", "payments", "wallets paid")                           \
    WR_WALLET_SIDE_(X, IN, "in", "receipts", "wallets that paid")                        \
    X(ACTIVE_DAYS, "active_days", VELOCITY, "days", 0, 0, "UTC days with a transfer")    \
    X(PER_HOUR, "per_active_hour", VELOCITY, "transfers", 0, 0,                          \
      "transfers per hour that had one")                                                 \
    X(BURST, "burst_10min", VELOCITY, "transfers", 600, 0,                               \
      "most transfers within ten minutes")                                               \
    X(GAP_MEAN, "gap_mean_s", VELOCITY, "s", 0, 0, "mean time between transfers")        \
    X(GAP_CV, "gap_cv", VELOCITY, "1", 0, 0, "its coefficient of variation")             \
    X(NIGHT, "night", VELOCITY, "share", 0, 0, "transfers between 0 and 6 h UTC")        \
    X(ROUND, "round", AMOUNT, "share", 0, 0, "transfers of a multiple of 100")           \
    X(BELOW, "below_limit", AMOUNT, "share", 0, 0,                                       \
      "transfers at most a tenth below a reporting limit")                               \
    X(DUST, "dust", AMOUNT, "share", 0, 0, "transfers below the dust value")             \
    X(BENFORD, "benford_l1", AMOUNT, "1", 0, 0,                                          \
      "L1 distance of first digits from Benford's law; 50 transfers or more")            \
    X(PASS_1H, "pass_1h", FLOW, "share", WR_HOUR_S, 0,                                   \
      "pass-through: smaller of in and out over the larger")                             \
    X(PASS_24H, "pass_24h", FLOW, "share", WR_DAY_S, 0,                                  \
      "pass-through: smaller of in and out over the larger")                             \
    X(PASS_30D, "pass_30d", FLOW, "share", WR_MONTH_S, 0,                                \
      "pass-through: smaller of in and out over the larger")                             \
    X(HOLD, "hold_median_s", FLOW, "s", 0, 0,                                            \
      "how long money stayed, first in first out, median by value")                      \
    X(RETAINED, "retained", FLOW, "share", 0, 0,                                         \
      "of all received, what has not been paid on")                                      \
    X(OUT_SHARE, "out_share", FLOW, "share", 0, 0, "payments among all value moved")     \
    X(RECIPROCITY, "reciprocity", STRUCTURE, "share", 0, 0,                              \
      "counterparties in both directions")                                               \
    X(CLUSTERING, "clustering", STRUCTURE, "share", 0, 0,                                \
      "pairs of counterparties that deal with each other")                               \
    X(COMPONENT, "component", STRUCTURE, "wallets", 0, 0,                                \
      "size of its component, services left out")                                        \
    X(CORE, "core", STRUCTURE, "1", 0, 0,                                                \
      "largest k of a k-core it is in, services left out")                               \
    WR_TYPOLOGY_FEATURES_(X)

#endif
