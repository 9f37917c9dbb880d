/*
 * The build: columns, rows in, rows and pairs out, pairs in.
 *
 * Every stage is a stable sort made of one partition (parts_int.h) and one grouping per
 * bucket (buckets_int.h).  A stable sort has one result: bytes do not depend on blocks,
 * buckets or threads.  snapshot_plain.c says what that result is.
 * Working memory beside the snapshot: 24 bytes per transfer, and 24 per transfer of the
 * largest bucket that a thread meets.
 */
#include "graph/snapshot.h"

#include <assert.h>
#include <inttypes.h>

#include "graph/buckets_int.h"

enum { STEPS = 5 }; /* that the progress shows */

static const char phase[] = "build graph";

static wr_status at_step(const wr_progress *pg, int step, uint64_t m, wr_err *err)
{
    return wr_progress_at(pg, phase, m / STEPS * (uint64_t)step, m, err);
}

/* Everything that is made of rows. */
static wr_status build_arrays(wr_snapshot *g, wr_edges *e, const wr_edges_facts *f,
                              const wr_progress *pg, wr_err *err)
{
    WR_AUTO_ARRAY char *work = wr_alloc_big(wr_build_work_bytes(e->m), 1);
    if (!work)
        return wr_fail(err, WR_ENOMEM, "working memory for %" PRIu64 " transfers", e->m);
    WR_TRY(wr_snapshot_take_columns(g, e, f, work, err));
    WR_TRY(at_step(pg, 2, g->m, err));
    WR_TRY(wr_build_rows_in(g, work, err));
    WR_TRY(at_step(pg, 3, g->m, err));
    WR_TRY(wr_build_out(g, work, err));
    WR_TRY(at_step(pg, 4, g->m, err));
    return wr_build_pairs_in(g, work, err);
}

static wr_status build(wr_snapshot **out, wr_edges *e, wr_ids *ids, uint32_t n,
                       const wr_progress *pg, wr_err *err)
{
    WR_AUTO(wr_snapshot) g = wr_calloc(1, sizeof *g);
    if (!g) {
        wr_ids_free(ids);
        return wr_fail(err, WR_ENOMEM, "snapshot");
    }
    atomic_init(&g->refs, 1);
    g->ids = ids;
    g->n = ids ? wr_ids_count(ids) : n;
    const uint64_t m = e->m;
    wr_edges_facts facts;
    WR_TRY(at_step(pg, 0, m, err));
    WR_TRY(wr_edges_validate(e, g->n, &facts, err));
    WR_TRY(at_step(pg, 1, m, err));
    WR_TRY(build_arrays(g, e, &facts, pg, err));
    WR_TRY(wr_snapshot_find_hubs(g, err));
    WR_TRY(wr_progress_at(pg, phase, m, m, err));
    *out = WR_STEAL(g);
    return WR_OK;
}

wr_status wr_snapshot_build(wr_snapshot **out, wr_edges *e, wr_ids *ids,
                            uint32_t n_if_no_ids, const wr_progress *pg, wr_err *err)
{
    assert(out && e);
    const wr_status s = build(out, e, ids, n_if_no_ids, pg, err);
    wr_edges_release(e);
    return s;
}
