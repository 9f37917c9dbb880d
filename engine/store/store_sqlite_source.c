#include "store/sqlite_int.h"
#include "util/clock.h"

wr_status wr_sqlite_source_add(wr_sqlite *q, const wr_put *put, const wr_put_result *res,
                               uint64_t gone, wr_err *err)
{
    static const char sql[] =
        "insert into ingestion_state (source, partition, next_offset, resume, status, "
        "last_error, records, gaps, inserted, duplicates, dead, first_at, updated_at) "
        "values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12) "
        "on conflict (source, partition) do update set "
        "next_offset = excluded.next_offset, resume = excluded.resume, "
        "status = excluded.status, last_error = excluded.last_error, "
        "records = records + excluded.records - min(?13, dead), "
        "gaps = gaps + excluded.gaps, "
        "inserted = inserted + excluded.inserted, "
        "duplicates = duplicates + excluded.duplicates, "
        "dead = dead + excluded.dead - min(?13, dead), "
        "updated_at = excluded.updated_at";
    const wr_source_mark *m = put->mark;
    WR_SQLITE_STMT *s = NULL;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    wr_sqlite_bind(s, 1, m->source.p ? m->source : WR_TEXT_LIT(""));
    (void)sqlite3_bind_int(s, 2, m->partition);
    (void)sqlite3_bind_int64(s, 3, m->next_offset);
    wr_sqlite_bind(s, 4, m->resume);
    wr_sqlite_bind(s, 5, wr_text_of(m->status));
    wr_sqlite_bind(s, 6, m->last_error);
    (void)sqlite3_bind_int64(s, 7, (int64_t)m->records);
    (void)sqlite3_bind_int64(s, 8, (int64_t)m->gaps);
    (void)sqlite3_bind_int64(s, 9, (int64_t)res->inserted);
    (void)sqlite3_bind_int64(s, 10, (int64_t)res->duplicates);
    (void)sqlite3_bind_int64(s, 11, (int64_t)res->dead);
    (void)sqlite3_bind_int64(s, 12, wr_clock_wall_s());
    (void)sqlite3_bind_int64(s, 13, (int64_t)gone);
    return wr_sqlite_run(q, s, err);
}

wr_status wr_sqlite_dead_remove(wr_sqlite *q, const wr_source_mark *m, uint64_t *gone,
                                wr_err *err)
{
    static const char sql[] =
        "delete from dead_letters where source = ? and partition = ?";
    WR_SQLITE_STMT *s = NULL;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    wr_sqlite_bind(s, 1, m->source.p ? m->source : WR_TEXT_LIT(""));
    (void)sqlite3_bind_int(s, 2, m->partition);
    WR_TRY(wr_sqlite_run(q, s, err));
    *gone = (uint64_t)sqlite3_changes64(q->db);
    return WR_OK;
}

wr_status wr_sqlite_dead_add(wr_sqlite *q, const wr_dead_letter *d, wr_err *err)
{
    static const char sql[] =
        "insert into dead_letters (source, partition, position, raw, raw_bytes, field, "
        "reason, at) values (?, ?, ?, ?, ?, ?, ?, ?)";
    WR_SQLITE_STMT *s = NULL;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    uint32_t raw_len = d->raw.len < WR_DEAD_RAW_MAX ? d->raw.len : WR_DEAD_RAW_MAX;
    wr_sqlite_bind(s, 1, d->source.p ? d->source : WR_TEXT_LIT(""));
    (void)sqlite3_bind_int(s, 2, d->partition);
    (void)sqlite3_bind_int64(s, 3, d->position);
    (void)sqlite3_bind_blob(s, 4, d->raw.p ? d->raw.p : "", (int)raw_len, SQLITE_STATIC);
    (void)sqlite3_bind_int64(s, 5, (int64_t)d->raw_bytes);
    wr_sqlite_bind(s, 6, d->field.p ? d->field : WR_TEXT_LIT(""));
    wr_sqlite_bind(s, 7, d->reason.p ? d->reason : WR_TEXT_LIT(""));
    (void)sqlite3_bind_int64(s, 8, wr_clock_wall_s());
    return wr_sqlite_run(q, s, err);
}

