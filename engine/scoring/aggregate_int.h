/*
 * aggregate_int.h - rows of one operator: the kernel under aggregate.h, plain and fast.
 *
 * A job computes, for rows first .. first+rows-1, the mean (and with has_spread also max
 * and std) of the first `columns` columns of x over each row's neighbours:
 *
 *     out[(v - first) * out_ld + stat * columns + c]
 */
#ifndef WR_SCORING_AGGREGATE_INT_H
#define WR_SCORING_AGGREGATE_INT_H

#include "scoring/aggregate.h"
#include "scoring/links_int.h"

typedef struct wr_aggregate_job {
    const wr_links *l;
    const float *x;
    float *out;
    size_t ld, out_ld;
    uint32_t columns, first, rows;
    bool has_spread, is_plain;
    bool is_portable; /* tests: none of this machine's special instructions */
} wr_aggregate_job;

void wr_aggregate_rows(const wr_aggregate_job *j);

#endif
