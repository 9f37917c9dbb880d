/*
 * Who is not exact any more.
 *
 * Reach is a search over the graph in time order: money that was at x at t can have left
 * with any transfer of x from t on, and is at its payee then.  The earliest moment at
 * which each vertex is reached is kept; a vertex is looked at again only when it is
 * reached earlier.  A labelled wallet is reached and goes no further: what leaves it
 * starts anew.  Bounded by WR_OVERLAY_MARK_EDGES; beyond that the board gives up.
 *
 * Each wallet remembers from when on its money is not exact (inexact_from_s).  Transfers
 * that are there are followed when it is set; those that come later are looked at as they
 * come, by mark_batch, which starts a search where a payee is reached earlier than
 * before: in a batch the order of arrival is not that of time.
 */
#include <inttypes.h>

#include "pipeline/live/overlay_int.h"

wr_status wr_overlay_set_dirty(wr_overlay *o, uint32_t handle, wr_err *err)
{
    if (o->met[handle].is_dirty)
        return WR_OK;
    uint32_t *p = wr_grow(o->dirty, &o->dirty_cap, o->dirty_count + 1, sizeof *p);
    if (!p)
        return wr_fail(err, WR_ENOMEM, "%zu changed wallets", o->dirty_count);
    o->dirty = p;
    o->dirty[o->dirty_count++] = handle;
    o->met[handle].is_dirty = true;
    return WR_OK;
}

static wr_status mark(wr_overlay *o, uint32_t handle, wr_err *err)
{
    if (o->met[handle].is_marked)
        return WR_OK;
    o->met[handle].is_marked = true;
    o->stats.marked++;
    return wr_overlay_set_dirty(o, handle, err);
}

/* --- reach -----------------------------------------------------------------------------
 */

typedef struct visit {
    wr_vid v;
    uint32_t time_s; /* forward: the earliest; backward: the latest */
} visit;

typedef struct search {
    wr_overlay *o;
    wr_delta_view graph;
    int way;
    uint64_t edges;
    visit *queue; /* [tail]; a vertex stands here once for each improvement */
    size_t head, tail, cap;
    visit *slot; /* [slot_cap] open addressing; v + 1 in v, 0 = free */
    size_t slot_cap, slot_used;
} search;

static visit *find(visit *slot, size_t cap, wr_vid v)
{
    size_t at = (v * 2654435761U) & (cap - 1);
    while (slot[at].v && slot[at].v != v + 1)
        at = (at + 1) & (cap - 1);
    return &slot[at];
}

static wr_status grow_slots(search *s, wr_err *err)
{
    const size_t cap = s->slot_cap ? s->slot_cap * 2 : 1024;
    visit *slot = wr_calloc(cap, sizeof *slot);
    if (!slot)
        return wr_fail(err, WR_ENOMEM, "%zu wallets to mark", cap);
    for (size_t i = 0; i < s->slot_cap; i++)
        if (s->slot[i].v)
            *find(slot, cap, s->slot[i].v - 1) = s->slot[i];
    wr_free(s->slot);
    s->slot = slot;
    s->slot_cap = cap;
    return WR_OK;
}

static bool is_better(const search *s, uint32_t time_s, uint32_t than_s)
{
    return s->way == WR_DELTA_OUT ? time_s < than_s : time_s > than_s;
}

static wr_status reach(search *s, wr_vid v, uint32_t time_s, wr_err *err)
{
    if (s->slot_used * 2 >= s->slot_cap)
        WR_TRY(grow_slots(s, err));
    visit *at = find(s->slot, s->slot_cap, v);
    if (at->v && !is_better(s, time_s, at->time_s))
        return WR_OK;
    s->slot_used += at->v == 0;
    *at = (visit){v + 1, time_s};
    visit *q = wr_grow(s->queue, &s->cap, s->tail + 1, sizeof *q);
    if (!q)
        return wr_fail(err, WR_ENOMEM, "%zu wallets to mark", s->tail);
    s->queue = q;
    s->queue[s->tail++] = (visit){v, time_s};
    return WR_OK;
}

