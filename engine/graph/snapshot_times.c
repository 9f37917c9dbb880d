#include <inttypes.h>
#include <omp.h>
#include <string.h>

#include "graph/snapshot.h"

enum { AHEAD = 16 }; /* pairs whose in-row is asked for early */

/*
 * Pair ids ascend by payer, as in-rows do: walked in their order, each pair takes the
 * next place of its payee's row.  at[v] = that place, for the vertices [lo, hi).
 */
static void fill_slice(uint32_t *first_s, uint32_t *last_s, const wr_pairs *in,
                       uint32_t *at, wr_vid lo, wr_vid hi)
{
    const wr_vid *nbr = in->out_nbr;
    memcpy(at + lo, in->off + lo, (hi - lo) * sizeof *at);
    for (wr_vid u = 0; u < in->n; u++) {
        const uint64_t end = in->out_off[u + UINT64_C(1)];
        uint64_t id = in->out_off[u];
        if (lo > 0)
            id = wr_row_from(nbr, id, end, lo);
        for (; id < end && nbr[id] < hi; id++) {
            if (id + AHEAD < in->m)
                __builtin_prefetch(at + nbr[id + AHEAD], 1);
            const uint32_t i = at[nbr[id]]++;
            if (first_s)
                first_s[i] = in->first_s[id];
            if (last_s)
                last_s[i] = wr_pairs_last_s(in, id);
        }
    }
}

/* First vertex whose in-row starts at `place` or later. */
static wr_vid vertex_from(const wr_pairs *in, uint64_t place)
{
    return (wr_vid)wr_row_from(in->off, 0, in->n, (uint32_t)place);
}

wr_status wr_pairs_times_in(uint32_t *first_s, uint32_t *last_s, const wr_pairs *in,
                            wr_err *err)
{
    const uint64_t slices = (uint64_t)omp_get_max_threads();
    WR_AUTO_ARRAY uint32_t *at = wr_alloc_big(in->n, sizeof *at);
    if (!at)
        return wr_fail(err, WR_ENOMEM, "rows of %" PRIu32 " vertices", in->n);
#pragma omp parallel for default(none) shared(first_s, last_s, in, at, slices) \
    schedule(static, 1)
    for (uint64_t k = 0; k < slices; k++)
        fill_slice(first_s, last_s, in, at, vertex_from(in, in->m * k / slices),
                   vertex_from(in, in->m * (k + 1) / slices));
    return WR_OK;
}
