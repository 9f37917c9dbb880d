/*
 * frame.h - the rows that the learned score reads: every wallet's features as of T.
 *
 *   graph + labels, cut at T  ->  exposures, typology hits  ->  wallet features
 *                                                           ->  neighbours' ones
 *
 * Columns, in this order, for every graph and every set of categories:
 *   0 .. WR_WF_COUNT-1   the wallet's own (feature_list.h), hits it is in among them
 *   then                 aggregates of the base columns over neighbours (aggregate.h),
 *                        named "<hop>_<stat>_<base name>", on the scale of
 *                        wr_feature_scaled
 *
 * Nothing at T or later enters: transfers with time < T, labels that began before T, each
 * at the times at which it holds.  Typologies are looked for in that past as a run as of
 * T would: with the policy's options, in its look-back behind the newest transfer of it.
 *
 * Cross-fit.  Labelled wallets have a fold, by incident (fold_of).  Exposures of a wallet
 * of fold k are those of a world in which no wallet of fold k is labelled; those of an
 * unlabelled wallet, in a world without one fold, picked by a hash of its number, so that
 * both see equally many labels.  With 0 folds all labels are seen by all: that is how a
 * run is scored, and a wallet's own label then is a stop, never its own exposure.
 * All other columns that labels have a part in are of the same world: those of neighbours
 * (what they received from services), and hits, which count for a wallet when its world
 * finds them.  (Most typologies ask of labels only who is a service; while no service has
 * a fold they are found once for all worlds.)  One thing is alike in all worlds: which
 * wallets are services and so no neighbours to average over.  Services without a fold are
 * seen by all, and then no label of fold k has any part in a row of fold k.
 *
 * Source  ALGORITHMS 4.1, 4.2, 8.3
 */
#ifndef WR_PIPELINE_LEARNING_FRAME_H
#define WR_PIPELINE_LEARNING_FRAME_H

#include "pipeline/input/settings.h"
#include "pipeline/input/typology_search.h"
#include "scoring/aggregate.h"
#include "scoring/features.h"

enum { WR_FRAME_FOLDS_MAX = 16, WR_FRAME_FOLD_NONE = 255 };

/* Groups of columns: what a model may be trained on. */
typedef enum wr_frame_group {
    WR_FRAME_BEHAVIOUR = 1, /* the wallet's own, without exposures and structure */
    WR_FRAME_STRUCTURE = 2,
    WR_FRAME_EXPOSURES = 4,
    WR_FRAME_NEIGHBOURS = 8, /* aggregates */
    WR_FRAME_MOTIFS = 16,    /* typology hits */
    WR_FRAME_ALL = 31
} wr_frame_group;

typedef struct wr_frame_column {
    const char *name; /* unique; [a-z0-9_], fits WR_BOOSTER_NAME_MAX */
    wr_frame_group group;
    int8_t sign; /* monotone: -1, 0, +1; exposures and counts of hits alone have one */
} wr_frame_column;

const char *wr_frame_group_name(wr_frame_group g); /* "behaviour" … of one bit */
/* All of these names, for help and errors. */
#define WR_FRAME_GROUP_NAMES "behaviour, structure, exposures, neighbours, motifs"

uint32_t wr_frame_columns(void);
const wr_frame_column *wr_frame_column_at(
    uint32_t at); /* constant after the first call */

/*
 * Places in the frame of a model's columns: column [features of the booster].
 * Errors  WR_ECONFLICT (names the first that is not there), WR_ENOMEM
 */
wr_status wr_frame_columns_of(uint32_t **column, const wr_learned *l,
                              wr_err *err) WR_NODISCARD;

typedef struct wr_frame_input {
    const wr_snapshot *g;
    const wr_seeds *seeds;      /* labels of g; categories are columns of these seeds */
    const uint8_t *fold_of;     /* [n] 0..folds-1 or WR_FRAME_FOLD_NONE; NULL: no folds */
    uint32_t folds;             /* 0..WR_FRAME_FOLDS_MAX */
    uint32_t as_of_s;           /* T; UINT32_MAX = the second after the last transfer */
    int8_t mixer, bridge, dex;  /* columns of seeds, WR_SEED_NONE = none such */
    wr_typology_ask typologies; /* masks: columns of seeds; what is not looked for is 0 */
    const wr_scoring_opts *opts;
    /* Exposures to all labels and hits, as of the end of g, when the caller has them:
     * with 0 folds they are not computed again; NULL = none, and so for hits in it. */
    const wr_feature_exposures *given;
    uint64_t seed;         /* of the fold that an unlabelled wallet does without */
    const wr_progress *pg; /* may be NULL */
} wr_frame_input;

/* Rows first .. first+rows-1, x [rows * wr_frame_columns()]; in order, one thread. */
typedef wr_status wr_frame_sink(void *ctx, wr_vid first, uint32_t rows, const float *x,
                                wr_err *err);

/*
 * All wallets of the graph, block by block; hubs and wallets without a transfer before T
 * have rows too (the caller passes over them).
 *
 * Errors  WR_EINVAL (folds, a fold outside them, labels of another graph, given with
 *         folds or an earlier T; options and values as the kernels say), WR_ENOMEM,
 *         WR_ESTOPPED, and what the sink returns
 * Cost    max(folds, 1) times both ledgers, FIFO, poison, static exposures and structure
 *         of features.h, and the typologies of labels (typology.h; all of them when a
 *         service has a fold; the others once); twice its rows (wallets paid by a
 *         service with a fold: folds + 1 times); aggregate.h.
 *         n * (WR_FEATURE_BASE + folds + 47) floats, motifs.h; for T before the end a
 *         second graph, and 30 bytes per transfer while it is built
 * Thread  the caller's OpenMP team; same bytes for any number of threads
 */
wr_status wr_frame_run(const wr_frame_input *in, wr_frame_sink *sink, void *ctx,
                       wr_err *err) WR_NODISCARD;

#endif
