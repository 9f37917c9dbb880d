#include <stdlib.h>

#include "store/store_pg_put_int.h"

/* --- ids that exist ---------------------------------------------------------------- */

wr_status wr_pg_batch_resolve_chains(wr_pg_store *st, wr_pg_batch *b, wr_err *err)
{
    for (size_t i = 0; i < b->chain_count; i++)
        WR_TRY(wr_pg_chain_id(st, &b->chains[i].id, b->chains[i].chain, err));
    return WR_OK;
}

static wr_status resolve_assets(wr_pg_store *st, wr_pg_batch *b, wr_err *err)
{
    bool is_fresh = false;
    for (size_t i = 0; i < b->asset_count; i++) {
        wr_pg_batch_asset *a = &b->assets[i];
        uint32_t chain_id = b->chains[a->chain].id;
        a->id = chain_id ? wr_pg_asset_id(st, chain_id, a->asset) : -1;
        if (a->id < 0 && chain_id && !is_fresh) {
            WR_TRY(wr_pg_assets_read(st, err));
            is_fresh = true;
            a->id = wr_pg_asset_id(st, chain_id, a->asset);
        }
    }
    return WR_OK;
}

/* Ask for wallets[which[0..n)]; ids of those that exist. */
static wr_status wallets_look(wr_pg_store *st, wr_pg_batch *b, const uint32_t *which,
                              size_t n, wr_err *err)
{
    static const char sql[] = "select (select w.wallet_id from wallets w "
                              "        where w.chain_id = u.c and w.address = u.a) "
                              "from unnest($1::int2[], $2::text[]) u(c, a)";
    wr_pg_array_begin(&b->array[0]);
    wr_pg_array_begin(&b->array[1]);
    for (size_t k = 0; k < n; k++) {
        const wr_pg_batch_wallet *w = &b->wallets[which[k]];
        wr_pg_array_i16(&b->array[0], (int32_t)b->chains[w->chain].id);
        wr_pg_array_bytes(&b->array[1], w->address.p, w->address.len);
    }
    WR_AUTO(PGresult) res = NULL;
    wr_pg_args a = {0};
    WR_TRY(wr_pg_arg_array(&a, &b->array[0], WR_PG_OID_INT2, n, err));
    WR_TRY(wr_pg_arg_array(&a, &b->array[1], WR_PG_OID_TEXT, n, err));
    WR_TRY(wr_pg_exec(st, &res, sql, &a, err));
    if ((size_t)PQntuples(res) != n)
        return wr_fail(err, WR_ECORRUPT, "postgresql: %d answers for %zu wallets",
                       PQntuples(res), n);
    for (size_t k = 0; k < n; k++) /* unnest keeps its order; null = 0 = unknown */
        b->wallets[which[k]].id = (uint32_t)wr_pg_i64(res, (int)k, 0);
    return WR_OK;
}

static wr_status resolve_wallets(wr_pg_store *st, wr_pg_batch *b, wr_err *err)
{
    size_t n = 0;
    WR_AUTO_ARRAY uint32_t *which = wr_calloc(WR_PG_CHUNK, sizeof *which);
    if (!which)
        return wr_fail(err, WR_ENOMEM, "list of wallets");
    for (uint32_t i = 0; i < b->wallet_count; i++) {
        wr_pg_batch_wallet *w = &b->wallets[i];
        uint32_t chain_id = b->chains[w->chain].id;
        w->id = chain_id ? wr_pg_wallet_cached(st, chain_id, w->address) : 0;
        if (w->id || !chain_id)
            continue;
        which[n++] = i;
        if (n == WR_PG_CHUNK) {
            WR_TRY(wallets_look(st, b, which, n, err));
            n = 0;
        }
    }
    return n ? wallets_look(st, b, which, n, err) : WR_OK;
}

wr_status wr_pg_batch_resolve_names(wr_pg_store *st, wr_pg_batch *b, wr_err *err)
{
    WR_TRY(resolve_assets(st, b, err));
    return resolve_wallets(st, b, err);
}

/* --- ids for what is new ----------------------------------------------------------- */

