/*
 * load.h - store -> graph: the only place where records become a snapshot and seeds.
 *
 * Thread: uses the given store handle; one at a time per handle.  A snapshot is read over
 * further handles on the same store too: one per thread of the caller's OpenMP team, at
 * most four, for transfers and one for wallets, as far as the store gives them.
 */
#ifndef WR_PIPELINE_INPUT_LOAD_H
#define WR_PIPELINE_INPUT_LOAD_H

#include "graph/snapshot.h"
#include "scoring/seeds.h"
#include "store/store.h"

/*
 * Build the snapshot of all transfers with seq <= *max_seq.
 *
 * max_seq  in: bound, or -1 = all that is safe to read now; out: the bound used
 * unpriced optional (NULL): transfers among them whose value is not in dollars
 * Errors   of the store and of wr_snapshot_build; on failure *out is untouched, so a
 *          caller that swaps only on success keeps serving the old graph
 */
wr_status wr_load_snapshot(wr_snapshot **out, wr_store *st, int64_t *max_seq,
                           uint64_t *unpriced, const wr_progress *pg,
                           wr_err *err) WR_NODISCARD;

/* A graph and what it is the graph of: the store's transfers with seq <= max_seq. */
typedef struct wr_loaded {
    wr_snapshot *g; /* one reference; NULL = none */
    int64_t max_seq;
    uint64_t unpriced;
    wr_digest_hex digest; /* of g; empty = nobody has asked for it yet */
} wr_loaded;
wr_loaded wr_loaded_share(const wr_loaded *l); /* one more reference */
void wr_loaded_release(wr_loaded *l);          /* safe on a zeroed struct */

/*
 * Only categories that some vertex of the graph carries become columns of the kernels:
 * seeds.c = columns, seeds.category and seeds.kind speak of columns, and column[k] is
 * the taxonomy's category of column k (ascending).  At least one column, even empty.
 */
typedef struct wr_label_set {
    wr_seeds seeds;
    uint8_t column[WR_CATEGORY_MAX];
    uint64_t count;    /* labels current at rev whose wallet is in the graph */
    bool is_available; /* at rev the store held any label at all, in the graph or not */
    int64_t rev;
    wr_digest_hex digest; /* of the seeds and of every label that made them */
    char *sources; /* lists that the seeds came from, "; " between; at most 64 KiB */
} wr_label_set;

/*
 * Labels current at revision rev (-1 = now; out->rev tells) become the seeds of g.
 * Errors  WR_ECONFLICT (a label's category is not in the taxonomy: names it), of the
 * store
 */
wr_status wr_load_labels(wr_label_set *out, wr_store *st, const wr_snapshot *g,
                         const wr_taxonomy *tx, int64_t rev, wr_err *err) WR_NODISCARD;
void wr_label_set_release(wr_label_set *l);
/* Column of a category (its id or a word of it), WR_SEED_NONE when no vertex carries it.
 */
int8_t wr_label_column(const wr_label_set *l, const wr_taxonomy *tx, const char *word);

/* A bound of a label's validity as kernels see it; if_none: what WR_TIME_NONE means. */
uint32_t wr_label_time(int64_t t, uint32_t if_none);

#endif
