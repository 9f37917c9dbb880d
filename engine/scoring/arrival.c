#include "scoring/arrival.h"

#include "scoring/stream_int.h"

typedef struct arrival {
    const wr_stream *s;
    uint32_t *hold_s;
    uint32_t c;
    uint16_t *held; /* [n] bit c: v can hold category c by now */
} arrival;

static wr_status on_block(void *ctx, const wr_stream_block *b, wr_err *err)
{
    (void)err;
    arrival *x = ctx;
    for (size_t i = 0; i < b->count; i++) {
        const wr_stream_item *e = &b->item[i];
        int from = wr_stream_label(x->s, e->u, e->t);
        uint32_t carried = from >= 0 ? 1u << from : x->held[e->u];
        uint32_t neu = carried & ~(uint32_t)x->held[e->v];
        if (!neu || wr_stream_label(x->s, e->v, e->t) >= 0)
            continue;
        x->held[e->v] = (uint16_t)(x->held[e->v] | neu);
        for (; neu; neu &= neu - 1) {
            uint32_t c = (uint32_t)__builtin_ctz(neu);
            uint32_t *t = &x->hold_s[(uint64_t)e->v * x->c + c];
            if (x->s->direction == WR_RECEIVING ? e->t < *t : e->t > *t)
                *t = e->t;
        }
    }
    return WR_OK;
}

static void fill_own(uint32_t *hold_s, const wr_flow *fl, wr_direction direction)
{
    const wr_seeds *s = fl->seeds;
    uint32_t never = direction == WR_RECEIVING ? UINT32_MAX : 0;
    for (uint64_t i = 0; i < (uint64_t)fl->n * s->c; i++)
        hold_s[i] = never;
    for (uint32_t v = 0; v < fl->n; v++) {
        int c = s->category[v];
        if (c < 0)
            continue;
        uint32_t from_s = s->from_s ? s->from_s[v] : 0;
        uint32_t to_s = s->to_s ? s->to_s[v] : UINT32_MAX;
        if (from_s >= to_s)
            continue; /* holds at no time */
        uint32_t last_s = to_s == UINT32_MAX ? to_s : to_s - 1;
        uint64_t cell = (uint64_t)v * s->c + (uint64_t)c;
        hold_s[cell] = direction == WR_RECEIVING ? from_s : last_s;
    }
}

wr_status wr_arrival(uint32_t *hold_s, const wr_flow *fl, wr_direction direction,
                     const wr_progress *pg, wr_err *err)
{
    WR_STREAM_AUTO wr_stream s = {0};
    WR_TRY(wr_stream_init(&s, fl, direction, false, err));
    WR_AUTO_ARRAY uint16_t *held = wr_calloc(fl->n, sizeof *held);
    if (!held)
        return wr_fail(err, WR_ENOMEM, "arrival of %u wallets", fl->n);
    fill_own(hold_s, fl, direction);
    arrival x = {.s = &s, .hold_s = hold_s, .c = fl->seeds->c, .held = held};
    wr_stream_use use = {.ctx = &x, .block = on_block, .phase = "arrival", .pg = pg};
    return wr_stream_run(&s, &use, err);
}
