/* The pass over one wallet's transfers before T. */
#include <math.h>
#include <stdlib.h>

#include "scoring/feature_math_int.h"
#include "scoring/features_int.h"

enum { TABLE_MIN = 64 };

static const uint32_t WINDOW_S[WR_PAST_WINDOWS] = {WR_HOUR_S, WR_DAY_S, WR_WEEK_S,
                                                   WR_MONTH_S};

/* ---- workspace ---- */

bool wr_features_work_init(wr_features_work *w)
{
    w->table_size = TABLE_MIN;
    w->table = wr_calloc(w->table_size, sizeof *w->table);
    return w->table;
}

void wr_features_work_release(wr_features_work *w)
{
    wr_free(w->party);
    wr_free(w->table);
}

static size_t party_slot(const wr_features_work *w, wr_vid v)
{
    size_t at = (size_t)((v * 0x9E3779B97F4A7C15ULL) >> 32) & (w->table_size - 1);
    while (w->table[at] && w->party[w->table[at] - 1].v != v)
        at = (at + 1) & (w->table_size - 1);
    return at;
}

static bool party_reserve(wr_features_work *w)
{
    wr_party *party = wr_grow(w->party, &w->party_cap, w->party_count + 1, sizeof *party);
    if (!party)
        return false;
    w->party = party;
    if (w->party_count + 1 <= w->table_size / 2)
        return true;
    uint32_t *table = wr_calloc(w->table_size * 2, sizeof *table);
    if (!table)
        return false;
    wr_free(w->table);
    w->table = table;
    w->table_size *= 2;
    for (size_t i = 0; i < w->party_count; i++)
        table[party_slot(w, party[i].v)] = (uint32_t)i + 1;
    return true;
}

/* NULL = no memory */
static wr_party *party_of(wr_features_work *w, wr_vid v)
{
    size_t at = party_slot(w, v);
    if (!w->table[at]) {
        if (!party_reserve(w))
            return NULL;
        at = party_slot(w, v); /* the table may have grown */
        w->party[w->party_count] = (wr_party){.v = v};
        w->table[at] = (uint32_t)++w->party_count;
    }
    return &w->party[w->table[at] - 1];
}

/* Every slot is found through its party, so clearing costs what filling did. */
static void party_clear(wr_features_work *w)
{
    for (size_t i = w->party_count; i-- > 0;)
        w->table[party_slot(w, w->party[i].v)] = 0;
    w->party_count = 0;
}

/* ---- both rows of a wallet as one ---- */

typedef struct merge {
    const wr_columns *col;
    const uint32_t *out, *in, *out_end, *in_end;
} merge;

