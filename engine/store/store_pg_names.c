#include "store/store_pg_int.h"

enum {
    WALLET_GENERATION_MAX = 1 << 18, /* entries; two generations: about 60 MB at most */
    WALLET_GENERATION_MAX_OF_MANY = 1 << 16, /* of a handle that writes beside others */
};

void wr_pg_names_init(wr_pg_store *st)
{
    wr_pg_dict_init(&st->assets, true);
    wr_pg_dict_init(&st->wallets.young, true);
    wr_pg_dict_init(&st->wallets.old, true);
    st->asset_max = -1;
}

void wr_pg_names_forget(wr_pg_store *st)
{
    wr_free(st->chain);
    st->chain = NULL;
    st->chain_cap = 0;
    st->chain_max = 0;
    wr_pg_dict_release(&st->assets);
    st->asset_max = -1;
    wr_pg_dict_release(&st->wallets.young);
    wr_pg_dict_release(&st->wallets.old);
    wr_free(st->spare);
    st->spare = NULL;
    st->spare_count = st->spare_cap = st->spare_used = 0;
}

void wr_pg_names_committed(wr_pg_store *st)
{
    st->spare_count -= st->spare_used;
    if (st->spare_used)
        memmove(st->spare, st->spare + st->spare_used,
                st->spare_count * sizeof *st->spare);
    st->spare_used = 0;
}

void wr_pg_names_rolled_back(wr_pg_store *st)
{
    st->spare_used = 0;
}

/* --- chains and assets ------------------------------------------------------------- */

static wr_status chain_add(wr_pg_store *st, uint32_t id, const wr_chain *chain,
                           wr_err *err)
{
    size_t cap0 = st->chain_cap;
    const wr_chain **grown =
        wr_grow(st->chain, &st->chain_cap, (size_t)id + 1, sizeof(void *));
    if (!grown)
        return wr_fail(err, WR_ENOMEM, "table of chains");
    for (size_t i = cap0; i < st->chain_cap; i++)
        grown[i] = NULL;
    grown[id] = chain;
    st->chain = grown;
    st->chain_max = id;
    return WR_OK;
}

wr_status wr_pg_chains_read(wr_pg_store *st, wr_err *err)
{
    static const char sql[] =
        "select chain_id, caip2 from chains where chain_id > $1 order by chain_id";
    WR_AUTO(PGresult) res = NULL;
    wr_pg_args a = {0};
    wr_pg_arg_i16(&a, (int32_t)st->chain_max);
    WR_TRY(wr_pg_exec(st, &res, sql, &a, err));
    for (int i = 0; i < PQntuples(res); i++) {
        const wr_chain *chain;
        WR_TRY(wr_chain_find(&chain, wr_pg_text(res, i, 1), err));
        WR_TRY(chain_add(st, (uint32_t)wr_pg_i64(res, i, 0), chain, err));
    }
    return WR_OK;
}

static uint32_t chain_cached(const wr_pg_store *st, const wr_chain *chain)
{
    for (uint32_t i = 1; i <= st->chain_max; i++)
        if (st->chain[i] == chain)
            return i;
    return 0;
}

wr_status wr_pg_chain_id(wr_pg_store *st, uint32_t *id, const wr_chain *chain,
                         wr_err *err)
{
    *id = chain_cached(st, chain);
    if (*id == 0) {
        WR_TRY(wr_pg_chains_read(st, err));
        *id = chain_cached(st, chain);
    }
    return WR_OK;
}

wr_status wr_pg_chain_intern(wr_pg_store *st, uint32_t *id, const wr_chain *chain,
                             wr_err *err)
{
    static const char insert[] = "insert into chains (chain_id, caip2) "
                                 "select coalesce(max(chain_id), 0) + 1, $1 from chains "
                                 "returning chain_id::int8";
    static const char find[] = "select coalesce(max(chain_id), 0)::int8 from chains "
                               "where caip2 = $1";
    int64_t found;
    wr_pg_args a = {0};
    *id = chain_cached(st, chain);
    if (*id)
        return WR_OK;
    WR_TRY(wr_pg_lock(st, WR_PG_LOCK_NAMES, err));
    wr_pg_arg_text(&a, wr_text_of(chain->id));
    /* not through the cache: what this transaction adds may still be rolled back */
    WR_TRY(wr_pg_exec_i64(st, &found, find, &a, err));
    if (found == 0)
        WR_TRY(wr_pg_exec_i64(st, &found, insert, &a, err));
    *id = (uint32_t)found;
    return WR_OK;
}

