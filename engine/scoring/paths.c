#include "scoring/paths.h"

#include <string.h>

#include "scoring/history_int.h"

/*
 * The search grows a tree backward from v: a node is a transfer, its parent the transfer
 * that the money left by next.
 */
typedef struct node {
    double weight;   /* of a unit of this transfer: what of it reaches v this way */
    uint32_t at;     /* column position */
    uint32_t parent; /* node index; NO_PARENT at transfers into v */
    uint16_t hops, depth;
} node;

typedef struct candidate { /* heap entry */
    double bound;          /* mass of a whole path, upper bound of a partial one */
    uint32_t node;
    bool is_whole;
} candidate;

typedef struct event { /* one transfer of the wallet being opened */
    double stays;      /* paid: part of each unit held that stays; < 0: received */
    uint32_t at;
} event;

typedef struct search {
    const wr_flow *fl;
    wr_history h;
    const wr_paths_opts *o;
    node *node;
    candidate *heap;
    event *event;
    size_t node_count, node_cap, heap_count, heap_cap, event_cap;
    uint64_t scanned;
    double whole[WR_PATHS_MAX]; /* the largest masses found, descending */
    uint32_t whole_count;
    bool is_truncated;
} search;

#define NO_PARENT UINT32_MAX

static void search_release(search *s)
{
    wr_free(s->node);
    wr_free(s->heap);
    wr_free(s->event);
}

static uint16_t asset_of(const search *s, uint32_t at)
{
    return s->fl->col.asset ? s->fl->col.asset[at] : 0;
}

/* Key of the next transfer, or `end` when there is none before it. */
static uint64_t cursor_key(const search *s, const wr_cursor *k, uint64_t end)
{
    if (k->next == k->count)
        return end;
    uint64_t key = wr_history_key(&s->h, wr_cursor_at(k));
    return key < end ? key : end;
}

/* --- the queue: largest bound first, ties by the earlier node ------------------------
 */

static bool goes_before(const candidate *a, const candidate *b)
{
    return a->bound > b->bound || (a->bound == b->bound && a->node < b->node);
}

static wr_status heap_push(search *s, candidate c, wr_err *err)
{
    candidate *h = wr_grow(s->heap, &s->heap_cap, s->heap_count + 1, sizeof *h);
    if (!h)
        return wr_fail(err, WR_ENOMEM, "queue of %zu partial paths", s->heap_count);
    s->heap = h;
    size_t i = s->heap_count++;
    for (; i > 0 && goes_before(&c, &h[(i - 1) / 2]); i = (i - 1) / 2)
        h[i] = h[(i - 1) / 2];
    h[i] = c;
    return WR_OK;
}

static candidate heap_pop(search *s)
{
    candidate *h = s->heap, top = h[0], last = h[--s->heap_count];
    size_t i = 0;
    for (;;) {
        size_t k = 2 * i + 1;
        if (k >= s->heap_count)
            break;
        k += k + 1 < s->heap_count && goes_before(&h[k + 1], &h[k]);
        if (!goes_before(&h[k], &last))
            break;
        h[i] = h[k];
        i = k;
    }
    h[i] = last;
    return top;
}

/* --- growing the tree -----------------------------------------------------------------
 */

/* Mass below this cannot enter the result any more. */
static double threshold(const search *s)
{
    return s->whole_count == s->o->paths_max ? s->whole[s->whole_count - 1] : 0;
}

static void note_whole(search *s, double mass)
{
    uint32_t i = s->whole_count < s->o->paths_max ? s->whole_count++ : s->whole_count - 1;
    for (; i > 0 && s->whole[i - 1] < mass; i--)
        s->whole[i] = s->whole[i - 1];
    s->whole[i] = mass;
}

static bool is_wanted(const search *s, int category)
{
    if (s->o->category >= 0)
        return category == s->o->category;
    return s->fl->seeds->kind[category] != WR_CATEGORY_SERVICE;
}

/* Part of one unit of transfer `at`, paid by an unlabelled wallet, that can be wanted. */
static double share_bound(const search *s, uint32_t at)
{
    int c = s->o->category;
    if (c >= 0 && s->fl->seeds->kind[c] == WR_CATEGORY_SERVICE)
        return wr_flow_is_hub(s->fl, wr_history_payer(&s->h, at)) ? 1 : 0;
    return s->o->mark ? wr_ledger_level_share(s->o->mark[at].level) : 1;
}

