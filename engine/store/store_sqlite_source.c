#include <time.h>

#include "store/sqlite_int.h"
#include "util/clock.h"

enum { WAIT_FIRST_US = 1000, WAIT_LONGEST_US = 50000 };

wr_status wr_sqlite_source_begin(wr_sqlite *q, const wr_source_mark *m,
                                 wr_sqlite_tally *t, wr_err *err)
{
    static const char sql[] = "select next_offset, rate_1m, rate_5m, rate_15m, rate_at "
                              "from ingestion_state where source = ? and partition = ?";
    WR_SQLITE_STMT *s = NULL;
    bool has_row = false;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    wr_sqlite_bind(s, 1, m->source.p ? m->source : WR_TEXT_LIT(""));
    (void)sqlite3_bind_int(s, 2, m->partition);
    WR_TRY(wr_sqlite_step(q, s, &has_row, err));
    if (!has_row)
        return WR_OK;
    if (m->is_fenced && sqlite3_column_int64(s, 0) != m->from_offset)
        return wr_store_fence_fail(m, sqlite3_column_int64(s, 0), err);
    for (int i = 0; i < WR_RATE_COUNT; i++)
        t->rates.per_s[i] = sqlite3_column_double(s, 1 + i);
    t->rates.at_us = sqlite3_column_int64(s, 1 + WR_RATE_COUNT);
    return WR_OK;
}

static void bind_tally(sqlite3_stmt *s, const wr_source_mark *m, const wr_sqlite_tally *t)
{
    int64_t now_us = wr_clock_wall_us();
    wr_rates rates = t->rates;
    wr_rates_add(&rates, m->records, now_us);
    (void)sqlite3_bind_int64(s, 9, (int64_t)t->res.inserted);
    (void)sqlite3_bind_int64(s, 10, (int64_t)t->res.duplicates);
    (void)sqlite3_bind_int64(s, 11, (int64_t)t->res.dead);
    (void)sqlite3_bind_int64(s, 12, now_us / 1000000);
    (void)sqlite3_bind_int64(s, 13, (int64_t)t->gone);
    wr_sqlite_bind_int_or(s, 17, t->accepted.first_s, INT64_MAX);
    wr_sqlite_bind_int_or(s, 18, t->accepted.last_s, INT64_MIN);
    for (int i = 0; i < WR_RATE_COUNT; i++)
        (void)sqlite3_bind_double(s, 19 + i, rates.per_s[i]);
    (void)sqlite3_bind_int64(s, 22, rates.at_us);
}

wr_status wr_sqlite_source_add(wr_sqlite *q, const wr_put *put, const wr_sqlite_tally *t,
                               wr_err *err)
{
/* Offsets are kept from here on: those counted before are not among them. */
#define BEGINS "(excluded.first_offset >= 0 and (first_offset < 0 or ?23))"
    /* min and max of a null are null, hence the coalesce */
    static const char sql[] =
        "insert into ingestion_state (source, partition, next_offset, resume, status, "
        "last_error, records, gaps, inserted, duplicates, dead, first_at, updated_at, "
        "first_offset, messages, high_watermark, first_record, last_record, rate_1m, "
        "rate_5m, rate_15m, rate_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, "
        "?11, ?12, ?12, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22) "
        "on conflict (source, partition) do update set "
        "next_offset = excluded.next_offset, resume = excluded.resume, "
        "status = excluded.status, last_error = excluded.last_error, "
        "records = records + excluded.records - min(?13, dead), "
        "gaps = iif(" BEGINS ", 0, gaps) + excluded.gaps, "
        "inserted = inserted + excluded.inserted, "
        "duplicates = duplicates + excluded.duplicates, "
        "dead = dead + excluded.dead - min(?13, dead), "
        "updated_at = excluded.updated_at, "
        "first_offset = iif(" BEGINS ", excluded.first_offset, first_offset), "
        "messages = iif(" BEGINS ", 0, messages) + excluded.messages, "
        "high_watermark = iif(?16 > 0, ?16, high_watermark), "
        "first_record = coalesce(min(first_record, ?17), first_record, ?17), "
        "last_record = coalesce(max(last_record, ?18), last_record, ?18), "
        "rate_1m = ?19, rate_5m = ?20, rate_15m = ?21, rate_at = ?22";
#undef BEGINS
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
    (void)sqlite3_bind_int64(s, 14, wr_store_first_offset(m));
    (void)sqlite3_bind_int64(s, 15, (int64_t)m->messages);
    (void)sqlite3_bind_int64(s, 16, m->high_watermark);
    (void)sqlite3_bind_int(s, 23, m->is_restart);
    bind_tally(s, m, t);
    return wr_sqlite_run(q, s, err);
}

