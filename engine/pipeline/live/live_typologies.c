#include "pipeline/live/live_typologies.h"

#include <inttypes.h>
#include <string.h>

#include "pipeline/run/assess_int.h"

enum { COUNT_AGAIN = 1 << 16 }; /* transfers between two looks at the memory */

typedef struct came { /* what was pushed behind the run's settled part */
    double value;
    wr_vid from, to;
    uint32_t time_s;
    uint32_t seq_low; /* as in the run's columns, from their seq_base on */
} came;

struct wr_live_typologies {
    const wr_assessment *a;
    wr_typology_live_policy o;
    /* What the stream reads: arrays that grow with the wallets. */
    wr_typology_input in;
    wr_seeds seeds; /* categories are the taxonomy's */
    uint64_t *hub_bits, *look;
    size_t cap[6];   /* category from_s to_s hub_bits look id */
    uint32_t *id;    /* [in.flow.n] the store's */
    uint32_t *named; /* [named_cap] by the store's id: 1 + what it is called here */
    size_t named_cap;

    wr_typology_live *stream; /* NULL: given up */
    wr_live_hits *hits;
    wr_typology_board *board;

    wr_live_waiting room;
    wr_live_arrival last; /* that was pushed */
    came *came;           /* [came_count] from ref came_from on; refs before are the
                             run's columns */
    size_t came_count, came_cap;
    uint32_t came_from, from_s;

    uint32_t *late; /* [late_cap] transfers too late, by wallet */
    size_t late_cap;
    wr_vid *late_dirty;
    size_t late_count, late_dirty_cap;
    uint64_t pushed_since; /* the memory was counted */
    wr_live_typologies_stats stats;
};

static wr_status no_room(wr_err *err)
{
    return wr_fail(err, WR_ENOMEM, "live typologies");
}

/* --- life ------------------------------------------------------------------------------
 */

void wr_live_typologies_free(wr_live_typologies *l)
{
    if (!l)
        return;
    wr_typology_live_free(l->stream);
    wr_live_hits_free(l->hits);
    wr_typology_board_unref(l->board);
    wr_free(l->seeds.category);
    wr_free(l->seeds.from_s);
    wr_free(l->seeds.to_s);
    wr_free(l->hub_bits);
    wr_free(l->look);
    wr_free(l->id);
    wr_free(l->named);
    wr_live_waiting_release(&l->room);
    wr_free(l->came);
    wr_free(l->late);
    wr_free(l->late_dirty);
    wr_free(l);
}

/* Everything but the board, which goes on saying that something is missing. */
static void give_up(wr_live_typologies *l)
{
    wr_typology_live_free(l->stream);
    wr_live_hits_free(l->hits);
    wr_live_waiting_release(&l->room);
    wr_free(l->came);
    l->stream = NULL;
    l->hits = NULL;
    l->came = NULL;
    l->came_count = l->came_cap = 0;
    l->stats = (wr_live_typologies_stats){
        .late = l->stats.late, .left_out = l->stats.left_out, .is_given_up = true};
    wr_typology_board_miss(l->board);
}

/* What a wallet of the run is called here. */
static wr_vid name_of(const wr_live_typologies *l, wr_vid run_v)
{
    return l->named[wr_ids_wallet(wr_snapshot_ids(l->a->g), run_v)] - 1;
}

static wr_live_edge edge_of(const void *ctx, uint32_t ref)
{
    const wr_live_typologies *l = ctx;
    const wr_columns *col = &l->a->flow.col;
    if (ref < l->came_from)
        return (wr_live_edge){.seq = wr_columns_seq(col, ref),
                              .value = col->value[ref],
                              .from = name_of(l, col->from[ref]),
                              .to = name_of(l, col->to[ref]),
                              .time_s = col->time_s[ref],
                              .is_settled = true};
    const came *c = &l->came[ref - l->came_from];
    const int64_t seq = col->seq_base + c->seq_low;
    return (wr_live_edge){.seq = seq,
                          .value = c->value,
                          .from = c->from,
                          .to = c->to,
                          .time_s = c->time_s,
                          .is_newer = seq > l->a->run.max_seq};
}

static uint32_t id_of(const void *ctx, wr_vid v)
{
    return ((const wr_live_typologies *)ctx)->id[v];
}

/* --- wallets ---------------------------------------------------------------------------
 */

