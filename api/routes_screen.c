/*
 * POST /screen: addresses, or transfers before they are made.  Writes nothing.
 *
 * The body is {"addresses": [...]} or what POST /transactions takes.  A proposed transfer
 * has no time yet: one without is judged as of now.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "api/request.h"
#include "api/routes.h"
#include "pipeline/live/screen.h"
#include "util/clock.h"

enum { ITEMS_MAX = 10000, VALUES_MAX = 4000000 };

typedef struct screening {
    wr_exchange *x;
    wr_view view;
    bool is_stale;
    wr_json_out j;
    uint32_t errors;
} screening;

static void put_error(screening *s, const char *pointer, const char *code,
                      const char *detail)
{
    s->errors++;
    wr_json_open(&s->j, '{');
    wr_json_key(&s->j, "error");
    wr_json_open(&s->j, '{');
    wr_json_kv_cstr(&s->j, "pointer", pointer);
    wr_json_kv_cstr(&s->j, "code", code);
    wr_json_kv_cstr(&s->j, "detail", detail);
    wr_json_close(&s->j, '}');
    wr_json_close(&s->j, '}');
}

/* --- addresses -------------------------------------------------------------------------
 */

static wr_text text_of(const json_t *v)
{
    return (wr_text){.p = json_string_value(v), .len = (uint32_t)json_string_length(v)};
}

/* "chain:address" or {"chain", "address"}; notes in problem what is wrong. */
static bool read_one(screening *s, const json_t *item, wr_wallet_key *k)
{
    wr_exchange *x = s->x;
    if (json_is_object(item)) {
        const json_t *chain = json_object_get(item, "chain");
        const json_t *address = json_object_get(item, "address");
        if (json_is_string(chain) && json_is_string(address) &&
            json_object_size(item) == 2)
            return wr_app_read_wallet(x, k, text_of(chain), text_of(address), "/chain",
                                      "/address");
        wr_request_note(x, "", "missing",
                        "chain and address are needed, as texts, alone");
        return false;
    }
    if (!json_is_string(item)) {
        wr_request_note(x, "", "syntax", "neither chain:address nor {chain, address}");
        return false;
    }
    return wr_app_read_caip10(x, k, text_of(item), "");
}

static void screen_addresses(screening *s, const json_t *list)
{
    size_t n = json_array_size(list);
    for (size_t i = 0; i < n; i++) {
        wr_wallet_key k;
        if (read_one(s, json_array_get(list, i), &k)) {
            wr_screen_address(&s->j, &s->view, k.chain, k.address, s->is_stale);
            continue;
        }
        const wr_problem_item *e = &s->x->problem.item[0];
        char pointer[WR_POINTER_TEXT_MAX + 1];
        (void)snprintf(pointer, sizeof pointer, "/addresses/%zu%.32s", i, e->pointer);
        put_error(s, pointer, e->code, e->detail);
        wr_problem_clear(&s->x->problem);
    }
}

/* --- transfers -------------------------------------------------------------------------
 */

/* The item with "time": now put in front. */
static wr_status add_time(wr_exchange *x, wr_text *raw, wr_err *err)
{
    char time[48];
    int n = snprintf(time, sizeof time, "{\"time\":%" PRId64 ",", wr_clock_wall_s());
    const char *brace = memchr(raw->p, '{', raw->len);
    if (!brace)
        return WR_EPARSE;
    uint32_t rest = raw->len - (uint32_t)(brace + 1 - raw->p);
    char *p = wr_arena_alloc(&x->arena, (size_t)n + rest);
    if (!p)
        return wr_fail(err, WR_ENOMEM, "a transfer of %u bytes", raw->len);
    memcpy(p, time, (size_t)n);
    memcpy(p + n, brace + 1, rest);
    *raw = (wr_text){.p = p, .len = (uint32_t)n + rest};
    return WR_OK;
}

static bool lacks_time(const wr_field_errors *e)
{
    return e->count == 1 && strcmp(e->item[0].code, "missing") == 0 &&
           strcmp(e->item[0].pointer, "/time") == 0;
}

static wr_status screen_transfer(screening *s, uint32_t index, wr_text raw, bool is_many,
                                 wr_err *err)
{
    wr_exchange *x = s->x;
    wr_transfer_list list = {0};
    wr_field_errors errors = {0};
    wr_err why = {0};
    wr_status r = wr_transfer_json_decode(&list, x->app->decoder, raw.p, raw.len,
                                          &x->arena, &errors, &why);
    if (r == WR_EPARSE && lacks_time(&errors)) {
        WR_TRY(add_time(x, &raw, err));
        errors = (wr_field_errors){0};
        why = (wr_err){0};
        r = wr_transfer_json_decode(&list, x->app->decoder, raw.p, raw.len, &x->arena,
                                    &errors, &why);
    }
    if (r == WR_OK && list.count == 1) {
        wr_screen_transfer(&s->j, &s->view, &list.item[0], s->is_stale);
        return WR_OK;
    }
    if (r != WR_OK && r != WR_EPARSE && r != WR_ELIMIT)
        return wr_fail(err, r, "%s", why.msg);
    const wr_field_error *e = &errors.item[0];
    char pointer[WR_POINTER_TEXT_MAX + 1];
    (void)snprintf(pointer, sizeof pointer, is_many ? "/%u%.64s" : "%.0u%.64s", index,
                   e->pointer);
    if (r == WR_OK)
        put_error(s, pointer, "invalid",
                  "a UTXO transaction has no one sender: screen its "
                  "addresses");
    else
        put_error(s, pointer, e->code, e->detail);
    return WR_OK;
}

