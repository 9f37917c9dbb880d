/*
 * Storing one batch, and why seq is gap-safe on PostgreSQL.
 *
 * seq comes from a sequence, so numbers are drawn in one order and become visible in
 * another: writer A draws 7, writer B draws 8 and commits; a reader that tails by
 * max(seq) reads 8, remembers 8 and never sees 7.  Making writers queue would cure that
 * and cost the concurrency; instead every writer says how far back its numbers can
 * reach, and the reader stays behind the furthest.
 *
 *   writer  w1  L := last value of the sequence
 *           w2  take shared advisory lock (tag, L), held to the end of the transaction
 *           w3  draw numbers: > L, and > whatever the sequence had reached before
 *           w4  commit: rows become visible, and only then locks are released
 *   reader  r1  S := last value of the sequence
 *           r2  list all locks (tag, L); answer min(S, smallest L)
 *           r3  read rows with seq <= answer, in a snapshot taken after r2
 *
 * Claim: a row that r3 does not see has seq > answer.  Take the writer of such a row.
 *
 *   a) Its lock was listed in r2: answer <= L < seq.
 *
 *   b) It was not, because w2 came after r2.  Then r1, r2, w2, w3 happened in this
 *      order: S was reached before its numbers were drawn, so answer <= S < seq.
 *
 *   c) It was not, because it had let go before r2, so it had ended.  Committed: the
 *      commit was visible before it let go (ProcArrayEndTransaction runs before locks
 *      are released), and r3 sees the row.  Rolled back: there is no row.
 *
 * A lock list is one consistent picture (all partitions of the lock table are held at
 * once), and shared locks do not make writers wait.  The sequence must not cache values
 * (CACHE 1, the default): a cached number could be older than L.
 *
 * The answer is held to the highest committed seq as well.  Without that, numbers of a
 * transaction that was rolled back could be passed over, and a crash that loses the
 * unflushed end of the WAL could hand them out again; a committed row has flushed the
 * sequence's record, which lies before its own.
 *
 * w1 and w2 are walletrisk_seq_floor() in a BEFORE INSERT trigger for each statement, so
 * that rows from plain SQL are covered too; r1 and r2 are walletrisk_safe_seq().
 *
 * How a batch gets in.  COPY straight into the table is the fastest way, and its row
 * count is exact: it stores every row or none.  So rows that are there already must be
 * found before, and nobody may add one meanwhile:
 *
 *   1. A sample of the keys is looked up; if any is there, or if this handle was
 *      surprised lately, all are.  What is found is judged, the rest is new.
 *   2. Names of new rows get ids; new rows are copied in, in array order.
 *   3. A unique violation means that step 1 looked at too little, or that another
 *      writer stored one of the keys meanwhile: roll back, look at all, again.
 *
 * Compared with COPY into a temporary table and INSERT ... ON CONFLICT, a row is written
 * once instead of twice, and by heap_multi_insert instead of one by one.
 *
 * Writers with overlapping keys wait for each other at the unique index, and in opposite
 * order they would wait for ever.  Therefore a first try waits at most FIRST_TRY_WAIT_MS
 * there and gives up all it holds.  A second try is made under an exclusive lock that
 * only second tries take, and waits as long as it must: whoever it waits for is either
 * not waiting or about to give up.  All other waits are in one order for everybody:
 * names lock, wallets (sorted), keys, letters that go (by id), source, totals; last, at
 * the commit, the lock under which PostgreSQL queues notifications.
 *
 * is_names_first: steps 1 and 2 up to the names are a transaction of their own.  Without
 * it a writer whose batch names a wallet that another one has added, too, waits at the
 * unique index for all of the other's batch.  Its commit is not waited for: the log is
 * flushed in order, so rows that name a wallet are never on disk without it.  Key and
 * fence are looked at before it, and count on what decides behind it: the unique index
 * (step 3) and the upsert.
 *
 * The fence is the condition of the upsert of the source's row: whoever comes second
 * waits there for the first, sees the row as that one leaves it, updates nothing and
 * gives up.
 */
#include <stdio.h>
#include <time.h>

#include "store/store_pg_put_int.h"
#include "util/clock.h"

enum {
    TRIES_MAX = 20,
    CAUTION_MIN = 8,    /* puts that look at all keys after a surprise; doubles … */
    CAUTION_MAX = 1024, /* … up to this */
    TOTAL_SLOTS = 64,
};

#define FIRST_TRY_WAIT_MS "300"

