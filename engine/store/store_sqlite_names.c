#include <assert.h>
#include <stdlib.h>

#include "store/sqlite_int.h"

static void wallet_cache_reset(wr_sqlite *q)
{
    wr_intern_clear(&q->wallet_id);
    q->is_wallet_cache_whole = false;
}

void wr_sqlite_names_release(wr_sqlite *q)
{
    wr_free(q->chain);
    wr_free(q->asset);
    wr_intern_release(&q->asset_id);
    wr_intern_release(&q->wallet_id);
}

static wr_status chain_append(wr_sqlite *q, const wr_chain *chain, wr_err *err)
{
    if (q->chain_count == q->chain_cap) {
        void *p = wr_grow(q->chain, &q->chain_cap, q->chain_count + 1, sizeof(void *));
        if (!p)
            return wr_fail(err, WR_ENOMEM, "table of %zu chains", q->chain_count + 1);
        q->chain = p;
    }
    q->chain[q->chain_count++] = chain;
    return WR_OK;
}

static wr_status asset_append(wr_sqlite *q, uint32_t chain_id, wr_text text,
                              uint8_t decimals, wr_err *err)
{
    if (text.len > WR_ASSET_MAX)
        return wr_fail(err, WR_ECORRUPT, "asset %zu: text of %u bytes", q->asset_count,
                       text.len);
    if (q->asset_count == q->asset_cap) {
        void *p = wr_grow(q->asset, &q->asset_cap, q->asset_count + 1, sizeof *q->asset);
        if (!p)
            return wr_fail(err, WR_ENOMEM, "table of %zu assets", q->asset_count + 1);
        q->asset = p;
    }
    WR_TRY(wr_intern_add(&q->asset_id, wr_intern_hash(chain_id, text), chain_id, text,
                         (uint32_t)q->asset_count, err));
    wr_sqlite_asset *a = &q->asset[q->asset_count++];
    *a = (wr_sqlite_asset){.chain = q->chain[chain_id - 1], .decimals = decimals};
    if (text.len)
        memcpy(a->text, text.p, text.len);
    return WR_OK;
}

static wr_status chains_sync(wr_sqlite *q, wr_err *err)
{
    static const char sql[] =
        "select chain_id, caip2 from chains where chain_id > ? order by chain_id";
    WR_SQLITE_STMT *s = NULL;
    bool has_row = false;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    (void)sqlite3_bind_int64(s, 1, (int64_t)q->chain_count);
    WR_TRY(wr_sqlite_step(q, s, &has_row, err));
    while (has_row) {
        const wr_chain *chain;
        wr_text id = wr_sqlite_text(s, 1);
        if (sqlite3_column_int64(s, 0) != (int64_t)q->chain_count + 1)
            return wr_fail(err, WR_ECORRUPT, "chains: no row %zu", q->chain_count + 1);
        WR_TRY(wr_chain_find(&chain, id, err));
        WR_TRY(chain_append(q, chain, err));
        WR_TRY(wr_sqlite_step(q, s, &has_row, err));
    }
    return WR_OK;
}

static wr_status assets_sync(wr_sqlite *q, wr_err *err)
{
    static const char sql[] = "select asset_id, chain_id, asset, decimals from assets "
                              "where asset_id >= ? order by asset_id";
    WR_SQLITE_STMT *s = NULL;
    bool has_row = false;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    (void)sqlite3_bind_int64(s, 1, (int64_t)q->asset_count);
    WR_TRY(wr_sqlite_step(q, s, &has_row, err));
    while (has_row) {
        int64_t chain_id = sqlite3_column_int64(s, 1);
        if (sqlite3_column_int64(s, 0) != (int64_t)q->asset_count || chain_id < 1 ||
            chain_id > (int64_t)q->chain_count)
            return wr_fail(err, WR_ECORRUPT, "assets: row %zu is missing or of no chain",
                           q->asset_count);
        WR_TRY(asset_append(q, (uint32_t)chain_id, wr_sqlite_text(s, 2),
                            (uint8_t)sqlite3_column_int(s, 3), err));
        WR_TRY(wr_sqlite_step(q, s, &has_row, err));
    }
    return WR_OK;
}

wr_status wr_sqlite_names_sync(wr_sqlite *q, wr_err *err)
{
    static const char sql[] = "select max(wallet_id) from wallets";
    WR_TRY(chains_sync(q, err));
    WR_TRY(assets_sync(q, err));
    int64_t max;
    WR_TRY(wr_sqlite_int(q, sql, 0, &max, err));
    if (max > WR_INTERN_ID_MAX)
        return wr_fail(err, WR_ECORRUPT, "wallets: id %lld", (long long)max);
    if (max == 0)
        q->is_wallet_cache_whole = true; /* nothing to know yet */
    else if (max != (int64_t)q->wallet_max)
        q->is_wallet_cache_whole = false; /* another writer's wallets */
    q->wallet_max = (uint32_t)max;
    return WR_OK;
}

