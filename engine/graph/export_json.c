#include <assert.h>
#include <math.h>

#include "graph/export_int.h"
#include "util/json_out.h"

static void add_value(wr_json_out *j, const wr_attr *c, uint64_t row)
{
    switch (c->type) {
    case WR_ATTR_TEXT:
    case WR_ATTR_INTEGER: /* a string: 2^53 is the end of exact numbers in most readers */
        wr_json_text(j, c->text[row]);
        break;
    case WR_ATTR_DOUBLE:
        if (isnan(c->number[row]))
            wr_json_null(j);
        else
            wr_json_f64(j, c->number[row]);
        break;
    case WR_ATTR_BOOL:
        wr_json_bool(j, c->flag[row]);
        break;
    }
}

static void add_row(wr_json_out *j, const wr_columns_list *l, uint64_t row)
{
    for (size_t k = 0; k < l->count; k++) {
        wr_json_key(j, l->col[k].name);
        add_value(j, &l->col[k], row);
    }
}

wr_status wr_export_json(wr_buf *out, const wr_export_doc *x, wr_err *err)
{
    assert(out && x);
    WR_AUTO_DOC(d);
    WR_TRY(wr_doc_init(&d, x, err));
    const size_t len0 = out->len;
    wr_json_out j = wr_json_out_on(out);
    wr_json_open(&j, '{');
    wr_json_kv_bool(&j, "directed", true);
    wr_json_kv_bool(&j, "multigraph", x->sub->is_transfer_level);
    wr_json_key(&j, "graph");
    wr_json_open(&j, '{');
    add_row(&j, &d.graph, 0);
    wr_json_close(&j, '}');
    wr_json_key(&j, "nodes");
    wr_json_open(&j, '[');
    for (uint64_t i = 0; i < d.node.rows; i++) {
        wr_json_open(&j, '{');
        add_row(&j, &d.node, i);
        wr_json_close(&j, '}');
    }
    wr_json_close(&j, ']');
    wr_json_key(&j, "edges");
    wr_json_open(&j, '[');
    for (uint64_t i = 0; i < d.edge.rows; i++) {
        wr_json_open(&j, '{');
        wr_json_kv_text(&j, "source", wr_doc_id(&d, x->sub->edge[i].from));
        wr_json_kv_text(&j, "target", wr_doc_id(&d, x->sub->edge[i].to));
        add_row(&j, &d.edge, i);
        wr_json_close(&j, '}');
    }
    wr_json_close(&j, ']');
    wr_json_close(&j, '}');
    return wr_doc_finish(out, len0, WR_OK, "JSON export", err);
}
