/*
 * motifs.h - in which typology hits each wallet is, as numbers: columns of a row.
 *
 *   per typology   root      hits that the wallet is the root of
 *                  member    hits around another root that it is a member of
 *                  strength  of the strongest of both, 0..1; 0 = in none
 *
 * How large a pattern is (counterparties, hops) is in its strength, which as a rule grows
 * with it (typology.h): no bins by size.  Few wallets are in any hit; only they have
 * numbers.
 *
 * Source  ALGORITHMS 4.2 (6)
 * Differs strength instead of the binned sizes of Blanusa et al. (GFP), ICAIF 2024
 */
#ifndef WR_SCORING_MOTIFS_H
#define WR_SCORING_MOTIFS_H

#include "scoring/typology.h"

enum {
    WR_MOTIF_ROOT,
    WR_MOTIF_MEMBER,
    WR_MOTIF_STRENGTH,
    WR_MOTIF_PARTS,
    WR_MOTIF_COLUMNS = WR_MOTIF_PARTS * WR_TYPOLOGY_COUNT
};

typedef struct wr_motifs {
    uint32_t n;
    uint32_t *row; /* [n] row of x + 1; 0 = in no hit */
    float *x; /* [rows * WR_MOTIF_COLUMNS] part p of typology t: WR_MOTIF_PARTS*t + p */
    size_t rows, cap;
} wr_motifs;

/* Nobody is in a hit.  Errors  WR_ENOMEM */
wr_status wr_motifs_init(wr_motifs *m, uint32_t n, wr_err *err) WR_NODISCARD;
void wr_motifs_release(wr_motifs *m); /* safe on a zeroed struct */
#define WR_MOTIFS_AUTO __attribute__((cleanup(wr_motifs_release)))

/*
 * Count these hits on top of what is there.
 *
 * only    [n+63/64] bits: the wallets to count them for; NULL: all
 * Errors  WR_ENOMEM (m is as it was)
 * Cost    O(members); 4 WR_MOTIF_COLUMNS bytes per wallet in a hit.  One thread
 */
wr_status wr_motifs_add(wr_motifs *m, const wr_typology_hits *h, const uint64_t *only,
                        wr_err *err) WR_NODISCARD;

/* [WR_MOTIF_COLUMNS] of v, or NULL: it is in no hit. */
static inline const float *wr_motifs_of(const wr_motifs *m, wr_vid v)
{
    return m->row[v] ? m->x + (size_t)(m->row[v] - 1) * WR_MOTIF_COLUMNS : NULL;
}

#endif