#define TRANSFER_COPY                                                            \
    "copy transactions (time, from_id, to_id, value, asset_id, flags, chain_id," \
    " decimals, position, amount, tx_hash, block, memo) from stdin (format binary)"
enum { TRANSFER_COLUMNS = 13 };

/* --- rows -------------------------------------------------------------------------- */

static wr_status copy_transfer(wr_pg_copy *c, wr_pg_batch *b, uint32_t i, wr_err *err)
{
    const wr_transfer *t = &b->put->transfer[i];
    char numeric[WR_PG_NUMERIC_BYTES];
    wr_text memo;
    WR_TRY(wr_pg_clean_text(&memo, &b->arena, t->memo, err));
    wr_pg_copy_row(c, TRANSFER_COLUMNS);
    wr_pg_copy_i64(c, t->time_s);
    wr_pg_copy_i32(c, (int32_t)b->wallets[b->from[i]].id);
    wr_pg_copy_i32(c, (int32_t)b->wallets[b->to[i]].id);
    wr_pg_copy_f64(c, t->value);
    wr_pg_copy_i32(c, (int32_t)b->assets[b->asset[i]].id);
    wr_pg_copy_i16(c, t->flags);
    wr_pg_copy_i16(c, (int32_t)b->chains[b->chain[i]].id);
    wr_pg_copy_i16(c, t->decimals);
    wr_pg_copy_i64(c, t->position);
    wr_pg_copy_bytes(c, numeric, wr_pg_numeric_pack(numeric, t->amount_base));
    wr_pg_copy_text(c, b->hash[i]);
    if (t->block < 0)
        wr_pg_copy_null(c);
    else
        wr_pg_copy_i64(c, t->block);
    wr_pg_copy_text(c, memo);
    return WR_OK;
}

static wr_status store_transfers(wr_pg_store *st, wr_pg_batch *b, bool is_first_try,
                                 wr_err *err)
{
    uint64_t rows = 0;
    if (b->res.inserted == 0)
        return WR_OK;
    WR_TRY(wr_pg_copy_begin(st,
                            is_first_try ? "set local lock_timeout = " FIRST_TRY_WAIT_MS
                                           ";" TRANSFER_COPY
                                         : TRANSFER_COPY,
                            err));
    wr_status s = WR_OK;
    for (uint32_t i = 0; s == WR_OK && i < b->n; i++)
        if (b->fate[i] == WR_PUT_INSERTED)
            s = copy_transfer(st->copy, b, i, err);
    WR_TRY(wr_pg_copy_end(st, s, &rows, err));
    if (rows != b->res.inserted)
        return wr_fail(err, WR_ECORRUPT, "postgresql: took %llu of %llu transfers",
                       (unsigned long long)rows, (unsigned long long)b->res.inserted);
    return is_first_try ? wr_pg_command(st, "set local lock_timeout = 0", err) : WR_OK;
}

static wr_status copy_letter(wr_pg_copy *c, wr_arena *arena, const wr_dead_letter *d,
                             int64_t now_s, wr_err *err)
{
    wr_text source;
    wr_text field;
    wr_text reason;
    WR_TRY(wr_pg_clean_text(&source, arena, d->source, err));
    WR_TRY(wr_pg_clean_text(&field, arena, d->field, err));
    WR_TRY(wr_pg_clean_text(&reason, arena, d->reason, err));
    size_t raw_len = d->raw.len < WR_DEAD_RAW_MAX ? d->raw.len : WR_DEAD_RAW_MAX;
    wr_pg_copy_row(c, 8);
    wr_pg_copy_bytes(c, source.p, source.len);
    wr_pg_copy_i32(c, d->partition);
    wr_pg_copy_i64(c, d->position);
    wr_pg_copy_bytes(c, d->raw.p, raw_len);
    wr_pg_copy_i64(c, (int64_t)d->raw_bytes);
    wr_pg_copy_bytes(c, field.p, field.len);
    wr_pg_copy_bytes(c, reason.p, reason.len);
    wr_pg_copy_i64(c, now_s);
    return WR_OK;
}

/* What a restart or wr_put.resolved takes away; by ascending id, so that two such puts
 * wait for each other and never in a circle. */
