#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/page_token.h"
#include "api/request.h"
#include "api/routes.h"

enum { LABEL_LIST = 'l', SOURCE_LIST = 's' };

/* --- labels ----------------------------------------------------------------------------
 */

typedef struct label_page {
    wr_json_out *j;
    uint32_t limit, count;
    int64_t last_id;
    bool is_more;
} label_page;

static void kv_optional(wr_json_out *j, const char *key, wr_text t)
{
    wr_json_kv_text(j, key, t.len ? t : (wr_text){0});
}

static wr_status put_label(void *ctx, const wr_label_row *row, wr_err *err)
{
    label_page *p = ctx;
    const wr_label *l = &row->label;
    (void)err;
    if (p->count == p->limit) {
        p->is_more = true;
        return WR_OK;
    }
    p->count++;
    p->last_id = row->id;
    wr_json_out *j = p->j;
    wr_json_open(j, '{');
    wr_app_identity(j, l->chain, l->address);
    wr_json_kv_text(j, "category", l->category);
    wr_json_kv_u64(j, "confidence", l->confidence);
    wr_json_kv_text(j, "source", l->source);
    kv_optional(j, "uri", l->uri);
    kv_optional(j, "actor", l->actor);
    kv_optional(j, "name", l->name);
    wr_app_time(j, "valid_from", l->valid_from_s, WR_TIME_NONE);
    wr_app_time(j, "valid_to", l->valid_to_s, WR_TIME_NONE);
    wr_app_time(j, "added_at", row->added_s, 0);
    wr_json_kv_bool(j, "is_in_graph", row->wallet_id != 0);
    wr_json_close(j, '}');
    return WR_OK;
}

static void read_filter(wr_exchange *x, wr_label_filter *f, wr_wallet_key *k)
{
    wr_text chain = wr_query_bounded(x, "chain", WR_CHAIN_ID_MAX);
    wr_text address = wr_query_bounded(x, "address", WR_ADDRESS_MAX);
    f->source = wr_query_bounded(x, "source", WR_LABEL_TEXT_MAX);
    f->category = wr_query_bounded(x, "category", WR_CATEGORY_ID_MAX);
    if (address.p && !chain.p) {
        wr_request_note(x, "/query/chain", "missing", "an address needs its chain");
    } else if (address.p) {
        if (wr_app_read_wallet(x, k, chain, address, "/query/chain", "/query/address")) {
            f->chain = k->chain;
            f->address = k->address;
        }
    } else if (chain.p) {
        wr_err err = {0};
        if (wr_chain_peek(&f->chain, &k->unseen, chain, &err) != WR_OK)
            wr_request_note(x, "/query/chain", "invalid", "%s", err.msg);
    }
    if (f->category.p && wr_taxonomy_find(&x->app->settings->taxonomy, f->category) < 0)
        wr_request_note(x, "/query/category", "invalid", "'%.*s' is no category",
                        WR_TEXT_ARG(f->category));
}

wr_status wr_route_labels(wr_exchange *x, wr_err *err)
{
    label_page p = {.limit = 100};
    wr_label_filter f = {0};
    wr_wallet_key k;
    char payload[WR_PAGE_PAYLOAD_MAX + 1];
    const char *rest = payload;
    uint64_t after = 0;
    wr_query_u32(x, "limit", 1, 1000, &p.limit);
    if (wr_app_page(x, LABEL_LIST, payload) &&
        (!wr_page_u64(&rest, 10, INT64_MAX, &after) || *rest))
        wr_request_note(x, "/query/page", "invalid", "not a page token of this list");
    read_filter(x, &f, &k);
    WR_TRY(wr_request_check(x, err));
    wr_json_out j = wr_exchange_json(x);
    p.j = &j;
    wr_json_open(&j, '{');
    wr_json_key(&j, "labels");
    wr_json_open(&j, '[');
    wr_store *st = NULL;
    WR_TRY(wr_store_pool_take(x->app->pool, &st, err));
    wr_status s = wr_store_labels_list(st, -1, &f, false, (int64_t)after, p.limit + 1,
                                       put_label, &p, err);
    wr_store_pool_give(x->app->pool, st, s);
    WR_TRY(s);
    wr_json_close(&j, ']');
    (void)snprintf(payload, sizeof payload, "%" PRId64, p.last_id);
    wr_app_next_page(&j, LABEL_LIST, p.is_more ? payload : NULL);
    wr_json_close(&j, '}');
    return WR_OK;
}

/* --- ingestion -------------------------------------------------------------------------
 */

typedef struct source_page {
    wr_exchange *x;
    wr_json_out *j;
    uint32_t limit, count;
    uint64_t skip, seen;
    bool is_more, is_balanced;
    uint64_t records, inserted, duplicates, dead, gaps; /* of all sources */
} source_page;

/* Records per second between the first and the latest put; null when under a second. */
static void put_rate(wr_json_out *j, const wr_source *s)
{
    int64_t span_s = s->updated_s - s->first_s;
    wr_json_key(j, "records_per_s");
    if (span_s > 0)
        wr_json_fixed(j, (double)s->records / (double)span_s, 1);
    else
        wr_json_null(j);
}

