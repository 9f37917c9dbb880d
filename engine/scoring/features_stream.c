#include "scoring/features_stream_int.h"

#include <math.h>
#include <string.h>

#include "scoring/feature_math_int.h"
#include "util/mem.h"

enum { TABLE_MIN = 1024, LOG_MIN = 1024 };

/* ---- pairs ---- */

static size_t pair_hash(wr_vid from, wr_vid to)
{
    uint64_t z = ((uint64_t)from << 32 | to) * 0x9E3779B97F4A7C15ULL;
    z = (z ^ (z >> 32)) * 0xD6E8FEB86659FD93ULL;
    return (size_t)(z ^ (z >> 32));
}

/* Place of (from, to) in the table, or the free one where it belongs. */
static size_t pair_slot(const wr_feature_stream *s, wr_vid from, wr_vid to)
{
    size_t at = pair_hash(from, to) & (s->table_size - 1);
    while (s->table[at]) {
        const wr_pair *p = &s->pair[s->table[at] - 1];
        if (p->from == from && p->to == to)
            break;
        at = (at + 1) & (s->table_size - 1);
    }
    return at;
}

const wr_pair *wr_feature_stream_pair(const wr_feature_stream *s, wr_vid from, wr_vid to)
{
    const uint32_t found = s->table[pair_slot(s, from, to)];
    return found ? &s->pair[found - 1] : NULL;
}

static wr_status reserve_pair(wr_feature_stream *s, wr_err *err)
{
    if (s->pair_count == s->o.pair_max)
        return wr_fail(err, WR_ELIMIT, "more than %u pairs of wallets", s->o.pair_max);
    wr_pair *pair = wr_grow(s->pair, &s->pair_cap, s->pair_count + 1, sizeof *pair);
    if (!pair)
        return wr_fail(err, WR_ENOMEM, "pairs of wallets");
    s->pair = pair;
    if (s->pair_count + 1 <= s->table_size / 4 * 3)
        return WR_OK;
    uint32_t *table = wr_calloc(s->table_size * 2, sizeof *table);
    if (!table)
        return wr_fail(err, WR_ENOMEM, "table of pairs");
    wr_free(s->table);
    s->table = table;
    s->table_size *= 2;
    for (size_t i = 0; i < s->pair_count; i++)
        table[pair_slot(s, pair[i].from, pair[i].to)] = (uint32_t)i + 1;
    return WR_OK;
}

/* ---- room for one more transfer: everything that can fail, before anything moves ----
 */

static wr_status reserve_wallet(wr_feature_stream *s, wr_vid v, wr_err *err)
{
    if (v >= s->o.wallet_max)
        return wr_fail(err, WR_ELIMIT, "wallet %u of at most %u", v, s->o.wallet_max);
    if (v < s->wallet_count)
        return WR_OK;
    wr_wallet *w = wr_grow(s->wallet, &s->wallet_cap, v + (size_t)1, sizeof *w);
    if (!w)
        return wr_fail(err, WR_ENOMEM, "features of wallets");
    s->wallet = w;
    memset(w + s->wallet_count, 0, (v + (size_t)1 - s->wallet_count) * sizeof *w);
    s->wallet_count = v + (size_t)1;
    return WR_OK;
}

static wr_status reserve_log(wr_feature_stream *s, wr_err *err)
{
    if (s->end - s->tail[MONTH] < s->log_cap)
        return WR_OK;
    wr_log_entry *log = wr_calloc(s->log_cap * 2, sizeof *log);
    if (!log)
        return wr_fail(err, WR_ENOMEM, "transfers of the last 30 days");
    for (uint64_t i = s->tail[MONTH]; i < s->end; i++)
        log[i & (s->log_cap * 2 - 1)] = s->log[i & (s->log_cap - 1)];
    wr_free(s->log);
    s->log = log;
    s->log_cap *= 2;
    return WR_OK;
}

/* ---- windows ---- */

