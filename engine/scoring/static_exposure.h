/*
 * static_exposure.h - damped exposure to every category at once, order-free view.
 *
 *     X <- Y + gamma D W X          all C columns in one sweep (SpMM), DESIGN 5.2
 *
 *   receiving  row v walks to those who paid v;    W_vu = A_uv / A_in(v)
 *   sending    row v walks to those v has paid;    W_vu = A_vu / A_out(v)
 *   Y          confidence of the label in its category's column (services have theirs)
 *   D          0 at labelled vertices: the walk stops there
 *
 * X[v][c] is the damped chance that a unit v received (sent), walked back (on) in
 * proportion to value, meets a wallet of category c first.  0 <= X, row sums <= 1.
 *
 * Hubs (UTXO transactions) are transparent: x(hub) = (W x)(hub) without gamma, so that a
 * hop between addresses costs one gamma on either kind of chain.  Each step writes the
 * hub rows first and the others from them; hubs do not neighbour hubs, hence the step
 * stays a gamma-contraction.  A hub that does have a hub neighbour is taken for an
 * ordinary, damped vertex.
 *
 * A step takes the vertices in blocks of 32 768 by number; rows of one block do not see
 * each other, later blocks see earlier ones.  That needs about two thirds of the steps of
 * two whole arrays, and half their memory.  The fixed point and the bound are the same: a
 * step of either kind is a gamma-contraction in the max norm.
 *
 * After every sixth step (up to the 48th) each column is moved on along the change of
 * that step (spmm_mix_int.h), kept within the shares: most of what is then missing lies
 * along one direction, and a third to three quarters of the steps are saved.  Where a
 * step starts does not matter to the bound, which is taken from the last step alone.
 *
 * Causal mask (hold_s): a pair carries category c only if its last transfer is not before
 * the first moment its payer can hold c; mirrored when sending (its first transfer not
 * after the last moment its payee can still pass on to c).  Denominators stay unmasked:
 * masked mass is mass of other origin.  Sound, never drops a real flow.
 *
 * Labels with a validity: a labelled vertex counts on a pair when the label held at some
 * moment of the pair's [first, last]; otherwise that pair carries nothing (the vertex
 * remains a stop).
 *
 * Share of the known (is_known_only): counterparties from which nothing is known - no
 * label, and every pair of theirs in both directions is with v - are left out of v's row
 * and so of its denominator.  (They are left out of the row as well because a leaf that v
 * both pays and is paid by would hand v's own exposure back to v.)  Unknown is not clean:
 * publish it beside the plain share, never for it.
 *
 * Arithmetic: state and edge weights float, row sums double in ascending order of the
 * neighbour, one thread per row; sums over vertices by fixed parts in order: the same
 * bits for any number of threads, with or without relabelling or special instructions,
 * and for the plain kernel (is_plain).
 *
 * Source  ALGORITHMS 2.2, 2.3, 2.7.  Thread: safe; the caller's OpenMP team.
 */
#ifndef WR_SCORING_STATIC_EXPOSURE_H
#define WR_SCORING_STATIC_EXPOSURE_H

#include "model/score.h"
#include "scoring/seeds.h"
#include "scoring/views.h"
#include "util/progress.h"

typedef struct wr_static_opts {
    wr_direction direction;
    double damping;    /* gamma in [0, 1) */
    double eps;        /* stop when gamma/(1-gamma) |dX|max is at most this; > 0 */
    uint32_t max_step; /* >= 1; reaching it is no error: the report tells the bound */
    /*
     * [n*C] or NULL = no mask.  Receiving: first moment v can hold c, UINT32_MAX = never.
     * Sending: last moment v can still pass on to c, 0 = never.
     */
    const uint32_t *hold_s;
    bool is_known_only;      /* share of the known */
    bool is_label_seen_past; /* rows of labelled vertices: what reaches them, not Y */
    bool is_plain;           /* the plain kernel, for checks and benches */
    const wr_progress *pg;   /* may be NULL */
} wr_static_opts;

#define WR_STATIC_OPTS_INIT                                                      \
    {                                                                            \
        .direction = WR_RECEIVING, .damping = 0.85, .eps = 1e-6, .max_step = 100 \
    }

typedef struct wr_static_report {
    uint32_t steps;
    double bound;       /* |X - exact|max is at most this, but for rounding (~1e-6) */
    uint64_t pairs;     /* pairs that can carry anything; the others are not walked */
    bool is_converged;  /* bound <= eps */
    bool is_relabelled; /* the fast kernel ordered vertices by out-degree */
} wr_static_report;

/*
 * x       [n*C] caller's array, row v = C shares in [0, 1]; unspecified on failure
 * rep     optional (NULL)
 * Errors  WR_EINVAL (option outside its domain, seeds and graph of different n),
 *         WR_ENOMEM, WR_ESTOPPED
 * Cost    O(n + m) to set up, then O(m C) per step, at most 48 + ln(eps(1-gamma))/ln
 * gamma steps; workspace 8 (10 with a mask) bytes per pair + 8n(ld + 3), ld = 8 or 16
 */
wr_status wr_static_exposure(float *x, wr_static_report *rep, const wr_views *vw,
                             const wr_seeds *s, const wr_static_opts *o,
                             wr_err *err) WR_NODISCARD;

#endif
