#include "store/mem_int.h"

static wr_model *find(const wr_mem *m, wr_text id)
{
    for (size_t i = 0; i < m->models.count; i++)
        if (wr_text_eq(m->models.item[i].id, id))
            return &m->models.item[i];
    return NULL;
}

wr_status wr_mem_model_put(wr_store *st, const wr_model *model, bool *is_new, wr_err *err)
{
    wr_mem *m = wr_mem_of(st);
    WR_TRY(wr_mem_ready(m, err));
    const wr_model *old = find(m, model->id);
    if (old && !wr_text_eq(old->digest, model->digest))
        return wr_store_model_conflict(model, old->digest, err);
    if (!old) {
        wr_model own = *model;
        wr_text *text[] = {&own.id,       &own.digest, &own.kind, &own.created_by,
                           &own.manifest, &own.card,   &own.bytes};
        for (size_t i = 0; i < sizeof text / sizeof text[0]; i++)
            WR_TRY(wr_mem_text(m, text[i], err));
        WR_TRY(WR_MEM_APPEND(&m->models, own, "model", err));
    }
    *is_new = !old;
    return WR_OK;
}

static int by_id(wr_text a, wr_text b)
{
    const uint32_t len = a.len < b.len ? a.len : b.len;
    const int c = memcmp(a.p, b.p, len);
    return c != 0 ? c : (a.len > b.len) - (a.len < b.len);
}

/* Does a come before b in the list? */
static bool is_before(const wr_model *a, const wr_model *b)
{
    return a->created_s != b->created_s ? a->created_s > b->created_s
                                        : by_id(a->id, b->id) < 0;
}

wr_status wr_mem_models(wr_store *st, wr_model_fn fn, void *ctx, wr_err *err)
{
    const wr_mem *m = wr_mem_of(st);
    const wr_model *last = NULL;
    WR_TRY(wr_mem_ready(m, err));
    for (size_t n = 0; n < m->models.count; n++) {
        const wr_model *next = NULL;
        for (size_t i = 0; i < m->models.count; i++) {
            const wr_model *k = &m->models.item[i];
            if ((!last || is_before(last, k)) && (!next || is_before(k, next)))
                next = k;
        }
        if (!next)
            break;
        wr_model row = *next;
        row.bytes = (wr_text){0};
        WR_TRY(fn(ctx, &row, err));
        last = next;
    }
    return WR_OK;
}

wr_status wr_mem_model_get(wr_store *st, const char *id, wr_model_fn fn, void *ctx,
                           wr_err *err)
{
    const wr_mem *m = wr_mem_of(st);
    WR_TRY(wr_mem_ready(m, err));
    const wr_model *model = find(m, wr_text_of(id));
    return model ? fn(ctx, model, err) : wr_fail(err, WR_ENOTFOUND, "no model '%s'", id);
}

wr_status wr_mem_model_switch(wr_store *st, const wr_model_activation *sw, wr_err *err)
{
    wr_mem *m = wr_mem_of(st);
    wr_text by = sw->by;
    WR_TRY(wr_mem_ready(m, err));
    wr_model *model = find(m, wr_text_of(sw->id));
    if (sw->id[0] && !model)
        return wr_fail(err, WR_ENOTFOUND, "no model '%s'", sw->id);
    WR_TRY(wr_mem_text(m, &by, err));
    for (size_t i = 0; i < m->models.count; i++) {
        wr_model *k = &m->models.item[i];
        if (k->status == WR_MODEL_ACTIVE && wr_text_eq(k->kind, wr_text_of(sw->kind)))
            k->status = WR_MODEL_RETIRED;
    }
    if (!model)
        return WR_OK;
    model->status = WR_MODEL_ACTIVE;
    model->activated_s = sw->at_s;
    model->activated_by = by;
    return WR_OK;
}
