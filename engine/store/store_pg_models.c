#include "store/store_pg_int.h"

#define MODEL_COLUMNS                                                                \
    "id, digest, kind, status, created_at, created_by, activated_at, activated_by, " \
    "manifest, card"

static wr_status model_of(wr_model *m, const PGresult *res, wr_err *err)
{
    *m = (wr_model){
        .id = wr_pg_text(res, 0, 0),
        .digest = wr_pg_text(res, 0, 1),
        .kind = wr_pg_text(res, 0, 2),
        .created_s = wr_pg_i64(res, 0, 4),
        .created_by = wr_pg_text(res, 0, 5),
        .activated_s = wr_pg_is_null(res, 0, 6) ? 0 : wr_pg_i64(res, 0, 6),
        .activated_by = wr_pg_text(res, 0, 7),
        .manifest = wr_pg_text(res, 0, 8),
        .card = wr_pg_text(res, 0, 9),
    };
    return wr_store_model_status(&m->status, wr_pg_text(res, 0, 3), err);
}

static wr_status put_model(wr_pg_store *st, const wr_model *m, bool *is_new, wr_err *err)
{
    static const char insert[] =
        "insert into model_registry (id, digest, kind, status, created_at, created_by, "
        "manifest, card, bytes) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
        "on conflict (id) do nothing";
    static const char look[] = "select digest from model_registry where id = $1";
    WR_AUTO(PGresult) res = NULL;
    WR_AUTO(PGresult) old = NULL;
    wr_pg_args a = {0};
    wr_pg_args key = {0};
    wr_pg_arg_text(&a, m->id);
    wr_pg_arg_text(&a, m->digest);
    wr_pg_arg_text(&a, m->kind);
    wr_pg_arg_text(&a, wr_text_of(wr_model_status_name(m->status)));
    wr_pg_arg_i64(&a, m->created_s);
    wr_pg_arg_text(&a, m->created_by);
    wr_pg_arg_text(&a, m->manifest);
    wr_pg_arg_text(&a, m->card);
    wr_pg_arg_bytes(&a, WR_PG_OID_BYTEA, m->bytes.p, m->bytes.len);
    WR_TRY(wr_pg_exec(st, &res, insert, &a, err));
    const bool is_inserted = wr_pg_row_count(res) == 1;
    if (!is_inserted) {
        wr_pg_arg_text(&key, m->id);
        WR_TRY(wr_pg_exec(st, &old, look, &key, err));
        if (PQntuples(old) == 1 && !wr_text_eq(wr_pg_text(old, 0, 0), m->digest))
            return wr_store_model_conflict(m, wr_pg_text(old, 0, 0), err);
    }
    *is_new = is_inserted;
    return WR_OK;
}

wr_status wr_pg_model_put(wr_store *base, const wr_model *m, bool *is_new, wr_err *err)
{
    wr_pg_store *st = wr_pg_of(base);
    wr_arena arena;
    wr_model own = *m;
    wr_text *text[] = {&own.id,         &own.digest,   &own.kind,
                       &own.created_by, &own.manifest, &own.card};
    wr_status s = WR_OK;
    wr_arena_init(&arena, 0);
    for (size_t i = 0; i < sizeof text / sizeof text[0] && s == WR_OK; i++)
        s = wr_pg_clean_text(text[i], &arena, *text[i], err);
    if (s == WR_OK)
        s = wr_pg_begin(st, "begin isolation level read committed", err);
    if (s == WR_OK)
        s = wr_pg_end(st, put_model(st, &own, is_new, err), err);
    wr_arena_release(&arena);
    return s;
}

typedef struct model_out {
    wr_model_fn fn;
    void *ctx;
} model_out;

static wr_status model_row(void *ctx, const PGresult *res, wr_err *err)
{
    const model_out *o = ctx;
    wr_model m;
    WR_TRY(model_of(&m, res, err));
    return o->fn(o->ctx, &m, err);
}

wr_status wr_pg_models(wr_store *base, wr_model_fn fn, void *ctx, wr_err *err)
{
    static const char sql[] =
        "select " MODEL_COLUMNS " from model_registry order by created_at desc, id";
    model_out o = {.fn = fn, .ctx = ctx};
    wr_pg_args none = {0};
    return wr_pg_stream(wr_pg_of(base), sql, &none, model_row, &o, err);
}

wr_status wr_pg_model_get(wr_store *base, const char *id, wr_model_fn fn, void *ctx,
                          wr_err *err)
{
    static const char sql[] =
        "select " MODEL_COLUMNS ", bytes from model_registry where id = $1";
    WR_AUTO(PGresult) res = NULL;
    wr_pg_args a = {0};
    wr_model m;
    wr_pg_arg_text(&a, wr_text_of(id));
    WR_TRY(wr_pg_exec(wr_pg_of(base), &res, sql, &a, err));
    if (PQntuples(res) == 0)
        return wr_fail(err, WR_ENOTFOUND, "no model '%s'", id);
    WR_TRY(model_of(&m, res, err));
    m.bytes = wr_pg_text(res, 0, 10);
    return fn(ctx, &m, err);
}

/* Under a lock: of two that switch at once, the second retires what the first made. */
static wr_status switch_model(wr_pg_store *st, const wr_model_activation *sw, wr_text by,
                              wr_err *err)
{
    static const char retire[] = "update model_registry set status = 'retired' "
                                 "where kind = $1 and status = 'active'";
    static const char activate[] = "update model_registry set status = 'active', "
                                   "activated_at = $1, activated_by = $2 where id = $3";
    WR_AUTO(PGresult) res = NULL;
    wr_pg_args old = {0};
    wr_pg_args a = {0};
    WR_TRY(wr_pg_lock(st, WR_PG_LOCK_MODELS, err));
    wr_pg_arg_text(&old, wr_text_of(sw->kind));
    WR_TRY(wr_pg_exec(st, NULL, retire, &old, err));
    if (!sw->id[0])
        return WR_OK;
    wr_pg_arg_i64(&a, sw->at_s);
    wr_pg_arg_text(&a, by);
    wr_pg_arg_text(&a, wr_text_of(sw->id));
    WR_TRY(wr_pg_exec(st, &res, activate, &a, err));
    return wr_pg_row_count(res) == 1
               ? WR_OK
               : wr_fail(err, WR_ENOTFOUND, "no model '%s'", sw->id);
}

wr_status wr_pg_model_switch(wr_store *base, const wr_model_activation *sw, wr_err *err)
{
    wr_pg_store *st = wr_pg_of(base);
    wr_arena arena;
    wr_text by = sw->by;
    wr_arena_init(&arena, 0);
    wr_status s = wr_pg_clean_text(&by, &arena, sw->by, err);
    if (s == WR_OK)
        s = wr_pg_begin(st, "begin isolation level read committed", err);
    if (s == WR_OK)
        s = wr_pg_end(st, switch_model(st, sw, by, err), err);
    wr_arena_release(&arena);
    return s;
}
