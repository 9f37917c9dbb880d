#include "pipeline/live/live_hits.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

/*
 * wallet ─► tally, one for each typology it is in ─► places, one for each hit
 *
 * A service may be in every second hit: a tally keeps their number and the best of them
 * as they come, and looks through its places only when the best is gone or has weakened.
 * A hit of hundreds may grow again and again: its members hear of it once, at the next
 * publication.
 *
 * The stream calls hits 1, 2, … as they begin.  Those in hit[old_count..) have no gaps;
 * of those before, some were let go when another run came, and the rest are looked up.
 */
typedef struct place {
    uint32_t hit, next; /* of the same tally, 1 + index; 0 = the last */
} place;

typedef struct tally {
    wr_vid wallet;
    uint32_t next;  /* of the same wallet, 1 + index; 0 = the last */
    uint32_t first; /* 1 + index of the newest place */
    uint32_t hits;  /* that are not gone */
    uint32_t best;  /* 1 + hit; 0 = not known: look through the places */
    uint8_t typology;
    bool is_dirty;
} tally;

struct wr_live_hits {
    wr_live_edge_fn edge;
    const void *ctx;
    uint32_t hits_max;
    uint64_t places_max, places, told;
    wr_live_hit *hit; /* [count] */
    size_t count, cap;
    uint64_t begun;       /* number of the last */
    uint64_t *old_number; /* [old_count] of hit[0..old_count), ascending */
    size_t old_count;
    place *place; /* [place_count] */
    size_t place_count, place_cap;
    tally *tally; /* [tally_count] */
    size_t tally_count, tally_cap;
    uint32_t *wallet; /* [wallet_cap] by vertex: 1 + index of its newest tally */
    size_t wallet_cap;
    uint32_t *dirty; /* [dirty_count] tallies */
    size_t dirty_count, dirty_cap;
    uint32_t *grown; /* [grown_count] hits */
    size_t grown_count, grown_cap;
};

wr_status wr_live_hits_new(wr_live_hits **out, uint32_t hits_max, uint64_t places_max,
                           wr_live_edge_fn edge, const void *ctx, wr_err *err)
{
    wr_live_hits *h = wr_calloc(1, sizeof *h);
    if (!h)
        return wr_fail(err, WR_ENOMEM, "live typologies");
    h->hits_max = hits_max ? hits_max : WR_LIVE_HITS_MAX;
    h->places_max = places_max ? places_max : WR_LIVE_HIT_PLACES_MAX;
    h->edge = edge;
    h->ctx = ctx;
    *out = h;
    return WR_OK;
}

void wr_live_hits_free(wr_live_hits *h)
{
    if (!h)
        return;
    for (size_t i = 0; i < h->count; i++) {
        wr_free(h->hit[i].edge);
        wr_free(h->hit[i].member);
    }
    wr_free(h->hit);
    wr_free(h->old_number);
    wr_free(h->place);
    wr_free(h->tally);
    wr_free(h->wallet);
    wr_free(h->dirty);
    wr_free(h->grown);
    wr_free(h);
}

static wr_status no_room(const wr_live_hits *h, wr_err *err)
{
    return wr_fail(err, WR_ENOMEM, "%zu live typologies", h->count);
}

/* --- sets of numbers, ascending --------------------------------------------------------
 */

/* *is_new: it was not there. */
static bool insert(uint32_t **p, uint32_t *count, uint32_t *cap, uint32_t x, bool *is_new)
{
    const size_t at = wr_row_from(*p, 0, *count, x);
    *is_new = at >= *count || (*p)[at] != x;
    if (!*is_new)
        return true;
    size_t room = *cap;
    uint32_t *q = wr_grow(*p, &room, *count + 1ULL, sizeof *q);
    if (!q)
        return false;
    *p = q;
    *cap = (uint32_t)room;
    memmove(q + at + 1, q + at, (*count - at) * sizeof *q);
    q[at] = x;
    ++*count;
    return true;
}

/* --- tallies ---------------------------------------------------------------------------
 */