static void mark_needed(wr_pg_batch *b)
{
    for (size_t i = 0; i < b->chain_count; i++)
        b->chains[i].is_needed = false;
    for (size_t i = 0; i < b->asset_count; i++)
        b->assets[i].is_needed = false;
    for (size_t i = 0; i < b->wallet_count; i++)
        b->wallets[i].is_needed = false;
    for (uint32_t i = 0; i < b->n; i++) {
        if (b->fate[i] != WR_PUT_INSERTED)
            continue;
        wr_pg_batch_asset *a = &b->assets[b->asset[i]];
        if (!a->is_needed)
            a->decimals = b->put->transfer[i].decimals;
        a->is_needed = true;
        b->chains[b->chain[i]].is_needed = true;
        b->wallets[b->from[i]].is_needed = true;
        b->wallets[b->to[i]].is_needed = true;
    }
}

static bool has_new_names(const wr_pg_batch *b)
{
    for (size_t i = 0; i < b->chain_count; i++)
        if (b->chains[i].is_needed && b->chains[i].id == 0)
            return true;
    for (size_t i = 0; i < b->asset_count; i++)
        if (b->assets[i].is_needed && b->assets[i].id < 0)
            return true;
    return false;
}

static wr_status insert_assets(wr_pg_store *st, wr_pg_batch *b, wr_err *err)
{
    static const char sql[] =
        "insert into assets (asset_id, chain_id, asset, decimals) "
        "select coalesce(max(asset_id), -1) + 1, $1, $2, $3 from assets "
        "returning asset_id";
    /* Along the new rows, as wallets_number: a refused row may name an asset earlier. */
    for (uint32_t i = 0; i < b->n; i++) {
        wr_pg_batch_asset *e = &b->assets[b->asset[i]];
        wr_pg_args a = {0};
        if (b->fate[i] != WR_PUT_INSERTED || e->id >= 0)
            continue;
        wr_pg_arg_i16(&a, (int32_t)b->chains[e->chain].id);
        wr_pg_arg_text(&a, e->asset);
        wr_pg_arg_i16(&a, e->decimals);
        WR_TRY(wr_pg_exec_i64(st, &e->id, sql, &a, err));
        if (e->id >= WR_STORE_ASSET_COUNT_MAX)
            return wr_fail(
                err, WR_ELIMIT, "asset '%.*s' would be number %lld: %d at most",
                WR_TEXT_ARG(e->asset), (long long)e->id, WR_STORE_ASSET_COUNT_MAX);
    }
    return WR_OK;
}

/*
 * Chains and assets are few: whoever adds one holds a lock until its commit, so that ids
 * have no gaps (assets have 16 bits) and `id > highest read` finds what others added.
 */
static wr_status intern_chains_and_assets(wr_pg_store *st, wr_pg_batch *b, wr_err *err)
{
    if (!has_new_names(b))
        return WR_OK;
    WR_TRY(wr_pg_lock(st, WR_PG_LOCK_NAMES, err));
    for (size_t i = 0; i < b->chain_count; i++)
        if (b->chains[i].is_needed && b->chains[i].id == 0)
            WR_TRY(wr_pg_chain_intern(st, &b->chains[i].id, b->chains[i].chain, err));
    WR_TRY(resolve_assets(st, b, err));
    return insert_assets(st, b, err);
}

typedef struct new_wallet {
    const wr_pg_batch_wallet *w;
    uint32_t chain_id, index;
} new_wallet;

static int by_key(const void *pa, const void *pb)
{
    const new_wallet *x = pa;
    const new_wallet *y = pb;
    if (x->chain_id != y->chain_id)
        return x->chain_id < y->chain_id ? -1 : 1;
    uint32_t len =
        x->w->address.len < y->w->address.len ? x->w->address.len : y->w->address.len;
    int c = memcmp(x->w->address.p, y->w->address.p, len);
    if (c)
        return c;
    return (x->w->address.len > y->w->address.len) -
           (x->w->address.len < y->w->address.len);
}

/*
 * Insert list[0..n), sorted by key: writers that add the same wallets meet in the same
 * order, so they wait for each other and never in a circle.  What another one added first
 * is read back.
 */
