#include <assert.h>

#include "store/sqlite_int.h"

enum { ROW_GROUP = 8, ROW_COLUMNS = 14 };

typedef struct row_names {
    uint32_t from, to;
    uint16_t asset;
} row_names;

/* What one put works with; freed as a whole. */
typedef struct put_job {
    wr_sqlite *q;
    wr_sqlite_batch b;
    row_names *names; /* [transfer_count] of the inserted ones */
    wr_sqlite_new_wallets fresh;
    wr_arena arena; /* texts of one dead letter */
    wr_sqlite_tally tally;
    int64_t first_time_s, last_time_s, last_seq; /* of inserted ones */
} put_job;

static void job_release(put_job *j)
{
    wr_free(j->b.chain_id);
    wr_free(j->b.outcome);
    wr_free(j->b.rival);
    wr_free(j->b.hash);
    wr_free(j->b.hash_at);
    wr_free(j->names);
    wr_free(j->fresh.item);
    wr_arena_release(&j->arena);
}

static wr_status job_init(put_job *j, wr_sqlite *q, const wr_put *put, wr_err *err)
{
    size_t n = put->transfer_count;
    *j = (put_job){.q = q, .b = {.put = put}};
    wr_arena_init(&j->arena, 0);
    size_t hash_bytes =
        WR_STORE_HASH_BYTES; /* packing never needs more than a text + 1 */
    for (size_t i = 0; i < n; i++)
        hash_bytes += put->transfer[i].tx_hash.len + 1;
    j->b.chain_id = wr_calloc(n, sizeof *j->b.chain_id);
    j->b.outcome = wr_calloc(n, sizeof *j->b.outcome);
    j->b.rival = wr_calloc(n, sizeof *j->b.rival);
    j->b.hash = wr_calloc(hash_bytes, 1);
    j->b.hash_at = wr_calloc(n + 1, sizeof *j->b.hash_at);
    j->names = wr_calloc(n, sizeof *j->names);
    if (!j->b.chain_id || !j->b.outcome || !j->b.rival || !j->b.hash || !j->b.hash_at)
        return wr_fail(err, WR_ENOMEM, "put of %zu transfers", n);
    return WR_OK;
}

static wr_status name_chains(put_job *j, wr_err *err)
{
    const wr_put *put = j->b.put;
    for (size_t i = 0; i < put->transfer_count; i++) {
        const wr_transfer *t = &put->transfer[i];
        if (i > 0 && t->chain == t[-1].chain)
            j->b.chain_id[i] = j->b.chain_id[i - 1];
        else
            WR_TRY(wr_sqlite_chain_put(j->q, t->chain, &j->b.chain_id[i], err));
        j->b.hash_len += wr_store_hash_pack(j->b.hash + j->b.hash_len, t->tx_hash);
        j->b.hash_at[i + 1] = j->b.hash_len;
    }
    return WR_OK;
}

/* --- transfers whose key is taken --------------------------------------------------- */

typedef struct judgement {
    put_job *job;
    size_t at;
} judgement;

/* Compare transfer `at` with the one that has its key; a different one is refused. */
static wr_status judge(void *ctx, const wr_transfer_row *stored, wr_err *err)
{
    judgement *d = ctx;
    put_job *j = d->job;
    const wr_transfer *t = &j->b.put->transfer[d->at];
    if (wr_store_same_content(t, &stored->transfer)) {
        j->b.outcome[d->at] = WR_PUT_DUPLICATE;
        j->tally.res.duplicates++;
        return WR_OK;
    }
    wr_dead_letter letter;
    j->b.outcome[d->at] = WR_PUT_CONFLICT;
    j->tally.res.conflicts++;
    j->tally.res.dead++;
    wr_arena_reset(&j->arena);
    WR_TRY(wr_store_conflict_letter(&letter, &j->arena, j->b.put, d->at,
                                    &stored->transfer, err));
    return wr_sqlite_dead_add(j->q, &letter, err);
}

static wr_status judge_taken(put_job *j, wr_err *err)
{
    const wr_sqlite_batch *b = &j->b;
    for (size_t i = 0; i < b->put->transfer_count; i++) {
        if (b->outcome[i] == WR_PUT_INSERTED)
            continue;
        judgement d = {.job = j, .at = i};
        int64_t rival = (int64_t)b->rival[i];
        if (rival > b->base_seq) {
            wr_transfer_row row = {.seq = rival,
                                   .transfer = b->put->transfer[rival - b->base_seq - 1]};
            WR_TRY(judge(&d, &row, err));
            continue;
        }
        bool is_found;
        WR_TRY(wr_sqlite_transfer_at(j->q, rival, judge, &d, &is_found, err));
        if (!is_found)
            return wr_fail(err, WR_ECORRUPT, "transactions: no row %lld",
                           (long long)rival);
    }
    return WR_OK;
}

/* --- rows --------------------------------------------------------------------------- */

