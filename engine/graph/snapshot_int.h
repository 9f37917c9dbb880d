/*
 * snapshot_int.h - the arrays behind wr_snapshot, and the stages of its build; graph/
 * only (and the tests of graph/).
 *
 * Either every array was allocated here, or (map != NULL) every array points into one
 * mapped file.  Nothing writes to them once the snapshot has been handed out.
 */
#ifndef WR_GRAPH_SNAPSHOT_INT_H
#define WR_GRAPH_SNAPSHOT_INT_H

#include <stdatomic.h>

#include "graph/snapshot.h"

struct wr_snapshot {
    atomic_uint refs;
    uint32_t n;
    uint64_t m;     /* transfers */
    uint64_t pairs; /* distinct (from, to), from != to */

    wr_vid *from, *to; /* [m] columns, see wr_columns */
    uint32_t *time_s;
    double *value;
    uint16_t *asset;   /* [m] or NULL */
    uint32_t *seq_low; /* [m] or NULL */
    int64_t seq_base;

    uint32_t *out_off, *in_off; /* [n+1] rows over transfers */
    uint32_t *out_col, *in_col; /* [m] */

    uint32_t *pout_off, *pin_off;  /* [n+1] rows over pairs */
    wr_vid *pout_nbr, *pin_nbr;    /* [pairs] */
    float *pair_value, *pin_value; /* [pairs] beside them; see wr_pairs */
    uint32_t *pair_first_s;        /* [pairs] by pair id */
    uint64_t repeats;              /* pairs of more than one transfer, see wr_repeats */
    uint64_t *repeat_bits;
    uint32_t *repeat_before, *repeat_count, *repeat_last_s;

    uint64_t *hub; /* [(n+63)/64] or NULL: there is none */
    wr_ids *ids;   /* or NULL */

    void *map; /* the mapped file, or NULL */
    size_t map_bytes;
};

/* Words of 64 that hold a bit of each of n. */
static inline uint64_t wr_bit_words(uint64_t n)
{
    return (n + 63) / 64;
}

/*
 * The whole build the plain way: one thread, comparison sorts, one array after the
 * other.  Same contract and the same bytes as wr_snapshot_build, which the tests compare
 * with it.  Cost  O(n + m log m)
 */
wr_status wr_snapshot_build_plain(wr_snapshot **out, wr_edges *e, wr_ids *ids,
                                  uint32_t n_if_no_ids, wr_err *err) WR_NODISCARD;

/* What one pass over the rows tells; also turns -0.0 values into 0.0. */
typedef struct wr_edges_facts {
    bool is_sorted;     /* by (time, seq) */
    bool is_seq_sorted; /* rows arrive in seq order: sorting by time alone is enough */
    bool is_seq_row;    /* seq is seq_min + row */
    bool has_asset;     /* some asset != 0 */
    int64_t seq_min;
    uint32_t seq_span; /* max - min */
    uint32_t time_min, time_max;
} wr_edges_facts;

/* Errors as wr_snapshot_build; e is not empty afterwards.  Parallel. */
wr_status wr_edges_validate(wr_edges *e, uint32_t n, wr_edges_facts *out,
                            wr_err *err) WR_NODISCARD;

/*
 * First stage of the build: take e's arrays as columns in (time, seq) order, trivial
 * ones left out.  e is empty of what was taken; on failure both are safe to release.
 *
 * work    wr_build_work_bytes of e->m; used when rows are not in order
 */
wr_status wr_snapshot_take_columns(wr_snapshot *g, wr_edges *e, const wr_edges_facts *f,
                                   void *work, wr_err *err) WR_NODISCARD;

/*
 * Uninitialised arrays by pair id, and those of the repeats, their bits zeroed; g->pairs
 * and g->repeats are counted.
 */
wr_status wr_snapshot_alloc_pairs(wr_snapshot *g, wr_err *err) WR_NODISCARD;

/* Hub bits from the texts of g->ids. */
wr_status wr_snapshot_find_hubs(wr_snapshot *g, wr_err *err) WR_NODISCARD;

#endif
