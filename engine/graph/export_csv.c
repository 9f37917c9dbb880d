/* entities.csv and links.csv: RFC 4180, CRLF, header line, column order as in export.h.
 */
#include <assert.h>
#include <math.h>

#include "graph/export_int.h"

/* What a spreadsheet would take for a formula is made plain text by a leading '. */
static bool is_formula(wr_text t)
{
    return t.len > 0 && strchr("=+-@", t.p[0]) != NULL;
}

static bool needs_quotes(wr_text t)
{
    for (uint32_t i = 0; i < t.len; i++)
        if (t.p[i] == '"' || t.p[i] == ',' || t.p[i] == ';')
            return true;
    return t.len > 0 && (t.p[0] == ' ' || t.p[t.len - 1] == ' ');
}

static void add_text(wr_buf *out, wr_text t)
{
    const bool is_guarded = is_formula(t);
    if (!t.p || (!is_guarded && !needs_quotes(t))) {
        wr_buf_add(out, t.p, t.len);
        return;
    }
    wr_buf_adds(out, is_guarded ? "\"'" : "\"");
    uint32_t from = 0;
    for (uint32_t i = 0; i < t.len; i++)
        if (t.p[i] == '"') { /* up to and with the quote, then once more from it */
            wr_buf_add(out, t.p + from, i + 1 - from);
            from = i;
        }
    wr_buf_add(out, t.p + from, t.len - from);
    wr_buf_add(out, "\"", 1);
}

static void add_cell(wr_buf *out, const wr_attr *c, uint64_t row)
{
    char number[WR_DOUBLE_TEXT_MAX];
    switch (c->type) {
    case WR_ATTR_TEXT:
        add_text(out, c->text[row]);
        break;
    case WR_ATTR_INTEGER: /* digits: a leading - is a sign, not a formula */
        wr_buf_add(out, c->text[row].p, c->text[row].len);
        break;
    case WR_ATTR_DOUBLE:
        if (isnan(c->number[row]))
            break;
        wr_double_text(number, c->number[row]);
        wr_buf_adds(out, number);
        break;
    case WR_ATTR_BOOL:
        wr_buf_adds(out, c->flag[row] ? "true" : "false");
        break;
    }
}

static void end_line(wr_buf *out)
{
    wr_buf_add(out, "\r\n", 2);
}

wr_status wr_export_csv_nodes(wr_buf *out, const wr_export_doc *x, wr_err *err)
{
    assert(out && x);
    WR_AUTO_DOC(d);
    WR_TRY(wr_doc_init(&d, x, err));
    const size_t len0 = out->len;
    for (size_t k = 0; k < d.node.count; k++) {
        wr_buf_adds(out, k ? "," : "");
        wr_buf_adds(out, d.node.col[k].name);
    }
    end_line(out);
    for (uint64_t i = 0; i < d.node.rows; i++) {
        for (size_t k = 0; k < d.node.count; k++) {
            wr_buf_adds(out, k ? "," : "");
            add_cell(out, &d.node.col[k], i);
        }
        end_line(out);
    }
    return wr_doc_finish(out, len0, WR_OK, "entities.csv", err);
}

wr_status wr_export_csv_edges(wr_buf *out, const wr_export_doc *x, wr_err *err)
{
    assert(out && x);
    WR_AUTO_DOC(d);
    WR_TRY(wr_doc_init(&d, x, err));
    const size_t len0 = out->len;
    wr_buf_adds(out, "source,target");
    for (size_t k = 0; k < d.edge.count; k++) {
        wr_buf_adds(out, ",");
        wr_buf_adds(out, d.edge.col[k].name);
    }
    end_line(out);
    for (uint64_t i = 0; i < d.edge.rows; i++) {
        add_text(out, wr_doc_id(&d, d.sub->edge[i].from));
        wr_buf_adds(out, ",");
        add_text(out, wr_doc_id(&d, d.sub->edge[i].to));
        for (size_t k = 0; k < d.edge.count; k++) {
            wr_buf_adds(out, ",");
            add_cell(out, &d.edge.col[k], i);
        }
        end_line(out);
    }
    return wr_doc_finish(out, len0, WR_OK, "links.csv", err);
}
