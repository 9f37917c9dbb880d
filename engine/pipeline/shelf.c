#include "pipeline/shelf.h"

#include <omp.h>
#include <stdio.h>

#include "scoring/feature.h"
#include "util/buf.h"

static const char *wallet_kind(void)
{
    return wr_feature_kind_name(WR_FEATURE_WALLET);
}

static wr_status take(void *ctx, const wr_model *m, wr_err *err)
{
    wr_learned **out = ctx;
    WR_AUTO(wr_learned) l = NULL;
    WR_TRY(wr_learned_unpack(&l, m->bytes.p, m->bytes.len,
                             (uint32_t)omp_get_max_threads(), err));
    if (!wr_text_eq(m->digest, wr_text_of(wr_learned_digest(l)->s)))
        return wr_fail(err, WR_ECORRUPT,
                       "model %.*s: its bytes have digest %s, the registry says %.*s",
                       WR_TEXT_ARG(m->id), wr_learned_digest(l)->s,
                       WR_TEXT_ARG(m->digest));
    *out = WR_STEAL(l);
    return WR_OK;
}

wr_status wr_shelf_get(wr_learned **out, wr_store *st, const char *name, wr_err *err)
{
    return wr_store_model_get(st, name, wallet_kind(), take, out, err);
}

wr_status wr_shelf_get_digest(wr_learned **out, wr_store *st, const wr_digest_hex *digest,
                              wr_err *err)
{
    char id[WR_LEARNED_ID_MAX + 1];
    (void)snprintf(id, sizeof id, "m%.*s", WR_LEARNED_ID_MAX - 1, digest->s);
    return wr_shelf_get(out, st, id, err);
}

wr_status wr_shelf_active(wr_learned **out, wr_store *st, wr_err *err)
{
    wr_err why = {0};
    *out = NULL;
    const wr_status s = wr_shelf_get(out, st, "active", &why);
    return s == WR_OK || s == WR_ENOTFOUND ? WR_OK : wr_fail(err, s, "%s", why.msg);
}

wr_status wr_shelf_put(wr_store *st, const wr_learned *l, wr_text bytes, wr_text by,
                       int64_t now_s, bool *is_new, wr_err *err)
{
    wr_buf card;
    wr_buf_init(&card, WR_MODEL_TEXT_MAX);
    wr_status s = wr_learned_card(&card, l, err);
    if (s == WR_OK)
        s = wr_buf_status(&card, "card of the model", err);
    const wr_model m = {.id = wr_text_of(wr_learned_id(l)),
                        .digest = wr_text_of(wr_learned_digest(l)->s),
                        .kind = wr_text_of(wallet_kind()),
                        .created_s = now_s,
                        .created_by = by,
                        .manifest = wr_text_of(wr_learned_manifest(l)),
                        .card = wr_text_of(wr_buf_cstr(&card)),
                        .bytes = bytes};
    if (s == WR_OK)
        s = wr_store_model_put(st, &m, is_new, err);
    wr_buf_release(&card);
    return s;
}
