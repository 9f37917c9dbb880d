#include "scoring/poison.h"

#include <string.h>

#include "scoring/stream_int.h"

typedef struct poison {
    const wr_stream *s;
    uint8_t *hops; /* [n*C] result: best walk that ever reached v */
    uint8_t *held; /* [n*C] … among those that were not absorbed by a label of v */
    uint32_t c, max_hops;
} poison;

static void lower(uint8_t *best, uint32_t hops)
{
    if (hops < *best)
        *best = (uint8_t)hops;
}

static wr_status on_block(void *ctx, const wr_stream_block *b, wr_err *err)
{
    (void)err;
    poison *x = ctx;
    for (size_t i = 0; i < b->count; i++) {
        const wr_stream_item *e = &b->item[i];
        int from = wr_stream_label(x->s, e->u, e->t);
        if (from >= 0 && wr_stream_is_service(x->s, from))
            continue;
        bool is_stop = wr_stream_label(x->s, e->v, e->t) >= 0;
        uint32_t cost = wr_stream_is_hub(x->s, e->v) ? 0 : 1;
        const uint8_t *hu = x->held + (uint64_t)e->u * x->c;
        uint64_t row = (uint64_t)e->v * x->c;
        uint32_t first = from >= 0 ? (uint32_t)from : 0;
        uint32_t end = from >= 0 ? first + 1 : x->c;
        for (uint32_t k = first; k < end; k++) {
            uint32_t h = (from >= 0 ? 0u : hu[k]) + cost;
            if (h > x->max_hops)
                continue;
            lower(&x->hops[row + k], h);
            if (!is_stop)
                lower(&x->held[row + k], h);
        }
    }
    return WR_OK;
}

static void summarise(wr_poison *p)
{
    for (uint32_t v = 0; v < p->n; v++) {
        p->min_hops[v] = WR_POISON_NONE;
        for (uint32_t c = 0; c < p->c; c++) {
            uint8_t h = p->hops[(uint64_t)v * p->c + c];
            lower(&p->min_hops[v], h);
            p->mask[v] = (uint16_t)(p->mask[v] | (h != WR_POISON_NONE) << c);
        }
    }
}

wr_status wr_poison_run(wr_poison *out, const wr_flow *fl, wr_direction direction,
                        uint32_t max_hops, const wr_progress *pg, wr_err *err)
{
    if (max_hops < 1 || max_hops > WR_POISON_HOPS_MAX)
        return wr_fail(err, WR_EINVAL, "max_hops %u, wanted 1..%d", max_hops,
                       WR_POISON_HOPS_MAX);
    WR_STREAM_AUTO wr_stream s = {0};
    WR_TRY(wr_stream_init(&s, fl, direction, false, err));

    uint32_t n = fl->n, c = fl->seeds->c;
    size_t cells = (size_t)n * c;
    WR_POISON_AUTO wr_poison p = {.n = n, .c = c, .direction = direction};
    WR_AUTO_ARRAY uint8_t *held = wr_calloc(cells, sizeof *held);
    p.hops = wr_calloc(cells, sizeof *p.hops);
    p.min_hops = wr_calloc(n, sizeof *p.min_hops);
    p.mask = wr_calloc(n, sizeof *p.mask);
    if (!held || !p.hops || !p.min_hops || !p.mask)
        return wr_fail(err, WR_ENOMEM, "poison of %u wallets", n);
    memset(held, WR_POISON_NONE, cells);
    memset(p.hops, WR_POISON_NONE, cells);
    poison x = {.s = &s, .hops = p.hops, .held = held, .c = c, .max_hops = max_hops};
    wr_stream_use use = {.ctx = &x, .block = on_block, .phase = "poison", .pg = pg};
    WR_TRY(wr_stream_run(&s, &use, err));
    summarise(&p);
    *out = p;
    p = (wr_poison){0};
    return WR_OK;
}

void wr_poison_release(wr_poison *p)
{
    wr_free(p->hops);
    wr_free(p->min_hops);
    wr_free(p->mask);
    *p = (wr_poison){0};
}

uint64_t wr_poison_bytes(const wr_poison *p)
{
    return wr_block_bytes(p->hops) + wr_block_bytes(p->min_hops) +
           wr_block_bytes(p->mask);
}