/* Transfer `at` with the weight it has on the way to v that goes on with `parent`. */
static wr_status offer(search *s, uint32_t at, double weight, uint32_t parent,
                       wr_err *err)
{
    wr_vid u = wr_history_payer(&s->h, at);
    uint32_t hops = wr_flow_is_hub(s->fl, wr_history_payee(&s->h, at)) ? 0 : 1, depth = 1;
    if (parent != NO_PARENT) {
        hops += s->node[parent].hops;
        depth += s->node[parent].depth;
    }
    int label = wr_history_label(&s->h, u, at);
    bool is_whole = label >= 0;
    if ((is_whole && !is_wanted(s, label)) || hops > s->o->hops_max ||
        depth > WR_PATHS_STEPS_MAX)
        return WR_OK;
    const float *q = s->fl->seeds->confidence;
    double part = is_whole ? (q ? (double)q[u] : 1.0) : share_bound(s, at);
    double bound = weight * (part * s->fl->col.value[at]);
    if (!(bound > 0) || bound < threshold(s))
        return WR_OK;

    node *n = wr_grow(s->node, &s->node_cap, s->node_count + 1, sizeof *n);
    if (!n)
        return wr_fail(err, WR_ENOMEM, "tree of %zu partial paths", s->node_count);
    s->node = n;
    n[s->node_count] = (node){weight, at, parent, (uint16_t)hops, (uint16_t)depth};
    candidate c = {bound, (uint32_t)s->node_count++, is_whole};
    if (is_whole)
        note_whole(s, bound);
    return heap_push(s, c, err);
}

/*
 * Replay wallet u's balance in the asset of transfer `until` up to it, as the ledger does
 * it.  Fills s->event with what came since u was last empty and what each payment left.
 */
static wr_status replay(double *balance, size_t *count, search *s, wr_vid u,
                        uint32_t until, wr_err *err)
{
    uint64_t end = wr_history_key(&s->h, until);
    uint16_t asset = asset_of(s, until);
    wr_cursor got = wr_history_row(&s->h, u, true),
              paid = wr_history_row(&s->h, u, false);
    double b = 0;
    size_t n = 0;
    for (;;) {
        uint64_t kg = cursor_key(s, &got, end), kp = cursor_key(s, &paid, end);
        if (kg == end && kp == end)
            break;
        bool is_got = kg < kp;
        wr_cursor *k = is_got ? &got : &paid;
        uint32_t at = wr_cursor_at(k);
        k->next++;
        if (++s->scanned > s->o->scan_max)
            return WR_OK;
        if (!wr_history_moves_money(&s->h, at) || asset_of(s, at) != asset ||
            wr_history_label(&s->h, u, at) >= 0)
            continue;
        double a = s->fl->col.value[at];
        if (!is_got && a >= b) {
            b = 0;
            n = 0;
            continue;
        }
        event *e = wr_grow(s->event, &s->event_cap, n + 1, sizeof *e);
        if (!e)
            return wr_fail(err, WR_ENOMEM, "history of %zu transfers", n);
        s->event = e;
        e[n++] = (event){is_got ? -1 : (b - a) / b, at};
        b = is_got ? b + a : b - a;
    }
    *balance = b;
    *count = n;
    return WR_OK;
}

/* Open a partial path: every transfer whose money can have left by the node's transfer.
 */
static wr_status expand(search *s, uint32_t index, wr_err *err)
{
    node from = s->node[index];
    double balance = 0, a = s->fl->col.value[from.at];
    size_t count = 0;
    WR_TRY(replay(&balance, &count, s, wr_history_payer(&s->h, from.at), from.at, err));
    if (s->scanned > s->o->scan_max) {
        s->is_truncated = true;
        return WR_OK;
    }
    double weight = from.weight * (a >= balance ? 1 : a / balance);
    for (size_t i = count; i-- > 0 && weight > 0;) {
        event e = s->event[i];
        if (e.stays < 0)
            WR_TRY(offer(s, e.at, weight, index, err));
        else
            weight *= e.stays;
    }
    return WR_OK;
}

