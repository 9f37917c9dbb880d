#include "codec/explanation_text.h"

#include <jansson.h>
#include <string.h>

/* --- members; an absent one reads as empty --------------------------------------------
 */

static const char *text_of(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_string(v) ? json_string_value(v) : "";
}

static double number_of(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_number(v) ? json_number_value(v) : 0.0;
}

static long long count_of(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_integer(v) ? json_integer_value(v) : 0;
}

static bool is_true(const json_t *o, const char *key)
{
    return json_is_true(json_object_get(o, key));
}

/* --- the wallet ------------------------------------------------------------------------
 */

static void put_head(wr_buf *b, const json_t *w)
{
    const char *category = text_of(w, "category");
    wr_buf_addf(b, "%s\n", text_of(w, "id"));
    wr_buf_addf(b, "  %.2f  %s%s%s   (%s, run %s)\n", number_of(w, "score"),
                text_of(w, "level"), *category ? ", " : "", category, text_of(w, "state"),
                text_of(w, "run_id"));
    if (is_true(w, "is_labelled"))
        wr_buf_addf(b, "  labelled itself: %s\n",
                    text_of(json_object_get(w, "own_label"), "category_id"));
    wr_buf_addf(b, "  received %.10g in %lld transfers from %lld wallets\n",
                number_of(w, "received"), count_of(w, "tx_in"),
                count_of(w, "counterparties_in"));
    wr_buf_addf(b, "  sent     %.10g in %lld transfers to %lld wallets\n",
                number_of(w, "sent"), count_of(w, "tx_out"),
                count_of(w, "counterparties_out"));
    wr_buf_addf(b, "  seen     %s to %s\n", text_of(w, "first_seen"),
                text_of(w, "last_seen"));
}

static void put_reasons(wr_buf *b, const json_t *w)
{
    size_t i;
    const json_t *r;
    wr_buf_adds(b, "\nWhy\n");
    json_array_foreach(json_object_get(w, "reasons"), i, r)
    {
        wr_buf_addf(b, "  %6.2f  %s\n", number_of(r, "part"), text_of(r, "message"));
    }
    if (json_array_size(json_object_get(w, "reasons")) > 0)
        return;
    if (strcmp(text_of(w, "state"), "scored") == 0)
        wr_buf_adds(b, "  no reason: nothing is known against this wallet in this run\n");
    else /* unknown is not clean */
        wr_buf_addf(b, "  unknown: the state is %s\n", text_of(w, "state"));
}

static void put_exposures(wr_buf *b, const json_t *w)
{
    const json_t *list = json_object_get(w, "exposures");
    size_t i;
    const json_t *e;
    if (json_array_size(list) == 0)
        return;
    wr_buf_addf(b, "\n%-10s %-20s %12s %12s %8s %8s %8s %5s\n", "Exposure", "category",
                "direct", "indirect", "ledger", "holdings", "static", "hops");
    json_array_foreach(list, i, e)
    {
        const double share =
            number_of(e, "direct_share") + number_of(e, "indirect_share");
        wr_buf_addf(b, "%-10s %-20.20s %12.6g %12.6g %7.2f%% %7.2f%% %7.2f%% %5lld\n",
                    text_of(e, "direction"), text_of(e, "category_id"),
                    number_of(e, "direct_value"), number_of(e, "indirect_value"),
                    100.0 * share, 100.0 * number_of(e, "holdings_share"),
                    100.0 * number_of(e, "static_share"), count_of(e, "min_hops"));
    }
}

static void put_origins(wr_buf *b, const json_t *w)
{
    const json_t *origins = json_object_get(w, "origins");
    const json_t *list = json_object_get(origins, "sources");
    size_t i;
    const json_t *o;
    if (json_array_size(list) == 0)
        return;
    wr_buf_adds(b, "\nOrigins of what was received\n");
    json_array_foreach(list, i, o)
    {
        wr_buf_addf(b, "  %12.6g  %-12s %s\n", number_of(o, "value"),
                    text_of(o, "category_id"), text_of(o, "id"));
    }
    if (number_of(origins, "other_value") > 0.0)
        wr_buf_addf(b, "  %12.6g  other sources\n", number_of(origins, "other_value"));
}

static void put_typologies(wr_buf *b, const json_t *t)
{
    const json_t *list = json_object_get(t, "hits");
    const size_t shown = json_array_size(list);
    size_t i;
    const json_t *h;
    if (shown == 0)
        return;
    wr_buf_addf(b, "\nPatterns that it is part of, from %s\n", text_of(t, "from"));
    json_array_foreach(list, i, h)
    {
        const json_t *root = json_array_get(json_object_get(h, "members"), 0);
        wr_buf_addf(b,
                    "  %-18s %-6s  strength %.2f, %.6g in %lld transfers, %lld wallets",
                    text_of(h, "typology"), text_of(h, "role"), number_of(h, "strength"),
                    number_of(h, "amount"), count_of(h, "transfer_count"),
                    count_of(h, "member_count"));
        wr_buf_addf(b, "%s\n      %s to %s, root %s\n",
                    is_true(h, "is_partial") || is_true(h, "is_hub_truncated")
                        ? " (the search was cut)"
                        : "",
                    text_of(h, "first"), text_of(h, "last"),
                    json_is_string(root) ? json_string_value(root) : "");
    }
    if (count_of(t, "hit_count") > (long long)shown)
        wr_buf_addf(b, "  and %lld more\n", count_of(t, "hit_count") - (long long)shown);
}

