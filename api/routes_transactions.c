/*
 * POST /transactions and a wallet's transfers.
 *
 * One request is one wr_store_put: rows, dead letters and the mark of source "http" in
 * one transaction.  The mark's next_offset counts records (inserted + duplicates + dead)
 * and is read and written under put_lock; a second process on the same store is kept
 * apart by the store's own transaction, at worst both number a dead letter alike.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/page_token.h"
#include "api/request.h"
#include "api/routes.h"
#include "pipeline/run/report.h"

enum { ITEMS_MAX = 10000, VALUES_MAX = 4000000, LIST = 'x' };

static const wr_text source = {.p = "http", .len = 4};

/* One item of the body: its transfers, or what is wrong with it. */
typedef struct item {
    wr_text raw;
    uint32_t first, count;   /* of batch.transfer */
    wr_field_errors *errors; /* NULL: readable */
} item;

typedef struct batch {
    item *item; /* [item_count] */
    uint32_t item_count;
    bool is_many;
    wr_transfer *transfer; /* [transfer_count] */
    uint32_t transfer_count;
    size_t transfer_cap;
    int64_t *position;    /* [transfer_count] place of its item in the source */
    wr_dead_letter *dead; /* [dead_count] */
    uint32_t dead_count;
    uint8_t *outcome; /* [transfer_count] */
    wr_put_result result;
} batch;

/* --- reading ---------------------------------------------------------------------------
 */

static wr_status add_transfers(batch *b, item *it, const wr_transfer_list *list,
                               wr_err *err)
{
    wr_transfer *grown = wr_grow(b->transfer, &b->transfer_cap,
                                 (size_t)b->transfer_count + list->count, sizeof *grown);
    if (!grown)
        return wr_fail(err, WR_ENOMEM, "%u transfers", b->transfer_count);
    b->transfer = grown;
    it->first = b->transfer_count;
    it->count = list->count;
    memcpy(b->transfer + b->transfer_count, list->item, list->count * sizeof *list->item);
    b->transfer_count += list->count;
    return WR_OK;
}

static wr_status read_item(wr_exchange *x, batch *b, item *it, wr_err *err)
{
    wr_transfer_list list;
    wr_field_errors errors = {0};
    wr_err why = {0};
    wr_status s = wr_transfer_json_decode(&list, x->app->decoder, it->raw.p, it->raw.len,
                                          &x->arena, &errors, &why);
    if (s == WR_OK)
        return add_transfers(b, it, &list, err);
    if (s != WR_EPARSE && s != WR_ELIMIT)
        return wr_fail(err, s, "%s", why.msg);
    it->errors = wr_arena_alloc(&x->arena, sizeof errors);
    if (!it->errors)
        return wr_fail(err, WR_ENOMEM, "field errors");
    *it->errors = errors;
    b->dead_count++;
    return WR_OK;
}

static wr_status read_items(wr_exchange *x, batch *b, wr_err *err)
{
    wr_err why = {0};
    wr_text *raw = wr_arena_alloc(&x->arena, ITEMS_MAX * sizeof *raw);
    if (!raw)
        return wr_fail(err, WR_ENOMEM, "%d records", (int)ITEMS_MAX);
    wr_status s =
        wr_json_check_bounds(x->body.p, x->body.len, WR_JSON_DEPTH_MAX, VALUES_MAX, &why);
    if (s == WR_OK)
        s = wr_transfer_json_split(raw, ITEMS_MAX, &b->item_count, &b->is_many, x->body.p,
                                   x->body.len, &why);
    if (s == WR_ELIMIT)
        return wr_refuse(x, err, WR_PROBLEM_TOO_LARGE, "%s", why.msg);
    if (s == WR_EPARSE)
        return wr_refuse(x, err, WR_PROBLEM_MALFORMED_JSON, "%s", why.msg);
    if (s != WR_OK)
        return wr_fail(err, s, "%s", why.msg);
    b->item = wr_arena_alloc(&x->arena, b->item_count * sizeof *b->item + 1);
    if (!b->item)
        return wr_fail(err, WR_ENOMEM, "%u records", b->item_count);
    for (uint32_t i = 0; i < b->item_count; i++) {
        b->item[i].raw = raw[i];
        WR_TRY(read_item(x, b, &b->item[i], err));
    }
    return WR_OK;
}

/* --- storing ---------------------------------------------------------------------------
 */

