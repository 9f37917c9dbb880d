/*
 * frame_int.h - the past that a frame is made of, and the worlds that it is seen in.
 *
 *   frame_columns.c     the table of columns; which of them labels have a part in
 *   frame_exposures.c   the graph before T, the labels of a world, exposures in it
 *   frame_motifs.c      typology hits in a world
 *   frame.c             world by world, then block by block
 *
 * A world is a set of labels that count: world k does without those of fold k; without
 * folds there is one world, with all of them.  A wallet belongs to one world, and what
 * labels say of it is read there and nowhere else.
 */
#ifndef WR_PIPELINE_LEARNING_FRAME_INT_H
#define WR_PIPELINE_LEARNING_FRAME_INT_H

#include "pipeline/learning/frame.h"

enum {
    WR_FRAME_NEIGHBOUR_COLUMNS = 2 * WR_STAT_COUNT * WR_FEATURE_BASE +
                                 (WR_HOP_COUNT - WR_HOP_IN_IN) * WR_FEATURE_BASE_TWO_HOP
};

/* ---- frame_columns.c ---- */

/* Do labels of others have a part in that column of a wallet's own?  (Motifs: below.) */
bool wr_frame_is_of_labels(uint32_t column);
/* All such columns, ascending. */
const uint16_t *wr_frame_of_labels(uint32_t *count);

/* ---- frame_exposures.c ---- */

typedef struct wr_frame_past {
    const wr_frame_input *in;
    wr_snapshot *cut; /* the graph before T; NULL: all of in->g is before T */
    uint32_t n, worlds, as_of_s;
    wr_seeds all;  /* labels that began before T; own categories, else borrowed */
    wr_seeds seen; /* those of the world at hand; likewise */
    wr_flow fl;    /* before T, labels: seen */
    wr_views vw;
} wr_frame_past;

/*
 * In place: fl points into the struct.  Release it also after a failure.
 * Errors  WR_ENOMEM, WR_ESTOPPED
 */
wr_status wr_frame_past_init(wr_frame_past *p, const wr_frame_input *in,
                             wr_err *err) WR_NODISCARD;
void wr_frame_past_release(wr_frame_past *p); /* safe on a zeroed struct */
#define WR_FRAME_PAST_AUTO __attribute__((cleanup(wr_frame_past_release)))

uint32_t wr_frame_world_of(const wr_frame_past *p, wr_vid v);
/* Labels of that world into p->seen. */
void wr_frame_enter(wr_frame_past *p, uint32_t world);

typedef struct wr_frame_exposures {
    wr_feature_exposures view; /* of all that follows */
    wr_ledger ledger[2];       /* by wr_direction */
    wr_fifo fifo;
    wr_poison poison[2];
    uint32_t *hold_s[2]; /* [n*C] only while it runs */
    float *shares[2];    /* [n*C] */
} wr_frame_exposures;

/*
 * Of all wallets in the world at hand.  x: zeroed; released by the caller, also after a
 * failure.
 * Errors  WR_EINVAL (values, options), WR_ENOMEM, WR_ESTOPPED
 */
wr_status wr_frame_exposures_run(wr_frame_exposures *x, const wr_frame_past *p,
                                 wr_err *err) WR_NODISCARD;
void wr_frame_exposures_release(wr_frame_exposures *x);
#define WR_FRAME_EXPOSURES_AUTO __attribute__((cleanup(wr_frame_exposures_release)))

/* ---- frame_motifs.c ---- */

typedef struct wr_frame_motifs {
    const wr_motifs *view; /* each wallet's hits of its world, after the last world */
    wr_motifs own;         /* unless they are given */
    uint64_t *look;        /* [n] or NULL */
    uint64_t *only;        /* [n+63/64] wallets of the world at hand; NULL: one world */
    uint32_t shared;       /* typologies that find the same in all worlds */
} wr_frame_motifs;

/*
 * are_services_alike: in all worlds, because none has a fold.
 * In place; release it also after a failure.  Errors  WR_ENOMEM
 */
wr_status wr_frame_motifs_init(wr_frame_motifs *x, const wr_frame_past *p,
                               bool are_services_alike, wr_err *err) WR_NODISCARD;
void wr_frame_motifs_release(wr_frame_motifs *x); /* safe on a zeroed struct */
/*
 * Those of the world that p has entered; worlds in ascending order from 0.
 * Errors  of wr_typology_find
 */
wr_status wr_frame_motifs_run(wr_frame_motifs *x, const wr_frame_past *p, uint32_t world,
                              wr_err *err) WR_NODISCARD;

#endif