/* Base units: an integer below 2^63, else 16 bytes big-endian; both sort by value. */
static void bind_amount(sqlite3_stmt *s, int at, wr_amount amount, uint8_t bytes[16])
{
    if (amount <= (wr_amount)INT64_MAX) {
        (void)sqlite3_bind_int64(s, at, (int64_t)amount);
        return;
    }
    for (int i = 15; i >= 0; i--, amount >>= 8)
        bytes[i] = (uint8_t)amount;
    (void)sqlite3_bind_blob(s, at, bytes, 16, SQLITE_STATIC);
}

/* Parameters of row k of an insert statement; amount [16] lives until it has run. */
static void bind_row(const put_job *j, sqlite3_stmt *s, int k, size_t i, uint8_t *amount)
{
    const wr_transfer *t = &j->b.put->transfer[i];
    const row_names *names = &j->names[i];
    int at = k * ROW_COLUMNS;
    (void)sqlite3_bind_int64(s, at + 1, j->b.base_seq + 1 + (int64_t)i);
    (void)sqlite3_bind_int64(s, at + 2, t->time_s);
    (void)sqlite3_bind_int64(s, at + 3, names->from);
    (void)sqlite3_bind_int64(s, at + 4, names->to);
    (void)sqlite3_bind_double(s, at + 5, t->value);
    (void)sqlite3_bind_int(s, at + 6, names->asset);
    (void)sqlite3_bind_int(s, at + 7, t->flags);
    (void)sqlite3_bind_int64(s, at + 8, j->b.chain_id[i]);
    (void)sqlite3_bind_int(s, at + 9, t->decimals);
    (void)sqlite3_bind_int64(s, at + 10, t->position);
    bind_amount(s, at + 11, t->amount_base, amount);
    (void)sqlite3_bind_blob(s, at + 12, j->b.hash + j->b.hash_at[i],
                            (int)(j->b.hash_at[i + 1] - j->b.hash_at[i]), SQLITE_STATIC);
    wr_sqlite_bind_int_or(s, at + 13, t->block, -1);
    wr_sqlite_bind(s, at + 14, t->memo);
}

/* Insert the transfers at [n]: eight by one statement, which saves a sixth of the time.
 */
static wr_status insert_group(put_job *j, const size_t *at, size_t n, wr_err *err)
{
#define INSERT_ROW                                                                  \
    "insert into transactions (seq, time, from_id, to_id, value, asset_id, flags, " \
    "chain_id, decimals, position, amount, tx_hash, block, memo) values "
#define ROW "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    static const char eight[] =
        INSERT_ROW ROW ", " ROW ", " ROW ", " ROW ", " ROW ", " ROW ", " ROW ", " ROW;
    static const char one[] = INSERT_ROW ROW;
    uint8_t amount[ROW_GROUP][16];
    WR_SQLITE_STMT *s = NULL;
    WR_TRY(wr_sqlite_stmt(j->q, n == ROW_GROUP ? eight : one, &s, err));
    if (n == ROW_GROUP) {
        for (int k = 0; k < ROW_GROUP; k++)
            bind_row(j, s, k, at[k], amount[k]);
        return wr_sqlite_run(j->q, s, err);
    }
    for (size_t k = 0; k < n; k++) {
        bind_row(j, s, 0, at[k], amount[0]);
        WR_TRY(wr_sqlite_run(j->q, s, err));
    }
    return WR_OK;
}

static void count_inserted(put_job *j, size_t i)
{
    int64_t time_s = j->b.put->transfer[i].time_s;
    bool is_first = j->tally.res.inserted++ == 0;
    j->last_seq = j->b.base_seq + 1 + (int64_t)i;
    if (is_first || time_s < j->first_time_s)
        j->first_time_s = time_s;
    if (is_first || time_s > j->last_time_s)
        j->last_time_s = time_s;
}

static wr_status name_row(put_job *j, size_t i, wr_err *err)
{
    const wr_transfer *t = &j->b.put->transfer[i];
    uint32_t chain_id = j->b.chain_id[i];
    row_names *to = &j->names[i];
    WR_TRY(wr_sqlite_wallet_put(j->q, &j->fresh, chain_id, t->from, &to->from, err));
    WR_TRY(wr_sqlite_wallet_put(j->q, &j->fresh, chain_id, t->to, &to->to, err));
    return wr_sqlite_asset_put(j->q, chain_id, t->chain, t->asset, t->decimals,
                               &to->asset, err);
}

/* The wallets of a transfer some rows ahead: the cache of names is bigger than the CPU's.
 */
static void prefetch_names(const put_job *j, size_t i)
{
    if (i >= j->b.put->transfer_count)
        return;
    const wr_transfer *t = &j->b.put->transfer[i];
    uint32_t chain_id = j->b.chain_id[i];
    wr_intern_prefetch(&j->q->wallet_id, wr_intern_hash(chain_id, t->from));
    wr_intern_prefetch(&j->q->wallet_id, wr_intern_hash(chain_id, t->to));
}