static wr_status wallets_insert(wr_pg_store *st, wr_pg_batch *b, const new_wallet *list,
                                size_t n, uint32_t *lost, wr_err *err)
{
    static const char sql[] = "insert into wallets (wallet_id, chain_id, address) "
                              "select * from unnest($1::int4[], $2::int2[], $3::text[]) "
                              "on conflict (chain_id, address) do nothing";
    for (int k = 0; k < 3; k++)
        wr_pg_array_begin(&b->array[k]);
    for (size_t i = 0; i < n; i++) {
        wr_pg_array_i32(&b->array[0], (int32_t)list[i].w->id);
        wr_pg_array_i16(&b->array[1], (int32_t)list[i].chain_id);
        wr_pg_array_bytes(&b->array[2], list[i].w->address.p, list[i].w->address.len);
        lost[i] = list[i].index;
    }
    WR_AUTO(PGresult) res = NULL;
    wr_pg_args a = {0};
    WR_TRY(wr_pg_arg_array(&a, &b->array[0], WR_PG_OID_INT4, n, err));
    WR_TRY(wr_pg_arg_array(&a, &b->array[1], WR_PG_OID_INT2, n, err));
    WR_TRY(wr_pg_arg_array(&a, &b->array[2], WR_PG_OID_TEXT, n, err));
    WR_TRY(wr_pg_exec(st, &res, sql, &a, err));
    const uint64_t added = wr_pg_row_count(res);
    b->new_wallets += added;
    if (added == n)
        return WR_OK;
    WR_TRY(wallets_look(st, b, lost, n, err));
    for (size_t i = 0; i < n; i++)
        if (list[i].w->id == 0)
            return wr_fail(err, WR_ECORRUPT,
                           "postgresql: a wallet vanished while it was added");
    return WR_OK;
}

/* New wallets of needed rows; their ids in order of first appearance. */
static wr_status wallets_number(wr_pg_store *st, wr_pg_batch *b, new_wallet *list,
                                size_t n, wr_err *err)
{
    size_t k = 0;
    WR_AUTO_ARRAY uint32_t *id = wr_calloc(n, sizeof *id);
    if (!id)
        return wr_fail(err, WR_ENOMEM, "%zu new wallets", n);
    WR_TRY(wr_pg_wallet_ids_draw(st, id, n, err));
    /*
     * wallets[] is in the order of first appearance in the batch, which need not be that
     * among the rows that are new: number along those.
     */
    for (uint32_t i = 0; i < b->n; i++) {
        uint32_t end[2] = {b->from[i], b->to[i]};
        for (int e = 0; b->fate[i] == WR_PUT_INSERTED && e < 2; e++) {
            wr_pg_batch_wallet *w = &b->wallets[end[e]];
            if (w->id)
                continue;
            w->id = id[k];
            list[k++] =
                (new_wallet){.w = w, .chain_id = b->chains[w->chain].id, .index = end[e]};
        }
    }
    return WR_OK;
}

static wr_status intern_wallets(wr_pg_store *st, wr_pg_batch *b, wr_err *err)
{
    size_t n = 0;
    for (size_t i = 0; i < b->wallet_count; i++)
        n += b->wallets[i].is_needed && b->wallets[i].id == 0;
    if (n == 0)
        return WR_OK;
    WR_AUTO_ARRAY new_wallet *list = wr_calloc(n, sizeof *list);
    WR_AUTO_ARRAY uint32_t *lost = wr_calloc(WR_PG_CHUNK, sizeof *lost);
    if (!list || !lost)
        return wr_fail(err, WR_ENOMEM, "%zu new wallets", n);
    WR_TRY(wallets_number(st, b, list, n, err));
    qsort(list, n, sizeof *list, by_key);
    for (size_t i = 0; i < n; i += WR_PG_CHUNK)
        WR_TRY(wallets_insert(st, b, list + i, n - i < WR_PG_CHUNK ? n - i : WR_PG_CHUNK,
                              lost, err));
    return WR_OK;
}

wr_status wr_pg_batch_intern(wr_pg_store *st, wr_pg_batch *b, wr_err *err)
{
    mark_needed(b);
    b->new_wallets = 0;
    WR_TRY(intern_chains_and_assets(st, b, err));
    return intern_wallets(st, b, err);
}

void wr_pg_batch_remember(wr_pg_store *st, const wr_pg_batch *b)
{
    for (size_t i = 0; i < b->wallet_count; i++) {
        const wr_pg_batch_wallet *w = &b->wallets[i];
        uint32_t chain_id = b->chains[w->chain].id;
        if (w->id && wr_pg_wallet_cached(st, chain_id, w->address) == 0)
            wr_pg_wallet_cache_add(st, chain_id, w->address, w->id);
    }
}
