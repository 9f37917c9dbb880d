#include "pipeline/learning/keep_out.h"

#include <inttypes.h>
#include <stdlib.h>

#include "util/digest.h"

/* One incident with a wallet that may be asked for. */
typedef struct lot {
    uint64_t draw;
    uint32_t incident;
    uint32_t bad; /* wallets */
} lot;

static int by_draw(const void *a, const void *b)
{
    const lot *x = a;
    const lot *y = b;
    if (x->draw != y->draw)
        return x->draw < y->draw ? -1 : 1;
    return x->incident < y->incident ? -1 : x->incident > y->incident;
}

static bool is_asked(const wr_population *p, wr_vid v)
{
    return p->first_s[v] != UINT32_MAX;
}

/* Those with a wallet that may be asked for, in drawn order; returns how many. */
static uint32_t draw_lots(lot *l, const wr_population *p, uint64_t seed)
{
    const wr_truth_set *t = p->truth;
    for (uint32_t k = 0; k < t->incidents; k++)
        l[k] = (lot){.draw = wr_hash64(&k, sizeof k, seed), .incident = k};
    for (wr_vid v = 0; v < t->n; v++)
        if (wr_truth_is_bad(t, v) && is_asked(p, v))
            l[t->incident[v]].bad++;
    uint32_t count = 0;
    for (uint32_t k = 0; k < t->incidents; k++)
        if (l[k].bad)
            l[count++] = l[k];
    if (count)
        qsort(l, count, sizeof *l, by_draw);
    return count;
}

static uint32_t lots_of_a_share(uint32_t count, double share)
{
    const uint32_t lots = (uint32_t)(share * count + 0.5);
    return lots || !count ? lots : 1;
}

/* Incidents: share_of [incidents] of the first lots, of the next, of the others. upto[s]:
 * the part of the bad wallets that went into shares 1..s with them. */
static void divide(uint8_t *share_of, double upto[WR_SHARES], const lot *l,
                   uint32_t count, uint32_t lots)
{
    uint64_t bad[WR_SHARES] = {0};
    uint64_t all = 0;
    for (uint32_t i = 0; i < count; i++) {
        const wr_share s = i < lots       ? WR_SHARE_CALIBRATE
                           : i < 2 * lots ? WR_SHARE_TEST
                                          : WR_SHARE_LEARN;
        share_of[l[i].incident] = (uint8_t)s;
        bad[s] += l[i].bad;
        all += l[i].bad;
    }
    const double of = all ? (double)all : 1.0;
    upto[WR_SHARE_LEARN] = 0.0;
    upto[WR_SHARE_CALIBRATE] = (double)bad[WR_SHARE_CALIBRATE] / of;
    upto[WR_SHARE_TEST] = (double)(bad[WR_SHARE_CALIBRATE] + bad[WR_SHARE_TEST]) / of;
}

static wr_share share_of_good(wr_vid v, uint64_t seed, const double upto[WR_SHARES])
{
    const double draw = (double)(wr_hash64(&v, sizeof v, seed) >> 11) * 0x1.0p-53;
    return draw < upto[WR_SHARE_CALIBRATE] ? WR_SHARE_CALIBRATE
           : draw < upto[WR_SHARE_TEST]    ? WR_SHARE_TEST
                                           : WR_SHARE_LEARN;
}

wr_status wr_keep_out(uint8_t **out, const wr_population *p, double share, uint64_t seed,
                      wr_err *err)
{
    const wr_truth_set *t = p->truth;
    /* other draws than those of good rows (block.h), which have the seed itself */
    const uint64_t own = seed ^ UINT64_C(0x6b6565706f7574);
    WR_AUTO_ARRAY lot *l = wr_calloc(t->incidents, sizeof *l);
    WR_AUTO_ARRAY uint8_t *share_of = wr_calloc(t->incidents, 1);
    uint8_t *kept = wr_calloc(t->n, 1);
    if (!l || !share_of || !kept) {
        wr_free(kept);
        return wr_fail(err, WR_ENOMEM, "shares of %" PRIu32 " wallets", t->n);
    }
    const uint32_t count = draw_lots(l, p, own);
    double upto[WR_SHARES];
    divide(share_of, upto, l, count, lots_of_a_share(count, share));
    for (wr_vid v = 0; v < t->n; v++)
        kept[v] = wr_truth_is_bad(t, v) ? share_of[t->incident[v]]
                                        : (uint8_t)share_of_good(v, own, upto);
    *out = kept;
    return WR_OK;
}
