/*
 * links_int.h - who neighbours whom, for features: as of a time, thinned, one direction.
 *
 * Rows of a pair window with some neighbours left out:
 *
 *   - pairs that met only at before_s or later: nothing from the future;
 *   - neighbours whose bit is set in `left_out` (services);
 *   - of a row still longer than hub_min, all but `sample`: those whose hash of (from,
 *     to, seed) is smallest.  The hash is a bijection, so there are no ties, and who is
 *     kept does not depend on pair numbers, i.e. not on what comes later.
 *
 * Rows stay ascending.  Immutable after init.
 */
#ifndef WR_SCORING_LINKS_INT_H
#define WR_SCORING_LINKS_INT_H

#include "scoring/seeds.h"
#include "scoring/views.h"
#include "util/mem.h"

typedef struct wr_links {
    uint32_t n;
    uint32_t *off;    /* [n+1] */
    wr_vid *nbr;      /* [off[n]] */
    uint64_t thinned; /* rows that were sampled */
} wr_links;

typedef struct wr_links_opts {
    uint32_t before_s;
    const uint64_t *left_out; /* [n+63/64] or NULL */
    uint32_t hub_min, sample; /* 1 <= sample <= hub_min */
    uint64_t seed;
    bool is_row_left_out; /* rows of left_out are empty, too: it stays symmetric */
    bool is_out;          /* row v holds payees: hash (v, nbr), else (nbr, v) */
} wr_links_opts;

/* Bits of the services whose label holds in the second before as_of_s; NULL = no memory.
 */
uint64_t *wr_links_services(const wr_seeds *s, uint32_t as_of_s) WR_NODISCARD;

/* Errors  WR_ENOMEM (nothing left to release).  O(n + m), parallel; 4m bytes of workspace
 * when p holds payers and some pair is too late */
wr_status wr_links_init(wr_links *l, const wr_pairs *p, const wr_links_opts *o,
                        wr_err *err) WR_NODISCARD;
void wr_links_release(wr_links *l); /* safe on a zeroed struct */

#endif
