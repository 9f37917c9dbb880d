/* One row: what the state says of a transfer that it has not seen yet. */
#include "scoring/feature_math_int.h"
#include "scoring/features_stream_int.h"

/* The thirteen columns of WR_SIDE_FEATURES_, from column `at` on. */
static void put_side(float *at, const wr_side *d)
{
    for (int w = 0; w < WINDOWS; w++)
        *at++ = (float)d->count[w];
    *at++ = (float)d->life_count;
    for (int k = 0; k < LONG_WINDOWS; k++)
        *at++ = (float)d->parties[k];
    *at++ = (float)d->life_parties;
    for (int k = 0; k < LONG_WINDOWS; k++)
        *at++ = wr_feature_float(d->value[k]);
    *at = wr_feature_float(d->life_value);
}

static void put_new(float *at, const wr_side *d)
{
    for (int k = 0; k < LONG_WINDOWS; k++)
        at[k] = wr_feature_ratio(d->new_count[k], d->count[k + DAY]);
}

static void put_pair(float *row, const wr_feature_stream *s, const wr_feature_event *e)
{
    const wr_pair *p = wr_feature_stream_pair(s, e->from, e->to);
    const wr_pair *r = wr_feature_stream_pair(s, e->to, e->from);
    row[WR_TF_PAIR_IS_NEW] = p ? 0 : 1;
    row[WR_TF_PAIR_COUNT] = p ? (float)p->count : 0;
    row[WR_TF_PAIR_VALUE] = p ? wr_feature_float(p->value) : 0;
    row[WR_TF_PAIR_GAP] = wr_feature_gap(p, e->time_s, p ? p->last_s : 0);
    row[WR_TF_PAIR_AGE] = wr_feature_gap(p, e->time_s, p ? p->first_s : 0);
    row[WR_TF_REVERSE_COUNT] = r ? (float)r->count : 0;
    row[WR_TF_REVERSE_VALUE] = r ? wr_feature_float(r->value) : 0;
    row[WR_TF_REVERSE_GAP] = wr_feature_gap(r, e->time_s, r ? r->last_s : 0);
    row[WR_TF_FROM_PORT] =
        (float)(p ? p->out_port : s->wallet[e->from].out.life_parties + 1ULL);
    row[WR_TF_TO_PORT] =
        (float)(p ? p->in_port : s->wallet[e->to].in.life_parties + 1ULL);
}

static float idle(const wr_wallet *w, uint32_t now_s)
{
    const uint32_t last_s = w->out.last_s > w->in.last_s ? w->out.last_s : w->in.last_s;
    return wr_feature_gap(wr_wallet_is_known(w), now_s, last_s);
}

static float new_gap(const wr_side *d, uint32_t now_s)
{
    return wr_feature_gap(d->life_parties, now_s, d->new_s);
}

static float chain(const wr_wallet *w, uint32_t now_s)
{
    return w->chain && now_s - w->chain_s <= WR_MONTH_S ? (float)w->chain : 0;
}

static void put_contact(float *row, const wr_wallet *from, const wr_wallet *to,
                        uint32_t now_s)
{
    row[WR_TF_FROM_OUT_GAP] =
        wr_feature_gap(from->out.life_count, now_s, from->out.last_s);
    row[WR_TF_FROM_IN_GAP] = wr_feature_gap(from->in.life_count, now_s, from->in.last_s);
    row[WR_TF_TO_IN_GAP] = wr_feature_gap(to->in.life_count, now_s, to->in.last_s);
    row[WR_TF_TO_OUT_GAP] = wr_feature_gap(to->out.life_count, now_s, to->out.last_s);
    row[WR_TF_FROM_IDLE] = idle(from, now_s);
    row[WR_TF_TO_IDLE] = idle(to, now_s);
    row[WR_TF_FROM_AGE] = wr_feature_gap(wr_wallet_is_known(from), now_s, from->first_s);
    row[WR_TF_TO_AGE] = wr_feature_gap(wr_wallet_is_known(to), now_s, to->first_s);
    put_new(row + WR_TF_FROM_NEW_OUT_24H, &from->out);
    put_new(row + WR_TF_FROM_NEW_IN_24H, &from->in);
    put_new(row + WR_TF_TO_NEW_IN_24H, &to->in);
    put_new(row + WR_TF_TO_NEW_OUT_24H, &to->out);
    row[WR_TF_FROM_NEW_OUT_GAP] = new_gap(&from->out, now_s);
    row[WR_TF_FROM_NEW_IN_GAP] = new_gap(&from->in, now_s);
    row[WR_TF_TO_NEW_IN_GAP] = new_gap(&to->in, now_s);
    row[WR_TF_TO_NEW_OUT_GAP] = new_gap(&to->out, now_s);
    row[WR_TF_FROM_LAST_IN_IS_NEW] = from->in.is_last_new;
    row[WR_TF_FROM_CHAIN] = chain(from, now_s);
    row[WR_TF_TO_CHAIN] = chain(to, now_s);
}

/* Three columns: ratio to the mean, deviations above it, ratio to the largest. */
static void put_against(float *row, int ratio, const wr_side *d, double value)
{
    const double std = d->life_count > 1 ? sqrt(d->m2 / (double)d->life_count) : 0;
    const double away = std > 0 ? (value - d->mean) / std : 0;
    row[ratio] = wr_feature_ratio(value, d->mean);
    row[ratio + 1] = (float)fmax(fmin(away, WR_RATIO_MAX), -WR_RATIO_MAX);
    row[ratio + 2] = wr_feature_ratio(value, d->max);
}