#define SOURCE_COLUMNS                                                                   \
    "select source, partition, next_offset, resume, status, last_error, records, gaps, " \
    "inserted, duplicates, dead, first_at, updated_at from ingestion_state "

static wr_source source_of(sqlite3_stmt *s)
{
    return (wr_source){
        .source = wr_sqlite_text(s, 0),
        .partition = sqlite3_column_int(s, 1),
        .next_offset = sqlite3_column_int64(s, 2),
        .resume = wr_sqlite_text(s, 3),
        .status = wr_sqlite_text(s, 4),
        .last_error = wr_sqlite_text(s, 5),
        .records = (uint64_t)sqlite3_column_int64(s, 6),
        .gaps = (uint64_t)sqlite3_column_int64(s, 7),
        .inserted = (uint64_t)sqlite3_column_int64(s, 8),
        .duplicates = (uint64_t)sqlite3_column_int64(s, 9),
        .dead = (uint64_t)sqlite3_column_int64(s, 10),
        .first_s = sqlite3_column_int64(s, 11),
        .updated_s = sqlite3_column_int64(s, 12),
    };
}

wr_status wr_sqlite_sources(wr_store *st, wr_source_fn fn, void *ctx, wr_err *err)
{
    static const char sql[] = SOURCE_COLUMNS "order by source, partition";
    wr_sqlite *q = wr_sqlite_of(st);
    WR_SQLITE_STMT *s = NULL;
    bool has_row = false;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    WR_TRY(wr_sqlite_step(q, s, &has_row, err));
    while (has_row) {
        wr_source row = source_of(s);
        WR_TRY(fn(ctx, &row, err));
        WR_TRY(wr_sqlite_step(q, s, &has_row, err));
    }
    return WR_OK;
}

wr_status wr_sqlite_source_get(wr_store *st, wr_source *out, wr_arena *arena,
                               wr_text source, int32_t partition, wr_err *err)
{
    static const char sql[] = SOURCE_COLUMNS "where source = ? and partition = ?";
    wr_sqlite *q = wr_sqlite_of(st);
    WR_SQLITE_STMT *s = NULL;
    bool has_row = false;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    wr_sqlite_bind(s, 1, source.p ? source : WR_TEXT_LIT(""));
    (void)sqlite3_bind_int(s, 2, partition);
    WR_TRY(wr_sqlite_step(q, s, &has_row, err));
    if (!has_row)
        return wr_fail(err, WR_ENOTFOUND, "no source '%.*s' partition %d",
                       WR_TEXT_ARG(source), partition);
    wr_source row = source_of(s);
    wr_text *text[4] = {&row.source, &row.resume, &row.status, &row.last_error};
    for (size_t i = 0; i < 4; i++) {
        wr_text copy = wr_arena_text(arena, *text[i]);
        if (text[i]->p && !copy.p)
            return wr_fail(err, WR_ENOMEM, "source '%.*s'", WR_TEXT_ARG(source));
        *text[i] = copy;
    }
    *out = row;
    return WR_OK;
}

