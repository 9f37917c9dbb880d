#include <assert.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "graph/export_int.h"
#include "util/clock.h"

static wr_status out_of_memory(wr_err *err)
{
    return wr_fail(err, WR_ENOMEM, "columns of an export");
}

/* --- safe text -------------------------------------------------------------------- */

static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */

/*
 * One character of p[0..n): its bytes, and in *put what stands for it (NULL = itself).
 * XML 1.0 has no way to write control characters, U+FFFE or U+FFFF, so no format gets
 * them.
 */
static size_t clean_step(const char *p, size_t n, const char **put)
{
    const unsigned char c = (unsigned char)*p;
    *put = NULL;
    if (c < 0x80) {
        if (c == '\t' || c == '\n' || c == '\r')
            *put = " ";
        else if (c < 0x20 || c == 0x7F)
            *put = replacement;
        return 1;
    }
    const int step = wr_utf8_step(p, n);
    if (step < 0) {
        *put = replacement;
        return (size_t)-step;
    }
    const bool is_c1 = step == 2 && c == 0xC2 && (unsigned char)p[1] < 0xA0;
    const bool is_noncharacter = step == 3 && c == 0xEF && (unsigned char)p[1] == 0xBF &&
                                 (unsigned char)p[2] >= 0xBE;
    if (is_c1 || is_noncharacter)
        *put = replacement;
    return (size_t)step;
}

/* Bytes that the clean form of t takes; written to `to` unless it is NULL. */
static size_t clean(char *to, wr_text t)
{
    size_t len = 0;
    for (size_t i = 0; i < t.len;) {
        const char *put;
        const size_t step = clean_step(t.p + i, t.len - i, &put);
        const size_t bytes = put ? strlen(put) : step;
        for (size_t k = 0; to && k < bytes; k++)
            to[len + k] = (put ? put : t.p + i)[k];
        len += bytes;
        i += step;
    }
    return len;
}

static wr_status add_text(wr_arena *a, wr_text *out, wr_text t, wr_err *err)
{
    *out = (wr_text){0};
    if (!t.p)
        return WR_OK;
    const size_t len = clean(NULL, t);
    if (len > UINT32_MAX)
        return wr_fail(err, WR_ELIMIT, "text of %zu bytes", len);
    char *p = wr_arena_alloc(a, len + 1); /* zeroed: ends with its NUL */
    if (!p)
        return out_of_memory(err);
    (void)clean(p, t);
    *out = (wr_text){.p = p, .len = (uint32_t)len};
    return WR_OK;
}

/* --- the caller's columns --------------------------------------------------------- */

