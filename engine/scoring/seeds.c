#include "scoring/seeds.h"

#include <assert.h>
#include <math.h>
#include <string.h>

wr_status wr_seeds_init(wr_seeds *s, uint32_t n, const wr_taxonomy *tx, wr_err *err)
{
    if (tx->count < 1 || tx->count > WR_CATEGORY_MAX)
        return wr_fail(err, WR_EINVAL, "categories: %u, wanted 1..%d", tx->count,
                       WR_CATEGORY_MAX);
    wr_seeds t = {.n = n, .c = tx->count};
    t.category = wr_calloc(n, sizeof *t.category);
    t.confidence = wr_calloc(n, sizeof *t.confidence);
    t.from_s = wr_calloc(n, sizeof *t.from_s);
    t.to_s = wr_calloc(n, sizeof *t.to_s);
    if (!t.category || !t.confidence || !t.from_s || !t.to_s) {
        wr_seeds_release(&t);
        return wr_fail(err, WR_ENOMEM, "labels of %u wallets", n);
    }
    memset(t.category, WR_SEED_NONE, n);
    for (uint32_t c = 0; c < t.c; c++)
        t.kind[c] = (uint8_t)tx->category[c].kind;
    *s = t;
    return WR_OK;
}

void wr_seeds_release(wr_seeds *s)
{
    wr_free(s->category);
    wr_free(s->confidence);
    wr_free(s->from_s);
    wr_free(s->to_s);
    *s = (wr_seeds){0};
}

/* One label as it is compared: the order at the top of seeds.h, then the wider validity,
 * so that the one kept does not depend on the order of offers. */
typedef struct offer {
    int category;
    float confidence;
    uint32_t from_s, to_s;
} offer;

static bool ranks_above(const offer *a, const offer *b, const wr_taxonomy *tx)
{
    const wr_category *ca = &tx->category[a->category], *cb = &tx->category[b->category];
    if (ca->weight != cb->weight)
        return ca->weight > cb->weight;
    if (ca->kind != cb->kind)
        return ca->kind < cb->kind;
    if (a->confidence != b->confidence)
        return a->confidence > b->confidence;
    if (a->category != b->category)
        return a->category < b->category;
    if (a->from_s != b->from_s)
        return a->from_s < b->from_s;
    return a->to_s > b->to_s;
}

void wr_seeds_offer(wr_seeds *s, const wr_taxonomy *tx, wr_vid v, int category,
                    double confidence, uint32_t from_s, uint32_t to_s)
{
    assert(v < s->n && category >= 0 && (uint32_t)category < s->c);
    assert(confidence >= 0 && confidence <= 1);
    offer neu = {category, (float)confidence, from_s, to_s};
    if (s->category[v] >= 0) {
        offer old = {s->category[v], s->confidence[v], s->from_s[v], s->to_s[v]};
        if (!ranks_above(&neu, &old, tx))
            return;
    } else {
        s->count++;
    }
    s->category[v] = (int8_t)category;
    s->confidence[v] = neu.confidence;
    s->from_s[v] = from_s;
    s->to_s[v] = to_s;
}