static void put_world_score(wr_buf *b, const json_t *world, const char *otherwise)
{
    if (json_is_number(json_object_get(world, "score")))
        wr_buf_addf(b, "  %6.2f  ", number_of(world, "score"));
    else
        wr_buf_addf(b, "  %6s  ", otherwise);
}

static void put_counterfactuals(wr_buf *b, const json_t *c)
{
    const json_t *list = json_object_get(c, "without_label");
    const json_t *as_of = json_object_get(c, "as_of");
    size_t i;
    const json_t *w;
    if (json_array_size(list) == 0 && !json_is_object(as_of))
        return;
    wr_buf_addf(b, "\nWhat if (the run said %.2f)\n", number_of(c, "score"));
    json_array_foreach(list, i, w)
    {
        put_world_score(b, w, "?");
        wr_buf_addf(b, "without %s label %s: %s\n",
                    is_true(w, "is_own") ? "its own" : "the", text_of(w, "category_id"),
                    text_of(w, "id"));
    }
    if (!json_is_object(as_of))
        return;
    put_world_score(b, as_of,
                    strcmp(text_of(as_of, "state"), "not_in_graph") ? "?" : "-");
    wr_buf_addf(b, "as of %s, received %.6g, sent %.6g (%s)\n", text_of(as_of, "time"),
                number_of(as_of, "received"), number_of(as_of, "sent"),
                text_of(as_of, "state"));
}

/* --- paths
 * ------------------------------------------------------------------------------ */

static void put_steps(wr_buf *b, const json_t *path)
{
    size_t i;
    const json_t *s;
    json_array_foreach(json_object_get(path, "steps"), i, s)
    {
        wr_buf_addf(b, "     %s  %12.6g  %s -> %s\n", text_of(s, "time"),
                    number_of(s, "value"), text_of(s, "from"), text_of(s, "to"));
        if (*text_of(s, "tx_hash"))
            wr_buf_addf(b, "     %20s  tx %s, position %lld\n", "", text_of(s, "tx_hash"),
                        count_of(s, "position"));
    }
}

static void put_contacts(wr_buf *b, const json_t *list)
{
    size_t i;
    const json_t *c;
    json_array_foreach(list, i, c)
    {
        wr_buf_addf(b,
                    "  contact: %s, %lld hops, in time order but without traced money\n",
                    text_of(c, "category_id"), count_of(c, "hops"));
        put_steps(b, c);
    }
}

static void put_paths(wr_buf *b, const char *title, const json_t *p)
{
    const json_t *list = json_object_get(p, "paths");
    const json_t *contacts = json_object_get(p, "contacts");
    size_t i;
    const json_t *path;
    if (json_array_size(list) == 0 && json_array_size(contacts) == 0)
        return;
    wr_buf_addf(b, "\n%s\n  %.6g exposed = %.6g on the paths below + %.6g residual%s\n",
                title, number_of(p, "exposed_value"), number_of(p, "explained_value"),
                number_of(p, "residual_value"),
                is_true(p, "is_truncated") ? " (the search was cut)" : "");
    json_array_foreach(list, i, path)
    {
        wr_buf_addf(b, "  %zu. %s, %lld hops: %.6g (%.2f %%)\n", i + 1,
                    text_of(path, "category_id"), count_of(path, "hops"),
                    number_of(path, "value"), 100.0 * number_of(path, "share"));
        put_steps(b, path);
    }
    put_contacts(b, contacts);
}

wr_status wr_explanation_text(wr_buf *out, wr_text json, wr_err *err)
{
    json_error_t at;
    json_t *doc = json_loadb(json.p ? json.p : "", json.len, 0, &at);
    const json_t *w = json_object_get(doc, "wallet");
    if (!json_is_object(w)) {
        json_decref(doc);
        return wr_fail(err, WR_EPARSE, "an explanation without a wallet");
    }
    put_head(out, w);
    put_reasons(out, w);
    put_exposures(out, w);
    put_origins(out, w);
    put_typologies(out, json_object_get(doc, "typologies"));
    put_paths(out, "Where it came from", json_object_get(doc, "received_paths"));
    put_paths(out, "Where it went", json_object_get(doc, "sent_paths"));
    put_counterfactuals(out, json_object_get(doc, "counterfactuals"));
    json_decref(doc);
    return wr_buf_status(out, "explanation", err);
}
