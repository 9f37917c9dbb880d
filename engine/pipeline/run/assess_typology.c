/* The typology hits of a run: found in the policy's window, kept by wallet. */
#include <inttypes.h>

#include "pipeline/input/typology_search.h"
#include "pipeline/run/assess_int.h"

/* --- by wallet -------------------------------------------------------------------------
 */

static void fill_index(wr_assess_typologies *t, const wr_typology_wallet *wallet,
                       uint32_t n)
{
    const wr_typology_hits *h = &t->hits;
    for (uint32_t v = 0; v < n; v++) /* off[v + 1] walks from v's start to its end */
        t->off[v + 1ULL] = v ? t->off[v] + wallet[v - 1].hits : 0;
    for (uint64_t i = 0; i < h->count; i++)
        for (uint32_t k = 0; k < h->hit[i].member_count; k++) {
            const wr_vid v = h->member[h->hit[i].member + k];
            t->hit[t->off[v + 1ULL]++] = (uint32_t)i;
        }
}

static wr_status index_hits(wr_assessment *a, wr_err *err)
{
    wr_assess_typologies *t = &a->typology;
    if (!t->hits.count)
        return WR_OK;
    if (t->hits.count > UINT32_MAX)
        return wr_fail(err, WR_ELIMIT, "%" PRIu64 " typology hits", t->hits.count);
    WR_AUTO_ARRAY wr_typology_wallet *wallet = wr_alloc_big(a->n, sizeof *wallet);
    t->off = wr_alloc_big(a->n + 1ULL, sizeof *t->off);
    t->hit = wr_alloc_big(t->hits.member_total, sizeof *t->hit);
    if (!wallet || !t->off || !t->hit)
        return wr_fail(err, WR_ENOMEM, "typologies of %" PRIu32 " wallets", a->n);
    wr_typology_summary(wallet, a->n, &t->hits);
    t->off[0] = 0;
    fill_index(t, wallet, a->n);
    return WR_OK;
}

wr_status wr_assess_find_typologies(wr_assessment *a, const wr_progress *pg, wr_err *err)
{
    const wr_typology_policy *p = &a->cfg->typology;
    wr_assess_typologies *t = &a->typology;
    if (!a->flow.col.m || !p->which)
        return WR_OK;
    WR_AUTO_ARRAY uint64_t *look = NULL;
    WR_TRY(wr_typology_looks(&look, a->g, err));
    const wr_typology_ask ask = wr_typology_ask_of(p, &a->labels);
    t->from_s = wr_typology_from(p, &a->flow.col);
    WR_TRY(wr_typology_search(&t->hits, &a->flow, look, &ask, WR_TYPOLOGY_ALL, pg, err));
    return index_hits(a, err);
}

void wr_assess_typologies_release(wr_assess_typologies *t)
{
    wr_typology_hits_release(&t->hits);
    wr_free(t->off);
    wr_free(t->hit);
}

/* --- reading ---------------------------------------------------------------------------
 */

const wr_typology_hits *wr_assessment_typologies(const wr_assessment *a)
{
    return &a->typology.hits;
}

int64_t wr_assessment_typologies_from(const wr_assessment *a)
{
    return a->typology.from_s;
}

const uint32_t *wr_assessment_hits_of(const wr_assessment *a, wr_vid v, uint32_t *count)
{
    const wr_assess_typologies *t = &a->typology;
    *count = t->off ? (uint32_t)(t->off[v + 1ULL] - t->off[v]) : 0;
    return *count ? t->hit + t->off[v] : NULL;
}

/* As a root before as a member, then the stronger one; ties stay with the first. */
static bool is_better(const wr_reason_typology *old, bool is_root, double strength)
{
    if (!old->hits || old->is_root != is_root)
        return !old->hits || is_root;
    return strength > old->strength;
}

static void take(wr_reason_typology *r, const wr_typology_hit *h, wr_vid v)
{
    const bool is_root = h->root == v;
    const uint32_t hits = r->hits + 1;
    if (is_better(r, is_root, h->strength))
        *r = (wr_reason_typology){.typology = h->typology,
                                  .is_root = is_root,
                                  .is_partial = h->is_partial || h->is_hub_truncated,
                                  .transfers = h->edge_count,
                                  .strength = h->strength,
                                  .amount = h->amount,
                                  .first_s = h->first_s,
                                  .last_s = h->last_s};
    r->hits = hits;
}

uint32_t wr_assess_typology_reasons(const wr_assessment *a, wr_vid v,
                                    wr_reason_typology out[WR_TYPOLOGY_COUNT])
{
    wr_reason_typology by[WR_TYPOLOGY_COUNT] = {{0}};
    uint32_t hits = 0;
    uint32_t count = 0;
    const uint32_t *hit = wr_assessment_hits_of(a, v, &hits);
    for (uint32_t i = 0; i < hits; i++) {
        const wr_typology_hit *h = &a->typology.hits.hit[hit[i]];
        take(&by[h->typology], h, v);
    }
    for (int t = 0; t < WR_TYPOLOGY_COUNT; t++)
        if (by[t].hits)
            out[count++] = by[t];
    return count;
}

void wr_assess_typology_notes(wr_json_out *j, const wr_assessment *a)
{
    const wr_typology_hits *h = &a->typology.hits;
    uint64_t found[WR_TYPOLOGY_COUNT] = {0};
    uint64_t partial = 0;
    uint64_t truncated = 0;
    for (uint64_t i = 0; i < h->count; i++)
        found[h->hit[i].typology]++;
    wr_json_key(j, "typologies");
    wr_json_open(j, '{');
    for (int t = 0; t < WR_TYPOLOGY_COUNT; t++) {
        partial += h->partial_roots[t];
        truncated += h->truncated_roots[t];
        if (a->cfg->typology.which >> t & 1U)
            wr_json_kv_u64(j, wr_typology_name((wr_typology)t), found[t]);
    }
    wr_json_kv_u64(j, "partial", partial);
    wr_json_kv_u64(j, "truncated", truncated);
    wr_json_kv_i64(j, "from", wr_assessment_typologies_from(a));
    wr_json_kv_u64(j, "lookback_days", a->cfg->typology.lookback_days);
    wr_json_close(j, '}');
}