static wr_status reach_wallet(wr_live_hits *h, wr_vid v, wr_err *err)
{
    const size_t before = h->wallet_cap;
    if (v < before)
        return WR_OK;
    uint32_t *p = wr_grow(h->wallet, &h->wallet_cap, (size_t)v + 1, sizeof *p);
    if (!p)
        return no_room(h, err);
    memset(p + before, 0, (h->wallet_cap - before) * sizeof *p);
    h->wallet = p;
    return WR_OK;
}

/* The wallet's tally, or NULL. */
static tally *find(const wr_live_hits *h, wr_vid v, uint8_t typology)
{
    uint32_t at = h->wallet[v];
    while (at && h->tally[at - 1].typology != typology)
        at = h->tally[at - 1].next;
    return at ? &h->tally[at - 1] : NULL;
}

static wr_status find_or_begin(tally **out, wr_live_hits *h, wr_vid v, uint8_t typology,
                               wr_err *err)
{
    WR_TRY(reach_wallet(h, v, err));
    *out = find(h, v, typology);
    if (*out)
        return WR_OK;
    tally *p = wr_grow(h->tally, &h->tally_cap, h->tally_count + 1, sizeof *p);
    if (!p)
        return no_room(h, err);
    h->tally = p;
    *out = &p[h->tally_count++];
    **out = (tally){.wallet = v, .next = h->wallet[v], .typology = typology};
    h->wallet[v] = (uint32_t)h->tally_count;
    return WR_OK;
}

static wr_status set_dirty(wr_live_hits *h, tally *t, wr_err *err)
{
    if (t->is_dirty)
        return WR_OK;
    uint32_t *p = wr_grow(h->dirty, &h->dirty_cap, h->dirty_count + 1, sizeof *p);
    if (!p)
        return no_room(h, err);
    h->dirty = p;
    h->dirty[h->dirty_count++] = (uint32_t)(t - h->tally);
    t->is_dirty = true;
    return WR_OK;
}

/* As a root before as a member, then the stronger one; ties go to the earlier number. */
static bool is_better(const wr_live_hits *h, wr_vid v, uint32_t hit, uint32_t than)
{
    const wr_live_hit *x = &h->hit[hit];
    const wr_live_hit *y = &h->hit[than];
    if ((x->root == v) != (y->root == v))
        return x->root == v;
    return x->strength > y->strength || (!(y->strength > x->strength) && hit < than);
}

/* The wallet is told of the hit from here on. */
static wr_status give_place(wr_live_hits *h, wr_vid v, uint32_t hit, wr_err *err)
{
    tally *t;
    WR_TRY(find_or_begin(&t, h, v, h->hit[hit].typology, err));
    place *p = wr_grow(h->place, &h->place_cap, h->place_count + 1, sizeof *p);
    if (!p)
        return no_room(h, err);
    h->place = p;
    h->place[h->place_count++] = (place){.hit = hit, .next = t->first};
    t->first = (uint32_t)h->place_count;
    if (!t->hits++ || (t->best && is_better(h, v, hit, t->best - 1)))
        t->best = hit + 1;
    return set_dirty(h, t, err);
}

static wr_status note_grown(wr_live_hits *h, uint32_t hit, wr_err *err)
{
    wr_live_hit *x = &h->hit[hit];
    if (x->has_grown)
        return WR_OK;
    uint32_t *p = wr_grow(h->grown, &h->grown_cap, h->grown_count + 1, sizeof *p);
    if (!p)
        return no_room(h, err);
    h->grown = p;
    h->grown[h->grown_count++] = hit;
    x->has_grown = true;
    return WR_OK;
}

/* To its members, who have their places. */
static wr_status tell_grown(wr_live_hits *h, uint32_t hit, wr_err *err)
{
    wr_live_hit *x = &h->hit[hit];
    x->has_grown = false;
    for (size_t i = 0; i < x->member_count && !x->is_gone; i++) {
        tally *t = find(h, x->member[i], x->typology);
        if (t->best && is_better(h, t->wallet, hit, t->best - 1))
            t->best = hit + 1;
        WR_TRY(set_dirty(h, t, err));
    }
    return WR_OK;
}