static wr_status remove_letters(wr_pg_store *st, wr_pg_batch *b, wr_err *err)
{
    static const char all[] =
        "delete from dead_letters where source = $1 and partition = $2";
    static const char named[] = "delete from dead_letters where source = $1 and "
                                "partition = $2 and dead_id = any($3)";
    const wr_put *put = b->put;
    const wr_source_mark *m = b->put->mark;
    WR_AUTO(PGresult) res = NULL;
    wr_text source;
    wr_pg_args a = {0};
    b->gone = 0;
    if (!m || (!m->is_restart && put->resolved_count == 0))
        return WR_OK;
    WR_TRY(wr_pg_clean_text(&source, &b->arena, m->source, err));
    wr_pg_arg_bytes(&a, WR_PG_OID_TEXT, source.p, source.len);
    wr_pg_arg_i32(&a, m->partition);
    if (!m->is_restart) {
        wr_pg_array_begin(&b->array[0]);
        for (size_t i = 0; i < put->resolved_count; i++)
            wr_pg_array_i64(&b->array[0], put->resolved[i]);
        WR_TRY(
            wr_pg_arg_array(&a, &b->array[0], WR_PG_OID_INT8, put->resolved_count, err));
    }
    WR_TRY(wr_pg_exec(st, &res, m->is_restart ? all : named, &a, err));
    b->gone = wr_pg_row_count(res);
    return WR_OK;
}

static wr_status store_letters(wr_pg_store *st, wr_pg_batch *b, int64_t now_s,
                               wr_err *err)
{
    static const char sql[] =
        "copy dead_letters (source, partition, position, raw, raw_bytes, "
        "field, reason, at) from stdin (format binary)";
    uint64_t rows;
    if (b->res.dead == 0)
        return WR_OK;
    size_t n = b->res.conflicts;
    WR_AUTO_ARRAY wr_dead_letter *conflict = wr_calloc(n, sizeof *conflict);
    if (!conflict)
        return wr_fail(err, WR_ENOMEM, "%zu conflicts", n);
    if (n)
        WR_TRY(wr_pg_batch_letters(st, b, conflict, err));
    WR_TRY(wr_pg_copy_begin(st, sql, err));
    wr_status s = WR_OK;
    for (size_t i = 0; s == WR_OK && i < b->put->dead_count; i++)
        s = copy_letter(st->copy, &b->arena, &b->put->dead[i], now_s, err);
    for (size_t i = 0; s == WR_OK && i < n; i++)
        s = copy_letter(st->copy, &b->arena, &conflict[i], now_s, err);
    return wr_pg_copy_end(st, s, &rows, err);
}

/* --- what is kept beside the rows -------------------------------------------------- */

static wr_status store_totals(wr_pg_store *st, const wr_pg_batch *b, wr_err *err)
{
    static const char sql[] =
        "insert into store_totals as s (slot, transfers, first_time, last_time, "
        "wallets, dead) "
        "values ($1, $2, $3, $4, $5, $6) on conflict (slot) do update set "
        "transfers = s.transfers + excluded.transfers, "
        "first_time = least(s.first_time, excluded.first_time), "
        "last_time = greatest(s.last_time, excluded.last_time), "
        "wallets = s.wallets + excluded.wallets, dead = s.dead + excluded.dead";
    int64_t first_s = INT64_MAX;
    int64_t last_s = INT64_MIN;
    wr_pg_args a = {0};
    if (b->res.inserted == 0 && b->res.dead == 0 && b->gone == 0)
        return WR_OK;
    for (uint32_t i = 0; i < b->n; i++) {
        int64_t time_s = b->put->transfer[i].time_s;
        if (b->fate[i] != WR_PUT_INSERTED)
            continue;
        first_s = time_s < first_s ? time_s : first_s;
        last_s = time_s > last_s ? time_s : last_s;
    }
    wr_pg_arg_i32(&a, PQbackendPID(st->conn) % TOTAL_SLOTS);
    wr_pg_arg_i64(&a, (int64_t)b->res.inserted);
    wr_pg_arg_i64_or_null(&a, first_s, INT64_MAX);
    wr_pg_arg_i64_or_null(&a, last_s, INT64_MIN);
    wr_pg_arg_i64(&a, (int64_t)b->new_wallets);
    wr_pg_arg_i64(&a, (int64_t)(b->res.dead - b->gone));
    return wr_pg_exec(st, NULL, sql, &a, err);
}

/* Another put has moved the source since put_head looked. */
static wr_status fence_failed(wr_pg_store *st, wr_pg_batch *b, wr_err *err)
{
    static const char sql[] =
        "select next_offset from ingestion_state where source = $1 and partition = $2";
    const wr_source_mark *m = b->put->mark;
    int64_t at;
    wr_text source;
    wr_pg_args a = {0};
    WR_TRY(wr_pg_clean_text(&source, &b->arena, m->source, err));
    wr_pg_arg_bytes(&a, WR_PG_OID_TEXT, source.p, source.len);
    wr_pg_arg_i32(&a, m->partition);
    WR_TRY(wr_pg_exec_i64(st, &at, sql, &a, err));
    return wr_store_fence_fail(m, at, err);
}

