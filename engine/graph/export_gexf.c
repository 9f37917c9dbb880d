/*
 * GEXF 1.2draft by hand.  Source  https://gexf.net (primer and schema of 1.2draft).
 * Attribute ids are "n0".. and "e0"..; edges have ids, so that readers keep parallel
 * ones.
 */
#include <assert.h>
#include <math.h>

#include "graph/export_int.h"
#include "util/clock.h"

/* Text is clean already: only XML's own characters are left to escape. */
static void add_escaped(wr_buf *out, wr_text t)
{
    uint32_t from = 0;
    for (uint32_t i = 0; i < t.len; i++) {
        const char *put = t.p[i] == '&'    ? "&amp;"
                          : t.p[i] == '<'  ? "&lt;"
                          : t.p[i] == '>'  ? "&gt;"
                          : t.p[i] == '"'  ? "&quot;"
                          : t.p[i] == '\'' ? "&apos;"
                                           : NULL;
        if (!put)
            continue;
        wr_buf_add(out, t.p + from, i - from);
        wr_buf_adds(out, put);
        from = i + 1;
    }
    if (t.len > from)
        wr_buf_add(out, t.p + from, t.len - from);
}

static const char *type_name(wr_attr_type type)
{
    return type == WR_ATTR_DOUBLE ? "double"
           : type == WR_ATTR_BOOL ? "boolean"
                                  : "string";
}

static void add_declarations(wr_buf *out, const wr_columns_list *l, const char *kind)
{
    wr_buf_addf(out, "    <attributes class=\"%s\">\n", kind);
    for (size_t k = 0; k < l->count; k++)
        wr_buf_addf(out, "      <attribute id=\"%c%zu\" title=\"%s\" type=\"%s\"/>\n",
                    kind[0], k, l->col[k].name, type_name(l->col[k].type));
    wr_buf_adds(out, "    </attributes>\n");
}

static void add_value(wr_buf *out, const wr_attr *c, uint64_t row)
{
    char number[WR_DOUBLE_TEXT_MAX];
    switch (c->type) {
    case WR_ATTR_TEXT:
    case WR_ATTR_INTEGER:
        add_escaped(out, c->text[row]);
        break;
    case WR_ATTR_DOUBLE:
        wr_double_text(number, c->number[row]);
        wr_buf_adds(out, number);
        break;
    case WR_ATTR_BOOL:
        wr_buf_adds(out, c->flag[row] ? "true" : "false");
        break;
    }
}

static bool is_absent(const wr_attr *c, uint64_t row)
{
    return c->type == WR_ATTR_DOUBLE ? isnan(c->number[row])
                                     : c->type != WR_ATTR_BOOL && !c->text[row].p;
}

static void add_values(wr_buf *out, const wr_columns_list *l, char kind, uint64_t row)
{
    wr_buf_adds(out, "        <attvalues>\n");
    for (size_t k = 0; k < l->count; k++) {
        if (is_absent(&l->col[k], row))
            continue;
        wr_buf_addf(out, "          <attvalue for=\"%c%zu\" value=\"", kind, k);
        add_value(out, &l->col[k], row);
        wr_buf_adds(out, "\"/>\n");
    }
    wr_buf_adds(out, "        </attvalues>\n");
}

/* GEXF has no graph attributes: name=value lines in the description. */
static void add_meta(wr_buf *out, const wr_columns_list *l)
{
    wr_buf_adds(out, "  <meta>\n    <creator>walletrisk</creator>\n    <description>");
    for (size_t k = 0; k < l->count; k++) {
        if (is_absent(&l->col[k], 0))
            continue;
        wr_buf_addf(out, "%s%s=", k ? "\n" : "", l->col[k].name);
        add_value(out, &l->col[k], 0);
    }
    wr_buf_adds(out, "</description>\n  </meta>\n");
}

static void add_nodes(wr_buf *out, const wr_doc *d)
{
    wr_buf_adds(out, "    <nodes>\n");
    for (uint64_t i = 0; i < d->node.rows; i++) {
        wr_buf_adds(out, "      <node id=\"");
        add_escaped(out, d->node.col[WR_DOC_ID].text[i]);
        wr_buf_adds(out, "\" label=\"");
        add_escaped(out, d->node.col[WR_DOC_LABEL].text[i]);
        wr_buf_adds(out, "\">\n");
        add_values(out, &d->node, 'n', i);
        wr_buf_adds(out, "      </node>\n");
    }
    wr_buf_adds(out, "    </nodes>\n");
}

static void add_edges(wr_buf *out, const wr_doc *d)
{
    wr_buf_adds(out, "    <edges>\n");
    for (uint64_t i = 0; i < d->edge.rows; i++) {
        const wr_subgraph_edge *e = &d->sub->edge[i];
        char start[WR_RFC3339_MAX];
        char end[WR_RFC3339_MAX];
        wr_time_format(start, e->first_s);
        wr_time_format(end, e->last_s);
        wr_buf_addf(out, "      <edge id=\"%llu\" source=\"", (unsigned long long)i);
        add_escaped(out, wr_doc_id(d, e->from));
        wr_buf_adds(out, "\" target=\"");
        add_escaped(out, wr_doc_id(d, e->to));
        wr_buf_addf(out, "\" start=\"%s\" end=\"%s\">\n", start, end);
        add_values(out, &d->edge, 'e', i);
        wr_buf_adds(out, "      </edge>\n");
    }
    wr_buf_adds(out, "    </edges>\n");
}

wr_status wr_export_gexf(wr_buf *out, const wr_export_doc *x, wr_err *err)
{
    assert(out && x);
    WR_AUTO_DOC(d);
    WR_TRY(wr_doc_init(&d, x, err));
    const size_t len0 = out->len;
    wr_buf_adds(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                     "<gexf xmlns=\"http://www.gexf.net/1.2draft\" version=\"1.2\">\n");
    add_meta(out, &d.graph);
    wr_buf_adds(out, "  <graph defaultedgetype=\"directed\" mode=\"dynamic\" "
                     "timeformat=\"date\">\n");
    add_declarations(out, &d.node, "node");
    add_declarations(out, &d.edge, "edge");
    add_nodes(out, &d);
    add_edges(out, &d);
    wr_buf_adds(out, "  </graph>\n</gexf>\n");
    return wr_doc_finish(out, len0, WR_OK, "GEXF export", err);
}