static wr_status make_dead(wr_exchange *x, batch *b, int64_t offset, wr_err *err)
{
    b->dead = wr_arena_alloc(&x->arena, b->dead_count * sizeof *b->dead + 1);
    b->outcome = wr_arena_alloc(&x->arena, (size_t)b->transfer_count + 1);
    b->position = wr_arena_alloc(&x->arena, b->transfer_count * sizeof *b->position + 1);
    if (!b->dead || !b->outcome || !b->position)
        return wr_fail(err, WR_ENOMEM, "%u dead letters", b->dead_count);
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->item_count; i++) {
        const item *it = &b->item[i];
        if (!it->errors) {
            for (uint32_t k = 0; k < it->count; k++)
                b->position[it->first + k] = offset + i;
            continue;
        }
        const wr_field_error *e = &it->errors->item[0];
        uint32_t kept = it->raw.len < WR_DEAD_RAW_MAX ? it->raw.len : WR_DEAD_RAW_MAX;
        b->dead[n++] =
            (wr_dead_letter){.source = source,
                             .position = offset + i,
                             .raw = {.p = it->raw.p, .len = kept},
                             .raw_bytes = it->raw.len,
                             .field = wr_text_of(e->pointer + (*e->pointer == '/')),
                             .reason = wr_text_of(e->detail)};
    }
    return WR_OK;
}

static wr_status next_offset(wr_exchange *x, wr_store *st, int64_t *offset, wr_err *err)
{
    wr_source s;
    wr_err why = {0};
    wr_status r = wr_store_source_get(st, &s, &x->arena, source, 0, &why);
    *offset = r == WR_OK ? s.next_offset : 0;
    if (r != WR_OK && r != WR_ENOTFOUND)
        return wr_fail(err, r, "%s", why.msg);
    return WR_OK;
}

static wr_status put_locked(wr_exchange *x, batch *b, wr_store *st, wr_err *err)
{
    int64_t offset;
    WR_TRY(next_offset(x, st, &offset, err));
    WR_TRY(make_dead(x, b, offset, err));
    uint64_t records = (uint64_t)b->transfer_count + b->dead_count;
    const wr_source_mark mark = {.source = source,
                                 .next_offset = offset + (int64_t)records,
                                 .status = "running",
                                 .records = records};
    const wr_put put = {.transfer = b->transfer,
                        .transfer_count = b->transfer_count,
                        .position = b->position,
                        .dead = b->dead,
                        .dead_count = b->dead_count,
                        .mark = &mark};
    return wr_store_put(st, &put, b->outcome, &b->result, err);
}

static wr_status store_batch(wr_exchange *x, batch *b, wr_err *err)
{
    if (b->item_count == 0)
        return WR_OK;
    wr_store *st = NULL;
    WR_TRY(wr_store_pool_take(x->app->pool, &st, err));
    (void)pthread_mutex_lock(&x->app->put_lock);
    wr_status s = put_locked(x, b, st, err);
    (void)pthread_mutex_unlock(&x->app->put_lock);
    wr_store_pool_give(x->app->pool, st, s);
    if (s == WR_OK && b->result.inserted)
        wr_watch_poke(x->app->watch);
    return s;
}

/* --- answering -------------------------------------------------------------------------
 */

typedef enum item_result { INSERTED, DUPLICATE, CONFLICT, REJECTED } item_result;

/* A UTXO transaction is what the worst of its transfers is. */
static item_result result_of(const batch *b, const item *it)
{
    if (it->errors)
        return REJECTED;
    item_result r = DUPLICATE;
    for (uint32_t i = it->first; i < it->first + it->count; i++) {
        if (b->outcome[i] == WR_PUT_CONFLICT)
            return CONFLICT;
        if (b->outcome[i] == WR_PUT_INSERTED)
            r = INSERTED;
    }
    return r;
}

static void put_errors(wr_json_out *j, const item *it, item_result r)
{
    wr_json_key(j, "errors");
    wr_json_open(j, '[');
    for (uint32_t i = 0; it->errors && i < it->errors->count; i++) {
        wr_json_open(j, '{');
        wr_json_kv_cstr(j, "pointer", it->errors->item[i].pointer);
        wr_json_kv_cstr(j, "code", it->errors->item[i].code);
        wr_json_kv_cstr(j, "detail", it->errors->item[i].detail);
        wr_json_close(j, '}');
    }
    if (r == CONFLICT) {
        wr_json_open(j, '{');
        wr_json_kv_cstr(j, "pointer", "/tx_hash");
        wr_json_kv_cstr(j, "code", "conflict");
        wr_json_kv_cstr(
            j, "detail",
            "stored already under this chain, tx_hash and position, with other "
            "content");
        wr_json_close(j, '}');
    }
    wr_json_close(j, ']');
}

static void put_results(wr_json_out *j, const batch *b, uint32_t tally[4])
{
    static const char *const names[] = {"inserted", "duplicate", "conflict", "rejected"};
    wr_json_key(j, "results");
    wr_json_open(j, '[');
    for (uint32_t i = 0; i < b->item_count; i++) {
        item_result r = result_of(b, &b->item[i]);
        tally[r]++;
        wr_json_open(j, '{');
        wr_json_kv_u64(j, "index", i);
        wr_json_kv_cstr(j, "result", names[r]);
        wr_json_kv_u64(j, "transfers", b->item[i].count);
        put_errors(j, &b->item[i], r);
        wr_json_close(j, '}');
    }
    wr_json_close(j, ']');
}