/* Offsets are kept from here on: those counted before are not among them. */
#define BEGINS "(excluded.first_offset >= 0 and (s.first_offset < 0 or $20 <> 0))"

/* wr_rates_add.  float8 underflow is an error here, hence the bounds. */
#define RATE(column, window_s)                                       \
    column " = case when s." column " < 1e-9 then 0 else s." column  \
           " * exp(-least(greatest($19 - s.rate_at, 0) / (" window_s \
           "e6::float8), 80)) end"                                   \
           " + excluded." column

static wr_status store_mark(wr_pg_store *st, wr_pg_batch *b, int64_t now_us, wr_err *err)
{
    static const char sql[] =
        "insert into ingestion_state as s (source, partition, next_offset, resume, "
        "status, last_error, records, gaps, inserted, duplicates, dead, first_at, "
        "updated_at, first_offset, messages, high_watermark, first_record, last_record, "
        "rate_1m, rate_5m, rate_15m, rate_at) "
        "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $14, $15, $16, "
        "$17, $18, $7 / 60.0::float8, $7 / 300.0::float8, $7 / 900.0::float8, $19) "
        "on conflict (source, partition) do update set "
        "next_offset = excluded.next_offset, resume = excluded.resume, "
        "status = excluded.status, last_error = excluded.last_error, "
        "records = s.records + excluded.records - least($13, s.dead), "
        "gaps = case when " BEGINS " then 0 else s.gaps end + excluded.gaps, "
        "inserted = s.inserted + excluded.inserted, "
        "duplicates = s.duplicates + excluded.duplicates, "
        "dead = s.dead + excluded.dead - least($13, s.dead), "
        "updated_at = excluded.updated_at, "
        "first_offset = case when " BEGINS " then excluded.first_offset "
        "else s.first_offset end, "
        "messages = case when " BEGINS " then 0 else s.messages end + excluded.messages, "
        "high_watermark = case when $16 > 0 then $16 else s.high_watermark end, "
        "first_record = least(s.first_record, excluded.first_record), "
        "last_record = greatest(s.last_record, excluded.last_record), " RATE(
            "rate_1m",
            "60") ", " RATE("rate_5m",
                            "300") ", " RATE("rate_15m",
                                             "900") ", rate_at = greatest(s.rate_at, "
                                                    "excluded.rate_at) "
                                                    "where $21::int8 is null or "
                                                    "s.next_offset = $21";
    const wr_source_mark *m = b->put->mark;
    WR_AUTO(PGresult) res = NULL;
    wr_text source;
    wr_text resume;
    wr_text last_error;
    wr_pg_args a = {0};
    if (!m)
        return WR_OK;
    const wr_time_range accepted = wr_store_accepted(b->put, b->fate);
    WR_TRY(wr_pg_clean_text(&source, &b->arena, m->source, err));
    WR_TRY(wr_pg_clean_text(&resume, &b->arena, m->resume, err));
    WR_TRY(wr_pg_clean_text(&last_error, &b->arena, m->last_error, err));
    wr_pg_arg_bytes(&a, WR_PG_OID_TEXT, source.p, source.len);
    wr_pg_arg_i32(&a, m->partition);
    wr_pg_arg_i64(&a, m->next_offset);
    wr_pg_arg_text(&a, resume);
    wr_pg_arg_text(&a, wr_text_of(m->status));
    wr_pg_arg_text(&a, last_error);
    wr_pg_arg_i64(&a, (int64_t)m->records);
    wr_pg_arg_i64(&a, (int64_t)m->gaps);
    wr_pg_arg_i64(&a, (int64_t)b->res.inserted);
    wr_pg_arg_i64(&a, (int64_t)b->res.duplicates);
    wr_pg_arg_i64(&a, (int64_t)b->res.dead);
    wr_pg_arg_i64(&a, now_us / 1000000);
    wr_pg_arg_i64(&a, (int64_t)b->gone);
    wr_pg_arg_i64(&a, wr_store_first_offset(m));
    wr_pg_arg_i64(&a, (int64_t)m->messages);
    wr_pg_arg_i64(&a, m->high_watermark);
    wr_pg_arg_i64_or_null(&a, accepted.first_s, INT64_MAX);
    wr_pg_arg_i64_or_null(&a, accepted.last_s, INT64_MIN);
    wr_pg_arg_i64(&a, now_us);
    wr_pg_arg_i32(&a, m->is_restart);
    wr_pg_arg_i64_or_null(&a, m->is_fenced ? m->from_offset : -1, -1);
    WR_TRY(wr_pg_exec(st, &res, sql, &a, err));
    return wr_pg_row_count(res) ? WR_OK : fence_failed(st, b, err);
}

