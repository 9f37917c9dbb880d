#include <inttypes.h>
#include <stdio.h>

#include "store/store_pg_int.h"

/*
 * Scans run in one read-only snapshot and COPY takes no parameters: the numbers in its
 * text are printed here from integers, nothing else goes in.
 */
#define SCAN_BEGIN                                                                  \
    "begin isolation level repeatable read read only; set local enable_sort = off;" \
    "set local max_parallel_workers_per_gather = 0"

/* --- edges ------------------------------------------------------------------------- */

/*
 * By seq: one COPY through the index of the primary key, over a table that is written in
 * seq order; sorting here instead would need all rows in memory before the first one
 * could be handed on.  In any order: the same COPY as the rows lie, which saves the
 * server a fifth of its work.
 */
enum {
    EDGE_CHUNK = 4096,
    EDGE_COLUMNS = 7,
    /* count, then (length, value) of seq time from to asset value flags: all fixed width
     */
    EDGE_BYTES = 2 + 12 + 12 + 8 + 8 + 8 + 12 + 6,
};

typedef struct edge_out {
    wr_edge_row *row; /* [EDGE_CHUNK] */
    size_t n;
    int64_t last_seq;
    bool is_any_order;
    wr_edge_fn fn;
    void *ctx;
} edge_out;

static wr_status edge_row(void *ctx, const char *p, size_t len, wr_err *err)
{
    edge_out *o = ctx;
    if (len != EDGE_BYTES)
        return wr_fail(err, WR_ECORRUPT, "postgresql: transfer row of %zu bytes", len);
    int64_t seq = (int64_t)wr_pg_load_be64(p + 6);
    uint32_t asset = wr_pg_load_be32(p + 46);
    if ((seq <= o->last_seq && !o->is_any_order) || asset >= WR_STORE_ASSET_COUNT_MAX)
        return wr_fail(err, WR_ECORRUPT,
                       "postgresql: transfer %" PRId64 " (asset %" PRIu32
                       ") after %" PRId64,
                       seq, asset, o->last_seq);
    o->last_seq = seq;
    o->row[o->n++] = (wr_edge_row){
        .seq = seq,
        .time_s = (int64_t)wr_pg_load_be64(p + 18),
        .from = wr_pg_load_be32(p + 30),
        .to = wr_pg_load_be32(p + 38),
        .asset = (uint16_t)asset,
        .value = wr_pg_load_f64(p + 54),
        .flags = (uint8_t)wr_pg_load_be16(p + 66),
    };
    if (o->n < EDGE_CHUNK)
        return WR_OK;
    o->n = 0;
    return o->fn(o->ctx, o->row, EDGE_CHUNK, err);
}

wr_status wr_pg_scan_edges(wr_store *base, int64_t after_seq, int64_t upto_seq,
                           bool is_any_order, wr_edge_fn fn, void *ctx, wr_err *err)
{
    wr_pg_store *st = wr_pg_of(base);
    char sql[256];
    if (upto_seq <= after_seq)
        return WR_OK;
    WR_AUTO_ARRAY wr_edge_row *row = wr_calloc(EDGE_CHUNK, sizeof *row);
    if (!row)
        return wr_fail(err, WR_ENOMEM, "chunk of %d transfers", EDGE_CHUNK);
    edge_out o = {.row = row,
                  .last_seq = after_seq,
                  .is_any_order = is_any_order,
                  .fn = fn,
                  .ctx = ctx};
    char lower[48] = "";
    if (after_seq > 0) /* a condition that every row meets costs as much as any other */
        (void)snprintf(lower, sizeof lower, "seq > %" PRId64 " and ", after_seq);
    (void)snprintf(sql, sizeof sql,
                   "copy (select seq, time, from_id, to_id, asset_id, value, flags "
                   "from transactions where %sseq <= %" PRId64
                   "%s) to stdout (format binary)",
                   lower, upto_seq, is_any_order ? "" : " order by seq");
    WR_TRY(wr_pg_begin(st, SCAN_BEGIN, err));
    wr_status s = wr_pg_copy_out(st, sql, EDGE_COLUMNS, edge_row, &o, err);
    if (s == WR_OK && o.n)
        s = fn(ctx, row, o.n, err);
    return wr_pg_end(st, s, err);
}