static void put_source(wr_json_out *j, const wr_source *s, bool is_balanced)
{
    wr_json_open(j, '{');
    wr_json_kv_text(j, "source", s->source);
    wr_json_kv_i64(j, "partition", s->partition);
    wr_json_kv_text(j, "status", s->status);
    wr_json_kv_i64(j, "next_offset", s->next_offset);
    wr_json_kv_u64(j, "records", s->records);
    wr_json_kv_u64(j, "inserted", s->inserted);
    wr_json_kv_u64(j, "duplicates", s->duplicates);
    wr_json_kv_u64(j, "dead", s->dead);
    wr_json_kv_u64(j, "gaps", s->gaps);
    wr_json_kv_bool(j, "is_balanced", is_balanced);
    put_rate(j, s);
    kv_optional(j, "last_error", s->last_error);
    wr_app_time(j, "first_at", s->first_s, 0);
    wr_app_time(j, "updated_at", s->updated_s, 0);
    wr_json_close(j, '}');
}

static wr_status take_source(void *ctx, const wr_source *s, wr_err *err)
{
    source_page *p = ctx;
    (void)err;
    bool is_balanced = s->records == s->inserted + s->duplicates + s->dead;
    p->records += s->records;
    p->inserted += s->inserted;
    p->duplicates += s->duplicates;
    p->dead += s->dead;
    p->gaps += s->gaps;
    p->is_balanced = p->is_balanced && is_balanced;
    if (p->seen++ < p->skip)
        return WR_OK;
    if (p->count == p->limit) {
        p->is_more = true;
        return WR_OK;
    }
    p->count++;
    put_source(p->j, s, is_balanced);
    return WR_OK;
}

static void put_totals(wr_json_out *j, const source_page *p)
{
    wr_json_key(j, "totals");
    wr_json_open(j, '{');
    wr_json_kv_u64(j, "sources", p->seen);
    wr_json_kv_u64(j, "records", p->records);
    wr_json_kv_u64(j, "inserted", p->inserted);
    wr_json_kv_u64(j, "duplicates", p->duplicates);
    wr_json_kv_u64(j, "dead", p->dead);
    wr_json_kv_u64(j, "gaps", p->gaps);
    wr_json_kv_bool(j, "is_balanced", p->is_balanced);
    wr_json_close(j, '}');
}

/* What the store held when the watch last counted, so that no request counts rows. */
static void put_store(wr_json_out *j, const wr_watched *w)
{
    wr_json_key(j, "store");
    if (!w->counted_s) {
        wr_json_null(j);
        return;
    }
    wr_json_open(j, '{');
    wr_json_kv_u64(j, "transfers", w->counts.transfers);
    wr_json_kv_u64(j, "wallets", w->counts.wallets);
    wr_json_kv_u64(j, "labels", w->counts.labels);
    wr_json_kv_u64(j, "dead_letters", w->counts.dead);
    wr_json_kv_i64(j, "max_seq", w->counts.max_seq);
    wr_json_kv_i64(j, "label_rev", w->counts.label_rev);
    wr_app_time(j, "first_time", w->counts.first_time_s, 0);
    wr_app_time(j, "last_time", w->counts.last_time_s, 0);
    wr_app_time(j, "counted_at", w->counted_s, 0);
    wr_json_close(j, '}');
}

wr_status wr_route_ingestion_status(wr_exchange *x, wr_err *err)
{
    source_page p = {.x = x, .limit = 100, .is_balanced = true};
    char payload[WR_PAGE_PAYLOAD_MAX + 1];
    const char *rest = payload;
    wr_query_u32(x, "limit", 1, 1000, &p.limit);
    if (wr_app_page(x, SOURCE_LIST, payload) &&
        (!wr_page_u64(&rest, 10, UINT32_MAX, &p.skip) || *rest))
        wr_request_note(x, "/query/page", "invalid", "not a page token of this list");
    WR_TRY(wr_request_check(x, err));
    wr_json_out j = wr_exchange_json(x);
    p.j = &j;
    wr_json_open(&j, '{');
    wr_json_key(&j, "sources");
    wr_json_open(&j, '[');
    wr_store *st = NULL;
    WR_TRY(wr_store_pool_take(x->app->pool, &st, err));
    wr_status s = wr_store_sources(st, take_source, &p, err);
    wr_store_pool_give(x->app->pool, st, s);
    WR_TRY(s);
    wr_json_close(&j, ']');
    put_totals(&j, &p);
    wr_watched w;
    wr_watch_get(x->app->watch, &w);
    put_store(&j, &w);
    (void)snprintf(payload, sizeof payload, "%" PRIu64, p.skip + p.count);
    wr_app_next_page(&j, SOURCE_LIST, p.is_more ? payload : NULL);
    wr_json_close(&j, '}');
    return WR_OK;
}
