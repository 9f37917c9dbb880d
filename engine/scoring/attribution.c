#include "scoring/attribution.h"

#include <string.h>

#include "scoring/stream_int.h"

/* Ascending by vid while the run lasts, by value when it is done. */
typedef struct list {
    double other;
    uint32_t count;
    wr_attributed item[];
} list;

enum { LIST_RECEIVED, LIST_HELD, LIST_SUM /* several assets: of earlier ones */ };

typedef struct attribution {
    const wr_stream *s;
    uint32_t k, lists;
    double *balance;   /* [n] of the asset being read */
    uint32_t *slot_at; /* [n] */
    unsigned char *slot;
    size_t slot_bytes, count, room;
} attribution;

static size_t list_bytes(uint32_t k)
{
    return sizeof(list) + k * sizeof(wr_attributed);
}

static list *list_of(const attribution *x, wr_vid v, uint32_t which)
{
    return (void *)(x->slot + x->slot_at[v] * x->slot_bytes + which * list_bytes(x->k));
}

static wr_status slot_add(attribution *x, wr_vid v, wr_err *err)
{
    unsigned char *slot = wr_grow(x->slot, &x->room, x->count + 1, x->slot_bytes);
    if (!slot)
        return wr_fail(err, WR_ENOMEM, "sources of %zu wallets", x->count);
    x->slot = slot;
    memset(slot + x->count * x->slot_bytes, 0, x->slot_bytes);
    x->slot_at[v] = (uint32_t)x->count++;
    return WR_OK;
}

/* Larger first; equal values: the smaller vertex first. */
static bool goes_before(const wr_attributed *a, const wr_attributed *b)
{
    return a->value > b->value || (a->value == b->value && a->vid < b->vid);
}

/* dst += src, at most k items; what falls off goes into `other`. */
static void list_add(list *dst, const list *src, uint32_t k)
{
    wr_attributed all[2 * WR_ATTRIBUTION_K_MAX];
    uint32_t i = 0, j = 0, count = 0;
    while (i < dst->count || j < src->count) {
        wr_vid a = i < dst->count ? dst->item[i].vid : WR_VID_NONE;
        wr_vid b = j < src->count ? src->item[j].vid : WR_VID_NONE;
        wr_attributed s = {.vid = a < b ? a : b};
        if (a <= b)
            s.value += dst->item[i++].value;
        if (b <= a)
            s.value += src->item[j++].value;
        if (s.value > 0)
            all[count++] = s;
    }
    dst->other += src->other;
    while (count > k) {
        uint32_t last = 0;
        for (uint32_t h = 1; h < count; h++)
            if (goes_before(&all[last], &all[h]))
                last = h;
        dst->other += all[last].value;
        memmove(&all[last], &all[last + 1], (--count - last) * sizeof *all);
    }
    memcpy(dst->item, all, count * sizeof *all);
    dst->count = count;
}

static void list_scale(list *dst, const list *src, double by)
{
    dst->other = by * src->other;
    dst->count = src->count;
    for (uint32_t i = 0; i < src->count; i++)
        dst->item[i] = (wr_attributed){by * src->item[i].value, src->item[i].vid};
}

static bool is_empty(const list *l)
{
    return l->count == 0 && l->other == 0;
}

static wr_status arrive(attribution *x, const wr_stream_item *e, const list *moved,
                        wr_err *err)
{
    bool is_stop = wr_stream_label(x->s, e->v, e->t) >= 0;
    x->balance[e->v] += is_stop ? 0 : e->a;
    if (is_empty(moved))
        return WR_OK;
    if (!x->slot_at[e->v])
        WR_TRY(slot_add(x, e->v, err));
    list_add(list_of(x, e->v, LIST_RECEIVED), moved, x->k);
    if (!is_stop)
        list_add(list_of(x, e->v, LIST_HELD), moved, x->k);
    return WR_OK;
}

static void inject(attribution *x, const wr_stream_item *e, int label, list *moved)
{
    double amount = wr_stream_confidence(x->s, e->u) * e->a;
    if (wr_stream_is_service(x->s, label) || amount == 0)
        return;
    moved->item[0] = (wr_attributed){amount, e->u};
    moved->count = 1;
}

static void haircut(attribution *x, const wr_stream_item *e, list *moved)
{
    double balance = x->balance[e->u];
    bool is_all = e->a >= balance;
    x->balance[e->u] = is_all ? 0 : balance - e->a;
    if (!x->slot_at[e->u])
        return;
    list *held = list_of(x, e->u, LIST_HELD);
    list_scale(moved, held, is_all ? 1 : e->a / balance);
    list_scale(held, held, is_all ? 0 : (balance - e->a) / balance);
    if (is_all)
        held->count = 0;
}

