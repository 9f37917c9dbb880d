#include "scoring/static_exposure_int.h"

#include <inttypes.h>
#include <string.h>

#include "util/mem.h"

/*
 * ROWS     lines handed to a thread at once
 * AHEAD    pairs whose slot is asked for early; rows are short: it is the next ones that
 *          gain
 * CLASSES  of heat: 31 - floor(log2(degree)), and one for degree 0
 */
enum { ROWS = 256, AHEAD = 24, CLASSES = 33 };
#define HOT_BYTES (2u << 20) /* the share of the state that stays in a core's cache */

typedef enum kind { DEAD, LABELLED, LINE, HUB_LINE } kind;

/* One block of vertices: first how many, then where its first one goes. */
typedef struct tally {
    uint32_t slot[CLASSES];  /* vertices of a class */
    uint64_t pairs[CLASSES]; /* that leave them */
    uint32_t line[2];        /* lines, lines of hubs */
    uint64_t edge[2];        /* room of theirs */
} tally;

static uint32_t block_end(uint32_t n, uint32_t b)
{
    return n - b * WR_STATIC_BLOCK < WR_STATIC_BLOCK ? n : (b + 1) * WR_STATIC_BLOCK;
}

/* ---- which vertices take part ---- */

/* Labelled, or with a row of its own that may bring it something. */
static bool may_hold(const wr_walk *w, wr_vid u)
{
    const uint32_t never = w->direction == WR_RECEIVING ? UINT32_MAX : 0;
    if (w->s->category[u] >= 0)
        return true;
    bool can = !w->hold_s;
    for (uint32_t c = 0; c < w->s->c && !can; c++)
        can = w->hold_s[(size_t)u * w->s->c + c] != never;
    return can && wr_views_degree(w->rows, u) > 0;
}

static void mark_live(wr_static_plan *p, const wr_walk *w)
{
    const uint32_t n = w->s->n, words = n / 64 + 1;
#pragma omp parallel for default(none) shared(p, w, n, words) schedule(static)
    for (uint32_t k = 0; k < words; k++) {
        uint64_t bits = 0;
        for (uint32_t b = 0; b < 64 && k * 64ULL + b < n; b++)
            bits |= (uint64_t)may_hold(w, k * 64 + b) << b;
        p->live[k] = bits;
    }
}

/* A line needs one live neighbour; which of them carry is found out when it is filled. */
static kind kind_of(const wr_static_plan *p, const wr_walk *w, wr_vid v)
{
    if (w->s->category[v] >= 0)
        return LABELLED;
    for (uint64_t i = w->rows->off[v]; i < w->rows->off[v + 1ULL]; i++) {
        const wr_vid u = w->rows->nbr[i];
        if (p->live[u / 64] >> (u % 64) & 1)
            return wr_walk_is_clear(w, v) ? HUB_LINE : LINE;
    }
    return DEAD;
}

/* 0 for the vertices most often gathered from. */
static uint32_t heat_class(const wr_walk *w, wr_vid v)
{
    const uint64_t degree = wr_views_degree(w->cols, v);
    return degree ? (uint32_t)__builtin_clz((uint32_t)degree) : CLASSES - 1;
}

static void count_block(tally *t, wr_static_plan *p, const wr_walk *w, uint32_t b)
{
    const uint32_t end = block_end(w->s->n, b);
    for (wr_vid v = b * WR_STATIC_BLOCK; v < end; v++) {
        const kind k = kind_of(p, w, v);
        p->kind[v] = (uint8_t)k;
        if (k == DEAD)
            continue;
        const uint32_t heat = heat_class(w, v);
        t->slot[heat]++;
        t->pairs[heat] += wr_views_degree(w->cols, v);
        if (k == LABELLED)
            continue;
        t->line[k == HUB_LINE]++;
        t->edge[k == HUB_LINE] += wr_views_degree(w->rows, v);
    }
}

/* ---- where they go ---- */

/*
 * Relabelling pays when most gathers go to few sources and these lie scattered: when at
 * least half of the pairs leave the classes whose rows fit the cache together, and the
 * whole state does not fit.
 */
