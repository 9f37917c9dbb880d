#include "store/radix_int.h"
#include "store/store_pg_put_int.h"

enum { SAMPLE = 64 };

/* --- distinct names of the batch --------------------------------------------------- */

/* Index of (scope, t) among the distinct names; a new one gets the next. */
static wr_status name_index(uint32_t *out, wr_pg_dict *d, uint32_t scope, wr_text t,
                            wr_err *err)
{
    bool is_new;
    const wr_pg_dict_slot *s = wr_pg_dict_put(d, scope, t, (uint32_t)d->count, &is_new);
    if (!s)
        return wr_fail(err, WR_ENOMEM, "%zu names of a batch", d->count);
    *out = s->value;
    return WR_OK;
}

static wr_status index_names(wr_pg_batch *b, wr_err *err)
{
    for (uint32_t i = 0; i < b->n; i++) {
        const wr_transfer *t = &b->put->transfer[i];
        if (i > 0 && t->chain == t[-1].chain) /* nearly always */
            b->chain[i] = b->chain[i - 1];
        else
            WR_TRY(name_index(&b->chain[i], &b->chain_dict, 0, wr_text_of(t->chain->id),
                              err));
        WR_TRY(name_index(&b->asset[i], &b->asset_dict, b->chain[i], t->asset, err));
        WR_TRY(name_index(&b->from[i], &b->wallet_dict, b->chain[i], t->from, err));
        WR_TRY(name_index(&b->to[i], &b->wallet_dict, b->chain[i], t->to, err));
    }
    return WR_OK;
}

static void add_wallet(wr_pg_batch *b, uint32_t index, wr_text address, uint32_t chain)
{
    if (index == b->wallet_count)
        b->wallets[b->wallet_count++] =
            (wr_pg_batch_wallet){.address = address, .chain = chain};
}

/* Indexes count first appearances: a row that names something new has the next one. */
static wr_status list_names(wr_pg_batch *b, wr_err *err)
{
    b->chains = wr_calloc(b->chain_dict.count, sizeof *b->chains);
    b->assets = wr_calloc(b->asset_dict.count, sizeof *b->assets);
    b->wallets = wr_calloc(b->wallet_dict.count, sizeof *b->wallets);
    if (!b->chains || !b->assets || !b->wallets)
        return wr_fail(err, WR_ENOMEM, "%zu addresses of a batch", b->wallet_dict.count);
    for (uint32_t i = 0; i < b->n; i++) {
        const wr_transfer *t = &b->put->transfer[i];
        if (b->chain[i] == b->chain_count)
            b->chains[b->chain_count++] = (wr_pg_batch_chain){.chain = t->chain};
        if (b->asset[i] == b->asset_count)
            b->assets[b->asset_count++] = (wr_pg_batch_asset){.asset = t->asset,
                                                              .chain = b->chain[i],
                                                              .decimals = t->decimals,
                                                              .id = -1};
        add_wallet(b, b->from[i], t->from, b->chain[i]);
        add_wallet(b, b->to[i], t->to, b->chain[i]);
    }
    return WR_OK;
}

/* --- keys -------------------------------------------------------------------------- */

static wr_status pack_hashes(wr_pg_batch *b, wr_err *err)
{
    for (uint32_t i = 0; i < b->n; i++) {
        uint8_t packed[WR_STORE_HASH_BYTES];
        size_t len = wr_store_hash_pack(packed, b->put->transfer[i].tx_hash);
        b->hash[i] = wr_arena_text(
            &b->arena, (wr_text){.p = (const char *)packed, .len = (uint32_t)len});
        if (!b->hash[i].p)
            return wr_fail(err, WR_ENOMEM, "transaction hashes of %u rows", b->n);
    }
    return WR_OK;
}

static bool is_same_key(const wr_pg_batch *b, uint32_t i, uint32_t k)
{
    return b->chain[i] == b->chain[k] &&
           b->put->transfer[i].position == b->put->transfer[k].position &&
           wr_text_eq(b->hash[i], b->hash[k]);
}

static wr_status find_twins(wr_pg_batch *b, wr_err *err)
{
    size_t cap = 64;
    while (cap < 2 * (size_t)b->n)
        cap *= 2;
    WR_AUTO_ARRAY uint32_t *row = wr_calloc(cap, sizeof *row); /* row + 1; 0 = free */
    if (!row)
        return wr_fail(err, WR_ENOMEM, "key table of %u rows", b->n);
    for (uint32_t i = 0; i < b->n; i++) {
        uint64_t seed = (uint64_t)b->chain[i] << 32 | b->put->transfer[i].position;
        size_t at = wr_hash64(b->hash[i].p, b->hash[i].len, seed) & (cap - 1);
        while (row[at] && !is_same_key(b, i, row[at] - 1))
            at = (at + 1) & (cap - 1);
        b->twin[i] = row[at] ? row[at] - 1 : WR_PG_NO_ROW;
        b->has_twins |= row[at] != 0;
        if (!row[at])
            row[at] = i + 1;
    }
    return WR_OK;
}