static wr_status step(search *s, wr_vid to, uint32_t time_s, const visit *x, wr_err *err)
{
    s->edges++;
    return is_better(s, x->time_s, time_s) || x->time_s == time_s
               ? reach(s, to, time_s, err)
               : WR_OK;
}

/* First entry of a row, which is in time order, that is not before (after) t. */
static uint64_t first_from(const wr_rows *r, const uint32_t *time_s, wr_vid v, uint64_t t)
{
    uint64_t lo = r->off[v];
    uint64_t hi = r->off[v + 1ULL];
    while (lo < hi) {
        const uint64_t mid = lo + (hi - lo) / 2;
        if (time_s[r->col[mid]] < t)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static wr_status expand_base(search *s, const visit *x, wr_err *err)
{
    const wr_snapshot *g = s->graph.base;
    if (x->v >= wr_snapshot_n(g))
        return WR_OK;
    const wr_columns col = wr_snapshot_columns(g);
    const bool is_out = s->way == WR_DELTA_OUT;
    const wr_rows r = is_out ? wr_snapshot_rows_out(g) : wr_snapshot_rows_in(g);
    const uint64_t begin =
        is_out ? first_from(&r, col.time_s, x->v, x->time_s) : r.off[x->v];
    const uint64_t end =
        is_out ? r.off[x->v + 1ULL] : first_from(&r, col.time_s, x->v, x->time_s + 1ULL);
    for (uint64_t i = begin; i < end && s->edges <= WR_OVERLAY_MARK_EDGES; i++) {
        const uint32_t at = r.col[i];
        WR_TRY(step(s, is_out ? col.to[at] : col.from[at], col.time_s[at], x, err));
    }
    return WR_OK;
}

static wr_status expand_delta(search *s, const visit *x, wr_err *err)
{
    for (uint64_t i = wr_delta_newest(&s->graph, x->v, s->way); i != WR_DELTA_END;
         i = wr_delta_before(&s->graph, i, s->way)) {
        const wr_delta_row r = wr_delta_row_at(&s->graph, i);
        WR_TRY(step(s, s->way == WR_DELTA_OUT ? r.to : r.from, r.time_s, x, err));
        if (s->edges > WR_OVERLAY_MARK_EDGES)
            return WR_OK;
    }
    return WR_OK;
}

/* Handle of a vertex.  UINT32_MAX: the stream has not come to it, and will mark it when
 * it does, as a payee. */
static wr_status handle_of(search *s, uint32_t *handle, wr_vid v, wr_err *err)
{
    const uint32_t id = wr_delta_wallet(&s->graph, v);
    *handle = wr_overlay_handle(s->o, id);
    if (*handle != UINT32_MAX)
        return WR_OK;
    const wr_vid run_v = wr_ids_vertex_of_wallet(wr_snapshot_ids(s->o->a->g), id);
    return run_v == WR_VID_NONE ? WR_OK : wr_overlay_meet_run(s->o, handle, run_v, err);
}

static wr_status visit_next(search *s, wr_err *err)
{
    const visit x = s->queue[s->head++];
    uint32_t handle;
    WR_TRY(handle_of(s, &handle, x.v, err));
    if (handle == UINT32_MAX)
        return WR_OK;
    wr_met *w = &s->o->met[handle];
    if (s->way == WR_DELTA_OUT) {
        if (w->inexact_from_s <= x.time_s) /* followed before */
            return WR_OK;
        w->inexact_from_s = x.time_s;
    }
    const bool is_stop = s->head > 1 && w->column >= 0 && !w->is_dated;
    WR_TRY(mark(s->o, handle, err));
    if (is_stop)
        return WR_OK;
    WR_TRY(expand_base(s, &x, err));
    return expand_delta(s, &x, err);
}

static void give_up(wr_overlay *o)
{
    o->stats.is_given_up = true;
    wr_board_give_up(o->board);
}

wr_status wr_overlay_mark_reach(wr_overlay *o, wr_vid start, uint32_t time_s, int way,
                                wr_err *err)
{
    if (o->stats.is_given_up)
        return WR_OK;
    search s = {.o = o, .graph = wr_delta_read_all(o->delta), .way = way};
    wr_status r = reach(&s, start, time_s, err);
    while (r == WR_OK && s.head < s.tail && s.edges <= WR_OVERLAY_MARK_EDGES)
        r = visit_next(&s, err);
    if (s.edges > WR_OVERLAY_MARK_EDGES)
        give_up(o);
    wr_free(s.queue);
    wr_free(s.slot);
    return r;
}

/* --- a batch ---------------------------------------------------------------------------
 */

static wr_status mark_from(wr_overlay *o, uint32_t handle, uint32_t time_s, wr_err *err)
{
    if (o->met[handle].inexact_from_s <= time_s)
        return WR_OK;
    return wr_overlay_mark_reach(o, o->met[handle].v, time_s, WR_DELTA_OUT, err);
}

wr_status wr_overlay_mark_batch(wr_overlay *o, wr_err *err)
{
    for (size_t i = 0; i < o->row_count; i++) {
        const wr_live_transfer *t = &o->transfer[i];
        if (t->from == t->to || !(t->value > 0))
            continue;
        if (t->is_out_of_order) {
            o->stats.out_of_order++;
            WR_TRY(mark_from(o, t->from, t->time_s, err));
            WR_TRY(mark_from(o, t->to, t->time_s, err));
        }
        const wr_met *u = &o->met[t->from];
        if (u->inexact_from_s <= t->time_s &&
            (u->column < 0 || u->is_dated || u->is_relabelled))
            WR_TRY(mark_from(o, t->to, t->time_s, err));
    }
    return WR_OK;
}

/* --- labels ----------------------------------------------------------------------------
 */

typedef struct changed {
    wr_overlay *o;
    uint32_t *handle;
    size_t count, cap;
    uint64_t rows;
} changed;

static wr_status take_changed(void *ctx, const wr_label_row *row, wr_err *err)
{
    changed *c = ctx;
    wr_overlay *o = c->o;
    uint32_t handle = wr_overlay_handle(o, row->wallet_id);
    c->rows++;
    if (handle == UINT32_MAX) {
        const wr_vid run_v =
            row->wallet_id
                ? wr_ids_vertex_of_wallet(wr_snapshot_ids(o->a->g), row->wallet_id)
                : WR_VID_NONE;
        if (run_v == WR_VID_NONE) /* when it comes it comes with the labels of then */
            return WR_OK;
        WR_TRY(wr_overlay_meet_run(o, &handle, run_v, err));
    }
    uint32_t *p = wr_grow(c->handle, &c->cap, c->count + 1, sizeof *p);
    if (!p)
        return wr_fail(err, WR_ENOMEM, "%zu changed labels", c->count);
    c->handle = p;
    c->handle[c->count++] = handle;
    return WR_OK;
}

static wr_status mark_changed(const changed *c, wr_err *err)
{
    wr_overlay *o = c->o;
    for (size_t i = 0; i < c->count; i++) {
        const wr_vid v = o->met[c->handle[i]].v;
        o->met[c->handle[i]].is_relabelled = true;
        WR_TRY(wr_overlay_mark_reach(o, v, 0, WR_DELTA_OUT, err));
        WR_TRY(wr_overlay_mark_reach(o, v, UINT32_MAX, WR_DELTA_IN, err));
        WR_TRY(wr_overlay_set_dirty(o, c->handle[i], err)); /* its own label shows */
    }
    return WR_OK;
}

wr_status wr_overlay_mark_labels(wr_overlay *o, wr_store *st, int64_t rev, wr_err *err)
{
    changed c = {.o = o};
    wr_status s = wr_store_labels_changed(
        st, o->stats.label_rev, rev, WR_OVERLAY_LABELS_MAX + 1, take_changed, &c, err);
    if (s == WR_OK && c.rows > WR_OVERLAY_LABELS_MAX)
        give_up(o);
    if (s == WR_OK && c.count)
        s = wr_overlay_read_own(o, st, rev, c.handle, c.count, err);
    if (s == WR_OK)
        s = mark_changed(&c, err);
    if (s == WR_OK)
        o->stats.label_rev = rev;
    wr_free(c.handle);
    return s;
}
