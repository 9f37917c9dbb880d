/*
 * typology.h - seventeen patterns of money laundering, found in a window of transfers.
 *
 * Every hit is evidence that can be checked by eye: which transfers, whose, how much,
 * when.  The exact definition of each stands at the top of its typology_<name>.c.  What
 * they share:
 *
 *   - only transfers of the scope [from_s, to_s) become part of a hit (but for what makes
 *     a poisoned address known).  What a wallet did before (first seen, balance, gaps) is
 *     read from its whole history before to_s: nothing at or after to_s is ever looked
 *     at;
 *   - a transfer to oneself or of value zero is no transfer (only poisoning reads zeros);
 *   - values are one unit (USD when priced); assets are not told apart;
 *   - "after" is (time, seq) order unless "strictly later in time" is said;
 *   - a wallet labelled as a service at the time is never root nor middle of a pattern;
 *     it may be an end: sender of a fan-in, last stop of a chain;
 *   - hubs (UTXO transactions) are counterparties, one transaction each, never roots;
 *     only cycles and peel chains go through them and only CoinJoin looks into them;
 *   - hub cap: no window is wider and no row walked from another wallet is longer than
 *     hub_cap transfers; what is beyond is left out, and hits that may miss something by
 *     it are marked is_hub_truncated;
 *   - budget: a search stops after visits_max looked-at transfers; its hits are marked
 *     is_partial.  A hit found is a hit, whatever ran out.
 *
 * Members of a hit are the root, then all other ends of its transfers, ascending.  Hits
 * stand in ascending (typology, root, edges compared one by one, variant): the same bytes
 * for any number of threads.
 *
 * Strength, unless the definition says otherwise: 1 - want/(2 have), where "have" is what
 * was found and "want" the least that counts.  0.5 = just enough; it tends to 1.
 *
 * Source  ALGORITHMS 5; suspicious patterns of AMLworld: Altman et al., NeurIPS 2023;
 *         windows: Blanusa et al., "Graph Feature Preprocessor", ICAIF 2024
 * Differs windows are anchored and hits do not overlap, so that a hit is one event and
 *         not a count per transfer
 */
#ifndef WR_SCORING_TYPOLOGY_H
#define WR_SCORING_TYPOLOGY_H

#include "scoring/flow.h"

typedef enum wr_typology {
    WR_TYPOLOGY_FAN_IN,
    WR_TYPOLOGY_FAN_OUT,
    WR_TYPOLOGY_GATHER_SCATTER,
    WR_TYPOLOGY_SCATTER_GATHER,
    WR_TYPOLOGY_CYCLE,
    WR_TYPOLOGY_PEEL_CHAIN,
    WR_TYPOLOGY_PASS_THROUGH,
    WR_TYPOLOGY_STRUCTURING,
    WR_TYPOLOGY_SMURF_BRIDGE,
    WR_TYPOLOGY_BIPARTITE,
    WR_TYPOLOGY_STACK,
    WR_TYPOLOGY_CHAIN,
    WR_TYPOLOGY_DORMANT,
    WR_TYPOLOGY_DUSTING,
    WR_TYPOLOGY_MIXER,
    WR_TYPOLOGY_CHAIN_HOP,
    WR_TYPOLOGY_BURST,
    WR_TYPOLOGY_COUNT
} wr_typology;

enum {
    WR_TYPOLOGY_ALL = (1 << WR_TYPOLOGY_COUNT) - 1,
    WR_TYPOLOGY_HOPS_MAX = 10,
    WR_TYPOLOGY_CHUNK = 256, /* neighbours, from the start of the scope on */
    WR_TYPOLOGY_THRESHOLDS = 3,
};

const char *wr_typology_name(wr_typology t); /* "fan_in" … "burst" */

/*
 * Those that ask more of labels than who is a service: the others find the same hits
 * whoever is labelled illicit or risky.
 */
enum {
    WR_TYPOLOGY_OF_LABELS =
        1 << WR_TYPOLOGY_CHAIN | 1 << WR_TYPOLOGY_MIXER | 1 << WR_TYPOLOGY_CHAIN_HOP
};

