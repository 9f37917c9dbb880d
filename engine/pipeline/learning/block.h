/*
 * block.h - the wallets first seen in one span of time, and their rows of the frame.
 *
 * Features are those as of the block's end: what is learned from one block is older than
 * what is asked in one that ends later.  No wallet is in two blocks when their spans are
 * apart, or when they are of different shares (keep_out.h).  UTXO hubs, wallets that are
 * labelled a service and those of which nobody knows what they are (truth_set.h) are in
 * none.
 *
 * Source  ALGORITHMS 8.1
 */
#ifndef WR_PIPELINE_LEARNING_BLOCK_H
#define WR_PIPELINE_LEARNING_BLOCK_H

#include "pipeline/learning/frame.h"
#include "pipeline/learning/truth_set.h"

/* Whom there is to choose from. */
typedef struct wr_population {
    const wr_snapshot *g;
    const wr_seeds *seeds;
    const wr_truth_set *truth;
    uint32_t *first_s; /* [n] time of the first transfer; UINT32_MAX = in no block */
    uint32_t *known_s; /* [incidents] since when a wallet of it is labelled, UINT32_MAX =
                          never */
} wr_population;

/* g, seeds and truth are borrowed until release.  Errors  WR_ENOMEM.  Cost  O(n + m) */
wr_status wr_population_init(wr_population *p, const wr_snapshot *g,
                             const wr_seeds *seeds, const wr_truth_set *truth,
                             wr_err *err) WR_NODISCARD;
void wr_population_release(wr_population *p); /* safe on a zeroed struct */

typedef struct wr_block {
    const char *name;      /* "train", static */
    uint32_t from_s, to_s; /* first seen in [from_s, to_s); features as of to_s */
    size_t rows, bad;
    uint32_t incidents; /* with a row here */
    wr_vid *v;          /* [rows] ascending */
    bool *is_bad;       /* [rows] */
    float *weight;      /* [rows] how many good wallets a good row stands for */
} wr_block;

/* What a wallet is kept for, when shares are set aside. */
typedef enum wr_share {
    WR_SHARE_LEARN,
    WR_SHARE_CALIBRATE,
    WR_SHARE_TEST,
    WR_SHARES
} wr_share;

typedef struct wr_block_opts {
    const uint8_t *share_of; /* [n] wr_share; NULL: wallets of all shares */
    wr_share share;          /* those of the block */
    size_t good_max;         /* good rows beyond it are drawn by a hash of the wallet */
    uint64_t seed;           /* of the draw */
    bool is_label_kept_out;  /* leave out wallets with a label of their own before to_s */
} wr_block_opts;

/*
 * Errors  WR_EINVAL (no bad wallet, no good one: names block and times), WR_ENOMEM
 * Cost    O(n)
 */
wr_status wr_block_pick(wr_block *out, const char *name, uint32_t from_s, uint32_t to_s,
                        const wr_population *p, const wr_block_opts *o,
                        wr_err *err) WR_NODISCARD;
void wr_block_release(wr_block *b); /* safe on a zeroed struct */

/* Rows first .. first+rows-1 of the block, x [rows * columns]; in order. */
typedef wr_status wr_block_fn(void *ctx, size_t first, size_t rows, const float *x,
                              wr_err *err);

/*
 * The block's rows of the frame `in` (whose as_of_s is the block's end), only `column`
 * [columns], ascending.  In pieces of at most 8192 rows.  Typologies are looked for only
 * when one of these columns speaks of them.
 * Errors  of the frame and of fn
 */
wr_status wr_block_visit(const wr_block *b, const wr_frame_input *in,
                         const uint32_t *column, uint32_t columns, wr_block_fn *fn,
                         void *ctx, wr_err *err) WR_NODISCARD;

#endif
