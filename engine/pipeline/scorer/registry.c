#include "pipeline/scorer/registry.h"

#include <omp.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/scorer/learned_int.h"
#include "scoring/feature.h"

static wr_status check_kind(const wr_learned *l, wr_err *err)
{
    const wr_text kind = l->manifest.kind;
    for (int k = 0; k < WR_FEATURE_KIND_COUNT; k++)
        if (wr_text_eq(kind, wr_text_of(wr_feature_kind_name((wr_feature_kind)k))))
            return WR_OK;
    return wr_fail(err, WR_EINVAL, "model %s: kind '%s' is neither '%s' nor '%s'", l->id,
                   wr_text_quote(kind, 40).s, wr_feature_kind_name(WR_FEATURE_WALLET),
                   wr_feature_kind_name(WR_FEATURE_TRANSFER));
}

static wr_status put_with_card(wr_store *st, wr_model *m, wr_buf *card,
                               const wr_learned *l, bool *is_new, wr_err *err)
{
    WR_TRY(wr_learned_card(card, l, err));
    m->card = (wr_text){card->p, (uint32_t)card->len};
    return wr_store_model_put(st, m, is_new, err);
}

wr_status wr_registry_put(wr_store *st, const wr_learned *l, wr_text bytes, wr_text by,
                          int64_t at_s, bool *is_new, wr_err *err)
{
    wr_buf card;
    wr_model m = {.id = wr_text_of(l->id),
                  .digest = wr_text_of(l->digest.s),
                  .kind = l->manifest.kind,
                  .created_s = at_s,
                  .created_by = by,
                  .manifest = wr_text_of(l->text),
                  .bytes = bytes};
    WR_TRY(check_kind(l, err));
    wr_buf_init(&card, WR_MODEL_TEXT_MAX);
    const wr_status s = put_with_card(st, &m, &card, l, is_new, err);
    wr_buf_release(&card);
    return s;
}

typedef struct copying {
    wr_model *out;
    wr_arena *arena;
} copying;

static wr_status copy(void *ctx, const wr_model *m, wr_err *err)
{
    const copying *c = ctx;
    wr_model own = *m;
    wr_text *text[] = {&own.id,           &own.digest,   &own.kind, &own.created_by,
                       &own.activated_by, &own.manifest, &own.card, &own.bytes};
    for (size_t i = 0; i < sizeof text / sizeof text[0]; i++) {
        const wr_text kept = wr_arena_text(c->arena, *text[i]);
        if (text[i]->p && !kept.p)
            return wr_fail(err, WR_ENOMEM, "model of %u bytes", m->bytes.len);
        *text[i] = kept;
    }
    *c->out = own;
    return WR_OK;
}

wr_status wr_registry_get(wr_model *out, wr_arena *arena, wr_store *st, const char *name,
                          const char *kind, wr_err *err)
{
    copying c = {out, arena};
    return wr_store_model_get(st, name, kind, copy, &c, err);
}

typedef struct unpacking {
    wr_learned *l;
    uint32_t threads;
} unpacking;

static wr_status unpack(void *ctx, const wr_model *m, wr_err *err)
{
    unpacking *u = ctx;
    WR_AUTO(wr_learned) l = NULL;
    WR_TRY(wr_learned_unpack(&l, m->bytes.p, m->bytes.len, u->threads, err));
    if (!wr_text_eq(m->id, wr_text_of(l->id)))
        return wr_fail(err, WR_ECORRUPT, "model %s is kept under the id '%s'", l->id,
                       wr_text_quote(m->id, 40).s);
    u->l = WR_STEAL(l);
    return WR_OK;
}

wr_status wr_registry_load(wr_learned **out, wr_store *st, const char *name,
                           const char *kind, uint32_t threads, wr_err *err)
{
    unpacking u = {.threads = threads};
    WR_TRY(wr_store_model_get(st, name, kind, unpack, &u, err));
    *out = u.l;
    return WR_OK;
}

static wr_status load_wallets(wr_learned **out, wr_store *st, const char *name,
                              wr_err *err)
{
    return wr_registry_load(out, st, name, wr_feature_kind_name(WR_FEATURE_WALLET),
                            (uint32_t)omp_get_max_threads(), err);
}

wr_status wr_registry_active(wr_learned **out, wr_store *st, wr_err *err)
{
    wr_err why = {0};
    *out = NULL;
    const wr_status s = load_wallets(out, st, "active", &why);
    return s == WR_OK || s == WR_ENOTFOUND ? WR_OK : wr_fail(err, s, "%s", why.msg);
}

wr_status wr_registry_of_digest(wr_learned **out, wr_store *st,
                                const wr_digest_hex *digest, wr_err *err)
{
    char id[WR_LEARNED_ID_MAX + 1];
    WR_AUTO(wr_learned) l = NULL;
    (void)snprintf(id, sizeof id, "m%.*s", WR_LEARNED_ID_MAX - 1, digest->s);
    WR_TRY(load_wallets(&l, st, id, err));
    if (strcmp(l->digest.s, digest->s) != 0) /* an id is but the front of it */
        return wr_fail(err, WR_ECONFLICT, "model %s has digest %s, wanted is %s", id,
                       l->digest.s, digest->s);
    *out = WR_STEAL(l);
    return WR_OK;
}
