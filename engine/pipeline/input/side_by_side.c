#include "pipeline/input/side_by_side.h"

#include <assert.h>

wr_status wr_side_by_side(const wr_side *side, int count, void *ctx,
                          const wr_progress *pg, wr_err *err)
{
    wr_status status[WR_SIDES_MAX];
    wr_err why[WR_SIDES_MAX] = {{0}};
    const wr_progress quiet = {.stop = pg ? pg->stop : NULL};
    assert(count <= WR_SIDES_MAX);
    WR_TRY(wr_progress_at(pg, "ledgers", 0, 0, err));
#pragma omp parallel for default(none) shared(side, ctx, quiet, status, why) \
    firstprivate(count) schedule(dynamic, 1)
    for (int i = 0; i < count; i++)
        status[i] = side[i].run(ctx, side[i].direction, &quiet, &why[i]);
    for (int i = 0; i < count; i++)
        if (status[i] != WR_OK)
            return wr_fail(err, status[i], "%s", why[i].msg);
    return WR_OK;
}
