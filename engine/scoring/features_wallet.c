/* What a wallet's past says, as columns. */
#include "scoring/feature_math_int.h"
#include "scoring/features_int.h"

static float share(double part, double of)
{
    return wr_feature_ratio(part, of);
}

static float skew(const wr_past_side *d)
{
    const double n = d->life_count, s = d->m3 * sqrt(n) / (d->m2 * sqrt(d->m2));
    return d->m2 > 0 && isfinite(s) ? wr_feature_float(s) : 0;
}

/* The columns of WR_WALLET_SIDE_, from column `at` (its GAP) on. */
static void put_side(float *at, const wr_past_side *d, uint32_t as_of_s)
{
    const double n = d->life_count;
    *at++ = wr_feature_gap(n > 0, as_of_s, d->last_s);
    for (int k = 0; k < WR_PAST_LONG; k++)
        *at++ = share(d->new_count[k], d->count[k + 1]);
    *at++ = d->is_last_new;
    *at++ = (float)d->last_port;
    *at++ = share(n, d->life_parties);
    *at++ = share(d->top_count, n);
    for (int w = 0; w < WR_PAST_WINDOWS; w++)
        *at++ = (float)d->count[w];
    *at++ = (float)d->life_count;
    for (int k = 0; k < WR_PAST_LONG; k++)
        *at++ = (float)d->parties[k];
    *at++ = (float)d->life_parties;
    for (int k = 0; k < WR_PAST_LONG; k++)
        *at++ = wr_feature_float(d->value[k + 1]);
    *at++ = wr_feature_float(d->life_value);
    *at++ = wr_feature_float(d->mean);
    *at++ = n > 0 ? wr_feature_float(sqrt(d->m2 / n)) : 0;
    *at++ = wr_feature_float(d->max);
    *at++ = skew(d);
    *at++ = wr_feature_ratio(d->last, d->mean);
    *at++ = share(d->service, d->life_value);
    *at++ = share(d->mixer, d->life_value);
    *at++ = share(d->bridge, d->life_value);
    *at = share(d->dex, d->life_value);
}

static float benford(const wr_past *p)
{
    double distance = 0;
    if (p->digits < WR_BENFORD_MIN)
        return WR_FEATURE_NONE;
    for (int d = 1; d <= 9; d++)
        distance += fabs((double)p->digit[d] / p->digits - log10(1 + 1.0 / d));
    return (float)distance;
}

static float gap_cv(const wr_past *p)
{
    if (p->count < 2 || p->gap_mean <= 0)
        return WR_FEATURE_NONE;
    return (float)(sqrt(p->gap_m2 / (p->count - 1.0)) / p->gap_mean);
}

void wr_features_put_past(float *row, const wr_features *f, const wr_past *p)
{
    const wr_past_side *out = &p->side[WR_PAST_OUT], *in = &p->side[WR_PAST_IN];
    row[WR_WF_RECEIVED_BAD_PARTIES] = (float)in->bad_parties;
    row[WR_WF_SENT_BAD_PARTIES] = (float)out->bad_parties;
    row[WR_WF_AGE] = wr_feature_gap(p->count, f->o.as_of_s, p->first_s);
    row[WR_WF_IDLE] = wr_feature_gap(p->count, f->o.as_of_s, p->last_s);
    put_side(row + WR_WF_OUT_GAP, out, f->o.as_of_s);
    put_side(row + WR_WF_IN_GAP, in, f->o.as_of_s);
    row[WR_WF_ACTIVE_DAYS] = (float)p->days;
    row[WR_WF_PER_HOUR] = share(p->count, p->hours);
    row[WR_WF_BURST] = (float)p->burst;
    row[WR_WF_GAP_MEAN] = p->count > 1 ? (float)p->gap_mean : WR_FEATURE_NONE;
    row[WR_WF_GAP_CV] = gap_cv(p);
    row[WR_WF_NIGHT] = share(p->night, p->count);
    row[WR_WF_ROUND] = share(p->round, p->count);
    row[WR_WF_BELOW] = share(p->below, p->count);
    row[WR_WF_DUST] = share(p->dust, p->count);
    row[WR_WF_BENFORD] = benford(p);
    row[WR_WF_PASS_1H] = wr_feature_pass(in->value[0], out->value[0]);
    row[WR_WF_PASS_24H] = wr_feature_pass(in->value[1], out->value[1]);
    row[WR_WF_PASS_30D] = wr_feature_pass(in->value[3], out->value[3]);
    row[WR_WF_HOLD] = (float)p->hold_s;
    row[WR_WF_RETAINED] = wr_feature_retained(in->life_value, out->life_value);
    row[WR_WF_OUT_SHARE] = share(out->life_value, out->life_value + in->life_value);
    row[WR_WF_RECIPROCITY] = share(p->mutual, p->parties);
}