static float fan(const wr_side *d)
{
    return wr_feature_ratio((double)d->fan, d->count[MONTH]);
}

static float pass(const wr_wallet *w, int window)
{
    return wr_feature_pass(w->in.value[window - DAY], w->out.value[window - DAY]);
}

static float retained(const wr_wallet *w)
{
    return wr_feature_retained(w->in.life_value, w->out.life_value);
}

/* The six columns of WR_DAY_FEATURES_. */
static void put_days(float *at, const wr_side *d)
{
    at[0] = (float)d->days;
    at[1] = (float)d->days_month;
    at[2] = wr_feature_ratio(d->life_count, d->days);
    at[3] = (float)d->day_max;
    at[4] = (float)d->new_days;
    at[5] = wr_feature_ratio(d->life_parties, d->new_days);
}

/* The four columns of WR_LAST_NEW_FEATURES_. */
static void put_last_new(float *at, const wr_feature_stream *s, const wr_side *d)
{
    const wr_wallet *w = d->life_parties ? &s->wallet[d->new_party] : NULL;
    const float none = (float)WR_FEATURE_NONE;
    at[0] = w ? wr_feature_ratio(w->out.life_count, w->out.days) : none;
    at[1] = w ? wr_feature_ratio(w->in.life_count, w->in.days) : none;
    at[2] = w ? (float)w->out.life_parties : none;
    at[3] = w ? (float)w->in.life_parties : none;
}

static void put_value_over(float *row, const wr_wallet *from, const wr_wallet *to,
                           double value)
{
    row[WR_TF_LAST_IN_RATIO] = wr_feature_ratio(value, from->in.last);
    row[WR_TF_LAST_NEW_IN_RATIO] = wr_feature_ratio(value, from->in.last_new);
    row[WR_TF_IN_24H_RATIO] = wr_feature_ratio(value, from->in.value[0]);
    row[WR_TF_IN_7D_RATIO] = wr_feature_ratio(value, from->in.value[WEEK - DAY]);
    row[WR_TF_IN_30D_RATIO] = wr_feature_ratio(value, from->in.value[MONTH - DAY]);
    row[WR_TF_NEW_IN_7D_RATIO] = wr_feature_ratio(value, from->in.new_value[WEEK - DAY]);
    row[WR_TF_NEW_IN_30D_RATIO] =
        wr_feature_ratio(value, from->in.new_value[MONTH - DAY]);
    row[WR_TF_TO_NEW_IN_7D_RATIO] = wr_feature_ratio(value, to->in.new_value[WEEK - DAY]);
    row[WR_TF_TO_NEW_IN_30D_RATIO] =
        wr_feature_ratio(value, to->in.new_value[MONTH - DAY]);
}

void wr_feature_stream_row(float *row, const wr_feature_stream *s,
                           const wr_feature_event *e)
{
    const wr_wallet *from = &s->wallet[e->from], *to = &s->wallet[e->to];
    put_pair(row, s, e);
    put_contact(row, from, to, e->time_s);
    put_side(row + WR_TF_FROM_OUT_COUNT_1H, &from->out);
    put_side(row + WR_TF_FROM_IN_COUNT_1H, &from->in);
    put_side(row + WR_TF_TO_IN_COUNT_1H, &to->in);
    put_side(row + WR_TF_TO_OUT_COUNT_1H, &to->out);
    row[WR_TF_VALUE] = wr_feature_float(e->value);
    put_against(row, WR_TF_FROM_MEAN_RATIO, &from->out, e->value);
    put_against(row, WR_TF_TO_MEAN_RATIO, &to->in, e->value);
    row[WR_TF_ROUNDNESS] = (float)wr_feature_roundness(e->value);
    row[WR_TF_IS_BELOW_LIMIT] = wr_feature_is_below(e->value, s->o.limit);
    row[WR_TF_FROM_PASS_24H] = pass(from, DAY);
    row[WR_TF_FROM_PASS_30D] = pass(from, MONTH);
    row[WR_TF_TO_PASS_24H] = pass(to, DAY);
    row[WR_TF_TO_PASS_30D] = pass(to, MONTH);
    put_value_over(row, from, to, e->value);
    row[WR_TF_FROM_RETAINED] = retained(from);
    row[WR_TF_TO_RETAINED] = retained(to);
    row[WR_TF_FROM_OUT_FAN] = fan(&from->out);
    row[WR_TF_FROM_IN_FAN] = fan(&from->in);
    row[WR_TF_TO_IN_FAN] = fan(&to->in);
    row[WR_TF_TO_OUT_FAN] = fan(&to->out);
    put_days(row + WR_TF_FROM_OUT_DAYS, &from->out);
    put_days(row + WR_TF_FROM_IN_DAYS, &from->in);
    put_days(row + WR_TF_TO_IN_DAYS, &to->in);
    put_days(row + WR_TF_TO_OUT_DAYS, &to->out);
    put_last_new(row + WR_TF_FROM_NEW_PAYEE_OUT_PER_DAY, s, &from->out);
    put_last_new(row + WR_TF_FROM_NEW_PAYER_OUT_PER_DAY, s, &from->in);
    put_last_new(row + WR_TF_TO_NEW_PAYER_OUT_PER_DAY, s, &to->in);
    put_last_new(row + WR_TF_TO_NEW_PAYEE_OUT_PER_DAY, s, &to->out);
}
