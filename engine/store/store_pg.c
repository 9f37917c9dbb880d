#include <stdio.h>

#include "store/store_pg_int.h"
#include "util/clock.h"

enum {
    HISTORY_MIN =
        131072, /* transfers behind the newest block before another is written */
    HISTORY_MAX = 524288,
};

#define WRITE_BEGIN "begin isolation level read committed"

/* --- life -------------------------------------------------------------------------- */

static void store_close(wr_store *base)
{
    wr_pg_store *st = wr_pg_of(base);
    wr_pg_disconnect(st);
    wr_free(st->copy);
    wr_free(st->dsn);
    wr_free(st);
}

static wr_status store_open(wr_store **out, const char *dsn, bool is_new, wr_err *err)
{
    (void)is_new; /* databases are the administrator's to make */
    size_t len = strlen(dsn);
    wr_pg_store *st = wr_calloc(1, sizeof *st);
    if (!st)
        return wr_fail(err, WR_ENOMEM, "store handle");
    st->base.be = &wr_store_pg;
    st->history_min = HISTORY_MIN;
    st->history_max = HISTORY_MAX;
    wr_pg_names_init(st);
    st->dsn = wr_calloc(len + 1, 1);
    st->copy = wr_calloc(1, sizeof *st->copy);
    wr_status s = WR_OK;
    if (st->dsn && st->copy)
        memcpy(st->dsn, dsn, len);
    else
        s = wr_fail(err, WR_ENOMEM, "store handle");
    if (s == WR_OK)
        s = wr_pg_ready(st, err);
    if (s != WR_OK) {
        store_close(&st->base);
        return s;
    }
    *out = &st->base;
    return WR_OK;
}

static wr_status store_open_beside(wr_store **out, const wr_store *base, wr_err *err)
{
    return store_open(out, ((const wr_pg_store *)base)->dsn, false, err);
}

/* --- schema ------------------------------------------------------------------------ */

static wr_status schema_begin(wr_store *base, wr_err *err)
{
    wr_pg_store *st = wr_pg_of(base);
    WR_TRY(wr_pg_begin(st, WRITE_BEGIN, err));
    wr_status s = wr_pg_lock(st, WR_PG_LOCK_MIGRATE, err);
    return s == WR_OK ? s : wr_pg_end(st, s, err);
}

static wr_status schema_end(wr_store *base, bool is_commit, wr_err *err)
{
    wr_pg_store *st = wr_pg_of(base);
    if (is_commit)
        return wr_pg_end(st, WR_OK, err);
    wr_status rolled_back = wr_pg_end(st, WR_EIO, NULL); /* the caller knows why */
    return rolled_back == WR_EIO ? WR_OK : rolled_back;
}

/*
 * Asked of pg_class itself: to_regclass answers from a cache that a transaction which has
 * just waited for another migrator has not brought up to date.
 */
static wr_status has_schema_table(wr_pg_store *st, bool *has, wr_err *err)
{
    static const char sql[] = "select count(*) from pg_class where relname = "
                              "'schema_migrations' and pg_table_is_visible(oid)";
    int64_t found;
    WR_TRY(wr_pg_exec_i64(st, &found, sql, NULL, err));
    *has = found != 0;
    return WR_OK;
}

static wr_status schema_read(wr_store *base, wr_schema_fn fn, void *ctx, wr_err *err)
{
    static const char sql[] =
        "select number, sha256 from schema_migrations order by number";
    wr_pg_store *st = wr_pg_of(base);
    WR_AUTO(PGresult) res = NULL;
    bool has;
    WR_TRY(has_schema_table(st, &has, err));
    if (!has)
        return WR_OK;
    WR_TRY(wr_pg_exec(st, &res, sql, NULL, err));
    for (int i = 0; i < PQntuples(res); i++) {
        const wr_schema_row row = {.number = (uint32_t)wr_pg_i64(res, i, 0),
                                   .sha256 = wr_pg_text(res, i, 1)};
        WR_TRY(fn(ctx, &row, err));
    }
    return WR_OK;
}

static wr_status schema_apply(wr_store *base, const wr_migration *m, wr_err *err)
{
    static const char table[] =
        "create table if not exists schema_migrations (number integer primary key, "
        "name text not null, sha256 text not null, applied_at bigint not null)";
    static const char sql[] =
        "insert into schema_migrations (number, name, sha256, applied_at) "
        "values ($1, $2, $3, $4)";
    wr_pg_store *st = wr_pg_of(base);
    wr_pg_args a = {0};
    WR_TRY(wr_pg_command(st, table, err));
    WR_TRY(wr_pg_command(st, m->sql, err));
    wr_pg_arg_i32(&a, (int32_t)m->number);
    wr_pg_arg_text(&a, wr_text_of(m->name));
    wr_pg_arg_text(&a, wr_text_of(m->sha256));
    wr_pg_arg_i64(&a, wr_clock_wall_s());
    return wr_pg_exec(st, NULL, sql, &a, err);
}

