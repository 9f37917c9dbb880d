#include "pipeline/answers/subgraph_export.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "graph/export.h"
#include "pipeline/run/assess_int.h"
#include "util/clock.h"

/* --- formats ---------------------------------------------------------------------------
 */

static const struct {
    const char *name, *media_type;
    wr_status (*write)(wr_buf *out, const wr_export_doc *x, wr_err *err);
} format_table[] = {
    [WR_EXPORT_GRAPHML] = {"graphml", "application/graphml+xml", wr_export_graphml},
    [WR_EXPORT_GEXF] = {"gexf", "application/gexf+xml", wr_export_gexf},
    [WR_EXPORT_CSV_NODES] = {"csv-nodes", "text/csv; charset=utf-8", wr_export_csv_nodes},
    [WR_EXPORT_CSV_EDGES] = {"csv-edges", "text/csv; charset=utf-8", wr_export_csv_edges},
    [WR_EXPORT_JSON] = {"json", "application/json", wr_export_json},
};
enum { FORMATS = sizeof format_table / sizeof *format_table };

wr_status wr_export_format_parse(wr_export_format *out, wr_text t, wr_err *err)
{
    for (int f = 0; f < FORMATS; f++)
        if (wr_text_eq(t, wr_text_of(format_table[f].name))) {
            *out = (wr_export_format)f;
            return WR_OK;
        }
    return wr_fail(err, WR_EINVAL,
                   "format '%.*s' is none of graphml, gexf, csv-nodes, csv-edges, json",
                   WR_TEXT_ARG(t));
}

const char *wr_export_media_type(wr_export_format f)
{
    return format_table[f].media_type;
}

/* --- columns ---------------------------------------------------------------------------
 */

enum { NODE_ATTRS = 13, EDGE_ATTRS = 4, GRAPH_ATTRS = 9 };

/* Column arrays live in one arena until the document is written. */
typedef struct columns {
    wr_arena arena;
    wr_attr node[NODE_ATTRS], edge[EDGE_ATTRS], graph[GRAPH_ATTRS];
    size_t nodes, edges, graphs;
    bool is_out_of_memory;
} columns;

static void *room(columns *c, size_t rows, size_t size)
{
    void *p = wr_arena_alloc(&c->arena, (rows ? rows : 1) * size);
    c->is_out_of_memory = c->is_out_of_memory || !p;
    return p;
}

static wr_text *text_column(columns *c, wr_attr *to, size_t *count, const char *name,
                            wr_attr_type type, size_t rows)
{
    wr_text *p = room(c, rows, sizeof *p);
    to[(*count)++] = (wr_attr){.name = name, .type = type, .text = p};
    return p;
}

static double *number_column(columns *c, wr_attr *to, size_t *count, const char *name,
                             size_t rows)
{
    double *p = room(c, rows, sizeof *p);
    to[(*count)++] = (wr_attr){.name = name, .type = WR_ATTR_DOUBLE, .number = p};
    return p;
}

static wr_text keep(columns *c, const char *cstr)
{
    wr_text t = wr_arena_text(&c->arena, wr_text_of(cstr));
    c->is_out_of_memory = c->is_out_of_memory || !t.p;
    return t;
}

static wr_text keep_time(columns *c, int64_t time_s)
{
    char t[WR_RFC3339_MAX];
    if (!time_s)
        return (wr_text){0};
    wr_time_format(t, time_s);
    return keep(c, t);
}

static wr_text category_text(const wr_assessment *a, int category)
{
    return category < 0 ? (wr_text){0}
                        : wr_text_of(a->cfg->taxonomy.category[category].id);
}

