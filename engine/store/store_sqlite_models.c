#include "store/sqlite_int.h"

#define MODEL_COLUMNS                                                                \
    "id, digest, kind, status, created_at, created_by, activated_at, activated_by, " \
    "manifest, card"

static wr_status model_of(wr_model *m, sqlite3_stmt *s, wr_err *err)
{
    *m = (wr_model){
        .id = wr_sqlite_text(s, 0),
        .digest = wr_sqlite_text(s, 1),
        .kind = wr_sqlite_text(s, 2),
        .created_s = sqlite3_column_int64(s, 4),
        .created_by = wr_sqlite_text(s, 5),
        .activated_s = wr_sqlite_int_or(s, 6, 0),
        .activated_by = wr_sqlite_text(s, 7),
        .manifest = wr_sqlite_text(s, 8),
        .card = wr_sqlite_text(s, 9),
    };
    return wr_store_model_status(&m->status, wr_sqlite_text(s, 3), err);
}

static wr_status insert_model(wr_sqlite *q, const wr_model *m, wr_err *err)
{
    static const char sql[] =
        "insert into model_registry (id, digest, kind, status, created_at, created_by, "
        "manifest, card, bytes) values (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    WR_SQLITE_STMT *s = NULL;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    wr_sqlite_bind(s, 1, m->id);
    wr_sqlite_bind(s, 2, m->digest);
    wr_sqlite_bind(s, 3, m->kind);
    wr_sqlite_bind(s, 4, wr_text_of(wr_model_status_name(m->status)));
    (void)sqlite3_bind_int64(s, 5, m->created_s);
    wr_sqlite_bind(s, 6, m->created_by);
    wr_sqlite_bind(s, 7, m->manifest);
    wr_sqlite_bind(s, 8, m->card);
    (void)sqlite3_bind_blob64(s, 9, m->bytes.p, m->bytes.len, SQLITE_STATIC);
    return wr_sqlite_run(q, s, err);
}

static wr_status put_model(wr_sqlite *q, const wr_model *m, bool *is_new, wr_err *err)
{
    static const char sql[] = "select digest from model_registry where id = ?";
    WR_SQLITE_STMT *s = NULL;
    bool has_row = false;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    wr_sqlite_bind(s, 1, m->id);
    WR_TRY(wr_sqlite_step(q, s, &has_row, err));
    if (has_row && !wr_text_eq(wr_sqlite_text(s, 0), m->digest))
        return wr_store_model_conflict(m, wr_sqlite_text(s, 0), err);
    if (!has_row)
        WR_TRY(insert_model(q, m, err));
    *is_new = !has_row;
    return WR_OK;
}

wr_status wr_sqlite_model_put(wr_store *st, const wr_model *m, bool *is_new, wr_err *err)
{
    wr_sqlite *q = wr_sqlite_of(st);
    WR_TRY(wr_sqlite_begin(q, err));
    return wr_sqlite_end(q, put_model(q, m, is_new, err), err);
}

wr_status wr_sqlite_models(wr_store *st, wr_model_fn fn, void *ctx, wr_err *err)
{
    static const char sql[] =
        "select " MODEL_COLUMNS " from model_registry order by created_at desc, id";
    wr_sqlite *q = wr_sqlite_of(st);
    WR_SQLITE_STMT *s = NULL;
    bool has_row = false;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    WR_TRY(wr_sqlite_step(q, s, &has_row, err));
    while (has_row) {
        wr_model m;
        WR_TRY(model_of(&m, s, err));
        WR_TRY(fn(ctx, &m, err));
        WR_TRY(wr_sqlite_step(q, s, &has_row, err));
    }
    return WR_OK;
}

wr_status wr_sqlite_model_get(wr_store *st, const char *id, wr_model_fn fn, void *ctx,
                              wr_err *err)
{
    static const char sql[] =
        "select " MODEL_COLUMNS ", bytes from model_registry where id = ?";
    wr_sqlite *q = wr_sqlite_of(st);
    WR_SQLITE_STMT *s = NULL;
    bool has_row = false;
    wr_model m;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    wr_sqlite_bind(s, 1, wr_text_of(id));
    WR_TRY(wr_sqlite_step(q, s, &has_row, err));
    if (!has_row)
        return wr_fail(err, WR_ENOTFOUND, "no model '%s'", id);
    WR_TRY(model_of(&m, s, err));
    m.bytes.p = sqlite3_column_blob(s, 10);
    m.bytes.len = (uint32_t)sqlite3_column_bytes(s, 10);
    return fn(ctx, &m, err);
}

static wr_status retire(wr_sqlite *q, const char *kind, wr_err *err)
{
    static const char sql[] = "update model_registry set status = 'retired' "
                              "where kind = ? and status = 'active'";
    WR_SQLITE_STMT *s = NULL;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    wr_sqlite_bind(s, 1, wr_text_of(kind));
    return wr_sqlite_run(q, s, err);
}

static wr_status switch_model(wr_sqlite *q, const wr_model_activation *sw, wr_err *err)
{
    static const char sql[] = "update model_registry set status = 'active', "
                              "activated_at = ?, activated_by = ? where id = ?";
    WR_SQLITE_STMT *s = NULL;
    WR_TRY(retire(q, sw->kind, err));
    if (!sw->id[0])
        return WR_OK;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    (void)sqlite3_bind_int64(s, 1, sw->at_s);
    wr_sqlite_bind(s, 2, sw->by);
    wr_sqlite_bind(s, 3, wr_text_of(sw->id));
    WR_TRY(wr_sqlite_run(q, s, err));
    return sqlite3_changes(q->db) == 1
               ? WR_OK
               : wr_fail(err, WR_ENOTFOUND, "no model '%s'", sw->id);
}

wr_status wr_sqlite_model_switch(wr_store *st, const wr_model_activation *sw, wr_err *err)
{
    wr_sqlite *q = wr_sqlite_of(st);
    WR_TRY(wr_sqlite_begin(q, err));
    return wr_sqlite_end(q, switch_model(q, sw, err), err);
}