static bool wants_relabel(const tally *t, uint32_t blocks, uint32_t ld)
{
    const uint64_t room = HOT_BYTES / (ld * sizeof(float));
    uint64_t all = 0, hot = 0, rows = 0, hot_rows = 0;
    bool fits = true;
    for (uint32_t k = 0; k < CLASSES; k++) {
        uint64_t vertices = 0, pairs = 0;
        for (uint32_t b = 0; b < blocks; b++) {
            vertices += t[b].slot[k];
            pairs += t[b].pairs[k];
        }
        fits = fits && hot_rows + vertices <= room;
        hot_rows += fits ? vertices : 0;
        hot += fits ? pairs : 0;
        all += pairs;
        rows += vertices;
    }
    return rows > room && hot * 2 >= all;
}

static uint32_t take32(uint32_t *count, uint32_t *next)
{
    const uint32_t at = *next;
    *next += *count;
    *count = at;
    return at;
}

static void take64(uint64_t *count, uint64_t *next)
{
    const uint64_t at = *next;
    *next += *count;
    *count = at;
}

/* Counts into places: hub lines before the others, slots by class or by vertex. */
static void place_blocks(tally *t, wr_static_plan *p, uint32_t blocks)
{
    wr_spmm *a = &p->a;
    const uint32_t classes = p->is_relabelled ? CLASSES : 1;
    for (uint32_t b = 0; b < blocks && !p->is_relabelled; b++)
        for (uint32_t k = 1; k < CLASSES; k++)
            t[b].slot[0] += t[b].slot[k];
    for (uint32_t k = 0; k < classes; k++)
        for (uint32_t b = 0; b < blocks; b++)
            (void)take32(&t[b].slot[k], &a->slots);
    uint64_t room = 0;
    for (int is_hub = 1; is_hub >= 0; is_hub--) {
        for (uint32_t b = 0; b < blocks; b++) {
            const uint32_t at = take32(&t[b].line[is_hub], &a->lines);
            const uint32_t length = a->lines - at;
            if (!is_hub && length > a->block_max)
                a->block_max = length;
            take64(&t[b].edge[is_hub], &room);
        }
        a->head = is_hub ? a->lines : a->head;
    }
    a->blocks = blocks;
    p->pairs = room;
}

static void lay_block(tally *t, wr_static_plan *p, const wr_walk *w, uint32_t b)
{
    wr_spmm *a = &p->a;
    const uint32_t end = block_end(w->s->n, b);
    uint32_t part = b * WR_SPMM_PARTS;
    for (wr_vid v = b * WR_STATIC_BLOCK; v < end; v++) {
        const kind k = (kind)p->kind[v];
        if (v % WR_STATIC_PART == 0)
            a->part[part++] = t->line[0];
        p->slot[v] = WR_VID_NONE;
        if (k == DEAD)
            continue;
        p->slot[v] = t->slot[p->is_relabelled ? heat_class(w, v) : 0]++;
        if (k == LABELLED)
            continue;
        const uint32_t l = t->line[k == HUB_LINE]++;
        p->vertex[l] = v;
        a->at[l] = p->slot[v];
        a->off[l] = t->edge[k == HUB_LINE];
        t->edge[k == HUB_LINE] += wr_views_degree(w->rows, v);
    }
    while (part < (b + 1) * WR_SPMM_PARTS)
        a->part[part++] = t->line[0];
}

/* ---- the edges ---- */

/* Pairs that carry to the front of the line's room; values at first, weights after. */
static void fill_line(wr_static_plan *p, const wr_walk *w, uint32_t l)
{
    const wr_pairs *r = w->rows;
    const wr_vid v = p->vertex[l];
    const uint64_t room = wr_views_degree(r, v);
    wr_spmm_edge *edge = p->a.edge + p->a.off[l];
    uint16_t *masks = p->a.mask ? p->a.mask + p->a.off[l] : NULL;
    double total = 0.0;
    uint32_t k = 0;
    for (uint64_t i = r->off[v]; i < r->off[v + 1ULL]; i++) {
        const wr_vid u = r->nbr[i];
        if (i + AHEAD < r->m)
            __builtin_prefetch(p->slot + r->nbr[i + AHEAD]);
        if (!wr_walk_counts(w, u, v))
            continue;
        total += (double)r->value[i];
        const uint32_t slot = p->slot[u];
        const uint32_t mask = slot == WR_VID_NONE ? 0 : wr_walk_pair_mask(w, v, i);
        if (!mask)
            continue;
        edge[k] = (wr_spmm_edge){slot, r->value[i]};
        if (masks)
            masks[k] = (uint16_t)mask;
        k++;
    }
    const double factor = wr_walk_factor_of(w, v, total);
    for (uint32_t i = 0; i < k; i++)
        edge[i].weight = wr_static_weight(factor, edge[i].weight);
    memset(edge + k, 0, (room - k) * sizeof *edge);
    p->a.count[l] = k;
}

