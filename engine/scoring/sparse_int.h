/*
 * sparse_int.h - one row of doubles for those wallets that need one.
 *
 * Row 0 is all zeros and stands for everybody else: reading needs no branch.  Rows are
 * never given back, so memory is bounded by 8 width (n + 1) bytes and what wr_grow leaves
 * empty.  Pointers into the table are valid until the next wr_sparse_row.
 */
#ifndef WR_SCORING_SPARSE_INT_H
#define WR_SCORING_SPARSE_INT_H

#include <stdint.h>

#include "util/mem.h"

typedef struct wr_sparse {
    uint32_t *at; /* [n] row of v, 0 = none */
    double *row;  /* [count * width] */
    size_t count, cap, width;
    uint32_t n;
} wr_sparse;

wr_status wr_sparse_init(wr_sparse *s, uint32_t n, uint32_t width,
                         wr_err *err) WR_NODISCARD;
void wr_sparse_release(wr_sparse *s); /* safe on a zeroed struct */

/* Room for wallets up to n, more than there were; the new ones have no row.  A table that
 * was zeroed is fine.  Errors  WR_ENOMEM (what is there stays as it is) */
wr_status wr_sparse_grow(wr_sparse *s, uint32_t n, uint32_t width,
                         wr_err *err) WR_NODISCARD;

/* Gives v a zeroed row if it has none.  Errors  WR_ENOMEM */
wr_status wr_sparse_add(wr_sparse *s, uint32_t v, wr_err *err) WR_NODISCARD;

/* To read; the zeros when v has none. */
static inline const double *wr_sparse_get(const wr_sparse *s, uint32_t v)
{
    return s->row + (size_t)s->at[v] * s->width;
}

/* To write. */
static inline wr_status wr_sparse_row(double **out, wr_sparse *s, uint32_t v, wr_err *err)
{
    if (!s->at[v])
        WR_TRY(wr_sparse_add(s, v, err));
    *out = s->row + (size_t)s->at[v] * s->width;
    return WR_OK;
}

#endif