static wr_status batch_alloc(wr_pg_batch *b, wr_err *err)
{
    b->chain = wr_calloc(b->n, sizeof *b->chain);
    b->asset = wr_calloc(b->n, sizeof *b->asset);
    b->from = wr_calloc(b->n, sizeof *b->from);
    b->to = wr_calloc(b->n, sizeof *b->to);
    b->hash = wr_calloc(b->n, sizeof *b->hash);
    b->twin = wr_calloc(b->n, sizeof *b->twin);
    b->fate = wr_calloc(b->n, sizeof *b->fate);
    b->stored_seq = wr_calloc(b->n, sizeof *b->stored_seq);
    if (!b->chain || !b->asset || !b->from || !b->to || !b->hash || !b->twin ||
        !b->fate || !b->stored_seq)
        return wr_fail(err, WR_ENOMEM, "batch of %u rows", b->n);
    return WR_OK;
}

wr_status wr_pg_batch_init(wr_pg_batch *b, const wr_put *put, wr_err *err)
{
    *b = (wr_pg_batch){.put = put, .n = (uint32_t)put->transfer_count};
    wr_arena_init(&b->arena, 0);
    wr_pg_dict_init(&b->chain_dict, false);
    wr_pg_dict_init(&b->asset_dict, false);
    wr_pg_dict_init(&b->wallet_dict, false);
    for (size_t i = 0; i < sizeof b->array / sizeof b->array[0]; i++)
        wr_buf_init(&b->array[i], (size_t)1 << 29);
    if (put->transfer_count >= WR_PG_NO_ROW)
        return wr_fail(err, WR_ELIMIT, "batch of %zu transfers", put->transfer_count);
    WR_TRY(batch_alloc(b, err));
    WR_TRY(index_names(b, err));
    WR_TRY(list_names(b, err));
    WR_TRY(pack_hashes(b, err));
    return find_twins(b, err);
}

void wr_pg_batch_release(wr_pg_batch *b)
{
    wr_free(b->chain);
    wr_free(b->asset);
    wr_free(b->from);
    wr_free(b->to);
    wr_free(b->hash);
    wr_free(b->twin);
    wr_free(b->fate);
    wr_free(b->stored_seq);
    wr_free(b->hit);
    wr_free(b->chains);
    wr_free(b->assets);
    wr_free(b->wallets);
    wr_pg_dict_release(&b->chain_dict);
    wr_pg_dict_release(&b->asset_dict);
    wr_pg_dict_release(&b->wallet_dict);
    for (size_t i = 0; i < sizeof b->array / sizeof b->array[0]; i++)
        wr_buf_release(&b->array[i]);
    wr_arena_release(&b->arena);
}

/* --- judging ----------------------------------------------------------------------- */

static wr_status add_hits(wr_pg_batch *b, const PGresult *res, wr_err *err)
{
    size_t n = (size_t)PQntuples(res);
    wr_pg_hit *grown = wr_grow(b->hit, &b->hit_cap, b->hit_count + n, sizeof *grown);
    if (!grown)
        return wr_fail(err, WR_ENOMEM, "%zu known keys", b->hit_count + n);
    b->hit = grown;
    for (int r = 0; r < PQntuples(res); r++)
        b->hit[b->hit_count++] = (wr_pg_hit){
            .row = (uint32_t)wr_pg_i64(res, r, 0),
            .seq = wr_pg_i64(res, r, 1),
            .time_s = wr_pg_i64(res, r, 2),
            .from = (uint32_t)wr_pg_i64(res, r, 3),
            .to = (uint32_t)wr_pg_i64(res, r, 4),
            .asset = wr_pg_i64(res, r, 5),
            .amount_base = wr_pg_amount(res, r, 6),
        };
    return WR_OK;
}