static bool reach(wr_live_typologies *l, size_t n)
{
    wr_seeds *s = &l->seeds;
    const size_t words = l->cap[3];
    void *p = wr_grow(s->category, &l->cap[0], n, sizeof *s->category);
    s->category = p ? p : s->category;
    void *q = wr_grow(s->from_s, &l->cap[1], n, sizeof *s->from_s);
    s->from_s = q ? q : s->from_s;
    void *r = wr_grow(s->to_s, &l->cap[2], n, sizeof *s->to_s);
    s->to_s = r ? r : s->to_s;
    void *t = wr_grow(l->hub_bits, &l->cap[3], (n + 63) / 64, sizeof *l->hub_bits);
    l->hub_bits = t ? t : l->hub_bits;
    void *u = wr_grow(l->look, &l->cap[4], n, sizeof *l->look);
    l->look = u ? u : l->look;
    void *w = wr_grow(l->id, &l->cap[5], n, sizeof *l->id);
    l->id = w ? w : l->id;
    if (l->cap[3] > words)
        memset(l->hub_bits + words, 0, (l->cap[3] - words) * sizeof *l->hub_bits);
    l->in.flow.hub_bits = l->hub_bits;
    l->in.address_key = l->look;
    return p && q && r && t && u && w;
}

/* From here on wallet_id is called v. */
static wr_status name(wr_live_typologies *l, wr_vid v, uint32_t wallet_id, wr_err *err)
{
    const size_t before = l->named_cap;
    if (wallet_id >= before) {
        uint32_t *p = wr_grow(l->named, &l->named_cap, (size_t)wallet_id + 1, sizeof *p);
        if (!p)
            return no_room(err);
        memset(p + before, 0, (l->named_cap - before) * sizeof *p);
        l->named = p;
    }
    l->id[v] = wallet_id;
    l->named[wallet_id] = v + 1;
    return WR_OK;
}

wr_vid wr_live_typologies_find(const wr_live_typologies *l, uint32_t wallet_id)
{
    return l && wallet_id < l->named_cap ? l->named[wallet_id] - 1 : WR_VID_NONE;
}

static void set_label(wr_live_typologies *l, wr_vid v, int category, uint32_t from_s,
                      uint32_t to_s)
{
    l->seeds.category[v] = (int8_t)(category < 0 ? WR_SEED_NONE : category);
    l->seeds.from_s[v] = from_s;
    l->seeds.to_s[v] = to_s;
}

wr_status wr_live_typologies_meet(wr_live_typologies *l, wr_vid *v,
                                  const wr_live_newcomer *w, wr_err *err)
{
    *v = WR_VID_NONE;
    if (!l)
        return WR_OK;
    const uint32_t n = l->in.flow.n;
    if (!reach(l, n + 1ULL))
        return no_room(err);
    set_label(l, n, w->category, w->from_s, w->to_s);
    l->look[n] = wr_address_look(w->chain, w->address);
    if (w->is_hub)
        l->hub_bits[n / 64] |= 1ULL << n % 64;
    WR_TRY(name(l, n, w->wallet_id, err));
    l->in.flow.n = l->seeds.n = n + 1;
    *v = n;
    return WR_OK;
}

/* The run's wallets with the labels and the addresses that it saw. */
static wr_status take_wallets(wr_live_typologies *l, wr_err *err)
{
    const wr_assessment *a = l->a;
    const wr_taxonomy *tx = &a->cfg->taxonomy;
    const wr_seeds *s = &a->labels.seeds;
    const wr_ids *ids = wr_snapshot_ids(a->g);
    if (!reach(l, a->n))
        return no_room(err);
    for (uint32_t c = 0; c < tx->count; c++)
        l->seeds.kind[c] = (uint8_t)tx->category[c].kind;
    if (a->flow.hub_bits)
        memcpy(l->hub_bits, a->flow.hub_bits, (a->n + 63ULL) / 64 * 8);
    for (wr_vid v = 0; v < a->n; v++) {
        const int k = s->category[v];
        set_label(l, v, k < 0 ? -1 : wr_assess_category(a, (uint32_t)k),
                  s->from_s ? s->from_s[v] : 0, s->to_s ? s->to_s[v] : UINT32_MAX);
        l->look[v] = wr_address_look(wr_ids_chain(ids, v), wr_ids_address(ids, v));
        WR_TRY(name(l, v, wr_ids_wallet(ids, v), err));
    }
    l->seeds.n = l->in.flow.n = a->n;
    l->seeds.c = tx->count;
    l->in.flow.seeds = &l->seeds;
    l->in.mixer_mask = a->cfg->typology.mixers;
    l->in.swap_mask = a->cfg->typology.swaps;
    return WR_OK;
}

/* --- in order --------------------------------------------------------------------------
 */