static wr_status on_block(void *ctx, const wr_stream_block *b, wr_err *err)
{
    attribution *x = ctx;
    union {
        list l;
        unsigned char room[sizeof(list) + WR_ATTRIBUTION_K_MAX * sizeof(wr_attributed)];
    } moved;
    for (size_t i = 0; i < b->count; i++) {
        const wr_stream_item *e = &b->item[i];
        int label = wr_stream_label(x->s, e->u, e->t);
        moved.l.count = 0;
        moved.l.other = 0;
        if (label >= 0)
            inject(x, e, label, &moved.l);
        else
            haircut(x, e, &moved.l);
        WR_TRY(arrive(x, e, &moved.l, err));
    }
    return WR_OK;
}

/* What v holds of one asset goes into its sums; the state is empty afterwards. */
static wr_status fold(void *ctx, wr_vid v, wr_err *err)
{
    (void)err;
    attribution *x = ctx;
    x->balance[v] = 0;
    if (!x->slot_at[v])
        return WR_OK;
    list *held = list_of(x, v, LIST_HELD);
    list_add(list_of(x, v, LIST_SUM), held, x->k);
    held->count = 0;
    held->other = 0;
    return WR_OK;
}

static void sort_by_value(list *l)
{
    for (uint32_t i = 1; i < l->count; i++) {
        wr_attributed s = l->item[i];
        uint32_t j = i;
        for (; j > 0 && goes_before(&s, &l->item[j - 1]); j--)
            l->item[j] = l->item[j - 1];
        l->item[j] = s;
    }
}

static void attribution_done(attribution *x)
{
    wr_free(x->balance);
    wr_free(x->slot_at);
    wr_free(x->slot);
}

static wr_status run(attribution *x, const wr_attribution_opts *o, wr_err *err)
{
    uint32_t n = x->s->fl->n;
    x->balance = wr_calloc(n, sizeof *x->balance);
    x->slot_at = wr_calloc(n, sizeof *x->slot_at);
    x->slot = wr_grow(NULL, &x->room, 1, x->slot_bytes);
    if (!x->balance || !x->slot_at || !x->slot)
        return wr_fail(err, WR_ENOMEM, "attribution of %u wallets", n);
    memset(x->slot, 0, x->slot_bytes); /* slot 0: the empty lists of everybody else */
    x->count = 1;
    wr_stream_use use = {
        .ctx = x, .block = on_block, .fold = fold, .phase = "attribution", .pg = o->pg};
    WR_TRY(wr_stream_run(x->s, &use, err));
    x->slot = wr_fit(x->slot, x->count, x->slot_bytes);
    for (wr_vid v = 0; v < n; v++)
        for (uint32_t which = 0; which < x->lists && x->slot_at[v]; which++)
            sort_by_value(list_of(x, v, which));
    return WR_OK;
}

wr_status wr_attribution_run(wr_attribution *out, const wr_flow *fl,
                             const wr_attribution_opts *o, wr_err *err)
{
    if (o->k < 1 || o->k > WR_ATTRIBUTION_K_MAX)
        return wr_fail(err, WR_EINVAL, "k %u, wanted 1..%d", o->k, WR_ATTRIBUTION_K_MAX);
    WR_STREAM_AUTO wr_stream s = {0};
    WR_TRY(wr_stream_init(&s, fl, o->direction, true, err));
    uint32_t lists = s.asset_count > 1 ? 3 : 2;
    __attribute__((cleanup(attribution_done))) attribution x = {
        .s = &s, .k = o->k, .lists = lists, .slot_bytes = lists * list_bytes(o->k)};
    WR_TRY(run(&x, o, err));
    *out = (wr_attribution){.n = fl->n,
                            .k = o->k,
                            .direction = o->direction,
                            .slot_at = WR_STEAL(x.slot_at),
                            .slot = WR_STEAL(x.slot),
                            .held_list = s.asset_count > 1 ? LIST_SUM : LIST_HELD,
                            .slot_bytes = x.slot_bytes};
    return WR_OK;
}

void wr_attribution_release(wr_attribution *a)
{
    wr_free(a->slot_at);
    wr_free(a->slot);
    *a = (wr_attribution){0};
}

uint64_t wr_attribution_bytes(const wr_attribution *a)
{
    return wr_block_bytes(a->slot_at) + wr_block_bytes(a->slot);
}

wr_attribution_view wr_attribution_at(const wr_attribution *a, wr_vid v)
{
    const unsigned char *slot = a->slot + a->slot_at[v] * a->slot_bytes;
    const list *got = (const void *)(slot + LIST_RECEIVED * list_bytes(a->k));
    const list *held = (const void *)(slot + a->held_list * list_bytes(a->k));
    return (wr_attribution_view){.received = got->item,
                                 .held = held->item,
                                 .received_count = got->count,
                                 .held_count = held->count,
                                 .received_other = got->other,
                                 .held_other = held->other};
}
