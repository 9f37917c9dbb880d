/*
 * features.h - the features of wallets as of a time T, in blocks of rows.
 *
 *   new     global things once: neighbours as of T, components, cores
 *   rows    any block or list of wallets into the caller's matrix, one wallet per thread
 *
 * Nothing at T or later enters: transfers with time < T, pairs that met before T, labels
 * at the time of the transfer (structure: the second before T).  Exposures are views
 * that the caller computed, on transfers and labels before T; what is not given reads as
 * none (shares 0, hops WR_FEATURE_FAR).  For a labelled wallet the caller gives views in
 * which its own label has no part; typology hits likewise (motifs.h).
 * tests/unit/scoring/test_features.c cuts the data at T and finds the same bytes.
 *
 * One pass over the wallet's own transfers, in (time, seq) order, with a map of its
 * counterparties; the columns are listed in feature_list.h.  Exactly:
 *
 *   windows      times in [T - window + 1, T - 1]
 *   first contact, port   among payments and among receipts apart, as in the stream
 *   hold         receipts queue up, payments take from the head; of the last 4096
 *                transfers; half of the value matched stayed no longer
 *   clustering   of 64 counterparties, evenly spaced by number, when there are more
 *   services     are left out of components, cores and clustering (hubs to strangers)
 *
 * Transfers to oneself do not count; those of value zero do.
 *
 * Arithmetic: one thread per row, sums in order of time: same bytes for any number of
 * threads and any cut into blocks.
 *
 * Source  ALGORITHMS 4.2; cores: Batagelj, Zaversnik, arXiv:cs/0310049; Benford: Nigrini
 *         2012 (first digit, L1)
 * Thread  new and rows use the caller's OpenMP team; immutable in between
 */
#ifndef WR_SCORING_FEATURES_H
#define WR_SCORING_FEATURES_H

#include "scoring/feature.h"
#include "scoring/fifo.h"
#include "scoring/ledger.h"
#include "scoring/motifs.h"
#include "scoring/poison.h"
#include "scoring/views.h"

typedef struct wr_features wr_features;

typedef struct wr_features_opts {
    uint32_t as_of_s;                /* T */
    double limit[WR_FEATURE_LIMITS]; /* reporting limits, value units; 0 = none */
    double dust;                     /* transfers below it are dust; >= 0 */
    int8_t mixer, bridge, dex;       /* categories, WR_SEED_NONE = no such */
    const wr_progress *pg;           /* may be NULL */
} wr_features_opts;

#define WR_FEATURES_OPTS_INIT                                              \
    {                                                                      \
        .as_of_s = UINT32_MAX, .limit = {1000, 3000, 10000}, .dust = 1,    \
        .mixer = WR_SEED_NONE, .bridge = WR_SEED_NONE, .dex = WR_SEED_NONE \
    }

/*
 * What other kernels have found.  Each may be NULL; all of the flow's n wallets and its
 * labels' C categories.
 */
typedef struct wr_feature_exposures {
    const wr_ledger *received, *sent;
    const wr_fifo *fifo;                        /* receiving */
    const wr_poison *poison_in, *poison_out;    /* receiving, sending */
    const float *static_received, *static_sent; /* [n*C] */
    const wr_motifs *motifs;
} wr_feature_exposures;

/*
 * fl and vw are borrowed until free; both of one snapshot.
 * Errors  WR_EINVAL (limits or dust negative or not finite, a category outside the
 *         labels', rows missing, views or labels of another n), WR_ENOMEM, WR_ESTOPPED
 * Cost    O(n + m); 16 bytes per pair while it runs, 8 after it, 16n
 */
wr_status wr_features_new(wr_features **out, const wr_flow *fl, const wr_views *vw,
                          const wr_features_opts *o, wr_err *err) WR_NODISCARD;
void wr_features_free(wr_features *f); /* accepts NULL */
WR_DEFINE_AUTO(wr_features, wr_features_free)

/*
 * Rows first .. first+rows-1.
 *
 * x       [rows*ld], ld >= WR_WF_COUNT; row k = wallet first + k; unspecified on failure
 * ex      may be NULL
 * Errors  WR_EINVAL (rows beyond n, ld too small, exposures of another n, C or
 *         direction), WR_ENOMEM
 * Cost    O(transfers of these wallets); per thread 64 kB + 48 bytes per counterparty of
 *         the busiest wallet it met
 */
wr_status wr_features_rows(float *x, size_t ld, const wr_features *f, uint32_t first,
                           uint32_t rows, const wr_feature_exposures *ex,
                           wr_err *err) WR_NODISCARD;

/*
 * The same for the wallets of a list, row k = wallet[k]; in any order, also twice.
 * Errors  WR_EINVAL (a wallet beyond n; as above), WR_ENOMEM
 */
wr_status wr_features_rows_of(float *x, size_t ld, const wr_features *f,
                              const wr_vid *wallet, uint32_t rows,
                              const wr_feature_exposures *ex, wr_err *err) WR_NODISCARD;

#endif