/* Look up the keys of rows row[0..count). */
static wr_status look(wr_pg_store *st, wr_pg_batch *b, const uint32_t *row, size_t count,
                      wr_err *err)
{
    /* offset 0 keeps the keys outside and the index inside, whatever the table's size
     * was when this was planned */
    static const char sql[] =
        "select u.row, t.* from unnest($1::int4[], $2::int2[], $3::bytea[], $4::int8[]) "
        "u(row, c, h, p) cross join lateral (select seq, time, from_id, to_id, asset_id, "
        "amount from transactions where tx_hash = u.h and position = u.p "
        "and chain_id = u.c offset 0) t";
    size_t n = 0;
    for (int k = 0; k < 4; k++)
        wr_pg_array_begin(&b->array[k]);
    for (size_t k = 0; k < count; k++) {
        uint32_t i = row[k];
        uint32_t chain_id = b->chains[b->chain[i]].id;
        if (chain_id == 0)
            continue;
        wr_pg_array_i32(&b->array[0], (int32_t)i);
        wr_pg_array_i16(&b->array[1], (int32_t)chain_id);
        wr_pg_array_bytes(&b->array[2], b->hash[i].p, b->hash[i].len);
        wr_pg_array_i64(&b->array[3], b->put->transfer[i].position);
        n++;
    }
    if (n == 0)
        return WR_OK;
    WR_AUTO(PGresult) res = NULL;
    wr_pg_args a = {0};
    WR_TRY(wr_pg_arg_array(&a, &b->array[0], WR_PG_OID_INT4, n, err));
    WR_TRY(wr_pg_arg_array(&a, &b->array[1], WR_PG_OID_INT2, n, err));
    WR_TRY(wr_pg_arg_array(&a, &b->array[2], WR_PG_OID_BYTEA, n, err));
    WR_TRY(wr_pg_arg_array(&a, &b->array[3], WR_PG_OID_INT8, n, err));
    WR_TRY(wr_pg_exec(st, &res, sql, &a, err));
    return add_hits(b, res, err);
}

static wr_status look_at_sample(wr_pg_store *st, wr_pg_batch *b, wr_err *err)
{
    uint32_t row[SAMPLE];
    for (uint32_t k = 0; k < SAMPLE; k++)
        row[k] = (uint32_t)((uint64_t)b->n * k / SAMPLE);
    return look(st, b, row, SAMPLE, err);
}

/* In the order of the index, about: neighbours share its pages, which halves the time. */
static wr_status look_at_all(wr_pg_store *st, wr_pg_batch *b, wr_err *err)
{
    WR_AUTO_ARRAY uint64_t *order = wr_calloc(b->n, sizeof *order);
    WR_AUTO_ARRAY uint64_t *scratch = wr_calloc(b->n, sizeof *scratch);
    WR_AUTO_ARRAY uint32_t *row = wr_calloc(b->n, sizeof *row);
    if (!order || !scratch || !row)
        return wr_fail(err, WR_ENOMEM, "keys of %u rows", b->n);
    for (uint32_t i = 0; i < b->n; i++) {
        char begin[4] = {0};
        memcpy(begin, b->hash[i].p, b->hash[i].len < 4 ? b->hash[i].len : 4);
        order[i] = (uint64_t)wr_pg_load_be32(begin) << 32 | i;
    }
    wr_radix_sort(order, scratch, b->n, 32);
    for (uint32_t i = 0; i < b->n; i++)
        row[i] = (uint32_t)order[i];
    for (uint32_t i = 0; i < b->n; i += WR_PG_CHUNK)
        WR_TRY(
            look(st, b, row + i, b->n - i < WR_PG_CHUNK ? b->n - i : WR_PG_CHUNK, err));
    return WR_OK;
}

/* A row that is not stored but follows its own key in the batch. */
static void judge_twins(wr_pg_batch *b)
{
    for (uint32_t i = 0; b->has_twins && i < b->n; i++) {
        if (b->twin[i] == WR_PG_NO_ROW || b->stored_seq[i] != 0)
            continue;
        b->fate[i] =
            wr_store_same_content(&b->put->transfer[b->twin[i]], &b->put->transfer[i])
                ? WR_PUT_DUPLICATE
                : WR_PUT_CONFLICT;
    }
}

static void judge_hits(wr_pg_batch *b)
{
    for (size_t k = 0; k < b->hit_count; k++) {
        const wr_pg_hit *h = &b->hit[k];
        const wr_transfer *t = &b->put->transfer[h->row];
        bool is_same = h->time_s == t->time_s && h->amount_base == t->amount_base &&
                       h->from == b->wallets[b->from[h->row]].id &&
                       h->to == b->wallets[b->to[h->row]].id &&
                       h->asset == b->assets[b->asset[h->row]].id;
        b->fate[h->row] = is_same ? WR_PUT_DUPLICATE : WR_PUT_CONFLICT;
        b->stored_seq[h->row] = h->seq;
    }
}