/* --- wallets and assets ------------------------------------------------------------ */

enum { WALLET_CHUNK = 1024, WALLET_COLUMNS = 3, WALLET_HEAD = 2 + 8 + 6 + 4 };

typedef struct wallet_out {
    const wr_pg_store *st;
    wr_wallet_row *row; /* [WALLET_CHUNK] */
    char *text;         /* [WALLET_CHUNK][WR_ADDRESS_MAX] */
    size_t n;
    wr_wallet_fn fn;
    void *ctx;
} wallet_out;

static wr_status wallet_row(void *ctx, const char *p, size_t len, wr_err *err)
{
    wallet_out *o = ctx;
    const wr_chain *chain;
    if (len < WALLET_HEAD || len - WALLET_HEAD > WR_ADDRESS_MAX)
        return wr_fail(err, WR_ECORRUPT, "postgresql: wallet row of %zu bytes", len);
    WR_TRY(wr_pg_chain_of(o->st, &chain, (int16_t)wr_pg_load_be16(p + 14), err));
    char *text = o->text + o->n * WR_ADDRESS_MAX;
    memcpy(text, p + WALLET_HEAD, len - WALLET_HEAD);
    o->row[o->n++] = (wr_wallet_row){
        .id = wr_pg_load_be32(p + 6),
        .chain = chain,
        .address = {.p = text, .len = (uint32_t)(len - WALLET_HEAD)},
    };
    if (o->n < WALLET_CHUNK)
        return WR_OK;
    o->n = 0;
    return o->fn(o->ctx, o->row, WALLET_CHUNK, err);
}

wr_status wr_pg_scan_wallets(wr_store *base, uint32_t after_id, wr_wallet_fn fn,
                             void *ctx, wr_err *err)
{
    wr_pg_store *st = wr_pg_of(base);
    char sql[160];
    WR_AUTO_ARRAY wr_wallet_row *row = wr_calloc(WALLET_CHUNK, sizeof *row);
    WR_AUTO_ARRAY char *text = wr_calloc(WALLET_CHUNK, WR_ADDRESS_MAX);
    if (!row || !text)
        return wr_fail(err, WR_ENOMEM, "chunk of %d wallets", WALLET_CHUNK);
    wallet_out o = {.st = st, .row = row, .text = text, .fn = fn, .ctx = ctx};
    (void)snprintf(
        sql, sizeof sql,
        "copy (select wallet_id, chain_id, address from wallets where wallet_id > "
        "%" PRIu32 " order by wallet_id) to stdout (format binary)",
        after_id < INT32_MAX ? after_id : (uint32_t)INT32_MAX);
    WR_TRY(wr_pg_begin(st, SCAN_BEGIN, err));
    wr_status s = wr_pg_chains_read(st, err);
    if (s == WR_OK)
        s = wr_pg_copy_out(st, sql, WALLET_COLUMNS, wallet_row, &o, err);
    if (s == WR_OK && o.n)
        s = fn(ctx, row, o.n, err);
    return wr_pg_end(st, s, err);
}

enum { ID_CHUNK = 16384 };

/* Rows of one look-up to fn; their texts are the result's. */
static wr_status give_wallets(wr_pg_store *st, const PGresult *res, wr_wallet_row *row,
                              wr_wallet_fn fn, void *ctx, wr_err *err)
{
    size_t n = (size_t)PQntuples(res);
    WR_TRY(wr_pg_chains_read(st, err));
    for (size_t i = 0; i < n; i++) {
        row[i] = (wr_wallet_row){.id = (uint32_t)wr_pg_i64(res, (int)i, 0),
                                 .address = wr_pg_text(res, (int)i, 2)};
        WR_TRY(wr_pg_chain_of(st, &row[i].chain, wr_pg_i64(res, (int)i, 1), err));
    }
    return n ? fn(ctx, row, n, err) : WR_OK;
}