/* Least that counts, in the order of the list above.  *_s are seconds. */
typedef struct wr_typology_opts {
    uint32_t from_s, to_s; /* scope: from_s <= time < to_s */
    uint32_t hub_cap;      /* >= 1 */
    uint32_t visits_max;   /* per root or first transfer; >= 1 */
    uint32_t hits_max;     /* per root or first transfer of a search; >= 1 */

    uint32_t fan_count, fan_window_s; /* distinct counterparties */
    double fan_even_min;              /* median / largest value; also of gather-scatter */
    uint32_t gather_count, gather_out_count, gather_window_s;
    double gather_before_min; /* part of the inflow there before the first outflow */
    double gather_ratio_min, gather_ratio_max; /* out / in */
    uint32_t scatter_count, scatter_window_s;  /* middle wallets */
    double scatter_ratio_min, scatter_ratio_max;
    uint32_t cycle_hops_max, cycle_window_s; /* 2..WR_TYPOLOGY_HOPS_MAX */
    uint32_t cycle_visits_mean; /* of cycles: over WR_TYPOLOGY_CHUNK first transfers */
    double cycle_even_min;      /* smallest / largest value */
    uint32_t peel_hops, peel_hold_s;
    double peel_share_min; /* part that goes on; the small one is at most the rest */
    uint32_t pass_hold_s, pass_events, pass_window_s;
    double pass_share_min, pass_value_min; /* events OR value */
    uint32_t structuring_count, structuring_window_s;
    double structuring_threshold[WR_TYPOLOGY_THRESHOLDS]; /* ascending */
    double structuring_low;     /* from here to 1, times the threshold */
    double structuring_sum_min; /* times the threshold */
    uint32_t bridge_count, bridge_window_s;
    double bridge_score_min;
    uint32_t bipartite_senders, bipartite_receivers, bipartite_window_s, stack_window_s;
    double bipartite_density_min;
    uint32_t chain_wallets;
    uint32_t dormant_gap_s, dormant_window_s;
    double dormant_gap_ratio, dormant_share_min;
    uint32_t dust_count, dust_window_s, poison_window_s;
    double dust_value_max, dust_spread; /* near-equal: within ± this part */
    uint32_t coinjoin_outputs;          /* equal outputs to distinct wallets */
    uint32_t hop_hold_s, hop_events, hop_window_s;
    double hop_share_min;
    uint32_t burst_age_s, burst_hold_s;
    double burst_value_min, burst_share_min;
} wr_typology_opts;

enum { WR_TYPOLOGY_HOUR_S = 3600, WR_TYPOLOGY_DAY_S = 86400 };

/* clang-format off */
#define WR_TYPOLOGY_OPTS_INIT                                                            \
    {                                                                                    \
        .to_s = UINT32_MAX, .hub_cap = 5000, .visits_max = 20000, .hits_max = 100,       \
        .fan_count = 10, .fan_window_s = WR_TYPOLOGY_DAY_S, .fan_even_min = 0.2,         \
        .gather_count = 5, .gather_out_count = 5,                                        \
        .gather_window_s = 2 * WR_TYPOLOGY_DAY_S, .gather_before_min = 0.7,              \
        .gather_ratio_min = 0.8, .gather_ratio_max = 1.05,                               \
        .scatter_count = 3, .scatter_window_s = 2 * WR_TYPOLOGY_DAY_S,                   \
        .scatter_ratio_min = 0.8, .scatter_ratio_max = 1.02,                             \
        .cycle_hops_max = 6, .cycle_window_s = 7 * WR_TYPOLOGY_DAY_S,                    \
        .cycle_visits_mean = UINT32_MAX,                                                 \
        .cycle_even_min = 0.5,                                                           \
        .peel_hops = 5, .peel_hold_s = WR_TYPOLOGY_DAY_S, .peel_share_min = 0.8,         \
        .pass_hold_s = WR_TYPOLOGY_HOUR_S, .pass_events = 3,                             \
        .pass_window_s = 7 * WR_TYPOLOGY_DAY_S, .pass_share_min = 0.9,                   \
        .pass_value_min = 10000,                                                         \
        .structuring_count = 4, .structuring_window_s = 2 * WR_TYPOLOGY_DAY_S,           \
        .structuring_threshold = {1000, 3000, 10000}, .structuring_low = 0.8,            \
        .structuring_sum_min = 1.5,                                                      \
        .bridge_count = 3, .bridge_window_s = 2 * WR_TYPOLOGY_DAY_S,                     \
        .bridge_score_min = 0.7,                                                         \
        .bipartite_senders = 3, .bipartite_receivers = 3,                                \
        .bipartite_window_s = 2 * WR_TYPOLOGY_DAY_S,                                     \
        .stack_window_s = 4 * WR_TYPOLOGY_DAY_S, .bipartite_density_min = 0.7,           \
        .chain_wallets = 4,                                                              \
        .dormant_gap_s = 180 * WR_TYPOLOGY_DAY_S, .dormant_window_s = WR_TYPOLOGY_DAY_S, \
        .dormant_gap_ratio = 5, .dormant_share_min = 0.5,                                \
        .dust_count = 100, .dust_window_s = WR_TYPOLOGY_DAY_S,                           \
        .poison_window_s = 30 * WR_TYPOLOGY_DAY_S, .dust_value_max = 1,                  \
        .dust_spread = 0.05,                                                             \
        .coinjoin_outputs = 3,                                                           \
        .hop_hold_s = WR_TYPOLOGY_HOUR_S / 2, .hop_events = 2,                           \
        .hop_window_s = WR_TYPOLOGY_DAY_S, .hop_share_min = 0.8,                         \
        .burst_age_s = WR_TYPOLOGY_DAY_S, .burst_hold_s = 6 * WR_TYPOLOGY_HOUR_S,        \
        .burst_value_min = 10000, .burst_share_min = 0.8                                 \
    }
