#include "scoring/motifs.h"

#include <string.h>

wr_status wr_motifs_init(wr_motifs *m, uint32_t n, wr_err *err)
{
    *m = (wr_motifs){.n = n, .row = wr_calloc(n, sizeof *m->row)};
    return m->row ? WR_OK : wr_fail(err, WR_ENOMEM, "typology hits of %u wallets", n);
}

void wr_motifs_release(wr_motifs *m)
{
    wr_free(m->row);
    wr_free(m->x);
    *m = (wr_motifs){0};
}

static bool is_of(const uint64_t *only, wr_vid v)
{
    return !only || (only[v / 64] >> (v % 64) & 1);
}

/* Wallets that had no row before. */
static void forget_from(wr_motifs *m, const wr_typology_hits *h)
{
    for (uint64_t i = 0; i < h->member_total; i++)
        if (m->row[h->member[i]] > m->rows)
            m->row[h->member[i]] = 0;
}

static wr_status make_rows(wr_motifs *m, const wr_typology_hits *h, const uint64_t *only,
                           wr_err *err)
{
    size_t want = m->rows;
    for (uint64_t i = 0; i < h->member_total; i++) {
        const wr_vid v = h->member[i];
        if (!m->row[v] && is_of(only, v))
            m->row[v] = (uint32_t)++want;
    }
    if (want == m->rows)
        return WR_OK;
    float *x = wr_grow(m->x, &m->cap, want, WR_MOTIF_COLUMNS * sizeof *x);
    if (!x) {
        forget_from(m, h);
        return wr_fail(err, WR_ENOMEM, "typology hits of %zu wallets", want);
    }
    m->x = x;
    memset(x + m->rows * WR_MOTIF_COLUMNS, 0,
           (want - m->rows) * WR_MOTIF_COLUMNS * sizeof *x);
    m->rows = want;
    return WR_OK;
}

static void count(float *x, const wr_typology_hit *hit, bool is_root)
{
    float *part = x + (size_t)WR_MOTIF_PARTS * hit->typology;
    const float strength = (float)hit->strength;
    part[is_root ? WR_MOTIF_ROOT : WR_MOTIF_MEMBER]++;
    if (strength > part[WR_MOTIF_STRENGTH])
        part[WR_MOTIF_STRENGTH] = strength;
}

wr_status wr_motifs_add(wr_motifs *m, const wr_typology_hits *h, const uint64_t *only,
                        wr_err *err)
{
    WR_TRY(make_rows(m, h, only, err));
    for (uint64_t i = 0; i < h->count; i++) {
        const wr_typology_hit *hit = &h->hit[i];
        for (uint32_t k = 0; k < hit->member_count; k++) {
            const wr_vid v = h->member[hit->member + k];
            if (is_of(only, v))
                count(m->x + (size_t)(m->row[v] - 1) * WR_MOTIF_COLUMNS, hit,
                      v == hit->root);
        }
    }
    return WR_OK;
}