/* Number of what is pushed next; UINT32_MAX: all are used. */
static uint32_t next_ref(const wr_live_typologies *l)
{
    const uint64_t ref = l->came_from + (uint64_t)l->came_count;
    return ref < UINT32_MAX ? (uint32_t)ref : UINT32_MAX;
}

static wr_status push(wr_live_typologies *l, const wr_live_arrival *w, uint32_t ref,
                      wr_err *err)
{
    wr_typology_told told;
    const wr_typology_transfer t = {
        .value = w->value, .from = w->from, .to = w->to, .time_s = w->time_s, .ref = ref};
    WR_TRY(wr_typology_live_push(&told, l->stream, &t, err));
    l->last = *w;
    l->pushed_since++;
    return wr_live_hits_listen(l->hits, &told, &l->stats.left_out, err);
}

static wr_status remember(wr_live_typologies *l, const wr_live_arrival *w, wr_err *err)
{
    came *p = wr_grow(l->came, &l->came_cap, l->came_count + 1, sizeof *p);
    if (!p)
        return no_room(err);
    l->came = p;
    l->came[l->came_count++] =
        (came){.value = w->value,
               .from = w->from,
               .to = w->to,
               .time_s = w->time_s,
               .seq_low = (uint32_t)(w->seq - l->a->flow.col.seq_base)};
    return WR_OK;
}

static wr_status let_in(wr_live_typologies *l, wr_err *err)
{
    const uint32_t ref = next_ref(l);
    if (ref == UINT32_MAX) {
        give_up(l);
        return WR_OK;
    }
    const wr_live_arrival w = wr_live_waiting_take(&l->room);
    WR_TRY(remember(l, &w, err));
    return push(l, &w, ref, err);
}

/* --- late ------------------------------------------------------------------------------
 */

static wr_status mark_late(wr_live_typologies *l, wr_vid v, wr_err *err)
{
    const size_t before = l->late_cap;
    if (v >= before) {
        uint32_t *p = wr_grow(l->late, &l->late_cap, (size_t)v + 1, sizeof *p);
        if (!p)
            return no_room(err);
        memset(p + before, 0, (l->late_cap - before) * sizeof *p);
        l->late = p;
    }
    wr_vid *d = wr_grow(l->late_dirty, &l->late_dirty_cap, l->late_count + 1, sizeof *d);
    if (!d)
        return no_room(err);
    l->late_dirty = d;
    l->late_dirty[l->late_count++] = v;
    l->late[v]++;
    return WR_OK;
}

static wr_status miss(wr_live_typologies *l, const wr_live_arrival *t, wr_err *err)
{
    l->stats.late++;
    wr_typology_board_miss(l->board);
    WR_TRY(mark_late(l, t->from, err));
    return t->to == t->from ? WR_OK : mark_late(l, t->to, err);
}

/* --- what comes ------------------------------------------------------------------------
 */

static uint64_t arrivals_bytes(const wr_live_typologies *l)
{
    return l->room.cap * sizeof *l->room.heap + l->came_cap * sizeof *l->came;
}

static void count_memory(wr_live_typologies *l)
{
    l->pushed_since = 0;
    wr_live_typologies_stats *s = &l->stats;
    s->stream_bytes = wr_typology_live_bytes(l->stream);
    s->hits_bytes = wr_live_hits_bytes(l->hits);
    if (s->stream_bytes + s->hits_bytes + arrivals_bytes(l) > l->o.bytes_max)
        give_up(l);
}

static void look_at_memory(wr_live_typologies *l)
{
    if (l->pushed_since >= COUNT_AGAIN && l->pushed_since >= l->in.flow.n)
        count_memory(l);
}

static wr_status drain(wr_live_typologies *l, size_t most, wr_err *err)
{
    while (l->stream && l->room.count > most)
        WR_TRY(let_in(l, err));
    if (l->stream)
        look_at_memory(l);
    return WR_OK;
}

wr_status wr_live_typologies_take(wr_live_typologies *l, const wr_live_arrival *t,
                                  wr_err *err)
{
    if (!l || !l->stream)
        return WR_OK;
    if (wr_live_is_before(t, &l->last))
        return miss(l, t, err);
    if (!wr_live_waiting_add(&l->room, t))
        return no_room(err);
    return drain(l, l->o.waits_max, err);
}

static bool is_due(const wr_live_typologies *l)
{
    return l->stream && wr_live_waiting_is_due(&l->room);
}

wr_status wr_live_typologies_settle(wr_live_typologies *l, uint32_t most, bool *is_more,
                                    wr_err *err)
{
    *is_more = false;
    if (!l)
        return WR_OK;
    if (!is_due(l))
        wr_live_waiting_tick(&l->room);
    for (; most && is_due(l); most--)
        WR_TRY(let_in(l, err));
    if (l->stream)
        look_at_memory(l);
    *is_more = is_due(l);
    return WR_OK;
}