static void fill_nodes(columns *c, const wr_assessment *a, const wr_subgraph *sub)
{
    const size_t n = sub->n;
    wr_attr *to = c->node;
    size_t *k = &c->nodes;
    wr_text *address = text_column(c, to, k, "address", WR_ATTR_TEXT, n);
    double *score = number_column(c, to, k, "score", n);
    wr_text *level = text_column(c, to, k, "level", WR_ATTR_TEXT, n);
    wr_text *category = text_column(c, to, k, "category", WR_ATTR_TEXT, n);
    wr_text *own = text_column(c, to, k, "own_label", WR_ATTR_TEXT, n);
    double *confidence = number_column(c, to, k, "confidence", n);
    double *in_value = number_column(c, to, k, "in_value", n);
    double *out_value = number_column(c, to, k, "out_value", n);
    double *unknown = number_column(c, to, k, "unknown_share", n);
    double *association = number_column(c, to, k, "association", n);
    wr_text *first = text_column(c, to, k, "first_seen", WR_ATTR_TEXT, n);
    wr_text *last = text_column(c, to, k, "last_seen", WR_ATTR_TEXT, n);
    wr_text *run = text_column(c, to, k, "run_id", WR_ATTR_TEXT, n);
    if (c->is_out_of_memory)
        return;
    for (size_t i = 0; i < n; i++) {
        const wr_vid v = sub->node[i].v;
        wr_wallet_view w;
        wr_assessment_wallet(a, v, &w);
        address[i] = wr_ids_address(wr_snapshot_ids(a->g), v);
        score[i] = wr_score_publish(w.score);
        level[i] = wr_text_of(wr_level_name(w.level));
        category[i] = category_text(a, w.category);
        own[i] = category_text(a, w.own_category);
        confidence[i] = w.own_category < 0 ? (double)NAN : w.own_confidence * 100.0;
        in_value[i] = w.received;
        out_value[i] = w.sent;
        unknown[i] = w.unknown_share;
        association[i] = w.association;
        first[i] = keep_time(c, w.first_s);
        last[i] = keep_time(c, w.last_s);
        run[i] = wr_text_of(a->run.id);
    }
}

typedef struct stored_transfer {
    columns *c;
    wr_text *hash, *amount, *asset;
} stored_transfer;

static wr_status take_transfer(void *ctx, const wr_transfer_row *row, wr_err *err)
{
    stored_transfer *s = ctx;
    const wr_transfer *t = &row->transfer;
    char amount[WR_AMOUNT_TEXT_MAX];
    wr_amount_format(amount, t->amount_base);
    *s->hash = wr_arena_text(&s->c->arena, t->tx_hash);
    *s->amount = keep(s->c, amount);
    *s->asset = wr_arena_text(&s->c->arena, t->asset);
    return s->hash->p && s->asset->p ? WR_OK : wr_fail(err, WR_ENOMEM, "transfer texts");
}

/* At transfer level: where each edge stands in the store, and what it says there. */
static wr_status fill_edges(columns *c, const wr_assessment *a, const wr_subgraph *sub,
                            wr_store *st, wr_err *err)
{
    if (!sub->is_transfer_level)
        return WR_OK;
    const size_t m = sub->m;
    wr_text *seq = text_column(c, c->edge, &c->edges, "seq", WR_ATTR_INTEGER, m);
    wr_text *hash = NULL;
    wr_text *amount = NULL;
    wr_text *asset = NULL;
    if (st) {
        hash = text_column(c, c->edge, &c->edges, "tx_hash", WR_ATTR_TEXT, m);
        amount = text_column(c, c->edge, &c->edges, "amount", WR_ATTR_INTEGER, m);
        asset = text_column(c, c->edge, &c->edges, "asset", WR_ATTR_TEXT, m);
    }
    for (size_t i = 0; i < m && !c->is_out_of_memory; i++) {
        const int64_t at = wr_columns_seq(&a->flow.col, sub->edge[i].transfer);
        char text[24];
        (void)snprintf(text, sizeof text, "%" PRId64, at);
        seq[i] = keep(c, text);
        if (!st)
            continue;
        stored_transfer s = {c, &hash[i], &amount[i], &asset[i]};
        WR_TRY(wr_store_transfer_get(st, at, take_transfer, &s, err));
    }
    return WR_OK;
}