/* At once: whoever takes its place is not compared with what it was. */
static void tell_weaker(wr_live_hits *h, uint32_t hit)
{
    const wr_live_hit *x = &h->hit[hit];
    for (size_t i = 0; i < x->member_count; i++) {
        tally *t = find(h, x->member[i], x->typology);
        if (t->best == hit + 1)
            t->best = 0;
    }
}

static wr_status tell_gone(wr_live_hits *h, uint32_t hit, wr_err *err)
{
    const wr_live_hit *x = &h->hit[hit];
    for (size_t i = 0; i < x->member_count; i++) {
        tally *t = find(h, x->member[i], x->typology);
        t->hits--;
        if (t->best == hit + 1)
            t->best = 0;
        WR_TRY(set_dirty(h, t, err));
    }
    return WR_OK;
}

/* --- hits ------------------------------------------------------------------------------
 */

static int by_number(const void *pa, const void *pb)
{
    const uint64_t a = *(const uint64_t *)pa;
    const uint64_t b = *(const uint64_t *)pb;
    return (a > b) - (a < b);
}

/* The hit of this number, or SIZE_MAX: let go, or not begun. */
static size_t index_of(const wr_live_hits *h, uint64_t number)
{
    const uint64_t dense = h->count - h->old_count; /* the last so many numbers */
    if (!number || number > h->begun)
        return SIZE_MAX;
    if (number > h->begun - dense)
        return h->count - 1 - (size_t)(h->begun - number);
    const uint64_t *old = h->old_count ? bsearch(&number, h->old_number, h->old_count,
                                                 sizeof number, by_number)
                                       : NULL;
    return old ? (size_t)(old - h->old_number) : SIZE_MAX;
}

static uint64_t number_of(const wr_live_hits *h, size_t i)
{
    return i < h->old_count ? h->old_number[i] : h->begun - (h->count - 1 - i);
}

static wr_status add_member(wr_live_hits *h, uint32_t hit, wr_vid v, wr_err *err)
{
    wr_live_hit *x = &h->hit[hit];
    bool is_new;
    if (!insert(&x->member, &x->member_count, &x->member_cap, v, &is_new))
        return no_room(h, err);
    h->places += is_new;
    return is_new && x->has_newer ? give_place(h, v, hit, err) : WR_OK;
}

/* What came after the run is part of it now: all members are told. */
static wr_status become_newer(wr_live_hits *h, uint32_t hit, wr_err *err)
{
    wr_live_hit *x = &h->hit[hit];
    x->has_newer = true;
    h->told++;
    for (size_t i = 0; i < x->member_count; i++)
        WR_TRY(give_place(h, x->member[i], hit, err));
    return WR_OK;
}

static wr_status add_edge(wr_live_hits *h, uint32_t hit, uint32_t ref, wr_err *err)
{
    wr_live_hit *x = &h->hit[hit];
    bool is_new;
    if (!insert(&x->edge, &x->edge_count, &x->edge_cap, ref, &is_new))
        return no_room(h, err);
    if (!is_new)
        return WR_OK;
    const wr_live_edge e = h->edge(h->ctx, ref);
    h->places++;
    x->amount += e.value;
    if (x->edge_count == 1 || e.time_s < x->first_s)
        x->first_s = e.time_s;
    if (x->edge_count == 1 || e.time_s > x->last_s)
        x->last_s = e.time_s;
    if (e.is_newer && !x->has_newer)
        WR_TRY(become_newer(h, hit, err));
    WR_TRY(add_member(h, hit, e.from, err));
    return add_member(h, hit, e.to, err);
}

static wr_status begin_hit(wr_live_hits *h, const wr_typology_news *n, wr_err *err)
{
    wr_live_hit *p = wr_grow(h->hit, &h->cap, h->count + 1, sizeof *p);
    if (!p)
        return no_room(h, err);
    h->hit = p;
    h->hit[h->count++] =
        (wr_live_hit){.root = n->root, .typology = n->typology, .variant = n->variant};
    h->begun++;
    return add_member(h, (uint32_t)h->count - 1, n->root, err);
}

static wr_status replace(wr_live_hits *h, uint64_t number, wr_err *err)
{
    const size_t i = index_of(h, number);
    if (i == SIZE_MAX || h->hit[i].is_gone)
        return WR_OK;
    wr_live_hit *x = &h->hit[i];
    x->is_gone = true;
    h->told -= x->has_newer;
    return x->has_newer ? tell_gone(h, (uint32_t)i, err) : WR_OK;
}