wr_status wr_pg_wallets_get(wr_store *base, const uint32_t *id, size_t n, wr_wallet_fn fn,
                            void *ctx, wr_err *err)
{
    static const char sql[] =
        "select wallet_id, chain_id, address from wallets where wallet_id = any($1)";
    wr_pg_store *st = wr_pg_of(base);
    size_t chunk = n < ID_CHUNK ? n : ID_CHUNK;
    WR_AUTO_ARRAY wr_wallet_row *row = wr_calloc(chunk, sizeof *row);
    if (!row)
        return wr_fail(err, WR_ENOMEM, "chunk of %zu wallets", chunk);
    for (size_t i = 0; i < n; i += chunk) {
        WR_AUTO(PGresult) res = NULL;
        wr_pg_args a = {0};
        wr_buf array;
        wr_buf_init(&array, (size_t)1 << 20);
        wr_status s =
            wr_pg_arg_ids(&a, &array, id + i, n - i < chunk ? n - i : chunk, err);
        if (s == WR_OK)
            s = wr_pg_exec(st, &res, sql, &a, err);
        wr_buf_release(&array);
        WR_TRY(s);
        WR_TRY(give_wallets(st, res, row, fn, ctx, err));
    }
    return WR_OK;
}

typedef struct asset_out {
    const wr_pg_store *st;
    wr_asset_fn fn;
    void *ctx;
} asset_out;

static wr_status asset_row(void *ctx, const PGresult *row, wr_err *err)
{
    const asset_out *o = ctx;
    wr_asset_row a = {
        .id = (uint16_t)wr_pg_i64(row, 0, 0),
        .asset = wr_pg_text(row, 0, 2),
        .decimals = (uint8_t)wr_pg_i64(row, 0, 3),
    };
    WR_TRY(wr_pg_chain_of(o->st, &a.chain, wr_pg_i64(row, 0, 1), err));
    return o->fn(o->ctx, &a, err);
}

wr_status wr_pg_scan_assets(wr_store *base, wr_asset_fn fn, void *ctx, wr_err *err)
{
    wr_pg_store *st = wr_pg_of(base);
    asset_out o = {.st = st, .fn = fn, .ctx = ctx};
    WR_TRY(wr_pg_begin(st, SCAN_BEGIN, err));
    wr_status s = wr_pg_chains_read(st, err);
    if (s == WR_OK)
        s = wr_pg_stream(
            st,
            "select asset_id, chain_id, asset, decimals from assets order by asset_id",
            NULL, asset_row, &o, err);
    return wr_pg_end(st, s, err);
}

/* --- single transfers and wallets -------------------------------------------------- */

#define TRANSFER_COLUMNS                                                                \
    "t.seq, t.chain_id, t.tx_hash, t.position, t.block, t.time, f.address, g.address, " \
    "a.asset, t.amount, t.decimals, t.flags, t.value, t.memo"
#define TRANSFER_JOINS                                                                   \
    " join wallets f on f.wallet_id = t.from_id join wallets g on g.wallet_id = t.to_id" \
    " join assets a on a.asset_id = t.asset_id"

