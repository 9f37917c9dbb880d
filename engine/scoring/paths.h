/*
 * paths.h - the transfers on which tainted money came to a wallet (went from it).
 *
 * In the haircut ledger a unit that enters u by transfer e' leaves by the later transfer
 * e with chance
 *
 *     w(e' -> e) = f_e * product over u's payments k between them of (1 - f_k)
 *
 * whatever its category.  A path e_1 … e_k from a labelled source into v therefore
 * carries
 *
 *     mass = q(source) a(e_1) w(e_1 -> e_2) … w(e_k-1 -> e_k)
 *
 * and the masses of ALL paths add up to exactly what the ledger says v received: no path
 * counts money of another.  The search walks backward from v, best first.  The bound of a
 * partial path is weight times its first transfer's tainted amount (ledger marks, rounded
 * up; without marks the whole amount), so whole paths leave the queue in order of mass:
 * the result is the true top `paths_max` among paths of at most hops_max hops, unless a
 * budget ran out (is_truncated).  The rest is residual, by name.
 *
 * Transfers of one path strictly decrease in (time, seq) going backward.  Hubs cost no
 * hop.  Services: paths of one hop only (their money is cut), for category = a service.
 *
 * Source  ALGORITHMS 2.6
 * Differs priority is mass in value units with an admissible bound, not the bare product
 *         of shares: additive, and the top k are certain.
 */
#ifndef WR_SCORING_PATHS_H
#define WR_SCORING_PATHS_H

#include "scoring/ledger.h"

enum { WR_PATHS_MAX = 50, WR_PATHS_HOPS_MAX = 32, WR_PATHS_STEPS_MAX = 65 };
#define WR_PATHS_SCAN_MAX 1000000000 /* partial paths stay below 2^32 */

typedef struct wr_paths_opts {
    wr_direction direction;
    int category;               /* -1 = all illicit and risky ones together */
    uint32_t paths_max;         /* 1..WR_PATHS_MAX */
    uint32_t hops_max;          /* 1..WR_PATHS_HOPS_MAX */
    uint32_t expand_max;        /* partial paths opened; >= 1 */
    uint64_t scan_max;          /* transfers looked at in all; >= 1 */
    const wr_ledger_mark *mark; /* [m] of the same direction, or NULL */
    double exposed; /* the ledger's received_c (or their sum) of v; < 0 = not known */
} wr_paths_opts;

#define WR_PATHS_OPTS_INIT                                                        \
    {                                                                             \
        .direction = WR_RECEIVING, .category = -1, .paths_max = 5, .hops_max = 8, \
        .expand_max = 10000, .scan_max = 4000000, .exposed = -1                   \
    }

typedef struct wr_path {
    wr_vid source;
    int category;
    double mass; /* value units; part of what v received */
    uint32_t hops;
    uint32_t step_count;
    uint32_t step[WR_PATHS_STEPS_MAX]; /* column positions, in the money's order:
                                          ascending (when sending, from v to the source:
                                          ascending too) */
} wr_path;

typedef struct wr_paths {
    uint32_t count;
    wr_path *path;    /* [count] largest mass first; ties: found first */
    double exposed;   /* as given, or -1 */
    double explained; /* sum of masses */
    double residual;  /* exposed - explained, not below 0; -1 when exposed is not known */
    uint32_t expanded;
    uint64_t scanned;
    bool is_truncated; /* a budget ended the search: the paths hold, their rank may not */
} wr_paths;

/*
 * Errors  WR_EINVAL (v >= n, option outside its domain, rows missing), WR_ENOMEM
 * Cost    O(scan_max) at worst; per partial path 32 bytes
 * Thread  safe; one thread
 */
wr_status wr_paths_find(wr_paths *out, const wr_flow *fl, wr_vid v,
                        const wr_paths_opts *o, wr_err *err) WR_NODISCARD;
void wr_paths_release(wr_paths *p); /* safe on a zeroed struct */
#define WR_PATHS_AUTO __attribute__((cleanup(wr_paths_release)))

#endif
