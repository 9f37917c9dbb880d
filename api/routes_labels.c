#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/page_token.h"
#include "api/request.h"
#include "api/routes.h"

enum { LABEL_LIST = 'l' };

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
    wr_json_kv_time_or(j, "valid_from", l->valid_from_s, WR_TIME_NONE);
    wr_json_kv_time_or(j, "valid_to", l->valid_to_s, WR_TIME_NONE);
    wr_json_kv_time_or(j, "added_at", row->added_s, 0);
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