/* Last times beside the in-rows, when the causal mask asks for them of every pair. */
static wr_status read_times(wr_walk *w, uint32_t **own, wr_err *err)
{
    if (!w->hold_s || w->direction != WR_RECEIVING)
        return WR_OK;
    *own = wr_alloc_big(w->rows->m, sizeof **own);
    if (!*own)
        return wr_fail(err, WR_ENOMEM, "times of %" PRIu64 " pairs", w->rows->m);
    WR_TRY(wr_pairs_times_in(NULL, *own, w->rows, err));
    w->last_s = *own;
    return WR_OK;
}

static uint64_t fill_lines(wr_static_plan *p, const wr_walk *w)
{
    const uint32_t lines = p->a.lines;
    uint64_t pairs = 0;
#pragma omp parallel for default(none) shared(p, w, lines) reduction(+ : pairs) \
    schedule(dynamic, ROWS)
    for (uint32_t l = 0; l < lines; l++) {
        fill_line(p, w, l);
        pairs += p->a.count[l];
    }
    return pairs;
}

/* ---- */

static wr_status allocate_lines(wr_static_plan *p, bool has_mask, wr_err *err)
{
    wr_spmm *a = &p->a;
    const size_t lines = a->lines;
    a->off = wr_alloc_big(lines + 1, sizeof *a->off);
    a->count = wr_alloc_big(lines, sizeof *a->count);
    a->at = wr_alloc_big(lines, sizeof *a->at);
    p->vertex = wr_alloc_big(lines, sizeof *p->vertex);
    a->part = wr_calloc((size_t)a->blocks * WR_SPMM_PARTS + 1, sizeof *a->part);
    a->edge = wr_alloc_big(p->pairs, sizeof *a->edge);
    a->mask = has_mask ? wr_alloc_big(p->pairs, sizeof *a->mask) : NULL;
    if (!a->off || !a->count || !a->at || !p->vertex || !a->part || !a->edge ||
        (has_mask && !a->mask))
        return wr_fail(err, WR_ENOMEM, "static exposure of %zu rows, %" PRIu64 " pairs",
                       lines, p->pairs);
    a->off[lines] = p->pairs;
    a->part[(size_t)a->blocks * WR_SPMM_PARTS] = a->lines;
    return WR_OK;
}

static wr_status make(wr_static_plan *p, tally *t, const wr_walk *w, wr_err *err)
{
    const uint32_t blocks = wr_static_blocks(w->s->n);
    mark_live(p, w);
#pragma omp parallel for default(none) shared(p, t, w, blocks) schedule(dynamic, 1)
    for (uint32_t b = 0; b < blocks; b++)
        count_block(t + b, p, w, b);
    p->is_relabelled = wants_relabel(t, blocks, p->a.ld);
    place_blocks(t, p, blocks);
    WR_TRY(allocate_lines(p, w->hold_s, err));
#pragma omp parallel for default(none) shared(p, t, w, blocks) schedule(dynamic, 1)
    for (uint32_t b = 0; b < blocks; b++)
        lay_block(t + b, p, w, b);
    WR_AUTO_ARRAY uint32_t *last_s = NULL;
    wr_walk timed = *w;
    WR_TRY(read_times(&timed, &last_s, err));
    p->pairs = fill_lines(p, &timed);
    return WR_OK;
}

wr_status wr_static_plan_make(wr_static_plan *p, const wr_walk *w, wr_err *err)
{
    const size_t n = w->s->n;
    p->a.ld = w->s->c <= WR_SPMM_NARROW ? WR_SPMM_NARROW : WR_SPMM_WIDE;
    p->live = wr_calloc(n / 64 + 1, sizeof *p->live);
    p->slot = wr_alloc_big(n, sizeof *p->slot);
    p->kind = wr_alloc_big(n, sizeof *p->kind);
    WR_AUTO_ARRAY tally *t = wr_calloc(wr_static_blocks(w->s->n) + 1ULL, sizeof *t);
    if (!p->live || !p->slot || !p->kind || !t)
        return wr_fail(err, WR_ENOMEM, "static exposure of %zu vertices", n);
    return make(p, t, w, err);
}

void wr_static_plan_release(wr_static_plan *p)
{
    wr_spmm_release(&p->a);
    wr_free(p->slot);
    wr_free(p->live);
    wr_free(p->kind);
    wr_free(p->vertex);
    *p = (wr_static_plan){0};
}