wr_status wr_pg_chain_of(const wr_pg_store *st, const wr_chain **out, int64_t id,
                         wr_err *err)
{
    if (id < 1 || id > st->chain_max || !st->chain[id])
        return wr_fail(err, WR_ECORRUPT,
                       "postgresql: a row names chain %lld, table chains not",
                       (long long)id);
    *out = st->chain[id];
    return WR_OK;
}

wr_status wr_pg_assets_read(wr_pg_store *st, wr_err *err)
{
    static const char sql[] = "select asset_id, chain_id, asset from assets where "
                              "asset_id > $1 order by asset_id";
    WR_AUTO(PGresult) res = NULL;
    wr_pg_args a = {0};
    wr_pg_arg_i32(&a, (int32_t)st->asset_max);
    WR_TRY(wr_pg_exec(st, &res, sql, &a, err));
    for (int i = 0; i < PQntuples(res); i++) {
        int64_t id = wr_pg_i64(res, i, 0);
        bool is_new;
        if (!wr_pg_dict_put(&st->assets, (uint32_t)wr_pg_i64(res, i, 1),
                            wr_pg_text(res, i, 2), (uint32_t)id, &is_new))
            return wr_fail(err, WR_ENOMEM, "table of assets");
        st->asset_max = id;
    }
    return WR_OK;
}

int64_t wr_pg_asset_id(const wr_pg_store *st, uint32_t chain_id, wr_text asset)
{
    const wr_pg_dict_slot *s = wr_pg_dict_at(&st->assets, chain_id, asset);
    return s && s->p ? (int64_t)s->value : -1;
}

/* --- wallets ----------------------------------------------------------------------- */

/* Out of memory only makes the cache forget: its entries are in the database. */
void wr_pg_wallet_cache_add(wr_pg_store *st, uint32_t chain_id, wr_text address,
                            uint32_t id)
{
    bool is_new;
    wr_pg_wallet_cache *w = &st->wallets;
    if (w->young.count >= (st->is_one_of_many ? (size_t)WALLET_GENERATION_MAX_OF_MANY
                                              : (size_t)WALLET_GENERATION_MAX)) {
        wr_pg_dict_release(&w->old);
        w->old = w->young;
        wr_pg_dict_init(&w->young, true);
    }
    if (!wr_pg_dict_put(&w->young, chain_id, address, id, &is_new))
        wr_pg_dict_release(&w->young);
}

uint32_t wr_pg_wallet_cached(wr_pg_store *st, uint32_t chain_id, wr_text address)
{
    const wr_pg_dict_slot *s = wr_pg_dict_at(&st->wallets.young, chain_id, address);
    if (s && s->p)
        return s->value;
    s = wr_pg_dict_at(&st->wallets.old, chain_id, address);
    if (!s || !s->p)
        return 0;
    uint32_t id = s->value;
    wr_pg_wallet_cache_add(st, chain_id, address, id); /* used again: stays */
    return id;
}

static wr_status spare_add(wr_pg_store *st, size_t n, wr_err *err)
{
    static const char sql[] = "select array_agg(nextval('wallets_wallet_id_seq')::int4) "
                              "from generate_series(1, $1)";
    enum { HEAD = 20, CELL = 8 };
    WR_AUTO(PGresult) res = NULL;
    wr_pg_args a = {0};
    wr_pg_arg_i32(&a, (int32_t)n);
    WR_TRY(wr_pg_exec(st, &res, sql, &a, err));
    if (PQntuples(res) != 1 || PQgetlength(res, 0, 0) != (int)(HEAD + CELL * n))
        return wr_fail(err, WR_ECORRUPT, "postgresql: %zu wallet ids were asked for", n);
    uint32_t *grown =
        wr_grow(st->spare, &st->spare_cap, st->spare_count + n, sizeof *st->spare);
    if (!grown)
        return wr_fail(err, WR_ENOMEM, "%zu wallet ids", n);
    st->spare = grown;
    const char *p = PQgetvalue(res, 0, 0) + HEAD;
    for (size_t i = 0; i < n; i++)
        st->spare[st->spare_count++] = wr_pg_load_be32(p + CELL * i + 4);
    return WR_OK;
}

wr_status wr_pg_wallet_ids_draw(wr_pg_store *st, uint32_t *out, size_t n, wr_err *err)
{
    enum { DRAW_MAX = 1 << 20 };
    while (st->spare_count - st->spare_used < n) {
        size_t missing = n - (st->spare_count - st->spare_used);
        WR_TRY(spare_add(st, missing < DRAW_MAX ? missing : DRAW_MAX, err));
    }
    memcpy(out, st->spare + st->spare_used, n * sizeof *out);
    st->spare_used += n;
    return WR_OK;
}
