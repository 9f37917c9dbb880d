#include "codec/yaml_doc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "model/amount.h"

enum { DOC_MAX_BYTES = 64 << 20, NAME_MAX_BYTES = 128 };

struct wr_yaml_doc {
    yaml_document_t doc;
    bool is_loaded;
    char name[NAME_MAX_BYTES];
};

static yaml_node_t *node_of(wr_yaml_node n)
{
    /* libyaml's reader takes a non-const document, yet only reads it */
    yaml_document_t *doc;
    const yaml_document_t *from = &n.doc->doc;
    memcpy(&doc, &from,
           sizeof from); /* NOLINT(bugprone-sizeof-expression): the pointer */
    return n.index ? yaml_document_get_node(doc, n.index) : NULL;
}

wr_status wr_yaml_parse(wr_yaml_doc **out, const char *name, const char *text, size_t len,
                        wr_err *err)
{
    if (len > DOC_MAX_BYTES)
        return wr_fail(err, WR_ELIMIT, "%s: %zu bytes, limit %d", name, len,
                       DOC_MAX_BYTES);
    WR_AUTO(wr_yaml_doc) d = wr_calloc(1, sizeof *d);
    if (!d)
        return wr_fail(err, WR_ENOMEM, "%s: yaml document", name);
    (void)snprintf(d->name, sizeof d->name, "%s", name);

    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return wr_fail(err, WR_ENOMEM, "%s: yaml parser", name);
    yaml_parser_set_input_string(&parser, (const unsigned char *)(text ? text : ""), len);
    d->is_loaded = yaml_parser_load(&parser, &d->doc) != 0;
    wr_status s = WR_OK;
    if (!d->is_loaded)
        s = wr_fail(err, WR_EPARSE, "%s:%zu: %s", name, parser.problem_mark.line + 1,
                    parser.problem ? parser.problem : "not yaml");
    yaml_parser_delete(&parser);
    WR_TRY(s);
    if (!yaml_document_get_root_node(&d->doc))
        return wr_fail(err, WR_EPARSE, "%s: empty", name);
    *out = WR_STEAL(d);
    return WR_OK;
}

void wr_yaml_free(wr_yaml_doc *d)
{
    if (!d)
        return;
    if (d->is_loaded)
        yaml_document_delete(&d->doc);
    wr_free(d);
}

wr_yaml_node wr_yaml_root(const wr_yaml_doc *d)
{
    return (wr_yaml_node){.doc = d, .index = 1};
}

size_t wr_yaml_line(wr_yaml_node n)
{
    const yaml_node_t *y = node_of(n);
    return y ? y->start_mark.line + 1 : 0;
}

wr_status wr_yaml_fail(wr_yaml_node n, wr_err *err, const char *fmt, ...)
{
    char what[WR_ERR_MSG_MAX];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    return wr_fail(err, WR_EPARSE, "%s:%zu: %.180s", n.doc->name, wr_yaml_line(n), what);
}

static wr_text scalar_of(const yaml_node_t *y)
{
    if (!y || y->type != YAML_SCALAR_NODE)
        return (wr_text){0};
    return (wr_text){.p = (const char *)y->data.scalar.value,
                     .len = (uint32_t)y->data.scalar.length};
}

wr_yaml_node wr_yaml_get(wr_yaml_node n, const char *key)
{
    const yaml_node_t *y = node_of(n);
    wr_yaml_node none = {.doc = n.doc};
    if (!y || y->type != YAML_MAPPING_NODE)
        return none;
    for (const yaml_node_pair_t *p = y->data.mapping.pairs.start;
         p < y->data.mapping.pairs.top; p++) {
        wr_yaml_node k = {.doc = n.doc, .index = p->key};
        if (wr_text_eq(scalar_of(node_of(k)), wr_text_of(key)))
            return (wr_yaml_node){.doc = n.doc, .index = p->value};
    }
    return none;
}

static bool is_one_of(wr_text t, const char *const keys[])
{
    for (size_t i = 0; keys[i]; i++)
        if (wr_text_eq(t, wr_text_of(keys[i])))
            return true;
    return false;
}

wr_status wr_yaml_only(wr_yaml_node n, const char *const keys[], wr_err *err)
{
    const yaml_node_t *y = node_of(n);
    if (!y || y->type != YAML_MAPPING_NODE)
        return wr_yaml_fail(n, err, "expected a mapping");
    for (const yaml_node_pair_t *p = y->data.mapping.pairs.start;
         p < y->data.mapping.pairs.top; p++) {
        wr_yaml_node k = {.doc = n.doc, .index = p->key};
        wr_text t = scalar_of(node_of(k));
        if (!is_one_of(t, keys))
            return wr_yaml_fail(k, err, "unknown key '%.*s'", WR_TEXT_ARG(t));
    }
    return WR_OK;
}

size_t wr_yaml_count(wr_yaml_node n)
{
    const yaml_node_t *y = node_of(n);
    if (y && y->type == YAML_SEQUENCE_NODE)
        return (size_t)(y->data.sequence.items.top - y->data.sequence.items.start);
    if (y && y->type == YAML_MAPPING_NODE)
        return (size_t)(y->data.mapping.pairs.top - y->data.mapping.pairs.start);
    return 0;
}

wr_yaml_node wr_yaml_item(wr_yaml_node n, size_t i)
{
    const yaml_node_t *y = node_of(n);
    wr_yaml_node out = {.doc = n.doc};
    if (y && y->type == YAML_SEQUENCE_NODE && i < wr_yaml_count(n))
        out.index = y->data.sequence.items.start[i];
    return out;
}

wr_status wr_yaml_text(wr_text *out, wr_yaml_node n, const char *what, wr_err *err)
{
    const yaml_node_t *y = node_of(n);
    if (!y)
        return wr_fail(err, WR_EPARSE, "%s: '%s' is missing", n.doc->name, what);
    if (y->type != YAML_SCALAR_NODE)
        return wr_yaml_fail(n, err, "'%s' must be a single value", what);
    *out = scalar_of(y);
    return WR_OK;
}

wr_status wr_yaml_number(double *out, wr_yaml_node n, const char *what, double lo,
                         double hi, wr_err *err)
{
    wr_text t = {0};
    WR_TRY(wr_yaml_text(&t, n, what, err));
    double v = 0;
    if (wr_number_parse(&v, t, NULL) != WR_OK)
        return wr_yaml_fail(n, err, "%s: '%.*s' is not a number", what, WR_TEXT_ARG(t));
    if (!(v >= lo && v <= hi))
        return wr_yaml_fail(n, err, "%s: %g is outside %g..%g", what, v, lo, hi);
    *out = v;
    return WR_OK;
}
