#include "store/store_pg_int.h"
#include "util/clock.h"

#define SOURCE_COLUMNS                                                            \
    "source, partition, next_offset, resume, status, last_error, records, gaps, " \
    "inserted, duplicates, dead, first_at, updated_at, first_offset, messages, "  \
    "high_watermark, first_record, last_record, rate_1m, rate_5m, rate_15m, rate_at"

static int64_t time_or_0(const PGresult *row, int col)
{
    return wr_pg_is_null(row, 0, col) ? 0 : wr_pg_i64(row, 0, col);
}

static wr_source source_of(const PGresult *row)
{
    wr_source out = {
        .source = wr_pg_text(row, 0, 0),
        .partition = (int32_t)wr_pg_i64(row, 0, 1),
        .next_offset = wr_pg_i64(row, 0, 2),
        .resume = wr_pg_text(row, 0, 3),
        .status = wr_pg_text(row, 0, 4),
        .last_error = wr_pg_text(row, 0, 5),
        .records = (uint64_t)wr_pg_i64(row, 0, 6),
        .gaps = (uint64_t)wr_pg_i64(row, 0, 7),
        .inserted = (uint64_t)wr_pg_i64(row, 0, 8),
        .duplicates = (uint64_t)wr_pg_i64(row, 0, 9),
        .dead = (uint64_t)wr_pg_i64(row, 0, 10),
        .first_s = wr_pg_i64(row, 0, 11),
        .updated_s = wr_pg_i64(row, 0, 12),
        .first_offset = wr_pg_i64(row, 0, 13),
        .messages = (uint64_t)wr_pg_i64(row, 0, 14),
        .high_watermark = wr_pg_i64(row, 0, 15),
        .first_record_s = time_or_0(row, 16),
        .last_record_s = time_or_0(row, 17),
    };
    wr_rates r = {.at_us = wr_pg_i64(row, 0, 18 + WR_RATE_COUNT)};
    for (int i = 0; i < WR_RATE_COUNT; i++)
        r.per_s[i] = wr_pg_f64(row, 0, 18 + i);
    wr_rates_read(&r, wr_clock_wall_us(), out.rate_per_s);
    return out;
}

typedef struct source_out {
    wr_source_fn fn;
    void *ctx;
} source_out;

static wr_status source_row(void *ctx, const PGresult *row, wr_err *err)
{
    const source_out *o = ctx;
    const wr_source s = source_of(row);
    return o->fn(o->ctx, &s, err);
}

wr_status wr_pg_sources(wr_store *base, wr_source_fn fn, void *ctx, wr_err *err)
{
    source_out o = {.fn = fn, .ctx = ctx};
    return wr_pg_stream(wr_pg_of(base),
                        "select " SOURCE_COLUMNS
                        " from ingestion_state order by source, partition",
                        NULL, source_row, &o, err);
}

wr_status wr_pg_source_get(wr_store *base, wr_source *out, wr_arena *arena,
                           wr_text source, int32_t partition, wr_err *err)
{
    static const char sql[] =
        "select " SOURCE_COLUMNS
        " from ingestion_state where source = $1 and partition = $2";
    WR_AUTO(PGresult) res = NULL;
    wr_text key;
    wr_pg_args a = {0};
    WR_TRY(wr_pg_clean_text(&key, arena, source, err));
    wr_pg_arg_bytes(&a, WR_PG_OID_TEXT, key.p, key.len);
    wr_pg_arg_i32(&a, partition);
    WR_TRY(wr_pg_exec(wr_pg_of(base), &res, sql, &a, err));
    if (PQntuples(res) == 0)
        return wr_fail(err, WR_ENOTFOUND, "no source '%.*s' partition %d",
                       WR_TEXT_ARG(source), partition);
    wr_source s = source_of(res);
    wr_text *text[] = {&s.source, &s.resume, &s.status, &s.last_error};
    for (size_t i = 0; i < sizeof text / sizeof text[0]; i++) {
        wr_text copy = wr_arena_text(arena, *text[i]);
        if (text[i]->p && !copy.p)
            return wr_fail(err, WR_ENOMEM, "texts of a source");
        *text[i] = copy;
    }
    *out = s;
    return WR_OK;
}

typedef struct dead_out {
    wr_dead_fn fn;
    void *ctx;
} dead_out;

static wr_status dead_row(void *ctx, const PGresult *row, wr_err *err)
{
    const dead_out *o = ctx;
    const wr_dead_row d = {
        .id = wr_pg_i64(row, 0, 0),
        .letter = {.source = wr_pg_text(row, 0, 1),
                   .partition = (int32_t)wr_pg_i64(row, 0, 2),
                   .position = wr_pg_i64(row, 0, 3),
                   .raw = wr_pg_text(row, 0, 4),
                   .raw_bytes = (uint64_t)wr_pg_i64(row, 0, 5),
                   .field = wr_pg_text(row, 0, 6),
                   .reason = wr_pg_text(row, 0, 7)},
        .at_s = wr_pg_i64(row, 0, 8),
    };
    return o->fn(o->ctx, &d, err);
}

wr_status wr_pg_dead_list(wr_store *base, wr_text source, int64_t after_id,
                          uint32_t limit, wr_dead_fn fn, void *ctx, wr_err *err)
{
    dead_out o = {.fn = fn, .ctx = ctx};
    wr_pg_args a = {0};
    wr_pg_arg_i64(&a, after_id);
    wr_pg_arg_i64(&a, limit);
    if (source.len == 0)
        return wr_pg_stream(
            wr_pg_of(base),
            "select dead_id, source, partition, position, raw, raw_bytes, field, "
            "reason, at from dead_letters where dead_id > $1 "
            "order by dead_id limit $2",
            &a, dead_row, &o, err);
    wr_pg_arg_text(&a, source);
    return wr_pg_stream(
        wr_pg_of(base),
        "select dead_id, source, partition, position, raw, raw_bytes, field, "
        "reason, at from dead_letters where dead_id > $1 and source = $3 "
        "order by dead_id limit $2",
        &a, dead_row, &o, err);
}