static wr_status start(search *s, wr_vid v, wr_err *err)
{
    wr_cursor k = wr_history_row(&s->h, v, true);
    for (k.next = k.count; k.next-- > 0;) {
        uint32_t at = wr_cursor_at(&k);
        if (++s->scanned > s->o->scan_max) {
            s->is_truncated = true;
            return WR_OK;
        }
        if (wr_history_moves_money(&s->h, at))
            WR_TRY(offer(s, at, 1, NO_PARENT, err));
    }
    return WR_OK;
}

/* --- result ---------------------------------------------------------------------------
 */

static void write_path(wr_path *p, const search *s, const candidate *c)
{
    const node *first = &s->node[c->node];
    *p = (wr_path){.source = wr_history_payer(&s->h, first->at),
                   .category = wr_history_label(&s->h, wr_history_payer(&s->h, first->at),
                                                first->at),
                   .mass = c->bound,
                   .hops = first->hops,
                   .step_count = first->depth};
    uint32_t i = c->node;
    for (uint32_t k = 0; k < p->step_count; k++) {
        bool is_sending = s->o->direction == WR_SENDING;
        p->step[is_sending ? p->step_count - 1 - k : k] = s->node[i].at;
        i = s->node[i].parent;
    }
}

static wr_status find(wr_paths *out, search *s, wr_vid v, wr_err *err)
{
    WR_TRY(start(s, v, err));
    while (s->heap_count && out->count < s->o->paths_max) {
        candidate c = heap_pop(s);
        if (c.is_whole)
            write_path(&out->path[out->count++], s, &c);
        else if (out->expanded == s->o->expand_max)
            s->is_truncated = true;
        else if (!s->is_truncated) {
            out->expanded++;
            WR_TRY(expand(s, c.node, err));
        }
    }
    return WR_OK;
}

static wr_status check_opts(const wr_flow *fl, wr_vid v, const wr_paths_opts *o,
                            wr_err *err)
{
    WR_TRY(wr_history_check(fl, v, err));
    if (o->category < -1 || o->category >= (int)fl->seeds->c)
        return wr_fail(err, WR_EINVAL, "category %d of %u", o->category, fl->seeds->c);
    if (o->paths_max < 1 || o->paths_max > WR_PATHS_MAX)
        return wr_fail(err, WR_EINVAL, "paths_max %u, wanted 1..%d", o->paths_max,
                       WR_PATHS_MAX);
    if (o->hops_max < 1 || o->hops_max > WR_PATHS_HOPS_MAX)
        return wr_fail(err, WR_EINVAL, "hops_max %u, wanted 1..%d", o->hops_max,
                       WR_PATHS_HOPS_MAX);
    if (o->expand_max < 1 || o->scan_max < 1 || o->scan_max > WR_PATHS_SCAN_MAX)
        return wr_fail(err, WR_EINVAL, "budget %u partial paths, %lu transfers",
                       o->expand_max, (unsigned long)o->scan_max);
    return WR_OK;
}

wr_status wr_paths_find(wr_paths *out, const wr_flow *fl, wr_vid v,
                        const wr_paths_opts *o, wr_err *err)
{
    WR_TRY(check_opts(fl, v, o, err));
    __attribute__((cleanup(search_release)))
    search s = {.fl = fl, .h = {fl, o->direction}, .o = o};
    WR_PATHS_AUTO wr_paths p = {.exposed = o->exposed < 0 ? -1 : o->exposed,
                                .residual = -1};
    p.path = wr_calloc(o->paths_max, sizeof *p.path);
    if (!p.path)
        return wr_fail(err, WR_ENOMEM, "%u paths", o->paths_max);
    WR_TRY(find(&p, &s, v, err));
    for (uint32_t i = 0; i < p.count; i++)
        p.explained += p.path[i].mass;
    if (p.exposed >= 0)
        p.residual = p.exposed > p.explained ? p.exposed - p.explained : 0;
    p.scanned = s.scanned;
    p.is_truncated = s.is_truncated;
    *out = p;
    p = (wr_paths){0};
    return WR_OK;
}

void wr_paths_release(wr_paths *p)
{
    wr_free(p->path);
    *p = (wr_paths){0};
}