static wr_status listen_one(wr_live_hits *h, const wr_typology_news *n,
                            const uint32_t *edge, uint64_t *left_out, wr_err *err)
{
    if (n->is_early)
        return WR_OK;
    if (n->is_new && n->hit == h->begun + 1 && h->count < h->hits_max)
        WR_TRY(begin_hit(h, n, err));
    const size_t at = index_of(h, n->hit);
    if (at == SIZE_MAX) { /* the caps were reached when it began */
        *left_out += n->is_new || n->hit <= h->begun;
        return WR_OK;
    }
    const uint32_t hit = (uint32_t)at;
    wr_live_hit *x = &h->hit[hit];
    const bool is_weaker = n->strength < x->strength;
    x->strength = n->strength;
    x->is_partial |= n->is_partial;
    x->is_hub_truncated |= n->is_hub_truncated;
    if (h->places + 3 * n->edge_count > h->places_max) {
        *left_out += 1;
        x->is_partial = true;
    } else {
        for (size_t i = 0; i < n->edge_count; i++)
            WR_TRY(add_edge(h, hit, edge[i], err));
    }
    WR_TRY(replace(h, n->replaces, err));
    if (!x->has_newer)
        return WR_OK;
    if (is_weaker)
        tell_weaker(h, hit);
    return note_grown(h, hit, err);
}

wr_status wr_live_hits_listen(wr_live_hits *h, const wr_typology_told *told,
                              uint64_t *left_out, wr_err *err)
{
    for (size_t i = 0; i < told->count; i++) {
        const wr_typology_news *n = &told->news[i];
        WR_TRY(listen_one(h, n, told->edge + n->edge, left_out, err));
    }
    return WR_OK;
}

/* --- another run -----------------------------------------------------------------------
 */

/* What came after the run has the highest refs, with some of the run's among them. */
static bool has_newer(const wr_live_hits *h, const wr_live_hit *x)
{
    for (size_t i = x->edge_count; i > 0; i--) {
        const wr_live_edge e = h->edge(h->ctx, x->edge[i - 1]);
        if (e.is_newer)
            return true;
        if (e.is_settled)
            return false;
    }
    return false;
}

static bool is_over(const wr_live_hit *x, uint32_t over_s)
{
    return x->is_gone ||
           (!x->has_newer && x->typology != WR_TYPOLOGY_MIXER && x->last_s < over_s);
}

static void let_go(wr_live_hits *h, wr_live_hit *x)
{
    h->places -= (uint64_t)x->edge_count + x->member_count;
    wr_free(x->edge);
    wr_free(x->member);
}

/* Nobody has been told of anything. */
static void forget_tallies(wr_live_hits *h)
{
    wr_free(h->place);
    wr_free(h->tally);
    wr_free(h->wallet);
    h->place = NULL;
    h->tally = NULL;
    h->wallet = NULL;
    h->place_count = h->place_cap = h->tally_count = h->tally_cap = h->wallet_cap = 0;
    h->told = h->grown_count = h->dirty_count = 0;
}

/* The array no longer than need be. */
static wr_status shrink(wr_live_hits *h, wr_err *err)
{
    wr_live_hit *p = wr_calloc(h->count + 1, sizeof *p);
    if (!p)
        return no_room(h, err);
    if (h->count)
        memcpy(p, h->hit, h->count * sizeof *p);
    wr_free(h->hit);
    h->hit = p;
    h->cap = h->count + 1;
    return WR_OK;
}

/* The hits that may go on or are told of, by their numbers. */
static wr_status keep_some(wr_live_hits *h, uint32_t over_s, wr_err *err)
{
    size_t kept = 0;
    uint64_t *number = wr_calloc(h->count + 1, sizeof *number);
    if (!number)
        return no_room(h, err);
    for (size_t i = 0; i < h->count; i++) {
        wr_live_hit x = h->hit[i];
        x.has_newer = !x.is_gone && has_newer(h, &x);
        x.has_grown = false;
        if (is_over(&x, over_s)) {
            let_go(h, &x);
            continue;
        }
        number[kept] = number_of(h, i); /* before hit[i] is another's place */
        h->hit[kept++] = x;
    }
    wr_free(h->old_number);
    h->old_number = number;
    h->count = h->old_count = kept;
    return shrink(h, err);
}