wr_status wr_sqlite_dead_list(wr_store *st, wr_text source, int64_t after_id,
                              uint32_t limit, wr_dead_fn fn, void *ctx, wr_err *err)
{
#define DEAD_COLUMNS                                                                  \
    "select dead_id, source, partition, position, raw, raw_bytes, field, reason, at " \
    "from dead_letters "
    static const char all[] = DEAD_COLUMNS "where dead_id > ?1 order by dead_id limit ?2";
    static const char one[] =
        DEAD_COLUMNS "where source = ?3 and dead_id > ?1 order by dead_id limit ?2";
    wr_sqlite *q = wr_sqlite_of(st);
    WR_SQLITE_STMT *s = NULL;
    bool has_row = false;
    WR_TRY(wr_sqlite_stmt(q, source.len ? one : all, &s, err));
    (void)sqlite3_bind_int64(s, 1, after_id);
    (void)sqlite3_bind_int64(s, 2, limit);
    if (source.len)
        wr_sqlite_bind(s, 3, source);
    WR_TRY(wr_sqlite_step(q, s, &has_row, err));
    while (has_row) {
        wr_dead_row row = {
            .id = sqlite3_column_int64(s, 0),
            .letter = {.source = wr_sqlite_text(s, 1),
                       .partition = sqlite3_column_int(s, 2),
                       .position = sqlite3_column_int64(s, 3),
                       .raw = {.p = sqlite3_column_blob(s, 4),
                               .len = (uint32_t)sqlite3_column_bytes(s, 4)},
                       .raw_bytes = (uint64_t)sqlite3_column_int64(s, 5),
                       .field = wr_sqlite_text(s, 6),
                       .reason = wr_sqlite_text(s, 7)},
            .at_s = sqlite3_column_int64(s, 8),
        };
        if (!row.letter.raw.p)
            row.letter.raw.p = ""; /* SQLite answers NULL for no bytes */
        WR_TRY(fn(ctx, &row, err));
        WR_TRY(wr_sqlite_step(q, s, &has_row, err));
    }
    return WR_OK;
}

wr_status wr_sqlite_counts(wr_store *st, wr_counts *out, wr_err *err)
{
    static const char sql[] = "select (select sum(transfers) from store_totals), "
                              "(select min(first_time) from store_totals), "
                              "(select max(last_time) from store_totals), "
                              "(select sum(wallets) from store_totals), "
                              "(select sum(added) - sum(removed) from label_revisions), "
                              "(select sum(dead) from store_totals), "
                              "(select count(*) from scoring_runs), "
                              "(select max(seq) from transactions), "
                              "(select max(rev) from label_revisions)";
    wr_sqlite *q = wr_sqlite_of(st);
    WR_SQLITE_STMT *s = NULL;
    bool has_row = false;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    WR_TRY(wr_sqlite_step(q, s, &has_row, err));
    *out = (wr_counts){
        .transfers = (uint64_t)wr_sqlite_int_or(s, 0, 0),
        .first_time_s = wr_sqlite_int_or(s, 1, 0),
        .last_time_s = wr_sqlite_int_or(s, 2, 0),
        .wallets = (uint64_t)wr_sqlite_int_or(s, 3, 0),
        .labels = (uint64_t)wr_sqlite_int_or(s, 4, 0),
        .dead = (uint64_t)wr_sqlite_int_or(s, 5, 0),
        .runs = (uint64_t)wr_sqlite_int_or(s, 6, 0),
        .max_seq = wr_sqlite_int_or(s, 7, 0),
        .label_rev = wr_sqlite_int_or(s, 8, 0),
    };
    return WR_OK;
}

wr_status wr_sqlite_safe_seq(wr_store *st, int64_t *seq, wr_err *err)
{
    /* One writer at a time, numbers grow: what is committed is all there is below it. */
    static const char sql[] = "select max(seq) from transactions";
    return wr_sqlite_int(wr_sqlite_of(st), sql, 0, seq, err);
}

wr_status wr_sqlite_store_id(wr_store *st, char out[WR_STORE_ID_HEX + 1], wr_err *err)
{
    static const char sql[] =
        "select lower(hex(value)) from store_settings where name = 'store_id'";
    wr_sqlite *q = wr_sqlite_of(st);
    WR_SQLITE_STMT *s = NULL;
    bool has_row = false;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    WR_TRY(wr_sqlite_step(q, s, &has_row, err));
    return wr_store_id_from(out, has_row ? wr_sqlite_text(s, 0) : (wr_text){0}, err);
}
