#include "codec/manifest.h"

#include <jansson.h>
#include <math.h>

#include "util/clock.h"
#include "util/json_out.h"

enum { NUMBER_MAX = 64 };

static const char BY_TYPOLOGY[] = "by_typology";

/* Where a value stands, for messages: key, and the name within it. */
typedef struct place {
    wr_arena *arena;
    const char *key, *name;
} place;

static wr_status wrong(const place *at, const char *want, wr_err *err)
{
    const wr_quote q = wr_text_quote(wr_text_of(at->name), 40);
    return wr_fail(err, WR_EPARSE, "'%s%s%s' is no %s", at->key, at->name ? "." : "",
                   at->name ? q.s : "", want);
}

static wr_status no_memory(const place *at, wr_err *err)
{
    return wr_fail(err, WR_ENOMEM, "manifest: '%s'", at->key);
}

static wr_status keep(wr_text *out, const place *at, wr_text t, wr_err *err)
{
    *out = wr_arena_text(at->arena, t);
    return out->p ? WR_OK : no_memory(at, err);
}

static wr_status keep_number(wr_text *out, const place *at, const json_t *v, wr_err *err)
{
    wr_buf b;
    wr_buf_init(&b, NUMBER_MAX);
    wr_json_out j = wr_json_out_on(&b);
    if (json_is_integer(v))
        wr_json_i64(&j, json_integer_value(v));
    else
        wr_json_f64(&j, json_real_value(v));
    wr_status s = wr_buf_status(&b, "manifest", err);
    if (s == WR_OK)
        s = keep(out, at, (wr_text){.p = b.p, .len = (uint32_t)b.len}, err);
    wr_buf_release(&b);
    return s;
}

/* Absent and null: nothing. */
static wr_status scalar(wr_text *out, const place *at, const json_t *v, wr_err *err)
{
    *out = (wr_text){0};
    if (!v || json_is_null(v))
        return WR_OK;
    if (json_is_string(v))
        return keep(
            out, at,
            (wr_text){.p = json_string_value(v), .len = (uint32_t)json_string_length(v)},
            err);
    if (json_is_number(v))
        return keep_number(out, at, v, err);
    if (json_is_boolean(v))
        return keep(out, at, wr_text_of(json_is_true(v) ? "true" : "false"), err);
    return wrong(at, "text or number", err);
}

/* Unix seconds become RFC 3339; a text stays as it is. */
static wr_status moment(wr_text *out, const place *at, const json_t *v, wr_err *err)
{
    char text[WR_RFC3339_MAX];
    if (!json_is_integer(v))
        return scalar(out, at, v, err);
    wr_time_format(text, json_integer_value(v));
    return keep(out, at, wr_text_of(text), err);
}

static wr_status number(double *out, const place *at, const json_t *v, wr_err *err)
{
    *out = (double)NAN;
    if (!v || json_is_null(v))
        return WR_OK;
    if (!json_is_number(v))
        return wrong(at, "number", err);
    *out = json_number_value(v);
    return WR_OK;
}

/* The container at key, NULL when it is absent or null. */
static wr_status container(json_t **out, const json_t *root, const place *at,
                           bool is_list, wr_err *err)
{
    json_t *v = json_object_get(root, at->key);
    *out = NULL;
    if (!v || json_is_null(v))
        return WR_OK;
    if (is_list ? !json_is_array(v) : !json_is_object(v))
        return wrong(at, is_list ? "list" : "object", err);
    *out = v;
    return WR_OK;
}

static wr_status read_items(wr_manifest_items *out, const json_t *root, place at,
                            wr_err *err)
{
    json_t *o;
    WR_TRY(container(&o, root, &at, false, err));
    wr_manifest_item *item =
        wr_arena_alloc(at.arena, (json_object_size(o) + 1) * sizeof *item);
    if (!item)
        return no_memory(&at, err);
    json_t *v;
    out->at = item;
    json_object_foreach(o, at.name, v)
    {
        wr_manifest_item *i = &item[out->count];
        WR_TRY(scalar(&i->value, &at, v, err));
        if (!i->value.p)
            continue;
        WR_TRY(keep(&i->name, &at, wr_text_of(at.name), err));
        out->count++;
    }
    return WR_OK;
}

static wr_status read_texts(wr_manifest_texts *out, const json_t *root, place at,
                            wr_err *err)
{
    json_t *list;
    WR_TRY(container(&list, root, &at, true, err));
    wr_text *text = wr_arena_alloc(at.arena, (json_array_size(list) + 1) * sizeof *text);
    if (!text)
        return no_memory(&at, err);
    size_t i;
    json_t *v;
    out->at = text;
    json_array_foreach(list, i, v)
    {
        if (!json_is_string(v))
            return wrong(&at, "list of texts", err);
        WR_TRY(scalar(&text[out->count++], &at, v, err));
    }
    return WR_OK;
}