static wr_status remove_all(wr_sqlite *q, const wr_source_mark *m, uint64_t *gone,
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

wr_status wr_sqlite_dead_remove(wr_sqlite *q, const wr_put *put, uint64_t *gone,
                                wr_err *err)
{
    static const char sql[] = "delete from dead_letters "
                              "where dead_id = ? and source = ? and partition = ?";
    const wr_source_mark *m = put->mark;
    if (m->is_restart)
        return remove_all(q, m, gone, err);
    if (put->resolved_count == 0)
        return WR_OK;
    WR_SQLITE_STMT *s = NULL;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    wr_sqlite_bind(s, 2, m->source.p ? m->source : WR_TEXT_LIT(""));
    (void)sqlite3_bind_int(s, 3, m->partition);
    for (size_t i = 0; i < put->resolved_count; i++) {
        (void)sqlite3_bind_int64(s, 1, put->resolved[i]);
        WR_TRY(wr_sqlite_run(q, s, err));
        *gone += (uint64_t)sqlite3_changes64(q->db);
    }
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
    "inserted, duplicates, dead, first_at, updated_at, first_offset, messages, "         \
    "high_watermark, first_record, last_record, rate_1m, rate_5m, rate_15m, rate_at "    \
    "from ingestion_state "

static wr_source source_of(sqlite3_stmt *s)
{
    wr_source out = {
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
        .first_offset = sqlite3_column_int64(s, 13),
        .messages = (uint64_t)sqlite3_column_int64(s, 14),
        .high_watermark = sqlite3_column_int64(s, 15),
        .first_record_s = wr_sqlite_int_or(s, 16, 0),
        .last_record_s = wr_sqlite_int_or(s, 17, 0),
    };
    wr_rates r = {.at_us = sqlite3_column_int64(s, 18 + WR_RATE_COUNT)};
    for (int i = 0; i < WR_RATE_COUNT; i++)
        r.per_s[i] = sqlite3_column_double(s, 18 + i);
    wr_rates_read(&r, wr_clock_wall_us(), out.rate_per_s);
    return out;
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

/* Changes when another connection has committed, whatever it wrote. */
static wr_status read_data_version(wr_sqlite *q, int64_t *version, wr_err *err)
{
    static const char sql[] = "pragma data_version";
    return wr_sqlite_int(q, sql, 0, version, err);
}

wr_status wr_sqlite_wait(wr_store *st, int64_t wait_ms, bool *is_woken, wr_err *err)
{
    wr_sqlite *q = wr_sqlite_of(st);
    int64_t now_us = wr_clock_mono_us();
    const int64_t end_us = now_us + wait_ms * 1000;
    int64_t pause_us = WAIT_FIRST_US;
    int64_t version;
    WR_TRY(read_data_version(q, &version, err));
    if (!q->has_waited)
        q->data_version = version;
    q->has_waited = true;
    while (version == q->data_version && now_us < end_us) {
        int64_t us = end_us - now_us < pause_us ? end_us - now_us : pause_us;
        const struct timespec pause = {.tv_nsec = us * 1000};
        (void)nanosleep(&pause, NULL);
        pause_us = pause_us * 2 < WAIT_LONGEST_US ? pause_us * 2 : WAIT_LONGEST_US;
        now_us = wr_clock_mono_us();
        WR_TRY(read_data_version(q, &version, err));
    }
    *is_woken = version != q->data_version;
    q->data_version = version;
    return WR_OK;
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