wr_status wr_live_typologies_end(wr_live_typologies *l, wr_err *err)
{
    wr_typology_told told;
    if (!l)
        return WR_OK;
    WR_TRY(drain(l, 0, err));
    if (!l->stream)
        return WR_OK;
    WR_TRY(wr_typology_live_end(&told, l->stream, err));
    return wr_live_hits_listen(l->hits, &told, &l->stats.left_out, err);
}

wr_status wr_live_typologies_publish(wr_live_typologies *l, wr_err *err)
{
    if (!l)
        return WR_OK;
    if (l->stats.left_out)
        wr_typology_board_miss(l->board);
    wr_typology_board_begin(l->board);
    wr_status s =
        l->hits ? wr_live_hits_publish(l->hits, l->board, id_of, l, err) : WR_OK;
    for (size_t i = 0; s == WR_OK && i < l->late_count; i++) {
        const wr_vid v = l->late_dirty[i];
        s = wr_typology_board_put_late(l->board, id_of(l, v), l->late[v], err);
    }
    if (s == WR_OK)
        l->late_count = 0;
    wr_typology_board_end(l->board);
    return s;
}

/* --- start -----------------------------------------------------------------------------
 */

/* No window of a pattern, with what is held before it, is longer. */
static uint32_t longest(const wr_typology_opts *o)
{
    const uint64_t s[] = {o->fan_window_s,
                          o->gather_window_s,
                          2ULL * o->scatter_window_s,
                          o->cycle_window_s,
                          o->peel_hold_s,
                          (uint64_t)o->pass_window_s + o->pass_hold_s,
                          o->structuring_window_s,
                          o->bridge_window_s,
                          o->bipartite_window_s,
                          o->stack_window_s,
                          o->dormant_window_s,
                          o->dust_window_s,
                          (uint64_t)o->hop_window_s + o->hop_hold_s,
                          o->burst_age_s};
    uint64_t most = 0;
    for (size_t i = 0; i < sizeof s / sizeof *s; i++)
        most = s[i] > most ? s[i] : most;
    return most < UINT32_MAX ? (uint32_t)most : UINT32_MAX;
}

static uint32_t scope_of(const wr_assessment *a, const wr_typology_opts *o)
{
    const uint32_t newest = a->flow.col.time_s[a->flow.col.m - 1];
    const uint32_t back = longest(o);
    const uint32_t from_s = newest > back ? newest - back : 0;
    return from_s > a->typology.from_s ? from_s : a->typology.from_s;
}

static wr_live_arrival of_run(const wr_columns *col, uint64_t i)
{
    return (wr_live_arrival){.seq = wr_columns_seq(col, i),
                             .value = col->value[i],
                             .time_s = col->time_s[i],
                             .from = col->from[i],
                             .to = col->to[i]};
}

static wr_status replay(wr_live_typologies *l, wr_err *err)
{
    const wr_columns *col = &l->a->flow.col;
    const uint64_t m = col->m;
    l->came_from = (uint32_t)(m > l->o.run_waits ? m - l->o.run_waits : 0);
    for (uint64_t i = 0; i < m; i++) {
        const wr_live_arrival t = of_run(col, i);
        if (i < l->came_from)
            WR_TRY(push(l, &t, (uint32_t)i, err));
        else if (!wr_live_waiting_add(&l->room, &t))
            return no_room(err);
    }
    l->room.newest = l->room.noted = of_run(col, m - 1);
    count_memory(l);
    return WR_OK;
}

static void set_usual(wr_typology_live_policy *o)
{
    o->run_waits = o->run_waits == UINT32_MAX ? 0
                   : o->run_waits             ? o->run_waits
                                              : WR_LIVE_RUN_WAITS;
    o->waits_max = o->waits_max == UINT32_MAX ? 0
                   : o->waits_max             ? o->waits_max
                                              : WR_LIVE_WAITS_MAX;
    o->bytes_max = o->bytes_max ? o->bytes_max : WR_LIVE_TYPOLOGIES_BYTES_MAX;
}