/* --- commit ------------------------------------------------------------------------ */

/* Did transaction xid commit?  Asked on a new connection; WR_EIO when nobody answers. */
static wr_status ask_commit(wr_pg_store *st, int64_t xid, bool *is_committed, wr_err *err)
{
    static const char sql[] = "select case pg_xact_status($1::text::xid8) "
                              "when 'committed' then 1 when 'aborted' then 0 else 2 end";
    char digits[24];
    int64_t answer = 2;
    (void)snprintf(digits, sizeof digits, "%lld", (long long)xid);
    for (int try = 0; try < 6; try++) {
        /* 0, 0.1, 0.2, … 1.6 s: a server that restarts, a session that is still ending */
        const struct timespec wait = {
            .tv_sec = try == 5,
            .tv_nsec = try == 5  ? 600000000
                       : try > 0 ? 50000000L << try
                                 : 0
        };
        (void)nanosleep(&wait, NULL);
        wr_pg_args a = {0};
        wr_pg_arg_text(&a, wr_text_of(digits));
        if (wr_pg_ready(st, NULL) == WR_OK &&
            wr_pg_exec_i64(st, &answer, sql, &a, NULL) == WR_OK && answer != 2) {
            *is_committed = answer == 1;
            return WR_OK;
        }
    }
    return wr_fail(
        err, WR_EIO,
        "postgresql: connection lost at commit; whether the batch is stored is "
        "unknown: read the source's mark before going on");
}

/*
 * Commit.  When the connection breaks on the way the batch may be in or not, and guessing
 * either way counts it twice or never: the transaction's number xid tells.
 */
static wr_status commit(wr_pg_store *st, int64_t xid, wr_err *err)
{
    bool is_committed = false;
    wr_err why = {0};
    wr_status s = wr_pg_end(st, WR_OK, &why);
    if (s != WR_OK && wr_pg_is_lost(st)) {
        WR_TRY(ask_commit(st, xid, &is_committed, err));
        s = is_committed ? WR_OK : s;
    }
    return s == WR_OK ? s : wr_fail(err, s, "%s", why.msg);
}

/* --- one batch --------------------------------------------------------------------- */

typedef struct put_try {
    bool is_first;
    wr_pg_look look;
} put_try;

/*
 * The transaction's number, for commit, and in the same round trip a first look at the
 * fence: a loser mostly copies nothing.  The row is not locked yet; store_mark decides.
 */
static wr_status put_head(wr_pg_store *st, wr_pg_batch *b, int64_t *xid, wr_err *err)
{
    static const char sql[] =
        "select pg_current_xact_id()::text::bigint, (select next_offset from "
        "ingestion_state where source = $1 and partition = $2)";
    const wr_source_mark *m = b->put->mark;
    WR_AUTO(PGresult) res = NULL;
    wr_text source = {0};
    wr_pg_args a = {0};
    if (m)
        WR_TRY(wr_pg_clean_text(&source, &b->arena, m->source, err));
    wr_pg_arg_bytes(&a, WR_PG_OID_TEXT, source.p, source.len);
    wr_pg_arg_i32(&a, m ? m->partition : 0);
    WR_TRY(wr_pg_exec(st, &res, sql, &a, err));
    *xid = wr_pg_i64(res, 0, 0);
    if (!m || !m->is_fenced || wr_pg_is_null(res, 0, 1) ||
        wr_pg_i64(res, 0, 1) == m->from_offset)
        return WR_OK;
    return wr_store_fence_fail(m, wr_pg_i64(res, 0, 1), err);
}