static wr_status refuse_single(wr_exchange *x, const batch *b, item_result r, wr_err *err)
{
    if (r == CONFLICT) {
        wr_request_note(x, "/body/tx_hash", "conflict",
                        "the key is taken by other content");
        return wr_refuse(
            x, err, WR_PROBLEM_CONFLICT,
            "stored already under this chain, tx_hash and position, with other "
            "content");
    }
    for (uint32_t i = 0; i < b->item[0].errors->count; i++) {
        const wr_field_error *e = &b->item[0].errors->item[i];
        char pointer[WR_POINTER_TEXT_MAX + 1];
        (void)snprintf(pointer, sizeof pointer, "/body%s", e->pointer);
        wr_problem_add(&x->problem, pointer, e->code, e->detail);
    }
    return wr_request_check(x, err);
}

static wr_status answer(wr_exchange *x, const batch *b, wr_err *err)
{
    if (!b->is_many && b->item_count == 1) {
        item_result r = result_of(b, &b->item[0]);
        if (r == CONFLICT || r == REJECTED)
            return refuse_single(x, b, r, err);
    }
    uint32_t tally[4] = {0};
    wr_json_out j = wr_exchange_json(x);
    wr_json_open(&j, '{');
    put_results(&j, b, tally);
    wr_json_kv_u64(&j, "inserted", tally[INSERTED]);
    wr_json_kv_u64(&j, "duplicates", tally[DUPLICATE]);
    wr_json_kv_u64(&j, "conflicts", tally[CONFLICT]);
    wr_json_kv_u64(&j, "rejected", tally[REJECTED]);
    wr_json_close(&j, '}');
    bool is_bad = tally[CONFLICT] || tally[REJECTED];
    bool is_all_new = tally[INSERTED] == b->item_count && b->item_count > 0;
    x->status = is_bad ? 207 : is_all_new ? 201 : 200;
    return WR_OK;
}

wr_status wr_route_transactions_post(wr_exchange *x, wr_err *err)
{
    batch b = {0};
    wr_status s = read_items(x, &b, err);
    if (s == WR_OK)
        s = store_batch(x, &b, err);
    if (s == WR_OK)
        s = answer(x, &b, err);
    wr_free(b.transfer);
    return s;
}

/* --- a wallet's transfers --------------------------------------------------------------
 */

typedef struct transfer_page {
    wr_json_out *j;
    uint32_t limit, count;
    int64_t last_seq;
    bool is_more;
} transfer_page;

static wr_status put_transfer(void *ctx, const wr_transfer_row *row, wr_err *err)
{
    transfer_page *p = ctx;
    (void)err;
    if (p->count == p->limit) {
        p->is_more = true;
        return WR_OK;
    }
    p->count++;
    p->last_seq = row->seq;
    wr_report_transfer(p->j, row);
    return WR_OK;
}

wr_status wr_route_wallet_transactions(wr_exchange *x, wr_err *err)
{
    wr_wallet_key k;
    transfer_page p = {.limit = 100};
    char payload[WR_PAGE_PAYLOAD_MAX + 1];
    const char *rest = payload;
    uint64_t before = 0;
    (void)wr_app_read_wallet(x, &k, x->path_param[0], x->path_param[1], "/path/chain",
                             "/path/address");
    wr_query_u32(x, "limit", 1, 1000, &p.limit);
    if (wr_app_page(x, LIST, payload) &&
        (!wr_page_u64(&rest, 10, INT64_MAX, &before) || *rest || before == 0))
        wr_request_note(x, "/query/page", "invalid", "not a page token of this list");
    WR_TRY(wr_request_check(x, err));
    wr_json_out j = wr_exchange_json(x);
    p.j = &j;
    wr_json_open(&j, '{');
    wr_json_key(&j, "transactions");
    wr_json_open(&j, '[');
    wr_store *st = NULL;
    WR_TRY(wr_store_pool_take(x->app->pool, &st, err));
    wr_err why = {0};
    wr_status s = wr_store_wallet_transfers(st, k.chain, k.address, (int64_t)before,
                                            p.limit + 1, put_transfer, &p, &why);
    wr_store_pool_give(x->app->pool, st, s);
    if (s != WR_OK &&
        s != WR_ENOTFOUND) /* a wallet without transfers has an empty list */
        return wr_fail(err, s, "%s", why.msg);
    wr_json_close(&j, ']');
    (void)snprintf(payload, sizeof payload, "%" PRId64, p.last_seq);
    wr_app_next_page(&j, LIST, p.is_more ? payload : NULL);
    wr_json_close(&j, '}');
    return WR_OK;
}
