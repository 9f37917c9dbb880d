/* Typology hits in each world, counted for the wallets that belong to it. */
#include <string.h>

#include "pipeline/learning/frame_int.h"

wr_status wr_frame_motifs_init(wr_frame_motifs *x, const wr_frame_past *p,
                               bool are_services_alike, wr_err *err)
{
    const wr_frame_input *in = p->in;
    *x = (wr_frame_motifs){.view = in->given ? in->given->motifs : NULL};
    if (x->view)
        return WR_OK;
    x->view = &x->own;
    x->shared = p->worlds == 1       ? WR_TYPOLOGY_ALL
                : are_services_alike ? WR_TYPOLOGY_ALL & ~WR_TYPOLOGY_OF_LABELS
                                     : 0;
    WR_TRY(wr_motifs_init(&x->own, p->n, err));
    if (!in->typologies.policy)
        return WR_OK;
    if (p->worlds > 1) {
        x->only = wr_calloc(p->n / 64 + 1, sizeof *x->only);
        if (!x->only)
            return wr_fail(err, WR_ENOMEM, "wallets of a world");
    }
    return wr_typology_looks(&x->look, in->g, err);
}

void wr_frame_motifs_release(wr_frame_motifs *x)
{
    wr_motifs_release(&x->own);
    wr_free(x->look);
    wr_free(x->only);
    *x = (wr_frame_motifs){0};
}

static wr_status add(wr_frame_motifs *x, const wr_frame_past *p, uint32_t which,
                     const uint64_t *only, wr_err *err)
{
    WR_TYPOLOGY_HITS_AUTO wr_typology_hits hits = {0};
    WR_TRY(wr_typology_search(&hits, &p->fl, x->look, &p->in->typologies, which,
                              p->in->pg, err));
    return wr_motifs_add(&x->own, &hits, only, err);
}

wr_status wr_frame_motifs_run(wr_frame_motifs *x, const wr_frame_past *p, uint32_t world,
                              wr_err *err)
{
    if (x->view != &x->own || !p->in->typologies.policy)
        return WR_OK;
    if (!world)
        WR_TRY(add(x, p, x->shared, NULL, err));
    if (p->worlds == 1)
        return WR_OK;
    memset(x->only, 0, (p->n / 64 + 1) * sizeof *x->only);
    for (wr_vid v = 0; v < p->n; v++)
        if (wr_frame_world_of(p, v) == world)
            x->only[v / 64] |= 1ULL << (v % 64);
    return add(x, p, WR_TYPOLOGY_ALL & ~x->shared, x->only, err);
}