static void graph_text(columns *c, const char *name, wr_text value)
{
    wr_text *t = text_column(c, c->graph, &c->graphs, name, WR_ATTR_TEXT, 1);
    if (t)
        *t = value;
}

static void fill_graph(columns *c, const wr_assessment *a, wr_vid center)
{
    const wr_ids *ids = wr_snapshot_ids(a->g);
    char id[WR_CAIP10_MAX + 1];
    wr_address_caip10(id, wr_ids_chain(ids, center), wr_ids_address(ids, center));
    graph_text(c, "generator", WR_TEXT_LIT("walletrisk " WR_VERSION));
    graph_text(c, "center", keep(c, id));
    graph_text(c, "run_id", wr_text_of(a->run.id));
    graph_text(c, "as_of", keep_time(c, a->run.as_of_s));
    graph_text(c, "graph_digest", wr_text_of(a->run.graph_digest.s));
    graph_text(c, "labels_digest", wr_text_of(a->run.labels_digest.s));
    graph_text(c, "config_digest", wr_text_of(a->run.config_digest.s));
    graph_text(c, "output_digest", wr_text_of(a->run.output_digest.s));
    graph_text(c, "label_sources", wr_text_of(a->labels.sources));
}

/* --- export ----------------------------------------------------------------------------
 */

static wr_status clamp_range(wr_subgraph_query *s, const wr_export_query *q, wr_err *err)
{
    if (q->from_s != WR_TIME_NONE && q->to_s != WR_TIME_NONE && q->from_s > q->to_s)
        return wr_fail(err, WR_EINVAL, "from is after to");
    if (q->from_s != WR_TIME_NONE)
        s->from_s = q->from_s < 0            ? 0
                    : q->from_s > UINT32_MAX ? UINT32_MAX
                                             : (uint32_t)q->from_s;
    if (q->to_s != WR_TIME_NONE)
        s->to_s = q->to_s < 0 ? 0 : q->to_s > UINT32_MAX ? UINT32_MAX : (uint32_t)q->to_s;
    return WR_OK;
}

static wr_status write_doc(wr_buf *out, const wr_assessment *a, const wr_export_query *q,
                           const wr_subgraph *sub, columns *c, wr_export_format format,
                           wr_err *err)
{
    fill_nodes(c, a, sub);
    WR_TRY(fill_edges(c, a, sub, q->st, err));
    fill_graph(c, a, q->center);
    if (c->is_out_of_memory)
        return wr_fail(err, WR_ENOMEM, "columns of %u nodes", sub->n);
    const wr_export_doc doc = {.g = a->g,
                               .sub = sub,
                               .graph_attr = c->graph,
                               .node_attr = c->node,
                               .edge_attr = c->edge,
                               .graph_attrs = c->graphs,
                               .node_attrs = c->nodes,
                               .edge_attrs = c->edges};
    return format_table[format].write(out, &doc, err);
}

wr_status wr_export_subgraph(wr_buf *out, wr_export_info *info, const wr_assessment *a,
                             const wr_export_query *q, wr_export_format format,
                             wr_err *err)
{
    if (q->center >= a->n)
        return wr_fail(err, WR_EINVAL, "center %u of %u", q->center, a->n);
    wr_subgraph_query s = WR_SUBGRAPH_QUERY_INIT;
    s.seed = &q->center;
    s.seeds = 1;
    s.hops_max = q->hops;
    s.direction = q->direction;
    s.min_value = q->min_value;
    s.nodes_max = q->nodes_max;
    s.is_transfer_level = q->is_transfer_level;
    WR_TRY(clamp_range(&s, q, err));
    wr_subgraph sub = {0};
    WR_TRY(wr_subgraph_extract(&sub, a->g, &s, err));
    columns c = {0};
    wr_arena_init(&c.arena, 0);
    wr_status st = write_doc(out, a, q, &sub, &c, format, err);
    *info = (wr_export_info){sub.n, sub.m, sub.is_truncated};
    wr_arena_release(&c.arena);
    wr_subgraph_release(&sub);
    return st;
}