/* --- body ------------------------------------------------------------------------------
 */

/* Is "addresses" the first key?  A look at the bytes, before any parser. */
static bool is_address_list(wr_text body)
{
    static const char key[] = "\"addresses\"";
    uint32_t i = 0;
    while (i < body.len && strchr(" \t\r\n", body.p[i]))
        i++;
    if (i == body.len || body.p[i] != '{')
        return false;
    for (i++; i < body.len && strchr(" \t\r\n", body.p[i]);)
        i++;
    return body.len - i >= sizeof key - 1 && memcmp(body.p + i, key, sizeof key - 1) == 0;
}

static wr_status take_addresses(screening *s, wr_err *err)
{
    wr_exchange *x = s->x;
    json_error_t why;
    json_t *root = json_loadb(x->body.p, x->body.len, JSON_REJECT_DUPLICATES, &why);
    if (!root)
        return wr_refuse(x, err, WR_PROBLEM_MALFORMED_JSON, "line %d column %d: %s",
                         why.line, why.column, why.text);
    const json_t *list = json_object_get(root, "addresses");
    wr_status r = WR_OK;
    if (!json_is_array(list) || json_object_size(root) != 1) {
        wr_request_note(x, "/body/addresses", "syntax", "a list, and nothing beside it");
        r = wr_request_check(x, err);
    } else if (json_array_size(list) > ITEMS_MAX) {
        r = wr_refuse(x, err, WR_PROBLEM_TOO_LARGE, "%zu addresses, at most %d",
                      json_array_size(list), (int)ITEMS_MAX);
    } else {
        screen_addresses(s, list);
    }
    json_decref(root);
    return r;
}

static wr_status take_transfers(screening *s, wr_err *err)
{
    wr_exchange *x = s->x;
    wr_err why = {0};
    uint32_t n = 0;
    bool is_many = false;
    wr_text *raw = wr_arena_alloc(&x->arena, ITEMS_MAX * sizeof *raw);
    if (!raw)
        return wr_fail(err, WR_ENOMEM, "%d transfers", (int)ITEMS_MAX);
    wr_status r = wr_transfer_json_split(raw, ITEMS_MAX, &n, &is_many, x->body.p,
                                         x->body.len, &why);
    if (r == WR_ELIMIT)
        return wr_refuse(x, err, WR_PROBLEM_TOO_LARGE, "%s", why.msg);
    if (r == WR_EPARSE)
        return wr_refuse(x, err, WR_PROBLEM_MALFORMED_JSON, "%s", why.msg);
    if (r != WR_OK)
        return wr_fail(err, r, "%s", why.msg);
    for (uint32_t i = 0; i < n; i++)
        WR_TRY(screen_transfer(s, i, raw[i], is_many, err));
    return WR_OK;
}

static wr_status screen_body(screening *s, wr_err *err)
{
    wr_exchange *x = s->x;
    s->j = wr_exchange_json(x);
    wr_json_open(&s->j, '{');
    wr_json_key(&s->j, "results");
    wr_json_open(&s->j, '[');
    WR_TRY(is_address_list(x->body) ? take_addresses(s, err) : take_transfers(s, err));
    wr_json_close(&s->j, ']');
    wr_json_kv_u64(&s->j, "errors", s->errors);
    wr_json_close(&s->j, '}');
    x->status = s->errors ? 207 : 200;
    return WR_OK;
}

wr_status wr_route_screen(wr_exchange *x, wr_err *err)
{
    wr_err why = {0};
    if (wr_json_check_bounds(x->body.p, x->body.len, WR_JSON_DEPTH_MAX, VALUES_MAX,
                             &why) != WR_OK)
        return wr_refuse(x, err, WR_PROBLEM_TOO_LARGE, "%s", why.msg);
    WR_AUTO_VIEW view = wr_live_view(x->app->live);
    wr_job_status job;
    wr_scores_state state = wr_app_scores_state(x->app, &view, &job);
    if (state == WR_SCORES_LOADING || state == WR_SCORES_FAILED) {
        /* there is a run, only not here: "not in graph" would be a lie */
        wr_view_release(&view);
        WR_TRY(wr_app_scored_view(x, &view, err));
    }
    screening s = {.x = x, .view = view, .is_stale = wr_app_is_stale(x->app, &view)};
    return screen_body(&s, err);
}