void wr_sqlite_names_rollback(wr_sqlite *q)
{
    q->chain_count = q->mark.chain_count;
    q->asset_count = q->mark.asset_count;
    if (q->asset_count)
        wr_intern_forget_above(&q->asset_id, (uint32_t)q->asset_count - 1);
    else
        wr_intern_clear(&q->asset_id);
    wr_intern_forget_above(&q->wallet_id, q->mark.wallet_max);
    q->wallet_max = q->mark.wallet_max;
}

wr_status wr_sqlite_wallets_preload(wr_sqlite *q, wr_err *err)
{
    static const char sql[] = "select wallet_id, chain_id, address from wallets "
                              "where wallet_id <= ? order by wallet_id";
    if (q->is_wallet_cache_whole)
        return WR_OK;
    WR_SQLITE_STMT *s = NULL;
    bool has_row = false;
    wallet_cache_reset(q);
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    (void)sqlite3_bind_int64(s, 1, q->wallet_max);
    WR_TRY(wr_sqlite_step(q, s, &has_row, err));
    q->is_wallet_cache_whole = true; /* until the bound is reached */
    while (has_row && q->is_wallet_cache_whole) {
        uint32_t chain_id = (uint32_t)sqlite3_column_int64(s, 1);
        wr_text address = wr_sqlite_text(s, 2);
        wr_err why = {0};
        wr_status added =
            wr_intern_add(&q->wallet_id, wr_intern_hash(chain_id, address), chain_id,
                          address, (uint32_t)sqlite3_column_int64(s, 0), &why);
        if (added == WR_OK)
            added = wr_sqlite_step(q, s, &has_row, &why);
        if (added != WR_OK)
            wallet_cache_reset(q);
        if (added != WR_OK && added != WR_ELIMIT)
            return wr_fail(err, added, "%s", why.msg);
    }
    return WR_OK;
}

wr_status wr_sqlite_chain(wr_sqlite *q, int64_t chain_id, const wr_chain **out,
                          wr_err *err)
{
    if (chain_id > (int64_t)q->chain_count)
        WR_TRY(chains_sync(q, err));
    if (chain_id < 1 || chain_id > (int64_t)q->chain_count)
        return wr_fail(err, WR_ECORRUPT, "a row names chain %lld, which is not in chains",
                       (long long)chain_id);
    *out = q->chain[chain_id - 1];
    return WR_OK;
}

wr_status wr_sqlite_asset_at(wr_sqlite *q, int64_t asset_id, const wr_sqlite_asset **out,
                             wr_err *err)
{
    if (asset_id >= (int64_t)q->asset_count) {
        WR_TRY(chains_sync(q, err));
        WR_TRY(assets_sync(q, err));
    }
    if (asset_id < 0 || asset_id >= (int64_t)q->asset_count)
        return wr_fail(err, WR_ECORRUPT, "a row names asset %lld, which is not in assets",
                       (long long)asset_id);
    *out = &q->asset[asset_id];
    return WR_OK;
}

static uint32_t chain_known(const wr_sqlite *q, const wr_chain *chain)
{
    for (size_t i = 0; i < q->chain_count; i++)
        if (q->chain[i] == chain)
            return (uint32_t)i + 1;
    return 0;
}

wr_status wr_sqlite_chain_find(wr_sqlite *q, const wr_chain *chain, uint32_t *chain_id,
                               wr_err *err)
{
    *chain_id = chain_known(q, chain);
    if (*chain_id == 0) {
        WR_TRY(chains_sync(q, err));
        *chain_id = chain_known(q, chain);
    }
    return WR_OK;
}

wr_status wr_sqlite_wallet_find(wr_sqlite *q, uint32_t chain_id, wr_text address,
                                uint32_t *id, wr_err *err)
{
    static const char sql[] =
        "select wallet_id from wallets where chain_id = ? and address = ?";
    WR_SQLITE_STMT *s = NULL;
    bool has_row = false;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    (void)sqlite3_bind_int64(s, 1, chain_id);
    wr_sqlite_bind(s, 2, address);
    WR_TRY(wr_sqlite_step(q, s, &has_row, err));
    *id = has_row ? (uint32_t)sqlite3_column_int64(s, 0) : 0;
    return WR_OK;
}

wr_status wr_sqlite_chain_put(wr_sqlite *q, const wr_chain *chain, uint32_t *chain_id,
                              wr_err *err)
{
    static const char sql[] = "insert into chains (chain_id, caip2) values (?, ?)";
    assert(q->is_writing);
    uint32_t id = chain_known(q, chain);
    if (id == 0) {
        WR_SQLITE_STMT *s = NULL;
        id = (uint32_t)q->chain_count + 1;
        WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
        (void)sqlite3_bind_int64(s, 1, id);
        wr_sqlite_bind(s, 2, wr_text_of(chain->id));
        WR_TRY(wr_sqlite_run(q, s, err));
        WR_TRY(chain_append(q, chain, err));
    }
    *chain_id = id;
    return WR_OK;
}

