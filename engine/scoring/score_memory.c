#include "scoring/score_memory.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "scoring/booster.h"
#include "util/mem.h"

enum { PAID, RECEIVED, SIDES, STATS = 4 };

typedef struct side {
    double sum, max, recent;
    uint32_t count, last_s;
} side;

typedef struct wallet {
    side side[SIDES];
} wallet;

struct wr_score_memory {
    wallet *wallet;
    size_t count, cap;
    uint32_t now_s, half_life_s;
};

static const char *const NAME[WR_SCORE_MEMORY_COLUMNS] = {
    "from_out_score_sum",    "from_out_score_max", "from_out_score_mean",
    "from_out_score_recent", /* as row() writes them */
    "from_in_score_sum",     "from_in_score_max",  "from_in_score_mean",
    "from_in_score_recent",  "to_in_score_sum",    "to_in_score_max",
    "to_in_score_mean",      "to_in_score_recent", "to_out_score_sum",
    "to_out_score_max",      "to_out_score_mean",  "to_out_score_recent",
};

wr_status wr_score_memory_new(wr_score_memory **out, uint32_t half_life_s, wr_err *err)
{
    if (!half_life_s)
        return wr_fail(err, WR_EINVAL, "half-life of 0 s");
    wr_score_memory *m = wr_calloc(1, sizeof *m);
    if (!m)
        return wr_fail(err, WR_ENOMEM, "memory of scores");
    m->half_life_s = half_life_s;
    *out = m;
    return WR_OK;
}

void wr_score_memory_free(wr_score_memory *m)
{
    if (!m)
        return;
    wr_free(m->wallet);
    wr_free(m);
}

const char *wr_score_memory_name(uint32_t at)
{
    assert(at < WR_SCORE_MEMORY_COLUMNS);
    return NAME[at];
}

static double faded(const wr_score_memory *m, const side *d, uint32_t now_s)
{
    return d->recent * exp2(-(double)(now_s - d->last_s) / m->half_life_s);
}

static void put(float *at, const wr_score_memory *m, wr_vid v, int k, uint32_t now_s)
{
    const side *d = v < m->count ? &m->wallet[v].side[k] : NULL;
    const bool is_known = d && d->count;
    const float none = (float)WR_FEATURE_NONE;
    at[0] = is_known ? (float)d->sum : none;
    at[1] = is_known ? (float)d->max : none;
    at[2] = is_known ? (float)(d->sum / d->count) : none;
    at[3] = is_known ? (float)faded(m, d, now_s) : none;
}

void wr_score_memory_row(float *row, const wr_score_memory *m, const wr_feature_event *e)
{
    assert(e->time_s >= m->now_s);
    put(row, m, e->from, PAID, e->time_s);
    put(row + STATS, m, e->from, RECEIVED, e->time_s);
    put(row + 2 * STATS, m, e->to, RECEIVED, e->time_s);
    put(row + 3 * STATS, m, e->to, PAID, e->time_s);
}

static void side_take(const wr_score_memory *m, side *d, double prob, uint32_t now_s)
{
    d->recent = faded(m, d, now_s) + prob;
    d->sum += prob;
    d->max = fmax(d->max, prob);
    d->count += d->count < UINT32_MAX;
    d->last_s = now_s;
}

static wr_status reserve(wr_score_memory *m, wr_vid v, wr_err *err)
{
    if (v == WR_VID_NONE)
        return wr_fail(err, WR_ELIMIT, "wallet %u is none", v);
    if (v < m->count)
        return WR_OK;
    wallet *w = wr_grow(m->wallet, &m->cap, v + (size_t)1, sizeof *w);
    if (!w)
        return wr_fail(err, WR_ENOMEM, "memory of scores");
    m->wallet = w;
    memset(w + m->count, 0, (v + (size_t)1 - m->count) * sizeof *w);
    m->count = v + (size_t)1;
    return WR_OK;
}

wr_status wr_score_memory_take(wr_score_memory *m, const wr_feature_event *e,
                               double margin, wr_err *err)
{
    if (e->time_s < m->now_s)
        return wr_fail(err, WR_EINVAL, "transfer at %u after one at %u", e->time_s,
                       m->now_s);
    if (isnan(margin))
        return wr_fail(err, WR_EINVAL, "margin nan");
    WR_TRY(reserve(m, e->from > e->to ? e->from : e->to, err));
    m->now_s = e->time_s;
    if (e->from == e->to)
        return WR_OK;
    const double prob = wr_booster_probability(margin);
    side_take(m, &m->wallet[e->from].side[PAID], prob, e->time_s);
    side_take(m, &m->wallet[e->to].side[RECEIVED], prob, e->time_s);
    return WR_OK;
}