static bool is_name(const char *name)
{
    static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    static const char more[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789.-";
    const size_t len = strlen(name);
    return len >= 1 && len <= WR_ATTR_NAME_MAX && strspn(name, first) >= 1 &&
           strspn(name, more) == len;
}

static bool is_integer(wr_text t)
{
    const uint32_t sign = t.len > 0 && t.p[0] == '-';
    for (uint32_t i = sign; i < t.len; i++)
        if (t.p[i] < '0' || t.p[i] > '9')
            return false;
    return t.len > sign;
}

static const wr_attr *find_column(const wr_columns_list *l, const char *name)
{
    for (size_t k = 0; k < l->count; k++)
        if (strcmp(l->col[k].name, name) == 0)
            return &l->col[k];
    return NULL;
}

static wr_status check_column(const wr_attr *c, uint64_t rows, wr_err *err)
{
    for (uint64_t i = 0; i < rows; i++) {
        if (c->type == WR_ATTR_DOUBLE && isinf(c->number[i]))
            return wr_fail(err, WR_EINVAL, "column '%s' row %" PRIu64 ": infinite",
                           c->name, i);
        if (c->type == WR_ATTR_INTEGER && c->text[i].p && !is_integer(c->text[i]))
            return wr_fail(err, WR_EINVAL,
                           "column '%s' row %" PRIu64 ": '%s' is no integer", c->name, i,
                           wr_text_quote(c->text[i], 40).s);
    }
    return WR_OK;
}

static wr_status copy_texts(wr_doc *d, wr_attr *c, const wr_text *from, uint64_t rows,
                            wr_err *err)
{
    wr_text *text = wr_arena_alloc(&d->arena, rows * sizeof *text);
    if (!text)
        return out_of_memory(err);
    for (uint64_t i = 0; i < rows; i++)
        WR_TRY(add_text(&d->arena, &text[i], from[i], err));
    c->text = text;
    return WR_OK;
}

static wr_status add_given(wr_doc *d, wr_columns_list *l, const wr_attr *c, wr_err *err)
{
    assert(c->name);
    if (!is_name(c->name))
        return wr_fail(err, WR_EINVAL, "column '%s': not a name",
                       wr_text_quote(wr_text_of(c->name), 60).s);
    const bool is_label =
        l == &d->node && strcmp(c->name, "label") == 0 && !l->col[WR_DOC_LABEL].text;
    if (!is_label && (find_column(l, c->name) || strcmp(c->name, "source") == 0 ||
                      strcmp(c->name, "target") == 0))
        return wr_fail(err, WR_EINVAL, "column '%s' twice", c->name);
    if (is_label && c->type != WR_ATTR_TEXT)
        return wr_fail(err, WR_EINVAL, "column 'label' is no text");
    WR_TRY(check_column(c, l->rows, err));
    wr_attr *to = is_label ? &l->col[WR_DOC_LABEL] : &l->col[l->count++];
    *to = *c;
    if (c->type == WR_ATTR_TEXT || c->type == WR_ATTR_INTEGER)
        return copy_texts(d, to, c->text, l->rows, err);
    return WR_OK;
}

/* --- own columns ------------------------------------------------------------------ */

/* An array of `rows` elements for a new column, zeroed. */
static void *new_column(wr_doc *d, wr_columns_list *l, const char *name,
                        wr_attr_type type, size_t size)
{
    void *p = wr_arena_alloc(&d->arena, l->rows * size);
    if (!p)
        return NULL;
    wr_attr *c = &l->col[l->count++];
    *c = (wr_attr){.name = name, .type = type};
    if (type == WR_ATTR_DOUBLE)
        c->number = p;
    else if (type == WR_ATTR_BOOL)
        c->flag = p;
    else
        c->text = p;
    return p;
}

static wr_status id_of(wr_doc *d, wr_text *out, const wr_ids *ids, wr_vid v, wr_err *err)
{
    char s[WR_CHAIN_ID_MAX + WR_ADDRESS_MAX + 2];
    int len;
    if (ids)
        len = snprintf(s, sizeof s, "%s:%.*s", wr_ids_chain(ids, v)->id,
                       WR_TEXT_ARG(wr_ids_address(ids, v)));
    else
        len = snprintf(s, sizeof s, "v%" PRIu32, v);
    if (len < 0 || (size_t)len >= sizeof s)
        return wr_fail(err, WR_ELIMIT, "address of vertex %" PRIu32 ": over %d bytes", v,
                       WR_ADDRESS_MAX);
    return add_text(&d->arena, out, (wr_text){.p = s, .len = (uint32_t)len}, err);
}

static wr_status add_node_columns(wr_doc *d, const wr_export_doc *x, wr_err *err)
{
    wr_columns_list *l = &d->node;
    wr_text *id = new_column(d, l, "id", WR_ATTR_TEXT, sizeof *id);
    l->col[l->count++] =
        (wr_attr){.name = "label", .type = WR_ATTR_TEXT}; /* see add_given */
    wr_text *network = new_column(d, l, "network", WR_ATTR_TEXT, sizeof *network);
    double *hop = new_column(d, l, "hop", WR_ATTR_DOUBLE, sizeof *hop);
    bool *is_hub = new_column(d, l, "is_hub", WR_ATTR_BOOL, sizeof *is_hub);
    if (!id || !network || !hop || !is_hub)
        return out_of_memory(err);
    const wr_ids *ids = wr_snapshot_ids(x->g);
    for (uint32_t i = 0; i < x->sub->n; i++) {
        const wr_vid v = x->sub->node[i].v;
        WR_TRY(id_of(d, &id[i], ids, v, err));
        network[i] = ids ? wr_text_of(wr_ids_chain(ids, v)->id) : WR_TEXT_LIT("");
        hop[i] = x->sub->node[i].hop;
        is_hub[i] = wr_snapshot_is_hub(x->g, v);
    }
    return WR_OK;
}

static wr_status time_of(wr_doc *d, wr_text *out, uint32_t time_s, wr_err *err)
{
    char s[WR_RFC3339_MAX];
    wr_time_format(s, time_s);
    return add_text(&d->arena, out, wr_text_of(s), err);
}

static wr_status add_pair_columns(wr_doc *d, const wr_subgraph *sub, wr_err *err)
{
    double *count = new_column(d, &d->edge, "tx_count", WR_ATTR_DOUBLE, sizeof *count);
    wr_text *first = new_column(d, &d->edge, "first_seen", WR_ATTR_TEXT, sizeof *first);
    wr_text *last = new_column(d, &d->edge, "last_seen", WR_ATTR_TEXT, sizeof *last);
    if (!count || !first || !last)
        return out_of_memory(err);
    for (uint64_t i = 0; i < sub->m; i++) {
        count[i] = sub->edge[i].count;
        WR_TRY(time_of(d, &first[i], sub->edge[i].first_s, err));
        WR_TRY(time_of(d, &last[i], sub->edge[i].last_s, err));
    }
    return WR_OK;
}

static wr_status add_transfer_columns(wr_doc *d, const wr_subgraph *sub, wr_err *err)
{
    wr_text *time = new_column(d, &d->edge, "timestamp", WR_ATTR_TEXT, sizeof *time);
    if (!time)
        return out_of_memory(err);
    for (uint64_t i = 0; i < sub->m; i++)
        WR_TRY(time_of(d, &time[i], sub->edge[i].first_s, err));
    return WR_OK;
}

static wr_status add_edge_columns(wr_doc *d, const wr_export_doc *x, wr_err *err)
{
    double *value = new_column(d, &d->edge, "value", WR_ATTR_DOUBLE, sizeof *value);
    if (!value)
        return out_of_memory(err);
    for (uint64_t i = 0; i < x->sub->m;
         i++) /* values are finite, their sum need not be */
        value[i] = x->sub->edge[i].value < DBL_MAX ? x->sub->edge[i].value : DBL_MAX;
    return x->sub->is_transfer_level ? add_transfer_columns(d, x->sub, err)
                                     : add_pair_columns(d, x->sub, err);
}

static wr_status add_graph_columns(wr_doc *d, const wr_export_doc *x, wr_err *err)
{
    bool *is_truncated =
        new_column(d, &d->graph, "is_truncated", WR_ATTR_BOOL, sizeof *is_truncated);
    if (!is_truncated)
        return out_of_memory(err);
    is_truncated[0] = x->sub->is_truncated;
    return WR_OK;
}

/* --- the whole -------------------------------------------------------------------- */

static wr_status init_list(wr_doc *d, wr_columns_list *l, size_t given, uint64_t rows,
                           wr_err *err)
{
    enum { OWN_MAX = 5 };
    *l = (wr_columns_list){.rows = rows};
    l->col = wr_arena_alloc(&d->arena, (given + OWN_MAX) * sizeof *l->col);
    return l->col ? WR_OK : out_of_memory(err);
}

static wr_status fill(wr_doc *d, const wr_export_doc *x, wr_err *err)
{
    WR_TRY(init_list(d, &d->graph, x->graph_attrs, 1, err));
    WR_TRY(init_list(d, &d->node, x->node_attrs, x->sub->n, err));
    WR_TRY(init_list(d, &d->edge, x->edge_attrs, x->sub->m, err));
    WR_TRY(add_graph_columns(d, x, err));
    WR_TRY(add_node_columns(d, x, err));
    WR_TRY(add_edge_columns(d, x, err));
    for (size_t k = 0; k < x->graph_attrs; k++)
        WR_TRY(add_given(d, &d->graph, &x->graph_attr[k], err));
    for (size_t k = 0; k < x->node_attrs; k++)
        WR_TRY(add_given(d, &d->node, &x->node_attr[k], err));
    for (size_t k = 0; k < x->edge_attrs; k++)
        WR_TRY(add_given(d, &d->edge, &x->edge_attr[k], err));
    if (!d->node.col[WR_DOC_LABEL].text)
        d->node.col[WR_DOC_LABEL].text = d->node.col[WR_DOC_ID].text;
    return WR_OK;
}

wr_status wr_doc_init(wr_doc *d, const wr_export_doc *x, wr_err *err)
{
    assert(x && x->g && x->sub);
    *d = (wr_doc){.sub = x->sub};
    wr_arena_init(&d->arena, 0);
    const wr_status s = fill(d, x, err);
    if (s != WR_OK)
        wr_doc_release(d);
    return s;
}

void wr_doc_release(wr_doc *d)
{
    wr_arena_release(&d->arena);
    *d = (wr_doc){0};
}

void wr_double_text(char out[WR_DOUBLE_TEXT_MAX], double x)
{
    assert(isfinite(x));
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(out, WR_DOUBLE_TEXT_MAX, "%.*g", digits, x);
        if (strtod(out, NULL) == x)
            return;
    }
}

wr_status wr_doc_finish(wr_buf *out, size_t len0, wr_status s, const char *what,
                        wr_err *err)
{
    if (s == WR_OK)
        s = wr_buf_status(out, what, err);
    if (s != WR_OK) {
        out->len = len0;
        out->status = WR_OK;
        if (out->p)
            out->p[len0] = '\0';
    }
    return s;
}