static wr_status transfer_row(const wr_pg_store *st, const PGresult *res, int r,
                              wr_transfer_fn fn, void *ctx, wr_err *err)
{
    char hash[WR_TX_HASH_MAX + 1];
    wr_text packed = wr_pg_text(res, r, 2);
    wr_transfer_row row = {
        .seq = wr_pg_i64(res, r, 0),
        .transfer = {.tx_hash = wr_store_hash_unpack(hash, packed.p, packed.len),
                     .position = (uint32_t)wr_pg_i64(res, r, 3),
                     .block = wr_pg_is_null(res, r, 4) ? -1 : wr_pg_i64(res, r, 4),
                     .time_s = wr_pg_i64(res, r, 5),
                     .from = wr_pg_text(res, r, 6),
                     .to = wr_pg_text(res, r, 7),
                     .asset = wr_pg_text(res, r, 8),
                     .amount_base = wr_pg_amount(res, r, 9),
                     .decimals = (uint8_t)wr_pg_i64(res, r, 10),
                     .flags = (uint8_t)wr_pg_i64(res, r, 11),
                     .value = wr_pg_f64(res, r, 12),
                     .memo = wr_pg_text(res, r, 13)},
    };
    WR_TRY(wr_pg_chain_of(st, &row.transfer.chain, wr_pg_i64(res, r, 1), err));
    return fn(ctx, &row, err);
}

wr_status wr_pg_transfers_at(wr_pg_store *st, const int64_t *seq, size_t n, size_t *found,
                             wr_transfer_fn fn, void *ctx, wr_err *err)
{
    static const char sql[] =
        "select " TRANSFER_COLUMNS " from transactions t" TRANSFER_JOINS
        " where t.seq = any($1) order by t.seq desc";
    WR_AUTO(PGresult) res = NULL;
    wr_pg_args a = {0};
    wr_buf array;
    wr_buf_init(&array, (size_t)1 << 26);
    wr_pg_array_begin(&array);
    for (size_t i = 0; i < n; i++)
        wr_pg_array_i64(&array, seq[i]);
    wr_status s = wr_pg_arg_array(&a, &array, WR_PG_OID_INT8, n, err);
    if (s == WR_OK)
        s = wr_pg_exec(st, &res, sql, &a, err);
    wr_buf_release(&array);
    WR_TRY(s);
    *found = (size_t)PQntuples(res);
    WR_TRY(wr_pg_chains_read(st, err));
    for (int r = 0; r < PQntuples(res); r++)
        WR_TRY(transfer_row(st, res, r, fn, ctx, err));
    return WR_OK;
}

wr_status wr_pg_transfer_get(wr_store *base, int64_t seq, wr_transfer_fn fn, void *ctx,
                             wr_err *err)
{
    size_t found;
    WR_TRY(wr_pg_transfers_at(wr_pg_of(base), &seq, 1, &found, fn, ctx, err));
    return found ? WR_OK
                 : wr_fail(err, WR_ENOTFOUND, "no transfer with seq %" PRId64, seq);
}

wr_status wr_pg_wallet_id(wr_pg_store *st, uint32_t *id, const wr_chain *chain,
                          wr_text address, wr_err *err)
{
    static const char sql[] =
        "select wallet_id from wallets where chain_id = $1 and address = $2";
    WR_AUTO(PGresult) res = NULL;
    uint32_t chain_id;
    wr_pg_args a = {0};
    WR_TRY(wr_pg_chain_id(st, &chain_id, chain, err));
    wr_pg_arg_i16(&a, (int32_t)chain_id); /* 0 finds nothing */
    wr_pg_arg_bytes(&a, WR_PG_OID_TEXT, address.p, address.len);
    WR_TRY(wr_pg_exec(st, &res, sql, &a, err));
    *id = PQntuples(res) ? (uint32_t)wr_pg_i64(res, 0, 0) : 0;
    return WR_OK;
}

wr_status wr_pg_wallet_find(wr_store *base, const wr_chain *chain, wr_text address,
                            uint32_t *id, wr_err *err)
{
    uint32_t found;
    WR_TRY(wr_pg_wallet_id(wr_pg_of(base), &found, chain, address, err));
    if (found == 0)
        return wr_fail(err, WR_ENOTFOUND, "%s:%.*s is in no transfer", chain->id,
                       WR_TEXT_ARG(address));
    *id = found;
    return WR_OK;
}