static wr_status insert_rows(put_job *j, wr_err *err)
{
    size_t at[ROW_GROUP];
    size_t n = 0;
    for (size_t i = 0; i < j->b.put->transfer_count; i++) {
        prefetch_names(j, i + ROW_GROUP);
        if (j->b.outcome[i] != WR_PUT_INSERTED)
            continue;
        WR_TRY(name_row(j, i, err));
        count_inserted(j, i);
        at[n++] = i;
        if (n == ROW_GROUP) {
            WR_TRY(insert_group(j, at, n, err));
            n = 0;
        }
    }
    WR_TRY(insert_group(j, at, n, err));
    return wr_sqlite_wallets_insert(j->q, &j->fresh, err);
}

static wr_status add_totals(put_job *j, wr_err *err)
{
    /* min and max of a null are null, hence the coalesce */
    static const char sql[] =
        "insert into store_totals (slot, transfers, first_time, last_time, wallets, "
        "dead) "
        "values (0, ?, ?, ?, ?, ?) on conflict (slot) do update set "
        "transfers = transfers + excluded.transfers, "
        "first_time = coalesce(min(first_time, excluded.first_time), first_time, "
        "excluded.first_time), "
        "last_time = coalesce(max(last_time, excluded.last_time), last_time, "
        "excluded.last_time), "
        "wallets = wallets + excluded.wallets, dead = dead + excluded.dead";
    if (j->tally.res.inserted == 0 && j->tally.res.dead == 0 && j->tally.gone == 0)
        return WR_OK;
    WR_SQLITE_STMT *s = NULL;
    WR_TRY(wr_sqlite_stmt(j->q, sql, &s, err));
    (void)sqlite3_bind_int64(s, 1, (int64_t)j->tally.res.inserted);
    if (j->tally.res.inserted) {
        (void)sqlite3_bind_int64(s, 2, j->first_time_s);
        (void)sqlite3_bind_int64(s, 3, j->last_time_s);
    } else {
        (void)sqlite3_bind_null(s, 2);
        (void)sqlite3_bind_null(s, 3);
    }
    (void)sqlite3_bind_int64(s, 4, j->q->wallet_max - j->q->mark.wallet_max);
    (void)sqlite3_bind_int64(s, 5, (int64_t)(j->tally.res.dead - j->tally.gone));
    return wr_sqlite_run(j->q, s, err);
}

static wr_status put_letters(put_job *j, wr_err *err)
{
    const wr_put *put = j->b.put;
    if (put->mark)
        WR_TRY(wr_sqlite_dead_remove(j->q, put, &j->tally.gone, err));
    for (size_t i = 0; i < put->dead_count; i++)
        WR_TRY(wr_sqlite_dead_add(j->q, &put->dead[i], err));
    j->tally.res.dead = put->dead_count;
    return WR_OK;
}

static wr_status put_all(put_job *j, wr_err *err)
{
    static const char max_seq[] = "select max(seq) from transactions";
    const wr_put *put = j->b.put;
    if (put->mark)
        WR_TRY(wr_sqlite_source_begin(j->q, put->mark, &j->tally, err));
    WR_TRY(put_letters(j, err));
    if (put->transfer_count > 0) {
        WR_TRY(wr_sqlite_int(j->q, max_seq, 0, &j->b.base_seq, err));
        WR_TRY(name_chains(j, err));
        WR_TRY(wr_sqlite_keys_take(j->q, &j->b, err));
        WR_TRY(judge_taken(j, err));
        WR_TRY(insert_rows(j, err));
        if (j->tally.res.inserted > 0)
            WR_TRY(wr_sqlite_history_extend(j->q, j->last_seq, err));
    }
    WR_TRY(add_totals(j, err));
    if (!put->mark)
        return WR_OK;
    j->tally.accepted = wr_store_accepted(put, j->b.outcome);
    return wr_sqlite_source_add(j->q, put, &j->tally, err);
}

wr_status wr_sqlite_put(wr_store *st, const wr_put *put, uint8_t *outcome,
                        wr_put_result *res, wr_err *err)
{
    wr_sqlite *q = wr_sqlite_of(st);
    put_job j;
    wr_status s = job_init(&j, q, put, err);
    if (s == WR_OK)
        s = wr_sqlite_begin(q, err);
    if (s == WR_OK)
        s = wr_sqlite_end(q, put_all(&j, err), err);
    if (s == WR_OK) {
        *res = j.tally.res;
        if (outcome && put->transfer_count)
            memcpy(outcome, j.b.outcome, put->transfer_count);
    }
    job_release(&j);
    return s;
}

wr_status wr_sqlite_bulk_begin(wr_store *st, wr_err *err)
{
    wr_sqlite *q = wr_sqlite_of(st);
    /* Room for the keys of some ten million transfers; a service has many small handles.
     */
    WR_TRY(wr_sqlite_exec(q, "pragma cache_size = -524288", err));
    WR_TRY(wr_sqlite_names_sync(q, err));
    return wr_sqlite_wallets_preload(q, err);
}

wr_status wr_sqlite_bulk_end(wr_store *st, wr_err *err)
{
    sqlite3 *db = wr_sqlite_of(st)->db;
    /* A reader may hold the log back; then a later commit does this. */
    (void)sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    return wr_sqlite_exec(wr_sqlite_of(st),
                          "pragma cache_size = -65536; pragma shrink_memory", err);
}