wr_status wr_pg_batch_judge(wr_pg_store *st, wr_pg_batch *b, wr_pg_look how, wr_err *err)
{
    WR_TRY(wr_pg_batch_resolve_chains(st, b, err));
    b->hit_count = 0;
    if (how == WR_PG_LOOK_SAMPLE && b->n > SAMPLE)
        WR_TRY(look_at_sample(st, b, err));
    if (how == WR_PG_LOOK_ALL || b->n <= SAMPLE || b->hit_count > 0)
        WR_TRY(look_at_all(st, b, err));
    WR_TRY(wr_pg_batch_resolve_names(st, b, err));
    for (uint32_t i = 0; i < b->n; i++) {
        b->fate[i] = WR_PUT_INSERTED;
        b->stored_seq[i] = 0;
    }
    judge_hits(b);
    judge_twins(b);
    b->res = (wr_put_result){0};
    for (uint32_t i = 0; i < b->n; i++) {
        b->res.inserted += b->fate[i] == WR_PUT_INSERTED;
        b->res.duplicates += b->fate[i] == WR_PUT_DUPLICATE;
        b->res.conflicts += b->fate[i] == WR_PUT_CONFLICT;
    }
    b->res.dead = b->put->dead_count + b->res.conflicts;
    return WR_OK;
}

/* --- letters of the conflicts ------------------------------------------------------ */

static wr_status write_letter(wr_pg_batch *b, wr_dead_letter *out, uint32_t row,
                              const wr_transfer *stored, wr_err *err)
{
    return wr_store_conflict_letter(out, &b->arena, b->put, row, stored, err);
}

/* Letters for conflicts with stored rows: conflict[begin..end) holds row numbers. */
static wr_status stored_letters(wr_pg_store *st, wr_pg_batch *b, const uint32_t *conflict,
                                size_t begin, size_t end, wr_dead_letter *letters,
                                wr_err *err)
{
    static const char sql[] =
        "select u.n, t.* from unnest($1::int4[], $2::int8[]) u(n, s) cross join lateral "
        "(select t.time, f.address, g.address, a.asset, t.amount from transactions t "
        " join wallets f on f.wallet_id = t.from_id "
        " join wallets g on g.wallet_id = t.to_id "
        " join assets a on a.asset_id = t.asset_id where t.seq = u.s offset 0) t";
    size_t n = 0;
    wr_pg_array_begin(&b->array[0]);
    wr_pg_array_begin(&b->array[1]);
    for (size_t k = begin; k < end; k++) {
        if (b->stored_seq[conflict[k]] == 0)
            continue;
        wr_pg_array_i32(&b->array[0], (int32_t)(k - begin));
        wr_pg_array_i64(&b->array[1], b->stored_seq[conflict[k]]);
        n++;
    }
    if (n == 0)
        return WR_OK;
    WR_AUTO(PGresult) res = NULL;
    wr_pg_args a = {0};
    WR_TRY(wr_pg_arg_array(&a, &b->array[0], WR_PG_OID_INT4, n, err));
    WR_TRY(wr_pg_arg_array(&a, &b->array[1], WR_PG_OID_INT8, n, err));
    WR_TRY(wr_pg_exec(st, &res, sql, &a, err));
    if ((size_t)PQntuples(res) != n)
        return wr_fail(err, WR_ECORRUPT,
                       "postgresql: %d of %zu stored transfers have names",
                       PQntuples(res), n);
    for (int r = 0; r < PQntuples(res); r++) {
        size_t k = begin + (size_t)wr_pg_i64(res, r, 0);
        const wr_transfer stored = {
            .time_s = wr_pg_i64(res, r, 1),
            .from = wr_pg_text(res, r, 2),
            .to = wr_pg_text(res, r, 3),
            .asset = wr_pg_text(res, r, 4),
            .amount_base = wr_pg_amount(res, r, 5),
        };
        WR_TRY(write_letter(b, &letters[k], conflict[k], &stored, err));
    }
    return WR_OK;
}

wr_status wr_pg_batch_letters(wr_pg_store *st, wr_pg_batch *b, wr_dead_letter *letters,
                              wr_err *err)
{
    size_t n = 0;
    WR_AUTO_ARRAY uint32_t *conflict = wr_calloc(b->res.conflicts, sizeof *conflict);
    if (!conflict)
        return wr_fail(err, WR_ENOMEM, "%llu conflicts",
                       (unsigned long long)b->res.conflicts);
    for (uint32_t i = 0; i < b->n; i++)
        if (b->fate[i] == WR_PUT_CONFLICT)
            conflict[n++] = i;
    for (size_t k = 0; k < n; k++)
        if (b->stored_seq[conflict[k]] == 0)
            WR_TRY(write_letter(b, &letters[k], conflict[k],
                                &b->put->transfer[b->twin[conflict[k]]], err));
    for (size_t k = 0; k < n; k += WR_PG_CHUNK)
        WR_TRY(stored_letters(st, b, conflict, k,
                              n - k < WR_PG_CHUNK ? n : k + WR_PG_CHUNK, letters, err));
    return WR_OK;
}