static const uint32_t *before(const wr_rows *r, wr_vid v, const wr_columns *col,
                              uint32_t t)
{
    const uint32_t *lo = r->col + r->off[v], *hi = r->col + r->off[v + 1ULL];
    while (lo < hi) {
        const uint32_t *mid = lo + (hi - lo) / 2;
        if (col->time_s[*mid] < t)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static merge merge_of(const wr_features *f, wr_vid v)
{
    const wr_flow *fl = f->fl;
    return (merge){.col = &fl->col,
                   .out = fl->out.col + fl->out.off[v],
                   .in = fl->in.col + fl->in.off[v],
                   .out_end = before(&fl->out, v, &fl->col, f->o.as_of_s),
                   .in_end = before(&fl->in, v, &fl->col, f->o.as_of_s)};
}

/* Next transfer that is not to oneself; false = none is left. */
static bool merge_next(merge *m, uint32_t *at, int *side)
{
    while (m->out < m->out_end || m->in < m->in_end) {
        const bool is_out =
            m->out < m->out_end && (m->in == m->in_end || *m->out <= *m->in);
        *at = is_out ? *m->out++ : *m->in++;
        *side = is_out ? WR_PAST_OUT : WR_PAST_IN;
        if (m->col->from[*at] != m->col->to[*at])
            return true;
    }
    return false;
}

/* ---- one transfer ---- */

static void take_moments(wr_past_side *d, double value)
{
    const double n = ++d->life_count, away = value - d->mean, part = away / n;
    const double term = away * part * (n - 1);
    d->mean += part;
    d->m3 += term * part * (n - 2) - 3 * part * d->m2;
    d->m2 += term;
    d->life_value += value;
    d->max = fmax(d->max, value);
    d->last = value;
}

static void take_label(wr_past_side *d, wr_party *p, int side, const wr_features *f,
                       uint32_t at)
{
    const wr_seeds *s = f->fl->seeds;
    const double value = f->fl->col.value[at];
    const int c = wr_seeds_at(s, p->v, f->fl->col.time_s[at]);
    if (c < 0)
        return;
    d->service += s->kind[c] == WR_CATEGORY_SERVICE ? value : 0;
    d->mixer += c == f->o.mixer ? value : 0;
    d->bridge += c == f->o.bridge ? value : 0;
    d->dex += c == f->o.dex ? value : 0;
    if (s->kind[c] == WR_CATEGORY_SERVICE || p->is_bad[side])
        return;
    p->is_bad[side] = true;
    d->bad_parties++;
}

static void take_side(wr_past_side *d, wr_party *p, int side, const wr_features *f,
                      uint32_t at)
{
    const uint32_t t = f->fl->col.time_s[at];
    const double value = f->fl->col.value[at];
    const bool is_new = p->count[side] == 0;
    for (int w = 0; w < WR_PAST_WINDOWS; w++) {
        if ((uint64_t)t + WINDOW_S[w] <= f->o.as_of_s)
            continue;
        d->count[w]++;
        d->value[w] += value;
        if (w > 0)
            d->new_count[w - 1] += is_new;
    }
    d->life_parties += is_new;
    if (is_new)
        p->port[side] = d->life_parties;
    p->count[side]++;
    p->last_s[side] = t;
    d->top_count = p->count[side] > d->top_count ? p->count[side] : d->top_count;
    d->last_s = t;
    d->last_port = p->port[side];
    d->is_last_new = is_new;
    take_moments(d, value);
    take_label(d, p, side, f, at);
}

static uint32_t first_digit(double value)
{
    double d = value / pow(10, floor(log10(value)));
    d = d >= 10 ? d / 10 : d < 1 ? d * 10 : d;
    return (uint32_t)fmin(fmax(d, 1), 9);
}

static void take_common(wr_past *p, const wr_features *f, uint32_t t, double value)
{
    if (p->count) {
        const double gap = t - p->last_s, away = gap - p->gap_mean;
        p->gap_mean += away / p->count;
        p->gap_m2 += away * (gap - p->gap_mean);
    } else {
        p->first_s = t;
    }
    p->days += !p->count || t / WR_DAY_S != p->last_s / WR_DAY_S;
    p->hours += !p->count || t / WR_HOUR_S != p->last_s / WR_HOUR_S;
    p->night += t % WR_DAY_S < 6 * WR_HOUR_S;
    p->round += wr_feature_roundness(value) >= 2;
    p->below += wr_feature_is_below(value, f->o.limit);
    p->dust += value < f->o.dust;
    if (value > 0) {
        p->digits++;
        p->digit[first_digit(value)]++;
    }
    p->count++;
    p->last_s = t;
}

/* ---- how long money stayed ---- */

static int by_time(const void *a, const void *b)
{
    const wr_hold *x = a, *y = b;
    if (x->time_s != y->time_s)
        return x->time_s < y->time_s ? -1 : 1;
    return (x->value > y->value) - (x->value < y->value);
}

/* `count` transfers have passed through the ring w->recent. */
static double hold(wr_features_work *w, uint32_t count)
{
    const uint32_t start = count > WR_HOLD_MAX ? count - WR_HOLD_MAX : 0;
    uint32_t head = start;
    size_t matches = 0;
    double total = 0, seen = 0;
    for (uint32_t i = start; i < count; i++) {
        wr_hold *out = &w->recent[i % WR_HOLD_MAX];
        while (out->is_out && out->value > 0 && head < i) {
            wr_hold *in = &w->recent[head % WR_HOLD_MAX];
            if (in->is_out || in->value <= 0) {
                head++;
                continue;
            }
            const double part = fmin(in->value, out->value);
            w->match[matches++] =
                (wr_hold){.value = part, .time_s = out->time_s - in->time_s};
            in->value -= part;
            out->value -= part;
            total += part;
        }
    }
    if (total <= 0)
        return WR_FEATURE_NONE;
    qsort(w->match, matches, sizeof *w->match, by_time);
    size_t k = 0;
    for (; k + 1 < matches && seen + w->match[k].value < total / 2; k++)
        seen += w->match[k].value;
    return w->match[k].time_s;
}

/* ---- */

static void count_parties(wr_past *p, const wr_features_work *w, uint32_t as_of_s)
{
    for (size_t i = 0; i < w->party_count; i++) {
        const wr_party *y = &w->party[i];
        p->mutual += y->count[WR_PAST_OUT] && y->count[WR_PAST_IN];
        for (int side = 0; side < WR_PAST_SIDES; side++)
            for (int k = 0; k < WR_PAST_LONG; k++)
                p->side[side].parties[k] +=
                    y->count[side] &&
                    (uint64_t)y->last_s[side] + WINDOW_S[k + 1] > as_of_s;
    }
    p->parties = (uint32_t)w->party_count;
}

bool wr_features_past(wr_past *p, wr_features_work *w, const wr_features *f, wr_vid v)
{
    const wr_columns *col = &f->fl->col;
    merge lead = merge_of(f, v), lag = lead;
    uint32_t at, lag_at = 0, lagging = 0;
    int side, lag_side;
    bool is_ok = true;
    *p = (wr_past){0};
    while (merge_next(&lead, &at, &side)) {
        const uint32_t t = col->time_s[at];
        wr_party *y = party_of(w, side == WR_PAST_OUT ? col->to[at] : col->from[at]);
        if (!(is_ok = y))
            break;
        w->recent[p->count % WR_HOLD_MAX] = (wr_hold){
            .value = col->value[at], .time_s = t, .is_out = side == WR_PAST_OUT};
        take_side(&p->side[side], y, side, f, at);
        take_common(p, f, t, col->value[at]);
        /* lag stands behind transfer number `lagging`: the first of the ten minutes */
        while (!lagging || (uint64_t)col->time_s[lag_at] + WR_BURST_S <= t) {
            (void)merge_next(&lag, &lag_at, &lag_side);
            lagging++;
        }
        const uint32_t burst = p->count - lagging + 1;
        p->burst = burst > p->burst ? burst : p->burst;
    }
    if (is_ok) {
        count_parties(p, w, f->o.as_of_s);
        p->hold_s = hold(w, p->count);
    }
    party_clear(w);
    return is_ok;
}
