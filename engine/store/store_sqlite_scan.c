#include "store/sqlite_int.h"

enum { CHUNK_ROWS = 4096 };

wr_status wr_sqlite_scan_edges(wr_store *st, int64_t after_seq, int64_t upto_seq,
                               bool is_any_order, wr_edge_fn fn, void *ctx, wr_err *err)
{
    static const char sql[] =
        "select seq, time, from_id, to_id, value, asset_id, flags from transactions "
        "where seq > ? and seq <= ? order by seq";
    (void)is_any_order; /* rows lie in seq order: there is no cheaper one */
    wr_sqlite *q = wr_sqlite_of(st);
    WR_AUTO_ARRAY wr_edge_row *row = wr_calloc(CHUNK_ROWS, sizeof *row);
    if (!row)
        return wr_fail(err, WR_ENOMEM, "chunk of %d edges", CHUNK_ROWS);
    WR_SQLITE_STMT *s = NULL;
    bool has_row = false;
    size_t n = 0;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    (void)sqlite3_bind_int64(s, 1, after_seq);
    (void)sqlite3_bind_int64(s, 2, upto_seq);
    WR_TRY(wr_sqlite_step(q, s, &has_row, err));
    while (has_row) {
        row[n++] = (wr_edge_row){
            .seq = sqlite3_column_int64(s, 0),
            .time_s = sqlite3_column_int64(s, 1),
            .from = (uint32_t)sqlite3_column_int64(s, 2),
            .to = (uint32_t)sqlite3_column_int64(s, 3),
            .value = sqlite3_column_double(s, 4),
            .asset = (uint16_t)sqlite3_column_int(s, 5),
            .flags = (uint8_t)sqlite3_column_int(s, 6),
        };
        if (n == CHUNK_ROWS) {
            WR_TRY(fn(ctx, row, n, err));
            n = 0;
        }
        WR_TRY(wr_sqlite_step(q, s, &has_row, err));
    }
    return n ? fn(ctx, row, n, err) : WR_OK;
}

/* Rows of one call to a wr_wallet_fn; their texts are copied to an arena. */
typedef struct wallet_chunk {
    wr_wallet_row *row;
    size_t n;
    wr_arena arena;
} wallet_chunk;

static wr_status chunk_add(wr_sqlite *q, wallet_chunk *c, sqlite3_stmt *s, wr_err *err)
{
    wr_wallet_row *r = &c->row[c->n];
    *r = (wr_wallet_row){.id = (uint32_t)sqlite3_column_int64(s, 0),
                         .address = wr_arena_text(&c->arena, wr_sqlite_text(s, 2))};
    WR_TRY(wr_sqlite_chain(q, sqlite3_column_int64(s, 1), &r->chain, err));
    if (!r->address.p)
        return wr_fail(err, WR_ENOMEM, "chunk of %d wallets", CHUNK_ROWS);
    c->n++;
    return WR_OK;
}

static wr_status scan_wallets(wr_sqlite *q, wallet_chunk *c, uint32_t after_id,
                              wr_wallet_fn fn, void *ctx, wr_err *err)
{
    static const char sql[] = "select wallet_id, chain_id, address from wallets "
                              "where wallet_id > ? order by wallet_id";
    WR_SQLITE_STMT *s = NULL;
    bool has_row = false;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    (void)sqlite3_bind_int64(s, 1, after_id);
    WR_TRY(wr_sqlite_step(q, s, &has_row, err));
    while (has_row) {
        WR_TRY(chunk_add(q, c, s, err));
        if (c->n == CHUNK_ROWS) {
            WR_TRY(fn(ctx, c->row, c->n, err));
            wr_arena_reset(&c->arena);
            c->n = 0;
        }
        WR_TRY(wr_sqlite_step(q, s, &has_row, err));
    }
    return c->n ? fn(ctx, c->row, c->n, err) : WR_OK;
}

static wr_status chunk_init(wallet_chunk *c, wr_err *err)
{
    *c = (wallet_chunk){.row = wr_calloc(CHUNK_ROWS, sizeof *c->row)};
    wr_arena_init(&c->arena, 0);
    return c->row ? WR_OK : wr_fail(err, WR_ENOMEM, "chunk of %d wallets", CHUNK_ROWS);
}

static void chunk_release(wallet_chunk *c)
{
    wr_arena_release(&c->arena);
    wr_free(c->row);
}

wr_status wr_sqlite_scan_wallets(wr_store *st, uint32_t after_id, wr_wallet_fn fn,
                                 void *ctx, wr_err *err)
{
    wallet_chunk c;
    wr_status s = chunk_init(&c, err);
    if (s == WR_OK)
        s = scan_wallets(wr_sqlite_of(st), &c, after_id, fn, ctx, err);
    chunk_release(&c);
    return s;
}

static wr_status get_wallets(wr_sqlite *q, wallet_chunk *c, const uint32_t *id, size_t n,
                             wr_wallet_fn fn, void *ctx, wr_err *err)
{
    static const char sql[] =
        "select wallet_id, chain_id, address from wallets where wallet_id = ?";
    WR_SQLITE_STMT *s = NULL;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    for (size_t i = 0; i < n; i++) {
        bool has_row = false;
        (void)sqlite3_bind_int64(s, 1, id[i]);
        WR_TRY(wr_sqlite_step(q, s, &has_row, err));
        if (has_row)
            WR_TRY(chunk_add(q, c, s, err));
        (void)sqlite3_reset(s);
        if (c->n == CHUNK_ROWS) {
            WR_TRY(fn(ctx, c->row, c->n, err));
            wr_arena_reset(&c->arena);
            c->n = 0;
        }
    }
    return c->n ? fn(ctx, c->row, c->n, err) : WR_OK;
}

