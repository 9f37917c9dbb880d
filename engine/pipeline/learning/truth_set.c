#include "pipeline/learning/truth_set.h"

#include <inttypes.h>
#include <string.h>

#include "codec/truth.h"
#include "util/mem.h"

static wr_status init(wr_truth_set *t, uint32_t n, wr_err *err)
{
    *t = (wr_truth_set){.n = n};
    t->incident = wr_calloc(n, sizeof *t->incident);
    t->typology = wr_calloc(n, sizeof *t->typology);
    t->is_unknown = wr_calloc(n, sizeof *t->is_unknown);
    if (!t->incident || !t->typology || !t->is_unknown)
        return wr_fail(err, WR_ENOMEM, "truth of %" PRIu32 " wallets", n);
    for (uint32_t v = 0; v < n; v++) {
        t->incident[v] = WR_INCIDENT_NONE;
        t->typology[v] = WR_TRUTH_TYPOLOGY_NONE;
    }
    return WR_OK;
}

void wr_truth_set_release(wr_truth_set *t)
{
    wr_free(t->incident);
    wr_free(t->typology);
    wr_free(t->is_unknown);
    *t = (wr_truth_set){0};
}

static wr_status finish(wr_truth_set *t, wr_err *err)
{
    wr_digest d = {0};
    WR_TRY(wr_digest_init(&d, err));
    for (uint32_t v = 0; v < t->n; v++) {
        if (t->is_unknown[v]) {
            wr_digest_add_u64(&d, v);
            wr_digest_add_text(&d, "unknown");
        }
        if (!wr_truth_is_bad(t, v))
            continue;
        const uint8_t k = t->typology[v];
        wr_digest_add_u64(&d, v);
        wr_digest_add_u64(&d, t->incident[v]);
        wr_digest_add_text(&d, k == WR_TRUTH_TYPOLOGY_NONE ? "" : t->name[k]);
    }
    wr_digest_hex_of(&d, &t->digest);
    wr_digest_release(&d);
    return WR_OK;
}

/* --- from a list ----------------------------------------------------------------------
 */

typedef struct slot {
    uint64_t hash; /* of the incident's text */
    uint32_t number;
    bool is_used;
} slot;

typedef struct loading {
    wr_truth_set *t;
    const wr_snapshot *g;
    const wr_chain *chain;
    slot *slot; /* [cap] open addressing */
    size_t cap;
} loading;

static slot *place(slot *all, size_t cap, uint64_t hash)
{
    size_t i = hash & (cap - 1);
    while (all[i].is_used && all[i].hash != hash)
        i = (i + 1) & (cap - 1);
    return &all[i];
}

static wr_status make_room(loading *l, wr_err *err)
{
    enum { CAP_MIN = 64 };
    if ((size_t)l->t->incidents * 2 < l->cap)
        return WR_OK;
    const size_t cap = l->cap ? l->cap * 2 : CAP_MIN;
    slot *all = wr_calloc(cap, sizeof *all);
    if (!all)
        return wr_fail(err, WR_ENOMEM, "%" PRIu32 " incidents", l->t->incidents);
    for (size_t i = 0; i < l->cap; i++)
        if (l->slot[i].is_used)
            *place(all, cap, l->slot[i].hash) = l->slot[i];
    wr_free(l->slot);
    l->slot = all;
    l->cap = cap;
    return WR_OK;
}

/* Incidents are told apart by 64 bits of a hash of their text. */
static wr_status number_of(uint32_t *out, loading *l, wr_text incident, wr_err *err)
{
    WR_TRY(make_room(l, err));
    if (!incident.len) {
        *out = l->t->incidents++;
        return WR_OK;
    }
    const uint64_t hash = wr_hash64(incident.p, incident.len, 1);
    slot *s = place(l->slot, l->cap, hash);
    if (!s->is_used)
        *s = (slot){.hash = hash, .number = l->t->incidents++, .is_used = true};
    *out = s->number;
    return WR_OK;
}

static wr_status typology_of(uint8_t *out, wr_truth_set *t, wr_text name, wr_err *err)
{
    *out = WR_TRUTH_TYPOLOGY_NONE;
    if (!name.len)
        return WR_OK;
    for (uint32_t k = 0; k < t->typologies; k++)
        if (wr_text_eq(name, wr_text_of(t->name[k]))) {
            *out = (uint8_t)k;
            return WR_OK;
        }
    if (name.len > WR_TRUTH_NAME_MAX || t->typologies == WR_TRUTH_TYPOLOGIES_MAX)
        return wr_fail(err, WR_EPARSE, "typology '%.*s': %s", WR_TEXT_ARG(name),
                       name.len > WR_TRUTH_NAME_MAX ? "name too long"
                                                    : "too many of them");
    memcpy(t->name[t->typologies], name.p, name.len);
    *out = (uint8_t)t->typologies++;
    return WR_OK;
}

static wr_status take(void *ctx, const wr_truth_wallet *w, wr_err *err)
{
    loading *l = ctx;
    wr_truth_set *t = l->t;
    const wr_vid v = wr_ids_vertex(wr_snapshot_ids(l->g), l->chain, w->address);
    if (w->is_unknown) {
        if (v == WR_VID_NONE)
            t->missing++;
        else
            t->is_unknown[v] = !wr_truth_is_bad(t, v);
        return WR_OK;
    }
    uint32_t incident = 0;
    WR_TRY(number_of(&incident, l, w->incident, err));
    if (v == WR_VID_NONE) {
        t->missing++;
        return WR_OK;
    }
    if (wr_truth_is_bad(t, v))
        return WR_OK;
    t->bad++;
    t->incident[v] = incident;
    t->is_unknown[v] = false;
    return typology_of(&t->typology[v], t, w->typology, err);
}

wr_status wr_truth_set_load(wr_truth_set *out, const char *path, const wr_chain *chain,
                            const wr_snapshot *g, wr_err *err)
{
    if (!wr_snapshot_ids(g))
        return wr_fail(err, WR_EINVAL, "the graph has no addresses");
    loading l = {.t = out, .g = g, .chain = chain};
    wr_status s = init(out, wr_snapshot_n(g), err);
    if (s == WR_OK)
        s = wr_truth_read_incidents(path, chain, take, &l, err);
    if (s == WR_OK)
        s = finish(out, err);
    wr_free(l.slot);
    if (s != WR_OK)
        wr_truth_set_release(out);
    return s;
}

/* --- from labels ----------------------------------------------------------------------
 */

wr_status wr_truth_set_of_labels(wr_truth_set *out, const wr_seeds *seeds, wr_err *err)
{
    wr_status s = init(out, seeds->n, err);
    for (uint32_t v = 0; s == WR_OK && v < seeds->n; v++) {
        const int c = seeds->category[v];
        if (c < 0 || seeds->kind[c] != WR_CATEGORY_ILLICIT)
            continue;
        out->incident[v] = out->incidents++;
        out->bad++;
    }
    if (s == WR_OK)
        s = finish(out, err);
    if (s != WR_OK)
        wr_truth_set_release(out);
    return s;
}