wr_status wr_live_typologies_new(wr_live_typologies **out, const wr_assessment *a,
                                 wr_err *err)
{
    const wr_typology_policy *p = &a->cfg->typology;
    *out = NULL;
    if (!a->flow.col.m || !(p->which & p->live.which))
        return WR_OK;
    WR_AUTO(wr_live_typologies) l = wr_calloc(1, sizeof *l);
    if (!l)
        return no_room(err);
    l->a = a;
    l->o = p->live;
    set_usual(&l->o);
    wr_typology_opts opts = p->opts;
    opts.from_s = scope_of(a, &opts);
    WR_TRY(take_wallets(l, err));
    WR_TRY(wr_typology_board_new(&l->board, opts.from_s, err));
    WR_TRY(wr_live_hits_new(&l->hits, l->o.hits_max, l->o.places_max, edge_of, l, err));
    WR_TRY(
        wr_typology_live_new(&l->stream, &l->in, p->which & p->live.which, &opts, err));
    l->from_s = opts.from_s;
    WR_TRY(replay(l, err));
    *out = WR_STEAL(l);
    return WR_OK;
}

/* --- another run -----------------------------------------------------------------------
 */

/*
 * Nothing was missed, so what was pushed is what the run has, one by one, up to the first
 * that came after it; and the run sees it by the same labels and settings.
 */
static bool is_behind(const wr_live_typologies *l, const wr_assessment *a)
{
    const wr_columns *before = &l->a->flow.col;
    const wr_columns *col = &a->flow.col;
    const uint32_t last = l->came_from - 1;
    return l->stream && !l->stats.late && !l->stats.left_out && a->cfg == l->a->cfg &&
           a->run.label_rev == l->a->run.label_rev && col->m >= before->m &&
           (!l->came_from || wr_columns_seq(col, last) == wr_columns_seq(before, last));
}

bool wr_live_typologies_can_rebase(const wr_live_typologies *l, const wr_assessment *a)
{
    return l && is_behind(l, a);
}

/* Arrivals that stand in the run's columns, at their place, are let go. */
static wr_status drop_arrivals(wr_live_typologies *l, const wr_columns *col, wr_err *err)
{
    const int64_t base = l->a->flow.col.seq_base;
    size_t known = 0;
    while (known < l->came_count && l->came_from + known < col->m &&
           base + l->came[known].seq_low == wr_columns_seq(col, l->came_from + known))
        known++;
    const size_t kept = l->came_count - known;
    came *p = wr_calloc(kept + 1, sizeof *p);
    if (!p)
        return no_room(err);
    for (size_t i = 0; i < kept; i++) {
        p[i] = l->came[known + i];
        p[i].seq_low = (uint32_t)(base + p[i].seq_low - col->seq_base);
    }
    wr_free(l->came);
    l->came = p;
    l->came_count = kept;
    l->came_cap = kept + 1;
    l->came_from += (uint32_t)known;
    return WR_OK;
}

wr_status wr_live_typologies_rebase(wr_live_typologies *l, const wr_assessment *a,
                                    wr_err *err)
{
    const wr_typology_opts *o = &a->cfg->typology.opts;
    const uint32_t back = longest(o) + 2 * o->pass_hold_s; /* chains are told behind */
    WR_AUTO(wr_typology_board) board = NULL;
    WR_TRY(wr_typology_board_new(&board, l->from_s, err));
    WR_TRY(drop_arrivals(l, &a->flow.col, err));
    l->a = a;
    wr_typology_board_unref(l->board);
    l->board = WR_STEAL(board);
    wr_typology_live_renew(l->stream);
    WR_TRY(wr_live_hits_rebase(l->hits, l->last.time_s > back ? l->last.time_s - back : 0,
                               err));
    count_memory(l);
    return wr_live_typologies_publish(l, err);
}

/* --- reading ---------------------------------------------------------------------------
 */

void wr_live_typologies_stats_of(const wr_live_typologies *l,
                                 wr_live_typologies_stats *out)
{
    *out = (wr_live_typologies_stats){0};
    if (!l)
        return;
    *out = l->stats;
    out->is_followed = l->stream != NULL;
    out->waiting = l->room.count;
    out->hits = l->hits ? wr_live_hits_told(l->hits) : 0;
    out->arrivals_bytes = arrivals_bytes(l);
    out->board_bytes = wr_typology_board_bytes(l->board);
    out->bytes = sizeof *l + l->in.flow.n * (17ULL + sizeof *l->id) +
                 l->named_cap * sizeof *l->named + l->late_cap * sizeof *l->late +
                 out->stream_bytes + out->hits_bytes + out->arrivals_bytes +
                 out->board_bytes;
}

wr_typology_board *wr_live_typologies_board(const wr_live_typologies *l)
{
    return l ? l->board : NULL;
}

const wr_live_hits *wr_live_typologies_hits(const wr_live_typologies *l)
{
    return l->hits;
}

uint32_t wr_live_typologies_from(const wr_live_typologies *l)
{
    return l->from_s;
}