static void side_expire(wr_side *d, int window, const wr_log_entry *e, bool is_out,
                        bool is_last_of_pair)
{
    d->count[window]--;
    if (window < DAY)
        return;
    const int k = window - DAY;
    d->new_count[k] -= e->is_new;
    d->parties[k] -= is_last_of_pair;
    /* above the grid's exact range a sum may keep a crumb; an empty window never does */
    d->value[k] = d->count[window] ? fmax(d->value[k] - e->value, 0) : 0;
    if (e->is_new)
        d->new_value[k] = d->new_count[k] ? fmax(d->new_value[k] - e->value, 0) : 0;
    if (window != MONTH)
        return;
    d->fan -= is_out ? e->to_fan : e->from_fan;
    d->days_month -= is_out ? e->is_from_day : e->is_to_day;
}

static void expire(wr_feature_stream *s, uint32_t now_s)
{
    for (int w = 0; w < WINDOWS; w++)
        for (; s->tail[w] < s->end; s->tail[w]++) {
            const wr_log_entry *e = &s->log[s->tail[w] & (s->log_cap - 1)];
            if ((uint64_t)e->time_s + WR_WINDOW_S[w] > now_s)
                break;
            const bool is_last = s->pair[e->pair].last_log == s->tail[w];
            side_expire(&s->wallet[e->from].out, w, e, true, is_last);
            side_expire(&s->wallet[e->to].in, w, e, false, is_last);
        }
}

/* Is a transfer now the side's first one of its day?  The first contact of its day? */
static bool is_day(const wr_side *d, uint32_t now_s)
{
    return !d->life_count || d->last_s / WR_DAY_S != now_s / WR_DAY_S;
}

static bool is_new_day(const wr_side *d, uint32_t now_s)
{
    return !d->life_parties || d->new_s / WR_DAY_S != now_s / WR_DAY_S;
}

static void day_take(wr_side *d, uint32_t now_s, bool is_new)
{
    const bool is_first = is_day(d, now_s);
    d->days += is_first;
    d->days_month += is_first;
    d->new_days += is_new && is_new_day(d, now_s);
    d->day_count = is_first ? 1 : d->day_count + 1;
    d->day_max = d->day_count > d->day_max ? d->day_count : d->day_max;
}

static void side_take(wr_side *d, const wr_feature_event *e, wr_vid party, bool is_new)
{
    const double grid = wr_feature_grid(e->value);
    day_take(d, e->time_s, is_new);
    for (int w = 0; w < WINDOWS; w++)
        d->count[w]++;
    for (int k = 0; k < LONG_WINDOWS; k++) {
        d->new_count[k] += is_new;
        d->value[k] += grid;
        d->new_value[k] += is_new ? grid : 0;
    }
    d->life_count++;
    d->life_parties += is_new;
    d->last_s = e->time_s;
    d->is_last_new = is_new;
    d->life_value += e->value;
    const double away = e->value - d->mean; /* Welford */
    d->mean += away / (double)d->life_count;
    d->m2 += away * (e->value - d->mean);
    d->max = fmax(d->max, e->value);
    d->last = e->value;
    d->new_s = is_new ? e->time_s : d->new_s;
    d->last_new = is_new ? e->value : d->last_new;
    d->new_party = is_new ? party : d->new_party;
}

static void chain_take(wr_wallet *from, wr_wallet *to, uint32_t now_s)
{
    const bool is_fresh = from->chain && now_s - from->chain_s <= WR_MONTH_S;
    const uint32_t longer = is_fresh ? from->chain + 1U : 1;
    const uint8_t chain = (uint8_t)(longer < WR_CHAIN_MAX ? longer : WR_CHAIN_MAX);
    if (to->chain > chain && now_s - to->chain_s <= WR_MONTH_S)
        return;
    to->chain = chain;
    to->chain_s = now_s;
}

static wr_pair *pair_take(wr_feature_stream *s, const wr_feature_event *e)
{
    const size_t at = pair_slot(s, e->from, e->to);
    if (!s->table[at]) {
        s->pair[s->pair_count] =
            (wr_pair){.from = e->from,
                      .to = e->to,
                      .first_s = e->time_s,
                      .out_port = s->wallet[e->from].out.life_parties + 1,
                      .in_port = s->wallet[e->to].in.life_parties + 1};
        s->table[at] = (uint32_t)++s->pair_count;
    }
    return &s->pair[s->table[at] - 1];
}