wr_status wr_live_hits_rebase(wr_live_hits *h, uint32_t over_s, wr_err *err)
{
    forget_tallies(h);
    WR_TRY(keep_some(h, over_s, err));
    for (uint32_t i = 0; i < h->count; i++) {
        if (!h->hit[i].has_newer)
            continue;
        h->told++;
        for (size_t k = 0; k < h->hit[i].member_count; k++)
            WR_TRY(give_place(h, h->hit[i].member[k], i, err));
    }
    return WR_OK;
}

/* --- to the board ----------------------------------------------------------------------
 */

static void look_for_best(const wr_live_hits *h, tally *t)
{
    for (uint32_t p = t->first; p; p = h->place[p - 1].next) {
        const uint32_t hit = h->place[p - 1].hit;
        if (!h->hit[hit].is_gone &&
            (!t->best || is_better(h, t->wallet, hit, t->best - 1)))
            t->best = hit + 1;
    }
}

static wr_reason_typology reason_of(const wr_live_hits *h, const tally *t)
{
    if (!t->hits)
        return (wr_reason_typology){.typology = t->typology};
    const wr_live_hit *x = &h->hit[t->best - 1];
    return (wr_reason_typology){.typology = t->typology,
                                .is_root = x->root == t->wallet,
                                .is_partial = x->is_partial || x->is_hub_truncated,
                                .hits = t->hits,
                                .transfers = x->edge_count,
                                .strength = x->strength,
                                .amount = x->amount,
                                .first_s = x->first_s,
                                .last_s = x->last_s};
}

/* The newest of its best hit, ascending. */
static void read_last(int64_t seq[WR_TYPOLOGY_SEQS], const wr_live_hits *h,
                      const tally *t)
{
    memset(seq, 0, WR_TYPOLOGY_SEQS * sizeof *seq);
    if (!t->hits)
        return;
    const wr_live_hit *x = &h->hit[t->best - 1];
    const size_t n = x->edge_count < WR_TYPOLOGY_SEQS ? x->edge_count : WR_TYPOLOGY_SEQS;
    for (size_t i = 0; i < n; i++)
        seq[i] = h->edge(h->ctx, x->edge[x->edge_count - n + i]).seq;
}

wr_status wr_live_hits_publish(wr_live_hits *h, wr_typology_board *b,
                               wr_live_wallet_fn id, const void *ctx, wr_err *err)
{
    for (; h->grown_count; h->grown_count--)
        WR_TRY(tell_grown(h, h->grown[h->grown_count - 1], err));
    for (; h->dirty_count; h->dirty_count--) {
        tally *t = &h->tally[h->dirty[h->dirty_count - 1]];
        if (t->hits && !t->best)
            look_for_best(h, t);
        const wr_reason_typology r = reason_of(h, t);
        int64_t seq[WR_TYPOLOGY_SEQS];
        read_last(seq, h, t);
        WR_TRY(wr_typology_board_put(b, id(ctx, t->wallet), &r, seq, err));
        t->is_dirty = false;
    }
    return WR_OK;
}

size_t wr_live_hits_count(const wr_live_hits *h)
{
    return h->count;
}

const wr_live_hit *wr_live_hits_at(const wr_live_hits *h, size_t i)
{
    return &h->hit[i];
}

uint64_t wr_live_hits_told(const wr_live_hits *h)
{
    return h->told;
}

uint64_t wr_live_hits_bytes(const wr_live_hits *h)
{
    return sizeof *h + h->cap * sizeof *h->hit + h->places * sizeof(uint32_t) * 5 / 4 +
           h->place_cap * sizeof *h->place + h->wallet_cap * sizeof *h->wallet +
           h->tally_cap * sizeof *h->tally + h->dirty_cap * sizeof *h->dirty +
           h->old_count * sizeof *h->old_number + h->grown_cap * sizeof *h->grown;
}
