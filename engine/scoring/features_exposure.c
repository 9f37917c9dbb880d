/* The caller's views of one wallet, as columns that do not depend on the taxonomy. */
#include <assert.h>
#include <string.h>

#include "scoring/feature_math_int.h"
#include "scoring/features_int.h"

/* Sums over the categories of one kind, or of both. */
typedef struct kinds {
    double illicit, risky, top;
} kinds;

static void kinds_add(kinds *k, const wr_seeds *s, uint32_t c, double x)
{
    if (s->kind[c] == WR_CATEGORY_SERVICE)
        return;
    *(s->kind[c] == WR_CATEGORY_ILLICIT ? &k->illicit : &k->risky) += x;
    k->top = fmax(k->top, x);
}

static kinds kinds_of(const double *x, const wr_seeds *s)
{
    kinds k = {0};
    for (uint32_t c = 0; c < s->c; c++)
        kinds_add(&k, s, c, x[c]);
    return k;
}

static float part(double x, double of)
{
    return of > 0 ? (float)fmin(fmax(x / of, 0), 1) : 0;
}

static void put_ledger(float *at, const wr_ledger *l, const wr_seeds *s, wr_vid v)
{
    const wr_ledger_view w = wr_ledger_at(l, v);
    const kinds all = kinds_of(w.received, s), direct = kinds_of(w.direct, s);
    double hops = 0, weight = 0, min_hops = WR_FEATURE_FAR;
    for (uint32_t c = 0; c < s->c; c++) {
        if (s->kind[c] == WR_CATEGORY_SERVICE || w.received[c] <= 0)
            continue;
        hops += w.received[c] * (double)w.mean_hops[c];
        weight += w.received[c];
        min_hops = fmin(min_hops, w.min_hops[c]);
    }
    at[WR_WF_RECEIVED_ILLICIT_DIRECT] = part(direct.illicit, w.total);
    at[WR_WF_RECEIVED_ILLICIT_INDIRECT] = part(all.illicit - direct.illicit, w.total);
    at[WR_WF_RECEIVED_RISKY_DIRECT] = part(direct.risky, w.total);
    at[WR_WF_RECEIVED_RISKY_INDIRECT] = part(all.risky - direct.risky, w.total);
    at[WR_WF_RECEIVED_UNKNOWN] = part(w.received_unknown, w.total);
    at[WR_WF_RECEIVED_ILLICIT_VALUE] = wr_feature_float(all.illicit);
    at[WR_WF_RECEIVED_RISKY_VALUE] = wr_feature_float(all.risky);
    at[WR_WF_RECEIVED_TOP_SHARE] = part(all.top, w.total);
    at[WR_WF_RECEIVED_MAX_SHARE] = w.max_share;
    at[WR_WF_RECEIVED_MEAN_HOPS] = weight > 0 ? (float)(hops / weight) : WR_FEATURE_FAR;
    at[WR_WF_RECEIVED_MIN_HOPS] = (float)min_hops;
}

static void put_static(float *at, const float *x, const wr_seeds *s, wr_vid v)
{
    kinds k = {0};
    for (uint32_t c = 0; c < s->c; c++)
        kinds_add(&k, s, c, (double)x[(size_t)v * s->c + c]);
    at[WR_WF_RECEIVED_STATIC_ILLICIT] = (float)k.illicit;
    at[WR_WF_RECEIVED_STATIC_RISKY] = (float)k.risky;
    at[WR_WF_RECEIVED_STATIC_MAX] = (float)k.top;
}

/* at: the row, moved so that the RECEIVED columns are those of the direction. */
static void put_direction(float *at, const wr_ledger *l, const wr_poison *po,
                          const float *x, const wr_seeds *s, wr_vid v)
{
    for (int k = WR_WF_RECEIVED_ILLICIT_DIRECT; k <= WR_WF_RECEIVED_STATIC_MAX; k++)
        at[k] = 0;
    at[WR_WF_RECEIVED_MEAN_HOPS] = at[WR_WF_RECEIVED_MIN_HOPS] = WR_FEATURE_FAR;
    at[WR_WF_RECEIVED_CONTACT_HOPS] = WR_FEATURE_FAR;
    if (l)
        put_ledger(at, l, s, v);
    if (po)
        at[WR_WF_RECEIVED_CONTACT_HOPS] = po->min_hops[v];
    if (x)
        put_static(at, x, s, v);
}

void wr_features_put_exposure(float *row, const wr_features *f,
                              const wr_feature_exposures *ex, wr_vid v)
{
    const wr_feature_exposures none = {0};
    const wr_seeds *s = f->fl->seeds;
    kinds held = {0}, fifo = {0};
    double balance = 0, total = 0;
    ex = ex ? ex : &none;
    put_direction(row, ex->received, ex->poison_in, ex->static_received, s, v);
    put_direction(row + (WR_WF_SENT_ILLICIT_DIRECT - WR_WF_RECEIVED_ILLICIT_DIRECT),
                  ex->sent, ex->poison_out, ex->static_sent, s, v);
    if (ex->received) {
        const wr_ledger_view w = wr_ledger_at(ex->received, v);
        held = kinds_of(w.taint, s);
        balance = w.balance;
    }
    if (ex->fifo) {
        const wr_fifo_view w = wr_fifo_at(ex->fifo, v);
        fifo = kinds_of(w.received, s);
        total = w.total;
    }
    row[WR_WF_HELD_ILLICIT] = part(held.illicit, balance);
    row[WR_WF_HELD_RISKY] = part(held.risky, balance);
    row[WR_WF_FIFO_ILLICIT] = part(fifo.illicit, total);
    row[WR_WF_FIFO_RISKY] = part(fifo.risky, total);
}

static_assert(WR_WF_MOTIF_BURST_STRENGTH - WR_WF_MOTIF_FAN_IN_ROOT + 1 ==
                  WR_MOTIF_COLUMNS,
              "the columns of each typology, in the order of wr_typology");

void wr_features_put_motifs(float *row, const wr_motifs *m, wr_vid v)
{
    float *to = row + WR_WF_MOTIF_FAN_IN_ROOT;
    const float *from = m ? wr_motifs_of(m, v) : NULL;
    if (from)
        memcpy(to, from, WR_MOTIF_COLUMNS * sizeof *to);
    else
        memset(to, 0, WR_MOTIF_COLUMNS * sizeof *to);
}
