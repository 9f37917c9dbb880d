/*
 * typology_policy.h - which typologies a run looks for, where, and what they weigh.
 *
 * Section `typologies` of data/policy.yaml; every key may be absent:
 *
 *     enabled         names; all when absent, none when empty
 *     lookback_days   only transfers so long before the newest one become part of a hit
 *     weights         { name: w }: w_j of the score, 0 when absent
 *     member_weight   share of w_j that a wallet in a hit carries which is not its root
 *     live            what goes on between runs (live_typologies.h): none, at_once (those
 *                     that the transfer tells which completes them), all
 *     live_mb         memory of that in 10^6 bytes; what needs more is given up until the
 *                     next run
 *     mixer_categories, swap_categories
 *                     what mixer_use and chain_hop mean by a mixer, and by a swap or
 * bridge and any option of wr_typology_opts by its name, but for the scope
 *
 * Strict, as the rest of the file: unknown keys, names and categories are errors with
 * line.  Thread: safe.
 */
#ifndef WR_PIPELINE_INPUT_TYPOLOGY_POLICY_H
#define WR_PIPELINE_INPUT_TYPOLOGY_POLICY_H

#include "model/category.h"
#include "scoring/typology.h"

enum { WR_LOOKBACK_DAYS_MAX = 36500, WR_LIVE_MB_MAX = 1000000 };

/* Of the live state (live_typologies.h); 0 = as there. */
typedef struct wr_typology_live_policy {
    uint32_t which;                /* bit t: it goes on between runs */
    uint32_t run_waits, waits_max; /* transfers; UINT32_MAX: none waits */
    uint32_t hits_max;
    uint64_t places_max, bytes_max;
} wr_typology_live_policy;

typedef struct wr_typology_policy {
    uint32_t which;                   /* bit t: wr_typology t is looked for */
    wr_typology_live_policy live;     /* which, bytes_max: read; else 0 */
    uint32_t lookback_days;           /* 1..WR_LOOKBACK_DAYS_MAX */
    uint32_t mixers, swaps;           /* bit c: category c of the taxonomy */
    double weight[WR_TYPOLOGY_COUNT]; /* w_j in [0, 1] */
    double member_weight;             /* [0, 1] */
    wr_typology_opts opts;            /* from_s and to_s are a run's: not set here */
} wr_typology_policy;

/*
 * name    of the file, for messages
 * text    the whole policy; without the section everything is as absent
 * Errors  WR_EPARSE ("name:line: what"), WR_ENOMEM
 */
wr_status wr_typology_policy_from_yaml(wr_typology_policy *out, const wr_taxonomy *tx,
                                       const char *name, wr_text text,
                                       wr_err *err) WR_NODISCARD;

/* Does any typology add to a score? */
bool wr_typology_policy_weighs(const wr_typology_policy *p);

#endif