/* The transfer enters the log, every window, both wallets and its pair. */
static void take(wr_feature_stream *s, const wr_feature_event *e)
{
    wr_wallet *from = &s->wallet[e->from], *to = &s->wallet[e->to];
    if (!wr_wallet_is_known(from))
        from->first_s = e->time_s;
    if (!wr_wallet_is_known(to))
        to->first_s = e->time_s;
    wr_pair *p = pair_take(s, e);
    const bool is_new = p->count == 0;
    for (int k = 0; k < LONG_WINDOWS; k++)
        if (is_new || p->last_log < s->tail[k + DAY]) {
            from->out.parties[k]++;
            to->in.parties[k]++;
        }
    const bool is_from_day = is_day(&from->out, e->time_s);
    const bool is_to_day = is_day(&to->in, e->time_s);
    side_take(&from->out, e, e->to, is_new);
    side_take(&to->in, e, e->from, is_new);
    const uint32_t from_fan = from->out.parties[MONTH - DAY];
    const uint32_t to_fan = to->in.parties[MONTH - DAY];
    from->out.fan += to_fan;
    to->in.fan += from_fan;
    if (is_new)
        chain_take(from, to, e->time_s);
    s->log[s->end & (s->log_cap - 1)] = (wr_log_entry){.from = e->from,
                                                       .to = e->to,
                                                       .time_s = e->time_s,
                                                       .pair = (uint32_t)(p - s->pair),
                                                       .value = wr_feature_grid(e->value),
                                                       .from_fan = from_fan,
                                                       .to_fan = to_fan,
                                                       .is_new = is_new,
                                                       .is_from_day = is_from_day,
                                                       .is_to_day = is_to_day};
    p->count += p->count < UINT32_MAX;
    p->last_s = e->time_s;
    p->last_log = s->end++;
    p->value += e->value;
}

/* ---- */

wr_status wr_feature_stream_new(wr_feature_stream **out, const wr_feature_stream_opts *o,
                                wr_err *err)
{
    for (int k = 0; k < WR_FEATURE_LIMITS; k++)
        if (!isfinite(o->limit[k]) || o->limit[k] < 0)
            return wr_fail(err, WR_EINVAL, "reporting limit %g", o->limit[k]);
    if (!o->wallet_max || !o->pair_max)
        return wr_fail(err, WR_EINVAL, "at most 0 wallets or pairs");
    WR_AUTO(wr_feature_stream) s = wr_calloc(1, sizeof *s);
    if (!s)
        return wr_fail(err, WR_ENOMEM, "feature stream");
    s->o = *o;
    s->table_size = TABLE_MIN;
    s->log_cap = LOG_MIN;
    s->table = wr_calloc(s->table_size, sizeof *s->table);
    s->log = wr_calloc(s->log_cap, sizeof *s->log);
    if (!s->table || !s->log)
        return wr_fail(err, WR_ENOMEM, "feature stream");
    *out = WR_STEAL(s);
    return WR_OK;
}

void wr_feature_stream_free(wr_feature_stream *s)
{
    if (!s)
        return;
    wr_free(s->wallet);
    wr_free(s->pair);
    wr_free(s->table);
    wr_free(s->log);
    wr_free(s);
}

wr_status wr_feature_stream_next(wr_feature_stream *s, float *row,
                                 const wr_feature_event *e, wr_err *err)
{
    if (e->time_s < s->now_s)
        return wr_fail(err, WR_EINVAL, "transfer at %u after one at %u", e->time_s,
                       s->now_s);
    if (!(e->value >= 0 && e->value <= WR_FEATURE_VALUE_MAX))
        return wr_fail(err, WR_EINVAL, "value %g", e->value);
    WR_TRY(reserve_wallet(s, e->from, err));
    WR_TRY(reserve_wallet(s, e->to, err));
    if (e->from != e->to && !wr_feature_stream_pair(s, e->from, e->to))
        WR_TRY(reserve_pair(s, err));
    WR_TRY(reserve_log(s, err));
    s->now_s = e->time_s;
    expire(s, e->time_s);
    if (row)
        wr_feature_stream_row(row, s, e);
    if (e->from != e->to)
        take(s, e);
    return WR_OK;
}

uint64_t wr_feature_stream_bytes(const wr_feature_stream *s)
{
    return sizeof *s + s->wallet_cap * sizeof *s->wallet + s->pair_cap * sizeof *s->pair +
           s->table_size * sizeof *s->table + s->log_cap * sizeof *s->log;
}