/* One scalar member of an object of a list. */
static wr_status member(wr_text *out, const json_t *o, place at, const char *name,
                        wr_err *err)
{
    at.name = name;
    return scalar(out, &at, json_object_get(o, name), err);
}

static wr_status read_blocks(wr_manifest *m, const json_t *root, place at, wr_err *err)
{
    json_t *list;
    WR_TRY(container(&list, root, &at, true, err));
    wr_manifest_block *block =
        wr_arena_alloc(at.arena, (json_array_size(list) + 1) * sizeof *block);
    if (!block)
        return no_memory(&at, err);
    size_t i;
    json_t *v;
    m->block = block;
    json_array_foreach(list, i, v)
    {
        wr_manifest_block *b = &block[m->blocks++];
        if (!json_is_object(v))
            return wrong(&at, "list of objects", err);
        WR_TRY(member(&b->name, v, at, "name", err));
        at.name = "from";
        WR_TRY(moment(&b->from, &at, json_object_get(v, "from"), err));
        at.name = "to";
        WR_TRY(moment(&b->to, &at, json_object_get(v, "to"), err));
        at.name = NULL;
        WR_TRY(member(&b->rows, v, at, "rows", err));
        WR_TRY(member(&b->bad, v, at, "bad", err));
        WR_TRY(member(&b->incidents, v, at, "incidents", err));
    }
    return WR_OK;
}

static wr_status read_typologies(wr_manifest *m, const json_t *metrics, place at,
                                 wr_err *err)
{
    json_t *list;
    at.key = BY_TYPOLOGY;
    WR_TRY(container(&list, metrics, &at, true, err));
    wr_manifest_typology *typology =
        wr_arena_alloc(at.arena, (json_array_size(list) + 1) * sizeof *typology);
    if (!typology)
        return no_memory(&at, err);
    size_t i;
    json_t *v;
    m->typology = typology;
    json_array_foreach(list, i, v)
    {
        wr_manifest_typology *t = &typology[m->typologies++];
        if (!json_is_object(v))
            return wrong(&at, "list of objects", err);
        WR_TRY(member(&t->name, v, at, "name", err));
        WR_TRY(member(&t->incidents, v, at, "incidents", err));
        WR_TRY(member(&t->wallets, v, at, "wallets", err));
        at.name = "recall";
        WR_TRY(number(&t->recall, &at, json_object_get(v, "recall"), err));
        at.name = NULL;
    }
    return WR_OK;
}

/* --- figures ---------------------------------------------------------------------- */

static bool is_set(const char *name, const json_t *v)
{
    return json_is_object(v) && strcmp(name, BY_TYPOLOGY) != 0;
}

/* Entries of a list that are figures: a curve of plain points has none. */
static size_t entries_of(const json_t *list)
{
    size_t i, n = 0;
    const json_t *entry;
    json_array_foreach(list, i, entry) n +=
        json_is_number(json_object_get(entry, "value"));
    return n;
}

/* Room for every figure there may be. */
static size_t figures_at_most(json_t *metrics)
{
    size_t n = 0;
    const char *set, *name;
    json_t *o, *v;
    json_object_foreach(metrics, set, o)
    {
        if (!is_set(set, o))
            continue;
        json_object_foreach(o, name, v) n += json_is_array(v) ? entries_of(v) : 1;
    }
    return n;
}

/* Appended unless it has no value. */
static wr_status add_figure(wr_manifest *m, wr_manifest_figure *to, const place *at,
                            const wr_manifest_figure *f, wr_err *err)
{
    if (isnan(f->value))
        return WR_OK;
    wr_manifest_figure *own = &to[m->figures];
    *own = *f;
    WR_TRY(keep(&own->name, at, wr_text_of(at->name), err));
    m->figures++;
    return WR_OK;
}

static wr_status read_figure(wr_manifest *m, wr_manifest_figure *to, const place *at,
                             wr_text set, const json_t *v, wr_err *err)
{
    const double none = (double)NAN;
    wr_manifest_figure f = {set, {0}, none, none, none, none};
    size_t i;
    json_t *entry;
    if (json_is_object(v)) {
        WR_TRY(number(&f.value, at, json_object_get(v, "value"), err));
        WR_TRY(number(&f.low, at, json_object_get(v, "low"), err));
        WR_TRY(number(&f.high, at, json_object_get(v, "high"), err));
        return add_figure(m, to, at, &f, err);
    }
    if (!json_is_array(v)) {
        WR_TRY(number(&f.value, at, v, err));
        return add_figure(m, to, at, &f, err);
    }
    json_array_foreach(v, i, entry)
    {
        WR_TRY(number(&f.budget, at, json_object_get(entry, "budget"), err));
        WR_TRY(number(&f.value, at, json_object_get(entry, "value"), err));
        WR_TRY(add_figure(m, to, at, &f, err));
    }
    return WR_OK;
}