wr_status wr_sqlite_asset_put(wr_sqlite *q, uint32_t chain_id, const wr_chain *chain,
                              wr_text asset, uint8_t decimals, uint16_t *id, wr_err *err)
{
    static const char sql[] =
        "insert into assets (asset_id, chain_id, asset, decimals) values (?, ?, ?, ?)";
    assert(q->is_writing);
    uint32_t known;
    if (wr_intern_find(&q->asset_id, wr_intern_hash(chain_id, asset), chain_id, asset,
                       &known)) {
        *id = (uint16_t)known;
        return WR_OK;
    }
    if (q->asset_count == WR_STORE_ASSET_COUNT_MAX)
        return wr_fail(err, WR_ELIMIT, "asset %.*s of %s: over %d assets",
                       WR_TEXT_ARG(asset), chain->id, WR_STORE_ASSET_COUNT_MAX);
    WR_SQLITE_STMT *s = NULL;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    (void)sqlite3_bind_int64(s, 1, (int64_t)q->asset_count);
    (void)sqlite3_bind_int64(s, 2, chain_id);
    wr_sqlite_bind(s, 3, asset);
    (void)sqlite3_bind_int(s, 4, decimals);
    WR_TRY(wr_sqlite_run(q, s, err));
    WR_TRY(asset_append(q, chain_id, asset, decimals, err));
    *id = (uint16_t)(q->asset_count - 1);
    return WR_OK;
}

static int cmp_address(const void *a, const void *b)
{
    const wr_sqlite_new_wallet *x = a;
    const wr_sqlite_new_wallet *y = b;
    uint32_t len = x->address.len < y->address.len ? x->address.len : y->address.len;
    int d = len ? memcmp(x->address.p, y->address.p, len) : 0;
    if (d == 0)
        d = (x->address.len > y->address.len) - (x->address.len < y->address.len);
    if (d == 0)
        d = (x->chain_id > y->chain_id) - (x->chain_id < y->chain_id);
    return d;
}

wr_status wr_sqlite_wallets_insert(wr_sqlite *q, wr_sqlite_new_wallets *fresh,
                                   wr_err *err)
{
    static const char sql[] =
        "insert into wallets (wallet_id, chain_id, address) values (?, ?, ?)";
    WR_SQLITE_STMT *s = NULL;
    WR_TRY(wr_sqlite_stmt(q, sql, &s, err));
    if (fresh->count > 1)
        qsort(fresh->item, fresh->count, sizeof *fresh->item, cmp_address);
    for (size_t i = 0; i < fresh->count; i++) {
        const wr_sqlite_new_wallet *w = &fresh->item[i];
        (void)sqlite3_bind_int64(s, 1, w->id);
        (void)sqlite3_bind_int64(s, 2, w->chain_id);
        wr_sqlite_bind(s, 3, w->address);
        WR_TRY(wr_sqlite_run(q, s, err));
    }
    fresh->count = 0;
    return WR_OK;
}

/*
 * When the cache is full it starts again from nothing; what it alone knew (wallets of
 * this batch) goes into the table first, where it is found from then on.
 */
static wr_status wallet_remember(wr_sqlite *q, wr_sqlite_new_wallets *fresh,
                                 uint64_t hash, const wr_sqlite_new_wallet *w,
                                 wr_err *err)
{
    wr_err why = {0};
    wr_status s =
        wr_intern_add(&q->wallet_id, hash, w->chain_id, w->address, w->id, &why);
    if (s == WR_ELIMIT) {
        WR_TRY(wr_sqlite_wallets_insert(q, fresh, err));
        wallet_cache_reset(q);
        return wr_intern_add(&q->wallet_id, hash, w->chain_id, w->address, w->id, err);
    }
    return s == WR_OK ? WR_OK : wr_fail(err, s, "%s", why.msg);
}

wr_status wr_sqlite_wallet_put(wr_sqlite *q, wr_sqlite_new_wallets *fresh,
                               uint32_t chain_id, wr_text address, uint32_t *id,
                               wr_err *err)
{
    assert(q->is_writing);
    wr_sqlite_new_wallet w = {.address = address, .chain_id = chain_id};
    uint64_t hash = wr_intern_hash(chain_id, address);
    if (wr_intern_find(&q->wallet_id, hash, chain_id, address, id))
        return WR_OK;
    if (!q->is_wallet_cache_whole) {
        WR_TRY(wr_sqlite_wallet_find(q, chain_id, address, &w.id, err));
        *id = w.id;
        if (w.id != 0)
            return wallet_remember(q, fresh, hash, &w, err);
    }
    if (q->wallet_max >= WR_INTERN_ID_MAX)
        return wr_fail(err, WR_ELIMIT, "over %d wallets", WR_INTERN_ID_MAX);
    if (fresh->count == fresh->cap) {
        void *p =
            wr_grow(fresh->item, &fresh->cap, fresh->count + 1, sizeof *fresh->item);
        if (!p)
            return wr_fail(err, WR_ENOMEM, "%zu new wallets", fresh->count + 1);
        fresh->item = p;
    }
    w.id = q->wallet_max + 1;
    WR_TRY(wallet_remember(q, fresh, hash, &w, err));
    *id = q->wallet_max = w.id;
    fresh->item[fresh->count++] = w;
    return WR_OK;
}