/* clang-format on */

/* Every option in its domain, else WR_EINVAL by name. */
wr_status wr_typology_check_opts(const wr_typology_opts *o, wr_err *err) WR_NODISCARD;

typedef struct wr_typology_input {
    wr_flow flow;                /* rows in and out are needed */
    const uint64_t *address_key; /* [n] the first four and last four characters of the
                                    address behind its prefix; 0 = unknown; NULL: no
                                    address poisoning is looked for */
    uint32_t mixer_mask;         /* bit c: category c is a mixer */
    uint32_t swap_mask;          /* bit c: category c is a swap or bridge */
} wr_typology_input;

/* No padding: hits can be digested as bytes. */
typedef struct wr_typology_hit {
    double amount;         /* sum of the values of its transfers */
    double strength;       /* [0, 1] */
    uint64_t member, edge; /* where its members and edges start in the arrays below */
    uint32_t member_count, edge_count;
    wr_vid root;
    uint32_t first_s, last_s; /* times of its first and last transfer */
    uint8_t typology;         /* wr_typology */
    uint8_t variant;          /* of the typology; 0 unless its file says otherwise */
    uint8_t is_partial, is_hub_truncated;
} wr_typology_hit;

typedef struct wr_typology_hits {
    uint64_t count, member_total, edge_total;
    wr_typology_hit *hit; /* [count] */
    wr_vid *member;       /* [member_total] */
    uint32_t *edge;       /* [edge_total] column positions, ascending within a hit */
    /* Roots (first transfers) by typology where a budget ran out, where the hub cap left
     * something out: with or without a hit to say so. */
    uint64_t partial_roots[WR_TYPOLOGY_COUNT];
    uint64_t truncated_roots[WR_TYPOLOGY_COUNT];
} wr_typology_hits;

/*
 * All hits of the typologies in `which` (bits 1 << wr_typology).
 *
 * Errors  WR_EINVAL (option outside its domain, by name; rows missing; labels of another
 *         graph; nothing or something unknown asked for), WR_ENOMEM, WR_ESTOPPED
 * Cost    by typology, see its file; 8 bytes per transfer for peel chains and chains
 * Thread  safe; parallel over wallets and first transfers
 */
wr_status wr_typology_find(wr_typology_hits *out, const wr_typology_input *in,
                           uint32_t which, const wr_typology_opts *o,
                           const wr_progress *pg, wr_err *err) WR_NODISCARD;
void wr_typology_hits_release(wr_typology_hits *h); /* safe on a zeroed struct */
#define WR_TYPOLOGY_HITS_AUTO __attribute__((cleanup(wr_typology_hits_release)))

/* What a wallet is part of; all zero: of nothing. */
typedef struct wr_typology_wallet {
    uint32_t mask;      /* bit t: member of a hit of typology t */
    uint32_t root_mask; /* … as its root */
    uint32_t hits;      /* hits it is a member of */
    float strength;     /* of the strongest one */
    uint64_t strongest; /* its index among the hits; ties: the first */
} wr_typology_wallet;

/*
 * per    [n] caller's array, overwritten
 * Cost   O(n + members); one thread
 */
void wr_typology_summary(wr_typology_wallet *per, uint32_t n, const wr_typology_hits *h);

#endif