static wr_status read_metrics(wr_manifest *m, const json_t *root, place at, wr_err *err)
{
    json_t *metrics, *o, *v;
    const char *set_name;
    WR_TRY(container(&metrics, root, &at, false, err));
    WR_TRY(read_typologies(m, metrics, at, err));
    const size_t room = figures_at_most(metrics);
    if (room > WR_MANIFEST_FIGURES_MAX)
        return wr_fail(err, WR_ELIMIT, "'metrics' has %zu figures, over the limit of %d",
                       room, WR_MANIFEST_FIGURES_MAX);
    wr_manifest_figure *figure = wr_arena_alloc(at.arena, (room + 1) * sizeof *figure);
    if (!figure)
        return no_memory(&at, err);
    m->figure = figure;
    json_object_foreach(metrics, set_name, o)
    {
        wr_text set;
        if (!is_set(set_name, o))
            continue;
        at.key = "metrics";
        WR_TRY(keep(&set, &at, wr_text_of(set_name), err));
        at.key = set.p;
        json_object_foreach(o, at.name, v)
            WR_TRY(read_figure(m, figure, &at, set, v, err));
    }
    return WR_OK;
}

/* --- all of it -------------------------------------------------------------------- */

static wr_status read_root(wr_manifest *m, const json_t *root, wr_arena *arena,
                           wr_err *err)
{
    const struct {
        const char *key;
        wr_text *to;
    } SCALAR[] = {{"kind", &m->kind}, {"seed", &m->seed}, {"threshold", &m->threshold}};
    for (size_t i = 0; i < sizeof SCALAR / sizeof *SCALAR; i++) {
        const place at = {arena, SCALAR[i].key, NULL};
        WR_TRY(scalar(SCALAR[i].to, &at, json_object_get(root, at.key), err));
    }
    const place as_of = {arena, "as_of", NULL};
    WR_TRY(moment(&m->as_of, &as_of, json_object_get(root, as_of.key), err));
    WR_TRY(read_items(&m->data, root, (place){arena, "data", NULL}, err));
    WR_TRY(read_items(&m->parameters, root, (place){arena, "parameters", NULL}, err));
    WR_TRY(read_items(&m->fit, root, (place){arena, "fit", NULL}, err));
    WR_TRY(read_texts(&m->groups, root, (place){arena, "groups", NULL}, err));
    WR_TRY(read_texts(&m->forest_columns, root, (place){arena, "forest_columns", NULL},
                      err));
    WR_TRY(read_texts(&m->limits, root, (place){arena, "limits", NULL}, err));
    WR_TRY(read_blocks(m, root, (place){arena, "blocks", NULL}, err));
    return read_metrics(m, root, (place){arena, "metrics", NULL}, err);
}

wr_status wr_manifest_read(wr_manifest *out, const char *json, size_t len,
                           wr_arena *arena, wr_err *err)
{
    json_error_t why;
    wr_manifest m = {.blocks = 0};
    if (len > WR_MANIFEST_MAX_BYTES)
        return wr_fail(err, WR_ELIMIT, "manifest of %zu bytes is over the limit of %d",
                       len, WR_MANIFEST_MAX_BYTES);
    json_t *root = json_loadb(len ? json : "", len, JSON_REJECT_DUPLICATES, &why);
    if (!root && json_error_code(&why) == json_error_out_of_memory)
        return wr_fail(err, WR_ENOMEM, "manifest of %zu bytes", len);
    if (!json_is_object(root)) {
        json_decref(root);
        return wr_fail(err, WR_EPARSE, "no JSON object: %s",
                       root ? "another kind of value"
                            : wr_text_quote(wr_text_of(why.text), 60).s);
    }
    const wr_status s = read_root(&m, root, arena, err);
    json_decref(root);
    if (s == WR_OK)
        *out = m;
    return s;
}

wr_text wr_manifest_value(const wr_manifest_items *items, const char *name)
{
    for (uint32_t i = 0; i < items->count; i++)
        if (wr_text_eq(items->at[i].name, wr_text_of(name)))
            return items->at[i].value;
    return (wr_text){0};
}

const wr_manifest_block *wr_manifest_block_of(const wr_manifest *m, const char *name)
{
    for (uint32_t i = 0; i < m->blocks; i++)
        if (wr_text_eq(m->block[i].name, wr_text_of(name)))
            return &m->block[i];
    return NULL;
}

const wr_manifest_figure *wr_manifest_figure_of(const wr_manifest *m, const char *set,
                                                const char *name)
{
    for (uint32_t i = 0; i < m->figures; i++)
        if (wr_text_eq(m->figure[i].set, wr_text_of(set)) &&
            wr_text_eq(m->figure[i].name, wr_text_of(name)) && isnan(m->figure[i].budget))
            return &m->figure[i];
    return NULL;
}