static wr_status store_id(wr_store *base, char out[WR_STORE_ID_HEX + 1], wr_err *err)
{
    static const char sql[] =
        "select encode(value, 'hex') from store_settings where name = 'store_id'";
    WR_AUTO(PGresult) res = NULL;
    WR_TRY(wr_pg_exec(wr_pg_of(base), &res, sql, NULL, err));
    const bool has_row = PQntuples(res) > 0;
    return wr_store_id_from(out, has_row ? wr_pg_text(res, 0, 0) : (wr_text){0}, err);
}

/* --- bulk load --------------------------------------------------------------------- */

/*
 * Nothing to prepare: the two indexes that a load keeps up are needed to tell duplicates
 * and to find wallets, and there is no third (store_pg_history.c).
 */
static wr_status bulk_begin(wr_store *base, wr_err *err)
{
    return wr_pg_ready(wr_pg_of(base), err);
}

static wr_status bulk_end(wr_store *base, wr_err *err)
{
    wr_pg_store *st = wr_pg_of(base);
    WR_TRY(wr_pg_ready(st, err));
    WR_TRY(wr_pg_history_extend(st, err));
    return wr_pg_command(st, "analyze transactions, wallets, assets, chains", err);
}

/* --- counts and the tail ----------------------------------------------------------- */

static wr_status store_counts(wr_store *base, wr_counts *out, wr_err *err)
{
    static const char sql[] =
        "select (select coalesce(sum(transfers), 0)::int8 from store_totals),"
        " (select coalesce(sum(wallets), 0)::int8 from store_totals),"
        " (select coalesce(sum(added) - sum(removed), 0)::int8 from label_revisions),"
        " (select coalesce(sum(dead), 0)::int8 from store_totals),"
        " (select count(*) from scoring_runs),"
        " (select coalesce(max(seq), 0) from transactions),"
        " (select coalesce(max(rev), 0) from label_revisions),"
        " (select coalesce(min(first_time), 0) from store_totals),"
        " (select coalesce(max(last_time), 0) from store_totals)";
    WR_AUTO(PGresult) res = NULL;
    WR_TRY(wr_pg_exec(wr_pg_of(base), &res, sql, NULL, err));
    *out = (wr_counts){
        .transfers = (uint64_t)wr_pg_i64(res, 0, 0),
        .wallets = (uint64_t)wr_pg_i64(res, 0, 1),
        .labels = (uint64_t)wr_pg_i64(res, 0, 2),
        .dead = (uint64_t)wr_pg_i64(res, 0, 3),
        .runs = (uint64_t)wr_pg_i64(res, 0, 4),
        .max_seq = wr_pg_i64(res, 0, 5),
        .label_rev = wr_pg_i64(res, 0, 6),
        .first_time_s = wr_pg_i64(res, 0, 7),
        .last_time_s = wr_pg_i64(res, 0, 8),
    };
    return WR_OK;
}

static wr_status store_safe_seq(wr_store *base, int64_t *seq, wr_err *err)
{
    static const char sql[] = "select walletrisk_safe_seq()";
    return wr_pg_exec_i64(wr_pg_of(base), seq, sql, NULL, err);
}

static wr_status store_label_rev(wr_store *base, int64_t *rev, wr_err *err)
{
    static const char sql[] = "select coalesce(max(rev), 0) from label_revisions";
    return wr_pg_exec_i64(wr_pg_of(base), rev, sql, NULL, err);
}

const wr_store_backend wr_store_pg = {
    .kind = "postgresql",
    .dialect = "postgres",
    .open = store_open,
    .open_beside = store_open_beside,
    .close = store_close,
    .schema_begin = schema_begin,
    .schema_end = schema_end,
    .schema_read = schema_read,
    .schema_apply = schema_apply,
    .id = store_id,
    .put = wr_pg_put,
    .bulk_begin = bulk_begin,
    .bulk_end = bulk_end,
    .sources = wr_pg_sources,
    .source_get = wr_pg_source_get,
    .dead_list = wr_pg_dead_list,
    .counts = store_counts,
    .safe_seq = store_safe_seq,
    .label_rev = store_label_rev,
    .wait = wr_pg_wait,
    .scan_edges = wr_pg_scan_edges,
    .scan_wallets = wr_pg_scan_wallets,
    .wallets_get = wr_pg_wallets_get,
    .scan_assets = wr_pg_scan_assets,
    .labels_put = wr_pg_labels_put,
    .labels_remove = wr_pg_labels_remove,
    .labels_list = wr_pg_labels_list,
    .labels_of = wr_pg_labels_of,
    .labels_changed = wr_pg_labels_changed,
    .transfer_get = wr_pg_transfer_get,
    .wallet_transfers = wr_pg_wallet_transfers,
    .wallet_find = wr_pg_wallet_find,
    .run_put = wr_pg_run_put,
    .run_get = wr_pg_run_get,
    .run_list = wr_pg_run_list,
    .scores_put = wr_pg_scores_put,
    .scores_top = wr_pg_scores_top,
    .score_get = wr_pg_score_get,
    .model_put = wr_pg_model_put,
    .models = wr_pg_models,
    .model_get = wr_pg_model_get,
    .model_switch = wr_pg_model_switch,
};