/* Ends the transaction behind the new names and begins another. */
static wr_status commit_names(wr_pg_store *st, wr_pg_batch *b, wr_err *err)
{
    static const char sql[] =
        "insert into store_totals as s (slot, transfers, wallets) values ($1, 0, $2) "
        "on conflict (slot) do update set wallets = s.wallets + excluded.wallets";
    wr_pg_args a = {0};
    wr_pg_arg_i32(&a, PQbackendPID(st->conn) % TOTAL_SLOTS);
    wr_pg_arg_i64(&a, (int64_t)b->new_wallets);
    WR_TRY(wr_pg_exec(st, NULL, sql, &a, err));
    WR_TRY(wr_pg_command(st, "set local synchronous_commit = off", err));
    WR_TRY(wr_pg_end(st, WR_OK, err));
    b->new_wallets = 0; /* counted */
    return wr_pg_begin(st, WR_PG_LOAD_BEGIN, err);
}

/* Fates and ids; xid is that of the transaction which the rows will be in. */
static wr_status put_names(wr_pg_store *st, wr_pg_batch *b, put_try try, int64_t *xid,
                           wr_err *err)
{
    WR_TRY(put_head(st, b, xid, err));
    WR_TRY(wr_pg_batch_judge(st, b, try.look, err));
    WR_TRY(wr_pg_batch_intern(st, b, err));
    if (!try.is_first || !b->put->is_names_first || b->new_wallets == 0)
        return WR_OK;
    WR_TRY(commit_names(st, b, err));
    return put_head(st, b, xid, err);
}

static wr_status put_rows(wr_pg_store *st, wr_pg_batch *b, put_try try, wr_err *err)
{
    int64_t now_us = wr_clock_wall_us();
    WR_TRY(store_transfers(st, b, try.is_first, err));
    WR_TRY(remove_letters(st, b, err));
    WR_TRY(store_letters(st, b, now_us / 1000000, err));
    WR_TRY(store_mark(st, b, now_us, err));
    return store_totals(st, b, err);
}

static wr_status put_once(wr_pg_store *st, wr_pg_batch *b, put_try try, wr_err *err)
{
    WR_TRY(wr_pg_begin(st, WR_PG_LOAD_BEGIN, err));
    wr_status s = try.is_first ? WR_OK : wr_pg_lock(st, WR_PG_LOCK_CONTENDED, err);
    int64_t xid = 0;
    if (s == WR_OK)
        s = put_names(st, b, try, &xid, err);
    if (s == WR_OK)
        s = put_rows(st, b, try, err);
    return s == WR_OK ? commit(st, xid, err) : wr_pg_end(st, s, err);
}

/* Surprises (keys that a sample did not show) make the next puts look at all keys first.
 */
static void note_surprise(wr_pg_store *st)
{
    st->caution = st->caution ? st->caution * 2 : CAUTION_MIN;
    if (st->caution > CAUTION_MAX)
        st->caution = CAUTION_MAX;
    st->cautious_puts = st->caution;
}

static void note_success(wr_pg_store *st, const wr_pg_batch *b)
{
    if (b->res.duplicates + b->res.conflicts > 0)
        st->cautious_puts = st->caution; /* still among known keys */
    else if (st->cautious_puts > 0 && --st->cautious_puts == 0)
        st->caution /= 2;
}

static wr_status put_tries(wr_pg_store *st, wr_pg_batch *b, wr_err *err)
{
    put_try try = {.is_first = true,
                   .look = st->cautious_puts ? WR_PG_LOOK_ALL : WR_PG_LOOK_SAMPLE};
    for (int k = 0;; k++) {
        wr_err why = {0};
        st->is_race = false;
        wr_status s = put_once(st, b, try, &why);
        if (s == WR_OK) {
            note_success(st, b);
            return s;
        }
        if (!st->is_race || k == TRIES_MAX)
            return wr_fail(err, s, "%s", why.msg);
        if (try.look == WR_PG_LOOK_SAMPLE)
            note_surprise(st);
        try = (put_try){.is_first = false, .look = WR_PG_LOOK_ALL};
    }
}

wr_status wr_pg_put(wr_store *base, const wr_put *put, uint8_t *outcome,
                    wr_put_result *res, wr_err *err)
{
    wr_pg_store *st = wr_pg_of(base);
    wr_pg_batch b;
    st->is_one_of_many = put->is_names_first;
    wr_status s = wr_pg_batch_init(&b, put, err);
    if (s == WR_OK)
        s = put_tries(st, &b, err);
    if (s == WR_OK) {
        wr_pg_batch_remember(st, &b);
        if (outcome && b.n)
            memcpy(outcome, b.fate, b.n);
        *res = b.res;
    }
    wr_pg_batch_release(&b);
    if (s == WR_OK)
        wr_pg_history_after_put(st, res->inserted);
    return s;
}