wr_status wr_sqlite_wallets_get(wr_store *st, const uint32_t *id, size_t n,
                                wr_wallet_fn fn, void *ctx, wr_err *err)
{
    wallet_chunk c;
    wr_status s = chunk_init(&c, err);
    if (s == WR_OK)
        s = get_wallets(wr_sqlite_of(st), &c, id, n, fn, ctx, err);
    chunk_release(&c);
    return s;
}

wr_status wr_sqlite_scan_assets(wr_store *st, wr_asset_fn fn, void *ctx, wr_err *err)
{
    static const char sql[] = "select max(asset_id) from assets";
    wr_sqlite *q = wr_sqlite_of(st);
    const wr_sqlite_asset *a;
    int64_t max;
    WR_TRY(wr_sqlite_int(q, sql, -1, &max, err));
    for (int64_t id = 0; id <= max; id++) {
        WR_TRY(wr_sqlite_asset_at(q, id, &a, err));
        wr_asset_row row = {.id = (uint16_t)id,
                            .chain = a->chain,
                            .asset = wr_text_of(a->text),
                            .decimals = a->decimals};
        WR_TRY(fn(ctx, &row, err));
    }
    return WR_OK;
}

static wr_amount amount_of(sqlite3_stmt *s, int column)
{
    if (sqlite3_column_type(s, column) == SQLITE_INTEGER)
        return (wr_amount)sqlite3_column_int64(s, column);
    const uint8_t *p = sqlite3_column_blob(s, column);
    int len = sqlite3_column_bytes(s, column);
    wr_amount a = 0;
    for (int i = 0; i < len; i++)
        a = a << 8 | p[i];
    return a;
}

wr_status wr_sqlite_transfer_at(wr_sqlite *q, int64_t seq, wr_transfer_fn fn, void *ctx,
                                bool *is_found, wr_err *err)
{
    static const char sql[] =
        "select t.chain_id, t.tx_hash, t.position, t.block, t.time, f.address, "
        "w.address, "
        "t.asset_id, t.amount, t.decimals, t.flags, t.value, t.memo from transactions t "
        "join wallets f on f.wallet_id = t.from_id join wallets w on w.wallet_id = "
        "t.to_id "
        "where t.seq = ?";
    WR_SQLITE_STMT *s = NULL;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    (void)sqlite3_bind_int64(s, 1, seq);
    WR_TRY(wr_sqlite_step(q, s, is_found, err));
    if (!*is_found)
        return WR_OK;

    char tx_hash[WR_TX_HASH_MAX + 1];
    const void *packed = sqlite3_column_blob(s, 1);
    const wr_sqlite_asset *asset;
    WR_TRY(wr_sqlite_asset_at(q, sqlite3_column_int64(s, 7), &asset, err));
    wr_transfer_row row = {.seq = seq,
                           .transfer = {
                               .tx_hash = wr_store_hash_unpack(
                                   tx_hash, packed, (size_t)sqlite3_column_bytes(s, 1)),
                               .position = (uint32_t)sqlite3_column_int64(s, 2),
                               .block = wr_sqlite_int_or(s, 3, -1),
                               .time_s = sqlite3_column_int64(s, 4),
                               .from = wr_sqlite_text(s, 5),
                               .to = wr_sqlite_text(s, 6),
                               .asset = wr_text_of(asset->text),
                               .amount_base = amount_of(s, 8),
                               .decimals = (uint8_t)sqlite3_column_int(s, 9),
                               .flags = (uint8_t)sqlite3_column_int(s, 10),
                               .value = sqlite3_column_double(s, 11),
                               .memo = wr_sqlite_text(s, 12),
                           }};
    WR_TRY(wr_sqlite_chain(q, sqlite3_column_int64(s, 0), &row.transfer.chain, err));
    return fn(ctx, &row, err);
}

wr_status wr_sqlite_transfer_get(wr_store *st, int64_t seq, wr_transfer_fn fn, void *ctx,
                                 wr_err *err)
{
    bool is_found;
    WR_TRY(wr_sqlite_transfer_at(wr_sqlite_of(st), seq, fn, ctx, &is_found, err));
    return is_found
               ? WR_OK
               : wr_fail(err, WR_ENOTFOUND, "no transfer with seq %lld", (long long)seq);
}

wr_status wr_sqlite_wallet_id(wr_store *st, const wr_chain *chain, wr_text address,
                              uint32_t *id, wr_err *err)
{
    wr_sqlite *q = wr_sqlite_of(st);
    uint32_t chain_id;
    uint32_t found = 0;
    WR_TRY(wr_sqlite_chain_find(q, chain, &chain_id, err));
    if (chain_id != 0)
        WR_TRY(wr_sqlite_wallet_find(q, chain_id, address, &found, err));
    if (found == 0)
        return wr_fail(err, WR_ENOTFOUND, "%s:%.*s is in no transfer", chain->id,
                       WR_TEXT_ARG(address));
    *id = found;
    return WR_OK;
}
